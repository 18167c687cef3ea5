//! From the first registration through good and bad days of the hub.

use std::time::{Duration, Instant};

use crate::common::agent::{KEY, agent};
use crate::common::hub::{Hub, ok, say};
use crate::common::root::Root;
use crate::common::{together, until};

const REASON: &str = r#"{"error":"The hub has its reasons."}"#;

#[test]
fn it_registers_at_once_and_then_beats_over_one_connection() {
    let (root, hub) = (Root::public(), Hub::good());
    let started = Instant::now();
    let mut running = agent(&root, &hub.url()).start();
    let first = hub.next();
    assert!(first.at - started < Duration::from_secs(2), "nothing is waited for first");
    let beats: Vec<_> = (0..3).map(|_| hub.next()).collect();

    assert_eq!(first.line(), "POST /api/agent/register HTTP/1.1");
    for request in beats.iter().chain([&first]) {
        assert_eq!(request.header("x-api-key"), Some(KEY));
        assert_eq!(request.header("content-type"), Some("application/json"));
        assert_eq!(request.header("host"), Some(hub.address.to_string().as_str()));
        assert_eq!(request.header("content-length"), Some(request.body.len().to_string().as_str()));
        assert_eq!((request.header("connection"), request.header("accept-encoding")), (None, None));
        assert_eq!(request.connection, 0);
    }
    let registration = first.registration();
    assert_eq!((registration.hostname.as_str(), registration.ssh_port), ("web-01", 22));
    assert_eq!(registration.ip_addresses.len(), 1);
    assert_eq!(registration.system_info.ram_mb, Some(1987));
    for beat in &beats {
        assert_eq!(beat.line(), "POST /api/agent/heartbeat HTTP/1.1");
        let beat = beat.heartbeat();
        assert_eq!(beat.hostname, "web-01");
        assert_eq!(beat.ip_addresses.as_ref(), Some(&registration.ip_addresses));
        assert_eq!(beat.system_info.load_avg, Some([0.1, 0.2, 0.3]));
        assert_eq!(beat.machine, registration.machine);
        assert_eq!(beat.agent, registration.agent);
    }
    running.says("registered as web-01");
    running.settle();
    assert_eq!(running.count("info: "), 1, "a beat is told at debug: {}", running.log());
    assert_eq!(running.count("warn: ") + running.count("error: "), 0, "{}", running.log());
    assert_eq!(running.status("Threads"), 1);
    assert!(running.is_running());
}

#[test]
fn beats_keep_their_period_when_answers_are_slow() {
    let hub = Hub::start(|_, link| {
        std::thread::sleep(Duration::from_millis(400));
        ok(link)
    });
    let root = Root::public();
    let _running = agent(&root, &hub.url()).start();
    let times: Vec<Instant> = (0..5).map(|_| hub.next().at).collect();
    // From the first beat on; the phase of that one is left to chance.
    let phases = times[2..].iter().map(|at| (*at - times[1]).as_secs_f64());
    for phase in phases {
        let off = (phase - phase.round()).abs();
        assert!(
            phase > 0.5 && off < 0.35,
            "{phase}: with the answers' time added it would be 0.4 and more off"
        );
    }
}

#[test]
fn a_hub_that_forgot_gets_a_registration_at_once() {
    let hub = Hub::start(|request, link| match request.number {
        1 => say(link, 404, "", REASON),
        _ => ok(link),
    });
    let root = Root::public();
    let running = agent(&root, &hub.url()).env("AGENT_INTERVAL", "2").start();
    assert!(hub.next().is_registration());
    let (beat, again) = (hub.next(), hub.next());
    assert!(!beat.is_registration() && again.is_registration());
    assert!(again.at - beat.at < Duration::from_millis(900), "that is the next of the period");
    assert!(!hub.next().is_registration());
    assert_eq!(running.count("registered as web-01"), 2);
}

#[test]
fn what_a_person_must_mend_is_said_once_and_not_repeated() {
    let root = Root::public();
    let stories = [
        (401, REASON, "SIGMA_API_KEY"),
        (401, "", "create another in the hub"),
        (403, REASON, "role agent"),
        (410, REASON, "restore it there"),
    ];
    let all: Vec<_> = stories
        .iter()
        .map(|&(status, body, advice)| {
            let hub = Hub::start(move |request, link| match request.number {
                0 => ok(link),
                _ => say(link, status, "", body),
            });
            let running = agent(&root, &hub.url()).start();
            (hub, running, status, body, advice)
        })
        .collect();
    for (hub, running, status, body, advice) in &all {
        hub.next();
        hub.next();
        let line = running.says(&format!("({status}"));
        assert!(line.starts_with("error: ") && line.contains(advice), "{line}");
        assert!(body.is_empty() || line.contains("The hub has its reasons."), "{line}");
    }
    // Five minutes are too long to wait for; five intervals say enough.
    std::thread::sleep(Duration::from_secs(5));
    for (hub, running, ..) in &all {
        assert!(hub.next_within(Duration::ZERO).is_none());
        assert_eq!(running.count("error: "), 1, "{}", running.log());
    }
}

