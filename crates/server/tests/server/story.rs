//! How is a story read? The format is told in `tests/sessions/README.md`.
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// One story: the site it is told of, what happens, and what is on the disk at the end.
#[derive(Debug)]
pub(crate) struct Story {
    /// `group/story`.
    pub(crate) name: String,
    /// What the site is like: [`Setup::lay`](crate::setup::Setup::lay) reads it.
    pub(crate) site: Vec<ClientControl<String>>,
    pub(crate) steps: Vec<ClientControl<Step>>,
    /// What is so on the disk at the end: [`Setup::check`](crate::setup::Setup::check) reads it.
    pub(crate) checks: Vec<ClientControl<String>>,
}

/// A thing and the line of the file it stands on.
#[derive(Debug)]
pub(crate) struct ClientControl<T> {
    pub(crate) number: usize,
    pub(crate) what: T,
}

/// What happens next, in which session.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) session: usize,
    pub(crate) act: Act,
}

#[derive(Debug)]
pub(crate) enum Act {
    Say(Text),
    Urgent(Text),
    HangUp,
    Hear(Text),
    HearUntil,
    HearEnd,
    Connect(Manner),
    Listen,
    Close,
    Send(Text),
    EndSending,
    /// Without close_notify.
    Cut,
    Break,
    Receive(Text),
    ReceiveLines(Vec<Text>),
    Await(u64),
    Stop,
}

/// How a data connection is made where PROT P was agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As it should be.
    Own,
    /// It resumes nothing.
    Unbound,
    /// Without TLS.
    Clear,
}

/// Text with escapes, wildcards and names of things known only at play time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text(Vec<Token>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Byte(u8),
    /// Any bytes, none too.
    Any,
    Name(String),
}

impl Text {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            match c {
                '\\' => {
                    let kind = rest.chars().next().ok_or("a backslash at the end")?;
                    rest = &rest[kind.len_utf8()..];
                    tokens.push(Token::Byte(match kind {
                        'r' => b'\r',
                        'n' => b'\n',
                        't' => b'\t',
                        '0' => 0,
                        '\\' | '*' | '{' => kind as u8,
                        'x' => {
                            let digits = rest.get(..2).ok_or("\\x wants two digits")?;
                            rest = &rest[2..];
                            u8::from_str_radix(digits, 16).map_err(|e| e.to_string())?
                        }
                        other => return Err(format!("\\{other} means nothing")),
                    }));
                }
                '*' => tokens.push(Token::Any),
                '{' => {
                    let end = rest.find('}').ok_or("{ without }")?;
                    let inner = &rest[..end];
                    rest = &rest[end + 1..];
                    match inner.rsplit_once('*') {
                        Some((what, times)) => {
                            let times: usize = times.parse().map_err(|_| "{text*N} wants a number")?;
                            let once = Self::parse(what)?.0;
                            for _ in 0..times {
                                tokens.extend_from_slice(&once);
                            }
                        }
                        None => tokens.push(Token::Name(inner.to_owned())),
                    }
                }
                other => tokens.extend(other.encode_utf8(&mut [0; 4]).bytes().map(Token::Byte)),
            }
        }
        Ok(Self(tokens))
    }

    /// The bytes it stands for; `known` gives the things with names.
    pub(crate) fn bytes(&self, known: impl Fn(&str) -> Result<String, String>) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        for token in &self.0 {
            match token {
                Token::Byte(b) => out.push(*b),
                Token::Any => out.push(b'*'),
                Token::Name(name) => out.extend(known(name)?.into_bytes()),
            }
        }
        Ok(out)
    }

    /// Does it describe all of `bytes`?
    pub(crate) fn matches(&self, bytes: &[u8]) -> bool {
        let (mut t, mut b, mut retry) = (0, 0, None);
        loop {
            match self.0.get(t) {
                Some(Token::Any) if t + 1 == self.0.len() => return true,
                Some(Token::Any) => {
                    retry = Some((t + 1, b));
                    t += 1;
                    continue;
                }
                Some(Token::Byte(want)) if bytes.get(b) == Some(want) => {
                    t += 1;
                    b += 1;
                    continue;
                }
                None if b == bytes.len() => return true,
                _ => {}
            }
            match retry {
                Some((after, at)) if at < bytes.len() => {
                    retry = Some((after, at + 1));
                    t = after;
                    b = at + 1;
                }
                _ => return false,
            }
        }
    }

    /// The bytes of a text in which nothing may vary.
    pub(crate) fn fixed(&self) -> Result<Vec<u8>, String> {
        self.bytes(|name| Err(format!("{{{name}}} is not known here")))
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for token in &self.0 {
            match token {
                Token::Byte(b) => write!(f, "{}", b.escape_ascii())?,
                Token::Any => f.write_str("*")?,
                Token::Name(name) => write!(f, "{{{name}}}")?,
            }
        }
        Ok(())
    }
}

