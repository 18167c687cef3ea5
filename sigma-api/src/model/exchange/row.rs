//! What a row says beside the members of its record, and those members as a change.

use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use super::Row;
use crate::model::text::Invalid;
use crate::model::vps::Status;
use crate::model::wording::in_words;

/// The members of a row as a change that keeps the rules; members that are no part of it are passed over.
///
/// # Errors
/// Every member that is of another kind or breaks a rule by itself.
pub(crate) fn change_of<T: DeserializeOwned>(
    row: Row,
    check: impl Fn(T) -> Result<T, Invalid>,
) -> Result<T, Invalid> {
    parse(row.clone()).and_then(&check).map_err(|first| {
        let alone = row.into_iter().map(|member| parse(Row::from_iter([member])).and_then(&check));
        alone.filter_map(Result::err).filter(|other| *other != first).fold(first.clone(), Invalid::and)
    })
}

fn parse<T: DeserializeOwned>(row: Row) -> Result<T, Invalid> {
    serde_path_to_error::deserialize(Value::Object(row))
        .map_err(|error| Invalid::new(error.path().to_string(), in_words(&error.inner().to_string())))
}

/// The id of the record that a row is about, if it says one that can be read.
pub(crate) fn id_of(row: &Row) -> Option<Uuid> {
    row.get("id")?.as_str()?.parse().ok()
}

/// What a row calls its record.
pub(crate) fn name_of<'a>(row: &'a Row, member: &str) -> Option<&'a str> {
    row.get(member)?.as_str()
}

/// Whether a row is about a deleted record.
pub(crate) fn says_deleted(row: &Row) -> bool {
    row.get("status").is_some_and(|status| status == Status::Deleted.name())
}

/// Takes an id out of a row. An empty one is none: a file may be about what is yet to get one.
///
/// # Errors
/// When it is no UUID.
pub(crate) fn take_id(row: &mut Row, member: &str) -> Result<Option<Uuid>, Invalid> {
    let bad = || Invalid::new(member, "is a UUID, as 01939c3e-7b1a-7c3d-9a51-3f6f0b1d2e4a");
    let text = take_text(row, member).map_err(|_| bad())?;
    text.map(|id| id.parse().map_err(|_| bad())).transpose()
}

/// Takes the version of its record out of a row, if it says one.
///
/// # Errors
/// When it is none.
pub(crate) fn take_version(row: &mut Row) -> Result<Option<i64>, Invalid> {
    let said = row.remove(super::VERSION).filter(|said| !said.is_null());
    let bad = || Invalid::new(super::VERSION, "is the version of the record that you saw, from 1 on");
    said.map(|said| said.as_i64().filter(|version| *version > 0).ok_or_else(bad)).transpose()
}

/// Takes a text out of a row; an empty one is none.
///
/// # Errors
/// When it is something else than text.
pub(crate) fn take_text(row: &mut Row, member: &str) -> Result<Option<String>, Invalid> {
    match row.remove(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(_) => Err(Invalid::new(member, "is a text")),
    }
}
