//! What a hub answers, over a real connection: HTTP, `Retry-After`, the sentence of an error, the record of a machine.

#![no_main]

#[path = "../../../sigma-agent/src"]
mod agent {
    pub mod client;
    pub mod models;
    pub mod system;
    pub mod url;
}

use std::cell::RefCell;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use agent::client::{Settings, SigmaClient};
use agent::models::{About, Heartbeat, Outcome, heartbeat};
use agent::url::Url;
use agent::{models, system, url};
use libfuzzer_sys::fuzz_target;

/// A server that answers whatever it is told to, one connection after the other.
struct Hub {
    answers: Sender<Vec<u8>>,
    client: SigmaClient,
    message: Heartbeat,
}

impl Hub {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (answers, to_send) = channel::<Vec<u8>>();
        thread::spawn(move || {
            for answer in to_send {
                let (mut socket, _) = listener.accept().unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"}") {
                    let mut piece = [0; 2048];
                    let read = socket.read(&mut piece).unwrap();
                    request.extend_from_slice(&piece[..read]);
                }
                // The client may have heard enough before the end.
                let _ = socket.write_all(&answer);
                let _ = socket.shutdown(Shutdown::Write);
                let _ = socket.read_to_end(&mut request);
            }
        });
        let settings = Settings {
            api_url: Url::parse(&format!("http://127.0.0.1:{port}/api")).unwrap(),
            key: Some("sgm_test".to_owned()),
            ca_file: None,
            proxy: None,
            no_proxy: "",
            keeps_connection: false,
        };
        let about = About { ssh_port: 22, interval_seconds: 60 };
        let message = heartbeat("fuzz", &system::Snapshot::default(), None, &about);
        Self { answers, client: SigmaClient::new(settings).unwrap(), message }
    }

    fn outcome(&mut self, answer: Vec<u8>) -> Outcome {
        self.answers.send(answer).unwrap();
        self.client.heartbeat(&self.message)
    }
}

thread_local! {
    static HUB: RefCell<Hub> = RefCell::new(Hub::new());
}

/// An input is an answer as it stands on the wire; or, without `HTTP/`, three lines of which one is made: the status,
/// `Retry-After`, and the body.
fn answer(input: &[u8]) -> (Option<u16>, Vec<u8>) {
    if input.starts_with(b"HTTP/") {
        return (None, input.to_vec());
    }
    let mut lines = input.splitn(3, |&b| b == b'\n');
    let mut next = || lines.next().unwrap_or_default();
    let status =
        std::str::from_utf8(next()).ok().and_then(|s| s.parse().ok()).filter(|s| (200..=599).contains(s));
    let status = status.unwrap_or(200);
    let (retry_after, body) = (next(), next());
    let value: Vec<u8> = retry_after.iter().copied().filter(|b| (0x20..0x7f).contains(b)).collect();
    let mut answer =
        format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nRetry-After: ", body.len()).into_bytes();
    for part in [value.as_slice(), b"\r\n\r\n", body] {
        answer.extend_from_slice(part);
    }
    (Some(status), answer)
}

fuzz_target!(|input: &[u8]| {
    let (sent, answer) = answer(input);
    let started = Instant::now();
    let outcome = HUB.with_borrow_mut(|hub| hub.outcome(answer));
    assert!(started.elapsed() < Duration::from_secs(10), "an answer that has ended is not waited for");
    let (status, sentence) = match &outcome {
        Outcome::Acknowledged(_) => (200, ""),
        Outcome::Unknown(sentence) => (404, sentence.as_str()),
        Outcome::Refused(status, sentence) | Outcome::Rejected(status, sentence) => {
            (*status, sentence.as_str())
        }
        Outcome::Overloaded(status, _) => (*status, ""),
        Outcome::Unreachable(sentence) => (500, sentence.as_str()),
    };
    assert!(sentence.chars().count() <= 1000, "{} characters to log", sentence.chars().count());
    let means = match sent {
        Some(200..=299) => matches!(outcome, Outcome::Acknowledged(_) | Outcome::Unreachable(_)),
        Some(404) => matches!(outcome, Outcome::Unknown(_)),
        Some(401 | 403 | 410) => matches!(outcome, Outcome::Refused(..)) && sent == Some(status),
        // Not the hub's answer but the proxy's before it.
        Some(407) => matches!(outcome, Outcome::Unreachable(_)),
        Some(429 | 503) => matches!(outcome, Outcome::Overloaded(..)) && sent == Some(status),
        Some(300..=499) => matches!(outcome, Outcome::Rejected(..)) && sent == Some(status),
        Some(_) => matches!(outcome, Outcome::Unreachable(_)),
        None => matches!(outcome, Outcome::Unreachable(_)) || (200..600).contains(&status),
    };
    // 204 and 304 have no body, so that bytes after the head are of nothing.
    assert!(means || matches!(sent, Some(204 | 304)), "{sent:?} was taken for {outcome:?}");
    if !matches!(outcome, Outcome::Unreachable(_)) {
        assert!(!sentence.chars().any(char::is_control), "{sentence:?}");
    }
});
