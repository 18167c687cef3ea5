//! A program in a namespace, and what it says.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A program that runs. It is killed when it is dropped; if that is because the story failed, its log is shown.
pub struct Program {
    what: String,
    child: Child,
    log: Arc<Log>,
    /// When it was started.
    pub started: Instant,
}

#[derive(Default)]
struct Log {
    lines: Mutex<Vec<(Instant, String)>>,
    more: Condvar,
}

impl Program {
    /// Starts `command`.
    pub fn start(what: &str, command: &mut Command) -> Self {
        let started = Instant::now();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (log, stderr) = (Arc::new(Log::default()), child.stderr.take().unwrap());
        let writer = Arc::clone(&log);
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                writer.lines.lock().unwrap().push((Instant::now(), line));
                writer.more.notify_all();
            }
        });
        Self { what: what.to_owned(), child, log, started }
    }

    fn lines(&self) -> MutexGuard<'_, Vec<(Instant, String)>> {
        self.log.lines.lock().unwrap()
    }

    /// When the lines that hold `text` were written.
    pub fn times(&self, text: &str) -> Vec<Instant> {
        self.lines().iter().filter(|(_, line)| line.contains(text)).map(|(at, _)| *at).collect()
    }

    /// How many lines hold `text`.
    pub fn count(&self, text: &str) -> usize {
        self.times(text).len()
    }

    /// When `text` was written for the first time.
    pub fn says(&self, text: &str, within: Duration) -> Instant {
        self.says_again(text, 1, within)
    }

    /// When `text` was written for the `nth` time; waits for it.
    pub fn says_again(&self, text: &str, nth: usize, within: Duration) -> Instant {
        let deadline = Instant::now() + within;
        let mut lines = self.lines();
        loop {
            if let Some((at, _)) = lines.iter().filter(|(_, line)| line.contains(text)).nth(nth - 1) {
                return *at;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(lines);
                panic!("{} did not say {text:?} ({nth}) within {within:?}", self.what);
            }
            lines = self.log.more.wait_timeout(lines, left).unwrap().0;
        }
    }

    /// Sockets that it holds.
    pub fn sockets(&self) -> usize {
        let folder = Path::new("/proc").join(self.child.id().to_string()).join("fd");
        let links = fs::read_dir(folder).unwrap().filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        links.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
    }

    /// What is mapped into its memory.
    pub fn maps(&self) -> String {
        fs::read_to_string(format!("/proc/{}/maps", self.child.id())).unwrap()
    }

    /// Asks it to end, and waits until it did. How long that took.
    pub fn terminate(&mut self) -> Duration {
        let asked = Instant::now();
        let pid = Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{} ended with {status}", self.what);
        asked.elapsed()
    }

    /// Ends it without asking.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Fails where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking()
            && let Ok(lines) = self.log.lines.lock()
        {
            for (at, line) in lines.iter() {
                println!("{} {:7.3} {line}", self.what, at.duration_since(self.started).as_secs_f64());
            }
        }
    }
}
