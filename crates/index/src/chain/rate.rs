//! Hash rate from blocks found, and the next retarget.
//!
//! For: what a number of blocks in a time says of the hash rate, with the interval that chance leaves,
//! over any window; when the next retarget comes and where to.
//! Not for: the truth. Nobody counts hashes: blocks arrive as a Poisson process, and a single day's figure
//! is off by 8 % for that reason alone. Times are the miners' clocks.
//!
//! Over a window of n blocks the time each takes is exponential, so that work over time is distributed as
//! n over a gamma variate of shape n; over a window of a fixed time the number of blocks is Poisson, with
//! Garwood's exact limits (Biometrika 28, 1936). See A. Ozisik, G. Bissias and B. Levine, "Estimation of
//! Miner Hash Rates and Consensus on Blockchains", arXiv 1707.00082, 2017.

use super::header::{Header, RawHeader};
use super::stats::{gamma_quantile, normal_deviations};
use super::target::{BLOCK_SECONDS, CompactTarget, RETARGET_BLOCKS, Target, TargetError, Work, retarget};
use super::verify::Tip;

/// What fixed the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// It ends with a block: so many blocks, however long they took.
    Blocks,
    /// It ends at a time: so long, however many blocks there were.
    Time,
}

/// Blocks found within a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// Height of the first block counted.
    pub first_height: u32,
    /// How many blocks are counted.
    pub blocks: u32,
    /// The time they took or lie in, in seconds.
    pub seconds: f64,
    /// The work they stand for, by their targets.
    pub work: Work,
    /// What fixed it.
    pub sampling: Sampling,
}

impl Window {
    /// From the first of these headers to the last, the first not counted: its work was done before. The
    /// first is at `first_height`.
    ///
    /// `None` unless there are two and the last is later.
    ///
    /// # Errors
    /// Bits that stand for no target.
    pub fn of_blocks(first_height: u32, headers: &[RawHeader]) -> Result<Option<Self>, TargetError> {
        let ([first, .., last], Ok(blocks)) = (headers, u32::try_from(headers.len())) else {
            return Ok(None);
        };
        let seconds = f64::from(Header::read(last).time) - f64::from(Header::read(first).time);
        let work = work_of(headers[1..].iter())?;
        let window = Self {
            first_height: first_height + 1,
            blocks: blocks - 1,
            seconds,
            work,
            sampling: Sampling::Blocks,
        };
        Ok((seconds > 0.0).then_some(window))
    }
    /// The headers with a time from `from` to before `to` (seconds since 1970), the first of them at
    /// `first_height`. The caller sees to it that they cover this time; none at all is a valid finding.
    ///
    /// `None` unless the time has a length.
    ///
    /// # Errors
    /// Bits that stand for no target.
    pub fn of_time(
        first_height: u32,
        headers: &[RawHeader],
        from: i64,
        to: i64,
    ) -> Result<Option<Self>, TargetError> {
        let within = |raw: &&RawHeader| (from..to).contains(&i64::from(Header::read(raw).time));
        let skipped = headers.iter().position(|raw| within(&raw)).unwrap_or(0);
        let counted: Vec<&RawHeader> = headers.iter().filter(within).collect();
        let work = work_of(counted.iter().copied())?;
        #[expect(clippy::cast_precision_loss, reason = "seconds of a few years")]
        let seconds = to.saturating_sub(from) as f64;
        let blocks = u32::try_from(counted.len()).unwrap_or(u32::MAX);
        let skipped = u32::try_from(skipped).unwrap_or(u32::MAX);
        let first_height = first_height.saturating_add(skipped);
        let window = Self { first_height, blocks, seconds, work, sampling: Sampling::Time };
        Ok((seconds > 0.0).then_some(window))
    }
    /// The hash rate that the window shows, with the interval that holds the true one in a share
    /// `confidence` of all cases. Where targets differ within the window each block counts by its work and
    /// the interval is that of so many equal blocks.
    ///
    /// `None` unless `confidence` lies between 0 and 1, the window has a length and, where it ends with a
    /// block, a block.
    #[must_use]
    pub fn hash_rate(&self, confidence: f64) -> Option<RateEstimate> {
        if !(confidence > 0.0 && confidence < 1.0 && self.seconds > 0.0) {
            return None;
        }
        let tail = 0.5 * (1.0 - confidence);
        let blocks = f64::from(self.blocks);
        let lower = if self.blocks == 0 { 0.0 } else { gamma_quantile(blocks, tail) };
        let upper = match self.sampling {
            Sampling::Blocks if self.blocks == 0 => return None,
            Sampling::Blocks => gamma_quantile(blocks, 1.0 - tail),
            Sampling::Time => gamma_quantile(blocks + 1.0, 1.0 - tail),
        };
        let work = self.work.to_f64();
        let each = if self.blocks == 0 { None } else { Some(work / blocks) };
        let ths = |blocks: f64| each.map(|each| each * blocks / self.seconds / 1e12);
        Some(RateEstimate {
            window: *self,
            confidence,
            hash_rate_ths: work / self.seconds / 1e12,
            lower_ths: ths(lower).unwrap_or(0.0),
            upper_ths: ths(upper),
        })
    }
}

