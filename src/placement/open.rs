//! Opening placements (委案): a batch for each assignee, the facts frozen, and what is owed moved from the house to its
//! holder.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::store::{Batch, Placed};
use crate::audit::Act;
use crate::contract::Version;
use crate::contract::condition::Facts;
use crate::db::Db;
use crate::kernel::Money;
use crate::kernel::calendar::plus_days;
use crate::ledger::{LedgerError, Transaction, chart};

/// An account to place.
pub struct ToPlace<'a> {
    /// Which of the batches it goes into.
    pub batch: usize,
    /// The account.
    pub account_no: &'a str,
    /// The facts of the day, which the placement freezes.
    pub facts: &'a Facts,
    /// Its level in the assignee's hands.
    pub level: i64,
    /// What is owed on everything known, for the ledger.
    pub owed: Money,
}

/// A batch while its placements are opened.
struct Filling<'a> {
    code: String,
    assignee: &'a str,
    version: &'a Version,
    accounts: i64,
    balance: Money,
    owed: Money,
}

/// Batches being filled within an act.
pub struct Batches<'a> {
    run_no: i64,
    on: NaiveDate,
    filling: BTreeMap<usize, Filling<'a>>,
}

impl<'a> Batches<'a> {
    /// Gives each assignee that takes something, under the contract version its placements begin with, a batch with the
    /// next number of the book, in the order given.
    pub fn begin(
        act: &mut Act,
        run_no: i64,
        on: NaiveDate,
        assignees: impl IntoIterator<Item = (usize, &'a str, &'a Version)>,
    ) -> Batches<'a> {
        let mut filling = BTreeMap::new();
        for (batch, assignee, version) in assignees {
            act.book.batch_no += 1;
            let code = format!("B{:05}-{assignee}", act.book.batch_no);
            let (accounts, balance, owed) = (0, Money::ZERO, Money::ZERO);
            filling.insert(batch, Filling { code, assignee, version, accounts, balance, owed });
        }
        Batches { run_no, on, filling }
    }

    /// Opens placements. One that goes into no batch stops the act: nobody's account is left out.
    pub fn open(
        &mut self,
        db: &mut Db,
        act: &mut Act,
        accounts: &[ToPlace<'_>],
    ) -> diesel::QueryResult<()> {
        let mut rows = Vec::with_capacity(accounts.len());
        for one in accounts {
            let batch = self.filling.get_mut(&one.batch).ok_or(diesel::NotFound)?;
            batch.accounts += 1;
            batch.balance += one.facts.balance;
            batch.owed += one.owed.positive_part();
            act.book.placement_no += 1;
            rows.push(batch.placed(act, one, self.on));
        }
        act.record(db, &rows)
    }

    /// Records the batches and posts what each took over.
    pub fn finish(self, db: &mut Db, act: &mut Act) -> Result<(), LedgerError> {
        for filled in self.filling.into_values() {
            let batch = Batch {
                code: filled.code.clone(),
                seq: act.seq(),
                run_no: self.run_no,
                assignee: filled.assignee.to_string(),
                placed_on: self.on,
                accounts: filled.accounts,
                balance: filled.balance,
            };
            act.record(db, &[batch])?;
            let holder = chart::loans(Some(filled.assignee));
            let moves = [(holder, filled.owed), (chart::loans(None), -filled.owed)];
            let event = format!("placed:{}", filled.code);
            act.post(db, Transaction::build(self.on, event, None, moves))?;
        }
        Ok(())
    }
}

impl Filling<'_> {
    fn placed(&self, act: &Act, one: &ToPlace<'_>, on: NaiveDate) -> Placed {
        let (terms, facts) = (&self.version.terms, one.facts);
        Placed {
            placement_no: act.book.placement_no,
            seq: act.seq(),
            account_no: one.account_no.to_string(),
            assignee: self.assignee.to_string(),
            batch: self.code.clone(),
            level: one.level,
            placed_on: on,
            expires_on: plus_days(on, terms.term_days - 1),
            tail_days: terms.tail_days,
            balance: facts.balance,
            days_past_due: facts.days_past_due,
            bucket: facts.bucket.clone(),
            product: facts.product.clone(),
            region: facts.region.clone(),
            charged_off: facts.charged_off,
            legal: facts.legal,
            contract: terms.code.clone(),
            contract_version: self.version.number,
        }
    }
}
