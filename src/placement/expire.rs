//! Recording what has run out: a placement whose last day has passed closes as expired (到期).

use chrono::NaiveDate;
use serde_json::json;

use super::close::{ToClose, close};
use super::{CloseReason, PlacementError, store};
use crate::audit::{Act, By};
use crate::db::{Db, write};
use crate::party;

/// What was recorded.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Expired {
    /// Placements closed as expired.
    pub expired: usize,
}

/// Closes every placement whose `expires_on` lies before a day.
pub fn expire(db: &mut Db, lender: &str, on: NaiveDate, by: &By) -> Result<Expired, PlacementError> {
    write(db, lender, |db| {
        party::store::lender(db, lender)?.ok_or_else(|| PlacementError::NoLender(lender.to_string()))?;
        let expired = record_expiries(db, lender, on, by)?;
        Ok(Expired { expired })
    })
}

/// Records, as an act of its own inside the writer's transaction, the expiries before a day.
pub fn record_expiries(db: &mut Db, lender: &str, before: NaiveDate, by: &By) -> Result<usize, PlacementError> {
    let mut act = Act::begin(db, lender, by)?;
    let (mut count, mut after) = (0, 0);
    loop {
        let chunk = store::run_out(db, lender, before, after, 5_000)?;
        let Some(last) = chunk.last() else { break };
        after = last.placement_no;
        count += chunk.len();
        let closings: Vec<ToClose> = chunk
            .into_iter()
            .map(|placement| ToClose { closed_on: placement.expires_on, placement, reason: CloseReason::Expired, code: None })
            .collect();
        close(db, &mut act, &closings)?;
    }
    if count > 0 {
        act.finish(db, "placements expired", &json!({"before": before.to_string(), "expired": count}))?;
    }
    Ok(count)
}
