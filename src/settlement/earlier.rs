//! Factor, minimum and maximum of months closed before they belonged to the month of receipt ([`super::Settles`]): they
//! looked at the lines of the statement alone. Kept to prove those statements.

use rust_decimal::Decimal;

use super::month::{factor_of, grade_of};
use super::note::{Note, Term};
use super::{Graded, Line, LineKind, blank};
use crate::contract::version::Governing;
use crate::kernel::rate::times;
use crate::kernel::{Currency, Money, MoneyRange, Total};

/// The lines behind the others of a statement, in order.
pub fn lines(
    governing: Governing<'_>,
    graded: Option<&Graded>,
    others: &[Line],
    currency: Currency,
) -> Result<Vec<Line>, MoneyRange> {
    let mut lines: Vec<Line> =
        performance(governing, graded, others, currency)?.into_iter().collect();
    let all = others.iter().chain(&lines).map(|line| line.fee).sum::<Total>().money()?;
    lines.extend(bounded(governing, all, currency));
    Ok(lines)
}

fn performance(
    governing: Governing<'_>,
    graded: Option<&Graded>,
    others: &[Line],
    currency: Currency,
) -> Result<Option<Line>, MoneyRange> {
    let terms = &governing.version.terms;
    let Some((performance, graded)) = terms.performance.as_ref().zip(graded) else {
        return Ok(None);
    };
    let commission = others.iter().filter(|line| line.kind == LineKind::Commission);
    let commission = commission.map(|line| line.fee).sum::<Total>().money()?;
    let factor = factor_of(Some(governing), Some(graded));
    let note = said(Term::Factor {
        grade: grade_of(performance.by, graded),
        commission: commission.plain(currency),
        factor: factor.to_string(),
    });
    let fee = times(commission, factor - Decimal::ONE, terms.rounding)?;
    Ok(Some(Line {
        amount: Some(commission),
        note: Some(note),
        ..blank(LineKind::Performance, fee)
    }))
}

fn bounded(governing: Governing<'_>, sum: Money, currency: Currency) -> Option<Line> {
    let terms = &governing.version.terms;
    let line = |what: fn(Option<String>) -> Term, kind: LineKind, bound: Money| Line {
        note: Some(said(what(Some(bound.plain(currency))))),
        ..blank(kind, bound - sum)
    };
    let least = terms.minimum.filter(|least| governing.in_force && sum < *least);
    let most = terms.maximum.filter(|most| sum > *most);
    least
        .map(|least| line(Term::Minimum, LineKind::Minimum, least))
        .or_else(|| most.map(|most| line(Term::Maximum, LineKind::Maximum, most)))
}

fn said(what: Term) -> Note {
    Note::Terms { month: None, what, settled: None }
}
