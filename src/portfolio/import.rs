//! Taking in a portfolio file: good rows go in, bad rows are reported, and the ledger follows the balances.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use chrono::NaiveDate;
use serde_json::json;

use super::columns::{self, Stated};
use super::hold::{HoldKind, NewHold};
use super::personal::Key;
use super::{FileRow, PortfolioError, hold, store};
use crate::audit::{Act, By};
use crate::db::{Db, write};
use crate::kernel::progress::Progress;
use crate::kernel::{Currency, Money};
use crate::ledger::{Transaction, chart};
use crate::party;
use crate::placement::close::{self, balanced};
use crate::sheet::{ColumnMap, Fault, RawRow, Rejects, Sheet};
use crate::standing::{self, Standing};

/// How a file is taken in.
#[derive(Default)]
pub struct Options<'a> {
    /// Names of columns, where the file's own differ.
    pub map: Option<&'a ColumnMap>,
    /// Refuse the whole file when a row is rejected.
    pub all_or_nothing: bool,
    /// The number of rows the lender declared.
    pub expect_rows: Option<u64>,
    /// The sum of balances the lender declared.
    pub expect_total: Option<&'a str>,
    /// Where rejected rows go.
    pub rejects: Option<&'a Path>,
    /// The key for personal data.
    pub key: Option<&'a Key>,
}

/// What an import did.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Imported {
    /// Whether the same bytes were taken in before for the same day: nothing changed.
    pub already_imported: bool,
    /// Data rows in the file.
    pub rows: u64,
    /// Accounts new to the book.
    pub new: i64,
    /// Accounts whose newest facts changed.
    pub updated: i64,
    /// Accounts that stayed as they were.
    pub unchanged: i64,
    /// Accounts of the book that the file does not name.
    pub missing: i64,
    /// Rows rejected.
    pub rejected: u64,
    /// Σ balance of the rows taken in.
    pub total: String,
    /// Placements closed as paid.
    pub closed_as_paid: usize,
    /// What is odd but harmless.
    pub warnings: Vec<String>,
    /// The first rejected rows.
    pub faults: Vec<Fault>,
}

/// Rows worked on at once.
const CHUNK: usize = 5_000;

/// Takes in a portfolio file of a day. Nothing is changed when the same bytes were taken in for that day before,
/// or when the file as a whole is refused.
pub fn import(
    db: &mut Db,
    lender_code: &str,
    path: &Path,
    as_of: NaiveDate,
    options: &Options<'_>,
    by: &By,
    progress: &mut dyn Progress,
) -> Result<Imported, PortfolioError> {
    let mut sheet = Sheet::open(path, columns::COLUMNS, options.map)?;
    if !columns::states_balances(&sheet) {
        let why = "lacks the column balance (or principal, interest, fees); rename the column, or name it with --map".to_string();
        return Err(
            crate::sheet::SheetError::Content { file: path.display().to_string(), why }.into()
        );
    }
    let rejects = Rejects::new(&sheet.header, options.rejects)?;
    progress.stage("importing accounts", None);
    write(db, lender_code, |db| {
        let lender = party::store::lender(db, lender_code)?
            .ok_or_else(|| PortfolioError::NoLender(lender_code.to_string()))?;
        let before = store::same_file(db, lender_code, &sheet.sha256, as_of)?;
        let known_before = store::account_count(db, lender_code)?;
        if let Some(key) = options.key {
            key.check(
                store::sealed_before(db, lender_code, ("portfolio_row", "personal"))?.as_deref(),
            )
            .map_err(PortfolioError::Key)?;
        }
        let act = Act::begin(db, lender_code, by)?;
        let mut taking = Taking {
            lender: lender_code.to_string(),
            currency: lender.currency,
            as_of,
            key: options.key,
            states_holds: columns::states_holds(&sheet),
            refused: Vec::new(),
            file_holds: open_file_holds(db, lender_code)?,
            act,
            moves: BTreeMap::new(),
            counts: Counts::default(),
            rejects,
        };
        if let Some(before) = before {
            return taking.again(&mut sheet, options, &before);
        }
        taking.read_all(db, &mut sheet, progress)?;
        taking.check(&sheet, options)?;
        taking.finish(db, &sheet, known_before)
    })
}

