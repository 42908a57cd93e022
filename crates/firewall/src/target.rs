//! Which kinds of firewall can the rules be written for?

use core::fmt;

use crate::request::{Modes, Output, Request, Tracking};
use crate::rules::Rules;
use crate::sheet::Sheet;

mod advice;
mod aws;
mod aws_nacl;
mod azure;
mod cisco;
mod docker;
mod firewalld;
mod gcp;
mod haproxy;
mod iptables;
mod kubernetes;
mod mikrotik;
pub mod nftables;
mod nftables_insert;
mod nftables_router;
mod pf;
mod ufw;
mod windows;

/// A kind of firewall, and the place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is told in its row below")]
pub enum Target {
    Nftables,
    NftablesInsert,
    NftablesRouter,
    Iptables,
    IptablesInsert,
    Ufw,
    Firewalld,
    Pf,
    Aws,
    AwsNacl,
    Gcp,
    Azure,
    Windows,
    Cisco,
    Mikrotik,
    Kubernetes,
    Docker,
    Haproxy,
}

/// What is known of a target without looking at its text.
struct Row {
    target: Target,
    name: &'static str,
    about: &'static str,
    tested: Tested,
    tracks: Tracks,
    /// What starts a remark.
    mark: &'static str,
    write: Write,
}

/// Does a test load the output into the program that it is for?
#[derive(Clone, Copy)]
enum Tested {
    /// With this program.
    By(&'static str),
    /// This program takes a part of it; the rest is like [`Tested::Not`].
    InPart(&'static str, &'static str),
    /// It is written from the documentation, and only compared with what it was before.
    Not,
}

/// Can it write every request?
enum Write {
    Any(fn(&Request) -> Sheet),
    Some(fn(&Request) -> Result<Sheet, Unfit>),
}

/// Can it follow connections, can it do without?
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tracks {
    Always,
    Never,
    AsAsked,
}

/// Why the rules cannot be written for a target as asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit(pub String);

#[rustfmt::skip]
const ROWS: [Row; 18] = {
    use Target as T;
    use Write as W;
    use Tested::{By, InPart, Not};
    use Tracks::{Always, AsAsked, Never};
    [
        Row { target: T::Nftables, name: "nftables", about: "Linux: a complete rule set, for `nft -f`", tested: By("nft"), tracks: AsAsked, mark: "#", write: W::Any(nftables::write) },
        Row { target: T::NftablesInsert, name: "nftables-insert", about: "Linux: lines for an existing chain of nftables", tested: By("nft"), tracks: AsAsked, mark: "#", write: W::Some(nftables_insert::write) },
        Row { target: T::NftablesRouter, name: "nftables-router", about: "Linux router in front of the server: DNAT and forwarding", tested: By("nft"), tracks: Always, mark: "#", write: W::Some(nftables_router::write) },
        Row { target: T::Iptables, name: "iptables", about: "Linux: a complete rule set, for `iptables-restore` and `ip6tables-restore`", tested: By("iptables-restore"), tracks: AsAsked, mark: "#", write: W::Any(iptables::whole) },
        Row { target: T::IptablesInsert, name: "iptables-insert", about: "Linux: commands that add to existing rules of iptables", tested: By("iptables"), tracks: AsAsked, mark: "#", write: W::Any(iptables::inserted) },
        Row { target: T::Ufw, name: "ufw", about: "Ubuntu's front end", tested: By("ufw"), tracks: Always, mark: "#", write: W::Any(ufw::write) },
        Row { target: T::Firewalld, name: "firewalld", about: "Fedora's and Red Hat's front end", tested: By("firewalld"), tracks: Always, mark: "#", write: W::Any(firewalld::write) },
        Row { target: T::Pf, name: "pf", about: "OpenBSD, FreeBSD, macOS: lines for pf.conf", tested: Not, tracks: AsAsked, mark: "#", write: W::Some(pf::write) },
        Row { target: T::Aws, name: "aws", about: "Amazon: security group", tested: Not, tracks: Always, mark: "#", write: W::Any(aws::write) },
        Row { target: T::AwsNacl, name: "aws-nacl", about: "Amazon: network ACL of the subnet", tested: Not, tracks: Never, mark: "#", write: W::Any(aws_nacl::write) },
        Row { target: T::Gcp, name: "gcp", about: "Google Cloud: VPC firewall rules", tested: Not, tracks: Always, mark: "#", write: W::Any(gcp::write) },
        Row { target: T::Azure, name: "azure", about: "Azure: network security group", tested: Not, tracks: Always, mark: "#", write: W::Any(azure::write) },
        Row { target: T::Windows, name: "windows", about: "Windows Defender Firewall, in PowerShell", tested: Not, tracks: Always, mark: "#", write: W::Any(windows::write) },
        Row { target: T::Cisco, name: "cisco", about: "Cisco IOS: a pair of extended access lists", tested: Not, tracks: Never, mark: "!", write: W::Any(cisco::write) },
        Row { target: T::Mikrotik, name: "mikrotik", about: "MikroTik RouterOS: a router in front of the server", tested: Not, tracks: Always, mark: "#", write: W::Some(mikrotik::write) },
        Row { target: T::Kubernetes, name: "kubernetes", about: "a Service of type LoadBalancer", tested: Not, tracks: Always, mark: "#", write: W::Some(kubernetes::write) },
        Row { target: T::Docker, name: "docker", about: "published ports of a container", tested: InPart("iptables", "the lines for DOCKER-USER"), tracks: Always, mark: "#", write: W::Any(docker::write) },
        Row { target: T::Haproxy, name: "haproxy", about: "HAProxy in front of one or more servers", tested: By("haproxy"), tracks: Always, mark: "#", write: W::Some(haproxy::write) },
    ]
};

impl Target {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        ROWS.iter().map(|row| row.target)
    }

