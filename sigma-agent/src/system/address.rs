//! The machine's addresses, from the kernel's tables: `fib_trie` and `route` for IPv4 (proc(5),
//! Documentation/networking/fib_trie.rst), `if_inet6` for IPv6 (net/ipv6/addrconf.c, `if6_seq_show`).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::time::{Duration, Instant};

use super::read::{Buffer, Kind, ProcFile};

/// `RTF_UP` and `RTF_REJECT` of linux/route.h, as `/proc/net/route` shows them.
const RTF_UP: u32 = 0x1;
const RTF_REJECT: u32 = 0x200;
/// Flags of linux/if_addr.h; the file shows the lowest eight bits.
const IFA_F_TEMPORARY: u8 = 0x01;
const IFA_F_DADFAILED: u8 = 0x08;
const IFA_F_DEPRECATED: u8 = 0x20;
const IFA_F_TENTATIVE: u8 = 0x40;

/// The addresses by which the machine can be reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// Sorted, without duplicates; loopback, link-local and the bridges of containers and virtual machines left out.
    pub addresses: Vec<IpAddr>,
    /// Whether packets to the IPv4 Internet have a way out.
    pub has_ipv4_default_route: bool,
}

/// The three tables of one network namespace.
pub(super) struct NetworkFiles {
    fib_trie: ProcFile,
    route: ProcFile,
    if_inet6: ProcFile,
    /// What was read, and until when that is good enough.
    known: Option<(Network, Instant)>,
}

/// Tables that are read in this time are read at each beat.
const QUICK: Duration = Duration::from_millis(20);
/// Reading slower tables takes at most this part of a processor. The kernel seeks in fib_trie from its start at each read,
/// so that a table of 100,000 routes takes a second, and a full table of the Internet's routes minutes.
const SHARE: u32 = 100;
/// A machine that was stopped in the middle of reading is not slow.
const LONGEST: Duration = Duration::from_secs(600);

impl NetworkFiles {
    /// Below `/`, the tables of the reader's own namespace; below another root, those of the host's first process,
    /// for `/proc/net` is a link to the reader's own there too.
    pub(super) fn new(root: &Path) -> Self {
        let of_host = root.join("proc/1/net");
        let net = if root != Path::new("/") && of_host.join("fib_trie").metadata().is_ok() {
            of_host
        } else {
            root.join("proc/net")
        };
        Self {
            fib_trie: ProcFile::new(net.join("fib_trie"), Kind::Records),
            route: ProcFile::new(net.join("route"), Kind::Records),
            if_inet6: ProcFile::new(net.join("if_inet6"), Kind::Records),
            known: None,
        }
    }

    /// # Errors
    /// When a table cannot be read. A kernel without IPv4 or IPv6 has no table of it; one of the two must be there.
    pub(super) fn read(&mut self, buffer: &mut Buffer) -> io::Result<Network> {
        let begun = Instant::now();
        if let Some((known, until)) = &self.known
            && begun < *until
        {
            return Ok(known.clone());
        }
        let network = self.read_now(buffer)?;
        let taken = begun.elapsed();
        self.known =
            (taken > QUICK).then(|| (network.clone(), Instant::now() + (taken * SHARE).min(LONGEST)));
        Ok(network)
    }

    fn read_now(&mut self, buffer: &mut Buffer) -> io::Result<Network> {
        let (mut local, mut routes, mut inet6) = (LocalV4::default(), Routes::default(), Inet6::default());
        let v4 = absent_is_none(self.fib_trie.lines(buffer, |line| local.line(line)))?;
        absent_is_none(self.route.lines(buffer, |line| routes.line(line)))?;
        let v6 = absent_is_none(self.if_inet6.lines(buffer, |line| inet6.line(line)))?;
        if v4.is_none() && v6.is_none() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "neither fib_trie nor if_inet6 is there"));
        }
        Ok(reachable(&local, &routes, &inet6))
    }
}

