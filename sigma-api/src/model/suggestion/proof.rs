//! How often the first suggestion is right, on a fleet of 500 machines at 20 providers. `make bench-suggestion` prints it.
//!
//! The prefixes are public allocations, the DMI strings what such machines say; the rest is made so that it is not easy:
//! addresses are spread over all of a provider's prefixes, two prefixes are shared by two resellers each, address by
//! address; every second hostname says nothing of the provider; some machines are containers on hosts of others, behind
//! NAT, or have agents that report no DMI.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use uuid::Uuid;

use super::*;

const MACHINES: usize = 500;
const QEMU_I440FX: (&str, &str) = ("QEMU", "Standard PC (i440FX + PIIX, 1996)");
const QEMU_Q35: (&str, &str) = ("QEMU", "Standard PC (Q35 + ICH9, 2009)");

struct Provider {
    /// As the operator calls it.
    name: &'static str,
    /// As the operator's hostnames begin, when they say it.
    code: &'static str,
    /// Hostname of a machine that nobody renamed; `%` is a random hexadecimal text.
    image: &'static str,
    dmi: (&'static str, &'static str),
    asset_tag: &'static str,
    share: usize,
    prefixes: &'static [&'static str],
}

const fn at(
    (name, code, image): (&'static str, &'static str, &'static str),
    dmi: (&'static str, &'static str),
    asset_tag: &'static str,
    share: usize,
    prefixes: &'static [&'static str],
) -> Provider {
    Provider { name, code, image, dmi, asset_tag, share, prefixes }
}

/// 45.142.64.0/22 and 2a04:bdc0::/29 are HostHatch's and Pico's; 144.91.64.0/18 is Contabo's and Nord's.
const PROVIDERS: &[Provider] = &[
    at(
        ("Hetzner", "hz", "ubuntu-4gb-%"),
        ("Hetzner", "vServer"),
        "",
        60,
        &["65.108.0.0/16", "95.216.0.0/16", "116.203.0.0/16", "2a01:4f9::/32", "2a01:4f8::/32"],
    ),
    at(
        ("DigitalOcean", "do", "ubuntu-s-1vcpu-1gb-%"),
        ("DigitalOcean", "Droplet"),
        "",
        35,
        &["159.89.0.0/16", "138.197.0.0/16", "167.99.0.0/16", "2604:a880::/32"],
    ),
    at(
        ("Vultr", "vu", "vultr.guest"),
        ("Vultr", "VC2"),
        "",
        35,
        &["45.76.0.0/16", "45.77.0.0/16", "149.28.0.0/16", "2001:19f0::/32"],
    ),
    at(
        ("Akamai", "li", "localhost"),
        ("Linode", "Compute Instance"),
        "",
        25,
        &["139.162.0.0/16", "172.104.0.0/15", "45.33.0.0/17", "2a01:7e00::/29"],
    ),
    at(
        ("OVH", "ovh", "vps-%.vps.ovh.net"),
        ("OpenStack Foundation", "OpenStack Nova"),
        "",
        40,
        &["51.68.0.0/16", "51.75.0.0/16", "54.36.0.0/16", "2001:41d0::/32"],
    ),
    at(
        ("Scaleway", "scw", "scw-%"),
        ("Scaleway", "SCW-DEV1-S"),
        "",
        15,
        &["51.15.0.0/16", "163.172.0.0/16", "2001:bc8::/32"],
    ),
    at(
        ("AWS", "aws", "ip-172-31-%"),
        ("Amazon EC2", "t3.micro"),
        "",
        20,
        &["3.64.0.0/12", "18.192.0.0/15", "2a05:d014::/36"],
    ),
    at(
        ("GCP", "gcp", "instance-%"),
        ("Google", "Google Compute Engine"),
        "",
        15,
        &["34.64.0.0/10", "35.192.0.0/12", "2600:1900::/28"],
    ),
    at(
        ("Azure", "az", "vm-%"),
        ("Microsoft Corporation", "Virtual Machine"),
        "7783-7084-3265-9085-8269-3286-77",
        15,
        &["20.48.0.0/12", "52.224.0.0/11"],
    ),
    at(
        ("Oracle Free Tier", "oci", "instance-%"),
        QEMU_I440FX,
        "OracleCloud.com",
        20,
        &["129.146.0.0/16", "132.145.0.0/16"],
    ),
    at(
        ("Alibaba Cloud", "ali", "iz%z"),
        ("Alibaba Cloud", "Alibaba Cloud ECS"),
        "",
        15,
        &["47.88.0.0/14", "8.208.0.0/12"],
    ),
    at(
        ("Tencent Cloud", "tx", "vm-%-centos"),
        ("Tencent Cloud", "CVM"),
        "",
        15,
        &["43.128.0.0/10", "49.51.0.0/16"],
    ),
    at(("UpCloud", "up", "ubuntu-%"), ("UpCloud", "Server"), "", 10, &["94.237.0.0/17", "2a04:3540::/29"]),
    at(
        ("netcup", "nc", "v2202%.megasrv.de"),
        ("netcup", "KVM Server"),
        "",
        20,
        &["46.38.224.0/19", "185.216.176.0/22", "2a03:4000::/32"],
    ),
    at(
        ("Contabo", "ct", "vmi%.contaboserver.net"),
        QEMU_Q35,
        "",
        40,
        &["144.91.64.0/18", "161.97.64.0/18", "2a02:c207::/32"],
    ),
    at(
        ("RackNerd", "rn", "racknerd-%"),
        QEMU_I440FX,
        "",
        50,
        &["192.3.0.0/16", "23.94.0.0/15", "107.172.0.0/14"],
    ),
    at(
        ("BuyVM", "bv", "debian"),
        QEMU_I440FX,
        "",
        25,
        &["198.98.48.0/20", "209.141.32.0/19", "2605:6400::/32"],
    ),
    at(
        ("HostHatch", "hh", "localhost"),
        QEMU_I440FX,
        "",
        20,
        &["45.142.64.0/22", "185.213.24.0/22", "2a04:bdc0::/29"],
    ),
    at(
        ("Pico", "pico", "debian"),
        QEMU_I440FX,
        "",
        12,
        &["45.142.64.0/22", "203.0.113.0/24", "2a04:bdc0::/29"],
    ),
    at(("Nord", "nord", "vps%"), QEMU_Q35, "", 13, &["144.91.64.0/18", "198.51.100.0/24"]),
];

