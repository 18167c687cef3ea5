//! The page of a machine, its form, and what is done to it there.

use serde_json::{Value, json};

use crate::common::machine::{Machine, id_of};
use crate::common::{Answer, Folder};
use crate::people::{Browser, EMAIL, administrator, invite, signed_in};

/// Makes a machine without an agent.
fn make(browser: &Browser<'_>, members: &Value) -> String {
    let made = browser.json("POST", "/api/vps", members);
    assert!(made.status < 300, "{made:?}");
    id_of(&made)
}

/// What stands in the hidden fields of the form, as a browser sends it back.
fn hidden(page: &str) -> Vec<(String, String)> {
    let fields = page.split("<input type=\"hidden\" name=\"").skip(1).map(|rest| {
        let (name, rest) = rest.split_once("\" value=\"").unwrap();
        (name.to_owned(), text(rest.split('"').next().unwrap()))
    });
    fields.collect()
}

fn text(html: &str) -> String {
    html.replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#38;", "&")
}

/// Sends the form of a page with these fields changed; the others are as they were.
fn save(browser: &Browser<'_>, path: &str, page: &str, fields: &[(&str, &str)]) -> Answer {
    let hidden = hidden(page);
    let was = hidden.iter().filter_map(|(name, value)| Some((name.strip_prefix("was.")?, value.as_str())));
    let mut sent: Vec<(&str, &str)> =
        hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    sent.extend(was.filter(|(name, _)| !fields.iter().any(|(changed, _)| changed == name)));
    sent.extend(fields);
    browser.form(path, &sent)
}

fn read(browser: &Browser<'_>, id: &str) -> Value {
    browser.get(&format!("/api/vps/{id}")).json()
}

/// Follows a redirect to a page that says what was done.
fn said(browser: &Browser<'_>, answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{answer:?}");
    let page = browser.get(answer.header("location").unwrap());
    assert_eq!(page.status, 200, "{page:?}");
    page.text
}

fn contains(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "the page lacks {part:?}: {page}");
    }
}

#[test]
fn a_page_says_what_is_known_of_a_machine() {
    let folder = Folder::new();
    let (agent, hub) = (folder.key("agent"), folder.start());
    let browser = administrator(&folder, &hub);
    let registration = json!({
        "hostname": "web-1",
        "ip_addresses": [{"ip": "203.0.113.7", "label": ""}, {"ip": "10.0.0.5", "label": "internal"}],
        "system_info": {"cpu_cores": 2, "ram_mb": 1843, "ram_used_mb": 1000, "disk_gb": 40, "disk_used_gb": 12.5,
            "swap_mb": 512, "swap_used_mb": 5, "load_avg": [0.5, 0.25, 0.125], "kernel": "6.1", "os": "Debian 13",
            "uptime_seconds": 90_000, "vendor": "Acme"},
        "agent": {"version": "0.1.0", "interval_seconds": 60},
        "machine": {"id": "ab".repeat(32), "boot_id": "00000000-0000-4000-8000-000000000001"},
    });
    let registered = hub.post(&agent, "/api/agent/register", &registration.to_string());
    let id = id_of(&registered);
    let members = json!({"ram_mb": 2048, "cpu_cores": 2, "city": "Kiel", "cost_monthly": "4.90", "currency": "EUR",
        "tags": ["edge", "a b\"c\\d"], "notes": "one\n<two>", "alias": "مرحبا"});
    assert_eq!(browser.json("PUT", &format!("/api/vps/{id}"), &members).status, 200);
    let page = browser.get(&format!("/vps/{id}"));
    assert_eq!(page.status, 200, "{page:?}");
    contains(
        &page.text,
        &[
            "<h1><bdi>web-1</bdi>",
            "<bdi>مرحبا</bdi>",
            "class=\"p online\">online<",
            "It has less than was bought: memory: 1843 MiB of 2 GiB.",
            "<bdi>Kiel</bdi>",
            "4.90 EUR",
            "one\n&#60;two&#62;",
            "0.50 of 2 cores",
            "5 min 0.25, 15 min 0.12",
            "1000 of 1843 MiB",
            "12.5 of 40 GiB",
            "5 MiB of 512 MiB",
            "Heard all of the",
            "203.0.113.7",
            "data-copy=\"#ip-1\"",
            "Debian 13",
            "Acme",
            "1 day 1 h",
            "0.1.0, every 60 s",
            "abababababab",
            "registered it",
            "test agent",
            "Edit",
        ],
    );
    let tag = page.text.split("href=\"/?q=tag").nth(1).unwrap().split('"').next().unwrap();
    let found = browser.get(&format!("/?q=tag{}", text(tag)));
    assert!(
        found.status == 200 && found.text.contains("web-1"),
        "a tag leads to the machines that have it: {found:?}"
    );
    assert_eq!(browser.get("/vps/01939c3e-7b1a-7c3d-9a51-3f6f0b1d2e4a").status, 404);
}

