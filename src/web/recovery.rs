//! The list of recoveries, each with the placement it belongs to, or why it is the house's.

use std::collections::HashMap;

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::NaiveDate;
use serde::Deserialize;

use crate::audit;
use crate::db::{Db, keys_json, read};
use crate::identity::Permission;
use crate::kernel::{Currency, Month};
use crate::party::Lang;
use crate::placement::{self, Placement};
use crate::recovery::attribution::attribute;
use crate::recovery::store::{self, RecoveryFilter, RecoverySums};
use crate::recovery::{Channel, Kind, Recovery};
use crate::settlement;
use crate::web::Site;
use crate::web::identity::who::{Recoveries, Sees};
use crate::web::link::{self, Link};
use crate::web::list::{self, CHUNK, Cell, Choice, Pager, ROWS, cut, one_more};
use crate::web::page::{Figure, Page};
use crate::web::problem::Problem;
use crate::web::sheet::{Sheet, attachment, file_name};

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
        let month: Month = self
            .month
            .parse()
            .map_err(|fault| Problem::Bad(format!("\"{}\" {fault}", self.month)))?;
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

/// A recovery and where it belongs.
pub(in crate::web) struct Row {
    recovery: Recovery,
    placed: Result<Placement, &'static str>,
    settled: Option<settlement::store::SettledAt>,
}

/// A recovery as lists show it.
pub(in crate::web) struct Shown {
    pub reference: String,
    pub account: Cell,
    pub received_on: String,
    pub kind: &'static str,
    pub amount: String,
    pub channel: String,
    pub placed: String,
    pub house: &'static str,
    pub beyond: String,
    pub settled: Cell,
    pub fee: String,
    pub note: String,
}

impl Row {
    /// As lists show it: the account and the statement only link where they may be seen.
    pub(in crate::web) fn shown(
        self,
        t: Lang,
        currency: Currency,
        accounts: bool,
        statements: bool,
    ) -> Shown {
        let one = self.recovery;
        let sign = if one.kind == Kind::Reversal { -one.amount } else { one.amount };
        let settled = self.settled.as_ref().map(|at| {
            let href =
                if statements { link::line(&at.statement_no, at.line_no) } else { String::new() };
            Cell::link(format!("{} / {}", at.statement_no, at.line_no), href)
        });
        Shown {
            account: Cell::link(
                &one.account_no,
                if accounts { link::account(&one.account_no) } else { String::new() },
            ),
            received_on: one.received_on.to_string(),
            kind: t.recovery_kind(one.kind),
            amount: list::money(sign, currency),
            channel: if one.channel == Channel::Agency {
                one.agency.unwrap_or_default()
            } else {
                t.to_the_lender().to_string()
            },
            placed: self
                .placed
                .as_ref()
                .map(|placement| format!("{} · {}", placement.assignee, placement.batch))
                .unwrap_or_default(),
            house: self.placed.err().unwrap_or_default(),
            beyond: if one.beyond_owed.is_zero() {
                String::new()
            } else {
                list::money(one.beyond_owed, currency)
            },
            settled: settled.unwrap_or_default(),
            fee: self.settled.map(|at| list::money(at.fee, currency)).unwrap_or_default(),
            note: one.note.unwrap_or_default(),
            reference: one.reference,
        }
    }
}

/// Gives each recovery its placement and its statement line. A reversal follows its payment.
pub(in crate::web) fn attributed(
    db: &mut Db,
    lender: &str,
    found: Vec<Recovery>,
) -> Result<Vec<Row>, Problem> {
    let reversed = keys_json(found.iter().filter_map(|one| one.reverses.as_deref()));
    let payments: HashMap<String, NaiveDate> = store::by_reference(db, lender, &reversed)?
        .into_iter()
        .map(|one| (one.reference, one.received_on))
        .collect();
    let mut placements: HashMap<String, Vec<Placement>> = HashMap::new();
    for placement in placement::store::of_accounts(
        db,
        lender,
        &keys_json(found.iter().map(|one| one.account_no.as_str())),
    )? {
        placements.entry(placement.account_no.clone()).or_default().push(placement);
    }
    let lines = settlement::store::lines_of_references(
        db,
        lender,
        &keys_json(found.iter().map(|one| one.reference.as_str())),
    )?;
    let mut lines: HashMap<String, settlement::store::SettledAt> =
        lines.into_iter().map(|at| (at.reference.clone(), at)).collect();
    let row = |recovery: Recovery| {
        let day = recovery
            .reverses
            .as_ref()
            .and_then(|payment| payments.get(payment))
            .copied()
            .unwrap_or(recovery.received_on);
        let of_account = placements.get(&recovery.account_no).map_or(&[][..], Vec::as_slice);
        let placed = attribute(of_account, day)
            .map(|index| of_account[index].clone())
            .map_err(|reason| reason.code());
        Row { settled: lines.remove(&recovery.reference), placed, recovery }
    };
    Ok(found.into_iter().map(row).collect())
}

