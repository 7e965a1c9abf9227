//! From the relaxed optimum to whole machines: what a broken step leaves free is filled by moving a few machines to
//! other modes. For each binding circuit the moves that cost least at its price are combined so that as much value as
//! possible goes into the room that is left.

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
    /// By circuit: how many of its own steps the modes stand for, apart from what filling moved.
    taken: Vec<usize>,
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
    /// Everything at its least power.
    pub(super) fn asleep(ladders: &Ladders, circuits: usize) -> Self {
        Self { modes: ladders.base_modes.clone(), loads: vec![0; circuits], taken: vec![0; circuits] }
    }

    /// Every step that the relaxed optimum takes whole, and no other. Machines that filling moved are left alone.
    fn follow(&mut self, ground: &Ground) {
        for (circuit, now) in ground.relaxed.taken.iter().enumerate() {
            let before = std::mem::replace(&mut self.taken[circuit], *now);
            let steps = ground.ladders.steps(circuit);
            for step in &steps[before.min(*now)..*now] {
                self.modes[step.machine as usize] = step.to;
            }
            for step in steps[*now..before.max(*now)].iter().rev() {
                self.modes[step.machine as usize] = step.from;
            }
        }
    }

    /// The loads of these modes, where only the machines in `moved` do not stand at the steps that are taken.
    fn weigh<'a>(&mut self, ground: &Ground, moved: impl Iterator<Item = &'a Moved>) {
        for (circuit, taken) in self.taken.iter().enumerate() {
            self.loads[circuit] = ground.ladders.base_power[circuit] + ground.ladders.power(circuit, *taken);
        }
        for one in moved {
            self.loads[ground.place(one.machine)] += one.power;
        }
        for circuit in (0..ground.tree.len()).rev() {
            if let Some(above) = ground.tree.up_from(circuit).nth(1) {
                self.loads[above] += self.loads[circuit];
            }
        }
    }

    /// Other modes for all machines.
    pub(super) fn replace(&mut self, ground: &Ground, modes: Vec<u16>) {
        self.modes = modes;
        self.loads.fill(0);
        for circuit in (0..ground.tree.len()).rev() {
            let own = ground.ladders.machines(circuit);
            let power = |machine: &u32| ground.problem.power(*machine, self.modes[*machine as usize]);
            self.loads[circuit] += own.iter().map(power).sum::<i64>();
            if let Some(above) = ground.tree.up_from(circuit).nth(1) {
                self.loads[above] += self.loads[circuit];
            }
        }
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
    /// What it costs at the circuit's price; not below zero but for rounding.
    loss: f64,
    power: i64,
    value: f64,
    machine: u32,
    to: u16,
}

/// Moves of one half of the machines, together.
#[derive(Clone, Copy, Debug)]
struct Handful {
    power: i64,
    loss: f64,
    /// The last of its moves in the filler's trails.
    trail: u32,
}

/// How much is tried at each circuit.
#[derive(Clone, Copy, Debug)]
struct Effort {
    /// So many stretches of power; in each the handful of least loss is kept.
    stretches: usize,
    moves: usize,
}

impl Effort {
    /// So many combinations are tried in all, about: a few milliseconds' worth in a large problem, where a circuit has
    /// many machines to choose from, and more in a small one.
    fn new(machines: usize, binding: usize) -> Self {
        let tries = if machines > 20_000 { 400_000 } else { 4_000_000 };
        let stretches = (3 * tries / binding.max(1)).isqrt().clamp(64, 640);
        Self { stretches, moves: stretches / 3 }
    }
}

const NOTHING: u32 = u32::MAX;

/// A machine that filling has put elsewhere than the steps that are taken whole would have it.
#[derive(Clone, Copy, Debug)]
struct Moved {
    machine: u32,
    /// Where it stood.
    from: u16,
    /// Milliwatts more.
    power: i64,
    value: f64,
}

/// How a circuit was filled.
#[derive(Clone, Debug, Default)]
struct Filling {
    moved: Vec<Moved>,
    /// How hard was tried.
    stretches: usize,
}

/// Fills one circuit after another; keeps its working space, and how each was filled.
#[derive(Clone, Debug, Default)]
pub(super) struct Filler {
    /// By circuit.
    fillings: Vec<Filling>,
    moves: Vec<Move>,
    /// The handful before, and the move that was added.
    trails: Vec<(u32, u16)>,
    halves: [Vec<Option<Handful>>; 2],
    grown: Vec<Option<Handful>>,
}

/// The best moves that are known, and what they gain.
#[derive(Clone, Debug, Default)]
struct Best {
    gain: f64,
    moves: Vec<Move>,
}

/// Circuits with at most so many machines at their price have every mode of every machine looked at.
const SCAN_MAX: usize = 1_024;
/// Of larger ones, so many steps to each side of the brim.
const WINDOW: usize = 512;
/// A gain below this share of what the room is worth is none.
const GAIN_MIN: f64 = 1e-12;
/// Where circuits between the machines and the binding one are nearly full, a rise must fit there so many times.
const CAUTION: i64 = 8;
/// A circuit that was filled with less than one in so many stretches of what is affordable now is filled again.
const ENOUGH: usize = 2;

