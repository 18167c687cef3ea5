//! Addresses of machines whose provider is known, in their order: the neighbours of an address stand beside it.

use std::net::IpAddr;

/// As many machines around an address are looked at.
const MACHINES: usize = 48;
/// A machine may have many addresses side by side; so many are looked at.
const ENTRIES: usize = 256;
/// A neighbour with so many fewer bits in common than the nearest counts for half.
const BITS_TO_HALVE: f64 = 2.0;

/// How much a neighbour says that has so many leading bits in common: providers get networks of about /22 (IPv4) or /32
/// (IPv6) from their registry, and pass smaller ones on to resellers. Fewer bits than the first say nothing.
const IPV4: &[(u32, f64)] =
    &[(12, 0.35), (14, 0.50), (16, 0.70), (18, 0.78), (20, 0.86), (22, 0.92), (24, 0.97)];
const IPV6: &[(u32, f64)] = &[(24, 0.30), (28, 0.55), (32, 0.90), (40, 0.94), (48, 0.97)];

/// How much of it one, two, three neighbours say; more say all of it.
const BY_MACHINES: [f64; 3] = [0.85, 0.93, 0.97];

/// An address of an assigned machine: its bits from the left of 128, and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    bits: u128,
    machine: usize,
    provider: usize,
}

/// All of them, IPv4 and IPv6 apart.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    ipv4: Vec<Entry>,
    ipv6: Vec<Entry>,
}

/// A provider that has machines near an address.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Near {
    pub(super) provider: usize,
    /// How many of its machines are near.
    pub(super) machines: usize,
    /// Bits that the nearest of them has in common with the address.
    pub(super) common_prefix: u32,
    /// 0 to 1.
    pub(super) weight: f64,
}

/// Whether an address can say whose network it is in: not one that anybody may use inside, nor a tunnel through IPv4.
/// Networks for documentation are told apart from nothing else, as nobody has them by mistake.
pub(super) fn is_telling(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let is_shared = a == 100 && (64..128).contains(&b);
            !(v4.is_private() || v4.is_loopback() || v4.is_link_local() || is_shared || a == 0)
        }
        IpAddr::V6(v6) => {
            let [a, b, ..] = v6.segments();
            let is_tunnel = a == 0x2002 || (a == 0x2001 && b == 0);
            !(v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_loopback() || is_tunnel)
        }
    }
}

impl Neighbours {
    /// Adds an address; [`Neighbours::sort`] comes after the last.
    pub(super) fn learn(&mut self, address: IpAddr, machine: usize, provider: usize) {
        let (bits, is_ipv4) = bits_of(address);
        let family = if is_ipv4 { &mut self.ipv4 } else { &mut self.ipv6 };
        family.push(Entry { bits, machine, provider });
    }

    /// Puts all in order.
    pub(super) fn sort(&mut self) {
        self.ipv4.sort_unstable();
        self.ipv6.sort_unstable();
    }

    /// Who has machines near that address.
    pub(super) fn of(&self, address: IpAddr) -> Vec<Near> {
        let (bits, is_ipv4) = bits_of(address);
        let (entries, curve, width) = if is_ipv4 { (&self.ipv4, IPV4, 32) } else { (&self.ipv6, IPV6, 128) };
        let shortest = curve.first().map_or(0, |(bits, _)| *bits);
        judge(&nearest(entries, bits, shortest, width), curve)
    }
}

/// The machines with the longest prefixes in common, the longest first: provider and bits.
fn nearest(entries: &[Entry], bits: u128, shortest: u32, width: u32) -> Vec<(usize, u32)> {
    let (before, after) = entries.split_at(entries.partition_point(|entry| entry.bits < bits));
    let common = |entry: &&Entry| (entry.bits ^ bits).leading_zeros().min(width);
    let (mut before, mut after) = (before.iter().rev().peekable(), after.iter().peekable());
    let (mut machines, mut found) = (Vec::with_capacity(MACHINES), Vec::with_capacity(MACHINES));
    // In each direction the common prefix only gets shorter.
    for _ in 0..ENTRIES {
        let (left, right) = (before.peek().map(common), after.peek().map(common));
        let entry = if left >= right { before.next() } else { after.next() };
        let (Some(entry), Some(common)) = (entry, left.max(right)) else { break };
        if common < shortest || found.len() >= MACHINES {
            break;
        }
        if !machines.contains(&entry.machine) {
            machines.push(entry.machine);
            found.push((entry.provider, common));
        }
    }
    found
}

