//! What each route asks of its caller: one table. A route that is not in it is served to nobody, so that a new one
//! cannot be forgotten.

use axum::http::Method;

use super::permission::Permission;

/// What a caller needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing: it shows nothing of the site.
    Nothing,
    /// To be known.
    Known,
    /// One of these permissions.
    AnyOf(&'static [Permission]),
}

use Need::{AnyOf, Known, Nothing};
use Permission as P;

const MACHINES: Need = AnyOf(&[P::MachinesRead, P::OwnMachinesRead]);
const SITE: Need = AnyOf(&[P::SiteRead]);
/// Of which kinds is asked where the order is known.
const ORDERS: Need = AnyOf(&[P::Order, P::GridOrder]);

/// By method and path, as in the OpenAPI document.
pub const NEEDS: &[(&str, &str, Need)] = &[
    ("GET", "/api/v1/health", Nothing),
    ("GET", "/api/v1/openapi.json", Nothing),
    ("GET", "/enter", Nothing),
    ("POST", "/api/v1/session", Nothing),
    ("DELETE", "/api/v1/session", Known),
    ("POST", "/api/v1/setup", Nothing),
    ("GET", "/api/v1/me", Known),
    ("PUT", "/api/v1/me/password", Known),
    ("GET", "/api/v1/people", AnyOf(&[P::PeopleRead])),
    ("POST", "/api/v1/people", AnyOf(&[P::PeopleManage])),
    ("PATCH", "/api/v1/people/{name}", AnyOf(&[P::PeopleManage])),
    ("POST", "/api/v1/people/{name}/link", AnyOf(&[P::PeopleManage])),
    ("GET", "/api/v1/tokens", Known),
    ("POST", "/api/v1/tokens", Known),
    ("DELETE", "/api/v1/tokens/{token}", Known),
    ("GET", "/api/v1/alerts", AnyOf(&[P::AlertsRead])),
    ("GET", "/api/v1/alerts/history", AnyOf(&[P::AlertsRead])),
    ("POST", "/api/v1/alerts/{alert}/acknowledgement", AnyOf(&[P::AlertsHandle])),
    ("POST", "/api/v1/alerts/{alert}/snooze", AnyOf(&[P::AlertsHandle])),
    ("POST", "/api/v1/alerts/channels/{channel}/test", AnyOf(&[P::AlertsTest])),
    ("GET", "/api/v1/audit", AnyOf(&[P::AuditRead])),
    ("GET", "/api/v1/audit/verification", AnyOf(&[P::AuditRead, P::RecordsRead])),
    ("GET", "/api/v1/reports/{about}", AnyOf(&[P::RecordsRead, P::OwnMachinesRead])),
    ("GET", "/api/v1/backups", AnyOf(&[P::Backup])),
    ("POST", "/api/v1/backups", AnyOf(&[P::Backup])),
    ("POST", "/api/v1/sql", AnyOf(&[P::Sql])),
    ("POST", "/api/v1/scans", AnyOf(&[P::Scan])),
    ("GET", "/api/v1/scans", AnyOf(&[P::Scan])),
    ("DELETE", "/api/v1/scans/last", AnyOf(&[P::Scan])),
    ("PUT", "/api/v1/scans/last/found/{address}/light", AnyOf(&[P::Scan])),
    ("GET", "/api/v1/site", SITE),
    ("GET", "/api/v1/site/file", AnyOf(&[P::SiteFile])),
    ("PUT", "/api/v1/site/file", AnyOf(&[P::SiteFile])),
    ("POST", "/api/v1/site/check", AnyOf(&[P::SiteFile])),
    ("GET", "/api/v1/stream", SITE),
    ("GET", "/api/v1/machines", MACHINES),
    ("GET", "/api/v1/machines/{machine}", MACHINES),
    ("GET", "/api/v1/machines/{machine}/history", MACHINES),
    ("GET", "/api/v1/machines/{machine}/why", AnyOf(&[P::MachinesRead])),
    ("GET", "/api/v1/machines/{machine}/minutes", MACHINES),
    ("GET", "/api/v1/machines/{machine}/look", AnyOf(&[P::Device])),
    ("PUT", "/api/v1/machines/{machine}/light", AnyOf(&[P::Device])),
    ("POST", "/api/v1/machines/{machine}/restart", AnyOf(&[P::Device])),
    ("PUT", "/api/v1/machines/{machine}/pools", AnyOf(&[P::Pools])),
    ("GET", "/api/v1/floor", AnyOf(&[P::MachinesRead])),
    ("GET", "/api/v1/floor/states", AnyOf(&[P::MachinesRead])),
    ("GET", "/api/v1/circuits", SITE),
    ("GET", "/api/v1/circuits/{circuit}/explanation", SITE),
    ("GET", "/api/v1/calendar", SITE),
    ("GET", "/api/v1/orders", SITE),
    ("GET", "/api/v1/orders/history", SITE),
    ("GET", "/api/v1/directives", SITE),
    ("POST", "/api/v1/stops", AnyOf(&[P::Stop])),
    ("DELETE", "/api/v1/stops", AnyOf(&[P::Resume])),
    ("POST", "/api/v1/lockouts", AnyOf(&[P::Lockout])),
    ("DELETE", "/api/v1/lockouts", AnyOf(&[P::Lockout, P::LockoutAny])),
    ("POST", "/api/v1/orders", ORDERS),
    ("POST", "/api/v1/orders/preview", SITE),
    ("DELETE", "/api/v1/orders/{order}", ORDERS),
    ("GET", "/api/v1/holds", AnyOf(&[P::MachinesRead])),
    ("POST", "/api/v1/holds", AnyOf(&[P::Hold])),
    ("POST", "/api/v1/holds/preview", AnyOf(&[P::MachinesRead])),
    ("POST", "/api/v1/holds/release", AnyOf(&[P::Hold])),
    ("PUT", "/api/v1/halls/{hall}/authority", AnyOf(&[P::Authority])),
    // Public knowledge, and nothing of the site: for whoever can sign in, customers among them.
    ("GET", "/api/v1/observatory/index", Known),
    ("GET", "/api/v1/observatory/slider", Known),
    ("GET", "/api/v1/observatory/hashprice", Known),
    ("GET", "/api/v1/observatory/breakeven", Known),
    ("GET", "/api/v1/observatory/residual", Known),
    ("GET", "/api/v1/observatory/chain", Known),
    ("GET", "/api/v1/observatory/world", Known),
    ("GET", "/api/v1/observatory/flows", Known),
    ("GET", "/api/v1/observatory/countries/{country}", Known),
    ("GET", "/api/v1/observatory/countries/{country}/what-if", Known),
];

