//! How is a story played? Step by step, by the clients of a running server.
use std::net::SocketAddr;

use crate::loopback::Loopback;
use crate::setup::Setup;
use crate::story::{Act, BOUND, ClientControl, Story, Text};

/// What went wrong, and where.
#[derive(Debug)]
pub(crate) struct Failure(pub String);

/// Plays a story to its end and looks at the disk.
pub(crate) async fn play(story: &Story, setup: &Setup, stage: &mut Loopback) -> Result<(), Failure> {
    let mut player =
        Player { setup, stage, said: Vec::new(), in_progress: Vec::new(), gone: Vec::new(), at: None };
    let mut line = 0;
    let telling = async {
        for step in &story.steps {
            line = step.number;
            player.step(step.what.session, &step.what.act).await?;
        }
        for who in std::mem::take(&mut player.in_progress) {
            player.goodbye(who).await?;
        }
        player.stage.leave().await;
        for ClientControl { number, what } in &story.checks {
            line = *number;
            setup.check(what)?;
        }
        Ok(())
    };
    // The steps are what may wait; a story that hangs says where.
    let told: Result<(), String> = match tokio::time::timeout(BOUND, telling).await {
        Ok(told) => told,
        Err(_) => Err(format!("nothing more happens within {BOUND:?}")),
    };
    told.map_err(|why| {
        let from = player.said.len().saturating_sub(8);
        let before: String = player.said[from..].iter().map(|l| format!("\n      {l}")).collect();
        Failure(format!("tests/sessions/{}.txt:{line}: {why}\n    after{before}", story.name))
    })
}

struct Player<'a> {
    setup: &'a Setup,
    stage: &'a mut Loopback,
    /// The dialogue so far.
    said: Vec<String>,
    /// The clients that are connected.
    in_progress: Vec<usize>,
    /// Those that have left, or were sent away; a data connection of theirs may go on.
    gone: Vec<usize>,
    /// Where the client listens.
    at: Option<SocketAddr>,
}

