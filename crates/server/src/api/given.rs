//! What a caller gives, read strictly: whatever is wrong with it is answered with a problem.

use std::fmt;
use std::marker::PhantomData;

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use utoipa::IntoParams;

use crate::problem::Problem;

/// A JSON body: one object.
pub(crate) struct Given<T>(pub(crate) T);

/// What is read of an object only: a struct would be read of a list of its values, too.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = Object<T>;
            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(fields)).map(Object)
            }
        }
        from.deserialize_map(Fields(PhantomData))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Given<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Json::<Object<T>>::from_request(request, state).await {
            Ok(Json(Object(value))) => Ok(Self(value)),
            Err(rejection) => Err(body_problem(&rejection)),
        }
    }
}

fn body_problem(rejection: &JsonRejection) -> Problem {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "the body is larger than 64 KiB")
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            let detail = "the body is not said to be JSON";
            Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", detail)
                .hint("send the header `Content-Type: application/json`")
        }
        StatusCode::UNPROCESSABLE_ENTITY => Problem::invalid(rejection.body_text()),
        status => {
            Problem::new(status, "unreadable", rejection.body_text()).hint("the body is one JSON object")
        }
    }
}

/// Parameters after the question mark.
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(query_problem(&rejection)),
        }
    }
}

fn query_problem(rejection: &QueryRejection) -> Problem {
    let text = rejection.body_text();
    // What is wrong, without how it was found.
    let wrong = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
    Problem::invalid(format!("what stands behind `?` in the address: {wrong}"))
}

/// The longest text that somebody may give.
pub(crate) const TEXT_MAX: usize = 500;

/// A text for those who come after: trimmed, not too long, without control characters.
pub(crate) fn text(field: &str, text: &str) -> Result<String, Problem> {
    let text = text.trim();
    if text.chars().count() > TEXT_MAX {
        return Err(Problem::invalid(format!("`{field}` has more than {TEXT_MAX} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(Problem::invalid(format!("`{field}` has control characters in it")));
    }
    Ok(text.to_owned())
}

/// As [`text`], and it must say something.
pub(crate) fn reason(field: &str, given: &str) -> Result<String, Problem> {
    let given = text(field, given)?;
    if given.is_empty() {
        return Err(Problem::invalid(format!("`{field}` is empty; say why, for those who come after")));
    }
    Ok(given)
}

/// Why, where a change has no body.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WhyParams {
    /// Why, for those who come after
    #[param(min_length = 1, max_length = 500)]
    reason: String,
}

impl WhyParams {
    pub(crate) fn why(&self) -> Result<String, Problem> {
        reason("reason", &self.reason)
    }
}

/// Why, where a change has no body and needs no reason.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct NoteParams {
    /// Why, for those who come after
    #[param(max_length = 500)]
    reason: Option<String>,
}

impl NoteParams {
    pub(crate) fn why(&self) -> Result<String, Problem> {
        note(self.reason.as_ref())
    }
}

/// What somebody says of a change that needs no reason.
pub(crate) fn note(given: Option<&String>) -> Result<String, Problem> {
    text("reason", given.map_or("", String::as_str))
}

/// The longest name of a person or a token.
pub(crate) const NAME_MAX: usize = 64;

/// A name that can stand in a record, a path and a command line.
pub(crate) fn name(field: &str, given: &str) -> Result<String, Problem> {
    let is_plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_');
    let wrong = if given.is_empty() {
        "is empty".to_owned()
    } else if given.chars().count() > NAME_MAX {
        format!("has {} characters", given.chars().count())
    } else if given.contains(' ') {
        "has a space in it".to_owned()
    } else if let Some(other) = given.chars().find(|letter| !is_plain(*letter)) {
        format!("has `{}` in it", other.escape_debug())
    } else {
        return Ok(given.to_owned());
    };
    let rule = format!("it is 1 to {NAME_MAX} letters, digits, dots, dashes and underlines");
    Err(Problem::invalid(format!("`{field}` {wrong}; {rule}")).hint("such as `Ivan.Petrov` or `night-shift`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_refused_says_what_is_wrong_with_it() {
        assert_eq!(name("name", "Иван.Петров").unwrap(), "Иван.Петров");
        for (given, wrong) in [
            ("", "`name` is empty"),
            ("Ivan Petrov", "`name` has a space in it"),
            ("a/b", "`name` has `/` in it"),
            ("a\nb", "`name` has `\\n` in it"),
            (&"x".repeat(65), "`name` has 65 characters"),
        ] {
            let problem = format!("{:?}", name("name", given).unwrap_err());
            assert!(
                problem.contains(&wrong.escape_debug().to_string()) || problem.contains(wrong),
                "{problem}"
            );
        }
    }
}
