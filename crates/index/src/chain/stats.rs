//! Quantiles of the gamma distribution.
//!
//! For: intervals of a rate that is seen through random arrivals. Not for: any other statistics.
//! Formulas: NIST Digital Library of Mathematical Functions (2010 and later), 5.11.1 (Stirling's series),
//! 8.11.4 (series) and 8.9.2 (continued fraction) of the incomplete gamma function.

/// More terms than any shape below a million needs.
const TERMS_MAX: usize = 20_000;

/// The natural logarithm of the gamma function, for arguments above zero.
fn ln_gamma(x: f64) -> f64 {
    // Stirling's series is good to 1e-14 from 12 on; below, the recurrence leads there.
    let (mut shifted, mut below) = (x, 0.0);
    while shifted < 12.0 {
        below += shifted.ln();
        shifted += 1.0;
    }
    let inverse = 1.0 / (shifted * shifted);
    let terms = [1.0 / 1_188.0, -1.0 / 1_680.0, 1.0 / 1_260.0, -1.0 / 360.0, 1.0 / 12.0];
    let series = terms.iter().fold(0.0, |sum, term| sum * inverse + term) / shifted;
    (shifted - 0.5) * shifted.ln() - shifted + 0.5 * core::f64::consts::TAU.ln() + series - below
}

/// The share of a gamma distribution of this shape (scale 1) that lies below `x`.
pub(super) fn gamma_below(shape: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let factor = (shape * x.ln() - x - ln_gamma(shape)).exp();
    if x < shape + 1.0 {
        let (mut term, mut sum) = (1.0 / shape, 1.0 / shape);
        for place in 1..TERMS_MAX {
            #[expect(clippy::cast_precision_loss, reason = "a place in a short series")]
            let next = shape + place as f64;
            term *= x / next;
            sum += term;
            if term < sum * 1e-16 {
                break;
            }
        }
        return (factor * sum).clamp(0.0, 1.0);
    }
    // The continued fraction of what lies above, from its front (Lentz's method).
    let tiny = 1e-300;
    let mut lower = x + 1.0 - shape;
    let (mut front, mut back) = (1.0 / tiny, 1.0 / lower);
    let mut fraction = back;
    for place in 1..TERMS_MAX {
        #[expect(clippy::cast_precision_loss, reason = "a place in a short fraction")]
        let place = place as f64;
        let upper = -place * (place - shape);
        lower += 2.0;
        back = 1.0 / nonzero(upper * back + lower, tiny);
        front = nonzero(lower + upper / front, tiny);
        fraction *= back * front;
        if (back * front - 1.0).abs() < 1e-15 {
            break;
        }
    }
    (1.0 - factor * fraction).clamp(0.0, 1.0)
}

fn nonzero(value: f64, tiny: f64) -> f64 {
    if value.abs() < tiny { tiny } else { value }
}

/// The value below which a share of a gamma distribution of this shape (scale 1) lies, to about 12 digits;
/// for shapes above zero and shares between 0 and 1.
pub(super) fn gamma_quantile(shape: f64, share: f64) -> f64 {
    let (mut low, mut high) = (0.0, shape + 1.0);
    while gamma_below(shape, high) < share && high < 1e12 {
        low = high;
        high *= 2.0;
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if gamma_below(shape, middle) < share {
            low = middle;
        } else {
            high = middle;
        }
        if high - low <= high * 1e-13 {
            break;
        }
    }
    0.5 * (low + high)
}

/// How many standard deviations either side of a normal mean hold a share of it: the square of a normal
/// deviate is twice a gamma variate of shape 1/2.
pub(super) fn normal_deviations(share: f64) -> f64 {
    (2.0 * gamma_quantile(0.5, share)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64, part: f64) {
        assert!((found / expected - 1.0).abs() < part, "{found} is not {expected}");
    }

    #[test]
    fn the_gamma_function_is_a_factorial() {
        near(ln_gamma(5.0), 24f64.ln(), 1e-13);
        near(ln_gamma(0.5), core::f64::consts::PI.sqrt().ln(), 1e-13);
        near(ln_gamma(171.0), 706.573_062_245_787_4, 1e-14);
    }

    #[test]
    fn quantiles_agree_with_the_tables() {
        // Half of the quantiles of chi-square: Garwood's limits of a Poisson mean (Biometrika 28, 1936).
        near(gamma_quantile(1.0, 0.025), 0.025_317_807_984, 1e-9);
        near(gamma_quantile(2.0, 0.975), 5.571_643_390, 1e-9);
        near(gamma_quantile(10.0, 0.025), 4.795_388_696, 1e-9);
        near(gamma_quantile(11.0, 0.975), 18.390_356_05, 1e-9);
        near(normal_deviations(0.95), 1.959_963_984_540_054, 1e-11);
        near(normal_deviations(0.99), 2.575_829_303_548_901, 1e-11);
        // Of a large shape the normal holds: 144 x 14 days.
        let shape = 2_016.0;
        near(gamma_quantile(shape, 0.5), shape - 1.0 / 3.0, 1e-6);
        for share in [1e-6, 0.01, 0.3, 0.5, 0.9, 0.999] {
            for shape in [0.5, 1.0, 7.0, 144.0, 60_000.0] {
                near(gamma_below(shape, gamma_quantile(shape, share)), share, 1e-8);
            }
        }
    }
}
