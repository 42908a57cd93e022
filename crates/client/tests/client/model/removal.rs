//! Deletions: is nothing gone but what is below the name, whatever links are there and however the server
//! tells them?
//!
//! The site is a real folder behind a small server, so that links are what they are.
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use client::removal::Removed;
use client::{Client, Mode, Options, no_watcher};
use proptest::prelude::*;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use wire::pathname::show;

use super::download::{folder, path};

/// How the server tells a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Links {
    /// As what it leads to.
    AsTargets,
    /// As `OS.unix=slink`.
    AsSlink,
    /// By LIST alone: there is no MLST.
    Listed,
}

/// What the server lets be deleted, and what PWD answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rights {
    /// All may be deleted. There is no PWD.
    All,
    /// Links may not be deleted. PWD tells where they have led.
    KeepsLinks,
}

/// An entry of the tree: where it is, and what.
#[derive(Clone, Debug)]
struct Thing {
    /// Directories, by their number, that lead to it.
    at: Vec<u8>,
    name: u8,
    link: Option<usize>,
}

/// What a link may lead to, from the directory that it is in.
const TARGETS: [&str; 7] = ["..", ".", "../keep", "/keep", "../../keep", "d0", "nowhere"];

fn things() -> impl Strategy<Value = Vec<Thing>> {
    let thing = (prop::collection::vec(0..2_u8, 0..4), 0..4_u8, prop::option::of(0..TARGETS.len()))
        .prop_map(|(at, name, link)| Thing { at, name, link });
    prop::collection::vec(thing, 0..14)
}

/// Puts the tree below `trash`; what the root has beside it is never to be touched.
fn plant(root: &Path, things: &[Thing]) {
    fs::create_dir_all(root.join("keep/sub")).expect("a folder");
    for name in ["keep/one", "keep/sub/two", "three"] {
        fs::write(root.join(name), name).expect("a file");
    }
    fs::create_dir(root.join("trash")).expect("a folder");
    for thing in things {
        let names: PathBuf = thing.at.iter().map(|n| format!("d{n}")).collect();
        let at = root.join("trash").join(names);
        // A link may be in the way already, and must not lead the test itself out.
        let blocked = at
            .ancestors()
            .take_while(|above| above.starts_with(root.join("trash")))
            .any(|above| fs::symlink_metadata(above).is_ok_and(|of| !of.is_dir()));
        if blocked || fs::create_dir_all(&at).is_err() {
            continue;
        }
        // What is there already stays.
        let _ = match thing.link {
            Some(target) => {
                let target = TARGETS[target];
                let target =
                    target.strip_prefix('/').map_or(PathBuf::from(target), |inside| root.join(inside));
                symlink(target, at.join(format!("d{}", thing.name)))
            }
            None => fs::File::create_new(at.join(format!("f{}", thing.name))).map(drop),
        };
    }
}

/// All that is in a folder, links not followed.
fn all(root: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(at) = waiting.pop() {
        for entry in fs::read_dir(&at).expect("a folder").flatten() {
            let path = entry.path();
            let kind = entry.file_type().expect("its kind");
            found.insert(path.clone(), kind.is_file().then(|| fs::read(&path).expect("a file")));
            if kind.is_dir() {
                waiting.push(path);
            }
        }
    }
    found
}

fn kind(path: &Path, links: Links) -> Option<&'static str> {
    let meta = match links {
        Links::AsTargets => fs::metadata(path).or_else(|_| fs::symlink_metadata(path)),
        Links::AsSlink | Links::Listed => fs::symlink_metadata(path),
    };
    let kind = meta.ok()?.file_type();
    Some(match () {
        () if kind.is_symlink() => "OS.unix=slink:somewhere",
        () if kind.is_dir() => "dir",
        () => "file",
    })
}

