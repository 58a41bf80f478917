//! Like with like: accounts of one debtor become one unit, and units are sorted into strata by the strategy's
//! dimensions and by whose gates are open to them (rule 4.6).

use std::collections::HashMap;

use super::candidates::{Candidate, Candidates};
use super::gates::{Gate, Recipient};
use super::strategy::Strategy;
use crate::kernel::Money;

/// Accounts of one debtor, dealt as one: a stretch of [`Sorted::members`].
#[derive(Clone, Copy, Debug)]
pub struct Unit {
    /// Where its members begin.
    pub first: u32,
    /// How many there are.
    pub size: u32,
    /// Σ of their balances.
    pub balance: Money,
}

/// Units that are alike and open to the same assignees.
#[derive(Clone, Debug)]
pub struct Stratum {
    /// Its name: the group, then the codes of its assignees.
    pub name: String,
    /// The group by the strategy's dimensions.
    pub group: String,
    /// Whose gates are open: indices into the recipients, rising.
    pub eligible: Vec<usize>,
    /// Its units.
    pub units: Vec<Unit>,
    /// How many accounts they are.
    pub accounts: i64,
    /// Σ of their balances.
    pub balance: Money,
}

/// Accounts of a debtor who is with somebody already.
#[derive(Clone, Copy, Debug)]
pub struct Follower {
    /// Which candidate.
    pub index: usize,
    /// The recipient that has the debtor, when it takes part in the run.
    pub holder: Option<usize>,
}

/// Every candidate in its place.
#[derive(Clone, Debug, Default)]
pub struct Sorted {
    /// Candidates by debtor.
    pub members: Vec<u32>,
    /// The strata, in byte order of their names; those open to nobody are last.
    pub strata: Vec<Stratum>,
    /// Those who follow, in order of debtor.
    pub followers: Vec<Follower>,
    /// The lists of refusals that occur: which gate of which recipient was closed.
    pub refusals: Vec<Vec<(usize, Gate)>>,
    /// The list of each candidate.
    pub refused: Vec<u32>,
}

impl Sorted {
    /// The candidates of a unit.
    pub fn members_of(&self, unit: &Unit) -> &[u32] {
        let first = unit.first as usize;
        &self.members[first..first + unit.size as usize]
    }
}

/// Sorts the candidates of a run.
pub fn sort(strategy: &Strategy, recipients: &[Recipient], candidates: &Candidates) -> Sorted {
    let mut asking = Asking {
        strategy,
        recipients,
        lists: Vec::new(),
        known: HashMap::new(),
        by_scope: HashMap::new(),
    };
    let refused: Vec<u32> =
        candidates.accounts.iter().map(|candidate| asking.list_of(candidate)).collect();
    let mut members: Vec<u32> =
        (0..u32::try_from(candidates.accounts.len()).unwrap_or(u32::MAX)).collect();
    let debtor = |index: &u32| candidates.accounts[*index as usize].debtor_ref.as_str();
    // Stable: the accounts of a debtor stay in order of account number.
    members.sort_by(|a, b| debtor(a).cmp(debtor(b)));
    let mut sorting = Sorting {
        asking,
        candidates,
        refused: &refused,
        groups: HashMap::new(),
        strata: Vec::new(),
        places: HashMap::new(),
    };
    let mut followers = Vec::new();
    let mut first = 0;
    for own in members.chunk_by(|a, b| debtor(a) == debtor(b)) {
        match candidates.debtor_holders.get(debtor(&own[0])) {
            Some(code) => {
                let holder =
                    recipients.iter().position(|recipient| recipient.assignee.code == *code);
                followers
                    .extend(own.iter().map(|index| Follower { index: *index as usize, holder }));
            }
            None => sorting.unit(first, own),
        }
        first += u32::try_from(own.len()).unwrap_or(0);
    }
    let (mut strata, refusals) = (sorting.strata, sorting.asking.lists);
    strata.sort_by(|a, b| (a.eligible.is_empty(), &a.name).cmp(&(b.eligible.is_empty(), &b.name)));
    Sorted { members, strata, followers, refusals, refused }
}

/// Asks the gates, once for all accounts that look the same to them.
struct Asking<'a> {
    strategy: &'a Strategy,
    recipients: &'a [Recipient],
    lists: Vec<Vec<(usize, Gate)>>,
    known: HashMap<Vec<(usize, Gate)>, u32>,
    by_scope: HashMap<(Option<String>, Option<String>), u32>,
}

