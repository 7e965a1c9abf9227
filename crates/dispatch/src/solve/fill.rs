//! From the relaxed optimum to whole machines: what a broken step leaves free is filled by moving a few machines to
//! other modes. For each binding circuit the moves that cost least at its price are combined, up to four at a time,
//! so that as much value as possible goes into the room that is left.

use super::ladder::Ladders;
use super::problem::Problem;
use super::relax::{Brim, Relaxed};
use super::tree::Tree;

/// A whole mode for each machine, and what that comes to.
#[derive(Clone, Debug, Default)]
pub(super) struct Whole {
    /// By machine.
    pub(super) modes: Vec<u16>,
    /// By circuit: everything below, in milliwatts.
    pub(super) loads: Vec<i64>,
}

/// All that stays fixed while modes are chosen.
#[derive(Clone, Copy)]
pub(super) struct Ground<'a> {
    pub(super) problem: &'a Problem,
    pub(super) tree: &'a Tree,
    pub(super) ladders: &'a Ladders,
    pub(super) relaxed: &'a Relaxed,
}

impl Ground<'_> {
    pub(super) fn place(&self, machine: u32) -> usize {
        self.tree.places[self.problem.places[machine as usize] as usize] as usize
    }
}

impl Whole {
    /// Every step that the relaxed optimum takes whole.
    pub(super) fn rounded_down(ground: &Ground) -> Self {
        let circuits = ground.tree.len();
        let mut whole = Self { modes: ground.ladders.base_modes.clone(), loads: vec![0; circuits] };
        for circuit in (0..circuits).rev() {
            let taken = ground.relaxed.taken[circuit];
            for step in &ground.ladders.steps(circuit)[..taken] {
                whole.modes[step.machine as usize] = step.to;
            }
            whole.loads[circuit] += ground.ladders.base_power[circuit] + ground.ladders.power(circuit, taken);
            if let Some(above) = ground.tree.up_from(circuit).nth(1) {
                whole.loads[above] += whole.loads[circuit];
            }
        }
        whole
    }

    pub(super) fn value(&self, problem: &Problem) -> f64 {
        (0_u32..).zip(&self.modes).map(|(machine, mode)| problem.value(machine, *mode)).sum()
    }

    /// Puts a machine into a mode and moves the loads above it.
    fn set(&mut self, ground: &Ground, machine: u32, mode: u16) {
        let more =
            ground.problem.power(machine, mode) - ground.problem.power(machine, self.modes[machine as usize]);
        self.modes[machine as usize] = mode;
        for circuit in ground.tree.up_from(ground.place(machine)) {
            self.loads[circuit] += more;
        }
    }

    /// The least room of the circuits from a machine's up to, but not including, `top`.
    fn room_below(&self, ground: &Ground, machine: u32, top: usize) -> i64 {
        let path = ground.tree.up_from(ground.place(machine)).take_while(|circuit| *circuit != top);
        path.map(|circuit| ground.tree.limits[circuit] - self.loads[circuit]).min().unwrap_or(i64::MAX)
    }
}

/// One machine to another mode.
#[derive(Clone, Copy, Debug)]
struct Move {
    /// What it costs at the circuit's price.
    loss: f64,
    power: i64,
    value: f64,
    machine: u32,
    to: u16,
}

/// At most two moves of one half.
#[derive(Clone, Copy, Debug)]
struct Handful {
    power: i64,
    value: f64,
    moves: [u16; 2],
}

const NO_MOVE: u16 = u16::MAX;

/// Fills one circuit after another; keeps its working space.
#[derive(Debug, Default)]
pub(super) struct Filler {
    moves: Vec<Move>,
    halves: [Vec<Handful>; 2],
    best_up_to: Vec<usize>,
}

/// Circuits with at most so many machines at their price have every mode of every machine looked at.
const SCAN_MAX: usize = 1_024;
/// Of larger ones, so many steps to each side of the brim.
const WINDOW: usize = 256;
/// So many moves are combined.
const MOVES_MAX: usize = 96;
/// How often a circuit is gone over.
const ROUNDS_MAX: usize = 4;

impl Filler {
    /// Fills every binding circuit, from the leaves up: what one leaves over goes to the next above it.
    pub(super) fn fill(&mut self, ground: &Ground, whole: &mut Whole) {
        for circuit in (0..ground.tree.len()).rev() {
            if let Some(brim) = ground.relaxed.brims[circuit] {
                let own: Vec<usize> = ground
                    .tree
                    .below(circuit)
                    .filter(|below| ground.relaxed.owners[*below] == circuit as u32)
                    .collect();
                for _ in 0..ROUNDS_MAX {
                    if !self.round(ground, whole, circuit, &brim, &own) {
                        break;
                    }
                }
            }
        }
    }

    fn round(
        &mut self,
        ground: &Ground,
        whole: &mut Whole,
        circuit: usize,
        brim: &Brim,
        own: &[usize],
    ) -> bool {
        let room = ground.tree.limits[circuit] - whole.loads[circuit];
        self.collect(ground, whole, circuit, brim.slope, own);
        let worth = brim.slope * room as f64;
        let Some((gain, chosen)) = self.best(room, worth) else { return false };
        if gain <= worth.abs().max(f64::MIN_POSITIVE) * 1e-9 {
            return false;
        }
        self.carry_out(ground, whole, circuit, &chosen)
    }

