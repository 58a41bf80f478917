//! Recording what is over by itself: a placement whose last day has passed closes as expired (到期), one whose recall
//! nobody objected to in time as recalled (撤案).

use chrono::NaiveDate;
use serde_json::json;

use super::close::{ToClose, close};
use super::{CloseReason, Placement, PlacementError, Span, store};
use crate::audit::{Act, By};
use crate::db::{Db, keys_json, write};
use crate::party;

/// What was recorded.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub struct Expired {
    /// Placements closed as expired.
    pub expired: usize,
    /// Placements closed because their recall had become final.
    pub recalls_final: usize,
}

/// Closes every placement that was over before a day.
pub fn expire(
    db: &mut Db,
    lender: &str,
    on: NaiveDate,
    by: &By,
) -> Result<Expired, PlacementError> {
    write(db, lender, |db| {
        party::store::lender(db, lender)?
            .ok_or_else(|| PlacementError::NoLender(lender.to_string()))?;
        record_expiries(db, lender, on, by)
    })
}

/// Records, as an act of its own inside the writer's transaction, what was over before a day: it ran out, or the time to
/// object to its recall did. Where both fall on one day it is the recall.
pub fn record_expiries(
    db: &mut Db,
    lender: &str,
    before: NaiveDate,
    by: &By,
) -> Result<Expired, PlacementError> {
    let mut act = Act::begin(db, lender, by)?;
    let (mut done, mut after) = (Expired::default(), 0);
    loop {
        let chunk = store::run_out(db, lender, before, after, 5_000)?;
        let Some(last) = chunk.last() else { break };
        after = last.placement_no;
        let (recalled, expired): (Vec<Span>, Vec<Span>) =
            chunk.into_iter().partition(|placement| {
                placement.recall_final_on.is_some_and(|day| day <= placement.expires_on)
            });
        done.expired += expired.len();
        done.recalls_final += recalled.len();
        let mut closings: Vec<ToClose> = expired
            .into_iter()
            .map(|placement| ToClose {
                closed_on: placement.expires_on,
                placement,
                reason: CloseReason::Expired,
                code: None,
            })
            .collect();
        closings.extend(recalls(db, lender, &recalled)?);
        closings.sort_by_key(|one| one.placement.placement_no);
        close(db, &mut act, &closings)?;
    }
    if done.expired + done.recalls_final > 0 {
        let summary = json!({"before": before.to_string(), "expired": done.expired, "recalls_final": done.recalls_final});
        act.finish(db, "placements expired", &summary)?;
    }
    Ok(done)
}

/// The closings of recalls that became final, each with the word it was asked for with.
fn recalls(db: &mut Db, lender: &str, recalled: &[Span]) -> Result<Vec<ToClose>, PlacementError> {
    if recalled.is_empty() {
        return Ok(Vec::new());
    }
    let keys = keys_json(recalled.iter().map(|one| one.account_no.as_str()));
    let closing = |placement: Placement| {
        let recall = placement.life().recall.filter(|_| placement.closed_on.is_none())?;
        let number = placement.placement_no;
        let closing = ToClose {
            placement: placement.span,
            closed_on: recall.object_by,
            reason: CloseReason::Recalled,
            code: Some(recall.reason),
        };
        recalled.iter().any(|one| one.placement_no == number).then_some(closing)
    };
    Ok(store::of_accounts(db, lender, &keys)?.into_iter().filter_map(closing).collect())
}
