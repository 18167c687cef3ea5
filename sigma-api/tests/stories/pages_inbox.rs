//! The inbox: what waits for a person, on its page and for programs, and what is said to it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::common::machine::Machine;
use crate::common::{Folder, Hub, eventually};
use crate::people::{Browser, administrator, invite, signed_in};

/// A hub with an administrator, two providers, and machines of one of them.
struct World {
    folder: Folder,
    hub: Hub,
    agent: String,
    editor: String,
}

impl World {
    fn new() -> Self {
        let folder = Folder::new();
        let (agent, editor) = (folder.key("agent"), folder.key("operator"));
        let hub = folder.start();
        Self { folder, hub, agent, editor }
    }

    fn provider(&self, name: &str) -> String {
        let made = self.hub.post(&self.editor, "/api/providers", &json!({"name": name}).to_string());
        assert_eq!(made.status, 201, "{made:?}");
        made.json()["id"].as_str().unwrap().to_owned()
    }

    fn machine(&self, hostname: &str, byte: u8, ip: &str) -> String {
        Machine::new(hostname, byte, &format!("b{byte}"), ip).live(&self.hub, &self.agent)
    }

    fn change(&self, id: &str, change: &Value) {
        let changed = self.hub.put(&self.editor, &format!("/api/vps/{id}"), change);
        assert_eq!(changed.status, 200, "{changed:?}");
    }

    fn inbox(&self) -> Value {
        self.hub.get(&self.editor, "/api/inbox").json()
    }

    fn read(&self, id: &str) -> Value {
        self.hub.get(&self.editor, &format!("/api/vps/{id}")).json()
    }

    /// Stops the hub, changes the database, and starts it again.
    fn later(self, sql: &str) -> Self {
        let Self { folder, hub, agent, editor } = self;
        assert_eq!(hub.stop().1, Some(0));
        folder.sql(sql);
        let hub = folder.start();
        Self { folder, hub, agent, editor }
    }
}

fn hex(id: &str) -> String {
    format!("x'{}'", id.replace('-', ""))
}

/// The notice of the page that a form leads to.
fn told(browser: &Browser<'_>, answer: &crate::common::Answer) -> String {
    assert_eq!(answer.status, 303, "{answer:?}");
    let to = answer.header("location").unwrap().to_owned();
    let page = browser.get(&to).text;
    let said = page.split_once("role=\"status\"><span>").unwrap_or_else(|| panic!("no notice on {to}")).1;
    said.split("</span>").next().unwrap().to_owned()
}

#[test]
fn an_empty_inbox_says_what_will_be_here() {
    let world = World::new();
    let admin = administrator(&world.folder, &world.hub);
    let page = admin.get("/inbox");
    assert_eq!(page.status, 200);
    assert!(page.text.contains("Nothing waits for a person."), "{page:?}");
    assert!(!page.text.contains("to look at"), "no number stands in the navigation: {page:?}");
    assert_eq!(world.inbox()["waiting"], 0);
}

#[test]
fn a_group_is_assigned_at_once_and_a_part_of_it_by_itself() {
    let world = World::new();
    let admin = administrator(&world.folder, &world.hub);
    let acme = world.provider("Acme");
    for n in 1..=6 {
        let id = world.machine(&format!("ac-{n}"), n, &format!("198.51.100.{n}"));
        world.change(&id, &json!({"provider_id": acme}));
    }
    assert_eq!(world.inbox()["waiting"], 0);
    let new: Vec<String> =
        (11..=14).map(|n| world.machine(&format!("m{n}x"), n, &format!("198.51.100.{n}"))).collect();
    let inbox = world.inbox();
    assert_eq!((&inbox["waiting"], &inbox["unassigned"]["total"]), (&json!(4), &json!(4)), "{inbox}");
    let group = &inbox["unassigned"]["groups"][0];
    assert_eq!((&group["provider"], &group["machines"]), (&json!("Acme"), &json!(4)), "{inbox}");
    let page = admin.get("/inbox").text;
    assert!(
        page.contains("4 look like <bdi>Acme</bdi></strong>, because their addresses lie between"),
        "{page}"
    );
    assert!(page.contains("Assign all 4") && page.contains(&new[0]), "{page}");
    assert!(page.contains("name=\"found\" value=\"4\""), "{page}");
    assert!(page.contains("4<span class=\"unseen\"> to look at"), "{page}");

    let none = admin.form("/inbox/assign", &[("suggested", "Acme")]);
    assert!(none.status == 400 && none.text.contains("choose some first"), "{none:?}");
    let one = admin.form("/inbox/assign", &[("suggested", "Acme"), ("id", &new[0])]);
    assert_eq!(told(&admin, &one), "1 machine is assigned.");
    assert_eq!(world.read(&new[0])["provider_id"], json!(acme));
    let first = page.split("<button").find(|button| button.contains("Assign"));
    assert!(first.is_some_and(|first| !first.contains("name=\"all\"")), "Enter takes the chosen: {page}");
    let all = [("suggested", "Acme"), ("all", "yes"), ("id", &*new[1])];
    let late = admin.form("/inbox/assign", &[&all[..], &[("found", "4")]].concat());
    assert!(late.status == 409 && late.text.contains("There are 3 of them now, and not 4."), "{late:?}");
    assert_eq!(world.inbox()["waiting"], 3, "nothing was assigned");
    let rest = admin.form("/inbox/assign", &[&all[..], &[("found", "3")]].concat());
    assert_eq!(told(&admin, &rest), "3 machines are assigned.");
    assert_eq!(world.inbox()["waiting"], 0);
    let late = admin.form("/inbox/assign", &[("suggested", "Acme"), ("id", &new[1])]);
    assert!(told(&admin, &late).contains("1 was changed meanwhile"));
}

