//! Who calls, and whether they may: every request passes here before its handler.
//!
//! Not here: what each role may do (`permission`) and what each route needs (`needs`).

mod doors;
mod needs;
mod password;
mod permission;
mod secret;
mod throttle;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;

pub use doors::Doors;
use doors::TooMany;
pub(crate) use doors::{Begun, book};
pub use needs::{NEEDS, Need, WHYS, Why, changes_nothing, need};
pub use permission::{Permission, Role};
pub use secret::Secret;
pub(crate) use {
    password::check as check_password, password::hash as hash_password,
    password::is_right as is_right_password,
};

use crate::api::App;
use crate::problem::Problem;

/// Where a request comes from, as the listener saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// The site's local socket, which is its owner's alone.
    Local {
        /// The caller's user id, by the system's word.
        uid: Option<u32>,
    },
    /// The network.
    Remote {
        /// From where.
        ip: IpAddr,
        /// Whether over TLS.
        secure: bool,
    },
}

/// How a caller is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Means {
    /// By the local socket.
    Local,
    /// By a browser's cookie.
    Session {
        /// What changes must carry, so that another site's page cannot make them.
        csrf: String,
    },
    /// By a token.
    Token {
        /// Its number.
        id: u64,
        /// Until when.
        expires_at: Option<Timestamp>,
    },
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// By name, as in the records.
    pub name: String,
    /// What they are.
    pub role: Role,
    /// Whose machines a customer sees.
    pub owner: Option<String>,
    /// What a token is narrowed to; `None` for all that the role may.
    pub scopes: Option<BTreeSet<Permission>>,
    /// How they are known.
    pub means: Means,
}

impl Peer {
    /// The address that failures and requests are counted by.
    pub(crate) fn address(self) -> String {
        match self {
            Self::Local { .. } => "local socket".to_owned(),
            Self::Remote { ip, .. } => counted(ip),
        }
    }
    /// Whether by the local socket.
    pub(crate) const fn is_local(self) -> bool {
        matches!(self, Self::Local { .. })
    }
    /// Whether over TLS.
    pub(crate) const fn is_secure(self) -> bool {
        matches!(self, Self::Remote { secure: true, .. })
    }
}

/// What counts as one address: of IPv6 the first 64 bits, since the others are anybody's to choose who has those (RFC 4291,
/// section 2.5.4, 2006; RFC 8981, 2021).
pub(crate) fn counted(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("{}/64", Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64)),
    }
}

impl Caller {
    /// Whether they may do that.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.role.may(permission) && self.scopes.as_ref().is_none_or(|scopes| scopes.contains(&permission))
    }
    /// Whether they came by the local socket.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.means == Means::Local
    }
    /// Whose machines they see: `Ok(None)` for everybody's.
    pub(crate) fn sees(&self) -> Result<Option<&str>, Problem> {
        if self.may(Permission::MachinesRead) {
            return Ok(None);
        }
        self.owner.as_deref().map(Some).ok_or_else(|| {
            Problem::new(
                StatusCode::FORBIDDEN,
                "no-owner",
                "this user is no owner's customer, so no machine is theirs",
            )
            .hint("a manager names the owner with `offpeak user`")
        })
    }
    fn satisfies(&self, need: Need) -> bool {
        match need {
            Need::Nothing | Need::Known => true,
            Need::AnyOf(permissions) => permissions.iter().any(|permission| self.may(*permission)),
        }
    }
}

/// The caller of the local socket: whoever the system lets write to it runs the site.
fn local(uid: Option<u32>) -> Caller {
    let name = uid.map_or_else(|| "local".to_owned(), |uid| format!("local (uid {uid})"));
    Caller { name, role: Role::Owner, owner: None, scopes: None, means: Means::Local }
}

