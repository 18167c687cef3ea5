//! The bar below the fleet with which many machines are changed, and the button that takes that back.

use serde_json::{Value, json};

use crate::common::{Answer, Folder, Hub};
use crate::people::{Browser, administrator, invite, signed_in};

fn made(person: &Browser<'_>, body: &Value) -> String {
    let answer = person.json("POST", "/api/vps", body);
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["id"].as_str().unwrap().to_owned()
}

fn names(person: &Browser<'_>, search: &str) -> Vec<String> {
    let list = person.get(&format!("/api/vps?{search}")).json();
    list["data"].as_array().unwrap().iter().map(|vps| vps["hostname"].as_str().unwrap().to_owned()).collect()
}

/// The page that follows a form that was taken.
fn follow(person: &Browser<'_>, answer: &Answer) -> Answer {
    assert_eq!(answer.status, 303, "{answer:?}");
    person.get(answer.header("location").unwrap())
}

/// Where the button of the notice sends its form.
fn undo_of(page: &Answer) -> String {
    let (_, rest) = page.text.split_once("action=\"/undo/").unwrap_or_else(|| panic!("no button: {page:?}"));
    format!("/undo/{}", rest.split('"').next().unwrap())
}

fn three(hub: &Hub, folder: &Folder) -> Vec<String> {
    let admin = administrator(folder, hub);
    let tags = json!(["old"]);
    ["a", "b", "c"].iter().map(|name| made(&admin, &json!({"hostname": name, "tags": tags}))).collect()
}

#[test]
fn the_chosen_are_changed_and_taken_back() {
    let folder = Folder::new();
    let hub = folder.start();
    let ids = three(&hub, &folder);
    let ana = signed_in(&hub, crate::people::EMAIL);
    let page = ana.get("/");
    assert!(page.text.contains("id=\"bulk\"") && page.text.contains("All 3 machines"), "{page:?}");
    let chosen = [("id", &*ids[0]), ("id", &*ids[2]), ("q", ""), ("page", "1")];
    for (fields, search) in [
        (vec![("do", "provider"), ("provider", "Acme")], "q=provider:acme"),
        (vec![("do", "add_tag"), ("add_tag", "x, y")], "q=tag:x+tag:y"),
        (vec![("do", "remove_tag"), ("remove_tag", "old")], "q=-tag:old"),
        (vec![("do", "expiry"), ("expire_date", "2031-02-03")], "q=expires:2031-02-03"),
        (vec![("do", "retire")], "status=retired"),
        (vec![("do", "delete")], "status=deleted"),
        // The key Enter, in a field.
        (vec![("do", ""), ("add_tag", "z"), ("expire_date", "")], "tag=z"),
    ] {
        let answer = ana.form("/fleet/bulk", &[&chosen[..], &fields].concat());
        let page = follow(&ana, &answer);
        let said = match search {
            "status=retired" => "2 machines are retired.",
            "status=deleted" => "2 machines are deleted.",
            _ => "2 machines changed.",
        };
        assert!(page.text.contains(said), "{fields:?}: {page:?}");
        assert_eq!(names(&ana, search), ["a", "c"], "{fields:?}");
        let undone = ana.form(&undo_of(&page), &[]);
        let page = follow(&ana, &undone);
        assert!(page.text.contains("2 machines as before."), "{page:?}");
        assert!(names(&ana, search).is_empty(), "{fields:?}");
        undo_of(&page);
    }
    assert_eq!(names(&ana, "q="), ["a", "b", "c"]);
    let again = follow(
        &ana,
        &ana.form("/fleet/bulk", &[&chosen[..], &[("do", "add_tag"), ("add_tag", "old")]].concat()),
    );
    assert!(again.text.contains("Nothing changed") && !again.text.contains("/undo/"), "{again:?}");
}

#[test]
fn all_that_the_search_finds_are_changed_and_the_list_comes_back() {
    let folder = Folder::new();
    let hub = folder.start();
    three(&hub, &folder);
    let ana = signed_in(&hub, crate::people::EMAIL);
    made(&ana, &json!({"hostname": "z"}));
    assert!(ana.get("/?q=tag%3Aold").text.contains("All 3 machines that the search finds"));
    let fields = [
        ("all", "1"),
        ("found", "3"),
        ("q", "tag:old"),
        ("page", "1"),
        ("do", "add_tag"),
        ("add_tag", "found"),
    ];
    let answer = ana.form("/fleet/bulk", &fields);
    assert_eq!(answer.header("location"), Some("/?q=tag%3aold"), "{answer:?}");
    assert_eq!(names(&ana, "tag=found"), ["a", "b", "c"]);
    let everyone = [("all", "1"), ("found", "4"), ("q", ""), ("do", "add_tag"), ("add_tag", "everyone")];
    assert_eq!(ana.form("/fleet/bulk", &everyone).status, 303);
    assert_eq!(names(&ana, "tag=everyone"), ["a", "b", "c", "z"]);
    let page = ana.get("/").text;
    let sent = ana.form(&undo_of(&Answer { status: 200, head: String::new(), text: page }), &[]);
    assert_eq!(sent.status, 303);
    let back = signed_in(&hub, crate::people::EMAIL).with("referer", "http://hub/?q=tag%3Aold");
    let fields = [("all", "1"), ("found", "3"), ("q", "tag:old"), ("do", "retire")];
    let page = follow(&back, &back.form("/fleet/bulk", &fields));
    let undone = back.form(&undo_of(&page), &[]);
    assert_eq!(undone.header("location"), Some("/?q=tag%3aold"), "back to where the button was");
}