#[test]
fn a_person_changes_what_a_person_may_change() {
    let folder = Folder::new();
    let hub = folder.start();
    let browser = administrator(&folder, &hub);
    let provider = id_of(&browser.json("POST", "/api/providers", &json!({"name": "Acme"})));
    let id = make(&browser, &json!({"hostname": "db-1", "notes": "\nfirst line", "ram_mb": 512}));
    let (path, form) = (format!("/vps/{id}/edit"), browser.get(&format!("/vps/{id}/edit")));
    assert_eq!(form.status, 200, "{form:?}");
    let fields = [
        ("hostname", "db-2"),
        ("alias", "Base"),
        ("status", "suspended"),
        ("provider_id", &provider),
        ("country", "de"),
        ("city", "Kiel"),
        ("dc_name", "FSN1"),
        ("purpose", "data"),
        ("vpn_protocol", "wireguard"),
        ("tags", "b, a\r\nc"),
        ("cpu_cores", "2"),
        ("ram_mb", ""),
        ("disk_gb", "40"),
        ("bandwidth_tb", "1.5"),
        ("cost_monthly", "4.90"),
        ("currency", "eur"),
        ("purchase_date", "2026-01-31"),
        ("expire_date", "2027-01-31"),
        ("ssh_port", "2222"),
        ("node_exporter_port", "9200"),
        ("monitoring_enabled", ""),
        ("ip_addresses", "203.0.113.7 overseas\r\n2001:db8::1"),
    ];
    let page = said(&browser, &save(&browser, &path, &form.text, &fields));
    contains(&page, &["The machine is saved.", "<bdi>db-2</bdi>", "Acme", "203.0.113.7"]);
    let vps = read(&browser, &id);
    for (member, value) in [
        ("hostname", json!("db-2")),
        ("status", json!("suspended")),
        ("provider_id", json!(provider)),
        ("country", json!("DE")),
        ("tags", json!(["a", "b", "c"])),
        ("ram_mb", json!(null)),
        ("bandwidth_tb", json!(1.5)),
        ("cost_monthly", json!("4.90")),
        ("currency", json!("EUR")),
        ("expire_date", json!("2027-01-31")),
        ("ssh_port", json!(2222)),
        ("monitoring_enabled", json!(false)),
        (
            "ip_addresses",
            json!([{"ip": "203.0.113.7", "label": "overseas"}, {"ip": "2001:db8::1", "label": ""}]),
        ),
        ("notes", json!("\nfirst line")),
    ] {
        assert_eq!(vps[member], value, "{member}");
    }
}

