//! Why a provider is suggested, in words.

use std::fmt;
use std::net::IpAddr;

use serde::{Serialize, Serializer};

use super::dmi::Field;

/// One reason. Shown as the rest of a sentence about a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reason {
    /// A DMI string names the provider.
    Dmi { field: Field, text: String, is_of_host: bool },
    /// Machines with the same DMI string are there.
    SameDmi { field: Field, text: String, there: u32, of: u32 },
    /// Machines with addresses nearby are there.
    Address { ip: IpAddr, machines: usize, prefix: u32 },
    /// Machines with such hostnames are there.
    Hostname { pattern: String, there: u32, of: u32 },
}

impl Reason {
    /// Whether it is about an IPv6 address.
    pub(super) fn is_about_ipv6(&self) -> bool {
        matches!(self, Self::Address { ip: IpAddr::V6(_), .. })
    }

    /// The reason as it is said of several machines, in which the numbers of each differ.
    pub(super) fn of_several(&self) -> String {
        match self {
            Self::Dmi { field, text, .. } => format!("their DMI {field} is {text}"),
            Self::Address { machines: 1, .. } => {
                "their addresses lie near that of a machine there".to_owned()
            }
            Self::Address { machines, .. } => {
                format!("their addresses lie between those of {machines} machines there")
            }
            // These speak of other machines already.
            Self::SameDmi { .. } | Self::Hostname { .. } => self.to_string(),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dmi { field, text, is_of_host } => {
                write!(f, "its DMI {field} is {text}")?;
                if *is_of_host { f.write_str(", though in a container that is the host's") } else { Ok(()) }
            }
            Self::SameDmi { field, text, there, of } => {
                write!(f, "{there} of {of} machines with the DMI {field} {text} are there")
            }
            Self::Address { ip, machines: 1, prefix } => {
                write!(
                    f,
                    "its address {ip} lies near that of a machine there (longest common prefix /{prefix})"
                )
            }
            Self::Address { ip, machines, prefix } => write!(
                f,
                "its address {ip} lies between those of {machines} machines there (longest common prefix /{prefix})"
            ),
            Self::Hostname { pattern, there, of } => {
                write!(f, "{there} of {of} machines named {pattern} are there")
            }
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
