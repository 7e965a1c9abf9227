//! What miners pay for power, by region and time: data, each row with its source.
//!
//! For: a distribution of prices instead of one. A row says which part of the hash rate pays what from a
//! day on; the rows of one day form a period that stands until the next.
//! Not for: shares by country month by month (see geography); these are rounded to a few regions,
//! because only their prices matter here.

use jiff::civil::{Date, date};

/// A part of the hash rate that pays prices between `low` and `high`, half of it below `typical`.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// Its name, such as `china`; `off-grid` is power that no grid takes, wherever it is.
    pub name: &'static str,
    /// From which day on; the rows of one day form a period.
    pub from: Date,
    /// Its part of the hash rate; the parts of a period are scaled to one.
    pub share: f64,
    /// What the cheapest pay, USD/kWh.
    pub low: f64,
    /// What the median pays, USD/kWh.
    pub typical: f64,
    /// What the dearest pay, USD/kWh.
    pub high: f64,
    /// Where share and prices come from.
    pub source: &'static str,
}

impl Region {
    /// The part of this region's power that costs less than `price`: straight lines between low,
    /// typical and high.
    #[inline]
    pub(super) fn below(&self, price: f64) -> f64 {
        if price <= self.low {
            0.0
        } else if price < self.typical {
            0.5 * (price - self.low) / (self.typical - self.low)
        } else if price < self.high {
            0.5 + 0.5 * (price - self.typical) / (self.high - self.typical)
        } else {
            1.0
        }
    }
}

/// The period in force on a day; nothing before the first.
pub(super) fn in_force(regions: &[Region], day: Date) -> &[Region] {
    let end = regions.partition_point(|region| region.from <= day);
    let Some(last) = regions[..end].last() else { return &[] };
    let start = regions.partition_point(|region| region.from < last.from);
    &regions[start..end]
}

const EIA: &str = "US Energy Information Administration, Electric Power Annual: homes in the US paid 11.5 to 12.1 US cents, 2009 to 2013; the spread is an estimate";
const HALLS: &str =
    "an estimate: mining moves from homes into halls with the first ASICs; no survey of the time";
const CHINA_2015: &str = "share: over 70 % in 2015 and 2016 (Cointrellis, 2019); price: 5 to 8 US cents in Sichuan over the year (Oilprice.com, 2018), less in the wet season";
const CHINA_DRY: &str = "share: 66 % in December 2019 (CoinShares); price: 0.38 yuan a kWh used by F2Pool in March 2020 (blocking.net)";
const CHINA_WET: &str = "share: 60 % in June 2019 (CoinShares); price: 1 US cent (Cointrellis, 2019) to 2.5 US cents (CoinShares, 2019) in Sichuan's wet season, dearer elsewhere";
const REST_EARLY: &str =
    "an estimate around Cambridge's global mean of 5 US cents; share: what the others leave";
const OFF_EARLY: &str = "an estimate: no survey before 2024; stranded hydro and gas";
const US_2021: &str = "share: Cambridge mining maps, August 2021 (35.4 %) and January 2022 (37.8 %), less the part off the grid; price: filings of listed miners, 1.8 US cents at the cheapest, 4.0 the median of BitOoda (K33 Research, March 2022)";
const KZ_2021: &str = "share: Cambridge mining map, August 2021, less the part off the grid; price: tariffs of 18 to 20 tenge at 425 to 470 tenge a dollar";
const RU: &str = "share: Cambridge mining maps of August 2021 and January 2022, Hashrate Index, second quarter of 2025 (15.7 %); price: an estimate, no survey found";
const REST_2021: &str = "share: what the others leave; price: an estimate from prices for firms of Canada, the Nordic countries, Malaysia, Germany and Iran";
const OFF_2021: &str = "share: an estimate on the way to the 26 % of 2024; price: an estimate";
const CHINA_AFTER: &str = "share: Cambridge mining map, January 2022 (21.1 %); Hashrate Index, second quarter of 2025 (13.7 %); price: an estimate, no survey found";
const US_2022: &str = "share: Cambridge mining map, January 2022 (37.8 %), less the part off the grid; price: hosting rose from 6 to 8 US cents (Compass Mining, 2022), Core Scientific from 4.2 to 6.6, CleanSpark from 3.2 to 5.9 (Blockspace, 2025), Riot paid 3.1 net of credits (its filing for 2024)";
const US_2023: &str = "share: Hashrate Index, second quarter of 2025 (36 %), less the part off the grid; price: Riot paid 2.1 US cents net of credits in 2023 (its filing for 2024), others as before 2022 (Blockspace, 2025)";
const US_2024: &str = "share: Hashrate Index, second quarter of 2025 (36 %), less the part off the grid; price: median of 4.5 US cents (Cambridge Digital Mining Industry Report, April 2025), Riot 3.4 net of credits (its filing for 2024)";
const OFF_2024: &str = "share: 26 % (Cambridge Digital Mining Industry Report, April 2025, as summed up by D. Batten); price: an estimate";

