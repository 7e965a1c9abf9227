//! What is counted over months and other periods, from the controller's memory into the book and back.

use anyhow::Result;
use jiff::{SignedDuration, Timestamp};
use offpeak_dispatch::{Counts, Memory, Month, Running, Served, Stretch};
use offpeak_site::{EnergyBudget, Owner, Site};
use offpeak_store::{Book, BudgetEntry, PeakEntry, ServedEntry};
use tracing::warn;

/// The minutes of a mean where a month has no demand charge.
const MINUTES: u8 = 15;

/// What is counted, as the book has it.
#[derive(Debug, Default)]
pub(super) struct Counted {
    served: Option<Served>,
}

impl Counted {
    /// What has changed since it was last written: what owners were served each quarter hour, all else each minute.
    pub(super) fn news(&self, site: &Site, memory: &Memory, minute: bool) -> offpeak_store::Counts {
        let mut news = offpeak_store::Counts::default();
        let served = &memory.served;
        if let Some(month) = served.month().filter(|_| self.served.as_ref() != Some(served)) {
            let entry = |(owner, watt_hours): (&Owner, &i64)| ServedEntry {
                month: month.clone(),
                owner: owner.id.clone(),
                watt_hours: *watt_hours,
            };
            news.served = site.owners.iter().zip(&served.watt_hours).map(entry).collect();
        }
        if minute {
            let used = site.rules.budgets.iter().zip(&memory.counts.budgets);
            news.budgets = used.filter_map(|(of, used)| Some(budget(site, of, used.running()?))).collect();
            news.peak = memory.counts.peak.month().map(|month| peak(site, month));
        }
        news
    }

    /// The book has it, or will have.
    pub(super) fn is_written(&mut self, memory: &Memory) {
        if self.served.as_ref() != Some(&memory.served) {
            self.served = Some(memory.served.clone());
        }
    }
}

fn budget(site: &Site, of: &EnergyBudget, used: &Running) -> BudgetEntry {
    let Running { from, until, since, at, seen, assumed, register } = *used;
    let (budget, circuit) = (of.id.clone(), site.circuits.get(of.circuit).id.clone());
    BudgetEntry { budget, circuit, from, until, since, at, seen, assumed, register }
}

fn peak(site: &Site, month: &Month) -> PeakEntry {
    let Month { from, since, at, peak, unseen, stretch, register } = *month;
    PeakEntry {
        from,
        since,
        at,
        peak,
        unseen_s: unseen.as_secs(),
        minutes: minutes(site, from),
        stretch: stretch.map(|stretch| (stretch.from, stretch.energy, stretch.seen.as_secs())),
        register,
    }
}

fn minutes(site: &Site, at: Timestamp) -> u8 {
    site.economics.demand_charge_at(&site.time_zone, at).map_or(MINUTES, |charge| charge.minutes)
}

/// Puts what the book has back into a memory.
pub(super) fn recall(site: &Site, book: &Book, now: Timestamp, memory: &mut Memory) -> Result<()> {
    let none = Served::recalled(site, now, |_| None);
    let served = none.month().map(|month| book.served(&month)).transpose()?.unwrap_or_default();
    memory.served = Served::recalled(site, now, |owner| served.get(owner).copied());
    recall_budgets(site, book.budget_uses()?, &mut memory.counts);
    if let Some(kept) = book.billing_peak()? {
        memory.counts.peak.recall(month(site, &kept));
    }
    Ok(())
}

/// A budget that is counted at another circuit or over other periods than before begins anew: of what was used nothing
/// is known.
fn recall_budgets(site: &Site, kept: Vec<BudgetEntry>, counts: &mut Counts) {
    for (budget, used) in site.rules.budgets.iter().zip(&mut counts.budgets) {
        let Some(entry) = kept.iter().find(|entry| entry.budget == budget.id) else { continue };
        let BudgetEntry { from, until, since, at, seen, assumed, register, .. } = *entry;
        let is_same = entry.circuit == site.circuits.get(budget.circuit).id
            && budget.period.span(&site.time_zone, from) == (from, until);
        if !is_same {
            warn!(
                budget = budget.id,
                "it was counted at another circuit or over another period: it begins anew"
            );
            continue;
        }
        used.recall(Running { from, until, since, at, seen, assumed, register });
    }
}

/// A peak of other means than the bill's is none.
fn month(site: &Site, kept: &PeakEntry) -> Month {
    let PeakEntry { from, since, at, peak, unseen_s, stretch, register, .. } = *kept;
    if kept.minutes != minutes(site, from) {
        warn!("the billing peak was counted over other means: it begins anew");
        let unseen = SignedDuration::ZERO;
        return Month { from, since: at, at, peak: None, unseen, stretch: None, register };
    }
    let stretch = stretch.map(|(from, energy, seen_s)| Stretch {
        from,
        energy,
        seen: SignedDuration::from_secs(seen_s),
    });
    Month { from, since, at, peak, unseen: SignedDuration::from_secs(unseen_s), stretch, register }
}

#[cfg(test)]
#[path = "counted_tests.rs"]
mod tests;
