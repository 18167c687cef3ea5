//! The public address of a machine that cannot see it: when to ask for it, and what is known.

use std::net::IpAddr;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

use crate::client::ask_public_address;
use crate::system::{Network, is_global};
use crate::url::Url;

/// A known address is asked for again after this time.
const KNOWN_FOR: Duration = Duration::from_secs(6 * 3600);
/// After a failure, the first pause; it doubles up to `KNOWN_FOR`.
const UNKNOWN_FOR: Duration = Duration::from_secs(5 * 60);
/// The services belong to others: never more often than this, whatever happens here.
const AT_MOST_EVERY: Duration = Duration::from_secs(60);

/// What a look-up brought.
pub type Found = Option<IpAddr>;

/// What is known of the public address, and when it was asked for.
#[derive(Debug, Default)]
pub struct PublicAddress {
    known: Option<IpAddr>,
    asked_at: Option<Instant>,
    asked_with: Vec<IpAddr>,
    failures: u32,
    is_asking: bool,
    is_in_doubt: bool,
}

impl PublicAddress {
    /// The address to report beside those of the machine.
    #[must_use]
    pub fn known(&self) -> Option<IpAddr> {
        self.known
    }

    /// The hub was unreachable: the machine's way to the Internet may be another one now.
    pub fn doubt(&mut self) {
        self.is_in_doubt = true;
    }

    /// Takes what a look-up brought. Whether the hub has something new to hear.
    pub fn found(&mut self, found: Found) -> bool {
        self.is_asking = false;
        match found {
            Some(address) => {
                self.failures = 0;
                self.known.replace(address) != Some(address)
            }
            None => {
                if self.failures == 0 {
                    log::warn!(
                        "no service told the public address; asking again in some minutes (AGENT_IP_LOOKUP=off if there is none)"
                    );
                }
                self.failures = self.failures.saturating_add(1);
                false
            }
        }
    }

    /// Asks in a thread of its own, if it is time to; the answer goes to `events`.
    pub fn consider(&mut self, network: &Network, services: &[Url], events: &Sender<Found>, now: Instant) {
        if services.is_empty() || !self.is_time(network, now) {
            return;
        }
        let (services, events) = (services.to_vec(), events.clone());
        let over_ipv4 = network.has_ipv4_default_route;
        let thread = thread::Builder::new().name("public-address".to_owned()).spawn(move || {
            // The receiver lives as long as the process.
            events.send(ask_public_address(&services, over_ipv4, is_global)).unwrap_or_default();
        });
        self.is_asking = thread.is_ok();
        self.asked_at = Some(now);
        self.asked_with.clone_from(&network.addresses);
        self.is_in_doubt = false;
    }

    fn is_time(&mut self, network: &Network, now: Instant) -> bool {
        if !is_hidden(network) {
            self.known = None;
            return false;
        }
        let Some(asked_at) = self.asked_at else { return !self.is_asking };
        let age = now.saturating_duration_since(asked_at);
        let is_reason = self.is_in_doubt || self.asked_with != network.addresses || age >= self.pause();
        is_reason && age >= AT_MOST_EVERY && !self.is_asking
    }

    /// Also a known address is asked for again soon after a failure: there was a reason to ask.
    fn pause(&self) -> Duration {
        match self.failures {
            0 => KNOWN_FOR,
            failures => UNKNOWN_FOR.saturating_mul(2_u32.saturating_pow(failures - 1)).min(KNOWN_FOR),
        }
    }
}

/// No public IPv4 address of its own, though it has a way to the IPv4 Internet or no public address at all.
fn is_hidden(network: &Network) -> bool {
    let mut public = network.addresses.iter().filter(|ip| is_global(**ip));
    let has_public_v4 = public.clone().any(IpAddr::is_ipv4);
    !has_public_v4 && (network.has_ipv4_default_route || public.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(list: &str, has_ipv4_default_route: bool) -> Network {
        let addresses = list.split_whitespace().map(|a| a.parse().unwrap()).collect();
        Network { addresses, has_ipv4_default_route }
    }

    #[test]
    fn only_a_hidden_machine_asks() {
        for (list, route, hidden) in [
            ("10.0.0.5", true, true),
            ("10.0.0.5 2a01:4f9::1", true, true),
            ("10.0.0.5", false, true),
            ("2a01:4f9::1", false, false),
            ("10.0.0.5 95.216.1.2", true, false),
            ("", false, true),
        ] {
            assert_eq!(is_hidden(&network(list, route)), hidden, "{list}");
        }
    }

    #[test]
    fn it_asks_seldom() {
        let (start, minute) = (Instant::now(), Duration::from_secs(60));
        let nat = network("10.0.0.5", true);
        let mut address =
            PublicAddress { asked_at: Some(start), asked_with: nat.addresses.clone(), ..Default::default() };
        assert!(address.found("95.216.1.2".parse().ok()));
        assert!(!address.found("95.216.1.2".parse().ok()), "the same again is not new");
        assert!(!address.is_time(&nat, start + minute * 359));
        assert!(address.is_time(&nat, start + minute * 360));
        assert!(address.is_time(&network("10.0.0.6", true), start + minute));
        assert!(
            !address.is_time(&network("10.0.0.6", true), start + minute / 2),
            "not more than once a minute"
        );
        address.doubt();
        assert!(address.is_time(&nat, start + minute));
    }

    #[test]
    fn a_failure_keeps_what_is_known_and_a_public_address_replaces_it() {
        let start = Instant::now();
        let nat = network("10.0.0.5", true);
        let mut address =
            PublicAddress { asked_at: Some(start), asked_with: nat.addresses.clone(), ..Default::default() };
        assert!(!address.found(None));
        assert!(!address.is_time(&nat, start + Duration::from_secs(299)));
        assert!(address.is_time(&nat, start + Duration::from_secs(300)), "nothing is known: soon again");
        address.found("95.216.1.2".parse().ok());
        address.found(None);
        assert!(address.known().is_some());
        assert!(
            address.is_time(&nat, start + Duration::from_secs(300)),
            "the old one may be wrong now: soon again"
        );
        assert!(!address.is_time(&network("95.216.1.2", true), start));
        assert_eq!(address.known(), None);
    }
}
