//! Forms that were carried out: one that is sent twice is carried out once and answered alike.

use diesel::prelude::*;
use diesel::sql_types::Text;

use crate::db::Db;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    outcome: String,
}

/// What became of a person's form, when it was carried out before.
pub fn outcome(
    db: &mut Db,
    lender: &str,
    login: &str,
    form_key: &str,
) -> QueryResult<Option<String>> {
    let row: Option<Row> = diesel::sql_query(
        "SELECT outcome FROM form_done WHERE lender = $1 AND login = $2 AND form_key = $3",
    )
    .bind::<Text, _>(lender)
    .bind::<Text, _>(login)
    .bind::<Text, _>(form_key)
    .get_result(db)
    .optional()?;
    Ok(row.map(|row| row.outcome))
}

/// Remembers what became of a person's form, in the transaction that carries it out.
pub fn keep(
    db: &mut Db,
    lender: &str,
    login: &str,
    form_key: &str,
    outcome: &str,
    now: &str,
) -> QueryResult<()> {
    diesel::sql_query("INSERT INTO form_done (lender, login, form_key, outcome, done_at) VALUES ($1, $2, $3, $4, $5)")
        .bind::<Text, _>(lender)
        .bind::<Text, _>(login)
        .bind::<Text, _>(form_key)
        .bind::<Text, _>(outcome)
        .bind::<Text, _>(now)
        .execute(db)
        .map(|_| ())
}