#[test]
fn what_is_wrong_is_said_at_its_field_and_the_words_stay() {
    let folder = Folder::new();
    let hub = folder.start();
    let browser = administrator(&folder, &hub);
    let id = make(&browser, &json!({"hostname": "db-1"}));
    make(&browser, &json!({"hostname": "db-2"}));
    let path = format!("/vps/{id}/edit");
    let form = browser.get(&path).text;
    for (field, value, status, sentence) in [
        ("hostname", "a b", 400, "This has 1 to 253 characters"),
        ("hostname", "db-2", 409, "Another machine is called db-2"),
        ("country", "XX", 400, "This is a code of ISO 3166-1"),
        ("cpu_cores", "two", 400, "This is a whole number, or empty."),
        ("cpu_cores", "0", 400, "This is 1 to 65536, or empty."),
        ("cost_monthly", "4,90", 400, "This is an amount as 4.99"),
        ("expire_date", "2026-02-30", 400, "This is a day of the calendar"),
        ("ssh_port", "", 400, "This is 1 to 65535."),
        ("status", "deleted", 400, "This is one of those in the list."),
        ("tags", "ok, \u{7}", 400, "One of them contains a control"),
        ("ip_addresses", "10.0.0.1\nnowhere", 400, "This has no address at the beginning of line 2."),
        ("ip_addresses", "10.0.0.1\n10.0.0.1", 400, "One of them is there twice."),
    ] {
        let page = save(&browser, &path, &form, &[(field, value), ("alias", "my <words>")]);
        assert_eq!(page.status, status, "{field}: {page:?}");
        contains(
            &page.text,
            &[sentence, "my &#60;words&#62;", "aria-invalid=\"true\"", &format!("{field}-wrong")],
        );
    }
    assert_eq!(read(&browser, &id)["version"], 1);
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let folder = Folder::new();
    let hub = folder.start();
    let browser = administrator(&folder, &hub);
    let id = make(&browser, &json!({"hostname": "db-1"}));
    make(&browser, &json!({"hostname": "db-2"}));
    let path = format!("/vps/{id}/edit");
    let form = browser.get(&path).text;
    let page = save(
        &browser,
        &path,
        &form,
        &[("country", "XX"), ("cpu_cores", "two"), ("ssh_port", "0"), ("city", "Kiel")],
    );
    assert_eq!(page.status, 400);
    contains(
        &page.text,
        &[
            "3 fields need a correction",
            "id=\"country-wrong\"",
            "id=\"cpu_cores-wrong\"",
            "id=\"ssh_port-wrong\"",
        ],
    );
    assert_eq!(page.text.matches("aria-invalid").count(), 3);
    let page = save(&browser, &path, &form, &[("hostname", "db-2")]);
    contains(&page.text, &["one field needs a correction", "Another machine is called db-2. Rename"]);
}

#[test]
fn notes_as_long_as_they_may_be_in_any_script_do_not_keep_anybody_from_editing() {
    let folder = Folder::new();
    let hub = folder.start();
    let browser = administrator(&folder, &hub);
    let id = make(&browser, &json!({"hostname": "db-1"}));
    let path = format!("/vps/{id}/edit");
    let notes = "\u{2070e}".repeat(10_000);
    let form = browser.get(&path).text;
    assert_eq!(save(&browser, &path, &form, &[("notes", &notes)]).status, 303);
    let alias = [("was.notes", &*notes), ("notes", &notes), ("alias", "mine")];
    assert_eq!(save(&browser, &path, &browser.get(&path).text, &alias).status, 303);
    let vps = read(&browser, &id);
    assert!(vps["alias"] == "mine" && vps["notes"] == json!(notes));
}

#[test]
fn two_who_edit_do_not_overwrite_one_another() {
    let folder = Folder::new();
    let hub = folder.start();
    let admin = administrator(&folder, &hub);
    invite(&admin, &hub, "bea@example.org", "operator");
    let bea = signed_in(&hub, "bea@example.org");
    let id = make(&admin, &json!({"hostname": "db-1", "city": "Kiel", "purpose": "data"}));
    let path = format!("/vps/{id}/edit");
    let form = admin.get(&path).text;
    let first = save(&bea, &path, &form, &[("city", "Bonn"), ("purpose", "cache"), ("dc_name", "B1")]);
    assert_eq!(first.status, 303);
    let page = save(&admin, &path, &form, &[("city", "Jena"), ("alias", "mine")]);
    assert_eq!(page.status, 412, "{page:?}");
    contains(
        &page.text,
        &[
            "Somebody else changed this machine while you did.",
            "bea@example.org",
            "<bdi>Kiel</bdi></span> <span aria-hidden=\"true\">→</span>",
            "Somebody else wrote “Bonn” meanwhile.",
            "value=\"Jena\"",
            "value=\"mine\"",
            "value=\"cache\"",
        ],
    );
    assert_eq!(read(&admin, &id)["city"], "Bonn");
    let again = save(&admin, &path, &page.text, &[("city", "Jena"), ("alias", "mine")]);
    assert_eq!(again.status, 303, "{again:?}");
    let vps = read(&admin, &id);
    let members = ["city", "alias", "purpose", "dc_name"].map(|member| vps[member].as_str().unwrap());
    assert_eq!(members, ["Jena", "mine", "cache", "B1"]);
}

