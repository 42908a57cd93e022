//! Does the crate say what it should, for every firewall and for rule sets of real kernels?

mod golden;
mod meanings;
mod rulesets;
