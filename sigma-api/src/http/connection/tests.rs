//! Deadlines over real sockets, shortened: 300 ms for a head, 1.5 s for idleness.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;

use super::*;
use crate::http::auth::Keyed;
use crate::http::server::serve;

const PATIENCE: Patience = Patience {
    head: Duration::from_millis(300),
    idle: Duration::from_millis(1500),
    write: Duration::from_millis(300),
    linger: Duration::from_millis(300),
};
const GOOD: &[u8] = b"GET /good HTTP/1.1\r\nhost: a\r\n\r\n";
const BAD: &[u8] = b"GET /bad HTTP/1.1\r\nhost: a\r\n\r\n";

async fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let large = || async { "x".repeat(64 << 20) };
    let slow = || async {
        sleep(Duration::from_millis(700)).await;
        "slow"
    };
    let router = Router::new()
        .route("/good", get(|| async { (axum::Extension(Keyed), "good") }))
        .route("/open", get(|| async { "open" }))
        .route("/large", get(large))
        .route("/slow", get(slow))
        .route("/bad", get(|| async { StatusCode::BAD_REQUEST }));
    tokio::spawn(serve(listener, router, PATIENCE, 64, std::future::pending()));
    address
}

/// Runs blocking client code beside the server.
async fn client<T: Send + 'static>(work: impl FnOnce(SocketAddr) -> T + Send + 'static) -> T {
    let address = start().await;
    tokio::task::spawn_blocking(move || work(address)).await.unwrap()
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream
}

fn ask(stream: &mut TcpStream, request: &[u8]) -> String {
    stream.write_all(request).unwrap();
    let mut buf = [0; 1024];
    let read = stream.read(&mut buf).unwrap();
    String::from_utf8_lossy(&buf[..read]).into_owned()
}

/// How long until the other side closes.
fn closed_after(stream: &mut TcpStream) -> Duration {
    let started = std::time::Instant::now();
    let mut buf = [0; 1024];
    while let Ok(read) = stream.read(&mut buf) {
        if read == 0 {
            break;
        }
    }
    started.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_outlives_the_deadline_of_heads() {
    client(|address| {
        let mut stream = connect(address);
        for _ in 0..2 {
            assert!(ask(&mut stream, GOOD).starts_with("HTTP/1.1 200"));
            std::thread::sleep(PATIENCE.head * 3);
        }
        assert!(ask(&mut stream, GOOD).starts_with("HTTP/1.1 200"));
        let idle = closed_after(&mut stream);
        assert!(idle > PATIENCE.idle - Duration::from_millis(300), "closed after {idle:?}");
        assert!(idle < PATIENCE.idle + Duration::from_millis(500), "closed after {idle:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_sent_head_is_closed_on_a_new_and_on_a_kept_connection() {
    client(|address| {
        for kept in [false, true] {
            let mut stream = connect(address);
            if kept {
                assert!(ask(&mut stream, GOOD).starts_with("HTTP/1.1 200"));
                std::thread::sleep(PATIENCE.head * 2);
            }
            stream.write_all(b"GET /good HT").unwrap();
            let closed = closed_after(&mut stream);
            assert!(closed < PATIENCE.head * 2, "kept: {kept}, closed after {closed:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_drips_gets_no_longer() {
    client(|address| {
        let mut stream = connect(address);
        let started = std::time::Instant::now();
        while stream.write_all(b"G").is_ok() && started.elapsed() < Duration::from_secs(3) {
            std::thread::sleep(Duration::from_millis(50));
        }
        assert!(started.elapsed() < PATIENCE.head * 3, "closed after {:?}", started.elapsed());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_cheap_without_a_key_and_after_a_refusal() {
    client(|address| {
        let mut silent = connect(address);
        assert!(closed_after(&mut silent) < PATIENCE.head * 2);
        let mut refused = connect(address);
        assert!(ask(&mut refused, BAD).starts_with("HTTP/1.1 400"));
        assert!(closed_after(&mut refused) < PATIENCE.head * 3);
        let mut without_key = connect(address);
        assert!(ask(&mut without_key, b"GET /open HTTP/1.1\r\nhost: a\r\n\r\n").starts_with("HTTP/1.1 200"));
        assert!(closed_after(&mut without_key) < PATIENCE.head * 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_may_take_longer_than_a_head() {
    client(|address| {
        let mut stream = connect(address);
        assert!(ask(&mut stream, b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").starts_with("HTTP/1.1 200"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_take_its_answer_is_let_go() {
    client(|address| {
        let mut stream = connect(address);
        stream.write_all(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
        std::thread::sleep(Duration::from_secs(2));
        let mut taken = Vec::new();
        let _ = stream.read_to_end(&mut taken);
        assert!(taken.len() < 64 << 20, "all of it was kept for the client");
    })
    .await;
}
