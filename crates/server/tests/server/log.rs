//! What does a site write down? A line of structured log for each event, and the classic transfer log.
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use server::xferlog::Xferlog;
use tracing::Level;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

use crate::client::{Client, all, alone, house, in_each_tls_mode, setup};
use crate::loopback::Loopback;
use crate::tls_mode::TlsMode;

/// A log in memory.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    /// The log of this thread from this level on, while the guard is there.
    fn from(level: Level) -> (Self, DefaultGuard) {
        let kept = Self::default();
        let format = tracing_subscriber::fmt().json().flatten_event(true);
        let subscriber = format.with_max_level(level).with_writer(kept.clone()).finish();
        (kept, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        String::from_utf8(bytes).expect("a log is text")
    }

    /// Its lines that tell of a verb.
    fn lines_of(&self, verb: &str) -> Vec<String> {
        self.lines_with(&format!("\"verb\":\"{verb}\""))
    }

    fn lines_with(&self, words: &str) -> Vec<String> {
        self.text().lines().filter(|line| line.contains(words)).map(str::to_owned).collect()
    }
}

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Kept {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// On one thread, which is the one that the log is kept of; and in a process of its own, since what is worth
/// a line is decided once for all threads.
#[tokio::test(flavor = "current_thread")]
async fn each_event_is_a_line_with_its_reason_and_no_secret() {
    if !alone("log::each_event_is_a_line_with_its_reason_and_no_secret") {
        return;
    }
    in_each_tls_mode(async |tls_mode| {
        let (kept, _guard) = Kept::from(Level::TRACE);
        let (_ground, mut site) =
            house("@ user alice opensesame\n@ file /x abc\n@ fault /full full", tls_mode);
        let mut client = Client::greeted(&site.door).await;
        for (line, code) in [
            ("USER alice", 331),
            ("PASS wrongsesame", 530),
            ("USER alice", 331),
            ("PASS opensesame", 230),
            ("TYPE I", 200),
            ("MKD a\x1b[31m\x07b", 257),
            ("DELE missing", 550),
        ] {
            client.command(line, code).await;
        }
        assert_eq!(client.retrieve("x").await, b"abc");
        let mut data = client.data().await;
        client.command("STOR full", 150).await;
        data.send(b"more").await.expect("the server reads");
        client.expect(452).await;
        client.command("QUIT", 221).await;
        client.ended().await;
        site.stopped().await;
        let tls = if tls_mode == TlsMode::Clear { "\"tls\":\"off\"" } else { "\"tls\":\"1." };
        let has = |verb: &str, parts: &[&str]| {
            let lines = kept.lines_of(verb);
            assert_eq!(lines.len(), 1, "{lines:#?}");
            for part in parts.iter().chain(&["\"session\":1", "\"user\":\"alice\"", "\"peer\":\"127.0.0.1:"])
            {
                assert!(lines[0].contains(part), "no {part} in {}", lines[0]);
            }
        };
        has(
            "RETR",
            &["\"path\":\"/x\"", "\"bytes\":3", "\"code\":226", "\"ms\":", tls, "\"message\":\"done\""],
        );
        // From the beginning to the end, and how much has moved.
        let one = |message: &str| {
            let lines = kept.lines_with(&format!("\"message\":\"{message}\""));
            assert_eq!(lines.len(), 1, "{lines:#?}");
            lines[0].clone()
        };
        assert!(one("connected").contains("\"peer\":\"127.0.0.1:"));
        let end = one("disconnected");
        for part in ["\"user\":\"alice\"", "\"sent\":3", "\"received\":4", "\"ms\":", tls] {
            assert!(end.contains(part), "no {part} in {end}");
        }
        has(
            "DELE",
            &["\"path\":\"/missing\"", "\"code\":550", "\"reason\":\"not-found\"", "\"message\":\"refused\""],
        );
        // One line for each login; of one that failed only the log is told why.
        assert!(kept.lines_of("PASS").is_empty() && kept.lines_of("USER").is_empty());
        let (failed, good) =
            (kept.lines_with("\"message\":\"login refused\""), kept.lines_with("\"message\":\"logged in\""));
        let ([failed], [good]) = (&failed[..], &good[..]) else { panic!("{failed:#?} {good:#?}") };
        for part in ["\"user\":\"alice\"", "\"by\":\"password\"", "\"peer\":\"127.0.0.1:", tls] {
            assert!(good.contains(part), "no {part} in {good}");
        }
        for part in [
            "\"level\":\"WARN\"",
            tls,
            "\"user\":\"alice\"",
            "\"peer\":\"127.0.0.1:",
            "\"code\":530",
            "\"reason\":\"wrong-password\"",
        ] {
            assert!(failed.contains(part), "no {part} in {failed}");
        }
        // Our own trouble is louder than a client's.
        has("STOR", &["\"reason\":\"full\"", "\"code\":452", "\"level\":\"ERROR\""]);
        // Control characters of a name are spelt out before they come near a log.
        has("MKD", &["\"code\":257", "a\\\\x1b[31m\\\\x07b"]);
        assert!(!kept.text().contains("sesame"), "a password in the log");
    })
    .await;
}

/// A refusal says of which file and which user, a rename both names; and a file that is not there is one
/// line, however often the client looks for it.
#[tokio::test(flavor = "current_thread")]
async fn a_line_says_who_did_what_to_which_file() {
    if !alone("log::a_line_says_who_did_what_to_which_file") {
        return;
    }
    let (kept, _guard) = Kept::from(Level::INFO);
    let play = async |story: &str, lines: &[(&str, u16)]| {
        let (_ground, mut site) = house(story, TlsMode::Clear);
        let mut client = Client::greeted(&site.door).await;
        for (line, code) in lines {
            client.command(line, *code).await;
        }
        client.command("QUIT", 221).await;
        client.ended().await;
        site.stopped().await;
    };
    play("@ tls login", &[("USER a\x07li", 530), ("DELE x", 530)]).await;
    let [refused] = &kept.lines_of("USER")[..] else { panic!("{:#?}", kept.lines_of("USER")) };
    assert!(refused.contains("\"user\":\"a\\\\x07li\"") && refused.contains("tls-for-login"), "{refused}");
    let in_here = [("USER anonymous", 331), ("PASS x", 230), ("TYPE I", 200), ("CWD d", 250)];
    let written = [
        ("STOR new", 550),
        ("MKD e", 550),
        ("RNFR ../x", 550),
        ("SITE CHMOD 600 y", 550),
        ("MDTM 20010203040506 none", 550),
        ("XMD5 \"q\" 1 2", 550),
        ("LIST", 425),
        ("SIZE gone", 550),
        ("MDTM gone", 550),
        ("MLST gone", 550),
        ("RETR gone", 425),
    ];
    play("@ read-only\n@ file /x abc\n@ dir /d", &[&in_here[..], &written].concat()).await;
    for (verb, path) in [
        ("STOR", "/d/new"),
        ("MKD", "/d/e"),
        ("RNFR", "/x"),
        ("SITE CHMOD", "/d/y"),
        ("XMD5", "/d/q"),
        ("LIST", "/d"),
        ("RETR", "/d/gone"),
    ] {
        let lines = kept.lines_of(verb);
        let told = lines.len() == 1 && lines[0].contains(&format!("\"path\":\"{path}\""));
        assert!(told && lines[0].contains("\"message\":\"refused\""), "{verb} {path}: {lines:#?}");
    }
    assert!(kept.lines_of("SITE CHMOD")[0].contains("\"mode\":\"600\""));
    let looks: Vec<String> = ["SIZE", "MDTM", "MLST"].iter().flat_map(|verb| kept.lines_of(verb)).collect();
    assert!(looks.iter().all(|line| !line.contains("gone")), "{looks:#?}");
    let set = [("MFF UNIX.mode=0640;Modify=20010203040506; ../x", 213), ("SITE CHMOD 600 ../x", 200)];
    play("@ file /x abc\n@ dir /d", &[&in_here[..], &set].concat()).await;
    let [line] = &kept.lines_of("MFF")[..] else { panic!("{:#?}", kept.lines_of("MFF")) };
    assert!(line.contains("\"mode\":\"640\"") && line.contains("\"modified\":\"20010203040506\""), "{line}");
    assert!(kept.lines_of("SITE CHMOD")[1].contains("\"mode\":\"600\""));
    let renamed = [("RNFR ../x", 350), ("RNTO y", 250), ("RNFR y", 350), ("RNTO /none/y", 550)];
    play("@ file /x abc\n@ dir /d", &[&in_here[..], &renamed].concat()).await;
    let lines = kept.lines_of("RNTO");
    let [done, refused] = &lines[..] else { panic!("{lines:#?}") };
    for (line, parts) in [
        (done, ["\"from\":\"/x\"", "\"path\":\"/d/y\""]),
        (refused, ["\"from\":\"/d/y\"", "\"path\":\"/none/y\""]),
    ] {
        assert!(parts.iter().all(|part| line.contains(part)), "no {parts:?} in {line}");
    }
}

/// Ten thousand refusals were ten thousand lines, and 28 MB in a second.
#[tokio::test(flavor = "current_thread")]
async fn a_client_that_is_refused_all_the_time_does_not_fill_the_log() {
    if !alone("log::a_client_that_is_refused_all_the_time_does_not_fill_the_log") {
        return;
    }
    const SAID: u64 = 10_000;
    let (kept, _guard) = Kept::from(Level::INFO);
    let (_ground, mut site) = house("", TlsMode::Clear);
    let mut client = Client::login(&site.door).await;
    let begun = Instant::now();
    client.control.write("CWD x\r\n".repeat(SAID as usize).as_bytes()).await.expect("the server reads");
    for _ in 0..SAID {
        client.expect(550).await;
    }
    let seconds = begun.elapsed().as_secs() + 1;
    client.command("QUIT", 221).await;
    client.ended().await;
    // What is held back is told at the end of the site at the latest.
    site.stopped().await;
    let (written, told) = (kept.lines_of("CWD").len() as u64, kept.lines_with("\"message\":\"more refusals"));
    assert!(written <= 10 * seconds && told.len() as u64 <= seconds, "{written} lines, {told:#?}");
    let count = |line: &String| {
        assert!(line.contains("\"session\":1") && line.contains("\"peer\":\"127.0.0.1:"), "{line}");
        let (_, behind) = line.split_once("\"count\":").expect("a count");
        let digits: String = behind.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u64>().expect("a number")
    };
    assert_eq!(written + told.iter().map(count).sum::<u64>(), SAID);
}

#[tokio::test]
async fn the_transfer_log_has_a_line_for_each_file() {
    in_each_tls_mode(async |tls_mode| {
        let setup = setup("@ file /a\\x20name abc\n@ sparse /big 33554432");
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path().join("xferlog");
        let mut site = Loopback::built(
            &setup,
            tls_mode,
            |_| {},
            |builder| builder.xferlog(Xferlog::open(&at).expect("a transfer log")),
        );
        let mut client = Client::login(&site.door).await;
        assert_eq!(client.retrieve("a name").await, b"abc");
        client.command("TYPE A", 200).await;
        client.store("up", b"12\r\n").await;
        client.command("TYPE I", 200).await;
        let down = client.data().await;
        client.command("RETR big", 150).await;
        down.reset().await.expect("a reset");
        client.expect(426).await;
        // A listing is no file.
        let list = client.data().await;
        client.command("LIST", 150).await;
        assert!(!all(list).await.is_empty());
        client.expect(226).await;
        client.command("QUIT", 221).await;
        site.stopped().await;
        let text = std::fs::read_to_string(&at).expect("the log");
        let tails: Vec<String> =
            text.lines().map(|l| l.split(' ').rev().take(10).collect::<Vec<_>>().join(" ")).collect();
        let [down, up, broken] = &tails[..] else { panic!("three lines, not {text}") };
        // Read from their ends: the date in front may have one blank or two.
        assert_eq!(down, "c * 0 ftp anonymous a o _ b /a_name");
        assert_eq!(up, "c * 0 ftp anonymous a i _ a /up");
        assert_eq!(broken, "i * 0 ftp anonymous a o _ b /big");
        assert!(text.lines().next().is_some_and(|l| l.contains(" 127.0.0.1 3 /a_name ")), "{text}");
    })
    .await;
}
