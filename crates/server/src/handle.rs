//! What can be asked of a running site, whoever asks: the API, the command line through it, and the terminal view.

use jiff::Timestamp;
use offpeak_site::Site;
use offpeak_site::file::nearest;
pub use offpeak_store::By;

use crate::beside::{Field, Holds, Records, SiteFile};
use crate::view::{
    CalendarView, CircuitView, CommandRecord, DirectivesView, Explanation, FloorView, MachinePage,
    MachineView, OrderView, PreviewView, SiteView, StatesView, WhyView,
};

/// Which machines to list, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MachineQuery {
    /// Only this hall.
    pub hall: Option<String>,
    /// Only on this circuit or below it.
    pub circuit: Option<String>,
    /// Only these states, as in `MachineView::state`.
    pub states: Vec<String>,
    /// Only this owner's.
    pub owner: Option<String>,
    /// Only this model.
    pub model: Option<String>,
    /// Only those with something wrong between us and them, or without.
    pub trouble: Option<bool>,
    /// Ids of machines that an alert names, which count as those with trouble.
    pub alerted: Vec<String>,
    /// Only those that somebody holds off, or that nobody does.
    pub held: Option<bool>,
    /// Only those whose id, address, MAC, serial, model or owner has this in it, in any case.
    pub search: Option<String>,
    /// By what; by place in the site file unless given.
    pub sort: MachineSort,
    /// The last first.
    pub descending: bool,
    /// After which page, as the page before said.
    pub after: Option<String>,
    /// How many of the first to leave out, instead of naming the page before.
    pub skip: usize,
    /// How many at most.
    pub limit: usize,
}

/// By what machines are listed. Machines without the value come last.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum MachineSort {
    /// As in the site file.
    #[default]
    Place,
    /// By the watts it claims.
    Power,
    /// By the hash rate it claims.
    HashRate,
    /// By the hottest it tells of.
    Temperature,
    /// By the age of its last word.
    Age,
    /// By watts over hash rate.
    Efficiency,
}

/// The columns of [`StatesView`] beside the states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// Temperatures.
    pub temperature: bool,
    /// Watts.
    pub power: bool,
    /// Efficiencies.
    pub efficiency: bool,
    /// Ages of the last words.
    pub age: bool,
}

/// How a stop stands that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// In the book: it outlasts offpeak.
    InBook,
    /// Nowhere but in memory, for this reason: it ends with offpeak, unless the book takes it later.
    InMemory(String),
}

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandleError {
    /// No such circuit.
    #[error("there is no circuit `{asked}`\nhint: {hint}")]
    Circuit {
        /// The name given.
        asked: String,
        /// Which there are.
        hint: String,
    },
    /// An address is that of several machines, told apart by their ports.
    #[error("{}", several(address, machines))]
    Several {
        /// What was asked for.
        address: String,
        /// Each with its address and port.
        machines: Vec<String>,
    },
    /// No such machine.
    #[error("there is no machine `{0}`\nhint: `offpeak machines` lists them by id and address")]
    NoMachine(String),
    /// Nothing to lift.
    #[error("no stop or lockout is in force at {0}")]
    NothingThere(String),
    /// No such order.
    #[error("there is no order {0} in force\nhint: `offpeak orders` lists them")]
    NoOrder(u64),
    /// Only the one who set a lockout, or a manager, lifts it.
    #[error("the lockout at `{circuit}` is {by}'s; only they or a manager lift it")]
    NotYours {
        /// Where.
        circuit: String,
        /// Whose.
        by: String,
    },
    /// Authority is given to halls, and machines are listed by them.
    #[error("`{0}` is not a hall")]
    NotAHall(String),
    /// A value that makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The first cycle has not run.
    #[error("the site has just started and has not seen its machines yet\nhint: ask again in some seconds")]
    TooEarly,
    /// The site keeps no such record, or has none yet.
    #[error("{0}")]
    NotRecorded(String),
    /// It does not fit what is being done, or what stands there.
    #[error("{0}")]
    Conflict(String),
    /// It is another by now than it was when it was read.
    #[error("{0}")]
    Changed(String),
    /// What was recorded cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// The book did not take it; nothing was changed.
    #[error("the book did not take it, so nothing was changed: {0}")]
    Book(String),
}

/// Machines that a refusal names.
const NAMED: usize = 8;

fn several(address: &str, machines: &[String]) -> String {
    let named = machines.iter().take(NAMED).map(|machine| format!("\n  {machine}")).collect::<String>();
    let more = match machines.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!("\n  and {more} more; `offpeak machines` lists them all"),
    };
    format!(
        "{address} is the address of {} machines:{named}{more}\nhint: name one by its id, or as ADDRESS:PORT",
        machines.len()
    )
}

impl HandleError {
    /// No such circuit in this site.
    #[must_use]
    pub fn no_circuit(site: &Site, asked: &str) -> Self {
        let ids = || site.circuits.iter().map(|(_, circuit)| circuit.id.as_str());
        let hint = match nearest(asked, ids()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                let top: Vec<_> = ids().filter(|id| !id.contains('/')).take(NAMED).collect();
                format!("circuits are named as in the site file: {}", top.join(", "))
            }
        };
        Self::Circuit { asked: asked.to_owned(), hint }
    }
}

