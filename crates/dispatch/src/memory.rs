//! What the past leaves behind: outstanding commands, since when a machine runs, who does not obey,
//! the meters' steady values, the ramp's use. Its lasting part lives in the book; the rest is
//! learned again within minutes.

use jiff::Timestamp;
use offpeak_site::{Action, Activity, ModeName, Model, Site};
use offpeak_units::Power;

use crate::aim::Aim;
use crate::batch::Batch;
use crate::correction::Correction;
use crate::counts::Counts;
use crate::fans::FansMemory;
use crate::frozen::Frozen;
use crate::mean::Means;
use crate::meter_filter::MeterFilter;
use crate::quality::Quality;
use crate::rank::Earning;
use crate::share::Served;

/// A command whose effect has not been seen yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outstanding {
    /// Its number; results of older ones are ignored.
    pub generation: u64,
    /// What was asked.
    pub action: Action,
    /// When.
    pub issued_at: Timestamp,
    /// When its effect should have been seen.
    pub deadline: Timestamp,
    /// Whether the machine said it accepts.
    pub accepted: bool,
    /// A reduction by a stop, a lockout or an emergency, of a machine with an outlet: one try, then the outlet.
    pub urgent: bool,
    /// For a reduction: what the meter will certainly fall by. Zero for a machine that was still
    /// ramping, since nobody knows how much of it the meter already held.
    pub relief: Power,
}

impl Outstanding {
    /// Whether it lets a machine draw more.
    #[must_use]
    pub const fn is_increase(&self) -> bool {
        is_increase(self.action)
    }
}

/// Whether an action lets a machine draw more. A change of mode counts as one: its direction is
/// not known from the action alone.
#[must_use]
pub(crate) const fn is_increase(action: Action) -> bool {
    matches!(action, Action::Wake | Action::SetMode(_) | Action::Restore)
}

/// What is remembered of one machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MachineMemory {
    /// The command in flight.
    pub outstanding: Option<Outstanding>,
    /// When it was last started by us; from the book after a restart.
    pub started_at: Option<Timestamp>,
    /// When it was seen to begin hashing; `None` if it already did when first seen.
    pub hashing_since: Option<Timestamp>,
    /// From when on the meter holds all of its load; `None` if it has since before anything is
    /// remembered.
    pub settles_at: Option<Timestamp>,
    /// What it last said it was doing; `None` if it never answered.
    pub activity: Option<Activity>,
    /// It fell silent since then: when it comes back hashing it may be on its way up again.
    pub lost: bool,
    /// It came back from silence and starts by itself, as after a power return; it has no turn in the ramp yet.
    pub returns: bool,
    /// Failed tries of the present wish.
    pub attempts: u8,
    /// Not woken again before this.
    pub wake_retry_at: Option<Timestamp>,
    /// Not asked to sleep again before this.
    pub sleep_retry_at: Option<Timestamp>,
    /// Its outlet is open, by our command; from the book after a restart.
    pub cut: bool,
    /// When we last switched its outlet; an older word of the switch is no news.
    pub switched_at: Option<Timestamp>,
    /// Since when it has been asleep or cut by our command.
    pub rests_since: Option<Timestamp>,
    /// It has let every try to put it to sleep pass: next time its outlet is opened at once.
    pub disobeys: bool,
    /// What it was found to reach of its catalogue efficiency.
    pub quality: Quality,
    /// Whether it earns what its power costs, as last decided.
    pub earning: Earning,
    /// The mode it was last told to take, and until when it may be restarting for it.
    pub changes_mode: Option<(ModeName, Timestamp)>,
    /// It sleeps so that a better one can run, at the least until then.
    pub swapped_until: Option<Timestamp>,
    /// It did not take a mode, and is not told another before this.
    pub mode_retry_at: Option<Timestamp>,
}

impl MachineMemory {
    /// Whether it does not obey: never, or at least not when it was cut for want of an answer. One whose model has no
    /// sleep is cut in the ordinary way.
    #[must_use]
    pub fn is_disobedient(&self, model: &Model) -> bool {
        self.disobeys || (self.cut && model.is_put_to_sleep())
    }
    /// The mode that it may be restarting for.
    #[must_use]
    pub(crate) fn mode_under_way(&self, now: Timestamp) -> Option<ModeName> {
        self.changes_mode.filter(|(_, until)| now < *until).map(|(mode, _)| mode)
    }
}

/// How much of a circuit's upward ramp is used: a token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// What could be started at `at`.
    pub tokens: Power,
    /// When that was.
    pub at: Timestamp,
}

/// What the past leaves behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// One element a machine.
    pub machines: Vec<MachineMemory>,
    /// One element a meter.
    pub meters: Vec<MeterFilter>,
    /// One element a meter: what it has drawn in the present quarter hour, half hour and hour.
    pub means: Vec<Means>,
    /// One element a circuit: the most it could come to draw when its last starts were let in, with
    /// every later surprise added. A reduction is judged by it, so that a machine on its way up is
    /// not counted twice; a start never is. `None` before the first start and without a meter.
    pub admitted: Vec<Option<Power>>,
    /// One element a circuit: what it was to come down to when its last reductions were ordered, as long
    /// as one of them is in flight. A watt that the meter has lost already is not expected to go again.
    pub promised: Vec<Option<Power>>,
    /// What of a machine's catalogue watts a reduction is counted on for, in parts per million, as it stood
    /// when the first of the reductions in flight was ordered.
    pub relief_ppm: Option<i64>,
    /// One element a circuit: the commands under way that its meter will be asked about.
    pub batches: Vec<Option<Batch>>,
    /// One element a set of fans.
    pub fans: Vec<FansMemory>,
    /// One element a circuit: its upward ramp, where it has one that is used.
    pub release: Vec<Option<Release>>,
    /// What is best for each machine as the mine stands; see [`Aim`].
    pub aim: Aim,
    /// What each owner was served this month.
    pub served: Served,
    /// One element a circuit: by how much its machines draw more or less than the catalogue says.
    pub corrections: Vec<Option<Correction>>,
    /// What was used of budgets, and the month's highest mean.
    pub counts: Counts,
    /// One element a meter: since when it has shown one and the same value.
    pub frozen: Vec<Frozen>,
    /// The next command's generation. The book hands out ranges so that none is ever used twice.
    pub generation: u64,
    /// Whether meters and machines have all been asked since the start; nothing is started before.
    pub ready: bool,
}

impl Memory {
    /// An empty memory: nothing outstanding, nothing known.
    #[must_use]
    pub fn new(site: &Site, generation: u64) -> Self {
        Self {
            machines: vec![MachineMemory::default(); site.machines.len()],
            meters: site.meters.iter().map(|meter| MeterFilter::new(meter.error_ppm)).collect(),
            means: vec![Means::default(); site.meters.len()],
            admitted: vec![None; site.circuits.len()],
            promised: vec![None; site.circuits.len()],
            relief_ppm: None,
            batches: vec![None; site.circuits.len()],
            fans: vec![FansMemory::default(); site.fans.len()],
            release: vec![None; site.circuits.len()],
            aim: Aim::default(),
            served: Served::default(),
            corrections: vec![None; site.circuits.len()],
            counts: Counts::new(site),
            frozen: vec![Frozen::default(); site.meters.len()],
            generation,
            ready: false,
        }
    }
}
