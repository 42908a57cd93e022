//! What is said where a server takes no path with slashes?
//!
//! ```text
//!   RETR a/b/c --5yz--> PWD, CWD a/b (or CWD a, CWD b) --2yz--> RETR c --2yz--> every path is said so from now on
//!                         | 5yz                                    | 5yz
//!                         '----> the first answer is the error <---'
//! ```
//! RFC 1738 3.2.2 has a client go through a path by CWD, and many servers of devices understand nothing else. Most servers take the
//! path, which costs one command: so it is said first, until a bare name has worked where the path has not. The caller knows nothing
//! of it: what it says about the directory of the login, or about one that it has gone to itself, is said from there.
use wire::{Command, Pathname, Reply, Verb};

use crate::client::Client;
use crate::driver::now;
use crate::error::Error;
use crate::event;
use crate::session::{Exchange, Patience, Want};

/// So many names that were not found by path nor by CWD, in directories that were, show that nothing is wrong with paths.
const ENOUGH: u32 = 8;

/// So many directories are remembered; where more are refused, the session has other troubles than how paths are said.
const REFUSED: usize = 64;

/// How paths are said in a session, and where it is.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    custom: Custom,
    /// CWD takes one name at a time.
    steps: bool,
    /// The directory to return to, where it was asked for.
    home: Home,
    /// Where the session has gone from there.
    moved: Option<Pathname>,
    /// The verbs whose path with a slash was taken.
    taken: Vec<Verb>,
    /// The last path that was asked for in both ways.
    failed: Option<Pathname>,
    /// How often that was so.
    failures: u32,
    /// The directories in which a verb's bare name, or CWD itself, was refused too: not worth another try.
    refused: Vec<(Pathname, Verb)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Custom {
    #[default]
    Unknown,
    /// The path as it is: that works, or CWD does not.
    Whole,
    /// CWD, and the bare name.
    Bare,
}

#[derive(Debug, Default)]
enum Home {
    #[default]
    NotAsked,
    /// The server does not say where we are: only a new session leads back.
    NotTold,
    At(Pathname),
}

impl Paths {
    /// In a new session, which begins in the directory of the login.
    pub(crate) fn begin_anew(&mut self) {
        (self.home, self.moved) = (Home::NotAsked, None);
    }

    /// Is it worth a try to say this by a bare name, after such an answer?
    pub(crate) fn may_try(&self, command: &Command, error: &Error) -> bool {
        let Some(path) = argument(command) else { return false };
        let verb = command.verb();
        self.custom == Custom::Unknown
            && refuses_path(error, verb)
            && split(path).is_some_and(|(parent, _)| {
                !self.refused.iter().any(|(known, by)| *known == parent && *by == verb)
            })
            && !self.taken.contains(&verb)
            && !(asks(verb) && self.failed.as_ref() == Some(path))
    }

    fn worked(&mut self, command: &Command) {
        let verb = command.verb();
        if self.custom != Custom::Unknown || argument(command).is_none_or(|path| split(path).is_none()) {
            return;
        }
        if matches!(verb, Verb::Retr | Verb::Stor | Verb::Appe | Verb::Dele | Verb::Mkd | Verb::Rmd) {
            self.custom = Custom::Whole;
        } else if !self.taken.contains(&verb) {
            self.taken.push(verb);
        }
    }

    /// The caller has gone somewhere itself: from now on that is where it believes to be.
    fn leave_home(&mut self) {
        if let Home::At(_) = self.home {
            self.home = Home::NotAsked;
        }
    }

    /// A bare name has worked where the path has not.
    pub(crate) fn bare_works(&mut self) {
        self.custom = Custom::Bare;
    }

    fn not_found(&mut self, command: &Command) {
        if asks(command.verb()) {
            self.failed = argument(command).cloned();
        }
        if let Some((parent, _)) = argument(command).and_then(split)
            && self.refused.len() < REFUSED
        {
            self.refused.push((parent, command.verb()));
        }
    }

    /// Neither has.
    pub(crate) fn both_failed(&mut self, command: &Command) {
        self.not_found(command);
        self.failures += 1;
        if self.failures >= ENOUGH {
            self.custom = Custom::Whole;
        }
    }
}

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
            return self.say(Command::Cwd(directory.clone()), Want::Completion, patience).await.map(drop);
        }
        for (step, _) in steps(directory) {
            self.say(Command::Cwd(step), Want::Completion, patience).await?;
        }
        Ok(())
    }

    /// Says just this.
    pub(crate) async fn say(
        &mut self,
        command: Command,
        want: Want,
        patience: Patience,
    ) -> Result<Reply, Error> {
        self.pursue(Exchange::new(command, want, patience, now())).await
    }
}

