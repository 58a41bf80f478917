//! Which placement a payment belongs to (rules 5.1, 5.2): the one whose window holds the day it was received.

use chrono::NaiveDate;

use crate::placement::{Span, Window, windows};

/// Why a payment belongs to the house (自催).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HouseReason {
    /// The account was never placed.
    NeverPlaced,
    /// It was received before the first placement.
    BeforePlacement,
    /// It was received between two placements.
    BetweenPlacements,
    /// It was received after the last window.
    AfterWindow,
}

impl HouseReason {
    /// The reason code that lists and files show.
    pub fn code(self) -> &'static str {
        match self {
            HouseReason::NeverPlaced => "NEVER_PLACED",
            HouseReason::BeforePlacement => "BEFORE_PLACEMENT",
            HouseReason::BetweenPlacements => "BETWEEN_PLACEMENTS",
            HouseReason::AfterWindow => "AFTER_WINDOW",
        }
    }
}

/// The placement (its index) that a payment of a day belongs to, or why it is the house's.
/// The placements are those of the payment's account, in order of `placed_on` and placing.
pub fn attribute<S: AsRef<Span>>(
    placements: &[S],
    received_on: NaiveDate,
) -> Result<usize, HouseReason> {
    let windows = windows(placements);
    match windows.iter().position(|window| window.holds(received_on)) {
        Some(index) => Ok(index),
        None => Err(house_reason(&windows, received_on)),
    }
}

fn house_reason(windows: &[Window], day: NaiveDate) -> HouseReason {
    match (windows.first(), windows.last()) {
        (None, _) | (_, None) => HouseReason::NeverPlaced,
        (Some(first), _) if day < first.first => HouseReason::BeforePlacement,
        (_, Some(last)) if day > last.last => HouseReason::AfterWindow,
        _ => HouseReason::BetweenPlacements,
    }
}
