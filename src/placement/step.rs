//! Taking the steps of a placement's life: asked, objected, answered, and what closes by it.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use chrono::NaiveDate;
use serde_json::json;

use super::close::{ToClose, close};
use super::life::{self, Next, Taker};
use super::{
    CloseReason, Move, Placement, PlacementError, Refusal, Span, check_open, expire,
    step_store::StepRow, store,
};
use crate::audit::{Act, By};
use crate::contract::{self, Versions};
use crate::db::{Db, keys_json, write};
use crate::hold::{self, HoldKind, NewHold};
use crate::intake::cell::key;
use crate::kernel::Money;
use crate::party;
use crate::portfolio::StatedBalance;
use crate::position::{self, Position};
use crate::sheet::wrong::Needed;
use crate::sheet::{Column, RawRow, Sheet};

/// Accounts worked on at once.
pub const CHUNK: usize = 5_000;

/// Which accounts a command is about.
pub enum Named<'a> {
    /// Those named in a file.
    File(&'a Path),
    /// One.
    Account(&'a str),
    /// Several.
    Accounts(&'a [String]),
    /// All that an assignee holds.
    Assignee(&'a str),
}

/// Named accounts, each with its line when a file names it.
pub type Accounts = Vec<(Option<u64>, String)>;

/// Placements that a step is taken on, each with its line when a file names it.
pub(super) type Found = Vec<(Option<u64>, Placement)>;

/// An account on which a step was not taken.
#[derive(Clone, Debug, serde::Serialize)]
pub struct NotPlaced {
    /// Its line in the file, when a file names it.
    pub line: Option<u64>,
    /// The account.
    pub account_no: String,
    /// Why.
    pub reason: Refusal,
}

/// What a step did.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Taken {
    /// Accounts on which it was taken.
    pub taken: usize,
    /// Placements that closed by it.
    pub closed: usize,
    /// Accounts on which it was not, with the reason.
    pub refused: Vec<NotPlaced>,
}

const COLUMNS: &[Column] =
    &[Column::required("account_no", crate::intake::cell::ACCOUNT_NO_ALIASES).key()];

/// Takes a step on accounts. On a single one that refuses it nothing changes at all; several are taken as far as they go.
pub fn take(
    db: &mut Db,
    lender: &str,
    named: &Named<'_>,
    wanted: Move<'_>,
    taker: Taker<'_>,
    by: &By,
) -> Result<Taken, PlacementError> {
    let accounts = named.read()?;
    write(db, lender, |db| take_within(db, lender, named, accounts, wanted, taker, by))
}

/// Takes a step inside the writer's transaction, on accounts that were read before.
pub fn take_within(
    db: &mut Db,
    lender: &str,
    named: &Named<'_>,
    accounts: Accounts,
    wanted: Move<'_>,
    taker: Taker<'_>,
    by: &By,
) -> Result<Taken, PlacementError> {
    check_words(wanted)?;
    let taking = Taking::begin(db, lender, wanted, taker)?;
    check_open(&crate::audit::book(db, lender)?, taker.on)?;
    if let Some(code) = taker.agency
        && !party::store::assignees(db, lender)?.iter().any(|assignee| assignee.code == code)
    {
        return Err(PlacementError::NoAssignee(code.to_string()));
    }
    expire::record_expiries(db, lender, taker.on, by)?;
    let mut done = Taken::default();
    let mut act = Act::begin(db, lender, by)?;
    match named {
        Named::Assignee(code) => {
            let mut after = 0;
            loop {
                let chunk = store::active(db, lender, Some(code), None, after, 5_000)?;
                let Some(last) = chunk.last() else { break };
                after = last.placement_no;
                let begun = chunk
                    .into_iter()
                    .filter(|one| one.placed_on <= taker.on)
                    .map(|one| (None, one))
                    .collect();
                done.add(taking.take(db, &mut act, begun)?);
            }
        }
        _ => {
            for chunk in accounts.chunks(CHUNK) {
                let found = taking.find(db, chunk, &mut done.refused)?;
                done.add(taking.take(db, &mut act, found)?);
            }
        }
    }
    if let (Named::Account(account_no), Some(refused)) = (named, done.refused.first()) {
        return Err(PlacementError::Refused((*account_no).to_string(), refused.reason.clone()));
    }
    if done.taken > 0 {
        let summary = json!({"on": taker.on.to_string(), "agency": taker.agency, "accounts": done.taken, "closed": done.closed});
        act.finish(db, event(wanted), &summary)?;
    }
    Ok(done)
}

impl Named<'_> {
    /// The accounts that are named, each once; none for an assignee, whose placements are looked up later.
    pub fn read(&self) -> Result<Accounts, PlacementError> {
        match self {
            Named::File(path) => read_accounts(path),
            Named::Account(account_no) => Ok(vec![(None, (*account_no).to_string())]),
            Named::Accounts(accounts) => {
                let mut seen = HashSet::new();
                Ok(accounts
                    .iter()
                    .filter(|one| seen.insert(one.as_str()))
                    .map(|one| (None, one.clone()))
                    .collect())
            }
            Named::Assignee(_) => Ok(Vec::new()),
        }
    }
}

impl Taken {
    fn add(&mut self, more: Taken) {
        self.taken += more.taken;
        self.closed += more.closed;
        self.refused.extend(more.refused);
    }
}

/// What the audit record calls a step.
fn event(wanted: Move<'_>) -> &'static str {
    match wanted {
        Move::RequestRecall(_) => "recall requested",
        Move::RecallAtOnce(_) => "placements recalled",
        Move::Acknowledge => "recall acknowledged",
        Move::Object(_) => "recall objected to",
        Move::DecideRecall(..) => "recall decided",
        Move::AskReturn(_) => "return requested",
        Move::DecideReturn(..) => "return decided",
        Move::AskRetention(..) => "retention requested",
        Move::DecideRetention(..) => "retention decided",
        Move::Transfer(_) => "placements transferred",
    }
}

/// Refuses a code that is no short word, and a reason that is empty or a whole letter.
fn check_words(wanted: Move<'_>) -> Result<(), PlacementError> {
    match wanted {
        Move::RequestRecall(code) | Move::RecallAtOnce(code) | Move::Transfer(code) => {
            let short = crate::kernel::text::is_code(code);
            if short { Ok(()) } else { Err(PlacementError::Reason(code.to_string())) }
        }
        Move::Object(reason) | Move::AskReturn(reason) | Move::AskRetention(_, reason) => {
            check_reason(reason)
        }
        Move::DecideRecall(_, reason)
        | Move::DecideReturn(_, reason)
        | Move::DecideRetention(_, reason) => reason.map_or(Ok(()), check_reason),
        Move::Acknowledge => Ok(()),
    }
}

/// Refuses a reason that is empty or longer than 500 characters.
pub fn check_reason(reason: &str) -> Result<(), PlacementError> {
    let length = reason.trim().chars().count();
    let fits = (1..=500).contains(&length) && !reason.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(PlacementError::ReasonText(length)) }
}

/// A step being taken on many placements.
pub(super) struct Taking<'a> {
    lender: &'a str,
    wanted: Move<'a>,
    taker: Taker<'a>,
    versions: Versions,
}

