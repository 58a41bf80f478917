//! Repeating a past run from the facts it knew: the same bytes, or something was changed behind the book's back.

use chrono::NaiveDate;
use serde_json::json;

use super::AllocationError;
use super::candidates::{self, CandidateQuery};
use super::decide::{Decision, Inputs, decide};
use super::gates::{Gate, Recipient};
use super::store;
use super::strategy;
use crate::contract::{self, Versions};
use crate::db::{Db, read};
use crate::kernel::Money;
use crate::kernel::progress::Silent;
use crate::party::{self, Assignee, AssigneeKind, Buckets, Lender, Names, Status};
use crate::performance::measure;

/// What a run read that is not a fact of the book: the lender's buckets, who its agencies were, and what each
/// assignee's gates said on its day. It is stored with the run.
pub fn stored_inputs(
    buckets: &Buckets,
    agencies: &std::collections::BTreeSet<String>,
    recipients: &[Recipient],
) -> serde_json::Value {
    let recipient = |one: &Recipient| {
        json!({
            "code": one.assignee.code, "agency": one.assignee.kind == AssigneeKind::Agency, "regions": one.assignee.regions,
            "products": one.assignee.products, "room": one.room, "closed": one.closed.map(Gate::name),
        })
    };
    json!({"buckets": buckets.0, "agencies": agencies, "takers": recipients.iter().map(recipient).collect::<Vec<_>>()})
}

#[derive(serde::Deserialize)]
struct StoredInputs {
    buckets: Vec<(String, i64)>,
    agencies: std::collections::BTreeSet<String>,
    #[serde(rename = "takers")]
    recipients: Vec<StoredRecipient>,
}

#[derive(serde::Deserialize)]
struct StoredRecipient {
    code: String,
    agency: bool,
    regions: Option<Names>,
    products: Option<Names>,
    room: Option<i64>,
    closed: Option<Gate>,
}

impl StoredRecipient {
    fn recipient(self, versions: &Versions, on: NaiveDate) -> Recipient {
        let assignee = Assignee {
            name: self.code.clone(),
            kind: if self.agency { AssigneeKind::Agency } else { AssigneeKind::Team },
            capacity: None,
            regions: self.regions,
            products: self.products,
            status: Status::Active,
            licence_expires_on: None,
            evaluated_on: None,
            code: self.code,
        };
        let version = versions.in_force(&assignee.code, on).cloned();
        Recipient { closed: self.closed, room: self.room, version, assignee }
    }
}

/// Decides a past run again from what was known when it was simulated; refused when it does not come to the same bytes.
pub fn replay(
    db: &mut Db,
    lender_code: &str,
    run_no: i64,
) -> Result<(Lender, store::RunRow, Decision), AllocationError> {
    read(db, |db| {
        let no_lender = || AllocationError::NoLender(lender_code.to_string());
        let lender = party::store::lender(db, lender_code)?.ok_or_else(no_lender)?;
        let run = store::run(db, lender_code, run_no)?.ok_or(AllocationError::NoRun(run_no))?;
        let body =
            store::outcome(db, lender_code, run_no)?.ok_or(AllocationError::NoInputs(run_no))?;
        let inputs = body.get("inputs").cloned().unwrap_or_default();
        let inputs: StoredInputs =
            serde_json::from_value(inputs).map_err(|_| AllocationError::NoInputs(run_no))?;
        let decision = decide_again(db, &lender, &run, inputs)?;
        let hash = super::files::hash(&decision)
            .map_err(|error| diesel::result::Error::SerializationError(Box::new(error)))?;
        if hash != run.hash {
            return Err(AllocationError::NotRepeated(run_no, run.run.hash, hash));
        }
        Ok((lender, run, decision))
    })
}

fn decide_again(
    db: &mut Db,
    lender: &Lender,
    run: &store::RunRow,
    inputs: StoredInputs,
) -> Result<Decision, AllocationError> {
    let known_seq = run.seq - 1;
    let assignees = party::store::assignees(db, &lender.code)?;
    let strategy = strategy::parse_stored(&run.strategy, lender, &assignees)
        .map_err(|fault| AllocationError::File { file: run.name.clone(), fault })?;
    let versions = contract::store::versions(db, lender)?.known_at(known_seq);
    let (on, parameters, grouping) = (run.run_on, strategy.performance, &strategy.grouping);
    let query =
        measure::ScorecardQuery { lender: &lender.code, on, parameters, grouping, known_seq };
    let (scorecard, history) =
        measure::scorecard_on(db, &query, &versions, &strategy.points, strategy.peers())?;
    let recipients =
        inputs.recipients.into_iter().map(|recipient| recipient.recipient(&versions, on)).collect();
    let query = CandidateQuery {
        lender: &lender.code,
        on,
        filter: &strategy.filter,
        buckets: &Buckets(inputs.buckets),
        agencies: &inputs.agencies,
        known_seq,
        as_if_unplaced: false,
    };
    let candidates = candidates::read(db, &query, &mut Silent)?;
    debug_assert!(candidates.accounts.iter().all(|one| one.facts.balance > Money::ZERO));
    decide(Inputs {
        strategy,
        recipients,
        candidates,
        history,
        scorecard,
        currency: lender.currency,
    })
}
