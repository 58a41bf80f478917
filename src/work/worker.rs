//! Who carries jobs out: takes one up, does it and ends it in one transaction, or writes down why it did not come to
//! its end.

use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::NaiveDate;

use super::carry::{Bench, Halt};
use super::file::Folder;
use super::lease::{LEASE, Lease, Over};
use super::store::{self, End};
use super::watch::{Board, Unwanted, Watch};
use super::{Failure, Job, Outcome, seal_outcome};
use crate::ambient;
use crate::audit::By;
use crate::db::{Address, Db, Trouble, TroubleKind, write, write_all};
use crate::kernel::calendar::Today;
use crate::party::Lang;
use crate::portfolio::personal::Key;

/// A job that was begun so often, by workers that were gone before its end, is not begun again.
const MOST_TRIES: i64 = 3;

/// Carries out jobs, one after the other.
pub struct Worker {
    pub(super) address: Address,
    key: Option<Key>,
    day: Option<NaiveDate>,
    name: String,
    board: Board,
    folder: Option<Folder>,
    db: Option<Db>,
}

impl Worker {
    /// A worker on a database, with the key for personal data and files, and the day that stands for today.
    pub fn new(address: &Address, key: Option<Key>, day: Option<NaiveDate>) -> Worker {
        Worker::on(address, key, day, Board::default())
    }

    pub(super) fn on(
        address: &Address,
        key: Option<Key>,
        day: Option<NaiveDate>,
        board: Board,
    ) -> Worker {
        let name = format!("{}-{}", std::process::id(), hex::encode(ambient::random_bytes::<6>()));
        Worker { address: address.clone(), key, day, name, board, folder: None, db: None }
    }

    /// Takes up one job and carries it out; says whether there was one.
    pub fn step(&mut self) -> Result<bool, Trouble> {
        let mut db = match self.db.take() {
            Some(db) => db,
            None => self.connect()?,
        };
        let Some(job) = self.take_up(&mut db).map_err(|error| Trouble::of(&error))? else {
            self.db = Some(db);
            return Ok(false);
        };
        let watch = self.board.begin(&job.lender, &job.id);
        let done = self.work_on(db, &job, &watch);
        self.board.end(&job.lender, &job.id);
        done.map(|()| true)
    }

    fn connect(&self) -> Result<Db, Trouble> {
        self.address.connect().map_err(|error| Trouble::of_opening(&error.to_string()))
    }

    /// Claims the next job that nobody works on.
    fn take_up(&self, db: &mut Db) -> diesel::QueryResult<Option<Job>> {
        loop {
            let now = ambient::now();
            let Some(job) = store::next(db, &now)? else { return Ok(None) };
            let until = ambient::seconds_from_now(LEASE);
            if write_all(db, &[], |db| store::claim(db, &job, &self.name, &now, &until))? {
                return store::job(db, &job.lender, &job.id);
            }
        }
    }

    /// Carries a job out while its lease is renewed, and writes down how it ended. A connection on which something went
    /// wrong is not used again.
    fn work_on(&mut self, mut db: Db, job: &Job, watch: &Watch) -> Result<(), Trouble> {
        tracing::info!(job = job.id, kind = job.kind.name(), tries = job.tries, "job begins");
        let over = Over::default();
        let (address, worker) = (self.address.clone(), self.name.clone());
        let lease = Lease { address, worker, job, watch };
        let done = std::thread::scope(|scope| {
            if !lease.address.has_one_writer() {
                scope.spawn(|| lease.renew_until(&over));
            }
            let done = catch_unwind(AssertUnwindSafe(|| self.carry_out(&mut db, job, watch)));
            over.say();
            done
        });
        let halt = match done {
            Ok(Ok(())) => {
                tracing::info!(job = job.id, "job done");
                self.db = Some(db);
                return Ok(());
            }
            Ok(Err(halt)) => halt,
            Err(panic) => {
                let said = panic.downcast_ref::<String>().map(String::as_str);
                let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
                Halt::Fault(said.unwrap_or("panicked").to_string())
            }
        };
        drop(db);
        let mut db = self.connect()?;
        self.halted(&mut db, job, watch, &halt).map_err(|error| Trouble::of(&error))?;
        self.db = Some(db);
        Ok(())
    }

