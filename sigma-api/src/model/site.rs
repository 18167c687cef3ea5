//! Where the hub is found, and which of those that speak to it may say for whom.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

/// The address that a person opens, without a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicUrl {
    origin: String,
}

impl PublicUrl {
    /// Reads `https://sigma.example.org` or `http://10.0.0.5:3000`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase();
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
        let usual = |c: char| c.is_ascii_alphanumeric() || "-.:[]".contains(c);
        if host.is_empty() || host.starts_with(':') || !host.chars().all(usual) {
            return None;
        }
        // Browsers leave the usual port out, and the origin is compared with what they send.
        let usual_port = if text.starts_with("https:") { ":443" } else { ":80" };
        let has_port = host.ends_with(usual_port);
        let origin = if has_port { text.strip_suffix(usual_port)?.to_owned() } else { text };
        Some(Self { origin })
    }

    /// Where a hub on `listen` is found: by the name of its machine if it listens on all addresses.
    pub(crate) fn of_listener(listen: SocketAddr, machine: &str) -> Self {
        let host = match listen.ip() {
            ip if ip.is_unspecified() && !machine.is_empty() => machine.to_ascii_lowercase(),
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        Self { origin: format!("http://{host}:{}", listen.port()) }
    }

    /// Scheme, host and port, as browsers say it.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// From where it is reached, as far as it says so itself.
    pub(crate) fn reach(&self) -> Reach {
        let host = self.origin.split_once("://").map_or("", |(_, host)| host);
        let host = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or(rest),
            None => host.split(':').next().unwrap_or(host),
        };
        match host.parse::<IpAddr>() {
            Ok(ip) if ip.to_canonical().is_loopback() => Reach::Machine,
            Ok(ip) if is_private(ip) => Reach::Network,
            Ok(_) => Reach::Anywhere,
            Err(_) if host == "localhost" || host.ends_with(".localhost") => Reach::Machine,
            Err(_) if host.contains('.') => Reach::Anywhere,
            Err(_) => Reach::Network,
        }
    }

    /// Whether somebody before the hub speaks TLS.
    pub(crate) fn is_https(&self) -> bool {
        self.origin.starts_with("https:")
    }
}

/// From where an address can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// From its own machine alone.
    Machine,
    /// From its own network: an address of private use, or a name without a domain.
    Network,
    /// From everywhere, unless something stands in the way.
    Anywhere,
}

/// Addresses and networks, as in `127.0.0.1, 10.0.0.0/8`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Networks(Vec<IpNet>);

impl Networks {
    /// Reads a list.
    ///
    /// # Errors
    /// The entry that is none.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let networks = entries.map(|entry| {
            let alone = entry.parse::<IpAddr>().map(IpNet::from);
            alone.or_else(|_| entry.parse()).map_err(|_| entry.to_owned())
        });
        networks.collect::<Result<_, _>>().map(Self)
    }

    /// Whether `ip` is in one of them.
    pub(crate) fn contain(&self, ip: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&ip.to_canonical()))
    }
}

/// Whether what goes to and from `ip` stays within a machine, a site or a tunnel: plain http is bearable there.
pub(crate) fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            ip.is_loopback() || ip.is_private() || ip.is_link_local() || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

/// The network that one person has: an IPv6 subscriber has at least a /64 to choose addresses from.
pub(crate) fn network_of(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6((u128::from(ip) & !u128::from(u64::MAX)).into()),
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_an_origin() {
        for (text, origin) in [
            ("https://Sigma.example.org/", "https://sigma.example.org"),
            ("https://sigma.example.org:443", "https://sigma.example.org"),
            ("http://10.0.0.5:3000", "http://10.0.0.5:3000"),
            ("http://[2001:db8::1]:80", "http://[2001:db8::1]"),
        ] {
            assert_eq!(PublicUrl::parse(text).unwrap().origin(), origin);
        }
        for wrong in ["", "sigma", "https://", "ftp://a", "https://a/b", "https://u:p@a", "https://a?b"] {
            assert_eq!(PublicUrl::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_hub_on_all_addresses_is_found_by_its_name() {
        let url = |listen: &str| PublicUrl::of_listener(listen.parse().unwrap(), "Box").origin().to_owned();
        assert_eq!(url("0.0.0.0:3000"), "http://box:3000");
        assert_eq!(url("[::]:80"), "http://box:80");
        assert_eq!(url("[::1]:3000"), "http://[::1]:3000");
    }

    #[test]
    fn a_public_url_says_from_where_it_is_reached() {
        for (text, reach) in [
            ("http://127.0.0.1:3000", Reach::Machine),
            ("http://[::1]:3000", Reach::Machine),
            ("http://localhost:3000", Reach::Machine),
            ("http://10.0.0.5:3000", Reach::Network),
            ("http://[fd00::5]", Reach::Network),
            ("http://box:3000", Reach::Network),
            ("https://sigma.example.org", Reach::Anywhere),
            ("http://203.0.113.5", Reach::Anywhere),
            ("http://[2001:db8::1]:3000", Reach::Anywhere),
        ] {
            assert_eq!(PublicUrl::parse(text).unwrap().reach(), reach, "{text}");
        }
    }

    #[test]
    fn networks_hold_addresses_of_both_kinds() {
        let networks = Networks::parse("127.0.0.1, 10.0.0.0/8,2001:db8::/32").unwrap();
        for (ip, held) in [
            ("127.0.0.1", true),
            ("127.0.0.2", false),
            ("10.9.8.7", true),
            ("::ffff:10.9.8.7", true),
            ("2001:db8::5", true),
            ("::1", false),
        ] {
            assert_eq!(networks.contain(ip.parse().unwrap()), held, "{ip}");
        }
        assert_eq!(Networks::parse("10.0.0.0/8,proxy").unwrap_err(), "proxy");
        assert_eq!(Networks::parse("").unwrap(), Networks::default());
    }

    #[test]
    fn private_is_what_no_stranger_carries() {
        for ip in
            ["127.0.0.1", "10.0.0.1", "172.20.0.1", "192.168.1.1", "100.64.0.1", "::1", "fd00::1", "fe80::1"]
        {
            assert!(is_private(ip.parse().unwrap()), "{ip}");
        }
        for ip in ["203.0.113.1", "100.128.0.1", "2001:db8::1", "8.8.8.8", "::ffff:8.8.8.8"] {
            assert!(!is_private(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn one_person_has_a_64() {
        assert_eq!(network_of("2001:db8::1:2:3:4".parse().unwrap()).to_string(), "2001:db8::");
        assert_eq!(network_of("203.0.113.9".parse().unwrap()).to_string(), "203.0.113.9");
    }
}
