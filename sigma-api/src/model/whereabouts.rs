//! What addresses say about two machines.

use std::net::IpAddr;

use super::address::is_public;

/// Whether the addresses show two places: both say some, and none is of both, be it of all, of the public or of the internal
/// ones. Machines behind one NAT have its address in common, and one address of a private network is in many of them.
pub(crate) fn apart(one: &[IpAddr], other: &[IpAddr]) -> bool {
    let differ = |counts: &dyn Fn(IpAddr) -> bool| {
        let those = |addresses: &[IpAddr]| -> Vec<IpAddr> {
            addresses.iter().copied().filter(|ip| counts(*ip)).collect()
        };
        let (one, other) = (those(one), those(other));
        !one.is_empty() && !other.is_empty() && !one.iter().any(|ip| other.contains(ip))
    };
    differ(&|_| true) || differ(&is_public) || differ(&|ip| !is_public(ip))
}

/// How many addresses both have; none if they are [`apart`].
pub(crate) fn shared(one: &[IpAddr], other: &[IpAddr]) -> usize {
    if apart(one, other) { 0 } else { one.iter().filter(|ip| other.contains(ip)).count() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ips(text: &str) -> Vec<IpAddr> {
        text.split_whitespace().map(|ip| ip.parse().unwrap()).collect()
    }

    #[test]
    fn places_are_told_apart_where_both_say_something() {
        for (one, other, are_apart, both) in [
            ("203.0.113.7", "203.0.113.8", true, 0),
            ("203.0.113.7 10.0.0.5", "203.0.113.7 10.0.0.6", true, 0),
            ("203.0.113.7 10.0.0.5", "203.0.113.8 10.0.0.5", true, 0),
            ("203.0.113.7 10.0.0.5", "10.0.0.5", false, 1),
            ("203.0.113.7", "10.0.0.5", true, 0),
            ("203.0.113.7 2001:db8::7", "203.0.113.7 2001:db8::8", false, 1),
            ("100.64.0.1 fd00::1", "100.64.0.2 fe80::1", true, 0),
            ("", "203.0.113.8", false, 0),
        ] {
            let (one, other) = (ips(one), ips(other));
            assert_eq!((apart(&one, &other), shared(&one, &other)), (are_apart, both), "{one:?} {other:?}");
            assert_eq!((apart(&other, &one), shared(&other, &one)), (are_apart, both), "{other:?} {one:?}");
        }
    }
}
