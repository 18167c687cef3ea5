//! What the machine runs in, by what files say; no instruction is executed for it and no program asked.

use std::path::Path;

use super::cpu::Cpu;
use super::dmi::Dmi;
use super::read::{self, Buffer};

/// kvm, lxc, openvz, xen, vmware, hyper-v, container or none; absent when nothing tells. The innermost layer counts: a
/// container in a KVM guest is a container.
pub(super) fn read(root: &Path, cpu: &Cpu, dmi: &Dmi, buffer: &mut Buffer) -> Option<&'static str> {
    read_container(root, buffer)
        .or_else(|| read_kernel_side(root, buffer))
        .or_else(|| of_dmi(dmi))
        // A processor without the bit has nothing below it; the bit alone does not say what.
        .or_else(|| (cpu.hypervisor == Some(false)).then_some("none"))
}

fn read_container(root: &Path, buffer: &mut Buffer) -> Option<&'static str> {
    // OpenVZ shows /proc/vz inside and outside, /proc/bc only outside.
    if root.join("proc/vz").exists() && !root.join("proc/bc").exists() {
        return Some("openvz");
    }
    // systemd writes down what its own start found; the first process knows it from its environment.
    let stated = read::first_line(root, "run/systemd/container", buffer);
    if let Some(name) = stated.or_else(|| read_init_environment(root, buffer)) {
        return Some(of_container_name(&name));
    }
    if root.join(".dockerenv").exists() || root.join("run/.containerenv").exists() {
        return Some("container");
    }
    let mut found = None;
    let mut look = |file: &str, tell: fn(&str) -> Option<&'static str>| {
        // A file that cannot be read says nothing; another of them may.
        read::lines(root, file, buffer, |line| found = found.take().or_else(|| tell(line)))
            .unwrap_or_default();
    };
    look("proc/1/cgroup", of_cgroup);
    look("proc/1/mounts", of_mount);
    look("proc/mounts", of_mount);
    found
}

/// `container=lxc` among the NUL-separated strings of the first process's environment, if it may be read.
fn read_init_environment(root: &Path, buffer: &mut Buffer) -> Option<String> {
    let mut name = None;
    read::lines(root, "proc/1/environ", buffer, |line| {
        let value = line.split('\0').find_map(|pair| pair.strip_prefix("container="));
        name = name.take().or_else(|| value.map(str::to_owned));
    })
    .ok()?;
    name
}

fn of_container_name(name: &str) -> &'static str {
    match name {
        "lxc" | "lxc-libvirt" => "lxc",
        "openvz" => "openvz",
        _ => "container",
    }
}

/// A line of `/proc/1/cgroup`, `4:memory:/docker/0123…`.
pub(super) fn of_cgroup(line: &str) -> Option<&'static str> {
    let path = line.splitn(3, ':').nth(2)?;
    let has = |part: &str| path.contains(part);
    if has("/docker") || has("/kubepods") || has("/libpod") || has("/containerd") || has("/crio") {
        Some("container")
    } else {
        (has("/lxc/") || has("/lxc.payload")).then_some("lxc")
    }
}

/// A line of `/proc/mounts`. LXC lays files of lxcfs over those of procfs; its host only mounts lxcfs elsewhere.
pub(super) fn of_mount(line: &str) -> Option<&'static str> {
    let mut words = line.split(' ').skip(1);
    let (target, kind) = (words.next()?, words.next()?);
    (kind == "fuse.lxcfs" && target.starts_with("/proc/")).then_some("lxc")
}

fn read_kernel_side(root: &Path, buffer: &mut Buffer) -> Option<&'static str> {
    let mut one = |file: &str| read::first_line(root, file, buffer).unwrap_or_default();
    if one("sys/hypervisor/type") == "xen" {
        let is_host = one("proc/xen/capabilities").contains("control_d");
        return Some(if is_host { "none" } else { "xen" });
    }
    let clocks = one("sys/devices/system/clocksource/clocksource0/available_clocksource");
    // Device trees hold NUL-terminated strings.
    let compatible = one("proc/device-tree/hypervisor/compatible");
    if clocks.contains("kvm-clock") || compatible.starts_with("linux,kvm") {
        Some("kvm")
    } else if clocks.contains("hyperv") {
        Some("hyper-v")
    } else {
        (clocks.split(' ').any(|c| c == "xen") || compatible.starts_with("xen")).then_some("xen")
    }
}

/// By the maker's strings; only those that name the hypervisor or whose machines have but one.
pub(super) fn of_dmi(dmi: &Dmi) -> Option<&'static str> {
    let vendor = dmi.vendor.as_deref().unwrap_or_default();
    let product = dmi.product.as_deref().unwrap_or_default();
    let says = |name: &str| vendor.contains(name) || product.contains(name);
    if says("VMware") {
        Some("vmware")
    } else if vendor == "Microsoft Corporation" && product == "Virtual Machine" {
        Some("hyper-v")
    } else if vendor == "Xen" || says("HVM domU") {
        Some("xen")
    } else if product.ends_with(".metal") {
        Some("none")
    } else {
        let kvm =
            ["QEMU", "KVM", "KubeVirt", "Amazon EC2", "Google Compute Engine", "DigitalOcean", "OpenStack"];
        kvm.into_iter().any(says).then_some("kvm")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cgroups_and_mounts_tell_containers() {
        assert_eq!(of_cgroup("4:memory:/docker/0123456789ab"), Some("container"));
        assert_eq!(of_cgroup("0::/kubepods.slice/x"), Some("container"));
        assert_eq!(of_cgroup("1:name=systemd:/lxc/web1/init.scope"), Some("lxc"));
        assert_eq!(of_cgroup("0::/init.scope"), None);
        assert_eq!(of_mount("lxcfs /proc/meminfo fuse.lxcfs rw 0 0"), Some("lxc"));
        assert_eq!(of_mount("lxcfs /var/lib/lxcfs fuse.lxcfs rw 0 0"), None);
        assert_eq!(of_mount("proc /proc proc rw 0 0"), None);
    }

    #[test]
    fn makers_tell_hypervisors() {
        let of = |vendor: &str, product: &str| {
            of_dmi(&Dmi { vendor: Some(vendor.into()), product: Some(product.into()), asset_tag: None })
        };
        assert_eq!(of("VMware, Inc.", "VMware20,1"), Some("vmware"));
        assert_eq!(of("Microsoft Corporation", "Virtual Machine"), Some("hyper-v"));
        assert_eq!(of("Microsoft Corporation", "Surface"), None);
        assert_eq!(of("Amazon EC2", "c7g.metal"), Some("none"));
        assert_eq!(of("Amazon EC2", "c7g.large"), Some("kvm"));
        assert_eq!(of("Dell Inc.", "PowerEdge R640"), None);
    }
}
