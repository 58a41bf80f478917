//! A strategy file becomes a strategy, or is refused with the key and its line.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::contract::condition::Conditions;
use crate::contract::factor::Parameters;
use crate::kernel::document::{Document, DocumentFault, Table, Value};
use crate::kernel::{Rate, enumeration};
use crate::party::{Assignee, Lender};
use crate::performance::grouping::Grouping;
use crate::performance::scorecard::Points;

enumeration! {
    /// How shares come about.
    pub enum Method ("method of allocation") {
        /// The same share to each eligible assignee.
        Equal = "equal",
        /// Shares the lender states.
        Fixed = "fixed",
        /// Shares in proportion to the points score.
        Score = "score",
        /// Whatever makes the expected net recovery greatest.
        Optimise = "optimise",
    }
}

/// An assignee that takes part, with what the lender wants for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participant {
    /// Its code.
    pub code: String,
    /// Its share, with fixed shares.
    pub share: Option<Rate>,
    /// The least share of the accounts allocated in the run.
    pub min_share: Rate,
    /// The greatest.
    pub max_share: Rate,
    /// Whom it is scored against; nobody named means the common group.
    pub peer_group: Option<String>,
}

/// What the lender wants.
#[derive(Clone, Debug)]
pub struct Strategy {
    /// Its name.
    pub name: String,
    /// How shares come about.
    pub method: Method,
    /// What accounts are grouped by.
    pub grouping: Grouping,
    /// Where everything random comes from.
    pub seed: u64,
    /// Whether previous holders are barred.
    pub rotation: bool,
    /// The share held back to keep measuring everybody on a fair sample.
    pub exploration: Rate,
    /// Which accounts.
    pub filter: Conditions,
    /// How performance is measured.
    pub performance: Parameters,
    /// The points of the score.
    pub points: Points,
    /// More upheld complaints per 1,000 placements than this close the gate.
    pub most_upheld: Option<Decimal>,
    /// Who takes part, in order of code.
    pub assignees: Vec<Participant>,
}

impl Strategy {
    /// What the lender wants for an assignee.
    pub fn participant(&self, code: &str) -> Option<&Participant> {
        self.assignees.iter().find(|one| one.code == code)
    }

    /// Who is scored against whom.
    pub fn peers(&self) -> BTreeMap<String, String> {
        self.assignees
            .iter()
            .filter_map(|one| Some((one.code.clone(), one.peer_group.clone()?)))
            .collect()
    }
}

type Read<T> = Result<T, DocumentFault>;

/// Reads a strategy of this lender.
pub fn parse(text: &str, lender: &Lender, known: &[Assignee]) -> Read<Strategy> {
    read(&Document::parse(text)?, lender, known)
}

/// Reads the strategy that a run kept: what was in bounds when it was made stays readable.
pub fn parse_stored(text: &str, lender: &Lender, known: &[Assignee]) -> Read<Strategy> {
    read(&Document::parse_stored(text)?, lender, known)
}

fn read(document: &Document<'_>, lender: &Lender, known: &[Assignee]) -> Read<Strategy> {
    let mut root = document.table();
    let name = root.need("name")?.name()?;
    let method_value = root.need("method")?;
    let method = method_value.one_of()?;
    let grouping = Grouping::read(&mut root, lender.currency)?;
    let seed = root.take("seed").map_or(Ok(0), |value| value.whole(0, i64::MAX))?;
    let rotation = root.take("rotation").map_or(Ok(false), |value| value.flag())?;
    let exploration = root.take("exploration").map_or(Ok(Rate::ZERO), |value| value.rate())?;
    let filter = root
        .take("filter")
        .map(|value| Conditions::read(&value, lender.currency))
        .transpose()?
        .unwrap_or_default();
    let performance = root
        .take("performance")
        .map_or(Ok(Parameters::default()), |value| Parameters::read(&value))?;
    let points = root.take("score").map_or(Ok(Points::default()), |value| Points::read(&value))?;
    let most_upheld = root.take("conduct").map(|value| conduct(&value)).transpose()?;
    let tables_at = root.take("assignee");
    let assignees = match &tables_at {
        Some(value) => listed(value, method, known)?,
        None if method == Method::Fixed => {
            return Err(
                method_value.fault("needs an [[assignee]] with a share for each that takes part")
            );
        }
        None => known.iter().map(|assignee| everything(assignee.code.clone())).collect(),
    };
    root.finish()?;
    let seed = u64::try_from(seed).unwrap_or(0);
    Ok(Strategy {
        name,
        method,
        grouping,
        seed,
        rotation,
        exploration,
        filter,
        performance,
        points,
        most_upheld,
        assignees,
    })
}

