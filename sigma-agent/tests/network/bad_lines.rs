//! Bad lines: half of the addresses dead, a third of the packets lost, a modem's speed, a connection that swallows all.

use std::thread;
use std::time::Instant;

use crate::hub::{ACKNOWLEDGED, Agent, BEAT_TAKEN, Data, Hub, REGISTERED, REGISTRATION_TAKEN};
use crate::lab::{INTERNET, Lab, seconds};
use crate::program::Program;
use crate::services::Dns;
use crate::tls::Gate;

const HUB: &str = "hub.sigma.test";

/// A table of the router with one rule on what it forwards.
fn forward(rules: &str) -> String {
    format!("table inet story {{ chain story {{ type filter hook forward priority 0; {rules} }}; }}")
}

#[test]
fn a_dead_ipv6_address_costs_less_than_two_seconds() {
    let Some(mut lab) = Lab::new("dead6") else { return };
    lab.attach("hub", &["51.15.0.10/24", "2001:bc8::10/64"]);
    lab.attach("host", &["95.216.1.2/24", "2a01:4f9:c010:1::2/64"]);
    lab.attach("four", &["95.216.2.2/24"]);
    lab.nft(INTERNET, &forward("ip6 daddr 2001:bc8::10 counter drop;"));
    let dns = Dns::start(&lab);
    dns.tell(HUB, &["2001:bc8::10", "51.15.0.10"]);
    let data = Data::new(&lab);
    let hub = Hub::start(&lab, "hub", &data);
    let agent = Agent::new(&lab, "host", "web-1", HUB, &data).start();
    let registered = agent.says(REGISTERED, seconds(20)) - agent.started;
    println!("registered after {registered:?}");
    assert!(registered < seconds(2), "{registered:?}");
    let tried = lab.output(INTERNET, "nft list table inet story");
    assert!(!tried.contains("packets 0 "), "the dead address was not even tried: {tried}");
    assert_eq!(hub.addresses("web-1"), ["95.216.1.2", "2a01:4f9:c010:1::2"]);

    // Without IPv6 of its own there is nothing to wait for.
    let agent = Agent::new(&lab, "four", "web-2", HUB, &data).start();
    let registered = agent.says(REGISTERED, seconds(20)) - agent.started;
    println!("without IPv6 registered after {registered:?}");
    assert!(registered < seconds(1), "{registered:?}");
}

/// A fleet, so that there is something to count. The interval is a tenth of the usual one: on such a line TCP needs more
/// than 6 s for one message in twenty, and hardly ever as long as the agent waits.
#[test]
fn a_third_of_the_packets_lost_costs_few_beats() {
    const AGENTS: usize = 40;
    const INTERVAL: u64 = 6;
    const INTERVALS: u64 = 6;
    let Some(mut lab) = Lab::new("loss") else { return };
    lab.attach("hub", &["51.15.0.10/24"]);
    lab.attach("host", &["95.216.1.2/24"]);
    lab.nft(INTERNET, &forward("numgen random mod 100 < 30 counter drop;"));
    let data = Data::new(&lab);
    let hub = Hub::start(&lab, "hub", &data);
    let names: Vec<String> = (1..=AGENTS).map(|n| format!("web-{n}")).collect();
    let start = |name: &String| {
        let agent = Agent::new(&lab, "host", name, "51.15.0.10", &data);
        agent.with("AGENT_INTERVAL", &INTERVAL.to_string()).start()
    };
    let agents: Vec<Program> = names.iter().map(start).collect();
    thread::sleep(seconds(INTERVAL * INTERVALS));
    // The intervals in which the hub heard of the machine, and the machine knows it.
    let heard = |agent: &Program| {
        let acknowledged = [agent.times(REGISTERED), agent.times(ACKNOWLEDGED)].concat();
        let mut intervals: Vec<u64> =
            acknowledged.iter().map(|at| (*at - agent.started).as_secs() / INTERVAL).collect();
        intervals.retain(|interval| *interval < INTERVALS);
        intervals.sort_unstable();
        intervals.dedup();
        intervals.len() as u64
    };
    let (heard, due) = (agents.iter().map(heard).sum::<u64>(), agents.len() as u64 * INTERVALS);
    println!("heard of in {heard} of {due} intervals; the hub took {} beats", hub.program.count(BEAT_TAKEN));
    assert!(heard * 100 >= due * 75, "{heard} of {due}");
    assert!(hub.program.count(REGISTRATION_TAKEN) >= hub.machines().len());
    for name in &names {
        // There is not more than one record of it.
        hub.machine(name);
    }
}

