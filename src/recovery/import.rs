//! Taking in a recoveries file: each reference once, each recovery posted, rows in any order.
//!
//! Payments go in as they come. Reversals and waivers wait until all payments of the file are in, and then go in
//! by day, so that a reversal may stand before its payment and the order of the rows decides nothing.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde_json::json;

use super::attribution::attribute;
use super::columns::{self, ACCOUNT_NO, AMOUNT, PRINCIPAL, RECEIVED_ON, REFERENCE, REVERSES};
use super::{Kind, Recovery, RecoveryError, store};
use crate::audit::{Act, By};
use crate::db::{Db, keys_json, write};
use crate::kernel::progress::Progress;
use crate::kernel::{Currency, Money, count};
use crate::ledger::{Transaction, chart};
use crate::party;
use crate::placement::close;
use crate::sheet::{ColumnMap, Fault, RawRow, Rejects, Sheet};
use crate::standing::{self, Standing, Stated};

/// What an import did.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Imported {
    /// Data rows in the file.
    pub rows: u64,
    /// Recoveries taken in.
    pub accepted: u64,
    /// Rows whose reference is known with the same content.
    pub duplicate: u64,
    /// Rows rejected.
    pub rejected: u64,
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
    /// What is odd but harmless.
    pub warnings: Vec<String>,
    /// The first rejected rows.
    pub faults: Vec<Fault>,
}

/// Rows worked on at once.
const CHUNK: usize = 5_000;

/// How a file is taken in.
#[derive(Default)]
pub struct Options<'a> {
    /// Names of columns, where the file's own differ.
    pub map: Option<&'a ColumnMap>,
    /// Where rejected rows go.
    pub rejects: Option<&'a Path>,
}

/// Takes in a recoveries file. Rows already known with the same content are skipped; bad rows are rejected.
pub fn import(
    db: &mut Db,
    lender_code: &str,
    path: &Path,
    options: &Options<'_>,
    by: &By,
    progress: &mut dyn Progress,
) -> Result<Imported, RecoveryError> {
    let mut sheet = Sheet::open(path, columns::COLUMNS, options.map)?;
    let rejects = Rejects::new(&sheet.header, options.rejects)?;
    progress.stage("importing recoveries", None);
    write(db, lender_code, |db| {
        let lender = party::store::lender(db, lender_code)?
            .ok_or_else(|| RecoveryError::NoLender(lender_code.to_string()))?;
        let assignees = party::store::assignees(db, lender_code)?
            .into_iter()
            .map(|assignee| assignee.code)
            .collect();
        let mut taking = Taking {
            currency: lender.currency,
            lender: lender.code,
            assignees,
            act: Act::begin(db, lender_code, by)?,
            done: Imported { warnings: sheet.warnings.clone(), ..Imported::default() },
            sums: HashMap::new(),
            paid_off: Vec::new(),
            rejects,
        };
        taking.read_all(db, &mut sheet, progress)?;
        taking.finish(db, &sheet)
    })
}

/// A row and what it says.
type Read = (RawRow, Recovery);

struct Taking {
    currency: Currency,
    lender: String,
    assignees: Vec<String>,
    act: Act,
    done: Imported,
    sums: HashMap<&'static str, Money>,
    /// Accounts that owed nothing when their rows went in: looked at again when all rows are in.
    paid_off: Vec<String>,
    rejects: Rejects,
}

/// A row that cannot go in: the column at fault and why.
struct Refusal(usize, String);

impl Taking {
    fn read_all(
        &mut self,
        db: &mut Db,
        sheet: &mut Sheet,
        progress: &mut dyn Progress,
    ) -> Result<(), RecoveryError> {
        let mut raw = RawRow::default();
        let (mut chunk, mut later): (Vec<Read>, Vec<Read>) =
            (Vec::with_capacity(CHUNK), Vec::new());
        while sheet.next(&mut raw)? {
            self.done.rows += 1;
            let read =
                sheet.row(&raw).and_then(|row| columns::read(&row, self.currency, &self.assignees));
            match read {
                Ok(recovery) if recovery.kind == Kind::Payment => {
                    chunk.push((raw.clone(), recovery))
                }
                Ok(recovery) => later.push((raw.clone(), recovery)),
                Err(fault) => self.rejects.add(&raw, fault)?,
            }
            if chunk.len() == CHUNK {
                self.take(db, std::mem::take(&mut chunk))?;
                progress.advance(CHUNK as u64);
            }
        }
        progress.advance((chunk.len() + later.len()) as u64);
        self.take(db, chunk)?;
        later.sort_by(|(_, a), (_, b)| {
            (a.received_on, a.kind, &a.reference).cmp(&(b.received_on, b.kind, &b.reference))
        });
        while !later.is_empty() {
            let rest = later.split_off(later.len().min(CHUNK));
            self.take(db, std::mem::replace(&mut later, rest))?;
        }
        Ok(())
    }

