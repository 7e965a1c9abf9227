//! What meters are counted up to beside the second: the energy of each budget's running period and the highest mean of
//! the billing month. It outlives a restart; see `offpeak_store`.

use jiff::Timestamp;
use offpeak_site::{CircuitIx, DemandCharge, MeterReading, Period, Site};
use offpeak_units::Power;

use crate::peak::PeakUse;
use crate::used::Used;

/// All that is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// One element a budget.
    pub budgets: Vec<Used>,
    /// The billing month's highest mean.
    pub peak: PeakUse,
    /// The most that the connection may credibly draw.
    most: Power,
    /// The demand charge of a month, from its begin to its end.
    charge: Option<(Timestamp, Timestamp, Option<DemandCharge>)>,
}

/// A month without a demand charge between others is counted in stretches of so many minutes.
const MINUTES: u8 = 15;

impl Counts {
    /// Nothing is counted yet.
    #[must_use]
    pub fn new(site: &Site) -> Self {
        Self {
            budgets: site.rules.budgets.iter().map(|budget| Used::new(site, budget)).collect(),
            peak: PeakUse::default(),
            most: site.most_draw(CircuitIx::ROOT),
            charge: None,
        }
    }

    /// Takes in the meters' newest readings.
    pub(crate) fn feed(&mut self, site: &Site, meters: &[Option<MeterReading>]) {
        let reading = |circuit| meters.get(site.circuits.get(circuit).meter?.ix()).copied().flatten();
        for (budget, used) in site.rules.budgets.iter().zip(&mut self.budgets) {
            if let Some(reading) = reading(budget.circuit) {
                used.feed(budget, &site.time_zone, &reading);
            }
        }
        if !site.economics.costs.demand_charges.is_empty()
            && let Some(reading) = reading(CircuitIx::ROOT)
        {
            let minutes = self.charge(site, reading.at).map_or(MINUTES, |charge| charge.minutes);
            self.peak.feed(&site.time_zone, minutes, &reading, self.most);
        }
    }

    fn charge(&mut self, site: &Site, at: Timestamp) -> Option<DemandCharge> {
        if let Some((_, _, charge)) = self.charge.filter(|(from, until, _)| (*from..*until).contains(&at)) {
            return charge;
        }
        let (from, until) = Period::Month.span(&site.time_zone, at);
        let charge = site.economics.demand_charge_at(&site.time_zone, at);
        self.charge = Some((from, until, charge));
        charge
    }

    /// Decides what is to be done about each budget now.
    pub(crate) fn judge(&mut self, site: &Site, now: Timestamp) {
        for (budget, used) in site.rules.budgets.iter().zip(&mut self.budgets) {
            used.judge(budget, site, now);
        }
    }
}
