//! What a report writes, once it is known whose it is.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use sigma_protocol::Address;
use uuid::Uuid;

use super::directory::{Confirmed, Directory, Standing};
use super::report::{Message, Outcome};
use crate::model::audit::{ActorKind, Changes, Subject};
use crate::model::binding::{Binding, Speaker};
use crate::model::identity::{Candidate, Decision, Face, Ruling, face_after};
use crate::model::mark::{MarkKind, Resolution};
use crate::model::presence::Presence;
use crate::model::report::{Enrolment, Facts, Report};
use crate::model::time::Timestamp;
use crate::model::vps::{Seen, Status, Vps};
use crate::model::whereabouts::apart;
use crate::store::{Edited, KeyTerms, Known, Marked, Result, StoredAddress, Tx};

/// One report on its way into the database.
pub(super) struct Change<'a> {
    pub(super) tx: &'a Tx,
    pub(super) now: Timestamp,
    pub(super) message: &'a Message,
    pub(super) ruling: &'a Ruling,
}

impl Change<'_> {
    fn report(&self) -> &Report {
        &self.message.report
    }

    /// A line of the audit log, by the agent under the name of its machine.
    async fn note(&self, action: &str, id: Uuid, hostname: &str, changes: &Changes) -> Result<()> {
        let mut actor = self.message.actor.clone();
        if actor.kind == ActorKind::Agent {
            actor.name.clone_from(&self.report().hostname);
        }
        self.tx.audit_agent(self.now, &actor, action, Subject::vps(id, hostname), changes).await
    }

    /// Makes a record.
    pub(super) async fn enrol(
        &self,
        enrolment: &Enrolment,
        conflicts: &[Known],
        clones: &[Known],
        directory: &Directory,
    ) -> Result<Outcome> {
        let (tx, now, report) = (self.tx, self.now, self.report());
        let (key, terms) = match self.message.speaker {
            Speaker::Expired(key) => return Ok(Outcome::Expired(key)),
            Speaker::Key(key) => (Some(key), tx.key_terms(key).await?),
            Speaker::Anyone => (None, KeyTerms::default()),
        };
        if let Some(most) = terms.max_machines.filter(|most| terms.enrolled >= *most) {
            return Ok(Outcome::Full { key: terms.name, machines: most });
        }
        if let Some(key) = key
            && let Err(seconds) = directory.newcomer(now, key)
        {
            return Ok(Outcome::TooMany(seconds));
        }
        let id = Uuid::now_v7();
        let hostname = tx.free_name(&report.hostname, None).await?;
        let new = Vps {
            hostname: hostname.clone(),
            reported_hostname: Some(report.hostname.clone()),
            alias: enrolment.alias.clone().unwrap_or_default(),
            ssh_port: enrolment.ssh_port,
            provider_id: terms.provider_id,
            tags: terms.tags,
            source: "agent".to_owned(),
            ..Vps::blank(now, id)
        };
        tx.insert_vps(&new, key, Edited::default(), None).await?;
        if let Some(key) = key {
            tx.count_enrolled(key).await?;
        }
        let addresses = changed_addresses(now, &[], report.addresses.as_deref().unwrap_or_default());
        if !addresses.is_empty() {
            tx.put_addresses(id, &addresses).await?;
        }
        tx.put_face(now, None, id, &report.face()).await?;
        tx.put_facts(now, id, &report.facts).await?;
        tx.put_states(&[(id, Seen { at: now, state: report.state })]).await?;
        let mut changes = Changes::default();
        changes.note("hostname", &None, &Some(&hostname));
        self.note("vps.register", id, &hostname, &changes).await?;
        self.mark_pairs(MarkKind::Conflict, id, &hostname, conflicts).await?;
        self.mark_pairs(MarkKind::Clone, id, &hostname, clones).await?;
        let standing = Standing { id, status: Status::Active };
        let confirmed = Confirmed { standing, key, interval: report.facts.interval() };
        Ok(Outcome::Taken { confirmed, decision: self.ruling.decision.clone() })
    }

    /// Marks a new record and others, on both sides, each with a line that says so if no more are made there; what is not
    /// marked since there are too many is counted in one line.
    async fn mark_pairs(&self, kind: MarkKind, id: Uuid, hostname: &str, others: &[Known]) -> Result<()> {
        let action = format!("vps.{}", kind.name());
        let mut full: u64 = 0;
        for other in others {
            let (other_id, other_name) = (other.candidate.id, other.candidate.hostname.as_str());
            for (id, name, with, with_name) in
                [(id, hostname, other_id, other_name), (other_id, other_name, id, hostname)]
            {
                let marked = self.tx.mark(self.now, id, kind, Some(with)).await?;
                if marked == Marked::No {
                    full = full.saturating_add(1);
                    continue;
                }
                let mut changes = Changes::default();
                changes.note("with", &None, &Some(with_name));
                changes.note("marks_full", &false, &(marked == Marked::Last));
                self.note(&action, id, name, &changes).await?;
            }
        }
        if full > 0 {
            let mut changes = Changes::default();
            changes.note("not_marked", &None, &Some(full));
            self.note(&action, id, hostname, &changes).await?;
        }
        Ok(())
    }

    /// Takes the report into the record that it belongs to.
    pub(super) async fn take(&self, known: &Known, directory: &Directory) -> Result<Outcome> {
        let (tx, now, report) = (self.tx, self.now, self.report());
        let Candidate { id, last_seen, interval, .. } = known.candidate;
        let key = self.bind(known).await?;
        self.doubt(known, directory).await?;
        let silent_since =
            last_seen.and_then(|last_seen| directory.listening().silent_since(now, last_seen, interval));
        if let Some(from) = silent_since {
            tx.put_gap(id, from, now).await?;
        }
        let current = known.candidate.current.as_ref().map(|known| &known.face);
        let face = face_after(&self.ruling.decision, &report.face(), current);
        let hostname = self.put_face(known, &face).await?;
        if let Some(enrolment) = &report.registration {
            let alias = chosen_alias(known, enrolment);
            let mut changes = Changes::default();
            changes.note("ssh_port", &known.ssh_port, &enrolment.ssh_port);
            changes.note("alias", &known.alias.as_str(), &alias);
            if !changes.is_empty() {
                tx.update_enrolment(now, id, enrolment.ssh_port, alias).await?;
                self.note("vps.enrol", id, &hostname, &changes).await?;
            }
        }
        self.put_addresses(id, &hostname).await?;
        let interval = self.put_facts(id, &hostname, face).await?;
        let standing = Standing { id, status: known.status };
        let confirmed = Confirmed { standing, key, interval };
        Ok(Outcome::Taken { confirmed, decision: self.ruling.decision.clone() })
    }

    /// Writes which key speaks for the machine from now on, if any does.
    async fn bind(&self, known: &Known) -> Result<Option<Uuid>> {
        let (tx, now) = (self.tx, self.now);
        let Candidate { id, keys, .. } = known.candidate;
        let before = keys.bound.map(|bound| bound.key);
        let Binding::Moves(key) = self.ruling.binding else { return Ok(before) };
        tx.bind_key(id, key).await?;
        // What was taken back is not to go to and fro.
        tx.put_previous_key(id, before.filter(|_| keys.previous != Some(key))).await?;
        if before.is_some() {
            let mut changes = Changes::default();
            changes.note("agent_key_id", &before, &Some(key));
            self.note("vps.key", id, &known.candidate.hostname, &changes).await?;
        }
        if keys.bound.is_some_and(|bound| bound.is_valid) {
            tx.mark(now, id, MarkKind::Rekeyed, None).await?;
        }
        Ok(Some(key))
    }

    /// Marks a machine that is known by evidence and lives, and for which somebody elsewhere speaks who has none.
    async fn doubt(&self, known: &Known, directory: &Directory) -> Result<()> {
        let Candidate { id, ref current, last_seen, interval, ref addresses, .. } = known.candidate;
        let has_evidence = current.as_ref().is_some_and(|known| !known.face.is_bare());
        if !has_evidence || !self.report().face().is_bare() {
            return Ok(());
        }
        let reported: Vec<IpAddr> = self.report().addresses.iter().flatten().map(|a| a.ip).collect();
        let heard = last_seen.map(|at| at.max(directory.listening().since));
        if Presence::at(self.now, heard, interval) == Presence::Online
            && apart(&reported, addresses)
            && self.tx.mark(self.now, id, MarkKind::Conflict, None).await? != Marked::No
        {
            let mut changes = Changes::default();
            let listed: Vec<String> = reported.iter().map(ToString::to_string).collect();
            changes.note("ip_addresses", &Vec::<String>::new(), &listed);
            self.note("vps.conflict", id, &known.candidate.hostname, &changes).await?;
        }
        Ok(())
    }

    /// Stores the face of the machine if it is a new one, with what follows from it; what the record is called then.
    async fn put_face(&self, known: &Known, face: &Face) -> Result<String> {
        let (tx, now) = (self.tx, self.now);
        let Candidate { id, ref hostname, ref current, last_seen, .. } = known.candidate;
        let current = current.as_ref().map(|known| &known.face);
        if current == Some(face) {
            return Ok(hostname.clone());
        }
        tx.put_face(now, last_seen, id, face).await?;
        let hostname = match current {
            Some(current) if current.hostname == face.hostname => hostname.clone(),
            Some(_) if !known.hostname_edited => tx.free_name(&face.hostname, Some(id)).await?,
            _ => hostname.clone(),
        };
        if current.is_none_or(|current| current.hostname != face.hostname) {
            tx.rename_reported(now, id, &face.hostname, &hostname).await?;
        }
        let mut changes = Changes::default();
        changes.note("hostname", &known.candidate.hostname, &hostname);
        if let Some(current) = current {
            changes.note("reported_hostname", &current.hostname, &face.hostname);
            changes.note("machine_id", &current.machine_id, &face.machine_id);
        }
        match &self.ruling.decision {
            Decision::Reinstalled(_) => {
                tx.mark(now, id, MarkKind::Reinstalled, None).await?;
                self.note("vps.reinstall", id, &hostname, &changes).await?;
            }
            Decision::Returned(_) => {
                tx.resolve_own(now, id, MarkKind::Reinstalled, Resolution::Returned).await?;
                self.note("vps.return", id, &hostname, &changes).await?;
            }
            Decision::Renamed(_) => self.note("vps.rename", id, &hostname, &changes).await?,
            _ => {}
        }
        Ok(hostname)
    }

    async fn put_addresses(&self, id: Uuid, hostname: &str) -> Result<()> {
        let Some(reported) = &self.report().addresses else { return Ok(()) };
        let stored = self.tx.addresses(id, reported).await?;
        let changed = changed_addresses(self.now, &stored, reported);
        if changed.is_empty() {
            return Ok(());
        }
        self.tx.put_addresses(id, &changed).await?;
        self.tx.touch_vps(self.now, id).await?;
        let was_present = |ip: IpAddr| stored.iter().any(|address| address.ip == ip && address.present);
        let of = |present: bool| -> Vec<String> {
            let moved = changed.iter().filter(|a| a.present == present && was_present(a.ip) != present);
            moved.map(|address| address.ip.to_string()).collect()
        };
        let mut changes = Changes::default();
        changes.note("ip_addresses", &of(false), &of(true));
        // A label of the agent's own is no address.
        if changes.is_empty() { Ok(()) } else { self.note("vps.addresses", id, hostname, &changes).await }
    }

    /// Stores what is measured anew; the interval that the agent keeps.
    async fn put_facts(&self, id: Uuid, hostname: &str, face: Face) -> Result<Option<Duration>> {
        let stored = self.tx.facts(id).await?;
        let reported = self.report().facts.clone();
        let is_other = matches!(self.ruling.decision, Decision::Reinstalled(_) | Decision::Returned(_));
        // A registration says all that its agent knows; what a heartbeat leaves out may only have failed this once.
        let said = match (&self.report().registration, &stored) {
            (None, Some(stored)) if !is_other => reported.or(stored.clone()),
            _ => reported,
        };
        let facts = Facts { machine_id: face.machine_id, boot_id: face.boot_id, ..said };
        if stored.as_ref() != Some(&facts) {
            self.tx.put_facts(self.now, id, &facts).await?;
            let mut changes = Changes::default();
            stored.unwrap_or_default().note_changes(&facts, &mut changes);
            if !changes.is_empty() {
                self.note("vps.facts", id, hostname, &changes).await?;
            }
        }
        Ok(facts.interval())
    }
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
    use crate::model::binding::Keys;

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
        let candidate = Candidate {
            id: Uuid::nil(),
            hostname: String::new(),
            reported_hostname: None,
            deleted: false,
            current: None,
            former: Vec::new(),
            last_seen: None,
            interval: None,
            addresses: Vec::new(),
            keys: Keys::default(),
        };
        let known = Known {
            candidate,
            status: Status::Active,
            ssh_port: 22,
            alias: "old".into(),
            alias_edited: false,
            hostname_edited: false,
        };
        let says = |alias: Option<&str>| Enrolment { ssh_port: 22, alias: alias.map(str::to_owned) };
        assert_eq!(chosen_alias(&known, &says(Some("new"))), "new");
        assert_eq!(chosen_alias(&known, &says(None)), "old");
        let edited = Known { alias_edited: true, ..known };
        assert_eq!(chosen_alias(&edited, &says(Some("new"))), "old");
    }
}
