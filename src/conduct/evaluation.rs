//! Evaluating assignees (机构评估): at least yearly, and before a contract ends.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde_json::json;

use super::evaluation_store::{self as store, Evaluation};
use super::{ConductError, not_after, words};
use crate::audit::{Act, By};
use crate::contract::{self, Versions};
use crate::db::{Db, write};
use crate::kernel::calendar::plus_days;
use crate::kernel::enumeration;
use crate::party::{self, Assignee, AssigneeKind, Status};
use crate::placement::expire::record_expiries;

/// An evaluation holds for so many days.
pub const HOLDS_DAYS: i64 = 365;
/// So many days before a contract ends its agency must have been evaluated.
pub const AHEAD_DAYS: i64 = 60;

/// What evaluating did.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Evaluated {
    /// Whom.
    pub agency: String,
    /// The result.
    pub result: i64,
    /// Whether the same evaluation was recorded before: nothing changed.
    pub already_known: bool,
}

/// An evaluation to record.
#[derive(Clone, Debug)]
pub struct NewEvaluation {
    /// Whom.
    pub agency: String,
    /// The day it was held.
    pub on: NaiveDate,
    /// The result, 0 to 100.
    pub result: i64,
    /// The result in words.
    pub text: String,
    /// Whether the day may lie after today.
    pub allow_future: bool,
}

/// Records the evaluation of an assignee. Expiries before its day are recorded first.
pub fn evaluate(
    db: &mut Db,
    lender: &str,
    new: &NewEvaluation,
    by: &By,
) -> Result<Evaluated, ConductError> {
    let NewEvaluation { on, result, .. } = *new;
    let agency = new.agency.as_str();
    if !(0..=100).contains(&result) {
        return Err(ConductError::Result(result));
    }
    let description = words("text", &new.text, 2_000)?;
    write(db, lender, |db| {
        let known = party::store::lender(db, lender)?
            .ok_or_else(|| ConductError::NoLender(lender.to_string()))?;
        if !new.allow_future {
            not_after(on, known.today(by.today))?;
        }
        if !party::store::assignees(db, lender)?.iter().any(|assignee| assignee.code == agency) {
            return Err(ConductError::NoAssignee(agency.to_string()));
        }
        let mut evaluation = Evaluation {
            agency: agency.to_string(),
            evaluated_on: on,
            seq: 0,
            result,
            description,
        };
        let done = |already_known| Evaluated { agency: agency.to_string(), result, already_known };
        let newest = store::newest(db, lender, on, i64::MAX)?.remove(agency);
        if newest.is_some_and(|before| Evaluation { seq: 0, ..before } == evaluation) {
            return Ok(done(true));
        }
        record_expiries(db, lender, on, by)?;
        let mut act = Act::begin(db, lender, by)?;
        evaluation.seq = act.seq();
        act.record(db, &[evaluation])?;
        act.finish(
            db,
            "assignee evaluated",
            &json!({"agency": agency, "on": on.to_string(), "result": result}),
        )?;
        Ok(done(false))
    })
}

/// Moves each assignee's `evaluated_on` to its newest evaluation by a day, where that is later than what the parties
/// file says: the later of both counts.
pub fn bring_up_to_date(
    db: &mut Db,
    lender: &str,
    on: NaiveDate,
    assignees: &mut [Assignee],
) -> diesel::QueryResult<()> {
    let newest = store::newest(db, lender, on, i64::MAX)?;
    for assignee in assignees {
        let evaluated_on = newest.get(&assignee.code).map(|evaluation| evaluation.evaluated_on);
        assignee.evaluated_on = assignee.evaluated_on.max(evaluated_on);
    }
    Ok(())
}

enumeration! {
    /// Why an evaluation is due.
    pub enum Due ("reason of an evaluation") {
        /// The last one is over a year old, or there is none and the first contract began over a year ago.
        Year = "year",
        /// The contract ends soon, and its last year has none.
        ContractEnds = "contract_ends",
    }
}

/// How an agency stands on a day.
#[derive(Clone, Debug)]
pub struct EvaluationState {
    /// Whom.
    pub agency: String,
    /// Its name.
    pub name: String,
    /// Its last evaluation, of the parties file or recorded.
    pub evaluated_on: Option<NaiveDate>,
    /// The result of the last one recorded.
    pub result: Option<i64>,
    /// The last day of the contract in force, when it has one.
    pub contract_ends_on: Option<NaiveDate>,
    /// Why an evaluation is due, when it is.
    pub due: Option<Due>,
}

/// How each agency that works for a lender stands on a day; teams are the lender's own, and one that has left needs none.
pub fn states(
    db: &mut Db,
    lender_code: &str,
    on: NaiveDate,
) -> Result<Vec<EvaluationState>, ConductError> {
    let lender = party::store::lender(db, lender_code)?
        .ok_or_else(|| ConductError::NoLender(lender_code.to_string()))?;
    let versions = contract::store::versions(db, &lender)?;
    let mut assignees = party::store::assignees(db, lender_code)?;
    bring_up_to_date(db, lender_code, on, &mut assignees)?;
    let newest = store::newest(db, lender_code, on, i64::MAX)?;
    let agencies = assignees
        .iter()
        .filter(|one| one.kind == AssigneeKind::Agency && one.status != Status::Exited);
    Ok(agencies.map(|agency| state(agency, &versions, &newest, on)).collect())
}

fn state(
    agency: &Assignee,
    versions: &Versions,
    newest: &BTreeMap<String, Evaluation>,
    on: NaiveDate,
) -> EvaluationState {
    let contract_ends_on =
        versions.in_force(&agency.code, on).and_then(|version| version.terms.effective_to);
    let of_agency = versions.0.iter().filter(|version| version.terms.agency == agency.code);
    let began_on = of_agency.map(|version| version.terms.effective_from).min();
    // An evaluation announced for a later day is none yet.
    let evaluated_on = agency.evaluated_on.filter(|day| *day <= on);
    EvaluationState {
        agency: agency.code.clone(),
        name: agency.name.clone(),
        evaluated_on,
        result: newest.get(&agency.code).map(|evaluation| evaluation.result),
        contract_ends_on,
        due: due(evaluated_on, began_on, contract_ends_on, on),
    }
}

/// Why an evaluation is due on a day.
pub fn due(
    evaluated_on: Option<NaiveDate>,
    began_on: Option<NaiveDate>,
    contract_ends_on: Option<NaiveDate>,
    on: NaiveDate,
) -> Option<Due> {
    let ends_soon = contract_ends_on.filter(|last| *last <= plus_days(on, AHEAD_DAYS));
    if evaluated_on.or(began_on).is_some_and(|since| (on - since).num_days() > HOLDS_DAYS) {
        Some(Due::Year)
    } else if ends_soon
        .is_some_and(|last| evaluated_on.is_none_or(|day| day <= plus_days(last, -HOLDS_DAYS)))
    {
        Some(Due::ContractEnds)
    } else {
        None
    }
}
