//! The relaxed optimum: machines may stand anywhere on their hulls.
//!
//! Taking steps by falling slope wherever there is room is optimal here, because limits form a forest (the sets of
//! machines under two circuits are nested or apart). Nothing is taken one by one, though: from the leaves up, each
//! circuit whose load would be too high finds the step at which it is full, and keeps only the steps before it.

use super::ladder::Ladders;
use super::problem::NONE;
use super::tree::Tree;

/// The step at which a binding circuit is full, and how much of it still fits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Brim {
    /// The circuit's price: value a milliwatt.
    pub(super) slope: f64,
    /// Where the step is: the circuit it hangs on, and its index there.
    pub(super) circuit: u32,
    pub(super) index: usize,
    /// Milliwatts of it that fit: from zero to less than the whole step.
    pub(super) amount: i64,
}

impl Brim {
    /// Whether this step is taken before the other one.
    fn is_before(&self, other: &Self) -> bool {
        if self.slope != other.slope {
            return self.slope > other.slope;
        }
        (self.circuit, self.index) < (other.circuit, other.index)
    }
}

/// The relaxed optimum.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Relaxed {
    /// By circuit: how many of its own steps are taken whole.
    pub(super) taken: Vec<usize>,
    /// By circuit: the binding circuit at whose price its own machines stand; [`NONE`] where nothing binds.
    pub(super) owners: Vec<u32>,
    /// By circuit: where it is full, if it binds.
    pub(super) brims: Vec<Option<Brim>>,
    /// Circuits that even the least power of everything below exceeds.
    pub(super) infeasible: Vec<u32>,
    /// By circuit: whether it is under such a circuit, or is one.
    pub(super) fixed: Vec<bool>,
    pub(super) objective: f64,
}

pub(super) fn relax(tree: &Tree, ladders: &Ladders) -> Relaxed {
    let circuits = tree.len();
    let mut relaxed = Relaxed {
        taken: (0..circuits).map(|circuit| ladders.steps(circuit).len()).collect(),
        owners: vec![NONE; circuits],
        brims: vec![None; circuits],
        fixed: vec![false; circuits],
        ..Relaxed::default()
    };
    let mut floors = ladders.base_power.clone();
    let mut loads: Vec<i64> =
        (0..circuits).map(|circuit| ladders.power(circuit, relaxed.taken[circuit])).collect();
    let mut search = Search::default();
    for circuit in (0..circuits).rev() {
        let limit = tree.limits[circuit];
        if floors[circuit] > limit {
            relaxed.give_up(tree, circuit);
            loads[circuit] = 0;
        } else if loads[circuit] > limit - floors[circuit] {
            let room = limit - floors[circuit];
            let brim = search.find(ladders, &relaxed, tree.below(circuit), room);
            relaxed.bind(tree, circuit, brim, &search);
            loads[circuit] = room;
        }
        if tree.above[circuit] != NONE {
            let above = tree.above[circuit] as usize;
            floors[above] += floors[circuit];
            loads[above] += loads[circuit];
        }
    }
    relaxed.infeasible.reverse();
    relaxed.objective = ladders.base_value.iter().sum::<f64>()
        + (0..circuits).map(|circuit| ladders.value(circuit, relaxed.taken[circuit])).sum::<f64>()
        + relaxed.brims.iter().flatten().map(|brim| brim.slope * brim.amount as f64).sum::<f64>();
    relaxed
}

impl Relaxed {
    fn give_up(&mut self, tree: &Tree, circuit: usize) {
        self.infeasible.push(circuit as u32);
        for below in tree.below(circuit) {
            self.taken[below] = 0;
            self.owners[below] = NONE;
            self.brims[below] = None;
            self.fixed[below] = true;
        }
    }

    fn bind(&mut self, tree: &Tree, circuit: usize, brim: Brim, search: &Search) {
        for below in tree.below(circuit) {
            // Full only after this circuit is: then it never gets full.
            if self.brims[below].is_some_and(|other| !other.is_before(&brim)) {
                self.brims[below] = None;
            }
        }
        let is_free = |owner: u32, brims: &[Option<Brim>]| owner == NONE || brims[owner as usize].is_none();
        for span in &search.spans {
            if is_free(self.owners[span.circuit], &self.brims) {
                self.taken[span.circuit] = span.low;
            }
        }
        for below in tree.below(circuit) {
            if !self.fixed[below] && is_free(self.owners[below], &self.brims) {
                self.owners[below] = circuit as u32;
            }
        }
        self.brims[circuit] = Some(brim);
    }

    /// A binding circuit's price less that of the next binding one above it: what a milliwatt of its limit is worth.
    pub(super) fn price_here(&self, tree: &Tree, circuit: usize) -> f64 {
        let Some(brim) = self.brims[circuit] else { return 0.0 };
        let above = tree.up_from(circuit).skip(1).find_map(|above| self.brims[above]);
        brim.slope - above.map_or(0.0, |above| above.slope)
    }
}

