//! Fetching a page as a browser does that takes compressed answers, with a look at the clock.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::at;

const DEADLINE: Duration = Duration::from_secs(60);

/// What a page weighs, and how soon it came.
pub(crate) struct Fetched {
    /// Bytes of the body before it was compressed.
    pub(crate) whole: usize,
    /// Bytes of the body as they travel.
    pub(crate) sent: usize,
    /// From the request until the first byte of the answer; the median of all fetches.
    pub(crate) first_byte: Duration,
    text: String,
}

impl Fetched {
    /// Where the page has its stylesheet and its script.
    pub(crate) fn assets(&self) -> Vec<String> {
        let quoted = self.text.split('"').filter(|text| text.starts_with("/assets/"));
        quoted.map(str::to_owned).collect()
    }
}

/// Fetches it so many times, compressed, and once as it is.
pub(crate) fn fetch(hub: SocketAddr, path: &str, cookie: &str, rounds: u32) -> Result<Fetched, String> {
    let (plain, _) = get(hub, path, cookie, "identity")?;
    let mut times = Vec::new();
    let mut sent = 0;
    for _ in 0..rounds {
        let (body, time) = get(hub, path, cookie, "gzip")?;
        sent = body.len();
        times.push(time);
    }
    times.sort();
    let first_byte = times.get(times.len() / 2).copied().unwrap_or_default();
    Ok(Fetched { whole: plain.len(), sent, first_byte, text: String::from_utf8_lossy(&plain).into_owned() })
}

fn get(hub: SocketAddr, path: &str, cookie: &str, encoding: &str) -> Result<(Vec<u8>, Duration), String> {
    let mut stream = TcpStream::connect_timeout(&hub, DEADLINE).map_err(at(path))?;
    stream.set_read_timeout(Some(DEADLINE)).map_err(at(path))?;
    stream.set_nodelay(true).map_err(at(path))?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: hub\r\naccept: text/html,*/*\r\naccept-encoding: {encoding}\r\ncookie: {cookie}\r\n\
         connection: close\r\n\r\n"
    );
    let started = Instant::now();
    stream.write_all(request.as_bytes()).map_err(at(path))?;
    let mut answer = vec![0];
    stream.read_exact(&mut answer).map_err(at(path))?;
    let first_byte = started.elapsed();
    stream.read_to_end(&mut answer).map_err(at(path))?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let (head, body) =
        end.and_then(|end| answer.split_at_checked(end + 4)).ok_or_else(|| format!("{path}: no head"))?;
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    if !head.starts_with("http/1.1 200") {
        return Err(format!("{path}: {}", head.lines().next().unwrap_or_default()));
    }
    let is_chunked = head.contains("transfer-encoding: chunked");
    let body = if is_chunked {
        unchunked(body).ok_or_else(|| format!("{path}: bad chunks"))?
    } else {
        body.to_vec()
    };
    Ok((body, first_byte))
}

/// The body that came in chunks (RFC 9112, section 7.1).
fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        let (size, after) = rest.split_at_checked(end)?;
        let size = usize::from_str_radix(std::str::from_utf8(size).ok()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        let (chunk, after) = after.get(2..)?.split_at_checked(size)?;
        body.extend_from_slice(chunk);
        rest = after.get(2..)?;
    }
}
