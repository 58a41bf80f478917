//! The groups of a book as known at a cut-off: facts recorded up to a number of the book, received up to a day.
//!
//! What an account adds is a [`Contribution`], worked out from that account's facts alone. A closing adds up those of all
//! accounts ([`gather`]), an explanation those of the accounts of one group ([`group`]), and a proof moves from one
//! cut-off to the next by what the accounts with new facts add instead ([`Gathered::advance`]).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::NaiveDate;

use super::earning::{TakenBack, earning};
use super::entitlement::first_match;
use super::{FeeGroup, Group, GroupKey, Item, Scope};
use crate::contract::{ContractError, Over, Per, Price, Version, Versions};
use crate::db::{Db, keys_json};
use crate::kernel::calendar::plus_days;
use crate::kernel::{Money, Month};
use crate::placement::{self, Placement};
use crate::recovery::attribution::attribute;
use crate::recovery::{self, Channel, Kind, Recovery};

/// What is known at a cut-off.
#[derive(Clone, Copy, Debug)]
pub struct CutOff {
    /// The last number of the book that is known.
    pub seq: i64,
    /// The last day of receipt that counts.
    pub last_day: NaiveDate,
}

/// Everything recorded of one account: placements in order of day and placing, recoveries of day and reference.
#[derive(Clone, Debug, Default)]
pub struct AccountFacts {
    /// Its placements.
    pub placements: Vec<Placement>,
    /// Its recoveries.
    pub recoveries: Vec<Recovery>,
}

/// An agency, contract, version, batch and day.
pub type PlacedKey = (String, String, i64, String, NaiveDate);

/// What one account adds to the groups of a book.
#[derive(Debug, Default)]
struct Contribution {
    /// Balance placed in its rule's part of a batch.
    placed: Vec<(GroupKey, Money)>,
    /// Placements whose contract charges for each.
    charged: Vec<PlacedKey>,
    /// Recoveries that earn.
    items: Vec<(GroupKey, Item)>,
    /// Recoveries within grace.
    grace: Vec<(String, Item)>,
    /// Money in an agency's hands.
    collected: Vec<(String, Money)>,
}

/// Everything that a closing prices.
#[derive(Debug, Default)]
pub struct Gathered {
    /// The groups, in order.
    pub groups: BTreeMap<GroupKey, Group>,
    /// Payments within grace and what is taken back from them, by agency: they belong to a placement and earn nothing.
    pub grace: BTreeMap<String, Vec<Item>>,
    /// Σ of what each agency has collected, less what was taken back.
    pub collected: BTreeMap<String, Money>,
    /// Accounts placed, by agency, contract, version, batch and day: what charges are counted from.
    pub placed: BTreeMap<PlacedKey, i64>,
    /// Σ balance placed in each rule's part of a batch.
    balances: HashMap<GroupKey, Money>,
}

/// Brings the groups of a book together.
pub fn gather(
    db: &mut Db,
    lender: &str,
    versions: &Versions,
    cut_off: CutOff,
) -> Result<Gathered, ContractError> {
    let mut gathered = Gathered::default();
    each_account(db, lender, |facts| {
        gathered.add(contribution(versions, cut_off, &facts)?);
        Ok(())
    })?;
    gathered.settle_order(None);
    Ok(gathered)
}

/// The same from facts in memory.
pub fn gather_from<'f>(
    facts: impl Iterator<Item = &'f AccountFacts>,
    versions: &Versions,
    cut_off: CutOff,
) -> Result<Gathered, ContractError> {
    let mut gathered = Gathered::default();
    for one in facts {
        gathered.add(contribution(versions, cut_off, one)?);
    }
    gathered.settle_order(None);
    Ok(gathered)
}

