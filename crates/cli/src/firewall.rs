//! What must the firewalls let through for a site? `pasv firewall`: printed, applied, checked, removed.
use std::io::Write as _;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use ::firewall::{Authority, Chain, Modes, Output, Ports, Request, Target, Tracking};
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use crate::serve;
use crate::talk::{Failure, say};

mod change;
pub(crate) mod machine;

/// Print the firewall rules that a site needs, or apply them.
///
/// Takes the flags of `pasv serve`, so that the rules fit the site: paste them from there. Without --for, the rules are
/// written for the firewall that this machine runs, as far as it can be recognised (root sees more). What is printed is
/// a whole: remarks say how it is loaded and what has to agree with it.
#[derive(Debug, Args)]
#[group(skip)]
#[command(mut_args(only_what_matters))]
#[command(after_help = "Print the rules for this machine:       pasv firewall\n\
                        With reasons and a drawing:             pasv firewall --explain\n\
                        For a router before the server:         pasv firewall --for nftables-router --inside 192.168.1.2\n\
                        Load them (nftables):                   pasv firewall --for nftables | nft -f -\n\
                        Or look, ask and load:                  pasv firewall --apply\n\n\
                        All flags of `pasv serve` are taken; those shown above are the ones that matter here.\n\
                        Exit codes: 0 done, or nothing missing and nothing too wide; 1 refused, or --check found\n\
                        something; 2 a wrong command line")]
pub(crate) struct Flags {
    /// The firewall to write for [default: what this machine runs].
    #[arg(long = "for", value_name = "TARGET", value_enum)]
    target: Option<TargetFlag>,
    /// Which mode to let through [default: passive, where the site offers it].
    #[arg(long, value_enum)]
    mode: Option<ModeFlag>,
    /// For a firewall that looks at single packets and does not follow connections.
    #[arg(long)]
    stateless: bool,
    /// For a firewall that drops what goes out as well.
    #[arg(long)]
    output_drop: bool,
    /// Let in clients of this network only. May be given several times [default: everybody].
    #[arg(long, value_name = "CIDR", value_parser = crate::flags::network)]
    from: Vec<::firewall::IpNet>,
    /// Other TCP ports that a whole rule set leaves open, as PORT or LO-HI, or `none`. May be given several times: those given
    /// stand in place of the default [default: 22].
    #[arg(long, value_name = "PORT", value_parser = keep)]
    keep: Vec<Keep>,
    /// The server's own address behind a router or a balancer. One of each family, or (HAProxy) one for each server.
    #[arg(long, value_name = "ADDR")]
    inside: Vec<IpAddr>,
    /// The chain for nftables-insert [default: the one of this machine that decides, or `inet filter input`].
    #[arg(long, value_name = "FAMILY TABLE CHAIN", value_parser = chain)]
    chain: Option<Chain>,
    /// Change the rules of this machine (nftables): a table of its own where nothing filters, lines in the chains that drop
    /// otherwise. Shows what it would do, and asks.
    #[arg(long, conflicts_with_all = ["remove", "check"])]
    apply: bool,
    /// Take away what --apply has put there. Asks.
    #[arg(long, conflicts_with = "check")]
    remove: bool,
    /// Compare the rules of this machine with what the site needs: what is missing, what is too wide.
    #[arg(long)]
    check: bool,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    site: serve::Flags,
}

/// The flags of `serve` that decide about rules; the others are taken and not shown.
const MATTER: [&str; 11] = [
    "listen",
    "port",
    "listen_tls",
    "passive_ports",
    "external",
    "no_passive",
    "no_active",
    "active_port",
    "explain",
    "acme",
    "acme_listen",
];

/// Our own.
const OWN: [&str; 12] = [
    "target",
    "mode",
    "stateless",
    "output_drop",
    "from",
    "keep",
    "inside",
    "chain",
    "apply",
    "remove",
    "check",
    "yes",
];

fn only_what_matters(argument: clap::Arg) -> clap::Arg {
    let name = argument.get_id().as_str().to_owned();
    match name.as_str() {
        "explain" => argument
            .help("Say above each line which of the four rules it is and what for, and draw the ports of both sides")
            .help_heading("The site, as for `pasv serve`"),
        name if MATTER.contains(&name) => argument.help_heading("The site, as for `pasv serve`"),
        name if OWN.contains(&name) || name == "help" => argument,
        _ => argument.hide(true),
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
        _ => Err("write the family, the table and the chain, as `inet filter input`".into()),
    }
}

impl Flags {
    fn request(&self) -> Request {
        let mut request = Request::of(self.site.firewall_plan());
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
        request.external = self.site.external();
        request.authority = self.site.asked_at().map_or(Authority::Absent, Authority::AsksAt);
        request.ephemeral = machine::ephemeral().unwrap_or_default();
        request
    }
}

pub(crate) fn run(flags: &Flags) -> Result<(), Failure> {
    let mut request = flags.request();
    // Says the same as printing would, before anything is looked at or changed.
    let anywhere = Request { tracking: Tracking::Stateful, inside: Vec::new(), ..request.clone() };
    if let Err(unfit) = Target::Nftables.write(&anywhere, false) {
        return Err(Failure::usage(unfit));
    }
    if flags.chain.is_some() && !matches!(flags.target, Some(TargetFlag(Target::NftablesInsert))) {
        return Err(Failure::usage("--chain goes with --for nftables-insert alone")
            .hint("--apply and --check find the chains by themselves"));
    }
    if !flags.site.is_reached() {
        say(format_args!(
            "hint: this site listens on the loopback addresses alone: no firewall is in its way"
        ));
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
    let target = match (flags.target, &seen) {
        (Some(TargetFlag(target)), _) => target,
        (None, Some(seen)) => {
            text = format!("# For {}: {}.\n", seen.target.name(), seen.why);
            if !seen.why.contains("--for") {
                text.push_str("# --for names another firewall: `pasv firewall --help` lists them.\n");
            }
            seen.target
        }
        (None, None) => Target::Nftables,
    };
    text.push_str(&target.write(&request, flags.site.explain()).map_err(Failure::usage)?);
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}
