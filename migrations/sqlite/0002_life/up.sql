-- The steps of a placement's life: asked, objected, decided. Closing stays on the placement itself.
CREATE TABLE placement_step (
  lender TEXT NOT NULL,
  account_no TEXT NOT NULL,
  placement_no INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  step TEXT NOT NULL,
  on_day TEXT NOT NULL,
  agency TEXT,
  reason TEXT,
  outcome TEXT,
  until_on TEXT,
  owed INTEGER NOT NULL,
  PRIMARY KEY (lender, account_no, placement_no, seq, step)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER placement_step_no_update BEFORE UPDATE ON placement_step BEGIN
  SELECT RAISE(ABORT, 'placement_step is append-only');
END;
CREATE TRIGGER placement_step_no_delete BEFORE DELETE ON placement_step BEGIN
  SELECT RAISE(ABORT, 'placement_step is append-only');
END;
CREATE TRIGGER placement_step_no_replace BEFORE INSERT ON placement_step
WHEN EXISTS (SELECT 1 FROM placement_step WHERE lender = NEW.lender AND account_no = NEW.account_no
  AND placement_no = NEW.placement_no AND seq = NEW.seq AND step = NEW.step) BEGIN
  SELECT RAISE(ABORT, 'placement_step is append-only: this key exists');
END;

-- What the steps come to, kept beside the frozen facts so that one look tells when a placement ends; verify works it
-- out again. A retention only ever moves the end further out.
ALTER TABLE placement ADD COLUMN retained_to TEXT;
ALTER TABLE placement ADD COLUMN recall_final_on TEXT;
CREATE TRIGGER placement_retained_further BEFORE UPDATE OF retained_to ON placement
WHEN NEW.retained_to <= OLD.expires_on OR (OLD.retained_to IS NOT NULL AND (NEW.retained_to IS NULL OR NEW.retained_to < OLD.retained_to)) BEGIN
  SELECT RAISE(ABORT, 'a retention moves the end of a placement further out');
END;

-- Forms that were carried out, so that one sent twice is carried out once and answered alike.
CREATE TABLE form_done (
  lender TEXT NOT NULL REFERENCES lender (code),
  login TEXT NOT NULL,
  form_key TEXT NOT NULL,
  outcome TEXT NOT NULL,
  done_at TEXT NOT NULL,
  PRIMARY KEY (lender, login, form_key)
) STRICT, WITHOUT ROWID;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('placement_step', 'placement_step', '100000 50000 3 2 1 1');
ANALYZE sqlite_schema;
