//! Countries and other places that shares are reported for.
//!
//! For: one code for the many spellings (`KZ`, `KAZ`, `Kazakhstan`, `Iran, Islamic Rep.`).
//! Not for: where a country lies on a map.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use super::table::Table;

/// A country's three-letter code of ISO 3166-1 (and XKX for Kosovo).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CountryCode([u8; 3]);

/// A text that is no country of the table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no country known here: expected a code (KZ, KAZ) or an English name")]
pub struct CountryError(pub String);

struct Entry {
    code: CountryCode,
    code2: String,
    name: String,
}

static TABLE: LazyLock<(Vec<Entry>, BTreeMap<String, usize>)> = LazyLock::new(|| {
    const EMBEDDED: &str = "the embedded table of countries is well formed: a test reads every row";
    let table = Table::read(include_str!("../../data/world/countries/names.csv")).expect(EMBEDDED);
    let mut entries = Vec::new();
    let mut index = BTreeMap::new();
    for row in table.rows() {
        let code = <[u8; 3]>::try_from(row.text(0).as_bytes()).expect(EMBEDDED);
        let also = row.text(3).split(';').filter(|name| !name.is_empty());
        for name in [row.text(0), row.text(1), row.text(2)].into_iter().chain(also) {
            index.insert(name.to_lowercase(), entries.len());
        }
        entries.push(Entry {
            code: CountryCode(code),
            code2: row.text(1).to_owned(),
            name: row.text(2).to_owned(),
        });
    }
    (entries, index)
});

/// All countries known here, by code.
pub fn countries() -> impl Iterator<Item = CountryCode> {
    TABLE.0.iter().map(|entry| entry.code)
}

impl CountryCode {
    /// China.
    pub const CHINA: Self = Self(*b"CHN");
    /// Kazakhstan.
    pub const KAZAKHSTAN: Self = Self(*b"KAZ");
    /// Russia.
    pub const RUSSIA: Self = Self(*b"RUS");

    /// Three letters, such as `KAZ`.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("made of ASCII letters only")
    }
    /// Two letters, such as `KZ`.
    #[must_use]
    pub fn code2(&self) -> &'static str {
        self.entry().map_or("", |entry| &entry.code2)
    }
    /// Its English name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.entry().map_or("", |entry| &entry.name)
    }
    fn entry(&self) -> Option<&'static Entry> {
        TABLE.1.get(&self.code().to_lowercase()).map(|&at| &TABLE.0[at])
    }
}

impl fmt::Debug for CountryCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

impl FromStr for CountryCode {
    type Err = CountryError;
    /// A code of two or three letters or a name; case does not matter.
    fn from_str(text: &str) -> Result<Self, CountryError> {
        let key = text.trim().to_lowercase();
        TABLE.1.get(&key).map(|&at| TABLE.0[at].code).ok_or_else(|| CountryError(text.to_owned()))
    }
}

/// What a share is reported for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// A country.
    Country(CountryCode),
    /// A province or another region, by its reported name.
    Named(String),
    /// What the source itself calls other.
    Other,
    /// What the source does not report: 100 % less all that it does.
    Remainder,
    /// No place: machines that were switched off, or new ones.
    Nowhere,
}

impl Place {
    /// The place that a table means by a name. A trailing `*` is a source's mark and no part of it.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        let name = name.trim().trim_end_matches('*').trim_end();
        if name.eq_ignore_ascii_case("other") || name.eq_ignore_ascii_case("others") {
            return Self::Other;
        }
        name.parse().map_or_else(|_| Self::Named(name.to_owned()), Self::Country)
    }
    /// Its code where it is a country, else its name.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Country(code) => code.code(),
            Self::Named(name) => name,
            Self::Other => "other",
            Self::Remainder => "not reported",
            Self::Nowhere => "switched off or new",
        }
    }
    /// Its English name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Country(code) => code.name(),
            _ => self.key(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_has_both_codes_and_a_name_that_reads_back() {
        assert!(countries().count() > 200);
        for country in countries() {
            assert_eq!(country.code2().len(), 2, "{country}");
            assert_eq!(country.name().parse(), Ok(country));
            assert_eq!(country.code2().parse(), Ok(country));
            assert_eq!(country.code().to_lowercase().parse(), Ok(country));
        }
        assert_eq!(CountryCode::KAZAKHSTAN.name(), "Kazakhstan");
        assert_eq!(CountryCode::RUSSIA.code2(), "RU");
        assert!("Ekibastuz".parse::<CountryCode>().is_err());
    }

    #[test]
    fn cambridges_spellings_are_countries() {
        for (name, code) in [
            ("Mainland China", "CHN"),
            ("Russian Federation", "RUS"),
            ("Iran, Islamic Rep.", "IRN"),
            ("Germany *", "DEU"),
            ("United States", "USA"),
        ] {
            assert_eq!(Place::from_name(name).key(), code);
        }
        assert_eq!(Place::from_name("Other"), Place::Other);
        assert_eq!(Place::from_name("Nei Mongol"), Place::Named("Nei Mongol".to_owned()));
    }
}
