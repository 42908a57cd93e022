//! What do files and listings say?
use super::{Remark, Sheet, Verdict, Weight};
use crate::dialogue::Way;
use crate::doctor::findings::{Alive, Cover, End, Findings, Rest, Upload};

/// Less than this in the four seconds of a trial is slower than any line that people use.
const CRAWL: u64 = 16 * 1024;
/// A clock that is further off than this is wrong, and not just read late.
const DRIFT: i64 = 90;

pub(super) fn judge(findings: &Findings, sheet: &mut Sheet) {
    if let Some(said) = &findings.no_directory {
        sheet.add(
            Remark::new(
                Verdict::NoDirectory,
                Weight::Hinders,
                format!(
                    "The directory of the URL is refused: {said}. All else was tried where the login starts."
                ),
            )
            .client(
                "is it spelled right? A path begins where the login does; %2F at its start means the root",
            ),
        );
    }
    bulk(findings, sheet);
    upload(findings, sheet);
    left(findings, sheet);
    crawls(findings, sheet);
    restarts(findings, sheet);
    listings(findings, sheet);
    clocks(findings, sheet);
    idle(findings, sheet);
}

fn bulk(findings: &Findings, sheet: &mut Sheet) {
    let files = &findings.files;
    let small_passes = files.listing.is_some();
    let Some(End::Stalled { bytes }) = files.bulk else { return };
    // Beside the one in small packets a second one in large ones has to stand still too: the first may have been chance.
    let small = files.bulk_small.as_ref().is_some_and(End::is_through);
    if small_passes && small && matches!(files.bulk_again, Some(End::Stalled { .. })) {
        if !sheet.has(Verdict::MtuBlackHole) {
            sheet.add(black_hole(
                Weight::Hinders,
                format!("Listings pass and files hang after {bytes} bytes, but flow in small packets"),
            ));
        }
    } else {
        sheet.ask(
            format!("why a file hangs after {bytes} bytes where listings pass"),
            "the same file over a data connection with a small MSS, and beside it once more as before: if the one flows and the \
             other does not, large packets are lost on the way",
        );
    }
}

pub(super) fn black_hole(weight: Weight, seen: String) -> Remark {
    Remark::new(
        Verdict::MtuBlackHole,
        weight,
        format!("{seen}: large packets are lost on the way, and nobody says so (an MTU black hole)."),
    )
    .server(
        "let ICMP \"fragmentation needed\" (type 3 code 4) and ICMPv6 \"packet too big\" in, or clamp the MSS at the router",
    )
    .client(
        "clamp the MSS at this network's router (a VPN or PPPoE is usual), or lower the MTU of this machine",
    )
}

fn upload(findings: &Findings, sheet: &mut Sheet) {
    match &findings.files.upload {
        None | Some(Upload::Proven(_)) => {}
        Some(Upload::Unproven) => {
            sheet.ask(
                "whether the upload arrived whole: the server has neither SIZE nor HASH",
                "fetching it back",
            );
        }
        Some(Upload::Differs(why)) => sheet.add(
            Remark::new(
                Verdict::UploadDiffers,
                Weight::Hinders,
                format!("An upload ended in success, and the server has something else: {why}."),
            )
            .server("is its disk full, or does another program change files there?"),
        ),
        Some(Upload::Refused(said)) => sheet.add(Remark::new(
            Verdict::UploadRefused,
            Weight::Note,
            format!("This user may not store files there: {said}."),
        )),
        // ProFTPD: an upload uses a ticket up, and brings no other.
        Some(Upload::Failed(n @ 2.., why)) if matches!(findings.reuse.fresh, Some(End::DataRefused(_))) => sheet.add(
            Remark::new(
                Verdict::ReuseRunsOut,
                Weight::Hinders,
                format!(
                    "Upload {n} of a session under TLS fails where those before it work: data connections must resume the TLS session \
                     here, and its tickets have run out: {why}."
                ),
            )
            .server(
                "let data connections resume nothing (TLSOptions NoSessionReuseRequired in ProFTPD), or speak TLS 1.2 only, which \
                 needs no new tickets",
            )
            .client("a new session for a few files, or TLS 1.2, gets around it; pasv does so by itself"),
        ),
        Some(Upload::Failed(n, why)) => sheet.add(
            Remark::new(
                Verdict::UploadFails,
                Weight::Hinders,
                format!("Upload {n} of a session fails, though listings work: {why}."),
            )
            .server(
                "its log says why; a full disk, a quota or session tickets that run out are usual reasons",
            ),
        ),
    }
}

