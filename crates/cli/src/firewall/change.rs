//! How are the rules of this machine compared, changed, and put back?
use std::io::{self, IsTerminal as _, Write as _};

use ::firewall::{Output, Plan, Request, Ruleset, Target, Tracking, plan, removal};

use super::machine;
use crate::talk::{Exit, Failure, say};

/// Makes the rules of this machine let the site through.
pub(super) fn apply(request: &Request, yes: bool, kept: bool, target: Option<Target>) -> Result<(), Failure> {
    match target {
        None => refuse_front_ends()?,
        Some(Target::Nftables | Target::NftablesInsert) => {}
        Some(other) => {
            return Err(Failure::usage(format!("--apply changes nftables alone, not {}", other.name()))
                .hint(format!("`pasv firewall --for {}` prints what to paste there", other.name())));
        }
    }
    let ruleset = read()?;
    let (script, keeps) = match plan(&ruleset, request) {
        Plan::Nothing { ours } => {
            let how = if ours { "by rules of pasv" } else { "and no rule of pasv is needed" };
            say(format_args!("Nothing to do: what the site needs passes already, {how}."));
            if !::firewall::check(&ruleset, request).open_questions.is_empty() {
                say(format_args!("hint: for some it depends: `pasv firewall --check` tells on what"));
            }
            return Ok(());
        }
        Plan::Refused(why) => return Err(refused(why)),
        Plan::Own { script, chains } => {
            print(&script)?;
            if !chains.is_empty() {
                say(format_args!("The last lines would be put into what is there: {}.", chains.join(", ")));
            }
            own_table(request, yes, kept)?;
            (script, OWN_KEPT)
        }
        Plan::Insert { script, chains } => {
            print(&script)?;
            let iptables = |chain: &String| chain == "ip filter INPUT" || chain == "ip6 filter INPUT";
            let keeps = if chains.iter().any(iptables) { IPTABLES_KEPT } else { LINES_KEPT };
            if chains.is_empty() {
                say(format_args!("Rules of pasv that nothing needs any more would be taken away."));
            } else {
                say(format_args!("These lines would be put into what is there: {}.", chains.join(", ")));
            }
            // What an earlier application opened, and this one does not: of other settings, or of another site.
            let opened = ::firewall::opened(&ruleset);
            closes(request, yes, kept, &|port| opened.contains(port))?;
            (script, keeps)
        }
    };
    ask("Change the rules of this machine?", yes)?;
    machine::change(&script).map_err(refused)?;
    let findings = ::firewall::check(&read()?, request);
    if let Some(missing) = findings.missing.first() {
        return Err(Failure::new(Exit::Refused, format!("the rules are loaded, and yet: {missing}"))
            .hint("`pasv firewall --check` tells all; `pasv firewall --remove` takes them away"));
    }
    say(format_args!("Done. `pasv firewall --remove` takes it back."));
    say(format_args!("hint: this lasts until the next start; {keeps}"));
    Ok(())
}

/// How it lasts. The whole listing is no file to load: programs that write rules of their own (Docker, fail2ban) would find
/// theirs twice.
const OWN_KEPT: &str = "`pasv firewall --for nftables` with the same flags into a file that /etc/nftables.conf includes keeps it";
const LINES_KEPT: &str =
    "the lines in the file from which these chains are loaded (/etc/nftables.conf) keep it";
const IPTABLES_KEPT: &str = "what saves the rules of iptables here (`netfilter-persistent save`) keeps it";

/// Takes away what is ours.
pub(super) fn remove(yes: bool) -> Result<(), Failure> {
    let Some(script) = removal(&read()?) else {
        say(format_args!("Nothing to do: no rule of pasv is there."));
        return Ok(());
    };
    print(&script)?;
    ask("Take these rules away?", yes)?;
    machine::change(&script).map_err(refused)?;
    say(format_args!("Done."));
    Ok(())
}

/// Compares the rules of this machine with what the site needs.
pub(super) fn check(request: &Request) -> Result<(), Failure> {
    let findings = ::firewall::check(&read()?, request);
    let mut text = String::new();
    for missing in &findings.missing {
        text.push_str(&format!("MISSING   {missing}\n"));
    }
    for wide in &findings.wide {
        text.push_str(&format!("TOO WIDE  {wide}\n"));
    }
    for question in &findings.open_questions {
        text.push_str(&format!("DEPENDS   {question}\n"));
    }
    let unseen: Vec<&str> = machine::legacy().collect();
    for family in &unseen {
        text.push_str(&format!(
            "DEPENDS   {family} of the kind before nftables has rules here too, and nft does not see them\n"
        ));
    }
    if !findings.filtered && unseen.is_empty() {
        text.push_str("OPEN      nothing on this machine drops what comes in: every port of it is open\n");
    }
    let known = !findings.undecided && unseen.is_empty();
    match (findings.is_good(), known) {
        (true, true) => {
            text.push_str("GOOD      what the site needs passes, and no rule lets through more for it\n");
        }
        (true, false) => text.push_str("NOT KNOWN whether what the site needs passes\n"),
        (false, _) => {}
    }
    // Comments and names in there are whatever somebody wrote: they drive no terminal.
    for line in text.lines() {
        writeln!(io::stdout(), "{}", wire::pathname::show(line.as_bytes()))?;
    }
    if findings.is_good() && known {
        return Ok(());
    }
    let hint = match (findings.missing.is_empty(), findings.wide.is_empty()) {
        (true, true) => "`pasv doctor` from a client's place decides it",
        (false, _) => {
            "`pasv firewall` prints what is missing, `pasv firewall --apply` puts it there (nftables)"
        }
        (true, false) => "narrow the rule that is too wide; what the site needs passes",
    };
    Err(Failure::told(Exit::Refused).hint(hint))
}

