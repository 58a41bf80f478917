//! Factor, minimum and maximum of a month of receipt (rules 6.11 and 6.16).
//!
//! They belong to the month in which money was received, not to the statement that settles it: whatever becomes known
//! later, each of the three comes to the same for a month in the end, and a statement settles what it comes to now less
//! what earlier ones settled. That is how a cap that had cut comes back with the money, and a guarantee that was topped up
//! is used up by what its month still earns.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::note::{self, Note, Term};
use super::{Graded, Line, LineKind, Statement};
use crate::commission::{FeeGroup, GroupKey};
use crate::contract::factor::By;
use crate::contract::version::Governing;
use crate::kernel::rate::times;
use crate::kernel::{Currency, Money, MoneyRange, Month, Total};

/// The kinds of line that are settled by month, in the order in which they are worked out.
pub const KINDS: [LineKind; 3] = [LineKind::Performance, LineKind::Minimum, LineKind::Maximum];

/// A month closed by month of receipt.
#[derive(Clone, Debug)]
pub struct ClosedMonth {
    /// The month.
    pub month: Month,
    /// The last number of the book that its closing knew.
    pub known_seq: i64,
    /// Where agencies stood, as the closing found and kept it.
    pub graded: BTreeMap<String, Graded>,
}

/// What a month comes to on what is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Σ of what its recoveries earn.
    pub commission: Money,
    /// Σ of the charges of its statement.
    pub charges: Money,
    /// What its factor adds.
    pub performance: Money,
    /// What lifts it to the minimum.
    pub minimum: Money,
    /// What cuts it at the maximum, ≤ 0.
    pub maximum: Money,
}

impl Figures {
    /// What it comes to of one kind.
    pub fn of(&self, kind: LineKind) -> Money {
        match kind {
            LineKind::Performance => self.performance,
            LineKind::Minimum => self.minimum,
            LineKind::Maximum => self.maximum,
            _ => Money::ZERO,
        }
    }

    /// Works out a month. Without a contract that ever governed it, it comes to nothing.
    pub fn work_out(
        governing: Option<Governing<'_>>,
        graded: Option<&Graded>,
        commission: Money,
        charges: Money,
    ) -> Result<Figures, MoneyRange> {
        let mut figures = Figures { commission, charges, ..Figures::default() };
        let Some(Governing { version, in_force }) = governing else { return Ok(figures) };
        let terms = &version.terms;
        let factor = factor_of(governing, graded);
        figures.performance = times(commission, factor - Decimal::ONE, terms.rounding)?;
        let sum = |amounts: &[Money]| amounts.iter().copied().sum::<Total>().money();
        let earned = sum(&[commission, charges, figures.performance])?;
        let least = terms.minimum.filter(|least| in_force && earned < *least);
        figures.minimum = least.map_or(Money::ZERO, |least| least - earned);
        let lifted = sum(&[earned, figures.minimum])?;
        let most = terms.maximum.filter(|most| lifted > *most);
        figures.maximum = most.map_or(Money::ZERO, |most| most - lifted);
        Ok(figures)
    }
}

/// The factor of a month: 1 without one in the contract, and where its closing kept no grade.
pub fn factor_of(governing: Option<Governing<'_>>, graded: Option<&Graded>) -> Decimal {
    let performance = governing.and_then(|governing| governing.version.terms.performance.as_ref());
    performance.zip(graded).map_or(Decimal::ONE, |(factor, graded)| {
        factor.at(match factor.by {
            By::Rank => Decimal::from(graded.rank),
            By::Index => graded.shrunk_index,
        })
    })
}

/// By what a factor was read, as notes say it.
pub fn grade_of(by: By, graded: &Graded) -> note::Grade {
    // Whoever has nothing judged starts at 1, and may be first by it: finance should see that.
    let judged = graded.judged > 0;
    match by {
        By::Rank => note::Grade::Rank(graded.rank, graded.peers, judged),
        By::Index => note::Grade::Index(graded.shrunk_index.to_string(), judged),
    }
}

