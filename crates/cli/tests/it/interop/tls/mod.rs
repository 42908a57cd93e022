//! Do programs that are told nothing else than TLS, and servers that demand it, and pasv understand each
//! other?

mod ftp_ssl;
mod openssl;
mod rclone;
mod servers;

/// The versions of TLS that a client can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Tls12,
    Tls13,
}
