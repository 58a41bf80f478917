//! The statements of a month, decided in memory (rules 6.8 to 6.14).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;
use rust_decimal::{Decimal, RoundingStrategy};

use super::{Figures, Head, Line, LineKind, Statement};
use crate::commission::entitlement::price;
use crate::commission::gather::Gathered;
use crate::commission::{Group, GroupKey, Item, Scope};
use crate::contract::factor::By;
use crate::contract::{Charge, Credit, Per, Remittance, Terms, Version, Versions};
use crate::kernel::rate::without_tax;
use crate::kernel::{Currency, Money, Month, Rounding};

/// What earlier statements settled.
#[derive(Debug, Default)]
pub struct Settled {
    /// By agency and group: Σ of its lines and the statements they stand on.
    pub groups: BTreeMap<GroupKey, (Money, BTreeSet<String>)>,
    /// The statement on which each recovery was a commission line.
    pub lines: HashMap<String, String>,
    /// By agency: the last statement's figures.
    pub last: BTreeMap<String, Figures>,
    /// By agency: Σ collected on earlier statements.
    pub collected: BTreeMap<String, Money>,
}

/// Where an agency stands on the scorecard of a month's last day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Graded {
    /// Its rank.
    pub rank: i64,
    /// Its judged placements.
    pub judged: i64,
    /// Of so many.
    pub of: i64,
    /// Its shrunk index.
    pub index: Decimal,
}

/// What a month is closed from.
pub struct MonthEnd<'a> {
    /// The lender's code.
    pub lender: &'a str,
    /// Its currency.
    pub currency: Currency,
    /// The month.
    pub month: Month,
    /// Whether no month was closed before: it closes all before it.
    pub first: bool,
    /// The contracts known.
    pub versions: &'a Versions,
    /// What the contracts entitle now.
    pub gathered: &'a Gathered,
    /// What was settled before.
    pub settled: &'a Settled,
    /// Where agencies stand whose contracts pay for performance.
    pub graded: &'a BTreeMap<String, Graded>,
    /// The number of the last statement of the lender.
    pub last_statement_no: i64,
    /// The act that issues the statements.
    pub seq: i64,
}

/// The statement number as it is written: unique in the installation, because it begins with the lender.
pub fn statement_no(lender: &str, number: i64) -> String {
    format!("{lender}-{number:06}")
}

