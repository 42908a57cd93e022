//! What do files and listings show that a bare connection does not?
use std::time::{SystemTime, UNIX_EPOCH};

use wire::command::Mdtm;
use wire::facts::EntryType;
use wire::listing::{Dialect, ListingReader};
use wire::{Command, Entry, Marker, Pathname, Reply, Severity, Stamp};

use super::call::{ANSWER, Call, NoReply, line};
use super::context::Context;
use super::facts::{Cover, End, Rest, Upload};
use super::trial::{Job, LISTING, SEGMENTS, follow, is_usable};
use client::DataMethod;

/// A file of which REST is tried: small enough to fetch it three times.
const SMALL: u64 = 64 * 1024;
/// So many bytes need full packets, and more than the first handful.
const BULK: u64 = 40 * 1024;
/// Enough of a large file.
const ENOUGH: usize = 256 * 1024;
/// Uploads of one session: tickets that run out do so by the third.
const UPLOADS: u8 = 3;

/// Looks at listings and files by the best method that works, if one does.
pub(super) async fn look(context: &Context<'_>) {
    let best = context.notebook.facts().best().map(|trial| (trial.cover, trial.method));
    let Some((cover, method)) = best else { return };
    let reading = async {
        if let Some(call) = context.session(context.to, cover, "files").await {
            read(context, call, cover, method).await;
        }
    };
    let writing = async {
        // Not in another directory than the one that was named.
        let there = context.notebook.facts().no_directory.is_none();
        if context.target.write
            && there
            && let Some(call) = context.session(context.to, cover, "upload").await
        {
            let upload = write(context, call, (cover, method)).await;
            context.notebook.facts().files.upload = Some(upload);
        }
    };
    tokio::join!(Box::pin(reading), Box::pin(writing));
}

async fn read(context: &Context<'_>, mut call: Call<'_>, cover: Cover, method: DataMethod) {
    let came = |end: &End| matches!(end, End::Works { .. } | End::Cut { .. });
    let mut bytes = Vec::new();
    let end = Box::pin(follow(&mut call, method, Job::list(&mut bytes))).await.end;
    let mut reader = ListingReader::new(today());
    let listed = entries(&mut reader, &bytes);
    if came(&end) {
        let dialect = reader.dialect().map(name).map(str::to_owned);
        context.notebook.facts().files.listing = Some((dialect, listed.len(), reader.unread()));
    }
    if !is_usable(&end) {
        return;
    }
    let mut bytes = Vec::new();
    let job = Job::fetch(Command::Mlsd(None), &mut bytes, LISTING);
    let end = Box::pin(follow(&mut call, method, job)).await.end;
    let facts = if came(&end) { entries(&mut ListingReader::mlsd(), &bytes) } else { Vec::new() };
    context.notebook.facts().files.mlsd = Some(end.clone());
    if !is_usable(&end) {
        return;
    }
    let entries = if facts.is_empty() { &listed } else { &facts };
    if let Some((path, announced)) = timed(&listed) {
        clock(context, &mut call, &path, announced).await;
    }
    if let Some(path) = file(entries, |size| (2..=SMALL).contains(&size))
        && !restarts(context, &mut call, (cover, method), &path).await
    {
        return;
    }
    if let Some(path) = file(entries, |size| size >= BULK) {
        bulk(context, call, cover, method, &path).await;
    } else {
        call.quit().await;
    }
}

/// All entries of a listing.
fn entries(reader: &mut ListingReader, bytes: &[u8]) -> Vec<Entry> {
    let mut entries = Vec::new();
    reader.push(bytes, &mut entries);
    reader.finish(&mut entries);
    entries
}

/// The smallest file of a size that fits, with a name that can be said.
fn file(entries: &[Entry], fits: impl Fn(u64) -> bool) -> Option<Pathname> {
    let files = entries.iter().filter(|entry| entry.facts.kind == Some(EntryType::File));
    let sized = files.filter_map(|entry| Some((entry.facts.size.filter(|size| fits(*size))?, entry)));
    let (_, entry) = sized.min_by_key(|(size, _)| *size)?;
    Pathname::new(entry.name.clone()).ok()
}

