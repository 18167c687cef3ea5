//! Taking a change back: what of it still is as the change left it, and what that was before.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::audit::Changes;
use super::time::Timestamp;
use super::vps::{Status, Vps};
use super::vps_change::{Action, VpsChange};

/// What is older was built upon: whoever wants it otherwise looks at it and changes it.
const UNDO_WITHIN: Duration = Duration::from_secs(24 * 60 * 60);

/// Whether what was done then can still be taken back.
pub(crate) fn can_be_undone(now: Timestamp, at: Timestamp) -> bool {
    at.age(now) <= UNDO_WITHIN
}

/// What a log line says beside members of the record.
const NO_MEMBERS: [&str; 3] = ["bulk", "provider", "suggestion"];

/// What became of taking a bulk change back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct UndoResult {
    /// Machines of which something is as before again.
    pub(crate) undone: usize,
    /// Machines of which something stays, because it was changed since.
    pub(crate) kept: usize,
    /// A sentence about each of the first 20 of those.
    pub(crate) reasons: Vec<String>,
    /// Those of which something is as before.
    pub(crate) ids: Vec<Uuid>,
    /// Names of providers that the change had made and nobody needs without it: they are deleted.
    pub(crate) deleted_providers: Vec<String>,
    /// Names of those that stay, because they are in use or were changed since.
    pub(crate) kept_providers: Vec<String>,
    /// By what this can be taken back in turn for a day; absent when nothing changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bulk: Option<Uuid>,
}

/// What is changed so that a record is as before, and which members stay because they were changed since.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct TakingBack {
    pub(crate) change: VpsChange,
    pub(crate) kept: Vec<String>,
}

/// How `changes` of a record that is like `present` now are taken back. What a `later` change touched stays, even where it
/// is again as these changes left it: somebody wanted it so.
pub(crate) fn taking_back(present: &Vps, changes: &Changes, later: &[&Changes]) -> TakingBack {
    let Ok(Value::Object(present_members)) = serde_json::to_value(present) else {
        return TakingBack::default();
    };
    let (mut before, mut action, mut kept) = (Map::new(), None, Vec::new());
    for (member, from, to) in changes.members().filter(|(member, ..)| !NO_MEMBERS.contains(member)) {
        if member == "tags" {
            tags_back(present, (from, to), &touched_tags(later), &mut before, &mut kept);
        } else if is_touched(later, member) || present_members.get(member).unwrap_or(&Value::Null) != to {
            kept.push(member.to_owned());
        } else if member == "status" && is_deleted(to) {
            action = Some(Action::Restore);
        } else if member == "status" && is_deleted(from) {
            action = Some(Action::Delete);
        } else {
            before.insert(member.to_owned(), from.clone());
        }
    }
    let members: Vec<String> = before.keys().cloned().collect();
    match serde_json::from_value::<VpsChange>(Value::Object(before)) {
        Ok(change) => TakingBack { change: VpsChange { action, ..change }, kept },
        Err(_) => {
            kept.extend(members);
            TakingBack { change: VpsChange { action, ..VpsChange::default() }, kept }
        }
    }
}

fn is_deleted(status: &Value) -> bool {
    *status == Status::Deleted.name()
}

fn is_touched(later: &[&Changes], member: &str) -> bool {
    later.iter().any(|changes| changes.members().any(|(other, ..)| other == member))
}

fn list(value: &Value) -> Vec<String> {
    serde_json::from_value(value.clone()).unwrap_or_default()
}

/// Tags that came or went later.
fn touched_tags(later: &[&Changes]) -> Vec<String> {
    let mut touched = Vec::new();
    for (_, from, to) in
        later.iter().flat_map(|changes| changes.members()).filter(|(name, ..)| *name == "tags")
    {
        let (from, to) = (list(from), list(to));
        touched.extend(from.iter().filter(|tag| !to.contains(tag)).cloned());
        touched.extend(to.into_iter().filter(|tag| !from.contains(tag)));
    }
    touched
}

