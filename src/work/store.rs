//! Jobs and their files as rows.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};

use super::watch::Told;
use super::{Failure, FileKind, JobKind, Part, Status};
use crate::db::{Db, row, select};

row! {
    /// A job.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Job in "job" key (lender, id) {
        /// In whose book.
        lender: String,
        /// Its id, by chance.
        id: String,
        /// What it does.
        kind: JobKind,
        /// How far it is.
        status: Status,
        /// The key of the form it was asked for with.
        form_key: String,
        /// Who asked.
        login: String,
        /// For which organisation.
        organisation: String,
        /// In which roles.
        roles: String,
        /// From where.
        source: String,
        /// What is asked, as JSON.
        arguments: String,
        /// When it was asked for, UTC.
        created_at: String,
        /// When it was taken up first.
        started_at: Option<String>,
        /// When it ended.
        finished_at: Option<String>,
        /// Who works on it, or did last.
        worker: Option<String>,
        /// Until when nobody else takes it up.
        lease_until: Option<String>,
        /// How often it was taken up.
        tries: i64 [0..],
        /// Who called it off.
        cancelled_by: Option<String>,
        /// The stage it is in.
        stage: String,
        /// Steps of the stage that are done.
        done: i64 [0..],
        /// All of them, when known.
        total: Option<i64>,
        /// Why it failed.
        failure: Option<Failure>,
        /// What came of it.
        outcome: Option<String>,
    }
}

/// A job by its id.
pub fn job(db: &mut Db, lender: &str, id: &str) -> QueryResult<Option<Job>> {
    select::<Job>("WHERE lender = $1 AND id = $2")
        .bind::<Text, _>(lender)
        .bind::<Text, _>(id)
        .get_result(db)
        .optional()
}

/// The job that a person's form asked for.
pub fn of_form(db: &mut Db, lender: &str, login: &str, form_key: &str) -> QueryResult<Option<Job>> {
    select::<Job>("WHERE lender = $1 AND login = $2 AND form_key = $3")
        .bind::<Text, _>(lender)
        .bind::<Text, _>(login)
        .bind::<Text, _>(form_key)
        .get_result(db)
        .optional()
}

/// An organisation's jobs in a book, the newest first, before an instant.
pub fn listed(
    db: &mut Db,
    lender: &str,
    organisation: &str,
    before: &str,
    most: i64,
) -> QueryResult<Vec<Job>> {
    select::<Job>(
        "WHERE lender = $1 AND organisation = $2 AND created_at < $3 ORDER BY created_at DESC, id LIMIT $4",
    )
    .bind::<Text, _>(lender)
    .bind::<Text, _>(organisation)
    .bind::<Text, _>(before)
    .bind::<BigInt, _>(most)
    .load(db)
}

/// Writes a job that nobody has taken up.
pub fn add(db: &mut Db, job: &Job) -> QueryResult<()> {
    diesel::sql_query(
        "INSERT INTO job (lender, id, kind, status, form_key, login, organisation, roles, source, arguments, created_at, tries, stage, done) \
         VALUES ($1, $2, $3, 'queued', $4, $5, $6, $7, $8, $9, $10, 0, '', 0)",
    )
    .bind::<Text, _>(&job.lender)
    .bind::<Text, _>(&job.id)
    .bind::<Text, _>(job.kind.name())
    .bind::<Text, _>(&job.form_key)
    .bind::<Text, _>(&job.login)
    .bind::<Text, _>(&job.organisation)
    .bind::<Text, _>(&job.roles)
    .bind::<Text, _>(&job.source)
    .bind::<Text, _>(&job.arguments)
    .bind::<Text, _>(&job.created_at)
    .execute(db)
    .map(|_| ())
}

/// The job to take up next: the oldest that nobody works on, of a book of which nobody does another. The writer of a
/// book is one, so that a second worker would only wait for it.
pub fn next(db: &mut Db, now: &str) -> QueryResult<Option<Job>> {
    select::<Job>(
        "WHERE (status = 'queued' OR (status = 'running' AND lease_until < $1)) AND NOT EXISTS ( \
           SELECT 1 FROM job other WHERE other.lender = job.lender AND other.id <> job.id \
           AND other.status = 'running' AND other.lease_until >= $1) \
         ORDER BY created_at, id LIMIT 1",
    )
    .bind::<Text, _>(now)
    .get_result(db)
    .optional()
}