/// Lets a request through to its handler, or says why not.
pub(crate) async fn admit(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    match admitted(&app, &mut request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn admitted(app: &App, request: &mut Request) -> Result<(), Problem> {
    let peer = *request.extensions().get::<Peer>().ok_or_else(|| unknown("where it came from"))?;
    if let Peer::Remote { secure: false, .. } = peer {
        check_host(request.headers())?;
    }
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let Some(path) = path else { return Ok(()) };
    let need = need(request.method(), &path).ok_or_else(|| no_method(request.method(), &path))?;
    let caller = match peer {
        Peer::Local { uid } => Some(local(uid)),
        Peer::Remote { secure, .. } => {
            let let_in = app.doors.let_in(request.headers(), secure, &peer.address());
            let_in.map_err(|TooMany| too_many())?
        }
    };
    match caller {
        Some(caller) => {
            check_forgery(&caller, request)?;
            if !caller.satisfies(need) {
                return Err(may_not(&caller, need));
            }
            request.extensions_mut().insert(caller);
        }
        None if need == Need::Nothing => {}
        None => return Err(unknown("who asks")),
    }
    Ok(())
}

fn too_many() -> Problem {
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "more requests a second than are served")
        .hint("try again in a second; /api/v1/stream tells of changes without being asked")
}

fn unknown(what: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unknown-caller", format!("it is not known {what}"))
        .hint("sign in, or send a token that has neither ended nor been revoked")
}

fn no_method(method: &Method, path: &str) -> Problem {
    let there: Vec<_> = NEEDS.iter().filter(|(_, at, _)| *at == path).map(|(method, ..)| *method).collect();
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "no-such-method", format!("{path} does not take {method}"))
        .hint(format!("it takes {}", there.join(", ")))
}

fn may_not(caller: &Caller, need: Need) -> Problem {
    let Need::AnyOf(permissions) = need else { return unknown("who asks") };
    let names: Vec<_> = permissions.iter().map(|permission| permission.name()).collect();
    let problem = format!("{} ({}) may not do this", caller.name, caller.role);
    Problem::new(StatusCode::FORBIDDEN, "may-not", problem)
        .hint(format!("it takes the permission {}", names.join(" or ")))
}

/// Without TLS a site is served on loopback only. A name that somebody else points there must not let a page of
/// theirs read it.
fn check_host(headers: &HeaderMap) -> Result<(), Problem> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name).trim_matches(['[', ']']);
    let is_loopback = name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if is_loopback {
        return Ok(());
    }
    Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, "wrong-host", format!("`{host}` is not this site"))
        .hint("without TLS it is reached as localhost or 127.0.0.1"))
}

/// A change by a cookie needs the session's own word, and comes from the site's own page.
fn check_forgery(caller: &Caller, request: &Request) -> Result<(), Problem> {
    let Means::Session { csrf } = &caller.means else { return Ok(()) };
    if request.method().is_safe() {
        return Ok(());
    }
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let own_page = text("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    let given = text("x-csrf-token").unwrap_or_default();
    if own_page && secret::same(given, csrf) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "forged",
        "the change does not carry this session's x-csrf-token",
    )
    .hint("GET /api/v1/me says it; send it as the header x-csrf-token"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_what_one_client_has() {
        let of = |ip: &str| counted(ip.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(
            of("2001:db8:1:2:ffff::1"),
            "2001:db8:1:2::/64",
            "its own choice of the rest makes no other"
        );
        assert_ne!(of("2001:db8:1:3::1"), of("2001:db8:1:2::1"));
        assert_eq!(of("203.0.113.7"), "203.0.113.7");
        assert_eq!(of("::ffff:203.0.113.7"), "203.0.113.7", "as a listener for both kinds tells it");
    }

    #[test]
    fn only_loopback_is_served_without_tls() {
        let check = |host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            check_host(&headers).is_ok()
        };
        for own in ["localhost", "localhost:8080", "127.0.0.1:1", "[::1]:8080", "127.8.8.8"] {
            assert!(check(own), "{own}");
        }
        for other in ["evil.example", "127.0.0.1.evil.example:80", "10.0.0.1", "localhost:x", "", "[::2]:1"] {
            assert!(!check(other), "{other}");
        }
        assert!(check_host(&HeaderMap::new()).is_err());
    }
}
