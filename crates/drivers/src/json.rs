//! Numbers and flags as machines write them: `42`, `42.0` or `"42"`. What is empty, or text where a
//! number belongs, is absent; an array or an object in its place is the wrong shape.
//!
//! Not here: the shapes of replies.

use core::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

/// A number, sent as a number or as text; absent when it is empty, not a number or not finite.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Number(Option<f64>);

impl Number {
    /// The value, finite.
    #[must_use]
    pub const fn get(self) -> Option<f64> {
        self.0
    }
    /// The value as a whole number that is not negative, where it is one.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "range checked")]
    pub fn whole(self) -> Option<u64> {
        self.0.filter(|n| (0.0..9e15).contains(n) && n.fract() == 0.0).map(|n| n as u64)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Lenient;
        impl Visitor<'_> for Lenient {
            type Value = Number;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or text with one")
            }
            #[expect(clippy::cast_precision_loss, reason = "counters; exact below 2^53")]
            fn visit_i64<E: de::Error>(self, n: i64) -> Result<Number, E> {
                Ok(Number(Some(n as f64)))
            }
            #[expect(clippy::cast_precision_loss, reason = "counters; exact below 2^53")]
            fn visit_u64<E: de::Error>(self, n: u64) -> Result<Number, E> {
                Ok(Number(Some(n as f64)))
            }
            fn visit_f64<E: de::Error>(self, n: f64) -> Result<Number, E> {
                Ok(Number(n.is_finite().then_some(n)))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
                Ok(Number(text.trim().parse::<f64>().ok().filter(|n| n.is_finite())))
            }
            fn visit_unit<E: de::Error>(self) -> Result<Number, E> {
                Ok(Number(None))
            }
        }
        deserializer.deserialize_any(Lenient)
    }
}

/// A flag, sent as `true`, `"true"`, `"false"`, `1` or `0`; absent when it is anything else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flag(Option<bool>);

impl Flag {
    /// The value.
    #[must_use]
    pub const fn get(self) -> Option<bool> {
        self.0
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Lenient;
        impl Visitor<'_> for Lenient {
            type Value = Flag;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a flag, or text with one")
            }
            fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Flag, E> {
                Ok(Flag(Some(flag)))
            }
            fn visit_u64<E: de::Error>(self, n: u64) -> Result<Flag, E> {
                Ok(Flag((n < 2).then_some(n == 1)))
            }
            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Flag, E> {
                Ok(Flag(None))
            }
            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Flag, E> {
                Ok(Flag(None))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Flag, E> {
                let text = text.trim();
                let flag = if text.eq_ignore_ascii_case("true") || text == "1" {
                    Some(true)
                } else if text.eq_ignore_ascii_case("false") || text == "0" {
                    Some(false)
                } else {
                    None
                };
                Ok(Flag(flag))
            }
            fn visit_unit<E: de::Error>(self) -> Result<Flag, E> {
                Ok(Flag(None))
            }
        }
        deserializer.deserialize_any(Lenient)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_in_many_spellings_and_never_from_nothing() {
        let number = |text: &str| serde_json::from_str::<Number>(text).ok().map(Number::get);
        assert_eq!(number("42"), Some(Some(42.0)));
        assert_eq!(number("-1.5"), Some(Some(-1.5)));
        assert_eq!(number("\" 37603.30\""), Some(Some(37603.30)));
        assert_eq!(number("\"\""), Some(None));
        assert_eq!(number("null"), Some(None));
        assert_eq!(number("\"NaN\""), Some(None));
        assert_eq!(number("\"inf\""), Some(None));
        assert_eq!(number("{}"), None);
        assert_eq!(number("[1]"), None);
    }

    #[test]
    fn flags_are_true_false_or_unknown() {
        let flag = |text: &str| serde_json::from_str::<Flag>(text).ok().map(Flag::get);
        assert_eq!(flag("\"true\""), Some(Some(true)));
        assert_eq!(flag("false"), Some(Some(false)));
        assert_eq!(flag("\"\""), Some(None));
        assert_eq!(flag("2"), Some(None));
    }
}
