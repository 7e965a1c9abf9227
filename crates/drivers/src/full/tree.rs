//! Replies as trees, for full readings: seldom asked, many fields, and each firmware writes them otherwise. A value
//! of another kind than is expected is absent.
//!
//! Not here: fast readings, whose replies are typed field by field.

use offpeak_site::Trouble;
use serde_json::Value;

use crate::exchange::shape;
use crate::refusal::{Refusal, ReplyError};

/// Longer words are cut.
const WORDS_MAX: usize = 400;

/// Reads a reply.
///
/// # Errors
/// `Truncated` where it is cut, `Garbled` where it is neither an object nor a list.
pub(crate) fn tree(bytes: &[u8]) -> Result<Value, ReplyError> {
    let value: Value =
        serde_json::from_slice(bytes).map_err(|error| ReplyError::Broken(shape(&error, bytes)))?;
    if value.is_object() || value.is_array() { Ok(value) } else { Err(ReplyError::Broken(Trouble::Garbled)) }
}

/// What is asked of a tree, each by a JSON pointer.
pub(crate) trait Tree {
    /// A number, or text that is one.
    fn number(&self, at: &str) -> Option<f64>;
    /// A whole number that is not negative.
    fn count(&self, at: &str) -> Option<u64>;
    /// Text, or a number as text; absent when empty.
    fn text(&self, at: &str) -> Option<String>;
    /// A flag.
    fn flag(&self, at: &str) -> Option<bool>;
    /// A list.
    fn list(&self, at: &str) -> Option<&[Value]>;
    /// The list that a reply is for.
    ///
    /// # Errors
    /// That there is none.
    fn must(&self, at: &str) -> Result<&[Value], ReplyError> {
        self.list(at).ok_or(ReplyError::Broken(Trouble::Garbled))
    }
}

impl Tree for Value {
    fn number(&self, at: &str) -> Option<f64> {
        let number = match self.pointer(at)? {
            Self::Number(number) => number.as_f64(),
            Self::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.filter(|number: &f64| number.is_finite())
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "range checked")]
    fn count(&self, at: &str) -> Option<u64> {
        let whole = |number: &f64| (0.0..9e15).contains(number) && number.fract() == 0.0;
        self.number(at).filter(whole).map(|number| number as u64)
    }
    fn text(&self, at: &str) -> Option<String> {
        match self.pointer(at)? {
            Self::String(text) => {
                let text = text.trim();
                (!text.is_empty()).then(|| text.chars().take(WORDS_MAX).collect())
            }
            Self::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }
    fn flag(&self, at: &str) -> Option<bool> {
        self.pointer(at)?.as_bool()
    }
    fn list(&self, at: &str) -> Option<&[Value]> {
        self.pointer(at)?.as_array().map(Vec::as_slice)
    }
}

/// The list of a CGMiner reply, below the status that heads it.
///
/// # Errors
/// The machine's refusal, or that it is no such reply.
pub(crate) fn section(reply: &Value, name: &str) -> Result<Vec<Value>, ReplyError> {
    let status = &reply["STATUS"];
    let (letter, heading) = match status {
        Value::String(letter) => (letter.trim(), reply),
        _ => (status[0]["STATUS"].as_str().unwrap_or_default(), &status[0]),
    };
    match letter {
        "S" | "I" | "W" => {}
        "E" | "F" => {
            let words = heading.text("/Msg").unwrap_or_else(|| "no reason given".to_owned());
            return Err(ReplyError::Refused(Refusal { code: heading.count("/Code"), words }));
        }
        _ => return Err(ReplyError::Broken(Trouble::Garbled)),
    }
    match &reply[name] {
        Value::Array(list) => Ok(list.clone()),
        _ => Err(ReplyError::Broken(Trouble::Garbled)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_of_another_kind_is_absent() {
        let value =
            json!({"n": "42", "half": 0.5, "minus": -1, "nan": "NaN", "list": [], "empty": " ", "yes": true});
        assert_eq!((value.number("/n"), value.count("/n")), (Some(42.0), Some(42)));
        assert_eq!((value.count("/half"), value.count("/minus"), value.number("/nan")), (None, None, None));
        assert_eq!((value.number("/list"), value.text("/list"), value.text("/empty")), (None, None, None));
        assert_eq!((value.flag("/yes"), value.flag("/n")), (Some(true), None));
        assert!(value.must("/list").is_ok() && value.must("/n").is_err());
        assert_eq!(json!("x".repeat(9_000)).text("").map(|text| text.len()), Some(WORDS_MAX));
    }

    #[test]
    fn a_section_stands_below_a_status_that_is_none_of_an_error() {
        let reply = json!({"STATUS": [{"STATUS": "S"}], "DEVS": [1, 2]});
        assert_eq!(section(&reply, "DEVS").unwrap().len(), 2);
        assert!(section(&reply, "POOLS").is_err() && section(&json!({"DEVS": []}), "DEVS").is_err());
        let refused = json!({"STATUS": "E", "Code": 14, "Msg": "invalid cmd", "DEVS": []});
        let Err(ReplyError::Refused(refusal)) = section(&refused, "DEVS") else { panic!() };
        assert_eq!((refusal.code, refusal.words.as_str()), (Some(14), "invalid cmd"));
    }
}
