//! Simulating a strategy and committing a run by the pages: the form keeps what was typed, the commit says first what
//! will happen, and a form that is sent twice is carried out once.

use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::NaiveDate;
use serde::Deserialize;

use crate::allocation::AllocationError;
use crate::allocation::run::{Order, commit_run_watched, run};
use crate::allocation::store;
use crate::ambient;
use crate::db::Db;
use crate::kernel::Money;
use crate::kernel::calendar::parse_date;
use crate::kernel::progress::Progress;
use crate::party::{self, Assignee, Lang};
use crate::placement::PlacementError;
use crate::web::Site;
use crate::web::allocation::runs::{Run, run_link};
use crate::web::form::Posted;
use crate::web::identity::who::{Allocates, Book, Sees};
use crate::web::link::Link;
use crate::web::list;
use crate::web::page::{Figure, Page};
use crate::web::problem::Problem;
use crate::web::work::{Doing, Started, State, Stopped, Work, start};

/// What the URL of the form asks for.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Asked {
    /// A run whose strategy is taken up.
    run: String,
    /// Work that was begun.
    work: String,
}

#[derive(Template)]
#[template(path = "web/run_form.html")]
struct FormBody {
    t: Lang,
    csrf: String,
    key: String,
    on: String,
    strategy: String,
    source: String,
    fault: Option<String>,
}

#[derive(Template)]
#[template(path = "web/working.html")]
struct WorkingBody {
    figures: Vec<Figure>,
    words: String,
}

/// What the form is filled with.
struct Filled {
    on: String,
    strategy: String,
    source: String,
}

fn new_key() -> String {
    hex::encode(ambient::random_bytes::<16>())
}

pub(in crate::web) async fn form(
    site: web::Data<Site>,
    sees: Sees<Allocates>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    if let Some(work) = site.works.of(&asked.work, &sees.who.person.login, &sees.book.lender.code) {
        return told(&site, &sees, work).await;
    }
    let (book, t, run) = (sees.book.clone(), sees.who.t, asked.run.clone());
    let filled = site.read(move |db| filled(db, &book, t, &run)).await?;
    draw(&sees, StatusCode::OK, filled, None)
}

/// The strategy of the run asked for, of the newest run, or one that suits this lender.
fn filled(db: &mut Db, book: &Book, t: Lang, run: &str) -> Result<Filled, Problem> {
    let lender = &book.lender.code;
    let today = book.today();
    let newest = store::listed(db, lender, i64::MAX, 1)?.pop().map(|run| run.run_no);
    let wanted =
        if run.is_empty() { newest } else { Some(run.parse().map_err(|_| Problem::NotFound)?) };
    let Some(run_no) = wanted else {
        let assignees = party::store::assignees(db, lender)?;
        return Ok(Filled {
            on: today.to_string(),
            strategy: suitable(&assignees, today),
            source: t.strategy_suits().to_string(),
        });
    };
    let found = store::run(db, lender, run_no)?.ok_or(Problem::NotFound)?;
    let on = if run.is_empty() { today } else { found.run_on };
    Ok(Filled {
        on: on.to_string(),
        strategy: found.run.strategy,
        source: format!("{} {run_no}", t.strategy_of_run()),
    })
}

/// The day and the strategy that a form begins with.
pub(in crate::web) fn proposed(
    db: &mut Db,
    book: &Book,
    t: Lang,
) -> Result<(String, String), Problem> {
    filled(db, book, t, "").map(|filled| (filled.on, filled.strategy))
}

/// A strategy to begin with: the most that can be expected, with a share held back to keep measuring everybody.
fn suitable(assignees: &[Assignee], on: NaiveDate) -> String {
    let named: String =
        assignees.iter().map(|one| format!("\n[[assignee]]\ncode = \"{}\"\n", one.code)).collect();
    format!(
        "name = \"{}\"\nmethod = \"optimise\"\nstrata = [\"bucket\", \"balance_band\"]\nbalance_bands = [\"1000\", \"5000\", \"20000\"]\n\
         seed = {}\nrotation = true\nexploration = \"10%\"\n{named}",
        on.format("%Y-%m"),
        on.format("%Y%m%d"),
    )
}

