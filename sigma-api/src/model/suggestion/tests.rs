use super::*;

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn machine(hostname: &str, addresses: &[&str]) -> Traits {
    let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
    Traits { hostname: hostname.to_owned(), addresses, ..Traits::default() }
}

fn with_vendor(traits: Traits, vendor: &str) -> Traits {
    Traits { vendor: Some(vendor.to_owned()), ..traits }
}

fn providers(names: &[&str]) -> Vec<(Uuid, String)> {
    (1..).zip(names).map(|(number, name)| (id(number), (*name).to_owned())).collect()
}

fn fleet(
    provider: u128,
    hostname: &str,
    network: &str,
    machines: std::ops::Range<u32>,
) -> Vec<(Uuid, Traits)> {
    let one = |n: u32| machine(&format!("{hostname}{n}"), &[&format!("{network}{n}")]);
    machines.map(|n| (id(provider), one(n))).collect()
}

fn reasons(suggestion: &Suggestion) -> Vec<String> {
    suggestion.reasons.iter().map(ToString::to_string).collect()
}

#[test]
fn nothing_known_nothing_suggested() {
    assert_eq!(Knowledge::default().suggest(&machine("debian", &["203.0.113.7"])), None);
    let knowledge = Knowledge::learn(providers(&["Acme"]), &[]);
    assert_eq!(knowledge.suggest(&with_vendor(machine("debian", &["203.0.113.7"]), "QEMU")), None);
}

#[test]
fn a_provider_without_record_is_suggested_by_name() {
    let knowledge = Knowledge::learn(providers(&["Acme"]), &[]);
    let suggestion = knowledge.suggest(&with_vendor(machine("debian", &[]), "Hetzner")).unwrap();
    assert_eq!((suggestion.provider_id, suggestion.provider.as_str()), (None, "Hetzner Cloud"));
    assert_eq!(reasons(&suggestion), ["its DMI vendor is Hetzner"]);
    assert!((suggestion.score - 0.97).abs() < 0.001);
}

#[test]
fn a_record_of_that_name_is_taken_before_a_new_one() {
    let knowledge = Knowledge::learn(providers(&["Acme", "hetzner"]), &[]);
    let suggestion = knowledge.suggest(&with_vendor(machine("debian", &[]), "Hetzner")).unwrap();
    assert_eq!((suggestion.provider_id, suggestion.provider.as_str()), (Some(id(2)), "hetzner"));
}

#[test]
fn in_a_container_the_strings_are_the_hosts_and_weaker() {
    let knowledge = Knowledge::learn(providers(&["Acme"]), &fleet(1, "x", "198.51.100.", 1..9));
    let mut inside = with_vendor(machine("debian", &["198.51.100.77"]), "Hetzner");
    assert_eq!(
        knowledge.suggest(&inside),
        None,
        "its own strings and all its neighbours contradict each other"
    );
    inside.virtualization = Some("lxc".to_owned());
    assert_eq!(knowledge.suggest(&inside).unwrap().provider, "Acme");
    inside.addresses.clear();
    let alone = knowledge.suggest(&inside).unwrap();
    assert_eq!(reasons(&alone), ["its DMI vendor is Hetzner, though in a container that is the host's"]);
    assert!(alone.score < 0.7);
}

#[test]
fn what_people_did_with_such_machines_counts_more_than_the_name() {
    let bought: Vec<_> =
        (1..=6).map(|n| (id(1), with_vendor(machine(&format!("m{n}"), &[]), "Hetzner"))).collect();
    let knowledge = Knowledge::learn(providers(&["HZ resold"]), &bought);
    let suggestion = knowledge.suggest(&with_vendor(machine("debian", &[]), "Hetzner")).unwrap();
    assert_eq!(suggestion.provider, "HZ resold");
    assert_eq!(reasons(&suggestion), ["6 of 6 machines with the DMI vendor Hetzner are there"]);
}

