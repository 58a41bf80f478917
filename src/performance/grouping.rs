//! Which accounts are alike: the dimensions that strata go by.

use crate::contract::condition::Facts;
use crate::kernel::document::{DocumentFault, Table, Value};
use crate::kernel::{Currency, Money};

/// What accounts are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// The bucket of the days past due.
    Bucket,
    /// The band of the balance.
    BalanceBand,
    /// The product.
    Product,
    /// The region.
    Region,
    /// The level the next agency would be.
    Level,
    /// Written off or not.
    ChargedOff,
}

const DIMENSIONS: [(&str, Dimension); 6] = [
    ("bucket", Dimension::Bucket),
    ("balance_band", Dimension::BalanceBand),
    ("product", Dimension::Product),
    ("region", Dimension::Region),
    ("level", Dimension::Level),
    ("charged_off", Dimension::ChargedOff),
];

/// The dimensions with the bands of the balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping {
    /// What accounts are grouped by, in order.
    pub dimensions: Vec<Dimension>,
    /// Upper bounds of the balance bands, each inclusive.
    pub bands: Vec<Money>,
    /// The currency that bands are written in.
    pub currency: Currency,
}

impl Grouping {
    /// By bucket alone: what a scorecard goes by when no strategy says otherwise.
    pub fn by_bucket(currency: Currency) -> Grouping {
        Grouping { dimensions: vec![Dimension::Bucket], bands: Vec::new(), currency }
    }

    /// Reads `strata` and `balance_bands` of a strategy.
    pub fn read(root: &mut Table<'_>, currency: Currency) -> Result<Grouping, DocumentFault> {
        let dimensions =
            root.take("strata").map(|value| dimensions(&value)).transpose()?.unwrap_or_default();
        let bands = root
            .take("balance_bands")
            .map(|value| bands(&value, currency))
            .transpose()?
            .unwrap_or_default();
        if dimensions.contains(&Dimension::BalanceBand) && bands.is_empty() {
            return Err(root.fault(
                "`balance_bands` is missing: strata by balance_band need their upper bounds",
            ));
        }
        Ok(Grouping { dimensions, bands, currency })
    }

    /// Writes the group of some facts; alike accounts have the same text.
    pub fn write(&self, facts: &Facts, into: &mut String) {
        for (i, dimension) in self.dimensions.iter().enumerate() {
            if i > 0 {
                into.push('|');
            }
            match dimension {
                Dimension::Bucket => into.push_str(&facts.bucket),
                Dimension::BalanceBand => self.write_band(facts.balance, into),
                Dimension::Product => into.push_str(facts.product.as_deref().unwrap_or("-")),
                Dimension::Region => into.push_str(facts.region.as_deref().unwrap_or("-")),
                Dimension::Level => {
                    into.push('L');
                    into.push_str(&facts.level.to_string());
                }
                Dimension::ChargedOff => {
                    into.push_str(if facts.charged_off { "charged off" } else { "not charged off" })
                }
            }
        }
    }

    /// The group of some facts.
    pub fn group(&self, facts: &Facts) -> String {
        let mut text = String::new();
        self.write(facts, &mut text);
        text
    }

    fn write_band(&self, balance: Money, into: &mut String) {
        let (sign, bound) = match self.bands.iter().find(|bound| balance <= **bound) {
            Some(bound) => ('≤', *bound),
            None => ('>', self.bands.last().copied().unwrap_or_default()),
        };
        into.push(sign);
        into.push_str(&bound.plain(self.currency));
    }
}

fn dimensions(value: &Value<'_>) -> Result<Vec<Dimension>, DocumentFault> {
    let mut dimensions = Vec::new();
    for name in value.names()? {
        let Some((_, dimension)) = DIMENSIONS.iter().find(|(known, _)| *known == name) else {
            let known = DIMENSIONS.map(|(known, _)| known).join(", ");
            return Err(value.fault(format!("names \"{name}\"; strata go by {known}")));
        };
        if !dimensions.contains(dimension) {
            dimensions.push(*dimension);
        }
    }
    Ok(dimensions)
}

fn bands(value: &Value<'_>, currency: Currency) -> Result<Vec<Money>, DocumentFault> {
    let mut bands: Vec<Money> = Vec::new();
    for text in value.names()? {
        let bound = Money::parse(&text, currency).map_err(|fault| value.fault(fault))?;
        if bands.last().is_some_and(|last| bound <= *last) || bound <= Money::ZERO {
            return Err(value.fault("must rise from band to band, above 0"));
        }
        bands.push(bound);
    }
    Ok(bands)
}
