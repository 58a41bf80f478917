//! Counting tries to sign in (see [`super::throttle`]).

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::throttle::{Bucket, MOST_BUCKETS};
use crate::ambient;
use crate::db::Db;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    failures: i64,
    #[diesel(sql_type = Text)]
    free_at: String,
}

fn row(db: &mut Db, bucket: &Bucket, now: &str) -> QueryResult<Option<Row>> {
    diesel::sql_query(
        "SELECT failures, free_at FROM sign_in_attempt WHERE bucket = $1 AND forget_at > $2",
    )
    .bind::<Text, _>(&bucket.key)
    .bind::<Text, _>(now)
    .get_result(db)
    .optional()
}

/// Until when the buckets let nobody try; nothing when one may.
pub fn wait(db: &mut Db, buckets: &[Bucket], now: &str) -> QueryResult<Option<String>> {
    let mut until: Option<String> = None;
    for bucket in buckets {
        let free_at =
            row(db, bucket, now)?.map(|row| row.free_at).filter(|free| free.as_str() > now);
        until = until.max(free_at);
    }
    Ok(until)
}

/// Counts a try as a failure in all buckets, unless one says to wait: then until when. Inside the transaction of the
/// installation's only writer.
pub fn reserve(db: &mut Db, buckets: &[Bucket], now: &str) -> QueryResult<Option<String>> {
    if let Some(until) = wait(db, buckets, now)? {
        return Ok(Some(until));
    }
    sweep(db, now)?;
    for bucket in buckets {
        let known = row(db, bucket, now)?;
        let failures = known.as_ref().map_or(0, |row| row.failures).saturating_add(1);
        let free_at = bucket.wait(failures).map(ambient::minutes_from_now).unwrap_or_default();
        match known {
            Some(_) => count(db, bucket, failures, &free_at)?,
            None => begin(db, bucket, failures, &free_at)?,
        }
    }
    Ok(None)
}

fn count(db: &mut Db, bucket: &Bucket, failures: i64, free_at: &str) -> QueryResult<()> {
    diesel::sql_query("UPDATE sign_in_attempt SET failures = $1, free_at = $2 WHERE bucket = $3")
        .bind::<BigInt, _>(failures)
        .bind::<Text, _>(free_at)
        .bind::<Text, _>(&bucket.key)
        .execute(db)
        .map(|_| ())
}

fn begin(db: &mut Db, bucket: &Bucket, failures: i64, free_at: &str) -> QueryResult<()> {
    diesel::sql_query(
        "INSERT INTO sign_in_attempt (bucket, failures, free_at, forget_at) VALUES ($1, $2, $3, $4)",
    )
    .bind::<Text, _>(&bucket.key)
    .bind::<BigInt, _>(failures)
    .bind::<Text, _>(free_at)
    .bind::<Text, _>(ambient::minutes_from_now(bucket.window))
    .execute(db)
    .map(|_| ())
}

/// Takes a counted try back, because the password was right.
pub fn give_back(db: &mut Db, buckets: &[Bucket]) -> QueryResult<()> {
    for bucket in buckets {
        let sql = if bucket.emptied {
            "DELETE FROM sign_in_attempt WHERE bucket = $1"
        } else {
            "UPDATE sign_in_attempt SET failures = failures - 1, free_at = '' \
             WHERE bucket = $1 AND failures > 0"
        };
        diesel::sql_query(sql).bind::<Text, _>(&bucket.key).execute(db)?;
    }
    Ok(())
}

/// Forgets what is over, and what is too much.
fn sweep(db: &mut Db, now: &str) -> QueryResult<()> {
    diesel::sql_query("DELETE FROM sign_in_attempt WHERE forget_at <= $1")
        .bind::<Text, _>(now)
        .execute(db)?;
    diesel::sql_query(
        "DELETE FROM sign_in_attempt WHERE forget_at <= \
         (SELECT forget_at FROM sign_in_attempt ORDER BY forget_at DESC LIMIT 1 OFFSET $1)",
    )
    .bind::<BigInt, _>(MOST_BUCKETS)
    .execute(db)
    .map(|_| ())
}
