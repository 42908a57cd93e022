//! Is `pasv doctor` right about other people's servers, and does what it says to use work as it stands?
use serde_json::Value;

use crate::harness::files::write;
use crate::harness::need;
use crate::harness::ours::pasv;
use crate::harness::peer::Peer;
use crate::harness::process::{Said, command, run};

/// What the doctor says of the folder of a server that nothing is wrong with.
fn examined(peer: &Peer) -> Value {
    write(&peer.files(), "small.bin", 1, 3000);
    write(&peer.files(), "large.bin", 2, 300_000);
    peer.own();
    let said = pasv(["doctor", "--json", "--clear", "--insecure", "--write", &peer.url("")]);
    let object: Value = serde_json::from_slice(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"));
    let evidence = object["evidence"].to_string();
    for line in ["REST 0: works", "resuming (REST): works", "times in LIST: in UTC"] {
        assert!(evidence.contains(line), "{line}: {object:#}");
    }
    object
}

/// Each of the settings, word by word.
fn what_it_says_works(peer: &Peer, object: &Value) {
    let url = peer.url("");
    let lists = |said: Said| {
        let said = said.good();
        let text = String::from_utf8_lossy(&said.out).into_owned();
        assert!(text.contains("small.bin") && text.contains("large.bin"), "{text} {object:#}");
    };
    let words = |of: &str| -> Vec<String> {
        let words = object["use"][of].as_str().unwrap_or_else(|| panic!("{object:#}"));
        words.split_whitespace().map(str::to_owned).collect()
    };
    let all = |first: &[&str], of: &str| -> Vec<String> {
        let first = first.iter().map(|word| (*word).to_owned());
        first.chain(words(of)).chain([format!("{url}/")]).collect()
    };
    lists(pasv(all(&["ls"], "pasv")));
    if let Some(curl) = need::program("curl") {
        lists(run(&mut command(&curl, all(&["-q", "-sS"], "curl"))));
    }
    if let Some(lftp) = need::program("lftp") {
        let settings = words("lftp").join(" ");
        let script = format!("set net:max-retries 1; {settings}; open {url}/; ls; exit");
        lists(run(&mut command(&lftp, ["--norc", "-c", &script])));
    }
}

fn is_well(peer: &Peer, notes: &[&str]) {
    let object = examined(peer);
    assert_eq!(object["verdict"], "all-is-well", "{object:#}");
    let also = object["also"].as_array().expect("a list").iter();
    let also: Vec<&str> = also.filter_map(|remark| remark["verdict"].as_str()).collect();
    assert_eq!(also, notes, "{object:#}");
    assert!(object["evidence"].to_string().contains("upload: complete, checked by "), "{object:#}");
    what_it_says_works(peer, &object);
}

#[test]
fn vsftpd_in_clear_and_under_tls() {
    if let Some(peer) = Peer::vsftpd() {
        is_well(&peer, &["no-tls", "no-mlsd"]);
    }
    if let Some(peer) = Peer::vsftpd_tls() {
        is_well(&peer, &["tls-required", "reuse-required", "certificate-unverified", "no-mlsd"]);
    }
}

#[test]
fn proftpd_in_clear_and_under_tls() {
    if let Some(peer) = Peer::proftpd() {
        is_well(&peer, &["no-tls"]);
    }
    // An upload uses a TLS 1.3 ticket up and brings no other, and data connections must resume.
    if let Some(peer) = Peer::proftpd_tls() {
        let object = examined(&peer);
        assert_eq!(object["verdict"], "data-tls-refused", "{object:#}");
        assert!(
            object["sentence"].as_str().is_some_and(|sentence| sentence.starts_with("Upload 3")),
            "{object:#}"
        );
        what_it_says_works(&peer, &object);
    }
}

#[test]
fn pureftpd_in_clear_and_under_tls() {
    // Without TLS it offers AUTH TLS all the same.
    if let Some(peer) = Peer::pureftpd() {
        let object = examined(&peer);
        assert_eq!(object["verdict"], "auth-fails", "{object:#}");
        what_it_says_works(&peer, &object);
    }
    if let Some(peer) = Peer::pureftpd_tls() {
        is_well(&peer, &["tls-required", "certificate-unverified"]);
    }
}

/// With several sessions at a time it now and then says 150 and never takes the data connection, so that what
/// it is said to have differs; what to use works.
#[test]
fn pyftpdlib_in_clear_and_under_tls() {
    for peer in [Peer::pyftpdlib(), Peer::pyftpdlib_tls()].into_iter().flatten() {
        write(&peer.files(), "small.bin", 1, 3000);
        write(&peer.files(), "large.bin", 2, 300_000);
        let said = pasv(["doctor", "--json", "--clear", "--insecure", &peer.url("")]);
        let object: Value = serde_json::from_slice(&said.out).expect("an object");
        assert!(!object.to_string().contains("client-behind-nat"), "{object:#}");
        what_it_says_works(&peer, &object);
    }
}
