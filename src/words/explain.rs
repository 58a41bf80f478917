//! One statement line explained: the payment, its window, the rule and why earlier ones did not match, the tier, the
//! rounding.

use chrono::NaiveDate;

use crate::commission::entitlement::{Priced, price, reached};
use crate::commission::{FeeGroup, Group, Item, Scope};
use crate::contract::condition::Condition;
use crate::contract::{
    Apply, Bound, Component, FeeRule, Limit, Measure, Price, RoundedAt, Terms, Tiers,
};
use crate::kernel::{Currency, Money, Month, Rounding};
use crate::party::Lang;
use crate::placement::{Placement, windows};
use crate::settlement::note::Note;

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

/// What kind of recovery a line is about, as it was received.
pub struct Received<'a> {
    /// Its reference.
    pub reference: &'a str,
    /// The amount.
    pub amount: String,
    /// Its account.
    pub account_no: &'a str,
    /// The day.
    pub on: NaiveDate,
    /// Who has the money.
    pub channel: Hands<'a>,
}

/// Who received a payment, as far as whoever asks may know.
pub enum Hands<'a> {
    /// An assignee, by its code.
    Named(&'a str),
    /// Somebody else than the agency that asks.
    NotYours,
    /// The lender.
    Lender,
}

/// The recovery itself; of a reversal also the payment and its day that it takes back.
pub fn received_words(
    t: Lang,
    one: &Received<'_>,
    reverses: Option<(&str, NaiveDate)>,
) -> Vec<String> {
    let Received { reference, amount, account_no, on, channel } = one;
    let channel = match channel {
        Hands::Named(code) => (*code).to_string(),
        Hands::NotYours => tell!(t, "非贵方", "not your"),
        Hands::Lender => tell!(t, "委托方", "lender"),
    };
    let what = if reverses.is_some() {
        tell!(t, "冲正", "Reversal")
    } else {
        tell!(t, "回款", "Payment")
    };
    let mut words = vec![tell!(
        t,
        "{what} {reference}，金额 {amount}，案件 {account_no}，{on} 收到（渠道：{channel}）。",
        "{what} {reference} of {amount} on account {account_no}, received {on} ({channel} channel)."
    )];
    words.extend(reverses.map(|(payment, received_on)| {
        tell!(
            t,
            "它冲正 {received_on} 的回款 {payment}，随该笔回款归属。",
            "It takes back payment {payment} of {received_on}, and follows that payment's placement."
        )
    }));
    words
}

/// That the recovery of a line is gone.
pub fn no_recovery(t: Lang, reference: &str) -> String {
    tell!(t, "账簿中没有回款 {reference}。", "Recovery {reference} is not in the book.")
}

/// What a line has to say beside its figures, as a sentence of its own.
pub fn note_words(t: Lang, note: &Note) -> String {
    let note = note.words(t);
    tell!(t, "{note}。", "{note}.")
}

/// Which version of a contract corrects which, and from when on.
pub fn correction_words(t: Lang, version: i64, corrected: i64, from: NaiveDate) -> String {
    tell!(
        t,
        "第 {version} 版更正第 {corrected} 版：{from} 起的委案改按第 {version} 版计价，按第 {corrected} 版已结的在其组内退回，并在第 {version} 版的组内重新结算。",
        "Version {version} corrects version {corrected}: placements from {from} on are priced by version {version}; what version {corrected} had settled is taken back in its group and settled again in the group of version {version}."
    )
}

