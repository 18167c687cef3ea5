//! What a person types or keeps to put the agent on a machine. The key stands in no argument of a program, where other
//! users of the machine would read it, and in no file that others may read.

use askama::Template;

use crate::model::site::{PublicUrl, Reach};

/// The unit of systemd; the key is none of its business.
#[derive(Template)]
#[template(path = "agent/sigma-agent.service", escape = "none")]
struct Unit<'a> {
    api_url: &'a str,
}

/// On a machine with systemd, as root.
#[derive(Template)]
#[template(path = "agent/shell.txt", escape = "none")]
struct Shell<'a> {
    key: &'a str,
    unit: &'a str,
}

/// On a machine with Docker, as root.
#[derive(Template)]
#[template(path = "agent/docker.txt", escape = "none")]
struct Docker<'a> {
    key: &'a str,
    api_url: &'a str,
}

/// The file of the key beside a playbook.
#[derive(Template)]
#[template(path = "agent/key_file.txt", escape = "none")]
struct KeyFile<'a> {
    key: &'a str,
}

/// Another key for an agent that is there.
#[derive(Template)]
#[template(path = "agent/new_key.txt", escape = "none")]
struct NewKeyFile<'a> {
    key: &'a str,
}

/// A playbook.
#[derive(Template)]
#[template(path = "agent/ansible.yml", escape = "none")]
struct Ansible<'a> {
    unit: &'a [&'a str],
}

/// User data for a machine that is being made.
#[derive(Template)]
#[template(path = "agent/cloud_init.yml", escape = "none")]
struct CloudInit<'a> {
    key: &'a str,
    unit: &'a [&'a str],
}

/// All ways to bring an agent and its key to a machine.
pub(super) struct Commands {
    pub(super) shell: String,
    pub(super) plain: String,
    pub(super) docker: String,
    pub(super) key_file: String,
    pub(super) ansible: String,
    pub(super) cloud_init: String,
}

impl Commands {
    /// With that key, for a hub at that address.
    ///
    /// # Errors
    /// When a text cannot be made.
    pub(super) fn new(url: &PublicUrl, key: &str) -> askama::Result<Self> {
        let api_url = &*format!("{}/api", url.origin());
        let unit = &*Unit { api_url }.render()?;
        let lines = &*unit.lines().collect::<Vec<_>>();
        Ok(Self {
            shell: Shell { key, unit }.render()?,
            plain: format!(
                "SIGMA_API_URL={api_url} SIGMA_API_KEY_FILE=/etc/sigma/key /usr/local/bin/sigma-agent"
            ),
            docker: Docker { key, api_url }.render()?,
            key_file: KeyFile { key }.render()?,
            ansible: Ansible { unit: lines }.render()?,
            cloud_init: CloudInit { key, unit: lines }.render()?,
        })
    }
}

/// Puts a key into its file: that of an agent that is there, or one of a program.
///
/// # Errors
/// When the text cannot be made.
pub(super) fn put_key(key: &str, is_of_agent: bool) -> askama::Result<String> {
    if is_of_agent { NewKeyFile { key }.render() } else { KeyFile { key }.render() }
}

/// What a person must know about the address that agents are told, if there is something.
pub(super) fn warning(url: &PublicUrl) -> Option<String> {
    let origin = url.origin();
    let remedy =
        "Set SIGMA_PUBLIC_URL to the address at which machines reach the hub, and start the hub again.";
    match url.reach() {
        Reach::Machine => {
            Some(format!("The commands use {origin}, which only the hub's own machine reaches. {remedy}"))
        }
        Reach::Network => Some(format!(
            "The commands use {origin}, which only machines of the hub's own network reach. {remedy}"
        )),
        Reach::Anywhere if !url.is_https() => Some(format!(
            "The commands use {origin}: over plain http everybody on the way can read the key. Put a server that speaks \
             https in front of the hub, and set SIGMA_PUBLIC_URL to its address."
        )),
        Reach::Anywhere => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sgm_0123456789abcdefghijklmnopqrstuvwxyzABCD";

    fn commands() -> Commands {
        Commands::new(&PublicUrl::parse("https://sigma.example.org").unwrap(), KEY).unwrap()
    }

    #[test]
    fn the_key_stands_on_a_line_of_its_own() {
        let Commands { shell, plain, docker, key_file, ansible, cloud_init } = commands();
        for (text, times) in
            [(shell, 1), (docker, 1), (key_file, 1), (cloud_init, 1), (plain, 0), (ansible, 0)]
        {
            assert_eq!(text.matches(KEY).count(), times, "{text}");
            assert_eq!(text.lines().filter(|line| line.trim() == KEY).count(), times, "{text}");
        }
    }

    #[test]
    fn every_way_names_the_hub() {
        let Commands { shell, plain, docker, ansible, cloud_init, .. } = commands();
        for text in [shell, plain, docker, ansible, cloud_init] {
            assert!(text.contains("SIGMA_API_URL=https://sigma.example.org/api"), "{text}");
        }
    }

    #[test]
    fn an_address_that_agents_cannot_use_is_said() {
        let warning = |url| warning(&PublicUrl::parse(url).unwrap());
        assert_eq!(warning("https://sigma.example.org"), None);
        for (url, word) in [
            ("http://127.0.0.1:3000", "own machine"),
            ("https://10.0.0.5", "own network"),
            ("http://sigma.example.org", "plain http"),
        ] {
            let said = warning(url).unwrap();
            assert!(said.contains(word) && said.contains("SIGMA_PUBLIC_URL"), "{said}");
        }
    }
}
