//! Every route with every identity, against a golden table: a route that lets somebody else in shows here.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::common::{Folder, run};
use crate::people::{EMAIL, administrator, invite};

const ID: &str = "01939c3e-7b1a-7c3d-9a51-3f6f0b1d2e4a";

/// A line of the program's own table.
pub(crate) struct Route {
    pub(crate) method: String,
    pub(crate) path: String,
}

/// All routes, as the program says them.
pub(crate) fn routes() -> Vec<Route> {
    let listed = run(&["routes", "--data-dir", "/nowhere"]);
    assert!(listed.status.success(), "{listed:?}");
    let text = String::from_utf8(listed.stdout).unwrap();
    let route = |line: &str| {
        let (route, _) = line.split_once(": ").unwrap();
        let (method, path) = route.split_once(' ').unwrap();
        Route { method: method.to_owned(), path: path.to_owned() }
    };
    text.lines().map(route).collect()
}

/// A path with something in the place of its parameters.
pub(crate) fn filled(path: &str) -> String {
    if path == "/live" {
        // What it answers does not end, unless the search is wrong.
        return "/live?q=no%3Asuch".to_owned();
    }
    let segments = path.split('/').map(|segment| if segment.starts_with('{') { ID } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

/// Opens a session behind the hub's back, as many as there are routes: some of them end the session that they get.
fn open_session(folder: &Folder, email: &str, token: &str) {
    let hash: String = Sha256::digest(token).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    folder.sql(&format!(
        "INSERT INTO account_session (id, account_id, token_hash, created_at, last_used_at) \
         SELECT randomblob(16), id, '{hash}', 4000000000000, 4000000000000 FROM account WHERE email = '{email}'"
    ));
}

/// `UPDATE_GOLDENS=1 cargo nextest run -p sigma-api golden` writes the table anew.
#[test]
fn every_route_answers_every_identity_as_the_golden_table_says() {
    let folder = Folder::new();
    let keys: Vec<(String, String)> = ["agent", "readonly", "operator", "admin"]
        .into_iter()
        .map(|role| (format!("{role} key"), folder.key(role)))
        .collect();
    let (expired, expired_agent, revoked) = (folder.key("admin"), folder.key("agent"), folder.key("admin"));
    for key in [&expired, &expired_agent] {
        folder.sql(&format!("UPDATE api_key SET expires_at = 1 WHERE prefix = '{}'", key.split_at(12).0));
    }
    folder.run(&["key", "revoke", &revoked]);
    let hub = folder.start();
    let admin = administrator(&folder, &hub);
    let mut persons = BTreeMap::from([("admin", EMAIL.to_owned())]);
    for role in ["operator", "readonly"] {
        let email = format!("{role}@example.org");
        invite(&admin, &hub, &email, role);
        persons.insert(role, email);
    }
    let mut table = String::new();
    for (number, route) in routes().iter().enumerate() {
        let class = |headers: &[(&str, &str)]| {
            let headers =
                [&[("content-type", "application/json"), ("accept", "text/html")][..], headers].concat();
            let answer = hub.send(&route.method, &filled(&route.path), &headers, b"{}");
            assert!(answer.status < 500, "{} {}: {answer:?}", route.method, route.path);
            match answer.status {
                401 => "401",
                403 => "403",
                303 if answer.head.contains("location: /sign-in")
                    && !answer.head.contains("set-cookie: sigma=") =>
                {
                    "sign in"
                }
                _ => "in",
            }
        };
        let mut answers =
            vec![("nobody", class(&[])), ("unknown key", class(&[("x-api-key", "sgm_unknown")]))];
        answers.extend(keys.iter().map(|(name, key)| (&**name, class(&[("x-api-key", key)]))));
        answers.push(("expired key", class(&[("x-api-key", &expired)])));
        answers.push(("expired agent key", class(&[("x-api-key", &expired_agent)])));
        answers.push(("revoked key", class(&[("x-api-key", &revoked)])));
        for role in ["readonly", "operator", "admin"] {
            let token = format!(
                "{number:032x}{:0>32}",
                if role == "admin" {
                    "a"
                } else if role == "operator" {
                    "b"
                } else {
                    "c"
                }
            );
            open_session(&folder, &persons[role], &token);
            let name = ["readonly account", "operator account", "admin account"]
                .into_iter()
                .find(|name| name.starts_with(role));
            answers.push((name.unwrap(), class(&[("cookie", &format!("sigma={token}"))])));
        }
        answers.push(("ended session", class(&[("cookie", &format!("sigma={:064x}", 0))])));
        writeln!(table, "{} {}", route.method, route.path).unwrap();
        for class in ["in", "401", "403", "sign in"] {
            let who: Vec<&str> = answers.iter().filter(|(_, of)| *of == class).map(|(who, _)| *who).collect();
            if !who.is_empty() {
                writeln!(table, "  {class}: {}", who.join(", ")).unwrap();
            }
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/access.txt");
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &table).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    for (is, should) in table.lines().zip(golden.lines()) {
        assert_eq!(is, should, "see the comment of this test");
    }
    assert_eq!(table.lines().count(), golden.lines().count(), "see the comment of this test");
}
