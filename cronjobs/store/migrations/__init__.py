"""The state file's shape, version by version. A file of an older version is brought up step by step."""

# Spells "cron": a database of somebody else's is recognised by not having it.
APPLICATION_ID = 0x63726F6E

VERSION_1 = """
CREATE TABLE scheduler (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    ticked_at REAL,                -- when a scheduler last showed that it lives
    ticked_until INTEGER           -- up to which instant occurrences have been looked at
);
INSERT INTO scheduler (only) VALUES (1);

CREATE TABLE dispatcher (
    id INTEGER PRIMARY KEY,
    boot_id TEXT NOT NULL,
    pid INTEGER NOT NULL,
    start_ticks INTEGER NOT NULL,
    started_at REAL NOT NULL
);

CREATE TABLE job (
    name TEXT PRIMARY KEY,
    executions INTEGER NOT NULL DEFAULT 0,
    counting INTEGER NOT NULL DEFAULT 1,   -- which counting `executions` belongs to; reset begins a new one
    form TEXT,
    defined_at INTEGER                     -- since when it has had this form
) WITHOUT ROWID;

CREATE TABLE run (
    row INTEGER PRIMARY KEY,
    job TEXT NOT NULL,
    scheduled_for INTEGER NOT NULL,
    manual_number INTEGER NOT NULL DEFAULT 0,
    attempt INTEGER NOT NULL DEFAULT 1,
    trigger TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    execution_number INTEGER,              -- with `counting`: null where the run does not count
    counting INTEGER,
    dispatcher INTEGER REFERENCES dispatcher (id),
    claimed_at REAL,
    started_at REAL,
    finished_at REAL,
    pid INTEGER,
    start_ticks INTEGER,
    exit_code INTEGER,
    signal TEXT,
    error_type TEXT,
    error_message TEXT,
    error_traceback TEXT,
    user_seconds REAL,
    system_seconds REAL,
    max_rss_bytes INTEGER,
    skipped_count INTEGER,                 -- with `first_scheduled_for`: a row that stands for several
    first_scheduled_for INTEGER
);
CREATE UNIQUE INDEX run_occurrence ON run (job, scheduled_for, manual_number, attempt);
CREATE INDEX run_unfinished ON run (job) WHERE state IN ('claimed', 'waiting', 'running');
"""

MIGRATIONS = (VERSION_1,)
