//! Shares from and to CSV text.
//!
//! For: the tables as they are published (Cambridge's map and its provinces of China), the embedded
//! figures, and writing series out again. Files are the caller's.
//! Not for: judging the figures; a row that cannot be read stops the reading with its line.

use super::country::{CountryCode, Place};
use super::month::Period;
use super::shares::{Point, Sample, ShareSeries, Whole};
use super::table::{Row, Table, TableError, csv_line};

/// What a caller says of a table of shares, since the table itself does not.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesHeader {
    /// A short name for files and arguments.
    pub key: String,
    /// A name for readers.
    pub title: String,
    /// Who published it.
    pub source: String,
    /// Where.
    pub url: String,
    /// Under which licence.
    pub licence: String,
    /// How much of the network it sees, where stated.
    pub sample: Option<Sample>,
    /// What is known of its error.
    pub error: String,
    /// What its 100 % is.
    pub whole: Whole,
}

impl SeriesHeader {
    /// Cambridge's full map by country and month, given by the user.
    #[must_use]
    pub fn cambridge_map() -> Self {
        Self {
            key: "cambridge-map".to_owned(),
            title: "Cambridge mining map, full table".to_owned(),
            source: "Cambridge Centre for Alternative Finance, CBECI mining map".to_owned(),
            url: "https://ccaf.io/cbnsi/cbeci/mining_map".to_owned(),
            licence: "CC BY-NC-SA 4.0".to_owned(),
            sample: Some(Sample { low_percent: 37.0, high_percent: 44.0 }),
            error: "a sample of few pools; miners behind a VPN count where it ends".to_owned(),
            whole: Whole::World,
        }
    }
    /// Cambridge's table of China's provinces, given by the user.
    #[must_use]
    pub fn cambridge_provinces() -> Self {
        Self {
            key: "cambridge-provinces".to_owned(),
            title: "Cambridge mining map, provinces of China".to_owned(),
            whole: Whole::Country(CountryCode::CHINA),
            ..Self::cambridge_map()
        }
    }
}

/// Reads a table of shares in percent: a column for the date or period (`date`, `period`, `month`), one
/// for the place (`country`, `province`, `place`) and one for the share (`monthly_hashrate_%`,
/// `Share of Chinese hashrate`, `share_percent`, `share`, or any whose name begins with `share`). A
/// percent sign after a number is allowed, a `*` after a place marks it as doubtful.
///
/// # Errors
/// [`TableError`] with the line, for a share that is no number from 0 to 100, a date that is none, an
/// empty place, or the same place twice in a period.
pub fn parse_shares_csv(text: &str, header: SeriesHeader) -> Result<ShareSeries, TableError> {
    let table = Table::read(text)?;
    let period = table.need(&["date", "period", "month"])?;
    let place = table.need(&["country", "province", "place"])?;
    let share = share_column(&table)?;
    let mut series = ShareSeries::new(header);
    for row in table.rows() {
        insert(&mut series, row, period, place, share)?;
    }
    Ok(series)
}

fn share_column(table: &Table) -> Result<usize, TableError> {
    let named = table.find(&["share_percent", "monthly_hashrate_%"]);
    let begins = || table.header().iter().position(|cell| cell.to_ascii_lowercase().starts_with("share"));
    named.or_else(begins).ok_or_else(|| TableError::Column("share_percent".to_owned()))
}

fn insert(
    series: &mut ShareSeries,
    row: Row<'_>,
    period: usize,
    place: usize,
    share: usize,
) -> Result<(), TableError> {
    const EXPECTED: &str = "a share from 0 to 100 percent";
    let when: Period = row.parse(period, "a month such as 2021-08")?;
    let name = row.text(place);
    if name.trim_end_matches('*').trim().is_empty() {
        return Err(row.error(place, "a place"));
    }
    let number = row.text(share);
    let number = number.strip_suffix('%').unwrap_or(number).trim_end();
    let percent: f64 = number.parse().map_err(|_| row.error(share, EXPECTED))?;
    if !(0.0..=100.0).contains(&percent) {
        return Err(row.error(share, EXPECTED));
    }
    let point = Point { percent, marked: name.ends_with('*') };
    let previous = series.points.entry(when).or_default().insert(Place::from_name(name), point);
    if previous.is_some() {
        return Err(TableError::Twice { line: row.line, what: format!("{name} in {when}") });
    }
    Ok(())
}

