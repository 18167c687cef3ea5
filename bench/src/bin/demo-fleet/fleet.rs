//! The machines: ordinary ones, and those that a hub must be able to live with.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};

use serde_json::{Value, json};
use sigma_protocol::{Address, LABEL_INTERNAL, SystemInfo};
use time::{Duration, OffsetDateTime};

use crate::chance::Chance;
use crate::machine::{Life, Machine};
use crate::offers::{OFFERS, Offer};

/// Cores, memory in MiB, disk in GiB, and what a month costs.
const PLANS: &[(u32, u64, u64, &str)] = &[
    (1, 256, 5, "1.00"),
    (1, 512, 10, "1.25"),
    (1, 1024, 20, "3.79"),
    (1, 2048, 25, "5.00"),
    (2, 2048, 40, "5.83"),
    (2, 4096, 60, "7.49"),
    (4, 8192, 160, "15.90"),
    (8, 16_384, 240, "32.00"),
];
const ROLES: &[&str] = &["relay", "edge", "web", "db", "vpn", "game", "mon", "proxy"];
const SYSTEMS: &[(&str, &str)] = &[
    ("Debian GNU/Linux 12 (bookworm)", "6.1.0-28-amd64"),
    ("Debian GNU/Linux 11 (bullseye)", "5.10.0-33-amd64"),
    ("Ubuntu 24.04.1 LTS", "6.8.0-51-generic"),
    ("Ubuntu 22.04.5 LTS", "5.15.0-130-generic"),
    ("AlmaLinux 9.5 (Teal Serval)", "5.14.0-503.19.1.el9_5.x86_64"),
    ("Alpine Linux v3.21", "6.12.8-0-virt"),
];
/// What a person may write, and a page, a table or a terminal must show as it is.
const ODD_NOTES: &[&str] = &[
    "<script>alert('notes')</script> & \"quotes\"",
    "=HYPERLINK(\"http://203.0.113.7/\",\"click\")",
    "{{ 7 * 7 }} ${HOME} $(id) `id` %n",
    "续费前先问小王;机房在香港。東京も同じ。",
    "لا تُوقف هذا الخادم",
    "🔥 renew before Friday 🔥",
    "'; DROP TABLE vps; --",
    "a,b;c\td \\ \"quoted, twice\"",
];

/// Makes the fleet of a seed.
pub(crate) struct Maker {
    seed: u64,
    interval_seconds: u32,
    used: HashSet<String>,
    addresses: HashSet<IpAddr>,
}

impl Maker {
    pub(crate) fn new(seed: u64, interval_seconds: u32) -> Self {
        Self { seed, interval_seconds, used: HashSet::new(), addresses: HashSet::new() }
    }

    /// So many machines. The second list comes after the first: those that share a name or a machine id with one of it.
    pub(crate) fn make(mut self, count: usize) -> (Vec<Machine>, Vec<Machine>) {
        // One in fifty is a twin of another.
        let twins = (count / 50).max(2).min(count / 2);
        let mut machines: Vec<Machine> =
            (0..count - twins).filter_map(|number| self.machine(number)).collect();
        make_special(&mut machines);
        let twins = (0..twins).filter_map(|number| self.twin(number, &mut machines)).collect();
        (machines, twins)
    }

    fn machine(&mut self, number: usize) -> Option<Machine> {
        let mut chance = Chance::new(self.seed, u64::try_from(number).unwrap_or_default() + 1);
        let (index, offer) = offer_of(number)?;
        let places = u32::try_from(offer.places.len()).unwrap_or(1);
        let place = usize::try_from(chance.below(places)).unwrap_or_default();
        let (_, city, country) = offer.places.get(place).copied().unwrap_or_default();
        let hostname = self.hostname(offer, place, &mut chance);
        let mut machine = Machine::new(hostname, index, place, chance.clone());
        machine.interval_seconds = self.interval_seconds;
        machine.addresses = self.addresses(offer, place, &mut chance);
        machine.ssh_port = if chance.percent(15) { 2222 } else { 22 };
        let plan = chance.pick(PLANS);
        machine.facts = facts(offer, plan, &mut chance);
        machine.life = match chance.below(100) {
            0..70 => Life::Steady,
            70..79 => Life::Flaky,
            79..83 => Life::Dying,
            83..88 => Life::Moving,
            88..93 => Life::Rebooting,
            93..96 => Life::Reinstalled,
            96..98 => Life::Renamed,
            _ => Life::Upgraded,
        };
        machine.is_assigned = chance.percent(67);
        let (cores, ram_mb, disk_gb, cost) = plan;
        let edit = json!({
            "country": country,
            "city": city,
            "currency": offer.currency,
            "cost_monthly": cost,
            "cpu_cores": cores,
            "ram_mb": ram_mb,
            "disk_gb": disk_gb,
            "expire_date": expiry(&mut chance),
            "purpose": chance.pick(&["relay", "edge", "game", "monitoring", ""]),
            "tags": tags(&mut chance),
        });
        machine.edit = edit.as_object().cloned().unwrap_or_default();
        Some(machine)
    }

