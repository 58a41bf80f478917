//! A proposed rate card on the real months of an agency, beside the card in force: what each month's recoveries would have
//! cost, with factor, minimum and maximum.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::month::{ClosedMonth, Figures};
use super::priced::{self, MonthGround, PricedLine, PricedLines};
use super::{SettlementError, Settles, Statement, store};
use crate::audit;
use crate::commission::gather::{AccountFacts, CutOff, Gathered, each_account, gather_from};
use crate::contract::version::Governing;
use crate::contract::{self, Terms, Version, Versions};
use crate::db::Db;
use crate::kernel::{Currency, Money, Month};
use crate::party::Lender;
use crate::sheet::Csv;

/// A month under both cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardMonth {
    /// The month.
    pub month: Month,
    /// Payments less what was taken back from them.
    pub recovered: Money,
    /// What it comes to under the card in force.
    pub now: Money,
    /// And under the proposed one.
    pub proposed: Money,
}

/// A recovery under both cards.
#[derive(Clone, Debug)]
pub struct CardLine {
    /// Its reference.
    pub reference: String,
    /// As it is priced.
    pub now: PricedLine,
    /// As it would be.
    pub proposed: PricedLine,
}

/// Both cards on the months of an agency.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Whose months.
    pub agency: String,
    /// Month by month.
    pub months: Vec<CardMonth>,
    /// In order of day, payments before reversals, reference.
    pub lines: Vec<CardLine>,
}

/// The number that a proposed card has among the versions; all placements are made under it.
const PROPOSED: i64 = 1;

/// Works out a proposed card on the months from one to another. It prices all placements of the agency, whatever its
/// dates.
pub fn simulate(
    db: &mut Db,
    lender: &Lender,
    terms: &Terms,
    agency: &str,
    (from, to): (Month, Month),
) -> Result<Comparison, SettlementError> {
    let book = audit::book(db, &lender.code)?;
    let versions = contract::store::versions(db, lender)?;
    let cut_off = CutOff { seq: book.seq, last_day: NaiveDate::MAX };
    let mut facts: Vec<AccountFacts> = Vec::new();
    each_account(db, &lender.code, |one| {
        if one.placements.iter().any(|placement| placement.assignee == agency) {
            facts.push(one);
        }
        Ok(())
    })?;
    let gathered = gather_from(facts.iter(), &versions, cut_off)?;
    let now = priced::lines(&gathered, &versions, agency)?;
    let card = alone(&versions, terms, agency);
    facts.iter_mut().flat_map(|one| &mut one.placements).for_each(|placement| {
        if placement.assignee == agency {
            placement.contract_version = PROPOSED;
        }
    });
    let proposed = priced::lines(&gather_from(facts.iter(), &card, cut_off)?, &card, agency)?;
    let closed = store::closed_months(db, &lender.code)?;
    let statements = store::statements(db, &lender.code, Some(agency))?;
    let by_statement: Vec<Month> = store::periods(db, &lender.code)?
        .iter()
        .filter(|period| period.settles != Some(Settles::MonthOfReceipt))
        .map(|period| period.month)
        .collect();
    let ground = Ground {
        agency,
        first: book.first_month,
        versions: &versions,
        card: &card,
        gathered: &gathered,
        placed: placed(&facts, agency, book.first_month),
        closed: &closed,
        statements: &statements,
        by_statement: &by_statement,
    };
    let months = ground.months(&now, &proposed, (from, to))?;
    let lines = both(now, &proposed, book.first_month, (from, to));
    Ok(Comparison { agency: agency.to_string(), months, lines })
}

/// The versions as if one agency had the proposed card alone, from the beginning.
fn alone(versions: &Versions, terms: &Terms, agency: &str) -> Versions {
    let mut all = versions.clone();
    all.0.retain(|version| version.terms.agency != agency);
    let terms = Terms {
        agency: agency.to_string(),
        effective_from: NaiveDate::MIN,
        effective_to: None,
        corrects: None,
        ..terms.clone()
    };
    let (number, stands_for, sha256) = (PROPOSED, PROPOSED, String::new());
    all.0.push(Version { number, seq: 0, sha256, stands_for, terms });
    all
}

