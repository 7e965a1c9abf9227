//! Signals from outside, plans' summaries and contracts; and how long what grows is kept.

use jiff::Timestamp;
use offpeak_units::Power;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::audit::Deed;
use crate::book::{Book, instant, optional_instant};
use crate::error::BookError;

/// Rows that one call of [`Book::forget`] takes away at most from each table, so that nobody waits for it long.
pub const FORGET_AT_ONCE: u32 = 20_000;

/// Something that came from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalEntry {
    /// When it was received.
    pub at: Timestamp,
    /// From whom.
    pub source: String,
    /// What it is.
    pub kind: String,
    /// The circuit it is about, where it names one.
    pub circuit: Option<String>,
    /// As it came.
    pub body: String,
    /// What was made of it.
    pub outcome: String,
}

/// What a plan came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanSummary {
    /// The instant of the cycle.
    pub at: Timestamp,
    /// The grid connection's limit, and who gave it.
    pub limit: Option<Power>,
    /// The limit's source in words.
    pub source: String,
    /// What the revenue meter shows; `None` while it is silent.
    pub measured: Option<Power>,
    /// What the connection is expected to draw.
    pub expected: Power,
    /// Machines by standing.
    pub running: u32,
    /// On their way up.
    pub rising: u32,
    /// On their way down.
    pub falling: u32,
    /// Asleep.
    pub asleep: u32,
    /// Cut, failed or unknown.
    pub other: u32,
    /// Commands of the minute.
    pub commands: u32,
    /// The checker's objections of the minute.
    pub vetoes: u32,
}

/// A version of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractEntry {
    /// The contract.
    pub id: String,
    /// From 1; a version never changes.
    pub version: u32,
    /// With whom.
    pub party: String,
    /// In force from this instant,
    pub from: Timestamp,
    /// until this one.
    pub until: Option<Timestamp>,
    /// Its terms, as data.
    pub terms: String,
    /// When it was entered.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
}

/// Until when what is kept; `None` keeps for good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeepFrom {
    /// Commands with all their changes, and the meters' verdicts. The lake keeps commands for good.
    pub commands: Option<Timestamp>,
    /// Plans' summaries.
    pub plans: Option<Timestamp>,
    /// Signals.
    pub signals: Option<Timestamp>,
}

fn contract(row: &Row<'_>) -> Result<ContractEntry, BookError> {
    Ok(ContractEntry {
        id: row.get(0)?,
        version: row.get(1)?,
        party: row.get(2)?,
        from: instant(row.get(3)?)?,
        until: optional_instant(row.get(4)?)?,
        terms: row.get(5)?,
        at: instant(row.get(6)?)?,
        by: row.get(7)?,
    })
}

pub(crate) fn write_summary(connection: &Connection, summary: &PlanSummary) -> Result<(), BookError> {
    connection
        .prepare_cached(
            "INSERT INTO plan_summary (at, limit_mw, source, measured_mw, expected_mw, running, rising, falling,
                 asleep, other, commands, vetoes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
             ON CONFLICT (at) DO NOTHING",
        )?
        .execute(params![
            summary.at.to_string(),
            summary.limit.map(Power::to_milliwatts),
            summary.source,
            summary.measured.map(Power::to_milliwatts),
            summary.expected.to_milliwatts(),
            summary.running,
            summary.rising,
            summary.falling,
            summary.asleep,
            summary.other,
            summary.commands,
            summary.vetoes
        ])?;
    Ok(())
}