impl Filler {
    /// Fills every binding circuit, from the leaves up: what one leaves over goes to the next above it. Where nothing
    /// has changed at a circuit and below it, it stays as it was filled before.
    pub(super) fn fill(&mut self, ground: &Ground, whole: &mut Whole) {
        self.fillings.resize_with(ground.tree.len(), Filling::default);
        let binding = ground.relaxed.brims.iter().flatten().count();
        let effort = Effort::new(ground.problem.machines(), binding);
        let stale = self.empty(ground, whole, effort);
        whole.follow(ground);
        whole.weigh(ground, self.fillings.iter().flat_map(|filling| &filling.moved));
        for circuit in (0..ground.tree.len()).rev().filter(|circuit| stale[*circuit]) {
            if let Some(brim) = ground.relaxed.brims[circuit] {
                let moves = self.fill_one(ground, whole, circuit, &brim, effort);
                self.fillings[circuit] = Filling { moved: moves, stretches: effort.stretches };
            }
        }
    }

    /// What the modes are worth: the whole steps, and what filling moved.
    pub(super) fn value(&self, ground: &Ground) -> f64 {
        let moved = self.fillings.iter().flat_map(|filling| &filling.moved).map(|one| one.value);
        ground.relaxed.objective_whole + moved.sum::<f64>()
    }

    /// Takes back what was moved for circuits that have to be filled again; which circuits those are.
    fn empty(&mut self, ground: &Ground, whole: &mut Whole, effort: Effort) -> Vec<bool> {
        let mut stale = ground.relaxed.changed.clone();
        for circuit in (0..stale.len()).rev() {
            let filling = &mut self.fillings[circuit];
            let binds = ground.relaxed.brims[circuit].is_some();
            // It was one of very many, and is one of few now: worth another try.
            stale[circuit] |= binds && filling.stretches * ENOUGH < effort.stretches;
            if !stale[circuit] {
                continue;
            }
            for one in filling.moved.drain(..) {
                whole.modes[one.machine as usize] = one.from;
            }
            if let Some(above) = ground.tree.up_from(circuit).nth(1) {
                stale[above] = true;
            }
        }
        stale
    }

    /// The best moves; with more caution if they do not fit below the circuit.
    fn fill_one(
        &mut self,
        ground: &Ground,
        whole: &mut Whole,
        circuit: usize,
        brim: &Brim,
        effort: Effort,
    ) -> Vec<Moved> {
        let own = |below: &usize| ground.relaxed.owners[*below] == circuit as u32;
        let own: Vec<usize> = ground.tree.below(circuit).filter(own).collect();
        let room = ground.tree.limits[circuit] - whole.loads[circuit];
        let worth = brim.slope * room as f64;
        for caution in [1, CAUTION] {
            self.collect(ground, whole, brim.slope, &own);
            let fits = |one: &Move| {
                one.power <= 0
                    || one.power.saturating_mul(caution) <= whole.room_below(ground, one.machine, circuit)
            };
            let best = self.best(room, worth, effort, fits);
            if best.gain <= worth * GAIN_MIN {
                break;
            }
            if let Some(moved) = carry_out(ground, whole, circuit, &best.moves) {
                return moved;
            }
        }
        Vec::new()
    }

