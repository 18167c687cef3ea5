//! Connections: found, kept, lost, looked up.

use std::net::{Ipv6Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketFlags, SocketType};

use crate::common::agent::agent;
use crate::common::hub::{Hub, Then, ok, say};
use crate::common::root::Root;
use crate::common::{namespace, together, until};

/// Fault 16. The port is held all the time, so that nobody else gets it: at first nothing listens there.
#[test]
fn a_hub_that_appears_late_is_found() {
    let socket =
        rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)
            .unwrap();
    rustix::net::bind(&socket, &"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap()).unwrap();
    let listener = TcpListener::from(socket);
    let url = format!("http://{}/api", listener.local_addr().unwrap());
    let root = Root::public();
    let running = agent(&root, &url).start();
    let line = running.says(" failed: ");
    assert!(line.starts_with("warn: ") && line.contains("refused"), "{line}");
    std::thread::sleep(Duration::from_secs(2));
    rustix::net::listen(&listener, 16).unwrap();
    let hub = Hub::on(listener, None, |_, link| ok(link));
    assert!(hub.next().is_registration());
    assert!(!hub.next().is_registration());
    running.says("takes reports again");
    assert_eq!(running.count("warn: "), 1, "{}", running.log());
}

#[test]
fn a_restarted_hub_loses_no_beat() {
    let hub = Hub::start(|_, link| ok(link));
    let root = Root::public();
    let running = agent(&root, &hub.url()).start();
    let mut last = hub.next();
    for _ in 0..3 {
        last = hub.next();
        // After the answer was read, and before the next beat.
        std::thread::sleep(Duration::from_millis(300));
        hub.hang_up();
        let next = hub.next();
        let gap = next.at - last.at;
        assert_ne!(next.connection, last.connection);
        assert!(!next.is_registration() && gap < Duration::from_millis(1700), "a lost beat: {gap:?}");
        last = next;
    }
    assert!(!last.is_registration());
    assert_eq!(running.count("the kept connection was stale"), 3, "{}", running.log());
    assert_eq!(running.count("warn: ") + running.count("info: "), 1, "{}", running.log());
}

/// Proxies say 408 to a connection that was idle for too long; it reads like the answer to the next beat.
#[test]
fn a_connection_that_was_given_up_costs_no_beat() {
    let hub = Hub::start(|request, link| match (request.connection, request.is_registration()) {
        (0, false) => say(link, 408, "connection: close\r\n", "{}"),
        _ => ok(link),
    });
    let root = Root::public();
    let running = agent(&root, &hub.url()).start();
    assert!(hub.next().is_registration());
    let given_up = hub.next();
    let again = hub.next();
    assert_eq!((given_up.connection, again.connection), (0, 1));
    assert!(again.at - given_up.at < Duration::from_millis(500), "it waited for the next beat");
    running.says("heartbeat acknowledged");
    assert_eq!(running.count("warn: "), 0, "{}", running.log());
}

/// A proxy answers for a hub that is still starting: with 404, or with 503 and without a time.
#[test]
fn a_registration_that_comes_too_early_is_repeated_soon() {
    together([404, 503], |status| {
        let early = AtomicUsize::new(0);
        let hub = Hub::start(move |_, link| match early.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => say(link, status, "", "<html>"),
            _ => ok(link),
        });
        let root = Root::public();
        let _running = agent(&root, &hub.url()).env("AGENT_INTERVAL", "3600").start();
        let first = hub.next();
        hub.next();
        let third = hub.next();
        let waited = third.at - first.at;
        assert!(waited > Duration::from_secs(2) && waited < Duration::from_secs(10), "{status}: {waited:?}");
    });
}

/// Fault 17: the connection ends after the request was taken and before it was answered.
#[test]
fn a_lost_answer_is_asked_for_again() {
    let hub = Hub::start(|request, link| match request.number {
        0 | 3 => Then::Close,
        _ => ok(link),
    });
    let root = Root::public();
    let running = agent(&root, &hub.url()).start();
    let [lost, registered, beat, lost_beat, repeated] = [(); 5].map(|()| hub.next());
    assert!(lost.is_registration() && registered.is_registration());
    assert_eq!((lost.connection, registered.connection, beat.connection), (0, 1, 1));
    assert!(registered.at - lost.at < Duration::from_secs(4), "the first pause is 1 to 2 s");
    assert_eq!((lost_beat.connection, repeated.connection), (1, 2), "the kept connection might just be old");
    assert!(!repeated.is_registration() && repeated.at - lost_beat.at < Duration::from_millis(900));
    running.says("closed before an answer");
}

