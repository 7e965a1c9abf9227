//! The nouns of a mine: its circuit tree, machines, meters, switches, contract, tariffs and prices;
//! the hardware catalogue; what is observed of a machine and what can be asked of it; and the site
//! file with its validation.
//!
//! Not here: decisions (`dispatch`), protocols (`drivers`), physics (`twin`).

pub mod budget;
pub mod circuit;
pub mod contract;
pub mod family_times;
pub mod fans;
pub mod file;
pub mod hardware;
pub mod machine;
pub mod observe;
pub mod plant;
pub mod price;
pub mod rules;
pub mod summary;

pub use budget::{Before, DemandCharge, EnergyBudget, Period};
pub use circuit::{Circuit, CircuitIx, CircuitKind, CircuitTree, CircuitTreeError, Ramp};
pub use contract::{Contract, Import, LimitSpan, Window};
pub use family_times::{FamilyTimes, family_times};
pub use fans::{FanIx, Fans};
pub use hardware::{Distribution, Family, Mode, ModeName, Model, ModelIx, Transitions};
pub use machine::{Endpoint, MacAddress, Machine, MachineIx, Outlet, Owner, OwnerIx};
pub use observe::{
    Action, Activity, Meter, MeterIx, MeterReading, Outcome, Reading, Switch, SwitchIx, Trouble,
};
pub use plant::{Authority, Site};
pub use price::{Costs, Dated, Economics, Levy, Tariff};
pub use rules::{
    Balance, Demand, Derating, Measure, OwnerTerms, Phase, Rules, SharingRule, Signal, Timing, Tuning,
};
