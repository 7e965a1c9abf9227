//! Fairness between owners: whose machines go first where there is not room for all, and what each was served in
//! the present month.
//!
//! Machines that are pinned on go before all others. Within an owner, and where nothing else is agreed, the one
//! that makes most of a watt goes first.

use jiff::Timestamp;
use offpeak_site::{MachineIx, SharingRule, Site};

use crate::load::Loads;
use crate::standing::Standing;

/// What each owner's machines were served in the present civil month, in watt-hours by the catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Served {
    month: Option<(i16, i8)>,
    /// Until when it is counted: the number of a quarter of an hour.
    quarter: Option<i64>,
    /// One element an owner.
    pub watt_hours: Vec<i64>,
}

/// The civil month in which an instant lies.
fn month(site: &Site, at: Timestamp) -> (i16, i8) {
    let civil = site.time_zone.to_datetime(at);
    (civil.year(), civil.month())
}

/// The quarter of an hour in which an instant lies.
pub(crate) fn quarter(at: Timestamp) -> i64 {
    at.as_second().div_euclid(900)
}

impl Served {
    /// What was counted before a restart: `of` tells the watt-hours of an owner, by id, in the month in which `now`
    /// lies. Of whom it tells nothing, nothing was counted: an owner who is new in the site file begins at zero.
    #[must_use]
    pub fn recalled(site: &Site, now: Timestamp, of: impl Fn(&str) -> Option<i64>) -> Self {
        let watt_hours = site.owners.iter().map(|owner| of(&owner.id).unwrap_or(0)).collect();
        Self { month: Some(month(site, now)), quarter: None, watt_hours }
    }

    /// The civil month that is counted, such as `2022-10`; `None` before anything was.
    #[must_use]
    pub fn month(&self) -> Option<String> {
        self.month.map(|(year, month)| format!("{year:04}-{month:02}"))
    }

    /// Counts the quarters that have passed, as the machines stand now; at most one, so that time without a
    /// controller is nobody's. Says whether one has passed.
    pub(crate) fn count(&mut self, site: &Site, loads: &Loads, now: Timestamp) -> bool {
        let this = Some(quarter(now));
        if self.quarter == this {
            return false;
        }
        let first = self.quarter.is_none();
        self.quarter = this;
        let month = Some(month(site, now));
        if self.month != month {
            self.month = month;
            self.watt_hours = vec![0; site.owners.len()];
        }
        self.watt_hours.resize(site.owners.len(), 0);
        let machines = site.machines().zip(&loads.standings).zip(&loads.awake);
        for (((_, machine), standing), awake) in machines.filter(|_| !first) {
            if *standing == Standing::Running {
                self.watt_hours[usize::from(machine.owner.0)] += awake.to_watts() / 4;
            }
        }
        true
    }
}

/// A share is looked at over so many hours ahead: a window's length. A machine further down its owner's list counts
/// as served later.
const HOURS_AHEAD: i64 = 8;

/// Puts machines that come in the order of what they make of a watt into the order in which they go.
pub(crate) fn put_in_order(site: &Site, served: &Served, order: &mut [MachineIx]) {
    let rules = &site.rules;
    let pinned = |ix: &MachineIx| rules.pinned.get(ix) != Some(&true);
    let owner = |ix: &MachineIx| site.machine(*ix).owner;
    match rules.sharing {
        SharingRule::Efficiency => {
            if !rules.pinned.is_empty() {
                order.sort_by_key(pinned);
            }
        }
        SharingRule::FirstIn => order.sort_by_key(|ix| (pinned(ix), owner(ix))),
        SharingRule::Priority => order.sort_by_key(|ix| (pinned(ix), rules.terms_of(owner(ix)).priority)),
        SharingRule::Proportional => {
            // What its owner will have been served once this machine and all before it have run for a while, by
            // share: the smallest goes first.
            let mut ahead: Vec<i64> = (0..site.owners.len())
                .map(|owner| served.watt_hours.get(owner).copied().unwrap_or(0))
                .collect();
            let mut due = vec![0_i128; site.machines.len()];
            for ix in order.iter() {
                let owner = owner(ix);
                let ahead = &mut ahead[usize::from(owner.0)];
                *ahead += site.model_of(*ix).normal().power.to_watts() * HOURS_AHEAD;
                let share = i128::from(rules.terms_of(owner).share.max(1));
                due[ix.ix()] = i128::from(*ahead) * 1_000_000 / share;
            }
            order.sort_by_key(|ix| (pinned(ix), due[ix.ix()]));
        }
    }
}

