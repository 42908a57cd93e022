//! What shapes the next transfer? PASV, EPSV, PORT, EPRT, TYPE, REST, RANG, OPTS.
//!
//! RFC 959 4.1.2, 2428, 2389, 3659.
use std::net::{IpAddr, SocketAddr};

use wire::command::Epsv;
use wire::facts::Wanted;
use wire::option::Opt;
use wire::{Family, HostPort, Marker, RepresentationType, Verb};

use super::Session;
use super::state::{Busy, Listening};
use crate::effect::{DataPlan, Effect};
use crate::reason::Reason;

impl Session {
    pub(super) fn passive(&mut self) {
        if self.parameters.epsv_only {
            return self.refuse(Some(Verb::Pasv), None, Reason::OnlyEpsv);
        }
        if self.local.is_ipv6() {
            let text = "PASV does not support IPv6: use EPSV.".to_owned();
            return self.refuse_with(Some(Verb::Pasv), None, Reason::WrongFamily, text);
        }
        self.listen(Listening::Pasv);
    }

    pub(super) fn extended_passive(&mut self, which: Epsv) {
        let family = Family::of(self.local.ip());
        match which {
            Epsv::All => {
                self.parameters.epsv_only = true;
                self.reply(200, "Only EPSV is accepted from now on.");
            }
            Epsv::Only(asked) if asked != family => {
                self.wrong_family(Verb::Epsv, family);
            }
            Epsv::Any | Epsv::Only(_) => self.listen(Listening::Epsv),
        }
    }

    fn wrong_family(&mut self, verb: Verb, family: Family) {
        let text = format!("Network protocol not supported, use ({}).", family.number());
        self.refuse_with(Some(verb), None, Reason::WrongFamily, text);
    }

    fn listen(&mut self, told_in: Listening) {
        // A second PASV closes the first: the driver drops the claim before it makes another.
        self.data = DataPlan::None;
        self.busy = Busy::Listening(told_in);
        self.effect(Effect::Listen(self.agreed.data));
    }

    pub(super) fn listening(&mut self, outcome: Result<(IpAddr, u16), Reason>) {
        let Busy::Listening(told_in) = std::mem::replace(&mut self.busy, Busy::Nothing) else { return };
        match (outcome, told_in) {
            (Err(reason), Listening::Pasv) => self.refuse(Some(Verb::Pasv), None, reason),
            (Err(reason), Listening::Epsv) => self.refuse(Some(Verb::Epsv), None, reason),
            (Ok((_, port)), Listening::Epsv) => {
                self.data = DataPlan::Listening;
                self.reply(229, format!("Entering extended passive mode (|||{port}|)"));
            }
            (Ok((IpAddr::V4(address), port)), Listening::Pasv) => {
                self.data = DataPlan::Listening;
                self.reply(227, format!("Entering passive mode ({})", HostPort { address, port }));
            }
            (Ok((IpAddr::V6(_), _)), Listening::Pasv) => {
                self.refuse(Some(Verb::Pasv), None, Reason::WrongFamily)
            }
        }
    }

    /// PORT and EPRT: only to the control connection's peer, and above 1023 (RFC 2577 3). Dialled at the
    /// transfer.
    pub(super) fn active(&mut self, verb: Verb, target: SocketAddr) {
        if self.parameters.epsv_only {
            return self.refuse(Some(verb), None, Reason::OnlyEpsv);
        }
        let family = Family::of(self.peer.ip());
        if Family::of(target.ip()) != family {
            return self.wrong_family(verb, family);
        }
        if target.ip() != self.peer.ip() {
            let (named, seen) = (target.ip(), self.peer.ip());
            let text = format!("Your address is {seen}, not {named}: use passive mode (EPSV or PASV).");
            return self.refuse_with(Some(verb), None, Reason::ForeignAddress, text);
        }
        if target.port() < 1024 {
            return self.refuse(Some(verb), None, Reason::LowPort);
        }
        self.effect(Effect::Unlisten);
        // The peer's own address also tells the link it is on, which link-local addresses need and EPRT
        // cannot say.
        let mut dialled = self.peer;
        dialled.set_port(target.port());
        self.data = DataPlan::Target(dialled);
        self.reply(200, "Data will be sent to your port.");
    }

    pub(super) fn representation_type(&mut self, kind: RepresentationType) {
        self.parameters.kind = kind;
        self.reply(200, if self.is_ascii() { "Type set to A (ASCII)." } else { "Type set to I (binary)." });
    }

    pub(super) fn is_ascii(&self) -> bool {
        matches!(self.parameters.kind, RepresentationType::Ascii | RepresentationType::Ebcdic)
    }

    pub(super) fn restart(&mut self, marker: Marker) {
        self.parameters.restart = marker.0;
        self.parameters.range = None;
        self.reply(350, format!("Restarting at {}. Send RETR, STOR or APPE.", marker.0));
    }

    pub(super) fn range(&mut self, range: Option<(u64, u64)>) {
        self.parameters.range = range;
        self.parameters.restart = 0;
        match range {
            Some((first, last)) => self.reply(350, format!("Bytes {first} to {last}. Send RETR.")),
            None => self.reply(350, "Range cleared."),
        }
    }

    pub(super) fn option(&mut self, option: Opt) {
        match option {
            Opt::Utf8(true) => self.reply(200, "UTF-8 enabled."),
            // Names are bytes, in whatever encoding the client sends them.
            Opt::Utf8(false) => self.reply(200, "UTF-8 disabled."),
            Opt::Mlst(names) => {
                self.parameters.wanted = Wanted::from_names(&names);
                self.reply(200, self.parameters.wanted.reply());
            }
            Opt::Hash(asked) => {
                if let Some(algorithm) = asked {
                    self.parameters.hash = algorithm;
                }
                self.reply(200, self.parameters.hash.name());
            }
        }
    }
}