#[test]
fn an_agent_says_the_addresses_and_a_person_labels_them() {
    let folder = Folder::new();
    let (agent, hub) = (folder.key("agent"), folder.start());
    let browser = administrator(&folder, &hub);
    let mut machine = Machine::new("web-1", 1, "b1", "203.0.113.7");
    let id = machine.live(&hub, &agent);
    machine.ip = "203.0.113.8".to_owned();
    machine.live(&hub, &agent);
    let path = format!("/vps/{id}/edit");
    let form = browser.get(&path).text;
    assert!(!form.contains("name=\"ssh_port\"") && !form.contains("name=\"ip_addresses\""), "{form}");
    let saved =
        save(&browser, &path, &form, &[("label.203.0.113.7", "old"), ("label.203.0.113.8", "overseas")]);
    let page = said(&browser, &saved);
    contains(&page, &["<bdi>overseas</bdi>", "<bdi>old</bdi>", "Former", "missing since"]);
}

#[test]
fn two_of_a_name_are_settled_on_the_page() {
    let folder = Folder::new();
    let (agent, hub) = (folder.key("agent"), folder.start());
    let browser = administrator(&folder, &hub);
    let pair = |name: &str, byte: u8| {
        let one = Machine::new(name, byte, &format!("{name}-b1"), &format!("203.0.113.{byte}"));
        let two = Machine::new(name, byte + 1, &format!("{name}-b2"), &format!("203.0.113.{}", byte + 1));
        (one.live(&hub, &agent), two.live(&hub, &agent))
    };
    let (one, two) = pair("web", 1);
    let page = browser.get(&format!("/vps/{one}")).text;
    contains(
        &page,
        &["Two living machines report the same hostname.", "web (2)", "These are two", "They are one"],
    );
    let done = browser.form(&format!("/vps/{one}/distinct"), &[("other", &two)]);
    let page = said(&browser, &done);
    contains(&page, &["They are two machines, and will not be marked again.", "told others apart from it"]);
    assert!(!page.contains("These are two"), "{page}");

    let (one, two) = pair("db", 11);
    let refused = browser.form(&format!("/vps/{one}/merge"), &[("other", &two)]);
    assert_eq!(refused.status, 409);
    contains(&refused.text, &["role=\"alert\"", "report at this moment", "They are one"]);
    let page =
        said(&browser, &browser.form(&format!("/vps/{one}/merge"), &[("other", &two), ("force", "yes")]));
    contains(&page, &["The two records are one now.", "merged another record into it"]);
    let gone = browser.get(&format!("/vps/{two}")).text;
    contains(&gone, &["This machine was deleted.", "It was merged into", &format!("/vps/{one}")]);
    assert!(!gone.contains("Restore"), "{gone}");
}

#[test]
fn a_machine_that_was_installed_anew_is_seen() {
    let folder = Folder::new();
    let (agent, hub) = (folder.key("agent"), folder.start());
    let browser = administrator(&folder, &hub);
    let id = Machine::new("web-1", 1, "b1", "203.0.113.7").live(&hub, &agent);
    let hex = id.replace('-', "");
    folder.sql(&format!(
        "INSERT INTO vps_mark (id, vps_id, kind, detail, since) VALUES (X'{hex}', X'{hex}', 'reinstalled', 'It is new.', 1)"
    ));
    let page = browser.get(&format!("/vps/{id}")).text;
    contains(&page, &["It is new.", ">Seen<"]);
    let page = said(&browser, &browser.form(&format!("/vps/{id}/acknowledge"), &[("flag", "reinstalled")]));
    contains(&page, &["It is marked as seen.", "took note of what was marked at it"]);
    assert!(!page.contains(">Seen<"), "{page}");
}

