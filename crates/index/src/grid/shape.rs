//! A typical shape of demand over the hours of a year, scaled to a year's energy and highest load.
//!
//! For: hours where only a year's two figures are published. A shape is relative: months, days of the
//! week and hours of the day multiply, with the months joined by straight lines from middle to middle.
//! Not for: weather, holidays or what truly happened in an hour.
//!
//! Scaling: with r the shape over its own maximum, `load = P (1 - k (1 - r))`, where the stretch
//! `k = (1 - E / (P n)) / (1 - mean r)` makes the sum of the n hours E and the maximum P. Hours are whole
//! kilowatts and their sum is E to the kilowatt-hour. A k near 1 says that the shape fits the year.

use jiff::civil::{Date, date};

use crate::world::TableError;
use crate::world::table::Table;

/// A relative shape.
#[derive(Clone, Debug, PartialEq)]
pub struct DemandShape {
    /// Its name.
    pub name: String,
    /// Where it comes from, and whether it is an estimate.
    pub source: String,
    /// January to December.
    pub months: [f64; 12],
    /// How much of the winter's day each month has, 0 to 1.
    pub winter_weights: [f64; 12],
    /// Monday to Sunday.
    pub weekdays: [f64; 7],
    /// Hours of a winter's day.
    pub winter_hours: [f64; 24],
    /// Hours of a summer's day.
    pub summer_hours: [f64; 24],
}

/// Why a shape cannot be scaled.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ShapeError {
    /// The year's mean is above its highest load.
    #[error("a mean load of {mean_mw:.0} MW is above the highest load of {peak_mw:.0} MW")]
    MeanAbovePeak {
        /// Energy over hours.
        mean_mw: f64,
        /// The highest load.
        peak_mw: f64,
    },
    /// The stretch takes some hour below zero, or the shape is flat where the year is not.
    #[error(
        "the shape cannot be stretched to a mean of {mean_mw:.0} MW and a highest load of {peak_mw:.0} MW"
    )]
    NoFit {
        /// Energy over hours.
        mean_mw: f64,
        /// The highest load.
        peak_mw: f64,
    },
    /// A factor that is not above zero.
    #[error("the shape has a factor that is not above zero")]
    Factor,
    /// A year that the calendar does not have.
    #[error("{0} is no year from 1 to 9998")]
    Year(i16),
}

/// When an hour is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HourOf {
    /// The day.
    pub date: Date,
    /// 0 is Monday.
    pub weekday: usize,
    /// 0 to 23.
    pub hour: usize,
}

impl HourOf {
    pub(super) fn month(self) -> usize {
        usize::from(self.date.month().unsigned_abs()) - 1
    }
}

/// The hours of a year in civil time without summer time.
pub(super) fn hours_of(year: i16) -> Result<Vec<HourOf>, ShapeError> {
    if !(1..=9998).contains(&year) {
        return Err(ShapeError::Year(year));
    }
    let days = date(year, 1, 1).series(jiff::Span::new().days(1)).take_while(|day| day.year() == year);
    let hours = days.flat_map(|date| {
        let weekday = usize::from(date.weekday().to_monday_zero_offset().unsigned_abs());
        (0..24).map(move |hour| HourOf { date, weekday, hour })
    });
    Ok(hours.collect())
}

