-- What no reader of this program takes, the tables take no longer: words of another list, amounts and counts of the wrong
-- sign. Rows that are there already are not looked at: verify does.
ALTER TABLE allocation_outcome
  ADD CONSTRAINT allocation_outcome_run_no_check CHECK (run_no >= 1) NOT VALID;
ALTER TABLE allocation_refusal
  ADD CONSTRAINT allocation_refusal_run_no_check CHECK (run_no >= 1) NOT VALID,
  ADD CONSTRAINT allocation_refusal_list_no_check CHECK (list_no >= 0) NOT VALID;
ALTER TABLE allocation_row
  ADD CONSTRAINT allocation_row_run_no_check CHECK (run_no >= 1) NOT VALID,
  ADD CONSTRAINT allocation_row_level_check CHECK (level >= 0) NOT VALID;
ALTER TABLE allocation_run
  ADD CONSTRAINT allocation_run_run_no_check CHECK (run_no >= 1) NOT VALID,
  ADD CONSTRAINT allocation_run_method_check CHECK (method IN ('equal', 'fixed', 'score', 'optimise')) NOT VALID,
  ADD CONSTRAINT allocation_run_placed_check CHECK (placed >= 0) NOT VALID,
  ADD CONSTRAINT allocation_run_unplaced_check CHECK (unplaced >= 0) NOT VALID;
ALTER TABLE allocation_stratum
  ADD CONSTRAINT allocation_stratum_run_no_check CHECK (run_no >= 1) NOT VALID,
  ADD CONSTRAINT allocation_stratum_accounts_check CHECK (accounts >= 0) NOT VALID,
  ADD CONSTRAINT allocation_stratum_min_accounts_check CHECK (min_accounts >= 0) NOT VALID,
  ADD CONSTRAINT allocation_stratum_max_accounts_check CHECK (max_accounts >= 0) NOT VALID,
  ADD CONSTRAINT allocation_stratum_assigned_check CHECK (assigned >= 0) NOT VALID,
  ADD CONSTRAINT allocation_stratum_explored_check CHECK (explored >= 0) NOT VALID;
ALTER TABLE assignee
  ADD CONSTRAINT assignee_kind_check CHECK (kind IN ('agency', 'team')) NOT VALID,
  ADD CONSTRAINT assignee_capacity_check CHECK (capacity >= 0) NOT VALID,
  ADD CONSTRAINT assignee_status_check CHECK (status IN ('active', 'suspended', 'exited')) NOT VALID;
ALTER TABLE batch
  ADD CONSTRAINT batch_run_no_check CHECK (run_no >= 1) NOT VALID,
  ADD CONSTRAINT batch_accounts_check CHECK (accounts >= 0) NOT VALID,
  ADD CONSTRAINT batch_balance_check CHECK (balance >= 0) NOT VALID;
ALTER TABLE book
  ADD CONSTRAINT book_seq_check CHECK (seq >= 0) NOT VALID,
  ADD CONSTRAINT book_transaction_no_check CHECK (transaction_no >= 0) NOT VALID,
  ADD CONSTRAINT book_turnover_check CHECK (turnover >= 0) NOT VALID,
  ADD CONSTRAINT book_placement_no_check CHECK (placement_no >= 0) NOT VALID,
  ADD CONSTRAINT book_batch_no_check CHECK (batch_no >= 0) NOT VALID,
  ADD CONSTRAINT book_run_no_check CHECK (run_no >= 0) NOT VALID,
  ADD CONSTRAINT book_statement_no_check CHECK (statement_no >= 0) NOT VALID;
ALTER TABLE complaint
  ADD CONSTRAINT complaint_severity_check CHECK (severity IN ('low', 'medium', 'high')) NOT VALID;
ALTER TABLE complaint_decision
  ADD CONSTRAINT complaint_decision_decision_no_check CHECK (decision_no >= 1) NOT VALID,
  ADD CONSTRAINT complaint_decision_corrects_check CHECK (corrects >= 1) NOT VALID;
