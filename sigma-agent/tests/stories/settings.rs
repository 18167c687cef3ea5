//! Variables, flags, key files: what is taken, and what is refused.

use std::os::unix::ffi::OsStrExt as _;

use crate::common::agent::{Finished, KEY, agent};
use crate::common::hub::{Hub, RECORD, say};
use crate::common::root::Root;
use crate::common::together;

pub const VARIABLES: [&str; 10] = [
    "SIGMA_API_URL",
    "SIGMA_API_KEY",
    "SIGMA_API_KEY_FILE",
    "AGENT_INTERVAL",
    "AGENT_HOSTNAME",
    "AGENT_SSH_PORT",
    "SIGMA_CA_FILE",
    "AGENT_HOST_ROOT",
    "AGENT_IP_LOOKUP",
    "SIGMA_LOG",
];

pub fn flag(variable: &str) -> String {
    let name = variable.strip_prefix("SIGMA_").or(variable.strip_prefix("AGENT_")).unwrap();
    format!("--{}", name.to_lowercase().replace('_', "-"))
}

/// Exit 2, nothing on stdout, and one sentence on stderr that holds `name`.
fn assert_refused(finished: &Finished, name: &str, what: &str) {
    let Finished { code, stdout, stderr } = finished;
    assert_eq!((*code, stdout.as_str()), (Some(2), ""), "{what}: {stderr}");
    assert!(stderr.starts_with("sigma-agent: ") && stderr.ends_with('\n'), "{what}: {stderr}");
    assert_eq!(stderr.lines().count(), 1, "{what}: {stderr}");
    assert!(stderr.contains(name), "{what}: {stderr}");
    assert!(!stderr.contains(KEY), "{what}: {stderr}");
}

#[test]
fn a_bad_value_ends_it_with_a_sentence_before_anything_is_sent() {
    let (root, hub) = (Root::public(), Hub::good());
    root.write("empty", "\n");
    root.write("two words", "two words\n");
    let at = |file: &str| root.path().join(file).to_str().unwrap().to_owned();
    let (empty, words, nowhere) = (at("empty"), at("two words"), at("nowhere"));
    let long = "a".repeat(254);
    let mut bad: Vec<(&str, &str)> = vec![
        ("SIGMA_API_KEY_FILE", &empty),
        ("SIGMA_API_KEY_FILE", &words),
        ("SIGMA_API_KEY_FILE", &nowhere),
        ("SIGMA_API_KEY_FILE", "/"),
        ("SIGMA_CA_FILE", &nowhere),
        ("AGENT_HOST_ROOT", &nowhere),
        ("AGENT_HOST_ROOT", &empty),
        ("AGENT_HOSTNAME", &long),
        ("AGENT_HOSTNAME", "two words"),
        ("AGENT_HOSTNAME", "münchen"),
        ("SIGMA_API_KEY", "two words"),
        ("SIGMA_API_KEY", "schlüssel"),
        ("SIGMA_API_KEY", "line\nline"),
    ];
    for url in
        ["hub", "ftp://hub", "http://", "http://u:p@hub", "http://hub:0", "http://hub:65536", "http://h/?a"]
    {
        bad.push(("SIGMA_API_URL", url));
    }
    bad.extend(["0", "86401", "-1", "1.5", "1e3", "soon"].map(|value| ("AGENT_INTERVAL", value)));
    bad.extend(["0", "65536", "-22", "ssh"].map(|value| ("AGENT_SSH_PORT", value)));
    bad.extend(["x", "ftp://a", "https://a,,https://b", "off,off"].map(|value| ("AGENT_IP_LOOKUP", value)));
    bad.extend(["loud", "4"].map(|value| ("SIGMA_LOG", value)));
    for (variable, value) in bad {
        let launch = || agent(&root, &hub.url()).unset("SIGMA_API_KEY");
        assert_refused(&launch().env(variable, value).finish(), variable, &format!("{variable}={value}"));
        let flag = flag(variable);
        assert_refused(&launch().args([&flag, value]).finish(), &flag, &format!("{flag} {value}"));
        assert_refused(&launch().args([format!("{flag}={value}")]).finish(), &flag, value);
    }
    assert_eq!(hub.connections(), 0);
}

