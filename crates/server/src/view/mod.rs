//! What a site shows of itself: one shape for the API, the command line and the terminal view.
//!
//! Fields name their unit. What is not known is `null`, never zero.

mod ahead;
mod field;
mod file;
mod hold;
mod machine;
pub mod observatory;
mod plant;
mod records;
mod sums;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use ahead::{AheadState, AheadView, KeptOutView};
pub use field::{FoundView, LookView, ScanView};
pub use file::{FindingView, LimitChangeView, SiteCheckView, SiteWrittenView};
pub use hold::{HoldPreviewView, HoldView};
pub use machine::{CommandRecord, MachinePage, MachineView};
pub use plant::{
    CalendarView, CircuitView, DirectivesView, Explanation, FloorView, LockoutView, OrderView, PreviewView,
    StatesView, StopView, WhyView,
};
pub use records::{
    AuditView, BackupView, MeteredView, MinutesView, OrderDeedView, OrderDeedsView, ReportView, RowsView,
    VerificationView,
};
pub use sums::{BillingPeakView, BudgetStateView, BudgetView};

/// The site as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SiteView {
    /// Its id.
    pub site: String,
    /// Its full name.
    pub name: String,
    /// Plant time.
    pub at: Timestamp,
    /// The site's time zone, for showing civil time.
    pub time_zone: String,
    /// Plant seconds a second.
    pub speed: u32,
    /// How bytes travel, in words: `sockets`, `in-memory streams, virtual time`.
    pub transport: String,
    /// The id of the circuit that is the connection to the grid.
    pub connection: String,
    /// The revenue meter; `null` while it is silent.
    pub power_kw: Option<f64>,
    /// How old that is.
    pub power_age_s: Option<f64>,
    /// What binds at the connection.
    pub limit: Option<LimitView>,
    /// What comes next there.
    pub next: Option<ChangeView>,
    /// Why nothing may start or hash, if so.
    pub block: Option<String>,
    /// By the machines' own word.
    pub hash_rate_ths: Option<f64>,
    /// Measured power over claimed hash rate.
    pub efficiency_j_per_th: Option<f64>,
    /// Money now and today; `null` for who may not see it.
    pub money: Option<MoneyView>,
    /// Machines by standing.
    pub counts: CountsView,
    /// The halls.
    pub halls: Vec<HallView>,
    /// The fans that machines need.
    #[serde(default)]
    pub fans: Vec<FansView>,
    /// The plan for the hours ahead, or why there is none.
    #[serde(default)]
    pub ahead: AheadView,
    /// Energy budgets in their running periods.
    #[serde(default)]
    pub budgets: Vec<BudgetView>,
    /// The highest mean of the billing month at the connection; `null` where it costs nothing.
    #[serde(default)]
    pub peak: Option<BillingPeakView>,
    /// Machines that somebody holds off.
    #[serde(default)]
    pub held: u32,
    /// Whether the site file was changed through the API since the start, which takes effect when the site is started again.
    #[serde(default)]
    pub restart_due: bool,
    /// From one reading of a machine to the next, as the load lets it be.
    #[serde(default)]
    pub read_every_s: f64,
    /// How commands ended since the start.
    pub commands: CommandsView,
    /// The last decisions, newest last.
    pub decisions: Vec<DecisionView>,
    /// What needs attention, most urgent first.
    pub alarms: Vec<String>,
    /// The same without a machine's name, for who does not see machines; never sent beside the other.
    #[serde(skip)]
    pub alarms_unnamed: Vec<String>,
    /// The checker's objections since the start.
    pub checker_vetoes: u64,
    /// Power against its limit over time, oldest first.
    pub trace: Vec<PointView>,
}

impl SiteView {
    /// Leaves out what only those see who may see money.
    pub fn without_money(&mut self) {
        self.money = None;
        self.ahead.more = None;
        self.ahead.more_percent = None;
        self.decisions.retain(|decision| decision.about != About::Money);
    }
    /// Leaves out what only those see who may see every machine: which ones, and who holds them off and why.
    pub fn without_machines(&mut self) {
        self.alarms = std::mem::take(&mut self.alarms_unnamed);
        self.decisions.retain_mut(|decision| match &mut decision.about {
            About::Site | About::Money => true,
            About::Machines { unnamed } => {
                let told = unnamed.take().map(|text| decision.text = text);
                decision.about = About::Site;
                told.is_some()
            }
        });
    }
}

/// A limit and who says so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LimitView {
    /// The most that may be drawn.
    pub limit_kw: f64,
    /// Who says so: `rating`, `contract`, `order 3`, ...
    pub source: String,
    /// When this source's word changes.
    pub until: Option<Timestamp>,
}

/// A coming change of what is allowed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChangeView {
    /// When it comes.
    pub at: Timestamp,
    /// What holds from then on.
    pub limit_kw: f64,
    /// In words: `window opens`, or who then has the word.
    pub text: String,
}

