//! One machine, and what happens to it.

use super::*;

#[test]
fn a_machine_that_beats_stays_what_it_is() {
    let mut world = World::new();
    let one = world.machine("web", "m1", "203.0.113.1");
    assert_eq!(world.tell(&one, false), Err(Decision::Unknown), "a heartbeat makes no record");
    assert_eq!(world.register(&one), Ok(1));
    assert_eq!(world.is_stable(&[&one]), [1]);
}

#[test]
fn reboot() {
    let mut world = World::new();
    let one = world.machine("web", "m1", "203.0.113.1");
    world.live(&[&one], 3);
    world.wait(60);
    let one = world.boot(&one);
    assert_eq!(world.register(&one), Ok(1));
    assert_eq!(world.last(), &Decision::Rebooted(id(1)));
    assert_eq!(world.is_stable(&[&one]), [1]);
}

#[test]
fn a_quick_reboot_between_two_beats() {
    let mut world = World::new();
    let one = world.machine("web", "m1", "203.0.113.1");
    world.live(&[&one], 3);
    let one = world.boot(&one);
    assert_eq!(world.register(&one), Ok(1));
    assert_eq!(world.last(), &Decision::Rebooted(id(1)));
}

#[test]
fn a_reboot_that_a_heartbeat_tells() {
    let mut world = World::new();
    let one = world.machine("web", "m1", "203.0.113.1");
    world.live(&[&one], 3);
    let one = world.boot(&one);
    assert_eq!(world.tell(&one, false), Ok(1));
}

#[test]
fn a_reboot_of_a_machine_that_does_not_say_its_uptime() {
    let mut world = World::new();
    let one = world.machine("web", "m1", "203.0.113.1");
    world.live(&[&one], 3);
    let one = Machine { booted: None, ..world.boot(&one) };
    assert_eq!(world.register(&one), Ok(1));
    assert_eq!(world.is_stable(&[&one]), [1]);
}

#[test]
fn a_hundred_reboots_keep_one_record_and_sixteen_former_faces() {
    let mut world = World::new();
    let mut one = world.machine("web", "m1", "203.0.113.1");
    for _ in 0..100 {
        world.live(&[&one], 2);
        one = world.boot(&one);
    }
    assert_eq!(world.is_stable(&[&one]), [1]);
    assert_eq!(world.records[0].former.len(), FORMER);
}

#[test]
fn reboot_with_a_new_address() {
    let mut world = World::new();
    let one = world.machine("web", "m1", "203.0.113.1");
    world.live(&[&one], 3);
    let one = world.boot(&one).at("198.51.100.9");
    assert_eq!(world.register(&one), Ok(1));
    assert_eq!(world.is_stable(&[&one]), [1]);
}

#[test]
fn a_new_address_in_the_same_boot() {
    let mut world = World::new();
    let one = world.machine("web", "m1", "203.0.113.1");
    world.live(&[&one], 3);
    assert_eq!(world.is_stable(&[&one.at("198.51.100.9")]), [1]);
}

#[test]
fn the_hub_s_clock_is_set_back_and_the_machine_reboots() {
    let mut world = World::new();
    let one = world.machine("web", "m1", "203.0.113.1");
    world.live(&[&one], 3);
    world.wait(-60);
    let one = world.boot(&one);
    assert_eq!(world.register(&one), Ok(1));
}

#[test]
fn the_hub_s_clock_is_set_forward_and_the_machine_reboots() {
    let mut world = World::new();
    let one = world.machine("web", "m1", "203.0.113.1");
    world.live(&[&one], 3);
    world.wait(60);
    assert_eq!(world.live(&[&one], 1), [Ok(1)]);
    let one = world.boot(&one);
    assert_eq!(world.register(&one), Ok(1));
}

#[test]
fn reinstallation() {
    let mut world = World::new();
    let one = world.machine("web", "m1", "203.0.113.1");
    world.live(&[&one], 3);
    world.wait(10);
    let anew = world.boot(&one).with_id(Some("m2"));
    assert_eq!(world.tell(&anew, false), Err(Decision::Unknown), "a heartbeat gives no record to another");
    assert_eq!(world.register(&anew), Ok(1));
    assert_eq!(world.last(), &Decision::Reinstalled(id(1)));
    assert_eq!(world.is_stable(&[&anew]), [1]);
    assert_eq!(world.names(), ["web"]);
}