/// One group alone, from the accounts that can have a part in it.
pub fn group(
    db: &mut Db,
    lender: &str,
    versions: &Versions,
    cut_off: CutOff,
    key: &GroupKey,
) -> Result<Option<Group>, ContractError> {
    let accounts = match &key.scope {
        Scope::Batch(batch) => placement::store::accounts_of_batch(db, lender, batch)?,
        Scope::Month(month) => {
            let days = (month.first_day(), month.last_day());
            recovery::store::accounts_paid_in(db, lender, &key.agency, days)?
        }
    };
    Ok(of_accounts(db, lender, versions, cut_off, &accounts)?.groups.remove(key))
}

/// The groups of an agency, each whole, in which there are payments received within two days.
pub fn groups_paid_in(
    db: &mut Db,
    lender: &str,
    versions: &Versions,
    cut_off: CutOff,
    agency: &str,
    days: (NaiveDate, NaiveDate),
) -> Result<Vec<Group>, ContractError> {
    let accounts = recovery::store::accounts_paid_in(db, lender, agency, days)?;
    let gathered = of_accounts(db, lender, versions, cut_off, &accounts)?;
    let within = (Month::of(days.0), Month::of(days.1));
    let mut groups = Vec::new();
    for (key, found) in gathered.groups.into_iter().filter(|(key, _)| key.agency == agency) {
        let paid = |item: &Item| within.0 <= item.month && item.month <= within.1;
        if !found.items.iter().any(paid) {
            continue;
        }
        // A group of a month has all its payments on these accounts, one of a batch on others as well.
        match &key.scope {
            Scope::Month(_) => groups.push(found),
            Scope::Batch(_) => groups.extend(group(db, lender, versions, cut_off, &key)?),
        }
    }
    Ok(groups)
}

/// What some accounts alone come to.
fn of_accounts(
    db: &mut Db,
    lender: &str,
    versions: &Versions,
    cut_off: CutOff,
    accounts: &[String],
) -> Result<Gathered, ContractError> {
    let mut gathered = Gathered::default();
    for chunk in accounts.chunks(5_000) {
        let keys = keys_json(chunk.iter().map(String::as_str));
        let placements = placement::store::of_accounts(db, lender, &keys)?;
        let mut recoveries = recovery::store::of_accounts(db, lender, &keys)?;
        recoveries.sort_by(|a, b| {
            (&a.account_no, a.received_on, &a.reference).cmp(&(
                &b.account_no,
                b.received_on,
                &b.reference,
            ))
        });
        let mut merge = Merge { placements: placements.into_iter().peekable() };
        let mut add = |facts: AccountFacts| {
            gathered.add(contribution(versions, cut_off, &facts)?);
            Ok(())
        };
        for own in recoveries.chunk_by(|a, b| a.account_no == b.account_no) {
            merge.account(own.to_vec(), &mut add)?;
        }
        merge.before(None, &mut add)?;
    }
    gathered.settle_order(None);
    Ok(gathered)
}

/// Walks the accounts of a book with their placements and recoveries.
pub fn each_account(
    db: &mut Db,
    lender: &str,
    mut each: impl FnMut(AccountFacts) -> Result<(), ContractError>,
) -> Result<(), ContractError> {
    let mut placements: Vec<Placement> = Vec::new();
    placement::store::each(db, lender, |one| {
        placements.push(one);
        Ok::<(), ContractError>(())
    })?;
    let mut merge = Merge { placements: placements.into_iter().peekable() };
    let mut account: Vec<Recovery> = Vec::new();
    recovery::store::each(db, lender, |one| {
        if account.first().is_some_and(|first| first.account_no != one.account_no) {
            merge.account(std::mem::take(&mut account), &mut each)?;
        }
        account.push(one);
        Ok::<(), ContractError>(())
    })?;
    merge.account(account, &mut each)?;
    merge.before(None, &mut each)
}

/// Placements in order of account, waiting for the recoveries of theirs.
struct Merge {
    placements: std::iter::Peekable<std::vec::IntoIter<Placement>>,
}

type Each<'e> = &'e mut dyn FnMut(AccountFacts) -> Result<(), ContractError>;

