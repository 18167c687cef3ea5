//! Text that wants to be more than text, in every field that an agent or a person fills.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::at;
use crate::browser::{Browser, EMAIL, administrator, expect};
use crate::http::{Answer, Connection};
use crate::hub::{Folder, token_of};

/// What stands for the name of the field, so that one sees which it was that ran.
const FIELD: &str = "FIELD";
/// One machine has each of these in all of its fields.
pub(crate) const TEXTS: [&str; 9] = [
    "<img src=x onerror=ran('FIELD')>",
    "\"'><svg/onload=ran('FIELD')>",
    "\" autofocus onfocus=ran('FIELD') x=\"",
    "' autofocus onfocus=ran('FIELD') x='",
    "</title></textarea><script>ran('FIELD')</script>",
    "javascript:ran('FIELD')",
    "{{7*7}}${7*7}<%=7*7%>ran('FIELD')",
    "=ran('FIELD')|' /C calc'!A0",
    "a;=ran('FIELD'),=1+1;@b\"",
];
/// Cells begin with these as well.
pub(crate) const FORMULAS: [&str; 8] =
    ["@SUM(1)", "+1+1", "-1+1", "'=1+1", "\u{ff1d}1+1", "a;+1+1", "a,\"-1+1", " =1+1"];
/// What would be a line of the log.
pub(crate) const FORGED: &str = "2026-01-01T00:00:00.000Z ERROR forged";
/// What no field takes.
const BROKEN: [&str; 13] = [
    "a\0b",
    "a\u{1b}[31mb",
    "a\u{7f}b",
    "a\u{85}b",
    "a\u{202e}b",
    "a\u{2066}b",
    "a\u{200f}b",
    "a\u{200b}b",
    "a\u{2028}b",
    "a\u{feff}b",
    "a\rb",
    "a\nb",
    "a\n2026-01-01T00:00:00.000Z ERROR forged",
];
/// Text that an agent says, by its path.
const OF_AGENTS: [&str; 13] = [
    "alias",
    "ip_addresses.label",
    "system_info.kernel",
    "system_info.os",
    "system_info.arch",
    "system_info.virtualization",
    "system_info.cpu_model",
    "system_info.vendor",
    "system_info.product",
    "system_info.asset_tag",
    "agent.version",
    "machine.boot_id",
    "unknown",
];
/// Text of a stricter kind, which takes none of it.
const STRICT_OF_AGENTS: [&str; 2] = ["hostname", "machine.id"];
const OF_MACHINES: [&str; 8] =
    ["alias", "city", "dc_name", "purpose", "vpn_protocol", "notes", "tags", "ip_addresses.label"];
const STRICT_OF_MACHINES: [&str; 7] =
    ["hostname", "country", "currency", "purchase_date", "expire_date", "cost_monthly", "status"];
const OF_PROVIDERS: [&str; 4] = ["name", "notes", "website", "panel_url"];
/// These may have line ends.
const OF_LINES: [&str; 2] = ["machine notes", "provider notes"];

/// What became of it.
#[derive(Default)]
pub(crate) struct Poisoned {
    /// Fields that took such text, and how many of them.
    pub(crate) taken: BTreeMap<String, usize>,
    pub(crate) refused: usize,
}

/// A hub whose every field has been tried, and its owner.
pub(crate) fn poison(folder: &Folder) -> Result<(Browser, Poisoned), String> {
    let mut owner = administrator(folder)?;
    let key = folder.key("agent")?;
    let mut agent = Connection::open(folder.address, Some(&key)).map_err(at("agent"))?;
    let mut poisoned = Poisoned::default();
    for (number, text) in TEXTS.iter().enumerate() {
        poisoned.machine(&mut agent, &mut owner, number, text)?;
        poisoned.provider(&mut owner, number, text)?;
        poisoned.keys_and_persons(&mut owner, folder, number, text)?;
    }
    poisoned.formulas(&mut owner)?;
    for text in BROKEN {
        poisoned.broken(&mut agent, &mut owner, text)?;
    }
    // The list of sessions says which browser each is of.
    for text in TEXTS {
        Browser::named(folder, &text.replace(FIELD, "browser")).enter(EMAIL)?;
    }
    Ok((owner, poisoned))
}

/// The members of a message with one of them set: `a.b`, or a label or tag in its list.
fn with(field: &str, text: &str, mut members: Value) -> Value {
    let (name, value) = match field.split_once('.') {
        Some(("ip_addresses", _)) => ("ip_addresses", json!([{"ip": "203.0.113.7", "label": text}])),
        Some((outer, inner)) => (outer, json!({inner: text})),
        // A comma divides them where they are typed.
        None if field == "tags" => (field, json!([text.replace(',', ";")])),
        None => (field, json!(text)),
    };
    if let Some(members) = members.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
    members
}

impl Poisoned {
    /// Notes what the hub says to such text: it takes it, or refuses it by the name of the field.
    fn note(&mut self, field: &str, text: &str, answer: &Answer, must: Option<bool>) -> Result<(), String> {
        let said = answer.text("error");
        let name = field.split_once(' ').map_or(field, |(_, name)| name);
        let inner = name.split(['.', '[']).next_back().unwrap_or(name);
        let wrong =
            |what: &str| Err(format!("{field} with {text:?} {what}: {} {}", answer.status, answer.body));
        match (answer.status, must) {
            (200 | 201, Some(false)) => return wrong("is taken"),
            (200 | 201, _) => *self.taken.entry(field.to_owned()).or_default() += 1,
            (400, Some(true)) => return wrong("is refused"),
            (400, _) if said.contains(inner) => self.refused += 1,
            _ => return wrong("is answered"),
        }
        if answer.body.chars().any(|c| sigma_protocol::is_unprintable(c) && !matches!(c, '\n' | '\t')) {
            return wrong("is echoed as it is");
        }
        Ok(())
    }

