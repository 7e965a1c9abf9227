//! How much of its catalogue efficiency a machine reaches, by its own words. They count against it only: what it claims
//! beyond the catalogue is never believed.

use offpeak_site::{Mode, Reading, Site};

use crate::load::Loads;
use crate::memory::Memory;
use crate::snapshot::Snapshot;
use crate::standing::Standing;

/// A word, one each quarter of an hour, counts for this part of the mean: the shortest hash rates of firmwares sway by
/// a tenth.
const PART: i64 = 8;
/// What is ranked by moves when the mean has left it by so many percent, so that noise changes nobody's place.
const STEP: i64 = 2;
const WHOLE: i64 = 1_000_000;

/// What a machine was found to reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quality {
    /// The means of claimed over catalogue, of hashes and of watts, in parts per million.
    means: Option<(i64, i64)>,
    lost_percent: u8,
}

impl Quality {
    /// What of its catalogue efficiency it is ranked by, in percent, at most 100.
    #[must_use]
    pub const fn percent(self) -> u8 {
        100 - self.lost_percent
    }

    fn feed(&mut self, reading: &Reading, mode: &Mode) {
        let Some(hash_rate) = reading.hash_rate else { return };
        let ppm =
            |claimed: i64, of: i64| (i128::from(claimed) * i128::from(WHOLE) / i128::from(of.max(1))) as i64;
        let hashes = ppm(hash_rate.to_megahashes(), mode.hash_rate.to_megahashes()).clamp(0, WHOLE);
        // Of watts that it does not tell nothing is known against it.
        let draws =
            reading.power.map_or(WHOLE, |power| ppm(power.to_milliwatts(), mode.power.to_milliwatts()));
        let draws = draws.clamp(WHOLE, 10 * WHOLE);
        let (hash_mean, power_mean) = match self.means {
            Some((hash, power)) => (hash + (hashes - hash) / PART, power + (draws - power) / PART),
            None => (hashes, draws),
        };
        self.means = Some((hash_mean, power_mean));
        let lost = 100 - hash_mean * 100 / power_mean;
        if (lost - i64::from(self.lost_percent)).abs() >= STEP {
            self.lost_percent = lost.clamp(0, 100) as u8;
        }
    }
}

/// Takes in what the machines that run say of themselves. Once a quarter of an hour, so that quiet seconds may be
/// leapt over.
pub(crate) fn note(site: &Site, snapshot: &Snapshot, loads: &Loads, memory: &mut Memory) {
    let machines = site.machines().zip(&snapshot.machines).zip(&loads.standings).zip(&mut memory.machines);
    for ((((_, machine), seen), standing), remembered) in machines {
        if let (Standing::Running, Some(reading)) = (standing, &seen.reading) {
            let model = site.model(machine.model);
            let mode = reading.mode.and_then(|name| model.mode(name)).unwrap_or_else(|| model.normal());
            remembered.quality.feed(reading, mode);
        }
    }
}

#[cfg(test)]
mod tests {
    use offpeak_site::Activity;
    use offpeak_units::{HashRate, Power};

    use super::*;
    use crate::testing::{MACHINE_W, monday, says, site};

    /// Some hours of words: so many gigahashes and watts of 60,000 and 3,000.
    fn found(gigahashes: Option<i64>, watts: Option<i64>) -> u8 {
        let (site, mut quality) = (site(), Quality::default());
        for quarter in 0..60 {
            let reading = Reading {
                hash_rate: gigahashes.map(HashRate::from_gigahashes),
                power: watts.map(Power::from_watts),
                ..says(monday(quarter * 900), Activity::Hashing).reading.unwrap()
            };
            quality.feed(&reading, site.models[0].normal());
        }
        quality.percent()
    }

    #[test]
    fn a_word_counts_against_a_machine_and_never_for_it() {
        assert_eq!(found(Some(60_000), Some(MACHINE_W)), 100);
        assert_eq!(found(Some(40_000), Some(MACHINE_W)), 66, "two boards of three");
        assert_eq!(found(Some(40_000), Some(MACHINE_W * 2 / 3)), 66, "its low watts are its own word");
        assert_eq!(found(Some(60_000), Some(MACHINE_W * 6 / 5)), 83);
        assert_eq!(found(Some(90_000), Some(MACHINE_W / 2)), 100, "what is too good is not believed");
        assert_eq!(found(Some(0), None), 0);
        assert_eq!(found(None, Some(MACHINE_W * 2)), 100, "without a hash rate nothing is known");
    }

    #[test]
    fn noise_moves_nobody() {
        let (site, mut quality) = (site(), Quality::default());
        let mut told = Vec::new();
        for quarter in 0..600 {
            let sways = [57_000, 63_000, 60_000, 54_000, 66_000][quarter as usize % 5];
            let reading = says(monday(quarter * 900), Activity::Hashing).reading.unwrap();
            let reading = Reading { hash_rate: Some(HashRate::from_gigahashes(sways)), ..reading };
            quality.feed(&reading, site.models[0].normal());
            told.push(quality.percent());
        }
        told.dedup();
        assert!(told.len() <= 4, "{told:?}");
    }
}
