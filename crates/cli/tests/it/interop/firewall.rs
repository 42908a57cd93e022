//! Do the programs of Linux firewalls take what `pasv firewall` prints, and does it change and compare their
//! rules as it says?
//!
//! Each test has a network namespace of its own (as root of its own user namespace, so that it needs no
//! privilege), in which a shell runs a script: the first command that does not do what it must ends it.

use std::path::Path;

use crate::harness::need;
use crate::harness::process::{command, run};

/// `$pasv` is the program; `fails N COMMAND` wants that exit code; `has TEXT FILE` wants the text in it.
const PRELUDE: &str = r#"
PATH=$PATH:/usr/sbin:/sbin
fails() { want=$1; shift; got=0; "$@" || got=$?; test $got = $want; }
has() { grep -F -q -e "$1" "$2" || { cat "$2" >&2; false; }; }
hasnt() { ! grep -F -q -e "$1" "$2"; }
"#;

/// Runs a script in a namespace, where there are namespaces.
pub(super) fn in_a_namespace(needs: &[&str], script: &str) {
    for name in needs {
        if need::program(name).is_none() {
            return;
        }
    }
    let Some(unshare) = need::program("unshare") else { return };
    let flags = ["--user", "--map-root-user", "--net", "--mount"];
    if !run(command(&unshare, flags).arg("true")).status.success() {
        need::skip("network namespaces", "not allowed here");
        return;
    }
    let script = format!("{PRELUDE}{script}");
    run(command(&unshare, flags)
        .args(["sh", "-eux", "-c", &script])
        .env("pasv", Path::new(env!("CARGO_BIN_EXE_pasv"))))
    .good();
}

#[test]
fn nft_loads_every_set_that_is_printed_and_twice_is_once() {
    in_a_namespace(
        &["nft"],
        r#"
for flags in "" "--mode both --active-port 20" "--mode active --active-port 20 --keep none" \
    "--mode both --stateless" "--mode both --active-port 20 --output-drop" "--explain --listen-tls 990" \
    "--from 192.0.2.0/24 --from 2001:db8::/32 --from 203.0.113.7 --mode both --output-drop --explain" \
    "--from 192.0.2.0/25 --from 192.0.2.128/25 --from 192.0.2.7 --from 0.0.0.0/0 --from ::/0" \
    "--acme ftp.example.org --keep 8000-8100 --passive-ports 1024-65535 --stateless --output-drop" \
    "--listen 0.0.0.0:21 --listen-tls 0.0.0.0:990 --stateless" "--listen [::1]:21 --listen [2001:db8::1]:21"
do
    $pasv firewall --for nftables $flags > set
    nft -c -f set
    nft -f set
    nft list ruleset > once
    $pasv firewall --for nftables $flags | nft -f -
    nft list ruleset > twice
    cmp once twice
done
nft flush ruleset
for flags in "" "--mode both --active-port 20 --output-drop --external 203.0.113.1" "--from 192.0.2.0/24 --from 2001:db8::/32"
do
    $pasv firewall --for nftables-router --inside 192.168.1.2 --inside 2001:db8::2 $flags > set
    nft -f set
    nft -f set
done
nft flush ruleset
nft 'add table inet filter { chain input { type filter hook input priority 0; policy drop; }; chain output { type filter hook output priority 0; policy drop; }; }'
for flags in "" "--mode both --stateless" "--mode both --output-drop --from 192.0.2.0/24 --from 2001:db8::/32"
do
    $pasv firewall --for nftables-insert $flags | nft -f -
done
"#,
    );
}

#[test]
fn iptables_takes_every_set_that_is_printed() {
    in_a_namespace(
        &["iptables-restore", "ip6tables-restore"],
        r#"
mount -t tmpfs none /run
for flags in "" "--mode both --active-port 20" "--mode both --stateless" "--explain --listen-tls 990" \
    "--from 192.0.2.0/24 --from 2001:db8::/32 --from 203.0.113.7 --mode both --output-drop --explain"
do
    $pasv firewall --for iptables $flags > set
    iptables-restore --test set
    ip6tables-restore --test set
    iptables-restore set
    ip6tables-restore set
    $pasv firewall --for iptables-insert $flags > set
    sh -eu set
done
$pasv firewall --for iptables --listen 0.0.0.0:21 > set
iptables-restore set
iptables-save > saved
has '-A INPUT -p tcp -m tcp --dport 61210:61219 -m conntrack --ctstate NEW -m comment --comment "pasv rule 3" -j ACCEPT' saved
"#,
    );
}