impl Paths {
    /// A path as it is from everywhere, as far as that is known.
    fn absolute(&self, path: &Pathname) -> Pathname {
        match &self.home {
            Home::At(home) if !path.as_bytes().starts_with(b"/") => {
                crate::walk::below(Some(home), path.as_bytes()).unwrap_or_else(|| path.clone())
            }
            _ => path.clone(),
        }
    }
}

/// May the refusal be one of the path, rather than of the verb, the user or the disk?
fn refuses_path(error: &Error, verb: Verb) -> bool {
    matches!(error, Error::Refused { said, reply }
        if matches!(reply.code.get(), 501 | 504 | 550 | 551 | 553 | 554) && said.starts_with(&verb.to_string()))
}

/// Does it only ask? The answers to several of these about one path are one question.
fn asks(verb: Verb) -> bool {
    matches!(verb, Verb::Size | Verb::Mdtm | Verb::Mlst | Verb::Mfmt | Verb::Hash)
}

/// A refusal of a bare name, said of the path.
pub(crate) fn of_path(error: Error, command: &Command) -> Error {
    match error {
        Error::Refused { said, reply } if said.starts_with(&format!("{} ", command.verb())) => {
            Error::Refused { said: event::said(command), reply }
        }
        other => other,
    }
}

/// The path that a command is about.
fn argument(command: &Command) -> Option<&Pathname> {
    match command {
        Command::Retr(path)
        | Command::Stor(path)
        | Command::Appe(path)
        | Command::Dele(path)
        | Command::Rmd(path)
        | Command::Mkd(path)
        | Command::Rnfr(path)
        | Command::Rnto(path)
        | Command::Size(path)
        | Command::Hash(path)
        | Command::Mfmt(_, path) => Some(path),
        Command::Mdtm(mdtm) => Some(&mdtm.whole),
        Command::Mlst(path) | Command::Mlsd(path) | Command::List(path) | Command::Nlst(path) => {
            path.as_ref()
        }
        _ => None,
    }
}

/// Does it mean another thing in another directory?
fn depends_on_directory(command: &Command) -> bool {
    argument(command).is_some()
        || matches!(
            command,
            Command::Cwd(_)
                | Command::Cdup
                | Command::Pwd
                | Command::ListAll
                | Command::List(_)
                | Command::Nlst(_)
                | Command::Mlst(_)
                | Command::Mlsd(_)
        )
}

/// The directory to go to, and the same command there: by the name of a file, and of a directory to be listed by none.
fn bare(command: &Command, path: &Pathname) -> Option<(Pathname, Command)> {
    let (parent, name) = split(path)?;
    let bare = match command {
        Command::Retr(_) => Command::Retr(name),
        Command::Stor(_) => Command::Stor(name),
        Command::Appe(_) => Command::Appe(name),
        Command::Dele(_) => Command::Dele(name),
        Command::Rmd(_) => Command::Rmd(name),
        Command::Mkd(_) => Command::Mkd(name),
        Command::Rnfr(_) => Command::Rnfr(name),
        Command::Size(_) => Command::Size(name),
        Command::Hash(_) => Command::Hash(name),
        Command::Mfmt(time, _) => Command::Mfmt(*time, name),
        Command::Mdtm(_) => Command::Mdtm(wire::command::Mdtm { whole: name, set: None }),
        Command::Mlst(_) => Command::Mlst(Some(name)),
        Command::Mlsd(_) => return Some((path.clone(), Command::Mlsd(None))),
        Command::List(_) => return Some((path.clone(), Command::List(None))),
        Command::Nlst(_) => return Some((path.clone(), Command::Nlst(None))),
        _ => return None,
    };
    Some((parent, bare))
}

/// The directory of a path and the name in it; none where there is only a name.
fn split(path: &Pathname) -> Option<(Pathname, Pathname)> {
    let bytes = path.as_bytes();
    let bytes = bytes.strip_suffix(b"/").unwrap_or(bytes);
    let at = bytes.iter().rposition(|byte| *byte == b'/')?;
    let parent = if at == 0 { b"/" } else { bytes.get(..at)? };
    Some((Pathname::new(parent).ok()?, Pathname::new(bytes.get(at + 1..)?).ok()?))
}

