//! A recoveries file: each reference once, each recovery posted, rows in any order.
//!
//! Payments go in as they come. Reversals and waivers wait until all payments of the file are in, and then go in
//! by day, so that a reversal may stand before its payment and the order of the rows decides nothing.

use std::collections::{BTreeMap, HashMap};

use serde_json::json;

use super::attribution::attribute;
use super::columns::{
    self, ACCOUNT_NO, AMOUNT, Against, PRINCIPAL, RECEIVED_ON, REFERENCE, REVERSES,
};
use super::{Kind as Of, Recovery, store};
use crate::audit::Act;
use crate::db::{Db, keys_json};
use crate::intake::{Before, CHUNK, Intake, IntakeError, Kind, Taken, Told};
use crate::kernel::{Currency, Money};
use crate::ledger::{Transaction, chart};
use crate::party;
use crate::placement::close;
use crate::portfolio::StatedBalance;
use crate::position::{self, Position};
use crate::sheet::wrong::Wrong;
use crate::sheet::{Column, Fault, RawRow, Row, Sheet};

/// A recoveries file while it is taken in.
#[derive(Default)]
pub struct Recoveries {
    assignees: Vec<String>,
    totals: Totals,
    sums: HashMap<&'static str, Money>,
    /// Reversals and waivers, until all payments are in.
    later: Vec<Read>,
    /// Accounts that owed nothing when their rows went in: looked at again when all rows are in.
    paid_off: Vec<String>,
}

/// What a report on recoveries says beside the counts.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Totals {
    /// Σ amount of the payments taken in.
    pub payments: String,
    /// Σ amount of the reversals taken in.
    pub reversals: String,
    /// Σ amount of the waivers taken in.
    pub waivers: String,
    /// Payments that belong to a placement.
    pub attributed: u64,
    /// Payments of the house, by reason code.
    pub house: BTreeMap<&'static str, u64>,
    /// Payments of which a part lies beyond what was owed.
    pub beyond_owed: u64,
    /// Placements closed as paid.
    pub closed_as_paid: usize,
}

/// A row and what it says.
type Read = (RawRow, Recovery);

/// A row that cannot go in: the column at fault and why.
struct Refusal(usize, Wrong);

impl Kind for Recoveries {
    const COLUMNS: &'static [Column] = columns::COLUMNS;
    const STAGE: &'static str = "importing recoveries";
    const DIRECTIONS: Told = Told::ByContent;
    type Row = Recovery;
    type Totals = Totals;

    /// The same bytes are rows whose references are known: they need no look at the file.
    fn begin(
        &mut self,
        db: &mut Db,
        _sheet: &Sheet,
        intake: &Intake,
    ) -> Result<Option<Before<Totals>>, IntakeError> {
        self.assignees = party::store::assignees(db, &intake.lender.code)?
            .into_iter()
            .map(|assignee| assignee.code)
            .collect();
        Ok(None)
    }

    fn read(&self, row: &Row<'_>, intake: &Intake) -> Result<Recovery, Fault> {
        let against = Against {
            currency: intake.lender.currency,
            assignees: &self.assignees,
            latest: intake.latest,
        };
        columns::read(row, &against)
    }

    fn amount(&self, row: &Row<'_>, currency: Currency) -> Option<Money> {
        columns::control_amount(row, currency)
    }

    fn save(
        &mut self,
        db: &mut Db,
        rows: Vec<Read>,
        intake: &mut Intake,
    ) -> Result<(), IntakeError> {
        let (payments, later) = rows.into_iter().partition(|(_, one)| one.kind == Of::Payment);
        let later: Vec<Read> = later;
        let bytes = later.iter().map(|(raw, one)| raw.size() + size_of_val(one)).sum();
        intake.keep(bytes, "reversals and waivers")?;
        self.later.extend(later);
        self.take(db, payments, intake)
    }

