//! Every option: flag, variable, default, help. A flag wins over its variable; an empty variable counts as not set.

use std::env;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use log::LevelFilter;

use crate::url::Url;

/// One option that takes a value.
struct Opt {
    flag: &'static str,
    variable: &'static str,
    value: &'static str,
    default: &'static str,
    help: &'static str,
}

const fn opt(
    flag: &'static str,
    variable: &'static str,
    value: &'static str,
    default: &'static str,
    help: &'static str,
) -> Opt {
    Opt { flag, variable, value, default, help }
}

const API_URL: Opt =
    opt("api-url", "SIGMA_API_URL", "URL", "http://localhost:3000/api", "base URL of the hub's API");
const API_KEY: Opt =
    opt("api-key", "SIGMA_API_KEY", "KEY", "", "the agent's key (other users see a flag; prefer the file)");
const API_KEY_FILE: Opt = opt(
    "api-key-file",
    "SIGMA_API_KEY_FILE",
    "FILE",
    "",
    "file that holds the key [default: $CREDENTIALS_DIRECTORY/sigma-api-key]",
);
const INTERVAL: Opt =
    opt("interval", "AGENT_INTERVAL", "SECONDS", "60", "seconds between heartbeats, 1 to 86400");
const HOSTNAME: Opt =
    opt("hostname", "AGENT_HOSTNAME", "NAME", "", "name of the machine [default: what its kernel says]");
const SSH_PORT: Opt = opt("ssh-port", "AGENT_SSH_PORT", "PORT", "22", "port of the machine's SSH server");
const CA_FILE: Opt =
    opt("ca-file", "SIGMA_CA_FILE", "FILE", "", "PEM of the private CA that signed the hub's certificate");
const HOST_ROOT: Opt =
    opt("host-root", "AGENT_HOST_ROOT", "DIR", "/", "where the machine's root file system is mounted");
const IP_LOOKUP: Opt = opt(
    "ip-lookup",
    "AGENT_IP_LOOKUP",
    "URLS",
    "https://icanhazip.com,https://ifconfig.me/ip,https://api.ipify.org",
    "services that tell a machine behind NAT its public address, or off",
);
const LOG: Opt = opt("log", "SIGMA_LOG", "LEVEL", "info", "error, warn, info or debug");

const OPTIONS: [&Opt; 10] = [
    &API_URL,
    &API_KEY,
    &API_KEY_FILE,
    &INTERVAL,
    &HOSTNAME,
    &SSH_PORT,
    &CA_FILE,
    &HOST_ROOT,
    &IP_LOOKUP,
    &LOG,
];

/// Name of the key among systemd's credentials.
const CREDENTIAL: &str = "sigma-api-key";

/// What the agent was told.
#[derive(Debug)]
pub struct Config {
    /// Base URL of the hub's API.
    pub api_url: Url,
    /// Where the key comes from.
    pub key: KeySource,
    /// Time between heartbeats, whole seconds.
    pub interval: Duration,
    /// Name that replaces the found one.
    pub hostname: Option<String>,
    /// Port of the machine's SSH server.
    pub ssh_port: u16,
    /// PEM text of a private CA.
    pub ca_file: Option<PathBuf>,
    /// Root of the machine's files.
    pub host_root: PathBuf,
    /// Services that tell the public address; empty when that is off.
    pub ip_lookup: Vec<Url>,
    /// How much is logged.
    pub log: LevelFilter,
    /// Proxies of the environment.
    pub proxy: ProxyVariables,
    /// Register, send one heartbeat, end.
    pub is_once: bool,
    /// Print the registration, send nothing.
    pub is_dry_run: bool,
}

/// Where the key comes from.
pub enum KeySource {
    /// None was given.
    None,
    /// Given outright.
    Given(String),
    /// In a file, which may be replaced while the agent runs.
    File(PathBuf),
}

impl std::fmt::Debug for KeySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Given(_) => "Given(…)",
            Self::File(_) => "File(…)",
        })
    }
}

/// The proxy variables as every tool of the field knows them, `http_proxy` and its like in small letters first.
#[derive(Debug, Clone, Default)]
pub struct ProxyVariables {
    /// Proxy to an http hub.
    pub http: Option<Url>,
    /// Proxy to an https hub.
    pub https: Option<Url>,
    /// Hosts that are reached without.
    pub no_proxy: String,
}

/// What the command line asks for.
#[derive(Debug)]
pub enum Command {
    /// Do the work.
    Run(Box<Config>),
    /// Print this and end.
    Print(String),
}

