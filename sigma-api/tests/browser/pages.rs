//! Every page, for what is said of all of them. A new page gets a line in `PAGES`.

use serde_json::json;

use crate::browser::{Browser, Script};
use crate::common::{Folder, Hub};
use crate::people::{Browser as Client, EMAIL, make_administrator, signed_in, token_of};

/// Who looks at a page.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Stranger,
    Administrator,
}

/// A page, or a state of it.
pub(crate) struct Page {
    /// Its name in reports and of its pictures.
    pub(crate) name: &'static str,
    /// Where it is. Parts in braces are filled in: see [`Places::fill`].
    pub(crate) path: &'static str,
    pub(crate) who: Who,
    /// What is done there before it is looked at.
    pub(crate) then: fn(&Browser),
}

const fn page(name: &'static str, path: &'static str, who: Who) -> Page {
    Page { name, path, who, then: |_| () }
}

pub(crate) const PAGES: &[Page] = &[
    page("set-up", "/setup?token={token}", Who::Stranger),
    page("invitation", "/setup?token={invitation}", Who::Stranger),
    page("sign-in", "/sign-in", Who::Stranger),
    Page {
        then: |browser| {
            browser.expects(401);
            browser.signs_in("nobody@example.org", "a tiny red whale");
            browser.sees("is wrong");
        },
        ..page("sign-in-wrong", "/sign-in", Who::Stranger)
    },
    page("fleet", "/", Who::Administrator),
    page("account", "/account", Who::Administrator),
    Page {
        then: |browser| {
            browser.expects(400);
            browser.fill("Current password", "not my password");
            browser.fill("New password", "short");
            browser.press("Change the password");
            browser.sees("This is shorter than 12 characters");
        },
        ..page("account-wrong", "/account", Who::Administrator)
    },
    Page {
        then: |browser| browser.press("Add an authenticator"),
        ..page("authenticator", "/account", Who::Administrator)
    },
    Page { then: |browser| browser.expects(404), ..page("nothing", "/nowhere", Who::Administrator) },
];

/// A hub and the browsers that walk over its pages.
pub(crate) struct Places<'a> {
    folder: &'a Folder,
    stranger: Browser,
    administrator: Browser,
    client: Client<'a>,
}

impl<'a> Places<'a> {
    pub(crate) fn new(folder: &'a Folder, hub: &'a Hub) -> Self {
        make_administrator(folder, hub, EMAIL);
        let (stranger, administrator) = (Browser::new(hub, Script::On), Browser::new(hub, Script::On));
        administrator.comes_in(hub, EMAIL);
        Self { folder, stranger, administrator, client: signed_in(hub, EMAIL) }
    }

    /// Goes to a page, as it is to be looked at. None where the hub has nothing to show there.
    pub(crate) fn visit(&self, page: &Page) -> Option<&Browser> {
        let path = self.fill(page.path)?;
        let browser = if page.who == Who::Stranger { &self.stranger } else { &self.administrator };
        browser.open(&path);
        (page.then)(browser);
        Some(browser)
    }

    /// Puts in what differs from hub to hub: `{token}` of a link for an administrator, `{invitation}` of one for
    /// somebody else, `{machine}` and `{provider}`, the ids of the first ones.
    fn fill(&self, path: &str) -> Option<String> {
        let Some((before, rest)) = path.split_once('{') else { return Some(path.to_owned()) };
        let (what, after) = rest.split_once('}').unwrap();
        let first = |list: &str| {
            let id = self.client.get(list).json()["data"][0]["id"].clone();
            id.as_str().map(ToOwned::to_owned)
        };
        let value = match what {
            "token" => {
                let made = self.folder.run(&["setup-link"]);
                token_of(&String::from_utf8(made.stdout).unwrap())
            }
            "invitation" => {
                let order = json!({"email": "new@example.org", "role": "operator"});
                let made = self.client.json("POST", "/api/accounts", &order).json();
                token_of(made["link"].as_str().unwrap())
            }
            "machine" => first("/api/vps")?,
            "provider" => first("/api/providers")?,
            other => panic!("nobody knows what {other} is"),
        };
        Some(format!("{before}{value}{}", self.fill(after)?))
    }
}
