//! A statement: its figures, the chain from month to month, its lines, and its documents.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::db::{Db, read};
use crate::identity::Permission;
use crate::kernel::{Currency, Money};
use crate::ledger::{self, chart};
use crate::party::{self, Lang};
use crate::settlement::lines::kind_word;
use crate::settlement::render;
use crate::settlement::{Figures, Line, LineKind, Statement, lines, store};
use crate::table::{self, Column};
use crate::web::Site;
use crate::web::identity::who::{Book, Sees, Statements};
use crate::web::link::{self, Link};
use crate::web::list::{self, Pager, Tab, cut, one_more};
use crate::web::page::{Chip, Figure, Page, Tone};
use crate::web::problem::Problem;
use crate::web::sheet::{attachment, record};
use crate::web::table::{Cell, Table};

/// What the URL asks for.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Asked {
    kind: String,
    after: String,
}

#[derive(Template)]
#[template(path = "web/statement.html")]
struct Body {
    t: Lang,
    currency: String,
    parties: String,
    terms: String,
    figures: Vec<Figure>,
    sums: Vec<Named>,
    chain: Vec<Named>,
    kinds: Vec<Tab>,
    table: Table,
    pager: Pager,
}

/// One named amount of a small table; the last of a sum is bold.
struct Named {
    name: String,
    amount: String,
    last: bool,
}

/// A statement of a book that this person may see, without its lines; somebody else's is not found.
pub(in crate::web) fn visible(
    db: &mut Db,
    books: &[Book],
    statement_no: &str,
) -> Result<(Statement, Book), Problem> {
    let one = store::head_by_number(db, statement_no)?.ok_or(Problem::NotFound)?;
    let theirs = |book: &&Book| {
        book.lender.code == one.lender
            && book.agency.as_ref().is_none_or(|agency| *agency == one.agency)
    };
    let book = books.iter().find(theirs).cloned().ok_or(Problem::NotFound)?;
    Ok((one, book))
}

/// The ledger's account of what is payable to the agency of a statement, when anything was ever posted to it.
fn account_of(db: &mut Db, one: &Statement) -> Result<Option<String>, Problem> {
    let payable = chart::payable(&one.agency);
    let moved = !ledger::store::postings_of(db, &one.lender, &payable, 0, 1)?.is_empty();
    Ok(moved.then_some(payable))
}

/// The line after which a page begins; the first page begins at none.
fn after(text: &str) -> Result<i64, Problem> {
    if text.is_empty() { Ok(0) } else { text.parse().map_err(|_| Problem::NotFound) }
}

pub(in crate::web) async fn show(
    site: web::Data<Site>,
    sees: Sees<Statements>,
    path: web::Path<String>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let (number, asked, books) = (path.into_inner(), asked.into_inner(), sees.books.clone());
    let after = after(&asked.after)?;
    let kind = LineKind::parse(&asked.kind);
    let keeps_books = sees.who.may(Permission::Ledger);
    let (one, book, sums, mut rows, agency, payable) = site
        .read(move |db| {
            let (one, book) = visible(db, &books, &number)?;
            let sums = store::kind_sums(db, &one.lender, &number)?;
            let lines = match kind {
                Some(kind) => {
                    store::lines_of_kind(db, &one.lender, &number, kind, after, one_more())?
                }
                None => store::lines(db, &one.lender, &number, after, one_more())?,
            };
            let agency = party::store::assignees(db, &one.lender)?
                .into_iter()
                .find(|agency| agency.code == one.agency);
            let seen = book.agency.is_none() && keeps_books;
            let payable = if seen { account_of(db, &one)? } else { None };
            Ok((one, book, sums, lines, agency, payable))
        })
        .await?;
    let (t, currency) = (sees.who.t, book.lender.currency);
    let here = |kind: &str| Link::to(&link::statement(&one.statement_no)).with("kind", kind);
    let next = if cut(&mut rows) {
        rows.last().map(|last| {
            here(&asked.kind).with("after", &last.line_no.to_string()).then("#lines").url()
        })
    } else {
        None
    };
    let accounts = book.agency.is_none() && sees.who.may(Permission::Accounts);
    let body = Body {
        t,
        currency: currency.to_string(),
        parties: format!(
            "{} – {}",
            book.lender.name,
            agency.map_or_else(|| one.agency.clone(), |agency| agency.name)
        ),
        terms: one.terms().map_or_else(
            || t.no_contract().to_string(),
            |(code, version)| format!("{code}, {} {version}", t.version()),
        ),
        figures: figures(t, currency, &one, payable.as_deref()),
        sums: sums_of(t, currency, &one.figures),
        chain: chain(t, currency, &one.figures),
        kinds: tabs(t, &sums, &asked.kind, here),
        table: Table::of(
            &[lines::PAGE, &[WHY]].concat(),
            &rows,
            (t, currency),
            dress(&one.statement_no, t, accounts),
        ),
        pager: Pager { first: (after > 0).then(|| here(&asked.kind).then("#lines").url()), next },
    };
    let page = Page::new(&sees.who, format!("{} {}", t.statement(), one.statement_no));
    let page = page
        .under(if book.agency.is_some() { t.statements() } else { t.nav_months() }, "/months")
        .under(one.month.to_string(), format!("/months#{}-{}", one.lender, one.month));
    let file = |ending: &str| Link::to(&link::statement(&one.statement_no)).then(ending).url();
    let page = page
        .chip(Chip::new(Tone::Good, t.issued()))
        .tool("CSV", file(".csv"))
        .tool("JSON", file(".json"));
    page.step(t.print_document(), file("/document")).show(&body)
}

