-- What explains a line and lists recoveries by day: the accounts of a batch, the receipts of a month, the lines of a group.
CREATE INDEX placement_batch ON placement (lender, batch, account_no);
CREATE INDEX recovery_received ON recovery (lender, received_on, reference);
CREATE INDEX statement_line_group ON statement_line (lender, fee_group) WHERE fee_group IS NOT NULL;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('placement', 'placement_batch', '1000000 500000 2000 1'),
  ('recovery', 'recovery_received', '1000000 500000 1000 1'),
  ('statement_line', 'statement_line_group', '1000000 500000 2000');
ANALYZE sqlite_schema;
