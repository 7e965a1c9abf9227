//! Whole machines, done thoroughly where that is affordable: from the leaves up, each circuit keeps the combinations
//! of modes below it that may still be part of something better than what is known.
//!
//! Every mode and every watt left free costs a known part of the bound (its *loss*), and losses only add up. So a
//! combination whose loss is not below that of the best solution known is dropped, and of two combinations below one
//! circuit the one that draws more without being worth more is dropped too. As long as no list has to be thinned the
//! result is the optimum; where one has, it is the best that was kept.

use super::fill::{Ground, Whole};
use super::problem::NONE;

/// How many combinations are looked at in one pass, roughly.
const WORK: usize = 3_000_000;
/// A list is never thinned below this, nor left longer than that.
const LIST_MIN: usize = 128;
const LIST_MAX: usize = 4_096;
/// Larger problems are left as they are: their gap is small without this.
const MACHINES_MAX: usize = 5_000;
/// A pass that had to thin out is repeated with what it found, at most so often in all.
const PASSES_MAX: usize = 3;
/// A loss below this share of the bound is none.
const LOSS_MIN: f64 = 1e-9;

/// One combination of modes below a circuit.
#[derive(Clone, Copy, Debug)]
struct Combination {
    power: i64,
    loss: f64,
    /// How it came about: an index into the trails.
    trail: u32,
    /// What was just added to it: a mode or another trail.
    added: u32,
}

/// An `added` with this bit is a mode's index in the problem, without it a trail.
const MODE: u32 = 1 << 31;
const START: u32 = u32::MAX >> 1;

/// A machine's mode that may be part of something better.
#[derive(Clone, Copy, Debug)]
struct Choice {
    power: i64,
    loss: f64,
    added: u32,
}

/// Whether there are few enough machines.
pub(super) fn is_affordable(ground: &Ground) -> bool {
    ground.problem.machines() <= MACHINES_MAX
}

/// Improves the modes if it can. `missing`: how far their value is below the bound.
pub(super) fn refine(ground: &Ground, whole: &mut Whole, bound: f64, mut missing: f64) {
    for _ in 0..PASSES_MAX {
        if missing <= bound.abs() * LOSS_MIN {
            return;
        }
        let mut pass = Pass::new(ground, missing);
        let Some(loss) = pass.run(ground) else { return };
        pass.apply(ground, whole);
        let better = missing - loss;
        missing = loss;
        if !pass.thinned || better <= bound.abs() * LOSS_MIN {
            return;
        }
    }
}

struct Pass {
    /// A loss that is too much.
    bar: f64,
    /// By circuit: the most it may draw, given the least that everything else draws.
    caps: Vec<i64>,
    lists: Vec<Vec<Combination>>,
    trails: Vec<(u32, u32)>,
    /// By machine: the mode without loss.
    plain: Vec<u16>,
    list_max: usize,
    thinned: bool,
    /// The chosen combination of each root.
    chosen: Vec<u32>,
}

impl Pass {
    fn new(ground: &Ground, missing: f64) -> Self {
        let tree = ground.tree;
        let mut floors = ground.ladders.base_power.clone();
        for circuit in (0..tree.len()).rev() {
            if tree.above[circuit] != NONE {
                floors[tree.above[circuit] as usize] += floors[circuit];
            }
        }
        let mut caps = tree.limits.clone();
        for circuit in 0..tree.len() {
            if tree.above[circuit] != NONE && !ground.relaxed.fixed[circuit] {
                let above = tree.above[circuit] as usize;
                caps[circuit] = caps[circuit].min(caps[above] - (floors[above] - floors[circuit]));
            }
        }
        let start = Combination { power: 0, loss: 0.0, trail: START, added: START };
        let modes = ground.problem.powers.len();
        Self {
            bar: missing * (1.0 - 1e-9),
            caps,
            lists: vec![vec![start]; tree.len()],
            trails: Vec::new(),
            plain: ground.ladders.base_modes.clone(),
            list_max: (WORK / modes.max(1)).clamp(LIST_MIN, LIST_MAX),
            thinned: false,
            chosen: Vec::new(),
        }
    }

