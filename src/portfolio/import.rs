//! A portfolio file: rows merged with what is known of their accounts, holds opened and ended, and a ledger that
//! follows the balances.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::NaiveDate;
use serde_json::json;

use super::columns::{self, Stated};
use super::personal::Key;
use super::{FileRow, store};
use crate::audit::Act;
use crate::db::Db;
use crate::hold::{self, HoldKind, NewHold};
use crate::intake::{Before, CHUNK, Intake, IntakeError, Kind, Taken, Told};
use crate::kernel::{Currency, Money, Total, count};
use crate::ledger::{LedgerError, Transaction, chart};
use crate::placement::close;
use crate::position::{self, Position};
use crate::sheet::wrong::{Unusable, Wrong};
use crate::sheet::{Column, Fault, RawRow, Row, Sheet, SheetError};

/// A portfolio file of a day while it is taken in.
pub struct Portfolio<'a> {
    as_of: NaiveDate,
    key: Option<&'a Key>,
    states_holds: bool,
    known_before: i64,
    refused: Vec<String>,
    file_holds: HashMap<String, Vec<(HoldKind, i64)>>,
    moves: BTreeMap<String, Total>,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    new: i64,
    updated: i64,
    unchanged: i64,
    total: Total,
    refused_known: i64,
    closed_as_paid: usize,
}

/// What a portfolio's report says beside the counts.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Totals {
    /// Accounts new to the book.
    pub new: i64,
    /// Accounts whose newest facts changed.
    pub updated: i64,
    /// Accounts that stayed as they were.
    pub unchanged: i64,
    /// Accounts of the book that the file does not name.
    pub missing: i64,
    /// Σ balance of the rows taken in.
    pub total: String,
    /// Placements closed as paid.
    pub closed_as_paid: usize,
}

impl<'a> Portfolio<'a> {
    /// A file of a day, with the key for personal data.
    pub fn as_of(as_of: NaiveDate, key: Option<&'a Key>) -> Portfolio<'a> {
        Portfolio {
            as_of,
            key,
            states_holds: false,
            known_before: 0,
            refused: Vec::new(),
            file_holds: HashMap::new(),
            moves: BTreeMap::new(),
            counts: Counts::default(),
        }
    }
}

impl Kind for Portfolio<'_> {
    const COLUMNS: &'static [Column] = columns::COLUMNS;
    const STAGE: &'static str = "importing accounts";
    const DIRECTIONS: Told = Told::ByName;
    type Row = Stated;
    type Totals = Totals;

    fn begin(
        &mut self,
        db: &mut Db,
        sheet: &Sheet,
        intake: &Intake,
    ) -> Result<Option<Before<Totals>>, IntakeError> {
        let (lender, file) = (&intake.lender.code, sheet.path.display().to_string());
        if !columns::states_balances(sheet) {
            return Err(SheetError::Content { file, why: Unusable::NoBalance }.into());
        }
        if self.as_of > intake.latest {
            let (as_of, today) = (self.as_of, intake.latest);
            return Err(IntakeError::Future { file, as_of, today });
        }
        if let Some(key) = self.key {
            key.check(store::sealed_before(db, lender, ("portfolio_row", "personal"))?.as_deref())
                .map_err(IntakeError::Key)?;
        }
        self.states_holds = columns::states_holds(sheet);
        self.known_before = store::account_count(db, lender)?;
        self.file_holds = open_file_holds(db, lender)?;
        let before = store::same_file(db, lender, &sheet.sha256, self.as_of)?;
        Ok(before.map(|before| {
            let total = before.total.plain(intake.lender.currency);
            let totals = Totals { unchanged: before.accepted, total, ..Totals::default() };
            Before { known: before.accepted, rejected: before.rejected, totals }
        }))
    }

    fn read(&self, row: &Row<'_>, intake: &Intake) -> Result<Stated, Fault> {
        columns::read(row, intake.lender.currency)
    }

    fn amount(&self, row: &Row<'_>, currency: Currency) -> Option<Money> {
        columns::control_amount(row, currency)
    }

    /// An account whose row was refused is in the file all the same: it is not missing from it.
    fn rejected(&mut self, row: &Row<'_>) {
        self.refused.extend(columns::account_no(row));
    }