    /// Two in five hostnames begin with the provider, two say what the machine is for, one is the image's.
    fn hostname(&mut self, offer: &Offer, place: usize, chance: &mut Chance) -> String {
        let (place, _, _) = offer.places.get(place).copied().unwrap_or_default();
        let role = chance.pick(ROLES);
        let kind = chance.below(5);
        for number in 1..1000 {
            let name = match kind {
                0 | 1 => format!("{}-{place}-{role}-{number:02}", offer.code),
                2 | 3 => format!("{role}-{place}-{number:02}"),
                _ => offer.image.replace('%', &chance.hex(6)),
            };
            if self.used.insert(name.clone()) {
                return name;
            }
        }
        chance.uuid()
    }

    fn addresses(&mut self, offer: &Offer, place: usize, chance: &mut Chance) -> Vec<Address> {
        let mut ips = Vec::new();
        let mut public =
            || (0..100).find_map(|_| offer.ipv4(place, chance).filter(|ip| self.addresses.insert(*ip)));
        ips.extend(public());
        if chance.percent(50) {
            ips.extend(offer.ipv6(place, chance).filter(|ip| self.addresses.insert(*ip)));
        }
        let mut addresses: Vec<Address> =
            ips.into_iter().map(|ip| Address { ip, label: String::new() }).collect();
        if chance.percent(30) {
            addresses.push(internal(chance));
        }
        addresses
    }

    /// By turns: another machine of the same name, or one that was copied with its machine id.
    fn twin(&mut self, number: usize, machines: &mut [Machine]) -> Option<Machine> {
        let seed = u64::try_from(number).unwrap_or_default() + 1_000_000;
        let mut chance = Chance::new(self.seed, seed);
        let first = machines.iter_mut().filter(|machine| machine.life == Life::Steady).nth(number)?;
        let offer = OFFERS.get(first.offer)?;
        let mut twin = first.clone();
        twin.chance = chance.clone();
        twin.boot_id = chance.uuid();
        twin.is_assigned = false;
        twin.addresses = self.addresses(offer, first.place, &mut chance);
        if number.is_multiple_of(2) {
            let name = *["debian", "localhost", "ubuntu", "server"].get(number / 2 % 4)?;
            first.hostname = if number < 8 { name.to_owned() } else { format!("{name}-{number}") };
            twin.hostname = first.hostname.clone();
            twin.machine_id = chance.hex(64);
        } else {
            twin.hostname = format!("{}-copy", first.hostname.split('.').next().unwrap_or_default());
        }
        Some(twin)
    }
}

/// Each provider has its share, and machines of all come by turns.
fn offer_of(number: usize) -> Option<(usize, &'static Offer)> {
    let by_share =
        || OFFERS.iter().enumerate().flat_map(|(index, offer)| (0..offer.share).map(move |_| (index, offer)));
    // A step without common divisor walks over all places of the list before it repeats one.
    by_share().nth(number.wrapping_mul(7919) % by_share().count().max(1))
}

fn facts(offer: &Offer, plan: (u32, u64, u64, &str), chance: &mut Chance) -> SystemInfo {
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let (cores, ram_mb, disk_gb, _) = plan;
    let (os, kernel) = chance.pick(SYSTEMS);
    let is_arm = offer.cpu_model.starts_with("Neoverse");
    SystemInfo {
        cpu_cores: Some(cores),
        // The kernel keeps some for itself, and file systems are a little smaller than disks.
        ram_mb: Some(ram_mb - ram_mb / 32),
        disk_gb: Some((disk_gb - disk_gb / 40).max(1)),
        swap_mb: chance.percent(40).then_some(512),
        kernel: text(&if is_arm { kernel.replace("amd64", "arm64") } else { kernel.to_owned() }),
        os: text(os),
        arch: text(if is_arm { "aarch64" } else { "x86_64" }),
        virtualization: text("kvm"),
        cpu_model: text(offer.cpu_model),
        vendor: text(offer.vendor),
        product: text(offer.product),
        asset_tag: text(offer.asset_tag),
        ..SystemInfo::default()
    }
}

