//! Pure control: what is seen becomes an envelope, a plan with a reason for every machine, a
//! verdict of an independent checker, and commands.
//!
//! ```text
//! snapshot ─▶ envelope ─▶ plan ─▶ check ─▶ reconcile ─▶ commands
//! ```
//!
//! No clock, no I/O, no threads: `now` is in the snapshot, what the past leaves behind is
//! [`Memory`]. Not here: how a command reaches a machine (`drivers`), what is remembered on disk
//! (`store`).

pub mod ahead;
mod aim;
mod batch;
mod calendar;
mod check;
mod check_fans;
mod controller;
mod correction;
mod counts;
mod directive;
mod envelope;
mod fans;
mod frame;
mod frozen;
mod load;
mod mean;
mod memory;
mod meter_filter;
mod peak;
mod plan;
mod preview;
mod quality;
mod rank;
mod reconcile;
mod share;
mod snapshot;
pub mod solve;
mod sources;
mod standing;
#[cfg(test)]
mod testing;
mod used;

pub use aim::{Aim, Want};
pub use batch::{Batch, BatchVerdict, MeterSays};
pub use calendar::{CalendarRow, calendar};
pub use check::{Veto, VetoCause, check};
pub use controller::{Controller, Cycle};
pub use correction::Correction;
pub use counts::Counts;
pub use directive::{Directives, Feeds, Hold, Lockout, Order, OrderKind, SignalWord, Stop};
pub use envelope::{
    Block, CircuitLimit, Envelope, Known, Limit, Source, envelope, envelope_with, every_limit,
};
pub use fans::{FanCommand, FanTarget, FanTransition, FansAsked, FansMemory, FansSeen};
pub use frame::Frame;
pub use frozen::Frozen;
pub use load::{CircuitLoad, Loads};
pub use mean::Means;
pub use memory::{MachineMemory, Memory, Outstanding, Release};
pub use meter_filter::MeterFilter;
pub use peak::{Month, PeakState, PeakUse, Stretch};
pub use plan::{Behind, Plan, Reason, Setpoint, Target, Unmet, plan};
pub use preview::{HoldPreview, Preview, Why, preview, preview_hold, why};
pub use quality::Quality;
pub use rank::{Earning, Ranking, break_even, hash_price, rank, worth_of_imports};
pub use reconcile::{Command, CommandState, Transition};
pub use share::Served;
pub use snapshot::{Returned, Seen, Snapshot};
pub use standing::Standing;
pub use used::{BudgetStanding, BudgetState, Running, Used};

/// How long things may take and how far they may be off. One place, so that every limit is written
/// down; the reasons stand with each.
pub mod limits {
    use jiff::SignedDuration;

