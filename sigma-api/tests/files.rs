//! The files of the hub: whose they are, and what else may lie there.
#![expect(clippy::unwrap_used, reason = "tests and their helpers")]

#[cfg(test)]
mod common;

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{Folder, program};

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
