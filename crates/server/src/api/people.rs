//! People: signing in and out, set-up links, roles, tokens; and who changed what.

use std::sync::{Arc, LazyLock};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use jiff::{SignedDuration, Timestamp};
use offpeak_store::{ApiToken, Person, PersonChange};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use super::given::{Asked, Given, NAME_MAX, WhyParams, name as checked_name, reason};
use super::{App, blocking};
use crate::access::{
    Begun, Caller, Means, Peer, Permission, Role, Secret, book, check_password, hash_password,
    is_right_password,
};
use crate::handle::By;
use crate::problem::{Answer, Problem};

/// Passwords checked at once: each takes 19 MiB and some tens of milliseconds of a core.
static CHECKS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(2));
/// How long a token lasts at most.
const TOKEN_LASTS_MAX: SignedDuration = SignedDuration::from_hours(366 * 24);

/// Runs what takes a core's time, few at once.
async fn checked<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let _place = CHECKS.acquire().await;
    blocking(work).await
}

/// A name and its password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// The person's name.
    #[schema(max_length = 64)]
    name: String,
    /// The password.
    #[schema(max_length = 500)]
    password: String,
}

/// A set-up link's key and the password that it sets.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetUp {
    /// What stands after `key=` in the link.
    #[schema(max_length = 500)]
    key: String,
    /// The password, of 10 to 128 characters.
    #[schema(min_length = 10, max_length = 128)]
    password: String,
}

/// Who is signed in now. The session itself is in a cookie that no page can read.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct SignedIn {
    /// By name.
    name: String,
    /// What changes carry as the header `x-csrf-token`.
    csrf: String,
}

pub(super) fn with_cookie(begun: Begun) -> Response {
    let body = Json(SignedIn { name: begun.person.name, csrf: begun.csrf });
    cookie_set(body.into_response(), &begun.cookie)
}

fn cookie_set(mut response: Response, cookie: &str) -> Response {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// Signs in with a name and a password
#[utoipa::path(post, path = "/api/v1/session", tag = "people", request_body = SignIn,
    responses((status = 200, body = SignedIn), (status = 401, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn sign_in(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    Given(given): Given<SignIn>,
) -> Result<Response, Problem> {
    if given.name.chars().count() > NAME_MAX {
        return Err(Problem::invalid(format!("`name` has more than {NAME_MAX} characters")));
    }
    let begun =
        checked(move || app.doors.sign_in(&given.name, &given.password, &peer.address(), peer.is_secure()))
            .await?;
    Ok(with_cookie(begun))
}

/// Signs out
#[utoipa::path(delete, path = "/api/v1/session", tag = "people", responses((status = 204)))]
pub(super) async fn sign_out(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let cookie = blocking(move || app.doors.sign_out(&headers, peer.is_secure())).await?;
    Ok(cookie_set(StatusCode::NO_CONTENT.into_response(), &cookie))
}

/// Sets a password by a set-up link, and signs in
#[utoipa::path(post, path = "/api/v1/setup", tag = "people", request_body = SetUp,
    responses((status = 200, body = SignedIn), (status = 401, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn set_up(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    Given(given): Given<SetUp>,
) -> Result<Response, Problem> {
    let begun =
        checked(move || app.doors.set_up(&given.key, &given.password, &peer.address(), peer.is_secure()));
    Ok(with_cookie(begun.await?))
}

/// The password that was and the one that is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPassword {
    /// The present one.
    #[schema(max_length = 500)]
    old: String,
    /// The one that takes its place, of 10 to 128 characters.
    #[schema(min_length = 10, max_length = 128)]
    new: String,
}

/// Changes one's own password; every session of the caller ends, and a new one begins
#[utoipa::path(put, path = "/api/v1/me/password", tag = "people", request_body = NewPassword,
    responses((status = 200, body = SignedIn)))]
pub(super) async fn change_password(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Extension(peer): Extension<Peer>,
    Given(given): Given<NewPassword>,
) -> Result<Response, Problem> {
    if !matches!(caller.means, Means::Session { .. }) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "may-not",
            "a password is changed by who is signed in with it",
        ));
    }
    checked(move || {
        // The same count of failures as for signing in: a session that was left open gives no more tries.
        let begun = app.doors.sign_in(&caller.name, &given.old, &peer.address(), peer.is_secure())?;
        check_password(&given.new, &caller.name)?;
        debug_assert!(!is_right_password("", begun.person.password_hash.as_deref()));
        let kept = hash_password(&given.new)?;
        let change = PersonChange { password_hash: Some(&kept), ..PersonChange::default() };
        let changed =
            app.doors.book().change_person(&caller.name, &change, Timestamp::now(), caller.name.as_str());
        changed.map_err(|error| book(&error))?;
        app.doors.forget();
        let begun = app.doors.sign_in(&caller.name, &given.new, &peer.address(), peer.is_secure())?;
        Ok(with_cookie(begun))
    })
    .await
}

