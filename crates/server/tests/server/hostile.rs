//! What do clients do that no story can tell? Many at once, the wrong ones first, half and never.
use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use server::Stop;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;

use crate::client::{Client, all, alone, house, in_each_tls_mode, stranger};

/// More than the buffers of two sockets hold, so that a download of it waits for its reader.
const BIG: &str = "@ sparse /big 33554432";

/// Not the clients' address, yet this machine's.
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_people_with_eight_connections_share_two_ports() {
    const PEOPLE: usize = 50;
    const CONNECTIONS: usize = 8;
    more_descriptors();
    in_each_tls_mode(async |tls_mode| {
        let (setup, site) =
            house("@ ports 2\n@ deadline port 50000\n@ limit handshakes-per-address 400", tls_mode);
        for n in 0..PEOPLE {
            std::fs::write(setup.at(&format!("/{n}")), vec![n as u8; 1000 + n]).expect("a file");
        }
        let mut everybody = JoinSet::new();
        let all_here = std::sync::Arc::new(tokio::sync::Barrier::new(PEOPLE * CONNECTIONS));
        for n in (0..PEOPLE).flat_map(|n| [n; CONNECTIONS]) {
            let (door, all_here) = (site.door.clone(), std::sync::Arc::clone(&all_here));
            everybody.spawn(async move {
                let mut client = Client::login(&door).await;
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
async fn a_stranger_at_every_port_does_no_harm() {
    in_each_tls_mode(async |tls_mode| {
        let (setup, site) = house("@ ports 3\n@ file /x the file", tls_mode);
        let mut client = Client::login(&site.door).await;
        let ip = site.door.ip();
        let port = client.port().await;
        let mut strangers = Vec::new();
        for passive in &site.passive {
            let mut stranger = stranger(ELSEWHERE, SocketAddr::new(ip, *passive)).await;
            // It may be gone already; it brings something to plant either way.
            let _ = stranger.write_all(b"planted").await;
            strangers.push(stranger);
        }
        let mut data = client.dial(port).await;
        client.command("STOR y", 150).await;
        data.send(b"mine").await.expect("the server reads");
        data.end().await.expect("the server reads");
        client.expect(226).await;
        assert_eq!(client.retrieve("x").await, b"the file");
        for mut stranger in strangers {
            let mut got = Vec::new();
            // A reset is as good an end as any for it.
            let _ = stranger.read_to_end(&mut got).await;
            assert!(got.is_empty(), "a stranger got {}", got.escape_ascii());
        }
        assert_eq!(std::fs::read(setup.at("/y")).expect("the upload"), b"mine");
    })
    .await;
}

#[tokio::test]
async fn ports_are_chosen_at_random() {
    in_each_tls_mode(async |tls_mode| {
        let (_ground, site) = house("@ ports 4", tls_mode);
        let mut client = Client::login(&site.door).await;
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
    in_each_tls_mode(async |tls_mode| {
        let (_ground, site) = house("@ deadline login 600", tls_mode);
        let mut client = Client::greeted(&site.door).await;
        let mut drip = tokio::time::interval(Duration::from_millis(20));
        loop {
            tokio::select! {
                // A byte now and then, and never a line.
                _ = drip.tick() => if client.control.write(b"U").await.is_err() { break },
                _ = client.control.hears() => break,
            }
        }
        client.expect(421).await;
        client.ended().await;
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
    in_each_tls_mode(async |tls_mode| {
        let (_ground, site) = house("", tls_mode);
        let mut client = Client::greeted(&site.door).await;
        let piece = vec![b'x'; 1 << 20];
        let before = peak_memory();
        for _ in 0..SENT / piece.len() {
            client.write(&piece).await;
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
    in_each_tls_mode(async |tls_mode| {
        let (setup, site) = house("", tls_mode);
        let whole: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
        for (n, sent) in [70_000, 262_144, 1_000_000, 2_999_999].into_iter().enumerate() {
            let mut client = Client::login(&site.door).await;
            let mut data = client.data().await;
            client.command(&format!("STOR {n}"), 150).await;
            data.send(&whole[..sent]).await.expect("the server reads");
            data.reset().await.expect("a reset");
            client.expect(426).await;
            // A reset takes along what was not read yet: how much is there, only the server can say.
            client.say(&format!("SIZE {n}")).await;
            let line = client.line().await.expect("a reply");
            let kept: usize = line.strip_prefix("213 ").map_or(0, |size| size.parse().expect("a size"));
            assert!(kept <= sent, "{kept} of {sent}");
            client.command(&format!("REST {kept}"), 350).await;
            client.store(&format!("{n}"), &whole[kept..]).await;
            assert!(
                std::fs::read(setup.at(&format!("/{n}"))).expect("the upload") == whole,
                "not the same bytes"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_great_directory_is_listed_whole() {
    const FILES: usize = 5000;
    in_each_tls_mode(async |tls_mode| {
        let (setup, site) = house("@ dir /d", tls_mode);
        for n in 0..FILES {
            std::fs::write(setup.at(&format!("/d/file-{n}")), b"").expect("a file");
        }
        let mut client = Client::login(&site.door).await;
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
    in_each_tls_mode(async |tls_mode| {
        let (_ground, site) = house("", tls_mode);
        let mut client = Client::login(&site.door).await;
        let said = b"NOOP\r\nSYST\r\n".repeat(COMMANDS / 2);
        let wanted = b"200 OK.\r\n215 UNIX Type: L8\r\n".repeat(COMMANDS / 2);
        let heard = client.control.converse(&said, wanted.len()).await.expect("replies");
        assert!(heard == wanted, "out of turn");
    })
    .await;
}

#[tokio::test]
async fn a_site_drains() {
    in_each_tls_mode(async |tls_mode| {
        let (setup, mut site) = house("@ file /x abc", tls_mode);
        let (mut busy, mut idle) = (Client::login(&site.door).await, Client::login(&site.door).await);
        let mut data = busy.data().await;
        busy.command("STOR y", 150).await;
        data.send(b"half").await.expect("the server reads");
        assert_eq!(site.registry.stop_further(), Stop::Drain);
        idle.expect(421).await;
        idle.ended().await;
        // Nobody new is let in: the port is closed, or closes at once.
        if let Ok(mut new) = Client::connect(&site.door).await {
            new.ended().await;
        }
        data.send(b" and half").await.expect("the server reads");
        data.end().await.expect("the server reads");
        busy.expect(226).await;
        busy.expect(421).await;
        busy.ended().await;
        site.running.take().expect("it runs").await.expect("it ends");
        assert_eq!(std::fs::read(setup.at("/y")).expect("the upload"), b"half and half");
    })
    .await;
}

#[tokio::test]
async fn whoever_vanishes_gives_the_seat_back() {
    in_each_tls_mode(async |tls_mode| {
        let (_ground, site) = house(&format!("@ limit sessions-per-address 1\n{BIG}"), tls_mode);
        for how in 0..4 {
            let mut client = loop {
                // The seat comes back when the server has seen the end, which may take it a moment.
                let mut client = Client::connect(&site.door).await.expect("a site that listens");
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
                    data.reset().await.expect("a reset");
                }
                _ => {
                    client.command("STOR x", 150).await;
                    drop(data);
                }
            }
            client.control.reset().expect("a reset");
        }
    })
    .await;
}

#[tokio::test]
async fn failed_logins_are_delayed_then_refused() {
    const DELAY: Duration = Duration::from_millis(400);
    in_each_tls_mode(async |tls_mode| {
        let (_ground, site) = house(
            "@ user alice secret\n@ limit failures-before-delay 1\n@ limit failures-before-refusal 3\n@ deadline failure-delay 400", tls_mode);
        let mut client = Client::greeted(&site.door).await;
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