ALTER TABLE contact
  ADD CONSTRAINT contact_line_check CHECK (line >= 0) NOT VALID,
  ADD CONSTRAINT contact_channel_check CHECK (channel IN ('call', 'sms', 'letter', 'visit', 'other')) NOT VALID,
  ADD CONSTRAINT contact_outcome_check CHECK (outcome IN ('effective', 'unanswered', 'other')) NOT VALID;
ALTER TABLE contact_file
  ADD CONSTRAINT contact_file_accepted_check CHECK (accepted >= 0) NOT VALID,
  ADD CONSTRAINT contact_file_duplicate_check CHECK (duplicate >= 0) NOT VALID,
  ADD CONSTRAINT contact_file_rejected_check CHECK (rejected >= 0) NOT VALID,
  ADD CONSTRAINT contact_file_effective_calls_check CHECK (effective_calls >= 0) NOT VALID,
  ADD CONSTRAINT contact_file_unanswered_check CHECK (unanswered >= 0) NOT VALID;
ALTER TABLE contact_policy
  ADD CONSTRAINT contact_policy_effective_calls_check CHECK (effective_calls >= 0) NOT VALID,
  ADD CONSTRAINT contact_policy_unanswered_check CHECK (unanswered >= 0) NOT VALID;
ALTER TABLE contract
  ADD CONSTRAINT contract_version_check CHECK (version >= 1) NOT VALID,
  ADD CONSTRAINT contract_corrects_check CHECK (corrects >= 1) NOT VALID;
ALTER TABLE evaluation
  ADD CONSTRAINT evaluation_result_check CHECK (result >= 0) NOT VALID;
ALTER TABLE hold
  ADD CONSTRAINT hold_kind_check CHECK (kind IN ('dispute', 'complaint', 'hardship', 'instalment plan', 'deceased', 'bankrupt', 'litigation', 'transferred', 'data request')) NOT VALID;
ALTER TABLE ledger_posting
  ADD CONSTRAINT ledger_posting_number_check CHECK (number >= 1) NOT VALID,
  ADD CONSTRAINT ledger_posting_leg_check CHECK (leg >= 1) NOT VALID;
ALTER TABLE ledger_transaction
  ADD CONSTRAINT ledger_transaction_number_check CHECK (number >= 1) NOT VALID;
ALTER TABLE lender
  ADD CONSTRAINT lender_language_check CHECK (language IN ('zh', 'en')) NOT VALID;
ALTER TABLE period
  ADD CONSTRAINT period_known_seq_check CHECK (known_seq >= 0) NOT VALID,
  ADD CONSTRAINT period_statements_check CHECK (statements >= 0) NOT VALID;
ALTER TABLE person
  ADD CONSTRAINT person_language_check CHECK (language IN ('zh', 'en')) NOT VALID;
ALTER TABLE placement
  ADD CONSTRAINT placement_placement_no_check CHECK (placement_no >= 1) NOT VALID,
  ADD CONSTRAINT placement_level_check CHECK (level >= 0) NOT VALID,
  ADD CONSTRAINT placement_tail_days_check CHECK (tail_days >= 0) NOT VALID,
  ADD CONSTRAINT placement_balance_check CHECK (balance >= 0) NOT VALID,
  ADD CONSTRAINT placement_days_past_due_check CHECK (days_past_due >= 0) NOT VALID,
  ADD CONSTRAINT placement_contract_version_check CHECK (contract_version >= 1) NOT VALID,
  ADD CONSTRAINT placement_close_reason_check CHECK (close_reason IN ('recalled', 'returned', 'expired', 'paid', 'transferred')) NOT VALID;