    /// The job and that it is done, in one transaction.
    fn carry_out(&mut self, db: &mut Db, job: &Job, watch: &Watch) -> Result<(), Halt> {
        if job.cancelled_by.is_some() {
            watch.stop(Unwanted::Cancelled);
            return Err(Halt::Stopped);
        }
        if job.tries > MOST_TRIES {
            return Err(Halt::Stopped);
        }
        let folder = match self.folder.take() {
            Some(folder) => folder,
            None => Folder::new()?,
        };
        let place = self.folder.insert(folder).for_a_job()?;
        let bench = Bench { job, key: self.key.as_ref(), folder: place.path() };
        let ready = bench.ready(db)?;
        let by = By {
            actor: job.login.clone(),
            source: job.source.clone(),
            at: ambient::now(),
            today: self.day.map_or_else(ambient::today, Today::Everywhere),
        };
        write(db, &job.lender, |db| {
            let outcome = ready(db, &by, &mut watch.clone())?;
            let outcome = seal_outcome(self.key.as_ref(), job, &outcome).map_err(Halt::Fault)?;
            let end = End::Done(&outcome);
            let own = store::end(db, job, &self.name, &end, &ambient::now())?;
            // Whoever has lost the lease, or is called off, undoes what it did.
            if own && watch.unwanted().is_none() { Ok(()) } else { Err(Halt::Stopped) }
        })
    }

    /// Writes down that a job did not come to its end.
    fn halted(
        &self,
        db: &mut Db,
        job: &Job,
        watch: &Watch,
        halt: &Halt,
    ) -> diesel::QueryResult<()> {
        let mut called_off = || -> diesel::QueryResult<bool> {
            let now = store::job(db, &job.lender, &job.id)?;
            Ok(now.is_some_and(|now| now.cancelled_by.is_some()))
        };
        let unwanted = match watch.unwanted() {
            None if matches!(halt, Halt::Stopped) && called_off()? => Some(Unwanted::Cancelled),
            known => known,
        };
        let now = ambient::now();
        let end = match unwanted {
            Some(Unwanted::Lost) => return Ok(()),
            Some(Unwanted::ShuttingDown) => {
                return write_all(db, &[], |db| store::release(db, job, &self.name, false));
            }
            Some(Unwanted::Cancelled) => {
                tracing::info!(job = job.id, "job called off");
                return write_all(db, &[], |db| {
                    store::end(db, job, &self.name, &End::Cancelled, &now).map(|_| ())
                });
            }
            None => self.failure(job, halt),
        };
        match end {
            // Whoever comes next tries again; that another program held the database says nothing against the job.
            None => {
                let locked = matches!(halt, Halt::Db(error) if Trouble::of(error).kind == TroubleKind::Locked);
                write_all(db, &[], |db| store::release(db, job, &self.name, !locked))
            }
            Some((failure, words)) => write_all(db, &[], |db| {
                let end = End::Failed(failure, words.as_deref());
                store::end(db, job, &self.name, &end, &now).map(|_| ())
            }),
        }
    }

    /// Why a job failed, with the words for it; nothing where it may be tried again.
    fn failure(&self, job: &Job, halt: &Halt) -> Option<(Failure, Option<String>)> {
        let sealed = |en: String, zh: String| {
            seal_outcome(self.key.as_ref(), job, &Outcome::Refused { en, zh }).ok()
        };
        let in_trouble = |trouble: &Trouble| {
            tracing::error!(job = job.id, why = trouble.detail, "job failed");
            let again = matches!(
                trouble.kind,
                TroubleKind::Gone | TroubleKind::Unsure | TroubleKind::Locked
            );
            (!again)
                .then(|| (Failure::Trouble, sealed(trouble.told(Lang::En), trouble.told(Lang::Zh))))
        };
        match halt {
            Halt::Stopped if job.tries > MOST_TRIES => Some((Failure::GaveUp, None)),
            // Somebody else has it.
            Halt::Stopped => None,
            Halt::Refused(en, zh) => Some((Failure::Refused, sealed(en.clone(), zh.clone()))),
            Halt::Unreadable => Some((Failure::Unreadable, None)),
            Halt::Db(error) => in_trouble(&Trouble::of(error)),
            Halt::Io(error) => in_trouble(&Trouble::of_io(error)),
            Halt::Fault(why) => {
                tracing::error!(job = job.id, why, "job failed");
                Some((Failure::Fault, None))
            }
        }
    }
}
