//! The contract (委托协议) between a lender and an agency: what is earned, when, and how it is paid.
//!
//! A contract file becomes typed [`Terms`] once, at publishing ([`publish`]); every later reader gets the same
//! terms from the stored text. Versions are immutable: a change is a new version (rule 6.10).

pub mod condition;
pub mod factor;
mod parse;
pub mod publish;
mod reach;
pub mod store;
pub mod version;

use chrono::NaiveDate;

use crate::kernel::document::DocumentFault;
use crate::kernel::{Money, Rate, Rounding, enumeration};
use condition::Conditions;

pub use parse::{parse, parse_published};
pub use version::{Version, Versions};

/// Everything a contract version says.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The contract's code.
    pub code: String,
    /// The assignee's code.
    pub agency: String,
    /// First day in force.
    pub effective_from: NaiveDate,
    /// Last day in force.
    pub effective_to: Option<NaiveDate>,
    /// Days a placement lasts.
    pub term_days: i64,
    /// Days after `placed_on` whose payments earn nothing; 0 means none.
    pub grace_days: i64,
    /// Days after the end of a placement whose payments still belong to it.
    pub tail_days: i64,
    /// Days an agency may object to a recall.
    pub objection_days: i64,
    /// Who keeps the money meanwhile.
    pub remittance: Remittance,
    /// What becomes of a negative total.
    pub credit: Credit,
    /// How halves are rounded.
    pub rounding: Rounding,
    /// Where they are rounded.
    pub rounded_at: RoundedAt,
    /// Tax on the commission.
    pub vat: Rate,
    /// Whether prices include the tax.
    pub vat_inclusive: bool,
    /// The version this one corrects.
    pub corrects: Option<i64>,
    /// Least total of a statement before tax.
    pub minimum: Option<Money>,
    /// Greatest total of a statement before tax.
    pub maximum: Option<Money>,
    /// The fee rules, first match wins.
    pub fees: Vec<FeeRule>,
    /// Fixed charges.
    pub charges: Vec<Charge>,
    /// What performance does to the commission of a statement.
    pub performance: Option<factor::PerformanceFactor>,
}

enumeration! {
    /// Remittance (回款划付): who hands over what.
    pub enum Remittance ("way of remittance") {
        /// The agency hands over all it collected; the lender pays the statement.
        Gross = "gross",
        /// The agency keeps the statement's total.
        Net = "net",
    }
}

enumeration! {
    /// What becomes of a total below zero.
    pub enum Credit ("use of a credit") {
        /// It reduces the next statement.
        CarryForward = "carry_forward",
        /// The agency pays it.
        DueFromAgency = "due_from_agency",
    }
}

enumeration! {
    /// Whether a contract's rates and amounts contain tax.
    pub enum Prices ("way of stating prices") {
        /// Tax comes on top.
        Exclusive = "exclusive",
        /// Tax is inside.
        Inclusive = "inclusive",
    }
}

enumeration! {
    /// Where a fee is rounded.
    pub enum RoundedAt ("place of rounding") {
        /// Each line by itself.
        Line = "line",
        /// The group's running sum.
        Subtotal = "subtotal",
    }
}

/// One fee rule (费率规则).
#[derive(Clone, Debug)]
pub struct FeeRule {
    /// Its name on statements.
    pub name: String,
    /// The frozen facts it asks for.
    pub when: Conditions,
    /// What it pays.
    pub price: Price,
    /// The components that earn; none means the whole amount.
    pub base: Option<Vec<Component>>,
}

/// What a fee rule pays.
#[derive(Clone, Debug)]
pub enum Price {
    /// One rate.
    Flat(Rate),
    /// One rate, each payment priced by itself between bounds.
    PerPayment {
        /// The rate.
        rate: Rate,
        /// Least fee of a payment, never more than the payment.
        min: Option<Money>,
        /// Greatest fee of a payment.
        max: Option<Money>,
    },
    /// Rates by how much was recovered.
    Tiers(Tiers),
}

/// Tiers (阶梯费率).
#[derive(Clone, Debug)]
pub struct Tiers {
    /// What is compared with the bounds.
    pub measure: Measure,
    /// What is summed.
    pub over: Over,
    /// Whether each slice has its own rate or the reached step prices everything.
    pub apply: Apply,
    /// The steps, bounds rising, the last without a bound.
    pub steps: Vec<Step>,
}

enumeration! {
    /// What tiers compare with their bounds.
    pub enum Measure ("measure of tiers") {
        /// The amount recovered.
        Recovered = "recovered",
        /// The amount recovered ÷ the balance placed.
        RecoveryRate = "recovery_rate",
    }
}

enumeration! {
    /// What tiers sum over.
    pub enum Over ("span of tiers") {
        /// The month in which a payment was received.
        Month = "month",
        /// The placement batch, for life.
        Batch = "batch",
    }
}

enumeration! {
    /// How tiers apply.
    pub enum Apply ("application of tiers") {
        /// 差额累进: each slice at its own rate.
        Marginal = "marginal",
        /// 全额套档: the reached step's rate on everything.
        Whole = "whole",
    }
}

/// One step of a tier.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Its upper bound; the last step has none.
    pub bound: Option<Bound>,
    /// Its rate.
    pub rate: Rate,
}

/// The upper bound of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Where it lies.
    pub at: Limit,
    /// `up_to` includes the bound, `below` does not.
    pub inclusive: bool,
}

/// Where a bound lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// At an amount.
    Amount(Money),
    /// At a share of the balance placed.
    Share(Rate),
}

enumeration! {
    /// A component of a payment.
    pub enum Component ("component of a payment") {
        /// 本金
        Principal = "principal",
        /// 利息
        Interest = "interest",
        /// 费用
        Fees = "fees",
        /// 诉讼等成本
        Costs = "costs",
    }
}

/// A fixed charge (定额收费).
#[derive(Clone, Debug)]
pub struct Charge {
    /// Its name on statements.
    pub name: String,
    /// What it is charged for.
    pub per: Per,
    /// The amount of one.
    pub amount: Money,
}

enumeration! {
    /// What a charge is counted by.
    pub enum Per ("measure of a charge") {
        /// Once per account placed.
        AccountPlaced = "account_placed",
        /// Once per month in force.
        Month = "month",
    }
}

/// Why a contract is refused or not found.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    /// The file says something it may not.
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
    /// A placement was made under a version that is not there.
    #[error(
        "the book has no version {version} of a contract with {agency}, which placement {placement_no} was made under; run `consign verify`"
    )]
    NoVersion {
        /// The placement.
        placement_no: i64,
        /// The agency.
        agency: String,
        /// The version.
        version: i64,
    },
    /// The database failed.
    #[error("{}", crate::db::told(.0))]
    Db(#[from] diesel::result::Error),
}