ALTER TABLE placement_step
  ADD CONSTRAINT placement_step_placement_no_check CHECK (placement_no >= 1) NOT VALID,
  ADD CONSTRAINT placement_step_step_check CHECK (step IN ('recall_request', 'recall_acknowledgement', 'recall_objection', 'recall_decision', 'return_request', 'return_decision', 'retention_request', 'retention_decision')) NOT VALID,
  ADD CONSTRAINT placement_step_outcome_check CHECK (outcome IN ('upheld', 'withdrawn', 'accepted', 'approved', 'declined')) NOT VALID;
ALTER TABLE portfolio
  ADD CONSTRAINT portfolio_accepted_check CHECK (accepted >= 0) NOT VALID,
  ADD CONSTRAINT portfolio_created_check CHECK (created >= 0) NOT VALID,
  ADD CONSTRAINT portfolio_updated_check CHECK (updated >= 0) NOT VALID,
  ADD CONSTRAINT portfolio_unchanged_check CHECK (unchanged >= 0) NOT VALID,
  ADD CONSTRAINT portfolio_missing_check CHECK (missing >= 0) NOT VALID,
  ADD CONSTRAINT portfolio_rejected_check CHECK (rejected >= 0) NOT VALID,
  ADD CONSTRAINT portfolio_total_check CHECK (total >= 0) NOT VALID;
ALTER TABLE portfolio_row
  ADD CONSTRAINT portfolio_row_line_check CHECK (line >= 0) NOT VALID,
  ADD CONSTRAINT portfolio_row_principal_check CHECK (principal >= 0) NOT VALID,
  ADD CONSTRAINT portfolio_row_interest_check CHECK (interest >= 0) NOT VALID,
  ADD CONSTRAINT portfolio_row_fees_check CHECK (fees >= 0) NOT VALID;
ALTER TABLE recovery
  ADD CONSTRAINT recovery_line_check CHECK (line >= 0) NOT VALID,
  ADD CONSTRAINT recovery_kind_check CHECK (kind IN ('payment', 'waiver', 'reversal')) NOT VALID,
  ADD CONSTRAINT recovery_channel_check CHECK (channel IN ('lender', 'agency')) NOT VALID,
  ADD CONSTRAINT recovery_principal_check CHECK (principal >= 0) NOT VALID,
  ADD CONSTRAINT recovery_interest_check CHECK (interest >= 0) NOT VALID,
  ADD CONSTRAINT recovery_fees_check CHECK (fees >= 0) NOT VALID,
  ADD CONSTRAINT recovery_costs_check CHECK (costs >= 0) NOT VALID,
  ADD CONSTRAINT recovery_beyond_owed_check CHECK (beyond_owed >= 0) NOT VALID;
ALTER TABLE recovery_file
  ADD CONSTRAINT recovery_file_accepted_check CHECK (accepted >= 0) NOT VALID,
  ADD CONSTRAINT recovery_file_duplicate_check CHECK (duplicate >= 0) NOT VALID,
  ADD CONSTRAINT recovery_file_rejected_check CHECK (rejected >= 0) NOT VALID;
ALTER TABLE statement
  ADD CONSTRAINT statement_contract_version_check CHECK (contract_version >= 1) NOT VALID,
  ADD CONSTRAINT statement_payable_to_agency_check CHECK (payable_to_agency >= 0) NOT VALID,
  ADD CONSTRAINT statement_due_from_agency_check CHECK (due_from_agency >= 0) NOT VALID;
ALTER TABLE statement_line
  ADD CONSTRAINT statement_line_line_no_check CHECK (line_no >= 1) NOT VALID,
  ADD CONSTRAINT statement_line_kind_check CHECK (kind IN ('commission', 'true_up', 'charge', 'performance', 'minimum', 'maximum', 'deduction', 'adjustment')) NOT VALID;

-- How the hash of an event and those of its ledger transactions are made; what is older than this column is of the first version.
ALTER TABLE event ADD COLUMN version BIGINT NOT NULL DEFAULT 1 CHECK (version >= 1);

