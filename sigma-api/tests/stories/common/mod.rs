//! A hub of one's own for each test: the real program on a fresh folder, and a small HTTP client.
#![expect(clippy::disallowed_methods, reason = "the test starts the program that it tests")]
#![allow(dead_code, clippy::allow_attributes, reason = "each test file uses its part of this")]

pub(crate) mod authenticator;
pub(crate) mod machine;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sea_orm::{
    ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait,
};
use serde_json::Value;

/// The program, with an environment that holds nothing of the person who runs the tests.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigma-api"));
    command.env_clear();
    command
}

/// Runs the program to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

/// A data folder that is gone after the test.
pub(crate) struct Folder {
    folder: tempfile::TempDir,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path().join("sigma.db")
    }

    /// Runs the program on this folder.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        program().env("SIGMA_DATA_DIR", self.path()).args(arguments).output().unwrap()
    }

    /// Makes a key of that role.
    pub(crate) fn key(&self, role: &str) -> String {
        let made = self.run(&["key", "create", "--name", &format!("test {role}"), "--role", role]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8(made.stdout).unwrap().trim_end().to_owned()
    }

    /// Starts the hub and waits until it listens.
    pub(crate) fn start(&self) -> Hub {
        self.start_with(&[("SIGMA_PRINT_SETUP_LINK", "1")])
    }

    /// Starts the hub with these settings.
    pub(crate) fn start_with(&self, settings: &[(&str, &str)]) -> Hub {
        let mut command = program();
        command.env("SIGMA_DATA_DIR", self.path()).env("SIGMA_LOG", "debug");
        Hub::start(command.envs(settings.iter().copied()))
    }

    /// Starts the hub where another one was.
    pub(crate) fn start_at(&self, address: SocketAddr) -> Hub {
        self.start_with(&[("SIGMA_LISTEN", &address.to_string())])
    }

    /// Starts a hub whose files can be limited in size later: then a write fails, instead of ending the program.
    pub(crate) fn start_limitable(&self) -> Hub {
        let mut shell = Command::new("sh");
        shell.env_clear().env("SIGMA_DATA_DIR", self.path());
        Hub::start(shell.args(["-c", "trap '' XFSZ; exec \"$0\"", env!("CARGO_BIN_EXE_sigma-api")]))
    }

    /// Starts a hub that may open only so many files.
    pub(crate) fn start_with_files(&self, most: u32) -> Hub {
        let mut shell = Command::new("sh");
        shell.env_clear().env("SIGMA_DATA_DIR", self.path());
        let script = format!("ulimit -n {most}; exec \"$0\"");
        Hub::start(shell.args(["-c", &script, env!("CARGO_BIN_EXE_sigma-api")]))
    }

    /// Starts a hub whose terminal is what systemd would keep in its journal.
    pub(crate) fn start_in_journal(&self) -> Hub {
        let mut shell = Command::new("sh");
        shell.env("SIGMA_DATA_DIR", self.path());
        let script = "JOURNAL_STREAM=$(stat -L -c %d:%i /proc/$$/fd/1); export JOURNAL_STREAM; exec \"$0\"";
        Hub::start(shell.args(["-c", script, env!("CARGO_BIN_EXE_sigma-api")]))
    }

    /// Changes or reads the database behind the hub's back.
    pub(crate) fn sql(&self, sql: &str) -> Vec<String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let url = format!("sqlite://{}?mode=rw", self.database().display());
            let database: DatabaseConnection = Database::connect(url).await.unwrap();
            let statement = Statement::from_string(database.get_database_backend(), sql);
            let rows = database.query_all_raw(statement).await.unwrap();
            let cells =
                rows.iter().map(|row| row.try_get_by_index::<Option<String>>(0).unwrap().unwrap_or_default());
            let cells = cells.collect();
            database.close().await.unwrap();
            cells
        })
    }
}

/// A write lock on a database, as another program may hold it.
pub(crate) struct Lock {
    runtime: tokio::runtime::Runtime,
    transaction: Option<DatabaseTransaction>,
}

impl Folder {
    pub(crate) fn lock(&self) -> Lock {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let transaction = runtime.block_on(async {
            let url = format!("sqlite://{}?mode=rw", self.database().display());
            let database = Database::connect(url).await.unwrap();
            let mode = Some(SqliteTransactionMode::Immediate);
            let options =
                TransactionOptions { sqlite_transaction_mode: mode, ..TransactionOptions::default() };
            database.begin_with_options(options).await.unwrap()
        });
        Lock { runtime, transaction: Some(transaction) }
    }
}

impl Lock {
    /// Changes the database and gives it free.
    pub(crate) fn change(mut self, sql: &str) {
        let transaction = self.transaction.take().unwrap();
        self.runtime.block_on(async {
            transaction.execute_unprepared(sql).await.unwrap();
            transaction.commit().await.unwrap();
        });
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(transaction) = self.transaction.take() {
            self.runtime.block_on(transaction.rollback()).unwrap();
        }
    }
}

