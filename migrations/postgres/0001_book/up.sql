-- One installation, many lenders: every table of a book leads its key with the lender.
CREATE TABLE lender (
  code TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  name TEXT COLLATE "C" NOT NULL,
  currency TEXT COLLATE "C" NOT NULL,
  timezone TEXT COLLATE "C" NOT NULL,
  language TEXT COLLATE "C" NOT NULL
);

CREATE TABLE bucket_map (
  lender TEXT COLLATE "C" NOT NULL REFERENCES lender (code),
  version BIGINT NOT NULL,
  bounds TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (lender, version)
);

CREATE TABLE assignee (
  lender TEXT COLLATE "C" NOT NULL REFERENCES lender (code),
  code TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  capacity BIGINT,
  regions TEXT COLLATE "C",
  products TEXT COLLATE "C",
  status TEXT COLLATE "C" NOT NULL,
  licence_expires_on DATE,
  evaluated_on DATE,
  PRIMARY KEY (lender, code)
);

CREATE TABLE person (
  login TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  name TEXT COLLATE "C" NOT NULL,
  organisation TEXT COLLATE "C" NOT NULL,
  roles TEXT COLLATE "C" NOT NULL,
  password_hash TEXT COLLATE "C",
  language TEXT COLLATE "C"
);

CREATE TABLE session (
  token_hash TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  login TEXT COLLATE "C" NOT NULL REFERENCES person (login),
  csrf TEXT COLLATE "C" NOT NULL,
  created_at TEXT COLLATE "C" NOT NULL,
  seen_at TEXT COLLATE "C" NOT NULL,
  expires_at TEXT COLLATE "C" NOT NULL
);

CREATE TABLE sign_in_attempt (
  login TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  failures BIGINT NOT NULL,
  last_at TEXT COLLATE "C" NOT NULL
);

-- The head of each book: the last numbers given out and the last hashes. Everything else is append-only.
CREATE TABLE book (
  lender TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES lender (code),
  seq BIGINT NOT NULL,
  event_hash TEXT COLLATE "C" NOT NULL,
  transaction_no BIGINT NOT NULL,
  transaction_hash TEXT COLLATE "C" NOT NULL,
  placement_no BIGINT NOT NULL,
  batch_no BIGINT NOT NULL,
  run_no BIGINT NOT NULL,
  statement_no BIGINT NOT NULL,
  first_month TEXT COLLATE "C",
  closed_month TEXT COLLATE "C"
);

-- Every change of a book: who, when, what, and the digest of the rows it wrote.
CREATE TABLE event (
  lender TEXT COLLATE "C" NOT NULL REFERENCES lender (code),
  seq BIGINT NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  recorded_at TEXT COLLATE "C" NOT NULL,
  actor TEXT COLLATE "C" NOT NULL,
  source TEXT COLLATE "C" NOT NULL,
  summary TEXT COLLATE "C" NOT NULL,
  digest TEXT COLLATE "C" NOT NULL,
  hash TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (lender, seq)
);

CREATE TABLE contract (
  lender TEXT COLLATE "C" NOT NULL REFERENCES lender (code),
  code TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL,
  agency TEXT COLLATE "C" NOT NULL,
  effective_from DATE NOT NULL,
  effective_to DATE,
  corrects BIGINT,
  sha256 TEXT COLLATE "C" NOT NULL,
  source TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  PRIMARY KEY (lender, code, version)
);

CREATE TABLE portfolio (
  lender TEXT COLLATE "C" NOT NULL REFERENCES lender (code),
  seq BIGINT NOT NULL,
  file_name TEXT COLLATE "C" NOT NULL,
  sha256 TEXT COLLATE "C" NOT NULL,
  as_of DATE NOT NULL,
  accepted BIGINT NOT NULL,
  created BIGINT NOT NULL,
  updated BIGINT NOT NULL,
  unchanged BIGINT NOT NULL,
  missing BIGINT NOT NULL,
  rejected BIGINT NOT NULL,
  total BIGINT NOT NULL,
  PRIMARY KEY (lender, seq)
);

CREATE TABLE portfolio_row (
  lender TEXT COLLATE "C" NOT NULL,
  account_no TEXT COLLATE "C" NOT NULL,
  as_of DATE NOT NULL,
  seq BIGINT NOT NULL,
  line BIGINT NOT NULL,
  balance BIGINT NOT NULL CHECK (balance >= 0),
  principal BIGINT,
  interest BIGINT,
  fees BIGINT,
  days_past_due BIGINT NOT NULL CHECK (days_past_due >= 0),
  debtor_ref TEXT COLLATE "C" NOT NULL,
  region TEXT COLLATE "C",
  product TEXT COLLATE "C",
  charged_off BOOLEAN NOT NULL,
  legal BOOLEAN NOT NULL,
  opened_on DATE,
  last_paid_on DATE,
  score TEXT COLLATE "C",
  personal TEXT COLLATE "C",
  PRIMARY KEY (lender, account_no, as_of, seq)
);
CREATE INDEX portfolio_row_debtor ON portfolio_row (lender, debtor_ref) WHERE debtor_ref <> account_no;

