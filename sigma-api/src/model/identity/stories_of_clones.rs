//! Machines of one machine id: made from one template, or containers of one host.

use super::*;

#[test]
fn two_clones_of_one_name() {
    let mut world = World::new();
    let one = world.machine("debian", "m1", "203.0.113.1");
    let two = world.boot(&one).at("203.0.113.2");
    world.live(&[&one], 3);
    assert_eq!(world.register(&two), Ok(2), "the first was heard after the second had booted");
    assert_eq!(world.is_stable(&[&two, &one]), [2, 1]);
    assert_eq!(world.names(), ["debian", "debian (2)"]);
    assert!(world.is_marked(MarkKind::Clone, 1, 2));
}

#[test]
fn a_clone_that_looks_like_a_reboot_at_first() {
    let mut world = World::new();
    let one = world.machine("debian", "m1", "203.0.113.1");
    world.live(&[&one], 3);
    let two = world.boot(&one).at("203.0.113.2");
    assert_eq!(world.register(&two), Ok(1));
    assert_eq!(world.last(), &Decision::Rebooted(id(1)));
    assert_eq!(world.beat(&one), Ok(1));
    assert_eq!(world.last(), &Decision::Returned(id(1)));
    assert_eq!(world.is_stable(&[&two, &one]), [2, 1]);
    assert!(world.is_marked(MarkKind::Clone, 1, 2));
}

#[test]
fn turns_of_two_end_with_two_stable_records() {
    for (second_id, kind) in [("m1", MarkKind::Clone), ("m2", MarkKind::Conflict)] {
        let mut world = World::new();
        let one = Machine { booted: None, ..world.machine("debian", "m1", "") };
        let two = Machine { booted: None, ..world.machine("debian", second_id, "") };
        let turns: Vec<Told> = (0..3).flat_map(|_| [world.beat(&one), world.beat(&two)]).collect();
        assert_eq!(turns[2..], [Ok(1), Ok(2), Ok(1), Ok(2)], "{second_id}");
        assert_eq!(world.is_stable(&[&one, &two]), [1, 2]);
        assert!(world.is_marked(kind, 1, 2));
        assert_eq!(world.records.len(), 2);
    }
}

#[test]
fn clones_of_one_name_reboot_together() {
    let mut world = World::new();
    let one = world.machine("debian", "m1", "203.0.113.1");
    let two = world.boot(&one).at("203.0.113.2");
    let three = world.boot(&one).at("203.0.113.3");
    world.live(&[&one, &two, &three], 5);
    world.wait(30);
    let (three, one, two) = (world.boot(&three), world.boot(&one), world.boot(&two));
    let records: Vec<u128> = world.is_stable(&[&one, &two, &three]);
    assert_eq!(records, [1, 2, 3], "their addresses tell them apart");
}

#[test]
fn one_of_two_clones_reboots() {
    let mut world = World::new();
    let one = world.machine("debian", "m1", "");
    world.live(&[&one], 3);
    let two = world.boot(&one);
    world.live(&[&one, &two], 5);
    world.wait(30);
    world.live(&[&two], 2);
    let one = world.boot(&one);
    world.live(&[&two], 1);
    assert_eq!(world.is_stable(&[&one, &two]), [1, 2], "the other was heard since");
}

#[test]
fn a_third_clone_does_not_take_the_record_of_a_silent_one() {
    let mut world = World::new();
    let one = world.machine("debian", "m1", "203.0.113.1");
    let two = world.boot(&one).at("203.0.113.2");
    world.live(&[&one, &two], 5);
    world.live(&[&one], 30);
    let three = world.boot(&one).at("203.0.113.3");
    assert_eq!(world.register(&three), Ok(3));
    let two = world.boot(&two);
    assert_eq!(world.is_stable(&[&one, &two, &three]), [1, 2, 3]);
}

#[test]
fn clones_of_two_names() {
    let mut world = World::new();
    let one = world.machine("web-1", "m1", "203.0.113.1");
    world.live(&[&one], 3);
    let two = world.boot(&one).called("web-2").at("203.0.113.2");
    assert_eq!(world.is_stable(&[&two, &one]), [2, 1]);
    assert_eq!(world.names(), ["web-1", "web-2"]);
    assert!(world.is_marked(MarkKind::Clone, 1, 2));
}

