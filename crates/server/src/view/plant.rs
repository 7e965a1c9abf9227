//! Circuits, what is ordered on them, and where machines stand.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{CountsView, LimitView};

/// What binds on a circuit at a moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    /// Which circuit.
    pub circuit: String,
    /// Which moment.
    pub at: Timestamp,
    /// What binds there.
    pub binding: Option<LimitView>,
    /// What would bind if that did not.
    pub next: Option<LimitView>,
    /// Why nothing may start or hash there, if so.
    pub block: Option<String>,
    /// Circuits above it, nearest first, with what binds on each.
    pub above: Vec<(String, Option<LimitView>)>,
    /// Measured now; `null` for another moment, without a meter, or while it is silent.
    pub power_kw: Option<f64>,
    /// What would remain with everything asleep.
    pub floor_kw: Option<f64>,
    /// The fans that its machines need, in words; none for another moment.
    pub fans: Vec<String>,
    /// Until when all this holds.
    pub changes_at: Timestamp,
    /// What is kept free below the limit for what meters and machines leave unknown; `null` for another moment.
    pub margin_kw: Option<f64>,
    /// What its machines count at, in percent of the catalogue's watts, as meters have shown; `null` while nothing is
    /// learned, and for another moment.
    pub catalogue_percent: Option<f64>,
    /// Every limit at the circuit and above it, tightest first, each with where it is.
    pub every: Vec<(String, LimitView)>,
}

/// One circuit of the tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CircuitView {
    /// Its path from the connection's children down.
    pub id: String,
    /// `connection`, `transformer`, `hall`, `rack` or `pdu`.
    pub kind: String,
    /// What feeds it; `null` for the connection.
    pub parent: Option<String>,
    /// `observe` or `control`.
    pub authority: String,
    /// The most it may carry for good; `null` where only its parents are rated.
    pub rating_kw: Option<f64>,
    /// The id of the meter on it.
    pub meter: Option<String>,
    /// Measured now; `null` without a meter or while it is silent.
    pub power_kw: Option<f64>,
    /// What it may draw at most as it stands, by meter and catalogue: what starts are judged by.
    pub upper_kw: Option<f64>,
    /// What would remain with everything asleep.
    pub floor_kw: Option<f64>,
    /// What binds there.
    pub limit: Option<LimitView>,
    /// Why nothing may start or hash there, if so.
    pub block: Option<String>,
    /// The machines on it and below it by standing.
    pub counts: CountsView,
}

/// One stretch of the calendar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CalendarView {
    /// From this instant,
    pub from: Timestamp,
    /// until this one.
    pub until: Timestamp,
    /// The tightest limit at the circuit or above it, as the stretch begins.
    pub binding: Option<LimitView>,
    /// Where that is.
    pub at: Option<String>,
    /// The next tightest.
    pub next: Option<LimitView>,
    /// Why nothing may start or hash there, if so.
    pub block: Option<String>,
    /// What a kilowatt-hour costs, in the site's currency; `null`: not known.
    pub power_price: Option<f64>,
}

/// An operator's stop in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StopView {
    /// Where.
    pub circuit: String,
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// A lockout in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LockoutView {
    /// Where.
    pub circuit: String,
    /// Since when.
    pub at: Timestamp,
    /// Who works there.
    pub by: String,
}

/// An order that is not over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OrderView {
    /// Its number; 0 before it is given.
    pub id: u64,
    /// `emergency`, `dispatch`, `wish` or `maintenance`.
    pub kind: String,
    /// Where.
    pub circuit: String,
    /// The most.
    pub limit_kw: f64,
    /// Whether it is a setpoint: no less is to be drawn either.
    pub setpoint: bool,
    /// The minutes over which its mean counts; `null`: each instant.
    pub mean_min: Option<u8>,
    /// From this instant,
    pub from: Timestamp,
    /// until this one; `null` until it is lifted.
    pub until: Option<Timestamp>,
    /// Who gave it; `null` before it is given.
    pub by: Option<String>,
    /// Why they did; `null` where `by` is.
    pub reason: Option<String>,
}

