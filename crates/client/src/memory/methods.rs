//! Which data connection method has worked with a server, from this network?
//!
//! `$XDG_STATE_HOME/pasv/ways`, else `~/.local/state/pasv/ways`, a line for each server and network where the
//! first method does not work, or large packets get lost:
//!
//! ```text
//!   ftp.example.org:21 192.168.1.0/24@192.168.1.1 EPRT 2026-11-24T15:00:00Z
//!   ftp.example.org:21 10.8.0.0/24 EPSV 2026-11-24T15:00:00Z small-segments
//!   old.example.org:21 192.168.1.0/24@192.168.1.1 PASV 2026-11-24T15:00:00Z no-feat
//! ```
//! `no-feat` is a server that does not survive FEAT: it does not answer it, or hangs up. The network is that
//! of our own address and the default router: a laptop that has moved does not begin with what was true at
//! home. A line that is wrong costs one attempt, or what FEAT would have told. It is forgotten after thirty
//! days, when nothing at all has worked, when the first method has worked again, and on request.
use std::fmt;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use wire::Stamp;

use super::file::{self, lock, now, replace};

use crate::method::DataMethod;
use crate::options::Endpoint;
use crate::spec::Known;

/// Firewalls change seldom, and people who repair one want to see that it works now.
const EXPIRY: i64 = 30 * 24 * 60 * 60;

/// More sites that need a detour than anybody has; the oldest go.
const LINES: usize = 1000;

/// A thousand lines are a tenth of this: a file that is larger is another file.
const LONGEST: u64 = 1024 * 1024;

/// The network in which something is true, as a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network(String);

impl Network {
    /// That of this address of ours, the end of a connection.
    pub fn of(ours: IpAddr) -> Self {
        let table = |name: &str| fs::read_to_string(format!("/proc/net/{name}")).unwrap_or_default();
        match ours.to_canonical() {
            IpAddr::V4(v4) => {
                let router = router_v4(&table("route")).map(IpAddr::V4);
                let [a, b, c, _] = v4.octets();
                Self::named(format_args!("{a}.{b}.{c}.0/24"), router)
            }
            IpAddr::V6(v6) => {
                let router = router_v6(&table("ipv6_route")).map(IpAddr::V6);
                let prefix = Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64);
                Self::named(format_args!("{prefix}/64"), router)
            }
        }
    }

    fn named(prefix: fmt::Arguments<'_>, router: Option<IpAddr>) -> Self {
        match router {
            Some(router) => Self(format!("{prefix}@{router}")),
            None => Self(prefix.to_string()),
        }
    }
}

/// The default router of `/proc/net/route`: eight hexadecimal digits, in the byte order of the machine.
fn router_v4(table: &str) -> Option<Ipv4Addr> {
    table.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace().skip(1);
        let (to, router) = (words.next()?, words.next()?);
        let router = u32::from_str_radix(router, 16).ok()?;
        (to == "00000000" && router != 0).then(|| Ipv4Addr::from(router.to_ne_bytes()))
    })
}

/// That of `/proc/net/ipv6_route`: thirty-two digits, in the order in which they are written.
fn router_v6(table: &str) -> Option<Ipv6Addr> {
    table.lines().find_map(|line| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let [to, length, _, _, router, ..] = words.as_slice() else { return None };
        let router = u128::from_str_radix(router, 16).ok()?;
        let default = to.bytes().all(|b| b == b'0') && *length == "00";
        (default && router != 0).then(|| Ipv6Addr::from_bits(router))
    })
}

/// What a session has found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// This method has worked; none: the first one has.
    Method(Option<DataMethod>),
    /// Large packets get lost, and small ones came through.
    SmallSegments,
    /// The server does not survive FEAT.
    NoFeatures,
    /// Nothing works: whatever was known of the network is not true any more.
    Nothing,
}

/// The word of a line where large segments get lost.
const SMALL: &str = "small-segments";

/// The word of a line where FEAT is not asked.
const NO_FEAT: &str = "no-feat";

/// The file.
#[derive(Clone, Debug)]
pub struct Methods(PathBuf);

impl Methods {
    /// Where the environment puts it; none where there is no home.
    pub fn find() -> Option<Self> {
        file::folder().as_deref().map(Self::in_folder)
    }