#[test]
fn a_template_that_is_off_keeps_its_record() {
    let mut world = World::new();
    let template = world.machine("template", "m1", "203.0.113.1");
    world.live(&[&template], 3);
    world.wait(7 * 24 * 60);
    let one = world.boot(&template).called("web-1").at("203.0.113.2");
    let two = world.boot(&template).called("web-2").at("203.0.113.3");
    assert_eq!(world.is_stable(&[&one, &two]), [2, 3]);
    assert_eq!(world.names(), ["template", "web-1", "web-2"]);
}

#[test]
fn a_clone_of_another_name_is_none_that_was_renamed_if_the_first_was_heard_since() {
    let mut world = World::new();
    let one = world.machine("web-1", "m1", "");
    let two = world.boot(&one).called("web-2");
    world.live(&[&one], 3);
    assert_eq!(world.register(&two), Ok(2));
}

#[test]
fn clones_of_two_names_that_say_no_addresses() {
    let mut world = World::new();
    let one = world.machine("web-1", "m1", "");
    world.live(&[&one], 3);
    let two = world.boot(&one).called("web-2");
    let told = world.live(&[&two, &one], 5);
    assert_eq!(told, [Ok(2), Ok(1)]);
    assert_eq!(world.is_stable(&[&two, &one]), [2, 1]);
    assert_eq!(world.names(), ["web-1", "web-2"]);
}

#[test]
fn containers_of_one_host_share_its_boot_and_a_cloned_id() {
    let mut world = World::new();
    let one = world.machine("ct-1", "m1", "203.0.113.7 10.0.3.1");
    let two = one.called("ct-2").at("203.0.113.7 10.0.3.2");
    assert_eq!(world.is_stable(&[&one, &two]), [1, 2], "one NAT does not make them one");
    assert!(world.is_marked(MarkKind::Clone, 1, 2));
    world.wait(30);
    let one = world.boot(&one);
    let two = Machine { boot: one.boot.clone(), booted: one.booted, ..two };
    assert_eq!(world.is_stable(&[&one, &two]), [1, 2]);
}

#[test]
fn a_container_that_is_silent_does_not_lose_its_record_to_its_twin_for_good() {
    let mut world = World::new();
    let one = world.machine("ct-1", "m1", "10.0.3.1");
    world.live(&[&one], 3);
    world.wait(30);
    let two = one.called("ct-2").at("10.0.3.2");
    world.live(&[&two], 3);
    assert_eq!(world.is_stable(&[&one, &two]), [1, 2]);
}

#[test]
fn merged_then_split_again_because_both_live() {
    let mut world = World::new();
    let one = world.machine("debian", "m1", "203.0.113.1");
    let two = world.machine("debian", "m2", "203.0.113.2");
    world.live(&[&one, &two], 3);
    // A person says that they are one: the second's faces go to the first, which is what was heard last.
    let merged = world.records.pop().unwrap();
    let former = world.records[0].current.replace(merged.current.unwrap());
    world.records[0].former.extend(former);
    world.marks.clear();
    assert_eq!(world.is_stable(&[&one, &two]), [1, 2], "they go on as two");
    assert!(world.is_marked(MarkKind::Conflict, 1, 2));
}

#[test]
fn merged_with_a_record_that_was_made_by_mistake() {
    let mut world = World::new();
    let one = world.machine("debian", "m1", "203.0.113.1");
    let two = world.boot(&one).called("web").at("203.0.113.2");
    world.live(&[&one], 3);
    world.live(&[&two], 3);
    let merged = world.records.pop().unwrap();
    let former = world.records[0].current.replace(merged.current.unwrap());
    world.records[0].former.extend(former);
    assert_eq!(world.is_stable(&[&two]), [1]);
}

#[test]
fn a_clone_without_addresses_that_ran_beside_a_deleted_one_is_not_deleted() {
    for with_living in [true, false] {
        let mut world = World::new();
        let one = world.machine("tmpl", "m1", "");
        let three = world.boot(&one);
        let two = world.boot(&one);
        let living: &[&Machine] = if with_living { &[&one, &two] } else { &[&two] };
        let deleted = world.live(living, 3).pop().unwrap().unwrap();
        world.delete(deleted);
        assert_eq!(world.register(&two), Err(Decision::Gone(id(deleted))));
        let rebooted = world.boot(&two);
        if !with_living {
            let gone = Err(Decision::Gone(id(deleted)));
            assert_eq!(world.register(&rebooted), gone, "what booted since may be the deleted one");
        }
        assert_eq!(world.register(&three), Ok(deleted + 1));
        assert_eq!(world.register(&two), Err(Decision::Gone(id(deleted))));
    }
}
