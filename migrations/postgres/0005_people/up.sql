-- People can be disabled; they are never deleted, since records name them.
ALTER TABLE person ADD COLUMN status TEXT COLLATE "C" NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled'));
CREATE INDEX session_login ON session (login);

-- Browsers that people have signed in with: what others get wrong elsewhere is not held against them.
CREATE TABLE device (
  token_hash TEXT COLLATE "C" NOT NULL,
  login TEXT COLLATE "C" NOT NULL REFERENCES person (login),
  used_at TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (token_hash, login)
);
CREATE INDEX device_login ON device (login, used_at);

-- Failed sign-ins, counted under digests: what people type into the wrong field is not kept.
DROP TABLE sign_in_attempt;
CREATE TABLE sign_in_attempt (
  bucket TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  failures BIGINT NOT NULL,
  free_at TEXT COLLATE "C" NOT NULL,
  forget_at TEXT COLLATE "C" NOT NULL
);
CREATE INDEX sign_in_attempt_forget ON sign_in_attempt (forget_at);

-- The installation keeps a chain of events of its own, under a lender without a name.
ALTER TABLE book DROP CONSTRAINT book_lender_fkey;
ALTER TABLE event DROP CONSTRAINT event_lender_fkey;
