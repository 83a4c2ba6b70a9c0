-- Request records and events draw `seq` from one sequence without gaps.
-- Times are Unix milliseconds, durations microseconds, ids 16 bytes (UUID 7).

-- What many requests have in common, written once: a row of `request` is a
-- few numbers and the shape that they belong to. The same shape may stand
-- here more than once; read both through the view `request_full`.
CREATE TABLE shape (
    shape          INTEGER PRIMARY KEY,
    principal      TEXT,                -- NULL: no one was identified
    principal_kind TEXT,                -- NULL: an agent
    run            TEXT,
    dialect        TEXT    NOT NULL,
    endpoint       TEXT    NOT NULL,
    stream         INTEGER NOT NULL,
    provider       TEXT,
    model_asked    TEXT,
    model_served   TEXT,
    credential     TEXT,
    usage_source   TEXT    NOT NULL,
    status         INTEGER NOT NULL,
    outcome        TEXT    NOT NULL,
    reason         TEXT,
    rule           TEXT,
    config_version INTEGER NOT NULL,
    policy         TEXT                 -- NULL: none
) STRICT;

CREATE TABLE request (
    seq               INTEGER PRIMARY KEY,
    id                BLOB    NOT NULL,
    at                INTEGER NOT NULL,
    shape             INTEGER NOT NULL REFERENCES shape,
    input             INTEGER NOT NULL,
    cache_read        INTEGER NOT NULL,
    cache_write       INTEGER NOT NULL,
    output            INTEGER NOT NULL,
    attempt_micros    INTEGER,          -- one plain attempt: the shape says the rest
    attempts          TEXT,             -- anything else: JSON
    message           TEXT,
    latency_micros    INTEGER NOT NULL,
    first_byte_micros INTEGER,
    overhead_micros   INTEGER NOT NULL
) STRICT;

CREATE INDEX request_id ON request (id);
CREATE INDEX request_at ON request (at);

CREATE VIEW request_full AS SELECT * FROM request JOIN shape USING (shape);

CREATE TABLE event (
    seq            INTEGER PRIMARY KEY,
    id             BLOB    NOT NULL,
    parent         BLOB,
    at             INTEGER NOT NULL,
    plane          TEXT    NOT NULL,
    kind           TEXT    NOT NULL,
    principal      TEXT    NOT NULL,
    principal_kind TEXT,                -- NULL: an agent
    run            TEXT,
    rule           TEXT,
    config_version INTEGER NOT NULL,
    policy         TEXT,
    facts          TEXT    NOT NULL,
    outcome        TEXT    NOT NULL,
    severity       TEXT    NOT NULL
) STRICT;

CREATE TRIGGER event_stays BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;

CREATE TRIGGER event_remains BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;

-- Agents made through the running gateway. Removing one keeps its row.
CREATE TABLE agent (
    seq     INTEGER PRIMARY KEY,        -- of the event that added it
    name    TEXT    NOT NULL,
    digest  BLOB    NOT NULL UNIQUE,    -- SHA-256 of the key
    hint    TEXT    NOT NULL,
    allowed TEXT    NOT NULL,           -- JSON array of patterns
    blocked TEXT    NOT NULL,
    created INTEGER NOT NULL,
    removed INTEGER
) STRICT;

CREATE UNIQUE INDEX agent_living ON agent (name) WHERE removed IS NULL;
