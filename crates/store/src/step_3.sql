-- People, machines' histories, signals, plans' summaries, contracts and the audit chain.
ALTER TABLE stop ADD COLUMN by TEXT;
ALTER TABLE stop ADD COLUMN lifted_by TEXT;
ALTER TABLE command_order ADD COLUMN lifted_by TEXT;
CREATE INDEX command_at ON command (at);
CREATE INDEX command_generation ON command (generation);

-- Where a machine stands and whose it is, by time. The row without an end is the present one.
CREATE TABLE machine_position (
    machine  TEXT NOT NULL, -- the position's name in the site file
    model    TEXT NOT NULL,
    owner    TEXT NOT NULL,
    serial   TEXT,
    mac      TEXT,
    from_at  TEXT NOT NULL,
    until_at TEXT
) STRICT;
CREATE UNIQUE INDEX machine_position_present ON machine_position (machine) WHERE until_at IS NULL;
CREATE INDEX machine_position_serial ON machine_position (serial, from_at);

-- Who had a machine in hand: arrived, handed over, opened, sent for repair, departed.
CREATE TABLE custody (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    serial TEXT NOT NULL,
    event  TEXT NOT NULL,
    owner  TEXT NOT NULL,
    by     TEXT NOT NULL,
    note   TEXT NOT NULL,
    at     TEXT NOT NULL
) STRICT;
CREATE INDEX custody_serial ON custody (serial, id);

-- What came from outside, as it came.
CREATE TABLE signal (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      TEXT NOT NULL,
    source  TEXT NOT NULL,
    kind    TEXT NOT NULL,
    circuit TEXT,
    body    TEXT NOT NULL,
    outcome TEXT NOT NULL
) STRICT;
CREATE INDEX signal_at ON signal (at);

-- What the plan came to, once a minute. Powers in milliwatts; NULL: not known.
CREATE TABLE plan_summary (
    at          TEXT PRIMARY KEY,
    limit_mw    INTEGER,
    source      TEXT NOT NULL,
    measured_mw INTEGER,
    expected_mw INTEGER NOT NULL,
    running     INTEGER NOT NULL,
    rising      INTEGER NOT NULL,
    falling     INTEGER NOT NULL,
    asleep      INTEGER NOT NULL,
    other       INTEGER NOT NULL,
    commands    INTEGER NOT NULL,
    vetoes      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A contract's versions; a version never changes.
CREATE TABLE contract (
    id       TEXT NOT NULL,
    version  INTEGER NOT NULL,
    party    TEXT NOT NULL,
    from_at  TEXT NOT NULL,
    until_at TEXT,
    terms    TEXT NOT NULL,
    at       TEXT NOT NULL,
    by       TEXT NOT NULL,
    PRIMARY KEY (id, version)
) STRICT, WITHOUT ROWID;

-- Secrets are kept as hashes only.
CREATE TABLE person (
    name          TEXT PRIMARY KEY,
    role          TEXT NOT NULL,
    password_hash TEXT,
    disabled      INTEGER NOT NULL DEFAULT 0,
    at            TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE session (
    hash       BLOB PRIMARY KEY,
    person     TEXT NOT NULL REFERENCES person (name) ON DELETE CASCADE,
    at         TEXT NOT NULL,
    expires_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_person ON session (person);
CREATE TABLE api_token (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    hash       BLOB NOT NULL UNIQUE,
    person     TEXT NOT NULL REFERENCES person (name) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    scopes     TEXT NOT NULL, -- words, a space between them
    at         TEXT NOT NULL,
    expires_at TEXT,
    revoked_at TEXT
) STRICT;
CREATE TABLE setup_link (
    hash       BLOB PRIMARY KEY,
    person     TEXT NOT NULL,
    role       TEXT NOT NULL,
    at         TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    used_at    TEXT
) STRICT, WITHOUT ROWID;

-- Each entry hashes the one before; see docs/book.md for the bytes.
CREATE TABLE audit (
    seq     INTEGER PRIMARY KEY,
    at      TEXT NOT NULL,
    who     TEXT NOT NULL,
    what    TEXT NOT NULL,
    subject TEXT NOT NULL,
    why     TEXT NOT NULL,
    hash    BLOB NOT NULL
) STRICT;
CREATE TABLE audit_checkpoint (
    seq        INTEGER PRIMARY KEY,
    at         TEXT NOT NULL,
    hash       BLOB NOT NULL,
    public_key BLOB NOT NULL,
    signature  BLOB NOT NULL
) STRICT;
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'an audit entry never changes'); END;
CREATE TRIGGER audit_remains BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'an audit entry is never removed'); END;
CREATE TRIGGER audit_checkpoint_stays BEFORE UPDATE ON audit_checkpoint
BEGIN SELECT RAISE(ABORT, 'a checkpoint never changes'); END;
CREATE TRIGGER audit_checkpoint_remains BEFORE DELETE ON audit_checkpoint
BEGIN SELECT RAISE(ABORT, 'a checkpoint is never removed'); END;
