//! What is owed: pure arithmetic on files and receipts.

use chrono::NaiveDate;

use crate::kernel::Money;
use crate::ledger::chart;

/// A balance as one file states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stated {
    /// The file's day.
    pub as_of: NaiveDate,
    /// The order of uploading: of two files of the same day the later one wins.
    pub seq: i64,
    /// The balance.
    pub balance: Money,
}

/// Something that states a balance: a whole row of a file, or just the balance.
pub trait States {
    /// The balance it states.
    fn stated(&self) -> Stated;
}

impl States for Stated {
    fn stated(&self) -> Stated {
        *self
    }
}

/// What a recovery does to what is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The day it was received.
    pub received_on: NaiveDate,
    /// By how much it reduces what is owed; a reversal is negative.
    pub reduces: Money,
}

/// The newest of the files that pass a test.
pub fn newest<F: States>(files: &[F], passes: impl Fn(&Stated) -> bool) -> Option<Stated> {
    files
        .iter()
        .map(States::stated)
        .filter(|stated| passes(stated))
        .max_by_key(|stated| (stated.as_of, stated.seq))
}

/// What is owed at the end of a day, as known now; `None` when no file reaches back to that day.
pub fn owed_on<F: States>(files: &[F], receipts: &[Receipt], day: NaiveDate) -> Option<Money> {
    let stated = newest(files, |stated| stated.as_of <= day)?;
    let since = receipts
        .iter()
        .filter(|receipt| receipt.received_on > stated.as_of && receipt.received_on <= day);
    Some(stated.balance - since.map(|receipt| receipt.reduces).sum())
}

/// What is owed on everything known, whatever its day; `None` when no file names the account.
pub fn owed_known<F: States>(files: &[F], receipts: &[Receipt]) -> Option<Money> {
    let stated = newest(files, |_| true)?;
    let since = receipts.iter().filter(|receipt| receipt.received_on > stated.as_of);
    Some(stated.balance - since.map(|receipt| receipt.reduces).sum())
}

/// The ledger moves when what is owed in a holder's hands goes from `before` to `after`: Assets:Loans holds it
/// while positive, Liabilities:Overpaid while negative. The moves sum to `after − before`.
pub fn shift(holder: Option<&str>, before: Money, after: Money) -> [(String, Money); 2] {
    let negative_part = |owed: Money| Money(owed.0.min(0));
    [
        (chart::loans(holder), after.positive_part() - before.positive_part()),
        (chart::OVERPAID.to_string(), negative_part(after) - negative_part(before)),
    ]
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
            Stated { as_of: day(1), seq: 1, balance: Money(100) },
            Stated { as_of: day(10), seq: 2, balance: Money(70) },
            Stated { as_of: day(10), seq: 3, balance: Money(60) },
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

    #[test]
    fn moves_sum_to_the_change() {
        let moves = shift(None, Money(30), Money(-20));
        assert_eq!(moves.iter().map(|(_, amount)| amount.0).collect::<Vec<_>>(), vec![-30, -20]);
    }
}
