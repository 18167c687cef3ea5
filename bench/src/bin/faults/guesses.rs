//! Fault 29: passwords are guessed by many at once. Each address and each account gets its few tries, the owner gets in
//! meanwhile, and agents notice nothing.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::browser::{Browser, EMAIL, PASSWORD, expect};
use crate::http::Connection;
use crate::hub::{Folder, tail, token_of};
use crate::{Verdict, at};

const SETTINGS: [(&str, &str); 3] = [
    ("SIGMA_LOG", "warn"),
    // A hub behind a proxy, so that addresses can be chosen.
    ("SIGMA_TRUSTED_PROXIES", "127.0.0.1"),
    ("SIGMA_PUBLIC_URL", "https://sigma.example.org"),
];
const GUESSERS: usize = 16;
/// Of so many guesses, one more address guesses at everybody's accounts.
const ADDRESS_OF: usize = 1000;
/// What strangers may try at once, and after which time once more (docs/decisions/0007-accounts.md).
const OF_ADDRESS: (usize, u64) = (10, 20);
const OF_ACCOUNT: (usize, u64) = (50, 10);
/// Beats come from so many connections, each so often: 100 a second.
const AGENTS: usize = 4;
const MACHINES_OF_EACH: usize = 25;
const BEAT_EVERY: Duration = Duration::from_millis(40);
const QUIET: Duration = Duration::from_secs(2);
const BEAT_WITHIN: Duration = Duration::from_millis(500);
const OWNER_EVERY: Duration = Duration::from_millis(200);
/// Guessers who go away before they are answered.
const LEAVERS: usize = 100;
/// Two hashings at once take 38 MiB.
const MEMORY_KIB: u64 = 64 * 1024;

/// What guessers saw.
#[derive(Default)]
struct Guesses {
    /// Guesses that were judged, by address and by e-mail.
    judged: HashMap<String, usize>,
    judged_in_all: usize,
    throttled: usize,
}

pub(crate) fn run(program: &Path, guesses: usize) -> Verdict {
    let folder = Folder::new(program)?;
    let agent = folder.key("agent")?;
    let mut hub = folder.start_with(&SETTINGS)?;
    folder.wait_until_well()?;
    let mut owner = Browser::from(&folder, "198.51.100.1");
    owner.follow(&token_of(&folder.run(&["setup-link"])?)?, EMAIL)?;
    owner.enter(EMAIL)?;
    register(&folder, &agent)?;

    let before = hub.status_kib("VmRSS")?;
    let quiet = beat_until(&folder, &agent, || std::thread::sleep(QUIET))?.1;
    let started = Instant::now();
    let (attack, during) = beat_until(&folder, &agent, || attack(&folder, &mut owner, guesses))?;
    let (saw, entered) = attack?;
    let took = started.elapsed();
    is_throttled(&saw, took)?;
    leave(&folder)?;
    let waits = owner_gets_in(&folder, &mut owner)?;
    if !hub.runs() || folder.log().contains("panicked") {
        return Err(format!("the hub panicked: {}", tail(&folder.log())));
    }
    let peak = hub.status_kib("VmHWM")?;
    if peak > before + MEMORY_KIB {
        return Err(format!("memory grew from {before} to {peak} KiB"));
    }
    let (quiet, busy) = (percentiles(quiet), percentiles(during));
    if busy.1 > BEAT_WITHIN {
        return Err(format!("a heartbeat in a hundred took {} ms", busy.1.as_millis()));
    }
    Ok(format!(
        "{guesses} guesses from {GUESSERS} at once in {:.1} s: {} judged, {} told to wait; the owner's browser signed in {} times meanwhile, slowest {} ms, a new one waits {waits} s; heartbeats p50/p99 {} quiet, {} guessed at; RSS {before} KiB before, {peak} at most",
        took.as_secs_f64(),
        saw.judged_in_all,
        saw.throttled,
        entered.len(),
        entered.iter().max().unwrap_or(&Duration::ZERO).as_millis(),
        shown(quiet),
        shown(busy),
    ))
}

/// Who guesses whose password: one address at the owner's account, a crowd at it, few addresses at everybody's, and one
/// /64 of addresses at ever another.
fn guess_of(number: usize, addresses: usize) -> (String, String) {
    let turn = number / 4;
    match number % 4 {
        0 => ("203.0.113.66".to_owned(), EMAIL.to_owned()),
        1 => (format!("203.0.113.{}", 100 + turn % 80), EMAIL.to_owned()),
        2 => (format!("192.0.2.{}", turn % addresses), format!("p{}@example.org", turn % 300)),
        _ => (format!("2001:db8:0:1::{turn:x}"), format!("q{turn}@example.org")),
    }
}

