//! Chromium by its chromedriver: as much of WebDriver as the faults need, over the client that the faults have. No crate
//! for it: its features would get into the hub that is built beside, and tried is what is shipped.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http::Connection;

/// How long anything on a page may take to come.
const WITHIN: Duration = Duration::from_secs(20);
/// What chromedriver calls the id of an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Whether there is a browser. Ubuntu has a file of that name which only says where to get the program.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the fault runs ask for the program that they need")]
pub fn is_there() -> bool {
    Command::new("chromedriver").arg("--version").output().is_ok_and(|asked| asked.status.success())
}

/// A browser with nothing remembered. It ends when it is dropped.
pub struct Chromium {
    driver: Driver,
    connection: Connection,
    host: String,
    session: String,
    profile: tempfile::TempDir,
}

struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Chromium {
    /// Starts a driver and its browser.
    ///
    /// # Errors
    /// When there is none.
    pub fn start() -> Result<Self, String> {
        let (driver, port) = start_driver()?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let connection = Connection::open(address, None).map_err(|error| format!("chromedriver: {error}"))?;
        connection.patience(Duration::from_secs(90)).map_err(|error| error.to_string())?;
        let profile = tempfile::tempdir().map_err(|error| error.to_string())?;
        let wanted = json!({"capabilities": {"alwaysMatch": capabilities(profile.path())}});
        let mut browser =
            Self { driver, connection, host: address.to_string(), session: String::new(), profile };
        let started = browser.call("POST", "/session", &wanted)?;
        let session = started.get("sessionId").and_then(Value::as_str).ok_or("no session")?;
        browser.session = format!("/session/{session}");
        Ok(browser)
    }

    /// What it keeps on the disk.
    #[must_use]
    pub fn profile(&self) -> &Path {
        self.profile.path()
    }

    /// Opens a page and waits until it is loaded.
    ///
    /// # Errors
    /// When the browser shows none.
    pub fn open(&mut self, url: &str) -> Result<(), String> {
        self.post("url", &json!({"url": url})).map(drop)
    }

    /// Goes back, as the button does.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub fn back(&mut self) -> Result<(), String> {
        self.post("back", &json!({})).map(drop)
    }

    /// Runs a script in the page, even where the page itself may run none; `arguments[0]` is what it gets. A promise is
    /// waited for.
    ///
    /// # Errors
    /// When the script fails.
    pub fn run(&mut self, script: &str, argument: &Value) -> Result<Value, String> {
        self.post("execute/sync", &json!({"script": script, "args": [argument]}))
    }

    /// What the script returns, as text.
    ///
    /// # Errors
    /// When the script fails.
    pub fn text(&mut self, script: &str) -> Result<String, String> {
        Ok(self.run(script, &Value::Null)?.as_str().unwrap_or_default().to_owned())
    }

    /// Waits until the script returns something that counts as true. A page that is being left has nothing to say.
    ///
    /// # Errors
    /// When it never does; says what is on the page.
    pub fn until(&mut self, what: &str, script: &str) -> Result<(), String> {
        let started = Instant::now();
        loop {
            let last = self.run(&format!("return Boolean({script})"), &Value::Null);
            if last == Ok(Value::Bool(true)) {
                return Ok(());
            }
            if started.elapsed() > WITHIN {
                let seen = self.text("return location.href + ': ' + document.body.innerText")?;
                return Err(format!("{what} did not come ({last:?}) at {seen}"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until this can be read on the page.
    ///
    /// # Errors
    /// When it never can.
    pub fn sees(&mut self, text: &str) -> Result<(), String> {
        self.until(&format!("{text:?}"), &format!("document.body.innerText.includes({})", json!(text)))
    }

    /// Types into what the selector finds, instead of what is there.
    ///
    /// # Errors
    /// When nothing is found.
    pub fn fill(&mut self, selector: &str, text: &str) -> Result<(), String> {
        let element = self.element(selector)?;
        self.post(&format!("element/{element}/clear"), &json!({}))?;
        self.post(&format!("element/{element}/value"), &json!({"text": text})).map(drop)
    }

    /// Clicks on what the selector finds.
    ///
    /// # Errors
    /// When nothing is found.
    pub fn click(&mut self, selector: &str) -> Result<(), String> {
        let element = self.element(selector)?;
        self.post(&format!("element/{element}/click"), &json!({})).map(drop)
    }

    /// Runs a script in a frame of the page.
    ///
    /// # Errors
    /// When there is no such frame, or the script fails.
    pub fn text_in_frame(&mut self, selector: &str, script: &str) -> Result<String, String> {
        let element = self.element(selector)?;
        self.post("frame", &json!({"id": {ELEMENT: element}}))?;
        let text = self.text(script);
        self.post("frame", &json!({"id": null}))?;
        text
    }

    /// A command of Chromium's developer tools.
    ///
    /// # Errors
    /// When it is none.
    pub fn devtools(&mut self, command: &str, parameters: &Value) -> Result<Value, String> {
        self.post("goog/cdp/execute", &json!({"cmd": command, "params": parameters}))
    }

    /// What the console said since it was last asked.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub fn console(&mut self) -> Result<Vec<String>, String> {
        let said = self.post("se/log", &json!({"type": "browser"}))?;
        let line = |line: &Value| line.get("message").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(said.as_array().into_iter().flatten().map(line).collect())
    }

    fn element(&mut self, selector: &str) -> Result<String, String> {
        let found = self.post("elements", &json!({"using": "css selector", "value": selector}))?;
        if let Some(id) = found.get(0).and_then(|first| first.get(ELEMENT)).and_then(Value::as_str) {
            return Ok(id.to_owned());
        }
        let seen = self.text("return location.href + ': ' + document.body.innerText")?;
        Err(format!("there is no {selector} at {seen}"))
    }

    fn post(&mut self, command: &str, body: &Value) -> Result<Value, String> {
        let path = format!("{}/{command}", self.session);
        self.call("POST", &path, body)
    }

    fn call(&mut self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        // The driver tells its own callers by the host that they name.
        let headers = [("host", &*self.host), ("content-type", "application/json")];
        let body = body.to_string();
        let answer = self.connection.request(method, path, &headers, body.as_bytes());
        let answer = answer.map_err(|error| format!("chromedriver: {error}"))?;
        let value = answer.json().get("value").cloned().unwrap_or_default();
        if answer.status == 200 {
            return Ok(value);
        }
        let message = value.get("message").and_then(Value::as_str).unwrap_or(&answer.body);
        Err(format!("the browser: {}", message.lines().next().unwrap_or_default()))
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            let _ = self.connection.patience(Duration::from_secs(5));
            let session = self.session.clone();
            let _ = self.call("DELETE", &session, &json!({}));
        }
        let _ = self.driver.0.kill();
    }
}

#[expect(clippy::disallowed_methods, reason = "the fault runs start the browser that they look with")]
fn start_driver() -> Result<(Driver, u16), String> {
    let mut command = Command::new("chromedriver");
    let child = command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut driver = Driver(child.spawn().map_err(|error| format!("chromedriver: {error}"))?);
    let output = driver.0.stdout.take().ok_or("chromedriver says nothing")?;
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    let port = lines.find_map(|line| {
        line.split_once("started successfully on port ")?.1.trim_end_matches('.').parse().ok()
    });
    // Who does not read what it says stops it at last.
    std::thread::spawn(move || lines.for_each(drop));
    Ok((driver, port.ok_or("chromedriver ended before it listened")?))
}

fn capabilities(profile: &Path) -> Value {
    let mut arguments = vec![
        "--headless=new".to_owned(),
        format!("--user-data-dir={}", profile.display()),
        // It ends when the pipe does: nothing is left behind, however a run ends.
        "--remote-debugging-pipe".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--disable-gpu".to_owned(),
        "--lang=en-GB".to_owned(),
    ];
    if std::fs::metadata("/proc/self").is_ok_and(|this| this.uid() == 0) {
        arguments.push("--no-sandbox".to_owned());
    }
    json!({
        "browserName": "chrome",
        "timeouts": {"script": 80_000, "pageLoad": 30_000},
        "goog:loggingPrefs": {"browser": "ALL"},
        "goog:chromeOptions": {"args": arguments, "prefs": {
            "credentials_enable_service": false,
            "profile.password_manager_leak_detection": false,
        }},
    })
}
