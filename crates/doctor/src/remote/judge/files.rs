//! What do files and listings say?
use super::shared::{black_hole, is_slow};
use crate::finding::Findings;
use crate::remote::facts::{Alive, Cover, End, Facts, Rest, Upload};
use crate::verdict::{Verdict, Weight};
use client::DataMethod;

/// Less than this in the four seconds of a trial is slower than any line that people use.
const CRAWL: u64 = 16 * 1024;
/// A clock that is further off than this is wrong, and not just read late.
const DRIFT: i64 = 90;

pub(super) fn judge(facts: &Facts, findings: &mut Findings) {
    if let Some(said) = &facts.no_directory {
        findings.add(Verdict::NoDirectory.says(format!(
            "The directory of the URL is refused: {said}. The tests ran in the start directory of the login."
        )));
    }
    bulk(facts, findings);
    upload(facts, findings);
    left(facts, findings);
    crawls(facts, findings);
    restarts(facts, findings);
    listings(facts, findings);
    clocks(facts, findings);
    idle(facts, findings);
}

fn bulk(facts: &Facts, findings: &mut Findings) {
    let files = &facts.files;
    let small_passes = files.listing.is_some();
    let Some(End::Stalled { bytes }) = files.bulk else { return };
    // Beside the one in small packets a second one in large ones has to stand still too: the first may have
    // been chance.
    let small = files.bulk_small.as_ref().is_some_and(End::is_through);
    if small_passes && small && matches!(files.bulk_again, Some(End::Stalled { .. })) {
        if !findings.has(Verdict::MtuBlackHole) {
            findings.add(black_hole(format!(
                "Listings work and files hang after {bytes} bytes, but work with small packets"
            )));
        }
    } else {
        findings.ask(
            format!("why a file hangs after {bytes} bytes where listings work"),
            "fetch the same file with a small MSS, and beside it as before: if only the first works, large packets are lost in between",
        );
    }
}

fn upload(facts: &Facts, findings: &mut Findings) {
    match &facts.files.upload {
        None | Some(Upload::Proven(_)) => {}
        Some(Upload::Unproven) => {
            findings.ask(
                "whether the upload is complete: the server has neither SIZE nor HASH",
                "download it again and compare",
            );
        }
        Some(Upload::Differs(why)) => findings.add(
            Verdict::UploadFails.says(format!("An upload succeeded, but the server has something else: {why}."))
            .server("check whether its disk is full, or another program changes files there"),
        ),
        Some(Upload::Refused(said)) => findings.add(Verdict::UploadFails.says(format!("This user may not upload there: {said}.")).weight(Weight::Note)),
        // ProFTPD: an upload uses a ticket up, and brings no other.
        Some(Upload::Failed(n @ 2.., why)) if matches!(facts.reuse.fresh, Some(End::DataRefused(_))) => findings.add(
            Verdict::DataTlsRefused.says(format!(
                    "Upload {n} of a session under TLS fails where those before it work: data connections must reuse the TLS session, and its tickets have run out: {why}."
                ))
            .server(
                "do not require session reuse (TLSOptions NoSessionReuseRequired in ProFTPD), or allow TLS 1.2 only, which needs no new tickets",
            )
            .client("use a new session for every few files, or TLS 1.2; pasv does so by itself"),
        ),
        Some(Upload::Failed(n, why)) => findings.add(
            Verdict::UploadFails.says(format!("Upload {n} of a session fails, although listings work: {why}."))
            .server("read its log: a full disk, a quota or session tickets that run out are usual reasons"),
        ),
    }
}

