//! What if mining were X MW more or less, in these hours of the week?
//!
//! For: reserve, imports, hours of deficit and emissions of a year with and without a change.
//! Not for: prices, and for how a real operator would have acted.
//!
//! Rules, in order. More load: plants at home rise to their capacity, then exports fall and imports rise
//! to their limit, the rest is not served. Less load: imports fall to zero first (they are the dearest),
//! then plants at home. In every hour `demand = generation + imports - exports + not served`, to the
//! kilowatt-hour.

use crate::world::assumption::{given_number, given_text};
use crate::world::{Assumption, CountryCode, Generation, Month};

use crate::world::table::digits;

use super::supply::{GridYear, GridYearError, kilo};
use super::week::WeekHours;

/// A change of mining load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MiningChange {
    /// MW more (positive) or less (negative) in the hours below.
    pub mw: f64,
    /// When.
    pub hours: WeekHours,
}

/// What power emits, by where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct EmissionRates {
    /// gCO2e/kWh generated at home.
    pub home_g_per_kwh: f64,
    /// Where that comes from.
    pub home_source: String,
    /// gCO2e/kWh imported.
    pub import_g_per_kwh: f64,
    /// Where that comes from.
    pub import_source: String,
}

impl EmissionRates {
    /// The published means of a country and of the neighbour it imports from, of the latest year up to
    /// this one. Means, not what one more megawatt emits: in a country that meets it with coal, too low.
    #[must_use]
    pub fn published(
        generation: &Generation,
        home: CountryCode,
        neighbour: CountryCode,
        year: i16,
    ) -> Option<Self> {
        let source =
            |country: CountryCode, year| format!("{}, {} of {year}", generation.source(), country.name());
        let (home_year, home_g_per_kwh) = generation.intensity(home, year)?;
        let (import_year, import_g_per_kwh) = generation.intensity(neighbour, year)?;
        Some(Self {
            home_g_per_kwh,
            home_source: source(home, home_year),
            import_g_per_kwh,
            import_source: source(neighbour, import_year),
        })
    }
}

/// One hour, in whole kilowatts (and so kilowatt-hours).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HourRow {
    /// What is asked for.
    pub demand_kw: i64,
    /// Generated at home.
    pub generation_kw: i64,
    /// Imported less exported.
    pub net_import_kw: i64,
    /// Asked for and not served.
    pub unserved_kw: i64,
    /// What could be generated at home.
    pub capacity_kw: i64,
}

/// A year in sums and extremes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    /// kWh asked for.
    pub demand_kwh: i64,
    /// kWh generated at home.
    pub generation_kwh: i64,
    /// kWh imported, summed over the hours with net imports.
    pub import_kwh: i64,
    /// kWh exported, summed over the hours with net exports.
    pub export_kwh: i64,
    /// kWh not served.
    pub unserved_kwh: i64,
    /// The highest demand, in kW.
    pub peak_kw: i64,
    /// Which hour of the year it is, from 0.
    pub peak_hour: usize,
    /// Capacity at home less demand in the tightest hour, in kW; below zero it must be imported.
    pub reserve_kw: i64,
    /// Which hour of the year that is, from 0.
    pub reserve_hour: usize,
    /// Hours in which demand is above what could be generated at home.
    pub deficit_hours: u32,
    /// kWh above what could be generated at home.
    pub deficit_kwh: i64,
    /// Hours with net imports.
    pub import_hours: u32,
    /// The most imported in an hour, in kW.
    pub import_peak_kw: i64,
    /// Hours in which not all is served.
    pub unserved_hours: u32,
    /// Tonnes CO2e of what is used: generated at home less exports, and imports.
    pub tonnes: f64,
}

/// Means of an hour of the day over the year, in MW.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HourOfDay {
    /// Demand before the change.
    pub demand_mw: f64,
    /// Demand after the change.
    pub changed_demand_mw: f64,
    /// Generation at home before the change.
    pub generation_mw: f64,
    /// Generation at home after the change.
    pub changed_generation_mw: f64,
}

