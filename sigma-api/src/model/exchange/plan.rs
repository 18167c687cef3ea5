//! What an import would do, line by line, before anything is done.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Line, Row, Table};
use crate::model::audit::Changes;
use crate::model::text::Invalid;
use crate::model::vps::Status;

/// A record that is there.
#[derive(Debug)]
pub(crate) struct Existing {
    pub(crate) row: Row,
    /// Whether an agent reports for it, whose addresses then are as it says.
    pub(crate) has_agent: bool,
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    Create,
    Change,
    Same,
    Refuse,
}

/// What becomes of a line, for the person who imports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ImportLine {
    /// Line of the file (CSV), or place in the list (JSON), from 1.
    pub(crate) line: u64,
    pub(crate) action: Action,
    /// What the record is called.
    pub(crate) name: String,
    /// Member to `[from, to]`.
    pub(crate) changes: Changes,
    /// Why it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// A record that is to be written.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) before: Option<Row>,
    pub(crate) after: Row,
    pub(crate) changes: Changes,
}

/// What an import would do.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) lines: Vec<ImportLine>,
    pub(crate) writes: Vec<Planned>,
}

impl Plan {
    /// How many lines have that action.
    pub(crate) fn count(&self, action: Action) -> usize {
        self.lines.iter().filter(|line| line.action == action).count()
    }
}

/// A line on its way to a plan.
struct Draft {
    line: u64,
    name: String,
    planned: Result<Planned, Invalid>,
}

/// Compares lines with the records that are there. A line is about the record of its id, or else the living one of its
/// name; a line that finds neither makes one. Members that a file does not have stay as they are. `resolve` fills in what
/// depends on other records.
pub(crate) fn plan(
    table: &Table,
    lines: Vec<Line>,
    existing: &[Existing],
    resolve: impl Fn(&mut Row) -> Result<(), Invalid>,
) -> Plan {
    let known = Known::new(table, existing);
    let mut taken = HashMap::new();
    let mut drafts = Vec::with_capacity(lines.len());
    for line in lines {
        let name = line.row.as_ref().ok().and_then(|row| row.get(table.name)?.as_str()).map(str::to_owned);
        let planned = line.row.and_then(|row| known.planned(&row, &resolve)).and_then(|planned| match taken
            .insert(text(&planned.after, "id"), line.number)
        {
            Some(earlier) => {
                Err(Invalid::new(table.name, format!("line {earlier} is about the same record")))
            }
            None => Ok(planned),
        });
        let name = planned.as_ref().map(|planned| text(&planned.after, table.name)).ok().or(name);
        drafts.push(Draft { line: line.number, name: name.unwrap_or_default(), planned });
    }
    refuse_double_names(table, existing, &mut drafts);
    finished(drafts)
}

struct Known<'a> {
    table: &'a Table,
    by_id: HashMap<String, &'a Existing>,
    living: HashMap<String, &'a Existing>,
}

impl<'a> Known<'a> {
    fn new(table: &'a Table, existing: &'a [Existing]) -> Self {
        let by_id = existing.iter().map(|known| (text(&known.row, "id"), known)).collect();
        let living = existing.iter().filter(|known| !is_deleted(&known.row));
        let living = living.map(|known| (table.folded(&text(&known.row, table.name)), known)).collect();
        Self { table, by_id, living }
    }

    fn planned(
        &self,
        given: &Row,
        resolve: impl Fn(&mut Row) -> Result<(), Invalid>,
    ) -> Result<Planned, Invalid> {
        let mut row = self.table.check_row(given)?;
        resolve(&mut row)?;
        let name = text(&row, self.table.name);
        let of_id = self.by_id.get(&text(&row, "id"));
        let known = of_id.or_else(|| self.living.get(&self.table.folded(&name)));
        let Some(known) = known else { return self.created(row) };
        // A record that was found by its name keeps its id.
        row.remove("id");
        if let Some(addresses) = row.get_mut("ip_addresses").filter(|_| known.has_agent) {
            *addresses = relabelled(known.row.get("ip_addresses"), addresses);
        }
        let mut after = known.row.clone();
        after.extend(row);
        if is_deleted(&after) != is_deleted(&known.row) {
            return Err(Invalid::new(
                "status",
                "a record is deleted and restored by its own calls, not by an import",
            ));
        }
        let mut changes = Changes::default();
        for (member, value) in &after {
            changes.note(member, known.row.get(member).unwrap_or(&Value::Null), value);
        }
        Ok(Planned { before: Some(known.row.clone()), after, changes })
    }

