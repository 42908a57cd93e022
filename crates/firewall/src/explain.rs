//! How are a server's rules explained to a person?

use core::fmt::Write as _;

use crate::rules::{Mode, Role, Rule, Rules};

/// The client's side of the drawing; the server's is as wide as its ports.
const CLIENT: &str = "port > 1023";

impl Rules {
    /// The rules in words with a drawing, as lines of plain ASCII for a terminal.
    ///
    /// Lines stay under 80 columns unless the server has many separate ports.
    pub fn explain(&self) -> String {
        let mut text = String::new();
        for mode in [Mode::Passive, Mode::Active] {
            let Some(four) = self.four(mode) else { continue };
            let (name, opener) = match mode {
                Mode::Passive => ("Passive mode", "the client opens both connections."),
                Mode::Active => ("Active mode", "the server opens the data connection."),
            };
            if !text.is_empty() {
                text.push('\n');
            }
            line(&mut text, &format!("{name}: {opener}"));
            text.push('\n');
            line(&mut text, &format!("    {:<11}{:24}server", "client", ""));
            for rule in four {
                line(&mut text, &drawn(rule));
            }
            text.push('\n');
            for rule in four {
                line(&mut text, &told(rule));
            }
            line(&mut text, &advice(&four));
        }
        if text.is_empty() {
            line(&mut text, "The server offers neither passive nor active mode: no file can be transferred.");
        } else {
            line(
                &mut text,
                &format!("TCP over {}. No FTP helper is needed in any firewall.", self.families()),
            );
        }
        text
    }
}

/// One arrow: `port > 1023 ---- 1 opens -----> port 21`.
fn drawn(rule: &Rule) -> String {
    let label = match rule.role {
        Role::Opens => format!(" {} opens ", rule.number),
        Role::Answers => format!(" {} ", rule.number),
    };
    rule.direction.either(
        format!("    {CLIENT} {label:-^21}> port {}", rule.to),
        format!("    {CLIENT} <{label:-^21} port {}", rule.from),
    )
}

/// One rule in words.
fn told(rule: &Rule) -> String {
    let (way, from, to) = rule.direction.either(("in ", "clients", "server"), ("out", "server", "clients"));
    format!(
        "  rule {} {way}  {from} {} -> {to} {}\n              {}",
        rule.number, rule.from, rule.to, rule.why
    )
}

/// Which of them a firewall that follows connections has to be told.
fn advice(four: &[&Rule; 4]) -> String {
    let opening: Vec<String> =
        four.iter().filter(|rule| rule.role == Role::Opens).map(|rule| rule.number.to_string()).collect();
    format!("A firewall that tracks connections needs rules {} only.", opening.join(" and "))
}

fn line(text: &mut String, words: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{}", words.trim_end());
}

#[cfg(test)]
mod tests {
    use crate::exposure::{Active, Exposure, usual};
    use crate::rules::Rules;

    fn told(active: Active, passive: bool) -> String {
        let passive_ports = if passive { vec![61000..=61009] } else { vec![] };
        Rules::of(&Exposure { control_ports: vec![2121], passive_ports, active, ..usual() }).explain()
    }

    #[test]
    fn active_mode_opens_outward() {
        let text = told(Active::FromPort(20), false);
        assert!(text.contains("port > 1023 <------ 4 opens ------ port 20\n"), "{text}");
        assert!(text.contains("needs rules 1 and 4 only."), "{text}");
        assert!(!text.contains("Passive"), "{text}");
    }

    #[test]
    fn both_modes_follow_each_other_in_narrow_lines() {
        let text = told(Active::FromAnyPort, true);
        assert!(text.find("Passive mode") < text.find("Active mode"), "{text}");
        assert!(text.lines().all(|line| line.len() < 80 && line == line.trim_end()), "{text}");
    }

    #[test]
    fn a_site_without_data_connections_is_told_so() {
        assert!(told(Active::Off, false).starts_with("The server offers neither"));
    }
}
