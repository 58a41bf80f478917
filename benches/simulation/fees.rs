//! What is left after fees: in truth's expectation, and as luck had it.

use std::collections::BTreeMap;

use consign::commission::entitlement::{expected_fee, first_match, price};
use consign::commission::{FeeGroup, Group, GroupKey, Item, Scope};
use consign::kernel::Money;
use rust_decimal::prelude::ToPrimitive as _;

use crate::policy::Placed;
use crate::world::{World, minor};

/// What a month's placements bring after fees, in yuan.
#[derive(Clone, Copy, Debug, Default)]
pub struct Net {
    /// As the truth expects it.
    pub expected: f64,
    /// As it came.
    pub realised: f64,
}

/// What one fee rule prices: a batch's part.
#[derive(Default)]
struct Part {
    placed: Money,
    accounts: i64,
    expected: f64,
    items: Vec<Item>,
}

/// Prices a month's placements by their contracts: each recipient's are one batch.
pub fn net(world: &World, month: usize, placed: &[Placed]) -> Net {
    let mut parts: BTreeMap<(usize, usize), Part> = BTreeMap::new();
    for one in placed {
        let account = &world.months[month][one.account];
        let terms = &world.versions.0[one.recipient].terms;
        let part = parts
            .entry((one.recipient, first_match(&terms.fees, &account.candidate.facts)))
            .or_default();
        part.placed += account.candidate.facts.balance;
        part.accounts += 1;
        part.expected += world.expected(month, account, one.recipient);
        if one.recovered > Money::ZERO {
            part.items.push(item(month, &account.candidate.account_no, one.recovered));
        }
    }
    let mut sum = Net::default();
    for ((recipient, rule), part) in parts {
        let terms = &world.versions.0[recipient].terms;
        let fee =
            expected_fee(&terms.fees[rule].price, minor(part.expected), part.placed, part.accounts);
        sum.expected += part.expected - fee.expect("in range").to_f64().expect("a fee");
        let scope = Scope::Batch(format!("B{month}"));
        let of = FeeGroup { contract: terms.code.clone(), version: 1, rule, scope };
        let key = GroupKey { agency: terms.agency.clone(), of };
        let recovered: Money = part.items.iter().map(|item| item.amount).sum();
        let group = Group { key, placed: part.placed, items: part.items };
        let fees: Money = price(terms, &group).iter().map(|line| line.fee).sum();
        sum.realised += crate::world::whole(recovered - fees);
    }
    Net { expected: sum.expected / 100.0, realised: sum.realised / 100.0 }
}

fn item(month: usize, account_no: &str, amount: Money) -> Item {
    Item {
        reference: account_no.to_string(),
        payment: account_no.to_string(),
        account_no: account_no.to_string(),
        batch: format!("B{month}"),
        received_on: World::day(month),
        month: consign::kernel::Month::of(World::day(month)),
        reversal: false,
        amount,
        earning: amount,
        undivided: true,
    }
}