#[test]
fn machines_that_nothing_is_known_of_get_a_provider_old_or_new() {
    let world = World::new();
    let admin = administrator(&world.folder, &world.hub);
    let acme = world.provider("Acme");
    let ids: Vec<String> =
        (1..=4).map(|n| world.machine(&format!("m{n}x"), n, &format!("198.51.{n}.1"))).collect();
    let page = admin.get("/inbox").text;
    assert!(page.contains("For 4 no provider is suggested") && page.contains(">Acme</option>"), "{page}");
    let assign = |fields: &[(&str, &str)]| admin.form("/inbox/assign", fields);

    let nobody = assign(&[("id", &ids[0])]);
    assert!(nobody.status == 400 && nobody.text.contains("id=\"provider-wrong\""), "{nobody:?}");
    assert!(nobody.text.contains(&format!("value=\"{}\" aria-label=\"m1x\" checked", ids[0])), "{nobody:?}");
    let both = assign(&[("id", &ids[0]), ("provider", &acme), ("name", "<b>Bee")]);
    assert!(both.status == 400 && both.text.contains("value=\"&#60;b&#62;Bee\""), "{both:?}");
    let long = assign(&[("id", &ids[0]), ("name", &"x".repeat(2000))]);
    assert!(long.status == 400 && long.text.contains("id=\"name-wrong\""), "{long:?}");
    assert_eq!(world.inbox()["waiting"], 4, "nothing was assigned by these");

    assert_eq!(told(&admin, &assign(&[("id", &ids[0]), ("provider", &acme)])), "1 machine is assigned.");
    let made = assign(&[("id", &ids[1]), ("id", &ids[2]), ("name", " Bee ")]);
    assert_eq!(told(&admin, &made), "2 machines are assigned.");
    let bee = world.read(&ids[1])["provider_id"].clone();
    assert!(bee.is_string() && bee == world.read(&ids[2])["provider_id"]);
    let again = assign(&[("id", &ids[1]), ("id", &ids[3]), ("name", "bee")]);
    assert!(told(&admin, &again).contains("1 was changed meanwhile"));
    assert_eq!(world.read(&ids[3])["provider_id"], bee, "names differ in more than their case");
    let gone = assign(&[("id", &ids[1]), ("name", "Cee")]);
    assert!(told(&admin, &gone).starts_with("0 machines are assigned."));
    assert_eq!(world.hub.get(&world.editor, "/api/providers").json()["total"], 2, "none is made for nobody");
}

