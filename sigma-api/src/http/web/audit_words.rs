//! Lines of the audit log as a person reads them: who did what, to what, and from which to which value each member went.

use serde_json::Value;
use uuid::Uuid;

use super::words::{Moment, exact};
use crate::model::audit::{Actor, ActorKind, AuditEntry, Changes, Subject};
use crate::model::time::Timestamp;
use crate::model::undo::can_be_undone;
use crate::service::names::Names;
use crate::service::{Error, Hub};

/// A longer text is shortened, and shown whole when asked for.
const LONG_CHARS: usize = 60;
/// So many characters of an id or a hash tell it from others.
const SHORT_CHARS: usize = 12;

/// A line of the log. `audit_line.html` shows it.
pub(super) struct AuditLine {
    pub(super) when: Moment,
    pub(super) who: Who,
    /// What was done, up to the name of what it was done to.
    pub(super) did: String,
    /// Empty where it was who did it, and where the page is about it.
    pub(super) subject: String,
    /// Where the subject can be looked at; empty if it is no more, or has no page.
    pub(super) href: String,
    pub(super) changes: Vec<Change>,
    /// The bulk change that it is a part of.
    pub(super) bulk: Option<Part>,
}

/// A bulk change.
pub(super) struct Part {
    pub(super) id: Uuid,
    /// Whether it can still be taken back.
    pub(super) is_fresh: bool,
}

/// Who did it.
pub(super) struct Who {
    /// `key`, `agent of`; a person and the hub need no such word.
    pub(super) kind: &'static str,
    /// Empty for the agent of what the page is about.
    pub(super) name: String,
    /// Where the request came from; empty if that is not known.
    pub(super) from: String,
}

/// What became of a member.
pub(super) struct Change {
    pub(super) member: String,
    /// Of a list: what was taken away. `None`: nothing.
    pub(super) from: Option<Said>,
    /// Of a list: what was added. `None`: nothing.
    pub(super) to: Option<Said>,
    pub(super) is_list: bool,
}

/// A value in words.
pub(super) struct Said {
    pub(super) short: String,
    /// The whole of it, where that is longer.
    pub(super) whole: Option<String>,
}

impl AuditLine {
    /// The line, with the names of those that it is about: [`crate::service::Hub::names_in`] finds them.
    pub(super) fn new(now: Timestamp, line: AuditEntry, names: &Names) -> Self {
        let to_self = (line.subject.id.is_some() && line.subject.id == line.actor.id)
            .then(|| to_self(&line.action))
            .flatten();
        Self {
            when: Moment::new(now, line.at),
            who: who(line.actor),
            did: to_self.map_or_else(|| did(&line.action), str::to_owned),
            href: page_of(&line.subject, names).unwrap_or_default(),
            subject: if to_self.is_some() { String::new() } else { line.subject.name },
            bulk: line.changes.bulk().map(|id| Part { id, is_fresh: can_be_undone(now, line.at) }),
            changes: changes(&line.changes, names),
        }
    }

    /// The line on the page of what it is about, which says `it` instead of the name.
    pub(super) fn of_it(now: Timestamp, line: AuditEntry, names: &Names) -> Self {
        let did = of_it(&line.action);
        let is_its_agent = line.actor.kind == ActorKind::Agent;
        let mut line = Self::new(now, line, names);
        if is_its_agent {
            (line.who.kind, line.who.name) = ("its agent", String::new());
        }
        Self { did, subject: String::new(), ..line }
    }
}

/// Lines as the page of what they are about says them.
pub(super) async fn lines_of_it(
    hub: &Hub,
    now: Timestamp,
    lines: Vec<AuditEntry>,
) -> Result<Vec<AuditLine>, Error> {
    let names = hub.names_in(&lines).await?;
    Ok(lines.into_iter().map(|line| AuditLine::of_it(now, line, &names)).collect())
}

fn who(actor: Actor) -> Who {
    let (kind, name) = match actor.kind {
        ActorKind::Account => ("", actor.name),
        ActorKind::Key => ("key", actor.name),
        ActorKind::Agent => ("agent of", actor.name),
        ActorKind::Hub => ("", "the hub".to_owned()),
    };
    Who { kind, name, from: actor.client_ip.map(|ip| ip.to_string()).unwrap_or_default() }
}

