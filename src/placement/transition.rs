//! Which step may come next on a placement, and what it comes to (rules 3).

use chrono::NaiveDate;

use super::life::{Life, Step, StepKind};
use super::refusal::Refusal;
use super::{CloseReason, Span};
use crate::kernel::Money;
use crate::kernel::calendar::plus_days;

/// A step that somebody wants to take.
#[derive(Clone, Copy, Debug)]
pub enum Action<'a> {
    /// The lender asks for the account back, with its word for why.
    RequestRecall(&'a str),
    /// The lender takes the account back at once.
    RecallNow(&'a str),
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

/// What is to be done on placements: which step, by whom, on which day.
#[derive(Clone, Copy, Debug)]
pub struct Instruction<'a> {
    /// The step.
    pub action: Action<'a>,
    /// The agency that takes it; nothing means the lender.
    pub agency: Option<&'a str>,
    /// The day.
    pub on: NaiveDate,
}

impl Instruction<'_> {
    fn step(
        &self,
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

/// What becomes of a placement by a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It closes on the day of the step.
    Closes(CloseReason),
    /// It closes on a day, unless somebody objects to the recall or the lender withdraws it.
    RecalledOn(NaiveDate),
    /// Its last day moves.
    LastsUntil(NaiveDate),
    /// It goes on as before; something is asked, said or refused.
    GoesOn,
}

impl Next {
    /// What becomes of the placement.
    pub fn effect(&self) -> Effect {
        let until = |step: &Step| match (step.kind, step.granted, step.until_on) {
            (StepKind::RecallRequest, _, Some(day)) => Some(Effect::RecalledOn(day)),
            (StepKind::RetentionDecision, Some(true), Some(day)) => Some(Effect::LastsUntil(day)),
            _ => None,
        };
        match &self.closing {
            Some((reason, _)) => Effect::Closes(*reason),
            None => self.step.as_ref().and_then(until).unwrap_or(Effect::GoesOn),
        }
    }
}

/// The placement of an account that an instruction is about, or why there is none. The placements are the account's, in
/// order of `placed_on` and placing. An agency is told of its own only.
pub fn running<S: AsRef<Span>>(
    placements: &[S],
    instruction: &Instruction<'_>,
) -> Result<usize, Refusal> {
    let active = placements.iter().position(|one| one.as_ref().closed_on.is_none());
    if let Some(index) = active {
        return check_running(placements[index].as_ref(), instruction).map(|()| index);
    }
    let last = placements.last().map(AsRef::as_ref);
    let own = last.filter(|last| instruction.agency.is_none_or(|agency| agency == last.assignee));
    let closed = own.and_then(|last| last.closed_on.map(|on| (on, last.close_reason)));
    Err(match (closed, instruction.agency) {
        (Some((on, reason)), _) => Refusal::Closed(on, reason),
        (None, Some(agency)) => Refusal::NotHeldBy(agency.to_string()),
        (None, None) => Refusal::NeverPlaced(instruction.on),
    })
}

fn check_running(span: &Span, instruction: &Instruction<'_>) -> Result<(), Refusal> {
    let on = instruction.on;
    if let Some(agency) = instruction.agency.filter(|agency| *agency != span.assignee) {
        return Err(Refusal::NotHeldBy(agency.to_string()));
    }
    if on < span.placed_on {
        return Err(Refusal::NotYet(span.placed_on));
    }
    match span.recall_final_on {
        Some(day) if day <= span.expires_on && on > day => Err(Refusal::RecallFinal(day)),
        _ if on > span.expires_on => Err(Refusal::RanOut(span.expires_on)),
        _ => Ok(()),
    }
}

/// What a step of a running placement comes to. `objection_days` is the contract's.
pub fn next(
    span: &Span,
    life: &Life,
    instruction: &Instruction<'_>,
    objection_days: i64,
) -> Result<Next, Refusal> {
    let on = instruction.on;
    let step = |kind, reason: Option<&str>, granted, until_on| {
        instruction.step(kind, reason, granted, until_on)
    };
    match instruction.action {
        Action::RequestRecall(code) => request_recall(life, code, instruction, objection_days),
        Action::RecallNow(code) if life.recall.is_some() => Ok(recalled_over(code, instruction)),
        Action::RecallNow(code) => {
            let request = step(StepKind::RecallRequest, Some(code), None, Some(on));
            closes(Some(request), CloseReason::Recalled, Some(code))
        }
        Action::Acknowledge => acknowledge(life, on)
            .map(|()| step(StepKind::RecallAcknowledgement, None, None, None))
            .and_then(goes_on),
        Action::Object(reason) => object(life, on)
            .map(|()| step(StepKind::RecallObjection, Some(reason), None, None))
            .and_then(goes_on),
        Action::DecideRecall(upheld, reason) => {
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
        Action::AskReturn(reason) => match &life.returning {
            Some(asked) => Err(Refusal::ReturnPending(asked.on)),
            None => goes_on(step(StepKind::ReturnRequest, Some(reason), None, None)),
        },
        Action::DecideReturn(accepted, reason) => {
            not_before(life.returning.as_ref().ok_or(Refusal::NoReturn)?.on, on)?;
            let decision = step(StepKind::ReturnDecision, reason, Some(accepted), None);
            if accepted {
                closes(Some(decision), CloseReason::Returned, None)
            } else {
                goes_on(decision)
            }
        }
        Action::AskRetention(until, reason) => {
            ask_retention(span, life, on, until)?;
            goes_on(step(StepKind::RetentionRequest, Some(reason), None, Some(until)))
        }
        Action::DecideRetention(approved, reason) => {
            let until = decide_retention(span, life, on, approved)?;
            goes_on(step(StepKind::RetentionDecision, reason, Some(approved), Some(until)))
        }
        Action::Transfer(code) => closes(None, CloseReason::Transferred, Some(code)),
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
fn recalled_over(code: &str, instruction: &Instruction<'_>) -> Next {
    let decision = instruction.step(StepKind::RecallDecision, Some(code), Some(true), None);
    Next { step: Some(decision), closing: Some((CloseReason::Recalled, Some(code.to_string()))) }
}

fn request_recall(
    life: &Life,
    code: &str,
    instruction: &Instruction<'_>,
    objection_days: i64,
) -> Result<Next, Refusal> {
    let for_compliance = code.eq_ignore_ascii_case(COMPLIANCE);
    let at_once = objection_days == 0 || for_compliance;
    let object_by =
        if at_once { instruction.on } else { plus_days(instruction.on, objection_days) };
    let request = instruction.step(StepKind::RecallRequest, Some(code), None, Some(object_by));
    match &life.recall {
        // A compliance recall is final at once, also where another is pending.
        Some(_) if for_compliance => Ok(recalled_over(code, instruction)),
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

    /// Takes steps one after the other; what the last came to.
    fn take(wanted: &[(u32, Action<'_>)]) -> (Life, Result<Next, Refusal>) {
        let (mut steps, mut last) = (Vec::new(), Err(Refusal::NoRecall));
        for (on, wanted) in wanted {
            let life = Life::after(&steps);
            let mut placement = span();
            placement.expires_on = life.retained_to.unwrap_or(placement.expires_on);
            placement.recall_final_on = life.recall_final_on();
            let instruction = Instruction { action: *wanted, agency: None, on: day(*on) };
            last = check_running(&placement, &instruction)
                .and_then(|()| next(&placement, &life, &instruction, 5));
            if let Ok(next) = &last {
                steps.extend(next.step.clone());
            }
        }
        (Life::after(&steps), last)
    }

    #[test]
    fn a_recall_is_final_when_its_time_runs_out_unless_somebody_objects() {
        let (life, _) = take(&[(3, Action::RequestRecall("test"))]);
        assert_eq!(life.recall_final_on(), Some(day(8)));
        let (life, last) = take(&[(3, Action::RequestRecall("test")), (8, Action::Object("no"))]);
        assert!(last.is_ok() && life.recall_final_on().is_none() && life.waits());
        let (_, last) = take(&[(3, Action::RequestRecall("test")), (9, Action::Object("no"))]);
        assert_eq!(last, Err(Refusal::RecallFinal(day(8))));
        let (life, last) = take(&[
            (3, Action::RequestRecall("test")),
            (4, Action::Object("no")),
            (5, Action::DecideRecall(false, None)),
        ]);
        assert!(last.is_ok() && life == Life::default());
        let (_, last) = take(&[(3, Action::RequestRecall("compliance"))]);
        assert_eq!(
            last.unwrap().closing,
            Some((CloseReason::Recalled, Some("compliance".to_string())))
        );
    }

    #[test]
    fn a_retention_moves_the_last_day_and_is_decided_before_it() {
        let (life, _) = take(&[
            (3, Action::AskRetention(day(25), "payer")),
            (19, Action::DecideRetention(true, None)),
        ]);
        assert_eq!(life.retained_to, Some(day(25)));
        let (_, last) = take(&[
            (3, Action::AskRetention(day(25), "payer")),
            (20, Action::DecideRetention(true, None)),
        ]);
        assert_eq!(last, Err(Refusal::LastDay(day(20))));
        let (_, last) = take(&[(3, Action::AskRetention(day(20), "payer"))]);
        assert_eq!(last, Err(Refusal::NotLater(day(20), day(20))));
        let (life, _) = take(&[
            (3, Action::AskRetention(day(25), "payer")),
            (4, Action::DecideRetention(false, None)),
        ]);
        assert_eq!(life, Life::default());
    }
}
