//! A listener that answers `GET /metrics` and nothing else, on this machine alone.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE as TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tracing::info;

use super::{CONTENT_TYPE, exposition};
use crate::runtime::live::Shared;

/// Connections at once; one more waits.
const CONNECTIONS: usize = 16;
/// How long a request's head may take.
const HEAD: Duration = Duration::from_secs(5);
/// How long a connection may last: a scraper comes again.
const LASTS: Duration = Duration::from_secs(300);

/// Binds and serves until the returned task is aborted.
///
/// # Errors
/// If the address is not of this machine alone, or in use.
pub(crate) async fn serve(shared: Arc<Shared>, address: SocketAddr) -> Result<tokio::task::JoinHandle<()>> {
    if !address.ip().is_loopback() {
        bail!(
            "metrics are served without asking who comes, and {address} is not of this machine alone\n\
             hint: name a loopback address such as 127.0.0.1:9185, and put a proxy that asks before it"
        );
    }
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("metrics cannot be served at {address}"))?;
    info!(address = %listener.local_addr()?, "metrics are served");
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    Ok(tokio::spawn(async move {
        loop {
            let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
            let Ok((stream, _)) = listener.accept().await else {
                // Too many open files, say: the next second may have room.
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            };
            let shared = Arc::clone(&shared);
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let shared = Arc::clone(&shared);
                    async move { Ok::<_, Infallible>(answer(&shared, &request)) }
                });
                let served = hyper::server::conn::http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEAD)
                    .serve_connection(TokioIo::new(stream), service);
                let _ = tokio::time::timeout(LASTS, served).await;
                drop(permit);
            });
        }
    }))
}

fn answer(shared: &Shared, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let plain = |status: StatusCode, text: &'static str| {
        let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
        *response.status_mut() = status;
        response
    };
    if request.uri().path() != "/metrics" {
        return plain(StatusCode::NOT_FOUND, "only /metrics is here\n");
    }
    if request.method() != Method::GET {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered\n");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
        return response;
    }
    let mut response = Response::new(Full::new(Bytes::from(exposition(shared))));
    response.headers_mut().insert(TYPE, HeaderValue::from_static(CONTENT_TYPE));
    response
}
