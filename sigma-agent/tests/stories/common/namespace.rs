//! A network of a story's own, with loopback, and with a resolver that the story plays itself.

use std::io::Write as _;
use std::net::UdpSocket;
use std::process::Command;

const INSIDE: &str = "SIGMA_TEST_NAMESPACE";

/// Runs the story `name` (its full path) once more in a network and mount namespace of its own, where 127.0.0.1 is the
/// resolver, and returns false; there, returns true. Needs `unshare`, `ip` and `mount`, and root or a kernel that lets
/// everybody make namespaces; where that lacks the story is left out, which counts as a failure where `CI` is set.
pub fn is_inside(name: &str) -> bool {
    if std::env::var_os(INSIDE).is_some_and(|inside| inside == name) {
        return true;
    }
    let folder = tempfile::tempdir().unwrap();
    let resolv = folder.path().join("resolv.conf");
    std::fs::write(&resolv, "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n").unwrap();
    let nsswitch = folder.path().join("nsswitch.conf");
    std::fs::write(&nsswitch, "hosts: files dns\n").unwrap();
    let prepare = format!(
        "ip link set lo up && mount --bind {} /etc/resolv.conf && {{ mount --bind {} /etc/nsswitch.conf || true; }}",
        resolv.display(),
        nsswitch.display()
    );
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        let is_root = rustix::process::geteuid().is_root();
        command.args(if is_root { &["-m", "-n"][..] } else { &["-r", "-m", "-n"][..] });
        command.args(["sh", "-c", &format!("{prepare} 2>/dev/null && {script}")]);
        command
    };
    if !unshare("true").output().is_ok_and(|output| output.status.success()) {
        assert!(std::env::var_os("CI").is_none(), "{name} needs a network namespace: run it as root");
        // Not by a macro, whose text the test runner would keep to itself.
        let hint = "left out: it needs a network namespace; run the tests as root, with unshare and ip";
        std::io::stderr().write_all(format!("{name} {hint}\n").as_bytes()).unwrap();
        return false;
    }
    let this = std::env::current_exe().unwrap();
    let status =
        unshare("exec \"$0\" --exact \"$1\" --nocapture").arg(this).arg(name).env(INSIDE, name).status();
    assert!(status.unwrap().success(), "{name} failed in its namespace");
    false
}

/// A resolver that answers each question by `answer`: from the name and the type (1: A, 28: AAAA) to the addresses'
/// bytes. Nothing is said when it returns none.
pub fn resolver(answer: impl Fn(&str, u16) -> Option<Vec<Vec<u8>>> + Send + 'static) {
    let socket = UdpSocket::bind("127.0.0.1:53").unwrap();
    std::thread::spawn(move || {
        let mut space = [0; 512];
        while let Ok((length, peer)) = socket.recv_from(&mut space) {
            let question = &space[..length];
            let (name, end) = name_in(question);
            let kind = u16::from_be_bytes([question[end], question[end + 1]]);
            if let Some(found) = answer(&name, kind) {
                socket.send_to(&reply(question, end + 4, kind, &found), peer).unwrap();
            }
        }
    });
}

fn name_in(question: &[u8]) -> (String, usize) {
    let (mut at, mut labels) = (12, Vec::new());
    while question[at] != 0 {
        let end = at + 1 + usize::from(question[at]);
        labels.push(String::from_utf8_lossy(&question[at + 1..end]).into_owned());
        at = end;
    }
    (labels.join("."), at + 1)
}

/// The question once more, and answers that point back to its name (RFC 1035 section 4.1).
fn reply(question: &[u8], question_end: usize, kind: u16, found: &[Vec<u8>]) -> Vec<u8> {
    let mut reply = question[..2].to_vec();
    reply.extend([0x81, 0x80, 0, 1, 0, u8::try_from(found.len()).unwrap(), 0, 0, 0, 0]);
    reply.extend(&question[12..question_end]);
    for data in found {
        reply.extend([0xc0, 0x0c]);
        reply.extend(kind.to_be_bytes());
        reply.extend([0, 1, 0, 0, 0, 0, 0, u8::try_from(data.len()).unwrap()]);
        reply.extend(data);
    }
    reply
}

/// Runs a line of shell, to shape the network of the namespace.
pub fn run(script: &str) {
    assert!(Command::new("sh").args(["-c", script]).status().unwrap().success(), "{script}");
}
