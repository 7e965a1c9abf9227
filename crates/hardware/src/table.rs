//! Reading a table of machines.

use jiff::civil::{Date, date};

/// How heat leaves a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cooling {
    /// Fans.
    Air,
    /// Cold plates with water.
    Hydro,
    /// A bath of oil or of a dielectric fluid.
    Immersion,
}

impl Cooling {
    /// The name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Air => "air",
            Self::Hydro => "hydro",
            Self::Immersion => "immersion",
        }
    }
    fn from_name(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "air" | "fan" | "passive" => Some(Self::Air),
            "hydro" | "water" | "liquid" => Some(Self::Hydro),
            "immersion" | "oil" => Some(Self::Immersion),
            _ => None,
        }
    }
}

/// A machine as its maker sold it.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Its name, with or without the maker's.
    pub name: String,
    /// Who made it.
    pub maker: String,
    /// First day it was sold, as the table has it.
    pub release: Date,
    /// Terahashes a second, as listed.
    pub hash_rate_ths: f64,
    /// Watts at the wall, as listed.
    pub power_w: f64,
    /// Joules per terahash where the table lists them apart from power and hash rate.
    pub listed_j_per_th: Option<f64>,
    /// Kilograms, where known.
    pub weight_kg: Option<f64>,
    /// How it is cooled, where known.
    pub cooling: Option<Cooling>,
    /// Whether Cambridge's index counts it: the table's column, or else the rule of
    /// [`counts_for_cambridge`].
    pub counts_for_cambridge: bool,
    /// Where the row's figures stand, where the table says so.
    pub source: Option<String>,
}

impl Model {
    /// Watts over terahashes a second.
    #[must_use]
    pub fn power_over_rate_j_per_th(&self) -> f64 {
        self.power_w / self.hash_rate_ths
    }
    /// Joules per terahash: power over hash rate where the listed efficiency agrees within 0.3 %
    /// (the list rounds), else as listed.
    #[must_use]
    pub fn efficiency_j_per_th(&self) -> f64 {
        let computed = self.power_over_rate_j_per_th();
        match self.listed_j_per_th {
            Some(listed) if (computed / listed - 1.0).abs() > 0.003 => listed,
            _ => computed,
        }
    }
}

/// Cambridge's rule from revision 1.4 on: everything released before July 2014, then only Bitmain,
/// MicroBT and Canaan (which sells as Avalon).
#[must_use]
pub fn counts_for_cambridge(maker: &str, release: Date) -> bool {
    const MAKERS: [&str; 4] = ["bitmain", "microbt", "canaan", "avalon"];
    release < date(2014, 7, 1) || MAKERS.contains(&maker.trim().to_ascii_lowercase().as_str())
}

/// What is wrong with a table of machines.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HardwareError {
    /// A needed column is not in the header.
    #[error("no column `{0}` in the header of the hardware table")]
    Column(&'static str),
    /// A line that is not CSV.
    #[error("line {line} of the hardware table: {reason}")]
    Line {
        /// Counted from 1, the header included.
        line: u64,
        /// What the CSV reader says.
        reason: String,
    },
    /// A field that cannot be read.
    #[error("line {line} of the hardware table: `{value}` is no {expected}")]
    Field {
        /// Counted from 1, the header included.
        line: u64,
        /// What stands there.
        value: String,
        /// What was expected.
        expected: &'static str,
    },
    /// More rows than any list of machines has.
    #[error("the hardware table has more than {0} rows")]
    TooLong(usize),
}

/// More models than were ever sold.
const ROWS_MAX: usize = 10_000;

/// Where each column stands.
struct Columns {
    name: usize,
    maker: usize,
    release: usize,
    hash_rate: usize,
    power: usize,
    listed: Option<usize>,
    weight: Option<usize>,
    cooling: Option<usize>,
    counts: Option<usize>,
    source: Option<usize>,
}

impl Columns {
    fn of(header: &csv::StringRecord) -> Result<Self, HardwareError> {
        let find = |names: &[&str]| {
            header.iter().position(|cell| names.iter().any(|name| cell.trim().eq_ignore_ascii_case(name)))
        };
        let need = |names: &[&'static str]| find(names).ok_or(HardwareError::Column(names[0]));
        Ok(Self {
            name: need(&["name", "model"])?,
            maker: need(&["maker", "manufacturer"])?,
            release: need(&["release_date", "release"])?,
            hash_rate: need(&["hash_rate_ths", "hashrate_ths"])?,
            power: need(&["power_w"])?,
            listed: find(&["efficiency_j_per_th", "listed_j_per_th"]),
            weight: find(&["weight_kg"]),
            cooling: find(&["cooling", "cooling_guess"]),
            counts: find(&["counts_for_cambridge", "is_big3_or_pre2014_07"]),
            source: find(&["source"]),
        })
    }
}

/// Reads a table of machines: CSV with a header, columns by name in any order, `#` lines skipped.
///
/// Needed: `name`, `maker`, `release` or `release_date` (`YYYY-MM-DD` or `YYYY-MM`), `hash_rate_ths`
/// or `hashrate_ths`, `power_w`. Used where present: `efficiency_j_per_th`, `weight_kg`, `cooling` or
/// `cooling_guess`, `source`, `counts_for_cambridge` or `is_big3_or_pre2014_07` (`1` or `0`). Others are ignored.
///
/// # Errors
/// The first line that cannot be read, with its number.
pub fn parse_catalogue_csv(text: &str) -> Result<Vec<Model>, HardwareError> {
    let mut reader = csv::ReaderBuilder::new()
        .comment(Some(b'#'))
        .trim(csv::Trim::All)
        .flexible(true)
        .from_reader(text.as_bytes());
    let columns = Columns::of(reader.headers().map_err(|error| not_csv(&error))?)?;
    let mut models = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| not_csv(&error))?;
        if models.len() == ROWS_MAX {
            return Err(HardwareError::TooLong(ROWS_MAX));
        }
        models.push(model(&record, &columns)?);
    }
    Ok(models)
}

