//! What the log looks like, and what an operator is warned of.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::process::Command;

use crate::common::agent::agent;
use crate::common::hub::{Hub, say};
use crate::common::root::Root;

/// The log of an agent that writes it into a file, with a JOURNAL_STREAM that names this file or another.
fn log_into_file(is_journal: bool) -> String {
    let (root, hub) = (Root::public(), Hub::good());
    let path = root.path().join("log");
    let file = File::create(&path).unwrap();
    let (device, inode) = (file.metadata().unwrap().dev(), file.metadata().unwrap().ino());
    let stream = if is_journal { format!("{device}:{inode}") } else { format!("{device}:{}", inode + 1) };
    let status = Command::new(env!("CARGO_BIN_EXE_sigma-agent"))
        .env_clear()
        .env("JOURNAL_STREAM", stream)
        .args(["--once", "--ip-lookup", "off", "--api-url", &hub.url(), "--host-root"])
        .arg(root.path())
        .stderr(file)
        .status()
        .unwrap();
    assert!(status.success());
    std::fs::read_to_string(path).unwrap()
}

/// The variable is inherited by every terminal of a session that systemd started (systemd.exec(5)).
#[test]
fn lines_have_priorities_only_in_the_journal() {
    assert!(log_into_file(true).starts_with("<6>registered as web-01"));
    assert!(log_into_file(false).starts_with("info: registered as web-01"));
}

#[test]
fn each_level_tells_its_share() {
    for (level, said, unsaid) in [
        ("debug", &["debug: ", "info: registered"][..], &[][..]),
        ("info", &["info: registered", "warn: "], &["debug: "]),
        ("warn", &["warn: the hub does not accept"], &["info: "]),
        ("ERROR", &[], &["warn: "]),
    ] {
        let hub = Hub::start(|request, link| match request.number {
            0 => crate::common::hub::ok(link),
            _ => say(link, 400, "", r#"{"error":"first\nsecond <6>third"}"#),
        });
        let root = Root::public();
        let log = agent(&root, &hub.url()).env("SIGMA_LOG", level).args(["--once"]).finish().stderr;
        assert!(said.iter().all(|text| log.contains(text)), "{level}: {log}");
        assert!(!unsaid.iter().any(|text| log.contains(text)), "{level}: {log}");
        let starts = ["debug: ", "info: ", "warn: ", "error: "];
        assert!(log.lines().all(|line| starts.iter().any(|start| line.starts_with(start))), "{log}");
    }
}

#[test]
fn a_container_that_reports_itself_is_warned_of_once() {
    let (root, hub) = (Root::public(), Hub::good());
    root.rename("3f2a9c0b1d4e");
    let running = agent(&root, &hub.url()).start();
    assert_eq!(hub.next().registration().hostname, "3f2a9c0b1d4e", "it works all the same");
    (0..2).for_each(|_| drop(hub.next()));
    let line = running.says("this is a container");
    assert!(
        ["AGENT_HOSTNAME", "--uts host", "AGENT_HOST_ROOT=/host"].iter().all(|hint| line.contains(hint)),
        "{line}"
    );
    assert_eq!(running.count("warn: "), 1);
}

#[test]
fn a_measurement_that_fails_is_told_once_and_the_rest_is_sent() {
    let (root, hub) = (Root::public(), Hub::good());
    std::fs::remove_file(root.path().join("proc/loadavg")).unwrap();
    root.write("proc/uptime", "soon\n");
    let running = agent(&root, &hub.url()).start();
    let registration = hub.next().registration();
    let info = registration.system_info;
    assert_eq!((info.load_avg, info.uptime_seconds, info.ram_mb), (None, None, Some(1987)));
    root.write("proc/loadavg", "0.5 0.6 0.7 1/2 3\n");
    crate::common::until("what is there again is sent again", || {
        hub.next().heartbeat().system_info.load_avg == Some([0.5, 0.6, 0.7])
    });
    assert_eq!(
        (running.count("load could not"), running.count("uptime could not")),
        (1, 1),
        "{}",
        running.log()
    );
}
