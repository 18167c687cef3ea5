#!/bin/bash
# Captures the network files of the fixture machines from the kernel of this computer.
#
#   sudo tests/capture.sh             every machine
#   sudo tests/capture.sh NAME…       only these
#
# Each machine is a network namespace with exactly the interfaces and addresses that it is meant to have. Nothing in
# it is connected to the outside and nothing is sent there: the far ends of its cables lie in a second namespace in
# which nothing listens. Both are deleted again. Needs root, iproute2, and veth, bridge and (policy) routing in the kernel.
# What differs from run to run: the order of the lines of if_inet6 (the kernel hashes with a seed), and the temporary
# address of `ipv6-only`, by its nature.
set -euo pipefail

fixtures=$(cd "$(dirname "$0")/fixtures" && pwd)
ns=sigma-fixture-$$
far=sigma-far-$$
cables=0

here() { ip -n "$ns" "$@"; }
in_ns() { ip netns exec "$ns" "$@"; }
set_sysctl() { in_ns sh -c "echo '$2' > /proc/sys/net/$1"; }

begin() {
	ip netns add "$ns"
	ip netns add "$far"
	ip netns exec "$far" sh -c 'echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6'
	set_sysctl ipv6/conf/default/accept_dad 0
	set_sysctl ipv6/conf/default/accept_ra 0
	here link set lo up
}

end() {
	ip netns del "$ns" 2>/dev/null || true
	ip netns del "$far" 2>/dev/null || true
}
trap end EXIT

# cable NAME MAC [BRIDGE]: an interface with a carrier, optionally a port of a bridge
cable() {
	cables=$((cables + 1))
	here link add "$1" address "$2" type veth peer name "far$cables" netns "$far"
	ip -n "$far" link set "far$cables" up
	if [ -n "${3:-}" ]; then here link set "$1" master "$3"; fi
	here link set "$1" up
}

# bridge NAME MAC: without a port it has no carrier, as docker0 without a running container
bridge() {
	here link add "$1" address "$2" type bridge
	here link set "$1" up
}

address() { here addr add "$@"; }
route() { here route add "$@"; }
default6() { here -6 route add default via fe80::1 dev "$1"; }

# take MACHINE [FOLDER]: write the three files
take() {
	local to=$fixtures/$1/${2:-proc/net} file
	sleep 1.5 # link-local addresses and the state of bridge ports settle
	mkdir -p "$to"
	for file in fib_trie route if_inet6; do in_ns cat "/proc/net/$file" > "$to/$file"; done
}

# One IPv4 and one IPv6 address, the latter from router advertisements (neither permanent nor temporary).
debian12-kvm() {
	cable enp1s0 56:00:04:8a:1b:2c
	address 45.76.84.112/23 brd 45.76.85.255 dev enp1s0
	route default via 45.76.84.1 dev enp1s0 metric 100
	route 169.254.169.254 via 45.76.84.1 dev enp1s0 metric 100
	address 2001:19f0:5001:2c4f:5400:4ff:fe8a:1b2c/64 dev enp1s0 valid_lft 2592000 preferred_lft 604800
	default6 enp1s0
}

ubuntu2404-arm64-kvm() {
	cable eth0 9e:f1:4c:0d:72:3a
	address 46.38.225.60/22 brd 46.38.227.255 dev eth0
	route default via 46.38.224.1 dev eth0 proto static
	address 2a03:4000:6:b12d::1/64 dev eth0
	default6 eth0
}

# A public and a private port, and a proxy's tunnel with an address of the benchmarking range.
almalinux9-vmware() {
	cable ens192 00:50:56:9a:41:07
	cable ens224 00:50:56:9a:6e:f3
	cable Meta 02:00:00:00:00:01
	address 51.75.120.34/26 brd 51.75.120.63 dev ens192
	address 10.120.8.21/16 brd 10.120.255.255 dev ens224
	address 198.18.0.1/30 dev Meta
	route default via 51.75.120.1 dev ens192 metric 100
}

alpine-lxc() {
	cable eth0 bc:24:11:5e:90:c4
	address 45.142.65.77/24 brd 45.142.65.255 dev eth0
	route default via 45.142.65.1 dev eth0
	address 2a04:bdc0:1:4d::2/64 dev eth0
	default6 eth0
}

# A /32 whose gateway is reachable on the link only.
arch-hetzner() {
	cable eth0 96:00:03:2f:8d:51
	address 65.108.57.203/32 dev eth0
	route 172.31.1.1 dev eth0 scope link
	route default via 172.31.1.1 dev eth0
	address 2a01:4f9:c012:7b3e::1/64 dev eth0
	default6 eth0
}