fn page_of(subject: &Subject, names: &Names) -> Option<String> {
    let id = subject.id?;
    match &*subject.kind {
        "vps" => names.machines.contains_key(&id).then(|| format!("/vps/{id}")),
        "provider" => names.providers.contains_key(&id).then(|| format!("/providers/{id}")),
        _ => None,
    }
}

/// Actions with what they are called; a name follows. Filters of the log list them in this order.
pub(super) const ACTIONS: &[(&str, &str)] = &[
    ("vps.create", "added the machine"),
    ("vps.update", "changed the machine"),
    ("vps.assign", "accepted the suggested provider of the machine"),
    ("vps.retire", "retired the machine"),
    ("vps.delete", "deleted the machine"),
    ("vps.restore", "brought back the machine"),
    ("vps.undo", "took back a change of the machine"),
    ("vps.import", "imported the machine"),
    ("vps.merge", "merged another record into the machine"),
    ("vps.distinct", "told others apart from the machine"),
    ("vps.acknowledge", "took note of what was marked at the machine"),
    ("vps.register", "registered the machine"),
    ("vps.enrol", "registered anew the machine"),
    ("vps.addresses", "reported other addresses of the machine"),
    ("vps.facts", "measured a change of the machine"),
    ("vps.rename", "reported another name of the machine"),
    ("vps.reinstall", "reported a reinstallation of the machine"),
    ("vps.return", "reported the return of the machine"),
    ("vps.key", "reported with another key for the machine"),
    ("vps.rekeyed", "reported with another key, its own still valid, for the machine"),
    ("vps.conflict", "reported under a name in use by the machine"),
    ("vps.clone", "reported what looks like a clone of the machine"),
    ("vps.refuse", "still reports for the deleted machine"),
    ("provider.create", "added the provider"),
    ("provider.update", "changed the provider"),
    ("provider.delete", "deleted the provider"),
    ("provider.import", "imported the provider"),
    ("key.create", "made the key"),
    ("key.update", "changed the key"),
    ("key.rotate", "rotated the key"),
    ("key.rotate_undone", "took back the rotation of the key"),
    ("key.revoke", "revoked the key"),
    ("account.setup_link", "made a set-up link for"),
    ("account.create", "made the account"),
    ("account.invite", "invited"),
    ("account.update", "changed the account"),
    ("account.password", "changed the password of"),
    ("account.delete", "deleted the account"),
    ("account.recovery_code", "used a recovery code of"),
    ("session.create", "signed in as"),
    ("session.end", "ended a session of"),
];

fn did(action: &str) -> String {
    let known = ACTIONS.iter().find(|(name, _)| *name == action);
    known.map_or_else(|| format!("did {action} to"), |(_, words)| (*words).to_owned())
}

/// What was done to what the page is about.
fn of_it(action: &str) -> String {
    let did = did(action);
    match action {
        "vps.enrol" => "registered it anew".to_owned(),
        "vps.conflict" => "reported a name that another machine has".to_owned(),
        "vps.clone" => "reported a machine id that another machine has".to_owned(),
        "vps.undo" => "took back a change".to_owned(),
        "vps.rekeyed" => "reported with another key, its own still valid".to_owned(),
        "vps.assign" => "accepted the suggested provider".to_owned(),
        "vps.refuse" => "still reports, and is refused".to_owned(),
        _ => {
            let ends = [
                (" of the machine", ""),
                (" for the machine", ""),
                (" the machine", " it"),
                (" the provider", " it"),
            ];
            let end = ends.into_iter().find_map(|(end, it)| Some((did.strip_suffix(end)?, it)));
            end.map_or_else(|| did.clone(), |(start, it)| format!("{start}{it}"))
        }
    }
}

/// What persons do to their own accounts.
fn to_self(action: &str) -> Option<&'static str> {
    Some(match action {
        "session.create" => "signed in",
        "session.end" => "ended a session",
        "account.create" => "made their own account",
        "account.update" => "changed their own account",
        "account.password" => "changed their own password",
        "account.recovery_code" => "used a recovery code",
        _ => return None,
    })
}

fn changes(changes: &Changes, names: &Names) -> Vec<Change> {
    let says_provider = changes.members().any(|(member, ..)| member == "provider");
    // An id says nothing beside the name that it has.
    let is_said = |member: &str| match member {
        "id" | "bulk" => false,
        "provider_id" => !says_provider,
        _ => true,
    };
    let members = changes.members().filter(|(member, ..)| is_said(member));
    members.map(|(member, from, to)| change(member, from, to, names)).collect()
}

