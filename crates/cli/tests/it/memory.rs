//! What does a session take whose client asks for much and then does nothing? Measured: the memory of the
//! server's process with two hundred of them, and after they have gone.
use std::any::Any;
use std::fs;
use std::io::Write as _;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::harness::certificates::Authority;
use crate::harness::process::wait_until;
use crate::harness::site::Site;
use crate::harness::tls::{Client, Talk};
use crate::harness::url::Door;

/// Sessions of each kind. What the process needs for all of them, such as threads, is little for each then.
const SESSIONS: usize = 200;

/// Sessions that ask for answers which take long to make: some megabytes are in the kernel before it takes no
/// more.
const FEW: usize = 40;

/// They come in so many parts, each measured by itself.
const BATCHES: usize = 5;

/// Bytes that the process may grow by for each session that waits for its client, the session itself
/// included.
const EACH: usize = 64 << 10;

/// What the names of `d` take, which are sorted: a thousand of 250 bytes. All listings together have 32 MiB
/// for that.
const NAMES: usize = 280 << 10;

/// Bytes that the process may keep when all have gone.
const KEPT: usize = 16 << 20;

/// Threads for each core.
const THREADS: usize = 4;

struct Ground {
    site: Site,
    client: Client,
    _certificates: TempDir,
}

impl Ground {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new(folder.path());
        let own = authority.issue("localhost");
        let (cert, key) = (own.cert.display().to_string(), own.key.display().to_string());
        // What the log takes is not what is measured.
        let site = Site::with(&["--cert", &cert, "--key", &key, "--log-level", "warn", "--sync", "never"]);
        let lines = "some words of a text\n".repeat(400_000);
        fs::write(site.root().join("text"), lines).unwrap();
        fs::create_dir(site.root().join("d")).unwrap();
        for n in 0..1000 {
            fs::write(site.root().join(format!("d/{n:x>250}")), "").unwrap();
        }
        Self { site, client: Client::new(&authority), _certificates: folder }
    }

    /// An unencrypted client, for files of bytes.
    fn clear(&self) -> testbed::talk::Talk {
        // Nobody's password is verified, which takes more memory than a session may.
        let door = Door { user: "anonymous", password: "x", ..self.site.door.clone() };
        let mut talk = door.talk();
        talk.ask_for("TYPE I", "200");
        talk
    }

    fn protected(&self) -> Talk {
        let mut talk = self.client.call(&self.site, "localhost").unwrap();
        let login = [("USER anonymous", "331"), ("PASS x", "230"), ("PBSZ 0", "200"), ("PROT P", "200")];
        talk.all(&login);
        talk.all(&[("TYPE I", "200")]);
        talk
    }

    /// The memory that it has once that does not change any more.
    fn settled(&self) -> usize {
        let (mut last, mut same) = (0, 0);
        let until = Instant::now() + Duration::from_secs(60);
        wait_until(until, || {
            let now = self.site.status("VmRSS");
            same = if now == last { same + 1 } else { 0 };
            last = now;
            (same >= 10).then_some(())
        });
        last
    }

    /// The growth for each of many such sessions, in bytes.
    fn measure(&self, what: &str, session: impl Fn(&Self, usize) -> Box<dyn Any>) {
        self.measure_some(SESSIONS, EACH, what, session);
    }

    fn measure_some(
        &self,
        sessions: usize,
        most: usize,
        what: &str,
        session: impl Fn(&Self, usize) -> Box<dyn Any>,
    ) {
        let before = self.settled();
        let (mut all, mut grown, mut last) = (Vec::new(), Vec::new(), before);
        for batch in 0..BATCHES {
            let count = sessions / BATCHES;
            all.extend((0..count).map(|n| session(self, batch * count + n)));
            let now = self.settled();
            grown.push(now.saturating_sub(last) / count);
            last = now;
        }
        // What the process takes once, whenever that is, is in one of them: the middle one counts.
        grown.sort_unstable();
        let each = grown[BATCHES / 2];
        let threads = self.site.status("Threads");
        println!("{what}: {} KiB each, {threads} threads", each >> 10);
        assert!(each <= most, "{what}: {} KiB each", each >> 10);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        assert!(threads <= THREADS * cores, "{what}: {threads} threads on {cores} cores");
        drop(all);
        let gone = wait_until(Instant::now() + Duration::from_secs(60), || {
            (self.site.status("VmRSS") <= before + KEPT).then_some(())
        });
        let kept = self.site.status("VmRSS").saturating_sub(before);
        assert!(gone.is_some(), "{what}: {} KiB are kept", kept >> 10);
    }
}

#[test]
fn downloads_that_are_not_read_take_little() {
    let ground = Ground::new();
    for kind in ["I", "A"] {
        ground.measure(&format!("RETR, TYPE {kind}"), |ground, _| {
            let mut talk = ground.clear();
            talk.ask_for(&format!("TYPE {kind}"), "200");
            let data = talk.passive();
            talk.ask_for("RETR text", "150");
            Box::new((talk, data))
        });
        ground.measure(&format!("RETR under TLS, TYPE {kind}"), |ground, _| {
            let mut talk = ground.protected();
            talk.all(&[(format!("TYPE {kind}").as_str(), "200")]);
            let data = ground.client.data(&mut talk, "RETR text").unwrap();
            Box::new((talk, data))
        });
    }
}

#[test]
fn listings_that_are_not_read_take_little() {
    let ground = Ground::new();
    for verb in ["LIST", "MLSD"] {
        ground.measure(verb, |ground, _| {
            let mut talk = ground.clear();
            let data = talk.passive();
            talk.ask_for(&format!("{verb} d"), "150");
            Box::new((talk, data))
        });
    }
    ground.measure_some(FEW, EACH + NAMES, "STAT", |ground, _| {
        let mut talk = ground.clear();
        talk.say("STAT d\r\n".repeat(40).trim_end());
        Box::new(talk)
    });
    ground.measure_some(FEW, EACH + NAMES, "STAT under TLS", |ground, _| {
        let mut talk = ground.protected();
        talk.say("STAT d\r\n".repeat(40).trim_end());
        Box::new(talk)
    });
}

#[test]
fn commands_behind_a_download_that_is_not_read_take_little() {
    let ground = Ground::new();
    ground.measure("64 commands", |ground, _| {
        let mut talk = ground.clear();
        let data = talk.passive();
        talk.ask_for("RETR text", "150");
        talk.say(format!("SIZE {}\r\n", "x".repeat(8000)).repeat(64).trim_end());
        Box::new((talk, data))
    });
}

#[test]
fn uploads_that_stand_still_take_little() {
    let ground = Ground::new();
    // Not at the end of a record, nor of a piece.
    let bytes = vec![b'x'; (1 << 20) + 1000];
    for kind in ["I", "A"] {
        ground.measure(&format!("STOR, TYPE {kind}"), |ground, n| {
            let mut talk = ground.clear();
            talk.ask_for(&format!("TYPE {kind}"), "200");
            let mut data = talk.passive();
            talk.ask_for(&format!("STOR {kind}{n}"), "150");
            data.write_all(&bytes).unwrap();
            Box::new((talk, data))
        });
        ground.measure(&format!("STOR under TLS, TYPE {kind}"), |ground, n| {
            let mut talk = ground.protected();
            talk.all(&[(format!("TYPE {kind}").as_str(), "200")]);
            let mut data = ground.client.data(&mut talk, &format!("STOR p{kind}{n}")).unwrap();
            data.write_all(&bytes).unwrap();
            data.flush().unwrap();
            Box::new((talk, data))
        });
    }
}
