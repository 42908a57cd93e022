//! Does the server keep its limits and deadlines with clients that never pause?
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use server::limits::{Decision, InMemory, LoginLimits};
use std::time::Duration;

use config::SiteConfig;
use storage::accounts::{Account, Accounts, Anonymous, PasswordHash, hash};
use storage::{Admission, Answer, Attempt, Denied, Gate, Rights, Tree, VPath};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::sync::Semaphore;

use crate::client::{in_each_tls_mode, stranger};
use crate::scene::{Open, Scene, patiently};
use crate::tls_mode::TlsMode;

/// A packet of 4096 bytes holds five hundred `STAT directory`. Their answers were all put together in memory
/// before the first was written: some hundred megabytes for each client that asks and does not read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_nobody_reads_hold_up_the_commands_behind_them() {
    in_each_tls_mode(async |tls_mode| {
        let mut settings = SiteConfig::default();
        settings.deadlines.stall = Duration::from_millis(300);
        settings.limits.sessions = 1;
        let scene = Scene::open(settings, tls_mode);
        for n in 0..1000 {
            fs::write(scene.path(&format!("{n:x>250}")), "").unwrap();
        }
        let mut client = scene.member().await;
        // Far more than the buffers of both sockets take.
        client.write(format!("{}MKD made\r\n", "STAT /\r\n".repeat(400))).await;
        // The session ends since its replies are not taken, and then there is room for another.
        patiently(scene.room()).await;
        assert!(
            !scene.path("made").exists(),
            "the command behind a hundred megabytes of replies was done already"
        );
    })
    .await;
}

/// The answer to `STAT directory` goes out in pieces, and is one reply with every name once all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_is_told_in_pieces_as_one_reply() {
    in_each_tls_mode(async |tls_mode| {
        let mut settings = SiteConfig::default();
        settings.limits.stat_lines = 600;
        let scene = Scene::open(settings, tls_mode);
        for n in 0..600 {
            fs::write(scene.path(&format!("{n:0>200}")), "").unwrap();
        }
        let mut client = scene.member().await;
        for last in ["213 End of status.", "213 There are more entries: use LIST."] {
            client.write("STAT /\r\nNOOP\r\n").await;
            let mut lines = Vec::new();
            while lines.last().is_none_or(|line: &String| line != "200 OK.") {
                let line = patiently(client.control.line()).await.unwrap().expect("a line");
                lines.push(String::from_utf8(line).expect("names of ASCII"));
            }
            assert_eq!(
                (lines.len(), lines[0].as_str(), lines[601].as_str()),
                (603, "213-Status follows:", last)
            );
            let names: std::collections::HashSet<_> =
                lines[1..601].iter().filter_map(|line| line.rsplit(' ').next()).collect();
            assert!(names.len() == 600 && lines[1..601].iter().all(|line| line.starts_with(' ')));
            fs::write(scene.path("one more"), "").unwrap();
        }
    })
    .await;
}

/// Guesses made at the same time were each let through to the gate before the first of them was found wrong:
/// with a thousand connections a thousand guesses, where fifty are allowed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_on_many_connections_at_once_gains_nothing() {
    in_each_tls_mode(async |tls_mode| {
        let desk = Desk::new(usize::MAX);
        let mut settings = SiteConfig::default();
        settings.limits.failures_before_refusal = 2;
        let scene = desk.scene(settings, tls_mode);
        let mut guesses = Vec::new();
        for n in 0..6 {
            let mut client = scene.client().await;
            client.command("USER somebody", 331).await;
            client.write(format!("PASS {n}\r\n")).await;
            guesses.push(client);
        }
        patiently(desk.arrived(6)).await;
        desk.allowed.add_permits(6);
        let mut refused = 0;
        for guess in &mut guesses {
            let reply = guess.reply().await.expect("an answer");
            refused += usize::from(reply.starts_with("421"));
        }
        assert_eq!((refused, desk.asked().len()), (4, 2));
    })
    .await;
}

/// Nine hundred connections of one address that logged in at the same moment held up the first login of
/// everybody else for ten seconds.
#[tokio::test]
async fn a_flood_of_one_address_holds_up_nobody_else() {
    let desk = Desk::new(1);
    let mut settings = SiteConfig::default();
    settings.limits.failures_before_delay = u32::MAX;
    let scene = desk.scene(settings, TlsMode::Clear);
    let mut flood = Vec::new();
    for n in 0..20 {
        let mut client = scene.client().await;
        client.command(&format!("USER {n}"), 331).await;
        client.write("PASS wrong\r\n").await;
        flood.push(client);
    }
    patiently(desk.arrived(20)).await;
    let other = Ipv4Addr::new(127, 0, 0, 2);
    let mut stream = BufReader::new(stranger(other.into(), scene.door.clear).await);
    stream.write_all(b"USER somebody\r\nPASS right\r\n").await.expect("the site listens");
    patiently(desk.arrived(21)).await;
    // One is under way already; the next is the other address's.
    desk.allowed.add_permits(2);
    let mut heard = String::new();
    while !heard.starts_with("230") {
        heard.clear();
        let read = patiently(stream.read_line(&mut heard)).await.expect("the site answers");
        assert!(read > 0, "the site has closed");
    }
    let asked = desk.asked();
    assert_eq!(asked[1], IpAddr::V4(other), "{asked:?}");
}

