//! The fleet as a perpetual inventory: what was bought when, what of it survives, what of that runs.
//!
//! For: the fleet's mean efficiency month by month under one set of drawn parameters. Machines bought in
//! a month are the models on sale then, in equal parts; they die by a Weibull law of their age; those
//! whose power costs more than they earn stand still, region by region; new purchases fill what is
//! missing to the hash rate seen.
//! Not for: the band (see the parent), which repeats this for many draws.

use jiff::civil::Date;

use super::Offpeak;
use super::draw::Draw;
use super::regions::{Region, in_force};
use crate::electricity::series::EarningDay;
use crate::hardware::{Cooling, Model};

/// A calendar month of the series.
#[derive(Clone, Debug)]
pub(super) struct Month {
    /// Calendar months since year 0.
    pub(super) number: i32,
    hash_rate_ths: f64,
    /// The efficiency that just pays at 1 USD/kWh, J/TH.
    threshold_at_one_usd: f64,
    /// Prices in force, shares scaled to one.
    regions: Vec<Region>,
}

/// Calendar months since year 0.
pub(super) fn month_number(day: Date) -> i32 {
    i32::from(day.year()) * 12 + i32::from(day.month()) - 1
}

/// The months of a series, without gaps: a month without earnings repeats the one before.
pub(super) fn months(days: &[EarningDay], regions: &[Region]) -> Vec<Month> {
    let mut months: Vec<Month> = Vec::new();
    for of_month in days.chunk_by(|a, b| month_number(a.date) == month_number(b.date)) {
        let number = month_number(of_month[0].date);
        while let Some(before) = months.last().filter(|before| before.number + 1 < number) {
            let gap = Month { number: before.number + 1, ..before.clone() };
            months.push(gap);
        }
        let rate_sum: f64 = of_month.iter().map(|day| day.hash_rate_ths).sum();
        let revenue_sum: f64 = of_month.iter().map(|day| day.revenue_usd).sum();
        let mut regions = in_force(regions, of_month[0].date).to_vec();
        let shares: f64 = regions.iter().map(|region| region.share).sum();
        for region in &mut regions {
            region.share /= if shares > 0.0 { shares } else { 1.0 };
        }
        #[expect(clippy::cast_precision_loss, reason = "at most 31 days")]
        months.push(Month {
            number,
            hash_rate_ths: rate_sum / of_month.len() as f64,
            threshold_at_one_usd: revenue_sum / (rate_sum * 86_400.0) * 3.6e6,
            regions,
        });
    }
    months
}

/// A model as the inventory sees it.
#[derive(Clone, Debug)]
pub(super) struct Kind {
    released: i32,
    efficiency: f64,
    cooling: Cooling,
}

/// The models in order of release; cooling that is not known counts as air.
pub(super) fn kinds(catalogue: &[Model]) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = catalogue
        .iter()
        .map(|model| Kind {
            released: month_number(model.release),
            efficiency: model.efficiency_j_per_th(),
            cooling: model.cooling.unwrap_or(Cooling::Air),
        })
        .collect();
    kinds.sort_by(|a, b| a.released.cmp(&b.released).then(a.efficiency.total_cmp(&b.efficiency)));
    kinds
}

/// One draw of what is uncertain.
pub(super) struct Parameters {
    price_factor: f64,
    power_factor: f64,
    /// Facility overhead by cooling: air, hydro, immersion.
    pue: [f64; 3],
    scale_months: f64,
    shape: f64,
    sale_months: i32,
    delivery_months: i32,
}

impl Parameters {
    /// Draws each within its stated spread.
    #[expect(clippy::cast_possible_truncation, reason = "a few dozen months")]
    pub(super) fn draw(method: &Offpeak, draw: &mut Draw) -> Self {
        let overhead = draw.around_one(method.pue_spread);
        Self {
            price_factor: draw.around_one(method.price_spread),
            power_factor: draw.around_one(method.power_spread),
            pue: [method.pue_air, method.pue_hydro, method.pue_immersion]
                .map(|pue| 1.0 + (pue - 1.0) * overhead),
            scale_months: method.survival_scale_years * 12.0 * draw.around_one(method.survival_spread),
            shape: method.survival_shape,
            sale_months: (method.sale_months * draw.around_one(method.sale_spread)).round().max(1.0) as i32,
            delivery_months: method.delivery_months.round() as i32,
        }
    }
    fn pue(&self, cooling: Cooling) -> f64 {
        match cooling {
            Cooling::Air => self.pue[0],
            Cooling::Hydro => self.pue[1],
            Cooling::Immersion => self.pue[2],
        }
    }
}

