//! Import and export on a page: a file is shown line by line before it is taken.

use serde_json::json;

use crate::common::{Answer, Folder};
use crate::people::{Browser, administrator, invite, signed_in};

const BOUNDARY: &str = "----a-browser-made-this";

/// Sends a form as browsers send one with a file.
fn upload(browser: &Browser<'_>, path: &str, fields: &[(&str, &str)], file: &str) -> Answer {
    let mut body = String::new();
    for (name, value) in fields {
        body +=
            &format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    body += &format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"fleet.csv\"\r\n\
         Content-Type: text/csv\r\n\r\n{file}\r\n--{BOUNDARY}--\r\n"
    );
    browser.send("POST", path, &format!("multipart/form-data; boundary={BOUNDARY}"), &body)
}

/// The text that a page would send when it is applied.
fn kept(page: &Answer) -> String {
    let from =
        page.text.split_once("<textarea name=\"text\" hidden>\n").unwrap_or_else(|| panic!("{page:?}")).1;
    let text = from.split("</textarea>").next().unwrap();
    text.replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#38;", "&")
}

#[test]
fn a_file_is_shown_line_by_line_and_then_taken() {
    let folder = Folder::new();
    let editor = folder.key("operator");
    let hub = folder.start();
    let admin = administrator(&folder, &hub);
    let there = json!({"hostname": "there", "city": "Kyiv"}).to_string();
    assert_eq!(hub.post(&editor, "/api/vps", &there).status, 201);
    let page = admin.get("/import").text;
    assert!(page.contains("type=\"file\"") && page.contains("at most 2 MiB"), "{page}");

    let file = "hostname,city,notes\r\nthere,Wien,\r\nnew,Oslo,\"a <b> \"\"c\"\" & d\"\r\n";
    let shown = upload(&admin, "/import/preview", &[("kind", "machines"), ("text", "")], file);
    assert_eq!(shown.status, 200, "{shown:?}");
    for part in [
        "1 new · 1 changed · 0 as they are · none refused",
        "<del><bdi>Kyiv</bdi></del>",
        "<bdi>Wien</bdi>",
        "Import 2 lines",
    ] {
        assert!(shown.text.contains(part), "{part}: {shown:?}");
    }
    assert_eq!(hub.get(&editor, "/api/vps").json()["total"], 1, "nothing was done yet");
    let text = kept(&shown);
    assert_eq!(text, file, "what is applied is what was shown");

    let done = upload(&admin, "/import/apply", &[("kind", "machines"), ("text", &text)], "");
    assert!(done.status == 303 && done.header("location") == Some("/"), "{done:?}");
    assert!(admin.get("/").text.contains("2 records are imported."));
    let list = hub.get(&editor, "/api/vps").json();
    assert_eq!((&list["total"], &list["data"][0]["notes"]), (&json!(2), &json!("a <b> \"c\" & d")), "{list}");
    let same = upload(&admin, "/import/preview", &[("kind", "machines"), ("text", &text)], "");
    assert!(same.text.contains("nothing to import") && !same.text.contains("/import/apply"), "{same:?}");
}

#[test]
fn what_is_done_is_what_was_shown_or_nothing() {
    let folder = Folder::new();
    let editor = folder.key("operator");
    let hub = folder.start();
    let admin = administrator(&folder, &hub);
    let there = json!({"hostname": "there", "city": "Kyiv"}).to_string();
    assert_eq!(hub.post(&editor, "/api/vps", &there).status, 201);
    let text = "hostname,city,ip_addresses,tags\nthere,Wien,203.0.113.8,a\nnew,Oslo,203.0.113.9,b\n";
    let preview = || {
        let page = upload(&admin, "/import/preview", &[("kind", "machines"), ("text", text)], "");
        let shown = page.text.split_once("name=\"shown\" value=\"").unwrap_or_else(|| panic!("{page:?}")).1;
        shown.split('"').next().unwrap().to_owned()
    };
    let apply = |shown: &str| {
        upload(&admin, "/import/apply", &[("kind", "machines"), ("shown", shown), ("text", text)], "")
    };
    let shown = preview();
    assert_eq!(preview(), shown, "the same is the same");
    assert_eq!(
        hub.post(&editor, "/api/vps", &json!({"hostname": "new", "city": "Rome"}).to_string()).status,
        201
    );
    let other = apply(&shown);
    assert!(other.status == 409 && other.text.contains("changed since this was shown"), "{other:?}");
    assert!(other.text.contains("<del><bdi>Rome</bdi></del>"), "it shows what it would do now: {other:?}");
    assert!(hub.get(&editor, "/api/vps").text.contains("Rome"), "nothing was done");
    let done = apply(&preview());
    assert!(done.status == 303, "{done:?}");
}

#[test]
fn what_was_shown_of_a_file_of_many_lines_can_be_applied() {
    let folder = Folder::new();
    let hub = folder.start();
    let admin = administrator(&folder, &hub);
    // Browsers end each line of a text with two characters.
    let text = format!("hostname\r\nnew\r\n{}", "\r\n".repeat(1_900_000));
    let done = upload(&admin, "/import/preview", &[("kind", "machines"), ("text", &text)], "");
    assert!(done.status == 200 && done.text.contains("1 new"), "{}", done.status);
}