/// A file whose time of day LIST tells: that of an old one is left out, and read as midnight.
fn timed(listed: &[Entry]) -> Option<(Pathname, Stamp)> {
    let files = listed.iter().filter(|entry| entry.facts.kind == Some(EntryType::File));
    let times = files.filter_map(|entry| Some((entry, entry.facts.modify?)));
    let (entry, announced) = times
        .filter(|(_, announced)| announced.seconds.rem_euclid(86_400) != 0)
        .max_by_key(|(_, announced)| announced.seconds)?;
    Pathname::new(entry.name.clone()).ok().map(|path| (path, announced))
}

/// LIST's times against MDTM's, which are in UTC (RFC 3659 3).
async fn clock(context: &Context<'_>, call: &mut Call<'_>, path: &Pathname, announced: Stamp) {
    let Some(exact) = modified(call, path).await else { return };
    let offset = announced.seconds.saturating_sub(exact.seconds);
    // Whole quarters of an hour are time zones; LIST tells minutes, or days for old files.
    let quarters = (offset + 450).div_euclid(900);
    if (offset - quarters * 900).abs() < 60 && quarters.abs() <= 14 * 4 {
        context.notebook.facts().files.clock = Some(quarters * 900);
    }
}

async fn modified(call: &mut Call<'_>, path: &Pathname) -> Option<Stamp> {
    let mdtm = Command::Mdtm(Mdtm { whole: path.clone(), set: None });
    let reply = call.ask(&mdtm, ANSWER).await.ok()?;
    Stamp::parse(reply.text().trim_ascii()).filter(|_| reply.code.get() == 213)
}

/// REST 0 and REST in the middle, against the whole file. Is the call good for more?
async fn restarts(
    context: &Context<'_>,
    call: &mut Call<'_>,
    (cover, method): (Cover, DataMethod),
    path: &Pathname,
) -> bool {
    let limit = usize::try_from(SMALL * 2).unwrap_or(usize::MAX);
    let mut whole = Vec::new();
    let job = Job::fetch(Command::Retr(path.clone()), &mut whole, limit);
    let trial = Box::pin(follow(call, method, job)).await;
    if let End::Stalled { .. } = trial.end {
        stalled(context, cover, method, path, trial.end).await;
        return false;
    }
    // Of one that has shrunk to nothing, or grown without measure, nothing is seen.
    if !matches!(trial.end, End::Works { .. }) || whole.len() < 2 {
        return is_usable(&trial.end);
    }
    let announced = size_of(call, path).await;
    if announced.is_none_or(|announced| announced == whole.len() as u64)
        || still(call, method, path, &whole).await
    {
        context.notebook.facts().files.size = Some((announced, whole.len() as u64));
    }
    let middle = whole.len() as u64 / 2;
    for at in [0, middle] {
        let mut rest = Vec::new();
        let job =
            Job { restart: Some(Marker(at)), ..Job::fetch(Command::Retr(path.clone()), &mut rest, limit) };
        let trial = Box::pin(follow(call, method, job)).await;
        let wanted = usize::try_from(at).ok().and_then(|at| whole.get(at..)).unwrap_or_default();
        let seen = match &trial.end {
            // What is written to meanwhile is longer by now.
            End::Works { .. } if rest.starts_with(wanted) && !wanted.is_empty() => Some(Rest::Right),
            End::Works { .. } if at > 0 && rest.starts_with(&whole) => Some(Rest::Ignored),
            End::Works { .. } => still(call, method, path, &whole).await.then_some(Rest::Wrong),
            End::CommandRefused(why) => Some(Rest::Refused(why.clone())),
            other => Some(Rest::Failed(super::evidence::end(other))),
        };
        {
            let files = &mut context.notebook.facts().files;
            *(if at == 0 { &mut files.rest_zero } else { &mut files.rest_middle }) = seen;
        }
        if !is_usable(&trial.end) {
            return false;
        }
    }
    true
}