/// CSV of several series: `series,period,place,name,share_percent,marked`.
#[must_use]
pub fn shares_csv(series: &[ShareSeries]) -> String {
    let mut text = csv_line(["series", "period", "place", "name", "share_percent", "marked"]);
    for one in series {
        for (period, places) in &one.points {
            for (place, point) in places {
                let (period, percent) = (period.to_string(), point.percent.to_string());
                let marked = if point.marked { "yes" } else { "" };
                text.push_str(&csv_line([&one.key, &period, place.key(), place.name(), &percent, marked]));
            }
        }
    }
    text
}

/// The embedded series with their figures.
pub(super) fn embedded() -> Vec<ShareSeries> {
    const EMBEDDED: &str = "the embedded shares are well formed: a test reads them";
    let heads = Table::read(include_str!("../../data/world/shares/series.csv")).expect(EMBEDDED);
    let points = Table::read(include_str!("../../data/world/shares/points.csv")).expect(EMBEDDED);
    let series = heads.rows().map(|row| {
        let mut series = ShareSeries::new(head(row).expect(EMBEDDED));
        for row in points.rows().filter(|point| point.text(0) == row.text(0)) {
            insert(&mut series, row, 1, 2, 3).expect(EMBEDDED);
        }
        series
    });
    series.collect()
}

fn head(row: Row<'_>) -> Result<SeriesHeader, TableError> {
    let text = |column: usize| row.text(column).to_owned();
    let (low, high) = (row.amount(5)?, row.amount(6)?);
    Ok(SeriesHeader {
        key: text(0),
        title: text(1),
        source: text(2),
        url: text(3),
        licence: text(4),
        sample: low.zip(high).map(|(low_percent, high_percent)| Sample { low_percent, high_percent }),
        error: text(7),
        whole: Whole::World,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = "date,country,monthly_hashrate_%,monthly_absolute_hashrate_EH/S\n\
        2020-01-01,Mainland China,60.5%,60\n2020-01-01,\"Iran, Islamic Rep.\",9.5%,9\n\
        2020-01-01,Germany *,30%,1\n2020-02-01,Mainland China,0.0%,0\n";

    #[test]
    fn the_published_columns_are_read() {
        let series = parse_shares_csv(MAP, SeriesHeader::cambridge_map()).unwrap();
        let january = "2020-01".parse().unwrap();
        assert_eq!(series.percent(january, &Place::from_name("CN")), Some(60.5));
        assert_eq!(series.percent(january, &Place::from_name("IR")), Some(9.5));
        assert!(series.point(january, &Place::from_name("DE")).unwrap().marked);
        assert_eq!(series.percent("2020-02".parse().unwrap(), &Place::from_name("CN")), Some(0.0));
        let provinces = "Date,Province,Share of Chinese hashrate\n2019-09-01,Sichuan,49.52\n";
        let provinces = parse_shares_csv(provinces, SeriesHeader::cambridge_provinces()).unwrap();
        assert_eq!(provinces.places().len(), 1);
        assert_eq!(provinces.whole, Whole::Country(CountryCode::CHINA));
    }

    #[test]
    fn what_is_written_reads_back() {
        let mut series = parse_shares_csv(MAP, SeriesHeader::cambridge_map()).unwrap();
        let again = parse_shares_csv(&shares_csv(&[series.clone()]), SeriesHeader::cambridge_map()).unwrap();
        for places in series.points.values_mut() {
            places.values_mut().for_each(|point| point.marked = false);
        }
        assert_eq!(again.points, series.points);
    }

    #[test]
    fn a_bad_row_is_named() {
        for (row, said) in [
            ("2020-01-01,China,160%", "line 2"),
            ("2020-01-01,China,-1", "share from 0 to 100"),
            ("2020-01-01,China,NaN", "share from 0 to 100"),
            ("2020-01-01,,1", "a place"),
            ("yesterday,China,1", "a month"),
            ("2020-01-01,China,1\n2020-01-01,CHN,1", "line 3: CHN in 2020-01 stands there already"),
        ] {
            let text = format!("date,country,share\n{row}\n");
            let error = parse_shares_csv(&text, SeriesHeader::cambridge_map()).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
        let none = parse_shares_csv("date,country\n", SeriesHeader::cambridge_map());
        assert_eq!(none, Err(TableError::Column("share_percent".to_owned())));
    }
}