/// Our own file.
fn left(findings: &Findings, sheet: &mut Sheet) {
    if let Some((name, why)) = &findings.files.left {
        sheet.add(
            Remark::new(
                Verdict::FileLeft,
                Weight::Note,
                format!("The file of the upload, {name}, may still be there: DELE was answered with {why}."),
            )
            .server(format!("delete {name}")),
        );
    }
}

/// What flows is through, and may still be of no use.
fn crawls(findings: &Findings, sheet: &mut Sheet) {
    let slow = findings.trials.iter().find_map(|trial| match trial.end {
        End::Cut { bytes, .. } if bytes < CRAWL => Some((trial, bytes)),
        _ => None,
    });
    let Some((trial, bytes)) = slow else { return };
    sheet.add(
        Remark::new(
            Verdict::Crawls,
            Weight::Hinders,
            format!(
                "Transfers crawl: {} {} brought {bytes} bytes in {:.0} s, and was broken off.",
                trial.way,
                trial.cover.words(),
                trial.elapsed.as_secs_f64()
            ),
        )
        .server(
            "is the server or its line overloaded, or its rate limited? Lost packets have the same effect",
        ),
    );
}

fn restarts(findings: &Findings, sheet: &mut Sheet) {
    let files = &findings.files;
    let remark = match &files.rest_middle {
        Some(Rest::Ignored | Rest::Wrong) => Some(
            Remark::new(
                Verdict::RestIgnored,
                Weight::Hinders,
                "REST is agreed to and not followed: a download that is resumed would be a damaged file.",
            )
            .server("repair or switch off REST")
            .client("do not resume downloads here"),
        ),
        Some(Rest::Refused(said)) => Some(
            Remark::new(Verdict::RestRefused, Weight::Note, format!("Downloads cannot be resumed: {said}."))
                .client("a download that breaks off begins anew"),
        ),
        _ => None,
    };
    if let Some(remark) = remark {
        sheet.add(remark);
    }
    if let Some((Some(told), came)) = files.size
        && told != came
    {
        sheet.add(Remark::new(
            Verdict::SizeWrong,
            Weight::Hinders,
            format!("SIZE tells {told} bytes of a file of which {came} come."),
        ));
    }
}

