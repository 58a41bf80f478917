-- Factor, minimum and maximum settled by the month in which money was received.
ALTER TABLE period ADD COLUMN settles TEXT COLLATE "C" CHECK (settles IN ('month_of_receipt'));
ALTER TABLE statement_line ADD COLUMN of_month TEXT COLLATE "C";
CREATE INDEX statement_line_month ON statement_line (lender, of_month) WHERE of_month IS NOT NULL;

-- Where agencies stood on a month's last day, as its closing found and kept it.
CREATE TABLE grade (
  lender TEXT COLLATE "C" NOT NULL REFERENCES lender (code),
  month TEXT COLLATE "C" NOT NULL,
  agency TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  rank BIGINT NOT NULL CHECK (rank >= 1),
  peers BIGINT NOT NULL CHECK (peers >= 1),
  judged BIGINT NOT NULL CHECK (judged >= 0),
  shrunk_index TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (lender, month, agency)
);
CREATE TRIGGER grade_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON grade
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
