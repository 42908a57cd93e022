//! What has the server offered? (RFC 2389 3)
use wire::Reply;

/// The lines of a FEAT reply. The reply decoder has bounded them.
#[derive(Clone, Debug, Default)]
pub struct Features(Vec<Vec<u8>>);

impl Features {
    /// Reads a 211 reply: the first and the last line are words for people.
    #[must_use]
    pub fn from_reply(reply: &Reply) -> Self {
        let inner = match reply.lines.as_slice() {
            [_, inner @ .., _] => inner,
            _ => &[],
        };
        Self(inner.iter().map(|line| line.trim_ascii().to_ascii_uppercase()).collect())
    }

    /// Is the feature of this name offered? With parameters or without.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|line| {
            line.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.is_empty() || rest[0] == b' ')
        })
    }

    /// Is this word among the parameters of the feature, as `HASH SHA-256*;SHA-1` has them?
    #[must_use]
    pub fn offers(&self, name: &str, parameter: &str) -> bool {
        self.0.iter().filter_map(|line| line.strip_prefix(name.as_bytes())?.strip_prefix(b" ")).any(|rest| {
            rest.split(|byte| matches!(byte, b';' | b' ' | b'*')).any(|word| word == parameter.as_bytes())
        })
    }

    /// Does MLST tell all of these facts? In FEAT those that are told unasked have a `*` (RFC 3659 7.8).
    #[must_use]
    pub fn tells(&self, facts: &[&str]) -> bool {
        let told: Vec<_> = self.0.iter().filter_map(|line| line.strip_prefix(b"MLST ")).collect();
        let is_told = |fact: &&str| {
            let starred = format!("{}*", fact.to_ascii_uppercase());
            told.iter().any(|rest| rest.split(|b| *b == b';').any(|word| word == starred.as_bytes()))
        };
        facts.iter().all(is_told)
    }

    /// Are there machine-readable listings (RFC 3659 7)? MLST in FEAT stands for MLSD too.
    #[must_use]
    pub fn has_mlsd(&self) -> bool {
        self.has("MLST") || self.has("MLSD")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_whole_and_without_case() {
        let lines = [&b"Features:"[..], b" mlst type*;size*;", b" UTF8", b" MDTMX", b"End"];
        let reply = Reply::from_lines(211, lines.iter().map(|l| l.to_vec().into()).collect());
        let features = Features::from_reply(&reply);
        assert!(features.tells(&["type", "size"]) && !features.tells(&["size", "modify"]));
        assert!(features.has_mlsd() && features.has("UTF8"));
        assert!(!features.has("MDTM") && !features.has("END") && !features.has("FEATURES:"));
    }
}
