//! Explaining a line of an issued statement from the facts its closing knew; what changes earlier lines or months also from
//! what the closing before had known.

use std::collections::BTreeMap;

pub use super::explain_context::Asker;
use super::explain_context::{ClosingFacts, ExplainContext};
use super::{Line, LineKind, SettlementError, Statement, explain_month, store};
use crate::commission::change::{Changes, changes, earning};
use crate::commission::gather::{self, CutOff};
use crate::commission::{Group, GroupKey};
use crate::contract;
use crate::db::{Db, keys_json};
use crate::kernel::{Money, Month};
use crate::party::{self, Lang};
use crate::placement::{self, Placement};
use crate::recovery;
use crate::recovery::attribution::attribute;
use crate::words::change::changes_words;
use crate::words::explain::{
    Basis, Hands, Received, correction_words, group_before_words, line_words, no_recovery,
    note_words, placement_words, received_words, rule_words, true_up_words,
};

/// A line with the reasons for its amount.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The statement, without lines.
    pub statement: Statement,
    /// The line.
    pub line: Line,
    /// The reasons, a sentence each.
    pub words: Vec<String>,
}

/// Says why a line of a statement has its amount.
pub fn explain(
    db: &mut Db,
    t: Lang,
    asker: Asker,
    statement_no: &str,
    line_no: i64,
) -> Result<Explained, SettlementError> {
    let statement = store::head_by_number(db, statement_no)?
        .ok_or_else(|| SettlementError::NoStatementNo(statement_no.to_string()))?;
    let line = store::lines(db, &statement.lender, statement_no, line_no.saturating_sub(1), 1)?
        .into_iter()
        .find(|line| line.line_no == line_no)
        .ok_or_else(|| SettlementError::NoLine(statement_no.to_string(), line_no))?;
    let lender = party::store::lender(db, &statement.lender)?
        .ok_or_else(|| SettlementError::NoLender(statement.lender.clone()))?;
    let periods = store::periods(db, &lender.code)?;
    let known_seq = periods
        .iter()
        .find(|period| period.month == statement.month)
        .map_or(0, |period| period.known_seq);
    let all = contract::store::versions(db, &lender)?;
    let (versions, month) = (all.known_at(known_seq), statement.month);
    let before = periods.iter().rfind(|period| period.month < month);
    let before = before.map(|period| ClosingFacts::of(&all, period));
    let context = ExplainContext { t, asker, lender, versions, known_seq, month, before, periods };
    let words = context.words(db, &statement, &line)?;
    Ok(Explained { statement, line, words })
}

impl ExplainContext {
    fn words(
        &self,
        db: &mut Db,
        statement: &Statement,
        line: &Line,
    ) -> Result<Vec<String>, SettlementError> {
        let mut words = match (&line.reference, &line.account_no) {
            (Some(reference), Some(account_no)) => {
                self.payment(db, reference, account_no, &statement.agency, line)?
            }
            _ => Vec::new(),
        };
        let of_agency = |of| GroupKey { agency: statement.agency.clone(), of };
        let key = line.fee_group.clone().map(of_agency);
        match key {
            Some(key) => words.extend(self.group(db, statement, line, &key)?),
            None if line.of_month.is_some() => {
                words.extend(explain_month::words(self, db, statement, line)?);
            }
            None => words.extend(line.note.iter().map(|note| note_words(self.t, note))),
        }
        Ok(words)
    }

    /// The payment, its window and its rule.
    fn payment(
        &self,
        db: &mut Db,
        reference: &str,
        account_no: &str,
        agency: &str,
        line: &Line,
    ) -> Result<Vec<String>, SettlementError> {
        let lender = &self.lender.code;
        let found = recovery::store::by_reference(db, lender, &keys_json([reference].into_iter()))?;
        let Some(own) = found.into_iter().next() else {
            return Ok(vec![no_recovery(self.t, reference)]);
        };
        let original = match &own.reverses {
            Some(original) => recovery::store::by_reference(
                db,
                lender,
                &keys_json([original.as_str()].into_iter()),
            )?
            .into_iter()
            .next(),
            None => None,
        };
        let payment = original.as_ref().unwrap_or(&own);
        let channel = match own.agency.as_deref() {
            Some(holder) if holder == agency || self.asker == Asker::Lender => Hands::Named(holder),
            _ if self.asker == Asker::Agency => Hands::NotYours,
            _ => Hands::Lender,
        };
        let amount = own.amount.grouped(self.lender.currency);
        let (reference, on) = (own.reference.as_str(), own.received_on);
        let received = Received { reference, amount, account_no, on, channel };
        let reverses = original.as_ref().map(|one| (one.reference.as_str(), one.received_on));
        let mut words = received_words(self.t, &received, reverses);
        let placements: Vec<Placement> =
            placement::store::of_accounts(db, lender, &keys_json([account_no].into_iter()))?
                .into_iter()
                .filter(|placement| placement.seq <= self.known_seq)
                .map(|placement| placement.known_at(self.known_seq))
                .collect();
        let Ok(index) = attribute(&placements, payment.received_on) else { return Ok(words) };
        let others = self.asker == Asker::Lender;
        words.extend(placement_words(self.t, &placements, index, payment.received_on, others));
        let placement = &placements[index];
        let of_holder = |of| GroupKey { agency: placement.assignee.clone(), of };
        let key = line.fee_group.clone().map(of_holder);
        if let Some(key) = key
            && let Some(version) = self.versions.get(&key.agency, key.version)
        {
            words.extend(rule_words(
                self.t,
                &version.terms,
                version.number,
                placement,
                key.rule,
                self.lender.currency,
            ));
        }
        Ok(words)
    }

