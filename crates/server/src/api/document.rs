//! Finishes the OpenAPI document: how callers are known, what each route needs and what it may answer.
//!
//! Not here: the routes themselves, which bring their own part along.

use axum::http::Method;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{Components, ComponentsBuilder};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, Response};
use utoipa::{PartialSchema as _, ToSchema as _};

use crate::access::{Need, need};
use crate::problem::Problem;

/// Statuses that are problems, by what a route needs and takes.
fn problems(method: &Method, need: Need) -> Vec<(&'static str, &'static str)> {
    let mut found = vec![
        ("422", "What was given makes no sense"),
        ("429", "Too many requests"),
        ("503", "Not now: too early, or it took too long"),
    ];
    if need != Need::Nothing {
        found.push(("401", "It is not known who asks"));
    }
    if matches!(need, Need::AnyOf(_)) || !method.is_safe() {
        found.push(("403", "The caller may not do this"));
    }
    if !method.is_safe() {
        found.push(("400", "The body cannot be read"));
        found.push(("409", "It does not fit what is in force"));
        found.push(("413", "The body is too large"));
        found.push(("415", "The body is not said to be JSON"));
        found.push(("500", "The book did not take it; nothing was changed"));
    }
    found
}

fn problem_response(words: &str) -> Response {
    let mut response = Response::new(words);
    let content = Content::new(Some(RefOr::Ref(Ref::from_schema_name(Problem::name()))));
    response.content.insert("application/problem+json".to_owned(), RefOr::T(content));
    response
}

fn finish(method: &Method, path: &str, operation: &mut Operation) {
    let Some(need) = need(method, path) else { return };
    if need != Need::Nothing {
        let none: [&str; 0] = [];
        operation.security =
            Some(vec![SecurityRequirement::new("token", none), SecurityRequirement::new("cookie", none)]);
    }
    let names: Vec<_> = match need {
        Need::Nothing => Vec::new(),
        Need::Known => vec!["known".to_owned()],
        Need::AnyOf(permissions) => permissions.iter().map(ToString::to_string).collect(),
    };
    operation.extensions = Some(Extensions::builder().add("x-needs", names).build());
    if path.contains('{') {
        let words = problem_response("There is nothing by that name");
        operation.responses.responses.entry("404".to_owned()).or_insert(RefOr::T(words));
    }
    for (status, words) in problems(method, need) {
        let response = RefOr::T(problem_response(words));
        operation.responses.responses.entry(status.to_owned()).or_insert(response);
    }
}

fn operations(item: &mut PathItem) -> Vec<(Method, &mut Operation)> {
    let all = [
        (Method::GET, item.get.as_mut()),
        (Method::POST, item.post.as_mut()),
        (Method::PUT, item.put.as_mut()),
        (Method::PATCH, item.patch.as_mut()),
        (Method::DELETE, item.delete.as_mut()),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation?))).collect()
}

/// The document with what the routes' own part does not say.
pub(super) fn finished(mut document: OpenApi) -> OpenApi {
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            finish(&method, path, operation);
        }
    }
    let components: Components =
        document.components.take().unwrap_or_else(|| ComponentsBuilder::new().build());
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A token of `offpeak token create`"))
        .build();
    let cookie =
        "The session of a browser; changes also carry the header `x-csrf-token`, which /api/v1/me says";
    let mut components = components;
    components.schemas.insert(Problem::name().into_owned(), Problem::schema());
    components.add_security_scheme("token", SecurityScheme::Http(token));
    let cookie = ApiKeyValue::with_description("__Host-offpeak", cookie);
    components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    document.components = Some(components);
    document
}