#[test]
fn neighbours_tell_and_the_reason_says_how_near() {
    let knowledge = Knowledge::learn(providers(&["Acme"]), &fleet(1, "x", "198.51.100.", 1..25));
    let suggestion = knowledge.suggest(&machine("debian", &["198.51.101.23"])).unwrap();
    assert_eq!((suggestion.provider_id, suggestion.provider.as_str()), (Some(id(1)), "Acme"));
    assert_eq!(
        reasons(&suggestion),
        ["its address 198.51.101.23 lies between those of 24 machines there (longest common prefix /23)"]
    );
    let far = knowledge.suggest(&machine("debian", &["203.0.113.7", "10.0.0.1", "fd00::1"]));
    assert_eq!(far, None);
}

#[test]
fn a_prefix_that_two_share_decides_nothing_until_something_else_does() {
    let mut assigned = fleet(1, "aa-", "198.51.100.", 1..20);
    assigned
        .extend((1..20).map(|n| (id(2), machine(&format!("bb-{n}"), &[&format!("198.51.100.{}", 100 + n)]))));
    // Interleaved: neighbours on both sides are of both.
    assigned.extend((1..20).map(|n| (id(2), machine(&format!("bb-{n}"), &[&format!("198.51.100.{n}")]))));
    let knowledge = Knowledge::learn(providers(&["Acme", "Bee"]), &assigned);
    assert_eq!(knowledge.suggest(&machine("debian", &["198.51.100.33"])), None);
    let suggestion = knowledge.suggest(&machine("aa-77", &["198.51.100.33"])).unwrap();
    assert_eq!(suggestion.provider, "Acme");
    assert!(reasons(&suggestion).iter().any(|reason| reason == "19 of 19 machines named aa-… are there"));
}

#[test]
fn a_hostname_habit_needs_machines_like_this_one() {
    let mut assigned: Vec<_> =
        (1..=8).map(|n| (id(1), with_vendor(machine(&format!("web-{n}"), &[]), "Vultr"))).collect();
    assigned.extend((1..=8).map(|n| (id(2), with_vendor(machine(&format!("db-{n}"), &[]), "QEMU"))));
    let knowledge = Knowledge::learn(providers(&["Vultr", "Bee"]), &assigned);
    let likes = knowledge.suggest(&machine("web-9", &[])).unwrap();
    assert_eq!(reasons(&likes), ["8 of 8 machines named web-… are there"]);
    assert_eq!(knowledge.suggest(&with_vendor(machine("web-9", &[]), "QEMU")), None);
}

#[test]
fn strings_that_others_of_the_provider_have_are_learnt_and_generic_ones_never() {
    let mut assigned: Vec<_> =
        (1..=4).map(|n| (id(1), with_vendor(machine(&format!("m{n}"), &[]), "Kamatera"))).collect();
    assigned.extend((1..=9).map(|n| (id(2), with_vendor(machine(&format!("q{n}"), &[]), "QEMU"))));
    let knowledge = Knowledge::learn(providers(&["Acme", "Bee"]), &assigned);
    let suggestion = knowledge.suggest(&with_vendor(machine("debian", &[]), "Kamatera")).unwrap();
    assert_eq!(suggestion.provider, "Acme");
    assert_eq!(reasons(&suggestion), ["4 of 4 machines with the DMI vendor Kamatera are there"]);
    assert_eq!(knowledge.suggest(&with_vendor(machine("debian", &[]), "QEMU")), None);
}

#[test]
fn groups_say_what_holds_for_all_of_them() {
    let knowledge = Knowledge::learn(providers(&["Acme"]), &fleet(1, "x", "198.51.100.", 1..25));
    let machines = [
        (id(10), machine("a", &["198.51.100.200"])),
        (id(11), machine("b", &["198.51.100.201"])),
        (id(12), with_vendor(machine("c", &[]), "Vultr")),
        (id(13), machine("d", &["10.0.0.1"])),
    ];
    let groups = groups(&knowledge, &machines);
    let shown: Vec<_> = groups.iter().map(|group| (group.provider.as_deref(), group.machines)).collect();
    assert_eq!(shown, [(Some("Acme"), 2), (Some("Vultr"), 1), (None, 1)]);
    assert_eq!(groups[0].reasons, ["their addresses lie between those of 24 machines there"]);
    assert_eq!(groups[0].ids, [id(10), id(11)]);
    assert_eq!(groups[1].reasons, ["its DMI vendor is Vultr"]);
    assert_eq!((groups[1].provider_id, groups[2].min_score), (None, None));
    assert_eq!(groups[1].min_score, Some(0.97));
}
