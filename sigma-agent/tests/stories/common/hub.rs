//! A hub that does as it is told, well or badly, and remembers every byte it heard.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use sigma_protocol::{Heartbeat, Registration};

use super::PATIENCE;

/// What a hub says to a registration or heartbeat that it takes.
pub const RECORD: &str =
    r#"{"id":"6d2c2a5e-3c1f-4b8e-9a57-0f2d1c3b4a59","hostname":"web-01","status":"active","tags":[]}"#;

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub at: Instant,
    /// Number of the request, from 0.
    pub number: usize,
    /// Number of the connection it came over, from 0.
    pub connection: usize,
    /// Request line and header lines.
    pub head: String,
    pub body: Vec<u8>,
}

impl Request {
    pub fn line(&self) -> &str {
        self.head.lines().next().unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub fn is_registration(&self) -> bool {
        self.line().contains("/agent/register ")
    }

    pub fn registration(&self) -> Registration {
        assert!(self.is_registration(), "{}", self.line());
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn heartbeat(&self) -> Heartbeat {
        assert!(self.line().contains("/agent/heartbeat "), "{}", self.line());
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What becomes of the connection after an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Then {
    Keep,
    Close,
    /// It stays open, and nothing more is said or heard.
    Hang,
}

/// Answers a request, and says what becomes of the connection.
pub type Script = dyn Fn(&Request, &mut dyn Write) -> Then + Send + Sync;

/// An answer with a JSON body. `headers` end in CR LF each.
pub fn say(link: &mut dyn Write, status: u16, headers: &str, body: &str) -> Then {
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    );
    match link.write_all(answer.as_bytes()).and_then(|()| link.flush()) {
        Ok(()) => Then::Keep,
        Err(_) => Then::Close,
    }
}

/// The answer of a hub that is well.
pub fn ok(link: &mut dyn Write) -> Then {
    say(link, 200, "", RECORD)
}

pub struct Hub {
    pub address: SocketAddr,
    requests: Receiver<Request>,
    heard: Arc<Mutex<Vec<u8>>>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
}

impl Hub {
    pub fn start(script: impl Fn(&Request, &mut dyn Write) -> Then + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), None, script)
    }

    /// A hub that takes everything.
    pub fn good() -> Self {
        Self::start(|_, link| ok(link))
    }

    pub fn on(
        listener: TcpListener,
        tls: Option<Arc<ServerConfig>>,
        script: impl Fn(&Request, &mut dyn Write) -> Then + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let (sender, requests) = channel();
        let (heard, connections) = (Arc::default(), Arc::default());
        let shared = Shared {
            script: Arc::new(script),
            tls,
            sender,
            count: Arc::default(),
            heard: Arc::clone(&heard),
            connections: Arc::clone(&connections),
        };
        std::thread::spawn(move || {
            for (number, socket) in listener.incoming().map_while(Result::ok).enumerate() {
                shared.connections.lock().unwrap().push(socket.try_clone().unwrap());
                let shared = shared.clone();
                std::thread::spawn(move || shared.serve(socket, number));
            }
        });
        Self { address, requests, heard, connections }
    }

    pub fn url(&self) -> String {
        format!("http://{}/api", self.address)
    }

    /// The next request; there must be one.
    pub fn next(&self) -> Request {
        self.next_within(PATIENCE).expect("the hub heard nothing")
    }

    /// The next registration, with beats in front of it left out.
    pub fn next_registration(&self) -> Registration {
        let started = Instant::now();
        let requests = std::iter::repeat_with(|| self.next()).take_while(|_| started.elapsed() < PATIENCE);
        requests.filter(Request::is_registration).map(|request| request.registration()).next().unwrap()
    }

    pub fn next_within(&self, time: Duration) -> Option<Request> {
        self.requests.recv_timeout(time).ok()
    }

    /// Every byte that was received, as it came over the wire.
    pub fn heard(&self) -> Vec<u8> {
        self.heard.lock().unwrap().clone()
    }

    /// Number of connections that were made so far.
    pub fn connections(&self) -> usize {
        self.connections.lock().unwrap().len()
    }

    /// Ends all connections, as a hub does that is restarted.
    pub fn hang_up(&self) {
        for connection in self.connections.lock().unwrap().iter() {
            // The other side may have been faster.
            drop(connection.shutdown(Shutdown::Both));
        }
    }
}

#[derive(Clone)]
struct Shared {
    script: Arc<Script>,
    tls: Option<Arc<ServerConfig>>,
    sender: Sender<Request>,
    count: Arc<Mutex<usize>>,
    heard: Arc<Mutex<Vec<u8>>>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
}

impl Shared {
    fn serve(&self, socket: TcpStream, number: usize) {
        let closer = socket.try_clone().unwrap();
        let tap = Tap { socket, heard: Arc::clone(&self.heard) };
        // An agent that ends or gives up is no error of the hub.
        drop(match &self.tls {
            None => self.converse(tap, number),
            Some(config) => {
                let tls = ServerConnection::new(Arc::clone(config)).unwrap();
                self.converse(StreamOwned::new(tls, tap), number)
            }
        });
        drop(closer.shutdown(Shutdown::Both));
    }

    fn converse(&self, mut link: impl Read + Write, connection: usize) -> io::Result<()> {
        let mut read = Vec::new();
        loop {
            let (head, body) = read_request(&mut link, &mut read)?;
            let number = {
                let mut count = self.count.lock().unwrap();
                *count += 1;
                *count - 1
            };
            let request = Request { at: Instant::now(), number, connection, head, body };
            // A story that has heard enough hears no more.
            drop(self.sender.send(request.clone()));
            match (self.script)(&request, &mut link) {
                Then::Keep => {}
                Then::Close => return Ok(()),
                Then::Hang => hang(),
            }
        }
    }
}

/// Until the end of the test.
pub fn hang() -> ! {
    loop {
        std::thread::park();
    }
}

/// Head and body of the next request; what was read beyond stays in `read`.
pub fn read_request(link: &mut impl Read, read: &mut Vec<u8>) -> io::Result<(String, Vec<u8>)> {
    let head_end = loop {
        if let Some(at) = read.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        read_more(link, read)?;
    };
    let head = String::from_utf8(read.drain(..head_end).collect()).unwrap();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
    });
    let length: usize = length.unwrap_or_default();
    while read.len() < length {
        read_more(link, read)?;
    }
    Ok((head, read.drain(..length).collect()))
}

fn read_more(link: &mut impl Read, read: &mut Vec<u8>) -> io::Result<()> {
    let mut piece = [0; 4096];
    match link.read(&mut piece)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        count => {
            read.extend_from_slice(&piece[..count]);
            Ok(())
        }
    }
}

/// A server that is no hub: each connection goes to `talk`, and ends when that returns.
pub fn server(talk: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let talk = Arc::new(talk);
    std::thread::spawn(move || {
        for socket in listener.incoming().map_while(Result::ok) {
            let talk = Arc::clone(&talk);
            std::thread::spawn(move || talk(socket));
        }
    });
    address
}

/// A socket that remembers what came in.
struct Tap {
    socket: TcpStream,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Read for Tap {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let count = self.socket.read(space)?;
        self.heard.lock().unwrap().extend_from_slice(&space[..count]);
        Ok(count)
    }
}

impl Write for Tap {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}
