//! "Why?": what a line of a statement follows from.

use actix_web::{HttpResponse, web};
use askama::Template;

use crate::identity::Permission;
use crate::party::Lang;
use crate::settlement::explain::{Asker, explain};
use crate::settlement::lines::kind_word;
use crate::web::Site;
use crate::web::identity::who::{Sees, Statements};
use crate::web::link;
use crate::web::list::{self, Cell};
use crate::web::page::{Figure, Page};
use crate::web::problem::Problem;
use crate::web::settlement::statement::visible;

#[derive(Template)]
#[template(path = "web/explain.html")]
struct Body {
    t: Lang,
    figures: Vec<Figure>,
    facts: Vec<(&'static str, Cell)>,
    words: Vec<String>,
}

pub(in crate::web) async fn show(
    site: web::Data<Site>,
    sees: Sees<Statements>,
    path: web::Path<(String, i64)>,
) -> Result<HttpResponse, Problem> {
    let (number, line_no) = path.into_inner();
    let (books, t) = (sees.books.clone(), sees.who.t);
    let (told, book) = site
        .read(move |db| {
            let (_, book) = visible(db, &books, &number)?;
            let asker = if book.agency.is_some() { Asker::Agency } else { Asker::Lender };
            Ok((explain(db, t, asker, &number, line_no)?, book))
        })
        .await?;
    let (currency, line) = (book.lender.currency, told.line);
    let figures = vec![
        Figure::new(format!("{} ({currency})", t.fee()), list::money(line.fee, currency), ""),
        Figure::new(
            t.recovered(),
            line.amount.map(|amount| list::money(amount, currency)).unwrap_or_default(),
            "",
        ),
        Figure::new(t.rate(), line.rate.map(|rate| rate.percent()).unwrap_or_default(), ""),
        Figure::new(t.kind(), kind_word(t, line.kind), ""),
    ];
    let account = line.account_no.unwrap_or_default();
    let linked = book.agency.is_none() && sees.who.may(Permission::Accounts) && !account.is_empty();
    let plain = |text: String| Cell::link(text, "");
    let facts = [
        (t.fee_rule(), plain(line.fee_rule.unwrap_or_default())),
        (t.batch(), plain(line.batch.unwrap_or_default())),
        (t.reference(), plain(line.reference.unwrap_or_default())),
        (
            t.account(),
            Cell::link(&account, if linked { link::account(&account) } else { String::new() }),
        ),
        (t.received_on(), plain(list::day(line.received_on))),
        (t.month(), plain(line.of_month.map(|month| month.to_string()).unwrap_or_default())),
    ];
    let body = Body {
        t,
        figures: figures.into_iter().filter(|figure| !figure.value.is_empty()).collect(),
        facts: facts.into_iter().filter(|(_, cell)| !cell.text.is_empty()).collect(),
        words: told.words,
    };
    let one = told.statement;
    Page::new(&sees.who, format!("{} {line_no}: {}", t.line_no(), t.why_title()))
        .under(if book.agency.is_some() { t.statements() } else { t.nav_months() }, "/months")
        .under(
            format!("{} {}", t.statement(), one.statement_no),
            link::statement(&one.statement_no),
        )
        .show(&body)
}
