//! Text that wants to be more than text, and comes while the page is open.

use serde_json::{Value, json};

use crate::browser::{Browser, Script};
use crate::common::Folder;
use crate::common::machine::{Machine, id_of};

stories!(hostile_text_that_comes_while_one_looks_stays_text);

/// Runs before anything of a page: it notes what runs, and what comes into the page that could.
const TRAP: &str = "window.ranList = []; window.ran = (what) => { ranList.push(String(what)); };
    window.alert = window.confirm = window.prompt = ran;
    const could = (element) => /^(script|img|iframe|object|embed|base|style)$/.test(element.localName) && !element.src?.includes('/assets/')
      || [...element.attributes].some(({ name, value }) => /^on|^autofocus$|^srcdoc$|^style$/i.test(name) || /^\\s*javascript:/i.test(value) && /^(href|src|action|formaction)$/.test(name));
    new MutationObserver((changes) => {
      for (const { addedNodes } of changes) {
        for (const node of addedNodes) {
          if (node.nodeType !== 1) continue;
          for (const element of [node, ...node.querySelectorAll('*')]) if (could(element)) ran(element.outerHTML.slice(0, 200));
        }
      }
    }).observe(document, { childList: true, subtree: true });";
const TEXTS: [&str; 5] = [
    "<script>ran('script')</script>",
    "<img src=x onerror=ran('img')>",
    "\"'><svg onload=ran('svg')>",
    "</td></tr></table></template><img src=x onerror=ran('out')>",
    "\" autofocus onfocus=ran('attribute') x=\"",
];

fn hostile_text_that_comes_while_one_looks_stays_text(script: Script) {
    let folder = Folder::new();
    let (agent, operator) = (folder.key("agent"), folder.key("operator"));
    let hub = folder.start();
    Machine::new("tame", 99, "b", "203.0.113.99").live(&hub, &agent);
    let browser = Browser::of_administrator(&folder, &hub, script);
    browser.devtools("Page.enable", &json!({}));
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", &json!({"source": TRAP}));
    // What is escaped needs no policy.
    browser.devtools("Page.setBypassCSP", &json!({"enabled": true}));
    browser.open("/");
    browser.run(
        "const made = document.createElement('script'); made.textContent = \"ran('armed')\"; document.body.append(made)",
        Value::Null,
    );
    let armed = ran(&browser);
    assert!(armed.contains(&"armed".to_owned()) && armed.len() == 2, "the trap works: {armed:?}");
    browser.run(
        "for (const box of document.querySelectorAll('input[name=column]')) box.checked = true",
        Value::Null,
    );
    browser.press("Columns");
    browser.press("Show these");
    browser.sees("System");

    let reports = |says: &dyn Fn(&str) -> String| {
        let one = |(number, text): (u8, &&str)| {
            let said = says(text);
            let message = json!({"hostname": format!("h{number}"),
                "ip_addresses": [{"ip": format!("203.0.113.{number}"), "label": text}],
                "system_info": {"os": said, "kernel": text, "arch": text, "cpu_model": text,
                    "virtualization": text, "vendor": text, "product": text, "asset_tag": text},
                "agent": {"version": text, "interval_seconds": 60},
                "machine": {"id": format!("{number:02x}").repeat(32), "boot_id": text}});
            (id_of(&hub.post(&agent, "/api/agent/register", &message.to_string())), said)
        };
        (1..).zip(&TEXTS).map(one).collect::<Vec<_>>()
    };
    shows(&browser, &reports(&|text| text.to_owned()));
    // They change, and a person says more of them.
    let changed = reports(&|text| format!("again {text}"));
    shows(&browser, &changed);
    let mut said = Vec::new();
    for ((id, _), text) in changed.iter().zip(TEXTS) {
        let more = format!("said {text}");
        let provider = json!({"name": more, "notes": text}).to_string();
        let provider = hub.post(&operator, "/api/providers", &provider).json()["id"].clone();
        let of_person = json!({"alias": more, "notes": more, "purpose": text, "city": more, "dc_name": text,
            "tags": [text], "provider_id": provider});
        let answer = hub.put(&operator, &format!("/api/vps/{id}"), &of_person);
        assert_eq!(answer.status, 200, "{answer:?}");
        said.push((id.clone(), more));
    }
    shows(&browser, &said);
    shows(&browser, &changed);
    let ids: Vec<&String> = said.iter().map(|(id, _)| id).collect();
    // What turns the direction of text is not taken; text that has one of its own turns nothing around it.
    let alias = |text: &str| hub.put(&operator, &format!("/api/vps/{}", ids[0]), &json!({"alias": text}));
    let answer = alias("a\u{202e}b");
    assert!(answer.status == 400 && answer.error().contains("alias"), "{answer:?}");
    assert_eq!(alias("\u{5d0}<b>\u{5d1}</b>").status, 200);
    shows(&browser, &[(ids[0].clone(), "\u{5d0}<b>\u{5d1}</b>".to_owned())]);
    browser.until("getComputedStyle(document.querySelector('#rows .sub bdi')).unicodeBidi === 'isolate'");
    assert_eq!(browser.count("#rows > tr"), 6);
    for path in ids.iter().map(|id| format!("/vps/{id}")).chain(["/providers".to_owned()]) {
        browser.open(&path);
        browser.sees("said ");
        assert_eq!(ran(&browser), Vec::<String>::new(), "{path}");
    }
}

/// Waits until the row of each machine has what belongs there, as text, and nothing ran.
fn shows(browser: &Browser, rows: &[(String, String)]) {
    for (id, text) in rows {
        let is_there = format!("document.getElementById('m-{id}')?.textContent.includes({})", json!(text));
        browser.until(&format!("ranList.length || {is_there}"));
    }
    assert_eq!(ran(browser), Vec::<String>::new());
}

/// What ran on this page, or could have.
fn ran(browser: &Browser) -> Vec<String> {
    serde_json::from_value(browser.run("return window.ranList", Value::Null)).unwrap()
}
