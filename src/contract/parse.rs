//! A contract file becomes terms, or is refused with the key and its line.

use super::condition::Conditions;
use super::factor::PerformanceFactor;
use super::reach::{Unreachable, unreachable_rule};
use super::{
    Apply, Bound, Charge, Component, Credit, FeeRule, Limit, Measure, Over, Price, Prices,
    Remittance, RoundedAt, Step, Terms, Tiers,
};
use crate::kernel::document::{Document, DocumentFault, Table, Value};
use crate::kernel::{Currency, Money, Rate, Rounding, Spelled};
use crate::party::{Assignee, AssigneeKind, Lender};

/// Rules of a contract.
const MOST_RULES: usize = 500;
/// Charges of a contract.
const MOST_CHARGES: usize = 100;
/// Steps of a scale.
const MOST_STEPS: usize = 100;
/// Products, regions and buckets that all rules name: several times as many as a country has counties.
const MOST_NAMES: usize = 20_000;

type Read<T> = Result<T, DocumentFault>;

/// Reads and checks a contract that is to be published; `assignees` are the ones it may be made with.
pub fn parse(text: &str, lender: &Lender, assignees: &[Assignee]) -> Read<Terms> {
    let document = Document::parse(text)?;
    let terms = read(&document, lender.currency)?;
    check_size(&document, &terms)?;
    let Some(assignee) = assignees.iter().find(|assignee| assignee.code == terms.agency) else {
        let message =
            format!("is no assignee of {}; add it with `consign setup` first", lender.code);
        return Err(document.table().need("agency")?.fault(message));
    };
    check_rules(&document, &terms, lender, assignee)?;
    Ok(terms)
}

/// Reads a contract that was checked when it was published: the lender's buckets and assignees may have changed since.
pub fn parse_published(text: &str, currency: Currency) -> Read<Terms> {
    read(&Document::parse_stored(text)?, currency)
}

fn read(document: &Document<'_>, currency: Currency) -> Read<Terms> {
    let mut root = document.table();
    let performance = PerformanceFactor::read(&mut root)?;
    let code = root.need("code")?.code()?;
    let agency = root.need("agency")?.code()?;
    let (fees, charges) = (root.tables("fee")?, root.tables("charge")?);
    let (rounding, rounded_at) = rounding(&mut root)?;
    let (vat, vat_inclusive) = vat(&mut root)?;
    let effective_from = root.need("effective_from")?.date()?;
    let effective_to =
        root.take("effective_to").map(|value| date_from(&value, effective_from)).transpose()?;
    let (minimum, maximum) = statement_bounds(&mut root, currency)?;
    let terms = Terms {
        code,
        agency,
        effective_from,
        effective_to,
        term_days: root.need("term_days")?.whole(1, 36_500)?,
        grace_days: days(&mut root, "grace_days")?,
        tail_days: days(&mut root, "tail_days")?,
        objection_days: days(&mut root, "objection_days")?,
        remittance: word(&mut root, "remittance", Remittance::Gross)?,
        credit: word(&mut root, "credit", Credit::CarryForward)?,
        rounding,
        rounded_at,
        vat,
        vat_inclusive,
        corrects: root.take("corrects").map(|value| value.whole(1, 1_000_000)).transpose()?,
        minimum,
        maximum,
        fees: fees
            .into_iter()
            .zip(1..)
            .map(|(fee, number)| fee_rule(fee, number, currency))
            .collect::<Read<Vec<_>>>()?,
        performance,
        charges: charges
            .into_iter()
            .zip(1..)
            .map(|(table, number)| charge(table, number, currency))
            .collect::<Read<Vec<_>>>()?,
    };
    root.finish()?;
    Ok(terms)
}

fn date_from(value: &Value<'_>, least: chrono::NaiveDate) -> Read<chrono::NaiveDate> {
    let date = value.date()?;
    if date < least {
        Err(value.fault(format!("lies before effective_from {least}")))
    } else {
        Ok(date)
    }
}

fn word<T: Spelled>(table: &mut Table<'_>, key: &str, default: T) -> Read<T> {
    table.take(key).map_or(Ok(default), |value| value.one_of())
}

fn days(table: &mut Table<'_>, key: &str) -> Read<i64> {
    table.take(key).map_or(Ok(0), |value| value.whole(0, 36_500))
}

fn rounding(root: &mut Table<'_>) -> Read<(Rounding, RoundedAt)> {
    let Some(value) = root.take("rounding") else {
        return Ok((Rounding::HalfUp, RoundedAt::Subtotal));
    };
    let mut table = value.table()?;
    let mode = word(&mut table, "mode", Rounding::HalfUp)?;
    let at = word(&mut table, "at", RoundedAt::Subtotal)?;
    table.finish()?;
    Ok((mode, at))
}

