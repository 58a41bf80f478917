//! A list of accounts: how each stands now.

use chrono::NaiveDate;

use crate::hold::HoldKind;
use crate::kernel::Money;
use crate::party::Lang;
use crate::table::Column;

/// An account of a list.
pub struct Listed {
    /// The account.
    pub account_no: String,
    /// The debtor's name, masked; empty where none is known.
    pub debtor_name: String,
    /// The bucket of its days past due.
    pub bucket: String,
    /// As the newest file states it.
    pub days_past_due: i64,
    /// The newest file's balance.
    pub balance: Money,
    /// What is owed on everything known.
    pub owed: Money,
    /// Who has it; nobody is the house.
    pub holder: Option<String>,
    /// Since when.
    pub placed_on: Option<NaiveDate>,
    /// Its holds, its debtor's among them.
    pub holds: Vec<HoldKind>,
}

/// Its columns, of downloads and pages alike.
pub const COLUMNS: &[Column<Listed>] = &[
    Column::<Listed>::text("account_no", Lang::account, |one, _| (&one.account_no).into()),
    Column::<Listed>::text("debtor_name", Lang::debtor, |one, _| (&one.debtor_name).into()),
    Column::<Listed>::text("bucket", Lang::bucket, |one, _| (&one.bucket).into()).folded(),
    Column::<Listed>::number("days_past_due", Lang::days_past_due, |one, _| {
        one.days_past_due.into()
    })
    .folded(),
    Column::<Listed>::money("balance", Lang::balance_stated, |one, _| one.balance.into())
        .folded()
        .added_up(),
    Column::<Listed>::money("owed", Lang::owed_now, |one, _| one.owed.into()).added_up(),
    Column::<Listed>::text("holder", Lang::holder, |one, t| {
        one.holder.as_deref().unwrap_or(t.house()).into()
    })
    .folded(),
    Column::<Listed>::text("placed_on", Lang::placed_on, |one, _| one.placed_on.into()).folded(),
    Column::<Listed>::text("hold", Lang::hold_word, |one, t| {
        hold_words(&one.holds, t).join("; ").into()
    })
    .folded(),
];

/// The holds in words.
pub fn hold_words(holds: &[HoldKind], t: Lang) -> Vec<&'static str> {
    holds.iter().map(|kind| t.hold_kind(*kind)).collect()
}
