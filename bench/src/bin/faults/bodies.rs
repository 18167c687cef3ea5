//! Fault 26: bodies made to hurt. Each is refused within 100 ms by the name of what is wrong, and costs no memory.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http::{Answer, Connection};
use crate::hub::{Folder, Hub, tail};
use crate::{Verdict, at};

const REGISTER: &str = "/api/agent/register";
const HEARTBEAT: &str = "/api/agent/heartbeat";
const TIMES: usize = 10;
const WITHIN: Duration = Duration::from_millis(100);
const MEMORY_KIB: u64 = 10 * 1024;
/// Endless bodies at once: more would measure how two cores are shared with those who send them.
const STREAMS: usize = 10;
/// Bodies that stop half-way, at once. Each connection costs some 5 KiB whatever is said over it.
const HALVES: usize = 200;

/// A body, and a word that its refusal must have.
type Case = (String, Vec<u8>, &'static str);

pub(crate) fn run(program: &Path) -> Verdict {
    let folder = Folder::new(program)?;
    let agent = folder.key("agent")?;
    let mut hub = folder.start("info")?;
    folder.wait_until_well()?;
    let good = json!({"hostname": "good", "system_info": {"cpu_cores": 1}}).to_string();
    for _ in 0..200 {
        let answer = once(&folder, &agent, REGISTER, good.as_bytes())?.0;
        expect(&answer, 200, "", "a good registration")?;
    }
    let before = hub.status_kib("VmRSS")?;
    let cases = cases();
    let mut slowest = (Duration::ZERO, String::new());
    for (name, body, named) in &cases {
        for path in [REGISTER, HEARTBEAT] {
            let took = tried(&folder, &agent, path, name, body, named)?;
            if took > slowest.0 {
                slowest = (took, name.clone());
            }
        }
    }
    let streams = endless(&folder, &agent)?;
    let refused = half_sent(&folder, &agent, &good)?;
    let peak = hub.status_kib("VmHWM")?;
    let after = hub.status_kib("VmRSS")?;
    still_well(&mut hub, &folder, &agent, &good)?;
    if peak > before + MEMORY_KIB {
        return Err(format!("memory grew from {before} to {peak} KiB"));
    }
    Ok(format!(
        "{} bodies, {TIMES} times to each of 2 addresses, slowest {:.1} ms ({}); {STREAMS} endless ones at once, slowest {:.1} ms; {HALVES} half-sent ones, {refused} refused; RSS {before} KiB before, {peak} at most, {after} after",
        cases.len(),
        slowest.0.as_secs_f64() * 1e3,
        slowest.1,
        streams.as_secs_f64() * 1e3,
    ))
}

/// Tries one body several times; the median counts, since a busy machine is not the hub's fault.
fn tried(
    folder: &Folder,
    key: &str,
    path: &str,
    name: &str,
    body: &[u8],
    named: &str,
) -> Result<Duration, String> {
    let mut times = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let (answer, took) = once(folder, key, path, body).map_err(at(name))?;
        let status = if body.len() > 64 * 1024 { 413 } else { 400 };
        expect(&answer, status, named, name)?;
        times.push(took);
    }
    times.sort();
    let median = times.get(TIMES / 2).copied().unwrap_or_default();
    if median > WITHIN {
        return Err(format!("{name}: refused after {} ms", median.as_millis()));
    }
    Ok(median)
}

fn once(folder: &Folder, key: &str, path: &str, body: &[u8]) -> Result<(Answer, Duration), String> {
    let mut connection = Connection::open(folder.address, Some(key)).map_err(at("connect"))?;
    let started = Instant::now();
    let answer = connection.post(path, body).map_err(at("no answer"))?;
    Ok((answer, started.elapsed()))
}

fn expect(answer: &Answer, status: u16, named: &str, name: &str) -> Result<(), String> {
    if answer.status != status || !(answer.text("error") + &answer.body).contains(named) {
        return Err(format!(
            "{name}: {status} naming {named:?} was expected, not {} {}",
            answer.status, answer.body
        ));
    }
    Ok(())
}

