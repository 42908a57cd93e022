//! What does `pasv serve` print when it is ready: addresses, commands to paste, users, warnings?
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use config::{Anonymous, Listener, Root, SiteConfig, Tls, User};

use firewall::{Direction, Exposure, Mode, Role, Rule, Rules};
use startup::Shown;

use super::fold;
use crate::columns;

/// What the banner shows.
pub(super) struct Shared<'a> {
    /// As it is obeyed, with the ports that the kernel gave.
    pub(super) site: &'a SiteConfig,
    /// The passive ports.
    pub(super) passive: &'a [u16],
    pub(super) certificate: Option<&'a Shown>,
    /// Users with the passwords that were generated for them.
    pub(super) generated: &'a [(String, String)],
    pub(super) warnings: &'a [String],
    pub(super) explain: bool,
}

impl Shared<'_> {
    /// Where clients connect to, with implicit TLS or without.
    fn addresses(&self, implicit: bool) -> Vec<SocketAddr> {
        let listeners = self.site.listeners.iter().filter(|listener| listener.implicit == implicit);
        listeners.map(Listener::socket).collect()
    }

    /// What is asked of clients that connect without TLS.
    fn explicit(&self) -> Tls {
        let explicit = self.site.listeners.iter().find(|listener| !listener.implicit);
        explicit.map_or(Tls::Off, |listener| listener.tls)
    }
}

/// Prints it. A closed stdout is no reason not to serve.
pub(super) fn print(shared: &Shared<'_>) {
    let text = text(shared, &net::own::addresses(), width());
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// The columns of the terminal; without one, lines are as long as they are.
fn width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    (size.ws_col >= 40).then(|| usize::from(size.ws_col))
}

fn text(shared: &Shared<'_>, own: &[IpAddr], width: Option<usize>) -> String {
    let (site, explicit, anonymous) = (shared.site, shared.explicit(), shared.site.anonymous_rights());
    let (control, implicit) = (shared.addresses(false), shared.addresses(true));
    let scheme = match explicit {
        Tls::Off | Tls::Offered => "ftp",
        Tls::RequiredForLogin | Tls::RequiredForData => "ftpes",
    };
    let (mut here, mut network) = urls(scheme, 21, &control, own);
    let (here_at_once, network_at_once) = urls("ftps", 990, &implicit, own);
    let mut outside = Vec::new();
    if let Some(external) = site.listeners.iter().find_map(|listener| listener.external) {
        outside = named(scheme, 21, &control, external);
        outside.extend(named("ftps", 990, &implicit, external));
    }
    here.extend(here_at_once);
    network.extend(network_at_once);
    // Where only implicit TLS is offered, the commands use it.
    let at_once = explicit == Tls::Off && !implicit.is_empty();
    let all = [&outside, &network, &here].into_iter().flatten();
    let url = all.clone().find(|url| url.starts_with("ftps://") == at_once);
    let mut out = String::new();
    let mut line = |text: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{text}");
    };
    match &site.root {
        Root::Folder(path) => {
            let whole = std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
            line(&format!("pasv shares {}", Root::Folder(whole)));
        }
        Root::Upstream(url) => line(&format!("pasv is a proxy of {url}")),
    }
    line("");
    for (from, urls) in
        [("from this machine", &here), ("from the network", &network), ("from outside", &outside)]
    {
        for (n, url) in urls.iter().enumerate() {
            line(&format!("  {:<20}{url}", if n == 0 { from } else { "" }));
        }
    }
    if let Some(certificate) = shared.certificate {
        let how = match explicit {
            Tls::Off => "is available with ftps:// only",
            Tls::Offered => "is available (ftpes://)",
            Tls::RequiredForLogin => "is required to log in",
            Tls::RequiredForData => "is required to log in and for transfers",
        };
        line("");
        line(&format!("  TLS {how}. Certificate fingerprint:"));
        line(&format!("  {}", certificate.fingerprint));
    }
    if let Some(url) = url {
        line("");
        for command in commands(shared, url) {
            let lines = fold::command(&command, width.map_or(usize::MAX - 2, |width| width - 2));
            // A line that goes on within quotes must begin at the margin.
            let indent = |text: &str| if text.starts_with('\'') { "" } else { "  " };
            for text in &lines {
                line(&format!("{}{text}", indent(text)));
            }
        }
    }
    line("");
    let may = |writes: bool| if writes { "read and write" } else { "read-only" };
    if let Some(rights) = anonymous {
        let may = match rights {
            Anonymous::Drop => "upload only",
            rights => may(rights == Anonymous::Write),
        };
        line(&format!("  {:<19} {may}, no password", "anyone"));
    }
    for User { name: user, .. } in &site.users {
        let may = may(site.write);
        match shared.generated.iter().find(|(name, _)| name == user) {
            // On a line of its own: it is to be copied.
            Some((_, password)) => {
                line(&format!("  {user:<19} {may}, generated password (until restart):"));
                line(&format!("  {:<19} {password}", ""));
            }
            None => line(&format!("  {user:<19} {may}, with password")),
        }
    }
    for warning in shared.warnings {
        line("");
        let text = format!("WARNING: {warning}.");
        for text in columns::wrap(&text, "  ", "  ", width.unwrap_or(80)) {
            line(&text);
        }
    }
    // Nothing stands in front of a site that only this machine reaches.
    let reached = control.iter().any(|at| !at.ip().is_loopback());
    let passive_ports = shared.passive.iter().map(|port| *port..=*port).collect();
    let rules = Rules::of(&Exposure { passive_ports, ..site.into() });
    if reached {
        line("");
        line("  A firewall must let through (`pasv firewall` writes the rules):");
    }
    for rule in opening(&rules).into_iter().filter(|_| reached) {
        let way = match rule.direction {
            Direction::In => format!("in, to port {}", rule.to),
            Direction::Out => format!("out, from port {}", rule.from),
        };
        let only = if rule.direction == Direction::Out { " (active)" } else { "" };
        line(&format!("    TCP {way:<25} {}{only}", rule.why));
    }
    if shared.explain {
        line("");
        line(rules.explain().trim_end());
    }
    line("");
    line("Press Ctrl-C to stop once transfers have finished, twice to stop now.");
    out
}

