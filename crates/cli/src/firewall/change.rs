//! How are the rules of this machine compared, changed, and put back?
use std::io::{self, IsTerminal as _, Write as _};

use ::firewall::{Output, Ports, Request, Target, Tracking};
use firewall_host::listeners::{Listener, Protocol, listed};
use firewall_host::machine;
use firewall_host::{Plan, Ruleset, plan, removal};

use crate::talk::{Exit, Failure, say};

/// Makes the rules of this machine let the site through.
pub(super) fn apply(request: &Request, yes: bool, kept: bool, target: Option<Target>) -> Result<(), Failure> {
    match target {
        None => {
            if let Some((why, hint)) = machine::refusal() {
                return Err(Failure::new(Exit::Refused, why).hint(hint));
            }
        }
        Some(Target::Nftables | Target::NftablesInsert) => {}
        Some(other) => {
            return Err(Failure::usage(format!("--apply changes nftables alone, not {}", other.name()))
                .hint(format!("`pasv firewall --for {}` prints what to paste there", other.name())));
        }
    }
    let ruleset = read()?;
    let (script, keeps) = match plan(&ruleset, request) {
        Plan::Nothing { ours } => {
            let how = if ours { "by rules of pasv" } else { "without rules of pasv" };
            say(format_args!("Nothing to do: what the server needs passes already, {how}."));
            if !firewall_host::check(&ruleset, request).open_questions.is_empty() {
                say(format_args!("hint: this depends on other rules: see `pasv firewall --check`"));
            }
            return Ok(());
        }
        Plan::Refused(why) => return Err(refused(why)),
        Plan::Own { script, chains } => {
            print(&script)?;
            if !chains.is_empty() {
                say(format_args!("The last lines would be added to existing chains: {}.", chains.join(", ")));
            }
            own_table(request, yes, kept)?;
            (script, OWN_KEPT)
        }
        Plan::Insert { script, chains } => {
            print(&script)?;
            let iptables = |chain: &String| chain == "ip filter INPUT" || chain == "ip6 filter INPUT";
            let keeps = if chains.iter().any(iptables) { IPTABLES_KEPT } else { LINES_KEPT };
            if chains.is_empty() {
                say(format_args!("Rules of pasv that are no longer needed would be removed."));
            } else {
                say(format_args!("These lines would be added to existing chains: {}.", chains.join(", ")));
            }
            // What an earlier application opened, and this one does not: of other settings, or of another
            // site.
            let opened = firewall_host::opened(&ruleset);
            closes(request, yes, kept, &opened)?;
            (script, keeps)
        }
    };
    ask("Change the rules of this machine?", yes)?;
    machine::change(&script).map_err(refused)?;
    let findings = firewall_host::check(&read()?, request);
    if let Some(missing) = findings.missing.first() {
        return Err(Failure::new(Exit::Refused, format!("the rules are loaded, but: {missing}"))
            .hint("`pasv firewall --check` shows all; `pasv firewall --remove` removes the rules"));
    }
    say(format_args!("Done. `pasv firewall --remove` undoes it."));
    say(format_args!("hint: the rules are gone after a restart. {keeps}"));
    Ok(())
}

/// How it lasts. The whole listing is no file to load: programs that write rules of their own (Docker,
/// fail2ban) would find theirs twice.
const OWN_KEPT: &str = "To keep them, write the output of `pasv firewall --for nftables` with the same flags to a file that /etc/nftables.conf includes";
const LINES_KEPT: &str =
    "To keep them, add the lines to the file from which these chains are loaded (/etc/nftables.conf)";
const IPTABLES_KEPT: &str = "To keep them, save the rules of iptables (`netfilter-persistent save`)";

/// Takes away what is ours.
pub(super) fn remove(yes: bool) -> Result<(), Failure> {
    let Some(script) = removal(&read()?) else {
        say(format_args!("Nothing to do: there are no rules of pasv."));
        return Ok(());
    };
    print(&script)?;
    ask("Remove these rules?", yes)?;
    machine::change(&script).map_err(refused)?;
    say(format_args!("Done."));
    Ok(())
}

/// Compares the rules of this machine with what the site needs.
pub(super) fn check(request: &Request) -> Result<(), Failure> {
    let findings = firewall_host::check(&read()?, request);
    let unseen: Vec<&str> = machine::legacy().collect();
    for line in findings.lines(&unseen) {
        writeln!(io::stdout(), "{line}")?;
    }
    if findings.is_good() && findings.is_known(&unseen) {
        return Ok(());
    }
    let hint = match (findings.missing.is_empty(), findings.wide.is_empty()) {
        (true, true) => "run `pasv doctor ftp://...` from a client to find out",
        (false, _) => "`pasv firewall` prints what is missing, `pasv firewall --apply` adds it (nftables)",
        (true, false) => "make the rule that is too wide narrower; what the server needs passes",
    };
    Err(Failure::told(Exit::Refused).hint(hint))
}

fn read() -> Result<Ruleset, Failure> {
    machine::ruleset().map_err(|why| {
        // An exit code of its own: nothing was compared, so nothing was found.
        Failure::new(Exit::Unreachable, machine::unread(&why).trim_end_matches('.')).hint(machine::hint())
    })
}

fn refused(why: String) -> Failure {
    Failure::new(Exit::Refused, format!("nothing was changed: {why}"))
}

fn print(script: &str) -> Result<(), Failure> {
    Ok(io::stdout().write_all(script.as_bytes())?)
}

/// A table of our own closes all that it does not name: somebody has to know that.
fn own_table(request: &Request, yes: bool, kept: bool) -> Result<(), Failure> {
    let beside =
        if request.kept().is_empty() { String::new() } else { format!(" and TCP {}", request.kept()) };
    say(format_args!(
        "No firewall is active. Applying this would block everything except the server's ports{beside}, including UDP."
    ));
    if request.output == Output::Dropped || request.tracking == Tracking::Stateless {
        say(format_args!(
            "Connections that this machine opens itself (DNS, time, updates, DHCP) would be blocked too."
        ));
    }
    refuse_unasked(&machine::closed(request), yes, kept)
}

/// Something may listen at a port that no rule of ours opens any more.
fn closes(request: &Request, yes: bool, kept: bool, opened: &Ports) -> Result<(), Failure> {
    let mut closed = machine::closed(request);
    closed.retain(|at| at.protocol == Protocol::Tcp && opened.contains(at.at.port()));
    refuse_unasked(&closed, yes, kept)
}

fn refuse_unasked(closed: &[Listener], yes: bool, kept: bool) -> Result<(), Failure> {
    if closed.is_empty() {
        return Ok(());
    }
    say(format_args!("These ports are in use on this machine and would be closed: {}.", listed(closed)));
    let tcp = closed.iter().any(|at| at.protocol == Protocol::Tcp);
    if yes && !kept && tcp {
        return Err(Failure::new(Exit::Refused, "--yes alone closes no port that is in use")
            .hint("list the ports to keep open, as --keep 22 --keep 62000-62009 (or --keep none)"));
    }
    Ok(())
}

fn ask(question: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::new(Exit::Refused, "not a terminal, nothing changed")
            .hint("--yes applies it without asking"));
    }
    // Without a question on the screen, nobody has said yes to it.
    let mut answer = String::new();
    let asked = io::stderr().write_all(format!("{question} [yes/no] ").as_bytes());
    if asked.is_ok()
        && io::stdin().read_line(&mut answer).is_ok()
        && answer.trim().eq_ignore_ascii_case("yes")
    {
        return Ok(());
    }
    Err(Failure::new(Exit::Refused, "nothing was changed"))
}
