//! Who takes part: lenders (委托方), their assignees (受托方) and the people of both.

pub mod contact_policy;
mod parse;
pub mod record;
pub mod setup;
pub mod store;

use chrono::NaiveDate;

use crate::kernel::Currency;
use crate::kernel::calendar::Today;
use crate::kernel::document::DocumentFault;

pub use contact_policy::ContactPolicy;
pub use parse::{Parties, Said, parse};

/// A lender: owns the debts, has one book in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lender {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// The book's currency.
    pub currency: Currency,
    /// Its time zone (IANA name).
    pub timezone: String,
    /// The language of its documents.
    pub language: Lang,
    /// How days past due fall into buckets.
    pub buckets: Buckets,
    /// What its assignees may do when they contact a debtor.
    pub contact_policy: ContactPolicy,
}

impl Lender {
    /// What day it is where the lender is.
    pub fn today(&self, today: Today) -> NaiveDate {
        today.in_zone(self.timezone.parse().unwrap_or(chrono_tz::UTC))
    }
}

/// The two languages of pages and documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    /// Chinese.
    Zh,
    /// English.
    En,
}

impl Lang {
    /// The language's code, as it is stored and as pages declare it.
    pub fn code(self) -> &'static str {
        match self {
            Lang::Zh => "zh",
            Lang::En => "en",
        }
    }

    /// Reads a code; anything but `zh` is English.
    pub fn of(code: &str) -> Lang {
        if code.starts_with("zh") { Lang::Zh } else { Lang::En }
    }
}

/// Buckets (账龄): names with the first day past due of each, rising from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buckets(pub Vec<(String, i64)>);

impl Default for Buckets {
    fn default() -> Buckets {
        let bounds = [
            ("M0", 0),
            ("M1", 1),
            ("M2", 31),
            ("M3", 61),
            ("M4", 91),
            ("M5", 121),
            ("M6", 151),
            ("M7+", 181),
        ];
        Buckets(bounds.into_iter().map(|(name, from)| (name.to_string(), from)).collect())
    }
}

impl Buckets {
    /// The bucket of some days past due.
    pub fn of(&self, days_past_due: i64) -> &str {
        self.0
            .iter()
            .rev()
            .find(|(_, from)| days_past_due >= *from)
            .map_or("M0", |(name, _)| name.as_str())
    }

    /// First and last day of a bucket.
    pub fn range(&self, name: &str) -> Option<(i64, i64)> {
        let i = self.0.iter().position(|(known, _)| known == name)?;
        let last = self.0.get(i + 1).map_or(i64::MAX, |(_, next)| next - 1);
        Some((self.0[i].1, last))
    }

    /// All names, for messages.
    pub fn names(&self) -> String {
        self.0.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// Agency or internal team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssigneeKind {
    /// 委外机构: a third party.
    Agency,
    /// 内催团队: belongs to the lender.
    Team,
}

/// Whether an assignee takes new accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It does.
    Active,
    /// Not for now.
    Suspended,
    /// Never again.
    Exited,
}

/// An assignee of a lender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignee {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Agency or team.
    pub kind: AssigneeKind,
    /// Accounts it may hold at once; none means unlimited.
    pub capacity: Option<i64>,
    /// Regions it works in; none means all.
    pub regions: Option<Vec<String>>,
    /// Products it works on; none means all.
    pub products: Option<Vec<String>>,
    /// Whether it takes accounts.
    pub status: Status,
    /// When its licence expires, when one is required.
    pub licence_expires_on: Option<NaiveDate>,
    /// When it was last evaluated, when evaluation is required.
    pub evaluated_on: Option<NaiveDate>,
}

/// Why a parties file is refused.
#[derive(Debug, thiserror::Error)]
pub enum PartyError {
    /// The file says something it may not.
    #[error("{file}, {fault}; nothing was changed")]
    File {
        /// The file's name.
        file: String,
        /// The line and what to do.
        fault: DocumentFault,
    },
    /// A lender's currency or time zone cannot change once its book has entries.
    #[error("lender {0} already has a book in {1}; a book keeps its currency; nothing was changed")]
    CurrencyFixed(String, String),
    /// A password could not be hashed.
    #[error("a password could not be stored: {0}")]
    Password(String),
    /// The database failed.
    #[error("{}", crate::db::told(.0))]
    Db(#[from] diesel::result::Error),
}
