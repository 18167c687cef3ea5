//! What the page of a machine shows.

use std::net::IpAddr;
use std::time::Duration;

use askama::Template;
use sigma_protocol::SystemInfo;
use uuid::Uuid;

use super::marks::{Open, Settled};
use super::sizes::{Now, Size, less_than_bought, now as measured_now, sizes};
use super::strip::Heard;
use crate::http::error::Result;
use crate::http::web::audit_words::{AuditLine, lines_of_it};
use crate::http::web::row::{Expiry, Guess, expiry, percent};
use crate::http::web::words::{Moment, long, span};
use crate::http::web::{Frame, Wrong};
use crate::model::address_history::KnownAddress;
use crate::model::audit::AuditFilter;
use crate::model::paging::Paging;
use crate::model::search::{Query, Term, Wanted};
use crate::model::time::Timestamp;
use crate::model::vps::{Reported, Status, Vps};
use crate::service::Hub;
use crate::service::identity::{IdentityView, ShownFace};

/// Lines of the audit log that the page itself has.
const LINES: u64 = 20;
/// Days of presence that are looked at.
const DAYS: u32 = 30;
/// Of a hash so many characters tell it from others.
const SHORT_CHARS: usize = 12;
/// Tags that are shown before "so many more".
const TAGS: usize = 24;

#[derive(Template)]
#[template(path = "machine.html")]
pub(super) struct MachinePage {
    pub(super) frame: Frame,
    /// What is wrong with what was asked for.
    pub(super) wrong: Wrong,
    vps: Vps,
    provider: Option<(Uuid, String)>,
    guess: Option<Guess>,
    why: Vec<String>,
    open: Vec<Open>,
    less: String,
    seen: Option<Moment>,
    /// What the page says was so then: it does not follow the machine.
    as_of: Moment,
    expires: Option<Expiry>,
    made: Moment,
    changed: Moment,
    sizes: Vec<Size>,
    now: Now,
    agent: Option<Agent>,
    system: Vec<(&'static str, String)>,
    heard: Option<Heard>,
    present: Vec<Known>,
    former: Vec<Known>,
    faces: Vec<Face>,
    key: Key,
    deleted: Option<Deleted>,
    lines: Vec<AuditLine>,
    /// Lines of the audit log in all.
    all_lines: u64,
}

/// The agent on the machine.
struct Agent {
    version: Option<String>,
    interval: Option<String>,
    uptime: Option<String>,
}

/// An address that it has, or had.
struct Known {
    ip: IpAddr,
    label: String,
    first: Moment,
    last: Moment,
    since: Moment,
    before: Vec<Owner>,
}

/// A machine that had an address before.
struct Owner {
    id: Uuid,
    hostname: String,
    until: Moment,
}

/// A name and evidence under which it reported.
struct Face {
    hostname: String,
    machine_id: Option<(String, String)>,
    boot_id: Option<(String, String)>,
    first: Moment,
    last: Moment,
    is_current: bool,
}

/// Whose key speaks for it.
enum Key {
    None,
    Named(String),
    Id(Uuid),
}

/// What happened since it was deleted.
struct Deleted {
    refused: u64,
    last: Option<Moment>,
    merged_into: Option<(Uuid, String)>,
}

impl MachinePage {
    pub(super) async fn load(hub: &Hub, now: Timestamp, frame: Frame, id: Uuid) -> Result<Self> {
        let vps = hub.vps(now, id).await?;
        let identity = hub.identity_of(&vps).await?;
        let presence = hub.presence_of(now, &vps, DAYS).await?;
        let addresses = hub.address_history_of(now, &vps).await?;
        let paging = Paging { page: 1, per_page: LINES };
        let of_it = AuditFilter { subject_id: Some(id), paging, ..AuditFilter::default() };
        let audit = hub.audit_log(&of_it).await?;
        let providers = hub.provider_names().await?;
        let (present, former) = addresses.into_iter().partition(|address| address.present);
        let (present, former) = (known(now, present), known(now, former));
        let sizes = sizes(&vps);
        Ok(Self {
            wrong: Wrong::default(),
            provider: vps.provider_id.and_then(|id| Some((id, providers.get(&id)?.clone()))),
            guess: vps.suggestion.as_ref().map(|suggestion| Guess {
                provider: suggestion.provider.clone(),
                percent: percent(suggestion.score, 1.0),
                why: String::new(),
            }),
            why: vps.suggestion.iter().flat_map(|it| &it.reasons).map(ToString::to_string).collect(),
            open: vps.marks.iter().cloned().map(|mark| Open::new(now, mark)).collect(),
            less: less_than_bought(&sizes),
            sizes,
            seen: vps.last_seen_at.map(|at| Moment::new(now, at)),
            as_of: Moment::new(now, now),
            expires: vps.expire_date.as_ref().map(|day| expiry(now, day)),
            made: Moment::new(now, vps.created_at),
            changed: Moment::new(now, vps.updated_at),
            now: vps.reported.as_ref().map(measured_now).unwrap_or_default(),
            agent: vps.reported.as_ref().map(agent),
            system: vps.reported.as_ref().map(|it| system(&it.system_info)).unwrap_or_default(),
            heard: Heard::new(now, &presence),
            present,
            former,
            key: key(hub, &frame, identity.agent_key_id).await,
            deleted: deleted(hub, now, &vps, &identity).await?,
            faces: identity.faces.into_iter().map(|shown| face(now, shown)).collect(),
            lines: lines_of_it(hub, now, audit.data).await?,
            all_lines: audit.total,
            vps,
            frame,
        })
    }

