//! Taking steps on placements: asked, objected, answered, recalled, and what closes by it. One verb for pages, commands and
//! files.

use std::collections::HashSet;

use chrono::NaiveDate;
use serde_json::json;

use super::close::{ToClose, close};
use super::preview::{Foreseen, Preview};
use super::refusal::Refusal;
use super::step_store::StepRow;
use super::transition::{Action, Instruction, Next};
use super::{CloseReason, Placement, PlacementError, Span, expire, store};
use crate::audit::{Act, By};
use crate::db::{Db, keys_json, write};
use crate::hold::{self, HoldKind, NewHold};
use crate::kernel::Money;
use crate::kernel::text::check_reason;
use crate::party;
use crate::portfolio::named::{CHUNK, Named, NamedAccount, RefusedAccount};
use crate::portfolio::{FileRow, StatedBalance};
use crate::position::{self, Position};

/// Which placements an instruction is about.
pub enum Selection<'a> {
    /// Those of named accounts.
    Named(Named<'a>),
    /// All that an assignee holds.
    Assignee(&'a str),
    /// All that run out by a day.
    DueBy(NaiveDate),
    /// All that a hold of a type stops on the day of the instruction.
    Held(HoldKind),
}

impl Selection<'_> {
    /// The accounts that are named; none where a rule chooses, whose placements are looked up later. Files are read here,
    /// outside of any transaction.
    pub fn read(&self) -> Result<Vec<NamedAccount>, PlacementError> {
        match self {
            Selection::Named(named) => Ok(named.read()?),
            Selection::Assignee(_) | Selection::DueBy(_) | Selection::Held(_) => Ok(Vec::new()),
        }
    }
}

/// What a step did.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct StepReport {
    /// Accounts on which it was taken.
    pub taken: usize,
    /// Placements that closed by it.
    pub closed: usize,
    /// Accounts on which it was not, with the reason.
    pub refused: Vec<RefusedAccount<Refusal>>,
}

/// Takes a step on placements. On a single account that refuses it nothing changes at all; several are taken as far as
/// they go. What was over before the day is recorded first.
pub fn take(
    db: &mut Db,
    lender: &str,
    selection: &Selection<'_>,
    instruction: &Instruction<'_>,
    by: &By,
) -> Result<StepReport, PlacementError> {
    check_words(instruction.action)?;
    let accounts = selection.read()?;
    write(db, lender, |db| take_within(db, lender, selection, &accounts, instruction, by))
}

/// Takes a step inside the writer's transaction, on accounts that were read before.
pub fn take_within(
    db: &mut Db,
    lender: &str,
    selection: &Selection<'_>,
    accounts: &[NamedAccount],
    instruction: &Instruction<'_>,
    by: &By,
) -> Result<StepReport, PlacementError> {
    check_words(instruction.action)?;
    let preview = Preview::begin(db, lender, instruction)?;
    crate::audit::book(db, lender)?.check_open(instruction.on)?;
    let chosen = match selection {
        Selection::Assignee(code) => Some(*code),
        _ => None,
    };
    for code in instruction.agency.into_iter().chain(chosen) {
        if !party::store::assignees(db, lender)?.iter().any(|assignee| assignee.code == code) {
            return Err(PlacementError::NoAssignee(code.to_string()));
        }
    }
    expire::record_expiries(db, lender, instruction.on, by)?;
    let mut report = StepReport::default();
    let mut act = Act::begin(db, lender, by)?;
    if let Selection::Named(_) = selection {
        for chunk in accounts.chunks(CHUNK) {
            let foreseen = preview.of_accounts(db, chunk)?;
            carry_out(db, &mut act, instruction, foreseen, &mut report)?;
        }
    } else {
        let mut after = 0;
        while let Some(chunk) = next_chosen(db, lender, selection, instruction.on, &mut after)? {
            let foreseen = preview.of_placements(chunk);
            carry_out(db, &mut act, instruction, foreseen, &mut report)?;
        }
    }
    if let (Selection::Named(Named::Account(account_no)), Some(refused)) =
        (selection, report.refused.first())
    {
        return Err(PlacementError::Refused((*account_no).to_string(), refused.reason.clone()));
    }
    if report.taken > 0 {
        act.finish(db, event(instruction.action), &summary(instruction, &report))?;
    }
    Ok(report)
}

