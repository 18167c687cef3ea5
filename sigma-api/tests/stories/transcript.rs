//! A conversation with the hub, request by request: `tests/golden/api.txt` has what is asked, and what is answered.
//!
//! `UPDATE_GOLDENS=1 cargo test` writes the answers anew. Ids, times and keys differ from run to run: ids are numbered in the
//! order in which they appear, and a request may name them so.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::common::{Answer, Folder};

/// A request: `> METHOD PATH as ROLE`, lines `| header: value`, and lines of a body.
#[derive(Debug)]
struct Step {
    comments: String,
    line: String,
    headers: Vec<(String, String)>,
    body: String,
}

fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let (mut comments, mut in_request) = (String::new(), false);
    for line in text.lines() {
        if let Some(request) = line.strip_prefix("> ") {
            in_request = true;
            let comments = std::mem::take(&mut comments);
            steps.push(Step { comments, line: request.to_owned(), headers: Vec::new(), body: String::new() });
        } else if line.starts_with('#') {
            in_request = false;
            comments += &format!("{line}\n");
        } else if line.starts_with("< ") || line.is_empty() {
            in_request = false;
        } else if in_request {
            let step = steps.last_mut().unwrap();
            match line.strip_prefix("| ") {
                Some(header) => {
                    let (name, value) = header.split_once(": ").unwrap();
                    step.headers.push((name.to_owned(), value.to_owned()));
                }
                None => step.body += &format!("{line}\n"),
            }
        }
    }
    steps
}

/// What differs from run to run, and what it is called here.
#[derive(Default)]
struct Names(BTreeMap<String, String>);

impl Names {
    /// An answer's text with names in the place of ids, times and keys.
    fn hide(&mut self, text: &str) -> String {
        let mut hidden = String::new();
        let mut rest = text;
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.');
        while let Some(start) = rest.find(is_part) {
            let (before, from) = rest.split_at(start);
            let end = from.find(|c| !is_part(c)).unwrap_or(from.len());
            // What ends a sentence is no part of its last word.
            let word = from.get(..end).unwrap_or_default().trim_end_matches(['.', ':']);
            let (word, after) = from.split_at(word.len().max(1));
            hidden += before;
            hidden += &self.name(word);
            rest = after;
        }
        hidden + rest
    }

    fn name(&mut self, word: &str) -> String {
        if uuid::Uuid::parse_str(word).is_ok() && word.len() == 36 {
            let next = format!("<id-{}>", self.0.len() + 1);
            return self.0.entry(word.to_owned()).or_insert(next).clone();
        }
        let bytes = word.as_bytes();
        if bytes.len() >= 20 && bytes[4] == b'-' && bytes[10] == b'T' && word.ends_with('Z') {
            return "<time>".to_owned();
        }
        if word.starts_with("sgm_") && word.len() >= 12 {
            return if word.len() > 12 { "<key>".to_owned() } else { "<prefix>".to_owned() };
        }
        if word.starts_with("sigma-") && (word.ends_with(".csv") || word.ends_with(".json")) {
            // Files are named after the day.
            return word.split('-').take(2).collect::<Vec<_>>().join("-") + "-<day>";
        }
        word.to_owned()
    }

    /// A request's text with the ids that its names stand for.
    fn reveal(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (id, name)| text.replace(name.as_str(), id))
    }
}

fn shown(answer: &Answer, names: &mut Names) -> String {
    let mut shown = format!("< {}", answer.status);
    for header in ["etag", "location", "content-disposition"] {
        let value = answer.head.lines().find_map(|line| line.strip_prefix(&format!("{header}: ")));
        if let Some(value) = value {
            write!(shown, " {header}: {}", names.hide(value)).unwrap();
        }
    }
    shown.push('\n');
    let text = match serde_json::from_str::<Value>(&answer.text) {
        Ok(json) => serde_json::to_string_pretty(&json).unwrap(),
        Err(_) => answer.text.clone(),
    };
    for line in names.hide(&text).lines() {
        // An empty line ends an answer, and a step begins with its mark.
        writeln!(shown, "  {line}").unwrap();
    }
    shown
}

fn path_of_golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/api.txt")
}

/// The operations of the description that the conversation uses: the path with the fewest parameters that fits.
fn operation_of(line: &str, described: &BTreeSet<String>) -> String {
    let (method, rest) = line.split_once(' ').unwrap();
    let path = rest.split(['?', ' ']).next().unwrap();
    let fits = |operation: &&String| {
        let (its_method, its_path) = operation.split_once(' ').unwrap();
        let (its, ours): (Vec<&str>, Vec<&str>) = (its_path.split('/').collect(), path.split('/').collect());
        its_method == method
            && its.len() == ours.len()
            && its.iter().zip(&ours).all(|(its, ours)| its.starts_with('{') || its == ours)
    };
    let found = described.iter().filter(fits).min_by_key(|operation| operation.matches('{').count());
    found.unwrap_or_else(|| panic!("{line} is not described")).clone()
}

