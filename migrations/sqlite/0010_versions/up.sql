-- What no reader of this program takes, the tables take no longer: words of another list, amounts and counts of the wrong
-- sign, flags that are neither. Rows stay as they are; a constraint changes nothing of how they are kept, so that only the
-- text of the tables is exchanged, as SQLite's manual describes (ALTER TABLE, "Making Other Kinds Of Table Schema Changes").
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, '
  PRIMARY KEY (', '
  CHECK (run_no >= 1),
  PRIMARY KEY (')
WHERE type = 'table' AND name = 'allocation_outcome';
UPDATE sqlite_schema SET sql = replace(sql, '
  PRIMARY KEY (', '
  CHECK (run_no >= 1),
  CHECK (list_no >= 0),
  PRIMARY KEY (')
WHERE type = 'table' AND name = 'allocation_refusal';
UPDATE sqlite_schema SET sql = replace(sql, '
  PRIMARY KEY (', '
  CHECK (run_no >= 1),
  CHECK (level >= 0),
  PRIMARY KEY (')
WHERE type = 'table' AND name = 'allocation_row';
UPDATE sqlite_schema SET sql = replace(sql, '
  PRIMARY KEY (', '
  CHECK (run_no >= 1),
  CHECK (method IN (''equal'', ''fixed'', ''score'', ''optimise'')),
  CHECK (placed >= 0),
  CHECK (unplaced >= 0),
  PRIMARY KEY (')
WHERE type = 'table' AND name = 'allocation_run';
UPDATE sqlite_schema SET sql = replace(sql, '
  PRIMARY KEY (', '
  CHECK (run_no >= 1),
  CHECK (accounts >= 0),
  CHECK (min_accounts >= 0),
  CHECK (max_accounts >= 0),
  CHECK (assigned >= 0),
  CHECK (explored >= 0),
  PRIMARY KEY (')
WHERE type = 'table' AND name = 'allocation_stratum';
UPDATE sqlite_schema SET sql = replace(sql, '
  PRIMARY KEY (', '
  CHECK (kind IN (''agency'', ''team'')),
  CHECK (capacity >= 0),
  CHECK (status IN (''active'', ''suspended'', ''exited'')),
  PRIMARY KEY (')
WHERE type = 'table' AND name = 'assignee';
UPDATE sqlite_schema SET sql = replace(sql, '
  PRIMARY KEY (', '
  CHECK (run_no >= 1),
  CHECK (accounts >= 0),
  CHECK (balance >= 0),
  PRIMARY KEY (')
WHERE type = 'table' AND name = 'batch';
UPDATE sqlite_schema SET sql = replace(replace(replace(replace(replace(replace(replace(sql, '
  seq INTEGER NOT NULL', '
  seq INTEGER NOT NULL CHECK (seq >= 0)'), '
  transaction_no INTEGER NOT NULL', '
  transaction_no INTEGER NOT NULL CHECK (transaction_no >= 0)'), ', turnover INTEGER NOT NULL DEFAULT 0', ', turnover INTEGER NOT NULL DEFAULT 0 CHECK (turnover >= 0)'), '
  placement_no INTEGER NOT NULL', '
  placement_no INTEGER NOT NULL CHECK (placement_no >= 0)'), '
  batch_no INTEGER NOT NULL', '
  batch_no INTEGER NOT NULL CHECK (batch_no >= 0)'), '
  run_no INTEGER NOT NULL', '
  run_no INTEGER NOT NULL CHECK (run_no >= 0)'), '
  statement_no INTEGER NOT NULL', '
  statement_no INTEGER NOT NULL CHECK (statement_no >= 0)')
WHERE type = 'table' AND name = 'book';
UPDATE sqlite_schema SET sql = replace(sql, '
  PRIMARY KEY (', '
  CHECK (severity IN (''low'', ''medium'', ''high'')),
  PRIMARY KEY (')
WHERE type = 'table' AND name = 'complaint';
UPDATE sqlite_schema SET sql = replace(sql, '
  PRIMARY KEY (', '
  CHECK (decision_no >= 1),
  CHECK (upheld IN (0, 1)),
  CHECK (corrects >= 1),
  PRIMARY KEY (')
WHERE type = 'table' AND name = 'complaint_decision';
UPDATE sqlite_schema SET sql = replace(sql, '
  PRIMARY KEY (', '
  CHECK (line >= 0),
  CHECK (channel IN (''call'', ''sms'', ''letter'', ''visit'', ''other'')),
  CHECK (outcome IN (''effective'', ''unanswered'', ''other'')),
  PRIMARY KEY (')
WHERE type = 'table' AND name = 'contact';
UPDATE sqlite_schema SET sql = replace(sql, '
  PRIMARY KEY (', '
  CHECK (accepted >= 0),
  CHECK (duplicate >= 0),
  CHECK (rejected >= 0),
  CHECK (effective_calls >= 0),
  CHECK (unanswered >= 0),
  PRIMARY KEY (')
WHERE type = 'table' AND name = 'contact_file';
UPDATE sqlite_schema SET sql = replace(sql, '
  PRIMARY KEY (', '
  CHECK (effective_calls >= 0),
  CHECK (unanswered >= 0),
  PRIMARY KEY (')
WHERE type = 'table' AND name = 'contact_policy';
UPDATE sqlite_schema SET sql = replace(sql, '
  PRIMARY KEY (', '
  CHECK (version >= 1),
  CHECK (corrects >= 1),
  PRIMARY KEY (')
WHERE type = 'table' AND name = 'contract';
UPDATE sqlite_schema SET sql = replace(sql, '
  PRIMARY KEY (', '
  CHECK (result >= 0),
  PRIMARY KEY (')
WHERE type = 'table' AND name = 'evaluation';
UPDATE sqlite_schema SET sql = replace(sql, '
  PRIMARY KEY (', '
  CHECK (kind IN (''dispute'', ''complaint'', ''hardship'', ''instalment plan'', ''deceased'', ''bankrupt'', ''litigation'', ''transferred'', ''data request'')),
  CHECK (by_file IN (0, 1)),
  PRIMARY KEY (')
WHERE type = 'table' AND name = 'hold';
UPDATE sqlite_schema SET sql = replace(sql, '
  PRIMARY KEY (', '
  CHECK (number >= 1),
  CHECK (leg >= 1),
  PRIMARY KEY (')
WHERE type = 'table' AND name = 'ledger_posting';
UPDATE sqlite_schema SET sql = replace(sql, '
  PRIMARY KEY (', '
  CHECK (number >= 1),
  PRIMARY KEY (')
WHERE type = 'table' AND name = 'ledger_transaction';
UPDATE sqlite_schema SET sql = replace(sql, '
  language TEXT NOT NULL', '
  language TEXT NOT NULL CHECK (language IN (''zh'', ''en''))')
WHERE type = 'table' AND name = 'lender';
UPDATE sqlite_schema SET sql = replace(sql, '
  PRIMARY KEY (', '
  CHECK (known_seq >= 0),
  CHECK (statements >= 0),
  PRIMARY KEY (')
WHERE type = 'table' AND name = 'period';
UPDATE sqlite_schema SET sql = replace(sql, '
  language TEXT', '
  language TEXT CHECK (language IN (''zh'', ''en''))')
WHERE type = 'table' AND name = 'person';
UPDATE sqlite_schema SET sql = replace(sql, '
  PRIMARY KEY (', '
  CHECK (placement_no >= 1),
  CHECK (level >= 0),
  CHECK (tail_days >= 0),
  CHECK (balance >= 0),
  CHECK (days_past_due >= 0),
  CHECK (charged_off IN (0, 1)),
  CHECK (legal IN (0, 1)),
  CHECK (contract_version >= 1),
  CHECK (close_reason IN (''recalled'', ''returned'', ''expired'', ''paid'', ''transferred'')),
  PRIMARY KEY (')
WHERE type = 'table' AND name = 'placement';
UPDATE sqlite_schema SET sql = replace(sql, '
  PRIMARY KEY (', '
  CHECK (placement_no >= 1),
  CHECK (step IN (''recall_request'', ''recall_acknowledgement'', ''recall_objection'', ''recall_decision'', ''return_request'', ''return_decision'', ''retention_request'', ''retention_decision'')),
  CHECK (outcome IN (''upheld'', ''withdrawn'', ''accepted'', ''approved'', ''declined'')),
  PRIMARY KEY (')
WHERE type = 'table' AND name = 'placement_step';
UPDATE sqlite_schema SET sql = replace(sql, '
  PRIMARY KEY (', '
  CHECK (accepted >= 0),
  CHECK (created >= 0),
  CHECK (updated >= 0),
  CHECK (unchanged >= 0),
  CHECK (missing >= 0),
  CHECK (rejected >= 0),
  CHECK (total >= 0),
  PRIMARY KEY (')
WHERE type = 'table' AND name = 'portfolio';
UPDATE sqlite_schema SET sql = replace(sql, '
  PRIMARY KEY (', '
  CHECK (line >= 0),
  CHECK (principal >= 0),
  CHECK (interest >= 0),
  CHECK (fees >= 0),
  CHECK (charged_off IN (0, 1)),
  CHECK (legal IN (0, 1)),
  PRIMARY KEY (')
WHERE type = 'table' AND name = 'portfolio_row';
UPDATE sqlite_schema SET sql = replace(sql, '
  PRIMARY KEY (', '
  CHECK (line >= 0),
  CHECK (kind IN (''payment'', ''waiver'', ''reversal'')),
  CHECK (channel IN (''lender'', ''agency'')),
  CHECK (principal >= 0),
  CHECK (interest >= 0),
  CHECK (fees >= 0),
  CHECK (costs >= 0),
  CHECK (beyond_owed >= 0),
  PRIMARY KEY (')
WHERE type = 'table' AND name = 'recovery';
UPDATE sqlite_schema SET sql = replace(sql, '
  PRIMARY KEY (', '
  CHECK (accepted >= 0),
  CHECK (duplicate >= 0),
  CHECK (rejected >= 0),
  PRIMARY KEY (')
WHERE type = 'table' AND name = 'recovery_file';
UPDATE sqlite_schema SET sql = replace(sql, '
  PRIMARY KEY (', '
  CHECK (contract_version >= 1),
  CHECK (payable_to_agency >= 0),
  CHECK (due_from_agency >= 0),
  PRIMARY KEY (')
WHERE type = 'table' AND name = 'statement';
UPDATE sqlite_schema SET sql = replace(sql, '
  PRIMARY KEY (', '
  CHECK (line_no >= 1),
  CHECK (kind IN (''commission'', ''true_up'', ''charge'', ''performance'', ''minimum'', ''maximum'', ''deduction'', ''adjustment'')),
  PRIMARY KEY (')
WHERE type = 'table' AND name = 'statement_line';
PRAGMA writable_schema = RESET;

-- How the hash of an event and those of its ledger transactions are made; what is older than this column is of the first version.
ALTER TABLE event ADD COLUMN version INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1);