    /// Takes in some rows: decides in memory, row by row, then writes.
    fn take(&mut self, db: &mut Db, chunk: Vec<Read>) -> Result<(), RecoveryError> {
        let mut known = Known::load(db, &self.lender, &chunk)?;
        let mut accepted: Vec<Recovery> = Vec::with_capacity(chunk.len());
        for (raw, mut recovery) in chunk {
            match known.check(&mut recovery) {
                Ok(true) => {}
                Ok(false) => {
                    self.done.duplicate += 1;
                    continue;
                }
                Err(Refusal(column, reason)) => {
                    let fault = self.fault(&raw, &recovery, column, reason);
                    self.rejects.add(&raw, fault)?;
                    continue;
                }
            }
            recovery.seq = self.act.seq();
            let of_waiver = known.is_of_waiver(&recovery);
            // Decided on the account's standing just now: without it the import stops, and no row is passed over.
            let standing = known.standings.get_mut(&recovery.account_no).ok_or(diesel::NotFound)?;
            let transaction = post(&mut recovery, of_waiver, standing);
            self.act.journal.post(db, &mut self.act.book, transaction)?;
            self.count(&recovery, standing);
            known.recoveries.insert(recovery.reference.clone(), recovery.clone());
            accepted.push(recovery);
        }
        let lender = self.lender.clone();
        let cells: Vec<_> = accepted.iter().map(|one| store::cells(&lender, one)).collect();
        self.act.write(db, &store::RECOVERIES, &cells)?;
        Ok(())
    }

    fn fault(&self, raw: &RawRow, recovery: &Recovery, column: usize, reason: String) -> Fault {
        let value = match column {
            REFERENCE => recovery.reference.clone(),
            ACCOUNT_NO => recovery.account_no.clone(),
            RECEIVED_ON => recovery.received_on.to_string(),
            REVERSES => recovery.reverses.clone().unwrap_or_default(),
            AMOUNT => recovery.amount.plain(self.currency),
            component => {
                let parts = recovery.components.unwrap_or_default();
                parts
                    .get(component - PRINCIPAL)
                    .map_or_else(String::new, |part| part.plain(self.currency))
            }
        };
        let name = columns::COLUMNS.get(column).map_or("", |column| column.name);
        Fault { line: raw.line, column: name.to_string(), value, reason }
    }

    fn count(&mut self, recovery: &Recovery, standing: &Standing<Stated>) {
        self.done.accepted += 1;
        *self.sums.entry(recovery.kind.name()).or_default() += recovery.amount;
        if recovery.kind == Kind::Payment {
            match attribute(&standing.placements, recovery.received_on) {
                Ok(_) => self.done.attributed += 1,
                Err(reason) => *self.done.house.entry(reason.code()).or_default() += 1,
            }
        }
        if recovery.kind == Kind::Payment && recovery.beyond_owed > Money::ZERO {
            self.done.beyond_owed += 1;
        }
        if standing.active().is_some() && standing.owed_known() <= Money::ZERO {
            self.paid_off.push(recovery.account_no.clone());
        }
    }

    /// Closes what is paid, records the file and the event.
    fn finish(mut self, db: &mut Db, sheet: &Sheet) -> Result<Imported, RecoveryError> {
        self.rejects.finish()?;
        let sum = |name: &str| self.sums.get(name).copied().unwrap_or_default();
        self.done.rejected = self.rejects.count;
        self.done.faults = std::mem::take(&mut self.rejects.first);
        self.done.payments = sum("payment").plain(self.currency);
        self.done.reversals = sum("reversal").plain(self.currency);
        self.done.waivers = sum("waiver").plain(self.currency);
        let total = sum("payment");
        if self.done.accepted == 0 {
            return Ok(self.done);
        }
        self.paid_off.sort();
        self.paid_off.dedup();
        for accounts in std::mem::take(&mut self.paid_off).chunks(CHUNK) {
            let standings = standing::load(db, &self.lender, accounts.iter().map(String::as_str))?;
            let paid: Vec<close::ToClose> = accounts
                .iter()
                .filter_map(|account_no| standings.get(account_no))
                .filter_map(close::paid)
                .collect();
            self.done.closed_as_paid += paid.len();
            close::close(db, &mut self.act, &paid)?;
        }
        let count = |number: u64| count(number as usize);
        let file_name = sheet.file_name();
        let row = vec![
            self.lender.as_str().into(),
            self.act.seq().into(),
            file_name.as_str().into(),
            sheet.sha256.as_str().into(),
            count(self.done.accepted).into(),
            count(self.done.duplicate).into(),
            count(self.done.rejected).into(),
            total.into(),
        ];
        self.act.write(db, &store::FILES, &[row])?;
        let summary = json!({
            "file": file_name, "sha256": sheet.sha256, "accepted": self.done.accepted,
            "duplicate": self.done.duplicate, "rejected": self.done.rejected,
        });
        self.act.finish(db, "recoveries imported", &summary)?;
        Ok(self.done)
    }
}

