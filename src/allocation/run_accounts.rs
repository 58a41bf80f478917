//! The accounts of a run as lists have them.

use super::findings::How;
use super::store::RunAccount;
use crate::kernel::Money;
use crate::party::Lang;
use crate::table::{Column, Value};

/// An account of a run with what is known of it.
pub struct Listed {
    /// As the run keeps it.
    pub one: RunAccount,
    /// How it went.
    pub how: How,
    /// The method by which it went, as the assignment file names it.
    pub method: String,
    /// What is expected of it where it goes.
    pub expected: Option<Money>,
    /// Why, in words.
    pub reason: String,
}

const ACCOUNT_NO: Column<Listed> =
    Column::<Listed>::text("account_no", Lang::account, |row, _| (&row.one.account_no).into());
const ASSIGNEE: Column<Listed> =
    Column::<Listed>::text("assignee", Lang::assignee, |row, _| row.one.assignee.as_ref().into());
const LEVEL: Column<Listed> =
    Column::<Listed>::number("level", Lang::level, |row, _| Value::Number(row.one.level)).folded();
const STRATUM: Column<Listed> =
    Column::<Listed>::text("stratum", Lang::stratum, |row, _| (&row.one.stratum).into()).folded();
const METHOD: Column<Listed> = Column::<Listed>::text("method", Lang::how_word, |row, t| {
    Value::Told(row.method.clone(), t.how(row.how, &row.method).to_string())
})
.folded();
const EXPECTED: Column<Listed> =
    Column::<Listed>::money("expected_recovery", Lang::expected_recovery, |row, _| {
        row.expected.into()
    })
    .folded();
const REASON: Column<Listed> =
    Column::<Listed>::text("reason", Lang::went_because, |row, _| (&row.reason).into())
        .folded()
        .wrapped();
const BALANCE: Column<Listed> =
    Column::<Listed>::money("balance", Lang::balance, |row, _| row.one.balance.into());

/// What a download has: the columns of the assignment file, and the balance.
pub const DOWNLOAD: &[Column<Listed>] =
    &[ACCOUNT_NO, ASSIGNEE, LEVEL, STRATUM, METHOD, EXPECTED, REASON, BALANCE];

/// What a page has.
pub const PAGE: &[Column<Listed>] =
    &[ACCOUNT_NO, ASSIGNEE, LEVEL, METHOD, BALANCE, EXPECTED, STRATUM, REASON];
