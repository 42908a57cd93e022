//! Is the output for every firewall what the files in `golden/` say?
//!
//! A file for each target, with one request that asks for most of what it can write. After an intended change
//! `PASV_GOLDEN=write cargo test -p firewall golden` writes them again, to be read before they are committed.

use std::net::IpAddr;
use std::path::Path;

use firewall::{Active, Authority, Chain, Exposure, Families, Modes, Output, Request, Target};

fn exposure() -> Exposure {
    Exposure {
        control_ports: vec![21],
        implicit_ports: vec![],
        passive_ports: vec![61210..=61214],
        active: Active::FromPort(20),
        families: Families::Both,
    }
}

/// The server behind the router or the balancer, for those who have to know.
fn usual() -> Request {
    Request { inside: inside(), ..Request::of(exposure()) }
}

fn inside() -> Vec<IpAddr> {
    vec!["192.168.1.2".parse().unwrap(), "2001:db8:1::2".parse().unwrap()]
}

fn has_to_know(target: Target) -> bool {
    matches!(target, Target::NftablesRouter | Target::Mikrotik | Target::Haproxy)
}

fn filters_no_output(target: Target) -> bool {
    matches!(target, Target::Docker | Target::Haproxy)
}

/// What asks for most of what a target can write, and the flags of `pasv firewall` that say the same.
fn rich(target: Target) -> (String, Request) {
    let from = ["192.0.2.0/24", "198.51.100.7/32", "2001:db8:2::/48"];
    let mut request = Request {
        modes: Modes::Both,
        output: Output::Dropped,
        from: from.iter().map(|net| net.parse().unwrap()).collect(),
        external: Some([203, 0, 113, 7].into()),
        ..usual()
    };
    let mut flags = format!("--for {} --mode both --external 203.0.113.7", target.name());
    for net in from {
        flags.push_str(&format!(" --from {net}"));
    }
    if filters_no_output(target) {
        request.output = Output::Open;
    } else {
        flags.push_str(" --output-drop");
    }
    if has_to_know(target) || matches!(target, Target::Pf | Target::Cisco) {
        flags.push_str(" --inside 192.168.1.2 --inside 2001:db8:1::2");
    } else {
        request.inside.clear();
    }
    (flags, request)
}

fn told(target: Target) -> String {
    let (flags, request) = rich(target);
    // Reasons and the drawing are the same code for all: one target shows them.
    let explain = target == Target::Nftables;
    let flags = if explain { format!("{flags} --explain") } else { flags };
    format!("===== pasv firewall {flags}\n{}", target.write(&request, explain).unwrap())
}

