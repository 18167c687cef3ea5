//! What a service manager is told of us, if it asked to be told (sd_notify(3)).

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// Shorter periods are no watchdog's; we would do nothing else.
const PERIOD_MIN: Duration = Duration::from_millis(1);

/// Sends one message, such as `READY=1`. A manager that does not listen is no reason to stop, nor to wait.
pub fn notify(message: &str) {
    let Some(name) = env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else { return };
    if let Err(error) = send(name.as_bytes(), message) {
        log::debug!("NOTIFY_SOCKET does not listen: {error}");
    }
}

fn send(name: &[u8], message: &str) -> io::Result<()> {
    let address = match name.split_first() {
        Some((b'@', name)) => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(OsStr::from_bytes(name))?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.send_to_addr(message.as_bytes(), &address).map(drop)
}

/// How often a watchdog is to get a sign of life: twice as often as it insists on. None when there is no watchdog, or
/// when it watches another process.
#[must_use]
pub fn watchdog_period() -> Option<Duration> {
    let number = |name| env::var(name).ok()?.parse::<u64>().ok();
    let is_ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
    let period = Duration::from_micros(number("WATCHDOG_USEC")? / 2);
    Some(period).filter(|period| is_ours && *period >= PERIOD_MIN)
}