/// Everything ordered and not lifted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DirectivesView {
    /// Operator's stops.
    pub stops: Vec<StopView>,
    /// Lockouts.
    pub lockouts: Vec<LockoutView>,
    /// Orders.
    pub orders: Vec<OrderView>,
}

/// What an order would do, before it is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PreviewView {
    /// How it was understood.
    pub order: OrderView,
    /// When the way down to it would begin.
    pub begins: Timestamp,
    /// What the circuit draws now.
    pub before_kw: f64,
    /// What it would come down to.
    pub after_kw: f64,
    /// Machines that would be stopped, each with what would be sent; without their names for who does not see machines.
    pub stops: Vec<(String, String)>,
    /// Machines that would be started, likewise.
    pub starts: Vec<String>,
    /// Until nineteen in twenty of the slowest kind have followed.
    pub takes_s: f64,
    /// Lost margin an hour; `null`: a price is not known, or for who may not see money.
    pub cost_per_h: Option<f64>,
    /// Lost margin over the whole order; `null` as above, or where its end is not known.
    pub cost: Option<f64>,
    /// The site's currency.
    pub currency: String,
    /// What would bind at the circuit: the order itself, or what is tighter still.
    #[serde(default)]
    pub binds: Option<LimitView>,
    /// If it cannot be met: what remains, and whose that is.
    pub unmet: Option<String>,
}

impl PreviewView {
    /// Leaves out what only those see who may see money.
    pub fn without_money(&mut self) {
        (self.cost_per_h, self.cost) = (None, None);
    }
    /// Leaves out which machines these are; how many stays.
    pub fn without_machines(&mut self) {
        self.stops.iter_mut().for_each(|(machine, _)| machine.clear());
        self.starts.iter_mut().for_each(String::clear);
        if let Some(unmet) = &mut self.unmet {
            "more remains than the order allows, and nothing stops it".clone_into(unmet);
        }
    }
}

/// Why a machine is as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WhyView {
    /// Which.
    pub machine: String,
    /// How it stands.
    pub state: String,
    /// What is asked of it.
    pub target: String,
    /// Why.
    pub reason: String,
    /// Its place among all machines by what they make of a watt, from 1.
    pub rank: usize,
    /// How many machines there are.
    pub machines: usize,
    /// Where on its way to the grid least room is left.
    pub binds_at: Option<String>,
    /// By whom.
    pub binds: Option<LimitView>,
    /// How much is left there.
    pub room_kw: Option<f64>,
    /// What a start needs.
    pub needs_kw: f64,
    /// What would change its state.
    pub changes: Vec<String>,
    /// Of one that does not earn its power: at which prices it would; `null` for who may not see money.
    pub earns_again: Option<String>,
}

/// Where the machines stand, in columns: one element a machine, in the order of the site file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FloorView {
    /// The names that `circuit` points to.
    pub circuits: Vec<String>,
    /// The names that `model` points to.
    pub models: Vec<String>,
    /// The names that `owner` points to.
    pub owners: Vec<String>,
    /// Each machine's id.
    pub id: Vec<String>,
    /// The circuit that feeds it.
    pub circuit: Vec<u32>,
    /// What it is.
    pub model: Vec<u32>,
    /// Whose it is.
    pub owner: Vec<u32>,
}

/// How the machines are, in columns: one element a machine, in the order of the site file. Columns that were not
/// asked for are absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StatesView {
    /// Plant time.
    pub at: Timestamp,
    /// One letter a machine: `r` running, `u` rising, `d` falling, `s` asleep, `c` cut, `f` failed, `?` unknown.
    pub state: String,
    /// By its own word; `null` where it says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature_c: Option<Vec<Option<i16>>>,
    /// By its own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power_w: Option<Vec<Option<u32>>>,
    /// Tenths of a joule a terahash, by its own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub efficiency_dj_per_th: Option<Vec<Option<u32>>>,
    /// Age of its last word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_s: Option<Vec<Option<u32>>>,
}
