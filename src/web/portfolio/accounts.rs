//! The list of a lender's accounts.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::db::{Db, read};
use crate::hold;
use crate::party::{self, Lang, Lender};
use crate::portfolio::FileRow;
use crate::portfolio::personal::{Key, mask_name};
use crate::portfolio::store::{self, AccountFilter, HolderFilter};
use crate::position::accounts::{COLUMNS, Listed, hold_words};
use crate::position::{self, Position};
use crate::web::Site;
use crate::web::identity::who::{Accounts, Book, Sees};
use crate::web::link::{self, Link};
use crate::web::list::{CHUNK, Choice, Pager, cut, one_more};
use crate::web::page::{Chip, Page, Tone};
use crate::web::problem::{Bad, Problem};
use crate::web::sheet::{Sheet, attachment, file_name};
use crate::web::table::{Cell, Table};

/// What the URL asks for.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Asked {
    search: String,
    bucket: String,
    holder: String,
    after: String,
}

/// The holder that stands for the house in a URL; no assignee's code begins so.
pub const HOUSE: &str = "-";

impl Asked {
    fn link(&self, path: &str) -> Link {
        Link::to(path)
            .with("search", &self.search)
            .with("bucket", &self.bucket)
            .with("holder", &self.holder)
    }

    fn filter(&self, lender: &Lender) -> Result<AccountFilter, Problem> {
        let days_past_due = match self.bucket.as_str() {
            "" => None,
            name => Some(lender.buckets.range(name).ok_or_else(|| Bad::Bucket(name.to_string()))?),
        };
        let holder = match self.holder.as_str() {
            "" => HolderFilter::Any,
            HOUSE => HolderFilter::House,
            code => HolderFilter::Assignee(code.to_string()),
        };
        Ok(AccountFilter { prefix: self.search.trim().to_string(), days_past_due, holder })
    }
}

#[derive(Template)]
#[template(path = "web/accounts.html")]
struct Body {
    t: Lang,
    lender: String,
    asked: Asked,
    buckets: Vec<Choice>,
    holders: Vec<Choice>,
    table: Table,
    filtered: bool,
    pager: Pager,
}

pub(in crate::web) async fn show(
    site: web::Data<Site>,
    sees: Sees<Accounts>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let asked = asked.into_inner();
    let t = sees.who.t;
    let filter = asked.filter(&sees.book.lender)?;
    let (book, after, key) = (sees.book.clone(), asked.after.clone(), site.key.clone());
    let (mut rows, assignees) = site
        .read(move |db| {
            let rows = rows(db, &book, &filter, &after, one_more(), key.as_ref())?;
            Ok((rows, party::store::assignees(db, &book.lender.code)?))
        })
        .await?;
    let next = cut(&mut rows)
        .then(|| {
            rows.last().map(|last| asked.link("/accounts").with("after", &last.account_no).url())
        })
        .flatten();
    let currency = sees.book.lender.currency;
    let pager =
        Pager { first: (!asked.after.is_empty()).then(|| asked.link("/accounts").url()), next };
    let house = [Choice::new(HOUSE, t.house(), &asked.holder)].into_iter();
    let body = Body {
        t,
        lender: sees.book.lender.code.clone(),
        buckets: sees
            .book
            .lender
            .buckets
            .0
            .iter()
            .map(|(name, _)| Choice::new(name, name, &asked.bucket))
            .collect(),
        holders: house
            .chain(assignees.iter().map(|one| {
                Choice::new(&one.code, format!("{} {}", one.code, one.name), &asked.holder)
            }))
            .collect(),
        table: Table::of(COLUMNS, &rows, (t, currency), dress(t)),
        filtered: !(asked.search.is_empty()
            && asked.bucket.is_empty()
            && asked.holder.is_empty()
            && asked.after.is_empty()),
        pager,
        asked: asked.clone(),
    };
    let page = Page::new(&sees.who, t.nav_accounts())
        .tool(t.download_csv(), asked.link("/accounts.csv").url());
    page.show(&body)
}

