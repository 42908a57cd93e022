//! Does every type of the wire come back as it went out, however its bytes are cut?
//!
//! One binary, so that there is one link step; a module for each type.

mod address;
mod ascii;
mod command;
mod facts;
mod line;
mod listing;
mod pathname;
mod reply;
mod samples;
mod stamp;
mod url;
mod values;