#[test]
fn all_are_those_that_the_page_said() {
    let folder = Folder::new();
    let hub = folder.start();
    three(&hub, &folder);
    let ana = signed_in(&hub, crate::people::EMAIL);
    let page = ana.get("/?q=tag%3Aold");
    assert!(page.text.contains("name=\"found\" value=\"3\""), "{page:?}");
    made(&ana, &json!({"hostname": "late", "tags": ["old"]}));
    let fields = [("all", "1"), ("found", "3"), ("q", "tag:old"), ("do", "delete")];
    let answer = ana.form("/fleet/bulk", &fields);
    let said = "The list was another when you chose all of its machines: 3 then, 4 now.";
    assert!(answer.status == 409 && answer.text.contains(said), "{answer:?}");
    assert!(answer.text.contains("name=\"found\" value=\"4\""), "{answer:?}");
    let unsaid = ana.form("/fleet/bulk", &[("all", "1"), ("q", "tag:old"), ("do", "delete")]);
    assert_eq!(unsaid.status, 400, "{unsaid:?}");
    assert_eq!(names(&ana, "q="), ["a", "b", "c", "late"], "nothing happened");
}

#[test]
fn the_search_alone_says_which_machines_a_page_shows() {
    let folder = Folder::new();
    let hub = folder.start();
    let ids = three(&hub, &folder);
    let ana = signed_in(&hub, crate::people::EMAIL);
    ana.form("/fleet/bulk", &[("id", &*ids[0]), ("do", "add_tag"), ("add_tag", "one")]);
    for other in
        ["tag=one", "status=retired", "country=DE", "include_deleted=maybe", "expiring_within_days=1"]
    {
        let page = ana.get(&format!("/?{other}"));
        assert!(page.status == 200 && page.text.contains("All 3 machines<"), "{other}: {page:?}");
        assert!(ids.iter().all(|id| page.text.contains(&format!("m-{id}"))), "{other}");
    }
}

#[test]
fn the_order_and_the_last_page_are_in_what_leads_on() {
    let folder = Folder::new();
    let hub = folder.start();
    let ids = three(&hub, &folder);
    let ana = signed_in(&hub, crate::people::EMAIL);
    let beyond = ana.get("/?page=9");
    assert!(beyond.status == 200 && beyond.text.contains("1–3 of 3"), "{beyond:?}");
    let sorted = ana.get("/?sort=-last_seen");
    assert!(sorted.text.contains("name=\"sort\" value=\"-last_seen\""), "{sorted:?}");
    assert!(sorted.text.contains("-status%3Aretired&#38;sort=-last_seen\""), "a click away: {sorted:?}");
    assert_eq!(sorted.text.matches("aria-sort=").count(), 1, "{sorted:?}");
    let fields = [("id", &*ids[0]), ("sort", "-last_seen"), ("do", "retire")];
    assert_eq!(ana.form("/fleet/bulk", &fields).header("location"), Some("/?sort=-last_seen"));
    let many: Vec<String> = (0..300).map(|number| format!("t{number}")).collect();
    let fields = [("id", &*ids[0]), ("do", "add_tag"), ("add_tag", &*many.join(","))];
    let refused = ana.form("/fleet/bulk", &fields);
    assert!(refused.status == 400 && refused.text.contains("The tags are 300; a machine has"), "{refused:?}");
}