impl DemandShape {
    /// Kazakhstan's, an estimate of our own drawn to agree with what is published of the real one.
    #[must_use]
    pub fn kazakhstan() -> Self {
        let text = include_str!("../../data/world/kazakhstan/shape.csv");
        let source = "an estimate of our own: no hourly load is published; agrees with two maxima a day \
                      (Ministry of Energy, 2024), the year's highest load in December (KEGOC, 2022 and 2023) \
                      and 76.9 % of the year's energy by 16 October 2022; no weather, no holidays";
        let shape = Self::from_csv(text, "Kazakhstan, typical", source);
        shape.expect("the embedded shape is well formed: a test reads it")
    }
    /// Reads `kind,index,value`: kinds `month` and `winter_weight` (1 to 12), `weekday` (1 is Monday),
    /// `winter_hour` and `summer_hour` (0 to 23), each complete.
    ///
    /// # Errors
    /// [`TableError`] with the line, or with the first kind that is not complete.
    pub fn from_csv(text: &str, name: &str, source: &str) -> Result<Self, TableError> {
        let table = Table::read(text)?;
        let [kind, index, value] = [table.need(&["kind"])?, table.need(&["index"])?, table.need(&["value"])?];
        let part = |wanted: &str, first: usize, into: &mut [f64]| {
            let mut seen = vec![false; into.len()];
            for row in table.rows().filter(|row| row.text(kind) == wanted) {
                let at: usize = row.parse(index, "an index")?;
                let slot = at.checked_sub(first).filter(|slot| *slot < into.len());
                let slot = slot.ok_or_else(|| row.error(index, "an index of that kind"))?;
                if std::mem::replace(&mut seen[slot], true) {
                    return Err(TableError::Twice { line: row.line, what: format!("{wanted} {at}") });
                }
                into[slot] = row.need_amount(value)?;
            }
            let whole = seen.iter().all(|seen| *seen);
            if whole { Ok(()) } else { Err(TableError::Column(format!("{wanted} (complete)"))) }
        };
        let mut shape = Self {
            name: name.to_owned(),
            source: source.to_owned(),
            months: [0.0; 12],
            winter_weights: [0.0; 12],
            weekdays: [0.0; 7],
            winter_hours: [0.0; 24],
            summer_hours: [0.0; 24],
        };
        part("month", 1, &mut shape.months)?;
        part("winter_weight", 1, &mut shape.winter_weights)?;
        part("weekday", 1, &mut shape.weekdays)?;
        part("winter_hour", 0, &mut shape.winter_hours)?;
        part("summer_hour", 0, &mut shape.summer_hours)?;
        Ok(shape)
    }
    /// The relative load of each hour of a year.
    ///
    /// # Errors
    /// [`ShapeError::Year`], or [`ShapeError::Factor`] where an hour is not above zero.
    pub fn relative(&self, year: i16) -> Result<Vec<f64>, ShapeError> {
        let of = |hour: &HourOf| {
            let month = between(&self.months, hour.date);
            let winter = between(&self.winter_weights, hour.date);
            let day = winter * self.winter_hours[hour.hour] + (1.0 - winter) * self.summer_hours[hour.hour];
            month * self.weekdays[hour.weekday] * day
        };
        let relative: Vec<f64> = hours_of(year)?.iter().map(of).collect();
        let good = relative.iter().all(|value| value.is_finite() && *value > 0.0);
        if good { Ok(relative) } else { Err(ShapeError::Factor) }
    }
}

/// A monthly value on a day: on a straight line between the middles of months.
fn between(months: &[f64; 12], day: Date) -> f64 {
    let position = (f64::from(day.day()) - 0.5) / f64::from(day.days_in_month()) - 0.5;
    let month = usize::from(day.month().unsigned_abs()) - 1;
    let neighbour = if position < 0.0 { (month + 11) % 12 } else { (month + 1) % 12 };
    let weight = position.abs();
    months[month] * (1.0 - weight) + months[neighbour] * weight
}

/// Whole kilowatts an hour that sum to the energy and whose maximum is the peak, and the stretch.
pub(super) fn scale(relative: &[f64], energy_kwh: i64, peak_kw: i64) -> Result<(Vec<i64>, f64), ShapeError> {
    let hours = relative.len() as f64;
    let (mean, peak) = (energy_kwh as f64 / hours, peak_kw as f64);
    let (mean_mw, peak_mw) = (mean / 1e3, peak / 1e3);
    if mean > peak {
        return Err(ShapeError::MeanAbovePeak { mean_mw, peak_mw });
    }
    let highest = relative.iter().copied().fold(0.0, f64::max);
    let depth = 1.0 - relative.iter().sum::<f64>() / hours / highest;
    let stretch = if mean == peak { 0.0 } else { (1.0 - mean / peak) / depth };
    let load = |value: &f64| peak * (1.0 - stretch * (1.0 - value / highest));
    let loads: Vec<f64> = relative.iter().map(load).collect();
    if !stretch.is_finite() || loads.iter().any(|load| *load < 0.0) {
        return Err(ShapeError::NoFit { mean_mw, peak_mw });
    }
    whole(&loads, energy_kwh, peak_kw)
        .map(|loads| (loads, stretch))
        .ok_or(ShapeError::NoFit { mean_mw, peak_mw })
}