/// How long a story may take: none waits for more than a few deadlines of a fraction of a second.
pub(crate) const BOUND: Duration = Duration::from_secs(10);

/// Where the stories are.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/sessions")
}

/// All stories of the server (those in `client` are the client's), sorted by name. One that cannot be read is
/// a failed test, said with all the others.
pub(crate) fn all() -> Vec<Story> {
    let (mut stories, mut wrong) = (Vec::new(), Vec::new());
    let groups = fs::read_dir(folder()).expect("tests/sessions is in the repository");
    for group in
        groups.map(|g| g.expect("a readable folder").path()).filter(|p| p.is_dir() && !p.ends_with("client"))
    {
        for file in fs::read_dir(&group).expect("a readable folder") {
            let file = file.expect("a readable folder").path();
            if file.extension().is_none_or(|e| e != "txt") {
                continue;
            }
            let part = |p: &Path| p.file_stem().expect("a name").to_string_lossy().into_owned();
            let name = format!("{}/{}", part(&group), part(&file));
            match Story::parse(&name, &fs::read_to_string(&file).expect("a story is UTF-8")) {
                Ok(story) => stories.push(story),
                Err((line, why)) => wrong.push(format!("tests/sessions/{name}.txt:{line}: {why}")),
            }
        }
    }
    assert!(wrong.is_empty(), "stories that cannot be read:\n{}", wrong.join("\n"));
    stories.sort_by(|a, b| a.name.cmp(&b.name));
    stories
}

impl Story {
    pub(crate) fn parse(name: &str, text: &str) -> Result<Self, (usize, String)> {
        let mut story =
            Self { name: name.to_owned(), site: Vec::new(), steps: Vec::new(), checks: Vec::new() };
        let mut prose = 0;
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            let (tag, rest) = line.split_once(' ').unwrap_or((line, ""));
            match tag {
                "" => Ok(()),
                "#" => {
                    prose += 1;
                    Ok(())
                }
                "@" => story.directive(number, rest),
                "=" => {
                    story.checks.push(ClientControl { number, what: rest.to_owned() });
                    Ok(())
                }
                _ => story.step(number, tag, rest),
            }
            .map_err(|why| (number, why))?;
        }
        match (prose, story.steps.is_empty()) {
            (0, _) => Err((1, "a story begins with prose: what it shows, and why".to_owned())),
            (_, true) => Err((1, "nothing happens".to_owned())),
            _ => Ok(story),
        }
    }

    fn directive(&mut self, number: usize, rest: &str) -> Result<(), String> {
        let login = rest.strip_suffix(", TYPE I").filter(|login| login.starts_with("logged in"));
        self.site.push(ClientControl { number, what: login.unwrap_or(rest).to_owned() });
        if login.is_some() {
            self.step(number, "C:", "TYPE I")?;
            self.step(number, "S:", "200 *")?;
        }
        Ok(())
    }

    fn step(&mut self, number: usize, tag: &str, rest: &str) -> Result<(), String> {
        let who = tag.get(..1).ok_or("a tag is of plain letters")?;
        let digits = tag[1..].chars().take_while(char::is_ascii_digit).count();
        if let Some(steps) = shorthand(who, &tag[1 + digits..], rest) {
            let id = &tag[1..=digits];
            let mut steps = steps.into_iter();
            return steps
                .try_for_each(|(who, kind, rest)| self.step(number, &format!("{who}{id}{kind}"), &rest));
        }
        let session = if digits == 0 { 1 } else { tag[1..=digits].parse().map_err(|_| "no such session")? };
        let text = || Text::parse(rest);
        let act = match (who, &tag[1 + digits..]) {
            ("C", ":") => {
                let mut line = text()?;
                line.0.extend([Token::Byte(b'\r'), Token::Byte(b'\n')]);
                Act::Say(line)
            }
            ("C", "~") => Act::Say(text()?),
            ("C", "!") => Act::Urgent(text()?),
            ("C", ".") => Act::HangUp,
            ("S", ":") => Act::Hear(text()?),
            ("S", "...") => Act::HearUntil,
            ("S", ".") => Act::HearEnd,
            ("D", "+") => Act::Connect(match rest {
                "" => Manner::Own,
                "unbound" => Manner::Unbound,
                "clear" => Manner::Clear,
                other => return Err(format!("no data connection is {other}")),
            }),
            ("D", "L") => Act::Listen,
            ("D", "X") => Act::Close,
            ("D", ">") => Act::Send(text()?),
            ("D", ">.") if rest == "cut" => Act::Cut,
            ("D", ">.") => Act::EndSending,
            ("D", "!") => Act::Break,
            ("D", "?") => Act::Await(rest.parse().map_err(|_| "D? wants a number of bytes")?),
            ("D", "<") => {
                // What is sent until the end may stand on several lines.
                let last =
                    self.steps.last_mut().filter(|l| l.what.session == session).map(|l| &mut l.what.act);
                if let Some(Act::Receive(before)) = last {
                    before.0.extend(text()?.0);
                    return Ok(());
                }
                Act::Receive(text()?)
            }
            ("D", "*") => {
                let last =
                    self.steps.last_mut().filter(|l| l.what.session == session).map(|l| &mut l.what.act);
                if let Some(Act::ReceiveLines(before)) = last {
                    before.push(text()?);
                    return Ok(());
                }
                Act::ReceiveLines(if rest.is_empty() { Vec::new() } else { vec![text()?] })
            }
            ("K", ":") if rest == "stop" => Act::Stop,
            _ => return Err(format!("{tag} means nothing")),
        };
        self.steps.push(ClientControl { number, what: Step { session, act } });
        Ok(())
    }
}

