-- What the scanner found in a request and its answer, as JSON; NULL: nothing. Kinds
-- and places, never the text.
ALTER TABLE request ADD COLUMN findings TEXT;
