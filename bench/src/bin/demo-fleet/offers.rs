//! Twelve providers as their machines show themselves: DMI strings, networks, places, what images call a machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::chance::Chance;

/// A provider.
pub(crate) struct Offer {
    pub(crate) name: &'static str,
    pub(crate) country: &'static str,
    pub(crate) website: &'static str,
    pub(crate) rating: Option<u8>,
    pub(crate) currency: &'static str,
    /// Of 200 machines so many are here.
    pub(crate) share: usize,
    /// As hostnames begin that people gave.
    pub(crate) code: &'static str,
    /// Hostname of a machine that nobody named; `%` is something random.
    pub(crate) image: &'static str,
    pub(crate) vendor: &'static str,
    pub(crate) product: &'static str,
    pub(crate) asset_tag: &'static str,
    pub(crate) cpu_model: &'static str,
    /// Short name, city and country.
    pub(crate) places: &'static [(&'static str, &'static str, &'static str)],
    pub(crate) ipv4: &'static [(Ipv4Addr, u32)],
    pub(crate) ipv6: Option<(Ipv6Addr, u32)>,
}

impl Offer {
    /// An IPv4 address: machines of one place share a few networks of 256.
    pub(crate) fn ipv4(&self, place: usize, chance: &mut Chance) -> Option<IpAddr> {
        let (base, length) = *self.ipv4.get(place % self.ipv4.len().max(1))?;
        let networks = Chance::new(u64::from(base.to_bits()), u64::from(chance.below(4))).bits();
        let network = u32::try_from(networks >> 96).unwrap_or_default() & 0xffff_ff00;
        let host = (network | chance.between(2, 253)) & (u32::MAX >> length);
        Some(Ipv4Addr::from_bits(base.to_bits() | host).into())
    }

    /// An IPv6 address: the first of a network of its own.
    pub(crate) fn ipv6(&self, place: usize, chance: &mut Chance) -> Option<IpAddr> {
        let (base, length) = self.ipv6?;
        let place = u128::try_from(place).unwrap_or_default() << 84;
        let network = (place | ((chance.bits() & 0xffff) << 64)) & (u128::MAX >> length);
        Some(Ipv6Addr::from_bits(base.to_bits() | network | 1).into())
    }
}

const fn v4(a: u8, b: u8, c: u8, length: u32) -> (Ipv4Addr, u32) {
    (Ipv4Addr::new(a, b, c, 0), length)
}

const fn v6(a: u16, b: u16, length: u32) -> Option<(Ipv6Addr, u32)> {
    Some((Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), length))
}

const I440FX: &str = "Standard PC (i440FX + PIIX, 1996)";
const XEON: &str = "Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz";
const EPYC: &str = "AMD EPYC 7443P 24-Core Processor";
const VIRTUAL: &str = "QEMU Virtual CPU version 2.5+";

