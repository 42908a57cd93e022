//! How do bytes move while the control connection is heard?
//!
//! ```text
//!   start: SIZE, TYPE are said --> [PWD, CWD] --> Transfer: EPSV, REST, RETR, 1yz --> TLS --> bytes may move
//!            ^                                       | the session is in doubt, or the path refused
//!            '------ another session, a bare name ---'
//!   follow:  a piece of work on the data connection; a reply, or the time that passes, may end the transfer meanwhile
//!   moved:   how many bytes, or why no more; then the server's last reply
//! ```
use std::borrow::BorrowMut;
use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::sync::Arc;

use net::data::Data;
use net::pump::Progress;
use tokio::sync::Notify;
use wire::{Command, Marker, Reply};

use crate::client::Client;
use crate::driver::{Driver, Step, now};
use crate::error::{Error, Unreachable};
use crate::event::Event;
use crate::method::{DataMethod, Mode};
use crate::paths::of_path;
use crate::session::{Approach, Flow, Goal, Input, MoveError, Transfer, Transferred};
use crate::small_segments;

/// What came of following a transfer beside a piece of work.
pub(crate) type Outcome<T> = Result<Step<Transferred, Result<T, MoveError>>, Error>;

/// A transfer in a session that is borrowed or owned. Dropped before its end it gives the session up.
pub(crate) struct Moving<S: BorrowMut<Client>> {
    pub(crate) session: S,
    command: Command,
    flow: Flow,
    transfer: Option<Transfer>,
    /// The data connection, once it is established and as long as bytes move.
    pub(crate) data: Option<Data>,
    /// The method that the transfer has begun with.
    first: DataMethod,
    /// The refusal of the path, where the bare name is tried after it.
    refusal: Option<Error>,
    /// What the server has confirmed at the end, or not.
    ended: Option<(u64, Option<Reply>)>,
    /// Notified when the server has confirmed an upload.
    pub(crate) confirmed: Arc<Notify>,
    pub(crate) progress: Arc<Progress>,
    /// Of the progress, before this transfer.
    before: u64,
}

impl<S: BorrowMut<Client>> Moving<S> {
    /// Does nothing yet.
    pub(crate) fn new(session: S, command: Command, flow: Flow) -> Self {
        let first = session.borrow().method;
        Self {
            session,
            command,
            flow,
            transfer: None,
            data: None,
            first,
            refusal: None,
            ended: None,
            confirmed: Arc::default(),
            progress: Arc::default(),
            before: 0,
        }
    }

    /// Counts with this from now on.
    pub(crate) fn count_with(&mut self, progress: Arc<Progress>) {
        (self.before, self.progress) = (progress.bytes(), progress);
    }

    /// How many bytes have moved.
    pub(crate) fn bytes(&self) -> u64 {
        self.progress.bytes() - self.before
    }

    pub(crate) fn client(&mut self) -> &mut Client {
        self.session.borrow_mut()
    }

    /// Says the command, after REST `restart` where there is one, and establishes a data connection. Where
    /// the transfer has failed, it starts once more.
    pub(crate) async fn start(&mut self, restart: Option<Marker>) -> Result<(), Error> {
        self.refusal = None;
        self.confirmed = Arc::default();
        let client = self.session.borrow_mut();
        if client.driver.ran_dry() {
            client.refill().await?;
        }
        // A server may keep the marker of a transfer that it refused for the next one.
        let stale = std::mem::replace(&mut client.stale_marker, restart.is_some());
        let restart = restart.or(stale.then_some(Marker(0)));
        self.first = client.method;
        let mut approach = Approach::new(client.options.mode, self.first, client.driver.peer());
        let untried = approach.clone();
        let mut sent = client.placed(&self.command).await?;
        // Each round has one method less to try, or a bare name in place of a path.
        loop {
            let client = self.session.borrow_mut();
            approach.server = client.driver.peer();
            approach.sealed = client.driver.is_protected();
            let (patience, segment) = (client.options.patience, client.segment);
            client.driver.begin()?;
            client.driver.carry(self.flow, &self.confirmed);
            client.driver.limit_segments(segment, small_segments::handshake_limit(&client.options, segment));
            let transfer = Transfer::new(sent.clone(), self.flow, restart, approach, patience, now());
            let transfer = self.transfer.insert(transfer);
            let step = client.driver.follow(transfer, pending::<Infallible>()).await;
            if client.driver.ended_idle() {
                // That says nothing of the method.
                self.transfer = None;
                client.begin_anew().await?;
                approach = untried.clone();
                sent = client.placed(&self.command).await?;
                continue;
            }
            let error = match step {
                Ok(Step::Move(data)) => {
                    let protecting = client.driver.protecting(data);
                    let step = client.driver.follow(transfer, protecting).await;
                    self.data = self.conclude(step).await?;
                    return Ok(());
                }
                Ok(Step::Reached(Transferred::NewSession { approach: next })) => {
                    self.transfer = None;
                    client.begin_anew().await?;
                    approach = next;
                    sent = match self.refusal {
                        Some(_) => client.bare(&self.command).await?,
                        None => client.placed(&self.command).await?,
                    };
                    continue;
                }
                Ok(Step::Reached(reached)) => return self.settle(Ok(reached)),
                Ok(Step::Done(never)) => match never {},
                Err(error) => error,
            };
            self.transfer = None;
            if self.refusal.is_none()
                && let Some(bare) = client.bare_instead(&self.command, &error).await?
            {
                self.refusal = Some(error);
                approach = Approach::new(client.options.mode, self.first, client.driver.peer());
                sent = bare;
                continue;
            }
            return self.settle(Err(error));
        }
    }