#[test]
fn a_reinstallation_at_another_address() {
    let mut world = World::new();
    let one = world.machine("web", "m1", "203.0.113.1");
    world.live(&[&one], 3);
    world.wait(10);
    let anew = world.boot(&one).with_id(Some("m2")).at("198.51.100.9");
    assert_eq!(world.register(&anew), Ok(1));
}

#[test]
fn a_machine_that_is_brought_back_to_an_image_from_before_it_was_reinstalled() {
    let mut world = World::new();
    let one = world.machine("web", "m1", "203.0.113.1");
    world.live(&[&one], 3);
    world.wait(10);
    let anew = world.boot(&one).with_id(Some("m2"));
    world.live(&[&anew], 3);
    world.wait(10);
    let back = world.boot(&one);
    assert_eq!(world.register(&back), Ok(1));
    assert_eq!(world.is_stable(&[&back]), [1]);
}

#[test]
fn the_hub_is_restored_from_a_backup() {
    let mut world = World::new();
    let one = world.machine("web", "m1", "203.0.113.1");
    let two = world.machine("db", "m2", "203.0.113.2");
    world.live(&[&one, &two], 3);
    let backup = world.records.clone();
    world.wait(24 * 60);
    let one = world.boot(&one);
    let two = world.boot(&two).with_id(Some("m2 anew"));
    let three = world.machine("new", "m3", "203.0.113.3");
    world.live(&[&one, &two, &three], 3);
    world.records = backup;
    assert_eq!(world.is_stable(&[&one, &two, &three]), [1, 2, 3]);
}

#[test]
fn an_agent_without_evidence() {
    let mut world = World::new();
    let one = world.machine("web", "m1", "203.0.113.1").bare();
    assert_eq!(world.is_stable(&[&one]), [1]);
    let one = world.boot(&one).bare().at("198.51.100.9");
    assert_eq!(world.register(&one), Ok(1), "by hostname alone, as of old");
}

#[test]
fn an_agent_that_is_brought_up_to_date_and_sends_evidence() {
    let mut world = World::new();
    let one = world.machine("web", "m1", "203.0.113.1");
    world.live(&[&one.bare()], 3);
    assert_eq!(world.register(&one), Ok(1));
    assert_eq!(world.last(), &Decision::Adopted(id(1)));
    assert_eq!(world.is_stable(&[&one]), [1]);
}

#[test]
fn an_agent_that_is_brought_back_to_an_older_one() {
    let mut world = World::new();
    let one = world.machine("web", "m1", "203.0.113.1");
    world.live(&[&one], 3);
    assert_eq!(world.register(&one.bare()), Ok(1));
    assert_eq!(world.is_stable(&[&one.bare()]), [1]);
    assert_eq!(world.beat(&one), Ok(1), "what was known stays known");
}

#[test]
fn evidence_that_could_not_be_read_once() {
    let mut world = World::new();
    let one = world.machine("web", "m1", "203.0.113.1");
    world.live(&[&one], 3);
    for poor in [one.bare(), one.with_id(None), Machine { boot: None, ..one.clone() }] {
        assert_eq!(world.tell(&poor, false), Ok(1));
        assert_eq!(world.tell(&one, false), Ok(1));
        assert_eq!(world.last(), &Decision::Same(id(1)));
        assert_eq!(world.records[0].current.as_ref().unwrap().face, one.face());
    }
}

#[test]
fn a_machine_id_that_cannot_be_read_after_a_reboot() {
    let mut world = World::new();
    let one = world.machine("web", "m1", "203.0.113.1");
    world.live(&[&one], 3);
    let one = world.boot(&one);
    assert_eq!(world.register(&one.with_id(None)), Ok(1));
    assert_eq!(world.is_stable(&[&one]), [1]);
}

#[test]
fn a_machine_without_machine_id_reboots() {
    let mut world = World::new();
    let one = world.machine("alpine", "", "203.0.113.1").with_id(None);
    world.live(&[&one], 3);
    let one = world.boot(&one);
    assert_eq!(world.register(&one), Ok(1));
    assert_eq!(world.is_stable(&[&one]), [1]);
}

