//! The decision of a run, made in memory: the same facts and the same strategy decide the same.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::AllocationError;
use super::candidates::{Candidate, Candidates};
use super::deal::{Assigned, Fate, deal, follow, tally};
use super::expectation::{self, Expectation, expectations, expected_recovery};
use super::gates::Recipient;
use super::plan::{Counts, Ground, Plan, worth};
use super::reason::{Reason, Why};
use super::strata::{Sorted, sort};
use super::strategy::{Method, Strategy};
use crate::contract::condition::Facts;
use crate::kernel::{Currency, Money, MoneyRange, Rate, count};
use crate::performance::history::History;
use crate::performance::scorecard::Row;

/// What a decision is made from.
pub struct Inputs {
    /// What the lender wants.
    pub strategy: Strategy,
    /// The assignees that take part, in order of code.
    pub recipients: Vec<Recipient>,
    /// The accounts.
    pub candidates: Candidates,
    /// What was recovered before.
    pub history: History,
    /// The scorecard.
    pub scorecard: Vec<Row>,
    /// The book's currency.
    pub currency: Currency,
}

/// A decision: who gets each account of a day, and why.
pub struct Decision {
    /// What it was made from.
    pub inputs: Inputs,
    /// The accounts in their strata.
    pub sorted: Sorted,
    /// What was to be expected of each stratum.
    pub expectations: Vec<Expectation>,
    /// The plan.
    pub plan: Plan,
    /// What becomes of each candidate, in their order.
    pub assigned: Vec<Assigned>,
    /// Accounts that exploration and the method gave, by stratum and eligible recipient.
    pub dealt: (Counts, Counts),
    /// What the accounts are expected to bring as they were dealt, in millionths of a currency unit: less than the plan's
    /// objective by what keeping debtors together cost.
    pub dealt_worth: i128,
    indices: BTreeMap<String, Decimal>,
}

/// Decides.
pub fn decide(inputs: Inputs) -> Result<Decision, AllocationError> {
    let Inputs { strategy, recipients, candidates, history, scorecard, currency } = &inputs;
    let sorted = sort(strategy, recipients, candidates);
    let indices: BTreeMap<String, Decimal> =
        scorecard.iter().map(|row| (row.assignee.clone(), row.shrunk_index)).collect();
    let open = sorted.strata.partition_point(|stratum| !stratum.eligible.is_empty());
    let mut waiting =
        vec![
            Assigned { recipient: None, stratum: None, fate: Fate::NoGate, together: 1 };
            candidates.accounts.len()
        ];
    let following = follow_within_limits(&inputs, &sorted, open, &mut waiting);
    let has_history = !history.is_empty();
    let ground = Ground {
        strategy,
        recipients,
        strata: &sorted.strata[..open],
        scorecard,
        has_history,
        followers: &following,
    };
    let expectations = expectations(&expectation::Ground {
        recipients,
        candidates,
        sorted: &sorted,
        history,
        indices: &indices,
        currency: *currency,
    })?;
    let mut base = None;
    loop {
        let plan = ground.plan(base, &expectations[..open])?;
        let mut assigned = waiting.clone();
        deal(strategy.seed, &sorted, &plan, &mut assigned);
        let placed = count(assigned.iter().filter(|one| one.placed().is_some()).count());
        // Debtors who find no room together make fewer accounts allocated, and so every share of them smaller.
        if placed < plan.base && exceeds(&inputs, &assigned, placed) {
            base = Some(placed);
            continue;
        }
        let dealt = tally(&sorted, &assigned);
        let dealt_worth =
            worth(&expectations[..open], &dealt.0) + worth(&expectations[..open], &dealt.1);
        return Ok(Decision {
            sorted,
            expectations,
            plan,
            assigned,
            dealt,
            dealt_worth,
            indices,
            inputs,
        });
    }
}

/// Whether somebody got more than its greatest share of so many accounts.
fn exceeds(inputs: &Inputs, assigned: &[Assigned], base: i64) -> bool {
    let mut got = vec![0; inputs.recipients.len()];
    assigned.iter().filter_map(Assigned::placed).for_each(|recipient| got[recipient] += 1);
    inputs.recipients.iter().zip(got).any(|(recipient, got)| {
        let share = inputs
            .strategy
            .participant(&recipient.assignee.code)
            .map_or(Rate::ONE, |participant| participant.max_share);
        share < Rate::ONE && Decimal::from(got) > share.decimal() * Decimal::from(base)
    })
}

/// Lets accounts follow their debtors; gives back how many follow each recipient. Those who then wait are not allocated in
/// the run, so that a greatest share is one of fewer accounts: looked at again until nobody else must wait.
fn follow_within_limits(
    inputs: &Inputs,
    sorted: &Sorted,
    open: usize,
    assigned: &mut [Assigned],
) -> Vec<i64> {
    let dealt: i64 = sorted.strata[..open].iter().map(|stratum| stratum.accounts).sum();
    let mut expected = count(sorted.followers.len());
    loop {
        let following =
            follow(&inputs.recipients, sorted, &most_following(inputs, dealt + expected), assigned);
        let found = following.iter().sum();
        if found == expected {
            return following;
        }
        expected = found;
    }
}

/// How many accounts may follow their debtors to each recipient in a run of so many: never beyond capacity or the greatest
/// share.
fn most_following(inputs: &Inputs, all: i64) -> Vec<Option<i64>> {
    let most = |recipient: &Recipient| {
        let share = inputs
            .strategy
            .participant(&recipient.assignee.code)
            .map_or(Rate::ONE, |participant| participant.max_share);
        let whole = |share: Rate| {
            i64::try_from((share.decimal() * Decimal::from(all)).floor().mantissa()).unwrap_or(0)
        };
        [recipient.room, (share < Rate::ONE).then(|| whole(share))].into_iter().flatten().min()
    };
    inputs.recipients.iter().map(most).collect()
}

