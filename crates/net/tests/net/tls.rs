//! Is TLS what FTP needs it to be, against our own other side and against rustls used as an attacker would?
mod binding;
mod control;
mod identity;
mod moving;
mod scene;
mod siblings;
