//! Conditions on the frozen facts of a placement: a contract's `when` and a strategy's `filter`.

use crate::kernel::document::{DocumentFault, Table, Value};
use crate::kernel::{Currency, Money};

/// The facts of a placement, frozen when it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// As the newest file stated it.
    pub days_past_due: i64,
    /// How many different agencies have held the account, this one included.
    pub level: i64,
    /// What was owed.
    pub balance: Money,
    /// The bucket of the days past due (账龄).
    pub bucket: String,
    /// The product.
    pub product: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// Written off.
    pub charged_off: bool,
    /// In court.
    pub legal: bool,
}

/// A range of whole numbers, both ends included; an open end is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// The least number.
    pub least: Option<i64>,
    /// The greatest number.
    pub most: Option<i64>,
}

/// Conditions that must all hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// On the days past due.
    pub days_past_due: Range,
    /// On the level.
    pub level: Range,
    /// On the balance, minor units.
    pub balance: Range,
    /// On the product.
    pub product: Option<Vec<String>>,
    /// On the region.
    pub region: Option<Vec<String>>,
    /// On the bucket.
    pub bucket: Option<Vec<String>>,
    /// On being written off.
    pub charged_off: Option<bool>,
    /// On being in court.
    pub legal: Option<bool>,
}

impl Range {
    /// Whether a number lies inside.
    pub fn holds(&self, number: i64) -> bool {
        self.least.is_none_or(|least| number >= least)
            && self.most.is_none_or(|most| number <= most)
    }

    fn read(
        value: &Value<'_>,
        number: impl Fn(&Value<'_>) -> Result<i64, DocumentFault>,
    ) -> Result<Range, DocumentFault> {
        let mut table = value.table()?;
        let bound = |table: &mut Table<'_>, key: &str| {
            table.take(key).map(|value| number(&value)).transpose()
        };
        let (from, above) =
            (bound(&mut table, "from")?, bound(&mut table, "above")?.map(|n| n.saturating_add(1)));
        let (to, below) =
            (bound(&mut table, "to")?, bound(&mut table, "below")?.map(|n| n.saturating_sub(1)));
        table.finish()?;
        let range = Range {
            least: from.max(above),
            most: match (to, below) {
                (Some(to), Some(below)) => Some(to.min(below)),
                (to, below) => to.or(below),
            },
        };
        match range {
            Range { least: None, most: None } => {
                Err(value.fault("needs a bound: from, above, to or below"))
            }
            Range { least: Some(least), most: Some(most) } if least > most => {
                Err(value.fault("can hold for no number"))
            }
            _ => Ok(range),
        }
    }
}

impl Conditions {
    /// Reads a `when` or `filter` table; unknown keys are refused.
    pub fn read(value: &Value<'_>, currency: Currency) -> Result<Conditions, DocumentFault> {
        let mut table = value.table()?;
        let days = |value: &Value<'_>| value.whole(0, 100_000);
        let amount = |value: &Value<'_>| value.amount(currency).map(|amount| amount.0);
        let mut range =
            |key: &str, number: &dyn Fn(&Value<'_>) -> Result<i64, DocumentFault>| match table
                .take(key)
            {
                Some(value) => Range::read(&value, number),
                None => Ok(Range::default()),
            };
        let days_past_due = range("days_past_due", &days)?;
        let level = range("level", &days)?;
        let balance = range("balance", &amount)?;
        let mut list = |key: &str| table.take(key).map(|value| value.names()).transpose();
        let (product, region, bucket) = (list("product")?, list("region")?, list("bucket")?);
        let mut flag = |key: &str| table.take(key).map(|value| value.flag()).transpose();
        let (charged_off, legal) = (flag("charged_off")?, flag("legal")?);
        table.finish()?;
        Ok(Conditions {
            days_past_due,
            level,
            balance,
            product,
            region,
            bucket,
            charged_off,
            legal,
        })
    }

    /// Whether all hold.
    pub fn hold(&self, facts: &Facts) -> bool {
        self.first_failing(facts).is_none()
    }

    /// The first condition that fails, for explaining why a rule did not apply.
    pub fn first_failing(&self, facts: &Facts) -> Option<Condition> {
        let listed = |list: &Option<Vec<String>>, value: Option<&str>| {
            list.as_ref()
                .is_none_or(|list| value.is_some_and(|value| list.iter().any(|item| item == value)))
        };
        let flagged =
            |wanted: Option<bool>, value: bool| wanted.is_none_or(|wanted| wanted == value);
        let checks = [
            (
                self.days_past_due.holds(facts.days_past_due),
                Condition::DaysPastDue(self.days_past_due),
            ),
            (self.level.holds(facts.level), Condition::Level(self.level)),
            (self.balance.holds(facts.balance.0), Condition::Balance),
            (listed(&self.product, facts.product.as_deref()), Condition::Product),
            (listed(&self.region, facts.region.as_deref()), Condition::Region),
            (listed(&self.bucket, Some(&facts.bucket)), Condition::Bucket),
            (flagged(self.charged_off, facts.charged_off), Condition::ChargedOff),
            (flagged(self.legal, facts.legal), Condition::Legal),
        ];
        checks.into_iter().find(|(holds, _)| !holds).map(|(_, condition)| condition)
    }
}

/// One of the conditions of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// On the days past due.
    DaysPastDue(Range),
    /// On the level.
    Level(Range),
    /// On the balance.
    Balance,
    /// On the product.
    Product,
    /// On the region.
    Region,
    /// On the bucket.
    Bucket,
    /// On being written off.
    ChargedOff,
    /// On being in court.
    Legal,
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.least, self.most) {
            (Some(least), Some(most)) => write!(f, "{least}–{most}"),
            (Some(least), None) => write!(f, "≥ {least}"),
            (None, Some(most)) => write!(f, "≤ {most}"),
            (None, None) => f.write_str("any"),
        }
    }
}
