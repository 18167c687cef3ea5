//! Whom the agent trusts, and that others do not get a byte that matters (fault 19).

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use rustls::ServerConfig;

use crate::common::agent::{KEY, agent};
use crate::common::hub::{Hub, ok, server};
use crate::common::root::Root;
use crate::common::tls::Ca;
use crate::common::{together, until};

fn hub(config: Arc<ServerConfig>) -> Hub {
    Hub::on(TcpListener::bind("127.0.0.1:0").unwrap(), Some(config), |_, link| ok(link))
}

fn url(name: &str, hub: &Hub) -> String {
    format!("https://{name}:{}/api", hub.address.port())
}

fn holds(heard: &[u8], text: &str) -> bool {
    heard.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_private_ca_is_trusted_for_names_and_addresses() {
    let (root, ca) = (Root::public(), Ca::new());
    together(["localhost", "127.0.0.1"], |name| {
        let hub = hub(ca.server(&[name]));
        let running = agent(&root, &url(name, &hub)).env("SIGMA_CA_FILE", ca.file()).start();
        let [first, second, third] = [(); 3].map(|()| hub.next());
        assert_eq!(first.header("x-api-key"), Some(KEY));
        assert_eq!(first.registration().hostname, "web-01");
        assert_eq!((second.connection, third.connection), (0, 0), "one handshake is enough");
        running.says("registered as web-01");
        for secret in [KEY, "X-Api-Key", "x-api-key", "web-01"] {
            assert!(!holds(&hub.heard(), secret), "{secret} went over the wire readable");
        }
    });
}

#[test]
fn who_cannot_prove_its_name_gets_nothing() {
    let (root, ca, other_ca) = (Root::public(), Ca::new(), Ca::new());
    // The server's certificate, whom we trust, whom we call, and what the log says.
    for (config, trusted, name, reason) in [
        (ca.server_until(&["127.0.0.1"], 2020), Some(&ca), "127.0.0.1", "not valid at this time"),
        (ca.server(&["other.example.com"]), Some(&ca), "localhost", "another name"),
        (ca.server(&["other.example.com"]), Some(&ca), "127.0.0.1", "another name"),
        (ca.server(&["localhost"]), Some(&other_ca), "localhost", "set SIGMA_CA_FILE"),
        (ca.server(&["localhost"]), None, "localhost", "set SIGMA_CA_FILE"),
    ] {
        let hub = hub(config);
        let launch = agent(&root, &url(name, &hub)).args(["--once"]);
        let finished = match trusted {
            Some(ca) => launch.env("SIGMA_CA_FILE", ca.file()).finish(),
            None => launch.finish(),
        };
        assert_eq!(finished.code, Some(3), "{reason}: {}", finished.stderr);
        let lines: Vec<_> = finished.stderr.lines().filter(|line| line.starts_with("warn: ")).collect();
        assert!(lines.len() == 1 && lines[0].contains(" failed: "), "{}", finished.stderr);
        assert!(lines[0].contains(reason), "{reason}: {}", lines[0]);
        assert!(hub.next_within(std::time::Duration::ZERO).is_none());
        let heard = hub.heard();
        assert!(!heard.is_empty(), "{reason}: it did not even try");
        for secret in [KEY, "/agent/register", "web-01"] {
            assert!(!holds(&heard, secret), "{reason}: {secret}");
        }
    }
}

/// A server that answers with `bytes` to TLS's first message; what it hears afterwards, and what the agent says.
fn answered_with(bytes: &'static [u8]) -> (Vec<u8>, String) {
    let (root, heard) = (Root::public(), Arc::<Mutex<Vec<u8>>>::default());
    let ears = Arc::clone(&heard);
    let address = server(move |mut socket| {
        let mut hello = [0; 4096];
        let length = socket.read(&mut hello).unwrap_or_default();
        ears.lock().unwrap().extend(&hello[..length]);
        socket.write_all(bytes).unwrap_or_default();
        let mut rest = Vec::new();
        socket.read_to_end(&mut rest).unwrap_or_default();
        ears.lock().unwrap().extend(rest);
    });
    let finished = agent(&root, &format!("https://{address}")).args(["--once"]).finish();
    assert_eq!(finished.code, Some(3), "{}", finished.stderr);
    std::thread::sleep(std::time::Duration::from_millis(100));
    let heard = heard.lock().unwrap().clone();
    (heard, finished.stderr)
}

#[test]
fn old_tls_and_no_tls_are_refused() {
    // A ServerHello of TLS 1.1: version 3.2, no session, TLS_RSA_WITH_AES_128_CBC_SHA, no compression.
    let hello_1_1 = b"\x16\x03\x02\x00\x2a\x02\x00\x00\x26\x03\x02\
        0123456789abcdef0123456789abcdef\x00\x00\x2f\x00";
    // An alert, handshake_failure, as a server that knows only old versions may send it.
    let alert = b"\x15\x03\x02\x00\x02\x02\x28";
    let plain = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
    for (bytes, reason) in [
        (&hello_1_1[..], "neither TLS 1.2 nor 1.3"),
        (alert, "HandshakeFailure"),
        (plain, "does not speak TLS"),
    ] {
        let (heard, log) = answered_with(bytes);
        assert!(log.contains(" failed: ") && log.contains(reason), "{reason}: {log}");
        assert!(!heard.is_empty());
        for secret in [KEY, "/agent/register", "web-01"] {
            assert!(!holds(&heard, secret), "{reason}: {secret}");
        }
    }
}

#[test]
fn a_plain_hub_does_not_serve_an_https_agent() {
    let (root, hub) = (Root::public(), Hub::good());
    let finished =
        agent(&root, &format!("https://{}/api", hub.address)).args(["--once"]).env("SIGMA_LOG", "info");
    // The hub waits for the end of a head that never comes; it is the agent that must give up.
    let mut running = finished.start();
    until("the hub heard something", || !hub.heard().is_empty());
    assert!(!holds(&hub.heard(), KEY));
    assert!(running.is_running());
    hub.hang_up();
    running.says(" failed: ");
}
