//! Which verdicts are there, and what does each mean? The one table that both examinations, JSON and
//! docs/doctor.md read.
use std::fmt;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Nothing gets through.
    Blocks,
    /// Something fails; other methods, or other clients, may work.
    Hinders,
    /// Good to know: it may be intended, or will fail one day.
    Note,
    /// As it should be.
    Fine,
}

impl Weight {
    /// Its name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Blocks => "blocks",
            Self::Hinders => "hinders",
            Self::Note => "note",
            Self::Fine => "fine",
        }
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The verdict.
    pub verdict: Verdict,
    /// Its name in JSON, which does not change.
    pub name: &'static str,
    /// How much it usually matters.
    pub weight: Weight,
    /// What was seen, for the documentation.
    pub seen: &'static str,
    /// What always helps at the server.
    pub server: Option<&'static str>,
    /// What always helps at the client.
    pub client: Option<&'static str>,
}

macro_rules! verdicts {
    ($($verdict:ident $name:literal $weight:ident $seen:literal
        $(at the server: $server:literal)? $(at the client: $client:literal)?;)+) => {
        /// What is wrong, or that nothing is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Verdict {
            $(#[doc = $seen] $verdict,)+
        }

        /// The table. Row `n` is that of the verdict numbered `n`.
        pub const TABLE: &[Row] = &[
            $(Row {
                verdict: Verdict::$verdict,
                name: $name,
                weight: Weight::$weight,
                seen: $seen,
                server: verdicts!(@advice $($server)?),
                client: verdicts!(@advice $($client)?),
            },)+
        ];
    };
    (@advice) => { None };
    (@advice $advice:literal) => { Some($advice) };
}