/// All of them, the largest first.
pub(crate) const OFFERS: &[Offer] = &[
    Offer {
        name: "Hetzner Cloud",
        country: "DE",
        website: "https://www.hetzner.com",
        rating: Some(5),
        currency: "EUR",
        share: 36,
        code: "hz",
        image: "ubuntu-4gb-%",
        vendor: "Hetzner",
        product: "vServer",
        asset_tag: "",
        cpu_model: EPYC,
        places: &[("hel", "Helsinki", "FI"), ("fsn", "Falkenstein", "DE"), ("nbg", "Nuremberg", "DE")],
        ipv4: &[v4(65, 108, 0, 16), v4(95, 216, 0, 16), v4(116, 203, 0, 16)],
        ipv6: v6(0x2a01, 0x4f9, 32),
    },
    Offer {
        name: "RackNerd",
        country: "US",
        website: "https://www.racknerd.com",
        rating: Some(3),
        currency: "USD",
        share: 30,
        code: "rn",
        image: "racknerd-%",
        vendor: "QEMU",
        product: I440FX,
        asset_tag: "",
        cpu_model: XEON,
        places: &[("lax", "Los Angeles", "US"), ("nyc", "New York", "US"), ("ams", "Amsterdam", "NL")],
        ipv4: &[v4(192, 3, 0, 16), v4(23, 94, 0, 15), v4(107, 172, 0, 14)],
        ipv6: None,
    },
    Offer {
        name: "Contabo",
        country: "DE",
        website: "https://contabo.com",
        rating: Some(3),
        currency: "EUR",
        share: 20,
        code: "ct",
        image: "vmi%.contaboserver.net",
        vendor: "QEMU",
        product: "Standard PC (Q35 + ICH9, 2009)",
        asset_tag: "",
        cpu_model: EPYC,
        places: &[("nbg", "Nuremberg", "DE"), ("sin", "Singapore", "SG")],
        ipv4: &[v4(144, 91, 64, 18), v4(161, 97, 64, 18)],
        ipv6: v6(0x2a02, 0xc207, 32),
    },
    Offer {
        name: "OVHcloud",
        country: "FR",
        website: "https://www.ovhcloud.com",
        rating: Some(4),
        currency: "EUR",
        share: 18,
        code: "ovh",
        image: "vps-%.vps.ovh.net",
        vendor: "OpenStack Foundation",
        product: "OpenStack Nova",
        asset_tag: "",
        cpu_model: "Intel Core Processor (Haswell, no TSX)",
        places: &[("gra", "Gravelines", "FR"), ("waw", "Warsaw", "PL"), ("rbx", "Roubaix", "FR")],
        ipv4: &[v4(51, 68, 0, 16), v4(51, 75, 0, 16), v4(54, 36, 0, 16)],
        ipv6: v6(0x2001, 0x41d0, 32),
    },
    Offer {
        name: "Vultr",
        country: "US",
        website: "https://www.vultr.com",
        rating: Some(4),
        currency: "USD",
        share: 18,
        code: "vu",
        image: "vultr-%",
        vendor: "Vultr",
        product: "VC2",
        asset_tag: "",
        cpu_model: "Intel Core Processor (Broadwell, no TSX, IBRS)",
        places: &[("nrt", "Tokyo", "JP"), ("icn", "Seoul", "KR"), ("syd", "Sydney", "AU")],
        ipv4: &[v4(45, 76, 0, 16), v4(45, 77, 0, 16), v4(149, 28, 0, 16)],
        ipv6: v6(0x2001, 0x19f0, 32),
    },
    Offer {
        name: "DigitalOcean",
        country: "US",
        website: "https://www.digitalocean.com",
        rating: Some(4),
        currency: "USD",
        share: 16,
        code: "do",
        image: "ubuntu-s-1vcpu-1gb-%",
        vendor: "DigitalOcean",
        product: "Droplet",
        asset_tag: "",
        cpu_model: "DO-Regular",
        places: &[("fra", "Frankfurt", "DE"), ("blr", "Bengaluru", "IN"), ("tor", "Toronto", "CA")],
        ipv4: &[v4(159, 89, 0, 16), v4(138, 197, 0, 16), v4(167, 99, 0, 16)],
        ipv6: v6(0x2604, 0xa880, 32),
    },
    Offer {
        name: "BuyVM",
        country: "CA",
        website: "https://buyvm.net",
        rating: Some(5),
        currency: "USD",
        share: 14,
        code: "bv",
        image: "debian-%",
        vendor: "QEMU",
        product: I440FX,
        asset_tag: "",
        cpu_model: VIRTUAL,
        places: &[("lv", "Las Vegas", "US"), ("lux", "Luxembourg", "LU")],
        ipv4: &[v4(198, 98, 48, 20), v4(209, 141, 32, 19)],
        ipv6: v6(0x2605, 0x6400, 32),
    },
    Offer {
        name: "HostHatch",
        country: "US",
        website: "https://hosthatch.com",
        rating: Some(4),
        currency: "USD",
        share: 12,
        code: "hh",
        image: "vps%",
        vendor: "QEMU",
        product: I440FX,
        asset_tag: "",
        cpu_model: EPYC,
        places: &[("hkg", "Hong Kong", "HK"), ("zrh", "Zurich", "CH")],
        ipv4: &[v4(45, 142, 64, 22), v4(185, 213, 24, 22)],
        ipv6: v6(0x2a04, 0xbdc0, 32),
    },
    Offer {
        name: "Linode",
        country: "US",
        website: "https://www.linode.com",
        rating: Some(4),
        currency: "USD",
        share: 12,
        code: "li",
        image: "localhost-%",
        vendor: "Linode",
        product: "Compute Instance",
        asset_tag: "",
        cpu_model: "AMD EPYC 7713 64-Core Processor",
        places: &[("sgp", "Singapore", "SG"), ("lon", "London", "GB")],
        ipv4: &[v4(139, 162, 0, 16), v4(172, 104, 0, 15)],
        ipv6: v6(0x2a01, 0x7e00, 32),
    },
    Offer {
        name: "netcup",
        country: "DE",
        website: "https://www.netcup.com",
        rating: Some(4),
        currency: "EUR",
        share: 10,
        code: "nc",
        image: "v2202%.megasrv.de",
        vendor: "netcup",
        product: "KVM Server",
        asset_tag: "",
        cpu_model: "AMD EPYC-Rome Processor",
        places: &[("nue", "Nuremberg", "DE"), ("vie", "Vienna", "AT")],
        ipv4: &[v4(46, 38, 224, 19), v4(185, 216, 176, 22)],
        ipv6: v6(0x2a03, 0x4000, 32),
    },
    Offer {
        name: "Oracle Cloud",
        country: "US",
        website: "https://www.oracle.com/cloud",
        rating: None,
        currency: "USD",
        share: 8,
        code: "oci",
        image: "instance-%",
        vendor: "QEMU",
        product: I440FX,
        asset_tag: "OracleCloud.com",
        cpu_model: "Neoverse-N1",
        places: &[("phx", "Phoenix", "US"), ("kix", "Osaka", "JP")],
        ipv4: &[v4(129, 146, 0, 16), v4(132, 145, 0, 16)],
        ipv6: None,
    },
    Offer {
        name: "AWS EC2",
        country: "US",
        website: "https://aws.amazon.com/ec2",
        rating: Some(3),
        currency: "USD",
        share: 6,
        code: "aws",
        image: "ip-172-31-%",
        vendor: "Amazon EC2",
        product: "t3.micro",
        asset_tag: "",
        cpu_model: "Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz",
        places: &[("fra", "Frankfurt", "DE"), ("dub", "Dublin", "IE")],
        ipv4: &[v4(3, 64, 0, 12), v4(18, 192, 0, 15)],
        ipv6: v6(0x2a05, 0xd014, 36),
    },
];
