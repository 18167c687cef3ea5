//! Import with its preview.

use serde_json::json;

use crate::browser::{Browser, Script};
use crate::common::Folder;

stories_also_without_javascript!(
    a_list_is_previewed_mended_and_imported,
    a_file_of_a_spreadsheet_is_previewed_and_imported,
    a_file_is_refused_line_by_line_and_mended,
);

fn a_list_is_previewed_mended_and_imported(script: Script) {
    let folder = Folder::new();
    let hub = folder.start();
    let browser = Browser::of_administrator(&folder, &hub, script);
    browser.open("/import");
    browser.fill("or its text", "hostname,country\nfine,NO\nbad,Norway\n");
    browser.press("Preview");
    browser.sees("1 refused");
    browser.sees("Nothing can be imported as long as a line is refused.");
    browser.sees("country: is a code of ISO 3166-1");
    assert_eq!(browser.count("form[action='/import/apply']"), 0, "nothing can be applied");
    assert!(browser.value("or its text").contains("bad,Norway"), "the text stands where it can be mended");

    browser.fill("or its text", "hostname,country\nfine,NO\nbad,SE\n");
    browser.press("Preview");
    browser.sees("2 new");
    browser.sees("none refused");
    browser.press("Import 2 lines");
    browser.is_at("/");
    browser.sees("2 records are imported.");
    for name in ["fine", "bad"] {
        browser.sees(name);
    }
    browser.open("/import");
    browser.fill("or its text", "hostname,country\nfine,NO\nbad,FI\n");
    browser.press("Preview");
    browser.sees("1 changed");
    browser.follow("Cancel");
    browser.is_at("/import");
    browser.sees("Import and export");
}

/// As spreadsheets of a country with decimal commas save it: semicolons, the mark of UTF-8, line ends of Windows.
const SPREADSHEET: &str = "\u{feff}hostname;provider;tags;notes;monitoring_enabled\r\n\
    mail;M\u{fc}ller & S\u{f6}hne;\"edge;eu\";\"first line\r\n\r\n<b>third</b>; \"\"quoted\"\"\";FALSE\r\n\
    web;;;\" begins with a space\";TRUE\r\n";

fn a_file_of_a_spreadsheet_is_previewed_and_imported(script: Script) {
    let folder = Folder::new();
    let operator = folder.key("operator");
    let hub = folder.start();
    hub.post(&operator, "/api/providers", &json!({"name": "Müller & Söhne"}).to_string());
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("machines of Müller.csv");
    std::fs::write(&file, SPREADSHEET).unwrap();
    let browser = Browser::of_administrator(&folder, &hub, script);
    browser.open("/import");
    browser.chooses_file("File", &file);
    browser.press("Preview");
    browser.sees("2 new");
    browser.sees("none refused");
    for seen in ["Müller & Söhne", "edge, eu", "<b>third</b>; \"quoted\""] {
        browser.sees(seen);
    }
    assert_eq!(hub.get(&operator, "/api/vps").json()["total"], 0, "nothing is done before it is shown");
    browser.press("Import 2 lines");
    browser.is_at("/");
    browser.sees("2 records are imported.");
    browser.sees("Müller & Söhne");
    let data = hub.get(&operator, "/api/vps?sort=hostname").json()["data"].clone();
    assert_eq!(
        [&data[0]["hostname"], &data[0]["tags"], &data[0]["notes"], &data[0]["monitoring_enabled"]],
        [
            &json!("mail"),
            &json!(["edge", "eu"]),
            &json!("first line\n\n<b>third</b>; \"quoted\""),
            &json!(false)
        ]
    );
    assert_eq!([&data[1]["hostname"], &data[1]["monitoring_enabled"]], [&json!("web"), &json!(true)]);

    browser.open("/import");
    browser.chooses_file("File", &file);
    browser.press("Preview");
    browser.sees("2 as they are");
    browser.sees("there is nothing to import");
}

fn a_file_is_refused_line_by_line_and_mended(script: Script) {
    const LINES: [&str; 5] = [
        "hostname,country,cost_monthly,expire_date",
        "fine,NO,,",
        "two words,,,",
        "priced,,much,",
        "dated,,,2026-02-30",
    ];
    let folder = Folder::new();
    let operator = folder.key("operator");
    let hub = folder.start();
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("machines.csv");
    let browser = Browser::of_administrator(&folder, &hub, script);
    let previews = |bytes: &[u8]| {
        std::fs::write(&file, bytes).unwrap();
        browser.chooses_file("File", &file);
        browser.press("Preview");
    };
    browser.open("/import");
    previews(LINES.join("\n").as_bytes());
    browser.sees("1 new · 0 changed · 0 as they are · 3 refused");
    browser.sees("Nothing can be imported as long as a line is refused.");
    for (line, name, member) in
        [(3, "two words", "hostname:"), (4, "priced", "cost_monthly:"), (5, "dated", "expire_date:")]
    {
        browser.soon(&format!("line {line}"), async |client| {
            let rows = client.find_all(fantoccini::Locator::Css("tbody tr")).await?;
            for row in rows {
                let text = row.text().await?;
                if text.starts_with(&line.to_string()) && text.contains(name) {
                    return Ok((text.contains("refused") && text.contains(member)).then_some(()));
                }
            }
            Ok(None)
        });
    }
    assert_eq!(browser.count("form[action='/import/apply']"), 0, "nothing can be applied");
    assert_eq!(
        browser.value("or its text"),
        LINES.join("\n"),
        "the text of the file stands where it can be mended"
    );

    // The text of before stands there still: the file that is chosen counts.
    previews(b"hostname,country\nfine,NO\nmended,SE\n");
    browser.sees("2 new");
    browser.follow("Cancel");

    browser.expects(400);
    previews(b"hostname,notes\nfine,d\xe9j\xe0 vu\n");
    browser.sees("The file is no text in UTF-8; save it so, and send it again.");
    browser.open("/import");
    browser.expects(400);
    previews(b"");
    browser.sees("is empty; choose a file, or paste its text");
    assert_eq!(hub.get(&operator, "/api/vps").json()["total"], 0);
}