fn work_of<'a>(headers: impl Iterator<Item = &'a RawHeader>) -> Result<Work, TargetError> {
    let mut sum = Work::ZERO;
    let mut known: Option<(CompactTarget, Work)> = None;
    for raw in headers {
        let bits = Header::read(raw).bits;
        let work = match known {
            Some((same, work)) if same == bits => work,
            _ => bits.target()?.work(),
        };
        known = Some((bits, work));
        sum = sum.plus(work);
    }
    Ok(sum)
}

/// A hash rate with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateEstimate {
    /// The blocks it rests on.
    pub window: Window,
    /// The share of cases in which the interval holds the true rate.
    pub confidence: f64,
    /// Work over time, terahashes a second.
    pub hash_rate_ths: f64,
    /// The lower end of the interval.
    pub lower_ths: f64,
    /// The upper end; unknown when not a single block was seen.
    pub upper_ths: Option<f64>,
}

/// The next retarget as it looks from a tip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NextRetarget {
    /// The first height with the new target.
    pub height: u32,
    /// Blocks still missing, that one included.
    pub blocks_left: u32,
    /// When it is found, seconds since 1970, if the pace stays.
    pub time: f64,
    /// The compact target by then.
    pub bits: CompactTarget,
    /// The new difficulty over the old, less one.
    pub change: f64,
    /// From and to where the change lies in a share [`NextRetarget::confidence`] of all cases at a steady hash
    /// rate; unknown before the second block of a period.
    pub change_interval: Option<(f64, f64)>,
    /// That share.
    pub confidence: f64,
}

