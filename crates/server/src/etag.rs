//! Entity tags: a reader that has the same picture already is told so without it.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::problem::Problem;

/// The largest answer that is tagged: a floor of 60,000 machines has about 3 MB.
const ANSWER_MAX: usize = 16 * 1024 * 1024;
/// Bytes of the digest that a tag keeps.
const TAG_BYTES: usize = 16;

/// Tags what a read answers, and answers 304 where the reader has it. HEAD is told what GET would be (RFC 9110, section
/// 9.3.2, 2022), so its answer is made as GET's; without its body it is sent further out.
pub(crate) async fn tag(mut request: Request, next: Next) -> Response {
    if request.method() == Method::HEAD {
        *request.method_mut() = Method::GET;
    }
    let read = request.method() == Method::GET;
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    let is_tagged = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| {
        let kind = kind.as_bytes();
        kind.starts_with(b"application/json") || kind.starts_with(b"text/csv")
    });
    let is_tagged = is_tagged || response.headers().contains_key(header::ETAG);
    if !read || response.status() != StatusCode::OK || !is_tagged {
        return response;
    }
    let (mut parts, mut body) = response.into_parts();
    let tag = match parts.headers.get(header::ETAG) {
        // Tagged when it was made.
        Some(tag) => tag.clone(),
        None => {
            let Ok(bytes) = to_bytes(body, ANSWER_MAX).await else {
                let detail = "the answer is too large";
                return Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "too-large", detail)
                    .hint("ask for less at a time")
                    .into_response();
            };
            let tag = of(&bytes);
            parts.headers.insert(header::ETAG, tag.clone());
            body = Body::from(bytes);
            tag
        }
    };
    if known.is_some_and(|known| matches(&known, &tag)) {
        parts.status = StatusCode::NOT_MODIFIED;
        for of_the_body in [header::CONTENT_LENGTH, header::CONTENT_TYPE, header::CONTENT_ENCODING] {
            parts.headers.remove(of_the_body);
        }
        body = Body::empty();
    }
    Response::from_parts(parts, body)
}

/// The weak tag of an answer.
pub(crate) fn of(bytes: &[u8]) -> HeaderValue {
    let digest = Sha256::digest(bytes);
    let tag = format!("W/\"{}\"", URL_SAFE_NO_PAD.encode(&digest[..TAG_BYTES]));
    HeaderValue::from_str(&tag).unwrap_or_else(|_| HeaderValue::from_static("W/\"\""))
}

/// The weak comparison of RFC 9110, section 13.1.2.
fn matches(known: &HeaderValue, tag: &HeaderValue) -> bool {
    let (Ok(known), Ok(tag)) = (known.to_str(), tag.to_str()) else { return false };
    let plain = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    known.trim() == "*" || known.split(',').any(|known| plain(known) == plain(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_and_strong_tags_are_compared_weakly() {
        let is_known =
            |known| matches(&HeaderValue::from_static(known), &HeaderValue::from_static("W/\"abc\""));
        assert!(is_known("*") && is_known("\"abc\"") && is_known("\"x\", W/\"abc\""));
        assert!(!is_known("") && !is_known("abc") && !is_known("W/\"abd\""));
    }
}
