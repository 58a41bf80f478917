//! Placements in words: why a step or a hold is refused.

use crate::audit::ClosedMonth;
use crate::db::Trouble;
use crate::hold::change::{HoldError, HoldRefusal};
use crate::kernel::Lang;
use crate::placement::{CloseReason, PlacementError, Refusal};

impl PlacementError {
    /// The refusal, for whoever reads it on a page.
    pub fn words(&self, t: Lang) -> String {
        match self {
            PlacementError::ClosedMonth(month) => month.words(t),
            PlacementError::NoLender(_) => t.no_lender().to_string(),
            PlacementError::NoAssignee(code) => t.no_assignee(code),
            PlacementError::Refused(account_no, refusal) => {
                format!("{account_no} {}", refusal.words(t))
            }
            PlacementError::ReasonText(_) => t.refused_reason().to_string(),
            PlacementError::Reason(_) => t.refused_code().to_string(),
            PlacementError::Contract(error) => error.words(t),
            PlacementError::Sheet(error) => error.words(t),
            PlacementError::Ledger(error) => error.words(t),
            PlacementError::Db(error) => Trouble::of(error).told(t),
        }
    }
}

impl Refusal {
    /// In words, to stand behind the account.
    pub fn words(&self, t: Lang) -> String {
        match self {
            Refusal::NeverPlaced(on) => tell!(t, "在 {on} 未委出", "is not placed on {on}"),
            Refusal::NotYet(from) => tell!(t, "自 {from} 起才委出", "is placed only from {from}"),
            Refusal::Closed(on, reason) => {
                let reason = reason.map_or("", |reason: CloseReason| reason.word(t));
                let small = reason.to_lowercase();
                tell!(
                    t,
                    "委案已于 {on} 关闭（{reason}）",
                    "is not placed: its placement closed on {on} ({small})"
                )
            }
            Refusal::RanOut(on) => {
                tell!(t, "委案已于 {on} 到期", "is not placed: its placement ran out on {on}")
            }
            Refusal::RecallFinal(on) => {
                tell!(t, "撤案已于 {on} 生效", "is not placed: its recall became final on {on}")
            }
            Refusal::NotHeldBy(agency) => {
                tell!(t, "不在 {agency} 手中", "is not in the hands of {agency}")
            }
            Refusal::RecallPending(on) => {
                tell!(t, "已于 {on} 申请撤案，尚未生效", "has a recall pending since {on}")
            }
            Refusal::NoRecall => tell!(t, "没有待决的撤案", "has no recall pending"),
            Refusal::Before(day) => tell!(
                t,
                "日期早于 {day} 的前一步",
                "cannot be answered before {day}, the day of what it answers; use that day or a later one"
            ),
            Refusal::Acknowledged(on) => {
                tell!(t, "已于 {on} 确认停催", "was acknowledged on {on} already")
            }
            Refusal::Objected(on) => {
                tell!(t, "已于 {on} 提出异议", "was objected to on {on} already")
            }
            Refusal::ReturnPending(on) => {
                tell!(t, "已于 {on} 申请退案，待决", "has a return pending since {on}")
            }
            Refusal::NoReturn => tell!(t, "没有待决的退案", "has no return pending"),
            Refusal::RetentionPending(on) => {
                tell!(t, "已于 {on} 申请留案，待决", "has a retention pending since {on}")
            }
            Refusal::NoRetention => tell!(t, "没有待决的留案", "has no retention pending"),
            Refusal::LastDay(on) => tell!(
                t,
                "留案须在到期日 {on} 之前申请和决定",
                "runs out on {on}; a retention is asked for and decided before that day"
            ),
            Refusal::NotLater(until, now) => tell!(
                t,
                "新到期日 {until} 不晚于现到期日 {now}",
                "would be kept until {until}, which is no later than its last day {now}"
            ),
        }
    }
}

impl ClosedMonth {
    /// That the day lies in a closed month, and from when on it would not.
    pub fn words(&self, t: Lang) -> String {
        format!("{} {}", t.refused_closed_month(), self.open)
    }
}

impl HoldError {
    /// The refusal, for whoever reads it on a page.
    pub fn words(&self, t: Lang) -> String {
        match self {
            HoldError::NoLender(_) => t.no_lender().to_string(),
            HoldError::ClosedMonth(month) => month.words(t),
            HoldError::Refused(account_no, refusal) => {
                format!("{account_no} {}", refusal.words(t))
            }
            HoldError::Reason(_) => t.refused_reason().to_string(),
            HoldError::Until(..) => t.refused_until().to_string(),
            HoldError::Sheet(error) => error.words(t),
            HoldError::Placement(error) => error.words(t),
            HoldError::Db(error) => Trouble::of(error).told(t),
        }
    }
}

impl HoldRefusal {
    /// In words, to stand behind the account.
    pub fn words(&self, t: Lang) -> String {
        match self {
            HoldRefusal::Unknown => {
                tell!(t, "不在账簿中", "is not known; import the portfolio that has it first")
            }
            HoldRefusal::Runs(from) => {
                tell!(t, "自 {from} 起已有同类停催", "has a hold of this type from {from} already")
            }
            HoldRefusal::None => tell!(t, "没有此类停催", "has no hold of this type to end"),
            HoldRefusal::NotYet(from) => tell!(
                t,
                "停催自 {from} 起，不能早于该日结束",
                "is held only from {from}; end the hold on that day or later"
            ),
        }
    }
}
