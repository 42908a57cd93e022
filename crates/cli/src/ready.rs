//! How does another program learn that the site is up, and where?
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// A ready file that was written. Dropped, it is removed, unless another server has written its own
/// meanwhile.
pub(crate) struct Ready {
    path: PathBuf,
    text: String,
}

impl Drop for Ready {
    fn drop(&mut self) {
        if fs::read(&self.path).is_ok_and(|text| text == self.text.as_bytes()) {
            // Somebody else may remove it at the same moment.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Writes `{"control":["127.0.0.1:2121"],"implicit":[],"passive":[61000]}` in one step, so that whoever sees
/// the file sees it whole.
pub(crate) fn write(
    path: &Path,
    control: &[SocketAddr],
    implicit: &[SocketAddr],
    passive: &[u16],
) -> io::Result<Ready> {
    let texts = |all: &[SocketAddr]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
    let text =
        serde_json::json!({ "control": texts(control), "implicit": texts(implicit), "passive": passive })
            .to_string();
    let mut partial = path.as_os_str().to_owned();
    partial.push(".new");
    fs::write(&partial, &text)?;
    fs::rename(&partial, path)?;
    Ok(Ready { path: path.to_owned(), text })
}