#[test]
fn what_is_not_taken_comes_back_with_the_reason_and_the_choice() {
    let folder = Folder::new();
    let hub = folder.start();
    let ids = three(&hub, &folder);
    let ana = signed_in(&hub, crate::people::EMAIL);
    let id = ("id", &*ids[1]);
    for (fields, said) in [
        (vec![("do", "retire")], "Choose machines first"),
        (vec![id, ("do", "expiry"), ("expire_date", "soon")], "The date is"),
        (vec![id, ("do", "expiry")], "Choose a day"),
        (vec![id, ("do", "provider")], "Choose a provider"),
        (vec![id, ("do", "provider"), ("provider", &*"x".repeat(300))], "The name of the provider"),
        (vec![id, ("do", "add_tag"), ("add_tag", " , ")], "Name a tag."),
        (vec![id, ("do", "add_tag"), ("add_tag", "a\tb")], "The tag"),
        (vec![id, ("do", ""), ("add_tag", "a"), ("remove_tag", "b")], "Press one of the buttons"),
        (vec![id, ("do", "burn")], "Press one of the buttons"),
        (vec![("all", "1"), ("q", "tag:old page:"), ("do", "retire")], "page"),
    ] {
        let answer = ana.form("/fleet/bulk", &[&fields[..], &[("page", "1")]].concat());
        assert_eq!(answer.status, 400, "{fields:?}: {answer:?}");
        assert!(
            answer.text.contains("role=\"alert\"") && answer.text.contains(said),
            "{fields:?}: {answer:?}"
        );
        let row = format!("value=\"{}\" checked", ids[1]);
        assert_eq!(answer.text.contains(&row), fields.contains(&id), "{fields:?}");
    }
    let typed =
        ana.form("/fleet/bulk", &[id, ("do", "retire"), ("id", "x"), ("add_tag", "<b>"), ("do", "burn")]);
    assert!(typed.text.contains("value=\"&#60;b&#62;\""), "{typed:?}");
    assert_eq!(names(&ana, "status=active"), ["a", "b", "c"], "nothing happened");
    let unknown = ("id", "01939c3e-7b1a-7c3d-9a51-3f6f0b1d2e4a");
    let gone = ana.form("/fleet/bulk", &[id, unknown, ("do", "retire")]);
    assert!(gone.status == 400 && gone.text.contains("01939c3e"), "{gone:?}");
}

#[test]
fn five_hundred_machines_of_a_page_are_chosen_at_once() {
    let folder = Folder::new();
    let hub = folder.start();
    let ana = administrator(&folder, &hub);
    let ids: Vec<String> =
        (0..500).map(|number| made(&ana, &json!({"hostname": format!("m{number}")}))).collect();
    let mut fields: Vec<(&str, &str)> = ids.iter().map(|id| ("id", &**id)).collect();
    fields.extend([("do", "delete"), ("q", "m"), ("page", "1")]);
    let page = follow(&ana, &ana.form("/fleet/bulk", &fields));
    assert!(page.text.contains("500 machines are deleted."), "{page:?}");
    let page = follow(&ana, &ana.form(&undo_of(&page), &[]));
    assert!(page.text.contains("500 machines as before."), "{page:?}");
}

#[test]
fn what_cannot_be_taken_back_is_said_with_the_reason() {
    let folder = Folder::new();
    let hub = folder.start();
    let ids = three(&hub, &folder);
    let ana = signed_in(&hub, crate::people::EMAIL);
    let fields = [("id", &*ids[0]), ("id", &*ids[1]), ("do", "expiry"), ("expire_date", "2031-02-03")];
    let undo = undo_of(&follow(&ana, &ana.form("/fleet/bulk", &fields)));
    ana.form("/fleet/bulk", &[("id", &*ids[1]), ("do", "no_expiry")]);
    let part = ana.form(&undo, &[]);
    for said in ["Undone in part", "1 machine as before.", "Of 1 machine", "b: changed since: expire_date"] {
        assert!(part.status == 200 && part.text.contains(said), "{said}: {part:?}");
    }
    undo_of(&part);
    let twice = ana.form(&undo, &[]);
    for said in ["Nothing was left to undo", "a: changed since: expire_date", "Go back"] {
        assert!(twice.status == 200 && twice.text.contains(said), "{said}: {twice:?}");
    }
}

#[test]
fn who_may_not_change_sees_no_bar() {
    let folder = Folder::new();
    let hub = folder.start();
    let ids = three(&hub, &folder);
    let ana = signed_in(&hub, crate::people::EMAIL);
    invite(&ana, &hub, "reader@example.org", "readonly");
    let reader = signed_in(&hub, "reader@example.org");
    let page = reader.get("/");
    assert!(page.status == 200 && !page.text.contains("id=\"bulk\""), "{page:?}");
    assert_eq!(reader.form("/fleet/bulk", &[("id", &ids[0]), ("do", "retire")]).status, 403);
    assert_eq!(reader.form(&format!("/undo/{}", ids[0]), &[]).status, 403);
    let unknown = ana.form(&format!("/undo/{}", ids[0]), &[]);
    assert!(unknown.status == 404 && unknown.text.contains("There is nothing here"), "{unknown:?}");
}

/// What is later than a day ago, a day later.
fn a_day_later(folder: &Folder) {
    folder.sql("UPDATE audit SET at = at - 25*3600000");
}