fn draw(
    sees: &Sees<Allocates>,
    status: StatusCode,
    filled: Filled,
    fault: Option<String>,
) -> Result<HttpResponse, Problem> {
    let t = sees.who.t;
    let body = FormBody {
        t,
        csrf: sees.who.session.csrf.clone(),
        key: new_key(),
        on: filled.on,
        strategy: filled.strategy,
        source: filled.source,
        fault,
    };
    Page::new(&sees.who, t.new_run())
        .under(t.nav_allocation(), "/allocation")
        .show_as(status, &body)
}

/// What became of work: the run, the form again with the refusal, or how far it is.
async fn told(site: &Site, sees: &Sees<Allocates>, work: Work) -> Result<HttpResponse, Problem> {
    let t = sees.who.t;
    let fault = match &work.state {
        State::Running => return working(sees, &work),
        State::Done(run_no) => return Ok(to(run_link(*run_no).url())),
        State::Refused(why) => why.clone(),
        State::Failed => t.work_failed().to_string(),
    };
    match work.doing {
        Doing::Simulate { on, strategy } => {
            let fault = Some(with_line(sees.who.t, fault, &strategy));
            draw(
                sees,
                StatusCode::UNPROCESSABLE_ENTITY,
                Filled { on, strategy, source: String::new() },
                fault,
            )
        }
        Doing::Commit(run_no) => {
            confirmed(site, sees, run_no, StatusCode::CONFLICT, Some(fault)).await
        }
    }
}

/// A refusal that names a line of the strategy, with what stands there.
fn with_line(t: Lang, fault: String, strategy: &str) -> String {
    let number = fault.split_once(t.line_mark()).and_then(|(_, rest)| {
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse::<usize>().ok()
    });
    let line = number
        .and_then(|number| strategy.lines().nth(number.checked_sub(1)?))
        .map(str::trim)
        .filter(|line| !line.is_empty());
    line.map(|line| format!("{fault} · {line}")).unwrap_or(fault)
}

fn to(path: String) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, path)).finish()
}

/// How far long work is; the browser asks again by itself.
fn working(sees: &Sees<Allocates>, work: &Work) -> Result<HttpResponse, Problem> {
    let t = sees.who.t;
    let moment = |text: &str| chrono::DateTime::parse_from_rfc3339(text).ok();
    let elapsed = moment(&ambient::now())
        .zip(moment(&work.since))
        .map_or(0, |(now, since)| (now - since).num_seconds());
    let title = match &work.doing {
        Doing::Simulate { .. } => t.simulating().to_string(),
        Doing::Commit(run_no) => format!("{} {run_no}", t.committing()),
    };
    let count = |number: u64| list::count(crate::kernel::count(number as usize));
    let steps = match work.steps {
        (0, None) => "–".to_string(),
        (done, None) => count(done),
        (done, Some(all)) => format!("{} / {}", count(done), count(all)),
    };
    let figures = vec![
        Figure::new(t.since(), sees.book.moment(&work.since), ""),
        Figure::new(t.seconds_so_far(), list::count(elapsed), ""),
        Figure::new(t.stage(), t.work_stage(&work.stage), ""),
        Figure::new(t.accounts_done(), steps, ""),
    ];
    let body = WorkingBody { figures, words: t.may_be_left().to_string() };
    let mut answer =
        Page::new(&sees.who, title).under(t.nav_allocation(), "/allocation").show(&body)?;
    let every = actix_web::http::header::HeaderValue::from_static("2");
    answer.headers_mut().insert(actix_web::http::header::HeaderName::from_static("refresh"), every);
    Ok(answer)
}

/// Why the book refuses, in words; what is our fault is no refusal.
fn stopped(t: Lang, error: AllocationError) -> Stopped {
    match error {
        AllocationError::Db(error) => Stopped::Failed(error.into()),
        AllocationError::Placement(PlacementError::Db(error)) => Stopped::Failed(error.into()),
        AllocationError::Committed(run_no) => {
            Stopped::Refused(format!("{} {run_no} {}", t.run_word(), t.run_already()))
        }
        AllocationError::Moved(..) => Stopped::Refused(t.run_moved().to_string()),
        AllocationError::Differs(_) => Stopped::Refused(t.run_differs().to_string()),
        other => Stopped::Refused(other.words(t)),
    }
}