#[test]
fn a_table_of_our_own_where_nothing_filters() {
    in_a_namespace(
        &["nft"],
        r#"
$pasv firewall --check > told
has "OPEN " told
fails 1 $pasv firewall --apply < /dev/null
nft list ruleset > now
test ! -s now
$pasv firewall --apply --yes
$pasv firewall --check
nft list ruleset > once
$pasv firewall --apply --yes 2> told
has "Nothing to do" told
nft list ruleset > twice
cmp once twice
# Other ports: the old ones are too wide, and a new application brings all up to date.
fails 1 $pasv firewall --check --passive-ports 61210-61212 > told
has "TOO WIDE" told
$pasv firewall --apply --yes --passive-ports 61210-61212 --keep 22 --keep 80
$pasv firewall --check --passive-ports 61210-61212
nft list ruleset > now
has "tcp dport { 22, 80 } ct state new accept" now
has "tcp dport 61210-61212 ct state new accept" now
$pasv firewall --apply --yes --mode both --active-port 20 --output-drop
$pasv firewall --check --mode both --active-port 20 --output-drop
$pasv firewall --remove --yes
nft list ruleset > now
test ! -s now
$pasv firewall --remove --yes 2> told
has "Nothing to do" told
"#,
    );
}

#[test]
fn what_listens_is_not_closed_unasked() {
    in_a_namespace(
        &["nft"],
        r#"
$pasv serve --quiet --listen 8080 --passive-ports 62000 --ready-file ready &
server=$!
trap 'kill $server; wait $server' EXIT
until test -s ready
do
    kill -0 $server
done
fails 1 $pasv firewall --apply --yes 2> told
has "would be closed: TCP 8080 (pasv), 62000 (pasv)." told
nft list ruleset > now
test ! -s now
# It is the site itself that listens there.
$pasv firewall --apply --yes --listen 8080 --passive-ports 62000
$pasv firewall --remove --yes
$pasv firewall --apply --yes --keep 8080
nft list ruleset > now
has "tcp dport 8080 ct state new accept" now
"#,
    );
}

#[test]
fn lines_in_the_chain_of_another_that_drops() {
    in_a_namespace(
        &["nft"],
        r#"
cat > rules <<'END'
table inet filter {
    chain input {
        type filter hook input priority 0; policy drop;
        ct state established,related accept
        iif lo accept
        ip saddr 198.51.100.0/24 drop
        tcp dport 22 accept
        reject
    }
}
END
nft -f rules
nft list ruleset > before
$pasv firewall > told
has "insert rule inet filter input tcp dport 2121 ct state new accept" told
fails 1 $pasv firewall --check > told
has "MISSING   rule 1 (in, to 2121)" told
has "MISSING   rule 3 (in, to 61210-61219)" told
has '`reject` in inet filter input' told
$pasv firewall --apply --yes
$pasv firewall --check
nft list ruleset > once
$pasv firewall --apply --yes
nft list ruleset > twice
cmp once twice
# After the refused addresses, and before what refuses all.
grep -A 1 "dport 22 accept" once > told
has "pasv rule 1" told
grep -B 1 "reject" once > told
has "pasv rule 3" told
# Each line is needed: without it the check names its rule.
for rule in 1 3
do
    nft -a list ruleset > now
    nft delete rule inet filter input handle $(sed -n "s/.*\"pasv rule $rule\" # handle //p" now)
    fails 1 $pasv firewall --check > told
    has "MISSING   rule $rule" told
    $pasv firewall --apply --yes
    $pasv firewall --check
done
$pasv firewall --remove --yes
nft list ruleset > after
cmp before after
"#,
    );
}

