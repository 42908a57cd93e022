//! Does the crate write what it should, for every firewall?

mod golden;
