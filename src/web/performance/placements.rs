//! The judged placements that a scorecard's figures are made of.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::db::{Db, read};
use crate::identity::Permission;
use crate::kernel::Money;
use crate::party::Lang;
use crate::performance::measure::{JudgedPlacement, judged};
use crate::web::Site;
use crate::web::identity::who::{Book, Scorecards, Sees};
use crate::web::link::{self, Link};
use crate::web::list::{self, Cell, Pager, ROWS};
use crate::web::page::{Figure, Page};
use crate::web::performance::scorecard::{Asked, Measure, assignee_link, listed, rate, visible};
use crate::web::problem::Problem;
use crate::web::sheet::{Sheet, attachment};

/// What the URL asks for beside the scorecard: the stratum, and the placement that the list goes on after.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct AskedRows {
    stratum: String,
    after: String,
    placed: String,
}

#[derive(Template)]
#[template(path = "web/scorecard_placements.html")]
struct Body {
    t: Lang,
    currency: String,
    figures: Vec<Figure>,
    rows: Vec<Shown>,
    pager: Pager,
}

struct Shown {
    account: Cell,
    placed_on: String,
    batch: String,
    balance: String,
    recovered: String,
    rate: String,
}

/// The rows of one assignee, as far as this person may see them.
fn rows(
    db: &mut Db,
    book: &Book,
    asked: &Asked,
    of: &AskedRows,
    assignee: &str,
) -> Result<(Measure, Vec<JudgedPlacement>), Problem> {
    let measure = Measure::load(db, book, asked)?;
    let group = (!of.stratum.is_empty()).then_some(of.stratum.as_str());
    let rows = judged(db, &measure.asked(&book.lender.code), assignee, group)?;
    Ok((measure, rows))
}

pub(in crate::web) async fn show(
    site: web::Data<Site>,
    sees: Sees<Scorecards>,
    path: web::Path<String>,
    asked: web::Query<Asked>,
    of: web::Query<AskedRows>,
) -> Result<HttpResponse, Problem> {
    let (assignee, asked, of) = (path.into_inner(), asked.into_inner(), of.into_inner());
    let (book, t) = (sees.book.clone(), sees.who.t);
    visible(&book, &assignee)?;
    let currency = book.lender.currency;
    let (name, loading, of_rows) = (assignee.clone(), asked.clone(), of.clone());
    let (measure, all) = site.read(move |db| rows(db, &book, &loading, &of_rows, &name)).await?;
    let balance: Money = all.iter().map(|row| row.balance).sum();
    let recovered: Money = all.iter().map(|row| row.recovered).sum();
    let linked = sees.book.agency.is_none() && sees.who.may(Permission::Accounts);
    let shown = |row: &JudgedPlacement| Shown {
        account: Cell::link(
            &row.account_no,
            if linked { link::account(&row.account_no) } else { String::new() },
        ),
        placed_on: row.placed_on.to_string(),
        batch: row.batch.clone(),
        balance: list::money(row.balance, currency),
        recovered: list::money(row.recovered, currency),
        rate: rate(row.recovered, row.balance),
    };
    let key = |row: &JudgedPlacement| (row.account_no.clone(), row.placed_on.to_string());
    let from = if of.after.is_empty() {
        0
    } else {
        all.partition_point(|row| key(row) <= (of.after.clone(), of.placed.clone()))
    };
    let page: Vec<&JudgedPlacement> = all.iter().skip(from).take(ROWS).collect();
    let last = page.last().filter(|_| from + page.len() < all.len());
    let next = last.map(|last| {
        let (account_no, placed_on) = key(last);
        listed(&asked, &assignee, &of.stratum, "")
            .with("after", &account_no)
            .with("placed", &placed_on)
            .url()
    });
    let first = (!of.after.is_empty()).then(|| listed(&asked, &assignee, &of.stratum, "").url());
    let body = Body {
        t,
        currency: currency.to_string(),
        figures: vec![
            Figure::new(t.judged_placements(), list::count(crate::kernel::count(all.len())), ""),
            Figure::new(
                format!("{} ({currency})", t.balance_placed()),
                list::money(balance, currency),
                "",
            ),
            Figure::new(t.recovered(), list::money(recovered, currency), ""),
            Figure::new(t.recovery_rate(), rate(recovered, balance), ""),
        ],
        rows: page.into_iter().map(shown).collect(),
        pager: Pager { first, next },
    };
    let title =
        if of.stratum.is_empty() { t.judged_placements().to_string() } else { of.stratum.clone() };
    let day = format!("{assignee} · {}", measure.on);
    Page::new(&sees.who, title)
        .under(t.nav_scorecard(), asked.link(Link::to("/scorecard")).url())
        .under(day, assignee_link(&asked, &assignee).url())
        .tool(t.download_csv(), listed(&asked, &assignee, &of.stratum, ".csv").url())
        .show(&body)
}

const COLUMNS: [&str; 6] = [
    "assignee",
    "account_no",
    "placed_on",
    "batch",
    "balance_at_placement",
    "recovered_within_horizon",
];

pub(in crate::web) async fn download(
    site: web::Data<Site>,
    sees: Sees<Scorecards>,
    path: web::Path<String>,
    asked: web::Query<Asked>,
    of: web::Query<AskedRows>,
) -> Result<HttpResponse, Problem> {
    let (assignee, asked, of) = (path.into_inner(), asked.into_inner(), of.into_inner());
    let (book, by) = (sees.book.clone(), sees.who.by());
    visible(&book, &assignee)?;
    let name = format!("{}-scorecard-{assignee}.csv", book.lender.code);
    let bytes = site
        .change(move |db| {
            let sheet = read(db, |db| {
                let (_, rows) = rows(db, &book, &asked, &of, &assignee)?;
                let mut sheet = Sheet::new(&COLUMNS)?;
                let currency = book.lender.currency;
                for row in rows {
                    sheet.row(&[
                        assignee.clone(),
                        row.account_no,
                        row.placed_on.to_string(),
                        row.batch,
                        row.balance.plain(currency),
                        row.recovered.plain(currency),
                    ])?;
                }
                Ok::<_, Problem>(sheet)
            })?;
            sheet.finish(db, &book.lender.code, &by, &format!("judged placements of {assignee}"))
        })
        .await?;
    Ok(attachment(&name, "text/csv; charset=utf-8", bytes))
}