/// The names of a path, each with the path up to it.
fn steps(path: &Pathname) -> Vec<(Pathname, Pathname)> {
    let bytes = path.as_bytes();
    let mut steps = Vec::new();
    if bytes.starts_with(b"/") {
        steps.extend(Pathname::new("/").ok().map(|root| (root.clone(), root)));
    }
    let mut begin = 0;
    for at in (0..=bytes.len()).filter(|at| bytes.get(*at).is_none_or(|byte| *byte == b'/')) {
        let name = bytes.get(begin..at).filter(|name| !name.is_empty());
        let pair =
            name.and_then(|name| Some((Pathname::new(name).ok()?, Pathname::new(bytes.get(..at)?).ok()?)));
        steps.extend(pair);
        begin = at + 1;
    }
    steps
}

/// The directory that a 257 names: between quotes (RFC 959 app. II), or, as some servers have it, without.
pub(crate) fn directory_in(text: &[u8]) -> Option<Pathname> {
    let quoted = text.iter().position(|byte| *byte == b'"');
    let found = match quoted.and_then(|at| Pathname::unquote(text.get(at..)?)) {
        Some(path) => path,
        None => {
            let at = text.iter().position(|byte| *byte == b'/')?;
            let path = text.get(at..)?;
            let end =
                path.windows(4).position(|word| word.eq_ignore_ascii_case(b" is ")).unwrap_or(path.len());
            path.get(..end)?.trim_ascii_end().to_vec()
        }
    };
    Pathname::new(found).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Pathname {
        Pathname::new(text).unwrap()
    }

    #[test]
    fn a_path_is_a_directory_and_a_name() {
        let pair = |a: &str, b: &str| Some((path(a), path(b)));
        assert_eq!(split(&path("a/b/c")), pair("a/b", "c"));
        assert_eq!(split(&path("/c")), pair("/", "c"));
        assert_eq!(split(&path("a/b/")), pair("a", "b"));
        assert_eq!((split(&path("a")), split(&path("a/")), split(&path("/"))), (None, None, None));
        let names = |text: &str| -> Vec<String> {
            steps(&path(text)).iter().map(|(name, so_far)| format!("{name} {so_far}")).collect()
        };
        assert_eq!(names("a/b c/d"), ["a a", "b c a/b c", "d a/b c/d"]);
        assert_eq!(names("/a//b/"), ["/ /", "a /a", "b /a//b"]);
    }

    #[test]
    fn where_we_are_is_read_with_quotes_and_without() {
        for (text, wanted) in [
            (r#""/a ""b"" c" is it"#, Some(r#"/a "b" c"#)),
            (r#"Current directory is "/x""#, Some("/x")),
            ("/home/ada is current directory", Some("/home/ada")),
            ("/home/ada", Some("/home/ada")),
            ("Working directory: /home/a b ", Some("/home/a b")),
            ("somewhere", None),
            ("", None),
        ] {
            assert_eq!(directory_in(text.as_bytes()), wanted.map(path), "{text}");
        }
    }

    #[test]
    fn what_has_worked_is_not_tried_in_another_way() {
        let refused = |code| Error::Refused { said: "RETR a/b".to_owned(), reply: Reply::new(code, "no") };
        let retr = |text| Command::Retr(path(text));
        let mut paths = Paths::default();
        assert!(paths.may_try(&retr("a/b"), &refused(550)) && paths.may_try(&retr("a/b"), &refused(553)));
        for code in [450, 500, 502, 530, 552, 425, 451] {
            assert!(!paths.may_try(&retr("a/b"), &refused(code)), "{code}");
        }
        assert!(!paths.may_try(&retr("a"), &refused(550)));
        paths.worked(&Command::Size(path("a/b")));
        assert!(paths.may_try(&retr("a/b"), &refused(550)), "SIZE is another verb");
        paths.worked(&retr("b"));
        assert!(paths.may_try(&retr("a/b"), &refused(550)), "that was no path");
        paths.worked(&retr("x/y"));
        assert!(!paths.may_try(&retr("a/b"), &refused(550)));
        let mut paths = Paths::default();
        ["a/b"; ENOUGH as usize].into_iter().for_each(|name| paths.both_failed(&retr(name)));
        assert!(!paths.may_try(&retr("x/c"), &refused(550)));
        // Once for a directory and a verb.
        let mut paths = Paths::default();
        paths.both_failed(&retr("a/b"));
        assert!(!paths.may_try(&retr("a/c"), &refused(550)));
        assert!(paths.may_try(&retr("b/c"), &refused(550)));
    }
}
