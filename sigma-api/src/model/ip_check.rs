//! Checks of addresses from outside: probes say from where they tried what, and whether it worked.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::paging::{Paging, known_parameters};
use super::text::{Invalid, check_text};
use super::time::Timestamp;

const MAX_NAME_CHARS: usize = 64;
const MAX_MESSAGE_CHARS: usize = 1000;
const MAX_LATENCY_MS: f64 = 1e9;
/// A probe's clock may be ahead by this much.
const MAX_AHEAD_MS: i64 = 86_400_000;

/// Result of one check, as a probe sends it.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
pub(crate) struct IpCheckReport {
    /// The address that was tried.
    #[schema(value_type = String, example = "203.0.113.7")]
    pub(crate) ip: IpAddr,
    /// The machine; else the one that has the address, if there is one.
    #[serde(default)]
    pub(crate) vps_id: Option<Uuid>,
    /// What was tried: `icmp`, `tcp`, `http`, …
    pub(crate) check_type: String,
    /// From where.
    pub(crate) source: String,
    pub(crate) success: bool,
    #[serde(default)]
    pub(crate) latency_ms: Option<f64>,
    /// RFC 3339; else now.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    checked_at: Option<String>,
    #[serde(default)]
    pub(crate) message: Option<String>,
}

/// Result of one check, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct IpCheck {
    pub(crate) id: Uuid,
    #[schema(value_type = String, example = "203.0.113.7")]
    pub(crate) ip: IpAddr,
    pub(crate) vps_id: Option<Uuid>,
    pub(crate) check_type: String,
    pub(crate) source: String,
    pub(crate) success: bool,
    pub(crate) latency_ms: Option<f64>,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) checked_at: Timestamp,
    pub(crate) message: Option<String>,
}

impl IpCheckReport {
    /// The check to be kept; its machine is still to be found.
    ///
    /// # Errors
    /// The first member that breaks a rule.
    pub(crate) fn checked(self, now: Timestamp, id: Uuid) -> Result<IpCheck, Invalid> {
        for (field, name) in [("check_type", &self.check_type), ("source", &self.source)] {
            check_text(field, name, MAX_NAME_CHARS)?;
            if name.trim().is_empty() {
                return Err(Invalid::new(field, "is empty"));
            }
        }
        let message = self.message.filter(|message| !message.is_empty());
        message.iter().try_for_each(|message| check_text("message", message, MAX_MESSAGE_CHARS))?;
        if self.latency_ms.is_some_and(|ms| !(0.0..=MAX_LATENCY_MS).contains(&ms)) {
            return Err(Invalid::new("latency_ms", format!("is 0 to {MAX_LATENCY_MS}")));
        }
        Ok(IpCheck {
            id,
            ip: self.ip.to_canonical(),
            vps_id: self.vps_id,
            check_type: self.check_type,
            source: self.source,
            success: self.success,
            latency_ms: self.latency_ms,
            checked_at: checked_time(now, self.checked_at.as_deref())?,
            message,
        })
    }
}

/// One that lies far ahead would stay the newest for ever.
fn checked_time(now: Timestamp, text: Option<&str>) -> Result<Timestamp, Invalid> {
    let Some(text) = text else { return Ok(now) };
    let at = Timestamp::from_rfc3339(text)
        .ok_or_else(|| Invalid::new("checked_at", "is a time of RFC 3339, as 2026-02-28T12:00:00Z"))?;
    if at.ms() < 0 || at.ms() > now.ms().saturating_add(MAX_AHEAD_MS) {
        return Err(Invalid::new("checked_at", "is more than a day ahead, or before 1970"));
    }
    Ok(at)
}

/// Which checks a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct IpCheckFilter {
    pub(crate) ip: Option<IpAddr>,
    pub(crate) vps_id: Option<Uuid>,
    pub(crate) source: Option<String>,
    pub(crate) success: Option<bool>,
    pub(crate) paging: Paging,
}

impl IpCheckFilter {
    /// Reads the parameters of a query.
    ///
    /// # Errors
    /// The first parameter that is given twice or not understood.
    pub(crate) fn from_parameters(parameters: &[(String, String)]) -> Result<Self, Invalid> {
        let mut filter = Self::default();
        let known = ["ip", "vps_id", "source", "success", "page", "per_page"];
        for (name, value) in known_parameters(parameters, &known)? {
            let invalid = |rule: &str| Invalid::new(name, rule);
            match name {
                "ip" => {
                    let ip: IpAddr = value.parse().map_err(|_| invalid("is an address"))?;
                    filter.ip = Some(ip.to_canonical());
                }
                "vps_id" => {
                    filter.vps_id = Some(value.parse().map_err(|_| invalid("is the id of a machine"))?)
                }
                "success" => filter.success = Some(value.parse().map_err(|_| invalid("is true or false"))?),
                "source" => {
                    check_text(name, value, MAX_NAME_CHARS)?;
                    filter.source = Some(value.to_owned());
                }
                _ => filter.paging.set(name, value)?,
            }
        }
        Ok(filter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<IpCheck, String> {
        let report: IpCheckReport = serde_json::from_str(json).map_err(|error| error.to_string())?;
        report.checked(Timestamp::from_ms(1_000_000), Uuid::nil()).map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn only_what_was_tried_and_the_outcome_are_needed() {
        let check = read(r#"{"ip":"203.0.113.7","check_type":"icmp","source":"hk","success":true}"#).unwrap();
        assert_eq!(
            (check.checked_at, check.latency_ms, check.message),
            (Timestamp::from_ms(1_000_000), None, None)
        );
    }

    #[test]
    fn the_member_that_breaks_a_rule_is_named() {
        for (member, value) in [
            ("check_type", r#"" ""#),
            ("source", r#""a\nb""#),
            ("latency_ms", "-1"),
            ("message", r#""a\nb""#),
            ("checked_at", r#""yesterday""#),
            ("checked_at", r#""2926-01-01T00:00:00Z""#),
            ("checked_at", r#""1926-01-01T00:00:00Z""#),
        ] {
            let mut body =
                serde_json::json!({"ip": "::1", "check_type": "tcp", "source": "hk", "success": false});
            body[member] = serde_json::from_str(value).unwrap();
            let refused = read(&body.to_string()).expect_err(value);
            assert!(refused.starts_with(&format!("{member}: ")), "{refused}");
        }
    }

    #[test]
    fn a_filter_that_is_not_understood_is_named() {
        for (name, value) in [("ip", "x"), ("vps_id", "7"), ("success", "perhaps"), ("page", "0")] {
            let pairs = [(name.to_owned(), value.to_owned())];
            assert_eq!(IpCheckFilter::from_parameters(&pairs).unwrap_err().field, name);
        }
    }
}
