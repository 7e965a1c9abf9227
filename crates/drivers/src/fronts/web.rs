//! Pages over HTTP/1.1, by hyper: Antminer's behind their login; a WhatsMiner sends every visitor to
//! its encrypted pages, which the twin does not have.
//!
//! Not here: what the pages hold (`pages`), and misbehaviour (`talk`).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{
    AUTHORIZATION, CONNECTION, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE, WWW_AUTHENTICATE,
};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use offpeak_site::{Family, MachineIx};
use offpeak_twin::Answering;
use tokio::time::{sleep, timeout};

use super::card::Card;
use super::digest::Verdict;
use super::rest::{Asked, Told};
use super::talk::{Duplex, misbehave_as_web};
use super::{Shared, State, bitaxe, braiins, braiins_graphql, epic, pages, proto, vnish};

/// How long one connection may last.
const CONNECTION_MAX: Duration = Duration::from_secs(120);
/// Longer bodies are refused.
const BODY_MAX: usize = 16 * 1024;

/// Serves a connection to a machine's pages.
pub(super) async fn serve<S: Duplex>(shared: Arc<Shared>, machine: MachineIx, stream: S) {
    let (answering, _) = shared.answering(machine);
    if answering != Answering::Properly {
        return misbehave_as_web(answering, stream).await;
    }
    let service = service_fn(|request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(respond(&shared, machine, request).await) }
    });
    let serving = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // How a visitor leaves is no matter.
    let _ = timeout(CONNECTION_MAX, serving).await;
}

fn reply(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, kind.parse().expect("a constant that is a header's value"));
    response
}

async fn respond(shared: &Shared, machine: MachineIx, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (answering, delay) = shared.answering(machine);
    if !delay.is_zero() {
        sleep(delay).await;
    }
    if answering != Answering::Properly {
        // It stopped answering between two requests of one connection.
        let mut gone = reply(StatusCode::SERVICE_UNAVAILABLE, "text/plain", "");
        gone.headers_mut().insert(CONNECTION, "close".parse().expect("a header's value"));
        return gone;
    }
    let card = &shared.cards[machine.ix()];
    if matches!(card.family, Family::WhatsminerV2 | Family::WhatsminerV3) {
        let mut elsewhere = reply(StatusCode::TEMPORARY_REDIRECT, "text/html", "");
        let place = format!("https://{}/", card.ip);
        elsewhere.headers_mut().insert(LOCATION, place.parse().expect("an address is a header's value"));
        return elsewhere;
    }
    if card.family == Family::Avalon {
        return reply(StatusCode::OK, "text/html", "<html><head><title>Avalon Device</title></head></html>");
    }
    if card.family == Family::LuxOs {
        return reply(StatusCode::OK, "text/html", "<html><head><title>Luxor Firmware</title></head></html>");
    }
    if let Some(rest) = rest_of(card.family) {
        return respond_rest(shared, machine, request, rest).await;
    }
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str()).to_owned();
    let now = shared.clock.now().as_second();
    let header = request.headers().get(AUTHORIZATION).and_then(|header| header.to_str().ok());
    let verdict = header
        .map_or(Verdict::Denied, |header| shared.gate.judge(header, request.method().as_str(), &target, now));
    let path = request.uri().path().to_owned();
    // The body is read first, so that the connection can be used again.
    let Ok(body) = Limited::new(request.into_body(), BODY_MAX).collect().await else {
        return reply(StatusCode::PAYLOAD_TOO_LARGE, "text/plain", "");
    };
    if verdict != Verdict::Passes {
        let challenge = shared.gate.challenge(now, verdict == Verdict::Stale);
        let page = "<?xml version=\"1.0\"?>\n<html><head><title>401 Unauthorized</title></head><body><h1>401 Unauthorized</h1></body></html>\n";
        let mut closed = reply(StatusCode::UNAUTHORIZED, "text/html", page);
        let challenge = challenge.parse().expect("a challenge is a header's value");
        closed.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        return closed;
    }
    if path == "/" {
        return reply(
            StatusCode::OK,
            "text/html",
            "<html><head><title>Antminer</title></head><body></body></html>",
        );
    }
    let body = body.to_bytes();
    match shared.at_now(|state| pages::page(state, card, machine, &path, &body)) {
        Some(content) => reply(StatusCode::OK, "application/json", content),
        None => reply(StatusCode::NOT_FOUND, "text/html", "<html><body><h1>404 Not Found</h1></body></html>"),
    }
}

/// What answers the requests of a family with a REST API.
type Rest = fn(&mut State, &Card, MachineIx, &Asked<'_>) -> Told;

/// A family's REST API, and its title page.
fn rest_of(family: Family) -> Option<(Rest, &'static str)> {
    match family {
        Family::BraiinsOs => Some((braiins::answer, braiins::ROOT_PAGE)),
        Family::BraiinsOsGraphQl => Some((braiins_graphql::answer, braiins_graphql::ROOT_PAGE)),
        Family::Epic => Some((epic::answer, epic::ROOT_PAGE)),
        Family::ProtoRig => Some((proto::answer, proto::ROOT_PAGE)),
        Family::Bitaxe => Some((bitaxe::answer, bitaxe::ROOT_PAGE)),
        Family::Vnish => Some((vnish::answer, vnish::ROOT_PAGE)),
        _ => None,
    }
}

async fn respond_rest(
    shared: &Shared,
    machine: MachineIx,
    request: Request<Incoming>,
    (answer, title): (Rest, &'static str),
) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_MAX).collect().await else {
        return reply(StatusCode::PAYLOAD_TOO_LARGE, "text/plain", "");
    };
    let (path, body) = (head.uri.path(), body.to_bytes());
    let card = &shared.cards[machine.ix()];
    if path == "/" {
        return reply(StatusCode::OK, "text/html", title);
    }
    let authorization = head.headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok());
    let cookie = head.headers.get(COOKIE).and_then(|header| header.to_str().ok());
    let asked = Asked { method: head.method.as_str(), path, authorization, cookie, body: &body };
    let told = shared.at_now(|state| answer(state, card, machine, &asked));
    let status = StatusCode::from_u16(told.status).expect("the front ends give real statuses");
    let mut response = reply(status, "application/json", told.body);
    if let Some(cookie) = told.cookie {
        response.headers_mut().insert(SET_COOKIE, cookie.parse().expect("a cookie is a header's value"));
    }
    response
}
