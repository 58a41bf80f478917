//! The steps of placements.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};

use super::{CloseReason, Outcome, Placement, Step, StepKind};
use crate::db::{Db, Fault, fact, keys_in, row, select};
use crate::kernel::Money;

fact! {
    /// A step of a placement as it is stored.
    pub struct StepRow in "placement_step" key (account_no, placement_no, seq, step) by seq {
        /// The account.
        account_no: String,
        /// Its placement.
        placement_no: i64 [1..],
        /// The act that took it.
        seq: i64,
        /// What it is.
        step: StepKind,
        /// Its day.
        on_day: NaiveDate,
        /// The agency that took it; nothing means the lender.
        agency: Option<String>,
        /// The code of a recall, or the reason in words.
        reason: Option<String>,
        /// What was decided.
        outcome: Option<Outcome>,
        /// The last day to object to a recall; the new last day of a retention.
        until_on: Option<NaiveDate>,
        /// What was owed on its day.
        owed: Money,
    }
}

impl StepRow {
    /// A step of a placement.
    pub(super) fn of(placement: &Placement, step: &Step) -> StepRow {
        StepRow {
            account_no: placement.account_no.clone(),
            placement_no: placement.placement_no,
            seq: step.seq,
            step: step.kind,
            on_day: step.on_day,
            agency: step.agency.clone(),
            reason: step.reason.clone(),
            outcome: step.outcome(),
            until_on: step.until_on,
            owed: step.owed,
        }
    }

    /// The step; a fault when its outcome is none of its kind.
    fn read(self) -> QueryResult<Step> {
        let granted = match self.outcome {
            None => None,
            Some(outcome) => {
                let fits = |granted: &bool| Outcome::of(self.step, *granted) == Some(outcome);
                let granted = [true, false].into_iter().find(fits);
                Some(granted.ok_or_else(|| self.misfit(outcome))?)
            }
        };
        Ok(Step {
            seq: self.seq,
            kind: self.step,
            on_day: self.on_day,
            agency: self.agency,
            reason: self.reason,
            granted,
            until_on: self.until_on,
            owed: self.owed,
        })
    }

    fn misfit(&self, outcome: Outcome) -> diesel::result::Error {
        let StepRow { account_no, placement_no, seq, step, .. } = self;
        let key = format!(
            " (account_no {account_no}, placement_no {placement_no}, seq {seq}, step {step})"
        );
        let why = format!("holds \"{outcome}\", which is no outcome of a {step}");
        Fault { table: "placement_step", key, column: "outcome", why }.into()
    }
}

/// The steps of placements, by number, each in the order of its acts.
pub(super) type Steps = HashMap<i64, Vec<Step>>;

fn by_placement(rows: Vec<StepRow>) -> QueryResult<Steps> {
    let mut steps = Steps::new();
    for row in rows {
        steps.entry(row.placement_no).or_default().push(row.read()?);
    }
    steps.values_mut().for_each(|steps| steps.sort_by_key(|step| (step.seq, step.kind)));
    Ok(steps)
}

/// The steps of some accounts' placements (a JSON array of account numbers).
pub(super) fn of_accounts(db: &mut Db, lender: &str, keys: &str) -> QueryResult<Steps> {
    let listed = keys_in(db, "account_no", 2);
    let query = select::<StepRow>(&format!("WHERE lender = $1 AND {listed}"));
    by_placement(query.bind::<Text, _>(lender).bind::<Text, _>(keys).load(db)?)
}

/// The steps of all placements.
pub(super) fn all(db: &mut Db, lender: &str) -> QueryResult<Steps> {
    by_placement(select::<StepRow>("WHERE lender = $1").bind::<Text, _>(lender).load(db)?)
}

row! {
    struct AccountNo in "placement" key (account_no) {
        account_no: String,
    }
}

