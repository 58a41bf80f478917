//! What a run found beside its assignment, as it is kept and as it is read back.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::json;

use super::deal::Fate;
use super::decide::Decision;
use super::estimate::Given;
use super::reason::{Reason, Why};
use super::strata_table::StratumRow;
use crate::kernel::{Currency, Money, MoneyRange, enumeration};
use crate::performance::number::round;

/// What a run found; a run of long ago may have kept less.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Findings {
    /// The method used.
    pub method: String,
    /// The method asked for.
    pub method_asked: String,
    /// What the method's part is expected to bring, net.
    pub objective: String,
    /// No plan can bring more.
    pub bound: Option<String>,
    /// What equal shares of the same accounts would bring.
    pub equal_would_bring: Option<String>,
    /// What shares by score would bring.
    pub score_would_bring: Option<String>,
    /// Units of several accounts of one debtor.
    pub debtors_kept_together: i64,
    /// What keeping them together cost.
    pub together_cost: String,
    /// Why accounts found no room within the limits.
    pub no_room: Option<String>,
    /// The same in Chinese; a run of long ago did not keep it.
    pub no_room_zh: Option<String>,
    /// Whether there was any history to go by.
    pub history: bool,
    /// The limits of each assignee.
    pub limits: Vec<Limit>,
    /// Accounts the run did not take, by why.
    pub not_taken: BTreeMap<String, i64>,
    /// What each assignee gets.
    pub assignees: BTreeMap<String, Share>,
    /// Accounts left unplaced, by the code of the reason.
    pub unplaced: BTreeMap<String, i64>,
    /// What accounts that follow their debtors are expected to recover, in minor units: they are in no stratum.
    pub followers: BTreeMap<String, i64>,
}

/// The limits of one assignee.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Limit {
    /// Whose.
    pub assignee: String,
    /// The fewest accounts of the run.
    pub min_accounts: i64,
    /// The most.
    pub max_accounts: Option<i64>,
    /// What one account more of the limit would bring.
    pub shadow_price: Option<String>,
    /// A gate that is closed for every account.
    pub closed: Option<String>,
    /// Accounts it could still take.
    pub room: Option<i64>,
}

/// What one assignee gets, in accounts and minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Share {
    /// Accounts.
    pub accounts: i64,
    /// Those of them that are explored.
    pub explored: i64,
    /// Σ balances.
    pub balance: i64,
    /// Σ expected recoveries; a run of long ago did not keep it.
    pub expected: Option<i64>,
    /// What those would earn; a run of long ago did not keep it.
    pub fees: Option<i64>,
}

impl Findings {
    /// What everything the run gives is expected to bring, net of fees; nothing when the run did not keep it.
    pub fn net(&self) -> Option<Money> {
        let net = |share: &Share| Some(Money(share.expected?) - Money(share.fees?));
        self.assignees.values().map(net).sum()
    }

    /// Reads what was kept.
    pub fn read(body: serde_json::Value) -> serde_json::Result<Findings> {
        serde_json::from_value(body)
    }

    /// The limits with a price: the run would bring another sum if they were other. Nobody can get fewer than none, and
    /// who takes nothing has no limit.
    pub fn binding(&self) -> impl Iterator<Item = (&Limit, &str)> {
        let priced = |limit: &Limit| {
            let price = limit.shadow_price.as_deref().and_then(decimal).unwrap_or_default();
            limit.closed.is_none()
                && (price > Decimal::ZERO || price < Decimal::ZERO && limit.min_accounts > 0)
        };
        self.limits
            .iter()
            .filter(move |limit| priced(limit))
            .filter_map(|limit| Some((limit, limit.shadow_price.as_deref()?)))
    }
}

/// The totals of a decision, kept beside what else it found, so that a page need not add up a million rows.
pub fn totals(decision: &Decision) -> Result<serde_json::Value, MoneyRange> {
    let share = |given: Given| {
        json!({
            "accounts": given.accounts, "explored": given.explored, "balance": given.balance.0, "expected": given.expected.0,
            "fees": given.fees.0,
        })
    };
    let assignees: BTreeMap<String, serde_json::Value> =
        decision.totals()?.into_iter().map(|(code, given)| (code, share(given))).collect();
    let mut unplaced: BTreeMap<String, i64> = BTreeMap::new();
    let mut followers: BTreeMap<&str, i64> = BTreeMap::new();
    for (index, one) in decision.assigned.iter().enumerate() {
        if one.placed().is_none() {
            *unplaced.entry(decision.why(index, one).to_string()).or_default() += 1;
        } else if one.fate == Fate::Followed
            && let Some(expected) = decision.expected(index, one)
        {
            followers.insert(decision.candidate(index).account_no.as_str(), expected?.0);
        }
    }
    Ok(json!({"assignees": assignees, "unplaced": unplaced, "followers": followers}))
}

