//! Starting and stopping: settings, ports, and databases that are not ours.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::common::{Folder, fixture, program, run};

fn refused(folder: &Folder) -> String {
    let ended = folder.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

#[test]
fn a_bad_setting_is_one_sentence_and_exit_2() {
    for (arguments, named) in [
        (&["--listen", "nowhere"][..], "SIGMA_LISTEN"),
        (&["--log", "loud"], "SIGMA_LOG"),
        (&["--database-url", "mysql://x:secret@y/z"], "SIGMA_DATABASE_URL"),
        (&["--data-dir", "/tmp/x", "key", "create", "--name", "a", "--role", "root"], "--role"),
        (&["key", "create", "--role", "agent"], "--name"),
        (&["--data-dir", "/dev/null/x", "key", "create", "--name", " ", "--role", "agent"], "--name"),
        (&["--colour"], "--colour"),
        (&["dance"], "dance"),
    ] {
        let ended = run(arguments);
        assert_eq!(ended.status.code(), Some(2), "{arguments:?}: {ended:?}");
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(said.contains(named) && !said.contains("secret"), "{arguments:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{arguments:?}: {said}");
    }
    let ended = program().env("SIGMA_LISTEN", "1").output().unwrap();
    assert_eq!(ended.status.code(), Some(2));
    assert!(String::from_utf8(ended.stderr).unwrap().contains("SIGMA_LISTEN"));
}

#[test]
fn help_names_every_variable() {
    let help = run(&["--help"]);
    assert!(help.status.success());
    let text = String::from_utf8(help.stdout).unwrap();
    for name in [
        "SIGMA_LISTEN",
        "SIGMA_DATA_DIR",
        "SIGMA_DATABASE_URL",
        "SIGMA_LOG",
        "SIGMA_PUBLIC_URL",
        "SIGMA_TRUSTED_PROXIES",
        "SIGMA_SECRET_KEY_FILE",
    ] {
        assert!(text.contains(name), "{name} is missing in:\n{text}");
    }
}

#[test]
fn the_data_is_for_its_owner_alone() {
    let folder = Folder::new();
    let data = folder.path().join("a/b");
    let made = program().args(["key", "list", "--data-dir"]).arg(&data).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("sigma.db")), 0o600);
}

#[test]
fn data_goes_where_the_system_says() {
    let folder = Folder::new();
    let state = folder.path().join("state");
    let made = program().env("STATE_DIRECTORY", &state).args(["key", "list"]).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    assert!(state.join("sigma.db").exists());
    let elsewhere = folder.path().join("with space.db");
    let url = format!("sqlite://{}", elsewhere.display());
    let made = program().env("SIGMA_DATABASE_URL", url).args(["key", "list"]).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    assert!(elsewhere.exists());
}

#[test]
fn a_taken_port_is_told_with_the_way_out() {
    let folder = Folder::new();
    let hub = folder.start();
    let ended = Folder::new().run(&["--listen", &hub.address.to_string()]);
    assert_eq!(ended.status.code(), Some(1));
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(said.contains("SIGMA_LISTEN") && said.contains(&hub.address.to_string()), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn a_database_that_is_not_ours_is_left_as_it_is() {
    for (content, named) in
        [(&b""[..], "empty"), (b"not a database at all, but long enough to be one", "SQLite")]
    {
        let folder = Folder::new();
        std::fs::write(folder.database(), content).unwrap();
        assert!(refused(&folder).contains(named));
        assert_eq!(std::fs::read(folder.database()).unwrap(), content);
    }
    let foreign = Folder::new();
    foreign.run(&["key", "list"]);
    foreign.sql("DROP TABLE seaql_migrations");
    assert!(refused(&foreign).contains("another program"));
}

#[test]
fn a_newer_schema_is_not_touched() {
    let folder = Folder::new();
    folder.run(&["key", "list"]);
    folder.sql("INSERT INTO seaql_migrations VALUES ('m9999_future', 0)");
    let said = refused(&folder);
    assert!(said.contains("newer hub") && said.contains("m9999_future"), "{said}");
}

#[test]
fn a_damaged_or_truncated_database_is_not_started() {
    let folder = Folder::new();
    let agent = folder.key("agent");
    let hub = folder.start();
    for n in 0..50 {
        let body = fixture("registration.json").replace("hk-relay-01", &format!("m{n}"));
        hub.post(&agent, "/api/agent/register", &body);
    }
    hub.stop();
    let whole = std::fs::read(folder.database()).unwrap();
    let half = &whole[..whole.len() / 2];
    let mut scratched = whole.clone();
    scratched[4096..].iter_mut().for_each(|byte| *byte ^= 0x5a);
    for content in [half, &scratched] {
        std::fs::write(folder.database(), content).unwrap();
        assert!(refused(&folder).contains("left as it is"));
        assert_eq!(std::fs::read(folder.database()).unwrap(), content);
    }
    std::fs::write(folder.database(), &whole).unwrap();
    folder.start();
}

#[test]
fn requests_in_flight_end_well_at_sigterm() {
    let folder = Folder::new();
    let agent = folder.key("agent");
    let hub = folder.start();
    let body = fixture("registration.json");
    let mut stream = hub.connect();
    let head = format!(
        "POST /api/agent/register HTTP/1.1\r\nhost: a\r\nx-api-key: {agent}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut idle = hub.connect();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    let mut some = [0; 4096];
    assert!(idle.read(&mut some).unwrap() > 0);
    std::thread::sleep(Duration::from_millis(200));
    hub.signal();
    std::thread::sleep(Duration::from_millis(300));
    stream.write_all(body.as_bytes()).unwrap();
    assert_eq!(crate::common::Answer::read(&mut stream).status, 200);
    assert_eq!(idle.read(&mut some).unwrap(), 0, "idle connections are closed");
    let (took, code, _) = hub.wait();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(3), "{took:?}");
}
