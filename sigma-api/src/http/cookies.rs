//! Two cookies: of the session, and of the browser that signed in before. Over https they are bound to the host and to TLS.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

use super::client::Client;
use crate::model::token::Token;
use crate::service::sessions::MAX_DAYS;
use crate::service::sign_in::Opened;

const SESSION: &str = "sigma";
const DEVICE: &str = "sigma-device";
/// Browsers keep no cookie for longer.
const DEVICE_DAYS: u32 = 400;
const TOKEN_CHARS: usize = 64;

/// The token of the session that the browser has.
pub(super) fn session(headers: &HeaderMap, client: Client) -> Option<&str> {
    find(headers, &name(SESSION, client))
}

/// The token of the browser.
pub(super) fn device(headers: &HeaderMap, client: Client) -> Option<&str> {
    find(headers, &name(DEVICE, client))
}

/// What a browser that signed in is to keep.
pub(super) fn opened(client: Client, opened: &Opened) -> [HeaderValue; 2] {
    [
        set(SESSION, client, Some(&opened.token), MAX_DAYS),
        set(DEVICE, client, Some(&opened.device), DEVICE_DAYS),
    ]
}

/// What a browser that signed out is to forget.
pub(super) fn ended(client: Client) -> HeaderValue {
    set(SESSION, client, None, 0)
}

/// A cookie of this prefix can be set neither by another host of the same domain nor without TLS.
fn name(name: &str, client: Client) -> String {
    if client.is_https { format!("__Host-{name}") } else { name.to_owned() }
}

fn set(of: &str, client: Client, token: Option<&Token>, days: u32) -> HeaderValue {
    let (name, value) = (name(of, client), token.map_or("", Token::reveal));
    let secure = if client.is_https { "; Secure" } else { "" };
    let seconds = days * 86_400;
    // Lax: a link in a mail opens the page, and no form of another site is sent with it.
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    let mut value = HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

fn find<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let texts = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(key, _)| *key == name)?;
    (value.len() == TOKEN_CHARS && value.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(is_https: bool) -> Client {
        Client { is_https, ..Client::default() }
    }

    #[test]
    fn a_cookie_is_bound_to_tls_where_there_is_tls() {
        let token = Token::generate().unwrap();
        let plain = set(SESSION, client(false), Some(&token), 30);
        let plain = plain.to_str().unwrap();
        assert!(plain.starts_with(&format!("sigma={}; Path=/; Max-Age=2592000;", token.reveal())), "{plain}");
        assert!(plain.ends_with("HttpOnly; SameSite=Lax"), "{plain}");
        let bound = set(SESSION, client(true), Some(&token), 30);
        assert!(bound.to_str().unwrap().starts_with("__Host-sigma="));
        assert!(bound.to_str().unwrap().ends_with("; Secure"));
    }

    #[test]
    fn a_cookie_is_found_among_others_and_not_taken_for_another() {
        let token = "a".repeat(64);
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, format!("x=1; sigma={token}; sigma-device=short").parse().unwrap());
        assert_eq!(session(&headers, client(false)), Some(&*token));
        assert_eq!(device(&headers, client(false)), None);
        assert_eq!(session(&headers, client(true)), None, "over https only the bound one counts");
    }
}
