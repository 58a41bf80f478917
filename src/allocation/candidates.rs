//! The accounts of a day that a run may take, and why it leaves the others.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::NaiveDate;
use diesel::QueryResult;

use super::store;
use crate::contract::condition::{Conditions, Facts};
use crate::db::Db;
use crate::kernel::Money;
use crate::kernel::calendar::plus_days;
use crate::party::{Assignee, AssigneeKind, Buckets};
use crate::placement::Span;
use crate::portfolio::FileRow;
use crate::portfolio::hold::{self, Hold};
use crate::standing::{self, Standing};

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
}

/// The accounts of a day.
#[derive(Debug, Default)]
pub struct Field {
    /// Accounts that can be placed, in order of account number.
    pub candidates: Vec<Candidate>,
    /// Who holds a debtor's other accounts.
    pub debtor_holders: HashMap<String, String>,
    /// Accounts the run does not take, counted by why.
    pub left: BTreeMap<&'static str, i64>,
}

/// What a run asks of the accounts.
pub struct Asked<'a> {
    /// The lender's code.
    pub lender: &'a str,
    /// The day.
    pub on: NaiveDate,
    /// Which accounts.
    pub filter: &'a Conditions,
    /// The lender's buckets.
    pub buckets: &'a Buckets,
    /// The lender's assignees.
    pub assignees: &'a [Assignee],
}

/// Looks at every account of the book.
pub fn field(db: &mut Db, asked: &Asked<'_>) -> QueryResult<Field> {
    let holds = Holds::load(db, asked.lender, asked.on)?;
    let mut field = Field::default();
    let mut after = String::new();
    loop {
        let accounts = store::accounts_after(db, asked.lender, &after, 5_000)?;
        let Some(last) = accounts.last() else { return Ok(field) };
        after.clone_from(last);
        let mut standings = standing::load_rows(db, asked.lender, accounts.iter().map(String::as_str))?;
        for account_no in accounts {
            let Some(standing) = standings.remove(&account_no) else { continue };
            match look(asked, &holds, account_no, &standing, &mut field.debtor_holders) {
                Ok(candidate) => field.candidates.push(candidate),
                Err(why) => *field.left.entry(why).or_default() += 1,
            }
        }
    }
}

/// Whether an account can be placed on the day, or why not.
fn look(
    asked: &Asked<'_>,
    holds: &Holds,
    account_no: String,
    standing: &Standing<FileRow>,
    debtor_holders: &mut HashMap<String, String>,
) -> Result<Candidate, &'static str> {
    let on = asked.on;
    let goes_on = |one: &&Span| one.closed_on.map_or(one.ends_on() >= on, |closed| closed > on);
    let held_now = standing.placements.iter().find(|one| one.placed_on <= on && goes_on(one));
    let newest = standing.newest().ok_or("in no file")?;
    if let Some(placement) = held_now {
        debtor_holders.entry(newest.debtor_ref.clone()).or_insert_with(|| placement.assignee.clone());
        return Err("already placed");
    }
    if standing.placements.iter().any(|one| one.placed_on > on) {
        return Err("placed later than this day");
    }
    if standing.owed_known() <= Money::ZERO {
        return Err("owes nothing");
    }
    let row = standing.newest_on(on).ok_or("in no file of this day or before")?;
    if asked.buckets.of(row.days_past_due) == asked.buckets.of(0) {
        return Err("current (M0)");
    }
    if holds.hold(&account_no, &row.debtor_ref) {
        return Err("held");
    }
    // The balance frozen at placing leaves out what is received on the day itself (DOMAIN 2).
    let before = plus_days(on, -1);
    let received = standing.receipts.iter().filter(|receipt| receipt.received_on > row.as_of && receipt.received_on <= before);
    let balance = row.balance - received.map(|receipt| receipt.reduces).sum();
    if balance <= Money::ZERO {
        return Err("owes nothing on this day");
    }
    let held_by: BTreeSet<String> = standing.placements.iter().map(|one| one.assignee.clone()).collect();
    let is_agency = |code: &&String| asked.assignees.iter().any(|one| one.code == **code && one.kind == AssigneeKind::Agency);
    let agencies_before = i64::try_from(held_by.iter().filter(is_agency).count()).unwrap_or(0);
    let facts = Facts {
        days_past_due: row.days_past_due,
        level: agencies_before + 1,
        balance,
        bucket: asked.buckets.of(row.days_past_due).to_string(),
        product: row.product.clone(),
        region: row.region.clone(),
        charged_off: row.charged_off,
        legal: row.legal,
    };
    if !asked.filter.hold(&facts) {
        return Err("outside the filter");
    }
    Ok(Candidate { account_no, debtor_ref: row.debtor_ref.clone(), facts, owed: standing.owed_known(), held_by, agencies_before })
}

/// The holds of a day: on accounts, and on all accounts of a debtor.
struct Holds {
    accounts: HashSet<String>,
    debtors: HashSet<String>,
}

impl Holds {
    fn load(db: &mut Db, lender: &str, on: NaiveDate) -> QueryResult<Holds> {
        let active: Vec<Hold> = hold::holds(db, lender)?.into_iter().filter(|one| one.holds_on(on)).collect();
        let whole: Vec<&str> = active.iter().filter(|one| one.kind.holds_debtor()).map(|one| one.account_no.as_str()).collect();
        let standings = standing::load_rows(db, lender, whole.iter().copied())?;
        let debtors = standings.values().filter_map(|standing| standing.newest()).map(|row| row.debtor_ref.clone()).collect();
        Ok(Holds { accounts: active.into_iter().map(|one| one.account_no).collect(), debtors })
    }

    fn hold(&self, account_no: &str, debtor_ref: &str) -> bool {
        self.accounts.contains(account_no) || self.debtors.contains(debtor_ref)
    }
}
