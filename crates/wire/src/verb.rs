//! Which verbs are there, and what is true of each? The one table that parser, HELP, FEAT, policy, docs and
//! fuzzers read.
//!
//! To add a verb: a row here and in `docs/commands.md`; a line in `command`, and unless it has no argument or
//! a pathname alone, an arm in `command/parse.rs` and in `command/encode.rs`; an arm in `server::session`; a
//! story in `tests/sessions`.
use core::fmt;

/// What the argument of a verb looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// None is allowed.
    None,
    /// A pathname is needed.
    Pathname,
    /// A pathname may follow.
    MaybePathname,
    /// Other text is needed.
    Text,
    /// Other text may follow.
    MaybeText,
}

/// Which way data goes on the data connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Server to client.
    Down,
    /// Client to server.
    Up,
}

/// What a verb does to the site: the first thing a policy asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing of the files is touched.
    Session,
    /// Files are looked at.
    Read,
    /// Something is changed.
    Write,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The verb.
    pub verb: Verb,
    /// Its name on the wire, in capitals.
    pub name: &'static str,
    /// Its argument's shape.
    pub argument: Argument,
    /// The argument as HELP shows it.
    pub usage: &'static str,
    /// Where it is defined.
    pub rfc: &'static str,
    /// Its line in FEAT, where it has one of its own.
    pub feat: Option<&'static str>,
    /// Is a login needed before it?
    pub needs_login: bool,
    /// What it does to files.
    pub access: Access,
    /// The way of its data, if it has a data connection.
    pub direction: Option<Direction>,
    /// Does it act at once while a transfer runs (USER, PASS and REIN: where no other command waits)? The
    /// others wait for its end.
    pub mid_transfer: bool,
    /// Is it served? A verb that is known and not served gets 502.
    pub served: bool,
    /// Does what REST or RANG has set outlast it? So it is with verbs that only prepare a transfer.
    pub keeps_restart: bool,
}

macro_rules! verbs {
    ($($verb:ident $name:literal $arg:ident $usage:literal $rfc:literal $feat:expr, $login:ident $access:ident $dir:ident $mid:ident $served:ident $restart:ident;)+) => {
        /// A verb of the control connection.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Verb {
            $(#[doc = concat!("`", $name, " ", $usage, "` (", $rfc, ")")] $verb,)+
        }

        /// The table, in the order of HELP. Row `n` is that of the verb numbered `n`.
        pub const TABLE: &[Row] = &[
            $(Row {
                verb: Verb::$verb,
                name: $name,
                argument: Argument::$arg,
                usage: $usage,
                rfc: $rfc,
                feat: $feat,
                needs_login: verbs!(@$login),
                access: Access::$access,
                direction: verbs!(@$dir),
                mid_transfer: verbs!(@$mid),
                served: verbs!(@$served),
                keeps_restart: verbs!(@$restart),
            },)+
        ];
    };
    // What a word of the table says.
    (@open) => { false };
    (@login) => { true };
    (@no) => { None };
    (@down) => { Some(Direction::Down) };
    (@up) => { Some(Direction::Up) };
    (@waits) => { false };
    (@acts) => { true };
    (@keeps) => { true };
    (@drops) => { false };
    (@served) => { true };
    (@not) => { false };
}