/// The one recovery of a reference.
fn named(db: &mut Db, lender: &str, reference: &str) -> Result<Vec<Row>, Problem> {
    let found = store::by_reference(db, lender, &keys_json([reference].into_iter()))?;
    attributed(db, lender, found)
}

/// Rows of a list, at most so many; those that turn out not to be the house's are read past.
fn rows(
    db: &mut Db,
    lender: &str,
    filter: &RecoveryFilter,
    before: Option<(NaiveDate, String)>,
    most: i64,
) -> Result<Vec<Row>, Problem> {
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
    currency: String,
    lender: String,
    asked: Asked,
    figures: Vec<Figure>,
    kinds: Vec<Choice>,
    onlys: Vec<Choice>,
    months: Vec<Choice>,
    rows: Vec<Shown>,
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
    let key = |row: &Row| format!("{} {}", row.recovery.received_on, row.recovery.reference);
    let next = if cut(&mut rows) {
        rows.last().map(|last| asked.link("/recoveries").with("before", &key(last)).url())
    } else {
        None
    };
    let (accounts, statements) =
        (sees.who.may(Permission::Accounts), sees.who.may(Permission::Statements));
    let body = Body {
        t,
        currency: currency.to_string(),
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
        rows: rows.into_iter().map(|row| row.shown(t, currency, accounts, statements)).collect(),
        filtered: asked.link("").with("before", &asked.before).url() != *"",
        pager: Pager {
            first: (!asked.before.is_empty()).then(|| asked.link("/recoveries").url()),
            next,
        },
        asked: asked.clone(),
    };
    let page = Page::new(&sees.who, t.nav_recoveries())
        .tool(t.download_csv(), asked.link("/recoveries.csv").url());
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

const COLUMNS: [&str; 13] = [
    "reference",
    "account_no",
    "received_on",
    "kind",
    "amount",
    "reverses",
    "channel",
    "agency",
    "assignee",
    "batch",
    "house_reason",
    "beyond_owed",
    "statement_line",
];

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
    let mut sheet = Sheet::new(&COLUMNS)?;
    if !reference.is_empty() {
        named(db, lender, reference)?
            .into_iter()
            .try_for_each(|row| sheet.row(&cells(row, currency)))?;
        return Ok(sheet);
    }
    let mut before = None;
    loop {
        let rows = rows(db, lender, filter, before, CHUNK)?;
        let Some(last) = rows.last() else { return Ok(sheet) };
        before = Some((last.recovery.received_on, last.recovery.reference.clone()));
        rows.into_iter().try_for_each(|row| sheet.row(&cells(row, currency)))?;
    }
}

fn cells(row: Row, currency: Currency) -> [String; 13] {
    let one = row.recovery;
    let (assignee, batch, house) = match row.placed {
        Ok(placement) => (placement.span.assignee, placement.batch, ""),
        Err(reason) => (String::new(), String::new(), reason),
    };
    [
        one.reference,
        one.account_no,
        one.received_on.to_string(),
        one.kind.name().to_string(),
        one.amount.plain(currency),
        one.reverses.unwrap_or_default(),
        if one.channel == Channel::Agency { "agency" } else { "lender" }.to_string(),
        one.agency.unwrap_or_default(),
        assignee,
        batch,
        house.to_string(),
        one.beyond_owed.plain(currency),
        row.settled.map(|at| format!("{}/{}", at.statement_no, at.line_no)).unwrap_or_default(),
    ]
}
