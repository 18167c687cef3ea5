//! A whole machine, from its files to the message: whatever they say, a hub accepts what the agent makes of them.

#![no_main]

#[path = "../../../sigma-agent/src"]
mod agent {
    pub mod models;
    pub mod system;
}
#[path = "../../../sigma-api/src"]
mod hub {
    pub mod model {
        pub mod address;
        pub mod audit;
        pub mod binding;
        pub mod identity;
        pub mod paging;
        pub mod presence;
        pub mod report;
        pub mod text;
        pub mod time;
        pub mod whereabouts;
    }
}

use std::cell::RefCell;

use agent::models::{About, heartbeat, registration};
use agent::system::{self, Disk, System};
use hub::model;
use hub::model::report::Report;
use libfuzzer_sys::fuzz_target;
use sigma_fuzz::{Tree, files};
use sigma_protocol::{Heartbeat, MAX_BODY_BYTES, Registration};

const ABOUT: About = About { ssh_port: 22, interval_seconds: 60 };

thread_local! {
    static TREE: RefCell<Tree> = RefCell::new(Tree::new("machine"));
}

/// The file system is no file: its size is the first bytes of the text, made smaller by the last.
fn disk(input: &[u8]) -> Option<Disk> {
    let (bytes, _) = input.split_first_chunk()?;
    let total_bytes = u64::from_be_bytes(*bytes) >> (input.last()? % 64);
    Some(Disk { total_bytes, used_bytes: total_bytes.rotate_left(1) & total_bytes })
}

fuzz_target!(|input: &[u8]| TREE.with_borrow_mut(|tree| {
    tree.hold(files(input));
    let mut snapshot = System::new(tree.root()).snapshot();
    snapshot.disk = disk(input);

    let sent = registration("fuzz", &snapshot, None, &ABOUT);
    let body = serde_json::to_vec(&sent).unwrap();
    assert!(body.len() <= MAX_BODY_BYTES);
    let read: Registration = serde_json::from_slice(&body).unwrap();
    let report = Report::from_registration(read).unwrap_or_else(|invalid| panic!("{invalid}"));
    let taken = report.addresses.unwrap_or_default();
    assert_eq!(taken, sent.ip_addresses, "sorted, each once, at most as many as a hub takes");

    let body = serde_json::to_vec(&heartbeat("fuzz", &snapshot, None, &ABOUT)).unwrap();
    let read: Heartbeat = serde_json::from_slice(&body).unwrap();
    Report::from_heartbeat(read).unwrap_or_else(|invalid| panic!("{invalid}"));
}));
