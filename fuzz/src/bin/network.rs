//! `fib_trie`, `route` and `if_inet6`: what the agent takes for addresses of the machine.

#![no_main]

#[path = "../../../sigma-agent/src"]
mod agent {
    pub mod system {
        pub mod address;
        pub mod read;

        use std::path::Path;

        pub fn network(root: &Path) -> Option<address::Network> {
            address::NetworkFiles::new(root).read(&mut read::Buffer::new()).ok()
        }
    }
}

use std::cell::RefCell;
use std::net::IpAddr;

use agent::system::address::Network;
use agent::system::network;
use libfuzzer_sys::fuzz_target;
use sigma_fuzz::{Tree, files};

thread_local! {
    static TREE: RefCell<Tree> = RefCell::new(Tree::new("network"));
}

fuzz_target!(|input: &[u8]| TREE.with_borrow_mut(|tree| {
    let mut files = files(input);
    files.retain(|file, _| file.starts_with("proc/net/"));
    let text =
        |file: &str| files.get(file).map(|t| String::from_utf8_lossy(t).into_owned()).unwrap_or_default();
    let (fib_trie, if_inet6) = (text("proc/net/fib_trie"), text("proc/net/if_inet6"));
    let is_there = files.contains_key("proc/net/fib_trie") || files.contains_key("proc/net/if_inet6");
    tree.hold(files.clone());
    let found = network(tree.root());
    assert_eq!(found.is_some(), is_there, "one of the two tables must be there, and one is enough");
    let Some(found) = found else { return };

    assert!(found.addresses.is_sorted_by(|a, b| a < b), "sorted, each once");
    for ip in &found.addresses {
        assert!(!ip.is_loopback() && !ip.is_unspecified() && !ip.is_multicast(), "{ip}");
        match ip {
            IpAddr::V4(ip) => {
                assert!(!ip.is_link_local(), "{ip}");
                assert!(fib_trie.contains(&ip.to_string()), "{ip}");
            }
            IpAddr::V6(ip) => {
                assert!(!ip.is_unicast_link_local(), "{ip}");
                let is_it = |word: &str| u128::from_str_radix(word, 16) == Ok(u128::from(*ip));
                // A line longer than the buffer may be cut in the middle of a word.
                let is_cut = if_inet6.split('\n').any(|line| line.len() >= 4096);
                assert!(is_cut || if_inet6.split_ascii_whitespace().any(is_it), "{ip}");
            }
        }
    }

    // Routes tell which addresses are of containers, and nothing else.
    files.remove("proc/net/route");
    tree.hold(files);
    let Network { addresses: all, has_ipv4_default_route } = network(tree.root()).unwrap();
    assert!(!has_ipv4_default_route);
    assert!(all.is_sorted_by(|a, b| a < b));
    assert!(found.addresses.iter().all(|ip| ip.is_ipv6() || all.contains(ip)));
}));
