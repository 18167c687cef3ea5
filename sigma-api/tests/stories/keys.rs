//! Keys: who may do what, and what remains of a key.
#![expect(clippy::string_slice, reason = "keys are ASCII")]

use std::time::Duration;

use crate::common::{Folder, eventually, fixture, program};

#[test]
fn each_role_may_do_its_part_and_nothing_else() {
    let folder = Folder::new();
    let roles = ["agent", "admin", "operator", "readonly"];
    let keys: Vec<String> = roles.iter().map(|role| folder.key(role)).collect();
    let hub = folder.start();
    let registration = fixture("registration.json");
    // Rows: register, heartbeat, list, stats; columns: agent, admin, operator, readonly.
    let may = [[200, 200, 403, 403], [200, 200, 403, 403], [403, 200, 200, 200], [403, 200, 200, 200]];
    for (column, key) in keys.iter().enumerate() {
        let answers = [
            hub.post(key, "/api/agent/register", &registration),
            hub.post(key, "/api/agent/heartbeat", &fixture("heartbeat.json")),
            hub.get(key, "/api/vps"),
            hub.get(key, "/api/stats"),
        ];
        for (row, answer) in answers.iter().enumerate() {
            assert_eq!(answer.status, may[row][column], "row {row}, {}: {answer:?}", roles[column]);
            if answer.status == 403 {
                assert!(answer.error().contains(roles[column]), "{answer:?}");
            }
        }
    }
}

#[test]
fn without_a_key_there_is_a_sentence_and_nothing_else() {
    let folder = Folder::new();
    let hub = folder.start();
    for path in ["/api/vps", "/api/stats", "/api/vps/01939c3e-7b1a-7c3d-9a51-3f6f0b1d2e4a"] {
        for headers in [
            &[][..],
            &[("x-api-key", "")],
            &[("x-api-key", "sgm_unknown")],
            &[("authorization", "Basic eA==")],
        ] {
            let answer = hub.send("GET", path, headers, b"");
            assert_eq!(answer.status, 401, "{path} {headers:?}: {answer:?}");
            assert!(answer.error().contains("key"), "{answer:?}");
        }
    }
    assert_eq!(hub.send("GET", "/healthz", &[], b"").json()["status"], "ok");
}

#[test]
fn a_key_works_as_bearer_too() {
    let folder = Folder::new();
    let reader = folder.key("readonly");
    let hub = folder.start();
    let answer = hub.send("GET", "/api/vps", &[("authorization", &format!("Bearer {reader}"))], b"");
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn a_key_is_printed_alone_and_once() {
    let folder = Folder::new();
    let made = folder.run(&["key", "create", "--name", "fleet", "--role", "agent"]);
    let key = String::from_utf8(made.stdout).unwrap();
    assert_eq!(key.trim_end().len(), 44, "{key:?}");
    assert!(key.starts_with("sgm_") && key.ends_with('\n') && key.lines().count() == 1);
    let secret = &key.trim_end()[12..];
    assert!(!String::from_utf8(made.stderr).unwrap().contains(secret));
    let list = String::from_utf8(folder.run(&["key", "list"]).stdout).unwrap();
    assert!(list.contains(&key[..12]) && list.contains("agent") && list.contains("fleet"), "{list}");
    assert!(!list.contains(secret));
}

#[test]
fn a_revoked_key_stops_working_within_two_seconds() {
    let folder = Folder::new();
    let (first, second) = (folder.key("readonly"), folder.key("readonly"));
    let hub = folder.start();
    assert_eq!(hub.get(&first, "/api/vps").status, 200);
    let revoked = folder.run(&["key", "revoke", &first[..12]]);
    assert!(revoked.status.success(), "{revoked:?}");
    assert!(eventually(Duration::from_millis(2200), || hub.get(&first, "/api/vps").status == 401));
    assert_eq!(hub.get(&second, "/api/vps").status, 200);
    let list = String::from_utf8(folder.run(&["key", "list"]).stdout).unwrap();
    assert_eq!(list.lines().filter(|line| line.contains("revoked")).count(), 1, "{list}");
    assert_eq!(folder.run(&["key", "revoke", "sgm_nothing1"]).status.code(), Some(1));
}

#[test]
fn the_last_use_of_a_key_is_known() {
    let folder = Folder::new();
    let reader = folder.key("readonly");
    let list = || String::from_utf8(folder.run(&["key", "list"]).stdout).unwrap();
    assert!(list().contains("used never"));
    let hub = folder.start();
    hub.get(&reader, "/api/vps");
    hub.stop();
    assert!(list().contains("used 2"), "{}", list());
}

#[test]
fn a_secret_is_found_nowhere() {
    let folder = Folder::new();
    let (agent, reader) = (folder.key("agent"), folder.key("readonly"));
    let hub = folder.start();
    let wrong = "sgm_marker00MARKERmarkerMARKERmarkerMARKER12";
    let mut seen = String::new();
    for key in [agent.as_str(), &reader, wrong] {
        for path in ["/api/agent/register", "/api/agent/heartbeat", "/api/nothing"] {
            seen += &format!("{:?}", hub.post(key, path, &fixture("registration.json")));
            seen += &format!("{:?}", hub.post(key, path, "broken"));
        }
        for path in ["/api/vps", "/api/stats", "/api/vps?x=1", "/api/openapi.json"] {
            seen += &format!("{:?}", hub.get(key, path));
        }
    }
    let process = |name: &str| std::fs::read(format!("/proc/{}/{name}", hub.pid())).unwrap();
    for name in ["cmdline", "environ"] {
        seen += &String::from_utf8_lossy(&process(name));
    }
    seen += &hub.stop().2;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        seen += &String::from_utf8_lossy(&std::fs::read(file.unwrap().path()).unwrap());
    }
    for key in [agent.as_str(), &reader, wrong] {
        assert!(!seen.contains(&key[12..]), "the secret of {} is somewhere", &key[..12]);
    }
    assert!(seen.contains(&agent[..12]), "the public part is in the database");
}

#[test]
fn a_key_that_could_not_be_printed_is_revoked() {
    let folder = Folder::new();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut create = program();
    create.env("SIGMA_DATA_DIR", folder.path()).stdout(full);
    let ended = create.args(["key", "create", "--name", "unseen", "--role", "agent"]).output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(String::from_utf8(ended.stderr).unwrap().contains("revoked again"));
    let list = String::from_utf8(folder.run(&["key", "list"]).stdout).unwrap();
    assert!(list.lines().count() == 1 && list.contains("revoked 2"), "{list}");
}

#[test]
fn keys_of_a_locked_database_are_refused_in_a_sentence() {
    let folder = Folder::new();
    let key = folder.key("agent");
    let _lock = folder.lock();
    for arguments in
        [&["key", "create", "--name", "a", "--role", "agent"][..], &["key", "revoke", &key[..12]]]
    {
        let ended = folder.run(arguments);
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.contains("database is locked, full or read-only") && !said.contains("code"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}
