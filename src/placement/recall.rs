//! Recall (撤案) as commands ask for it and are told of it: the lender takes accounts back from their assignees, at once or
//! after they could object. The step itself is [`step::take`]'s.

use chrono::NaiveDate;

use super::PlacementError;
use super::refusal::Refusal;
use super::step::{self, Selection};
use super::transition::{Action, Instruction};
use crate::audit::By;
use crate::db::Db;
use crate::portfolio::named::RefusedAccount;

/// What a recall did.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Recalled {
    /// Placements closed.
    pub recalled: usize,
    /// Placements whose assignees may object before the recall is final.
    pub requested: usize,
    /// Accounts whose recall was asked for before.
    pub already_requested: Vec<RefusedAccount<Refusal>>,
    /// Named accounts that were not placed on that day, with the reason.
    pub not_placed: Vec<RefusedAccount<Refusal>>,
}

/// Recalls: with `at_once` placements close on the day given; else their assignees may object first, unless the
/// contract leaves no time for it or compliance recalls.
pub fn recall(
    db: &mut Db,
    lender: &str,
    selection: &Selection<'_>,
    reason: &str,
    on: NaiveDate,
    at_once: bool,
    by: &By,
) -> Result<Recalled, PlacementError> {
    let action = if at_once { Action::RecallNow(reason) } else { Action::RequestRecall(reason) };
    let instruction = Instruction { action, agency: None, on };
    let report = step::take(db, lender, selection, &instruction, by)?;
    let pending = |one: &RefusedAccount<Refusal>| matches!(one.reason, Refusal::RecallPending(_));
    let (already_requested, not_placed) = report.refused.into_iter().partition(pending);
    Ok(Recalled {
        recalled: report.closed,
        requested: report.taken - report.closed,
        already_requested,
        not_placed,
    })
}
