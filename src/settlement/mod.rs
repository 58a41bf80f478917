//! Settlement (结算): the month closed into statements (rules 6 and 8).
//!
//! [`build`] makes the statements of a month from what the contracts entitle now and what earlier statements
//! settled; it is pure. [`close`] saves and posts them; [`render`] writes them for people and programs.

pub mod build;
pub mod card;
pub mod close;
pub mod correction;
mod earlier;
pub mod explain;
mod explain_context;
pub mod explain_month;
pub mod lines;
pub mod month;
pub mod note;
pub mod priced;
pub mod recoveries;
pub mod render;
pub mod replay;
pub mod store;

use std::ops::Deref;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use note::Note;

use crate::commission::FeeGroup;
use crate::db::{Field as _, columns_of, fact, group};
use crate::kernel::{Money, Month, Rate, enumeration};

enumeration! {
    /// What a line is.
    pub enum LineKind ("kind of statement line") {
        /// 佣金: a recovery settled for the first time.
        Commission = "commission",
        /// 调整: the change in what earlier lines of a group earn.
        TrueUp = "true_up",
        /// 定额收费
        Charge = "charge",
        /// 奖惩
        Performance = "performance",
        /// 保底
        Minimum = "minimum",
        /// 封顶
        Maximum = "maximum",
        /// 扣款
        Deduction = "deduction",
        /// 手工调整
        Adjustment = "adjustment",
    }
}

fact! {
    /// One line of a statement.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Line in "statement_line" key (statement_no, line_no) by seq {
        /// The statement.
        statement_no: String,
        /// From 1.
        line_no: i64 [1..],
        /// The act that issued the statement.
        seq: i64,
        /// What it is.
        kind: LineKind,
        /// The fee rule or charge.
        fee_rule: Option<String>,
        /// The batch.
        batch: Option<String>,
        /// The recovery.
        reference: Option<String>,
        /// Its account.
        account_no: Option<String>,
        /// The day it was received.
        received_on: Option<NaiveDate>,
        /// Its amount.
        amount: Option<Money>,
        /// The rate, when one rate prices the line.
        rate: Option<Rate>,
        /// What it adds to the statement.
        fee: Money,
        /// What there is to say.
        note: Option<Note>,
        /// The fee group it settles.
        fee_group: Option<FeeGroup>,
    }
    later {
        /// The month of receipt whose factor, minimum or maximum it settles.
        of_month: Option<Month>,
    }
}

/// A statement (结算单): what one agency earned from one lender in one month, and what is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The lender.
    pub lender: String,
    /// What stands at its head and foot.
    pub head: Head,
    /// The lines.
    pub lines: Vec<Line>,
}

impl Deref for Statement {
    type Target = Head;
    fn deref(&self) -> &Head {
        &self.head
    }
}

fact! {
    /// A statement without its lines.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Head in "statement" key (statement_no) by seq {
        /// Its number, without gaps per lender and unique in the installation.
        statement_no: String,
        /// The act that issued it.
        seq: i64,
        /// The agency.
        agency: String,
        /// The month.
        month: Month,
        /// The contract whose terms it follows, when one ever was in force.
        contract: Option<String>,
        /// And its version.
        contract_version: Option<i64> [1..],
        /// The figures.
        figures: Figures,
    }
}

impl Head {
    /// The contract and version whose terms it follows, when one ever was in force.
    pub fn terms(&self) -> Option<(&str, i64)> {
        self.contract.as_deref().zip(self.contract_version)
    }
}

