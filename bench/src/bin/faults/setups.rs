//! Fault 30: many who open the link of the first start at the same moment; one of them becomes administrator.

use std::path::Path;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::browser::{Browser, PASSWORD, expect};
use crate::hub::{Folder, tail};
use crate::{Verdict, at};

/// What became of the attempts of a round.
#[derive(Default)]
struct Round {
    /// E-mails of those who were told that they are administrators.
    made: Vec<String>,
    late: usize,
    slowest: Duration,
}

pub(crate) fn run(program: &Path, parallel: usize, rounds: u32) -> Verdict {
    let mut slowest = Duration::ZERO;
    for number in 0..rounds {
        let round = one_round(program, parallel).map_err(at(&format!("round {}", number + 1)))?;
        slowest = slowest.max(round);
    }
    Ok(format!(
        "{rounds} rounds of {parallel} set-ups over pages and API: 1 administrator each, all others told that the link was used; slowest round {} ms",
        slowest.as_millis()
    ))
}

fn one_round(program: &Path, parallel: usize) -> Result<Duration, String> {
    let folder = Folder::new(program)?;
    let mut hub = folder.start("info")?;
    folder.wait_until_well()?;
    let token = folder.printed_token()?;
    let round = race(&folder, &token, parallel)?;
    let [winner] = &*round.made else {
        return Err(format!("{} administrators were made: {:?}", round.made.len(), round.made));
    };
    if round.late != parallel - 1 {
        return Err(format!("{} of {parallel} were told that the link was used", round.late));
    }
    if !hub.runs() || folder.log().contains("panicked") {
        return Err(format!("the hub panicked: {}", tail(&folder.log())));
    }
    let mut owner = Browser::new(&folder);
    owner.enter(winner)?;
    let accounts = owner.get("/api/accounts")?.json();
    let accounts: Vec<(Option<&Value>, Option<&Value>)> = accounts
        .as_array()
        .ok_or("no list of accounts")?
        .iter()
        .map(|account| (account.get("email"), account.get("role")))
        .collect();
    if accounts != [(Some(&json!(winner)), Some(&json!("admin")))] {
        return Err(format!("there are the accounts {accounts:?}"));
    }
    // Whoever starts it anew is offered nothing.
    hub.kill()?;
    let said = folder.said();
    let _hub = folder.start("info")?;
    folder.wait_until_well()?;
    std::thread::sleep(Duration::from_millis(200));
    if folder.said() != said {
        return Err(format!("a hub with an administrator says {:?}", folder.said()));
    }
    let late = Browser::new(&folder).json("POST", "/api/setup", &body(&token, "late@example.org"))?;
    expect(&late, 410, "a used link after a restart")?;
    Ok(round.slowest)
}

fn body(token: &str, email: &str) -> Value {
    json!({"token": token, "email": email, "password": PASSWORD})
}

/// All at once, half of them as browsers and half as programs.
fn race(folder: &Folder, token: &str, parallel: usize) -> Result<Round, String> {
    let barrier = Barrier::new(parallel);
    let one = |person: usize| -> Result<(String, u16, Duration), String> {
        let email = format!("p{person}@example.org");
        let mut browser = Browser::new(folder);
        let opened = browser.open();
        barrier.wait();
        opened?;
        let started = Instant::now();
        let answer = if person.is_multiple_of(2) {
            browser.json("POST", "/api/setup", &body(token, &email))?
        } else {
            browser.form("/setup", &[("token", token), ("email", &email), ("password", PASSWORD)])?
        };
        match answer.status {
            201 | 303 | 410 => Ok((email, answer.status, started.elapsed())),
            other => Err(format!("a set-up was answered {other}: {}", answer.body)),
        }
    };
    let one = &one;
    let results: Vec<Result<(String, u16, Duration), String>> = std::thread::scope(|scope| {
        let small = || std::thread::Builder::new().stack_size(256 * 1024);
        let threads: Vec<_> =
            (0..parallel).map(|person| small().spawn_scoped(scope, move || one(person))).collect();
        let join = |thread: std::io::Result<std::thread::ScopedJoinHandle<'_, _>>| {
            thread.map_err(at("thread"))?.join().map_err(|_| "a thread died".to_owned())?
        };
        threads.into_iter().map(join).collect()
    });
    let mut round = Round::default();
    for result in results {
        let (email, status, took) = result?;
        round.slowest = round.slowest.max(took);
        if status == 410 {
            round.late += 1;
        } else {
            round.made.push(email);
        }
    }
    Ok(round)
}
