//! The columns of a portfolio file, and a row of it read or refused.

use chrono::NaiveDate;

use crate::hold::HoldKind;
use crate::intake::cell::{self, ACCOUNT_NO_ALIASES, CURRENCY_ALIASES, amount, date, key, word};
use crate::kernel::{Currency, Money};
use crate::sheet::wrong::{Needed, Wrong};
use crate::sheet::{Column, Fault, Row, Sheet};

const fn column(name: &'static str, aliases: &'static [&'static str]) -> Column {
    Column::optional(name, aliases)
}

/// The columns, in the order of the constants below.
pub const COLUMNS: &[Column] = &[
    Column::required("account_no", ACCOUNT_NO_ALIASES).key(),
    column("balance", &["余额", "欠款余额", "委案金额", "剩余金额"]).figure(),
    column("principal", &["本金", "剩余本金"]).figure(),
    column("interest", &["利息", "欠息"]).figure(),
    column("fees", &["费用", "违约金", "滞纳金"]).figure(),
    Column::required("days_past_due", &["逾期天数", "逾期日数"]).figure(),
    column("debtor_ref", &["债务人编号", "客户号", "客户编号"]).key(),
    column("debtor_name", &["姓名", "客户姓名", "债务人"]),
    column("id_number", &["身份证号", "证件号码"]),
    column("phone", &["手机号", "电话", "联系电话"]),
    column("address", &["地址", "住址"]),
    column("region", &["地区", "区域", "行政区划"]),
    column("product", &["产品", "产品类型"]),
    column("currency", CURRENCY_ALIASES),
    column("charged_off", &["核销", "是否核销"]),
    column("legal", &["诉讼", "是否诉讼"]),
    column("opened_on", &["放款日期", "开户日期", "开立日期"]).day(),
    column("last_paid_on", &["最近还款日", "最后还款日期"]).day(),
    column("score", &["评分"]),
    column("hold", &["停催", "停催类型"]),
];

/// `account_no`
pub const ACCOUNT_NO: usize = 0;
const BALANCE: usize = 1;
const PARTS: [usize; 3] = [2, 3, 4];
const DAYS_PAST_DUE: usize = 5;
const DEBTOR_REF: usize = 6;
const PERSONAL: [usize; 4] = [7, 8, 9, 10];
const REGION: usize = 11;
const PRODUCT: usize = 12;
const CURRENCY: usize = 13;
const CHARGED_OFF: usize = 14;
const LEGAL: usize = 15;
const OPENED_ON: usize = 16;
const LAST_PAID_ON: usize = 17;
const SCORE: usize = 18;
const HOLD: usize = 19;

/// A row as it stands in the file: what it leaves out is absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated {
    /// The account.
    pub account_no: String,
    /// What is owed.
    pub balance: Money,
    /// Principal, interest, fees.
    pub parts: [Option<Money>; 3],
    /// Days past due.
    pub days_past_due: i64,
    /// The person behind it.
    pub debtor_ref: Option<String>,
    /// Name, id number, phone, address.
    pub personal: [Option<String>; 4],
    /// The region.
    pub region: Option<String>,
    /// The product.
    pub product: Option<String>,
    /// Written off.
    pub charged_off: Option<bool>,
    /// In court.
    pub legal: Option<bool>,
    /// When it was opened.
    pub opened_on: Option<NaiveDate>,
    /// When it was last paid.
    pub last_paid_on: Option<NaiveDate>,
    /// The lender's own score.
    pub score: Option<String>,
    /// The hold the file asks for.
    pub hold: Option<HoldKind>,
}

/// Whether the file can say what is owed at all.
pub fn states_balances(sheet: &Sheet) -> bool {
    sheet.has(BALANCE) || sheet.has(PARTS[0])
}

/// Whether the file speaks of holds, so that an empty cell ends one.
pub fn states_holds(sheet: &Sheet) -> bool {
    sheet.has(HOLD)
}

/// The balance of a row for the control total, whatever else is wrong with it.
pub fn control_amount(row: &Row<'_>, currency: Currency) -> Option<Money> {
    balance(row, currency).ok().map(|(balance, _)| balance)
}

/// The account a row names, whatever else is wrong with it.
pub fn account_no(row: &Row<'_>) -> Option<String> {
    key(row, ACCOUNT_NO).ok().flatten()
}

/// Reads a row; the first fault refuses it.
pub fn read(row: &Row<'_>, currency: Currency) -> Result<Stated, Fault> {
    let account_no =
        key(row, ACCOUNT_NO)?.ok_or_else(|| row.fault(ACCOUNT_NO, Needed::AccountNo))?;
    let (balance, parts) = balance(row, currency)?;
    cell::currency(row, CURRENCY, currency)?;
    let personal = PERSONAL.map(|column| row.get(column).map(str::to_string));
    let hold = row.get(HOLD).map(|text| {
        HoldKind::recognise(text)
            .ok_or_else(|| row.fault(HOLD, Wrong::NoHoldType(HoldKind::names())))
    });
    Ok(Stated {
        account_no,
        balance,
        parts,
        days_past_due: days_past_due(row)?,
        debtor_ref: key(row, DEBTOR_REF)?,
        personal,
        region: word(row, REGION)?,
        product: word(row, PRODUCT)?,
        charged_off: flag(row, CHARGED_OFF)?,
        legal: flag(row, LEGAL)?,
        opened_on: date(row, OPENED_ON)?,
        last_paid_on: date(row, LAST_PAID_ON)?,
        score: word(row, SCORE)?,
        hold: hold.transpose()?,
    })
}

fn balance(row: &Row<'_>, currency: Currency) -> Result<(Money, [Option<Money>; 3]), Fault> {
    let mut parts = [None; 3];
    for (part, column) in parts.iter_mut().zip(PARTS) {
        *part = amount(row, column, currency)?;
        if part.is_some_and(|part| part < Money::ZERO) {
            return Err(row.fault(column, Wrong::NegativePart));
        }
    }
    let sum: Option<Money> =
        parts.iter().any(Option::is_some).then(|| parts.iter().flatten().copied().sum());
    let balance = match (amount(row, BALANCE, currency)?, sum) {
        (Some(balance), Some(sum)) if balance != sum => {
            let sum = sum.plain(currency);
            return Err(row.fault(BALANCE, Wrong::BalanceSum(sum)));
        }
        (Some(balance), _) => balance,
        (None, Some(sum)) => sum,
        (None, None) => {
            return Err(row.fault(BALANCE, Needed::Balance));
        }
    };
    if balance < Money::ZERO {
        return Err(row.fault(BALANCE, Wrong::NegativeBalance));
    }
    Ok((balance, parts))
}

fn days_past_due(row: &Row<'_>) -> Result<i64, Fault> {
    let text =
        row.get(DAYS_PAST_DUE).ok_or_else(|| row.fault(DAYS_PAST_DUE, Needed::DaysPastDue))?;
    let days = text
        .parse::<i64>()
        .ok()
        .filter(|days| (0..=36_500).contains(days) && text.bytes().all(|b| b.is_ascii_digit()));
    days.ok_or_else(|| row.fault(DAYS_PAST_DUE, Wrong::NoDays))
}

fn flag(row: &Row<'_>, column: usize) -> Result<Option<bool>, Fault> {
    match row.get(column).map(str::to_lowercase).as_deref() {
        None => Ok(None),
        Some("true" | "yes" | "1" | "是") => Ok(Some(true)),
        Some("false" | "no" | "0" | "否") => Ok(Some(false)),
        Some(_) => Err(row.fault(column, Wrong::NoFlag)),
    }
}
