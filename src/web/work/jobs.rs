//! The pages of jobs: all of an organisation, and one with how far it is and what came of it.

use actix_web::http::header::{HeaderName, HeaderValue, LOCATION};
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::ambient;
use crate::db::{Db, write_all};
use crate::kernel::count;
use crate::party::Lang;
use crate::portfolio::personal::Key;
use crate::web::Site;
use crate::web::allocation::runs::run_link;
use crate::web::form::Posted;
use crate::web::identity::who::{Book, Known, Who};
use crate::web::link::{self, Link};
use crate::web::list::{self, Cell, Pager, cut, one_more};
use crate::web::page::{Chip, Figure, Page, Tone};
use crate::web::problem::Problem;
use crate::web::sheet::{attachment, record};
use crate::web::work::ask::not_kept;
use crate::web::work::send;
use crate::work::store::{self, Job};
use crate::work::{
    FileKind, Imported, JobKind, Order, Outcome, Part, Rejected, Status, Told, read_file,
};

/// The page of a job.
pub fn job_link(job: &Job) -> Link {
    Link::to("/jobs").segment(&job.id)
}

/// Whether a job is one that a person may ask for, of the person's own organisation, in the book.
fn is_seen(who: &Known, job: &Job) -> bool {
    let (lender, agency) = job.kind.permissions();
    job.organisation == who.person.organisation
        && who.books_for(lender, agency).iter().any(|book| book.lender.code == job.lender)
}

/// A job by its id, as far as it is this person's to see.
pub async fn find(site: &Site, who: &Known, id: &str) -> Result<(Book, Job), Problem> {
    let (books, id) = (who.books.clone(), id.to_string());
    let found = site.read(move |db| {
        for book in books {
            if let Some(job) = store::job(db, &book.lender.code, &id)? {
                return Ok(Some((book, job)));
            }
        }
        Ok(None)
    });
    found.await?.filter(|(_, job)| is_seen(who, job)).ok_or(Problem::NotFound)
}

/// Why a job that failed did, in words.
pub fn fault(t: Lang, job: &Job, key: Option<&Key>) -> String {
    match (job.came(key), t) {
        (Some(Outcome::Refused { zh, .. }), Lang::Zh) => zh,
        (Some(Outcome::Refused { en, .. }), Lang::En) => en,
        _ => t.job_failure(job.failure).to_string(),
    }
}

/// What the URL of the list asks for.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Asked {
    before: String,
}

#[derive(Template)]
#[template(path = "web/jobs.html")]
struct ListBody {
    t: Lang,
    rows: Vec<Row>,
    pager: Pager,
}

struct Row {
    job: Cell,
    subject: String,
    asked_at: String,
    asked_by: String,
    state: Chip,
    far: String,
    came: Cell,
}

pub(in crate::web) async fn show(
    site: web::Data<Site>,
    who: Who,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let (books, organisation) = (who.books.clone(), who.person.organisation.clone());
    // No instant is written with a letter first.
    let first = asked.before.is_empty();
    let before = if first { "~".to_string() } else { asked.before.clone() };
    let mut jobs = site
        .read(move |db| {
            let mut jobs = Vec::new();
            for book in books {
                let lender = &book.lender.code;
                let of_book = store::listed(db, lender, &organisation, &before, one_more())?;
                jobs.extend(of_book.into_iter().map(|job| (book.clone(), job)));
            }
            Ok(jobs)
        })
        .await?;
    jobs.sort_by(|(_, a), (_, b)| (&b.created_at, &a.id).cmp(&(&a.created_at, &b.id)));
    let more = cut(&mut jobs);
    let last = jobs.last().map(|(_, job)| job.created_at.clone()).filter(|_| more);
    jobs.retain(|(_, job)| is_seen(&who, job));
    let t = who.t;
    let rows = jobs.iter().map(|(book, job)| row(&site, t, book, job)).collect();
    let pager = Pager {
        first: (!first).then(|| "/jobs".to_string()),
        next: last.map(|before| Link::to("/jobs").with("before", &before).url()),
    };
    Page::new(&who, t.jobs()).show(&ListBody { t, rows, pager })
}

