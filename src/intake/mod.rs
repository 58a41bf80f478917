//! Taking in a file (导入): one frame for every kind – open, read, decide, save, reject, report.
//!
//! A kind of file is a [`Kind`]: its columns, how a row reads, and what is decided and saved of some rows.
//! Everything else is the same for all of them and stands here: the whole file is one transaction, rows go through
//! memory in chunks, bad rows are told with line, column, value and reason, and what the sender declared of the
//! file is checked before anything counts. [`cell`] reads the cells that kinds have in common, [`direction`]
//! refuses files whose amounts go both ways.

pub mod cell;
mod direction;

use std::path::Path;

use chrono::NaiveDate;

use crate::audit::{Act, By};
use crate::db::{Db, write};
use crate::kernel::money::AmountFault;
use crate::kernel::progress::Progress;
use crate::kernel::{Currency, Money, MoneyRange, Total, enumeration};
use crate::party::{self, Lender};
use crate::sheet::wrong::Wrong;
use crate::sheet::{Column, ColumnMap, Fault, Lines, RawRow, Rejects, Row, Sheet, SheetError};

use direction::Directions;
pub use direction::Told;

/// What the sender of a file asks for, whatever its kind.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// Names of columns, where the file's own differ.
    pub map: Option<&'a ColumnMap>,
    /// Where rejected rows go.
    pub rejects: Option<&'a Path>,
    /// Refuse the whole file when a row is rejected.
    pub all_or_nothing: bool,
    /// The number of data rows that was declared.
    pub expect_rows: Option<u64>,
    /// The sum of the amounts that was declared, as written; of kinds that have amounts.
    pub expect_total: Option<&'a str>,
    /// Take in what claims to have happened after today.
    pub allow_future: bool,
}

/// A kind of file.
pub trait Kind {
    /// Its columns.
    const COLUMNS: &'static [Column];
    /// What the one who waits is told.
    const STAGE: &'static str;
    /// Whether its dates carry the time of day.
    const TIMES: bool = false;
    /// How a file of this kind may tell which way its amounts go.
    const DIRECTIONS: Told = Told::Nowhere;
    /// A row as it stands in the file.
    type Row;
    /// What the report says beside the counts.
    type Totals: Default + serde::Serialize;

    /// Looks at the header, and loads what the book knows, before any row is read. Whether the same bytes were taken in
    /// before: then rows are read only for what was declared of them, and nothing changes.
    fn begin(
        &mut self,
        db: &mut Db,
        sheet: &Sheet,
        intake: &Intake,
    ) -> Result<Option<Before<Self::Totals>>, IntakeError>;

