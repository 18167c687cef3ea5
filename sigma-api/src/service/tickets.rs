//! Persons whose password was right and whose code is still to come: for some minutes and tries, in memory.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::model::key::KeyHash;
use crate::store::Credentials;

const VALID_FOR: Duration = Duration::from_secs(300);
const TRIES: u32 = 5;
const MOST: usize = 1000;
/// Of one account: whoever knows its password must not use up the places of all others.
const MOST_OF_ONE: usize = 20;

/// Tickets by the hashes of their tokens.
#[derive(Default)]
pub(crate) struct Tickets {
    open: Mutex<HashMap<KeyHash, Ticket>>,
}

struct Ticket {
    /// What the password was judged by.
    judged: Credentials,
    made: Instant,
    tries: u32,
}

impl std::fmt::Debug for Tickets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tickets")
    }
}

impl Tickets {
    /// A ticket for somebody whose password was right, judged by that.
    pub(crate) fn give(&self, now: Instant, hash: KeyHash, judged: Credentials) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, ticket| now.saturating_duration_since(ticket.made) < VALID_FOR);
        let id = judged.account.id;
        keep_below(&mut open, MOST_OF_ONE, |ticket| ticket.judged.account.id == id);
        keep_below(&mut open, MOST, |_| true);
        open.insert(hash, Ticket { judged, made: now, tries: 0 });
    }

    /// What the password was judged by, for one more try of the code.
    pub(crate) fn try_with(&self, now: Instant, hash: KeyHash) -> Option<Credentials> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let ticket = open.get_mut(&hash)?;
        ticket.tries += 1;
        let is_good = ticket.tries <= TRIES && now.saturating_duration_since(ticket.made) < VALID_FOR;
        let judged = ticket.judged.clone();
        if !is_good {
            open.remove(&hash);
        }
        is_good.then_some(judged)
    }

    /// It was used.
    pub(crate) fn done(&self, hash: KeyHash) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&hash);
    }
}

/// Makes room for one more among those that `are_counted`: the oldest goes.
fn keep_below(open: &mut HashMap<KeyHash, Ticket>, most: usize, are_counted: impl Fn(&Ticket) -> bool) {
    let counted = || open.iter().filter(|(_, ticket)| are_counted(ticket));
    if counted().count() >= most
        && let Some(oldest) = counted().min_by_key(|(_, ticket)| ticket.made).map(|(hash, _)| *hash)
    {
        open.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::account::Account;
    use crate::model::key::Role;
    use crate::model::time::Timestamp;

    fn judged(id: Uuid) -> Credentials {
        let account = Account {
            id,
            email: String::new(),
            role: Role::Readonly,
            created_at: Timestamp::from_ms(0),
            last_sign_in_at: None,
            invited: false,
            totp: true,
        };
        Credentials { account, password: None, totp_seed: None, totp_pending: None, totp_step: None }
    }

    #[test]
    fn a_ticket_has_its_tries_and_its_time() {
        let (tickets, now, id) = (Tickets::default(), Instant::now(), Uuid::now_v7());
        let (one, two) = (KeyHash::of("one"), KeyHash::of("two"));
        tickets.give(now, one, judged(id));
        tickets.give(now, two, judged(id));
        for _ in 0..5 {
            assert_eq!(tickets.try_with(now, one).unwrap().account.id, id);
        }
        assert!(tickets.try_with(now, one).is_none());
        assert!(tickets.try_with(now + Duration::from_secs(301), two).is_none());
        assert!(tickets.try_with(now, KeyHash::of("three")).is_none());
    }

    #[test]
    fn there_are_only_so_many() {
        let (tickets, now) = (Tickets::default(), Instant::now());
        for number in 0..2000 {
            tickets.give(now, KeyHash::of(&number.to_string()), judged(Uuid::now_v7()));
        }
        assert_eq!(tickets.open.lock().unwrap().len(), MOST);
    }

    #[test]
    fn one_account_has_only_so_many_and_loses_its_oldest() {
        let (tickets, now, id) = (Tickets::default(), Instant::now(), Uuid::now_v7());
        let hash = |number: u64| KeyHash::of(&number.to_string());
        tickets.give(now, KeyHash::of("other"), judged(Uuid::now_v7()));
        for number in 0..100 {
            tickets.give(now + Duration::from_millis(number), hash(number), judged(id));
        }
        assert_eq!(tickets.open.lock().unwrap().len(), MOST_OF_ONE + 1);
        assert!(tickets.try_with(now, hash(79)).is_none());
        assert!(tickets.try_with(now, hash(80)).is_some());
        assert!(tickets.try_with(now, KeyHash::of("other")).is_some(), "other accounts keep theirs");
    }
}
