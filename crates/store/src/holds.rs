//! Machines that somebody holds off.
//!
//! Not here: stops and lockouts of circuits (`book`).

use jiff::Timestamp;
use rusqlite::{Connection, params};

use crate::audit::Deed;
use crate::book::{Book, By, instant};
use crate::error::BookError;

/// A machine that somebody holds off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldEntry {
    /// Which, by its name in the site file.
    pub machine: String,
    /// Since when.
    pub at: Timestamp,
    /// Until when; `None` until it is released.
    pub until: Option<Timestamp>,
    /// Who holds it.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl Book {
    /// Notes that somebody holds these machines off: all of them or none.
    ///
    /// # Errors
    /// If it could not be written.
    pub fn hold(
        &self,
        machines: &[String],
        until: Option<Timestamp>,
        at: Timestamp,
        by: By<'_>,
    ) -> Result<(), BookError> {
        let end = until.map_or_else(|| "until released".to_owned(), |until| format!("until {until}"));
        let why = by.told(&end);
        let subject = machines.join(", ");
        let deed = Deed { who: by.who, what: "machines held", subject: &subject, why: &why };
        self.change(at, &deed, |connection| {
            let mut insert = connection.prepare(
                "INSERT INTO machine_hold (machine, at, until_at, reason, by) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            let end = until.map(|until| until.to_string());
            for machine in machines {
                insert.execute(params![machine, at.to_string(), end, by.why, by.who])?;
            }
            Ok(())
        })?;
        Ok(())
    }

    /// Lets go of machines, whoever held them. Gives back which of them were held.
    ///
    /// # Errors
    /// If it could not be written.
    pub fn release(&self, machines: &[String], at: Timestamp, by: By<'_>) -> Result<Vec<String>, BookError> {
        let held: Vec<_> = held(&self.connection(), "lifted_at IS NULL", None)?;
        let is_held = |machine: &String| {
            let mut of = held.iter().filter(|hold| hold.machine == *machine);
            of.any(|hold| hold.until.is_none_or(|until| at < until))
        };
        let released: Vec<_> = machines.iter().filter(|machine| is_held(machine)).cloned().collect();
        if released.is_empty() {
            return Ok(released);
        }
        let subject = released.join(", ");
        let deed = Deed { who: by.who, what: "machines released", subject: &subject, why: by.why };
        self.change(at, &deed, |connection| {
            let mut update = connection.prepare(
                "UPDATE machine_hold SET lifted_at = ?2, lifted_by = ?3 WHERE lifted_at IS NULL AND machine = ?1",
            )?;
            for machine in &released {
                update.execute(params![machine, at.to_string(), by.who])?;
            }
            Ok(())
        })?;
        Ok(released)
    }
}

/// Holds that are `whose`, the first first.
pub(crate) fn held(
    connection: &Connection,
    whose: &str,
    then: Option<i64>,
) -> Result<Vec<HoldEntry>, BookError> {
    let mut query = connection.prepare(&format!(
        "SELECT machine, at, until_at, by, reason FROM machine_hold WHERE {whose} ORDER BY id"
    ))?;
    let mut rows = query.query(rusqlite::params_from_iter(then))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(HoldEntry {
            machine: row.get(0)?,
            at: instant(row.get(1)?)?,
            until: row.get::<_, Option<String>>(2)?.map(instant).transpose()?,
            by: row.get(3)?,
            reason: row.get(4)?,
        });
    }
    Ok(found)
}