async fn serve(control: TcpStream, root: PathBuf, links: Links, rights: Rights) -> io::Result<()> {
    let mut directory = root.clone();
    let mut control = BufReader::new(control);
    let mut passive = None;
    control.write_all(b"220 ready\r\n").await?;
    loop {
        let mut line = Vec::new();
        if control.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        let (verb, argument) = line.split_once(' ').unwrap_or((&line, ""));
        let path = match argument.strip_prefix('/') {
            Some(absolute) => root.join(absolute),
            None => directory.join(argument),
        };
        let kept = rights == Rights::KeepsLinks && path.is_symlink();
        let done = |result: io::Result<()>| match result {
            Ok(()) => "250 gone".to_owned(),
            Err(error) => format!("550 {error}"),
        };
        let answer = match verb {
            "USER" => "230 in".to_owned(),
            "FEAT" if links == Links::Listed => "502 no".to_owned(),
            "FEAT" => "211-Features\r\n MLST type*;\r\n211 End".to_owned(),
            "TYPE" => "200 yes".to_owned(),
            "EPSV" => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
                let port = listener.local_addr()?.port();
                passive = Some(listener);
                format!("229 (|||{port}|)")
            }
            "PWD" if rights == Rights::KeepsLinks || links == Links::Listed => {
                let inside = directory.strip_prefix(&root).unwrap_or(Path::new("outside"));
                format!("257 \"/{}\"", inside.display())
            }
            "CWD" => match fs::canonicalize(&path) {
                Ok(there) if there.is_dir() => {
                    directory = there;
                    "250 in".to_owned()
                }
                _ => "550 no directory".to_owned(),
            },
            "SIZE" if path.is_file() => "213 1".to_owned(),
            "MDTM" => "213 20240101000000".to_owned(),
            "DELE" | "RMD" if kept => "550 not yours".to_owned(),
            "DELE" => done(fs::remove_file(&path)),
            "RMD" => done(fs::remove_dir(&path)),
            "MLST" if links != Links::Listed => match kind(&path, links) {
                Some(kind) => format!("250-\r\n type={kind}; {argument}\r\n250 End"),
                None => "550 no such file".to_owned(),
            },
            "MLSD" | "LIST" => {
                let mut text = String::new();
                // A link is followed, as every server does that tells it as a directory.
                for entry in fs::read_dir(&path)?.flatten() {
                    let name = show(entry.file_name().as_encoded_bytes());
                    let kind = kind(&entry.path(), links).unwrap_or("file");
                    text += &match (verb, kind) {
                        ("MLSD", kind) => format!("type={kind}; {name}\r\n"),
                        (_, "dir") => format!("drwxr-xr-x 1 a a 1 Nov 01 2024 {name}\r\n"),
                        (_, "file") => format!("-rw-r--r-- 1 a a 1 Nov 01 2024 {name}\r\n"),
                        _ => format!("lrwxrwxrwx 1 a a 1 Nov 01 2024 {name} -> somewhere\r\n"),
                    };
                }
                let listener: TcpListener = passive.take().ok_or(io::ErrorKind::NotConnected)?;
                let (mut data, _) = listener.accept().await?;
                control.write_all(b"150 go\r\n").await?;
                data.write_all(text.as_bytes()).await?;
                "226 done".to_owned()
            }
            _ => "502 no".to_owned(),
        };
        control.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}

async fn play(things: &[Thing], links: Links, rights: Rights, whole: bool) -> Result<(), String> {
    let folder = folder();
    let root = fs::canonicalize(folder.path()).map_err(|e| e.to_string())?;
    plant(&root, things);
    let before = all(&root);
    let links_before: Vec<_> = before.keys().filter(|path| path.is_symlink()).cloned().collect();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|e| e.to_string())?;
    let port = listener.local_addr().map_err(|e| e.to_string())?.port();
    let served = {
        let root = root.clone();
        tokio::spawn(async move {
            let (control, _) = listener.accept().await?;
            control.set_nodelay(true)?;
            serve(control, root, links, rights).await
        })
    };
    let options = Options { mode: Mode::Passive, ..Options::default() };
    let fail = |error: client::Error| error.to_string();
    let spec = crate::spec(port, options);
    let mut client = Client::open(spec, no_watcher()).await.map_err(fail)?;
    let target = if whole { "trash" } else { "trash/d0" };
    let mut left = Vec::new();
    let mut removed = BTreeSet::new();
    let mut tell = |what: Removed| match what {
        Removed::File(path) | Removed::Directory(path) => assert!(removed.insert(path), "reported twice"),
        Removed::Left(line) => left.push(line),
    };
    let gone = client.remove_tree(&path(target), &mut tell).await;
    served.abort();
    let below = |path: &Path| path.starts_with(root.join(target));
    let was_there = before.contains_key(&root.join(target));
    // What is kept are the links, and what they are in.
    let stays =
        rights == Rights::KeepsLinks && before.keys().any(|path| below(path) && links_before.contains(path));
    if (was_there && !stays) != gone.as_ref().is_ok_and(|gone| *gone) {
        return Err(format!("{gone:?}, {left:?}"));
    }
    let kept =
        |path: &Path| rights == Rights::KeepsLinks && links_before.iter().any(|link| link.starts_with(path));
    let count = before.len();
    let expected: BTreeMap<_, _> =
        before.into_iter().filter(|(path, _)| !below(path) || kept(path)).collect();
    let after = all(&root);
    if removed.len() != count - after.len() {
        return Err(format!("{removed:?} reported of {count} before and {} after", after.len()));
    }
    if after == expected { Ok(()) } else { Err(format!("{:?} is left of {expected:?}", after.keys())) }
}

#[test]
fn nothing_is_deleted_beside_the_tree_whatever_links_lead_where() {
    let links = prop_oneof![Just(Links::AsTargets), Just(Links::AsSlink), Just(Links::Listed)];
    let rights = prop_oneof![Just(Rights::All), Just(Rights::KeepsLinks)];
    let cases = (things(), links, rights, any::<bool>());
    super::try_many(300, &cases, async |(things, links, rights, whole)| {
        play(&things, links, rights, whole).await
    });
}
