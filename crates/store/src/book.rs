//! Opening the book, reading it and writing to it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ed25519_dalek::SigningKey;
use jiff::Timestamp;
use offpeak_units::Power;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::audit::Deed;
use crate::counts::{Counts, write_counts};
use crate::error::BookError;
use crate::history::{PlanSummary, write_summary};
use crate::holds::{self, HoldEntry};
use crate::orders::{OrderEntry, given};
use crate::{key, schema};

/// Who changes something, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct By<'a> {
    /// Who, by name.
    pub who: &'a str,
    /// Why, in their words; may be empty.
    pub why: &'a str,
}

impl<'a> From<&'a str> for By<'a> {
    /// Without a reason.
    fn from(who: &'a str) -> Self {
        Self { who, why: "" }
    }
}

impl By<'_> {
    /// What was set, and why.
    pub(crate) fn told(&self, what: &str) -> String {
        if self.why.is_empty() { what.to_owned() } else { format!("{what}: {}", self.why) }
    }
}

/// An operator's stop in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopEntry {
    /// Where.
    pub circuit: String,
    /// Since when.
    pub at: Timestamp,
    /// Who and why.
    pub reason: String,
}

/// A lockout in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockoutEntry {
    /// Where.
    pub circuit: String,
    /// Since when.
    pub at: Timestamp,
    /// Who works there.
    pub by: String,
}

/// What people and the grid have ordered and not lifted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InForce {
    /// Operator's stops.
    pub stops: Vec<StopEntry>,
    /// Lockouts.
    pub lockouts: Vec<LockoutEntry>,
    /// Orders.
    pub orders: Vec<OrderEntry>,
    /// Machines that somebody holds off.
    pub holds: Vec<HoldEntry>,
}

/// What a restarted controller must know of a machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MachineState {
    /// When it was last started by command.
    pub started_at: Option<Timestamp>,
    /// Its outlet was opened and not closed again.
    pub cut: bool,
    /// It let every try to put it to sleep pass.
    pub disobeys: bool,
}

/// A command's change of state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The command.
    pub generation: u64,
    /// To whom: a machine's id, or a set of fans'.
    pub machine: String,
    /// What.
    pub action: String,
    /// When.
    pub at: Timestamp,
    /// To what.
    pub state: &'static str,
    /// The machine's words, where there are any.
    pub detail: Option<String>,
    /// What is now known of the machine; `None` for what is no machine.
    pub now: Option<MachineState>,
}

/// A command's change of state, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastChange {
    /// The command.
    pub generation: u64,
    /// What.
    pub action: String,
    /// When.
    pub at: Timestamp,
    /// To what.
    pub state: String,
    /// The machine's words, where there are any.
    pub detail: Option<String>,
}

/// What a circuit's meter makes of commands that were under way together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterVerdict {
    /// The metered circuit.
    pub circuit: String,
    /// When the first command was issued.
    pub since: Timestamp,
    /// When the meter was asked.
    pub until: Timestamp,
    /// How many commands.
    pub commands: u32,
    /// Of these, confirmed by the machines' own word.
    pub confirmed: u32,
    /// The change that their words come to: from this
    pub least: Power,
    /// to this.
    pub most: Power,
    /// The meter's change; `None` if it was silent.
    pub measured: Option<Power>,
    /// How far it may be off.
    pub tolerance: Power,
    /// `agrees`, `disagrees` or `machine only`.
    pub says: String,
}

/// The open book.
pub struct Book {
    connection: Mutex<Connection>,
    path: PathBuf,
    /// Signs the audit chain.
    key: SigningKey,
    /// Held for as long as the book is open; the system lets go of it when the process dies.
    _lock: File,
}

impl std::fmt::Debug for Book {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Book").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Book {
    /// Opens a book, or begins one. The folder must exist.
    ///
    /// # Errors
    /// If another process has it open, or it is not a book that this program can read.
    pub fn open(path: &Path) -> Result<Self, BookError> {
        let lock = take_lock(path)?;
        let damaged = |source| BookError::Damaged { path: path.to_owned(), source };
        let mut connection = Connection::open(path).map_err(damaged)?;
        // What is committed survives the loss of power, not only of the process.
        connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")
            .map_err(damaged)?;
        schema::migrate(&mut connection, path)?;
        let (key, _) = key::open_or_make(path)?;
        Ok(Self { connection: Mutex::new(connection), path: path.to_owned(), key, _lock: lock })
    }

