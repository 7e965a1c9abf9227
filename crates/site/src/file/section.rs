//! A section of the file and typed access to its keys. Everything that can be wrong with a single
//! value is reported by [`Section::check`]; the getters then give `None` for it.

use jiff::Timestamp;
use jiff::civil::{Date, Time, Weekday};
use offpeak_units::{HashRate, Power, Temperature};
use rust_decimal::Decimal;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::civil;
use super::diagnostic::{Place, Report};
use super::pattern::Pattern;
use super::shape::{self, Kind, Shape};
use crate::hardware::Distribution;

/// A section of the file.
#[derive(Clone)]
pub(crate) struct Section<'t> {
    table: &'t DeTable<'t>,
    shape: &'static Shape,
    /// Where it begins.
    pub(crate) place: Place,
}

impl<'t> Section<'t> {
    /// The whole file.
    pub(crate) fn root(table: &'t Spanned<DeTable<'t>>, shape: &'static Shape) -> Self {
        Self { table: table.get_ref(), shape, place: Place { path: String::new(), span: 0..0 } }
    }

    /// Reports every unknown key, wrong value and missing key, here and below.
    pub(crate) fn check(&self, report: &mut Report<'_>) {
        // Keys that a slip of the pen stands for are not missing as well.
        let mut meant = Vec::new();
        for (key, value) in self.table {
            let Some(field) = self.shape.field(key.get_ref()) else {
                let place = Place { path: self.path(key.get_ref()), span: key.span() };
                let known: Vec<_> =
                    self.shape.fields.iter().map(|field| format!("`{}`", field.key)).collect();
                let nearest = self.shape.nearest(key.get_ref());
                meant.extend(nearest);
                let hint = nearest.map(|known| format!("did you mean `{known}`?"));
                let found = format!("the unknown key `{}`", report.quote(&place));
                report.error_with_hint(&place, &found, &format!("one of {}", known.join(", ")), hint);
                continue;
            };
            let place = self.place_of(field.key);
            match field.kind {
                Kind::Sections(_) if value.get_ref().is_array() => self.check_list(field.key, report),
                kind => {
                    if let Err(expected) = kind.check(value.get_ref()) {
                        report.wrong(&place, &expected);
                    }
                }
            }
            for section in self.sections(field.key) {
                section.check(report);
            }
        }
        for field in self.shape.fields.iter().filter(|field| field.required) {
            if self.value(field.key).is_none() && !meant.contains(&field.key) {
                let place = Place { path: self.path(field.key), span: self.place.span.clone() };
                let expected = match field.kind {
                    Kind::Section(_) => format!("a section `[{}]`", place.path),
                    Kind::Sections(_) => format!("at least one section `[[{}]]`", place.path),
                    kind => format!("`{} =` {}", field.key, kind.expected()),
                };
                report.missing(&place, field.key, &expected);
            }
        }
    }

    fn check_list(&self, key: &'static str, report: &mut Report<'_>) {
        let list = self.value(key).and_then(|value| value.get_ref().as_array());
        for (number, item) in list.into_iter().flat_map(|list| list.iter().enumerate()) {
            if !item.get_ref().is_table() {
                let place = Place { path: format!("{}[{number}]", self.path(key)), span: item.span() };
                report.wrong(&place, "a section: keys and values in braces");
            }
        }
    }