    fn save_rest(&mut self, db: &mut Db, intake: &mut Intake) -> Result<(), IntakeError> {
        let mut later = std::mem::take(&mut self.later);
        later.sort_by(|(_, a), (_, b)| {
            (a.received_on, a.kind, &a.reference).cmp(&(b.received_on, b.kind, &b.reference))
        });
        while !later.is_empty() {
            let rest = later.split_off(later.len().min(CHUNK));
            self.take(db, std::mem::replace(&mut later, rest), intake)?;
        }
        Ok(())
    }

    /// Closes what is paid, records the file and the event.
    fn finish(mut self, db: &mut Db, taken: Taken<'_>) -> Result<Totals, IntakeError> {
        let (lender, currency) = (taken.lender.code.as_str(), taken.lender.currency);
        let sum = |name: &str| self.sums.get(name).copied().unwrap_or_default();
        self.totals.payments = sum("payment").plain(currency);
        self.totals.reversals = sum("reversal").plain(currency);
        self.totals.waivers = sum("waiver").plain(currency);
        let total = sum("payment");
        if taken.accepted == 0 {
            return Ok(self.totals);
        }
        let mut act = taken.act;
        self.close_paid(db, lender, &mut act)?;
        let file = store::FileEntry {
            seq: act.seq(),
            file_name: taken.file_name.clone(),
            sha256: taken.sha256.to_string(),
            accepted: taken.accepted,
            duplicate: taken.duplicate,
            rejected: taken.rejected,
            total,
        };
        act.record(db, &[file])?;
        let summary = json!({
            "file": taken.file_name, "sha256": taken.sha256, "accepted": taken.accepted,
            "duplicate": taken.duplicate, "rejected": taken.rejected,
        });
        act.finish(db, "recoveries imported", &summary)?;
        Ok(self.totals)
    }
}

impl Recoveries {
    /// Takes in some rows: decides in memory, row by row, then writes.
    fn take(
        &mut self,
        db: &mut Db,
        chunk: Vec<Read>,
        intake: &mut Intake,
    ) -> Result<(), IntakeError> {
        let lender = intake.lender.code.clone();
        let mut known = Known::load(db, &lender, &chunk)?;
        let mut accepted: Vec<Recovery> = Vec::with_capacity(chunk.len());
        for (raw, mut recovery) in chunk {
            match known.check(&mut recovery) {
                Ok(true) => {}
                Ok(false) => {
                    intake.duplicate += 1;
                    continue;
                }
                Err(Refusal(column, reason)) => {
                    let value = value(&recovery, column, intake.lender.currency);
                    intake.reject(&raw, column, &value, reason)?;
                    continue;
                }
            }
            recovery.seq = intake.act.seq();
            let of_waiver = known.is_of_waiver(&recovery);
            // Decided on the account's position just now: without it the import stops, and no row is passed over.
            let position = known.positions.get_mut(&recovery.account_no).ok_or(diesel::NotFound)?;
            let transaction = post(&mut recovery, of_waiver, position);
            let act = &mut intake.act;
            act.post(db, transaction)?;
            self.count(&recovery, position);
            known.recoveries.insert(recovery.reference.clone(), recovery.clone());
            accepted.push(recovery);
        }
        intake.accepted += accepted.len() as u64;
        intake.act.record(db, &accepted)?;
        Ok(())
    }

    fn count(&mut self, recovery: &Recovery, position: &Position<StatedBalance>) {
        *self.sums.entry(recovery.kind.name()).or_default() += recovery.amount;
        if recovery.kind == Of::Payment {
            match attribute(&position.placements, recovery.received_on) {
                Ok(_) => self.totals.attributed += 1,
                Err(reason) => *self.totals.house.entry(reason.code()).or_default() += 1,
            }
        }
        if recovery.kind == Of::Payment && recovery.beyond_owed > Money::ZERO {
            self.totals.beyond_owed += 1;
        }
        if position.active().is_some() && position.owed_known() <= Money::ZERO {
            self.paid_off.push(recovery.account_no.clone());
        }
    }

