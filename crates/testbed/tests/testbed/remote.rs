//! Does a directory of another server keep the promises of `storage::Tree`?
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use client::{Credentials, Endpoint, Pool, Remote, SessionSpec, no_watcher};
use config::SiteConfig;
use server::Server;
use storage::local::{Local, LocalOptions, Sync};
use storage::{Admission, Answer, Attempt, Denied, Gate, Rights, Tree};
use testbed::conformance::{self, Errors};
use testbed::ports::Block;
use wire::Pathname;

/// Lets everybody in, to write.
struct Open(Arc<dyn Tree>);

impl Gate for Open {
    fn admit(&self, _attempt: Attempt) -> Answer<'_, Result<Admission, Denied>> {
        let admission = Admission::new("somebody", Rights::Write, Arc::clone(&self.0));
        Box::pin(std::future::ready(Ok(admission)))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_server() {
    let folder = tempfile::tempdir().expect("a folder of the test's own");
    let options = LocalOptions { read_only: false, sync: Sync::Never, ..LocalOptions::default() };
    let tree = Local::open(folder.path(), options).expect("the folder");
    let gate: Arc<dyn Gate> = Arc::new(Open(Arc::new(tree)));
    let ports = Block::take();
    let mut config = SiteConfig::default();
    let listener = &mut config.listeners[0];
    (listener.address, listener.port) = (Ipv4Addr::LOCALHOST.into(), ports.control());
    listener.passive_ports = ports.passive();
    let server = Server::builder(config, gate).bind().expect("a block of ports of its own");
    let running = tokio::spawn(server.run());
    let made = AtomicUsize::new(0);
    let fresh = async || {
        let root = format!("/{}", made.fetch_add(1, Ordering::Relaxed));
        std::fs::create_dir(folder.path().join(&root[1..])).expect("a directory");
        let server = Endpoint::new("127.0.0.1", ports.control());
        let spec = SessionSpec::new(server, Credentials::anonymous());
        let pool = Pool::new(spec, no_watcher(), 4);
        Arc::new(Remote::new(pool, Pathname::new(root).ok())) as _
    };
    let unsupported = conformance::tree(Errors::Vague, fresh).await;
    assert_eq!(unsupported, ["the_file_itself_holds_the_same_bytes"]);
    running.abort();
}
