//! How is the state of a transfer laid out in a line of so many columns?
//!
//! Pure: the width, the numbers and the times are arguments. Names come escaped, so they hold no control character.
use std::time::Duration;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A file under way.
pub(super) struct FileState<'a> {
    pub(super) name: &'a str,
    /// How many of its bytes are there, also of an earlier run.
    pub(super) have: u64,
    pub(super) total: Option<u64>,
    /// Bytes per second, once it is known.
    pub(super) rate: Option<u64>,
    pub(super) elapsed: Duration,
}

/// What several files came to so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Transferred whole.
    pub(crate) files: u64,
    /// The bytes of those that were not there before this run.
    pub(crate) bytes: u64,
    /// Were there already.
    pub(crate) present: u64,
    pub(crate) skipped: u64,
    /// Arguments that failed.
    pub(crate) failed: u64,
    /// The lengths of the files that are done or were there already.
    pub(crate) settled: u64,
    /// Files and bytes that there are altogether, where that is known.
    pub(crate) expected: Option<(u64, u64)>,
}

/// The narrowest bar that still shows something, with its brackets.
const BAR: usize = 10;
/// A name is not cut below this where the numbers can be shortened in its place.
const NAME: usize = 16;

/// The line of a file under way: its name, a bar, numbers; less of them where the line is narrow.
pub(super) fn file_line(columns: usize, file: &FileState<'_>, colour: bool) -> String {
    let bytes = human(file.have);
    let rate = file.rate.map(rate).unwrap_or_default();
    let Some(total) = file.total.filter(|total| *total > 0) else {
        let full = format!("{bytes}  {rate}  {}", clock(file.elapsed));
        let fits = |text: &String| text.width() + 2 + NAME.min(file.name.width()) <= columns;
        let numbers = [full, format!("{bytes}  {rate}")].into_iter().find(fits).unwrap_or(bytes);
        let name = shorten(file.name, columns.saturating_sub(numbers.width() + 2));
        return format!("{name}  {numbers}");
    };
    let percent = format!("{:>3}%", percent(file.have, total));
    let left = left(file.have, total, file.rate);
    let numbers = [
        format!("{percent} {bytes}/{} {rate} {left}", human(total)),
        format!("{percent} {bytes} {rate} {left}"),
        format!("{percent} {rate} {left}"),
        format!("{percent} {left}"),
    ]
    .map(|text| text.trim_end().to_owned());
    named_bar(columns, (file.name, NAME.min(file.name.width())), numbers, (file.have, total), colour)
}

/// The line of a tree under way.
pub(super) fn total_line(
    columns: usize,
    tally: &Tally,
    have: u64,
    rate_now: Option<u64>,
    elapsed: Duration,
    colour: bool,
) -> String {
    let done = tally.files + tally.present;
    let rate = rate_now.map(rate).unwrap_or_default();
    let skipped = if tally.skipped > 0 { format!(", {} skipped", tally.skipped) } else { String::new() };
    let (bytes, time) = (human(have), clock(elapsed));
    let Some((files, total)) = tally.expected else {
        let count = format!("{} {}", grouped(done), if done == 1 { "file" } else { "files" });
        let lines = [
            format!("{count} done, {bytes}, {rate}, {time}{skipped}"),
            format!("{count}, {bytes}, {time}{skipped}"),
            format!("{count}, {bytes}"),
            count,
        ]
        .map(|line| line.replace(", ,", ","));
        return first_that_fits(columns, lines);
    };
    let count = format!("{}/{}", grouped(done), grouped(files));
    let percent = format!("{:>3}%", percent(have, total));
    let left = left(have, total, rate_now);
    let numbers = [
        format!("{percent} {bytes}/{} {rate} {left}", human(total)),
        format!("{percent} {bytes} {left}"),
        format!("{percent} {left}"),
        percent.clone(),
    ]
    .map(|text| text.trim_end().to_owned());
    let names = [format!("{count} files{skipped}"), format!("{count} files")];
    let room = columns.saturating_sub(1 + BAR + 1 + numbers[2].width());
    let name = names.into_iter().find(|name| name.width() <= room).unwrap_or(count);
    named_bar(columns, (&name, name.width()), numbers, (have, total), colour)
}

