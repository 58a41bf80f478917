-- One installation, many lenders: every table of a book leads its key with the lender.
CREATE TABLE lender (
  code TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  currency TEXT NOT NULL,
  timezone TEXT NOT NULL,
  language TEXT NOT NULL
) STRICT;

CREATE TABLE bucket_map (
  lender TEXT NOT NULL REFERENCES lender (code),
  version INTEGER NOT NULL,
  bounds TEXT NOT NULL,
  PRIMARY KEY (lender, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE assignee (
  lender TEXT NOT NULL REFERENCES lender (code),
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  capacity INTEGER,
  regions TEXT,
  products TEXT,
  status TEXT NOT NULL,
  licence_expires_on TEXT,
  evaluated_on TEXT,
  PRIMARY KEY (lender, code)
) STRICT, WITHOUT ROWID;

CREATE TABLE person (
  login TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  organisation TEXT NOT NULL,
  roles TEXT NOT NULL,
  password_hash TEXT,
  language TEXT
) STRICT;

CREATE TABLE session (
  token_hash TEXT NOT NULL PRIMARY KEY,
  login TEXT NOT NULL REFERENCES person (login),
  csrf TEXT NOT NULL,
  created_at TEXT NOT NULL,
  seen_at TEXT NOT NULL,
  expires_at TEXT NOT NULL
) STRICT;

CREATE TABLE sign_in_attempt (
  login TEXT NOT NULL PRIMARY KEY,
  failures INTEGER NOT NULL,
  last_at TEXT NOT NULL
) STRICT;

-- The head of each book: the last numbers given out and the last hashes. Everything else is append-only.
CREATE TABLE book (
  lender TEXT NOT NULL PRIMARY KEY REFERENCES lender (code),
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

-- Every change of a book: who, when, what, and the digest of the rows it wrote.
CREATE TABLE event (
  lender TEXT NOT NULL REFERENCES lender (code),
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

CREATE TABLE contract (
  lender TEXT NOT NULL REFERENCES lender (code),
  code TEXT NOT NULL,
  version INTEGER NOT NULL,
  agency TEXT NOT NULL,
  effective_from TEXT NOT NULL,
  effective_to TEXT,
  corrects INTEGER,
  sha256 TEXT NOT NULL,
  source TEXT NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (lender, code, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE portfolio (
  lender TEXT NOT NULL REFERENCES lender (code),
  seq INTEGER NOT NULL,
  file_name TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  as_of TEXT NOT NULL,
  accepted INTEGER NOT NULL,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  unchanged INTEGER NOT NULL,
  missing INTEGER NOT NULL,
  rejected INTEGER NOT NULL,
  total INTEGER NOT NULL,
  PRIMARY KEY (lender, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE portfolio_row (
  lender TEXT NOT NULL,
  account_no TEXT NOT NULL,
  as_of TEXT NOT NULL,
  seq INTEGER NOT NULL,
  line INTEGER NOT NULL,
  balance INTEGER NOT NULL CHECK (balance >= 0),
  principal INTEGER,
  interest INTEGER,
  fees INTEGER,
  days_past_due INTEGER NOT NULL CHECK (days_past_due >= 0),
  debtor_ref TEXT NOT NULL,
  region TEXT,
  product TEXT,
  charged_off INTEGER NOT NULL,
  legal INTEGER NOT NULL,
  opened_on TEXT,
  last_paid_on TEXT,
  score TEXT,
  personal TEXT,
  PRIMARY KEY (lender, account_no, as_of, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX portfolio_row_debtor ON portfolio_row (lender, debtor_ref) WHERE debtor_ref <> account_no;

CREATE TABLE hold (
  lender TEXT NOT NULL REFERENCES lender (code),
  account_no TEXT NOT NULL,
  seq INTEGER NOT NULL,
  kind TEXT NOT NULL,
  reason TEXT NOT NULL,
  from_on TEXT NOT NULL,
  until_on TEXT,
  by_file INTEGER NOT NULL,
  ended_on TEXT,
  ended_seq INTEGER,
  PRIMARY KEY (lender, account_no, seq, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE allocation_run (
  lender TEXT NOT NULL REFERENCES lender (code),
  run_no INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  name TEXT NOT NULL,
  method TEXT NOT NULL,
  run_on TEXT NOT NULL,
  strategy TEXT NOT NULL,
  hash TEXT NOT NULL,
  placed INTEGER NOT NULL,
  unplaced INTEGER NOT NULL,
  committed_seq INTEGER,
  PRIMARY KEY (lender, run_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE allocation_row (
  lender TEXT NOT NULL,
  run_no INTEGER NOT NULL,
  account_no TEXT NOT NULL,
  seq INTEGER NOT NULL,
  assignee TEXT,
  level INTEGER NOT NULL,
  stratum TEXT NOT NULL,
  balance INTEGER NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (lender, run_no, account_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE batch (
  lender TEXT NOT NULL REFERENCES lender (code),
  code TEXT NOT NULL,
  seq INTEGER NOT NULL,
  run_no INTEGER NOT NULL,
  assignee TEXT NOT NULL,
  placed_on TEXT NOT NULL,
  accounts INTEGER NOT NULL,
  balance INTEGER NOT NULL,
  PRIMARY KEY (lender, code)
) STRICT, WITHOUT ROWID;

CREATE TABLE placement (
  lender TEXT NOT NULL,
  placement_no INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  account_no TEXT NOT NULL,
  assignee TEXT NOT NULL,
  batch TEXT NOT NULL,
  level INTEGER NOT NULL,
  placed_on TEXT NOT NULL,
  expires_on TEXT NOT NULL,
  tail_days INTEGER NOT NULL,
  balance INTEGER NOT NULL,
  days_past_due INTEGER NOT NULL,
  bucket TEXT NOT NULL,
  product TEXT,
  region TEXT,
  charged_off INTEGER NOT NULL,
  legal INTEGER NOT NULL,
  contract TEXT NOT NULL,
  contract_version INTEGER NOT NULL,
  closed_seq INTEGER,
  closed_on TEXT,
  close_reason TEXT,
  close_code TEXT,
  closed_owed INTEGER,
  PRIMARY KEY (lender, placement_no)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX placement_one_active ON placement (lender, account_no) WHERE closed_on IS NULL;
CREATE INDEX placement_account ON placement (lender, account_no, placed_on);
CREATE INDEX placement_assignee ON placement (lender, assignee, account_no);

CREATE TABLE recovery (
  lender TEXT NOT NULL,
  reference TEXT NOT NULL,
  seq INTEGER NOT NULL,
  line INTEGER NOT NULL,
  account_no TEXT NOT NULL,
  received_on TEXT NOT NULL,
  kind TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount > 0),
  reverses TEXT,
  channel TEXT NOT NULL,
  agency TEXT,
  principal INTEGER,
  interest INTEGER,
  fees INTEGER,
  costs INTEGER,
  note TEXT,
  beyond_owed INTEGER NOT NULL,
  PRIMARY KEY (lender, reference)
) STRICT, WITHOUT ROWID;
CREATE INDEX recovery_account ON recovery (lender, account_no, received_on);
CREATE INDEX recovery_reverses ON recovery (lender, reverses) WHERE reverses IS NOT NULL;

CREATE TABLE recovery_file (
  lender TEXT NOT NULL REFERENCES lender (code),
  seq INTEGER NOT NULL,
  file_name TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  accepted INTEGER NOT NULL,
  duplicate INTEGER NOT NULL,
  rejected INTEGER NOT NULL,
  total INTEGER NOT NULL,
  PRIMARY KEY (lender, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger_transaction (
  lender TEXT NOT NULL,
  number INTEGER NOT NULL,
  day TEXT NOT NULL,
  event TEXT NOT NULL,
  seq INTEGER NOT NULL,
  corrects TEXT,
  hash TEXT NOT NULL,
  PRIMARY KEY (lender, number)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX ledger_transaction_event ON ledger_transaction (lender, event);

CREATE TABLE ledger_posting (
  lender TEXT NOT NULL,
  number INTEGER NOT NULL,
  leg INTEGER NOT NULL,
  account TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount <> 0),
  PRIMARY KEY (lender, number, leg)
) STRICT, WITHOUT ROWID;

CREATE TABLE period (
  lender TEXT NOT NULL REFERENCES lender (code),
  month TEXT NOT NULL,
  seq INTEGER NOT NULL,
  known_seq INTEGER NOT NULL,
  statements INTEGER NOT NULL,
  PRIMARY KEY (lender, month)
) STRICT, WITHOUT ROWID;

CREATE TABLE statement (
  lender TEXT NOT NULL REFERENCES lender (code),
  statement_no TEXT NOT NULL UNIQUE,
  seq INTEGER NOT NULL,
  agency TEXT NOT NULL,
  month TEXT NOT NULL,
  contract TEXT,
  contract_version INTEGER,
  opening INTEGER NOT NULL,
  commission INTEGER NOT NULL,
  true_up INTEGER NOT NULL,
  charges INTEGER NOT NULL,
  performance INTEGER NOT NULL,
  minimum INTEGER NOT NULL,
  maximum INTEGER NOT NULL,
  deductions INTEGER NOT NULL,
  adjustments INTEGER NOT NULL,
  net INTEGER NOT NULL,
  vat INTEGER NOT NULL,
  total INTEGER NOT NULL,
  collected_by_agency INTEGER NOT NULL,
  payable_to_agency INTEGER NOT NULL,
  due_from_agency INTEGER NOT NULL,
  carried_forward INTEGER NOT NULL,
  set_off INTEGER NOT NULL,
  payments INTEGER NOT NULL,
  closing INTEGER NOT NULL,
  PRIMARY KEY (lender, month, agency)
) STRICT, WITHOUT ROWID;

CREATE TABLE statement_line (
  lender TEXT NOT NULL,
  statement_no TEXT NOT NULL,
  line_no INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  kind TEXT NOT NULL,
  fee_rule TEXT,
  batch TEXT,
  reference TEXT,
  account_no TEXT,
  received_on TEXT,
  amount INTEGER,
  rate TEXT,
  fee INTEGER NOT NULL,
  note TEXT,
  fee_group TEXT,
  PRIMARY KEY (lender, statement_no, line_no)
) STRICT, WITHOUT ROWID;
CREATE INDEX statement_line_reference ON statement_line (lender, reference) WHERE reference IS NOT NULL;

CREATE TABLE statement_document (
  lender TEXT NOT NULL,
  statement_no TEXT NOT NULL,
  format TEXT NOT NULL,
  seq INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  body BLOB,
  PRIMARY KEY (lender, statement_no, format)
) STRICT, WITHOUT ROWID;

-- Append-only: what is written stays as it was written. An INSERT of an existing key is refused before
-- OR REPLACE could remove the old row.
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
CREATE TRIGGER contract_no_update BEFORE UPDATE ON contract BEGIN
  SELECT RAISE(ABORT, 'contract is append-only');
END;
CREATE TRIGGER contract_no_delete BEFORE DELETE ON contract BEGIN
  SELECT RAISE(ABORT, 'contract is append-only');
END;
CREATE TRIGGER contract_no_replace BEFORE INSERT ON contract
WHEN EXISTS (SELECT 1 FROM contract WHERE lender = NEW.lender AND code = NEW.code AND version = NEW.version) BEGIN
  SELECT RAISE(ABORT, 'contract is append-only: this key exists');
END;
CREATE TRIGGER portfolio_no_update BEFORE UPDATE ON portfolio BEGIN
  SELECT RAISE(ABORT, 'portfolio is append-only');
END;
CREATE TRIGGER portfolio_no_delete BEFORE DELETE ON portfolio BEGIN
  SELECT RAISE(ABORT, 'portfolio is append-only');
END;
CREATE TRIGGER portfolio_no_replace BEFORE INSERT ON portfolio
WHEN EXISTS (SELECT 1 FROM portfolio WHERE lender = NEW.lender AND seq = NEW.seq) BEGIN
  SELECT RAISE(ABORT, 'portfolio is append-only: this key exists');
END;
CREATE TRIGGER portfolio_row_no_update BEFORE UPDATE ON portfolio_row BEGIN
  SELECT RAISE(ABORT, 'portfolio_row is append-only');
END;
CREATE TRIGGER portfolio_row_no_delete BEFORE DELETE ON portfolio_row BEGIN
  SELECT RAISE(ABORT, 'portfolio_row is append-only');
END;
CREATE TRIGGER portfolio_row_no_replace BEFORE INSERT ON portfolio_row
WHEN EXISTS (SELECT 1 FROM portfolio_row WHERE lender = NEW.lender AND account_no = NEW.account_no AND as_of = NEW.as_of AND seq = NEW.seq) BEGIN
  SELECT RAISE(ABORT, 'portfolio_row is append-only: this key exists');
END;
CREATE TRIGGER batch_no_update BEFORE UPDATE ON batch BEGIN
  SELECT RAISE(ABORT, 'batch is append-only');
END;
CREATE TRIGGER batch_no_delete BEFORE DELETE ON batch BEGIN
  SELECT RAISE(ABORT, 'batch is append-only');
END;
CREATE TRIGGER batch_no_replace BEFORE INSERT ON batch
WHEN EXISTS (SELECT 1 FROM batch WHERE lender = NEW.lender AND code = NEW.code) BEGIN
  SELECT RAISE(ABORT, 'batch is append-only: this key exists');
END;
CREATE TRIGGER recovery_no_update BEFORE UPDATE ON recovery BEGIN
  SELECT RAISE(ABORT, 'recovery is append-only');
END;
CREATE TRIGGER recovery_no_delete BEFORE DELETE ON recovery BEGIN
  SELECT RAISE(ABORT, 'recovery is append-only');
END;
CREATE TRIGGER recovery_no_replace BEFORE INSERT ON recovery
WHEN EXISTS (SELECT 1 FROM recovery WHERE lender = NEW.lender AND reference = NEW.reference) BEGIN
  SELECT RAISE(ABORT, 'recovery is append-only: this key exists');
END;
CREATE TRIGGER recovery_file_no_update BEFORE UPDATE ON recovery_file BEGIN
  SELECT RAISE(ABORT, 'recovery_file is append-only');
END;
CREATE TRIGGER recovery_file_no_delete BEFORE DELETE ON recovery_file BEGIN
  SELECT RAISE(ABORT, 'recovery_file is append-only');
END;
CREATE TRIGGER recovery_file_no_replace BEFORE INSERT ON recovery_file
WHEN EXISTS (SELECT 1 FROM recovery_file WHERE lender = NEW.lender AND seq = NEW.seq) BEGIN
  SELECT RAISE(ABORT, 'recovery_file is append-only: this key exists');
END;
CREATE TRIGGER ledger_transaction_no_update BEFORE UPDATE ON ledger_transaction BEGIN
  SELECT RAISE(ABORT, 'ledger_transaction is append-only');
END;
CREATE TRIGGER ledger_transaction_no_delete BEFORE DELETE ON ledger_transaction BEGIN
  SELECT RAISE(ABORT, 'ledger_transaction is append-only');
END;
CREATE TRIGGER ledger_transaction_no_replace BEFORE INSERT ON ledger_transaction
WHEN EXISTS (SELECT 1 FROM ledger_transaction WHERE lender = NEW.lender AND number = NEW.number) BEGIN
  SELECT RAISE(ABORT, 'ledger_transaction is append-only: this key exists');
END;
CREATE TRIGGER ledger_posting_no_update BEFORE UPDATE ON ledger_posting BEGIN
  SELECT RAISE(ABORT, 'ledger_posting is append-only');
END;
CREATE TRIGGER ledger_posting_no_delete BEFORE DELETE ON ledger_posting BEGIN
  SELECT RAISE(ABORT, 'ledger_posting is append-only');
END;
CREATE TRIGGER ledger_posting_no_replace BEFORE INSERT ON ledger_posting
WHEN EXISTS (SELECT 1 FROM ledger_posting WHERE lender = NEW.lender AND number = NEW.number AND leg = NEW.leg) BEGIN
  SELECT RAISE(ABORT, 'ledger_posting is append-only: this key exists');
END;
CREATE TRIGGER period_no_update BEFORE UPDATE ON period BEGIN
  SELECT RAISE(ABORT, 'period is append-only');
END;
CREATE TRIGGER period_no_delete BEFORE DELETE ON period BEGIN
  SELECT RAISE(ABORT, 'period is append-only');
END;
CREATE TRIGGER period_no_replace BEFORE INSERT ON period
WHEN EXISTS (SELECT 1 FROM period WHERE lender = NEW.lender AND month = NEW.month) BEGIN
  SELECT RAISE(ABORT, 'period is append-only: this key exists');
END;
CREATE TRIGGER statement_no_update BEFORE UPDATE ON statement BEGIN
  SELECT RAISE(ABORT, 'statement is append-only');
END;
CREATE TRIGGER statement_no_delete BEFORE DELETE ON statement BEGIN
  SELECT RAISE(ABORT, 'statement is append-only');
END;
CREATE TRIGGER statement_no_replace BEFORE INSERT ON statement
WHEN EXISTS (SELECT 1 FROM statement WHERE lender = NEW.lender AND month = NEW.month AND agency = NEW.agency) BEGIN
  SELECT RAISE(ABORT, 'statement is append-only: this key exists');
END;
CREATE TRIGGER statement_line_no_update BEFORE UPDATE ON statement_line BEGIN
  SELECT RAISE(ABORT, 'statement_line is append-only');
END;
CREATE TRIGGER statement_line_no_delete BEFORE DELETE ON statement_line BEGIN
  SELECT RAISE(ABORT, 'statement_line is append-only');
END;
CREATE TRIGGER statement_line_no_replace BEFORE INSERT ON statement_line
WHEN EXISTS (SELECT 1 FROM statement_line WHERE lender = NEW.lender AND statement_no = NEW.statement_no AND line_no = NEW.line_no) BEGIN
  SELECT RAISE(ABORT, 'statement_line is append-only: this key exists');
END;
CREATE TRIGGER statement_document_no_update BEFORE UPDATE ON statement_document BEGIN
  SELECT RAISE(ABORT, 'statement_document is append-only');
END;
CREATE TRIGGER statement_document_no_delete BEFORE DELETE ON statement_document BEGIN
  SELECT RAISE(ABORT, 'statement_document is append-only');
END;
CREATE TRIGGER statement_document_no_replace BEFORE INSERT ON statement_document
WHEN EXISTS (SELECT 1 FROM statement_document WHERE lender = NEW.lender AND statement_no = NEW.statement_no AND format = NEW.format) BEGIN
  SELECT RAISE(ABORT, 'statement_document is append-only: this key exists');
END;
CREATE TRIGGER allocation_row_no_update BEFORE UPDATE ON allocation_row BEGIN
  SELECT RAISE(ABORT, 'allocation_row is append-only');
END;
CREATE TRIGGER allocation_row_no_delete BEFORE DELETE ON allocation_row BEGIN
  SELECT RAISE(ABORT, 'allocation_row is append-only');
END;
CREATE TRIGGER allocation_row_no_replace BEFORE INSERT ON allocation_row
WHEN EXISTS (SELECT 1 FROM allocation_row WHERE lender = NEW.lender AND run_no = NEW.run_no AND account_no = NEW.account_no) BEGIN
  SELECT RAISE(ABORT, 'allocation_row is append-only: this key exists');
END;
CREATE TRIGGER ledger_transaction_once BEFORE INSERT ON ledger_transaction
WHEN EXISTS (SELECT 1 FROM ledger_transaction WHERE lender = NEW.lender AND event = NEW.event) BEGIN
  SELECT RAISE(ABORT, 'ledger_transaction is append-only: this event is posted');
END;
CREATE TRIGGER statement_once BEFORE INSERT ON statement
WHEN EXISTS (SELECT 1 FROM statement WHERE statement_no = NEW.statement_no) BEGIN
  SELECT RAISE(ABORT, 'statement is append-only: this number is issued');
END;

-- A placement is frozen when it starts and closes once.
CREATE TRIGGER placement_frozen BEFORE UPDATE OF lender, placement_no, seq, account_no, assignee, batch, level, placed_on, expires_on, tail_days, balance, days_past_due, bucket, product, region, charged_off, legal, contract, contract_version ON placement BEGIN
  SELECT RAISE(ABORT, 'the facts of a placement are frozen');
END;
CREATE TRIGGER placement_closes_once BEFORE UPDATE ON placement WHEN OLD.closed_on IS NOT NULL BEGIN
  SELECT RAISE(ABORT, 'a closed placement stays closed');
END;
CREATE TRIGGER placement_no_delete BEFORE DELETE ON placement BEGIN
  SELECT RAISE(ABORT, 'placements are never deleted');
END;
CREATE TRIGGER placement_no_replace BEFORE INSERT ON placement
WHEN EXISTS (SELECT 1 FROM placement WHERE lender = NEW.lender AND placement_no = NEW.placement_no) BEGIN
  SELECT RAISE(ABORT, 'placements are never deleted: this key exists');
END;
CREATE TRIGGER placement_one_at_a_time BEFORE INSERT ON placement
WHEN NEW.closed_on IS NULL AND EXISTS (SELECT 1 FROM placement WHERE lender = NEW.lender AND account_no = NEW.account_no AND closed_on IS NULL) BEGIN
  SELECT RAISE(ABORT, 'the account has an active placement');
END;

-- A hold is opened and ended once, a run simulated and committed once.
CREATE TRIGGER hold_frozen BEFORE UPDATE OF lender, account_no, seq, kind, reason, from_on, until_on, by_file ON hold BEGIN
  SELECT RAISE(ABORT, 'the facts of a hold are frozen');
END;
CREATE TRIGGER hold_ends_once BEFORE UPDATE ON hold WHEN OLD.ended_on IS NOT NULL BEGIN
  SELECT RAISE(ABORT, 'an ended hold stays ended');
END;
CREATE TRIGGER hold_no_delete BEFORE DELETE ON hold BEGIN
  SELECT RAISE(ABORT, 'holds are never deleted');
END;
CREATE TRIGGER allocation_run_frozen BEFORE UPDATE OF lender, run_no, seq, name, method, run_on, strategy, hash, placed, unplaced ON allocation_run BEGIN
  SELECT RAISE(ABORT, 'a simulated run is frozen');
END;
CREATE TRIGGER allocation_run_commits_once BEFORE UPDATE ON allocation_run WHEN OLD.committed_seq IS NOT NULL BEGIN
  SELECT RAISE(ABORT, 'a committed run stays committed');
END;
CREATE TRIGGER allocation_run_no_delete BEFORE DELETE ON allocation_run BEGIN
  SELECT RAISE(ABORT, 'runs are never deleted');
END;

-- Fixed statistics for the query planner: a lender has many rows, an account few. Without them a book's first column
-- looks selective, and a look-up of some accounts reads the whole book. ANALYZE on an empty book makes the table.
ANALYZE;
DELETE FROM sqlite_stat1;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('portfolio_row', 'portfolio_row', '1000000 500000 12 1 1'),
  ('portfolio_row', 'portfolio_row_debtor', '100000 50000 2'),
  ('placement', 'placement', '1000000 500000 1'),
  ('placement', 'placement_one_active', '1000000 500000 1'),
  ('placement', 'placement_account', '1000000 500000 3 1'),
  ('placement', 'placement_assignee', '1000000 500000 50000 3'),
  ('recovery', 'recovery', '1000000 500000 1'),
  ('recovery', 'recovery_account', '1000000 500000 3 1'),
  ('recovery', 'recovery_reverses', '20000 10000 1'),
  ('ledger_transaction', 'ledger_transaction', '1000000 500000 1'),
  ('ledger_transaction', 'ledger_transaction_event', '1000000 500000 1'),
  ('ledger_posting', 'ledger_posting', '2000000 1000000 2 1'),
  ('statement_line', 'statement_line', '1000000 500000 20000 1'),
  ('statement_line', 'statement_line_reference', '1000000 500000 1'),
  ('allocation_row', 'allocation_row', '1000000 500000 100000 1');
ANALYZE sqlite_schema;
