//! Closing a month by the pages: the form says which month is next and what closing it does; the closing is a job.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::audit;
use crate::kernel::Month;
use crate::party::Lang;
use crate::web::Site;
use crate::web::form::Posted;
use crate::web::identity::who::{ClosesMonths, Sees};
use crate::web::link::Link;
use crate::web::page::Page;
use crate::web::problem::Problem;
use crate::web::work::ask::{ask, new_key};
use crate::web::work::jobs::{job_link, to};
use crate::work::Order;

#[derive(Template)]
#[template(path = "web/month_close.html")]
struct Body {
    t: Lang,
    csrf: String,
    key: String,
    action: String,
    month: String,
    /// Whether another month may be chosen: of a book of which none is closed.
    first: bool,
    fault: Option<String>,
}

/// What is typed into the form.
#[derive(Deserialize)]
pub(in crate::web) struct Typed {
    #[serde(default)]
    month: String,
    #[serde(default)]
    key: String,
}

/// The form's page.
pub fn close_link(lender: &str) -> String {
    Link::to("/months/close").with("lender", lender).url()
}

pub(in crate::web) async fn form(
    site: web::Data<Site>,
    sees: Sees<ClosesMonths>,
) -> Result<HttpResponse, Problem> {
    let next = next(&site, &sees).await?;
    draw(&sees, next, None)
}

/// The month that closes next; any may be the first.
async fn next(site: &Site, sees: &Sees<ClosesMonths>) -> Result<Option<Month>, Problem> {
    let lender = sees.book.lender.code.clone();
    let book = site.read(move |db| Ok(audit::book(db, &lender)?)).await?;
    Ok(book.closed_month.map(Month::next))
}

fn draw(
    sees: &Sees<ClosesMonths>,
    next: Option<Month>,
    fault: Option<String>,
) -> Result<HttpResponse, Problem> {
    let t = sees.who.t;
    let status = if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let body = Body {
        t,
        csrf: sees.who.session.csrf.clone(),
        key: new_key(),
        action: close_link(&sees.book.lender.code),
        month: next.map(|month| month.to_string()).unwrap_or_default(),
        first: next.is_none(),
        fault,
    };
    Page::new(&sees.who, t.close_title()).under(t.nav_months(), "/months").show_as(status, &body)
}

pub(in crate::web) async fn close(
    site: web::Data<Site>,
    sees: Sees<ClosesMonths>,
    posted: Posted<Typed>,
) -> Result<HttpResponse, Problem> {
    let (t, typed) = (sees.who.t, posted.form);
    let next = next(&site, &sees).await?;
    let fault = match (typed.month.trim().parse::<Month>(), next) {
        (Err(_), _) => format!("{} \"{}\"", t.refused_month(), typed.month),
        // Closed already: a form that was sent twice, or by somebody quicker; the job says so.
        (Ok(month), Some(next)) if month > next => format!("{} {next}", t.close_not_next()),
        (Ok(month), _) if month.last_day() >= sees.book.today() => t.close_not_over().to_string(),
        (Ok(month), _) => {
            let lender = &sees.book.lender.code;
            let order = Order::Close { month };
            let job = ask(&site, &sees.who, lender, &typed.key, &order, None).await?;
            return Ok(to(job_link(&job).with("watch", "1").url()));
        }
    };
    draw(&sees, next, Some(fault))
}