/// A year with and without a change.
#[derive(Clone, Debug, PartialEq)]
pub struct WhatIf {
    /// Without.
    pub base: Totals,
    /// With.
    pub changed: Totals,
    /// Net imports in kWh by month, without and with.
    pub net_import_kwh: Vec<(Month, i64, i64)>,
    /// Means by hour of the day.
    pub by_hour: [HourOfDay; 24],
    /// Hours of the year in which the change acts.
    pub active_hours: u32,
    /// kWh that the change adds (positive) or takes.
    pub change_kwh: i64,
    /// What the demand shape is: say it with every result.
    pub shape: String,
    /// From what it was computed.
    pub assumptions: Vec<Assumption>,
    rows: Vec<(HourRow, HourRow)>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum WhatIfError {
    /// An amount that no grid has.
    #[error(transparent)]
    Amount(#[from] GridYearError),
    /// More taken away than is there.
    #[error("taking {mw} MW away leaves less than nothing in hour {hour} of the year")]
    BelowZero {
        /// MW taken away.
        mw: f64,
        /// From 0.
        hour: usize,
    },
}

/// The year of a grid with and without a change of mining load.
///
/// # Errors
/// [`WhatIfError`] when the change is no amount of a grid or takes more away than an hour has.
pub fn what_if(grid: &GridYear, change: &MiningChange, rates: &EmissionRates) -> Result<WhatIf, WhatIfError> {
    let kw = kilo("change", change.mw.abs(), 1e3, 1e11)? * if change.mw < 0.0 { -1 } else { 1 };
    let mut rows = Vec::with_capacity(grid.hours.len());
    let mut active_hours = 0;
    for (at, hour) in grid.hours.iter().enumerate() {
        let active = change.hours.contains(hour.weekday, hour.hour);
        active_hours += u32::from(active);
        let more = if active { kw } else { 0 };
        if grid.demand_kw[at] + more < 0 {
            return Err(WhatIfError::BelowZero { mw: -change.mw, hour: at });
        }
        rows.push((settle(grid, at, 0), settle(grid, at, more)));
    }
    let mut assumptions = grid.assumptions.clone();
    assumptions.extend([
        given_number("mining_change", change.mw, "MW", "argument"),
        given_text("mining_hours", change.hours.to_string(), "argument; civil hours of the shape"),
        given_number("home_emissions", rates.home_g_per_kwh, "gCO2e/kWh", rates.home_source.clone()),
        given_number("import_emissions", rates.import_g_per_kwh, "gCO2e/kWh", rates.import_source.clone()),
        given_text(
            "merit_order",
            "more load: home capacity, then exchange, then unserved; less load: imports, then home",
            "a rule of our own",
        ),
    ]);
    let shape = grid.assumptions.iter().find(|one| one.key == "demand_shape");
    let shape = shape.map(|one| format!("{}: {}", one.value, one.source)).unwrap_or_default();
    Ok(WhatIf {
        base: totals(rows.iter().map(|row| &row.0), rates),
        changed: totals(rows.iter().map(|row| &row.1), rates),
        net_import_kwh: by_month(grid, &rows),
        by_hour: by_hour(grid, &rows),
        active_hours,
        change_kwh: kw * i64::from(active_hours),
        shape,
        assumptions,
        rows,
    })
}

/// One hour after a change of load, by the rules above.
fn settle(grid: &GridYear, at: usize, more: i64) -> HourRow {
    let (demand, generation) = (grid.demand_kw[at], grid.generation_kw[at]);
    let capacity_kw = grid.capacity_kw[at];
    let mut row = HourRow {
        demand_kw: demand + more,
        generation_kw: generation,
        net_import_kw: demand - generation,
        unserved_kw: 0,
        capacity_kw,
    };
    if more >= 0 {
        let raised = more.min((capacity_kw - generation).max(0));
        row.generation_kw += raised;
        row.net_import_kw += more - raised;
    } else {
        let from_imports = (-more).min(row.net_import_kw.max(0));
        row.net_import_kw -= from_imports;
        row.generation_kw -= -more - from_imports;
    }
    if let Some(limit) = grid.import_limit_kw
        && row.net_import_kw > limit
    {
        let lacking = row.net_import_kw - limit;
        let raised = lacking.min((capacity_kw - row.generation_kw).max(0));
        row.generation_kw += raised;
        row.unserved_kw = lacking - raised;
        row.net_import_kw = limit;
    }
    row
}

fn totals<'a>(rows: impl Iterator<Item = &'a HourRow>, rates: &EmissionRates) -> Totals {
    let mut sum = Totals { peak_kw: i64::MIN, reserve_kw: i64::MAX, ..Totals::default() };
    for (at, row) in rows.enumerate() {
        sum.demand_kwh += row.demand_kw;
        sum.generation_kwh += row.generation_kw;
        sum.import_kwh += row.net_import_kw.max(0);
        sum.export_kwh += (-row.net_import_kw).max(0);
        sum.unserved_kwh += row.unserved_kw;
        sum.import_hours += u32::from(row.net_import_kw > 0);
        sum.unserved_hours += u32::from(row.unserved_kw > 0);
        sum.import_peak_kw = sum.import_peak_kw.max(row.net_import_kw);
        if row.demand_kw > sum.peak_kw {
            (sum.peak_kw, sum.peak_hour) = (row.demand_kw, at);
        }
        let reserve = row.capacity_kw - row.demand_kw;
        if reserve < sum.reserve_kw {
            (sum.reserve_kw, sum.reserve_hour) = (reserve, at);
        }
        sum.deficit_hours += u32::from(reserve < 0);
        sum.deficit_kwh += (-reserve).max(0);
    }
    let grams = |kwh: i64, g_per_kwh: f64| kwh as f64 * g_per_kwh;
    let home = grams(sum.generation_kwh - sum.export_kwh, rates.home_g_per_kwh);
    sum.tonnes = (home + grams(sum.import_kwh, rates.import_g_per_kwh)) / 1e6;
    sum
}

fn by_month(grid: &GridYear, rows: &[(HourRow, HourRow)]) -> Vec<(Month, i64, i64)> {
    let mut sums = [(0, 0); 12];
    for (hour, (base, changed)) in grid.hours.iter().zip(rows) {
        let sum = &mut sums[hour.month()];
        sum.0 += base.net_import_kw;
        sum.1 += changed.net_import_kw;
    }
    let month = |number: usize| Month::new(grid.year, number as u8 + 1);
    let months = sums.iter().enumerate();
    months.filter_map(|(at, sum)| month(at).map(|month| (month, sum.0, sum.1))).collect()
}

fn by_hour(grid: &GridYear, rows: &[(HourRow, HourRow)]) -> [HourOfDay; 24] {
    let mut means = [HourOfDay::default(); 24];
    let days = grid.hours.len() as f64 / 24.0;
    let mean_mw = |kw: i64| kw as f64 / 1e3 / days;
    for (hour, (base, changed)) in grid.hours.iter().zip(rows) {
        let mean = &mut means[hour.hour];
        mean.demand_mw += mean_mw(base.demand_kw);
        mean.changed_demand_mw += mean_mw(changed.demand_kw);
        mean.generation_mw += mean_mw(base.generation_kw);
        mean.changed_generation_mw += mean_mw(changed.generation_kw);
    }
    means
}

impl WhatIf {
    /// The hours of the year in order, without and with the change.
    #[must_use]
    pub fn hours(&self) -> &[(HourRow, HourRow)] {
        &self.rows
    }
    /// Tonnes CO2e that the change adds (positive) or takes away.
    #[must_use]
    pub fn tonnes_more(&self) -> f64 {
        self.changed.tonnes - self.base.tonnes
    }
    /// CSV of the totals: `what,unit,base,changed`.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let (a, b) = (&self.base, &self.changed);
        let mut text = String::from("what,unit,base,changed\n");
        let mut line = |what: &str, unit: &str, base: String, changed: String| {
            text.push_str(&format!("{what},{unit},{base},{changed}\n"));
        };
        for (what, base, changed) in [
            ("demand", a.demand_kwh, b.demand_kwh),
            ("generation", a.generation_kwh, b.generation_kwh),
            ("imports", a.import_kwh, b.import_kwh),
            ("exports", a.export_kwh, b.export_kwh),
            ("not_served", a.unserved_kwh, b.unserved_kwh),
            ("deficit", a.deficit_kwh, b.deficit_kwh),
        ] {
            line(what, "kWh", base.to_string(), changed.to_string());
        }
        for (what, base, changed) in [
            ("highest_load", a.peak_kw, b.peak_kw),
            ("least_reserve", a.reserve_kw, b.reserve_kw),
            ("highest_import", a.import_peak_kw, b.import_peak_kw),
        ] {
            line(what, "kW", base.to_string(), changed.to_string());
        }
        for (what, base, changed) in [
            ("deficit_hours", a.deficit_hours, b.deficit_hours),
            ("import_hours", a.import_hours, b.import_hours),
            ("not_served_hours", a.unserved_hours, b.unserved_hours),
        ] {
            line(what, "h", base.to_string(), changed.to_string());
        }
        line("emissions", "tCO2e", digits(a.tonnes), digits(b.tonnes));
        text
    }
}
