//! From a host and a port to a TCP connection: one look-up, several addresses tried side by side, one deadline.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

/// Pause before the next address is tried beside those under way ("Connection Attempt Delay", RFC 8305 section 5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
/// Addresses of one name that are tried at most.
const MAX_ADDRESSES: usize = 8;
/// The peer must confirm what was sent within this time (TCP_USER_TIMEOUT, tcp(7)), so that a connection which died
/// unnoticed is known to be dead while there is time left to make a new one.
const UNCONFIRMED: u32 = 8_000;
/// The resolver of the C library needs some room; the default of 2 MiB it does not need.
const RESOLVER_STACK_BYTES: usize = 128 * 1024;

/// Which addresses of a name count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// All.
    Any,
    /// IPv4 only.
    V4,
}

/// Makes connections. The resolver of the C library cannot be interrupted, so it works in a thread of its own, at
/// most one at a time, which is gone when it has answered.
#[derive(Default)]
pub(super) struct Connector {
    pending: Option<LookUp>,
}

struct LookUp {
    host: String,
    port: u16,
    answer: Receiver<io::Result<Vec<SocketAddr>>>,
}

impl Connector {
    /// A connection to `host`, a name or an address, that does not block.
    pub(super) fn connect(
        &mut self,
        host: &str,
        port: u16,
        family: Family,
        deadline: Instant,
    ) -> io::Result<TcpStream> {
        let addresses = match host.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => self.look_up(host, port, deadline)?,
        };
        let fitting = addresses.into_iter().filter(|a| family == Family::Any || a.is_ipv4()).collect();
        connect_to_any(interleaved(fitting), deadline)
    }

    fn look_up(&mut self, host: &str, port: u16, deadline: Instant) -> io::Result<Vec<SocketAddr>> {
        let look_up = match self.pending.take().filter(|p| p.host == host && p.port == port) {
            Some(under_way) => under_way,
            None => LookUp::start(host, port)?,
        };
        match look_up.answer.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(answer) => answer.map_err(|error| {
                io::Error::new(error.kind(), format!("{host} could not be looked up: {error}"))
            }),
            Err(RecvTimeoutError::Timeout) => {
                self.pending = Some(look_up);
                Err(timed_out(&format!("the look-up of {host} took too long")))
            }
            Err(RecvTimeoutError::Disconnected) => {
                Err(io::Error::other("the resolver ended without an answer"))
            }
        }
    }
}

impl LookUp {
    fn start(host: &str, port: u16) -> io::Result<Self> {
        use_built_in_name_services();
        let (sender, answer) = sync_channel(1);
        let name = host.to_owned();
        thread::Builder::new().name("resolver".to_owned()).stack_size(RESOLVER_STACK_BYTES).spawn(
            move || {
                let found = (name.as_str(), port).to_socket_addrs().map(Iterator::collect);
                // Nobody waits any more when the deadline has passed and another name is asked for.
                sender.send(found).unwrap_or_default();
            },
        )?;
        Ok(Self { host: host.to_owned(), port, answer })
    }
}

/// glibc has /etc/hosts and DNS inside. Whatever else nsswitch.conf(5) names it loads from the machine's files, together
/// with the machine's own C library: with luck that is another 2 MB of memory, without it another version and a crash. A
/// static program has to do without; a dynamic one uses the library that the modules belong to.
#[cfg(all(target_env = "gnu", target_feature = "crt-static"))]
#[expect(unsafe_code, reason = "the C library can be told in no other way")]
fn use_built_in_name_services() {
    use std::ffi::{c_char, c_int};
    unsafe extern "C" {
        /// nss.h: which services answer for a database, from now on.
        fn __nss_configure_lookup(database: *const c_char, services: *const c_char) -> c_int;
    }
    // SAFETY: both are strings that end with NUL and live for ever, and the function keeps no pointer to them. It fails
    // only without memory; then the file's services are used.
    unsafe { __nss_configure_lookup(c"hosts".as_ptr(), c"files dns".as_ptr()) };
}

#[cfg(not(all(target_env = "gnu", target_feature = "crt-static")))]
fn use_built_in_name_services() {}

pub(super) fn timed_out(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what.to_owned())
}

