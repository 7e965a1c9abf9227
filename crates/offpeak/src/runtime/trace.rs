//! Power against its limit over time, in bounded memory: two days, evenly thinned. As it grows the
//! grid it lies on gets coarser, so that its older part is kept and only its detail goes.
//!
//! Not here: the drawing (`screen`), and records that must last (the book).

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use offpeak_dispatch::Source;
use offpeak_units::Power;

/// The finest grid.
const FINEST: SignedDuration = SignedDuration::from_secs(10);
/// How far back it reaches.
const REACH: SignedDuration = SignedDuration::from_hours(48);
/// Points kept at most; with [`REACH`] the grid ends at 80 s.
const POINTS_MAX: usize = 4_096;

/// Power against its limit at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) at: Timestamp,
    /// `None` while the meter is silent.
    pub(crate) measured: Option<Power>,
    /// `None` where nothing limits.
    pub(crate) limit: Option<Power>,
    /// Who says so.
    pub(crate) source: Option<Source>,
}

/// A trace, oldest first: one point a cell of its grid.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    points: VecDeque<Point>,
    every: SignedDuration,
}

impl Default for Trace {
    fn default() -> Self {
        Self { points: VecDeque::new(), every: FINEST }
    }
}

impl Trace {
    /// Takes a point in; what it knows of the present cell gives way only to a silence.
    pub(crate) fn add(&mut self, point: Point) {
        put(&mut self.points, point, self.every);
        while self.points.front().is_some_and(|first| first.at.duration_until(point.at) > REACH) {
            self.points.pop_front();
        }
        while self.points.len() > POINTS_MAX {
            self.every *= 2;
            self.points = thinned(&self.points, self.every);
        }
    }

    /// The whole of it in so many points at most, and the newest of all. Cells keep their bounds while the
    /// trace grows within them, so that a picture of it stands still.
    pub(crate) fn shown(&self, most: usize) -> Vec<Point> {
        let Some(newest) = self.points.back().filter(|_| most > 0) else { return Vec::new() };
        let mut every = self.every;
        let mut shown = self.points.clone();
        // Each doubling halves the grid, so this ends after a few rounds.
        while shown.len() > most && shown.len() > 1 {
            every *= 2;
            shown = thinned(&shown, every);
        }
        if most > 1 && shown.back() != Some(newest) {
            // A line that ends before now would look like a silence.
            shown.push_back(*newest);
            while shown.len() > most {
                shown.pop_front();
            }
        }
        shown.into()
    }
}

fn thinned(points: &VecDeque<Point>, every: SignedDuration) -> VecDeque<Point> {
    let mut kept = VecDeque::new();
    points.iter().for_each(|point| put(&mut kept, *point, every));
    kept
}

/// One point a cell, the first; but a silence is not thinned away.
fn put(points: &mut VecDeque<Point>, point: Point, every: SignedDuration) {
    let cell = |point: &Point| point.at.as_second().div_euclid(every.as_secs());
    match points.back_mut() {
        Some(last) if cell(last) == cell(&point) => {
            if last.measured.is_some() && point.measured.is_none() {
                *last = point;
            }
        }
        _ => points.push_back(point),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(second: i64) -> Point {
        let measured = Some(Power::from_watts(second % 86_400));
        Point {
            at: Timestamp::from_second(1_664_733_600 + second).unwrap(),
            measured,
            limit: None,
            source: None,
        }
    }

    fn trace_of(seconds: impl Iterator<Item = i64>) -> Trace {
        let mut trace = Trace::default();
        seconds.for_each(|second| trace.add(point(second)));
        trace
    }

    /// A day simulated by the minute, then a day watched by the second: its first hour is still there.
    #[test]
    fn the_day_before_is_not_lost_to_the_day() {
        let past = (0..1_440).map(|minute| minute * 60 - 86_400);
        let trace = trace_of(past.chain(0..86_400));
        assert!(trace.points.len() <= POINTS_MAX);
        for most in [2_000, 720, 100, 2] {
            let shown = trace.shown(most);
            assert!(shown.len() <= most && shown.len() * 3 > most, "{} of {most}", shown.len());
            assert!(most < 100 || shown[0].at <= point(-86_400 + 3_600).at, "{most}: {}", shown[0].at);
            assert_eq!(shown.last(), trace.points.back());
            assert!(shown.is_sorted_by_key(|point| point.at));
        }
        let shown = trace.shown(720);
        let steps: Vec<_> =
            shown.windows(2).map(|pair| pair[0].at.duration_until(pair[1].at).as_secs()).collect();
        let (most, least) = (steps.iter().max(), steps[..steps.len() - 1].iter().min());
        assert!(most <= Some(&400) && least >= Some(&150), "evenly: {least:?} to {most:?}");
    }

    #[test]
    fn it_is_bounded_for_ever() {
        let trace = trace_of((0..100).map(|day| day * 7_000).chain((0..300_000).map(|n| 700_000 + n * 10)));
        assert!(trace.points.len() <= POINTS_MAX);
        assert_eq!(trace.every, FINEST * 8);
        let first = trace.points.front().unwrap().at;
        assert!(first.duration_until(point(3_700_000).at) <= REACH);
        assert!(trace.shown(0).is_empty() && Trace::default().shown(10).is_empty());
        assert_eq!(trace.shown(1).len(), 1);
    }

    #[test]
    fn a_silence_is_not_thinned_away() {
        let mut trace = trace_of((0..100).map(|n| n * 10));
        trace.add(Point { measured: None, ..point(1_000) });
        (101..2_000).for_each(|n| trace.add(point(n * 10)));
        let shown = trace.shown(50);
        assert_eq!(shown.iter().filter(|point| point.measured.is_none()).count(), 1);
    }
}
