//! The files of the hub: whose they are, and what else may lie there.

use std::collections::BTreeSet;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::{Folder, program};
use sea_orm::{ConnectionTrait, Database};

/// Runs a command that is to end by itself soon; its exit code and the one line that it says.
fn ends(command: &mut Command, within: Duration) -> (Option<i32>, String) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if started.elapsed() > within {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    let code = child.wait().unwrap().code();
    assert_eq!(said.lines().count(), 1, "{code:?}: {said}");
    (code, said)
}

fn serve(folder: &Folder) -> Command {
    let mut command = program();
    command.env("SIGMA_DATA_DIR", folder.path()).args(["serve", "--listen", "127.0.0.1:0"]);
    command
}

#[test]
fn one_hub_serves_a_database() {
    let folder = Folder::new();
    let hub = folder.start();
    let (code, said) = ends(&mut serve(&folder), Duration::from_secs(3));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("another hub serves") && said.contains("SIGMA_DATA_DIR"), "{said}");
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(folder.database(), &link).unwrap();
    let by_link = format!("sqlite://{}", link.display());
    let (code, said) = ends(serve(&folder).env("SIGMA_DATABASE_URL", by_link), Duration::from_secs(3));
    assert_eq!(code, Some(1), "{said}");
    assert!(folder.run(&["key", "list"]).status.success(), "the keys are reachable beside it");
    hub.kill();
    folder.start();
}

#[test]
fn a_database_may_be_named_without_a_folder() {
    let folder = Folder::new();
    let mut list = program();
    let list = list.current_dir(folder.path()).args(["key", "list"]);
    let made = list.env("SIGMA_DATABASE_URL", "sqlite://x.db").output().unwrap();
    assert!(made.status.success(), "{made:?}");
    assert!(folder.path().join("x.db").exists());
}

#[test]
fn a_person_has_the_data_at_home_and_root_is_a_person() {
    let folder = Folder::new();
    let (home, state) = (folder.path().join("home"), folder.path().join("state"));
    let list = |variables: &[(&str, &str)]| {
        let mut list = program();
        let made = list.env("HOME", &home).envs(variables.iter().copied()).args(["key", "list"]).output();
        assert!(made.as_ref().unwrap().status.success(), "{made:?}");
    };
    list(&[("XDG_STATE_HOME", state.to_str().unwrap())]);
    assert!(state.join("sigma/sigma.db").exists());
    list(&[("STATE_DIRECTORY", ""), ("XDG_STATE_HOME", "")]);
    assert!(home.join(".local/state/sigma/sigma.db").exists());
}

#[test]
fn a_lock_that_stays_is_told() {
    let folder = Folder::new();
    folder.key("agent");
    let lock = std::fs::File::open(folder.path().join("sigma.db.lock")).unwrap();
    lock.lock().unwrap();
    let within = Duration::from_secs(9);
    let mut list = program();
    list.env("SIGMA_DATA_DIR", folder.path()).args(["key", "list"]);
    for command in [&mut serve(&folder), &mut list] {
        let (code, said) = ends(command, within);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("sigma.db.lock") && said.contains("another process"), "{said}");
    }
}

/// Makes a database as another program would.
fn foreign(folder: &Folder, sql: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let url = format!("sqlite://{}?mode=rwc", folder.database().display());
        let database = Database::connect(url).await.unwrap();
        database.execute_unprepared(sql).await.unwrap();
        database.close().await.unwrap();
    });
    std::fs::set_permissions(folder.database(), PermissionsExt::from_mode(0o644)).unwrap();
}

fn names(folder: &Folder) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder.path()).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_database_of_another_program_keeps_every_byte() {
    let steps = "CREATE TABLE seaql_migrations (version TEXT PRIMARY KEY, applied_at BIGINT)";
    for sql in [
        "CREATE TABLE notes (text TEXT)",
        "PRAGMA journal_mode = WAL; CREATE TABLE notes (text TEXT)",
        &format!("{steps}; INSERT INTO seaql_migrations VALUES ('m20220101_000001_create_table', 1)"),
        &format!(
            "{steps}; INSERT INTO seaql_migrations VALUES ('m0001_inventory', 1); PRAGMA application_id = 7"
        ),
        steps,
    ] {
        let folder = Folder::new();
        foreign(&folder, sql);
        let before = std::fs::read(folder.database()).unwrap();
        let (code, said) = ends(&mut serve(&folder), Duration::from_secs(5));
        assert_eq!(code, Some(1), "{sql}: {said}");
        assert!(said.contains("another program") && said.contains("left as it is"), "{sql}: {said}");
        assert!(std::fs::read(folder.database()).unwrap() == before, "{sql}: it was changed");
        assert_eq!(std::fs::metadata(folder.database()).unwrap().permissions().mode() & 0o777, 0o644);
        let beside = ["sigma.db", "sigma.db.lock", "sigma.db.serving"].map(str::to_owned);
        assert_eq!(names(&folder), BTreeSet::from(beside), "{sql}");
    }
}

#[test]
fn a_database_of_a_hub_that_set_no_mark_is_ours() {
    let folder = Folder::new();
    folder.key("agent");
    assert_eq!(folder.sql("SELECT CAST(application_id AS TEXT) FROM pragma_application_id"), ["1399416685"]);
    folder.sql("PRAGMA application_id = 0");
    folder.sql("DELETE FROM seaql_migrations WHERE version = 'm0003_application_id'");
    assert!(folder.run(&["key", "list"]).status.success());
    assert_eq!(folder.sql("SELECT CAST(application_id AS TEXT) FROM pragma_application_id"), ["1399416685"]);
}

#[test]
fn what_is_left_of_a_database_that_is_gone_does_not_get_into_a_new_one() {
    let folder = Folder::new();
    let hub = folder.start();
    folder.key("agent");
    hub.kill();
    std::fs::remove_file(folder.database()).unwrap();
    let left = std::fs::read(folder.path().join("sigma.db-wal")).unwrap();
    assert!(!left.is_empty());
    let (code, said) = ends(&mut serve(&folder), Duration::from_secs(5));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("sigma.db-wal"), "{said}");
    assert!(!folder.database().exists());
    assert!(std::fs::read(folder.path().join("sigma.db-wal")).unwrap() == left);
    for name in ["sigma.db-wal", "sigma.db-shm"] {
        std::fs::remove_file(folder.path().join(name)).unwrap();
    }
    folder.start();
}
