//! The agents of the machines: they register, beat, and live as their machines do, some threads for all of them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;
use sigma_bench::http::{Answer, Connection};

use crate::machine::{Life, Machine};

/// A lost connection is opened again this much later.
const RECONNECT_AFTER: Duration = Duration::from_secs(1);
const REGISTER: &str = "/api/agent/register";
const HEARTBEAT: &str = "/api/agent/heartbeat";

/// What all agents did together.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) beats: AtomicU64,
    pub(crate) registrations: AtomicU64,
    /// Registrations of machines that a person deleted.
    pub(crate) gone: AtomicU64,
    pub(crate) failures: AtomicU64,
}

/// The agents that one thread plays.
pub(crate) struct Agents<'a> {
    pub(crate) hub: SocketAddr,
    pub(crate) key: &'a str,
    pub(crate) counts: &'a Counts,
    pub(crate) is_quiet: bool,
}

/// One machine while it lives.
struct Living<'m> {
    machine: &'m mut Machine,
    is_registered: bool,
    /// What is done to it when its silence ends.
    then: Option<Life>,
}

impl Agents<'_> {
    /// Registers machines; the id of the record of each, if the hub gave one.
    pub(crate) fn register(&self, machines: &mut [Machine]) -> Vec<Option<String>> {
        let mut connection = None;
        let register = |machine: &mut Machine| {
            let answer = self.send(&mut connection, REGISTER, &machine.registration())?;
            (answer.status == 200).then(|| answer.text("id"))
        };
        machines.iter_mut().map(register).collect()
    }

    /// Lets registered machines live until then.
    pub(crate) fn live(&self, machines: &mut [Machine], until: Option<Instant>) {
        let mut connection = None;
        let mut due = BinaryHeap::new();
        let mut living: Vec<Living<'_>> = Vec::with_capacity(machines.len());
        for (index, machine) in machines.iter_mut().enumerate() {
            let interval = Duration::from_secs(machine.interval_seconds.into());
            due.push(Reverse((Instant::now() + interval.mul_f64(machine.chance.fraction()), index)));
            living.push(Living { machine, is_registered: true, then: None });
        }
        while let Some(Reverse((at, index))) = due.pop() {
            if until.is_some_and(|until| at >= until) {
                std::thread::sleep(
                    until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now())),
                );
                return;
            }
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            if let Some(one) = living.get_mut(index)
                && let Some(pause) = self.turn(&mut connection, one)
            {
                due.push(Reverse((Instant::now().max(at) + pause, index)));
            }
        }
    }

    /// One beat, and what happens after it: how long until the next, or never.
    fn turn(&self, connection: &mut Option<Connection>, one: &mut Living<'_>) -> Option<Duration> {
        if let Some(life) = one.then.take() {
            self.resume(one, life);
        }
        let interval = Duration::from_secs(one.machine.interval_seconds.into());
        let status = if one.is_registered {
            let message = one.machine.heartbeat();
            self.send(connection, HEARTBEAT, &message).map(|answer| answer.status)
        } else {
            let message = one.machine.registration();
            self.send(connection, REGISTER, &message).map(|answer| answer.status)
        };
        match status {
            Some(200) => one.is_registered = true,
            // It is not known: it says who it is, and at once.
            Some(404) if one.is_registered => {
                one.is_registered = false;
                return Some(Duration::ZERO);
            }
            // A person deleted it: it asks again, but seldom.
            Some(410) => return Some(interval.saturating_mul(10)),
            _ => return Some(interval),
        }
        // Once in about forty beats, so that it can be watched.
        if one.machine.life == Life::Steady || !one.machine.chance.percent(3) {
            return Some(interval.mul_f64(0.95 + one.machine.chance.fraction() / 10.0));
        }
        self.happen(one).map(|silence| silence.max(interval))
    }

    /// Something happens: how long the machine is silent then, or that it is for ever.
    fn happen(&self, one: &mut Living<'_>) -> Option<Duration> {
        let machine = &mut *one.machine;
        let silence = machine.silence();
        let seconds = silence.as_secs();
        match machine.life {
            Life::Steady => {}
            Life::Dying => {
                self.say(&format!("{} goes silent for good", machine.hostname));
                return None;
            }
            Life::Flaky => self.say(&format!("{} goes silent for {seconds} s", machine.hostname)),
            Life::Rebooting => self.say(&format!("{} reboots in {seconds} s", machine.hostname)),
            Life::Reinstalled => {
                self.say(&format!("{} is reinstalled, back in {seconds} s", machine.hostname));
            }
            Life::Moving => {
                machine.renumber();
                self.say(&format!("{} gets another address", machine.hostname));
            }
            Life::Renamed => {
                let name = format!("{}-renamed", machine.hostname);
                self.say(&format!("{} is called {name} from now on", machine.hostname));
                machine.hostname = name;
                machine.life = Life::Steady;
                one.is_registered = false;
            }
            Life::Upgraded => {
                self.say(&format!("{} gets another agent", machine.hostname));
                machine.agent_version = "0.2.0";
                machine.life = Life::Steady;
                one.is_registered = false;
            }
        }
        one.then = Some(machine.life);
        Some(silence)
    }

    fn resume(&self, one: &mut Living<'_>, life: Life) {
        match life {
            Life::Rebooting => {
                one.machine.reboot();
                one.is_registered = false;
            }
            Life::Reinstalled => {
                one.machine.reinstall();
                one.machine.life = Life::Steady;
                one.is_registered = false;
                self.say(&format!("{} is back as another machine", one.machine.hostname));
            }
            Life::Flaky => self.say(&format!("{} is back", one.machine.hostname)),
            _ => {}
        }
    }

    /// Sends a message; `None` when the hub cannot be reached, or says that it cannot now.
    fn send(
        &self,
        connection: &mut Option<Connection>,
        path: &str,
        message: &impl Serialize,
    ) -> Option<Answer> {
        let body = serde_json::to_vec(message).ok()?;
        let mut open = match connection.take() {
            Some(open) => open,
            None => Connection::open(self.hub, Some(self.key)).inspect_err(|_| self.failed()).ok()?,
        };
        let answer = open.post(path, &body).inspect_err(|_| self.failed()).ok()?;
        *connection = Some(open);
        let counter = match answer.status {
            200 if path == REGISTER => &self.counts.registrations,
            200 => &self.counts.beats,
            404 => return Some(answer),
            410 => &self.counts.gone,
            _ => &self.counts.failures,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        Some(answer)
    }

    fn failed(&self) {
        self.counts.failures.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(RECONNECT_AFTER);
    }

    fn say(&self, line: &str) {
        if !self.is_quiet {
            println!("  {line}");
        }
    }
}
