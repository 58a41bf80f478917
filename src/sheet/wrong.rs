//! What is wrong with a cell, a row or a file, as values with their figures. Files of rejected rows and the command line
//! have them in English, as they stand here; `words/files.rs` has them for pages.

use chrono::NaiveDate;

use crate::kernel::Currency;
use crate::kernel::money::AmountFault;

/// What is wrong with a cell and what to do; it stands behind what the cell says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// A key that a spreadsheet would run.
    #[error("begins like a formula (=, +, -, @, a tab or a line end); send the number without it")]
    Formula,
    /// A text that is no word.
    #[error("must be at most 100 printable characters")]
    NoWord,
    /// A text that is none.
    #[error("the text must be 1 to {0} printable characters")]
    NoText(usize),
    /// No date.
    #[error("is no calendar date; write it like 2026-11-21")]
    NoDate,
    /// A day after today.
    #[error("lies after today, {0}; correct it, or give --allow-future when it is meant")]
    Future(NaiveDate),
    /// A moment without the time of day.
    #[error("has no time of day; write it like 2026-03-01 10:15")]
    NoTime,
    /// No moment.
    #[error("is no moment of the lender's local time; write it like 2026-03-01 10:15")]
    NoMoment,
    /// No amount.
    #[error(transparent)]
    Amount(#[from] AmountFault),
    /// Another currency than the book's.
    #[error("is not the book's currency {0}")]
    Currency(Currency),
    /// Nothing stands where something must.
    #[error("is empty; {0}")]
    Empty(#[from] Needed),
    /// No type of hold; those there are.
    #[error("is no hold type; they are {0}")]
    NoHoldType(String),
    /// No channel of a contact; those there are.
    #[error("is no channel; they are {0}")]
    NoChannel(String),
    /// No outcome of a contact; those there are.
    #[error("is no outcome; they are {0}")]
    NoOutcome(String),
    /// None of some words.
    #[error("is none of {0}")]
    NoneOf(String),
    /// Neither of the channels of a payment.
    #[error("is neither lender nor agency")]
    NoReceiver,
    /// Neither true nor false.
    #[error("must be true or false (yes/no, 1/0, 是/否)")]
    NoFlag,
    /// No number of days past due.
    #[error("must be a whole number of days from 0 to 36500")]
    NoDays,
    /// An unknown assignee.
    #[error("is no assignee of this lender")]
    NoAssignee,
    /// An unknown account.
    #[error("is not known; import the portfolio that has it first")]
    NoAccount,
    /// An account that the agency never had.
    #[error("was never placed with {0}; leave the row out")]
    NeverPlacedWith(String),
    /// The same, as the agency itself is told.
    #[error("is no account placed with you; correct the number or leave the row out")]
    NotYours,
    /// A second row of an account.
    #[error("stands in this file before; one row per account")]
    Twice,
    /// A known reference.
    #[error("is known with other content; a correction needs a reference of its own")]
    OtherContent,
    /// A known case.
    #[error("is known with other content; give the complaint another reference")]
    OtherComplaint,
    /// A number without a digit.
    #[error("has no digits; write the number that was called, or leave it empty")]
    NoDigits,
    /// A negative part of a balance.
    #[error("is negative; a balance is what is owed")]
    NegativePart,
    /// A negative balance.
    #[error("is negative; a balance is what is owed, zero when paid")]
    NegativeBalance,
    /// A balance that is not its parts together, which are this.
    #[error("is not the sum of principal, interest and fees, which is {0}")]
    BalanceSum(String),
    /// A payment of nothing or less.
    #[error("must be positive; money taken back is a row of kind reversal")]
    NotPositive,
    /// A row that is no reversal and names what it takes back.
    #[error("is given, but the row is a {0}; only a reversal names what it takes back")]
    NoReversal(&'static str),
    /// A negative component.
    #[error("is negative; components are parts of the amount")]
    NegativeComponent,
    /// An amount that is not its components together, which are this.
    #[error("is not the sum of principal, interest, fees and costs, which is {0}")]
    AmountSum(String),
    /// A reversal of nothing known.
    #[error("names a payment that is not known; send the row again when the payment is in")]
    NoPayment,
    /// A reversal of a reversal.
    #[error("names a reversal; only payments and waivers are taken back")]
    ReversalOfReversal,
    /// A reversal on another account than this one.
    #[error("is not the account of the payment, which is {0}")]
    OtherAccount(String),
    /// A reversal dated before its payment.
    #[error("lies before the payment of {0}")]
    BeforePayment(NaiveDate),
    /// A waiver of more than is owed.
    #[error("is more than what is owed; a waiver never goes beyond it")]
    BeyondOwed,
    /// A reversal of more than is left.
    #[error("is more than what is left of the payment")]
    BeyondPayment,
    /// A reversal of more than is left of a component.
    #[error("takes back more than what is left of this component")]
    BeyondComponent,
    /// Cells beyond the header: the row's, the header's.
    #[error(
        "the row has more cells ({0}) than the header ({1}); quote a value that contains the separator"
    )]
    MoreCells(usize, usize),
    /// A value beyond the header.
    #[error("the row has more cells than the header; quote a value that contains the separator")]
    BeyondHeader,
    /// Cells missing: the row's, the header's.
    #[error(
        "the row has fewer cells ({0}) than the header ({1}); write a separator for every empty cell too, or send the file as .xlsx"
    )]
    FewerCells(usize, usize),
    /// Another number of cells than the rows around: the row's, theirs.
    #[error(
        "the row has {0} cells and the rows around it {1}; correct the separators, or send the file as .xlsx"
    )]
    UnlikeAround(usize, usize),
    /// A NUL.
    #[error("contains a NUL character (shown as \u{2400}); remove it")]
    Nul,
    /// Text behind a closed quote.
    #[error("has text behind its closing quote; write a quote inside a cell twice")]
    BehindQuote,
    /// A formula without a value.
    #[error("is a formula that was never worked out; open the file in a spreadsheet and save it")]
    NeverWorkedOut,
    /// A text of the workbook that is not there.
    #[error("is a text that the workbook does not have")]
    LostText,
    /// A spreadsheet's error.
    #[error("shows the error {0}; correct it in the spreadsheet")]
    ShowsError(String),
    /// A kind of cell that nobody knows.
    #[error("is a cell of the unknown kind {0}")]
    UnknownKind(String),
    /// A number of a spreadsheet that is no day.
    #[error("is no date; write it like 2026-11-21")]
    NoSerialDate,
    /// A number that cannot be read.
    #[error("is no number that can be read")]
    NoNumber,
    /// A number whose digits are lost.
    #[error(
        "a number this long has lost its last digits in the spreadsheet; format the column as text"
    )]
    LostDigits,
}

