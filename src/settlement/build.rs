//! The statements of a month, decided in memory (rules 6.8 to 6.14).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::{Figures, Head, Line, LineKind, SettlementError, Statement};
use crate::commission::entitlement::price;
use crate::commission::gather::Gathered;
use crate::commission::{FeeGroup, Group, GroupKey, Item, Scope};
use crate::contract::factor::By;
use crate::contract::{Charge, Credit, Per, Remittance, Terms, Version, Versions};
use crate::kernel::rate::{times, without_tax};
use crate::kernel::{Currency, Money, MoneyRange, Month, Rounding, Total, count};

/// What earlier statements settled of a group.
#[derive(Clone, Debug, Default)]
pub struct SettledGroup {
    /// Σ of its lines.
    pub sum: Money,
    /// The statements they stand on.
    pub statements: BTreeSet<String>,
    /// How many of them are recoveries.
    pub recoveries: i64,
}

/// Where a recovery was settled first.
#[derive(Clone, Debug)]
pub struct SettledLine {
    /// The statement.
    pub statement_no: Rc<String>,
    /// The group; nothing for one within grace.
    pub group: Option<Rc<FeeGroup>>,
}

/// What earlier statements settled.
#[derive(Debug, Default)]
pub struct Settled {
    /// By agency and group.
    pub groups: BTreeMap<GroupKey, SettledGroup>,
    /// By recovery.
    pub lines: HashMap<String, SettledLine>,
    /// By agency: the last statement's figures.
    pub last: BTreeMap<String, Figures>,
    /// By agency: Σ collected on earlier statements.
    pub collected: BTreeMap<String, Money>,
}

