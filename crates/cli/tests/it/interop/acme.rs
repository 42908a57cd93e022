//! Does a site get its certificate from an authority, keep it, renew it, and stay up without one?

use std::ffi::OsStr;
use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use net::tls::identity::Identity;

use crate::harness::ours::pasv;
use crate::harness::pebble::Pebble;
use crate::harness::process::{command, run};
use crate::harness::site::Site;

const CAME: &str = "received a certificate";
const SHOWN: &str = "certificates reloaded";
const KEPT: &str = "using the saved certificate";
const ORDERED: &str = "ordering a certificate";

fn serve(pebble: &Pebble, state: &Path) -> Site {
    let flags = pebble.flags();
    Site::keeping(Some(state), &flags.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The fingerprint of the certificate that the site shows to a client which trusts only `root`, and verifies
/// it.
#[track_caller]
fn verified(site: &Site, root: &Path) -> String {
    let url = format!("ftpes://localhost:{}/", site.door.port);
    let program = Path::new(env!("CARGO_BIN_EXE_pasv"));
    let said = run(command(program, ["ls", "-v", &url]).env("SSL_CERT_FILE", root)).good();
    print_in(&said.err)
}

#[track_caller]
fn print_in(said: &str) -> String {
    let print = said.split_whitespace().find(|word| word.starts_with("sha256:"));
    print.unwrap_or_else(|| panic!("no fingerprint: {said}")).trim_end_matches([',', ';', '.']).to_owned()
}

/// What is kept of the authority, a file of this name.
fn kept(state: &Path, name: &str) -> PathBuf {
    let folders = fs::read_dir(state.join("pasv/acme")).expect("the folder of what ACME keeps");
    let folders: Vec<_> = folders.map(|entry| entry.expect("an entry of a folder of ours").path()).collect();
    assert_eq!(folders.len(), 1, "one authority: {folders:?}");
    folders[0].join(name)
}

#[test]
fn a_certificate_comes_and_a_restart_orders_no_other() {
    let Some(pebble) = Pebble::start() else { return };
    let (state, root) = (tempfile::tempdir().expect("a folder for what is kept"), pebble.root());
    let site = serve(&pebble, state.path());
    site.says(CAME);
    site.says(SHOWN);
    let print = verified(&site, &root);
    assert_eq!(pebble.asked_for(), (1, 1));
    // The authority has what it asked for.
    assert!(TcpStream::connect(pebble.asked()).is_err(), "the port for challenges is still open");
    for name in ["localhost.pem", "account.json"] {
        let mode = fs::metadata(kept(state.path(), name)).expect("what is kept").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    drop(site);

    let site = serve(&pebble, state.path());
    assert_eq!(verified(&site, &root), print);
    assert!(site.log().contains(KEPT) && !site.log().contains(ORDERED), "{}", site.log());
    assert_eq!(pebble.asked_for(), (1, 1));
}

#[test]
fn beside_a_given_certificate_the_name_decides() {
    let Some(pebble) = Pebble::start() else { return };
    let folder = tempfile::tempdir().expect("a folder for the given certificate");
    let given = Identity::self_signed(&["other.example".to_owned()]).expect("a certificate");
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name).display().to_string());
    fs::write(&cert, &given.certificate).expect("the given certificate");
    fs::write(&key, given.key.expose()).expect("the given key");
    let mut flags = pebble.flags();
    flags.extend(["--cert", &cert, "--key", &key].map(str::to_owned));
    let site = Site::with(&flags.iter().map(String::as_str).collect::<Vec<_>>());
    site.says(SHOWN);
    let given = given.identity.fingerprint().to_string();
    assert_ne!(verified(&site, &pebble.root()), given);
    // Who asks for an address asks for no name.
    let said = pasv(["ls", &format!("ftpes://127.0.0.1:{}/", site.door.port)]);
    assert_eq!(said.status.code(), Some(3), "{}", said.err);
    assert_eq!(print_in(&said.err), given);
}

/// The authority has forgotten us in between, as a testing one does and a real one might.
#[test]
fn an_old_certificate_is_renewed_while_the_site_runs() {
    let Some(mut pebble) = Pebble::start() else { return };
    let state = tempfile::tempdir().expect("a folder for what is kept");
    serve(&pebble, state.path()).says(CAME);
    fs::write(kept(state.path(), "localhost.pem"), old()).expect("what is kept");
    pebble.forget();

    let site = serve(&pebble, state.path());
    assert!(site.log().contains(KEPT), "{}", site.log());
    site.says("the authority does not know the saved account");
    site.says(CAME);
    site.says(SHOWN);
    verified(&site, &pebble.root());
    assert_eq!(pebble.asked_for(), (1, 1));
}

/// A certificate of ninety days of which ten remain, with its key.
fn old() -> String {
    let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).expect("a name");
    let now = std::time::SystemTime::now();
    let day = std::time::Duration::from_secs(86_400);
    (params.not_before, params.not_after) = ((now - 80 * day).into(), (now + 10 * day).into());
    let key = rcgen::KeyPair::generate().expect("a key");
    format!("{}{}", key.serialize_pem(), params.self_signed(&key).expect("a certificate").pem())
}

/// The site shows a certificate of its own making, which the client takes when it is told so.
#[track_caller]
fn is_up_with_its_own(site: &Site) {
    let url = format!("ftpes://localhost:{}/", site.door.port);
    let said = pasv(["ls", &url]);
    assert_eq!(said.status.code(), Some(3), "{}", said.err);
    let print = print_in(&said.err);
    assert!(site.log().contains(&print), "the banner tells another fingerprint:\n{}", site.log());
    pasv(["ls", "--pin", &print, &url].map(OsStr::new)).good();
}

#[test]
fn a_dead_authority_leaves_the_site_up() {
    let Some(pebble) = Pebble::start() else { return };
    let mut flags = pebble.flags();
    let directory = flags.iter_mut().find(|flag| flag.starts_with("https://")).expect("the directory");
    *directory = format!("https://localhost:{}/dir", pebble.nobody().port());
    let site = Site::with(&flags.iter().map(String::as_str).collect::<Vec<_>>());
    let line = site.says("cannot get a certificate");
    assert!(line.contains("onnection refused") && line.contains("5 min"), "{line}");
    is_up_with_its_own(&site);
}

#[test]
fn an_authority_that_does_not_believe_is_quoted() {
    let Some(pebble) = Pebble::start() else { return };
    let mut flags = pebble.flags();
    // Nothing forwards what the authority asks to this port.
    *flags.last_mut().expect("the address of --acme-listen") = "127.0.0.1:0".to_owned();
    let site = Site::with(&flags.iter().map(String::as_str).collect::<Vec<_>>());
    let line = site.says("cannot get a certificate");
    assert!(line.contains("could not verify that localhost leads to this server"), "{line}");
    assert!(line.contains("onnection refused") && line.contains("port forwarding on the NAT"), "{line}");
    is_up_with_its_own(&site);
}
