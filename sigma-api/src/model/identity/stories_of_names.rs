//! Machines of one name, and machines that change theirs.

use super::*;

#[test]
fn two_localhosts() {
    let mut world = World::new();
    let one = world.machine("localhost", "m1", "203.0.113.1");
    let two = world.machine("localhost", "m2", "203.0.113.2");
    assert_eq!(world.is_stable(&[&one, &two]), [1, 2]);
    assert_eq!(world.names(), ["localhost", "localhost (2)"]);
    assert!(world.is_marked(MarkKind::Conflict, 1, 2));
}

#[test]
fn two_localhosts_reboot_both() {
    let mut world = World::new();
    let one = world.machine("localhost", "m1", "203.0.113.1");
    let two = world.machine("localhost", "m2", "203.0.113.2");
    world.live(&[&one, &two], 3);
    world.wait(30);
    let (two, one) = (world.boot(&two), world.boot(&one));
    assert_eq!(world.is_stable(&[&two, &one]), [2, 1]);
}

#[test]
fn fifty_localhosts_in_any_order_of_boots() {
    const IDS: [&str; 5] = ["a", "b", "c", "d", "e"];
    let mut world = World::new();
    let mut machines: Vec<Machine> = Vec::new();
    for number in 0..50 {
        let id: &'static str = Box::leak(format!("{}{number}", IDS[number % 5]).into_boxed_str());
        machines.push(world.machine("localhost", id, &format!("203.0.113.{number} 10.0.0.5")));
    }
    let all: Vec<&Machine> = machines.iter().collect();
    let records = world.is_stable(&all);
    assert_eq!(records, (1..=50).collect::<Vec<u128>>());
    assert_eq!(world.names().last(), Some(&"localhost (50)"));
    assert!((1..=49).all(|n| world.marks.iter().any(|(_, one, _)| *one == n)), "all are marked");
    world.wait(30);
    for machine in machines.iter_mut().rev() {
        *machine = world.boot(machine);
        world.register(machine).unwrap();
    }
    let all: Vec<&Machine> = machines.iter().collect();
    assert_eq!(world.is_stable(&all), records, "each found its own again");
}

#[test]
fn one_of_many_localhosts_is_reinstalled() {
    let mut world = World::new();
    let machines: Vec<Machine> = (1..=5)
        .map(|n| {
            let id: &'static str = Box::leak(format!("m{n}").into_boxed_str());
            world.machine("localhost", id, &format!("203.0.113.{n} 10.0.0.5"))
        })
        .collect();
    let mut all: Vec<&Machine> = machines.iter().collect();
    world.live(&all, 3);
    all.remove(2);
    world.live(&all, 10);
    let sixth = world.machine("localhost", "m6", "203.0.113.6 10.0.0.5");
    assert_eq!(world.register(&sixth), Ok(6), "it is none of those that are silent");
    let third = world.boot(&machines[2]).with_id(Some("m3 anew"));
    assert_eq!(world.register(&third), Ok(3), "its address tells which of them it was");
}

#[test]
fn a_new_machine_takes_the_name_of_one_that_is_only_silent() {
    let mut world = World::new();
    let one = world.machine("debian", "m1", "203.0.113.1");
    world.live(&[&one], 3);
    world.wait(10);
    let two = world.machine("debian", "m2", "203.0.113.2");
    assert_eq!(world.register(&two), Ok(1), "taken for a reinstallation");
    world.live(&[&two], 3);
    assert_eq!(world.beat(&one), Ok(1), "until the first one speaks");
    assert_eq!(world.last(), &Decision::Returned(id(1)));
    assert_eq!(world.is_stable(&[&two, &one]), [2, 1]);
    assert!(world.is_marked(MarkKind::Conflict, 1, 2));
}

#[test]
fn a_silent_machine_whose_name_was_taken_comes_back_after_a_reboot() {
    let mut world = World::new();
    let one = world.machine("debian", "m1", "203.0.113.1");
    world.live(&[&one], 3);
    world.wait(10);
    let two = world.machine("debian", "m2", "203.0.113.2");
    world.live(&[&two], 3);
    let one = world.boot(&one);
    assert_eq!(world.is_stable(&[&one, &two]), [1, 2]);
    let two = world.boot(&two);
    assert_eq!(world.is_stable(&[&two, &one]), [2, 1]);
}

#[test]
fn a_machine_that_was_sent_away_while_it_was_off_does_not_take_the_record_back() {
    let mut world = World::new();
    let one = world.machine("debian", "m1", "203.0.113.1");
    world.live(&[&one], 3);
    world.wait(10);
    let two = world.machine("debian", "m2", "203.0.113.2");
    world.live(&[&two], 1);
    let one = world.boot(&one);
    world.live(&[&one], 3);
    let two = world.boot(&two);
    assert_eq!(world.register(&two), Ok(2));
    assert_eq!(world.is_stable(&[&two, &one]), [2, 1]);
}

#[test]
fn a_machine_from_an_old_image_does_not_take_the_record_of_one_that_lives() {
    let mut world = World::new();
    let old = world.machine("web", "m1", "203.0.113.1");
    world.live(&[&old], 3);
    world.wait(10);
    let anew = world.boot(&old).with_id(Some("m2"));
    world.live(&[&anew], 3);
    world.wait(30 * 24 * 60);
    world.live(&[&anew], 3);
    let copy = world.boot(&old).at("203.0.113.9");
    assert_eq!(world.is_stable(&[&copy, &anew]), [2, 1]);
}

