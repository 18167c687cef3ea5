//! What the stories share: the agent as a process, machines, hubs, certificates, a network of their own.

pub mod agent;
pub mod hub;
pub mod namespace;
pub mod root;
pub mod tls;

use std::time::Duration;

/// What must happen has so long: much more than it takes, for the computer may be busy with other tests.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `is_so`, for what cannot be waited for in another way.
pub fn until(what: &str, is_so: impl Fn() -> bool) {
    let started = std::time::Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "in vain waited until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Tells several stories side by side: most of their time is waiting.
pub fn together<T: Send>(stories: impl IntoIterator<Item = T>, tell: impl Fn(T) + Sync) {
    std::thread::scope(|scope| {
        for story in stories {
            scope.spawn(|| tell(story));
        }
    });
}