/// Bodies without an end, chunked and announced as enormous, many at once, sent as fast as they are taken.
fn endless(folder: &Folder, key: &str) -> Result<Duration, String> {
    let one = |index: usize| -> Result<Duration, String> {
        let mut connection = Connection::open(folder.address, Some(key)).map_err(at("connect"))?;
        let framing = if index.is_multiple_of(2) {
            "transfer-encoding: chunked"
        } else {
            "content-length: 99999999999"
        };
        let chunk = if index.is_multiple_of(2) {
            format!("4000\r\n{}\r\n", "x".repeat(0x4000))
        } else {
            " ".repeat(0x4000)
        };
        let mut writer = connection.writer().map_err(at("writer"))?;
        let head = connection.head("POST", REGISTER, framing);
        let started = Instant::now();
        writer.write_all(head.as_bytes()).map_err(at("head"))?;
        let writing = std::thread::spawn(move || while writer.write_all(chunk.as_bytes()).is_ok() {});
        let answer = connection.answer().map_err(at("an endless body got no answer"))?;
        let took = started.elapsed();
        drop(connection);
        writing.join().map_err(|_| "a thread died".to_owned())?;
        expect(&answer, 413, "64 KiB", "endless")?;
        Ok(took)
    };
    let times: Vec<Result<Duration, String>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..STREAMS).map(|index| scope.spawn(move || one(index))).collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| "a thread died".to_owned())?).collect()
    });
    let times: Vec<Duration> = times.into_iter().collect::<Result<_, _>>()?;
    let slowest = times.into_iter().max().unwrap_or_default();
    if slowest > WITHIN {
        Err(format!("an endless body was refused after {} ms", slowest.as_millis()))
    } else {
        Ok(slowest)
    }
}

/// Large bodies of which only the half is sent: most are told to come again, and a good one is served among them.
fn half_sent(folder: &Folder, key: &str, good: &str) -> Result<usize, String> {
    let mut open = Vec::with_capacity(HALVES);
    for _ in 0..HALVES {
        let mut connection = Connection::open(folder.address, Some(key)).map_err(at("connect"))?;
        let head = connection.head("POST", REGISTER, "content-length: 65000");
        // Whoever is refused may be cut off while it still sends.
        let _ = connection.raw((head + "{\"hostname\":\"" + &"a".repeat(64_000)).as_bytes());
        open.push(connection);
    }
    let (answer, took) = once(folder, key, REGISTER, good.as_bytes())?;
    expect(&answer, 200, "", "a good registration among half-sent bodies")?;
    if took > WITHIN {
        return Err(format!("a good registration among half-sent bodies took {} ms", took.as_millis()));
    }
    let mut refused = 0;
    for connection in &mut open {
        connection.patience(Duration::from_millis(20)).map_err(at("deadline"))?;
        if let Ok(answer) = connection.answer() {
            expect(&answer, 503, "try again", "a half-sent body")?;
            refused += 1;
        }
    }
    if refused < HALVES / 2 {
        Err(format!("only {refused} half-sent bodies were refused"))
    } else {
        Ok(refused)
    }
}

fn still_well(hub: &mut Hub, folder: &Folder, key: &str, good: &str) -> Result<(), String> {
    let log = folder.log();
    if !hub.runs() || log.contains("panicked") {
        return Err(format!("the hub panicked: {}", tail(&log)));
    }
    expect(&once(folder, key, REGISTER, good.as_bytes())?.0, 200, "", "a good registration afterwards")
}

/// Every class of body that the list of faults names, and what agents' bugs look like.
fn cases() -> Vec<Case> {
    let mut cases = crooked();
    let wrong: [(&str, Value); 6] = [
        ("text", json!("x")),
        ("number", json!(-1.5)),
        ("list", json!([[]])),
        ("object", json!({"a": 1})),
        ("truth", json!(true)),
        ("huge", json!(u64::MAX)),
    ];
    for (member, named) in [
        ("hostname", "hostname"),
        ("ip_addresses", "ip_addresses"),
        ("system_info", "system_info"),
        ("agent", "agent"),
        ("machine", "machine"),
    ] {
        for (kind, value) in &wrong {
            let is_right = matches!(
                (member, *kind),
                ("hostname", "text") | ("system_info" | "agent" | "machine", "object")
            );
            if !is_right {
                let mut body = json!({"hostname": "a"});
                if let Some(map) = body.as_object_mut() {
                    map.insert(member.to_owned(), value.clone());
                }
                cases.push((format!("{member} as {kind}"), body.to_string().into_bytes(), named));
            }
        }
    }
    for member in
        ["cpu_cores", "ram_mb", "disk_gb", "uptime_seconds", "load_avg", "kernel", "os", "asset_tag"]
    {
        for (kind, value) in &wrong {
            if *kind == "text" && matches!(member, "kernel" | "os" | "asset_tag") {
                continue;
            }
            let body = json!({"hostname": "a", "system_info": {member: value}});
            cases.push((format!("{member} as {kind}"), body.to_string().into_bytes(), member));
        }
    }
    cases
}

