-- Once older rows have their links. These keep accidents out; what an
-- attacker does is found by `tollgate audit verify`.
CREATE TRIGGER event_stays BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;

CREATE TRIGGER event_remains BEFORE DELETE ON event
WHEN OLD.seq > coalesce((SELECT max(through) FROM pruned), 0)
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;

CREATE TRIGGER request_stays BEFORE UPDATE ON request
BEGIN SELECT RAISE(ABORT, 'request records are append-only'); END;

CREATE TRIGGER request_remains BEFORE DELETE ON request
WHEN OLD.seq > coalesce((SELECT max(through) FROM pruned), 0)
BEGIN SELECT RAISE(ABORT, 'request records are append-only'); END;

CREATE TRIGGER shape_stays BEFORE UPDATE ON shape
BEGIN SELECT RAISE(ABORT, 'shapes are append-only'); END;

CREATE TRIGGER shape_remains BEFORE DELETE ON shape
BEGIN SELECT RAISE(ABORT, 'shapes are append-only'); END;

CREATE TRIGGER statement_stays BEFORE UPDATE ON statement
BEGIN SELECT RAISE(ABORT, 'statements are append-only'); END;
