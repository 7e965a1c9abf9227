//! Pages over HTTP/1.1, behind whichever login a family has. A digest challenge is kept, so that from
//! the second request on a page costs one request; a machine that renews its nonce costs one more.
//!
//! hyper speaks HTTP, digest_auth computes the answers (RFC 7616; stock firmware uses MD5 and
//! `qop=auth`). Not here: what the pages hold, and how session tokens are come by (the families).

use core::error::Error as _;
use core::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use digest_auth::{AuthContext, WwwAuthenticateHeader};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::client::conn::http1::{Connection, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST, SET_COOKIE, WWW_AUTHENTICATE};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use offpeak_site::Trouble;
use tokio::time::timeout;

use crate::connect::{Connector, Stream};
use crate::exchange::{REPLY_MAX, of_break};

/// A user and a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Such as `root`.
    pub user: String,
    /// Never logged.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({}, ..)", self.user)
    }
}

/// The machine's last challenge, with the count of its uses.
#[derive(Clone, Debug, Default)]
pub struct Challenge(Option<Box<WwwAuthenticateHeader>>);

/// How a machine's pages are opened.
#[derive(Debug)]
pub enum Login<'a> {
    /// To anybody.
    Open,
    /// HTTP digest.
    Digest(&'a Credentials, &'a mut Challenge),
    /// HTTP basic.
    Basic(&'a Credentials),
    /// A session token, as this header's value.
    Header(&'static str, String),
}

/// The connection, until it has ended.
type Wire = Option<Connection<TokioIo<Stream>, Full<Bytes>>>;

/// Pages of one machine, over one connection as long as the machine keeps it open.
pub struct Pages<'a> {
    connector: &'a Connector,
    to: SocketAddr,
    login: Login<'a>,
    within: Duration,
    session: Option<(SendRequest<Full<Bytes>>, Wire)>,
    /// The cookie of the last response.
    cookie: Option<String>,
}

impl fmt::Debug for Pages<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pages({})", self.to)
    }
}

impl<'a> Pages<'a> {
    /// Pages at an address; each request gets `within`.
    #[must_use]
    pub const fn new(connector: &'a Connector, to: SocketAddr, login: Login<'a>, within: Duration) -> Self {
        Self { connector, to, login, within, session: None, cookie: None }
    }

    /// The cookie that the last response set, as `name=value`.
    #[must_use]
    pub fn cookie(&self) -> Option<&str> {
        self.cookie.as_deref()
    }

    /// Reads a page.
    ///
    /// # Errors
    /// What stands between us and the machine; `Denied` when it does not take the credentials,
    /// `Garbled` for any other status than 200.
    pub async fn get(&mut self, page: &str) -> Result<Bytes, Trouble> {
        expect_page(self.request(&Method::GET, page, "", Bytes::new()).await?)
    }
    /// Sends a form to a page, as the machine's own pages do.
    ///
    /// # Errors
    /// As [`Pages::get`].
    pub async fn post(&mut self, page: &str, body: Vec<u8>) -> Result<Bytes, Trouble> {
        expect_page(self.request(&Method::POST, page, "text/plain;charset=UTF-8", body.into()).await?)
    }

    /// One request of an API over HTTP, whatever its status says; `kind` is the body's content type,
    /// empty without a body. A login that is refused comes back as its status.
    ///
    /// # Errors
    /// What stands between us and the machine.
    pub async fn request(
        &mut self,
        method: &Method,
        page: &str,
        kind: &str,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), Trouble> {
        let mut reached = false;
        let within = self.within;
        let talk = async {
            let mut tries = 2;
            loop {
                tries -= 1;
                let response = self.send(method, page, kind, body.clone(), &mut reached).await?;
                let status = response.status();
                let header = response.headers().get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
                let challenge = header.and_then(|header| digest_auth::parse(header).ok());
                let cookie = response.headers().get(SET_COOKIE).and_then(|value| value.to_str().ok());
                self.cookie = cookie.and_then(|cookie| cookie.split(';').next()).map(str::to_owned);
                let content = self.body_of(response).await?;
                let answerable = status == StatusCode::UNAUTHORIZED && self.take_challenge(challenge);
                if !answerable || tries == 0 {
                    return Ok((status, content));
                }
            }
        };
        match timeout(within, talk).await {
            Ok(outcome) => outcome,
            Err(_) => {
                self.session = None;
                Err(if reached { Trouble::Silent } else { Trouble::Unreachable })
            }
        }
    }

