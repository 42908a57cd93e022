//! What does the doctor do just now? A line on stderr where that is a terminal, wiped away at the end.
use std::sync::Arc;
use std::time::Duration;

use client::Security;
use client::security::Shown;
use doctor::remote::{Target, Watch};
use indicatif::{ProgressBar, ProgressStyle};

/// Of seconds and what is tried.
pub(super) struct Spinner(ProgressBar);

impl Spinner {
    /// Begins to count.
    pub(super) fn start(host: &str) -> Self {
        // Of a terminal only; elsewhere it draws nothing.
        let bar = ProgressBar::new_spinner();
        let style = ProgressStyle::with_template("{spinner} {prefix}: {wide_msg} {elapsed}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.set_prefix(wire::pathname::show(host.as_bytes()));
        bar.set_message("looking up the name");
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }

    /// Shows what is tried.
    pub(super) fn watch(&self) -> Watch {
        let bar = self.0.clone();
        Box::new(move |lane| bar.set_message(doing(lane)))
    }

    /// A question to a person stands alone on the screen.
    pub(super) fn over(&self, target: Target) -> Target {
        let trust = target.trust.map(|Security { settings, judge }| {
            let bar = self.0.clone();
            Security { settings, judge: Arc::new(move |shown: &Shown| bar.suspend(|| judge(shown))) }
        });
        Target { trust, ..target }
    }

    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}

/// In words, of a probe by its name in the transcript.
fn doing(lane: &str) -> &'static str {
    match lane {
        "reach" | "port" => "connecting",
        "port-tls" | "port-http" => "finding out what answers there",
        "trust" => "checking the certificate",
        "files" => "testing downloads",
        "upload" => "testing uploads",
        "word" => "waiting for the server's report on a passive port",
        "idle" => "leaving connections idle",
        "other-family" => "testing the other address family",
        passive if passive.ends_with("-passive") => "testing passive mode",
        active if active.ends_with("-active") => "testing active mode",
        _ => "testing TLS",
    }
}
