//! The ledger written for others: CSV, and the journals of beancount and hledger with their assertions.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use chrono::NaiveDate;

use super::store::{self, PostingRow};
use crate::db::Db;
use crate::kernel::{Currency, Money};
use crate::sheet::Csv;

/// How the ledger is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One row per leg.
    Csv,
    /// A beancount journal with a closing balance assertion per account, to the last unit.
    Beancount,
    /// An hledger journal with closing balance assertions.
    Hledger,
}

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file cannot be written.
    #[error("cannot write the export: {0}")]
    Io(#[from] std::io::Error),
    /// The database failed.
    #[error("{}", crate::db::told(.0))]
    Db(#[from] diesel::result::Error),
}

/// Writes a lender's whole ledger in a format, streaming.
pub fn export(
    db: &mut Db,
    lender: &str,
    currency: Currency,
    format: Format,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    match format {
        Format::Csv => csv(db, lender, currency, out),
        Format::Beancount => journal(db, lender, currency, out, &Beancount { currency }),
        Format::Hledger => journal(db, lender, currency, out, &Hledger { currency }),
    }
}

fn csv(
    db: &mut Db,
    lender: &str,
    currency: Currency,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    let mut table = Csv::new(out);
    let columns = ["number", "day", "event", "corrects", "account", "debit", "credit", "hash"];
    table.row(columns).map_err(|e| ExportError::Io(e.into()))?;
    store::each_posting(db, lender, |row| {
        let amount = row.leg.amount;
        let (debit, credit) =
            if amount > Money::ZERO { (amount, Money::ZERO) } else { (Money::ZERO, -amount) };
        let record = [
            row.transaction.number.to_string(),
            row.transaction.day.to_string(),
            row.transaction.event,
            row.transaction.corrects.unwrap_or_default(),
            row.leg.account,
            debit.plain(currency),
            credit.plain(currency),
            row.transaction.hash,
        ];
        table.row(&record).map_err(|e| ExportError::Io(e.into()))
    })?;
    table.finish().map_err(|e| ExportError::Io(e.into()))?.flush()?;
    Ok(())
}

/// What differs between two journal languages.
trait Language {
    /// What each account is called in this language.
    fn names(&self, accounts: &[&str]) -> BTreeMap<String, String>;
    fn head(&self, lender: &str, accounts: &BTreeMap<String, String>, first: NaiveDate) -> String;
    fn transaction(&self, row: &PostingRow) -> String;
    fn leg(&self, account: &str, amount: Money) -> String;
    fn tail(&self, balances: &[(String, Money)], last: NaiveDate) -> String;
}

struct Beancount {
    currency: Currency,
}

struct Hledger {
    currency: Currency,
}

fn journal(
    db: &mut Db,
    lender: &str,
    currency: Currency,
    out: &mut dyn Write,
    language: &dyn Language,
) -> Result<(), ExportError> {
    let balances = store::balances(db, lender)?;
    let accounts: Vec<&str> = balances.iter().map(|row| row.account.as_str()).collect();
    let names = language.names(&accounts);
    let mut days: Option<(NaiveDate, NaiveDate)> = None;
    store::each_posting(db, lender, |row| {
        let (first, last) = days.unwrap_or((row.day, row.day));
        days = Some((first.min(row.day), last.max(row.day)));
        Ok::<(), ExportError>(())
    })?;
    let Some((first, last)) = days else {
        writeln!(out, "; the ledger of {lender} ({currency}) is empty")?;
        return Ok(());
    };
    write!(out, "{}", language.head(lender, &names, first))?;
    let mut current = 0;
    store::each_posting(db, lender, |row| {
        if row.number != current {
            current = row.number;
            write!(out, "\n{}", language.transaction(&row))?;
        }
        let name = names.get(&row.leg.account).map_or(row.leg.account.as_str(), String::as_str);
        write!(out, "{}", language.leg(name, row.leg.amount))?;
        Ok::<(), ExportError>(())
    })?;
    let closing: Vec<(String, Money)> = balances
        .iter()
        .filter_map(|row| {
            names.get(&row.account).map(|name| (name.clone(), row.debit - row.credit))
        })
        .collect();
    write!(out, "\n{}", language.tail(&closing, last))?;
    Ok(())
}

impl Language for Beancount {
    fn names(&self, accounts: &[&str]) -> BTreeMap<String, String> {
        beancount_names(accounts)
    }

    fn head(&self, lender: &str, accounts: &BTreeMap<String, String>, first: NaiveDate) -> String {
        let mut head = format!(
            "option \"title\" \"Ledger of {lender}\"\noption \"operating_currency\" \"{}\"\n\n",
            self.currency
        );
        for (account, name) in accounts {
            head.push_str(&format!("{first} open {name} {}\n", self.currency));
            if account != name {
                head.push_str(&format!("  name: {}\n", quoted(account)));
            }
        }
        head
    }

    fn transaction(&self, row: &PostingRow) -> String {
        let corrects = row
            .corrects
            .as_deref()
            .map_or(String::new(), |event| format!("  corrects: {}\n", quoted(event)));
        format!("{} * {}\n  number: {}\n{corrects}", row.day, quoted(&row.event), row.number)
    }

    fn leg(&self, account: &str, amount: Money) -> String {
        format!("  {account}  {} {}\n", amount.plain(self.currency), self.currency)
    }

    /// An assertion stands at the beginning of its day and is told to allow no tolerance.
    fn tail(&self, balances: &[(String, Money)], last: NaiveDate) -> String {
        let day = crate::kernel::calendar::plus_days(last, 1);
        balances
            .iter()
            .map(|(name, amount)| {
                format!(
                    "{day} balance {name}  {} ~ 0 {}\n",
                    amount.plain(self.currency),
                    self.currency
                )
            })
            .collect()
    }
}

impl Language for Hledger {
    /// hledger takes every name a book can have.
    fn names(&self, accounts: &[&str]) -> BTreeMap<String, String> {
        accounts.iter().map(|account| (account.to_string(), account.to_string())).collect()
    }

    fn head(&self, lender: &str, accounts: &BTreeMap<String, String>, _first: NaiveDate) -> String {
        let sample = if self.currency.decimals() == 0 {
            format!("1000. {}", self.currency)
        } else {
            format!("1000.{} {}", "0".repeat(self.currency.decimals() as usize), self.currency)
        };
        let mut head = format!("; ledger of {lender}\ncommodity {sample}\n");
        for name in accounts.values() {
            head.push_str(&format!("account {name}\n"));
        }
        head
    }

    fn transaction(&self, row: &PostingRow) -> String {
        let corrects =
            row.corrects.as_deref().map_or(String::new(), |event| format!("  ; corrects {event}"));
        format!("{} * ({}) {}{corrects}\n", row.day, row.number, row.event.replace(['|', ';'], " "))
    }

    fn leg(&self, account: &str, amount: Money) -> String {
        format!("    {account}  {} {}\n", amount.plain(self.currency), self.currency)
    }

    fn tail(&self, balances: &[(String, Money)], last: NaiveDate) -> String {
        let mut tail = format!("{last} * closing balances\n");
        for (name, amount) in balances {
            let (zero, closing) = (Money::ZERO.plain(self.currency), amount.plain(self.currency));
            tail.push_str(&format!("    {name}  {zero} {c} = {closing} {c}\n", c = self.currency));
        }
        tail
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Account names that beancount takes: components of letters, digits and hyphens that begin with
/// a capital or a digit. Names that would fall together are told apart by a number.
fn beancount_names(accounts: &[&str]) -> BTreeMap<String, String> {
    let mut used = BTreeSet::new();
    accounts
        .iter()
        .map(|account| {
            let parts: Vec<String> = account.split(':').map(component).collect();
            let plain = parts.join(":");
            let mut name = plain.clone();
            let mut count = 2;
            while !used.insert(name.clone()) {
                name = format!("{plain}-{count}");
                count += 1;
            }
            (account.to_string(), name)
        })
        .collect()
}

fn component(text: &str) -> String {
    let clean: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' }).collect();
    let mut chars = clean.chars();
    chars
        .next()
        .map_or(String::new(), |first| first.to_ascii_uppercase().to_string() + chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_apart_in_the_journals() {
        let names = beancount_names(&["Assets:Loans:a_1", "Assets:Loans:a.1", "Assets:Loans:9x"]);
        assert_eq!(names["Assets:Loans:a_1"], "Assets:Loans:A-1");
        assert_eq!(names["Assets:Loans:a.1"], "Assets:Loans:A-1-2");
        assert_eq!(names["Assets:Loans:9x"], "Assets:Loans:9x");
    }
}
