//! The first page: who is signed in, the fleet in numbers, and the machines.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use uuid::Uuid;

use super::{Frame, html};
use crate::http::AppState;
use crate::http::auth::Person;
use crate::http::client::Client;
use crate::http::error::Result;
use crate::model::presence::Presence;
use crate::model::time::Timestamp;
use crate::model::vps::Vps;
use crate::model::vps_filter::VpsFilter;
use crate::service::Error;

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    frame: Frame,
    total: u64,
    active: u64,
    providers: u64,
    rows: Vec<Row>,
}

/// A machine of the table.
struct Row {
    hostname: String,
    presence: Presence,
    provider: Option<String>,
    seen_at: Option<String>,
    seen: String,
}

impl Row {
    fn new(now: Timestamp, vps: Vps, providers: &HashMap<Uuid, String>) -> Self {
        Self {
            hostname: vps.hostname,
            presence: vps.presence,
            provider: vps.provider_id.and_then(|id| providers.get(&id).cloned()),
            seen_at: vps.last_seen_at.map(|at| at.to_string()),
            seen: vps.last_seen_at.map_or_else(|| "never".to_owned(), |at| ago(now, at)),
        }
    }

    fn word(&self) -> &'static str {
        match self.presence {
            Presence::Online => "online",
            Presence::Late => "late",
            Presence::Offline => "offline",
            Presence::Never => "never",
        }
    }

    /// A shape as well as a colour: not everybody sees the latter.
    fn shape(&self) -> &'static str {
        match self.presence {
            Presence::Online => "●",
            Presence::Late => "◐",
            Presence::Offline => "○",
            Presence::Never => "–",
        }
    }
}

/// The page.
pub(in crate::http) async fn show(
    State(hub): AppState,
    client: Client,
    Person(signed): Person,
) -> Result<Response> {
    let now = Timestamp::now();
    let filter = VpsFilter::from_parameters(&[("per_page".to_owned(), "100".to_owned())])?;
    let (machines, stats) = (hub.list_vps(now, &filter).await?, hub.stats(now).await?);
    let providers = hub.store.provider_names().await.map_err(Error::from)?;
    let page = HomePage {
        frame: Frame::of(client, &signed),
        total: stats.total_vps,
        active: stats.active_vps,
        providers: stats.total_providers,
        rows: machines.data.into_iter().map(|vps| Row::new(now, vps, &providers)).collect(),
    };
    Ok(html(StatusCode::OK, &page))
}

/// How long before `now`, in the largest unit that says something.
pub(super) fn ago(now: Timestamp, at: Timestamp) -> String {
    match at.age(now).as_secs() {
        seconds @ 0..120 => format!("{seconds} s ago"),
        seconds @ 120..7200 => format!("{} min ago", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h ago", seconds / 3600),
        seconds => format!("{} days ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_in_a_unit_that_says_something() {
        let now = Timestamp::from_ms(1_000_000_000_000);
        for (seconds, said) in [
            (0, "0 s ago"),
            (119, "119 s ago"),
            (120, "2 min ago"),
            (7200, "2 h ago"),
            (172_800, "2 days ago"),
        ] {
            assert_eq!(ago(now, Timestamp::from_ms(now.ms() - seconds * 1000)), said);
        }
    }
}
