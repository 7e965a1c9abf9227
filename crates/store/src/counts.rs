//! What is counted over months and other periods and has to outlive a restart. A row holds the whole count so far,
//! so one that could not be written is made good by the next.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use crate::book::Book;
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

/// What is counted, as it stands; each count goes in place of the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// By month and owner.
    pub served: Vec<ServedEntry>,
}

impl Counts {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.served.is_empty()
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
}

pub(crate) fn write_counts(connection: &Connection, counts: &Counts) -> Result<(), BookError> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO owner_served (month, owner, watt_hours) VALUES (?1, ?2, ?3)
         ON CONFLICT (month, owner) DO UPDATE SET watt_hours = ?3",
    )?;
    for served in &counts.served {
        insert.execute(params![served.month, served.owner, served.watt_hours])?;
    }
    Ok(())
}