CREATE TABLE hold (
  lender TEXT COLLATE "C" NOT NULL REFERENCES lender (code),
  account_no TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  reason TEXT COLLATE "C" NOT NULL,
  from_on DATE NOT NULL,
  until_on DATE,
  by_file BOOLEAN NOT NULL,
  ended_on DATE,
  ended_seq BIGINT,
  PRIMARY KEY (lender, account_no, seq, kind)
);

CREATE TABLE allocation_run (
  lender TEXT COLLATE "C" NOT NULL REFERENCES lender (code),
  run_no BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  method TEXT COLLATE "C" NOT NULL,
  run_on DATE NOT NULL,
  strategy TEXT COLLATE "C" NOT NULL,
  hash TEXT COLLATE "C" NOT NULL,
  placed BIGINT NOT NULL,
  unplaced BIGINT NOT NULL,
  committed_seq BIGINT,
  PRIMARY KEY (lender, run_no)
);

CREATE TABLE allocation_row (
  lender TEXT COLLATE "C" NOT NULL,
  run_no BIGINT NOT NULL,
  account_no TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  assignee TEXT COLLATE "C",
  level BIGINT NOT NULL,
  stratum TEXT COLLATE "C" NOT NULL,
  balance BIGINT NOT NULL,
  reason TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (lender, run_no, account_no)
);

CREATE TABLE batch (
  lender TEXT COLLATE "C" NOT NULL REFERENCES lender (code),
  code TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  run_no BIGINT NOT NULL,
  assignee TEXT COLLATE "C" NOT NULL,
  placed_on DATE NOT NULL,
  accounts BIGINT NOT NULL,
  balance BIGINT NOT NULL,
  PRIMARY KEY (lender, code)
);

CREATE TABLE placement (
  lender TEXT COLLATE "C" NOT NULL,
  placement_no BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  account_no TEXT COLLATE "C" NOT NULL,
  assignee TEXT COLLATE "C" NOT NULL,
  batch TEXT COLLATE "C" NOT NULL,
  level BIGINT NOT NULL,
  placed_on DATE NOT NULL,
  expires_on DATE NOT NULL,
  tail_days BIGINT NOT NULL,
  balance BIGINT NOT NULL,
  days_past_due BIGINT NOT NULL,
  bucket TEXT COLLATE "C" NOT NULL,
  product TEXT COLLATE "C",
  region TEXT COLLATE "C",
  charged_off BOOLEAN NOT NULL,
  legal BOOLEAN NOT NULL,
  contract TEXT COLLATE "C" NOT NULL,
  contract_version BIGINT NOT NULL,
  closed_seq BIGINT,
  closed_on DATE,
  close_reason TEXT COLLATE "C",
  close_code TEXT COLLATE "C",
  closed_owed BIGINT,
  PRIMARY KEY (lender, placement_no)
);
CREATE UNIQUE INDEX placement_one_active ON placement (lender, account_no) WHERE closed_on IS NULL;
CREATE INDEX placement_account ON placement (lender, account_no, placed_on);
CREATE INDEX placement_assignee ON placement (lender, assignee, account_no);

CREATE TABLE recovery (
  lender TEXT COLLATE "C" NOT NULL,
  reference TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  line BIGINT NOT NULL,
  account_no TEXT COLLATE "C" NOT NULL,
  received_on DATE NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  amount BIGINT NOT NULL CHECK (amount > 0),
  reverses TEXT COLLATE "C",
  channel TEXT COLLATE "C" NOT NULL,
  agency TEXT COLLATE "C",
  principal BIGINT,
  interest BIGINT,
  fees BIGINT,
  costs BIGINT,
  note TEXT COLLATE "C",
  beyond_owed BIGINT NOT NULL,
  PRIMARY KEY (lender, reference)
);
CREATE INDEX recovery_account ON recovery (lender, account_no, received_on);
CREATE INDEX recovery_reverses ON recovery (lender, reverses) WHERE reverses IS NOT NULL;

CREATE TABLE recovery_file (
  lender TEXT COLLATE "C" NOT NULL REFERENCES lender (code),
  seq BIGINT NOT NULL,
  file_name TEXT COLLATE "C" NOT NULL,
  sha256 TEXT COLLATE "C" NOT NULL,
  accepted BIGINT NOT NULL,
  duplicate BIGINT NOT NULL,
  rejected BIGINT NOT NULL,
  total BIGINT NOT NULL,
  PRIMARY KEY (lender, seq)
);

CREATE TABLE ledger_transaction (
  lender TEXT COLLATE "C" NOT NULL,
  number BIGINT NOT NULL,
  day DATE NOT NULL,
  event TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  corrects TEXT COLLATE "C",
  hash TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (lender, number)
);
CREATE UNIQUE INDEX ledger_transaction_event ON ledger_transaction (lender, event);