/// The line that a file leaves. Without `columns` the name is whole.
pub(super) fn file_done(
    columns: Option<usize>,
    name: &str,
    moved: u64,
    before: u64,
    time: Duration,
) -> String {
    let resumed = if before > 0 { format!(" (resumed at {})", human(before)) } else { String::new() };
    let all = format!("{}{resumed}", how_fast(moved, time));
    let least = NAME.min(name.width());
    match columns {
        // The number of bytes and the time are worth more than the rate.
        Some(columns) if all.width() + 2 + least > columns => {
            with_name(Some(columns), name, &format!("{} in {}", human(moved), took(time)))
        }
        _ => with_name(columns, name, &all),
    }
}

/// The line of a file that had nothing to be transferred.
pub(super) fn file_present(columns: Option<usize>, name: &str) -> String {
    with_name(columns, name, "already complete")
}

/// The line that a tree leaves, or several files.
pub(super) fn summary(tally: &Tally, time: Duration) -> String {
    let files = if tally.files == 1 { "file" } else { "files" };
    let mut line = format!("{} {files}, {}", grouped(tally.files), how_fast(tally.bytes, time));
    for (number, what) in
        [(tally.present, "already complete"), (tally.skipped, "skipped"), (tally.failed, "failed")]
    {
        if number > 0 {
            line.push_str(&format!("; {} {what}", grouped(number)));
        }
    }
    line
}

/// A number with commas: 24,117,248.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number of bytes in binary units: 17 B, 286.10 MiB.
pub(crate) fn human(bytes: u64) -> String {
    let (value, unit) = scaled(bytes);
    if unit == "B" { format!("{bytes} B") } else { format!("{value:.2} {unit}") }
}

/// Cuts out the middle of a name that is wider than `columns`: its start and, as it is more telling, more of its end.
pub(crate) fn shorten(name: &str, columns: usize) -> String {
    const DOTS: &str = "...";
    if name.width() <= columns {
        return name.to_owned();
    }
    if columns <= DOTS.len() {
        return ".".repeat(columns);
    }
    let room = columns - DOTS.len();
    let (head, used) = fitting(name.chars(), room / 3);
    let (tail, _) = fitting(name.chars().rev(), room - used);
    let tail: String = tail.chars().rev().collect();
    format!("{head}{DOTS}{}", without_lone_marks(&tail))
}

/// As many characters as fit into `room` columns, and how many of these they take.
fn fitting(chars: impl Iterator<Item = char>, room: usize) -> (String, usize) {
    let mut used = 0;
    let mut out = String::new();
    for c in chars {
        let width = c.width().unwrap_or(0);
        if used + width > room {
            break;
        }
        used += width;
        out.push(c);
    }
    (out, used)
}

/// Combining marks at the start would be drawn onto the dots.
fn without_lone_marks(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.width() == Some(0))
}

fn with_name(columns: Option<usize>, name: &str, rest: &str) -> String {
    let name = match columns {
        Some(columns) => shorten(name, columns.saturating_sub(rest.width() + 2).max(8)),
        None => name.to_owned(),
    };
    format!("{name}  {rest}")
}

/// `name [====>   ] numbers`, exactly as wide as the line. Of the numbers the first that leave room for the bar, and for `least`
/// columns of the name, are shown.
fn named_bar(
    columns: usize,
    (name, least): (&str, usize),
    numbers: [String; 4],
    (have, total): (u64, u64),
    colour: bool,
) -> String {
    let [.., shortest] = &numbers;
    let room = |text: &String| least + 1 + BAR + 1 + text.width() <= columns;
    let text = numbers.iter().find(|text| room(text)).unwrap_or(shortest);
    let rest = columns.saturating_sub(text.width() + 1);
    if rest < BAR + 2 {
        return first_that_fits(columns, [text.clone(), String::new(), String::new(), String::new()]);
    }
    // The name has up to half of what is left for both, and at least what was reserved for it.
    let name = shorten(name, (rest / 2).max(least).min(rest - BAR - 1));
    let inner = rest - name.width() - 1 - "[]".len();
    let filled = (u128::from(have.min(total)) * inner as u128 / u128::from(total.max(1))) as usize;
    let head = if filled > 0 && filled < inner { ">" } else { "" };
    let done = format!("{}{head}", "=".repeat(filled.saturating_sub(head.len())));
    let open = " ".repeat(inner - done.len());
    let done = if colour { format!("\x1b[32m{done}\x1b[0m") } else { done };
    format!("{name} [{done}{open}] {text}")
}

