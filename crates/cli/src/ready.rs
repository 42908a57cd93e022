//! How does another program learn that the site is up, and where?
use std::net::SocketAddr;
use std::path::Path;
use std::{fs, io};

/// Writes `{"control":["127.0.0.1:2121"],"implicit":[],"passive":[61000]}` in one step, so that whoever sees the file sees it whole.
pub(crate) fn write(
    path: &Path,
    control: &[SocketAddr],
    implicit: &[SocketAddr],
    passive: &[u16],
) -> io::Result<()> {
    let texts = |all: &[SocketAddr]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
    let text =
        serde_json::json!({ "control": texts(control), "implicit": texts(implicit), "passive": passive })
            .to_string();
    let mut partial = path.as_os_str().to_owned();
    partial.push(".new");
    fs::write(&partial, text)?;
    fs::rename(&partial, path)
}
