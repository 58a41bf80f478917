//! A placement (委案): an account in the hands of one assignee, from `placed_on` until it closes (rules 3).
//!
//! Its facts are frozen when it starts ([`open`]); closing is written once ([`close`], [`expire`]) and moves what is owed back
//! to the house. In between, [`life`] says what is pending and [`transition`] what may come next; [`preview`] answers that for
//! many accounts, [`step`] writes it. [`window`] says which days' payments belong to it.

pub mod close;
pub mod expire;
pub mod life;
pub mod open;
pub mod preview;
pub mod recall;
pub mod refusal;
pub mod step;
pub mod step_store;
pub mod store;
pub mod transition;
pub mod window;

use chrono::NaiveDate;

use crate::contract::condition::Facts;
use crate::db::row;
use crate::kernel::{Money, enumeration};
use crate::party::Lang;

pub use life::{Life, Outcome, Step, StepKind};
pub use refusal::Refusal;
pub use transition::{Action, Instruction};
pub use window::{Window, windows};

row! {
    /// Whose hands an account is in, and from when to when: what windows and balances are decided from.
    #[derive(Clone, Debug)]
    pub struct Span in "placement" key (placement_no) {
        /// Its number in the book, in order of placing.
        placement_no: i64 [1..],
        /// The account.
        account_no: String,
        /// In whose hands.
        assignee: String,
        /// First day.
        placed_on: NaiveDate,
        /// Last day, unless it closes before; where approved retentions have moved it.
        expires_on: NaiveDate,
        /// Days after its end whose payments still belong to it.
        tail_days: i64 [0..],
        /// Its last day, once closed.
        closed_on: Option<NaiveDate>,
        /// Why it closed.
        close_reason: Option<CloseReason>,
        /// The day a recall that was asked for becomes final by itself.
        recall_final_on: Option<NaiveDate>,
    }
}

/// A placement: its span and the facts frozen when it started.
#[derive(Clone, Debug)]
pub struct Placement {
    /// Whose hands, from when to when.
    pub span: Span,
    /// The act that placed it.
    pub seq: i64,
    /// The batch it was placed with.
    pub batch: String,
    /// The facts fees are keyed on.
    pub facts: Facts,
    /// The contract it was placed under.
    pub contract: String,
    /// And its version.
    pub contract_version: i64,
    /// The act that closed it.
    pub closed_seq: Option<i64>,
    /// The word given with a recall.
    pub close_code: Option<String>,
    /// Its last day before any retention.
    pub first_expires_on: NaiveDate,
    /// Its steps, in the order of their acts.
    pub steps: Vec<Step>,
}

/// A placement is a span with more to say.
impl std::ops::Deref for Placement {
    type Target = Span;
    fn deref(&self) -> &Span {
        &self.span
    }
}

impl AsRef<Span> for Placement {
    fn as_ref(&self) -> &Span {
        &self.span
    }
}

impl AsRef<Span> for Span {
    fn as_ref(&self) -> &Span {
        self
    }
}

impl Span {
    /// The day on which it is over by itself: run out, or its recall final before that.
    pub fn ends_on(&self) -> NaiveDate {
        self.recall_final_on.map_or(self.expires_on, |day| day.min(self.expires_on))
    }

    /// Whether the account is in these hands on a day, as far as is recorded.
    pub fn holds_on(&self, day: NaiveDate) -> bool {
        self.closed_on.is_none() && self.placed_on <= day && day <= self.ends_on()
    }

    /// The last day the account was in these hands: closed, or over by itself.
    pub fn last_day(&self) -> NaiveDate {
        self.closed_on.map_or(self.ends_on(), |closed| closed.min(self.expires_on))
    }
}

enumeration! {
    /// Why a placement closed.
    pub enum CloseReason ("reason of closing") {
        /// 撤案
        Recalled = "recalled",
        /// 退案
        Returned = "returned",
        /// 到期
        Expired = "expired",
        /// 结清
        Paid = "paid",
        /// 转让
        Transferred = "transferred",
    }
}

impl CloseReason {
    /// In words.
    pub fn word(self, t: Lang) -> &'static str {
        match self {
            CloseReason::Recalled => t.closed_recalled(),
            CloseReason::Returned => t.closed_returned(),
            CloseReason::Expired => t.closed_expired(),
            CloseReason::Paid => t.closed_paid(),
            CloseReason::Transferred => t.closed_transferred(),
        }
    }
}

impl Placement {
    /// Where it stands.
    pub fn life(&self) -> Life {
        Life::after(&self.steps)
    }

    /// The placement as it was known when the book stood at `seq`: later steps and closings are not yet known.
    pub fn known_at(&self, seq: i64) -> Placement {
        let mut known = self.clone();
        known.steps.retain(|step| step.seq <= seq);
        let life = known.life();
        known.span.expires_on = life.retained_to.unwrap_or(self.first_expires_on);
        known.span.recall_final_on = life.recall_final_on();
        if self.closed_seq.is_some_and(|closed| closed > seq) {
            known.closed_seq = None;
            known.span.closed_on = None;
            known.span.close_reason = None;
            known.close_code = None;
        }
        known
    }

    /// The balance frozen at placing.
    pub fn balance(&self) -> Money {
        self.facts.balance
    }
}

/// Why a placement command is refused.
#[derive(Debug, thiserror::Error)]
pub enum PlacementError {
    /// The day lies in a closed month.
    #[error(transparent)]
    ClosedMonth(#[from] crate::audit::ClosedMonth),
    /// The lender is unknown.
    #[error("there is no lender {0}; run `consign setup` with a parties file that has it")]
    NoLender(String),
    /// The assignee is unknown.
    #[error("{0} is no assignee of this lender")]
    NoAssignee(String),
    /// A step of one account is refused.
    #[error("account {0} {1}; nothing was changed")]
    Refused(String, Refusal),
    /// The reason is empty or too long.
    #[error(transparent)]
    ReasonText(#[from] crate::kernel::text::ReasonLength),
    /// A contract cannot be read.
    #[error(transparent)]
    Contract(#[from] crate::contract::ContractError),
    /// The reason is no short word.
    #[error("the reason \"{0}\" must be a short word of letters, digits, hyphens or underscores")]
    Reason(String),
    /// The file of accounts cannot be used.
    #[error(transparent)]
    Sheet(#[from] crate::sheet::SheetError),
    /// The ledger does not take it.
    #[error(transparent)]
    Ledger(#[from] crate::ledger::LedgerError),
    /// The database failed.
    #[error("{}", crate::db::told(.0))]
    Db(#[from] diesel::result::Error),
}