fn first_that_fits<const N: usize>(columns: usize, lines: [String; N]) -> String {
    lines.into_iter().find(|line| line.width() <= columns).unwrap_or_default()
}

fn percent(have: u64, total: u64) -> u64 {
    if total == 0 { 100 } else { (u128::from(have.min(total)) * 100 / u128::from(total)) as u64 }
}

/// The time left, where it can be foreseen.
fn left(have: u64, total: u64, rate: Option<u64>) -> String {
    const LONGEST: u64 = 999 * 3600;
    match rate.and_then(|rate| total.saturating_sub(have).checked_div(rate)) {
        Some(seconds @ ..LONGEST) => format!("{} left", clock(Duration::from_secs(seconds))),
        _ => String::new(),
    }
}

/// `286.10 MiB in 11.1 s, 25.9 MiB/s`. What took hardly any time has no rate: it would be that of the replies.
fn how_fast(bytes: u64, time: Duration) -> String {
    let took = took(time);
    let per_second = bytes as f64 / time.as_secs_f64();
    if bytes == 0 || time < Duration::from_millis(50) || !per_second.is_finite() {
        return format!("{} in {took}", human(bytes));
    }
    format!("{} in {took}, {}", human(bytes), rate(per_second as u64))
}

fn rate(bytes: u64) -> String {
    let (value, unit) = scaled(bytes);
    if unit == "B" { format!("{bytes} B/s") } else { format!("{value:.1} {unit}/s") }
}

fn scaled(bytes: u64) -> (f64, &'static str) {
    let mut value = bytes as f64;
    let mut unit = "B";
    for next in ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] {
        // What would be written as 1024.00 is one of the next unit.
        if value < 1023.995 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    (value, unit)
}

/// A time that runs: 7s, 1:02, 1:02:03.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}:{s:02}"),
        (h @ 100.., ..) => format!("{h}h"),
        (h, m, s) => format!("{h}:{m:02}:{s:02}"),
    }
}

