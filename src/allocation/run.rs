//! A run: simulated, reviewed, committed. The commit carries out exactly the simulated assignment or refuses.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde_json::json;

use super::AllocationError;
use super::candidates::{Asked, Candidate, Field, field};
use super::deal::{Assigned, deal};
use super::gates::Taker;
use super::store::{self, RunRow};
use super::strategy::{self, Strategy};
use crate::audit::{Act, By};
use crate::conduct::evaluation;
use crate::contract;
use crate::db::{Cell, Db, write};
use crate::kernel::calendar::plus_days;
use crate::kernel::{Money, digest, text};
use crate::ledger::{Transaction, chart};
use crate::party::{self, AssigneeKind, Lender};
use crate::placement::check_open;
use crate::placement::close::balanced;
use crate::placement::expire::record_expiries;
use crate::placement::store::{BATCHES, PLACEMENTS};

/// What a run decided.
pub struct Outcome {
    /// Its number.
    pub run_no: i64,
    /// SHA-256 of the assignment.
    pub hash: String,
    /// Whether it was committed.
    pub committed: bool,
    /// The decision.
    pub decision: Decision,
}

/// A decision: the accounts of a day, who may take them, and who does.
pub struct Decision {
    /// The strategy.
    pub strategy: Strategy,
    /// The assignees that take part, in order of code.
    pub takers: Vec<Taker>,
    /// The accounts.
    pub field: Field,
    /// What becomes of each.
    pub assigned: Vec<Assigned>,
}

impl Decision {
    fn candidate(&self, one: &Assigned) -> &Candidate {
        &self.field.candidates[one.index]
    }

    fn code(&self, one: &Assigned) -> Option<&str> {
        one.taker.map(|taker| self.takers[taker].assignee.code.as_str())
    }

    /// The level of the account in the hands it goes to: a team carries the level reached so far.
    fn level(&self, one: &Assigned) -> i64 {
        let candidate = self.candidate(one);
        match one.taker.map(|taker| &self.takers[taker].assignee) {
            Some(assignee) if assignee.kind == AssigneeKind::Agency && !candidate.held_by.contains(&assignee.code) => {
                candidate.agencies_before + 1
            }
            _ => candidate.agencies_before,
        }
    }

    /// Accounts and balance by assignee.
    pub fn totals(&self) -> BTreeMap<String, (i64, Money)> {
        let mut totals: BTreeMap<String, (i64, Money)> = BTreeMap::new();
        for one in &self.assigned {
            if let Some(code) = self.code(one) {
                let entry = totals.entry(code.to_string()).or_default();
                entry.0 += 1;
                entry.1 += self.candidate(one).facts.balance;
            }
        }
        totals
    }

    /// The assignment as CSV, in order of account number.
    pub fn assignment_csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["account_no", "assignee", "level", "stratum", "method", "expected_recovery", "reason"])?;
        for one in &self.assigned {
            let level = self.level(one).to_string();
            let account_no = &self.candidate(one).account_no;
            let reason = text::neutral(&one.reason);
            writer.write_record([
                account_no,
                self.code(one).unwrap_or(""),
                &level,
                &one.stratum,
                self.strategy.method.name(),
                "",
                &reason,
            ])?;
        }
        writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
    }

    /// The strata table as CSV: one row per stratum and eligible assignee.
    pub fn strata_csv(&self, lender: &Lender) -> Result<Vec<u8>, csv::Error> {
        let mut strata: BTreeMap<&str, (i64, Money, BTreeMap<&str, i64>)> = BTreeMap::new();
        for one in &self.assigned {
            let entry = strata.entry(&one.stratum).or_default();
            entry.0 += 1;
            entry.1 += self.candidate(one).facts.balance;
            if let Some(code) = self.code(one) {
                *entry.2.entry(code).or_default() += 1;
            }
        }
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record([
            "stratum",
            "assignee",
            "accounts",
            "balance",
            "stratum_rate",
            "index",
            "fee_rate",
            "value_per_account",
            "min_accounts",
            "max_accounts",
            "assigned",
        ])?;
        for (stratum, (accounts, balance, given)) in &strata {
            let eligible = stratum.rsplit('|').next().unwrap_or("").split('+').filter(|code| !code.is_empty());
            for code in eligible {
                let room = self.takers.iter().find(|taker| taker.assignee.code == code).and_then(|taker| taker.room);
                writer.write_record([
                    stratum,
                    code,
                    &accounts.to_string(),
                    &balance.plain(lender.currency),
                    "",
                    "",
                    "",
                    "",
                    "0",
                    &room.map(|room| room.to_string()).unwrap_or_default(),
                    &given.get(code).copied().unwrap_or(0).to_string(),
                ])?;
            }
        }
        writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
    }

    /// SHA-256 of the assignment.
    fn hash(&self) -> Result<String, AllocationError> {
        let bytes = self.assignment_csv().map_err(|error| diesel::result::Error::SerializationError(Box::new(error)))?;
        Ok(digest::sha256(&bytes))
    }
}

