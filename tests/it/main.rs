//! The integration tests: one binary, every test that touches a store on both databases. `tests/run.sh` runs them.

mod commands;
mod files;
mod laws;
mod real_data;
mod schema;
mod settlement;
mod support;
mod tamper;
mod vectors;
