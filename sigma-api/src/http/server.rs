//! Accepting connections and serving them, until told to stop.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tower::ServiceExt;

use super::auth::Keyed;
use super::connection::{Outcome, Patience, PatientStream, Phase};
use super::places::{Place, Places};

/// Requests in flight get this long to end.
const DRAIN_WITHIN: Duration = Duration::from_secs(7);
/// After an error of accept, most likely too many open files: neither spin nor stay away for long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Request heads are larger than this only when somebody tries.
const MAX_HEAD_BYTES: usize = 16 * 1024;
const MAX_HEADERS: usize = 64;

/// Serves `router` on `listener` until `stop` resolves, then ends what is in flight.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    patience: Patience,
    max_connections: usize,
    stop: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let places = Places::new(max_connections);
    tokio::pin!(stop);
    loop {
        tokio::select! {
            accepted = accept(&listener, &places) => match accepted {
                Ok((stream, permit)) => {
                    let phase = Phase::default();
                    let place = places.give(permit, phase.clone());
                    spawn(stream, place, phase, router.clone(), patience, &graceful);
                }
                Err(error) => {
                    log::warn!("cannot accept a connection: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            () = &mut stop => break,
        }
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_WITHIN, graceful.shutdown()).await.is_err() {
        log::warn!("requests were still running after {} s; they are cut off", DRAIN_WITHIN.as_secs());
    }
}

/// The next connection, once there is a place for it: until then it waits in the system's queue.
async fn accept(listener: &TcpListener, places: &Places) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let permit = places.wait().await?;
    let (stream, _) = listener.accept().await?;
    // Only makes answers quicker.
    let _ = stream.set_nodelay(true);
    Ok((stream, permit))
}

fn spawn(
    stream: TcpStream,
    place: Place,
    phase: Phase,
    router: Router,
    patience: Patience,
    graceful: &GracefulShutdown,
) {
    let stream = TokioIo::new(PatientStream::new(stream, phase.clone(), patience));
    let place = Arc::new(place);
    let guest = (Arc::clone(&place), phase.clone());
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (place, phase) = guest.clone();
        phase.begin();
        let router = router.clone();
        async move {
            let response = router.oneshot(request).await;
            let outcome = response.as_ref().map_or(Outcome::Refused, outcome);
            if outcome == Outcome::Known {
                place.is_known();
            }
            phase.end(outcome);
            response
        }
    });
    // The stream keeps the deadlines, since hyper's own would close idle connections with slow ones.
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS)
        .serve_connection(stream, service);
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            biased;
            ended = connection.as_mut() => ended,
            // A request that came just now is still answered.
            () = place.sent_away() => if phase.is_busy() { connection.await } else { Ok(()) },
        };
        if let Err(error) = ended {
            log::debug!("connection ended: {error}");
        }
    });
}

fn outcome(response: &axum::response::Response) -> Outcome {
    match response.extensions().get::<Keyed>() {
        _ if !response.status().is_success() => Outcome::Refused,
        Some(_) => Outcome::Known,
        None => Outcome::Open,
    }
}
