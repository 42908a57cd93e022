//! Does a server take paths with slashes, and where is the session?
use wire::{Command, Pathname, Verb};

use crate::error::Error;
use crate::event;

/// So many names that were not found by path nor by CWD, in directories that were, show that nothing is wrong
/// with paths.
const ENOUGH: u32 = 8;

/// So many directories are remembered; where more are refused, the session has other troubles than how paths
/// are said.
const REFUSED: usize = 64;

/// How paths are said in a session, and where it is.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    pub(crate) custom: Custom,
    /// CWD takes one name at a time.
    pub(crate) steps: bool,
    /// The directory to return to, where it was asked for.
    pub(crate) home: Home,
    /// Where the session has gone from there.
    pub(crate) moved: Option<Pathname>,
    /// The verbs whose path with a slash was taken.
    pub(crate) taken: Vec<Verb>,
    /// The last path that was asked for in both ways.
    failed: Option<Pathname>,
    /// How often that was so.
    failures: u32,
    /// The directories in which a verb's bare name, or CWD itself, was refused too: not worth another try.
    refused: Vec<(Pathname, Verb)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Custom {
    #[default]
    Unknown,
    /// The path as it is: that works, or CWD does not.
    Whole,
    /// CWD, and the bare name.
    Bare,
}

#[derive(Debug, Default)]
pub(crate) enum Home {
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

    pub(crate) fn worked(&mut self, command: &Command) {
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
    pub(crate) fn leave_home(&mut self) {
        if let Home::At(_) = self.home {
            self.home = Home::NotAsked;
        }
    }

    /// A bare name has worked where the path has not.
    pub(crate) fn bare_works(&mut self) {
        self.custom = Custom::Bare;
    }

    pub(crate) fn not_found(&mut self, command: &Command) {
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

    /// A path as it is from everywhere, as far as that is known.
    pub(crate) fn absolute(&self, path: &Pathname) -> Pathname {
        match &self.home {
            Home::At(home) if !path.as_bytes().starts_with(b"/") => {
                below(Some(home), path.as_bytes()).unwrap_or_else(|| path.clone())
            }
            _ => path.clone(),
        }
    }
}

/// May the refusal be one of the path, rather than of the verb, the user or the disk?
pub(crate) fn refuses_path(error: &Error, verb: Verb) -> bool {
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
pub(crate) fn argument(command: &Command) -> Option<&Pathname> {
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
pub(crate) fn depends_on_directory(command: &Command) -> bool {
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

/// The directory to go to, and the same command there: by the name of a file, and of a directory to be listed
/// by none.
pub(crate) fn bare(command: &Command, path: &Pathname) -> Option<(Pathname, Command)> {
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
pub(crate) fn split(path: &Pathname) -> Option<(Pathname, Pathname)> {
    let bytes = path.as_bytes();
    let bytes = bytes.strip_suffix(b"/").unwrap_or(bytes);
    let at = bytes.iter().rposition(|byte| *byte == b'/')?;
    let parent = if at == 0 { b"/" } else { bytes.get(..at)? };
    Some((Pathname::new(parent).ok()?, Pathname::new(bytes.get(at + 1..)?).ok()?))
}

/// The directory of a path, none where that is the one of the session, and the name in it.
pub(crate) fn parent_and_name(path: &Pathname) -> (Option<Pathname>, Pathname) {
    match split(path) {
        Some((parent, name)) => (Some(parent), name),
        None => (None, path.clone()),
    }
}

/// The names of a path, each with the path up to it.
pub(crate) fn steps(path: &Pathname) -> Vec<(Pathname, Pathname)> {
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

/// The path of `name` in `directory`; `None` for a name that no command can carry.
#[must_use]
pub fn below(directory: Option<&Pathname>, name: &[u8]) -> Option<Pathname> {
    let mut path = directory.map(|d| d.as_bytes().to_vec()).unwrap_or_default();
    if path.last().is_some_and(|b| *b != b'/') {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    Pathname::new(path).ok()
}

#[cfg(test)]
mod tests {
    use wire::Reply;

    use super::*;

    fn path(text: &str) -> Pathname {
        Pathname::new(text).unwrap()
    }

    #[test]
    fn paths_are_joined_with_one_slash() {
        assert_eq!(below(None, b"a"), Some(path("a")));
        assert_eq!(below(Some(&path("/")), b"a"), Some(path("/a")));
        assert_eq!(below(Some(&path("x/y")), b" a"), Some(path("x/y/ a")));
        assert_eq!(below(Some(&path("x")), b"a\nb"), None);
    }

    #[test]
    fn a_path_is_a_directory_and_a_name() {
        let pair = |a: &str, b: &str| Some((path(a), path(b)));
        assert_eq!(split(&path("a/b/c")), pair("a/b", "c"));
        assert_eq!(split(&path("/c")), pair("/", "c"));
        assert_eq!(split(&path("a/b/")), pair("a", "b"));
        assert_eq!(parent_and_name(&path("a")), (None, path("a")));
        assert_eq!(parent_and_name(&path("/a")), (Some(path("/")), path("a")));
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