/// The next placements that a rule chooses, with no line of a file; nothing when there are no more.
fn next_chosen(
    db: &mut Db,
    lender: &str,
    selection: &Selection<'_>,
    on: NaiveDate,
    after: &mut i64,
) -> Result<Option<Vec<Placement>>, PlacementError> {
    let (assignee, due_by) = match selection {
        Selection::Assignee(code) => (Some(*code), None),
        Selection::DueBy(day) => (None, Some(*day)),
        Selection::Named(_) | Selection::Held(_) => (None, None),
    };
    let mut chunk = store::active(db, lender, assignee, due_by, *after, 5_000)?;
    let Some(last) = chunk.last() else { return Ok(None) };
    *after = last.placement_no;
    chunk.retain(|placement| placement.placed_on <= on);
    if let Selection::Held(kind) = selection {
        let accounts = chunk.iter().map(|one| one.account_no.as_str());
        let positions = position::load_rows(db, lender, accounts)?;
        let debtor = |one: &Placement| {
            let newest = positions.get(&one.account_no).and_then(Position::<FileRow>::newest)?;
            Some((one.account_no.clone(), newest.debtor_ref.clone()))
        };
        let debtors: Vec<(String, String)> = chunk.iter().filter_map(debtor).collect();
        let held = hold::store::in_force(db, lender, &debtors, on)?;
        chunk.retain(|one| held.get(&one.account_no).is_some_and(|kinds| kinds.contains(kind)));
    }
    Ok(Some(chunk))
}

