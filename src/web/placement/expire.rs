//! Recording what has run out (到期登记): the page says how many placements were over by themselves before a day, and its
//! form closes exactly those. Closing a month records them too; this is for the days between.

use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::NaiveDate;
use serde::Deserialize;

use crate::ambient;
use crate::audit::{self, By};
use crate::db::{Db, write};
use crate::identity::form_store;
use crate::kernel::calendar::parse_date;
use crate::kernel::digest;
use crate::party::Lang;
use crate::placement::expire::record_expiries;
use crate::placement::store::{self, OpenCount};
use crate::web::Site;
use crate::web::form::Posted;
use crate::web::identity::who::{ActsOnPlacements, Book, Sees};
use crate::web::link::Link;
use crate::web::list::{self, Cell};
use crate::web::once::{is_key, told_at};
use crate::web::page::{Figure, Page};
use crate::web::problem::Problem;

/// The page that says what has run out in a book, and records it.
pub(in crate::web) fn page_of(book: &Book) -> Link {
    Link::to("/placements/expire").with("lender", &book.lender.code)
}

/// What is typed: the day, and what the page showed of it.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Typed {
    on: String,
    key: String,
    seen: String,
}

/// Placements of an assignee that have run out.
struct Row {
    assignee: Cell,
    expired: String,
    recalls_final: String,
    balance: String,
}

#[derive(Template)]
#[template(path = "web/expire.html")]
struct Body {
    t: Lang,
    currency: String,
    lender: String,
    csrf: String,
    action: String,
    back: String,
    on: String,
    key: String,
    seen: String,
    fault: Option<String>,
    changed: bool,
    ready: bool,
    figures: Vec<Figure>,
    rows: Vec<Row>,
    totals: [String; 3],
}

/// What has run out before a day, and why it cannot be recorded, when it cannot.
struct Found {
    counts: Vec<OpenCount>,
    closed: Option<String>,
}

impl Found {
    fn load(db: &mut Db, book: &Book, on: NaiveDate, t: Lang) -> Result<Found, Problem> {
        let lender = &book.lender.code;
        let mut counts = store::open_counts(db, lender, on)?;
        counts.retain(|one| one.run_out > 0);
        let closed = audit::book(db, lender)?.check_open(on).err().map(|month| month.words(t));
        Ok(Found { counts, closed })
    }

    fn sum(&self, of: impl Fn(&OpenCount) -> i64) -> i64 {
        self.counts.iter().map(of).sum()
    }

    /// What the page shows, in one text: what is recorded must be just this.
    fn seen(&self, on: NaiveDate) -> String {
        let row = |one: &OpenCount| {
            format!(
                "\n{}\t{}\t{}\t{}",
                one.assignee, one.run_out, one.recalls_final, one.run_out_balance.0
            )
        };
        digest::sha256(
            format!("{on}{}", self.counts.iter().map(row).collect::<String>()).as_bytes(),
        )
    }
}

/// What a page says before its form.
enum Said {
    Nothing,
    Fault(String),
    Changed,
}

/// Why a form was not carried out.
enum Stopped {
    Changed,
    Failed(Problem),
}

impl From<diesel::result::Error> for Stopped {
    fn from(error: diesel::result::Error) -> Stopped {
        Stopped::Failed(error.into())
    }
}

pub(in crate::web) async fn show(
    site: web::Data<Site>,
    sees: Sees<ActsOnPlacements>,
    asked: web::Query<Typed>,
) -> Result<HttpResponse, Problem> {
    let mut typed = asked.into_inner();
    if typed.on.is_empty() {
        typed.on = sees.book.today().to_string();
    }
    typed.key = hex::encode(ambient::random_bytes::<16>());
    draw(&site, &sees, typed, Said::Nothing).await
}

