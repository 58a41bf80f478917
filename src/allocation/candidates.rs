//! The accounts of a day that a run may take, and why it leaves the others.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::NaiveDate;
use diesel::QueryResult;

use crate::contract::condition::{Conditions, Facts};
use crate::db::Db;
use crate::hold::{self, Hold};
use crate::kernel::calendar::plus_days;
use crate::kernel::progress::Progress;
use crate::kernel::{Money, enumeration};
use crate::party::{Assignee, AssigneeKind, Buckets};
use crate::placement::Span;
use crate::portfolio::{self, FileRow};
use crate::position::{self, Position};

/// An account that can be placed, with the facts a placement would freeze. Its level is the next agency's.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The account.
    pub account_no: String,
    /// The person behind it.
    pub debtor_ref: String,
    /// The facts of the day.
    pub facts: Facts,
    /// What is owed on everything known, for the ledger.
    pub owed: Money,
    /// Everyone who held it before.
    pub held_by: BTreeSet<String>,
    /// Agencies among them.
    pub agencies_before: i64,
    /// Who has it, or had it last.
    pub last_holder: Option<String>,
}

impl Candidate {
    /// The level in an assignee's hands: a team carries the level reached so far, and so does who held it before.
    pub fn level_with(&self, assignee: &Assignee) -> i64 {
        let is_new =
            assignee.kind == AssigneeKind::Agency && !self.held_by.contains(&assignee.code);
        self.agencies_before + i64::from(is_new)
    }
}

/// The accounts of a day.
#[derive(Debug, Default)]
pub struct Candidates {
    /// Accounts that can be placed, in order of account number.
    pub accounts: Vec<Candidate>,
    /// Who holds a debtor's other accounts.
    pub debtor_holders: HashMap<String, String>,
    /// Accounts the run does not take, counted by why.
    pub left: BTreeMap<&'static str, i64>,
}

/// Which accounts a run looks at, and as known when.
pub struct CandidateQuery<'a> {
    /// The lender's code.
    pub lender: &'a str,
    /// The day.
    pub on: NaiveDate,
    /// Which accounts.
    pub filter: &'a Conditions,
    /// The lender's buckets.
    pub buckets: &'a Buckets,
    /// The codes of the agencies among the lender's assignees.
    pub agencies: &'a BTreeSet<String>,
    /// What is known: facts up to this number of the book.
    pub known_seq: i64,
    /// Whether placed accounts are taken as if they were not: for asking what else might be.
    pub as_if_unplaced: bool,
}

/// The codes of the agencies among some assignees.
pub fn agencies(assignees: &[Assignee]) -> BTreeSet<String> {
    let agencies = assignees.iter().filter(|assignee| assignee.kind == AssigneeKind::Agency);
    agencies.map(|assignee| assignee.code.clone()).collect()
}

impl CandidateQuery<'_> {
    fn positions<'k>(
        &self,
        db: &mut Db,
        accounts: impl Iterator<Item = &'k str>,
    ) -> QueryResult<HashMap<String, Position<FileRow>>> {
        if self.known_seq == i64::MAX {
            position::load_rows(db, self.lender, accounts)
        } else {
            position::load_rows_known(db, self.lender, accounts, self.known_seq)
        }
    }
}

/// Looks at every account of the book.
pub fn read(
    db: &mut Db,
    query: &CandidateQuery<'_>,
    progress: &mut dyn Progress,
) -> QueryResult<Candidates> {
    let holds = Holds::load(db, query)?;
    let mut candidates = Candidates::default();
    let mut after = String::new();
    loop {
        let accounts = portfolio::store::accounts_after(db, query.lender, &after, 5_000)?;
        let Some(last) = accounts.last() else { return Ok(candidates) };
        after.clone_from(last);
        let mut positions = query.positions(db, accounts.iter().map(String::as_str))?;
        progress.advance(accounts.len() as u64)?;
        for account_no in accounts {
            let Some(position) = positions.remove(&account_no) else { continue };
            match look(query, &holds, account_no, &position, &mut candidates.debtor_holders) {
                Ok(candidate) => candidates.accounts.push(candidate),
                Err(why) => *candidates.left.entry(why.name()).or_default() += 1,
            }
        }
    }
}

