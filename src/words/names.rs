//! The values of nouns in words.

use crate::conduct::complaint_store::Case;
use crate::conduct::policy::Rule;
use crate::conduct::{Channel, Outcome, Severity};
use crate::hold::HoldKind;
use crate::party::Lang;
use crate::placement::{Outcome as Decided, StepKind};
use crate::recovery::Kind;
use crate::recovery::attribution::HouseReason;

impl Lang {
    /// Why an account is held.
    pub fn hold_kind(self, kind: HoldKind) -> &'static str {
        match kind {
            HoldKind::Dispute => self.hold_dispute(),
            HoldKind::Complaint => self.hold_complaint(),
            HoldKind::Hardship => self.hold_hardship(),
            HoldKind::InstalmentPlan => self.hold_instalment_plan(),
            HoldKind::Deceased => self.hold_deceased(),
            HoldKind::Bankrupt => self.hold_bankrupt(),
            HoldKind::Litigation => self.hold_litigation(),
            HoldKind::Transferred => self.hold_transferred(),
            HoldKind::DataRequest => self.hold_data_request(),
        }
    }

    /// A step of a placement.
    pub fn step(self, kind: StepKind) -> &'static str {
        match kind {
            StepKind::RecallRequest => self.step_recall_request(),
            StepKind::RecallAcknowledgement => self.step_recall_acknowledgement(),
            StepKind::RecallObjection => self.step_recall_objection(),
            StepKind::RecallDecision => self.step_recall_decision(),
            StepKind::ReturnRequest => self.step_return_request(),
            StepKind::ReturnDecision => self.step_return_decision(),
            StepKind::RetentionRequest => self.step_retention_request(),
            StepKind::RetentionDecision => self.step_retention_decision(),
        }
    }

    /// What was decided.
    pub fn outcome(self, outcome: Decided) -> &'static str {
        match outcome {
            Decided::Upheld => self.outcome_upheld(),
            Decided::Withdrawn => self.outcome_withdrawn(),
            Decided::Accepted => self.outcome_accepted(),
            Decided::Approved => self.outcome_approved(),
            Decided::Declined => self.outcome_declined(),
        }
    }

    /// By what a debtor was contacted.
    pub fn contact_channel(self, channel: Channel) -> &'static str {
        match channel {
            Channel::Call => self.channel_call(),
            Channel::Sms => self.channel_sms(),
            Channel::Letter => self.channel_letter(),
            Channel::Visit => self.channel_visit(),
            Channel::Other => self.other_word(),
        }
    }

    /// What came of a contact.
    pub fn contact_outcome(self, outcome: Outcome) -> &'static str {
        match outcome {
            Outcome::Effective => self.outcome_effective(),
            Outcome::Unanswered => self.outcome_unanswered(),
            Outcome::Other => self.other_word(),
        }
    }

    /// A rule of a contact policy.
    pub fn rule_of_policy(self, rule: Rule) -> &'static str {
        match rule {
            Rule::QuietHours => self.rule_quiet_hours(),
            Rule::EffectiveCalls => self.rule_effective_calls(),
            Rule::Unanswered => self.rule_unanswered(),
            Rule::Held => self.rule_held(),
            Rule::NotInHands => self.rule_not_in_hands(),
        }
    }

    /// How grave a complaint is.
    pub fn severity_of(self, severity: Severity) -> &'static str {
        match severity {
            Severity::Low => self.severity_low(),
            Severity::Medium => self.severity_medium(),
            Severity::High => self.severity_high(),
        }
    }

    /// What state a complaint is in.
    pub fn case_state(self, case: &Case) -> &'static str {
        match &case.decision {
            None => self.case_open(),
            Some(decision) if decision.upheld => self.case_upheld(),
            Some(_) => self.case_not_upheld(),
        }
    }

    /// What a recovery is.
    pub fn recovery_kind(self, kind: Kind) -> &'static str {
        match kind {
            Kind::Payment => self.payment(),
            Kind::Waiver => self.waiver(),
            Kind::Reversal => self.reversal(),
        }
    }

    /// Why money belongs to the house, beside its reason code.
    pub fn house_reason(self, reason: HouseReason) -> &'static str {
        match reason {
            HouseReason::NeverPlaced => self.house_never_placed(),
            HouseReason::BeforePlacement => self.house_before(),
            HouseReason::BetweenPlacements => self.house_between(),
            HouseReason::AfterWindow => self.house_after(),
        }
    }
}