impl serde::Serialize for Wrong {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What must stand in a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Needed {
    /// A reference.
    #[error("every row needs a reference of its own")]
    Reference,
    /// An account number.
    #[error("every row needs its account number")]
    AccountNo,
    /// The moment of a contact.
    #[error("every row needs the time of the contact")]
    Moment,
    /// A complaint's severity.
    #[error("every row needs its severity")]
    Severity,
    /// A complaint's reference.
    #[error("every row needs a case reference of its own")]
    Case,
    /// The agency of a complaint.
    #[error("every row needs the agency it is about")]
    Agency,
    /// A day.
    #[error("every row needs the day it was received")]
    ReceivedOn,
    /// A complaint's text.
    #[error("every row needs what is complained of")]
    Complaint,
    /// An amount.
    #[error("every row needs an amount")]
    Amount,
    /// A balance.
    #[error("state the balance, or principal, interest and fees")]
    Balance,
    /// Days past due.
    #[error("state the days past due, 0 when current")]
    DaysPastDue,
    /// What a reversal takes back.
    #[error("a reversal names the payment it takes back")]
    Reverses,
    /// Who has the money.
    #[error("money received by an agency names the agency that holds it")]
    Holder,
}

/// Why a file as a whole is of no use, and what to do; it stands behind the file's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// A folder, a device.
    #[error("is no plain file; save the table as a file first")]
    NotPlain,
    /// A name that promises a workbook.
    #[error(
        "is named .xlsx but is no workbook (one that a password protects is none either); save it from the spreadsheet again, or as CSV"
    )]
    NoWorkbook,
    /// A workbook of the old kind.
    #[error(
        "is an old Excel workbook (.xls), or one that a password protects; save it as .xlsx without a password, or as CSV"
    )]
    OldWorkbook,
    /// A workbook that is damaged, or beyond bounds: how.
    #[error("is no workbook that can be read ({0}); save it from the spreadsheet again, or as CSV")]
    Workbook(String),
    /// Bytes.
    #[error("is no text file; export it as CSV or .xlsx")]
    NoText,
    /// Nothing in it.
    #[error("is empty; it needs a header row with the column names")]
    Empty,
    /// Two readings that differ.
    #[error("was changed while it was read; send it again when it is whole")]
    Changed,
    /// A column of the map that is not there: its name, what for, those there are.
    #[error("has no column \"{0}\", which the map gives for `{1}`; its columns are: {2}")]
    NotAsMapped(String, &'static str, String),
    /// Columns that are not there, and those there are.
    #[error("lacks the column {0}; its columns are: {1}. Rename the column, or name it with --map")]
    Lacks(String, String),
    /// A column twice.
    #[error("has the column \"{0}\" twice; remove one")]
    ColumnTwice(String),
    /// Neither a balance nor its parts.
    #[error(
        "lacks the column balance (or principal, interest, fees); rename the column, or name it with --map"
    )]
    NoBalance,
}

