//! Splits a whole by weights so that the parts add up to it, to the unit.

/// The parts of a whole by weights: each is its exact share rounded down, and the units left over go to the largest
/// remainders, the earlier first among equals (the method of Hare and Niemeyer). The parts add up to the whole and
/// none is a unit or more off its exact share. A negative whole is split as its magnitude.
///
/// `None` where there is something to split and no weight to split it by.
///
/// ```
/// use offpeak_accounts::split;
/// assert_eq!(split(100, &[1, 1, 1]), Some(vec![34, 33, 33]));
/// assert_eq!(split(100, &[0, 0]), None);
/// ```
#[must_use]
pub fn split(whole: i64, weights: &[u64]) -> Option<Vec<i64>> {
    let sum: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    if sum == 0 {
        return (whole == 0).then(|| vec![0; weights.len()]);
    }
    let (magnitude, sign) = (u128::from(whole.unsigned_abs()), whole.signum());
    // Division of 64 bits is several times quicker, and a minute of a large mine fits.
    let largest = u128::from(weights.iter().copied().max().unwrap_or(0));
    let divide: fn(u128, u128) -> (u128, u128) = if sum.max(magnitude * largest) <= u128::from(u64::MAX) {
        |product, sum| {
            let (product, sum) = (product as u64, sum as u64);
            (u128::from(product / sum), u128::from(product % sum))
        }
    } else {
        |product, sum| (product / sum, product % sum)
    };
    let mut parts = Vec::with_capacity(weights.len());
    let mut remainders = Vec::with_capacity(weights.len());
    let mut given: u128 = 0;
    for (place, weight) in weights.iter().enumerate() {
        // Two numbers of 64 bits: the product fits 128.
        let product = magnitude * u128::from(*weight);
        let (part, remainder) = divide(product, sum);
        given += part;
        parts.push(i64::try_from(part).expect("no part is larger than the whole"));
        if remainder > 0 {
            remainders.push((std::cmp::Reverse(remainder), place));
        }
    }
    let left = usize::try_from(magnitude - given).expect("fewer units are left than there are weights");
    if left > 0 {
        remainders.select_nth_unstable(left - 1);
        for (_, place) in &remainders[..left] {
            parts[*place] += 1;
        }
    }
    if sign < 0 {
        parts.iter_mut().for_each(|part| *part = -*part);
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_add_up_and_none_is_a_unit_off(
            whole in any::<i64>().prop_filter("has a magnitude", |whole| *whole > i64::MIN),
            weights in prop::collection::vec(prop_oneof![Just(0), 0..10_u64, any::<u64>()], 1..60),
        ) {
            let sum: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
            prop_assume!(sum > 0);
            let parts = split(whole, &weights).unwrap();
            prop_assert_eq!(parts.iter().map(|part| i128::from(*part)).sum::<i128>(), i128::from(whole));
            for (part, weight) in parts.iter().zip(&weights) {
                // |part * sum - whole * weight| < sum, and nothing for nothing.
                let (got, exact) = (u128::from(part.unsigned_abs()), u128::from(whole.unsigned_abs()) * u128::from(*weight));
                let (floor, exact_up) = (exact / sum, exact.div_ceil(sum));
                prop_assert!((floor..=exact_up).contains(&got));
                prop_assert!(*weight > 0 || *part == 0);
            }
        }
    }
}
