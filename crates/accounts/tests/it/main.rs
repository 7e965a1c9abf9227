//! The accounts from outside: 20 MW for a day is 480.000 MWh whatever befalls the meter, and everything adds up.

#![expect(clippy::unwrap_used, reason = "a test stops where its ground gives way")]

mod ledger;
mod machine;
mod meter;
mod settle;
mod twenty;

use jiff::Timestamp;

/// A minute's edge.
fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_664_733_600 + second).unwrap()
}
