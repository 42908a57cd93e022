//! Do other people's programs and pasv understand each other under TLS?
//!
//! Every client goes through the same stories: curl once for each way into TLS and each of its versions, the others in both ways
//! and both versions, but not with each of both. The sites take nothing
//! in clear; one with `--data-reuse require` shows that the client resumes its session on every data connection.

mod curl;
mod ftp_ssl;
mod ftplib;
mod lftp;
mod openssl;
mod rclone;
mod servers;

use std::ffi::OsStr;
use std::path::Path;

use super::story;
use crate::harness::process::Said;
use crate::harness::site::{Site, Way};
use crate::harness::url::Door;

/// The versions of TLS that a client can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    Tls12,
    Tls13,
}

/// From where on a file is transferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Start,
    /// What is there already is left as it is.
    WhatIsThere,
}

/// A client that has been told its way into TLS, and its version.
trait Client {
    /// Words of the odd names that it cannot handle.
    const EXCEPT: &[&str] = &[];

    /// Lists `shelf`.
    fn list(&self, door: &Door) -> Said;
    /// Downloads `name` to the path.
    fn get(&self, door: &Door, from: From, name: &OsStr, to: &Path);
    /// Uploads the file of the path as `name`.
    fn put(&self, door: &Door, from: From, file: &Path, name: &OsStr);
    /// Downloads all files of `shelf`, in one session.
    fn get_many(&self, door: &Door, here: &Path);
    /// Uploads all files of a folder into `shelf`, which it makes, in one session.
    fn put_many(&self, door: &Door, here: &Path);
}

/// Everything but many uploads in one session.
fn tells_its_stories<C: Client>(client: &C, way: Way, reuse: &str) {
    let site = || Site::tls(way, reuse);
    story::list(&site(), |door| client.list(door));
    story::download(&site(), |door, name, to| client.get(door, From::Start, name, to));
    story::upload(&site(), |door, file, name| client.put(door, From::Start, file, name));
    story::resume_download(&site(), |door, name, to| client.get(door, From::WhatIsThere, name, to));
    story::resume_upload(&site(), |door, file, name| client.put(door, From::WhatIsThere, file, name));
    story::odd_names_down(&site(), C::EXCEPT, |door, name, to| client.get(door, From::Start, name, to));
    story::odd_names_up(&site(), C::EXCEPT, |door, file, name| client.put(door, From::Start, file, name));
    story::many_down(&site(), |door, here| client.get_many(door, here));
}

fn uploads_many<C: Client>(client: &C, way: Way, reuse: &str) {
    story::many_up(&Site::tls(way, reuse), |door, here| client.put_many(door, here));
}