/// Accounts placed with an agency, by month of placing.
fn placed(facts: &[AccountFacts], agency: &str, first: Option<Month>) -> BTreeMap<Month, i64> {
    let mut placed = BTreeMap::new();
    let all = facts.iter().flat_map(|one| &one.placements);
    for placement in all.filter(|placement| placement.assignee == agency) {
        let month = Month::of(placement.placed_on);
        *placed.entry(first.map_or(month, |first| month.max(first))).or_default() += 1;
    }
    placed
}

/// The lines of the months under both cards.
fn both(
    now: PricedLines,
    proposed: &PricedLines,
    first: Option<Month>,
    (from, to): (Month, Month),
) -> Vec<CardLine> {
    let within = |line: &PricedLine| {
        let month = first.map_or(line.month, |first| line.month.max(first));
        from <= month && month <= to
    };
    let of_both = |(reference, now): (String, PricedLine)| {
        let proposed = proposed.get(&reference)?.clone();
        within(&now).then_some(CardLine { reference, now, proposed })
    };
    let mut lines: Vec<CardLine> = now.into_iter().filter_map(of_both).collect();
    lines.sort_by(|a, b| {
        let order = |one: &CardLine| (one.now.received_on, one.now.reversal);
        order(a).cmp(&order(b)).then_with(|| a.reference.cmp(&b.reference))
    });
    lines
}

/// What months are worked out from.
struct Ground<'a> {
    agency: &'a str,
    first: Option<Month>,
    versions: &'a Versions,
    card: &'a Versions,
    gathered: &'a Gathered,
    placed: BTreeMap<Month, i64>,
    closed: &'a [ClosedMonth],
    statements: &'a [Statement],
    by_statement: &'a [Month],
}

impl Ground<'_> {
    fn months(
        &self,
        now: &PricedLines,
        proposed: &PricedLines,
        (from, to): (Month, Month),
    ) -> Result<Vec<CardMonth>, SettlementError> {
        let sums = (priced::by_month(now, self.first), priced::by_month(proposed, self.first));
        let mut recovered: BTreeMap<Month, Money> = BTreeMap::new();
        for line in now.values() {
            let month = self.first.map_or(line.month, |first| line.month.max(first));
            *recovered.entry(month).or_default() += line.amount;
        }
        let mut months = Vec::new();
        for month in std::iter::successors(Some(from), |month| Some(month.next()))
            .take_while(|month| *month <= to)
        {
            let commission = sums.0.get(&month);
            let figures = match self.kept(month) {
                Some(three) => {
                    let none = MonthGround { governing: None, graded: None, charges: Money::ZERO };
                    let figures = priced::figures(self.agency, month, commission, &none)?;
                    Figures { commission: figures.commission, ..three }
                }
                None => {
                    let ground = self.in_force(month)?;
                    priced::figures(self.agency, month, commission, &ground)?
                }
            };
            let ground = self.proposed(month)?;
            let other = priced::figures(self.agency, month, sums.1.get(&month), &ground)?;
            let cost = |f: &Figures| f.commission + f.performance + f.minimum + f.maximum;
            months.push(CardMonth {
                month,
                recovered: recovered.get(&month).copied().unwrap_or_default(),
                now: cost(&figures),
                proposed: cost(&other),
            });
        }
        Ok(months)
    }

    fn closed(&self, month: Month) -> Option<&ClosedMonth> {
        self.closed.iter().find(|closed| closed.month == month)
    }

    fn statement(&self, month: Month) -> Option<&Statement> {
        self.statements.iter().find(|one| one.month == month)
    }

    /// The three figures of a month closed before they belonged to the month of receipt: its statement's, for ever.
    fn kept(&self, month: Month) -> Option<Figures> {
        self.by_statement.contains(&month).then(|| {
            let figures = self.statement(month).map(|one| one.figures).unwrap_or_default();
            Figures {
                performance: figures.performance,
                minimum: figures.minimum,
                maximum: figures.maximum,
                ..Figures::default()
            }
        })
    }

    /// The month under the card in force: as closed, or as it would close now without a grade.
    fn in_force(&self, month: Month) -> Result<MonthGround<'_>, SettlementError> {
        if let Some(closed) = self.closed(month) {
            let charges = self.statement(month).map(|one| one.figures.charges);
            let charges = charges.unwrap_or_default();
            return Ok(priced::ground(self.versions, self.agency, closed, charges));
        }
        let governing = self.versions.of_month(self.agency, month.last_day(), i64::MAX);
        let mut charges = Money::ZERO;
        for ((agency, _, version, _, placed_on), count) in &self.gathered.placed {
            let of_month = Month::of(*placed_on) == month && agency == self.agency;
            if let Some(version) = self.versions.get(agency, *version).filter(|_| of_month) {
                charges += self.charges(month, &version.terms, *count, false)?;
            }
        }
        if let Some(version) = self.versions.in_force(self.agency, month.last_day()) {
            charges += self.charges(month, &version.terms, 0, true)?;
        }
        Ok(MonthGround { governing, graded: None, charges })
    }

    /// The month under the proposed card, with the grade that its closing kept.
    fn proposed(&self, month: Month) -> Result<MonthGround<'_>, SettlementError> {
        let version = self.card.get(self.agency, PROPOSED);
        let placed = self.placed.get(&month).copied().unwrap_or_default();
        let charges = match version {
            Some(version) => self.charges(month, &version.terms, placed, true)?,
            None => Money::ZERO,
        };
        let graded = self.closed(month).and_then(|closed| closed.graded.get(self.agency));
        let governing = version.map(|version| Governing { version, in_force: true });
        Ok(MonthGround { governing, graded, charges })
    }

    fn charges(
        &self,
        month: Month,
        terms: &Terms,
        placed: i64,
        in_force: bool,
    ) -> Result<Money, SettlementError> {
        priced::charges(terms, placed, in_force).map_err(|range| SettlementError::Range {
            agency: self.agency.to_string(),
            month,
            what: "the charges".to_string(),
            range,
        })
    }
}

