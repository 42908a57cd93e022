//! What do clients do that no story can tell? Many at once, the wrong ones first, half and never.
use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use server::Stop;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;

use crate::loopback::reset;

use crate::client::{Client, all, alone, house, stranger, within_bound};

/// More than the buffers of two sockets hold, so that a download of it waits for its reader.
const BIG: &str = "@ sparse /big 33554432";

/// Not the clients' address, yet this machine's.
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));

/// How ABOR is sent (RFC 959 4.1.3, RFC 854).
#[derive(Clone, Copy, Debug)]
enum Abor {
    Plain,
    /// Interrupt process, data mark as urgent data, then the command.
    Synch,
    /// All of it as urgent data, as Python's ftplib does.
    Urgent,
}

impl Abor {
    async fn say(self, client: &mut Client) {
        match self {
            Self::Plain => client.say("ABOR").await,
            Self::Synch => {
                client.urgent(b"\xff\xf4\xff");
                client.control.write_all(b"\xf2ABOR\r\n").await.expect("the server reads");
            }
            Self::Urgent => client.urgent(b"ABOR\r\n"),
        }
    }
}

#[tokio::test]
async fn abor_is_heard_in_every_form_and_direction() {
    let (_ground, site) = house(BIG);
    within_bound(async {
        for form in [Abor::Plain, Abor::Synch, Abor::Urgent] {
            let mut client = Client::login(site.at).await;
            // Twice each, so that the first leaves nothing behind that spoils the second.
            for round in 0..2 {
                form.say(&mut client).await;
                client.expect(226).await;

                let down = client.data().await;
                client.command("RETR big", 150).await;
                form.say(&mut client).await;
                client.expect(426).await;
                client.expect(226).await;
                assert!(all(down).await.len() < 33_554_432, "{form:?} {round}");

                let mut up = client.data().await;
                client.command("STOR up", 150).await;
                up.write_all(&vec![7; 100_000]).await.expect("the server reads");
                form.say(&mut client).await;
                client.expect(426).await;
                client.expect(226).await;
                client.command("NOOP", 200).await;
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_people_with_eight_connections_share_two_ports() {
    const PEOPLE: usize = 50;
    const CONNECTIONS: usize = 8;
    more_descriptors();
    let (ground, site) = house("@ ports 2\n@ deadline port 50000");
    for n in 0..PEOPLE {
        std::fs::write(ground.at(&format!("/{n}")), vec![n as u8; 1000 + n]).expect("a file");
    }
    within_bound(async {
        let mut everybody = JoinSet::new();
        let all_here = std::sync::Arc::new(tokio::sync::Barrier::new(PEOPLE * CONNECTIONS));
        for n in (0..PEOPLE).flat_map(|n| [n; CONNECTIONS]) {
            let (at, all_here) = (site.at, std::sync::Arc::clone(&all_here));
            everybody.spawn(async move {
                let mut client = Client::login(at).await;
                // Now there are four hundred sessions of one address.
                all_here.wait().await;
                let bytes = client.retrieve(&n.to_string()).await;
                assert_eq!(bytes, vec![n as u8; 1000 + n], "somebody else's file");
                client.command("QUIT", 221).await;
            });
        }
        assert_eq!(everybody.join_all().await.len(), PEOPLE * CONNECTIONS);
    })
    .await;
}

#[tokio::test]
async fn a_stranger_at_every_port_harms_nobody() {
    let (ground, site) = house("@ ports 3\n@ file /x the file");
    within_bound(async {
        let mut client = Client::login(site.at).await;
        let ip = site.at.ip();
        let port = client.port().await;
        let mut strangers = Vec::new();
        for passive in &site.passive {
            let mut stranger = stranger(ELSEWHERE, SocketAddr::new(ip, *passive)).await;
            // It may be gone already; it brings something to plant either way.
            let _ = stranger.write_all(b"planted").await;
            strangers.push(stranger);
        }
        let mut data = tokio::net::TcpStream::connect((ip, port)).await.expect("the passive port listens");
        client.command("STOR y", 150).await;
        data.write_all(b"mine").await.expect("the server reads");
        data.shutdown().await.expect("the server reads");
        client.expect(226).await;
        assert_eq!(client.retrieve("x").await, b"the file");
        for mut stranger in strangers {
            let mut got = Vec::new();
            // A reset is as good an end as any for it.
            let _ = stranger.read_to_end(&mut got).await;
            assert!(got.is_empty(), "a stranger got {}", got.escape_ascii());
        }
        assert_eq!(std::fs::read(ground.at("/y")).expect("the upload"), b"mine");
    })
    .await;
}

#[tokio::test]
async fn ports_are_chosen_at_random() {
    let (_ground, site) = house("@ ports 4");
    within_bound(async {
        let mut client = Client::login(site.at).await;
        let mut seen = HashSet::new();
        // Each of four ports stays away sixty times in a row once in thirty million runs.
        for _ in 0..60 {
            seen.insert(client.port().await);
        }
        assert_eq!(seen.len(), 4, "of {:?}", site.passive);
    })
    .await;
}

#[tokio::test]
async fn a_slow_speaker_meets_the_login_deadline() {
    let (_ground, site) = house("@ deadline login 600");
    within_bound(async {
        let mut client = Client::connect(site.at).await.expect("a site that listens");
        client.expect(220).await;
        let mut drip = tokio::time::interval(Duration::from_millis(20));
        loop {
            let mut byte = [0];
            tokio::select! {
                // A byte now and then, and never a line.
                _ = drip.tick() => if client.control.write_all(b"U").await.is_err() { break },
                heard = client.control.peek(&mut byte) => match heard {
                    Ok(0) | Err(_) => panic!("closed without a word"),
                    Ok(_) => break,
                },
            }
        }
        client.expect(421).await;
        client.ended().await;
    })
    .await;
}

#[tokio::test]
async fn a_client_that_reads_no_replies_is_left() {
    let (_ground, site) = house("@ deadline stall 300");
    within_bound(async {
        let mut client = Client::login(site.at).await;
        let feats = b"FEAT\r\n".repeat(1000);
        // The replies fill every buffer on the way; then the server waits, and then it has waited long enough.
        while client.control.write_all(&feats).await.is_ok() {}
    })
    .await;
}

/// In a process of its own, whose memory is nobody else's.
#[tokio::test]
async fn an_endless_line_takes_no_memory() {
    const SENT: usize = 96 << 20;
    if !alone("hostile::an_endless_line_takes_no_memory") {
        return;
    }
    let (_ground, site) = house("");
    within_bound(async {
        let mut client = Client::connect(site.at).await.expect("a site that listens");
        client.expect(220).await;
        let piece = vec![b'x'; 1 << 20];
        let before = peak_memory();
        for _ in 0..SENT / piece.len() {
            client.control.write_all(&piece).await.expect("the server reads");
        }
        client.say("").await;
        client.expect(500).await;
        client.command("NOOP", 200).await;
        let grown = peak_memory() - before;
        assert!(grown < 4 << 20, "{grown} bytes more");
    })
    .await;
}

#[tokio::test]
async fn an_upload_broken_anywhere_is_resumed() {
    let (ground, site) = house("");
    let whole: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    within_bound(async {
        for (n, sent) in [70_000, 262_144, 1_000_000, 2_999_999].into_iter().enumerate() {
            let mut client = Client::login(site.at).await;
            let mut data = client.data().await;
            client.command(&format!("STOR {n}"), 150).await;
            data.write_all(&whole[..sent]).await.expect("the server reads");
            reset(data).expect("a reset");
            client.expect(426).await;
            // A reset takes along what was not read yet: how much is there, only the server can say.
            client.say(&format!("SIZE {n}")).await;
            let line = client.line().await.expect("a reply");
            let kept: usize = line.strip_prefix("213 ").map_or(0, |size| size.parse().expect("a size"));
            assert!(kept <= sent, "{kept} of {sent}");
            client.command(&format!("REST {kept}"), 350).await;
            let mut data = client.data().await;
            client.command(&format!("STOR {n}"), 150).await;
            data.write_all(&whole[kept..]).await.expect("the server reads");
            data.shutdown().await.expect("the server reads");
            client.expect(226).await;
            assert!(
                std::fs::read(ground.at(&format!("/{n}"))).expect("the upload") == whole,
                "not the same bytes"
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_to_one_name_never_mix() {
    const EACH: usize = 500_000;
    let (ground, site) = house("@ ports 6\n@ file /x old");
    within_bound(async {
        let mut uploads = JoinSet::new();
        let all_open = std::sync::Arc::new(tokio::sync::Barrier::new(6));
        for byte in b'a'..b'a' + 6 {
            let (at, all_open) = (site.at, std::sync::Arc::clone(&all_open));
            uploads.spawn(async move {
                let mut client = Client::login(at).await;
                let mut data = client.data().await;
                client.command("STOR x", 150).await;
                all_open.wait().await;
                for _ in 0..EACH / 1000 {
                    data.write_all(&[byte; 1000]).await.expect("the server reads");
                }
                data.shutdown().await.expect("the server reads");
                client.expect(226).await;
            });
        }
        uploads.join_all().await;
        let got = std::fs::read(ground.at("/x")).expect("the last upload");
        assert_eq!(got.len(), EACH);
        assert!(got.iter().all(|b| *b == got[0] && *b >= b'a'), "bytes of two uploads");
        // Nothing of the other five is left.
        assert_eq!(std::fs::read_dir(ground.at("/")).expect("the root").count(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_great_directory_is_listed_whole() {
    const FILES: usize = 5000;
    let (ground, site) = house("@ dir /d");
    for n in 0..FILES {
        std::fs::write(ground.at(&format!("/d/file-{n}")), b"").expect("a file");
    }
    within_bound(async {
        let mut client = Client::login(site.at).await;
        for verb in ["NLST", "LIST", "MLSD"] {
            let data = client.data().await;
            client.command(&format!("{verb} d"), 150).await;
            let lines = String::from_utf8(all(data).await).expect("names of ASCII");
            client.expect(226).await;
            let name = |line: &str| line.rsplit([' ', '/']).next().map(str::to_owned);
            let names: HashSet<_> = lines.split_terminator("\r\n").filter_map(name).collect();
            assert_eq!(lines.matches("\r\n").count(), FILES, "{verb}");
            assert!((0..FILES).all(|n| names.contains(&format!("file-{n}"))), "{verb}");
        }
    })
    .await;
}

#[tokio::test]
async fn thousands_of_commands_at_once_have_a_reply_each() {
    const COMMANDS: usize = 20_000;
    let (_ground, site) = house("");
    within_bound(async {
        let mut client = Client::login(site.at).await;
        let (mut from, mut to) = client.control.split();
        let said = b"NOOP\r\nSYST\r\n".repeat(COMMANDS / 2);
        let wanted = b"200 Here.\r\n215 UNIX Type: L8\r\n".repeat(COMMANDS / 2);
        let mut heard = Vec::new();
        let speak = async { to.write_all(&said).await.expect("the server reads") };
        let listen = async {
            while heard.len() < wanted.len() {
                assert!(from.read_buf(&mut heard).await.expect("replies") > 0, "closed");
            }
        };
        tokio::join!(speak, listen);
        assert!(heard == wanted, "out of turn");
    })
    .await;
}

#[tokio::test]
async fn a_site_drains() {
    let (ground, mut site) = house("@ file /x abc");
    within_bound(async {
        let (mut busy, mut idle) = (Client::login(site.at).await, Client::login(site.at).await);
        let mut data = busy.data().await;
        busy.command("STOR y", 150).await;
        data.write_all(b"half").await.expect("the server reads");
        assert_eq!(site.stopper.further(), Stop::Drain);
        idle.expect(421).await;
        idle.ended().await;
        // Nobody new is let in: the port is closed, or closes at once.
        if let Ok(mut new) = Client::connect(site.at).await {
            new.ended().await;
        }
        data.write_all(b" and half").await.expect("the server reads");
        data.shutdown().await.expect("the server reads");
        busy.expect(226).await;
        busy.expect(421).await;
        busy.ended().await;
        site.running.take().expect("it runs").await.expect("it ends");
        assert_eq!(std::fs::read(ground.at("/y")).expect("the upload"), b"half and half");
    })
    .await;
}

#[tokio::test]
async fn a_site_told_twice_ends_at_once() {
    let (ground, mut site) = house("");
    within_bound(async {
        let mut client = Client::login(site.at).await;
        let mut data = client.data().await;
        client.command("STOR y", 150).await;
        data.write_all(&vec![1; 100_000]).await.expect("the server reads");
        site.stopper.further();
        assert_eq!(site.stopper.further(), Stop::Now);
        site.running.take().expect("it runs").await.expect("it ends");
        while client.line().await.is_some() {}
        assert!(!ground.at("/y").exists(), "half a file was published");
    })
    .await;
}

#[tokio::test]
async fn whoever_vanishes_gives_the_seat_back() {
    let (_ground, site) = house(&format!("@ limit sessions-per-address 1\n{BIG}"));
    within_bound(async {
        for how in 0..4 {
            let mut client = loop {
                // The seat comes back when the server has seen the end, which may take it a moment.
                let mut client = Client::connect(site.at).await.expect("a site that listens");
                match client.line().await {
                    Some(line) if line.starts_with("220") => break client,
                    Some(line) => assert!(line.starts_with("421"), "{line}"),
                    None => {}
                }
                tokio::task::yield_now().await;
            };
            if how == 0 {
                continue;
            }
            for (line, code) in [("USER anonymous", 331), ("PASS x", 230), ("TYPE I", 200)] {
                client.command(line, code).await;
            }
            let data = client.data().await;
            match how {
                1 => drop(data),
                2 => {
                    client.command("RETR big", 150).await;
                    reset(data).expect("a reset");
                }
                _ => {
                    client.command("STOR x", 150).await;
                    drop(data);
                }
            }
            reset(client.control).expect("a reset");
        }
    })
    .await;
}

#[tokio::test]
async fn failed_logins_are_delayed_then_refused() {
    const DELAY: Duration = Duration::from_millis(400);
    let (_ground, site) = house(
        "@ user alice secret\n@ limit failures-before-delay 1\n@ limit failures-before-refusal 3\n@ deadline failure-delay 400",
    );
    within_bound(async {
        let mut client = Client::connect(site.at).await.expect("a site that listens");
        client.expect(220).await;
        for delayed in [false, true, true] {
            client.command("USER alice", 331).await;
            let begun = Instant::now();
            client.command("PASS guess", 530).await;
            assert!(!delayed || begun.elapsed() >= DELAY, "{:?}", begun.elapsed());
        }
        client.command("USER alice", 331).await;
        client.command("PASS secret", 421).await;
        client.ended().await;
    })
    .await;
}

/// The most memory this process has had, in bytes.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc");
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

/// Four hundred sessions have two ends each in this process, and a data connection now and then.
fn more_descriptors() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|now| now < 4096) {
        limit.current = Some(limit.maximum.map_or(4096, |most| most.min(4096)));
        setrlimit(Resource::Nofile, limit).expect("up to the hard limit is everybody's right");
    }
}
