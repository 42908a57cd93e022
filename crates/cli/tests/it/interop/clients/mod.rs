//! Can everybody's clients use our server?

mod curl;
mod ftplib;
mod lftp;
mod ncftp;
mod tnftp;
mod wget;
