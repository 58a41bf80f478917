-- Work that lasts: what was asked for on the pages, who does it, and what came of it.
CREATE TABLE job (
  lender TEXT COLLATE "C" NOT NULL REFERENCES lender (code),
  id TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('import_portfolio', 'import_recoveries', 'import_contacts', 'import_complaints', 'simulate', 'commit', 'close', 'export')),
  status TEXT COLLATE "C" NOT NULL CHECK (status IN ('queued', 'running', 'done', 'failed', 'cancelled')),
  form_key TEXT COLLATE "C" NOT NULL,
  login TEXT COLLATE "C" NOT NULL,
  organisation TEXT COLLATE "C" NOT NULL,
  roles TEXT COLLATE "C" NOT NULL,
  source TEXT COLLATE "C" NOT NULL,
  arguments TEXT COLLATE "C" NOT NULL,
  created_at TEXT COLLATE "C" NOT NULL,
  started_at TEXT COLLATE "C",
  finished_at TEXT COLLATE "C",
  worker TEXT COLLATE "C",
  lease_until TEXT COLLATE "C",
  tries BIGINT NOT NULL CHECK (tries >= 0),
  cancelled_by TEXT COLLATE "C",
  stage TEXT COLLATE "C" NOT NULL,
  done BIGINT NOT NULL CHECK (done >= 0),
  total BIGINT CHECK (total >= 0),
  failure TEXT COLLATE "C" CHECK (failure IN ('refused', 'trouble', 'fault', 'gave_up', 'unreadable')),
  outcome TEXT COLLATE "C",
  PRIMARY KEY (lender, id)
);
-- A form that is sent twice is one job.
CREATE UNIQUE INDEX job_form ON job (lender, login, form_key);
CREATE INDEX job_waiting ON job (created_at) WHERE status IN ('queued', 'running');

-- Files of jobs in parts of at most a megabyte, sealed: what was sent goes when the job ends, what it made a while later.
CREATE TABLE job_file (
  lender TEXT COLLATE "C" NOT NULL,
  job TEXT COLLATE "C" NOT NULL,
  what TEXT COLLATE "C" NOT NULL CHECK (what IN ('sent', 'rejects', 'made')),
  part BIGINT NOT NULL CHECK (part >= 0),
  body BYTEA NOT NULL,
  PRIMARY KEY (lender, job, what, part),
  FOREIGN KEY (lender, job) REFERENCES job (lender, id)
);
