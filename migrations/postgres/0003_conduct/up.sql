-- What agencies may do (催收行为规范); the newest row of a lender counts, none means the defaults.
CREATE TABLE contact_policy (
  lender TEXT COLLATE "C" NOT NULL REFERENCES lender (code),
  seq BIGINT NOT NULL,
  quiet_from TEXT COLLATE "C" NOT NULL,
  quiet_until TEXT COLLATE "C" NOT NULL,
  effective_calls BIGINT NOT NULL,
  unanswered BIGINT NOT NULL,
  PRIMARY KEY (lender, seq)
);

-- Files of contact records, each with the policy that applied when it came.
CREATE TABLE contact_file (
  lender TEXT COLLATE "C" NOT NULL REFERENCES lender (code),
  seq BIGINT NOT NULL,
  agency TEXT COLLATE "C" NOT NULL,
  file_name TEXT COLLATE "C" NOT NULL,
  sha256 TEXT COLLATE "C" NOT NULL,
  accepted BIGINT NOT NULL,
  duplicate BIGINT NOT NULL,
  rejected BIGINT NOT NULL,
  quiet_from TEXT COLLATE "C" NOT NULL,
  quiet_until TEXT COLLATE "C" NOT NULL,
  effective_calls BIGINT NOT NULL,
  unanswered BIGINT NOT NULL,
  PRIMARY KEY (lender, seq)
);

-- Contact records (催收记录): what they violate is worked out on reading, day by day. On SQLite the rows lie by day; here an index
-- finds them, on an expression, so that it can never stand in for the key: while a first import runs there are no
-- statistics, and any index that begins with the lender looks as good as the key when a reference is looked up.
CREATE TABLE contact (
  lender TEXT COLLATE "C" NOT NULL,
  contacted_on DATE NOT NULL,
  agency TEXT COLLATE "C" NOT NULL,
  reference TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  line BIGINT NOT NULL,
  account_no TEXT COLLATE "C" NOT NULL,
  debtor_ref TEXT COLLATE "C" NOT NULL,
  contacted_at TEXT COLLATE "C" NOT NULL,
  channel TEXT COLLATE "C" NOT NULL,
  outcome TEXT COLLATE "C" NOT NULL,
  number TEXT COLLATE "C",
  number_digest TEXT COLLATE "C",
  note TEXT COLLATE "C",
  PRIMARY KEY (lender, agency, reference)
);
CREATE INDEX contact_day ON contact ((lender || ''), contacted_on);

-- Complaints (投诉), and what was decided on each; a correction is a further decision that names the one before.
CREATE TABLE complaint (
  lender TEXT COLLATE "C" NOT NULL REFERENCES lender (code),
  reference TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  agency TEXT COLLATE "C" NOT NULL,
  account_no TEXT COLLATE "C",
  received_on DATE NOT NULL,
  severity TEXT COLLATE "C" NOT NULL,
  description TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (lender, reference)
);
CREATE INDEX complaint_account ON complaint (lender, account_no) WHERE account_no IS NOT NULL;

CREATE TABLE complaint_decision (
  lender TEXT COLLATE "C" NOT NULL REFERENCES lender (code),
  reference TEXT COLLATE "C" NOT NULL,
  decision_no BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  upheld BOOLEAN NOT NULL,
  decided_on DATE NOT NULL,
  reason TEXT COLLATE "C" NOT NULL,
  deduction BIGINT CHECK (deduction > 0),
  corrects BIGINT,
  PRIMARY KEY (lender, reference, decision_no)
);

-- Evaluations of assignees (机构评估).
CREATE TABLE evaluation (
  lender TEXT COLLATE "C" NOT NULL REFERENCES lender (code),
  agency TEXT COLLATE "C" NOT NULL,
  evaluated_on DATE NOT NULL,
  seq BIGINT NOT NULL,
  result BIGINT NOT NULL,
  description TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (lender, agency, evaluated_on, seq)
);

-- Append-only, as the tables of the book.
CREATE TRIGGER contact_policy_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON contact_policy
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER contact_file_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON contact_file
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER contact_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON contact
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER complaint_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON complaint
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER complaint_decision_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON complaint_decision
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER evaluation_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON evaluation
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
