//! What a contract version would change of what is settled, before it is published (rule 6.10): every line that would earn
//! otherwise, and what closed months would come to. The next closing's true-ups and month lines are exactly that.

use std::collections::BTreeMap;

use super::priced::{self, PricedLine};
use super::{LineKind, SettlementError, store};
use crate::audit;
use crate::commission::gather::{AccountFacts, CutOff, each_account, gather_from};
use crate::contract::{self, Terms, Version, Versions};
use crate::db::{Db, keys_json};
use crate::kernel::{Currency, Money, Month};
use crate::party::Lender;
use crate::sheet::Csv;

/// A line that would earn otherwise or by another rule.
#[derive(Clone, Debug)]
pub struct ChangedLine {
    /// The recovery.
    pub reference: String,
    /// The statement on which it was settled first, when one did.
    pub statement_no: Option<String>,
    /// As it is priced now.
    pub old: PricedLine,
    /// As it would be.
    pub new: PricedLine,
}

/// A figure of a month that would come to something else.
#[derive(Clone, Copy, Debug)]
pub struct ChangedMonth {
    /// The month.
    pub month: Month,
    /// Performance, minimum or maximum.
    pub kind: LineKind,
    /// What it comes to now.
    pub old: Money,
    /// What it would come to.
    pub new: Money,
}

/// What a version would change.
#[derive(Clone, Debug, Default)]
pub struct Difference {
    /// In order of day, payments before reversals, reference.
    pub lines: Vec<ChangedLine>,
    /// Kind by kind, in order of month.
    pub months: Vec<ChangedMonth>,
}

/// Works out what publishing a version under a number would change of the closed months of its agency.
pub fn difference(
    db: &mut Db,
    lender: &Lender,
    terms: Terms,
    number: i64,
) -> Result<Difference, SettlementError> {
    let book = audit::book(db, &lender.code)?;
    let Some(last) = book.closed_month else { return Ok(Difference::default()) };
    let old = contract::store::versions(db, lender)?;
    let agency = terms.agency.clone();
    let new = with(&old, terms, number, book.seq + 1);
    let cut_off = CutOff { seq: book.seq, last_day: last.last_day() };
    let mut facts: Vec<AccountFacts> = Vec::new();
    each_account(db, &lender.code, |one| {
        if one.placements.iter().any(|placement| placement.assignee == agency) {
            facts.push(one);
        }
        Ok(())
    })?;
    let state = |versions: &Versions| {
        let gathered = gather_from(facts.iter(), versions, cut_off)?;
        priced::lines(&gathered, versions, &agency)
    };
    let (before, after) = (state(&old)?, state(&new)?);
    let mut found = Difference::default();
    for (reference, line) in &before {
        if let Some(changed) = after.get(reference)
            && (line.fee, &line.rule) != (changed.fee, &changed.rule)
        {
            let (reference, old, new) = (reference.clone(), line.clone(), changed.clone());
            found.lines.push(ChangedLine { reference, statement_no: None, old, new });
        }
    }
    found.lines.sort_by(|a, b| {
        let order = |one: &ChangedLine| (one.old.received_on, one.old.reversal);
        order(a).cmp(&order(b)).then_with(|| a.reference.cmp(&b.reference))
    });
    let keys = keys_json(found.lines.iter().map(|line| line.reference.as_str()));
    let settled = store::settled_first(db, &lender.code, &keys, last.next())?;
    for line in &mut found.lines {
        line.statement_no = settled.get(&line.reference).cloned();
    }
    let charged: BTreeMap<Month, Money> = store::statements(db, &lender.code, Some(&agency))?
        .iter()
        .map(|one| (one.month, one.figures.charges))
        .collect();
    let (old_sums, new_sums) =
        (priced::by_month(&before, book.first_month), priced::by_month(&after, book.first_month));
    for closed in store::closed_months(db, &lender.code)? {
        let month = closed.month;
        let charges = charged.get(&month).copied().unwrap_or_default();
        let (was, will) = (
            priced::ground(&old, &agency, &closed, charges),
            priced::ground(&new, &agency, &closed, charges),
        );
        let was = priced::figures(&agency, month, old_sums.get(&month), &was)?;
        let will = priced::figures(&agency, month, new_sums.get(&month), &will)?;
        for kind in priced::KINDS {
            let (old, new) = (was.of(kind), will.of(kind));
            if old != new {
                found.months.push(ChangedMonth { month, kind, old, new });
            }
        }
    }
    found.months.sort_by_key(|one| (one.kind, one.month));
    Ok(found)
}

/// The versions with one more.
fn with(versions: &Versions, terms: Terms, number: i64, seq: i64) -> Versions {
    let corrected = terms.corrects.and_then(|number| versions.get(&terms.agency, number));
    let stands_for = corrected.map_or(number, |version| version.stands_for);
    let mut all = versions.clone();
    all.0.push(Version { number, seq, sha256: String::new(), stands_for, terms });
    all
}

impl Difference {
    /// Σ of all differences.
    pub fn sum(&self) -> Money {
        let lines = self.lines.iter().map(|line| line.new.fee - line.old.fee);
        let months = self.months.iter().map(|month| month.new - month.old);
        lines.chain(months).sum()
    }

    /// As CSV: the lines, then what months come to.
    pub fn csv(&self, currency: Currency) -> Result<Vec<u8>, csv::Error> {
        let mut table = Csv::new(Vec::new());
        table.row([
            "reference",
            "account_no",
            "received_on",
            "amount",
            "statement_no",
            "rule_old",
            "fee_old",
            "rule_new",
            "fee_new",
            "difference",
        ])?;
        let plain = |amount: Money| amount.plain(currency);
        for line in &self.lines {
            table.row(&[
                line.reference.clone(),
                line.old.account_no.clone(),
                line.old.received_on.to_string(),
                plain(line.old.amount),
                line.statement_no.clone().unwrap_or_default(),
                line.old.rule.clone().unwrap_or_default(),
                plain(line.old.fee),
                line.new.rule.clone().unwrap_or_default(),
                plain(line.new.fee),
                plain(line.new.fee - line.old.fee),
            ])?;
        }
        for ChangedMonth { month, kind, old, new } in &self.months {
            let named = format!("{} {month}", kind.name());
            let nothing = String::new;
            table.row(&[
                nothing(),
                nothing(),
                nothing(),
                nothing(),
                nothing(),
                named.clone(),
                plain(*old),
                named,
                plain(*new),
                plain(*new - *old),
            ])?;
        }
        table.finish()
    }
}
