//! What does somebody need to know who has just shared a folder?
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use net::tls::Fingerprint;
use server::settings::Tls;
use storage::Rights;

use firewall::{Direction, Mode, Role, Rule, Rules};

/// What is told of the site.
pub(super) struct Shared<'a> {
    pub(super) root: &'a Path,
    pub(super) control: &'a [SocketAddr],
    pub(super) implicit: &'a [SocketAddr],
    /// What the addresses of `control` ask for.
    pub(super) explicit: Tls,
    pub(super) fingerprint: Option<Fingerprint>,
    /// The SHA-1 of a certificate that nobody but ourselves vouches for.
    pub(super) self_made: Option<[u8; 20]>,
    pub(super) write: bool,
    pub(super) anonymous: Option<Rights>,
    pub(super) users: &'a [String],
    pub(super) made_up: &'a [(String, String)],
    pub(super) firewall: firewall::Site,
    pub(super) explain: bool,
}

/// Prints it. A closed stdout is no reason not to serve.
pub(super) fn print(shared: &Shared<'_>) {
    let _ = std::io::stdout().write_all(text(shared, &net::own::addresses()).as_bytes());
}

fn text(shared: &Shared<'_>, own: &[IpAddr]) -> String {
    let scheme = match shared.explicit {
        Tls::Off | Tls::Offered => "ftp",
        Tls::RequiredForLogin | Tls::RequiredForData => "ftpes",
    };
    let (mut here, mut network) = urls(scheme, 21, shared.control, own);
    let (here_at_once, network_at_once) = urls("ftps", 990, shared.implicit, own);
    here.extend(here_at_once);
    network.extend(network_at_once);
    let root = std::fs::canonicalize(shared.root).unwrap_or_else(|_| shared.root.to_owned());
    let mut out = String::new();
    let mut line = |text: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{text}");
    };
    line(&format!("pasv shares {}", wire::pathname::show(root.as_os_str().as_encoded_bytes())));
    line("");
    for (n, url) in here.iter().enumerate() {
        line(&format!("  {}{url}", if n == 0 { "from this machine   " } else { "                    " }));
    }
    for (n, url) in network.iter().enumerate() {
        line(&format!("  {}{url}", if n == 0 { "from the network    " } else { "                    " }));
    }
    if let Some(fingerprint) = shared.fingerprint {
        let how = match shared.explicit {
            Tls::Off => "with ftps:// alone",
            Tls::Offered => "for who wants it (ftpes://)",
            Tls::RequiredForLogin => "required for the login",
            Tls::RequiredForData => "required for the login and for data",
        };
        line("");
        line(&format!("  TLS {how}; the certificate's fingerprint:"));
        line(&format!("  {fingerprint}"));
    }
    if let Some(url) = network.first().or(here.first()).filter(|url| !url.starts_with("ftps://")) {
        line("");
        for command in commands(shared, url) {
            line(&format!("  {command}"));
        }
    }
    line("");
    let may = |writes: bool| if writes { "can read and write" } else { "can only read" };
    if let Some(rights) = shared.anonymous {
        let may = match rights {
            Rights::Drop => "can only upload new files",
            rights => may(rights.writes()),
        };
        line(&format!("  anyone                {may}, no password"));
    }
    for user in shared.users {
        let password = shared.made_up.iter().find(|(name, _)| name == user).map(|(_, password)| password);
        match password {
            Some(password) => {
                line(&format!("  {user:<21} {}; password, until the server stops:", may(shared.write)));
                line(&format!("  {:<21} {password}", ""));
            }
            None => line(&format!("  {user:<21} {}, with a password", may(shared.write))),
        }
    }
    match shared.anonymous {
        Some(Rights::Write) => {
            line("  WARNING: anyone who can connect can change and delete these files, and fill this disk.")
        }
        Some(Rights::Drop) => line("  WARNING: anyone who can connect can fill this disk."),
        Some(Rights::Read) | None => {}
    }
    // Nothing stands in front of a site that only this machine reaches.
    let reached = shared.control.iter().any(|at| !at.ip().is_loopback());
    let rules = Rules::of(&shared.firewall);
    if reached {
        line("");
        line("  What a firewall in front must let through (`pasv firewall` writes the rules):");
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
    line("Ctrl-C stops it: running transfers finish; once more ends at once.");
    out
}

