//! Numbers as machines write them, without going through floats: a reply is put together some
//! twenty thousand times a second.

use core::fmt;

/// Hundredths, written with two decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hundredths(pub(super) i64);

impl fmt::Display for Hundredths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let size = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", size / 100, size % 100)
    }
}

/// Adds text to a reply. Writing into memory does not fail.
macro_rules! add {
    ($out:expr, $($arguments:tt)*) => {{
        use std::io::Write as _;
        write!($out, $($arguments)*).expect("a vector takes what is written to it")
    }};
}
pub(super) use add;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_decimals_and_a_sign() {
        let text = |hundredths| Hundredths(hundredths).to_string();
        assert_eq!([text(0), text(-7), text(12_345)], ["0.00", "-0.07", "123.45"]);
    }
}
