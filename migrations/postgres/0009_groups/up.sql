-- What explains a line and lists recoveries by day: the accounts of a batch, the receipts of a month, the lines of a group.
CREATE INDEX placement_batch ON placement (lender, batch, account_no);
CREATE INDEX recovery_received ON recovery (lender, received_on, reference);
CREATE INDEX statement_line_group ON statement_line (lender, fee_group) WHERE fee_group IS NOT NULL;