fn change(member: &str, from: &Value, to: &Value, names: &Names) -> Change {
    let (name, unit) = member_in_words(member);
    if let (Some(before), Some(after)) = (items(from), items(to)) {
        let without = |list: &[String], others: &[String]| {
            let rest: Vec<&str> =
                list.iter().filter(|item| !others.contains(item)).map(String::as_str).collect();
            said(rest.join(", "))
        };
        let (from, to) = (without(&before, &after), without(&after, &before));
        return Change { member: name, from, to, is_list: true };
    }
    let in_words = |value: &Value| {
        let text = text_of(value, names);
        said(if text.is_empty() { text } else { format!("{text}{unit}") })
    };
    Change { member: name, from: in_words(from), to: in_words(to), is_list: false }
}

fn said(text: String) -> Option<Said> {
    if text.is_empty() {
        return None;
    }
    if is_id_or_hash(&text) {
        let short: String = text.chars().take(SHORT_CHARS).collect();
        return Some(Said { short: format!("{short}…"), whole: Some(text) });
    }
    if text.chars().count() <= LONG_CHARS && !text.contains('\n') {
        return Some(Said { short: text, whole: None });
    }
    let first: String = text.lines().next().unwrap_or_default().chars().take(LONG_CHARS - 1).collect();
    Some(Said { short: format!("{}…", first.trim_end()), whole: Some(text) })
}

/// Whether nobody reads all of it.
fn is_id_or_hash(text: &str) -> bool {
    text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// What stands in a list; `None` for anything else. A list that was not there yet is an empty one.
fn items(value: &Value) -> Option<Vec<String>> {
    value.as_array().map(|list| list.iter().map(item).collect())
}

fn item(value: &Value) -> String {
    let of = |member: &str| value.get(member).and_then(Value::as_str);
    match (value, of("ip"), of("label")) {
        (Value::String(text), ..) => text.clone(),
        (_, Some(ip), None | Some("")) => ip.to_owned(),
        (_, Some(ip), Some(label)) => format!("{ip} ({label})"),
        _ => value.to_string(),
    }
}

fn text_of(value: &Value, names: &Names) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => match (text.parse::<Uuid>(), Timestamp::from_rfc3339(text)) {
            (Ok(id), _) => names.of(id).map_or_else(|| text.clone(), str::to_owned),
            (_, Some(at)) => exact(at),
            _ => text.clone(),
        },
        Value::Array(list) => list.iter().map(item).collect::<Vec<_>>().join(", "),
        Value::Object(_) => suggestion(value).unwrap_or_else(|| value.to_string()),
    }
}

/// Who was suggested, and why.
fn suggestion(value: &Value) -> Option<String> {
    let provider = value.get("provider")?.as_str()?;
    let reasons: Vec<&str> = value.get("reasons")?.as_array()?.iter().filter_map(Value::as_str).collect();
    Some(format!("{provider}: {}", reasons.join("; ")))
}

