//! The hub under trial: its folder, its keys, its process.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::at;
use crate::http::Connection;

/// A folder with a database, which a hub is started on again and again.
pub(crate) struct Folder {
    program: PathBuf,
    folder: tempfile::TempDir,
    pub(crate) address: SocketAddr,
}

/// A hub that runs; killed when it is dropped.
pub(crate) struct Hub {
    child: Child,
}

impl Folder {
    pub(crate) fn new(program: &Path) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(at("temporary folder"))?;
        // The system gives a free port; it stays the same over restarts, as agents know only one.
        let listener = TcpListener::bind("127.0.0.1:0").map_err(at("free port"))?;
        let address = listener.local_addr().map_err(at("free port"))?;
        Ok(Self { program: program.to_owned(), folder, address })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path().join("data/sigma.db")
    }

    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.path().join("log")).unwrap_or_default()).into_owned()
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear();
        command.env("SIGMA_DATA_DIR", self.path().join("data")).env("SIGMA_LISTEN", self.address.to_string());
        command
    }

    pub(crate) fn key(&self, role: &str) -> Result<String, String> {
        let made = self.command().args(["key", "create", "--name", role, "--role", role]).output();
        let made = made.map_err(at("key create"))?;
        if !made.status.success() {
            return Err(format!("key create: {}", String::from_utf8_lossy(&made.stderr)));
        }
        Ok(String::from_utf8_lossy(&made.stdout).trim().to_owned())
    }

    /// Starts the hub, its log going to a file.
    pub(crate) fn start(&self, log_level: &str) -> Result<Hub, String> {
        let mut log = File::options();
        let log = log.create(true).append(true).open(self.path().join("log")).map_err(at("log"))?;
        let child = self.command().env("SIGMA_LOG", log_level).stdout(Stdio::null()).stderr(log).spawn();
        Ok(Hub { child: child.map_err(at("start"))? })
    }

    /// Waits until the hub answers that it is well.
    pub(crate) fn wait_until_well(&self) -> Result<(), String> {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(20) {
            let answer = Connection::open(self.address, None).and_then(|mut to| to.get("/healthz"));
            if answer.is_ok_and(|answer| answer.status == 200) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Err(format!("the hub did not become well in 20 s; its log ends: {}", tail(&self.log())))
    }
}

impl Hub {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) -> Result<(), String> {
        self.child.kill().map_err(at("kill"))?;
        self.child.wait().map(|_| ()).map_err(at("wait"))
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// A number of `/proc/PID/status`, in KiB.
    pub(crate) fn status_kib(&self, name: &str) -> Result<u64, String> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).map_err(at("status"))?;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let number = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        number.ok_or_else(|| format!("no {name} in status"))
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The last line of a log.
pub(crate) fn tail(log: &str) -> &str {
    log.trim_end().lines().next_back().unwrap_or("(it is empty)")
}
