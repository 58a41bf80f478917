//! One statement line in words: the payment, its window, the rule and why earlier ones did not match, the tier, the rounding.

use super::entitlement::{Priced, price, reached};
use super::{Group, GroupKey, Item, Scope};
use crate::contract::{Apply, Bound, Component, FeeRule, Limit, Measure, Price, RoundedAt, Terms, Tiers};
use crate::kernel::{Currency, Money, Rounding};
use crate::placement::{Placement, windows};

/// The facts a line is explained from.
pub struct Basis<'a> {
    /// The book's currency.
    pub currency: Currency,
    /// The terms of the version that prices it.
    pub terms: &'a Terms,
    /// The version's number.
    pub version: i64,
    /// The group as known when the statement was closed.
    pub group: &'a Group,
}

/// Why the placement of a payment is the one that earns.
pub fn placement_words(placements: &[Placement], index: usize, received_on: chrono::NaiveDate) -> Vec<String> {
    let (placement, window) = (&placements[index], windows(placements)[index]);
    let mut words = vec![format!(
        "Received on {received_on}: inside the window {} to {} of the placement with {} (batch {}, level {}).",
        window.first, window.last, placement.assignee, placement.batch, placement.facts.level
    )];
    let end = match (placement.close_reason, placement.closed_on) {
        (Some(reason), Some(closed)) => format!("closed on {closed} as {}", reason.name()),
        _ => "still open".to_string(),
    };
    words.push(format!(
        "The placement began on {} and runs to {}, {end}; {} days of tail follow.",
        placement.placed_on, placement.expires_on, placement.tail_days
    ));
    words
}

/// Which rule matched, and why the earlier ones did not.
pub fn rule_words(terms: &Terms, version: i64, placement: &Placement, rule: usize, currency: Currency) -> Vec<String> {
    let facts = &placement.facts;
    let mut words = vec![format!(
        "Frozen facts: {} days past due ({}), level {}, balance {}, product {}, region {}, charged off {}, legal {}.",
        facts.days_past_due,
        facts.bucket,
        facts.level,
        facts.balance.grouped(currency),
        facts.product.as_deref().unwrap_or("none"),
        facts.region.as_deref().unwrap_or("none"),
        facts.charged_off,
        facts.legal
    )];
    words.push(format!("Priced by contract {} version {version}.", terms.code));
    for (i, earlier) in terms.fees.iter().take(rule).enumerate() {
        let why = earlier.when.first_failing(facts).unwrap_or_else(|| "it holds".to_string());
        words.push(format!("Rule {} \"{}\" does not apply: {why}.", i + 1, earlier.name));
    }
    if let Some(matched) = terms.fees.get(rule) {
        words.push(format!("Rule {} \"{}\" applies.", rule + 1, matched.name));
    }
    words
}

/// How a line of a group came to its fee.
pub fn line_words(basis: &Basis<'_>, reference: &str) -> Vec<String> {
    let lines = price(basis.terms, basis.group);
    let found = basis.group.items.iter().zip(&lines).find(|(item, _)| item.reference == reference);
    let (Some((item, priced)), Some(rule)) = (found, basis.terms.fees.get(basis.group.key.rule)) else {
        return vec!["The recovery is in no fee group.".to_string()];
    };
    let mut words = vec![base_words(basis, rule, item)];
    words.push(format!("Fee group: {}.", scope_words(&basis.group.key)));
    words.extend(price_words(basis, rule, item, priced));
    words
}

/// How a group's true-up came about.
pub fn true_up_words(basis: &Basis<'_>, settled_before: Money, settled_now: Money, change: Money) -> Vec<String> {
    let entitled: Money = price(basis.terms, basis.group).iter().map(|line| line.fee).sum();
    let shown = |amount: Money| amount.grouped(basis.currency);
    let recovered: Money = basis.group.items.iter().map(|item| item.earning).sum();
    vec![
        format!("Fee group: {}.", scope_words(&basis.group.key)),
        format!(
            "On the facts known at this closing the group has recovered {} and is entitled to {}.",
            shown(recovered),
            shown(entitled)
        ),
        format!(
            "Earlier statements settled {}; new commission lines of this statement settle {}.",
            shown(settled_before),
            shown(settled_now)
        ),
        format!(
            "The rest, {} − {} − {} = {}, is this true-up.",
            shown(entitled),
            shown(settled_before),
            shown(settled_now),
            shown(change)
        ),
    ]
}

