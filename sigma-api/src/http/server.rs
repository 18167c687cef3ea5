//! Accepting connections and serving them, until told to stop.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceExt;

use super::connection::{Patience, PatientStream, Phase};

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
    let places = Arc::new(Semaphore::new(max_connections));
    tokio::pin!(stop);
    loop {
        tokio::select! {
            accepted = accept(&listener, &places) => match accepted {
                Ok((stream, place)) => spawn(stream, place, router.clone(), patience, &graceful),
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
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    // Only makes answers quicker.
    let _ = stream.set_nodelay(true);
    Ok((stream, place))
}

fn spawn(
    stream: TcpStream,
    place: OwnedSemaphorePermit,
    router: Router,
    patience: Patience,
    graceful: &GracefulShutdown,
) {
    let phase = Phase::default();
    let stream = TokioIo::new(PatientStream::new(stream, phase.clone(), patience));
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        phase.begin();
        let (router, phase) = (router.clone(), phase.clone());
        async move {
            let response = router.oneshot(request).await;
            phase.end(response.as_ref().is_ok_and(|response| response.status().is_success()));
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
        if let Err(error) = connection.await {
            log::debug!("connection ended: {error}");
        }
        drop(place);
    });
}
