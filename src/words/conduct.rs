//! Conduct in words: why what is said of a complaint, a contact or an evaluation is refused.

use crate::conduct::ConductError;
use crate::conduct::policy::{Allowed, Figure};
use crate::db::Trouble;
use crate::hold::HoldKind;
use crate::party::Lang;

impl ConductError {
    /// The refusal, for whoever reads it on a page.
    pub fn words(&self, t: Lang) -> String {
        match self {
            ConductError::NoLender(_) => t.no_lender().to_string(),
            ConductError::NoAssignee(code) => t.no_assignee(code),
            ConductError::NoAccount(no) => tell!(
                t,
                "案件 {no} 不在账簿中，请先导入含该案件的资产包",
                "account {no} is not known; import the portfolio that has it first"
            ),
            ConductError::Future(day, today) => tell!(
                t,
                "日期 {day} 晚于今天（{today}）；未作任何记录，请更正日期",
                "{day} lies after today, {today}; nothing was recorded. Correct the day"
            ),
            ConductError::Formula => tell!(
                t,
                "投诉编号不能以 =、+、-、@ 开头，请换一个编号",
                "the reference begins like a formula (=, +, -, @); give the case another one"
            ),
            ConductError::CaseKnown(case) => tell!(
                t,
                "投诉编号 {case} 已用于另一内容，请换一个编号",
                "case {case} is known with other content; give the complaint another reference"
            ),
            ConductError::NoCase(case) => {
                tell!(t, "没有编号为 {case} 的投诉", "there is no case {case}")
            }
            ConductError::Decided { case, on, decision_no, .. } => tell!(
                t,
                "投诉 {case} 已于 {on} 处理（第 {decision_no} 次）；请刷新后再更正",
                "case {case} was decided on {on} (decision {decision_no}); load the page again to correct it"
            ),
            ConductError::Corrects { case, named, newest } => tell!(
                t,
                "投诉 {case} 的最新处理是第 {newest} 次，不是第 {named} 次；请刷新后再更正",
                "the newest decision of case {case} is {newest}, not {named}; load the page again to correct it"
            ),
            ConductError::TooEarly(on, received) => tell!(
                t,
                "处理日期 {on} 早于投诉日期 {received}",
                "the decision of {on} lies before the complaint, which was received on {received}"
            ),
            ConductError::Deduction(text) => tell!(
                t,
                "扣款须在投诉属实时填写，且金额大于零；所填为 {text}",
                "a deduction needs an upheld complaint and a positive amount; it is {text}"
            ),
            ConductError::DeductionAmount(text, fault) => {
                let fault = fault.words(t);
                tell!(t, "扣款 {text} {fault}", "the deduction {text} {fault}")
            }
            ConductError::Words(_, most) => tell!(
                t,
                "文字须为 1 至 {most} 个可打印字符",
                "texts must have 1 to {most} printable characters"
            ),
            ConductError::Result(result) => tell!(
                t,
                "评估结果 {result} 不在 0 至 100 之间",
                "the result {result} is outside 0 to 100"
            ),
            ConductError::Span(from, to) => tell!(
                t,
                "起始日 {from} 晚于截止日 {to}",
                "the days run backwards: from {from} to {to}"
            ),
            ConductError::Placement(error) => error.words(t),
            ConductError::Contract(error) => error.words(t),
            ConductError::Db(error) => Trouble::of(error).told(t),
        }
    }
}

impl Figure {
    /// In words; figures and days stand as they are.
    pub fn words(self, t: Lang) -> String {
        match self {
            Figure::Held(held) => {
                let (from, kind) = (held.from_on, HoldKind::parse(held.kind));
                let kind = kind.map_or(held.kind, |kind| t.hold_kind(kind));
                tell!(t, "{kind} {from} 起", "{kind} from {from}")
            }
            Figure::StopContact => t.stop_contact().to_string(),
            Figure::At(_) | Figure::Count(_) | Figure::On(_) => self.to_string(),
        }
    }
}

impl Allowed {
    /// In words; figures, hours and days stand as they are.
    pub fn words(self, t: Lang) -> String {
        match self {
            Allowed::NoneWhileHeld => t.none_while_held().to_string(),
            Allowed::NeverPlaced => t.never_placed_by_then().to_string(),
            Allowed::OutsideHours(..) | Allowed::Count(_) | Allowed::Until(_) => self.to_string(),
        }
    }
}
