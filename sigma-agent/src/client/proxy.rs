//! Which proxy stands between us and the hub, and how to ask it.

use std::net::IpAddr;

use base64::Engine as _;

use crate::url::Url;

/// The proxy to `target`, unless its host is one that is reached without: loopback always, else what `no_proxy` lists,
/// separated by commas: `*`, a name (its subdomains too, with or without a leading dot), an address, a network in CIDR
/// notation; each with an optional port.
pub(super) fn proxy_for(target: &Url, proxy: Option<Url>, no_proxy: &str) -> Option<Url> {
    let address = target.host.parse::<IpAddr>().ok();
    let is_loopback = target.host == "localhost" || address.is_some_and(|a| a.is_loopback());
    let is_listed =
        no_proxy.split(',').map(str::trim).any(|entry| fits(entry, &target.host, address, target.port));
    proxy.filter(|_| !is_loopback && !is_listed)
}

fn fits(entry: &str, host: &str, address: Option<IpAddr>, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    if let Some(address) = address {
        if let Some((network, length)) = entry.split_once('/') {
            let network = network.trim_matches(['[', ']']).parse();
            return network.is_ok_and(|n| length.parse().is_ok_and(|l| contains(n, l, address)));
        }
        let (entry, entry_port) = split_port(entry);
        return entry.parse() == Ok(address) && entry_port.is_none_or(|p| p == port);
    }
    let (name, entry_port) = split_port(entry);
    let name = name.trim_start_matches("*.").trim_start_matches('.').to_ascii_lowercase();
    let is_within =
        || host.strip_suffix(name.as_str()).is_some_and(|front| front.is_empty() || front.ends_with('.'));
    !name.is_empty() && is_within() && entry_port.is_none_or(|p| p == port)
}

/// `host:port`, `[v6]:port`, or either without a port. A bare IPv6 address has no port.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    if let Some((address, rest)) = entry.strip_prefix('[').and_then(|e| e.split_once(']')) {
        return (address, rest.strip_prefix(':').and_then(|p| p.parse().ok()));
    }
    match entry.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, port.parse().ok()),
        _ => (entry, None),
    }
}

fn contains(network: IpAddr, length: u32, address: IpAddr) -> bool {
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) if length <= 32 => {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or_default();
            (u32::from(network) ^ u32::from(address)) & mask == 0
        }
        (IpAddr::V6(network), IpAddr::V6(address)) if length <= 128 => {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or_default();
            (u128::from(network) ^ u128::from(address)) & mask == 0
        }
        _ => false,
    }
}

/// Value of `Proxy-Authorization` (RFC 7617) for the user and password of a proxy's URL.
pub(super) fn authorization(proxy: &Url) -> Option<String> {
    let userinfo = percent_decoded(proxy.userinfo.as_deref()?);
    Some(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(userinfo)))
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped =
            (first == b'%').then(|| after.split_at_checked(2)).flatten().and_then(|(hex, after)| {
                Some((u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()?, after))
            });
        let (byte, after) = escaped.unwrap_or((first, after));
        bytes.push(byte);
        rest = after;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goes_direct(target: &str, no_proxy: &str) -> bool {
        let proxy = Url::parse("http://proxy:3128").unwrap();
        proxy_for(&Url::parse(target).unwrap(), Some(proxy), no_proxy).is_none()
    }

    #[test]
    fn no_proxy_is_what_people_write_into_it() {
        for (target, no_proxy) in [
            ("http://hub.example.com", "*"),
            ("http://hub.example.com", "other, .example.com"),
            ("http://hub.example.com", "example.com"),
            ("http://hub.example.com", "*.example.com"),
            ("http://hub.example.com", "HUB.example.com:80"),
            ("http://10.1.2.3", "10.0.0.0/8"),
            ("http://10.1.2.3", "10.1.2.3"),
            ("http://[fd00::5]:3000", "fd00::/8"),
            ("http://[fd00::5]:3000", "[fd00::5]:3000"),
            ("http://localhost:3000", ""),
            ("http://127.0.0.9", ""),
        ] {
            assert!(goes_direct(target, no_proxy), "{target} {no_proxy}");
        }
        for (target, no_proxy) in [
            ("http://hub.example.com", ""),
            ("http://hub.example.com", ","),
            ("http://hubexample.com", "example.com"),
            ("http://hub.example.com", "hub.example.com:8080"),
            ("http://11.1.2.3", "10.0.0.0/8"),
            ("http://10.1.2.3", "10.0.0.0/40"),
            ("http://[fd00::5]", "0.0.0.0/0"),
        ] {
            assert!(!goes_direct(target, no_proxy), "{target} {no_proxy}");
        }
    }

    #[test]
    fn credentials_are_encoded() {
        let proxy = Url::parse("http://Aladdin:open%20sesame@proxy").unwrap();
        assert_eq!(authorization(&proxy).as_deref(), Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
        assert_eq!(authorization(&Url::parse("http://proxy").unwrap()), None);
        assert_eq!(percent_decoded("100%"), b"100%");
    }
}
