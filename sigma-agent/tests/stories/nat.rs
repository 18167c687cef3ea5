//! The public address of a machine that cannot see it.

use std::time::Duration;

use sigma_protocol::Address;

use crate::common::agent::{KEY, Launch, agent};
use crate::common::hub::{Hub, Then, say};
use crate::common::root::Root;
use crate::common::{PATIENCE, namespace, until};

fn service(answer: &'static str) -> Hub {
    Hub::start(move |_, link| say(link, 200, "", answer))
}

fn asking(root: &Root, hub: &Hub, services: &[&Hub]) -> Launch {
    let urls: Vec<_> = services.iter().map(|service| format!("http://{}/ip", service.address)).collect();
    agent(root, &hub.url()).env("AGENT_IP_LOOKUP", urls.join(", "))
}

fn list(addresses: &[Address]) -> Vec<String> {
    addresses.iter().map(|a| format!("{} {}", a.ip, a.label)).collect()
}

#[test]
fn it_registers_without_its_public_address_and_then_again_with_it() {
    let (root, hub, service) = (Root::nat(), Hub::good(), service(" 95.216.7.7\n"));
    let running = asking(&root, &hub, &[&service]).start();
    assert_eq!(list(&hub.next().registration().ip_addresses), ["10.0.0.5 internal"]);
    let asked = service.next();
    assert_eq!(asked.line(), "GET /ip HTTP/1.1");
    assert_eq!(asked.header("host"), Some(service.address.to_string().as_str()));
    let all = asked.head.to_ascii_lowercase();
    for secret in [KEY, "x-api-key", "web-01"] {
        assert!(!all.contains(&secret.to_ascii_lowercase()), "{all}");
    }
    let expected = ["10.0.0.5 internal", "95.216.7.7 "];
    assert_eq!(list(&hub.next_registration().ip_addresses), expected);
    assert_eq!(list(&hub.next().heartbeat().ip_addresses.unwrap()), expected);
    running.says("the public address is 95.216.7.7");
    hub.next();
    assert!(service.next_within(Duration::ZERO).is_none(), "asked once, known for hours");
    until("the thread that asked is gone", || running.status("Threads") == 1);
}

#[test]
fn the_first_service_with_a_fitting_answer_wins() {
    let root = Root::nat();
    let hub = Hub::good();
    let unfit = [
        service("<html>95.216.7.1</html>"),
        service("10.1.2.3"),
        service("127.0.0.1"),
        service("203.0.113.7"),
        service("100.64.0.1"),
        service("2a01:4f9::1"),
        service(""),
        service("95.216.7.2                                                       "),
        service("95.216.7.3 95.216.7.4"),
        Hub::start(|_, link| say(link, 500, "", "95.216.7.5")),
        Hub::start(|_, link| say(link, 302, "location: http://95.216.7.6/\r\n", "95.216.7.6")),
        Hub::start(|_, _| Then::Close),
        Hub::start(|_, link| {
            while link.write_all(&[b' '; 1024]).is_ok() {}
            Then::Close
        }),
    ];
    let (good, never) = (service("95.216.7.7"), service("95.216.7.8"));
    let all: Vec<&Hub> = unfit.iter().chain([&good, &never]).collect();
    let running = asking(&root, &hub, &all).start();
    running.says("the public address is 95.216.7.7");
    for (number, service) in unfit.iter().chain([&good]).enumerate() {
        assert!(service.next_within(Duration::ZERO).is_some(), "service {number} was left out");
    }
    assert_eq!(never.connections(), 0);
    assert_eq!(running.count("warn: "), 0, "{}", running.log());
}

#[test]
fn a_look_up_that_hangs_delays_no_beat_and_is_given_up() {
    let (root, hub) = (Root::nat(), Hub::good());
    let hanging = Hub::start(|_, _| Then::Hang);
    let dripping = Hub::start(|_, link| {
        for byte in "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n95.216.7.9".bytes() {
            if link.write_all(&[byte]).is_err() {
                break;
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        Then::Close
    });
    let good = service("95.216.7.7");
    let running = asking(&root, &hub, &[&hanging, &dripping, &good]).start();
    let mut last = hub.next().at;
    let asked = hanging.next().at;
    let passed_on = loop {
        let beat = hub.next();
        assert!(beat.at - last < Duration::from_millis(1800), "a beat was late");
        last = beat.at;
        if let Some(request) = good.next_within(Duration::ZERO) {
            break request.at - asked;
        }
        assert!(asked.elapsed() < PATIENCE, "{}", running.log());
    };
    assert!(passed_on >= Duration::from_secs(9), "5 s each: {passed_on:?}");
    assert!(passed_on <= Duration::from_secs(13), "5 s each: {passed_on:?}");
    running.says("the public address is 95.216.7.7");
}

#[test]
fn who_sees_its_public_address_asks_nobody() {
    let (root, hub, service) = (Root::public(), Hub::good(), service("95.216.7.7"));
    let _running = asking(&root, &hub, &[&service]).start();
    (0..3).for_each(|_| drop(hub.next()));
    assert_eq!(service.connections(), 0);
}

#[test]
fn an_unreachable_hub_keeps_nobody_from_finding_the_address() {
    let (root, service) = (Root::nat(), service("95.216.7.7"));
    let launch =
        agent(&root, "http://127.0.0.1:1/api").env("AGENT_IP_LOOKUP", format!("http://{}", service.address));
    let running = launch.start();
    running.says("the public address is 95.216.7.7");
    running.says(" failed: ");
}

#[test]
fn the_known_services_are_asked_in_turn_and_none_when_that_is_off() {
    if !namespace::is_inside("nat::the_known_services_are_asked_in_turn_and_none_when_that_is_off") {
        return;
    }
    let (sender, asked) = std::sync::mpsc::channel();
    namespace::resolver(move |name, _| {
        sender.send(name.to_owned()).unwrap();
        Some(Vec::new())
    });
    let (root, hub) = (Root::nat(), Hub::good());
    let running = agent(&root, &hub.url()).env("AGENT_IP_LOOKUP", "off").start();
    (0..3).for_each(|_| drop(hub.next()));
    assert!(asked.try_recv().is_err(), "nobody is to be asked");
    drop(running);
    let running = agent(&root, &hub.url()).unset("AGENT_IP_LOOKUP").start();
    running.says("api.ipify.org did not tell our address");
    let mut names: Vec<_> = asked.try_iter().collect();
    names.dedup();
    assert_eq!(names, ["icanhazip.com", "ifconfig.me", "api.ipify.org"]);
}