/// Somebody who may sign in.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct PersonView {
    /// The name.
    name: String,
    /// What they are.
    role: String,
    /// Whose machines a customer sees.
    owner: Option<String>,
    /// Whether a password was set.
    has_password: bool,
    /// Signed out for good, but still in the records.
    disabled: bool,
    /// Since when.
    at: Timestamp,
}

impl From<Person> for PersonView {
    fn from(person: Person) -> Self {
        Self {
            has_password: person.password_hash.is_some(),
            name: person.name,
            role: person.role,
            owner: person.owner,
            disabled: person.disabled,
            at: person.at,
        }
    }
}

/// Everybody who may sign in
#[utoipa::path(get, path = "/api/v1/people", tag = "people", responses((status = 200, body = Vec<PersonView>)))]
pub(super) async fn people(State(app): State<Arc<App>>) -> Answer<Vec<PersonView>> {
    let people = blocking(move || app.doors.book().people().map_err(|error| book(&error))).await?;
    Ok(Json(people.into_iter().map(PersonView::from).collect()))
}

/// Somebody new.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPerson {
    /// The name: letters, digits, dots, dashes and underlines.
    #[schema(min_length = 1, max_length = 64)]
    name: String,
    /// What they are.
    role: Role,
    /// Whose machines a customer sees: an owner's id in the site file.
    #[schema(max_length = 500)]
    owner: Option<String>,
    /// Why, for those who come after.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// A link by which somebody sets a password.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Link {
    /// To be opened in a browser, at the site's own address. It is told only here and works once, for two days.
    link: String,
}

impl Link {
    fn of(key: &Secret) -> Json<Self> {
        Json(Self { link: format!("/setup#key={}", key.reveal()) })
    }
}

/// Adds somebody, who may no more than who asks, and makes the link by which they set their password
#[utoipa::path(post, path = "/api/v1/people", tag = "people", request_body = NewPerson,
    responses((status = 200, body = Link)))]
pub(super) async fn add_person(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Given(new): Given<NewPerson>,
) -> Answer<Link> {
    let (name, why) = (checked_name("name", &new.name)?, reason("reason", &new.reason)?);
    if (new.role == Role::Customer) != new.owner.is_some() {
        return Err(Problem::invalid("a customer has an `owner`, and nobody else has one"));
    }
    lets_in(&caller, new.role)?;
    let owners = app.handle.floor().owners;
    if let Some(owner) = new.owner.as_ref().filter(|owner| !owners.contains(owner)) {
        let hint = format!("the site file has {}", owners.join(", "));
        return Err(Problem::invalid(format!("there is no owner `{owner}`")).hint(hint));
    }
    blocking(move || {
        let by = By { who: &caller.name, why: &why };
        let person = Person {
            name: name.clone(),
            role: new.role.name().to_owned(),
            owner: new.owner.clone(),
            password_hash: None,
            disabled: false,
            at: Timestamp::now(),
        };
        if !app.doors.book().add_person(&person, by).map_err(|error| book(&error))? {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "name-taken",
                format!("there is a `{name}` already"),
            ));
        }
        let key = app.doors.link(&name, new.role, new.owner, by).map_err(|error| book(&error))?;
        Ok(Link::of(&key))
    })
    .await
}

/// Whether the caller may let somebody in who is this: by a token nobody is let in who may more than the token.
fn lets_in(caller: &Caller, role: Role) -> Result<(), Problem> {
    match role.permissions().iter().find(|permission| !caller.may(**permission)) {
        None => Ok(()),
        Some(more) => {
            let detail = format!("{role} may more than who asks: {}", more.name());
            Err(Problem::new(StatusCode::FORBIDDEN, "may-not", detail)
                .hint("sign in, or use the command line on the site's machine"))
        }
    }
}

fn no_person(name: &str) -> Problem {
    Problem::not_found("no-such-person", format!("there is no `{name}`"))
        .hint("they are listed at /api/v1/people")
}