    /// What a piece of work beside the control connection needs: see [`Moving::conclude`]. None: all has been
    /// said.
    pub(crate) fn parts(
        &mut self,
    ) -> Option<(&mut Driver, &mut Transfer, Option<&mut Data>, &Arc<Progress>)> {
        let transfer = self.transfer.as_mut()?;
        Some((&mut self.session.borrow_mut().driver, transfer, self.data.as_mut(), &self.progress))
    }

    /// What came of work that was [followed](Driver::follow) beside the control connection. None: the
    /// transfer has ended meanwhile, and well.
    pub(crate) async fn conclude<T>(&mut self, step: Outcome<T>) -> Result<Option<T>, Error> {
        match step {
            Ok(Step::Done(Ok(done))) => Ok(Some(done)),
            Ok(Step::Done(Err(why))) => self.moved(Err(why)).await.map(|()| None),
            Ok(Step::Reached(reached)) => self.settle(Ok(reached)).map(|()| None),
            // It is established already.
            Ok(Step::Move(_)) => Ok(None),
            Err(error) => self.settle(Err(error)).map(|()| None),
        }
    }

    /// So many bytes were moved, or no more can be: hears the server's last reply.
    pub(crate) async fn moved(&mut self, moved: Result<u64, MoveError>) -> Result<(), Error> {
        let Some(transfer) = &mut self.transfer else { return Ok(()) };
        let driver = &mut self.session.borrow_mut().driver;
        if let Some(data) = self.data.take() {
            driver.hold(data);
        }
        transfer.handle(Input::Moved(moved), now());
        loop {
            return match driver.follow(transfer, pending::<Infallible>()).await {
                Ok(Step::Reached(reached)) => self.settle(Ok(reached)),
                Ok(Step::Move(_)) => continue,
                Ok(Step::Done(never)) => match never {},
                Err(error) => self.settle(Err(error)),
            };
        }
    }

    /// Ends it, as our own side has failed or wants no more.
    pub(crate) async fn fail(&mut self, why: io::Error) -> Error {
        let what = format!("{} was ended: {why}", self.command.verb());
        match self.moved(Err(MoveError::Local(why))).await {
            Err(error) => error,
            Ok(()) => Error::Broken { what, moved: self.bytes() },
        }
    }

    /// What [`Moving::moved`] came to: how many bytes by the server's count of this transfer, and its last
    /// reply. Without one the session is lost, and [`Client::begin_anew`] gives another one.
    pub(crate) fn ended(&mut self) -> (u64, Option<Reply>) {
        self.ended.take().unwrap_or_default()
    }

    /// All has been said.
    fn settle(&mut self, result: Result<Transferred, Error>) -> Result<(), Error> {
        (self.transfer, self.data) = (None, None);
        let moved = self.bytes();
        let client = self.session.borrow_mut();
        match result {
            Ok(Transferred::Whole { bytes, last, method }) => {
                client.stale_marker = false;
                client.found(self.first, method);
                if self.refusal.is_some() {
                    client.paths.bare_works();
                }
                client.has_worked(&self.command);
                self.ended = Some((bytes, Some(last)));
                Ok(())
            }
            Ok(Transferred::Unconfirmed { bytes, method }) => {
                client.found(self.first, method);
                client.driver.give_up();
                self.ended = Some((bytes, None));
                Ok(())
            }
            // Only before bytes move, where `start` goes on.
            Ok(Transferred::NewSession { .. }) => {
                client.driver.give_up();
                Err(Error::Broken { what: "the session is in doubt".to_owned(), moved })
            }
            Err(error) => {
                client.stale_marker &= matches!(&error, Error::Refused { said, .. } if said != "REST");
                if matches!(error, Error::Unreachable(Unreachable::Data { .. }))
                    && client.options.mode == Mode::Auto
                {
                    (client.watch)(&Event::NoMethod { local: client.driver.local() });
                }
                if let (Some(refusal), Error::Refused { .. }) = (self.refusal.take(), &error) {
                    client.paths.both_failed(&self.command);
                    return Err(refusal);
                }
                client.after(Err(of_path(error, &self.command).after_bytes(moved)))
            }
        }
    }
}

impl<S: BorrowMut<Client>> Drop for Moving<S> {
    fn drop(&mut self) {
        if self.transfer.is_some() {
            self.session.borrow_mut().driver.give_up();
        }
    }
}
