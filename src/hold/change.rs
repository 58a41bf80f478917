//! Opening and ending holds (停催) by hand. A hold pauses contact and keeps an account from being placed; a placement,
//! its term and its payments go on.

use std::collections::{HashMap, HashSet};
use std::fmt;

use chrono::NaiveDate;
use diesel::QueryResult;
use serde_json::json;

use super::{Hold, HoldKind, NewHold, store};
use crate::audit::{Act, By};
use crate::db::{Db, keys_json, write};
use crate::party::{self, Lang};
use crate::placement::step::{Accounts, CHUNK, Named, check_reason};
use crate::placement::{PlacementError, check_open, expire::record_expiries};
use crate::portfolio;

/// What is done with holds of a type.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// They begin, perhaps with a last day.
    Open(Option<NaiveDate>),
    /// They end: the day given is the first free one.
    End,
}

/// A change of holds: of which type, why, from when.
#[derive(Clone, Copy, Debug)]
pub struct Holding<'a> {
    /// What is done.
    pub change: Change,
    /// The type.
    pub kind: HoldKind,
    /// Why.
    pub reason: &'a str,
    /// The day.
    pub on: NaiveDate,
}

/// What was done.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Held {
    /// Accounts on which a hold was opened or ended.
    pub done: usize,
    /// Accounts on which none was, with the reason.
    pub refused: Vec<NotHeld>,
}

/// An account whose holds were left alone.
#[derive(Clone, Debug, serde::Serialize)]
pub struct NotHeld {
    /// Its line in the file, when a file names it.
    pub line: Option<u64>,
    /// The account.
    pub account_no: String,
    /// Why.
    pub reason: HoldRefusal,
}

/// Why a hold is neither opened nor ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HoldRefusal {
    /// No file knows the account.
    Unknown,
    /// A hold of the type runs, or begins later.
    Runs(NaiveDate),
    /// No hold of the type runs.
    None,
    /// The hold begins later.
    NotYet(NaiveDate),
}

impl fmt::Display for HoldRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words(Lang::En))
    }
}

impl serde::Serialize for HoldRefusal {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Opens or ends holds on named accounts. On a single account that refuses it nothing changes at all.
pub fn change(
    db: &mut Db,
    lender: &str,
    named: &Named<'_>,
    holding: Holding<'_>,
    by: &By,
) -> Result<Held, PlacementError> {
    let accounts = named.read()?;
    write(db, lender, |db| change_within(db, lender, named, &accounts, holding, by))
}

/// Opens or ends holds inside the writer's transaction, on accounts that were read before.
pub fn change_within(
    db: &mut Db,
    lender: &str,
    named: &Named<'_>,
    accounts: &Accounts,
    holding: Holding<'_>,
    by: &By,
) -> Result<Held, PlacementError> {
    check_reason(holding.reason)?;
    if let Change::Open(Some(until)) = holding.change
        && until < holding.on
    {
        return Err(PlacementError::Until(holding.on, until));
    }
    party::store::lender(db, lender)?
        .ok_or_else(|| PlacementError::NoLender(lender.to_string()))?;
    check_open(&crate::audit::book(db, lender)?, holding.on)?;
    record_expiries(db, lender, holding.on, by)?;
    let mut act = Act::begin(db, lender, by)?;
    let mut done = Held::default();
    for chunk in accounts.chunks(CHUNK) {
        for (line, account_no, running, refused) in judged(db, lender, chunk, holding)? {
            match refused {
                None => {
                    done.done += 1;
                    carry_out(db, &mut act, holding, account_no, &running)?;
                }
                Some(reason) => {
                    done.refused.push(NotHeld { line, account_no: account_no.to_string(), reason })
                }
            }
        }
    }
    if let (Named::Account(account_no), Some(refused)) = (named, done.refused.first()) {
        return Err(PlacementError::Hold((*account_no).to_string(), refused.reason.clone()));
    }
    if done.done > 0 {
        let kind =
            if matches!(holding.change, Change::End) { "holds ended" } else { "holds opened" };
        let summary = json!({"on": holding.on.to_string(), "type": holding.kind.name(), "reason": holding.reason, "accounts": done.done});
        act.finish(db, kind, &summary)?;
    }
    Ok(done)
}

/// Accounts that a change of holds would leave alone, with the reason; nothing is written.
pub fn left_alone(
    db: &mut Db,
    lender: &str,
    accounts: &Accounts,
    holding: Holding<'_>,
) -> QueryResult<Vec<NotHeld>> {
    let mut refused = Vec::new();
    for chunk in accounts.chunks(CHUNK) {
        let judged = judged(db, lender, chunk, holding)?.into_iter();
        refused.extend(judged.filter_map(|(line, account_no, _, reason)| {
            Some(NotHeld { line, account_no: account_no.to_string(), reason: reason? })
        }));
    }
    Ok(refused)
}

/// A named account with its holds of the type that go on, and why they are left alone.
type Judged<'a> = (Option<u64>, &'a str, Vec<Hold>, Option<HoldRefusal>);

fn judged<'a>(
    db: &mut Db,
    lender: &str,
    accounts: &'a [(Option<u64>, String)],
    holding: Holding<'_>,
) -> QueryResult<Vec<Judged<'a>>> {
    let keys = keys_json(accounts.iter().map(|(_, account_no)| account_no.as_str()));
    let known: HashSet<String> = portfolio::store::stated_of(db, lender, &keys)?
        .into_iter()
        .map(|(account_no, _)| account_no)
        .collect();
    let mut holds: HashMap<String, Vec<Hold>> = HashMap::new();
    for one in store::holds_of(db, lender, &keys)?
        .into_iter()
        .filter(|one| one.kind == holding.kind && one.goes_on(holding.on))
    {
        holds.entry(one.account_no.clone()).or_default().push(one);
    }
    let judge = |(line, account_no): &'a (Option<u64>, String)| {
        let running = holds.remove(account_no).unwrap_or_default();
        let refused = refusal(holding, known.contains(account_no), &running);
        (*line, account_no.as_str(), running, refused)
    };
    Ok(accounts.iter().map(judge).collect())
}

/// Why an account's holds of the type are left alone; `running` are those that go on.
fn refusal(holding: Holding<'_>, known: bool, running: &[Hold]) -> Option<HoldRefusal> {
    if !known {
        return Some(HoldRefusal::Unknown);
    }
    let first = running.iter().map(|one| one.from_on).min();
    let last = running.iter().map(|one| one.from_on).max();
    match (holding.change, first, last) {
        (Change::Open(_), Some(from), _) => Some(HoldRefusal::Runs(from)),
        (Change::End, None, _) => Some(HoldRefusal::None),
        (Change::End, _, Some(from)) if holding.on < from => Some(HoldRefusal::NotYet(from)),
        _ => None,
    }
}

fn carry_out(
    db: &mut Db,
    act: &mut Act,
    holding: Holding<'_>,
    account_no: &str,
    running: &[Hold],
) -> Result<(), PlacementError> {
    match holding.change {
        Change::Open(until) => {
            let Holding { kind, reason, on: from, .. } = holding;
            store::open(
                db,
                act,
                &NewHold { account_no, kind, reason, from, until, by_file: false },
            )?;
        }
        Change::End => {
            for one in running {
                store::end(db, act, account_no, (one.kind, one.seq), holding.on)?;
            }
        }
    }
    Ok(())
}
