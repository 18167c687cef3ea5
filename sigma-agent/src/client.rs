//! `SigmaClient`: HTTP to the hub with `X-Api-Key`, its deadlines, and what each answer means. Nobody else knows that
//! there is HTTP.

mod connect;
mod http;
mod proxy;
mod public_address;
mod stream;
mod tls;

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use serde::Serialize;
use sigma_protocol::{API_KEY_HEADER, HEARTBEAT_PATH, REGISTER_PATH, is_unprintable};
use ureq_proto::http::{HeaderValue, Method, Request, header};

use crate::models::{Acknowledgement, ErrorAnswer, Heartbeat, Outcome, Registration};
use crate::url::Url;
use connect::{Connector, Family};
use http::{Answer, exchange};
pub use public_address::ask as ask_public_address;
use stream::Stream;

/// A connection must be made within this time …
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// … and everything be done within this, a second connection included. With the first pause after a failure the next
/// attempt then follows within 20 s.
const TOTAL_TIME: Duration = Duration::from_secs(18);
/// A connection that was idle for longer is not used again: proxies commonly close theirs after 60 to 120 s.
pub const MAX_IDLE: Duration = Duration::from_secs(90);
/// A connection that is older is not used again, so that a changed DNS record is noticed.
const MAX_AGE: Duration = Duration::from_secs(15 * 60);
/// Of the body of an answer so much is kept.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// Of a hub's sentence so many characters are logged.
const MAX_SENTENCE_CHARS: usize = 300;

/// How a hub is reached.
pub struct Settings<'a> {
    /// Base URL of the API.
    pub api_url: Url,
    /// Value of `X-Api-Key`.
    pub key: Option<String>,
    /// PEM of a private CA.
    pub ca_file: Option<&'a Path>,
    /// Proxy for the scheme of `api_url`.
    pub proxy: Option<Url>,
    /// `NO_PROXY`.
    pub no_proxy: &'a str,
    /// Whether the next message follows soon enough for a connection to be kept.
    pub keeps_connection: bool,
}

/// The hub, as the agent sees it.
pub struct SigmaClient {
    base: Url,
    key: Option<HeaderValue>,
    proxy: Option<Url>,
    keeps_connection: bool,
    tls: Option<Arc<ClientConfig>>,
    connector: Connector,
    kept: Option<Kept>,
    plain_peer: Option<IpAddr>,
}

struct Kept {
    stream: Stream,
    made_at: Instant,
    used_at: Instant,
}

impl Kept {
    fn is_fresh(&self) -> bool {
        self.used_at.elapsed() < MAX_IDLE && self.made_at.elapsed() < MAX_AGE
    }
}

impl SigmaClient {
    /// A client that has not connected yet.
    ///
    /// # Errors
    /// What is wrong with the CA file.
    pub fn new(settings: Settings<'_>) -> Result<Self, String> {
        let is_https = settings.api_url.is_https;
        // A file that is of no use is refused also where it is not needed yet.
        let tls =
            (is_https || settings.ca_file.is_some()).then(|| tls::config(settings.ca_file)).transpose()?;
        let mut client = Self {
            proxy: proxy::proxy_for(&settings.api_url, settings.proxy, settings.no_proxy),
            base: settings.api_url,
            key: None,
            keeps_connection: settings.keeps_connection,
            tls: tls.filter(|_| is_https),
            connector: Connector::default(),
            kept: None,
            plain_peer: None,
        };
        client.set_key(settings.key.as_deref());
        Ok(client)
    }

    /// The key of all messages from now on.
    pub fn set_key(&mut self, key: Option<&str>) {
        self.key = key.and_then(|key| HeaderValue::from_str(key).ok());
        if let Some(key) = &mut self.key {
            key.set_sensitive(true);
        }
    }

    /// Address at the other end of the last connection, if what went over it could be read on the way.
    #[must_use]
    pub fn plain_peer(&self) -> Option<IpAddr> {
        self.plain_peer
    }

    /// Whether a proxy is asked for the hub.
    #[must_use]
    pub fn is_proxied(&self) -> bool {
        self.proxy.is_some()
    }

    /// Does not use the kept connection again.
    pub fn disconnect(&mut self) {
        self.kept = None;
    }

    /// Tells the hub who this machine is.
    pub fn register(&mut self, message: &Registration) -> Outcome {
        self.send(REGISTER_PATH, message)
    }

    /// Tells the hub that this machine is still here.
    pub fn heartbeat(&mut self, message: &Heartbeat) -> Outcome {
        self.send(HEARTBEAT_PATH, message)
    }

