//! The form of an act as somebody fills it in, and what it asks the book to do.

use chrono::NaiveDate;

use crate::hold::HoldKind;
use crate::hold::change::{Change, Holding};
use crate::kernel::calendar::parse_date;
use crate::party::Lang;
use crate::placement::{Action, Instruction};
use crate::web::identity::who::Book;
use crate::web::link::{Link, is_local};
use crate::web::placement::act::Act;

/// The most accounts of one form: more go by the command line and a file.
const MOST: usize = 500;

/// What a form's fields are called and hold, in the order they were sent.
pub(in crate::web) type Pairs = Vec<(String, String)>;

/// What a form asks the book to do.
pub(super) enum Wanted<'a> {
    /// A step on placements.
    Step(Instruction<'a>),
    /// A change of holds.
    Hold(Holding<'a>),
}

/// What was typed.
#[derive(Clone, Default)]
pub(super) struct Typed {
    pub act: String,
    pub accounts: Vec<String>,
    pub on: String,
    pub code: String,
    pub reason: String,
    pub until: String,
    pub outcome: String,
    pub kind: String,
    pub key: String,
    pub back: String,
    /// What was shown, as the page digests it.
    pub seen: String,
    /// Whether only a look is asked for.
    pub look: bool,
}

impl Typed {
    pub fn read(pairs: &Pairs) -> Typed {
        let mut typed = Typed::default();
        for (name, value) in pairs {
            let value = value.trim().to_string();
            match name.as_str() {
                "account" if !typed.accounts.contains(&value) && typed.accounts.len() < MOST => {
                    typed.accounts.push(value)
                }
                "do" => typed.act = value,
                "on" => typed.on = value,
                "code" => typed.code = value,
                "reason" => typed.reason = value,
                "until" => typed.until = value,
                "outcome" => typed.outcome = value,
                "kind" => typed.kind = value,
                "key" => typed.key = value,
                "back" => typed.back = value,
                "seen" => typed.seen = value,
                "look" => typed.look = !value.is_empty(),
                _ => {}
            }
        }
        typed
    }

    /// The page to come back to.
    pub fn back(&self, book: &Book) -> String {
        let usual = || Link::to("/requests").with("lender", &book.lender.code).url();
        if is_local(&self.back) { self.back.clone() } else { usual() }
    }

    pub fn on(&self) -> Option<NaiveDate> {
        parse_date(&self.on)
    }

    /// The step that the form asks for, as far as it is filled in: a decision grants unless it says no, and a new last
    /// day that is not given may be any. Holds are no step.
    pub fn step<'a>(&'a self, act: Act, book: &'a Book, on: NaiveDate) -> Option<Instruction<'a>> {
        let granted = self.outcome != "no";
        let why = (!self.reason.is_empty()).then_some(self.reason.as_str());
        let until = parse_date(&self.until).unwrap_or(NaiveDate::MAX);
        let action = match act {
            Act::Recall => Action::RequestRecall(&self.code),
            Act::RecallNow => Action::RecallNow(&self.code),
            Act::DecideRecall => Action::DecideRecall(granted, why),
            Act::DecideReturn => Action::DecideReturn(granted, why),
            Act::DecideRetention => Action::DecideRetention(granted, why),
            Act::Retain => Action::AskRetention(until, &self.reason),
            Act::Transfer => Action::Transfer(&self.code),
            Act::Acknowledge => Action::Acknowledge,
            Act::Object => Action::Object(&self.reason),
            Act::Return => Action::AskReturn(&self.reason),
            Act::HoldOpen | Act::HoldEnd => return None,
        };
        Some(Instruction { action, agency: book.agency.as_deref(), on })
    }

    /// The change of holds that the form asks for, as far as it is filled in.
    pub fn holding(&self, act: Act, on: NaiveDate) -> Option<Holding<'_>> {
        let change = match act {
            Act::HoldOpen => Change::Open(parse_date(&self.until)),
            Act::HoldEnd => Change::End,
            _ => return None,
        };
        let kind = HoldKind::parse(&self.kind)?;
        Some(Holding { change, kind, reason: &self.reason, on })
    }

    /// What is wanted, or what is wrong with what was typed.
    pub fn wanted<'a>(&'a self, act: Act, book: &'a Book, t: Lang) -> Result<Wanted<'a>, String> {
        let day =
            |text: &str| parse_date(text).ok_or_else(|| format!("{} \"{text}\"", t.refused_day()));
        let missing = |what: &str| format!("{} {what}", t.act_missing());
        let on = day(&self.on)?;
        if act.takes_code() && self.code.is_empty() {
            return Err(missing(t.act_code()));
        }
        if act.needs_reason() && self.reason.is_empty() {
            return Err(missing(t.reason()));
        }
        if act.decides() && !matches!(self.outcome.as_str(), "yes" | "no") {
            return Err(missing(t.decision()));
        }
        if act == Act::Retain || act == Act::HoldOpen && !self.until.is_empty() {
            day(&self.until)?;
        }
        match self.step(act, book, on) {
            Some(step) => Ok(Wanted::Step(step)),
            None => self.holding(act, on).map(Wanted::Hold).ok_or_else(|| missing(t.kind())),
        }
    }
}