/// Money now and today.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MoneyView {
    /// The site's currency, by its ISO 4217 code.
    pub currency: String,
    /// Power at the present price; `null` without a price or a meter.
    pub cost_per_h: Option<f64>,
    /// Hashing at the present price; `null` without a price.
    pub revenue_per_h: Option<f64>,
    /// Revenue less cost; `null` where one of them is.
    pub margin_per_h: Option<f64>,
    /// Since civil midnight.
    pub cost_today: f64,
    /// Since civil midnight.
    pub revenue_today: f64,
    /// Since civil midnight.
    pub margin_today: f64,
    /// By the revenue meter, since civil midnight.
    pub energy_today_kwh: f64,
    /// Time of today that is in none of these sums.
    pub unmetered_s: f64,
    /// Time with energy but without a price.
    pub unpriced_s: f64,
}

/// Machines by standing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CountsView {
    /// Hash.
    pub running: u32,
    /// On their way up.
    pub rising: u32,
    /// On their way down.
    pub falling: u32,
    /// Sleep.
    pub asleep: u32,
    /// Cut at their outlets.
    pub cut: u32,
    /// Answer, and say that they fail.
    pub failed: u32,
    /// Nothing fresh is known of them.
    pub unknown: u32,
    /// All.
    pub total: u32,
}

impl CountsView {
    /// By state, with its word.
    pub fn by_state(&self) -> [(u32, &'static str); 7] {
        [
            (self.running, "running"),
            (self.rising, "rising"),
            (self.falling, "falling"),
            (self.asleep, "asleep"),
            (self.cut, "cut"),
            (self.failed, "failed"),
            (self.unknown, "unknown"),
        ]
    }
    /// As `940 running, 60 asleep of 1000`; running is never left out.
    pub fn words(&self) -> String {
        let shown = self.by_state().into_iter().filter(|(n, word)| *n > 0 || *word == "running");
        let words: Vec<_> = shown.map(|(number, word)| format!("{number} {word}")).collect();
        format!("{} of {}", words.join(", "), self.total)
    }
}

/// One hall.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HallView {
    /// As in the site file.
    pub id: String,
    /// `observe` or `control`.
    pub authority: String,
    /// Its meter, or what its machines come to by the catalogue where it has none.
    pub power_kw: Option<f64>,
    /// Whether it has a meter.
    pub metered: bool,
    /// The most it may draw; `null` where nothing limits.
    pub limit_kw: Option<f64>,
    /// Who says so.
    pub source: Option<String>,
    /// Its machines by standing.
    pub counts: CountsView,
    /// A stop or lockout on it.
    pub block: Option<String>,
    /// What offpeak would do now in a hall that it only watches.
    pub advice: Option<AdviceView>,
}

/// A set of fans.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FansView {
    /// As in the site file.
    pub id: String,
    /// Whose machines need them.
    pub circuit: String,
    /// How many of their contactors are closed; `null` while their switch is silent.
    pub closed: Option<u16>,
    /// How many they have.
    pub contactors: u16,
    /// In words.
    pub state: String,
}

/// What would be done now if offpeak might act, in machines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdviceView {
    /// Put to sleep or cut.
    pub stop: u32,
    /// Woken.
    pub start: u32,
}

impl AdviceView {
    /// As `would stop 12 and start 0`.
    pub fn words(self) -> String {
        format!("would stop {} and start {}", self.stop, self.start)
    }
}

/// How commands ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommandsView {
    /// Handed to the network.
    pub issued: u64,
    /// By the machine's own later reading.
    pub confirmed: u64,
    /// The machine said no.
    pub refused: u64,
    /// The machine said nothing.
    pub unanswered: u64,
    /// It said yes, and no reading showed it in time.
    pub timed_out: u64,
    /// A newer command took its place.
    pub superseded: u64,
    /// To sleep, or cut.
    pub sleeps_issued: u64,
    /// Of these, confirmed.
    pub sleeps_confirmed: u64,
    /// To wake, or restored.
    pub wakes_issued: u64,
    /// Of these, confirmed.
    pub wakes_confirmed: u64,
    /// Batches of commands that a circuit's meter agreed with, disagreed with, and could not tell.
    pub meter_agrees: u64,
    /// Batches that the meter disagreed with.
    pub meter_disagrees: u64,
    /// Batches too small to see.
    pub meter_cannot_tell: u64,
}

impl CommandsView {
    /// As `12 batches agree, 1 disagrees, 3 too small to tell`; nothing before the first.
    pub fn meter_words(&self) -> Option<String> {
        let (agree, disagree, unknown) = (self.meter_agrees, self.meter_disagrees, self.meter_cannot_tell);
        let any = agree + disagree + unknown > 0;
        any.then(|| format!("{agree} batches agree, {disagree} disagree, {unknown} cannot be told"))
    }
}

/// A decision in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DecisionView {
    /// When it fell.
    pub at: Timestamp,
    /// What and why.
    pub text: String,
    /// Who is told so; not sent.
    #[serde(skip)]
    pub about: About,
}

/// What a decision is about, which is who is told of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum About {
    /// The site: whoever sees it.
    #[default]
    Site,
    /// What is earned and paid: who may see money.
    Money,
    /// Single machines: who may see those.
    Machines {
        /// What others are told; `None`: nothing.
        unnamed: Option<String>,
    },
}

/// Power against its limit at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PointView {
    /// The moment.
    pub at: Timestamp,
    /// Measured; `null` while the meter was silent.
    pub power_kw: Option<f64>,
    /// Allowed; `null` where nothing limited.
    pub limit_kw: Option<f64>,
    /// Who said so.
    pub source: Option<String>,
}
