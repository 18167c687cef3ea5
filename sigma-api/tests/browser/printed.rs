//! Pages on paper: what there is to read, and nothing to press.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde_json::{Value, json};

use crate::browser::{Browser, Script};
use crate::common::Folder;
use crate::common::machine::Machine;

stories_also_without_javascript!(a_printed_page_has_what_there_is_to_read_and_nothing_to_press);

/// The width of A4 between margins of a centimetre, in pixels of CSS, upright and across.
const SHEETS: [u32; 2] = [718, 1046];
/// What stands out of the sheet, and what one would press, that can be seen.
const LOOK: &str = "
    const shown = (selector) => [...document.querySelectorAll(selector)]
      .filter((element) => element.checkVisibility() && element.getBoundingClientRect().height);
    const pressed = shown('button, .button, input, select, textarea, nav, form.bulk, form.search, [role=search]');
    const wide = shown('main *').filter((element) => element.getBoundingClientRect().right > innerWidth + 1);
    return [...pressed, ...wide].map((element) => element.outerHTML.slice(0, 90))";

fn a_printed_page_has_what_there_is_to_read_and_nothing_to_press(script: Script) {
    let folder = Folder::new();
    let (key, operator) = (folder.key("agent"), folder.key("operator"));
    let hub = folder.start();
    let machine = |name: &str, number: u8| {
        Machine::new(name, number, "b", &format!("203.0.113.{number}")).live(&hub, &key)
    };
    let id = machine("web1.with-a-name-of-some-length.example.org", 1);
    let long =
        Machine { ip: "2001:db8:1111:2222:3333:4444:5555:6666".into(), ..Machine::new("web3", 3, "b", "") };
    long.live(&hub, &key);
    machine("web2", 2);
    let acme = hub.post(
        &operator,
        "/api/providers",
        &json!({"name": "Acme Hosting of Nordland", "country": "NO"}).to_string(),
    );
    let said = json!({"provider_id": acme.json()["id"], "notes": "in the cellar",
        "tags": ["edge", "eu-west-of-the-river", "runs-the-mail"],
        "cost_monthly": "9.90", "currency": "EUR", "expire_date": "2199-12-31"});
    assert_eq!(hub.put(&operator, &format!("/api/vps/{id}"), &said).status, 200);
    let browser = Browser::of_administrator(&folder, &hub, script);

    for (path, read) in [
        ("/", ["web1.with-a-name-of-some-length.example.org", "203.0.113.2", "Acme", "edge"]),
        (&*format!("/vps/{id}"), ["in the cellar", "203.0.113.1", "As last reported", "2199-12-31"]),
        ("/providers", ["Providers", "Acme", "9.90", "EUR"]),
    ] {
        browser.devtools("Emulation.setEmulatedMedia", &json!({"media": ""}));
        browser.open(path);
        if path == "/" {
            browser.tick("Select web2");
            browser.sees("Retire");
        }
        browser.sees("Sign out");
        browser.devtools("Emulation.setEmulatedMedia", &json!({"media": "print"}));
        for width in SHEETS {
            browser.resize(width, 1000);
            browser.sees_no("Sign out");
            assert_eq!(browser.run(LOOK, Value::Null), json!([]), "{path} on {width} px");
            for text in read {
                browser.sees(text);
            }
        }
        let paper = browser.devtools("Page.printToPDF", &json!({"printBackground": false}));
        let paper = BASE64.decode(paper["data"].as_str().unwrap()).unwrap();
        assert!(paper.starts_with(b"%PDF-") && paper.len() > 5000, "{path}: {} bytes", paper.len());
        browser.resize(1280, 900);
    }
}
