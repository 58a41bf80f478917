//! The strata table of a run: what was put to the programme and what came of it, a row for each stratum and assignee.

use rust_decimal::Decimal;

use crate::kernel::{Currency, Money};

/// One row of the strata table: a stratum and one assignee whose gate is open to it. Together the rows are the programme
/// that was solved; with exploration, the one in which each row gets at least what it explores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StratumRow {
    /// The stratum's name.
    pub stratum: String,
    /// The assignee.
    pub assignee: String,
    /// Its accounts.
    pub accounts: i64,
    /// Σ of their balances.
    pub balance: Money,
    /// The pooled recovery rate.
    pub stratum_rate: Decimal,
    /// The shrunk index.
    pub index: Decimal,
    /// The expected fee rate.
    pub fee_rate: Decimal,
    /// Expected net recovery of a mean account, in millionths.
    pub value: i64,
    /// The fewest accounts of the whole run.
    pub min_accounts: i64,
    /// The most: capacity left, the greatest share, or all accounts.
    pub max_accounts: i64,
    /// Accounts that it was given.
    pub assigned: i64,
    /// Those of them that exploration gave.
    pub explored: i64,
}

/// A count of millionths as a decimal of six places.
pub fn millionths(value: i128) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let whole = value.unsigned_abs();
    format!("{sign}{}.{:06}", whole / 1_000_000, whole % 1_000_000)
}

/// The columns of the strata table.
pub const STRATA_COLUMNS: [&str; 12] = [
    "stratum",
    "assignee",
    "accounts",
    "balance",
    "stratum_rate",
    "index",
    "fee_rate",
    "value_per_account",
    "min_accounts",
    "max_accounts",
    "assigned",
    "explored",
];

impl StratumRow {
    /// The row as the file writes it.
    pub fn cells(&self, currency: Currency) -> [String; 12] {
        [
            self.stratum.clone(),
            self.assignee.clone(),
            self.accounts.to_string(),
            self.balance.plain(currency),
            self.stratum_rate.to_string(),
            self.index.to_string(),
            self.fee_rate.to_string(),
            millionths(self.value.into()),
            self.min_accounts.to_string(),
            self.max_accounts.to_string(),
            self.assigned.to_string(),
            self.explored.to_string(),
        ]
    }
}
