//! Every page, for what is said of all of them. A new page gets a line in `PAGES`.

use serde_json::{Value, json};

use crate::browser::{Browser, Script};
use crate::common::authenticator::{code, wait_for_a_step};
use crate::common::{Folder, Hub};
use crate::copying::{NO_CLIPBOARD, NO_COMMAND};
use crate::furnish::{READER, first};
use crate::people::{Browser as Client, EMAIL, PASSWORD, make_administrator, signed_in, token_of};

/// Who looks at a page.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Stranger,
    Administrator,
    Reader,
}

/// A page, or a state of it.
pub(crate) struct Page {
    /// Its name in reports and of its pictures.
    pub(crate) name: &'static str,
    /// Where it is. Parts in braces are filled in: see [`Places::fill`].
    pub(crate) path: &'static str,
    pub(crate) who: Who,
    /// What is done there before it is looked at, if anything is.
    pub(crate) then: Option<fn(&Browser)>,
    /// Whether it is another page while the hub has nothing.
    pub(crate) can_be_empty: bool,
    /// Whether it is there only if there are machines.
    needs_machines: bool,
}

const fn page(name: &'static str, path: &'static str, who: Who) -> Page {
    Page { name, path, who, then: None, can_be_empty: false, needs_machines: false }
}

/// A page of the fleet, which an administrator looks at once there are machines.
const fn full(name: &'static str, path: &'static str) -> Page {
    Page { needs_machines: true, ..page(name, path, Who::Administrator) }
}

/// A page of an administrator that says something else while there is nothing.
const fn list(name: &'static str, path: &'static str) -> Page {
    Page { can_be_empty: true, ..page(name, path, Who::Administrator) }
}

