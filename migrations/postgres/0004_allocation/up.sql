-- What a run found beside its assignment: the proof and the prices of limits, the lists of closed gates, the strata.
CREATE TABLE allocation_outcome (
  lender TEXT COLLATE "C" NOT NULL,
  run_no BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  body TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (lender, run_no)
);
CREATE TABLE allocation_refusal (
  lender TEXT COLLATE "C" NOT NULL,
  run_no BIGINT NOT NULL,
  list_no BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  refusals TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (lender, run_no, list_no)
);
CREATE TABLE allocation_stratum (
  lender TEXT COLLATE "C" NOT NULL,
  run_no BIGINT NOT NULL,
  stratum TEXT COLLATE "C" NOT NULL,
  assignee TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL,
  accounts BIGINT NOT NULL,
  balance BIGINT NOT NULL,
  stratum_rate TEXT COLLATE "C" NOT NULL,
  index_shrunk TEXT COLLATE "C" NOT NULL,
  fee_rate TEXT COLLATE "C" NOT NULL,
  value BIGINT NOT NULL,
  min_accounts BIGINT NOT NULL,
  max_accounts BIGINT NOT NULL,
  assigned BIGINT NOT NULL,
  explored BIGINT NOT NULL,
  PRIMARY KEY (lender, run_no, stratum, assignee)
);
CREATE TRIGGER allocation_outcome_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON allocation_outcome
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER allocation_refusal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON allocation_refusal
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER allocation_stratum_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON allocation_stratum
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
