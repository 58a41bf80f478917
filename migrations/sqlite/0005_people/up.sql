-- People can be disabled; they are never deleted, since records name them.
ALTER TABLE person ADD COLUMN status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled'));
CREATE INDEX session_login ON session (login);

-- Browsers that people have signed in with: what others get wrong elsewhere is not held against them.
CREATE TABLE device (
  token_hash TEXT NOT NULL,
  login TEXT NOT NULL REFERENCES person (login),
  used_at TEXT NOT NULL,
  PRIMARY KEY (token_hash, login)
) STRICT, WITHOUT ROWID;
CREATE INDEX device_login ON device (login, used_at);

-- Failed sign-ins, counted under digests: what people type into the wrong field is not kept.
DROP TABLE sign_in_attempt;
CREATE TABLE sign_in_attempt (
  bucket TEXT NOT NULL PRIMARY KEY,
  failures INTEGER NOT NULL,
  free_at TEXT NOT NULL,
  forget_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_in_attempt_forget ON sign_in_attempt (forget_at);

-- The installation keeps a chain of events of its own, under a lender without a name.
CREATE TABLE book_next (
  lender TEXT NOT NULL PRIMARY KEY,
  seq INTEGER NOT NULL,
  event_hash TEXT NOT NULL,
  transaction_no INTEGER NOT NULL,
  transaction_hash TEXT NOT NULL,
  placement_no INTEGER NOT NULL,
  batch_no INTEGER NOT NULL,
  run_no INTEGER NOT NULL,
  statement_no INTEGER NOT NULL,
  first_month TEXT,
  closed_month TEXT
) STRICT;
INSERT INTO book_next SELECT * FROM book;
DROP TABLE book;
ALTER TABLE book_next RENAME TO book;

CREATE TABLE event_next (
  lender TEXT NOT NULL,
  seq INTEGER NOT NULL,
  kind TEXT NOT NULL,
  recorded_at TEXT NOT NULL,
  actor TEXT NOT NULL,
  source TEXT NOT NULL,
  summary TEXT NOT NULL,
  digest TEXT NOT NULL,
  hash TEXT NOT NULL,
  PRIMARY KEY (lender, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO event_next SELECT * FROM event;
DROP TABLE event;
ALTER TABLE event_next RENAME TO event;
CREATE TRIGGER event_no_update BEFORE UPDATE ON event BEGIN
  SELECT RAISE(ABORT, 'event is append-only');
END;
CREATE TRIGGER event_no_delete BEFORE DELETE ON event BEGIN
  SELECT RAISE(ABORT, 'event is append-only');
END;
CREATE TRIGGER event_no_replace BEFORE INSERT ON event
WHEN EXISTS (SELECT 1 FROM event WHERE lender = NEW.lender AND seq = NEW.seq) BEGIN
  SELECT RAISE(ABORT, 'event is append-only: this key exists');
END;
