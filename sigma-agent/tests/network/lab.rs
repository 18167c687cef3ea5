//! Namespaces joined by a router, as machines are by the Internet.

use std::fs;
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::{Command, Stdio, id};
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tempfile::TempDir;

/// The namespace that all others are attached to; it forwards, and has the name server.
pub const INTERNET: &str = "internet";
/// Where the name server listens, if there is one.
pub const DNS_V4: &str = "45.76.0.53";
/// The same for machines without IPv4.
pub const DNS_V6: &str = "2001:19f0::53";

/// The namespaces of one story. They and what was written for them are gone when it is dropped.
pub struct Lab {
    story: &'static str,
    folder: TempDir,
    spaces: Vec<String>,
}

impl Lab {
    /// A lab with nothing but the router. None where namespaces may not be made, after saying so.
    pub fn new(story: &'static str) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            assert!(
                std::env::var_os("CI").is_none(),
                "the network stories need root, and CI must not skip them"
            );
            let notice = format!("skipped {story}: network namespaces need root; sudo -E make test\n");
            // Not by a macro: those are captured where a test passes.
            io::stderr().write_all(notice.as_bytes()).unwrap();
            return None;
        }
        let mut lab = Self { story, folder: TempDir::new().unwrap(), spaces: Vec::new() };
        lab.write("hosts", "127.0.0.1 localhost\n");
        lab.write("nsswitch.conf", "hosts: files dns\n");
        lab.resolvers(&[DNS_V4]);
        lab.add(INTERNET);
        for family in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
            lab.within(INTERNET, || fs::write(Path::new("/proc/sys/net").join(family), "1")).unwrap();
        }
        lab.ip(INTERNET, &format!("addr add {DNS_V4}/32 dev lo\naddr add {DNS_V6}/128 dev lo"));
        Some(lab)
    }

    /// A folder for the files of this story.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.folder().join(file), text).unwrap();
    }

    /// Which name servers the programs that start from now on ask.
    pub fn resolvers(&self, servers: &[&str]) {
        let lines: Vec<String> = servers.iter().map(|server| format!("nameserver {server}\n")).collect();
        self.write("resolv.conf", &lines.concat());
    }

    /// An empty namespace.
    pub fn add(&mut self, space: &str) {
        let full = self.full_name(space);
        // First, so that half a namespace is removed too.
        self.spaces.push(full.clone());
        feed(Command::new("ip").args(["netns", "add", &full]), "");
        // An IPv6 address is of no use for a second or two while the kernel makes sure that nobody else has it.
        for which in ["all", "default"] {
            let setting = Path::new("/proc/sys/net/ipv6/conf").join(which).join("accept_dad");
            self.within(space, || fs::write(setting, "0")).unwrap();
        }
        self.ip(space, "link set lo up");
    }

    /// A machine on the Internet: its `eth0` has these addresses (`192.0.2.2/24`), and the router the first of each
    /// network.
    pub fn attach(&mut self, space: &str, addresses: &[&str]) {
        self.add(space);
        self.join(space, INTERNET, &format!("to-{space}"), addresses);
    }

    /// Joins `space` by its `eth0` to `router`, which becomes its way out.
    pub fn join(&self, space: &str, router: &str, port: &str, addresses: &[&str]) {
        let peer = self.full_name(router);
        self.ip(space, &format!("link add eth0 type veth peer name {port} netns {peer}\nlink set eth0 up"));
        self.ip(router, &format!("link set {port} up"));
        for address in addresses {
            let (gateway, length) = first_of_network(address);
            self.ip(router, &format!("addr add {gateway}/{length} dev {port}"));
            self.ip(space, &format!("addr add {address} dev eth0\nroute add default via {gateway}"));
        }
    }

    /// Name of a namespace as the whole machine knows it.
    pub fn full_name(&self, space: &str) -> String {
        format!("sigma-{}-{}-{space}", id(), self.story)
    }

    /// Lines of arguments for `ip`, done in a namespace.
    pub fn ip(&self, space: &str, lines: &str) {
        feed(Command::new("ip").args(["-n", &self.full_name(space), "-batch", "-"]), lines);
    }

    /// Rules for `nft`, in a namespace.
    pub fn nft(&self, space: &str, rules: &str) {
        feed(Command::new("ip").args(["netns", "exec", &self.full_name(space), "nft", "-f", "-"]), rules);
    }

    /// A command, in a namespace.
    pub fn run(&self, space: &str, command: &str) {
        self.output(space, command);
    }

    /// What a command says, in a namespace.
    pub fn output(&self, space: &str, command: &str) -> String {
        feed(Command::new("ip").args(["netns", "exec", &self.full_name(space)]).args(command.split(' ')), "")
    }

    /// Does `work` in a thread that sees the network of `space`. Sockets made there stay there.
    pub fn within<T: Send>(&self, space: &str, work: impl FnOnce() -> T + Send) -> T {
        let full = self.full_name(space);
        let enter_and_work = || {
            Self::enter(&full);
            work()
        };
        thread::scope(|scope| scope.spawn(enter_and_work).join().unwrap())
    }

    /// From now on this thread sees the network of the namespace of that full name.
    pub fn enter(full_name: &str) {
        let handle = fs::File::open(Path::new("/run/netns").join(full_name)).unwrap();
        move_into_link_name_space(handle.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
    }

    /// The way to run `program` in a namespace with the story's own resolver configuration. The process that this
    /// starts becomes the program itself.
    pub fn command(&self, space: &str, program: &Path) -> Command {
        // `ip netns exec` gives a mount namespace of its own, too.
        const SCRIPT: &str = "for f in resolv.conf nsswitch.conf hosts; do \
            [ ! -e /etc/$f ] || mount --bind \"$0/$f\" /etc/$f || exit; done; exec \"$@\"";
        let mut command = Command::new("ip");
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.args(["netns", "exec", &self.full_name(space), "sh", "-c", SCRIPT]);
        command.arg(self.folder()).arg(program);
        command
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for space in &self.spaces {
            // What is left is told by name; a story that panics already must not panic again.
            let removed = Command::new("ip").args(["netns", "del", space]).stderr(Stdio::null()).status();
            if !removed.is_ok_and(|status| status.success()) && !thread::panicking() {
                println!("the namespace {space} could not be removed");
            }
        }
    }
}

fn feed(command: &mut Command, input: &str) -> String {
    let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = started.unwrap_or_else(|error| {
        panic!("{command:?}: {error}; the network stories need: apt-get install iproute2 nftables")
    });
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{command:?} {input}: {} (the network stories need: apt-get install iproute2 nftables)",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn first_of_network(address: &str) -> (IpAddr, &str) {
    let (ip, length) = address.split_once('/').unwrap();
    let first = match ip.parse().unwrap() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            IpAddr::from([a, b, c, 1])
        }
        IpAddr::V6(v6) => {
            let mut segments = v6.segments();
            segments[7] = 1;
            IpAddr::from(segments)
        }
    };
    (first, length)
}

/// What `look` finds, as soon as it finds it.
pub fn eventually<T>(what: &str, within: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + within;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {within:?}: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// So many seconds.
pub const fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}