#[test]
fn a_line_that_is_refused_says_why_and_keeps_all_from_being_imported() {
    let folder = Folder::new();
    let editor = folder.key("operator");
    let hub = folder.start();
    let admin = administrator(&folder, &hub);
    let text = "hostname,country\nfine,NO\nbad,Norway\n";
    let fields = [("kind", "machines"), ("text", text)];
    let shown = upload(&admin, "/import/preview", &fields, "");
    assert!(shown.status == 200 && shown.text.contains("1 refused"), "{shown:?}");
    assert!(shown.text.contains("country: is a code of ISO 3166-1"), "{shown:?}");
    assert!(!shown.text.contains("/import/apply"), "there is no button: {shown:?}");
    assert!(shown.text.contains("bad,Norway"), "the text stands where it can be mended: {shown:?}");
    let refused = upload(&admin, "/import/apply", &fields, "");
    assert!(refused.status == 409 && refused.text.contains("Nothing was imported"), "{refused:?}");
    assert_eq!(hub.get(&editor, "/api/vps").json()["total"], 0);
}

#[test]
fn a_file_that_cannot_be_read_comes_back_with_the_reason() {
    let folder = Folder::new();
    let hub = folder.start();
    let admin = administrator(&folder, &hub);
    for (text, said) in [
        ("", "empty"),
        ("name;<i>colour</i>\na;b", "there is no column"),
        ("[{]", "no JSON"),
        ("{\"hostname\": \"a\"}", "a list of objects"),
    ] {
        let answer = upload(&admin, "/import/preview", &[("kind", "machines"), ("text", text)], "");
        assert_eq!(answer.status, 400, "{text}: {answer:?}");
        assert!(
            answer.text.contains("id=\"text-wrong\"") && answer.text.contains(said),
            "{text}: {answer:?}"
        );
        assert!(!answer.text.contains("<i>colour"), "{answer:?}");
    }
    let large = upload(&admin, "/import/preview", &[("kind", "machines")], &"x".repeat(2 * 1024 * 1024 + 1));
    assert!(large.status == 413 && large.text.contains("larger than 2 MiB"), "{}", large.status);
    let plain = admin.form("/import/preview", &[("text", "hostname\na\n")]);
    assert_eq!(plain.status, 415);
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let cut = admin.send("POST", "/import/preview", &kind, &format!("--{BOUNDARY}\r\nContent-Dispo"));
    assert!(cut.status == 400 && cut.text.contains("did not arrive whole"), "{cut:?}");
}

#[test]
fn providers_come_in_the_same_way() {
    let folder = Folder::new();
    let editor = folder.key("operator");
    let hub = folder.start();
    let admin = administrator(&folder, &hub);
    let text = r#"[{"name": "Acme", "rating": 4}]"#;
    let fields = [("kind", "providers"), ("text", text)];
    let shown = upload(&admin, "/import/preview", &fields, "");
    assert!(
        shown.text.contains("1 new") && shown.text.contains("name=\"kind\" value=\"providers\""),
        "{shown:?}"
    );
    let done = upload(&admin, "/import/apply", &fields, "");
    assert_eq!(done.header("location"), Some("/providers"), "{done:?}");
    let list = hub.get(&editor, "/api/providers").json();
    assert_eq!((&list["data"][0]["name"], &list["data"][0]["rating"]), (&json!("Acme"), &json!(4)));
}

#[test]
fn a_person_exports_what_a_search_finds_and_a_reader_does_so_too() {
    let folder = Folder::new();
    let editor = folder.key("operator");
    let hub = folder.start();
    let admin = administrator(&folder, &hub);
    for name in ["one", "two"] {
        assert_eq!(hub.post(&editor, "/api/vps", &json!({"hostname": name}).to_string()).status, 201);
    }
    let page = admin.get("/?q=host%3Aone").text;
    assert!(page.contains("href=\"/import?q=host%3Aone\""), "{page}");
    invite(&admin, &hub, "reader@example.org", "readonly");
    let reader = signed_in(&hub, "reader@example.org");
    let page = reader.get("/import?q=host%3Aone").text;
    assert!(page.contains("value=\"host:one\"") && !page.contains("/import/preview"), "{page}");
    assert!(page.contains("takes an operator or an administrator"), "{page}");
    let some = reader.get("/api/vps/export?q=host%3Aone&format=csv");
    assert!(some.status == 200 && some.text.contains("one") && !some.text.contains("two"), "{some:?}");
    let all = reader.get("/api/vps/export?q=&format=json");
    assert!(all.status == 200 && all.text.contains("one") && all.text.contains("two"), "{all:?}");
    assert_eq!(upload(&reader, "/import/preview", &[("text", "hostname\nx")], "").status, 403);
    assert_eq!(upload(&reader, "/import/apply", &[("text", "hostname\nx")], "").status, 403);
}
