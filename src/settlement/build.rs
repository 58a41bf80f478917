//! The statements of a month, decided in memory (rules 6.8 to 6.16).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use chrono::NaiveDate;

use super::month::{self, ClosedMonth, Earned, SettledMonths};
use super::note::Note;
use super::{Figures, Graded, Head, Line, LineKind, SettlementError, Statement, blank, earlier};
use crate::commission::entitlement::price;
use crate::commission::gather::Gathered;
use crate::commission::{FeeGroup, Group, GroupKey, Item, Scope};
use crate::contract::version::Governing;
use crate::contract::{Charge, Credit, Per, Remittance, Terms, Version, Versions};
use crate::kernel::rate::without_tax;
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
    /// By agency: factor, minimum and maximum of its months, and what they were charged.
    pub months: BTreeMap<String, SettledMonths>,
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
        self.months.entry(one.agency.clone()).or_default().take(one);
        self.last.insert(one.agency.clone(), one.figures);
    }
}

/// What factor, minimum and maximum of a month look at.
#[derive(Clone, Copy, Debug)]
pub enum Law<'a> {
    /// The lines of the statement: months closed before.
    Statement,
    /// All that the money of a month earns; with the months closed by this law, in order.
    MonthOfReceipt(&'a [ClosedMonth]),
}

