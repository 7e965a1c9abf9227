//! Geography: where mining is said to be, and what that means for the countries.
//!
//! For: shares of hash rate by country from several sources side by side, ranks and flows between
//! months; a country's mining load against its grid; emissions by the grid's mix and by declared
//! contracts; electronic waste and water. Published facts are embedded with their sources; fuller
//! tables are read from text given by the caller.
//! Not for: how much the network draws in all (an argument here), a nation's hours (see `grid`), and
//! outlines of countries.
//!
//! Powers and energies of whole nations are floats in gigawatts (GW) and terawatt-hours (TWh).

pub(crate) mod assumption;
mod band;
mod carbon;
mod country;
mod flows;
mod generation;
mod load;
mod month;
mod overview;
mod shares;
mod shares_csv;
pub(crate) mod table;
mod waste;

pub use crate::electricity::{Assumption, Band};
pub use assumption::{assumptions_csv, read_header, with_header};
pub use band::{NetworkLoad, exactly};
pub use carbon::{
    Contract, EmissionFactors, Emissions, GridIntensity, MarketBased, Residual, location_based, market_based,
    network_intensities,
};
pub use country::{CountryCode, CountryError, Place, countries};
pub use flows::{Change, Flow, Flows, FlowsError, flows};
pub use generation::{Fuel, Generation, Mix};
pub(crate) use load::hours_of_year;
pub use load::{Against, CountryLoad, GridFact, GridFacts, country_load};
pub use month::{Month, MonthError, Period};
pub use overview::{Overview, OverviewRow, overview};
pub use shares::{Point, Rank, Sample, ShareSeries, Whole, embedded_shares, share_within};
pub use shares_csv::{SeriesHeader, parse_shares_csv, shares_csv};
pub use table::TableError;
pub use waste::{EWASTE_LIFE_YEARS, EWaste, Water, WaterFactors, ewaste, water, water_by_mix};