    /// Whether the trail goes on elsewhere.
    fn has_more_lines(&self) -> bool {
        self.all_lines > LINES
    }

    fn place(&self) -> String {
        let parts = [&self.vps.city, &self.vps.country, &self.vps.dc_name];
        parts.into_iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(", ")
    }

    /// Those of its tags that are shown at once, and the others.
    fn tags(&self) -> (&[String], &[String]) {
        self.vps.tags.split_at(TAGS.min(self.vps.tags.len()))
    }

    /// The machines that have a tag.
    fn with_tag(&self, tag: &str) -> String {
        let term = Term { not: false, wanted: Wanted::Tag(Some(tag.to_owned())) };
        let q = Query { terms: vec![term] }.to_string();
        let q: String = form_urlencoded::byte_serialize(q.as_bytes()).collect();
        format!("/?q={q}")
    }

    fn cost(&self) -> Option<String> {
        let cost = self.vps.cost_monthly.as_ref()?;
        Some(format!("{cost} {}", self.vps.currency).trim_end().to_owned())
    }
}

fn agent(reported: &Reported) -> Agent {
    let seconds = |seconds: u64| long(Duration::from_secs(seconds));
    Agent {
        version: reported.agent.version.clone(),
        interval: reported.agent.interval_seconds.map(|every| seconds(every.into())),
        uptime: reported.system_info.uptime_seconds.map(|up| span(Duration::from_secs(up))),
    }
}

fn system(info: &SystemInfo) -> Vec<(&'static str, String)> {
    let all = [
        ("Operating system", &info.os),
        ("Kernel", &info.kernel),
        ("Architecture", &info.arch),
        ("Virtualization", &info.virtualization),
        ("CPU", &info.cpu_model),
        ("DMI vendor", &info.vendor),
        ("DMI product", &info.product),
        ("DMI asset tag", &info.asset_tag),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
}

fn known(now: Timestamp, addresses: Vec<KnownAddress>) -> Vec<Known> {
    let known = addresses.into_iter().map(|address| Known {
        ip: address.ip,
        label: address.label,
        first: Moment::new(now, address.first_seen),
        last: Moment::new(now, address.last_seen),
        since: Moment::new(now, address.since),
        before: address
            .previous_owners
            .into_iter()
            .map(|owner| Owner {
                id: owner.vps_id,
                hostname: owner.hostname,
                until: Moment::new(now, owner.last_seen),
            })
            .collect(),
    });
    known.collect()
}

/// The hash, and as much of it as tells it from others.
fn short(hash: String) -> (String, String) {
    (hash.chars().take(SHORT_CHARS).collect(), hash)
}

fn face(now: Timestamp, shown: ShownFace) -> Face {
    Face {
        hostname: shown.hostname,
        machine_id: shown.machine_id.map(short),
        boot_id: shown.boot_id.map(short),
        first: Moment::new(now, shown.first_seen),
        last: Moment::new(now, shown.last_seen),
        is_current: shown.current,
    }
}

/// Keys are for administrators; others see which one it is.
async fn key(hub: &Hub, frame: &Frame, id: Option<Uuid>) -> Key {
    let Some(id) = id else { return Key::None };
    if !frame.is_admin() {
        return Key::Id(id);
    }
    hub.key(id).await.map_or(Key::Id(id), |key| Key::Named(key.name))
}

async fn deleted(hub: &Hub, now: Timestamp, vps: &Vps, identity: &IdentityView) -> Result<Option<Deleted>> {
    if vps.status != Status::Deleted {
        return Ok(None);
    }
    let merged_into = match identity.merged_into {
        Some(id) => Some((id, hub.vps(now, id).await?.hostname)),
        None => None,
    };
    let last = identity.refused_at.map(|at| Moment::new(now, at));
    Ok(Some(Deleted { refused: identity.refused_reports, last, merged_into }))
}
