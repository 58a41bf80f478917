//! The life of a placement (rules 3): its steps folded into where it stands.
//!
//! A step is written once. What waits for an answer, until when an agency may object and how far a retention has moved
//! the last day is never decided from anything but the steps, so that it can be worked out again as known at any time.
//! Which step may come next is [`super::transition`]'s.

use chrono::NaiveDate;

use crate::kernel::{Money, enumeration};

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
