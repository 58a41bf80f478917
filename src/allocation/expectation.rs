//! What is to be expected: of each stratum, in the hands of each assignee, net of the fee it would earn (rule 4.9).

use std::collections::BTreeMap;
use std::num::NonZero;

use rust_decimal::Decimal;

use super::candidates::Candidates;
use super::gates::Recipient;
use super::strata::{Sorted, Stratum};
use crate::commission::entitlement::{expected_fee, first_match};
use crate::contract::condition::{Conditions, Facts, Range};
use crate::contract::{FeeRule, Price};
use crate::kernel::{Currency, Money, MoneyRange};
use crate::party::AssigneeKind;
use crate::performance::history::History;
use crate::performance::number::{RATE_PLACES, round};

/// Places of a value per account.
pub const VALUE_PLACES: u32 = 6;

/// What an account of a stratum is worth in somebody's hands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Worth {
    /// The shrunk index of the assignee.
    pub index: Decimal,
    /// The fee that the expected recovery would earn ÷ that recovery.
    pub fee_rate: Decimal,
    /// Expected net recovery of a mean account, in millionths of a currency unit.
    pub value: i64,
}

/// What to expect of a stratum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectation {
    /// Its pooled recovery rate.
    pub rate: Decimal,
    /// Its worth in the hands of each of its eligible recipients, in their order.
    pub worth: Vec<Worth>,
}

/// More is to be expected of something than a book keeps.
#[derive(Debug, thiserror::Error)]
#[error(
    "what is to be expected of {0} is more than a book keeps; look at its balances and recoveries; nothing was changed"
)]
pub struct Beyond(pub String);

/// What expectations are made from.
pub struct Ground<'a> {
    /// Who may take accounts.
    pub recipients: &'a [Recipient],
    /// The accounts.
    pub candidates: &'a Candidates,
    /// The accounts in their strata.
    pub sorted: &'a Sorted,
    /// What was recovered before.
    pub history: &'a History,
    /// The shrunk index of each assignee; who is missing starts at 1.
    pub indices: &'a BTreeMap<String, Decimal>,
    /// The book's currency.
    pub currency: Currency,
}

/// The expectations of all strata, in their order. Strata are looked at on as many threads as there are cores; each
/// by itself, so that threads change nothing. Refused where more is to be expected than a book keeps.
pub fn expectations(ground: &Ground<'_>) -> Result<Vec<Expectation>, Beyond> {
    let strata = &ground.sorted.strata;
    let mut expectations = vec![None; strata.len()];
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let size = strata.len().div_ceil(threads * 8).max(1);
    let work: Vec<_> = strata.chunks(size).zip(expectations.chunks_mut(size)).collect();
    let work = std::sync::Mutex::new(work);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let Some((strata, expectations)) =
                        work.lock().ok().and_then(|mut work| work.pop())
                    else {
                        return;
                    };
                    strata
                        .iter()
                        .zip(expectations)
                        .for_each(|(stratum, expectation)| *expectation = look(ground, stratum));
                }
            });
        }
    });
    let found = strata.iter().zip(expectations);
    found
        .map(|(stratum, expectation)| {
            expectation.ok_or_else(|| Beyond(format!("stratum {}", stratum.name)))
        })
        .collect()
}

fn look(ground: &Ground<'_>, stratum: &Stratum) -> Option<Expectation> {
    let rate = rate(ground, stratum)?;
    let mut known = Vec::new();
    let worth = stratum.eligible.iter().map(|recipient| {
        let recipient = &ground.recipients[*recipient];
        let index = ground.indices.get(&recipient.assignee.code).copied().unwrap_or(Decimal::ONE);
        let fees = recipient.version.as_ref().map_or(&[][..], |version| &version.terms.fees);
        let parts = parts(ground, stratum, recipient, fees, &mut known);
        let fee_rate = fee_rate(fees, &parts, rate.checked_mul(index)?)?;
        let value = value(stratum, rate, index, fee_rate, ground.currency)?;
        Some(Worth { index, fee_rate, value })
    });
    let worth = worth.collect::<Option<Vec<_>>>()?;
    Some(Expectation { rate, worth })
}

/// The stratum's own pooled rate; without one, its accounts take their buckets' rates in proportion to balance.
fn rate(ground: &Ground<'_>, stratum: &Stratum) -> Option<Decimal> {
    if ground.history.pool(&stratum.group).and_then(|sums| sums.rate()).is_some() {
        return Some(ground.history.rate(&stratum.group, ""));
    }
    let mut balances: BTreeMap<&str, Money> = BTreeMap::new();
    for unit in &stratum.units {
        for index in ground.sorted.members_of(unit) {
            let facts = &ground.candidates.accounts[*index as usize].facts;
            *balances.entry(&facts.bucket).or_default() += facts.balance;
        }
    }
    let all = Decimal::from(stratum.balance.0.max(1));
    let mut weighed = Decimal::ZERO;
    for (bucket, balance) in &balances {
        let rate = ground.history.rate(&stratum.group, bucket);
        weighed = weighed.checked_add(rate.checked_mul(Decimal::from(balance.0))?)?;
    }
    Some(round(weighed / all, RATE_PLACES))
}