    pub(crate) const fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn connection(&self) -> MutexGuard<'_, Connection> {
        // A transaction of a thread that panicked was rolled back when it was dropped.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes an operator's stop.
    ///
    /// # Errors
    /// If it could not be written.
    pub fn stop(&self, circuit: &str, at: Timestamp, reason: &str, who: &str) -> Result<(), BookError> {
        let deed = Deed { who, what: "stop", subject: circuit, why: reason };
        self.change(at, &deed, |connection| {
            connection.execute(
                "INSERT INTO stop (circuit, at, reason, by) VALUES (?1, ?2, ?3, ?4)",
                params![circuit, at.to_string(), reason, who],
            )?;
            Ok(())
        })?;
        Ok(())
    }

    /// Lifts the stops of a circuit, or all. Says how many.
    ///
    /// # Errors
    /// If it could not be written.
    pub fn resume<'a>(
        &self,
        circuit: Option<&str>,
        at: Timestamp,
        by: impl Into<By<'a>>,
    ) -> Result<usize, BookError> {
        let By { who, why } = by.into();
        let deed = Deed { who, what: "resume", subject: circuit.unwrap_or("every circuit"), why };
        let lifted = self.change_if(at, &deed, |connection| {
            let lifted = connection.execute(
                "UPDATE stop SET lifted_at = ?2, lifted_by = ?3
                 WHERE lifted_at IS NULL AND (?1 IS NULL OR circuit = ?1)",
                params![circuit, at.to_string(), who],
            )?;
            Ok((lifted > 0).then_some(lifted))
        })?;
        Ok(lifted.map_or(0, |(lifted, _)| lifted))
    }

    /// Notes a lockout for who works there.
    ///
    /// # Errors
    /// If it could not be written.
    pub fn lock_out<'a>(
        &self,
        circuit: &str,
        at: Timestamp,
        worker: &str,
        by: impl Into<By<'a>>,
    ) -> Result<(), BookError> {
        let by = by.into();
        let why = by.told(&format!("{worker} works there"));
        let deed = Deed { who: by.who, what: "lockout", subject: circuit, why: &why };
        self.change(at, &deed, |connection| {
            connection.execute(
                "INSERT INTO lockout (circuit, at, by) VALUES (?1, ?2, ?3)",
                params![circuit, at.to_string(), worker],
            )?;
            Ok(())
        })?;
        Ok(())
    }

    /// Lifts the lockouts of a circuit: of one person, or, for a manager, of anybody (`None`). Says how many.
    ///
    /// # Errors
    /// If it could not be written.
    pub fn lift_lockout<'a>(
        &self,
        circuit: &str,
        whose: Option<&str>,
        at: Timestamp,
        by: impl Into<By<'a>>,
    ) -> Result<usize, BookError> {
        let by = by.into();
        let lifted_by = by.who;
        let whose_words =
            whose.map_or_else(|| "anybody's, as a manager".to_owned(), |whose| format!("{whose}'s"));
        let why = by.told(&whose_words);
        let deed = Deed { who: lifted_by, what: "lockout lifted", subject: circuit, why: &why };
        let lifted = self.change_if(at, &deed, |connection| {
            let lifted = connection.execute(
                "UPDATE lockout SET lifted_at = ?3, lifted_by = ?4
                 WHERE lifted_at IS NULL AND circuit = ?1 AND (?2 IS NULL OR by = ?2)",
                params![circuit, whose, at.to_string(), lifted_by],
            )?;
            Ok((lifted > 0).then_some(lifted))
        })?;
        Ok(lifted.map_or(0, |(lifted, _)| lifted))
    }

    /// Everything ordered and neither lifted nor over.
    ///
    /// # Errors
    /// If it could not be read.
    pub fn in_force(&self, at: Timestamp) -> Result<InForce, BookError> {
        let found = self.ordered("lifted_at IS NULL", None)?;
        let orders = found.orders.into_iter().filter(|order| order.until.is_none_or(|until| at < until));
        let holds = found.holds.into_iter().filter(|hold| hold.until.is_none_or(|until| at < until));
        Ok(InForce { orders: orders.collect(), holds: holds.collect(), ..found })
    }

    /// What was ordered by an instant of the past and not lifted by then, whatever became of it since.
    ///
    /// # Errors
    /// If it could not be read.
    pub fn in_force_then(&self, then: Timestamp) -> Result<InForce, BookError> {
        // With fractions the text of an instant does not sort, so its second is compared.
        let whose = "unixepoch(at) <= ?1 AND (lifted_at IS NULL OR unixepoch(lifted_at) > ?1)";
        self.ordered(whose, Some(then))
    }

    fn ordered(&self, whose: &str, then: Option<Timestamp>) -> Result<InForce, BookError> {
        let connection = self.connection();
        let then = then.map(Timestamp::as_second);
        let mut found = InForce { holds: holds::held(&connection, whose, then)?, ..InForce::default() };
        let then = rusqlite::params_from_iter(then);
        let mut query = connection.prepare(&format!("SELECT circuit, at, reason FROM stop WHERE {whose}"))?;
        let mut rows = query.query(then.clone())?;
        while let Some(row) = rows.next()? {
            let at = instant(row.get(1)?)?;
            found.stops.push(StopEntry { circuit: row.get(0)?, at, reason: row.get(2)? });
        }
        let mut query = connection.prepare(&format!("SELECT circuit, at, by FROM lockout WHERE {whose}"))?;
        let mut rows = query.query(then.clone())?;
        while let Some(row) = rows.next()? {
            let at = instant(row.get(1)?)?;
            found.lockouts.push(LockoutEntry { circuit: row.get(0)?, at, by: row.get(2)? });
        }
        let mut query = connection.prepare(&format!(
            "SELECT id, circuit, limit_mw, from_at, until_at, source, mean_min, holds, by, reason
             FROM command_order WHERE {whose}"
        ))?;
        let mut rows = query.query(then)?;
        while let Some(row) = rows.next()? {
            found.orders.push(OrderEntry {
                id: row.get::<_, i64>(0)?.cast_unsigned(),
                circuit: row.get(1)?,
                limit: Power::from_milliwatts(row.get(2)?),
                from: instant(row.get(3)?)?,
                until: row.get::<_, Option<String>>(4)?.map(instant).transpose()?,
                kind: row.get(5)?,
                mean_min: row.get(6)?,
                holds: row.get(7)?,
                given: given(row.get(8)?, row.get(9)?),
            });
        }
        Ok(found)
    }

    /// Gives or takes authority in a hall.
    ///
    /// # Errors
    /// If it could not be written.
    pub fn set_authority<'a>(
        &self,
        hall: &str,
        control: bool,
        at: Timestamp,
        by: impl Into<By<'a>>,
    ) -> Result<(), BookError> {
        let by = by.into();
        let why = by.told(if control { "control" } else { "observe" });
        let deed = Deed { who: by.who, what: "authority", subject: hall, why: &why };
        self.change(at, &deed, |connection| {
            connection.execute(
                "INSERT INTO authority (hall, control, at) VALUES (?1, ?2, ?3)
                 ON CONFLICT (hall) DO UPDATE SET control = ?2, at = ?3",
                params![hall, control, at.to_string()],
            )?;
            Ok(())
        })?;
        Ok(())
    }

    /// Authority as last given or taken, by hall; a hall that is absent has what the site file says.
    ///
    /// # Errors
    /// If it could not be read.
    pub fn authority(&self) -> Result<BTreeMap<String, bool>, BookError> {
        let connection = self.connection();
        let mut query = connection.prepare("SELECT hall, control FROM authority")?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Hands out so many generations that were never handed out before and never will be again.
    ///
    /// # Errors
    /// If it could not be written.
    pub fn reserve_generations(&self, count: u64) -> Result<Range<u64>, BookError> {
        let next: i64 = self.connection().query_row(
            "UPDATE generation SET next = next + ?1 RETURNING next",
            params![count.cast_signed()],
            |row| row.get(0),
        )?;
        let end = next.cast_unsigned();
        Ok(end - count..end)
    }

    /// Writes changes of commands, all or none.
    ///
    /// # Errors
    /// If they could not be written.
    pub fn record(&self, changes: &[Change], verdicts: &[MeterVerdict]) -> Result<(), BookError> {
        self.record_with(changes, verdicts, None, &Counts::default())
    }

    /// As [`Self::record`], with what the minute's plan came to and what is counted.
    ///
    /// # Errors
    /// If they could not be written.
    pub fn record_with(
        &self,
        changes: &[Change],
        verdicts: &[MeterVerdict],
        summary: Option<&PlanSummary>,
        counts: &Counts,
    ) -> Result<(), BookError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        {
            let mut command = transaction.prepare_cached(
                "INSERT INTO command (generation, machine, action, at, state, detail)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            let mut machine = transaction.prepare_cached(
                "INSERT INTO machine (machine, started_at, cut, disobeys) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (machine) DO UPDATE SET started_at = ?2, cut = ?3, disobeys = ?4",
            )?;
            for change in changes {
                command.execute(params![
                    change.generation.cast_signed(),
                    change.machine,
                    change.action,
                    change.at.to_string(),
                    change.state,
                    change.detail
                ])?;
                let Some(now) = &change.now else { continue };
                machine.execute(params![
                    change.machine,
                    now.started_at.map(|at| at.to_string()),
                    now.cut,
                    now.disobeys
                ])?;
            }
            write_verdicts(&transaction, verdicts)?;
            if let Some(summary) = summary {
                write_summary(&transaction, summary)?;
            }
            write_counts(&transaction, counts)?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// The last verdicts of the meters, newest first.
    ///
    /// # Errors
    /// If they could not be read.
    pub fn verdicts(&self, at_most: u32) -> Result<Vec<MeterVerdict>, BookError> {
        let connection = self.connection();
        let mut query = connection.prepare(
            "SELECT circuit, since, until, commands, confirmed, least_mw, most_mw, measured_mw, tolerance_mw, says
             FROM meter_verdict ORDER BY rowid DESC LIMIT ?1",
        )?;
        let mut rows = query.query([at_most])?;
        let mut verdicts = Vec::new();
        while let Some(row) = rows.next()? {
            verdicts.push(MeterVerdict {
                circuit: row.get(0)?,
                since: instant(row.get(1)?)?,
                until: instant(row.get(2)?)?,
                commands: row.get(3)?,
                confirmed: row.get(4)?,
                least: Power::from_milliwatts(row.get(5)?),
                most: Power::from_milliwatts(row.get(6)?),
                measured: row.get::<_, Option<i64>>(7)?.map(Power::from_milliwatts),
                tolerance: Power::from_milliwatts(row.get(8)?),
                says: row.get(9)?,
            });
        }
        Ok(verdicts)
    }

    /// What is known of each machine that was ever commanded.
    ///
    /// # Errors
    /// If it could not be read.
    pub fn machines(&self) -> Result<BTreeMap<String, MachineState>, BookError> {
        let connection = self.connection();
        let mut query = connection.prepare("SELECT machine, started_at, cut, disobeys FROM machine")?;
        let mut rows = query.query([])?;
        let mut machines = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let started_at = row.get::<_, Option<String>>(1)?.map(instant).transpose()?;
            let state = MachineState { started_at, cut: row.get(2)?, disobeys: row.get(3)? };
            machines.insert(row.get(0)?, state);
        }
        Ok(machines)
    }

    /// The changes of state of a machine's commands, newest first.
    ///
    /// # Errors
    /// If they could not be read.
    pub fn commands_of(&self, machine: &str, at_most: u32) -> Result<Vec<PastChange>, BookError> {
        let connection = self.connection();
        let mut query = connection.prepare_cached(
            "SELECT generation, action, at, state, detail FROM command WHERE machine = ?1
             ORDER BY at DESC, rowid DESC LIMIT ?2",
        )?;
        let mut rows = query.query(params![machine, at_most])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(PastChange {
                generation: row.get::<_, i64>(0)?.cast_unsigned(),
                action: row.get(1)?,
                at: instant(row.get(2)?)?,
                state: row.get(3)?,
                detail: row.get(4)?,
            });
        }
        Ok(found)
    }

    /// The last state of a command, for tests and reports.
    ///
    /// # Errors
    /// If it could not be read.
    pub fn command_state(&self, generation: u64) -> Result<Option<String>, BookError> {
        let state = self
            .connection()
            .query_row(
                "SELECT state FROM command WHERE generation = ?1 ORDER BY rowid DESC LIMIT 1",
                params![generation.cast_signed()],
                |row| row.get(0),
            )
            .optional()?;
        Ok(state)
    }
}

