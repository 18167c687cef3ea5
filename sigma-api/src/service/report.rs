//! What a report changes: the rules of registering and beating, inside one write transaction.

use std::collections::HashMap;
use std::net::IpAddr;

use sigma_protocol::Address;
use uuid::Uuid;

use super::directory::Standing;
use crate::model::report::{Enrolment, Report};
use crate::model::time::Timestamp;
use crate::model::vps::{Seen, Status};
use crate::store::{Known, NewVps, Result, StoredAddress, Tx};

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is in the database, as part of a transaction that is still to be committed.
    Taken {
        /// The record and how it stands.
        standing: Standing,
        /// Whether the record is new.
        is_new: bool,
    },
    /// No record has this hostname, and a heartbeat makes none.
    Unknown,
    /// A person deleted the record, and this is a registration.
    Deleted,
}

/// Applies a report to the database: writes what is new, and nothing else.
///
/// # Errors
/// As every write; then the transaction must not be committed.
pub(crate) async fn apply(tx: &Tx, now: Timestamp, report: &Report) -> Result<Outcome> {
    match (tx.find_by_hostname(&report.hostname).await?, &report.registration) {
        (Some(known), None) if known.status == Status::Deleted => Ok(Outcome::Unknown),
        (Some(known), Some(_)) if known.status == Status::Deleted => Ok(Outcome::Deleted),
        (Some(known), _) => update(tx, now, &known, report).await,
        (None, None) => Ok(Outcome::Unknown),
        (None, Some(enrolment)) => create(tx, now, report, enrolment).await,
    }
}

async fn create(tx: &Tx, now: Timestamp, report: &Report, enrolment: &Enrolment) -> Result<Outcome> {
    let id = Uuid::now_v7();
    let new = NewVps {
        id,
        hostname: report.hostname.clone(),
        alias: enrolment.alias.clone().unwrap_or_default(),
        ssh_port: enrolment.ssh_port,
        source: "agent",
    };
    tx.insert_vps(now, new).await?;
    let addresses = changed_addresses(now, &[], report.addresses.as_deref().unwrap_or_default());
    if !addresses.is_empty() {
        tx.put_addresses(id, &addresses).await?;
    }
    tx.put_facts(now, id, &report.facts).await?;
    tx.put_states(&[(id, Seen { at: now, state: report.state })]).await?;
    Ok(Outcome::Taken { standing: Standing { id, status: Status::Active }, is_new: true })
}

async fn update(tx: &Tx, now: Timestamp, known: &Known, report: &Report) -> Result<Outcome> {
    if let Some(enrolment) = &report.registration {
        let alias = chosen_alias(known, enrolment);
        if enrolment.ssh_port != known.ssh_port || alias != known.alias {
            tx.update_enrolment(now, known.id, enrolment.ssh_port, alias).await?;
        }
    }
    if let Some(reported) = &report.addresses {
        let changed = changed_addresses(now, &tx.addresses(known.id, reported).await?, reported);
        if !changed.is_empty() {
            tx.put_addresses(known.id, &changed).await?;
            tx.touch_vps(now, known.id).await?;
        }
    }
    let stored = tx.facts(known.id).await?;
    // A registration says all that its agent knows; what a heartbeat leaves out may only have failed this once.
    let facts = match (&report.registration, stored.clone()) {
        (None, Some(stored)) => report.facts.clone().or(stored),
        _ => report.facts.clone(),
    };
    if stored.as_ref() != Some(&facts) {
        tx.put_facts(now, known.id, &facts).await?;
    }
    Ok(Outcome::Taken { standing: Standing { id: known.id, status: known.status }, is_new: false })
}

/// A person's alias stays; an agent's is taken if it says one.
fn chosen_alias<'a>(known: &'a Known, enrolment: &'a Enrolment) -> &'a str {
    match &enrolment.alias {
        Some(alias) if !known.alias_edited => alias,
        _ => &known.alias,
    }
}

/// The addresses whose row changes: new ones, those that came back, went, or got another label from the agent.
fn changed_addresses(now: Timestamp, stored: &[StoredAddress], reported: &[Address]) -> Vec<StoredAddress> {
    let mut missing: HashMap<IpAddr, &StoredAddress> =
        stored.iter().map(|address| (address.ip, address)).collect();
    let mut changed = Vec::new();
    for address in reported {
        let before = missing.remove(&address.ip);
        if before.is_some_and(|before| before.present && before.label == address.label) {
            continue;
        }
        changed.push(StoredAddress {
            ip: address.ip,
            label: address.label.clone(),
            operator_label: before.and_then(|before| before.operator_label.clone()),
            present: true,
            first_seen: before.map_or(now, |before| before.first_seen),
            last_seen: now,
        });
    }
    let gone = missing.into_values().filter(|address| address.present);
    changed.extend(gone.map(|address| StoredAddress { present: false, last_seen: now, ..address.clone() }));
    changed.sort_by_key(|address| address.ip);
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(ip: &str, label: &str) -> Address {
        Address { ip: ip.parse().unwrap(), label: label.to_owned() }
    }

    fn stored(ip: &str, operator_label: Option<&str>, present: bool) -> StoredAddress {
        StoredAddress {
            ip: ip.parse().unwrap(),
            label: String::new(),
            operator_label: operator_label.map(str::to_owned),
            present,
            first_seen: Timestamp::from_ms(1),
            last_seen: Timestamp::from_ms(2),
        }
    }

    #[test]
    fn the_same_addresses_change_nothing() {
        let known = [stored("10.0.0.1", Some("anycast"), true), stored("10.0.0.9", None, false)];
        assert_eq!(changed_addresses(Timestamp::from_ms(9), &known, &[reported("10.0.0.1", "")]), []);
    }

    #[test]
    fn an_address_that_goes_and_comes_back_keeps_its_label_and_its_beginning() {
        let now = Timestamp::from_ms(9);
        let known = [stored("10.0.0.1", Some("china-telecom"), true)];
        let gone = changed_addresses(now, &known, &[reported("10.0.0.2", "")]);
        assert_eq!(gone[0], StoredAddress { present: false, last_seen: now, ..known[0].clone() });
        let back = changed_addresses(now, &gone[..1], &[reported("10.0.0.1", "")]);
        assert_eq!(back, [StoredAddress { last_seen: now, ..known[0].clone() }]);
    }

    #[test]
    fn an_alias_is_taken_unless_a_person_chose_one() {
        let known = Known {
            id: Uuid::nil(),
            status: Status::Active,
            ssh_port: 22,
            alias: "old".into(),
            alias_edited: false,
        };
        let says = |alias: Option<&str>| Enrolment { ssh_port: 22, alias: alias.map(str::to_owned) };
        assert_eq!(chosen_alias(&known, &says(Some("new"))), "new");
        assert_eq!(chosen_alias(&known, &says(None)), "old");
        let edited = Known { alias_edited: true, ..known };
        assert_eq!(chosen_alias(&edited, &says(Some("new"))), "old");
    }
}