#[test]
fn a_bulk_change_is_found_in_the_log_and_taken_back_from_there() {
    let folder = Folder::new();
    let hub = folder.start();
    let ids = three(&hub, &folder);
    let ana = signed_in(&hub, crate::people::EMAIL);
    let chosen = [("id", &*ids[0]), ("id", &*ids[2]), ("do", "add_tag"), ("add_tag", "new")];
    let undo = undo_of(&follow(&ana, &ana.form("/fleet/bulk", &chosen)));
    let link = format!("href=\"{undo}\"");
    let history = format!("/vps/{}/audit", ids[0]);
    for path in ["/audit", &history, &format!("/vps/{}", ids[0])] {
        let page = ana.get(path);
        assert!(page.text.contains(&link) && page.text.contains("look at it or undo it"), "{path}: {page:?}");
    }
    let page = ana.get(&undo);
    for said in ["2 changes at once", "<bdi>new</bdi>", &format!("action=\"{undo}\"")] {
        assert!(page.status == 200 && page.text.contains(said), "{said}: {page:?}");
    }
    invite(&ana, &hub, "reader@example.org", "readonly");
    let reader = signed_in(&hub, "reader@example.org");
    let read = reader.get(&history);
    assert!(read.text.contains("Part of a bulk change") && !read.text.contains(&link), "{read:?}");
    assert_eq!(reader.get(&undo).status, 403);
    let back = signed_in(&hub, crate::people::EMAIL).with("referer", &format!("http://hub{undo}"));
    let page = follow(&back, &back.form(&undo, &[]));
    assert!(page.text.contains("2 machines as before."), "{page:?}");
    assert!(names(&ana, "tag=new").is_empty());
    assert_eq!(ana.get(&format!("/undo/{}", ids[0])).status, 404);
    hub.stop();
    a_day_later(&folder);
    let hub = folder.start();
    let ana = signed_in(&hub, crate::people::EMAIL);
    let page = ana.get(&undo);
    assert!(page.text.contains("It is older than 24 hours"), "{page:?}");
    assert!(!page.text.contains(&format!("action=\"{undo}\"")), "{page:?}");
    let log = ana.get("/audit");
    assert!(log.text.contains(&link) && !log.text.contains("undo it"), "{log:?}");
}

#[test]
fn a_provider_that_the_change_made_goes_with_it_and_comes_back_with_it() {
    let folder = Folder::new();
    let hub = folder.start();
    let ids = three(&hub, &folder);
    let ana = signed_in(&hub, crate::people::EMAIL);
    let providers = |name: &str| {
        let list = ana.get("/api/providers").json();
        list["data"].as_array().unwrap().iter().filter(|provider| provider["name"] == name).count()
    };
    let give = |name: &str| {
        let fields = [("id", &*ids[0]), ("id", &*ids[1]), ("do", "provider"), ("provider", name)];
        undo_of(&follow(&ana, &ana.form("/fleet/bulk", &fields)))
    };
    let page = follow(&ana, &ana.form(&give("Acme"), &[]));
    let said = "2 machines as before. The provider that the change had made is deleted.";
    assert!(page.text.contains(said), "{page:?}");
    assert_eq!(providers("Acme"), 0);
    let page = follow(&ana, &ana.form(&undo_of(&page), &[]));
    assert!(page.text.contains("2 machines as before."), "{page:?}");
    assert_eq!((providers("Acme"), names(&ana, "q=provider:acme")), (1, vec!["a".into(), "b".into()]));
    // Something else uses it, or somebody changed it.
    let undo = give("Used");
    ana.form("/fleet/bulk", &[("id", &*ids[2]), ("do", "provider"), ("provider", "used")]);
    let page = follow(&ana, &ana.form(&undo, &[]));
    assert!(page.text.contains("The provider that the change had made stays"), "{page:?}");
    assert_eq!((providers("Used"), names(&ana, "q=provider:used")), (1, vec!["c".into()]));
    let undo = give("Noted");
    let list = ana.get("/api/providers").json();
    let noted = list["data"].as_array().unwrap().iter().find(|provider| provider["name"] == "Noted").unwrap();
    let path = format!("/api/providers/{}", noted["id"].as_str().unwrap());
    assert_eq!(ana.json("PUT", &path, &json!({"notes": "ours"})).status, 200);
    let page = follow(&ana, &ana.form(&undo, &[]));
    assert!(page.text.contains("The provider that the change had made stays"), "{page:?}");
    assert_eq!(providers("Noted"), 1);
    // In the inbox alike.
    let id = made(&ana, &json!({"hostname": "late"}));
    let page =
        follow(&ana, &ana.form("/inbox/assign", &[("id", &*id), ("provider", ""), ("name", "Vultr Two")]));
    assert_eq!(providers("Vultr Two"), 1);
    let page = follow(&ana, &ana.form(&undo_of(&page), &[]));
    assert!(page.text.contains("The provider that the change had made is deleted."), "{page:?}");
    assert_eq!(providers("Vultr Two"), 0);
}
