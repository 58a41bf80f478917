//! Recall (撤案): the lender takes accounts back from their assignees, at once or after they could object.

use std::path::Path;

use chrono::NaiveDate;
use serde_json::json;

use super::life::Taker;
use super::step::{self, Found, NotPlaced, Taking};
use super::{Move, Placement, PlacementError, Refusal, check_open, expire, store};
use crate::audit::{Act, By};
use crate::db::{Db, write};
use crate::hold::{self, HoldKind};
use crate::party;
use crate::portfolio::FileRow;
use crate::position::{self, Position};

/// Which accounts are recalled.
pub enum Which<'a> {
    /// Those named in a file.
    File(&'a Path),
    /// All that an assignee holds.
    Assignee(&'a str),
    /// All that run out by a day.
    DueBy(NaiveDate),
    /// All that a hold of a type stops on the day of the recall.
    Hold(HoldKind),
}

/// What a recall did.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Recalled {
    /// Placements closed.
    pub recalled: usize,
    /// Placements whose assignees may object before the recall is final.
    pub requested: usize,
    /// Accounts whose recall was asked for before.
    pub already_requested: Vec<NotPlaced>,
    /// Named accounts that were not placed on that day, with the reason.
    pub not_placed: Vec<NotPlaced>,
}

/// Recalls: with `at_once` placements close on the day given; else their assignees may object first, unless the
/// contract leaves no time for it or compliance recalls. What was over before that day is recorded first.
pub fn recall(
    db: &mut Db,
    lender: &str,
    which: &Which<'_>,
    reason: &str,
    on: NaiveDate,
    at_once: bool,
    by: &By,
) -> Result<Recalled, PlacementError> {
    if !crate::kernel::text::is_code(reason) {
        return Err(PlacementError::Reason(reason.to_string()));
    }
    let named = match which {
        Which::File(path) => Some(step::read_accounts(path)?),
        _ => None,
    };
    let wanted = if at_once { Move::RecallAtOnce(reason) } else { Move::RequestRecall(reason) };
    write(db, lender, |db| {
        let taking = Taking::begin(db, lender, wanted, Taker { agency: None, on })?;
        check_open(&crate::audit::book(db, lender)?, on)?;
        if let Which::Assignee(code) = which
            && !party::store::assignees(db, lender)?.iter().any(|assignee| assignee.code == *code)
        {
            return Err(PlacementError::NoAssignee((*code).to_string()));
        }
        expire::record_expiries(db, lender, on, by)?;
        let mut done = Recalled::default();
        let mut act = Act::begin(db, lender, by)?;
        match named {
            Some(named) => {
                for chunk in named.chunks(step::CHUNK) {
                    let found = taking.find(db, chunk, &mut done.not_placed)?;
                    carry_out(db, &mut act, &taking, found, &mut done)?;
                }
            }
            None => {
                let mut after = 0;
                while let Some(chunk) = chosen(db, lender, which, on, &mut after)? {
                    carry_out(db, &mut act, &taking, chunk, &mut done)?;
                }
            }
        }
        if done.recalled + done.requested > 0 {
            let kind = if at_once { "placements recalled" } else { "recall requested" };
            let summary = json!({"on": on.to_string(), "reason": reason, "recalled": done.recalled, "requested": done.requested});
            act.finish(db, kind, &summary)?;
        }
        Ok(done)
    })
}

/// The next placements that a recall chooses by a rule, with no line of a file; nothing when there are no more.
fn chosen(
    db: &mut Db,
    lender: &str,
    which: &Which<'_>,
    on: NaiveDate,
    after: &mut i64,
) -> Result<Option<Found>, PlacementError> {
    let (assignee, due_by) = match which {
        Which::Assignee(code) => (Some(*code), None),
        Which::DueBy(day) => (None, Some(*day)),
        Which::File(_) | Which::Hold(_) => (None, None),
    };
    let mut chunk = store::active(db, lender, assignee, due_by, *after, 5_000)?;
    let Some(last) = chunk.last() else { return Ok(None) };
    *after = last.placement_no;
    chunk.retain(|placement| placement.placed_on <= on);
    if let Which::Hold(kind) = which {
        let positions =
            position::load_rows(db, lender, chunk.iter().map(|one| one.account_no.as_str()))?;
        let debtor = |one: &Placement| {
            let newest = positions.get(&one.account_no).and_then(Position::<FileRow>::newest)?;
            Some((one.account_no.clone(), newest.debtor_ref.clone()))
        };
        let debtors: Vec<(String, String)> = chunk.iter().filter_map(debtor).collect();
        let held = hold::store::in_force(db, lender, &debtors, on)?;
        chunk.retain(|one| held.get(&one.account_no).is_some_and(|kinds| kinds.contains(kind)));
    }
    Ok(Some(chunk.into_iter().map(|one| (None, one)).collect()))
}

fn carry_out(
    db: &mut Db,
    act: &mut Act,
    taking: &Taking<'_>,
    placements: Found,
    done: &mut Recalled,
) -> Result<(), PlacementError> {
    let taken = taking.take(db, act, placements)?;
    done.recalled += taken.closed;
    done.requested += taken.taken - taken.closed;
    let (already, not): (Vec<NotPlaced>, Vec<NotPlaced>) =
        taken.refused.into_iter().partition(|one| matches!(one.reason, Refusal::RecallPending(_)));
    done.already_requested.extend(already);
    done.not_placed.extend(not);
    Ok(())
}
