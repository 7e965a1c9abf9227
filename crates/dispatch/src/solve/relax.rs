//! The relaxed optimum: machines may stand anywhere on their hulls.
//!
//! Taking steps by falling slope wherever there is room is optimal here, because limits form a forest (the sets of
//! machines under two circuits are nested or apart). Nothing is taken one by one, though: from the leaves up, each
//! circuit whose load would be too high finds the step at which it is full, and keeps only the steps before it.

use std::ops::Range;

use super::ladder::{Ladders, Step};
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
    /// By circuit: whether it is under one that even the least power of everything below exceeds, or is one.
    pub(super) fixed: Vec<bool>,
    /// By circuit: whether one of these, or its limit, is another than before.
    pub(super) changed: Vec<bool>,
    pub(super) objective: f64,
    /// What the steps that are taken whole come to.
    pub(super) objective_whole: f64,
}

impl Relaxed {
    /// A binding circuit's price less that of the next binding one above it: what a milliwatt of its limit is worth.
    pub(super) fn price_here(&self, tree: &Tree, circuit: usize) -> f64 {
        let Some(brim) = self.brims[circuit] else { return 0.0 };
        let above = tree.up_from(circuit).skip(1).find_map(|above| self.brims[above]);
        brim.slope - above.map_or(0.0, |above| above.slope)
    }
}

/// Relaxes again and again while limits change. A circuit's brim depends on what is below it alone, so after a
/// change only those on the way to the root are looked for again.
#[derive(Clone, Debug)]
pub(super) struct Relaxer {
    /// By circuit: the least that everything below can draw, whatever the limits.
    floors: Vec<i64>,
    /// By circuit: what everything below would draw above its floor, if nothing above it had a limit.
    loads: Vec<i64>,
    /// By circuit: where it would be full, if nothing above it had a limit.
    brims: Vec<Option<Brim>>,
    /// By circuit: whether even its floor is too much.
    over: Vec<bool>,
    /// By circuit: whether a limit of it or below it has changed, and whether its own has.
    stale: Vec<bool>,
    moved: Vec<bool>,
    /// By circuit, while one walks down: the circuit whose brim comes first on the way, and whether all is fixed.
    owners: Vec<u32>,
    fixed: Vec<bool>,
    base_value: f64,
    search: Search,
    pub(super) relaxed: Relaxed,
}

impl Relaxer {
    pub(super) fn new(tree: &Tree, ladders: &Ladders) -> Self {
        let circuits = tree.len();
        let mut floors = ladders.base_power.clone();
        for circuit in (0..circuits).rev() {
            if tree.above[circuit] != NONE {
                floors[tree.above[circuit] as usize] += floors[circuit];
            }
        }
        let relaxed = Relaxed {
            taken: vec![0; circuits],
            owners: vec![NONE; circuits],
            brims: vec![None; circuits],
            fixed: vec![false; circuits],
            changed: vec![true; circuits],
            ..Relaxed::default()
        };
        Self {
            floors,
            loads: vec![0; circuits],
            brims: vec![None; circuits],
            over: vec![false; circuits],
            stale: vec![true; circuits],
            moved: vec![true; circuits],
            owners: vec![NONE; circuits],
            fixed: vec![false; circuits],
            base_value: ladders.base_value.iter().sum(),
            search: Search::default(),
            relaxed,
        }
    }

    /// A circuit's limit has changed.
    pub(super) fn touch(&mut self, tree: &Tree, circuit: usize) {
        self.moved[circuit] = true;
        for above in tree.up_from(circuit) {
            self.stale[above] = true;
        }
    }

    /// Circuits that even the least power of everything below exceeds.
    pub(super) fn infeasible(&self) -> impl Iterator<Item = usize> {
        (0..self.over.len()).filter(|circuit| self.over[*circuit])
    }

    pub(super) fn relax(&mut self, tree: &Tree, ladders: &Ladders) {
        for circuit in (0..tree.len()).rev() {
            if std::mem::take(&mut self.stale[circuit]) {
                self.relax_one(tree, ladders, circuit);
            }
        }
        self.walk(tree, 0..tree.len(), None);
        let relaxed = &mut self.relaxed;
        relaxed.objective_whole = self.base_value;
        for circuit in 0..tree.len() {
            let (owner, fixed) = (self.owners[circuit], self.fixed[circuit]);
            let brim = (owner == circuit as u32).then(|| self.brims[circuit]).flatten();
            let taken = match (fixed, owner) {
                (true, _) => 0,
                (false, NONE) => ladders.steps(circuit).len(),
                (false, owner) => {
                    let brim = self.brims[owner as usize].expect("an owner is full somewhere");
                    before(ladders, circuit, &brim, relaxed.taken[circuit])
                }
            };
            relaxed.changed[circuit] = std::mem::take(&mut self.moved[circuit])
                || taken != relaxed.taken[circuit]
                || owner != relaxed.owners[circuit]
                || brim != relaxed.brims[circuit]
                || fixed != relaxed.fixed[circuit];
            relaxed.taken[circuit] = taken;
            relaxed.owners[circuit] = owner;
            relaxed.brims[circuit] = brim;
            relaxed.fixed[circuit] = fixed;
            relaxed.objective_whole += ladders.value(circuit, taken);
        }
        let parts = relaxed.brims.iter().flatten().map(|brim| brim.slope * brim.amount as f64);
        relaxed.objective = relaxed.objective_whole + parts.sum::<f64>();
    }

