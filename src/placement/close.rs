//! Ending placements: the closing is written once, and what is owed goes back to the house.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::store::{self, Closing};
use super::{CloseReason, Span};
use crate::audit::Act;
use crate::db::Db;
use crate::kernel::Money;
use crate::ledger::{LedgerError, Transaction, chart};
use crate::portfolio::{StatedBalance, StatesBalance};
use crate::position::{self, Position};

/// A placement to close, and why.
#[derive(Clone, Debug)]
pub struct ToClose {
    /// The placement.
    pub placement: Span,
    /// Its last day.
    pub closed_on: NaiveDate,
    /// Why.
    pub reason: CloseReason,
    /// The word given with a recall.
    pub code: Option<String>,
}

/// How an account that owes nothing closes: as paid. A placement that had run out before, or whose recall was
/// final, is over already and is left to the recording of expiries (rule 3.2).
pub fn paid<F: StatesBalance>(position: &Position<F>) -> Option<ToClose> {
    let placement = position.active()?;
    if position.owed_known() > Money::ZERO {
        return None;
    }
    let paid_on = position.paid_on()?.max(placement.placed_on);
    let in_time = paid_on <= placement.ends_on();
    in_time.then(|| ToClose {
        placement: placement.clone(),
        closed_on: paid_on,
        reason: CloseReason::Paid,
        code: None,
    })
}

/// Closes placements within an act. One ledger transaction per assignee and day carries what is owed to the house.
pub fn close(db: &mut Db, act: &mut Act, to_close: &[ToClose]) -> Result<(), LedgerError> {
    for chunk in to_close.chunks(5_000) {
        let accounts = chunk.iter().map(|closing| closing.placement.account_no.as_str());
        let positions = position::load(db, &act.book.lender, accounts)?;
        let owed = |account_no: &str| {
            positions.get(account_no).map_or(Money::ZERO, Position::<StatedBalance>::owed_known)
        };
        let mut moved: BTreeMap<(String, NaiveDate), Money> = BTreeMap::new();
        let mut closings = Vec::with_capacity(chunk.len());
        for one in chunk {
            let owed = owed(&one.placement.account_no);
            let key = (one.placement.assignee.clone(), one.closed_on);
            *moved.entry(key).or_default() += owed.positive_part();
            closings.push(Closing {
                placement_no: one.placement.placement_no,
                closed_seq: act.seq(),
                closed_on: one.closed_on,
                close_reason: one.reason,
                close_code: one.code.clone(),
                closed_owed: owed,
            });
        }
        store::close(db, act, &closings)?;
        let seq = act.seq();
        let first = chunk.first().map_or(0, |one| one.placement.placement_no);
        for ((assignee, day), amount) in moved {
            let event = format!("closed:{seq}:{assignee}:{day}:{first}");
            let moves = [(chart::loans(None), amount), (chart::loans(Some(&assignee)), -amount)];
            let transaction = Transaction::build(day, event, None, moves);
            act.post(db, transaction)?;
        }
    }
    Ok(())
}
