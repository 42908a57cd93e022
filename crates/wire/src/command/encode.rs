//! How is a command written on the control connection? (RFC 959 5.3)
use alloc::vec::Vec;
use core::fmt;

use super::{Command, Epsv, Fact, Site};
use crate::host_port;
use crate::line::encode_text;
use crate::option::Opt;

impl Command {
    /// Appends the command as it travels, line end included. What a [`Command`] holds cannot break the line;
    /// bytes of 0xFF are doubled (RFC 854).
    pub fn encode(&self, out: &mut Vec<u8>) {
        let verb = self.verb();
        out.extend_from_slice(verb.name().as_bytes());
        let mut text = |bytes: &[u8]| {
            out.push(b' ');
            encode_text(bytes, out);
        };
        let number = |n: &dyn fmt::Display| alloc::format!("{n}").into_bytes();
        match self {
            Self::List(Some(path)) | Self::Nlst(Some(path)) | Self::Stat(Some(path))
                if path.as_bytes().starts_with(b"-") =>
            {
                // As it stands it would be taken for an option of `ls`, by us and by others, and dropped.
                text(&[b"./", path.as_bytes()].concat());
            }
            Self::User(name) | Self::Host(name) | Self::Clnt(name) => text(name),
            Self::Pass(secret) | Self::Acct(secret) => text(secret.expose()),
            Self::Mdtm(mdtm) => text(mdtm.whole.as_bytes()),
            Self::Digest(_, of) => text(of.whole.as_bytes()),
            Self::Port(host_port) => text(&number(host_port)),
            Self::Eprt(target) => text(host_port::eprt(*target).as_bytes()),
            Self::ListAll => text(b"-a"),
            Self::Epsv(Epsv::Only(family)) => text(&number(&family.number())),
            Self::Epsv(Epsv::All) => text(b"ALL"),
            Self::Type(kind) => text(&number(kind)),
            Self::Stru(structure) => text(&number(&structure.letter())),
            Self::Mode(mode) => text(&number(&mode.letter())),
            Self::Allo(size) => text(&number(size)),
            Self::Rest(marker) => text(&number(&marker.0)),
            Self::Rang(None) => text(b"1 0"),
            Self::Rang(Some((first, last))) => text(alloc::format!("{first} {last}").as_bytes()),
            Self::Auth(mechanism) => text(mechanism.name().as_bytes()),
            Self::Pbsz(size) => text(&number(size)),
            Self::Prot(level) => text(&number(&level.letter())),
            Self::Help(Some(about)) => text(about),
            Self::Opts(Opt::Utf8(on)) => text(if *on { b"UTF8 ON" } else { b"UTF8 OFF" }),
            Self::Opts(Opt::Mlst(facts)) => {
                let mut list = b"MLST ".to_vec();
                for fact in facts {
                    list.extend_from_slice(fact);
                    list.push(b';');
                }
                text(&list);
            }
            Self::Opts(Opt::Hash(None)) => text(b"HASH"),
            Self::Opts(Opt::Hash(Some(algorithm))) => {
                text(alloc::format!("HASH {}", algorithm.name()).as_bytes());
            }
            Self::Mfmt(stamp, path) | Self::Mfct(stamp, path) => {
                text(&[&number(stamp), &b" "[..], path.as_bytes()].concat());
            }
            Self::Mff(facts, path) => {
                let mut both = Vec::new();
                for fact in facts {
                    let one = match fact {
                        Fact::Modify(stamp) => alloc::format!("Modify={stamp};"),
                        Fact::Create(stamp) => alloc::format!("Create={stamp};"),
                        Fact::UnixMode(mode) => alloc::format!("UNIX.mode={mode:04o};"),
                    };
                    both.extend_from_slice(one.as_bytes());
                }
                text(&[&both, &b" "[..], path.as_bytes()].concat());
            }
            Self::Site(site) => match site {
                Site::Help => text(b"HELP"),
                Site::Umask(None) => text(b"UMASK"),
                Site::Umask(Some(mask)) => text(alloc::format!("UMASK {mask:03o}").as_bytes()),
                Site::Chmod(mode, path) => {
                    text(&[alloc::format!("CHMOD {mode:04o} ").as_bytes(), path.as_bytes()].concat());
                }
                Site::Utime(stamp, path) => {
                    // The long form: the short one cannot tell a pathname that itself ends in three times and
                    // UTC.
                    let time = stamp.whole();
                    let times = alloc::format!(" {time} {time} {time} UTC");
                    text(&[b"UTIME ", path.as_bytes(), times.as_bytes()].concat());
                }
                Site::Idle(None) => text(b"IDLE"),
                Site::Idle(Some(seconds)) => text(alloc::format!("IDLE {seconds}").as_bytes()),
            },
            Self::Epsv(Epsv::Any) | Self::Help(None) => {}
            simple => {
                if let Some(path) = simple.whole_pathname() {
                    text(path.as_bytes());
                }
            }
        }
        out.extend_from_slice(b"\r\n");
    }
}
