//! The life of a placement (rules 3): its steps folded into where it stands, and which step may come next.
//!
//! A step is written once. What waits for an answer, until when an agency may object and how far a retention has moved
//! the last day is never decided from anything but the steps, so that it can be worked out again as known at any time.

use std::fmt;

use chrono::NaiveDate;

use super::{CloseReason, Span};
use crate::kernel::calendar::plus_days;
use crate::kernel::{Money, enumeration};
use crate::party::Lang;

enumeration! {
    /// What a step is. Steps of one act are folded in this order.
    pub enum StepKind ("kind of step") {
        /// The lender asks for the account back (撤案申请).
        RecallRequest = "recall_request",
        /// The agency says that it has stopped.
        RecallAcknowledgement = "recall_acknowledgement",
        /// The agency objects.
        RecallObjection = "recall_objection",
        /// The lender decides: upheld or withdrawn.
        RecallDecision = "recall_decision",
        /// The agency asks to give the account back (退案申请).
        ReturnRequest = "return_request",
        /// The lender decides: accepted or declined.
        ReturnDecision = "return_decision",
        /// Somebody asks to keep the account longer (留案申请).
        RetentionRequest = "retention_request",
        /// The lender decides: approved or declined.
        RetentionDecision = "retention_decision",
    }
}

/// One step of a placement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The act that took it.
    pub seq: i64,
    /// What it is.
    pub kind: StepKind,
    /// Its day.
    pub on_day: NaiveDate,
    /// The agency that took it; nothing means the lender.
    pub agency: Option<String>,
    /// The code of a recall, or the reason in words.
    pub reason: Option<String>,
    /// Whether what was asked is granted: a recall upheld, a return accepted, a retention approved.
    pub granted: Option<bool>,
    /// The last day to object to a recall; the new last day of a retention.
    pub until_on: Option<NaiveDate>,
    /// What was owed on its day.
    pub owed: Money,
}

enumeration! {
    /// How a decision is called.
    pub enum Outcome ("outcome of a decision") {
        /// The recall stands.
        Upheld = "upheld",
        /// The recall is taken back.
        Withdrawn = "withdrawn",
        /// The account is given back.
        Accepted = "accepted",
        /// The account is kept longer.
        Approved = "approved",
        /// What the agency asked for is refused.
        Declined = "declined",
    }
}

impl Step {
    /// The decision as it is stored and written.
    pub fn outcome(&self) -> Option<Outcome> {
        self.granted.and_then(|granted| Outcome::of(self.kind, granted))
    }
}

impl Outcome {
    /// How granting or refusing is called at a step; nothing is decided at any other.
    pub fn of(kind: StepKind, granted: bool) -> Option<Outcome> {
        match (kind, granted) {
            (StepKind::RecallDecision, true) => Some(Outcome::Upheld),
            (StepKind::RecallDecision, false) => Some(Outcome::Withdrawn),
            (StepKind::ReturnDecision, true) => Some(Outcome::Accepted),
            (StepKind::RetentionDecision, true) => Some(Outcome::Approved),
            (StepKind::ReturnDecision | StepKind::RetentionDecision, false) => {
                Some(Outcome::Declined)
            }
            _ => None,
        }
    }
}

/// A recall that is asked for and not final.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recall {
    /// The day it was asked for.
    pub requested_on: NaiveDate,
    /// The lender's word for why.
    pub reason: String,
    /// The last day to object; without an objection the recall is final on it.
    pub object_by: NaiveDate,
    /// The day the agency says it stopped.
    pub acknowledged_on: Option<NaiveDate>,
    /// The day the agency objected and why.
    pub objection: Option<Request>,
}

/// Something that waits for the lender's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Since when.
    pub on: NaiveDate,
    /// Why.
    pub reason: String,
    /// The agency that asks; nothing means the lender.
    pub agency: Option<String>,
}

/// A retention that waits for its decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Who asks, when and why.
    pub asked: Request,
    /// The new last day.
    pub until: NaiveDate,
}

