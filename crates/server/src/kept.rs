//! Answers that everybody gets alike, made once a picture however many ask: as bytes, compressed once, with their tag.
//!
//! Not here: who may ask, and what the answers say.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;

use crate::etag;
use crate::problem::Problem;

/// Different answers kept of one picture; one more is made for its asker alone.
const KEPT_MAX: usize = 64;
/// Of these, so many were first asked for by one caller, so that nobody takes the places of all others.
const KEPT_OF_ONE: usize = 16;
/// Answers smaller than this are sent as they are.
const COMPRESSED_MIN: usize = 1_024;

/// The answers of the present picture.
#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<Picture>);

#[derive(Debug, Default)]
struct Picture {
    number: u64,
    answers: BTreeMap<String, Slot>,
    /// How many of them each caller was the first to ask for.
    firsts: BTreeMap<String, usize>,
}

/// One answer, or why there is none: whoever comes first makes it, the others wait for that.
pub(crate) type Slot = Arc<OnceLock<Result<Ready, Problem>>>;

/// An answer as it is sent.
#[derive(Debug)]
pub(crate) struct Ready {
    plain: Bytes,
    tag: HeaderValue,
    compressed: OnceLock<Bytes>,
}

impl Kept {
    /// The place of an answer. `number` was read before anything that the answer is made of, so that an answer is
    /// never older than its picture.
    pub(crate) fn slot(&self, number: u64, name: &str, caller: &str) -> Slot {
        let mut picture = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if picture.number < number {
            *picture = Picture { number, ..Picture::default() };
        }
        if picture.number > number {
            return Slot::default();
        }
        if let Some(slot) = picture.answers.get(name) {
            return Arc::clone(slot);
        }
        let slot = Slot::default();
        let firsts = picture.firsts.get(caller).copied().unwrap_or(0);
        if picture.answers.len() < KEPT_MAX && firsts < KEPT_OF_ONE {
            picture.firsts.insert(caller.to_owned(), firsts + 1);
            picture.answers.insert(name.to_owned(), Arc::clone(&slot));
        }
        slot
    }

    /// Leaves its place to others: what cannot be answered is not kept.
    pub(crate) fn forget(&self, name: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).answers.remove(name);
    }
}

impl Ready {
    pub(crate) fn new(view: &impl Serialize) -> Self {
        // Views are of plain values, which JSON has words for.
        let plain = serde_json::to_vec(view).unwrap_or_default();
        Self { tag: etag::of(&plain), plain: plain.into(), compressed: OnceLock::new() }
    }

    fn compressed(&self) -> &Bytes {
        self.compressed.get_or_init(|| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            // Writing to memory does not fail.
            let _ = encoder.write_all(&self.plain);
            encoder.finish().unwrap_or_default().into()
        })
    }

    /// Whether nothing is left to be done for a caller who sends these.
    pub(crate) fn is_at_hand(&self, asked: &HeaderMap) -> bool {
        !self.is_to_be_compressed(asked) || self.compressed.get().is_some()
    }

    fn is_to_be_compressed(&self, asked: &HeaderMap) -> bool {
        self.plain.len() >= COMPRESSED_MIN && takes_gzip(asked)
    }

    /// What a caller with these headers is sent.
    pub(crate) fn response(&self, asked: &HeaderMap) -> Response {
        let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let tag = (header::ETAG, self.tag.clone());
        let vary = (header::VARY, HeaderValue::from_static("accept-encoding"));
        if self.is_to_be_compressed(asked) {
            let coded = (header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            return ([kind, tag, vary, coded], self.compressed().clone()).into_response();
        }
        ([kind, tag, vary], self.plain.clone()).into_response()
    }
}

/// Whether a caller takes gzip (RFC 9110, section 12.5.3).
fn takes_gzip(asked: &HeaderMap) -> bool {
    let all = asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(',')).any(|one| {
        let (coding, weight) = one.split_once(';').unwrap_or((one, ""));
        let refused = weight.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()) == Some(0.0);
        coding.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_made_once_a_picture_and_never_shown_for_a_later_one() {
        let kept = Kept::default();
        let slot = |number, name| kept.slot(number, name, "anna");
        let first = slot(1, "circuits");
        assert!(Arc::ptr_eq(&first, &kept.slot(1, "circuits", "berik")));
        assert!(!Arc::ptr_eq(&first, &slot(1, "floor")));
        let second = slot(2, "circuits");
        assert!(!Arc::ptr_eq(&first, &second));
        // Somebody who began with the picture before has it to themselves.
        assert!(!Arc::ptr_eq(&first, &slot(1, "circuits")));
        assert!(Arc::ptr_eq(&second, &slot(2, "circuits")));
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let kept = Kept::default();
        for place in 0..2 * KEPT_MAX {
            let _ = kept.slot(1, &place.to_string(), &format!("caller {}", place % 8));
        }
        assert_eq!(kept.0.lock().unwrap().answers.len(), KEPT_MAX);
    }

    #[test]
    fn one_caller_leaves_places_to_the_others() {
        let kept = Kept::default();
        for length in 0..2 * KEPT_MAX {
            let _ = kept.slot(1, &length.to_string(), "anna");
        }
        assert_eq!(kept.0.lock().unwrap().answers.len(), KEPT_OF_ONE);
        assert!(Arc::ptr_eq(&kept.slot(1, "circuits", "berik"), &kept.slot(1, "circuits", "anna")));
        let _ = kept.slot(2, "circuits", "anna");
        assert_eq!(kept.0.lock().unwrap().answers.len(), 1, "a new picture, new places");
    }

    #[test]
    fn gzip_is_sent_to_those_who_take_it() {
        let with = |value| HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))]);
        assert!(takes_gzip(&with("gzip, deflate, br")) && takes_gzip(&with("br;q=1.0, GZIP;q=0.5")));
        assert!(!takes_gzip(&with("gzip;q=0")) && !takes_gzip(&with("br")) && !takes_gzip(&HeaderMap::new()));
        let ready = Ready::new(&vec!["a long answer"; 1_000]);
        assert!(!ready.is_at_hand(&with("gzip")) && ready.is_at_hand(&HeaderMap::new()));
        let response = ready.response(&with("gzip"));
        assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip");
        assert!(ready.is_at_hand(&with("gzip")));
        assert!(ready.compressed().len() < ready.plain.len() / 10);
    }
}