/// A member as a person calls it, and the unit of its values.
fn member_in_words(member: &str) -> (String, &'static str) {
    let (words, unit) = match member {
        "hostname" => ("name", ""),
        "provider_id" => ("provider", ""),
        "ip_addresses" => ("addresses", ""),
        "ssh_port" => ("SSH port", ""),
        "dc_name" => ("data centre", ""),
        "cpu_cores" => ("cores", ""),
        "ram_mb" => ("memory", " MiB"),
        "disk_gb" => ("disk", " GiB"),
        "swap_mb" => ("swap", " MiB"),
        "bandwidth_tb" => ("traffic a month", " TB"),
        "cost_monthly" => ("cost a month", ""),
        "purchase_date" => ("bought", ""),
        "expire_date" => ("expires", ""),
        "vpn_protocol" => ("VPN protocol", ""),
        "monitoring_enabled" => ("monitored", ""),
        "node_exporter_port" => ("port of node_exporter", ""),
        "reported_hostname" => ("reported name", ""),
        "machine_id" => ("machine id", ""),
        "agent_key_id" => ("key of the agent", ""),
        "os" => ("system", ""),
        "arch" => ("architecture", ""),
        "cpu_model" => ("processor", ""),
        "agent_version" => ("agent", ""),
        "interval_seconds" => ("reports every", " s"),
        "website" => ("website", ""),
        "panel_url" => ("panel", ""),
        "api_supported" => ("has an API", ""),
        "rating" => ("rating", " of 5"),
        "max_machines" => ("most machines", ""),
        "expires_at" => ("expires", ""),
        "revoked_at" => ("revoked", ""),
        "previous_until" => ("old secret is good until", ""),
        "totp" => ("authenticator", ""),
        "merged" => ("merged record", ""),
        "with" => ("the other", ""),
        "not_marked" => ("others, not marked each", ""),
        "flags" => ("marks", ""),
        _ => return (member.replace('_', " "), ""),
    };
    (words.to_owned(), unit)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(changes: &Value) -> Vec<String> {
        let names =
            Names { providers: [(Uuid::from_u128(7), "Hetzner".to_owned())].into(), ..Names::default() };
        let text = |said: &Option<Said>| said.as_ref().map_or("-".to_owned(), |said| said.short.clone());
        let changes = Changes::from_text(&changes.to_string()).unwrap();
        let lines = super::changes(&changes, &names).into_iter().map(|change| {
            let arrow = if change.is_list { "/" } else { ">" };
            format!("{}: {} {arrow} {}", change.member, text(&change.from), text(&change.to))
        });
        lines.collect()
    }

    #[test]
    fn members_are_said_in_words_with_their_units() {
        assert_eq!(shown(&json!({"ram_mb": [null, 1024]})), ["memory: - > 1024 MiB"]);
        assert_eq!(shown(&json!({"monitoring_enabled": [true, false]})), ["monitored: yes > no"]);
        assert_eq!(shown(&json!({"alias": ["", "edge"]})), ["alias: - > edge"]);
        assert_eq!(
            shown(&json!({"expires_at": [null, "2026-01-01T00:00:00Z"]})),
            ["expires: - > 2026-01-01 00:00:00 UTC"]
        );
        assert_eq!(shown(&json!({"label of 192.0.2.1": ["a", "b"]})), ["label of 192.0.2.1: a > b"]);
    }

    #[test]
    fn ids_are_said_as_names_where_they_have_one() {
        let (known, gone) = (Uuid::from_u128(7), Uuid::from_u128(8));
        assert_eq!(shown(&json!({"provider_id": [gone, known]})), ["provider: 00000000-000… > Hetzner"]);
        assert_eq!(
            shown(&json!({"provider_id": [null, known], "provider": [null, "Acme"]})),
            ["provider: - > Acme"]
        );
    }

    #[test]
    fn of_lists_is_said_what_came_and_what_went() {
        assert_eq!(shown(&json!({"tags": [["a", "b"], ["b", "c", "d"]]})), ["tags: a / c, d"]);
        assert_eq!(
            shown(
                &json!({"ip_addresses": [[], [{"ip": "192.0.2.1", "label": "nat"}, {"ip": "::1", "label": ""}]]})
            ),
            ["addresses: - / 192.0.2.1 (nat), ::1"]
        );
    }

    #[test]
    fn a_long_value_is_shortened_and_kept_whole() {
        let notes = format!("first\n{}", "x".repeat(100));
        let short = said(notes.clone()).unwrap();
        assert_eq!((short.short, short.whole), ("first…".to_owned(), Some(notes)));
        assert_eq!(said("é".repeat(60)).unwrap().whole, None);
        assert_eq!(said("é".repeat(61)).unwrap().short.chars().count(), 60);
    }

    #[test]
    fn on_the_page_of_what_it_is_about_a_line_says_it() {
        for (action, said) in [
            ("vps.update", "changed it"),
            ("provider.create", "added it"),
            ("vps.merge", "merged another record into it"),
            ("vps.facts", "measured a change"),
            ("vps.key", "reported with another key"),
            ("vps.rekeyed", "reported with another key, its own still valid"),
            ("vps.enrol", "registered it anew"),
        ] {
            assert_eq!(of_it(action), said);
        }
        for (action, _) in ACTIONS.iter().filter(|(action, _)| action.starts_with("vps.")) {
            assert!(!of_it(action).ends_with(" machine"), "{action}");
        }
    }

    #[test]
    fn no_two_actions_are_called_the_same() {
        for (position, (action, words)) in ACTIONS.iter().enumerate() {
            let same = ACTIONS.iter().skip(position + 1).find(|(_, others)| others == words);
            assert_eq!(same, None, "{action}");
        }
    }

    #[test]
    fn an_action_that_is_not_known_is_said_as_it_is_called() {
        assert_eq!(did("vps.retire"), "retired the machine");
        assert_eq!(did("moon.land"), "did moon.land to");
    }
}
