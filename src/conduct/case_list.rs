//! The columns of complaints.

use super::Decision;
use super::complaint_store::Case;
use crate::kernel::text;
use crate::party::Lang;
use crate::table::{Column, Value};

const REFERENCE: Column<Case> = Column::<Case>::text("reference", Lang::case_word, |case, _| {
    (&case.complaint.reference).into()
});
const AGENCY: Column<Case> =
    Column::<Case>::text("agency", Lang::agency, |case, _| (&case.complaint.agency).into())
        .folded();
const ACCOUNT_NO: Column<Case> = Column::<Case>::text("account_no", Lang::account, |case, _| {
    case.complaint.account_no.as_ref().into()
})
.folded();
const RECEIVED_ON: Column<Case> =
    Column::<Case>::text("received_on", Lang::complained_on, |case, _| {
        case.complaint.received_on.into()
    });
const SEVERITY: Column<Case> = Column::<Case>::text("severity", Lang::severity, |case, t| {
    let severity = case.complaint.severity;
    Value::Named(severity.name(), t.severity_of(severity))
})
.folded();
const TEXT: Column<Case> = Column::<Case>::text("text", Lang::complaint_text, |case, _| {
    let text = &case.complaint.description;
    Value::Told(text.clone(), text::excerpt(text))
})
.folded()
.wrapped();
const STATE: Column<Case> = Column::<Case>::text("state", Lang::state, |case, t| {
    Value::Named(case.state(), t.case_state(case))
});
const DECIDED_ON: Column<Case> = Column::<Case>::text("decided_on", Lang::decided_on, |case, _| {
    decided(case, |decision| decision.decided_on)
})
.folded();
const DECISION_NO: Column<Case> =
    Column::<Case>::number("decision_no", Lang::line_no, |case, _| {
        decided(case, |decision| Value::Number(decision.decision_no))
    });
const DECISION: Column<Case> = Column::<Case>::text("decision", Lang::decision_word, |case, _| {
    decided(case, |decision| &decision.reason)
});
const DEDUCTION: Column<Case> =
    Column::<Case>::money("deduction", Lang::deduction_word, |case, _| {
        decided(case, |decision| decision.deduction)
    })
    .folded();
const CORRECTS: Column<Case> =
    Column::<Case>::number("corrects", Lang::corrects_decision, |case, _| {
        decided(case, |decision| decision.corrects.map(Value::Number))
    });

/// What the command writes of a complaint.
pub const FILE: &[Column<Case>] = &[
    REFERENCE,
    AGENCY,
    ACCOUNT_NO,
    RECEIVED_ON,
    SEVERITY,
    TEXT,
    STATE,
    DECIDED_ON,
    DECISION_NO,
    DECISION,
    DEDUCTION,
    CORRECTS,
];

/// What a download has.
pub const DOWNLOAD: &[Column<Case>] = &[
    REFERENCE,
    AGENCY,
    ACCOUNT_NO,
    RECEIVED_ON,
    SEVERITY,
    TEXT,
    STATE,
    DECIDED_ON,
    DECISION,
    DEDUCTION,
];

/// What a lender's page has.
pub const PAGE: &[Column<Case>] =
    &[REFERENCE, RECEIVED_ON, AGENCY, ACCOUNT_NO, SEVERITY, STATE, DECIDED_ON, DEDUCTION, TEXT];

/// What an agency's page has.
pub const OWN_PAGE: &[Column<Case>] =
    &[REFERENCE, RECEIVED_ON, ACCOUNT_NO, SEVERITY, STATE, DECIDED_ON, DEDUCTION, TEXT];

/// What stands in a column of the newest decision.
fn decided<'a, V: Into<Value>>(case: &'a Case, value: impl Fn(&'a Decision) -> V) -> Value {
    case.decision.as_ref().map(value).into()
}
