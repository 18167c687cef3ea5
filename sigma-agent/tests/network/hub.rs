//! The hub, what it knows, and agents that report to it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv6Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::lab::{Lab, eventually, seconds};
use crate::program::Program;

/// What the hub logs of a heartbeat that it took.
pub const BEAT_TAKEN: &str = "POST /api/agent/heartbeat 200";
/// What the hub logs of a registration that it took.
pub const REGISTRATION_TAKEN: &str = "POST /api/agent/register 200";
/// What an agent logs of an acknowledged registration and heartbeat.
pub const REGISTERED: &str = "registered as";
/// See `REGISTERED`.
pub const ACKNOWLEDGED: &str = "heartbeat acknowledged";

const PORT: u16 = 3000;

/// What a hub leaves behind when it is not running: its database, and the keys in it.
pub struct Data {
    folder: PathBuf,
    agent_key: String,
    reader_key: String,
}

impl Data {
    /// An empty database with a key for agents and one for the story.
    pub fn new(lab: &Lab) -> Self {
        let folder = lab.folder().join("hub");
        let (agent_key, reader_key) = (make_key(&folder, "agent"), make_key(&folder, "readonly"));
        Self { folder, agent_key, reader_key }
    }

    /// Sets a copy of the database aside. The hub must not be running.
    pub fn back_up(&self, name: &str) {
        copy(&self.folder, &self.folder.with_file_name(name));
    }

    /// Puts a copy in the place of the database. The hub must not be running.
    pub fn restore(&self, name: &str) {
        fs::remove_dir_all(&self.folder).unwrap();
        copy(&self.folder.with_file_name(name), &self.folder);
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

fn program() -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_sigma-agent")).with_file_name("sigma-api");
    assert!(
        path.exists(),
        "the hub is not built: run `cargo build --workspace` first, or `make test`, which does"
    );
    path
}

fn make_key(folder: &Path, role: &str) -> String {
    let mut command = Command::new(program());
    command.env_clear().env("SIGMA_DATA_DIR", folder);
    let output = command.args(["key", "create", "--name", "story", "--role", role]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A hub that runs.
pub struct Hub<'a> {
    lab: &'a Lab,
    space: String,
    /// Its process and log.
    pub program: Program,
    data: &'a Data,
}

impl<'a> Hub<'a> {
    /// A hub in `space`, ready.
    pub fn start(lab: &'a Lab, space: &str, data: &'a Data) -> Self {
        let mut command = lab.command(space, &program());
        command.env("SIGMA_DATA_DIR", &data.folder).env("SIGMA_LOG", "debug");
        let program = Program::start(space, command.arg("serve").args(["--listen", &format!("[::]:{PORT}")]));
        program.says("listening on", seconds(15));
        Self { lab, space: space.to_owned(), program, data }
    }

    /// What the hub answers to `GET`. It is asked on its own machine: no line is so bad that this fails.
    fn get(&self, path: &str) -> Value {
        let request = format!(
            "GET {path} HTTP/1.0\r\nHost: localhost\r\nX-Api-Key: {}\r\nConnection: close\r\n\r\n",
            self.data.reader_key
        );
        let answer = self.lab.within(&self.space, || {
            let mut stream = TcpStream::connect((Ipv6Addr::LOCALHOST, PORT)).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        });
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 200 "), "{path}: {answer}");
        serde_json::from_str(body).unwrap()
    }

    /// All records.
    pub fn machines(&self) -> Vec<Value> {
        let list = self.get("/api/vps?per_page=100");
        let machines = list["data"].as_array().unwrap();
        assert_eq!(list["total"], machines.len());
        machines.clone()
    }

    /// The only record there is of that name; none if there is none.
    pub fn machine(&self, hostname: &str) -> Option<Value> {
        let mut named = self.machines();
        named.retain(|machine| machine["hostname"] == hostname);
        assert!(named.len() < 2, "{} records of {hostname}", named.len());
        named.pop()
    }

    /// Addresses of the machine, each as `IP` or `IP label`, in the hub's order.
    pub fn addresses(&self, hostname: &str) -> Vec<String> {
        let machine = self.machine(hostname).unwrap();
        let address = |entry: &Value| {
            let (ip, label) = (entry["ip"].as_str().unwrap(), entry["label"].as_str().unwrap());
            format!("{ip} {label}").trim_end().to_owned()
        };
        machine["ip_addresses"].as_array().unwrap().iter().map(address).collect()
    }

    /// Waits until the machine has these addresses and no others.
    pub fn shows(&self, hostname: &str, expected: &[&str], within: Duration) {
        let mut last = Vec::new();
        let deadline = std::time::Instant::now() + within;
        eventually(&format!("{hostname} has {expected:?}"), within + seconds(1), || {
            last = self.addresses(hostname);
            assert!(std::time::Instant::now() < deadline, "{hostname} has {last:?}, not {expected:?}");
            (last == expected).then_some(())
        });
    }
}

/// How an agent is to be started.
pub struct Agent<'a> {
    hostname: &'a str,
    command: Command,
}

impl<'a> Agent<'a> {
    /// An agent in `space` that reports to `hub` (`name` or address) every second and asks nobody for its address.
    pub fn new(lab: &Lab, space: &str, hostname: &'a str, hub: &str, data: &Data) -> Self {
        Self::of(lab, space, hostname, hub, data, Path::new(env!("CARGO_BIN_EXE_sigma-agent")))
    }

    /// The same by another binary or way to start it.
    pub fn of(lab: &Lab, space: &str, hostname: &'a str, hub: &str, data: &Data, program: &Path) -> Self {
        let mut command = lab.command(space, program);
        command
            .env("SIGMA_API_URL", format!("http://{hub}:{PORT}/api"))
            .env("SIGMA_API_KEY", &data.agent_key)
            .env("AGENT_HOSTNAME", hostname)
            .env("AGENT_INTERVAL", "1")
            .env("AGENT_IP_LOOKUP", "off")
            .env("SIGMA_LOG", "debug");
        Self { hostname, command }
    }

    /// Another setting.
    pub fn with(mut self, variable: &str, value: &str) -> Self {
        self.command.env(variable, value);
        self
    }

    /// An argument more.
    pub fn argument(mut self, argument: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Without a setting: the agent's own default.
    pub fn without(mut self, variable: &str) -> Self {
        self.command.env_remove(variable);
        self
    }

    /// Starts it.
    pub fn start(mut self) -> Program {
        Program::start(self.hostname, &mut self.command)
    }
}
