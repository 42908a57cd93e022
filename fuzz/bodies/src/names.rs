//! What must be true of names: of URLs, and of paths in a tree?
use storage::VPath;
use wire::FtpUrl;
use wire::pathname::{Pathname, show};

use crate::steered;

/// URLs, of any text.
pub fn url(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match FtpUrl::parse(&text) {
        Ok(url) => {
            let written = url.with_password();
            assert!(written.len() <= 3 * text.len() + 64, "a URL grew");
            assert_eq!(FtpUrl::parse(&written).as_ref(), Ok(&url), "a URL changed");
            let shown = url.to_string();
            assert!(shown.len() <= written.len());
            assert_eq!(
                FtpUrl::parse(&shown).expect("a URL without its password is one").segments,
                url.segments
            );
            let host = url.host.to_string().into_bytes();
            let password = url.password.iter().map(|p| p.expose().to_vec());
            for part in url.segments.iter().chain(&url.user).cloned().chain(password).chain([host]) {
                assert!(!part.iter().any(|b| matches!(b, b'\r' | b'\n' | b'\0')), "a line end got through");
            }
            assert!(url.segments.is_empty() || Pathname::new(url.path()).is_ok());
            assert_ne!(url.port, Some(0));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Paths: two, the second joined to the first.
pub fn path(input: &[u8]) {
    let (at, input) = steered(input);
    let (first, second) = input.split_at(at.min(input.len()));
    let Ok(start) = VPath::root().join(first) else { return };
    rooted(&start);
    let Ok(joined) = start.join(second) else { return };
    rooted(&joined);
    if second.first() == Some(&b'/') {
        assert_eq!(VPath::root().join(second).ok(), Some(joined), "an absolute path depends on where one is");
    } else if !second.is_empty() {
        let both = [start.as_bytes(), b"/", second].concat();
        assert_eq!(VPath::root().join(&both).ok(), Some(joined), "a relative path is not what it says");
    }
    // The other forms of a name on its way to a person and to a 257 reply.
    assert!(!show(input).chars().any(char::is_control));
    assert_eq!(Pathname::unquote(&Pathname::quoted(input)).as_deref(), Some(input));
}

fn rooted(path: &VPath) {
    let bytes = path.as_bytes();
    assert!(bytes.starts_with(b"/") && bytes.len() <= VPath::LENGTH && !bytes.contains(&0));
    if !path.is_root() {
        for component in bytes[1..].split(|b| *b == b'/') {
            assert!(!matches!(component, b"" | b"." | b".."), "a path can leave the root");
            assert!(component.len() <= VPath::COMPONENT);
        }
        let (parent, name) = path.split().expect("only the root is in no directory");
        assert_eq!(parent.join(name).as_ref().ok(), Some(path));
    }
    assert_eq!(VPath::root().join(bytes).ok().as_ref(), Some(path), "a path is normal only once");
}
