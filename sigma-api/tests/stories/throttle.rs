//! Fault 29: guessing passwords. Who guesses is slowed down, the owner is not locked out, and agents notice nothing.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::common::{Folder, fixture};
use crate::people::{Browser, EMAIL, PASSWORD, make_administrator};

const GUESS: &str = "not the password at all";

/// A hub behind a proxy, so that addresses can be chosen.
const PROXIED: &[(&str, &str)] =
    &[("SIGMA_TRUSTED_PROXIES", "127.0.0.1"), ("SIGMA_PUBLIC_URL", "https://sigma.example.org")];

#[test]
fn ten_thousand_guesses_get_ten_tries_and_the_owner_gets_in() {
    let folder = Folder::new();
    let agent = folder.key("agent");
    let hub = folder.start_with(PROXIED);
    make_administrator(&folder, &hub, EMAIL);
    let from = |address: &str| {
        Browser::new(&hub).with("x-forwarded-for", address).with("x-forwarded-proto", "https")
    };
    let owner = from("198.51.100.1");
    assert_eq!(owner.sign_in(EMAIL, PASSWORD).status, 200);
    assert_eq!(hub.post(&agent, "/api/agent/register", &fixture("registration.json")).status, 200);

    let (judged, guessing) = (AtomicU32::new(0), AtomicBool::new(true));
    let slowest = std::thread::scope(|scope| {
        let beats = scope.spawn(|| {
            let mut slowest = Duration::ZERO;
            while guessing.load(Ordering::Relaxed) {
                let sent = Instant::now();
                assert_eq!(hub.post(&agent, "/api/agent/heartbeat", &fixture("heartbeat.json")).status, 200);
                slowest = slowest.max(sent.elapsed());
            }
            slowest
        });
        let guessers: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let stranger = from("203.0.113.66");
                    for _ in 0..1250 {
                        let answer = stranger.sign_in(EMAIL, GUESS);
                        match answer.status {
                            401 => drop(judged.fetch_add(1, Ordering::Relaxed)),
                            429 => assert!(answer.head.contains("retry-after: "), "{answer:?}"),
                            other => panic!("{other}: {answer:?}"),
                        }
                    }
                })
            })
            .collect();
        guessers.into_iter().for_each(|guesser| guesser.join().unwrap());
        guessing.store(false, Ordering::Relaxed);
        beats.join().unwrap()
    });
    let judged = judged.into_inner();
    assert!((10..40).contains(&judged), "{judged} of 10,000 guesses were judged");
    assert!(slowest < Duration::from_secs(2), "a beat took {slowest:?}");
    assert_eq!(
        from("203.0.113.66").sign_in(EMAIL, PASSWORD).status,
        429,
        "the right one comes too late there"
    );
    assert_eq!(from("198.51.100.7").sign_in(EMAIL, PASSWORD).status, 200, "another address is free");
    assert_eq!(owner.sign_in(EMAIL, PASSWORD).status, 200);
}

#[test]
fn many_addresses_use_up_an_account_for_strangers_but_not_for_its_owner() {
    let folder = Folder::new();
    let hub = folder.start_with(PROXIED);
    make_administrator(&folder, &hub, EMAIL);
    let from = |address: &str| {
        Browser::new(&hub).with("x-forwarded-for", address).with("x-forwarded-proto", "https")
    };
    let owner = from("198.51.100.1");
    assert_eq!(owner.sign_in(EMAIL, PASSWORD).status, 200);
    let statuses: Vec<u16> =
        (0..80).map(|last| from(&format!("203.0.113.{last}")).sign_in(EMAIL, GUESS).status).collect();
    assert!(statuses.iter().filter(|status| **status == 401).count() <= 56, "{statuses:?}");
    assert_eq!(statuses.last(), Some(&429));
    assert_eq!(
        from("198.51.100.9").sign_in(EMAIL, PASSWORD).status,
        429,
        "a browser that nobody knows has to wait"
    );
    let mut owner = owner;
    owner.headers = from("192.0.2.77").headers;
    assert_eq!(owner.sign_in(EMAIL, PASSWORD).status, 200, "the owner's browser does not, wherever it is");
    owner.forget("__Host-sigma-device");
    assert_eq!(owner.sign_in(EMAIL, PASSWORD).status, 429);
    assert_eq!(
        from("203.0.113.200").sign_in("other@example.org", GUESS).status,
        401,
        "other accounts are free"
    );
}

#[test]
fn a_known_browser_may_not_guess_for_ever_either() {
    let folder = Folder::new();
    let hub = folder.start();
    make_administrator(&folder, &hub, EMAIL);
    let browser = Browser::new(&hub);
    assert_eq!(browser.sign_in(EMAIL, PASSWORD).status, 200);
    let statuses: Vec<u16> = (0..12).map(|_| browser.sign_in(EMAIL, GUESS).status).collect();
    assert!(statuses.contains(&429), "{statuses:?}");
    let page = browser.form("/sign-in", &[("email", EMAIL), ("password", PASSWORD)]);
    assert!(
        page.status == 429 && page.head.contains("retry-after") && page.text.contains("Too many tries"),
        "{page:?}"
    );
    assert!(browser.is_in(), "the session goes on");
}