impl Merge {
    /// The placements of the next account.
    fn next(&mut self) -> Vec<Placement> {
        let mut own: Vec<Placement> = self.placements.next().into_iter().collect();
        let account_no = own.first().map(|first| first.account_no.clone());
        while let Some(one) =
            self.placements.next_if(|one| Some(&one.account_no) == account_no.as_ref())
        {
            own.push(one);
        }
        own
    }

    /// Accounts that come before one (or all that are left), which have no recoveries.
    fn before(&mut self, account_no: Option<&str>, each: Each<'_>) -> Result<(), ContractError> {
        while self.placements.peek().is_some_and(|one| {
            account_no.is_none_or(|account_no| one.account_no.as_str() < account_no)
        }) {
            each(AccountFacts { placements: self.next(), recoveries: Vec::new() })?;
        }
        Ok(())
    }

    /// An account with its recoveries.
    fn account(&mut self, recoveries: Vec<Recovery>, each: Each<'_>) -> Result<(), ContractError> {
        let Some(first) = recoveries.first() else { return Ok(()) };
        let account_no = first.account_no.clone();
        self.before(Some(&account_no), each)?;
        let own = self.placements.peek().is_some_and(|one| one.account_no == account_no);
        let placements = if own { self.next() } else { Vec::new() };
        each(AccountFacts { placements, recoveries })
    }
}

/// What an account adds at a cut-off.
fn contribution(
    versions: &Versions,
    cut_off: CutOff,
    facts: &AccountFacts,
) -> Result<Contribution, ContractError> {
    let placements: Vec<Placement> = facts
        .placements
        .iter()
        .filter(|one| one.seq <= cut_off.seq)
        .map(|one| one.known_at(cut_off.seq))
        .collect();
    let recoveries: Vec<&Recovery> = facts
        .recoveries
        .iter()
        .filter(|one| one.seq <= cut_off.seq && one.received_on <= cut_off.last_day)
        .collect();
    let mut adding = Adding { versions, adds: Contribution::default() };
    for one in &placements {
        adding.place(one)?;
    }
    for one in recoveries.iter().filter(|one| one.kind == Kind::Payment) {
        let reversals: Vec<&Recovery> = recoveries
            .iter()
            .copied()
            .filter(|other| other.reverses.as_deref() == Some(&one.reference))
            .collect();
        adding.collected(one, &reversals);
        if let Ok(index) = attribute(&placements, one.received_on) {
            adding.payment(&placements[index], one, &reversals)?;
        }
    }
    Ok(adding.adds)
}

struct Adding<'v> {
    versions: &'v Versions,
    adds: Contribution,
}

