//! By how much machines draw more or less than the catalogue says, as their circuit's meter has it: for the circuits
//! below that have no meter, and for its own while its meter is silent.
//!
//! Machines of which nothing is known are taken to draw nothing when it is learned, so that those that run never seem to
//! draw less than they do. Inlet temperature and age move all machines of a hall alike, so what the hall's meter shows holds for its racks.
//! Learned only while hardly anything below is on its way, downwards slowly, in whole percents, and forgotten after a while; a meter that is silent or stuck
//! teaches nothing.

use jiff::Timestamp;
use offpeak_site::Site;

use crate::limits;
use crate::load::{Loads, tolerance};
use crate::memory::Memory;

/// What was learned at one circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Correction {
    /// What machines draw, in parts per million of the catalogue's watts, in whole percents.
    pub ppm: i64,
    /// The running mean behind it.
    mean: i64,
    /// When it was last learned.
    pub at: Timestamp,
}

/// A value below what is known counts for this part; one above it at once.
const PART: i64 = 4;
/// Whatever a meter shows, machines count within these: cooler than that only some of them are.
const RANGE: core::ops::RangeInclusive<i64> = 970_000..=1_150_000;
/// A meter that shows less or more than this is wrong, or the site file is; nothing is learned from it.
const CREDIBLE: core::ops::RangeInclusive<i64> = 850_000..=1_200_000;
/// What counts moves by so much, when the mean has left it by as much: noise is not to shed anybody.
const STEP: i64 = 10_000;
/// How far one circuit's machines may be from what those of the whole have been found to draw, all in the same
/// direction: models and places differ.
const REST: f64 = 0.02;
/// What counts where nothing is known comes to this, so that forgetting ends here.
const UNKNOWN: i64 = 1_010_000;

/// Learns what the meters show, and forgets step by step what they have not shown for long. Once a quarter of an hour, and
/// the next cycle is to follow: it is the first to go by it.
pub(crate) fn learn(site: &Site, loads: &Loads, memory: &mut Memory, now: Timestamp) {
    for (ix, _) in site.circuits.iter().filter(|(_, circuit)| circuit.meter.is_some()) {
        let held = &mut memory.corrections[ix.ix()];
        let shown = loads.circuit(ix).running_ppm().filter(|ppm| CREDIBLE.contains(ppm));
        *held = match (shown, *held) {
            (Some(shown), held) => Some(Correction::learned(shown, held, now)),
            (None, held) => held.and_then(|held| held.aged(now)),
        };
    }
}

impl Correction {
    #[cfg(test)]
    pub(crate) const fn new(ppm: i64, at: Timestamp) -> Self {
        Self { ppm, mean: ppm, at }
    }
    fn learned(shown: i64, before: Option<Self>, now: Timestamp) -> Self {
        let mean = match before {
            Some(before) if shown < before.mean => before.mean + (shown - before.mean) / PART,
            _ => shown,
        };
        // Rounded up, and left alone while the mean is within a step of it.
        let counted = (mean.div_euclid(STEP) + i64::from(mean % STEP != 0)) * STEP;
        let counted = counted.clamp(*RANGE.start(), *RANGE.end());
        let stays = before.filter(|before| before.ppm >= mean && before.ppm - mean < 2 * STEP);
        Self { ppm: stays.map_or(counted, |before| before.ppm), mean, at: now }
    }

    /// What is left of it when nothing was shown.
    fn aged(self, now: Timestamp) -> Option<Self> {
        if now < self.at + limits::CORRECTION_HOLDS {
            return Some(self);
        }
        let ppm = if self.ppm < UNKNOWN { self.ppm + STEP } else { self.ppm - STEP };
        ((ppm - UNKNOWN).abs() >= STEP).then_some(Self { ppm, mean: ppm, ..self })
    }
}

/// By circuit: the correction of the nearest metered circuit on its way to the grid that knows one.
pub(crate) fn known(site: &Site, memory: &Memory) -> Vec<Option<i64>> {
    let mut known = vec![None; site.circuits.len()];
    for (ix, circuit) in site.circuits.iter() {
        let own = memory.corrections[ix.ix()].map(|held| held.ppm);
        known[ix.ix()] = own.or_else(|| circuit.parent.and_then(|parent| known[parent.ix()]));
    }
    known
}

/// What so many machines may draw together, in parts of the catalogue's sum.
pub(crate) fn at_most(known: Option<i64>, machines: u32) -> f64 {
    let Some(ppm) = known else { return 1.0 + tolerance(machines) };
    let shown = ppm as f64 / 1e6;
    let spread = 0.06 / f64::from(machines.max(1)).sqrt();
    shown * (1.0 + REST) + spread
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use offpeak_units::Power;

    use super::*;
    use crate::testing::{MACHINE_W, SLEEP_W, memory, monday, site, snapshot};
    use crate::{Controller, Snapshot};
    use offpeak_site::CircuitIx;

    /// Some hours of thirty machines that draw so many percent of the catalogue, and then what a rack of ten counts at.
    fn rack_after(percent: i64, hours: i64, meter_stays: bool) -> f64 {
        let site = Arc::new(site());
        let mut at = snapshot(monday(3_600), 30);
        let watts = 30 * MACHINE_W * percent / 100 + 10 * SLEEP_W;
        at.meters[0].as_mut().unwrap().power = Power::from_watts(watts);
        let mut controller = Controller::new(Arc::clone(&site), memory(&site, &at));
        let mut last = None;
        for quarter in 0..hours * 4 {
            at = Snapshot { at: monday(3_600 + quarter * 900), ..at };
            for seen in &mut at.machines {
                seen.reading.as_mut().unwrap().at = at.at;
            }
            if meter_stays || quarter < 4 {
                let meter = at.meters[0].as_mut().unwrap();
                // A meter that says the same for an hour is stuck.
                (meter.at, meter.power) = (at.at, Power::from_watts(watts + quarter % 2));
            }
            last = Some(controller.cycle(&at));
        }
        let rack = last.unwrap().loads.circuit(CircuitIx(3)).upper;
        rack.ratio_to(Power::from_watts(10 * MACHINE_W)).unwrap()
    }

    #[test]
    fn a_rack_without_a_meter_counts_as_the_connection_s_meter_has_it() {
        let usual = 1.0 + tolerance(10);
        assert!((rack_after(100, 1, true) - (1.02 + 0.019)).abs() < 0.001, "{}", rack_after(100, 1, true));
        let hot = rack_after(106, 6, true);
        assert!(hot > usual && (hot - (1.06 * 1.02 + 0.019)).abs() < 0.004, "{hot}");
        let cold = rack_after(88, 6, true);
        assert!((cold - (0.97 * 1.02 + 0.019)).abs() < 0.001, "no lower than that: {cold}");
    }

    #[test]
    fn what_nobody_has_measured_for_long_is_forgotten() {
        let silent = rack_after(106, 6, false);
        assert!((silent - (1.0 + tolerance(10))).abs() < 0.001, "{silent}");
    }
}
