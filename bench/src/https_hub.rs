//! A small https hub: TLS in front of the two agent endpoints, one thread per connection, no database. It measures
//! agents; the hub itself is measured elsewhere.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Instant;

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A message that was answered with 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A registration, answered at this moment.
    Registered(Instant),
    /// A heartbeat.
    Beat,
}

/// A running hub.
pub struct HttpsHub {
    /// Where it listens, on 127.0.0.1.
    pub address: SocketAddr,
    /// Certificate that agents must trust, PEM.
    pub ca_pem: String,
    /// What agents said.
    pub events: Receiver<Event>,
}

impl HttpsHub {
    /// Starts one that lives as long as the process.
    ///
    /// # Errors
    /// When no certificate can be made or no port be had.
    pub fn start() -> io::Result<Self> {
        let certified =
            rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).map_err(io::Error::other)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key)
            .map_err(io::Error::other)?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (sender, events) = channel();
        let config = Arc::new(config);
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let (config, sender) = (Arc::clone(&config), sender.clone());
                thread::spawn(move || serve(socket, config, &sender));
            }
        });
        Ok(Self { address, ca_pem: certified.cert.pem(), events })
    }
}

/// Ends with the connection.
fn serve(socket: TcpStream, config: Arc<ServerConfig>, events: &Sender<Event>) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let tls = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut stream = BufReader::new(StreamOwned::new(tls, socket));
    loop {
        let mut request_line = String::new();
        let mut length = 0;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if request_line.is_empty() {
                request_line.clone_from(&line);
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
            if line == "\r\n" {
                break;
            }
        }
        io::copy(&mut stream.by_ref().take(length), &mut io::sink())?;
        let body = r#"{"id":"01939c3e-7b1a-7c3d-9a51-3f6f0b1d2e4a","hostname":"bench","status":"active"}"#;
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             date: Mon, 23 Nov 2026 08:00:00 GMT\r\n\r\n{body}",
            body.len()
        );
        stream.get_mut().write_all(answer.as_bytes())?;
        let is_registration = request_line.contains("/agent/register");
        let event = if is_registration { Event::Registered(Instant::now()) } else { Event::Beat };
        events.send(event).map_err(io::Error::other)?;
    }
}
