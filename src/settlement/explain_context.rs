//! What explanations of statement lines are made from: who asks, and what the closing and the one before knew.

use super::Period;
use crate::commission::gather::CutOff;
use crate::contract::Versions;
use crate::kernel::{Lang, Month};
use crate::party::Lender;

/// To whom a line is explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// The lender.
    Lender,
    /// The agency that earned on it: other hands that held the account or its money are left out.
    Agency,
}

/// What a closing knew.
pub(super) struct ClosingFacts {
    /// Its month.
    pub month: Month,
    /// The contracts.
    pub versions: Versions,
    /// The facts.
    pub cut_off: CutOff,
}

impl ClosingFacts {
    pub(super) fn of(all: &Versions, period: &Period) -> ClosingFacts {
        let (month, seq) = (period.month, period.known_seq);
        let cut_off = CutOff { seq, last_day: month.last_day() };
        ClosingFacts { month, versions: all.known_at(seq), cut_off }
    }
}

/// What the explanations of a line have in common.
pub(super) struct ExplainContext {
    /// The language.
    pub t: Lang,
    pub asker: Asker,
    pub lender: Lender,
    pub versions: Versions,
    pub known_seq: i64,
    pub month: Month,
    /// The closing before.
    pub before: Option<ClosingFacts>,
    /// All closings, in order.
    pub periods: Vec<Period>,
}
