//! Everything that a machine tells of itself, slowly: boards, fans, pools and faults beside who it is and what it
//! does. What no reply carries is absent; an empty list is a machine's own word that there are none.
//!
//! Not here: what each family is asked and how its replies read (`full` of each family); the fast readings, by
//! which alone anything is decided.

pub mod cgminer;
pub(crate) mod tree;

use core::time::Duration;

use offpeak_site::{Reading, Trouble};
use offpeak_units::{HashRate, Temperature};

use crate::call::Call;
use crate::driver::Identity;
use crate::refusal::ReplyError;
use crate::rest::{Ask, unlocked};

/// No machine has more boards, fans or pools; what a reply lists beyond is left out.
pub const LIST_MAX: usize = 16;
/// Some machines keep their whole history of faults: the first so many are taken.
pub const FAULTS_MAX: usize = 64;

/// A full reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FullReading {
    /// Who it is; `None` when it is of no family here.
    pub identity: Option<Identity>,
    /// What it does; `None` when its replies do not say.
    pub reading: Option<Reading>,
    /// What it is made of and mines for.
    pub details: Details,
}

/// What a machine is made of and mines for, by its own word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// Its hash boards.
    pub boards: Option<Vec<BoardReading>>,
    /// Its fans, those of its supply last.
    pub fans: Option<Vec<FanReading>>,
    /// Its pools, in its own order.
    pub pools: Option<Vec<PoolReading>>,
    /// What is wrong with it.
    pub faults: Option<Vec<Fault>>,
    /// Shares that any of its pools took, where it counts them together only.
    pub shares_accepted: Option<u64>,
    /// Shares that any of its pools refused, likewise.
    pub shares_rejected: Option<u64>,
    /// Since the start of its system.
    pub uptime: Option<Duration>,
    /// Since the start of its mining process.
    pub mining_for: Option<Duration>,
    /// The questions that got no answer to be read, and why.
    pub unanswered: Vec<(&'static str, Trouble)>,
}

/// A hash board.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BoardReading {
    /// The machine's own number of it.
    pub place: u64,
    /// Its serial number.
    pub serial: Option<String>,
    /// Chips that answer.
    pub chips: Option<u64>,
    /// Over the shortest window that is told by board.
    pub hash_rate: Option<HashRate>,
    /// The hottest sensor on the board itself.
    pub temperature: Option<Temperature>,
    /// The hottest of its chips.
    pub temperature_chip: Option<Temperature>,
    /// Whether the machine calls it working.
    pub works: Option<bool>,
}

/// A fan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FanReading {
    /// What the machine calls it; `supply` for the one in its power supply.
    pub name: String,
    /// Revolutions a minute; zero is a fan that stands.
    pub rpm: Option<u64>,
}

/// A pool, as the machine sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolReading {
    /// Such as `stratum+tcp://pool.example:3333`.
    pub url: Option<String>,
    /// The account and worker.
    pub user: Option<String>,
    /// Whether the machine mines for it now.
    pub is_active: Option<bool>,
    /// Whether it answers.
    pub is_alive: Option<bool>,
    /// Shares that it took.
    pub accepted: Option<u64>,
    /// Shares that it refused.
    pub rejected: Option<u64>,
    /// Shares that came too late.
    pub stale: Option<u64>,
}

/// What a machine says is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// The maker's own code, where it has one.
    pub code: Option<String>,
    /// The machine's words.
    pub words: Option<String>,
    /// Since when, as the machine writes it.
    pub since: Option<String>,
}

impl Fault {
    /// A code without words.
    pub(crate) fn code(code: impl ToString) -> Self {
        Self { code: Some(code.to_string()), ..Self::default() }
    }
}

/// A time that a machine tells in seconds.
pub(crate) fn seconds(told: Option<f64>) -> Option<Duration> {
    // Longer than a century is no time of a machine.
    told.filter(|seconds| (0.0..3.2e9).contains(seconds)).map(Duration::from_secs_f64)
}

/// Degrees Celsius. A sensor that is not there reads 0 with every family, so 0 is no temperature.
pub(crate) fn celsius(told: Option<f64>) -> Option<Temperature> {
    Temperature::from_celsius_f64(told.filter(|&degrees| degrees != 0.0)?)
}

