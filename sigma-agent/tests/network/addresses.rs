//! What a machine says of its addresses, by where it stands.

use std::time::Instant;

use crate::hub::{ACKNOWLEDGED, Agent, Data, Hub, REGISTERED, REGISTRATION_TAKEN};
use crate::lab::{DNS_V6, Lab, seconds};
use crate::services::{Dns, LookUp};

const HUB: &str = "hub.sigma.test";

#[test]
fn a_public_host_is_registered_within_a_second_and_asks_nobody() {
    let Some(mut lab) = Lab::new("public") else { return };
    lab.attach("hub", &["51.15.0.10/24"]);
    lab.attach("host", &["95.216.1.2/24"]);
    let dns = Dns::start(&lab);
    dns.tell(HUB, &["51.15.0.10"]);
    let data = Data::new(&lab);
    let hub = Hub::start(&lab, "hub", &data);

    let agent = Agent::new(&lab, "host", "web-1", HUB, &data).without("AGENT_IP_LOOKUP").start();
    let registered = agent.says(REGISTERED, seconds(10)) - agent.started;
    println!("registered after {registered:?}");
    assert!(registered < seconds(1), "{registered:?}");
    let record = hub.machine("web-1").unwrap();
    assert_eq!((&record["status"], &record["source"]), (&"active".into(), &"agent".into()));
    assert_eq!(hub.addresses("web-1"), ["95.216.1.2"]);

    agent.says_again(ACKNOWLEDGED, 2, seconds(10));
    assert_eq!(dns.asked(), [HUB], "nobody but the hub was looked for");
    assert_eq!(hub.program.count(REGISTRATION_TAKEN), 1);
}

#[test]
fn a_host_behind_nat_is_registered_at_once_and_again_with_its_public_address() {
    let Some(mut lab) = Lab::new("nat") else { return };
    lab.attach("hub", &["51.15.0.10/24"]);
    lab.attach("gate", &["95.216.7.9/24"]);
    lab.add("host");
    lab.join("host", "gate", "inside", &["10.0.0.5/24"]);
    lab.within("gate", || std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap());
    lab.nft(
        "gate",
        "table ip nat { chain out { type nat hook postrouting priority srcnat; oifname eth0 masquerade; }; }",
    );
    // The first tells nonsense, the second takes its time, the third is never needed.
    let private = LookUp::start(&lab, "45.76.0.80", Some("10.9.8.7"), seconds(0));
    let good = LookUp::start(&lab, "45.76.0.81", None, seconds(3));
    let spare = LookUp::start(&lab, "45.76.0.82", None, seconds(0));
    let services = "http://45.76.0.80,http://45.76.0.81/ip,http://45.76.0.82";
    let data = Data::new(&lab);
    let hub = Hub::start(&lab, "hub", &data);

    let agent =
        Agent::new(&lab, "host", "nat-1", "51.15.0.10", &data).with("AGENT_IP_LOOKUP", services).start();
    let registered = agent.says(REGISTERED, seconds(10)) - agent.started;
    println!("registered after {registered:?}");
    assert!(registered < seconds(1), "{registered:?}");
    assert_eq!(hub.addresses("nat-1"), ["10.0.0.5 internal"]);
    agent.says(ACKNOWLEDGED, seconds(10));
    assert_eq!(agent.count("the public address is"), 0, "the beat did not wait for the look-up");

    let again = agent.says_again(REGISTERED, 2, seconds(10));
    let known = agent.says("the public address is 95.216.7.9", seconds(1));
    assert!(again - known < seconds(1));
    assert_eq!(hub.addresses("nat-1"), ["10.0.0.5 internal", "95.216.7.9"]);
    agent.says_again(ACKNOWLEDGED, 4, seconds(10));
    assert_eq!(hub.addresses("nat-1"), ["10.0.0.5 internal", "95.216.7.9"], "a beat keeps it");
    let gate: std::net::IpAddr = "95.216.7.9".parse().unwrap();
    assert_eq!((private.asked_by(), good.asked_by(), spare.asked_by()), (vec![gate], vec![gate], vec![]));
    assert_eq!(hub.program.count(REGISTRATION_TAKEN), 2);
}

#[test]
fn hosts_with_ipv6_alone_reach_a_hub_with_ipv6_alone() {
    let Some(mut lab) = Lab::new("ipv6") else { return };
    lab.resolvers(&[DNS_V6]);
    lab.attach("hub", &["2001:bc8::10/64"]);
    lab.attach("public", &["2a01:4f9:c010:1::2/64"]);
    lab.attach("private", &["fd00:5::2/64"]);
    let dns = Dns::start(&lab);
    // Its IPv4 address is of no use to these hosts.
    dns.tell(HUB, &["51.15.0.10", "2001:bc8::10"]);
    let service = LookUp::start(&lab, "2001:19f0::80", Some("2a01:4f9:c010:2::9\n"), seconds(0));
    let data = Data::new(&lab);
    let hub = Hub::start(&lab, "hub", &data);

    let public = Agent::new(&lab, "public", "six-1", HUB, &data).without("AGENT_IP_LOOKUP").start();
    let registered = public.says(REGISTERED, seconds(10)) - public.started;
    println!("registered after {registered:?}");
    assert!(registered < seconds(1), "{registered:?}");
    assert_eq!(hub.addresses("six-1"), ["2a01:4f9:c010:1::2"]);
    public.says_again(ACKNOWLEDGED, 2, seconds(10));
    assert_eq!(dns.asked(), [HUB], "a public IPv6 address is enough");

    let services = "http://[2001:19f0::80]";
    let private = Agent::new(&lab, "private", "six-2", "[2001:bc8::10]", &data)
        .with("AGENT_IP_LOOKUP", services)
        .start();
    private.says_again(REGISTERED, 2, seconds(10));
    hub.shows("six-2", &["2a01:4f9:c010:2::9", "fd00:5::2 internal"], seconds(2));
    assert_eq!(service.asked_by().len(), 1);
}

