//! Stories that need a hub in the state that only hours, or thousands of requests, would bring about.

use axum::body::Body;
use axum::http::header::RETRY_AFTER;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::*;
use crate::model::audit::Actor;
use crate::model::key::Role;
use crate::model::key_terms::Terms;
use crate::model::time::Timestamp;
use crate::service::keys::create_key;

#[tokio::test]
async fn a_key_that_registered_thousands_is_told_when_it_may_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("sigma.db")).await.unwrap();
    let doors = Doors {
        public_url: PublicUrl::parse("http://hub").unwrap(),
        proxies: model::site::Networks::default(),
        secret_key_file: folder.path().join("sigma.key"),
    };
    let hub = Hub::start(store.clone(), doors).await.unwrap();
    let now = Timestamp::now();
    let made = async |name: &str| {
        create_key(&store, now, &Actor::hub(), name, Role::Agent, Terms::default()).await.unwrap()
    };
    let ((one, key), (_, other)) = (made("one").await, made("two").await);
    let router = http::router(hub.clone());
    let register = async |key: &str, hostname: &str| {
        let request = Request::post("/api/agent/register")
            .header("x-api-key", key)
            .header("content-type", "application/json")
            .body(Body::from(format!("{{\"hostname\":\"{hostname}\"}}")));
        let answer = router.clone().oneshot(request.unwrap()).await.unwrap();
        let (head, body) = answer.into_parts();
        let retry_after = head.headers.get(RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        (head.status, retry_after, text)
    };
    assert_eq!(register(key.reveal(), "known").await.0, StatusCode::OK);
    // Counted in advance, so that none comes back while this runs.
    let later = now.later(Duration::from_secs(3600));
    while hub.directory.newcomer(later, one.id).is_ok() {}
    let (status, retry_after, text) = register(key.reveal(), "new").await;
    assert_eq!((status, retry_after.as_deref()), (StatusCode::TOO_MANY_REQUESTS, Some("1")), "{text}");
    assert!(text.contains("registers new machines faster than it may"), "{text}");
    assert_eq!(register(key.reveal(), "known").await.0, StatusCode::OK, "what is known is always taken");
    assert_eq!(register(other.reveal(), "new").await.0, StatusCode::OK, "another key has its own");
    hub.stop().await;
}
