//! Asking for a job: its row, and its file sealed beside it, in one transaction.

use std::io::{Read, Seek};

use super::file::FileError;
use super::store::{self, Job};
use super::{FileKind, Order, Part, Status};
use crate::ambient;
use crate::db::{Db, write_all};
use crate::identity::Person;
use crate::portfolio::personal::Key;

/// A file that comes with an order; it is read from its beginning.
pub trait Sent: Read + Seek {}

impl<T: Read + Seek> Sent for T {}

impl Job {
    /// A job that a person asks for with a form, from an address.
    pub fn new(
        lender: &str,
        person: &Person,
        source: &str,
        form_key: &str,
        order: &Order,
    ) -> Result<Job, serde_json::Error> {
        let roles: Vec<&str> = person.roles.iter().map(|role| role.name()).collect();
        Ok(Job {
            lender: lender.to_string(),
            id: hex::encode(ambient::random_bytes::<16>()),
            kind: order.kind(),
            status: Status::Queued,
            form_key: form_key.to_string(),
            login: person.login.clone(),
            organisation: person.organisation.clone(),
            roles: roles.join(","),
            source: source.to_string(),
            arguments: serde_json::to_string(order)?,
            created_at: ambient::now(),
            started_at: None,
            finished_at: None,
            worker: None,
            lease_until: None,
            tries: 0,
            cancelled_by: None,
            stage: String::new(),
            done: 0,
            total: None,
            failure: None,
            outcome: None,
        })
    }
}

/// Writes a job and its file, unless its form was sent before: then gives the job of then.
pub fn ask(
    db: &mut Db,
    job: Job,
    key: Option<&Key>,
    file: Option<&mut dyn Sent>,
) -> Result<Job, FileError> {
    let before = |db: &mut Db| store::of_form(db, &job.lender, &job.login, &job.form_key);
    if let Some(known) = before(db)? {
        return Ok(known);
    }
    let written = write_all(db, &[], |db| -> Result<(), FileError> {
        store::add(db, &job)?;
        let Some(mut file) = file else { return Ok(()) };
        let sent = Part { lender: &job.lender, job: &job.id, what: FileKind::Sent };
        let length = file.seek(std::io::SeekFrom::End(0))?;
        file.rewind()?;
        sent.keep(db, key.ok_or(FileError::Sealed)?, &mut file, length)
    });
    match written {
        // Sent twice at once: the other one was quicker, if there is one.
        Err(failed) => before(db)?.ok_or(failed),
        Ok(()) => Ok(job),
    }
}
