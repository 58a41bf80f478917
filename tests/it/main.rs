//! The integration tests: one binary, every test that touches a store on both databases. `tests/run.sh` runs them.

// A test that cannot go on says so by panicking; one that tells a story tells it in one piece.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::float_arithmetic,
    clippy::too_many_lines
)]

mod access;
mod access_web;
mod accounts;
mod allocation;
mod app;
mod architecture;
mod commands;
mod commands_allocation;
mod conduct;
mod damaged_files;
mod deal;
mod dump;
mod earlier_books;
mod exploring;
mod factor;
mod files;
mod hostile;
mod hostile_files;
mod intake;
mod laws;
mod life;
mod life_web;
mod log;
mod month_law;
mod pages;
mod pages_allocation;
mod privacy;
mod programme;
mod ranges;
mod reach;
mod real_data;
mod replay;
mod run_out_web;
mod schema;
mod scorecard;
mod server;
mod settlement;
mod support;
mod tamper;
mod trouble;
mod vectors;
mod waits_web;
mod web;
mod work;
mod workbook;
