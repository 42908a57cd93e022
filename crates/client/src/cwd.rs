//! What is said where a server takes no path with slashes?
//!
//! ```text
//!   RETR a/b/c --5yz--> PWD, CWD a/b (or CWD a, CWD b) --2yz--> RETR c --2yz--> every path is said so from now on
//!                         | 5yz                                    | 5yz
//!                         '----> the first answer is the error <---'
//! ```
//! RFC 1738 3.2.2 has a client go through a path by CWD, and many servers of devices understand nothing else.
//! Most servers take the path, which costs one command: so it is said first, until a bare name has worked
//! where the path has not. The caller knows nothing of it: what it says about the directory of the login, or
//! about one that it has gone to itself, is said from there.
use wire::verb::Access;
use wire::{Command, Pathname, Reply, Verb};

use crate::client::Client;
use crate::driver::now;
use crate::error::Error;
use crate::paths::{
    Custom, Home, argument, bare, depends_on_directory, directory_in, of_path, refuses_path, split, steps,
};
use crate::session::{Exchange, Patience, Want};

impl Client {
    /// Says one command, in the way that the server takes its path.
    pub(crate) async fn exchange_within(
        &mut self,
        command: Command,
        want: Want,
        patience: Patience,
    ) -> Result<Reply, Error> {
        if let Command::Cwd(path) = &command
            && self.paths.steps
            && !path.as_bytes().starts_with(b"/")
            && steps(path).len() > 1
        {
            self.return_home().await?;
            return self.step_for_caller(path).await;
        }
        let sent = self.placed(&command).await?;
        let error = match self.say(sent, want, patience).await {
            Ok(reply) => {
                if command == Command::Pwd {
                    self.paths.home = directory_in(reply.text()).map_or(Home::NotTold, Home::At);
                }
                self.has_worked(&command);
                return Ok(reply);
            }
            Err(error) => of_path(error, &command),
        };
        if command == Command::Pwd && matches!(error, Error::Refused { .. }) {
            self.paths.home = Home::NotTold;
        }
        if let Command::Cwd(path) = &command {
            return self.step_to(path, error).await;
        }
        let Some(bare) = self.bare_instead(&command, &error).await? else { return Err(error) };
        match self.say(bare, want, patience).await {
            Ok(reply) => {
                self.paths.bare_works();
                Ok(reply)
            }
            Err(Error::Refused { .. }) => {
                self.paths.both_failed(&command);
                Err(error)
            }
            Err(other) => Err(other),
        }
    }

    /// The command was answered as it should be.
    pub(crate) fn has_worked(&mut self, command: &Command) {
        if let Command::Cwd(path) = command {
            self.paths.leave_home();
            if !self.paths.steps && split(path).is_some() && !self.paths.taken.contains(&Verb::Cwd) {
                self.paths.taken.push(Verb::Cwd);
            }
        }
        self.paths.worked(command);
    }

    /// What is to be said for a command, from the directory that it is meant to be said in.
    pub(crate) async fn placed(&mut self, command: &Command) -> Result<Command, Error> {
        let path = argument(command);
        if let (Command::Rnto(to), Some(at)) = (command, &self.paths.moved) {
            // Behind RNFR nothing else may be said.
            let here = split(to).filter(|(parent, _)| parent == at).map(|(_, name)| Command::Rnto(name));
            return Ok(here.unwrap_or_else(|| Command::Rnto(self.paths.absolute(to))));
        }
        if self.paths.custom == Custom::Bare
            && let Some((directory, bare)) = path.and_then(|path| bare(command, path))
        {
            self.go_to(&directory).await?;
            return Ok(bare);
        }
        let is_absolute = path.is_some_and(|path| path.as_bytes().starts_with(b"/"));
        if depends_on_directory(command) && !is_absolute || matches!(command, Command::Cwd(_)) {
            self.return_home().await?;
        }
        Ok(command.clone())
    }