/// The resolver's order, the two families in turn (RFC 8305 section 4).
fn interleaved(addresses: Vec<SocketAddr>) -> VecDeque<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut first, mut second): (VecDeque<_>, VecDeque<_>) =
        addresses.into_iter().partition(|a| a.is_ipv6() == first_is_v6);
    let mut all = VecDeque::new();
    while all.len() < MAX_ADDRESSES && !(first.is_empty() && second.is_empty()) {
        all.extend(first.pop_front());
        all.extend(second.pop_front());
    }
    all
}

/// Starts one attempt after the other, without giving up on the earlier ones; the first that succeeds wins.
fn connect_to_any(mut waiting: VecDeque<SocketAddr>, deadline: Instant) -> io::Result<TcpStream> {
    let mut under_way: Vec<(SocketAddr, OwnedFd)> = Vec::new();
    let mut last_error = io::Error::new(io::ErrorKind::NotFound, "the name has no address of a usable kind");
    loop {
        if let Some(address) = waiting.pop_front() {
            match start(address) {
                Ok(socket) => under_way.push((address, socket)),
                Err(error) => {
                    last_error = at(address, error);
                    continue;
                }
            }
        }
        let next = if waiting.is_empty() { deadline } else { deadline.min(Instant::now() + ATTEMPT_DELAY) };
        while !under_way.is_empty() {
            let Some(done) = wait_for_any(&under_way, next)? else { break };
            let (address, socket) = under_way.swap_remove(done);
            match sockopt::socket_error(&socket)? {
                Ok(()) => return finish(socket),
                Err(error) => last_error = at(address, error.into()),
            }
            if !waiting.is_empty() {
                break;
            }
        }
        if waiting.is_empty() && under_way.is_empty() {
            return Err(last_error);
        }
        if Instant::now() >= deadline {
            return Err(timed_out("no connection within its time"));
        }
    }
}

fn at(address: SocketAddr, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{address}: {error}"))
}

fn start(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    match rustix::net::connect(&socket, &address) {
        Ok(()) | Err(rustix::io::Errno::INPROGRESS) => Ok(socket),
        Err(error) => Err(error.into()),
    }
}

/// Index of an attempt that ended, well or badly; none when `until` came first.
fn wait_for_any(under_way: &[(SocketAddr, OwnedFd)], until: Instant) -> io::Result<Option<usize>> {
    let mut fds: Vec<PollFd<'_>> =
        under_way.iter().map(|(_, socket)| PollFd::new(socket, PollFlags::OUT)).collect();
    poll(&mut fds, until)?;
    Ok(fds.iter().position(|fd| !fd.revents().is_empty()))
}

/// Waits until one of `fds` is ready or `until` is there.
pub(super) fn poll(fds: &mut [PollFd<'_>], until: Instant) -> io::Result<()> {
    let left = until.saturating_duration_since(Instant::now());
    let timeout = rustix::event::Timespec {
        tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(left.subsec_nanos()),
    };
    match rustix::event::poll(fds, Some(&timeout)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn finish(socket: OwnedFd) -> io::Result<TcpStream> {
    sockopt::set_tcp_nodelay(&socket, true)?;
    sockopt::set_tcp_user_timeout(&socket, UNCONFIRMED)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn soon(seconds: u64) -> Instant {
        Instant::now() + Duration::from_secs(seconds)
    }

    #[test]
    fn families_take_turns_and_the_first_leads() {
        let list =
            |text: &str| text.split(' ').map(|a| SocketAddr::new(a.parse().unwrap(), 1)).collect::<Vec<_>>();
        let turns = interleaved(list("2001:db8::1 2001:db8::2 192.0.2.1"));
        assert_eq!(turns, list("2001:db8::1 192.0.2.1 2001:db8::2"));
    }

    #[test]
    fn a_refusing_address_costs_no_time() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let good = listener.local_addr().unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let started = Instant::now();
        let stream = connect_to_any(VecDeque::from([closed, good]), soon(5)).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), good);
        assert!(started.elapsed() < ATTEMPT_DELAY);
    }

    #[test]
    fn when_all_refuse_the_reason_is_told() {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = connect_to_any(VecDeque::from([closed]), soon(5)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert!(error.to_string().contains(&closed.to_string()), "{error}");
    }
}
