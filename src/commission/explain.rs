//! One statement line in words, in either language: the payment, its window, the rule and why earlier ones did not
//! match, the tier, the rounding.

use super::entitlement::{Priced, price, reached};
use super::{FeeGroup, Group, Item, Scope};
use crate::contract::condition::Condition;
use crate::contract::{
    Apply, Bound, Component, FeeRule, Limit, Measure, Price, RoundedAt, Terms, Tiers,
};
use crate::kernel::{Currency, Money, Rounding};
use crate::party::Lang;
use crate::placement::{Placement, windows};

/// The facts a line is explained from.
pub struct Basis<'a> {
    /// The language to explain in.
    pub t: Lang,
    /// The book's currency.
    pub currency: Currency,
    /// The terms of the version that prices it.
    pub terms: &'a Terms,
    /// The group as known when the statement was closed.
    pub group: &'a Group,
}

/// The sentence of a language.
pub fn say(t: Lang, zh: String, en: String) -> String {
    match t {
        Lang::Zh => zh,
        Lang::En => en,
    }
}

/// Why the placement of a payment is the one that earns. Without `others` the window is told as if no other placement
/// had followed, so that its last day does not give away when the account was placed again.
pub fn placement_words(
    t: Lang,
    placements: &[Placement],
    index: usize,
    received_on: chrono::NaiveDate,
    others: bool,
) -> Vec<String> {
    let placement = &placements[index];
    let window = if others {
        windows(placements)[index]
    } else {
        windows(std::slice::from_ref(placement))[0]
    };
    let (first, last, who, batch, level) =
        (window.first, window.last, &placement.assignee, &placement.batch, placement.facts.level);
    let (from, to, tail) = (placement.placed_on, placement.expires_on, placement.tail_days);
    let (zh_end, en_end) = match (placement.close_reason, placement.closed_on) {
        (Some(reason), Some(closed)) => (
            format!("已于 {closed} {}", reason.word(t)),
            format!("closed on {closed}: {}", reason.word(t)),
        ),
        _ => ("尚未关闭".to_string(), "still open".to_string()),
    };
    vec![
        say(
            t,
            format!(
                "回款日 {received_on} 落在 {who} 委案（批次 {batch}，第 {level} 手）的归属期 {first} 至 {last} 内。"
            ),
            format!(
                "Received on {received_on}: inside the window {first} to {last} of the placement with {who} (batch {batch}, level {level})."
            ),
        ),
        say(
            t,
            format!("委案自 {from} 起，至 {to} 到期，{zh_end}；其后另有 {tail} 天尾期。"),
            format!(
                "The placement began on {from} and runs to {to}, {en_end}; {tail} days of tail follow."
            ),
        ),
    ]
}

/// Which rule matched, and why the earlier ones did not.
pub fn rule_words(
    t: Lang,
    terms: &Terms,
    version: i64,
    placement: &Placement,
    rule: usize,
    currency: Currency,
) -> Vec<String> {
    let facts = &placement.facts;
    let (days, bucket, level, balance) =
        (facts.days_past_due, &facts.bucket, facts.level, facts.balance.grouped(currency));
    let none = say(t, "无".to_string(), "none".to_string());
    let (product, region) =
        (facts.product.as_deref().unwrap_or(&none), facts.region.as_deref().unwrap_or(&none));
    let yes = |flag: bool| {
        if flag {
            say(t, "是".to_string(), "yes".to_string())
        } else {
            say(t, "否".to_string(), "no".to_string())
        }
    };
    let (charged_off, legal, code) = (yes(facts.charged_off), yes(facts.legal), &terms.code);
    let mut words = vec![
        say(
            t,
            format!(
                "委案时冻结的事实：逾期 {days} 天（{bucket}），第 {level} 手，余额 {balance}，产品 {product}，地区 {region}，核销 {charged_off}，诉讼 {legal}。"
            ),
            format!(
                "Frozen facts: {days} days past due ({bucket}), level {level}, balance {balance}, product {product}, region {region}, charged off {charged_off}, legal {legal}."
            ),
        ),
        say(
            t,
            format!("按委托协议 {code} 第 {version} 版计价。"),
            format!("Priced by contract {code} version {version}."),
        ),
    ];
    for (i, earlier) in terms.fees.iter().take(rule).enumerate() {
        let (number, name) = (i + 1, &earlier.name);
        let why = earlier
            .when
            .first_failing(facts)
            .map(|failing| failing_words(t, failing))
            .unwrap_or_default();
        words.push(say(
            t,
            format!("规则 {number}“{name}”不适用：{why}。"),
            format!("Rule {number} \"{name}\" does not apply: {why}."),
        ));
    }
    if let Some(matched) = terms.fees.get(rule) {
        let (number, name) = (rule + 1, &matched.name);
        words.push(say(
            t,
            format!("适用规则 {number}“{name}”。"),
            format!("Rule {number} \"{name}\" applies."),
        ));
    }
    words
}