#[test]
fn a_long_interval_keeps_no_connection() {
    for (interval, connection, sockets) in
        [("89", None, 1), ("90", Some("close"), 0), ("86400", Some("close"), 0)]
    {
        let (root, hub) = (Root::public(), Hub::good());
        let running = agent(&root, &hub.url()).env("AGENT_INTERVAL", interval).start();
        assert_eq!(hub.next().header("connection"), connection, "{interval}");
        running.says("registered as web-01");
        until(&format!("it holds {sockets} sockets"), || running.sockets() == sockets);
    }
}

#[test]
fn a_name_is_looked_up_when_a_connection_is_made_and_a_dead_address_is_passed_over() {
    if !namespace::is_inside(
        "connection::a_name_is_looked_up_when_a_connection_is_made_and_a_dead_address_is_passed_over",
    ) {
        return;
    }
    static QUESTIONS: std::sync::Mutex<Vec<(String, u16)>> = std::sync::Mutex::new(Vec::new());
    namespace::resolver(|name, kind| {
        QUESTIONS.lock().unwrap().push((name.to_owned(), kind));
        Some(match (name, kind) {
            // 2001:db8::1 is swallowed, see below.
            ("hub.example.com", 28) => {
                vec!["2001:db8::1".parse::<Ipv6Addr>().unwrap().octets().into()]
            }
            ("hub.example.com", 1) => vec![vec![127, 0, 0, 1]],
            _ => Vec::new(),
        })
    });
    namespace::run(
        "ip link add hole type veth peer name end && ip link set end up && ip link set hole up && ip -6 addr add 2001:db8::2/64 dev hole nodad",
    );
    let (root, hub) = (Root::public(), Hub::good());
    let url = format!("http://hub.example.com:{}/api", hub.address.port());
    let started = Instant::now();
    let running = agent(&root, &url).start();
    let first = hub.next();
    assert!(first.at - started < Duration::from_secs(2), "the dead address held it up");
    for _ in 0..3 {
        assert_eq!(hub.next().connection, 0);
    }
    let asked = QUESTIONS.lock().unwrap().iter().filter(|(_, kind)| *kind == 1).count();
    assert_eq!(asked, 1, "{:?}", QUESTIONS.lock().unwrap());
    hub.hang_up();
    assert_eq!(hub.next().connection, 1);
    let asked = QUESTIONS.lock().unwrap().iter().filter(|(_, kind)| *kind == 1).count();
    assert_eq!(asked, 2, "the hub may have moved: {:?}", QUESTIONS.lock().unwrap());
    assert_eq!(running.status("Threads"), 1);
}

#[test]
fn plain_http_over_a_public_network_is_warned_of_once() {
    if !namespace::is_inside("connection::plain_http_over_a_public_network_is_warned_of_once") {
        return;
    }
    namespace::run("ip addr add 95.216.9.9/32 dev lo; ip addr add 10.9.9.9/32 dev lo");
    let root = Root::public();
    together([("95.216.9.9", 1), ("10.9.9.9", 0)], |(address, warnings)| {
        let hub = Hub::on(TcpListener::bind((address, 0)).unwrap(), None, |_, link| ok(link));
        let running = agent(&root, &hub.url()).start();
        for _ in 0..3 {
            hub.next();
            hub.hang_up();
        }
        running.settle();
        assert_eq!(running.count("use https"), warnings, "{}", running.log());
    });
}

/// Fault 16: no answer of the resolver at boot, a hub that moves, and at last to an IPv6 address.
#[test]
fn a_hub_that_moves_is_followed() {
    if !namespace::is_inside("connection::a_hub_that_moves_is_followed") {
        return;
    }
    let place = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&place);
    namespace::resolver(move |name, kind| {
        assert_eq!(name, "hub.example.com");
        Some(match (seen.load(Ordering::SeqCst), kind) {
            (1, 1) => vec![vec![127, 0, 0, 1]],
            (2, 1) => vec![vec![127, 0, 0, 2]],
            (3, 28) => vec![Ipv6Addr::LOCALHOST.octets().into()],
            _ => Vec::new(),
        })
    });
    let root = Root::public();
    let running = agent(&root, "http://hub.example.com:3000/api").start();
    let line = running.says(" failed: ");
    assert!(line.contains("hub.example.com could not be looked up"), "{line}");
    let mut last: Option<Hub> = None;
    for (number, address) in ["127.0.0.1:3000", "127.0.0.2:3000", "[::1]:3000"].into_iter().enumerate() {
        let hub = Hub::on(TcpListener::bind(address).unwrap(), None, |_, link| ok(link));
        place.store(number + 1, Ordering::SeqCst);
        last.iter().for_each(Hub::hang_up);
        let first = hub.next();
        assert_eq!(
            (first.is_registration(), first.header("host")),
            (number == 0, Some("hub.example.com:3000"))
        );
        assert!(!hub.next().is_registration());
        last = Some(hub);
    }
    drop(running);
    let hub = last.unwrap();
    let _running = agent(&root, "http://[::1]:3000/api").start();
    until("the address itself is called", || hub.next().header("host") == Some("[::1]:3000"));
}
