//! What DMI strings say: the few that name a provider, the many that name nobody, and how assigned machines look.

use std::collections::HashMap;
use std::fmt;

use uuid::Uuid;

use super::reason::Reason;
use super::{Evidence, Traits, Who};

/// A provider that writes its name into its machines is seldom wrong about it.
const TRUST: f64 = 0.97;
/// In a container the strings are the host's, whose owner may sell to somebody who sells on.
pub(super) const TRUST_IN_CONTAINER: f64 = 0.6;
/// A record called as the provider is worth so many machines that were assigned to it; a name without record, less.
const RECORD_COUNTS_FOR: f64 = 2.0;
const NAME_COUNTS_FOR: f64 = 0.5;
/// How the machines of a provider look is known after so many.
const ENOUGH_TO_KNOW: u32 = 5;

/// A DMI string that an agent reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Field {
    Vendor,
    Product,
    AssetTag,
}

impl Field {
    const ALL: [Self; 3] = [Self::AssetTag, Self::Vendor, Self::Product];

    /// What the machine says there.
    pub(super) fn of(self, traits: &Traits) -> Option<&str> {
        match self {
            Self::Vendor => traits.vendor.as_deref(),
            Self::Product => traits.product.as_deref(),
            Self::AssetTag => traits.asset_tag.as_deref(),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vendor => "vendor",
            Self::Product => "product",
            Self::AssetTag => "asset tag",
        })
    }
}

/// Strings by which a provider's machines are known: all that are given must be there.
struct Signature {
    /// What people call the provider; a new record gets the first name.
    names: &'static [&'static str],
    /// The string that says it.
    field: Field,
    text: &'static str,
    /// One that must be there as well.
    and: Option<(Field, &'static str)>,
}

