//! A run: simulated, reviewed, committed. The commit carries out exactly the simulated assignment or refuses.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use diesel::QueryResult;
use serde_json::json;

use super::AllocationError;
use super::candidates::{self, CandidateQuery, agencies};
use super::deal::{Assigned, Fate};
use super::decide::{Decision, Inputs, decide as decide_on};
use super::files::{hash, strata_rows};
use super::findings::totals;
use super::gates::Recipient;
use super::reason::Why;
use super::replay::stored_inputs;
use super::store::{self, RunAccount, Simulated};
use super::strata_table::millionths;
use super::strategy;
use crate::audit::{Act, By};
use crate::conduct::evaluation;
use crate::contract;
use crate::db::{Db, write};
use crate::kernel::progress::{Progress, Silent};
use crate::kernel::{MoneyRange, count};
use crate::party::{self, Lang, Lender};
use crate::performance::measure;
use crate::placement::PlacementError;
use crate::placement::expire::record_expiries;
use crate::placement::open::{Batches, ToPlace};

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
    crate::audit::book(db, lender_code)?.check_open(on).map_err(PlacementError::from)?;
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
    book.check_open(run.run_on).map_err(PlacementError::from)?;
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

/// Places what was decided. Each assignee that gets something has a contract in force, or its gate would have been
/// closed: without one the run stops rather than leave an account out.
fn place(
    db: &mut Db,
    act: &mut Act,
    decision: &Decision,
    run_no: i64,
    on: NaiveDate,
    progress: &mut dyn Progress,
) -> Result<(), AllocationError> {
    progress.stage("placing", Some(decision.placed() as u64))?;
    let given: BTreeSet<usize> = decision.assigned.iter().filter_map(Assigned::placed).collect();
    let batch = |place: usize| {
        let recipient = &decision.inputs.recipients[place];
        let version = recipient.version.as_ref().ok_or(diesel::NotFound)?;
        Ok((place, recipient.assignee.code.as_str(), version))
    };
    let assignees = given.into_iter().map(batch).collect::<QueryResult<Vec<_>>>()?;
    let mut batches = Batches::begin(act, run_no, on, assignees);
    let placed: Vec<(usize, usize)> = (0..decision.assigned.len())
        .filter_map(|index| Some((index, decision.assigned[index].placed()?)))
        .collect();
    for chunk in placed.chunks(CHUNK) {
        let to_place = |(index, batch): &(usize, usize)| {
            let candidate = decision.candidate(*index);
            ToPlace {
                batch: *batch,
                account_no: &candidate.account_no,
                facts: &candidate.facts,
                level: decision.level(*index, &decision.assigned[*index]),
                owed: candidate.owed,
            }
        };
        let accounts: Vec<ToPlace<'_>> = chunk.iter().map(to_place).collect();
        batches.open(db, act, &accounts)?;
        progress.advance(accounts.len() as u64)?;
    }
    batches.finish(db, act)?;
    store::set_committed(db, act, run_no)?;
    Ok(())
}
