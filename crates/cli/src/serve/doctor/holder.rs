//! Which program listens at a port of this machine?
use std::collections::HashMap;
use std::fmt;
use std::fs;

/// A program that listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    name: String,
    process: u32,
}

impl Holder {
    /// Is it the same program as this one: the site itself, where it runs?
    pub(super) fn is_pasv(&self) -> bool {
        self.name == name_of("self")
    }
}

#[cfg(test)]
impl Holder {
    /// One that is not there.
    pub(super) fn named(name: &str, process: u32) -> Self {
        Self { name: name.to_owned(), process }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A process can call itself what it likes.
        write!(f, "{} (process {})", wire::pathname::show(self.name.as_bytes()), self.process)
    }
}

/// Who listens at which port, as far as this user is told: root of all, everybody of his own processes.
pub(super) fn all() -> HashMap<u16, Holder> {
    let mut ports: HashMap<u64, u16> = HashMap::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let text = fs::read_to_string(table).unwrap_or_default();
        ports.extend(text.lines().filter_map(listener));
    }
    let mut holders = HashMap::new();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    for process in processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()) {
        let open = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
        for port in open.filter_map(|fd| ports.get(&socket(fs::read_link(fd.path()).ok()?.to_str()?)?)) {
            holders.entry(*port).or_insert_with(|| Holder { name: name_of(&process.to_string()), process });
        }
    }
    holders
}

fn name_of(process: &str) -> String {
    fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default().trim_end().to_owned()
}

/// The socket's number and its port, of a line whose state is LISTEN: `sl local remote state queues timer retransmits uid
/// timeout inode` (proc_pid_net(5)).
fn listener(line: &str) -> Option<(u64, u16)> {
    const LISTEN: &str = "0A";
    let mut words = line.split_whitespace().skip(1);
    let (_, port) = words.next()?.rsplit_once(':')?;
    if words.nth(1)? != LISTEN {
        return None;
    }
    Some((words.nth(5)?.parse().ok()?, u16::from_str_radix(port, 16).ok()?))
}

/// `socket:[12345]`.
fn socket(link: &str) -> Option<u64> {
    link.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    #[test]
    fn a_listener_of_our_own_is_found_with_its_process() {
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = held.local_addr().unwrap().port();
        let holder = all().remove(&port).expect("we may read of ourselves");
        assert!(holder.process == std::process::id() && holder.is_pasv(), "{holder}");
        drop(held);
        assert_eq!(all().get(&port).filter(|other| other.process == std::process::id()), None);
    }

    #[test]
    fn lines_of_the_kernel_are_read() {
        let line = "   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7197574 1 0 100 0 0 10 0";
        assert_eq!(listener(line), Some((7_197_574, 22)));
        assert_eq!(listener(&line.replace(" 0A ", " 01 ")), None);
        for line in ["", "x", "0: 1:2", "0: :16 : 0A 0 0 0 0 0 x"] {
            assert_eq!(listener(line), None, "{line}");
        }
        assert_eq!((socket("socket:[12]"), socket("pipe:[12]"), socket("/x")), (Some(12), None, None));
    }

    #[test]
    fn a_name_drives_no_terminal() {
        let holder = Holder { name: "\x1b[31m".to_owned(), process: 7 };
        assert!(!holder.to_string().contains('\x1b') && !holder.is_pasv(), "{holder}");
    }
}