impl MonthEnd<'_> {
    /// All statements of the month, in order of the agencies' codes.
    pub fn statements(&self) -> Vec<Statement> {
        let mut statements = Vec::new();
        for agency in self.agencies() {
            let lines = self.lines(&agency);
            let collected = self.collected(&agency);
            let carried =
                self.settled.last.get(&agency).map_or(Money::ZERO, |last| last.carried_forward);
            let in_force = self.versions.in_force_within(
                &agency,
                self.month.first_day(),
                self.month.last_day(),
            );
            let something = !lines.is_empty() || !collected.is_zero() || !carried.is_zero();
            if in_force || something {
                let number =
                    self.last_statement_no + 1 + i64::try_from(statements.len()).unwrap_or(0);
                statements.push(self.statement(
                    &agency,
                    statement_no(self.lender, number),
                    lines,
                    collected,
                ));
            }
        }
        statements
    }

    /// Everyone who could have a statement.
    fn agencies(&self) -> BTreeSet<String> {
        let contracts = self.versions.0.iter().map(|version| version.terms.agency.clone());
        let earned = self.gathered.groups.keys().map(|key| key.agency.clone());
        let others = self
            .gathered
            .collected
            .keys()
            .chain(self.gathered.grace.keys())
            .chain(self.settled.last.keys());
        contracts.chain(earned).chain(others.cloned()).collect()
    }

    fn collected(&self, agency: &str) -> Money {
        let now = self.gathered.collected.get(agency).copied().unwrap_or_default();
        now - self.settled.collected.get(agency).copied().unwrap_or_default()
    }

    /// Commission, true-up and charge lines, in order, not yet numbered.
    fn lines(&self, agency: &str) -> Vec<Line> {
        let (mut commission, mut true_ups) = (Vec::new(), Vec::new());
        let current = self
            .gathered
            .groups
            .iter()
            .filter(|(key, _)| key.agency == agency)
            .map(|(key, group)| (key.clone(), Some(group)));
        let mut groups: BTreeMap<GroupKey, Option<&Group>> = current.collect();
        for key in self.settled.groups.keys().filter(|key| key.agency == agency) {
            groups.entry(key.clone()).or_insert(None);
        }
        for (key, group) in groups {
            let terms = self.versions.get(&key.agency, key.version).map(|version| &version.terms);
            if let Some(terms) = terms {
                self.group_lines(&key, group, terms, &mut commission, &mut true_ups);
            }
        }
        for item in self.gathered.grace.get(agency).into_iter().flatten() {
            if !self.settled.lines.contains_key(&item.reference) {
                commission.push(Line {
                    note: Some(
                        "grace: paid within the contract's days of grace, earns nothing"
                            .to_string(),
                    ),
                    ..line_of(item)
                });
            }
        }
        commission.extend(true_ups);
        commission.extend(self.charges(agency));
        commission
    }

    /// The lines of one group: recoveries not settled before, then the change in what was.
    fn group_lines(
        &self,
        key: &GroupKey,
        group: Option<&Group>,
        terms: &Terms,
        commission: &mut Vec<Line>,
        true_ups: &mut Vec<Line>,
    ) {
        let rule_name = terms.fees.get(key.rule).map(|rule| rule.name.clone());
        let fee_group = Some(key.of.clone());
        let (mut entitled, mut settled_now) = (Money::ZERO, Money::ZERO);
        let nothing = (Money::ZERO, BTreeSet::new());
        let (settled, on) = self.settled.groups.get(key).unwrap_or(&nothing);
        let mut corrects = on.clone();
        if let Some(group) = group {
            for (item, priced) in group.items.iter().zip(price(terms, group)) {
                entitled += priced.fee;
                match self.settled.lines.get(&item.reference) {
                    Some(statement) => {
                        corrects.insert(statement.clone());
                    }
                    None => {
                        settled_now += priced.fee;
                        commission.push(Line {
                            fee_rule: rule_name.clone(),
                            rate: priced.rate,
                            fee: priced.fee,
                            note: item
                                .undivided
                                .then(|| "no components stated: counted whole".to_string()),
                            fee_group: fee_group.clone(),
                            ..line_of(item)
                        });
                    }
                }
            }
        }
        let change = entitled - settled_now - *settled;
        if !change.is_zero() {
            let batch = match &key.scope {
                Scope::Batch(batch) => Some(batch.clone()),
                Scope::Month(_) => None,
            };
            let scope = match &key.scope {
                Scope::Batch(batch) => format!("batch {batch}"),
                Scope::Month(month) => format!("month {month}"),
            };
            let statements: Vec<String> = corrects.into_iter().collect();
            let note = format!(
                "{} version {}, {scope}: corrects {}",
                key.contract,
                key.version,
                statements.join(", ")
            );
            true_ups.push(Line {
                fee_rule: rule_name,
                batch,
                note: Some(note),
                fee_group,
                ..blank(LineKind::TrueUp, change)
            });
        }
    }

    fn charges(&self, agency: &str) -> Vec<Line> {
        let mut lines = Vec::new();
        let in_month = |placed_on: NaiveDate| self.first || Month::of(placed_on) == self.month;
        let mut counts: BTreeMap<(String, i64, String), i64> = BTreeMap::new();
        for ((owner, contract, version, batch, placed_on), count) in &self.gathered.placed {
            if owner == agency && in_month(*placed_on) {
                *counts.entry((contract.clone(), *version, batch.clone())).or_default() += count;
            }
        }
        for ((_, version, batch), count) in counts {
            let charges = self
                .versions
                .get(agency, version)
                .map(|version| version.terms.charges.as_slice())
                .unwrap_or_default();
            for charge in charges.iter().filter(|charge| charge.per == Per::AccountPlaced) {
                lines.push(Line {
                    batch: Some(batch.clone()),
                    ..self.charge(charge, count, "accounts placed")
                });
            }
        }
        if let Some(version) = self.versions.in_force(agency, self.month.last_day()) {
            let monthly = version.terms.charges.iter().filter(|charge| charge.per == Per::Month);
            lines.extend(monthly.map(|charge| self.charge(charge, 1, "month")));
        }
        lines
    }

    fn charge(&self, charge: &Charge, count: i64, what: &str) -> Line {
        let note = format!("{count} {what} × {}", charge.amount.plain(self.currency));
        Line {
            fee_rule: Some(charge.name.clone()),
            note: Some(note),
            ..blank(LineKind::Charge, Money(charge.amount.0 * count))
        }
    }

    /// The performance line (奖惩): commission × (factor − 1), by the rank or shrunk index of the month's last day.
    fn performance(&self, agency: &str, terms: &Terms, lines: &[Line]) -> Option<Line> {
        let factor = terms.performance.as_ref()?;
        let graded = self.graded.get(agency)?;
        let commission: Money = lines
            .iter()
            .filter(|line| line.kind == LineKind::Commission)
            .map(|line| line.fee)
            .sum();
        let (measure, what) = match factor.by {
            By::Rank => {
                (Decimal::from(graded.rank), format!("rank {} of {}", graded.rank, graded.of))
            }
            By::Index => (graded.index, format!("shrunk index {}", graded.index)),
        };
        let factor = factor.at(measure);
        let fee = times(commission, factor - Decimal::ONE, terms.rounding);
        // Whoever has nothing judged starts at 1, and may be first by it: finance should see that.
        let unproven =
            if graded.judged == 0 { ", none of its own placements judged yet" } else { "" };
        let note = format!(
            "{what}{unproven}: commission {} × ({factor} − 1)",
            commission.plain(self.currency)
        );
        Some(Line {
            amount: Some(commission),
            note: Some(note),
            ..blank(LineKind::Performance, fee)
        })
    }

    /// Adds performance, minimum and maximum, numbers the lines and works out the figures.
    fn statement(
        &self,
        agency: &str,
        statement_no: String,
        mut lines: Vec<Line>,
        collected: Money,
    ) -> Statement {
        let last_day = self.month.last_day();
        let version = self.versions.of_statement(agency, last_day);
        let terms = version.map(|version| &version.terms);
        let in_force = self.versions.in_force(agency, last_day).is_some();
        lines.extend(terms.and_then(|terms| self.performance(agency, terms, &lines)));
        let sum: Money = lines.iter().map(|line| line.fee).sum();
        let least = terms.and_then(|terms| terms.minimum).filter(|least| in_force && sum < *least);
        let note = |what: &str, bound: Money| {
            Some(format!("{what} per statement {}", bound.plain(self.currency)))
        };
        if let Some(least) = least {
            lines.push(Line {
                note: note("minimum", least),
                ..blank(LineKind::Minimum, least - sum)
            });
        }
        let sum: Money = lines.iter().map(|line| line.fee).sum();
        if let Some(most) = terms.and_then(|terms| terms.maximum).filter(|most| sum > *most) {
            lines
                .push(Line { note: note("maximum", most), ..blank(LineKind::Maximum, most - sum) });
        }
        for (line, number) in lines.iter_mut().zip(1..) {
            line.statement_no.clone_from(&statement_no);
            line.line_no = number;
            line.seq = self.seq;
        }
        let last = self.settled.last.get(agency).copied();
        let figures = figures(&lines, terms, collected, last);
        let head = Head {
            statement_no,
            seq: self.seq,
            agency: agency.to_string(),
            month: self.month,
            contract: version.map(|version: &Version| version.terms.code.clone()),
            contract_version: version.map(|version| version.number),
            figures,
        };
        Statement { lender: self.lender.to_string(), head, lines }
    }
}