/// `[conduct]`: what closes the gate of conduct.
fn conduct(value: &Value<'_>) -> Read<Decimal> {
    let mut table = value.table()?;
    let most = table.need("max_upheld_per_1000")?;
    let number =
        Decimal::from_str_exact(most.text()?.trim()).ok().filter(|number| *number >= Decimal::ZERO);
    let number =
        number.ok_or_else(|| most.fault("must be a number of complaints in quotes, like \"5\""))?;
    most.bound(number <= Decimal::ONE_THOUSAND, "must lie between 0 and 1000")?;
    table.finish()?;
    Ok(number)
}

fn everything(code: String) -> Participant {
    Participant { code, share: None, min_share: Rate::ZERO, max_share: Rate::ONE, peer_group: None }
}

fn listed(value: &Value<'_>, method: Method, known: &[Assignee]) -> Read<Vec<Participant>> {
    let mut listed: Vec<Participant> = Vec::new();
    for mut table in value.tables()? {
        let code_value = table.need("code")?;
        let code = code_value.code()?;
        if !known.iter().any(|assignee| assignee.code == code) {
            return Err(code_value.fault("is no assignee of this lender"));
        }
        if listed.iter().any(|other| other.code == code) {
            return Err(code_value.fault("stands twice"));
        }
        let participant = participant(&mut table, code, method)?;
        table.finish()?;
        listed.push(participant);
    }
    let sum = |of: fn(&Participant) -> Rate| -> Decimal {
        listed.iter().map(|one| of(one).decimal()).sum()
    };
    let percent = |sum: Decimal| (sum * Decimal::ONE_HUNDRED).normalize();
    let shares = sum(|one| one.share.unwrap_or(Rate::ZERO));
    if method == Method::Fixed && shares != Decimal::ONE {
        return Err(value
            .fault(format!("has shares that sum to {}%; they must sum to 100%", percent(shares))));
    }
    let least = sum(|one| one.min_share);
    if least > Decimal::ONE {
        return Err(value.fault(format!(
            "has min_shares that sum to {}%; they may not exceed 100%",
            percent(least)
        )));
    }
    let most = sum(|one| one.max_share);
    if most < Decimal::ONE {
        let short = percent(Decimal::ONE - most);
        let sum = percent(most);
        return Err(
            value.fault(format!("has max_shares that sum to {sum}%: {short}% of the accounts could go to nobody; raise one"))
        );
    }
    listed.sort_by(|a, b| a.code.cmp(&b.code));
    Ok(listed)
}

fn participant(table: &mut Table<'_>, code: String, method: Method) -> Read<Participant> {
    let share = match (table.take("share"), method) {
        (Some(share), Method::Fixed) => Some(share.rate()?),
        (None, Method::Fixed) => {
            return Err(
                table.fault(format!("`share` is missing: {code} needs one with fixed shares"))
            );
        }
        (Some(share), _) => return Err(share.fault("goes with method = \"fixed\" only")),
        (None, _) => None,
    };
    let (least, most) = (table.take("min_share"), table.take("max_share"));
    let min_share = least.map_or(Ok(Rate::ZERO), |value| value.rate())?;
    let max_share = match &most {
        None => Rate::ONE,
        Some(value) => match value.rate()? {
            most if most < min_share => {
                return Err(value.fault(format!("lies below min_share {min_share}")));
            }
            most => most,
        },
    };
    let peer_group = table.take("peer_group").map(|value| value.name()).transpose()?;
    Ok(Participant { code, share, min_share, max_share, peer_group })
}