#[test]
fn a_record_that_a_person_made_gets_its_machine() {
    let mut world = World::new();
    let one = world.machine("web", "m1", "203.0.113.1");
    world.add(&one);
    world.records[0].current = None;
    world.records[0].last_seen = None;
    assert_eq!(world.register(&one), Ok(1));
    assert_eq!(world.last(), &Decision::Adopted(id(1)));
}

#[test]
fn deleted_and_reporting() {
    let mut world = World::new();
    let one = world.machine("web", "m1", "203.0.113.1");
    world.live(&[&one], 3);
    world.delete(1);
    assert_eq!(world.tell(&one, false), Err(Decision::Gone(id(1))));
    assert_eq!(world.register(&one), Err(Decision::Gone(id(1))));
    let one = world.boot(&one);
    assert_eq!(world.register(&one), Err(Decision::Gone(id(1))), "after a reboot too");
    assert_eq!(world.register(&one.called("www")), Err(Decision::Gone(id(1))), "and under another name");
    world.records[0].deleted = false;
    assert_eq!(world.is_stable(&[&one]), [1], "restored");
}

#[test]
fn deleted_without_evidence() {
    let mut world = World::new();
    let one = world.machine("web", "m1", "203.0.113.1");
    world.live(&[&one.bare()], 3);
    world.delete(1);
    assert_eq!(world.tell(&one.bare(), false), Err(Decision::Gone(id(1))));
    assert_eq!(world.register(&one.bare()), Err(Decision::Gone(id(1))));
    assert_eq!(
        world.register(&one),
        Err(Decision::Gone(id(1))),
        "the name decides where evidence is missing"
    );
}

#[test]
fn deleted_and_replaced() {
    let mut world = World::new();
    let one = world.machine("web", "m1", "203.0.113.1");
    world.live(&[&one], 3);
    world.delete(1);
    let two = world.machine("web", "m2", "203.0.113.2");
    assert_eq!(world.register(&two), Ok(2));
    assert_eq!(world.register(&one), Err(Decision::Gone(id(1))), "the deleted machine stays refused");
    assert_eq!(world.names(), ["web"]);
    assert!(world.marks.is_empty());
}

#[test]
fn a_deleted_machine_does_not_take_the_record_of_its_successor() {
    let mut world = World::new();
    let one = world.machine("web", "m1", "203.0.113.1");
    world.live(&[&one], 3);
    world.delete(1);
    let two = world.machine("web", "m2", "203.0.113.2");
    world.live(&[&two], 3);
    world.wait(60);
    let one = world.boot(&one).at("203.0.113.2");
    assert_eq!(world.register(&one), Err(Decision::Gone(id(1))));
}

#[test]
fn a_deleted_clone_does_not_take_the_record_of_a_silent_one() {
    let mut world = World::new();
    let one = world.machine("debian", "m1", "");
    let two = world.boot(&one);
    world.live(&[&one, &two], 5);
    world.delete(2);
    let two = Machine { booted: None, ..two };
    assert_eq!(world.register(&two), Err(Decision::Gone(id(2))));
}

#[test]
fn a_template_that_was_deleted_has_clones_that_were_not() {
    let mut world = World::new();
    let template = world.machine("template", "m1", "203.0.113.1");
    world.live(&[&template], 3);
    world.delete(1);
    let clone = world.boot(&template).called("web").at("203.0.113.2");
    assert_eq!(world.register(&clone), Ok(2));
    assert_eq!(world.register(&template), Err(Decision::Gone(id(1))));
}

#[test]
fn a_clone_that_was_deleted_reboots() {
    let mut world = World::new();
    let one = world.machine("debian", "m1", "203.0.113.1");
    let two = world.boot(&one).at("203.0.113.2");
    world.live(&[&one, &two], 5);
    assert_eq!(world.names(), ["debian", "debian (2)"]);
    world.delete(2);
    let two = world.boot(&two);
    assert_eq!(world.register(&two), Err(Decision::Gone(id(2))));
    world.live(&[&one], 2);
    let one = world.boot(&one);
    assert_eq!(world.register(&one), Ok(1));
}
