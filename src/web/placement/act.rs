//! What can be done to placements by the pages, in both languages, and the buttons that lead there.

use crate::party::Lang;
use crate::web::identity::who::{Book, Known};

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::web) enum Act {
    /// 撤案
    Recall,
    /// 立即撤案
    RecallNow,
    /// 决定撤案
    DecideRecall,
    /// 决定退案
    DecideReturn,
    /// 决定留案
    DecideRetention,
    /// 申请留案
    Retain,
    /// 转让
    Transfer,
    /// 停催
    HoldOpen,
    /// 解除停催
    HoldEnd,
    /// 确认停催
    Acknowledge,
    /// 提出异议
    Object,
    /// 申请退案
    Return,
}

/// The acts by the names that forms and URLs give them.
const ACTS: [(&str, Act); 12] = [
    ("recall", Act::Recall),
    ("recall-now", Act::RecallNow),
    ("decide-recall", Act::DecideRecall),
    ("decide-return", Act::DecideReturn),
    ("decide-retention", Act::DecideRetention),
    ("retain", Act::Retain),
    ("transfer", Act::Transfer),
    ("hold-open", Act::HoldOpen),
    ("hold-end", Act::HoldEnd),
    ("acknowledge", Act::Acknowledge),
    ("object", Act::Object),
    ("return", Act::Return),
];

impl Act {
    pub(super) fn parse(name: &str) -> Option<Act> {
        ACTS.iter().find(|(known, _)| *known == name).map(|(_, act)| *act)
    }

    pub(super) fn name(self) -> &'static str {
        ACTS.iter().find(|(_, act)| *act == self).map_or("", |(name, _)| name)
    }

    /// Whether people of a lender do it, or people of an agency.
    pub(super) fn is_of(self, book: &Book) -> bool {
        match self {
            Act::Retain => true,
            Act::Acknowledge | Act::Object | Act::Return => book.agency.is_some(),
            _ => book.agency.is_none(),
        }
    }

    pub(super) fn title(self, t: Lang) -> &'static str {
        match self {
            Act::Recall => t.act_recall(),
            Act::RecallNow => t.act_recall_now(),
            Act::DecideRecall => t.act_decide_recall(),
            Act::DecideReturn => t.act_decide_return(),
            Act::DecideRetention => t.act_decide_retention(),
            Act::Retain => t.act_retain(),
            Act::Transfer => t.act_transfer(),
            Act::HoldOpen => t.act_hold_open(),
            Act::HoldEnd => t.act_hold_end(),
            Act::Acknowledge => t.act_acknowledge(),
            Act::Object => t.act_object(),
            Act::Return => t.act_return(),
        }
    }

    /// What will happen, before it does.
    pub(super) fn will(self, t: Lang) -> &'static str {
        match self {
            Act::Recall => t.will_recall(),
            Act::RecallNow => t.will_recall_now(),
            Act::DecideRecall => t.will_decide_recall(),
            Act::DecideReturn => t.will_decide_return(),
            Act::DecideRetention => t.will_decide_retention(),
            Act::Retain => t.will_retain(),
            Act::Transfer => t.will_transfer(),
            Act::HoldOpen => t.will_hold_open(),
            Act::HoldEnd => t.will_hold_end(),
            Act::Acknowledge => t.will_acknowledge(),
            Act::Object => t.will_object(),
            Act::Return => t.will_return(),
        }
    }

    pub(super) fn takes_code(self) -> bool {
        matches!(self, Act::Recall | Act::RecallNow | Act::Transfer)
    }

    pub(super) fn takes_reason(self) -> bool {
        !self.takes_code() && self != Act::Acknowledge
    }

    pub(super) fn needs_reason(self) -> bool {
        self.takes_reason() && !self.decides()
    }

    pub(super) fn takes_until(self) -> bool {
        matches!(self, Act::Retain | Act::HoldOpen)
    }

    pub(super) fn decides(self) -> bool {
        matches!(self, Act::DecideRecall | Act::DecideReturn | Act::DecideRetention)
    }

    pub(super) fn holds(self) -> bool {
        matches!(self, Act::HoldOpen | Act::HoldEnd)
    }

    /// The decisions to choose from: what the form carries, and the word.
    pub(super) fn outcomes(self, t: Lang) -> [(&'static str, &'static str); 2] {
        match self {
            Act::DecideRecall => [("yes", t.outcome_upheld()), ("no", t.outcome_withdrawn())],
            Act::DecideReturn => [("yes", t.outcome_accepted()), ("no", t.outcome_declined())],
            _ => [("yes", t.outcome_approved()), ("no", t.outcome_declined())],
        }
    }
}

/// A button that leads to the page of an act.
pub(in crate::web) struct Button {
    /// The act's name.
    pub name: &'static str,
    /// What it is called.
    pub label: &'static str,
}

/// The buttons of some acts, as far as this person may act and the organisation does them.
pub(in crate::web) fn buttons(who: &Known, book: &Book, acts: &[Act]) -> Vec<Button> {
    use crate::identity::Permission::{ActOnOwnPlacements, ActOnPlacements};
    let may = who.may(if book.agency.is_some() { ActOnOwnPlacements } else { ActOnPlacements });
    let shown = acts.iter().filter(|act| may && act.is_of(book));
    shown.map(|act| Button { name: act.name(), label: act.title(who.t) }).collect()
}
