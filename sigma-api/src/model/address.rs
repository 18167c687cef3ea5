//! Which of its addresses a machine is reached at.

use std::net::IpAddr;

use sigma_protocol::{Address, LABEL_INTERNAL};

/// Label of an address that several machines share: it may lead to another one.
const LABEL_ANYCAST: &str = "anycast";

/// The address for whoever wants to reach this machine from elsewhere: a public one before others, IPv4 before IPv6.
pub(crate) fn preferred(addresses: &[Address]) -> Option<IpAddr> {
    addresses.iter().min_by_key(|address| (rank(address), address.ip)).map(|address| address.ip)
}

fn rank(address: &Address) -> (u8, bool) {
    let place = match address.label.as_str() {
        _ if address.label == LABEL_INTERNAL || !is_public(address.ip) => 2,
        LABEL_ANYCAST => 1,
        _ => 0,
    };
    (place, address.ip.is_ipv6())
}

/// Whether an address can be reached from everywhere, as far as the address itself says. Those of documentation count as
/// public: nobody has them but in examples.
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            let special = match (a, b) {
                (0 | 10 | 127, _) | (169, 254) | (192, 168) => true,
                (100, b) => b & 0xc0 == 64,
                (172, b) => b & 0xf0 == 16,
                (192, 0) => c == 0,
                (198, b) => b & 0xfe == 18,
                (a, _) => a >= 224,
            };
            !special
        }
        // Global unicast space is 2000::/3, and 64:ff9b::/96 leads to IPv4.
        IpAddr::V6(v6) => match v6.segments() {
            [0x64, 0xff9b, 0, 0, 0, 0, ..] => true,
            [first, ..] => first & 0xe000 == 0x2000,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_special_is_not_public() {
        for ip in "10.1.2.3 172.16.0.1 172.31.0.1 192.168.0.1 100.64.0.1 100.127.0.1 169.254.1.1 127.0.0.1 198.19.0.1 \
            192.0.0.8 0.1.2.3 224.0.0.1 255.255.255.255 fd00::1 fe80::1 ::1"
            .split_whitespace()
        {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
        for ip in "1.1.1.1 172.15.0.1 172.32.0.1 100.63.0.1 100.128.0.1 198.17.0.1 203.0.113.7 192.0.2.1 2001:db8::1 \
            2606:4700::1 64:ff9b::1.1.1.1"
            .split_whitespace()
        {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn a_public_address_comes_first_and_ipv4_before_ipv6() {
        for (addresses, expected) in [
            (&[][..], None),
            (&[("10.0.0.5", ""), ("203.0.113.7", ""), ("2001:db8::1", "")], Some("203.0.113.7")),
            (&[("10.0.0.5", ""), ("2001:db8::1", "")], Some("2001:db8::1")),
            (&[("203.0.113.7", "internal"), ("2001:db8::1", "overseas")], Some("2001:db8::1")),
            (&[("203.0.113.1", "anycast"), ("203.0.113.7", "china-telecom")], Some("203.0.113.7")),
            (&[("203.0.113.1", "anycast"), ("10.0.0.5", "internal")], Some("203.0.113.1")),
            (&[("fd00::1", ""), ("10.0.0.5", "internal")], Some("10.0.0.5")),
            (&[("203.0.113.9", ""), ("203.0.113.10", "")], Some("203.0.113.9")),
        ] {
            let address =
                |(ip, label): &(&str, &str)| Address { ip: ip.parse().unwrap(), label: (*label).to_owned() };
            let all: Vec<Address> = addresses.iter().map(address).collect();
            assert_eq!(preferred(&all).map(|ip| ip.to_string()).as_deref(), expected, "{addresses:?}");
        }
    }
}
