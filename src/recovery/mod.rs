//! Recoveries (回款): payments, reversals (冲正) and waivers (减免).
//!
//! A recovery is a fact and stays. Which placement it belongs to is never stored: [`attribution`] decides it
//! from the windows of the account's placements, so that it cannot depend on the order in which facts arrive.

pub mod attribution;
pub mod columns;
pub mod import;
pub mod store;

use chrono::NaiveDate;

use crate::db::{Cell, Column as _, Field, Member, Shape, Unfit, fact};
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

fact! {
    /// One recovery. Amounts are positive whatever the kind.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Recovery in "recovery" key (reference) by seq {
        /// Unique per lender.
        reference: String,
        /// The act that took it in.
        seq: i64,
        /// Its line in the file.
        line: i64 [0..],
        /// The account.
        account_no: String,
        /// The day it was received.
        received_on: NaiveDate,
        /// What it is.
        kind: Kind,
        /// How much.
        amount: Money [1..],
        /// The recovery a reversal takes back.
        reverses: Option<String>,
        /// Where the money went.
        channel: Channel,
        /// The agency that holds the money.
        agency: Option<String>,
        /// Principal, interest, fees, costs, when stated.
        components: Option<[Money; 4]>,
        /// The lender's note.
        note: Option<String>,
        /// The part beyond what was owed, as known when it was taken in.
        beyond_owed: Money [0..],
    }
}

/// Principal, interest, fees and costs stand in a column each: all of them, or none.
impl Field for Option<[Money; 4]> {
    const SHAPE: Shape = Shape::Group(&[
        Member::optional_amount("principal"),
        Member::optional_amount("interest"),
        Member::optional_amount("fees"),
        Member::optional_amount("costs"),
    ]);

    fn cells<'a>(&'a self, into: &mut Vec<Cell<'a>>) {
        match self {
            Some(parts) => into.extend(parts.iter().map(|part| part.cell())),
            None => into.extend([Cell::Null, Cell::Null, Cell::Null, Cell::Null]),
        }
    }

    fn read<'a>(
        row: &impl diesel::row::NamedRow<'a, crate::db::Backend>,
        _: &'static str,
        _: Option<i64>,
    ) -> Result<Self, Unfit> {
        let part = |name| <Option<Money> as Field>::read(row, name, Some(0));
        match (part("principal")?, part("interest")?, part("fees")?, part("costs")?) {
            (Some(principal), Some(interest), Some(fees), Some(costs)) => {
                Ok(Some([principal, interest, fees, costs]))
            }
            (None, None, None, None) => Ok(None),
            _ => Err(Unfit {
                column: "principal",
                why: "is stated without interest, fees and costs, or they without it".to_string(),
            }),
        }
    }
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
