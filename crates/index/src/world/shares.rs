//! Shares of hash rate by place and period, as competing series.
//!
//! For: keeping what each source reports apart, with its sample, error and licence; ranks; a province's
//! share of the world.
//! Not for: a merged estimate. A place that a source does not report is missing, not zero; a reported
//! zero stays a reported zero.

use std::collections::{BTreeMap, BTreeSet};

use crate::electricity::Assumption;

use super::assumption::{given_number, given_text};
use super::country::{CountryCode, Place};
use super::month::Period;
use super::shares_csv::{SeriesHeader, embedded};

/// What a series' 100 % is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    /// The hash rate of the world.
    World,
    /// The hash rate of one country.
    Country(CountryCode),
}

/// How much of the network a source sees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Least share of the network, in percent.
    pub low_percent: f64,
    /// Largest share of the network, in percent.
    pub high_percent: f64,
}

/// One reported share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Percent of the series' whole.
    pub percent: f64,
    /// Whether the source marks it as doubtful (Cambridge's `*`: likely a VPN's end, not a mine).
    pub marked: bool,
}

/// What one source reports.
#[derive(Clone, Debug, PartialEq)]
pub struct ShareSeries {
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
    /// What is known of its error, in words; no source gives an interval.
    pub error: String,
    /// What its 100 % is.
    pub whole: Whole,
    /// By period and place.
    pub points: BTreeMap<Period, BTreeMap<Place, Point>>,
}

/// A place in the order of shares.
#[derive(Clone, Debug, PartialEq)]
pub struct Rank {
    /// From 1; equal shares have equal ranks.
    pub rank: usize,
    /// The place: a country or province.
    pub place: Place,
    /// Its percent.
    pub percent: f64,
}

impl ShareSeries {
    /// An empty series under a header.
    #[must_use]
    pub fn new(header: SeriesHeader) -> Self {
        let SeriesHeader { key, title, source, url, licence, sample, error, whole } = header;
        Self { key, title, source, url, licence, sample, error, whole, points: BTreeMap::new() }
    }
    /// What is reported for a place; `None` when nothing is.
    #[must_use]
    pub fn point(&self, period: Period, place: &Place) -> Option<Point> {
        self.points.get(&period)?.get(place).copied()
    }
    /// Percent reported for a place; `None` when nothing is.
    #[must_use]
    pub fn percent(&self, period: Period, place: &Place) -> Option<f64> {
        self.point(period, place).map(|point| point.percent)
    }
    /// All places ever reported.
    #[must_use]
    pub fn places(&self) -> BTreeSet<&Place> {
        self.points.values().flat_map(BTreeMap::keys).collect()
    }
    /// 100 % less all that is reported for a period: zero up to rounding for a full table.
    #[must_use]
    pub fn remainder_percent(&self, period: Period) -> Option<f64> {
        let places = self.points.get(&period)?;
        Some(100.0 - places.values().map(|point| point.percent).sum::<f64>())
    }
    /// Countries or provinces by share, the largest first. What the source calls other has no rank, and
    /// neither has a reported zero.
    #[must_use]
    pub fn ranks(&self, period: Period) -> Vec<Rank> {
        let Some(places) = self.points.get(&period) else { return Vec::new() };
        let mut ranks: Vec<Rank> = places
            .iter()
            .filter(|(place, point)| **place != Place::Other && point.percent > 0.0)
            .map(|(place, point)| Rank { rank: 0, place: place.clone(), percent: point.percent })
            .collect();
        ranks.sort_by(|a, b| b.percent.total_cmp(&a.percent));
        for at in 0..ranks.len() {
            let tied = at > 0 && ranks[at].percent == ranks[at - 1].percent;
            ranks[at].rank = if tied { ranks[at - 1].rank } else { at + 1 };
        }
        ranks
    }
    /// A place's percent and rank in every period that reports it.
    #[must_use]
    pub fn history(&self, place: &Place) -> Vec<(Period, f64, Option<usize>)> {
        let periods = self.points.iter().filter_map(|(period, places)| Some((*period, places.get(place)?)));
        let rank = |period| self.ranks(period).into_iter().find(|rank| rank.place == *place);
        periods.map(|(period, point)| (period, point.percent, rank(period).map(|rank| rank.rank))).collect()
    }
    /// What the series rests on.
    #[must_use]
    pub fn assumptions(&self) -> Vec<Assumption> {
        let from = format!("{} ({})", self.source, self.url);
        let mut list = vec![
            given_text("share_series", self.key.clone(), from),
            given_text("share_licence", self.licence.clone(), self.source.clone()),
            given_text("share_error", self.error.clone(), self.source.clone()),
        ];
        if let Some(sample) = self.sample {
            let source = &self.source;
            list.push(given_number("share_sample_low", sample.low_percent, "%", source.clone()));
            list.push(given_number("share_sample_high", sample.high_percent, "%", source.clone()));
        }
        list
    }
}

/// The widely quoted figures that are embedded, a series each.
#[must_use]
pub fn embedded_shares() -> Vec<ShareSeries> {
    embedded()
}

/// A province's percent of the world: its percent of the country times the country's of the world.
///
/// `None` when either is missing for this period, or when `parts` is no series of a country.
#[must_use]
pub fn share_within(world: &ShareSeries, parts: &ShareSeries, period: Period, place: &Place) -> Option<f64> {
    let Whole::Country(country) = parts.whole else { return None };
    let of_world = world.percent(period, &Place::Country(country))?;
    Some(of_world * parts.percent(period, place)? / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn country(code: &str) -> Place {
        Place::from_name(code)
    }

    #[test]
    fn a_reported_zero_stands_and_a_missing_country_is_missing() {
        let series = embedded_shares();
        let cambridge = series.iter().find(|series| series.key == "cambridge").unwrap();
        let august = "2021-08".parse().unwrap();
        assert_eq!(cambridge.percent(august, &country("CHN")), Some(0.0));
        assert_eq!(cambridge.percent(august, &country("IRN")), None);
        assert_eq!(cambridge.percent("2021-09".parse().unwrap(), &country("CHN")), None);
        assert!((cambridge.remainder_percent(august).unwrap() - 25.7).abs() < 1e-9);
        assert_eq!(cambridge.sample, Some(Sample { low_percent: 37.0, high_percent: 44.0 }));
        assert!(series.iter().all(|series| !series.error.is_empty() && !series.licence.is_empty()));
    }

    #[test]
    fn kazakhstan_was_second_in_august_2021() {
        let series = embedded_shares();
        let ranks = series[0].ranks("2021-08".parse().unwrap());
        let order: Vec<_> = ranks.iter().map(|rank| (rank.rank, rank.place.key())).collect();
        assert_eq!(order, [(1, "USA"), (2, "KAZ"), (3, "RUS"), (4, "CAN")]);
        let history = series[0].history(&country("KZ"));
        let ranks: Vec<_> = history.iter().map(|(_, percent, rank)| (*percent, *rank)).collect();
        assert_eq!(ranks, [(8.2, Some(3)), (18.1, Some(2)), (13.2, Some(3))]);
        assert_eq!(series[0].history(&country("CN"))[1].2, None, "a reported zero has no rank");
    }
}
