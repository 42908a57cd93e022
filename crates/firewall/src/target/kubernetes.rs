//! How is a Service of Kubernetes written?

use crate::request::{Family, Output, Request};
use crate::rules::{Direction, Rule};
use crate::sheet::Sheet;
use crate::target::Unfit;

/// Cloud balancers take some 50 to 100 ports each, and each passive port is one.
const MANY: usize = 50;

pub(super) fn write(request: &Request) -> Result<Sheet, Unfit> {
    let rules = request.written(Direction::In);
    let ports: Vec<(u16, &Rule)> = rules
        .iter()
        .flat_map(|rule| rule.to.spans().into_iter().flatten().map(move |port| (port, rule)))
        .collect();
    if ports.len() > MANY {
        return Err(Unfit(format!(
            "a Service has one entry for each port, and balancers take some {MANY}: {} are too many; ten passive ports serve any number of clients",
            ports.len()
        )));
    }
    let mut sheet = Sheet::new("#");
    sheet.say("Kubernetes, before one pod with the label app=pasv: kubectl apply -f FILE, once or often.");
    sheet.say("Remove:  kubectl delete service/pasv networkpolicy/pasv");
    sheet.say("A Service has no port ranges: one entry for each passive port, so use few of them.");
    sheet.say("The NetworkPolicy closes the pod's other ports, where the cluster's network enforces it; it supports ranges, and answers pass.");
    sheet.say("One pod for each Service: a second one needs its own Service, address and passive ports.");
    if request.calls_back() {
        sheet.say("Active mode: the pod connects from the node's address, not from the Service's, and most clients refuse that. Use passive mode.");
    }
    sheet.blank();
    sheet.plain("apiVersion: v1");
    sheet.plain("kind: Service");
    sheet.plain("metadata:");
    sheet.plain("  name: pasv");
    sheet.plain("spec:");
    sheet.plain("  type: LoadBalancer");
    sheet.support(
        "  externalTrafficPolicy: Local",
        "the server sees the clients' own addresses, the same on both connections",
    );
    match request.families()[..] {
        [Family::V4] => sheet.support("  ipFamilies: [IPv4]", "IPv4 only"),
        [Family::V6] => sheet.support("  ipFamilies: [IPv6]", "IPv6 only"),
        _ => sheet.support("  ipFamilyPolicy: PreferDualStack", "IPv6 too, where the cluster has it"),
    }
    sheet.plain("  selector:");
    sheet.plain("    app: pasv");
    if !request.from.is_empty() {
        sheet.support("  loadBalancerSourceRanges:", "who may come");
        for net in request.all_networks() {
            sheet.plain(format!("    - \"{net}\""));
        }
    }
    sheet.plain("  ports:");
    let mut before = None;
    for (port, rule) in ports {
        let kind = if rule.number == 1 { "control" } else { "data" };
        let text =
            format!("    - {{ name: {kind}-{port}, port: {port}, targetPort: {port}, protocol: TCP }}");
        // The reason once, above the first of a run.
        if before == Some(rule.number) {
            sheet.plain(text);
        } else {
            sheet.rule(text, &[rule]);
        }
        before = Some(rule.number);
    }
    policy(&mut sheet, request, &rules);
    Ok(sheet)
}

/// The firewall of the pod itself.
fn policy(sheet: &mut Sheet, request: &Request, rules: &[Rule]) {
    sheet.plain("---");
    sheet.plain("apiVersion: networking.k8s.io/v1");
    sheet.plain("kind: NetworkPolicy");
    sheet.plain("metadata:");
    sheet.plain("  name: pasv");
    sheet.plain("spec:");
    sheet.plain("  podSelector:");
    sheet.plain("    matchLabels:");
    sheet.plain("      app: pasv");
    match request.output {
        Output::Open => sheet.plain("  policyTypes: [Ingress]"),
        Output::Dropped => {
            sheet.support("  policyTypes: [Ingress, Egress]", "the pod opens nothing outward; answers pass");
        }
    }
    sheet.plain("  ingress:");
    sheet.plain("    - ports:");
    for rule in rules {
        for span in rule.to.spans() {
            let end =
                if span.start() == span.end() { String::new() } else { format!(", endPort: {}", span.end()) };
            sheet.rule(format!("        - {{ protocol: TCP, port: {}{end} }}", span.start()), &[rule]);
        }
    }
    if !request.from.is_empty() {
        sheet.support("      from:", "who may come");
        for net in request.all_networks() {
            sheet.plain(format!("        - ipBlock: {{ cidr: \"{net}\" }}"));
        }
    }
}
