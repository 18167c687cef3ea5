//! Every option of the hub: variable, flag, default, help. A bad one is refused in a sentence that names it.

use std::env;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand};
use log::LevelFilter;

use crate::model::key::{Role, check_name};
use crate::model::key_terms::{Terms, check_machines, expiry};
use crate::model::site::{Networks, PublicUrl};
use crate::model::time::Timestamp;

const SERVICE_DATA_DIR: &str = "/var/lib/sigma";
const DATABASE_FILE: &str = "sigma.db";
const SECRET_KEY_FILE: &str = "sigma.key";

/// The Sigma hub: knows which machines there are, and which are alive.
#[derive(Debug, Parser)]
#[command(name = "sigma-api", version, about, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<CliCommand>,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Args)]
struct Options {
    /// Address and port to listen on
    #[arg(
        long,
        env = "SIGMA_LISTEN",
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:3000",
        global = true
    )]
    listen: String,
    /// Folder of the database [default: $XDG_STATE_HOME/sigma or ~/.local/state/sigma; /var/lib/sigma for a service]
    #[arg(long, env = "SIGMA_DATA_DIR", value_name = "FOLDER", global = true)]
    data_dir: Option<PathBuf>,
    /// Where the database is [default: sqlite://FOLDER/sigma.db]
    #[arg(long, env = "SIGMA_DATABASE_URL", value_name = "URL", hide_env_values = true, global = true)]
    database_url: Option<String>,
    /// Where persons open the hub, for links and cookies [default: http:// and the address to listen on]
    #[arg(long, env = "SIGMA_PUBLIC_URL", value_name = "URL", global = true)]
    public_url: Option<String>,
    /// Addresses and networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed, with commas
    #[arg(long, env = "SIGMA_TRUSTED_PROXIES", value_name = "NETWORKS", default_value = "", global = true)]
    trusted_proxies: String,
    /// File of the key that encrypts what authenticators share with the hub; made when needed [default: sigma.key beside the database]
    #[arg(long, env = "SIGMA_SECRET_KEY_FILE", value_name = "FILE", global = true)]
    secret_key_file: Option<PathBuf>,
    /// Print the link for the first administrator even where stdout is no terminal, for scripts that show it to a person
    #[arg(long, env = "SIGMA_PRINT_SETUP_LINK", value_parser = FalseyValueParser::new(), global = true)]
    print_setup_link: bool,
    /// Which events are logged: error, warn, info or debug
    #[arg(long, env = "SIGMA_LOG", value_name = "LEVEL", default_value = "info", global = true)]
    log: String,
}

#[derive(Debug, Subcommand)]
enum CliCommand {
    /// Run the hub (this is what happens without a command)
    Serve,
    /// Print a link that makes an administrator: good once, for an hour, and in the place of an earlier one
    SetupLink,
    /// Print every URL and who may call it
    #[command(hide = true)]
    Routes,
    /// Make, list, rotate and revoke the keys of agents and clients
    Key {
        #[command(subcommand)]
        command: CliKeyCommand,
    },
}

#[derive(Debug, Subcommand)]
enum CliKeyCommand {
    /// Make a key and print it, this once
    Create {
        /// What the key is for
        #[arg(long)]
        name: String,
        /// What it may do: agent, admin, operator or readonly
        #[arg(long)]
        role: String,
        /// Until when it is valid: 2d, 12h, or a date as 2027-01-31
        #[arg(long, value_name = "WHEN")]
        expires: Option<String>,
        /// How many new machines it may register in all
        #[arg(long, value_name = "NUMBER")]
        machines: Option<u32>,
    },
    /// List all keys by their first characters
    List,
    /// Revoke a key; it stops working within two seconds
    Revoke {
        /// Its first characters as the list shows them, or its id
        #[arg(value_name = "KEY")]
        which: String,
    },
    /// Give a key another secret and print it, this once; the former stays valid for a day
    Rotate {
        /// Its first characters as the list shows them, or its id
        #[arg(value_name = "KEY")]
        which: String,
        /// Hours for which the former secret stays valid
        #[arg(long, value_name = "HOURS")]
        overlap_hours: Option<u32>,
        /// Rotate although a secret before this one is still valid, which ends with this
        #[arg(long)]
        force: bool,
    },
}