    /// After a refusal of the path: the bare name, where its directory can be gone to, and a try is worth it.
    pub(crate) async fn bare_instead(
        &mut self,
        command: &Command,
        error: &Error,
    ) -> Result<Option<Command>, Error> {
        if !self.paths.may_try(command, error) || !self.can_return_from(command).await? {
            return Ok(None);
        }
        match self.bare(command).await {
            Ok(bare) => Ok(Some(bare)),
            Err(Error::Refused { reply, .. }) => {
                if matches!(reply.code.get(), 500 | 502) {
                    self.paths.custom = Custom::Whole;
                }
                self.paths.not_found(command);
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    /// Goes to the directory of a command's path: what is to be said there.
    pub(crate) async fn bare(&mut self, command: &Command) -> Result<Command, Error> {
        let Some((directory, bare)) = argument(command).and_then(|path| bare(command, path)) else {
            return self.placed(command).await;
        };
        self.go_to(&directory).await?;
        Ok(bare)
    }

    /// Is a way back worth what it costs? Where the server does not say where we are it is a new session.
    async fn can_return_from(&mut self, command: &Command) -> Result<bool, Error> {
        self.know_home().await?;
        let is_the_goal = matches!(command, Command::Retr(_) | Command::Stor(_) | Command::Appe(_));
        Ok(is_the_goal || !matches!(self.paths.home, Home::NotTold))
    }

    /// RNFR and RNTO by bare names, where both are in one directory.
    pub(crate) async fn rename_bare(
        &mut self,
        from: &Pathname,
        to: &Pathname,
        error: Error,
    ) -> Result<(), Error> {
        let rnto = Command::Rnto(to.clone());
        let (Some((parent, name)), Some((beside, new))) = (split(from), split(to)) else { return Err(error) };
        if parent != beside || !self.paths.may_try(&rnto, &error) {
            return Err(error);
        }
        let patience = self.options.patience;
        let done = async {
            self.go_to(&parent).await?;
            self.say(Command::Rnfr(name), Want::Intermediate, patience).await?;
            self.say(Command::Rnto(new), Want::Completion, patience).await
        };
        match done.await {
            Ok(_) => {
                self.paths.bare_works();
                Ok(())
            }
            Err(Error::Refused { .. }) => {
                self.paths.both_failed(&rnto);
                Err(error)
            }
            Err(other) => Err(other),
        }
    }

    /// Goes to a directory, from the one where the caller believes to be.
    async fn go_to(&mut self, directory: &Pathname) -> Result<(), Error> {
        if self.paths.moved.as_ref() == Some(directory) {
            return Ok(());
        }
        self.return_home().await?;
        self.know_home().await?;
        let patience = self.options.patience;
        if !self.paths.steps {
            let Err(error) = self.say(Command::Cwd(directory.clone()), Want::Completion, patience).await
            else {
                self.paths.moved = Some(directory.clone());
                return Ok(());
            };
            if !refuses_path(&error, Verb::Cwd) || steps(directory).len() < 2 {
                return Err(error);
            }
            return match self.step(directory).await {
                Ok(()) => Ok(()),
                Err(Error::Refused { .. }) => Err(error),
                Err(other) => Err(other),
            };
        }
        self.step(directory).await
    }

    async fn know_home(&mut self) -> Result<(), Error> {
        // Away from there it is known already.
        if matches!(self.paths.home, Home::NotAsked) && self.paths.moved.is_none() {
            let home = match self.say(Command::Pwd, Want::Completion, self.options.patience).await {
                Ok(reply) => directory_in(reply.text()),
                Err(Error::Refused { .. }) => None,
                Err(other) => return Err(other),
            };
            self.paths.home = home.map_or(Home::NotTold, Home::At);
        }
        Ok(())
    }

    /// A CWD of the caller's was refused: one name after the other.
    async fn step_to(&mut self, path: &Pathname, error: Error) -> Result<Reply, Error> {
        if !refuses_path(&error, Verb::Cwd) || steps(path).len() < 2 || self.paths.taken.contains(&Verb::Cwd)
        {
            return Err(error);
        }
        self.know_home().await?;
        // Without a way back the session would stay in between.
        if matches!(self.paths.home, Home::NotTold) {
            return Err(error);
        }
        match self.step_for_caller(path).await {
            Err(Error::Refused { .. }) => Err(error),
            other => other,
        }
    }

    async fn step_for_caller(&mut self, path: &Pathname) -> Result<Reply, Error> {
        self.step(path).await?;
        self.paths.moved = None;
        self.paths.leave_home();
        Ok(Reply::new(250, "one name after the other"))
    }

    /// By one CWD for each name. Where one is refused, the session returns.
    async fn step(&mut self, path: &Pathname) -> Result<(), Error> {
        self.know_home().await?;
        for (n, (step, so_far)) in steps(path).into_iter().enumerate() {
            match self.say(Command::Cwd(step), Want::Completion, self.options.patience).await {
                Ok(_) => self.paths.moved = Some(so_far),
                Err(error @ Error::Refused { .. }) if n > 0 => {
                    self.return_home().await?;
                    return Err(error);
                }
                Err(error) => return Err(error),
            }
        }
        self.paths.steps = true;
        self.paths.moved = Some(path.clone());
        Ok(())
    }

    /// Back to where the caller believes to be.
    async fn return_home(&mut self) -> Result<(), Error> {
        if self.paths.moved.take().is_none() {
            return Ok(());
        }
        let patience = self.options.patience;
        if let Home::At(home) = &self.paths.home {
            let home = home.clone();
            let names = steps(&home).into_iter().map(|(name, _)| name).collect();
            for way in [vec![home], names] {
                if self.all_taken(way, patience).await? {
                    return Ok(());
                }
            }
        }
        self.begin_anew().await
    }

    /// Is each of these names taken by CWD, one after the other?
    async fn all_taken(&mut self, names: Vec<Pathname>, patience: Patience) -> Result<bool, Error> {
        for name in names {
            match self.say(Command::Cwd(name), Want::Completion, patience).await {
                Ok(_) => {}
                Err(Error::Refused { .. }) => return Ok(false),
                Err(other) => return Err(other),
            }
        }
        Ok(true)
    }

    /// Goes to the directory where a session was that is lost.
    pub(crate) async fn enter_again(&mut self, directory: &Pathname) -> Result<(), Error> {
        let patience = self.options.patience;
        if !self.paths.steps {
            return self
                .say_once(Command::Cwd(directory.clone()), Want::Completion, patience)
                .await
                .map(drop);
        }
        for (step, _) in steps(directory) {
            self.say_once(Command::Cwd(step), Want::Completion, patience).await?;
        }
        Ok(())
    }

    /// Says just this. Where the server has ended the session while it was idle, a command that changes
    /// nothing is said in a new one.
    pub(crate) async fn say(
        &mut self,
        command: Command,
        want: Want,
        patience: Patience,
    ) -> Result<Reply, Error> {
        let done = self.say_once(command.clone(), want, patience).await;
        let verb = command.verb();
        let may_repeat = verb.row().access != Access::Write || verb == Verb::Rnfr;
        if done.is_err() && self.driver.ended_idle() && may_repeat && self.paths.moved.is_none() {
            self.begin_anew().await?;
            return self.say_once(command, want, patience).await;
        }
        done
    }

    /// Says just this, in this session.
    pub(crate) async fn say_once(
        &mut self,
        command: Command,
        want: Want,
        patience: Patience,
    ) -> Result<Reply, Error> {
        self.pursue(Exchange::new(command, want, patience, now())).await
    }
}
