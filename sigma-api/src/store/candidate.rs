//! The records that a report may belong to, with all that is known about whose they are.

use std::collections::BTreeMap;

use sea_orm::sea_query::{ExprTrait, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, JoinType, Order, QueryFilter, QueryOrder,
    QuerySelect, RelationDef,
};
use uuid::Uuid;

use super::address::addresses_of;
use super::enrolment::{previous_keys, valid_keys};
use super::entity::vps::{Column, Entity, Model};
use super::entity::{vps_address, vps_face, vps_state};
use super::face::{faces_of, text_of};
use super::report::facts_of;
use super::state::states_of;
use super::vps::{port_of, status_of};
use super::{Result, Store, Tx};
use crate::model::binding::{Bound, Keys, Speaker};
use crate::model::identity::{Candidate, Face, KnownFace};
use crate::model::report::{Facts, Report};
use crate::model::vps::Status;

/// Of more records of one name, or of one machine id, only the most likely are looked at: a crowd of one name must not
/// stall the writer.
const MAX_CANDIDATES: usize = 50;

/// What is known of a record when its machine reports.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) candidate: Candidate,
    pub(crate) status: Status,
    pub(crate) ssh_port: u16,
    pub(crate) alias: String,
    /// Whether a person chose the alias.
    pub(crate) alias_edited: bool,
    /// Whether a person chose the hostname.
    pub(crate) hostname_edited: bool,
}

impl Store {
    /// The records that a report with that key may belong to.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn candidates(&self, report: &Report, speaker: Speaker) -> Result<Vec<Known>> {
        candidates(&self.read, report, speaker).await
    }
}

impl Tx {
    /// The records that a report with that key may belong to.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn candidates(&self, report: &Report, speaker: Speaker) -> Result<Vec<Known>> {
        candidates(&self.inner, report, speaker).await
    }
}

async fn candidates(
    database: &impl ConnectionTrait,
    report: &Report,
    speaker: Speaker,
) -> Result<Vec<Known>> {
    let face = &report.face();
    let exact = vps_face::Entity::find()
        .filter(vps_face::Column::MachineId.eq(text_of(&face.machine_id)))
        .filter(vps_face::Column::BootId.eq(text_of(&face.boot_id)))
        .filter(vps_face::Column::Hostname.eq(face.hostname.as_str()))
        .filter(vps_face::Column::IsCurrent.eq(true))
        .filter(vps_face::Column::VpsId.in_subquery(living()))
        .limit(2)
        .all(database)
        .await?;
    if let [only] = exact.as_slice() {
        // Nearly always this is all that there is to know.
        let rows = Entity::find_by_id(only.vps_id).all(database).await?;
        return with_parts(database, rows).await;
    }
    let addresses: Vec<String> = report.addresses.iter().flatten().map(|a| a.ip.to_string()).collect();
    let mut rows: BTreeMap<Uuid, Model> = BTreeMap::new();
    for matching in may_belong(face, &addresses) {
        let left = MAX_CANDIDATES.saturating_sub(rows.len());
        if left == 0 {
            break;
        }
        let mut likely = Entity::find()
            .filter(matching)
            .filter(not_merged())
            .filter(Column::Id.is_not_in(rows.keys().copied()))
            .join_rev(JoinType::LeftJoin, state_of_record());
        if let Some(key) = speaker.key() {
            let is_own = Column::AgentKeyId.is_not_null().and(Column::AgentKeyId.eq(key));
            likely = likely.order_by(is_own, Order::Desc);
        }
        let found = likely
            .order_by_desc(vps_state::Column::LastSeen)
            .order_by_desc(Column::Id)
            .limit(u64::try_from(left).unwrap_or_default())
            .all(database)
            .await?;
        rows.extend(found.into_iter().map(|row| (row.id, row)));
    }
    with_parts(database, rows.into_values().collect()).await
}

fn state_of_record() -> RelationDef {
    vps_state::Entity::belongs_to(Entity).from(vps_state::Column::VpsId).to(Column::Id).into()
}