/// What the program is to do.
#[derive(Debug)]
pub enum Command {
    /// Run the hub.
    Serve,
    /// Make a key.
    CreateKey {
        /// What it is for.
        name: String,
        /// What it may do.
        role: Role,
        /// Until when, and for how many machines.
        terms: KeyTerms,
    },
    /// Make a link for an administrator.
    MakeSetupLink,
    /// Print the table of routes.
    ListRoutes,
    /// List the keys.
    ListKeys,
    /// Give a key another secret.
    RotateKey {
        /// Prefix or id.
        which: String,
        /// For how long the former stays valid.
        overlap_hours: Option<u32>,
        /// Whether the one before that may end.
        force: bool,
    },
    /// Revoke a key.
    RevokeKey {
        /// Prefix or id.
        which: String,
    },
}

/// The terms of a new key.
#[derive(Debug)]
pub struct KeyTerms(pub(crate) Terms);

/// All settings, checked.
#[derive(Debug)]
pub struct Config {
    /// What to do.
    pub command: Command,
    /// Where to listen.
    pub listen: SocketAddr,
    /// The SQLite file.
    pub database: PathBuf,
    /// Where persons open the hub, unless that is where it listens.
    pub(crate) public_url: Option<PublicUrl>,
    /// Proxies whose word is taken.
    pub(crate) trusted_proxies: Networks,
    /// Whether the first link is printed where stdout is no terminal.
    pub(crate) print_setup_link: bool,
    /// Where the key of secrets is.
    pub(crate) secret_key_file: PathBuf,
    /// Which events are logged.
    pub log: LevelFilter,
}

/// Why the settings are refused, in one sentence; or text that was asked for.
#[derive(Debug)]
pub enum Refusal {
    /// `--help` or `--version`.
    Asked(String),
    /// A setting is wrong.
    Wrong(String),
}

impl Config {
    /// Reads the command line and the environment.
    ///
    /// # Errors
    /// The first setting that is wrong, named by its variable and flag.
    pub fn read() -> Result<Self, Refusal> {
        let cli = Cli::try_parse().map_err(|error| {
            let text = error.render().to_string();
            if error.use_stderr() { Refusal::Wrong(first_sentence(&text)) } else { Refusal::Asked(text) }
        })?;
        Self::check(cli).map_err(Refusal::Wrong)
    }

