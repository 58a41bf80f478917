//! Why a step of a placement is refused.

use std::fmt;

use chrono::NaiveDate;

use super::CloseReason;
use crate::party::Lang;

/// Why a step is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The account has no placement at all.
    NeverPlaced(NaiveDate),
    /// Its placement begins later.
    NotYet(NaiveDate),
    /// Its placement was closed.
    Closed(NaiveDate, Option<CloseReason>),
    /// It has run out, though nobody has recorded it.
    RanOut(NaiveDate),
    /// Its recall became final, though nobody has recorded it.
    RecallFinal(NaiveDate),
    /// The account is in other hands.
    NotHeldBy(String),
    /// A recall was asked for before.
    RecallPending(NaiveDate),
    /// No recall is asked for.
    NoRecall,
    /// The step would lie before what it answers.
    Before(NaiveDate),
    /// The agency said so before.
    Acknowledged(NaiveDate),
    /// The agency objected before.
    Objected(NaiveDate),
    /// A return was asked for before.
    ReturnPending(NaiveDate),
    /// No return is asked for.
    NoReturn,
    /// A retention was asked for before.
    RetentionPending(NaiveDate),
    /// No retention is asked for.
    NoRetention,
    /// A retention is asked and decided before the last day.
    LastDay(NaiveDate),
    /// The new last day is no later than the one it has.
    NotLater(NaiveDate, NaiveDate),
}

impl serde::Serialize for Refusal {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words(Lang::En))
    }
}