impl Book {
    /// Notes a signal and gives it its number.
    ///
    /// # Errors
    /// If it could not be written.
    pub fn note_signal(&self, signal: &SignalEntry) -> Result<u64, BookError> {
        let connection = self.connection();
        connection.execute(
            "INSERT INTO signal (at, source, kind, circuit, body, outcome) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                signal.at.to_string(),
                signal.source,
                signal.kind,
                signal.circuit,
                signal.body,
                signal.outcome
            ],
        )?;
        Ok(connection.last_insert_rowid().cast_unsigned())
    }

    /// The last signals, newest first.
    ///
    /// # Errors
    /// If they could not be read.
    pub fn signals(&self, at_most: u32) -> Result<Vec<SignalEntry>, BookError> {
        let connection = self.connection();
        let mut query = connection.prepare(
            "SELECT at, source, kind, circuit, body, outcome FROM signal ORDER BY id DESC LIMIT ?1",
        )?;
        let mut rows = query.query([at_most])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(SignalEntry {
                at: instant(row.get(0)?)?,
                source: row.get(1)?,
                kind: row.get(2)?,
                circuit: row.get(3)?,
                body: row.get(4)?,
                outcome: row.get(5)?,
            });
        }
        Ok(found)
    }

    /// The summaries of plans from an instant on, oldest first.
    ///
    /// # Errors
    /// If they could not be read.
    pub fn plan_summaries(&self, from: Timestamp, at_most: u32) -> Result<Vec<PlanSummary>, BookError> {
        let connection = self.connection();
        let mut query = connection.prepare(
            "SELECT at, limit_mw, source, measured_mw, expected_mw, running, rising, falling, asleep, other,
                 commands, vetoes FROM plan_summary WHERE at >= ?1 ORDER BY at LIMIT ?2",
        )?;
        let mut rows = query.query(params![from.to_string(), at_most])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(PlanSummary {
                at: instant(row.get(0)?)?,
                limit: row.get::<_, Option<i64>>(1)?.map(Power::from_milliwatts),
                source: row.get(2)?,
                measured: row.get::<_, Option<i64>>(3)?.map(Power::from_milliwatts),
                expected: Power::from_milliwatts(row.get(4)?),
                running: row.get(5)?,
                rising: row.get(6)?,
                falling: row.get(7)?,
                asleep: row.get(8)?,
                other: row.get(9)?,
                commands: row.get(10)?,
                vetoes: row.get(11)?,
            });
        }
        Ok(found)
    }

    /// When the oldest plan of which a summary is kept was made.
    ///
    /// # Errors
    /// If it could not be read.
    pub fn oldest_plan(&self) -> Result<Option<Timestamp>, BookError> {
        let connection = self.connection();
        let at: Option<String> =
            connection.query_row("SELECT min(at) FROM plan_summary", [], |row| row.get(0))?;
        at.map(instant).transpose()
    }

    /// Enters a new version of a contract and gives it its number; the `version` handed in is not looked at.
    ///
    /// # Errors
    /// If it could not be written.
    pub fn add_contract(&self, new: &ContractEntry) -> Result<u32, BookError> {
        let why = format!("with {}, from {}", new.party, new.from);
        let deed = Deed { who: &new.by, what: "contract version", subject: &new.id, why: &why };
        let (version, _) = self.change(new.at, &deed, |connection| {
            let last: Option<u32> = connection.query_row(
                "SELECT max(version) FROM contract WHERE id = ?1",
                [&new.id],
                |row| row.get(0),
            )?;
            let version = last.unwrap_or(0) + 1;
            connection.execute(
                "INSERT INTO contract (id, version, party, from_at, until_at, terms, at, by)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    new.id,
                    version,
                    new.party,
                    new.from.to_string(),
                    new.until.map(|until| until.to_string()),
                    new.terms,
                    new.at.to_string(),
                    new.by
                ],
            )?;
            Ok(version)
        })?;
        Ok(version)
    }

    /// Every version of every contract, by contract and version.
    ///
    /// # Errors
    /// If they could not be read.
    pub fn contracts(&self) -> Result<Vec<ContractEntry>, BookError> {
        let connection = self.connection();
        let mut query = connection.prepare(
            "SELECT id, version, party, from_at, until_at, terms, at, by FROM contract ORDER BY id, version",
        )?;
        let mut rows = query.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(contract(row)?);
        }
        Ok(found)
    }

    /// Takes away what is older than it is kept, at most [`FORGET_AT_ONCE`] rows a table; says how many rows went.
    /// A command with a change that is young enough stays whole. Orders, custody, contracts, people and the audit
    /// chain are never taken away.
    ///
    /// # Errors
    /// If it could not be written.
    pub fn forget(&self, keep: &KeepFrom) -> Result<usize, BookError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let mut gone = 0;
        if let Some(before) = keep.commands.map(|at| at.to_string()) {
            gone += transaction.execute(
                "DELETE FROM command WHERE rowid IN (SELECT rowid FROM command AS old WHERE at < ?1 AND NOT EXISTS
                     (SELECT 1 FROM command AS young WHERE young.generation = old.generation AND young.at >= ?1)
                 ORDER BY at LIMIT ?2)",
                params![before, FORGET_AT_ONCE],
            )?;
            gone += transaction.execute(
                "DELETE FROM meter_verdict WHERE rowid IN
                     (SELECT rowid FROM meter_verdict WHERE until < ?1 ORDER BY rowid LIMIT ?2)",
                params![before, FORGET_AT_ONCE],
            )?;
        }
        for (table, before) in [("plan_summary", keep.plans), ("signal", keep.signals)] {
            let Some(before) = before else { continue };
            gone += transaction.execute(
                &format!("DELETE FROM {table} WHERE at IN (SELECT at FROM {table} WHERE at < ?1 ORDER BY at LIMIT ?2)"),
                params![before.to_string(), FORGET_AT_ONCE],
            )?;
        }
        transaction.commit()?;
        Ok(gone)
    }

    /// How many changes of commands are kept, for those who watch the book grow.
    ///
    /// # Errors
    /// If they could not be counted.
    pub fn command_changes(&self) -> Result<u64, BookError> {
        let count: Option<i64> =
            self.connection().query_row("SELECT count(*) FROM command", [], |row| row.get(0)).optional()?;
        Ok(count.unwrap_or(0).cast_unsigned())
    }
}
