//! The lease of a job: renewed while the job runs, so that a worker that is gone is noticed.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::Job;
use super::store;
use super::watch::{Unwanted, Watch};
use crate::ambient;
use crate::db::{Address, Db};

/// So long a job is its worker's, in seconds, unless the lease is renewed. Servers whose clocks differ by more would
/// take jobs from one another; each of them would still be done once.
pub(super) const LEASE: i64 = 30;
/// How often a lease is renewed, and told how far the job is.
const BEAT: Duration = Duration::from_secs(1);

/// A job that is a worker's for now.
pub(super) struct Lease<'a> {
    pub address: Address,
    pub worker: String,
    pub job: &'a Job,
    pub watch: &'a Watch,
}

impl Lease<'_> {
    /// Renews the lease, notes how far the job is, and learns whether it is still wanted, until it is over. On a connection
    /// of its own: the job's is inside a transaction.
    pub fn renew_until(&self, over: &Over) {
        let mut db = None;
        while !over.wait(BEAT) {
            let Some(open) = db.take().or_else(|| self.address.connect().ok()) else { continue };
            match self.renew(db.insert(open)) {
                Ok(None) => {}
                Ok(Some(why)) => self.watch.stop(why),
                Err(error) => {
                    tracing::warn!(job = self.job.id, why = %error, "a lease was not renewed");
                    db = None;
                }
            }
        }
    }

    fn renew(&self, db: &mut Db) -> diesel::QueryResult<Option<Unwanted>> {
        let until = ambient::seconds_from_now(LEASE);
        if !store::renew(db, self.job, &self.worker, &until, &self.watch.told())? {
            return Ok(Some(Unwanted::Lost));
        }
        let now = store::job(db, &self.job.lender, &self.job.id)?;
        let called_off = now.is_some_and(|now| now.cancelled_by.is_some());
        Ok(called_off.then_some(Unwanted::Cancelled))
    }
}

/// Says once that something is over, to whoever waits for it.
#[derive(Default)]
pub(super) struct Over(Mutex<bool>, Condvar);

impl Over {
    pub fn say(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.1.notify_all();
    }

    /// Waits a while; says whether it is over.
    fn wait(&self, a_while: Duration) -> bool {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.1.wait_timeout_while(held, a_while, |over| !*over);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
