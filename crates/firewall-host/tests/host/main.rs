//! Are the rule sets of real kernels read, compared and changed as they should be?

mod meanings;
mod rulesets;

use firewall::{Active, Exposure, Families, Request};

fn request(families: Families) -> Request {
    Request::of(Exposure {
        control_ports: vec![2121],
        implicit_ports: vec![],
        passive_ports: vec![61210..=61219],
        active: Active::FromPort(20),
        families,
    })
}