/// What can be pasted elsewhere to get everything at `url`, which is `ftp://`, `ftpes://` or `ftps://`.
fn commands(shared: &Shared<'_>, url: &str) -> Vec<String> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("ftp", url));
    let anonymous = shared.site.anonymous_rights();
    let user = shared.site.users.first().map(|user| &user.name).filter(|_| anonymous.is_none());
    let passive = shared.site.listeners.iter().any(|listener| listener.passive);
    let forced = scheme != "ftp";
    let at_once = scheme == "ftps";
    // A password goes under TLS wherever there is TLS.
    let protected = forced || user.is_some() && shared.explicit() != Tls::Off;
    let certificate = shared.certificate.filter(|_| protected);
    let pins = certificate.and_then(|certificate| certificate.pins_at(host(rest)));
    // What others know by these schemes.
    let theirs = if at_once { "ftps" } else { "ftp" };
    let at = user.map_or_else(String::new, |name| format!("{}@", in_url(name)));
    let mut commands = Vec::new();
    let ours = if anonymous == Some(Anonymous::Drop) { "put FILE" } else { "get -r" };
    commands.push(format!("pasv {ours} {scheme}://{at}{rest}"));
    let mut curl = "curl".to_owned();
    if !passive {
        curl.push_str(" --ftp-port -");
    }
    if protected && !at_once {
        curl.push_str(" --ssl-reqd");
    }
    if let Some(pins) = pins {
        // `-k` alone would accept anyone's certificate; with the pin it accepts this one.
        curl.push_str(&format!(" -k --pinnedpubkey sha256//{}", BASE64_STANDARD.encode(pins.key)));
    }
    // The user of a URL gets no prompt from curl, that of -u does.
    if let Some(name) = user {
        curl.push_str(&format!(" -u {}", in_shell(name)));
    }
    if anonymous == Some(Anonymous::Drop) {
        curl.push_str(" -T FILE");
    }
    commands.push(format!("{curl} {theirs}://{rest}"));
    // lftp has TLS wherever it is offered, but not for anonymous, unless it is told.
    let mut set = String::new();
    if !passive {
        set.push_str("set ftp:passive-mode no; ");
    }
    if protected && !at_once {
        set.push_str("set ftp:ssl-force yes; ");
        set.push_str(if user.is_none() { "set ftp:ssl-allow-anonymous yes; " } else { "" });
    }
    if let Some(pins) = pins {
        // In place of `verify-certificate no`, which would accept anyone's.
        let print: Vec<String> = pins.sha1.iter().map(|byte| format!("{byte:02X}")).collect();
        set.push_str(&format!("set ssl:verify-certificate/{} no; ", print.join(":")));
    }
    let work = if anonymous == Some(Anonymous::Drop) { "put FILE" } else { "mirror" };
    // With a path, be it only a slash, lftp connects before it has read its settings.
    commands.push(format!("lftp -e '{set}{work}; exit' {theirs}://{at}{}", rest.trim_end_matches('/')));
    commands
}