fn absent_is_none(read: io::Result<()>) -> io::Result<Option<()>> {
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

/// What `fib_trie` says: every address that the kernel takes for its own.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct LocalV4 {
    addresses: Vec<Ipv4Addr>,
    leaf: Option<Ipv4Addr>,
}

impl LocalV4 {
    /// A leaf is `|-- 203.0.113.7`, followed by a line for each prefix of it: `/32 host LOCAL`.
    pub(super) fn line(&mut self, line: &str) {
        let mut words = line.split_ascii_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some("|--"), Some(address), None) => self.leaf = address.parse().ok(),
            (Some("/32"), Some("host"), Some("LOCAL")) => self.addresses.extend(self.leaf),
            _ => {}
        }
    }
}

/// What `route` says: which network is reached through which interface without a gateway, and where the way out is.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Routes {
    connected: Vec<Connected>,
    uplinks: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
struct Connected {
    network: u32,
    mask: u32,
    interface: String,
}

impl Routes {
    /// Columns: Iface Destination Gateway Flags RefCnt Use Metric Mask …; addresses are hexadecimal in the machine's
    /// own byte order. The first line is a heading.
    pub(super) fn line(&mut self, line: &str) {
        let mut words = line.split_ascii_whitespace();
        let Some(interface) = words.next() else { return };
        let mut hex = || words.next().and_then(|word| u32::from_str_radix(word, 16).ok());
        let (Some(network), Some(gateway), Some(flags)) = (hex(), hex(), hex()) else { return };
        let Some(mask) = words.nth(3).and_then(|word| u32::from_str_radix(word, 16).ok()) else { return };
        if flags & RTF_UP == 0 || flags & RTF_REJECT != 0 {
            return;
        }
        if mask == 0 && network == 0 {
            self.uplinks.push(interface.to_owned());
        } else if mask != 0 && gateway == 0 {
            let interface = interface.to_owned();
            self.connected.push(Connected {
                network: big_endian(network),
                mask: big_endian(mask),
                interface,
            });
        }
    }

    /// Whether an address belongs to a bridge of containers: the narrowest connected networks around it are all of
    /// such interfaces. An address without a connected network (fail-over, anycast) belongs to the machine.
    fn is_of_containers(&self, address: Ipv4Addr) -> bool {
        let address = u32::from(address);
        let around = || self.connected.iter().filter(move |c| address & c.mask == c.network);
        let Some(narrowest) = around().map(|c| c.mask).max() else { return false };
        around().filter(|c| c.mask == narrowest).all(|c| self.is_container_bridge(&c.interface))
    }

    /// A bridge that carries the machine's own uplink is the machine's, whatever its name.
    fn is_container_bridge(&self, interface: &str) -> bool {
        is_container_interface(interface) && !self.uplinks.iter().any(|uplink| uplink == interface)
    }
}

/// The kernel prints the big-endian address as a number of the machine's own byte order.
fn big_endian(printed: u32) -> u32 {
    u32::from_be_bytes(printed.to_ne_bytes())
}

/// What `if_inet6` says: address, interface index, prefix length, scope, flags (hexadecimal), interface.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Inet6 {
    addresses: Vec<(Ipv6Addr, String)>,
}

impl Inet6 {
    pub(super) fn line(&mut self, line: &str) {
        const UNFIT: u8 = IFA_F_TEMPORARY | IFA_F_DADFAILED | IFA_F_DEPRECATED | IFA_F_TENTATIVE;
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let [address, _index, _prefix, scope, flags, interface] = words.as_slice() else { return };
        let (Ok(bits), Ok(flags)) = (u128::from_str_radix(address, 16), u32::from_str_radix(flags, 16))
        else {
            return;
        };
        let [.., flags] = flags.to_be_bytes();
        if address.len() == 32 && *scope == "00" && flags & UNFIT == 0 {
            self.addresses.push((Ipv6Addr::from(bits), (*interface).to_owned()));
        }
    }
}

