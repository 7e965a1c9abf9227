//! Quantities of a mine that cannot be mixed up.
//!
//! Every quantity is an integer of a stated small unit, so sums are exact and do not depend on
//! their order; a value crosses to a bare number only by name ([`Power::from_watts`],
//! [`Power::to_watts`]). Additions that overflow panic: a wrapped sum would pass for a small load.
//!
//! Not here: time (see `jiff`), identifiers, and anything that knows what a machine is.

mod electric;
mod mining;
mod money;
mod quantity;
mod temperature;

pub use electric::{ApparentPower, Current, Energy, Power};
pub use mining::{Efficiency, HashRate, Hashes};
pub use money::{Currency, CurrencyError, HashPrice, Money, Price};
pub use temperature::Temperature;