/// Accounts with an active placement on which somebody has asked for something or was asked, in order.
pub fn accounts_with_requests(
    db: &mut Db,
    lender: &str,
    agency: Option<&str>,
) -> QueryResult<Vec<String>> {
    let rows: Vec<AccountNo> = diesel::sql_query(
        "SELECT DISTINCT p.account_no FROM placement p JOIN placement_step s ON s.lender = p.lender \
         AND s.account_no = p.account_no AND s.placement_no = p.placement_no \
         WHERE p.lender = $1 AND p.closed_on IS NULL AND p.assignee = COALESCE($2, p.assignee) ORDER BY p.account_no",
    )
    .bind::<Text, _>(lender)
    .bind::<Nullable<Text>, _>(agency)
    .load(db)?;
    Ok(rows.into_iter().map(|row| row.account_no).collect())
}

row! {
    /// A line of the log: a step or a closing, and who recorded it when.
    #[derive(Clone, Debug)]
    pub struct LogRow in "placement_step" key (account_no, placement_no, seq, step) {
        /// The account.
        account_no: String,
        /// Its placement.
        placement_no: i64,
        /// In whose hands.
        assignee: String,
        /// The act.
        seq: i64,
        /// What it is; nothing is a closing.
        step: Option<StepKind>,
        /// Its day.
        on_day: NaiveDate,
        /// The agency that took it; nothing means the lender.
        agency: Option<String>,
        /// The code or the reason.
        reason: Option<String>,
        /// The decision.
        outcome: Option<Outcome>,
        /// Why the placement closed.
        close_reason: Option<CloseReason>,
        /// The last day to object, or the new last day.
        until_on: Option<NaiveDate>,
        /// What was owed.
        owed: Money,
        /// When it was recorded, UTC.
        recorded_at: String,
        /// By whom.
        actor: String,
    }
}

/// The log of an account, or of all: steps and closings in order of account, placement and act.
pub fn log(db: &mut Db, lender: &str, account_no: Option<&str>) -> QueryResult<Vec<LogRow>> {
    diesel::sql_query(
        "SELECT l.*, e.recorded_at, e.actor FROM (\
         SELECT s.lender, s.account_no, s.placement_no, p.assignee, s.seq, s.step, s.on_day, s.agency, s.reason, s.outcome, \
         NULL AS close_reason, s.until_on, s.owed, 0 AS rank FROM placement_step s JOIN placement p ON p.lender = s.lender AND p.placement_no = s.placement_no \
         WHERE s.lender = $1 AND s.account_no = COALESCE($2, s.account_no) \
         UNION ALL SELECT lender, account_no, placement_no, assignee, closed_seq, NULL, closed_on, NULL, close_code, NULL, close_reason, \
         NULL, closed_owed, 1 FROM placement WHERE lender = $1 AND account_no = COALESCE($2, account_no) AND closed_on IS NOT NULL\
         ) l JOIN event e ON e.lender = l.lender AND e.seq = l.seq ORDER BY l.account_no, l.placement_no, l.seq, l.rank, l.step",
    )
    .bind::<Text, _>(lender)
    .bind::<Nullable<Text>, _>(account_no)
    .load(db)
}

row! {
    /// A step whose placement is another account's, or none.
    #[derive(Clone, Debug)]
    pub struct Stray in "placement_step" key (account_no, placement_no) {
        /// The account it names.
        account_no: String,
        /// The placement it names.
        placement_no: i64,
    }
}

/// Steps that name a placement the account does not have.
pub fn strays(db: &mut Db, lender: &str) -> QueryResult<Vec<Stray>> {
    diesel::sql_query(
        "SELECT s.account_no, s.placement_no FROM placement_step s WHERE s.lender = $1 AND NOT EXISTS (SELECT 1 FROM placement p \
         WHERE p.lender = s.lender AND p.placement_no = s.placement_no AND p.account_no = s.account_no)",
    )
    .bind::<Text, _>(lender)
    .load(db)
}

impl LogRow {
    /// What it is, as files name it.
    pub fn step_name(&self) -> &'static str {
        self.step.map_or("closing", StepKind::name)
    }

    /// The decision, or why the placement closed, as files name it.
    pub fn outcome_name(&self) -> &'static str {
        match (self.outcome, self.close_reason) {
            (Some(outcome), _) => outcome.name(),
            (None, Some(reason)) => reason.name(),
            (None, None) => "",
        }
    }
}
