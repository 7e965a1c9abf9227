//! Who gained what others lost between two periods.
//!
//! For: the plain differences in percentage points, and a stated rule that turns them into flows.
//! Not for: proof that a machine moved. Shares say nothing of where a gain came from: the network may
//! have shrunk, and machines may be new. The rule is a picture, not a measurement.
//!
//! Rule: only places that the series reports in both periods are compared; all else is one remainder,
//! so that both sides are 100 %. Losses L and gains G then have the same total T, and the flow from a
//! loser to a gainer is `L x G / T`: each gainer takes from every loser in proportion to its loss.

use std::collections::{BTreeMap, BTreeSet};

use crate::electricity::Assumption;

use super::assumption::given_text;
use super::country::Place;
use super::month::Period;
use super::shares::ShareSeries;
use super::table::csv_line;

/// A place's share in both periods.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The place, or the remainder.
    pub place: Place,
    /// Percent in the first period.
    pub before: f64,
    /// Percent in the second period.
    pub after: f64,
}

impl Change {
    /// Percentage points gained (positive) or lost.
    #[must_use]
    pub fn points(&self) -> f64 {
        self.after - self.before
    }
}

/// What the rule takes from one place to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    /// Who lost.
    pub from: Place,
    /// Who gained.
    pub to: Place,
    /// Percentage points, or the unit of the whole; above zero.
    pub amount: f64,
}

/// Differences and flows between two periods of one series.
#[derive(Clone, Debug, PartialEq)]
pub struct Flows {
    /// The first period.
    pub before: Period,
    /// The second period.
    pub after: Period,
    /// Each place, in order of place; the remainder last. They sum to zero.
    pub changes: Vec<Change>,
    /// The allocation by the rule, in order of loser and gainer.
    pub flows: Vec<Flow>,
    /// Places reported in one of the periods only, and so part of the remainder.
    pub folded: BTreeSet<Place>,
    /// What the series rests on.
    pub assumptions: Vec<Assumption>,
}

/// Why there are no flows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlowsError {
    /// A period that the series does not report.
    #[error("series `{series}` reports nothing for {period}")]
    Missing {
        /// The series' key.
        series: String,
        /// The period.
        period: Period,
    },
}

/// Compares two periods of a series.
///
/// # Errors
/// [`FlowsError::Missing`] when the series has no figures for one of them.
pub fn flows(series: &ShareSeries, before: Period, after: Period) -> Result<Flows, FlowsError> {
    let report = |period| {
        let missing = || FlowsError::Missing { series: series.key.clone(), period };
        series.points.get(&period).ok_or_else(missing)
    };
    let (old, new) = (report(before)?, report(after)?);
    let mut changes = Vec::new();
    for (place, point) in old {
        if let Some(later) = new.get(place) {
            changes.push(Change { place: place.clone(), before: point.percent, after: later.percent });
        }
    }
    let rest = |of: fn(&Change) -> f64| 100.0 - changes.iter().map(of).sum::<f64>();
    let (rest_before, rest_after) = (rest(|c| c.before), rest(|c| c.after));
    changes.push(Change { place: Place::Remainder, before: rest_before, after: rest_after });
    let both: BTreeSet<&Place> = changes.iter().map(|change| &change.place).collect();
    let folded = old.keys().chain(new.keys()).filter(|place| !both.contains(place)).cloned().collect();
    let mut assumptions = series.assumptions();
    assumptions.push(given_text(
        "flow_rule",
        "proportional: loss x gain / sum of gains",
        "a stated rule, not an observation",
    ));
    let points: Vec<_> = changes.iter().map(|change| (change.place.clone(), change.points())).collect();
    let flows = allocate(&points);
    Ok(Flows { before, after, changes, flows, folded, assumptions })
}

/// Percentage points below which a change is the rounding of floats, not of the source.
const DUST: f64 = 1e-10;

/// The rule: changes by place that sum to zero become flows from losers to gainers.
fn allocate(changes: &[(Place, f64)]) -> Vec<Flow> {
    let gainers = || changes.iter().filter(|(_, change)| *change > DUST);
    let gained: f64 = gainers().map(|(_, change)| change).sum();
    let mut flows = Vec::new();
    for (loser, loss) in changes.iter().filter(|(_, change)| *change < -DUST) {
        for (gainer, gain) in gainers() {
            flows.push(Flow { from: loser.clone(), to: gainer.clone(), amount: -loss * gain / gained });
        }
    }
    flows
}

impl Flows {
    /// Change of each place in a unit of the whole (GW, EH/s), when the whole was `before` and `after`:
    /// here losses and gains need not balance, because the network itself grew or shrank.
    #[must_use]
    pub fn absolute(&self, before: f64, after: f64) -> BTreeMap<Place, f64> {
        let change = |c: &Change| (c.after * after - c.before * before) / 100.0;
        self.changes.iter().map(|c| (c.place.clone(), change(c))).collect()
    }
    /// The same rule in that unit. What losers lost beyond what gainers gained was switched off; gains
    /// beyond the losses are new machines: both are flows with [`Place::Nowhere`].
    #[must_use]
    pub fn absolute_flows(&self, before: f64, after: f64) -> Vec<Flow> {
        let mut changes: Vec<(Place, f64)> = self.absolute(before, after).into_iter().collect();
        changes.push((Place::Nowhere, before - after));
        allocate(&changes)
    }
    /// CSV of the flows in percentage points: `from,to,points`.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut text = csv_line(["from", "to", "points"]);
        for flow in &self.flows {
            text.push_str(&csv_line([flow.from.key(), flow.to.key(), &flow.amount.to_string()]));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::embedded_shares;

    #[test]
    fn the_migration_of_2021() {
        let cambridge = &embedded_shares()[0];
        let flows = flows(cambridge, "2021-04".parse().unwrap(), "2021-08".parse().unwrap()).unwrap();
        let points: Vec<_> =
            flows.changes.iter().map(|c| (c.place.key(), (c.points() * 10.0).round())).collect();
        let expected =
            [("CHN", -460.0), ("KAZ", 99.0), ("RUS", 44.0), ("USA", 186.0), ("not reported", 131.0)];
        assert_eq!(points, expected);
        assert_eq!(flows.folded.iter().map(Place::key).collect::<Vec<_>>(), ["CAN"]);
        let to_kazakhstan = flows.flows.iter().find(|flow| flow.to.key() == "KAZ").unwrap();
        assert!((to_kazakhstan.amount - 9.9).abs() < 1e-9);
        // The network fell from 16 to 8 GW (round figures): China lost more than all others gained.
        let gw = flows.absolute(16.0, 8.0);
        assert!((gw[&Place::from_name("CN")] + 7.36).abs() < 1e-9);
        assert!((gw.values().sum::<f64>() + 8.0).abs() < 1e-9);
        let off: f64 =
            flows.absolute_flows(16.0, 8.0).iter().filter(|f| f.to == Place::Nowhere).map(|f| f.amount).sum();
        assert!((off - 8.0).abs() < 1e-9);
        // A network that grew by more than anybody lost: the rest is new.
        let new: f64 = flows
            .absolute_flows(8.0, 16.0)
            .iter()
            .filter(|f| f.from == Place::Nowhere)
            .map(|f| f.amount)
            .sum();
        assert!((new - 8.0).abs() < 1e-9);
    }

    #[test]
    fn a_missing_month_is_an_error() {
        let error = flows(&embedded_shares()[0], "2021-04".parse().unwrap(), "2021-05".parse().unwrap());
        assert_eq!(error.unwrap_err().to_string(), "series `cambridge` reports nothing for 2021-05");
    }
}
