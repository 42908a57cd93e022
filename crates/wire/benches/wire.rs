//! How long do the parsers and writers take? `cargo bench -p wire`
//!
//! The work of a directory of 10,000 names is the unit: what vsftpd needs 25 ms of CPU for, of which our
//! share is the formatting here.
use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use wire::ascii::{Decoder, Encoder};
use wire::facts::{EntryType, Facts, Perm};
use wire::listing::{FileKind, ListingReader, LongEntry, unix_line};
use wire::{Command, LineDecoder, ReplyDecoder, Stamp, Wanted};

const NAMES: u64 = 10_000;
const NOW: Stamp = Stamp { seconds: 1_795_521_600, nanos: 0 };

/// One name of the directory; the same every time.
fn name(n: u64) -> Vec<u8> {
    format!("a file of the usual kind {n:05}.tar.gz").into_bytes()
}

fn modified(n: u64) -> Stamp {
    // From 1997 to now, so that both forms of the date are written.
    Stamp::from_seconds(NOW.seconds - i64::try_from(n * 90_000).unwrap_or(0))
}

fn facts(n: u64, facts: &mut Facts) {
    facts.size = Some(n * 4161);
    facts.modify = Some(modified(n));
    facts.set_unique(0x803, 1_000_000 + n);
}

fn facts_of_a_file() -> Facts {
    Facts {
        kind: Some(EntryType::File),
        perm: Some(Perm::READ | Perm::WRITE | Perm::APPEND | Perm::DELETE | Perm::RENAME),
        unix_mode: Some(0o644),
        unix_owner: Some(b"1000".to_vec()),
        unix_group: Some(b"1000".to_vec()),
        ..Facts::default()
    }
}

fn mlsd_text(names: &[Vec<u8>], out: &mut Vec<u8>) {
    let (wanted, mut filled) = (Wanted::default(), facts_of_a_file());
    for (n, name) in (0..).zip(names) {
        facts(n, &mut filled);
        // The names hold no line end.
        let _ = filled.encode_line(&wanted, name, out);
    }
}

fn list_text(names: &[Vec<u8>], out: &mut Vec<u8>) {
    for (n, name) in (0..).zip(names) {
        let entry = LongEntry {
            kind: FileKind::File,
            mode: 0o644,
            links: 1,
            owner: b"1000",
            group: b"1000",
            size: n * 4161,
            modified: modified(n),
            name,
            target: None,
        };
        // The names hold no line end.
        let _ = unix_line(&entry, NOW, out);
    }
}

fn control(c: &mut Criterion) {
    let session: &[u8] =
        b"USER anonymous\r\nPASS me@home\r\nSYST\r\nFEAT\r\nPWD\r\nTYPE I\r\nCWD /pub/a directory\r\n\
        EPSV\r\nMLSD\r\nPASV\r\nSIZE a file.txt\r\nMDTM a file.txt\r\nREST 4161\r\nRETR a file.txt\r\n\
        PORT 127,0,0,1,200,13\r\nSTOR another file.txt\r\nRNFR a\r\nRNTO b\r\nNOOP\r\nQUIT\r\n";
    let mut group = c.benchmark_group("control");
    group.throughput(Throughput::Elements(20));
    group.bench_function("20 commands", |b| {
        b.iter(|| {
            let (mut decoder, mut rest) = (LineDecoder::new(4096), black_box(session));
            while let Some(Ok(line)) = decoder.decode(&mut rest) {
                black_box(Command::parse(&line)).ok();
            }
        });
    });
    let answers: &[u8] = b"220 ready\r\n331 password\r\n230-hello\r\n welcome\r\n230 in\r\n215 UNIX Type: L8\r\n\
        211-Features\r\n MLST type*;size*;modify*;\r\n EPSV\r\n EPRT\r\n UTF8\r\n211 End\r\n257 \"/\"\r\n200 ok\r\n\
        250 ok\r\n229 Entering Extended Passive Mode (|||6446|)\r\n150 go\r\n226 done\r\n213 4161\r\n221 bye\r\n";
    group.throughput(Throughput::Elements(13));
    group.bench_function("13 replies", |b| {
        b.iter(|| {
            let (mut decoder, mut rest) = (ReplyDecoder::new(), black_box(answers));
            while let Some(Ok(reply)) = decoder.decode(&mut rest) {
                black_box(reply);
            }
        });
    });
    group.finish();
}

fn listings(c: &mut Criterion) {
    let names: Vec<Vec<u8>> = (0..NAMES).map(name).collect();
    let (mut list, mut mlsd) = (Vec::new(), Vec::new());
    list_text(&names, &mut list);
    mlsd_text(&names, &mut mlsd);
    let mut group = c.benchmark_group("10,000 names");
    group.throughput(Throughput::Elements(NAMES));
    group.bench_function("write LIST", |b| {
        b.iter_batched_ref(
            || Vec::with_capacity(list.len()),
            |out| list_text(&names, out),
            BatchSize::LargeInput,
        );
    });
    group.bench_function("write MLSD", |b| {
        b.iter_batched_ref(
            || Vec::with_capacity(mlsd.len()),
            |out| mlsd_text(&names, out),
            BatchSize::LargeInput,
        );
    });
    for (label, text) in [("read LIST", &list), ("read MLSD", &mlsd)] {
        group.bench_function(label, |b| {
            b.iter_batched_ref(
                || (ListingReader::new(NOW), Vec::new()),
                |(reader, out)| {
                    // As they come from a socket.
                    for piece in text.chunks(64 * 1024) {
                        reader.push(black_box(piece), out);
                        out.clear();
                    }
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

fn ascii(c: &mut Criterion) {
    let line = b"The quick brown fox jumps over the lazy dog, again and again.\n";
    let local = line.repeat(1024 * 1024 / line.len());
    let mut sent = Vec::new();
    Encoder::new().push(&local, &mut sent);
    let mut group = c.benchmark_group("a MiB of text");
    group.throughput(Throughput::Bytes(local.len() as u64));
    let mut out = Vec::with_capacity(2 * local.len());
    group.bench_function("encode", |b| {
        b.iter(|| {
            out.clear();
            Encoder::new().push(black_box(&local), &mut out);
        });
    });
    group.bench_function("decode", |b| {
        b.iter(|| {
            out.clear();
            Decoder::new().push(black_box(&sent), &mut out);
        });
    });
    group.finish();
}

criterion_group!(benches, control, listings, ascii);
criterion_main!(benches);
