//! The entitlement of a group, and of each of its lines (rules 6.4 to 6.6).
//!
//! `G(c)` is what the group is entitled to when it has recovered `c`. With rounding at the subtotal line *i*
//! earns `round(G(cᵢ)) − round(G(cᵢ₋₁))`, at the line `round(G(cᵢ) − G(cᵢ₋₁))`: lines always sum to the group.

use std::collections::HashMap;

use rust_decimal::Decimal;

use super::{Group, Item};
use crate::contract::{Apply, Bound, FeeRule, Limit, Price, RoundedAt, Step, Terms, Tiers};
use crate::kernel::rate::Exact;
use crate::kernel::{Money, Rate, Rounding};

/// What one line earns, and how that came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priced {
    /// The fee.
    pub fee: Money,
    /// The rate, when one rate prices the whole line.
    pub rate: Option<Rate>,
    /// The group's earning amount before this line.
    pub before: Money,
    /// And after it.
    pub after: Money,
}

/// Prices the lines of a group, which must be in order.
pub fn price(terms: &Terms, group: &Group) -> Vec<Priced> {
    let Some(rule) = terms.fees.get(group.key.rule) else { return Vec::new() };
    match &rule.price {
        Price::PerPayment { rate, min, max } => {
            per_payment(&group.items, *rate, *min, *max, terms.rounding)
        }
        Price::Flat(rate) => running(terms, &group.items, |_, _| Some(*rate), |c| rate.of(c)),
        Price::Tiers(tiers) => tiered(terms, tiers, group),
    }
}

fn tiered(terms: &Terms, tiers: &Tiers, group: &Group) -> Vec<Priced> {
    match tiers.apply {
        Apply::Whole => {
            let total = group.items.iter().map(|item| item.earning).sum();
            let rate = reached(&tiers.steps, total, group.placed);
            running(terms, &group.items, |_, _| Some(rate), |c| rate.of(c))
        }
        Apply::Marginal => {
            let one_rate = |before, after| one_slice(&tiers.steps, before, after, group.placed);
            running(terms, &group.items, one_rate, |c| marginal(&tiers.steps, c, group.placed))
        }
    }
}

/// Lines from a running sum and `G`.
fn running(
    terms: &Terms,
    items: &[Item],
    rate: impl Fn(Money, Money) -> Option<Rate>,
    entitled: impl Fn(Money) -> Exact,
) -> Vec<Priced> {
    let mut before = Money::ZERO;
    let mut entitled_before = entitled(before);
    let mut lines = Vec::with_capacity(items.len());
    for item in items {
        let after = before + item.earning;
        let entitled_after = entitled(after);
        let fee = match terms.rounded_at {
            RoundedAt::Subtotal => {
                entitled_after.round(terms.rounding) - entitled_before.round(terms.rounding)
            }
            RoundedAt::Line => (entitled_after - entitled_before).round(terms.rounding),
        };
        lines.push(Priced { fee, rate: rate(before, after), before, after });
        (before, entitled_before) = (after, entitled_after);
    }
    lines
}

/// Where a bound lies, exactly: an amount, or a share of the balance placed; nowhere when it is beyond every amount.
fn place(bound: Bound, placed: Money) -> Option<Exact> {
    match bound.at {
        Limit::Amount(amount) => Some(Exact::of(amount)),
        Limit::Share(share) => share.bound_of(placed),
    }
}

/// The rate of the step that a total reaches: `up_to` includes its bound, `below` does not.
pub fn reached(steps: &[Step], total: Money, placed: Money) -> Rate {
    let total = Exact::of(total);
    let within = |bound: Bound| {
        place(bound, placed)
            .is_none_or(|top| if bound.inclusive { total <= top } else { total < top })
    };
    let step = steps.iter().find(|step| step.bound.is_none_or(within));
    step.or(steps.last()).map_or(Rate::ZERO, |step| step.rate)
}

/// Each slice between two bounds at its own rate.
fn marginal(steps: &[Step], total: Money, placed: Money) -> Exact {
    let total = Exact::of(total);
    let mut sum = Exact::default();
    let mut floor = Exact::default();
    for step in steps {
        let top = step.bound.and_then(|bound| place(bound, placed));
        let top = top.map_or(total, |top| top.min(total));
        if top > floor {
            sum = sum + step.rate.of_exact(top - floor);
            floor = top;
        }
    }
    sum
}

/// The rate of the only slice a line lies in, when there is only one.
fn one_slice(steps: &[Step], before: Money, after: Money, placed: Money) -> Option<Rate> {
    let (low, high) = (Exact::of(before.min(after)), Exact::of(before.max(after)));
    let mut floor = Exact::default();
    for step in steps {
        let top = step.bound.and_then(|bound| place(bound, placed));
        let above_floor = floor <= low;
        let below_top = top.is_none_or(|top| high <= top);
        if above_floor && below_top && top.is_none_or(|top| low < top || low == high) {
            return Some(step.rate);
        }
        floor = top.unwrap_or(floor);
    }
    None
}

/// Each payment by itself: a reversal's line is the price of what is left − the price before.
fn per_payment(
    items: &[Item],
    rate: Rate,
    min: Option<Money>,
    max: Option<Money>,
    rounding: Rounding,
) -> Vec<Priced> {
    let price = |left: Money| bounded(rate, min, max, left, rounding);
    let mut left: HashMap<&str, Money> = HashMap::new();
    let mut lines = Vec::with_capacity(items.len());
    for item in items {
        let before = left.get(item.payment.as_str()).copied().unwrap_or_default();
        let after = before + item.earning;
        left.insert(&item.payment, after);
        let fee = price(after) - price(before);
        let bounded = price(after) != rate.of(after).round(rounding)
            || price(before) != rate.of(before).round(rounding);
        lines.push(Priced { fee, rate: (!bounded).then_some(rate), before, after });
    }
    lines
}

/// One payment's fee between its bounds; a minimum never exceeds the payment.
fn bounded(
    rate: Rate,
    min: Option<Money>,
    max: Option<Money>,
    payment: Money,
    rounding: Rounding,
) -> Money {
    let fee = rate.of(payment).round(rounding);
    let least = min.map_or(Money::ZERO, |min| min.min(payment));
    let fee = fee.max(least);
    max.map_or(fee, |most| fee.min(most))
}

/// What a price would pay, in minor units and unrounded, for an expected recovery on so many accounts with so much
/// balance placed, if they were all of its group. Bounds per payment are met by one mean payment an account.
/// `None` beyond what a decimal holds.
pub fn expected_fee(
    price: &Price,
    recovery: Money,
    placed: Money,
    accounts: i64,
) -> Option<Decimal> {
    let earned = match price {
        Price::Flat(rate) => rate.of(recovery),
        Price::PerPayment { rate, min, max } => {
            let mean = Money(recovery.0 / accounts.max(1));
            let fee = bounded(*rate, *min, *max, mean, Rounding::HalfUp);
            return Decimal::from(fee.0).checked_mul(Decimal::from(accounts));
        }
        Price::Tiers(tiers) => match tiers.apply {
            Apply::Whole => reached(&tiers.steps, recovery, placed).of(recovery),
            Apply::Marginal => marginal(&tiers.steps, recovery, placed),
        },
    };
    earned.decimal()
}

/// The first rule whose conditions hold. The last rule of a contract has none, so there always is one.
pub fn first_match(fees: &[FeeRule], facts: &crate::contract::condition::Facts) -> usize {
    fees.iter().position(|rule| rule.when.hold(facts)).unwrap_or(fees.len().saturating_sub(1))
}