fn internal(chance: &mut Chance) -> Address {
    let bits = (10 << 24) | chance.between(2, 1 << 20);
    Address { ip: IpAddr::V4(bits.into()), label: LABEL_INTERNAL.to_owned() }
}

/// Some are over, some soon will be, most have a while.
fn expiry(chance: &mut Chance) -> Value {
    let days = match chance.below(100) {
        0..4 => -i64::from(chance.between(1, 20)),
        4..12 => i64::from(chance.between(0, 7)),
        12..25 => i64::from(chance.between(8, 30)),
        25..85 => i64::from(chance.between(31, 700)),
        _ => return Value::Null,
    };
    json!((OffsetDateTime::now_utc().date() + Duration::days(days)).to_string())
}

fn tags(chance: &mut Chance) -> Vec<&'static str> {
    let mut tags = vec![chance.pick(&["prod", "prod", "test", "lab"])];
    if chance.percent(40) {
        tags.push(chance.pick(&["edge", "asia", "backup", "keep", "cheap"]));
    }
    tags
}

/// What is rare in a fleet, and there all the same. In an order of its own, so that each has machines to be done to.
fn make_special(machines: &mut [Machine]) {
    for (number, machine) in machines.iter_mut().filter(|m| m.life == Life::Steady).enumerate().skip(8) {
        let chance = &mut machine.chance;
        match number % 40 {
            // Behind NAT: nothing but an inner address.
            1 | 21 => machine.addresses = vec![internal(chance)],
            // IPv6 only.
            2 | 22 if machine.addresses.iter().any(|address| address.ip.is_ipv6()) => {
                machine.addresses.retain(|address| address.ip.is_ipv6());
            }
            // Less than was bought.
            3 | 23 => {
                machine.facts.ram_mb = machine.facts.ram_mb.map(|ram| ram / 2);
                machine.facts.cpu_cores = Some(1);
            }
            // In a container: the strings are those of its host.
            4 | 24 => {
                machine.facts.virtualization =
                    Some(if number.is_multiple_of(2) { "lxc" } else { "openvz" }.to_owned());
                machine.facts.vendor = Some("Supermicro".to_owned());
                machine.facts.product = Some("X11SSH-F".to_owned());
            }
            5 | 25 => {
                machine.is_old = true;
                let SystemInfo { cpu_cores, ram_mb, disk_gb, .. } = machine.facts;
                machine.facts = SystemInfo { cpu_cores, ram_mb, disk_gb, ..SystemInfo::default() };
            }
            6 | 16 | 26 | 36 => {
                let note = ODD_NOTES.get(number / 10 % ODD_NOTES.len()).copied().unwrap_or_default();
                machine.edit.insert("notes".to_owned(), json!(note));
                machine.is_assigned = true;
            }
            7 | 27 => {
                machine.fate = Some("retire");
                machine.is_assigned = true;
            }
            8 => {
                machine.edit.insert("status".to_owned(), json!("suspended"));
                machine.is_assigned = true;
            }
            // Forty addresses side by side.
            9 if number < 60 => {
                let first = machine.addresses.iter().find(|address| address.ip.is_ipv4()).map(|a| a.ip);
                if let Some(IpAddr::V4(first)) = first {
                    let block = first.to_bits() & 0xffff_ff00;
                    let next = (2..42).map(|n| IpAddr::V4((block | n).into()));
                    machine.addresses = next.map(|ip| Address { ip, label: String::new() }).collect();
                }
            }
            10 => {
                machine.fate = Some("delete");
                machine.is_assigned = true;
            }
            // Nothing tells where these are.
            12 | 13 => {
                let ip = IpAddr::V4(Ipv4Addr::new(192, 0, 2, u8::try_from(number % 250).unwrap_or(1)));
                machine.addresses = vec![Address { ip, label: String::new() }];
                machine.hostname = format!("server{number}");
                machine.facts.vendor = Some("QEMU".to_owned());
                machine.facts.product = Some("Standard PC (i440FX + PIIX, 1996)".to_owned());
                machine.is_assigned = false;
            }
            11 => machine.interval_seconds = machine.interval_seconds.saturating_mul(3),
            _ => {}
        }
    }
}