fn listings(findings: &Findings, sheet: &mut Sheet) {
    let files = &findings.files;
    if let Some((_, read, unread)) = &files.listing
        && *unread > 0
    {
        sheet.add(Remark::new(
            Verdict::ListingUnread,
            Weight::Note,
            format!("{unread} lines of the listing are of no known form ({read} are)."),
        ));
    }
    let works = |end: &Option<End>| matches!(end, Some(End::Works { .. } | End::Cut { .. }));
    // Other codes are about the directory, or the moment (RFC 959 4.2.1).
    let unknown = |said: &str| ["500", "501", "502", "504"].iter().any(|code| said.starts_with(code));
    let refused = |end: &Option<End>| matches!(end, Some(End::CommandRefused(said)) if unknown(said));
    // MLST in FEAT stands for MLSD too (RFC 3659 7.8).
    let mut differs = Vec::new();
    let offered = findings.offers("MLST") || findings.offers("MLSD");
    if offered && refused(&files.mlsd) {
        differs.push("it offers MLST, and refuses MLSD");
    }
    if !offered && works(&files.mlsd) {
        differs.push("MLSD works, and is not offered");
    }
    let rest = matches!(files.rest_middle, Some(Rest::Right));
    if findings.offers("REST") && matches!(files.rest_middle, Some(Rest::Refused(_))) {
        differs.push("it offers REST, and refuses it");
    }
    if !findings.features.is_empty() && !findings.offers("REST") && rest {
        differs.push("REST works, and is not offered");
    }
    if findings.offers("SIZE") && matches!(files.size, Some((None, _))) {
        differs.push("it offers SIZE, and does not tell it");
    }
    let refuses = |way| {
        let end =
            findings.trial(Cover::Clear, way).or(findings.trial(Cover::Tls, way)).map(|trial| &trial.end);
        matches!(end, Some(End::Refused(_)))
    };
    if findings.offers("EPSV") && refuses(Way::Epsv) {
        differs.push("it offers EPSV, and refuses it");
    }
    // Behind a NAT it is our address that is refused, and not the verb.
    let translated =
        findings.ends.zip(findings.seen_as).is_some_and(|((own, _), seen)| own.ip().to_canonical() != seen);
    if findings.offers("EPRT") && refuses(Way::Eprt) && !translated {
        differs.push("it offers EPRT, and refuses it");
    }
    if !differs.is_empty() {
        sheet.add(
            Remark::new(
                Verdict::FeatDiffers,
                Weight::Note,
                format!("FEAT and what works differ: {}.", differs.join("; ")),
            )
            .server("something on the way, or the server's configuration, takes verbs away"),
        );
    }
    if !offered && refused(&files.mlsd) {
        sheet.add(Remark::new(
            Verdict::NoMlsd,
            Weight::Note,
            "There are no machine-readable listings (MLSD): names, sizes and times are guessed from LIST.",
        ));
    }
}

fn clocks(findings: &Findings, sheet: &mut Sheet) {
    if let Some(offset) = findings.files.clock.filter(|offset| *offset != 0) {
        sheet.add(Remark::new(
            Verdict::ClockOffset,
            Weight::Note,
            format!(
                "LIST tells local time, {:+} min from UTC: times are right only by MDTM or MLSD.",
                offset / 60
            ),
        ));
    }
    if let Some(drift) = findings.files.drift.filter(|drift| drift.abs() > DRIFT) {
        let quarters = (drift + 450).div_euclid(900);
        if quarters != 0 && quarters.abs() <= 14 * 4 && (drift - quarters * 900).abs() <= DRIFT {
            sheet.ask(
                format!(
                    "whether the server's clock is {:+} min off, or its MDTM tells local time",
                    quarters * 15
                ),
                "`date -u` on the server: MDTM is in UTC (RFC 3659 2.3)",
            );
            return;
        }
        sheet.add(
            Remark::new(
                Verdict::ClockDrift,
                Weight::Note,
                format!("The server's clock and this machine's are {drift} s apart."),
            )
            .server("set it by NTP, unless it is this machine's that is wrong"),
        );
    }
}

/// The shortest silence that a connection did not live through.
fn idle(findings: &Findings, sheet: &mut Sheet) {
    let Some((time, alive)) = findings.idle.iter().find(|(_, alive)| *alive != Alive::Yes) else { return };
    let seconds = time.as_secs();
    if let Some((longer, _)) = findings.idle.iter().rev().find(|(_, alive)| *alive == Alive::Yes)
        && longer > time
    {
        sheet.ask(
            format!(
                "why a control connection that was silent for {seconds} s is dead: one that was silent for {} s lives",
                longer.as_secs()
            ),
            "another try with --slow: what forgets silent connections forgets the longer ones too",
        );
        return;
    }
    sheet.add(match alive {
        Alive::Ended(said) => Remark::new(
            Verdict::IdleServer,
            Weight::Note,
            format!("The server ends control connections that are silent for {seconds} s or less: {said}."),
        ),
        _ => Remark::new(
            Verdict::IdleNat,
            Weight::Hinders,
            format!(
                "A control connection that is silent for {seconds} s is dead, and nobody says so: a NAT or firewall on the way has \
                 forgotten it."
            ),
        )
        .server("TCP keepalive on control connections, 15 s or less; a longer idle time at the NAT")
        .client("a program with keepalive on the control connection, as pasv has"),
    });
}