/// Where a placement stands after some steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Life {
    /// The recall that is not final yet.
    pub recall: Option<Recall>,
    /// The return that waits for its decision.
    pub returning: Option<Request>,
    /// The retention that waits for its decision.
    pub retention: Option<Retention>,
    /// The last day that approved retentions have moved the end to.
    pub retained_to: Option<NaiveDate>,
}

impl Life {
    /// Folds steps, which must be in the order of their acts.
    pub fn after<'a>(steps: impl IntoIterator<Item = &'a Step>) -> Life {
        steps.into_iter().fold(Life::default(), Life::and)
    }

    fn and(mut self, step: &Step) -> Life {
        let asked = || Request {
            on: step.on_day,
            reason: step.reason.clone().unwrap_or_default(),
            agency: step.agency.clone(),
        };
        match step.kind {
            StepKind::RecallRequest => {
                self.recall = Some(Recall {
                    requested_on: step.on_day,
                    reason: step.reason.clone().unwrap_or_default(),
                    object_by: step.until_on.unwrap_or(step.on_day),
                    acknowledged_on: None,
                    objection: None,
                });
            }
            StepKind::RecallAcknowledgement => {
                if let Some(recall) = &mut self.recall {
                    recall.acknowledged_on = Some(step.on_day);
                }
            }
            StepKind::RecallObjection => {
                if let Some(recall) = &mut self.recall {
                    recall.objection = Some(asked());
                }
            }
            StepKind::RecallDecision => self.recall = None,
            StepKind::ReturnRequest => self.returning = Some(asked()),
            StepKind::ReturnDecision => self.returning = None,
            StepKind::RetentionRequest => {
                self.retention = step.until_on.map(|until| Retention { asked: asked(), until });
            }
            StepKind::RetentionDecision => {
                let asked = self.retention.take();
                if step.granted == Some(true) {
                    self.retained_to =
                        step.until_on.or(asked.map(|one| one.until)).or(self.retained_to);
                }
            }
        }
        self
    }

    /// The day on which the recall becomes final by itself: its objection time runs out without an objection.
    pub fn recall_final_on(&self) -> Option<NaiveDate> {
        self.recall
            .as_ref()
            .filter(|recall| recall.objection.is_none())
            .map(|recall| recall.object_by)
    }

    /// Whether something waits for the lender.
    pub fn waits(&self) -> bool {
        self.returning.is_some()
            || self.retention.is_some()
            || self.recall.as_ref().is_some_and(|one| one.objection.is_some())
    }
}