#[test]
fn a_button_of_a_page_that_is_behind_does_nothing() {
    let folder = Folder::new();
    let hub = folder.start();
    let browser = administrator(&folder, &hub);
    let id = make(&browser, &json!({"hostname": "web-1"}));
    let version = read(&browser, &id)["version"].to_string();
    let shown = format!("/retire\"><input type=\"hidden\" name=\"version\" value=\"{version}\">");
    contains(&browser.get(&format!("/vps/{id}")).text, &[&shown, &shown.replace("retire", "delete")]);
    let changed = browser.json("PUT", &format!("/api/vps/{id}"), &json!({"notes": "keep this one"}));
    assert_eq!(changed.status, 200, "{changed:?}");
    for act in ["retire", "delete"] {
        let late = browser.form(&format!("/vps/{id}/{act}"), &[("version", &version)]);
        assert_eq!(late.status, 412, "{late:?}");
        contains(&late.text, &["role=\"alert\"", "which is not the one that you saw", "keep this one"]);
    }
    assert_eq!(read(&browser, &id)["status"], changed.json()["status"]);
    for path in ["retire", "expiry"] {
        let fields = [("id", &*id), ("version", &*version), ("expire_date", "2199-01-01")];
        let late = browser.form(&format!("/inbox/{path}"), &fields);
        assert!(late.status == 412 && late.text.contains("not the one that you saw"), "{late:?}");
    }
}

#[test]
fn load_without_a_number_of_cores_has_no_bar() {
    let folder = Folder::new();
    let (agent, hub) = (folder.key("agent"), folder.start());
    let browser = administrator(&folder, &hub);
    let registration =
        json!({"hostname": "web-1", "ip_addresses": [], "system_info": {"load_avg": [9.5, 1, 1]}});
    let registered = hub.post(&agent, "/api/agent/register", &registration.to_string());
    let page = browser.get(&format!("/vps/{}", id_of(&registered))).text;
    contains(&page, &["<span class=\"bar\">9.50</span>"]);
}

#[test]
fn a_machine_is_retired_deleted_and_restored() {
    let folder = Folder::new();
    let (agent, hub) = (folder.key("agent"), folder.start());
    let browser = administrator(&folder, &hub);
    let machine = Machine::new("web-1", 1, "b1", "203.0.113.7");
    let id = machine.live(&hub, &agent);
    let act = |name: &str| browser.form(&format!("/vps/{id}/{name}"), &[]);
    contains(&said(&browser, &act("retire")), &["The machine is retired.", "· retired"]);
    let page = said(&browser, &act("delete"));
    contains(&page, &["The machine is deleted.", "none came since", "Restore"]);
    assert!(!page.contains("/edit\""), "what is deleted is not edited: {page}");
    assert_eq!(machine.register(&hub, &agent).status, 410);
    contains(
        &browser.get(&format!("/vps/{id}")).text,
        &["Its agent's reports are refused: 1 since, the last"],
    );
    assert_eq!(browser.get(&format!("/vps/{id}/edit")).header("location"), Some(&*format!("/vps/{id}")));
    assert_eq!(act("retire").status, 410);
    contains(&said(&browser, &act("restore")), &["The machine is back as it was.", "· retired"]);
    let refused = act("restore");
    assert_eq!(refused.status, 409);
    contains(&refused.text, &["role=\"alert\"", "is not deleted", "<h1>"]);
    let back = browser.form(&format!("/vps/{id}/delete"), &[("back", "/account")]);
    assert_eq!(back.header("location"), Some("/account"));
    let back = browser.form(&format!("/vps/{id}/restore"), &[("back", "//evil.example")]);
    assert_eq!(back.header("location"), Some(&*format!("/vps/{id}")));
}

#[test]
fn a_machine_without_an_agent_is_made_by_hand() {
    let folder = Folder::new();
    let hub = folder.start();
    let browser = administrator(&folder, &hub);
    let form = browser.get("/vps/new");
    assert_eq!(form.status, 200, "{form:?}");
    let empty = save(&browser, "/vps/new", &form.text, &[("city", "Kiel")]);
    assert_eq!(empty.status, 400);
    contains(&empty.text, &["This is missing.", "value=\"Kiel\""]);
    let made = save(
        &browser,
        "/vps/new",
        &form.text,
        &[("hostname", "router"), ("monitoring_enabled", ""), ("ip_addresses", "192.0.2.1 uplink")],
    );
    let page = said(&browser, &made);
    contains(
        &page,
        &["The machine is added.", "<bdi>router</bdi>", "192.0.2.1", "uplink", "It has never reported."],
    );
    let id = made.header("location").unwrap().rsplit('/').next().unwrap().to_owned();
    let vps = read(&browser, &id);
    assert_eq!((&vps["source"], &vps["monitoring_enabled"]), (&json!("manual"), &json!(false)));
}

