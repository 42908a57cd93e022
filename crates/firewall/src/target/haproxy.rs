//! How is HAProxy configured in front of one server or several?

use core::net::IpAddr;
use core::ops::RangeInclusive;

use crate::request::Request;
use crate::rules::{Direction, Ports, Rule};
use crate::sheet::Sheet;
use crate::target::Unfit;
use crate::target::advice::passive;

pub(super) fn write(request: &Request) -> Result<Sheet, Unfit> {
    if request.inside.is_empty() {
        return Err(Unfit("a balancer needs the servers' addresses: --inside ADDRESS, once for each".into()));
    }
    let mut sheet = Sheet::new("#");
    sheet.say(
        "HAProxy, before the servers of --inside: lines for haproxy.cfg, once. `haproxy -c -f FILE` checks them.",
    );
    sheet.say("Remove:  the sections `listen pasv-...`, then reload HAProxy");
    sheet.say("The control connection goes to any server, and each has its own part of the passive ports, so that a data connection finds its way by its port.");
    sheet.say("`send-proxy-v2` passes the client's address to the servers (PROXY protocol). They accept it from --proxy-from only, and then require it: change both sides together. With it logs, limits and data connections know the real client.");
    if request.calls_back() {
        sheet.say(
            "Active mode does not work: the server would connect from its own address. Use passive mode.",
        );
    }
    let rules = request.written(Direction::In);
    let data: Vec<&Rule> = rules.iter().filter(|rule| rule.number == 3).collect();
    let parts =
        parts(&data.iter().flat_map(|rule| rule.to.spans()).collect::<Vec<_>>(), request.inside.len());
    if request.inside.len() > 1 {
        sheet.say("To clients they are one server: use the same files and the same certificate (--cert, --key) on each.");
        for (server, part) in request.inside.iter().zip(&parts) {
            if part.is_empty() {
                return Err(Unfit("there are more servers than passive ports".into()));
            }
            sheet.command(&format!("at {server}, among the flags below:{}", passive(part)));
        }
    }
    sheet.blank();
    for rule in rules.iter().filter(|rule| rule.number == 1) {
        for span in rule.to.spans() {
            for port in span {
                sheet.plain(format!("listen pasv-control-{port}"));
                sheet.plain("    mode tcp");
                sheet.rule(format!("    bind {}", binds(request, &Ports::of([port..=port]))), &[rule]);
                allow(&mut sheet, request);
                timeouts(&mut sheet);
                for (n, server) in request.inside.iter().enumerate() {
                    sheet.plain(format!(
                        "    server pasv{} {} send-proxy-v2 check inter 10s",
                        n + 1,
                        at(*server, Some(port))
                    ));
                }
                sheet.blank();
            }
        }
    }
    for ((n, server), part) in request.inside.iter().enumerate().zip(&parts).filter(|_| !data.is_empty()) {
        sheet.plain(format!("listen pasv-data-{}", n + 1));
        sheet.plain("    mode tcp");
        sheet.rule(format!("    bind {}", binds(request, part)), &data);
        allow(&mut sheet, request);
        timeouts(&mut sheet);
        sheet.support(
            format!("    server pasv{} {} send-proxy-v2", n + 1, at(*server, None)),
            "without a port: the one that was dialled",
        );
        sheet.blank();
    }
    Ok(sheet)
}

fn binds(request: &Request, ports: &Ports) -> String {
    let binds = ports.words("-").into_iter().map(|ports| match request.families()[..] {
        [crate::Family::V4] => format!("0.0.0.0:{ports}"),
        [crate::Family::V6] => format!(":::{ports} v6only"),
        _ => format!(":::{ports} v4v6"),
    });
    binds.collect::<Vec<_>>().join("\n    bind ")
}

fn allow(sheet: &mut Sheet, request: &Request) {
    if request.from.is_empty() {
        return;
    }
    let nets: Vec<String> = request.all_networks().iter().map(ToString::to_string).collect();
    sheet.support(
        format!("    tcp-request connection reject unless {{ src {} }}", nets.join(" ")),
        "who may come",
    );
}

/// A control connection is silent as long as its transfer lasts.
fn timeouts(sheet: &mut Sheet) {
    sheet.plain("    timeout connect 5s");
    sheet.support("    timeout client 2h", "a control connection is silent as long as its transfer lasts");
    sheet.plain("    timeout server 2h");
    sheet.support("    option clitcpka", "keepalives, so that no NAT forgets it meanwhile");
    sheet.plain("    option srvtcpka");
}

fn at(server: IpAddr, port: Option<u16>) -> String {
    match (server, port) {
        (_, Some(port)) => core::net::SocketAddr::new(server, port).to_string(),
        (IpAddr::V4(v4), None) => v4.to_string(),
        // Without brackets the last group would be read as a port.
        (IpAddr::V6(v6), None) => format!("[{v6}]"),
    }
}

/// The ports in `servers` parts, the first ones larger by one where they do not come out even.
fn parts(spans: &[RangeInclusive<u16>], servers: usize) -> Vec<Ports> {
    let all: Vec<u16> = spans.iter().cloned().flatten().collect();
    let (each, more) = (all.len() / servers.max(1), all.len() % servers.max(1));
    let mut rest = all.into_iter();
    (0..servers)
        .map(|n| {
            let size = each + usize::from(n < more);
            Ports::of(rest.by_ref().take(size).map(|port| port..=port).collect::<Vec<_>>())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_server_has_its_own_ports() {
        let told: Vec<String> = parts(&[61210..=61219], 3).iter().map(ToString::to_string).collect();
        assert_eq!(told, ["61210-61213", "61214-61216", "61217-61219"]);
        assert!(parts(&[61210..=61210], 2)[1].is_empty());
    }
}