verdicts! {
    AllIsWell "all-is-well" Note
        "a method works, and nothing hinders";
    NotKnown "not-known" Blocks
        "something fails, and the evidence is short of any verdict";

    NoSuchName "no-such-name" Blocks
        "the name has no address, or no name server answers";
    Rule1Or2 "rule-1-or-2" Blocks
        "no address answers on the control port (rules 1, 2): which rule it is, only the server can say"
        at the client: "try from another network: a firewall of this one may block it";
    ControlRefused "control-refused" Blocks
        "the control port is refused by a reset, or rejected by an ICMP message whose sender is named (rule 1)";
    NoRoute "no-route" Blocks
        "there is no route: from this machine, or as a router in between says";
    FamilyDead "family-dead" Hinders
        "one of IPv4 and IPv6 does not answer, the other does"
        at the client: "pasv tries both at once; with other programs use the address that works";
    WrongScheme "wrong-scheme" Blocks
        "the port expects TLS from the first byte and the URL says `ftp://`, or the reverse with `ftps://`";
    NotFtp "not-ftp" Blocks
        "another protocol (SSH, HTTP, mail, databases and others are named), or a greeting that does not end";
    NoGreeting "no-greeting" Blocks
        "connections are accepted, and then closed, or not answered, or nothing that is sent is acknowledged (rule 1)";
    TurnedAway "turned-away" Blocks
        "the greeting is a refusal"
        at the server: "read its log: too many sessions, a ban or maintenance are usual reasons"
        at the client: "try again later, or from another address";
    LoginRefused "login-refused" Hinders
        "USER or PASS is refused";
    LoginBroken "login-broken" Hinders
        "the session ends before the login does"
        at the server: "read its log: a limit of sessions per address is a usual reason";
    SessionsLimited "sessions-limited" Note
        "a session or connection beside others is refused, with words about a limit or with none";
    CommandEaten "command-eaten" Note
        "FEAT, SYST or STAT is not answered, or ends the session"
        at the server: "answer commands that the server does not know with 500 or 502 (RFC 959 4.2); or switch off a firewall's FTP inspection";

    TlsRequired "tls-required" Note
        "USER or PASS is refused without TLS, and the reply mentions TLS"
        at the client: "use --tls required, or ftpes://";
    NoTls "no-tls" Note
        "AUTH TLS is refused";
    AuthFails "auth-fails" Hinders
        "AUTH TLS is refused though FEAT lists it, or not answered; by whom, only a look from the server's side can say";
    TlsFails "tls-fails" Hinders
        "AUTH TLS is accepted, and the handshake is not answered or ends in an alert, in plain text or in the end of the connection";
    ProtRefused "prot-refused" Hinders
        "the control connection is under TLS, and PROT P is refused"
        at the server: "allow PROT P (RFC 4217 9)"
        at the client: "clients that require TLS cannot transfer files here: ask the administrator for PROT P";
    CertificateDemanded "certificate-demanded" Hinders
        "the server requires a client certificate, and rejects this one or none (`--cert`)";
    CertificateRefused "certificate-refused" Blocks
        "the certificate has changed, matches no `--pin` or is not trusted; or TLS is gone where it was seen before";
    CertificateUnverified "certificate-unverified" Note
        "the certificate is not signed by a trusted authority";
    TlsOld "tls-old" Note
        "TLS 1.2 works and 1.3 does not"
        at the server: "enable TLS 1.3: it is faster to set up, on each data connection";

    Rule3Or4 "rule-3-or-4" Blocks
        "the control connection works, and two data ports do not answer (rules 3, 4; one of them where the server reports which)";
    DataPortsRefused "data-ports-refused" Blocks
        "all data ports are refused by resets, or rejected by ICMP messages whose sender is named (rule 3)";
    RangeInPart "range-in-part" Hinders
        "some data ports are reached and others are not, where what was read on the way cannot be the reason"
        at the server: "open the whole passive range of the server in the firewall, and in the router in front of it"
        at the client: "pasv tries the next method after two seconds; other programs may hang now and then";
    AddressNotTold "address-not-told" Hinders
        "227 names another address, and its port connects at the address of the control connection"
        at the client: "use EPSV, which announces no address; pasv, and curl with --ftp-skip-pasv-ip, ignore it; lftp: set ftp:fix-pasv-address";
    EpsvFails "epsv-fails" Hinders
        "EPSV is refused, not answered or ends the session, and PASV works";
    FtpHelper "ftp-helper" Note
        "something in between reads or rewrites FTP: a method works unencrypted and times out under TLS, only the ports of 227 are open, or addresses differ";
    ActiveImpossible "active-impossible" Note
        "EPRT and PORT are refused, or accepted without a connection: rule 4 where no attempt arrives here or the server reports that it is blocked, rule 3 where it arrives and the answer is lost";
    ClientBehindNat "client-behind-nat" Note
        "the server's STAT names another address than this machine has";
    ReuseRequired "reuse-required" Note
        "a data connection that resumes no TLS session is refused, one that resumes works"
        at the client: "pasv, curl and lftp do so; for other programs ask the administrator to allow it (require_ssl_reuse in vsftpd)";
    DataTlsRefused "data-tls-refused" Hinders
        "data connections under TLS are refused: all of them, or those after the first of a session";
    DataStalls "data-stalls" Hinders
        "data connections are made, and nothing comes, or less than 16 kB in four seconds";
    MtuBlackHole "mtu-black-hole" Hinders
        "a TLS handshake, a listing or a file stalls, while one beside it with small packets (an MSS of 1200) completes"
        at the server: "allow ICMP \"fragmentation needed\" (type 3 code 4) and ICMPv6 \"packet too big\", or clamp the MSS at the router"
        at the client: "clamp the MSS at this network's router (a VPN or PPPoE is usual), or lower the MTU of this machine";
    IdleTimeout "idle-timeout" Note
        "a control connection does not survive being idle: the server closes it, or a NAT has dropped it (`--slow`)";

    NoDirectory "no-directory" Hinders
        "the directory of the URL is refused"
        at the client: "check the spelling: a path starts at the login directory, %2F at its start means the root";
    ListingRefused "listing-refused" Hinders
        "data connections open, but every listing is refused: only that was tested, unless an upload works";
    UploadFails "upload-fails" Hinders
        "an upload fails, is refused, or has another SIZE or HASH than what was sent (`--write`)";
    FileLeft "file-left" Note
        "the file of the upload may still be there: DELE was refused or not answered (`--write`)";
    RestFails "rest-fails" Hinders
        "REST is refused, or accepted and the bytes are others";
    SizeWrong "size-wrong" Hinders
        "SIZE is not what comes";
    FeatDiffers "feat-differs" Note
        "FEAT lists what is refused, or does not list what works"
        at the server: "check the server's configuration: it, or something in between, removes commands";
    NoMlsd "no-mlsd" Note
        "MLSD is neither listed nor accepted";
    ListingUnread "listing-unread" Note
        "LIST has lines of no known form";
    Clock "clock" Note
        "LIST shows local time, or a file just stored has a time far from this machine's (`--write`)";

    Folder "folder" Hinders
        "can this user use the shared folder";
    Settings "settings" Fine
        "do the flags fit together";
    Limits "limits" Note
        "may one address use all sessions, and does the system allow the open files that the given `--max-sessions` needs";
    PassivePorts "passive-ports" Fine
        "are there enough: fewer than four can be used up by a few unencrypted clients behind one NAT";
    Ports "ports" Fine
        "can each port be listened on: is it free, used by pasv or by another program (which is named), is its address this machine's, may this user";
    EphemeralPorts "ephemeral-ports" Fine
        "may outgoing connections of this machine use passive ports";
    Address "address" Fine
        "which address does PASV announce to clients from outside; whether another one than this machine's leads here, only a look from outside decides";
    Certificate "certificate" Fine
        "is the certificate readable, with its own key, a name and time left (14 days before its end it is a note)";
    CertificateTrust "certificate-trust" Fine
        "who signed it: an authority of this system, itself, pasv, or nobody that this system knows (the chain may be short)";
    AcmePort "acme-port" Fine
        "can the authority's check be answered where `--acme-listen` says, and does this machine's firewall let it in to port 80";
    ActivePort "active-port" Fine
        "can active mode connect from `--active-port`";
    Firewall "firewall" Fine
        "as `pasv firewall --check`: does this machine's firewall let through what the server needs, for all clients (a rule that is missing for active mode, where passive mode is offered too, is a note)";
    RuleTooWide "rule-too-wide" Note
        "a rule of the firewall opens more than the server needs";
}

