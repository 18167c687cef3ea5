//! Machines of two keys, one of which may be stolen.

use super::*;

fn interval(world: &mut World, record: usize, seconds: u64) {
    world.records[record - 1].interval = Some(Duration::from_secs(seconds));
}

#[test]
fn a_silent_record_of_another_key_does_not_catch_the_reboot_of_a_machine() {
    for has_id in [true, false] {
        let mut world = World::new();
        let one = world.machine("web", "m1", "203.0.113.1");
        let one = if has_id { one } else { one.with_id(None) };
        world.live(&[&one], 3);
        let decoy = Machine { boot: Some("decoy".into()), booted: Some(0), ..one.with_key(THIEF) };
        assert_eq!(world.register(&decoy), Ok(2));
        interval(&mut world, 2, 86_400);
        world.live(&[&one], 3);
        let one = world.boot(&one);
        assert_eq!(world.tell(&one, false), Ok(1));
        assert_eq!(world.is_stable(&[&one]), [1]);
    }
}

#[test]
fn a_record_does_not_move_to_another_key_by_a_heartbeat_or_with_less_evidence() {
    let mut world = World::new();
    let one = world.machine("web", "m1", "203.0.113.1");
    world.live(&[&one], 3);
    world.wait(60);
    let thief = one.with_key(THIEF);
    for (poor, is_registration) in
        [(thief.bare(), false), (thief.bare(), true), (thief.with_id(None), true), (thief.clone(), false)]
    {
        assert_eq!(world.tell(&poor, is_registration), Err(Decision::Refused(id(1))));
    }
    assert_eq!(world.is_stable(&[&one]), [1]);
}

#[test]
fn the_key_before_takes_its_record_back() {
    let mut world = World::new();
    let one = world.machine("web", "m1", "203.0.113.1");
    world.live(&[&one], 3);
    world.wait(60);
    let thief = world.boot(&one.with_key(THIEF)).at("198.51.100.66");
    assert_eq!(world.register(&thief), Ok(1), "it may be the machine with a new key");
    world.live(&[&thief], 3);
    let rebooted = world.boot(&one);
    world.live(&[&thief], 1);
    assert_eq!(world.tell(&rebooted, false), Ok(1), "and comes back after a reboot");
    assert_eq!(world.tell(&thief, false), Err(Decision::Refused(id(1))));
    assert_eq!(world.is_stable(&[&rebooted]), [1]);
    assert!(world.records[0].keys.are_of(OWNER));
}

#[test]
fn a_living_record_without_a_key_goes_to_whoever_has_its_face() {
    let mut world = World::new();
    let one = world.machine("web", "m1", "203.0.113.1");
    world.live(&[&one.with_key(Speaker::Anyone)], 3);
    let thief = one.with_key(THIEF);
    for poor in [thief.bare(), world.boot(&thief)] {
        assert_eq!(world.tell(&poor, false), Err(Decision::Refused(id(1))));
        assert_eq!(world.register(&poor), Err(Decision::Refused(id(1))));
    }
    world.wait(-1);
    assert_eq!(world.tell(&one, false), Ok(1));
    assert!(world.records[0].keys.are_of(OWNER));
}

#[test]
fn a_living_record_without_key_and_evidence_goes_to_whoever_has_its_address() {
    let mut world = World::new();
    let one = world.machine("web", "m1", "203.0.113.1").bare();
    world.live(&[&one.with_key(Speaker::Anyone)], 3);
    let thief = one.with_key(THIEF).at("198.51.100.66");
    assert_eq!(world.tell(&thief, false), Err(Decision::Refused(id(1))));
    assert_eq!(world.register(&thief), Err(Decision::Refused(id(1))));
    assert_eq!(world.tell(&one, false), Ok(1));
    assert!(world.records[0].keys.are_of(OWNER));
}

#[test]
fn a_name_that_another_key_took_keeps_no_machine_out() {
    for minutes in [0, 60] {
        let mut world = World::new();
        let one = world.machine("new", "m1", "203.0.113.1");
        assert_eq!(world.register(&one.bare().at("").with_key(THIEF)), Ok(1));
        world.wait(minutes);
        assert_eq!(world.is_stable(&[&one]), [2]);
        assert!(world.is_marked(MarkKind::Conflict, 1, 2));
    }
}

#[test]
fn after_a_start_nobody_is_silent_yet() {
    let mut world = World::new();
    let one = world.machine("web", "m1", "203.0.113.1");
    world.live(&[&one], 3);
    world.wait(60);
    world.since = world.now;
    let two = world.machine("web", "m2", "203.0.113.2");
    assert_eq!(world.is_stable(&[&two, &one]), [2, 1]);
}

#[test]
fn a_record_without_evidence_is_not_adopted_from_elsewhere() {
    let mut world = World::new();
    let one = world.machine("web", "m1", "203.0.113.1").bare();
    world.live(&[&one], 3);
    world.wait(60);
    let two = world.machine("web", "m2", "198.51.100.9");
    assert_eq!(world.is_stable(&[&two, &one]), [2, 1]);
}

#[test]
fn a_clone_that_was_deleted_does_not_keep_others_out() {
    let mut world = World::new();
    let one = world.machine("tmpl", "m1", "203.0.113.1");
    let two = world.boot(&one).at("203.0.113.2");
    world.live(&[&one, &two], 3);
    world.delete(2);
    let three = world.boot(&one).at("203.0.113.3");
    assert_eq!(world.is_stable(&[&three, &one]), [3, 1]);
    assert!(!world.decisions.contains(&Decision::Rebooted(id(1))), "nor has it the record of a living one");
    assert_eq!(world.register(&two), Err(Decision::Gone(id(2))));
}

#[test]
fn a_record_that_never_had_an_agent_buries_nobody() {
    for is_bare in [true, false] {
        let mut world = World::new();
        let one = world.machine("oops", "m1", "203.0.113.1");
        let one = if is_bare { one.bare() } else { one };
        world.add(&one);
        world.records[0].current = None;
        world.delete(1);
        assert_eq!(world.register(&one), Ok(2));
    }
}

/// A new boot id is no evidence that a stranger could not make up, so it takes until the former one fell silent.
#[test]
fn a_machine_without_a_key_that_reboots_and_has_one_waits_for_its_own_silence() {
    let mut world = World::new();
    let one = world.machine("web", "m1", "203.0.113.1");
    world.live(&[&one.with_key(Speaker::Anyone)], 3);
    let rebooted = world.boot(&one);
    for _ in 0..3 {
        assert_eq!(world.beat(&rebooted), Err(Decision::Refused(id(1))));
        assert_eq!(world.register(&rebooted), Err(Decision::Refused(id(1))));
        world.now += 10_000;
    }
    world.wait(1);
    assert_eq!(world.tell(&rebooted, false), Err(Decision::Refused(id(1))), "it is told to register");
    assert_eq!(world.register(&rebooted), Ok(1), "140 s after it was heard");
    assert_eq!(world.is_stable(&[&rebooted]), [1]);
    assert!(world.records[0].keys.are_of(OWNER));
}