#[test]
fn two_that_look_like_one_stand_side_by_side_until_a_person_says_what_they_are() {
    let world = World::new();
    let admin = administrator(&world.folder, &world.hub);
    let acme = world.provider("Acme");
    let first = world.machine("debian", 1, "203.0.113.1");
    let second = world.machine("debian", 2, "203.0.113.2");
    let clone = Machine {
        boot: "b9".into(),
        ip: "203.0.113.9".into(),
        uptime: 3600,
        ..Machine::new("debian", 1, "", "")
    };
    let third = clone.live(&world.hub, &world.agent);
    for id in [&first, &second, &third] {
        world.change(id, &json!({"provider_id": acme}));
    }
    let inbox = world.inbox();
    assert_eq!(inbox["waiting"], 3, "{inbox}");
    assert_eq!((&inbox["conflicts"]["total"], &inbox["clones"]["total"]), (&json!(2), &json!(1)), "{inbox}");
    let pair = &inbox["clones"]["first"][0];
    let mut ids = [pair["one"]["id"].as_str().unwrap(), pair["other"]["id"].as_str().unwrap()];
    ids.sort_unstable();
    assert_eq!(ids, [&*first, &*third]);
    let page = admin.get("/inbox").text;
    for shown in
        ["Two of one name", "Clones", "203.0.113.1", "203.0.113.9", "01010101", "These are two", "Keep "]
    {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    let kept = admin.form("/inbox/distinct", &[("id", &first), ("other", &third)]);
    assert!(told(&admin, &kept).contains("two machines"));
    assert_eq!(world.inbox()["clones"]["total"], 0);

    let merge = [("id", &*first), ("other", &*second)];
    let refused = admin.form("/inbox/merge", &merge);
    assert!(refused.status == 409 && refused.text.contains("Both "), "{refused:?}");
    let merged = admin.form("/inbox/merge", &[merge[0], merge[1], ("force", "yes")]);
    assert!(told(&admin, &merged).contains("one now"));
    let inbox = world.inbox();
    assert_eq!((&inbox["waiting"], &inbox["conflicts"]["total"]), (&json!(0), &json!(0)), "{inbox}");
}

#[test]
fn what_costs_money_for_nothing_and_what_runs_for_nothing_waits() {
    let world = World::new();
    let acme = world.provider("Acme");
    let names = ["paid", "priced", "ended", "free", "gone", "alive", "small", "again"];
    let ids: Vec<String> = (1..)
        .zip(names)
        .map(|(n, name)| world.machine(name, n, &format!("198.51.100.{n}")))
        .inspect(|id| world.change(id, &json!({"provider_id": acme})))
        .collect();
    let [paid, priced, ended, free, gone, alive, small, again] = ids.try_into().unwrap();
    world.change(&paid, &json!({"expire_date": "2199-01-01"}));
    world.change(&priced, &json!({"cost_monthly": "4.90", "currency": "EUR"}));
    world.change(&ended, &json!({"expire_date": "2001-01-01", "cost_monthly": "4.90"}));
    world.change(&free, &json!({"cost_monthly": "0.00"}));
    world.change(&gone, &json!({"cost_monthly": "1"}));
    world.change(&alive, &json!({"expire_date": "2001-01-01"}));
    world.change(&small, &json!({"cpu_cores": 4}));
    assert_eq!(world.hub.delete(&world.editor, &format!("/api/vps/{gone}")).status, 204);
    let silent = [&paid, &priced, &ended, &free].map(|id| hex(id)).join(",");
    let world = world.later(&format!(
        "UPDATE vps_state SET last_seen = last_seen - 2*86400000 WHERE vps_id IN ({silent}); "
    ));
    world.folder.sql(&format!(
        "INSERT INTO vps_mark (id, vps_id, kind, detail, since) VALUES (randomblob(16), {}, 'reinstalled', 'x', 1)",
        hex(&again)
    ));
    world.machine("alive", 6, "198.51.100.6");
    let refused = Machine::new("gone", 5, "b5", "198.51.100.5");
    assert_eq!(refused.register(&world.hub, &world.agent).status, 410);
    let names = |part: &str| {
        let inbox = world.inbox();
        let first = inbox[part]["first"].as_array().unwrap().clone();
        assert_eq!(inbox[part]["total"], first.len());
        let mut names: Vec<_> =
            first.iter().map(|vps| vps["hostname"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(names("silent_but_paid"), ["paid", "priced"]);
    assert_eq!(names("alive_after_expiry"), ["alive"]);
    assert_eq!(names("less_than_bought"), ["small"]);
    assert_eq!(names("reinstalled"), ["again"]);
    let noticed = || world.inbox()["deleted_but_reporting"]["total"] == 1;
    assert!(eventually(Duration::from_secs(20), noticed), "a refusal is counted when the beats are saved");
    assert_eq!(world.inbox()["waiting"], 6);

    let admin = administrator(&world.folder, &world.hub);
    let page = admin.get("/inbox").text;
    for shown in
        ["Silent, and still paid for", "4.90 EUR a month", "2 of 4 cores", "expired on", "1 report refused"]
    {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    let wrong = admin.form("/inbox/expiry", &[("id", &alive), ("expire_date", "soon")]);
    assert!(wrong.status == 400 && wrong.text.contains(&format!("wrong-{alive}")), "{wrong:?}");
    assert!(wrong.text.contains("value=\"soon\""), "{wrong:?}");
    for (path, id, more, sentence) in [
        ("/inbox/expiry", &alive, Some(("expire_date", "2199-01-01")), "The day is saved."),
        ("/inbox/retire", &paid, None, "The machine is retired."),
        ("/inbox/restore", &gone, None, "The machine is back as it was."),
        ("/inbox/acknowledge", &again, Some(("flag", "reinstalled")), "1 machine seen."),
    ] {
        let fields: Vec<(&str, &str)> = [("id", &**id)].into_iter().chain(more).collect();
        assert_eq!(told(&admin, &admin.form(path, &fields)), sentence);
    }
    assert_eq!(world.read(&alive)["expire_date"], "2199-01-01");
    assert_eq!(world.inbox()["waiting"], 2, "priced is silent still, and small is as small as it was");
}

#[test]
fn many_of_a_kind_are_seen_at_once() {
    let world = World::new();
    let admin = administrator(&world.folder, &world.hub);
    let acme = world.provider("Acme");
    for n in 1..=60 {
        let id = world.machine(&format!("m{n:02}"), n, &format!("198.51.100.{n}"));
        world.change(&id, &json!({"provider_id": acme}));
    }
    world.folder.sql(
        "INSERT INTO vps_mark (id, vps_id, kind, detail, since) SELECT randomblob(16), id, 'reinstalled', 'x', 1 FROM vps",
    );
    let inbox = world.inbox();
    assert_eq!((&inbox["waiting"], &inbox["reinstalled"]["total"]), (&json!(60), &json!(60)));
    let first = inbox["reinstalled"]["first"].as_array().unwrap();
    assert_eq!(first.len(), 50);
    let page = admin.get("/inbox").text;
    assert!(page.contains("Seen: all 50") && page.contains("and 10 more"), "{page}");
    assert!(page.contains("/?q=flag%3Areinstalled"), "{page}");
    let ids: Vec<&str> = first.iter().map(|vps| vps["id"].as_str().unwrap()).collect();
    let mut fields = vec![("flag", "reinstalled")];
    fields.extend(ids.iter().map(|id| ("id", *id)));
    let missing = "01939c3e-7b1a-7c3d-9a51-3f6f0b1d2e4a";
    let refused = admin.form("/inbox/acknowledge", &[&*fields, &[("id", missing)]].concat());
    assert_eq!(refused.status, 404, "{refused:?}");
    assert_eq!(world.inbox()["waiting"], 60, "all of them or none");
    assert_eq!(told(&admin, &admin.form("/inbox/acknowledge", &fields)), "50 machines seen.");
    assert_eq!(world.inbox()["waiting"], 10);
    let wrong = admin.form("/inbox/acknowledge", &[("flag", "clone"), ("id", ids[0])]);
    assert_eq!(wrong.status, 400, "{wrong:?}");
}

#[test]
fn a_reader_sees_all_of_it_and_no_button() {
    let world = World::new();
    let admin = administrator(&world.folder, &world.hub);
    world.machine("one", 1, "198.51.100.1");
    invite(&admin, &world.hub, "reader@example.org", "readonly");
    let reader = signed_in(&world.hub, "reader@example.org");
    let page = reader.get("/inbox");
    assert!(page.status == 200 && page.text.contains(">one</bdi>"), "{page:?}");
    assert!(!page.text.contains("action=\"/inbox/") && !page.text.contains("type=\"checkbox\""), "{page:?}");
    assert!(page.text.contains("takes an operator or an administrator"), "{page:?}");
    for path in ["assign", "distinct", "merge", "acknowledge", "retire", "restore", "expiry"] {
        assert_eq!(reader.form(&format!("/inbox/{path}"), &[]).status, 403, "{path}");
    }
    let stranger = Browser::new(&world.hub);
    assert_eq!(stranger.get("/inbox").status, 303);
    assert_eq!(world.hub.get(&world.agent, "/api/inbox").status, 403);
}

#[test]
fn who_is_retired_waits_for_nobody() {
    let world = World::new();
    let id = world.machine("old", 1, "198.51.100.1");
    assert_eq!(world.inbox()["waiting"], 1);
    assert_eq!(world.hub.post(&world.editor, &format!("/api/vps/{id}/retire"), "").status, 200);
    let inbox = world.inbox();
    assert_eq!((&inbox["waiting"], &inbox["unassigned"]["total"]), (&json!(0), &json!(0)), "{inbox}");
}
