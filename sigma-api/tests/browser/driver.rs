//! The chromedriver of a browser, and what of its protocol the client does not know.

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use axum::http::Method;
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use serde_json::{Value, json};
use url::{ParseError, Url};

/// Tells a story, where there is a browser. Where there is none the story is left out, which counts as a failure where
/// `CI` is set.
#[expect(clippy::disallowed_methods, reason = "a test asks for the program that it needs")]
pub(crate) fn tell(name: &str, story: impl FnOnce()) {
    // Where all stories are told in one process, one after the other: a browser is a dozen processes that do not wait.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    // Ubuntu has a file of that name which only says where to get the program.
    if Command::new("chromedriver").arg("--version").output().is_ok_and(|asked| asked.status.success()) {
        return story();
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "the stories of the pages need chromedriver, and CI must not skip them"
    );
    let notice = format!("skipped {name}: it needs a browser; apt-get install chromium chromium-driver\n");
    // Not by a macro: those are captured where a test passes.
    std::io::stderr().write_all(notice.as_bytes()).unwrap();
}

/// A chromedriver that runs. Its browser lives no longer than it.
pub(crate) struct Driver {
    child: Child,
    pub(crate) url: String,
}

impl Driver {
    /// Several at once may be given the same port: who comes second ends, and is started again.
    pub(crate) fn start() -> Self {
        let tries = std::iter::repeat_with(Self::try_to_start).take(5);
        tries.flatten().next().expect("chromedriver ends before it listens")
    }

    #[expect(clippy::disallowed_methods, reason = "a test starts the browser that it looks with")]
    fn try_to_start() -> Option<Self> {
        let mut command = Command::new("chromedriver");
        let mut child = command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port: u16 = loop {
            let Some(line) = lines.next() else {
                let _ = child.wait();
                return None;
            };
            let line = line.unwrap();
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                break port.trim_end_matches('.').parse().unwrap();
            }
        };
        // Who does not read what it says stops it at last.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Some(Self { child, url: format!("http://127.0.0.1:{port}") })
    }
}

impl Driver {
    /// Ends it, and its browser.
    pub(crate) fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What kind of browser a story wants.
pub(crate) fn capabilities(profile: &Path, with_scripts: bool) -> Capabilities {
    let mut arguments = vec![
        "--headless=new".to_owned(),
        format!("--user-data-dir={}", profile.display()),
        // It ends when the pipe does: nothing is left behind, however a test ends.
        "--remote-debugging-pipe".to_owned(),
        // What only a person's browser does takes a second of each story.
        "--disable-background-networking".to_owned(),
        "--disable-component-extensions-with-background-pages".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-extensions".to_owned(),
        "--disable-features=MediaRouter,OptimizationHints,Translate".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--disable-gpu".to_owned(),
        "--lang=en-GB".to_owned(),
    ];
    if rustix::process::geteuid().is_root() {
        arguments.push("--no-sandbox".to_owned());
    }
    let mut preferences = json!({
        "intl.accept_languages": "en-GB,en",
        "credentials_enable_service": false,
        "profile.password_manager_leak_detection": false,
    });
    if !with_scripts {
        preferences["profile.managed_default_content_settings.javascript"] = json!(2);
    }
    let all = json!({
        "browserName": "chrome",
        "goog:loggingPrefs": {"browser": "ALL"},
        "goog:chromeOptions": {"args": arguments, "prefs": preferences},
    });
    let Value::Object(all) = all else { unreachable!("it is an object") };
    all
}

/// A command of chromedriver's own, or one that the client lacks.
#[derive(Debug)]
pub(crate) struct Extra {
    path: String,
    body: Option<Value>,
}

impl Extra {
    /// A command of Chromium's developer tools.
    pub(crate) fn devtools(command: &str, parameters: &Value) -> Self {
        Self { path: "goog/cdp/execute".into(), body: Some(json!({"cmd": command, "params": parameters})) }
    }

    /// What the console said since it was last asked.
    pub(crate) fn console() -> Self {
        Self { path: "se/log".into(), body: Some(json!({"type": "browser"})) }
    }

    /// The name of an element, as assistive technology gets it.
    pub(crate) fn name_of(element: &str) -> Self {
        Self { path: format!("element/{element}/computedlabel"), body: None }
    }
}

impl WebDriverCompatibleCommand for Extra {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        match &self.body {
            Some(body) => (Method::POST, Some(body.to_string())),
            None => (Method::GET, None),
        }
    }
}
