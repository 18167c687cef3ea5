//! Who is at the other end: the peer, or whoever a proxy that is trusted speaks for.

use std::borrow::Cow;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{FORWARDED, HOST, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use super::cookies;
use super::error::{ApiError, Result};
use crate::model::site::{Networks, PublicUrl, is_private};
use crate::service::Hub;
use crate::service::sign_in::Visitor;

const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// Other end of the connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

/// Where a request came from, and how.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Client {
    pub(super) ip: Option<IpAddr>,
    /// Whether the browser speaks TLS.
    pub(super) is_https: bool,
    /// Whether neither end has an address of the open internet, as far as one can tell.
    pub(super) is_near: bool,
}

impl Client {
    /// Refuses what no stranger on the way should read.
    ///
    /// # Errors
    /// 403 for plain http over the open internet.
    pub(super) fn require_privacy(self) -> Result<()> {
        if self.is_https || self.is_near {
            return Ok(());
        }
        let sentence = "Passwords are not taken over plain http from a public address. Open the hub over https (see \
                        SIGMA_PUBLIC_URL and SIGMA_TRUSTED_PROXIES), or through a tunnel.";
        Err(ApiError::new(StatusCode::FORBIDDEN, sentence))
    }
}

/// Finds out who the client is, once for each request.
pub(super) async fn recognize(State(hub): State<Hub>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip().to_canonical());
    let client = client_of(peer, request.headers(), &hub.entrance.proxies, &hub.entrance.public_url);
    if let Some(peer) =
        peer.filter(|peer| is_spoken_for(request.headers()) && !hub.entrance.proxies.contain(*peer))
    {
        say_once_that_a_proxy_is_not_trusted(peer);
    }
    request.extensions_mut().insert(client);
    next.run(request).await
}

fn client_of(peer: Option<IpAddr>, headers: &HeaderMap, proxies: &Networks, url: &PublicUrl) -> Client {
    let is_proxy = peer.is_some_and(|peer| proxies.contain(peer));
    let ip = if is_proxy { peer.map(|peer| client_ip(peer, headers, proxies)) } else { peer };
    let said = if is_proxy { forwarded_proto(headers) } else { None };
    // Without a trusted word: a proxy on this machine or network was asked for the address that persons open over TLS.
    let is_by_url = || url.is_https() && peer.is_none_or(is_private) && is_host_of(url, headers);
    let is_https = said.map_or_else(is_by_url, |proto| proto == "https");
    // Whoever speaks for others without being trusted may speak for anybody.
    let is_alone = is_proxy || !is_spoken_for(headers);
    let is_near = is_alone && ip.is_none_or(is_private) && host_ip(headers).is_none_or(is_private);
    Client { ip, is_https, is_near }
}

/// Whether a proxy passed the request on, trusted or not.
fn is_spoken_for(headers: &HeaderMap) -> bool {
    [FORWARDED_FOR, FORWARDED_PROTO, "x-real-ip", FORWARDED.as_str()]
        .iter()
        .any(|name| headers.contains_key(*name))
}

/// Whether the browser opened that address.
fn is_host_of(url: &PublicUrl, headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    PublicUrl::parse(&format!("https://{host}")).is_some_and(|asked| asked == *url)
}

/// Behind a proxy that is not trusted all clients have one address, and share what strangers may guess.
fn say_once_that_a_proxy_is_not_trusted(peer: IpAddr) {
    static SAID: AtomicBool = AtomicBool::new(false);
    if !SAID.swap(true, Ordering::Relaxed) {
        log::warn!(
            "{peer} speaks for others, which is not believed; if it is your proxy, set SIGMA_TRUSTED_PROXIES={peer}"
        );
    }
}

/// The last address that no trusted proxy has: those before it may be invented.
fn client_ip(peer: IpAddr, headers: &HeaderMap, proxies: &Networks) -> IpAddr {
    let mut client = peer;
    for text in forwarded_for(headers).iter().rev() {
        let Some(ip) = ip_of(text) else { break };
        client = ip;
        if !proxies.contain(ip) {
            break;
        }
    }
    client
}

/// Proxies that set the usual header pass `Forwarded` on as it came: beside it, a stranger may have written that.
fn forwarded_for(headers: &HeaderMap) -> Vec<String> {
    let is_usual = headers.contains_key(FORWARDED_FOR);
    if is_usual { elements(headers, FORWARDED_FOR) } else { parameters(headers, "for") }
}

fn forwarded_proto(headers: &HeaderMap) -> Option<String> {
    let is_usual = headers.contains_key(FORWARDED_PROTO);
    let mut said = if is_usual { elements(headers, FORWARDED_PROTO) } else { parameters(headers, "proto") };
    said.pop().map(|proto| proto.to_ascii_lowercase())
}

/// The elements of all headers of that name, in their order. Bytes that are no text stay as some sign that is in no
/// address: what a stranger wrote must not hide what the proxy added to it.
fn elements(headers: &HeaderMap, name: &str) -> Vec<String> {
    let texts = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let split =
        |text: Cow<'_, str>| text.split(',').map(|element| element.trim().to_owned()).collect::<Vec<_>>();
    texts.flat_map(split).collect()
}

