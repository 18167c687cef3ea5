//! Persons whose password was right and whose code is still to come: for some minutes and tries, in memory.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::model::key::KeyHash;

const VALID_FOR: Duration = Duration::from_secs(300);
const TRIES: u32 = 5;
const MOST: usize = 1000;

/// Tickets by the hashes of their tokens.
#[derive(Debug, Default)]
pub(crate) struct Tickets {
    open: Mutex<HashMap<KeyHash, Ticket>>,
}

#[derive(Debug, Clone, Copy)]
struct Ticket {
    account_id: Uuid,
    made: Instant,
    tries: u32,
}

impl Tickets {
    /// A ticket for somebody whose password was right.
    pub(crate) fn give(&self, now: Instant, hash: KeyHash, account_id: Uuid) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, ticket| now.saturating_duration_since(ticket.made) < VALID_FOR);
        if open.len() >= MOST
            && let Some(oldest) = open.iter().min_by_key(|(_, ticket)| ticket.made).map(|(hash, _)| *hash)
        {
            open.remove(&oldest);
        }
        open.insert(hash, Ticket { account_id, made: now, tries: 0 });
    }

    /// Whose it is, for one more try.
    pub(crate) fn try_with(&self, now: Instant, hash: KeyHash) -> Option<Uuid> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let ticket = open.get_mut(&hash)?;
        ticket.tries += 1;
        let is_good = ticket.tries <= TRIES && now.saturating_duration_since(ticket.made) < VALID_FOR;
        let account_id = ticket.account_id;
        if !is_good {
            open.remove(&hash);
        }
        is_good.then_some(account_id)
    }

    /// It was used.
    pub(crate) fn done(&self, hash: KeyHash) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_has_its_tries_and_its_time() {
        let (tickets, now, id) = (Tickets::default(), Instant::now(), Uuid::now_v7());
        let (one, two) = (KeyHash::of("one"), KeyHash::of("two"));
        tickets.give(now, one, id);
        tickets.give(now, two, id);
        for _ in 0..5 {
            assert_eq!(tickets.try_with(now, one), Some(id));
        }
        assert_eq!(tickets.try_with(now, one), None);
        assert_eq!(tickets.try_with(now + Duration::from_secs(301), two), None);
        assert_eq!(tickets.try_with(now, KeyHash::of("three")), None);
    }

    #[test]
    fn there_are_only_so_many() {
        let (tickets, now) = (Tickets::default(), Instant::now());
        for number in 0..2000 {
            tickets.give(now, KeyHash::of(&number.to_string()), Uuid::nil());
        }
        assert_eq!(tickets.open.lock().unwrap().len(), MOST);
    }
}