    fn send(&mut self, path: &str, message: &impl Serialize) -> Outcome {
        let body = match serde_json::to_vec(message) {
            Ok(body) => body,
            Err(error) => return Outcome::Unreachable(format!("the message cannot be written: {error}")),
        };
        match self.post(path, &body) {
            Ok(answer) => {
                let key = self.key.as_ref().and_then(|key| key.to_str().ok());
                meaning(&answer, &self.base, key.unwrap_or_default())
            }
            Err(error) => Outcome::Unreachable(error.to_string()),
        }
    }

    /// Over the kept connection if there is one; when that turns out to be dead, at once over a new one.
    fn post(&mut self, path: &str, body: &[u8]) -> io::Result<Answer> {
        let deadline = Instant::now() + TOTAL_TIME;
        if let Some(kept) = self.kept.take().filter(Kept::is_fresh) {
            match self.post_over(kept, path, body, deadline) {
                Err(error) if Instant::now() < deadline => {
                    log::debug!("the kept connection was stale ({error}); making another");
                }
                // Some proxies say so to a connection that was idle for too long, before they have seen the request.
                Ok(answer) if answer.status == 408 => {
                    log::debug!("the kept connection was given up (408); making another");
                }
                done => return done,
            }
            self.kept = None;
        }
        let fresh = self.connect(deadline)?;
        self.post_over(fresh, path, body, deadline)
    }

    fn post_over(
        &mut self,
        mut kept: Kept,
        path: &str,
        body: &[u8],
        deadline: Instant,
    ) -> io::Result<Answer> {
        let request = self.request(path)?;
        // A proxy that passes plain http on is told the whole URL.
        let prefix = match self.proxy {
            Some(_) if !self.base.is_https => format!("http://{}", self.base.authority()),
            _ => String::new(),
        };
        let answer = exchange(&mut kept.stream, request, &prefix, body, MAX_BODY_BYTES, deadline)?;
        kept.used_at = Instant::now();
        self.kept = Some(kept).filter(|_| answer.is_reusable && self.keeps_connection);
        Ok(answer)
    }

    fn request(&self, path: &str) -> io::Result<Request<()>> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}{path}", self.base))
            .header(header::USER_AGENT, USER_AGENT)
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(key) = &self.key {
            request = request.header(API_KEY_HEADER, key);
        }
        if !self.keeps_connection {
            request = request.header(header::CONNECTION, "close");
        }
        if let Some(proxy) = self.proxy.as_ref().filter(|_| !self.base.is_https) {
            request = with_proxy_authorization(request, proxy);
        }
        request.body(()).map_err(io::Error::other)
    }

    fn connect(&mut self, total: Instant) -> io::Result<Kept> {
        let deadline = total.min(Instant::now() + CONNECT_TIME);
        let next = self.proxy.as_ref().unwrap_or(&self.base);
        let socket = self.connector.connect(&next.host, next.port, Family::Any, deadline)?;
        let mut stream = Stream::plain(socket);
        if let Some(tls) = &self.tls {
            if let Some(proxy) = &self.proxy {
                open_tunnel(&mut stream, proxy, &self.base, deadline)?;
            }
            stream = stream.encrypt(&self.base.host, Arc::clone(tls), deadline)?;
        }
        let peer = stream.peer().map(|peer| peer.ip());
        self.plain_peer = peer.filter(|_| !stream.is_encrypted());
        log::debug!("connected to {}", self.base);
        Ok(Kept { stream, made_at: Instant::now(), used_at: Instant::now() })
    }
}

const USER_AGENT: &str = concat!("sigma-agent/", env!("CARGO_PKG_VERSION"));

fn with_proxy_authorization(
    request: ureq_proto::http::request::Builder,
    proxy: &Url,
) -> ureq_proto::http::request::Builder {
    match proxy::authorization(proxy) {
        Some(value) => request.header(header::PROXY_AUTHORIZATION, value),
        None => request,
    }
}

/// Asks a proxy for a way through to an https hub (RFC 9110 section 9.3.6).
fn open_tunnel(stream: &mut Stream, proxy: &Url, target: &Url, deadline: Instant) -> io::Result<()> {
    let request = Request::builder().method(Method::CONNECT).uri(target.host_port());
    let request = with_proxy_authorization(request.header(header::HOST, target.host_port()), proxy);
    let request = request.body(()).map_err(io::Error::other)?;
    let answer = exchange(stream, request, "", &[], 0, deadline)?;
    match answer.status {
        200..=299 => Ok(()),
        status => {
            Err(io::Error::other(format!("the proxy {proxy} does not let us through: it answered {status}")))
        }
    }
}