/// Has the file stayed the same? Of one that is written to meanwhile, nothing can be concluded.
async fn still(call: &mut Call<'_>, method: DataMethod, path: &Pathname, whole: &[u8]) -> bool {
    let mut again = Vec::new();
    let job = Job::fetch(Command::Retr(path.clone()), &mut again, whole.len() + 1);
    let trial = Box::pin(follow(call, method, job)).await;
    matches!(trial.end, End::Works { .. }) && again == whole
}

async fn size_of(call: &mut Call<'_>, path: &Pathname) -> Option<u64> {
    let reply = call.ask(&Command::Size(path.clone()), ANSWER).await.ok()?;
    Marker::parse(reply.text().trim_ascii()).filter(|_| reply.code.get() == 213).map(|marker| marker.0)
}

/// Do large packets come? If not, do small ones?
async fn bulk(context: &Context<'_>, mut call: Call<'_>, cover: Cover, method: DataMethod, path: &Pathname) {
    let mut bytes = Vec::new();
    let job = Job::fetch(Command::Retr(path.clone()), &mut bytes, ENOUGH);
    let trial = Box::pin(follow(&mut call, method, job)).await;
    if matches!(trial.end, End::Stalled { .. }) {
        stalled(context, cover, method, path, trial.end).await;
    } else {
        context.notebook.facts().files.bulk = Some(trial.end);
        call.quit().await;
    }
}

/// A file hangs: does it come in small packets? In a session of its own, as the other still owes an answer.
async fn stalled(context: &Context<'_>, cover: Cover, method: DataMethod, path: &Pathname, end: End) {
    context.notebook.facts().files.bulk = Some(end);
    if !method.is_passive() {
        return;
    }
    // Side by side: a server that is only slow at times is so for both.
    let fetch = async |lane, segments| {
        let mut call = context.session(context.to, cover, lane).await?;
        let mut bytes = Vec::new();
        let job = Job { segments, ..Job::fetch(Command::Retr(path.clone()), &mut bytes, ENOUGH) };
        Some(Box::pin(follow(&mut call, method, job)).await.end)
    };
    let (small, again) = tokio::join!(
        Box::pin(fetch("small-segments", Some(SEGMENTS))),
        Box::pin(fetch("large-segments", None))
    );
    let files = &mut context.notebook.facts().files;
    (files.bulk_small, files.bulk_again) = (small, again);
}

/// Stores a small file of a name of our own three times, has it proven, and deletes it.
async fn write(context: &Context<'_>, mut call: Call<'_>, (cover, method): (Cover, DataMethod)) -> Upload {
    let stamp = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_nanos());
    // A name of its own for each: where nothing can be replaced, the second would fail for that.
    let process = std::process::id();
    let names = (1..=UPLOADS).map(|n| Pathname::new(format!(".pasv-doctor-{process}-{stamp}-{n}.tmp")));
    let Ok(paths) = names.collect::<Result<Vec<_>, _>>() else { return Upload::Unproven };
    let bytes: Vec<u8> = (0..3000_u32).flat_map(u32::to_le_bytes).collect();
    let mut result = Upload::Unproven;
    let mut stored = Vec::new();
    for (n, path) in (1..=UPLOADS).zip(&paths) {
        let trial =
            Box::pin(follow(&mut call, method, Job::store(Command::Stor(path.clone()), &bytes))).await;
        match trial.end {
            End::Works { .. } => stored.push(path.clone()),
            End::CommandRefused(why) if n == 1 => return Upload::Refused(why),
            other => {
                // What was stored is to go all the same.
                let usable = is_usable(&other);
                let call =
                    if usable { Some(call) } else { context.session(context.to, cover, "clean").await };
                if let Some(call) = call {
                    clean(context, call, method, &stored, Some(path)).await;
                } else {
                    stored.push(path.clone());
                    let why = "no session could be had to delete it".to_owned();
                    context.notebook.facts().files.left = Some((shown(&stored), why));
                }
                return Upload::Failed(n, super::evidence::end(&other));
            }
        }
    }
    if let Some(last) = stored.last() {
        result = prove(&mut call, last, &bytes).await;
        if let Some(stored) = modified(&mut call, last).await {
            let drift = stored.seconds.saturating_sub(today().seconds);
            context.notebook.facts().files.drift = Some(drift);
        }
    }
    clean(context, call, method, &stored, None).await;
    result
}

