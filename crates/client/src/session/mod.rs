//! What do we say next to reach a goal?
//!
//! Each goal is a small pure machine: it is told what happened, and is asked what to do, until it is done.
//! No socket, no clock and no task is in here; the driver has those.
//!
//! ```text
//!                 +--------------------- a Goal ----------------------+
//!   Reply ------->|  Login      greeting, USER, PASS, ACCT, FEAT      |---> Send(Command)
//!   Connected --->|  Exchange   one command, one answer               |---> Dial, Listen, Accept
//!   Listening --->|  Transfer   +- Opening: EPSV, PASV, EPRT, PORT -+ |---> Move, CloseData
//!   Moved ------->|             +- REST, the verb, 1yz, data, 2yz --+ |---> Tell(Event)
//!   TimePassed -->|                                                   |---> Done(Result)
//!                 +---------------------------------------------------+
//! ```
mod answer;
mod approach;
mod credentials;
mod exchange;
mod login;
mod opening;
mod transfer;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use wire::{Command, Reply};

pub use approach::Approach;
pub use credentials::Credentials;
pub use exchange::{Exchange, Want};
pub use login::Login;
pub use transfer::{Flow, Transfer, Transferred};

use crate::error::Error;
use crate::event::Event;
use crate::security::Start;

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// The server said something.
    Reply(Reply),
    /// The control connection is gone, or what came on it was no reply: nothing more will be heard.
    Lost(Error),
    /// The data connection was made: our dial got through, or the server's came in.
    Connected,
    /// The data connection was not made, and why.
    NotConnected(io::Error),
    /// Our own port for a data connection, as the answer to [`Output::Listen`].
    Listening(SocketAddr),
    /// We could not open a port of our own.
    NotListening(io::Error),
    /// All data has been moved that will be: the number of bytes, or what stopped it.
    Moved(Result<u64, MoveError>),
    /// The control connection is under TLS, and the certificate was taken.
    Protected,
    /// It is not, and is of no use any more.
    NotProtected(Error),
    /// The server, called a second time, has answered TLS, or it has not.
    Probed(TlsAtOnce),
    /// Time has passed; look at the deadline.
    TimePassed,
}

/// Does a port speak TLS from the first byte?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsAtOnce {
    /// It has answered a handshake.
    Yes,
    /// It has not, within the time of the probe.
    No,
}

/// Why bytes stopped moving before their end.
#[derive(Debug)]
pub enum MoveError {
    /// Our own file, pipe or memory.
    Local(io::Error),
    /// The other end of the data connection, or the network between.
    Peer(io::Error),
    /// Nothing moved for this long.
    Stalled(Duration),
    /// The data connection's other end is not the server: it has another certificate than the control
    /// connection's.
    Stranger(String),
}

/// What is to be done.
#[derive(Debug)]
pub enum Output<T> {
    /// Say this on the control connection.
    Send(Command),
    /// Begin TLS on the control connection; answer with `Protected` or `NotProtected`.
    Protect(Start),
    /// Find out on a connection of its own whether the control port speaks TLS at once; answer with `Probed`.
    Probe,
    /// Connect the data connection to here; answer with `Connected` or `NotConnected`.
    Dial(SocketAddr),
    /// Open a port of our own for the server to connect to; answer with `Listening` or `NotListening`.
    Listen,
    /// Wait for the server's connection at that port; answer with `Connected` or `NotConnected`.
    Accept,
    /// Move the bytes; answer with `Moved`.
    Move,
    /// The server has confirmed an upload: its end of the data connection is not waited for much longer.
    Confirmed,
    /// Give up the data connection, a dial or a port, whatever there is.
    CloseData,
    /// Give up the control connection: a reply is still owed to us, and would be taken for the next
    /// command's.
    HangUp,
    /// Tell the watcher.
    Tell(Event),
    /// The goal is reached, or never will be. Nothing follows.
    Done(Result<T, Error>),
}

/// A pure machine that knows what to say next.
pub trait Goal {
    /// What reaching it gives.
    type Gain;

    /// Something happened, at `now`.
    fn handle(&mut self, input: Input, now: Instant);
    /// What to do next; `None` until something happens or the deadline passes.
    fn poll(&mut self) -> Option<Output<Self::Gain>>;
    /// When to come back with [`Input::TimePassed`] if nothing happens until then.
    fn deadline(&self) -> Option<Instant>;
}

/// How long a goal waits for what.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a reply. Servers delay the answer to a wrong password by some seconds on purpose.
    pub reply: Duration,
    /// For a greeting, before the port is probed for TLS: a port that waits for a handshake is as silent as a
    /// slow server, and a person should not wait for `reply` to be told so.
    pub greeting: Duration,
    /// For the answer to FEAT, beside three times what the slowest answer before it took. Servers answer it
    /// from memory: one that is silent for longer does not answer it at all.
    pub features: Duration,
    /// Before a site that has as many sessions as it allows is called for the second time; then twice as
    /// long, twice.
    pub full: Duration,
    /// For the answer to EPSV. A middlebox that eats EPSV never answers; servers answer it from memory, at
    /// once.
    pub epsv: Duration,
    /// For the port that EPSV told, before PASV is tried beside it. A lost SYN is sent again after 1 s, so
    /// that one lost packet does not begin the race.
    pub race: Duration,
    /// For a data connection to be made. The control connection has just shown how fast the way is.
    pub data: Duration,
    /// For the next byte of a transfer that has hardly begun, before large packets are taken for lost on the
    /// way (see `small_segments`). A sender tries again after 0.2, 0.6, 1.4 and 3 s: what can pass has passed
    /// by then.
    pub quiet: Duration,
    /// For the last reply, after the data has ended; a server may sync a large upload to its disk first, so
    /// that a second for every 32 MiB comes on top. After that something on the way has dropped the idle
    /// control connection.
    pub last: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            reply: Duration::from_secs(30),
            greeting: Duration::from_secs(3),
            features: Duration::from_secs(5),
            full: Duration::from_secs(1),
            epsv: Duration::from_secs(5),
            race: Duration::from_secs(2),
            data: Duration::from_secs(5),
            quiet: Duration::from_secs(5),
            last: Duration::from_secs(10),
        }
    }
}

/// What a machine has decided and the driver has not fetched yet. A machine decides a handful of things per
/// input, so this stays that small.
#[derive(Debug)]
struct Outbox<T>(VecDeque<Output<T>>);

impl<T> Outbox<T> {
    fn new() -> Self {
        Self(VecDeque::new())
    }

    fn push(&mut self, output: Output<T>) {
        self.0.push_back(output);
    }

    fn pop(&mut self) -> Option<Output<T>> {
        self.0.pop_front()
    }
}
