//! Questions to the observatory and their answers as files: what the command line and the API share.
//!
//! For: inputs with where they come from, a method with what was changed of it, the loads of countries, what-ifs by
//! bracket, and the CSV of each answer under its assumptions.
//! Not for: the arithmetic itself, and for how an answer looks on a terminal or a page.

mod chain;
mod method;
mod nation;
mod shutdown;
mod thin;
mod world;
mod worth;

use crate::chain::daily_network;
use crate::hardware::{Model, machines};
use crate::network::NetworkDay;
use crate::world::Period;

pub use chain::{EpochRow, epochs, epochs_assumptions, epochs_csv};
pub use method::{ChangeError, Changes, method, methods};
pub use nation::{
    Bracket, GridQuestion, GridQuestionError, brackets, brackets_csv, estimates_year, nation_csv,
};
pub use shutdown::{
    Pricing, audit_assumptions, classes_assumptions, classes_csv, pricing_assumptions, rates_assumptions,
    shutdown_csv,
};
pub use thin::{Every, Thinned, thinned};
pub use world::{
    Loaded, MarketEmissions, MixEmissions, Province, Whole, country_csv, country_loads, emissions,
    flows_assumptions, flows_csv, market_csv, market_emissions, provinces, waste_kt, water_of, wholes,
    world_csv,
};
pub use worth::{
    Expectation, hash_price_assumptions, hash_price_csv, lives_assumptions, lives_csv, residual_csv,
    scenario, scenario_assumptions,
};

/// What estimates are computed from, with where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Inputs {
    /// The network by day.
    pub network: Vec<NetworkDay>,
    /// Who says so.
    pub network_source: String,
    /// The machines.
    pub catalogue: Vec<Model>,
    /// Who says so.
    pub catalogue_source: String,
}

impl Inputs {
    /// Where the network series comes from that needs nobody.
    pub const NETWORK_BUILT_IN: &'static str = "built in; see docs/chain.md";
    /// Where the table of machines comes from that needs nobody.
    pub const CATALOGUE_BUILT_IN: &'static str = "built in; see docs/machines.md";

    /// With nothing but what is built in.
    #[must_use]
    pub fn built_in() -> Self {
        Self {
            network: daily_network(None, None),
            network_source: Self::NETWORK_BUILT_IN.to_owned(),
            catalogue: machines(),
            catalogue_source: Self::CATALOGUE_BUILT_IN.to_owned(),
        }
    }
    /// The mean hash rate of a period in exahashes a second, where every day of it is known.
    #[must_use]
    pub fn exahashes(&self, period: Period) -> Option<f64> {
        let (mut sum, mut days) = (0.0, 0_u32);
        for month in period.months() {
            let of = |day: &&NetworkDay| {
                day.date.year() == month.year() && u8::try_from(day.date.month()) == Ok(month.month())
            };
            let rates: Vec<f64> = self.network.iter().filter(of).map(|day| day.hash_rate_ths).collect();
            let first = self.network.iter().find(of)?;
            if usize::try_from(first.date.days_in_month()).ok()? != rates.len() {
                return None;
            }
            sum += rates.iter().sum::<f64>();
            days += u32::try_from(rates.len()).ok()?;
        }
        (days > 0).then(|| sum / f64::from(days) / 1e6)
    }
}
