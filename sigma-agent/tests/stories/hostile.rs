//! Hubs that are broken or mean no good: each beat ends in time, memory stays small, and the key stays here.

use std::io::{Read as _, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketFlags, SocketType};

use crate::common::agent::{KEY, Running, agent};
use crate::common::hub::{Hub, RECORD, Then, ok, read_request, say, server};
use crate::common::root::Root;
use crate::common::{together, until};

/// A message may take so long, its second connection included.
const MESSAGE_TIME: Duration = Duration::from_secs(20);
/// What the tests' own computer may add when it is busy.
const LATENESS: Duration = Duration::from_secs(1);

/// Writes `piece` until the agent has had enough, at most `limit` bytes.
fn pour(link: &mut dyn Write, piece: &[u8], limit: usize) -> Then {
    for _ in 0..limit / piece.len() {
        if link.write_all(piece).is_err() {
            break;
        }
    }
    Then::Close
}

type Trick = fn(&mut dyn Write) -> Then;

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
const CHUNKED: &str = "transfer-encoding: chunked\r\n\r\n";
const FLOOD: usize = 64 << 20;

fn starting_with(link: &mut dyn Write, head: &str, piece: &[u8], limit: usize) -> Then {
    match link.write_all(format!("{HEAD}{head}").as_bytes()) {
        Ok(()) => pour(link, piece, limit),
        Err(_) => Then::Close,
    }
}

