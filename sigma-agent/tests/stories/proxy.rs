//! Through proxies, and past them.

use std::io::Write as _;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::common::agent::{KEY, agent};
use crate::common::hub::{Hub, ok, read_request, say, server};
use crate::common::root::Root;
use crate::common::tls::Ca;
use crate::common::{namespace, together, until};

/// No resolver knows it, so whoever gets there went through the proxy.
const HUB: &str = "hub.example.test";
/// What `Proxy-Authorization` makes of `user:se@cret`.
const AUTHORIZATION: &str = "Basic dXNlcjpzZUBjcmV0";

fn with_password(address: SocketAddr) -> String {
    format!("http://user:se%40cret@{address}")
}

#[test]
fn a_plain_hub_is_asked_for_by_its_whole_url() {
    let root = Root::public();
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        let proxy = Hub::good();
        let launch =
            agent(&root, &format!("http://{HUB}:8080/api")).env(variable, with_password(proxy.address));
        let finished = launch.args(["--once"]).finish();
        assert_eq!(finished.code, Some(0), "{variable}: {}", finished.stderr);
        let (first, second) = (proxy.next(), proxy.next());
        assert_eq!(first.line(), format!("POST http://{HUB}:8080/api/agent/register HTTP/1.1"));
        assert_eq!(second.line(), format!("POST http://{HUB}:8080/api/agent/heartbeat HTTP/1.1"));
        assert_eq!((first.connection, second.connection), (0, 0));
        for request in [first, second] {
            assert_eq!(request.header("host"), Some(format!("{HUB}:8080").as_str()));
            assert_eq!(request.header("proxy-authorization"), Some(AUTHORIZATION));
            assert_eq!(request.header("x-api-key"), Some(KEY));
        }
    }
}

/// A proxy that makes tunnels.
struct Tunnel {
    address: SocketAddr,
    /// What it was asked.
    asked: Arc<Mutex<Vec<String>>>,
    /// What passed through on the way to the hub.
    passed: Arc<Mutex<Vec<u8>>>,
}

/// A proxy that makes a tunnel to `target`, wherever it was asked to go.
fn tunnel(target: SocketAddr) -> Tunnel {
    let (asked, passed) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<Mutex<Vec<u8>>>::default());
    let (heads, bytes) = (Arc::clone(&asked), Arc::clone(&passed));
    let address = server(move |mut client| {
        let mut read = Vec::new();
        let (head, _) = read_request(&mut client, &mut read).unwrap();
        heads.lock().unwrap().push(head);
        assert!(read.is_empty(), "the client did not wait for the tunnel");
        client.write_all(b"HTTP/1.1 200 Connection established\r\nproxy-agent: test\r\n\r\n").unwrap();
        let hub = TcpStream::connect(target).unwrap();
        let (from_hub, to_client) = (hub.try_clone().unwrap(), client.try_clone().unwrap());
        std::thread::spawn(move || pass(from_hub, to_client, |_| ()));
        pass(client, hub, |piece| bytes.lock().unwrap().extend(piece));
    });
    Tunnel { address, asked, passed }
}

fn pass(mut from: TcpStream, mut to: TcpStream, note: impl Fn(&[u8])) {
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = std::io::Read::read(&mut from, &mut piece) {
        note(&piece[..length]);
        if to.write_all(&piece[..length]).is_err() {
            break;
        }
    }
    to.shutdown(Shutdown::Both).unwrap_or_default();
}

#[test]
fn an_https_hub_is_reached_through_a_tunnel_that_sees_nothing() {
    let (root, ca) = (Root::public(), Ca::new());
    together(["HTTPS_PROXY", "https_proxy", "ALL_PROXY"], |variable| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let hub = Hub::on(listener, Some(ca.server(&[HUB])), |_, link| ok(link));
        let Tunnel { address, asked, passed } = tunnel(hub.address);
        let launch = agent(&root, &format!("https://{HUB}/api")).env("SIGMA_CA_FILE", ca.file());
        let running = launch.env(variable, with_password(address)).start();
        let [first, second, third] = [(); 3].map(|()| hub.next());
        assert_eq!(first.line(), "POST /api/agent/register HTTP/1.1");
        assert_eq!((first.header("host"), first.header("proxy-authorization")), (Some(HUB), None));
        assert_eq!((second.connection, third.connection), (0, 0));
        let asked = asked.lock().unwrap();
        assert_eq!(asked.len(), 1);
        assert!(asked[0].starts_with(&format!("CONNECT {HUB}:443 HTTP/1.1\r\n")), "{}", asked[0]);
        let asked = asked[0].to_ascii_lowercase();
        assert!(asked.contains(&format!("host: {HUB}:443\r\n")), "{asked}");
        assert!(asked.contains(&format!("proxy-authorization: {}\r\n", AUTHORIZATION.to_ascii_lowercase())));
        let passed = String::from_utf8_lossy(&passed.lock().unwrap()).into_owned();
        assert!(!asked.contains(&KEY.to_ascii_lowercase()) && !passed.contains(KEY));
        assert!(!running.log().contains("cret"), "{}", running.log());
    });
}

