//! Hubs that come late, move, forget and are restored; and a name server that is dead at boot.

use std::time::Instant;

use crate::hub::{ACKNOWLEDGED, Agent, Data, Hub, REGISTERED};
use crate::lab::{DNS_V4, INTERNET, Lab, eventually, seconds};
use crate::services::Dns;

const HUB: &str = "hub.sigma.test";

#[test]
fn a_hub_that_comes_late_is_found_within_the_backoff() {
    let Some(mut lab) = Lab::new("late") else { return };
    lab.attach("hub", &["51.15.0.10/24"]);
    lab.attach("host", &["95.216.1.2/24"]);
    let data = Data::new(&lab);
    let agent = Agent::new(&lab, "host", "web-1", "51.15.0.10", &data).start();
    agent.says_again("trying again", 2, seconds(10));

    let hub = Hub::start(&lab, "hub", &data);
    let up = Instant::now();
    // The third wait is 4 to 8 s.
    let registered = agent.says(REGISTERED, seconds(20));
    let (tries, late) = (agent.count("trying again"), registered - up.min(registered));
    println!("registered {late:?} after the hub came, {tries} tries before");
    assert!(late < seconds(9) && tries <= 4, "{late:?}, {tries} tries");
    agent.says(ACKNOWLEDGED, seconds(5));
    assert_eq!(hub.machines().len(), 1);
}

#[test]
fn a_hub_that_moves_is_followed_by_its_name() {
    let Some(mut lab) = Lab::new("moves") else { return };
    lab.attach("old", &["51.15.0.10/24"]);
    lab.attach("new", &["163.172.0.10/24"]);
    lab.attach("host", &["95.216.1.2/24"]);
    let dns = Dns::start(&lab);
    dns.tell(HUB, &["51.15.0.10"]);
    let data = Data::new(&lab);
    let mut hub = Hub::start(&lab, "old", &data);
    let agent = Agent::new(&lab, "host", "web-1", HUB, &data).start();
    agent.says(ACKNOWLEDGED, seconds(10));
    let id = hub.machine("web-1").unwrap()["id"].clone();

    // The old machine vanishes without a word: no packet says that the connection has ended.
    lab.nft(INTERNET, "table inet story { chain f { type filter hook forward priority 0; ip daddr 51.15.0.10 drop; ip saddr 51.15.0.10 drop; }; }");
    let gone = Instant::now();
    hub.program.kill();
    drop(hub);
    dns.tell(HUB, &["163.172.0.10"]);
    let hub = Hub::start(&lab, "new", &data);
    let known = agent.count(ACKNOWLEDGED);
    let back = agent.says_again(ACKNOWLEDGED, known + 1, seconds(40)) - gone;
    println!("at the new address {back:?} after the old one was gone");
    assert!(back < seconds(20), "{back:?}");
    let record = hub.machine("web-1").unwrap();
    assert_eq!((&record["id"], hub.machines().len()), (&id, 1));
}