impl Player<'_> {
    async fn step(&mut self, who: usize, act: &Act) -> Result<(), String> {
        if !self.in_progress.contains(&who) && !self.gone.contains(&who) && !matches!(act, Act::Stop) {
            self.in_progress.push(who);
            self.log_in(who).await?;
        }
        match act {
            Act::Say(text) => {
                let bytes = self.bytes(text)?;
                self.say(who, &bytes).await
            }
            Act::Urgent(text) => {
                let bytes = self.bytes(text)?;
                self.said.push(format!("C{who}! {}", bytes.escape_ascii()));
                self.stage.urgent(who, &bytes).await
            }
            Act::HangUp => {
                self.stage.hang_up(who).await;
                self.in_progress.retain(|w| *w != who);
                self.gone.push(who);
                Ok(())
            }
            Act::Hear(text) => {
                let line = self.hear(who).await?;
                expect(text, line.as_deref())
            }
            Act::HearUntil => self.hear_until(who).await,
            Act::HearEnd => {
                self.in_progress.retain(|w| *w != who);
                self.gone.push(who);
                match self.hear(who).await? {
                    None => Ok(()),
                    Some(line) => Err(format!("expected the server to close, got {}", line.escape_ascii())),
                }
            }
            Act::Connect(how) => self.stage.connect(who, *how).await,
            Act::Listen => {
                self.at = Some(self.stage.listen(who).await?);
                Ok(())
            }
            Act::Close => {
                self.stage.close(who).await;
                Ok(())
            }
            Act::Send(text) => {
                let bytes = self.bytes(text)?;
                self.stage.send(who, &bytes).await
            }
            Act::EndSending => self.stage.end_sending(who).await,
            Act::Cut => self.stage.cut(who).await,
            Act::Break => self.stage.reset(who).await,
            Act::Receive(text) => {
                let got = self.stage.receive(who).await?;
                if text.matches(&got) {
                    return Ok(());
                }
                let shown = &got[..got.len().min(400)];
                Err(format!("expected the data {text}, got {} bytes: {}", got.len(), shown.escape_ascii()))
            }
            Act::ReceiveLines(patterns) => {
                let got = self.stage.receive(who).await?;
                lines_match(patterns, &got)
            }
            Act::Await(bytes) => self.until_moved(who, *bytes).await,
            Act::Stop => {
                self.stage.stop();
                Ok(())
            }
        }
    }

    fn bytes(&self, text: &Text) -> Result<Vec<u8>, String> {
        let at = self.at;
        text.bytes(|name| {
            let at = at.ok_or("the client listens nowhere yet (DL)")?;
            match name {
                "port" => Ok(at.port().to_string()),
                "host-port" => {
                    let (high, low) = (at.port() >> 8, at.port() & 255);
                    Ok(format!("{},{high},{low}", at.ip().to_string().replace('.', ",")))
                }
                _ => Err(format!("{{{name}}} is not known")),
            }
        })
    }

    async fn say(&mut self, who: usize, bytes: &[u8]) -> Result<(), String> {
        self.said.push(format!("C{who}~ {}", bytes.escape_ascii()));
        self.stage.say(who, bytes).await
    }

    async fn hear(&mut self, who: usize) -> Result<Option<Vec<u8>>, String> {
        let line = self.stage.hear(who).await?;
        let shown = line.as_ref().map_or("(closed)".to_owned(), |l| l.escape_ascii().to_string());
        self.said.push(format!("S{who}: {shown}"));
        Ok(line)
    }

    /// Hears lines until the last one of a reply, and throws them away.
    async fn hear_until(&mut self, who: usize) -> Result<(), String> {
        loop {
            match self.hear(who).await? {
                Some(line) if line.get(3) == Some(&b' ') && line[..3].iter().all(u8::is_ascii_digit) => {
                    return Ok(());
                }
                Some(_) => {}
                None => return Err("expected the end of a reply, the server closed".to_owned()),
            }
        }
    }

    async fn log_in(&mut self, who: usize) -> Result<(), String> {
        let Some(user) = &self.setup.login else { return Ok(()) };
        let mut pass = b"PASS ".to_vec();
        pass.extend(self.setup.password.as_deref().unwrap_or(b"story@example.net"));
        pass.extend_from_slice(b"\r\n");
        let lines = [(Vec::new(), "220 "), (format!("USER {user}\r\n").into_bytes(), "331 "), (pass, "230 ")];
        for (line, code) in lines {
            if !line.is_empty() {
                self.say(who, &line).await?;
            }
            let reply = self.hear(who).await?.unwrap_or_default();
            if !reply.starts_with(code.as_bytes()) {
                return Err(format!("expected {code}at the login, got {}", reply.escape_ascii()));
            }
        }
        Ok(())
    }

    /// A story that leaves its client connected says goodbye: so a reply too many does not go unseen.
    async fn goodbye(&mut self, who: usize) -> Result<(), String> {
        self.say(who, b"QUIT\r\n").await?;
        match self.hear(who).await? {
            Some(line) if line.starts_with(b"221 ") => {}
            Some(line) => return Err(format!("expected 221 to a last QUIT, got {}", line.escape_ascii())),
            None => return Err("expected 221 to a last QUIT, the server had closed".to_owned()),
        }
        match self.hear(who).await? {
            None => Ok(()),
            Some(line) => {
                Err(format!("expected the server to close after QUIT, got {}", line.escape_ascii()))
            }
        }
    }

    /// A client asks how far the transfer is, until it has come to so many bytes.
    async fn until_moved(&mut self, who: usize, bytes: u64) -> Result<(), String> {
        let wanted = format!(" {bytes} bytes so far.");
        loop {
            self.stage.say(who, b"STAT\r\n").await?;
            let mut moved = false;
            loop {
                let line = self.stage.hear(who).await?.ok_or("the server closed during a transfer")?;
                moved |= line.ends_with(wanted.as_bytes());
                if line.starts_with(b"211 ") {
                    break;
                }
                if !line.starts_with(b"211-") && !line.starts_with(b" ") {
                    return Err(format!("expected 211 to STAT, got {}", line.escape_ascii()));
                }
            }
            if moved {
                return Ok(());
            }
            tokio::task::yield_now().await;
        }
    }
}

fn expect(text: &Text, line: Option<&[u8]>) -> Result<(), String> {
    match line {
        Some(line) if text.matches(line) => Ok(()),
        Some(line) => Err(format!("expected {text}\n    got      {}", line.escape_ascii())),
        None => Err(format!("expected {text}\n    got      the end of the connection")),
    }
}

/// Every line has its pattern and every pattern its line, in any order.
fn lines_match(patterns: &[Text], got: &[u8]) -> Result<(), String> {
    let mut left: Vec<&Text> = patterns.iter().collect();
    let mut rest = got;
    while let Some(at) = rest.windows(2).position(|w| w == b"\r\n") {
        let line = &rest[..at];
        rest = &rest[at + 2..];
        match left.iter().position(|p| p.matches(line)) {
            Some(at) => drop(left.remove(at)),
            None => return Err(format!("no D* line is like {}", line.escape_ascii())),
        }
    }
    match (left.first(), rest.is_empty()) {
        (Some(missing), _) => Err(format!("no line came that is like {missing}; got {}", got.escape_ascii())),
        (None, false) => Err(format!("the listing ends within a line: {}", rest.escape_ascii())),
        (None, true) => Ok(()),
    }
}
