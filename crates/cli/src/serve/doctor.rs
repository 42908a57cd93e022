//! What is wrong with a site's own settings, on its own machine? `pasv doctor --site`.
//!
//! ```text
//!   flags of serve --> gather (each part asks the machine what it needs) --> judge (pure) --> Findings --> text, or JSON
//! ```
use std::io::{self, Write};

use config::SiteConfig;

use crate::talk::{Exit, Failure};

mod active;
mod address;
mod authority;
mod certificates;
mod filter;
mod findings;
mod ports;
mod settings;

use findings::Findings;

/// A look on a machine at its own site.
#[derive(Debug)]
pub(crate) struct Flags {
    /// One JSON object on stdout.
    pub(crate) json: bool,
    /// The site.
    pub(crate) site: super::Flags,
}

pub(crate) fn run(flags: &Flags) -> Result<(), Failure> {
    let findings = look(&flags.site.config()?);
    let mut out = io::stdout();
    if flags.json {
        writeln!(out, "{}", crate::json::line(&findings.object()))?;
    } else {
        for line in findings.report(crate::doctor::width()) {
            writeln!(out, "{line}")?;
        }
    }
    out.flush()?;
    if findings.is_wrong() { Err(Failure::told(Exit::Refused)) } else { Ok(()) }
}

fn look(site: &SiteConfig) -> Findings {
    let mut findings = Findings::default();
    settings::judge(site, &settings::gather(site), &mut findings);
    ports::judge(&ports::gather(site), &mut findings);
    address::judge(&address::gather(site), &mut findings);
    certificates::judge(&certificates::gather(site), &mut findings);
    let filter = filter::gather(site);
    if let Some(here) = authority::gather(site) {
        authority::judge(&here, filter.as_ref(), &mut findings);
    }
    if let Some(here) = active::gather(site) {
        active::judge(&here, &mut findings);
    }
    if let Some(filter) = &filter {
        filter::judge(filter, &mut findings);
    }
    findings
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        site: super::super::Flags,
    }

    /// The site that these flags of `pasv serve` make.
    pub(super) fn site(line: &str) -> config::SiteConfig {
        Line::parse_from(std::iter::once("serve").chain(line.split_whitespace())).site.config().unwrap()
    }
}