#[test]
fn bridges_of_containers_are_left_out_and_those_of_the_machine_are_not() {
    let Some(mut lab) = Lab::new("bridges") else { return };
    lab.attach("hub", &["51.15.0.10/24"]);
    lab.attach("docker", &["172.31.4.7/20"]);
    lab.ip(
        "docker",
        "link add docker0 type bridge
         addr add 172.17.0.1/16 dev docker0
         link set docker0 up
         link add br-0123456789ab type bridge
         addr add 172.18.0.1/16 dev br-0123456789ab
         addr add fd00:18::1/64 dev br-0123456789ab
         link set br-0123456789ab up
         link add veth5f3a type veth peer name guest
         link set veth5f3a master br-0123456789ab up
         link set guest up",
    );
    // Proxmox: the uplink is a port of the bridge that has the address; a second bridge is for guests behind NAT.
    lab.attach("proxmox", &["95.216.1.3/24"]);
    lab.ip(
        "proxmox",
        "addr flush dev eth0
         link add vmbr0 type bridge
         link set eth0 master vmbr0
         addr add 95.216.1.3/24 dev vmbr0
         link set vmbr0 up
         route add default via 95.216.1.1
         link add virbr0 type bridge
         addr add 192.168.122.1/24 dev virbr0
         link set virbr0 up",
    );
    let data = Data::new(&lab);
    let hub = Hub::start(&lab, "hub", &data);
    let docker = Agent::new(&lab, "docker", "docker-1", "51.15.0.10", &data).start();
    let proxmox = Agent::new(&lab, "proxmox", "proxmox-1", "51.15.0.10", &data).start();
    docker.says(REGISTERED, seconds(10));
    proxmox.says(REGISTERED, seconds(10));
    assert_eq!(hub.addresses("docker-1"), ["172.31.4.7 internal"]);
    assert_eq!(hub.addresses("proxmox-1"), ["95.216.1.3"]);

    // An address that comes is told by the next beat, and so is one that goes.
    docker.says(ACKNOWLEDGED, seconds(10));
    lab.ip("docker", "addr add 95.216.9.9/32 dev lo\naddr add 2a01:4f9:9::9/64 dev eth0");
    let with_more = ["95.216.9.9", "172.31.4.7 internal", "2a01:4f9:9::9"];
    let beats = docker.count(ACKNOWLEDGED);
    docker.says_again(ACKNOWLEDGED, beats + 2, seconds(10));
    assert_eq!(hub.addresses("docker-1"), with_more);
    lab.ip("docker", "addr del 95.216.9.9/32 dev lo\naddr del 2a01:4f9:9::9/64 dev eth0");
    let beats = docker.count(ACKNOWLEDGED);
    docker.says_again(ACKNOWLEDGED, beats + 2, seconds(10));
    assert_eq!(hub.addresses("docker-1"), ["172.31.4.7 internal"]);
    assert_eq!(hub.program.count(REGISTRATION_TAKEN), 2, "a beat is enough for that");
    assert_eq!(hub.addresses("proxmox-1"), ["95.216.1.3"]);
}

#[test]
fn a_host_that_gets_another_address_says_so_over_a_new_connection() {
    let Some(mut lab) = Lab::new("moved") else { return };
    lab.attach("hub", &["51.15.0.10/24"]);
    lab.attach("host", &["95.216.1.2/24"]);
    let data = Data::new(&lab);
    let hub = Hub::start(&lab, "hub", &data);
    let agent = Agent::new(&lab, "host", "web-1", "51.15.0.10", &data).start();
    agent.says(ACKNOWLEDGED, seconds(10));

    // The kept connection is from an address that is no longer there: nothing comes back over it.
    lab.ip(
        "host",
        "addr del 95.216.1.2/24 dev eth0
         addr add 95.216.1.77/24 dev eth0
         route add default via 95.216.1.1",
    );
    let changed = Instant::now();
    hub.shows("web-1", &["95.216.1.77"], seconds(20));
    // One interval: the connection is left behind, not waited for.
    println!("the hub knew after {:?}", changed.elapsed());
    assert!(changed.elapsed() < seconds(6), "{:?}", changed.elapsed());
    assert_eq!(hub.program.count(REGISTRATION_TAKEN), 1);
}
