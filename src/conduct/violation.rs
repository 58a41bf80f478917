//! What the contacts of a span of days violate, worked out on reading from the facts known at a number of the book.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use diesel::QueryResult;

use super::contact_store as store;
use super::policy::{Allowed, Figure, HeldBy, Judged, Policy, Rule, hands, violations};
use super::{ConductError, Contact};
use crate::db::{Db, keys_json};
use crate::hold::{Hold, HoldKind};
use crate::party::{self, Lang};
use crate::placement::{self, Placement};
use crate::table::{Column, Value};

/// A contact against a rule, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The contact.
    pub contact: Contact,
    /// The rule.
    pub rule: Rule,
    /// What was found.
    pub figure: Figure,
    /// What the rule allows.
    pub limit: Allowed,
    /// What was found by the agency's own contacts alone; see [`super::policy::Violation::own`].
    pub own: Option<Figure>,
    /// Whether the agency has ever held the account: of another one it is told nothing.
    pub of_own_account: bool,
}

/// Contacts worked on at once; a day is never divided.
const CHUNK: i64 = 20_000;

/// What is violated in a span of days, in order of day, time, agency, reference and rule.
pub fn found(
    db: &mut Db,
    lender: &str,
    from: NaiveDate,
    to: NaiveDate,
    agency: Option<&str>,
) -> Result<Vec<Found>, ConductError> {
    if to < from {
        return Err(ConductError::Span(from, to));
    }
    party::store::lender(db, lender)?.ok_or_else(|| ConductError::NoLender(lender.to_string()))?;
    if let Some(code) = agency
        && !party::store::assignees(db, lender)?.iter().any(|assignee| assignee.code == code)
    {
        return Err(ConductError::NoAssignee(code.to_string()));
    }
    let mut found = Vec::new();
    each(db, lender, from, to, i64::MAX, |one| {
        if agency.is_none_or(|agency| agency == one.contact.agency) {
            found.push(one);
        }
    })?;
    Ok(found)
}

/// Walks what is violated in a span of days, as known when the book stood at `known_seq`.
pub fn each(
    db: &mut Db,
    lender: &str,
    from: NaiveDate,
    to: NaiveDate,
    known_seq: i64,
    mut each: impl FnMut(Found),
) -> QueryResult<()> {
    let days = store::days(db, lender, from, to)?;
    if days.is_empty() {
        return Ok(());
    }
    let mut known = Known {
        policies: store::policies(db, lender)?,
        holds: Holds::load(db, lender, from, to, known_seq)?,
        placements: HashMap::new(),
        known_seq,
    };
    let mut rest = days.as_slice();
    while let [first, ..] = rest {
        let mut count = 0;
        let fits = |day: &&store::DayCount| {
            count += day.contacts;
            count <= CHUNK
        };
        let (chunk, later) = rest.split_at(rest.iter().take_while(fits).count().max(1));
        let last = chunk.last().map_or(first.day, |last| last.day);
        let contacts = store::of_days(db, lender, first.day, last, known_seq)?;
        known.load_placements(db, lender, &contacts)?;
        for of_day in contacts.chunk_by(|a, b| a.day() == b.day()) {
            let judged: Vec<Judged<'_>> =
                of_day.iter().map(|contact| known.judged(contact)).collect();
            for one in violations(&judged) {
                let contact = judged[one.index].contact.clone();
                let of_own_account = known.has_held(&contact);
                let (rule, figure, limit, own) = (one.rule, one.figure, one.limit, one.own);
                each(Found { contact, rule, figure, limit, own, of_own_account });
            }
        }
        rest = later;
    }
    Ok(())
}

/// What the book knows that matters for some days.
struct Known {
    policies: HashMap<i64, Policy>,
    holds: Holds,
    /// Placements by account, of every account looked at so far: the same accounts are contacted day after day.
    placements: HashMap<String, Vec<Placement>>,
    known_seq: i64,
}