    /// Where a circuit is full, given what is below it.
    fn relax_one(&mut self, tree: &Tree, ladders: &Ladders, circuit: usize) {
        let limit = tree.limits[circuit];
        let known = self.brims[circuit].take();
        self.over[circuit] = self.floors[circuit] > limit;
        self.loads[circuit] = 0;
        if self.over[circuit] {
            return;
        }
        let mut load = ladders.power(circuit, ladders.steps(circuit).len());
        let mut below = circuit + 1;
        while below < tree.below(circuit).end {
            load += self.loads[below];
            below = tree.below(below).end;
        }
        let room = limit.saturating_sub(self.floors[circuit]);
        if load > room {
            self.gather(tree, ladders, circuit);
            self.brims[circuit] = Some(self.search.find(ladders, room, known));
            load = room;
        }
        self.loads[circuit] = load;
    }

    /// All steps below a circuit that nothing below it keeps out, for the search.
    fn gather(&mut self, tree: &Tree, ladders: &Ladders, top: usize) {
        self.walk(tree, tree.below(top), Some(top));
        self.search.spans.clear();
        self.search.parts.clear();
        for circuit in tree.below(top) {
            let owner = self.owners[circuit];
            let brim = (owner != NONE).then(|| self.brims[owner as usize]).flatten();
            let high = match brim {
                _ if self.fixed[circuit] => 0,
                None => ladders.steps(circuit).len(),
                Some(brim) => before(ladders, circuit, &brim, self.relaxed.taken[circuit]),
            };
            if high > 0 {
                self.search.spans.push(Span { circuit, low: 0, high, cut: 0 });
            }
            if owner == circuit as u32 {
                self.search.parts.extend(brim);
            }
        }
    }

    /// For each of some circuits, whose brim comes first on the way down to it: a lower one is full only if that is
    /// before every one above it. `open`: a circuit whose brim is not known yet.
    fn walk(&mut self, tree: &Tree, circuits: Range<usize>, open: Option<usize>) {
        for circuit in circuits {
            let above = tree.above[circuit] as usize;
            let (owner, fixed) = match open {
                _ if tree.above[circuit] == NONE => (NONE, false),
                Some(top) if top == circuit => (NONE, false),
                _ => (self.owners[above], self.fixed[above]),
            };
            let fixed = fixed || self.over[circuit];
            let first = (owner != NONE).then(|| self.brims[owner as usize]).flatten();
            let own = self.brims[circuit].filter(|own| first.is_none_or(|first| own.is_before(&first)));
            self.fixed[circuit] = fixed;
            self.owners[circuit] = match own {
                _ if fixed => NONE,
                Some(_) => circuit as u32,
                None => owner,
            };
        }
    }
}

/// How many of a circuit's own steps come before the brim; `guess` may be right.
fn before(ladders: &Ladders, circuit: usize, brim: &Brim, guess: usize) -> usize {
    if circuit as u32 == brim.circuit {
        return brim.index;
    }
    let steps = ladders.steps(circuit);
    let equals_too = (circuit as u32) < brim.circuit;
    let is_in = |step: &Step| step.slope > brim.slope || (equals_too && step.slope == brim.slope);
    let right = guess <= steps.len()
        && steps.get(guess).is_none_or(|step| !is_in(step))
        && guess.checked_sub(1).is_none_or(|last| is_in(&steps[last]));
    if right { guess } else { steps.partition_point(is_in) }
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
#[derive(Clone, Debug, Default)]
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
    /// Where the steps in the spans, taken in their order, fill `room`. They would overfill it. `guess`: it may not be
    /// far from there.
    fn find(&mut self, ladders: &Ladders, mut room: i64, guess: Option<Brim>) -> Brim {
        if let Some(guess) = guess {
            self.close_in(ladders, &mut room, &guess);
        }
        while self.is_long() {
            let pivot = self.pivot(ladders);
            self.narrow(ladders, &mut room, &pivot);
        }
        self.walk(ladders, room)
    }

    fn is_long(&self) -> bool {
        self.spans.iter().map(|span| span.high - span.low).sum::<usize>() + self.parts.len() > FEW
    }

    /// Away from the guess in growing strides, until the brim has been passed.
    fn close_in(&mut self, ladders: &Ladders, room: &mut i64, guess: &Brim) {
        let fits = self.narrow(ladders, room, guess);
        let steps = ladders.steps(guess.circuit as usize);
        let mut stride = 2;
        while self.is_long() {
            let index = if fits { Some(guess.index + stride) } else { guess.index.checked_sub(stride) };
            let Some((index, step)) = index.and_then(|index| Some((index, steps.get(index)?))) else {
                return;
            };
            let pivot = Brim { slope: step.slope, index, ..*guess };
            if self.narrow(ladders, room, &pivot) != fits {
                return;
            }
            stride *= 4;
        }
    }

    /// Leaves out what the pivot decides: what is behind it, or it and what is before it. True if the brim is behind.
    fn narrow(&mut self, ladders: &Ladders, room: &mut i64, pivot: &Brim) -> bool {
        let mut load = 0;
        for span in &mut self.spans {
            span.cut = cut(ladders, span, pivot);
            load += ladders.power(span.circuit, span.cut);
        }
        let is_in = |part: &Brim| !pivot.is_before(part);
        let parts: i64 = self.parts.iter().filter(|part| is_in(part)).map(|part| part.amount).sum();
        let fits = load + parts <= *room;
        for span in &mut self.spans {
            *(if fits { &mut span.low } else { &mut span.high }) = span.cut;
        }
        if fits {
            *room -= parts;
        }
        self.parts.retain(|part| is_in(part) != fits);
        fits
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
                let power = ladders.power(span.circuit, index + 1) - ladders.power(span.circuit, index);
                self.last.push((at, power));
            }
        }
        self.last.extend(self.parts.iter().map(|part| (*part, part.amount)));
        self.last.sort_unstable_by(|(a, _), (b, _)| in_order(a, b));
        for (at, power) in &self.last {
            if load + power > room {
                return Brim { amount: room - load, ..*at };
            }
            load += power;
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