impl<'v> Adding<'v> {
    /// The version that prices a placement. What has none is refused: its money would be lost.
    fn pricing(&self, placement: &Placement) -> Result<&'v Version, ContractError> {
        let (agency, version) = (&placement.assignee, placement.contract_version);
        self.versions.pricing(agency, version, placement.placed_on).ok_or_else(|| {
            let (placement_no, agency) = (placement.placement_no, agency.clone());
            ContractError::NoVersion { placement_no, agency, version }
        })
    }

    /// A placement counts for charges and for the balance placed in its rule's part of the batch.
    fn place(&mut self, placement: &Placement) -> Result<(), ContractError> {
        let version = self.pricing(placement)?;
        if version.terms.charges.iter().any(|charge| charge.per == Per::AccountPlaced) {
            self.adds.charged.push((
                placement.assignee.clone(),
                version.terms.code.clone(),
                version.number,
                placement.batch.clone(),
                placement.placed_on,
            ));
        }
        let rule = first_match(&version.terms.fees, &placement.facts);
        if over(&version.terms.fees[rule].price) == Over::Batch {
            let key = key(placement, version, rule, placement.placed_on);
            self.adds.placed.push((key, placement.balance()));
        }
        Ok(())
    }

    fn collected(&mut self, payment: &Recovery, reversals: &[&Recovery]) {
        if let (Channel::Agency, Some(agency)) = (payment.channel, &payment.agency) {
            let taken_back: Money = reversals.iter().map(|one| one.amount).sum();
            self.adds.collected.push((agency.clone(), payment.amount - taken_back));
        }
    }

    /// A payment of a placement, with what is taken back from it.
    fn payment(
        &mut self,
        placement: &Placement,
        payment: &Recovery,
        reversals: &[&Recovery],
    ) -> Result<(), ContractError> {
        let version = self.pricing(placement)?;
        let rule = first_match(&version.terms.fees, &placement.facts);
        let base = version.terms.fees[rule].base.as_deref();
        let taken: Vec<TakenBack> = reversals
            .iter()
            .map(|one| TakenBack { amount: one.amount, components: one.components })
            .collect();
        let earnings = earning(payment.amount, payment.components, &taken, base);
        let undivided = base.is_some() && payment.components.is_none();
        let item = |one: &Recovery, earning: Money| {
            let sign = |amount: Money| if one.kind == Kind::Reversal { -amount } else { amount };
            Item {
                reference: one.reference.clone(),
                payment: payment.reference.clone(),
                account_no: one.account_no.clone(),
                batch: placement.batch.clone(),
                received_on: one.received_on,
                month: Month::of(payment.received_on),
                reversal: one.kind == Kind::Reversal,
                amount: sign(one.amount),
                earning: sign(earning),
                undivided,
            }
        };
        let items = std::iter::once(payment)
            .chain(reversals.iter().copied())
            .zip(earnings)
            .map(|(one, earning)| item(one, earning));
        let grace = version.terms.grace_days;
        if grace > 0 && payment.received_on <= plus_days(placement.placed_on, grace) {
            self.adds.grace.extend(items.map(|item| (placement.assignee.clone(), item)));
        } else {
            let key = key(placement, version, rule, payment.received_on);
            self.adds.items.extend(items.map(|item| (key.clone(), item)));
        }
        Ok(())
    }
}

impl Gathered {
    fn add(&mut self, one: Contribution) {
        for (key, balance) in one.placed {
            *self.balances.entry(key).or_default() += balance;
        }
        for key in one.charged {
            *self.placed.entry(key).or_default() += 1;
        }
        for (agency, item) in one.grace {
            self.grace.entry(agency).or_default().push(item);
        }
        for (agency, amount) in one.collected {
            *self.collected.entry(agency).or_default() += amount;
        }
        for (key, item) in one.items {
            self.put(&key, item);
        }
    }

    fn put(&mut self, key: &GroupKey, item: Item) {
        match self.groups.get_mut(key) {
            Some(group) => group.items.push(item),
            None => {
                let group = Group { key: key.clone(), placed: Money::ZERO, items: vec![item] };
                self.groups.insert(key.clone(), group);
            }
        }
    }

    /// Puts the items of some groups (or all) in order and says what was placed in each.
    fn settle_order(&mut self, only: Option<&BTreeSet<GroupKey>>) {
        let balances = &self.balances;
        let settle = |group: &mut Group| {
            group.placed = balances.get(&group.key).copied().unwrap_or_default();
            group.items.sort_by(|a, b| a.order().cmp(&b.order()));
        };
        match only {
            None => self.groups.values_mut().for_each(settle),
            Some(only) => {
                for key in only {
                    self.groups.get_mut(key).into_iter().for_each(settle);
                }
            }
        }
        self.grace.values_mut().for_each(|items| items.sort_by(|a, b| a.order().cmp(&b.order())));
    }