fn failing_words(t: Lang, failing: Condition) -> String {
    let (zh, en) = match failing {
        Condition::DaysPastDue(range) => {
            (format!("逾期天数不在 {range} 内"), format!("days_past_due is outside {range}"))
        }
        Condition::Level(range) => {
            (format!("手别不在 {range} 内"), format!("level is outside {range}"))
        }
        Condition::Balance => (
            "余额不在规则范围内".to_string(),
            "the balance is outside the rule's range".to_string(),
        ),
        Condition::Product => {
            ("产品不在所列之中".to_string(), "the product is not listed".to_string())
        }
        Condition::Region => {
            ("地区不在所列之中".to_string(), "the region is not listed".to_string())
        }
        Condition::Bucket => {
            ("账龄不在所列之中".to_string(), "the bucket is not listed".to_string())
        }
        Condition::ChargedOff => ("核销状态不符".to_string(), "charged_off differs".to_string()),
        Condition::Legal => ("诉讼状态不符".to_string(), "legal differs".to_string()),
    };
    say(t, zh, en)
}

/// How a line of a group came to its fee.
pub fn line_words(basis: &Basis<'_>, reference: &str) -> Vec<String> {
    let lines = price(basis.terms, basis.group);
    let found = basis.group.items.iter().zip(&lines).find(|(item, _)| item.reference == reference);
    let (Some((item, priced)), Some(rule)) = (found, basis.terms.fees.get(basis.group.key.rule))
    else {
        return vec![say(
            basis.t,
            "该笔回款不在任何计费组内。".to_string(),
            "The recovery is in no fee group.".to_string(),
        )];
    };
    let mut words = vec![base_words(basis, rule, item), group_words(basis)];
    words.extend(price_words(basis, rule, item, priced));
    words
}

/// How a group's true-up came about.
pub fn true_up_words(
    basis: &Basis<'_>,
    settled_before: Money,
    settled_now: Money,
    change: Money,
) -> Vec<String> {
    let shown = |amount: Money| amount.grouped(basis.currency);
    let entitled = shown(price(basis.terms, basis.group).iter().map(|line| line.fee).sum());
    let recovered = shown(basis.group.items.iter().map(|item| item.earning).sum());
    let (before, now, change) = (shown(settled_before), shown(settled_now), shown(change));
    vec![
        group_words(basis),
        say(
            basis.t,
            format!("按本次关账所知，该组累计回款 {recovered}，应得 {entitled}。"),
            format!(
                "On the facts known at this closing the group has recovered {recovered} and is entitled to {entitled}."
            ),
        ),
        say(
            basis.t,
            format!("以前结算单已结 {before}；本单新列佣金行 {now}。"),
            format!(
                "Earlier statements settled {before}; new commission lines of this statement settle {now}."
            ),
        ),
        say(
            basis.t,
            format!("差额 {entitled} − {before} − {now} = {change}，即本行调整。"),
            format!("The rest, {entitled} − {before} − {now} = {change}, is this true-up."),
        ),
    ]
}

fn group_words(basis: &Basis<'_>) -> String {
    let FeeGroup { contract, version, rule, scope } = &basis.group.key.of;
    let rule = rule + 1;
    match scope {
        Scope::Month(month) => say(
            basis.t,
            format!("计费组：协议 {contract} 第 {version} 版，规则 {rule}，{month} 收到的回款。"),
            format!(
                "Fee group: contract {contract} version {version}, rule {rule}, payments received in {month}."
            ),
        ),
        Scope::Batch(batch) => say(
            basis.t,
            format!(
                "计费组：协议 {contract} 第 {version} 版，规则 {rule}，批次 {batch} 的全部回款。"
            ),
            format!(
                "Fee group: contract {contract} version {version}, rule {rule}, payments on batch {batch}, for life."
            ),
        ),
    }
}

fn base_words(basis: &Basis<'_>, rule: &FeeRule, item: &Item) -> String {
    let (amount, earning) =
        (item.amount.grouped(basis.currency), item.earning.grouped(basis.currency));
    match &rule.base {
        None => say(
            basis.t,
            format!("全额 {amount} 计佣。"),
            format!("The whole amount {amount} earns."),
        ),
        Some(_) if item.undivided => say(
            basis.t,
            format!("该笔回款未列明组成，{amount} 全额计佣（列为例外）。"),
            format!(
                "The payment states no components, so all of {amount} earns (listed as an exception)."
            ),
        ),
        Some(base) => {
            let zh: Vec<&str> =
                base.iter().map(|component| component_words(*component).0).collect();
            let en: Vec<&str> =
                base.iter().map(|component| component_words(*component).1).collect();
            say(
                basis.t,
                format!("{amount} 中 {} 计佣：{earning}。", zh.join("、")),
                format!("Of {amount} the components {} earn: {earning}.", en.join(", ")),
            )
        }
    }
}

fn component_words(component: Component) -> (&'static str, &'static str) {
    match component {
        Component::Principal => ("本金", "principal"),
        Component::Interest => ("利息", "interest"),
        Component::Fees => ("费用", "fees"),
        Component::Costs => ("成本", "costs"),
    }
}

