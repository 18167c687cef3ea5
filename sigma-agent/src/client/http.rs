//! One request and its answer over a connection. HTTP/1.1 itself is `ureq-proto`'s.

use std::io;
use std::time::Instant;

use ureq_proto::client::{Call, RecvResponseResult, SendRequestResult, state};
use ureq_proto::http::{Request, Response, header};

use super::stream::Stream;

/// Of an answer at most this much is read, head and body together; it bounds what a hostile server can make us hold.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// An answer of a hub fits into this; the buffer grows when one does not.
const USUAL_ANSWER_BYTES: usize = 4 * 1024;

/// What a server answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// `Retry-After`, as it was written.
    pub(super) retry_after: Option<String>,
    /// `Location`, as it was written.
    pub(super) location: Option<String>,
    /// At most as much as was allowed.
    pub(super) body: Vec<u8>,
    /// Whether another request may follow on the connection.
    pub(super) is_reusable: bool,
}

/// Sends `request` with `body` and reads the answer, of whose body at most `max_body_bytes` are kept. `prefix` stands
/// in front of the path in the first line: a proxy wants the whole URL there.
pub(super) fn exchange(
    stream: &mut Stream,
    request: Request<()>,
    prefix: &str,
    body: &[u8],
    max_body_bytes: usize,
    deadline: Instant,
) -> io::Result<Answer> {
    let mut message = Vec::with_capacity(1024 + body.len());
    let call = write_request(request, prefix, body, &mut message)?;
    stream.write_all(&message, deadline)?;
    drop(message);
    let mut reader = Reader { stream, deadline, bytes: Vec::new(), used: 0, total: 0 };
    let (call, response) = read_head(call, &mut reader)?;
    let text = |name: header::HeaderName| {
        response.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned)
    };
    let mut answer = Answer {
        status: response.status().as_u16(),
        retry_after: text(header::RETRY_AFTER),
        location: text(header::LOCATION),
        body: Vec::new(),
        is_reusable: false,
    };
    match call {
        RecvResponseResult::RecvBody(call) => {
            answer.is_reusable = read_body(call, &mut reader, &mut answer.body, max_body_bytes)?;
        }
        RecvResponseResult::Redirect(call) => answer.is_reusable = !call.must_close_connection(),
        RecvResponseResult::Cleanup(call) => answer.is_reusable = !call.must_close_connection(),
    }
    // More than was asked for: the connection is out of step.
    answer.is_reusable &= reader.unread().is_empty();
    Ok(answer)
}

fn protocol(error: ureq_proto::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the answer is not HTTP: {error}"))
}

fn unexpected_state() -> io::Error {
    io::Error::other("the exchange came out of step")
}

fn write_request(
    request: Request<()>,
    prefix: &str,
    body: &[u8],
    message: &mut Vec<u8>,
) -> io::Result<Call<state::RecvResponse>> {
    let method_bytes = request.method().as_str().len();
    let head_bytes =
        512 + request.headers().iter().map(|(n, v)| n.as_str().len() + v.len() + 4).sum::<usize>();
    let mut call = Call::new(request).map_err(protocol)?;
    if !body.is_empty() {
        call.header(header::CONTENT_LENGTH, body.len()).map_err(protocol)?;
    }
    let mut call = call.proceed();
    let mut space = vec![0; head_bytes + call.uri().path().len() + body.len()];
    let head = call.write(&mut space).map_err(protocol)?;
    let call = match call.proceed().map_err(protocol)? {
        Some(SendRequestResult::SendBody(mut call)) => {
            let rest = space.get_mut(head..).unwrap_or_default();
            let (_, written) = call.write(body, rest).map_err(protocol)?;
            space.truncate(head + written);
            call.proceed()
        }
        Some(SendRequestResult::RecvResponse(call)) => {
            space.truncate(head);
            Some(call)
        }
        _ => None,
    };
    let (method, rest) = space.split_at_checked(method_bytes + 1).ok_or_else(unexpected_state)?;
    message.extend_from_slice(method);
    message.extend_from_slice(prefix.as_bytes());
    message.extend_from_slice(rest);
    call.ok_or_else(unexpected_state)
}

fn read_head(
    mut call: Call<state::RecvResponse>,
    reader: &mut Reader<'_>,
) -> io::Result<(RecvResponseResult, Response<()>)> {
    loop {
        let (used, response) = call.try_response(reader.unread(), false).map_err(protocol)?;
        reader.use_up(used);
        if let Some(response) = response {
            return Ok((call.proceed().ok_or_else(unexpected_state)?, response));
        }
        if used == 0 && !reader.read_more()? {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the connection was closed before an answer",
            ));
        }
    }
}

/// Whether the connection may be used again.
fn read_body(
    mut call: Call<state::RecvBody>,
    reader: &mut Reader<'_>,
    body: &mut Vec<u8>,
    max_bytes: usize,
) -> io::Result<bool> {
    let ends_with_connection = matches!(call.body_mode(), ureq_proto::BodyMode::CloseDelimited);
    let mut piece = [0; 1024];
    loop {
        let (used, written) = call.read(reader.unread(), &mut piece).map_err(protocol)?;
        reader.use_up(used);
        body.extend_from_slice(piece.get(..written).unwrap_or_default());
        if body.len() > max_bytes {
            body.truncate(max_bytes);
            return Ok(false);
        }
        if call.can_proceed() && !ends_with_connection {
            let done = call.proceed().ok_or_else(unexpected_state)?;
            return Ok(match done {
                ureq_proto::client::RecvBodyResult::Cleanup(call) => !call.must_close_connection(),
                ureq_proto::client::RecvBodyResult::Redirect(call) => !call.must_close_connection(),
            });
        }
        if used == 0 && written == 0 && !reader.read_more()? {
            return match ends_with_connection {
                true => Ok(false),
                false => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the answer ended in its middle")),
            };
        }
    }
}

/// Bytes of an answer that were read and not used yet.
struct Reader<'a> {
    stream: &'a mut Stream,
    deadline: Instant,
    bytes: Vec<u8>,
    used: usize,
    total: usize,
}

impl Reader<'_> {
    fn unread(&self) -> &[u8] {
        self.bytes.get(self.used..).unwrap_or_default()
    }

    fn use_up(&mut self, count: usize) {
        self.used += count;
    }

    /// Whether there was more. Fails when the answer is larger than any answer may be.
    fn read_more(&mut self) -> io::Result<bool> {
        self.bytes.drain(..self.used);
        self.used = 0;
        let held = self.bytes.len();
        self.bytes.resize(held + USUAL_ANSWER_BYTES, 0);
        let space = self.bytes.get_mut(held..).unwrap_or_default();
        let read = self.stream.read(space, self.deadline);
        self.bytes.truncate(held + *read.as_ref().unwrap_or(&0));
        let read = read?;
        self.total += read;
        if self.total > MAX_ANSWER_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the answer is larger than 64 KiB"));
        }
        Ok(read > 0)
    }
}
