//! The bodies of the agent endpoints, through the extractor and the checks that the handlers call.

#![no_main]

#[path = "../../../sigma-api/src"]
mod hub {
    pub mod http {
        pub mod body;
        pub mod error;

        use axum::extract::{FromRequest as _, Request};
        use axum::response::{IntoResponse as _, Response};

        /// What a handler does before it has a report.
        pub async fn report<T: serde::de::DeserializeOwned>(
            request: Request,
            check: fn(T) -> Result<crate::Report, crate::Invalid>,
        ) -> Result<crate::Report, Response> {
            let read: Result<body::Json<T>, _> = body::Json::from_request(request, &()).await;
            let message = read.map_err(|e| e.into_response())?.0;
            check(message).map_err(|invalid| error::ApiError::from(invalid).into_response())
        }
    }
    pub mod model {
        pub mod address;
        pub mod audit;
        pub mod binding;
        pub mod identity;
        pub mod paging;
        pub mod presence;
        pub mod report;
        pub mod text;
        pub mod time;
        pub mod whereabouts;
        pub mod wording;
    }
    pub mod service {
        mod error;
        pub(crate) use error::Error;
    }
}

/// Stands in for the database, which nothing here reaches.
mod store {
    #[derive(Debug)]
    pub enum StoreError {
        Unavailable(String),
        Conflict,
        Broken(String),
    }

    impl std::fmt::Display for StoreError {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "{self:?}")
        }
    }
}

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use hub::model::report::Report;
use hub::model::text::Invalid;
use hub::{model, service};
use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sigma_fuzz::is_plain;
use sigma_protocol::{
    Address, AgentInfo, ErrorAnswer, Heartbeat, MAX_ADDRESSES, MAX_BODY_BYTES, MachineEvidence, Registration,
    SystemInfo, is_hostname, is_unprintable,
};
use tokio::runtime::Runtime;

thread_local! {
    static RUNTIME: Runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
}

type Check<T> = fn(T) -> Result<Report, Invalid>;

fn read<T: DeserializeOwned>(body: &[u8], check: Check<T>) -> Result<Report, Response> {
    let request = Request::post("/api/agent/register").header("Content-Type", "application/json");
    let request = request.body(Body::from(body.to_vec())).unwrap();
    RUNTIME.with(|runtime| runtime.block_on(hub::http::report(request, check)))
}

fn look_at<T: DeserializeOwned + Serialize>(body: &[u8], check: Check<T>, message_of: fn(&Report) -> T) {
    let report = match read(body, check) {
        Ok(report) => report,
        Err(response) => return is_told(response, body),
    };
    assert!(body.len() <= MAX_BODY_BYTES);
    keeps_the_rules(&report);
    let again = serde_json::to_vec(&message_of(&report)).unwrap();
    assert!(again.len() <= MAX_BODY_BYTES, "{} bytes", again.len());
    let Ok(same) = read(&again, check) else {
        panic!("what was accepted is refused: {}", String::from_utf8_lossy(&again))
    };
    is_same(&same, &report);
}

/// Refused: a status of the client's fault and a sentence that can be shown.
fn is_told(response: Response, body: &[u8]) {
    let status = response.status().as_u16();
    assert_eq!(status, if body.len() > MAX_BODY_BYTES { 413 } else { 400 });
    let text = RUNTIME.with(|runtime| runtime.block_on(to_bytes(response.into_body(), 16 * 1024))).unwrap();
    let answer: ErrorAnswer = serde_json::from_slice(&text).unwrap();
    assert!(is_plain(&answer.error, 301) && !answer.error.chars().any(is_unprintable), "{:?}", answer.error);
}

