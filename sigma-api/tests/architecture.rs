//! Who may import whom. Reads the sources of both programs, and fails on an arrow that runs the wrong way.
#![expect(clippy::string_slice, clippy::unwrap_used, reason = "a test that reads its own sources")]

use std::fs;
use std::path::{Path, PathBuf};

/// Files below a folder (or one file), and words that must not occur in their code.
struct Rule {
    of: &'static str,
    never: &'static [&'static str],
}

const HUB: &[Rule] = &[
    Rule {
        of: "model",
        never: &[
            "crate::store",
            "crate::service",
            "crate::http",
            "crate::config",
            "sea_orm",
            "sqlx",
            "axum",
            "hyper",
            "tokio",
        ],
    },
    Rule {
        of: "store",
        never: &["crate::service", "crate::http", "crate::config", "axum", "hyper", "tower"],
    },
    Rule {
        of: "service",
        never: &[
            "crate::http",
            "crate::config",
            "axum",
            "hyper",
            "tower",
            "sea_orm",
            "sqlx",
            "SELECT ",
            "UPDATE ",
        ],
    },
    Rule {
        of: "http",
        never: &["crate::config", "crate::commands", "sea_orm", "sqlx", "SELECT ", "UPDATE "],
    },
    Rule { of: "config.rs", never: &["crate::http", "crate::service", "crate::store"] },
    Rule { of: "main.rs", never: &["sea_orm", "axum", "hyper", "sqlx"] },
];

const AGENT: &[Rule] = &[
    Rule { of: "system", never: &["crate::config", "crate::client", "crate::life", "ureq_proto", "rustls"] },
    Rule {
        of: "system.rs",
        never: &["crate::config", "crate::client", "crate::life", "ureq_proto", "rustls"],
    },
    Rule { of: "client", never: &["crate::config", "crate::system", "crate::life"] },
    Rule { of: "client.rs", never: &["crate::config", "crate::system", "crate::life"] },
];

/// HTTP and TLS are known to the agent's client alone.
const AGENT_HTTP: &[&str] = &["ureq_proto", "rustls"];

fn sources(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let Ok(entries) = fs::read_dir(path) else { return Vec::new() };
    entries
        .flat_map(|entry| sources(&entry.unwrap().path()))
        .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// The code of a file, without its comments.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn is_word_at(code: &str, at: usize, word: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    !code[..at].chars().next_back().is_some_and(part_of_name)
        && !code[at + word.trim_end().len()..].chars().next().is_some_and(part_of_name)
}

fn broken(root: &Path, rules: &[Rule]) -> Vec<String> {
    let mut broken = Vec::new();
    for rule in rules {
        for file in sources(&root.join(rule.of)) {
            let code = code(&file);
            for word in rule.never {
                if code.match_indices(word).any(|(at, _)| is_word_at(&code, at, word)) {
                    broken.push(format!("{} names {word:?}", file.display()));
                }
            }
        }
    }
    broken
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

#[test]
fn the_hub_imports_in_one_direction() {
    let root = workspace().join("sigma-api/src");
    for rule in HUB {
        assert!(!sources(&root.join(rule.of)).is_empty(), "there is nothing at {}", rule.of);
    }
    assert_eq!(broken(&root, HUB), Vec::<String>::new());
}

#[test]
fn the_agent_imports_in_one_direction() {
    let root = workspace().join("sigma-agent/src");
    let mut broken = broken(&root, AGENT);
    for file in sources(&root) {
        let of_client = file == root.join("client.rs") || file.starts_with(root.join("client"));
        let code = code(&file);
        for word in AGENT_HTTP.iter().filter(|_| !of_client) {
            if code.match_indices(word).any(|(at, _)| is_word_at(&code, at, word)) {
                broken.push(format!("{} names {word:?}", file.display()));
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn a_wrong_arrow_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("store")).unwrap();
    fs::write(folder.path().join("store/a.rs"), "// axum\nuse crate::{model, http::error};\n").unwrap();
    assert!(
        broken(folder.path(), HUB).is_empty(),
        "grouped imports from the crate root are refused by the next test"
    );
    fs::write(folder.path().join("store/a.rs"), "use crate::http::error;\n").unwrap();
    assert_eq!(broken(folder.path(), HUB).len(), 1);
}

#[test]
fn imports_from_the_crate_root_are_not_grouped() {
    let all = [workspace().join("sigma-api/src"), workspace().join("sigma-agent/src")];
    let grouped: Vec<_> = all
        .iter()
        .flat_map(|root| sources(root))
        .filter(|file| code(file).contains("use crate::{"))
        .collect();
    assert_eq!(grouped, Vec::<PathBuf>::new(), "the rules above read `crate::module`");
}