/// Reads flags and variables.
///
/// # Errors
/// One sentence that names the variable and the flag.
pub fn read(
    arguments: impl IntoIterator<Item = OsString>,
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Command, String> {
    let mut flags: Vec<(&str, OsString)> = Vec::new();
    let (mut is_once, mut is_dry_run) = (false, false);
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next().map_err(|e| e.to_string())? {
        match argument {
            lexopt::Arg::Short('h') | lexopt::Arg::Long("help") => return Ok(Command::Print(help())),
            lexopt::Arg::Short('V') | lexopt::Arg::Long("version") => {
                return Ok(Command::Print(format!("sigma-agent {}\n", env!("CARGO_PKG_VERSION"))));
            }
            lexopt::Arg::Long("once") => is_once = true,
            lexopt::Arg::Long("dry-run") => is_dry_run = true,
            lexopt::Arg::Long(name) => match OPTIONS.iter().find(|option| option.flag == name) {
                Some(option) => {
                    let value = parser.value().map_err(|_| format!("--{} needs a value", option.flag))?;
                    flags.push((option.flag, value));
                }
                None => return Err(format!("--{name} is no option of sigma-agent; --help lists them")),
            },
            lexopt::Arg::Short(letter) => {
                return Err(format!("-{letter} is no option of sigma-agent; --help lists them"));
            }
            // It may be a key that slipped; it is not repeated.
            lexopt::Arg::Value(_) => {
                return Err("there is a word that belongs to no option; --help lists them".to_owned());
            }
        }
    }
    let given = Given { flags, variable };
    Ok(Command::Run(Box::new(Config {
        api_url: given.parsed(&API_URL, parse_api_url)?,
        key: given.key()?,
        interval: given.parsed(&INTERVAL, parse_interval)?,
        hostname: given.optional(&HOSTNAME, parse_hostname)?,
        ssh_port: given.parsed(&SSH_PORT, parse_port)?,
        ca_file: given.optional(&CA_FILE, |text| parse_file(text).map(Path::to_owned))?,
        host_root: given.parsed(&HOST_ROOT, parse_folder)?,
        ip_lookup: given.parsed(&IP_LOOKUP, parse_ip_lookup)?,
        log: given.parsed(&LOG, parse_level)?,
        proxy: given.proxy()?,
        is_once,
        is_dry_run,
    })))
}

/// The variables of this process.
#[must_use]
pub fn environment(name: &str) -> Option<OsString> {
    env::var_os(name)
}

struct Given<'a> {
    flags: Vec<(&'a str, OsString)>,
    variable: &'a dyn Fn(&str) -> Option<OsString>,
}

impl Given<'_> {
    fn flag(&self, option: &Opt) -> Result<Option<String>, String> {
        // The last of several wins, as with most tools.
        let value = self.flags.iter().rev().find(|(flag, _)| *flag == option.flag).map(|(_, v)| v.clone());
        match value {
            Some(value) if value.is_empty() => Err(format!("--{} is empty", option.flag)),
            value => as_text(&format!("--{}", option.flag), value),
        }
    }

    fn variable(&self, name: &str) -> Result<Option<String>, String> {
        as_text(name, (self.variable)(name).filter(|value| !value.is_empty()))
    }

    fn text(&self, option: &Opt) -> Result<Option<String>, String> {
        Ok(match self.flag(option)? {
            Some(text) => Some(text),
            None => self.variable(option.variable)?,
        })
    }

    fn optional<T>(
        &self,
        option: &Opt,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, String> {
        let named = |reason| format!("{} (--{}) {reason}", option.variable, option.flag);
        self.text(option)?.map(|text| parse(text.trim()).map_err(named)).transpose()
    }

    fn parsed<T>(&self, option: &Opt, parse: impl Fn(&str) -> Result<T, String>) -> Result<T, String> {
        match self.optional(option, &parse)? {
            Some(value) => Ok(value),
            None => parse(option.default),
        }
    }

    /// A flag before a variable, the key itself before a file, systemd's credential when nothing else is given.
    fn key(&self) -> Result<KeySource, String> {
        let named = |option: &Opt, reason| format!("{} (--{}) {reason}", option.variable, option.flag);
        let given =
            |text: String| parse_key(&text).map(KeySource::Given).map_err(|reason| named(&API_KEY, reason));
        let file = |path: String| {
            let path = PathBuf::from(path);
            read_key_file(&path).map_err(|reason| named(&API_KEY_FILE, reason))?;
            Ok(KeySource::File(path))
        };
        if let Some(key) = self.flag(&API_KEY)? {
            return given(key);
        }
        if let Some(path) = self.flag(&API_KEY_FILE)? {
            return file(path);
        }
        if let Some(key) = self.variable(API_KEY.variable)? {
            return given(key);
        }
        if let Some(path) = self.variable(API_KEY_FILE.variable)? {
            return file(path);
        }
        let credential = (self.variable)("CREDENTIALS_DIRECTORY").map(|dir| Path::new(&dir).join(CREDENTIAL));
        match credential.filter(|path| path.exists()) {
            Some(path) => {
                read_key_file(&path)
                    .map_err(|reason| format!("$CREDENTIALS_DIRECTORY/{CREDENTIAL} {reason}"))?;
                Ok(KeySource::File(path))
            }
            None => Ok(KeySource::None),
        }
    }

    fn proxy(&self) -> Result<ProxyVariables, String> {
        let one = |names: [&str; 2]| {
            for name in names {
                if let Some(text) = self.variable(name)? {
                    return parse_proxy(text.trim()).map(Some).map_err(|reason| format!("{name} {reason}"));
                }
            }
            Ok(None)
        };
        let all = one(["all_proxy", "ALL_PROXY"])?;
        let no_proxy = self.variable("no_proxy")?.or(self.variable("NO_PROXY")?).unwrap_or_default();
        Ok(ProxyVariables {
            http: one(["http_proxy", "HTTP_PROXY"])?.or_else(|| all.clone()),
            https: one(["https_proxy", "HTTPS_PROXY"])?.or(all),
            no_proxy,
        })
    }
}

fn as_text(name: &str, value: Option<OsString>) -> Result<Option<String>, String> {
    value.map(|v| v.into_string().map_err(|_| format!("{name} is not UTF-8"))).transpose()
}

fn parse_api_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text)?;
    match url.userinfo {
        Some(_) => Err("has a user or password in it; the key goes into SIGMA_API_KEY".to_owned()),
        None => Ok(url),
    }
}