async fn draw(
    site: &Site,
    sees: &Sees<ActsOnPlacements>,
    typed: Typed,
    said: Said,
) -> Result<HttpResponse, Problem> {
    let (t, currency) = (sees.who.t, sees.book.lender.currency);
    let (book, on) = (sees.book.clone(), parse_date(&typed.on));
    let found = match on {
        Some(on) => site.read(move |db| Found::load(db, &book, on, t)).await?,
        None => Found {
            counts: Vec::new(),
            closed: Some(format!("{} \"{}\"", t.refused_day(), typed.on)),
        },
    };
    let changed = matches!(said, Said::Changed) && found.closed.is_none();
    let status = match said {
        Said::Nothing => StatusCode::OK,
        Said::Changed if changed => StatusCode::CONFLICT,
        Said::Changed | Said::Fault(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let listed = Link::to("/placements")
        .with("lender", &sees.book.lender.code)
        .with("state", "run_out")
        .with("on", &typed.on);
    let totals = [
        list::count(found.sum(|one| one.run_out - one.recalls_final)),
        list::count(found.sum(|one| one.recalls_final)),
        list::money(found.counts.iter().map(|one| one.run_out_balance).sum(), currency),
    ];
    let row = |one: &OpenCount| Row {
        assignee: Cell::link(&one.assignee, listed.clone().with("assignee", &one.assignee).url()),
        expired: list::count(one.run_out - one.recalls_final),
        recalls_final: list::count(one.recalls_final),
        balance: list::money(one.run_out_balance, currency),
    };
    let body = Body {
        t,
        currency: currency.to_string(),
        lender: sees.book.lender.code.clone(),
        csrf: sees.who.session.csrf.clone(),
        action: page_of(&sees.book).url(),
        back: listed.clone().url(),
        seen: on.map(|on| found.seen(on)).unwrap_or_default(),
        changed,
        ready: found.closed.is_none() && !found.counts.is_empty(),
        figures: vec![
            Figure::new(
                t.expire_will_close(),
                list::count(found.sum(|one| one.run_out)),
                listed.clone().url(),
            ),
            Figure::new(
                format!("{} ({currency})", t.balance_at_placement()),
                totals[2].clone(),
                "",
            ),
        ],
        rows: found.counts.iter().map(row).collect(),
        totals,
        fault: match said {
            Said::Fault(fault) => Some(fault),
            _ => found.closed,
        },
        on: typed.on,
        key: typed.key,
    };
    Page::new(&sees.who, t.expire_title())
        .under(t.nav_placements(), "/placements")
        .show_as(status, &body)
}

pub(in crate::web) async fn record(
    site: web::Data<Site>,
    sees: Sees<ActsOnPlacements>,
    posted: Posted<Typed>,
) -> Result<HttpResponse, Problem> {
    let (typed, t) = (posted.form, sees.who.t);
    if !is_key(&typed.key) {
        return Err(Problem::Forged);
    }
    let Some(on) = parse_date(&typed.on) else {
        let fault = format!("{} \"{}\"", t.refused_day(), typed.on);
        return draw(&site, &sees, typed, Said::Fault(fault)).await;
    };
    let (book, by, asked) = (sees.book.clone(), sees.who.by(), typed.clone());
    let recorded = site
        .change(move |db| {
            Ok(write(db, &book.lender.code.clone(), |db| carry(db, &book, on, &asked, t, &by)))
        })
        .await?;
    match recorded {
        Ok(()) => {
            let list = Link::to("/placements").with("lender", &sees.book.lender.code).url();
            Ok(HttpResponse::SeeOther()
                .insert_header((LOCATION, told_at(&list, &typed.key)))
                .finish())
        }
        Err(Stopped::Changed) => draw(&site, &sees, typed, Said::Changed).await,
        Err(Stopped::Failed(problem)) => Err(problem),
    }
}

/// Records what was shown inside the writer's transaction, unless it was before.
fn carry(
    db: &mut Db,
    book: &Book,
    on: NaiveDate,
    typed: &Typed,
    t: Lang,
    by: &By,
) -> Result<(), Stopped> {
    let lender = &book.lender.code;
    if form_store::outcome(db, lender, &by.actor, &typed.key)?.is_some() {
        return Ok(());
    }
    let found = Found::load(db, book, on, t).map_err(Stopped::Failed)?;
    if found.closed.is_some() || found.counts.is_empty() || found.seen(on) != typed.seen {
        return Err(Stopped::Changed);
    }
    let done =
        record_expiries(db, lender, on, by).map_err(|error| Stopped::Failed(error.into()))?;
    let told = format!(
        "{} {} · {} {}",
        t.expire_done(),
        done.expired,
        t.expire_done_recalls(),
        done.recalls_final
    );
    Ok(form_store::keep(db, lender, &by.actor, &typed.key, &told, &by.at)?)
}
