//! The site file from afar: read, checked, written. It takes effect when the site is started again.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use super::given::{Given, reason};
use super::{App, Turns, in_turn};
use crate::access::Caller;
use crate::handle::By;
use crate::problem::{Answer, Problem};
use crate::view::{SiteCheckView, SiteWrittenView};

/// The longest site file that is taken: it fits into a request's body.
const TEXT_MAX: usize = 50_000;
/// A large site takes a second of a core.
static READING: Turns = Turns::new(1, "others' site files are being read");

/// What tells one text of a site file from another: half of its SHA-256, in hexadecimal digits.
#[must_use]
pub fn text_tag(text: &str) -> String {
    Sha256::digest(text.as_bytes())[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn checked(text: &str) -> Result<(), Problem> {
    if text.trim().is_empty() || text.chars().count() > TEXT_MAX {
        return Err(Problem::invalid(format!("`text` has 1 to {TEXT_MAX} characters"))
            .hint("a longer site file is changed on the site's machine"));
    }
    Ok(())
}

/// The site file as it stands on the disk, without what it only refers to: secrets and inventories
#[utoipa::path(get, path = "/api/v1/site/file", tag = "site",
    responses((status = 200, body = String, content_type = "text/plain", headers(("etag" = String, description = "What a change carries as `If-Match`"))),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 500, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn text(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let text = in_turn(&READING, move || Ok(app.handle.site_text()?)).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (header::ETAG, format!("\"{}\"", text_tag(&text))),
    ];
    Ok((headers, text).into_response())
}

/// A text that might be the site file.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SiteText {
    /// TOML, as docs/site-file.md describes it.
    #[schema(min_length = 1, max_length = 50000)]
    text: String,
}

/// What a text would be as the site file: what is wrong with it, and which limits it changes; changes nothing
#[utoipa::path(post, path = "/api/v1/site/check", tag = "site", request_body = SiteText,
    responses((status = 200, body = SiteCheckView)))]
pub(super) async fn check(
    State(app): State<Arc<App>>,
    Given(given): Given<SiteText>,
) -> Answer<SiteCheckView> {
    checked(&given.text)?;
    in_turn(&READING, move || Ok(app.handle.check_site(&given.text)?)).await.map(Json)
}

/// A new site file.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSiteText {
    /// TOML, as docs/site-file.md describes it.
    #[schema(min_length = 1, max_length = 50000)]
    text: String,
    /// Why, for those who come after.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// Writes the site file, which takes effect when the site is started again; the text before is kept beside it
#[utoipa::path(put, path = "/api/v1/site/file", tag = "site", request_body = NewSiteText,
    params(("If-Match" = Option<String>, Header, description = "The `etag` of the text that was changed; without it nothing is written")),
    responses((status = 200, body = SiteWrittenView),
        (status = 412, description = "The file is another by now", body = Problem, content_type = "application/problem+json"),
        (status = 428, description = "`If-Match` is missing", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn write(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Given(given): Given<NewSiteText>,
) -> Answer<SiteWrittenView> {
    checked(&given.text)?;
    let why = reason("reason", &given.reason)?;
    let known = headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok());
    let known = known.map(|known| known.trim().trim_start_matches("W/").trim_matches('"').to_owned());
    let Some(known) = known else {
        let detail = "a change of the site file says by `If-Match` which text it began from";
        return Err(Problem::new(StatusCode::PRECONDITION_REQUIRED, "which-text", detail)
            .hint("it is the `etag` of GET /api/v1/site/file"));
    };
    let by = move |app: &App| {
        let by = By { who: &caller.name, why: &why };
        Ok(app.handle.write_site(&given.text, &known, by)?)
    };
    in_turn(&READING, move || by(&app)).await.map(Json)
}
