//! What machines of one provider have in common and others have not: a word in the hostname, a DMI string.

use std::collections::HashMap;
use std::hash::Hash;

/// So many machines make a habit; two may be chance.
const MIN_MACHINES: u32 = 3;
/// Of the machines that share something, so many must be at one provider.
const MIN_SHARE: f64 = 0.85;
/// A habit is what people do, not what is.
const TRUST: f64 = 0.92;

/// Which machines share a key, by provider.
#[derive(Debug)]
pub(super) struct Habits<K> {
    counts: HashMap<K, Vec<(usize, u32)>>,
    machines: u32,
    machines_of: HashMap<usize, u32>,
}

/// What a key says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Habit {
    pub(super) provider: usize,
    /// How many of the machines that share the key are at the provider.
    pub(super) there: u32,
    pub(super) of: u32,
    /// 0 to 1.
    pub(super) weight: f64,
}

impl<K> Default for Habits<K> {
    fn default() -> Self {
        Self { counts: HashMap::new(), machines: 0, machines_of: HashMap::new() }
    }
}

impl<K: Eq + Hash> Habits<K> {
    /// Counts a machine and its keys, each of which is named once.
    pub(super) fn learn(&mut self, provider: usize, keys: Vec<K>) {
        self.machines += 1;
        *self.machines_of.entry(provider).or_default() += 1;
        for key in keys {
            let counts = self.counts.entry(key).or_default();
            match counts.iter_mut().find(|(counted, _)| *counted == provider) {
                Some((_, count)) => *count += 1,
                None => counts.push((provider, 1)),
            }
        }
    }

    /// The strongest habit among these keys; of equals the first.
    pub(super) fn best<'k>(&self, keys: &'k [K]) -> Option<(&'k K, Habit)> {
        let mut best: Option<(&K, Habit)> = None;
        for key in keys {
            let Some(habit) = self.habit(key) else { continue };
            if best.is_none_or(|(_, earlier)| habit.weight > earlier.weight) {
                best = Some((key, habit));
            }
        }
        best
    }

    fn habit(&self, key: &K) -> Option<Habit> {
        let counts = self.counts.get(key)?;
        let of: u32 = counts.iter().map(|(_, count)| count).sum();
        let (provider, there) = counts.iter().copied().max_by_key(|(_, count)| *count)?;
        let share = f64::from(there) / f64::from(of);
        if there < MIN_MACHINES || share < MIN_SHARE {
            return None;
        }
        // Where nearly all machines are at one provider, nearly every key seems to be a habit of it.
        let everywhere = f64::from(self.machines_of.get(&provider).copied()?) / f64::from(self.machines);
        let surprise = if everywhere < 1.0 { (share - everywhere) / (1.0 - everywhere) } else { 0.0 };
        let smoothed = f64::from(there) / f64::from(of + 1);
        let weight = TRUST * smoothed * surprise.max(0.0);
        (weight > 0.0).then_some(Habit { provider, there, of, weight })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learnt(machines: &[(usize, &'static str, u32)]) -> Habits<&'static str> {
        let mut habits = Habits::default();
        for (provider, key, count) in machines {
            for _ in 0..*count {
                habits.learn(*provider, vec![*key]);
            }
        }
        habits
    }

    #[test]
    fn three_machines_make_a_habit_and_two_do_not() {
        let habits = learnt(&[(0, "hz", 2), (1, "bv", 3), (2, "x", 5)]);
        assert_eq!(habits.best(&["hz"]), None);
        let (_, habit) = habits.best(&["hz", "bv"]).unwrap();
        assert_eq!((habit.provider, habit.there, habit.of), (1, 3, 3));
    }

    #[test]
    fn a_key_that_others_share_says_little_or_nothing() {
        let pure = learnt(&[(0, "hz", 18), (1, "x", 18)]).habit(&"hz").unwrap();
        let mixed = learnt(&[(0, "hz", 18), (1, "hz", 2), (1, "x", 16)]).habit(&"hz").unwrap();
        assert!(mixed.weight < pure.weight);
        assert_eq!(learnt(&[(0, "hz", 18), (1, "hz", 6), (1, "x", 12)]).habit(&"hz"), None);
    }

    #[test]
    fn where_all_are_at_one_provider_nothing_is_a_habit() {
        assert_eq!(learnt(&[(0, "web", 50)]).habit(&"web"), None);
        assert!(learnt(&[(0, "web", 50), (1, "x", 1)]).habit(&"web").unwrap().weight < 1.0);
    }
}