impl Known {
    fn load_placements(
        &mut self,
        db: &mut Db,
        lender: &str,
        contacts: &[Contact],
    ) -> QueryResult<()> {
        let accounts = contacts.iter().map(|contact| contact.account_no.as_str());
        let fresh: HashSet<&str> =
            accounts.filter(|account_no| !self.placements.contains_key(*account_no)).collect();
        if fresh.is_empty() {
            return Ok(());
        }
        let found = placement::store::of_accounts(db, lender, &keys_json(fresh.iter().copied()))?;
        self.placements
            .extend(fresh.into_iter().map(|account_no| (account_no.to_string(), Vec::new())));
        for placement in found.iter().filter(|placement| placement.seq <= self.known_seq) {
            let known = placement.known_at(self.known_seq);
            self.placements.entry(known.account_no.clone()).or_default().push(known);
        }
        Ok(())
    }

    /// Whether the agency of a contact holds its account or has held it.
    fn has_held(&self, contact: &Contact) -> bool {
        let placements = self.placements.get(&contact.account_no).into_iter().flatten();
        placements.into_iter().any(|placement| placement.assignee == contact.agency)
    }

    fn judged<'a>(&self, contact: &'a Contact) -> Judged<'a> {
        let day = contact.day();
        let placements = self.placements.get(&contact.account_no).map_or(&[][..], Vec::as_slice);
        Judged {
            contact,
            policy: self.policies.get(&contact.seq).copied().unwrap_or_default(),
            hands: hands(placements, &contact.agency, day),
            held: self.holds.on(contact),
        }
    }
}

/// The holds of a span of days: on accounts, and on all accounts of a debtor.
struct Holds {
    accounts: HashMap<String, Vec<Hold>>,
    debtors: HashMap<String, Vec<OfDebtor>>,
}

/// A hold on an account of a debtor, and the days on which the account was the debtor's: it may become another's later.
struct OfDebtor {
    hold: Hold,
    /// From this day on; from the beginning when nothing is known from before.
    from: Option<NaiveDate>,
    /// Before this day; to this day when the account is still the debtor's.
    before: Option<NaiveDate>,
}

impl OfDebtor {
    fn stops(&self, day: NaiveDate) -> bool {
        self.from.is_none_or(|from| from <= day)
            && self.before.is_none_or(|before| day < before)
            && stops(&self.hold, day)
    }
}

impl Holds {
    fn load(
        db: &mut Db,
        lender: &str,
        from: NaiveDate,
        to: NaiveDate,
        known_seq: i64,
    ) -> QueryResult<Holds> {
        let mut accounts: HashMap<String, Vec<Hold>> = HashMap::new();
        for hold in store::holds(db, lender, from, to, known_seq)? {
            accounts.entry(hold.account_no.clone()).or_default().push(hold);
        }
        let of_debtor = |holds: &&Vec<Hold>| holds.iter().any(|hold| hold.kind.holds_debtor());
        let held = accounts.iter().filter(|(_, holds)| of_debtor(holds)).map(|(no, _)| no.as_str());
        let files = store::debtors(db, lender, &keys_json(held), known_seq)?;
        let mut debtors: HashMap<String, Vec<OfDebtor>> = HashMap::new();
        for of_account in files.chunk_by(|a, b| a.account_no == b.account_no) {
            let holds = accounts.get(&of_account[0].account_no).into_iter().flatten();
            for hold in holds.filter(|hold| hold.kind.holds_debtor()) {
                for (i, file) in of_account.iter().enumerate() {
                    let from = (i > 0).then_some(file.as_of);
                    let before = of_account.get(i + 1).map(|next| next.as_of);
                    let held = OfDebtor { hold: hold.clone(), from, before };
                    debtors.entry(file.debtor_ref.clone()).or_default().push(held);
                }
            }
        }
        Ok(Holds { accounts, debtors })
    }

