//! The workers of a server: a thread or two that take up jobs until the server stops.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use chrono::NaiveDate;

use super::watch::{Board, Told, Unwanted};
use super::{Job, KEPT_DAYS, Worker, store};
use crate::ambient;
use crate::db::{Address, Trouble, write_all};
use crate::portfolio::personal::Key;

/// How often a worker that waits looks for jobs that another server was asked for, or left.
const LOOK: Duration = Duration::from_secs(1);
/// How long a worker waits when the database fails.
const AFTER_TROUBLE: Duration = Duration::from_secs(5);

/// The workers of a server. They stop when the last handle goes.
#[derive(Clone, Default)]
pub struct Works(Arc<Office>);

#[derive(Default)]
struct Office {
    begun: AtomicBool,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    board: Board,
    calls: Mutex<Calls>,
    called: Condvar,
    at_work: AtomicUsize,
}

#[derive(Clone, Copy, Default)]
struct Calls {
    jobs: u64,
    stop: bool,
}

impl Works {
    /// Sets the workers to work, once: one where all writers take turns, else two.
    pub fn begin(&self, address: &Address, key: Option<&Key>, day: Option<NaiveDate>) {
        if self.0.begun.swap(true, Ordering::AcqRel) {
            return;
        }
        let workers = if address.has_one_writer() { 1 } else { 2 };
        for number in 0..workers {
            let shared = self.0.shared.clone();
            let worker = Worker::on(address, key.cloned(), day, shared.board.clone());
            let thread = std::thread::Builder::new().name(format!("work-{number}"));
            shared.at_work.fetch_add(1, Ordering::AcqRel);
            let begun = thread.spawn(move || {
                shared.run(worker);
                shared.at_work.fetch_sub(1, Ordering::AcqRel);
            });
            if let Err(error) = begun {
                self.0.shared.at_work.fetch_sub(1, Ordering::AcqRel);
                tracing::error!(why = %error, "a worker cannot begin");
            }
        }
    }

    /// Says that there is a new job.
    pub fn call(&self) {
        self.0.shared.note(|calls| calls.jobs += 1);
    }

    /// How far a job has come that runs in this process.
    pub fn told(&self, job: &Job) -> Option<Told> {
        self.0.shared.board.find(&job.lender, &job.id).map(|watch| watch.told())
    }

    /// Asks a job that runs in this process to stop; says whether one does.
    pub fn call_off(&self, job: &Job) -> bool {
        let watch = self.0.shared.board.find(&job.lender, &job.id);
        watch.inspect(|watch| watch.stop(Unwanted::Cancelled)).is_some()
    }

    /// Stops the workers; waits a while for them to give back what they were at.
    pub fn stop(&self, patience: Duration) {
        self.0.shared.stop();
        let step = Duration::from_millis(20);
        let mut left = patience;
        while self.0.shared.at_work.load(Ordering::Acquire) > 0 && !left.is_zero() {
            std::thread::sleep(step);
            left = left.saturating_sub(step);
        }
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

impl Shared {
    fn note(&self, note: impl FnOnce(&mut Calls)) {
        note(&mut self.calls.lock().unwrap_or_else(PoisonError::into_inner));
        self.called.notify_all();
    }

    fn stop(&self) {
        self.note(|calls| calls.stop = true);
        self.board.close();
    }

    /// Waits until there may be a job, at most a while. `known` are the calls that were followed.
    fn wait(&self, known: &mut Calls, at_most: Duration) {
        let held = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let nothing = |calls: &mut Calls| !calls.stop && calls.jobs == known.jobs;
        let waited = self.called.wait_timeout_while(held, at_most, nothing);
        *known = *waited.unwrap_or_else(PoisonError::into_inner).0;
    }

    fn run(&self, mut worker: Worker) {
        if let Err(trouble) = forget_old(&worker.address) {
            tracing::warn!(why = trouble.detail, "what jobs made long ago was not let go of");
        }
        let mut known = Calls::default();
        while !known.stop {
            match worker.step() {
                Ok(true) => self.wait(&mut known, Duration::ZERO),
                Ok(false) => self.wait(&mut known, LOOK),
                Err(trouble) => {
                    tracing::error!(why = trouble.detail, "a worker cannot go on");
                    self.wait(&mut known, AFTER_TROUBLE);
                }
            }
        }
    }
}

/// Lets go of what jobs made long ago.
fn forget_old(address: &Address) -> Result<(), Trouble> {
    let mut db = address.connect().map_err(|error| Trouble::of_opening(&error.to_string()))?;
    let before = ambient::minutes_from_now(-KEPT_DAYS * 24 * 60);
    write_all(&mut db, &[], |db| store::forget_made(db, &before))
        .map_err(|error| Trouble::of(&error))
}