pub(crate) const PAGES: &[Page] = &[
    page("set-up", "/setup?token={token}", Who::Stranger),
    page("invitation", "/setup?token={invitation}", Who::Stranger),
    page("sign-in", "/sign-in", Who::Stranger),
    page("sign-in-wrong", "/sign-in", Who::Stranger).after(|browser| {
        browser.expects(401);
        browser.signs_in("nobody@example.org", "a tiny red whale");
        browser.sees("is wrong");
    }),
    full("fleet", "/"),
    full("fleet-bulk", "/").after(|browser| {
        browser.tick("Select all on this page");
        browser.press("Tags");
        browser.sees("Separate several with commas.");
    }),
    full("fleet-columns", "/").after(|browser| browser.press("Columns")),
    full("fleet-all-columns", "/").after(|browser| {
        browser.run(
            "for (const box of document.querySelectorAll('input[name=column]')) box.checked = true",
            Value::Null,
        );
        browser.press("Columns");
        browser.press("Show these");
        browser.sees("System");
    }),
    full("fleet-keys", "/").after(|browser| browser.type_keys("?")),
    full("fleet-copy-by-hand", "/").after(|browser| {
        let click = "document.querySelector('#rows .copy').click()";
        browser.run(&format!("{NO_CLIPBOARD}; {NO_COMMAND}; {click}"), Value::Null);
        browser.sees("The browser does not let this page copy.");
    }),
    full("fleet-deleted", "/?q=status%3Adeleted").after(|browser| browser.tick("Select all on this page")),
    list("fleet-nothing-found", "/?q=nothing-has-this-name"),
    list("fleet-search-error", "/?q=seen%3Anonsense%20provider").after(|browser| browser.expects(400)),
    Page { needs_machines: true, ..page("fleet-of-a-reader", "/", Who::Reader) },
    list("inbox", "/inbox"),
    Page { needs_machines: true, ..page("inbox-of-a-reader", "/inbox", Who::Reader) },
    full("machine", "/vps/{machine}"),
    full("machine-conflict", "/vps/{conflict}").after(|browser| {
        // A clone has no merge of its own on every fleet.
        if browser.count(".look summary") > 0 {
            browser.run("document.querySelector('.look summary').click()", Value::Null);
        }
    }),
    full("machine-many-addresses", "/vps/{addressed}"),
    full("machine-planned", "/vps/{planned}"),
    full("machine-deleted", "/vps/{deleted}"),
    full("machine-edit", "/vps/{machine}/edit"),
    full("machine-edit-wrong", "/vps/{machine}/edit").after(|browser| {
        browser.expects(400);
        browser.fill("Country", "Germany");
        browser.press("Save");
        browser.waits_for("[aria-invalid=true]", 1);
    }),
    page("machine-new", "/vps/new", Who::Administrator),
    full("machine-audit", "/vps/{machine}/audit"),
    list("providers", "/providers"),
    full("provider", "/providers/{provider}"),
    full("provider-edit", "/providers/{provider}/edit"),
    page("provider-new-wrong", "/providers/new", Who::Administrator).after(|browser| {
        browser.expects(400);
        browser.fill("Name", "A name");
        browser.fill("Country", "Germany");
        browser.press("Add the provider");
        browser.waits_for("#country-wrong", 1);
    }),
    list("audit", "/audit"),
    full("bulk-change", "/undo/{bulk}"),
    list("audit-nothing-found", "/audit?actor=nobody-of-this-name"),
    list("settings", "/settings"),
    list("keys", "/keys"),
    full("key", "/keys/{key}"),
    full("key-revoked", "/keys/{revoked}"),
    full("key-rotated", "/keys/{key}").after(|browser| {
        browser.press("Rotate the key");
        browser.sees("Keep this key");
    }),
    list("accounts", "/accounts"),
    page("account-invited", "/accounts", Who::Administrator).after(|browser| {
        browser.fill("E-mail", "somebody.with.a.long.name@a-long-domain-of-theirs.example.org");
        browser.press("Make the link");
        browser.sees("Send this link");
    }),
    list("add", "/add"),
    page("add-made", "/add", Who::Administrator).after(|browser| {
        browser.fill("Name of the key", "web servers");
        browser.fill("New machines at most", "50");
        browser.press("Make the key");
        browser.sees("The key is made");
        browser.press("Docker");
    }),
    full("arrivals", "/add/{key}"),
    list("import", "/import"),
    page("import-preview", "/import", Who::Administrator).after(|browser| {
        browser.fill("or its text", "hostname,country,notes\nfine,NO,\nbad,Norway,\n");
        browser.press("Preview");
        browser.sees("1 refused");
    }),
    page("import-ready", "/import", Who::Administrator).after(|browser| {
        browser.fill("or its text", "hostname,country,notes\nfine,NO,new\n");
        browser.press("Preview");
        browser.sees("1 new");
    }),
    page("account", "/account", Who::Administrator),
    page("account-wrong", "/account", Who::Administrator).after(|browser| {
        browser.expects(400);
        browser.fill("Current password", "not my password");
        browser.fill("New password", "short");
        browser.press("Change the password");
        browser.sees("This is shorter than 12 characters");
    }),
    page("authenticator", "/account", Who::Administrator)
        .after(|browser| browser.press("Add an authenticator")),
    // From here on the administrator has an authenticator.
    page("recovery-codes", "/account", Who::Administrator).after(|browser| {
        // It may have been begun on this page before.
        if browser.count("code.secret") == 0 {
            browser.press("Add an authenticator");
        }
        wait_for_a_step();
        browser.fill("Code", &code(&browser.text_of("code.secret"), 0));
        browser.fill("Password", PASSWORD);
        browser.press("Confirm");
        browser.sees("Keep these codes");
    }),
    page("account-with-authenticator", "/account", Who::Administrator)
        .after(|browser| browser.press("Remove the authenticator")),
    page("sign-in-code", "/sign-in", Who::Stranger).after(|browser| {
        browser.signs_in(EMAIL, PASSWORD);
        browser.sees("One more step");
    }),
    list("error-nothing", "/nowhere").after(|browser| browser.expects(404)),
    page("error-no-machine", "/vps/01939c3e-7b1a-7c3d-9a51-3f6f0b1d2e4a", Who::Administrator)
        .after(|browser| browser.expects(404)),
    page("error-no-id", "/vps/x", Who::Administrator).after(|browser| browser.expects(400)),
    page("error-not-for-you", "/add", Who::Reader).after(|browser| browser.expects(403)),
    page("error-link-is-over", "/setup?token=none", Who::Stranger).after(|browser| browser.expects(410)),
];

impl Page {
    const fn after(self, then: fn(&Browser)) -> Self {
        Self { then: Some(then), ..self }
    }

    /// Whether it says that something went wrong, as pages of many places do in the same words.
    pub(crate) fn is_error(&self) -> bool {
        self.name.starts_with("error-")
    }
}

