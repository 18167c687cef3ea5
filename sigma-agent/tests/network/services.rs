//! What the Internet of a story offers: a name server, and services that tell whoever asks what address they see.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::lab::{DNS_V4, DNS_V6, INTERNET, Lab};

/// How soon a service notices that its story is over.
const LOOK: Duration = Duration::from_millis(50);

/// A name server that knows what it is told, and can be struck dumb.
pub struct Dns(Arc<DnsState>);

#[derive(Default)]
struct DnsState {
    records: Mutex<HashMap<String, Vec<IpAddr>>>,
    asked: Mutex<Vec<String>>,
    is_silent: AtomicBool,
    is_over: AtomicBool,
}

impl Dns {
    /// A name server at `DNS_V4` and `DNS_V6`.
    pub fn start(lab: &Lab) -> Self {
        let state = Arc::new(DnsState::default());
        for address in [DNS_V4, DNS_V6] {
            let socket = lab.within(INTERNET, || UdpSocket::bind((address, 53)).unwrap());
            socket.set_read_timeout(Some(LOOK)).unwrap();
            let state = Arc::clone(&state);
            thread::spawn(move || state.serve(&socket));
        }
        Self(state)
    }

    /// From now on `name` has these addresses and no others.
    pub fn tell(&self, name: &str, addresses: &[&str]) {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        self.0.records.lock().unwrap().insert(name.to_owned(), addresses);
    }

    /// Whether questions are left without an answer.
    pub fn silence(&self, is_silent: bool) {
        self.0.is_silent.store(is_silent, Ordering::SeqCst);
    }

    /// The names that were asked for, each once.
    pub fn asked(&self) -> Vec<String> {
        let mut names = self.0.asked.lock().unwrap().clone();
        names.sort();
        names.dedup();
        names
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::SeqCst);
    }
}

impl DnsState {
    fn serve(&self, socket: &UdpSocket) {
        let mut packet = [0; 512];
        while !self.is_over.load(Ordering::SeqCst) {
            let Ok((length, peer)) = socket.recv_from(&mut packet) else { continue };
            let Some((name, kind, question)) = question(&packet[..length]) else { continue };
            self.asked.lock().unwrap().push(name.clone());
            if !self.is_silent.load(Ordering::SeqCst) {
                let answer = self.answer(&packet[..2], &name, kind, question);
                // Whoever asked may be gone.
                let _ = socket.send_to(&answer, peer);
            }
        }
    }

    /// RFC 1035 section 4.1. The question is repeated, and each answer refers to its name.
    fn answer(&self, id: &[u8], name: &str, kind: u16, question: &[u8]) -> Vec<u8> {
        let records = self.records.lock().unwrap();
        let known = records.get(name);
        let data: Vec<Vec<u8>> = known
            .into_iter()
            .flatten()
            .filter_map(|address| match (address, kind) {
                (IpAddr::V4(v4), 1) => Some(v4.octets().to_vec()),
                (IpAddr::V6(v6), 28) => Some(v6.octets().to_vec()),
                _ => None,
            })
            .collect();
        // An answer, recursion available; code 3 says that there is no such name.
        let code = if known.is_some() { 0 } else { 3 };
        let mut answer =
            [id, &[0x81, 0x80 | code, 0, 1, 0, u8::try_from(data.len()).unwrap(), 0, 0, 0, 0]].concat();
        answer.extend_from_slice(question);
        for record in data {
            let [high, low] = kind.to_be_bytes();
            // Name at offset 12, type, class IN, 60 s to live, length.
            answer.extend_from_slice(&[
                0xc0,
                12,
                high,
                low,
                0,
                1,
                0,
                0,
                0,
                60,
                0,
                u8::try_from(record.len()).unwrap(),
            ]);
            answer.extend(record);
        }
        answer
    }
}

/// Name, type and the bytes of the first question of a query.
fn question(packet: &[u8]) -> Option<(String, u16, &[u8])> {
    let (mut at, mut labels) = (12, Vec::new());
    loop {
        let length = usize::from(*packet.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(packet.get(at..at + length)?).to_lowercase());
        at += length;
    }
    let kind = u16::from_be_bytes([*packet.get(at)?, *packet.get(at + 1)?]);
    Some((labels.join("."), kind, packet.get(12..at + 4)?))
}

/// A service that a machine asks for its public address.
pub struct LookUp(Arc<LookUpState>);

struct LookUpState {
    text: Option<&'static str>,
    delay: Duration,
    asked_by: Mutex<Vec<IpAddr>>,
    is_over: AtomicBool,
}

impl LookUp {
    /// Answers with `text`, or with the address that asks, after `delay`.
    pub fn start(lab: &Lab, address: &str, text: Option<&'static str>, delay: Duration) -> Self {
        let ip: IpAddr = address.parse().unwrap();
        lab.ip(INTERNET, &format!("addr add {ip} dev lo"));
        let listener = lab.within(INTERNET, || TcpListener::bind(SocketAddr::new(ip, 80)).unwrap());
        listener.set_nonblocking(true).unwrap();
        let asked_by = Mutex::default();
        let state = Arc::new(LookUpState { text, delay, asked_by, is_over: AtomicBool::new(false) });
        let server = Arc::clone(&state);
        thread::spawn(move || server.serve(&listener));
        Self(state)
    }

    /// Who asked, in order.
    pub fn asked_by(&self) -> Vec<IpAddr> {
        self.0.asked_by.lock().unwrap().clone()
    }
}

impl Drop for LookUp {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::SeqCst);
    }
}

impl LookUpState {
    fn serve(&self, listener: &TcpListener) {
        while !self.is_over.load(Ordering::SeqCst) {
            let Ok((mut stream, peer)) = listener.accept() else {
                thread::sleep(LOOK);
                continue;
            };
            stream.set_nonblocking(false).unwrap();
            let head =
                BufReader::new(&stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
            assert!(head.count() > 0, "nothing was asked");
            self.asked_by.lock().unwrap().push(peer.ip());
            thread::sleep(self.delay);
            let body = self.text.map_or_else(|| format!("{}\n", peer.ip()), str::to_owned);
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            // Whoever asked may not have the time.
            let _ = stream.write_all(answer.as_bytes());
        }
    }
}