/// Our own files.
fn left(facts: &Facts, findings: &mut Findings) {
    let Some((names, why)) = &facts.files.left else { return };
    let (files, remain) = match names.len() {
        1 => ("1 test file".to_owned(), "remains"),
        many => (format!("{many} test files"), "remain"),
    };
    let listed = names.join(", ");
    let uploads = matches!(facts.files.upload, Some(Upload::Proven(_) | Upload::Unproven));
    let refused = why.starts_with(['4', '5']);
    let sentence = match (refused && uploads, facts.files.replaces) {
        (true, Some(false)) => {
            format!(
                "Uploads work; this user can neither replace nor delete files, so {files} {remain}: {listed}"
            )
        }
        (true, _) => {
            format!("Uploads work; this user cannot delete files ({why}), so {files} {remain}: {listed}")
        }
        (false, _) => {
            format!("The deletion of what was uploaded failed ({why}); {files} may remain: {listed}")
        }
    };
    findings.add(Verdict::FileLeft.says(format!("{sentence}.")).server(format!("delete {listed}")));
}

/// What flows is through, and may still be of no use.
fn crawls(facts: &Facts, findings: &mut Findings) {
    // Where another one works, one that brings nothing for seconds is slow, and no failure.
    let waited: Vec<String> = if facts.best().is_some() {
        let stalled = facts.trials.iter().filter(|trial| is_slow(trial));
        stalled.map(|trial| format!("{} {}", trial.method, trial.cover.words())).collect()
    } else {
        Vec::new()
    };
    if !waited.is_empty() && !findings.has(Verdict::DataStalls) && !findings.has(Verdict::MtuBlackHole) {
        findings.add(
            Verdict::DataStalls
                .says(format!(
                    "Transfers are slow: {} connected and brought nothing within seconds.",
                    waited.join(", ")
                ))
                .weight(Weight::Note)
                .server("check whether the server or its line is overloaded, or the rate limited"),
        );
    }
    let slow = facts.trials.iter().find_map(|trial| match trial.end {
        End::Cut { bytes, .. } if bytes < CRAWL => Some((trial, bytes)),
        _ => None,
    });
    let Some((trial, bytes)) = slow else { return };
    findings.add(
        Verdict::DataStalls.says(format!(
                "Transfers are very slow: {} {} brought {bytes} bytes in {:.0} s, and was stopped.",
                trial.method,
                trial.cover.words(),
                trial.elapsed.as_secs_f64()
            ))
        .server(
            "check whether the server or its line is overloaded, or the rate limited; packet loss has the same effect",
        ),
    );
}

fn restarts(facts: &Facts, findings: &mut Findings) {
    let files = &facts.files;
    let finding = match &files.rest_middle {
        Some(Rest::Ignored | Rest::Wrong) => Some(
            Verdict::RestFails
                .says("REST is accepted but ignored: a resumed download would be a damaged file.")
                .server("fix REST, or switch it off")
                .client("do not resume downloads here"),
        ),
        Some(Rest::Refused(said)) => Some(
            Verdict::RestFails
                .says(format!("Downloads cannot be resumed: {said}."))
                .weight(Weight::Note)
                .client("a broken download starts over"),
        ),
        _ => None,
    };
    if let Some(finding) = finding {
        findings.add(finding);
    }
    if let Some((Some(announced), came)) = files.size
        && announced != came
    {
        findings
            .add(Verdict::SizeWrong.says(format!("SIZE announces {announced} bytes, but {came} are sent.")));
    }
}