/// Takes a job up, unless somebody was quicker.
pub fn claim(db: &mut Db, job: &Job, worker: &str, now: &str, until: &str) -> QueryResult<bool> {
    let taken = diesel::sql_query(
        "UPDATE job SET status = 'running', worker = $1, lease_until = $2, started_at = COALESCE(started_at, $3), \
         tries = tries + 1, stage = '', done = 0, total = NULL \
         WHERE lender = $4 AND id = $5 AND (status = 'queued' OR (status = 'running' AND lease_until < $3))",
    )
    .bind::<Text, _>(worker)
    .bind::<Text, _>(until)
    .bind::<Text, _>(now)
    .bind::<Text, _>(&job.lender)
    .bind::<Text, _>(&job.id)
    .execute(db)?;
    Ok(taken == 1)
}

/// Renews a lease and notes how far the job is; says whether the job still is this worker's.
pub fn renew(db: &mut Db, job: &Job, worker: &str, until: &str, told: &Told) -> QueryResult<bool> {
    let number = |steps: u64| i64::try_from(steps).unwrap_or(i64::MAX);
    let renewed = diesel::sql_query(
        "UPDATE job SET lease_until = $1, stage = $2, done = $3, total = $4 \
         WHERE lender = $5 AND id = $6 AND worker = $7 AND status = 'running'",
    )
    .bind::<Text, _>(until)
    .bind::<Text, _>(&told.stage)
    .bind::<BigInt, _>(number(told.done))
    .bind::<Nullable<BigInt>, _>(told.total.map(number))
    .bind::<Text, _>(&job.lender)
    .bind::<Text, _>(&job.id)
    .bind::<Text, _>(worker)
    .execute(db)?;
    Ok(renewed == 1)
}