#[derive(Default)]
struct Counts {
    rows: u64,
    new: i64,
    updated: i64,
    unchanged: i64,
    total: Money,
    control: Money,
    refused_known: i64,
    closed_as_paid: usize,
}

/// A file being taken in.
struct Taking<'a> {
    lender: String,
    currency: Currency,
    as_of: NaiveDate,
    key: Option<&'a Key>,
    states_holds: bool,
    refused: Vec<String>,
    file_holds: HashMap<String, Vec<(HoldKind, i64)>>,
    act: Act,
    moves: BTreeMap<String, Money>,
    counts: Counts,
    rejects: Rejects,
}

impl Taking<'_> {
    fn read_all(
        &mut self,
        db: &mut Db,
        sheet: &mut Sheet,
        progress: &mut dyn Progress,
    ) -> Result<(), PortfolioError> {
        let mut raw = RawRow::default();
        let mut chunk: Vec<(RawRow, Stated)> = Vec::with_capacity(CHUNK);
        while sheet.next(&mut raw)? {
            self.counts.rows += 1;
            let read = sheet.row(&raw).and_then(|row| {
                self.counts.control += columns::control_amount(&row, self.currency);
                columns::read(&row, self.currency)
            });
            match read {
                Ok(stated) => chunk.push((raw.clone(), stated)),
                Err(fault) => {
                    self.refused
                        .extend(sheet.row(&raw).ok().and_then(|row| columns::account_no(&row)));
                    self.rejects.add(&raw, fault)?;
                }
            }
            if self.refused.len() == CHUNK {
                self.count_refused(db)?;
            }
            if chunk.len() == CHUNK {
                self.take(db, std::mem::take(&mut chunk))?;
                progress.advance(CHUNK as u64);
            }
        }
        progress.advance(chunk.len() as u64);
        self.take(db, chunk)?;
        self.count_refused(db)
    }

    /// An account whose row was refused is in the file all the same: it is not missing from it.
    fn count_refused(&mut self, db: &mut Db) -> Result<(), PortfolioError> {
        let mut refused = std::mem::take(&mut self.refused);
        refused.sort();
        refused.dedup();
        let keys = crate::db::keys_json(refused.iter().map(String::as_str));
        let known = store::stated_of(db, &self.lender, &keys)?;
        let in_this_file: HashSet<&String> = known
            .iter()
            .filter(|(_, stated)| stated.seq == self.act.seq())
            .map(|(account_no, _)| account_no)
            .collect();
        let named: HashSet<&String> = known.iter().map(|(account_no, _)| account_no).collect();
        self.counts.refused_known +=
            i64::try_from(named.difference(&in_this_file).count()).unwrap_or(0);
        Ok(())
    }

    /// The same bytes for the same day: the rows are read for what was declared of them, and nothing changes.
    fn again(
        mut self,
        sheet: &mut Sheet,
        options: &Options<'_>,
        before: &store::FileEntry,
    ) -> Result<Imported, PortfolioError> {
        let mut raw = RawRow::default();
        while sheet.next(&mut raw)? {
            self.counts.rows += 1;
            let read = sheet.row(&raw).and_then(|row| {
                self.counts.control += columns::control_amount(&row, self.currency);
                columns::read(&row, self.currency)
            });
            if let Err(fault) = read {
                self.rejects.add(&raw, fault)?;
            }
        }
        self.check(sheet, options)?;
        Ok(Imported {
            already_imported: true,
            rows: self.counts.rows,
            unchanged: before.accepted,
            rejected: u64::try_from(before.rejected).unwrap_or(0),
            total: Money(before.total).plain(self.currency),
            faults: self.rejects.first,
            ..Imported::default()
        })
    }

    /// Takes in some rows: decides in memory what each changes, then writes.
    fn take(&mut self, db: &mut Db, chunk: Vec<(RawRow, Stated)>) -> Result<(), PortfolioError> {
        let accounts = chunk.iter().map(|(_, stated)| stated.account_no.as_str());
        let mut standings = standing::load_rows(db, &self.lender, accounts)?;
        let mut rows = Vec::with_capacity(chunk.len());
        let mut paid = Vec::new();
        let mut seen: HashSet<String> = HashSet::with_capacity(chunk.len());
        for (raw, stated) in chunk {
            let standing = standings.entry(stated.account_no.clone()).or_default();
            let earlier_in_file = standing.files.iter().any(|row| row.seq == self.act.seq());
            if earlier_in_file || !seen.insert(stated.account_no.clone()) {
                let reason = "stands in this file before; one row per account".to_string();
                self.rejects.add(
                    &raw,
                    Fault {
                        line: raw.line,
                        column: "account_no".to_string(),
                        value: stated.account_no,
                        reason,
                    },
                )?;
                continue;
            }
            let hold = stated.hold;
            let row = self.merge(raw.line, stated, standing)?;
            let newest = standing.newest().is_none_or(|before| before.as_of <= row.as_of);
            self.count(&row, standing, newest);
            let before =
                if standing.files.is_empty() { Money::ZERO } else { standing.owed_known() };
            standing.files.push(row.clone());
            let after = standing.owed_known();
            for (account, amount) in standing::shift(standing.holder(), before, after) {
                *self.moves.entry(account).or_default() += amount;
            }
            paid.extend(close::paid(standing));
            if newest && self.states_holds {
                self.hold(db, &row, hold)?;
            }
            rows.push(row);
        }
        let lender = self.lender.clone();
        let cells: Vec<_> = rows.iter().map(|row| store::cells(&lender, row)).collect();
        self.act.write(db, &store::ROWS, &cells)?;
        self.counts.closed_as_paid += paid.len();
        close::close(db, &mut self.act, &paid)?;
        Ok(())
    }

    /// What the file leaves out is taken over from the account's row before, the newest up to this day.
    fn merge(
        &self,
        line: u64,
        stated: Stated,
        standing: &Standing<FileRow>,
    ) -> Result<FileRow, PortfolioError> {
        let before = standing.newest_on(self.as_of);
        let inherited = |pick: fn(&FileRow) -> Option<String>| before.and_then(pick);
        let personal = self.personal(&stated, before)?;
        Ok(FileRow {
            as_of: self.as_of,
            seq: self.act.seq(),
            line: i64::try_from(line).unwrap_or(i64::MAX),
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
    ) -> Result<Option<String>, PortfolioError> {
        let sealed_before = before.and_then(|row| row.personal.clone());
        if stated.personal.iter().all(Option::is_none) {
            return Ok(sealed_before);
        }
        let key = self.key.ok_or_else(|| {
            PortfolioError::Key(
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
        key.seal(&values).map(Some).map_err(PortfolioError::Key)
    }

    fn count(&mut self, row: &FileRow, standing: &Standing<FileRow>, newest: bool) {
        self.counts.total += row.balance;
        match standing.newest() {
            None => self.counts.new += 1,
            Some(before) if newest && !before.same_content(row) => self.counts.updated += 1,
            Some(_) => self.counts.unchanged += 1,
        }
    }

    /// A filled cell opens a hold; an emptied one ends what a file opened.
    fn hold(
        &mut self,
        db: &mut Db,
        row: &FileRow,
        kind: Option<HoldKind>,
    ) -> Result<(), PortfolioError> {
        let mut open = self.file_holds.remove(&row.account_no).unwrap_or_default();
        let (going_on, ending): (Vec<_>, Vec<_>) =
            open.drain(..).partition(|(one, _)| Some(*one) == kind);
        for one in ending {
            hold::end(db, &mut self.act, &row.account_no, one, self.as_of)?;
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
            hold::open(db, &mut self.act, &new)?;
            open.push((kind, self.act.seq()));
        }
        if !open.is_empty() {
            self.file_holds.insert(row.account_no.clone(), open);
        }
        Ok(())
    }

    /// Control totals and wholeness; a mismatch undoes everything.
    fn check(&mut self, sheet: &Sheet, options: &Options<'_>) -> Result<(), PortfolioError> {
        self.rejects.finish()?;
        let file = sheet.path.display().to_string();
        if let Some(declared) = options.expect_rows
            && declared != self.counts.rows
        {
            let (declared, found) = (declared.to_string(), self.counts.rows.to_string());
            return Err(PortfolioError::ControlTotal { file, what: "rows", declared, found });
        }
        if let Some(declared) = options.expect_total
            && Money::parse(declared, self.currency) != Ok(self.counts.control)
        {
            let (declared, found) =
                (declared.to_string(), self.counts.control.plain(self.currency));
            return Err(PortfolioError::ControlTotal { file, what: "total", declared, found });
        }
        if options.all_or_nothing && self.rejects.count > 0 {
            let first = self.rejects.first.first();
            let first = first.map_or(String::new(), |f| {
                format!("{}, {} \"{}\" {}", f.line, f.column, f.value, f.reason)
            });
            return Err(PortfolioError::NotWhole {
                file,
                rejected: self.rejects.count,
                first,
                faults: self.rejects.first.clone(),
            });
        }
        Ok(())
    }

    /// The ledger transaction of the file, its record and the event.
    fn finish(
        mut self,
        db: &mut Db,
        sheet: &Sheet,
        known_before: i64,
    ) -> Result<Imported, PortfolioError> {
        let counts = self.counts;
        let accepted = counts.new + counts.updated + counts.unchanged;
        let done = Imported {
            already_imported: false,
            rows: counts.rows,
            new: counts.new,
            updated: counts.updated,
            unchanged: counts.unchanged,
            missing: known_before - (accepted - counts.new) - counts.refused_known,
            rejected: self.rejects.count,
            total: counts.total.plain(self.currency),
            closed_as_paid: counts.closed_as_paid,
            warnings: sheet.warnings.clone(),
            faults: self.rejects.first,
        };
        let equity: Money = self.moves.values().copied().sum();
        let seq = self.act.seq();
        let moves = self.moves.into_iter().chain([(chart::PORTFOLIO.to_string(), -equity)]);
        let transaction =
            balanced(Transaction::build(self.as_of, format!("portfolio:{seq}"), None, moves))?;
        self.act.journal.post(db, &mut self.act.book, transaction)?;
        let rejected = i64::try_from(done.rejected).unwrap_or(i64::MAX);
        let file_name = sheet.file_name();
        let row = vec![
            self.lender.as_str().into(),
            seq.into(),
            file_name.as_str().into(),
            sheet.sha256.as_str().into(),
            self.as_of.into(),
            accepted.into(),
            done.new.into(),
            done.updated.into(),
            done.unchanged.into(),
            done.missing.into(),
            rejected.into(),
            counts.total.into(),
        ];
        self.act.write(db, &store::FILES, &[row])?;
        let summary = json!({
            "file": file_name, "sha256": sheet.sha256, "as_of": self.as_of.to_string(),
            "new": done.new, "updated": done.updated, "unchanged": done.unchanged, "missing": done.missing, "rejected": done.rejected,
        });
        self.act.finish(db, "portfolio imported", &summary)?;
        Ok(done)
    }
}

/// The holds that files opened and that go on.
fn open_file_holds(
    db: &mut Db,
    lender: &str,
) -> Result<HashMap<String, Vec<(HoldKind, i64)>>, PortfolioError> {
    let mut open: HashMap<String, Vec<(HoldKind, i64)>> = HashMap::new();
    for one in hold::holds_known(db, lender, i64::MAX)?
        .into_iter()
        .filter(|one| one.by_file && one.ended_on.is_none())
    {
        open.entry(one.opening.account_no.clone()).or_default().push((one.kind, one.seq));
    }
    Ok(open)
}