fn crooked() -> Vec<Case> {
    let case =
        |name: &str, body: &str, named: &'static str| (name.to_owned(), body.as_bytes().to_vec(), named);
    let info = |inner: &str| format!("{{\"hostname\":\"a\",\"system_info\":{{{inner}}}}}");
    let address = "{\"ip\":\"203.0.113.7\",\"label\":\"\"},";
    let addresses = |count: usize| {
        let all = address.repeat(count);
        format!("{{\"hostname\":\"a\",\"ip_addresses\":[{}]}}", all.trim_end_matches(','))
    };
    let deep = |open: &str| format!("{{\"hostname\":{}", open.repeat(60_000 / open.len()));
    let mut binary = b"{\"hostname\":\"".to_vec();
    binary.extend([0xff, 0xfe, 0x80]);
    binary.extend(b"\"}");
    vec![
        case("empty", "", "JSON object"),
        case("blank", &" ".repeat(60_000), "JSON object"),
        case("no JSON", "hostname=a", "JSON object"),
        case("a list", "[\"a\"]", "JSON object"),
        case("null", "null", "JSON object"),
        case("cut off", "{\"hostname\":\"a", "ends too early"),
        case("two documents", "{\"hostname\":\"a\"}{\"hostname\":\"b\"}", "goes on"),
        case("no hostname", "{}", "hostname"),
        case("hostname twice", "{\"hostname\":\"a\",\"hostname\":\"b\"}", "hostname"),
        case("hostname null", "{\"hostname\":null}", "hostname"),
        case("NUL as an escape", "{\"hostname\":\"a\\u0000b\"}", "hostname"),
        case("NUL as a byte", "{\"hostname\":\"a\0b\"}", "hostname"),
        case("NUL in a text", &info("\"kernel\":\"a\\u0000\""), "system_info.kernel"),
        case("lone high surrogate", "{\"hostname\":\"\\ud800\"}", "hostname"),
        case("lone low surrogate", &info("\"os\":\"\\udc00\""), "system_info.os"),
        ("no UTF-8".to_owned(), binary, "hostname"),
        case("deep lists", &deep("["), "hostname"),
        case("deep objects", &deep("{\"a\":"), "hostname"),
        case("deep in an unknown member", &format!("{{\"x\":{}", "[".repeat(60_000)), ""),
        case("long hostname", &format!("{{\"hostname\":\"{}\"}}", "a".repeat(60_000)), "hostname"),
        case("long text", &info(&format!("\"os\":\"{}\"", "a".repeat(60_000))), "system_info.os"),
        case("long number", &info(&format!("\"ram_mb\":{}", "9".repeat(60_000))), "system_info.ram_mb"),
        case("not finite", &info("\"load_avg\":[1e999,0,0]"), "system_info.load_avg"),
        case("NaN", &info("\"load_avg\":[NaN,0,0]"), "system_info.load_avg"),
        case("direction marks", &info("\"os\":\"\\u202egnp.exe\""), "system_info.os"),
        case("65 addresses", &addresses(65), "ip_addresses"),
        case("1,900 addresses", &addresses(1900), "ip_addresses"),
        case("a million addresses", &addresses(1_000_000), "64 KiB"),
        case("measurements as a list", "{\"hostname\":\"a\",\"system_info\":[]}", "system_info"),
        case("agent as a list", "{\"hostname\":\"a\",\"agent\":[\"1\",5]}", "agent"),
        case(
            "good address as a list",
            "{\"hostname\":\"a\",\"ip_addresses\":[[\"1.2.3.4\",\"x\"]]}",
            "ip_addresses[0]",
        ),
        case("address as a list", "{\"hostname\":\"a\",\"ip_addresses\":[[1,2]]}", "ip_addresses[0]"),
        case(
            "address of a network",
            "{\"hostname\":\"a\",\"ip_addresses\":[{\"ip\":\"10.0.0.0/8\"}]}",
            "ip_addresses[0].ip",
        ),
        case(
            "line break in a label",
            "{\"hostname\":\"a\",\"ip_addresses\":[{\"ip\":\"::1\",\"label\":\"a\\nb\"}]}",
            "ip_addresses[0].label",
        ),
    ]
}
