//! Performance (业绩): what each assignee recovered against what was to be expected of the accounts it had
//! (rules 4.7, 4.8).
//!
//! [`grouping`] says which accounts are alike; [`history`] sums what was placed and recovered; [`scorecard`] turns
//! sums into indices, points and ranks; [`trial`] compares two assignees on accounts dealt by chance; [`curve`]
//! follows batches month by month. All of them are pure; [`measure`] reads a book for them.

pub mod curve;
pub mod file;
pub mod grouping;
pub mod history;
pub mod measure;
pub mod number;
pub mod scorecard;
pub mod store;
pub mod trial;

use crate::kernel::document::DocumentFault;

/// Why a scorecard is refused.
#[derive(Debug, thiserror::Error)]
pub enum PerformanceError {
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
    /// No such assignee.
    #[error("the lender has no assignee {0}")]
    NoAssignee(String),
    /// A contract cannot be read.
    #[error(transparent)]
    Contract(#[from] crate::contract::ContractError),
    /// The database failed.
    #[error("{}", crate::db::told(.0))]
    Db(#[from] diesel::result::Error),
}
