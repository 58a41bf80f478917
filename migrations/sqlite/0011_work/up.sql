-- Work that lasts: what was asked for on the pages, who does it, and what came of it.
CREATE TABLE job (
  lender TEXT NOT NULL REFERENCES lender (code),
  id TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('import_portfolio', 'import_recoveries', 'import_contacts', 'import_complaints', 'simulate', 'commit', 'close', 'export')),
  status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'done', 'failed', 'cancelled')),
  form_key TEXT NOT NULL,
  login TEXT NOT NULL,
  organisation TEXT NOT NULL,
  roles TEXT NOT NULL,
  source TEXT NOT NULL,
  arguments TEXT NOT NULL,
  created_at TEXT NOT NULL,
  started_at TEXT,
  finished_at TEXT,
  worker TEXT,
  lease_until TEXT,
  tries INTEGER NOT NULL CHECK (tries >= 0),
  cancelled_by TEXT,
  stage TEXT NOT NULL,
  done INTEGER NOT NULL CHECK (done >= 0),
  total INTEGER CHECK (total >= 0),
  failure TEXT CHECK (failure IN ('refused', 'trouble', 'fault', 'gave_up', 'unreadable')),
  outcome TEXT,
  PRIMARY KEY (lender, id)
) STRICT, WITHOUT ROWID;
-- A form that is sent twice is one job.
CREATE UNIQUE INDEX job_form ON job (lender, login, form_key);
CREATE INDEX job_waiting ON job (created_at) WHERE status IN ('queued', 'running');

-- Files of jobs in parts of at most a megabyte, sealed: what was sent goes when the job ends, what it made a while later.
CREATE TABLE job_file (
  lender TEXT NOT NULL,
  job TEXT NOT NULL,
  what TEXT NOT NULL CHECK (what IN ('sent', 'rejects', 'made')),
  part INTEGER NOT NULL CHECK (part >= 0),
  body BLOB NOT NULL,
  PRIMARY KEY (lender, job, what, part),
  FOREIGN KEY (lender, job) REFERENCES job (lender, id)
) STRICT;