/// Xorshift: the same fleet each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[usize::try_from(self.roll(all.len() as u64)).unwrap()]
    }

    fn percent(&mut self, percent: u64) -> bool {
        self.roll(100) < percent
    }

    fn address(&mut self, prefixes: &[&str], is_ipv4: bool) -> Option<IpAddr> {
        let fitting: Vec<_> = prefixes.iter().filter(|prefix| prefix.contains('.') == is_ipv4).collect();
        if fitting.is_empty() {
            return None;
        }
        let (base, length) = self.pick(&fitting).split_once('/').unwrap();
        let length: u32 = length.parse().unwrap();
        let random = (u128::from(self.roll(1 << 52)) << 76) ^ (u128::from(self.roll(1 << 52)) << 24);
        Some(match base.parse().unwrap() {
            IpAddr::V4(base) => {
                let host = u32::try_from(random >> 96).unwrap() & (u32::MAX >> length);
                Ipv4Addr::from_bits(base.to_bits() | host).into()
            }
            // A customer gets a /64, and mostly uses its first addresses.
            IpAddr::V6(base) => {
                let network = random & (u128::MAX >> length) & !u128::from(u64::MAX);
                Ipv6Addr::from_bits(base.to_bits() | network | 1).into()
            }
        })
    }

    fn hostname(&mut self, provider: &Provider) -> String {
        const ROLES: &[&str] = &["relay", "edge", "web", "db", "vpn", "game", "mon", "proxy"];
        const PLACES: &[&str] = &["fra", "ams", "hk", "lax", "nyc", "sgp", "hel", "waw"];
        let number = self.roll(30) + 1;
        match self.roll(100) {
            0..40 => format!("{}-{}-{}-{number:02}", provider.code, self.pick(PLACES), self.pick(ROLES)),
            40..75 => format!("{}-{}-{number:02}.example.net", self.pick(ROLES), self.pick(PLACES)),
            75..92 => provider.image.replace('%', &format!("{:06x}", self.roll(1 << 24))),
            _ => (*self.pick(&["debian", "ubuntu", "localhost", "vps", "server"])).to_owned(),
        }
    }

    fn machine(&mut self, provider: &Provider) -> Traits {
        let mut addresses = Vec::new();
        match self.roll(100) {
            0..5 => addresses.push("10.8.0.7".parse().unwrap()),
            5..10 => addresses.extend(self.address(provider.prefixes, false)),
            10..55 => addresses.extend(self.address(provider.prefixes, true)),
            _ => {
                addresses.extend(self.address(provider.prefixes, true));
                addresses.extend(self.address(provider.prefixes, false));
            }
        }
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let says_qemu = provider.dmi.0 == "QEMU" && provider.asset_tag.is_empty();
        let is_container = says_qemu && self.percent(15);
        let is_silent = self.percent(5);
        let (vendor, product) = match () {
            () if is_silent => ("", ""),
            () if is_container => {
                *self.pick(&[("Supermicro", "X11"), ("Dell Inc.", "R640"), ("Hetzner", "vServer")])
            }
            () => provider.dmi,
        };
        Traits {
            hostname: self.hostname(provider),
            addresses,
            virtualization: text(if is_container { "lxc" } else { "kvm" }),
            vendor: text(vendor),
            product: text(product),
            asset_tag: text(if is_silent { "" } else { provider.asset_tag }),
        }
    }
}

