//! The groups of a book as known at a cut-off: facts recorded up to a number of the book, received up to a day.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;

use super::earning::{TakenBack, earning};
use super::entitlement::first_match;
use super::{FeeGroup, Group, GroupKey, Item, Scope};
use crate::contract::{ContractError, Over, Per, Price, Version, Versions};
use crate::db::Db;
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
    pub placed: BTreeMap<(String, String, i64, String, NaiveDate), i64>,
}

/// Brings the groups together.
pub fn gather(
    db: &mut Db,
    lender: &str,
    versions: &Versions,
    cut_off: CutOff,
) -> Result<Gathered, ContractError> {
    let mut gathering =
        Gathering { versions, cut_off, gathered: Gathered::default(), placed: HashMap::new() };
    let mut placements: Vec<Placement> = Vec::new();
    placement::store::each(db, lender, |one| {
        if one.seq <= cut_off.seq {
            let known = one.known_at(cut_off.seq);
            gathering.place(&known);
            placements.push(known);
        }
        Ok::<(), ContractError>(())
    })?;
    let mut account: Vec<Recovery> = Vec::new();
    let mut rest: &[Placement] = &placements;
    recovery::store::each(db, lender, |one| {
        if one.seq > cut_off.seq || one.received_on > cut_off.last_day {
            return Ok::<(), ContractError>(());
        }
        if account.first().is_some_and(|first| first.account_no != one.account_no) {
            rest = gathering.account(rest, &account);
            account.clear();
        }
        account.push(one);
        Ok(())
    })?;
    gathering.account(rest, &account);
    Ok(gathering.finish())
}

struct Gathering<'a> {
    versions: &'a Versions,
    cut_off: CutOff,
    gathered: Gathered,
    /// Σ balance placed in each rule's part of a batch.
    placed: HashMap<GroupKey, Money>,
}

impl Gathering<'_> {
    /// Counts a placement for charges and for the balance placed in its rule's part of the batch.
    fn place(&mut self, placement: &Placement) {
        let Some(version) = self.versions.pricing(
            &placement.assignee,
            placement.contract_version,
            placement.placed_on,
        ) else {
            return;
        };
        if placement.placed_on <= self.cut_off.last_day
            && version.terms.charges.iter().any(|charge| charge.per == Per::AccountPlaced)
        {
            let key = (
                placement.assignee.clone(),
                version.terms.code.clone(),
                version.number,
                placement.batch.clone(),
                placement.placed_on,
            );
            *self.gathered.placed.entry(key).or_default() += 1;
        }
        let rule = first_match(&version.terms.fees, &placement.facts);
        if over(&version.terms.fees[rule].price) == Over::Batch {
            let key = key(placement, version, rule, placement.placed_on);
            *self.placed.entry(key).or_default() += placement.balance();
        }
    }

    /// Sorts the recoveries of one account into their groups; gives back the placements of later accounts.
    fn account<'p>(
        &mut self,
        placements: &'p [Placement],
        recoveries: &[Recovery],
    ) -> &'p [Placement] {
        let Some(first) = recoveries.first() else { return placements };
        let start = placements.partition_point(|placement| placement.account_no < first.account_no);
        let length = placements[start..]
            .partition_point(|placement| placement.account_no <= first.account_no);
        let own = &placements[start..start + length];
        for one in recoveries {
            if one.kind == Kind::Payment {
                let reversals: Vec<&Recovery> = recoveries
                    .iter()
                    .filter(|other| other.reverses.as_deref() == Some(&one.reference))
                    .collect();
                self.collected(one, &reversals);
                if let Ok(index) = attribute(own, one.received_on) {
                    self.payment(&own[index], one, &reversals);
                }
            }
        }
        &placements[start + length..]
    }

    fn collected(&mut self, payment: &Recovery, reversals: &[&Recovery]) {
        if let (Channel::Agency, Some(agency)) = (payment.channel, &payment.agency) {
            let taken_back: Money = reversals.iter().map(|one| one.amount).sum();
            *self.gathered.collected.entry(agency.clone()).or_default() +=
                payment.amount - taken_back;
        }
    }

    /// A payment of a placement, with what is taken back from it.
    fn payment(&mut self, placement: &Placement, payment: &Recovery, reversals: &[&Recovery]) {
        let Some(version) = self.versions.pricing(
            &placement.assignee,
            placement.contract_version,
            placement.placed_on,
        ) else {
            return;
        };
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
            self.gathered.grace.entry(placement.assignee.clone()).or_default().extend(items);
            return;
        }
        let key = key(placement, version, rule, payment.received_on);
        let placed = self.placed.get(&key).copied().unwrap_or_default();
        let group = self.gathered.groups.entry(key.clone()).or_insert_with(|| Group {
            key,
            placed,
            items: Vec::new(),
        });
        group.items.extend(items);
    }

    fn finish(mut self) -> Gathered {
        for group in self.gathered.groups.values_mut() {
            group.items.sort_by(|a, b| a.order().cmp(&b.order()));
        }
        for items in self.gathered.grace.values_mut() {
            items.sort_by(|a, b| a.order().cmp(&b.order()));
        }
        self.gathered
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
