-- The steps of a placement's life: asked, objected, decided. Closing stays on the placement itself.
CREATE TABLE placement_step (
  lender TEXT COLLATE "C" NOT NULL,
  account_no TEXT COLLATE "C" NOT NULL,
  placement_no BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  step TEXT COLLATE "C" NOT NULL,
  on_day DATE NOT NULL,
  agency TEXT COLLATE "C",
  reason TEXT COLLATE "C",
  outcome TEXT COLLATE "C",
  until_on DATE,
  owed BIGINT NOT NULL,
  PRIMARY KEY (lender, account_no, placement_no, seq, step)
);
CREATE TRIGGER placement_step_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON placement_step
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What the steps come to, kept beside the frozen facts so that one look tells when a placement ends; verify works it
-- out again. A retention only ever moves the end further out.
ALTER TABLE placement ADD COLUMN retained_to DATE;
ALTER TABLE placement ADD COLUMN recall_final_on DATE;
CREATE TRIGGER placement_retained_further BEFORE UPDATE OF retained_to ON placement
  FOR EACH ROW WHEN (NEW.retained_to <= OLD.expires_on OR (OLD.retained_to IS NOT NULL AND (NEW.retained_to IS NULL OR NEW.retained_to < OLD.retained_to)))
  EXECUTE FUNCTION refuse_change();

-- Forms that were carried out, so that one sent twice is carried out once and answered alike.
CREATE TABLE form_done (
  lender TEXT COLLATE "C" NOT NULL REFERENCES lender (code),
  login TEXT COLLATE "C" NOT NULL,
  form_key TEXT COLLATE "C" NOT NULL,
  outcome TEXT COLLATE "C" NOT NULL,
  done_at TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (lender, login, form_key)
);
