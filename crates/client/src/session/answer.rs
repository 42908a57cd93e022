//! Can a completion reply be the answer to the command that waits for one?
//!
//! After one reply too many each command would get the answer to the one before it, and the 200 to TYPE would
//! be taken for the end of a RETR. Where the code belongs to another command the session is out of step, and
//! nothing more that is heard in it means anything.
use wire::Verb;

/// Does a 2yz code belong to other commands than `verb` (RFC 959 5.4, 2228 5, 2428 3, 3659, 7151)? Servers
/// answer many commands with 200, 202 or 250 in place of their own codes: of these only 200 and 202 are
/// refused, and only as the end of a transfer.
pub(super) fn belongs_to_another(code: u16, verb: Verb) -> bool {
    use Verb::{
        Abor, Acct, Auth, Avbl, Cdup, Cwd, Epsv, Feat, Hash, Help, Host, Mdtm, Mfct, Mff, Mfmt, Mkd, Opts,
        Pass, Pasv, Pwd, Quit, Rein, Site, Size, Stat, Syst, User, Xcrc,
    };
    let moves_data = verb.row().direction.is_some();
    let verbs: &[Verb] = match code {
        _ if matches!(verb, Opts | Quit | Site) => return false,
        200 | 202 => return moves_data,
        225 | 226 if moves_data => return false,
        225 | 226 => &[Abor, Stat],
        211 | 212 | 214 => &[Feat, Help, Stat],
        213 => &[Avbl, Hash, Mdtm, Mfct, Mff, Mfmt, Size, Stat, Xcrc],
        215 => &[Syst],
        220 => &[Host, Rein],
        221 => &[],
        227 => &[Pasv],
        229 => &[Epsv],
        230..=232 => &[Acct, Pass, User],
        234 => &[Auth],
        257 => &[Cdup, Cwd, Mkd, Pwd],
        _ => return false,
    };
    !verbs.contains(&verb)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_another_command_is_told_from_an_unusual_one() {
        use Verb::{Cwd, Dele, Eprt, Epsv, Mkd, Opts, Pasv, Pwd, Quit, Rest, Retr, Size, Stor, Syst, Type};
        for (code, verb) in [
            (226, Retr),
            (250, Retr),
            (226, Stor),
            (250, Stor),
            (229, Epsv),
            (227, Pasv),
            (200, Eprt),
            (250, Eprt),
            (250, Type),
            (200, Rest),
            (250, Mkd),
            (257, Cwd),
            (200, Syst),
            (202, Opts),
            (220, Opts),
            (226, Quit),
            (253, Size),
        ] {
            assert!(!belongs_to_another(code, verb), "{code} {verb}");
        }
        for (code, verbs) in [
            (200, &[Retr, Stor][..]),
            (213, &[Retr, Cwd, Pwd, Type]),
            (215, &[Size]),
            (220, &[Retr, Type]),
            (221, &[Retr, Size]),
            (226, &[Size, Pwd, Cwd, Dele, Type, Epsv, Rest]),
            (227, &[Epsv, Retr, Eprt]),
            (229, &[Pasv, Retr, Size]),
            (230, &[Retr, Type]),
            (257, &[Retr, Size, Dele]),
        ] {
            for verb in verbs {
                assert!(belongs_to_another(code, *verb), "{code} {verb}");
            }
        }
    }
}