/// Fault 21.
#[test]
fn a_replaced_key_is_tried_within_ten_seconds() {
    let root = Root::public();
    root.write("key", "old");
    let hub = Hub::start(|request, link| match request.header("x-api-key") {
        Some("new") => ok(link),
        _ => say(link, 401, "", REASON),
    });
    let launch = agent(&root, &hub.url()).unset("SIGMA_API_KEY").env("AGENT_INTERVAL", "300");
    let running = launch.env("SIGMA_API_KEY_FILE", root.path().join("key")).start();
    assert_eq!(hub.next().header("x-api-key"), Some("old"));
    running.says("error: ");
    // Replaced as editors and configuration managers do it; for a moment there is none.
    std::fs::remove_file(root.path().join("key")).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let replaced = Instant::now();
    root.write("key", "new\n");
    let request = hub.next();
    assert_eq!(request.header("x-api-key"), Some("new"));
    assert!(request.at - replaced < Duration::from_secs(10));
    running.says("registered as web-01");
    running.says("takes reports again");
}

/// A hub that answers `status` to every second beat, with what it asks for; what was sent in some seconds of it.
fn every_second_beat(status: u16, headers: &'static str) -> Vec<crate::common::hub::Request> {
    let hub = Hub::start(move |request, link| match request.number % 2 {
        0 => ok(link),
        _ => say(link, status, headers, REASON),
    });
    let root = Root::public();
    let running = agent(&root, &hub.url()).start();
    let started = hub.next().at;
    let seconds = 6;
    std::thread::sleep(Duration::from_secs(seconds).saturating_sub(started.elapsed()));
    running.settle();
    assert_eq!(running.count("warn: "), running.count("overloaded"), "{}", running.log());
    std::iter::from_fn(|| hub.next_within(Duration::ZERO))
        .filter(|request| request.at - started <= Duration::from_secs(seconds))
        .collect()
}

/// Fault 12.
#[test]
fn half_overloaded_the_hub_is_not_asked_more_often() {
    together([(503, "retry-after: 1\r\n"), (429, "retry-after: 0\r\n"), (503, "")], |(status, headers)| {
        let sent = every_second_beat(status, headers);
        assert!((2..=9).contains(&sent.len()), "{} messages of 6 offered", sent.len());
    });
}

#[test]
fn an_overloaded_hub_gets_no_beat_between_two_beats() {
    let hub = Hub::start(|request, link| match request.number {
        0 => ok(link),
        _ => say(link, 503, "retry-after: 1\r\n", REASON),
    });
    let root = Root::public();
    let _running = agent(&root, &hub.url()).env("AGENT_INTERVAL", "3").start();
    let [_, first, second] = [(); 3].map(|()| hub.next().at);
    assert!(second - first >= Duration::from_secs(2), "the next of the period says the same");
}

#[test]
fn an_overloaded_hub_is_left_alone_for_as_long_as_it_asks() {
    together([("2", 2), ("1000000000", 4), ("99999999999999999999999999", 4)], |(asked, at_least)| {
        let headers = format!("retry-after: {asked}\r\n");
        let hub = Hub::start(move |request, link| match request.number {
            0 => say(link, 503, &headers, REASON),
            _ => ok(link),
        });
        let root = Root::public();
        let running = agent(&root, &hub.url()).start();
        let first = hub.next();
        let second = hub.next_within(Duration::from_secs(4));
        let waited = second.as_ref().map_or(first.at.elapsed(), |second| second.at - first.at);
        assert!(waited >= Duration::from_secs(at_least), "{asked}: {waited:?}");
        assert_eq!(second.is_some(), at_least == 2, "{asked}");
        assert_eq!(running.count("warn: "), 1, "{}", running.log());
    });
}

#[test]
fn another_refusal_is_logged_once_and_the_interval_kept() {
    let hub = Hub::start(|_, link| say(link, 422, "", REASON));
    let root = Root::public();
    let running = agent(&root, &hub.url()).start();
    let times: Vec<_> = (0..5).map(|_| hub.next().at).collect();
    assert!(times[4] - times[1] >= Duration::from_millis(2500), "it does not hurry");
    running.settle();
    assert_eq!(running.count("warn: "), 1, "{}", running.log());
    running.says("422: The hub has its reasons.");
}

#[test]
fn a_renamed_machine_registers_anew_and_new_addresses_are_told() {
    let (root, hub) = (Root::public(), Hub::good());
    let running = agent(&root, &hub.url()).start();
    assert_eq!(hub.next().registration().hostname, "web-01");
    hub.next().heartbeat();
    root.rename("web-02");
    assert_eq!(hub.next_registration().hostname, "web-02");
    assert_eq!(hub.next().heartbeat().hostname, "web-02");
    running.says("web-02 now, no longer web-01");

    root.address(&["95.216.1.3", "10.0.0.5"]);
    let expected = [("10.0.0.5", "internal"), ("95.216.1.3", "")];
    until("the new addresses are told", || {
        let said = hub.next().heartbeat().ip_addresses.unwrap_or_default();
        said.iter().map(|a| (a.ip.to_string(), a.label.as_str())).eq(expected.map(|(a, l)| (a.to_owned(), l)))
    });
}