    /// Which version corrects which, where one corrected the version of a group or the version corrects another.
    fn corrections(&self, key: &GroupKey) -> Vec<String> {
        let own = self.versions.get(&key.agency, key.version);
        let by = self.versions.correction_of(&key.agency, key.version);
        let mut words = Vec::new();
        for (version, corrected) in [
            own.and_then(|version| Some((version, version.terms.corrects?))),
            by.map(|version| (version, key.version)),
        ]
        .into_iter()
        .flatten()
        {
            let (number, from) = (version.number, version.terms.effective_from);
            words.push(correction_words(self.t, number, corrected, from));
        }
        words
    }

    fn group(
        &self,
        db: &mut Db,
        statement: &Statement,
        line: &Line,
        key: &GroupKey,
    ) -> Result<Vec<String>, SettlementError> {
        let Some(version) = self.versions.get(&key.agency, key.version) else {
            return Ok(Vec::new());
        };
        let cut_off = CutOff { seq: self.known_seq, last_day: self.month.last_day() };
        let lender = &self.lender.code;
        let group = gather::group(db, lender, &self.versions, cut_off, key)?;
        let group = group.unwrap_or_else(|| Group {
            key: key.clone(),
            placed: Money::ZERO,
            items: Vec::new(),
        });
        let (t, currency) = (self.t, self.lender.currency);
        let basis = Basis { t, currency, terms: &version.terms, group: &group };
        if line.kind != LineKind::TrueUp {
            return Ok(line
                .reference
                .as_deref()
                .map(|reference| line_words(&basis, reference))
                .unwrap_or_default());
        }
        let before = store::settled_of_group(db, lender, key, self.month)?;
        let now = store::commission_of_group(db, lender, &statement.statement_no, key)?;
        let mut words = true_up_words(&basis, before, now, line.fee);
        words.extend(self.since(db, &basis, key)?);
        words.extend(self.corrections(key));
        words.extend(line.note.iter().map(|note| note_words(self.t, note)));
        Ok(words)
    }

    /// What the group's true-up follows from: the group at the closing before, and the facts since.
    fn since(
        &self,
        db: &mut Db,
        basis: &Basis<'_>,
        key: &GroupKey,
    ) -> Result<Vec<String>, SettlementError> {
        let Some(before) = &self.before else { return Ok(Vec::new()) };
        let lender = &self.lender.code;
        let group = gather::group(db, lender, &before.versions, before.cut_off, key)?;
        let empty = || Group { key: key.clone(), placed: Money::ZERO, items: Vec::new() };
        let group = group.unwrap_or_else(empty);
        let old = earning(basis.terms, &group, |_| true);
        let now = earning(basis.terms, basis.group, |_| true);
        let entitled = old.iter().map(|one| one.fee).sum();
        let month = before.month;
        let mut words = group_before_words(basis, month, &group, entitled);
        words.extend(self.changed(db, &changes(&old, &now), month)?);
        Ok(words)
    }

    /// The facts between a closing and this one.
    pub(super) fn changed(
        &self,
        db: &mut Db,
        changes: &Changes<'_>,
        since: Month,
    ) -> Result<Vec<String>, SettlementError> {
        let keys = keys_json(changes.asked());
        let lender = &self.lender.code;
        let settled: BTreeMap<String, String> =
            store::settled_first(db, lender, &keys, self.month)?;
        Ok(changes_words(self.t, self.lender.currency, changes, since, &settled))
    }
}
