//! What a row must keep to before it is recorded.

use jiff::Timestamp;

use crate::rows::{CommandRow, MachineRow, MeterRow, SignalRow};
use crate::words::Known;

/// The longest interval: a day, in seconds.
pub(crate) const LENGTH_S_MAX: u32 = 86_400;
/// The longest name or text, in bytes.
pub(crate) const TEXT_BYTES_MAX: usize = 4_096;

/// Why a row is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// An interval of no length, or of one that does not divide the day.
    #[error("{of}: an interval of {length_s} s; a length must divide the day")]
    Length {
        /// The machine or meter.
        of: String,
        /// What was given.
        length_s: u32,
    },
    /// An interval that does not start at a multiple of its length.
    #[error("{of}: an interval of {length_s} s starts at {start}, which is no multiple of it")]
    Unaligned {
        /// The machine or meter.
        of: String,
        /// What was given.
        start: Timestamp,
        /// The length.
        length_s: u32,
    },
    /// Seconds that do not add up.
    #[error("{of} at {at}: {what} come to {found} s of {length_s} s")]
    Seconds {
        /// The machine or meter.
        of: String,
        /// When.
        at: Timestamp,
        /// Which seconds.
        what: &'static str,
        /// What they come to.
        found: u64,
        /// What they should come to, or stay below.
        length_s: u32,
    },
    /// Energy where none is known, or none where it is.
    #[error("{of} at {at}: the energy is said to be {known} and is {}", if *.given { "given" } else { "absent" })]
    Energy {
        /// The machine or meter.
        of: String,
        /// When.
        at: Timestamp,
        /// How it is said to be known.
        known: Known,
        /// Whether there is a value.
        given: bool,
    },
    /// An estimate that names no rule.
    #[error("{of} at {at}: estimated by no rule")]
    NoRule {
        /// The machine or meter.
        of: String,
        /// When.
        at: Timestamp,
    },
    /// Outside the years that a site can have records of.
    #[error("{of}: {at} is outside 1970 to 2199")]
    Year {
        /// The machine, meter or sender.
        of: String,
        /// What was given.
        at: Timestamp,
    },
    /// A text that is too long.
    #[error("{of} at {at}: a text of {bytes} bytes; at most {TEXT_BYTES_MAX} are kept")]
    Text {
        /// The machine, meter or sender; cut.
        of: String,
        /// When.
        at: Timestamp,
        /// Its length.
        bytes: usize,
    },
}

/// The last second that is taken: the end of 2199.
const SECOND_MAX: i64 = 7_258_118_399;

struct Interval<'a> {
    of: &'a str,
    start: Timestamp,
    length_s: u32,
    covered_s: u32,
    known: Known,
    given: bool,
    ruled: bool,
}

impl Interval<'_> {
    fn judge(&self) -> Result<(), RowError> {
        let &Interval { of, start, length_s, .. } = self;
        if length_s == 0 || !LENGTH_S_MAX.is_multiple_of(length_s) {
            return Err(RowError::Length { of: of.to_owned(), length_s });
        }
        if start.as_second() % i64::from(length_s) != 0 || start.subsec_nanosecond() != 0 {
            return Err(RowError::Unaligned { of: of.to_owned(), start, length_s });
        }
        if self.covered_s > length_s {
            let found = u64::from(self.covered_s);
            return Err(RowError::Seconds {
                of: of.to_owned(),
                at: start,
                what: "the covered seconds",
                found,
                length_s,
            });
        }
        if self.given == (self.known == Known::Missing) {
            return Err(RowError::Energy {
                of: of.to_owned(),
                at: start,
                known: self.known,
                given: self.given,
            });
        }
        if self.known == Known::Estimated && !self.ruled {
            return Err(RowError::NoRule { of: of.to_owned(), at: start });
        }
        Ok(())
    }
}

fn texts<'a>(
    of: &str,
    at: Timestamp,
    all: impl IntoIterator<Item = Option<&'a str>>,
) -> Result<(), RowError> {
    if !(0..=SECOND_MAX).contains(&at.as_second()) {
        return Err(RowError::Year { of: of.chars().take(80).collect(), at });
    }
    match all.into_iter().flatten().map(str::len).find(|bytes| *bytes > TEXT_BYTES_MAX) {
        Some(bytes) => Err(RowError::Text { of: of.chars().take(80).collect(), at, bytes }),
        None => Ok(()),
    }
}

impl MeterRow {
    /// Whether it can be recorded.
    ///
    /// # Errors
    /// If it breaks a rule of [`RowError`].
    pub fn judge(&self) -> Result<(), RowError> {
        let all = [Some(&*self.site), Some(&*self.meter), Some(&*self.circuit), self.rule.as_deref()];
        texts(&self.meter, self.start, all)?;
        let &Self { start, length_s, covered_s, known, .. } = self;
        let (given, ruled) = (self.energy_j.is_some(), self.rule.is_some());
        Interval { of: &self.meter, start, length_s, covered_s, known, given, ruled }.judge()
    }
}

