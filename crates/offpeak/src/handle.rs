//! What can be asked of a running site, whoever asks: the socket's server and the terminal view.

use jiff::Timestamp;
use offpeak_site::Site;
use offpeak_site::file::nearest;

use crate::order_words::OrderWordsError;
use crate::view::{CalendarView, Explanation, MachineView, OrderView, PreviewView, SiteView, WhyView};

/// Which machines to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct MachineFilter {
    /// Only this hall.
    pub(crate) hall: Option<String>,
    /// Only this state, as in `MachineView::state`.
    pub(crate) state: Option<String>,
}

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HandleError {
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
    /// Nothing to lift.
    #[error("no stop or lockout is in force at {0}")]
    NothingThere(String),
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
    /// The words are no order.
    #[error(transparent)]
    Words(#[from] OrderWordsError),
    /// No such kind of order.
    #[error("`{0}` is no kind of order\nhint: emergency, dispatch, wish or maintenance")]
    OrderKind(String),
    /// No cycle has run yet.
    #[error("no cycle has run yet, so nothing can be planned\nhint: ask again in some seconds")]
    TooEarly,
    /// No such order.
    #[error("there is no order {0} in force\nhint: `offpeak orders` lists them")]
    NoOrder(u64),
    /// A mean is measured, so the circuit needs a meter.
    #[error("`{0}` has no meter, so no mean of it is known")]
    NoMeter(String),
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
    pub(crate) fn no_circuit(site: &Site, asked: &str) -> Self {
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
pub(crate) trait SiteHandle: Send + Sync {
    /// The site as a whole. `trace_points` bounds the trace.
    fn view(&self, trace_points: usize) -> SiteView;
    /// Machines, in the order of the site file.
    fn machines(&self, filter: &MachineFilter) -> Result<Vec<MachineView>, HandleError>;
    /// One machine by id, IP address, or address and port.
    fn machine(&self, name: &str) -> Result<Option<MachineView>, HandleError>;
    /// What binds on a circuit, now or at another time.
    fn explain(&self, circuit: &str, at: Option<Timestamp>) -> Result<Explanation, HandleError>;
    /// Stops a circuit; the connection if none is named.
    fn stop(&self, circuit: Option<&str>, reason: &str) -> Result<(), HandleError>;
    /// Lifts the operator's stop of a circuit; all stops if none is named. Says how many.
    fn resume(&self, circuit: Option<&str>) -> Result<usize, HandleError>;
    /// Somebody works there.
    fn lockout(&self, circuit: &str, by: &str) -> Result<(), HandleError>;
    /// They are done.
    fn lift_lockout(&self, circuit: &str, by: &str, manager: bool) -> Result<(), HandleError>;
    /// Gives an order in words, of a kind; gives back how it was understood, with its number.
    fn order(&self, words: &str, kind: &str) -> Result<OrderView, HandleError>;
    /// Lifts an order by its number.
    fn lift_order(&self, id: u64) -> Result<(), HandleError>;
    /// Orders that are neither lifted nor over.
    fn orders(&self) -> Vec<OrderView>;
    /// What an order would do; nothing is given.
    fn preview(&self, words: &str, kind: &str) -> Result<PreviewView, HandleError>;
    /// Why a machine is as it is; `None` if there is no such machine.
    fn why(&self, name: &str) -> Result<Option<WhyView>, HandleError>;
    /// What binds on a circuit in the days to come; on the connection if none is named.
    fn calendar(&self, circuit: Option<&str>, days: u16) -> Result<Vec<CalendarView>, HandleError>;
    /// Gives or takes authority in a hall.
    fn set_authority(&self, hall: &str, control: bool) -> Result<(), HandleError>;
}
