//! Faults 29 and 30 in a browser: who guesses is told to wait, and the owner still gets in; two who open one link at the same
//! moment do not both become administrators.

use std::path::Path;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sigma_bench::webdriver::Chromium;

use crate::browser::{Browser, EMAIL, PASSWORD, administrator};
use crate::chromium::{IS_LOADED, open, sign_in, submit};
use crate::hub::Folder;
use crate::{Verdict, at};

/// What the hub said to the request that brought the page.
const STATUS: &str = "return performance.getEntriesByType('navigation')[0].responseStatus";
const WAIT: &str = "Too many tries in a row; wait";
/// A stranger is told to wait after so many guesses at most.
const PATIENCE: usize = 15;
/// More than may be guessed at one account.
const CROWD: usize = 80;

/// Fault 29.
pub(crate) fn guess(program: &Path) -> Verdict {
    let folder = Folder::new(program)?;
    let _hub = folder.start_with(&[("SIGMA_LOG", "warn"), ("SIGMA_TRUSTED_PROXIES", "127.0.0.1")])?;
    folder.wait_until_well()?;
    administrator(&folder)?;
    let (mut owner, mut stranger) = (Chromium::start()?, Chromium::start()?);
    come_from(&mut owner, "10.0.0.7")?;
    sign_in(&mut owner, &folder, EMAIL, PASSWORD)?;
    is_in(&mut owner)?;
    submit(&mut owner, "form[action=\"/sign-out\"] button")?;

    come_from(&mut stranger, "10.0.0.66")?;
    let mut guesses = 0;
    loop {
        sign_in(&mut stranger, &folder, EMAIL, "not the password")?;
        guesses += 1;
        let status = stranger.run(STATUS, &Value::Null)?;
        if status == json!(429) {
            break;
        }
        if status != json!(401) || guesses > PATIENCE {
            return Err(format!("guess {guesses} is answered {status}"));
        }
        stranger.sees("The e-mail or the password is wrong.")?;
    }
    sign_in(&mut stranger, &folder, EMAIL, PASSWORD)?;
    is_told_to_wait(&mut stranger)?;
    // Many at once, until the account itself takes no more guesses of strangers.
    for number in 0..CROWD {
        let guess =
            Browser::from(&folder, &format!("192.0.2.{number}")).sign_in(EMAIL, "not the password")?;
        if !matches!(guess.status, 401 | 429) {
            return Err(format!("a guess is answered {}: {}", guess.status, guess.body));
        }
        if guess.status == 429 {
            break;
        }
    }
    come_from(&mut stranger, "10.0.0.67")?;
    sign_in(&mut stranger, &folder, EMAIL, PASSWORD)?;
    is_told_to_wait(&mut stranger)?;
    let started = Instant::now();
    // Even from where the guesses come.
    come_from(&mut owner, "10.0.0.66")?;
    sign_in(&mut owner, &folder, EMAIL, PASSWORD)?;
    is_in(&mut owner)?;
    Ok(format!(
        "{guesses} guesses until the page says to wait, and how long; so it does to the right password of a new browser at the account that a crowd guesses at; the owner's browser is in after {} ms",
        started.elapsed().as_millis()
    ))
}

/// As if a proxy spoke for a browser at that address; not a public one, which would have to use https.
fn come_from(chromium: &mut Chromium, address: &str) -> Result<(), String> {
    chromium.devtools("Network.enable", &json!({}))?;
    let headers = json!({"headers": {"X-Forwarded-For": address}});
    chromium.devtools("Network.setExtraHTTPHeaders", &headers).map(drop)
}

fn is_in(chromium: &mut Chromium) -> Result<(), String> {
    chromium.until("a page of the fleet", "!location.pathname.startsWith('/sign-in')")?;
    chromium.sees(EMAIL)
}

/// It says so on the page of the form, which has kept the e-mail and not the password.
fn is_told_to_wait(chromium: &mut Chromium) -> Result<(), String> {
    chromium.sees(WAIT)?;
    let status = chromium.run(STATUS, &Value::Null)?;
    let script = "return [document.getElementById('email').value, document.getElementById('password').value]";
    let fields = chromium.run(script, &Value::Null)?;
    if (&status, &fields) == (&json!(429), &json!([EMAIL, ""])) {
        return Ok(());
    }
    Err(format!("who has to wait is answered {status} and sees {fields}"))
}

/// Fault 30.
pub(crate) fn race(program: &Path, rounds: u32) -> Verdict {
    let mut browsers = [Chromium::start()?, Chromium::start()?];
    let mut apart = Vec::new();
    for number in 1..=rounds {
        apart.push(one_race(program, &mut browsers).map_err(at(&format!("round {number}")))?);
    }
    Ok(format!(
        "{rounds} rounds of two browsers that send the form of one link {} ms apart at most: one is in, the other reads that the link was used",
        apart.iter().max().unwrap_or(&Duration::ZERO).as_millis()
    ))
}

/// How far apart they began.
fn one_race(program: &Path, browsers: &mut [Chromium; 2]) -> Result<Duration, String> {
    let folder = Folder::new(program)?;
    let _hub = folder.start("info")?;
    folder.wait_until_well()?;
    let path = format!("/setup?token={}", folder.printed_token()?);
    let emails = ["one@example.org", "two@example.org"];
    for (chromium, email) in browsers.iter_mut().zip(emails) {
        open(chromium, &folder, &path)?;
        chromium.fill("#email", email)?;
        chromium.fill("#password", PASSWORD)?;
        chromium.run("window.isBefore = true", &Value::Null)?;
    }
    let barrier = Barrier::new(2);
    let click = |chromium: &mut Chromium| -> Result<Instant, String> {
        barrier.wait();
        let began = Instant::now();
        chromium.click("form[action=\"/setup\"] button")?;
        chromium.until("the page after the form", &format!("!window.isBefore && {IS_LOADED}"))?;
        Ok(began)
    };
    let click = &click;
    let began: Vec<Result<Instant, String>> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            browsers.iter_mut().map(|chromium| scope.spawn(move || click(chromium))).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, Result<Instant, String>>| {
            thread.join().map_err(|_| "a thread died".to_owned())?
        };
        threads.into_iter().map(join).collect()
    });
    let began: Vec<Instant> = began.into_iter().collect::<Result<_, _>>()?;
    let mut winners = Vec::new();
    for (chromium, email) in browsers.iter_mut().zip(emails) {
        let status = chromium.run(STATUS, &Value::Null)?;
        let text = chromium.text("return document.body.innerText")?;
        let path = chromium.text("return location.pathname")?;
        if path != "/setup" && status == json!(200) && text.contains(email) {
            winners.push(email);
        } else if status != json!(410) || !text.contains("This link was used already") {
            return Err(format!("at {path} is {status}: {text}"));
        }
    }
    let [winner] = *winners else { return Err(format!("{winners:?} are in")) };
    let mut owner = Browser::new(&folder);
    owner.enter(winner)?;
    let accounts = owner.get("/api/accounts")?.json();
    if accounts.as_array().map(Vec::len) != Some(1) {
        return Err(format!("there are the accounts {accounts}"));
    }
    Ok(began.iter().max().zip(began.iter().min()).map_or(Duration::ZERO, |(last, first)| *last - *first))
}
