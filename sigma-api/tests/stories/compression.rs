//! Which answers are compressed.

use std::io::{Read, Write};

use serde_json::json;

use crate::common::{Folder, Hub};
use crate::people::{EMAIL, administrator, make_administrator};

/// The head of an answer to somebody who takes gzip, and the bytes of its body.
fn ask(hub: &Hub, request: &str, headers: &[&str], body: &str) -> (String, usize) {
    let mut stream = hub.connect();
    let length = body.len();
    let headers = headers.join("\r\n");
    let text = format!(
        "{request} HTTP/1.1\r\nhost: hub\r\nconnection: close\r\naccept-encoding: gzip, br\r\n\
         content-length: {length}\r\n{headers}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    (String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase(), bytes.len() - end - 4)
}

#[test]
fn what_is_long_and_holds_no_secret_is_compressed() {
    let folder = Folder::new();
    let (agent, viewer) = (folder.key("agent"), folder.key("operator"));
    let hub = folder.start();
    let ana = administrator(&folder, &hub);
    let cookie = format!("cookie: sigma={}", ana.cookie("sigma").unwrap());
    for number in 0..60 {
        let made = hub.post(&viewer, "/api/vps", &json!({"hostname": format!("m{number}")}).to_string());
        assert_eq!(made.status, 201);
    }
    let (key, html) = (format!("x-api-key: {viewer}"), "accept: text/html");
    let page = ana.get("/").text;
    let asset = |ending: &str| {
        let file = page.split("/assets/").skip(1).map(|rest| rest.split('"').next().unwrap());
        file.into_iter()
            .find(|file| file.ends_with(ending))
            .map(|file| format!("GET /assets/{file}"))
            .unwrap()
    };
    for (request, header) in [
        ("GET /?per_page=500", &*cookie),
        (&asset(".css"), html),
        (&asset(".js"), html),
        ("GET /api/vps?per_page=100", &key),
        ("GET /api/openapi.json", html),
    ] {
        let (head, bytes) = ask(&hub, request, &[header], "");
        assert!(head.contains("content-encoding: gzip") && head.contains("vary: "), "{request}: {head}");
        assert!(bytes < 60 * 1024, "{request}: {bytes}");
    }
    let json = "content-type: application/json";
    let agents = format!("x-api-key: {agent}");
    for (request, headers, body) in [
        ("GET /account", vec![&*cookie], ""),
        ("GET /sign-in", vec![html], ""),
        ("GET /healthz", vec![html], ""),
        ("GET /api/vps?per_page=100&q=nobody", vec![&*key], ""),
        ("POST /api/vps/bulk", vec![&*key, json], r#"{"filter":{"q":"m"},"change":{"notes":"x"}}"#),
        ("POST /api/agent/register", vec![&*agents, json], r#"{"hostname":"m60"}"#),
    ] {
        let (head, _) = ask(&hub, request, &headers, body);
        assert!(head.contains(" 200 ") && !head.contains("content-encoding"), "{request}: {head}");
    }
}

#[test]
fn who_takes_no_gzip_gets_none() {
    let folder = Folder::new();
    let hub = folder.start();
    make_administrator(&folder, &hub, EMAIL);
    let answer = hub.send("GET", "/api/openapi.json", &[], b"");
    assert!(!answer.head.contains("content-encoding") && answer.json().is_object());
}