/// The addresses that are the machine's own, out of all that its kernel holds. A group that the kernel joined by itself
/// (`ip address add … autojoin`) stands among them.
fn reachable(local: &LocalV4, routes: &Routes, inet6: &Inet6) -> Network {
    let v4 = local
        .addresses
        .iter()
        .filter(|a| !(a.is_loopback() || a.is_link_local() || a.is_unspecified() || a.is_multicast()))
        .filter(|a| !routes.is_of_containers(**a))
        .map(|a| IpAddr::V4(*a));
    let v6 = inet6
        .addresses
        .iter()
        .filter(|(a, _)| {
            !(a.is_loopback() || a.is_unicast_link_local() || a.is_unspecified() || a.is_multicast())
        })
        .filter(|(_, interface)| !routes.is_container_bridge(interface))
        .map(|(a, _)| IpAddr::V6(*a));
    let mut addresses: Vec<IpAddr> = v4.chain(v6).collect();
    addresses.sort_unstable();
    addresses.dedup();
    Network { addresses, has_ipv4_default_route: !routes.uplinks.is_empty() }
}

/// Interfaces that container engines, orchestrators and hypervisors make for their guests.
fn is_container_interface(name: &str) -> bool {
    let numbered = |prefix: &str| {
        name.strip_prefix(prefix).is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    let docker_network = name
        .strip_prefix("br-")
        .is_some_and(|id| id.len() == 12 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
    docker_network
        || matches!(name, "docker0" | "docker_gwbridge")
        || ["podman", "cni", "cni-podman", "lxcbr", "lxdbr", "incusbr", "virbr"].into_iter().any(numbered)
        || ["veth", "flannel", "cali", "cilium_"].into_iter().any(|prefix| name.starts_with(prefix))
}

/// Prefixes of the IANA IPv4 special-purpose address registry (RFC 6890), and whether they are globally reachable.
/// The narrowest that fits decides; what fits none is.
const SPECIAL_V4: [(Ipv4Addr, u32, bool); 20] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8, false),
    (Ipv4Addr::new(10, 0, 0, 0), 8, false),
    (Ipv4Addr::new(100, 64, 0, 0), 10, false),
    (Ipv4Addr::new(127, 0, 0, 0), 8, false),
    (Ipv4Addr::new(169, 254, 0, 0), 16, false),
    (Ipv4Addr::new(172, 16, 0, 0), 12, false),
    (Ipv4Addr::new(192, 0, 0, 0), 24, false),
    (Ipv4Addr::new(192, 0, 0, 9), 32, true),
    (Ipv4Addr::new(192, 0, 0, 10), 32, true),
    (Ipv4Addr::new(192, 0, 2, 0), 24, false),
    (Ipv4Addr::new(192, 31, 196, 0), 24, true),
    (Ipv4Addr::new(192, 52, 193, 0), 24, true),
    (Ipv4Addr::new(192, 88, 99, 0), 24, false),
    (Ipv4Addr::new(192, 168, 0, 0), 16, false),
    (Ipv4Addr::new(192, 175, 48, 0), 24, true),
    (Ipv4Addr::new(198, 18, 0, 0), 15, false),
    (Ipv4Addr::new(198, 51, 100, 0), 24, false),
    (Ipv4Addr::new(203, 0, 113, 0), 24, false),
    (Ipv4Addr::new(224, 0, 0, 0), 4, false),
    (Ipv4Addr::new(240, 0, 0, 0), 4, false),
];

/// The same of the IPv6 registry. Only 2000::/3 is global unicast space (IANA IPv6 address space registry).
const SPECIAL_V6: [(Ipv6Addr, u32, bool); 14] = [
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0, 0, 0), 0, false),
    (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3, true),
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96, true),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, false),
    (Ipv6Addr::new(0x2001, 1, 0, 0, 0, 0, 0, 1), 128, true),
    (Ipv6Addr::new(0x2001, 1, 0, 0, 0, 0, 0, 2), 128, true),
    (Ipv6Addr::new(0x2001, 1, 0, 0, 0, 0, 0, 3), 128, true),
    (Ipv6Addr::new(0x2001, 3, 0, 0, 0, 0, 0, 0), 32, true),
    (Ipv6Addr::new(0x2001, 4, 0x112, 0, 0, 0, 0, 0), 48, true),
    (Ipv6Addr::new(0x2001, 0x20, 0, 0, 0, 0, 0, 0), 28, true),
    (Ipv6Addr::new(0x2001, 0x30, 0, 0, 0, 0, 0, 0), 28, true),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, false),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, false),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, false),
];

