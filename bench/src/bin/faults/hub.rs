//! The hub under trial: its folder, its keys, its process.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::at;
use crate::http::Connection;

/// Where what the hub prints goes, in its folder.
pub(crate) const TERMINAL: &str = "terminal";
const TOKEN: &str = "/setup?token=";

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
        // Its output is read here, and is no terminal.
        command.env("SIGMA_PRINT_SETUP_LINK", "1");
        command
    }

    pub(crate) fn key(&self, role: &str) -> Result<String, String> {
        self.run(&["key", "create", "--name", role, "--role", role])
    }

    /// What a command prints.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let place = arguments.join(" ");
        let ended = self.command().args(arguments).output().map_err(at(&place))?;
        if !ended.status.success() {
            return Err(format!("{place}: {}", String::from_utf8_lossy(&ended.stderr)));
        }
        Ok(String::from_utf8_lossy(&ended.stdout).trim().to_owned())
    }

    /// Starts the hub, its log going to a file.
    pub(crate) fn start(&self, log_level: &str) -> Result<Hub, String> {
        self.start_with(&[("SIGMA_LOG", log_level)])
    }

    /// Starts the hub with these settings; its log goes to a file, and what it prints to another.
    pub(crate) fn start_with(&self, settings: &[(&str, &str)]) -> Result<Hub, String> {
        let open = |name: &str| {
            File::options().create(true).append(true).open(self.path().join(name)).map_err(at(name))
        };
        let mut command = self.command();
        command.envs(settings.iter().copied()).stdout(open(TERMINAL)?).stderr(open("log")?);
        Ok(Hub { child: command.spawn().map_err(at("start"))? })
    }

    /// All that the hub printed.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(self.path().join(TERMINAL)).unwrap_or_default()
    }

    /// The token of the link that the hub prints at its first start.
    pub(crate) fn printed_token(&self) -> Result<String, String> {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(10) {
            let said = self.said();
            if let Some(line) = said.lines().find(|line| line.contains(TOKEN)) {
                return token_of(line);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err(format!("no link is printed, but: {}", self.said()))
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

/// The token of a link.
pub(crate) fn token_of(link: &str) -> Result<String, String> {
    let token = link.trim_end().split_once(TOKEN).map(|(_, token)| token.to_owned());
    token.ok_or_else(|| format!("there is no link in {link:?}"))
}

/// The last line of a log.
pub(crate) fn tail(log: &str) -> &str {
    log.trim_end().lines().next_back().unwrap_or("(it is empty)")
}
