//! Allocation (分案): each open, unplaced account goes to one eligible assignee, or stays with a reason (rules 4).
//!
//! [`strategy`] reads what the lender wants; [`candidates`] brings the accounts of a day; [`gates`] says who may
//! take them; [`strata`] puts like with like; [`expectation`] says what to expect of each stratum in each one's hands;
//! [`plan`] decides how many accounts of a stratum go where, by [`shares`] or by the exact [`programme`]; [`deal`]
//! turns counts into accounts, [`balancing`] where balances have heavy tails; [`decide`] is all of that in one and [`estimate`]
//! says what comes of it; [`run`] reads, simulates and commits;
//! [`replay`] repeats a past run; [`compare`] asks what if. Everything but
//! reading and running is pure, and everything random comes from the strategy's seed, so that a run can be repeated
//! byte for byte.

pub mod balancing;
pub mod candidates;
pub mod compare;
pub mod deal;
pub mod decide;
pub mod estimate;
pub mod expectation;
pub mod files;
pub mod findings;
pub mod gates;
mod network;
pub mod plan;
pub mod programme;
pub mod reason;
pub mod replay;
pub mod run;
pub mod run_accounts;
pub mod shares;
pub mod store;
pub mod strata;
pub mod strata_table;
pub mod strategy;

use crate::kernel::document::DocumentFault;

/// Why an allocation is refused.
#[derive(Debug, thiserror::Error)]
pub enum AllocationError {
    /// The strategy says something it may not.
    #[error("{file}, {fault}")]
    File {
        /// The file's name.
        file: String,
        /// The line and what to do.
        fault: DocumentFault,
    },
    /// The lender is unknown.
    #[error("there is no lender {0}; run `consign setup` with a parties file that has it")]
    NoLender(String),
    /// No such run.
    #[error("there is no run {0} of this lender")]
    NoRun(i64),
    /// It is committed already.
    #[error("run {0} is committed already; nothing was changed")]
    Committed(i64),
    /// The book has changed since the simulation.
    #[error(
        "the book has changed since run {0} was simulated (entry {1} then, {2} now); simulate again and review"
    )]
    Moved(i64, i64, i64),
    /// The same strategy decides otherwise now.
    #[error("run {0} decides otherwise now than when it was simulated; simulate again and review")]
    Differs(i64),
    /// A run whose inputs were not stored with it.
    #[error("run {0} was made before runs kept what they read; it cannot be repeated")]
    NoInputs(i64),
    /// A run that does not repeat.
    #[error(
        "run {0} does not repeat: its hash is {1}, the facts it knew give {2}; run `consign verify`"
    )]
    NotRepeated(i64, String, String),
    /// The strategy's limits contradict one another.
    #[error("run refused, nothing was changed: {0}")]
    Infeasible(#[from] plan::Infeasible),
    /// Expectations that no book keeps.
    #[error(transparent)]
    Beyond(#[from] expectation::Beyond),
    /// Sums of expectations that no book keeps.
    #[error(
        "what is to be expected of the run {0}; look at balances and recoveries; nothing was changed"
    )]
    Range(#[from] crate::kernel::MoneyRange),
    /// The day is in a closed month.
    #[error(transparent)]
    Placement(#[from] crate::placement::PlacementError),
    /// A contract cannot be read.
    #[error(transparent)]
    Contract(#[from] crate::contract::ContractError),
    /// The ledger does not take it.
    #[error(transparent)]
    Ledger(#[from] crate::ledger::LedgerError),
    /// Whoever watched did not want it any more.
    #[error(transparent)]
    Stopped(#[from] crate::kernel::progress::Stop),
    /// The database failed.
    #[error("{}", crate::db::told(.0))]
    Db(#[from] diesel::result::Error),
}