/// A circuit's own steps among which the brim may still be.
#[derive(Clone, Copy, Debug)]
struct Span {
    circuit: usize,
    low: usize,
    high: usize,
    cut: usize,
}

/// Finds a circuit's brim by weighted medians over the sorted steps below it; keeps its working space.
#[derive(Debug, Default)]
struct Search {
    spans: Vec<Span>,
    /// Parts of steps at which circuits further down are full: taken at their step's place or not at all.
    parts: Vec<Brim>,
    pivots: Vec<(Brim, usize)>,
    last: Vec<(Brim, i64)>,
}

/// So few steps are gone through one by one.
const FEW: usize = 48;

impl Search {
    /// Where the steps below, taken in their order, fill `room`. They would overfill it.
    fn find(
        &mut self,
        ladders: &Ladders,
        relaxed: &Relaxed,
        below: std::ops::Range<usize>,
        room: i64,
    ) -> Brim {
        self.spans.clear();
        self.parts.clear();
        for circuit in below {
            let high = relaxed.taken[circuit];
            if high > 0 {
                self.spans.push(Span { circuit, low: 0, high, cut: 0 });
            }
            self.parts.extend(relaxed.brims[circuit]);
        }
        let mut parts_taken = 0;
        while self.spans.iter().map(|span| span.high - span.low).sum::<usize>() + self.parts.len() > FEW {
            let pivot = self.pivot(ladders);
            let mut load = parts_taken;
            for span in &mut self.spans {
                span.cut = cut(ladders, span, &pivot);
                load += ladders.power(span.circuit, span.cut);
            }
            let is_in = |part: &Brim| !pivot.is_before(part);
            let parts: i64 = self.parts.iter().filter(|part| is_in(part)).map(|part| part.amount).sum();
            let fits = load + parts <= room;
            for span in &mut self.spans {
                *(if fits { &mut span.low } else { &mut span.high }) = span.cut;
            }
            if fits {
                parts_taken += parts;
            }
            self.parts.retain(|part| is_in(part) != fits);
        }
        self.walk(ladders, room - parts_taken)
    }

    /// A step with a good share of the rest before it and behind it.
    fn pivot(&mut self, ladders: &Ladders) -> Brim {
        self.pivots.clear();
        let mut weight = 0;
        for span in self.spans.iter().filter(|span| span.high > span.low) {
            let index = span.low + (span.high - span.low) / 2;
            let slope = ladders.steps(span.circuit)[index].slope;
            let middle = Brim { slope, circuit: span.circuit as u32, index, amount: 0 };
            self.pivots.push((middle, span.high - span.low));
            weight += span.high - span.low;
        }
        self.pivots.extend(self.parts.iter().map(|part| (*part, 1)));
        weight += self.parts.len();
        self.pivots.sort_unstable_by(|(a, _), (b, _)| in_order(a, b));
        let mut before = 0;
        for (pivot, share) in &self.pivots {
            before += share;
            if before * 2 >= weight {
                return *pivot;
            }
        }
        unreachable!("the shares add up to the weight")
    }

    fn walk(&mut self, ladders: &Ladders, room: i64) -> Brim {
        self.last.clear();
        let mut load = 0;
        for span in &self.spans {
            load += ladders.power(span.circuit, span.low);
            for index in span.low..span.high {
                let step = ladders.steps(span.circuit)[index];
                let at = Brim { slope: step.slope, circuit: span.circuit as u32, index, amount: -1 };
                self.last.push((at, step.power));
            }
        }
        self.last.extend(self.parts.iter().map(|part| (*part, part.amount)));
        self.last.sort_unstable_by(|(a, _), (b, _)| in_order(a, b));
        for (at, power) in &self.last {
            if load + power > room {
                return Brim { amount: room - load, ..*at };
            }
            load += power;
            if at.amount < 0 {
                let span = self.spans.iter_mut().find(|span| span.circuit == at.circuit as usize);
                span.expect("the step came from it").low = at.index + 1;
            }
        }
        unreachable!("the steps overfill the room")
    }
}

fn in_order(a: &Brim, b: &Brim) -> std::cmp::Ordering {
    b.slope.total_cmp(&a.slope).then((a.circuit, a.index).cmp(&(b.circuit, b.index)))
}

/// How many of a circuit's own steps come before the pivot or are it.
fn cut(ladders: &Ladders, span: &Span, pivot: &Brim) -> usize {
    let steps = &ladders.steps(span.circuit)[span.low..span.high];
    let circuit = span.circuit as u32;
    if circuit == pivot.circuit {
        return (pivot.index + 1).clamp(span.low, span.high);
    }
    let first_out = if circuit < pivot.circuit {
        steps.partition_point(|step| step.slope >= pivot.slope)
    } else {
        steps.partition_point(|step| step.slope > pivot.slope)
    };
    span.low + first_out
}