    /// A machine's word older than this is stale: three slow polls missed.
    pub const READING_STALE: SignedDuration = SignedDuration::from_secs(60);
    /// How long ago a machine may have changed before its next word shows it: one round of polls.
    pub const POLL_SLOW: SignedDuration = SignedDuration::from_secs(10);
    /// A meter older than this is silent: its circuit counts at its highest credible load.
    pub const METER_STALE: SignedDuration = SignedDuration::from_secs(10);
    /// A machine that stopped answering while it was wanted may come back by itself within this
    /// time, so its full power is kept free for it.
    pub const RETURN_HORIZON: SignedDuration = SignedDuration::from_mins(10);
    /// A start is not worth it when the window closes sooner than this after the ramp down begins.
    pub const RUN_MIN: SignedDuration = SignedDuration::from_mins(10);
    /// What stragglers get between the last planned sleep command and the closing of a window: two
    /// tries and a cut at the outlet.
    pub const CLOSING_TAIL: SignedDuration = SignedDuration::from_secs(270);
    /// Added to a transition's 95th percentile before a command counts as not confirmed: the poll
    /// interval and a slow reply.
    pub const CONFIRM_GRACE: SignedDuration = SignedDuration::from_secs(25);
    /// A machine with an outlet that is told to stop in an emergency is cut when it is not seen asleep by then: one
    /// round of polls and twice what a quick sleeper takes. So all that can be switched is off within 30 s.
    pub const URGENT_AFTER: SignedDuration = SignedDuration::from_secs(25);
    /// A command that could not be sent within this time is dropped.
    pub const COMMAND_EXPIRY: SignedDuration = SignedDuration::from_secs(20);
    /// What a switch said of fans' contactors longer ago than this counts as nothing: several readings missed.
    pub const FANS_STALE: SignedDuration = SignedDuration::from_secs(15);
    /// Fans that did not follow are asked again after this,
    pub const FANS_AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(10);
    /// so often, and then after [`RETRY_AFTER`].
    pub const FANS_TRIES_MAX: u8 = 6;
    /// Tries of one wish before a machine counts as not obeying.
    pub const ATTEMPTS_MAX: u8 = 2;
    /// After a try that nobody answered, before the next: a machine that restarts is not answering yet.
    pub const TRY_AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(10);
    /// How long a machine that does not obey is left alone before it is asked again.
    pub const RETRY_AFTER: SignedDuration = SignedDuration::from_mins(15);
    /// After the last command of a batch has ended, before the meter is asked: its filter's memory.
    pub const METER_SETTLES: SignedDuration = SignedDuration::from_secs(40);
    /// A batch that is still under way after this is not judged.
    pub const BATCH_MAX: SignedDuration = SignedDuration::from_mins(60);
    /// An outdoor temperature older than this is not known: a hot front passes within an hour.
    pub const OUTDOOR_HOLD: SignedDuration = SignedDuration::from_mins(30);
    /// A hash price told longer ago does not count: difficulty and fees move by more within a day.
    pub const HASH_PRICE_HOLD: SignedDuration = SignedDuration::from_hours(6);
    /// A model stopped for money rests so long: a price that sways must not stop and start it.
    pub const EARNS_AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(15);
    /// And must then earn so many percent more than its power costs.
    pub const EARNS_AGAIN_PERCENT: i64 = 2;
    /// A meter that shows one and the same value for so long while the machines' load has changed is stuck.
    pub const METER_FROZEN: SignedDuration = SignedDuration::from_secs(60);
    /// What is left of a limit on a mean is spread over no less than this, so that the last second of a
    /// stretch asks nothing that nobody can do.
    pub const MEAN_LEFT_LEAST: SignedDuration = SignedDuration::from_secs(60);
    /// What is best for machines that run is worked out so often,
    pub const AIM_EVERY: SignedDuration = SignedDuration::from_mins(5);
    /// again after this while too many machines are on their way,
    pub const AIM_RETRY: SignedDuration = SignedDuration::from_mins(1);
    /// and goes for so long: prices and meters move on.
    pub const AIM_HOLDS: SignedDuration = SignedDuration::from_mins(10);
    /// So many percent of the machines (one at the least) may be on their way at once for others to be tuned: each restarts
    /// for it and draws nothing meanwhile.
    pub const TUNED_AT_ONCE_PERCENT: usize = 2;
    /// A change of mode must pay for itself within this, and within the present span of the contract.
    pub const TUNING_LASTS: SignedDuration = SignedDuration::from_hours(4);
    /// Of those of one circuit so many percent (and one at the least): neighbours restart one after the other.
    pub const TUNED_OF_CIRCUIT_PERCENT: u32 = 5;
    /// A machine that was stopped for a better one is not started before this.
    pub const SWAP_RESTS: SignedDuration = SignedDuration::from_mins(30);
    /// A machine that did not take a mode is not told another for so long.
    pub const MODE_AGAIN_AFTER: SignedDuration = SignedDuration::from_hours(24);
    /// What a meter has shown of its machines' watts holds so long: the weather moves on.
    pub const CORRECTION_HOLDS: SignedDuration = SignedDuration::from_hours(2);
    /// The contract's present word is asked for anew after so long at the latest: in it, a change that was beyond what is
    /// looked ahead comes nearer by no more than this.
    pub const SPANS_HOLD: SignedDuration = SignedDuration::from_hours(24);
    /// When hardly anything is left of an energy budget, it is looked at so often.
    pub const BUDGET_LOOK: SignedDuration = SignedDuration::from_secs(10);
    /// After a power return or a wake, how much longer than its 95th percentile a ramp may take
    /// until the meter alone is believed to hold it: the meter filter's memory.
    pub const SETTLE_GRACE: SignedDuration = SignedDuration::from_secs(90);
}
