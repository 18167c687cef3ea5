//! A connection, encrypted or not, on which every wait ends at one deadline.

use std::io::{self, IoSlice, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use super::connect::{poll, timed_out};
use super::tls::explained;

/// One connection to a server.
pub(super) struct Stream {
    socket: TcpStream,
    tls: Option<Box<ClientConnection>>,
}

impl Stream {
    /// `socket` must not block.
    pub(super) fn plain(socket: TcpStream) -> Self {
        Self { socket, tls: None }
    }

    /// Agrees on keys with the server named `host`, whose certificate must be valid for that name. Nothing of ours
    /// but the name is sent before that.
    pub(super) fn encrypt(
        self,
        host: &str,
        config: Arc<ClientConfig>,
        deadline: Instant,
    ) -> io::Result<Self> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let mut tls = Box::new(ClientConnection::new(config, name).map_err(io::Error::other)?);
        let mut socket = Deadlined { socket: &self.socket, deadline };
        while tls.is_handshaking() {
            tls.complete_io(&mut socket).map_err(explained)?;
        }
        Ok(Self { socket: self.socket, tls: Some(tls) })
    }

    pub(super) fn peer(&self) -> Option<SocketAddr> {
        self.socket.peer_addr().ok()
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    pub(super) fn write_all(&mut self, bytes: &[u8], deadline: Instant) -> io::Result<()> {
        let mut socket = Deadlined { socket: &self.socket, deadline };
        match &mut self.tls {
            Some(tls) => {
                let mut stream = rustls::Stream::new(tls.as_mut(), &mut socket);
                stream.write_all(bytes)?;
                stream.flush()
            }
            None => socket.write_all(bytes),
        }
    }

    /// Number of bytes read into `space`; 0 when the server has closed.
    pub(super) fn read(&mut self, space: &mut [u8], deadline: Instant) -> io::Result<usize> {
        let mut socket = Deadlined { socket: &self.socket, deadline };
        match &mut self.tls {
            Some(tls) => rustls::Stream::new(tls.as_mut(), &mut socket).read(space),
            None => socket.read(space),
        }
    }
}

/// A socket that does not block, with waiting added.
struct Deadlined<'a> {
    socket: &'a TcpStream,
    deadline: Instant,
}

impl Deadlined<'_> {
    fn wait(&self, flags: PollFlags) -> io::Result<()> {
        let mut fds = [PollFd::new(self.socket, flags)];
        poll(&mut fds, self.deadline)?;
        // Also when there is something to read: TLS has records without end that are no answer.
        if Instant::now() >= self.deadline {
            return Err(timed_out("no answer within its time"));
        }
        Ok(())
    }

    fn again(&self, flags: PollFlags, mut attempt: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
        loop {
            match attempt() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait(flags)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }
}

impl Read for Deadlined<'_> {
    /// What is read is an answer, which cannot be there yet: waiting comes first. A server that sends a byte at a
    /// time is measured against the same deadline.
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.wait(PollFlags::IN)?;
        let mut socket = self.socket;
        self.again(PollFlags::IN, || socket.read(space))
    }
}

impl Write for Deadlined<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut socket = self.socket;
        self.again(PollFlags::OUT, || socket.write(bytes))
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut socket = self.socket;
        self.again(PollFlags::OUT, || socket.write_vectored(slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_server_that_never_pauses_meets_the_deadline_too() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        socket.set_nonblocking(true).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        server.write_all(b"more and more").unwrap();
        let mut stream = Stream::plain(socket);
        let in_time = Instant::now() + std::time::Duration::from_secs(30);
        assert_eq!(stream.read(&mut [0; 4], in_time).unwrap(), 4);
        let error = stream.read(&mut [0; 4], Instant::now()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