verbs! {
    // verb name   argument      usage            defined in     FEAT              login access data mid
    // served restart
    User "USER" Text          "name"           "RFC 959 4.1.1, 4217 11" None,             open  Session no   acts served drops;
    Pass "PASS" MaybeText     "password"       "RFC 959 4.1.1" None,             open  Session no   acts served drops;
    Acct "ACCT" Text          "account"        "RFC 959 4.1.1" None,             open  Session no   waits served drops;
    Host "HOST" Text          "name"           "RFC 7151"      Some("HOST"),     open  Session no   waits served drops;
    Cwd  "CWD"  Pathname      "pathname"       "RFC 959 4.1.1" None,             login Read    no   waits served drops;
    Xcwd "XCWD" Pathname      "pathname"       "RFC 775"       None,             login Read    no   waits served drops;
    Cdup "CDUP" None          ""               "RFC 959 4.1.1" None,             login Read    no   waits served drops;
    Xcup "XCUP" None          ""               "RFC 775"       None,             login Read    no   waits served drops;
    Smnt "SMNT" Pathname      "pathname"       "RFC 959 4.1.1" None,             login Read    no   waits not drops;
    Rein "REIN" None          ""               "RFC 959 4.1.1" None,             open  Session no   acts served drops;
    Quit "QUIT" None          ""               "RFC 959 4.1.1" None,             open  Session no   acts served drops;
    Port "PORT" Text          "h1,h2,h3,h4,p1,p2" "RFC 959 4.1.2" None,          login Session no   waits served keeps;
    Pasv "PASV" None          ""               "RFC 959 4.1.2" None,             login Session no   waits served keeps;
    Eprt "EPRT" Text          "|protocol|address|port|" "RFC 2428 2" Some("EPRT"), login Session no waits served keeps;
    Epsv "EPSV" MaybeText     "[1|2|ALL]"      "RFC 2428 3"    Some("EPSV"),     login Session no   waits served keeps;
    Type "TYPE" Text          "A|I|L 8"        "RFC 959 4.1.2" None,             login Session no   waits served keeps;
    Stru "STRU" Text          "F"              "RFC 959 4.1.2" None,             login Session no   waits served keeps;
    Mode "MODE" Text          "S"              "RFC 959 4.1.2" None,             login Session no   waits served keeps;
    Retr "RETR" Pathname      "pathname"       "RFC 959 4.1.3" None,             login Read    down waits served drops;
    Stor "STOR" Pathname      "pathname"       "RFC 959 4.1.3" None,             login Write   up   waits served drops;
    Stou "STOU" MaybePathname "[pathname]"     "RFC 959 4.1.3" None,             login Write   up   waits served drops;
    Appe "APPE" Pathname      "pathname"       "RFC 959 4.1.3" None,             login Write   up   waits served drops;
    Allo "ALLO" Text          "size [R record]" "RFC 959 4.1.3" None,            login Session no   waits served keeps;
    Rest "REST" Text          "offset"         "RFC 3659 5"    Some("REST STREAM"), login Session no waits served keeps;
    Rang "RANG" Text          "first last"     "draft-bryan-ftp-range" Some("RANG STREAM"), login Session no waits served keeps;
    Rnfr "RNFR" Pathname      "pathname"       "RFC 959 4.1.3" None,             login Write   no   waits served drops;
    Rnto "RNTO" Pathname      "pathname"       "RFC 959 4.1.3" None,             login Write   no   waits served drops;
    Abor "ABOR" None          ""               "RFC 959 4.1.3" None,             open  Session no   acts served drops;
    Dele "DELE" Pathname      "pathname"       "RFC 959 4.1.3" None,             login Write   no   waits served drops;
    Rmd  "RMD"  Pathname      "pathname"       "RFC 959 4.1.3" None,             login Write   no   waits served drops;
    Xrmd "XRMD" Pathname      "pathname"       "RFC 775"       None,             login Write   no   waits served drops;
    Mkd  "MKD"  Pathname      "pathname"       "RFC 959 4.1.3" None,             login Write   no   waits served drops;
    Xmkd "XMKD" Pathname      "pathname"       "RFC 775"       None,             login Write   no   waits served drops;
    Pwd  "PWD"  None          ""               "RFC 959 4.1.3" None,             login Session no   waits served drops;
    Xpwd "XPWD" None          ""               "RFC 775"       None,             login Session no   waits served drops;
    List "LIST" MaybePathname "[pathname]"     "RFC 959 4.1.3" None,             login Read    down waits served drops;
    Nlst "NLST" MaybePathname "[pathname]"     "RFC 959 4.1.3" None,             login Read    down waits served drops;
    Site "SITE" Text          "HELP|UMASK|CHMOD|UTIME|IDLE" "RFC 959 4.1.3" None, login Session no  waits served drops;
    Syst "SYST" None          ""               "RFC 959 4.1.3" None,             open  Session no   waits served drops;
    Stat "STAT" MaybePathname "[pathname]"     "RFC 959 4.1.3" None,             open  Read    no   acts served drops;
    Help "HELP" MaybeText     "[verb]"         "RFC 959 4.1.3" None,             open  Session no   waits served drops;
    Noop "NOOP" MaybeText     ""               "RFC 959 4.1.3" None,             open  Session no   acts served keeps;
    Feat "FEAT" None          ""               "RFC 2389 3"    None,             open  Session no   waits served keeps;
    Opts "OPTS" Text          "option [value]" "RFC 2389 4"    None,             open  Session no   waits served keeps;
    Lang "LANG" MaybeText     "[language]"     "RFC 2640 4"    None,             open  Session no   waits not drops;
    Size "SIZE" Pathname      "pathname"       "RFC 3659 4"    Some("SIZE"),     login Read    no   waits served keeps;
    Mdtm "MDTM" Pathname      "pathname"       "RFC 3659 3"    Some("MDTM"),     login Read    no   waits served keeps;
    Mlst "MLST" MaybePathname "[pathname]"     "RFC 3659 7"    None,             login Read    no   waits served drops;
    Mlsd "MLSD" MaybePathname "[pathname]"     "RFC 3659 7"    None,             login Read    down waits served drops;
    Mfmt "MFMT" Text          "time pathname"  "draft-somers-ftp-mfxx" Some("MFMT"), login Write no waits served drops;
    Mfct "MFCT" Text          "time pathname"  "draft-somers-ftp-mfxx" None, login Write no waits served drops;
    Mff  "MFF"  Text          "fact=value; pathname" "draft-somers-ftp-mfxx" Some("MFF Modify;UNIX.mode;"), login Write no waits served drops;
    Hash "HASH" Pathname      "pathname"       "draft-bryan-ftpext-hash" None,   login Read    no   waits served drops;
    Xcrc "XCRC" Pathname      "pathname"       "by custom"     Some("XCRC"),     login Read    no   waits served drops;
    Xmd5 "XMD5" Pathname      "pathname"       "by custom"     Some("XMD5"),     login Read    no   waits served drops;
    Xsha1 "XSHA1" Pathname    "pathname"       "by custom"     Some("XSHA1"),    login Read    no   waits served drops;
    Xsha256 "XSHA256" Pathname "pathname"      "by custom"     Some("XSHA256"),  login Read    no   waits served drops;
    Xsha512 "XSHA512" Pathname "pathname"      "by custom"     Some("XSHA512"),  login Read    no   waits served drops;
    Avbl "AVBL" MaybePathname "[pathname]"     "draft-peterson-streamlined-ftp" Some("AVBL"), login Read no waits served drops;
    Clnt "CLNT" Text          "client"         "by custom"     Some("CLNT"),     open  Session no   waits served drops;
    Auth "AUTH" Text          "TLS|TLS-C|TLS-P|SSL" "RFC 4217 4" Some("AUTH TLS"), open Session no   waits served drops;
    Adat "ADAT" Text          "data"           "RFC 2228 3"    None,             open  Session no   waits not drops;
    Pbsz "PBSZ" Text          "0"              "RFC 2228 3"    Some("PBSZ"),     open  Session no   waits served keeps;
    Prot "PROT" Text          "C|P"            "RFC 2228 3"    Some("PROT"),     open  Session no   waits served keeps;
    Ccc  "CCC"  None          ""               "RFC 2228 3"    Some("CCC"),      open  Session no   waits served drops;
    Mic  "MIC"  Text          "data"           "RFC 2228 3"    None,             open  Session no   waits not drops;
    Conf "CONF" Text          "data"           "RFC 2228 3"    None,             open  Session no   waits not drops;
    Enc  "ENC"  Text          "data"           "RFC 2228 3"    None,             open  Session no   waits not drops;
}

