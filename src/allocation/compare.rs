//! What if: two strategies on the same accounts, side by side. Nothing is stored.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::AllocationError;
use super::decide::Decision;
use super::estimate::{Given, estimate};
use super::run::{Question, decide};
use crate::contract::factor::Parameters;
use crate::db::{Db, read};
use crate::kernel::progress::Silent;
use crate::kernel::{Money, MoneyRange};
use crate::party;
use crate::performance::number::{ratio, round};

/// One strategy's side.
#[derive(Clone, Debug, Default)]
pub struct Side {
    /// The strategy's name.
    pub name: String,
    /// Its method, as it was done.
    pub method: String,
    /// Whether that is another than was asked for, because nothing has been judged by its own measure.
    pub fell_back: bool,
    /// By assignee.
    pub given: BTreeMap<String, Given>,
    /// Over all.
    pub total: Given,
    /// Accounts left unplaced.
    pub unplaced: i64,
    /// Why, in Chinese and in English, and how many.
    pub unplaced_why: BTreeMap<(String, String), i64>,
    /// Accounts that would go to another than who has or last had them.
    pub moved: i64,
    /// Accounts that somebody has or had.
    pub had: i64,
    /// How unlike the present the split of balance is: the share of balance that would have to change hands, 0 to 1.
    pub unlike: Decimal,
}

/// How accounts were valued.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The strategy's name.
    pub name: String,
    /// Its window, horizon and K.
    pub parameters: Parameters,
    /// Placements it has judged.
    pub judged: i64,
}

/// Two strategies side by side.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// The accounts of the day.
    pub accounts: i64,
    /// Who has or last had them: accounts and balance.
    pub present: BTreeMap<String, (i64, Money)>,
    /// The two sides.
    pub sides: [Side; 2],
    /// The strategy by whose history both are valued; nothing when nobody has one.
    pub measured_by: Option<Measured>,
    /// Accounts that the two would give to different assignees.
    pub differ: i64,
    /// Σ of their balances.
    pub differ_balance: Money,
}

impl Comparison {
    /// The names of the two, told apart where they are the same.
    pub fn names(&self) -> [String; 2] {
        let [first, second] = [0, 1].map(|side: usize| self.sides[side].name.clone());
        if first == second {
            [format!("{first} (1)"), format!("{second} (2)")]
        } else {
            [first, second]
        }
    }
}

/// A strategy file: its name, for messages, and its text.
pub type File<'a> = (&'a str, &'a str);

/// Decides both strategies for a day and sets them side by side; with `as_if_unplaced` also on the accounts that are
/// placed, as if they were not. Accounts that only one strategy's filter takes are unplaced in the other.
pub fn compare(
    db: &mut Db,
    lender_code: &str,
    files: [File<'_>; 2],
    on: NaiveDate,
    as_if_unplaced: bool,
) -> Result<Comparison, AllocationError> {
    read(db, |db| compare_within(db, lender_code, files, on, as_if_unplaced))
}

/// As [`compare`], inside a snapshot that is open already.
pub fn compare_within(
    db: &mut Db,
    lender_code: &str,
    files: [File<'_>; 2],
    on: NaiveDate,
    as_if_unplaced: bool,
) -> Result<Comparison, AllocationError> {
    let no_lender = || AllocationError::NoLender(lender_code.to_string());
    let lender = party::store::lender(db, lender_code)?.ok_or_else(no_lender)?;
    let mut one = |(file, strategy): File<'_>| {
        decide(db, &Question { lender: &lender, file, strategy, on, as_if_unplaced }, &mut Silent)
    };
    let (first, second) = (one(files[0])?, one(files[1])?);
    Ok(side_by_side(&first, &second)?)
}

/// Sets two decisions side by side.
pub fn side_by_side(first: &Decision, second: &Decision) -> Result<Comparison, MoneyRange> {
    let places = [placed_by_account(first), placed_by_account(second)];
    // One measure for both, or money would be compared with other money: of the one who has more to go by.
    let by = if judged(first) > judged(second) { first } else { second };
    let measured_by = (judged(by) > 0).then(|| Measured {
        name: by.inputs.strategy.name.clone(),
        parameters: by.inputs.strategy.performance,
        judged: judged(by),
    });
    let mut comparison = Comparison {
        sides: [side(first, by)?, side(second, by)?],
        measured_by,
        ..Comparison::default()
    };
    let mut seen: BTreeMap<&str, (&super::candidates::Candidate, [Option<&str>; 2])> =
        BTreeMap::new();
    for (number, decision) in [first, second].into_iter().enumerate() {
        for candidate in &decision.inputs.candidates.accounts {
            let both =
                [0, 1].map(|side: usize| places[side].get(candidate.account_no.as_str()).copied());
            let entry = seen.entry(&candidate.account_no).or_insert((candidate, both));
            if let (Some(had), Some(goes)) = (&entry.0.last_holder, both[number]) {
                comparison.sides[number].moved += i64::from(had != goes);
            }
        }
    }
    for (candidate, goes) in seen.values() {
        comparison.accounts += 1;
        if let Some(holder) = &candidate.last_holder {
            let present = comparison.present.entry(holder.clone()).or_default();
            present.0 += 1;
            present.1 += candidate.facts.balance;
        }
        if goes[0] != goes[1] {
            comparison.differ += 1;
            comparison.differ_balance += candidate.facts.balance;
        }
    }
    let had = comparison.present.values().map(|(accounts, _)| accounts).sum();
    for side in &mut comparison.sides {
        side.had = had;
        side.unlike = unlike(&comparison.present, side);
    }
    Ok(comparison)
}

fn placed_by_account(decision: &Decision) -> BTreeMap<&str, &str> {
    let goes =
        |(index, one)| Some((decision.candidate(index).account_no.as_str(), decision.code(one)?));
    decision.assigned.iter().enumerate().filter_map(goes).collect()
}

/// How many placements a decision's history has.
fn judged(decision: &Decision) -> i64 {
    decision.inputs.history.book().placements
}

fn side(decision: &Decision, measured_by: &Decision) -> Result<Side, MoneyRange> {
    let (strategy, method) = (&decision.inputs.strategy, decision.method());
    let mut side = Side {
        name: strategy.name.clone(),
        method: method.name().to_string(),
        fell_back: method != strategy.method,
        given: estimate(decision, Some(measured_by))?,
        ..Side::default()
    };
    for given in side.given.values() {
        side.total.add(*given)?;
    }
    for (index, one) in
        decision.assigned.iter().enumerate().filter(|(_, one)| one.placed().is_none())
    {
        side.unplaced += 1;
        *side.unplaced_why.entry(decision.why_in_words(index, one)).or_default() += 1;
    }
    Ok(side)
}

/// Half the sum of the differences between shares of balance: 0 when each has the share it has, 1 when all changes hands.
fn unlike(present: &BTreeMap<String, (i64, Money)>, side: &Side) -> Decimal {
    let all: Money = present.values().map(|(_, balance)| *balance).sum();
    let codes: std::collections::BTreeSet<&String> =
        present.keys().chain(side.given.keys()).collect();
    let share = |part: Money, whole: Money| ratio(part, whole).unwrap_or_default();
    let difference = |code: &String| {
        let now = share(present.get(code).map(|(_, balance)| *balance).unwrap_or_default(), all);
        (share(
            side.given.get(code).map(|given| given.balance).unwrap_or_default(),
            side.total.balance,
        ) - now)
            .abs()
    };
    if all.is_zero() {
        Decimal::ZERO
    } else {
        round(codes.into_iter().map(difference).sum::<Decimal>() / Decimal::TWO, 6)
    }
}
