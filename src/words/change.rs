//! What lies between two closings: new recoveries, lines that earn otherwise, recoveries that changed group.

use std::collections::BTreeMap;

use crate::commission::change::{Changes, Earns, NAMED};
use crate::kernel::{Currency, Money, Month};
use crate::party::Lang;

/// A sentence for each kind of change since the closing of a month. Each says what it adds up to, and they add up to the
/// difference between the closings. `settled` has the earlier statements on which recoveries were settled first.
pub fn changes_words(
    t: Lang,
    currency: Currency,
    changes: &Changes<'_>,
    since: Month,
    settled: &BTreeMap<String, String>,
) -> Vec<String> {
    let shown = |amount: Money| amount.grouped(currency);
    let each = |earns: &[&Earns]| {
        let sum = shown(earns.iter().map(|one| one.fee).sum());
        (listed(t, earns.iter().map(|one| named(t, currency, one))), sum)
    };
    let (moved_in, new): (Vec<&Earns>, Vec<&Earns>) =
        changes.came.iter().partition(|one| settled.contains_key(&one.reference));
    let mut words = Vec::new();
    if !new.is_empty() {
        let (list, sum) = each(&new);
        words.push(tell!(
            t,
            "{since} 关账以后新知：{list}；合计 {sum}。",
            "Known since the closing of {since}: {list}; together {sum}.",
        ));
    }
    if !changes.other.is_empty() {
        let named = |(before, now): &(&Earns, &Earns)| {
            let at = settled.get(&now.reference).map(|no| format!(" ({no})"));
            let (no, at) = (&now.reference, at.unwrap_or_default());
            format!("{no}{at} {} → {}", shown(before.fee), shown(now.fee))
        };
        let list = listed(t, changes.other.iter().map(named));
        let sum = shown(changes.other.iter().map(|(before, now)| now.fee - before.fee).sum());
        words.push(tell!(
            t,
            "以前已结、所得有变：{list}；合计变动 {sum}。",
            "Settled before and earning otherwise now: {list}; together {sum}.",
        ));
    }
    if !moved_in.is_empty() {
        let (list, sum) = each(&moved_in);
        words.push(tell!(
            t,
            "自其他计费组转入：{list}；合计 {sum}。",
            "Moved here from another fee group: {list}; together {sum}.",
        ));
    }
    if !changes.left.is_empty() {
        let (list, sum) = each(&changes.left);
        words.push(tell!(
            t,
            "转至其他计费组、在此不再计：{list}；合计 {sum}。",
            "Moved to another fee group and no longer counted here: {list}; together {sum}.",
        ));
    }
    words
}

fn named(t: Lang, currency: Currency, one: &Earns) -> String {
    let (no, day) = (&one.reference, one.received_on);
    let (amount, fee) = (one.amount.grouped(currency), one.fee.grouped(currency));
    if one.reversal {
        tell!(
            t,
            "冲正 {no}（{day}，{amount}）得 {fee}",
            "reversal {no} of {day}, {amount}, earns {fee}",
        )
    } else {
        tell!(
            t,
            "回款 {no}（{day}，{amount}）得 {fee}",
            "payment {no} of {day}, {amount}, earns {fee}",
        )
    }
}

/// The first of a list in words, and how many more there are.
fn listed(t: Lang, all: impl ExactSizeIterator<Item = String>) -> String {
    let more = all.len().saturating_sub(NAMED);
    let named: Vec<String> = all.take(NAMED).collect();
    let named = match t {
        Lang::Zh => named.join("；"),
        Lang::En => named.join("; "),
    };
    match more {
        0 => named,
        more => tell!(t, "{named}；另有 {more} 笔", "{named}; and {more} more"),
    }
}
