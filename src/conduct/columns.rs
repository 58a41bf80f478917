//! The columns of contact and complaint files, and a row of them read or refused.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use super::{Channel, Outcome, Severity};
use crate::intake::cell::{ACCOUNT_NO_ALIASES, happened, key, not_yet, word};
use crate::kernel::calendar::parse_moment;
use crate::sheet::wrong::{Needed, Wrong};
use crate::sheet::{Column, Fault, Row};

const fn column(name: &'static str, aliases: &'static [&'static str]) -> Column {
    Column::optional(name, aliases)
}

/// The columns of a contact file, in the order of the constants below.
pub const CONTACTS: &[Column] = &[
    Column::required("reference", &["记录编号", "催记编号", "流水号"]).key(),
    Column::required("account_no", ACCOUNT_NO_ALIASES).key(),
    Column::required("at", &["联系时间", "催收时间", "拨打时间", "通话时间"]).day(),
    column("channel", &["联系方式", "催收方式", "渠道"]),
    column("number", &["联系号码", "拨打号码", "号码", "电话号码"]),
    column("outcome", &["联系结果", "催收结果", "通话结果", "结果"]),
    column("note", &["备注", "催记", "催记内容"]),
];

/// `reference`
pub const REFERENCE: usize = 0;
/// `account_no`
pub const ACCOUNT_NO: usize = 1;
const AT: usize = 2;
const CHANNEL: usize = 3;
const NUMBER: usize = 4;
const OUTCOME: usize = 5;
const NOTE: usize = 6;

/// A contact as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Unique per agency.
    pub reference: String,
    /// The account.
    pub account_no: String,
    /// When, in the lender's time zone.
    pub at: NaiveDateTime,
    /// By what; a call when the file says nothing.
    pub channel: Channel,
    /// What came of it.
    pub outcome: Outcome,
    /// The number.
    pub number: Option<String>,
    /// The agency's note.
    pub note: Option<String>,
}

/// Reads a contact; the first fault refuses it.
pub fn read_contact(row: &Row<'_>, latest: NaiveDate) -> Result<Recorded, Fault> {
    let need = |column: usize, what: Needed| row.fault(column, what);
    let reference = key(row, REFERENCE)?.ok_or_else(|| need(REFERENCE, Needed::Reference))?;
    let account_no = key(row, ACCOUNT_NO)?.ok_or_else(|| need(ACCOUNT_NO, Needed::AccountNo))?;
    let channel = match row.get(CHANNEL) {
        None => Channel::Call,
        Some(text) => Channel::recognise(text)
            .ok_or_else(|| row.fault(CHANNEL, Wrong::NoChannel(Channel::names())))?,
    };
    let outcome = match row.get(OUTCOME) {
        None => Outcome::Other,
        Some(text) => Outcome::recognise(text)
            .ok_or_else(|| row.fault(OUTCOME, Wrong::NoOutcome(Outcome::names())))?,
    };
    let at = at(row, channel)?.ok_or_else(|| need(AT, Needed::Moment))?;
    if at.date() > latest {
        return Err(not_yet(row, AT, latest));
    }
    let number = word(row, NUMBER)?;
    if number.as_ref().is_some_and(|number| !number.bytes().any(|b| b.is_ascii_digit())) {
        return Err(row.fault(NUMBER, Wrong::NoDigits));
    }
    let note =
        row.get(NOTE).map(|text| text.chars().filter(|c| !c.is_control()).take(500).collect());
    Ok(Recorded { reference, account_no, at, channel, outcome, number, note })
}

/// The moment of a contact. Only a letter may do without the time of day.
fn at(row: &Row<'_>, channel: Channel) -> Result<Option<NaiveDateTime>, Fault> {
    let Some(text) = row.get(AT) else { return Ok(None) };
    match parse_moment(text) {
        Some((day, Some(time))) => Ok(Some(day.and_time(time))),
        Some((day, None)) if channel == Channel::Letter => Ok(Some(day.and_time(NaiveTime::MIN))),
        Some((_, None)) => Err(row.fault(AT, Wrong::NoTime)),
        None => Err(row.fault(AT, Wrong::NoMoment)),
    }
}

/// The columns of a complaints file, in the order of the constants below.
pub const COMPLAINTS: &[Column] = &[
    Column::required("reference", &["投诉编号", "工单号", "投诉单号"]).key(),
    Column::required("agency", &["机构", "委外机构", "被投诉机构"]),
    column("account_no", ACCOUNT_NO_ALIASES).key(),
    Column::required("received_on", &["投诉日期", "受理日期", "收到日期"]).day(),
    Column::required("severity", &["严重程度", "级别", "投诉级别"]),
    Column::required("text", &["投诉内容", "内容", "说明"]),
];

/// `reference`
pub const CASE: usize = 0;
/// `agency`
pub const AGENCY: usize = 1;
/// `account_no`
pub const CASE_ACCOUNT: usize = 2;
const RECEIVED_ON: usize = 3;
const SEVERITY: usize = 4;
/// `text`
pub const TEXT: usize = 5;

/// A complaint as it stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complained {
    /// The case.
    pub reference: String,
    /// Whom it is about.
    pub agency: String,
    /// The account, when it is about one.
    pub account_no: Option<String>,
    /// The day it was received.
    pub received_on: NaiveDate,
    /// How grave.
    pub severity: Severity,
    /// What is complained of.
    pub text: String,
}

/// Reads a complaint; the first fault refuses it.
pub fn read_complaint(row: &Row<'_>, latest: NaiveDate) -> Result<Complained, Fault> {
    let need = |column: usize, what: Needed| row.fault(column, what);
    let severity = row.get(SEVERITY).ok_or_else(|| need(SEVERITY, Needed::Severity))?;
    Ok(Complained {
        reference: key(row, CASE)?.ok_or_else(|| need(CASE, Needed::Case))?,
        agency: key(row, AGENCY)?.ok_or_else(|| need(AGENCY, Needed::Agency))?,
        account_no: key(row, CASE_ACCOUNT)?,
        received_on: happened(row, RECEIVED_ON, latest)?
            .ok_or_else(|| need(RECEIVED_ON, Needed::ReceivedOn))?,
        severity: Severity::recognise(severity)
            .ok_or_else(|| row.fault(SEVERITY, Wrong::NoneOf(Severity::names())))?,
        text: row.get(TEXT).ok_or_else(|| need(TEXT, Needed::Complaint))?.to_string(),
    })
}
