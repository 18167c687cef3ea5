//! Requests by route, counted where every answer passes, and all that the hub measures as Prometheus reads it.

use std::collections::HashMap;
use std::fmt::{Display, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use crate::service::metrics::Measured;

/// Content type of what [`Metrics::render`] makes.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Classes of status, from 1xx to 5xx.
type Classes = [AtomicU64; 5];

/// Requests since the hub started. Every route has its counters from the beginning: counting takes no lock, and nobody
/// can make their number grow with addresses that do not exist.
#[derive(Debug)]
pub(super) struct Metrics {
    started: Instant,
    by_route: HashMap<&'static str, Vec<(Method, Classes)>>,
    elsewhere: Classes,
}

impl Metrics {
    /// Counters for those routes.
    pub(super) fn new(routes: impl Iterator<Item = (Method, &'static str)>) -> Arc<Self> {
        let mut by_route: HashMap<_, Vec<_>> = HashMap::new();
        for (method, path) in routes {
            by_route.entry(path).or_default().push((method, Classes::default()));
        }
        Arc::new(Self { started: Instant::now(), by_route, elsewhere: Classes::default() })
    }

    /// How long the hub runs.
    pub(super) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    fn count(&self, method: &Method, route: Option<&MatchedPath>, status: StatusCode) {
        let methods = route.and_then(|route| self.by_route.get(route.as_str()));
        let of_method = methods.and_then(|all| all.iter().find(|(known, _)| known == method));
        let classes = of_method.map_or(&self.elsewhere, |(_, classes)| classes);
        if let Some(counter) = classes.get(usize::from(status.as_u16() / 100).saturating_sub(1)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The text format of Prometheus, version 0.0.4.
    pub(super) fn render(&self, measured: &Measured) -> String {
        let mut text = Exposition::default();
        text.family("sigma_build_info", "gauge", "Version of the hub.");
        text.sample("sigma_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
        text.family("sigma_uptime_seconds", "gauge", "Seconds since the hub started.");
        text.sample("sigma_uptime_seconds", &[], self.uptime().as_secs());
        self.render_requests(&mut text);
        text.family("sigma_reports_total", "counter", "Reports of agents by kind and what became of them.");
        for (kind, outcome, count) in &measured.reports {
            text.sample("sigma_reports_total", &[("kind", kind), ("outcome", outcome)], count);
        }
        render_fleet(&mut text, measured);
        if let Some(bytes) = measured.database_bytes {
            text.family("sigma_database_bytes", "gauge", "Size of the database on disk.");
            text.sample("sigma_database_bytes", &[], bytes);
        }
        text.family("sigma_report_queue_length", "gauge", "Reports that wait to be written.");
        text.sample("sigma_report_queue_length", &[], measured.queued);
        text.family("sigma_report_queue_limit", "gauge", "Reports that may wait to be written.");
        text.sample("sigma_report_queue_limit", &[], measured.queue_limit);
        text.0
    }

    fn render_requests(&self, text: &mut Exposition) {
        text.family(
            "sigma_http_requests_total",
            "counter",
            "Requests by route, method and class of status; no route is an address that does not exist.",
        );
        let routes = self.by_route.iter().flat_map(|(route, methods)| {
            methods.iter().map(|(method, classes)| (*route, method.as_str(), classes))
        });
        let mut all: Vec<_> = routes.chain([("", "", &self.elsewhere)]).collect();
        all.sort_by_key(|(route, method, _)| (*route, *method));
        for (route, method, classes) in all {
            let named = ["1xx", "2xx", "3xx", "4xx", "5xx"].into_iter().zip(classes);
            for (class, counter) in named {
                let count = counter.load(Ordering::Relaxed);
                // Nothing answers 1xx or 3xx in most places; a counter that never moves says nothing.
                if count > 0 || matches!(class, "2xx" | "4xx" | "5xx") {
                    let labels = [("route", route), ("method", method), ("status", class)];
                    text.sample("sigma_http_requests_total", &labels, count);
                }
            }
        }
    }
}

fn render_fleet(text: &mut Exposition, measured: &Measured) {
    text.family("sigma_machines_by_presence", "gauge", "Living machines by whether they report.");
    for (presence, count) in &measured.by_presence {
        text.sample("sigma_machines_by_presence", &[("presence", presence)], count);
    }
    text.family("sigma_machines_by_status", "gauge", "Machines by status, deleted ones too.");
    for count in &measured.by_status {
        text.sample("sigma_machines_by_status", &[("status", &count.label)], count.count);
    }
    text.family(
        "sigma_machines_by_provider",
        "gauge",
        "Living machines by provider; an empty one is that nobody said which.",
    );
    for count in &measured.by_provider {
        text.sample("sigma_machines_by_provider", &[("provider", &count.label)], count.count);
    }
    text.family("sigma_providers", "gauge", "Providers.");
    text.sample("sigma_providers", &[], measured.providers);
}

/// Counts every answer, those of refusals and of missing addresses too.
pub(super) async fn count(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    let response = next.run(request).await;
    metrics.count(&method, route.as_ref(), response.status());
    response
}

/// Text that grows line by line.
#[derive(Debug, Default)]
struct Exposition(String);

impl Exposition {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String does not fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        for (index, (label, text)) in labels.iter().enumerate() {
            let opening = if index == 0 { '{' } else { ',' };
            let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.0, "{opening}{label}=\"{text}\"");
        }
        let closing = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{closing} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        let mut text = Exposition::default();
        text.sample("a", &[("b", "c\"d\\e\nf"), ("g", "")], 5);
        text.sample("h", &[], 1);
        assert_eq!(text.0, "a{b=\"c\\\"d\\\\e\\nf\",g=\"\"} 5\nh 1\n");
    }
}
