//! What a service manager is told, and when (sd_notify(3)).

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

use crate::common::agent::agent;
use crate::common::hub::{Hub, RECORD, Then, ok, say};
use crate::common::root::Root;
use crate::common::{PATIENCE, together};

struct Manager(UnixDatagram);

impl Manager {
    fn at(root: &Root) -> (Self, String) {
        let path = root.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        (Self(socket), path.to_str().unwrap().to_owned())
    }

    fn next(&self) -> String {
        let mut space = [0; 4096];
        let length = self.0.recv(&mut space).expect("the manager was told nothing");
        String::from_utf8(space[..length].into()).unwrap().trim_end().to_owned()
    }

    /// The next message that is no sign of life for the watchdog.
    fn next_news(&self) -> String {
        std::iter::repeat_with(|| self.next()).find(|message| message != "WATCHDOG=1").unwrap()
    }
}

#[test]
fn the_manager_hears_that_it_runs_and_how_it_fares() {
    let root = Root::public();
    let (manager, path) = Manager::at(&root);
    let hub = Hub::start(|request, link| match request.number {
        2 => say(link, 400, "", r#"{"error":"Not like this."}"#),
        _ => ok(link),
    });
    let running = agent(&root, &hub.url()).env("NOTIFY_SOCKET", path).start();
    assert_eq!(manager.next(), "READY=1");
    assert_eq!(manager.next(), format!("STATUS=web-01 reports to {}", hub.url()));
    assert_eq!(manager.next(), "STATUS=the hub does not accept the report (400: Not like this.)");
    assert_eq!(manager.next(), format!("STATUS=web-01 reports to {}", hub.url()));
    // A beat is no news.
    manager.0.set_read_timeout(Some(Duration::from_millis(1500))).unwrap();
    assert!(manager.0.recv(&mut [0; 4096]).is_err());
    assert!(!running.log().contains("NOTIFY_SOCKET"), "{}", running.log());
}

#[test]
fn an_abstract_socket_is_written_to_as_well() {
    let root = Root::public();
    let name = format!("sigma-agent-test-{}", std::process::id());
    let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let _running = agent(&root, "http://127.0.0.1:1/api").env("NOTIFY_SOCKET", format!("@{name}")).start();
    let manager = Manager(socket);
    assert_eq!(manager.next(), "READY=1");
    let status = manager.next();
    assert!(status.starts_with("STATUS=reporting to http://"), "{status}");
}

#[test]
fn ready_does_not_wait_for_the_hub() {
    let root = Root::public();
    let (manager, path) = Manager::at(&root);
    let hub = Hub::start(|_, _| Then::Hang);
    let started = Instant::now();
    let _running = agent(&root, &hub.url()).env("NOTIFY_SOCKET", path).start();
    assert_eq!(manager.next(), "READY=1");
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn the_watchdog_gets_twice_as_many_signs_as_it_needs_at_any_interval() {
    // Long waits: for the next beat, and five minutes after a refusal.
    together([("86400", 200), ("1", 401)], |(interval, status)| {
        let hub = Hub::start(move |_, link| say(link, status, "", RECORD));
        let root = Root::public();
        let (manager, path) = Manager::at(&root);
        let launch = agent(&root, &hub.url()).env("NOTIFY_SOCKET", path).env("AGENT_INTERVAL", interval);
        let _running = launch.env("WATCHDOG_USEC", "1000000").start();
        assert_eq!(manager.next_news(), "READY=1");
        assert!(manager.next_news().starts_with("STATUS="));
        let times: Vec<_> = (0..6).map(|_| (manager.next(), Instant::now())).collect();
        assert!(times.iter().all(|(message, _)| message == "WATCHDOG=1"), "{times:?}");
        let time = times[5].1 - times[0].1;
        assert!(time >= Duration::from_secs(2), "five half seconds took {time:?}");
        assert!(time <= Duration::from_millis(4500), "five half seconds took {time:?}");
    });
}

/// A message may take up to 18 s, in which there is no sign of life; so there must be one right before it.
#[test]
fn the_watchdog_gets_a_sign_right_before_a_message() {
    let root = Root::public();
    let (manager, path) = Manager::at(&root);
    let hub = Hub::good();
    let launch = agent(&root, &hub.url()).env("NOTIFY_SOCKET", path).env("AGENT_INTERVAL", "2");
    let _running = launch.env("WATCHDOG_USEC", "60000000").start();
    let signs = std::thread::spawn(move || {
        let mut signs = Vec::new();
        manager.0.set_read_timeout(Some(Duration::from_secs(7))).unwrap();
        let end = Instant::now() + Duration::from_secs(7);
        while Instant::now() < end {
            if manager.next() == "WATCHDOG=1" {
                signs.push(Instant::now());
            }
        }
        signs
    });
    let beats: Vec<_> = (0..4).map(|_| hub.next().at).skip(2).collect();
    let signs = signs.join().unwrap();
    for beat in beats {
        // What was said just before is read a moment after.
        let nearest = signs.iter().map(|sign| if *sign > beat { *sign - beat } else { beat - *sign }).min();
        assert!(nearest.unwrap() < Duration::from_millis(900), "{nearest:?}");
    }
}

#[test]
fn a_watchdog_that_is_for_another_process_or_for_nothing_gets_nothing() {
    together([("1", "200000"), ("", "0"), ("", "1"), ("", "soon"), ("", "-5")], |(pid, period)| {
        let root = Root::public();
        let (manager, path) = Manager::at(&root);
        let hub = Hub::good();
        let launch = agent(&root, &hub.url()).env("NOTIFY_SOCKET", path).env("AGENT_INTERVAL", "3600");
        let running = launch.env("WATCHDOG_PID", pid).env("WATCHDOG_USEC", period).start();
        assert_eq!(manager.next(), "READY=1");
        assert!(manager.next().starts_with("STATUS="));
        manager.0.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        assert!(manager.0.recv(&mut [0; 4096]).is_err(), "{period}");
        assert!(running.status("voluntary_ctxt_switches") < 100, "{period}: it does not rest");
    });
}

#[test]
fn a_manager_that_is_gone_is_no_reason_to_stop() {
    let (root, hub) = (Root::public(), Hub::good());
    let mut running = agent(&root, &hub.url()).env("NOTIFY_SOCKET", "/nowhere/notify").start();
    assert!(hub.next().is_registration() && !hub.next().is_registration());
    assert!(running.is_running());
    assert_eq!(running.count("warn: ") + running.count("error: "), 0, "{}", running.log());
}

#[test]
fn a_manager_that_reads_nothing_holds_nothing_up() {
    let root = Root::public();
    let (_manager, path) = Manager::at(&root);
    let hub = Hub::good();
    let launch = agent(&root, &hub.url()).env("NOTIFY_SOCKET", path).env("WATCHDOG_USEC", "2000");
    let running = launch.start();
    (0..3).for_each(|_| drop(hub.next()));
    running.says("NOTIFY_SOCKET does not listen");
    hub.next();
}