/// Simulates a strategy for a day and stores the run; with `commit`, carries it out at once.
pub fn allocate(
    db: &mut Db,
    lender_code: &str,
    file: &str,
    strategy_text: &str,
    on: NaiveDate,
    commit: bool,
    by: &By,
) -> Result<Outcome, AllocationError> {
    write(db, lender_code, |db| {
        let lender = find_lender(db, lender_code)?;
        check_open(&crate::audit::book(db, lender_code)?, on)?;
        if commit {
            record_expiries(db, lender_code, on, by)?;
        }
        let decision = decide(db, &lender, file, strategy_text, on)?;
        let mut act = Act::begin(db, lender_code, by)?;
        act.book.run_no += 1;
        let run = simulate(db, &mut act, &decision, strategy_text, on)?;
        if commit {
            place(db, &mut act, &decision, run.run_no, on)?;
        }
        let kind = if commit { "allocation committed" } else { "allocation simulated" };
        let summary = json!({"run": run.run_no, "strategy": run.name, "on": on.to_string(), "hash": run.hash, "placed": run.placed, "unplaced": run.unplaced});
        act.finish(db, kind, &summary)?;
        Ok(Outcome { run_no: run.run_no, hash: run.hash, committed: commit, decision })
    })
}

/// Carries out a simulated run, refused when the book has moved since.
pub fn commit_run(db: &mut Db, lender_code: &str, run_no: i64, by: &By) -> Result<Outcome, AllocationError> {
    write(db, lender_code, |db| {
        let lender = find_lender(db, lender_code)?;
        let run = store::run(db, lender_code, run_no)?.ok_or(AllocationError::NoRun(run_no))?;
        if run.committed_seq.is_some() {
            return Err(AllocationError::Committed(run_no));
        }
        let book = crate::audit::book(db, lender_code)?;
        check_open(&book, run.run_on)?;
        if crate::audit::changed_since(db, lender_code, run.seq)? {
            return Err(AllocationError::Moved(run_no, run.seq, book.seq));
        }
        record_expiries(db, lender_code, run.run_on, by)?;
        let decision = decide(db, &lender, &run.name, &run.strategy, run.run_on)?;
        if decision.hash()? != run.hash {
            return Err(AllocationError::Differs(run_no));
        }
        let mut act = Act::begin(db, lender_code, by)?;
        place(db, &mut act, &decision, run_no, run.run_on)?;
        act.finish(db, "allocation committed", &json!({"run": run_no, "hash": run.hash, "placed": run.placed}))?;
        Ok(Outcome { run_no, hash: run.hash, committed: true, decision })
    })
}

fn find_lender(db: &mut Db, code: &str) -> Result<Lender, AllocationError> {
    party::store::lender(db, code)?.ok_or_else(|| AllocationError::NoLender(code.to_string()))
}

/// Decides in memory who gets what.
fn decide(db: &mut Db, lender: &Lender, file: &str, strategy_text: &str, on: NaiveDate) -> Result<Decision, AllocationError> {
    let mut assignees = party::store::assignees(db, &lender.code)?;
    evaluation::bring_up_to_date(db, &lender.code, on, &mut assignees)?;
    let strategy = strategy::parse(strategy_text, lender, &assignees)
        .map_err(|fault| AllocationError::File { file: file.to_string(), fault })?;
    let versions = contract::store::versions(db, lender)?;
    let open = store::open_on(db, &lender.code, on)?;
    let takers: Vec<Taker> = assignees
        .iter()
        .filter(|assignee| strategy.assignees.iter().any(|(code, _)| *code == assignee.code))
        .map(|assignee| Taker::on(assignee, &versions, open.get(&assignee.code).copied().unwrap_or(0), on))
        .collect();
    let asked = Asked { lender: &lender.code, on, filter: &strategy.filter, buckets: &lender.buckets, assignees: &assignees };
    let field = field(db, &asked)?;
    let assigned = deal(&strategy, &takers, &field, lender.currency);
    Ok(Decision { strategy, takers, field, assigned })
}