/// What this route needs; `None` where the table does not have it. HEAD is read as GET.
#[must_use]
pub fn need(method: &Method, path: &str) -> Option<Need> {
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    NEEDS.iter().find(|(of, at, _)| *of == method && *at == path).map(|(_, _, need)| *need)
}

/// What a change asks of its caller beside permission: to say why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is refused without `reason`: it does something to a machine, to power or to people's rights.
    Required,
    /// `reason` may be given and is then kept.
    Taken,
    /// None is asked, since
    Exempt(&'static str),
}

const CHANGES_NOTHING: Why = Why::Exempt("it changes nothing");
/// Whether a request to this route changes nothing, whatever its method.
#[must_use]
pub fn changes_nothing(method: &Method, path: &str) -> bool {
    WHYS.iter().any(|(of, at, why)| *of == method.as_str() && *at == path && *why == CHANGES_NOTHING)
}

const ONES_OWN: Why = Why::Exempt("it is about nobody but the caller");

/// By method and path: whether a change's reason is asked. Every change is in it, which a test sees to.
pub const WHYS: &[(&str, &str, Why)] = &[
    ("POST", "/api/v1/session", ONES_OWN),
    ("DELETE", "/api/v1/session", ONES_OWN),
    ("POST", "/api/v1/setup", ONES_OWN),
    ("PUT", "/api/v1/me/password", ONES_OWN),
    ("POST", "/api/v1/people", Why::Required),
    ("PATCH", "/api/v1/people/{name}", Why::Required),
    ("POST", "/api/v1/people/{name}/link", Why::Required),
    ("POST", "/api/v1/tokens", Why::Required),
    ("DELETE", "/api/v1/tokens/{token}", Why::Required),
    ("POST", "/api/v1/alerts/{alert}/acknowledgement", Why::Taken),
    ("POST", "/api/v1/alerts/{alert}/snooze", Why::Taken),
    (
        "POST",
        "/api/v1/alerts/channels/{channel}/test",
        Why::Exempt("it is a test and says so to whom it reaches"),
    ),
    ("POST", "/api/v1/backups", Why::Taken),
    ("POST", "/api/v1/sql", CHANGES_NOTHING),
    ("POST", "/api/v1/scans", Why::Taken),
    ("DELETE", "/api/v1/scans/last", Why::Taken),
    ("PUT", "/api/v1/scans/last/found/{address}/light", Why::Taken),
    ("PUT", "/api/v1/machines/{machine}/light", Why::Taken),
    ("POST", "/api/v1/machines/{machine}/restart", Why::Required),
    ("PUT", "/api/v1/machines/{machine}/pools", Why::Required),
    ("PUT", "/api/v1/site/file", Why::Required),
    ("POST", "/api/v1/site/check", CHANGES_NOTHING),
    ("POST", "/api/v1/stops", Why::Required),
    ("DELETE", "/api/v1/stops", Why::Required),
    ("POST", "/api/v1/lockouts", Why::Required),
    ("DELETE", "/api/v1/lockouts", Why::Required),
    ("POST", "/api/v1/orders", Why::Required),
    ("POST", "/api/v1/orders/preview", CHANGES_NOTHING),
    ("DELETE", "/api/v1/orders/{order}", Why::Required),
    ("POST", "/api/v1/holds", Why::Required),
    ("POST", "/api/v1/holds/preview", CHANGES_NOTHING),
    ("POST", "/api/v1/holds/release", Why::Required),
    ("PUT", "/api/v1/halls/{hall}/authority", Why::Required),
];