    /// The moves that cost least, cheapest first.
    fn collect(&mut self, ground: &Ground, whole: &Whole, circuit: usize, price: f64, own: &[usize]) {
        self.moves.clear();
        let machines: usize = own.iter().map(|below| ground.ladders.machine_range(*below).len()).sum();
        let mut add = |machine: u32, to: u16| {
            let from = whole.modes[machine as usize];
            let power = ground.problem.power(machine, to) - ground.problem.power(machine, from);
            let value = ground.problem.value(machine, to) - ground.problem.value(machine, from);
            if to != from && (power < 0 || value > 0.0) {
                self.moves.push(Move { loss: price * power as f64 - value, power, value, machine, to });
            }
        };
        if machines <= SCAN_MAX {
            for machine in own.iter().flat_map(|below| ground.ladders.machines(*below)) {
                (0..ground.problem.modes(*machine).0.len() as u16).for_each(|to| add(*machine, to));
            }
        } else {
            let window = (WINDOW / own.len()).max(2);
            for below in own {
                let (steps, taken) = (ground.ladders.steps(*below), ground.relaxed.taken[*below]);
                for step in &steps[taken.saturating_sub(window)..(taken + window).min(steps.len())] {
                    add(step.machine, step.from);
                    add(step.machine, step.to);
                }
            }
        }
        let by_loss =
            |a: &Move, b: &Move| a.loss.total_cmp(&b.loss).then((a.machine, a.to).cmp(&(b.machine, b.to)));
        self.moves
            .retain(|one| one.power <= 0 || one.power <= whole.room_below(ground, one.machine, circuit));
        if self.moves.len() > MOVES_MAX {
            self.moves.select_nth_unstable_by(MOVES_MAX, by_loss);
            self.moves.truncate(MOVES_MAX);
        }
        self.moves.sort_unstable_by(by_loss);
        self.moves.dedup_by_key(|one| (one.machine, one.to));
    }

    /// The handful of moves that gains most within `room`.
    fn best(&mut self, room: i64, worth: f64) -> Option<(f64, Vec<Move>)> {
        // No combination gains more than the room is worth less its loss; the best single move bounds the losses.
        let singles = self.moves.iter().filter(|one| one.power <= room).map(|one| one.value);
        let sure = singles.fold(0.0, f64::max);
        let bound = worth - sure;
        // A machine's moves are all in one half.
        let in_first = |machine: u32| machine.wrapping_mul(0x9E37_79B9) >> 31 == 0;
        for (half, handfuls) in self.halves.iter_mut().enumerate() {
            let own: Vec<u16> = (0..self.moves.len())
                .filter(|at| in_first(self.moves[*at].machine) == (half == 0))
                .map(|at| at as u16)
                .collect();
            gather(&self.moves, &own, bound, handfuls);
        }
        let [first, second] = &self.halves;
        self.best_up_to.clear();
        let mut best = 0;
        for (at, handful) in second.iter().enumerate() {
            if handful.value > second[best].value {
                best = at;
            }
            self.best_up_to.push(best);
        }
        let mut found: Option<(f64, usize, usize)> = None;
        let mut end = second.len();
        for (at, handful) in first.iter().enumerate() {
            while end > 0 && second[end - 1].power > room - handful.power {
                end -= 1;
            }
            if end == 0 {
                break;
            }
            let partner = self.best_up_to[end - 1];
            let value = handful.value + second[partner].value;
            if found.is_none_or(|(most, ..)| value > most) {
                found = Some((value, at, partner));
            }
        }
        let (gain, one, other) = found?;
        let chosen = first[one].moves.iter().chain(&second[other].moves);
        Some((gain, chosen.filter(|at| **at != NO_MOVE).map(|at| self.moves[*at as usize]).collect()))
    }

    /// Carries the moves out if every circuit on the way allows it: falls first, then rises that fit.
    fn carry_out(&self, ground: &Ground, whole: &mut Whole, circuit: usize, chosen: &[Move]) -> bool {
        let before: Vec<(u32, u16)> =
            chosen.iter().map(|one| (one.machine, whole.modes[one.machine as usize])).collect();
        for one in chosen {
            whole.set(ground, one.machine, one.to);
        }
        let fits = chosen.iter().all(|one| whole.room_below(ground, one.machine, circuit) >= 0);
        if !fits {
            for (machine, mode) in before {
                whole.set(ground, machine, mode);
            }
        }
        fits
    }
}

/// No move, each move and each two moves of different machines whose loss is below `bound`, by rising power.
fn gather(moves: &[Move], own: &[u16], bound: f64, handfuls: &mut Vec<Handful>) {
    handfuls.clear();
    handfuls.push(Handful { power: 0, value: 0.0, moves: [NO_MOVE; 2] });
    for (at, &one) in own.iter().enumerate() {
        let first = moves[one as usize];
        if first.loss > bound {
            break;
        }
        handfuls.push(Handful { power: first.power, value: first.value, moves: [one, NO_MOVE] });
        for &other in &own[at + 1..] {
            let second = moves[other as usize];
            if first.loss + second.loss > bound {
                break;
            }
            if first.machine != second.machine {
                let (power, value) = (first.power + second.power, first.value + second.value);
                handfuls.push(Handful { power, value, moves: [one, other] });
            }
        }
    }
    handfuls.sort_unstable_by(|a, b| a.power.cmp(&b.power).then(a.moves.cmp(&b.moves)));
}
