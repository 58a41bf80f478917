//! Files whose amounts go both ways. Until such files are read, taking every amount for money received would book
//! money paid out as income: they are refused as a whole.

use super::IntakeError;
use crate::kernel::text::excerpt;
use crate::sheet::{RawRow, Sheet};

/// How files of a kind may tell which way an amount goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// They have no amounts.
    Nowhere,
    /// In a column of that name.
    ByName,
    /// Also in a column of any name by what stands in it: each row is money that moved.
    ByContent,
}

/// Names of columns that tell a direction or a sign; a name counts without its spaces and marks.
const NAMES: &[&str] = &[
    "借贷",
    "借贷标志",
    "借贷标识",
    "借贷标记",
    "借贷方向",
    "借贷别",
    "借贷类型",
    "借贷状态",
    "借或贷",
    "借",
    "贷",
    "借方",
    "贷方",
    "借方金额",
    "贷方金额",
    "借方发生额",
    "贷方发生额",
    "方向",
    "资金方向",
    "交易方向",
    "收支",
    "收支标志",
    "收支标识",
    "收支方向",
    "收支类型",
    "收付",
    "收付标志",
    "收付标识",
    "收付方向",
    "收付类型",
    "收入金额",
    "支出金额",
    "来往账标志",
    "往来标志",
    "正负",
    "正负号",
    "符号",
    "金额符号",
    "sign",
    "amountsign",
    "direction",
    "drcr",
    "crdr",
    "drcrindicator",
    "crdrindicator",
    "drcrflag",
    "dc",
    "cd",
    "dcflag",
    "cdflag",
    "cdtflag",
    "dcindicator",
    "cdindicator",
    "cdtdbtind",
    "debit",
    "credit",
    "debits",
    "credits",
    "debitamount",
    "creditamount",
    "debitcredit",
    "creditdebit",
    "debitorcredit",
    "creditordebit",
    "debitcreditindicator",
    "creditdebitindicator",
    "dr",
    "cr",
    "inout",
    "inorout",
    "plusminus",
];

/// Words that tell a direction wherever they stand alone.
const WORDS: &[&str] =
    &["借", "贷", "借方", "贷方", "收", "支", "收入", "支出", "dr", "cr", "debit", "credit"];

/// The columns of a file that may tell a direction.
pub(super) struct Directions {
    /// Any filled cell of these tells one.
    named: Vec<usize>,
    /// One of the words in these does.
    others: Vec<usize>,
}

impl Directions {
    pub(super) fn of(sheet: &Sheet, told: Told) -> Directions {
        let (mut named, mut others) = (Vec::new(), Vec::new());
        for (index, name) in sheet.unused() {
            let plain: String =
                name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
            match told {
                Told::Nowhere => {}
                _ if NAMES.contains(&plain.as_str()) || is_signs(name) => named.push(index),
                Told::ByName => {}
                Told::ByContent => others.push(index),
            }
        }
        Directions { named, others }
    }

    /// Refuses the file at the first row that tells a direction.
    pub(super) fn check(&self, sheet: &Sheet, raw: &RawRow) -> Result<(), IntakeError> {
        let cell = |index: &usize| raw.cells.get(*index).map_or("", |cell| cell.trim());
        let named = self.named.iter().find(|index| !cell(index).is_empty());
        let found = named.or_else(|| self.others.iter().find(|index| is_word(cell(index))));
        match found {
            None => Ok(()),
            Some(index) => Err(IntakeError::Direction {
                file: sheet.path.display().to_string(),
                line: raw.line,
                column: sheet.header.get(*index).cloned().unwrap_or_default(),
                value: excerpt(cell(index)),
            }),
        }
    }
}

/// A heading of signs alone, such as `+/-`.
fn is_signs(name: &str) -> bool {
    let mut signs = name.chars().filter(|c| !c.is_whitespace()).peekable();
    signs.peek().is_some() && signs.all(|c| matches!(c, '+' | '-' | '/' | '±' | '＋' | '－'))
}

fn is_word(cell: &str) -> bool {
    // The longest word is short: most cells are out at the first look.
    cell.len() <= 6 && !cell.is_empty() && WORDS.iter().any(|word| word.eq_ignore_ascii_case(cell))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_alone() {
        for cell in ["借", "Dr", "CR", "支出", "credit"] {
            assert!(is_word(cell), "{cell}");
        }
        for cell in ["", "借款", "D", "1", "creditor", "收入证明"] {
            assert!(!is_word(cell), "{cell}");
        }
    }

    #[test]
    fn a_heading_of_signs() {
        assert!(is_signs("+/-") && is_signs("±"));
        assert!(!is_signs("") && !is_signs("+1"));
    }
}