/// A time that is over: 0.04 s, 11.1 s, 3 min 7 s, 1 h 2 min.
fn took(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => format!("{:.2} s", time.as_secs_f64()),
        1..60 => format!("{:.1} s", time.as_secs_f64()),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 5] = [
        "a",
        "hello.iso",
        "a very long name of a file that nobody wants to type (final, really).iso",
        "日本語のとても長い名前のファイルで、端末の幅より広いもの.iso",
        "e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}.iso",
    ];

    #[test]
    fn a_line_of_a_file_is_as_wide_as_the_terminal_and_always_has_a_bar() {
        for columns in [39, 40, 79, 80, 119, 120, 300] {
            for name in NAMES {
                for (have, total, rate) in [
                    (0, 1, None),
                    (28_321_054, 299_999_999, Some(27_126_661)),
                    (1, u64::MAX, Some(1)),
                    (u64::MAX, u64::MAX, Some(u64::MAX)),
                ] {
                    let file =
                        FileState { name, have, total: Some(total), rate, elapsed: Duration::from_secs(7) };
                    let line = file_line(columns, &file, false);
                    assert_eq!(line.width(), columns, "{columns}: {line}");
                    let bar = line.split_once('[').and_then(|(_, rest)| rest.split_once(']')).expect(&line).0;
                    assert!(bar.len() >= BAR - 2, "{columns}: {line}");
                    let unknown = file_line(columns, &FileState { total: None, ..file }, false);
                    assert!(unknown.width() <= columns, "{columns}: {unknown}");
                }
            }
        }
    }

    #[test]
    fn lines_of_a_file_read_so() {
        let file = FileState {
            name: NAMES[3],
            have: 28_321_054,
            total: Some(299_999_999),
            rate: Some(27_126_661),
            elapsed: Duration::from_secs(7),
        };
        for (columns, line) in [
            (40, "日本...もの.iso [     ]   9% 10s left"),
            (79, "日本...幅より広いもの.iso [=>           ]   9% 27.01 MiB/286.10 MiB 25.9 MiB/s 10s left"),
        ] {
            let said = file_line(columns, &file, false);
            assert!(said.contains("日") && said.contains(".iso ["), "{columns}: {said}\nnot as {line}");
        }
        let coloured = file_line(79, &file, true);
        assert!(coloured.contains("[\u{1b}[32m"), "{coloured}");
    }

    #[test]
    fn a_tree_counts_its_files() {
        let mut tally = Tally { files: 37, bytes: 1 << 20, present: 2, skipped: 3, ..Tally::default() };
        let line = |tally: &Tally, columns| {
            total_line(columns, tally, 3 << 20, Some(1 << 20), Duration::from_secs(62), false)
        };
        assert_eq!(line(&tally, 79), "39 files done, 3.00 MiB, 1.0 MiB/s, 1:02, 3 skipped");
        assert_eq!(line(&tally, 30), "39 files, 3.00 MiB");
        tally.expected = Some((1412, 6 << 20));
        let said = line(&tally, 79);
        assert_eq!(said.width(), 79);
        assert!(said.starts_with("39/1,412 files, 3 skipped [="), "{said}");
        assert!(said.ends_with("]  50% 3.00 MiB/6.00 MiB 1.0 MiB/s 3s left"), "{said}");
        for columns in [20, 40, 80, 120] {
            assert!(line(&tally, columns).width() <= columns);
        }
        // The numbers of files are never cut.
        assert!(line(&tally, 40).starts_with("39/1,412 files ["), "{}", line(&tally, 40));
    }

    #[test]
    fn what_is_left_on_the_screen() {
        let eleven = Duration::from_millis(11_060);
        assert_eq!(
            file_done(Some(79), "hello.iso", 299_999_999, 0, eleven),
            "hello.iso  286.10 MiB in 11.1 s, 25.9 MiB/s"
        );
        assert_eq!(
            file_done(None, NAMES[2], 17, 4096, Duration::from_micros(10)),
            format!("{}  17 B in 0.00 s (resumed at 4.00 KiB)", NAMES[2])
        );
        for columns in [40, 80, 120] {
            assert!(file_done(Some(columns), NAMES[3], 299_999_999, 1 << 20, eleven).width() <= columns);
        }
        assert_eq!(file_present(Some(79), "a"), "a  already complete");
        let tally = Tally { files: 1000, bytes: 5000, present: 1, skipped: 7, failed: 1, ..Tally::default() };
        assert_eq!(
            summary(&tally, Duration::from_secs(187)),
            "1,000 files, 4.88 KiB in 3 min 7 s, 26 B/s; 1 already complete; 7 skipped; 1 failed"
        );
        assert_eq!(summary(&Tally { files: 1, ..Tally::default() }, Duration::ZERO), "1 file, 0 B in 0.00 s");
        assert_eq!([grouped(7), grouped(1000), grouped(24_117_248)], ["7", "1,000", "24,117,248"]);
        assert_eq!(human(1024 * 1024 - 1), "1.00 MiB");
    }

    #[test]
    fn the_middle_of_a_long_name_is_cut_out_by_its_width() {
        assert_eq!(shorten("pub/a.iso", 9), "pub/a.iso");
        assert_eq!(shorten("0123456789abcdef.iso", 12), "012...ef.iso");
        assert_eq!(shorten("日本語の名前.iso", 11), "日...前.iso");
        assert_eq!(shorten("abc", 2), "..");
        for name in NAMES {
            for columns in 0..80 {
                assert!(shorten(name, columns).width() <= columns, "{name} {columns}");
            }
        }
    }
}
