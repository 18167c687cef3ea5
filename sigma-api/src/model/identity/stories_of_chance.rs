//! Machines to which anything happens: whatever the hub believed meanwhile, in the end each has a record to itself.

use super::*;

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

const NAMES: [&str; 3] = ["debian", "web", "localhost"];
const IDS: [&str; 4] = ["m1", "m2", "m3", "m4"];

fn happens(world: &mut World, dice: &mut Dice, machines: &mut [Machine]) {
    let which = dice.roll(machines.len());
    let machine = machines[which].clone();
    machines[which] = match dice.roll(9) {
        0 | 1 => world.boot(&machine),
        2 => machine.called(NAMES[dice.roll(NAMES.len())]),
        3 => machine.at(&format!("203.0.113.{}", dice.roll(250))),
        4 => world.boot(&machine).with_id(Some(IDS[dice.roll(IDS.len())])),
        5 => Machine { booted: None, ..machine },
        6 => world.boot(&machine).with_id(None),
        7 => machine.at(""),
        _ => {
            world.wait([1, 5, 60, 10_000][dice.roll(4)]);
            machine
        }
    };
}

#[test]
fn whatever_happens_each_machine_has_a_record_to_itself_in_the_end() {
    for seed in 0..3_000 {
        let mut dice = Dice(seed);
        let mut world = World::new();
        let mut machines: Vec<Machine> = Vec::new();
        for number in 0..2 + dice.roll(4) {
            let (name, id) = (NAMES[dice.roll(NAMES.len())], IDS[dice.roll(IDS.len())]);
            machines.push(world.machine(name, id, &format!("203.0.113.{number}")));
        }
        for _ in 0..30 {
            happens(&mut world, &mut dice, &mut machines);
            let some: Vec<&Machine> = machines.iter().filter(|_| dice.roll(3) > 0).collect();
            for machine in some {
                world.beat(machine).unwrap();
            }
            world.wait(1);
        }
        let all: Vec<&Machine> = machines.iter().collect();
        let seen = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world.is_stable(&all)));
        assert!(seen.is_ok(), "with the seed {seed}");
        let mut names = world.names();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?} with the seed {seed}");
    }
}