/// What can be pasted elsewhere to get everything at `url`, which is `ftp://` or `ftpes://`.
fn commands(shared: &Shared<'_>, url: &str) -> Vec<String> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("ftp", url));
    let forced = scheme != "ftp";
    let user = shared.users.first().filter(|_| shared.anonymous.is_none());
    let at = user.map_or_else(String::new, |name| format!("{}@", in_url(name)));
    let mut commands = vec![format!("pasv get -r {scheme}://{at}{rest}")];
    // Under TLS curl takes a certificate that nobody vouches for only from a file, or blindly.
    if !forced || shared.self_made.is_none() {
        // The user of a URL gets no prompt from curl, that of -u does.
        let user = user.map_or_else(String::new, |name| format!(" -u {}", in_shell(name)));
        commands.push(format!("curl{}{user} ftp://{rest}", if forced { " --ssl-reqd" } else { "" }));
    }
    // lftp has TLS wherever it is offered, but not for anonymous, unless it is told.
    let mut set = String::new();
    if forced {
        set.push_str("set ftp:ssl-force yes; ");
        set.push_str(if user.is_none() { "set ftp:ssl-allow-anonymous yes; " } else { "" });
    }
    if let Some(sha1) = shared.self_made.filter(|_| forced || user.is_some()) {
        // In place of `verify-certificate no`, which would take anybody's.
        let print: Vec<String> = sha1.iter().map(|byte| format!("{byte:02X}")).collect();
        set.push_str(&format!("set ssl:verify-certificate/{} no; ", print.join(":")));
    }
    commands.push(format!("lftp -e '{set}mirror; exit' ftp://{at}{rest}"));
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
    use super::*;

    #[test]
    fn names_of_users_can_be_pasted() {
        assert_eq!((in_url("alice"), in_shell("alice")), ("alice".into(), "alice".into()));
        assert_eq!(in_url("a b@c'd"), "a%20b%40c%27d");
        assert_eq!(in_shell("a b@c'd"), "'a b@c'\\''d'");
    }

    #[test]
    fn commands_that_can_be_pasted() {
        let users = ["al ice".to_owned()];
        let shared = |self_made, users| Shared {
            root: Path::new("/"),
            control: &[],
            implicit: &[],
            explicit: Tls::Offered,
            fingerprint: None,
            self_made,
            write: false,
            anonymous: None,
            users,
            made_up: &[],
            firewall: firewall::Site {
                implicit_ports: Vec::new(),
                control_ports: Vec::new(),
                passive_ports: Vec::new(),
                active: firewall::Active::Off,
                families: firewall::Families::Ipv4,
            },
            explain: false,
        };
        let pin = format!("set ssl:verify-certificate/{}AA no; ", "AA:".repeat(19));
        let (own, nobody) = (Some([0xaa; 20]), &[][..]);
        let told = commands(&shared(own, nobody), "ftp://h:1/");
        assert_eq!(told, ["pasv get -r ftp://h:1/", "curl ftp://h:1/", "lftp -e 'mirror; exit' ftp://h:1/"]);
        let told = commands(&shared(own, &users), "ftp://h/");
        assert_eq!(told[1], "curl -u 'al ice' ftp://h/");
        assert_eq!(told[2], format!("lftp -e '{pin}mirror; exit' ftp://al%20ice@h/"));
        let told = commands(&shared(own, nobody), "ftpes://h/");
        let force = "set ftp:ssl-force yes; set ftp:ssl-allow-anonymous yes; ";
        assert_eq!(
            told,
            ["pasv get -r ftpes://h/".to_owned(), format!("lftp -e '{force}{pin}mirror; exit' ftp://h/")]
        );
        let told = commands(&shared(None, nobody), "ftpes://h/");
        assert_eq!(told[1], "curl --ssl-reqd ftp://h/");
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
