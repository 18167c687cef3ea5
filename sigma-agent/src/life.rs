//! The agent's life: unregistered, registered, heartbeating; and when the next message is due. The hub's answers move
//! it; it does no I/O and takes the time and the chance as arguments.

use std::time::{Duration, Instant};

use crate::models::Outcome;

/// Waits after failures double from here …
const BACKOFF_MIN: Duration = Duration::from_secs(2);
/// … to here. Half of each wait is left to chance ("equal jitter"), so that a fleet does not come back in one second.
const BACKOFF_MAX: Duration = Duration::from_secs(60);
/// A hub that refuses us is asked again this seldom: a person must act first.
pub const REFUSED_PAUSE: Duration = Duration::from_secs(5 * 60);
/// What a hub may ask for with `Retry-After`.
const RETRY_AFTER_MIN: Duration = Duration::from_secs(1);
const RETRY_AFTER_MAX: Duration = Duration::from_secs(15 * 60);

/// Where the agent stands with its hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The hub has not acknowledged a registration, or has forgotten it.
    Unregistered,
    /// Registered; the first heartbeat is to come.
    Registered,
    /// A heartbeat was acknowledged.
    Heartbeating,
}

/// Why the next message waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// For its place in the period.
    Steady,
    /// For the hub to be reachable again, after so many failures in a row.
    Backoff(u32),
    /// For a person to mend the key or restore the machine.
    Refused,
    /// Because the hub asked for it.
    Overloaded,
}

/// State, pace and the time of the next message.
#[derive(Debug)]
pub struct Life {
    interval: Duration,
    state: State,
    pace: Pace,
    due: Instant,
    /// The period of heartbeats: this moment and every interval from there. Chosen once by chance.
    beat_at: Option<Instant>,
}

impl Life {
    /// Just started: the first registration is due now.
    #[must_use]
    pub fn new(interval: Duration, now: Instant) -> Self {
        Self { interval, state: State::Unregistered, pace: Pace::Steady, due: now, beat_at: None }
    }

    /// Where the agent stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// Why the next message waits.
    #[must_use]
    pub fn pace(&self) -> Pace {
        self.pace
    }

    /// When the next message is due.
    #[must_use]
    pub fn due(&self) -> Instant {
        self.due
    }

    /// The next message must be a registration, at once unless the hub is in trouble: the machine has another name, or
    /// an address to tell.
    pub fn register_now(&mut self, now: Instant) {
        self.state = State::Unregistered;
        if self.pace == Pace::Steady {
            self.due = now;
        }
    }

    /// There is reason to believe that what was refused is accepted now.
    pub fn retry_now(&mut self, now: Instant) {
        self.due = now;
    }

    /// Takes what came of the message that was due. `chance` is asked, when something is left to it, for a number evenly
    /// spread over 0 to 1.
    pub fn after(&mut self, outcome: &Outcome, now: Instant, chance: impl FnOnce() -> f64) {
        let was_heartbeat = self.state != State::Unregistered;
        match outcome {
            Outcome::Acknowledged(_) => {
                self.state = if was_heartbeat { State::Heartbeating } else { State::Registered };
                self.pace = Pace::Steady;
                self.due = self.next_beat(now, chance);
            }
            Outcome::Unknown(_) if was_heartbeat => {
                self.state = State::Unregistered;
                self.due = now;
            }
            Outcome::Rejected(..) => {
                self.pace = Pace::Steady;
                self.due = self.next_beat(now, chance);
            }
            Outcome::Refused(..) => {
                self.pace = Pace::Refused;
                self.due = now + REFUSED_PAUSE;
            }
            // With something to say and no time to say it at, "overloaded" is one more way to be unreachable.
            Outcome::Overloaded(_, retry_after) if was_heartbeat || retry_after.is_some() => {
                let asked = retry_after.unwrap_or(RETRY_AFTER_MIN);
                self.due = now + self.overload_wait(asked, now, chance);
                self.pace = Pace::Overloaded;
            }
            // A proxy answers 404 to a registration while its hub starts.
            Outcome::Unknown(_) | Outcome::Overloaded(..) | Outcome::Unreachable(_) => {
                let failures = match self.pace {
                    Pace::Backoff(failures) => failures.saturating_add(1),
                    _ => 1,
                };
                self.pace = Pace::Backoff(failures);
                self.due = now + backoff(failures, chance());
            }
        }
    }

    /// The next moment of the period. Those that passed meanwhile are left out, not made up for.
    fn next_beat(&mut self, now: Instant, chance: impl FnOnce() -> f64) -> Instant {
        let interval = self.interval;
        let mut beat = *self.beat_at.get_or_insert_with(|| now + interval.mul_f64(chance()));
        if beat <= now {
            let late = now.duration_since(beat).as_nanos();
            let passed = u32::try_from(late / interval.as_nanos().max(1)).unwrap_or(u32::MAX);
            beat += interval.saturating_mul(passed) + interval;
        }
        self.beat_at = Some(beat);
        beat
    }

    /// An overloaded hub gets no additional heartbeat from us: the next one of the period says the same, and more. But
    /// a registration has something new to say, and is repeated after the time that the hub asked for, spread a little.
    fn overload_wait(
        &mut self,
        retry_after: Duration,
        now: Instant,
        chance: impl FnOnce() -> f64,
    ) -> Duration {
        let asked = retry_after.clamp(RETRY_AFTER_MIN, RETRY_AFTER_MAX);
        if self.state == State::Unregistered {
            return asked.mul_f64(1.0 + chance() / 4.0).min(RETRY_AFTER_MAX);
        }
        let next = self.next_beat(now, chance).duration_since(now);
        asked.max(next.min(RETRY_AFTER_MAX))
    }
}

