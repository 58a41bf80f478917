//! Settlement (结算): the month closed into statements (rules 6 and 8).
//!
//! [`build`] makes the statements of a month from what the contracts entitle now and what earlier statements
//! settled; it is pure. [`close`] saves and posts them; [`render`] writes them for people and programs.

pub mod build;
pub mod close;
pub mod explain;
pub mod render;
pub mod store;

use chrono::NaiveDate;

use crate::kernel::{Money, Month, Rate};

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LineKind {
    /// 佣金: a recovery settled for the first time.
    Commission,
    /// 调整: the change in what earlier lines of a group earn.
    TrueUp,
    /// 定额收费
    Charge,
    /// 奖惩
    Performance,
    /// 保底
    Minimum,
    /// 封顶
    Maximum,
    /// 扣款
    Deduction,
    /// 手工调整
    Adjustment,
}

const KINDS: [(&str, LineKind); 8] = [
    ("commission", LineKind::Commission),
    ("true_up", LineKind::TrueUp),
    ("charge", LineKind::Charge),
    ("performance", LineKind::Performance),
    ("minimum", LineKind::Minimum),
    ("maximum", LineKind::Maximum),
    ("deduction", LineKind::Deduction),
    ("adjustment", LineKind::Adjustment),
];

impl LineKind {
    /// As it is stored and written.
    pub fn name(self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// Reads a stored kind.
    pub fn parse(text: &str) -> Option<LineKind> {
        KINDS.iter().find(|(name, _)| *name == text).map(|(_, kind)| *kind)
    }
}

/// One line of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// From 1.
    pub line_no: i64,
    /// What it is.
    pub kind: LineKind,
    /// The fee rule or charge.
    pub fee_rule: Option<String>,
    /// The batch.
    pub batch: Option<String>,
    /// The recovery.
    pub reference: Option<String>,
    /// Its account.
    pub account_no: Option<String>,
    /// The day it was received.
    pub received_on: Option<NaiveDate>,
    /// Its amount.
    pub amount: Option<Money>,
    /// The rate, when one rate prices the line.
    pub rate: Option<Rate>,
    /// What it adds to the statement.
    pub fee: Money,
    /// What there is to say.
    pub note: Option<String>,
    /// The fee group it settles.
    pub fee_group: Option<String>,
}

/// A statement (结算单): what one agency earned from one lender in one month, and what is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its number, without gaps per lender.
    pub statement_no: String,
    /// The lender.
    pub lender: String,
    /// The agency.
    pub agency: String,
    /// The month.
    pub month: Month,
    /// The contract and version whose terms it follows, when one ever was in force.
    pub terms: Option<(String, i64)>,
    /// The figures.
    pub figures: Figures,
    /// The lines.
    pub lines: Vec<Line>,
}

/// The figures of a statement, each signed as it adds to the sum on which tax is worked out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// The agency's Payable − Receivable before.
    pub opening: Money,
    /// Σ commission lines.
    pub commission: Money,
    /// Σ true-up lines.
    pub true_up: Money,
    /// Σ charges.
    pub charges: Money,
    /// The performance line.
    pub performance: Money,
    /// The top-up.
    pub minimum: Money,
    /// The cut, ≤ 0.
    pub maximum: Money,
    /// Σ deductions.
    pub deductions: Money,
    /// Σ manual adjustments.
    pub adjustments: Money,
    /// Without tax.
    pub net: Money,
    /// Tax.
    pub vat: Money,
    /// With tax.
    pub total: Money,
    /// Money in the agency's hands on no earlier statement.
    pub collected_by_agency: Money,
    /// What the lender pays.
    pub payable_to_agency: Money,
    /// What the agency pays.
    pub due_from_agency: Money,
    /// A credit that reduces the next statement, ≤ 0.
    pub carried_forward: Money,
    /// What net remittance sets off.
    pub set_off: Money,
    /// Remitted by the agency − paid to it.
    pub payments: Money,
    /// The agency's Payable − Receivable after.
    pub closing: Money,
}

/// Why a month is not closed or a statement not found.
#[derive(Debug, thiserror::Error)]
pub enum SettlementError {
    /// Months close in order.
    #[error("{0} cannot be closed before {1}; months close in order")]
    NotNext(Month, Month),
    /// A month is closed when it is over.
    #[error(
        "{0} is not over: today is {1}; nothing was changed. Close it later, preview it with --preview, or give --allow-future when it is meant"
    )]
    NotOver(Month, NaiveDate),
    /// The lender is unknown.
    #[error("there is no lender {0}; run `consign setup` with a parties file that has it")]
    NoLender(String),
    /// No such statement.
    #[error(
        "there is no statement of {agency} for {month}; close the month first, or check the agency's code"
    )]
    NoStatement {
        /// The agency asked for.
        agency: String,
        /// The month.
        month: String,
    },
    /// No such statement number.
    #[error("there is no statement {0}")]
    NoStatementNo(String),
    /// No such line.
    #[error("statement {0} has no line {1}")]
    NoLine(String, i64),
    /// A contract cannot be read.
    #[error(transparent)]
    Contract(#[from] crate::contract::ContractError),
    /// Expiries cannot be recorded.
    #[error(transparent)]
    Placement(#[from] crate::placement::PlacementError),
    /// A document cannot be drawn.
    #[error("the statement cannot be drawn: {0}")]
    Draw(String),
    /// The database failed.
    #[error("{}", crate::db::told(.0))]
    Db(#[from] diesel::result::Error),
}