/// What the book knows that matters for some rows.
struct Known {
    /// By reference: the rows' own and the ones they take back.
    recoveries: HashMap<String, Recovery>,
    /// Reversals by what they take back.
    reversals: HashMap<String, Vec<Recovery>>,
    standings: HashMap<String, Standing<Stated>>,
}

impl Known {
    fn load(db: &mut Db, lender: &str, chunk: &[Read]) -> Result<Known, RecoveryError> {
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
        let standings =
            standing::load(db, lender, chunk.iter().map(|(_, one)| one.account_no.as_str()))?;
        Ok(Known { recoveries, reversals, standings })
    }

    /// Whether a row is new (`true`), known already (`false`), or refused. A reversal takes over channel and
    /// agency of what it takes back.
    fn check(&mut self, recovery: &mut Recovery) -> Result<bool, Refusal> {
        let Some(standing) = self.standings.get(&recovery.account_no) else {
            return Err(Refusal(
                ACCOUNT_NO,
                "is not known; import the portfolio that has it first".to_string(),
            ));
        };
        if recovery.kind == Kind::Reversal {
            self.inherit(recovery)?;
        }
        if let Some(known) = self.recoveries.get(&recovery.reference) {
            return if known.same_content(recovery) {
                Ok(false)
            } else {
                Err(Refusal(
                    REFERENCE,
                    "is known with other content; a correction needs a reference of its own"
                        .to_string(),
                ))
            };
        }
        match recovery.kind {
            Kind::Payment => {}
            Kind::Waiver => check_waiver(recovery, standing)?,
            Kind::Reversal => {
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
        original.unwrap_or(recovery).kind == Kind::Waiver
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

fn unknown_original() -> Refusal {
    Refusal(
        REVERSES,
        "names a payment that is not known; send the row again when the payment is in".to_string(),
    )
}

/// A waiver reduces what is owed, never beyond it: neither on its day nor on everything known.
fn check_waiver(waiver: &Recovery, standing: &Standing<Stated>) -> Result<(), Refusal> {
    if standing.is_inside_file(waiver.received_on) {
        return Ok(());
    }
    let now = standing.owed_known();
    let owed = standing.owed_on(waiver.received_on).map_or(now, |on_its_day| on_its_day.min(now));
    if waiver.amount > owed.positive_part() {
        return Err(Refusal(
            AMOUNT,
            "is more than what is owed; a waiver never goes beyond it".to_string(),
        ));
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
    if original.kind == Kind::Reversal {
        return Err(Refusal(
            REVERSES,
            "names a reversal; only payments and waivers are taken back".to_string(),
        ));
    }
    if original.account_no != reversal.account_no {
        return Err(Refusal(
            ACCOUNT_NO,
            format!("is not the account of the payment, which is {}", original.account_no),
        ));
    }
    if reversal.received_on < original.received_on {
        return Err(Refusal(
            RECEIVED_ON,
            format!("lies before the payment of {}", original.received_on),
        ));
    }
    let left = original.amount - earlier.iter().map(|one| one.amount).sum();
    if reversal.amount > left {
        return Err(Refusal(AMOUNT, "is more than what is left of the payment".to_string()));
    }
    if let (Some(parts), Some(whole)) = (reversal.components, original.components) {
        for i in 0..parts.len() {
            let taken: Money =
                earlier.iter().filter_map(|one| one.components).map(|parts| parts[i]).sum();
            if parts[i] > whole[i] - taken {
                return Err(Refusal(
                    PRINCIPAL + i,
                    "takes back more than what is left of this component".to_string(),
                ));
            }
        }
    }
    Ok(())
}

/// The ledger transaction of a recovery (rules 2.6, 7), and its effect on the account's standing. What the newest
/// file's figure already contains moves cash only: its effect on the balance is cancelled against the portfolio.
fn post(
    recovery: &mut Recovery,
    of_waiver: bool,
    standing: &mut Standing<Stated>,
) -> Result<Option<Transaction>, crate::ledger::Unbalanced> {
    let before = standing.owed_known();
    let receipt = recovery.receipt();
    standing.receipts.push(receipt);
    let after = standing.owed_known();
    let beyond = |owed: Money| (-owed).positive_part();
    recovery.beyond_owed = (beyond(after) - beyond(before)).positive_part();
    let debited = recovery.money_account(of_waiver);
    let event = format!("recovery:{}", recovery.reference);
    let corrects = recovery.reverses.as_ref().map(|original| format!("recovery:{original}"));
    let mut moves: Vec<(String, Money)> = standing::shift(standing.holder(), before, after).into();
    moves.push((debited, receipt.reduces));
    if before == after {
        moves.push((chart::PORTFOLIO.to_string(), -receipt.reduces));
    }
    Transaction::build(recovery.received_on, event, corrects, moves)
}
