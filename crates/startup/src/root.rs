//! Can this folder be shared by this user? Checked at the start, so that clients do not get 550 for
//! everything.
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::io::Errno;
use rustix::process::geteuid;

use net::os_error::words;

use crate::error::{Error, show};

/// Checks that the folder can be read, entered, and (with `writes`) written.
///
/// # Errors
/// When it cannot: why, and what to do.
pub fn check_root(root: &Path, writes: bool) -> Result<(), Error> {
    let shown = show(root);
    let about = match fs::metadata(root) {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::new(format!("cannot share {shown}: no such folder"))
                .hint("create it, or name another: `pasv serve DIR`"));
        }
        Err(error) => {
            let failure = Error::new(format!("cannot share {shown}: {}", words(&error)));
            return Err(match closed_above(root) {
                Some(above) => {
                    let (user, about, above) = (me(), owner_and_mode(&above), show(&above));
                    failure.hint(format!(
                        "{user} cannot enter {above} ({about}); to allow it: chmod o+x {above}"
                    ))
                }
                None => failure,
            });
        }
    };
    if !about.is_dir() {
        let failure = Error::new(format!("cannot share {shown}: it is not a folder"));
        return Err(match root.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            Some(parent) => {
                failure.hint(format!("share the folder that it is in: `pasv serve {}`", show(parent)))
            }
            None => failure.hint("share the folder that it is in: `pasv serve`"),
        });
    }
    let lacks = |what: Access| may(root, what).err();
    let (what, bits, errno) = match (lacks(Access::READ_OK), lacks(Access::EXEC_OK), lacks(Access::WRITE_OK))
    {
        (Some(errno), _, _) => ("read", "rx", errno),
        (_, Some(errno), _) => ("enter", "rx", errno),
        (_, _, Some(errno)) if writes => ("write to", "rwx", errno),
        _ => return Ok(()),
    };
    let mine = about.uid() == geteuid().as_raw();
    let user = me();
    let text = format!(
        "cannot {what} {shown}: {} (running as {user}; the folder is {})",
        words(&io::Error::from(errno)),
        owner_and_mode(root)
    );
    let hint = match (errno, writes) {
        (Errno::ROFS, _) => "leave out --write to share it read-only".to_owned(),
        (_, true) if !mine => format!("run pasv as a user who may write there, or: chown {user} {shown}"),
        (_, false) if !mine => format!("run pasv as a user who may read it, or: chmod o+{bits} {shown}"),
        _ => format!("to allow it: chmod u+{bits} {shown}"),
    };
    Err(Error::new(text).hint(hint))
}

/// Is it a user's home directory, with files that should not be shared?
pub(crate) fn is_home(root: &Path) -> bool {
    let users = fs::read("/etc/passwd").unwrap_or_default();
    let own = std::env::var_os("HOME").map(PathBuf::from);
    own.iter()
        .map(PathBuf::as_path)
        .chain(homes(&String::from_utf8_lossy(&users)))
        .any(|home| is_same(home, root))
}

/// The homes of root and of people in `passwd(5)`; those of services are mostly what they are there to serve.
fn homes(users: &str) -> impl Iterator<Item = &Path> {
    users.lines().filter_map(|line| {
        let mut fields = line.split(':').skip(2);
        let (id, home) = (fields.next()?.parse::<u32>().ok()?, fields.nth(2)?);
        (id == 0 || (1000..60_000).contains(&id)).then_some(Path::new(home))
    })
}

fn is_same(home: &Path, root: &Path) -> bool {
    let whole = |path: &Path| fs::canonicalize(path).ok().filter(|path| path.parent().is_some());
    whole(home).is_some_and(|home| whole(root) == Some(home))
}

/// Asks the kernel, which knows of access lists and capabilities.
fn may(path: &Path, what: Access) -> Result<(), Errno> {
    match accessat(CWD, path, what, AtFlags::EACCESS) {
        // A kernel before 5.8, or a sandbox that does not know the call.
        Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => accessat(CWD, path, what, AtFlags::empty()),
        answer => answer,
    }
}

/// The first folder on the way that this user cannot enter.
fn closed_above(path: &Path) -> Option<PathBuf> {
    let whole = std::path::absolute(path).ok()?;
    let mut above: Vec<&Path> = whole.ancestors().skip(1).collect();
    above.reverse();
    above.into_iter().find(|folder| may(folder, Access::EXEC_OK).is_err()).map(Path::to_owned)
}

/// `owned by root:root, mode 0700`.
fn owner_and_mode(path: &Path) -> String {
    match fs::metadata(path) {
        Ok(about) => {
            let (user, group) = (name("/etc/passwd", about.uid()), name("/etc/group", about.gid()));
            format!("owned by {user}:{group}, mode {:04o}", about.mode() & 0o7777)
        }
        Err(_) => "of unknown owner".to_owned(),
    }
}

/// The user that this process runs as.
fn me() -> String {
    name("/etc/passwd", geteuid().as_raw())
}

/// The name of a user or a group, or its number where the file does not know it.
fn name(file: &str, id: u32) -> String {
    let text = fs::read(file).unwrap_or_default();
    named(&String::from_utf8_lossy(&text), id).unwrap_or_else(|| id.to_string())
}

/// `name:password:id:...`, one on a line (`passwd(5)`, `group(5)`).
fn named(text: &str, id: u32) -> Option<String> {
    let line = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let mut found = line.filter(|fields| fields.get(2).is_some_and(|number| number.parse() == Ok(id)));
    found.next().and_then(|fields| fields.first().map(|name| (*name).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_have_names() {
        let text = "root:x:0:0:root:/root:/bin/sh\n# none\nnobody:x:65534:65534::/:/bin/false\n";
        assert_eq!(named(text, 65534).as_deref(), Some("nobody"));
        assert_eq!(named(text, 1), None);
        assert_eq!(name("/nonexistent/passwd", 1234), "1234");
    }

    #[test]
    fn homes_are_those_of_people() {
        let text = "root:x:0:0:root:/root:/bin/sh\nwww:x:33:33::/var/www:/bin/false\nann:x:1000:1000:Ann:/home/ann:/bin/sh\n?\n";
        assert_eq!(homes(text).collect::<Vec<_>>(), [Path::new("/root"), Path::new("/home/ann")]);
        let (place, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let link = other.path().join("link");
        std::os::unix::fs::symlink(place.path(), &link).unwrap();
        assert!(is_same(place.path(), &link) && !is_same(place.path(), other.path()));
        assert!(!is_same(Path::new("/"), Path::new("/")), "many services have no other home");
    }

    #[test]
    fn what_is_no_folder_is_refused_with_what_to_do() {
        let place = tempfile::tempdir().unwrap();
        assert!(check_root(place.path(), true).is_ok());
        let file = place.path().join("file");
        fs::write(&file, "").unwrap();
        let text = |path: &Path| check_root(path, false).unwrap_err().text;
        assert!(text(&file).ends_with("it is not a folder"));
        assert!(text(&place.path().join("missing")).ends_with("no such folder"));
    }
}