impl Settled {
    /// Adds a statement to what is settled.
    pub fn take(&mut self, one: &Statement) {
        let statement_no = Rc::new(one.statement_no.clone());
        let mut groups: BTreeMap<&FeeGroup, Rc<FeeGroup>> = BTreeMap::new();
        for line in &one.lines {
            let group = line
                .fee_group
                .as_ref()
                .map(|of| groups.entry(of).or_insert_with(|| Rc::new(of.clone())).clone());
            if let Some(of) = &line.fee_group {
                let key = GroupKey { agency: one.agency.clone(), of: of.clone() };
                let settled = self.groups.entry(key).or_default();
                settled.sum += line.fee;
                settled.statements.insert(one.statement_no.clone());
                settled.recoveries += i64::from(line.reference.is_some());
            }
            if let Some(reference) = &line.reference {
                let statement_no = statement_no.clone();
                self.lines.insert(reference.clone(), SettledLine { statement_no, group });
            }
        }
        *self.collected.entry(one.agency.clone()).or_default() += one.figures.collected_by_agency;
        self.last.insert(one.agency.clone(), one.figures);
    }
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
    pub fn statements(&self) -> Result<Vec<Statement>, SettlementError> {
        let mut statements = Vec::new();
        for agency in self.agencies() {
            let lines = self.lines(&agency)?;
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
                let number = self.last_statement_no + 1 + count(statements.len());
                let number = statement_no(self.lender, number);
                statements.push(self.statement(&agency, number, lines, collected)?);
            }
        }
        Ok(statements)
    }

    /// Names the figure that no book keeps.
    fn out_of_range(&self, agency: &str, what: &str, range: MoneyRange) -> SettlementError {
        let (agency, what) = (agency.to_string(), what.to_string());
        SettlementError::Range { agency, month: self.month, what, range }
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
    fn lines(&self, agency: &str) -> Result<Vec<Line>, SettlementError> {
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
            let version = self.versions.get(&key.agency, key.version).ok_or_else(|| {
                let (agency, contract) = (key.agency.clone(), key.contract.clone());
                SettlementError::NoVersion { agency, contract, version: key.version }
            })?;
            self.group_lines(&key, group, &version.terms, &mut commission, &mut true_ups);
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
        commission.extend(self.charges(agency)?);
        Ok(commission)
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
        let fee_group = key.of.clone();
        let (mut entitled, mut settled_now) = (Money::ZERO, Money::ZERO);
        let settled = self.settled.groups.get(key).cloned().unwrap_or_default();
        let mut corrects = settled.statements;
        let (mut stayed, mut came) = (0, false);
        if let Some(group) = group {
            for (item, priced) in group.items.iter().zip(price(terms, group)) {
                entitled += priced.fee;
                match self.settled.lines.get(&item.reference) {
                    Some(line) => {
                        if !corrects.contains(line.statement_no.as_ref()) {
                            corrects.insert(line.statement_no.to_string());
                        }
                        let own = line.group.as_deref() == Some(&fee_group);
                        stayed += i64::from(own);
                        came |= !own;
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
                            fee_group: Some(fee_group.clone()),
                            ..line_of(item)
                        });
                    }
                }
            }
        }
        let change = entitled - settled_now - settled.sum;
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
            let corrected = match (came, stayed < settled.recoveries) {
                (true, _) => terms.corrects.map(|corrected| (key.version, corrected)),
                (false, true) => self
                    .versions
                    .correction_of(&key.agency, key.version)
                    .map(|version| (version.number, key.version)),
                (false, false) => None,
            };
            let note = format!(
                "{} version {}, {scope}: corrects {}{}",
                key.contract,
                key.version,
                statements.join(", "),
                corrected.map_or_else(String::new, correction_note)
            );
            true_ups.push(Line {
                fee_rule: rule_name,
                batch,
                note: Some(note),
                fee_group: Some(fee_group),
                ..blank(LineKind::TrueUp, change)
            });
        }
    }

    fn charges(&self, agency: &str) -> Result<Vec<Line>, SettlementError> {
        let mut lines = Vec::new();
        let in_month = |placed_on: NaiveDate| {
            let month = Month::of(placed_on);
            month == self.month || self.first && month < self.month
        };
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
                    ..self.charge(agency, charge, count, "accounts placed")?
                });
            }
        }
        if let Some(version) = self.versions.in_force(agency, self.month.last_day()) {
            for charge in version.terms.charges.iter().filter(|charge| charge.per == Per::Month) {
                lines.push(self.charge(agency, charge, 1, "month")?);
            }
        }
        Ok(lines)
    }

    fn charge(
        &self,
        agency: &str,
        charge: &Charge,
        count: i64,
        what: &str,
    ) -> Result<Line, SettlementError> {
        let note = format!("{count} {what} × {}", charge.amount.plain(self.currency));
        let fee = charge.amount.times(count).map_err(|range| {
            self.out_of_range(agency, &format!("the charge \"{}\", {note},", charge.name), range)
        })?;
        Ok(Line {
            fee_rule: Some(charge.name.clone()),
            note: Some(note),
            ..blank(LineKind::Charge, fee)
        })
    }

    /// The performance line (奖惩): commission × (factor − 1), by the rank or shrunk index of the month's last day.
    fn performance(
        &self,
        agency: &str,
        terms: &Terms,
        lines: &[Line],
    ) -> Result<Option<Line>, MoneyRange> {
        let graded = self.graded.get(agency);
        let Some((factor, graded)) = terms.performance.as_ref().zip(graded) else {
            return Ok(None);
        };
        let commission: Money = lines
            .iter()
            .filter(|line| line.kind == LineKind::Commission)
            .map(|line| line.fee)
            .sum::<Total>()
            .money()?;
        let (measure, what) = match factor.by {
            By::Rank => {
                (Decimal::from(graded.rank), format!("rank {} of {}", graded.rank, graded.of))
            }
            By::Index => (graded.index, format!("shrunk index {}", graded.index)),
        };
        let factor = factor.at(measure);
        let fee = times(commission, factor - Decimal::ONE, terms.rounding)?;
        // Whoever has nothing judged starts at 1, and may be first by it: finance should see that.
        let unproven =
            if graded.judged == 0 { ", none of its own placements judged yet" } else { "" };
        let note = format!(
            "{what}{unproven}: commission {} × ({factor} − 1)",
            commission.plain(self.currency)
        );
        Ok(Some(Line {
            amount: Some(commission),
            note: Some(note),
            ..blank(LineKind::Performance, fee)
        }))
    }

    /// The line that lifts a statement to the contract's minimum, or cuts it at the maximum, when its lines need it.
    fn bounded(
        &self,
        terms: &Terms,
        in_force: bool,
        lines: &[Line],
    ) -> Result<Option<Line>, MoneyRange> {
        let sum = lines.iter().map(|line| line.fee).sum::<Total>().money()?;
        let line = |what: &str, kind: LineKind, bound: Money| {
            let note = format!("{what} per statement {}", bound.plain(self.currency));
            Line { note: Some(note), ..blank(kind, bound - sum) }
        };
        let least = terms.minimum.filter(|least| in_force && sum < *least);
        let most = terms.maximum.filter(|most| sum > *most);
        Ok(least
            .map(|least| line("minimum", LineKind::Minimum, least))
            .or_else(|| most.map(|most| line("maximum", LineKind::Maximum, most))))
    }

    /// Adds performance, minimum and maximum, numbers the lines and works out the figures.
    fn statement(
        &self,
        agency: &str,
        statement_no: String,
        mut lines: Vec<Line>,
        collected: Money,
    ) -> Result<Statement, SettlementError> {
        let beyond =
            |what: &'static str| move |range: MoneyRange| self.out_of_range(agency, what, range);
        let last_day = self.month.last_day();
        let version = self.versions.of_statement(agency, last_day);
        let terms = version.map(|version| &version.terms);
        let in_force = self.versions.in_force(agency, last_day).is_some();
        if let Some(terms) = terms {
            let line = self.performance(agency, terms, &lines);
            lines.extend(line.map_err(beyond("the performance line"))?);
            let line = self.bounded(terms, in_force, &lines);
            lines.extend(line.map_err(beyond("the sum of its lines"))?);
        }
        for (line, number) in lines.iter_mut().zip(1..) {
            line.statement_no.clone_from(&statement_no);
            line.line_no = number;
            line.seq = self.seq;
        }
        let last = self.settled.last.get(agency).copied();
        let figures =
            figures(&lines, terms, collected, last).map_err(beyond("one of its figures"))?;
        let head = Head {
            statement_no,
            seq: self.seq,
            agency: agency.to_string(),
            month: self.month,
            contract: version.map(|version: &Version| version.terms.code.clone()),
            contract_version: version.map(|version| version.number),
            figures,
        };
        Ok(Statement { lender: self.lender.to_string(), head, lines })
    }
}