/// Why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkOrder {
    /// Why, for those who come after.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// Makes a new link by which somebody who may no more than who asks sets their password, which may have been forgotten
#[utoipa::path(post, path = "/api/v1/people/{name}/link", tag = "people", params(("name" = String, Path)), request_body = LinkOrder,
    responses((status = 200, body = Link)))]
pub(super) async fn link(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Given(order): Given<LinkOrder>,
) -> Answer<Link> {
    let why = reason("reason", &order.reason)?;
    blocking(move || {
        let by = By { who: &caller.name, why: &why };
        let person =
            app.doors.book().person(&name).map_err(|error| book(&error))?.ok_or_else(|| no_person(&name))?;
        let role = person.role.parse().map_err(Problem::invalid)?;
        lets_in(&caller, role)?;
        let key = app.doors.link(&name, role, person.owner, by).map_err(|error| book(&error))?;
        Ok(Link::of(&key))
    })
    .await
}

/// What is to change of somebody.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangedPerson {
    /// Another role.
    role: Option<Role>,
    /// Signed out for good, or let in again. Their tokens open nothing while they are disabled.
    disabled: Option<bool>,
    /// Why, for those who come after.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// Changes somebody's role, disables or enables them
#[utoipa::path(patch, path = "/api/v1/people/{name}", tag = "people", params(("name" = String, Path)),
    request_body = ChangedPerson, responses((status = 204)))]
pub(super) async fn change_person(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Given(change): Given<ChangedPerson>,
) -> Result<StatusCode, Problem> {
    let why = reason("reason", &change.reason)?;
    if name == caller.name {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "yourself",
            "nobody changes their own role or disables themselves",
        ));
    }
    change.role.map_or(Ok(()), |role| lets_in(&caller, role))?;
    if change.role == Some(Role::Customer) {
        return Err(Problem::invalid("a customer is added with their owner, not made of somebody else"));
    }
    blocking(move || {
        let role = change.role.map(Role::name);
        let change = PersonChange { role, disabled: change.disabled, ..PersonChange::default() };
        let changed = app.doors.book().change_person(
            &name,
            &change,
            Timestamp::now(),
            By { who: &caller.name, why: &why },
        );
        app.doors.forget();
        if changed.map_err(|error| book(&error))? {
            Ok(StatusCode::NO_CONTENT)
        } else {
            Err(no_person(&name))
        }
    })
    .await
}

/// A token for programs, without the token itself.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct TokenView {
    /// Its number.
    id: u64,
    /// Whose.
    person: String,
    /// What it is for.
    name: String,
    /// What it may do, as far as its person may.
    scopes: Vec<String>,
    /// Since when.
    at: Timestamp,
    /// Until when.
    expires_at: Option<Timestamp>,
    /// Revoked then.
    revoked_at: Option<Timestamp>,
}

/// The caller's tokens; everybody's for who may see people
#[utoipa::path(get, path = "/api/v1/tokens", tag = "people", responses((status = 200, body = Vec<TokenView>)))]
pub(super) async fn tokens(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
) -> Answer<Vec<TokenView>> {
    let all = blocking(move || app.doors.book().tokens().map_err(|error| book(&error))).await?;
    let seen =
        all.into_iter().filter(|token| caller.may(Permission::PeopleRead) || token.person == caller.name);
    let view = |token: ApiToken| TokenView {
        id: token.id,
        person: token.person,
        name: token.name,
        scopes: token.scopes,
        at: token.at,
        expires_at: token.expires_at,
        revoked_at: token.revoked_at,
    };
    Ok(Json(seen.map(view).collect()))
}

/// Whether the caller may make and revoke tokens: a token that got into wrong hands renews itself for nobody.
fn handles_tokens(caller: &Caller) -> Result<(), Problem> {
    if matches!(caller.means, Means::Token { .. }) && !caller.may(Permission::PeopleManage) {
        let detail = "by a token, tokens are made and revoked only with the scope `people.manage`";
        return Err(Problem::new(StatusCode::FORBIDDEN, "may-not", detail)
            .hint("sign in, or use the command line on the site's machine"));
    }
    Ok(())
}

