//! What is counted over months and other periods and has to outlive a restart. A row holds the whole count so far,
//! so one that could not be written is made good by the next.

use std::collections::BTreeMap;

use jiff::Timestamp;
use offpeak_units::{Energy, Power};
use rusqlite::{Connection, Row, params};

use crate::book::{Book, instant, optional_instant};
use crate::error::BookError;

/// What an owner's machines were served in a month so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedEntry {
    /// The civil month, such as `2022-10`.
    pub month: String,
    /// The owner's id.
    pub owner: String,
    /// Watt-hours by the catalogue.
    pub watt_hours: i64,
}

/// What was used of an energy budget in its running period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetEntry {
    /// Its id.
    pub budget: String,
    /// Whose meter it is.
    pub circuit: String,
    /// When the period began,
    pub from: Timestamp,
    /// and when it ends.
    pub until: Timestamp,
    /// From when on it was counted,
    pub since: Timestamp,
    /// and until when.
    pub at: Timestamp,
    /// What the meter showed.
    pub seen: Energy,
    /// What counts for time of which it told nothing.
    pub assumed: Energy,
    /// Its register at the last reading.
    pub register: Option<Energy>,
}

/// The highest mean of a billing month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeakEntry {
    /// When the month began.
    pub from: Timestamp,
    /// From when on it was counted,
    pub since: Timestamp,
    /// and until when.
    pub at: Timestamp,
    /// The peak, and when its stretch began.
    pub peak: Option<(Power, Timestamp)>,
    /// Of how many seconds since then nobody saw how they were.
    pub unseen_s: i64,
    /// The minutes of a mean.
    pub minutes: u8,
    /// The stretch under way: its begin, what was drawn in it, and how many seconds of it were seen.
    pub stretch: Option<(Timestamp, Energy, i64)>,
    /// The meter's register at the last reading.
    pub register: Option<Energy>,
}

/// What is counted, as it stands; each count goes in place of the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// By month and owner.
    pub served: Vec<ServedEntry>,
    /// By budget and period.
    pub budgets: Vec<BudgetEntry>,
    /// By month.
    pub peak: Option<PeakEntry>,
}

impl Counts {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.served.is_empty() && self.budgets.is_empty() && self.peak.is_none()
    }
}

impl Book {
    /// What each owner's machines were served in a month, by the owner's id. Owners of whom nothing was ever counted
    /// in it are absent.
    ///
    /// # Errors
    /// If it could not be read.
    pub fn served(&self, month: &str) -> Result<BTreeMap<String, i64>, BookError> {
        let connection = self.connection();
        let mut query = connection.prepare("SELECT owner, watt_hours FROM owner_served WHERE month = ?1")?;
        let rows = query.query_map([month], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The last period of each budget that was ever counted.
    ///
    /// # Errors
    /// If it could not be read.
    pub fn budget_uses(&self) -> Result<Vec<BudgetEntry>, BookError> {
        let connection = self.connection();
        let mut query = connection.prepare(
            "SELECT budget, circuit, from_at, until_at, since, at, seen_j, assumed_j, register_j FROM budget_use
             GROUP BY budget HAVING unixepoch(from_at) = max(unixepoch(from_at))",
        )?;
        let mut rows = query.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(BudgetEntry {
                budget: row.get(0)?,
                circuit: row.get(1)?,
                from: instant(row.get(2)?)?,
                until: instant(row.get(3)?)?,
                since: instant(row.get(4)?)?,
                at: instant(row.get(5)?)?,
                seen: Energy::from_joules(row.get(6)?),
                assumed: Energy::from_joules(row.get(7)?),
                register: energy(row, 8)?,
            });
        }
        Ok(found)
    }

    /// The last billing month that was counted.
    ///
    /// # Errors
    /// If it could not be read.
    pub fn billing_peak(&self) -> Result<Option<PeakEntry>, BookError> {
        let connection = self.connection();
        let mut query = connection.prepare(
            "SELECT from_at, since, at, peak_mw, peak_at, unseen_s, minutes, stretch_at, stretch_j, stretch_seen_s,
                 register_j FROM billing_peak ORDER BY unixepoch(from_at) DESC LIMIT 1",
        )?;
        let mut rows = query.query([])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let power = row.get::<_, Option<i64>>(3)?.map(Power::from_milliwatts);
        let stretch_at = optional_instant(row.get(7)?)?;
        let (drawn, seen_s) = (Energy::from_joules(row.get(8)?), row.get(9)?);
        Ok(Some(PeakEntry {
            from: instant(row.get(0)?)?,
            since: instant(row.get(1)?)?,
            at: instant(row.get(2)?)?,
            peak: power.zip(optional_instant(row.get(4)?)?),
            unseen_s: row.get(5)?,
            minutes: row.get(6)?,
            stretch: stretch_at.map(|at| (at, drawn, seen_s)),
            register: energy(row, 10)?,
        }))
    }
}

fn energy(row: &Row<'_>, column: usize) -> Result<Option<Energy>, BookError> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Energy::from_joules))
}

pub(crate) fn write_counts(connection: &Connection, counts: &Counts) -> Result<(), BookError> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO owner_served (month, owner, watt_hours) VALUES (?1, ?2, ?3)
         ON CONFLICT (month, owner) DO UPDATE SET watt_hours = ?3",
    )?;
    for served in &counts.served {
        insert.execute(params![served.month, served.owner, served.watt_hours])?;
    }
    write_budgets(connection, &counts.budgets)?;
    if let Some(peak) = &counts.peak {
        write_peak(connection, peak)?;
    }
    Ok(())
}

fn write_budgets(connection: &Connection, budgets: &[BudgetEntry]) -> Result<(), BookError> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO budget_use (budget, circuit, from_at, until_at, since, at, seen_j, assumed_j, register_j)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (budget, from_at) DO UPDATE
         SET circuit = ?2, until_at = ?4, since = ?5, at = ?6, seen_j = ?7, assumed_j = ?8, register_j = ?9",
    )?;
    for used in budgets {
        insert.execute(params![
            used.budget,
            used.circuit,
            used.from.to_string(),
            used.until.to_string(),
            used.since.to_string(),
            used.at.to_string(),
            used.seen.to_joules(),
            used.assumed.to_joules(),
            used.register.map(Energy::to_joules),
        ])?;
    }
    Ok(())
}

fn write_peak(connection: &Connection, month: &PeakEntry) -> Result<(), BookError> {
    let (stretch_at, drawn, seen_s) = month
        .stretch
        .map_or((None, Energy::ZERO, 0), |(at, drawn, seen_s)| (Some(at.to_string()), drawn, seen_s));
    connection.execute(
        "INSERT OR REPLACE INTO billing_peak (from_at, since, at, peak_mw, peak_at, unseen_s, minutes, stretch_at,
             stretch_j, stretch_seen_s, register_j) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            month.from.to_string(),
            month.since.to_string(),
            month.at.to_string(),
            month.peak.map(|(peak, _)| peak.to_milliwatts()),
            month.peak.map(|(_, at)| at.to_string()),
            month.unseen_s,
            month.minutes,
            stretch_at,
            drawn.to_joules(),
            seen_s,
            month.register.map(Energy::to_joules),
        ],
    )?;
    Ok(())
}
