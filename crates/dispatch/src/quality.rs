//! How much of its catalogue efficiency a machine reaches, by its own words. They count against it only: what it claims
//! beyond the catalogue is never believed.

use offpeak_site::{Model, Reading, Site};

use crate::load::Loads;
use crate::memory::Memory;
use crate::snapshot::Snapshot;
use crate::standing::Standing;

/// A word, one each quarter of an hour, counts for this part of the mean: the shortest hash rates of firmwares sway by
/// a tenth.
const PART: i64 = 16;
/// So many words are taken before anything is made of them.
const WORDS: u8 = 4;
/// While a machine does not run, what it lost is forgotten by this part each quarter: within a day or two a repaired one
/// has its chance.
const FORGETS: i64 = 64;
/// What is ranked by moves when the mean has left it by so many percent, so that noise changes nobody's place.
const STEP: i64 = 2;
const WHOLE: i64 = 1_000_000;
/// Below a tenth of the catalogue's hashes a machine has no work. Where that is so of most, their pool is at fault.
const NO_WORK: i64 = WHOLE / 10;

/// What a machine was found to reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quality {
    /// The means of claimed over catalogue, of hashes and of watts, in parts per million.
    means: Option<(i64, i64)>,
    words: u8,
    lost_percent: u8,
}

impl Quality {
    /// What of its catalogue efficiency it is ranked by, in percent, at most 100.
    #[must_use]
    pub const fn percent(self) -> u8 {
        100 - self.lost_percent
    }

    fn feed(&mut self, (hashes, draws): (i64, i64)) {
        self.words = self.words.saturating_add(1);
        // The first words count alike.
        let part = PART.min(self.words.into());
        let (hash, power) = self.means.unwrap_or((hashes, draws));
        self.means = Some((hash + (hashes - hash) / part, power + (draws - power) / part));
        self.settle();
    }

    /// A quarter without a word of it at work.
    fn forget(&mut self) {
        if let Some((hash, power)) = &mut self.means {
            *hash += (WHOLE - *hash) / FORGETS;
            *power += (WHOLE - *power) / FORGETS;
            self.settle();
        }
    }

    fn settle(&mut self) {
        let Some((hash, power)) = self.means.filter(|_| self.words >= WORDS) else { return };
        let lost = 100 - hash.clamp(0, WHOLE) * 100 / power.max(WHOLE);
        if (lost - i64::from(self.lost_percent)).abs() >= STEP {
            self.lost_percent = lost.clamp(0, 100) as u8;
        }
    }
}

/// What a machine claims of its mode's hashes and watts, in parts per million. `None` where it does not tell its hash
/// rate, or which of its model's modes it is in.
fn claims(reading: &Reading, model: &Model) -> Option<(i64, i64)> {
    let mode = match reading.mode {
        Some(name) => model.mode(name)?,
        None => model.modes.first().filter(|_| model.modes.len() == 1)?,
    };
    let ppm = |claimed: i64, of: i64| {
        let ppm = i128::from(claimed) * i128::from(WHOLE) / i128::from(of.max(1));
        ppm.clamp(0, 10 * i128::from(WHOLE)) as i64
    };
    let hashes = ppm(reading.hash_rate?.to_megahashes(), mode.hash_rate.to_megahashes());
    // Of watts that it does not tell nothing is known against it.
    let draws = reading.power.map_or(WHOLE, |power| ppm(power.to_milliwatts(), mode.power.to_milliwatts()));
    Some((hashes, draws))
}

/// Takes in what the machines that run say of themselves. Once a quarter of an hour, so that quiet seconds may be
/// leapt over.
pub(crate) fn note(site: &Site, snapshot: &Snapshot, loads: &Loads, memory: &mut Memory) {
    let machines = site.machines().zip(&snapshot.machines).zip(&loads.standings);
    let words: Vec<_> = machines
        .map(|(((_, machine), seen), standing)| {
            let reading = seen.reading.as_ref().filter(|_| *standing == Standing::Running)?;
            claims(reading, site.model(machine.model))
        })
        .collect();
    let told = words.iter().flatten().count();
    let idle = words.iter().flatten().filter(|(hashes, _)| *hashes < NO_WORK).count();
    for (word, remembered) in words.into_iter().zip(&mut memory.machines) {
        match word {
            Some(_) if idle * 2 > told => {}
            Some(word) => remembered.quality.feed(word),
            None => remembered.quality.forget(),
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
            match claims(&reading, &site.models[0]) {
                Some(word) => quality.feed(word),
                None => quality.forget(),
            }
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
            quality.feed(claims(&reading, &site.models[0]).unwrap());
            told.push(quality.percent());
        }
        told.dedup();
        assert!(told.iter().all(|percent| *percent >= 97), "a tenth up and down is nothing lost: {told:?}");
    }

    #[test]
    fn a_few_words_say_nothing_and_a_repaired_machine_has_its_chance() {
        let mut quality = Quality::default();
        for word in 1..=20 {
            quality.feed((WHOLE / 2, WHOLE));
            assert_eq!(quality.percent(), if word < 4 { 100 } else { 50 });
        }
        for _ in 0..24 * 4 * 2 {
            quality.forget();
        }
        assert!(quality.percent() >= 96, "{}", quality.percent());
    }

    #[test]
    fn a_pool_that_is_gone_is_no_machine_s_fault() {
        let site = site();
        let at = monday(3_600);
        let mut snapshot = crate::testing::snapshot(at, 30);
        let mut memory = crate::testing::memory(&site, &snapshot);
        let loads = Loads::new(&site, &crate::Frame::new(&site), &snapshot, &memory);
        let mut quarters = |idle: usize| {
            for (place, seen) in snapshot.machines[..30].iter_mut().enumerate() {
                let rate = HashRate::from_gigahashes(if place < idle { 0 } else { 60_000 });
                seen.reading.as_mut().unwrap().hash_rate = Some(rate);
            }
            for _ in 0..8 {
                note(&site, &snapshot, &loads, &mut memory);
            }
            [memory.machines[0].quality.percent(), memory.machines[29].quality.percent()]
        };
        assert_eq!(quarters(20), [100, 100]);
        assert_eq!(quarters(5), [0, 100], "of a few it is");
    }
}
