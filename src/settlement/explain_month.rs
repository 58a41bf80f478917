//! Explaining factor, minimum and maximum of a month: from which facts it came to what at the closing before, and to what
//! at this one.

use chrono::NaiveDate;

use super::explain_context::ExplainContext;
use super::month::{Before, Figures};
use super::{Graded, Line, LineKind, SettlementError, Statement, store};
use crate::commission::change::{Earns, changes, earning};
use crate::commission::gather::{CutOff, groups_paid_in};
use crate::contract::Versions;
use crate::contract::version::Governing;
use crate::db::Db;
use crate::kernel::{Money, Month};
use crate::words::month::month_words;

/// What is told of a month's line.
pub struct Told<'a> {
    /// The month.
    pub month: Month,
    /// Which of the three.
    pub kind: LineKind,
    /// What governs the month.
    pub governing: Option<Governing<'a>>,
    /// The grade that its closing kept.
    pub graded: Option<Graded>,
    /// What it comes to on what this closing knew.
    pub figures: Figures,
    /// How many recoveries it has.
    pub recoveries: usize,
    /// What it came to at the closing before, if it was closed then.
    pub before: Option<ToldBefore>,
    /// What earlier statements settled.
    pub settled: Before,
    /// The line's amount.
    pub fee: Money,
}

/// What a month came to at an earlier closing.
pub struct ToldBefore {
    /// The closing's month.
    pub closing: Month,
    /// The version that governed the month.
    pub version: Option<i64>,
    /// What its recoveries earned.
    pub commission: Money,
}

/// A month as a closing saw it.
struct Seen<'v> {
    earns: Vec<Earns>,
    governing: Option<Governing<'v>>,
    figures: Figures,
}

struct Asked<'a> {
    context: &'a ExplainContext,
    agency: &'a str,
    month: Month,
    /// What the month's own closing knew.
    known_seq: i64,
    charges: Money,
    graded: Option<Graded>,
}

/// Says why a line of a month has its amount.
pub(super) fn words(
    context: &ExplainContext,
    db: &mut Db,
    statement: &Statement,
    line: &Line,
) -> Result<Vec<String>, SettlementError> {
    let Some(month) = line.of_month else { return Ok(Vec::new()) };
    let (lender, agency) = (&context.lender.code, statement.agency.as_str());
    let closed = store::closed_months(db, lender)?.into_iter().find(|one| one.month == month);
    let graded = closed.as_ref().and_then(|one| one.graded.get(agency).copied());
    let known_seq = closed.map_or(context.known_seq, |one| one.known_seq);
    let statements = store::statements(db, lender, Some(agency))?;
    let charges = statements.iter().find(|one| one.month == month);
    let charges = charges.map_or(Money::ZERO, |one| one.figures.charges);
    let asked = Asked { context, agency, month, known_seq, charges, graded };
    let cut_off = CutOff { seq: context.known_seq, last_day: context.month.last_day() };
    let now = asked.seen(db, &context.versions, cut_off)?;
    let (mut before, mut changed) = (None, Vec::new());
    if let Some(known) = context.before.as_ref().filter(|known| month <= known.month) {
        let old = asked.seen(db, &known.versions, known.cut_off)?;
        changed = context.changed(db, &changes(&old.earns, &now.earns), known.month)?;
        before = Some(ToldBefore {
            closing: known.month,
            version: old.governing.map(|governing| governing.version.number),
            commission: old.figures.commission,
        });
    }
    let settled = (month, line.kind);
    let told = Told {
        month,
        kind: line.kind,
        governing: now.governing,
        graded,
        figures: now.figures,
        recoveries: now.earns.len(),
        before,
        settled: store::settled_of_month(db, lender, agency, settled, statement.month)?,
        fee: line.fee,
    };
    Ok(month_words(context.t, context.lender.currency, &told, changed))
}

impl Asked<'_> {
    /// The month on what a closing knew.
    fn seen<'v>(
        &self,
        db: &mut Db,
        versions: &'v Versions,
        cut_off: CutOff,
    ) -> Result<Seen<'v>, SettlementError> {
        let lender = &self.context.lender.code;
        let first = self.context.periods.first().map(|period| period.month);
        // The first month has all that came before it.
        let from = match first {
            Some(first) if first == self.month => NaiveDate::from_ymd_opt(1, 1, 1),
            _ => None,
        };
        let days = (from.unwrap_or(self.month.first_day()), self.month.last_day());
        let groups = groups_paid_in(db, lender, versions, cut_off, self.agency, days)?;
        let own = |month: Month| Month::of(days.0) <= month && month <= self.month;
        let mut earns = Vec::new();
        for group in &groups {
            if let Some(version) = versions.get(self.agency, group.key.version) {
                earns.extend(earning(&version.terms, group, own));
            }
        }
        let last_day = self.month.last_day();
        let governing = versions.of_month(self.agency, last_day, self.known_seq);
        let commission = earns.iter().map(|one| one.fee).sum();
        let figures = Figures::work_out(governing, self.graded.as_ref(), commission, self.charges)
            .map_err(|range| SettlementError::Range {
                agency: self.agency.to_string(),
                month: self.context.month,
                what: format!("what {} comes to", self.month),
                range,
            })?;
        Ok(Seen { earns, governing, figures })
    }
}