/// Whether an address is globally reachable by the IANA special-purpose registries.
#[must_use]
pub fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => narrowest(SPECIAL_V4.iter().filter(|(prefix, length, _)| {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or_default();
            u32::from(address) & mask == u32::from(*prefix)
        })),
        IpAddr::V6(address) => narrowest(SPECIAL_V6.iter().filter(|(prefix, length, _)| {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or_default();
            u128::from(address) & mask == u128::from(*prefix)
        })),
    }
}

fn narrowest<'a, A: 'a>(fitting: impl Iterator<Item = &'a (A, u32, bool)>) -> bool {
    fitting.max_by_key(|(_, length, _)| *length).is_none_or(|(_, _, global)| *global)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(text: &str) -> Routes {
        let mut routes = Routes::default();
        text.lines().for_each(|line| routes.line(line));
        routes
    }

    #[test]
    fn bridges_of_containers_are_known_by_name() {
        for bridge in "docker0 docker_gwbridge br-0123456789ab podman1 cni0 lxcbr0 lxdbr0 virbr12 veth9f cali1 flannel.1"
            .split(' ')
        {
            assert!(is_container_interface(bridge), "{bridge}");
        }
        for own in "eth0 vmbr0 br0 br-lan br-0123456789aX br-0123456789abc cni podman ens3 lo venet0 tailscale0 wg0 virbr"
            .split(' ')
        {
            assert!(!is_container_interface(own), "{own}");
        }
    }

    #[test]
    fn a_bridge_with_the_uplink_is_the_machines_own() {
        let heading = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
        let connected = "virbr0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
        let default = "virbr0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n";
        let address = "192.168.1.5".parse().unwrap();
        assert!(routes(&format!("{heading}{connected}")).is_of_containers(address));
        assert!(!routes(&format!("{heading}{connected}{default}")).is_of_containers(address));
    }

    #[test]
    fn a_joined_group_is_no_address_of_the_machine() {
        let (mut local, mut inet6) = (LocalV4::default(), Inet6::default());
        ["|-- 239.1.1.1", "/32 host LOCAL"].into_iter().for_each(|line| local.line(line));
        inet6.line("ff0e0000000000000000000000000101 02 80 00 80 eth0");
        assert_eq!((local.addresses.len(), inet6.addresses.len()), (1, 1));
        assert_eq!(reachable(&local, &Routes::default(), &inet6).addresses, [] as [IpAddr; 0]);
    }

    #[test]
    fn an_unreachable_default_route_is_no_way_out() {
        assert_eq!(routes("*\t00000000\t00000000\t0200\t0\t0\t0\t00000000\t0\t0\t0").uplinks, [""; 0]);
    }

    #[test]
    fn global_is_what_the_registries_say() {
        for global in [
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.0.9",
            "192.0.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "2a01:4f9::1",
            "2001:4860::1",
            "2001:20::1",
            "64:ff9b::101:101",
        ] {
            assert!(is_global(global.parse().unwrap()), "{global}");
        }
        for internal in [
            "0.1.2.3",
            "10.0.0.5",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "169.254.1.1",
            "172.16.0.1",
            "172.31.4.7",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.7",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fc00::1",
            "fd7a:115c:a1e0::1",
            "fe80::1",
            "2001:db8::1",
            "2001::1",
            "2001:2::1",
            "2002::1",
            "3fff::1",
            "100::1",
            "64:ff9b:1::1",
            "5f00::1",
            "::ffff:1.1.1.1",
            "200::1",
            "ff02::1",
        ] {
            assert!(!is_global(internal.parse().unwrap()), "{internal}");
        }
    }
}
