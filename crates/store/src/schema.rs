//! The tables, and how older books come to have them.

use std::path::Path;

use rusqlite::Connection;

use crate::error::BookError;

/// "offp" in ASCII: marks a database as ours.
const APPLICATION_ID: i64 = 0x6F66_6670;

/// One step a version; a step, once released, never changes.
const STEPS: &[&str] = &[
    "
CREATE TABLE stop (
    circuit   TEXT NOT NULL,
    at        TEXT NOT NULL,
    reason    TEXT NOT NULL,
    lifted_at TEXT
) STRICT;
CREATE TABLE lockout (
    circuit   TEXT NOT NULL,
    at        TEXT NOT NULL,
    by        TEXT NOT NULL,
    lifted_at TEXT,
    lifted_by TEXT
) STRICT;
CREATE TABLE command_order (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    circuit     TEXT NOT NULL,
    limit_mw    INTEGER NOT NULL, -- milliwatts
    from_at     TEXT NOT NULL,
    until_at    TEXT,
    source      TEXT NOT NULL,
    at          TEXT NOT NULL,
    lifted_at   TEXT
) STRICT;
CREATE TABLE authority (
    hall    TEXT PRIMARY KEY,
    control INTEGER NOT NULL,
    at      TEXT NOT NULL
) STRICT;
CREATE TABLE generation (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    next INTEGER NOT NULL
) STRICT;
INSERT INTO generation VALUES (1, 1);
CREATE TABLE command (
    generation INTEGER NOT NULL,
    machine    TEXT NOT NULL,
    action     TEXT NOT NULL,
    at         TEXT NOT NULL,
    state      TEXT NOT NULL,
    detail     TEXT
) STRICT;
CREATE INDEX command_machine ON command (machine, at);
CREATE TABLE machine (
    machine    TEXT PRIMARY KEY,
    started_at TEXT,
    cut        INTEGER NOT NULL DEFAULT 0,
    disobeys   INTEGER NOT NULL DEFAULT 0
) STRICT;
",
    "
-- What a circuit's meter makes of the commands that were under way on it together. Powers in milliwatts.
CREATE TABLE meter_verdict (
    circuit      TEXT NOT NULL,
    since        TEXT NOT NULL,
    until        TEXT NOT NULL,
    commands     INTEGER NOT NULL,
    confirmed    INTEGER NOT NULL, -- by the machines' own word
    least_mw     INTEGER NOT NULL, -- the change that their words come to, from
    most_mw      INTEGER NOT NULL, -- to
    measured_mw  INTEGER,          -- NULL: the meter was silent
    tolerance_mw INTEGER NOT NULL,
    says         TEXT NOT NULL     -- agrees, disagrees, machine only
) STRICT;
",
    include_str!("step_3.sql"),
    "
-- What an order's limit is measured over, in minutes (NULL: each instant), and whether it is a setpoint. An
-- order's `source` is its kind: emergency, dispatch, wish or maintenance.
ALTER TABLE command_order ADD COLUMN mean_min INTEGER;
ALTER TABLE command_order ADD COLUMN holds INTEGER NOT NULL DEFAULT 0;
",
    "
-- Whose machines a customer sees.
ALTER TABLE person ADD COLUMN owner TEXT;
ALTER TABLE setup_link ADD COLUMN owner TEXT;
-- What was answered to a request that says how it is told from others, so that it is carried out once.
CREATE TABLE once (
    who     TEXT NOT NULL,
    key     TEXT NOT NULL,
    request BLOB NOT NULL, -- the request's hash
    at      TEXT NOT NULL,
    status  INTEGER,       -- NULL: begun, and its end is not known
    body    TEXT,
    PRIMARY KEY (who, key)
) STRICT, WITHOUT ROWID;
",
    "
-- What each owner's machines were served in a civil month of the site, by the catalogue: whose turn it is.
CREATE TABLE owner_served (
    month      TEXT NOT NULL, -- such as 2022-10
    owner      TEXT NOT NULL,
    watt_hours INTEGER NOT NULL,
    PRIMARY KEY (month, owner)
) STRICT, WITHOUT ROWID;
",
    "
-- Machines that somebody holds off, until they are released or the time is over.
CREATE TABLE machine_hold (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    machine   TEXT NOT NULL,
    at        TEXT NOT NULL,
    until_at  TEXT,
    reason    TEXT NOT NULL,
    by        TEXT NOT NULL,
    lifted_at TEXT,
    lifted_by TEXT
) STRICT;
CREATE INDEX machine_hold_open ON machine_hold (machine) WHERE lifted_at IS NULL;
CREATE INDEX audit_what ON audit (what, seq);
",
    "
-- What was used of an energy budget in a period. Energies in joules.
CREATE TABLE budget_use (
    budget     TEXT NOT NULL,
    circuit    TEXT NOT NULL, -- whose meter it is
    from_at    TEXT NOT NULL, -- the period begins, and
    until_at   TEXT NOT NULL, -- ends
    since      TEXT NOT NULL, -- counted from here
    at         TEXT NOT NULL, -- to here: the meter's last reading
    seen_j     INTEGER NOT NULL,
    assumed_j  INTEGER NOT NULL, -- of time of which the meter told nothing, at the most that is credible
    register_j INTEGER, -- the meter's at the last reading; NULL: it tells none
    PRIMARY KEY (budget, from_at)
) STRICT, WITHOUT ROWID;
-- The highest mean of a billing month at the connection.
CREATE TABLE billing_peak (
    from_at        TEXT PRIMARY KEY, -- the month begins
    since          TEXT NOT NULL,
    at             TEXT NOT NULL,
    peak_mw        INTEGER, -- milliwatts; NULL: no mean was measured yet
    peak_at        TEXT,
    unseen_s       INTEGER NOT NULL,
    minutes        INTEGER NOT NULL, -- of a mean
    stretch_at     TEXT, -- the stretch under way
    stretch_j      INTEGER NOT NULL,
    stretch_seen_s INTEGER NOT NULL,
    register_j     INTEGER
) STRICT, WITHOUT ROWID;
",
    "
-- Who gave an order and why; NULL in those given before this was kept beside the audit chain.
ALTER TABLE command_order ADD COLUMN by TEXT;
ALTER TABLE command_order ADD COLUMN reason TEXT;
",
    "
-- What is kept of requests is let go by age and by caller.
CREATE INDEX once_at ON once (at);
CREATE INDEX once_who ON once (who, at);
",
];

/// Says whether this is a book that this program can read, and its version; 0 for an empty database.
pub(crate) fn recognise(connection: &Connection, path: &Path) -> Result<i64, BookError> {
    let damaged = |source| BookError::Damaged { path: path.to_owned(), source };
    let number =
        |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(damaged);
    let (application, version) = (number("application_id")?, number("user_version")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(damaged)?;
    let empty = application == 0 && version == 0 && tables == 0;
    if !empty && application != APPLICATION_ID {
        return Err(BookError::Foreign(path.to_owned()));
    }
    let known = STEPS.len() as i64;
    if version > known {
        return Err(BookError::Newer { path: path.to_owned(), found: version, known });
    }
    Ok(version)
}

/// Brings a book up to date; each step is one transaction with its version.
pub(crate) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), BookError> {
    let version = recognise(connection, path)?;
    for (place, step) in STEPS.iter().enumerate().skip(version as usize) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", place as i64 + 1)?;
        transaction.commit()?;
    }
    Ok(())
}