/// How many machines there are, for how many a provider is suggested, and how often it is the right one.
#[derive(Clone, Copy, Default)]
struct Tally {
    asked: u32,
    suggested: u32,
    right: u32,
}

impl Tally {
    fn plus(self, other: Self) -> Self {
        Self {
            asked: self.asked + other.asked,
            suggested: self.suggested + other.suggested,
            right: self.right + other.right,
        }
    }

    fn of_suggested(self) -> f64 {
        100.0 * f64::from(self.right) / f64::from(self.suggested)
    }

    fn of_all(self) -> f64 {
        100.0 * f64::from(self.right) / f64::from(self.asked)
    }

    fn print(self, of_what: &str) {
        println!(
            "  {of_what}: {} of {} first suggestions are right ({:.1} %); {:.1} % of {} machines get a right one",
            self.right,
            self.suggested,
            self.of_suggested(),
            self.of_all(),
            self.asked
        );
    }
}

/// All machines without provider of a fleet of which so many percent are assigned, and those of them whose provider does
/// not name itself.
fn outcome(seed: u64, assigned_percent: u64) -> (Tally, Tally) {
    let mut dice = Dice(seed);
    let providers: Vec<_> = (1_u128..)
        .zip(PROVIDERS)
        .map(|(n, provider)| (Uuid::from_u128(n), provider.name.to_owned()))
        .collect();
    let (mut assigned, mut open) = (Vec::new(), Vec::new());
    for (provider, (id, _)) in PROVIDERS.iter().zip(&providers) {
        let is_nameless =
            provider.dmi.0.starts_with("Open") || provider.dmi.0 == "QEMU" && provider.asset_tag.is_empty();
        for _ in 0..provider.share {
            let traits = dice.machine(provider);
            if dice.percent(assigned_percent) {
                assigned.push((*id, traits));
            } else {
                open.push((*id, traits, is_nameless));
            }
        }
    }
    assert_eq!(assigned.len() + open.len(), MACHINES);
    let knowledge = Knowledge::learn(providers, &assigned);
    let (mut all, mut nameless) = (Tally::default(), Tally::default());
    for (id, traits, is_nameless) in open {
        let suggestion = knowledge.suggest(&traits);
        let is_right = suggestion.as_ref().is_some_and(|suggestion| suggestion.provider_id == Some(id));
        let one = Tally { asked: 1, suggested: u32::from(suggestion.is_some()), right: u32::from(is_right) };
        all = all.plus(one);
        nameless = if is_nameless { nameless.plus(one) } else { nameless };
    }
    (all, nameless)
}

/// The fleets of ten seeds together, so that one lucky one proves nothing.
fn figures(assigned_percent: u64) -> (Tally, Tally) {
    let outcomes =
        (1..=10_u64).map(|seed| outcome(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15), assigned_percent));
    let (all, nameless) =
        outcomes.fold(<(Tally, Tally)>::default(), |sum, one| (sum.0.plus(one.0), sum.1.plus(one.1)));
    println!(
        "{assigned_percent} % of {MACHINES} machines at {} providers assigned, ten fleets:",
        PROVIDERS.len()
    );
    all.print("all");
    nameless.print("where DMI names nobody");
    (all, nameless)
}

#[test]
fn most_first_suggestions_are_right() {
    figures(0);
    figures(10);
    let (all, nameless) = figures(30);
    assert!(all.of_suggested() > 97.0 && all.of_all() > 92.0, "see what is printed");
    assert!(nameless.of_suggested() > 92.0 && nameless.of_all() > 82.0, "see what is printed");
    figures(60);
}

#[test]
fn ten_thousand_machines_are_learnt_quickly() {
    let mut dice = Dice(42);
    let providers: Vec<_> = (1_u128..)
        .zip(PROVIDERS)
        .map(|(n, provider)| (Uuid::from_u128(n), provider.name.to_owned()))
        .collect();
    let machine = |n: usize, dice: &mut Dice| {
        let number = n % PROVIDERS.len();
        (providers[number].0, dice.machine(&PROVIDERS[number]))
    };
    let machines: Vec<_> = (0..10_000).map(|n| machine(n, &mut dice)).collect();
    let started = std::time::Instant::now();
    let knowledge = Knowledge::learn(providers.clone(), &machines);
    let learnt = started.elapsed();
    let started = std::time::Instant::now();
    let suggested = machines.iter().filter(|(_, traits)| knowledge.suggest(traits).is_some()).count();
    println!(
        "10,000 machines: learnt in {:.0} ms, {suggested} suggested in {:.1} µs each",
        learnt.as_secs_f64() * 1e3,
        started.elapsed().as_secs_f64() * 1e6 / 10_000.0
    );
    // The build of the tests is slow, and so are machines that run many of them at once.
    assert!(learnt.as_secs() < 5, "{learnt:?}");
}