#[test]
fn who_has_a_64_of_addresses_is_one_stranger() {
    let folder = Folder::new();
    let hub = folder.start_with(PROXIED);
    let guess = |last: u32| {
        let address = format!("2001:db8:0:1::{last:x}");
        let stranger =
            Browser::new(&hub).with("x-forwarded-for", &address).with("x-forwarded-proto", "https");
        stranger.sign_in(&format!("p{last}@example.org"), GUESS).status
    };
    let statuses: Vec<u16> = (1..=14).map(guess).collect();
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
}

#[test]
fn an_unknown_email_takes_as_long_as_a_wrong_password() {
    let folder = Folder::new();
    let hub = folder.start();
    make_administrator(&folder, &hub, EMAIL);
    let time = |email: &str| {
        let mut times: Vec<Duration> = (0..4)
            .map(|_| {
                let sent = Instant::now();
                assert_eq!(Browser::new(&hub).sign_in(email, GUESS).status, 401);
                sent.elapsed()
            })
            .collect();
        times.sort();
        times[0]
    };
    let (known, unknown) = (time(EMAIL), time("nobody@example.org"));
    // Without hashing it would take a hundredth.
    assert!(unknown > known / 3 && known > unknown / 3, "known {known:?}, unknown {unknown:?}");
}

/// More strangers than may wait for a hashing, each from elsewhere and for another e-mail, so that none is throttled.
#[test]
fn a_crowd_of_strangers_does_not_keep_a_known_browser_out() {
    let folder = Folder::new();
    let hub = folder.start_with(PROXIED);
    make_administrator(&folder, &hub, EMAIL);
    let from = |address: &str| {
        Browser::new(&hub).with("x-forwarded-for", address).with("x-forwarded-proto", "https")
    };
    let owner = from("198.51.100.1");
    assert_eq!(owner.sign_in(EMAIL, PASSWORD).status, 200);
    let (refused, crowding, began) = (AtomicU32::new(0), AtomicBool::new(true), Instant::now());
    std::thread::scope(|scope| {
        for stranger in 0..120 {
            let (refused, crowding) = (&refused, &crowding);
            scope.spawn(move || {
                let mut tries = 0;
                while crowding.load(Ordering::Relaxed) && began.elapsed() < Duration::from_secs(60) {
                    tries += 1;
                    let address = format!("203.0.{stranger}.{}", tries % 250);
                    let email = format!("s{stranger}-{tries}@example.org");
                    let answer = from(&address).sign_in(&email, GUESS);
                    if answer.status == 503 {
                        assert!(answer.head.contains("retry-after: "), "{answer:?}");
                        refused.fetch_add(1, Ordering::Relaxed);
                        std::thread::sleep(Duration::from_millis(50));
                    }
                }
            });
        }
        let full =
            crate::common::eventually(Duration::from_secs(10), || refused.load(Ordering::Relaxed) > 20);
        let statuses: Vec<u16> = (0..5).map(|_| owner.sign_in(EMAIL, PASSWORD).status).collect();
        crowding.store(false, Ordering::Relaxed);
        assert!(full, "the line of strangers was never full");
        assert_eq!(statuses, [200; 5]);
    });
    let (_, _, log) = hub.stop();
    let told = log.matches("64 passwords of strangers wait to be judged; more are refused").count();
    assert_eq!(told, 1, "one line in a minute");
}

/// Whoever runs the hub sees from where and for whom somebody guesses, once for each.
#[test]
fn a_line_says_when_guesses_begin_to_have_to_wait() {
    let folder = Folder::new();
    let hub = folder.start_with(PROXIED);
    make_administrator(&folder, &hub, EMAIL);
    let from = |address: &str| {
        Browser::new(&hub).with("x-forwarded-for", address).with("x-forwarded-proto", "https")
    };
    let owner = from("198.51.100.1");
    assert_eq!(owner.sign_in(EMAIL, PASSWORD).status, 200);
    for (browser, email) in [(&from("203.0.113.66"), "nobody@example.org"), (&owner, EMAIL)] {
        while browser.sign_in(email, GUESS).status != 429 {}
        assert_eq!(browser.sign_in(email, GUESS).status, 429);
    }
    let (_, _, log) = hub.stop();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("too many wrong tries")).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[0].contains("the last from 203.0.113.66 for no account: this address must wait"),
        "{lines:?}"
    );
    assert!(
        lines[1].contains("from 198.51.100.1 for the account ")
            && lines[1].contains("this browser, which signed in before"),
        "{lines:?}"
    );
    assert!(!log.contains("nobody@example.org") && !log.contains(EMAIL), "a password may be typed there");
}
