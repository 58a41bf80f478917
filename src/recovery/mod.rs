//! Recoveries (回款): payments, reversals (冲正) and waivers (减免).
//!
//! A recovery is a fact and stays. Which placement it belongs to is never stored: [`attribution`] decides it
//! from the windows of the account's placements, so that it cannot depend on the order in which facts arrive.

pub mod attribution;
pub mod columns;
pub mod import;
pub mod store;

use chrono::NaiveDate;

use crate::kernel::{Money, enumeration};
use crate::ledger::chart;

enumeration! {
    /// What a recovery is.
    pub enum Kind ("kind of recovery") {
        /// Money received.
        Payment = "payment" | "回款" | "还款",
        /// Debt forgiven.
        Waiver = "waiver" | "减免",
        /// Either, taken back.
        Reversal = "reversal" | "冲正",
    }
}

enumeration! {
    /// Where the money went.
    pub enum Channel ("channel of money") {
        /// To the lender.
        Lender = "lender" | "委托方",
        /// To an agency.
        Agency = "agency" | "机构" | "受托方",
    }
}

/// One recovery. Amounts are positive whatever the kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Unique per lender.
    pub reference: String,
    /// The act that took it in.
    pub seq: i64,
    /// Its line in the file.
    pub line: i64,
    /// The account.
    pub account_no: String,
    /// The day it was received.
    pub received_on: NaiveDate,
    /// What it is.
    pub kind: Kind,
    /// How much.
    pub amount: Money,
    /// The recovery a reversal takes back.
    pub reverses: Option<String>,
    /// Where the money went.
    pub channel: Channel,
    /// The agency that holds the money.
    pub agency: Option<String>,
    /// Principal, interest, fees, costs, when stated.
    pub components: Option<[Money; 4]>,
    /// The lender's note.
    pub note: Option<String>,
    /// The part beyond what was owed, as known when it was taken in.
    pub beyond_owed: Money,
}

/// What a recovery does to what is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The day it was received.
    pub received_on: NaiveDate,
    /// By how much it reduces what is owed; a reversal is negative.
    pub reduces: Money,
}

impl Recovery {
    /// What it does to what is owed.
    pub fn receipt(&self) -> Receipt {
        let reduces = if self.kind == Kind::Reversal { -self.amount } else { self.amount };
        Receipt { received_on: self.received_on, reduces }
    }

    /// The ledger account its money goes to (or comes from, for a reversal): `of_waiver` when it is a waiver or takes
    /// one back.
    pub fn money_account(&self, of_waiver: bool) -> String {
        match (of_waiver, self.channel, &self.agency) {
            (true, _, _) => chart::WAIVERS.to_string(),
            (false, Channel::Agency, Some(agency)) => chart::receivable(agency),
            (false, _, _) => chart::BANK.to_string(),
        }
    }

    /// Whether a row sent again says the same.
    pub fn same_content(&self, other: &Recovery) -> bool {
        let place =
            |one: &Recovery| Recovery { seq: 0, line: 0, beyond_owed: Money::ZERO, ..one.clone() };
        place(self) == place(other)
    }
}