impl Decision {
    /// A candidate.
    pub fn candidate(&self, index: usize) -> &Candidate {
        &self.inputs.candidates.accounts[index]
    }

    /// The code of whoever gets it.
    pub fn code(&self, one: &Assigned) -> Option<&str> {
        one.placed().map(|recipient| self.inputs.recipients[recipient].assignee.code.as_str())
    }

    /// Accounts given to somebody.
    pub fn placed(&self) -> usize {
        self.assigned.iter().filter(|one| one.placed().is_some()).count()
    }

    /// The method used: `equal` when there was no history to go by.
    pub fn method(&self) -> Method {
        self.plan.method
    }

    /// The level of the account in the hands it goes to: a team carries the level reached so far.
    pub fn level(&self, index: usize, one: &Assigned) -> i64 {
        let candidate = self.candidate(index);
        let recipient = one.placed().map(|recipient| &self.inputs.recipients[recipient].assignee);
        recipient.map_or(candidate.agencies_before, |assignee| candidate.level_with(assignee))
    }

    /// The stratum of a candidate: those who follow or wait are in none, but in a group.
    pub fn stratum(&self, index: usize, one: &Assigned) -> String {
        match one.stratum {
            Some(number) => self.sorted.strata[number as usize].name.clone(),
            None => self.inputs.strategy.grouping.group(&self.candidate(index).facts),
        }
    }

    /// What the account is expected to recover in the hands it goes to: balance × stratum rate × shrunk index.
    pub fn expected(&self, index: usize, one: &Assigned) -> Option<Result<Money, MoneyRange>> {
        let recipient = one.placed()?;
        let facts = &self.candidate(index).facts;
        let code = &self.inputs.recipients[recipient].assignee.code;
        let rate = match one.stratum {
            Some(number) => self.expectations[number as usize].rate,
            None => {
                self.inputs.history.rate(&self.inputs.strategy.grouping.group(facts), &facts.bucket)
            }
        };
        let index = self.indices.get(code).copied().unwrap_or(Decimal::ONE);
        Some(expected_recovery(facts.balance, rate, index))
    }

    /// What an account is to be expected to recover in somebody's hands by what this decision measured, whether it was
    /// among its accounts or not.
    pub fn expects(&self, facts: &Facts, code: &str) -> Result<Money, MoneyRange> {
        let rate =
            self.inputs.history.rate(&self.inputs.strategy.grouping.group(facts), &facts.bucket);
        let index = self.indices.get(code).copied().unwrap_or(Decimal::ONE);
        expected_recovery(facts.balance, rate, index)
    }

    /// The fee rate expected of the account in the hands it goes to; nothing is expected of those who follow.
    pub fn fee_rate(&self, one: &Assigned) -> Decimal {
        let place = |number: u32| {
            let recipient = one.placed()?;
            let place =
                self.sorted.strata[number as usize].eligible.binary_search(&recipient).ok()?;
            self.expectations[number as usize].worth.get(place)
        };
        one.stratum.and_then(place).map_or(Decimal::ZERO, |worth| worth.fee_rate)
    }

    /// Why.
    pub fn why(&self, index: usize, one: &Assigned) -> Why {
        let code = || {
            one.recipient.map_or_else(String::new, |recipient| {
                self.inputs.recipients[recipient].assignee.code.clone()
            })
        };
        let counts = |counts: &Counts| {
            let number = one.stratum.map_or(usize::MAX, |number| number as usize);
            let own = self
                .sorted
                .strata
                .get(number)
                .and_then(|stratum| stratum.eligible.binary_search(&one.recipient?).ok());
            let row = counts.get(number).map(Vec::as_slice).unwrap_or_default();
            (own.and_then(|place| row.get(place)).copied().unwrap_or(0), row.iter().sum())
        };
        let reason = match one.fate {
            Fate::Given => {
                let (own, all) = counts(&self.dealt.1);
                if self.plan.method == Method::Optimise {
                    Reason::Optimum(code(), own, all)
                } else {
                    Reason::Share(code(), own, all)
                }
            }
            Fate::Explored => {
                let (own, all) = counts(&self.dealt.0);
                Reason::Explore(code(), own, all)
            }
            Fate::Followed => Reason::Follow(code()),
            Fate::WaitsAbsent => Reason::Wait(self.holder(index), "absent".to_string()),
            Fate::WaitsFull => Reason::Wait(code(), "full".to_string()),
            Fate::WaitsGate(gate) => Reason::Wait(code(), gate.name().to_string()),
            Fate::NoGate => Reason::NoGate,
            Fate::Full => Reason::Full,
            Fate::NoShare => Reason::NoShare,
            Fate::NoRoomTogether => Reason::NoRoomTogether,
        };
        let list = self.sorted.refused[index] as usize;
        let refusals = (!self.sorted.refusals[list].is_empty()).then(|| count(list));
        Why { reason, together: i64::from(one.together), refusals }
    }

    fn holder(&self, index: usize) -> String {
        self.inputs
            .candidates
            .debtor_holders
            .get(&self.candidate(index).debtor_ref)
            .cloned()
            .unwrap_or_default()
    }

    /// A list of refusals as it is stored: `A02=region,A03=capacity`.
    pub fn refusals(&self, list: usize) -> String {
        let one = |(recipient, gate): &(usize, super::gates::Gate)| {
            format!("{}={}", self.inputs.recipients[*recipient].assignee.code, gate.name())
        };
        self.sorted
            .refusals
            .get(list)
            .map_or_else(String::new, |list| list.iter().map(one).collect::<Vec<_>>().join(","))
    }
}