enumeration! {
    /// Why a run does not take an account at all.
    pub enum LeftOut ("reason to leave an account out") {
        /// No file has it.
        NoFile = "in no file",
        /// Somebody has it.
        Placed = "already placed",
        /// Somebody has it from a later day on.
        PlacedLater = "placed later than this day",
        /// It owes nothing.
        OwesNothing = "owes nothing",
        /// Its files are of later days.
        NoFileYet = "in no file of this day or before",
        /// It is not overdue.
        Current = "current (M0)",
        /// Contact is stopped.
        Held = "held",
        /// It owes nothing on the day of the run.
        OwesNothingYet = "owes nothing on this day",
        /// The strategy does not ask for it.
        Filtered = "outside the filter",
    }
}

/// Whether an account can be placed on the day, or why not.
fn look(
    query: &CandidateQuery<'_>,
    holds: &Holds,
    account_no: String,
    position: &Position<FileRow>,
    debtor_holders: &mut HashMap<String, String>,
) -> Result<Candidate, LeftOut> {
    let on = query.on;
    let goes_on = |one: &&Span| one.closed_on.map_or(one.ends_on() >= on, |closed| closed > on);
    let held_now = position.placements.iter().find(|one| one.placed_on <= on && goes_on(one));
    let newest = position.newest().ok_or(LeftOut::NoFile)?;
    if let Some(placement) = held_now.filter(|_| !query.as_if_unplaced) {
        debtor_holders
            .entry(newest.debtor_ref.clone())
            .or_insert_with(|| placement.assignee.clone());
        return Err(LeftOut::Placed);
    }
    if position.placements.iter().any(|one| one.placed_on > on) {
        return Err(LeftOut::PlacedLater);
    }
    if position.owed_known() <= Money::ZERO {
        return Err(LeftOut::OwesNothing);
    }
    let row = position.newest_on(on).ok_or(LeftOut::NoFileYet)?;
    if query.buckets.of(row.days_past_due) == query.buckets.of(0) {
        return Err(LeftOut::Current);
    }
    if holds.hold(&account_no, &row.debtor_ref) {
        return Err(LeftOut::Held);
    }
    // The balance frozen at placing leaves out what is received on the day itself (rule 2.5).
    let before = plus_days(on, -1);
    let received = position
        .receipts
        .iter()
        .filter(|receipt| receipt.received_on > row.as_of && receipt.received_on <= before);
    let balance = row.balance - received.map(|receipt| receipt.reduces).sum();
    if balance <= Money::ZERO {
        return Err(LeftOut::OwesNothingYet);
    }
    // Who would give it up as if it had never had it is no previous holder.
    let before = position
        .placements
        .iter()
        .filter(|one| held_now.is_none_or(|now| now.placement_no != one.placement_no));
    let held_by: BTreeSet<String> = before.map(|one| one.assignee.clone()).collect();
    let agencies_before = crate::kernel::count(held_by.intersection(query.agencies).count());
    let last = position.placements.iter().max_by_key(|one| (one.placed_on, one.placement_no));
    let facts = Facts {
        days_past_due: row.days_past_due,
        level: agencies_before + 1,
        balance,
        bucket: query.buckets.of(row.days_past_due).to_string(),
        product: row.product.clone(),
        region: row.region.clone(),
        charged_off: row.charged_off,
        legal: row.legal,
    };
    if !query.filter.hold(&facts) {
        return Err(LeftOut::Filtered);
    }
    let last_holder = held_now.or(last).map(|one| one.assignee.clone());
    let (debtor_ref, owed) = (row.debtor_ref.clone(), position.owed_known());
    Ok(Candidate { account_no, debtor_ref, facts, owed, held_by, agencies_before, last_holder })
}

/// The holds of a day: on accounts, and on all accounts of a debtor.
struct Holds {
    accounts: HashSet<String>,
    debtors: HashSet<String>,
}

impl Holds {
    fn load(db: &mut Db, query: &CandidateQuery<'_>) -> QueryResult<Holds> {
        let holds = hold::store::holds_known(db, query.lender, query.known_seq)?;
        let active: Vec<Hold> = holds.into_iter().filter(|one| one.holds_on(query.on)).collect();
        let whole: Vec<&str> = active
            .iter()
            .filter(|one| one.kind.holds_debtor())
            .map(|one| one.account_no.as_str())
            .collect();
        let positions = query.positions(db, whole.iter().copied())?;
        let debtors = positions
            .values()
            .filter_map(|position| position.newest())
            .map(|row| row.debtor_ref.clone())
            .collect();
        Ok(Holds {
            accounts: active.into_iter().map(|one| one.opening.account_no).collect(),
            debtors,
        })
    }

    fn hold(&self, account_no: &str, debtor_ref: &str) -> bool {
        self.accounts.contains(account_no) || self.debtors.contains(debtor_ref)
    }
}
