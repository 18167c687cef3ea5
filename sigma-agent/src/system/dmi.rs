//! What the firmware says of the machine's maker: `/sys/class/dmi/id`, the files that need no root.

use std::path::Path;

use super::read::{self, Buffer, clean};

/// DMI strings (SMBIOS types 1 and 3); placeholders are absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dmi {
    /// `sys_vendor`.
    pub vendor: Option<String>,
    /// `product_name`.
    pub product: Option<String>,
    /// `chassis_asset_tag`.
    pub asset_tag: Option<String>,
}

pub(super) fn read(root: &Path, buffer: &mut Buffer) -> Dmi {
    let mut one = |name: &str| {
        read::first_line(root, &format!("sys/class/dmi/id/{name}"), buffer).and_then(|text| meaningful(&text))
    };
    Dmi { vendor: one("sys_vendor"), product: one("product_name"), asset_tag: one("chassis_asset_tag") }
}

/// The string, unless it is one of those that makers leave in when they have nothing to say.
pub(super) fn meaningful(text: &str) -> Option<String> {
    const PLACEHOLDERS: [&str; 22] = [
        "to be filled by o.e.m.",
        "to be filled by oem",
        "not specified",
        "not available",
        "not applicable",
        "not provided",
        "not defined",
        "system manufacturer",
        "system product name",
        "default string",
        "default",
        "o.e.m.",
        "oem",
        "unknown",
        "none",
        "n/a",
        "empty",
        "asset tag",
        "chassis asset tag",
        "no asset tag",
        "no asset information",
        "03000200-0400-0500-0006-000700080009",
    ];
    let text = clean(text)?;
    let lower = text.to_lowercase();
    let filler = |fill: char| lower.chars().all(|c| c == fill || matches!(c, '-' | ' '));
    let placeholder = PLACEHOLDERS.contains(&lower.as_str())
        || ['0', 'f', 'x', '.', '*', '_'].into_iter().any(filler)
        || ["0123456789", "1234567890", "123456789"].contains(&lower.as_str());
    (!placeholder).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_and_placeholders_are_absent() {
        for name in ["QEMU", "Standard PC (Q35 + ICH9, 2009)", "7783-7084-3265-9085-8269-3286-77", "vServer"]
        {
            assert_eq!(meaningful(&format!(" {name} \n")).as_deref(), Some(name));
        }
        for nothing in [
            "",
            "To Be Filled By O.E.M.",
            "Not Specified",
            "System manufacturer",
            "Default string",
            "None",
            "00000000-0000-0000-0000-000000000000",
            "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
            "0123456789",
            "....",
            "03000200-0400-0500-0006-000700080009",
        ] {
            assert_eq!(meaningful(nothing), None, "{nothing}");
        }
    }
}