/// What shares the tries of an address.
fn network(address: &str) -> &str {
    address.split_once("::").map_or(address, |(network, _)| network)
}

/// All guesses as fast as they are answered, while the owner signs in now and then, from ever another address.
fn attack(folder: &Folder, owner: &mut Browser, guesses: usize) -> Result<(Guesses, Vec<Duration>), String> {
    let (next, guessing) = (AtomicUsize::new(0), AtomicBool::new(true));
    std::thread::scope(|scope| {
        let guessers: Vec<_> = (0..GUESSERS).map(|_| scope.spawn(|| guess(folder, &next, guesses))).collect();
        let owner = scope.spawn(|| sign_in_again(folder, owner, &guessing));
        let saw: Vec<_> = guessers.into_iter().map(joined).collect();
        guessing.store(false, Ordering::Relaxed);
        let entered = joined(owner)?;
        let mut total = Guesses::default();
        for saw in saw {
            let saw = saw?;
            total.judged_in_all += saw.judged_in_all;
            total.throttled += saw.throttled;
            for (who, count) in saw.judged {
                *total.judged.entry(who).or_default() += count;
            }
        }
        Ok((total, entered))
    })
}

fn joined<T>(thread: ScopedJoinHandle<'_, Result<T, String>>) -> Result<T, String> {
    thread.join().map_err(|_| "a thread died".to_owned())?
}

fn guess(folder: &Folder, next: &AtomicUsize, guesses: usize) -> Result<Guesses, String> {
    let mut saw = Guesses::default();
    let mut connection = Connection::open(folder.address, None).map_err(at("connect"))?;
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= guesses {
            return Ok(saw);
        }
        let (address, email) = guess_of(number, guesses.div_ceil(ADDRESS_OF));
        let body = json!({"email": email, "password": format!("not the password {number}")}).to_string();
        let headers = [
            ("x-forwarded-for", &*address),
            ("x-forwarded-proto", "https"),
            ("content-type", "application/json"),
        ];
        let answer = connection.request("POST", "/api/session", &headers, body.as_bytes());
        let answer = answer.map_err(at("guess"))?;
        match answer.status {
            401 => {
                saw.judged_in_all += 1;
                for who in [network(&address), &*email] {
                    *saw.judged.entry(who.to_owned()).or_default() += 1;
                }
            }
            429 if answer.headers("retry-after").any(|after| after.parse::<u64>().is_ok()) => {
                saw.throttled += 1;
            }
            other => return Err(format!("a guess was answered {other}: {} {}", answer.head, answer.body)),
        }
    }
}

/// The owner, whose browser is known, wherever it is. How long each sign-in took.
fn sign_in_again(
    folder: &Folder,
    owner: &mut Browser,
    guessing: &AtomicBool,
) -> Result<Vec<Duration>, String> {
    let mut took = Vec::new();
    while guessing.load(Ordering::Relaxed) {
        let mut browser = Browser::from(folder, &format!("198.51.100.{}", 10 + took.len() % 200));
        browser.cookies.clone_from(&owner.cookies);
        let sent = Instant::now();
        browser.enter(EMAIL).map_err(at("the owner, while others guess"))?;
        took.push(sent.elapsed());
        owner.cookies = browser.cookies;
        std::thread::sleep(OWNER_EVERY);
    }
    Ok(took)
}

fn is_throttled(saw: &Guesses, took: Duration) -> Result<(), String> {
    for (who, judged) in &saw.judged {
        let (free, one_more) = if who.contains('@') { OF_ACCOUNT } else { OF_ADDRESS };
        let most = free + 1 + usize::try_from(took.as_secs() / one_more).map_err(at("time"))?;
        if *judged > most {
            return Err(format!("{judged} guesses of {who} were judged, where {most} may be"));
        }
    }
    if saw.judged.get(EMAIL).is_none_or(|judged| *judged < OF_ACCOUNT.0 / 2) {
        return Err("so few guesses were judged that nobody could mistype a password".to_owned());
    }
    Ok(())
}

