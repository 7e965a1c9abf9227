//! Who runs first: machines by margin per watt.

use offpeak_site::{MachineIx, ModelIx, Site};
use offpeak_units::{HashPrice, Price};
use rust_decimal::prelude::ToPrimitive as _;

/// Machines from the one that makes most of a watt to the one that makes least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranking {
    /// Best first; equals in the order of the site file.
    pub order: Vec<MachineIx>,
    /// One element a model: whether it earns more than its power costs. `None` while a price is
    /// not known: then nobody is stopped for money.
    pub earns: Vec<Option<bool>>,
}

/// Ranks the machines at these prices. Without a hash price the order is by efficiency, which is
/// the same order for any price.
#[must_use]
pub fn rank(site: &Site, power_price: Option<Price>, hash_price: Option<HashPrice>) -> Ranking {
    let terahashes_per_kilowatt: Vec<f64> = site
        .models
        .iter()
        .map(|model| {
            let mode = model.normal();
            mode.hash_rate.to_terahashes_f64() / mode.power.to_kilowatts_f64().max(f64::MIN_POSITIVE)
        })
        .collect();
    let mut models: Vec<usize> = (0..site.models.len()).collect();
    models.sort_by(|a, b| terahashes_per_kilowatt[*b].total_cmp(&terahashes_per_kilowatt[*a]).then(a.cmp(b)));
    let mut place = vec![0_usize; models.len()];
    for (position, model) in models.iter().enumerate() {
        place[*model] = position;
    }
    let mut order: Vec<MachineIx> = site.machines().map(|(machine, _)| machine).collect();
    order.sort_by_key(|machine| (place[site.machine(*machine).model.ix()], *machine));
    let earns = (0..site.models.len())
        .map(|model| earns(site, ModelIx(model as u16), power_price?, hash_price?))
        .collect();
    Ranking { order, earns }
}

/// Whether an hour of this model's normal mode earns more than its energy costs.
fn earns(site: &Site, model: ModelIx, power_price: Price, hash_price: HashPrice) -> Option<bool> {
    let mode = site.model(model).normal();
    let hour_ms = 3_600_000;
    let revenue = hash_price.of(mode.hash_rate.over_millis(hour_ms));
    let cost = power_price.of(mode.power.over_millis(hour_ms));
    revenue.checked_sub(cost).ok().and_then(|margin| margin.amount().to_f64()).map(|margin| margin > 0.0)
}