fn living() -> SelectStatement {
    Query::select()
        .column(Column::Id)
        .from(Entity)
        .and_where(Column::Status.ne(Status::Deleted.name()))
        .to_owned()
}

fn not_merged() -> Condition {
    Condition::any().add(Column::Status.ne(Status::Deleted.name())).add(Column::MergedInto.is_null())
}

/// What makes a record a candidate, the strongest first.
fn may_belong(face: &Face, addresses: &[String]) -> Vec<Condition> {
    let with_face = |condition: Condition| {
        let faces = Query::select()
            .column(vps_face::Column::VpsId)
            .from(vps_face::Entity)
            .cond_where(condition)
            .to_owned();
        Condition::all().add(Column::Id.in_subquery(faces))
    };
    let with_address = || {
        Query::select()
            .column(vps_address::Column::VpsId)
            .from(vps_address::Entity)
            .and_where(vps_address::Column::Ip.is_in(addresses.iter().map(String::as_str)))
            .and_where(vps_address::Column::Present.eq(true))
            .to_owned()
    };
    let of_name = || Condition::all().add(vps_face::Column::Hostname.eq(face.hostname.as_str()));
    let of_boot = vps_face::Column::BootId.eq(text_of(&face.boot_id));
    let of_machine = || vps_face::Column::MachineId.eq(text_of(&face.machine_id));
    let mut matching = Vec::with_capacity(6);
    if face.boot_id.is_some() {
        matching.push(with_face(of_name().add(of_machine()).add(of_boot)));
    }
    if !addresses.is_empty() {
        let either = Condition::any()
            .add(vps_face::Column::Hostname.eq(face.hostname.as_str()))
            .add_option(face.machine_id.as_ref().map(|_| of_machine()));
        matching.push(with_face(either).add(Column::Id.in_subquery(with_address())));
    }
    if face.machine_id.is_some() {
        matching.push(with_face(of_name().add(of_machine())));
        matching.push(with_face(Condition::all().add(of_machine())));
    }
    matching.push(with_face(of_name()));
    matching.push(
        Condition::any()
            .add(Column::Hostname.eq(face.hostname.as_str()))
            .add(Column::ReportedHostname.eq(face.hostname.as_str())),
    );
    matching
}

async fn with_parts(database: &impl ConnectionTrait, rows: Vec<Model>) -> Result<Vec<Known>> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut faces = faces_of(database, &ids).await?;
    let mut addresses = addresses_of(database, &ids).await?;
    let facts = facts_of(database, &ids).await?;
    let states = states_of(database, &ids).await?;
    let previous = previous_keys(database, &ids).await?;
    let valid = valid_keys(database, rows.iter().filter_map(|row| row.agent_key_id).collect()).await?;
    let known = rows.into_iter().map(|row| {
        let (current, former) =
            faces.remove(&row.id).unwrap_or_default().into_iter().partition::<Vec<_>, _>(|f| f.is_current);
        let known = |face: super::StoredFace| KnownFace { face: face.face, first_seen: face.first_seen };
        let status = status_of(&row.status)?;
        Ok(Known {
            candidate: Candidate {
                id: row.id,
                reported_hostname: row.reported_hostname.filter(|reported| *reported != row.hostname),
                hostname: row.hostname,
                deleted: status == Status::Deleted,
                current: current.into_iter().next().map(known),
                former: former.into_iter().map(known).collect(),
                last_seen: states.get(&row.id).map(|seen| seen.at),
                interval: facts.get(&row.id).and_then(Facts::interval),
                addresses: addresses.remove(&row.id).unwrap_or_default().iter().map(|a| a.ip).collect(),
                keys: Keys {
                    bound: row.agent_key_id.map(|key| Bound { key, is_valid: valid.contains(&key) }),
                    previous: previous.get(&row.id).copied(),
                },
            },
            status,
            ssh_port: port_of(row.ssh_port)?,
            alias: row.alias,
            alias_edited: row.alias_edited,
            hostname_edited: row.hostname_edited,
        })
    });
    known.collect()
}
