//! How long a change of the whole fleet takes, and taking it back; and whoever reports meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::at;
use crate::fleet::{registration, taken};
use crate::http::Connection;
use crate::hub::Folder;

/// So many machines are changed at once, at most.
pub(crate) const MOST: u32 = 10_000;
const PATIENCE: Duration = Duration::from_secs(120);

/// What it took.
pub(crate) struct Bulk {
    /// Assigning all of them to one provider.
    pub(crate) assign: Duration,
    pub(crate) undo: Duration,
    /// Tags and a date for all of them.
    pub(crate) tag: Duration,
    pub(crate) undo_tag: Duration,
    /// The longest time that a registration with nothing new waited meanwhile.
    pub(crate) slowest_report: Duration,
}

/// Changes all machines twice, there and back.
pub(crate) fn measure(folder: &Folder, provider: &str) -> Result<Bulk, String> {
    let (operator, agent) = (folder.key("operator")?, folder.key("admin")?);
    let open = |key: &str| Connection::open(folder.address, Some(key)).map_err(at("bulk"));
    let runs = AtomicBool::new(true);
    std::thread::scope(|scope| {
        let reports = scope.spawn(|| -> Result<Duration, String> {
            let body = serde_json::to_vec(&registration(0)).map_err(at("registration"))?;
            let mut slowest = Duration::ZERO;
            while runs.load(Ordering::Relaxed) {
                let mut hub = open(&agent)?;
                hub.patience(PATIENCE).map_err(at("bulk"))?;
                let began = Instant::now();
                taken(&hub.post("/api/agent/register", &body), 200)?;
                slowest = slowest.max(began.elapsed());
                std::thread::sleep(Duration::from_millis(20));
            }
            Ok(slowest)
        });
        let there_and_back = |change: Value| -> Result<(Duration, Duration), String> {
            let mut desk = open(&operator)?;
            desk.patience(PATIENCE).map_err(at("bulk"))?;
            let body = json!({"filter": {"country": "DE"}, "change": change}).to_string();
            let began = Instant::now();
            let answer = desk.post("/api/vps/bulk", body.as_bytes());
            let there = began.elapsed();
            let undo = format!("/api/vps/bulk/{}/undo", taken(&answer, 200)?.text("bulk"));
            let began = Instant::now();
            taken(&desk.post(&undo, b"{}"), 200)?;
            Ok((there, began.elapsed()))
        };
        let assigned = there_and_back(json!({"provider_id": provider}));
        let tagged = there_and_back(json!({"add_tags": ["bench"], "expire_date": "2032-01-01"}));
        runs.store(false, Ordering::Relaxed);
        let slowest_report = reports.join().map_err(|_| "a reporter fell over".to_owned())??;
        let ((assign, undo), (tag, undo_tag)) = (assigned?, tagged?);
        Ok(Bulk { assign, undo, tag, undo_tag, slowest_report })
    })
}