CREATE TABLE ledger_posting (
  lender TEXT COLLATE "C" NOT NULL,
  number BIGINT NOT NULL,
  leg BIGINT NOT NULL,
  account TEXT COLLATE "C" NOT NULL,
  amount BIGINT NOT NULL CHECK (amount <> 0),
  PRIMARY KEY (lender, number, leg)
);

CREATE TABLE period (
  lender TEXT COLLATE "C" NOT NULL REFERENCES lender (code),
  month TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  known_seq BIGINT NOT NULL,
  statements BIGINT NOT NULL,
  PRIMARY KEY (lender, month)
);

CREATE TABLE statement (
  lender TEXT COLLATE "C" NOT NULL REFERENCES lender (code),
  statement_no TEXT COLLATE "C" NOT NULL UNIQUE,
  seq BIGINT NOT NULL,
  agency TEXT COLLATE "C" NOT NULL,
  month TEXT COLLATE "C" NOT NULL,
  contract TEXT COLLATE "C",
  contract_version BIGINT,
  opening BIGINT NOT NULL,
  commission BIGINT NOT NULL,
  true_up BIGINT NOT NULL,
  charges BIGINT NOT NULL,
  performance BIGINT NOT NULL,
  minimum BIGINT NOT NULL,
  maximum BIGINT NOT NULL,
  deductions BIGINT NOT NULL,
  adjustments BIGINT NOT NULL,
  net BIGINT NOT NULL,
  vat BIGINT NOT NULL,
  total BIGINT NOT NULL,
  collected_by_agency BIGINT NOT NULL,
  payable_to_agency BIGINT NOT NULL,
  due_from_agency BIGINT NOT NULL,
  carried_forward BIGINT NOT NULL,
  set_off BIGINT NOT NULL,
  payments BIGINT NOT NULL,
  closing BIGINT NOT NULL,
  PRIMARY KEY (lender, month, agency)
);

CREATE TABLE statement_line (
  lender TEXT COLLATE "C" NOT NULL,
  statement_no TEXT COLLATE "C" NOT NULL,
  line_no BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  fee_rule TEXT COLLATE "C",
  batch TEXT COLLATE "C",
  reference TEXT COLLATE "C",
  account_no TEXT COLLATE "C",
  received_on DATE,
  amount BIGINT,
  rate TEXT COLLATE "C",
  fee BIGINT NOT NULL,
  note TEXT COLLATE "C",
  fee_group TEXT COLLATE "C",
  PRIMARY KEY (lender, statement_no, line_no)
);
CREATE INDEX statement_line_reference ON statement_line (lender, reference) WHERE reference IS NOT NULL;

CREATE TABLE statement_document (
  lender TEXT COLLATE "C" NOT NULL,
  statement_no TEXT COLLATE "C" NOT NULL,
  format TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  sha256 TEXT COLLATE "C" NOT NULL,
  body BYTEA,
  PRIMARY KEY (lender, statement_no, format)
);

-- Append-only: what is written stays as it was written.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;
CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER contract_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON contract
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER portfolio_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON portfolio
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER portfolio_row_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON portfolio_row
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER batch_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON batch
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER recovery_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON recovery
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER recovery_file_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON recovery_file
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_transaction_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_transaction
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_posting_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_posting
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER period_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON period
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER statement_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON statement
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER statement_line_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON statement_line
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER statement_document_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON statement_document
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER allocation_row_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON allocation_row
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A placement is frozen when it starts and closes once.
CREATE TRIGGER placement_frozen BEFORE UPDATE OF lender, placement_no, seq, account_no, assignee, batch, level, placed_on, expires_on, tail_days, balance, days_past_due, bucket, product, region, charged_off, legal, contract, contract_version ON placement
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER placement_closes_once BEFORE UPDATE ON placement
  FOR EACH ROW WHEN (OLD.closed_on IS NOT NULL) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER placement_no_delete BEFORE DELETE OR TRUNCATE ON placement
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A hold is opened and ended once, a run simulated and committed once.
CREATE TRIGGER hold_frozen BEFORE UPDATE OF lender, account_no, seq, kind, reason, from_on, until_on, by_file ON hold
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER hold_ends_once BEFORE UPDATE ON hold
  FOR EACH ROW WHEN (OLD.ended_on IS NOT NULL) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER hold_no_delete BEFORE DELETE OR TRUNCATE ON hold
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER allocation_run_frozen BEFORE UPDATE OF lender, run_no, seq, name, method, run_on, strategy, hash, placed, unplaced ON allocation_run
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER allocation_run_commits_once BEFORE UPDATE ON allocation_run
  FOR EACH ROW WHEN (OLD.committed_seq IS NOT NULL) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER allocation_run_no_delete BEFORE DELETE OR TRUNCATE ON allocation_run
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
