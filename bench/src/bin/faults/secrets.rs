//! Fault 31: keys are found nowhere but at whom they were given to.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::http::Connection;
use crate::hub::{Folder, Hub};
use crate::{Verdict, at};

/// Looks like a key, but is none.
const WRONG: &str = "sgm_Wr0ngKeyMARKERmarkerMARKERmarkerMARKER00";

pub(crate) fn run(program: &Path) -> Verdict {
    let folder = Folder::new(program)?;
    let keys: Vec<String> = ["agent", "admin", "operator", "readonly"]
        .iter()
        .map(|role| folder.key(role))
        .collect::<Result<_, _>>()?;
    let mut hub = folder.start("debug")?;
    folder.wait_until_well()?;
    let mut answers = String::new();
    let mut requests = 0;
    for key in keys.iter().map(String::as_str).chain([WRONG]) {
        requests += every_path(&folder, key, &mut answers)?;
    }
    // A flush, so that the use of the keys is in the database.
    std::thread::sleep(Duration::from_secs(6));
    let mut places = vec![("answers".to_owned(), answers.into_bytes())];
    places.extend(process(&hub)?);
    places.extend(files(folder.path())?);
    if !hub.runs() {
        return Err("the hub ended".to_owned());
    }
    hub.kill()?;
    let list = folder.command().args(["key", "list"]).output().map_err(at("key list"))?;
    places.push(("key list".to_owned(), [list.stdout, list.stderr].concat()));
    let revoke =
        folder.command().args(["key", "revoke"]).args(keys.first()).output().map_err(at("key revoke"))?;
    places.push(("key revoke".to_owned(), [revoke.stdout, revoke.stderr].concat()));
    let refused = folder.command().args(["--database-url", &format!("postgres://a:{WRONG}@b/c")]).output();
    places.push(("refusal of a setting".to_owned(), refused.map_err(at("setting"))?.stderr));
    places.extend(files(folder.path())?);
    for (place, bytes) in &places {
        for key in keys.iter().map(String::as_str).chain([WRONG]) {
            let secret = key.get(12..).unwrap_or(key).as_bytes();
            if bytes.windows(secret.len()).any(|window| window == secret) {
                return Err(format!("the secret of a key is in {place}"));
            }
        }
    }
    let bytes: usize = places.iter().map(|(_, bytes)| bytes.len()).sum();
    Ok(format!(
        "{} keys, {requests} requests; found in none of {} places ({} KiB)",
        keys.len() + 1,
        places.len(),
        bytes / 1024
    ))
}

/// Shows the key to everything that takes one, and where people put it by mistake.
fn every_path(folder: &Folder, key: &str, answers: &mut String) -> Result<u32, String> {
    let good = b"{\"hostname\":\"a\",\"system_info\":{\"cpu_cores\":1}}";
    let mut requests = 0;
    for (method, path, body) in [
        ("POST", "/api/agent/register", &good[..]),
        ("POST", "/api/agent/heartbeat", good),
        ("POST", "/api/agent/register", b"{"),
        ("GET", "/api/vps", b""),
        ("GET", "/api/vps?page=0", b""),
        ("GET", "/api/stats", b""),
        ("GET", "/api/nothing", b""),
        ("DELETE", "/api/vps", b""),
    ] {
        let mut connection = Connection::open(folder.address, Some(key)).map_err(at("connect"))?;
        let head = connection.head(method, path, &format!("content-length: {}", body.len()));
        connection.raw(&[head.as_bytes(), body].concat()).map_err(at(path))?;
        *answers += &connection.answer().map_err(at(path))?.body;
        requests += 1;
    }
    for path in [format!("/api/vps?key={key}"), format!("/api/{key}"), format!("/api/vps/{key}")] {
        let mut connection = Connection::open(folder.address, None).map_err(at("connect"))?;
        let bearer = format!("authorization: Bearer {key}");
        let head = connection.head("GET", &path, &bearer);
        connection.raw(head.as_bytes()).map_err(at("bearer"))?;
        *answers += &connection.answer().map_err(at("bearer"))?.body;
        requests += 1;
    }
    Ok(requests)
}

fn process(hub: &Hub) -> Result<Vec<(String, Vec<u8>)>, String> {
    let read = |name: &str| {
        let path = format!("/proc/{}/{name}", hub.pid());
        fs::read(&path).map(|bytes| (path, bytes)).map_err(at(name))
    };
    Ok(vec![read("cmdline")?, read("environ")?])
}

/// All files of the hub: its log, its database, and what lies beside it.
fn files(folder: &Path) -> Result<Vec<(String, Vec<u8>)>, String> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(at("folder"))? {
            let path = entry.map_err(at("folder"))?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push((path.display().to_string(), fs::read(&path).map_err(at("file"))?));
            }
        }
    }
    Ok(found)
}
