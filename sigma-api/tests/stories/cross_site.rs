//! Fault 28: what a page of another site makes a browser send is refused, on every route that changes something.

use crate::access::{filled, routes};
use crate::common::Folder;
use crate::people::{EMAIL, make_administrator, signed_in};

#[test]
fn every_changing_route_refuses_every_foreign_origin() {
    let folder = Folder::new();
    let key = folder.key("admin");
    let hub = folder.start_with(&[("SIGMA_PUBLIC_URL", "http://sigma.example.org")]);
    make_administrator(&folder, &hub, EMAIL);
    let cookie = format!("sigma={}", signed_in(&hub, EMAIL).cookie("sigma").unwrap());
    let foreign: [&[(&str, &str)]; 8] = [
        &[("origin", "https://evil.example")],
        &[("origin", "http://evil.example")],
        &[("origin", "null")],
        &[("origin", "http://hub.evil.example")],
        &[("origin", "http://hub:81")],
        &[("origin", "https://sigma.example.org")],
        &[("origin", "http://evil.example"), ("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
    ];
    let mut changing = 0;
    for route in routes().iter().filter(|route| route.method != "GET") {
        changing += 1;
        for origin in foreign {
            for identity in [("cookie", &*cookie), ("x-api-key", &*key)] {
                for kind in ["application/json", "application/x-www-form-urlencoded", "text/plain"] {
                    let headers = [origin, &[identity, ("content-type", kind)]].concat();
                    let answer = hub.send(&route.method, &filled(&route.path), &headers, b"{}");
                    assert_eq!(answer.status, 403, "{} {} {origin:?}: {answer:?}", route.method, route.path);
                    assert!(answer.error().contains("another site"), "{answer:?}");
                }
            }
        }
    }
    assert!(changing > 20, "{changing}");
    let kept = hub.send("GET", "/api/sessions", &[("cookie", &cookie)], b"");
    assert_eq!(kept.status, 200, "nothing of all that was done");
}

#[test]
fn our_own_pages_and_programs_are_let_through() {
    let folder = Folder::new();
    let (agent, key) = (folder.key("agent"), folder.key("admin"));
    let hub = folder.start_with(&[("SIGMA_PUBLIC_URL", "http://sigma.example.org")]);
    let register = |headers: &[(&str, &str)]| {
        let headers = [&[("x-api-key", &*agent), ("content-type", "application/json")], headers].concat();
        hub.send(
            "POST",
            "/api/agent/register",
            &headers,
            crate::common::fixture("registration.json").as_bytes(),
        )
        .status
    };
    assert_eq!(register(&[]), 200);
    assert_eq!(register(&[("origin", "http://hub")]), 200, "the host that was asked");
    assert_eq!(register(&[("origin", "http://sigma.example.org")]), 200, "what a proxy calls otherwise");
    assert_eq!(register(&[("origin", "http://evil.example"), ("sec-fetch-site", "same-origin")]), 200);
    let read = hub.send("GET", "/api/vps", &[("x-api-key", &key), ("origin", "http://evil.example")], b"");
    assert_eq!(read.status, 200, "reading changes nothing, and no other site may see the answer");
    assert!(!read.head.contains("access-control-allow"), "{read:?}");
}