/// What is typed into the form.
#[derive(Deserialize)]
pub(in crate::web) struct NewRun {
    #[serde(default)]
    on: String,
    #[serde(default)]
    strategy: String,
    #[serde(default)]
    key: String,
}

pub(in crate::web) async fn simulate(
    site: web::Data<Site>,
    sees: Sees<Allocates>,
    posted: Posted<NewRun>,
) -> Result<HttpResponse, Problem> {
    let (t, typed) = (sees.who.t, posted.form);
    let strategy = typed.strategy.replace("\r\n", "\n");
    let Some(on) = parse_date(typed.on.trim()) else {
        let fault = Some(t.refused_run_day().to_string());
        let filled = Filled { on: typed.on, strategy, source: String::new() };
        return draw(&sees, StatusCode::UNPROCESSABLE_ENTITY, filled, fault);
    };
    let doing = Doing::Simulate { on: on.to_string(), strategy: strategy.clone() };
    let (lender, by, file) = (sees.book.lender.code.clone(), sees.who.by(), t.strategy_word());
    let text = strategy.clone();
    let work = move |db: &mut Db, progress: &mut dyn Progress| {
        let order = Order { lender: &lender, file, strategy: &text, on, commit: false };
        let done = run(db, &order, &by, progress);
        done.map(|outcome| outcome.run_no).map_err(|error| stopped(t, error))
    };
    match begin(&site, &sees, &typed.key, doing, work).await? {
        Begun::Answer(answer) => Ok(answer),
        Begun::Busy(fault) => {
            let filled = Filled { on: on.to_string(), strategy, source: String::new() };
            draw(&sees, StatusCode::CONFLICT, filled, Some(fault))
        }
    }
}

/// What a form that starts work is answered with.
enum Begun {
    Answer(HttpResponse),
    Busy(String),
}

/// Starts work and answers with its end, or with the page that says how far it is.
async fn begin(
    site: &web::Data<Site>,
    sees: &Sees<Allocates>,
    key: &str,
    doing: Doing,
    work: impl FnOnce(&mut Db, &mut dyn Progress) -> Result<i64, Stopped> + Send + 'static,
) -> Result<Begun, Problem> {
    let (login, lender) = (sees.who.person.login.clone(), sees.book.lender.code.clone());
    let form = match &doing {
        Doing::Simulate { .. } => Link::to("/allocation/new"),
        Doing::Commit(run_no) => run_link(*run_no).then("/commit"),
    };
    if let Started::Busy(since) = start(site, key, &login, &lender, doing, work).await? {
        return Ok(Begun::Busy(format!("{} {}", sees.who.t.work_busy(), sees.book.moment(&since))));
    }
    let work = site.works.of(key, &login, &lender).ok_or(Problem::NotFound)?;
    Ok(Begun::Answer(match work.state {
        State::Running => to(form.with("work", key).url()),
        _ => told(site, sees, work).await?,
    }))
}

#[derive(Template)]
#[template(path = "web/run_commit.html")]
struct ConfirmBody {
    t: Lang,
    currency: String,
    csrf: String,
    action: String,
    back: String,
    key: String,
    will: String,
    fault: Option<String>,
    again: Option<String>,
    figures: Vec<Figure>,
    rows: Vec<(String, String, String)>,
    total: (String, String),
    hash: String,
}

/// What a commit page is asked for.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct AskedConfirm {
    work: String,
}

pub(in crate::web) async fn confirm(
    site: web::Data<Site>,
    sees: Sees<Allocates>,
    path: web::Path<i64>,
    asked: web::Query<AskedConfirm>,
) -> Result<HttpResponse, Problem> {
    match site.works.of(&asked.work, &sees.who.person.login, &sees.book.lender.code) {
        Some(work) => told(&site, &sees, work).await,
        None => confirmed(&site, &sees, path.into_inner(), StatusCode::OK, None).await,
    }
}