fn listings(facts: &Facts, findings: &mut Findings) {
    let files = &facts.files;
    if let Some((_, read, unread)) = &files.listing
        && *unread > 0
    {
        findings.add(
            Verdict::ListingUnread
                .says(format!("{unread} lines of the listing are in no known format ({read} are).")),
        );
    }
    let works = |end: &Option<End>| matches!(end, Some(End::Works { .. } | End::Cut { .. }));
    // Other codes are about the directory, or the moment (RFC 959 4.2.1).
    let unknown = |said: &str| ["500", "501", "502", "504"].iter().any(|code| said.starts_with(code));
    let refused = |end: &Option<End>| matches!(end, Some(End::CommandRefused(said)) if unknown(said));
    // MLST in FEAT stands for MLSD too (RFC 3659 7.8).
    let mut differs = Vec::new();
    // Where FEAT was not answered, nothing was offered or left out.
    let heard = !facts.breaks.iter().any(|(verb, _)| verb == "FEAT");
    let offered = facts.offers("MLST") || facts.offers("MLSD");
    if offered && refused(&files.mlsd) {
        differs.push("it lists MLST, but refuses MLSD");
    }
    if heard && !offered && works(&files.mlsd) {
        differs.push("MLSD works, but is not listed");
    }
    let rest = matches!(files.rest_middle, Some(Rest::Right));
    if facts.offers("REST") && matches!(files.rest_middle, Some(Rest::Refused(_))) {
        differs.push("it lists REST, but refuses it");
    }
    if !facts.features.is_empty() && !facts.offers("REST") && rest {
        differs.push("REST works, but is not listed");
    }
    if facts.offers("SIZE") && matches!(files.size, Some((None, _))) {
        differs.push("it lists SIZE, but does not answer it");
    }
    let refuses = |method| {
        let end =
            facts.trial(Cover::Clear, method).or(facts.trial(Cover::Tls, method)).map(|trial| &trial.end);
        matches!(end, Some(End::Refused(_)))
    };
    if facts.offers("EPSV") && refuses(DataMethod::Epsv) {
        differs.push("it lists EPSV, but refuses it");
    }
    // Behind a NAT it is our address that is refused, and not the verb.
    let translated =
        facts.ends.zip(facts.seen_as).is_some_and(|((own, _), seen)| own.ip().to_canonical() != seen);
    if facts.offers("EPRT") && refuses(DataMethod::Eprt) && !translated {
        differs.push("it lists EPRT, but refuses it");
    }
    if !differs.is_empty() {
        findings
            .add(Verdict::FeatDiffers.says(format!("FEAT and what works differ: {}.", differs.join("; "))));
    }
    if !offered && refused(&files.mlsd) {
        findings.add(Verdict::NoMlsd.says("The server has no machine-readable listings (MLSD): names, sizes and times are parsed from LIST."));
    }
}

fn clocks(facts: &Facts, findings: &mut Findings) {
    if let Some(offset) = facts.files.clock.filter(|offset| *offset != 0) {
        findings.add(Verdict::Clock.says(format!(
            "LIST shows local time, {:+} min from UTC: only MDTM and MLSD have the right times.",
            offset / 60
        )));
    }
    if let Some(drift) = facts.files.drift.filter(|drift| drift.abs() > DRIFT) {
        let quarters = (drift + 450).div_euclid(900);
        if quarters != 0 && quarters.abs() <= 14 * 4 && (drift - quarters * 900).abs() <= DRIFT {
            findings.ask(
                format!(
                    "whether the server's clock is {:+} min off, or its MDTM shows local time",
                    quarters * 15
                ),
                "run `date -u` on the server: MDTM is in UTC (RFC 3659 2.3)",
            );
            return;
        }
        findings.add(
            Verdict::Clock
                .says(format!("The server's clock and this machine's are {drift} s apart."))
                .server("set its clock by NTP, unless the clock of this machine is wrong"),
        );
    }
}

/// The shortest silence that a connection did not live through.
fn idle(facts: &Facts, findings: &mut Findings) {
    let Some((time, alive)) = facts.idle.iter().find(|(_, alive)| *alive != Alive::Yes) else { return };
    let seconds = time.as_secs();
    if let Some((longer, _)) = facts.idle.iter().rev().find(|(_, alive)| *alive == Alive::Yes)
        && longer > time
    {
        findings.ask(
            format!(
                "why a control connection that was idle for {seconds} s is dead: one that was idle for {} s works",
                longer.as_secs()
            ),
            "try again with --slow",
        );
        return;
    }
    findings.add(match alive {
        Alive::Ended(said) => Verdict::IdleTimeout.says(format!("The server closes control connections that are idle for {seconds} s or less: {said}.")),
        _ => Verdict::IdleTimeout.says(format!(
                "A control connection that is idle for {seconds} s is dead without notice: a NAT or firewall in between has dropped it."
            )).weight(Weight::Hinders)
        .server("enable TCP keepalive on control connections, 15 s or less, or set a longer idle time at the NAT")
        .client("use a program with keepalive on the control connection, as pasv has"),
    });
}