#[test]
fn two_agents_without_evidence_share_a_record_as_of_old() {
    let mut world = World::new();
    let one = world.machine("debian", "m1", "203.0.113.1").bare();
    let two = world.machine("debian", "m2", "203.0.113.2").bare();
    assert_eq!(world.live(&[&one, &two], 3), [Ok(1), Ok(1)]);
}

#[test]
fn a_newcomer_with_evidence_beside_a_living_one_without() {
    let mut world = World::new();
    let one = world.machine("debian", "m1", "203.0.113.1").bare();
    world.live(&[&one], 3);
    let two = world.machine("debian", "m2", "203.0.113.2");
    assert_eq!(world.is_stable(&[&one, &two]), [1, 2]);
    assert!(world.is_marked(MarkKind::Conflict, 1, 2));
}

#[test]
fn an_agent_without_evidence_has_the_record_without() {
    let mut world = World::new();
    let one = world.machine("debian", "m1", "");
    let two = world.machine("debian", "m2", "").bare();
    world.add(&one);
    world.add(&two);
    assert_eq!(world.is_stable(&[&one, &two]), [1, 2]);
}

#[test]
fn two_machines_without_machine_id_and_of_one_name() {
    let mut world = World::new();
    let one = world.machine("alpine", "", "203.0.113.1").with_id(None);
    world.live(&[&one], 3);
    let two = world.machine("alpine", "", "203.0.113.2").with_id(None);
    assert_eq!(world.is_stable(&[&two, &one]), [2, 1]);
    assert!(world.is_marked(MarkKind::Conflict, 1, 2));
}

#[test]
fn rename() {
    let mut world = World::new();
    let one = world.machine("debian", "m1", "203.0.113.1");
    world.live(&[&one], 3);
    let one = one.called("web");
    assert_eq!(world.tell(&one, false), Ok(1));
    assert_eq!(world.last(), &Decision::Renamed(id(1)));
    assert_eq!(world.is_stable(&[&one]), [1]);
    assert_eq!(world.names(), ["web"]);
}

#[test]
fn rename_and_back() {
    let mut world = World::new();
    let one = world.machine("debian", "m1", "203.0.113.1");
    for _ in 0..3 {
        assert_eq!(world.live(&[&one], 3), [Ok(1)]);
        assert_eq!(world.live(&[&one.called("web")], 3), [Ok(1)]);
    }
    assert_eq!(world.is_stable(&[&one]), [1]);
    assert_eq!(world.names(), ["debian"]);
}

#[test]
fn rename_at_a_reboot() {
    let mut world = World::new();
    let one = world.machine("debian", "m1", "203.0.113.1");
    world.live(&[&one], 3);
    let one = world.boot(&one).called("web");
    assert_eq!(world.register(&one), Ok(1));
    assert_eq!(world.last(), &Decision::Renamed(id(1)));
    assert_eq!(world.is_stable(&[&one]), [1]);
}

#[test]
fn rename_to_a_name_that_is_taken() {
    let mut world = World::new();
    let one = world.machine("debian", "m1", "203.0.113.1");
    let two = world.machine("web", "m2", "203.0.113.2");
    world.live(&[&one, &two], 3);
    let one = one.called("web");
    assert_eq!(world.is_stable(&[&one, &two]), [1, 2]);
    assert_eq!(world.names(), ["web (2)", "web"]);
    let one = world.boot(&one);
    assert_eq!(world.is_stable(&[&one, &two]), [1, 2]);
}

#[test]
fn a_name_moves_to_another_machine() {
    let mut world = World::new();
    let one = world.machine("web", "m1", "203.0.113.1");
    let two = world.machine("spare", "m2", "203.0.113.2");
    world.live(&[&one, &two], 3);
    let (one, two) = (one.called("old-web"), two.called("web"));
    assert_eq!(world.is_stable(&[&one, &two]), [1, 2]);
    assert_eq!(world.names(), ["old-web", "web"]);
}

#[test]
fn an_address_moves_to_another_machine() {
    let mut world = World::new();
    let one = world.machine("web-1", "m1", "203.0.113.1");
    let two = world.machine("web-2", "m2", "203.0.113.2");
    world.live(&[&one, &two], 3);
    let (one, two) = (one.at("203.0.113.9"), two.at("203.0.113.1"));
    assert_eq!(world.is_stable(&[&one, &two]), [1, 2]);
}

#[test]
fn a_machine_is_called_as_a_person_called_another_one() {
    let mut world = World::new();
    let one = world.machine("debian", "m1", "203.0.113.1");
    world.live(&[&one], 3);
    world.records[0].hostname = "web".to_owned();
    let two = world.machine("web", "m2", "203.0.113.2");
    assert_eq!(world.is_stable(&[&one, &two]), [1, 2]);
    assert_eq!(world.names(), ["web", "web (2)"]);
    assert!(world.is_marked(MarkKind::Conflict, 1, 2));
}

#[test]
fn a_name_with_a_number_is_no_longer_than_a_hostname() {
    let (one, other) = ("n".repeat(253), "n".repeat(252) + "m");
    let mut taken = HashSet::from([one.clone()]);
    assert_eq!(free_name(&other, &taken), other);
    taken.insert(other.clone());
    for (hostname, number) in [(&one, 2), (&other, 3), (&one, 4)] {
        let name = free_name(hostname, &taken);
        assert!(name.len() <= 253 && name.ends_with(&format!("nn ({number})")), "{name}");
        assert!(taken.insert(name));
    }
    assert_eq!(free_name("web", &HashSet::from(["web".to_owned()])), "web (2)");
}
