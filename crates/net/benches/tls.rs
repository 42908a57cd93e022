//! What do handshakes and protected bytes cost? Both ends of a connection over loopback, on one thread.
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use net::active::ActivePort;
use net::control::Control;
use net::data::Data;
use net::dial::dial;
use net::listener::Listener;
use net::pump::{self, Progress};
use net::tls::client::{ClientTls, Session, Settings as ClientSettings, Trust};
use net::tls::identity::Identity;
use net::tls::server::{Binding, ClientCertificates, ServerTls, Settings};
use net::tls::sessions::Sessions;
use net::tls::{Flow, Reuse, Versions};
use tokio::runtime::Runtime;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const LONG: Duration = Duration::from_secs(20);

struct Site {
    tls: ServerTls,
    client: ClientTls,
}

struct Login {
    _server: Control,
    _client: Control,
    binding: Binding,
    session: Session,
}

impl Site {
    fn new(versions: Versions) -> Self {
        let identity = Identity::self_signed(&["ftp.example".to_owned()]).unwrap().identity;
        let trust = Trust::Pinned(vec![identity.fingerprint()]);
        let settings = Settings { identities: vec![identity], versions, clients: ClientCertificates::Off };
        let tls = ServerTls::new(settings, &Sessions::new().unwrap()).unwrap();
        Self { tls, client: ClientTls::new(ClientSettings { trust, versions, identity: None }) }
    }

    async fn login(&self, (server, client): (Control, Control)) -> Login {
        let (binding, session) = tokio::join!(
            server.accept_tls(&self.tls, None, LONG),
            client.connect_tls(&self.client, "ftp.example", None, LONG)
        );
        server.write_all(b"220 ").await.unwrap();
        client.read(&mut Vec::new()).await.unwrap();
        Login { _server: server, _client: client, binding: binding.unwrap(), session: session.unwrap() }
    }
}

impl Login {
    async fn data(&self, (server, client): (Data, Data), reuse: Reuse) -> (Data, Data) {
        let (server, client) = tokio::join!(
            server.accept_tls(&self.binding, reuse, Flow::Sends, LONG),
            client.connect_tls(&self.session, LONG)
        );
        (server.unwrap(), client.unwrap())
    }
}

async fn controls(listener: &Listener) -> (Control, Control) {
    let (called, accepted) = tokio::join!(Control::connect(listener.local(), None, None), listener.accept());
    (accepted.unwrap(), called.unwrap())
}

async fn datas(awaited: &ActivePort) -> (Data, Data) {
    let (called, accepted) = tokio::join!(dial(awaited.local(), None, None), awaited.connection(HERE));
    (accepted.unwrap(), called.unwrap())
}

/// The end of a data connection, read by the client, who takes in its new tickets so.
async fn end((server, mut client): (Data, Data)) {
    server.finish(LONG).await;
    let mut rest = Vec::new();
    while pump::receive(&mut client, &mut rest, LONG, &Progress::default()).await.unwrap() > 0 {}
    client.finish(LONG).await;
}

fn handshakes(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let (listener, awaited) = {
        let _inside = runtime.enter();
        (Listener::bind((HERE, 0).into()).unwrap(), ActivePort::bind(HERE, None, None).unwrap())
    };
    for (name, versions) in [("1.2", Versions::Tls12), ("1.3", Versions::Tls13)] {
        let site = Site::new(versions);
        let mut group = criterion.benchmark_group(format!("handshake {name}"));
        group.throughput(Throughput::Elements(1));
        group.bench_function("full", |bencher| {
            bencher.iter_batched(
                || runtime.block_on(controls(&listener)),
                |ends| black_box(runtime.block_on(site.login(ends))),
                BatchSize::PerIteration,
            );
        });
        let login = runtime.block_on(async { site.login(controls(&listener).await).await });
        group.bench_function("resumed", |bencher| {
            bencher.iter_batched(
                || runtime.block_on(datas(&awaited)),
                |ends| {
                    runtime.block_on(async { end(login.data(ends, Reuse::Require).await).await });
                },
                BatchSize::PerIteration,
            );
        });
        group.finish();
    }
}

fn throughput(criterion: &mut Criterion) {
    const SIZE: usize = 64 << 20;
    let runtime = Runtime::new().unwrap();
    let bytes = vec![7; SIZE];
    for (name, versions) in [("1.2", Versions::Tls12), ("1.3", Versions::Tls13)] {
        let site = Site::new(versions);
        let mut group = criterion.benchmark_group(format!("bytes {name}"));
        group.throughput(Throughput::Bytes(SIZE as u64)).sample_size(10);
        group.bench_function("send and receive", |bencher| {
            bencher.iter(|| {
                runtime.block_on(async {
                    let listener = Listener::bind((HERE, 0).into()).unwrap();
                    let awaited = ActivePort::bind(HERE, None, None).unwrap();
                    let login = site.login(controls(&listener).await).await;
                    let (mut server, mut client) = login.data(datas(&awaited).await, Reuse::Require).await;
                    let progress = Progress::default();
                    let give = async {
                        pump::send(&mut server, &bytes, LONG, &progress).await.unwrap();
                        server.finish(LONG).await;
                    };
                    let take = async {
                        let mut got = Vec::with_capacity(1 << 20);
                        while pump::receive(&mut client, &mut got, LONG, &Progress::default()).await.unwrap()
                            > 0
                        {
                            got.clear();
                        }
                    };
                    tokio::join!(give, take);
                });
            });
        });
        group.finish();
    }
}

criterion_group!(benches, handshakes, throughput);
criterion_main!(benches);
