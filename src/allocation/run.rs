//! A run: simulated, reviewed, committed. The commit carries out exactly the simulated assignment or refuses.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;
use serde_json::json;

use super::AllocationError;
use super::candidates::{self, Candidate, CandidateQuery, agencies};
use super::deal::{Assigned, Fate};
use super::decide::{Decision, Inputs, decide as decide_on};
use super::files::{hash, millionths, strata_rows};
use super::findings::totals;
use super::gates::Recipient;
use super::reason::Why;
use super::replay::stored_inputs;
use super::store::{self, RunAccount, Simulated};
use super::strategy;
use crate::audit::{Act, By};
use crate::conduct::evaluation;
use crate::contract::{self, Version};
use crate::db::{Db, write};
use crate::kernel::calendar::plus_days;
use crate::kernel::progress::{Progress, Silent};
use crate::kernel::{Money, MoneyRange, count};
use crate::ledger::{Transaction, chart};
use crate::party::{self, Lang, Lender};
use crate::performance::measure;
use crate::placement::check_open;
use crate::placement::expire::record_expiries;
use crate::placement::store::{Batch, Placed};

/// Rows written at once.
const CHUNK: usize = 5_000;

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

/// What is asked for: a strategy for a day, simulated or carried out at once.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The lender's code.
    pub lender: &'a str,
    /// The strategy's file, for messages.
    pub file: &'a str,
    /// The strategy.
    pub strategy: &'a str,
    /// The day.
    pub on: NaiveDate,
    /// Whether it is carried out at once.
    pub commit: bool,
}

/// Simulates a strategy for a day and stores the run; with `commit`, carries it out at once.
pub fn allocate(
    db: &mut Db,
    lender: &str,
    file: &str,
    strategy: &str,
    on: NaiveDate,
    commit: bool,
    by: &By,
) -> Result<Outcome, AllocationError> {
    run(db, &Order { lender, file, strategy, on, commit }, by, &mut Silent)
}

/// Does what an order asks for and tells how far it has come.
pub fn run(
    db: &mut Db,
    order: &Order<'_>,
    by: &By,
    progress: &mut dyn Progress,
) -> Result<Outcome, AllocationError> {
    write(db, order.lender, |db| run_inside(db, order, by, progress))
}

/// As [`run`], inside the transaction of the book's writer.
pub fn run_inside(
    db: &mut Db,
    order: &Order<'_>,
    by: &By,
    progress: &mut dyn Progress,
) -> Result<Outcome, AllocationError> {
    let (lender_code, on) = (order.lender, order.on);
    let lender = find_lender(db, lender_code)?;
    check_open(&crate::audit::book(db, lender_code)?, on)?;
    if order.commit {
        progress.stage("recording expiries", None)?;
        record_expiries(db, lender_code, on, by)?;
    }
    let question = Question {
        lender: &lender,
        file: order.file,
        strategy: order.strategy,
        on,
        as_if_unplaced: false,
    };
    let decision = decide(db, &question, progress)?;
    let mut act = Act::begin(db, lender_code, by)?;
    act.book.run_no += 1;
    let run = simulate(db, &mut act, &lender, &decision, order, progress)?;
    if order.commit {
        place(db, &mut act, &decision, run.run_no, on, progress)?;
    }
    let kind = if order.commit { "allocation committed" } else { "allocation simulated" };
    let summary = json!({"run": run.run_no, "strategy": run.name, "on": on.to_string(), "hash": run.hash, "placed": run.placed, "unplaced": run.unplaced});
    act.finish(db, kind, &summary)?;
    progress.stage("saving", None)?;
    Ok(Outcome { run_no: run.run_no, hash: run.hash, committed: order.commit, decision })
}

/// Carries out a simulated run, refused when the book has moved since.
pub fn commit_run(
    db: &mut Db,
    lender_code: &str,
    run_no: i64,
    by: &By,
) -> Result<Outcome, AllocationError> {
    commit_run_watched(db, lender_code, run_no, by, &mut Silent)
}

/// Carries out a simulated run and tells how far it has come.
pub fn commit_run_watched(
    db: &mut Db,
    lender_code: &str,
    run_no: i64,
    by: &By,
    progress: &mut dyn Progress,
) -> Result<Outcome, AllocationError> {
    write(db, lender_code, |db| commit_inside(db, lender_code, run_no, by, progress))
}