/// The figures of a statement from its lines, its terms, what the agency collected, and the statement before.
pub fn figures(
    lines: &[Line],
    terms: Option<&Terms>,
    collected: Money,
    last: Option<Figures>,
) -> Figures {
    let sum = |kind: LineKind| -> Money {
        lines.iter().filter(|line| line.kind == kind).map(|line| line.fee).sum()
    };
    let all: Money = lines.iter().map(|line| line.fee).sum();
    let (net, vat) = match terms {
        Some(terms) if terms.vat_inclusive => {
            let net = without_tax(all, terms.vat);
            (net, all - net)
        }
        Some(terms) => (all, terms.vat.of(all).round(Rounding::HalfUp)),
        None => (all, Money::ZERO),
    };
    let total = net + vat;
    let opening = last.map_or(Money::ZERO, |last| last.closing);
    let remitted = remit(
        total + last.map_or(Money::ZERO, |last| last.carried_forward),
        collected,
        terms.map_or(Remittance::Gross, |terms| terms.remittance),
        terms.map_or(Credit::CarryForward, |terms| terms.credit),
    );
    Figures {
        opening,
        commission: sum(LineKind::Commission),
        true_up: sum(LineKind::TrueUp),
        charges: sum(LineKind::Charge),
        performance: sum(LineKind::Performance),
        minimum: sum(LineKind::Minimum),
        maximum: sum(LineKind::Maximum),
        deductions: sum(LineKind::Deduction),
        adjustments: sum(LineKind::Adjustment),
        net,
        vat,
        total,
        collected_by_agency: collected,
        payable_to_agency: remitted.payable,
        due_from_agency: remitted.due,
        carried_forward: remitted.carried,
        set_off: remitted.set_off,
        payments: Money::ZERO,
        closing: opening + total - collected,
    }
}