#[test]
fn a_value_that_is_no_text_or_lacks_or_is_not_known_is_refused() {
    let (root, hub) = (Root::public(), Hub::good());
    let launch = || agent(&root, &hub.url()).unset("SIGMA_API_KEY");
    for variable in VARIABLES {
        let no_text = std::ffi::OsStr::from_bytes(b"a\xff");
        assert_refused(&launch().env(variable, no_text).finish(), variable, variable);
        let flag = flag(variable);
        assert_refused(&launch().args([&flag]).finish(), &flag, &flag);
        assert_refused(&launch().args([&flag, ""]).finish(), &flag, &flag);
    }
    for unknown in ["--colour", "--once=5", "-x"] {
        assert_refused(&launch().args([unknown]).finish(), unknown.split('=').next().unwrap(), unknown);
    }
    // A key without its flag is not repeated.
    assert_refused(&launch().args([KEY]).finish(), "belongs to no option", "a word alone");
    assert_eq!(hub.connections(), 0);
}

/// A machine that has something to be warned of: the sentence is to stand alone all the same.
#[test]
fn a_ca_file_without_a_certificate_is_refused() {
    let root = Root::public();
    root.rename("3f2a9c0b1d4e");
    root.write("not a certificate", "hello\n");
    for file in ["not a certificate", "proc"] {
        let file = root.path().join(file);
        for url in ["https://127.0.0.1:9", "http://127.0.0.1:9"] {
            let finished = agent(&root, url).env("SIGMA_CA_FILE", &file).args(["--once"]).finish();
            assert_refused(&finished, "SIGMA_CA_FILE", &format!("{url} {}", file.display()));
        }
    }
}

#[test]
fn a_machine_without_a_name_needs_one() {
    let root = Root::public();
    root.rename("");
    let finished = agent(&root, "http://127.0.0.1:9").args(["--dry-run", "--log", "error"]).finish();
    assert_refused(&finished, "AGENT_HOSTNAME", "no name");
    let finished = agent(&root, "http://127.0.0.1:9").args(["--dry-run", "--hostname", "n1"]).finish();
    assert_eq!(finished.code, Some(0));
}

#[test]
fn proxies_that_are_not_spoken_to_are_refused() {
    let root = Root::public();
    for (variable, value) in [
        ("ALL_PROXY", "socks5://127.0.0.1:1080"),
        ("HTTPS_PROXY", "https://127.0.0.1:3128"),
        ("http_proxy", "socks4://127.0.0.1:1080"),
        ("https_proxy", "http://"),
    ] {
        let finished = agent(&root, "http://127.0.0.1:9").env(variable, value).args(["--once"]).finish();
        assert_refused(&finished, variable, value);
    }
}

/// Registers at `hub` and says with which key, and what.
fn once(launch: crate::common::agent::Launch, hub: &Hub) -> (Option<String>, sigma_protocol::Registration) {
    let finished = launch.args(["--once"]).finish();
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), ""), "{}", finished.stderr);
    let (first, second) = (hub.next(), hub.next());
    let key = first.header("x-api-key").map(str::to_owned);
    assert_eq!(second.header("x-api-key").map(str::to_owned), key);
    second.heartbeat();
    (key, first.registration())
}

#[test]
fn every_variable_counts_and_a_flag_wins_over_it() {
    let (root, hub, other) = (Root::public(), Hub::good(), Hub::good());
    let with_variables = || {
        agent(&root, &hub.url())
            .env("AGENT_HOSTNAME", "by-variable")
            .env("AGENT_SSH_PORT", "2222")
            .env("AGENT_INTERVAL", "77")
    };
    let (key, said) = once(with_variables(), &hub);
    assert_eq!((key.as_deref(), said.hostname.as_str(), said.ssh_port), (Some(KEY), "by-variable", 2222));
    assert_eq!(said.agent.unwrap().interval_seconds, Some(77));
    assert_eq!(said.ip_addresses[0].ip.to_string(), "95.216.1.2");

    let elsewhere = Root::nat();
    let flags = [
        ("--api-url", format!("{}/", other.url())),
        ("--api-key", "other-key".to_owned()),
        ("--hostname", "by-flag".to_owned()),
        ("--ssh-port", "2223".to_owned()),
        ("--interval", "78".to_owned()),
        ("--host-root", elsewhere.path().to_str().unwrap().to_owned()),
        ("--log", "error".to_owned()),
        ("--ip-lookup", "off".to_owned()),
    ];
    let bad_where_unused = with_variables().env("AGENT_IP_LOOKUP", "nonsense").env("SIGMA_LOG", "loud");
    let (key, said) = once(bad_where_unused.args(flags.iter().flat_map(|(f, v)| [*f, v])), &other);
    assert_eq!((key.as_deref(), said.hostname.as_str(), said.ssh_port), (Some("other-key"), "by-flag", 2223));
    assert_eq!(said.agent.unwrap().interval_seconds, Some(78));
    assert_eq!(said.ip_addresses[0].ip.to_string(), "10.0.0.5");
    assert!(hub.next_within(std::time::Duration::ZERO).is_none());
}

