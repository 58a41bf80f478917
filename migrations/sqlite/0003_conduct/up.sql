-- What agencies may do (催收行为规范); the newest row of a lender counts, none means the defaults.
CREATE TABLE contact_policy (
  lender TEXT NOT NULL REFERENCES lender (code),
  seq INTEGER NOT NULL,
  quiet_from TEXT NOT NULL,
  quiet_until TEXT NOT NULL,
  effective_calls INTEGER NOT NULL,
  unanswered INTEGER NOT NULL,
  PRIMARY KEY (lender, seq)
) STRICT, WITHOUT ROWID;

-- Files of contact records, each with the policy that applied when it came.
CREATE TABLE contact_file (
  lender TEXT NOT NULL REFERENCES lender (code),
  seq INTEGER NOT NULL,
  agency TEXT NOT NULL,
  file_name TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  accepted INTEGER NOT NULL,
  duplicate INTEGER NOT NULL,
  rejected INTEGER NOT NULL,
  quiet_from TEXT NOT NULL,
  quiet_until TEXT NOT NULL,
  effective_calls INTEGER NOT NULL,
  unanswered INTEGER NOT NULL,
  PRIMARY KEY (lender, seq)
) STRICT, WITHOUT ROWID;

-- Contact records (催收记录): what they violate is worked out on reading, day by day, and so the rows lie.
CREATE TABLE contact (
  lender TEXT NOT NULL,
  contacted_on TEXT NOT NULL,
  agency TEXT NOT NULL,
  reference TEXT NOT NULL,
  seq INTEGER NOT NULL,
  line INTEGER NOT NULL,
  account_no TEXT NOT NULL,
  debtor_ref TEXT NOT NULL,
  contacted_at TEXT NOT NULL,
  channel TEXT NOT NULL,
  outcome TEXT NOT NULL,
  number TEXT,
  number_digest TEXT,
  note TEXT,
  PRIMARY KEY (lender, contacted_on, agency, reference)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX contact_reference ON contact (lender, agency, reference);

-- Complaints (投诉), and what was decided on each; a correction is a further decision that names the one before.
CREATE TABLE complaint (
  lender TEXT NOT NULL REFERENCES lender (code),
  reference TEXT NOT NULL,
  seq INTEGER NOT NULL,
  agency TEXT NOT NULL,
  account_no TEXT,
  received_on TEXT NOT NULL,
  severity TEXT NOT NULL,
  description TEXT NOT NULL,
  PRIMARY KEY (lender, reference)
) STRICT, WITHOUT ROWID;
CREATE INDEX complaint_account ON complaint (lender, account_no) WHERE account_no IS NOT NULL;

CREATE TABLE complaint_decision (
  lender TEXT NOT NULL REFERENCES lender (code),
  reference TEXT NOT NULL,
  decision_no INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  upheld INTEGER NOT NULL,
  decided_on TEXT NOT NULL,
  reason TEXT NOT NULL,
  deduction INTEGER CHECK (deduction > 0),
  corrects INTEGER,
  PRIMARY KEY (lender, reference, decision_no)
) STRICT, WITHOUT ROWID;

-- Evaluations of assignees (机构评估).
CREATE TABLE evaluation (
  lender TEXT NOT NULL REFERENCES lender (code),
  agency TEXT NOT NULL,
  evaluated_on TEXT NOT NULL,
  seq INTEGER NOT NULL,
  result INTEGER NOT NULL,
  description TEXT NOT NULL,
  PRIMARY KEY (lender, agency, evaluated_on, seq)
) STRICT, WITHOUT ROWID;

-- Append-only, as the tables of the book.
CREATE TRIGGER contact_policy_no_update BEFORE UPDATE ON contact_policy BEGIN
  SELECT RAISE(ABORT, 'contact_policy is append-only');
END;
CREATE TRIGGER contact_policy_no_delete BEFORE DELETE ON contact_policy BEGIN
  SELECT RAISE(ABORT, 'contact_policy is append-only');
END;
CREATE TRIGGER contact_policy_no_replace BEFORE INSERT ON contact_policy
WHEN EXISTS (SELECT 1 FROM contact_policy WHERE lender = NEW.lender AND seq = NEW.seq) BEGIN
  SELECT RAISE(ABORT, 'contact_policy is append-only: this key exists');
END;
CREATE TRIGGER contact_file_no_update BEFORE UPDATE ON contact_file BEGIN
  SELECT RAISE(ABORT, 'contact_file is append-only');
END;
CREATE TRIGGER contact_file_no_delete BEFORE DELETE ON contact_file BEGIN
  SELECT RAISE(ABORT, 'contact_file is append-only');
END;
CREATE TRIGGER contact_file_no_replace BEFORE INSERT ON contact_file
WHEN EXISTS (SELECT 1 FROM contact_file WHERE lender = NEW.lender AND seq = NEW.seq) BEGIN
  SELECT RAISE(ABORT, 'contact_file is append-only: this key exists');
END;
CREATE TRIGGER contact_no_update BEFORE UPDATE ON contact BEGIN
  SELECT RAISE(ABORT, 'contact is append-only');
END;
CREATE TRIGGER contact_no_delete BEFORE DELETE ON contact BEGIN
  SELECT RAISE(ABORT, 'contact is append-only');
END;
CREATE TRIGGER contact_no_replace BEFORE INSERT ON contact
WHEN EXISTS (SELECT 1 FROM contact WHERE lender = NEW.lender AND contacted_on = NEW.contacted_on AND agency = NEW.agency AND reference = NEW.reference) BEGIN
  SELECT RAISE(ABORT, 'contact is append-only: this key exists');
END;
CREATE TRIGGER complaint_no_update BEFORE UPDATE ON complaint BEGIN
  SELECT RAISE(ABORT, 'complaint is append-only');
END;
CREATE TRIGGER complaint_no_delete BEFORE DELETE ON complaint BEGIN
  SELECT RAISE(ABORT, 'complaint is append-only');
END;
CREATE TRIGGER complaint_no_replace BEFORE INSERT ON complaint
WHEN EXISTS (SELECT 1 FROM complaint WHERE lender = NEW.lender AND reference = NEW.reference) BEGIN
  SELECT RAISE(ABORT, 'complaint is append-only: this key exists');
END;
CREATE TRIGGER complaint_decision_no_update BEFORE UPDATE ON complaint_decision BEGIN
  SELECT RAISE(ABORT, 'complaint_decision is append-only');
END;
CREATE TRIGGER complaint_decision_no_delete BEFORE DELETE ON complaint_decision BEGIN
  SELECT RAISE(ABORT, 'complaint_decision is append-only');
END;
CREATE TRIGGER complaint_decision_no_replace BEFORE INSERT ON complaint_decision
WHEN EXISTS (SELECT 1 FROM complaint_decision WHERE lender = NEW.lender AND reference = NEW.reference AND decision_no = NEW.decision_no) BEGIN
  SELECT RAISE(ABORT, 'complaint_decision is append-only: this key exists');
END;
CREATE TRIGGER evaluation_no_update BEFORE UPDATE ON evaluation BEGIN
  SELECT RAISE(ABORT, 'evaluation is append-only');
END;
CREATE TRIGGER evaluation_no_delete BEFORE DELETE ON evaluation BEGIN
  SELECT RAISE(ABORT, 'evaluation is append-only');
END;
CREATE TRIGGER evaluation_no_replace BEFORE INSERT ON evaluation
WHEN EXISTS (SELECT 1 FROM evaluation WHERE lender = NEW.lender AND agency = NEW.agency AND evaluated_on = NEW.evaluated_on AND seq = NEW.seq) BEGIN
  SELECT RAISE(ABORT, 'evaluation is append-only: this key exists');
END;
CREATE TRIGGER contact_once BEFORE INSERT ON contact
WHEN EXISTS (SELECT 1 FROM contact WHERE lender = NEW.lender AND agency = NEW.agency AND reference = NEW.reference) BEGIN
  SELECT RAISE(ABORT, 'contact is append-only: this reference exists');
END;

-- Statistics for the query planner, as for the tables of the book.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('contact', 'contact', '1000000 500000 3000 300 1'),
  ('contact', 'contact_reference', '1000000 500000 50000 1'),
  ('complaint', 'complaint', '10000 5000 1'),
  ('complaint', 'complaint_account', '10000 5000 2');
ANALYZE sqlite_schema;
