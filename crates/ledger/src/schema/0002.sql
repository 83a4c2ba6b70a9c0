-- Every record is linked to the one before it; sums are kept beside the rows;
-- budgets, slices and cutoffs outlive a restart.

-- Filled in for older rows by the step that follows this text.
ALTER TABLE shape ADD COLUMN budget TEXT;         -- NULL: none governs
ALTER TABLE shape ADD COLUMN digest BLOB;         -- SHA-256 of the row
ALTER TABLE request ADD COLUMN reserved INTEGER;  -- tokens set aside; NULL: none
ALTER TABLE request ADD COLUMN cost INTEGER;      -- billionths of a dollar; NULL: no price
ALTER TABLE request ADD COLUMN link BLOB;         -- SHA-256 of the link before and the row
ALTER TABLE event ADD COLUMN change BLOB;         -- SHA-256 of the row that it added elsewhere
ALTER TABLE event ADD COLUMN link BLOB;
ALTER TABLE agent ADD COLUMN removed_seq INTEGER; -- of the event that removed it

UPDATE agent SET removed_seq =
    (SELECT max(seq) FROM event WHERE kind = 'agent.removed' AND event.at = removed)
    WHERE removed IS NOT NULL;

-- Who keeps this chain: one row.
CREATE TABLE node (id BLOB NOT NULL) STRICT;

-- Checkpoints and statements of what was pruned, signed with a key that is
-- not in this file. The text is what is signed.
CREATE TABLE statement (
    number    INTEGER PRIMARY KEY,
    text      TEXT NOT NULL,
    key       BLOB NOT NULL,        -- Ed25519 public key
    signature BLOB NOT NULL
) STRICT;

-- Records up to here were pruned: one row, or none.
CREATE TABLE pruned (through INTEGER NOT NULL) STRICT;

DROP TRIGGER event_stays;
DROP TRIGGER event_remains;

-- Sums of requests by hour, written with their rows. An attempt that failed
-- elsewhere counts where it was made, in a row without requests.
CREATE TABLE rollup (
    hour            INTEGER NOT NULL, -- since 1970-01-01 00:00 UTC
    principal       TEXT    NOT NULL, -- `(none)` where there is none, as below
    run             TEXT    NOT NULL, -- empty: outside any run
    provider        TEXT    NOT NULL,
    model           TEXT    NOT NULL,
    requests        INTEGER NOT NULL,
    failed          INTEGER NOT NULL,
    refused         INTEGER NOT NULL,
    failed_attempts INTEGER NOT NULL,
    estimated       INTEGER NOT NULL,
    input           INTEGER NOT NULL,
    cache_read      INTEGER NOT NULL,
    cache_write     INTEGER NOT NULL,
    output          INTEGER NOT NULL,
    cost            INTEGER NOT NULL, -- billionths of a dollar
    unpriced        INTEGER NOT NULL, -- requests that used tokens without a price
    PRIMARY KEY (hour, principal, run, provider, model)
) STRICT, WITHOUT ROWID;

-- The same for the requests that were pruned: `rollup` is what is in
-- `request` and what is here.
CREATE TABLE rollup_pruned (
    hour            INTEGER NOT NULL,
    principal       TEXT    NOT NULL,
    run             TEXT    NOT NULL,
    provider        TEXT    NOT NULL,
    model           TEXT    NOT NULL,
    requests        INTEGER NOT NULL,
    failed          INTEGER NOT NULL,
    refused         INTEGER NOT NULL,
    failed_attempts INTEGER NOT NULL,
    estimated       INTEGER NOT NULL,
    input           INTEGER NOT NULL,
    cache_read      INTEGER NOT NULL,
    cache_write     INTEGER NOT NULL,
    output          INTEGER NOT NULL,
    cost            INTEGER NOT NULL,
    unpriced        INTEGER NOT NULL,
    PRIMARY KEY (hour, principal, run, provider, model)
) STRICT, WITHOUT ROWID;

-- Budgets set at run time; the last row of a key holds.
CREATE TABLE budget (
    seq  INTEGER PRIMARY KEY,       -- of the event that set or removed it
    key  TEXT    NOT NULL,
    spec TEXT,                      -- JSON; NULL: removed
    at   INTEGER NOT NULL
) STRICT;

CREATE INDEX budget_key ON budget (key, seq);

-- How far a window of a budget may be used: written before it is.
CREATE TABLE slice (
    budget TEXT    NOT NULL,
    period TEXT    NOT NULL,        -- `total`, `since:MILLISECONDS`, `run:ID`
    tokens INTEGER NOT NULL,
    nanos  INTEGER NOT NULL,
    PRIMARY KEY (budget, period)
) STRICT, WITHOUT ROWID;

-- Agents cut off; the last row of an agent holds.
CREATE TABLE cutoff (
    seq       INTEGER PRIMARY KEY,  -- of the event
    agent     TEXT    NOT NULL,
    mode      TEXT,                 -- cutoff, freeze or kill; NULL: lifted
    automatic INTEGER NOT NULL,
    by        TEXT    NOT NULL,
    reason    TEXT    NOT NULL,
    at        INTEGER NOT NULL
) STRICT;

CREATE INDEX cutoff_agent ON cutoff (agent, seq);