#[test]
fn the_variable_of_the_scheme_and_small_letters_come_first() {
    let (root, wrong, right) = (Root::public(), Hub::good(), Hub::good());
    let at = |hub: &Hub| hub.address.to_string();
    for (better, worse) in [
        ("http_proxy", "HTTP_PROXY"),
        ("HTTP_PROXY", "all_proxy"),
        ("all_proxy", "ALL_PROXY"),
        ("ALL_PROXY", "HTTPS_PROXY"),
    ] {
        let launch =
            agent(&root, &format!("http://{HUB}/api")).env(better, at(&right)).env(worse, at(&wrong));
        assert_eq!(launch.args(["--once"]).finish().code, Some(0), "{better} {worse}");
        right.next();
    }
    assert_eq!(wrong.connections(), 0);
}

#[test]
fn a_proxy_that_refuses_is_named() {
    let root = Root::public();
    for status in [407, 403, 502] {
        let proxy =
            Hub::start(move |_, link| say(link, status, "proxy-authenticate: Basic\r\n", "<html>No</html>"));
        let launch =
            agent(&root, &format!("https://{HUB}/api")).env("HTTPS_PROXY", with_password(proxy.address));
        let finished = launch.args(["--once"]).finish();
        assert_eq!(finished.code, Some(3), "{}", finished.stderr);
        let named = format!("the proxy http://{} ", proxy.address);
        assert!(finished.stderr.contains(&named) && finished.stderr.contains(&status.to_string()));
        assert!(
            !finished.stderr.contains("cret") && !finished.stderr.contains("user:"),
            "{}",
            finished.stderr
        );
        let request = proxy.next();
        assert_eq!(request.line(), format!("CONNECT {HUB}:443 HTTP/1.1"));
        assert_eq!(request.header("x-api-key"), None);
    }
    let proxy = Hub::start(|_, link| say(link, 407, "proxy-authenticate: Basic\r\n", ""));
    let launch = agent(&root, &format!("http://{HUB}/api")).env("HTTP_PROXY", proxy.address.to_string());
    let finished = launch.args(["--once"]).finish();
    assert_eq!(finished.code, Some(3));
    assert!(finished.stderr.contains("the proxy wants a user and password (407)"), "{}", finished.stderr);
}

#[test]
fn a_proxy_that_is_not_there_is_told_of() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let root = Root::public();
    let launch = agent(&root, &format!("http://{HUB}/api")).env("HTTP_PROXY", closed.to_string());
    let finished = launch.args(["--once"]).finish();
    assert_eq!(finished.code, Some(3));
    assert!(finished.stderr.contains(&closed.to_string()), "{}", finished.stderr);
}

#[test]
fn loopback_is_always_reached_without() {
    let (root, proxy) = (Root::public(), Hub::good());
    for host in ["127.0.0.1", "localhost"] {
        let hub = Hub::good();
        let url = format!("http://{host}:{}/api", hub.address.port());
        let launch = agent(&root, &url).env("ALL_PROXY", proxy.address.to_string());
        assert_eq!(launch.args(["--once"]).finish().code, Some(0));
        assert_eq!(hub.next().line(), "POST /api/agent/register HTTP/1.1");
    }
    assert_eq!(proxy.connections(), 0);
}

#[test]
fn what_no_proxy_lists_is_reached_without() {
    if !namespace::is_inside("proxy::what_no_proxy_lists_is_reached_without") {
        return;
    }
    namespace::run("ip addr add 198.51.100.7/32 dev lo");
    namespace::resolver(|name, kind| match (name, kind) {
        ("hub.example.com", 1) => Some(vec![vec![198, 51, 100, 7]]),
        _ => Some(Vec::new()),
    });
    let root = Root::public();
    let (proxy, hub) =
        (Hub::good(), Hub::on(TcpListener::bind("198.51.100.7:8080").unwrap(), None, |_, link| ok(link)));
    for (host, no_proxy, is_direct) in [
        ("198.51.100.7", "10.0.0.0/8, 198.51.100.0/24", true),
        ("198.51.100.7", "198.51.100.7:8080", true),
        ("198.51.100.7", "198.51.100.7:80", false),
        ("hub.example.com", "localhost,.example.com", true),
        ("hub.example.com", "*", true),
        ("hub.example.com", "b.example.com", false),
        ("hub.example.com", "", false),
    ] {
        for variable in ["NO_PROXY", "no_proxy"] {
            let (direct, proxied) = (hub.connections(), proxy.connections());
            let launch =
                agent(&root, &format!("http://{host}:8080/api")).env("HTTP_PROXY", proxy.address.to_string());
            let finished = launch.env(variable, no_proxy).args(["--once"]).finish();
            assert_eq!(finished.code, Some(0), "{}", finished.stderr);
            let expected = if is_direct { (direct + 1, proxied) } else { (direct, proxied + 1) };
            let what = format!("{host} with {variable}={no_proxy}");
            until(&what, || (hub.connections(), proxy.connections()) == expected);
        }
    }
}
