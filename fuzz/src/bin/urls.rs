//! What operators write: URLs and `NO_PROXY`. A line each: the hub, the proxy, the list.

#![no_main]

#[path = "../../../sigma-agent/src"]
mod agent {
    pub mod url;
    pub mod client {
        pub mod proxy;

        pub use targets::look_at;

        mod targets {
            use base64::Engine as _;

            use super::proxy::{authorization, proxy_for};
            use crate::url::Url;

            pub fn look_at(hub: &Url, proxy: &Url, list: &str) {
                let found = |list: &str| proxy_for(hub, Some(proxy.clone()), list);
                let is_direct = found(list).is_none();
                assert!(found(list).is_none_or(|same| same == *proxy));
                assert_eq!(found("*"), None);
                assert_eq!(proxy_for(hub, None, list), None);
                let is_loopback = hub.host == "localhost"
                    || hub.host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
                assert!(is_direct || !is_loopback, "loopback is never reached through a proxy");
                let is_nowhere = format!(".{}", hub.host).ends_with(".nowhere.invalid");
                assert_eq!(
                    found(&format!(" ,{list} , nowhere.invalid")).is_none(),
                    is_direct || is_nowhere,
                    "each entry stands for itself"
                );
                let name = if hub.host.contains(':') { format!("[{}]", hub.host) } else { hub.host.clone() };
                assert_eq!(found(&name), None, "a host that is listed is reached directly");
                assert_eq!(found(&hub.host_port()), None, "with its port, too");

                let credentials = authorization(proxy);
                assert_eq!(credentials.is_some(), proxy.userinfo.is_some());
                if let (Some(value), Some(written)) = (credentials, &proxy.userinfo) {
                    let decoded = base64::engine::general_purpose::STANDARD
                        .decode(value.strip_prefix("Basic ").unwrap());
                    let decoded = decoded.unwrap();
                    assert!(decoded.len() <= written.len());
                    assert!(written.contains('%') || decoded == written.as_bytes());
                }
            }
        }
    }
}
use agent::url::{self, Url};
use libfuzzer_sys::fuzz_target;

fn parsed(text: &str) -> Option<Url> {
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(reason) => {
            assert!(!reason.is_empty());
            return None;
        }
    };
    assert!(url.port != 0 && !url.host.is_empty());
    assert!(url.host.bytes().all(|b| b.is_ascii_graphic() && !b.is_ascii_uppercase()), "{url}");
    assert!(!url.path.ends_with('/') && (url.path.is_empty() || url.path.starts_with('/')), "{url}");
    let shown = url.to_string();
    assert_eq!(format!("{url:?}"), shown, "neither shows a password");
    let again = Url::parse(&shown).expect("what is shown can be typed in again");
    assert_eq!(again, Url { userinfo: None, ..url.clone() });
    Some(url)
}

fuzz_target!(|input: &[u8]| {
    let text = String::from_utf8_lossy(input);
    let mut lines = text.split('\n');
    let mut next = || lines.next().unwrap_or_default();
    let (hub, proxy, list) = (parsed(next()), parsed(next()), next());
    if let Some(hub) = hub {
        let proxy = proxy.unwrap_or_else(|| Url::parse("http://a:b@proxy:3128").unwrap());
        agent::client::look_at(&hub, &proxy, list);
    }
});
