//! The tree of circuits from the grid connection down to the PDUs. A machine hangs on one circuit
//! and loads all of that circuit's ancestors.

use offpeak_units::Power;

use crate::observe::{MeterIx, SwitchIx};
use crate::plant::Authority;

/// A circuit's place in its tree. Parents come before their children.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CircuitIx(pub u32);

impl CircuitIx {
    /// The grid connection.
    pub const ROOT: Self = Self(0);

    /// As an index into a slice with one element a circuit.
    #[must_use]
    pub const fn ix(self) -> usize {
        self.0 as usize
    }
}

/// What a circuit is, from the grid down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CircuitKind {
    /// The grid connection: exactly one, the root.
    Connection,
    /// A transformer.
    Transformer,
    /// A hall (hangar, container): the unit of authority.
    Hall,
    /// A rack.
    Rack,
    /// A power distribution unit.
    Pdu,
}

impl CircuitKind {
    /// As written in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Transformer => "transformer",
            Self::Hall => "hall",
            Self::Rack => "rack",
            Self::Pdu => "pdu",
        }
    }
}

/// How fast a circuit's load may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ramp {
    /// The largest rise in a minute; `None` where nothing limits it.
    pub up_per_minute: Option<Power>,
    /// The largest planned fall in a minute. Never delays a rating, a stop or an order.
    pub down_per_minute: Option<Power>,
}

/// One circuit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circuit {
    /// Its path from the root's children down, such as `hall-3/rack-07/pdu-2`; the root's own name.
    pub id: String,
    /// What it is.
    pub kind: CircuitKind,
    /// The circuit that feeds it; `None` for the root only.
    pub parent: Option<CircuitIx>,
    /// The most it may carry for good; `None` where its parents' ratings are the only ones.
    pub rating: Option<Power>,
    /// What it draws with every machine on it off: fans, lights, controllers. Its own, without its
    /// children's.
    pub base_load: Power,
    /// The meter on it.
    pub meter: Option<MeterIx>,
    /// Its ramp limit.
    pub ramp: Option<Ramp>,
    /// The switch that cuts and restores the whole circuit.
    pub switch: Option<SwitchIx>,
    /// Whether offpeak may act here. Set for a hall, inherited below it.
    pub authority: Authority,
}

/// Why a list of circuits is not a tree in order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CircuitTreeError {
    /// No circuit at all.
    #[error("a site has at least its grid connection")]
    Empty,
    /// The first is not the root, or a later one has no parent.
    #[error("circuit `{0}` must have a parent, and only the first has none")]
    Root(String),
    /// A parent at or after its child.
    #[error("circuit `{0}` comes before its parent")]
    Order(String),
}

/// The circuits of a site: parents before children.
///
/// ```
/// # use offpeak_site::{Authority, Circuit, CircuitIx, CircuitKind, CircuitTree};
/// # use offpeak_units::Power;
/// # let circuit = |id: &str, kind, parent| Circuit { id: id.into(), kind, parent, rating: None,
/// #   base_load: Power::ZERO, meter: None, ramp: None, switch: None, authority: Authority::Observe };
/// let tree = CircuitTree::new(vec![
///     circuit("grid", CircuitKind::Connection, None),
///     circuit("hall-1", CircuitKind::Hall, Some(CircuitIx::ROOT)),
/// ]).unwrap();
/// let hall = tree.find("hall-1").unwrap();
/// assert_eq!(tree.path(hall).collect::<Vec<_>>(), [hall, CircuitIx::ROOT]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CircuitTree {
    circuits: Vec<Circuit>,
}

impl CircuitTree {
    /// Checks that parents come first and that there is one root.
    ///
    /// # Errors
    /// If the list is empty, out of order or has another root.
    pub fn new(circuits: Vec<Circuit>) -> Result<Self, CircuitTreeError> {
        if circuits.is_empty() {
            return Err(CircuitTreeError::Empty);
        }
        for (place, circuit) in circuits.iter().enumerate() {
            match circuit.parent {
                None if place == 0 => {}
                Some(_) if place == 0 => return Err(CircuitTreeError::Root(circuit.id.clone())),
                None => return Err(CircuitTreeError::Root(circuit.id.clone())),
                Some(parent) if parent.ix() >= place => {
                    return Err(CircuitTreeError::Order(circuit.id.clone()));
                }
                Some(_) => {}
            }
        }
        Ok(Self { circuits })
    }
    /// How many circuits there are.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a tree has at least its root")]
    pub fn len(&self) -> usize {
        self.circuits.len()
    }
    /// One circuit.
    #[must_use]
    pub fn get(&self, circuit: CircuitIx) -> &Circuit {
        &self.circuits[circuit.ix()]
    }
    /// All circuits with their places, parents first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (CircuitIx, &Circuit)> + ExactSizeIterator {
        self.circuits.iter().enumerate().map(|(place, circuit)| (CircuitIx(place as u32), circuit))
    }
    /// The circuit with this id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<CircuitIx> {
        self.iter().find(|(_, circuit)| circuit.id == id).map(|(ix, _)| ix)
    }
    /// A circuit and all that feed it, up to the root.
    pub fn path(&self, circuit: CircuitIx) -> impl Iterator<Item = CircuitIx> + '_ {
        std::iter::successors(Some(circuit), |ix| self.get(*ix).parent)
    }
    /// Whether `circuit` is `ancestor` or hangs below it.
    #[must_use]
    pub fn is_within(&self, circuit: CircuitIx, ancestor: CircuitIx) -> bool {
        self.path(circuit).any(|ix| ix == ancestor)
    }
    /// The hall that a circuit is or lies in; `None` above the halls.
    #[must_use]
    pub fn hall_of(&self, circuit: CircuitIx) -> Option<CircuitIx> {
        self.path(circuit).find(|ix| self.get(*ix).kind == CircuitKind::Hall)
    }
}