fn row(site: &Site, t: Lang, book: &Book, job: &Job) -> Row {
    let far = if job.status == Status::Running { far(&told(site, job)) } else { String::new() };
    Row {
        job: Cell::link(t.job_kind(job.kind), job_link(job).url()),
        subject: order(job).map(|order| order.subject()).unwrap_or_default(),
        asked_at: book.moment(&job.created_at),
        asked_by: job.login.clone(),
        state: state(t, job.status),
        far,
        came: came(t, job, site.key.as_ref()),
    }
}

fn state(t: Lang, status: Status) -> Chip {
    let tone = match status {
        Status::Queued | Status::Cancelled => Tone::Plain,
        Status::Running => Tone::Attention,
        Status::Done => Tone::Good,
        Status::Failed => Tone::Blocked,
    };
    Chip::new(tone, t.job_status(status))
}

fn order(job: &Job) -> Option<Order> {
    serde_json::from_str(&job.arguments).ok()
}

/// Where what came of a job is, in a word.
fn came(t: Lang, job: &Job, key: Option<&Key>) -> Cell {
    match job.came(key) {
        Some(Outcome::Run { run_no }) => {
            Cell::link(format!("{} {run_no}", t.run_word()), run_link(run_no).url())
        }
        Some(Outcome::Imported(done)) => {
            let rows = list::count(number(done.accepted));
            Cell::link(format!("{} {rows}", t.file_accepted()), job_link(job).url())
        }
        Some(Outcome::Closed { statements, .. }) => Cell::link(
            format!("{} {}", t.statements(), list::count(count(statements.len()))),
            job_link(job).url(),
        ),
        Some(Outcome::Refused { .. }) | None => Cell::default(),
    }
}

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// How far a job is: by this process when it is at it, else as its worker has noted.
fn told(site: &Site, job: &Job) -> Told {
    let steps = |steps: i64| u64::try_from(steps).unwrap_or(0);
    site.works.told(job).unwrap_or_else(|| Told {
        stage: job.stage.clone(),
        done: steps(job.done),
        total: job.total.map(steps),
    })
}

fn far(told: &Told) -> String {
    let shown = |steps: u64| list::count(number(steps));
    match (told.done, told.total) {
        (0, None) => "–".to_string(),
        (done, None) => shown(done),
        (done, Some(all)) => format!("{} / {}", shown(done), shown(all)),
    }
}

#[derive(Template)]
#[template(path = "web/job.html")]
struct Body {
    t: Lang,
    csrf: String,
    figures: Vec<Figure>,
    /// Steps done and all, where a bar can be drawn.
    bar: Option<(u64, u64)>,
    hint: Option<&'static str>,
    fault: Option<String>,
    /// What came of it in words, where that is no report.
    done: Option<String>,
    report: Option<Report>,
    /// What came of it and where it goes on.
    links: Vec<Cell>,
    /// Where the form that calls it off is sent.
    cancel: Option<String>,
}

/// What came of a file.
struct Report {
    words: &'static str,
    figures: Vec<Figure>,
    faults: Vec<FaultShown>,
    warnings: Vec<String>,
    rejects: Option<String>,
}

/// A rejected row.
struct FaultShown {
    line: u64,
    column: String,
    value: String,
    reason: String,
}

impl FaultShown {
    fn of(t: Lang, fault: &Rejected) -> FaultShown {
        let reason = if t == Lang::Zh { &fault.zh } else { &fault.en };
        let (column, value) = (fault.column.clone(), fault.value.clone());
        FaultShown { line: fault.line, column, value, reason: reason.clone() }
    }
}

/// What the URL of a job asks for.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct AskedOne {
    /// Whether somebody waits for it, who then is shown what came of it at its own place.
    watch: String,
}