/// A user's name as a part of a URL.
fn in_url(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    name.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// A user's name as a word for a shell.
fn in_shell(name: &str) -> String {
    if name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
        return name.to_owned();
    }
    format!("'{}'", name.replace('\'', "'\\''"))
}

/// The host of what follows the scheme of a URL without a user, an IPv6 address without its brackets.
fn host(rest: &str) -> &str {
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((v6, _)) => v6,
        None => authority.split(':').next().unwrap_or_default(),
    }
}

/// The URLs of the ports of these addresses at another address, that of a router in front.
fn named(scheme: &str, usual: u16, control: &[SocketAddr], address: Ipv4Addr) -> Vec<String> {
    let reached = control.iter().filter(|at| !at.ip().is_loopback());
    let mut urls: Vec<String> = Vec::new();
    for at in reached {
        let port = if at.port() == usual { String::new() } else { format!(":{}", at.port()) };
        let url = format!("{scheme}://{address}{port}/");
        if !urls.contains(&url) {
            urls.push(url);
        }
    }
    urls
}

/// The URLs that reach the site from this machine, and from others.
fn urls(scheme: &str, usual: u16, control: &[SocketAddr], own: &[IpAddr]) -> (Vec<String>, Vec<String>) {
    let (mut here, mut network) = (Vec::new(), Vec::new());
    for at in control {
        let port = if at.port() == usual { String::new() } else { format!(":{}", at.port()) };
        let url = |address: IpAddr| match address {
            IpAddr::V4(v4) => format!("{scheme}://{v4}{port}/"),
            IpAddr::V6(v6) => format!("{scheme}://[{v6}]{port}/"),
        };
        if at.ip().is_unspecified() {
            here.push(format!("{scheme}://localhost{port}/"));
            network.extend(own.iter().filter(|a| a.is_ipv4() || at.is_ipv6()).map(|a| url(*a)));
        } else if at.ip().is_loopback() {
            here.push(url(at.ip()));
        } else {
            network.push(url(at.ip()));
        }
    }
    (here, network)
}

/// The rules that open connections; a firewall that follows connections needs no others.
fn opening(rules: &Rules) -> Vec<&Rule> {
    let data = [Mode::Passive, Mode::Active].into_iter().filter_map(|mode| rules.data(mode)).flatten();
    rules.control().iter().chain(data).filter(|rule| rule.role == Role::Opens).collect()
}

#[cfg(test)]
mod tests {
    use net::tls::Fingerprint;
    use startup::Pins;

    use super::*;

    #[test]
    fn names_of_users_can_be_pasted() {
        assert_eq!((in_url("alice"), in_shell("alice")), ("alice".into(), "alice".into()));
        assert_eq!(in_url("a b@c'd"), "a%20b%40c%27d");
        assert_eq!(in_shell("a b@c'd"), "'a b@c'\\''d'");
    }

    /// A server whose users are these; without any, everyone has these rights.
    fn site(users: &[&str], anonymous: Anonymous) -> SiteConfig {
        let user = |name: &&str| User { name: (*name).to_owned(), password_file: None };
        SiteConfig {
            root: std::path::Path::new("/").into(),
            users: users.iter().map(user).collect(),
            anonymous: users.is_empty().then_some(anonymous),
            listeners: vec![Listener {
                address: [192, 0, 2, 7].into(),
                active: false,
                ..Listener::default()
            }],
            ..SiteConfig::default()
        }
    }

    fn shared<'a>(site: &'a SiteConfig, certificate: Option<&'a Shown>) -> Shared<'a> {
        Shared { site, passive: &[], certificate, generated: &[], warnings: &[], explain: false }
    }

    fn own() -> Shown {
        let pins = Some(Pins { sha1: [0xaa; 20], key: [0xff; 32] });
        Shown { fingerprint: Fingerprint::from([0xab; 32]), pins, identity: None }
    }