group! {
    /// The figures of a statement, each signed as it adds to the sum on which tax is worked out.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Figures {
        /// The agency's Payable − Receivable before.
        opening: Money,
        /// Σ commission lines.
        commission: Money,
        /// Σ true-up lines.
        true_up: Money,
        /// Σ charges.
        charges: Money,
        /// Σ performance lines, of either sign.
        performance: Money,
        /// Σ top-ups; below zero when an earlier month's is used up by late money.
        minimum: Money,
        /// Σ cuts; above zero when an earlier month's is given back.
        maximum: Money,
        /// Σ deductions.
        deductions: Money,
        /// Σ manual adjustments.
        adjustments: Money,
        /// Without tax.
        net: Money,
        /// Tax.
        vat: Money,
        /// With tax.
        total: Money,
        /// Money in the agency's hands on no earlier statement.
        collected_by_agency: Money,
        /// What the lender pays.
        payable_to_agency: Money [0..],
        /// What the agency pays.
        due_from_agency: Money [0..],
        /// A credit that reduces the next statement, ≤ 0.
        carried_forward: Money,
        /// What is set off between Payable and Receivable; below zero the other way round.
        set_off: Money,
        /// Remitted by the agency − paid to it.
        payments: Money,
        /// The agency's Payable − Receivable after.
        closing: Money,
    }
}

impl Figures {
    /// The figures with their names, in the order in which they are stored.
    pub fn named(&self) -> Vec<(&'static str, Money)> {
        let names = columns_of::<Figures>().into_iter().map(|column| column.name);
        let mut cells = Vec::new();
        self.cells(&mut cells);
        names.zip(cells).filter_map(|(name, cell)| Some((name, Money(cell.int()?)))).collect()
    }
}

fact! {
    /// A closed month.
    #[derive(Clone, Debug)]
    pub struct Period in "period" key (month) by seq {
        /// The month.
        month: Month,
        /// The act that closed it.
        seq: i64,
        /// The last number of the book it knew.
        known_seq: i64 [0..],
        /// Statements issued.
        statements: i64 [0..],
    }
    later {
        /// What factor, minimum and maximum looked at; absent where it was the statement.
        settles: Option<Settles>,
    }
}

enumeration! {
    /// What factor, minimum and maximum of a closed month look at (rule 6.16).
    pub enum Settles ("law of a month") {
        /// All that the month's money earns, whichever statement settles it. Months closed before this rule have none:
        /// their three figures look at the lines of their statement, and nothing later opens them.
        MonthOfReceipt = "month_of_receipt",
    }
}

group! {
    /// Where an agency stands on the scorecard of a month's last day.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Graded {
        /// Its rank.
        rank: i64 [1..],
        /// Of so many.
        peers: i64 [1..],
        /// Its judged placements.
        judged: i64 [0..],
        /// Its shrunk index.
        shrunk_index: Decimal,
    }
}

fact! {
    /// What a closing found of an agency whose contract pays for performance, and kept: the month's factor is read from it
    /// for ever.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Grade in "grade" key (month, agency) by seq {
        /// The month.
        month: Month,
        /// The agency.
        agency: String,
        /// The act that closed the month.
        seq: i64,
        /// Where it stood.
        graded: Graded,
    }
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
    /// A figure is beyond what a book keeps.
    #[error("the statement of {agency} for {month}: {what} {range}; nothing was changed")]
    Range {
        /// The agency.
        agency: String,
        /// The month.
        month: Month,
        /// Which figure.
        what: String,
        /// What it comes to.
        range: crate::kernel::MoneyRange,
    },
    /// Lines were settled under a version that is not there.
    #[error(
        "statements of {agency} settled version {version} of contract {contract}, which the book does not have; run `consign verify`"
    )]
    NoVersion {
        /// The agency.
        agency: String,
        /// The contract.
        contract: String,
        /// Its version.
        version: i64,
    },
    /// A contract cannot be read.
    #[error(transparent)]
    Contract(#[from] crate::contract::ContractError),
    /// Expiries cannot be recorded.
    #[error(transparent)]
    Placement(#[from] crate::placement::PlacementError),
    /// A document cannot be drawn.
    #[error("the statement cannot be drawn: {0}")]
    Draw(String),
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

/// A line that says nothing but its kind and what it adds.
fn blank(kind: LineKind, fee: Money) -> Line {
    Line {
        statement_no: String::new(),
        line_no: 0,
        seq: 0,
        kind,
        fee_rule: None,
        batch: None,
        reference: None,
        account_no: None,
        received_on: None,
        amount: None,
        rate: None,
        fee,
        note: None,
        fee_group: None,
        of_month: None,
    }
}