const fn by(field: Field, text: &'static str, names: &'static [&'static str]) -> Signature {
    Signature { names, field, text, and: None }
}

/// Who is named. OVHcloud is not: it says OpenStack, as many others do. Oracle says QEMU, and is known by its asset tag.
const SIGNATURES: &[Signature] = &[
    by(Field::Vendor, "Hetzner", &["Hetzner Cloud", "Hetzner"]),
    by(Field::Vendor, "DigitalOcean", &["DigitalOcean", "Digital Ocean"]),
    by(Field::Vendor, "Vultr", &["Vultr"]),
    by(Field::Vendor, "Linode", &["Linode", "Akamai"]),
    by(Field::Vendor, "Scaleway", &["Scaleway"]),
    by(Field::Vendor, "Amazon EC2", &["AWS EC2", "AWS", "Amazon EC2", "Amazon Web Services", "Amazon"]),
    Signature {
        names: &["Google Compute Engine", "Google Cloud", "GCP", "GCE", "Google"],
        field: Field::Product,
        text: "Google Compute Engine",
        and: Some((Field::Vendor, "Google")),
    },
    // The digits are ASCII codes and say "MSFT AZURE VM"; other machines on Hyper-V have another tag.
    Signature {
        names: &["Microsoft Azure", "Azure", "Microsoft"],
        field: Field::AssetTag,
        text: "7783-7084-3265-9085-8269-3286-77",
        and: Some((Field::Vendor, "Microsoft Corporation")),
    },
    by(Field::AssetTag, "OracleCloud.com", &["Oracle Cloud", "OCI", "Oracle"]),
    by(Field::Vendor, "Alibaba Cloud", &["Alibaba Cloud", "Aliyun", "Alibaba"]),
    by(Field::Vendor, "Tencent Cloud", &["Tencent Cloud", "Tencent"]),
    by(Field::Vendor, "UpCloud", &["UpCloud"]),
    by(Field::Vendor, "netcup", &["netcup"]),
];

/// Strings that name nobody, in lower case: placeholders, hypervisors, and makers of hardware that anybody buys.
const NOBODY: &[&str] = &[
    "to be filled by o.e.m.",
    "not specified",
    "not applicable",
    "none",
    "unknown",
    "n/a",
    "default string",
    "system manufacturer",
    "system product name",
    "no asset tag",
    "no asset information",
    "asset tag",
    "chassis asset tag",
    "microsoft corporation",
    "virtual machine",
    "google",
    "xen",
    "hvm domu",
    "kvm",
    "red hat",
    "nutanix",
    "parallels",
    "innotek gmbh",
    "virtualbox",
];

/// The same, for what begins so.
const NOBODY_BEGINS: &[&str] = &[
    "qemu",
    "standard pc",
    "openstack",
    "rhel",
    "vmware",
    "bochs",
    "ovirt",
    "proxmox",
    "dell",
    "hp",
    "hewlett",
    "supermicro",
    "super micro",
    "asus",
    "asrock",
    "gigabyte",
    "giga-byte",
    "lenovo",
    "intel",
    "fujitsu",
    "micro-star",
    "quanta",
    "inspur",
    "poweredge",
    "proliant",
];

fn same(said: Option<&str>, text: &str) -> bool {
    said.is_some_and(|said| said.trim().eq_ignore_ascii_case(text))
}

fn signature(traits: &Traits) -> Option<(usize, &'static Signature)> {
    let fits = |signature: &Signature| {
        same(signature.field.of(traits), signature.text)
            && signature.and.is_none_or(|(field, text)| same(field.of(traits), text))
    };
    SIGNATURES.iter().enumerate().find(|(_, signature)| fits(signature))
}

/// A string in lower case, unless it names nobody: then it says nothing that could be learnt either.
fn telling(said: Option<&str>) -> Option<String> {
    let said = said?.trim().to_ascii_lowercase();
    let names_nobody = NOBODY.contains(&said.as_str())
        || NOBODY_BEGINS.iter().any(|begin| said.starts_with(begin))
        || said.chars().all(|c| !c.is_alphanumeric() || c == '0');
    (!names_nobody).then_some(said)
}

/// Strings of a machine by which others may be like it. What a signature knows is judged by that.
pub(super) fn strings(traits: &Traits) -> Vec<(Field, String)> {
    if signature(traits).is_some() {
        return Vec::new();
    }
    Field::ALL.into_iter().filter_map(|field| Some((field, telling(field.of(traits))?))).collect()
}

/// What the signatures know about the providers that have records.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// By signature: the records that are called so.
    called: Vec<Vec<usize>>,
    /// By signature: where the machines are that bear it.
    assigned: Vec<HashMap<usize, u32>>,
}

impl Known {
    /// Looks for the names of the signatures among the providers.
    pub(super) fn new(providers: &[(Uuid, String)]) -> Self {
        let called = SIGNATURES.iter().map(|signature| called(signature.names, providers)).collect();
        Self { called, assigned: SIGNATURES.iter().map(|_| HashMap::new()).collect() }
    }

    /// Counts an assigned machine.
    pub(super) fn learn(&mut self, provider: usize, traits: &Traits) {
        if let Some(counts) = signature(traits).and_then(|(number, _)| self.assigned.get_mut(number)) {
            *counts.entry(provider).or_default() += 1;
        }
    }