pub(in crate::web) async fn one(
    site: web::Data<Site>,
    who: Who,
    path: web::Path<String>,
    asked: web::Query<AskedOne>,
) -> Result<HttpResponse, Problem> {
    let (book, job) = find(&site, &who, &path).await?;
    if !asked.watch.is_empty()
        && let Some(place) = place(&job, site.key.as_ref())
    {
        return Ok(to(place));
    }
    let (lender, id) = (job.lender.clone(), job.id.clone());
    let rejects =
        site.read(move |db| Ok(store::has_file(db, &lender, &id, FileKind::Rejects)?)).await?;
    let t = who.t;
    let subject = order(&job).map(|order| order.subject()).unwrap_or_default();
    let page = Page::new(&who, format!("{} · {subject}", t.job_kind(job.kind)))
        .under(t.jobs(), "/jobs")
        .chip(state(t, job.status));
    let over = job.status.is_over();
    let mut answer = page.show(&body(&site, &who, &book, &job, rejects))?;
    if !over {
        let every = HeaderValue::from_static("2");
        answer.headers_mut().insert(HeaderName::from_static("refresh"), every);
    }
    Ok(answer)
}

/// Where what came of a job is shown, when that is not its own page.
pub fn place(job: &Job, key: Option<&Key>) -> Option<String> {
    match (job.status, job.kind, job.came(key)) {
        (Status::Done, _, Some(Outcome::Run { run_no })) => Some(run_link(run_no).url()),
        (Status::Failed, JobKind::Simulate, _) => {
            Some(Link::to("/allocation/new").with("job", &job.id).url())
        }
        (Status::Failed, JobKind::Commit, _) => {
            let Some(Order::Commit { run_no }) = order(job) else { return None };
            Some(run_link(run_no).then("/commit").with("job", &job.id).url())
        }
        _ => None,
    }
}

/// Sends a browser elsewhere.
pub fn to(path: String) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, path)).finish()
}

fn body(site: &Site, who: &Known, book: &Book, job: &Job, rejects: bool) -> Body {
    let (t, key) = (who.t, site.key.as_ref());
    let told = told(site, job);
    let running = job.status == Status::Running;
    let mut figures = vec![
        Figure::new(t.job_asked_at(), book.moment(&job.created_at), ""),
        Figure::new(t.job_by(), job.login.clone(), ""),
    ];
    if running {
        figures.push(Figure::new(t.stage(), t.work_stage(&told.stage), ""));
        figures.push(Figure::new(t.steps_done(), far(&told), ""));
    }
    if let Some(ended) = &job.finished_at {
        figures.push(Figure::new(t.job_ended_at(), book.moment(ended), ""));
    }
    let came = job.came(key);
    let done = match &came {
        Some(Outcome::Closed { already, statements, .. }) => {
            let words = if *already { t.close_known() } else { t.close_done() };
            Some(format!("{words} {}", list::count(count(statements.len()))))
        }
        _ => None,
    };
    let report = match &came {
        Some(Outcome::Imported(done)) => Some(report(t, job, done, rejects)),
        _ => None,
    };
    Body {
        t,
        csrf: who.session.csrf.clone(),
        figures,
        bar: told.total.filter(|total| running && *total > 0).map(|total| (told.done, total)),
        hint: match job.status {
            Status::Queued | Status::Running => Some(t.job_may_be_left()),
            Status::Cancelled => Some(t.job_cancelled()),
            _ => None,
        },
        fault: (job.status == Status::Failed).then(|| fault(t, job, key)),
        done,
        report,
        links: links(t, job, came),
        cancel: (!job.status.is_over()).then(|| job_link(job).then("/cancel").url()),
    }
}