impl Verb {
    /// Finds a verb by its name, in either case.
    #[must_use]
    pub fn parse(name: &[u8]) -> Option<Self> {
        TABLE.iter().find(|row| name.eq_ignore_ascii_case(row.name.as_bytes())).map(|row| row.verb)
    }

    /// Its row of the table.
    #[must_use]
    pub fn row(self) -> &'static Row {
        // The macro writes one row per variant, in the variants' order.
        &TABLE[self as usize]
    }

    /// Its name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_its_verbs() {
        for (n, row) in TABLE.iter().enumerate() {
            assert_eq!(row.verb as usize, n);
            assert_eq!(Verb::parse(row.name.to_ascii_lowercase().as_bytes()), Some(row.verb));
        }
    }

    /// The page of the commands has a row for each verb, in order, with its argument and its source.
    #[test]
    fn the_page_of_commands_is_this_table() {
        use alloc::{format, string::String, vec::Vec};
        // A `|` within a cell is written `\|` there.
        let page = include_str!("../../../docs/commands.md").replace("\\|", "|");
        let told: Vec<&str> = page
            .split("| verb |")
            .nth(1)
            .unwrap_or_default()
            .lines()
            .skip(2)
            .take_while(|line| !line.is_empty())
            .collect();
        let usage = |row: &Row| String::from(format!("{} {}", row.name, row.usage).trim_end());
        for (n, row) in TABLE.iter().enumerate() {
            let wanted = format!("| `{}` | {} | ", usage(row), row.rfc);
            let found = told.get(n).copied().unwrap_or_default();
            assert!(found.starts_with(&wanted), "docs/commands.md: {wanted:?} is wanted, {found:?} is there");
            assert_eq!(row.served, !found.contains("| 502 |"), "docs/commands.md: {found:?}");
        }
        assert_eq!(told.len(), TABLE.len(), "docs/commands.md tells of other verbs too");
    }
}
