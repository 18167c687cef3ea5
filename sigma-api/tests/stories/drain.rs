//! What clients see of a hub that is told to stop while they send.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::common::{Folder, Hub, eventually};

/// How a request ended for its client.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Answered,
    /// The connection was closed before: the client knows that it may ask again.
    Closed,
    Refused,
    Reset,
}

#[cfg(test)]
impl End {
    fn of(stream: &mut TcpStream, request: &[u8]) -> (Self, bool) {
        let mut answer = [0; 4096];
        match stream.write_all(request).and_then(|()| stream.read(&mut answer)) {
            Ok(0) => (Self::Closed, true),
            Ok(read) => {
                let text = String::from_utf8_lossy(&answer[..read]).to_ascii_lowercase();
                assert!(text.starts_with("http/1.1 200"), "{text}");
                (Self::Answered, text.contains("connection: close"))
            }
            Err(_) => (Self::Reset, true),
        }
    }
}

/// Sends until the hub is gone; how each request ended.
#[cfg(test)]
fn client(address: std::net::SocketAddr, request: &[u8], keeps: bool) -> Vec<End> {
    let mut ends = Vec::new();
    let mut kept: Option<TcpStream> = None;
    loop {
        let mut stream = match kept.take().map_or_else(|| TcpStream::connect(address), Ok) {
            Ok(stream) => stream,
            Err(error) => {
                let refused = error.kind() == ErrorKind::ConnectionRefused;
                ends.push(if refused { End::Refused } else { End::Reset });
                return ends;
            }
        };
        stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
        let (end, over) = End::of(&mut stream, request);
        ends.push(end);
        kept = Some(stream).filter(|_| keeps && !over);
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn nobody_is_reset_at_sigterm() {
    let folder = Folder::new();
    let agent = folder.key("agent");
    for keeps in [false, true, false, true] {
        let hub: Hub = folder.start();
        let body = r#"{"hostname":"a"}"#;
        assert_eq!(hub.post(&agent, "/api/agent/register", body).status, 200);
        let request = format!(
            "POST /api/agent/heartbeat HTTP/1.1\r\nhost: a\r\nx-api-key: {agent}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let (address, request) = (hub.address, request.as_bytes());
        let mut silent = hub.connect();
        let ends = std::thread::scope(|scope| {
            let clients: Vec<_> =
                (0..40).map(|_| scope.spawn(move || client(address, request, keeps))).collect();
            std::thread::sleep(Duration::from_millis(500));
            hub.signal();
            assert!(eventually(Duration::from_secs(5), || hub.log().contains("stopping")));
            let (end, over) = End::of(&mut silent, request);
            assert_eq!(end, End::Answered, "connected before, asked after");
            // What it had read before it was told to stop may still keep the connection.
            assert!(
                over || End::of(&mut silent, request) == (End::Answered, true),
                "the next one is the last"
            );
            clients.into_iter().flat_map(|client| client.join().unwrap()).collect::<Vec<_>>()
        });
        let (took, code, _) = hub.wait();
        assert_eq!(code, Some(0));
        assert!(took < Duration::from_secs(5), "{took:?}");
        let count = |which: End| ends.iter().filter(|end| **end == which).count();
        let (resets, closed) = (count(End::Reset), count(End::Closed));
        assert_eq!((resets, closed), (0, 0), "keeps: {keeps}, answered: {}", count(End::Answered));
    }
}