/// An amount times a factor, rounded to the minor unit.
fn times(amount: Money, factor: Decimal, rounding: Rounding) -> Money {
    let rounding = match rounding {
        Rounding::HalfUp => RoundingStrategy::MidpointAwayFromZero,
        Rounding::HalfEven => RoundingStrategy::MidpointNearestEven,
    };
    let exact = Decimal::from(amount.0).checked_mul(factor).unwrap_or_default();
    Money(i64::try_from(exact.round_dp_with_strategy(0, rounding).mantissa()).unwrap_or_default())
}

struct Remitted {
    payable: Money,
    due: Money,
    carried: Money,
    set_off: Money,
}

/// Who owes whom: `y` is the total with the credit brought forward; a statement never pays a negative amount.
fn remit(y: Money, collected: Money, remittance: Remittance, credit: Credit) -> Remitted {
    let (carried, owed_back) = match credit {
        _ if y >= Money::ZERO => (Money::ZERO, Money::ZERO),
        Credit::CarryForward => (y, Money::ZERO),
        Credit::DueFromAgency => (Money::ZERO, -y),
    };
    let y = y.positive_part();
    let (payable, due, set_off) = match remittance {
        Remittance::Gross => {
            (y + (-collected).positive_part(), collected.positive_part(), Money::ZERO)
        }
        Remittance::Net => (
            (y - collected).positive_part(),
            (collected - y).positive_part(),
            y.min(collected.positive_part()),
        ),
    };
    Remitted { payable, due: due + owed_back, carried, set_off }
}

fn blank(kind: LineKind, fee: Money) -> Line {
    Line {
        statement_no: String::new(),
        line_no: 0,
        seq: 0,
        kind,
        fee_rule: None,
        batch: None,
        reference: None,
        account_no: None,
        received_on: None,
        amount: None,
        rate: None,
        fee,
        note: None,
        fee_group: None,
    }
}

fn line_of(item: &Item) -> Line {
    Line {
        batch: Some(item.batch.clone()),
        reference: Some(item.reference.clone()),
        account_no: Some(item.account_no.clone()),
        received_on: Some(item.received_on),
        amount: Some(item.amount),
        ..blank(LineKind::Commission, Money::ZERO)
    }
}