fn report(t: Lang, job: &Job, done: &Imported, rejects: bool) -> Report {
    let figure = |label: &str, rows: u64| Figure::new(label, list::count(number(rows)), "");
    let words = match (done.already, done.rejected) {
        (true, _) => t.file_known(),
        (false, 0) => t.file_done(),
        _ => t.file_in_part(),
    };
    let mut figures = vec![
        figure(t.file_data_rows(), done.rows),
        figure(t.file_accepted(), done.accepted),
        figure(t.file_duplicate(), done.duplicate),
        figure(t.file_rejected(), done.rejected),
    ];
    for (key, value) in done.totals.as_object().into_iter().flatten() {
        let shown = value.as_str().map(str::to_string).or_else(|| value.as_i64().map(list::count));
        let named = t.report_total(key).zip(shown).filter(|_| !done.already);
        figures.extend(named.map(|(label, shown)| Figure::new(label, shown, "")));
    }
    Report {
        words,
        figures,
        faults: done.faults.iter().map(|fault| FaultShown::of(t, fault)).collect(),
        warnings: done.warnings.clone(),
        rejects: rejects.then(|| job_link(job).then("/rejects.csv").url()),
    }
}

/// What came of a job and where it goes on.
fn links(t: Lang, job: &Job, came: Option<Outcome>) -> Vec<Cell> {
    let lender = &job.lender;
    let again =
        |words: &str, path: &str| Cell::link(words, Link::to(path).with("lender", lender).url());
    let mut links = match came {
        Some(Outcome::Run { run_no }) => {
            vec![Cell::link(format!("{} {run_no}", t.run_word()), run_link(run_no).url())]
        }
        Some(Outcome::Closed { statements, .. }) => {
            statements.iter().map(|one| Cell::link(one, link::statement(one))).collect()
        }
        _ => Vec::new(),
    };
    links.extend(match (job.kind, job.status) {
        (kind, status) if status.is_over() && send::places(kind).is_some() => {
            let places = send::places(kind);
            let again =
                |(form, list)| [again(t.job_list(kind), list), again(t.another_file(), form)];
            places.into_iter().flat_map(again).collect()
        }
        (_, Status::Failed) => {
            place(job, None).map(|place| Cell::link(t.ask_again(), place)).into_iter().collect()
        }
        _ => Vec::new(),
    });
    links
}

/// What the form of a cancellation carries.
#[derive(Deserialize)]
pub(in crate::web) struct Nothing {}

pub(in crate::web) async fn cancel(
    site: web::Data<Site>,
    who: Who,
    path: web::Path<String>,
    _posted: Posted<Nothing>,
) -> Result<HttpResponse, Problem> {
    let (_, job) = find(&site, &who, &path).await?;
    let back = job_link(&job).url();
    let runs_here = site.works.call_off(&job);
    // Where all writers take turns, the row cannot be written before the job that runs here has ended, and need not be.
    let told = runs_here && site.one_writer;
    if !told && !job.status.is_over() {
        let login = who.person.login.clone();
        site.change(move |db| {
            let now = ambient::now();
            Ok(write_all(db, &[], |db| store::cancel(db, &job, &login, &now))?)
        })
        .await?;
    }
    Ok(to(back))
}

pub(in crate::web) async fn rejects(
    site: web::Data<Site>,
    who: Who,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let (_, job) = find(&site, &who, &path).await?;
    let (key, by) = (site.key.clone(), who.by());
    let bytes = site.change(move |db| {
        let bytes = whole(db, key.as_ref(), &job, FileKind::Rejects)?;
        let rows = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        record(db, &job.lender, &by, "rejected rows", &[], rows, &bytes)?;
        Ok(bytes)
    });
    Ok(attachment("rejects.csv", "text/csv; charset=utf-8", bytes.await?))
}

/// A file of a job; not found when it is gone.
fn whole(db: &mut Db, key: Option<&Key>, job: &Job, what: FileKind) -> Result<Vec<u8>, Problem> {
    let part = Part { lender: &job.lender, job: &job.id, what };
    let mut bytes = Vec::new();
    match read_file(db, key, &part, &mut bytes) {
        Ok(true) => Ok(bytes),
        Ok(false) => Err(Problem::NotFound),
        Err(error) => Err(not_kept(error)),
    }
}
