//! The ledger: the trial balance, the legs of an account, one transaction.

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::identity::Permission;
use crate::kernel::{Currency, Money};
use crate::ledger::store::{self, BalanceRow, PostingRow};
use crate::party::Lang;
use crate::web::Site;
use crate::web::identity::who::{Known, Ledger, Sees};
use crate::web::link::{self, Link};
use crate::web::list::{self, Cell, Pager, cut, one_more};
use crate::web::page::{Chip, Figure, Page, Tone};
use crate::web::problem::Problem;

#[derive(Template)]
#[template(path = "web/trial_balance.html")]
struct Balances {
    t: Lang,
    currency: String,
    lender: String,
    rows: Vec<Balance>,
    debit: String,
    credit: String,
    balance: String,
}

struct Balance {
    account: Cell,
    debit: String,
    credit: String,
    balance: String,
}

pub(in crate::web) async fn show(
    site: web::Data<Site>,
    sees: Sees<Ledger>,
) -> Result<HttpResponse, Problem> {
    let lender = sees.book.lender.code.clone();
    let rows = site.read(move |db| Ok(store::balances(db, &lender)?)).await?;
    let (t, currency) = (sees.who.t, sees.book.lender.currency);
    let debit: Money = rows.iter().map(|row| row.debit).sum();
    let credit: Money = rows.iter().map(|row| row.credit).sum();
    let shown = |row: BalanceRow| Balance {
        debit: list::money(row.debit, currency),
        credit: list::money(row.credit, currency),
        balance: list::money(row.debit - row.credit, currency),
        account: Cell::link(&row.account, link::ledger_account(&row.account)),
    };
    let body = Balances {
        t,
        currency: currency.to_string(),
        lender: sees.book.lender.code.clone(),
        rows: rows.into_iter().map(shown).collect(),
        debit: list::money(debit, currency),
        credit: list::money(credit, currency),
        balance: list::money(debit - credit, currency),
    };
    let chip = if debit == credit {
        Chip::new(Tone::Good, t.in_balance())
    } else {
        Chip::new(Tone::Blocked, t.out_of_balance())
    };
    Page::new(&sees.who, t.trial_balance()).chip(chip).show(&body)
}

/// What the URL asks for.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Asked {
    after: String,
}

#[derive(Template)]
#[template(path = "web/ledger_account.html")]
struct Legs {
    t: Lang,
    currency: String,
    figures: Vec<Figure>,
    rows: Vec<Leg>,
    pager: Pager,
}

struct Leg {
    number: Cell,
    day: String,
    event: Cell,
    corrects: String,
    account: Cell,
    debit: String,
    credit: String,
}

/// Where the event of a transaction can be seen.
fn event(who: &Known, event: &str) -> Cell {
    let href = match event.split_once(':') {
        Some(("recovery", reference)) => Link::to("/recoveries").with("reference", reference).url(),
        Some(("statement", number)) if who.may(Permission::Statements) => link::statement(number),
        Some(("placed", batch)) if who.may(Permission::Accounts) => {
            Link::to("/placements").with("batch", batch).url()
        }
        Some(("portfolio", _)) if who.may(Permission::Accounts) => "/portfolio".to_string(),
        _ => String::new(),
    };
    Cell::link(event, href)
}

fn leg(who: &Known, currency: Currency, row: PostingRow) -> Leg {
    let amount = row.leg.amount;
    let side = |here: bool| if here { list::money(amount.abs(), currency) } else { String::new() };
    Leg {
        number: Cell::link(
            row.number.to_string(),
            Link::to("/ledger/transactions").segment(&row.number.to_string()).url(),
        ),
        day: row.day.to_string(),
        event: event(who, &row.event),
        corrects: row.corrects.clone().unwrap_or_default(),
        account: Cell::link(&row.leg.account, link::ledger_account(&row.leg.account)),
        debit: side(amount > Money::ZERO),
        credit: side(amount < Money::ZERO),
    }
}

pub(in crate::web) async fn account(
    site: web::Data<Site>,
    sees: Sees<Ledger>,
    path: web::Path<String>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let account = path.into_inner();
    let after: i64 = if asked.after.is_empty() {
        0
    } else {
        asked.after.parse().map_err(|_| Problem::NotFound)?
    };
    let (lender, name) = (sees.book.lender.code.clone(), account.clone());
    let (balance, mut rows) = site
        .read(move |db| {
            let balance = store::balances(db, &lender)?
                .into_iter()
                .find(|row| row.account == name)
                .ok_or(Problem::NotFound)?;
            Ok((balance, store::postings_of(db, &lender, &name, after, one_more())?))
        })
        .await?;
    let (t, currency) = (sees.who.t, sees.book.lender.currency);
    let here = link::ledger_account(&account);
    let next = if cut(&mut rows) {
        rows.last().map(|last| Link::to(&here).with("after", &last.number.to_string()).url())
    } else {
        None
    };
    let figures = vec![
        Figure::new(
            format!("{} ({currency})", t.debit()),
            list::money(balance.debit, currency),
            "",
        ),
        Figure::new(t.credit(), list::money(balance.credit, currency), ""),
        Figure::new(t.balance(), list::money(balance.debit - balance.credit, currency), ""),
    ];
    let body = Legs {
        t,
        currency: currency.to_string(),
        figures,
        rows: rows.into_iter().map(|row| leg(&sees.who, currency, row)).collect(),
        pager: Pager { first: (after > 0).then_some(here), next },
    };
    Page::new(&sees.who, account).under(t.trial_balance(), "/ledger").show(&body)
}

#[derive(Template)]
#[template(path = "web/ledger_transaction.html")]
struct Transaction {
    t: Lang,
    currency: String,
    facts: Vec<(&'static str, Cell)>,
    rows: Vec<Leg>,
    debit: String,
    credit: String,
}

pub(in crate::web) async fn transaction(
    site: web::Data<Site>,
    sees: Sees<Ledger>,
    path: web::Path<i64>,
) -> Result<HttpResponse, Problem> {
    let (lender, number) = (sees.book.lender.code.clone(), path.into_inner());
    let rows = site.read(move |db| Ok(store::transaction(db, &lender, number)?)).await?;
    let first = rows.first().ok_or(Problem::NotFound)?;
    let (t, currency) = (sees.who.t, sees.book.lender.currency);
    let facts = vec![
        (t.day(), Cell::link(first.day.to_string(), "")),
        (t.event(), event(&sees.who, &first.event)),
        (
            t.corrects(),
            first
                .corrects
                .as_deref()
                .map(|corrected| event(&sees.who, corrected))
                .unwrap_or_default(),
        ),
        (t.act_no(), Cell::link(first.seq.to_string(), "")),
        (t.hash(), Cell::link(&first.hash, "")),
    ];
    let sum = |side: &dyn Fn(Money) -> Money| {
        list::money(rows.iter().map(|row| side(row.leg.amount)).sum(), currency)
    };
    let body = Transaction {
        t,
        currency: currency.to_string(),
        facts: facts.into_iter().filter(|(_, cell)| !cell.text.is_empty()).collect(),
        debit: sum(&Money::positive_part),
        credit: sum(&|amount| (-amount).positive_part()),
        rows: rows.iter().cloned().map(|row| leg(&sees.who, currency, row)).collect(),
    };
    Page::new(&sees.who, format!("{} {number}", t.transaction()))
        .under(t.trial_balance(), "/ledger")
        .show(&body)
}
