//! What are the four rules called wherever one is mentioned?
//!
//! The number is that of the classic description, and the words are whose packets it lets go where. The
//! server's 425, the client's errors and both doctors say them too; tests of each compare what is said with
//! what stands here.

use core::fmt;

/// A rule by what it is for. Rules 3 and 4 are the data connection's, and what they are depends on who opens
/// that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Name {
    /// Rule 1: clients open the control connection.
    ControlIn,
    /// Rule 2: what the control port answers.
    ControlOut,
    /// Rule 3 of passive mode: clients open the data connection.
    PassiveIn,
    /// Rule 4 of passive mode: what the passive ports answer.
    PassiveOut,
    /// Rule 3 of active mode: what clients answer to the server's call.
    ActiveIn,
    /// Rule 4 of active mode: the server opens the data connection.
    ActiveOut,
}

impl Name {
    /// All of them, control first.
    pub const ALL: [Self; 6] = [
        Self::ControlIn,
        Self::ControlOut,
        Self::PassiveIn,
        Self::PassiveOut,
        Self::ActiveIn,
        Self::ActiveOut,
    ];

    /// 1 to 4; the odd ones lead towards the server.
    pub const fn number(self) -> u8 {
        match self {
            Self::ControlIn => 1,
            Self::ControlOut => 2,
            Self::PassiveIn | Self::ActiveIn => 3,
            Self::PassiveOut | Self::ActiveOut => 4,
        }
    }

    /// Whose packets it lets go where.
    pub const fn words(self) -> &'static str {
        match self {
            Self::ControlIn => "clients to the control port",
            Self::ControlOut => "the control port to clients, answers only",
            Self::PassiveIn => "clients to the passive range",
            Self::PassiveOut => "the passive range to clients, answers only",
            Self::ActiveIn => "clients to the port that the server calls from, answers only",
            Self::ActiveOut => "the server's own call out to clients",
        }
    }

    /// What these packets are, in a few words.
    pub const fn why(self) -> &'static str {
        match self {
            Self::ControlIn => "the client opens the control connection",
            Self::ControlOut => "the server's replies",
            Self::PassiveIn => "the client opens the data connection",
            Self::PassiveOut => "data to the client, and what acknowledges its own",
            Self::ActiveIn => "data to the server, and what acknowledges its own",
            Self::ActiveOut => "the server opens the data connection",
        }
    }
}

/// `rule 3 (clients to the passive range)`.
impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "rule {} ({})", self.number(), self.words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Direction, Mode, Role, Rules};

    #[test]
    fn the_names_are_those_of_the_rules() {
        let rules = Rules::of(&crate::exposure::usual());
        let both = [Mode::Passive, Mode::Active].into_iter().filter_map(|mode| rules.data(mode)).flatten();
        let all: Vec<_> = rules.control().iter().chain(both).collect();
        assert_eq!(all.len(), Name::ALL.len());
        for (rule, name) in all.into_iter().zip(Name::ALL) {
            assert_eq!((rule.number, rule.why), (name.number(), name.why()));
            assert_eq!(rule.direction == Direction::In, name.number() % 2 == 1, "{name}");
            assert_eq!(rule.role == Role::Answers, name.words().ends_with("answers only"), "{name}");
        }
        assert_eq!(Name::PassiveIn.to_string(), "rule 3 (clients to the passive range)");
    }
}
