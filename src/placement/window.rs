//! Windows: which days' payments belong to which placement of an account (rule 5.1).

use chrono::NaiveDate;

use super::{CloseReason, Span};
use crate::kernel::calendar::plus_days;

/// The days whose payments belong to a placement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First day.
    pub first: NaiveDate,
    /// Last day; before `first` when the next placement began on the same day.
    pub last: NaiveDate,
}

impl Window {
    /// Whether a day lies inside.
    pub fn holds(&self, day: NaiveDate) -> bool {
        self.first <= day && day <= self.last
    }
}

/// The windows of one account's placements, which must be in order of `placed_on` and placing.
/// A window never runs past the day before the next placement, so no two overlap.
pub fn windows<S: AsRef<Span>>(placements: &[S]) -> Vec<Window> {
    let next_starts =
        placements.iter().skip(1).map(|next| Some(next.as_ref().placed_on)).chain([None]);
    placements
        .iter()
        .zip(next_starts)
        .map(|(placement, next)| {
            let span = placement.as_ref();
            let end = plus_days(end_of_work(span), span.tail_days);
            Window {
                first: span.placed_on,
                last: next.map_or(end, |next| end.min(plus_days(next, -1))),
            }
        })
        .collect()
}

/// The day work ended: earlier than `expires_on` only by recall, return or transfer. Closing as paid does not
/// shorten the window; a recall that became final by itself does, whether or not the account was paid meanwhile.
fn end_of_work(placement: &Span) -> NaiveDate {
    match (placement.close_reason, placement.closed_on) {
        (
            Some(CloseReason::Recalled | CloseReason::Returned | CloseReason::Transferred),
            Some(closed),
        ) => closed.min(placement.ends_on()),
        _ => placement.ends_on(),
    }
}
