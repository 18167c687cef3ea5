//! Pages of providers: what they bill, and forms to make, change and delete them.

use serde_json::json;

use crate::common::{Answer, Folder, Hub};
use crate::people::{Browser, administrator, invite, signed_in};

/// A provider made by its page; its id.
fn make(browser: &Browser<'_>, name: &str) -> String {
    let made = browser.form("/providers", &[("name", name)]);
    assert_eq!(made.status, 303, "{made:?}");
    made.header("location").unwrap().rsplit('/').next().unwrap().to_owned()
}

/// A machine of that provider, with further members.
fn machine(hub: &Hub, key: &str, name: &str, provider: &str, members: serde_json::Value) -> String {
    let mut body = json!({"hostname": name, "provider_id": provider});
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    let made = hub.post(key, "/api/vps", &body.to_string());
    assert_eq!(made.status, 201, "{made:?}");
    made.json()["id"].as_str().unwrap().to_owned()
}

/// The row of the table that has this in it.
fn row<'a>(page: &'a Answer, with: &str) -> &'a str {
    page.text.split("<tr").find(|row| row.contains(with)).unwrap_or_else(|| panic!("no {with}: {page:?}"))
}

#[test]
fn costs_are_added_up_exactly_and_by_currency() {
    let folder = Folder::new();
    let key = folder.key("operator");
    let hub = folder.start();
    let ana = administrator(&folder, &hub);
    let empty = ana.get("/providers");
    assert!(empty.text.contains("There is no provider yet."), "{empty:?}");
    let (acme, bolt) = (make(&ana, "Acme & \"Sons\""), make(&ana, "Bolt"));
    let cost = |amount: &str, currency: &str| json!({"cost_monthly": amount, "currency": currency});
    machine(&hub, &key, "a1", &acme, cost("0.1", "EUR"));
    machine(&hub, &key, "a2", &acme, cost("0.2", "EUR"));
    machine(&hub, &key, "a3", &acme, cost("12.5", "USD"));
    machine(&hub, &key, "a4", &acme, json!({}));
    let retired = machine(&hub, &key, "a5", &acme, cost("100", "EUR"));
    assert_eq!(hub.post(&key, &format!("/api/vps/{retired}/retire"), "").status, 200);
    machine(&hub, &key, "b1", &bolt, cost("999999999999.9999", "EUR"));
    let page = ana.get("/providers");
    let acme_row = row(&page, &format!("/providers/{acme}"));
    for said in ["<b>0.30</b> EUR", "<b>12.50</b> USD", "1 without a cost", "Acme &#38; &#34;Sons&#34;"] {
        assert!(acme_row.contains(said), "{said}: {acme_row}");
    }
    assert!(acme_row.contains("/?q=provider%3A%22Acme+%26+%5C%22Sons%5C%22%22"), "{acme_row}");
    assert!(row(&page, "class=\"all\"").contains("<b>1000000000000.2999</b> EUR"), "{page:?}");
    let found = ana.get("/?q=provider%3A%22Acme+%26+%5C%22Sons%5C%22%22");
    assert!(
        found.text.contains("<bdi>a4<") && !found.text.contains("<bdi>b1<"),
        "the link finds its machines"
    );
    let costs = hub.get(&key, "/api/stats").json();
    assert_eq!(
        costs["monthly_costs"],
        json!([
            {"provider": "Acme & \"Sons\"", "currency": "EUR", "amount": "0.30", "machines": 2},
            {"provider": "Acme & \"Sons\"", "currency": "USD", "amount": "12.50", "machines": 1},
            {"provider": "Bolt", "currency": "EUR", "amount": "999999999999.9999", "machines": 1},
        ])
    );
    assert_eq!(costs["without_cost"], 1);
}