pub(crate) fn optional_instant(text: Option<String>) -> Result<Option<Timestamp>, BookError> {
    text.map(instant).transpose()
}

pub(crate) fn instant(text: String) -> Result<Timestamp, BookError> {
    text.parse().map_err(|_| BookError::Row { found: text, expected: "an instant" })
}

/// One process at a time: an advisory lock on a file beside the book, with the holder's pid in it.
pub(crate) fn take_lock(path: &Path) -> Result<File, BookError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock_path = PathBuf::from(name);
    let failed = |source| BookError::File { path: lock_path.clone(), source };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&lock_path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            return Err(BookError::InUse { path: path.to_owned(), pid: holder.trim().parse().ok() });
        }
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    file.set_len(0).and_then(|()| file.rewind()).map_err(failed)?;
    writeln!(file, "{}", std::process::id()).map_err(failed)?;
    Ok(file)
}

fn write_verdicts(connection: &Connection, verdicts: &[MeterVerdict]) -> Result<(), BookError> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO meter_verdict (circuit, since, until, commands, confirmed, least_mw, most_mw, measured_mw,
             tolerance_mw, says) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    for verdict in verdicts {
        insert.execute(params![
            verdict.circuit,
            verdict.since.to_string(),
            verdict.until.to_string(),
            verdict.commands,
            verdict.confirmed,
            verdict.least.to_milliwatts(),
            verdict.most.to_milliwatts(),
            verdict.measured.map(Power::to_milliwatts),
            verdict.tolerance.to_milliwatts(),
            verdict.says
        ])?;
    }
    Ok(())
}