/// What a month is closed from.
pub struct MonthEnd<'a> {
    /// The lender's code.
    pub lender: &'a str,
    /// Its currency.
    pub currency: Currency,
    /// The month.
    pub month: Month,
    /// The first month of the book, this one when none was closed before: it closes all before it.
    pub first_month: Month,
    /// What factor, minimum and maximum look at.
    pub law: Law<'a>,
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
    /// All statements of the month, in order of the agencies' codes. `earned` says of the groups that are not gathered
    /// what they earn, and is told it of the others.
    pub fn statements(&self, earned: &mut Earned) -> Result<Vec<Statement>, SettlementError> {
        let mut statements = Vec::new();
        for agency in self.agencies() {
            let lines = self.lines(&agency, earned)?;
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

    /// All lines in order, not yet numbered; of a month closed by statement without the last three kinds.
    fn lines(&self, agency: &str, earned: &mut Earned) -> Result<Vec<Line>, SettlementError> {
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
            let by_month =
                self.group_lines(&key, group, &version.terms, &mut commission, &mut true_ups);
            earned.set(&key, by_month);
        }
        for item in self.gathered.grace.get(agency).into_iter().flatten() {
            if !self.settled.lines.contains_key(&item.reference) {
                commission.push(Line { note: Some(Note::Grace), ..line_of(item) });
            }
        }
        commission.extend(true_ups);
        let charges = self.charges(agency)?;
        let months = self.months(agency, &charges, earned)?;
        commission.extend(charges);
        commission.extend(months);
        Ok(commission)
    }

    /// The lines of one group: recoveries not settled before, then the change in what was. Says what it earns by month of
    /// receipt.
    fn group_lines(
        &self,
        key: &GroupKey,
        group: Option<&Group>,
        terms: &Terms,
        commission: &mut Vec<Line>,
        true_ups: &mut Vec<Line>,
    ) -> BTreeMap<Month, Money> {
        let mut by_month: BTreeMap<Month, Money> = BTreeMap::new();
        let rule_name = terms.fees.get(key.rule).map(|rule| rule.name.clone());
        let fee_group = key.of.clone();
        let (mut entitled, mut settled_now) = (Money::ZERO, Money::ZERO);
        let settled = self.settled.groups.get(key).cloned().unwrap_or_default();
        let mut corrects = settled.statements;
        let (mut stayed, mut came) = (0, false);
        if let Some(group) = group {
            for (item, priced) in group.items.iter().zip(price(terms, group)) {
                entitled += priced.fee;
                *by_month.entry(item.month).or_default() += priced.fee;
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
                            note: item.undivided.then_some(Note::Undivided),
                            fee_group: Some(fee_group.clone()),
                            ..line_of(item)
                        });
                    }
                }
            }
        }
        let change = entitled - settled_now - settled.sum;
        if !change.is_zero() {
            let corrected = match (came, stayed < settled.recoveries) {
                (true, _) => terms.corrects.map(|corrected| (key.version, corrected)),
                (false, true) => self
                    .versions
                    .correction_of(&key.agency, key.version)
                    .map(|version| (version.number, key.version)),
                (false, false) => None,
            };
            let true_up = true_up(key, change, corrects, corrected);
            true_ups.push(Line { fee_rule: rule_name, ..true_up });
        }
        by_month
    }

    /// Factor, minimum and maximum of this month and of those closed before it: one line of each kind for each month in
    /// which it comes to something else than was settled, kind by kind.
    fn months(
        &self,
        agency: &str,
        charges: &[Line],
        earned: &Earned,
    ) -> Result<Vec<Line>, SettlementError> {
        let Law::MonthOfReceipt(closed) = self.law else { return Ok(Vec::new()) };
        let beyond = |range| self.out_of_range(agency, "factor, minimum or maximum", range);
        let none = SettledMonths::default();
        let settled = self.settled.months.get(agency).unwrap_or(&none);
        let earned = earned.by_month(agency, self.first_month);
        let charged = charges.iter().map(|line| line.fee).sum::<Total>().money();
        let charged = charged.map_err(beyond)?;
        let before = closed.iter().map(|one| {
            let charges = settled.charges.get(&one.month).copied().unwrap_or_default();
            (one.month, one.known_seq, &one.graded, charges)
        });
        let own = std::iter::once((self.month, self.seq, self.graded, charged));
        let mut lines: [Vec<Line>; 3] = Default::default();
        for (of_month, known_seq, graded, charges) in before.chain(own) {
            let governing = self.versions.of_month(agency, of_month.last_day(), known_seq);
            let graded = graded.get(agency);
            let commission = earned.get(&of_month).copied().unwrap_or_default();
            let commission = commission.money().map_err(beyond)?;
            let figures = month::Figures::work_out(governing, graded, commission, charges);
            let figures = figures.map_err(beyond)?;
            for (kind, lines) in month::KINDS.into_iter().zip(&mut lines) {
                let before = settled.lines.get(&(of_month, kind)).cloned().unwrap_or_default();
                let change = figures.of(kind) - before.sum;
                if change.is_zero() {
                    continue;
                }
                let of = ((&figures, &before), (governing, graded));
                let note = month::note(of_month, kind, of.0, of.1, self.currency);
                let by_commission = kind == LineKind::Performance;
                lines.push(Line {
                    amount: by_commission.then_some(commission),
                    note: Some(note),
                    of_month: Some(of_month),
                    ..blank(kind, change)
                });
            }
        }
        Ok(lines.into_iter().flatten().collect())
    }

    fn charges(&self, agency: &str) -> Result<Vec<Line>, SettlementError> {
        let mut lines = Vec::new();
        let in_month = |placed_on: NaiveDate| {
            let month = Month::of(placed_on);
            month == self.month || self.first_month == self.month && month < self.month
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
                    ..self.charge(agency, charge, count)?
                });
            }
        }
        if let Some(version) = self.versions.in_force(agency, self.month.last_day()) {
            for charge in version.terms.charges.iter().filter(|charge| charge.per == Per::Month) {
                lines.push(self.charge(agency, charge, 1)?);
            }
        }
        Ok(lines)
    }

    fn charge(&self, agency: &str, charge: &Charge, count: i64) -> Result<Line, SettlementError> {
        let amount = charge.amount.plain(self.currency);
        let note = Note::Charged { count, per: charge.per, amount };
        let fee = charge.amount.times(count).map_err(|range| {
            self.out_of_range(agency, &format!("the charge \"{}\", {note},", charge.name), range)
        })?;
        Ok(Line {
            fee_rule: Some(charge.name.clone()),
            note: Some(note),
            ..blank(LineKind::Charge, fee)
        })
    }

    /// Numbers the lines and works out the figures.
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
        let in_force = self.versions.in_force(agency, last_day).is_some();
        if let (Law::Statement, Some(version)) = (self.law, version) {
            let governing = Governing { version, in_force };
            let three = earlier::lines(governing, self.graded.get(agency), &lines, self.currency);
            lines.extend(three.map_err(beyond("factor, minimum or maximum"))?);
        }
        for (line, number) in lines.iter_mut().zip(1..) {
            line.statement_no.clone_from(&statement_no);
            line.line_no = number;
            line.seq = self.seq;
        }
        let last = self.settled.last.get(agency).copied();
        let under = Under { terms: version.map(|version| &version.terms), in_force, law: self.law };
        let figures =
            figures(&lines, under, collected, last).map_err(beyond("one of its figures"))?;
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

