//! Can our client use everybody's servers?

use crate::harness::files::{assert_same_file, write};
use crate::harness::need;
use crate::harness::peer::Peer;
use crate::harness::process::{command, run};

/// A server that curl cannot use is set up wrongly, and then a failure of ours beside it would say nothing.
fn curl_uses(peer: Option<Peer>) {
    let (Some(peer), Some(curl)) = (peer, need::program("curl")) else { return };
    let here = peer.beside("here");
    let there = write(&peer.files(), "down.bin", 1, 200_000);
    peer.own();
    run(command(&curl, ["-q", "-sS", "-o"]).arg(here.join("down.bin")).arg(peer.url("down.bin"))).good();
    assert_same_file(&there, &here.join("down.bin"));
    let from = write(&here, "up.bin", 2, 200_000);
    run(command(&curl, ["-q", "-sS", "-T"]).arg(&from).arg(peer.url("up.bin"))).good();
    assert_same_file(&from, &peer.files().join("up.bin"));
}

macro_rules! servers {
    ($($server:ident),+) => {
        $(mod $server {
            use super::*;

            #[test]
            fn is_fit_for_the_test() {
                curl_uses(Peer::$server());
            }
        })+
    };
}

servers!(vsftpd, proftpd, pureftpd, pyftpdlib);