/// An account leads to its page; narrow pages are told beside the name that it is held.
fn dress(t: Lang) -> impl Fn(&Listed, &str, Cell) -> Cell {
    move |one, column, cell| match column {
        "account_no" => cell.to(link::account(&one.account_no)),
        "debtor_name" if !one.holds.is_empty() => {
            Cell { phone: vec![Chip::new(Tone::Blocked, t.hold_word())], ..cell }
        }
        "hold" => {
            let words = hold_words(&one.holds, t).into_iter();
            cell.chips(words.map(|word| Chip::new(Tone::Blocked, word)).collect())
        }
        _ => cell,
    }
}

/// The rows of a page: which accounts, and how each stands.
fn rows(
    db: &mut Db,
    book: &Book,
    filter: &AccountFilter,
    after: &str,
    most: i64,
    key: Option<&Key>,
) -> Result<Vec<Listed>, Problem> {
    let lender = &book.lender;
    let numbers = store::account_numbers(db, &lender.code, filter, after, most)?;
    let mut positions = position::load_rows(db, &lender.code, numbers.iter().map(String::as_str))?;
    let debtor = |no: &String| {
        positions
            .get(no)
            .and_then(Position::<FileRow>::newest)
            .map(|row| (no.clone(), row.debtor_ref.clone()))
    };
    let debtors: Vec<(String, String)> = numbers.iter().filter_map(debtor).collect();
    let holds = hold::store::in_force(db, &lender.code, &debtors, book.today())?;
    let row = |account_no: String| {
        let position = positions.remove(&account_no)?;
        let newest = position.newest()?;
        let active = position.active();
        Some(Listed {
            debtor_name: masked_name(key, newest.personal.as_deref()),
            bucket: lender.buckets.of(newest.days_past_due).to_string(),
            days_past_due: newest.days_past_due,
            balance: newest.balance,
            owed: position.owed_known(),
            holder: active.map(|placement| placement.assignee.clone()),
            placed_on: active.map(|placement| placement.placed_on),
            holds: holds.get(&account_no).cloned().unwrap_or_default(),
            account_no,
        })
    };
    Ok(numbers.into_iter().filter_map(row).collect())
}

/// The debtor's name, masked; empty when no file gave one or the key is another.
pub fn masked_name(key: Option<&Key>, sealed: Option<&str>) -> String {
    let opened = key.zip(sealed).and_then(|(key, sealed)| key.open(sealed));
    opened.and_then(|[name, ..]| name).map(|name| mask_name(&name)).unwrap_or_default()
}

pub(in crate::web) async fn download(
    site: web::Data<Site>,
    sees: Sees<Accounts>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let t = sees.who.t;
    let filter = asked.filter(&sees.book.lender)?;
    let (book, by, key) = (sees.book.clone(), sees.who.by(), site.key.clone());
    let name = file_name(&sees.who, &book.lender.code, "accounts");
    let bytes = site
        .change(move |db| {
            let sheet = read(db, |db| sheet(db, &book, &filter, key.as_ref(), t))?;
            sheet.finish(db, &book.lender.code, &by, "accounts")
        })
        .await?;
    Ok(attachment(&name, "text/csv; charset=utf-8", bytes))
}

fn sheet(
    db: &mut Db,
    book: &Book,
    filter: &AccountFilter,
    key: Option<&Key>,
    t: Lang,
) -> Result<Sheet, Problem> {
    let mut sheet = Sheet::of(COLUMNS)?;
    let currency = book.lender.currency;
    let mut after = String::new();
    loop {
        let rows = rows(db, book, filter, &after, CHUNK, key)?;
        let Some(last) = rows.last() else { return Ok(sheet) };
        after = last.account_no.clone();
        for row in &rows {
            sheet.add(COLUMNS, row, t, currency)?;
        }
    }
}
