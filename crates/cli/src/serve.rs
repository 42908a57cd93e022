//! How is a folder, or another server, shared? `pasv serve`: flags to configuration, the server, its end.
use std::path::Path;
use std::sync::Arc;

use config::SiteConfig;
use startup::{Fault, Log};

use crate::outcome;
use crate::talk::{Exit, Failure, show_path};
pub(crate) use flags::{Flags, ListenFlags, OtherFlags, ShareFlags};

mod anonymous;
mod banner;
mod flags;
mod fold;
mod listen;

pub(crate) fn run(flags: &Flags) -> Result<(), Failure> {
    let site = flags.config()?;
    if let Some(folder) = site.root.folder() {
        refuse_url(folder)?;
        startup::check_root(folder, site.changes_files())?;
    }
    if flags.other.quiet && site.users.iter().any(|user| user.password_file.is_none()) {
        return Err(Failure::usage(
            "--user without a password file generates a password and shows it in the banner, which --quiet leaves out",
        )
        .hint("give a password file: `pasv passwd > alice.password`, then --user alice:alice.password"));
    }
    startup::process::run(&site.log, async |log| serve(flags, &site, log).await)
}

async fn serve(flags: &Flags, site: &SiteConfig, log: Arc<Log>) -> Result<(), Failure> {
    let opened = startup::open(site, client::memory::folder().as_deref())?;
    if let Some(upstream) = &opened.upstream {
        outcome::talks_to(upstream.url(), upstream.is_anonymous());
        upstream.connect().await?;
    }
    let mut running = opened.start(site, log, flags.listen.names_addresses())?;
    let warnings = startup::warnings(site);
    if flags.other.quiet {
        for warning in &warnings {
            tracing::warn!("{warning}");
        }
    } else {
        banner::print(&banner::Shared {
            site: &running.config(),
            passive: &running.passive(),
            certificate: running.certificate(),
            generated: running.generated(),
            warnings: &warnings,
            explain: flags.listen.explain,
        });
    }
    if let Some(path) = &flags.other.ready_file {
        running.write_ready_file(path)?;
    }
    running.run().await;
    Ok(())
}

/// A URL in the place of the folder, which may have a password in it.
fn refuse_url(root: &Path) -> Result<(), Failure> {
    if root.to_string_lossy().contains("://") && !root.exists() {
        return Err(Failure::usage(format!("cannot share {}: no such folder", show_path(root)))
            .hint("create it, or name another: `pasv serve DIR`"));
    }
    Ok(())
}

impl From<startup::Error> for Failure {
    fn from(error: startup::Error) -> Self {
        let exit = match error.fault {
            Fault::Config => Exit::Usage,
            Fault::System => Exit::Refused,
        };
        let failure = Self::new(exit, error.text);
        match error.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}
