//! What becomes of other people's rules, and of a second site's, where `pasv firewall` changes or compares
//! those of a machine?

use super::firewall::in_a_namespace;

/// A chain that drops and follows connections: what most hosts have.
const HOST: &str = r"
nft 'add table inet filter { chain input { type filter hook input priority 0; policy drop; }; }'
nft 'add rule inet filter input ct state established,related accept'
nft 'add rule inet filter input iif lo accept'
";

#[test]
fn a_table_of_the_same_name_is_left_alone() {
    in_a_namespace(
        &["nft"],
        r#"
# Somebody's own, and the one that is printed for a router.
nft 'add table inet pasv { chain mine { type filter hook input priority 0; policy accept; }; }'
nft 'add rule inet pasv mine tcp dport 25 drop'
for _ in own router
do
    nft list ruleset > before
    fails 1 $pasv firewall --apply --yes 2> told
    has "is not what pasv makes" told
    $pasv firewall --remove --yes 2> told
    has "Nothing to do" told
    nft list ruleset > after
    cmp before after
    $pasv firewall --for nftables-router --inside 192.168.1.2 | nft -f -
done
"#,
    );
}

#[test]
fn a_second_site_is_not_closed_unasked() {
    in_a_namespace(
        &["nft"],
        &format!(
            r#"{HOST}
first="--listen 8080 --passive-ports 62000-62009"
second="--listen 9090 --passive-ports 63000-63009"
$pasv firewall --apply --yes $first
$pasv serve --quiet $first --ready-file ready &
server=$!
trap 'kill $server; wait $server' EXIT
until test -s ready
do
    kill -0 $server
done
nft list ruleset > before
fails 1 $pasv firewall --apply --yes $second 2> told
has "would be closed: TCP 8080 (pasv), 62000-62009 (pasv)" told
nft list ruleset > after
cmp before after
# Both, each keeping what is the other's.
$pasv firewall --apply --yes $second --keep 22 --keep 8080 --keep 62000-62009
$pasv firewall --check $first --keep 9090 --keep 63000-63009
$pasv firewall --check $second --keep 8080 --keep 62000-62009
fails 1 $pasv firewall --check $second > told
has "for a server with other settings" told
$pasv firewall --apply --yes $first --keep 9090 --keep 63000-63009
$pasv firewall --check $second --keep 8080 --keep 62000-62009
"#
        ),
    );
}

#[test]
fn what_is_narrowed_is_narrowed() {
    in_a_namespace(
        &["nft"],
        &format!(
            r#"
wide="--from 192.0.2.0/24 --from 198.51.100.0/24 --from 2001:db8::/32"
few="--from 192.0.2.0/25"
both="--mode both --active-port 20 --output-drop"
for host in none drops
do
    test $host = none || {{ {HOST} nft 'add chain inet filter output {{ type filter hook output priority 0; policy drop; }}'; }}
    # Clients who may not come any more, and a mode that is not let through any more.
    $pasv firewall --apply --yes $wide $both
    $pasv firewall --check $wide $both
    fails 1 $pasv firewall --check $few $both > told
    has "others too" told
    $pasv firewall --apply --yes $few $both
    $pasv firewall --check $few $both
    nft list ruleset > now
    hasnt 198.51.100.0 now
    has "pasv rule 4" now
    $pasv firewall --apply --yes $few --output-drop
    $pasv firewall --check $few --output-drop
    nft list ruleset > now
    hasnt "tcp sport 20 " now
    $pasv firewall --remove --yes
done
nft list ruleset > now
hasnt pasv now
"#
        ),
    );
}

/// A table of our own is made, and the chain of another that drops elsewhere on the way gets its lines as
/// well.
#[test]
fn who_drops_the_answers_alone_is_opened_too() {
    in_a_namespace(
        &["nft"],
        r#"
nft 'add table inet other { chain out { type filter hook output priority 0; policy drop; }; }'
nft list ruleset > before
fails 1 $pasv firewall --check > told
has "MISSING   rule 2" told
$pasv firewall --apply --yes
$pasv firewall --check
nft list ruleset > once
$pasv firewall --apply --yes 2> told
has "Nothing to do" told
nft list ruleset > twice
cmp once twice
$pasv firewall --remove --yes
nft list ruleset > after
cmp before after
"#,
    );
}

/// A list of refused addresses is no firewall: it is not what rules belong into.
#[test]
fn a_list_of_refused_addresses_is_not_taken_for_the_firewall() {
    in_a_namespace(
        &["nft"],
        r#"
nft 'add table inet f2b-table { set banned { type ipv4_addr; elements = { 192.0.2.66 }; }; chain f2b-chain { type filter hook input priority -1; policy accept; }; }'
nft 'add rule inet f2b-table f2b-chain tcp dport 22 ip saddr @banned reject'
$pasv firewall > told
has "No firewall is active on this machine: nothing to do." told
"#,
    );
}

#[test]
fn the_port_of_the_certificates_authority_is_opened_and_compared() {
    in_a_namespace(
        &["nft"],
        &format!(
            r#"{HOST}
flags="--acme ftp.example.org --from 192.0.2.0/24"
fails 1 $pasv firewall --check $flags > told
has "rule 1 (in, to 80), the certificate's authority asks" told
$pasv firewall --apply --yes $flags
$pasv firewall --check $flags
nft list ruleset > now
# From anywhere, and the rest from the clients' network alone.
has "		tcp dport 80 ct state new accept" now
has "ip saddr 192.0.2.0/24 tcp dport 2121" now
$pasv firewall --remove --yes
nft flush ruleset
$pasv firewall --apply --yes $flags
nft list ruleset > now
has "tcp dport {{ 22, 80 }} ct state new accept" now
"#
        ),
    );
}

/// The rules of iptables of the kind before nftables are the kernel's elsewhere: nothing good is said of what
/// is not seen.
#[test]
fn the_older_iptables_is_not_gone_past() {
    in_a_namespace(
        &["nft", "iptables-legacy"],
        r#"
if iptables-legacy -P INPUT DROP && grep -q filter /proc/net/ip_tables_names
then
    fails 1 $pasv firewall --check > told
    has "NOT KNOWN" told
    hasnt "GOOD" told
    hasnt "OPEN" told
    fails 1 $pasv firewall --apply --yes
    $pasv firewall > told
    has "For iptables-insert" told
    # Somebody has only looked: nothing of it decides.
    iptables-legacy -P INPUT ACCEPT
    $pasv firewall --check > told
    has "GOOD" told
fi
"#,
    );
}