/// Says what committing will do, or why it cannot be done.
async fn confirmed(
    site: &Site,
    sees: &Sees<Allocates>,
    run_no: i64,
    status: StatusCode,
    fault: Option<String>,
) -> Result<HttpResponse, Problem> {
    let (t, book) = (sees.who.t, sees.book.clone());
    let run = site.read(move |db| Run::load(db, &book, run_no)).await?;
    let currency = sees.book.lender.currency;
    let already = || format!("{} {run_no} {}", t.run_word(), t.run_already());
    let refused = match (run.row.committed_seq, run.moved) {
        (Some(_), _) => Some(already()),
        (None, true) => Some(t.run_moved().to_string()),
        _ => None,
    };
    let may = refused.is_none() && run.row.placed > 0;
    let rows = run.findings.assignees.iter().map(|(code, share)| {
        (code.clone(), list::count(share.accounts), list::money(Money(share.balance), currency))
    });
    let (accounts, balance) = (list::count(run.row.placed), list::money(run.balance(), currency));
    let body = ConfirmBody {
        t,
        currency: currency.to_string(),
        csrf: sees.who.session.csrf.clone(),
        action: run_link(run_no).then("/commit").url(),
        back: run_link(run_no).url(),
        key: if may { new_key() } else { String::new() },
        will: t.will_commit(
            &accounts,
            &format!("{currency} {balance}"),
            run.findings.assignees.len(),
            run.row.run_on,
        ),
        again: run
            .moved
            .then(|| Link::to("/allocation/new").with("run", &run_no.to_string()).url()),
        fault: fault.or(refused),
        figures: vec![
            Figure::new(
                t.run_placed(),
                accounts.clone(),
                run_link(run_no).then("/accounts?how=placed").url(),
            ),
            Figure::new(format!("{} ({currency})", t.run_balance()), balance.clone(), ""),
            Figure::new(
                t.batches(),
                list::count(crate::kernel::count(run.findings.assignees.len())),
                "",
            ),
            Figure::new(t.run_day(), run.row.run_on.to_string(), ""),
        ],
        rows: rows.collect(),
        total: (accounts, balance),
        hash: run.row.hash.clone(),
    };
    Page::new(&sees.who, t.commit_title())
        .under(t.nav_allocation(), "/allocation")
        .under(run.title(t), run_link(run_no).url())
        .show_as(status, &body)
}

/// The form of a commit.
#[derive(Deserialize)]
pub(in crate::web) struct Commit {
    #[serde(default)]
    key: String,
}

pub(in crate::web) async fn commit(
    site: web::Data<Site>,
    sees: Sees<Allocates>,
    path: web::Path<i64>,
    posted: Posted<Commit>,
) -> Result<HttpResponse, Problem> {
    let (run_no, t, by) = (path.into_inner(), sees.who.t, sees.who.by());
    let (lender, asked) = (sees.book.lender.code.clone(), sees.book.lender.code.clone());
    let found =
        site.read(move |db| Ok(store::run(db, &asked, run_no)?)).await?.ok_or(Problem::NotFound)?;
    let begun = site.works.of(&posted.form.key, &sees.who.person.login, &sees.book.lender.code);
    if found.committed_seq.is_some() && begun.is_none() {
        // An older page, or somebody was quicker: nothing is done, and the page of the run says by whom it was.
        return Ok(to(run_link(run_no).with("already", "1").url()));
    }
    let work = move |db: &mut Db, progress: &mut dyn Progress| {
        let done = commit_run_watched(db, &lender, run_no, &by, progress);
        done.map(|outcome| outcome.run_no).map_err(|error| stopped(t, error))
    };
    match begin(&site, &sees, &posted.form.key, Doing::Commit(run_no), work).await? {
        Begun::Answer(answer) => Ok(answer),
        Begun::Busy(fault) => {
            confirmed(&site, &sees, run_no, StatusCode::CONFLICT, Some(fault)).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_shows_the_line_it_names() {
        let strategy = "name = \"x\"\n\nmethod = \"best\"\n";
        assert_eq!(
            with_line(Lang::En, "strategy, line 3: `method`".to_string(), strategy),
            "strategy, line 3: `method` · method = \"best\""
        );
        assert_eq!(with_line(Lang::En, "line 2: empty".to_string(), strategy), "line 2: empty");
        assert_eq!(
            with_line(Lang::En, "the limits clash".to_string(), strategy),
            "the limits clash"
        );
        assert_eq!(with_line(Lang::En, "line 99: gone".to_string(), strategy), "line 99: gone");
    }
}