/// The figures at the head; the closing one leads to the ledger's account, where the reader sees one that has moved.
fn figures(t: Lang, currency: Currency, one: &Statement, payable: Option<&str>) -> Vec<Figure> {
    let f = &one.figures;
    let lines = |kind: LineKind| {
        Link::to(&link::statement(&one.statement_no)).with("kind", kind.name()).then("#lines").url()
    };
    let account = payable.map(link::ledger_account).unwrap_or_default();
    let shown = |amount: Money| list::money(amount, currency);
    let due = if f.due_from_agency > Money::ZERO {
        (t.due_from(), f.due_from_agency)
    } else {
        (t.payable(), f.payable_to_agency)
    };
    let both = f.due_from_agency > Money::ZERO && f.payable_to_agency > Money::ZERO;
    let mut figures = Vec::new();
    if both {
        figures.push(Figure::new(
            format!("{} ({currency})", t.payable()),
            shown(f.payable_to_agency),
            "",
        ));
    }
    figures.push(Figure::new(format!("{} ({currency})", due.0), shown(due.1), ""));
    figures.extend([
        Figure::new(t.commission(), shown(f.commission), lines(LineKind::Commission)),
        Figure::new(t.true_up(), shown(f.true_up), lines(LineKind::TrueUp)),
        Figure::new(t.total(), shown(f.total), ""),
        Figure::new(t.closing(), shown(f.closing), account),
    ]);
    figures
}

/// The figures that make the total; those that are zero on most statements only when they are not.
fn sums_of(t: Lang, currency: Currency, f: &Figures) -> Vec<Named> {
    let always = |name: &str| [t.commission(), t.net(), t.vat(), t.total()].contains(&name);
    let all = [
        (t.commission(), f.commission),
        (t.true_up(), f.true_up),
        (t.charges(), f.charges),
        (t.performance(), f.performance),
        (t.minimum(), f.minimum),
        (t.maximum(), f.maximum),
        (t.deductions(), f.deductions),
        (t.adjustments(), f.adjustments),
        (t.net(), f.net),
        (t.vat(), f.vat),
        (t.total(), f.total),
    ];
    let shown = all.into_iter().filter(|(name, amount)| always(name) || !amount.is_zero());
    shown
        .map(|(name, amount)| Named {
            name: name.to_string(),
            amount: list::money(amount, currency),
            last: name == t.total(),
        })
        .collect()
}

fn chain(t: Lang, currency: Currency, f: &Figures) -> Vec<Named> {
    let row = |name: String, amount: Money, last: bool| Named {
        name,
        amount: list::money(amount, currency),
        last,
    };
    let mut rows = vec![
        row(t.opening().to_string(), f.opening, false),
        row(format!("+ {}", t.total()), f.total, false),
        row(format!("− {}", t.collected()), f.collected_by_agency, false),
        row(format!("+ {}", t.payments()), f.payments, false),
        row(t.closing().to_string(), f.closing, true),
    ];
    if !f.carried_forward.is_zero() {
        rows.push(row(t.carried().to_string(), f.carried_forward, false));
    }
    rows
}