#[test]
fn the_next_expiries_are_those_of_machines_in_use() {
    let folder = Folder::new();
    let key = folder.key("operator");
    let hub = folder.start();
    let ana = administrator(&folder, &hub);
    let (acme, bolt) = (make(&ana, "Acme"), make(&ana, "Bolt"));
    for (name, day) in
        [("m4", "2999-04-01"), ("m1", "2999-01-01"), ("m3", "2999-03-01"), ("m2", "2999-02-01")]
    {
        machine(&hub, &key, name, &acme, json!({"expire_date": day}));
    }
    let gone = machine(&hub, &key, "m0", &acme, json!({"expire_date": "2998-01-01"}));
    assert_eq!(hub.delete(&key, &format!("/api/vps/{gone}")).status, 204);
    machine(&hub, &key, "old", &acme, json!({"expire_date": "2001-01-01"}));
    machine(&hub, &key, "other", &bolt, json!({"expire_date": "2999-01-01"}));
    let page = ana.get("/providers");
    let acme_row = row(&page, &format!("/providers/{acme}"));
    let places: Vec<_> =
        ["m1", "m2", "m3"].iter().map(|name| acme_row.find(&format!("<bdi>{name}<"))).collect();
    assert!(places.is_sorted() && places[0].is_some(), "{acme_row}");
    for not in ["m4", "m0", "old", "other"] {
        assert!(!acme_row.contains(&format!("<bdi>{not}<")), "{not}: {acme_row}");
    }
    assert!(acme_row.contains("1 past its date"), "{acme_row}");
    assert!(row(&page, &format!("/providers/{bolt}")).contains("<bdi>other<"), "each has its own");
    let one = ana.get(&format!("/providers/{acme}"));
    assert!(one.text.contains("<bdi>m4<") && one.text.contains(">5 machines<"), "{one:?}");
    assert!(!one.text.contains("<bdi>m0<"), "{one:?}");
}

#[test]
fn a_list_is_sorted_and_searched() {
    let folder = Folder::new();
    let key = folder.key("operator");
    let hub = folder.start();
    let ana = administrator(&folder, &hub);
    make(&ana, "Acme");
    let bolt = make(&ana, "bolt");
    machine(&hub, &key, "b", &bolt, json!({}));
    let order = |path: &str| {
        let page = ana.get(path);
        assert_eq!(page.status, 200, "{page:?}");
        page.text.find("<bdi>Acme<").zip(page.text.find("<bdi>bolt<")).map(|(acme, bolt)| acme < bolt)
    };
    assert_eq!(order("/providers"), Some(true));
    assert_eq!(order("/providers?sort=-name"), Some(false));
    assert_eq!(order("/providers?sort=-machines"), Some(false));
    assert_eq!(order("/providers?sort=machines"), Some(true));
    assert!(ana.get("/providers?sort=-machines").text.contains("aria-sort=\"descending\""));
    let found = ana.get("/providers?q=BOL");
    assert!(found.text.contains("<bdi>bolt<") && !found.text.contains("<bdi>Acme<"), "{found:?}");
    assert!(ana.get("/providers?q=zzz").text.contains("No provider has that in its name."));
    let wrong = ana.get("/providers?sort=colour");
    assert!(wrong.status == 400 && wrong.text.contains("sort: is name or machines"), "{wrong:?}");
}

#[test]
fn a_form_that_was_not_taken_comes_back_with_the_words_and_the_reason() {
    let folder = Folder::new();
    let hub = folder.start();
    let ana = administrator(&folder, &hub);
    make(&ana, "Acme");
    let fields = [("name", "Bolt <i>"), ("country", "XX"), ("website", "ftp://x"), ("notes", "\nkeep me")];
    let back = ana.form("/providers", &fields);
    assert_eq!(back.status, 400, "{back:?}");
    for said in ["Bolt &#60;i&#62;", ">\n\nkeep me", "id=\"country-wrong\"", "This is a code of ISO 3166-1"] {
        assert!(back.text.contains(said), "{said}: {back:?}");
    }
    let taken = ana.form("/providers", &[("name", "acme")]);
    assert!(taken.status == 409 && taken.text.contains("id=\"name-wrong\""), "{taken:?}");
    assert!(ana.form("/providers", &[("name", " ")]).text.contains("This is empty."));
}

