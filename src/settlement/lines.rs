//! The columns of statement lines.

use super::{Line, LineKind};
use crate::party::Lang;
use crate::table::{Column, Value};

const LINE_NO: Column<Line> =
    Column::<Line>::number("line_no", Lang::line_no, |line, _| Value::Number(line.line_no))
        .folded();
const KIND: Column<Line> =
    Column::<Line>::text("kind", Lang::kind, |line, t| kind_value(line.kind, t)).folded();
const FEE_RULE: Column<Line> =
    Column::<Line>::text("fee_rule", Lang::fee_rule, |line, _| line.fee_rule.as_ref().into())
        .folded()
        .wrapped();
const BATCH: Column<Line> =
    Column::<Line>::text("batch", Lang::batch, |line, _| line.batch.as_ref().into()).folded();
const REFERENCE: Column<Line> =
    Column::<Line>::text("reference", Lang::reference, |line, _| line.reference.as_ref().into());
const ACCOUNT_NO: Column<Line> =
    Column::<Line>::text("account_no", Lang::account, |line, _| line.account_no.as_ref().into());
const RECEIVED_ON: Column<Line> =
    Column::<Line>::text("received_on", Lang::received_on, |line, _| line.received_on.into())
        .folded();
const AMOUNT: Column<Line> =
    Column::<Line>::money("amount", Lang::recovered, |line, _| line.amount.into()).folded();
const RATE: Column<Line> =
    Column::<Line>::number("rate", Lang::rate, |line, _| line.rate.into()).folded();
const FEE: Column<Line> = Column::<Line>::money("fee", Lang::fee, |line, _| line.fee.into());
const NOTE: Column<Line> = Column::<Line>::text("note", Lang::note, |line, t| {
    line.note.as_ref().map_or(Value::Nothing, |note| Value::Told(note.to_string(), note.words(t)))
})
.wrapped();

/// What CSV and JSON have of a line.
pub const FILE: &[Column<Line>] =
    &[LINE_NO, KIND, FEE_RULE, BATCH, REFERENCE, ACCOUNT_NO, RECEIVED_ON, AMOUNT, RATE, FEE, NOTE];

/// What a page has; the note stands behind the rule.
pub const PAGE: &[Column<Line>] =
    &[LINE_NO, KIND, REFERENCE, ACCOUNT_NO, RECEIVED_ON, BATCH, FEE_RULE, AMOUNT, RATE, FEE];

fn kind_value(kind: LineKind, t: Lang) -> Value {
    Value::Named(kind.name(), kind_word(t, kind))
}

/// A line's kind in words.
pub fn kind_word(t: Lang, kind: LineKind) -> &'static str {
    match kind {
        LineKind::Commission => t.kind_commission(),
        LineKind::TrueUp => t.kind_true_up(),
        LineKind::Charge => t.kind_charge(),
        LineKind::Performance => t.kind_performance(),
        LineKind::Minimum => t.kind_minimum(),
        LineKind::Maximum => t.kind_maximum(),
        LineKind::Deduction => t.kind_deduction(),
        LineKind::Adjustment => t.kind_adjustment(),
    }
}
