//! The feed: a small file in which other programs write what they know, each value with its time. Values that
//! are not there are not known.

use std::collections::BTreeMap;

use jiff::Timestamp;
use offpeak_units::{HashPrice, Power, Temperature};
use rust_decimal::Decimal;
use toml::de::DeTable;

use super::diagnostic::{Diagnostic, Report};
use super::fields;
use super::section::Section;
use crate::plant::Site;

/// The last word on a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedSignal {
    /// When it was said.
    pub at: Timestamp,
    /// The most that may be drawn; `None`: no limit for now.
    pub limit: Option<Power>,
    /// Whether it is a setpoint.
    pub holds: bool,
}

/// What a feed says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Feed {
    /// The outdoor temperature.
    pub outdoor: Option<(Temperature, Timestamp)>,
    /// What hashes earn, in the site's currency.
    pub hash_price: Option<(HashPrice, Timestamp)>,
    /// Words on the site's signals, by their place in its rules.
    pub signals: BTreeMap<usize, FeedSignal>,
}

/// Reads a feed.
///
/// ```
/// let site = offpeak_site::file::load("x", include_str!("../../../../sites/small.toml"), &|_| None).unwrap();
/// let text = "[outdoor]\nat = 2022-10-03T02:00:00Z\ncelsius = -3.5\n";
/// let feed = offpeak_site::file::feed("feed.toml", text, &site).unwrap();
/// assert_eq!(feed.outdoor.unwrap().0.to_millicelsius(), -3_500);
/// assert_eq!(feed.hash_price, None);
/// ```
///
/// # Errors
/// Every mistake; then nothing of it counts.
pub fn feed(name: &str, text: &str, site: &Site) -> Result<Feed, Vec<Diagnostic>> {
    let mut report = Report::new(name, text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        report.syntax(error);
    }
    let file = Section::root(&table, &fields::FEED);
    file.check(&mut report);
    let mut feed = Feed::default();
    if let Some(outdoor) = file.section("outdoor") {
        feed.outdoor = outdoor.celsius("celsius").zip(outdoor.instant("at"));
    }
    if let Some(entry) = file.section("hash_price") {
        feed.hash_price = hash_price(&entry, site, &mut report).zip(entry.instant("at"));
    }
    for entry in file.sections("signals") {
        signal(&entry, site, &mut feed, &mut report);
    }
    let failed = report.has_errors();
    let told = report.finish();
    if failed { Err(told) } else { Ok(feed) }
}

/// In the site's currency as given, or from dollars at the rate beside it.
fn hash_price(entry: &Section<'_>, site: &Site, report: &mut Report<'_>) -> Option<HashPrice> {
    let currency = site.economics.currency;
    let usd = entry.amount("usd_per_th_day")?;
    let rate = match entry.amount("per_usd") {
        Some(rate) => rate,
        None if currency == offpeak_units::Currency::USD => Decimal::ONE,
        None => {
            let expected = format!("`per_usd` beside it: what a dollar costs in {currency}");
            report.wrong(&entry.place_of("usd_per_th_day"), &expected);
            return None;
        }
    };
    Some(HashPrice::per_terahash_day(usd.checked_mul(rate)?, currency))
}

fn signal(entry: &Section<'_>, site: &Site, feed: &mut Feed, report: &mut Report<'_>) {
    let (Some(id), Some(at)) = (entry.text("id"), entry.instant("at")) else { return };
    let Some(place) = site.rules.signals.iter().position(|signal| signal.id == id) else {
        return report.error(&entry.place_of("id"), &format!("`{id}`"), "one of the site's `[[signals]]`");
    };
    let levels = &site.rules.signals[place].levels;
    let (limit, level) = (entry.kilowatts("limit_kw"), entry.count("level"));
    let no_limit = entry.flag("no_limit") == Some(true);
    let limit = match (limit, level, no_limit) {
        (Some(limit), None, false) => Some(limit),
        (None, None, true) => None,
        (None, Some(level), false) => match levels.get(level as usize) {
            Some(limit) => Some(*limit),
            None => {
                let expected = format!("one of the {} levels of `{id}`, from 0", levels.len());
                return report.wrong(&entry.place_of("level"), &expected);
            }
        },
        _ => {
            let expected = "one of `limit_kw`, `level` and `no_limit = true`";
            return report.error(&entry.place, "none or several words", expected);
        }
    };
    let holds = entry.flag("setpoint") == Some(true);
    if feed.signals.insert(place, FeedSignal { at, limit, holds }).is_some() {
        report.error(&entry.place_of("id"), &format!("`{id}` twice"), "each signal once");
    }
}