/// Rounds to whole kilowatts with an exact sum, none above the most: rounded down, then one more for
/// those with the largest fractions. `None` when the sum is further off than that.
pub(super) fn whole(loads: &[f64], sum: i64, most: i64) -> Option<Vec<i64>> {
    let mut rounded: Vec<i64> = loads.iter().map(|load| (load.floor() as i64).clamp(0, most)).collect();
    // A load within a millionth of its peak is the peak: the floor of 16458.999... is a rounding error.
    for (load, kw) in loads.iter().zip(&mut rounded) {
        if (load - most as f64).abs() < 1e-6 {
            *kw = most;
        }
    }
    let mut order: Vec<usize> = (0..loads.len()).collect();
    order.sort_by(|a, b| loads[*b].fract().total_cmp(&loads[*a].fract()));
    let mut missing = sum - rounded.iter().sum::<i64>();
    for _ in 0..3 {
        for &at in &order {
            if missing > 0 && rounded[at] < most {
                rounded[at] += 1;
                missing -= 1;
            } else if missing < 0 && (1..most).contains(&rounded[at]) {
                rounded[at] -= 1;
                missing += 1;
            }
        }
    }
    (missing == 0).then_some(rounded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kazakhstans_shape_agrees_with_what_is_published() {
        let shape = DemandShape::kazakhstan();
        let relative = shape.relative(2022).unwrap();
        assert_eq!(relative.len(), 8_760);
        let (kw, stretch) = scale(&relative, 114_890_000_000, 16_459_000).unwrap();
        assert_eq!(kw.iter().sum::<i64>(), 114_890_000_000);
        assert_eq!(kw.iter().max(), Some(&16_459_000));
        assert!((0.9..1.2).contains(&stretch), "{stretch}");
        // 76.9 % of the year's energy by 16 October.
        let hours = hours_of(2022).unwrap();
        let until = |kw: &i64, hour: &HourOf| if hour.date <= date(2022, 10, 16) { *kw } else { 0 };
        let part: i64 = kw.iter().zip(&hours).map(|(kw, hour)| until(kw, hour)).sum();
        let percent = part as f64 / 114.89e9 * 100.0;
        assert!((percent - 76.9).abs() < 0.6, "{percent}");
        // The highest hour is in the evening of a December workday.
        let at = kw.iter().position(|kw| *kw == 16_459_000).unwrap();
        assert!(hours[at].month() == 11 && hours[at].weekday < 5 && (17..21).contains(&hours[at].hour));
    }

    #[test]
    fn leap_years_have_their_day() {
        assert_eq!(hours_of(2024).unwrap().len(), 8_784);
        assert_eq!(hours_of(0), Err(ShapeError::Year(0)));
    }

    #[test]
    fn what_cannot_be_stretched_is_refused() {
        let relative = [1.0, 2.0, 3.0];
        assert!(matches!(scale(&relative, 400, 100), Err(ShapeError::MeanAbovePeak { .. })));
        assert!(matches!(scale(&relative, 30, 100), Err(ShapeError::NoFit { .. })));
        assert!(matches!(scale(&[1.0, 1.0], 100, 100), Err(ShapeError::NoFit { .. })));
        assert_eq!(scale(&[1.0, 1.0], 200, 100), Ok((vec![100, 100], 0.0)));
        assert_eq!(scale(&relative, 201, 100).unwrap().0.iter().sum::<i64>(), 201);
    }
}
