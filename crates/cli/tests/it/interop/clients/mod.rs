//! Can everybody's clients use our server, with and without TLS?
//!
//! The files of curl, lftp and ftplib say how those are told to do one thing; the stories are the same for
//! all of them, and for each way into TLS: for curl with each version, for the others with one of them. A
//! site with `--data-reuse require` shows that the client resumes its session on every data connection.

mod basic_ftp;
mod curl;
mod ftplib;
mod lftp;
mod ncftp;
mod tnftp;
mod wget;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::story;
use super::tls::Version;
use crate::harness::files::{many_names, tree_names};
use crate::harness::process::Said;
use crate::harness::site::{Site, Way};
use crate::harness::url::Door;

/// Whether a client speaks TLS, and how.
type Tls = Option<(Way, Version)>;

/// From where on a file is transferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Start,
    /// What is there already is left as it is.
    WhatIsThere,
}

/// A client that has been told whether to speak TLS.
trait Client {
    /// Lists `shelf`.
    fn list(&self, door: &Door) -> Said;
    /// Downloads `name` to the path.
    fn get(&self, door: &Door, from: From, name: &OsStr, to: &Path);
    /// Uploads the file of the path as `name`.
    fn put(&self, door: &Door, from: From, file: &Path, name: &OsStr);
    /// Downloads a folder of these files, in one session.
    fn get_all(&self, door: &Door, folder: &str, names: &[PathBuf], here: &Path);
    /// Uploads these files of a folder into one that it makes, in one session.
    fn put_all(&self, door: &Door, folder: &str, names: &[PathBuf], here: &Path);
}

/// Everything, each on a site of its own.
fn tells_its_stories<C: Client>(client: &C, site: impl Fn() -> Site) {
    story::list(&site(), |door| client.list(door));
    story::download(&site(), |door, name, to| client.get(door, From::Start, name, to));
    story::upload(&site(), |door, file, name| client.put(door, From::Start, file, name));
    story::resume_download(&site(), |door, name, to| client.get(door, From::WhatIsThere, name, to));
    story::resume_upload(&site(), |door, file, name| client.put(door, From::WhatIsThere, file, name));
    story::odd_names_down(&site(), &[], |door, name, to| client.get(door, From::Start, name, to));
    story::odd_names_up(&site(), &[], |door, file, name| client.put(door, From::Start, file, name));
    let names: Vec<_> = many_names().collect();
    story::many_down(&site(), |door, here| client.get_all(door, "shelf", &names, here));
    story::many_up(&site(), |door, here| client.put_all(door, "shelf", &names, here));
}

/// What needs no TLS to be seen: a tree of 300 files in 25 folders, and an upload that broke off, which the
/// story begins itself.
fn tells_more<C: Client>(client: &C, site: impl Fn() -> Site) {
    story::resume_broken_upload(&site(), |door, file, name| client.put(door, From::WhatIsThere, file, name));
    let names: Vec<_> = tree_names().collect();
    story::tree_down(&site(), |door, here| client.get_all(door, "tree", &names, here));
    story::tree_up(&site(), |door, here| client.put_all(door, "tree", &names, here));
}