fn vat(root: &mut Table<'_>) -> Read<(Rate, bool)> {
    let Some(value) = root.take("vat") else { return Ok((Rate::ZERO, false)) };
    let mut table = value.table()?;
    let rate = table.need("rate")?.rate()?;
    let inclusive = word(&mut table, "prices", Prices::Exclusive)? == Prices::Inclusive;
    table.finish()?;
    Ok((rate, inclusive))
}

fn statement_bounds(
    root: &mut Table<'_>,
    currency: Currency,
) -> Read<(Option<Money>, Option<Money>)> {
    let minimum =
        root.take("minimum_per_statement").map(|value| value.amount(currency)).transpose()?;
    let value = root.take("maximum_per_statement");
    let maximum = value.as_ref().map(|value| value.amount(currency)).transpose()?;
    match (minimum, maximum, &value) {
        (Some(least), Some(most), Some(value)) if least > most => {
            Err(value.fault("is less than minimum_per_statement"))
        }
        _ => Ok((minimum, maximum)),
    }
}

fn fee_rule(mut table: Table<'_>, number: usize, currency: Currency) -> Read<FeeRule> {
    let name =
        table.take("name").map_or_else(|| Ok(format!("fee {number}")), |value| value.name())?;
    let when = match table.take("when") {
        Some(value) => Conditions::read(&value, currency)?,
        None => Conditions::default(),
    };
    let (rate, bounds, tiers) =
        (table.take("rate"), table.take("per_payment"), table.take("tiers"));
    let price = match (rate, tiers, bounds) {
        (Some(rate), None, None) => Price::Flat(rate.rate()?),
        (Some(rate), None, Some(bounds)) => per_payment(rate.rate()?, &bounds, currency)?,
        (None, Some(value), None) => Price::Tiers(read_tiers(&value, currency)?),
        (None, Some(_), Some(bounds)) => {
            return Err(bounds.fault("goes with a flat `rate` only, not with `tiers`"));
        }
        (Some(_), Some(value), _) => {
            return Err(value.fault("and `rate` exclude each other: state one"));
        }
        (None, None, _) => {
            return Err(table.fault(format!("fee \"{name}\" needs a `rate` or `tiers`")));
        }
    };
    let base = table.take("base").map(|value| components(&value)).transpose()?;
    table.finish()?;
    Ok(FeeRule { name, when, price, base })
}

fn per_payment(rate: Rate, value: &Value<'_>, currency: Currency) -> Read<Price> {
    let mut table = value.table()?;
    let min = table.take("min").map(|value| value.amount(currency)).transpose()?;
    let max = table.take("max").map(|value| value.amount(currency)).transpose()?;
    table.finish()?;
    match (min, max) {
        (None, None) => Err(value.fault("needs min, max or both")),
        (Some(least), Some(most)) if least > most => {
            Err(value.fault("has a min greater than its max"))
        }
        _ => Ok(Price::PerPayment { rate, min, max }),
    }
}

fn components(value: &Value<'_>) -> Read<Vec<Component>> {
    let mut base = Vec::new();
    for name in value.names()? {
        let component = Component::parse(&name).ok_or_else(|| {
            value.fault(format!("names \"{name}\"; the components are {}", Component::names()))
        })?;
        if !base.contains(&component) {
            base.push(component);
        }
    }
    Ok(base)
}

fn read_tiers(value: &Value<'_>, currency: Currency) -> Read<Tiers> {
    let mut table = value.table()?;
    let measure_value = table.need("measure")?;
    let measure: Measure = measure_value.one_of()?;
    let over_value = table.need("over")?;
    let over: Over = over_value.one_of()?;
    if measure == Measure::RecoveryRate && over == Over::Month {
        return Err(over_value.fault(
            "does not go with `recovery_rate`: a recovery rate is measured over = \"batch\"",
        ));
    }
    let apply: Apply = table.need("apply")?.one_of()?;
    let steps_value = table.need("steps")?;
    let steps = read_steps(&steps_value, measure, currency)?;
    table.finish()?;
    Ok(Tiers { measure, over, apply, steps })
}

fn read_steps(value: &Value<'_>, measure: Measure, currency: Currency) -> Read<Vec<Step>> {
    let tables = value.tables()?;
    let count = tables.len();
    if count == 0 {
        return Err(value.fault("needs at least one step"));
    }
    let mut steps: Vec<Step> = Vec::with_capacity(count);
    let mut last = 0;
    for (i, mut table) in tables.into_iter().enumerate() {
        let (up_to, below) = (table.take("up_to"), table.take("below"));
        let rate = table.need("rate")?.rate()?;
        let (bound, key) = match (up_to, below) {
            (Some(key), None) => {
                (Some(Bound { at: limit(&key, measure, currency)?, inclusive: true }), Some(key))
            }
            (None, Some(key)) => {
                (Some(Bound { at: limit(&key, measure, currency)?, inclusive: false }), Some(key))
            }
            (None, None) => (None, None),
            (Some(_), Some(key)) => {
                return Err(key.fault("and `up_to` exclude each other: state one"));
            }
        };
        match (bound, &key) {
            (Some(_), Some(key)) if i + 1 == count => {
                return Err(key.fault("stands in the last step, which must have no bound"));
            }
            (None, _) if i + 1 < count => {
                return Err(table.fault(format!(
                    "step {} has no bound, so the steps after it are never reached",
                    i + 1
                )));
            }
            (Some(bound), Some(key)) => {
                let at = match bound.at {
                    Limit::Amount(amount) => i128::from(amount.0),
                    Limit::Share(share) => {
                        share.decimal().mantissa() * 10_i128.pow(10 - share.decimal().scale())
                    }
                };
                if at <= last {
                    return Err(key.fault(
                        "does not lie above the bound of the step before; bounds must rise",
                    ));
                }
                last = at;
            }
            _ => {}
        }
        table.finish()?;
        steps.push(Step { bound, rate });
    }
    Ok(steps)
}

