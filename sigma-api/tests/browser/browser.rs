//! A browser, used as a person uses it: by what is written on the page. Whatever it looks for it waits for.

#![allow(dead_code, clippy::allow_attributes, reason = "stories use what they need of it")]

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use fantoccini::error::CmdError;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::common::{Folder, Hub};
use crate::driver::{Driver, Extra, capabilities};
use crate::people::{EMAIL, make_administrator, signed_in};

/// How long anything on a page may take to come.
const WITHIN: Duration = Duration::from_secs(20);
/// The desk that stories sit at.
const DESK: (u32, u32) = (1280, 900);

pub(crate) type Done<T> = Result<T, CmdError>;

/// Which colours somebody likes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Theme {
    Light,
    Dark,
}

impl Theme {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// Whether pages may run scripts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Script {
    On,
    Off,
}

/// A browser of its own for each person of a story, with nothing remembered. When it is dropped it looks at what the
/// console said: any error fails the story, unless the story said that it expects it. A story that fails leaves a picture
/// and the page in `target/browser/`.
pub(crate) struct Browser {
    client: Option<Client>,
    runtime: Runtime,
    driver: Driver,
    _profile: tempfile::TempDir,
    origin: String,
    expected: RefCell<Vec<String>>,
    /// How often a button, a link, a box or a choice was clicked.
    pub(crate) presses: Cell<u32>,
}

impl Browser {
    /// A browser at this hub.
    pub(crate) fn new(hub: &Hub, script: Script) -> Self {
        Self::at(&format!("http://{}", hub.address), script)
    }

