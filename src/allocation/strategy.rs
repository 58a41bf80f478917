//! A strategy file becomes a strategy, or is refused with the key and its line.

use crate::contract::condition::Conditions;
use crate::kernel::document::{Document, DocumentFault, Table, Value};
use crate::kernel::{Money, Rate};
use crate::party::{Assignee, Lender};

/// How shares come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The same share to each eligible assignee.
    Equal,
    /// Shares the lender states.
    Fixed,
}

impl Method {
    /// As files write it.
    pub fn name(self) -> &'static str {
        match self {
            Method::Equal => "equal",
            Method::Fixed => "fixed",
        }
    }
}

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

/// What the lender wants.
#[derive(Clone, Debug)]
pub struct Strategy {
    /// Its name.
    pub name: String,
    /// How shares come about.
    pub method: Method,
    /// What accounts are grouped by.
    pub dimensions: Vec<Dimension>,
    /// Upper bounds of the balance bands, each inclusive.
    pub bands: Vec<Money>,
    /// Where everything random comes from.
    pub seed: u64,
    /// Whether previous holders are barred.
    pub rotation: bool,
    /// Which accounts.
    pub filter: Conditions,
    /// Who takes part, with its share, in order of code.
    pub assignees: Vec<(String, Rate)>,
}

type Read<T> = Result<T, DocumentFault>;

/// Reads a strategy of this lender.
pub fn parse(text: &str, lender: &Lender, known: &[Assignee]) -> Read<Strategy> {
    let document = Document::parse(text)?;
    let mut root = document.table();
    let name = root.need("name")?.name()?;
    let method_value = root.need("method")?;
    let method = match method_value.text()? {
        "equal" => Method::Equal,
        "fixed" => Method::Fixed,
        "score" | "optimise" => {
            return Err(method_value.fault("is not yet supported: it needs the scorecard; use equal or fixed"));
        }
        _ => return Err(method_value.fault("must be one of: equal, fixed, score, optimise")),
    };
    let dimensions = root.take("strata").map(|value| dimensions(&value)).transpose()?.unwrap_or_default();
    let bands = root.take("balance_bands").map(|value| bands(&value, lender)).transpose()?.unwrap_or_default();
    if dimensions.contains(&Dimension::BalanceBand) && bands.is_empty() {
        return Err(root.fault("`balance_bands` is missing: strata by balance_band need their upper bounds"));
    }
    let seed = root.take("seed").map_or(Ok(0), |value| value.whole(0, i64::MAX))?;
    let rotation = root.take("rotation").map_or(Ok(false), |value| value.flag())?;
    if let Some(value) = root.take("exploration")
        && value.rate()? > Rate::ZERO
        && method == Method::Fixed
    {
        return Err(value.fault("is not yet supported with fixed shares; leave it out"));
    }
    let filter = root.take("filter").map(|value| Conditions::read(&value, lender.currency)).transpose()?.unwrap_or_default();
    for key in ["performance", "score"] {
        if let Some(value) = root.take(key) {
            check_numbers(value.table()?, key)?;
        }
    }
    let tables_at = root.take("assignee");
    let assignees = match &tables_at {
        Some(value) => listed(value, method, known)?,
        None if method == Method::Fixed => {
            return Err(method_value.fault("needs an [[assignee]] with a share for each that takes part"));
        }
        None => known.iter().map(|assignee| (assignee.code.clone(), Rate::ONE)).collect(),
    };
    root.finish()?;
    let seed = u64::try_from(seed).unwrap_or(0);
    Ok(Strategy { name, method, dimensions, bands, seed, rotation, filter, assignees })
}

fn dimensions(value: &Value<'_>) -> Read<Vec<Dimension>> {
    let mut dimensions = Vec::new();
    for name in value.names()? {
        let dimension = match name.as_str() {
            "bucket" => Dimension::Bucket,
            "balance_band" => Dimension::BalanceBand,
            "product" => Dimension::Product,
            "region" => Dimension::Region,
            "level" => Dimension::Level,
            "charged_off" => Dimension::ChargedOff,
            _ => {
                return Err(value
                    .fault(format!("names \"{name}\"; strata go by bucket, balance_band, product, region, level, charged_off")));
            }
        };
        if !dimensions.contains(&dimension) {
            dimensions.push(dimension);
        }
    }
    Ok(dimensions)
}

fn bands(value: &Value<'_>, lender: &Lender) -> Read<Vec<Money>> {
    let mut bands: Vec<Money> = Vec::new();
    for text in value.names()? {
        let bound = Money::parse(&text, lender.currency).map_err(|fault| value.fault(fault))?;
        if bands.last().is_some_and(|last| bound <= *last) || bound <= Money::ZERO {
            return Err(value.fault("must rise from band to band, above 0"));
        }
        bands.push(bound);
    }
    Ok(bands)
}

/// The tables that other methods use: their keys are checked so that a file can be kept for them.
fn check_numbers(mut table: Table<'_>, name: &str) -> Read<()> {
    let keys: &[&str] = match name {
        "performance" => &["window_months", "horizon_days", "credibility"],
        _ => &["recoveries", "accounts_served", "compliance"],
    };
    for key in keys {
        if let Some(value) = table.take(key) {
            value.whole(0, 1_000_000)?;
        }
    }
    if name == "score"
        && let Some(value) = table.take("tie_margin")
    {
        value.any_rate()?;
    }
    table.finish()
}

fn listed(value: &Value<'_>, method: Method, known: &[Assignee]) -> Read<Vec<(String, Rate)>> {
    let mut listed: Vec<(String, Rate)> = Vec::new();
    for mut table in value.tables()? {
        let code_value = table.need("code")?;
        let code = code_value.code()?;
        if !known.iter().any(|assignee| assignee.code == code) {
            return Err(code_value.fault("is no assignee of this lender"));
        }
        if listed.iter().any(|(other, _)| *other == code) {
            return Err(code_value.fault("stands twice"));
        }
        for key in ["min_share", "max_share"] {
            if let Some(value) = table.take(key) {
                return Err(value.fault("is not yet supported: limits on shares come with the optimiser; leave it out"));
            }
        }
        let share = match (table.take("share"), method) {
            (Some(share), Method::Fixed) => share.rate()?,
            (None, Method::Fixed) => return Err(table.fault(format!("`share` is missing: {code} needs one with fixed shares"))),
            (Some(share), Method::Equal) => return Err(share.fault("goes with method = \"fixed\" only")),
            (None, Method::Equal) => Rate::ONE,
        };
        table.finish()?;
        listed.push((code, share));
    }
    let sum: rust_decimal::Decimal = listed.iter().map(|(_, share)| share.decimal()).sum();
    if method == Method::Fixed && sum != Rate::ONE.decimal() {
        let percent = (sum * rust_decimal::Decimal::ONE_HUNDRED).normalize();
        return Err(value.fault(format!("has shares that sum to {percent}%; they must sum to 100%")));
    }
    listed.sort();
    Ok(listed)
}
