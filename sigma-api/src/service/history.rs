//! What became of addresses and records: history of addresses, and the audit log.

use std::net::IpAddr;

use uuid::Uuid;

use super::inventory::Page;
use super::labels::shown_label;
use super::{Error, Hub, Result};
use crate::model::address_history::{KnownAddress, PreviousOwner};
use crate::model::audit::{AuditEntry, AuditFilter};
use crate::model::time::Timestamp;
use crate::model::vps::Vps;
use crate::store::{OtherOwner, StoredAddress};

/// Machines that had an address before, of which so many are shown.
const SHOWN_OWNERS: usize = 20;

impl Hub {
    /// All addresses that the machine has or had.
    ///
    /// # Errors
    /// `NotFound`; a database that does not answer.
    pub(crate) async fn address_history(&self, now: Timestamp, id: Uuid) -> Result<Vec<KnownAddress>> {
        let vps = self.vps(now, id).await?;
        self.address_history_of(now, &vps).await
    }

    /// As [`Hub::address_history`], of a record that was read already.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn address_history_of(&self, now: Timestamp, vps: &Vps) -> Result<Vec<KnownAddress>> {
        let (id, last_report) = (vps.id, vps.last_seen_at);
        let addresses = self.store.all_addresses(id).await?;
        let ips: Vec<IpAddr> = addresses.iter().map(|address| address.ip).collect();
        let mut others = self.store.other_owners(id, &ips).await?;
        let known = addresses.into_iter().map(|address| {
            let mut others = others.remove(&address.ip).unwrap_or_default();
            for other in &mut others {
                let heard = self.directory.seen(other.owner.vps_id).map(|seen| seen.at);
                other.last_report = heard.or(other.last_report);
            }
            known(now, last_report, address, others)
        });
        Ok(known.collect())
    }

    /// One page of the audit log.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn audit_log(&self, filter: &AuditFilter) -> Result<Page<AuditEntry>> {
        let (data, total) = self.store.audit_lines(filter).await?;
        Ok(Page { data, total })
    }

    /// One page of what was done to that machine.
    ///
    /// # Errors
    /// `NotFound`; a database that does not answer.
    pub(crate) async fn vps_audit(&self, id: Uuid, filter: AuditFilter) -> Result<Page<AuditEntry>> {
        if self.store.vps(id).await?.is_none() {
            return Err(Error::NotFound(format!("There is no machine with the id {id}.")));
        }
        self.audit_log(&AuditFilter { subject_id: Some(id), ..filter }).await
    }
}

fn known(
    now: Timestamp,
    last_report: Option<Timestamp>,
    address: StoredAddress,
    others: Vec<OtherOwner>,
) -> KnownAddress {
    let until = if address.present { now } else { address.last_seen };
    // Whoever has it now, or came later, did not have it before. A machine that fell silent before this one had the
    // address never said that it lost it.
    let before = others.into_iter().filter_map(|OtherOwner { first_seen, present, last_report, owner }| {
        let end =
            if present { last_report.filter(|end| *end < address.first_seen)? } else { owner.last_seen };
        (first_seen < until).then_some(PreviousOwner { last_seen: end, ..owner })
    });
    let mut previous_owners: Vec<PreviousOwner> = before.collect();
    previous_owners.sort_by_key(|owner| (std::cmp::Reverse(owner.last_seen), owner.vps_id));
    previous_owners.truncate(SHOWN_OWNERS);
    let since = address.last_seen;
    let last_seen = if address.present { last_report.map_or(since, |at| at.max(since)) } else { since };
    KnownAddress {
        ip: address.ip,
        label: shown_label(&address).to_owned(),
        present: address.present,
        first_seen: address.first_seen,
        last_seen,
        since,
        previous_owners,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_ms(ms)
    }

    fn other(id: u128, first_seen: i64, last_seen: i64, present: bool) -> OtherOwner {
        let owner = PreviousOwner {
            vps_id: Uuid::from_u128(id),
            hostname: format!("m{id}"),
            last_seen: at(last_seen),
        };
        OtherOwner { first_seen: at(first_seen), present, last_report: present.then(|| at(last_seen)), owner }
    }

    fn owners(present: bool, last_seen: i64, others: Vec<OtherOwner>) -> Vec<String> {
        let address = StoredAddress {
            ip: "203.0.113.7".parse().unwrap(),
            label: String::new(),
            operator_label: None,
            present,
            first_seen: at(50),
            last_seen: at(last_seen),
        };
        let known = known(at(1000), Some(at(900)), address, others);
        known.previous_owners.into_iter().map(|owner| owner.hostname).collect()
    }

    #[test]
    fn those_who_had_it_before_come_latest_first() {
        let others = || vec![other(1, 10, 20, false), other(2, 30, 40, false), other(3, 5, 999, true)];
        assert_eq!(owners(true, 60, others()), ["m2", "m1"]);
        assert_eq!(owners(false, 60, others()), ["m2", "m1"]);
        assert_eq!(owners(false, 60, vec![other(4, 70, 80, false)]), [""; 0], "it came later");
        assert_eq!(
            owners(true, 100, vec![other(4, 70, 80, false)]),
            ["m4"],
            "the address went there and came back"
        );
    }
}
