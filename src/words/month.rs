//! Factor, minimum and maximum of a month explained: what it came to at the closing before, and what to now.

use crate::contract::factor::By;
use crate::contract::version::Governing;
use crate::kernel::{Currency, Money};
use crate::party::Lang;
use crate::settlement::LineKind;
use crate::settlement::explain_month::Told;
use crate::settlement::month::factor_of;

/// Why a month's line has its amount, a sentence each; `changes` are the facts since the closing before.
pub fn month_words(
    t: Lang,
    currency: Currency,
    told: &Told<'_>,
    changes: Vec<String>,
) -> Vec<String> {
    let telling = Telling { t, currency, told };
    let mut words = telling.terms();
    words.extend(telling.commission(changes));
    words.extend(telling.three());
    words.extend(telling.rest());
    words
}

struct Telling<'a> {
    t: Lang,
    currency: Currency,
    told: &'a Told<'a>,
}

impl Telling<'_> {
    fn shown(&self, amount: Money) -> String {
        amount.grouped(self.currency)
    }

    /// Which version governs the month, and which did before.
    fn terms(&self) -> Vec<String> {
        let (t, month) = (self.t, self.told.month);
        let Some(Governing { version, .. }) = self.told.governing else {
            return vec![tell!(t, "{month} 无委托协议。", "No contract governs {month}.")];
        };
        let (code, number) = (&version.terms.code, version.number);
        let what = match (t, self.told.kind) {
            (Lang::En, kind) => kind.name(),
            (Lang::Zh, LineKind::Performance) => "奖惩",
            (Lang::Zh, LineKind::Minimum) => "保底",
            (Lang::Zh, _) => "封顶",
        };
        let mut words = vec![tell!(
            t,
            "本行结算收款月 {month} 的{what}，按委托协议 {code} 第 {number} 版。",
            "This line settles the {what} of what was received in {month}, under contract {code} version {number}.",
        )];
        let before = self.told.before.as_ref();
        if let Some((closing, was)) = before.and_then(|one| Some((one.closing, one.version?)))
            && was != number
        {
            words.push(tell!(
                t,
                "{closing} 关账时适用第 {was} 版；其后公布的第 {number} 版予以更正。",
                "At the closing of {closing} version {was} governed it; version {number}, published since, corrects it.",
            ));
        }
        words
    }

    /// What the month's recoveries earn, and by which facts that changed.
    fn commission(&self, changes: Vec<String>) -> Vec<String> {
        let (t, month, count) = (self.t, self.told.month, self.told.recoveries);
        let earned = self.shown(self.told.figures.commission);
        let mut words = vec![tell!(
            t,
            "按本次关账所知，{month} 的回款与冲正 {count} 笔，应得 {earned}。",
            "On the facts known at this closing the payments and reversals of {month}, {count} in all, earn {earned}.",
        )];
        if let Some(before) = &self.told.before {
            let (closing, had) = (before.closing, self.shown(before.commission));
            words.push(tell!(
                t,
                "{closing} 关账时为 {had}。",
                "At the closing of {closing} they earned {had}.",
            ));
            words.extend(changes);
        }
        if !self.told.figures.charges.is_zero() {
            let charges = self.shown(self.told.figures.charges);
            words.push(tell!(
                t,
                "该月结算单的定额收费 {charges}。",
                "The charges of its statement come to {charges}.",
            ));
        }
        words
    }

    /// Factor, minimum and maximum, as far as the line depends on them.
    fn three(&self) -> Vec<String> {
        let Some(Governing { version, in_force }) = self.told.governing else { return Vec::new() };
        let (t, f, month, kind) = (self.t, &self.told.figures, self.told.month, self.told.kind);
        let mut words: Vec<String> = self.factor().into_iter().collect();
        if kind == LineKind::Performance {
            return words;
        }
        let earned = f.commission + f.charges + f.performance;
        let (sum, number) = (self.shown(earned), version.number);
        words.extend(match version.terms.minimum {
            Some(_) if !in_force => Some(tell!(
                t,
                "{month} 最后一日无有效协议，不保底。",
                "No contract was in force on the last day of {month}: no minimum.",
            )),
            Some(least) => {
                let (least, added) = (self.shown(least), self.shown(f.minimum));
                Some(tell!(
                    t,
                    "保底 {least}：佣金、收费与奖惩合计 {sum}，补足 {added}。",
                    "Minimum {least}: commission, charges and factor come to {sum}, topped up by {added}.",
                ))
            }
            None if kind == LineKind::Minimum => {
                Some(tell!(t, "第 {number} 版无保底。", "Version {number} has no minimum."))
            }
            None => None,
        });
        if kind == LineKind::Maximum {
            let sum = self.shown(earned + f.minimum);
            words.push(match version.terms.maximum {
                Some(most) => {
                    let (most, cut) = (self.shown(most), self.shown(f.maximum));
                    tell!(
                        t,
                        "封顶 {most}：此前合计 {sum}，调整 {cut}。",
                        "Maximum {most}: what comes before it is {sum}, cut by {cut}.",
                    )
                }
                None => tell!(t, "第 {number} 版无封顶。", "Version {number} has no maximum."),
            });
        }
        words
    }

    fn factor(&self) -> Option<String> {
        let performance = self.told.governing?.version.terms.performance.as_ref()?;
        let (t, month, f) = (self.t, self.told.month, &self.told.figures);
        let Some(graded) = self.told.graded else {
            return Some(tell!(
                t,
                "{month} 关账未留存排名，系数为 1。",
                "The closing of {month} kept no grade: the factor is 1.",
            ));
        };
        let factor = factor_of(self.told.governing, Some(&graded));
        let (commission, fee) = (self.shown(f.commission), self.shown(f.performance));
        let (rank, peers, index) = (graded.rank, graded.peers, graded.shrunk_index);
        let grade = match performance.by {
            By::Rank => tell!(t, "第 {rank} 名（共 {peers}）", "rank {rank} of {peers}"),
            By::Index => tell!(t, "收缩指数 {index}", "shrunk index {index}"),
        };
        Some(tell!(
            t,
            "{month} 关账留存的{grade}对应系数 {factor}：{commission} × ({factor} − 1) = {fee}。",
            "By {grade}, as the closing of {month} found and kept it, the factor is {factor}: {commission} × ({factor} − 1) = {fee}.",
        ))
    }

    /// What is left when earlier statements have had their part.
    fn rest(&self) -> Option<String> {
        let settled = &self.told.settled;
        if settled.statements.is_empty() {
            return None;
        }
        let on: Vec<&str> = settled.statements.iter().map(String::as_str).collect();
        let (on, from) = (on.join(", "), self.shown(settled.sum));
        let to = self.shown(self.told.figures.of(self.told.kind));
        let fee = self.shown(self.told.fee);
        Some(tell!(
            self.t,
            "以前结算单（{on}）已结 {from}；由 {from} 变为 {to}，差额 {to} − {from} = {fee} 即本行。",
            "Earlier statements ({on}) settled {from}; from {from} to {to}: the rest, {to} − {from} = {fee}, is this line.",
        ))
    }
}