#[test]
fn the_hub_answers_as_it_was_agreed() {
    let committed = std::fs::read_to_string(path_of_golden()).unwrap();
    let folder = Folder::new();
    let roles = ["agent", "readonly", "operator", "admin"];
    let keys: BTreeMap<&str, String> = roles.iter().map(|role| (*role, folder.key(role))).collect();
    let hub = folder.start();
    let description = hub.send("GET", "/api/openapi.json", &[], b"").json();
    let described: BTreeSet<String> = description["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    let (mut names, mut now, mut used) = (Names::default(), String::new(), BTreeSet::new());
    for step in steps(&committed) {
        let operation = operation_of(&step.line, &described);
        let (request, role) = step.line.rsplit_once(" as ").unwrap();
        let (method, path) = request.split_once(' ').unwrap();
        let mut headers: Vec<(&str, &str)> = Vec::new();
        if let Some(key) = keys.get(role) {
            headers.push(("x-api-key", key));
        }
        if !step.body.is_empty() {
            headers.push(("content-type", "application/json"));
        }
        headers.extend(step.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let body = names.reveal(&step.body);
        let answer = hub.send(method, &names.reveal(path), &headers, body.as_bytes());
        described_as(&description, &operation, &answer);
        used.insert(operation);
        now += &format!("{}> {}\n", step.comments, step.line);
        step.headers.iter().for_each(|(name, value)| now += &format!("| {name}: {value}\n"));
        now += &format!("{}{}\n", step.body, shown(&answer, &mut names));
    }
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        std::fs::write(path_of_golden(), &now).unwrap();
    }
    let committed = std::fs::read_to_string(path_of_golden()).unwrap();
    for (line, (is, was)) in now.lines().zip(committed.lines()).enumerate() {
        assert_eq!(is, was, "tests/golden/api.txt, line {}; see the head of this test", line + 1);
    }
    assert_eq!(now.len(), committed.len(), "tests/golden/api.txt goes on");
    let unused: Vec<&String> = described.difference(&used).filter(|path| !is_told_elsewhere(path)).collect();
    assert_eq!(unused, Vec::<&String>::new(), "no request of the conversation uses these");
}

/// Checks an answer against what the description promises: its status, and the form of its JSON.
fn described_as(description: &Value, operation: &str, answer: &Answer) {
    let (method, path) = operation.split_once(' ').unwrap();
    let responses = &description["paths"][path][method.to_lowercase()]["responses"];
    let response = &responses[answer.status.to_string()];
    assert!(response.is_object(), "{operation} is not said to answer {}: {}", answer.status, answer.text);
    let schema = &response["content"]["application/json"]["schema"];
    if schema.is_null() {
        return;
    }
    let whole = json!({"$ref": "#/x", "x": schema, "components": description["components"]});
    let validator = jsonschema::validator_for(&whole).unwrap();
    let mistakes: Vec<String> = validator
        .iter_errors(&answer.json())
        .map(|mistake| format!("{}: {mistake}", mistake.instance_path()))
        .collect();
    assert_eq!(mistakes, Vec::<String>::new(), "{operation} {}: {}", answer.status, answer.text);
}

/// What the OpenAPI document must be besides being JSON: its schemas are JSON Schema, and what it refers to exists.
#[test]
fn the_description_is_sound() {
    let folder = Folder::new();
    let description = folder.start().send("GET", "/api/openapi.json", &[], b"").json();
    for (name, schema) in description["components"]["schemas"].as_object().unwrap() {
        assert!(jsonschema::meta::is_valid(schema), "{name} is no JSON Schema: {schema}");
    }
    let mut ids = BTreeSet::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no id"));
            assert!(ids.insert(id.to_owned()), "{id} is there twice");
            assert!(!operation["responses"].as_object().unwrap().is_empty(), "{method} {path}");
            let named: BTreeSet<&str> = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|parameter| parameter["in"] == "path")
                .map(|parameter| parameter["name"].as_str().unwrap())
                .collect();
            let in_path = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
            assert_eq!(named, in_path.collect(), "parameters of {method} {path}");
        }
    }
    let text = description.to_string();
    for rest in text.split("\"$ref\":\"#").skip(1) {
        let pointer = rest.split('"').next().unwrap();
        assert!(description.pointer(pointer).is_some(), "{pointer} is not there");
    }
}

/// What only a person who signed in can do and the metrics have stories of their own, and the description is a golden.
fn is_told_elsewhere(operation: &str) -> bool {
    let elsewhere = ["/api/account", "/api/session", "/api/setup", "/api/openapi.json", "/metrics"];
    elsewhere.iter().any(|path| operation.contains(path))
}
