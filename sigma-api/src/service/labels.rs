//! Addresses as persons edit them: of a machine without an agent all, of one with an agent their labels.

use std::collections::BTreeMap;
use std::net::IpAddr;

use sigma_protocol::Address;

use crate::model::audit::Changes;
use crate::model::text::Invalid;
use crate::model::time::Timestamp;
use crate::store::StoredAddress;

/// The addresses whose row changes. `known` has all that the machine has, and those of `given` that it had.
///
/// # Errors
/// An address that the agent never reported.
pub(super) fn edited_addresses(
    now: Timestamp,
    known: &[StoredAddress],
    given: &[Address],
    has_agent: bool,
) -> Result<Vec<StoredAddress>, Invalid> {
    let mut changed = Vec::new();
    for address in given {
        let before = known.iter().find(|before| before.ip == address.ip);
        if has_agent && before.is_none() {
            let rule = format!(
                "{} is none of this machine's; its agent says which are, and a person labels them",
                address.ip
            );
            return Err(Invalid::new("ip_addresses", rule));
        }
        let present = !has_agent || before.is_some_and(|before| before.present);
        if before.is_some_and(|before| before.present == present && shown_label(before) == address.label) {
            continue;
        }
        changed.push(with_label(now, before, address, present));
    }
    let gone =
        |before: &&StoredAddress| before.present && !given.iter().any(|address| address.ip == before.ip);
    if !has_agent {
        let gone = known.iter().filter(gone);
        changed.extend(gone.map(|before| StoredAddress { present: false, last_seen: now, ..before.clone() }));
    }
    changed.sort_by_key(|address| address.ip);
    Ok(changed)
}

fn with_label(
    now: Timestamp,
    before: Option<&StoredAddress>,
    address: &Address,
    present: bool,
) -> StoredAddress {
    let agents = before.map(|before| before.label.clone()).unwrap_or_default();
    let stays = before.filter(|before| before.present == present);
    StoredAddress {
        ip: address.ip,
        // What the agent says by itself needs no person to say it.
        operator_label: Some(address.label.clone()).filter(|label| *label != agents),
        label: agents,
        present,
        first_seen: before.map_or(now, |before| before.first_seen),
        last_seen: stays.map_or(now, |before| before.last_seen),
    }
}

/// A person's label, or else the agent's.
pub(super) fn shown_label(address: &StoredAddress) -> &str {
    address.operator_label.as_deref().unwrap_or(&address.label)
}

/// The addresses that the machine has after `changed` was stored. Labels of those that it only had are not seen there,
/// and noted in `changes`.
pub(super) fn shown_after(
    known: &[StoredAddress],
    changed: &[StoredAddress],
    changes: &mut Changes,
) -> Vec<Address> {
    let before: BTreeMap<IpAddr, &StoredAddress> =
        known.iter().map(|address| (address.ip, address)).collect();
    let mut after = before.clone();
    after.extend(changed.iter().map(|address| (address.ip, address)));
    for address in changed.iter().filter(|address| !address.present) {
        let earlier = before.get(&address.ip).filter(|earlier| !earlier.present);
        if let Some(earlier) = earlier {
            let member = format!("label of {}", address.ip);
            changes.note(&member, &shown_label(earlier), &shown_label(address));
        }
    }
    let present = after.into_values().filter(|address| address.present);
    present.map(|address| Address { ip: address.ip, label: shown_label(address).to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_ms(9);

    fn known(ip: &str, label: &str, operator_label: Option<&str>, present: bool) -> StoredAddress {
        StoredAddress {
            ip: ip.parse().unwrap(),
            label: label.to_owned(),
            operator_label: operator_label.map(str::to_owned),
            present,
            first_seen: Timestamp::from_ms(1),
            last_seen: Timestamp::from_ms(2),
        }
    }

    fn given(ip: &str, label: &str) -> Address {
        Address { ip: ip.parse().unwrap(), label: label.to_owned() }
    }

    #[test]
    fn without_an_agent_the_list_is_the_list() {
        let before = [known("10.0.0.1", "", Some("a"), true), known("10.0.0.2", "", Some("b"), false)];
        let list = [given("10.0.0.2", "b"), given("10.0.0.3", "")];
        let changed = edited_addresses(NOW, &before, &list, false).unwrap();
        let gone = StoredAddress { present: false, last_seen: NOW, ..before[0].clone() };
        let back = StoredAddress { present: true, last_seen: NOW, ..before[1].clone() };
        let new = StoredAddress { first_seen: NOW, last_seen: NOW, ..known("10.0.0.3", "", None, true) };
        assert_eq!(changed, [gone, back, new]);
        assert_eq!(shown_after(&before, &changed, &mut Changes::default()), list);
    }

    #[test]
    fn with_an_agent_only_labels_are_taken() {
        let before = [known("10.0.0.1", "internal", None, true), known("10.0.0.2", "", None, true)];
        let changed = edited_addresses(NOW, &before, &[given("10.0.0.1", "core")], true).unwrap();
        assert_eq!(changed, [StoredAddress { operator_label: Some("core".into()), ..before[0].clone() }]);
        let list = [given("10.0.0.1", "core"), given("10.0.0.2", "")];
        assert_eq!(shown_after(&before, &changed, &mut Changes::default()), list);
        let refused = edited_addresses(NOW, &before, &[given("10.0.0.9", "")], true).unwrap_err();
        assert!(refused.field == "ip_addresses" && refused.reason.contains("10.0.0.9"), "{refused}");
    }

    #[test]
    fn what_is_sent_back_as_it_was_changes_nothing() {
        let before = [known("10.0.0.1", "internal", Some(""), true), known("10.0.0.2", "", Some("x"), false)];
        let echo = [given("10.0.0.1", ""), given("10.0.0.2", "x")];
        assert_eq!(edited_addresses(NOW, &before, &echo, true), Ok(Vec::new()));
    }

    #[test]
    fn an_address_that_is_away_keeps_the_label_that_it_is_given() {
        let before = [known("10.0.0.2", "", Some("x"), false)];
        let changed = edited_addresses(NOW, &before, &[given("10.0.0.2", "")], true).unwrap();
        assert_eq!(changed, [StoredAddress { operator_label: None, ..before[0].clone() }]);
        let mut changes = Changes::default();
        assert_eq!(shown_after(&before, &changed, &mut changes), []);
        assert_eq!(changes.to_text(), r#"{"label of 10.0.0.2":["x",""]}"#);
    }
}
