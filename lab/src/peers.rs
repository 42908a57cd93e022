//! How are other people's servers set up for a test, wherever it runs?
//!
//! All serve one folder, in which their user may write, and change nothing on the machine: no user is made,
//! and no file is written outside the test's own folder.
use std::fs;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::os::unix::fs::chown;
use std::path::Path;

use net::tls::identity::Identity;

/// `nobody` and `nogroup`, by Debian's numbers: who owns the files, where the server lets us choose.
pub const NOBODY: u32 = 65534;
/// `daemon`: vsftpd wants a user of the system whose home exists.
pub const DAEMON: u32 = 1;
/// The password of `tester`.
pub const PASSWORD: &str = "secret";
/// `PASSWORD` as crypt(3) stores it (SHA-512), for files of users. Hashes made by the servers' own tools take
/// seconds to check, at every login again.
pub const CRYPTED: &str =
    "$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG.";

/// Where a server listens and what it serves.
#[derive(Clone, Debug)]
pub struct Place<'p> {
    /// The control connection's port.
    pub control: u16,
    /// The ports of passive data connections.
    pub passive: RangeInclusive<u16>,
    /// The folder that it serves.
    pub root: &'p Path,
}

/// Which addresses a server takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    /// This one.
    At(Ipv4Addr),
    /// All of IPv4.
    Ipv4,
    /// All of both families, on a socket of IPv6: vsftpd tells IPv4 clients other replies there.
    Both,
}

/// The settings of vsftpd, in which everybody is anonymous: its other users are those of the machine. `empty`
/// is a folder for it to hide in.
pub fn vsftpd(place: &Place<'_>, listen: Listen, empty: &Path) -> String {
    let listen = match listen {
        Listen::At(address) => format!("listen=YES\nlisten_address={address}"),
        Listen::Ipv4 => "listen=YES".to_owned(),
        Listen::Both => "listen=NO\nlisten_ipv6=YES".to_owned(),
    };
    format!(
        "{listen}\nlisten_port={control}\nbackground=NO\npasv_min_port={low}\npasv_max_port={high}\n\
         anonymous_enable=YES\nlocal_enable=NO\nno_anon_password=YES\nftp_username=daemon\nnopriv_user=nobody\n\
         anon_root={root}\nsecure_chroot_dir={empty}\nanon_world_readable_only=NO\nanon_umask=022\n\
         write_enable=YES\nanon_upload_enable=YES\nanon_mkdir_write_enable=YES\nanon_other_write_enable=YES\n\
         seccomp_sandbox=NO\nisolate=NO\nisolate_network=NO\nsession_support=NO\ntcp_wrappers=NO\n\
         max_clients=0\nmax_per_ip=0\nxferlog_enable=NO\n",
        control = place.control,
        low = place.passive.start(),
        high = place.passive.end(),
        root = place.root.display(),
        empty = empty.display(),
    )
}

/// Further settings of vsftpd: TLS on every connection, with the certificate and key in `pem`, and data
/// connections that must resume their control connection's session.
pub fn vsftpd_tls(pem: &Path) -> String {
    format!(
        "ssl_enable=YES\nallow_anon_ssl=YES\nforce_anon_logins_ssl=YES\nforce_anon_data_ssl=YES\n\
         require_ssl_reuse=YES\nssl_ciphers=HIGH\nrsa_cert_file={pem}\nrsa_private_key_file={pem}\n",
        pem = pem.display(),
    )
}

/// The words with which Pure-FTPd is called, but for TLS, the users (`-l puredb:FILE`) and the file for its
/// number (`-g`).
pub fn pureftpd(place: &Place<'_>, listen: Listen) -> Vec<String> {
    let at = match listen {
        Listen::At(address) => format!("{address},{}", place.control),
        Listen::Ipv4 | Listen::Both => place.control.to_string(),
    };
    let range = format!("{}:{}", place.passive.start(), place.passive.end());
    let words =
        ["-H", "-A", "-E", "-u", "1", "-U", "133:022", "-k", "100", "-f", "none", "-c", "50", "-C", "50"];
    let words = words.into_iter().chain(["-S", at.as_str(), "-p", range.as_str()]);
    words.map(str::to_owned).collect()
}

/// Pure-FTPd's file of users, from which `pure-pw mkdb` makes its database.
pub fn pureftpd_users(place: &Place<'_>) -> String {
    format!("tester:{CRYPTED}:{NOBODY}:{NOBODY}::{}/./::::::::::::\n", place.root.display())
}

/// A certificate for 127.0.0.1 that signs itself, and its key, in PEM.
///
/// # Panics
/// Where the system has no random bytes.
pub fn identity() -> String {
    let made = Identity::self_signed(&["127.0.0.1".to_owned()]).expect("a certificate");
    format!("{}{}", made.certificate, String::from_utf8_lossy(made.key.expose()))
}

/// Gives `path` and all below it to `owner`.
///
/// # Panics
/// Where we may not.
#[track_caller]
pub fn give(path: &Path, owner: u32) {
    if owner != rustix::process::geteuid().as_raw() {
        chown(path, Some(owner), None).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("a folder of our own") {
            give(&entry.expect("an entry of a folder of our own").path(), owner);
        }
    }
}
