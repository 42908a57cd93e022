//! Which inputs are worth starting from?
use wire::verb::TABLE;

/// The samples of listings, each line after its `|`.
const LISTINGS: [&str; 6] = [
    include_str!("../../../crates/wire/tests/listings/unix.txt"),
    include_str!("../../../crates/wire/tests/listings/dos.txt"),
    include_str!("../../../crates/wire/tests/listings/eplf.txt"),
    include_str!("../../../crates/wire/tests/listings/vms.txt"),
    include_str!("../../../crates/wire/tests/listings/mlsd.txt"),
    include_str!("../../../crates/wire/tests/listings/mixed.txt"),
];

const LINES: [&[u8]; 6] = [
    b"\xffUSER me\r\nPASS x\r\n",
    b"\x10\xff\xf4\xff\xf2ABOR\r\n",
    b"\x20\xff\xfb\x01NO\xff\xfa\x18abc\xff\xf0OP\r\n",
    b"\x08RETR \xff\xff\r\0 a\r\r\n\n",
    b"\x03a line over the limit\r\nNOOP\r\n",
    b"\x3fcafe \xff\xffe\xff",
];

const COMMANDS: [&[u8]; 18] = [
    b"OPTS UTF8 ON",
    b"OPTS HASH SHA-256",
    b"USER anonymous",
    b"PORT 127,0,0,1,200,13",
    b"EPRT |2|::1|6275|",
    b"EPSV ALL",
    b"TYPE L 8",
    b"ALLO 4161 R 80",
    b"REST 18446744073709551615",
    b"RANG 1 0",
    b"LIST -la my dir ",
    b"SITE CHMOD 0644 a b",
    b"SITE UTIME a b 20261122120000 20261122120000 20261122120000 UTC",
    b"OPTS MLST type;size;",
    b"MDTM 20261122120000 a b",
    b"MFF modify=20261122120000;unix.mode=0644; a b",
    b"XSHA256 \"a \"\"b\" 1 4161",
    b"HELP",
];

const REPLIES: [&[u8]; 6] = [
    b"\x01200\r\n",
    b"\x02220-hello\r\n220-more\r\n  and\r\n220 end\r\n",
    b"\x03211-Features\r\n MLST type*;size*;\r\n211 End\r\n",
    b"\x04257 \"/a \"\"b\" made\r\n",
    b"\x05150 go\r\n226 done\r\n",
    b"\x06SSH-2.0-x\r\n",
];

const ADDRESSES: [&[u8]; 8] = [
    b"127,0,0,1,200,13",
    b"Entering Passive Mode (10,0,0,1,4,1).",
    b"=10,0,0,1,4,1",
    b"|1|132.235.1.2|6275|",
    b"!2!1080::8:800:200C:417A!5282!",
    b"Entering Extended Passive Mode (|||6446|)",
    b"20261122120000.123456789",
    b"19700101000060",
];

const TEXTS: [&[u8]; 3] = [b"\x01one\ntwo\r\nthree\r\0four\r", b"\x02\r\r\n\n\r", b"\x03\xff\0\r"];

const URLS: [&[u8]; 7] = [
    b"ftp://me%40home:p%3Aw@ftp.example.org:2121/a%20b/c;type=i",
    b"ftp://h/%2Fetc/motd",
    b"ftp://h//etc///motd/",
    b"ftps://[::1]:990/",
    b"ftpes://[fe80::1%25eth0]/x;type=d",
    b"ftp://h/a?b#c%ff",
    b"http://example.org/",
];

const PATHS: [&[u8]; 5] =
    [b"\x05/a/b/../c", b"\x00../../x", b"\x02/./a//b/", b"\x04/a/b..", b"\x03/a/.../\xff\x01"];

/// The seeds of a body.
#[must_use]
pub fn seeds(body: &str) -> Vec<Vec<u8>> {
    let of = |seeds: &[&[u8]]| seeds.iter().map(|s| s.to_vec()).collect::<Vec<_>>();
    match body {
        "line" => of(&LINES),
        "command" => {
            // Every verb, with what HELP says of its argument: no verb is left out by a fuzzer's luck.
            let rows = TABLE.iter().map(|row| format!("{} {}", row.name, row.usage).into_bytes());
            rows.chain(of(&COMMANDS)).collect()
        }
        "reply" => of(&REPLIES),
        "address" => of(&ADDRESSES),
        "ascii" => of(&TEXTS),
        "url" => of(&URLS),
        "path" => of(&PATHS),
        "facts" => samples(LISTINGS[4]),
        // A whole listing each, and each line alone; the first byte steers.
        _ => LISTINGS
            .iter()
            .flat_map(|text| samples(text).into_iter().chain([samples(text).join(&b"\r\n"[..])]))
            .map(|text| [b"\x07", text.as_slice()].concat())
            .collect(),
    }
}

fn samples(text: &str) -> Vec<Vec<u8>> {
    text.lines().filter_map(|line| line.strip_prefix('|')).map(|line| line.as_bytes().to_vec()).collect()
}

/// Pieces of text that mean something to some parser: the verbs, and what stands in arguments.
#[must_use]
pub fn dictionary() -> Vec<&'static [u8]> {
    const WORDS: [&[u8]; 44] = [
        b"\r\n",
        b"\n",
        b"\r\0",
        b"\r",
        b"\0",
        b" ",
        b"  ",
        b"\xff",
        b"\xff\xff",
        b"\xff\xf4",
        b"\xff\xf2",
        b"\xff\xfb\x01",
        b"\xff\xfa",
        b"\xff\xf0",
        b"..",
        b"/",
        b"//",
        b"/../",
        b"./",
        b"%2F",
        b"%0d%0a",
        b"%00",
        b"%",
        b"ftp://",
        b";type=i",
        b"@",
        b":",
        b"[::1]",
        b"type=file;",
        b"size=",
        b"18446744073709551616",
        b"-1",
        b"99999999999999999999",
        b" -> ",
        b"<DIR>",
        b"\t",
        b"+",
        b";1",
        b".DIR;1",
        b"Nov 24 10:00",
        b"2026-11-24 10:00",
        b"20261124100000",
        b"UTC",
        b"\"",
    ];
    let verbs = TABLE.iter().map(|row| row.name.as_bytes());
    let codes = [&b"220-"[..], b"220 ", b"226 ", b"999 ", b" "];
    verbs.chain(WORDS).chain(codes).collect()
}