#[cfg(test)]
mod tests {
    use offpeak_site::{Owner, OwnerIx, OwnerTerms};
    use proptest::prelude::*;

    use super::*;
    use crate::rank::rank;
    use crate::testing::{MACHINE_W, memory, monday, site, snapshot};

    /// Three owners whose machines stand mixed.
    fn shared(rule: SharingRule, shares: [u32; 3]) -> Site {
        let mut site = site();
        site.owners = ["a", "b", "c"].map(|id| Owner { id: id.into(), name: id.into() }).into();
        for (place, machine) in site.machines.iter_mut().enumerate() {
            machine.owner = OwnerIx((place % 3) as u16);
        }
        site.rules.sharing = rule;
        site.rules.terms = shares.map(|share| OwnerTerms { share, priority: share }).into();
        site
    }

    fn first(site: &Site, served: &Served, count: usize) -> Vec<u16> {
        let mut order = rank(site, &[], None, None).order;
        put_in_order(site, served, &mut order);
        order[..count].iter().map(|ix| site.machine(*ix).owner.0).collect()
    }

    #[test]
    fn contracts_say_who_goes_first() {
        let none = Served::default();
        assert_eq!(first(&shared(SharingRule::FirstIn, [1, 1, 1]), &none, 14), [0; 14]);
        assert_eq!(first(&shared(SharingRule::Priority, [3, 1, 2]), &none, 13), [1; 13]);
        let mut site = shared(SharingRule::FirstIn, [1, 1, 1]);
        site.rules.pinned = [(MachineIx(38), true)].into();
        assert_eq!(first(&site, &none, 2), [2, 0], "the pinned one before all");
    }

    #[test]
    fn the_order_of_owners_is_the_same_after_a_restart_in_the_month() {
        let site = shared(SharingRule::Proportional, [3, 1, 2]);
        let watt_hours = vec![900_000, 100_000, 700_000];
        let before = Served { month: Some((2022, 10)), quarter: Some(7), watt_hours: watt_hours.clone() };
        let at: Timestamp = "2022-10-31T23:59:59Z".parse().unwrap();
        let of = |id: &str| site.owners.iter().position(|owner| owner.id == id).map(|ix| watt_hours[ix]);
        let after = Served::recalled(&site, at, of);
        let order = |served: &Served| first(&site, served, 40);
        assert_eq!(order(&after), order(&before));
        assert_ne!(order(&after), order(&Served::default()), "as if nothing had been served");
        assert_eq!(after.month().as_deref(), Some("2022-10"));
    }

    #[test]
    fn a_quarter_of_an_hour_with_a_restart_in_it_counts_once() {
        let site = shared(SharingRule::Proportional, [1, 1, 1]);
        let run = |restart_at: Option<i64>| {
            let mut served = Served::default();
            for second in (0..4_000).step_by(10) {
                let now = monday(second);
                if restart_at == Some(second) {
                    let known = served.watt_hours.clone();
                    let of =
                        |id: &str| site.owners.iter().position(|owner| owner.id == id).map(|ix| known[ix]);
                    served = Served::recalled(&site, now, of);
                }
                let snapshot = snapshot(now, 30);
                let memory = memory(&site, &snapshot);
                let loads = Loads::new(&site, &crate::frame::Frame::new(&site), &snapshot, &memory);
                served.count(&site, &loads, now);
            }
            served.watt_hours
        };
        let whole = run(None);
        assert!(whole.iter().all(|served| *served == 4 * 10 * MACHINE_W / 4), "{whole:?}");
        assert_eq!(run(Some(1_990)), whole);
    }

    proptest! {
        /// Whatever the shares and however tight the days: over a month each owner has its share, to within what a
        /// machine draws in a night.
        #[test]
        fn a_month_is_shared_in_proportion(
            shares in [1_u32..6, 1_u32..6, 1_u32..6],
            rooms in proptest::collection::vec(3_usize..14, 30),
        ) {
            let site = shared(SharingRule::Proportional, shares);
            let mut served = Served { watt_hours: vec![0; 3], ..Served::default() };
            for room in rooms {
                for owner in first(&site, &served, room) {
                    served.watt_hours[usize::from(owner)] += 3_000 * HOURS_AHEAD;
                }
            }
            let all: i64 = served.watt_hours.iter().sum();
            let parts: i64 = shares.iter().map(|share| i64::from(*share)).sum();
            for (share, got) in shares.iter().zip(&served.watt_hours) {
                let fair = all * i64::from(*share) / parts;
                prop_assert!((got - fair).abs() <= 2 * 3_000 * HOURS_AHEAD, "{:?} for {:?}", served.watt_hours, shares);
            }
        }
    }
}