# The container's point-to-point device carries 127.0.0.1 too; the default route names a device and no gateway.
# An added and removed rule separates the tables, as they were in kernels before 4.1.
openvz7() {
	cable venet0 02:00:00:00:00:02
	here rule add prio 5000 table 99 && here rule del prio 5000
	address 127.0.0.1/32 dev venet0 scope host
	address 192.3.140.21/32 brd 192.3.140.21 dev venet0 label venet0:0
	route default dev venet0 scope link
	here addr flush dev venet0 scope link
}

container_on_docker() {
	cable eth0 02:42:ac:11:00:02
	address 172.17.0.2/16 brd 172.17.255.255 dev eth0
	route default via 172.17.0.1 dev eth0
	here addr flush dev eth0 scope link
}
docker-inside() { container_on_docker; }

# docker0 has no running container; each other bridge has one.
docker_host() {
	cable eth0 06:7d:1f:c2:a9:15
	address 172.31.4.7/20 brd 172.31.15.255 dev eth0
	route default via 172.31.0.1 dev eth0 metric 512
	route 172.31.0.2 dev eth0 scope link metric 512
	bridge docker0 02:42:5b:9d:e0:11
	bridge docker_gwbridge 02:42:88:14:3c:d2
	bridge br-3f1c0a9d7e52 02:42:07:b1:66:4f
	bridge br-b80e64d1f27a 02:42:e3:50:9a:28
	cable veth6a1f0c2 aa:4c:17:09:d3:5e docker_gwbridge
	cable veth9be4d70 8e:30:f5:62:1b:a7 br-3f1c0a9d7e52
	cable veth27cc81d 32:d9:4e:83:70:16 br-b80e64d1f27a
	address 172.17.0.1/16 brd 172.17.255.255 dev docker0
	address 172.19.0.1/16 brd 172.19.255.255 dev docker_gwbridge
	address 172.18.0.1/16 brd 172.18.255.255 dev br-3f1c0a9d7e52
	address 10.0.12.1/24 brd 10.0.12.255 dev br-b80e64d1f27a
	address fd00:18::1/64 dev br-3f1c0a9d7e52
}
docker-host-ec2() { docker_host; }
# What follows the reader is the container's; process 1 is the host's.
docker-host-mounted() {
	docker_host
	take docker-host-mounted proc/1/net
	end
	begin
	container_on_docker
}

# The uplink is a port of vmbr0, which carries the public addresses; vmbr1 is for the guests.
proxmox-ve() {
	bridge vmbr0 a8:a1:59:3c:77:e0
	cable eno1 a8:a1:59:3c:77:e0 vmbr0
	bridge vmbr1 2e:61:b9:04:fd:83
	bridge fwbr102i0 fe:19:52:c6:8a:3d
	cable tap100i0 fe:71:0c:35:b2:94 vmbr0
	cable veth101i0 fe:5a:e8:27:46:d1 vmbr1
	cable fwln102i0 fe:19:52:c6:8a:3d fwbr102i0
	address 95.216.144.50/26 dev vmbr0
	address 10.10.10.1/24 dev vmbr1
	route default via 95.216.144.1 dev vmbr0 proto kernel onlink
	address 2a01:4f9:2b:1a3d::2/64 dev vmbr0
	for port in eno1 tap100i0 veth101i0 fwln102i0; do here addr flush dev "$port"; done
	default6 vmbr0
}

# No IPv4 but loopback's. Duplicate address detection is slow here so that one address is still tentative.
ipv6-only() {
	cable ens18 00:50:56:4b:2d:9e
	set_sysctl ipv6/conf/ens18/use_tempaddr 2
	address 2a02:c207:2035:8412::1/64 dev ens18
	address 2a02:c207:2035:8412:250:56ff:fe4b:2d9e/64 dev ens18 mngtmpaddr valid_lft 86400 preferred_lft 14400
	address 2a02:c207:2035:8412::dead/64 dev ens18 preferred_lft 0
	address fd12:3456:789a:1::5/64 dev ens18
	address 2001:db8:51::5/64 dev ens18
	sleep 2
	set_sysctl ipv6/conf/ens18/accept_dad 1
	set_sysctl ipv6/conf/ens18/dad_transmits 120
	address 2a02:c207:2035:8412::7e47/64 dev ens18
	default6 ens18
}

