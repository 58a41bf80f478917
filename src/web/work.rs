//! Long work: a run of a million accounts takes a minute. It goes on when nobody waits for it, a form that is sent twice
//! starts it once, and its page says how far it is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::rt;
use actix_web::web;

use crate::ambient;
use crate::db::Db;
use crate::kernel::progress::{Progress, Stop};
use crate::web::Site;
use crate::web::problem::Problem;

/// Pieces of work remembered; the oldest that are done are forgotten first.
const REMEMBERED: usize = 500;
/// How often, and how many times, a form looks whether its work is done before it says that it takes longer.
const LOOK: std::time::Duration = std::time::Duration::from_millis(25);
const LOOKS: usize = 100;

/// What is being done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Simulating a strategy for a day, as they were typed.
    Simulate {
        /// The day.
        on: String,
        /// The strategy.
        strategy: String,
    },
    /// Committing a run.
    Commit(i64),
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It goes on.
    Running,
    /// It is done: the run.
    Done(i64),
    /// The book refused it.
    Refused(String),
    /// It failed, by no fault of what was typed.
    Failed,
}

/// Why work did not come to its end.
pub enum Stopped {
    /// The book refused it.
    Refused(String),
    /// It failed.
    Failed(Problem),
}

/// A piece of work.
#[derive(Clone, Debug)]
pub struct Work {
    /// Whose form it is.
    pub login: String,
    /// In which book.
    pub lender: String,
    /// What is done.
    pub doing: Doing,
    /// Since when, UTC.
    pub since: String,
    /// How far it is.
    pub state: State,
    /// The stage it is in.
    pub stage: String,
    /// Steps of it that are done, and all of them when known.
    pub steps: (u64, Option<u64>),
}

impl Work {
    /// Work that begins now.
    fn new(login: &str, lender: &str, doing: Doing) -> Work {
        Work {
            login: login.to_string(),
            lender: lender.to_string(),
            doing,
            since: ambient::now(),
            state: State::Running,
            stage: String::new(),
            steps: (0, None),
        }
    }
}

/// Notes how far a piece of work has come.
struct Watch {
    works: Works,
    key: String,
}

impl Progress for Watch {
    fn stage(&mut self, name: &str, total: Option<u64>) -> Result<(), Stop> {
        if let Some(work) = self.works.held().get_mut(&self.key) {
            (work.stage, work.steps) = (name.to_string(), (0, total));
        }
        Ok(())
    }

    fn advance(&mut self, steps: u64) -> Result<(), Stop> {
        if let Some(work) = self.works.held().get_mut(&self.key) {
            work.steps.0 += steps;
        }
        Ok(())
    }
}

/// The work of this process, by the keys of the forms that started it.
#[derive(Clone, Default)]
pub struct Works(Arc<Mutex<BTreeMap<String, Work>>>);

/// What came of starting a piece of work.
pub enum Started {
    /// It runs now, or did before.
    Known,
    /// Somebody works on this book already, since then.
    Busy(String),
}

impl Works {
    fn held(&self) -> MutexGuard<'_, BTreeMap<String, Work>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A person's piece of work.
    pub fn of(&self, key: &str, login: &str, lender: &str) -> Option<Work> {
        self.held().get(key).filter(|work| work.login == login && work.lender == lender).cloned()
    }

    /// Takes up a new piece of work unless its form started one before; one at a time in a book.
    fn take_up(&self, key: &str, work: Work) -> Result<bool, Started> {
        let mut works = self.held();
        if let Some(known) = works.get(key) {
            return if known.login == work.login && known.lender == work.lender {
                Ok(false)
            } else {
                Err(Started::Known)
            };
        }
        if let Some(other) = works
            .values()
            .find(|other| other.lender == work.lender && other.state == State::Running)
        {
            return Err(Started::Busy(other.since.clone()));
        }
        if works.len() >= REMEMBERED {
            let done = works.iter().filter(|(_, work)| work.state != State::Running);
            let oldest =
                done.min_by(|(_, a), (_, b)| a.since.cmp(&b.since)).map(|(key, _)| key.clone());
            oldest.map(|key| works.remove(&key));
        }
        works.insert(key.to_string(), work);
        Ok(true)
    }

