//! Jobs that run in this process: how far they are, and whether they are still wanted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::kernel::progress::{Progress, Stop};

/// Why a job is not wanted any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unwanted {
    /// Somebody called it off.
    Cancelled,
    /// The server stops; the job is for another one, or for later.
    ShuttingDown,
    /// Somebody else has taken it over.
    Lost,
}

/// How far a job has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The stage it is in.
    pub stage: String,
    /// Steps of it that are done.
    pub done: u64,
    /// All of them, when known.
    pub total: Option<u64>,
}

/// A job under way; shared by who does it and who looks.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch(Arc<Mutex<(Told, Option<Unwanted>)>>);

impl Watch {
    fn held(&self) -> MutexGuard<'_, (Told, Option<Unwanted>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn told(&self) -> Told {
        self.held().0.clone()
    }

    /// Asks that the job stop; the first reason counts.
    pub fn stop(&self, why: Unwanted) {
        self.held().1.get_or_insert(why);
    }

    pub fn unwanted(&self) -> Option<Unwanted> {
        self.held().1
    }

    fn note(&self, note: impl FnOnce(&mut Told)) -> Result<(), Stop> {
        let mut held = self.held();
        note(&mut held.0);
        if held.1.is_some() { Err(Stop) } else { Ok(()) }
    }
}

impl Progress for Watch {
    fn stage(&mut self, name: &str, total: Option<u64>) -> Result<(), Stop> {
        self.note(|told| *told = Told { stage: name.to_string(), done: 0, total })
    }

    fn advance(&mut self, steps: u64) -> Result<(), Stop> {
        self.note(|told| told.done += steps)
    }
}

/// The jobs that run in this process, by lender and id.
#[derive(Clone, Default)]
pub(super) struct Board(Arc<Mutex<Running>>);

#[derive(Default)]
struct Running {
    watches: BTreeMap<(String, String), Watch>,
    closed: bool,
}

impl Board {
    fn held(&self) -> MutexGuard<'_, Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A job begins; on a board that is closed it is not wanted.
    pub fn begin(&self, lender: &str, id: &str) -> Watch {
        let (watch, mut held) = (Watch::default(), self.held());
        if held.closed {
            watch.stop(Unwanted::ShuttingDown);
        }
        held.watches.insert((lender.to_string(), id.to_string()), watch.clone());
        watch
    }

    pub fn end(&self, lender: &str, id: &str) {
        self.held().watches.remove(&(lender.to_string(), id.to_string()));
    }

    pub fn find(&self, lender: &str, id: &str) -> Option<Watch> {
        self.held().watches.get(&(lender.to_string(), id.to_string())).cloned()
    }

    /// The server stops: what runs and what would begin is for another one.
    pub fn close(&self) {
        let mut held = self.held();
        held.closed = true;
        held.watches.values().for_each(|watch| watch.stop(Unwanted::ShuttingDown));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_tells_how_far_work_is_and_stops_it_for_the_first_reason() {
        let board = Board::default();
        let mut watch = board.begin("CFC", "1");
        watch.stage("placing", Some(10)).unwrap();
        watch.advance(3).unwrap();
        watch.advance(4).unwrap();
        let told = Told { stage: "placing".to_string(), done: 7, total: Some(10) };
        assert_eq!(board.find("CFC", "1").map(|watch| watch.told()), Some(told));
        assert!(board.find("NBK", "1").is_none());
        watch.stop(Unwanted::Cancelled);
        board.close();
        assert_eq!(watch.advance(1), Err(Stop));
        assert_eq!(watch.unwanted(), Some(Unwanted::Cancelled));
        board.end("CFC", "1");
        assert!(board.find("CFC", "1").is_none());
        assert_eq!(board.begin("CFC", "2").unwanted(), Some(Unwanted::ShuttingDown));
    }
}
