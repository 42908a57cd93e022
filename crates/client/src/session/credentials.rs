//! Who logs in?
use wire::Secret;

/// Who we say we are.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The name, as bytes.
    pub user: Vec<u8>,
    /// The password.
    pub password: Secret,
    /// The account, where a site asks for one.
    pub account: Option<Secret>,
}

impl Credentials {
    /// Anonymous, with a password that says which program it is, as is the custom.
    #[must_use]
    pub fn anonymous() -> Self {
        Self { user: b"anonymous".to_vec(), password: Secret::new("pasv@"), account: None }
    }

    /// Is it one of the two names that everybody may use (RFC 1635)?
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        storage::gate::is_anonymous(&self.user)
    }
}