    fn end(&self, key: &str, state: State) {
        if let Some(work) = self.held().get_mut(key) {
            work.state = state;
        }
    }
}

/// Starts a piece of work under the key of its form and waits a moment for its end.
pub async fn start(
    site: &web::Data<Site>,
    key: &str,
    login: &str,
    lender: &str,
    doing: Doing,
    work: impl FnOnce(&mut Db, &mut dyn Progress) -> Result<i64, Stopped> + Send + 'static,
) -> Result<Started, Problem> {
    if key.len() < 16 || key.len() > 64 {
        return Err(Problem::Forged);
    }
    match site.works.take_up(key, Work::new(login, lender, doing)) {
        Err(Started::Known) => return Err(Problem::Forged),
        Err(busy) => return Ok(busy),
        Ok(false) => {}
        Ok(true) => {
            let (site, key) = (site.clone(), key.to_string());
            rt::spawn(async move {
                let mut watch = Watch { works: site.works.clone(), key: key.clone() };
                let state = match site.pool.run(move |db| work(db, &mut watch)).await {
                    Ok(Ok(run_no)) => State::Done(run_no),
                    Ok(Err(Stopped::Refused(why))) => State::Refused(why),
                    Ok(Err(Stopped::Failed(problem))) => failed(&problem),
                    Err(problem) => failed(&problem.into()),
                };
                site.works.end(&key, state);
            });
        }
    }
    for _ in 0..LOOKS {
        if site.works.of(key, login, lender).is_none_or(|work| work.state != State::Running) {
            break;
        }
        rt::time::sleep(LOOK).await;
    }
    Ok(Started::Known)
}

fn failed(problem: &Problem) -> State {
    tracing::error!(why = %problem, "work on a run failed");
    State::Failed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(lender: &str, state: State) -> Work {
        Work { state, ..Work::new("manager", lender, Doing::Commit(1)) }
    }

    #[test]
    fn a_form_starts_its_work_once_and_a_book_is_worked_on_once_at_a_time() {
        let works = Works::default();
        assert!(matches!(works.take_up("a", work("CFC", State::Running)), Ok(true)));
        assert!(
            matches!(works.take_up("a", work("CFC", State::Running)), Ok(false)),
            "the same form again"
        );
        assert!(matches!(works.take_up("b", work("CFC", State::Running)), Err(Started::Busy(_))));
        assert!(
            matches!(works.take_up("c", work("NBK", State::Running)), Ok(true)),
            "another book"
        );
        works.end("a", State::Done(7));
        assert!(matches!(works.take_up("b", work("CFC", State::Running)), Ok(true)));
        assert_eq!(works.of("a", "manager", "CFC").map(|work| work.state), Some(State::Done(7)));
        let mut watch = Watch { works: works.clone(), key: "b".to_string() };
        watch.stage("placing", Some(10)).unwrap();
        watch.advance(3).unwrap();
        watch.advance(4).unwrap();
        let told = works.of("b", "manager", "CFC").map(|work| (work.stage, work.steps));
        assert_eq!(told, Some(("placing".to_string(), (7, Some(10)))));
        assert!(
            works.of("a", "somebody else", "CFC").is_none()
                && works.of("a", "manager", "NBK").is_none()
        );
    }

    #[test]
    fn what_is_done_is_forgotten_and_what_runs_is_not() {
        let works = Works::default();
        assert!(matches!(works.take_up("running", work("L", State::Running)), Ok(true)));
        for number in 0..REMEMBERED * 2 {
            let key = format!("k{number}");
            assert!(matches!(works.take_up(&key, work(&key, State::Running)), Ok(true)));
            works.end(&key, State::Failed);
        }
        assert!(works.held().len() <= REMEMBERED && works.of("running", "manager", "L").is_some());
    }
}