fn judge(nearest: &[(usize, u32)], curve: &[(u32, f64)]) -> Vec<Near> {
    let longest = nearest.first().map_or(0, |(_, common)| *common);
    let counts_for = |common: u32| (-f64::from(longest.abs_diff(common)) / BITS_TO_HALVE).exp2();
    let all: f64 = nearest.iter().map(|(_, common)| counts_for(*common)).sum();
    let mut found: Vec<Near> = Vec::new();
    for (provider, common) in nearest {
        let count = counts_for(*common);
        match found.iter_mut().find(|near| near.provider == *provider) {
            Some(near) => {
                near.machines += 1;
                near.weight += count;
            }
            None => {
                let near = Near { provider: *provider, machines: 1, common_prefix: *common, weight: count };
                found.push(near);
            }
        }
    }
    for near in &mut found {
        let purity = near.weight / all;
        let support = BY_MACHINES.get(near.machines - 1).copied().unwrap_or(1.0);
        near.weight = purity * support * at(curve, near.common_prefix);
    }
    found
}

/// The curve at `bits`, straight between its points.
fn at(curve: &[(u32, f64)], bits: u32) -> f64 {
    let mut below: Option<(u32, f64)> = None;
    for (point, value) in curve.iter().copied() {
        if bits <= point {
            let Some((from, low)) = below else { return if bits == point { value } else { 0.0 } };
            return low + (value - low) * f64::from(bits - from) / f64::from(point - from);
        }
        below = Some((point, value));
    }
    below.map_or(0.0, |(_, value)| value)
}

fn bits_of(address: IpAddr) -> (u128, bool) {
    match address.to_canonical() {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()) << 96, true),
        IpAddr::V6(v6) => (v6.to_bits(), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn learnt(addresses: &[(&str, usize)]) -> Neighbours {
        let mut neighbours = Neighbours::default();
        for (machine, (address, provider)) in addresses.iter().enumerate() {
            neighbours.learn(ip(address), machine, *provider);
        }
        neighbours.sort();
        neighbours
    }

    fn weight(neighbours: &Neighbours, address: &str, provider: usize) -> f64 {
        let near = neighbours.of(ip(address));
        near.iter().find(|near| near.provider == provider).map_or(0.0, |near| near.weight)
    }

    #[test]
    fn the_longer_the_common_prefix_the_more_it_says_and_a_short_one_says_nothing() {
        let neighbours = learnt(&[("198.51.100.1", 0), ("2001:db8:1::1", 1)]);
        let near = ["198.51.100.9", "198.51.101.9", "198.51.120.9", "198.50.1.9"]
            .map(|address| weight(&neighbours, address, 0));
        assert!(near.is_sorted_by(|a, b| a > b), "{near:?}");
        assert_eq!(neighbours.of(ip("198.240.0.1")), []);
        assert!(weight(&neighbours, "2001:db8:2::1", 1) > weight(&neighbours, "2001:d00::1", 1));
        assert_eq!(neighbours.of(ip("2001:0f00::1")), []);
    }

    #[test]
    fn others_in_the_neighbourhood_weaken_it_and_more_of_the_same_strengthen_it() {
        let one = learnt(&[("198.51.100.1", 0)]);
        let four =
            learnt(&[("198.51.100.1", 0), ("198.51.100.2", 0), ("198.51.100.3", 0), ("198.51.100.200", 0)]);
        let mixed = learnt(&[("198.51.100.1", 0), ("198.51.100.2", 1), ("198.51.100.3", 0)]);
        let [one, four, mixed] = [&one, &four, &mixed].map(|all| weight(all, "198.51.100.9", 0));
        assert!(mixed < one && one < four, "{mixed} {one} {four}");
    }

    #[test]
    fn many_addresses_of_one_machine_are_one_neighbour() {
        let mut neighbours = Neighbours::default();
        for last in 1..=40 {
            neighbours.learn(ip(&format!("198.51.100.{last}")), 7, 0);
        }
        neighbours.learn(ip("198.51.100.200"), 8, 1);
        neighbours.sort();
        let near = neighbours.of(ip("198.51.100.50"));
        assert_eq!(near.iter().map(|near| near.machines).collect::<Vec<_>>(), [1, 1]);
    }

    #[test]
    fn the_nearest_count_on_both_sides() {
        let neighbours = learnt(&[("198.51.100.1", 0), ("198.51.100.3", 1), ("198.51.100.255", 2)]);
        let near = neighbours.of(ip("198.51.100.2"));
        let order: Vec<_> = near.iter().map(|near| (near.provider, near.common_prefix)).collect();
        assert_eq!(order, [(1, 31), (0, 30), (2, 24)]);
        assert_eq!(neighbours.of(ip("198.51.100.3")).first().map(|near| near.common_prefix), Some(32));
    }

    #[test]
    fn addresses_that_anybody_may_use_say_nothing() {
        for address in [
            "10.1.2.3",
            "172.20.0.1",
            "192.168.1.1",
            "100.64.0.9",
            "169.254.1.1",
            "127.0.0.1",
            "fd00::1",
            "fe80::1",
            "::1",
            "2002:c633:6401::1",
            "2001:0:1::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(!is_telling(ip(address)), "{address}");
        }
        for address in
            ["203.0.113.7", "198.51.100.1", "172.32.0.1", "100.128.0.1", "2001:db8::1", "2a01:4f8::1"]
        {
            assert!(is_telling(ip(address)), "{address}");
        }
    }
}
