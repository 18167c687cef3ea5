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

/// What each part of the agent may import; `main` may all.
const AGENT: &[(&str, &[&str])] = &[
    ("main.rs", &["agent", "client", "config", "journal", "models"]),
    ("agent.rs", &["client", "config", "life", "models", "nat", "notify", "system"]),
    ("client.rs", &["models", "url"]),
    ("client", &["models", "url"]),
    ("config.rs", &["url"]),
    ("journal.rs", &[]),
    ("life.rs", &["models"]),
    ("models.rs", &["system"]),
    ("nat.rs", &["client", "system", "url"]),
    ("notify.rs", &[]),
    ("system.rs", &[]),
    ("system", &[]),
    ("url.rs", &[]),
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

/// Modules of the crate that `code` names.
fn imported(code: &str) -> Vec<&str> {
    code.split("crate::")
        .skip(1)
        .map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap())
        .collect()
}

#[test]
fn the_agent_imports_in_one_direction() {
    let root = workspace().join("sigma-agent/src");
    let mut broken = Vec::new();
    for file in sources(&root) {
        let place = file.strip_prefix(&root).unwrap();
        let rule = AGENT.iter().find(|(of, _)| place.starts_with(of));
        let (of, may) = rule.unwrap_or_else(|| panic!("{} has no rule", place.display()));
        let code = code(&file);
        broken.extend(
            imported(&code).iter().filter(|name| !may.contains(name)).map(|name| format!("{of} -> {name}")),
        );
        let names = |word: &str| code.match_indices(word).any(|(at, _)| is_word_at(&code, at, word));
        let of_client = ["client", "client.rs"].contains(of);
        broken.extend(
            AGENT_HTTP.iter().filter(|word| !of_client && names(word)).map(|word| format!("{of} -> {word}")),
        );
    }
    assert_eq!(broken, Vec::<String>::new());
    assert_eq!(imported("use crate::http::x;\nlet y = crate::config::z();"), ["http", "config"]);
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
