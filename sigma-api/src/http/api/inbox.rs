//! What waits for a person.

use axum::Json as Answer;
use axum::extract::State;

use crate::http::AppState;
use crate::http::auth::Viewer;
use crate::http::error::Result;
use crate::http::failures::Usual;
use crate::model::inbox::Inbox;
use crate::model::time::Timestamp;

/// Everything that waits for a person: machines without provider in groups, and those that deserve a look, by why. Of
/// each, the first 50 are listed.
#[utoipa::path(get, path = "/api/inbox", tag = "inventory", responses(
    Usual,
    (status = 200, body = Inbox),
))]
pub(in crate::http) async fn read(State(hub): AppState, _: Viewer) -> Result<Answer<Inbox>> {
    Ok(Answer(hub.inbox(Timestamp::now()).await?))
}
