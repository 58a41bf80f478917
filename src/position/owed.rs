//! What is owed: pure arithmetic on files and receipts.

use chrono::NaiveDate;

use crate::kernel::Money;
use crate::portfolio::{StatedBalance, StatesBalance};
use crate::recovery::Receipt;

/// The newest of the files that pass a test.
pub fn newest<F: StatesBalance>(
    files: &[F],
    passes: impl Fn(&StatedBalance) -> bool,
) -> Option<StatedBalance> {
    files
        .iter()
        .map(StatesBalance::stated)
        .filter(|stated| passes(stated))
        .max_by_key(|stated| (stated.as_of, stated.seq))
}

/// What is owed at the end of a day, as known now; `None` when no file reaches back to that day.
pub fn owed_on<F: StatesBalance>(
    files: &[F],
    receipts: &[Receipt],
    day: NaiveDate,
) -> Option<Money> {
    let stated = newest(files, |stated| stated.as_of <= day)?;
    let since = receipts
        .iter()
        .filter(|receipt| receipt.received_on > stated.as_of && receipt.received_on <= day);
    Some(stated.balance - since.map(|receipt| receipt.reduces).sum())
}

/// What is owed on everything known, whatever its day; `None` when no file names the account.
pub fn owed_known<F: StatesBalance>(files: &[F], receipts: &[Receipt]) -> Option<Money> {
    let stated = newest(files, |_| true)?;
    let since = receipts.iter().filter(|receipt| receipt.received_on > stated.as_of);
    Some(stated.balance - since.map(|receipt| receipt.reduces).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, day).unwrap()
    }

    #[test]
    fn the_newest_file_owns_the_balance() {
        let files = [
            StatedBalance { as_of: day(1), seq: 1, balance: Money(100) },
            StatedBalance { as_of: day(10), seq: 2, balance: Money(70) },
            StatedBalance { as_of: day(10), seq: 3, balance: Money(60) },
        ];
        let receipts = [
            Receipt { received_on: day(5), reduces: Money(30) },
            Receipt { received_on: day(12), reduces: Money(10) },
            Receipt { received_on: day(13), reduces: Money(-10) },
        ];
        assert_eq!(owed_on(&files, &receipts, day(4)), Some(Money(100)));
        assert_eq!(owed_on(&files, &receipts, day(5)), Some(Money(70)));
        assert_eq!(owed_on(&files, &receipts, day(12)), Some(Money(50)));
        assert_eq!(owed_known(&files, &receipts), Some(Money(60)));
        assert_eq!(owed_on(&files, &receipts, NaiveDate::from_ymd_opt(2026, 2, 28).unwrap()), None);
    }
}