    /// Keeps a new challenge; whether it can be answered.
    fn take_challenge(&mut self, challenge: Option<WwwAuthenticateHeader>) -> bool {
        let Login::Digest(_, held) = &mut self.login else { return false };
        held.0 = challenge.map(Box::new);
        held.0.is_some()
    }

    /// The header that opens the page, where one is known.
    fn authorization(&mut self, method: &Method, page: &str, body: &Bytes) -> Option<(&'static str, String)> {
        match &mut self.login {
            Login::Open => None,
            Login::Basic(login) => {
                let pair = STANDARD.encode(format!("{}:{}", login.user, login.password));
                Some(("authorization", format!("Basic {pair}")))
            }
            Login::Header(name, value) => Some((name, value.clone())),
            Login::Digest(login, challenge) => {
                let challenge = challenge.0.as_mut()?;
                let (user, password) = (login.user.as_str(), login.password.as_str());
                let context = if method == Method::POST {
                    AuthContext::new_post(user, password, page, Some(body.as_ref()))
                } else {
                    AuthContext::new(user, password, page)
                };
                challenge.respond(&context).ok().map(|answer| ("authorization", answer.to_string()))
            }
        }
    }

    async fn send(
        &mut self,
        method: &Method,
        page: &str,
        kind: &str,
        body: Bytes,
        reached: &mut bool,
    ) -> Result<Response<hyper::body::Incoming>, Trouble> {
        if self.session.as_ref().is_none_or(|(sender, _)| sender.is_closed()) {
            self.session = None;
            let stream = self.connector.connect(self.to).await.map_err(|_| Trouble::Unreachable)?;
            let made = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
            let (sender, wire) = made.map_err(|error| of_http(&error))?;
            self.session = Some((sender, Some(wire)));
        }
        *reached = true;
        let mut request = Request::builder().method(method).uri(page).header(HOST, self.to.to_string());
        if !kind.is_empty() {
            request = request.header(CONTENT_TYPE, kind);
        }
        if let Some((name, value)) = self.authorization(method, page, &body) {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(body)).map_err(|_| Trouble::Garbled)?;
        let (sender, wire) = self.session.as_mut().expect("opened above");
        let waiting = async {
            sender.ready().await?;
            sender.send_request(request).await
        };
        let outcome = drive(wire, waiting).await;
        if outcome.is_err() {
            self.session = None;
        }
        outcome.map_err(|error| of_http(&error))
    }

    async fn body_of(&mut self, response: Response<hyper::body::Incoming>) -> Result<Bytes, Trouble> {
        let Some((_, wire)) = self.session.as_mut() else {
            return Err(Trouble::Truncated);
        };
        let collected = drive(wire, Limited::new(response.into_body(), REPLY_MAX).collect()).await;
        match collected {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) => {
                self.session = None;
                Err(if error.is::<LengthLimitError>() { Trouble::Oversized } else { Trouble::Truncated })
            }
        }
    }
}

fn expect_page((status, body): (StatusCode, Bytes)) -> Result<Bytes, Trouble> {
    match status {
        StatusCode::OK => Ok(body),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Trouble::Denied),
        _ => Err(Trouble::Garbled),
    }
}

/// Runs the connection until `wanted` is there. A connection that ends first leaves it to `wanted` to
/// tell why.
async fn drive<T>(wire: &mut Wire, wanted: impl Future<Output = T>) -> T {
    tokio::pin!(wanted);
    std::future::poll_fn(|context| {
        if wire.as_mut().is_some_and(|wire| Pin::new(wire).poll(context).is_ready()) {
            *wire = None;
        }
        wanted.as_mut().poll(context)
    })
    .await
}

/// What it means when no answer has begun.
fn of_http(error: &hyper::Error) -> Trouble {
    if error.is_parse() || error.is_parse_status() {
        return Trouble::Garbled;
    }
    let broken = error.source().and_then(|source| source.downcast_ref::<std::io::Error>());
    broken.map_or(Trouble::Truncated, |error| of_break(error, true))
}