/// A client's many connections log in at the same moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_logins_at_once_cost_one_verification() {
    let mut verified = None;
    let scene = Scene::with(SiteConfig::default(), TlsMode::Clear, |tree| {
        let accounts = Arc::new(accounts(tree));
        verified = Some(Arc::clone(&accounts));
        accounts
    });
    let mut clients = Vec::new();
    for _ in 0..8 {
        let mut client = scene.client().await;
        client.command("USER ann", 331).await;
        clients.push(client);
    }
    for client in &mut clients {
        client.write("PASS secret\r\n").await;
    }
    for client in &mut clients {
        client.expect(230).await;
    }
    assert_eq!(verified.expect("it was made").verifications(), 1);
}

/// Fifty wrong passwords shut out everybody behind an address: who had logged in there a moment before too,
/// and anonymous.
#[tokio::test]
async fn who_is_known_at_an_address_is_not_shut_out_by_others_there() {
    in_each_tls_mode(async |tls_mode| {
        let mut settings = SiteConfig::default();
        settings.limits.failures_before_refusal = 2;
        settings.limits.failures_before_delay = u32::MAX;
        let scene = Scene::with(settings, tls_mode, |tree| Arc::new(accounts(tree)));
        let login = async |user: &str, password: &str, code: &str| {
            let mut client = scene.client().await;
            client.command(&format!("USER {user}"), 331).await;
            client.command(&format!("PASS {password}"), code).await;
        };
        login("ann", "secret", "230").await;
        for user in ["ann", "ann", "nobody"] {
            login(user, "guess", "530").await;
        }
        login("bob", "secret", "421").await;
        login("ann", "guess", "421").await;
        login("ann", "secret", "230").await;
        login("anonymous", "me@", "230").await;
    })
    .await;
}

/// Ann and Bob, whose passwords are remembered, and anonymous.
fn accounts(tree: Arc<dyn Tree>) -> Accounts {
    let hash = || PasswordHash::parse(&hash(b"secret").expect("a hash")).expect("a hash");
    let (rights, home) = (Rights::Write, VPath::root());
    let account = |name: &str| Account {
        name: name.to_owned(),
        hash: hash(),
        tree: Arc::clone(&tree),
        rights: rights.into(),
        home: home.clone(),
    };
    let anonymous = Anonymous { tree: Arc::clone(&tree), rights: rights.into(), home: home.clone() };
    Accounts::new([account("ann"), account("bob")], Some(anonymous), Accounts::REMEMBER).expect("good names")
}

/// What a gate has seen that takes its time with each password.
#[derive(Clone)]
struct Desk {
    places: usize,
    /// Attempts that have come, whether they wait or not.
    come: Arc<AtomicUsize>,
    asked: Arc<Mutex<Vec<IpAddr>>>,
    allowed: Arc<Semaphore>,
}

struct Slow {
    open: Open,
    desk: Desk,
}

impl Desk {
    fn new(places: usize) -> Self {
        Self { places, come: Arc::default(), asked: Arc::default(), allowed: Arc::new(Semaphore::new(0)) }
    }

    fn scene(&self, settings: SiteConfig, tls_mode: TlsMode) -> Scene {
        let limits = InMemory::new(settings.limits.clone());
        let limits = Arc::new(Counting { limits, desk: self.clone() });
        let gate = |tree| -> Arc<dyn Gate> { Arc::new(Slow { open: Open(tree), desk: self.clone() }) };
        Scene::with_limits(settings, tls_mode, Some(limits), gate)
    }

    async fn arrived(&self, count: usize) {
        while self.come.load(Ordering::Relaxed) < count {
            tokio::task::yield_now().await;
        }
    }

    /// The addresses whose passwords were looked at, in this order.
    fn asked(&self) -> Vec<IpAddr> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Counts who comes: the limits are asked when an attempt comes, and again right before it is looked at.
struct Counting {
    limits: InMemory,
    desk: Desk,
}

impl LoginLimits for Counting {
    fn allow<'a>(&'a self, address: IpAddr, user: &'a [u8]) -> Answer<'a, Decision> {
        self.desk.come.fetch_add(1, Ordering::Relaxed);
        self.limits.allow(address, user)
    }

    fn failed<'a>(&'a self, address: IpAddr, user: &'a [u8]) -> Answer<'a, ()> {
        self.limits.failed(address, user)
    }

    fn succeeded<'a>(&'a self, address: IpAddr, user: &'a [u8]) -> Answer<'a, ()> {
        self.limits.succeeded(address, user)
    }
}

impl Gate for Slow {
    fn checks_at_once(&self) -> usize {
        self.desk.places
    }

    fn admit(&self, attempt: Attempt) -> Answer<'_, Result<Admission, Denied>> {
        Box::pin(async move {
            // The limits were asked about this one twice.
            self.desk.come.fetch_sub(1, Ordering::Relaxed);
            self.desk.asked.lock().unwrap_or_else(PoisonError::into_inner).push(attempt.peer);
            self.desk.allowed.acquire().await.expect("it is never closed").forget();
            let right = attempt.password.as_slice() == b"right";
            if right { Ok(self.open.admission()) } else { Err(Denied::WrongPassword) }
        })
    }
}