/// What was bought in a month: an amount of the models `kinds[from..to]`, in equal parts.
struct Cohort {
    bought_ths: f64,
    from: usize,
    to: usize,
}

/// For models in order of release: running sums of the part that runs, and of that part's joules.
struct Running {
    part: Vec<f64>,
    joules: Vec<f64>,
}

impl Running {
    fn new(kinds: &[Kind], month: &Month, drawn: &Parameters) -> Self {
        let mut running = Self { part: vec![0.0], joules: vec![0.0] };
        let (mut part, mut joules) = (0.0, 0.0);
        for kind in kinds.iter().take_while(|kind| kind.released <= month.number) {
            let at_wall = kind.efficiency * drawn.power_factor * drawn.pue(kind.cooling);
            let pays_below = month.threshold_at_one_usd / at_wall / drawn.price_factor;
            let runs: f64 = month.regions.iter().map(|region| region.share * region.below(pays_below)).sum();
            part += runs;
            joules += runs * at_wall;
            running.part.push(part);
            running.joules.push(joules);
        }
        running
    }
    /// Of a cohort: which part runs, and its joules a terahash of the whole cohort.
    #[expect(clippy::cast_precision_loss, reason = "a number of models")]
    fn of(&self, cohort: &Cohort) -> (f64, f64) {
        let models = (cohort.to - cohort.from) as f64;
        (
            (self.part[cohort.to] - self.part[cohort.from]) / models,
            (self.joules[cohort.to] - self.joules[cohort.from]) / models,
        )
    }
}

/// The models on sale and delivered in a month; the newest one where none is on sale.
fn on_sale(kinds: &[Kind], month: i32, drawn: &Parameters) -> Option<(usize, usize)> {
    let newest = month - drawn.delivery_months;
    let to = kinds.partition_point(|kind| kind.released <= newest);
    let from = kinds.partition_point(|kind| kind.released <= newest - drawn.sale_months);
    if from < to { Some((from, to)) } else { to.checked_sub(1).map(|last| (last, to)) }
}

/// The least part of a purchase that is taken to run, so that a bad month does not buy without bound.
const PART_LEAST: f64 = 0.25;

/// The fleet's mean joules a terahash at the meter, month by month; none while no machine runs.
pub(super) fn joules_per_terahash(kinds: &[Kind], months: &[Month], drawn: &Parameters) -> Vec<Option<f64>> {
    #[expect(clippy::cast_precision_loss, reason = "a number of months")]
    let survival: Vec<f64> =
        (0..months.len()).map(|age| (-(age as f64 / drawn.scale_months).powf(drawn.shape)).exp()).collect();
    let mut cohorts: Vec<Option<Cohort>> = Vec::with_capacity(months.len());
    let mut standing = None;
    let mut result = Vec::with_capacity(months.len());
    for (now, month) in months.iter().enumerate() {
        let running = Running::new(kinds, month, drawn);
        let (mut rate, mut watts) = (0.0, 0.0);
        for (bought, cohort) in cohorts.iter().enumerate() {
            let Some(cohort) = cohort else { continue };
            let (part, joules) = running.of(cohort);
            let alive = cohort.bought_ths * survival[now - bought];
            rate += alive * part;
            watts += alive * joules;
        }
        let mut bought =
            on_sale(kinds, month.number, drawn).map(|(from, to)| Cohort { bought_ths: 0.0, from, to });
        if let Some(cohort) = &mut bought {
            let missing = (month.hash_rate_ths - rate).max(0.0);
            let (part, joules) = running.of(cohort);
            if part > 0.0 {
                cohort.bought_ths = missing / part.max(PART_LEAST);
                rate += missing;
                watts += missing * joules / part;
            }
        }
        cohorts.push(bought);
        if rate > 0.0 {
            standing = Some(watts / rate);
        }
        result.push(standing);
    }
    result
}
