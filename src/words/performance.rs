//! Performance in words: what the explored accounts say of two assignees, or what is missing for them to say it.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::contract::factor::Parameters;
use crate::party::Lang;
use crate::performance::number::round;
use crate::performance::trial::{Comparison, ExploredRun, FEW};

impl Comparison {
    /// The comparison in a plain sentence.
    pub fn sentence(&self, t: Lang) -> String {
        let points =
            |number: Decimal| round(number * Decimal::ONE_HUNDRED, 1).to_string().replace('-', "−");
        let (a, b) = (&self.champion, &self.challenger);
        let (difference, low, high) =
            (points(self.difference), points(self.range.0), points(self.range.1));
        let (own, other) = self.accounts;
        if self.is_of_few() {
            tell!(
                t,
                "{a} 与 {b} 的同类案件太少，尚不能比较：{own} 户对 {other} 户，各需 {FEW} 户",
                "{a} and {b} have too few like accounts to be compared: {own} and {other}, it takes {FEW} each"
            )
        } else if self.is_clear() {
            tell!(
                t,
                "同类案件上，{a} 的回款率比 {b} 高 {difference} 个百分点；95% 区间 {low} 至 {high}（{own} 户对 {other} 户）",
                "{a} recovers {difference} points more than {b} on like accounts; 95 % range {low} to {high} ({own} and {other} accounts)"
            )
        } else {
            tell!(
                t,
                "同类案件上，{a} 与 {b} 尚难分高下：相差 {difference} 个百分点，95% 区间 {low} 至 {high}（{own} 户对 {other} 户）",
                "{a} and {b} cannot be told apart yet on like accounts: {difference} points, 95 % range {low} to {high} ({own} and {other} accounts)"
            )
        }
    }
}

impl ExploredRun {
    fn sentence(&self, t: Lang, parameters: Parameters) -> String {
        let dealt: Vec<String> =
            self.accounts.iter().map(|(who, count)| format!("{who} {count}")).collect();
        let dealt = dealt.join(if t == Lang::Zh { "、" } else { ", " });
        let (no, on, judged) = (self.run_no, self.placed_on, self.judged_on(parameters));
        tell!(
            t,
            "{on} 的第 {no} 次分案探索 {dealt}；{judged} 起可考核",
            "run {no} of {on} explored {dealt}; judged from {judged}"
        )
    }
}

/// Runs told one by one.
const TOLD_RUNS: usize = 6;

/// What there is and what is missing, a sentence each, where no two assignees can be compared.
pub fn nothing_to_compare(
    t: Lang,
    runs: &[ExploredRun],
    parameters: Parameters,
    on: NaiveDate,
) -> Vec<String> {
    if runs.is_empty() {
        return vec![tell!(
            t,
            "尚无可比：还没有分案做过探索；请在策略中设置 exploration，并等待考核期届满",
            "nothing to compare: no run has explored; allocate with an `exploration` share and wait until the horizon has passed"
        )];
    }
    let of = |which: &dyn Fn(&&ExploredRun) -> bool| -> i64 {
        runs.iter().filter(which).flat_map(|run| run.accounts.values()).sum()
    };
    let judged = of(&|run| parameters.judges(run.placed_on, on));
    let waiting = of(&|run| run.judged_on(parameters) > on);
    let gone = of(&|run| run.placed_on < parameters.first_day(on));
    let (count, months, horizon) = (runs.len(), parameters.window_months, parameters.horizon_days);
    let mut words = vec![tell!(
        t,
        "尚无可比：{count} 次分案做过探索；其案件中 {judged} 户可考核，{waiting} 户未满 {horizon} 天，{gone} 户早于 {months} 个月",
        "nothing to compare yet: {count} runs explored; of their accounts {judged} can be judged, {waiting} are younger than {horizon} days, {gone} began over {months} months ago"
    )];
    let first = runs.iter().map(|run| run.judged_on(parameters)).filter(|day| *day > on).min();
    if judged > 0 {
        words.push(tell!(
            t,
            "可考核的案件中，没有一个分层同时有两家受托方各两户以上：请提高探索比例，或减少分层",
            "of those that can be judged no stratum has two accounts of each of two assignees: explore a larger share, or use fewer strata"
        ));
    }
    words.extend(
        first.map(|day| tell!(t, "下一批自 {day} 起可考核", "the next can be judged on {day}")),
    );
    let newest = runs.iter().rev().take(TOLD_RUNS);
    words.extend(newest.map(|run| run.sentence(t, parameters)));
    words
}