#[test]
fn a_line_of_8_kbit_carries_the_first_heartbeat_in_seconds() {
    let Some(mut lab) = Lab::new("slow") else { return };
    lab.attach("hub", &["51.15.0.10/24"]);
    lab.attach("host", &["95.216.1.2/24"]);
    lab.attach("tls", &["95.216.2.2/24"]);
    for (space, port) in [("host", "eth0"), ("tls", "eth0"), (INTERNET, "to-host"), (INTERNET, "to-tls")] {
        // Small packets, as on a modem: the burst must hold one, and is what passes at full speed.
        lab.ip(space, &format!("link set {port} mtu 576"));
        lab.run(space, &format!("tc qdisc add dev {port} root tbf rate 8kbit burst 600 latency 10s"));
    }
    let dns = Dns::start(&lab);
    dns.tell(HUB, &["51.15.0.10"]);
    let data = Data::new(&lab);
    let hub = Hub::start(&lab, "hub", &data);
    let gate = Gate::start(&lab, "hub", HUB);
    let plain = Agent::new(&lab, "host", "web-1", "51.15.0.10", &data).start();
    let encrypted = Agent::new(&lab, "tls", "web-2", HUB, &data)
        .with("SIGMA_API_URL", &format!("https://{HUB}/api"))
        .with("SIGMA_CA_FILE", gate.ca_file.to_str().unwrap())
        .start();
    // As many bytes of certificates as usual take 2 s, and TCP, whose first impression of the line is too good, repeats
    // half of them.
    assert!((1700..2300).contains(&gate.chain_bytes), "{} bytes of certificates", gate.chain_bytes);
    for (agent, most) in [(plain, seconds(5)), (encrypted, seconds(10))] {
        let registered = agent.says(REGISTERED, seconds(30)) - agent.started;
        let beat = agent.says(ACKNOWLEDGED, seconds(30)) - agent.started;
        println!("registered after {registered:?}, the first heartbeat after {beat:?}");
        assert!(beat < most, "{beat:?}");
        assert!(registered.as_millis() > 200, "the line was not slow: {registered:?}");
    }
    assert_eq!(hub.machines().len(), 2);
}

#[test]
fn a_connection_that_swallows_everything_is_given_up_and_leaves_nothing_behind() {
    const ROUTER_RULES: &str = "ip saddr 95.216.1.2 drop; ip daddr 95.216.1.2 drop; \
        ip daddr 95.216.2.2 tcp sport 3000 meta length > 100 drop;";
    let Some(mut lab) = Lab::new("swallow") else { return };
    lab.attach("hub", &["51.15.0.10/24"]);
    // Of the one everything is lost once it reports; of the other only what the hub answers, from the start.
    lab.attach("cut", &["95.216.1.2/24"]);
    lab.attach("deaf", &["95.216.2.2/24"]);
    let data = Data::new(&lab);
    let hub = Hub::start(&lab, "hub", &data);
    let cut = Agent::new(&lab, "cut", "cut-1", "51.15.0.10", &data).start();
    cut.says(ACKNOWLEDGED, seconds(10));
    lab.nft(INTERNET, &forward(ROUTER_RULES));
    let swallowed = Instant::now();
    let beats = cut.count(ACKNOWLEDGED);
    let deaf = Agent::new(&lab, "deaf", "deaf-1", "51.15.0.10", &data).start();

    let mut sockets = 0;
    let mut watch = |until: &dyn Fn() -> bool| {
        while !until() {
            assert!(swallowed.elapsed() < seconds(60), "nothing came of it within a minute");
            sockets = sockets.max(cut.sockets()).max(deaf.sockets());
            thread::sleep(seconds(1) / 10);
        }
    };
    let given_up = |agent: &Program| agent.count("trying again") > 0;
    watch(&|| given_up(&cut) && given_up(&deaf));
    let gave_up = [&cut, &deaf].map(|agent| agent.times("trying again")[0] - swallowed.max(agent.started));
    // Up to an interval passes before the next beat is due.
    println!("given up after {gave_up:?}");
    assert!(gave_up.iter().all(|after| *after < seconds(22)), "{gave_up:?}");
    assert_eq!(deaf.count(REGISTERED), 0);
    assert_eq!(hub.machines().len(), 2, "the hub has what it could not acknowledge");

    lab.nft(INTERNET, "delete table inet story");
    let open = Instant::now();
    watch(&|| cut.count(ACKNOWLEDGED) > beats && deaf.count(ACKNOWLEDGED) > 0);
    println!("all well {:?} after the line was, {sockets} sockets at most", open.elapsed());
    assert!(open.elapsed() < seconds(8), "{:?}", open.elapsed());
    assert!(sockets <= 2, "{sockets} sockets");
    assert_eq!(hub.machines().len(), 2);
    assert!(hub.program.count(REGISTRATION_TAKEN) >= 3, "the deaf one registered twice, as one record");
}
