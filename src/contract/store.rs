//! Published versions, kept as the text that was published.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::{ContractError, Terms, Version, Versions, parse_published};
use crate::audit::Act;
use crate::db::{Db, fact, select};
use crate::party::Lender;

fact! {
    /// A version as it was published.
    pub struct Published in "contract" key (code, version) by seq {
        /// The contract.
        code: String,
        /// Counted from 1.
        version: i64 [1..],
        /// The agency.
        agency: String,
        /// The first day it may price.
        effective_from: NaiveDate,
        /// The last day.
        effective_to: Option<NaiveDate>,
        /// The version it corrects.
        corrects: Option<i64> [1..],
        /// Of the text.
        sha256: String,
        /// The text.
        source: String,
        /// The act that published it.
        seq: i64,
    }
}

/// All versions of a lender, in the order they were published.
pub fn versions(db: &mut Db, lender: &Lender) -> Result<Versions, ContractError> {
    let rows = stored(db, &lender.code)?;
    let mut versions: Vec<Version> = Vec::with_capacity(rows.len());
    for row in rows {
        let terms =
            parse_published(&row.source, lender.currency).map_err(|fault| ContractError::File {
                file: format!("stored contract {} version {}", row.code, row.version),
                fault,
            })?;
        let corrected = |version: &&Version| {
            version.terms.agency == terms.agency && Some(version.number) == terms.corrects
        };
        let stands_for =
            versions.iter().find(corrected).map_or(row.version, |version| version.stands_for);
        let (number, seq, sha256) = (row.version, row.seq, row.sha256);
        versions.push(Version { number, seq, sha256, stands_for, terms });
    }
    Ok(Versions(versions))
}

/// All versions of a lender as they are stored, their texts unread, in the order they were published.
pub fn stored(db: &mut Db, lender: &str) -> QueryResult<Vec<Published>> {
    select::<Published>("WHERE lender = $1 ORDER BY seq").bind::<Text, _>(lender).load(db)
}

/// The stored text of a version.
pub fn source(db: &mut Db, lender: &str, code: &str, version: i64) -> QueryResult<Option<String>> {
    let row = select::<Published>("WHERE lender = $1 AND code = $2 AND version = $3")
        .bind::<Text, _>(lender)
        .bind::<Text, _>(code)
        .bind::<BigInt, _>(version)
        .get_result::<Published>(db)
        .optional()?;
    Ok(row.map(|row| row.source))
}

pub(super) fn add(
    db: &mut Db,
    act: &mut Act,
    terms: &Terms,
    number: i64,
    sha256: &str,
    source: &str,
) -> QueryResult<()> {
    let published = Published {
        code: terms.code.clone(),
        version: number,
        agency: terms.agency.clone(),
        effective_from: terms.effective_from,
        effective_to: terms.effective_to,
        corrects: terms.corrects,
        sha256: sha256.to_string(),
        source: source.to_string(),
        seq: act.seq(),
    };
    act.record(db, &[published])
}
