//! Consign: lender–agency outsourcing – contracts, allocation, commission ledger, statements.
//!
//! The modules in reading order: words every noun shares, the floor under the stores, then the nouns in a line,
//! each looking only to its left, and last the program's two faces. `ARCHITECTURE.md` has the map.

pub mod kernel;
pub mod table;
pub mod words;

pub mod ambient;
pub mod config;
pub mod db;
pub mod outfile;
pub mod sheet;

pub mod allocation;
pub mod audit;
pub mod commission;
pub mod conduct;
pub mod contract;
pub mod hold;
pub mod identity;
pub mod intake;
pub mod ledger;
pub mod party;
pub mod performance;
pub mod placement;
pub mod portfolio;
pub mod position;
pub mod proof;
pub mod recovery;
pub mod settlement;
pub mod work;

pub mod cli;
pub mod demo;
pub mod web;