fn tabs(t: Lang, sums: &[store::KindSum], asked: &str, here: impl Fn(&str) -> Link) -> Vec<Tab> {
    let all: i64 = sums.iter().map(|sum| sum.lines).sum();
    let first = Tab {
        label: format!("{} {}", t.all(), list::count(all)),
        href: here("").then("#lines").url(),
        current: asked.is_empty(),
    };
    let tab = |sum: &store::KindSum| Tab {
        label: format!("{} {}", kind_word(t, sum.kind), list::count(sum.lines)),
        href: here(sum.kind.name()).then("#lines").url(),
        current: asked == sum.kind.name(),
    };
    [first].into_iter().chain(sums.iter().map(tab)).collect()
}

/// A line's cells lead to its account and to the reasons of its fee; its note stands behind the rule.
fn dress(statement_no: &str, t: Lang, accounts: bool) -> impl Fn(&Line, &str, Cell) -> Cell {
    let statement_no = statement_no.to_string();
    move |line, column, cell| match (column, &line.account_no) {
        ("account_no", Some(account_no)) if accounts => cell.to(link::account(account_no)),
        ("fee_rule", _) => {
            let note = line.note.as_ref().map(|note| note.words(t));
            Cell { note: note.unwrap_or_default(), ..cell }
        }
        ("why", _) => Cell { why: true, ..cell.to(link::line(&statement_no, line.line_no)) },
        _ => cell,
    }
}

/// The column that leads to the reasons.
const WHY: Column<Line> = Column::text("why", |_| "", |_, t| t.why().into());

/// Writes the whole statement with its lines as a file, and records that it leaves the book.
async fn file(
    site: &Site,
    sees: &Sees<Statements>,
    number: String,
    ending: &'static str,
    draw: impl FnOnce(&Statement, Currency) -> Result<Vec<u8>, Problem> + Send + 'static,
) -> Result<(String, Vec<u8>), Problem> {
    let (books, by) = (sees.books.clone(), sees.who.by());
    site.change(move |db| {
        let (one, bytes) = read(db, |db| {
            let (head, book) = visible(db, &books, &number)?;
            let one =
                Statement { lines: store::lines(db, &head.lender, &number, 0, i64::MAX)?, ..head };
            let bytes = draw(&one, book.lender.currency)?;
            Ok::<_, Problem>((one, bytes))
        })?;
        let name = format!("{}.{ending}", one.statement_no);
        let rows = u64::try_from(one.lines.len()).unwrap_or(u64::MAX);
        record(db, &one.lender, &by, &name, &table::names(lines::FILE), rows, &bytes)?;
        Ok((name, bytes))
    })
    .await
}

pub(in crate::web) async fn csv(
    site: web::Data<Site>,
    sees: Sees<Statements>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let (name, bytes) = file(&site, &sees, path.into_inner(), "csv", |one, currency| {
        Ok(render::csv(one, currency)?)
    })
    .await?;
    Ok(attachment(&name, "text/csv; charset=utf-8", bytes))
}

pub(in crate::web) async fn json(
    site: web::Data<Site>,
    sees: Sees<Statements>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let draw = |one: &Statement, currency: Currency| {
        Ok(format!("{}\n", render::json(one, currency, "issued")).into_bytes())
    };
    let (name, bytes) = file(&site, &sees, path.into_inner(), "json", draw).await?;
    Ok(attachment(&name, "application/json", bytes))
}

/// The document as it was stored at closing. It brings its own style and nothing else, and may load nothing.
const DOCUMENT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; form-action 'none'; base-uri 'none'; sandbox allow-modals";

pub(in crate::web) async fn document(
    site: web::Data<Site>,
    sees: Sees<Statements>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let (number, books) = (path.into_inner(), sees.books.clone());
    let body = site
        .read(move |db| {
            let (one, _) = visible(db, &books, &number)?;
            let damaged = || {
                Problem::Ours(format!(
                    "the stored document of {number} is damaged; run `consign verify`"
                ))
            };
            store::document(db, &one.lender, &number, "html")?
                .and_then(|(_, body)| body)
                .ok_or_else(damaged)
        })
        .await?;
    Ok(HttpResponse::Ok()
        .insert_header(("Content-Security-Policy", DOCUMENT_POLICY))
        .content_type("text/html; charset=utf-8")
        .body(body))
}
