//! Simulating a strategy and committing a run by the pages: the form keeps what was typed, the commit says first what
//! will happen, and a form that is sent twice is carried out once.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::NaiveDate;
use serde::Deserialize;

use crate::allocation::store;
use crate::db::Db;
use crate::kernel::Money;
use crate::kernel::calendar::parse_date;
use crate::party::{self, Assignee, Lang};
use crate::web::Site;
use crate::web::allocation::runs::{Run, run_link};
use crate::web::form::Posted;
use crate::web::identity::who::{Allocates, Book, Sees};
use crate::web::link::Link;
use crate::web::list;
use crate::web::page::{Figure, Page};
use crate::web::problem::Problem;
use crate::web::work::ask::{ask, new_key};
use crate::web::work::jobs::{self, job_link, to};
use crate::work::{self, Job, Order, Status};

/// What the URL of the form asks for.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Asked {
    /// A run whose strategy is taken up.
    run: String,
    /// A job that was refused.
    job: String,
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

/// What the form is filled with.
struct Filled {
    on: String,
    strategy: String,
    source: String,
}

pub(in crate::web) async fn form(
    site: web::Data<Site>,
    sees: Sees<Allocates>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    if !asked.job.is_empty() {
        let (_, job) = jobs::find(&site, &sees.who, &asked.job).await?;
        return answered(&site, &sees, &job).await;
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

/// What became of a job: its run, the form again with the refusal, or the page that says how far it is.
async fn answered(site: &Site, sees: &Sees<Allocates>, job: &Job) -> Result<HttpResponse, Problem> {
    if job.status != Status::Failed {
        let page = job_link(job).with("watch", "1").url();
        return Ok(to(jobs::place(job, site.key.as_ref()).unwrap_or(page)));
    }
    let fault = jobs::fault(sees.who.t, job, site.key.as_ref());
    match serde_json::from_str(&job.arguments) {
        Ok(Order::Simulate { on, strategy }) => {
            let fault = Some(with_line(sees.who.t, fault, &strategy));
            let filled = Filled { on: on.to_string(), strategy, source: String::new() };
            draw(sees, StatusCode::UNPROCESSABLE_ENTITY, filled, fault)
        }
        Ok(Order::Commit { run_no }) => {
            confirmed(site, sees, run_no, StatusCode::CONFLICT, Some(fault)).await
        }
        _ => Err(Problem::NotFound),
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
    let order = Order::Simulate { on, strategy };
    let job = ask(&site, &sees.who, &sees.book.lender.code, &typed.key, &order, None).await?;
    answered(&site, &sees, &job).await
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
    job: String,
}

pub(in crate::web) async fn confirm(
    site: web::Data<Site>,
    sees: Sees<Allocates>,
    path: web::Path<i64>,
    asked: web::Query<AskedConfirm>,
) -> Result<HttpResponse, Problem> {
    if asked.job.is_empty() {
        return confirmed(&site, &sees, path.into_inner(), StatusCode::OK, None).await;
    }
    let (_, job) = jobs::find(&site, &sees.who, &asked.job).await?;
    answered(&site, &sees, &job).await
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
    let (run_no, lender) = (path.into_inner(), sees.book.lender.code.clone());
    let (login, key) = (sees.who.person.login.clone(), posted.form.key);
    let (asked, form_key) = (lender.clone(), key.clone());
    let (found, begun) = site
        .read(move |db| {
            let run = store::run(db, &asked, run_no)?.ok_or(Problem::NotFound)?;
            Ok((run, work::store::of_form(db, &asked, &login, &form_key)?))
        })
        .await?;
    if found.committed_seq.is_some() && begun.is_none() {
        // An older page, or somebody was quicker: nothing is done, and the page of the run says by whom it was.
        return Ok(to(run_link(run_no).with("already", "1").url()));
    }
    let job = ask(&site, &sees.who, &lender, &key, &Order::Commit { run_no }, None).await?;
    answered(&site, &sees, &job).await
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
