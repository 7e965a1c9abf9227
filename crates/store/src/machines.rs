//! Where each machine stood and whose it was, by time, and who had it in hand.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Row, params};

use crate::audit::Deed;
use crate::book::{Book, instant, optional_instant};
use crate::error::BookError;

/// What stands at a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The position's name in the site file.
    pub machine: String,
    /// The model's id.
    pub model: String,
    /// The owner's id.
    pub owner: String,
    /// Its serial number, where known.
    pub serial: Option<String>,
    /// Its network address, where known.
    pub mac: Option<String>,
}

/// A stretch of a position's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stay {
    /// What stood there.
    pub what: Standing,
    /// From this instant,
    pub from: Timestamp,
    /// until this one; `None`: it stands there still.
    pub until: Option<Timestamp>,
}

impl Stay {
    /// Whether what stood there at an instant was this owner's.
    #[must_use]
    pub fn was_of(&self, owner: &str, at: Timestamp) -> bool {
        self.what.owner == owner && self.from <= at && self.until.is_none_or(|until| at < until)
    }
}

/// A machine changed hands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustodyEntry {
    /// Its serial number.
    pub serial: String,
    /// `arrived`, `handed over`, `opened`, `repair`, `departed`.
    pub event: String,
    /// Whose it is from then on.
    pub owner: String,
    /// Who did it.
    pub by: String,
    /// What else there is to say.
    pub note: String,
    /// When.
    pub at: Timestamp,
}

/// What noting positions changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Positions where something new stands.
    pub begun: usize,
    /// Positions where something no longer stands.
    pub ended: usize,
}

const STAY: &str = "SELECT machine, model, owner, serial, mac, from_at, until_at FROM machine_position";

fn stay(row: &Row<'_>) -> Result<Stay, BookError> {
    let what = Standing {
        machine: row.get(0)?,
        model: row.get(1)?,
        owner: row.get(2)?,
        serial: row.get(3)?,
        mac: row.get(4)?,
    };
    Ok(Stay { what, from: instant(row.get(5)?)?, until: optional_instant(row.get(6)?)? })
}

impl Book {
    /// Takes in what stands where now, all of it: what is as it was stays untouched, what differs ends its stretch
    /// and begins another, and a position that is not named any more ends. A serial or network address that is
    /// not known now does not end one that was known.
    ///
    /// # Errors
    /// If it could not be written.
    pub fn note_positions(&self, now: &[Standing], at: Timestamp, who: &str) -> Result<Moved, BookError> {
        let before: BTreeMap<String, Stay> =
            self.stays(true, None)?.into_iter().map(|stay| (stay.what.machine.clone(), stay)).collect();
        let mut gone: BTreeMap<&str, &Stay> = before.iter().map(|(id, stay)| (id.as_str(), stay)).collect();
        let same = |old: &Standing, new: &Standing| {
            let fits = |old: &Option<String>, new: &Option<String>| new.is_none() || old == new;
            old.model == new.model
                && old.owner == new.owner
                && fits(&old.serial, &new.serial)
                && fits(&old.mac, &new.mac)
        };
        let mut begins = Vec::new();
        let mut ends = Vec::new();
        for standing in now {
            match gone.remove(standing.machine.as_str()) {
                Some(stay) if same(&stay.what, standing) => {}
                Some(_) => {
                    ends.push(standing.machine.as_str());
                    begins.push(standing);
                }
                None => begins.push(standing),
            }
        }
        ends.extend(gone.keys());
        let moved = Moved { begun: begins.len(), ended: ends.len() };
        if moved == Moved::default() {
            return Ok(moved);
        }
        let why = format!("{} begun, {} ended", moved.begun, moved.ended);
        let deed = Deed { who, what: "positions", subject: "machines", why: &why };
        let at_text = at.to_string();
        self.change(at, &deed, |connection| {
            let mut end = connection.prepare(
                "UPDATE machine_position SET until_at = ?2 WHERE machine = ?1 AND until_at IS NULL",
            )?;
            for machine in ends {
                end.execute(params![machine, at_text])?;
            }
            let mut begin = connection.prepare(
                "INSERT INTO machine_position (machine, model, owner, serial, mac, from_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            for new in begins {
                begin.execute(params![new.machine, new.model, new.owner, new.serial, new.mac, at_text])?;
            }
            Ok(())
        })?;
        Ok(moved)
    }

    /// A position's history, or everybody's, oldest first.
    ///
    /// # Errors
    /// If it could not be read.
    pub fn positions(&self, machine: Option<&str>) -> Result<Vec<Stay>, BookError> {
        self.stays(false, machine)
    }

    fn stays(&self, present: bool, machine: Option<&str>) -> Result<Vec<Stay>, BookError> {
        let connection = self.connection();
        let mut query = connection.prepare(&format!(
            "{STAY} WHERE (NOT ?1 OR until_at IS NULL) AND (?2 IS NULL OR machine = ?2) ORDER BY rowid"
        ))?;
        let mut rows = query.query(params![present, machine])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(stay(row)?);
        }
        Ok(found)
    }

    /// Notes that a machine changed hands.
    ///
    /// # Errors
    /// If it could not be written.
    pub fn note_custody(&self, entry: &CustodyEntry) -> Result<(), BookError> {
        let why = format!("owner {}: {}", entry.owner, entry.note);
        let what = format!("custody: {}", entry.event);
        let deed = Deed { who: &entry.by, what: &what, subject: &entry.serial, why: &why };
        self.change(entry.at, &deed, |connection| {
            connection.execute(
                "INSERT INTO custody (serial, event, owner, by, note, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![entry.serial, entry.event, entry.owner, entry.by, entry.note, entry.at.to_string()],
            )?;
            Ok(())
        })?;
        Ok(())
    }

    /// A machine's custody, oldest first.
    ///
    /// # Errors
    /// If it could not be read.
    pub fn custody(&self, serial: &str) -> Result<Vec<CustodyEntry>, BookError> {
        let connection = self.connection();
        let mut query = connection.prepare(
            "SELECT serial, event, owner, by, note, at FROM custody WHERE serial = ?1 ORDER BY id",
        )?;
        let mut rows = query.query([serial])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(CustodyEntry {
                serial: row.get(0)?,
                event: row.get(1)?,
                owner: row.get(2)?,
                by: row.get(3)?,
                note: row.get(4)?,
                at: instant(row.get(5)?)?,
            });
        }
        Ok(found)
    }
}
