//! What must the firewalls let through for a site? `pasv firewall`: printed, applied, checked, removed.
use std::io::{IsTerminal as _, Write as _};
use std::net::IpAddr;
use std::ops::RangeInclusive;

use ::firewall::{Active, Authority, Chain, Modes, Output, Ports, Request, Target, Tracking};
use clap::builder::PossibleValue;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, ValueEnum};
use config::SiteConfig;
use firewall_host::listeners::{Listener, listed};
use firewall_host::{Filters, machine};

use crate::serve;
use crate::talk::{Failure, say};

mod change;

const EXAMPLES: &str = "Examples:\n  \
    pasv firewall                                 what this machine needs\n  \
    pasv firewall --explain                       the same with reasons and a drawing\n  \
    pasv firewall --check                         compare with the rules of this machine\n  \
    pasv firewall --apply                         show the changes, ask, and load them (nftables)\n  \
    pasv firewall --for aws --from 192.0.2.0/24   for another firewall, for some clients\n  \
    pasv firewall --for nftables-router --inside 192.168.1.2\n  \
    pasv firewall --for nftables > pasv.nft       to read, then: nft -f pasv.nft\n\n\
    All flags of `pasv serve` are accepted; those that matter here are shown above.\n\n\
    Exit codes:\n  \
    0 done, or --check found nothing   1 refused, or --check found something   2 wrong command line\n  \
    3 the rules of this machine cannot be read";

/// Print the firewall rules that a server needs, or apply them.
///
/// Takes the flags of `pasv serve`, so that the rules match the server: paste them from there. Without --for,
/// the rules are for the firewall that this machine runs, as far as it can be recognised (run it as root).
/// Where none is active there is nothing to do, and that is said. Comments in the output say how to load and
/// to remove the rules.
#[derive(Debug, Args)]
#[group(skip)]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
pub(crate) struct Flags {
    /// Firewall to print rules for [default: the one of this machine].
    #[arg(long = "for", value_name = "TARGET", value_enum)]
    target: Option<TargetFlag>,
    /// Mode to open ports for [default: passive, where the server offers it].
    #[arg(long, value_enum)]
    mode: Option<ModeFlag>,
    /// For a firewall that filters single packets and does not track connections.
    #[arg(long)]
    stateless: bool,
    /// For a firewall that filters outgoing connections too.
    #[arg(long)]
    output_drop: bool,
    /// Allow clients of this network only. May be repeated [default: all].
    #[arg(long, value_name = "CIDR", value_parser = config::text::network)]
    from: Vec<::firewall::IpNet>,
    /// Other TCP ports to leave open, as PORT or LO-HI, or `none`. May be repeated; replaces the default
    /// [default: 22].
    #[arg(long, value_name = "PORT", value_parser = keep)]
    keep: Vec<Keep>,
    /// The server's own address behind a router or a balancer. One of each family, or (HAProxy) one for each
    /// server.
    #[arg(long, value_name = "ADDR")]
    inside: Vec<IpAddr>,
    /// Chain for nftables-insert [default: the chain of this machine that filters, or `inet filter input`].
    #[arg(long, value_name = "FAMILY TABLE CHAIN", value_parser = chain)]
    chain: Option<Chain>,
    /// Change the rules of this machine (nftables): adds lines to the chains that drop, or a table of its own
    /// where no firewall is active. Shows the changes, and asks.
    #[arg(long, conflicts_with_all = ["remove", "check"])]
    apply: bool,
    /// Remove what --apply has added. Asks.
    #[arg(long, conflicts_with = "check")]
    remove: bool,
    /// Compare the rules of this machine with what the server needs: what is missing, what is too wide.
    #[arg(long)]
    check: bool,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
    /// Print rules also where no firewall is active on this machine.
    #[arg(long)]
    print: bool,
    #[command(flatten)]
    site: ServeFlags,
}

/// The flags of `serve`. Those that concern ports are shown; the others are accepted, so that a command line
/// can be pasted.
#[derive(Debug)]
struct ServeFlags(serve::Flags);

impl ServeFlags {
    /// Adds the flags of `F`, changed.
    fn add<F: Args>(command: Command, change: impl FnMut(Arg) -> Arg) -> Command {
        let flags = F::augment_args(Command::new("flags")).mut_args(change);
        command.args(flags.get_arguments().cloned()).groups(flags.get_groups().cloned())
    }
}