#[test]
fn a_reader_looks_and_is_told_who_may_do_more() {
    let folder = Folder::new();
    let hub = folder.start();
    let admin = administrator(&folder, &hub);
    invite(&admin, &hub, "eva@example.org", "readonly");
    let reader = signed_in(&hub, "eva@example.org");
    let id = make(&admin, &json!({"hostname": "db-1"}));
    let page = reader.get(&format!("/vps/{id}"));
    assert_eq!(page.status, 200);
    contains(&page.text, &["Changing this takes an operator or an administrator."]);
    let main = page.text.split("<main").nth(1).unwrap();
    assert!(!main.contains("<form") && !main.contains("/edit"), "{main}");
    assert_eq!(reader.get(&format!("/vps/{id}/edit")).status, 403);
    for act in ["edit", "retire", "delete", "restore", "merge", "distinct", "acknowledge"] {
        assert_eq!(reader.form(&format!("/vps/{id}/{act}"), &[]).status, 403, "{act}");
    }
    assert_eq!(reader.get("/vps/new").status, 403);
    assert_eq!(reader.get(&format!("/vps/{id}/audit")).status, 200);
}

#[test]
fn a_trail_of_many_lines_has_pages() {
    let folder = Folder::new();
    let hub = folder.start();
    let browser = administrator(&folder, &hub);
    let id = make(&browser, &json!({"hostname": "db-1"}));
    for number in 0..30 {
        let changed =
            browser.json("PUT", &format!("/api/vps/{id}"), &json!({"purpose": format!("use {number}")}));
        assert_eq!(changed.status, 200);
    }
    contains(&browser.get(&format!("/vps/{id}")).text, &["use 29", "use 10", "All 31 lines"]);
    let first = browser.get(&format!("/vps/{id}/audit")).text;
    contains(&first, &["use 29", "1–25 of 31", "?page=2"]);
    let second = browser.get(&format!("/vps/{id}/audit?page=2")).text;
    contains(&second, &["added it", "26–31 of 31", "?page=1"]);
}

#[test]
fn silences_are_told_in_words_and_numbers() {
    let folder = Folder::new();
    let (agent, hub) = (folder.key("agent"), folder.start());
    let browser = administrator(&folder, &hub);
    let id = Machine::new("web-1", 1, "b1", "203.0.113.7").live(&hub, &agent);
    let now: i64 = folder.sql("SELECT CAST(first_seen AS TEXT) FROM vps_face").remove(0).parse().unwrap();
    let hex = id.replace('-', "");
    folder.sql(&format!("UPDATE vps_face SET first_seen = first_seen - {}", 40 * 86_400_000_i64));
    folder.sql("UPDATE vps SET created_at = 0");
    for (from, until) in [(130, 60), (50, 10)] {
        let (from, until) = (now - from * 60_000, now - until * 60_000);
        folder.sql(&format!(
            "INSERT INTO vps_gap (vps_id, from_at, until_at) VALUES (X'{hex}', {from}, {until})"
        ));
    }
    let page = browser.get(&format!("/vps/{id}")).text;
    contains(
        &page,
        &[
            "Heard all but 1 h 50 min of the last day; silent twice.",
            "Heard all but 1 h 50 min of the last 30 days; silent twice.",
            "role=\"img\"",
            "· 1 h 10 min</span>",
            "· 40 min</span>",
        ],
    );
}

