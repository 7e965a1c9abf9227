//! Circuits in the order of a walk from the roots down, so that whatever is below a circuit is one range.

use std::ops::Range;

use super::problem::{NONE, Problem};

/// Circuits by their place in the walk; a circuit comes before everything below it.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    /// The place of the circuit above; [`NONE`] for a root.
    pub(super) above: Vec<u32>,
    /// One past the last place below (and including) it.
    end: Vec<u32>,
    /// In milliwatts.
    pub(super) limits: Vec<i64>,
    /// From the place to the number in the problem.
    pub(super) numbers: Vec<u32>,
    /// From the number in the problem to the place.
    pub(super) places: Vec<u32>,
}

impl Tree {
    pub(super) fn new(problem: &Problem) -> Self {
        let circuits = problem.circuits();
        // A circuit's parent has a lower number, so one sweep from the end counts what is below.
        let mut sizes = vec![1_u32; circuits];
        for circuit in (0..circuits).rev() {
            if problem.parents[circuit] != NONE {
                sizes[problem.parents[circuit] as usize] += sizes[circuit];
            }
        }
        let mut places = vec![0_u32; circuits];
        // Where the next circuit below this one goes.
        let mut free_at = vec![0_u32; circuits];
        let mut free_root = 0_u32;
        let mut tree = Self {
            above: vec![NONE; circuits],
            end: vec![0; circuits],
            limits: vec![0; circuits],
            numbers: vec![0; circuits],
            places: Vec::new(),
        };
        for circuit in 0..circuits {
            let parent = problem.parents[circuit];
            let free = if parent == NONE { &mut free_root } else { &mut free_at[parent as usize] };
            let place = *free;
            *free += sizes[circuit];
            places[circuit] = place;
            free_at[circuit] = place + 1;
            let at = place as usize;
            tree.above[at] = if parent == NONE { NONE } else { places[parent as usize] };
            tree.end[at] = place + sizes[circuit];
            tree.limits[at] = problem.limits[circuit];
            tree.numbers[at] = circuit as u32;
        }
        tree.places = places;
        tree
    }

    pub(super) fn len(&self) -> usize {
        self.above.len()
    }

    /// A circuit and everything below it.
    pub(super) fn below(&self, circuit: usize) -> Range<usize> {
        circuit..self.end[circuit] as usize
    }

    /// A circuit, then those above it up to its root.
    pub(super) fn up_from(&self, circuit: usize) -> impl Iterator<Item = usize> {
        let next = |at: &usize| {
            let above = self.above[*at];
            (above != NONE).then_some(above as usize)
        };
        std::iter::successors(Some(circuit), next)
    }
}