/// Accounts and balance by fee rule, with the conditions and the kind of assignee they were found for.
type Known<'g> = Vec<(Vec<&'g Conditions>, bool, Vec<(i64, Money)>)>;

/// Accounts and balance of a stratum by the fee rule they would match in a recipient's hands. Contracts with the same
/// conditions share the answer, most agencies of a lender differ in price only; where the level counts, whoever held
/// accounts before does not.
fn parts<'g>(
    ground: &Ground<'_>,
    stratum: &Stratum,
    recipient: &Recipient,
    fees: &'g [FeeRule],
    known: &mut Known<'g>,
) -> Vec<(i64, Money)> {
    if fees.len() < 2 {
        return vec![(stratum.accounts, stratum.balance)];
    }
    let conditions: Vec<&Conditions> = fees.iter().map(|fee| &fee.when).collect();
    let by_level = conditions.iter().any(|when| when.level != Range::default());
    let is_team = by_level && recipient.assignee.kind == AssigneeKind::Team;
    if let Some((.., parts)) =
        known.iter().find(|(others, team, _)| *others == conditions && *team == is_team)
    {
        return parts.clone();
    }
    let mut parts = vec![(0, Money::ZERO); fees.len()];
    let mut came_back = false;
    for unit in &stratum.units {
        for index in ground.sorted.members_of(unit) {
            let candidate = &ground.candidates.accounts[*index as usize];
            let level = if by_level {
                candidate.level_with(&recipient.assignee)
            } else {
                candidate.facts.level
            };
            let rule = if level == candidate.facts.level {
                first_match(fees, &candidate.facts)
            } else {
                came_back |= !is_team;
                first_match(fees, &Facts { level, ..candidate.facts.clone() })
            };
            parts[rule].0 += 1;
            parts[rule].1 += candidate.facts.balance;
        }
    }
    if !came_back {
        known.push((conditions, is_team, parts.clone()));
    }
    parts
}

/// The fee that the expected recovery would earn ÷ that recovery. Where nothing is to be expected, the rate on the
/// balance itself stands in: it prices nothing, but it is shown.
fn fee_rate(fees: &[FeeRule], parts: &[(i64, Money)], rate: Decimal) -> Option<Decimal> {
    let rate = if rate > Decimal::ZERO { rate } else { Decimal::ONE };
    let (mut fee, mut recovery) = (Decimal::ZERO, Decimal::ZERO);
    for (rule, (accounts, balance)) in
        fees.iter().zip(parts).filter(|(_, (accounts, _))| *accounts > 0)
    {
        let expected = Decimal::from(balance.0).checked_mul(rate)?;
        let (part, earns) = match &rule.price {
            Price::Flat(flat) => (expected, expected.checked_mul(flat.decimal())?),
            price => {
                let whole = Money::checked(round(expected, 0).mantissa().max(1)).ok()?;
                (Decimal::from(whole.0), expected_fee(price, whole, *balance, *accounts)?)
            }
        };
        recovery = recovery.checked_add(part)?;
        fee = fee.checked_add(earns)?;
    }
    let found = fee.checked_div(recovery).unwrap_or_default();
    Some(round(found.clamp(Decimal::ZERO, Decimal::ONE), RATE_PLACES))
}

/// Balance ÷ accounts × rate × index × (1 − fee rate), rounded to six places: the programme solved is the one shown.
fn value(
    stratum: &Stratum,
    rate: Decimal,
    index: Decimal,
    fee_rate: Decimal,
    currency: Currency,
) -> Option<i64> {
    let balance =
        Decimal::try_from_i128_with_scale(i128::from(stratum.balance.0), currency.decimals())
            .ok()?;
    let net = rate.checked_mul(index)?.checked_mul(Decimal::ONE - fee_rate)?;
    let mean = balance.checked_div(Decimal::from(stratum.accounts))?.checked_mul(net)?;
    i64::try_from(round(mean, VALUE_PLACES).mantissa()).ok().map(|value| value.max(0))
}

/// What an account is to be expected to recover: its balance × the rate × the index, rounded; refused beyond what a
/// book keeps.
pub fn expected_recovery(
    balance: Money,
    rate: Decimal,
    index: Decimal,
) -> Result<Money, MoneyRange> {
    let exact = Decimal::from(balance.0).checked_mul(rate).and_then(|all| all.checked_mul(index));
    exact.map_or(Err(MoneyRange(i128::MAX)), |exact| Money::checked(round(exact, 0).mantissa()))
}