/// Whether one that lasts so long may be made: it does not outlive the one that it is made by.
fn lasts(caller: &Caller, expires_at: Timestamp, now: Timestamp) -> Result<(), Problem> {
    if expires_at <= now || now.duration_until(expires_at) > TOKEN_LASTS_MAX {
        return Err(Problem::invalid("`expires_at` is to be in the future, by 366 days at most"));
    }
    match caller.means {
        Means::Token { expires_at: Some(own), .. } if own < expires_at => {
            let detail = "a token that is made by another ends with it at the latest";
            Err(Problem::new(StatusCode::FORBIDDEN, "may-not", detail)
                .hint(format!("the one that asks ends at {own}")))
        }
        _ => Ok(()),
    }
}

/// A token to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewToken {
    /// What it is for: letters, digits, dots, dashes and underlines.
    #[schema(min_length = 1, max_length = 64)]
    name: String,
    /// What it may do, as far as its person may.
    #[schema(min_items = 1)]
    scopes: Vec<Permission>,
    /// Until when: a year at most.
    expires_at: Timestamp,
    /// Whose; the caller's unless given, and another's only for who may manage people.
    #[schema(max_length = 64)]
    person: Option<String>,
    /// Why, for those who come after.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// A token, told this once.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct MadeToken {
    /// By which it is revoked.
    id: u64,
    /// To be sent as `Authorization: Bearer TOKEN`. It is not kept and never told again.
    token: String,
}

/// Makes a token for programs; by a token only with the scope `people.manage`, and none that outlives it
#[utoipa::path(post, path = "/api/v1/tokens", tag = "people", request_body = NewToken,
    responses((status = 200, body = MadeToken)))]
pub(super) async fn add_token(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Given(new): Given<NewToken>,
) -> Answer<MadeToken> {
    let (name, now) = (checked_name("name", &new.name)?, Timestamp::now());
    let why = reason("reason", &new.reason)?;
    handles_tokens(&caller)?;
    lasts(&caller, new.expires_at, now)?;
    if new.scopes.is_empty() {
        return Err(Problem::invalid("a token without scopes opens nothing"));
    }
    let of_others = caller.may(Permission::PeopleManage);
    let person = new.person.clone().unwrap_or_else(|| caller.name.clone());
    // A token makes no wider one.
    let is_narrow = new.scopes.iter().all(|scope| caller.may(*scope));
    if (person != caller.name && !of_others) || !is_narrow {
        let detail = "a token is the caller's own and may do no more than they may";
        return Err(Problem::new(StatusCode::FORBIDDEN, "may-not", detail));
    }
    blocking(move || {
        if app.doors.book().person(&person).map_err(|error| book(&error))?.is_none() {
            return Err(no_person(&person).hint("`offpeak token create --person NAME` says whose it is"));
        }
        let key = Secret::fresh();
        let scopes = new.scopes.iter().map(ToString::to_string).collect();
        let expires_at = Some(new.expires_at);
        let token = ApiToken { id: 0, person, name, scopes, at: now, expires_at, revoked_at: None };
        let by = By { who: &caller.name, why: &why };
        let id = app.doors.book().add_token(&key.hash(), &token, by).map_err(|error| book(&error))?;
        Ok(Json(MadeToken { id, token: key.reveal().to_owned() }))
    })
    .await
}

/// Revokes a token of one's own; anybody's for who may manage people; by a token only with that scope
#[utoipa::path(delete, path = "/api/v1/tokens/{token}", tag = "people", params(("token" = u64, Path), WhyParams),
    responses((status = 204)))]
pub(super) async fn revoke_token(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Asked(params): Asked<WhyParams>,
) -> Result<StatusCode, Problem> {
    let why = params.why()?;
    handles_tokens(&caller)?;
    blocking(move || {
        let nothing =
            || Problem::not_found("no-such-token", format!("no token `{id}` of the caller's is in force"));
        let number = id.parse::<u64>().ok().filter(|id| i64::try_from(*id).is_ok()).ok_or_else(nothing)?;
        let all = app.doors.book().tokens().map_err(|error| book(&error))?;
        let own = |token: &&ApiToken| token.person == caller.name || caller.may(Permission::PeopleManage);
        all.iter().find(|token| token.id == number).filter(own).ok_or_else(nothing)?;
        let revoked =
            app.doors.book().revoke_token(number, Timestamp::now(), By { who: &caller.name, why: &why });
        app.doors.forget();
        if revoked.map_err(|error| book(&error))? { Ok(StatusCode::NO_CONTENT) } else { Err(nothing()) }
    })
    .await
}
