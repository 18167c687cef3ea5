//! The agent as a process.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::root::Root;
use super::{PATIENCE, until};

/// The key that stories use, to be looked for where it must not be.
pub const KEY: &str = "sgm_abcd1234_8f3kq0zv7m2xw9yt5hb6ncdj4rls1pga";

/// An agent that has not been started.
pub struct Launch(Command);

/// An agent for `root` and `hub` with an interval of 1 s that tells everything, and nothing of this process's own.
pub fn agent(root: &Root, hub: &str) -> Launch {
    let launch = Launch(Command::new(env!("CARGO_BIN_EXE_sigma-agent"))).bare();
    launch
        .env("SIGMA_API_URL", hub)
        .env("SIGMA_API_KEY", KEY)
        .env("SIGMA_LOG", "debug")
        .env("AGENT_INTERVAL", "1")
        .env("AGENT_IP_LOOKUP", "off")
        .env("AGENT_HOST_ROOT", root.path().to_str().unwrap())
}

impl Launch {
    /// Takes all settings back.
    pub fn bare(mut self) -> Self {
        self.0.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    pub fn unset(mut self, name: &str) -> Self {
        self.0.env_remove(name);
        self
    }

    pub fn args<A: AsRef<std::ffi::OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.0.args(args);
        self
    }

    /// Runs it to its end.
    pub fn finish(self) -> Finished {
        let mut running = self.start();
        let started = Instant::now();
        let status = loop {
            match running.child.try_wait().unwrap() {
                Some(status) => break status,
                None => assert!(started.elapsed() < PATIENCE, "it does not end: {}", running.log()),
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        running.finished(status)
    }

    pub fn start(mut self) -> Running {
        let mut child = self.0.spawn().unwrap();
        let (stdout, stderr) = (Arc::default(), Arc::default());
        let readers = [
            collect(child.stdout.take().unwrap(), Arc::clone(&stdout)),
            collect(child.stderr.take().unwrap(), Arc::clone(&stderr)),
        ];
        Running { child, stdout, stderr, readers: readers.into() }
    }
}

fn collect(
    pipe: impl std::io::Read + Send + 'static,
    text: Arc<Mutex<String>>,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe.read_until(b'\n', &mut line).unwrap_or_default() > 0 {
            text.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    })
}

/// An agent at work; it is killed when the story ends.
pub struct Running {
    child: Child,
    stdout: Arc<Mutex<String>>,
    stderr: Arc<Mutex<String>>,
    readers: Vec<std::thread::JoinHandle<()>>,
}

/// What an agent left behind.
pub struct Finished {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Running {
    /// All that it wrote to stderr so far.
    pub fn log(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// How many lines of the log hold `text`.
    pub fn count(&self, text: &str) -> usize {
        self.log().lines().filter(|line| line.contains(text)).count()
    }

    /// Waits until the log holds `text`; the first line that does.
    pub fn says(&self, text: &str) -> String {
        let started = Instant::now();
        loop {
            let log = self.log();
            if let Some(line) = log.lines().find(|line| line.contains(text)) {
                return line.to_owned();
            }
            assert!(started.elapsed() < PATIENCE, "it never says {text:?} but: {log}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A file of its folder in /proc.
    pub fn proc(&self, file: &str) -> String {
        let bytes = std::fs::read(format!("/proc/{}/{file}", self.pid())).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// A figure in KiB of its `status`, for example `VmHWM`; or the number of its `Threads`.
    pub fn status(&self, name: &str) -> u64 {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap().split_whitespace().next().unwrap().parse().unwrap()
    }

    pub fn descriptors(&self) -> usize {
        self.open_files().len()
    }

    pub fn sockets(&self) -> usize {
        self.open_files().iter().filter(|target| target.starts_with("socket:")).count()
    }

    fn open_files(&self) -> Vec<String> {
        let links = std::fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap();
        // One may be closed while we look.
        let targets = links.filter_map(|link| std::fs::read_link(link.ok()?.path()).ok());
        targets.map(|target| target.to_string_lossy().into_owned()).collect()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Sends `signal` and waits for the end; how long that took.
    pub fn end(&mut self, signal: Signal) -> (ExitStatus, Duration) {
        let sent = Instant::now();
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, sent.elapsed());
            }
            assert!(sent.elapsed() < PATIENCE, "it does not end: {}", self.log());
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn finished(mut self, status: ExitStatus) -> Finished {
        let readers = std::mem::take(&mut self.readers);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
        let text = |text: &Mutex<String>| text.lock().unwrap().clone();
        Finished { code: status.code(), stdout: text(&self.stdout), stderr: text(&self.stderr) }
    }

    /// Waits until the log stays as it is: what was said last has been read.
    pub fn settle(&self) {
        let seen = std::cell::Cell::new(usize::MAX);
        until("the log is quiet", || {
            std::thread::sleep(Duration::from_millis(100));
            let length = self.log().len();
            seen.replace(length) == length
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            eprintln!("the agent's log:\n{}", self.log());
        }
    }
}