fn limit(value: &Value<'_>, measure: Measure, currency: Currency) -> Read<Limit> {
    match measure {
        Measure::Recovered => value.amount(currency).map(Limit::Amount),
        Measure::RecoveryRate => value.share().map(Limit::Share),
    }
}

fn charge(mut table: Table<'_>, number: usize, currency: Currency) -> Read<Charge> {
    let name =
        table.take("name").map_or_else(|| Ok(format!("charge {number}")), |value| value.name())?;
    let per = table.need("per")?.one_of()?;
    let amount = table.need("amount")?.amount(currency)?;
    table.finish()?;
    Ok(Charge { name, per, amount })
}

/// More of anything is a mistake of whatever wrote the file, and what prices every payment has to stay quick.
fn check_size(document: &Document<'_>, terms: &Terms) -> Read<()> {
    let mut root = document.table();
    let (fees, charges) = (root.tables("fee")?, root.tables("charge")?);
    let beyond = |tables: &[Table<'_>], what: &str, most: usize| match tables.get(most) {
        Some(table) => Err(table.fault(format!(
            "the contract has {} {what}; it may have {most}: group what has the same price",
            tables.len()
        ))),
        None => Ok(()),
    };
    beyond(&fees, "rules", MOST_RULES)?;
    beyond(&charges, "charges", MOST_CHARGES)?;
    let mut names = 0;
    for (fee, table) in terms.fees.iter().zip(&fees) {
        let steps = if let Price::Tiers(tiers) = &fee.price { tiers.steps.len() } else { 0 };
        if steps > MOST_STEPS {
            let name = &fee.name;
            let message = format!("fee \"{name}\" has {steps} steps; it may have {MOST_STEPS}");
            return Err(table.fault(message));
        }
        let lists = [&fee.when.product, &fee.when.region, &fee.when.bucket];
        names += lists.into_iter().flatten().map(Vec::len).sum::<usize>();
        if names > MOST_NAMES {
            let message = format!(
                "the rules up to here name more than {MOST_NAMES} products, regions and buckets"
            );
            return Err(table.fault(message));
        }
    }
    Ok(())
}

/// Buckets must exist, the last rule must have no condition, and every rule must be reachable.
fn check_rules(
    document: &Document<'_>,
    terms: &Terms,
    lender: &Lender,
    assignee: &Assignee,
) -> Read<()> {
    let rules = document.table().tables("fee")?;
    let Some((last, table)) = terms.fees.last().zip(rules.last()) else {
        return Err(document
            .table()
            .fault("`fee` is missing: a contract needs at least one [[fee]]"));
    };
    for (fee, table) in terms.fees.iter().zip(&rules) {
        if let Some(name) =
            fee.when.bucket.iter().flatten().find(|name| lender.buckets.range(name).is_none())
        {
            return Err(table.fault(format!(
                "fee \"{}\" names the bucket \"{name}\", which is none of {}",
                fee.name,
                lender.buckets.names()
            )));
        }
    }
    let least_level = if assignee.kind == AssigneeKind::Agency { 1 } else { 0 };
    let named = |i: usize| terms.fees.get(i).map_or("", |fee| fee.name.as_str());
    match unreachable_rule(&terms.fees, &lender.buckets, least_level) {
        None => {}
        Some(Unreachable::Rule(i)) => {
            return Err(rules[i].fault(format!(
                "fee \"{}\" can never be reached: the rules before it take every placement it asks for",
                named(i)
            )));
        }
        Some(Unreachable::Tangled(i)) => {
            return Err(rules[i].fault(format!(
                "fee \"{}\" and the rules before it overlap in too many ways to tell whether it can be reached; \
                 let rules exclude each other, or name fewer products and regions",
                named(i)
            )));
        }
    }
    if last.when != Conditions::default() {
        return Err(table.fault(format!(
            "fee \"{}\" is the last and has a condition; end with a rule without `when`, so that every payment has a rule",
            last.name
        )));
    }
    Ok(())
}
