//! The files a lender uploaded.

use actix_web::{HttpResponse, web};
use askama::Template;

use crate::identity::Permission;
use crate::party::Lang;
use crate::portfolio::store::{self, FileEntry};
use crate::web::Site;
use crate::web::identity::who::{Accounts, Sees};
use crate::web::link::Link;
use crate::web::list;
use crate::web::page::{Figure, Page};
use crate::web::problem::Problem;

#[derive(Template)]
#[template(path = "web/portfolio.html")]
struct Body {
    t: Lang,
    currency: String,
    lender: String,
    figures: Vec<Figure>,
    files: Vec<Shown>,
}

struct Shown {
    file_name: String,
    as_of: String,
    accepted: String,
    created: String,
    updated: String,
    unchanged: String,
    missing: String,
    rejected: String,
    faulty: bool,
    total: String,
}

pub(in crate::web) async fn show(
    site: web::Data<Site>,
    sees: Sees<Accounts>,
) -> Result<HttpResponse, Problem> {
    let lender = sees.book.lender.clone();
    let (files, accounts) = site
        .read(move |db| {
            Ok((store::files(db, &lender.code)?, store::account_count(db, &lender.code)?))
        })
        .await?;
    let (t, currency) = (sees.who.t, sees.book.lender.currency);
    let newest = files.iter().map(|file| file.as_of).max();
    let figures = vec![
        Figure::new(t.nav_accounts(), list::count(accounts), "/accounts"),
        Figure::new(t.files(), list::count(crate::kernel::count(files.len())), ""),
        Figure::new(t.newest_as_of(), list::day(newest), ""),
    ];
    let shown = |file: FileEntry| Shown {
        file_name: file.file_name,
        as_of: file.as_of.to_string(),
        accepted: list::count(file.accepted),
        created: list::count(file.created),
        updated: list::count(file.updated),
        unchanged: list::count(file.unchanged),
        missing: list::count(file.missing),
        rejected: list::count(file.rejected),
        faulty: file.rejected > 0,
        total: list::money(file.total, currency),
    };
    let body = Body {
        t,
        currency: currency.to_string(),
        lender: sees.book.lender.code.clone(),
        figures,
        files: files.into_iter().map(shown).collect(),
    };
    let page = Page::new(&sees.who, t.nav_portfolio());
    let send = Link::to("/portfolio/send").with("lender", &sees.book.lender.code).url();
    let may = sees.who.may(Permission::TakeInPortfolios);
    let page = if may { page.step(t.send_portfolio(), send) } else { page };
    page.show(&body)
}
