"""The state file's shape, version by version. A file of an older version is brought up step by step."""

# Spells "cron": a database of somebody else's is recognised by not having it.
APPLICATION_ID = 0x63726F6E

# Which runs are not over. The partial index of version 1 says it to the letter, and is used for nothing else.
UNFINISHED = "state IN ('claimed', 'waiting', 'running')"

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

VERSION_2 = """
ALTER TABLE run ADD COLUMN result TEXT;          -- what the function returned, as JSON

CREATE TABLE workflow (
    row INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    repetition INTEGER NOT NULL,                 -- the n of `~n`: one that was undone may be begun afresh
    name TEXT NOT NULL,
    target TEXT NOT NULL,                        -- `pkg.mod:name`
    job TEXT NOT NULL,
    run INTEGER NOT NULL,                        -- the row of the run that has it, or had it last
    run_id TEXT NOT NULL,
    state TEXT NOT NULL,
    is_compensating INTEGER NOT NULL DEFAULT 0,
    is_cancelled INTEGER NOT NULL DEFAULT 0,     -- somebody asked for it to be undone
    input TEXT,                                  -- with `result` and `errors`: JSON
    result TEXT,
    errors TEXT,
    started_at REAL NOT NULL,
    finished_at REAL,
    retention_seconds REAL
);
CREATE UNIQUE INDEX workflow_id ON workflow (id, repetition);

CREATE TABLE step (
    workflow INTEGER NOT NULL REFERENCES workflow (row),
    position TEXT NOT NULL,
    number INTEGER NOT NULL,                     -- in the order in which the workflow's steps began
    name TEXT NOT NULL,
    target TEXT NOT NULL,
    state TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    output TEXT,                                 -- with `compensation_input` and `error`: JSON
    compensation_input TEXT,
    error TEXT,
    started_at REAL NOT NULL,
    changed_at REAL NOT NULL,
    PRIMARY KEY (workflow, position)
) WITHOUT ROWID;
"""

MIGRATIONS = (VERSION_1, VERSION_2)
