-- Factor, minimum and maximum settled by the month in which money was received.
ALTER TABLE period ADD COLUMN settles TEXT CHECK (settles IN ('month_of_receipt'));
ALTER TABLE statement_line ADD COLUMN of_month TEXT;
CREATE INDEX statement_line_month ON statement_line (lender, of_month) WHERE of_month IS NOT NULL;

-- Where agencies stood on a month's last day, as its closing found and kept it.
CREATE TABLE grade (
  lender TEXT NOT NULL REFERENCES lender (code),
  month TEXT NOT NULL,
  agency TEXT NOT NULL,
  seq INTEGER NOT NULL,
  rank INTEGER NOT NULL CHECK (rank >= 1),
  peers INTEGER NOT NULL CHECK (peers >= 1),
  judged INTEGER NOT NULL CHECK (judged >= 0),
  shrunk_index TEXT NOT NULL,
  PRIMARY KEY (lender, month, agency)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER grade_no_update BEFORE UPDATE ON grade BEGIN
  SELECT RAISE(ABORT, 'grade is append-only');
END;
CREATE TRIGGER grade_no_delete BEFORE DELETE ON grade BEGIN
  SELECT RAISE(ABORT, 'grade is append-only');
END;
CREATE TRIGGER grade_no_replace BEFORE INSERT ON grade
WHEN EXISTS (SELECT 1 FROM grade WHERE lender = NEW.lender AND month = NEW.month AND agency = NEW.agency) BEGIN
  SELECT RAISE(ABORT, 'grade is append-only: this key exists');
END;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('statement_line', 'statement_line_month', '10000 5000 100');
ANALYZE sqlite_schema;
