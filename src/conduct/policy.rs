//! What a contact violates: pure, from the contacts of one day and what is known of their accounts.
//!
//! The order in which contacts are given decides nothing: they are put in order of time, then agency and reference,
//! and the call that goes beyond a limit is the one that came later in the day.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::{Channel, Contact, Outcome};
use crate::kernel::calendar::plus_days;
use crate::placement::{Life, Placement};

pub use crate::party::ContactPolicy as Policy;

/// A rule of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// No contact in the quiet hours; a letter has no hour.
    QuietHours,
    /// So many effective calls to a debtor on a day.
    EffectiveCalls,
    /// So many unanswered calls to a number on a day.
    Unanswered,
    /// No contact while the account is held (停催).
    Held,
    /// No contact with an account that is not in the agency's hands: not yet, no longer, or never.
    NotInHands,
}

/// All rules, in the order they are listed.
pub const RULES: [Rule; 5] =
    [Rule::QuietHours, Rule::EffectiveCalls, Rule::Unanswered, Rule::Held, Rule::NotInHands];

impl Rule {
    /// The rule as files name it.
    pub fn name(self) -> &'static str {
        match self {
            Rule::QuietHours => "quiet_hours",
            Rule::EffectiveCalls => "effective_calls",
            Rule::Unanswered => "unanswered",
            Rule::Held => "held",
            Rule::NotInHands => "not_in_hands",
        }
    }

    /// Reads a rule's name.
    pub fn parse(text: &str) -> Option<Rule> {
        RULES.into_iter().find(|rule| rule.name() == text)
    }
}

/// Whether an account was in an agency's hands on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hands {
    /// It was.
    Held,
    /// No longer: contact had to stop from this day on.
    StoppedFrom(NaiveDate),
    /// Not by then, or never.
    Never,
}

/// The hold that stopped contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldBy {
    /// Its type.
    pub kind: &'static str,
    /// Since when.
    pub from_on: NaiveDate,
}

/// A contact with everything that a policy looks at.
#[derive(Clone, Debug)]
pub struct Judged<'a> {
    /// The contact.
    pub contact: &'a Contact,
    /// The policy that applied when its file came.
    pub policy: Policy,
    /// Whether the account was in the agency's hands.
    pub hands: Hands,
    /// The hold that was on the account, or on all of the debtor's.
    pub held: Option<HeldBy>,
}

/// A contact against a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which of the contacts given.
    pub index: usize,
    /// The rule.
    pub rule: Rule,
    /// What was found.
    pub figure: String,
    /// What the rule allows.
    pub limit: String,
}

/// What the contacts of one day violate, in order of time, agency, reference and rule. `day` holds all contacts of a
/// lender on that day; those of other agencies count towards a debtor's and a number's limits.
pub fn violations(day: &[Judged<'_>]) -> Vec<Violation> {
    let mut order: Vec<usize> = (0..day.len()).collect();
    order.sort_by(|a, b| {
        let (a, b) = (day[*a].contact, day[*b].contact);
        (a.at, &a.agency, &a.reference).cmp(&(b.at, &b.agency, &b.reference))
    });
    let mut calls: HashMap<&str, i64> = HashMap::new();
    let mut attempts: HashMap<Number<'_>, i64> = HashMap::new();
    let mut found = Vec::new();
    for index in order {
        let one = &day[index];
        let mut against = |rule: Rule, figure: String, limit: String| {
            found.push(Violation { index, rule, figure, limit })
        };
        let (contact, policy) = (one.contact, &one.policy);
        if contact.channel != Channel::Letter && policy.is_quiet(contact.at.time()) {
            let hours = format!("{}-{}", policy.quiet_from_text(), policy.quiet_until_text());
            against(Rule::QuietHours, contact.at.time().format("%H:%M:%S").to_string(), hours);
        }
        match (contact.channel, contact.outcome) {
            (Channel::Call, Outcome::Effective) => {
                let count = calls.entry(&contact.debtor_ref).or_default();
                *count += 1;
                if *count > policy.effective_calls {
                    against(
                        Rule::EffectiveCalls,
                        count.to_string(),
                        policy.effective_calls.to_string(),
                    );
                }
            }
            (Channel::Call, Outcome::Unanswered) => {
                let count = attempts.entry(Number::of(contact)).or_default();
                *count += 1;
                if *count > policy.unanswered {
                    against(Rule::Unanswered, count.to_string(), policy.unanswered.to_string());
                }
            }
            _ => {}
        }
        if let Some(held) = &one.held {
            against(
                Rule::Held,
                format!("{} from {}", held.kind, held.from_on),
                "none while held".to_string(),
            );
        }
        match one.hands {
            Hands::Held => {}
            Hands::StoppedFrom(day) => {
                against(
                    Rule::NotInHands,
                    contact.day().to_string(),
                    plus_days(day, -1).to_string(),
                );
            }
            Hands::Never => against(
                Rule::NotInHands,
                contact.day().to_string(),
                "never placed by then".to_string(),
            ),
        }
    }
    found
}

/// What unanswered calls are counted by. Calls recorded without a number count as made to one number of the debtor, so
/// that leaving it out gains nothing.
#[derive(PartialEq, Eq, Hash)]
enum Number<'a> {
    Digest(&'a str),
    Unknown(&'a str),
}

impl Number<'_> {
    fn of(contact: &Contact) -> Number<'_> {
        contact
            .number_digest
            .as_deref()
            .map_or(Number::Unknown(&contact.debtor_ref), Number::Digest)
    }
}

/// The first day on which the assignee of a placement may no longer contact the debtor, as it stands on a day: the day
/// after its last, or after a recall was asked for that was not withdrawn since (rule 3.4: the agency must stop).
pub fn contact_stops_on(placement: &Placement, day: NaiveDate) -> NaiveDate {
    let over = plus_days(placement.last_day(), 1);
    let by_then = placement.steps.iter().filter(|step| step.on_day <= day);
    let recalled = Life::after(by_then).recall.map(|recall| plus_days(recall.requested_on, 1));
    recalled.map_or(over, |recalled| recalled.min(over))
}

/// Whether an account was in an agency's hands on a day, from all of its placements.
pub fn hands(placements: &[Placement], agency: &str, day: NaiveDate) -> Hands {
    // Placements of an account do not overlap: the last one of the agency begun by the day decides.
    let begun = placements.iter().filter(|one| one.assignee == agency && one.placed_on <= day);
    match begun
        .max_by_key(|one| (one.placed_on, one.placement_no))
        .map(|one| contact_stops_on(one, day))
    {
        None => Hands::Never,
        Some(stops) if stops <= day => Hands::StoppedFrom(stops),
        Some(_) => Hands::Held,
    }
}
