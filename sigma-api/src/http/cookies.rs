//! Cookies: of the session, of the browser that signed in before, of how its person wants to see the fleet; and one that
//! lives from a form to the page that follows. Over https they are bound to the host and to TLS.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

use super::client::Client;
use crate::service::sessions::MAX_DAYS;
use crate::service::sign_in::Opened;

const SESSION: &str = "sigma";
const DEVICE: &str = "sigma-device";
const DONE: &str = "sigma-done";
const VIEW: &str = "sigma-view";
/// A redirect takes no longer.
const DONE_SECONDS: u32 = 30;
/// Browsers keep no cookie for longer.
const DEVICE_DAYS: u32 = 400;
const TOKEN_CHARS: usize = 64;
/// In seconds.
const DAY: u32 = 86_400;

/// The token of the session that the browser has.
pub(super) fn session(headers: &HeaderMap, client: Client) -> Option<&str> {
    token(headers, &name(SESSION, client))
}

/// The token of the browser.
pub(super) fn device(headers: &HeaderMap, client: Client) -> Option<&str> {
    token(headers, &name(DEVICE, client))
}

/// What the form did that the browser sent just now.
pub(super) fn done(headers: &HeaderMap, client: Client) -> Option<&str> {
    all(headers, &name(DONE, client)).find(|done| !done.is_empty())
}

/// Notes for the next page what was done; nothing, once it was said.
pub(super) fn set_done(client: Client, done: &str) -> HeaderValue {
    set(DONE, client, done, if done.is_empty() { 0 } else { DONE_SECONDS })
}

/// How the person wants to see the fleet.
pub(super) fn view(headers: &HeaderMap, client: Client) -> Option<&str> {
    all(headers, &name(VIEW, client)).next()
}

/// Keeps how the person wants to see the fleet.
pub(super) fn set_view(client: Client, view: &str) -> HeaderValue {
    set(VIEW, client, view, DEVICE_DAYS * DAY)
}

/// What a browser that signed in is to keep.
pub(super) fn opened(client: Client, opened: &Opened) -> [HeaderValue; 2] {
    [
        set(SESSION, client, opened.token.reveal(), MAX_DAYS * DAY),
        set(DEVICE, client, opened.device.reveal(), DEVICE_DAYS * DAY),
    ]
}

/// What a browser that signed out is to forget.
pub(super) fn ended(client: Client) -> HeaderValue {
    set(SESSION, client, "", 0)
}

/// A cookie of this prefix can be set neither by another host of the same domain nor without TLS.
fn name(name: &str, client: Client) -> String {
    if client.is_https { format!("__Host-{name}") } else { name.to_owned() }
}

fn set(of: &str, client: Client, value: &str, seconds: u32) -> HeaderValue {
    let name = name(of, client);
    let secure = if client.is_https { "; Secure" } else { "" };
    // Lax: a link in a mail opens the page, and no form of another site is sent with it.
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    let mut value = HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

/// The first that can be one of ours: over plain http another host of the domain may set one of the same name.
fn token<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let is_token =
        |text: &&str| text.len() == TOKEN_CHARS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    all(headers, name).find(is_token)
}

fn all<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let texts = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(move |(key, _)| *key == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::token::Token;

    fn client(is_https: bool) -> Client {
        Client { is_https, ..Client::default() }
    }

    #[test]
    fn a_cookie_is_bound_to_tls_where_there_is_tls() {
        let token = Token::generate().unwrap();
        let plain = set(SESSION, client(false), token.reveal(), 30 * DAY);
        let plain = plain.to_str().unwrap();
        assert!(plain.starts_with(&format!("sigma={}; Path=/; Max-Age=2592000;", token.reveal())), "{plain}");
        assert!(plain.ends_with("HttpOnly; SameSite=Lax"), "{plain}");
        let bound = set(SESSION, client(true), token.reveal(), 30 * DAY);
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
        headers.insert(COOKIE, format!("sigma=; sigma=planted; sigma={token}").parse().unwrap());
        assert_eq!(session(&headers, client(false)), Some(&*token), "one that is none hides none");
    }
}