/// The larger of what there is.
pub(crate) fn hottest(told: impl IntoIterator<Item = Option<f64>>) -> Option<Temperature> {
    told.into_iter().filter_map(celsius).max()
}

/// A rate told in GH/s.
pub(crate) fn gigahashes(told: Option<f64>) -> Option<HashRate> {
    HashRate::from_terahashes_f64(told? / 1e3)
}

/// A rate told in MH/s.
pub(crate) fn megahashes(told: Option<f64>) -> Option<HashRate> {
    HashRate::from_terahashes_f64(told? / 1e6)
}

impl Details {
    /// What a question was answered; or it is noted that it was not.
    pub(crate) fn take<T>(&mut self, question: &'static str, answer: Result<T, ReplyError>) -> Option<T> {
        answer.map_err(|error| self.unanswered.push((question, error.trouble()))).ok()
    }
    /// That it is worth asking on.
    ///
    /// # Errors
    /// Why it is not: nobody was there for the question before.
    pub(crate) fn is_there(&self) -> Result<(), ReplyError> {
        match self.unanswered.last() {
            Some((_, trouble @ (Trouble::Unreachable | Trouble::Silent))) => {
                Err(ReplyError::Broken(*trouble))
            }
            _ => Ok(()),
        }
    }
    /// Asks over TCP, where the machine is still there.
    pub(crate) async fn ask<T>(
        &mut self,
        call: &mut Call<'_>,
        question: &'static str,
        request: &[u8],
        parse: impl FnOnce(&[u8]) -> Result<T, ReplyError>,
    ) -> Option<T> {
        let answer = match self.is_there() {
            Err(gone) => Err(gone),
            Ok(()) => match call.ask(request, call.slow()).await {
                Ok(()) => parse(call.buffer),
                Err(trouble) => Err(trouble.into()),
            },
        };
        self.take(question, answer)
    }
    /// Asks for a page, with a token that `unlock` gets, where the machine is still there.
    pub(crate) async fn get<T>(
        &mut self,
        call: &mut Call<'_>,
        question: &'static str,
        page: &str,
        unlock: impl AsyncFn(&mut Call<'_>) -> Result<crate::call::Bearer, ReplyError>,
        parse: impl FnOnce(&[u8]) -> Result<T, ReplyError>,
    ) -> Option<T> {
        let answer = match self.is_there() {
            Err(gone) => Err(gone),
            Ok(()) => {
                let within = call.slow();
                let told = unlocked(call, &Ask::get(page), within, unlock).await;
                told.and_then(|answer| parse(&answer.told()?))
            }
        };
        self.take(question, answer)
    }
}

/// For pages that want no token: one that is refused is refused.
pub(crate) async fn open(_: &mut Call<'_>) -> Result<crate::call::Bearer, ReplyError> {
    Err(ReplyError::Broken(Trouble::Denied))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sensor_that_is_not_there_and_a_rate_that_is_not_told_are_absent() {
        assert_eq!((celsius(Some(0.0)), celsius(None)), (None, None));
        assert_eq!(hottest([Some(0.0), Some(61.5), None]), Temperature::from_celsius_f64(61.5));
        assert_eq!((gigahashes(None), megahashes(Some(-1.0))), (None, None));
        assert_eq!(gigahashes(Some(0.0)), Some(HashRate::ZERO), "a zero that is told is one");
        assert_eq!((seconds(Some(-1.0)), seconds(Some(f64::INFINITY))), (None, None));
    }

    #[test]
    fn a_machine_that_has_gone_is_not_asked_on() {
        let mut details = Details::default();
        assert_eq!(details.take("boards", Ok(3)), Some(3));
        let refused: Result<u8, _> = Err(ReplyError::refused("no"));
        assert_eq!(details.take("fans", refused), None);
        assert_eq!(details.is_there(), Ok(()), "who refuses is there");
        let silent: Result<u8, _> = Err(ReplyError::Broken(Trouble::Silent));
        assert_eq!(details.take("pools", silent), None);
        assert_eq!(details.is_there(), Err(ReplyError::Broken(Trouble::Silent)));
        assert_eq!(details.unanswered, [("fans", Trouble::Denied), ("pools", Trouble::Silent)]);
    }
}