    /// The first hold that stops a contact: on its account, else on another account of the debtor.
    fn on(&self, contact: &Contact) -> Option<HeldBy> {
        let day = contact.day();
        let of_account = self.accounts.get(&contact.account_no).into_iter().flatten();
        let of_debtor = self.debtors.get(&contact.debtor_ref).into_iter().flatten();
        let of_debtor = of_debtor.filter(|held| held.stops(day)).map(|held| &held.hold);
        let hold = of_account.filter(|hold| stops(hold, day)).chain(of_debtor).next()?;
        Some(HeldBy { kind: hold.kind.name(), from_on: hold.from_on })
    }
}

/// Whether a hold makes a contact of a day wrong. A complaint's counts from the day after it was received: the contact
/// complained of is often one of that very day, and a hold has no hour.
fn stops(hold: &Hold, day: NaiveDate) -> bool {
    hold.holds_on(day) && !(hold.kind == HoldKind::Complaint && hold.from_on == day)
}

impl Found {
    /// The violation as its agency is told of it: what its own contacts come to, and nothing of the debtor.
    pub fn told_to_agency(self) -> Option<Found> {
        let figure = self.own.filter(|_| self.of_own_account)?;
        let contact = Contact { debtor_ref: String::new(), ..self.contact };
        Some(Found { contact, figure, ..self })
    }
}

const AGENCY: Column<Found> =
    Column::<Found>::text("agency", Lang::agency, |one, _| (&one.contact.agency).into()).folded();
const REFERENCE: Column<Found> =
    Column::<Found>::text("reference", Lang::reference, |one, _| (&one.contact.reference).into())
        .folded();
const ACCOUNT_NO: Column<Found> =
    Column::<Found>::text("account_no", Lang::account, |one, _| (&one.contact.account_no).into());
const DEBTOR_REF: Column<Found> =
    Column::<Found>::text("debtor_ref", Lang::debtor_ref, |one, _| {
        (&one.contact.debtor_ref).into()
    });
const AT: Column<Found> = Column::<Found>::text("at", Lang::contacted_at, |one, _| {
    one.contact.at.format("%Y-%m-%d %H:%M:%S").to_string().into()
});
const CHANNEL: Column<Found> = Column::<Found>::text("channel", Lang::channel, |one, t| {
    Value::Named(one.contact.channel.name(), t.contact_channel(one.contact.channel))
})
.folded();
const OUTCOME: Column<Found> = Column::<Found>::text("outcome", Lang::outcome_word, |one, t| {
    Value::Named(one.contact.outcome.name(), t.contact_outcome(one.contact.outcome))
})
.folded();
const RULE: Column<Found> = Column::<Found>::text("rule", Lang::rule, |one, t| {
    Value::Named(one.rule.name(), t.rule_of_policy(one.rule))
});
const FIGURE: Column<Found> = Column::<Found>::text("figure", Lang::found_word, |one, t| {
    Value::Told(one.figure.to_string(), one.figure.words(t))
})
.folded();
const LIMIT: Column<Found> = Column::<Found>::text("limit", Lang::limit_word, |one, t| {
    Value::Told(one.limit.to_string(), one.limit.words(t))
})
.folded();
/// The number that was called, which only a page knows, masked.
const NUMBER: Column<Found> =
    Column::<Found>::text("number", Lang::number_word, |_, _| Value::Nothing).folded();

/// What files have of a violation.
pub const FILE: &[Column<Found>] =
    &[AGENCY, REFERENCE, ACCOUNT_NO, DEBTOR_REF, AT, CHANNEL, OUTCOME, RULE, FIGURE, LIMIT];

/// What a lender's page has.
pub const PAGE: &[Column<Found>] =
    &[AT, AGENCY, RULE, FIGURE, LIMIT, ACCOUNT_NO, NUMBER, CHANNEL, OUTCOME, REFERENCE];

/// What an agency's page has.
pub const OWN_PAGE: &[Column<Found>] =
    &[AT, RULE, FIGURE, LIMIT, ACCOUNT_NO, CHANNEL, OUTCOME, REFERENCE];