impl MachineRow {
    /// Whether it can be recorded.
    ///
    /// # Errors
    /// If it breaks a rule of [`RowError`].
    pub fn judge(&self) -> Result<(), RowError> {
        let all =
            [&self.site, &self.machine, &self.hall, &self.model, &self.circuit].map(|name| Some(&**name));
        texts(
            &self.machine,
            self.start,
            all.into_iter().chain([self.owner.as_deref(), self.rule.as_deref()]),
        )?;
        let &Self { start, length_s, covered_s, known, .. } = self;
        let (given, ruled) = (self.energy_j.is_some(), self.rule.is_some());
        Interval { of: &self.machine, start, length_s, covered_s, known, given, ruled }.judge()?;
        let found = u64::from(self.hashing_s) + u64::from(self.starting_s) + self.down.total_s();
        if found != u64::from(length_s) {
            let of = self.machine.to_string();
            return Err(RowError::Seconds {
                of,
                at: start,
                what: "hashing, starting and down",
                found,
                length_s,
            });
        }
        Ok(())
    }
}

impl CommandRow {
    /// Whether it can be recorded.
    ///
    /// # Errors
    /// If it breaks a rule of [`RowError`].
    pub fn judge(&self) -> Result<(), RowError> {
        let all =
            [&self.site, &self.machine, &self.hall, &self.action, &self.state].map(|name| Some(&**name));
        texts(&self.machine, self.at, all.into_iter().chain([self.detail.as_deref()]))
    }
}

impl SignalRow {
    /// Whether it can be recorded.
    ///
    /// # Errors
    /// If it breaks a rule of [`RowError`].
    pub fn judge(&self) -> Result<(), RowError> {
        let all = [&self.site, &self.source, &self.id, &self.kind].map(|name| Some(&**name));
        texts(&self.source, self.at, all.into_iter().chain([self.circuit.as_deref(), self.text.as_deref()]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Downtime, MachineState};

    fn minute() -> MachineRow {
        MachineRow {
            site: "small".into(),
            machine: "m1".into(),
            owner: None,
            hall: "hall-1".into(),
            model: "M30S".into(),
            circuit: "hall-1/rack-01".into(),
            start: Timestamp::from_second(1_664_733_600).expect("in range"),
            length_s: 60,
            covered_s: 60,
            energy_j: Some(0),
            billed_j: None,
            hashes_gh: None,
            mode: None,
            state: MachineState::Asleep,
            hashing_s: 20,
            starting_s: 0,
            down: Downtime { ordered_s: 40, ..Downtime::default() },
            chip_max_dc: None,
            inlet_dc: None,
            known: Known::Measured,
            rule: None,
        }
    }

    type Breaks = fn(&mut MachineRow);

    #[test]
    fn a_row_keeps_to_the_rules_or_says_which_it_breaks() {
        minute().judge().unwrap();
        let broken: [(Breaks, &str); 7] = [
            (
                |row| row.down.ordered_s = 41,
                "m1 at 2022-10-02T18:00:00Z: hashing, starting and down come to 61 s of 60 s",
            ),
            (|row| row.length_s = 0, "m1: an interval of 0 s; a length must divide the day"),
            (|row| row.length_s = 7, "m1: an interval of 7 s; a length must divide the day"),
            (
                |row| row.known = Known::Missing,
                "m1 at 2022-10-02T18:00:00Z: the energy is said to be missing and is given",
            ),
            (|row| row.known = Known::Estimated, "m1 at 2022-10-02T18:00:00Z: estimated by no rule"),
            (
                |row| row.covered_s = 61,
                "m1 at 2022-10-02T18:00:00Z: the covered seconds come to 61 s of 60 s",
            ),
            (
                |row| row.start = Timestamp::from_second(1_664_733_601).expect("in range"),
                "m1: an interval of 60 s starts at 2022-10-02T18:00:01Z, which is no multiple of it",
            ),
        ];
        for (breaks, words) in broken {
            let mut row = minute();
            breaks(&mut row);
            assert_eq!(row.judge().unwrap_err().to_string(), words);
        }
    }

    #[test]
    fn rows_read_and_write_as_json_with_words() {
        let text = serde_json::to_string(&minute()).unwrap();
        assert!(text.contains(r#""known":"measured""#) && text.contains(r#""energy_j":0"#), "{text}");
        assert_eq!(serde_json::from_str::<MachineRow>(&text).unwrap(), minute());
    }
}
