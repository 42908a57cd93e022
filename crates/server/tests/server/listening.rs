//! Where can a site listen?
use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use server::{Settings, Site, SiteError};
use storage::local::{Local, LocalOptions};
use tokio::net::TcpStream;

use crate::scene::Open;

/// `--listen 0.0.0.0:2121 --listen [::]:2121` failed with "address in use": the second took IPv4 as well.
#[tokio::test]
async fn both_families_share_one_port() {
    let folder = tempfile::tempdir().unwrap();
    let tree = Local::open(folder.path(), LocalOptions::default()).unwrap();
    let gate = Arc::new(Open(Arc::new(tree)));
    for _ in 0..50 {
        let probe = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = probe.local_addr().unwrap().port();
        drop(probe);
        let listen: [SocketAddr; 2] =
            [(Ipv4Addr::UNSPECIFIED, port).into(), (Ipv6Addr::UNSPECIFIED, port).into()];
        match Site::bind(Settings::default(), Arc::clone(&gate) as _, &listen, None, None) {
            Ok(site) => {
                assert_eq!(site.control(), listen);
                TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
                TcpStream::connect((Ipv6Addr::LOCALHOST, port)).await.unwrap();
                return;
            }
            // Somebody else was quicker at that port.
            Err(SiteError::Listen(_, error)) if error.kind() == ErrorKind::AddrInUse => {}
            Err(SiteError::Listen(at, error)) if at.is_ipv6() => {
                return println!("skipped: this machine has no IPv6: {error}");
            }
            Err(error) => panic!("{error}"),
        }
    }
    panic!("no port serves both families");
}
