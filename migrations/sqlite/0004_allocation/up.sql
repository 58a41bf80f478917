-- What a run found beside its assignment: the proof and the prices of limits, the lists of closed gates, the strata.
CREATE TABLE allocation_outcome (
  lender TEXT NOT NULL,
  run_no INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (lender, run_no)
) STRICT, WITHOUT ROWID;
CREATE TABLE allocation_refusal (
  lender TEXT NOT NULL,
  run_no INTEGER NOT NULL,
  list_no INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  refusals TEXT NOT NULL,
  PRIMARY KEY (lender, run_no, list_no)
) STRICT, WITHOUT ROWID;
CREATE TABLE allocation_stratum (
  lender TEXT NOT NULL,
  run_no INTEGER NOT NULL,
  stratum TEXT NOT NULL,
  assignee TEXT NOT NULL,
  seq INTEGER NOT NULL,
  accounts INTEGER NOT NULL,
  balance INTEGER NOT NULL,
  stratum_rate TEXT NOT NULL,
  index_shrunk TEXT NOT NULL,
  fee_rate TEXT NOT NULL,
  value INTEGER NOT NULL,
  min_accounts INTEGER NOT NULL,
  max_accounts INTEGER NOT NULL,
  assigned INTEGER NOT NULL,
  explored INTEGER NOT NULL,
  PRIMARY KEY (lender, run_no, stratum, assignee)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER allocation_outcome_no_update BEFORE UPDATE ON allocation_outcome BEGIN
  SELECT RAISE(ABORT, 'allocation_outcome is append-only');
END;
CREATE TRIGGER allocation_outcome_no_delete BEFORE DELETE ON allocation_outcome BEGIN
  SELECT RAISE(ABORT, 'allocation_outcome is append-only');
END;
CREATE TRIGGER allocation_outcome_no_replace BEFORE INSERT ON allocation_outcome
WHEN EXISTS (SELECT 1 FROM allocation_outcome WHERE lender = NEW.lender AND run_no = NEW.run_no) BEGIN
  SELECT RAISE(ABORT, 'allocation_outcome is append-only: this key exists');
END;
CREATE TRIGGER allocation_refusal_no_update BEFORE UPDATE ON allocation_refusal BEGIN
  SELECT RAISE(ABORT, 'allocation_refusal is append-only');
END;
CREATE TRIGGER allocation_refusal_no_delete BEFORE DELETE ON allocation_refusal BEGIN
  SELECT RAISE(ABORT, 'allocation_refusal is append-only');
END;
CREATE TRIGGER allocation_refusal_no_replace BEFORE INSERT ON allocation_refusal
WHEN EXISTS (SELECT 1 FROM allocation_refusal WHERE lender = NEW.lender AND run_no = NEW.run_no AND list_no = NEW.list_no) BEGIN
  SELECT RAISE(ABORT, 'allocation_refusal is append-only: this key exists');
END;
CREATE TRIGGER allocation_stratum_no_update BEFORE UPDATE ON allocation_stratum BEGIN
  SELECT RAISE(ABORT, 'allocation_stratum is append-only');
END;
CREATE TRIGGER allocation_stratum_no_delete BEFORE DELETE ON allocation_stratum BEGIN
  SELECT RAISE(ABORT, 'allocation_stratum is append-only');
END;
CREATE TRIGGER allocation_stratum_no_replace BEFORE INSERT ON allocation_stratum
WHEN EXISTS (SELECT 1 FROM allocation_stratum WHERE lender = NEW.lender AND run_no = NEW.run_no AND stratum = NEW.stratum AND assignee = NEW.assignee) BEGIN
  SELECT RAISE(ABORT, 'allocation_stratum is append-only: this key exists');
END;