#[test]
fn a_hub_restored_from_an_older_copy_knows_all_again_within_an_interval() {
    let Some(mut lab) = Lab::new("restored") else { return };
    lab.attach("hub", &["51.15.0.10/24"]);
    lab.attach("early", &["95.216.1.2/24"]);
    lab.attach("late", &["95.216.2.2/24"]);
    let data = Data::new(&lab);
    let start =
        |space| Agent::new(&lab, space, space, "51.15.0.10", &data).with("AGENT_INTERVAL", "2").start();
    let mut hub = Hub::start(&lab, "hub", &data);
    let early = start("early");
    early.says(ACKNOWLEDGED, seconds(10));
    hub.program.terminate();
    drop(hub);
    data.back_up("yesterday");

    let mut hub = Hub::start(&lab, "hub", &data);
    let late = start("late");
    late.says(ACKNOWLEDGED, seconds(10));
    let id = |hub: &Hub, name: &str| hub.machine(name).map(|record| record["id"].clone());
    let ids = [id(&hub, "early"), id(&hub, "late")];
    hub.program.terminate();
    drop(hub);
    data.back_up("today");

    data.restore("yesterday");
    let mut hub = Hub::start(&lab, "hub", &data);
    let up = Instant::now();
    assert_eq!(id(&hub, "early"), ids[0]);
    // An interval, and the wait after one failure while the hub was away.
    eventually("the later machine is known again", seconds(6), || hub.machine("late"));
    println!("the forgotten machine was back {:?} after the hub", up.elapsed());
    assert!(up.elapsed() < seconds(5), "{:?}", up.elapsed());
    let forgotten_id = id(&hub, "late");
    assert_ne!(forgotten_id, ids[1], "it is another record, as the hub forgot the first");
    assert_eq!(hub.machines().len(), 2);
    late.says("registering again", seconds(1));
    hub.program.terminate();
    drop(hub);

    data.restore("today");
    let hub = Hub::start(&lab, "hub", &data);
    for agent in [&early, &late] {
        let beats = agent.count(ACKNOWLEDGED);
        agent.says_again(ACKNOWLEDGED, beats + 2, seconds(10));
    }
    assert_eq!([id(&hub, "early"), id(&hub, "late")], ids);
    assert_eq!(hub.machines().len(), 2);
    assert_eq!(early.count(REGISTERED), 1, "the hub never forgot it");
}

#[test]
fn a_name_server_that_is_dead_at_boot_holds_nothing_up_for_long() {
    let Some(mut lab) = Lab::new("dns") else { return };
    lab.attach("hub", &["51.15.0.10/24"]);
    lab.attach("host", &["95.216.1.2/24"]);
    let dns = Dns::start(&lab);
    dns.tell(HUB, &["51.15.0.10"]);
    dns.silence(true);
    let data = Data::new(&lab);
    let hub = Hub::start(&lab, "hub", &data);
    let agent = Agent::new(&lab, "host", "web-1", HUB, &data).start();
    let mut other = Agent::new(&lab, "host", "web-2", HUB, &data).start();
    eventually("the name is asked for", seconds(5), || (dns.asked() == [HUB]).then_some(()));
    std::thread::sleep(seconds(1));
    let end = other.terminate();
    assert!(end.as_millis() < 100, "ended {end:?} after SIGTERM, in a look-up");

    // The resolver asks once more after 5 s and gives up after 10 s; then there is a pause of 1 to 2 s.
    agent.says(" failed: ", seconds(15));
    dns.silence(false);
    let alive = Instant::now();
    let late = agent.says(REGISTERED, seconds(20)) - alive;
    println!("registered {late:?} after the name server came back");
    assert!(late < seconds(9), "{late:?}");
    assert_eq!(hub.machines().len(), 1);
}

#[test]
fn an_agent_that_starts_before_its_network_needs_no_restart() {
    let Some(mut lab) = Lab::new("boot") else { return };
    lab.attach("hub", &["51.15.0.10/24"]);
    lab.add("host");
    lab.resolvers(&[]);
    let dns = Dns::start(&lab);
    dns.tell(HUB, &["51.15.0.10"]);
    let data = Data::new(&lab);
    let hub = Hub::start(&lab, "hub", &data);
    let agent = Agent::new(&lab, "host", "web-1", HUB, &data).start();
    agent.says_again("trying again", 2, seconds(10));

    // First the addresses, then the name servers, as a DHCP client brings them.
    lab.join("host", INTERNET, "to-host", &["95.216.1.2/24"]);
    lab.resolvers(&[DNS_V4]);
    let up = Instant::now();
    let late = agent.says(REGISTERED, seconds(20)) - up;
    println!("registered {late:?} after the network came");
    assert!(late < seconds(9), "{late:?}");
    assert_eq!(hub.addresses("web-1"), ["95.216.1.2"]);
}
