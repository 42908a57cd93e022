//! Does our client get through to everybody's servers under TLS, time after time in one session?
//!
//! Twenty files a way in one session: a client that runs out of TLS 1.3 tickets, or that closes with tickets
//! unread, fails after the second.

use std::ffi::OsStr;

use crate::harness::files::{assert_same_file, write};
use crate::harness::ours::pasv;
use crate::harness::peer::Peer;

const COUNT: u64 = 20;
const LENGTH: usize = 2_000_000;

/// Do the server's data connections resume?
#[derive(Clone, Copy, PartialEq, Eq)]
enum Resumes {
    Always,
    Never,
}

fn moves_twenty_files_each_way(peer: &Peer, resumes: Resumes, uploading: usize) {
    let resumed = |said: &str| {
        let count = said.matches("resumes the control connection's session").count();
        assert_eq!(count, if resumes == Resumes::Always { COUNT as usize } else { 0 }, "{said}");
    };
    let began = |said: &str, sessions: usize| {
        assert_eq!(said.matches("* control: TLS").count(), sessions, "{said}");
    };
    let (here, back) = (peer.beside("here"), peer.beside("back"));
    let names: Vec<String> = (0..COUNT).map(|n| format!("{n}.bin")).collect();
    let files: Vec<_> = (0..COUNT).zip(&names).map(|(n, name)| write(&here, name, n, LENGTH)).collect();
    let url = |name: &str| peer.url(name).replacen("ftp://", "ftpes://", 1);

    // Nobody vouches for its certificate, and nobody is there to be asked.
    let said = pasv(["ls".to_owned(), url("")]);
    assert_eq!(said.status.code(), Some(3), "{}", said.err);
    let print = said.err.split_whitespace().find(|word| word.starts_with("sha256:")).expect("a fingerprint");
    let pin = ["--tls", "required", "--pin", print].map(OsStr::new);

    let to = url("");
    let put = ["put", "-v"].map(OsStr::new).into_iter().chain(pin);
    let said = pasv(put.chain(files.iter().map(|file| file.as_os_str())).chain([to.as_ref()])).good();
    resumed(&said.err);
    began(&said.err, uploading);
    for (name, file) in names.iter().zip(&files) {
        assert_same_file(file, &peer.files().join(name));
    }

    let urls: Vec<String> = names.iter().map(|name| url(name)).collect();
    let get = ["get", "-v", "-O"].map(OsStr::new).into_iter().chain([back.as_os_str()]).chain(pin);
    let said = pasv(get.chain(urls.iter().map(OsStr::new))).good();
    resumed(&said.err);
    began(&said.err, 1);
    for (name, file) in names.iter().zip(&files) {
        assert_same_file(file, &back.join(name));
    }
}

#[test]
fn vsftpd_that_demands_resumption() {
    let Some(peer) = Peer::vsftpd_tls() else { return };
    moves_twenty_files_each_way(&peer, Resumes::Always, 1);
}

/// It gives two TLS 1.3 tickets at the login, and none with uploads: a second session, under TLS 1.2, has to
/// do.
#[test]
fn proftpd_that_demands_resumption() {
    let Some(peer) = Peer::proftpd_tls() else { return };
    moves_twenty_files_each_way(&peer, Resumes::Always, 2);
}

#[test]
fn pyftpdlib_that_demands_tls() {
    let Some(peer) = Peer::pyftpdlib_tls() else { return };
    moves_twenty_files_each_way(&peer, Resumes::Always, 1);
}

/// It keeps no sessions, and asks for none.
#[test]
fn pureftpd_that_demands_tls() {
    let Some(peer) = Peer::pureftpd_tls() else { return };
    moves_twenty_files_each_way(&peer, Resumes::Never, 1);
}