    fn check(cli: Cli) -> Result<Self, String> {
        let options = cli.options;
        let listen = options.listen.parse().map_err(|_| {
            format!(
                "SIGMA_LISTEN (--listen): {:?} is not an address and port as 127.0.0.1:3000",
                options.listen
            )
        })?;
        let log = match options.log.as_str() {
            "error" => LevelFilter::Error,
            "warn" => LevelFilter::Warn,
            "info" => LevelFilter::Info,
            "debug" => LevelFilter::Debug,
            other => {
                return Err(format!("SIGMA_LOG (--log): {other:?} is none of error, warn, info and debug"));
            }
        };
        let database = match options.database_url {
            Some(url) => database_file(&url)?,
            None => options.data_dir.map_or_else(default_data_dir, Ok)?.join(DATABASE_FILE),
        };
        let command = match cli.command.unwrap_or(CliCommand::Serve) {
            CliCommand::Serve => Command::Serve,
            CliCommand::SetupLink => Command::MakeSetupLink,
            CliCommand::Routes => Command::ListRoutes,
            CliCommand::Key { command: CliKeyCommand::Rotate { which, overlap_hours, force } } => {
                Command::RotateKey { which, overlap_hours, force }
            }
            CliCommand::Key { command: CliKeyCommand::List } => Command::ListKeys,
            CliCommand::Key { command: CliKeyCommand::Revoke { which } } => Command::RevokeKey { which },
            CliCommand::Key { command: CliKeyCommand::Create { name, role, expires, machines } } => {
                let named = Role::from_name(&role);
                let role = named.ok_or_else(|| {
                    format!("--role: {role:?} is none of agent, admin, operator and readonly")
                })?;
                check_name(&name).map_err(|invalid| format!("--{invalid}"))?;
                let terms = key_terms(expires.as_deref(), machines)?;
                Command::CreateKey { name, role, terms }
            }
        };
        let public_url = options.public_url.as_deref().map(public_url).transpose()?;
        let trusted_proxies = Networks::parse(&options.trusted_proxies).map_err(|entry| {
            format!("SIGMA_TRUSTED_PROXIES (--trusted-proxies): {entry:?} is no address and no network as 10.0.0.0/8")
        })?;
        let beside = database.with_file_name(SECRET_KEY_FILE);
        let secret_key_file = options.secret_key_file.unwrap_or(beside);
        Ok(Self {
            command,
            listen,
            database,
            public_url,
            trusted_proxies,
            print_setup_link: options.print_setup_link,
            secret_key_file,
            log,
        })
    }
}

fn public_url(text: &str) -> Result<PublicUrl, String> {
    PublicUrl::parse(text).ok_or_else(|| {
        format!("SIGMA_PUBLIC_URL (--public-url): {text:?} is no address without a path as https://sigma.example.org")
    })
}

fn key_terms(expires: Option<&str>, machines: Option<u32>) -> Result<KeyTerms, String> {
    let until = |text: &str| {
        let at = expiry(Timestamp::now(), text);
        at.ok_or_else(|| format!("--expires: {text:?} is none of 2d, 12h and a date to come as 2027-01-31"))
    };
    let expires_at = expires.map(until).transpose()?;
    check_machines("--machines", machines).map_err(|invalid| invalid.to_string())?;
    Ok(KeyTerms(Terms { expires_at, max_machines: machines, ..Terms::default() }))
}

/// The first paragraph of clap's text on one line: the rest repeats the help.
fn first_sentence(text: &str) -> String {
    let lines = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
    let sentence = lines.collect::<Vec<_>>().join(" ");
    sentence.strip_prefix("error: ").unwrap_or(&sentence).to_owned()
}

/// A service has its folder from systemd, or the usual one; a person, root too, has theirs. What is empty is unset.
fn default_data_dir() -> Result<PathBuf, String> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let given = env::var_os("STATE_DIRECTORY")
        .and_then(|folders| env::split_paths(&folders).find(|folder| !folder.as_os_str().is_empty()));
    if let Some(folder) = given {
        return Ok(folder);
    }
    let home = absolute("HOME");
    // systemd gives every unit an id; a terminal of a desktop session may have inherited one, but not root's.
    let by_systemd = env::var_os("INVOCATION_ID").is_some_and(|id| !id.is_empty());
    if by_systemd && (home.is_none() || rustix::process::geteuid().is_root()) {
        return Ok(SERVICE_DATA_DIR.into());
    }
    let state = absolute("XDG_STATE_HOME").or_else(|| home.map(|home| home.join(".local/state")));
    let state = state.ok_or("SIGMA_DATA_DIR (--data-dir): say where the data belongs, as HOME is not set")?;
    Ok(state.join("sigma"))
}

fn database_file(url: &str) -> Result<PathBuf, String> {
    let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:"));
    match path {
        Some(path) if !path.is_empty() && !path.contains(['?', ':']) => Ok(path.into()),
        // The URL itself is not shown: it may hold a password.
        _ => {
            Err("SIGMA_DATABASE_URL (--database-url): this hub knows sqlite:///path/to/file only".to_owned())
        }
    }
}