    fn save(
        &mut self,
        db: &mut Db,
        chunk: Vec<(RawRow, Stated)>,
        intake: &mut Intake,
    ) -> Result<(), IntakeError> {
        let lender = intake.lender.code.clone();
        let accounts = chunk.iter().map(|(_, stated)| stated.account_no.as_str());
        let mut positions = position::load_rows(db, &lender, accounts)?;
        let mut rows = Vec::with_capacity(chunk.len());
        let mut paid = Vec::new();
        let mut seen: HashSet<String> = HashSet::with_capacity(chunk.len());
        for (raw, stated) in chunk {
            let position = positions.entry(stated.account_no.clone()).or_default();
            let earlier_in_file = position.files.iter().any(|row| row.seq == intake.act.seq());
            if earlier_in_file || !seen.insert(stated.account_no.clone()) {
                intake.reject(&raw, columns::ACCOUNT_NO, &stated.account_no, Wrong::Twice)?;
                continue;
            }
            let hold = stated.hold;
            let row = self.merge(intake.act.seq(), raw.line, stated, position)?;
            let newest = position.newest().is_none_or(|before| before.as_of <= row.as_of);
            self.count(&row, position, newest);
            let before =
                if position.files.is_empty() { Money::ZERO } else { position.owed_known() };
            position.files.push(row.clone());
            let after = position.owed_known();
            for (account, amount) in chart::owed_moves(position.holder(), before, after) {
                *self.moves.entry(account).or_default() += amount;
            }
            paid.extend(close::paid(position));
            if newest && self.states_holds {
                self.hold(db, &mut intake.act, &row, hold)?;
            }
            rows.push(row);
        }
        intake.accepted += rows.len() as u64;
        intake.act.record(db, &rows)?;
        self.counts.closed_as_paid += paid.len();
        close::close(db, &mut intake.act, &paid)?;
        if self.refused.len() >= CHUNK { self.count_refused(db, intake) } else { Ok(()) }
    }

    fn save_rest(&mut self, db: &mut Db, intake: &mut Intake) -> Result<(), IntakeError> {
        self.count_refused(db, intake)
    }

    /// The ledger transaction of the file, its record and the event.
    fn finish(self, db: &mut Db, taken: Taken<'_>) -> Result<Totals, IntakeError> {
        let (counts, mut act) = (self.counts, taken.act);
        let done = Totals {
            new: counts.new,
            updated: counts.updated,
            unchanged: counts.unchanged,
            missing: self.known_before - (taken.accepted - counts.new) - counts.refused_known,
            total: counts.total.plain(taken.lender.currency),
            closed_as_paid: counts.closed_as_paid,
        };
        let seq = act.seq();
        let event = format!("portfolio:{seq}");
        let Total(equity) = self.moves.values().copied().sum();
        let moves = self.moves.into_iter().chain([(chart::PORTFOLIO.to_string(), Total(-equity))]);
        let moves = moves.map(|(account, moved)| match moved.money() {
            Ok(amount) => Ok((account, amount)),
            Err(range) => Err(LedgerError::Range { event: event.clone(), account, range }),
        });
        let moves = moves.collect::<Result<Vec<_>, _>>()?;
        let transaction = Transaction::build(self.as_of, event, None, moves);
        act.post(db, transaction)?;
        let total = counts.total.money();
        let total =
            total.map_err(|range| IntakeError::Total { file: taken.file_name.clone(), range })?;
        let file = store::FileEntry {
            seq,
            file_name: taken.file_name.clone(),
            sha256: taken.sha256.to_string(),
            as_of: self.as_of,
            accepted: taken.accepted,
            created: done.new,
            updated: done.updated,
            unchanged: done.unchanged,
            missing: done.missing,
            rejected: taken.rejected,
            total,
        };
        act.record(db, &[file])?;
        let summary = json!({
            "file": taken.file_name, "sha256": taken.sha256, "as_of": self.as_of.to_string(),
            "new": done.new, "updated": done.updated, "unchanged": done.unchanged, "missing": done.missing, "rejected": taken.rejected,
        });
        act.finish(db, "portfolio imported", &summary)?;
        Ok(done)
    }
}

