//! The public address of a machine behind NAT, by asking a service that answers with the address it sees.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use ureq_proto::http::{Method, Request, header};

use super::connect::{Connector, Family};
use super::http::exchange;
use super::stream::Stream;
use super::{USER_AGENT, tls};
use crate::url::Url;

/// Each service has so much time for everything: look-up, connection, TLS, head and body.
const SERVICE_TIME: Duration = Duration::from_secs(5);
/// An address has at most 39 characters.
const MAX_BODY_BYTES: usize = 64;

/// The first valid public address that one of `services` tells, asked in this order; over IPv4 alone where `over_ipv4`
/// says so. No proxy is used: its address is not the machine's. Takes up to 5 s for each service.
#[must_use]
pub fn ask(services: &[Url], over_ipv4: bool, is_public: fn(IpAddr) -> bool) -> Option<IpAddr> {
    let family = if over_ipv4 { Family::V4 } else { Family::Any };
    services.iter().find_map(|service| match ask_one(service, family) {
        Ok(text) => match text.trim().parse().ok().filter(|ip| is_public(*ip) && fits(*ip, family)) {
            Some(address) => Some(address),
            None => {
                log::debug!("{service} did not answer with a public address");
                None
            }
        },
        Err(error) => {
            log::debug!("{service} did not tell our address: {error}");
            None
        }
    })
}

fn fits(address: IpAddr, family: Family) -> bool {
    family == Family::Any || address.is_ipv4()
}

fn ask_one(service: &Url, family: Family) -> std::io::Result<String> {
    let deadline = Instant::now() + SERVICE_TIME;
    let socket = Connector::default().connect(&service.host, service.port, family, deadline)?;
    let mut stream = Stream::plain(socket);
    if service.is_https {
        let config = tls::config(None).map_err(std::io::Error::other)?;
        stream = stream.encrypt(&service.host, config, deadline)?;
    }
    let request = Request::builder()
        .method(Method::GET)
        .uri(service.to_string())
        .header(header::USER_AGENT, USER_AGENT)
        .header(header::ACCEPT, "text/plain")
        .header(header::CONNECTION, "close")
        .body(())
        .map_err(std::io::Error::other)?;
    // One byte more than allowed, to tell a longer answer from one that just fits.
    let answer = exchange(&mut stream, request, "", &[], MAX_BODY_BYTES + 1, deadline)?;
    if answer.status != 200 || answer.body.len() > MAX_BODY_BYTES {
        return Err(std::io::Error::other(format!(
            "it answered {} with {} bytes",
            answer.status,
            answer.body.len()
        )));
    }
    String::from_utf8(answer.body).map_err(std::io::Error::other)
}