/// Why the placement of a payment is the one that earns. Without `others` the window is told as if no other placement
/// had followed, so that its last day does not give away when the account was placed again.
pub fn placement_words(
    t: Lang,
    placements: &[Placement],
    index: usize,
    received_on: NaiveDate,
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
    let end = match (placement.close_reason, placement.closed_on) {
        (Some(reason), Some(closed)) => {
            let reason = reason.word(t);
            tell!(t, "已于 {closed} {reason}", "closed on {closed}: {reason}")
        }
        _ => tell!(t, "尚未关闭", "still open"),
    };
    vec![
        tell!(
            t,
            "回款日 {received_on} 落在 {who} 委案（批次 {batch}，第 {level} 手）的归属期 {first} 至 {last} 内。",
            "Received on {received_on}: inside the window {first} to {last} of the placement with {who} (batch {batch}, level {level})."
        ),
        tell!(
            t,
            "委案自 {from} 起，至 {to} 到期，{end}；其后另有 {tail} 天尾期。",
            "The placement began on {from} and runs to {to}, {end}; {tail} days of tail follow."
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
    let none = tell!(t, "无", "none");
    let (product, region) =
        (facts.product.as_deref().unwrap_or(&none), facts.region.as_deref().unwrap_or(&none));
    let yes = |flag: bool| {
        if flag { tell!(t, "是", "yes") } else { tell!(t, "否", "no") }
    };
    let (charged_off, legal, code) = (yes(facts.charged_off), yes(facts.legal), &terms.code);
    let mut words = vec![
        tell!(
            t,
            "委案时冻结的事实：逾期 {days} 天（{bucket}），第 {level} 手，余额 {balance}，产品 {product}，地区 {region}，核销 {charged_off}，诉讼 {legal}。",
            "Frozen facts: {days} days past due ({bucket}), level {level}, balance {balance}, product {product}, region {region}, charged off {charged_off}, legal {legal}."
        ),
        tell!(
            t,
            "按委托协议 {code} 第 {version} 版计价。",
            "Priced by contract {code} version {version}."
        ),
    ];
    for (i, earlier) in terms.fees.iter().take(rule).enumerate() {
        let (number, name) = (i + 1, &earlier.name);
        let why = earlier
            .when
            .first_failing(facts)
            .map(|failing| failing_words(t, failing))
            .unwrap_or_default();
        words.push(tell!(
            t,
            "规则 {number}“{name}”不适用：{why}。",
            "Rule {number} \"{name}\" does not apply: {why}."
        ));
    }
    if let Some(matched) = terms.fees.get(rule) {
        let (number, name) = (rule + 1, &matched.name);
        words.push(tell!(t, "适用规则 {number}“{name}”。", "Rule {number} \"{name}\" applies."));
    }
    words
}

fn failing_words(t: Lang, failing: Condition) -> String {
    match failing {
        Condition::DaysPastDue(range) => {
            tell!(t, "逾期天数不在 {range} 内", "days_past_due is outside {range}")
        }
        Condition::Level(range) => {
            tell!(t, "手别不在 {range} 内", "level is outside {range}")
        }
        Condition::Balance => {
            tell!(t, "余额不在规则范围内", "the balance is outside the rule's range")
        }
        Condition::Product => {
            tell!(t, "产品不在所列之中", "the product is not listed")
        }
        Condition::Region => {
            tell!(t, "地区不在所列之中", "the region is not listed")
        }
        Condition::Bucket => {
            tell!(t, "账龄不在所列之中", "the bucket is not listed")
        }
        Condition::ChargedOff => tell!(t, "核销状态不符", "charged_off differs"),
        Condition::Legal => tell!(t, "诉讼状态不符", "legal differs"),
    }
}

/// How a line of a group came to its fee.
pub fn line_words(basis: &Basis<'_>, reference: &str) -> Vec<String> {
    let lines = price(basis.terms, basis.group);
    let found = basis.group.items.iter().zip(&lines).find(|(item, _)| item.reference == reference);
    let (Some((item, priced)), Some(rule)) = (found, basis.terms.fees.get(basis.group.key.rule))
    else {
        return vec![tell!(
            basis.t,
            "该笔回款不在任何计费组内。",
            "The recovery is in no fee group."
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
        tell!(
            basis.t,
            "按本次关账所知，该组累计回款 {recovered}，应得 {entitled}。",
            "On the facts known at this closing the group has recovered {recovered} and is entitled to {entitled}."
        ),
        tell!(
            basis.t,
            "以前结算单已结 {before}；本单新列佣金行 {now}。",
            "Earlier statements settled {before}; new commission lines of this statement settle {now}."
        ),
        tell!(
            basis.t,
            "差额 {entitled} − {before} − {now} = {change}，即本行调整。",
            "The rest, {entitled} − {before} − {now} = {change}, is this true-up."
        ),
    ]
}

/// The group at the closing of a month before, with what it was entitled to.
pub fn group_before_words(
    basis: &Basis<'_>,
    closing: Month,
    group: &Group,
    entitled: Money,
) -> Vec<String> {
    let shown = |amount: Money| amount.grouped(basis.currency);
    let recovered = shown(group.items.iter().map(|item| item.earning).sum());
    let entitled = shown(entitled);
    let mut words = vec![tell!(
        basis.t,
        "{closing} 关账时，该组累计回款 {recovered}，应得 {entitled}。",
        "At the closing of {closing} the group had recovered {recovered} and was entitled to {entitled}.",
    )];
    if group.placed != basis.group.placed {
        let (from, to) = (shown(group.placed), shown(basis.group.placed));
        words.push(tell!(
            basis.t,
            "该组委案余额由 {from} 变为 {to}。",
            "The balance placed in the group went from {from} to {to}.",
        ));
    }
    words
}

fn group_words(basis: &Basis<'_>) -> String {
    let FeeGroup { contract, version, rule, scope } = &basis.group.key.of;
    let rule = rule + 1;
    match scope {
        Scope::Month(month) => tell!(
            basis.t,
            "计费组：协议 {contract} 第 {version} 版，规则 {rule}，{month} 收到的回款。",
            "Fee group: contract {contract} version {version}, rule {rule}, payments received in {month}."
        ),
        Scope::Batch(batch) => tell!(
            basis.t,
            "计费组：协议 {contract} 第 {version} 版，规则 {rule}，批次 {batch} 的全部回款。",
            "Fee group: contract {contract} version {version}, rule {rule}, payments on batch {batch}, for life."
        ),
    }
}

fn base_words(basis: &Basis<'_>, rule: &FeeRule, item: &Item) -> String {
    let (amount, earning) =
        (item.amount.grouped(basis.currency), item.earning.grouped(basis.currency));
    match &rule.base {
        None => tell!(basis.t, "全额 {amount} 计佣。", "The whole amount {amount} earns."),
        Some(_) if item.undivided => tell!(
            basis.t,
            "该笔回款未列明组成，{amount} 全额计佣（列为例外）。",
            "The payment states no components, so all of {amount} earns (listed as an exception)."
        ),
        Some(base) => {
            let named = base.iter().map(|component| component_word(basis.t, *component));
            let named: Vec<&str> = named.collect();
            let named = named.join(if basis.t == Lang::Zh { "、" } else { ", " });
            tell!(
                basis.t,
                "{amount} 中 {named} 计佣：{earning}。",
                "Of {amount} the components {named} earn: {earning}."
            )
        }
    }
}

fn component_word(t: Lang, component: Component) -> &'static str {
    match (t, component) {
        (Lang::En, component) => component.name(),
        (Lang::Zh, Component::Principal) => "本金",
        (Lang::Zh, Component::Interest) => "利息",
        (Lang::Zh, Component::Fees) => "费用",
        (Lang::Zh, Component::Costs) => "成本",
    }
}

fn price_words(basis: &Basis<'_>, rule: &FeeRule, item: &Item, priced: &Priced) -> Vec<String> {
    let t = basis.t;
    let shown = |amount: Money| amount.grouped(basis.currency);
    let (before, after, fee) = (shown(priced.before), shown(priced.after), shown(priced.fee));
    let mode = match basis.terms.rounding {
        Rounding::HalfUp => tell!(t, "四舍五入", "half-up"),
        Rounding::HalfEven => tell!(t, "四舍六入五成双", "half-even"),
    };
    if let Price::PerPayment { rate, min, max } = &rule.price {
        let least = min.map(shown).map(|min| tell!(t, "不低于 {min}", "at least {min}"));
        let most = max.map(shown).map(|max| tell!(t, "不高于 {max}", "at most {max}"));
        let bounds: Vec<String> = [least, most].into_iter().flatten().collect();
        let bounds = bounds.join(", ");
        return vec![
            tell!(
                t,
                "逐笔按 {rate} 计，{bounds}，每行{mode}；最低费不超过回款本身。",
                "{rate} of each payment, {bounds}, rounded {mode} at the line; a minimum never exceeds the payment."
            ),
            tell!(
                t,
                "本行之前该笔余 {before}，之后余 {after}；价格变动 {fee}。",
                "Of this payment {before} was left before this line and {after} after it; the price changes by {fee}."
            ),
        ];
    }
    let mut words = vec![tell!(
        t,
        "本行之前该组累计 {before}，之后 {after}。",
        "Before this line the group stood at {before}, after it at {after}."
    )];
    match &rule.price {
        Price::Flat(rate) => words.push(tell!(t, "费率 {rate}。", "The rate is {rate}.")),
        Price::Tiers(tiers) => words.extend(tier_words(basis, tiers)),
        Price::PerPayment { .. } => {}
    }
    words.push(match basis.terms.rounded_at {
        RoundedAt::Subtotal => tell!(t, "按小计{mode}：本行 = 之后累计应得取整 − 之前累计应得取整 = {fee}。", "Rounded {mode} at the subtotal: the rounded entitlement after this line less the rounded entitlement before it is {fee}."),
        RoundedAt::Line => tell!(t, "逐行{mode}：{fee}。", "Rounded {mode} at the line: {fee}."),
    });
    if item.reversal {
        let payment = &item.payment;
        words.push(tell!(
            t,
            "本行冲正回款 {payment}，计入该笔回款所在的组。",
            "The line takes back part of payment {payment} and counts in that payment's group."
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
        Measure::RecoveryRate => tell!(
            t,
            "该组委案 {placed}，累计回款 {recovered}。",
            "The group recovered {recovered} of {placed} placed."
        ),
        Measure::Recovered => {
            tell!(t, "该组累计回款 {recovered}。", "The group recovered {recovered}.")
        }
    };
    let step = |step: &crate::contract::Step| {
        let beyond = || tell!(t, "以上", "beyond");
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
            tell!(
                t,
                "全额套档（{steps}）：该组达到 {rate}，适用于全部。",
                "Whole tiers ({steps}): the group reaches {rate} on everything."
            )
        }
        Apply::Marginal => tell!(
            t,
            "差额累进（{steps}）：各段按各自费率。",
            "Marginal tiers ({steps}): each slice earns its own rate."
        ),
    };
    vec![measured, applied]
}

fn bound_words(t: Lang, bound: Bound, currency: Currency) -> String {
    let at = match bound.at {
        Limit::Amount(amount) => amount.grouped(currency),
        Limit::Share(share) => share.to_string(),
    };
    if bound.inclusive {
        tell!(t, "不超过 {at}:", "up to {at}:")
    } else {
        tell!(t, "低于 {at}:", "below {at}:")
    }
}
