//! Conduct (合规): how agencies treat debtors – contact records, complaints, evaluations (rule 10.6).
//!
//! Contact records are facts and stay; what they violate is never stored: [`policy`] decides it from the records of
//! a day, so that it cannot depend on the order in which files arrive. [`contacts`] and [`complaints`] take files in, [`violation`]
//! works out what they violate, [`complaint`] records complaints and decisions, [`evaluation`] says whose
//! evaluation is due, and [`incidents()`] sums all of it for the scorecard.

pub mod case_list;
pub mod columns;
pub mod complaint;
pub mod complaint_store;
pub mod complaints;
pub mod contact_store;
pub mod contacts;
pub mod evaluation;
pub mod evaluation_store;
mod incidents;
pub mod policy;
pub mod violation;

use chrono::{NaiveDate, NaiveDateTime};

use crate::db::{fact, group};
use crate::kernel::money::AmountFault;
use crate::kernel::text::{begins_formula, undecorated};
use crate::kernel::{Money, enumeration};

pub use incidents::{Incidents, incidents};

enumeration! {
    /// By what a debtor was contacted.
    pub enum Channel ("channel of contact") {
        /// 电话
        Call = "call" | "电话" | "外呼" | "呼叫" | "phone",
        /// 短信
        Sms = "sms" | "短信" | "message",
        /// 信函
        Letter = "letter" | "信函" | "信件" | "函件",
        /// 外访
        Visit = "visit" | "外访" | "上门" | "走访",
        /// 其他
        Other = "other" | "其他" | "其它",
    }
}

enumeration! {
    /// What came of a contact.
    pub enum Outcome ("outcome of a contact") {
        /// 有效: somebody was reached.
        Effective = "effective" | "有效" | "接通" | "已接通" | "有效接通" | "answered",
        /// 未接: nobody was.
        Unanswered = "unanswered" | "未接" | "未接通" | "无人接听" | "no answer",
        /// 其他
        Other = "other" | "其他" | "其它",
    }
}

/// One contact with a debtor, as an agency records it (催收记录).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// In whose hands.
    pub agency: String,
    /// Unique per agency.
    pub reference: String,
    /// The act that took it in.
    pub seq: i64,
    /// The account.
    pub account_no: String,
    /// The person behind it, as known when the record came.
    pub debtor_ref: String,
    /// When, in the lender's time zone.
    pub at: NaiveDateTime,
    /// By what.
    pub channel: Channel,
    /// What came of it.
    pub outcome: Outcome,
    /// The keyed digest of the number, when there was one.
    pub number_digest: Option<String>,
}

impl Contact {
    /// The day it belongs to.
    pub fn day(&self) -> NaiveDate {
        self.at.date()
    }
}

enumeration! {
    /// How grave a complaint is.
    pub enum Severity ("severity") {
        /// 低
        Low = "low" | "低",
        /// 中
        Medium = "medium" | "中",
        /// 高
        High = "high" | "高",
    }
}

fact! {
    /// A complaint (投诉) as it was received.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Complaint in "complaint" key (reference) by seq {
        /// The case: unique per lender.
        reference: String,
        /// The act that recorded it.
        seq: i64,
        /// Whom it is about.
        agency: String,
        /// The account, when it is about one.
        account_no: Option<String>,
        /// The day it was received.
        received_on: NaiveDate,
        /// How grave.
        severity: Severity,
        /// What is complained of.
        description: String,
    }
}

group! {
    /// What was decided on a complaint.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Decision {
        /// Its number among the decisions of the case, from 1.
        decision_no: i64 [1..],
        /// The act that recorded it.
        seq: i64,
        /// Whether the complaint is justified.
        upheld: bool,
        /// The day of the decision.
        decided_on: NaiveDate,
        /// Why.
        reason: String,
        /// What the agency is to lose for it; recorded with the case, not yet on any statement.
        deduction: Option<Money> [1..],
        /// The decision it takes the place of.
        corrects: Option<i64> [1..],
    }
}

