//! Publishing a contract version: checked whole, then immutable.

use serde_json::json;

use super::{ContractError, Terms, Versions, parse, store};
use crate::audit::{Act, By};
use crate::db::{Db, write};
use crate::kernel::digest;
use crate::kernel::document::{Document, DocumentFault};
use crate::party;

/// What publishing did.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Published {
    /// The contract's code.
    pub contract: String,
    /// The version.
    pub version: i64,
    /// The agency.
    pub agency: String,
    /// `published`, `unchanged` (the same bytes were published before) or `checked`.
    pub outcome: &'static str,
}

/// Checks a contract file and, unless `check_only`, publishes it as the next version of its agency.
/// The same bytes again change nothing. Errors name the file, the key and its line.
pub fn publish(
    db: &mut Db,
    lender_code: &str,
    file: &str,
    text: &str,
    check_only: bool,
    by: &By,
) -> Result<Published, ContractError> {
    write(db, lender_code, |db| {
        let lender = party::store::lender(db, lender_code)?
            .ok_or_else(|| ContractError::NoLender(lender_code.to_string()))?;
        let assignees = party::store::assignees(db, lender_code)?;
        let refused = |fault: DocumentFault| ContractError::File { file: file.to_string(), fault };
        let terms = parse(text, &lender, &assignees).map_err(refused)?;
        let versions = store::versions(db, &lender)?;
        let sha256 = digest::sha256(text.as_bytes());
        let outcome = |version: i64, outcome: &'static str| Published {
            contract: terms.code.clone(),
            version,
            agency: terms.agency.clone(),
            outcome,
        };
        let same = |version: &&super::Version| {
            version.sha256 == sha256 && version.terms.code == terms.code
        };
        if let Some(version) = versions.0.iter().find(same) {
            return Ok(outcome(version.number, "unchanged"));
        }
        let number = check_against(&versions, &terms, text).map_err(refused)?;
        if check_only {
            return Ok(outcome(number, "checked"));
        }
        let mut act = Act::begin(db, lender_code, by)?;
        store::add(db, &mut act, &terms, number, &sha256, text)?;
        let summary = json!({"contract": terms.code, "version": number, "agency": terms.agency, "sha256": sha256});
        act.finish(db, "contract published", &summary)?;
        Ok(outcome(number, "published"))
    })
}

/// Checks a contract against the versions that exist; gives the number it will have.
fn check_against(versions: &Versions, terms: &Terms, text: &str) -> Result<i64, DocumentFault> {
    let at = |key: &str, message: String| -> DocumentFault {
        match Document::parse(text)
            .map(|document| document.table().take(key).map(|value| value.fault(&message)))
        {
            Ok(Some(fault)) => fault,
            _ => DocumentFault { line: 1, message },
        }
    };
    let of_other = versions
        .0
        .iter()
        .find(|version| version.terms.code == terms.code && version.terms.agency != terms.agency);
    if let Some(other) = of_other {
        return Err(at(
            "code",
            format!("is the contract of {}; a contract stays with its agency", other.terms.agency),
        ));
    }
    let last = versions
        .0
        .iter()
        .filter(|version| version.terms.agency == terms.agency)
        .map(|version| version.number)
        .max()
        .unwrap_or(0);
    if let Some(corrected) = terms.corrects
        && versions.get(&terms.agency, corrected).is_none()
    {
        let message = match last {
            0 => format!("names a version, but {} has no contract yet", terms.agency),
            _ => format!("names no version of {}; its versions are 1 to {last}", terms.agency),
        };
        return Err(at("corrects", message));
    }
    if let Some((other, day)) = versions.overlap(terms) {
        let message = format!(
            "overlaps contract {} version {}, which is in force on {day}; give it an effective_to before this one begins",
            other.terms.code, other.number
        );
        return Err(at("effective_from", message));
    }
    Ok(last + 1)
}