/// How a job that was taken up ends.
pub enum End<'a> {
    /// It is done: what came of it.
    Done(&'a str),
    /// It failed: why, and in words.
    Failed(Failure, Option<&'a str>),
    /// It was called off.
    Cancelled,
}

/// Ends a job, if it still is this worker's (and, where it is done, nobody has called it off). What was sent for it goes.
pub fn end(db: &mut Db, job: &Job, worker: &str, end: &End<'_>, now: &str) -> QueryResult<bool> {
    let (status, failure, outcome) = match end {
        End::Done(outcome) => (Status::Done, None, Some(*outcome)),
        End::Failed(why, words) => (Status::Failed, Some(why.name()), *words),
        End::Cancelled => (Status::Cancelled, None, None),
    };
    let wanted = if matches!(end, End::Done(_)) { " AND cancelled_by IS NULL" } else { "" };
    let ended = diesel::sql_query(format!(
        "UPDATE job SET status = $1, failure = $2, outcome = $3, finished_at = $4, lease_until = NULL \
         WHERE lender = $5 AND id = $6 AND worker = $7 AND status = 'running'{wanted}"
    ))
    .bind::<Text, _>(status.name())
    .bind::<Nullable<Text>, _>(failure)
    .bind::<Nullable<Text>, _>(outcome)
    .bind::<Text, _>(now)
    .bind::<Text, _>(&job.lender)
    .bind::<Text, _>(&job.id)
    .bind::<Text, _>(worker)
    .execute(db)?;
    if ended == 1 {
        forget(db, &job.lender, &job.id)?;
    }
    Ok(ended == 1)
}

/// Gives a job back to the queue; unless it counts, as if it had not been taken up.
pub fn release(db: &mut Db, job: &Job, worker: &str, counts: bool) -> QueryResult<()> {
    let tries = if counts { "tries" } else { "tries - 1" };
    diesel::sql_query(format!(
        "UPDATE job SET status = 'queued', worker = NULL, lease_until = NULL, tries = {tries} \
         WHERE lender = $1 AND id = $2 AND worker = $3 AND status = 'running'"
    ))
    .bind::<Text, _>(&job.lender)
    .bind::<Text, _>(&job.id)
    .bind::<Text, _>(worker)
    .execute(db)
    .map(|_| ())
}

/// Calls a job off: one that waits ends at once, one that runs when its worker next looks.
pub fn cancel(db: &mut Db, job: &Job, login: &str, now: &str) -> QueryResult<()> {
    let ended = diesel::sql_query(
        "UPDATE job SET status = 'cancelled', cancelled_by = $1, finished_at = $2 \
         WHERE lender = $3 AND id = $4 AND status = 'queued'",
    )
    .bind::<Text, _>(login)
    .bind::<Text, _>(now)
    .bind::<Text, _>(&job.lender)
    .bind::<Text, _>(&job.id)
    .execute(db)?;
    if ended == 1 {
        return forget(db, &job.lender, &job.id);
    }
    call_off(db, job, login)
}

/// Notes who called off a job that runs.
pub fn call_off(db: &mut Db, job: &Job, login: &str) -> QueryResult<()> {
    diesel::sql_query(
        "UPDATE job SET cancelled_by = $1 WHERE lender = $2 AND id = $3 AND status = 'running' AND cancelled_by IS NULL",
    )
    .bind::<Text, _>(login)
    .bind::<Text, _>(&job.lender)
    .bind::<Text, _>(&job.id)
    .execute(db)
    .map(|_| ())
}

/// Lets go of what was sent for a job.
fn forget(db: &mut Db, lender: &str, id: &str) -> QueryResult<()> {
    diesel::sql_query("DELETE FROM job_file WHERE lender = $1 AND job = $2 AND what = 'sent'")
        .bind::<Text, _>(lender)
        .bind::<Text, _>(id)
        .execute(db)
        .map(|_| ())
}

/// Lets go of what jobs made that ended before an instant.
pub fn forget_made(db: &mut Db, before: &str) -> QueryResult<()> {
    diesel::sql_query(
        "DELETE FROM job_file WHERE EXISTS (SELECT 1 FROM job WHERE job.lender = job_file.lender \
         AND job.id = job_file.job AND job.finished_at < $1)",
    )
    .bind::<Text, _>(before)
    .execute(db)
    .map(|_| ())
}

/// Keeps a sealed part of a file.
pub(super) fn add_part(
    db: &mut Db,
    file: &Part<'_>,
    number: u64,
    sealed: &[u8],
) -> QueryResult<()> {
    diesel::sql_query(
        "INSERT INTO job_file (lender, job, what, part, body) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind::<Text, _>(file.lender)
    .bind::<Text, _>(file.job)
    .bind::<Text, _>(file.what.name())
    .bind::<BigInt, _>(i64::try_from(number).unwrap_or(i64::MAX))
    .bind::<Binary, _>(sealed)
    .execute(db)
    .map(|_| ())
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    parts: i64,
}

/// How many parts a file has; none when it is not there.
pub(super) fn part_count(db: &mut Db, file: &Part<'_>) -> QueryResult<u64> {
    let row: CountRow = diesel::sql_query(
        "SELECT COUNT(*) AS parts FROM job_file WHERE lender = $1 AND job = $2 AND what = $3",
    )
    .bind::<Text, _>(file.lender)
    .bind::<Text, _>(file.job)
    .bind::<Text, _>(file.what.name())
    .get_result(db)?;
    Ok(u64::try_from(row.parts).unwrap_or(0))
}

#[derive(QueryableByName)]
struct PartRow {
    #[diesel(sql_type = Binary)]
    body: Vec<u8>,
}

/// A sealed part of a file.
pub(super) fn part(db: &mut Db, file: &Part<'_>, number: u64) -> QueryResult<Option<Vec<u8>>> {
    let row: Option<PartRow> = diesel::sql_query(
        "SELECT body FROM job_file WHERE lender = $1 AND job = $2 AND what = $3 AND part = $4",
    )
    .bind::<Text, _>(file.lender)
    .bind::<Text, _>(file.job)
    .bind::<Text, _>(file.what.name())
    .bind::<BigInt, _>(i64::try_from(number).unwrap_or(i64::MAX))
    .get_result(db)
    .optional()?;
    Ok(row.map(|row| row.body))
}

/// Whether a file of a job is there.
pub fn has_file(db: &mut Db, lender: &str, job: &str, what: FileKind) -> QueryResult<bool> {
    Ok(part_count(db, &Part { lender, job, what })? > 0)
}
