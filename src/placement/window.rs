//! Windows: which days' payments belong to which placement of an account (DOMAIN 5).

use chrono::NaiveDate;

use super::{CloseReason, Placement};
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
pub fn windows(placements: &[Placement]) -> Vec<Window> {
    let ends = placements.iter().map(|placement| plus_days(end_of_work(placement), placement.tail_days));
    let next_starts = placements.iter().skip(1).map(|placement| Some(placement.placed_on)).chain([None]);
    placements
        .iter()
        .zip(ends.zip(next_starts))
        .map(|(placement, (end, next))| {
            let last = next.map_or(end, |next| end.min(plus_days(next, -1)));
            Window { first: placement.placed_on, last }
        })
        .collect()
}

/// The day work ended: earlier than `expires_on` only by recall, return or transfer. Closing as paid does not
/// shorten the window.
fn end_of_work(placement: &Placement) -> NaiveDate {
    match (placement.close_reason, placement.closed_on) {
        (Some(CloseReason::Recalled | CloseReason::Returned | CloseReason::Transferred), Some(closed)) => {
            closed.min(placement.expires_on)
        }
        _ => placement.expires_on,
    }
}

/// The index of the placement whose window holds a day.
pub fn holder_on(placements: &[Placement], day: NaiveDate) -> Option<usize> {
    windows(placements).iter().position(|window| window.holds(day))
}