    /// The least loss found, or `None` if nothing is better than what is known.
    fn run(&mut self, ground: &Ground) -> Option<f64> {
        let tree = ground.tree;
        let mut total = 0.0;
        for circuit in (0..tree.len()).rev() {
            let mut list = std::mem::take(&mut self.lists[circuit]);
            if ground.relaxed.fixed[circuit] {
                let power = ground.ladders.base_power[circuit];
                list.iter_mut().for_each(|one| one.power += power);
            } else {
                list = self.add_machines(ground, circuit, list);
                self.close(ground, circuit, &mut list);
            }
            if tree.above[circuit] == NONE {
                let best = list.iter().min_by(|a, b| a.loss.total_cmp(&b.loss))?;
                self.chosen.push(best.trail);
                total += best.loss;
            } else {
                let above = tree.above[circuit] as usize;
                let before = std::mem::take(&mut self.lists[above]);
                self.lists[above] = self.join(ground, above, before, list);
            }
        }
        (total < self.bar).then_some(total)
    }

    /// Each of a circuit's own machines in each mode that is not too bad.
    fn add_machines(
        &mut self,
        ground: &Ground,
        circuit: usize,
        mut list: Vec<Combination>,
    ) -> Vec<Combination> {
        let price = price(ground, circuit);
        let mut open: Vec<Vec<Choice>> = Vec::new();
        for &machine in ground.ladders.machines(circuit) {
            let choices = self.choices(ground, machine, price);
            if let [only] = choices[..] {
                list.iter_mut().for_each(|one| {
                    one.power += only.power;
                    one.loss += only.loss;
                });
            } else {
                open.push(choices);
            }
        }
        // What the machines that are not in yet will draw at least and at most.
        let extent = |choices: &Vec<Choice>| {
            let powers = || choices.iter().map(|choice| choice.power);
            (powers().min().unwrap_or(0), powers().max().unwrap_or(0))
        };
        let (mut least, mut most) = (0, 0);
        for choices in &open {
            let (low, high) = extent(choices);
            least += low;
            most += high;
        }
        let binding = ground.relaxed.price_here(ground.tree, circuit);
        let mut grown = Vec::new();
        for choices in &open {
            let (low, high) = extent(choices);
            least -= low;
            most -= high;
            grown.clear();
            for choice in choices {
                grown.extend(list.iter().map(|one| Combination {
                    power: one.power + choice.power,
                    loss: one.loss + choice.loss,
                    trail: one.trail,
                    added: choice.added,
                }));
            }
            let cap = self.caps[circuit];
            grown.retain(|one| {
                let unused =
                    if binding > 0.0 { (cap - one.power - most).max(0) as f64 * binding } else { 0.0 };
                one.power + least <= cap && one.loss + unused < self.bar
            });
            self.keep(price, &mut grown, &mut list);
        }
        list
    }

    fn choices(&mut self, ground: &Ground, machine: u32, price: f64) -> Vec<Choice> {
        let (powers, values) = ground.problem.modes(machine);
        let net = |mode: usize| values[mode] - price * powers[mode] as f64;
        let mut plain = 0;
        for mode in 1..powers.len() {
            if net(mode) > net(plain) {
                plain = mode;
            }
        }
        self.plain[machine as usize] = plain as u16;
        let first = ground.problem.first_modes[machine as usize];
        let choice = |mode: usize| Choice {
            power: powers[mode],
            loss: net(plain) - net(mode),
            added: MODE | (first + mode as u32),
        };
        (0..powers.len()).map(choice).filter(|choice| choice.loss < self.bar).collect()
    }

