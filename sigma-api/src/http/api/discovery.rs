//! The fleet for other tools.

use axum::Json as Answer;
use axum::extract::State;

use crate::http::AppState;
use crate::http::auth::Viewer;
use crate::http::body::Parameters;
use crate::http::error::{ErrorBody, Result};
use crate::http::failures::Usual;
use crate::model::ansible::Inventory;
use crate::model::targets::TargetGroup;
use crate::model::time::Timestamp;
use crate::model::vps_filter::VpsFilter;

/// What Prometheus is to watch: for `http_sd`, or saved for `file_sd`. Machines that are watched and active or being
/// set up, each by its public address.
#[utoipa::path(get, path = "/api/prometheus/targets", tag = "discovery", params(
    ("q" = Option<String>, Query, description = "a search, as for the list of machines, whose other filters work as well"),
), responses(
    Usual,
    (status = 200, body = Vec<TargetGroup>),
    (status = 400, description = "a parameter is not understood; the sentence names it", body = ErrorBody),
))]
pub(in crate::http) async fn prometheus(
    State(hub): AppState,
    _: Viewer,
    Parameters(parameters): Parameters,
) -> Result<Answer<Vec<TargetGroup>>> {
    let filter = VpsFilter::from_parameters(&parameters)?;
    Ok(Answer(hub.targets(Timestamp::now(), &filter).await?))
}

/// What a dynamic inventory of Ansible prints for `--list`. No value in it can be a template.
#[utoipa::path(get, path = "/api/ansible/inventory", tag = "discovery", params(
    ("q" = Option<String>, Query, description = "a search, as for the list of machines, whose other filters work as well"),
), responses(
    Usual,
    (status = 200, body = Inventory),
    (status = 400, description = "a parameter is not understood; the sentence names it", body = ErrorBody),
))]
pub(in crate::http) async fn ansible(
    State(hub): AppState,
    _: Viewer,
    Parameters(parameters): Parameters,
) -> Result<Answer<Inventory>> {
    let filter = VpsFilter::from_parameters(&parameters)?;
    Ok(Answer(hub.ansible(Timestamp::now(), &filter).await?))
}
