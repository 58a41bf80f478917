//! Who takes part: lenders (委托方), their assignees (受托方) and the people of both.

pub mod contact_policy;
mod parse;
pub mod record;
mod said;
pub mod setup;
pub mod store;

use std::borrow::Cow;

use chrono::NaiveDate;
use chrono_tz::Tz;

use crate::db::{group, row};
use crate::kernel::calendar::{Minute, Today};
use crate::kernel::document::DocumentFault;
use crate::kernel::{Currency, Spelled, enumeration};

pub use crate::kernel::Lang;
pub use parse::{Parties, parse};
pub use said::Said;

group! {
    /// A contact policy (催收行为规范): hours without contact, and how often on a day.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct ContactPolicy {
        /// From this time of day on nobody is contacted.
        quiet_from: Minute,
        /// Until this time of day, which is free again; the same as `quiet_from` means no quiet hours.
        quiet_until: Minute,
        /// Effective calls to one debtor on one day, by whomever.
        effective_calls: i64 [0..],
        /// Unanswered calls to one number on one day, by whomever.
        unanswered: i64 [0..],
    }
}

/// A lender: owns the debts, has one book in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lender {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// The book's currency.
    pub currency: Currency,
    /// Its time zone.
    pub timezone: Tz,
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
        today.in_zone(self.timezone)
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

impl Spelled for Buckets {
    const WHAT: &'static str = "list of buckets";

    fn spelling(&self) -> Cow<'_, str> {
        Cow::Owned(serde_json::json!(self.0).to_string())
    }

    fn from_spelling(text: String) -> Result<Buckets, String> {
        let rises = |bounds: &[(String, i64)]| bounds.windows(2).all(|pair| pair[0].1 < pair[1].1);
        match serde_json::from_str::<Vec<(String, i64)>>(&text) {
            Ok(bounds) if bounds.first().is_some_and(|(_, from)| *from == 0) && rises(&bounds) => {
                Ok(Buckets(bounds))
            }
            _ => Err(text),
        }
    }
}

/// Names that limit an assignee's work, as a list of texts.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Names(pub Vec<String>);

impl Spelled for Names {
    const WHAT: &'static str = "list of names";

    fn spelling(&self) -> Cow<'_, str> {
        Cow::Owned(serde_json::json!(self.0).to_string())
    }

    fn from_spelling(text: String) -> Result<Names, String> {
        match serde_json::from_str::<Vec<String>>(&text) {
            Ok(names) if !names.is_empty() => Ok(Names(names)),
            _ => Err(text),
        }
    }
}

enumeration! {
    /// Agency or internal team.
    pub enum AssigneeKind ("kind of assignee") {
        /// 委外机构: a third party.
        Agency = "agency",
        /// 内催团队: belongs to the lender.
        Team = "team",
    }
}

enumeration! {
    /// Whether an assignee takes new accounts.
    pub enum Status ("status of an assignee") {
        /// It does.
        Active = "active",
        /// Not for now.
        Suspended = "suspended",
        /// Never again.
        Exited = "exited",
    }
}

row! {
    /// An assignee of a lender.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Assignee in "assignee" key (code) {
        /// Its code.
        code: String,
        /// Its name.
        name: String,
        /// Agency or team.
        kind: AssigneeKind,
        /// Accounts it may hold at once; none means unlimited.
        capacity: Option<i64> [0..],
        /// Regions it works in; none means all.
        regions: Option<Names>,
        /// Products it works on; none means all.
        products: Option<Names>,
        /// Whether it takes accounts.
        status: Status,
        /// When its licence expires, when one is required.
        licence_expires_on: Option<NaiveDate>,
        /// When it was last evaluated, when evaluation is required.
        evaluated_on: Option<NaiveDate>,
    }
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
