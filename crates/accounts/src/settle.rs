//! A minute's machines scaled to the circuits' meters, and those to the revenue meter, so that every level adds up.
//!
//! What a machine says of its own watts is off by 5 to 20 %; the meter above it is not. So a machine's word is a
//! weight, and the meter's energy is what is shared out. The rules stand in `docs/accounts.md`.

use offpeak_units::Energy;

use crate::split;

/// A circuit as the settlement sees it: parents before children, the first is the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircuitPart {
    /// The circuit that feeds it; `None` for the root.
    pub parent: Option<usize>,
    /// What its meter counted; `None` where it has none, or where a part of the interval is not known.
    pub metered: Option<Energy>,
    /// What it draws by itself by the site file (fans, lights), over the interval.
    pub house: Energy,
}

/// An interval, settled. All in whole joules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// One element a machine: its part of the meter above it; `None` where its own word is missing.
    pub machines: Vec<Option<Energy>>,
    /// One element a circuit: its own draw.
    pub house: Vec<Energy>,
    /// One element a circuit: what machines drew of whose energy nothing is known.
    pub unattributed: Vec<Energy>,
    /// One element a circuit: what its meter counted beyond the meters below it and what hangs on it directly. May be
    /// negative: meters have errors.
    pub losses: Vec<Energy>,
    /// What the revenue meter counted.
    pub whole: Energy,
}

/// Settles an interval; `None` where the revenue meter is not known.
///
/// `machines` holds for each its circuit and what it drew by its own word, `None` where that is missing.
///
/// # Panics
/// If a circuit comes before its parent.
#[must_use]
pub fn settle(circuits: &[CircuitPart], machines: &[(usize, Option<Energy>)]) -> Option<Settled> {
    let whole = circuits.first()?.metered?;
    let meter_of = meters_above(circuits);
    let zero = vec![Energy::ZERO; circuits.len()];
    let mut settled = Settled {
        machines: vec![None; machines.len()],
        house: zero.clone(),
        unattributed: zero.clone(),
        losses: zero,
        whole,
    };
    // By meter: machines below it without another meter between, in their order.
    let mut below: Vec<Vec<usize>> = vec![Vec::new(); circuits.len()];
    for (place, (circuit, _)) in machines.iter().enumerate() {
        below[meter_of[*circuit]].push(place);
    }
    let mut nested = vec![0; circuits.len()];
    let mut houses: Vec<Vec<usize>> = vec![Vec::new(); circuits.len()];
    for (place, circuit) in circuits.iter().enumerate() {
        houses[meter_of[place]].push(place);
        if let (Some(parent), Some(metered)) = (circuit.parent, circuit.metered) {
            nested[meter_of[parent]] += metered.to_joules();
        }
    }
    for (place, circuit) in circuits.iter().enumerate() {
        let Some(metered) = circuit.metered else { continue };
        let own = metered.to_joules() - nested[place];
        let parts = Parts { circuits, machines, below: &below[place], houses: &houses[place] };
        parts.share(place, own, &mut settled);
    }
    Some(settled)
}

/// For each circuit the nearest circuit at or above it whose meter is known.
fn meters_above(circuits: &[CircuitPart]) -> Vec<usize> {
    let mut meter_of: Vec<usize> = Vec::with_capacity(circuits.len());
    for (place, circuit) in circuits.iter().enumerate() {
        let above = circuit.parent.map(|parent| meter_of[parent]);
        meter_of.push(match circuit.metered {
            Some(_) => place,
            None => above.expect("the root's meter is known and parents come first"),
        });
    }
    meter_of
}

/// What hangs on one meter directly.
struct Parts<'a> {
    circuits: &'a [CircuitPart],
    machines: &'a [(usize, Option<Energy>)],
    below: &'a [usize],
    houses: &'a [usize],
}

impl Parts<'_> {
    /// Shares out what a meter counted beyond the meters below it.
    fn share(&self, place: usize, own: i64, settled: &mut Settled) {
        let house = |circuit: &usize| weight(self.circuits[*circuit].house);
        if self.below.is_empty() {
            // Nothing to scale: what the site file says is taken, and the rest is lost on the way.
            let stated: i64 = self.houses.iter().map(house).sum::<u64>().try_into().unwrap_or(i64::MAX);
            let drawn = stated.min(own.max(0));
            let weights: Vec<u64> = self.houses.iter().map(house).collect();
            for (circuit, part) in self.houses.iter().zip(split(drawn, &weights).unwrap_or_default()) {
                settled.house[*circuit] = Energy::from_joules(part);
            }
            settled.losses[place] = Energy::from_joules(own - drawn);
            return;
        }
        let words: Vec<Option<u64>> = self.below.iter().map(|at| self.machines[*at].1.map(weight)).collect();
        let (said, speaking) =
            words.iter().flatten().fold((0_u64, 0_u64), |(sum, n), word| (sum + word, n + 1));
        let silent = words.len() as u64 - speaking;
        // A machine of which nothing is known counts as the mean of those on its meter that speak.
        let unknown = (said * silent).checked_div(speaking);
        let mut weights: Vec<u64> = words.iter().map(|word| word.unwrap_or(0)).collect();
        weights.extend(self.houses.iter().map(house));
        // Where nobody speaks, all of it but the house load is unattributed.
        let alone = unknown.is_none() && own > 0;
        weights.push(unknown.unwrap_or(0));
        let shared = if alone { self.stated_house(own) } else { own.max(0) };
        let parts = match split(shared, &weights) {
            Some(parts) => parts,
            // Everything said zero and the meter counted something: it went by without a name.
            None => {
                settled.unattributed[place] = Energy::from_joules(own);
                self.name_zero(settled);
                return;
            }
        };
        let mut parts = parts.into_iter();
        for (at, word) in self.below.iter().zip(&words) {
            let part = parts.next().expect("one part a weight");
            settled.machines[*at] = word.map(|_| Energy::from_joules(part));
        }
        for circuit in self.houses {
            settled.house[*circuit] = Energy::from_joules(parts.next().expect("one part a weight"));
        }
        let nameless = parts.next().expect("one part a weight") + if alone { own - shared } else { 0 };
        settled.unattributed[place] = Energy::from_joules(nameless);
        // A meter below what its own meters below count: nobody is given less than nothing.
        settled.losses[place] = Energy::from_joules(own.min(0));
    }

    fn stated_house(&self, own: i64) -> i64 {
        let stated: u64 = self.houses.iter().map(|circuit| weight(self.circuits[*circuit].house)).sum();
        own.min(i64::try_from(stated).unwrap_or(i64::MAX))
    }

    fn name_zero(&self, settled: &mut Settled) {
        for at in self.below {
            settled.machines[*at] = self.machines[*at].1.map(|_| Energy::ZERO);
        }
    }
}

/// A weight in joules; a word below zero weighs nothing.
fn weight(energy: Energy) -> u64 {
    u64::try_from(energy.to_joules()).unwrap_or(0)
}

impl Settled {
    /// All parts together: always [`Settled::whole`].
    #[must_use]
    pub fn sum(&self) -> Energy {
        let circuits = [&self.house, &self.unattributed, &self.losses];
        self.machines.iter().flatten().copied().sum::<Energy>()
            + circuits.into_iter().flatten().copied().sum::<Energy>()
    }
}