    fn close_paid(&mut self, db: &mut Db, lender: &str, act: &mut Act) -> Result<(), IntakeError> {
        self.paid_off.sort();
        self.paid_off.dedup();
        for accounts in std::mem::take(&mut self.paid_off).chunks(CHUNK) {
            let positions = position::load(db, lender, accounts.iter().map(String::as_str))?;
            let paid: Vec<close::ToClose> = accounts
                .iter()
                .filter_map(|account_no| positions.get(account_no))
                .filter_map(close::paid)
                .collect();
            self.totals.closed_as_paid += paid.len();
            close::close(db, act, &paid)?;
        }
        Ok(())
    }
}

/// What a recovery says in a column.
fn value(recovery: &Recovery, column: usize, currency: Currency) -> String {
    match column {
        REFERENCE => recovery.reference.clone(),
        ACCOUNT_NO => recovery.account_no.clone(),
        RECEIVED_ON => recovery.received_on.to_string(),
        REVERSES => recovery.reverses.clone().unwrap_or_default(),
        AMOUNT => recovery.amount.plain(currency),
        component => {
            let parts = recovery.components.unwrap_or_default();
            parts.get(component - PRINCIPAL).map_or_else(String::new, |part| part.plain(currency))
        }
    }
}

/// What the book knows that matters for some rows.
struct Known {
    /// By reference: the rows' own and the ones they take back.
    recoveries: HashMap<String, Recovery>,
    /// Reversals by what they take back.
    reversals: HashMap<String, Vec<Recovery>>,
    positions: HashMap<String, Position<StatedBalance>>,
}

impl Known {
    fn load(db: &mut Db, lender: &str, chunk: &[Read]) -> Result<Known, IntakeError> {
        let reversed: Vec<&str> =
            chunk.iter().filter_map(|(_, one)| one.reverses.as_deref()).collect();
        let references =
            chunk.iter().map(|(_, one)| one.reference.as_str()).chain(reversed.iter().copied());
        let found = store::by_reference(db, lender, &keys_json(references))?;
        let recoveries = found.into_iter().map(|one| (one.reference.clone(), one)).collect();
        let mut reversals: HashMap<String, Vec<Recovery>> = HashMap::new();
        if !reversed.is_empty() {
            for one in store::reversals_of(db, lender, &keys_json(reversed.into_iter()))? {
                reversals.entry(one.reverses.clone().unwrap_or_default()).or_default().push(one);
            }
        }
        let positions =
            position::load(db, lender, chunk.iter().map(|(_, one)| one.account_no.as_str()))?;
        Ok(Known { recoveries, reversals, positions })
    }

    /// Whether a row is new (`true`), known already (`false`), or refused. A reversal takes over channel and
    /// agency of what it takes back.
    fn check(&mut self, recovery: &mut Recovery) -> Result<bool, Refusal> {
        let Some(position) = self.positions.get(&recovery.account_no) else {
            return Err(unknown_account());
        };
        if recovery.kind == Of::Reversal {
            self.inherit(recovery)?;
        }
        if let Some(known) = self.recoveries.get(&recovery.reference) {
            return if known.same_content(recovery) {
                Ok(false)
            } else {
                Err(Refusal(REFERENCE, Wrong::OtherContent))
            };
        }
        match recovery.kind {
            Of::Payment => {}
            Of::Waiver => check_waiver(recovery, position)?,
            Of::Reversal => {
                let Some(original) =
                    recovery.reverses.as_ref().and_then(|reference| self.recoveries.get(reference))
                else {
                    return Err(unknown_original());
                };
                let earlier = self.reversals.entry(original.reference.clone()).or_default();
                check_reversal(recovery, original, earlier)?;
                earlier.push(recovery.clone());
            }
        }
        Ok(true)
    }