/// A parameter of each element of `Forwarded` (RFC 7239).
fn parameters(headers: &HeaderMap, name: &str) -> Vec<String> {
    let of_element = |element: &String| {
        let mut pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
        let pair = pairs.find(|(key, _)| key.eq_ignore_ascii_case(name));
        // An element without it hides what is before.
        pair.map_or_else(String::new, |(_, value)| value.trim_matches('"').to_owned())
    };
    elements(headers, FORWARDED.as_str()).iter().map(of_element).collect()
}

/// An address, with or without a port and brackets.
fn ip_of(text: &str) -> Option<IpAddr> {
    let bracketed = || text.strip_prefix('[')?.split_once(']')?.0.parse().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(with_port).or_else(bracketed).map(|ip: IpAddr| ip.to_canonical())
}

/// The address that the browser opened, where it opened one and no name.
fn host_ip(headers: &HeaderMap) -> Option<IpAddr> {
    ip_of(headers.get(HOST)?.to_str().ok()?)
}

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> std::result::Result<Self, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or_default())
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> std::result::Result<Self, Infallible> {
        let client: Client = parts.extensions.get().copied().unwrap_or_default();
        let agent = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self {
            client_ip: client.ip,
            user_agent: agent.map(ToOwned::to_owned),
            device: cookies::device(&parts.headers, client).map(ToOwned::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn ip(headers: &[(&'static str, &str)]) -> String {
        let bytes: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        ip_of_bytes(&bytes)
    }

    fn ip_of_bytes(headers: &[(&'static str, &[u8])]) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_bytes(value).unwrap());
        }
        let proxies = Networks::parse("127.0.0.1, 10.0.0.0/8").unwrap();
        client_ip("127.0.0.1".parse().unwrap(), &map, &proxies).to_string()
    }

    #[test]
    fn the_client_is_the_last_address_that_is_no_proxy() {
        assert_eq!(ip(&[]), "127.0.0.1");
        assert_eq!(ip(&[("x-forwarded-for", "203.0.113.9")]), "203.0.113.9");
        assert_eq!(ip(&[("x-forwarded-for", "1.1.1.1, 203.0.113.9, 10.0.0.2")]), "203.0.113.9");
        assert_eq!(ip(&[("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "203.0.113.9")]), "203.0.113.9");
        assert_eq!(ip(&[("x-forwarded-for", "203.0.113.9:4711")]), "203.0.113.9");
        assert_eq!(ip(&[("x-forwarded-for", "1.1.1.1, unknown")]), "127.0.0.1");
        assert_eq!(ip(&[("x-forwarded-for", "1.1.1.1, unknown, 10.0.0.2")]), "10.0.0.2");
        assert_eq!(ip(&[("forwarded", "for=1.1.1.1, for=\"[2001:db8::7]:80\";proto=https")]), "2001:db8::7");
        assert_eq!(ip(&[("forwarded", "for=1.1.1.1, proto=https")]), "127.0.0.1");
    }

    #[test]
    fn a_stranger_cannot_hide_what_the_proxy_adds() {
        let invented = ("forwarded", &b"for=198.51.100.7"[..]);
        let usual = "x-forwarded-for";
        assert_eq!(ip_of_bytes(&[(usual, b"\xff, 203.0.113.9"), invented]), "203.0.113.9");
        assert_eq!(ip_of_bytes(&[(usual, b"\xff"), (usual, b"203.0.113.9"), invented]), "203.0.113.9");
        assert_eq!(ip_of_bytes(&[(usual, b"1.1.1.1, 203.0.113.9\xff, 10.0.0.2"), invented]), "10.0.0.2");
        assert_eq!(ip_of_bytes(&[(usual, b"\xff"), invented]), "127.0.0.1");
        assert_eq!(ip_of_bytes(&[(usual, b""), invented]), "127.0.0.1");
    }

    #[test]
    fn plain_http_is_not_taken_for_tls_since_a_public_url_says_https() {
        let client = |peer: &str, host: &str, more: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, host.parse().unwrap());
            for (name, value) in more {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            let url = PublicUrl::parse("https://sigma.example.org").unwrap();
            let proxies = Networks::parse("127.0.0.9").unwrap();
            let client = client_of(Some(peer.parse().unwrap()), &headers, &proxies, &url);
            (client.is_https, client.is_near)
        };
        assert_eq!(client("203.0.113.9", "sigma.example.org", &[]), (false, false));
        assert_eq!(client("127.0.0.1", "Sigma.example.org", &[]), (true, true));
        assert_eq!(client("127.0.0.1", "sigma.example.org:443", &[]), (true, true));
        assert_eq!(client("127.0.0.1", "127.0.0.1:3000", &[]), (false, true));
        let for_another = [("x-forwarded-for", "203.0.113.9")];
        assert_eq!(client("192.168.1.2", "hub", &for_another), (false, false));
        assert_eq!(client("192.168.1.2", "hub", &[("forwarded", "for=1.1.1.1")]), (false, false));
        assert_eq!(client("192.168.1.2", "hub", &[("x-forwarded-proto", "https")]), (false, false));
        assert_eq!(client("192.168.1.2", "sigma.example.org", &for_another), (true, false));
        assert_eq!(client("127.0.0.9", "hub", &[("x-forwarded-proto", "https")]), (true, true));
        assert_eq!(client("127.0.0.9", "sigma.example.org", &[("x-forwarded-proto", "http")]), (false, true));
    }
}