/// A running site. Changes are on disk when the call returns, and in force with the next cycle, which
/// begins at once.
pub trait SiteHandle: Records + Field + Holds + SiteFile {
    /// The number of the last cycle: while it goes up, the loop lives.
    fn cycle(&self) -> u64;
    /// The number of what [`SiteHandle::view`], `circuits`, `calendar`, `floor` and `states` show: another with each
    /// cycle, order and change of the site, and never before these show it. `None` before the first cycle, when all of it may change at
    /// any time.
    fn picture(&self) -> Option<u64>;
    /// Plant time.
    fn now(&self) -> Timestamp;
    /// What alerts are judged by; `None` before the first cycle.
    fn facts(&self) -> Option<offpeak_alerts::Facts>;
    /// The site as a whole. `trace_points` bounds the trace.
    fn view(&self, trace_points: usize) -> SiteView;
    /// A page of machines.
    ///
    /// # Errors
    /// For a hall or circuit that is not there, or another site's page.
    fn machines(&self, query: &MachineQuery) -> Result<MachinePage, HandleError>;
    /// One machine by id, IP address, or address and port.
    ///
    /// # Errors
    /// For an address that several machines share.
    fn machine(&self, name: &str) -> Result<Option<MachineView>, HandleError>;
    /// What a machine was asked and how that ended, newest first; only while it was this owner's, where one is named. The
    /// machine is named by its id.
    ///
    /// # Errors
    /// When the book cannot be read.
    fn history(
        &self,
        machine: &str,
        owner: Option<&str>,
        most: u32,
    ) -> Result<Vec<CommandRecord>, HandleError>;
    /// All circuits, parents first.
    fn circuits(&self) -> Vec<CircuitView>;
    /// What binds on a circuit, now or at another time.
    ///
    /// # Errors
    /// For a circuit that is not there.
    fn explain(&self, circuit: &str, at: Option<Timestamp>) -> Result<Explanation, HandleError>;
    /// What binds on a circuit in the days to come; on the connection if none is named.
    ///
    /// # Errors
    /// For a circuit that is not there.
    fn calendar(&self, circuit: Option<&str>, days: u16) -> Result<Vec<CalendarView>, HandleError>;
    /// Why a machine is as it is.
    ///
    /// # Errors
    /// For an address that several machines share, or before the first cycle.
    fn why(&self, name: &str) -> Result<Option<WhyView>, HandleError>;
    /// Orders that are neither lifted nor over.
    fn orders(&self) -> Vec<OrderView>;
    /// Where the machines stand. Changes with the site file only.
    fn floor(&self) -> FloorView;
    /// How the machines are.
    fn states(&self, columns: Columns) -> StatesView;
    /// Everything ordered and not lifted.
    fn directives(&self) -> DirectivesView;
    /// What an order would do now.
    ///
    /// # Errors
    /// For words that are no order, or before the first cycle.
    fn preview(&self, words: &str, kind: &str) -> Result<PreviewView, HandleError>;
    /// Stops a circuit; the connection if none is named. It is in force whether or not the book takes it.
    ///
    /// # Errors
    /// For a circuit that is not there.
    fn stop(&self, circuit: Option<&str>, by: By<'_>) -> Result<Stopped, HandleError>;
    /// Lifts the operator's stop of a circuit; all stops if none is named. Says how many.
    ///
    /// # Errors
    /// When there is none, or the book does not take it.
    fn resume(&self, circuit: Option<&str>, by: By<'_>) -> Result<usize, HandleError>;
    /// Somebody works there: `worker`, who may be another than who says so.
    ///
    /// # Errors
    /// For a circuit that is not there, or when the book does not take it.
    fn lockout(&self, circuit: &str, worker: &str, by: By<'_>) -> Result<(), HandleError>;
    /// They are done; a manager's word lifts anybody's.
    ///
    /// # Errors
    /// When it is somebody else's or there is none, or the book does not take it.
    fn lift_lockout(&self, circuit: &str, worker: &str, manager: bool, by: By<'_>)
    -> Result<(), HandleError>;
    /// Gives an order in words, of a kind; gives back how it was understood, with its number.
    ///
    /// # Errors
    /// For words that are no order, or when the book does not take it.
    fn order(&self, words: &str, kind: &str, by: By<'_>) -> Result<OrderView, HandleError>;
    /// Lifts an order.
    ///
    /// # Errors
    /// When it is not in force, or the book does not take it.
    fn lift_order(&self, id: u64, by: By<'_>) -> Result<(), HandleError>;
    /// Gives or takes authority in a hall.
    ///
    /// # Errors
    /// For what is no hall, or when the book does not take it.
    fn set_authority(&self, hall: &str, control: bool, by: By<'_>) -> Result<(), HandleError>;
}
