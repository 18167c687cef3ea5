//! How the failures that many routes share are described.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

/// Failures of every route that needs a caller.
pub(super) struct Usual;

/// Failures of routes that read a body.
pub(super) struct OfBody;

impl IntoResponses for Usual {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        described(&[
            (401, "no key and no session, or one that is not valid"),
            (403, "the caller may not do this, or the request came from another site"),
            (500, "the hub made a mistake; its log says more"),
            (503, "the hub cannot do this at the moment; see Retry-After"),
        ])
    }
}

impl IntoResponses for OfBody {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        described(&[
            (400, "a member breaks a rule; the sentence names it"),
            (408, "the body did not arrive in time"),
            (413, "the body is too large"),
            (415, "the body is not named as JSON, or it is encoded"),
        ])
    }
}

fn described(failures: &[(u16, &str)]) -> BTreeMap<String, RefOr<Response>> {
    let failure = |(status, description): &(u16, &str)| {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorBody"))).build();
        let response = ResponseBuilder::new().description(*description).content("application/json", content);
        (status.to_string(), response.build().into())
    };
    failures.iter().map(failure).collect()
}
