//! A small HTTP/1.1 client: one kept connection, deadlines, and bodies as crooked as one likes.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

const DEADLINE: Duration = Duration::from_secs(20);

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Which version of the thing it is about, as the hub marks it.
    pub etag: Option<String>,
    /// Its header lines as they came, without that of the status.
    pub head: String,
    /// All of its body.
    pub body: String,
}

impl Answer {
    /// The values of all headers of that name, which is in lower case.
    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let pairs = self.head.lines().filter_map(|line| line.split_once(':'));
        pairs.filter(move |(is, _)| is.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The JSON that was answered; `null` for anything else.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// A member of the JSON that was answered, as text.
    #[must_use]
    pub fn text(&self, member: &str) -> String {
        self.json().get(member).and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

/// A kept connection.
pub struct Connection {
    stream: BufReader<TcpStream>,
    key: Option<String>,
}

impl Connection {
    /// Connects; every request carries the key.
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn open(address: SocketAddr, key: Option<&str>) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, DEADLINE)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), key: key.map(str::to_owned) })
    }

    /// GET.
    ///
    /// # Errors
    /// When the connection is lost; then another must be opened.
    pub fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.send("GET", path, b"")?;
        self.answer()
    }

    /// POST of JSON.
    ///
    /// # Errors
    /// When the connection is lost; then another must be opened.
    pub fn post(&mut self, path: &str, body: &[u8]) -> io::Result<Answer> {
        self.send("POST", path, body)?;
        self.answer()
    }

    /// Any method; `etag` is the version that is meant to be changed.
    ///
    /// # Errors
    /// When the connection is lost; then another must be opened.
    pub fn send_if(
        &mut self,
        method: &str,
        path: &str,
        etag: Option<&str>,
        body: &[u8],
    ) -> io::Result<Answer> {
        let condition = etag.map(|etag| format!("if-match: {etag}\r\n")).unwrap_or_default();
        let head = self.head(method, path, &format!("{condition}content-length: {}", body.len()));
        self.raw(&[head.as_bytes(), body].concat())?;
        self.answer()
    }

    /// Any method, with these headers and none of its own but `Content-Length`, and `Host` where it is not among them.
    ///
    /// # Errors
    /// When the connection is lost; then another must be opened.
    pub fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Answer> {
        let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let host = if headers.iter().any(|(name, _)| *name == "host") { "" } else { "host: hub\r\n" };
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\n{host}{lines}content-length: {length}\r\n\r\n");
        self.raw(&[head.as_bytes(), body].concat())?;
        self.answer()
    }

    /// The head of a request whose body is framed by `framing`, a header line without its end.
    #[must_use]
    pub fn head(&self, method: &str, path: &str, framing: &str) -> String {
        let key = self.key.as_ref().map(|key| format!("x-api-key: {key}\r\n")).unwrap_or_default();
        format!(
            "{method} {path} HTTP/1.1\r\nhost: hub\r\n{key}content-type: application/json\r\n{framing}\r\n\r\n"
        )
    }

    fn send(&mut self, method: &str, path: &str, body: &[u8]) -> io::Result<()> {
        let head = self.head(method, path, &format!("content-length: {}", body.len()));
        let sent = self.raw(&[head.as_bytes(), body].concat());
        // A refused body may be answered before it was sent whole: then the answer is what counts.
        if body.len() > 64 * 1024 { Ok(()) } else { sent }
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// When the connection is lost.
    pub fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Waits no longer than that for an answer.
    ///
    /// # Errors
    /// When the connection is lost.
    pub fn patience(&self, within: Duration) -> io::Result<()> {
        self.stream.get_ref().set_read_timeout(Some(within))
    }

    /// Another handle of the same connection, to write while this one reads.
    ///
    /// # Errors
    /// When the system has none left.
    pub fn writer(&self) -> io::Result<TcpStream> {
        self.stream.get_ref().try_clone()
    }

    /// Reads an answer.
    ///
    /// # Errors
    /// When none comes in time, or it is none.
    pub fn answer(&mut self) -> io::Result<Answer> {
        let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| bad("no status line"))?;
        let (mut length, mut etag, mut head) = (0, None, String::new());
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            if line.trim_end().is_empty() {
                break;
            }
            head.push_str(&line);
            let Some((name, value)) = line.split_once(':') else { continue };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().map_err(|_| bad("no length"))?;
            } else if name.eq_ignore_ascii_case("etag") {
                etag = Some(value.trim().to_owned());
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(Answer { status, etag, head, body: String::from_utf8(body).map_err(|_| bad("no text"))? })
    }
}
