//! What one page was told, and what it is to be told next.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Line, MARK_CHARS, Shown};
use crate::model::time::Timestamp;

/// What a page shows, as far as it was told.
pub(super) struct Told {
    /// Marks that the page has, in the order of its rows.
    marks: Vec<String>,
    /// Its machines; not known of a page that has just come.
    ids: Option<HashSet<Uuid>>,
    order: Vec<Uuid>,
    sum: Value,
    /// When the page was made: who came later is new.
    since: Timestamp,
    last: Option<Arc<Shown>>,
}

impl Told {
    /// What the page says that it shows.
    pub(super) fn of(parameters: &[(String, String)]) -> Self {
        let get = |name: &str| parameters.iter().find(|(given, _)| given == name).map_or("", |(_, v)| v);
        let letters: Vec<char> = get("have").chars().collect();
        let since = get("since").parse().map_or_else(|_| Timestamp::now(), Timestamp::from_ms);
        Self {
            marks: letters.chunks(MARK_CHARS).map(|mark| mark.iter().collect()).collect(),
            ids: None,
            order: Vec::new(),
            sum: Value::Null,
            since,
            last: None,
        }
    }

    /// What the page does not show yet, as events; empty when that is nothing.
    pub(super) fn news(&mut self, shown: &Arc<Shown>) -> String {
        if self.last.as_ref().is_some_and(|last| Arc::ptr_eq(last, shown)) {
            return String::new();
        }
        let known: HashSet<&str> = self.marks.iter().map(String::as_str).collect();
        let fresh = shown.lines.iter().filter(|line| !known.contains(&*line.mark));
        let rows: Vec<Value> = fresh.map(|line| self.row(line)).collect();
        let marks: Vec<String> = shown.lines.iter().map(|line| line.mark.clone()).collect();
        let order: Vec<Uuid> = shown.lines.iter().map(|line| line.id).collect();
        let is_moved = if self.ids.is_some() { order != self.order } else { marks != self.marks };
        let mut events = String::new();
        if !rows.is_empty() || is_moved {
            let order = is_moved.then_some(&order);
            events += &event("rows", &json!({ "rows": rows, "order": order }));
        }
        if shown.sum != self.sum {
            events += &event("sum", &shown.sum);
        }
        self.ids = Some(order.iter().copied().collect());
        self.sum = shown.sum.clone();
        (self.marks, self.order, self.last) = (marks, order, Some(Arc::clone(shown)));
        events
    }

    fn row(&self, line: &Line) -> Value {
        let was_there = self.ids.as_ref().is_some_and(|ids| ids.contains(&line.id));
        let is_new = !was_there && line.has_reported && line.made > self.since;
        let first = is_new.then(|| format!("{} has reported for the first time.", line.hostname));
        json!({ "id": line.id, "html": line.html, "first": first })
    }
}

/// One event.
pub(super) fn event(name: &str, data: &Value) -> String {
    format!("id: {}\nevent: {name}\ndata: {data}\n\n", Timestamp::now().ms())
}