# 42 addresses of one network, fail-over addresses, anycast on lo, a /31 and a whole prefix that is local.
many-addresses() {
	local n
	cable eth0 00:16:3e:c7:1d:52
	cable eth1 00:16:3e:c7:1d:53
	for n in $(seq 2 43); do address "198.98.52.$n/26" brd 198.98.52.63 dev eth0; done
	address 209.141.35.77/32 dev eth0
	address 209.141.36.12/32 dev eth0
	address 107.172.200.9/32 dev eth0
	address 198.98.63.53/32 dev lo
	address 192.3.5.6/31 dev eth1
	route local 23.94.8.0/24 dev lo
	route default via 198.98.52.1 dev eth0
	address 2605:6400:20:5a1::1/48 dev eth0
	address 2605:6400:0:1:0:1:0:1/128 dev eth0
	address 2605:6400:fffe::53/128 dev lo
	address 2605:6400:fffe::54/128 dev lo
	default6 eth0
}

# Policy routing with a table of the overlay network's own; the tables are no longer shown as one.
oracle-tailscale() {
	cable ens3 02:00:17:04:8e:b6
	cable tailscale0 02:00:00:00:00:03
	address 10.0.0.47/24 brd 10.0.0.255 dev ens3
	route default via 10.0.0.1 dev ens3 metric 100
	route 169.254.0.0/16 dev ens3 scope link metric 100
	address 100.101.22.33/32 dev tailscale0
	address fd7a:115c:a1e0::b301:1621/128 dev tailscale0
	here rule add fwmark 0x80000/0xff0000 prio 5210 table main
	here rule add prio 5270 table 52
	route 100.100.100.100 dev tailscale0 table 52
	route 100.84.7.19 dev tailscale0 table 52
}

nat-cgnat-lxc() {
	cable eth0 00:16:3e:2b:84:f6
	address 100.64.37.12/24 brd 100.64.37.255 dev eth0
	route default via 100.64.37.1 dev eth0
}

# The network of a container bridge lies inside the network of the uplink: the longer prefix decides.
nat10-kvm() {
	cable eth0 52:54:00:6d:f0:38
	address 10.0.7.21/8 brd 10.255.255.255 dev eth0
	route default via 10.0.0.1 dev eth0
	bridge docker0 02:42:1c:e7:95:0a
	bridge br-5d0c7e9fa134 02:42:d4:28:6b:f1
	cable veth40d9e61 6a:83:0f:c5:e2:1d br-5d0c7e9fa134
	address 172.17.0.1/16 brd 172.17.255.255 dev docker0
	address 10.77.0.1/24 brd 10.77.0.255 dev br-5d0c7e9fa134
}

# A private alias beside the public address.
xen-pv() {
	cable eth0 f2:3c:91:5d:2a:10
	address 139.162.130.44/24 brd 139.162.130.255 dev eth0
	address 192.168.133.9/17 brd 192.168.255.255 dev eth0 label eth0:1
	route default via 139.162.130.1 dev eth0
	address 2a01:7e00::f03c:91ff:fe5d:2a10/64 dev eth0 valid_lft 2592000 preferred_lft 604800
	default6 eth0
}

azure-hyperv() {
	cable eth0 00:0d:3a:b4:1e:77
	address 10.0.0.4/24 brd 10.0.0.255 metric 100 dev eth0
	route default via 10.0.0.1 dev eth0 metric 100
	route 168.63.129.16 via 10.0.0.1 dev eth0 metric 100
	route 169.254.169.254 via 10.0.0.1 dev eth0 metric 100
	route 10.0.0.1 dev eth0 scope link metric 100
}

riscv64-board() {
	cable end0 6c:cf:39:00:5a:e4
	address 51.15.200.17/24 brd 51.15.200.255 dev end0
	route default via 51.15.200.1 dev end0
}

s390x() {
	cable encc000 02:00:06:00:a1:3b
	address 172.16.0.9/24 brd 172.16.0.255 dev encc000
	route default via 172.16.0.1 dev encc000
}

# A bridge that carries the uplink and whose name only begins like a container network's.
ppc64le-power9() {
	bridge br-ex fa:f6:c8:12:70:20
	cable env2 fa:f6:c8:12:70:20 br-ex
	here addr flush dev env2
	address 51.68.40.14/24 brd 51.68.40.255 dev br-ex
	route default via 51.68.40.1 dev br-ex
}