    /// Whether a recovery is a waiver or takes one back.
    fn is_of_waiver(&self, recovery: &Recovery) -> bool {
        let original =
            recovery.reverses.as_ref().and_then(|reference| self.recoveries.get(reference));
        original.unwrap_or(recovery).kind == Of::Waiver
    }

    fn inherit(&self, recovery: &mut Recovery) -> Result<(), Refusal> {
        let original = recovery
            .reverses
            .as_ref()
            .and_then(|reference| self.recoveries.get(reference))
            .ok_or_else(unknown_original)?;
        recovery.channel = original.channel;
        recovery.agency = original.agency.clone();
        Ok(())
    }
}

fn unknown_account() -> Refusal {
    Refusal(ACCOUNT_NO, Wrong::NoAccount)
}

fn unknown_original() -> Refusal {
    Refusal(REVERSES, Wrong::NoPayment)
}

/// A waiver reduces what is owed, never beyond it: neither on its day nor on everything known.
fn check_waiver(waiver: &Recovery, position: &Position<StatedBalance>) -> Result<(), Refusal> {
    if position.is_inside_file(waiver.received_on) {
        return Ok(());
    }
    let now = position.owed_known();
    let owed = position.owed_on(waiver.received_on).map_or(now, |on_its_day| on_its_day.min(now));
    if waiver.amount > owed.positive_part() {
        return Err(Refusal(AMOUNT, Wrong::BeyondOwed));
    }
    Ok(())
}

/// A reversal names a payment or waiver of the same account, is not dated before it, and never exceeds what is
/// left of it, as a whole and in each component.
fn check_reversal(
    reversal: &Recovery,
    original: &Recovery,
    earlier: &[Recovery],
) -> Result<(), Refusal> {
    if original.kind == Of::Reversal {
        return Err(Refusal(REVERSES, Wrong::ReversalOfReversal));
    }
    if original.account_no != reversal.account_no {
        return Err(Refusal(ACCOUNT_NO, Wrong::OtherAccount(original.account_no.clone())));
    }
    if reversal.received_on < original.received_on {
        return Err(Refusal(RECEIVED_ON, Wrong::BeforePayment(original.received_on)));
    }
    let left = original.amount - earlier.iter().map(|one| one.amount).sum();
    if reversal.amount > left {
        return Err(Refusal(AMOUNT, Wrong::BeyondPayment));
    }
    if let (Some(parts), Some(whole)) = (reversal.components, original.components) {
        for i in 0..parts.len() {
            let taken: Money =
                earlier.iter().filter_map(|one| one.components).map(|parts| parts[i]).sum();
            if parts[i] > whole[i] - taken {
                return Err(Refusal(PRINCIPAL + i, Wrong::BeyondComponent));
            }
        }
    }
    Ok(())
}

/// The ledger transaction of a recovery (rules 2.6, 7), and its effect on the account's position. What the newest
/// file's figure already contains moves cash only: its effect on the balance is cancelled against the portfolio.
fn post(
    recovery: &mut Recovery,
    of_waiver: bool,
    position: &mut Position<StatedBalance>,
) -> Result<Option<Transaction>, crate::ledger::Unbalanced> {
    let before = position.owed_known();
    let receipt = recovery.receipt();
    position.receipts.push(receipt);
    let after = position.owed_known();
    let beyond = |owed: Money| (-owed).positive_part();
    recovery.beyond_owed = (beyond(after) - beyond(before)).positive_part();
    let debited = recovery.money_account(of_waiver);
    let event = format!("recovery:{}", recovery.reference);
    let corrects = recovery.reverses.as_ref().map(|original| format!("recovery:{original}"));
    let mut moves: Vec<(String, Money)> =
        chart::owed_moves(position.holder(), before, after).into();
    moves.push((debited, receipt.reduces));
    if before == after {
        moves.push((chart::PORTFOLIO.to_string(), -receipt.reduces));
    }
    Transaction::build(recovery.received_on, event, corrects, moves)
}