/// What the note of a month's line says: the month, the terms, and what stands on earlier statements.
pub fn note(
    month: Month,
    kind: LineKind,
    (figures, before): (&Figures, &Before),
    (governing, graded): (Option<Governing<'_>>, Option<&Graded>),
    currency: Currency,
) -> Note {
    let terms = governing.map(|governing| &governing.version.terms);
    let plain = |amount: Money| amount.plain(currency);
    let what = match kind {
        LineKind::Performance => {
            let factor = terms.and_then(|terms| terms.performance.as_ref());
            Term::Factor {
                grade: match (factor, graded) {
                    (Some(factor), Some(graded)) => grade_of(factor.by, graded),
                    (Some(_), None) => note::Grade::NotKept,
                    (None, _) => note::Grade::NoFactor,
                },
                commission: plain(figures.commission),
                factor: factor_of(governing, graded).to_string(),
            }
        }
        LineKind::Minimum => {
            let in_force = governing.is_some_and(|governing| governing.in_force);
            let least = terms.and_then(|terms| terms.minimum).filter(|_| in_force);
            Term::Minimum(least.map(plain))
        }
        _ => Term::Maximum(terms.and_then(|terms| terms.maximum).map(plain)),
    };
    let settled = (!before.statements.is_empty()).then(|| note::Before {
        now: plain(figures.of(kind)),
        less: plain(before.sum),
        statements: before.statements.iter().cloned().collect(),
    });
    Note::Terms { month: Some(month), what, settled }
}

/// What earlier statements settled of one kind of a month.
#[derive(Clone, Debug, Default)]
pub struct Before {
    /// Σ of its lines.
    pub sum: Money,
    /// The statements they stand on.
    pub statements: BTreeSet<String>,
}

/// What earlier statements settled of an agency's months.
#[derive(Clone, Debug, Default)]
pub struct SettledMonths {
    /// By month: the charges of its statement.
    pub charges: BTreeMap<Month, Money>,
    /// By month and kind.
    pub lines: BTreeMap<(Month, LineKind), Before>,
}

impl SettledMonths {
    /// Adds a line, or several of one kind and month on one statement.
    pub fn add(&mut self, month: Month, kind: LineKind, fee: Money, statement_no: &str) {
        let before = self.lines.entry((month, kind)).or_default();
        before.sum += fee;
        if !before.statements.contains(statement_no) {
            before.statements.insert(statement_no.to_string());
        }
    }

    /// Adds a statement.
    pub fn take(&mut self, one: &Statement) {
        *self.charges.entry(one.month).or_default() += one.figures.charges;
        let by_month = |line: &Line| line.of_month.map(|month| (month, line.kind, line.fee));
        for (month, kind, fee) in one.lines.iter().filter_map(by_month) {
            self.add(month, kind, fee, &one.statement_no);
        }
    }
}

/// What the recoveries of a book earn on what is known, by agency, fee group and month of receipt.
#[derive(Debug, Default)]
pub struct Earned(BTreeMap<String, BTreeMap<FeeGroup, BTreeMap<Month, Money>>>);

impl Earned {
    /// Says what a group earns now.
    pub fn set(&mut self, key: &GroupKey, by_month: BTreeMap<Month, Money>) {
        if let Some(groups) = self.0.get_mut(&key.agency) {
            groups.insert(key.of.clone(), by_month);
        } else {
            let groups = BTreeMap::from([(key.of.clone(), by_month)]);
            self.0.insert(key.agency.clone(), groups);
        }
    }

    /// Σ by month of one agency; what came before the first month belongs to it.
    pub fn by_month(&self, agency: &str, first: Month) -> BTreeMap<Month, Total> {
        let mut sums: BTreeMap<Month, Total> = BTreeMap::new();
        for (month, fee) in self.0.get(agency).into_iter().flat_map(BTreeMap::values).flatten() {
            *sums.entry((*month).max(first)).or_default() += *fee;
        }
        sums
    }
}
