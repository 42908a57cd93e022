//! The stores against their contract, on real files in a temporary directory.
mod accounts;
mod appends;
mod files;
mod full;
mod kills;
mod links;
mod listings;
mod paths;
mod rights;
mod site;
mod sweeps;
mod uploads;
