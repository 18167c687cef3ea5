//! Told to stop, it stops, whatever it waits for.

use std::net::UdpSocket;
use std::time::Duration;

use rustix::process::Signal;

use crate::common::agent::{Launch, agent};
use crate::common::hub::{Hub, Then, hang, server};
use crate::common::root::Root;
use crate::common::{namespace, until};

/// It takes some milliseconds; waiting for what it was doing would take many seconds.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Starts one agent for each signal and ends it when it `is_at_it`.
fn assert_ends(what: &str, launch: impl Fn() -> Launch, is_at_it: impl Fn(&crate::common::agent::Running)) {
    for signal in [Signal::TERM, Signal::INT] {
        let mut running = launch().start();
        is_at_it(&running);
        assert!(running.is_running(), "{what}: {}", running.log());
        let (status, time) = running.end(signal);
        assert_eq!(status.code(), Some(0), "{what}: {status}");
        assert!(time < AT_ONCE, "{what}: after {time:?}");
    }
}

#[test]
fn it_ends_between_two_beats() {
    let (root, hub) = (Root::public(), Hub::good());
    let launch = || agent(&root, &hub.url()).env("AGENT_INTERVAL", "3600");
    assert_ends("idle", launch, |running| drop(running.says("registered as web-01")));
}

#[test]
fn it_ends_while_it_backs_off() {
    let root = Root::public();
    let launch = || agent(&root, "http://127.0.0.1:1/api");
    assert_ends("backoff", launch, |running| drop(running.says(" failed: ")));
}

#[test]
fn it_ends_in_a_request_that_hangs() {
    let (root, hub) = (Root::public(), Hub::start(|_, _| Then::Hang));
    assert_ends("request", || agent(&root, &hub.url()), |_| drop(hub.next()));
}

#[test]
fn it_ends_in_a_handshake_that_hangs() {
    let root = Root::public();
    let (sender, connected) = std::sync::mpsc::channel();
    let address = server(move |_socket| {
        sender.send(()).unwrap();
        hang();
    });
    let launch = || agent(&root, &format!("https://{address}"));
    assert_ends("handshake", launch, |_| connected.recv_timeout(crate::common::PATIENCE).unwrap());
}

#[test]
fn it_ends_in_the_look_up_of_a_public_address() {
    let (root, hub) = (Root::nat(), Hub::good());
    let service = Hub::start(|_, _| Then::Hang);
    let launch = || agent(&root, &hub.url()).env("AGENT_IP_LOOKUP", service.url());
    assert_ends("public address", launch, |_| drop(service.next()));
}

#[test]
fn it_ends_in_a_look_up_that_hangs() {
    if !namespace::is_inside("signals::it_ends_in_a_look_up_that_hangs") {
        return;
    }
    // A resolver that takes questions and answers none.
    let resolver = UdpSocket::bind("127.0.0.1:53").unwrap();
    resolver.set_read_timeout(Some(crate::common::PATIENCE)).unwrap();
    let root = Root::public();
    let launch = || agent(&root, "http://hub.example.com/api");
    let patient = launch().start();
    resolver.recv_from(&mut [0; 512]).unwrap();
    assert_ends("look-up", launch, |running| {
        resolver.recv_from(&mut [0; 512]).unwrap();
        until("the look-up has its thread", || running.status("Threads") == 2);
    });
    let line = patient.says(" failed: ");
    assert!(line.contains("the look-up of hub.example.com took too long"), "{line}");
    // The next attempt waits for the same look-up.
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(patient.status("Threads"), 2);
}
