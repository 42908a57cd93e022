//! How is a comparison of the rules told?
use crate::Findings;

impl Findings {
    /// Is it known whether the server has what it needs? `unseen`: the programs whose rules nft does not
    /// show.
    pub fn is_known(&self, unseen: &[&str]) -> bool {
        !self.undecided && unseen.is_empty()
    }

    /// What was found, a line each. It quotes comments and names of the rules, which are whatever somebody
    /// wrote; here they drive no terminal.
    pub fn lines(&self, unseen: &[&str]) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        lines.extend(self.missing.iter().map(|missing| format!("MISSING   {missing}")));
        lines.extend(self.wide.iter().map(|wide| format!("TOO WIDE  {wide}")));
        lines.extend(self.open_questions.iter().map(|question| format!("DEPENDS   {question}")));
        lines.extend(unseen.iter().map(|program| {
            format!("DEPENDS   {program} (legacy) has rules here too, which nft does not show")
        }));
        if !self.filtered && unseen.is_empty() {
            lines.push("OPEN      no firewall is active on this machine: every port is reachable".into());
        }
        if self.is_good() {
            lines.push(if self.is_known(unseen) {
                "GOOD      what the server needs passes, and no rule opens more than that".into()
            } else {
                "NOT KNOWN whether what the server needs passes".into()
            });
        }
        lines.iter().map(|line| wire::pathname::show(line.as_bytes())).collect()
    }
}