    #[test]
    fn commands_that_can_be_pasted() {
        let (everyone, alice) = (site(&[], Anonymous::Read), site(&["al ice"], Anonymous::Read));
        let pin = format!("set ssl:verify-certificate/{}AA no; ", "AA:".repeat(19));
        let key = format!("-k --pinnedpubkey sha256//{}8=", "/".repeat(42));
        let (own, trusted) = (own(), Shown { pins: None, ..own() });
        let (own, trusted) = (Some(&own), Some(&trusted));
        let told = commands(&shared(&everyone, own), "ftp://h:1/");
        assert_eq!(told, ["pasv get -r ftp://h:1/", "curl ftp://h:1/", "lftp -e 'mirror; exit' ftp://h:1"]);
        let told = commands(&shared(&alice, own), "ftp://h/");
        assert_eq!(told[1], format!("curl --ssl-reqd {key} -u 'al ice' ftp://h/"));
        assert_eq!(told[2], format!("lftp -e 'set ftp:ssl-force yes; {pin}mirror; exit' ftp://al%20ice@h"));
        let mut off = alice.clone();
        off.listeners[0].tls = Tls::Off;
        assert_eq!(commands(&shared(&off, None), "ftp://h/")[1], "curl -u 'al ice' ftp://h/");
        let told = commands(&shared(&everyone, own), "ftpes://h/");
        let force = "set ftp:ssl-force yes; set ftp:ssl-allow-anonymous yes; ";
        assert_eq!(
            told,
            [
                "pasv get -r ftpes://h/".to_owned(),
                format!("curl --ssl-reqd {key} ftp://h/"),
                format!("lftp -e '{force}{pin}mirror; exit' ftp://h")
            ]
        );
        let told = commands(&shared(&everyone, trusted), "ftpes://h/");
        assert_eq!(told[1], "curl --ssl-reqd ftp://h/");
        let told = commands(&shared(&site(&[], Anonymous::Drop), own), "ftp://h/");
        assert_eq!(
            told,
            ["pasv put FILE ftp://h/", "curl -T FILE ftp://h/", "lftp -e 'put FILE; exit' ftp://h"]
        );
    }

    #[test]
    fn commands_fit_how_the_site_is_reached() {
        let own = own();
        let mut off = site(&[], Anonymous::Read);
        let implicit = Listener { port: 9990, implicit: true, ..off.listeners[0].clone() };
        off.listeners[0].tls = Tls::Off;
        off.listeners.push(implicit);
        let told = text(&shared(&off, Some(&own)), &[], None);
        assert!(
            told.contains("  pasv get -r ftps://192.0.2.7:9990/\n  curl -k --pinnedpubkey sha256//"),
            "{told}"
        );
        assert!(told.contains("no; mirror; exit' ftps://192.0.2.7:9990\n"), "{told}");
        let mut nat = site(&[], Anonymous::Read);
        nat.listeners[0].external = Some([203, 0, 113, 7].into());
        nat.listeners[0].passive = false;
        let told = text(&shared(&nat, Some(&own)), &[], None);
        for line in [
            "  from outside        ftp://203.0.113.7:2121/",
            "  pasv get -r ftp://203.0.113.7:2121/",
            "  curl --ftp-port - ftp://203.0.113.7:2121/",
            "  lftp -e 'set ftp:passive-mode no; mirror; exit' ftp://203.0.113.7:2121",
        ] {
            assert!(told.lines().any(|told| told == line), "{line} in {told}");
        }
        assert_eq!((host("h:1/"), host("[::1]:1/"), host("192.0.2.1/")), ("h", "::1", "192.0.2.1"));
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_no_password_is_broken() {
        let password = "abcdefghijkmnpqrstuv".to_owned();
        let names = ["alice", "a-user-with-a-name-as-long-as-one-may-well-be"];
        let generated = names.map(|name| (name.to_owned(), password.clone()));
        let (own, long) =
            (own(), "a sentence of many words, and then some more of them, as they are".to_owned());
        for (anonymous, tls) in [(None, Tls::Offered), (Some(Anonymous::Write), Tls::RequiredForData)] {
            let warnings = [long.clone()];
            let mut site = SiteConfig { anonymous, ..site(&names, Anonymous::Read) };
            let first = &mut site.listeners[0];
            (first.address, first.port, first.tls) = ([192, 168, 100, 200].into(), 52121, tls);
            let told = Shared { warnings: &warnings, generated: &generated, ..shared(&site, Some(&own)) };
            let text = text(&told, &[], Some(80));
            let wide = text.lines().find(|line| line.chars().count() > 80);
            // A user's own name may be as long as it likes.
            assert!(wide.is_none_or(|line| line.contains("a-user-")), "{text}");
            assert_eq!(text.lines().filter(|line| line.trim() == password).count(), 2, "{text}");
            assert!(text.contains("WARNING: a sentence"), "{text}");
        }
    }

    #[test]
    fn every_address_that_works_is_told() {
        let control = ["[::]:2121".parse().unwrap(), "127.0.0.1:21".parse().unwrap()];
        let own = ["192.0.2.7".parse().unwrap(), "2001:db8::7".parse().unwrap()];
        let (here, network) = urls("ftp", 21, &control, &own);
        assert_eq!(here, ["ftp://localhost:2121/", "ftp://127.0.0.1/"]);
        assert_eq!(network, ["ftp://192.0.2.7:2121/", "ftp://[2001:db8::7]:2121/"]);
    }
}
