//! Published versions, kept as the text that was published.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Nullable, Text};

use super::{ContractError, Terms, Version, Versions, parse_published};
use crate::audit::Act;
use crate::db::{Cell, Db, FactTable, Kind};
use crate::party::Lender;

/// The table of versions.
pub const CONTRACTS: FactTable = FactTable {
    name: "contract",
    columns: &[
        ("lender", Kind::Text),
        ("code", Kind::Text),
        ("version", Kind::Int),
        ("agency", Kind::Text),
        ("effective_from", Kind::Date),
        ("effective_to", Kind::Date),
        ("corrects", Kind::Int),
        ("sha256", Kind::Text),
        ("source", Kind::Text),
        ("seq", Kind::Int),
    ],
};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Text)]
    sha256: String,
    #[diesel(sql_type = Text)]
    source: String,
}

/// All versions of a lender, in the order they were published.
pub fn versions(db: &mut Db, lender: &Lender) -> Result<Versions, ContractError> {
    let rows: Vec<Row> = diesel::sql_query(
        "SELECT code, version, seq, sha256, source FROM contract WHERE lender = $1 ORDER BY seq",
    )
    .bind::<Text, _>(&lender.code)
    .load(db)?;
    let read = |row: Row| {
        let terms =
            parse_published(&row.source, lender.currency).map_err(|fault| ContractError::File {
                file: format!("stored contract {} version {}", row.code, row.version),
                fault,
            })?;
        Ok(Version { number: row.version, seq: row.seq, sha256: row.sha256, terms })
    };
    rows.into_iter().map(read).collect::<Result<Vec<_>, _>>().map(Versions)
}

/// A version as it is stored, its text unread.
#[derive(QueryableByName, Clone, Debug)]
pub struct StoredVersion {
    /// The contract's code.
    #[diesel(sql_type = Text)]
    pub code: String,
    /// The version.
    #[diesel(sql_type = BigInt)]
    pub version: i64,
    /// The agency.
    #[diesel(sql_type = Text)]
    pub agency: String,
    /// First day in force.
    #[diesel(sql_type = Date)]
    pub effective_from: NaiveDate,
    /// Last day in force.
    #[diesel(sql_type = Nullable<Date>)]
    pub effective_to: Option<NaiveDate>,
    /// The version it corrects.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub corrects: Option<i64>,
    /// The act that published it.
    #[diesel(sql_type = BigInt)]
    pub seq: i64,
    /// SHA-256 of the text, as it was when it was published.
    #[diesel(sql_type = Text)]
    pub sha256: String,
    /// The text.
    #[diesel(sql_type = Text)]
    pub source: String,
}

/// All versions of a lender as they are stored, in the order they were published.
pub fn stored(db: &mut Db, lender: &str) -> QueryResult<Vec<StoredVersion>> {
    diesel::sql_query(
        "SELECT code, version, agency, effective_from, effective_to, corrects, seq, sha256, source FROM contract \
         WHERE lender = $1 ORDER BY seq",
    )
    .bind::<Text, _>(lender)
    .load(db)
}

/// The stored text of a version.
pub fn source(db: &mut Db, lender: &str, code: &str, version: i64) -> QueryResult<Option<String>> {
    let row: Option<Row> = diesel::sql_query(
        "SELECT code, version, seq, sha256, source FROM contract WHERE lender = $1 AND code = $2 AND version = $3",
    )
    .bind::<Text, _>(lender)
    .bind::<Text, _>(code)
    .bind::<BigInt, _>(version)
    .get_result(db)
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
    let lender = act.book.lender.clone();
    let seq = act.seq();
    let to: Option<NaiveDate> = terms.effective_to;
    let row = vec![
        Cell::from(lender),
        Cell::from(terms.code.as_str()),
        Cell::from(number),
        Cell::from(terms.agency.as_str()),
        Cell::from(terms.effective_from),
        Cell::from(to),
        Cell::from(terms.corrects),
        Cell::from(sha256),
        Cell::from(source),
        Cell::from(seq),
    ];
    act.write(db, &CONTRACTS, &[row])
}
