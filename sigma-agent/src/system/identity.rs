//! Evidence of identity: a name that may be shown for the machine id, and the boot id.

use std::fmt::Write as _;
use std::path::Path;

use super::read::{self, Buffer};

/// The application that the machine id is hashed for, so that nobody can tell the id itself, or what another
/// application made of it (machine-id(5) asks for this). Never change it: every hub knows machines by the result.
const APPLICATION_ID: [u8; 16] =
    [0x9f, 0x1c, 0x6a, 0x0e, 0x52, 0xb8, 0x4d, 0x7a, 0xb3, 0xe2, 0xc4, 0x7d, 0x10, 0xf8, 0x5e, 0x63];

/// HMAC-SHA-256 of the application's id, keyed by the machine id, as 64 hexadecimal digits.
pub(super) fn read_machine_id(root: &Path, buffer: &mut Buffer) -> Option<String> {
    ["etc/machine-id", "var/lib/dbus/machine-id"]
        .into_iter()
        .find_map(|file| parse_machine_id(&read::first_line(root, file, buffer)?))
        .map(hashed)
}

/// The kernel's random id of this boot.
pub(super) fn read_boot_id(root: &Path, buffer: &mut Buffer) -> Option<String> {
    read::first_line(root, "proc/sys/kernel/random/boot_id", buffer)
        .filter(|id| id.len() == 36 && id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-'))
}

/// 32 hexadecimal digits, not all zero. Images ship an empty file or "uninitialized".
pub(super) fn parse_machine_id(text: &str) -> Option<[u8; 16]> {
    let digits = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let id = digits.then(|| u128::from_str_radix(text, 16).ok()).flatten()?;
    (id != 0).then(|| id.to_be_bytes())
}

fn hashed(machine_id: [u8; 16]) -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &machine_id);
    let tag = ring::hmac::sign(&key, &APPLICATION_ID);
    tag.as_ref().iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a string cannot fail.
        write!(hex, "{byte:02x}").unwrap_or_default();
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_real_machine_id_counts() {
        assert!(parse_machine_id("0123456789abcdef0123456789abcdef").is_some());
        for nothing in
            ["", "uninitialized", "00000000000000000000000000000000", "+123456789abcdef0123456789abcdef"]
        {
            assert_eq!(parse_machine_id(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn the_hash_is_the_one_every_hub_knows() {
        // printf '9f1c…5e63' | xxd -r -p | openssl dgst -sha256 -mac HMAC -macopt hexkey:0123…cdef
        let id = parse_machine_id("0123456789abcdef0123456789abcdef").unwrap();
        assert_eq!(hashed(id), "3e25b6e6cab8f9063573ab08fc232c67ef4088c214d25fb5d0b039a3cdf7c93b");
    }
}
