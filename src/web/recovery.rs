//! The list of recoveries, each with the placement it belongs to, or why it is the house's.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::NaiveDate;
use serde::Deserialize;

use crate::audit;
use crate::db::{Db, keys_json, read};
use crate::identity::Permission;
use crate::kernel::calendar::NotAMonth;
use crate::kernel::{Currency, Month};
use crate::party::Lang;
use crate::recovery::Kind;
use crate::recovery::store::{self, RecoveryFilter, RecoverySums};
use crate::settlement::recoveries::{DOWNLOAD, Listed, PAGE, attributed};
use crate::web::Site;
use crate::web::identity::who::{Recoveries, Sees};
use crate::web::link::{self, Link};
use crate::web::list::{self, CHUNK, Choice, Pager, ROWS, cut, one_more};
use crate::web::page::{Figure, Page};
use crate::web::problem::{Bad, Problem};
use crate::web::sheet::{Sheet, attachment, file_name};
use crate::web::table::{Cell, Table};

/// What the URL asks for.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Asked {
    month: String,
    kind: String,
    only: String,
    reference: String,
    before: String,
}

impl Asked {
    fn link(&self, path: &str) -> Link {
        let link = Link::to(path).with("month", &self.month).with("kind", &self.kind);
        link.with("only", &self.only).with("reference", &self.reference)
    }

    fn days(&self) -> Result<Option<(NaiveDate, NaiveDate)>, Problem> {
        if self.month.is_empty() {
            return Ok(None);
        }
        let month: Month =
            self.month.parse().map_err(|NotAMonth| Bad::Month(self.month.clone()))?;
        Ok(Some((month.first_day(), month.last_day())))
    }

    fn filter(&self) -> Result<RecoveryFilter, Problem> {
        Ok(RecoveryFilter {
            days: self.days()?,
            kind: Kind::parse(&self.kind),
            beyond_owed: self.only == "beyond",
            maybe_house: self.only == "house",
        })
    }

    /// The day and reference this page goes on from: `2026-03-01 REFERENCE`.
    fn before(&self) -> Result<Option<(NaiveDate, String)>, Problem> {
        if self.before.is_empty() {
            return Ok(None);
        }
        let (day, reference) = self.before.split_once(' ').ok_or(Problem::NotFound)?;
        Ok(Some((day.parse().map_err(|_| Problem::NotFound)?, reference.to_string())))
    }
}

/// A recovery's cells lead to its account and its statement line, where they may be seen; what is the house's says why.
pub(in crate::web) fn dress(
    t: Lang,
    accounts: bool,
    statements: bool,
) -> impl Fn(&Listed, &str, Cell) -> Cell {
    move |one, column, cell| match (column, &one.settled, &one.placed) {
        ("account_no", ..) if accounts => cell.to(link::account(&one.recovery.account_no)),
        ("statement_line", Some(at), _) if statements => {
            cell.to(link::line(&at.statement_no, at.line_no))
        }
        ("holder", _, Err(reason)) => Cell {
            code: reason.code().to_string(),
            code_title: t.house_reason(*reason).to_string(),
            ..cell
        },
        _ => cell,
    }
}

/// The one recovery of a reference.
fn named(db: &mut Db, lender: &str, reference: &str) -> Result<Vec<Listed>, Problem> {
    let found = store::by_reference(db, lender, &keys_json([reference].into_iter()))?;
    Ok(attributed(db, lender, found)?)
}

/// Rows of a list, at most so many; those that turn out not to be the house's are read past.
fn rows(
    db: &mut Db,
    lender: &str,
    filter: &RecoveryFilter,
    before: Option<(NaiveDate, String)>,
    most: i64,
) -> Result<Vec<Listed>, Problem> {
    let (mut rows, mut before) = (Vec::new(), before);
    let wanted = usize::try_from(most).unwrap_or(ROWS);
    loop {
        let found = store::page(db, lender, filter, &before, most)?;
        let read = found.len();
        before = found.last().map(|last| (last.received_on, last.reference.clone()));
        let attributed = attributed(db, lender, found)?;
        rows.extend(
            attributed.into_iter().filter(|row| !filter.maybe_house || row.placed.is_err()),
        );
        if read < wanted || rows.len() >= wanted {
            rows.truncate(wanted);
            return Ok(rows);
        }
    }
}

#[derive(Template)]
#[template(path = "web/recoveries.html")]
struct Body {
    t: Lang,
    lender: String,
    asked: Asked,
    figures: Vec<Figure>,
    kinds: Vec<Choice>,
    onlys: Vec<Choice>,
    months: Vec<Choice>,
    table: Table,
    filtered: bool,
    pager: Pager,
}

