//! URLs as far as an agent needs them: http or https, a host, a port, a path.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// `http://host:port/path` or the same with https; no query, no fragment. A user and password only where
/// they make sense, for a proxy.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    /// Whether TLS is spoken.
    pub is_https: bool,
    /// Name or address; an IPv6 address without its brackets.
    pub host: String,
    /// Port, the scheme's own when none is written.
    pub port: u16,
    /// Path without a trailing slash; empty for the root.
    pub path: String,
    /// `user:password` in front of the host, as it was written.
    pub userinfo: Option<String>,
}

impl Url {
    /// Reads a URL.
    ///
    /// # Errors
    /// What is wrong with it, to be shown after the name of the setting; never the text itself, which may hold
    /// a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text.split_once("://").ok_or("is not a URL like https://hub.example.com/api")?;
        let is_https = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            other => return Err(format!("has the scheme {other}; only http and https are spoken")),
        };
        if text.contains(|c: char| c.is_whitespace() || c.is_control() || !c.is_ascii()) {
            return Err("holds a character that no URL has".to_owned());
        }
        if text.contains(['?', '#']) {
            return Err("has a query or a fragment, which has no meaning here".to_owned());
        }
        let (authority, path) = match rest.find('/').and_then(|slash| rest.split_at_checked(slash)) {
            Some((authority, path)) => (authority, path.trim_end_matches('/')),
            None => (rest, ""),
        };
        let (userinfo, host_port) = match authority.rsplit_once('@') {
            Some((userinfo, host_port)) => (Some(userinfo.to_owned()), host_port),
            None => (None, authority),
        };
        let (host, port) = split_host_port(host_port)?;
        let port = port.unwrap_or(if is_https { 443 } else { 80 });
        Ok(Self { is_https, host, port, path: path.to_owned(), userinfo })
    }

    /// Host and port as they stand in a URL or a `Host` header, the port only if it is not the scheme's own.
    #[must_use]
    pub fn authority(&self) -> String {
        let default = if self.is_https { 443 } else { 80 };
        if self.port == default { bracketed(&self.host) } else { self.host_port() }
    }

    /// Host and port, always both.
    #[must_use]
    pub fn host_port(&self) -> String {
        format!("{}:{}", bracketed(&self.host), self.port)
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_https { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.path)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

fn split_host_port(text: &str) -> Result<(String, Option<u16>), String> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (address, after) = rest.split_once(']').ok_or("has a [ without its ]")?;
        address.parse::<Ipv6Addr>().map_err(|_| "has no IPv6 address in its brackets")?;
        match after.strip_prefix(':') {
            Some(port) => (address, Some(port)),
            None if after.is_empty() => (address, None),
            None => return Err("has something other than a port after the ]".to_owned()),
        }
    } else {
        match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        }
    };
    let port = match port {
        None => None,
        Some(port) => match port.parse() {
            Ok(port) if port != 0 => Some(port),
            _ => return Err("has a port that is not a number from 1 to 65535".to_owned()),
        },
    };
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    // A dot at the end is the root of all names.
    let is_name = host.strip_suffix('.').unwrap_or(host).split('.').all(is_label);
    if host.is_empty() || !(is_name || host.parse::<IpAddr>().is_ok()) {
        return Err("has no valid host".to_owned());
    }
    Ok((host.to_ascii_lowercase(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart_and_put_together() {
        for (text, host, port, path, again) in [
            ("http://localhost:3000/api", "localhost", 3000, "/api", "http://localhost:3000/api"),
            ("https://Hub.example.com/api/", "hub.example.com", 443, "/api", "https://hub.example.com/api"),
            ("https://[2001:db8::1]:8443", "2001:db8::1", 8443, "", "https://[2001:db8::1]:8443"),
            ("http://[::1]/a/b//", "::1", 80, "/a/b", "http://[::1]/a/b"),
            ("http://hub.example.com.", "hub.example.com.", 80, "", "http://hub.example.com."),
            ("HTTP://192.0.2.1:80", "192.0.2.1", 80, "", "http://192.0.2.1"),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!((url.host.as_str(), url.port, url.path.as_str()), (host, port, path), "{text}");
            assert_eq!(url.to_string(), again);
        }
    }

    #[test]
    fn a_password_is_kept_and_never_shown() {
        let url = Url::parse("http://user:se@cret@proxy:8080").unwrap();
        assert_eq!(url.userinfo.as_deref(), Some("user:se@cret"));
        assert!(!format!("{url} {url:?}").contains("cret"));
    }

    #[test]
    fn what_is_no_url_is_refused_with_a_reason() {
        for (text, reason) in [
            ("hub.example.com", "is not a URL"),
            ("ftp://hub", "scheme ftp"),
            ("http://", "host"),
            ("http://.", "host"),
            ("http://.example.com", "host"),
            ("http://hub..example.com", "host"),
            ("http://a b/", "character"),
            ("http://hub:0", "port"),
            ("http://hub:99999", "port"),
            ("http://[::1", "["),
            ("http://[nonsense]", "IPv6"),
            ("http://[::1]x", "after the ]"),
            ("http://hub/api?x=1", "query"),
            ("http://münchen/", "character"),
        ] {
            let error = Url::parse(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