/// A hub and the browser that walks over its pages, as one person after the other.
pub(crate) struct Places<'a> {
    folder: &'a Folder,
    hub: &'a Hub,
    browser: Browser,
    has_machines: bool,
    administrator: Client<'a>,
    reader: Option<Client<'a>>,
}

impl<'a> Places<'a> {
    /// In a hub that may have been furnished, and else gets an administrator.
    pub(crate) fn new(folder: &'a Folder, hub: &'a Hub, script: Script) -> Self {
        let is_furnished =
            folder.sql(&format!("SELECT email FROM account WHERE email = '{READER}'")).len() == 1;
        if !is_furnished {
            make_administrator(folder, hub, EMAIL);
        }
        let administrator = signed_in(hub, EMAIL);
        let has_machines = administrator.get("/api/vps?per_page=1").json()["total"] != 0;
        Self {
            folder,
            hub,
            browser: Browser::new(hub, script),
            has_machines,
            reader: is_furnished.then(|| signed_in(hub, READER)),
            administrator,
        }
    }

    /// Goes to a page, as it is to be looked at. None where the hub has nothing to show there.
    pub(crate) fn visit(&self, page: &Page) -> Option<&Browser> {
        if page.needs_machines && !self.has_machines {
            return None;
        }
        let path = self.fill(page.path)?;
        let person = self.person(page)?;
        // The columns that one page chose are not those of the next.
        self.browser.devtools("Network.clearBrowserCookies", &json!({}));
        if let Some(person) = person {
            self.browser.has_session(&person.cookie("sigma").unwrap());
        }
        self.browser.open(&path);
        if let Some(then) = page.then {
            then(&self.browser);
        }
        Some(&self.browser)
    }

    /// Who looks at a page, if there is such a person.
    fn person(&self, page: &Page) -> Option<Option<&Client<'a>>> {
        match page.who {
            Who::Stranger => Some(None),
            Who::Administrator => Some(Some(&self.administrator)),
            Who::Reader => self.reader.as_ref().map(Some),
        }
    }

    /// The title of a page, of which nothing more is looked at.
    pub(crate) fn title(&self, page: &Page) -> Option<String> {
        let path = self.fill(page.path)?;
        let answer = self.person(page)?.unwrap_or(&Client::new(self.hub)).get(&path);
        let (_, title) = answer.text.split_once("<title>")?;
        Some(title.split_once("</title>")?.0.to_owned())
    }

    /// Puts in what differs from hub to hub: `{token}` of a link for an administrator, `{invitation}` of one for
    /// somebody else, and ids of the first that are so: `{machine}`, `{provider}`, `{revoked}` and others.
    fn fill(&self, path: &str) -> Option<String> {
        let Some((before, rest)) = path.split_once('{') else { return Some(path.to_owned()) };
        let (what, after) = rest.split_once('}').unwrap();
        let any = |list: &str| first(&self.administrator, list, |_| true);
        let value = match what {
            "token" => {
                let made = self.folder.run(&["setup-link"]);
                token_of(&String::from_utf8(made.stdout).unwrap())
            }
            "invitation" => {
                let order = json!({"email": "new@example.org", "role": "operator"});
                let made = self.administrator.json("POST", "/api/accounts", &order).json();
                token_of(made["link"].as_str().unwrap())
            }
            "machine" => any("/api/vps?q=expires%3Apast").or_else(|| any("/api/vps"))?,
            "conflict" => any("/api/vps?q=flag%3Aconflict")?,
            "addressed" => any("/api/vps?q=many-addresses")?,
            "planned" => any("/api/vps?q=presence%3Anever")?,
            "deleted" => any("/api/vps?q=status%3Adeleted")?,
            "provider" => any("/api/providers")?,
            "key" => first(&self.administrator, "/api/keys", |key| {
                key["role"] == "agent" && key["revoked_at"].is_null()
            })?,
            "revoked" => first(&self.administrator, "/api/keys", |key| !key["revoked_at"].is_null())?,
            "bulk" => {
                let log = self.administrator.get("/api/audit?per_page=500").json();
                let lines = log["data"].as_array().unwrap().iter();
                lines.filter_map(|line| line["changes"]["bulk"][1].as_str()).next()?.to_owned()
            }
            other => panic!("nobody knows what {other} is"),
        };
        Some(format!("{before}{value}{}", self.fill(after)?))
    }
}
