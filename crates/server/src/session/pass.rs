//! Who may touch files? Only the bearer of a [`Pass`], and only a login makes one.
use std::fmt;
use std::sync::Arc;

use storage::{Admission, PathRights, Tree, VPath};

/// Lent by the logged-in phase of a session to each effect on files. It cannot be made anywhere else, so
/// before the login no such effect can even be built.
#[derive(Clone)]
pub struct Pass(Arc<Admission>);

impl Pass {
    pub(super) fn new(admission: Admission) -> Self {
        Self(Arc::new(admission))
    }

    /// The files.
    #[must_use]
    pub fn tree(&self) -> &dyn Tree {
        &*self.0.tree
    }

    /// The user's name, for the log.
    #[must_use]
    pub fn user(&self) -> &Arc<str> {
        &self.0.user
    }

    /// Is it one of the many who share a name without a password?
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.0.anonymous
    }

    /// What the user may do where.
    #[must_use]
    pub fn rights(&self) -> &PathRights {
        &self.0.rights
    }

    pub(super) fn home(&self) -> &VPath {
        &self.0.home
    }
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pass({})", self.0.user)
    }
}