/// A step that somebody wants to take.
#[derive(Clone, Copy, Debug)]
pub enum Move<'a> {
    /// The lender asks for the account back, with its word for why.
    RequestRecall(&'a str),
    /// The lender takes the account back at once.
    RecallAtOnce(&'a str),
    /// The agency says that it has stopped.
    Acknowledge,
    /// The agency objects to a recall.
    Object(&'a str),
    /// The lender decides on a recall.
    DecideRecall(bool, Option<&'a str>),
    /// The agency asks to give the account back.
    AskReturn(&'a str),
    /// The lender decides on a return.
    DecideReturn(bool, Option<&'a str>),
    /// Somebody asks to keep the account until a day.
    AskRetention(NaiveDate, &'a str),
    /// The lender decides on a retention.
    DecideRetention(bool, Option<&'a str>),
    /// The lender transfers the debt, with its word for why.
    Transfer(&'a str),
}

/// Who takes a step, and when.
#[derive(Clone, Copy, Debug)]
pub struct Taker<'a> {
    /// The agency; nothing means the lender.
    pub agency: Option<&'a str>,
    /// The day.
    pub on: NaiveDate,
}

impl Taker<'_> {
    fn step(
        self,
        kind: StepKind,
        reason: Option<&str>,
        granted: Option<bool>,
        until_on: Option<NaiveDate>,
    ) -> Step {
        Step {
            seq: 0,
            kind,
            on_day: self.on,
            agency: self.agency.map(str::to_string),
            reason: reason.map(str::to_string),
            granted,
            until_on,
            owed: Money::ZERO,
        }
    }
}

/// What a step comes to: what is written, and whether the placement closes on that day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    /// The step; without its act and what is owed, which the one who writes it knows.
    pub step: Option<Step>,
    /// How the placement closes, and the lender's word for it.
    pub closing: Option<(CloseReason, Option<String>)>,
}

/// Why a step is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The account has no placement at all.
    NeverPlaced(NaiveDate),
    /// Its placement begins later.
    NotYet(NaiveDate),
    /// Its placement was closed.
    Closed(NaiveDate, Option<CloseReason>),
    /// It has run out, though nobody has recorded it.
    RanOut(NaiveDate),
    /// Its recall became final, though nobody has recorded it.
    RecallFinal(NaiveDate),
    /// The account is in other hands.
    NotHeldBy(String),
    /// A recall was asked for before.
    RecallPending(NaiveDate),
    /// No recall is asked for.
    NoRecall,
    /// The step would lie before what it answers.
    Before(NaiveDate),
    /// The agency said so before.
    Acknowledged(NaiveDate),
    /// The agency objected before.
    Objected(NaiveDate),
    /// A return was asked for before.
    ReturnPending(NaiveDate),
    /// No return is asked for.
    NoReturn,
    /// A retention was asked for before.
    RetentionPending(NaiveDate),
    /// No retention is asked for.
    NoRetention,
    /// A retention is asked and decided before the last day.
    LastDay(NaiveDate),
    /// The new last day is no later than the one it has.
    NotLater(NaiveDate, NaiveDate),
}

impl serde::Serialize for Refusal {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words(Lang::En))
    }
}

/// The placement of an account that a step of a day is about, or why there is none. The placements are the account's, in
/// order of `placed_on` and placing. An agency is told of its own only.
pub fn running<S: AsRef<Span>>(placements: &[S], taker: Taker<'_>) -> Result<usize, Refusal> {
    let active = placements.iter().position(|one| one.as_ref().closed_on.is_none());
    if let Some(index) = active {
        return check_running(placements[index].as_ref(), taker).map(|()| index);
    }
    let last = placements.last().map(AsRef::as_ref);
    let own = last.filter(|last| taker.agency.is_none_or(|agency| agency == last.assignee));
    Err(
        match (own.and_then(|last| last.closed_on.map(|on| (on, last.close_reason))), taker.agency)
        {
            (Some((on, reason)), _) => Refusal::Closed(on, reason),
            (None, Some(agency)) => Refusal::NotHeldBy(agency.to_string()),
            (None, None) => Refusal::NeverPlaced(taker.on),
        },
    )
}

fn check_running(span: &Span, taker: Taker<'_>) -> Result<(), Refusal> {
    if let Some(agency) = taker.agency.filter(|agency| *agency != span.assignee) {
        return Err(Refusal::NotHeldBy(agency.to_string()));
    }
    if taker.on < span.placed_on {
        return Err(Refusal::NotYet(span.placed_on));
    }
    match span.recall_final_on {
        Some(day) if day <= span.expires_on && taker.on > day => Err(Refusal::RecallFinal(day)),
        _ if taker.on > span.expires_on => Err(Refusal::RanOut(span.expires_on)),
        _ => Ok(()),
    }
}

/// What a step of a running placement comes to. `objection_days` is the contract's.
pub fn next(
    span: &Span,
    life: &Life,
    wanted: Move<'_>,
    taker: Taker<'_>,
    objection_days: i64,
) -> Result<Next, Refusal> {
    let on = taker.on;
    let step =
        |kind, reason: Option<&str>, granted, until_on| taker.step(kind, reason, granted, until_on);
    match wanted {
        Move::RequestRecall(code) => request_recall(life, code, taker, objection_days),
        Move::RecallAtOnce(code) if life.recall.is_some() => Ok(recalled_over(code, taker)),
        Move::RecallAtOnce(code) => {
            let request = step(StepKind::RecallRequest, Some(code), None, Some(on));
            closes(Some(request), CloseReason::Recalled, Some(code))
        }
        Move::Acknowledge => acknowledge(life, on)
            .map(|()| step(StepKind::RecallAcknowledgement, None, None, None))
            .and_then(goes_on),
        Move::Object(reason) => object(life, on)
            .map(|()| step(StepKind::RecallObjection, Some(reason), None, None))
            .and_then(goes_on),
        Move::DecideRecall(upheld, reason) => {
            let recall = life.recall.as_ref().ok_or(Refusal::NoRecall)?;
            not_before(
                recall.objection.as_ref().map_or(recall.requested_on, |objection| objection.on),
                on,
            )?;
            let decision = step(StepKind::RecallDecision, reason, Some(upheld), None);
            if upheld {
                closes(Some(decision), CloseReason::Recalled, Some(&recall.reason))
            } else {
                goes_on(decision)
            }
        }
        Move::AskReturn(reason) => match &life.returning {
            Some(asked) => Err(Refusal::ReturnPending(asked.on)),
            None => goes_on(step(StepKind::ReturnRequest, Some(reason), None, None)),
        },
        Move::DecideReturn(accepted, reason) => {
            not_before(life.returning.as_ref().ok_or(Refusal::NoReturn)?.on, on)?;
            let decision = step(StepKind::ReturnDecision, reason, Some(accepted), None);
            if accepted {
                closes(Some(decision), CloseReason::Returned, None)
            } else {
                goes_on(decision)
            }
        }
        Move::AskRetention(until, reason) => {
            ask_retention(span, life, on, until)?;
            goes_on(step(StepKind::RetentionRequest, Some(reason), None, Some(until)))
        }
        Move::DecideRetention(approved, reason) => {
            let until = decide_retention(span, life, on, approved)?;
            goes_on(step(StepKind::RetentionDecision, reason, Some(approved), Some(until)))
        }
        Move::Transfer(code) => closes(None, CloseReason::Transferred, Some(code)),
    }
}

/// A step after which the placement goes on.
fn goes_on(step: Step) -> Result<Next, Refusal> {
    Ok(Next { step: Some(step), closing: None })
}

/// A step, when there is one, that closes the placement.
fn closes(step: Option<Step>, reason: CloseReason, code: Option<&str>) -> Result<Next, Refusal> {
    Ok(Next { step, closing: Some((reason, code.map(str::to_string))) })
}

/// A recall at once ends a pending one: over an objection too, so that it is a decision on file.
fn recalled_over(code: &str, taker: Taker<'_>) -> Next {
    let decision = taker.step(StepKind::RecallDecision, Some(code), Some(true), None);
    Next { step: Some(decision), closing: Some((CloseReason::Recalled, Some(code.to_string()))) }
}

fn request_recall(
    life: &Life,
    code: &str,
    taker: Taker<'_>,
    objection_days: i64,
) -> Result<Next, Refusal> {
    let for_compliance = code.eq_ignore_ascii_case(COMPLIANCE);
    let at_once = objection_days == 0 || for_compliance;
    let object_by = if at_once { taker.on } else { plus_days(taker.on, objection_days) };
    let request = taker.step(StepKind::RecallRequest, Some(code), None, Some(object_by));
    match &life.recall {
        // A compliance recall is final at once, also where another is pending.
        Some(_) if for_compliance => Ok(recalled_over(code, taker)),
        Some(recall) => Err(Refusal::RecallPending(recall.requested_on)),
        None if at_once => closes(Some(request), CloseReason::Recalled, Some(code)),
        None => goes_on(request),
    }
}

/// The word of a recall that is final at once.
pub const COMPLIANCE: &str = "compliance";

fn not_before(day: NaiveDate, on: NaiveDate) -> Result<(), Refusal> {
    if on < day { Err(Refusal::Before(day)) } else { Ok(()) }
}

fn acknowledge(life: &Life, on: NaiveDate) -> Result<(), Refusal> {
    let recall = life.recall.as_ref().ok_or(Refusal::NoRecall)?;
    match recall.acknowledged_on {
        Some(day) => Err(Refusal::Acknowledged(day)),
        None => not_before(recall.requested_on, on),
    }
}

fn object(life: &Life, on: NaiveDate) -> Result<(), Refusal> {
    let recall = life.recall.as_ref().ok_or(Refusal::NoRecall)?;
    match &recall.objection {
        Some(objection) => Err(Refusal::Objected(objection.on)),
        None => not_before(recall.requested_on, on),
    }
}

fn ask_retention(span: &Span, life: &Life, on: NaiveDate, until: NaiveDate) -> Result<(), Refusal> {
    if let Some(recall) = &life.recall {
        return Err(Refusal::RecallPending(recall.requested_on));
    }
    if let Some(retention) = &life.retention {
        return Err(Refusal::RetentionPending(retention.asked.on));
    }
    if until <= span.expires_on {
        return Err(Refusal::NotLater(until, span.expires_on));
    }
    if on >= span.expires_on { Err(Refusal::LastDay(span.expires_on)) } else { Ok(()) }
}

/// The new last day that is decided on. What is recalled cannot be kept longer; declining is always possible in time.
fn decide_retention(
    span: &Span,
    life: &Life,
    on: NaiveDate,
    approved: bool,
) -> Result<NaiveDate, Refusal> {
    let retention = life.retention.as_ref().ok_or(Refusal::NoRetention)?;
    if let (true, Some(recall)) = (approved, &life.recall) {
        return Err(Refusal::RecallPending(recall.requested_on));
    }
    not_before(retention.asked.on, on)?;
    if on >= span.expires_on { Err(Refusal::LastDay(span.expires_on)) } else { Ok(retention.until) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, day).unwrap()
    }

    fn span() -> Span {
        Span {
            placement_no: 1,
            account_no: "1".to_string(),
            assignee: "A01".to_string(),
            placed_on: day(2),
            expires_on: day(20),
            tail_days: 0,
            closed_on: None,
            close_reason: None,
            recall_final_on: None,
        }
    }

    /// Takes moves one after the other; what the last came to.
    fn take(moves: &[(u32, Move<'_>)]) -> (Life, Result<Next, Refusal>) {
        let (mut steps, mut last) = (Vec::new(), Err(Refusal::NoRecall));
        for (on, wanted) in moves {
            let life = Life::after(&steps);
            let mut placement = span();
            placement.expires_on = life.retained_to.unwrap_or(placement.expires_on);
            placement.recall_final_on = life.recall_final_on();
            let taker = Taker { agency: None, on: day(*on) };
            last = check_running(&placement, taker)
                .and_then(|()| next(&placement, &life, *wanted, taker, 5));
            if let Ok(next) = &last {
                steps.extend(next.step.clone());
            }
        }
        (Life::after(&steps), last)
    }

    #[test]
    fn a_recall_is_final_when_its_time_runs_out_unless_somebody_objects() {
        let (life, _) = take(&[(3, Move::RequestRecall("test"))]);
        assert_eq!(life.recall_final_on(), Some(day(8)));
        let (life, last) = take(&[(3, Move::RequestRecall("test")), (8, Move::Object("no"))]);
        assert!(last.is_ok() && life.recall_final_on().is_none() && life.waits());
        let (_, last) = take(&[(3, Move::RequestRecall("test")), (9, Move::Object("no"))]);
        assert_eq!(last, Err(Refusal::RecallFinal(day(8))));
        let (life, last) = take(&[
            (3, Move::RequestRecall("test")),
            (4, Move::Object("no")),
            (5, Move::DecideRecall(false, None)),
        ]);
        assert!(last.is_ok() && life == Life::default());
        let (_, last) = take(&[(3, Move::RequestRecall("compliance"))]);
        assert_eq!(
            last.unwrap().closing,
            Some((CloseReason::Recalled, Some("compliance".to_string())))
        );
    }

    #[test]
    fn a_retention_moves_the_last_day_and_is_decided_before_it() {
        let (life, _) = take(&[
            (3, Move::AskRetention(day(25), "payer")),
            (19, Move::DecideRetention(true, None)),
        ]);
        assert_eq!(life.retained_to, Some(day(25)));
        let (_, last) = take(&[
            (3, Move::AskRetention(day(25), "payer")),
            (20, Move::DecideRetention(true, None)),
        ]);
        assert_eq!(last, Err(Refusal::LastDay(day(20))));
        let (_, last) = take(&[(3, Move::AskRetention(day(20), "payer"))]);
        assert_eq!(last, Err(Refusal::NotLater(day(20), day(20))));
        let (life, _) = take(&[
            (3, Move::AskRetention(day(25), "payer")),
            (4, Move::DecideRetention(false, None)),
        ]);
        assert_eq!(life, Life::default());
    }
}