# A tunnel server: its own end of the point-to-point address has no connected route.
centos6-kvm() {
	cable eth0 52:54:00:a8:3f:19
	cable tun0 02:00:00:00:00:04
	here rule add prio 5000 table 99 && here rule del prio 5000
	address 107.172.30.5/28 brd 107.172.30.15 dev eth0
	address 10.8.0.1 peer 10.8.0.2/32 dev tun0
	route 10.8.0.0/24 via 10.8.0.2 dev tun0
	route 169.254.0.0/16 dev eth0 scope link metric 1002
	route default via 107.172.30.1 dev eth0
}

# Every common kind of bridge for guests, beside br0 that carries the uplink.
metal-bridges() {
	bridge br0 d0:50:99:e3:2c:6b
	cable enp4s0 d0:50:99:e3:2c:6b br0
	here addr flush dev enp4s0
	bridge virbr0 52:54:00:b7:0e:54
	bridge podman0 ba:10:6d:f3:58:e2
	bridge podman1 4e:c7:31:9a:0d:86
	bridge lxcbr0 00:16:3e:00:00:00
	bridge lxdbr0 00:16:3e:9f:d2:40
	cable veth3b7a5d9c 86:4a:f1:0e:73:b5 lxdbr0
	cable veth1 0a:be:92:57:dc:38 podman1
	cable vnet0 fe:54:00:61:a3:cf virbr0
	address 192.168.1.20/24 brd 192.168.1.255 dev br0
	route default via 192.168.1.1 dev br0 metric 425
	address 2a01:4f8:201:33a1::2/64 dev br0
	address 192.168.122.1/24 brd 192.168.122.255 dev virbr0
	address 10.88.0.1/16 brd 10.88.255.255 dev podman0
	address 10.89.0.1/24 brd 10.89.0.255 dev podman1
	address 10.0.3.1/24 brd 10.0.3.255 dev lxcbr0
	address 10.150.19.1/24 dev lxdbr0
	address fd42:8d1:9a5c:77e1::1/64 dev lxdbr0
	default6 br0
}

podman-inside() {
	cable eth0 96:d3:0a:7e:41:c8
	address 10.88.0.5/16 brd 10.88.255.255 dev eth0
	route default via 10.88.0.1 dev eth0 metric 100
}

# flannel.1 has a /32 that lies in cni0's network; cni0 has an IPv6 address that looks public; a name server's
# link-local address lies on a device of its own.
k3s-flannel() {
	cable eth0 f6:4b:2e:90:c3:1a
	cable eth1 36:d8:75:e1:0f:69
	address 159.89.102.40/20 brd 159.89.111.255 dev eth0
	address 10.19.0.7/16 brd 10.19.255.255 dev eth0
	address 10.114.0.3/20 brd 10.114.15.255 dev eth1
	route default via 159.89.96.1 dev eth0 proto static
	address 2604:a880:cad:d0::d4a:7001/64 dev eth0
	default6 eth0
	cable flannel.1 7e:05:c9:b3:48:d2
	address 10.42.0.0/32 dev flannel.1
	route 10.42.1.0/24 via 10.42.1.0 dev flannel.1 onlink
	bridge cni0 de:a1:67:3f:90:0b
	cable veth5c02e8f7 c2:1e:49:d0:76:35 cni0
	address 10.42.0.1/24 brd 10.42.0.255 dev cni0
	address 2001:cafe:42::1/64 dev cni0
	cable nodelocaldns 02:00:00:00:00:05
	address 169.254.20.10/32 dev nodelocaldns
}

# The address is the first of its /31: one leaf holds the network's route and the address.
armv7-board() {
	cable eth0 00:07:cb:03:a5:1c
	here rule add prio 5000 table 99 && here rule del prio 5000
	address 10.1.34.78/31 dev eth0
	route default via 10.1.34.79 dev eth0
}

machines="debian12-kvm ubuntu2404-arm64-kvm almalinux9-vmware alpine-lxc arch-hetzner openvz7 docker-inside docker-host-ec2
docker-host-mounted proxmox-ve ipv6-only many-addresses oracle-tailscale nat-cgnat-lxc nat10-kvm xen-pv azure-hyperv
riscv64-board s390x ppc64le-power9 centos6-kvm metal-bridges podman-inside k3s-flannel armv7-board"

for machine in ${*:-$machines}; do
	case " $(echo $machines) " in
	*" $machine "*) ;;
	*) echo "capture.sh: no machine is called $machine" >&2; exit 2 ;;
	esac
	begin
	"$machine"
	take "$machine"
	end
	echo "$machine"
done
