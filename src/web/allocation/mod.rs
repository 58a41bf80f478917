//! Pages of runs: simulating, comparing, committing, looking at what went where.

pub(super) mod allocate;
pub(super) mod run_accounts;
pub(super) mod runs;
pub(super) mod what_if;
