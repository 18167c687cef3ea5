//! How often somebody may guess. In memory: a restart forgives, which no stranger can cause.
//!
//! Guesses of strangers take from a bucket of their address and from one of the account. A browser that signed in to the
//! account before has a bucket of its own, so that strangers cannot keep the owner out; so has each session, for what is
//! typed in it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::model::key::KeyHash;

/// Buckets that are remembered; each takes about a hundred bytes.
const MOST: usize = 50_000;

/// Whose guesses are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Bucket {
    /// Strangers of a network that one person has.
    Address(IpAddr),
    /// Strangers that guess the password of one e-mail, whether it has an account or not.
    Email(KeyHash),
    /// A browser that signed in before.
    Device(KeyHash),
    /// Codes by strangers for an account whose password they know.
    Codes(Uuid),
    /// What a person who signed in types once more.
    Session(Uuid),
}

impl Bucket {
    /// How many guesses are free, and after which time there is one more.
    const fn rate(self) -> (f64, Duration) {
        match self {
            Self::Address(_) | Self::Device(_) => (10.0, Duration::from_secs(20)),
            // Many strangers together; each is held by the bucket of its address first.
            Self::Email(_) => (50.0, Duration::from_secs(10)),
            // Three codes of a million are right at any time.
            Self::Codes(_) => (10.0, Duration::from_secs(300)),
            Self::Session(_) => (10.0, Duration::from_secs(60)),
        }
    }
}

/// Counts guesses.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    levels: Mutex<HashMap<Bucket, Level>>,
}

#[derive(Debug, Clone, Copy)]
struct Level {
    free: f64,
    at: Instant,
    /// Whether it was said that it is empty; until it is half full again.
    is_said: bool,
}

/// Why a guess was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused {
    /// After how many seconds it may be tried again.
    pub(crate) seconds: u64,
    /// The bucket, if it is refused for the first time in a while.
    pub(crate) begins: Option<Bucket>,
}

impl Throttle {
    /// Takes a guess from each of `buckets`, before it is known whether it is right: guesses at once count as well.
    ///
    /// # Errors
    /// When one of them is empty; then none was taken.
    pub(crate) fn take(&self, now: Instant, buckets: &[Bucket]) -> Result<(), Refused> {
        let mut levels = self.levels();
        for bucket in buckets {
            let free = levels.get(bucket).map_or(bucket.rate().0, |level| level.now(*bucket, now));
            if free < 1.0 {
                let wait = bucket.rate().1.mul_f64(1.0 - free);
                let level = levels.get_mut(bucket).filter(|level| !level.is_said);
                let begins = level.map(|level| {
                    level.is_said = true;
                    *bucket
                });
                return Err(Refused { seconds: wait.as_secs().saturating_add(1), begins });
            }
        }
        for bucket in buckets {
            change(&mut levels, now, *bucket, -1.0);
        }
        make_room(&mut levels, now);
        Ok(())
    }

    /// Gives back what was taken for a guess that was right, or that was never judged.
    pub(crate) fn give_back(&self, now: Instant, buckets: &[Bucket]) {
        let mut levels = self.levels();
        for bucket in buckets {
            change(&mut levels, now, *bucket, 1.0);
        }
    }

    fn levels(&self) -> MutexGuard<'_, HashMap<Bucket, Level>> {
        self.levels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Level {
    fn now(self, bucket: Bucket, now: Instant) -> f64 {
        let (most, one_more) = bucket.rate();
        let gained = now.saturating_duration_since(self.at).as_secs_f64() / one_more.as_secs_f64();
        most.min(self.free + gained)
    }
}

fn change(levels: &mut HashMap<Bucket, Level>, now: Instant, bucket: Bucket, by: f64) {
    let (most, _) = bucket.rate();
    let before = levels.get(&bucket).copied();
    let free = most.min(before.map_or(most, |level| level.now(bucket, now)) + by);
    let is_said = free < most / 2.0 && before.is_some_and(|level| level.is_said);
    levels.insert(bucket, Level { free, at: now, is_said });
}

/// Forgets those who may guess again anyway; if that is not enough, those who have guessed least.
fn make_room(levels: &mut HashMap<Bucket, Level>, now: Instant) {
    if levels.len() <= MOST {
        return;
    }
    levels.retain(|bucket, level| level.now(*bucket, now) < bucket.rate().0);
    if levels.len() > MOST / 10 * 9 {
        let mut used: Vec<(f64, Bucket)> = levels
            .iter()
            .map(|(bucket, level)| (bucket.rate().0 - level.now(*bucket, now), *bucket))
            .collect();
        used.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (_, bucket) in used.iter().take(levels.len() - MOST / 10 * 9) {
            levels.remove(bucket);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u32) -> Bucket {
        Bucket::Address(IpAddr::V4(last.into()))
    }

    #[test]
    fn guesses_run_out_and_come_back() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..10 {
            assert_eq!(throttle.take(now, &[address(1)]), Ok(()));
        }
        let refused = |begins| Err(Refused { seconds: 21, begins });
        assert_eq!(throttle.take(now, &[address(1)]), refused(Some(address(1))));
        assert_eq!(throttle.take(now, &[address(1)]), refused(None), "said once");
        assert_eq!(throttle.take(now, &[address(2)]), Ok(()), "another address is free");
        let later = now + Duration::from_secs(20);
        assert_eq!(throttle.take(later, &[address(1)]), Ok(()));
        assert_eq!(throttle.take(later, &[address(1)]), refused(None), "it goes on");
        let much_later = now + Duration::from_secs(1000);
        while throttle.take(much_later, &[address(1)]).is_ok() {}
        let begun = throttle.levels().get(&address(1)).is_some_and(|level| level.is_said);
        assert!(begun, "another time it is said again");
    }

    #[test]
    fn a_right_guess_costs_nothing() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..100 {
            assert_eq!(throttle.take(now, &[address(1)]), Ok(()));
            throttle.give_back(now, &[address(1)]);
        }
    }

    #[test]
    fn one_address_cannot_use_up_an_account() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        let email = Bucket::Email(KeyHash::of("ops@example.org"));
        let guessed = (0..100_000)
            .filter(|tenth| {
                let now = start + Duration::from_millis(100 * tenth);
                throttle.take(now, &[address(1), email]).is_ok()
            })
            .count();
        assert!((500..520).contains(&guessed), "{guessed} guesses in 10,000 s");
        let now = start + Duration::from_secs(10_000);
        assert_eq!(throttle.take(now, &[address(2), email]), Ok(()));
    }

    #[test]
    fn memory_is_bounded_and_who_guesses_most_is_remembered() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        while throttle.take(now, &[address(0)]).is_ok() {}
        for stranger in 1..=200_000 {
            let _ = throttle.take(now, &[address(stranger)]);
        }
        assert!(throttle.levels().len() <= MOST);
        assert!(throttle.take(now, &[address(0)]).is_err());
    }
}
