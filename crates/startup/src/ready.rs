//! How does another program learn that the server is up, and where?
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde_json::json;
use server::Server;

/// A ready file that was written. Dropped, it is removed, unless another server has written its own
/// meanwhile.
pub(crate) struct Ready {
    path: PathBuf,
    text: String,
}

impl Ready {
    /// Writes the addresses and ports in one step, so that a reader of the file sees it whole.
    pub(crate) fn write(path: &Path, server: &Server) -> io::Result<Self> {
        let texts = |all: Vec<SocketAddr>| all.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (control, implicit) = (texts(server.control()), texts(server.implicit()));
        let text =
            json!({ "control": control, "implicit": implicit, "passive": server.passive() }).to_string();
        let mut partial = path.as_os_str().to_owned();
        partial.push(".new");
        fs::write(&partial, &text)?;
        fs::rename(&partial, path)?;
        Ok(Self { path: path.to_owned(), text })
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        if fs::read(&self.path).is_ok_and(|text| text == self.text.as_bytes()) {
            // Somebody else may remove it at the same moment.
            let _ = fs::remove_file(&self.path);
        }
    }
}