#[test]
fn a_machine_with_much_of_everything_is_shown_whole() {
    let folder = Folder::new();
    let hub = folder.start();
    let browser = administrator(&folder, &hub);
    let tags: Vec<String> = (0..200).map(|n| format!("tag-{n:03}")).collect();
    let addresses: Vec<Value> =
        (1..=40).map(|n| json!({"ip": format!("203.0.113.{n}"), "label": "x".repeat(64)})).collect();
    let id = make(
        &browser,
        &json!({"hostname": "h".repeat(253), "alias": "م".repeat(256), "tags": tags, "ip_addresses": addresses}),
    );
    let page = browser.get(&format!("/vps/{id}")).text;
    contains(&page, &["tag-000", "tag-199", "203.0.113.40"]);
    let form = browser.get(&format!("/vps/{id}/edit")).text;
    contains(&form, &["tag-000, tag-001", "tag-199"]);
    assert_eq!(save(&browser, &format!("/vps/{id}/edit"), &form, &[("city", "Kiel")]).status, 303);
    assert_eq!(read(&browser, &id)["tags"].as_array().unwrap().len(), 200);
}

#[test]
fn a_suggestion_is_accepted_where_it_is_explained() {
    let folder = Folder::new();
    let (agent, hub) = (folder.key("agent"), folder.start());
    let browser = administrator(&folder, &hub);
    let registration = json!({
        "hostname": "web-1",
        "ip_addresses": [{"ip": "203.0.113.7", "label": ""}],
        "system_info": {"vendor": "DigitalOcean", "product": "Droplet", "virtualization": "kvm"},
    });
    let id = id_of(&hub.post(&agent, "/api/agent/register", &registration.to_string()));
    let path = format!("/vps/{id}");
    contains(
        &browser.get(&path).text,
        &["DigitalOcean?", "% sure", "its DMI vendor is DigitalOcean", ">Accept<"],
    );
    contains(&browser.get(&path).text, &["name=\"suggested\" value=\"DigitalOcean\""]);
    let accept = format!("{path}/accept");
    let other = browser.form(&accept, &[("back", &path), ("suggested", "Hetzner")]);
    assert!(other.status == 409 && other.text.contains("is DigitalOcean."), "{other:?}");
    let from_list = signed_in(&hub, EMAIL).with("referer", "http://hub/?q=web&sort=-load");
    let other = from_list.form(&accept, &[("suggested", "Hetzner")]);
    assert_eq!(other.status, 409, "{other:?}");
    contains(&other.text, &["role=\"alert\"", "is DigitalOcean.", "name=\"q\" value=\"web\"", &id]);
    assert!(read(&browser, &id)["provider_id"].is_null());
    let answer = from_list.form(&accept, &[("suggested", "DigitalOcean")]);
    assert_eq!(answer.header("location"), Some("/?q=web&sort=-load"), "{answer:?}");
    // Cookies are read in small letters here.
    contains(&from_list.get("/?q=web").text, &["Assigned to digitalocean."]);
    let nothing = browser.form(&accept, &[("back", &path), ("suggested", "DigitalOcean")]);
    assert_eq!(nothing.status, 409, "it has one");
    contains(&browser.get(&path).text, &["accepted the suggested provider", "<bdi>DigitalOcean</bdi></a>"]);
}

#[test]
fn an_address_says_whose_it_was_before() {
    let folder = Folder::new();
    let (agent, hub) = (folder.key("agent"), folder.start());
    let browser = administrator(&folder, &hub);
    let mut old = Machine::new("old", 1, "b1", "203.0.113.7");
    let old_id = old.live(&hub, &agent);
    old.ip = "203.0.113.8".to_owned();
    old.live(&hub, &agent);
    let new = Machine::new("new", 2, "b2", "203.0.113.7").live(&hub, &agent);
    let page = browser.get(&format!("/vps/{new}")).text;
    contains(
        &page,
        &[&format!("<a href=\"/vps/{old_id}\"><bdi>old</bdi></a> <span class=\"of\">until <time")],
    );
}

#[test]
fn a_page_says_as_of_when_it_speaks() {
    let folder = Folder::new();
    let hub = folder.start();
    let browser = administrator(&folder, &hub);
    let id = make(&browser, &json!({"hostname": "planned"}));
    let page = browser.get(&format!("/vps/{id}")).text;
    let (_, as_of) = page.split_once("as of <time datetime=\"").unwrap_or_else(|| panic!("{page}"));
    let served = browser.get(&format!("/api/vps/{id}")).json();
    let (at, _) = as_of.split_once('"').unwrap();
    assert!(at >= served["created_at"].as_str().unwrap() && as_of.contains(" UTC</time>"), "{as_of}");
}