pub(in crate::web) async fn show(
    site: web::Data<Site>,
    sees: Sees<Recoveries>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let asked = asked.into_inner();
    let (filter, before, days) = (asked.filter()?, asked.before()?, asked.days()?);
    let (lender, reference) = (sees.book.lender.code.clone(), asked.reference.trim().to_string());
    let (mut rows, sums, months) = site
        .read(move |db| {
            let rows = match reference.as_str() {
                "" => rows(db, &lender, &filter, before, one_more())?,
                reference => named(db, &lender, reference)?,
            };
            Ok((rows, store::sums(db, &lender, days)?, months(db, &lender)?))
        })
        .await?;
    let (t, currency) = (sees.who.t, sees.book.lender.currency);
    let key = |row: &Listed| format!("{} {}", row.recovery.received_on, row.recovery.reference);
    let next = if cut(&mut rows) {
        rows.last().map(|last| asked.link("/recoveries").with("before", &key(last)).url())
    } else {
        None
    };
    let (accounts, statements) =
        (sees.who.may(Permission::Accounts), sees.who.may(Permission::Statements));
    let body = Body {
        t,
        lender: sees.book.lender.code.clone(),
        figures: figures(t, currency, &asked, sums),
        kinds: [Kind::Payment, Kind::Reversal, Kind::Waiver]
            .map(|kind| Choice::new(kind.name(), t.recovery_kind(kind), &asked.kind))
            .into(),
        onlys: vec![
            Choice::new("house", t.only_house(), &asked.only),
            Choice::new("beyond", t.only_beyond(), &asked.only),
        ],
        months: months.into_iter().map(|month| Choice::new(&month, &month, &asked.month)).collect(),
        table: Table::of(PAGE, &rows, (t, currency), dress(t, accounts, statements)),
        filtered: asked.link("").with("before", &asked.before).url() != *"",
        pager: Pager {
            first: (!asked.before.is_empty()).then(|| asked.link("/recoveries").url()),
            next,
        },
        asked: asked.clone(),
    };
    let page = Page::new(&sees.who, t.nav_recoveries())
        .tool(t.download_csv(), asked.link("/recoveries.csv").url());
    let send = Link::to("/recoveries/send").with("lender", &sees.book.lender.code).url();
    let may = sees.who.may(Permission::TakeInRecoveries);
    let page = if may { page.step(t.send_recoveries(), send) } else { page };
    page.show(&body)
}

/// The months to choose from: from the last one anything was received in, back to the first closed one.
fn months(db: &mut Db, lender: &str) -> Result<Vec<String>, Problem> {
    let book = audit::book(db, lender)?;
    let last = store::last_day(db, lender)?.map(Month::of);
    let Some(last) = last.or(book.closed_month) else { return Ok(Vec::new()) };
    let mut month = book.first_month.unwrap_or(last).min(last);
    let mut months = vec![month.to_string()];
    while month < last {
        month = month.next();
        months.push(month.to_string());
    }
    months.reverse();
    Ok(months)
}

fn figures(t: Lang, currency: Currency, asked: &Asked, sums: RecoverySums) -> Vec<Figure> {
    let of =
        |kind: &str| Link::to("/recoveries").with("month", &asked.month).with("kind", kind).url();
    let only =
        |only: &str| Link::to("/recoveries").with("month", &asked.month).with("only", only).url();
    vec![
        Figure::new(
            format!("{} ({currency})", t.payments_received()),
            list::money(sums.payments, currency),
            of("payment"),
        ),
        Figure::new(t.reversals(), list::money(-sums.reversals, currency), of("reversal")),
        Figure::new(t.waivers(), list::money(sums.waivers, currency), of("waiver")),
        Figure::new(t.rows(), list::count(sums.count), ""),
        Figure::new(t.only_beyond(), list::count(sums.beyond), only("beyond")),
    ]
}

pub(in crate::web) async fn download(
    site: web::Data<Site>,
    sees: Sees<Recoveries>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let filter = asked.filter()?;
    let (lender, currency, by) =
        (sees.book.lender.code.clone(), sees.book.lender.currency, sees.who.by());
    let name = file_name(&sees.who, &lender, "recoveries");
    let reference = asked.reference.trim().to_string();
    let bytes = site
        .change(move |db| {
            let sheet = read(db, |db| sheet(db, &lender, currency, &filter, &reference))?;
            sheet.finish(db, &lender, &by, "recoveries")
        })
        .await?;
    Ok(attachment(&name, "text/csv; charset=utf-8", bytes))
}

fn sheet(
    db: &mut Db,
    lender: &str,
    currency: Currency,
    filter: &RecoveryFilter,
    reference: &str,
) -> Result<Sheet, Problem> {
    let mut sheet = Sheet::of(DOWNLOAD)?;
    if !reference.is_empty() {
        let rows = named(db, lender, reference)?;
        rows.iter().try_for_each(|row| sheet.add(DOWNLOAD, row, Lang::En, currency))?;
        return Ok(sheet);
    }
    let mut before = None;
    loop {
        let rows = rows(db, lender, filter, before, CHUNK)?;
        let Some(last) = rows.last() else { return Ok(sheet) };
        before = Some((last.recovery.received_on, last.recovery.reference.clone()));
        rows.iter().try_for_each(|row| sheet.add(DOWNLOAD, row, Lang::En, currency))?;
    }
}
