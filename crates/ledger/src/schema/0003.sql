-- The bottle that a request came from, in the sums. Shapes get theirs, NULL for
-- outside any, by the code around this step: links of older rows need it too.

ALTER TABLE rollup RENAME TO rollup_before;

CREATE TABLE rollup (
    hour            INTEGER NOT NULL, -- since 1970-01-01 00:00 UTC
    principal       TEXT    NOT NULL, -- `(none)` where there is none, as below
    run             TEXT    NOT NULL, -- empty: outside any run
    bottle          TEXT    NOT NULL, -- empty: outside any
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
    PRIMARY KEY (hour, principal, run, bottle, provider, model)
) STRICT, WITHOUT ROWID;

INSERT INTO rollup
SELECT hour, principal, run, '', provider, model, requests, failed, refused, failed_attempts,
       estimated, input, cache_read, cache_write, output, cost, unpriced
FROM rollup_before;

DROP TABLE rollup_before;

ALTER TABLE rollup_pruned RENAME TO rollup_pruned_before;

CREATE TABLE rollup_pruned (
    hour            INTEGER NOT NULL,
    principal       TEXT    NOT NULL,
    run             TEXT    NOT NULL,
    bottle          TEXT    NOT NULL,
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
    PRIMARY KEY (hour, principal, run, bottle, provider, model)
) STRICT, WITHOUT ROWID;

INSERT INTO rollup_pruned
SELECT hour, principal, run, '', provider, model, requests, failed, refused, failed_attempts,
       estimated, input, cache_read, cache_write, output, cost, unpriced
FROM rollup_pruned_before;

DROP TABLE rollup_pruned_before;