/// Half of the doubled wait for certain, the other half by chance.
fn backoff(failures: u32, chance: f64) -> Duration {
    let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
    let whole = BACKOFF_MIN.saturating_mul(doubled).min(BACKOFF_MAX);
    whole / 2 + (whole / 2).mul_f64(chance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Acknowledgement;

    const MINUTE: Duration = Duration::from_secs(60);

    fn ok() -> Outcome {
        Outcome::Acknowledged(Acknowledgement {
            id: "1".into(),
            hostname: "a".into(),
            status: "active".into(),
        })
    }

    fn down() -> Outcome {
        Outcome::Unreachable("down".into())
    }

    /// An agent whose heartbeats are due at 30 s, 90 s, …
    fn heartbeating(start: Instant) -> Life {
        let mut life = Life::new(MINUTE, start);
        assert_eq!((life.state(), life.due()), (State::Unregistered, start));
        life.after(&ok(), start, || 0.5);
        assert_eq!((life.state(), life.due()), (State::Registered, start + MINUTE / 2));
        life.after(&ok(), start + MINUTE / 2, || 0.9);
        assert_eq!((life.state(), life.due()), (State::Heartbeating, start + MINUTE * 3 / 2));
        life
    }

    #[test]
    fn the_period_is_steady_and_missed_beats_are_left_out() {
        let start = Instant::now();
        let mut life = heartbeating(start);
        life.after(&ok(), start + Duration::from_secs(90 + 7), || 0.0);
        assert_eq!(life.due(), start + Duration::from_secs(150), "a slow answer does not shift it");
        life.after(&ok(), start + Duration::from_secs(150 + 600), || 0.0);
        assert_eq!(life.due(), start + Duration::from_secs(150 + 660), "after a pause the phase is the same");
    }

    #[test]
    fn a_hub_that_forgot_gets_a_registration_at_once() {
        let start = Instant::now();
        let mut life = heartbeating(start);
        let now = start + Duration::from_secs(90);
        life.after(&Outcome::Unknown("who?".into()), now, || 0.0);
        assert_eq!((life.state(), life.due()), (State::Unregistered, now));
        life.after(&Outcome::Unknown("no such page".into()), now, || 0.0);
        assert!(life.due() > now, "a registration answered with 404 is not repeated at once");
    }

    #[test]
    fn failures_back_off_with_equal_jitter_and_success_returns_to_the_period() {
        let start = Instant::now();
        let mut life = heartbeating(start);
        let mut now = start + Duration::from_secs(90);
        for seconds in [2, 4, 8, 16, 32, 60, 60] {
            life.after(&down(), now, || 0.0);
            assert_eq!(life.due() - now, Duration::from_secs(seconds) / 2);
            now = life.due();
        }
        assert_eq!(backoff(200, 1.0), BACKOFF_MAX);
        life.after(&ok(), now, || 0.0);
        assert_eq!(life.pace(), Pace::Steady);
        assert_eq!((life.due() - start).as_secs() % 60, 30);
        life.after(&down(), life.due(), || 0.0);
        assert_eq!(life.pace(), Pace::Backoff(1));
    }

    #[test]
    fn a_refusal_waits_for_a_person() {
        let start = Instant::now();
        let mut life = heartbeating(start);
        life.after(&Outcome::Refused(401, "no".into()), start, || 0.0);
        assert_eq!((life.pace(), life.due()), (Pace::Refused, start + REFUSED_PAUSE));
        life.retry_now(start + MINUTE);
        assert_eq!(life.due(), start + MINUTE);
    }

    #[test]
    fn an_overloaded_hub_is_not_asked_more_often() {
        let start = Instant::now();
        let mut life = heartbeating(start);
        let now = start + Duration::from_secs(90);
        let busy = |seconds| Outcome::Overloaded(503, Some(Duration::from_secs(seconds)));
        life.after(&busy(3), now, || 0.0);
        assert_eq!(life.due() - now, MINUTE, "the next of the period");
        life.after(&busy(u64::MAX), now, || 0.0);
        assert_eq!(life.due() - now, RETRY_AFTER_MAX);
        let mut new = Life::new(MINUTE, start);
        new.after(&busy(0), start, || 0.0);
        assert_eq!(new.due() - start, RETRY_AFTER_MIN);
        // A proxy without a hub behind it says 503 and no time: that is answered with growing pauses.
        for seconds in [2, 4, 8] {
            new.after(&Outcome::Overloaded(503, None), start, || 1.0);
            assert_eq!(new.due() - start, Duration::from_secs(seconds));
        }
        new.after(&Outcome::Unknown("not yet".into()), start, || 1.0);
        assert_eq!(new.due() - start, Duration::from_secs(16), "and so is 404 to a registration");
        assert_eq!(new.state(), State::Unregistered);
    }

    #[test]
    fn other_refusals_keep_the_interval() {
        let start = Instant::now();
        let mut life = heartbeating(start);
        life.after(&Outcome::Rejected(400, "bad".into()), start + Duration::from_secs(91), || 0.0);
        assert_eq!((life.pace(), life.due()), (Pace::Steady, start + Duration::from_secs(150)));
    }
}
