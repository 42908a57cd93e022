//! Does a dialogue through `openssl s_client` go as the standards say it (RFC 4217), in both ways and
//! versions?

use std::path::Path;

use crate::harness::need;
use crate::harness::process::{command, run_with};
use crate::harness::site::{Site, Way};
use crate::harness::url::Door;

fn talks(openssl: &Path, way: Way, version: &str) {
    let site = Site::tls(way, "require");
    let address = format!("{}:{}", Door::HOST, site.door.port);
    let mut call = command(openssl, ["s_client", "-quiet", "-crlf", version, "-connect", &address]);
    // Ours signs itself, and is given as its own authority.
    call.arg("-CAfile").arg(site.certificate()).args([
        "-verify_return_error",
        "-verify_hostname",
        "localhost",
    ]);
    if way == Way::Explicit {
        call.args(["-starttls", "ftp"]);
    }
    let login = format!("USER {}\nPASS {}\n", site.door.user, site.door.password);
    let rest = "FEAT\nPROT P\nPBSZ 0\nPROT S\nPROT E\nPROT C\nPROT P\nCCC\nAUTH TLS\nQUIT\n";
    let said = run_with(&mut call, format!("{login}{rest}").as_bytes()).good();
    let text = String::from_utf8_lossy(&said.out);
    let codes: Vec<&str> = text
        .lines()
        .filter(|line| line.as_bytes().get(3) == Some(&b' '))
        .filter_map(|line| line.get(..3))
        .collect();
    // s_client itself reads the greeting before AUTH.
    let greeting = if way == Way::Implicit { &["220"][..] } else { &[] };
    let rest = ["331", "230", "211", "503", "200", "536", "536", "534", "200", "534", "503", "221"];
    assert_eq!(codes, [greeting, &rest].concat(), "{text}{}", said.err);
}

#[test]
fn explicit_and_implicit() {
    let Some(openssl) = need::program("openssl") else { return };
    for way in [Way::Explicit, Way::Implicit] {
        talks(&openssl, way, "-tls1_2");
        talks(&openssl, way, "-tls1_3");
    }
}
