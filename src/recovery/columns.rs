//! The columns of a recoveries file, and a row of it read or refused.

use chrono::NaiveDate;

use super::{Channel, Kind, Recovery};
use crate::intake::cell::{self, ACCOUNT_NO_ALIASES, CURRENCY_ALIASES, amount, happened, key};
use crate::kernel::{Currency, Money};
use crate::sheet::wrong::{Needed, Wrong};
use crate::sheet::{Column, Fault, Row};

const fn column(name: &'static str, aliases: &'static [&'static str]) -> Column {
    Column::optional(name, aliases)
}

/// The columns, in the order of the constants below.
pub const COLUMNS: &[Column] = &[
    Column::required("reference", &["流水号", "交易流水号", "回款编号"]).key(),
    Column::required("account_no", ACCOUNT_NO_ALIASES).key(),
    Column::required("received_on", &["还款日期", "回款日期", "入账日期"]).day(),
    Column::required("amount", &["金额", "还款金额", "回款金额"]).figure(),
    column("kind", &["类型", "回款类型"]),
    column("reverses", &["冲正流水号", "原流水号"]).key(),
    column("channel", &["渠道", "还款渠道"]),
    column("agency", &["机构", "委外机构"]),
    column("principal", &["本金", "回款本金"]).figure(),
    column("interest", &["利息", "回款利息"]).figure(),
    column("fees", &["费用", "回款费用"]).figure(),
    column("costs", &["诉讼费", "成本"]).figure(),
    column("note", &["备注"]),
    column("currency", CURRENCY_ALIASES),
];

/// `reference`
pub const REFERENCE: usize = 0;
/// `account_no`
pub const ACCOUNT_NO: usize = 1;
/// `received_on`
pub const RECEIVED_ON: usize = 2;
/// `amount`
pub const AMOUNT: usize = 3;
const KIND: usize = 4;
/// `reverses`
pub const REVERSES: usize = 5;
const CHANNEL: usize = 6;
/// `agency`
pub const AGENCY: usize = 7;
/// `principal`
pub const PRINCIPAL: usize = 8;
const NOTE: usize = 12;
const CURRENCY: usize = 13;

/// What rows are read against.
pub struct Against<'a> {
    /// The book's currency.
    pub currency: Currency,
    /// The codes that may hold money.
    pub assignees: &'a [String],
    /// The latest day that can have happened.
    pub latest: NaiveDate,
}

/// The amount of a row for the declared total, whatever else is wrong with it.
pub fn control_amount(row: &Row<'_>, currency: Currency) -> Option<Money> {
    amount(row, AMOUNT, currency).ok().flatten()
}

/// Reads a row; the first fault refuses it.
pub fn read(row: &Row<'_>, against: &Against<'_>) -> Result<Recovery, Fault> {
    let Against { currency, assignees, latest } = *against;
    let need = |column: usize, what: Needed| row.fault(column, what);
    let reference = key(row, REFERENCE)?.ok_or_else(|| need(REFERENCE, Needed::Reference))?;
    let account_no = key(row, ACCOUNT_NO)?.ok_or_else(|| need(ACCOUNT_NO, Needed::AccountNo))?;
    let received_on =
        happened(row, RECEIVED_ON, latest)?.ok_or_else(|| need(RECEIVED_ON, Needed::ReceivedOn))?;
    cell::currency(row, CURRENCY, currency)?;
    let amount_read = amount(row, AMOUNT, currency)?.ok_or_else(|| need(AMOUNT, Needed::Amount))?;
    if amount_read <= Money::ZERO {
        return Err(row.fault(AMOUNT, Wrong::NotPositive));
    }
    let kind = kind(row)?;
    let reverses = key(row, REVERSES)?;
    match (kind, &reverses) {
        (Kind::Reversal, None) => {
            return Err(row.fault(REVERSES, Needed::Reverses));
        }
        (Kind::Payment | Kind::Waiver, Some(_)) => {
            return Err(row.fault(REVERSES, Wrong::NoReversal(kind.name())));
        }
        _ => {}
    }
    let (channel, agency) = channel(row, kind, assignees)?;
    let components = components(row, currency, amount_read)?;
    let note =
        row.get(NOTE).map(|text| text.chars().filter(|c| !c.is_control()).take(500).collect());
    Ok(Recovery {
        reference,
        seq: 0,
        line: crate::kernel::count(row.raw.line as usize),
        account_no,
        received_on,
        kind,
        amount: amount_read,
        reverses,
        channel,
        agency,
        components,
        note,
        beyond_owed: Money::ZERO,
    })
}

fn kind(row: &Row<'_>) -> Result<Kind, Fault> {
    let none = || row.fault(KIND, Wrong::NoneOf(Kind::names()));
    row.get(KIND).map_or(Ok(Kind::Payment), |text| Kind::recognise(text).ok_or_else(none))
}

/// A reversal takes over the channel and agency of its payment, a waiver has neither.
fn channel(
    row: &Row<'_>,
    kind: Kind,
    assignees: &[String],
) -> Result<(Channel, Option<String>), Fault> {
    let neither = || row.fault(CHANNEL, Wrong::NoReceiver);
    let said = row.get(CHANNEL).map(|text| Channel::recognise(text).ok_or_else(neither));
    let channel = said.transpose()?.unwrap_or(Channel::Lender);
    if kind != Kind::Payment || channel == Channel::Lender {
        return Ok((Channel::Lender, None));
    }
    match key(row, AGENCY)? {
        None => Err(row.fault(AGENCY, Needed::Holder)),
        Some(code) if assignees.contains(&code) => Ok((Channel::Agency, Some(code))),
        Some(_) => Err(row.fault(AGENCY, Wrong::NoAssignee)),
    }
}

fn components(
    row: &Row<'_>,
    currency: Currency,
    whole: Money,
) -> Result<Option<[Money; 4]>, Fault> {
    let mut parts = [None; 4];
    for (i, part) in parts.iter_mut().enumerate() {
        *part = amount(row, PRINCIPAL + i, currency)?;
        if part.is_some_and(|part| part < Money::ZERO) {
            return Err(row.fault(PRINCIPAL + i, Wrong::NegativeComponent));
        }
    }
    if parts.iter().all(Option::is_none) {
        return Ok(None);
    }
    let parts = parts.map(|part| part.unwrap_or(Money::ZERO));
    let sum: Money = parts.iter().copied().sum();
    if sum == whole {
        Ok(Some(parts))
    } else {
        let sum = sum.plain(currency);
        Err(row.fault(AMOUNT, Wrong::AmountSum(sum)))
    }
}