    /// In this folder of ours.
    pub fn in_folder(folder: &Path) -> Self {
        Self(folder.join("ways"))
    }

    /// What has worked last, if that was not too long ago. A file that cannot be read knows nothing: it would
    /// only have saved some time.
    pub fn look(&self, server: &Endpoint, network: &Network) -> Known {
        self.text().map(|text| known(&text, server, network, now())).unwrap_or_default()
    }

    /// Remembers what a visit has found out.
    pub fn put(&self, server: &Endpoint, network: &Network, finding: Finding) -> io::Result<()> {
        let _lock = lock(&self.0)?;
        let before = self.text()?;
        let now = now();
        let was = known(&before, server, network, now);
        let is = match finding {
            Finding::Method(method) => Known { method, ..was },
            Finding::SmallSegments => Known { small_segments: true, ..was },
            Finding::NoFeatures => Known { no_features: true, ..was },
            Finding::Nothing => Known { no_features: was.no_features, ..Known::default() },
        };
        let fresh = |line: &&str| {
            !is_about(line, server, network) && read(line).is_some_and(|(_, since)| is_fresh(since, now))
        };
        let mut lines: Vec<String> = before.lines().filter(fresh).map(str::to_owned).collect();
        if is != Known::default() {
            let method = is.method.unwrap_or(DataMethod::Epsv);
            let word = |holds: bool, word: &str| if holds { format!(" {word}") } else { String::new() };
            let (small, no_feat) = (word(is.small_segments, SMALL), word(is.no_features, NO_FEAT));
            let since = Stamp::from_seconds(now).rfc3339();
            lines.push(format!("{server} {} {method} {since}{small}{no_feat}", network.0));
        }
        let old = lines.len().saturating_sub(LINES);
        let text: String = lines.iter().skip(old).map(|line| format!("{line}\n")).collect();
        if text == before { Ok(()) } else { replace(&self.0, text.as_bytes()) }
    }

    /// Forgets a host, or one port of it, in every network: the lines that are gone.
    pub fn forget(&self, host: &str, port: Option<u16>) -> io::Result<Vec<String>> {
        file::forget(&self.0, LONGEST, host, port)
    }

    /// The file itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A line that is no text is none of ours, and no reason to forget the others.
    fn text(&self) -> io::Result<String> {
        file::read(&self.0, LONGEST).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }
}

fn is_about(line: &str, server: &Endpoint, network: &Network) -> bool {
    let mut words = line.split_ascii_whitespace();
    words.next() == Some(server.to_string().as_str()) && words.next() == Some(network.0.as_str())
}

/// What is told of a server and a network, if that is not too old.
fn known(text: &str, server: &Endpoint, network: &Network, now: i64) -> Known {
    let line = text.lines().rev().find(|line| is_about(line, server, network)).and_then(read);
    line.filter(|(_, since)| is_fresh(*since, now)).map(|(known, _)| known).unwrap_or_default()
}

/// What a line tells, and since when.
fn read(line: &str) -> Option<(Known, i64)> {
    let mut words = line.split_ascii_whitespace().skip(2);
    let (method, since) = (words.next()?, words.next()?);
    let method = DataMethod::ALL.into_iter().find(|known| known.to_string() == method)?;
    let digits: Vec<u8> = since.bytes().filter(u8::is_ascii_digit).collect();
    let mut known =
        Known { method: Some(method).filter(|method| *method != DataMethod::Epsv), ..Known::default() };
    for word in words {
        match word {
            SMALL => known.small_segments = true,
            NO_FEAT => known.no_features = true,
            _ => {}
        }
    }
    Some((known, Stamp::parse(&digits)?.seconds))
}