impl Portfolio<'_> {
    fn count_refused(&mut self, db: &mut Db, intake: &Intake) -> Result<(), IntakeError> {
        let mut refused = std::mem::take(&mut self.refused);
        refused.sort();
        refused.dedup();
        let keys = crate::db::keys_json(refused.iter().map(String::as_str));
        let known = store::stated_of(db, &intake.lender.code, &keys)?;
        let in_this_file: HashSet<&String> = known
            .iter()
            .filter(|(_, stated)| stated.seq == intake.act.seq())
            .map(|(account_no, _)| account_no)
            .collect();
        let named: HashSet<&String> = known.iter().map(|(account_no, _)| account_no).collect();
        self.counts.refused_known +=
            i64::try_from(named.difference(&in_this_file).count()).unwrap_or(0);
        Ok(())
    }

    /// What the file leaves out is taken over from the account's row before, the newest up to this day.
    fn merge(
        &self,
        seq: i64,
        line: u64,
        stated: Stated,
        position: &Position<FileRow>,
    ) -> Result<FileRow, IntakeError> {
        let before = position.newest_on(self.as_of);
        let inherited = |pick: fn(&FileRow) -> Option<String>| before.and_then(pick);
        let personal = self.personal(&stated, before)?;
        Ok(FileRow {
            as_of: self.as_of,
            seq,
            line: count(line as usize),
            balance: stated.balance,
            parts: stated.parts,
            days_past_due: stated.days_past_due,
            debtor_ref: stated
                .debtor_ref
                .or_else(|| inherited(|row| Some(row.debtor_ref.clone())))
                .unwrap_or_else(|| stated.account_no.clone()),
            region: stated.region.or_else(|| inherited(|row| row.region.clone())),
            product: stated.product.or_else(|| inherited(|row| row.product.clone())),
            charged_off: stated
                .charged_off
                .unwrap_or_else(|| before.is_some_and(|row| row.charged_off)),
            legal: stated.legal.unwrap_or_else(|| before.is_some_and(|row| row.legal)),
            opened_on: stated.opened_on.or_else(|| before.and_then(|row| row.opened_on)),
            last_paid_on: stated.last_paid_on.or_else(|| before.and_then(|row| row.last_paid_on)),
            score: stated.score.or_else(|| inherited(|row| row.score.clone())),
            personal,
            account_no: stated.account_no,
        })
    }

    /// The encrypted personal data: the text before when nothing new is said.
    fn personal(
        &self,
        stated: &Stated,
        before: Option<&FileRow>,
    ) -> Result<Option<String>, IntakeError> {
        let sealed_before = before.and_then(|row| row.personal.clone());
        if stated.personal.iter().all(Option::is_none) {
            return Ok(sealed_before);
        }
        let key = self.key.ok_or_else(|| {
            IntakeError::Key(
                "the file has personal data, which is stored encrypted; set CONSIGN_KEY to a secret and import again".to_string(),
            )
        })?;
        let known =
            sealed_before.as_deref().and_then(|sealed| key.open(sealed)).unwrap_or_default();
        let mut values = stated.personal.clone();
        for (value, known) in values.iter_mut().zip(&known) {
            *value = value.take().or_else(|| known.clone());
        }
        if sealed_before.is_some() && values == known {
            return Ok(sealed_before);
        }
        key.seal(&values).map(Some).map_err(IntakeError::Key)
    }

    fn count(&mut self, row: &FileRow, position: &Position<FileRow>, newest: bool) {
        self.counts.total += row.balance;
        match position.newest() {
            None => self.counts.new += 1,
            Some(before) if newest && !before.same_content(row) => self.counts.updated += 1,
            Some(_) => self.counts.unchanged += 1,
        }
    }

    /// A filled cell opens a hold; an emptied one ends what a file opened.
    fn hold(
        &mut self,
        db: &mut Db,
        act: &mut Act,
        row: &FileRow,
        kind: Option<HoldKind>,
    ) -> Result<(), IntakeError> {
        let mut open = self.file_holds.remove(&row.account_no).unwrap_or_default();
        let (going_on, ending): (Vec<_>, Vec<_>) =
            open.drain(..).partition(|(one, _)| Some(*one) == kind);
        for one in ending {
            hold::store::end(db, act, &row.account_no, one, self.as_of)?;
        }
        open = going_on;
        if let (Some(kind), true) = (kind, open.is_empty()) {
            let new = NewHold {
                account_no: &row.account_no,
                kind,
                reason: "stated by the lender's file",
                from: self.as_of,
                until: None,
                by_file: true,
            };
            hold::store::open(db, act, &new)?;
            open.push((kind, act.seq()));
        }
        if !open.is_empty() {
            self.file_holds.insert(row.account_no.clone(), open);
        }
        Ok(())
    }
}

/// The holds that files opened and that go on.
fn open_file_holds(
    db: &mut Db,
    lender: &str,
) -> Result<HashMap<String, Vec<(HoldKind, i64)>>, IntakeError> {
    let mut open: HashMap<String, Vec<(HoldKind, i64)>> = HashMap::new();
    for one in hold::store::holds_known(db, lender, i64::MAX)?
        .into_iter()
        .filter(|one| one.by_file && one.ended_on.is_none())
    {
        open.entry(one.opening.account_no.clone()).or_default().push((one.kind, one.seq));
    }
    Ok(open)
}