impl Asking<'_> {
    fn list_of(&mut self, candidate: &Candidate) -> u32 {
        // Rotation looks at who held the account; everything else at region and product.
        if self.strategy.rotation && !candidate.held_by.is_empty() {
            return self.ask(candidate);
        }
        let scope = (candidate.facts.region.clone(), candidate.facts.product.clone());
        if let Some(list) = self.by_scope.get(&scope) {
            return *list;
        }
        let list = self.ask(candidate);
        self.by_scope.insert(scope, list);
        list
    }

    fn ask(&mut self, candidate: &Candidate) -> u32 {
        let refuses = |(index, recipient): (usize, &Recipient)| {
            Some((index, recipient.refuses(candidate, self.strategy.rotation)?))
        };
        let list: Vec<(usize, Gate)> =
            self.recipients.iter().enumerate().filter_map(refuses).collect();
        if let Some(known) = self.known.get(&list) {
            return *known;
        }
        let number = u32::try_from(self.lists.len()).unwrap_or(u32::MAX);
        self.lists.push(list.clone());
        self.known.insert(list, number);
        number
    }
}

/// Puts units into strata.
struct Sorting<'a> {
    asking: Asking<'a>,
    candidates: &'a Candidates,
    refused: &'a [u32],
    groups: HashMap<String, u32>,
    strata: Vec<Stratum>,
    places: HashMap<(u32, u32), usize>,
}

impl Sorting<'_> {
    /// A debtor counts in the stratum of its largest balance, open to those who take all of its accounts.
    fn unit(&mut self, first: u32, own: &[u32]) {
        let balance_of = |index: u32| self.candidates.accounts[index as usize].facts.balance;
        let Some(largest) =
            own.iter().copied().max_by_key(|index| (balance_of(*index), std::cmp::Reverse(*index)))
        else {
            return;
        };
        let list = self.joint_list(own);
        let group = self.group(largest);
        let place = match self.places.get(&(group, list)) {
            Some(place) => *place,
            None => self.new_stratum(group, list, largest),
        };
        let balance: Money = own.iter().map(|index| balance_of(*index)).sum();
        let stratum = &mut self.strata[place];
        stratum.units.push(Unit { first, size: u32::try_from(own.len()).unwrap_or(0), balance });
        stratum.accounts += crate::kernel::count(own.len());
        stratum.balance += balance;
    }

    /// The recipients refused by any account of the debtor, as a list of its own.
    fn joint_list(&mut self, own: &[u32]) -> u32 {
        let first = self.refused[own[0] as usize];
        if own.iter().all(|index| self.refused[*index as usize] == first) {
            return first;
        }
        let mut joint: Vec<(usize, Gate)> = own
            .iter()
            .flat_map(|index| self.asking.lists[self.refused[*index as usize] as usize].clone())
            .collect();
        joint.sort();
        joint.dedup_by_key(|(recipient, _)| *recipient);
        if let Some(known) = self.asking.known.get(&joint) {
            return *known;
        }
        let number = u32::try_from(self.asking.lists.len()).unwrap_or(u32::MAX);
        self.asking.lists.push(joint.clone());
        self.asking.known.insert(joint, number);
        number
    }

    fn group(&mut self, index: u32) -> u32 {
        let text =
            self.asking.strategy.grouping.group(&self.candidates.accounts[index as usize].facts);
        let next = u32::try_from(self.groups.len()).unwrap_or(u32::MAX);
        *self.groups.entry(text).or_insert(next)
    }

    /// Lists that close the same recipients for different reasons are one stratum: the place is found by its name.
    fn new_stratum(&mut self, group: u32, list: u32, largest: u32) -> usize {
        let shut = &self.asking.lists[list as usize];
        let eligible: Vec<usize> = (0..self.asking.recipients.len())
            .filter(|recipient| !shut.iter().any(|(refused, _)| refused == recipient))
            .collect();
        let group_text =
            self.asking.strategy.grouping.group(&self.candidates.accounts[largest as usize].facts);
        let codes: Vec<&str> = eligible
            .iter()
            .map(|recipient| self.asking.recipients[*recipient].assignee.code.as_str())
            .collect();
        let joint = if group_text.is_empty() { "" } else { "|" };
        let name = format!("{group_text}{joint}{}", codes.join("+"));
        let place =
            self.strata.iter().position(|stratum| stratum.name == name).unwrap_or_else(|| {
                self.strata.push(Stratum {
                    name,
                    group: group_text,
                    eligible,
                    units: Vec::new(),
                    accounts: 0,
                    balance: Money::ZERO,
                });
                self.strata.len() - 1
            });
        self.places.insert((group, list), place);
        place
    }
}
