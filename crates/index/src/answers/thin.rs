//! A daily estimate with fewer rows, for a chart: one day in seven, or the means of months.

use crate::electricity::{Band, Row, Series};

/// How close rows stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    /// Every day.
    Day,
    /// One day in seven, counted back from the latest, which is always among them.
    Week,
    /// The mean of each calendar month, under its first day.
    Month,
}

/// A row that stands for some days.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thinned {
    /// The row; of a month its means, without what is counted on a day.
    pub row: Row,
    /// How many days it was computed from: an unfinished month has fewer.
    pub days: u32,
}

/// The rows of a series, thinned.
#[must_use]
pub fn thinned(series: &Series, every: Every) -> Vec<Thinned> {
    match every {
        Every::Day => series.rows.iter().map(|row| Thinned { row: *row, days: 1 }).collect(),
        Every::Week => {
            let mut rows: Vec<Thinned> =
                series.rows.iter().rev().step_by(7).map(|row| Thinned { row: *row, days: 1 }).collect();
            rows.reverse();
            rows
        }
        Every::Month => {
            let month = |row: &Row| (row.date.year(), row.date.month());
            series.rows.chunk_by(|a, b| month(a) == month(b)).filter_map(mean).collect()
        }
    }
}

fn mean(rows: &[Row]) -> Option<Thinned> {
    let days = u32::try_from(rows.len()).ok().filter(|days| *days > 0)?;
    let of = |band: fn(&Row) -> Band| {
        let sum = rows.iter().fold(Band::ZERO, |sum, row| sum.plus(band(row)));
        let over = |total: f64| total / f64::from(days);
        Band { lower: sum.lower.map(over), guess: over(sum.guess), upper: over(sum.upper) }
    };
    let date = rows.first()?.date.first_of_month();
    let row = Row {
        date,
        twh: of(|row| row.twh),
        gw: of(|row| row.gw),
        profitable: None,
        threshold_j_per_th: None,
    };
    Some(Thinned { row, days })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::chain::daily_network;
    use crate::electricity::Method;
    use crate::hardware::machines;

    #[test]
    fn weeks_end_on_the_latest_day_and_months_are_means() {
        let method = Method::from_name("cbeci").unwrap();
        let network = daily_network(Some(date(2021, 1, 1)), Some(date(2021, 3, 10)));
        let series = method.series(&network, &machines());
        let days = thinned(&series, Every::Day);
        assert_eq!(days.len(), series.rows.len());
        let weeks = thinned(&series, Every::Week);
        assert_eq!(weeks.last().map(|one| one.row), series.rows.last().copied());
        assert_eq!(weeks.len(), series.rows.len().div_ceil(7));
        let months = thinned(&series, Every::Month);
        let counted: Vec<_> = months.iter().map(|one| (one.row.date, one.days)).collect();
        assert_eq!(counted, [(date(2021, 1, 1), 31), (date(2021, 2, 1), 28), (date(2021, 3, 1), 10)]);
        let march: f64 = series.rows.iter().filter(|row| row.date.month() == 3).map(|row| row.gw.guess).sum();
        assert!((months[2].row.gw.guess - march / 10.0).abs() < 1e-12);
    }
}