    /// Nothing comes below this circuit any more: what it leaves free costs.
    fn close(&mut self, ground: &Ground, circuit: usize, list: &mut Vec<Combination>) {
        let binding = ground.relaxed.price_here(ground.tree, circuit);
        let (limit, cap) = (ground.tree.limits[circuit], self.caps[circuit]);
        if binding > 0.0 {
            list.iter_mut().for_each(|one| one.loss += binding * (limit - one.power) as f64);
        }
        list.retain(|one| one.power <= cap && one.loss < self.bar);
    }

    /// Each of one list with each of another.
    fn join(
        &mut self,
        ground: &Ground,
        circuit: usize,
        mut ones: Vec<Combination>,
        mut others: Vec<Combination>,
    ) -> Vec<Combination> {
        if let [only] = others[..]
            && only.trail == START
        {
            ones.iter_mut().for_each(|one| {
                one.power += only.power;
                one.loss += only.loss;
            });
            return ones;
        }
        let pairs = self.list_max * 24;
        if ones.len() * others.len() > pairs {
            let side = pairs.isqrt();
            let most = (pairs / others.len().min(side).max(1)).max(side.min(others.len()));
            self.thin(&mut ones, most);
            let most = pairs / ones.len().max(1);
            self.thin(&mut others, most);
        }
        let cap = self.caps[circuit];
        let mut grown = Vec::with_capacity(ones.len() * others.len());
        for one in &ones {
            for other in &others {
                let (power, loss) = (one.power + other.power, one.loss + other.loss);
                if power > cap {
                    break;
                }
                if loss < self.bar {
                    grown.push(Combination { power, loss, trail: one.trail, added: other.trail });
                }
            }
        }
        let mut kept = Vec::new();
        self.keep(price(ground, circuit), &mut grown, &mut kept);
        kept
    }

    /// Those that are worth more than every one that draws no more, thinned to what is affordable, with their trails.
    fn keep(&mut self, price: f64, grown: &mut Vec<Combination>, kept: &mut Vec<Combination>) {
        grown.sort_by_key(|one| one.power);
        let mut most = f64::NEG_INFINITY;
        grown.retain(|one| {
            let worth = price * one.power as f64 - one.loss;
            let better = worth > most;
            most = most.max(worth);
            better
        });
        self.thin(grown, self.list_max);
        kept.clear();
        for one in grown.iter() {
            self.trails.push((one.trail, one.added));
            kept.push(Combination { trail: self.trails.len() as u32 - 1, added: START, ..*one });
        }
    }

    /// At most about `most`, spread over the powers; in each stretch the one of least loss.
    fn thin(&mut self, list: &mut Vec<Combination>, most: usize) {
        if list.len() <= most.max(2) {
            return;
        }
        self.thinned = true;
        let (low, high) = (list[0].power, list[list.len() - 1].power);
        let stretch = (high - low) / most as i64 + 1;
        let mut place = i64::MIN;
        let mut end = 0;
        for at in 0..list.len() {
            let one = list[at];
            let here = (one.power - low) / stretch;
            if here != place {
                place = here;
                list[end] = one;
                end += 1;
            } else if one.loss < list[end - 1].loss {
                list[end - 1] = one;
            }
        }
        list.truncate(end);
    }

    fn apply(&self, ground: &Ground, whole: &mut Whole) {
        let mut modes = self.plain.clone();
        let mut open = self.chosen.clone();
        while let Some(trail) = open.pop() {
            if trail == START {
                continue;
            }
            let (before, added) = self.trails[trail as usize];
            open.push(before);
            if added & MODE == 0 {
                open.push(added);
            } else {
                let mode = added & !MODE;
                let machine = ground.problem.first_modes.partition_point(|first| *first <= mode) - 1;
                modes[machine] = (mode - ground.problem.first_modes[machine]) as u16;
            }
        }
        whole.replace(ground, modes);
    }
}

/// What a milliwatt on this circuit is worth.
fn price(ground: &Ground, circuit: usize) -> f64 {
    let owner = ground.relaxed.owners[circuit];
    let brim = (owner != NONE).then(|| ground.relaxed.brims[owner as usize]).flatten();
    brim.map_or(0.0, |brim| brim.slope)
}
