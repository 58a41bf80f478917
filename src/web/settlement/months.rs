//! Months and their statements: a lender's, or those an agency earned on, lender by lender.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::audit;
use crate::db::Db;
use crate::identity::Permission;
use crate::kernel::{Currency, Money, Month};
use crate::party::Lang;
use crate::recovery;
use crate::settlement::{Statement, store};
use crate::web::Site;
use crate::web::identity::who::{Book, Sees, Statements};
use crate::web::link::{self, Link};
use crate::web::list::{self, Cell, Pager};
use crate::web::page::Page;
use crate::web::problem::Problem;
use crate::web::settlement::close::close_link;

/// Months of one page.
const MONTHS: usize = 12;

/// What the URL asks for.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Asked {
    before: String,
}

#[derive(Template)]
#[template(path = "web/months.html")]
struct Body {
    t: Lang,
    books: Vec<Section>,
    pager: Pager,
}

/// The months of one book.
struct Section {
    heading: String,
    code: String,
    currency: String,
    own: bool,
    open: Option<OpenMonth>,
    months: Vec<Shown>,
}

/// The month that is not closed yet.
struct OpenMonth {
    month: String,
    received: Cell,
    rows: String,
}

struct Shown {
    anchor: String,
    month: String,
    rows: Vec<Row>,
    totals: Option<Row>,
}

#[derive(Default)]
struct Row {
    number: Cell,
    /// The agency; on an agency's own page, the month.
    agency: String,
    commission: String,
    true_up: String,
    other: String,
    vat: String,
    total: String,
    payable: String,
    due: String,
    closing: String,
}

pub(in crate::web) async fn show(
    site: web::Data<Site>,
    sees: Sees<Statements>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let before: Option<Month> = if asked.before.is_empty() {
        None
    } else {
        Some(asked.before.parse().map_err(|_| Problem::NotFound)?)
    };
    let (books, t, recoveries) =
        (sees.books.clone(), sees.who.t, sees.who.may(Permission::Recoveries));
    let (sections, more) = site
        .read(move |db| {
            let mut sections = Vec::new();
            let mut more: Option<Month> = None;
            for book in &books {
                let (section, next) = section(db, book, before, recoveries)?;
                more = more.max(next);
                sections.push(section);
            }
            Ok((sections, more))
        })
        .await?;
    let pager = Pager {
        first: before.map(|_| "/months".to_string()),
        next: more.map(|month| Link::to("/months").with("before", &month.to_string()).url()),
    };
    let body = Body { t, books: sections, pager };
    let own = sees.book.agency.is_some();
    let page = Page::new(&sees.who, if own { t.statements() } else { t.nav_months() });
    let may = !own && sees.who.may(Permission::CloseMonths);
    let page =
        if may { page.step(t.close_title(), close_link(&sees.book.lender.code)) } else { page };
    page.show(&body)
}

/// One book's months before one, newest first, and the month the next page goes on from.
fn section(
    db: &mut Db,
    book: &Book,
    before: Option<Month>,
    recoveries: bool,
) -> Result<(Section, Option<Month>), Problem> {
    let lender = &book.lender.code;
    let statements = store::statements(db, lender, book.agency.as_deref())?;
    let mut closed: Vec<Month> = match &book.agency {
        Some(_) => statements.iter().map(|one| one.month).collect(),
        None => store::periods(db, lender)?.iter().map(|period| period.month).collect(),
    };
    closed.dedup();
    closed.retain(|month| before.is_none_or(|before| *month < before));
    closed.reverse();
    let next = if closed.len() > MONTHS { closed.get(MONTHS - 1).copied() } else { None };
    closed.truncate(MONTHS);
    let currency = book.lender.currency;
    let months = match &book.agency {
        None => {
            closed.into_iter().map(|month| shown(lender, month, &statements, currency)).collect()
        }
        Some(_) => own(lender, &closed, &statements, currency).into_iter().collect(),
    };
    let open = if book.agency.is_none() && before.is_none() {
        open_month(db, book, recoveries)?
    } else {
        None
    };
    let section = Section {
        heading: book.lender.name.clone(),
        code: lender.clone(),
        currency: currency.to_string(),
        own: book.agency.is_some(),
        open,
        months,
    };
    Ok((section, next))
}

fn open_month(db: &mut Db, book: &Book, recoveries: bool) -> Result<Option<OpenMonth>, Problem> {
    let lender = &book.lender.code;
    let last = recovery::store::last_day(db, lender)?.map(Month::of);
    let Some(month) = audit::book(db, lender)?.closed_month.map(Month::next).or(last) else {
        return Ok(None);
    };
    let sums = recovery::store::sums(db, lender, Some((month.first_day(), month.last_day())))?;
    let href = if recoveries {
        Link::to("/recoveries").with("month", &month.to_string()).url()
    } else {
        String::new()
    };
    let received = list::money(sums.payments - sums.reversals, book.lender.currency);
    Ok(Some(OpenMonth {
        month: month.to_string(),
        received: Cell::link(received, href),
        rows: list::count(sums.count),
    }))
}

fn shown(lender: &str, month: Month, statements: &[Statement], currency: Currency) -> Shown {
    let of_month: Vec<&Statement> = statements.iter().filter(|one| one.month == month).collect();
    let sum = |of: &dyn Fn(&Statement) -> Money| {
        list::money(of_month.iter().map(|one| of(one)).sum(), currency)
    };
    let totals = (!of_month.is_empty()).then(|| Row {
        number: Cell::default(),
        agency: String::new(),
        commission: sum(&|one| one.figures.commission),
        true_up: sum(&|one| one.figures.true_up),
        other: sum(&other),
        vat: sum(&|one| one.figures.vat),
        total: sum(&|one| one.figures.total),
        payable: sum(&|one| one.figures.payable_to_agency),
        due: sum(&|one| one.figures.due_from_agency),
        closing: sum(&|one| one.figures.closing),
    });
    let anchor = format!("{lender}-{month}");
    Shown {
        anchor,
        month: month.to_string(),
        rows: of_month.iter().map(|one| row(one, currency)).collect(),
        totals,
    }
}

/// An agency has one statement a month: all of them make one table, month by month.
fn own(
    lender: &str,
    months: &[Month],
    statements: &[Statement],
    currency: Currency,
) -> Option<Shown> {
    let of_months = statements.iter().rev().filter(|one| months.contains(&one.month));
    let rows: Vec<Row> =
        of_months.map(|one| Row { agency: one.month.to_string(), ..row(one, currency) }).collect();
    (!rows.is_empty()).then(|| Shown {
        anchor: lender.to_string(),
        month: String::new(),
        rows,
        totals: None,
    })
}

/// Charges, performance, minimum, maximum, deductions and adjustments together.
fn other(one: &Statement) -> Money {
    let f = &one.figures;
    f.charges + f.performance + f.minimum + f.maximum + f.deductions + f.adjustments
}

fn row(one: &Statement, currency: Currency) -> Row {
    let f = &one.figures;
    let shown = |amount: Money| list::money(amount, currency);
    Row {
        number: Cell::link(&one.statement_no, link::statement(&one.statement_no)),
        agency: one.agency.clone(),
        commission: shown(f.commission),
        true_up: shown(f.true_up),
        other: shown(other(one)),
        vat: shown(f.vat),
        total: shown(f.total),
        payable: shown(f.payable_to_agency),
        due: shown(f.due_from_agency),
        closing: shown(f.closing),
    }
}