impl Verdict {
    /// Its row.
    #[must_use]
    pub fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// Its name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Is it one of those of a server's own machine?
    #[must_use]
    pub fn is_of_site(self) -> bool {
        self as usize >= Self::Folder as usize
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_stands_for_one_verdict() {
        let mut names: Vec<&str> = TABLE.iter().map(|row| row.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TABLE.len());
    }

    /// With `PASV_GOLDEN=write` it is written there.
    #[test]
    fn the_documentation_has_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/doctor.md");
        let page = std::fs::read_to_string(path).expect("the page of the doctor");
        let mut wanted = page.clone();
        for (mark, of_site) in [("verdicts", false), ("site", true)] {
            let rows = TABLE.iter().filter(|row| row.verdict.is_of_site() == of_site);
            let rows: String = rows.map(|row| format!("| `{}` | {} |\n", row.name, row.seen)).collect();
            let (head, rest) = wanted.split_once(&format!("<!-- {mark} -->\n")).expect("the mark");
            let (_, tail) = rest.split_once("<!-- end -->\n").expect("the end");
            let head_of_table =
                if of_site { "| name | what is checked |" } else { "| name | what was seen |" };
            wanted = format!("{head}<!-- {mark} -->\n{head_of_table}\n|---|---|\n{rows}<!-- end -->\n{tail}");
        }
        if std::env::var_os("PASV_GOLDEN").is_some_and(|value| value == "write") {
            std::fs::write(path, &wanted).expect("docs/doctor.md");
            return;
        }
        assert!(page == wanted, "docs/doctor.md differs from the table: PASV_GOLDEN=write writes it");
    }
}