const fn row(name: &'static str, from: Date, share: f64, prices: [f64; 3], source: &'static str) -> Region {
    let [low, typical, high] = prices;
    Region { name, from, share, low, typical, high, source }
}

/// What is known, oldest first.
pub(super) fn defaults() -> Vec<Region> {
    const HOME: [f64; 3] = [0.05, 0.12, 0.25];
    const HALL: [f64; 3] = [0.03, 0.06, 0.10];
    const STRANDED: [f64; 3] = [0.01, 0.025, 0.045];
    let mut rows = vec![
        row("household", date(2009, 1, 1), 1.00, HOME, EIA),
        row("household", date(2013, 7, 1), 0.50, HOME, EIA),
        row("china", date(2013, 7, 1), 0.25, [0.025, 0.055, 0.08], HALLS),
        row("rest", date(2013, 7, 1), 0.25, HALL, HALLS),
        row("china", date(2015, 1, 1), 0.70, [0.025, 0.05, 0.08], CHINA_2015),
        row("rest", date(2015, 1, 1), 0.25, HALL, REST_EARLY),
        row("off-grid", date(2015, 1, 1), 0.05, STRANDED, OFF_EARLY),
    ];
    for year in 2018..=2021 {
        let wet = (date(year, 5, 1), 0.62, [0.01, 0.03, 0.065], CHINA_WET);
        let dry = (date(year, 11, 1), 0.66, [0.03, 0.05, 0.07], CHINA_DRY);
        for (from, china, prices, source) in [wet, dry] {
            if from < date(2021, 7, 1) {
                rows.push(row("china", from, china, prices, source));
                rows.push(row("rest", from, 0.95 - china, HALL, REST_EARLY));
                rows.push(row("off-grid", from, 0.05, STRANDED, OFF_EARLY));
            }
        }
    }
    rows.extend(after_the_ban());
    rows
}

/// From July 2021 on, when China's mines were shut and the United States led.
fn after_the_ban() -> Vec<Region> {
    const STRANDED: [f64; 3] = [0.01, 0.025, 0.045];
    const KZ: [f64; 3] = [0.035, 0.045, 0.06];
    const RUSSIA: [f64; 3] = [0.03, 0.045, 0.06];
    const COVERT: [f64; 3] = [0.03, 0.055, 0.08];
    const REST: [f64; 3] = [0.03, 0.06, 0.10];
    let (ban, resurgence, dear, eased, survey) =
        (date(2021, 7, 1), date(2021, 11, 1), date(2022, 7, 1), date(2023, 4, 1), date(2024, 6, 1));
    vec![
        row("us", ban, 0.32, [0.018, 0.04, 0.06], US_2021),
        row("kazakhstan", ban, 0.16, KZ, KZ_2021),
        row("russia", ban, 0.10, RUSSIA, RU),
        row("rest", ban, 0.32, REST, REST_2021),
        row("off-grid", ban, 0.10, STRANDED, OFF_2021),
        row("us", resurgence, 0.33, [0.018, 0.04, 0.06], US_2021),
        row("china", resurgence, 0.18, COVERT, CHINA_AFTER),
        row("kazakhstan", resurgence, 0.12, KZ, KZ_2021),
        row("russia", resurgence, 0.05, RUSSIA, RU),
        row("rest", resurgence, 0.20, REST, REST_2021),
        row("off-grid", resurgence, 0.12, STRANDED, OFF_2021),
        row("us", dear, 0.32, [0.03, 0.06, 0.08], US_2022),
        row("china", dear, 0.17, COVERT, CHINA_AFTER),
        row("kazakhstan", dear, 0.05, KZ, KZ_2021),
        row("russia", dear, 0.08, RUSSIA, RU),
        row("rest", dear, 0.23, REST, REST_2021),
        row("off-grid", dear, 0.15, STRANDED, OFF_2021),
        row("us", eased, 0.30, [0.021, 0.045, 0.07], US_2023),
        row("china", eased, 0.13, COVERT, CHINA_AFTER),
        row("kazakhstan", eased, 0.03, KZ, KZ_2021),
        row("russia", eased, 0.11, RUSSIA, RU),
        row("rest", eased, 0.22, REST, REST_2021),
        row("off-grid", eased, 0.21, STRANDED, OFF_2021),
        row("us", survey, 0.27, [0.034, 0.045, 0.07], US_2024),
        row("china", survey, 0.10, COVERT, CHINA_AFTER),
        row("kazakhstan", survey, 0.02, KZ, KZ_2021),
        row("russia", survey, 0.12, RUSSIA, RU),
        row("rest", survey, 0.23, REST, REST_2021),
        row("off-grid", survey, 0.26, STRANDED, OFF_2024),
    ]
}