impl<'a> Taking<'a> {
    /// Begins with what is the same for all of them.
    pub(super) fn begin(
        db: &mut Db,
        lender: &'a str,
        wanted: Move<'a>,
        taker: Taker<'a>,
    ) -> Result<Taking<'a>, PlacementError> {
        let known = party::store::lender(db, lender)?
            .ok_or_else(|| PlacementError::NoLender(lender.to_string()))?;
        let versions = contract::store::versions(db, &known)?;
        Ok(Taking { lender, wanted, taker, versions })
    }

    /// The running placements of named accounts; accounts without one go to `refused`.
    pub(super) fn find(
        &self,
        db: &mut Db,
        named: &[(Option<u64>, String)],
        refused: &mut Vec<NotPlaced>,
    ) -> Result<Found, PlacementError> {
        let keys = keys_json(named.iter().map(|(_, account_no)| account_no.as_str()));
        let mut of_account: HashMap<String, Vec<Placement>> = HashMap::new();
        for one in store::of_accounts(db, self.lender, &keys)? {
            of_account.entry(one.account_no.clone()).or_default().push(one);
        }
        let mut found = Vec::with_capacity(named.len());
        for (line, account_no) in named {
            let mut placements = of_account.remove(account_no).unwrap_or_default();
            match life::running(&placements, self.taker) {
                Ok(index) => found.push((*line, placements.swap_remove(index))),
                Err(reason) => {
                    refused.push(NotPlaced { line: *line, account_no: account_no.clone(), reason })
                }
            }
        }
        Ok(found)
    }

    /// Decides on each placement and writes what was decided.
    pub(super) fn take(
        &self,
        db: &mut Db,
        act: &mut Act,
        placements: Found,
    ) -> Result<Taken, PlacementError> {
        let mut done = Taken::default();
        let mut decided: Vec<(Placement, Next)> = Vec::with_capacity(placements.len());
        for (line, placement) in placements {
            let version = self.versions.get(&placement.assignee, placement.contract_version);
            let objection_days = version.map_or(0, |version| version.terms.objection_days);
            match life::next(&placement, &placement.life(), self.wanted, self.taker, objection_days)
            {
                Ok(next) => decided.push((placement, next)),
                Err(reason) => {
                    done.refused.push(NotPlaced {
                        line,
                        account_no: placement.account_no.clone(),
                        reason,
                    });
                }
            }
        }
        done.taken = decided.len();
        done.closed = decided.iter().filter(|(_, next)| next.closing.is_some()).count();
        self.save(db, act, decided)?;
        Ok(done)
    }

    /// Writes the steps, what they come to, and the closings.
    fn save(
        &self,
        db: &mut Db,
        act: &mut Act,
        mut decided: Vec<(Placement, Next)>,
    ) -> Result<(), PlacementError> {
        let positions = position::load(
            db,
            self.lender,
            decided.iter().map(|(one, _)| one.account_no.as_str()),
        )?;
        let (on, seq) = (self.taker.on, act.seq());
        let mut ends = Vec::new();
        for (placement, next) in &mut decided {
            let Some(step) = &mut next.step else { continue };
            step.seq = seq;
            step.owed = positions
                .get(&placement.account_no)
                .map_or(Money::ZERO, |position| owed(position, on));
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
        store::set_ends(db, self.lender, &ends)?;
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
        self.hold_transferred(db, act, transferred.collect())
    }

    /// What is transferred is held from that day, so that it is not placed again.
    fn hold_transferred(
        &self,
        db: &mut Db,
        act: &mut Act,
        transferred: Vec<&Span>,
    ) -> Result<(), PlacementError> {
        let Move::Transfer(code) = self.wanted else { return Ok(()) };
        let keys = keys_json(transferred.iter().map(|one| one.account_no.as_str()));
        let goes_on =
            |one: &hold::Hold| one.kind == HoldKind::Transferred && one.goes_on(self.taker.on);
        let held: HashSet<String> = hold::store::holds_of(db, self.lender, &keys)?
            .into_iter()
            .filter(goes_on)
            .map(|one| one.opening.account_no)
            .collect();
        for one in transferred.into_iter().filter(|one| !held.contains(&one.account_no)) {
            let new = NewHold {
                account_no: &one.account_no,
                kind: HoldKind::Transferred,
                reason: code,
                from: self.taker.on,
                until: None,
                by_file: false,
            };
            hold::store::open(db, act, &new)?;
        }
        Ok(())
    }
}

/// What is owed on a day; on everything known when no file reaches back to it.
fn owed(position: &Position<StatedBalance>, on: NaiveDate) -> Money {
    position.owed_on(on).unwrap_or_else(|| position.owed_known())
}

/// The accounts a file names, each once. A row that names none is no row to pass over: the file is refused.
pub fn read_accounts(path: &Path) -> Result<Accounts, PlacementError> {
    let mut sheet = Sheet::open(path, COLUMNS, None)?;
    let mut raw = RawRow::default();
    let (mut seen, mut accounts) = (HashSet::new(), Vec::new());
    while sheet.next(&mut raw)? {
        let account_no = sheet
            .row(&raw)
            .and_then(|row| key(&row, 0)?.ok_or_else(|| row.fault(0, Needed::AccountNo)));
        let account_no = account_no.map_err(|fault| sheet.refuse(&fault))?;
        if seen.insert(account_no.clone()) {
            accounts.push((Some(raw.line), account_no));
        }
    }
    Ok(accounts)
}
