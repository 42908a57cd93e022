//! Can a server write where it should not, or make us believe in half a file?
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread::JoinHandle;

use super::{part_of, pasv};
use crate::harness::process::run;

/// A server that answers each command by a rule of the test's; it ends with the client's session.
struct Liar {
    port: u16,
    playing: JoinHandle<()>,
}

/// What a [`Liar`] answers: lines for the control connection, and bytes for the data connection that EPSV opened.
struct Answer(&'static str, Option<&'static [u8]>, &'static str);

impl Liar {
    fn start(rule: fn(&str) -> Answer) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let playing = std::thread::spawn(move || {
            let (control, _) = listener.accept().unwrap();
            play(control, rule);
        });
        Self { port, playing }
    }

    fn url(&self, path: &str) -> String {
        format!("ftp://127.0.0.1:{}/{path}", self.port)
    }

    fn end(self) {
        self.playing.join().unwrap();
    }
}

fn play(mut control: TcpStream, rule: fn(&str) -> Answer) {
    let mut data = None;
    let mut lines = BufReader::new(control.try_clone().unwrap());
    control.write_all(b"220 trust me\r\n").unwrap();
    let mut line = String::new();
    while lines.read_line(&mut line).unwrap_or(0) > 0 {
        let said = line.trim_end();
        let answer = match said.split(' ').next().unwrap_or_default() {
            "AUTH" => "502 no TLS here".to_owned(),
            "USER" => "230 in".to_owned(),
            "FEAT" => "211-Features\r\n MLST type*;\r\n211 End".to_owned(),
            "TYPE" => "200 yes".to_owned(),
            "QUIT" => "221 bye".to_owned(),
            "EPSV" => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
                let port = listener.local_addr().unwrap().port();
                data = Some(listener);
                format!("229 (|||{port}|)")
            }
            _ => {
                let Answer(before, bytes, after) = rule(said);
                if let Some(bytes) = bytes {
                    let (mut stream, _) = data.take().unwrap().accept().unwrap();
                    control.write_all(format!("{before}\r\n").as_bytes()).unwrap();
                    stream.write_all(bytes).unwrap();
                    after.to_owned()
                } else {
                    before.to_owned()
                }
            }
        };
        if control.write_all(format!("{answer}\r\n").as_bytes()).is_err() {
            return;
        }
        line.clear();
    }
}

#[test]
fn hostile_names_never_leave_the_folder() {
    let liar = Liar::start(|said| match said {
        "MLST" | "MLSD" => Answer(
            "150 look",
            Some(
                b"type=file;size=1; ../../x\r\ntype=file;size=1; /tmp/pasv-x\r\ntype=file;size=1; a/b\r\n\
                  type=dir; ..\r\ntype=file;size=1; evil\x1b[2J\r\ntype=file;size=4; good\r\n",
            ),
            "226 done",
        ),
        "RETR good" => Answer("150 here", Some(b"good"), "226 done"),
        _ => Answer("550 no", None, ""),
    });
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("deep/er/into");
    fs::create_dir_all(&into).unwrap();
    let said = run(pasv(["get", "-r", "-O"]).arg(&into).arg(liar.url("")));
    liar.end();
    assert_eq!(said.status.code(), Some(1), "{}", said.err);
    for name in ["../../x", "/tmp/pasv-x", "a/b", "evil\\x1b[2J"] {
        assert!(said.err.contains(&format!("skipped: \"{name}\"")), "{name}: {}", said.err);
    }
    assert!(!said.err.contains('\x1b'));
    assert_eq!(fs::read(into.join("127.0.0.1/good")).unwrap(), b"good");
    // Nothing else anywhere: one folder in each folder, and one file.
    let mut at = folder.path().to_owned();
    for name in ["deep", "er", "into", "127.0.0.1", "good"] {
        let names: Vec<_> = fs::read_dir(&at).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, [name], "in {}", at.display());
        at.push(name);
    }
}

#[test]
fn a_short_file_is_broken_off_and_kept_for_later() {
    let liar = Liar::start(|said| match said {
        "SIZE a" => Answer("213 10", None, ""),
        "RETR a" => Answer("150 here", Some(b"half"), "226 all of it, honestly"),
        _ => Answer("550 no", None, ""),
    });
    let folder = tempfile::tempdir().unwrap();
    let said = run(pasv(["get", "-O"]).arg(folder.path()).arg(liar.url("a")));
    liar.end();
    assert_eq!(said.status.code(), Some(4), "{}", said.err);
    assert!(said.err.contains("hint: ") && said.err.contains("-c"), "{}", said.err);
    assert!(!folder.path().join("a").exists());
    assert_eq!(fs::read(part_of(&folder.path().join("a"))).unwrap(), b"half");
}