fn scope_words(key: &GroupKey) -> String {
    let scope = match &key.scope {
        Scope::Month(month) => format!("payments received in {month}"),
        Scope::Batch(batch) => format!("payments on batch {batch}, for life"),
    };
    format!("contract {} version {}, rule {}, {scope}", key.contract, key.version, key.rule + 1)
}

fn base_words(basis: &Basis<'_>, rule: &FeeRule, item: &Item) -> String {
    let (amount, earning) = (item.amount.grouped(basis.currency), item.earning.grouped(basis.currency));
    match &rule.base {
        None => format!("The whole amount {amount} earns."),
        Some(_) if item.undivided => {
            format!("The payment states no components, so all of {amount} earns (listed as an exception).")
        }
        Some(base) => {
            let names: Vec<&str> = base.iter().map(|component| component_name(*component)).collect();
            format!("Of {amount} the components {} earn: {earning}.", names.join(", "))
        }
    }
}

fn component_name(component: Component) -> &'static str {
    match component {
        Component::Principal => "principal",
        Component::Interest => "interest",
        Component::Fees => "fees",
        Component::Costs => "costs",
    }
}

fn price_words(basis: &Basis<'_>, rule: &FeeRule, item: &Item, priced: &Priced) -> Vec<String> {
    let shown = |amount: Money| amount.grouped(basis.currency);
    let (before, after, fee) = (shown(priced.before), shown(priced.after), shown(priced.fee));
    let mode = if basis.terms.rounding == Rounding::HalfUp { "half-up" } else { "half-even" };
    if let Price::PerPayment { rate, min, max } = &rule.price {
        let bounds: Vec<String> = [("at least", min), ("at most", max)]
            .into_iter()
            .filter_map(|(word, bound)| bound.map(|bound| format!("{word} {}", shown(bound))))
            .collect();
        return vec![
            format!(
                "{rate} of each payment, {}, rounded {mode} at the line; a minimum never exceeds the payment.",
                bounds.join(", ")
            ),
            format!("Of this payment {before} was left before this line and {after} after it; the price changes by {fee}."),
        ];
    }
    let mut words = vec![format!("Before this line the group stood at {before}, after it at {after}.")];
    match &rule.price {
        Price::Flat(rate) => words.push(format!("The rate is {rate}.")),
        Price::Tiers(tiers) => words.extend(tier_words(basis, tiers)),
        Price::PerPayment { .. } => {}
    }
    words.push(match basis.terms.rounded_at {
        RoundedAt::Subtotal => format!("Rounded {mode} at the subtotal: the line earns the rounded entitlement after it less the rounded entitlement before it: {fee}."),
        RoundedAt::Line => format!("Rounded {mode} at the line: {fee}."),
    });
    if item.reversal {
        words.push(format!("The line takes back part of payment {} and counts in that payment's group.", item.payment));
    }
    words
}

fn tier_words(basis: &Basis<'_>, tiers: &Tiers) -> Vec<String> {
    let total: Money = basis.group.items.iter().map(|item| item.earning).sum();
    let shown = |amount: Money| amount.grouped(basis.currency);
    let mut words = Vec::new();
    if tiers.measure == Measure::RecoveryRate {
        words.push(format!("The group recovered {} of {} placed.", shown(total), shown(basis.group.placed)));
    } else {
        words.push(format!("The group recovered {}.", shown(total)));
    }
    let steps: Vec<String> = tiers
        .steps
        .iter()
        .map(|step| {
            format!("{} {}", step.bound.map_or("beyond".to_string(), |bound| bound_words(bound, basis.currency)), step.rate)
        })
        .collect();
    words.push(match tiers.apply {
        Apply::Whole => format!(
            "Whole tiers ({}): the group reaches {} on everything.",
            steps.join("; "),
            reached(&tiers.steps, total, basis.group.placed)
        ),
        Apply::Marginal => format!("Marginal tiers ({}): each slice earns its own rate.", steps.join("; ")),
    });
    words
}

fn bound_words(bound: Bound, currency: Currency) -> String {
    let at = match bound.at {
        Limit::Amount(amount) => amount.grouped(currency),
        Limit::Share(share) => share.to_string(),
    };
    format!("{} {at}:", if bound.inclusive { "up to" } else { "below" })
}