    /// Whom the strings name. A person may have put such machines elsewhere: those who resell them, or a record that is
    /// called otherwise.
    pub(super) fn evidence(&self, traits: &Traits) -> Vec<Evidence> {
        let Some((number, signature)) = signature(traits) else { return Vec::new() };
        let (Some(called), Some(assigned)) = (self.called.get(number), self.assigned.get(number)) else {
            return Vec::new();
        };
        let of: u32 = assigned.values().sum();
        let name_counts_for = if called.is_empty() { NAME_COUNTS_FOR } else { RECORD_COUNTS_FOR };
        let all = f64::from(of) + name_counts_for;
        let trust = if traits.is_container() { TRUST_IN_CONTAINER } else { TRUST };
        let text = signature.field.of(traits).unwrap_or_default().trim().to_owned();
        let named =
            Reason::Dmi { field: signature.field, text: text.clone(), is_of_host: traits.is_container() };
        let mut evidence = Vec::new();
        if called.is_empty()
            && let Some(name) = signature.names.first()
        {
            let weight = trust * name_counts_for / all;
            evidence.push(Evidence { who: Who::Named(name), weight, reason: named.clone() });
        }
        let mut records: Vec<usize> = assigned.keys().chain(called).copied().collect();
        records.sort_unstable();
        records.dedup();
        for record in records {
            let there = assigned.get(&record).copied().unwrap_or_default();
            let is_called_so = called.contains(&record);
            let share = f64::from(u32::try_from(called.len()).unwrap_or(u32::MAX));
            let counts_for = f64::from(there) + if is_called_so { name_counts_for / share } else { 0.0 };
            let reason = if is_called_so {
                named.clone()
            } else {
                Reason::SameDmi { field: signature.field, text: text.clone(), there, of }
            };
            evidence.push(Evidence { who: Who::Record(record), weight: trust * counts_for / all, reason });
        }
        evidence
    }
}

/// The providers that bear one of the names: exactly, or else with more words around it, as "Hetzner Online GmbH".
fn called(names: &[&str], providers: &[(Uuid, String)]) -> Vec<usize> {
    let words = |name: &str| -> Vec<String> {
        let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_ascii_lowercase).collect()
    };
    let providers: Vec<Vec<String>> = providers.iter().map(|(_, name)| words(name)).collect();
    let those = |fits: &dyn Fn(&[String]) -> bool| -> Vec<usize> {
        providers.iter().enumerate().filter(|(_, name)| fits(name)).map(|(number, _)| number).collect()
    };
    for name in names {
        let exact = those(&|provider| *provider == *words(name));
        if !exact.is_empty() {
            return exact;
        }
    }
    those(&|provider| names.iter().any(|name| words(name).iter().all(|word| provider.contains(word))))
}

/// How the machines of each provider look.
#[derive(Debug, Default)]
pub(super) struct Looks {
    machines: HashMap<usize, u32>,
    seen: HashMap<(usize, String), u32>,
}

impl Looks {
    /// Counts an assigned machine, if it can be seen what it runs on.
    pub(super) fn learn(&mut self, provider: usize, traits: &Traits) {
        if let Some(look) = look(traits) {
            *self.machines.entry(provider).or_default() += 1;
            *self.seen.entry((provider, look)).or_default() += 1;
        }
    }

    /// Whether enough machines of the provider are known, and none of them looks like this one.
    pub(super) fn never(&self, provider: usize, traits: &Traits) -> bool {
        let known = self.machines.get(&provider).is_some_and(|machines| *machines >= ENOUGH_TO_KNOW);
        known && look(traits).is_some_and(|look| !self.seen.contains_key(&(provider, look)))
    }
}