/// A word and what is left; the word's escapes are read, so that `\x20` is a blank in it.
pub(crate) fn word(rest: &str) -> Result<(String, &str), String> {
    let (word, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let bytes = Text::parse(word)?.fixed()?;
    Ok((String::from_utf8(bytes).map_err(|_| "names of the set-up are UTF-8")?, rest))
}

/// The steps that a tag stands for, where it stands for several.
fn shorthand(who: &str, kind: &str, rest: &str) -> Option<Vec<(&'static str, &'static str, String)>> {
    let step = |who, kind, rest: &str| (who, kind, rest.to_owned());
    Some(match (who, kind) {
        ("D", "P") => vec![step("C", ":", "EPSV"), step("S", ":", "229 *"), step("D", "+", "")],
        ("T", ":") => vec![step("D", "P", ""), step("C", ":", rest), step("S", ":", "150 *")],
        ("L", ":") => {
            let (user, password) = rest.split_once(' ')?;
            vec![
                ("C", ":", format!("USER {user}")),
                step("S", ":", "331 *"),
                ("C", ":", format!("PASS {password}")),
                step("S", ":", "230 *"),
            ]
        }
        ("L", "T:") => vec![
            step("C", ":", "AUTH TLS"),
            step("S", ":", "234 *"),
            step("L", ":", rest),
            step("C", ":", "TYPE I"),
            step("S", ":", "200 *"),
            step("C", ":", "PBSZ 0"),
            step("S", ":", "200 *"),
            step("C", ":", "PROT P"),
            step("S", ":", "200 Data connections will be encrypted."),
        ],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use wire::Verb;
    use wire::verb::TABLE;

    use super::*;
    use crate::setup::Setup;

    #[test]
    fn every_verb_is_in_a_story() {
        let mut said = HashSet::new();
        for line in all().into_iter().flat_map(|story| story.steps) {
            if let Act::Say(text) = line.what.act {
                // Names of ports are of no matter here.
                let bytes = text.bytes(|name| Ok(name.to_owned())).expect("names are known");
                for line in bytes.split(|b| *b == b'\n') {
                    let word = line.split(|b| matches!(b, b' ' | b'\r')).next().unwrap_or_default();
                    said.extend(Verb::parse(word));
                }
            }
        }
        let missing: Vec<_> =
            TABLE.iter().filter(|row| !said.contains(&row.verb)).map(|row| row.name).collect();
        assert!(missing.is_empty(), "no story says {missing:?}");
    }

    #[test]
    fn texts_have_escapes_wildcards_and_repeats() {
        let text = |t: &str| Text::parse(t).unwrap();
        assert_eq!(text("a\\r\\n\\xff\\0{ab*3}").fixed().unwrap(), b"a\r\n\xff\0ababab");
        assert!(text("227 * (*)").matches(b"227 Entering (1,2)"));
        assert!(!text("227 * (*)").matches(b"227 Entering (1,2"));
        assert!(text("a*b*c").matches(b"abbbc") && !text("a*b*c").matches(b"abbb"));
        assert!(text("\\*").matches(b"*") && !text("\\*").matches(b"x"));
        assert!(text("").matches(b"") && text("*").matches(b""));
    }

    #[test]
    fn what_means_nothing_is_said_with_its_line() {
        assert_eq!(Story::parse("x", "# a\nX: y\n").unwrap_err().0, 2);
        assert!(Story::parse("x", "C: NOOP\n").unwrap_err().1.contains("prose"));
        let unknown = Story::parse("x", "# a\n@ frobnicate\nC: NOOP\n").unwrap();
        assert!(Setup::lay(&unknown).is_err_and(|why| why.contains("x.txt:2: ")));
    }
}
