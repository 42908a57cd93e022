//! The sockets as their users see them, over loopback: every port is the kernel's choice, every wait is for a
//! condition, and every address is of 127.0.0.0/8, so that a peer can be told from another.
mod control;
mod dial;
mod passive;
mod pump;
mod scene;
mod tls;