/// As [`commit_run`], inside the transaction of the book's writer.
pub fn commit_inside(
    db: &mut Db,
    lender_code: &str,
    run_no: i64,
    by: &By,
    progress: &mut dyn Progress,
) -> Result<Outcome, AllocationError> {
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
    let (file, strategy, on) = (run.name.as_str(), run.strategy.as_str(), run.run_on);
    let question = Question { lender: &lender, file, strategy, on, as_if_unplaced: false };
    let decision = decide(db, &question, progress)?;
    progress.stage("hashing", None)?;
    if hashed(&decision)? != run.hash {
        return Err(AllocationError::Differs(run_no));
    }
    let mut act = Act::begin(db, lender_code, by)?;
    place(db, &mut act, &decision, run_no, run.run_on, progress)?;
    progress.stage("saving", None)?;
    act.finish(
        db,
        "allocation committed",
        &json!({"run": run_no, "hash": run.hash, "placed": run.placed}),
    )?;
    Ok(Outcome { run_no, hash: run.run.hash, committed: true, decision })
}

fn find_lender(db: &mut Db, code: &str) -> Result<Lender, AllocationError> {
    party::store::lender(db, code)?.ok_or_else(|| AllocationError::NoLender(code.to_string()))
}

/// What a decision reads.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The lender.
    pub lender: &'a Lender,
    /// The strategy's file, for messages.
    pub file: &'a str,
    /// The strategy.
    pub strategy: &'a str,
    /// The day.
    pub on: NaiveDate,
    /// Whether placed accounts are taken as if they were not.
    pub as_if_unplaced: bool,
}

/// Reads what is known and decides in memory who gets what.
pub fn decide(
    db: &mut Db,
    question: &Question<'_>,
    progress: &mut dyn Progress,
) -> Result<Decision, AllocationError> {
    let (lender, on) = (question.lender, question.on);
    let mut assignees = party::store::assignees(db, &lender.code)?;
    evaluation::bring_up_to_date(db, &lender.code, on, &mut assignees)?;
    let strategy = strategy::parse(question.strategy, lender, &assignees)
        .map_err(|fault| AllocationError::File { file: question.file.to_string(), fault })?;
    let versions = contract::store::versions(db, lender)?;
    let query = measure::ScorecardQuery {
        lender: &lender.code,
        on,
        parameters: strategy.performance,
        grouping: &strategy.grouping,
        known_seq: i64::MAX,
    };
    progress.stage("reading history", None)?;
    let (scorecard, history) =
        measure::scorecard_on(db, &query, &versions, &strategy.points, strategy.peers())?;
    let open = if question.as_if_unplaced {
        HashMap::new()
    } else {
        store::open_on(db, &lender.code, on)?
    };
    let misconduct = |code: &str| {
        let row = scorecard.iter().find(|row| row.assignee == code);
        strategy
            .most_upheld
            .zip(row)
            .is_some_and(|(most, row)| row.beside.upheld_per_thousand() > most)
    };
    let recipients: Vec<Recipient> = assignees
        .iter()
        .filter(|assignee| strategy.participant(&assignee.code).is_some())
        .map(|assignee| {
            let held = open.get(&assignee.code).copied().unwrap_or(0);
            Recipient::on(assignee, &versions, held, misconduct(&assignee.code), on)
        })
        .collect();
    let query = CandidateQuery {
        lender: &lender.code,
        on,
        filter: &strategy.filter,
        buckets: &lender.buckets,
        agencies: &agencies(&assignees),
        known_seq: i64::MAX,
        as_if_unplaced: question.as_if_unplaced,
    };
    progress.stage("reading accounts", None)?;
    let candidates = candidates::read(db, &query, progress)?;
    progress.stage("deciding", None)?;
    decide_on(Inputs {
        strategy,
        recipients,
        candidates,
        history,
        scorecard,
        currency: lender.currency,
    })
}

/// The assignment's hash.
fn hashed(decision: &Decision) -> Result<String, AllocationError> {
    hash(decision)
        .map_err(|error| diesel::result::Error::SerializationError(Box::new(error)).into())
}