    fn created(&self, row: Row) -> Result<Planned, Invalid> {
        if !row.contains_key(self.table.name) {
            return Err(Invalid::new(self.table.name, "is missing"));
        }
        let mut after = self.table.defaults();
        after.extend(row);
        if after.get("id").is_none_or(Value::is_null) {
            after.insert("id".to_owned(), json!(Uuid::now_v7()));
        }
        let mut changes = Changes::default();
        for (member, value) in after.iter().filter(|(_, value)| !is_empty(value)) {
            changes.note(member, &Value::Null, value);
        }
        Ok(Planned { before: None, after, changes })
    }
}

/// The addresses of a machine whose agent says which it has, with the labels of a file; others of the file are history.
fn relabelled(present: Option<&Value>, given: &Value) -> Value {
    let present = present.and_then(Value::as_array).cloned().unwrap_or_default();
    let given = given.as_array().cloned().unwrap_or_default();
    let same = |mine: &Value| given.iter().find(|given| given.get("ip") == mine.get("ip")).cloned();
    present.into_iter().map(|mine| same(&mine).unwrap_or(mine)).collect()
}

/// Refuses whoever wants a name that somebody else has then. Those who keep theirs come first.
fn refuse_double_names(table: &Table, existing: &[Existing], drafts: &mut [Draft]) {
    let touched: HashSet<String> = drafts
        .iter()
        .filter_map(|draft| draft.planned.as_ref().ok().map(|planned| text(&planned.after, "id")))
        .collect();
    let untouched = existing.iter().filter(|known| !touched.contains(&text(&known.row, "id")));
    let mut names: HashSet<String> = untouched
        .filter(|known| !is_deleted(&known.row))
        .map(|known| table.folded(&text(&known.row, table.name)))
        .collect();
    for keeps in [true, false] {
        for draft in drafts.iter_mut() {
            let Ok(planned) = &draft.planned else { continue };
            let name = |row: &Row| table.folded(&text(row, table.name));
            let kept = planned.before.as_ref().is_some_and(|before| name(before) == name(&planned.after));
            if is_deleted(&planned.after) || kept != keeps || names.insert(name(&planned.after)) {
                continue;
            }
            let reason = format!("{} is what another record is called", draft.name);
            draft.planned = Err(Invalid::new(table.name, reason));
        }
    }
}

fn finished(drafts: Vec<Draft>) -> Plan {
    let mut plan = Plan { lines: Vec::with_capacity(drafts.len()), writes: Vec::new() };
    for Draft { line, name, planned } in drafts {
        let (action, changes, error) = match &planned {
            Err(invalid) => (Action::Refuse, Changes::default(), Some(invalid.to_string())),
            Ok(planned) if planned.before.is_none() => (Action::Create, planned.changes.clone(), None),
            Ok(planned) if planned.changes.is_empty() => (Action::Same, Changes::default(), None),
            Ok(planned) => (Action::Change, planned.changes.clone(), None),
        };
        plan.lines.push(ImportLine { line, action, name, changes, error });
        plan.writes.extend(planned.ok().filter(|_| matches!(action, Action::Create | Action::Change)));
    }
    plan
}

fn text(row: &Row, name: &str) -> String {
    row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn is_deleted(row: &Row) -> bool {
    row.get("status").is_some_and(|status| status == Status::Deleted.name())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}