fn keeps_the_rules(report: &Report) {
    assert!(is_hostname(&report.hostname));
    if let Some(addresses) = &report.addresses {
        assert!((1..=MAX_ADDRESSES).contains(&addresses.len()));
        assert!(addresses.is_sorted_by(|a, b| a.ip < b.ip), "sorted, each once");
        assert!(addresses.iter().all(|a| !a.ip.is_unspecified() && !a.ip.is_multicast()));
        assert!(
            addresses
                .iter()
                .all(|a| a.label.is_empty() || is_plain(&a.label, 64) && !a.label.chars().any(is_unprintable))
        );
    }
    let (facts, state) = (&report.facts, &report.state);
    let texts =
        [&facts.kernel, &facts.os, &facts.arch, &facts.virtualization, &facts.cpu_model, &facts.vendor];
    let more = [&facts.product, &facts.asset_tag, &facts.agent_version, &facts.machine_id, &facts.boot_id];
    let alias = report.registration.as_ref().and_then(|r| r.alias.as_ref());
    for text in texts.into_iter().chain(more).flatten().chain(alias) {
        assert!(is_plain(text, 256) && !text.chars().any(is_unprintable), "{text:?}");
    }
    assert!(report.registration.as_ref().is_none_or(|r| r.ssh_port != 0));
    assert!(facts.cpu_cores.is_none_or(|n| (1..=65_536).contains(&n)));
    assert!(facts.interval().is_none_or(|i| (1..=86_400).contains(&i.as_secs())));
    let sizes = [facts.ram_mb, facts.disk_gb, facts.swap_mb, state.ram_used_mb, state.swap_used_mb];
    assert!(sizes.into_iter().flatten().all(|size| size <= 1 << 31));
    assert!(
        state.uptime_seconds.is_none_or(|s| i64::try_from(s).is_ok_and(|s| s.checked_mul(1000).is_some()))
    );
    let numbers = state.load_avg.into_iter().flatten().chain(state.disk_used_gb);
    assert!(numbers.into_iter().all(|n| n.is_finite() && n >= 0.0));
}

/// Equal; a number that was not written in its shortest form may differ in its last bit.
fn is_same(a: &Report, b: &Report) {
    let numbers =
        |r: &Report| r.state.load_avg.into_iter().flatten().chain(r.state.disk_used_gb).collect::<Vec<_>>();
    let (x, y) = (numbers(a), numbers(b));
    assert_eq!(x.len(), y.len());
    assert!(x.iter().zip(&y).all(|(x, y)| (x - y).abs() <= x.abs() * 1e-14), "{x:?} {y:?}");
    let without = |r: &Report| {
        let mut r = r.clone();
        (r.state.load_avg, r.state.disk_used_gb) = (None, None);
        r
    };
    assert_eq!(without(a), without(b));
}

fn registration(report: &Report) -> Registration {
    let enrolment = report.registration.as_ref().expect("a registration enrols");
    Registration {
        hostname: report.hostname.clone(),
        ip_addresses: addresses(report).unwrap_or_default(),
        ssh_port: enrolment.ssh_port,
        system_info: system_info(report),
        alias: enrolment.alias.clone(),
        agent: Some(agent(report)),
        machine: Some(machine(report)),
    }
}

fn heartbeat(report: &Report) -> Heartbeat {
    assert_eq!(report.registration, None);
    Heartbeat {
        hostname: report.hostname.clone(),
        ip_addresses: addresses(report),
        system_info: system_info(report),
        agent: Some(agent(report)),
        machine: Some(machine(report)),
    }
}

fn addresses(report: &Report) -> Option<Vec<Address>> {
    report.addresses.clone()
}

fn agent(report: &Report) -> AgentInfo {
    AgentInfo { version: report.facts.agent_version.clone(), interval_seconds: report.facts.interval_seconds }
}

fn machine(report: &Report) -> MachineEvidence {
    MachineEvidence { id: report.facts.machine_id.clone(), boot_id: report.facts.boot_id.clone() }
}

fn system_info(report: &Report) -> SystemInfo {
    let (facts, state) = (report.facts.clone(), report.state);
    SystemInfo {
        cpu_cores: facts.cpu_cores,
        ram_mb: facts.ram_mb,
        disk_gb: facts.disk_gb,
        uptime_seconds: state.uptime_seconds,
        load_avg: state.load_avg,
        ram_used_mb: state.ram_used_mb,
        swap_mb: facts.swap_mb,
        swap_used_mb: state.swap_used_mb,
        disk_used_gb: state.disk_used_gb,
        kernel: facts.kernel,
        os: facts.os,
        arch: facts.arch,
        virtualization: facts.virtualization,
        cpu_model: facts.cpu_model,
        vendor: facts.vendor,
        product: facts.product,
        asset_tag: facts.asset_tag,
    }
}

fuzz_target!(|body: &[u8]| {
    look_at(body, Report::from_registration, registration);
    look_at(body, Report::from_heartbeat, heartbeat);
});