    fn path(&self, key: &str) -> String {
        if self.place.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.place.path) }
    }

    fn value(&self, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        debug_assert!(self.shape.field(key).is_some(), "`{key}` is in the table of keys");
        self.table.get(key)
    }

    fn get(&self, key: &str) -> Option<&'t DeValue<'t>> {
        self.value(key).map(Spanned::get_ref)
    }

    /// Whether the key is there.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// Where a key's value stands, or where its section begins.
    pub(crate) fn place_of(&self, key: &str) -> Place {
        let span = self.value(key).map_or_else(|| self.place.span.clone(), Spanned::span);
        Place { path: self.path(key), span }
    }

    /// The sections under a key: one, or a list.
    pub(crate) fn sections(&self, key: &str) -> Vec<Self> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(shape) = self.shape.field(key).and_then(|field| match field.kind {
            Kind::Section(shape) | Kind::Sections(shape) => Some(shape),
            _ => None,
        }) else {
            return Vec::new();
        };
        let section = |path: String, value: &'t Spanned<DeValue<'t>>| {
            let table = value.get_ref().as_table()?;
            Some(Self { table, shape, place: Place { path, span: value.span() } })
        };
        match value.get_ref().as_array() {
            Some(list) => list
                .iter()
                .enumerate()
                .filter_map(|(number, item)| section(format!("{}[{number}]", self.path(key)), item))
                .collect(),
            None => section(self.path(key), value).into_iter().collect(),
        }
    }

    /// The section under a key.
    pub(crate) fn section(&self, key: &str) -> Option<Self> {
        self.sections(key).into_iter().next()
    }

    pub(crate) fn text(&self, key: &str) -> Option<&'t str> {
        self.get(key)?.as_str().map(str::trim).filter(|text| !text.is_empty())
    }
    pub(crate) fn names(&self, key: &str) -> Option<Pattern> {
        shape::names(self.get(key)?).ok()
    }
    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        self.get(key)?.as_bool()
    }
    pub(crate) fn kilowatts(&self, key: &str) -> Option<Power> {
        shape::power(self.get(key)?, 1_000)
    }
    pub(crate) fn kilowatts_list(&self, key: &str) -> Option<Vec<Power>> {
        shape::powers(self.get(key)?)
    }
    pub(crate) fn celsius(&self, key: &str) -> Option<Temperature> {
        shape::celsius(self.get(key)?)
    }
    pub(crate) fn watts(&self, key: &str) -> Option<Power> {
        shape::power(self.get(key)?, 1)
    }
    pub(crate) fn hash_rate(&self, key: &str) -> Option<HashRate> {
        use rust_decimal::prelude::ToPrimitive as _;
        HashRate::from_terahashes_f64(shape::number(self.get(key)?)?.to_f64()?)
    }
    pub(crate) fn amount(&self, key: &str) -> Option<Decimal> {
        shape::number(self.get(key)?)
    }
    /// A whole number within the key's bounds.
    pub(crate) fn count(&self, key: &str) -> Option<u32> {
        let number = shape::count(self.get(key)?)?;
        match self.shape.field(key)?.kind {
            Kind::Count(least, most) => (least..=most).contains(&number).then_some(number),
            _ => Some(number),
        }
    }
    pub(crate) fn slots(&self, key: &str) -> Option<Vec<String>> {
        shape::slots(self.get(key)?).ok()
    }
    pub(crate) fn distribution(&self, key: &str) -> Option<Distribution> {
        shape::seconds(self.get(key)?).map(|(p5_ms, p95_ms)| Distribution { p5_ms, p95_ms })
    }
    pub(crate) fn instant(&self, key: &str) -> Option<Timestamp> {
        civil::instant(self.get(key)?)
    }
    pub(crate) fn date(&self, key: &str) -> Option<Date> {
        civil::date(self.get(key)?)
    }
    /// Every date of a list with its place.
    pub(crate) fn dates(&self, key: &str) -> Vec<(Date, Place)> {
        let list = self.get(key).and_then(DeValue::as_array);
        let path = self.path(key);
        let dated = |item: &Spanned<DeValue<'_>>| {
            Some((civil::date(item.get_ref())?, Place { path: path.clone(), span: item.span() }))
        };
        list.map(|list| list.iter().filter_map(dated).collect()).unwrap_or_default()
    }
    pub(crate) fn time(&self, key: &str) -> Option<Time> {
        civil::time(self.get(key)?)
    }
    pub(crate) fn days(&self, key: &str) -> Option<Vec<Weekday>> {
        civil::days(self.get(key)?)
    }
}
