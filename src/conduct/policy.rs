//! What a contact violates: pure, from the contacts of one day and what is known of their accounts.
//!
//! The order in which contacts are given decides nothing: they are put in order of time, then agency and reference,
//! and the call that goes beyond a limit is the one that came later in the day.

use std::collections::HashMap;
use std::fmt;

use chrono::{NaiveDate, NaiveTime};

use super::{Channel, Contact, Outcome};
use crate::kernel::calendar::{Minute, plus_days};
use crate::kernel::enumeration;
use crate::placement::{Life, Placement};

pub use crate::party::ContactPolicy as Policy;

enumeration! {
    /// A rule of a policy.
    pub enum Rule ("rule of conduct") {
        /// No contact in the quiet hours; a letter has no hour.
        QuietHours = "quiet_hours",
        /// So many effective calls to a debtor on a day.
        EffectiveCalls = "effective_calls",
        /// So many unanswered calls to a number on a day.
        Unanswered = "unanswered",
        /// No contact while the account is held (停催).
        Held = "held",
        /// No contact with an account that is not in the agency's hands: not yet, no longer, or never.
        NotInHands = "not_in_hands",
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
    pub figure: Figure,
    /// What the rule allows.
    pub limit: Allowed,
    /// What was found by the agency's own contacts alone, without why an account is held: what the agency answers for
    /// and all that it is told. Nothing when only the contacts of others make it one too many.
    pub own: Option<Figure>,
}

/// What was found, in English where it is displayed: so files have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// A contact at this time.
    At(NaiveTime),
    /// So many calls.
    Count(i64),
    /// A hold.
    Held(HeldBy),
    /// A hold, as an agency is told of it.
    StopContact,
    /// A contact on this day.
    On(NaiveDate),
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Figure::At(time) => write!(f, "{}", time.format("%H:%M:%S")),
            Figure::Count(count) => write!(f, "{count}"),
            Figure::Held(held) => write!(f, "{} from {}", held.kind, held.from_on),
            Figure::StopContact => f.write_str("stop contact"),
            Figure::On(day) => write!(f, "{day}"),
        }
    }
}

/// What a rule allows, in English where it is displayed: so files have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// Contacts outside these hours.
    OutsideHours(Minute, Minute),
    /// So many calls.
    Count(i64),
    /// No contact while held.
    NoneWhileHeld,
    /// Contacts to this day.
    Until(NaiveDate),
    /// No contact before a placement.
    NeverPlaced,
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Allowed::OutsideHours(from, until) => write!(f, "{from}-{until}"),
            Allowed::Count(count) => write!(f, "{count}"),
            Allowed::NoneWhileHeld => f.write_str("none while held"),
            Allowed::Until(day) => write!(f, "{day}"),
            Allowed::NeverPlaced => f.write_str("never placed by then"),
        }
    }
}

/// What the contacts of one day violate, in order of time, agency, reference and rule. `day` holds all contacts of a
/// lender on that day; those of other agencies count towards a debtor's and a number's limits.
pub fn violations(day: &[Judged<'_>]) -> Vec<Violation> {
    let mut order: Vec<usize> = (0..day.len()).collect();
    order.sort_by(|a, b| {
        let (a, b) = (day[*a].contact, day[*b].contact);
        (a.at, &a.agency, &a.reference).cmp(&(b.at, &b.agency, &b.reference))
    });
    let mut counts = Counts::default();
    let mut found = Vec::new();
    for index in order {
        let one = &day[index];
        let against = [quiet(one), counts.too_often(one), not_to_be_contacted(one)];
        found.extend(against.into_iter().flatten().map(|(rule, figure, limit, own)| Violation {
            index,
            rule,
            figure,
            limit,
            own,
        }));
    }
    found
}

/// A rule, what was found, what it allows, and what the agency's own contacts alone come to.
type Against = (Rule, Figure, Allowed, Option<Figure>);

fn quiet(one: &Judged<'_>) -> Option<Against> {
    let (contact, policy) = (one.contact, &one.policy);
    if contact.channel == Channel::Letter || !policy.is_quiet(contact.at.time()) {
        return None;
    }
    let hours = Allowed::OutsideHours(policy.quiet_from, policy.quiet_until);
    let time = Figure::At(contact.at.time());
    Some((Rule::QuietHours, time, hours, Some(time)))
}

/// Whether the account was on hold, or in other hands. Why and since when an account is held that is not in the agency's
/// hands is nothing to it: a contact then is against the hands alone.
fn not_to_be_contacted(one: &Judged<'_>) -> Option<Against> {
    let day = Figure::On(one.contact.day());
    let limit = match one.hands {
        Hands::Held => {
            let held = one.held?;
            let (figure, limit) = (Figure::Held(held), Allowed::NoneWhileHeld);
            return Some((Rule::Held, figure, limit, Some(Figure::StopContact)));
        }
        Hands::StoppedFrom(from) => Allowed::Until(plus_days(from, -1)),
        Hands::Never => Allowed::NeverPlaced,
    };
    Some((Rule::NotInHands, day, limit, Some(day)))
}

/// How often debtors and numbers were called so far on a day: by everybody, and by each agency.
#[derive(Default)]
struct Counts<'a> {
    calls: HashMap<&'a str, i64>,
    own_calls: HashMap<(&'a str, &'a str), i64>,
    attempts: HashMap<Number<'a>, i64>,
    own_attempts: HashMap<(&'a str, Number<'a>), i64>,
}

impl<'a> Counts<'a> {
    /// Counts a call, and says whether it is one too many.
    fn too_often(&mut self, one: &Judged<'a>) -> Option<Against> {
        let (contact, policy) = (one.contact, &one.policy);
        let (rule, all, own, limit) = match (contact.channel, contact.outcome) {
            (Channel::Call, Outcome::Effective) => (
                Rule::EffectiveCalls,
                next(&mut self.calls, &contact.debtor_ref),
                next(&mut self.own_calls, (&contact.agency, &contact.debtor_ref)),
                policy.effective_calls,
            ),
            (Channel::Call, Outcome::Unanswered) => (
                Rule::Unanswered,
                next(&mut self.attempts, Number::of(contact)),
                next(&mut self.own_attempts, (&contact.agency, Number::of(contact))),
                policy.unanswered,
            ),
            _ => return None,
        };
        let own = (own > limit).then_some(Figure::Count(own));
        (all > limit).then_some((rule, Figure::Count(all), Allowed::Count(limit), own))
    }
}

fn next<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, i64>, key: K) -> i64 {
    let count = counts.entry(key).or_default();
    *count += 1;
    *count
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
