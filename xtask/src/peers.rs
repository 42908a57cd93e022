//! How do we get other people's servers without installing them?
//!
//! Debian's packages of FTP servers exclude each other, and would start when installed; a balancer would too.
//! So they are downloaded, unpacked below the target folder, and run from there; only the libraries they need
//! are installed.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::apt::Apt;
use crate::project::Project;
use crate::report::Skip;
use crate::run::{find, last_words, run};

/// Packages with the program each is wanted for.
const SERVERS: &[(&str, &str)] = &[
    ("vsftpd", "usr/sbin/vsftpd"),
    ("proftpd-core", "usr/sbin/proftpd"),
    ("proftpd-mod-crypto", "usr/lib/proftpd/mod_tls.so"),
    ("pure-ftpd", "usr/sbin/pure-ftpd"),
    ("haproxy", "usr/sbin/haproxy"),
    // In three parts, of which the first would close the machine's ports when installed.
    ("firewalld", "usr/bin/firewall-offline-cmd"),
    ("python3-firewall", "usr/lib/python3/dist-packages/firewall/__init__.py"),
    ("python3-nftables", "usr/lib/python3/dist-packages/nftables/__init__.py"),
];

/// Fetches those that are not there yet, and names those that cannot be had.
pub(crate) fn fetch(project: &Project, apt: &mut Apt) -> Vec<Skip> {
    let mut missing = Vec::new();
    for (package, program) in SERVERS {
        if let Err(why) = unpacked(&project.peers, package, program, apt) {
            missing.push(Skip::of(package, &why));
        }
    }
    if let Err(why) = pyftpdlib(&project.peers, apt) {
        missing.push(Skip::of("pyftpdlib", &why));
    }
    if let Err(why) = basic_ftp(&project.peers) {
        missing.push(Skip::of("basic-ftp", &why));
    }
    missing
}

/// A server's package, unpacked as `peers/PACKAGE`, with its libraries.
fn unpacked(peers: &Path, package: &str, program: &str, apt: &mut Apt) -> Result<(), String> {
    let there = peers.join(package);
    let program = there.join(program);
    if !program.exists() {
        // A folder of its own, so that what lies in it afterwards is the package.
        let debs = peers.join(format!("{package}.deb.d"));
        let _ = fs::remove_dir_all(&debs);
        fs::create_dir_all(&debs).map_err(|error| error.to_string())?;
        apt.call(Command::new("apt-get").args(["download", "-qq", package]).current_dir(&debs))?;
        let deb = fs::read_dir(&debs)
            .ok()
            .and_then(|mut files| files.next()?.ok())
            .ok_or("apt-get downloaded nothing")?;
        good(Command::new("dpkg-deb").arg("-x").arg(deb.path()).arg(&there))?;
        let depends = run(Command::new("dpkg-deb").arg("-f").arg(deb.path()).arg("Depends")).text;
        for library in libraries(&depends) {
            if run(Command::new("dpkg-query").args(["-W", "-f", "${db:Status-Status}", library])).text
                != "installed"
            {
                apt.install(library)?;
            }
        }
        let _ = fs::remove_dir_all(&debs);
    }
    let linked = run(Command::new("ldd").arg(&program)).text;
    match linked.lines().find(|line| line.contains("not found")) {
        Some(line) => Err(format!("its library is missing: {}", line.trim())),
        None => Ok(()),
    }
}

/// The libraries among a package's dependencies, whatever this Debian calls them: of alternatives the first.
fn libraries(depends: &str) -> impl Iterator<Item = &str> {
    depends
        .split(',')
        .filter_map(|choice| choice.split(['|', '(']).next())
        .map(|name| name.trim().split(':').next().unwrap_or_default())
        .filter(|name| name.starts_with("lib"))
}

/// pyftpdlib in a Python environment of its own, as `peers/venv`.
fn pyftpdlib(peers: &Path, apt: &mut Apt) -> Result<(), String> {
    let venv = peers.join("venv");
    let python = venv.join("bin/python");
    let works = || run(Command::new(&python).args(["-c", "import pyftpdlib.servers, OpenSSL"])).good;
    if works() {
        return Ok(());
    }
    let system = find("python3").ok_or("python3 is not installed")?;
    let make = || good(Command::new(&system).args(["-m", "venv"]).arg(&venv));
    if make().is_err() {
        // Debian keeps a part of venv in a package of its own.
        apt.install("python3-venv")?;
        make()?;
    }
    good(Command::new(&python).args(["-m", "pip", "install", "--quiet", "pyftpdlib", "pyOpenSSL"]))?;
    if works() { Ok(()) } else { Err("installed, but it cannot be imported".to_owned()) }
}

/// basic-ftp in a folder of its own, as `peers/basic-ftp`.
fn basic_ftp(peers: &Path) -> Result<(), String> {
    const WANTED: &str = "basic-ftp@5.0.5";
    let there = peers.join("basic-ftp");
    if there.join("node_modules/basic-ftp/package.json").exists() {
        return Ok(());
    }
    let npm = find("npm").ok_or("npm is not installed")?;
    fs::create_dir_all(&there).map_err(|error| error.to_string())?;
    good(
        Command::new(npm)
            .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"])
            .arg(&there)
            .arg(WANTED),
    )
}

fn good(command: &mut Command) -> Result<(), String> {
    let said = run(command);
    if said.good { Ok(()) } else { Err(last_words(&said.text).to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::libraries;

    #[test]
    fn libraries_are_found_among_the_dependencies() {
        let depends = "debconf (>= 0.5) | debconf-2.0, libc6 (>= 2.34), libcap2:amd64 (>= 1:2.10), libx1 | libx2, adduser\n";
        assert_eq!(libraries(depends).collect::<Vec<_>>(), ["libc6", "libcap2", "libx1"]);
    }
}
