//! Opening and ending holds (停催) by hand. A hold pauses contact and keeps an account from being placed; a placement,
//! its term and its payments go on.

use std::collections::{HashMap, HashSet};
use std::fmt;

use chrono::NaiveDate;
use diesel::QueryResult;
use serde_json::json;

use super::{Hold, HoldKind, NewHold, store};
use crate::audit::{Act, By, ClosedMonth};
use crate::db::{Db, keys_json, write};
use crate::kernel::text::{ReasonLength, check_reason};
use crate::party::{self, Lang};
use crate::placement::PlacementError;
use crate::placement::expire::record_expiries;
use crate::portfolio;
use crate::portfolio::named::{CHUNK, Named, NamedAccount, RefusedAccount};
use crate::sheet::SheetError;

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
    pub refused: Vec<RefusedAccount<HoldRefusal>>,
}

/// Why holds are neither opened nor ended at all.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// The lender is unknown.
    #[error("there is no lender {0}; run `consign setup` with a parties file that has it")]
    NoLender(String),
    /// The day lies in a closed month.
    #[error(transparent)]
    ClosedMonth(#[from] ClosedMonth),
    /// The hold of one account is refused.
    #[error("account {0} {1}; nothing was changed")]
    Refused(String, HoldRefusal),
    /// The reason is empty or too long.
    #[error(transparent)]
    Reason(#[from] ReasonLength),
    /// A hold would end before it begins.
    #[error("a hold from {0} cannot last until {1}; give a last day that is not before the first")]
    Until(NaiveDate, NaiveDate),
    /// The file of accounts cannot be used.
    #[error(transparent)]
    Sheet(#[from] SheetError),
    /// What was over before the day cannot be recorded.
    #[error(transparent)]
    Placement(#[from] PlacementError),
    /// The database failed.
    #[error("{}", crate::db::told(.0))]
    Db(#[from] diesel::result::Error),
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
) -> Result<Held, HoldError> {
    let accounts = named.read()?;
    write(db, lender, |db| change_within(db, lender, named, &accounts, holding, by))
}

/// Opens or ends holds inside the writer's transaction, on accounts that were read before.
pub fn change_within(
    db: &mut Db,
    lender: &str,
    named: &Named<'_>,
    accounts: &[NamedAccount],
    holding: Holding<'_>,
    by: &By,
) -> Result<Held, HoldError> {
    check_reason(holding.reason)?;
    if let Change::Open(Some(until)) = holding.change
        && until < holding.on
    {
        return Err(HoldError::Until(holding.on, until));
    }
    party::store::lender(db, lender)?.ok_or_else(|| HoldError::NoLender(lender.to_string()))?;
    crate::audit::book(db, lender)?.check_open(holding.on)?;
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
                    let account_no = account_no.to_string();
                    done.refused.push(RefusedAccount { line, account_no, reason });
                }
            }
        }
    }
    if let (Named::Account(account_no), Some(refused)) = (named, done.refused.first()) {
        return Err(HoldError::Refused((*account_no).to_string(), refused.reason.clone()));
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
    accounts: &[NamedAccount],
    holding: Holding<'_>,
) -> QueryResult<Vec<RefusedAccount<HoldRefusal>>> {
    let mut refused = Vec::new();
    for chunk in accounts.chunks(CHUNK) {
        let judged = judged(db, lender, chunk, holding)?.into_iter();
        refused.extend(judged.filter_map(|(line, account_no, _, reason)| {
            Some(RefusedAccount { line, account_no: account_no.to_string(), reason: reason? })
        }));
    }
    Ok(refused)
}

/// A named account with its holds of the type that go on, and why they are left alone.
type Judged<'a> = (Option<u64>, &'a str, Vec<Hold>, Option<HoldRefusal>);

fn judged<'a>(
    db: &mut Db,
    lender: &str,
    accounts: &'a [NamedAccount],
    holding: Holding<'_>,
) -> QueryResult<Vec<Judged<'a>>> {
    let keys = keys_json(accounts.iter().map(|one| one.account_no.as_str()));
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
    let judge = |NamedAccount { line, account_no }: &'a NamedAccount| {
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
) -> Result<(), HoldError> {
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