/// What is said to be of tomorrow was written by a clock that was wrong.
fn is_fresh(since: i64, now: i64) -> bool {
    (0..EXPIRY).contains(&(now - since))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn methods() -> (tempfile::TempDir, Methods) {
        let folder = tempfile::tempdir().unwrap();
        let methods = Methods(folder.path().join("pasv/methods"));
        (folder, methods)
    }

    fn by(method: DataMethod) -> Finding {
        Finding::Method(Some(method))
    }

    #[test]
    fn small_segments_are_remembered_beside_the_way_until_nothing_works() {
        let (_folder, methods) = methods();
        let (here, site) = (Network("192.0.2.0/24".into()), Endpoint::new("a.example", 21));
        let small = |method| Known { method, small_segments: true, ..Known::default() };
        methods.put(&site, &here, Finding::SmallSegments).unwrap();
        assert_eq!(methods.look(&site, &here), small(None));
        assert!(methods.text().unwrap().starts_with("a.example:21 192.0.2.0/24 EPSV "));
        methods.put(&site, &here, by(DataMethod::Pasv)).unwrap();
        assert_eq!(methods.look(&site, &here), small(Some(DataMethod::Pasv)));
        methods.put(&site, &here, Finding::Method(None)).unwrap();
        assert_eq!(methods.look(&site, &here), small(None));
        assert_eq!(methods.look(&site, &Network("198.51.100.0/24".into())), Known::default());
        methods.put(&site, &here, Finding::Nothing).unwrap();
        assert_eq!((methods.look(&site, &here), methods.text().unwrap()), (Known::default(), String::new()));
    }

    #[test]
    fn that_a_server_does_not_survive_feat_is_no_affair_of_the_network() {
        let (_folder, methods) = methods();
        let (here, site) = (Network("192.0.2.0/24".into()), Endpoint::new("a.example", 21));
        let unasked = Known { no_features: true, ..Known::default() };
        methods.put(&site, &here, Finding::NoFeatures).unwrap();
        assert_eq!(methods.look(&site, &here), unasked);
        methods.put(&site, &here, Finding::SmallSegments).unwrap();
        assert_eq!(methods.look(&site, &here), Known { small_segments: true, ..unasked });
        methods.put(&site, &here, Finding::Nothing).unwrap();
        assert_eq!(methods.look(&site, &here), unasked);
        assert_eq!(methods.forget("a.example", None).unwrap().len(), 1);
        assert_eq!(methods.look(&site, &here), Known::default());
    }

    #[test]
    fn a_way_is_remembered_for_one_site_in_one_network() {
        let (_folder, methods) = methods();
        let (here, there) = (Network("192.0.2.0/24@192.0.2.1".into()), Network("192.0.2.0/24".into()));
        let (site, other) = (Endpoint::new("FTP.example.", 21), Endpoint::new("::1", 2121));
        methods.put(&site, &here, by(DataMethod::Pasv)).unwrap();
        methods.put(&other, &here, by(DataMethod::Port)).unwrap();
        methods.put(&site, &here, by(DataMethod::Eprt)).unwrap();
        assert_eq!(methods.look(&site, &here).method, Some(DataMethod::Eprt));
        assert_eq!(methods.look(&site, &there).method, None);
        assert_eq!(methods.look(&other, &here).method, Some(DataMethod::Port));
        methods.put(&site, &here, Finding::Method(None)).unwrap();
        assert_eq!(methods.look(&site, &here).method, None);
        assert_eq!(methods.look(&other, &here).method, Some(DataMethod::Port));
    }

    #[test]
    fn a_host_is_forgotten_in_every_network_and_one_port_alone() {
        let (_folder, methods) = methods();
        assert_eq!(methods.forget("a.example", None).unwrap(), Vec::<String>::new(), "there is no file yet");
        let (here, there) = (Network("192.0.2.0/24@192.0.2.1".into()), Network("198.51.100.0/24".into()));
        let [a, b, six] =
            [("a.example", 21), ("a.example", 2121), ("::1", 21)].map(|(h, p)| Endpoint::new(h, p));
        for (place, network) in [(&a, &here), (&a, &there), (&b, &here), (&six, &here)] {
            methods.put(place, network, Finding::Method(Some(DataMethod::Pasv))).unwrap();
        }
        assert_eq!(methods.forget("b.example", None).unwrap(), Vec::<String>::new());
        let gone = methods.forget("A.example.", Some(21)).unwrap();
        assert!(gone.len() == 2 && gone.iter().all(|line| line.starts_with("a.example:21 ")), "{gone:?}");
        assert_eq!(methods.look(&b, &here).method, Some(DataMethod::Pasv));
        assert_eq!(methods.forget("a.example", None).unwrap().len(), 1);
        assert_eq!(methods.forget("[::1]", None).unwrap().len(), 1);
        assert_eq!(methods.text().unwrap(), "");
    }

    #[test]
    fn what_is_old_or_no_line_of_ours_is_not_believed_and_goes() {
        let (_folder, methods) = methods();
        let (here, site) = (Network("192.0.2.0/24".into()), Endpoint::new("a.example", 21));
        fs::create_dir_all(methods.0.parent().unwrap()).unwrap();
        let at = |seconds| Stamp::from_seconds(seconds).rfc3339();
        let (old, soon) = (at(now() - EXPIRY - 9), at(now() + 999));
        for line in [
            format!("a.example:21 192.0.2.0/24 PASV {old}\n"),
            format!("a.example:21 192.0.2.0/24 PASV {soon}\n"),
            "a.example:21 192.0.2.0/24 PASV\n".to_owned(),
            "a.example:21 192.0.2.0/24 MLSD 2026-01-01T00:00:00Z\n".to_owned(),
            "\0\n".to_owned(),
        ] {
            fs::write(&methods.0, &line).unwrap();
            assert_eq!(methods.look(&site, &here).method, None, "{line}");
            methods.put(&Endpoint::new("b.example", 21), &here, by(DataMethod::Pasv)).unwrap();
            assert_eq!(fs::read_to_string(&methods.0).unwrap().lines().count(), 1, "{line}");
        }
    }

    /// A byte that is no text, as a disk's error leaves it, kept anything from being remembered ever again.
    #[test]
    fn a_damaged_line_takes_no_other_with_it() {
        let (_folder, methods) = methods();
        let (here, site) = (Network("192.0.2.0/24".into()), Endpoint::new("a.example", 21));
        methods.put(&site, &here, Finding::Method(Some(DataMethod::Pasv))).unwrap();
        let mut bytes = fs::read(&methods.0).unwrap();
        bytes.extend_from_slice(b"b.example:21 192.0.2.0/24 P\xffSV 2026-01-01T00:00:00Z\n");
        fs::write(&methods.0, bytes).unwrap();
        assert_eq!(methods.look(&site, &here).method, Some(DataMethod::Pasv));
        let other = Endpoint::new("c.example", 21);
        methods.put(&other, &here, Finding::Method(Some(DataMethod::Eprt))).unwrap();
        assert_eq!(methods.look(&other, &here).method, Some(DataMethod::Eprt));
        assert_eq!(methods.look(&site, &here).method, Some(DataMethod::Pasv));
        assert_eq!(methods.text().unwrap().lines().count(), 2);
        let pipe = Methods(methods.0.with_file_name("folder"));
        fs::create_dir(&pipe.0).unwrap();
        assert_eq!(pipe.look(&site, &here), Known::default());
    }

    #[test]
    fn the_file_does_not_grow_without_end() {
        let (_folder, methods) = methods();
        let (here, now) = (Network("192.0.2.0/24".into()), Stamp::from_seconds(now()).rfc3339());
        fs::create_dir_all(methods.0.parent().unwrap()).unwrap();
        let many: String = (0..LINES).map(|n| format!("{n}.example:21 192.0.2.0/24 PASV {now}\n")).collect();
        fs::write(&methods.0, many).unwrap();
        methods.put(&Endpoint::new("new.example", 21), &here, by(DataMethod::Pasv)).unwrap();
        assert_eq!(methods.text().unwrap().lines().count(), LINES);
        assert_eq!(methods.look(&Endpoint::new("0.example", 21), &here).method, None);
        assert_eq!(methods.look(&Endpoint::new("new.example", 21), &here).method, Some(DataMethod::Pasv));
    }

    #[test]
    fn routers_are_found_in_the_kernels_tables() {
        let v4 = "Iface\tDestination\tGateway \tFlags\n\
                  eth0\t0002000A\t00000000\t0001\neth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\n";
        #[cfg(target_endian = "little")]
        assert_eq!(router_v4(v4), Some(Ipv4Addr::new(192, 0, 2, 1)));
        assert_eq!(router_v4("Iface\tDestination\n"), None);
        let zero = "0".repeat(32);
        let v6 = format!(
            "fe80{0} 40 {zero} 00 {zero} 00000100 00000001 00000000 00000001 eth0\n\
             {zero} 00 {zero} 00 fe80{0} 00000400 00000001 00000000 00000003 eth0\n",
            &zero[4..]
        );
        assert_eq!(router_v6(&v6), Some("fe80::".parse().unwrap()));
    }
}
