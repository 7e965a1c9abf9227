//! Assumptions by name: what a method takes for granted, with unit, range and source.
//!
//! For: listing them beside a result, changing one, and writing and reading them in an exported file.
//! Not for: the methods' rules themselves.

/// One thing that a method takes for granted.
#[derive(Clone, Debug, PartialEq)]
pub struct Assumption {
    /// Its name in files, such as `price_usd_per_kwh`.
    pub key: String,
    /// Its value now, as it is written in files.
    pub value: String,
    /// What the method takes when nothing else is said.
    pub default: String,
    /// Its unit; `1` for a bare factor.
    pub unit: &'static str,
    /// Where the default comes from.
    pub source: String,
}

/// Why an assumption cannot be set.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AssumptionError {
    /// The method has none of that name.
    #[error("`{key}` is no assumption of {method}")]
    Unknown {
        /// As given.
        key: String,
        /// The method's name.
        method: &'static str,
    },
    /// A value that is not a number within its range.
    #[error("{key} = `{value}`: expected {expected}")]
    Value {
        /// As given.
        key: String,
        /// As given.
        value: String,
        /// A range, or the names that are known.
        expected: String,
    },
}

/// A number that a method takes for granted: how it is read, set and described.
pub(crate) struct Field<S> {
    pub(crate) key: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) source: &'static str,
    /// Least and most that make sense.
    pub(crate) range: (f64, f64),
    /// Whether it counts things.
    pub(crate) whole: bool,
    pub(crate) get: fn(&S) -> f64,
    pub(crate) set: fn(&mut S, f64),
}

impl<S: Default> Field<S> {
    fn describe(&self, now: &S, default: &S) -> Assumption {
        Assumption {
            key: self.key.to_owned(),
            value: (self.get)(now).to_string(),
            default: (self.get)(default).to_string(),
            unit: self.unit,
            source: self.source.to_owned(),
        }
    }
}

/// All of a method's numbers.
pub(crate) fn describe<S: Default>(fields: &[Field<S>], now: &S) -> Vec<Assumption> {
    let default = S::default();
    fields.iter().map(|field| field.describe(now, &default)).collect()
}

/// Sets one number; `None` when no field has this key.
pub(crate) fn set<S>(
    fields: &[Field<S>],
    target: &mut S,
    key: &str,
    value: &str,
) -> Option<Result<(), AssumptionError>> {
    let field = fields.iter().find(|field| field.key == key)?;
    Some(number(key, value, field.range, field.whole).map(|number| (field.set)(target, number)))
}

/// A number within a range.
pub(crate) fn number(
    key: &str,
    value: &str,
    (least, most): (f64, f64),
    whole: bool,
) -> Result<f64, AssumptionError> {
    let parsed = value.trim().parse::<f64>().ok();
    parsed.filter(|number| (least..=most).contains(number) && (!whole || number.fract() == 0.0)).ok_or_else(
        || AssumptionError::Value {
            key: key.to_owned(),
            value: value.to_owned(),
            expected: format!("a {}number from {least} to {most}", if whole { "whole " } else { "" }),
        },
    )
}