#[test]
fn every_target_says_what_its_file_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut differ = Vec::new();
    for target in Target::all() {
        let (file, text) = (folder.join(format!("{}.txt", target.name())), told(target));
        if std::env::var_os("PASV_GOLDEN").is_some_and(|word| word == "write") {
            std::fs::write(&file, &text).unwrap();
        }
        let expected = std::fs::read_to_string(&file).unwrap_or_default();
        // The line after the last is none.
        let all = |text: &str| text.lines().map(str::to_owned).chain([String::new()]).collect::<Vec<_>>();
        let (told, expected) = (all(&text), all(&expected));
        if let Some((n, line)) = told.iter().enumerate().find(|(n, line)| expected.get(*n) != Some(*line)) {
            differ.push(format!("{}, line {}:\n{line}", target.name(), n + 1));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

/// The promise of passive mode, for every firewall: port 20 is nobody's business.
#[test]
fn passive_never_opens_port_20() {
    for target in Target::all() {
        let text = target.write(&usual(), false).unwrap();
        for line in text.lines().filter(|line| !line.starts_with(['#', '!'])) {
            let numbers = line.split(|c: char| !c.is_ascii_digit());
            assert!(numbers.into_iter().all(|number| number != "20"), "{}: {line}", target.name());
        }
    }
}

/// How to take it back is as important as how to load it; and nothing to be filled in looks as if it were
/// real.
#[test]
fn every_target_tells_how_to_remove_it_and_marks_what_is_to_be_filled_in() {
    for target in Target::all() {
        let text = target.write(&usual(), false).unwrap();
        assert!(text.contains("Remove"), "{}: {text}", target.name());
        for words in
            ["sg-0", "acl-0", "my-", "GigabitEthernet0/0\n", "ftp://HOST", " ADDRESS", " BALANCER", " IMAGE "]
        {
            let set = text.replace("IMAGE to", "");
            assert!(!set.contains(words), "{}: {words} in {text}", target.name());
        }
    }
}

/// What must stand beside the rules, whatever the firewall.
#[test]
fn what_has_to_agree_is_always_told() {
    for target in Target::all() {
        let request = Request {
            exposure: Exposure { passive_ports: vec![50000..=50009], ..exposure() },
            external: Some([203, 0, 113, 7].into()),
            inside: vec!["192.168.1.2".parse().unwrap()],
            ..usual()
        };
        let text = target.write(&request, false).unwrap();
        // Remarks are broken where they are long.
        let text = text.replace("\n#  ", "").replace("\n!  ", "").replace("\n# ", " ").replace("\n! ", " ");
        for words in [
            "Start the server with matching flags: pasv serve --listen 21 --passive-ports 50000-50009 --external 203.0.113.7",
            "50000-50009 lies inside 32768-60999",
            "pasv doctor ftp://203.0.113.7/",
            "No FTP helper",
        ] {
            assert!(text.contains(words), "{}: {words} is missing in\n{text}", target.name());
        }
    }
}

#[test]
fn what_cannot_be_written_is_refused_and_not_written_otherwise() {
    let refused = |target: Target, request: &Request| {
        target.write(request, false).expect_err(&format!("{} takes {request:?}", target.name())).to_string()
    };
    let active = Request { modes: Modes::Active, ..usual() };
    for target in [Target::Docker, Target::Kubernetes, Target::Haproxy] {
        assert!(refused(target, &active).contains("active mode does not pass"), "{}", target.name());
    }
    let closed = Request { output: Output::Dropped, ..usual() };
    for target in Target::all().filter(|target| filters_no_output(*target)) {
        assert!(refused(target, &closed).contains("--output-drop"), "{}", target.name());
    }
    let two = Request { inside: ["10.0.0.1", "10.0.0.2"].map(|at| at.parse().unwrap()).into(), ..usual() };
    let any = Request { exposure: Exposure { control_ports: vec![0], ..exposure() }, ..usual() };
    for target in Target::all() {
        assert!(refused(target, &any).contains("port 0 means any"), "{}", target.name());
        if target != Target::Haproxy {
            assert!(refused(target, &two).contains("one address of each family"), "{}", target.name());
        }
    }
    let family = |family: &str| Chain { family: family.into(), ..Chain::default() };
    let v6 = Request { chain: family("ip"), from: vec!["2001:db8::/32".parse().unwrap()], ..usual() };
    assert!(refused(Target::NftablesInsert, &v6).contains("sees none"));
    let v4 = Target::NftablesInsert.write(&Request { chain: family("ip"), ..usual() }, false).unwrap();
    assert!(v4.contains("This chain sees no IPv6"), "{v4}");
}

/// Who follows a remark must not lock himself out: the port of a certificate's authority comes beside ssh.
#[test]
fn the_certificates_authority_is_told_of_everywhere() {
    let request = Request { authority: Authority::AsksAt(80), ..usual() };
    for target in Target::all() {
        let text = target.write(&request, false).unwrap();
        assert!(text.contains("port 80"), "{}: {text}", target.name());
    }
    let whole = Target::Nftables.write(&request, false).unwrap();
    assert!(whole.contains("tcp dport { 22, 80 } ct state new accept"), "{whole}");
}

/// What the servers must be told is what `pasv serve` takes: TLS first at its own flag, the modes that pass.
#[test]
fn the_line_of_the_server_fits_the_rules() {
    let tls = Exposure { control_ports: vec![2121, 990], implicit_ports: vec![990], ..exposure() };
    let request = Request::of(Exposure { families: Families::Ipv4, ..tls.clone() });
    let line = |target: Target, request: &Request| {
        let text = target.write(request, false).unwrap();
        text.lines().find_map(|line| line.strip_prefix("#   pasv serve ").map(str::to_owned)).unwrap()
    };
    assert_eq!(
        line(Target::Nftables, &request),
        "--listen 0.0.0.0:2121 --listen-tls 0.0.0.0:990 --passive-ports 61210-61214"
    );
    let request = Request::of(tls);
    let closed = Request { output: Output::Dropped, ..request.clone() };
    assert!(
        line(Target::Nftables, &closed).ends_with("--listen-tls 990 --passive-ports 61210-61214 --no-active")
    );
    let active = Request { modes: Modes::Active, ..request.clone() };
    assert_eq!(
        line(Target::Nftables, &active),
        "--listen 2121 --listen-tls 990 --no-passive --active-port 20"
    );
    let behind = line(Target::Haproxy, &usual());
    assert_eq!(behind, "--listen 21 --external <ADDRESS> --proxy-from <BALANCER> --no-active");
}

#[test]
fn a_mode_that_the_site_does_not_offer_is_refused() {
    let request = Request {
        exposure: Exposure { passive_ports: vec![], ..exposure() },
        modes: Modes::Passive,
        ..usual()
    };
    let neither =
        Request { modes: Modes::Active, exposure: Exposure { active: Active::Off, ..exposure() }, ..usual() };
    // Half of what is asked for is not what is asked for.
    let half = Request { modes: Modes::Both, ..request.clone() };
    for request in [request, neither, half] {
        let error = Target::Nftables.write(&request, false).unwrap_err();
        assert!(error.to_string().contains("does not offer"), "{error}");
    }
}
