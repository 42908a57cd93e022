//! Do other people's programs and pasv understand each other?
//!
//! ```text
//!   clients/   curl, lftp, ncftp, wget, tnftp, Python's ftplib  --->  pasv serve
//!   servers    vsftpd, ProFTPD, Pure-FTPd, pyftpdlib            <---  pasv ls, get, put, ...
//!   acme       pebble, an authority                             <---  pasv serve --acme
//!   firewall   nft, iptables, ufw, firewalld, HAProxy           <---  pasv firewall
//! ```
//! The stories (list, download, upload, resume, odd names, a tree of 300 files) are told once, in `story`;
//! the file of each client says how that client is told to do it, and what it cannot do by its own fault.

mod acme;
mod clients;
mod doctor;
mod firewall;
mod firewall_fronts;
mod firewall_guests;
mod servers;
mod story;
mod tls;