/// Stores the run and what it decided.
fn simulate(
    db: &mut Db,
    act: &mut Act,
    lender: &Lender,
    decision: &Decision,
    order: &Order<'_>,
    progress: &mut dyn Progress,
) -> Result<Simulated, AllocationError> {
    progress.stage("hashing", None)?;
    let hash = hashed(decision)?;
    progress.stage("adding up", None)?;
    let mut body = kept(decision)?;
    progress.stage("writing the assignment", Some(decision.assigned.len() as u64))?;
    let placed = decision.placed();
    let run = Simulated {
        run_no: act.book.run_no,
        seq: act.seq(),
        name: decision.inputs.strategy.name.clone(),
        method: decision.method(),
        run_on: order.on,
        strategy: order.strategy.to_string(),
        hash,
        placed: count(placed),
        unplaced: count(decision.assigned.len() - placed),
    };
    act.record(db, std::slice::from_ref(&run))?;
    body["inputs"] = stored_inputs(
        &lender.buckets,
        &agencies(&party::store::assignees(db, &lender.code)?),
        &decision.inputs.recipients,
    );
    store::add_outcome(db, act, run.run_no, &body)?;
    let refusals: Vec<String> =
        (0..decision.sorted.refusals.len()).map(|list| decision.refusals(list)).collect();
    store::add_refusals(db, act, run.run_no, &refusals)?;
    store::add_strata(db, act, run.run_no, &strata_rows(decision))?;
    store_rows(db, act, decision, &run, progress)?;
    Ok(run)
}

/// Every account with its stratum and its reason.
fn store_rows(
    db: &mut Db,
    act: &mut Act,
    decision: &Decision,
    run: &Simulated,
    progress: &mut dyn Progress,
) -> Result<(), AllocationError> {
    let mut codes: HashMap<(Assigned, u32), Why> = HashMap::new();
    for first in (0..decision.assigned.len()).step_by(CHUNK) {
        let last = (first + CHUNK).min(decision.assigned.len());
        let mut rows = Vec::with_capacity(last - first);
        for index in first..last {
            let one = &decision.assigned[index];
            let candidate = decision.candidate(index);
            // Accounts with the same fate have the same reason; who waits for somebody out of the run has its own.
            let reason = match one.fate {
                Fate::WaitsAbsent => decision.why(index, one),
                _ => {
                    let key = (*one, decision.sorted.refused[index]);
                    codes.entry(key).or_insert_with(|| decision.why(index, one)).clone()
                }
            };
            rows.push(RunAccount {
                run_no: run.run_no,
                account_no: candidate.account_no.clone(),
                seq: run.seq,
                assignee: decision.code(one).map(str::to_string),
                level: decision.level(index, one),
                stratum: decision.stratum(index, one),
                balance: candidate.facts.balance,
                reason,
            });
        }
        act.record(db, &rows)?;
        progress.advance(rows.len() as u64)?;
    }
    Ok(())
}

/// What the run found beside the assignment, as JSON: the proof, the prices of limits, and what else might have been.
pub fn outcome(decision: &Decision) -> serde_json::Value {
    let plan = &decision.plan;
    let recipients = &decision.inputs.recipients;
    let limits: Vec<serde_json::Value> = recipients
        .iter()
        .enumerate()
        .map(|(recipient, one)| {
            let price = plan.optimum.as_ref().and_then(|optimum| optimum.prices.get(recipient).copied());
            json!({
                "assignee": one.assignee.code, "min_accounts": plan.limits.lower[recipient], "max_accounts": plan.limits.upper[recipient],
                "shadow_price": price.map(millionths), "closed": one.closed.map(|gate| gate.name()), "room": one.room,
            })
        })
        .collect();
    let together = decision
        .sorted
        .strata
        .iter()
        .flat_map(|stratum| &stratum.units)
        .filter(|unit| unit.size > 1)
        .count();
    json!({
        "method": plan.method.name(),
        "method_asked": decision.inputs.strategy.method.name(),
        "objective": millionths(plan.objective),
        "bound": plan.optimum.as_ref().map(|optimum| millionths(optimum.bound)),
        "equal_would_bring": plan.equal.map(millionths),
        "score_would_bring": plan.score.map(millionths),
        "dealt_would_bring": millionths(decision.dealt_worth),
        "debtors_kept_together": together,
        "together_cost": millionths(plan.objective - decision.dealt_worth),
        "no_room": plan.short.as_ref().map(|short| short.words(Lang::En)),
        "no_room_zh": plan.short.as_ref().map(|short| short.words(Lang::Zh)),
        "history": !decision.inputs.history.is_empty(),
        "limits": limits,
        "not_taken": decision.inputs.candidates.left,
    })
}