/// Why something about conduct is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConductError {
    /// The lender is unknown.
    #[error("there is no lender {0}; run `consign setup` with a parties file that has it")]
    NoLender(String),
    /// The assignee is unknown.
    #[error("{0} is no assignee of this lender")]
    NoAssignee(String),
    /// The account is unknown.
    #[error("account {0} is not known; import the portfolio that has it first")]
    NoAccount(String),
    /// Something is said to have happened on a day that has not come.
    #[error(
        "{0} lies after today, {1}; nothing was recorded. Correct the day, or give --allow-future when it is meant"
    )]
    Future(NaiveDate, NaiveDate),
    /// A case reference that a spreadsheet would run.
    #[error("the reference begins like a formula (=, +, -, @); give the case another one")]
    Formula,
    /// The case number is used already.
    #[error("case {0} is known with other content; give the complaint another reference")]
    CaseKnown(String),
    /// There is no such case.
    #[error("there is no case {0} of this lender")]
    NoCase(String),
    /// The case was decided before.
    #[error(
        "case {case} was decided on {on} (decision {decision_no}, {outcome}); to correct it, name the decision: --corrects {decision_no}"
    )]
    Decided {
        /// The case.
        case: String,
        /// When.
        on: NaiveDate,
        /// The newest decision.
        decision_no: i64,
        /// Upheld or not.
        outcome: &'static str,
    },
    /// A correction names a decision that is not the newest one.
    #[error("case {case} has no decision {named} to correct; its newest decision is {newest}")]
    Corrects {
        /// The case.
        case: String,
        /// As named.
        named: i64,
        /// The newest; 0 when there is none.
        newest: i64,
    },
    /// A decision before its complaint.
    #[error("the decision of {0} lies before the complaint, which was received on {1}")]
    TooEarly(NaiveDate, NaiveDate),
    /// A deduction without an upheld complaint, or none that is one.
    #[error("a deduction needs an upheld complaint and a positive amount; it is {0}")]
    Deduction(String),
    /// A deduction that is no amount of the book's currency.
    #[error("the deduction {0} {1}")]
    DeductionAmount(String, AmountFault),
    /// A text is missing or too long.
    #[error("the {0} must be 1 to {1} printable characters")]
    Words(&'static str, usize),
    /// The result of an evaluation is out of range.
    #[error("the result {0} is outside 0 to 100")]
    Result(i64),
    /// A span of days that runs backwards.
    #[error("the days run backwards: from {0} to {1}")]
    Span(NaiveDate, NaiveDate),
    /// An expiry could not be recorded.
    #[error(transparent)]
    Placement(#[from] crate::placement::PlacementError),
    /// A contract cannot be read.
    #[error(transparent)]
    Contract(#[from] crate::contract::ContractError),
    /// The database failed.
    #[error("{}", crate::db::told(.0))]
    Db(#[from] diesel::result::Error),
}

/// Refuses a day after today for what is said to have happened.
fn not_after(day: NaiveDate, today: NaiveDate) -> Result<(), ConductError> {
    if day > today { Err(ConductError::Future(day, today)) } else { Ok(()) }
}

/// A case reference that people type: one line, trimmed.
fn case_reference(text: &str) -> Result<String, ConductError> {
    let reference = words("reference", text, 100)?;
    if begins_formula(undecorated(&reference)) {
        Err(ConductError::Formula)
    } else if reference.chars().any(char::is_control) {
        Err(ConductError::Words("reference", 100))
    } else {
        Ok(reference)
    }
}

/// A text that people type: trimmed, printable (line breaks included), not empty, not endless.
fn words(what: &'static str, text: &str, most: usize) -> Result<String, ConductError> {
    let text = text.trim();
    let printable = text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'));
    let fits = (1..=most).contains(&text.chars().count());
    if printable && fits { Ok(text.to_string()) } else { Err(ConductError::Words(what, most)) }
}