/// A proxy may be written without a scheme.
fn parse_proxy(text: &str) -> Result<Url, String> {
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    if !with_scheme.to_ascii_lowercase().starts_with("http://") {
        return Err("is not an http:// proxy; only those are spoken to".to_owned());
    }
    Url::parse(&with_scheme)
}

fn parse_interval(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds @ 1..=86400) => Ok(Duration::from_secs(seconds)),
        _ => Err(format!("is {text:?}, not a number of seconds from 1 to 86400")),
    }
}

fn parse_port(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(port) if port != 0 => Ok(port),
        _ => Err(format!("is {text:?}, not a port from 1 to 65535")),
    }
}

fn parse_hostname(text: &str) -> Result<String, String> {
    if sigma_protocol::is_hostname(text) {
        Ok(text.to_owned())
    } else {
        Err(format!("is {text:?}; a name has 1 to 253 letters, digits, dots, hyphens and underscores"))
    }
}

fn parse_folder(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.is_dir() { Ok(path) } else { Err(format!("is {text:?}, which is not a folder here")) }
}

fn parse_file(text: &str) -> Result<&Path, String> {
    let path = Path::new(text);
    std::fs::File::open(path).map_err(|error| format!("is {text:?}, which cannot be read: {error}"))?;
    Ok(path)
}

fn parse_level(text: &str) -> Result<LevelFilter, String> {
    match text.to_ascii_lowercase().as_str() {
        "error" => Ok(LevelFilter::Error),
        "warn" => Ok(LevelFilter::Warn),
        "info" => Ok(LevelFilter::Info),
        "debug" => Ok(LevelFilter::Debug),
        _ => Err(format!("is {text:?}, not one of error, warn, info, debug")),
    }
}

fn parse_ip_lookup(text: &str) -> Result<Vec<Url>, String> {
    if text == "off" {
        return Ok(Vec::new());
    }
    let one = |text: &str| Url::parse(text.trim()).map_err(|reason| format!("holds an entry that {reason}"));
    text.split(',').map(one).collect()
}

/// What may stand in a header: printable ASCII without spaces.
fn parse_key(text: &str) -> Result<String, String> {
    let key = text.trim();
    if key.is_empty() {
        Err("is empty".to_owned())
    } else if key.bytes().all(|b| b.is_ascii_graphic()) && key.len() <= 512 {
        Ok(key.to_owned())
    } else {
        Err("is not a key: a key has at most 512 printable characters of ASCII and no spaces".to_owned())
    }
}

/// The key in a file.
///
/// # Errors
/// What is wrong with the file.
pub fn read_key_file(path: &Path) -> Result<String, String> {
    let named = |reason: String| format!("names {}, which {reason}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| named(format!("cannot be read: {error}")))?;
    parse_key(&text).map_err(named)
}

fn help() -> String {
    let mut text = "Says what this machine is, and that it is still here, to a Sigma hub.\n\n\
                    Usage: sigma-agent [OPTIONS]\n\nOptions (a flag wins over its variable):\n"
        .to_owned();
    let mut line = |left: String, right: &str| {
        // Writing to a string cannot fail.
        writeln!(text, "  {left:<24} {right}").unwrap_or_default();
    };
    for option in OPTIONS {
        line(format!("--{} <{}>", option.flag, option.value), option.help);
        let default = match option.default {
            "" => String::new(),
            default => format!(" [default: {default}]"),
        };
        line(String::new(), &format!("{}{default}", option.variable));
    }
    line("--once".to_owned(), "register, send one heartbeat, end: 0 if both arrived,");
    line(String::new(), "3 hub not reached, 4 key or machine refused, 5 any other refusal");
    line("--dry-run".to_owned(), "print the registration as JSON and send nothing");
    line("-V, --version".to_owned(), "print the version");
    line("-h, --help".to_owned(), "print this");
    text.push_str(
        "\nHTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY are heeded, for the hub alone.\n\
         NOTIFY_SOCKET and WATCHDOG_USEC, which systemd sets, are heeded too.\n\
         A bad value ends the agent with exit code 2 before it does anything.\n",
    );
    text
}