/// What is kept of it: with the totals that pages show.
fn kept(decision: &Decision) -> Result<serde_json::Value, MoneyRange> {
    let mut body = outcome(decision);
    if let (Some(body), serde_json::Value::Object(totals)) =
        (body.as_object_mut(), totals(decision)?)
    {
        body.extend(totals);
    }
    Ok(body)
}

/// A batch while its accounts are placed.
struct Filling<'d> {
    code: String,
    recipient: &'d Recipient,
    version: &'d Version,
    accounts: i64,
    balance: Money,
    owed: Money,
}

/// A batch, with the next number of the book, for each assignee that gets something. Its contract is in force, or its
/// gate would have been closed: without one the run stops rather than leave an account out.
fn batches<'d>(
    act: &mut Act,
    decision: &'d Decision,
) -> Result<BTreeMap<usize, Filling<'d>>, AllocationError> {
    let recipients: BTreeSet<usize> =
        decision.assigned.iter().filter_map(Assigned::placed).collect();
    let mut batches = BTreeMap::new();
    for place in recipients {
        let recipient = &decision.inputs.recipients[place];
        let version = recipient.version.as_ref().ok_or(diesel::NotFound)?;
        act.book.batch_no += 1;
        let code = format!("B{:05}-{}", act.book.batch_no, recipient.assignee.code);
        let (accounts, balance, owed) = (0, Money::ZERO, Money::ZERO);
        batches.insert(place, Filling { code, recipient, version, accounts, balance, owed });
    }
    Ok(batches)
}

/// Makes the placements: a batch per assignee, frozen facts, and one ledger transaction per batch.
fn place(
    db: &mut Db,
    act: &mut Act,
    decision: &Decision,
    run_no: i64,
    on: NaiveDate,
    progress: &mut dyn Progress,
) -> Result<(), AllocationError> {
    progress.stage("placing", Some(decision.placed() as u64))?;
    let seq = act.seq();
    let mut batches = batches(act, decision)?;
    let placed: Vec<(usize, usize)> = (0..decision.assigned.len())
        .filter_map(|index| Some((index, decision.assigned[index].placed()?)))
        .collect();
    for chunk in placed.chunks(CHUNK) {
        let mut rows = Vec::with_capacity(chunk.len());
        for (index, recipient) in chunk {
            let batch = batches.get_mut(recipient).ok_or(diesel::NotFound)?;
            let candidate = decision.candidate(*index);
            batch.accounts += 1;
            batch.balance += candidate.facts.balance;
            batch.owed += candidate.owed.positive_part();
            act.book.placement_no += 1;
            rows.push(placed_row(act, batch, decision, *index, on));
        }
        act.record(db, &rows)?;
        progress.advance(rows.len() as u64)?;
    }
    for filled in batches.into_values() {
        let assignee = filled.recipient.assignee.code.as_str();
        let batch = Batch {
            code: filled.code.clone(),
            seq,
            run_no,
            assignee: assignee.to_string(),
            placed_on: on,
            accounts: filled.accounts,
            balance: filled.balance,
        };
        act.record(db, &[batch])?;
        let moves =
            [(chart::loans(Some(assignee)), filled.owed), (chart::loans(None), -filled.owed)];
        let transaction = Transaction::build(on, format!("placed:{}", filled.code), None, moves);
        act.journal.post(db, &mut act.book, transaction)?;
    }
    store::set_committed(db, act, run_no)?;
    Ok(())
}

/// The placement of an account of the run.
fn placed_row(
    act: &Act,
    batch: &Filling<'_>,
    decision: &Decision,
    index: usize,
    on: NaiveDate,
) -> Placed {
    let Candidate { account_no, facts, .. } = decision.candidate(index);
    let terms = &batch.version.terms;
    Placed {
        placement_no: act.book.placement_no,
        seq: act.seq(),
        account_no: account_no.clone(),
        assignee: batch.recipient.assignee.code.clone(),
        batch: batch.code.clone(),
        level: decision.level(index, &decision.assigned[index]),
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
        contract_version: batch.version.number,
    }
}