    /// All that an agent and a person say of one machine, one after the other.
    fn machine(
        &mut self,
        agent: &mut Connection,
        owner: &mut Browser,
        number: usize,
        text: &str,
    ) -> Result<(), String> {
        let hostname = format!("hostile-{number}");
        let mut id = String::new();
        for field in OF_AGENTS.iter().chain(&STRICT_OF_AGENTS) {
            let strict = STRICT_OF_AGENTS.contains(field);
            let text = text.replace(FIELD, field);
            let body = with(field, &text, json!({"hostname": hostname})).to_string();
            let answer = agent.post("/api/agent/register", body.as_bytes()).map_err(at("register"))?;
            self.note(&format!("agent {field}"), &text, &answer, Some(!strict))?;
            if answer.status == 200 {
                id = answer.text("id");
            }
        }
        let path = format!("/api/vps/{id}");
        for field in OF_MACHINES.iter().chain(&STRICT_OF_MACHINES) {
            let strict = STRICT_OF_MACHINES.contains(field);
            let text = text.replace(FIELD, field);
            let answer = owner.json("PUT", &path, &with(field, &text, json!({})))?;
            self.note(&format!("machine {field}"), &text, &answer, Some(!strict))?;
        }
        Ok(())
    }

    fn provider(&mut self, owner: &mut Browser, number: usize, text: &str) -> Result<(), String> {
        for field in OF_PROVIDERS {
            let is_url = matches!(field, "website" | "panel_url");
            let text = text.replace(FIELD, field);
            // A URL has no spaces.
            let text = if is_url && !text.contains("script:") {
                format!("https://example.org/{}", text.replace(' ', "/"))
            } else {
                text
            };
            let name = format!("Provider {number} {field}");
            let answer = owner.json("POST", "/api/providers", &with(field, &text, json!({"name": name})))?;
            let must = if is_url { Some(!text.starts_with("javascript:")) } else { Some(true) };
            self.note(&format!("provider {field}"), &text, &answer, must)?;
        }
        Ok(())
    }

    fn keys_and_persons(
        &mut self,
        owner: &mut Browser,
        folder: &Folder,
        number: usize,
        text: &str,
    ) -> Result<(), String> {
        for field in ["name", "tags"] {
            let text = text.replace(FIELD, field);
            let order = json!({"name": format!("key {number}"), "role": "agent"});
            let answer = owner.json("POST", "/api/keys", &with(field, &text, order))?;
            self.note(&format!("key {field}"), &text, &answer, Some(true))?;
        }
        let email = format!("{number}{}@example.org", text.replace(FIELD, "email").replace([' ', '@'], "/"));
        let answer = owner.json("POST", "/api/accounts", &json!({"email": email, "role": "readonly"}))?;
        self.note("account email", &email, &answer, None)?;
        if answer.status == 201 {
            Browser::new(folder).follow(&token_of(&answer.text("link"))?, &email)?;
        }
        Ok(())
    }

    fn formulas(&mut self, owner: &mut Browser) -> Result<(), String> {
        for (number, text) in FORMULAS.into_iter().enumerate() {
            let mut machine = json!({"hostname": format!("formula-{number}")});
            for field in OF_MACHINES {
                machine = with(field, text, machine);
            }
            let made = owner.json("POST", "/api/vps", &machine)?;
            expect(&made, 201, text)?;
            let provider = json!({"name": text, "notes": format!("{text}\n{text}\n\n\t{text}\t=1")});
            expect(&owner.json("POST", "/api/providers", &provider)?, 201, text)?;
        }
        let notes = json!({"hostname": "-lines-", "notes": "a\n=1+1\n- one\n\n-two\n'=3", "tags": ["a", "=b", "@c;-d", "'=e"]});
        expect(&owner.json("POST", "/api/vps", &notes)?, 201, "lines of formulas")
    }

    fn broken(&mut self, agent: &mut Connection, owner: &mut Browser, text: &str) -> Result<(), String> {
        for field in OF_AGENTS.iter().chain(&STRICT_OF_AGENTS).filter(|field| **field != "unknown") {
            let body = with(field, text, json!({"hostname": "broken"})).to_string();
            let answer = agent.post("/api/agent/register", body.as_bytes()).map_err(at("register"))?;
            self.note(&format!("agent {field}"), text, &answer, Some(false))?;
        }
        // Another name each time: what is taken stays.
        let name = format!("broken-{}", self.refused);
        for (noun, fields, path, base) in [
            ("machine", &OF_MACHINES[..], "/api/vps", json!({"hostname": name})),
            ("machine", &STRICT_OF_MACHINES, "/api/vps", json!({"hostname": name})),
            ("provider", &OF_PROVIDERS, "/api/providers", json!({"name": name})),
            ("key", &["name", "tags"], "/api/keys", json!({"name": "broken", "role": "agent"})),
            ("account", &["email"], "/api/accounts", json!({"role": "readonly"})),
        ] {
            for field in fields {
                let name = format!("{noun} {field}");
                let may_be_lines = OF_LINES.contains(&&*name) && text.contains(['\n', '\r']);
                let must = if may_be_lines { None } else { Some(false) };
                let body = with(field, text, base.clone());
                let answer = owner.json("POST", path, &body)?;
                self.note(&name, text, &answer, must)?;
            }
        }
        Ok(())
    }
}
