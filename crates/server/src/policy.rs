//! May this verb be used by this user here? Pure: a table row, the user's rights, the site's modes.
use storage::Rights;
use wire::Verb;
use wire::verb::{Access, Row};

use crate::reason::Reason;
use crate::settings::Modes;

/// Decides before any effect can be built. `rights` is `None` before the login.
pub fn check(row: &Row, rights: Option<Rights>, modes: Modes) -> Result<(), Reason> {
    if row.needs_login && rights.is_none() {
        return Err(Reason::NotLoggedIn);
    }
    let writes = rights.is_some_and(|r| r.write);
    match row.verb {
        Verb::Pasv | Verb::Epsv if !modes.passive => Err(Reason::PassiveOff),
        Verb::Port | Verb::Eprt if !modes.active => Err(Reason::ActiveOff),
        _ if row.access == Access::Write && !writes => Err(Reason::ReadOnly),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::verb::TABLE;

    #[test]
    fn nothing_that_touches_files_passes_before_a_login() {
        for row in TABLE.iter().filter(|r| r.access != Access::Session && r.verb != Verb::Stat) {
            assert_eq!(check(row, None, Modes::default()), Err(Reason::NotLoggedIn), "{}", row.name);
        }
    }

    #[test]
    fn a_reader_changes_nothing() {
        for row in TABLE.iter().filter(|r| r.access == Access::Write) {
            assert_eq!(check(row, Some(Rights { write: false }), Modes::default()), Err(Reason::ReadOnly));
            assert_eq!(check(row, Some(Rights { write: true }), Modes::default()), Ok(()));
        }
    }

    #[test]
    fn modes_are_switched_off_one_by_one() {
        let modes = Modes { active: false, ..Modes::default() };
        let rights = Some(Rights { write: true });
        assert_eq!(check(Verb::Port.row(), rights, modes), Err(Reason::ActiveOff));
        assert_eq!(check(Verb::Pasv.row(), rights, modes), Ok(()));
    }
}