    /// Its name on a command line.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// What it is, in a few words.
    pub fn about(self) -> &'static str {
        self.row().about
    }

    /// The target of that name.
    pub fn named(name: &str) -> Option<Self> {
        ROWS.iter().find(|row| row.name == name).map(|row| row.target)
    }

    /// The rules that `request` asks for, in the words of this firewall: what can be pasted there, with
    /// remarks that say what else has to agree. With `explain`, each line has its reason above it, and a
    /// drawing comes first.
    pub fn write(self, request: &Request, explain: bool) -> Result<String, Unfit> {
        let row = self.row();
        self.fits(row, request)?;
        let request = match row.tracks {
            Tracks::Never => Request { tracking: Tracking::Stateless, ..request.clone() },
            Tracks::Always | Tracks::AsAsked => request.clone(),
        };
        let mut sheet = match row.write {
            Write::Any(write) => write(&request),
            Write::Some(write) => write(&request)?,
        };
        sheet.blank();
        advice::add(&mut sheet, self, &request);
        let mut text = format!("{} {}\n", row.mark, row.tested);
        if explain {
            for line in Rules::of(&request.asked()).explain().lines() {
                text.push_str(format!("{} {line}", row.mark).trim_end());
                text.push('\n');
            }
            text.push('\n');
        }
        text.push_str(&sheet.text(explain));
        Ok(text)
    }

    /// Can this firewall do what is asked for?
    fn fits(self, row: &Row, request: &Request) -> Result<(), Unfit> {
        let unfit = |why: String| Err(Unfit(why));
        // Two for the control connection, and two for each mode.
        let wanted = if request.modes == Modes::Both { 6 } else { 4 };
        if request.rules().len() < wanted {
            return unfit("the server does not offer that mode".into());
        }
        if request.exposure.control_ports.contains(&0) {
            return unfit("a firewall needs a fixed port, and port 0 means any".into());
        }
        if request.families().is_empty() {
            return unfit(format!(
                "the server is reachable over {} only, and no network of --from is of that family",
                request.exposure.families
            ));
        }
        if row.tracks == Tracks::Always && request.tracking == Tracking::Stateless {
            return unfit(format!(
                "{} always tracks connections, so answers pass: --stateless is for firewalls that do not",
                row.name
            ));
        }
        if self.relays() && request.modes == Modes::Active {
            return unfit(format!(
                "active mode does not pass {}: the server would connect from another address than the client used",
                row.name
            ));
        }
        if matches!(self, Self::Docker | Self::Haproxy) && request.output == Output::Dropped {
            return unfit(format!(
                "{} does not filter outgoing packets: --output-drop is for the firewall of the machine",
                row.name
            ));
        }
        let of_family = |v4| request.inside.iter().filter(|address| address.is_ipv4() == v4).count();
        if self != Self::Haproxy && (of_family(true) > 1 || of_family(false) > 1) {
            return unfit(
                "--inside takes one address of each family; haproxy takes one for each server".into(),
            );
        }
        Ok(())
    }

    /// Do connections end at it, so that the server is seen under its address?
    pub(crate) fn relays(self) -> bool {
        matches!(self, Self::Docker | Self::Kubernetes | Self::Haproxy)
    }

    fn row(self) -> &'static Row {
        // A test sees to it that each has one; the first stands in where the table were wrong.
        ROWS.iter().find(|row| row.target == self).unwrap_or(&ROWS[0])
    }
}

impl fmt::Display for Tested {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::By(program) => write!(out, "Tested: pasv's tests load this output with {program}."),
            Self::InPart(program, what) => {
                write!(out, "Tested in part: pasv's tests load {what} with {program}.")
            }
            Self::Not => {
                out.write_str("Not tested: written from the documentation, never loaded by pasv's tests.")
            }
        }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_found_by_its_name() {
        for target in Target::all() {
            assert_eq!(Target::named(target.name()), Some(target));
            assert_eq!(target.row().target, target);
        }
        assert_eq!(Target::named("ipfw"), None);
    }
}