#[test]
fn what_somebody_else_changed_meanwhile_is_shown_beside_ones_own_words() {
    let folder = Folder::new();
    let key = folder.key("operator");
    let hub = folder.start();
    let ana = administrator(&folder, &hub);
    let id = make(&ana, "Acme");
    let path = format!("/providers/{id}/edit");
    let form = ana.get(&path);
    assert!(form.text.contains("name=\"version\" value=\"1\""), "{form:?}");
    let api = format!("/api/providers/{id}");
    assert_eq!(hub.put(&key, &api, &json!({"country": "DE", "rating": 5})).status, 200);
    let mine = [("version", "1"), ("name", "Acme"), ("country", "FR"), ("rating", "5"), ("notes", "mine")];
    let stale = ana.form(&path, &mine);
    assert_eq!(stale.status, 412, "{stale:?}");
    for said in
        ["test operator changed it last", "value=\"FR\"", "Now it is: DE", "\nmine</textarea>", "value=\"2\""]
    {
        assert!(stale.text.contains(said), "{said}: {stale:?}");
    }
    assert!(!stale.text.contains("Now it is: 5"), "what is the same is not said");
    assert_eq!(hub.get(&key, &api).json()["country"], "DE", "nothing was overwritten");
    let again = ana.form(&path, &[("version", "2"), ("name", "Acme"), ("country", "FR"), ("notes", "mine")]);
    assert_eq!((again.status, again.header("location")), (303, Some(&*format!("/providers/{id}"))));
    let page = ana.get(&format!("/providers/{id}"));
    assert!(page.text.contains("The provider is changed.") && page.text.contains("mine"), "{page:?}");
}

#[test]
fn a_provider_with_machines_says_which_and_one_without_goes() {
    let folder = Folder::new();
    let key = folder.key("operator");
    let hub = folder.start();
    let ana = administrator(&folder, &hub);
    let id = make(&ana, "Acme");
    let vps = machine(&hub, &key, "m", &id, json!({}));
    let path = format!("/providers/{id}/delete");
    assert!(!ana.get(&format!("/providers/{id}")).text.contains(&path), "no button that would be refused");
    let refused = ana.form(&path, &[("version", "1")]);
    assert_eq!(refused.status, 409, "{refused:?}");
    assert!(
        refused.text.contains("Acme has 1 machine;") && refused.text.contains("Show 1 machine"),
        "{refused:?}"
    );
    hub.delete(&key, &format!("/api/vps/{vps}"));
    assert!(ana.get(&format!("/providers/{id}")).text.contains(&path));
    assert_eq!(ana.form(&path, &[]).status, 412, "what was not seen is not deleted");
    let gone = ana.form(&path, &[("version", "1")]);
    assert_eq!((gone.status, gone.header("location")), (303, Some("/providers")), "{gone:?}");
    assert!(ana.get("/providers").text.contains("The provider is deleted."));
    assert_eq!(ana.get(&format!("/providers/{id}")).status, 404);
}

#[test]
fn a_reader_looks_and_is_told_who_may_change() {
    let folder = Folder::new();
    let hub = folder.start();
    let ana = administrator(&folder, &hub);
    let id = make(&ana, "Acme");
    invite(&ana, &hub, "reader@example.org", "readonly");
    let reader = signed_in(&hub, "reader@example.org");
    let page = reader.get(&format!("/providers/{id}"));
    assert!(page.status == 200 && page.text.contains("takes an operator or an administrator"), "{page:?}");
    assert!(!page.text.contains("/edit\"") && !page.text.contains("/delete\""), "{page:?}");
    assert!(!reader.get("/providers").text.contains("/providers/new"));
    for path in ["/providers/new", &format!("/providers/{id}/edit"), "/audit"] {
        let refused = reader.get(path);
        assert!(refused.status == 403 && refused.text.contains("reader@example.org"), "{path}: {refused:?}");
    }
    assert_eq!(reader.form("/providers", &[("name", "Bolt")]).status, 403);
    assert_eq!(Browser::new(&hub).get("/providers").status, 303, "whoever is not in signs in first");
}

#[test]
fn costs_have_the_digits_of_their_currency() {
    let folder = Folder::new();
    let hub = folder.start();
    let ana = administrator(&folder, &hub);
    make(&ana, "Acme");
    for (name, cost, currency) in [("a", "900", "JPY"), ("b", "4.5", "EUR"), ("c", "0.125", "USD")] {
        let body = json!({"hostname": name, "cost_monthly": cost, "currency": currency});
        assert_eq!(ana.json("POST", "/api/vps", &body).status, 201);
    }
    let page = ana.get("/providers");
    for said in ["<b>900</b> JPY", "<b>4.50</b> EUR", "<b>0.125</b> USD"] {
        assert!(page.text.contains(said), "{said}: {page:?}");
    }
}
