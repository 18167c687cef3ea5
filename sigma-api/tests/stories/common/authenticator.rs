//! An authenticator: the codes that a person's telephone would show.
#![expect(clippy::cast_possible_truncation, reason = "as RFC 4226 says")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};

/// The bytes of a secret that is written in base 32.
pub(crate) fn base32(text: &str) -> Vec<u8> {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut bits = Vec::new();
    for byte in text.bytes().filter(|byte| *byte != b' ') {
        let value = letters.iter().position(|letter| *letter == byte).unwrap();
        bits.extend((0..5).rev().map(|bit| value >> bit & 1));
    }
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |all, bit| all << 1 | *bit as u8)).collect()
}

/// What an authenticator shows so many steps from now.
pub(crate) fn code(secret: &str, steps: i64) -> String {
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
    let tag =
        sign(&Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, &base32(secret)), &(now / 30 + steps).to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag[19] & 15);
    let word = u32::from_be_bytes([tag[at], tag[at + 1], tag[at + 2], tag[at + 3]]) & 0x7fff_ffff;
    format!("{:06}", word % 1_000_000)
}

/// Waits until a step has begun that does not end during the story.
pub(crate) fn wait_for_a_step() {
    while SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() % 30 >= 20 {
        std::thread::sleep(Duration::from_millis(200));
    }
}