/// Many who send a guess and do not wait for what becomes of it.
fn leave(folder: &Folder) -> Result<(), String> {
    for number in 0..LEAVERS {
        let mut connection = Connection::open(folder.address, None).map_err(at("connect"))?;
        let body =
            json!({"email": format!("l{number}@example.org"), "password": "not the password"}).to_string();
        let framing = format!(
            "x-forwarded-for: 198.18.0.{number}\r\nx-forwarded-proto: https\r\ncontent-length: {}",
            body.len()
        );
        let head = connection.head("POST", "/api/session", &framing);
        connection.raw((head + &body).as_bytes()).map_err(at("guess"))?;
        // Long enough for the hub to begin with it.
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Wrong guesses until the hub has had enough: some time has passed since the last.
fn guess_again(folder: &Folder, address: &str) -> Result<(), String> {
    for _ in 0..5 {
        if Browser::from(folder, address).sign_in(EMAIL, "not the password either")?.status == 429 {
            return Ok(());
        }
    }
    Err(format!("{address} may go on guessing"))
}

/// After the guesses; the seconds that a browser of the owner has to wait that the hub does not know.
fn owner_gets_in(folder: &Folder, owner: &mut Browser) -> Result<u64, String> {
    owner.enter(EMAIL)?;
    guess_again(folder, "203.0.113.66")?;
    let right = Browser::from(folder, "203.0.113.66").sign_in(EMAIL, PASSWORD)?;
    expect(&right, 429, "the right guess after so many wrong ones")?;
    guess_again(folder, "198.51.100.249")?;
    let new = Browser::from(folder, "198.51.100.250").sign_in(EMAIL, PASSWORD)?;
    expect(&new, 429, "a new browser at an account that many guess at")?;
    let waits = new.headers("retry-after").find_map(|after| after.parse().ok()).unwrap_or(u64::MAX);
    if waits > OF_ACCOUNT.1 + 1 {
        return Err(format!("the owner is kept out for {waits} s"));
    }
    // An account that nobody guesses at is free at once, wherever its person is new.
    let mut administrator = Browser::from(folder, "198.51.100.251");
    administrator.cookies.clone_from(&owner.cookies);
    let invited = administrator.json(
        "POST",
        "/api/accounts",
        &json!({"email": "third@example.org", "role": "readonly"}),
    )?;
    expect(&invited, 201, "invitation")?;
    let mut third = Browser::from(folder, "198.51.100.252");
    third.follow(&token_of(&invited.text("link"))?, "third@example.org")?;
    Browser::from(folder, "198.51.100.253").enter("third@example.org")?;
    Ok(waits)
}

fn message(agent: usize, machine: usize) -> Vec<u8> {
    json!({"hostname": format!("m{agent}-{}", machine % MACHINES_OF_EACH), "system_info": {"cpu_cores": 2}})
        .to_string()
        .into_bytes()
}

fn register(folder: &Folder, key: &str) -> Result<(), String> {
    let mut connection = Connection::open(folder.address, Some(key)).map_err(at("connect"))?;
    for (agent, machine) in
        (0..AGENTS).flat_map(|agent| (0..MACHINES_OF_EACH).map(move |machine| (agent, machine)))
    {
        let answer =
            connection.post("/api/agent/register", &message(agent, machine)).map_err(at("register"))?;
        expect(&answer, 200, "registration")?;
    }
    Ok(())
}

/// Agents beat as long as `meanwhile` goes on; how long each beat took.
fn beat_until<T>(
    folder: &Folder,
    key: &str,
    meanwhile: impl FnOnce() -> T,
) -> Result<(T, Vec<Duration>), String> {
    let beating = AtomicBool::new(true);
    let beat = |agent: usize| -> Result<Vec<Duration>, String> {
        let mut connection = Connection::open(folder.address, Some(key)).map_err(at("connect"))?;
        let (mut took, mut next) = (Vec::new(), Instant::now());
        while beating.load(Ordering::Relaxed) {
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
            next += BEAT_EVERY;
            let sent = Instant::now();
            let answer = connection.post("/api/agent/heartbeat", &message(agent, took.len()));
            expect(&answer.map_err(at("beat"))?, 200, "beat")?;
            took.push(sent.elapsed());
        }
        Ok(took)
    };
    let beat = &beat;
    std::thread::scope(|scope| {
        let agents: Vec<_> = (0..AGENTS).map(|agent| scope.spawn(move || beat(agent))).collect();
        let result = meanwhile();
        beating.store(false, Ordering::Relaxed);
        let took: Vec<Vec<Duration>> = agents.into_iter().map(joined).collect::<Result<_, _>>()?;
        Ok((result, took.concat()))
    })
}

/// The median, and what a hundredth is slower than.
fn percentiles(mut took: Vec<Duration>) -> (Duration, Duration) {
    took.sort();
    let at = |hundredth: usize| took.get(took.len() * hundredth / 100).copied().unwrap_or_default();
    (at(50), at(99))
}

fn shown((median, slow): (Duration, Duration)) -> String {
    format!("{:.1}/{:.1} ms", median.as_secs_f64() * 1e3, slow.as_secs_f64() * 1e3)
}