    /// Moves on to what is known `now`, by the accounts that have new facts since `before`: where what an account adds to
    /// a group differs, the old goes and the new comes. Gives back the groups that differ; all others are as they were.
    /// Of the recoveries within grace only those of these accounts are kept: the others were told before.
    pub fn advance(
        &mut self,
        accounts: &[&AccountFacts],
        before: Option<(&Versions, CutOff)>,
        now: (&Versions, CutOff),
    ) -> Result<BTreeSet<GroupKey>, ContractError> {
        let mut changes: BTreeMap<GroupKey, Change> = BTreeMap::new();
        self.grace.clear();
        for facts in accounts {
            let gone = match before {
                Some((versions, cut_off)) => contribution(versions, cut_off, facts)?,
                None => Contribution::default(),
            };
            self.exchange(gone, contribution(now.0, now.1, facts)?, &mut changes);
        }
        for (key, change) in &mut changes {
            if let Some(group) = self.groups.get_mut(key) {
                group.items.retain(|item| !change.accounts.contains(&item.account_no));
            }
            change.come.drain(..).for_each(|item| self.put(key, item));
        }
        let changed = changes.into_keys().collect();
        self.settle_order(Some(&changed));
        Ok(changed)
    }

    /// Takes what one account added for what it adds now; the items of its groups wait in `changes`.
    fn exchange(
        &mut self,
        gone: Contribution,
        come: Contribution,
        changes: &mut BTreeMap<GroupKey, Change>,
    ) {
        if gone.placed != come.placed {
            for (key, _) in gone.placed.iter().chain(&come.placed) {
                changes.entry(key.clone()).or_default();
            }
        }
        for (key, balance) in gone.placed {
            *self.balances.entry(key).or_default() -= balance;
        }
        for key in gone.charged {
            *self.placed.entry(key).or_default() -= 1;
        }
        for (agency, amount) in gone.collected {
            *self.collected.entry(agency).or_default() -= amount;
        }
        let (old, mut new) = (by_group(gone.items), by_group(come.items));
        let keys: BTreeSet<&GroupKey> = old.keys().chain(new.keys()).collect();
        let differ = keys.into_iter().filter(|key| old.get(key) != new.get(key));
        let differ: Vec<GroupKey> = differ.cloned().collect();
        for key in differ {
            let items = new.remove(&key).unwrap_or_default();
            let own = old.get(&key).into_iter().flatten().chain(&items);
            let accounts: Vec<String> = own.map(|item| item.account_no.clone()).collect();
            let change = changes.entry(key).or_default();
            change.accounts.extend(accounts);
            change.come.extend(items);
        }
        self.add(Contribution { items: Vec::new(), ..come });
    }
}

/// What changes in a group: whose items go, and which come.
#[derive(Default)]
struct Change {
    accounts: HashSet<String>,
    come: Vec<Item>,
}

fn by_group(items: Vec<(GroupKey, Item)>) -> BTreeMap<GroupKey, Vec<Item>> {
    let mut groups: BTreeMap<GroupKey, Vec<Item>> = BTreeMap::new();
    for (key, item) in items {
        groups.entry(key).or_default().push(item);
    }
    groups
}

impl AccountFacts {
    /// The account.
    pub fn account_no(&self) -> Option<&str> {
        let placed = self.placements.first().map(|one| one.account_no.as_str());
        placed.or_else(|| self.recoveries.first().map(|one| one.account_no.as_str()))
    }
}

/// The group of a placement's payments under a version and rule.
fn key(placement: &Placement, version: &Version, rule: usize, received_on: NaiveDate) -> GroupKey {
    let by_batch = version.terms.fees.get(rule).is_some_and(|fee| over(&fee.price) == Over::Batch);
    let scope = if by_batch {
        Scope::Batch(placement.batch.clone())
    } else {
        Scope::Month(Month::of(received_on))
    };
    let (contract, version) = (version.terms.code.clone(), version.number);
    let of = FeeGroup { contract, version, rule, scope };
    GroupKey { agency: placement.assignee.clone(), of }
}

/// What a price is measured over; only tiers can be measured over a batch.
fn over(price: &Price) -> Over {
    match price {
        Price::Tiers(tiers) => tiers.over,
        Price::Flat(_) | Price::PerPayment { .. } => Over::Month,
    }
}
