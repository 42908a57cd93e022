//! May this command be used by this user here? Pure: a table row, rights, the listener's modes.
use config::Listener;
use storage::Rights;
use wire::command::Site;
use wire::verb::{Access, Row};
use wire::{Command, Verb};

use crate::reason::Reason;

/// Decides by the verb alone, before any effect can be built. `rights` is `None` before the login.
pub fn check(row: &Row, rights: Option<Rights>, listener: &Listener) -> Result<(), Reason> {
    if row.needs_login && rights.is_none() {
        return Err(Reason::NotLoggedIn);
    }
    match (row.verb, rights) {
        (Verb::Pasv | Verb::Epsv, _) if !listener.passive => Err(Reason::PassiveOff),
        (Verb::Port | Verb::Eprt, _) if !listener.active => Err(Reason::ActiveOff),
        // Without a pathname it tells of the session.
        (Verb::Stat, _) => Ok(()),
        (_, Some(Rights::Read)) if row.access == Access::Write => Err(Reason::ReadOnly),
        (_, Some(Rights::Drop)) if row.access == Access::Write && listener.read_only => Err(Reason::ReadOnly),
        (Verb::Appe, Some(Rights::Drop)) => Err(Reason::WholeOnly),
        (_, Some(Rights::Drop)) if row.access != Access::Session && !is_for_storing(row.verb) => {
            Err(Reason::UploadOnly)
        }
        _ => Ok(()),
    }
}

/// The same, where a verb is harmless with one argument and not with another.
pub fn check_command(command: &Command, rights: Option<Rights>, listener: &Listener) -> Result<(), Reason> {
    check(command.verb().row(), rights, listener)?;
    match (command, rights) {
        (Command::Stat(Some(_)), None) => Err(Reason::NotLoggedIn),
        (Command::Stat(Some(_)), Some(Rights::Drop)) => Err(Reason::UploadOnly),
        (Command::Site(Site::Chmod(..) | Site::Utime(..) | Site::Umask(Some(_))), Some(rights)) => {
            match rights {
                Rights::Write => Ok(()),
                Rights::Read => Err(Reason::ReadOnly),
                Rights::Drop => Err(Reason::UploadOnly),
            }
        }
        _ => Ok(()),
    }
}

/// What it takes to store a new file: to go where it belongs, and to send it. Neither shows what is there;
/// MKD would let strangers fill the tree with names that only the administrator can remove, and APPE
/// changes what is there.
fn is_for_storing(verb: Verb) -> bool {
    matches!(verb, Verb::Stor | Verb::Stou | Verb::Cwd | Verb::Xcwd | Verb::Cdup | Verb::Xcup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::verb::TABLE;

    #[test]
    fn nothing_that_touches_files_passes_before_a_login() {
        for row in TABLE.iter().filter(|r| r.access != Access::Session && r.verb != Verb::Stat) {
            assert_eq!(check(row, None, &Listener::default()), Err(Reason::NotLoggedIn), "{}", row.name);
        }
    }

    #[test]
    fn modes_are_switched_off_one_by_one() {
        let listener = Listener { active: false, ..Listener::default() };
        for rights in Rights::ALL {
            assert_eq!(check(Verb::Port.row(), Some(rights), &listener), Err(Reason::ActiveOff));
            assert_eq!(check(Verb::Pasv.row(), Some(rights), &listener), Ok(()));
        }
    }

    #[test]
    fn nothing_is_stored_through_a_read_only_listener() {
        let listener = Listener { read_only: true, ..Listener::default() };
        for row in TABLE.iter().filter(|row| row.access == Access::Write) {
            for rights in [Rights::Read, Rights::Drop] {
                assert_eq!(check(row, Some(rights), &listener), Err(Reason::ReadOnly), "{}", row.name);
            }
        }
    }

    /// Every verb of the table that is served, by who may use it; and the forms of those that are harmless or
    /// not.
    #[test]
    fn each_verb_is_for_whom_it_should_be() {
        const TIME: &str = "20240102030405";
        // `r` reads, `w` writes, `d` may only store new files.
        let expected = [
            ("rwd", "USER x|PASS x|ACCT x|HOST x|REIN|QUIT|PORT 127,0,0,1,4,1|PASV|EPRT |1|127.0.0.1|1025|"),
            (
                "rwd",
                "EPSV|TYPE I|STRU F|MODE S|ALLO 1|REST 5|RANG 1 2|ABOR|PWD|XPWD|SYST|STAT|HELP|NOOP|FEAT",
            ),
            ("rwd", "OPTS UTF8 ON|CLNT x|AUTH TLS|PBSZ 0|PROT P|CCC|SITE HELP|SITE UMASK|SITE IDLE 60"),
            ("rwd", "CWD x|XCWD x|CDUP|XCUP"),
            ("wd", "STOR x|STOU|STOU x"),
            ("rw", "RETR x|LIST|LIST x|NLST|NLST x|MLSD|MLSD x|MLST|MLST x|STAT x|SIZE x|MDTM x|AVBL|AVBL x"),
            ("rw", "HASH x|XCRC x|XMD5 x|XSHA1 x|XSHA256 x|XSHA512 x"),
            ("w", "APPE x|RNFR x|RNTO x|DELE x|RMD x|XRMD x|MKD x|XMKD x|MFMT {t} x|MFCT {t} x"),
            ("w", "MFF Modify={t}; x|SITE CHMOD 600 x|SITE UTIME {t} x|SITE UMASK 022"),
        ];
        let mut seen = Vec::new();
        for (who, lines) in expected {
            // EPRT's own bars are no separators.
            let lines = lines.replace("|1|127.0.0.1|1025|", ",1,127.0.0.1,1025,").replace("{t}", TIME);
            for line in lines.split('|') {
                let command = Command::parse(line.as_bytes()).unwrap_or_else(|why| panic!("{line}: {why}"));
                seen.push(command.verb());
                for (letter, rights) in [('r', Rights::Read), ('w', Rights::Write), ('d', Rights::Drop)] {
                    let wanted = match rights {
                        _ if who.contains(letter) => Ok(()),
                        Rights::Drop if command.verb() == Verb::Appe => Err(Reason::WholeOnly),
                        Rights::Drop => Err(Reason::UploadOnly),
                        _ => Err(Reason::ReadOnly),
                    };
                    let decided = check_command(&command, Some(rights), &Listener::default());
                    assert_eq!(decided, wanted, "{line} as {rights:?}");
                }
            }
        }
        // XCUP and the like are other names of one command.
        let named =
            |row: &Row| expected.iter().any(|(_, lines)| lines.split('|').any(|l| l.starts_with(row.name)));
        for row in TABLE.iter().filter(|row| row.served) {
            assert!(seen.contains(&row.verb) || named(row), "{} is in no row", row.name);
            for rights in Rights::ALL {
                let told = check(row, Some(rights), &Listener::default());
                assert!(
                    row.verb == Verb::Stat
                        || rights != Rights::Drop
                        || row.access == Access::Session
                        || told.is_ok() == is_for_storing(row.verb),
                    "{}",
                    row.name
                );
            }
        }
    }
}