/// Answers that end at once or never, and are over for the agent as soon as they are known to be wrong.
const QUICK: [(&str, Trick); 16] = [
    ("endless body", |link| starting_with(link, "\r\n", &[b' '; 4096], FLOOD)),
    ("endless body of a known length", |link| {
        starting_with(link, "content-length: 99999999999\r\n\r\n", &[b' '; 4096], FLOOD)
    }),
    ("endless chunk", |link| starting_with(link, &format!("{CHUNKED}ffffffff\r\n"), &[b' '; 4096], FLOOD)),
    ("endless small chunks", |link| starting_with(link, CHUNKED, b"1\r\n \r\n", FLOOD)),
    ("endless line of a chunk", |link| starting_with(link, CHUNKED, b"1111;", FLOOD)),
    ("nonsense for a chunk", |link| starting_with(link, &format!("{CHUNKED}zz\r\nzz\r\n"), b"-", 1)),
    ("chunk of 2 to the 64", |link| starting_with(link, &format!("{CHUNKED}10000000000000000\r\n"), b"-", 1)),
    ("endless headers", |link| starting_with(link, "", b"x-more: and more\r\n", FLOOD)),
    ("endless header", |link| starting_with(link, "x-long: ", &[b'x'; 4096], FLOOD)),
    ("endless status line", |link| pour(link, b"HTTP/1.1 200 OK OK OK OK ", FLOOD)),
    ("endless 100", |link| pour(link, b"HTTP/1.1 100 Continue\r\n\r\n", FLOOD)),
    ("endless 103", |link| pour(link, b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n", FLOOD)),
    ("garbage", |link| pour(link, b"\x00\xff\x80SSH-2.0\r\n\r\n\r\n", 4096)),
    ("gzip bomb", |link| {
        let gzip = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xed\xc1\x01\x0d\x00\x00\x00";
        starting_with(link, "content-encoding: gzip\r\n\r\n", gzip, FLOOD)
    }),
    ("two lengths", |link| {
        starting_with(link, &format!("content-length: 3\r\ncontent-length: 5\r\n\r\n{RECORD}"), b"-", 1)
    }),
    ("half an answer", |link| starting_with(link, "content-length: 400\r\n\r\n{\"id\":", b"-", 1)),
];

/// Fault 20. The agent was well first, then the hub turns: the next attempt follows after the first pause, and memory has
/// not grown.
#[test]
fn a_hub_that_floods_costs_neither_time_nor_memory() {
    together(QUICK, |(name, trick)| {
        let root = Root::public();
        let hub = Hub::start(move |request, link| match request.number {
            0..=2 => ok(link),
            _ => trick(link),
        });
        let mut running = agent(&root, &hub.url()).start();
        let [_, _, well] = [(); 3].map(|()| hub.next());
        running.settle();
        let before = memory(&running);
        // A connection that was kept is tried anew at once, so the trick is played twice at first.
        let [turned, again, later] = [(); 3].map(|()| hub.next());
        assert!(turned.at - well.at < Duration::from_secs(3), "{name}");
        let pauses = [again.at - turned.at, later.at - again.at];
        assert!(pauses.iter().all(|pause| *pause < Duration::from_secs(4)), "{name}: {pauses:?}");
        running.says(" failed: ");
        let grown = memory(&running).saturating_sub(before);
        assert!(grown <= 2048, "{name}: memory grew by {grown} KiB");
        assert!(running.is_running());
    });
}

/// The most memory it ever had, in KiB.
fn memory(running: &Running) -> u64 {
    running.status("VmHWM")
}

/// Two attempts that must not be further apart than what one message may take, and whether the next one gets through.
fn assert_in_time(name: &str, first: Instant, second: Instant) {
    let gap = second - first;
    assert!(gap <= MESSAGE_TIME + LATENESS, "{name}: the next attempt after {gap:?}");
    assert!(gap >= Duration::from_secs(9), "{name}: after {gap:?} already; was it hostile at all?");
}

/// Faults 17 and 20: hubs that take time instead. The first request meets the trick, the second one must come in time.
#[test]
fn a_hub_that_hangs_or_drips_is_given_up_in_time() {
    const SLOW: [(&str, Trick); 5] = [
        ("never answers", |_| Then::Hang),
        ("stops within the head", |link| {
            link.write_all(HEAD.as_bytes()).unwrap();
            Then::Hang
        }),
        ("stops within the body", |link| {
            link.write_all(format!("{HEAD}content-length: 400\r\n\r\n{{").as_bytes()).unwrap();
            Then::Hang
        }),
        ("drips its head", |link| drip(link, format!("{HEAD}x: {}", "x".repeat(400)).as_bytes())),
        ("drips its body", |link| {
            let answer = format!("{HEAD}content-length: 400\r\n\r\n{}", " ".repeat(400));
            link.write_all(&answer.as_bytes()[..HEAD.len() + 25]).unwrap();
            drip(link, &answer.as_bytes()[HEAD.len() + 25..])
        }),
    ];
    let root = Root::public();
    std::thread::scope(|scope| {
        for (name, trick) in SLOW {
            scope.spawn(move || {
                let root = Root::public();
                let hub = Hub::start(move |request, link| match request.number {
                    0 => trick(link),
                    _ => ok(link),
                });
                let running = agent(&root, &hub.url()).start();
                let (first, second) = (hub.next().at, hub.next().at);
                assert_in_time(name, first, second);
                running.says("takes reports again");
            });
        }
        scope.spawn(|| {
            let connections = handshakes_that_hang(&root);
            assert_in_time("TLS never agreed on", connections[0], connections[1]);
        });
        scope.spawn(|| {
            let running = agent(&root, &format!("http://{}", full_backlog())).start();
            let started = Instant::now();
            running.says("no connection within its time");
            let gap = started.elapsed();
            assert!((9..=11).contains(&gap.as_secs()), "connections are given up after {gap:?}");
        });
    });
}

fn drip(link: &mut dyn Write, bytes: &[u8]) -> Then {
    for byte in bytes {
        if link.write_all(&[*byte]).is_err() {
            return Then::Close;
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    Then::Close
}

/// When each of two connections was made to a server that takes TLS's first message, and drips warnings of TLS.
fn handshakes_that_hang(root: &Root) -> Vec<Instant> {
    let (made, connections) = std::sync::mpsc::channel();
    let address = server(move |mut socket| {
        made.send(Instant::now()).unwrap_or_default();
        socket.read_exact(&mut [0; 64]).unwrap_or_default();
        // A handshake record that would be 16 KiB long.
        drip(&mut socket, &[b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03".as_slice(), &[7; 64]].concat());
    });
    let _running = agent(root, &format!("https://{address}")).start();
    (0..2).map(|_| connections.recv_timeout(Duration::from_secs(60)).unwrap()).collect()
}

/// An address where nobody takes connections and the queue of those that wait is full.
fn full_backlog() -> SocketAddr {
    let socket =
        rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)
            .unwrap();
    rustix::net::bind(&socket, &"127.0.0.1:0".parse::<SocketAddr>().unwrap()).unwrap();
    rustix::net::listen(&socket, 0).unwrap();
    let listener = Box::leak(Box::new(TcpListener::from(socket)));
    let address = listener.local_addr().unwrap();
    while let Ok(waiting) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
        Box::leak(Box::new(waiting));
    }
    address
}

/// Fault 19.
#[test]
fn a_redirect_is_never_followed() {
    for status in [301, 302, 303, 307, 308] {
        let other = Hub::good();
        let location = format!("location: {}/agent/register\r\n", other.url());
        let hub = Hub::start(move |_, link| say(link, status, &location, ""));
        let root = Root::public();
        let finished = agent(&root, &hub.url()).args(["--once"]).finish();
        assert_eq!(finished.code, Some(5), "{}", finished.stderr);
        assert!(finished.stderr.contains("redirects to") && finished.stderr.contains(&other.url()));
        assert!(!finished.stderr.contains(KEY));
        assert_eq!(other.connections(), 0, "{status}");
        assert!(other.heard().is_empty());
    }
}

#[test]
fn what_answers_without_being_a_hub_is_no_success() {
    let bodies: [&'static str; 6] =
        ["<html>Please sign in</html>", "", "null", "[]", "{}", r#"{"id":null,"hostname":"a","status":"b"}"#];
    for body in bodies {
        let hub = Hub::start(move |_, link| say(link, 200, "", body));
        let root = Root::public();
        let finished = agent(&root, &hub.url()).args(["--once"]).finish();
        assert_eq!(finished.code, Some(3), "{body}: {}", finished.stderr);
        assert!(finished.stderr.contains("is not a Sigma hub"), "{body}: {}", finished.stderr);
    }
}

#[test]
fn a_hub_of_any_make_is_understood() {
    let record = RECORD.replacen('{', r#"{"extra":{"deep":[[[]]]},"#, 1);
    let chunked =
        format!("transfer-encoding: chunked\r\n\r\n{:x};x=y\r\n{record}\r\n0\r\nx: y\r\n\r\n", record.len());
    let answers = [
        format!("HTTP/1.1 201 Created\r\ncontent-length: {}\r\n\r\n{record}", record.len()),
        format!("HTTP/1.1 200\r\nConnection: close\r\n\r\n{record}"),
        format!("HTTP/1.0 200 OK\r\n\r\n{record}"),
        format!("HTTP/1.1 200 OK\r\n{chunked}"),
        format!(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\n{chunked}"
        ),
    ];
    for answer in answers {
        let sent = answer.clone();
        let hub = Hub::start(move |_, link| {
            link.write_all(sent.as_bytes()).unwrap();
            if sent.contains("content-length") || sent.contains("chunked") { Then::Keep } else { Then::Close }
        });
        let root = Root::public();
        let finished = agent(&root, &hub.url()).args(["--once"]).finish();
        assert_eq!(finished.code, Some(0), "{answer}: {}", finished.stderr);
    }
}

/// Fault 17. The hub refuses every key and replaces the key file before it says so, which makes the agent try again at
/// once: a thousand failures in some seconds, with dead connections among them.
#[test]
fn a_thousand_failures_leak_nothing() {
    const CYCLES: usize = 1000;
    let root = Root::public();
    root.write("key", "key-first");
    let file = root.path().join("key");
    let (sender, figures) = std::sync::mpsc::channel();
    let address = server(move |mut socket| {
        let mut read = Vec::new();
        for kept in 0..3 {
            let Ok((head, _)) = read_request(&mut socket, &mut read) else { return };
            let cycle = sender.send(head).map(|()| kept);
            // Nothing is said to the third request of a connection, which makes it a dead one.
            if cycle != Ok(2) {
                std::fs::write(&file, format!("key-{:?}", Instant::now()).replace([' ', '{', '}'], ""))
                    .unwrap();
                say(&mut socket, 401, "", "");
            }
        }
    });
    let launch = agent(&root, &format!("http://localhost:{}", address.port())).unset("SIGMA_API_KEY");
    let running = launch.env("SIGMA_API_KEY_FILE", root.path().join("key")).env("SIGMA_LOG", "error").start();
    let next = || figures.recv_timeout(crate::common::PATIENCE).unwrap();
    (0..100).for_each(|_| drop(next()));
    let (descriptors, memory_before) = (running.descriptors(), memory(&running));
    (0..CYCLES).for_each(|_| drop(next()));
    assert!(running.descriptors() <= descriptors + 1, "{descriptors} became {}", running.descriptors());
    assert!(memory(&running) <= memory_before + 1024);
    until("the resolver's threads are gone", || running.status("Threads") <= 2);
}