fn shown(paths: &[Pathname]) -> Vec<String> {
    paths.iter().map(Pathname::to_string).collect()
}

/// Deletes the files of the upload, and writes down those that are not gone. Of one that broke off, a refusal
/// may mean that there is nothing.
async fn clean(
    context: &Context<'_>,
    mut call: Call<'_>,
    method: DataMethod,
    stored: &[Pathname],
    broken: Option<&Pathname>,
) {
    let mut left = Vec::new();
    let mut last = None;
    let mut answers = true;
    for (path, whole) in stored.iter().map(|path| (path, true)).chain(broken.map(|path| (path, false))) {
        let gone =
            if answers { call.ask(&Command::Dele(path.clone()), ANSWER).await } else { Err(NoReply::Silent) };
        let why = match gone {
            Ok(reply) if whole && reply.code.severity() != Severity::Completion => line(&reply),
            Ok(_) => continue,
            Err(no_reply) => {
                answers = false;
                no_reply.words()
            }
        };
        call.note(format!("* the file stays there: {why}"));
        left.push(path.clone());
        last.get_or_insert(why);
    }
    let Some(why) = last else { return call.quit().await };
    context.notebook.facts().files.left = Some((shown(&left), why));
    if !answers {
        return;
    }
    // A user who may not delete may be able to overwrite: that is another right.
    if let Some(path) = left.first() {
        let bytes = b"pasv doctor\r\n";
        let trial = Box::pin(follow(&mut call, method, Job::store(Command::Stor(path.clone()), bytes))).await;
        context.notebook.facts().files.replaces = match trial.end {
            End::Works { .. } => Some(true),
            End::CommandRefused(_) => Some(false),
            _ => None,
        };
        if !is_usable(&trial.end) {
            return;
        }
    }
    call.quit().await;
}

async fn prove(call: &mut Call<'_>, path: &Pathname, bytes: &[u8]) -> Upload {
    if let Ok(reply) = call.ask(&Command::Hash(path.clone()), ANSWER).await
        && reply.code.severity() == Severity::Completion
        && let Some(right) = hash_is(&reply, bytes)
    {
        return if right { Upload::Proven("HASH") } else { Upload::Differs("HASH is another".to_owned()) };
    }
    match size_of(call, path).await {
        Some(size) if size == bytes.len() as u64 => Upload::Proven("SIZE"),
        Some(size) => Upload::Differs(format!("SIZE is {size}, and {} bytes were sent", bytes.len())),
        None => Upload::Unproven,
    }
}

/// `213 SHA-256 0-11999 hexadecimal name`: is it the digest of these bytes? None where it is another
/// algorithm's.
fn hash_is(reply: &Reply, bytes: &[u8]) -> Option<bool> {
    use sha2::Digest as _;
    let text = String::from_utf8_lossy(reply.text()).into_owned();
    let mut words = text.split(' ');
    words.next().filter(|algorithm| algorithm.eq_ignore_ascii_case("SHA-256"))?;
    let announced = words.nth(1)?;
    let ours: String = sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    Some(announced.eq_ignore_ascii_case(&ours))
}

fn name(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Mlsd => "MLSD",
        Dialect::Unix => "Unix (ls -l)",
        Dialect::Dos => "MS-DOS (dir)",
        Dialect::Eplf => "EPLF",
        Dialect::Vms => "VMS",
    }
}

fn today() -> Stamp {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs());
    Stamp::from_seconds(i64::try_from(seconds).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_without_an_hour_says_nothing_of_the_time_zone() {
        let listed = |text: &[u8]| {
            let entries = entries(&mut ListingReader::new(today()), text);
            timed(&entries).map(|(path, _)| path.to_string())
        };
        let old = b"-rw-r--r-- 1 a a 1000 Jan 02 2024 old\r\n";
        assert_eq!(listed(old), None);
        let both = b"-rw-r--r-- 1 a a 1000 Jan 02 2024 old\r\n-rw-r--r-- 1 a a 9000 Mar 03 10:10 new\r\n";
        assert_eq!(listed(both).as_deref(), Some("new"));
    }
}
