//! What a block creates, by its height.
//!
//! For: subsidy, supply and halvings as the schedule has them (Bitcoin Core, `validation.cpp`,
//! `GetBlockSubsidy`). Not for: fees, and not for what miners failed to claim or nobody can spend (the
//! first block's 50 bitcoins among it): the supply here is what the schedule allows.

/// Blocks between two halvings.
pub const HALVING_BLOCKS: u32 = 210_000;
/// Satoshis in a bitcoin.
pub const SAT_PER_BTC: u64 = 100_000_000;

/// What the block at a height may create, in satoshis.
///
/// ```
/// use offpeak_index::chain::subsidy_sat;
/// assert_eq!(subsidy_sat(209_999), 5_000_000_000);
/// assert_eq!(subsidy_sat(840_000), 312_500_000);
/// ```
#[must_use]
pub const fn subsidy_sat(height: u32) -> u64 {
    let halvings = height / HALVING_BLOCKS;
    if halvings >= 64 { 0 } else { (50 * SAT_PER_BTC) >> halvings }
}

/// What all blocks below a height may have created together, in satoshis.
#[must_use]
pub fn supply_sat(height: u32) -> u64 {
    let whole: u64 = (0..height / HALVING_BLOCKS)
        .map(|halvings| u64::from(HALVING_BLOCKS) * subsidy_sat(halvings * HALVING_BLOCKS))
        .sum();
    whole + u64::from(height % HALVING_BLOCKS) * subsidy_sat(height)
}

/// The first height from `height` on at which the subsidy halves.
#[must_use]
pub const fn next_halving(height: u32) -> u32 {
    height.div_ceil(HALVING_BLOCKS).saturating_mul(HALVING_BLOCKS)
}

/// The supply in bitcoins at a height between two blocks.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a height, cut to whole blocks")]
#[expect(clippy::cast_precision_loss, reason = "21e14 satoshis fit a float")]
pub(super) fn supply_btc(height: f64) -> f64 {
    let whole = height.max(0.0) as u32;
    let part = (height - f64::from(whole)).clamp(0.0, 1.0);
    (supply_sat(whole) as f64 + part * subsidy_sat(whole) as f64) / SAT_PER_BTC as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_ends_below_twenty_one_million() {
        assert_eq!(supply_sat(0), 0);
        assert_eq!(supply_sat(1), 5_000_000_000);
        assert_eq!(supply_sat(210_001), 210_000 * 5_000_000_000 + 2_500_000_000);
        assert_eq!(subsidy_sat(6_929_999), 1);
        assert_eq!(subsidy_sat(6_930_000), 0);
        assert_eq!(supply_sat(6_930_000), 2_099_999_997_690_000);
        assert_eq!(supply_sat(u32::MAX), 2_099_999_997_690_000);
        assert_eq!(
            (next_halving(1), next_halving(840_000), next_halving(840_001)),
            (210_000, 840_000, 1_050_000)
        );
    }

    #[test]
    fn between_blocks_the_supply_grows_evenly() {
        assert_eq!(supply_btc(1.5), 75.0);
        assert_eq!(supply_btc(209_999.5) + 25.0, supply_btc(210_000.0));
        assert_eq!(supply_btc(-1.0), 0.0);
    }
}