#[test]
fn the_doctor_of_a_site_names_the_rule_that_is_missing() {
    in_a_namespace(
        &["nft"],
        r#"
# Nothing filters: it says so, and finds nothing wrong.
$pasv doctor --site > told
has "no firewall is active on this machine" told
nft 'add table inet filter { chain input { type filter hook input priority 0; policy drop; }; }'
nft 'add rule inet filter input ct state established,related accept'
nft 'add rule inet filter input iif lo accept'
nft 'add rule inet filter input tcp dport { 22, 2121 } accept'
fails 1 $pasv doctor --site > told
has "error: rule 3 (in, to 61210-61219)" told
hasnt "rule 1 (in" told
has "pasv firewall --apply" told
# Nobody comes to this one from outside.
$pasv doctor --site --listen 127.0.0.1:2121 > told
hasnt "rule 3" told
# The authority of --acme asks a port of its own.
fails 1 $pasv doctor --site --acme ftp.example.net > told
has "blocks the certificate authority at port 80" told
tr -s '\n ' '  ' < told > flat
has "nftables decides in the chain" flat
$pasv firewall --apply --yes
$pasv doctor --site > told
has "lets through what the server needs" told
# Calls of active mode do not leave; clients in passive mode are served all the same, unless there is no other mode.
nft 'add table inet out { chain output { type filter hook output priority 0; policy drop; }; }'
nft 'add rule inet out output ct state established,related accept'
nft 'add rule inet out output oif lo accept'
$pasv doctor --site --active-port 20 > told
has "active mode fails: rule 4 (out, from 20)" told
hasnt "error:" told
$pasv doctor --site --no-active > told
hasnt "rule 4" told
fails 1 $pasv doctor --site --active-port 20 --no-passive --json > told
has '"verdict":"firewall"' told
nft 'add rule inet out output tcp sport 20 tcp dport > 1023 ct state new accept'
$pasv doctor --site --active-port 20 > told
hasnt "rule 4" told
has "active mode connects from port 20" told
"#,
    );
}

#[test]
fn lines_beside_those_of_iptables() {
    in_a_namespace(
        &["nft", "iptables", "ip6tables-save"],
        r#"
mount -t tmpfs none /run
for program in iptables ip6tables
do
    $program -P INPUT DROP
    $program -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
    $program -A INPUT -p tcp -m multiport --dports 22,2121 -m conntrack --ctstate NEW -j ACCEPT
    $program -A INPUT -j REJECT
done
$pasv firewall > told
has "For iptables-insert:" told
fails 1 $pasv firewall --check > told
has "MISSING   rule 3" told
hasnt "MISSING   rule 1" told
$pasv firewall --apply --yes
$pasv firewall --check
# iptables can still tell its own rules, and ours among them.
iptables-save > saved
has "pasv rule 3" saved
has "multiport" saved
$pasv firewall --remove --yes
fails 1 $pasv firewall --check
"#,
    );
}

#[test]
fn ufw_takes_the_profile_and_the_check_understands_its_chains() {
    // Its files are root's to read.
    if need::root("ufw").is_none() {
        return;
    }
    in_a_namespace(
        &["nft", "ufw", "ip", "iptables-save"],
        r#"
# ufw has its own files under /etc, root's: a copy of them is put over them, for us alone.
cp -R /etc/ufw copy
mount -t tmpfs none /run
mount --bind copy /etc/ufw
ip link set lo up
yes | ufw enable
fails 1 $pasv firewall --check > told
has "MISSING   rule 1" told
$pasv firewall > set
has "ufw is active" set
sh -eu set
ufw --dry-run allow pasv
$pasv firewall --check
fails 1 $pasv firewall --apply --yes
# One family, one network of each, and what goes out.
flags="--mode both --active-port 20 --output-drop --listen 0.0.0.0:21"
for from in "" "--from 192.0.2.0/24"
do
    $pasv firewall --for ufw $flags $from > set
    sh -eu set
    $pasv firewall --check $flags --from 192.0.2.0/24 > told || has "everybody" told
    hasnt "MISSING" told
done
"#,
    );
}