impl Comparison {
    /// What the proposed card would have cost more, in all.
    pub fn difference(&self) -> Money {
        self.months.iter().map(|month| month.proposed - month.now).sum()
    }

    /// The rule of the card in force whose recoveries make most of the difference between the lines, and their part of it.
    pub fn most(&self) -> Option<(String, Money)> {
        let mut by_rule: BTreeMap<&str, Money> = BTreeMap::new();
        for line in &self.lines {
            let rule = line.now.rule.as_deref().unwrap_or_default();
            *by_rule.entry(rule).or_default() += line.proposed.fee - line.now.fee;
        }
        let most = by_rule.into_iter().max_by_key(|(_, part)| part.abs());
        most.filter(|(_, part)| !part.is_zero()).map(|(rule, part)| (rule.to_string(), part))
    }

    /// The months as CSV.
    pub fn csv(&self, currency: Currency) -> Result<Vec<u8>, csv::Error> {
        let mut table = Csv::new(Vec::new());
        table.row(["month", "recovered", "fee_now", "fee_proposed", "difference"])?;
        for one in &self.months {
            table.row(&[
                one.month.to_string(),
                one.recovered.plain(currency),
                one.now.plain(currency),
                one.proposed.plain(currency),
                (one.proposed - one.now).plain(currency),
            ])?;
        }
        table.finish()
    }

    /// The lines as CSV.
    pub fn lines_csv(&self, currency: Currency) -> Result<Vec<u8>, csv::Error> {
        let mut table = Csv::new(Vec::new());
        table.row([
            "reference",
            "account_no",
            "received_on",
            "amount",
            "rule_now",
            "fee_now",
            "rule_proposed",
            "fee_proposed",
        ])?;
        for CardLine { reference, now, proposed } in &self.lines {
            table.row(&[
                reference.clone(),
                now.account_no.clone(),
                now.received_on.to_string(),
                now.amount.plain(currency),
                now.rule.clone().unwrap_or_default(),
                now.fee.plain(currency),
                proposed.rule.clone().unwrap_or_default(),
                proposed.fee.plain(currency),
            ])?;
        }
        table.finish()
    }
}