/// Stores the run and what it decided.
fn simulate(
    db: &mut Db,
    act: &mut Act,
    decision: &Decision,
    strategy_text: &str,
    on: NaiveDate,
) -> Result<RunRow, AllocationError> {
    let placed = decision.assigned.iter().filter(|one| one.taker.is_some()).count();
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let run = RunRow {
        run_no: act.book.run_no,
        seq: act.seq(),
        name: decision.strategy.name.clone(),
        method: decision.strategy.method.name().to_string(),
        run_on: on,
        strategy: strategy_text.to_string(),
        hash: decision.hash()?,
        placed: count(placed),
        unplaced: count(decision.assigned.len() - placed),
        committed_seq: None,
    };
    let lender = act.book.lender.clone();
    store::add_run(db, act, &run)?;
    for chunk in decision.assigned.chunks(5_000) {
        let row = |one: &Assigned| {
            let candidate = decision.candidate(one);
            vec![
                Cell::from(lender.clone()),
                Cell::from(run.run_no),
                Cell::from(candidate.account_no.clone()),
                Cell::from(run.seq),
                Cell::from(decision.code(one).map(str::to_string)),
                Cell::from(decision.level(one)),
                Cell::from(one.stratum.clone()),
                Cell::from(candidate.facts.balance),
                Cell::from(one.reason.clone()),
            ]
        };
        let rows: Vec<_> = chunk.iter().map(row).collect();
        act.write(db, &store::ROWS, &rows)?;
    }
    Ok(run)
}

/// Makes the placements: a batch per assignee, frozen facts, and one ledger transaction per batch.
fn place(db: &mut Db, act: &mut Act, decision: &Decision, run_no: i64, on: NaiveDate) -> Result<(), AllocationError> {
    let (lender, seq) = (act.book.lender.clone(), act.seq());
    let mut batches: BTreeMap<usize, (String, i64, Money, Money)> = BTreeMap::new();
    for taker in decision.assigned.iter().filter_map(|one| one.taker) {
        if let std::collections::btree_map::Entry::Vacant(entry) = batches.entry(taker) {
            entry.insert((String::new(), 0, Money::ZERO, Money::ZERO));
        }
    }
    for (taker, batch) in &mut batches {
        act.book.batch_no += 1;
        batch.0 = format!("B{:05}-{}", act.book.batch_no, decision.takers[*taker].assignee.code);
    }
    let placed: Vec<&Assigned> = decision.assigned.iter().filter(|one| one.taker.is_some()).collect();
    for chunk in placed.chunks(5_000) {
        let mut rows = Vec::with_capacity(chunk.len());
        for one in chunk {
            let Some(taker) = one.taker else { continue };
            let Some(version) = &decision.takers[taker].version else { continue };
            let Some(batch) = batches.get_mut(&taker) else { continue };
            let candidate = decision.candidate(one);
            batch.1 += 1;
            batch.2 += candidate.facts.balance;
            batch.3 += candidate.owed.positive_part();
            act.book.placement_no += 1;
            rows.push(vec![
                Cell::from(lender.as_str()),
                Cell::from(act.book.placement_no),
                Cell::from(seq),
                Cell::from(candidate.account_no.as_str()),
                Cell::from(decision.takers[taker].assignee.code.as_str()),
                Cell::from(batch.0.clone()),
                Cell::from(decision.level(one)),
                Cell::from(on),
                Cell::from(plus_days(on, version.terms.term_days - 1)),
                Cell::from(version.terms.tail_days),
                Cell::from(candidate.facts.balance),
                Cell::from(candidate.facts.days_past_due),
                Cell::from(candidate.facts.bucket.as_str()),
                Cell::from(candidate.facts.product.as_deref()),
                Cell::from(candidate.facts.region.as_deref()),
                Cell::from(candidate.facts.charged_off),
                Cell::from(candidate.facts.legal),
                Cell::from(version.terms.code.as_str()),
                Cell::from(version.number),
            ]);
        }
        act.write(db, &PLACEMENTS, &rows)?;
    }
    for (taker, (code, accounts, balance, owed)) in batches {
        let assignee = decision.takers[taker].assignee.code.as_str();
        let row = vec![
            Cell::from(lender.as_str()),
            Cell::from(code.as_str()),
            Cell::from(seq),
            Cell::from(run_no),
            Cell::from(assignee),
            Cell::from(on),
            Cell::from(accounts),
            Cell::from(balance),
        ];
        act.write(db, &BATCHES, &[row])?;
        let moves = [(chart::loans(Some(assignee)), owed), (chart::loans(None), -owed)];
        let transaction = balanced(Transaction::build(on, format!("placed:{code}"), None, moves))?;
        act.journal.post(db, &mut act.book, transaction)?;
    }
    store::set_committed(db, act, run_no)?;
    Ok(())
}