/// A hub that runs.
pub(crate) struct Hub {
    child: Child,
    pub(crate) address: SocketAddr,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
    said: Arc<Mutex<String>>,
}

impl Hub {
    fn start(command: &mut Command) -> Self {
        if !command.get_envs().any(|(name, _)| name == "SIGMA_LISTEN") {
            command.env("SIGMA_LISTEN", "127.0.0.1:0");
        }
        let command = command.stderr(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (terminal, to) = (BufReader::new(child.stdout.take().unwrap()), Arc::clone(&said));
        std::thread::spawn(move || {
            for line in terminal.lines().map_while(Result::ok) {
                *to.lock().unwrap() += &(line + "\n");
            }
        });
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(String::new()));
        let mut address = None;
        while address.is_none() {
            let line = lines.next().expect("the hub ended before it listened").unwrap();
            address = line.split_once("listening on http://").map(|(_, address)| address.parse().unwrap());
            *log.lock().unwrap() += &(line + "\n");
        }
        let to = Arc::clone(&log);
        let reader = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                *to.lock().unwrap() += &(line + "\n");
            }
        });
        Self { child, address: address.unwrap(), log, reader: Some(reader), said }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Memory that it has in use, in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// From now on no file of the hub is written beyond so many bytes, as if the disk were full.
    pub(crate) fn limit_files(&self, bytes: Option<u64>) {
        use rustix::process::{Pid, Resource, Rlimit, prlimit};
        let limit = Rlimit { current: bytes, maximum: None };
        prlimit(Some(Pid::from_child(&self.child)), Resource::Fsize, limit).unwrap();
    }

    /// What was logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// What was printed on the terminal so far.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// SIGTERM; how long it took to end, its exit code, and all that it logged.
    pub(crate) fn stop(self) -> (Duration, Option<i32>, String) {
        self.signal();
        self.wait()
    }

    /// Waits for the end of a hub that was told to stop.
    pub(crate) fn wait(mut self) -> (Duration, Option<i32>, String) {
        let started = Instant::now();
        let status = self.child.wait().unwrap();
        self.reader.take().unwrap().join().unwrap();
        (started.elapsed(), status.code(), self.log())
    }

    /// Sends SIGTERM and goes on.
    pub(crate) fn signal(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn get(&self, key: &str, path: &str) -> Answer {
        self.send("GET", path, &[("x-api-key", key)], b"")
    }

    pub(crate) fn post(&self, key: &str, path: &str, body: &str) -> Answer {
        let headers = [("x-api-key", key), ("content-type", "application/json")];
        self.send("POST", path, &headers, body.as_bytes())
    }

    /// A request with a body of JSON and further headers.
    pub(crate) fn send_json(
        &self,
        key: &str,
        (method, path): (&str, &str),
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        let named = [("x-api-key", key), ("content-type", "application/json")];
        self.send(method, path, &[&named, headers].concat(), body.to_string().as_bytes())
    }

    pub(crate) fn put(&self, key: &str, path: &str, body: &Value) -> Answer {
        self.send_json(key, ("PUT", path), &[], body)
    }

    pub(crate) fn delete(&self, key: &str, path: &str) -> Answer {
        self.send("DELETE", path, &[("x-api-key", key)], b"")
    }

    /// One request on a connection of its own.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut stream = self.connect();
        let mut request = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "host") {
            request += "host: hub\r\n";
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("content-length: {}\r\n\r\n", body.len());
        // A refused request may be answered before it was sent whole.
        let _ = stream.write_all(&[request.as_bytes(), body].concat());
        Answer::read(&mut stream)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        // Far longer than any answer takes: who waits so long hangs.
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer of the hub.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) text: String,
}

impl Answer {
    /// Reads until the connection is closed.
    pub(crate) fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let all = String::from_utf8(bytes).unwrap();
        let (head, text) = all.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer but {all:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head: head.to_ascii_lowercase(), text: text.to_owned() }
    }

    /// The value of a header of the answer.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The sentence of an error answer, which has every member that it should have.
    pub(crate) fn error(&self) -> String {
        let body = self.json();
        assert_eq!(body["status"], self.status, "{self:?}");
        assert_eq!(body["type"], "about:blank");
        assert!(body["title"].as_str().is_some_and(|title| !title.is_empty()));
        assert_eq!(body["detail"], body["error"]);
        assert!(self.head.contains("content-type: application/json"), "{self:?}");
        body["error"].as_str().unwrap().to_owned()
    }
}

/// A golden message of the protocol.
pub(crate) fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sigma-protocol/fixtures").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// Tries until it holds, for at most that long.
pub(crate) fn eventually(within: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    while started.elapsed() < within {
        if holds() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    holds()
}