/// Each tag by itself: others may have come or gone since.
fn tags_back(
    present: &Vps,
    (from, to): (&Value, &Value),
    touched: &[String],
    before: &mut Map<String, Value>,
    kept: &mut Vec<String>,
) {
    let (from, to) = (list(from), list(to));
    let has = |tag: &&String| present.tags.contains(*tag) && !touched.contains(*tag);
    let lacks = |tag: &&String| !present.tags.contains(*tag) && !touched.contains(*tag);
    let (added, came_off): (Vec<_>, Vec<_>) = to.iter().filter(|tag| !from.contains(tag)).partition(has);
    let (removed, came_back): (Vec<_>, Vec<_>) = from.iter().filter(|tag| !to.contains(tag)).partition(lacks);
    if !came_off.is_empty() || !came_back.is_empty() {
        kept.push("tags".to_owned());
    }
    for (member, tags) in [("remove_tags", added), ("add_tags", removed)] {
        if !tags.is_empty() {
            before.insert(member.to_owned(), tags.into_iter().cloned().map(Value::String).collect());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Vps {
        Vps { hostname: "a".into(), ..Vps::blank(Timestamp::from_ms(0), Uuid::nil()) }
    }

    fn tags(tags: &[&str]) -> Vec<String> {
        tags.iter().map(|tag| (*tag).to_owned()).collect()
    }

    /// What taking back the step from `before` to `after` does to `now`, and what it keeps.
    fn taken_back(before: &Vps, after: &Vps, now: &Vps) -> (Vps, Vec<String>) {
        let mut changes = after.changes_since(before);
        changes.note_bulk(Some(Uuid::max()));
        let TakingBack { change, kept } = taking_back(now, &changes, &[]);
        let mut undone = now.clone();
        change.apply(&mut undone).unwrap();
        (undone, kept)
    }

    #[test]
    fn what_nobody_touched_since_is_as_before() {
        let before = Vps { tags: tags(&["a", "b"]), expire_date: Some("2026-01-02".into()), ..machine() };
        let after = Vps {
            tags: tags(&["b", "c"]),
            expire_date: None,
            provider_id: Some(Uuid::max()),
            status: Status::Retired,
            bandwidth_tb: Some(0.1),
            cost_monthly: Some("4.90".into()),
            ..machine()
        };
        let (undone, kept) = taken_back(&before, &after, &after);
        assert!(undone.changes_since(&before).is_empty(), "{:?}", undone.changes_since(&before));
        assert!(kept.is_empty(), "{kept:?}");
    }

    #[test]
    fn what_was_changed_since_stays() {
        let before = Vps { tags: tags(&["a", "b"]), notes: "old".into(), ..machine() };
        let after = Vps { tags: tags(&["c", "d"]), notes: "new".into(), city: "Oslo".into(), ..machine() };
        let now = Vps { tags: tags(&["a", "d", "e"]), notes: "newer".into(), ..after.clone() };
        let (undone, kept) = taken_back(&before, &after, &now);
        assert_eq!(undone.tags, ["a", "b", "e"]);
        assert_eq!((&*undone.notes, &*undone.city), ("newer", ""));
        assert_eq!(kept, ["notes", "tags"]);
    }

    #[test]
    fn deleting_and_restoring_take_each_other_back() {
        let (alive, deleted) = (machine(), Vps { status: Status::Deleted, ..machine() });
        let action = |changes: &Changes, now: &Vps| taking_back(now, changes, &[]).change.action;
        assert_eq!(action(&deleted.changes_since(&alive), &deleted), Some(Action::Restore));
        assert_eq!(action(&alive.changes_since(&deleted), &alive), Some(Action::Delete));
        let since = taking_back(&alive, &deleted.changes_since(&alive), &[]);
        assert_eq!((since.change, since.kept), (VpsChange::default(), vec!["status".to_owned()]));
    }

    #[test]
    fn what_was_changed_and_changed_back_since_stays_too() {
        let before = Vps { tags: tags(&["a"]), ..machine() };
        let after = Vps { tags: tags(&["b", "c"]), notes: "new".into(), city: "Oslo".into(), ..machine() };
        let between = Vps { tags: tags(&["a", "c"]), notes: "other".into(), ..after.clone() };
        let (there, back) = (between.changes_since(&after), after.changes_since(&between));
        let TakingBack { change, kept } =
            taking_back(&after, &after.changes_since(&before), &[&there, &back]);
        let mut undone = after.clone();
        change.apply(&mut undone).unwrap();
        assert_eq!((&*undone.notes, &*undone.city), ("new", ""));
        assert_eq!(undone.tags, ["b"], "c came with the change, and nobody touched it");
        assert_eq!(kept, ["notes", "tags"]);
    }
}