/// The next retarget, from the pace of this period so far (ten minutes a block at its first block).
///
/// The time of the missing blocks over that of the blocks seen is an F variate; its logarithm is taken as
/// normal with variance 1/seen + 1/missing, which is near from a few dozen blocks on.
///
/// `None` where `confidence` is not between 0 and 1, or the period's times run backwards.
///
/// # Errors
/// A target of the tip that stands for none.
pub fn next_retarget(tip: &Tip, limit: Target, confidence: f64) -> Result<Option<NextRetarget>, TargetError> {
    let seen = tip.height % RETARGET_BLOCKS;
    let counted = RETARGET_BLOCKS - 1;
    let elapsed = f64::from(tip.time) - f64::from(tip.period_start);
    if !(confidence > 0.0 && confidence < 1.0) || (seen > 0 && elapsed <= 0.0) {
        return Ok(None);
    }
    let pace = if seen == 0 { f64::from(BLOCK_SECONDS) } else { elapsed / f64::from(seen) };
    let missing = f64::from(counted - seen);
    let change_of = |seconds: f64| -> Result<(CompactTarget, f64), TargetError> {
        #[expect(clippy::cast_possible_truncation, reason = "held to a few weeks by the retarget itself")]
        let bits = retarget(tip.bits, seconds.round() as i64, limit)?;
        Ok((bits, bits.target()?.difficulty() / tip.bits.target()?.difficulty() - 1.0))
    };
    let (bits, change) = change_of(elapsed + missing * pace)?;
    let change_interval = match (seen, counted - seen) {
        (0, _) => None,
        (_, 0) => Some((change, change)),
        _ => {
            let spread = normal_deviations(confidence) * (1.0 / missing + 1.0 / f64::from(seen)).sqrt();
            let slow = change_of(elapsed + missing * pace * spread.exp())?.1;
            Some((slow, change_of(elapsed + missing * pace * (-spread).exp())?.1))
        }
    };
    Ok(Some(NextRetarget {
        height: tip.height - seen + RETARGET_BLOCKS,
        blocks_left: RETARGET_BLOCKS - seen,
        time: f64::from(tip.time) + (missing + 1.0) * pace,
        bits,
        change,
        change_interval,
        confidence,
    }))
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::synthetic_chain;
    use super::super::verify::verify;
    use super::*;

    #[test]
    fn a_day_on_time_is_uncertain_by_a_sixth() {
        let (_, headers) = synthetic_chain(145);
        let window = Window::of_blocks(0, &headers).unwrap().unwrap();
        assert_eq!((window.first_height, window.blocks, window.seconds), (1, 144, 86_400.0));
        let rate = window.hash_rate(0.95).unwrap();
        assert!((rate.hash_rate_ths * 1e12 - 2.0 / 600.0).abs() < 1e-12);
        let (low, high) = (rate.lower_ths / rate.hash_rate_ths, rate.upper_ths.unwrap() / rate.hash_rate_ths);
        assert!((0.842..0.844).contains(&low) && (1.169..1.171).contains(&high), "{low} {high}");
        let start = i64::from(Header::read(&headers[0]).time);
        let day = Window::of_time(0, &headers, start + 600, start + 87_000).unwrap().unwrap();
        assert_eq!((day.first_height, day.blocks, day.work), (1, 144, window.work));
        let wider = day.hash_rate(0.95).unwrap();
        assert!(wider.upper_ths > rate.upper_ths && wider.lower_ths == rate.lower_ths);
    }

    #[test]
    fn no_blocks_bound_nothing() {
        let (_, headers) = synthetic_chain(3);
        let none = Window::of_time(0, &headers, 0, 600).unwrap().unwrap().hash_rate(0.9).unwrap();
        assert_eq!((none.hash_rate_ths, none.lower_ths, none.upper_ths), (0.0, 0.0, None));
        assert_eq!(Window::of_blocks(0, &headers[..1]), Ok(None));
        assert_eq!(Window::of_time(0, &headers, 5, 5), Ok(None));
        assert_eq!(Window::of_blocks(0, &headers).unwrap().unwrap().hash_rate(1.0), None);
    }

    #[test]
    fn on_time_blocks_raise_the_next_difficulty_by_the_missing_interval() {
        let (rules, headers) = synthetic_chain(2_016 + 1_000);
        let mut tip = verify(&rules, None, &headers.concat(), None).unwrap().unwrap();
        tip.bits = CompactTarget::from_bits(0x1b04_04cb);
        let next = next_retarget(&tip, Target::mainnet_limit(), 0.95).unwrap().unwrap();
        assert_eq!((next.height, next.blocks_left), (4_032, 1_017));
        assert!((next.change * 2_015.0 - 1.0).abs() < 0.01, "{}", next.change);
        let (low, high) = next.change_interval.unwrap();
        assert!((-0.05..-0.03).contains(&low) && (0.03..0.05).contains(&high), "{low} {high}");
        assert_eq!(next.time, f64::from(tip.time) + 1_017.0 * 600.0);
    }
}