fn not_csv(error: &csv::Error) -> HardwareError {
    let line = error.position().map_or(0, csv::Position::line);
    HardwareError::Line { line, reason: error.to_string() }
}

fn model(record: &csv::StringRecord, columns: &Columns) -> Result<Model, HardwareError> {
    let line = record.position().map_or(0, csv::Position::line);
    let cell = |column: usize| record.get(column).unwrap_or("");
    let optional = |column: Option<usize>| column.map(cell).filter(|text| !text.is_empty());
    let wrong = |value: &str, expected| HardwareError::Field { line, value: value.to_owned(), expected };
    let positive = |text: &str, expected| {
        let value = text.parse::<f64>().ok().filter(|value| (1e-9..1e9).contains(value));
        value.ok_or_else(|| wrong(text, expected))
    };
    let name = Some(cell(columns.name)).filter(|name| !name.is_empty());
    let maker = cell(columns.maker);
    let release = release(cell(columns.release))
        .ok_or_else(|| wrong(cell(columns.release), "release date such as 2020-05-01"))?;
    let counts = match optional(columns.counts) {
        None => counts_for_cambridge(maker, release),
        Some("1" | "true") => true,
        Some("0" | "false") => false,
        Some(other) => return Err(wrong(other, "flag: 1 or 0")),
    };
    let cooling = optional(columns.cooling)
        .map(|text| Cooling::from_name(text).ok_or_else(|| wrong(text, "cooling: air, hydro or immersion")))
        .transpose()?;
    Ok(Model {
        name: name.ok_or_else(|| wrong("", "name"))?.to_owned(),
        maker: maker.to_owned(),
        release,
        hash_rate_ths: positive(cell(columns.hash_rate), "hash rate in TH/s above zero")?,
        power_w: positive(cell(columns.power), "power in W above zero")?,
        listed_j_per_th: optional(columns.listed)
            .map(|text| positive(text, "efficiency in J/TH above zero"))
            .transpose()?,
        weight_kg: optional(columns.weight)
            .map(|text| positive(text, "weight in kg above zero"))
            .transpose()?,
        cooling,
        counts_for_cambridge: counts,
        source: optional(columns.source).map(str::to_owned),
    })
}

/// A release date; a month alone is its first day. Years outside 2000 to 2200 are typing errors.
fn release(text: &str) -> Option<Date> {
    let day = text.parse::<Date>().or_else(|_| format!("{text}-01").parse::<Date>()).ok()?;
    (2000..2200).contains(&day.year()).then_some(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &str = "name,maker,cooling_guess,release_date,unix,hashrate_ths,power_w,efficiency_j_per_th,weight_kg,is_big3_or_pre2014_07
Early board,Early,air,2011-08-01,1312156800,0.0004,17,43000.0,,1
Late box,Other,air,2018-01-01,1514764800,9,1300,144.4,4.7,0
";
    const OWN: &str = "name,maker,release,hash_rate_ths,power_w,weight_kg,cooling,source
\"M63, S\",MicroBT,2023-11,390,7215,,hydro,\"datasheet, 2023\"
Late box,Other,2018-01-01,9,1300,4.7,,forum
Old box,Other,2014-06-30,0.1,100,,air,forum
";

    #[test]
    fn both_headers_are_read_by_name() {
        let long = parse_catalogue_csv(LONG).unwrap();
        assert_eq!((long.len(), long[0].listed_j_per_th, long[1].weight_kg), (2, Some(43_000.0), Some(4.7)));
        assert!(long[0].counts_for_cambridge && !long[1].counts_for_cambridge);
        let own = parse_catalogue_csv(OWN).unwrap();
        assert_eq!((own[0].name.as_str(), own[0].release), ("M63, S", date(2023, 11, 1)));
        assert_eq!((own[0].cooling, own[1].cooling), (Some(Cooling::Hydro), None));
        let counts: Vec<_> = own.iter().map(|model| model.counts_for_cambridge).collect();
        assert_eq!(counts, [true, false, true], "a big maker; another, late; another, before July 2014");
    }

    #[test]
    fn a_listed_efficiency_holds_only_where_it_disagrees() {
        let models = parse_catalogue_csv(LONG).unwrap();
        assert_eq!(models[0].efficiency_j_per_th(), 43_000.0, "42,500 computed: 1.2 % off");
        assert_eq!(models[1].efficiency_j_per_th(), 1300.0 / 9.0, "144.4 is rounded");
    }

    #[test]
    fn a_wrong_field_names_its_line() {
        let text = OWN.replace(",9,1300,", ",nine,1300,");
        let expected =
            HardwareError::Field { line: 3, value: "nine".into(), expected: "hash rate in TH/s above zero" };
        assert_eq!(parse_catalogue_csv(&text).unwrap_err(), expected);
        assert_eq!(parse_catalogue_csv("name,maker\n").unwrap_err(), HardwareError::Column("release_date"));
        for bad in ["NaN", "inf", "-1", "0"] {
            assert!(
                parse_catalogue_csv(&OWN.replace(",9,1300,", &format!(",{bad},1300,"))).is_err(),
                "{bad}"
            );
        }
    }
}