    /// Reads a row; the first fault rejects it.
    fn read(&self, row: &Row<'_>, intake: &Intake) -> Result<Self::Row, Fault>;

    /// The amount of a row for the declared total, whatever else is wrong with the row.
    fn amount(&self, _row: &Row<'_>, _currency: Currency) -> Option<Money> {
        None
    }

    /// Told of a row that could not be read.
    fn rejected(&mut self, _row: &Row<'_>) {}

    /// Takes in some rows: decides in memory, row by row, then writes; called for every chunk of rows read, with
    /// those that could be read.
    fn save(
        &mut self,
        db: &mut Db,
        rows: Vec<(RawRow, Self::Row)>,
        intake: &mut Intake,
    ) -> Result<(), IntakeError>;

    /// Takes in what had to wait until all rows were read.
    fn save_rest(&mut self, _db: &mut Db, _intake: &mut Intake) -> Result<(), IntakeError> {
        Ok(())
    }

    /// Records the file and the event. Only amounts that no book keeps refuse the file after this is called.
    fn finish(self, db: &mut Db, taken: Taken<'_>) -> Result<Self::Totals, IntakeError>;
}

/// The same bytes, as they were taken in before.
pub struct Before<T> {
    /// Rows that went in or were known.
    pub known: i64,
    /// Rows that were rejected.
    pub rejected: i64,
    /// What the report says beside the counts.
    pub totals: T,
}

/// A file while it is taken in.
pub struct Intake {
    /// Whose book it goes into.
    pub lender: Lender,
    /// The change of the book that the file makes.
    pub act: Act,
    /// The latest day that can have happened.
    pub latest: NaiveDate,
    /// Rows taken in so far.
    pub accepted: u64,
    /// Rows so far that were known with the same content.
    pub duplicate: u64,
    rows: u64,
    /// Bytes that a kind keeps until all rows are read.
    kept: usize,
    /// Σ of the amounts, where a total was declared.
    total: Option<Total>,
    columns: &'static [Column],
    rejects: Rejects,
}

/// A file of which all rows are in.
pub struct Taken<'a> {
    /// Whose book it went into.
    pub lender: Lender,
    /// The change of the book that the file makes.
    pub act: Act,
    /// The file's own name.
    pub file_name: String,
    /// The digest of its bytes.
    pub sha256: &'a str,
    /// Rows taken in.
    pub accepted: i64,
    /// Rows that were known with the same content.
    pub duplicate: i64,
    /// Rows rejected.
    pub rejected: i64,
}

/// What taking in a file did.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Report<T> {
    /// Whether the same bytes were taken in before: nothing changed.
    pub already_imported: bool,
    /// What became of each line of the file.
    pub lines: Lines,
    /// Data rows in the file.
    pub rows: u64,
    /// Rows taken in.
    pub accepted: u64,
    /// Rows that were known with the same content.
    pub duplicate: u64,
    /// Rows rejected.
    pub rejected: u64,
    /// What is odd but harmless.
    pub warnings: Vec<String>,
    /// The first rejected rows.
    pub faults: Vec<Fault>,
    /// What is particular to the kind of file.
    #[serde(flatten)]
    pub totals: T,
}

/// Why a file is refused as a whole: nothing of it was taken in.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// It cannot be used.
    #[error(transparent)]
    Sheet(#[from] SheetError),
    /// The lender is unknown.
    #[error("there is no lender {0}; run `consign setup` with a parties file that has it")]
    NoLender(String),
    /// The assignee is unknown.
    #[error("{0} is no assignee of this lender")]
    NoAssignee(String),
    /// The declared total is no amount.
    #[error("the declared total {0} {1}; nothing was imported")]
    DeclaredTotal(String, AmountFault),
    /// What was declared of the file does not match.
    #[error("{file}: {what} declared {declared}, the file has {found}; nothing was imported")]
    ControlTotal {
        /// The file.
        file: String,
        /// Rows or total.
        what: Control,
        /// As declared.
        declared: String,
        /// As found.
        found: String,
    },
    /// Rows were rejected and the whole file was wanted or nothing.
    #[error(
        "{file}: {rejected} rows are rejected, so nothing was imported (--all-or-nothing); the first: line {}",
        first_of(faults)
    )]
    NotWhole {
        /// The file.
        file: String,
        /// How many.
        rejected: u64,
        /// The first of them.
        faults: Vec<Fault>,
    },
    /// The file is of a day that has not come.
    #[error(
        "{file}: is said to be as of {as_of}, which lies after today, {today}; nothing was imported. Give the right day, or --allow-future when it is meant"
    )]
    Future {
        /// The file.
        file: String,
        /// Its day.
        as_of: NaiveDate,
        /// Today.
        today: NaiveDate,
    },
    /// The file's amounts go both ways.
    #[error(
        "{file}, line {line}: the column \"{column}\" says \"{value}\". A file that tells in a column which way its amounts go is not read yet; nothing was imported. Keep the rows of money received, make rows of kind reversal of those that take a payment back, and remove the column"
    )]
    Direction {
        /// The file.
        file: String,
        /// The first line that says so.
        line: u64,
        /// The column, as the file names it.
        column: String,
        /// What stands there.
        value: String,
    },
    /// Personal data cannot be encrypted.
    #[error("{0}")]
    Key(String),
    /// The rows' amounts add up to more than a book keeps.
    #[error("{file}: the sum of its balances {range}; check the amounts; nothing was changed")]
    Total {
        /// The file.
        file: String,
        /// What it comes to.
        range: MoneyRange,
    },
    /// More has to wait until all rows are read than memory is given for.
    #[error(
        "the file has more {0} than are kept until all its rows are read ({mib} MiB); send it in several files; nothing was imported",
        mib = KEPT_BYTES >> 20
    )]
    TooMuch(&'static str),
    /// The ledger does not take it.
    #[error(transparent)]
    Ledger(#[from] crate::ledger::LedgerError),
    /// Whoever watched did not want it any more.
    #[error(transparent)]
    Stopped(#[from] crate::kernel::progress::Stop),
    /// The database failed.
    #[error("{}", crate::db::told(.0))]
    Db(#[from] diesel::result::Error),
}

enumeration! {
    /// What is declared of a file.
    pub enum Control ("control total") {
        /// The number of its rows.
        Rows = "rows",
        /// The sum of its amounts.
        Total = "total",
    }
}

fn first_of(faults: &[Fault]) -> String {
    faults.first().map_or_else(String::new, |first| {
        format!("{}, {} \"{}\" {}", first.line, first.column, first.value, first.reason)
    })
}

/// Rows worked on at once.
pub const CHUNK: usize = 5_000;
/// Bytes of rows worked on at once: a file of long rows goes in with fewer of them at a time.
const CHUNK_BYTES: usize = 16 << 20;

/// Bytes of rows that may wait until all are read: some hundred thousand of them.
const KEPT_BYTES: usize = 96 << 20;

/// Takes in a file: good rows go in, bad ones are rejected, or it is refused as a whole and nothing changes.
pub fn take_in<K: Kind>(
    db: &mut Db,
    lender_code: &str,
    path: &Path,
    kind: K,
    options: &Options<'_>,
    by: &By,
    progress: &mut dyn Progress,
) -> Result<Report<K::Totals>, IntakeError> {
    Declared::read(options, &lender(db, lender_code)?)?;
    let opened = Opened::open(path, kind, options)?;
    write(db, lender_code, |db| opened.take_in(db, lender_code, options, by, progress))
}

/// A file that was recognised, decoded and hashed, and is not taken in yet.
pub struct Opened<K> {
    kind: K,
    sheet: Sheet,
    rejects: Rejects,
}

impl<K: Kind> Opened<K> {
    /// Opens a file, before the transaction that takes it in.
    pub fn open(path: &Path, kind: K, options: &Options<'_>) -> Result<Opened<K>, IntakeError> {
        let sheet = if K::TIMES {
            Sheet::open_with_times(path, K::COLUMNS, options.map)?
        } else {
            Sheet::open(path, K::COLUMNS, options.map)?
        };
        let rejects = Rejects::new(&sheet.header, options.rejects)?;
        Ok(Opened { kind, sheet, rejects })
    }

    /// As [`take_in`], inside the transaction of the book's writer.
    pub fn take_in(
        self,
        db: &mut Db,
        lender_code: &str,
        options: &Options<'_>,
        by: &By,
        progress: &mut dyn Progress,
    ) -> Result<Report<K::Totals>, IntakeError> {
        progress.stage(K::STAGE, None)?;
        let Opened { mut kind, mut sheet, rejects } = self;
        let lender = lender(db, lender_code)?;
        let declared = Declared::read(options, &lender)?;
        let today = lender.today(by.today);
        let mut intake = Intake {
            act: Act::begin(db, lender_code, by)?,
            latest: if options.allow_future { NaiveDate::MAX } else { today },
            lender,
            accepted: 0,
            duplicate: 0,
            rows: 0,
            kept: 0,
            total: declared.total.as_ref().map(|_| Total::default()),
            columns: K::COLUMNS,
            rejects,
        };
        let before = kind.begin(db, &sheet, &intake)?;
        let mut reading = Reading { sheet: &mut sheet, intake: &mut intake, kind: &mut kind };
        reading.read_all(db, before.is_some(), progress)?;
        intake.rejects.finish()?;
        declared.check(&sheet, &intake)?;
        match before {
            Some(before) => Ok(again(before, &sheet, intake)),
            None => finish(db, kind, &sheet, intake),
        }
    }
}

fn lender(db: &mut Db, code: &str) -> Result<Lender, IntakeError> {
    party::store::lender(db, code)?.ok_or_else(|| IntakeError::NoLender(code.to_string()))
}

/// The rows of a file on their way.
struct Reading<'a, K> {
    sheet: &'a mut Sheet,
    intake: &'a mut Intake,
    kind: &'a mut K,
}

impl<K: Kind> Reading<'_, K> {
    /// Reads all rows and saves them chunk by chunk; of bytes that were taken in before, reads them only.
    fn read_all(
        &mut self,
        db: &mut Db,
        again: bool,
        progress: &mut dyn Progress,
    ) -> Result<(), IntakeError> {
        let directions = Directions::of(self.sheet, K::DIRECTIONS);
        let mut raw = RawRow::default();
        let mut chunk = Vec::with_capacity(CHUNK);
        let (mut waiting, mut bytes) = (0, 0);
        while self.sheet.next(&mut raw)? {
            directions.check(self.sheet, &raw)?;
            let row = self.read(&raw)?;
            if again {
                continue;
            }
            chunk.extend(row.map(|row| (raw.clone(), row)));
            waiting += 1;
            bytes += raw.size();
            if waiting == CHUNK as u64 || bytes >= CHUNK_BYTES {
                self.kind.save(db, std::mem::take(&mut chunk), self.intake)?;
                progress.advance(waiting)?;
                (waiting, bytes) = (0, 0);
            }
        }
        if again {
            return Ok(());
        }
        self.kind.save(db, chunk, self.intake)?;
        progress.advance(waiting)?;
        self.kind.save_rest(db, self.intake)
    }

    /// A row that reads well; one that does not is rejected.
    fn read(&mut self, raw: &RawRow) -> Result<Option<K::Row>, IntakeError> {
        self.intake.rows += 1;
        let row = match self.sheet.row(raw) {
            Ok(row) => row,
            Err(fault) => {
                self.intake.rejects.add(raw, fault)?;
                return Ok(None);
            }
        };
        let currency = self.intake.lender.currency;
        if let Some(total) = &mut self.intake.total
            && let Some(amount) = self.kind.amount(&row, currency)
        {
            *total += amount;
        }
        match self.kind.read(&row, self.intake) {
            Ok(read) => Ok(Some(read)),
            Err(fault) => {
                self.kind.rejected(&row);
                self.intake.rejects.add(raw, fault)?;
                Ok(None)
            }
        }
    }
}

impl Intake {
    /// Told of `bytes` more that a kind keeps until all rows are read; refuses the file where they are too many.
    pub fn keep(&mut self, bytes: usize, what: &'static str) -> Result<(), IntakeError> {
        self.kept += bytes;
        if self.kept <= KEPT_BYTES { Ok(()) } else { Err(IntakeError::TooMuch(what)) }
    }

    /// Rejects a row that reads well and cannot go in.
    pub fn reject(
        &mut self,
        raw: &RawRow,
        column: usize,
        value: &str,
        reason: Wrong,
    ) -> Result<(), IntakeError> {
        let column = self.columns.get(column).map_or("", |column| column.name).to_string();
        let value = crate::kernel::text::excerpt(value);
        let fault = Fault { line: raw.line, column, value, reason };
        Ok(self.rejects.add(raw, fault)?)
    }
}

/// What the sender declared of a file.
struct Declared {
    rows: Option<u64>,
    total: Option<(String, Total)>,
    whole: bool,
}

impl Declared {
    fn read(options: &Options<'_>, lender: &Lender) -> Result<Declared, IntakeError> {
        let total = match options.expect_total {
            None => None,
            Some(text) => {
                let amount = Money::parse_sum(text, lender.currency)
                    .map_err(|fault| IntakeError::DeclaredTotal(text.to_string(), fault))?;
                Some((text.to_string(), Total::from(amount)))
            }
        };
        Ok(Declared { rows: options.expect_rows, total, whole: options.all_or_nothing })
    }

    /// Control totals and wholeness; a mismatch undoes everything.
    fn check(self, sheet: &Sheet, intake: &Intake) -> Result<(), IntakeError> {
        let file = sheet.path.display().to_string();
        if let Some(declared) = self.rows
            && declared != intake.rows
        {
            let (declared, found) = (declared.to_string(), intake.rows.to_string());
            return Err(IntakeError::ControlTotal { file, what: Control::Rows, declared, found });
        }
        if let (Some((declared, amount)), Some(total)) = (self.total, intake.total)
            && amount != total
        {
            let found = total.plain(intake.lender.currency);
            return Err(IntakeError::ControlTotal { file, what: Control::Total, declared, found });
        }
        if self.whole && intake.rejects.count > 0 {
            return Err(IntakeError::NotWhole {
                file,
                rejected: intake.rejects.count,
                faults: intake.rejects.first.clone(),
            });
        }
        Ok(())
    }
}

/// The report on bytes that were taken in before.
fn again<T>(before: Before<T>, sheet: &Sheet, intake: Intake) -> Report<T> {
    Report {
        already_imported: true,
        lines: sheet.lines(),
        rows: intake.rows,
        accepted: 0,
        duplicate: u64::try_from(before.known).unwrap_or(0),
        rejected: u64::try_from(before.rejected).unwrap_or(0),
        warnings: Vec::new(),
        faults: intake.rejects.first,
        totals: before.totals,
    }
}

fn finish<K: Kind>(
    db: &mut Db,
    kind: K,
    sheet: &Sheet,
    intake: Intake,
) -> Result<Report<K::Totals>, IntakeError> {
    let count = |number: u64| crate::kernel::count(number as usize);
    let taken = Taken {
        lender: intake.lender,
        act: intake.act,
        file_name: sheet.file_name(),
        sha256: &sheet.sha256,
        accepted: count(intake.accepted),
        duplicate: count(intake.duplicate),
        rejected: count(intake.rejects.count),
    };
    Ok(Report {
        already_imported: false,
        lines: sheet.lines(),
        rows: intake.rows,
        accepted: intake.accepted,
        duplicate: intake.duplicate,
        rejected: intake.rejects.count,
        warnings: sheet.warnings.clone(),
        faults: intake.rejects.first,
        totals: kind.finish(db, taken)?,
    })
}