/// What the audit record calls a step.
fn event(action: Action<'_>) -> &'static str {
    match action {
        Action::RequestRecall(_) => "recall requested",
        Action::RecallNow(_) => "placements recalled",
        Action::Acknowledge => "recall acknowledged",
        Action::Object(_) => "recall objected to",
        Action::DecideRecall(..) => "recall decided",
        Action::AskReturn(_) => "return requested",
        Action::DecideReturn(..) => "return decided",
        Action::AskRetention(..) => "retention requested",
        Action::DecideRetention(..) => "retention decided",
        Action::Transfer(_) => "placements transferred",
    }
}

/// What the audit record says of a step.
fn summary(instruction: &Instruction<'_>, report: &StepReport) -> serde_json::Value {
    let on = instruction.on.to_string();
    match instruction.action {
        Action::RequestRecall(code) | Action::RecallNow(code) => {
            let requested = report.taken - report.closed;
            json!({"on": on, "reason": code, "recalled": report.closed, "requested": requested})
        }
        _ => {
            let agency = instruction.agency;
            json!({"on": on, "agency": agency, "accounts": report.taken, "closed": report.closed})
        }
    }
}

/// Refuses a code that is no short word, and a reason that is empty or a whole letter.
fn check_words(action: Action<'_>) -> Result<(), PlacementError> {
    let reason = match action {
        Action::RequestRecall(code) | Action::RecallNow(code) | Action::Transfer(code) => {
            let short = crate::kernel::text::is_code(code);
            return if short { Ok(()) } else { Err(PlacementError::Reason(code.to_string())) };
        }
        Action::Object(reason) | Action::AskReturn(reason) | Action::AskRetention(_, reason) => {
            Some(reason)
        }
        Action::DecideRecall(_, reason)
        | Action::DecideReturn(_, reason)
        | Action::DecideRetention(_, reason) => reason,
        Action::Acknowledge => None,
    };
    Ok(reason.map_or(Ok(()), check_reason)?)
}

/// Writes what is foreseen and counts it.
fn carry_out(
    db: &mut Db,
    act: &mut Act,
    instruction: &Instruction<'_>,
    foreseen: Vec<Foreseen>,
    report: &mut StepReport,
) -> Result<(), PlacementError> {
    let mut decided: Vec<(Placement, Next)> = Vec::with_capacity(foreseen.len());
    for Foreseen { line, account_no, outcome } in foreseen {
        match outcome {
            Ok(one) => decided.push(one),
            Err(reason) => report.refused.push(RefusedAccount { line, account_no, reason }),
        }
    }
    report.taken += decided.len();
    report.closed += decided.iter().filter(|(_, next)| next.closing.is_some()).count();
    save(db, act, instruction, decided)
}

/// Writes the steps, what they come to, and the closings.
fn save(
    db: &mut Db,
    act: &mut Act,
    instruction: &Instruction<'_>,
    mut decided: Vec<(Placement, Next)>,
) -> Result<(), PlacementError> {
    let lender = act.book.lender.clone();
    let accounts = decided.iter().map(|(one, _)| one.account_no.as_str());
    let positions = position::load(db, &lender, accounts)?;
    let (on, seq) = (instruction.on, act.seq());
    let mut ends = Vec::new();
    for (placement, next) in &mut decided {
        let Some(step) = &mut next.step else { continue };
        step.seq = seq;
        step.owed =
            positions.get(&placement.account_no).map_or(Money::ZERO, |position| owed(position, on));
        let before = placement.life();
        placement.steps.push(step.clone());
        let after = placement.life();
        if (before.retained_to, before.recall_final_on())
            != (after.retained_to, after.recall_final_on())
        {
            ends.push((placement.placement_no, after.retained_to, after.recall_final_on()));
        }
    }
    let written =
        decided.iter().filter_map(|(placement, next)| Some((placement, next.step.as_ref()?)));
    let rows: Vec<StepRow> =
        written.map(|(placement, step)| StepRow::of(placement, step)).collect();
    act.record(db, &rows)?;
    store::set_ends(db, &lender, &ends)?;
    let closing = |(placement, next): (Placement, Next)| {
        let (reason, code) = next.closing?;
        Some(ToClose { placement: placement.span, closed_on: on, reason, code })
    };
    let closings: Vec<ToClose> = decided.into_iter().filter_map(closing).collect();
    close(db, act, &closings)?;
    let transferred = closings
        .iter()
        .filter(|one| one.reason == CloseReason::Transferred)
        .map(|one| &one.placement);
    hold_transferred(db, act, instruction, transferred.collect())
}

/// What is transferred is held from that day, so that it is not placed again.
fn hold_transferred(
    db: &mut Db,
    act: &mut Act,
    instruction: &Instruction<'_>,
    transferred: Vec<&Span>,
) -> Result<(), PlacementError> {
    let Action::Transfer(code) = instruction.action else { return Ok(()) };
    let keys = keys_json(transferred.iter().map(|one| one.account_no.as_str()));
    let goes_on =
        |one: &hold::Hold| one.kind == HoldKind::Transferred && one.goes_on(instruction.on);
    let held: HashSet<String> = hold::store::holds_of(db, &act.book.lender, &keys)?
        .into_iter()
        .filter(goes_on)
        .map(|one| one.opening.account_no)
        .collect();
    for one in transferred.into_iter().filter(|one| !held.contains(&one.account_no)) {
        let new = NewHold {
            account_no: &one.account_no,
            kind: HoldKind::Transferred,
            reason: code,
            from: instruction.on,
            until: None,
            by_file: false,
        };
        hold::store::open(db, act, &new)?;
    }
    Ok(())
}

/// What is owed on a day; on everything known when no file reaches back to it.
fn owed(position: &Position<StatedBalance>, on: NaiveDate) -> Money {
    position.owed_on(on).unwrap_or_else(|| position.owed_known())
}