fn meaning(answer: &Answer, base: &Url, key: &str) -> Outcome {
    let sentence = || sentence(&answer.body, key);
    match answer.status {
        200..=299 => match serde_json::from_slice::<Acknowledgement>(&answer.body) {
            Ok(record) => Outcome::Acknowledged(Acknowledgement { id: printable(&record.id, key), ..record }),
            Err(_) => Outcome::Unreachable(format!("what answers at {base} is not a Sigma hub")),
        },
        404 => Outcome::Unknown(sentence()),
        status @ (401 | 403 | 410) => Outcome::Refused(status, sentence()),
        // Only a proxy answers so; its refusal of a tunnel is noticed when that is made.
        407 => Outcome::Unreachable(
            "the proxy wants a user and password (407), as in http://user:password@proxy".into(),
        ),
        status @ (429 | 503) => Outcome::Overloaded(status, retry_after(answer.retry_after.as_deref())),
        status @ 300..=399 => {
            let target = printable(answer.location.as_deref().unwrap_or_default(), key);
            Outcome::Rejected(status, format!("the hub redirects to {target:?}, which is never followed"))
        }
        status @ 400..=499 => Outcome::Rejected(status, sentence()),
        status => Outcome::Unreachable(format!("the hub answered {status}: {}", sentence())),
    }
}

/// Seconds; a date, which HTTP allows too, would need a clock that is right.
fn retry_after(value: Option<&str>) -> Option<Duration> {
    let seconds = value?.trim();
    match seconds.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        // A number that is larger than any is "very long".
        Err(_) if !seconds.is_empty() && seconds.bytes().all(|b| b.is_ascii_digit()) => Some(Duration::MAX),
        Err(_) => None,
    }
}

/// The hub's own words, safe to log. Older hubs send none.
fn sentence(body: &[u8], key: &str) -> String {
    match serde_json::from_slice::<ErrorAnswer>(body) {
        Ok(answer) => printable(&answer.error, key),
        Err(_) => "no reason given".to_owned(),
    }
}

/// Safe to log also when the hub says again what it was sent, the key included.
fn printable(text: &str, key: &str) -> String {
    let text: String = text.chars().filter(|&c| !is_unprintable(c)).collect();
    let text = if key.is_empty() { text } else { text.replace(key, "…") };
    text.chars().take(MAX_SENTENCE_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: u16, body: &str) -> Outcome {
        let answer = Answer {
            status,
            retry_after: Some("7".to_owned()),
            location: Some("https://elsewhere/".to_owned()),
            body: body.as_bytes().to_vec(),
            is_reusable: true,
        };
        meaning(&answer, &Url::parse("http://hub").unwrap(), "sgm_key")
    }

    #[test]
    fn every_answer_has_a_meaning() {
        let record = r#"{"id":"1","hostname":"a","status":"active","more":[]}"#;
        assert!(matches!(outcome(200, record), Outcome::Acknowledged(_)));
        assert!(matches!(outcome(200, "<html>sign in to the wifi</html>"), Outcome::Unreachable(_)));
        assert_eq!(outcome(404, r#"{"error":"who?"}"#), Outcome::Unknown("who?".into()));
        assert_eq!(outcome(401, ""), Outcome::Refused(401, "no reason given".into()));
        assert!(matches!(outcome(410, r#"{"error":"gone"}"#), Outcome::Refused(410, _)));
        assert_eq!(outcome(503, ""), Outcome::Overloaded(503, Some(Duration::from_secs(7))));
        assert_eq!(outcome(400, r#"{"error":"a\nb"}"#), Outcome::Rejected(400, "ab".into()));
        assert!(matches!(outcome(302, ""), Outcome::Rejected(302, text) if text.contains("elsewhere")));
        assert!(matches!(outcome(500, ""), Outcome::Unreachable(_)));
    }

    #[test]
    fn what_a_hub_says_is_safe_to_log() {
        for (said, logged) in
            [("my sgm_key!", "my …!"), (r"sgm\u0007_key", "…"), (&"a".repeat(400), &"a".repeat(300))]
        {
            let body = format!(r#"{{"error":"{said}"}}"#);
            assert_eq!(outcome(400, &body), Outcome::Rejected(400, logged.into()));
        }
        assert_eq!(printable("no key", ""), "no key");
    }

    #[test]
    fn retry_after_is_a_number_of_seconds() {
        assert_eq!(retry_after(Some(" 120 ")), Some(Duration::from_secs(120)));
        assert_eq!(retry_after(Some("99999999999999999999999")), Some(Duration::MAX));
        for none in [None, Some(""), Some("-1"), Some("soon"), Some("Wed, 21 Oct 2015 07:28:00 GMT")] {
            assert_eq!(retry_after(none), None);
        }
    }
}
