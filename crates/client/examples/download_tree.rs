//! Downloads a directory and all that is in it into `copy`: `download_tree ftp://host/directory/`.
use std::path::Path;
use std::sync::Arc;

use client::copy::TreeOptions;
use client::{Event, Profile, SessionSpec};
use wire::Pathname;
use wire::url::FtpUrl;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = FtpUrl::parse(&std::env::args().nth(1).ok_or("which URL?")?)?;
    let watch = Arc::new(|event: &Event| println!("{event}"));
    let mut session = Profile::of_user().open(SessionSpec::of_url(&url), watch).await?;
    let options = TreeOptions { resume: true, ..TreeOptions::default() };
    let complete = session.get_tree(Pathname::new(url.path()).ok(), Path::new("copy"), options).await?;
    session.quit().await;
    if complete { Ok(()) } else { Err("not everything could be downloaded".into()) }
}