fn price_words(basis: &Basis<'_>, rule: &FeeRule, item: &Item, priced: &Priced) -> Vec<String> {
    let t = basis.t;
    let shown = |amount: Money| amount.grouped(basis.currency);
    let (before, after, fee) = (shown(priced.before), shown(priced.after), shown(priced.fee));
    let mode = match basis.terms.rounding {
        Rounding::HalfUp => say(t, "四舍五入".to_string(), "half-up".to_string()),
        Rounding::HalfEven => say(t, "四舍六入五成双".to_string(), "half-even".to_string()),
    };
    if let Price::PerPayment { rate, min, max } = &rule.price {
        let bound = |zh: &str, en: &str, bound: &Option<Money>| {
            bound.map(|bound| {
                say(t, format!("{zh} {}", shown(bound)), format!("{en} {}", shown(bound)))
            })
        };
        let bounds: Vec<String> =
            [bound("不低于", "at least", min), bound("不高于", "at most", max)]
                .into_iter()
                .flatten()
                .collect();
        let bounds = bounds.join(", ");
        return vec![
            say(
                t,
                format!("逐笔按 {rate} 计，{bounds}，每行{mode}；最低费不超过回款本身。"),
                format!(
                    "{rate} of each payment, {bounds}, rounded {mode} at the line; a minimum never exceeds the payment."
                ),
            ),
            say(
                t,
                format!("本行之前该笔余 {before}，之后余 {after}；价格变动 {fee}。"),
                format!(
                    "Of this payment {before} was left before this line and {after} after it; the price changes by {fee}."
                ),
            ),
        ];
    }
    let mut words = vec![say(
        t,
        format!("本行之前该组累计 {before}，之后 {after}。"),
        format!("Before this line the group stood at {before}, after it at {after}."),
    )];
    match &rule.price {
        Price::Flat(rate) => {
            words.push(say(t, format!("费率 {rate}。"), format!("The rate is {rate}.")))
        }
        Price::Tiers(tiers) => words.extend(tier_words(basis, tiers)),
        Price::PerPayment { .. } => {}
    }
    words.push(match basis.terms.rounded_at {
        RoundedAt::Subtotal => say(
            t,
            format!("按小计{mode}：本行 = 之后累计应得取整 − 之前累计应得取整 = {fee}。"),
            format!("Rounded {mode} at the subtotal: the rounded entitlement after this line less the rounded entitlement before it is {fee}."),
        ),
        RoundedAt::Line => say(t, format!("逐行{mode}：{fee}。"), format!("Rounded {mode} at the line: {fee}.")),
    });
    if item.reversal {
        let payment = &item.payment;
        words.push(say(
            t,
            format!("本行冲正回款 {payment}，计入该笔回款所在的组。"),
            format!(
                "The line takes back part of payment {payment} and counts in that payment's group."
            ),
        ));
    }
    words
}

fn tier_words(basis: &Basis<'_>, tiers: &Tiers) -> Vec<String> {
    let t = basis.t;
    let total: Money = basis.group.items.iter().map(|item| item.earning).sum();
    let (recovered, placed) =
        (total.grouped(basis.currency), basis.group.placed.grouped(basis.currency));
    let measured = match tiers.measure {
        Measure::RecoveryRate => say(
            t,
            format!("该组委案 {placed}，累计回款 {recovered}。"),
            format!("The group recovered {recovered} of {placed} placed."),
        ),
        Measure::Recovered => say(
            t,
            format!("该组累计回款 {recovered}。"),
            format!("The group recovered {recovered}."),
        ),
    };
    let step = |step: &crate::contract::Step| {
        let beyond = || say(t, "以上".to_string(), "beyond".to_string());
        format!(
            "{} {}",
            step.bound.map_or_else(beyond, |bound| bound_words(t, bound, basis.currency)),
            step.rate
        )
    };
    let steps: Vec<String> = tiers.steps.iter().map(step).collect();
    let steps = steps.join("; ");
    let applied = match tiers.apply {
        Apply::Whole => {
            let rate = reached(&tiers.steps, total, basis.group.placed);
            say(
                t,
                format!("全额套档（{steps}）：该组达到 {rate}，适用于全部。"),
                format!("Whole tiers ({steps}): the group reaches {rate} on everything."),
            )
        }
        Apply::Marginal => say(
            t,
            format!("差额累进（{steps}）：各段按各自费率。"),
            format!("Marginal tiers ({steps}): each slice earns its own rate."),
        ),
    };
    vec![measured, applied]
}

fn bound_words(t: Lang, bound: Bound, currency: Currency) -> String {
    let at = match bound.at {
        Limit::Amount(amount) => amount.grouped(currency),
        Limit::Share(share) => share.to_string(),
    };
    let (zh, en) = if bound.inclusive { ("不超过", "up to") } else { ("低于", "below") };
    say(t, format!("{zh} {at}:"), format!("{en} {at}:"))
}
