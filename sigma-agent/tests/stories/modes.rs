//! Help, version, dry run and single run: what is printed, and how it ends.

use crate::common::agent::{Finished, agent};
use crate::common::hub::{Hub, RECORD, ok, say};
use crate::common::root::Root;
use crate::settings::{VARIABLES, flag};

#[test]
fn help_and_version_are_printed() {
    let root = Root::public();
    for help in ["--help", "-h"] {
        let Finished { code, stdout, stderr } = agent(&root, "nonsense").bare().args([help]).finish();
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        for variable in VARIABLES {
            let line = format!("{} <", flag(variable));
            assert!(stdout.contains(variable) && stdout.contains(&line), "{variable}: {stdout}");
        }
        for other in ["--once", "--dry-run", "--version", "HTTPS_PROXY", "NO_PROXY", "CREDENTIALS_DIRECTORY"]
        {
            assert!(stdout.contains(other), "{other}: {stdout}");
        }
        assert!(stdout.lines().all(|line| line.chars().count() <= 120), "{stdout}");
    }
    let Finished { code, stdout, .. } = agent(&root, "nonsense").args(["--version"]).finish();
    assert_eq!((code, stdout), (Some(0), format!("sigma-agent {}\n", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn a_dry_run_prints_what_would_be_sent_and_sends_nothing() {
    let (root, hub, service) = (Root::nat(), Hub::good(), Hub::good());
    let dry_run = || {
        let launch = agent(&root, &hub.url()).env("AGENT_IP_LOOKUP", service.url());
        let Finished { code, stdout, stderr } = launch.args(["--dry-run"]).finish();
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        stdout
    };
    // The disk is the real one, and others write to it: two dry runs that agree enclose an unchanged machine.
    for _ in 0..20 {
        let before = dry_run();
        assert_eq!((hub.connections(), service.connections()), (0, 0));
        let sent = {
            let hub = Hub::good();
            agent(&root, &hub.url()).args(["--once"]).finish();
            String::from_utf8(hub.next().body).unwrap()
        };
        if dry_run() == before {
            return assert_eq!(format!("{sent}\n"), before);
        }
    }
    panic!("the machine never keeps still");
}

#[test]
fn once_ends_with_a_telling_code() {
    let root = Root::public();
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/api", listener.local_addr().unwrap())
    };
    assert_eq!(agent(&root, &closed).args(["--once"]).finish().code, Some(3));
    for (status, code) in [
        (200, 0),
        (500, 3),
        (502, 3),
        (401, 4),
        (403, 4),
        (410, 4),
        (302, 5),
        (400, 5),
        (404, 5),
        (429, 5),
        (503, 5),
    ] {
        let body = if status == 200 { RECORD } else { r#"{"error":"No."}"# };
        let at_once = Hub::start(move |_, link| say(link, status, "", body));
        assert_eq!(agent(&root, &at_once.url()).args(["--once"]).finish().code, Some(code), "{status}");
        let later = Hub::start(move |request, link| match request.number {
            0 => ok(link),
            _ => say(link, status, "", body),
        });
        assert_eq!(agent(&root, &later.url()).args(["--once"]).finish().code, Some(code), "later {status}");
        assert!(later.next().is_registration() && !later.next().is_registration());
    }
}