const CORRECTION: &str = " (version ";

/// What a true-up says whose recoveries a correction moved from one version's group to another's.
fn correction_note((version, corrected): (i64, i64)) -> String {
    format!("{CORRECTION}{version} corrects version {corrected})")
}

/// The line as statements had it before true-ups named corrections.
pub fn before_corrections_were_named(line: &Line) -> Line {
    let plain = line.note.as_deref().and_then(|note| note.split_once(CORRECTION));
    let plain = plain.filter(|_| line.kind == LineKind::TrueUp);
    let note = plain.map_or_else(|| line.note.clone(), |(plain, _)| Some(plain.to_string()));
    Line { note, ..line.clone() }
}

/// The figures of a statement from its lines, its terms, what the agency collected, and the statement before.
pub fn figures(
    lines: &[Line],
    terms: Option<&Terms>,
    collected: Money,
    last: Option<Figures>,
) -> Result<Figures, MoneyRange> {
    let sum = |kind: LineKind| {
        lines.iter().filter(|line| line.kind == kind).map(|line| line.fee).sum::<Total>().money()
    };
    let all = lines.iter().map(|line| line.fee).sum::<Total>().money()?;
    let (net, vat) = match terms {
        Some(terms) if terms.vat_inclusive => {
            let net = without_tax(all, terms.vat);
            (net, all - net)
        }
        Some(terms) => (all, terms.vat.of(all).round(Rounding::HalfUp)),
        None => (all, Money::ZERO),
    };
    let total = [net, vat].into_iter().sum::<Total>().money()?;
    let opening = last.map_or(Money::ZERO, |last| last.closing);
    let remitted = remit(
        total + last.map_or(Money::ZERO, |last| last.carried_forward),
        collected,
        terms.map_or(Remittance::Gross, |terms| terms.remittance),
        terms.map_or(Credit::CarryForward, |terms| terms.credit),
    );
    Ok(Figures {
        opening,
        commission: sum(LineKind::Commission)?,
        true_up: sum(LineKind::TrueUp)?,
        charges: sum(LineKind::Charge)?,
        performance: sum(LineKind::Performance)?,
        minimum: sum(LineKind::Minimum)?,
        maximum: sum(LineKind::Maximum)?,
        deductions: sum(LineKind::Deduction)?,
        adjustments: sum(LineKind::Adjustment)?,
        net,
        vat,
        total,
        collected_by_agency: collected,
        payable_to_agency: remitted.payable,
        due_from_agency: remitted.due,
        carried_forward: remitted.carried,
        set_off: remitted.set_off,
        payments: Money::ZERO,
        closing: [opening, total, -collected].into_iter().sum::<Total>().money()?,
    })
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