    /// A browser at this origin.
    pub(crate) fn at(origin: &str, script: Script) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let (driver, profile) = (Driver::start(), tempfile::tempdir().unwrap());
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities(profile.path(), script == Script::On));
        let client = runtime.block_on(builder.connect(&driver.url)).expect("no browser starts");
        let browser = Self {
            client: Some(client),
            runtime,
            driver,
            _profile: profile,
            origin: origin.to_owned(),
            expected: RefCell::default(),
            presses: Cell::new(0),
        };
        browser.resize(DESK.0, DESK.1);
        browser.devtools("Emulation.setFocusEmulationEnabled", &json!({"enabled": true}));
        browser
    }

    /// The browser of an administrator who has signed in.
    pub(crate) fn of_administrator(folder: &Folder, hub: &Hub, script: Script) -> Self {
        make_administrator(folder, hub, EMAIL);
        let browser = Self::new(hub, script);
        browser.comes_in(hub, EMAIL);
        browser
    }

    /// Gets the session of somebody who signed in before.
    pub(crate) fn comes_in(&self, hub: &Hub, email: &str) {
        self.has_session(&signed_in(hub, email).cookie("sigma").unwrap());
    }

    /// Gets a session.
    pub(crate) fn has_session(&self, token: &str) {
        let cookie = json!({"name": "sigma", "value": token, "url": self.origin, "httpOnly": true});
        self.devtools("Network.setCookie", &cookie);
    }

    /// Signs in by the form.
    pub(crate) fn signs_in(&self, email: &str, password: &str) {
        self.fill("E-mail", email);
        self.fill("Password", password);
        self.press("Sign in");
    }

    pub(crate) fn client(&self) -> &Client {
        self.client.as_ref().unwrap()
    }

    pub(crate) fn now<T>(&self, work: impl Future<Output = Done<T>>) -> T {
        self.runtime.block_on(work).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Tries until there is something; a page that is being left has elements that are gone when they are asked.
    pub(crate) fn soon<T>(&self, what: &str, mut find: impl AsyncFnMut(&Client) -> Done<Option<T>>) -> T {
        let (started, client) = (Instant::now(), self.client());
        let found = self.runtime.block_on(async {
            loop {
                let last = match find(client).await {
                    Ok(Some(found)) => return Ok(found),
                    Ok(None) => String::new(),
                    Err(error) => error.to_string(),
                };
                if started.elapsed() > WITHIN {
                    return Err(last);
                }
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        });
        found.unwrap_or_else(|last| {
            panic!("no {what} at {} {last}\n{}", self.path(), self.text());
        })
    }

    /// Opens a page of the hub, or any URL.
    pub(crate) fn open(&self, path: &str) {
        let url = if path.starts_with('/') { format!("{}{path}", self.origin) } else { path.to_owned() };
        self.now(self.client().goto(&url));
    }

    pub(crate) fn reload(&self) {
        self.now(self.client().refresh());
    }

    /// Path and query of the page.
    pub(crate) fn path(&self) -> String {
        let url = self.now(self.client().current_url());
        url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
    }

    pub(crate) fn title(&self) -> String {
        self.now(self.client().title())
    }

    /// What can be read on the page.
    pub(crate) fn text(&self) -> String {
        self.text_of("body")
    }

    /// What can be read in the first element that the selector finds.
    pub(crate) fn text_of(&self, selector: &str) -> String {
        self.soon(selector, async |client: &Client| {
            Ok(Some(client.find(Locator::Css(selector)).await?.text().await?))
        })
    }

    /// The value of an attribute of the first element that the selector finds.
    pub(crate) fn attribute(&self, selector: &str, name: &str) -> Option<String> {
        self.soon(selector, async |client: &Client| {
            Ok(Some(client.find(Locator::Css(selector)).await?.attr(name).await?))
        })
    }

    /// How many elements the selector finds now.
    pub(crate) fn count(&self, selector: &str) -> usize {
        self.now(self.client().find_all(Locator::Css(selector))).len()
    }

    /// Waits until this can be read on the page.
    pub(crate) fn sees(&self, text: &str) {
        self.soon(&format!("{text:?}"), async |client: &Client| {
            let body = client.find(Locator::Css("body")).await?;
            Ok(body.text().await?.contains(text).then_some(()))
        });
    }

    /// Waits until this can no longer be read on the page.
    pub(crate) fn sees_no(&self, text: &str) {
        self.soon(&format!("page without {text:?}"), async |client: &Client| {
            let body = client.find(Locator::Css("body")).await?;
            Ok((!body.text().await?.contains(text)).then_some(()))
        });
    }

    /// Waits until the selector finds so many elements.
    pub(crate) fn waits_for(&self, selector: &str, count: usize) {
        self.soon(&format!("{count} of {selector}"), async |client: &Client| {
            Ok((client.find_all(Locator::Css(selector)).await?.len() == count).then_some(()))
        });
    }

    /// Waits until this is somewhere in the page, seen or not: what is only read aloud.
    pub(crate) fn hears(&self, text: &str) {
        self.soon(&format!("{text:?} for the ear"), async |client: &Client| {
            const SAID: &str = "return [...document.querySelectorAll('[role=status], [role=alert], [aria-live]')]\
                .some((said) => said.textContent.includes(arguments[0]))";
            Ok((client.execute(SAID, vec![text.into()]).await? == true).then_some(()))
        });
    }

    /// Waits until the page has this path and query.
    pub(crate) fn is_at(&self, path: &str) {
        let want = format!("{}{path}", self.origin);
        self.soon(&format!("page {path}"), async |client: &Client| {
            Ok((client.current_url().await?.as_str() == want).then_some(()))
        });
    }

    /// Runs a script in the page, even where the page itself may run none; `arguments[0]` is what it gets.
    pub(crate) fn run(&self, script: &str, argument: Value) -> Value {
        self.now(self.client().execute(script, vec![argument]))
    }

    /// A command of Chromium's developer tools.
    pub(crate) fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.now(self.client().issue_cmd(Extra::devtools(command, parameters)))
    }

    /// Makes the page so large, in CSS pixels.
    pub(crate) fn resize(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", &size);
    }

    /// Looks at pages as who likes them dark, or light.
    pub(crate) fn likes(&self, theme: Theme) {
        let value = theme.name();
        let features = json!({"features": [
            {"name": "prefers-color-scheme", "value": value},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]});
        self.devtools("Emulation.setEmulatedMedia", &features);
    }

    /// Makes the page that of a telephone, with its density.
    pub(crate) fn becomes_a_phone(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 2, "mobile": true});
        self.devtools("Emulation.setDeviceMetricsOverride", &size);
    }

    /// The story will make the hub answer with this status, which browsers call an error.
    pub(crate) fn expects(&self, status: u16) {
        self.expected.borrow_mut().push(format!("responded with a status of {status} "));
    }

    /// The story will make the hub unreachable, which browsers call an error.
    pub(crate) fn expects_loss(&self) {
        self.expected.borrow_mut().push("net::ERR_".to_owned());
    }

    /// What the console said that should not have been said, since it was last asked.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let said = self.now(self.client().issue_cmd(Extra::console()));
        let expected = self.expected.take();
        let lines = said.as_array().into_iter().flatten().filter(|line| {
            let text = line["message"].as_str().unwrap_or_default();
            let is_bad = ["SEVERE", "WARNING"].iter().any(|level| line["level"] == *level);
            is_bad && !expected.iter().any(|expected| text.contains(expected))
        });
        lines.map(|line| format!("{}: {}", line["source"], line["message"])).collect()
    }

    /// A picture of all of the page, down to a limit.
    pub(crate) fn picture(&self) -> Vec<u8> {
        const LONGEST: u64 = 4000;
        let size = self.run(
            "return [document.documentElement.clientWidth, document.documentElement.scrollHeight]",
            Value::Null,
        );
        let height = size[1].as_u64().unwrap().min(LONGEST);
        let wanted = json!({"format": "png", "captureBeyondViewport": true, "clip":
            {"x": 0, "y": 0, "width": size[0], "height": height, "scale": 1}});
        let answer = self.devtools("Page.captureScreenshot", &wanted);
        BASE64.decode(answer["data"].as_str().unwrap()).unwrap()
    }

    /// Leaves in `target/browser/` what was seen when a story failed.
    fn leave_evidence(&self) {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../browser");
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let story = std::thread::current().name().unwrap_or("story").replace("::", "-");
        let story = format!("{story}-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let client = self.client();
        let seen = self.runtime.block_on(async { (client.screenshot().await, client.source().await) });
        let (Ok(picture), Ok(page)) = seen else { return };
        let _ = std::fs::create_dir_all(&folder);
        let _ = std::fs::write(folder.join(format!("{story}.png")), picture);
        let _ = std::fs::write(folder.join(format!("{story}.html")), page);
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let has_failed = std::thread::panicking();
        let complaints = if has_failed {
            self.leave_evidence();
            Vec::new()
        } else {
            self.complaints()
        };
        if let Some(client) = self.client.take() {
            let closing = async { tokio::time::timeout(Duration::from_secs(5), client.close()).await };
            let _ = self.runtime.block_on(closing);
        }
        self.driver.stop();
        assert!(complaints.is_empty(), "the console complained: {complaints:#?}");
    }
}