    /// Moves of the machines at a circuit's price: all of them, or those near the brim.
    fn collect(&mut self, ground: &Ground, whole: &Whole, price: f64, own: &[usize]) {
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
            return;
        }
        let window = (WINDOW / own.len()).max(4);
        for below in own {
            let (steps, taken) = (ground.ladders.steps(*below), ground.relaxed.taken[*below]);
            for step in &steps[taken.saturating_sub(window)..taken] {
                add(step.machine, step.from);
            }
            for step in &steps[taken..(taken + window).min(steps.len())] {
                add(step.machine, step.to);
            }
        }
    }

    /// The moves that gain most within `room`, which is worth `worth`. A gain is that worth less the moves' losses and
    /// what they leave free; so the best known gain bounds the losses of anything better.
    fn best(&mut self, room: i64, worth: f64, effort: Effort, fits: impl Fn(&Move) -> bool) -> Best {
        let mut best = Best::default();
        for one in self.moves.iter().filter(|one| one.power <= room) {
            if one.value > best.gain && fits(one) {
                best = Best { gain: one.value, moves: vec![*one] };
            }
        }
        let bar = worth - best.gain;
        self.moves.retain(|one| one.loss < bar && fits(one));
        self.choose(effort.moves);
        if !self.moves.is_empty() {
            self.combine(room, worth, effort, &mut best);
        }
        best
    }

    /// At most about so many of the cheapest, from each size of move some; a machine's moves stand together.
    fn choose(&mut self, most: usize) {
        let by_loss =
            |a: &Move, b: &Move| a.loss.total_cmp(&b.loss).then((a.machine, a.to).cmp(&(b.machine, b.to)));
        if self.moves.len() > most {
            let largest = self.moves.iter().map(|one| one.power.abs()).max().unwrap_or(1).max(1);
            let mut of_size = [0_usize; 2 * SIZES + 1];
            let share = (most / SIZES).max(1);
            self.moves.sort_unstable_by(by_loss);
            let mut chosen = 0;
            self.moves.retain(|one| {
                let size = (one.power * SIZES as i64 / largest + SIZES as i64) as usize;
                of_size[size] += 1;
                chosen += usize::from(of_size[size] <= share);
                of_size[size] <= share && chosen <= most
            });
        }
        self.moves.sort_unstable_by_key(|one| (one.machine, one.to));
        self.moves.dedup_by_key(|one| (one.machine, one.to));
    }

    /// Handfuls of the one half of the machines with handfuls of the other.
    fn combine(&mut self, room: i64, worth: f64, effort: Effort, best: &mut Best) {
        let largest = self.moves.iter().map(|one| one.power.abs()).max().unwrap_or(0);
        let low = -3 * largest;
        let stretch = ((room + 6 * largest) / effort.stretches as i64).max(1);
        self.trails.clear();
        let bar = worth - best.gain;
        for half in 0..2 {
            self.gather(half == 1, bar, low, stretch, effort.stretches + 1);
            std::mem::swap(&mut self.halves[half], &mut self.grown);
        }
        // Ever more room for the second half as the first draws less; its best up to there.
        let price = worth / room.max(1) as f64;
        let gain = |one: &Handful| price * one.power as f64 - one.loss;
        let [first, second] = &self.halves;
        let mut second = second.iter().flatten().peekable();
        let mut partner: Option<&Handful> = None;
        let mut found = None;
        for one in first.iter().flatten().rev() {
            while let Some(next) = second.next_if(|next| next.power <= room - one.power) {
                if partner.is_none_or(|known| gain(next) > gain(known)) {
                    partner = Some(next);
                }
            }
            let Some(other) = partner else { continue };
            if gain(one) + gain(other) > best.gain {
                best.gain = gain(one) + gain(other);
                found = Some((one.trail, other.trail));
            }
        }
        if let Some((one, other)) = found {
            best.moves.clear();
            for mut trail in [one, other] {
                while trail != NOTHING {
                    let (before, added) = self.trails[trail as usize];
                    best.moves.push(self.moves[usize::from(added)]);
                    trail = before;
                }
            }
        }
    }

    /// By stretch of power, the handful of least loss below `bar`, of one half of the machines; into `grown`.
    fn gather(&mut self, half: bool, bar: f64, low: i64, stretch: i64, stretches: usize) {
        let mut known = vec![None; stretches];
        let place =
            |power: i64| usize::try_from((power - low).div_euclid(stretch)).ok().filter(|at| *at < stretches);
        if let Some(at) = place(0) {
            known[at] = Some(Handful { power: 0, loss: 0.0, trail: NOTHING });
        }
        self.grown.clear();
        self.grown.extend_from_slice(&known);
        let mut at = 0;
        while at < self.moves.len() {
            let machine = self.moves[at].machine;
            let end = at + self.moves[at..].iter().take_while(|one| one.machine == machine).count();
            if scattered(machine) == half {
                for added in at..end {
                    let more = self.moves[added];
                    for one in known.iter().flatten() {
                        let (power, loss) = (one.power + more.power, one.loss + more.loss);
                        if loss >= bar {
                            continue;
                        }
                        let Some(place) = place(power) else { continue };
                        if self.grown[place].is_none_or(|there| loss < there.loss) {
                            self.trails.push((one.trail, added as u16));
                            let trail = self.trails.len() as u32 - 1;
                            self.grown[place] = Some(Handful { power, loss, trail });
                        }
                    }
                }
                known.copy_from_slice(&self.grown);
            }
            at = end;
        }
    }
}

/// Moves are told apart by their power in so many sizes up and down.
const SIZES: usize = 12;

/// One bit that neighbours rarely share.
fn scattered(machine: u32) -> bool {
    machine.wrapping_mul(0x9E37_79B9) >> 31 != 0
}

/// Carries the moves out if every circuit up to `circuit` allows it.
fn carry_out(ground: &Ground, whole: &mut Whole, circuit: usize, chosen: &[Move]) -> Option<Vec<Moved>> {
    let moved = |one: &Move| Moved {
        machine: one.machine,
        from: whole.modes[one.machine as usize],
        power: one.power,
        value: one.value,
    };
    let moved: Vec<Moved> = chosen.iter().map(moved).collect();
    for one in chosen {
        whole.set(ground, one.machine, one.to);
    }
    let fits = chosen.iter().all(|one| whole.room_below(ground, one.machine, circuit) >= 0);
    if !fits {
        for one in &moved {
            whole.set(ground, one.machine, one.from);
        }
    }
    fits.then_some(moved)
}
