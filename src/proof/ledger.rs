//! The ledger: balanced, gapless, chained, and each recovery and statement posted once.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Proof, ProofError};
use crate::audit::{self, Book};
use crate::db::Db;
use crate::kernel::digest::Chaining;
use crate::kernel::{Money, Month, Total};
use crate::ledger::store::{PostingRow, each_posting};
use crate::ledger::{LegRow, chart, transaction_hash};
use crate::recovery::{self, Kind};
use crate::settlement;

/// Balances by account, as the ledger's legs sum.
pub(super) type Balances = BTreeMap<String, Total>;

/// What the legs of a ledger come to.
#[derive(Default)]
pub(super) struct Sums {
    /// By account.
    pub balances: Balances,
    /// By account and month, of the accounts that are run with agencies.
    pub monthly: BTreeMap<String, BTreeMap<Month, Total>>,
}

impl Sums {
    /// The balance of an account run with an agency at the end of a month.
    pub(super) fn at_end(&self, account: &str, month: Month) -> Total {
        let months = self.monthly.get(account).into_iter();
        months.flat_map(|months| months.range(..=month)).map(|(_, moved)| *moved).sum()
    }
}

pub(super) fn prove(db: &mut Db, book: &Book, proof: &mut Proof) -> Result<Sums, ProofError> {
    let mut walk = Walk {
        expected: expected_legs(db, &book.lender)?,
        versions: audit::versions(db, &book.lender)?,
        hash: audit::first_hash(&book.lender),
        sums: Sums::default(),
        moved: Total::default(),
        events: HashSet::new(),
        current: Vec::new(),
        number: 0,
    };
    each_posting(db, &book.lender, |row| {
        if walk
            .current
            .first()
            .is_some_and(|first| first.transaction.number != row.transaction.number)
        {
            walk.transaction(proof);
        }
        walk.current.push(row);
        Ok::<(), ProofError>(())
    })?;
    walk.transaction(proof);
    proof.check(walk.number == book.ledger.transaction_no, || {
        format!(
            "the last ledger transaction is {}, the book's head says {}",
            walk.number, book.ledger.transaction_no
        )
    });
    proof.check(walk.hash == book.ledger.transaction_hash, || {
        "the last transaction's hash is not the one in the book's head".to_string()
    });
    proof.check(walk.moved == book.ledger.turnover.into(), || {
        format!(
            "the ledger has moved {} minor units in all, the book's head says {}",
            walk.moved.0, book.ledger.turnover.0
        )
    });
    let mut missing: Vec<&String> = walk.expected.keys().collect();
    missing.sort();
    for event in missing {
        proof.finding(format!("{event} has no ledger transaction"));
    }
    Ok(walk.sums)
}

/// The leg each event must have: its account and amount.
fn expected_legs(
    db: &mut Db,
    lender: &str,
) -> Result<HashMap<String, (String, Money)>, ProofError> {
    let mut expected = HashMap::new();
    let mut waivers: HashSet<String> = HashSet::new();
    let mut reversals = Vec::new();
    recovery::store::each(db, lender, |one| {
        if one.kind == Kind::Waiver {
            waivers.insert(one.reference.clone());
        }
        if one.kind == Kind::Reversal {
            reversals.push(one);
            return Ok::<(), ProofError>(());
        }
        let account = one.money_account(one.kind == Kind::Waiver);
        expected.insert(format!("recovery:{}", one.reference), (account, one.amount));
        Ok(())
    })?;
    for one in reversals {
        let of_waiver = one.reverses.as_ref().is_some_and(|original| waivers.contains(original));
        let account = one.money_account(of_waiver);
        expected.insert(format!("recovery:{}", one.reference), (account, -one.amount));
    }
    for one in settlement::store::statements(db, lender, None)? {
        if !one.figures.total.is_zero() {
            expected.insert(
                format!("statement:{}", one.statement_no),
                (chart::payable(&one.agency), -one.figures.total),
            );
        }
    }
    Ok(expected)
}

struct Walk {
    expected: HashMap<String, (String, Money)>,
    /// How the hashes of each event's transactions are made.
    versions: HashMap<i64, Chaining>,
    hash: String,
    sums: Sums,
    moved: Total,
    events: HashSet<String>,
    current: Vec<PostingRow>,
    number: i64,
}

impl Walk {
    /// Checks the transaction whose legs were collected.
    fn transaction(&mut self, proof: &mut Proof) {
        let postings = std::mem::take(&mut self.current);
        let Some(first) = postings.first().map(|posting| posting.transaction.clone()) else {
            return;
        };
        let legs: Vec<LegRow> = postings.into_iter().map(|posting| posting.leg).collect();
        proof.transactions += 1;
        self.number += 1;
        let (number, expected) = (first.number, self.number);
        proof.check(number == expected, || {
            format!(
                "ledger transaction {number} stands where {expected} should: numbers have a gap"
            )
        });
        self.number = number;
        let Total(sum) = legs.iter().map(|leg| leg.amount).sum();
        proof.check(sum == 0, || {
            format!("ledger transaction {number} is out of balance by {sum} minor units")
        });
        let version = self.versions.get(&first.seq).copied().unwrap_or(Chaining::CURRENT);
        let hash = transaction_hash(version, &self.hash, &first, &legs);
        proof.check(hash == first.hash, || {
            format!("ledger transaction {number} ({}) does not match its hash", first.event)
        });
        self.hash.clone_from(&first.hash);
        if let Some((account, amount)) = self.expected.remove(&first.event) {
            let posted = legs.iter().any(|leg| leg.account == account && leg.amount == amount);
            proof.check(posted, || {
                format!(
                    "ledger transaction {number} does not post {} to {account} as {} says",
                    amount.0, first.event
                )
            });
        } else if first.event.starts_with("recovery:") || first.event.starts_with("statement:") {
            proof.finding(format!(
                "ledger transaction {number} posts {}, which does not exist or is posted twice",
                first.event
            ));
        } else {
            let fresh = self.events.insert(first.event.clone());
            proof.check(fresh, || format!("{} is posted twice", first.event));
        }
        for leg in legs {
            if chart::is_run_with_agency(&leg.account) {
                let months = self.sums.monthly.entry(leg.account.clone()).or_default();
                *months.entry(Month::of(first.day)).or_default() += leg.amount;
            }
            self.moved += Money(leg.amount.0.max(0));
            *self.sums.balances.entry(leg.account).or_default() += leg.amount;
        }
    }
}