/// What a run expects of its accounts, from its strata table: an account's share of it is its balance × the stratum's
/// rate × the assignee's index, rounded as the assignment file rounds it.
pub struct Expectations<'a> {
    rates: BTreeMap<(&'a str, &'a str), Decimal>,
    followers: &'a BTreeMap<String, i64>,
}

impl<'a> Expectations<'a> {
    /// From the strata table and the followers.
    pub fn new(strata: &'a [StratumRow], findings: &'a Findings) -> Expectations<'a> {
        let rate = |row: &'a StratumRow| {
            Some(((row.stratum.as_str(), row.assignee.as_str()), (row.stratum_rate, row.index)))
        };
        let product = |(key, (rate, index)): ((&'a str, &'a str), (Decimal, Decimal))| {
            Some((key, rate.checked_mul(index)?))
        };
        Expectations {
            rates: strata.iter().filter_map(rate).filter_map(product).collect(),
            followers: &findings.followers,
        }
    }

    /// What an account is expected to recover where it goes.
    pub fn of(
        &self,
        account_no: &str,
        assignee: &str,
        stratum: &str,
        balance: Money,
    ) -> Option<Money> {
        if let Some(expected) = self.followers.get(account_no) {
            return Some(Money(*expected));
        }
        let exact = Decimal::from(balance.0).checked_mul(*self.rates.get(&(stratum, assignee))?)?;
        i64::try_from(round(exact, 0).mantissa()).ok().map(Money)
    }
}

/// An amount of six places as whole minor units, halves away from zero.
pub fn amount(text: &str, currency: Currency) -> Option<Money> {
    let exact = decimal(text)?.checked_mul(Decimal::from(10_i64.pow(currency.decimals())))?;
    i64::try_from(round(exact, 0).mantissa()).ok().map(Money)
}

/// One amount of six places less another, as whole minor units.
pub fn difference(text: &str, less: &str, currency: Currency) -> Option<Money> {
    let difference = decimal(text)?.checked_sub(decimal(less)?)?;
    amount(&difference.to_string(), currency)
}

fn decimal(text: &str) -> Option<Decimal> {
    Decimal::from_str_exact(text).ok()
}

enumeration! {
    /// How an account went where it went, for filters and links.
    pub enum How ("way of an account in a run") {
        /// To anybody.
        Placed = "placed",
        /// By the method of the run.
        Method = "method",
        /// Held back to explore.
        Explored = "exploration",
        /// With its debtor's other accounts.
        Followed = "follow",
        /// To nobody.
        Unplaced = "unplaced",
    }
}

impl How {
    /// How an account with a reason went; of texts that are no code only whether it went is known.
    pub fn of(why: Option<&Why>, placed: bool) -> How {
        match why.map(|why| &why.reason) {
            _ if !placed => How::Unplaced,
            Some(Reason::Explore(..)) => How::Explored,
            Some(Reason::Follow(_)) => How::Followed,
            None | Some(Reason::Words(_)) => How::Placed,
            Some(_) => How::Method,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_six_places_are_rounded_once() {
        let cny = Currency::parse("CNY").unwrap();
        assert_eq!(amount("12.345000", cny), Some(Money(1235)));
        assert_eq!(amount("-0.004999", cny), Some(Money(0)));
        assert_eq!(difference("10.000000", "9.994999", cny), Some(Money(1)));
        assert_eq!(amount("much", cny), None);
    }

    #[test]
    fn what_was_not_kept_reads_as_nothing() {
        let read = |body: &str| Findings::read(serde_json::from_str(body).unwrap()).unwrap();
        let old = read(
            r#"{"method": "equal", "limits": [{"assignee": "A01", "shadow_price": "0.000000"}]}"#,
        );
        assert_eq!(
            (old.method.as_str(), old.assignees.len(), old.binding().count()),
            ("equal", 0, 0)
        );
        let new = read(
            r#"{"limits": [
                {"assignee": "A01", "shadow_price": "-1.500000", "min_accounts": 3},
                {"assignee": "A02", "shadow_price": "-1.500000", "min_accounts": 0},
                {"assignee": "A03", "shadow_price": "1.500000", "max_accounts": 3},
                {"assignee": "A04", "shadow_price": "1.500000", "max_accounts": 3, "closed": "licence"}
            ]}"#,
        );
        let binding: Vec<&str> = new.binding().map(|(limit, _)| limit.assignee.as_str()).collect();
        assert_eq!(binding, ["A01", "A03"]);
    }

    #[test]
    fn a_reason_says_how_an_account_went() {
        assert_eq!(How::of(Why::parse("explore A01 1 3").as_ref(), true), How::Explored);
        assert_eq!(How::of(None, true), How::Placed);
    }
}
