//! Do programs that relay or manage rules take what `pasv firewall` prints for them?

use std::path::Path;

use super::firewall::in_a_namespace;
use crate::harness::need;
use crate::harness::process::{command, run};

/// HAProxy reads what is printed, and brings clients to two servers that believe its headers.
#[test]
fn haproxy_takes_what_is_printed_and_introduces_clients() {
    let Some(haproxy) = need::peer_file("haproxy", "haproxy/usr/sbin/haproxy") else { return };
    let script = r#"
here=$(mktemp -d)
cd $here
export XDG_STATE_HOME=$here
ip link set lo up
for flags in "" "--explain --listen 21 --listen-tls 990" "--from 192.0.2.0/24 --from 2001:db8::/32 --passive-ports 61210-61212"
do
    $pasv firewall --for haproxy --inside 192.168.1.2 --inside 192.168.1.3 --inside 2001:db8::2 $flags > set
    HAPROXY -c -f set
done
# The machine is the balancer and both servers: each at an address of its own.
$pasv firewall --for haproxy --inside 127.0.0.2 --inside 127.0.0.3 --listen 0.0.0.0:2121 --passive-ports 61210-61213 > set
sed 's/bind 0.0.0.0/bind 127.0.0.1/' set > at-home
mkdir 2 3
echo of-2 > 2/file
echo of-3 > 3/file
server() {
    ports=$(sed -n "s/.*at 127.0.0.$1, .*--passive-ports //p" set)
    exec $pasv serve --quiet --root $1 --listen 127.0.0.$1:2121 --passive-ports $ports --proxy-from 127.0.0.1 --no-active --ready-file ready-$1 2> log-$1
}
server 2 &
two=$!
server 3 &
three=$!
trap 'kill $two $three; wait; rm -r $here' EXIT
until test -s ready-2 && test -s ready-3
do
    kill -0 $two
    kill -0 $three
done
# Afterwards, or its first look would take one of them for dead.
HAPROXY -f at-home -db &
balancer=$!
trap 'kill $two $three $balancer; wait; rm -r $here' EXIT
until $pasv cat --tls off ftp://127.0.0.1:2121/file > got
do
    kill -0 $balancer
done
# In turns, and each data connection finds the server of its control connection. A client that came too early has taken a turn.
for _ in 1 2 3
do
    $pasv cat --tls off ftp://127.0.0.1:2121/file >> got
done
sort -u got > sorted
printf 'of-2\nof-3\n' > both
cmp both sorted
"#;
    in_a_namespace(&["ip"], &script.replace("HAPROXY", &haproxy.display().to_string()));
}

/// firewalld's own program for when it does not run, in a copy of its folder, which is nobody's.
#[test]
fn firewalld_takes_the_service_and_the_policy() {
    const MODULES: &str = "usr/lib/python3/dist-packages";
    let of = |package: &str, path: &str| need::peer_file(package, &format!("{package}/{path}"));
    let Some(offline) = of("firewalld", "usr/bin/firewall-offline-cmd") else { return };
    let Some(modules) = of("python3-firewall", MODULES) else { return };
    let Some(nftables) = of("python3-nftables", MODULES) else { return };
    // Debian's own, whose modules these are, and with those that are not ours to unpack.
    let python = Path::new("/usr/bin/python3");
    let has_modules = || run(&mut command(python, ["-c", "import gi, dbus"])).status.success();
    if !python.is_file() || !has_modules() {
        return need::skip("firewalld", "python3-gi or python3-dbus is not installed");
    }
    let script = r#"
here=$(mktemp -d)
trap 'rm -r $here' EXIT
export PYTHONPATH=MODULES PYTHONDONTWRITEBYTECODE=1
for flags in "" "--listen-tls 990 --mode both --active-port 20 --output-drop --from 192.0.2.0/24 --from 2001:db8::/32 --explain"
do
    rm -rf $here/etc
    cp -R ROOT/etc/firewalld $here/etc
    $pasv firewall --for firewalld $flags > $here/set
    offline="PYTHON ROOT/usr/bin/firewall-offline-cmd --default-config ROOT/usr/lib/firewalld --system-config $here/etc"
    sed "s,^firewall-cmd --permanent,$offline,; s,^firewall-cmd --reload,$offline --check-config," $here/set > $here/commands
    sh -eu $here/commands
done
has 'port="61210-61219"' $here/etc/services/pasv.xml
has '<policy target="DROP">' $here/etc/policies/pasv-out.xml
"#;
    let root = offline.ancestors().nth(3).unwrap_or(&offline);
    let script = script
        .replace("MODULES", &format!("{}:{}", modules.display(), nftables.display()))
        .replace("ROOT", &root.display().to_string())
        .replace("PYTHON ", &format!("{} ", python.display()));
    in_a_namespace(&["sed"], &script);
}

/// In the chain that Docker leaves to others, without Docker.
#[test]
fn iptables_takes_the_lines_beside_dockers() {
    in_a_namespace(
        &["iptables", "ip6tables"],
        r#"
mount -t tmpfs none /run
iptables -N DOCKER-USER
ip6tables -N DOCKER-USER
$pasv firewall --for docker --from 192.0.2.0/24 --from 2001:db8::/32 > set
grep -E '^ip6?tables' set > lines
sh -eu lines
iptables -S DOCKER-USER > told
# The network first, then all others; and only what was dialled at this machine, not what containers dial elsewhere.
has "-A DOCKER-USER -s 192.0.2.0/24 -p tcp -m conntrack --ctstate DNAT --ctorigdstport 2121 --ctdir ORIGINAL -j RETURN" told
grep -A 1 -e "-s 192.0.2.0/24 .*2121" told > pair
has "-j DROP" pair
"#,
    );
}
