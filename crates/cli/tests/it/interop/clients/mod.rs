//! Can everybody's clients use our server?

mod basic_ftp;
mod curl;
pub(super) mod ftplib;
pub(super) mod lftp;
mod ncftp;
mod tnftp;
mod wget;