/// What is wrong in a line, so that the file is of no use; it stands behind the line's number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A byte that is no text in any known encoding: its place, from 1.
    #[error(
        "byte {0} of the file is neither UTF-8 nor GB18030 (GBK); save the file as UTF-8, UTF-16 or GB18030"
    )]
    NoEncoding(u64),
    /// A byte that is no text in the encoding of the rest: its place, from 1.
    #[error(
        "byte {0} of the file is not {1}, which the file otherwise is: correct the line, or save the file as UTF-8 again"
    )]
    Damaged(u64, &'static str),
    /// A NUL.
    #[error("has a NUL character; remove it, or save the file again")]
    Nul,
    /// A row beyond bounds.
    #[error(
        "the row that begins here is longer than 1 MiB; close its quote, or check that this is a table"
    )]
    TooLong,
    /// A row of a workbook that is no row: how.
    #[error("the row cannot be read: {0}")]
    Row(String),
    /// A quote, by its cell, behind another one.
    #[error("the quote that opens cell {0} stands behind another stray quote; correct the line")]
    StrayQuote(usize),
    /// A quote, by its cell, that is never closed.
    #[error("the quote that opens cell {0} is never closed; close it, or remove it")]
    OpenQuote(usize),
    /// A quote, by its cell, closed in a later line with text behind.
    #[error(
        "the quote that opens cell {0} is closed in line {1} with text behind it; close it in its own line, or remove it"
    )]
    ClosedLate(usize, u64),
    /// A quote, by its cell, with a row inside.
    #[error(
        "the quote that opens cell {0} swallows line {1}, which is a row by itself; close it before, or remove it"
    )]
    Swallows(usize, u64),
    /// The same in the header.
    #[error(
        "a quote in the header swallows a line that is a row by itself; close it before, or remove it"
    )]
    HeaderSwallows,
    /// A cell of the header.
    #[error("the header's cell \"{0}\" {1}")]
    HeaderCell(String, Wrong),
    /// Too many columns.
    #[error("the header has more than {0} columns; leave out what this program does not read")]
    TooManyColumns(usize),
    /// Values among the names.
    #[error(
        "the header has values in it, and no row follows; end its line behind the names of the columns"
    )]
    HeaderValues,
    /// A header unlike its rows: its cells, theirs.
    #[error(
        "the header has {0} cells and the rows below it have {1}; correct the separators and line ends of the header, or of the rows"
    )]
    HeaderWidth(usize, usize),
    /// A line break in a key or a figure: the column, what stands there.
    #[error(
        "{0} \"{1}\" has a line break inside; close the quote before it, or remove the line break"
    )]
    LineBreak(String, String),
    /// A cell, by its column and what stands there, of a file that must be whole.
    #[error("{0} \"{1}\" {2}")]
    Cell(String, String, Wrong),
}