/// The change in what earlier lines of a group earn, with the statements they stand on and the correction that moved
/// them.
fn true_up(
    key: &GroupKey,
    change: Money,
    corrects: BTreeSet<String>,
    corrected: Option<(i64, i64)>,
) -> Line {
    let FeeGroup { contract, version, scope, .. } = key.of.clone();
    let batch = match &scope {
        Scope::Batch(batch) => Some(batch.clone()),
        Scope::Month(_) => None,
    };
    let statements = corrects.into_iter().collect();
    let note = Note::Corrects { contract, version, scope, statements, by: corrected };
    Line {
        batch,
        note: Some(note),
        fee_group: Some(key.of.clone()),
        ..blank(LineKind::TrueUp, change)
    }
}

/// The line as statements had it before true-ups named corrections.
pub fn before_corrections_were_named(line: &Line) -> Line {
    let mut plain = line.clone();
    if let Some(Note::Corrects { by, .. }) = &mut plain.note {
        *by = None;
    }
    plain
}

/// What the figures of a statement follow.
#[derive(Clone, Copy)]
struct Under<'a> {
    /// Its terms, when a contract ever was in force.
    terms: Option<&'a Terms>,
    /// Whether one is in force on its last day.
    in_force: bool,
    law: Law<'a>,
}

/// The figures of a statement from its lines, its terms, what the agency collected, and the statement before.
fn figures(
    lines: &[Line],
    under: Under<'_>,
    collected: Money,
    last: Option<Figures>,
) -> Result<Figures, MoneyRange> {
    let terms = under.terms;
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
    let remitted =
        remit(total + last.map_or(Money::ZERO, |last| last.carried_forward), collected, under);
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

/// Who owes whom: `y` is the total with the credit brought forward; a statement never pays a negative amount, and a
/// credit is carried only while there is a contract to carry it (rule 6.14). What is set off moves Payable by what is
/// payable and Receivable by what is due.
fn remit(y: Money, collected: Money, under: Under<'_>) -> Remitted {
    let remittance = under.terms.map_or(Remittance::Gross, |terms| terms.remittance);
    let credit = match (under.terms, under.law) {
        (_, Law::MonthOfReceipt(_)) if !under.in_force => Credit::DueFromAgency,
        (terms, _) => terms.map_or(Credit::CarryForward, |terms| terms.credit),
    };
    let (carried, owed_back) = match credit {
        _ if y >= Money::ZERO => (Money::ZERO, Money::ZERO),
        Credit::CarryForward => (y, Money::ZERO),
        Credit::DueFromAgency => (Money::ZERO, -y),
    };
    let y = y.positive_part();
    let (payable, due) = match remittance {
        Remittance::Gross => (y + (-collected).positive_part(), collected.positive_part()),
        Remittance::Net => ((y - collected).positive_part(), (collected - y).positive_part()),
    };
    let due = due + owed_back;
    let set_off = match (under.law, remittance) {
        (Law::MonthOfReceipt(_), _) => collected - due,
        (Law::Statement, Remittance::Net) => y.min(collected.positive_part()),
        (Law::Statement, Remittance::Gross) => Money::ZERO,
    };
    Remitted { payable, due, carried, set_off }
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
