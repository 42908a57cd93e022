//! The stores against their contract, on real files in a temporary directory.
mod files;
mod site;
mod uploads;