/// Vendor, and where that is a hypervisor, its product as well: which machine it plays is the provider's choice.
fn look(traits: &Traits) -> Option<String> {
    let vendor = traits.vendor.as_deref().filter(|_| !traits.is_container())?.trim().to_ascii_lowercase();
    let product = traits.product.as_deref().unwrap_or_default().trim().to_ascii_lowercase();
    Some(if vendor == "qemu" { format!("{vendor} {product}") } else { vendor })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(vendor: &str, product: &str, asset_tag: &str) -> Traits {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let (vendor, product, asset_tag) = (text(vendor), text(product), text(asset_tag));
        Traits { vendor, product, asset_tag, ..Traits::default() }
    }

    fn named(vendor: &str, product: &str, asset_tag: &str) -> Option<&'static str> {
        signature(&machine(vendor, product, asset_tag)).map(|(_, signature)| signature.names[0])
    }

    #[test]
    fn each_provider_is_known_by_what_its_machines_say() {
        let azure = "7783-7084-3265-9085-8269-3286-77";
        let i440fx = "Standard PC (i440FX + PIIX, 1996)";
        for (vendor, product, asset_tag, expected) in [
            ("Hetzner", "vServer", "", Some("Hetzner Cloud")),
            ("DigitalOcean", "Droplet", "", Some("DigitalOcean")),
            ("Vultr", "VC2", "", Some("Vultr")),
            ("Vultr", "VHP", "", Some("Vultr")),
            ("Linode", "Compute Instance", "", Some("Linode")),
            ("OpenStack Foundation", "OpenStack Nova", "", None),
            ("Scaleway", "SCW-DEV1-S", "", Some("Scaleway")),
            ("Amazon EC2", "t3.micro", "", Some("AWS EC2")),
            ("Google", "Google Compute Engine", "", Some("Google Compute Engine")),
            ("Google", "Chromebook", "", None),
            ("Microsoft Corporation", "Virtual Machine", azure, Some("Microsoft Azure")),
            ("Microsoft Corporation", "Virtual Machine", "None", None),
            ("QEMU", i440fx, "OracleCloud.com", Some("Oracle Cloud")),
            ("QEMU", i440fx, "", None),
            ("QEMU", "Standard PC (Q35 + ICH9, 2009)", "", None),
            ("Alibaba Cloud", "Alibaba Cloud ECS", "", Some("Alibaba Cloud")),
            ("Tencent Cloud", "CVM", "", Some("Tencent Cloud")),
            ("UpCloud", "Server", "", Some("UpCloud")),
            ("netcup", "KVM Server", "", Some("netcup")),
            ("HETZNER ", "vServer", "", Some("Hetzner Cloud")),
            ("To Be Filled By O.E.M.", "To Be Filled By O.E.M.", "To Be Filled By O.E.M.", None),
            ("", "", "", None),
        ] {
            assert_eq!(named(vendor, product, asset_tag), expected, "{vendor} / {product} / {asset_tag}");
        }
    }

    #[test]
    fn placeholders_hypervisors_and_makers_name_nobody() {
        for text in [
            "To Be Filled By O.E.M.",
            "Not Specified",
            "System manufacturer",
            "Default string",
            "QEMU",
            "Standard PC (Q35 + ICH9, 2009)",
            "OpenStack Nova",
            "OpenStack Foundation",
            "Red Hat",
            "Dell Inc.",
            "Supermicro",
            "  ",
            "0000-00",
        ] {
            assert_eq!(telling(Some(text)), None, "{text}");
        }
        assert_eq!(telling(Some("Kamatera ")), Some("kamatera".to_owned()));
    }

    #[test]
    fn a_record_is_found_by_its_name_or_an_alias_in_any_case() {
        let hetzner: &[&str] = &["Hetzner Cloud", "Hetzner"];
        for (providers, expected) in [
            (&["Vultr", "hetzner cloud"][..], &[1][..]),
            (&["HETZNER"], &[0]),
            (&["Hetzner Robot", "Hetzner Cloud"], &[1]),
            (&["Hetzner Online GmbH"], &[0]),
            (&["Hetzner (work)", "Hetzner (home)", "OVH"], &[0, 1]),
            (&["Hetznerlike", "Cloud"], &[]),
        ] {
            let providers: Vec<_> = providers.iter().map(|name| (Uuid::nil(), (*name).to_owned())).collect();
            assert_eq!(called(hetzner, &providers), expected, "{providers:?}");
        }
    }

    #[test]
    fn how_machines_look_is_known_after_five_and_never_in_containers() {
        let mut looks = Looks::default();
        for known in 0..6 {
            assert_eq!(looks.never(0, &machine("QEMU", "x", "")), known >= 5);
            looks.learn(0, &machine("Vultr", "VC2", ""));
        }
        assert!(!looks.never(0, &machine("Vultr", "VHP", "")));
        assert!(!looks.never(0, &machine("", "", "")));
        let container = Traits { virtualization: Some("lxc".to_owned()), ..machine("Dell", "", "") };
        assert!(!looks.never(0, &container));
    }
}