impl Args for ServeFlags {
    fn augment_args(command: Command) -> Command {
        let shown = |arg: Arg| arg.help_heading("The site, as for `pasv serve`");
        let hidden = |arg: Arg| arg.hide(true);
        let command = Self::add::<serve::ListenFlags>(command, shown);
        let command = Self::add::<serve::ShareFlags>(command, hidden);
        Self::add::<serve::OtherFlags>(command, hidden)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ServeFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        serve::Flags::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

#[derive(Clone, Copy, Debug)]
struct TargetFlag(Target);

impl ValueEnum for TargetFlag {
    fn value_variants<'a>() -> &'a [Self] {
        static ALL: std::sync::LazyLock<Vec<TargetFlag>> =
            std::sync::LazyLock::new(|| Target::all().map(TargetFlag).collect());
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name()).help(self.0.about()))
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ModeFlag {
    /// The client opens both connections.
    Passive,
    /// The server opens the data connection.
    Active,
    /// Either.
    Both,
}

#[derive(Clone, Debug)]
enum Keep {
    Ports(RangeInclusive<u16>),
    Nothing,
}

fn keep(text: &str) -> Result<Keep, String> {
    let port = |digits: &str| digits.parse::<u16>().ok().filter(|port| *port > 0);
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    match (text, port(low), port(high)) {
        ("none", _, _) => Ok(Keep::Nothing),
        (_, Some(low), Some(high)) if low <= high => Ok(Keep::Ports(low..=high)),
        _ => Err("write a port, two with a hyphen between them, or none".into()),
    }
}

fn chain(text: &str) -> Result<Chain, String> {
    // It goes into a script as it is, so nothing but names may be in it.
    let plain = |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    match text.split_whitespace().collect::<Vec<_>>()[..] {
        [family @ ("inet" | "ip" | "ip6"), table, name] if plain(table) && plain(name) => {
            Ok(Chain { family: family.into(), table: table.into(), name: name.into() })
        }
        _ => Err("write family, table and chain, as `inet filter input`".into()),
    }
}

impl Flags {
    fn request(&self, site: &SiteConfig) -> Request {
        let mut request = Request::of(site.into());
        if let Some(mode) = self.mode {
            request.modes = match mode {
                ModeFlag::Passive => Modes::Passive,
                ModeFlag::Active => Modes::Active,
                ModeFlag::Both => Modes::Both,
            };
        }
        if !self.keep.is_empty() {
            request.keep = Ports::of(self.keep.iter().filter_map(|keep| match keep {
                Keep::Ports(ports) => Some(ports.clone()),
                Keep::Nothing => None,
            }));
        }
        request.tracking = if self.stateless { Tracking::Stateless } else { Tracking::Stateful };
        request.output = if self.output_drop { Output::Dropped } else { Output::Open };
        request.from.clone_from(&self.from);
        request.inside.clone_from(&self.inside);
        request.external = site.listeners.iter().find_map(|listener| listener.external);
        request.authority = site.tls.acme.port_asked().map_or(Authority::Absent, Authority::AsksAt);
        request.ephemeral = machine::ephemeral().unwrap_or_default();
        request
    }
}

pub(crate) fn run(flags: &Flags) -> Result<(), Failure> {
    let site = flags.site.0.config()?;
    let mut request = flags.request(&site);
    // Says the same as printing would, before anything is looked at or changed.
    let anywhere = Request { tracking: Tracking::Stateful, inside: Vec::new(), ..request.clone() };
    if let Err(unfit) = Target::Nftables.write(&anywhere, false) {
        return Err(Failure::usage(unfit));
    }
    if flags.chain.is_some() && !matches!(flags.target, Some(TargetFlag(Target::NftablesInsert))) {
        return Err(Failure::usage("--chain is for --for nftables-insert only")
            .hint("--apply and --check find the chains themselves"));
    }
    if !site.is_reached() {
        say(format_args!("hint: this server listens on loopback addresses only, where no firewall matters"));
    }
    if flags.apply {
        return change::apply(&request, flags.yes, !flags.keep.is_empty(), flags.target.map(|flag| flag.0));
    }
    if flags.remove {
        return change::remove(flags.yes);
    }
    if flags.check {
        return change::check(&request);
    }
    let mut text = String::new();
    let looks = flags.target.is_none()
        || flags.chain.is_none() && matches!(flags.target, Some(TargetFlag(Target::NftablesInsert)));
    let seen = looks.then(machine::recognised);
    if let Some(chain) = flags.chain.clone().or_else(|| seen.as_ref().and_then(|seen| seen.chain.clone())) {
        request.chain = chain;
    }
    if let (None, Some(seen), false) = (flags.target, &seen, flags.print) {
        let root = rustix::process::geteuid().is_root();
        if seen.filters == Filters::Inactive || seen.filters == Filters::NotKnown && root {
            let width = crate::columns::columns().unwrap_or(80).min(100);
            let mut text = inactive(
                &request,
                (seen.filters, seen.why == firewall_host::OURS),
                &machine::closed(&request),
                width,
            );
            if flags.site.0.listen.explain {
                text.push_str(&format!("\n{}", ::firewall::Rules::of(&request.exposure).explain()));
            }
            std::io::stdout().write_all(text.as_bytes())?;
            return Ok(());
        }
    }
    let target = match (flags.target, &seen) {
        (Some(TargetFlag(target)), _) => target,
        (None, Some(seen)) => {
            text = format!("# For {}: {}.\n", seen.target.name(), seen.why);
            if seen.filters == Filters::NotKnown {
                let unread = format!("{} Hint: {}.", machine::unread(""), machine::hint());
                text = crate::columns::wrap(&unread, "# ", "# ", 79).join("\n");
                text.push_str(&format!(
                    "\n# These rules are for {}; --for selects another firewall.\n",
                    seen.target.name()
                ));
            }
            if seen.filters != Filters::NotKnown {
                text.push_str("# --for selects another firewall: `pasv firewall --help` lists them.\n");
            }
            seen.target
        }
        (None, None) => Target::Nftables,
    };
    if matches!(target, Target::Nftables | Target::Iptables) {
        warn_of_closed(&request, &mut text);
    }
    text.push_str(&target.write(&request, flags.site.0.listen.explain).map_err(Failure::usage)?);
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

/// Nothing has to be opened on this machine; what the server needs elsewhere, and what a firewall here would
/// close.
fn inactive(
    request: &Request,
    (filters, ours): (Filters, bool),
    closed: &[Listener],
    width: usize,
) -> String {
    let first = match filters {
        Filters::NotKnown => {
            let unread = format!("{}\nHint: {}.", machine::unread(""), machine::hint());
            let lines: Vec<_> =
                unread.lines().flat_map(|line| crate::columns::wrap(line, "", "", width)).collect();
            lines.join("\n")
        }
        Filters::Active | Filters::Inactive if ours => {
            "The only rules on this machine are pasv's own: `pasv firewall --check` compares them with\nwhat the server needs.".to_owned()
        }
        Filters::Active | Filters::Inactive => {
            "No firewall is active on this machine: nothing to do.".to_owned()
        }
    };
    let mut text = format!("{first}\n\nA firewall or router in front of this machine must let through:\n");
    let exposure = &request.exposure;
    let control = Ports::of(exposure.control_ports.iter().map(|port| *port..=*port));
    text.push_str(&format!("  in   TCP {control}: control connections\n"));
    if request.modes != Modes::Active {
        let passive = Ports::of(exposure.passive_ports.iter().cloned());
        text.push_str(&format!("  in   TCP {passive}: data connections, passive mode\n"));
    }
    if request.modes != Modes::Passive {
        let from = match exposure.active {
            Active::FromPort(port) => format!("from TCP {port}"),
            Active::FromAnyPort | Active::Off => "from any TCP port".to_owned(),
        };
        text.push_str(&format!("  out  {from}: data connections, active mode\n"));
    }
    text.push_str("`pasv firewall --for TARGET` prints rules for it; --help lists the targets.\n\n");
    let kept = request.kept();
    let beside = if kept.is_empty() { String::new() } else { format!(" and TCP {kept}") };
    let closing = format!(
        "A firewall on this machine is optional: --print shows one, --apply loads it. It would close everything except the \
         server's ports{beside}."
    );
    let mut lines = crate::columns::wrap(&closing, "", "", width);
    if !closed.is_empty() {
        let in_use = format!("In use now, and closed by it: {}.", listed(closed));
        lines.extend(crate::columns::wrap(&in_use, "", "  ", width));
    }
    text + &lines.join("\n") + "\n"
}

/// A whole rule set closes all ports that it does not list. Where the text goes to a program, nobody reads
/// its comments.
fn warn_of_closed(request: &Request, text: &mut String) {
    let closed = machine::closed(request);
    if closed.is_empty() {
        return;
    }
    let warning = format!(
        "These rules close ports that are in use on this machine: {}. --keep PORT leaves a TCP port open.",
        listed(&closed)
    );
    if !std::io::stdout().is_terminal() {
        return say(format_args!("warning: {warning}"));
    }
    for line in crate::columns::wrap(&format!("WARNING: {warning}"), "# ", "#   ", 79) {
        text.push_str(&(line + "\n"));
    }
}

#[cfg(test)]
mod tests {
    use ::firewall::{Exposure, Families};
    use firewall_host::listeners::{Program, Protocol};

    use super::*;

    #[test]
    fn where_no_firewall_is_active_nothing_is_to_be_done_and_what_one_would_close_is_listed() {
        let request = Request::of(Exposure {
            control_ports: vec![2121],
            implicit_ports: vec![],
            passive_ports: vec![61210..=61219],
            active: Active::Off,
            families: Families::Both,
        });
        let web = Listener {
            protocol: Protocol::Tcp,
            at: ([0, 0, 0, 0], 80).into(),
            program: Some(Program { name: "nginx".to_owned(), process: 7 }),
        };
        let text = inactive(&request, (Filters::Inactive, false), &[web], 80);
        assert!(text.starts_with("No firewall is active on this machine: nothing to do.\n"), "{text}");
        for words in ["TCP 2121: control", "TCP 61210-61219: data", "closed by it: TCP 80 (nginx).", "TCP 22"]
        {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
        assert!(!inactive(&request, (Filters::NotKnown, false), &[], 80).contains("In use"), "{text}");
    }
}
