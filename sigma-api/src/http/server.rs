//! Accepting connections and serving them, until told to stop.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::CONNECTION;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tower::ServiceExt;

use super::auth::Keyed;
use super::client::Peer;
use super::connection::{Endless, Outcome, Patience, PatientStream, Phase};
use super::places::{Place, Places};

/// After it was told to stop, the hub answers this long what is on its way already, and closes each connection with the
/// answer.
const GRACE: Duration = Duration::from_millis(500);
/// Requests in flight then get this long to end.
const DRAIN_WITHIN: Duration = Duration::from_secs(7);
/// After an error of accept, most likely too many open files: neither spin nor stay away for long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Request heads are larger than this only when somebody tries.
const MAX_HEAD_BYTES: usize = 16 * 1024;
const MAX_HEADERS: usize = 64;

/// How far the server has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Serving,
    /// Each answer is the last on its connection.
    Closing,
    /// Connections that wait for a request are closed.
    Draining,
}

/// What every connection needs.
#[derive(Clone)]
struct Server {
    router: Router,
    patience: Patience,
    places: Arc<Places>,
    stage: watch::Receiver<Stage>,
}

/// Serves `router` on `listener` until `stop` resolves, then ends what is in flight.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    patience: Patience,
    max_connections: usize,
    stop: impl Future<Output = ()>,
) {
    let (set_stage, stage) = watch::channel(Stage::Serving);
    let places = Places::new(max_connections);
    let server = Server { router, patience, places, stage };
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            accepted = accept(&listener, &server.places) => match accepted {
                Ok((stream, permit)) => server.spawn(stream, permit),
                Err(error) => {
                    log::warn!("cannot accept a connection: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            () = &mut stop => break,
        }
    }
    let _ = set_stage.send(Stage::Closing);
    if let Err(error) = server.take_all(listener) {
        log::debug!("the last connections were not accepted: {error}");
    }
    let ended = async {
        if tokio::time::timeout(GRACE, server.places.all_free()).await.is_err() {
            let _ = set_stage.send(Stage::Draining);
            server.places.all_free().await;
        }
    };
    if tokio::time::timeout(DRAIN_WITHIN, ended).await.is_err() {
        log::warn!("requests were still running after {} s; they are cut off", DRAIN_WITHIN.as_secs());
    }
}

/// The next connection, once there is a place for it: until then it waits in the system's queue.
async fn accept(listener: &TcpListener, places: &Places) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let permit = places.wait().await?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, permit))
}

impl Server {
    /// Takes what waits in the system's queue, which the end of the listener would reset. Asks the system itself: tokio
    /// may not know yet of what came just now.
    fn take_all(&self, listener: TcpListener) -> io::Result<()> {
        let listener = listener.into_std()?;
        while let Some(permit) = self.places.try_now() {
            let (stream, _) = match listener.accept() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                accepted => accepted?,
            };
            stream.set_nonblocking(true)?;
            self.spawn(TcpStream::from_std(stream)?, permit);
        }
        Ok(())
    }

    fn spawn(&self, stream: TcpStream, permit: OwnedSemaphorePermit) {
        // Only makes answers quicker.
        let _ = stream.set_nodelay(true);
        let phase = Phase::default();
        let place = self.places.give(permit, phase.clone());
        let server = self.clone();
        tokio::spawn(async move {
            if let Err(error) = server.converse(stream, place, phase).await {
                log::debug!("connection ended: {error}");
            }
        });
    }

    /// Serves one connection to its end.
    async fn converse(self, stream: TcpStream, place: Place, phase: Phase) -> hyper::Result<()> {
        let peer = stream.peer_addr().ok();
        let io = TokioIo::new(PatientStream::new(stream, phase.clone(), self.patience));
        let service = service_fn(|request| self.answer(peer, request, &place, &phase));
        // The stream keeps the deadlines, since hyper's own would close idle connections with slow ones.
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(None)
            .max_buf_size(MAX_HEAD_BYTES)
            .max_headers(MAX_HEADERS)
            .serve_connection(io, service);
        let mut connection = pin!(connection);
        let mut stage = self.stage.clone();
        tokio::select! {
            biased;
            ended = connection.as_mut() => return ended,
            // A request that came just now is still answered.
            () = place.sent_away() => if !phase.is_busy() { return Ok(()) },
            _ = stage.wait_for(|stage| *stage == Stage::Draining) => phase.close_when_idle(),
        }
        connection.await
    }

    async fn answer(
        &self,
        peer: Option<SocketAddr>,
        mut request: hyper::Request<Incoming>,
        place: &Place,
        phase: &Phase,
    ) -> Result<Response, Infallible> {
        phase.begin();
        if let Some(peer) = peer {
            request.extensions_mut().insert(Peer(peer));
        }
        let mut response = self.router.clone().oneshot(request).await?;
        let outcome = outcome(&response);
        if outcome == Outcome::Known {
            place.is_known();
        }
        let is_endless = response.extensions().get::<Endless>().is_some();
        if is_endless || *self.stage.borrow() != Stage::Serving {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        // To the connection, an answer without an end is a request that is still being answered.
        if !is_endless {
            phase.end(outcome);
        }
        Ok(response)
    }
}

fn outcome(response: &Response) -> Outcome {
    match response.extensions().get::<Keyed>() {
        _ if !response.status().is_success() => Outcome::Refused,
        Some(_) => Outcome::Known,
        None => Outcome::Open,
    }
}