#[test]
fn an_empty_variable_is_not_set() {
    let root = Root::public();
    let mut launch = agent(&root, "").unset("SIGMA_API_KEY").env("AGENT_HOSTNAME", "");
    for variable in VARIABLES.iter().filter(|variable| **variable != "AGENT_HOST_ROOT") {
        launch = launch.env(variable, "");
    }
    for proxy in ["HTTP_PROXY", "https_proxy", "ALL_PROXY", "NO_PROXY", "NOTIFY_SOCKET", "WATCHDOG_USEC"] {
        launch = launch.env(proxy, "");
    }
    let finished = launch.args(["--dry-run"]).finish();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let said: sigma_protocol::Registration = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!((said.hostname.as_str(), said.ssh_port), ("web-01", 22));
    assert_eq!(said.agent.unwrap().interval_seconds, Some(60));
}

#[test]
fn the_key_comes_from_the_nearest_place() {
    let (root, hub) = (Root::public(), Hub::good());
    root.write("file", "of-file\n");
    root.write("other", "of-other-file");
    root.write("credentials/sigma-api-key", " of-systemd \n");
    let at = |file: &str| root.path().join(file);
    let systemd =
        || agent(&root, &hub.url()).unset("SIGMA_API_KEY").env("CREDENTIALS_DIRECTORY", at("credentials"));
    let file = || systemd().env("SIGMA_API_KEY_FILE", at("file"));
    let key = || file().env("SIGMA_API_KEY", "of-variable");
    let file_flag = || key().args(["--api-key-file".into(), at("other")]);
    let key_flag = || file_flag().args(["--api-key", "of-flag"]);
    let none = || systemd().env("CREDENTIALS_DIRECTORY", at("etc"));
    let keys = [none(), systemd(), file(), key(), file_flag(), key_flag()].map(|launch| once(launch, &hub).0);
    let expected = ["of-systemd", "of-file", "of-variable", "of-other-file", "of-flag"].map(Some);
    assert_eq!(keys[0], None);
    assert_eq!(keys.iter().skip(1).map(Option::as_deref).collect::<Vec<_>>(), expected);
}

/// Faults 19 and 31: through every kind of answer, with the most talkative log.
#[test]
fn the_key_is_nowhere_to_be_seen() {
    let root = Root::public();
    root.write("key", KEY);
    // A hub may say again what it was sent.
    let answers = [200, 400, 302, 404, 410];
    together([false, true], |by_file| {
        let hub = Hub::start(move |request, link| {
            let status = answers[request.number % answers.len()];
            let body = if status == 200 {
                RECORD.replace("6d2c2a5e", KEY)
            } else {
                format!(r#"{{"error":"No {KEY}!"}}"#)
            };
            say(link, status, &format!("location: http://elsewhere/{KEY}\r\n"), &body)
        });
        let launch = agent(&root, &hub.url());
        let running = match by_file {
            true => launch.unset("SIGMA_API_KEY").env("SIGMA_API_KEY_FILE", root.path().join("key")).start(),
            false => launch.start(),
        };
        for _ in answers {
            assert_eq!(hub.next().header("x-api-key"), Some(KEY));
        }
        running.says("(410");
        assert!(!running.proc("cmdline").contains(KEY));
        assert!(!running.log().contains(KEY), "{}", running.log());
    });
}