fn read() -> Result<Ruleset, Failure> {
    machine::ruleset().map_err(|why| {
        Failure::new(Exit::Refused, format!("the rules of this machine cannot be read: {why}"))
            .hint(machine::hint())
    })
}

fn refused(why: String) -> Failure {
    Failure::new(Exit::Refused, format!("nothing was changed: {why}"))
}

fn print(script: &str) -> Result<(), Failure> {
    Ok(io::stdout().write_all(script.as_bytes())?)
}

/// They write their chains anew whenever they like, and know nothing of lines that others put there.
fn refuse_front_ends() -> Result<(), Failure> {
    let (ufw, firewalld) = machine::front_ends();
    let name = match (ufw, firewalld) {
        (Some(said), _) if said.contains("Status: active") => "ufw",
        (_, Some(said)) if said.trim() == "running" => "firewalld",
        _ => return refuse_the_older(),
    };
    Err(Failure::new(Exit::Refused, format!("{name} makes the rules of this machine, and would overwrite others"))
        .hint(format!(
            "`pasv firewall --for {name}` prints what to tell it; `--apply --for nftables` does it past {name} all the same"
        )))
}

/// What drops there is not seen by nft, and no rule of nftables opens it.
fn refuse_the_older() -> Result<(), Failure> {
    let Some(name) = machine::legacy().next() else { return Ok(()) };
    Err(Failure::new(
        Exit::Refused,
        format!("{name} of the kind before nftables has rules on this machine, and nft cannot change them"),
    )
    .hint("`pasv firewall --for iptables-insert` prints what to paste; `--apply --for nftables` goes past them all the same"))
}

/// A table of our own closes all that it does not name: somebody has to know that.
fn own_table(request: &Request, yes: bool, kept: bool) -> Result<(), Failure> {
    let beside =
        if request.kept().is_empty() { "nothing".to_owned() } else { format!("TCP {}", request.kept()) };
    say(format_args!(
        "Nothing drops what comes in here, so this table would: it leaves open the site and {beside}, and closes all else, UDP too."
    ));
    if request.output == Output::Dropped || request.tracking == Tracking::Stateless {
        say(format_args!(
            "What this machine opens of its own (names, time, updates, DHCP) would be dropped as well."
        ));
    }
    closes(request, yes, kept, &|_| true)
}

/// Something may listen where nobody comes in any more, of those ports that `concerned` names.
fn closes(request: &Request, yes: bool, kept: bool, concerned: &dyn Fn(u16) -> bool) -> Result<(), Failure> {
    // The site itself may be up already.
    let passive = |port: &u16| request.site.passive_ports.iter().any(|span| span.contains(port));
    let open = |port: &u16| {
        request.kept().contains(*port) || request.site.control_ports.contains(port) || passive(port)
    };
    let closed: Vec<u16> =
        machine::listeners().into_iter().filter(|port| !open(port) && concerned(*port)).collect();
    if closed.is_empty() {
        return Ok(());
    }
    let list = closed.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    say(format_args!("Something listens at these ports, which would be closed to others: TCP {list}."));
    if yes && !kept {
        return Err(Failure::new(Exit::Refused, "nobody is asked, so nothing that listens is closed")
            .hint("name what has to stay open, as --keep 22 --keep 62000-62009 (or --keep none)"));
    }
    Ok(())
}

fn ask(question: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::new(Exit::Refused, "nothing was changed: there is nobody to ask")
            .hint("--yes does it without asking"));
    }
    // Without a question on the screen, nobody has said yes to it.
    let mut answer = String::new();
    let asked = io::stderr().write_all(format!("{question} Type yes: ").as_bytes());
    if asked.is_ok()
        && io::stdin().read_line(&mut answer).is_ok()
        && answer.trim().eq_ignore_ascii_case("yes")
    {
        return Ok(());
    }
    Err(Failure::new(Exit::Refused, "nothing was changed"))
}
