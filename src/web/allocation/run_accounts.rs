//! The accounts of a run: where each goes and why, or why it stays.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::allocation::findings::{Expectations, How};
use crate::allocation::run_accounts::{DOWNLOAD, Listed, PAGE};
use crate::allocation::store::{self, RowFilter, RunAccount};
use crate::db::{Db, read};
use crate::party::Lang;
use crate::web::Site;
use crate::web::allocation::runs::{Run, reason_words, run_link, why_words};
use crate::web::identity::who::{Accounts, Book, Sees};
use crate::web::link::{self, Link};
use crate::web::list::{self, CHUNK, Choice, Pager, cut, one_more};
use crate::web::page::{Figure, Page};
use crate::web::problem::Problem;
use crate::web::sheet::{Sheet, attachment};
use crate::web::table::{Cell, Table};

/// What the URL asks for.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Asked {
    assignee: String,
    stratum: String,
    how: String,
    reason: String,
    after: String,
}

impl Asked {
    fn link(&self, run_no: i64, ending: &str) -> Link {
        let link = run_link(run_no).then("/accounts").then(ending).with("assignee", &self.assignee);
        link.with("stratum", &self.stratum).with("how", &self.how).with("reason", &self.reason)
    }

    fn filter(&self) -> RowFilter {
        let asked = |text: &str| (!text.is_empty()).then(|| text.to_string());
        RowFilter {
            assignee: asked(&self.assignee),
            stratum: asked(&self.stratum),
            reason: asked(&self.reason),
            how: How::parse(&self.how),
        }
    }

    fn is_filtered(&self) -> bool {
        [&self.assignee, &self.stratum, &self.how, &self.reason].iter().any(|text| !text.is_empty())
    }
}

#[derive(Template)]
#[template(path = "web/run_accounts.html")]
struct Body {
    t: Lang,
    action: String,
    asked: Asked,
    reason: String,
    figures: Vec<Figure>,
    assignees: Vec<Choice>,
    hows: Vec<Choice>,
    table: Table,
    filtered: bool,
    pager: Pager,
}

/// What rows need of their run.
struct Ground {
    run: Run,
    strata: Vec<crate::allocation::strata_table::StratumRow>,
    refusals: BTreeMap<i64, String>,
}

impl Ground {
    fn load(db: &mut Db, book: &Book, run_no: i64) -> Result<Ground, Problem> {
        let run = Run::load(db, book, run_no)?;
        let lender = &book.lender.code;
        Ok(Ground {
            run,
            strata: store::strata(db, lender, run_no)?,
            refusals: store::refusals(db, lender, run_no)?,
        })
    }

    fn rows(&self, t: Lang, found: Vec<RunAccount>) -> Vec<Listed> {
        let expectations = Expectations::new(&self.strata, &self.run.findings);
        let method = self.run.row.method.name();
        let row = |one: RunAccount| {
            let (why, to) = (&one.reason, one.assignee.as_deref());
            Listed {
                how: How::of(Some(why), to.is_some()),
                method: why.method(method).to_string(),
                expected: to
                    .and_then(|to| expectations.of(&one.account_no, to, &one.stratum, one.balance)),
                reason: why_words(t, method, why, &self.refusals),
                one,
            }
        };
        found.into_iter().map(row).collect()
    }
}

pub(in crate::web) async fn show(
    site: web::Data<Site>,
    sees: Sees<Accounts>,
    path: web::Path<i64>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let (run_no, asked, book) = (path.into_inner(), asked.into_inner(), sees.book.clone());
    let (t, currency) = (sees.who.t, book.lender.currency);
    let (filter, after) = (asked.filter(), asked.after.clone());
    let (ground, mut rows, sums) = site
        .read(move |db| {
            let ground = Ground::load(db, &book, run_no)?;
            let lender = &book.lender.code;
            let found = store::accounts_of_run(db, lender, run_no, &filter, &after, one_more())?;
            let rows = ground.rows(t, found);
            Ok((ground, rows, store::sums_of_run(db, lender, run_no, &filter)?))
        })
        .await?;
    let next = |last: &Listed| asked.link(run_no, "").with("after", &last.one.account_no).url();
    let next = if cut(&mut rows) { rows.last().map(next) } else { None };
    let codes: Vec<&String> = ground.run.findings.assignees.keys().collect();
    let body = Body {
        t,
        action: run_link(run_no).then("/accounts").url(),
        reason: if asked.reason.is_empty() {
            String::new()
        } else {
            reason_words(t, ground.run.row.method.name(), &asked.reason, &ground.refusals)
        },
        figures: vec![
            Figure::new(t.accounts_word(), list::count(sums.accounts), ""),
            Figure::new(
                format!("{} ({currency})", t.balance()),
                list::money(sums.balance, currency),
                "",
            ),
        ],
        assignees: codes.into_iter().map(|code| Choice::new(code, code, &asked.assignee)).collect(),
        hows: hows(t, ground.run.row.method.name(), &asked.how),
        table: Table::of(PAGE, &rows, (t, currency), dress(run_no)),
        filtered: asked.is_filtered(),
        pager: Pager {
            first: (!asked.after.is_empty()).then(|| asked.link(run_no, "").url()),
            next,
        },
        asked: asked.clone(),
    };
    Page::new(&sees.who, t.run_accounts())
        .under(t.nav_allocation(), "/allocation")
        .under(ground.run.title(t), run_link(run_no).url())
        .tool(t.download_csv(), asked.link(run_no, ".csv").with("lang", t.code()).url())
        .show(&body)
}

fn hows(t: Lang, method: &str, asked: &str) -> Vec<Choice> {
    [How::Placed, How::Method, How::Explored, How::Followed, How::Unplaced]
        .map(|how| Choice::new(how.name(), t.how(how, method), asked))
        .into()
}

/// A row leads to its account and the accounts of its stratum; whom nobody gets is a dash.
fn dress(run_no: i64) -> impl Fn(&Listed, &str, Cell) -> Cell {
    move |row, column, cell| match column {
        "account_no" => cell.to(link::account(&row.one.account_no)),
        "assignee" if row.one.assignee.is_none() => Cell { note: "–".to_string(), ..cell },
        "stratum" => {
            let same = run_link(run_no).then("/accounts").with("stratum", &row.one.stratum);
            cell.to(same.url())
        }
        "reason" => Cell { class: format!("{} reason", cell.class), ..cell },
        _ => cell,
    }
}

pub(in crate::web) async fn download(
    site: web::Data<Site>,
    sees: Sees<Accounts>,
    path: web::Path<i64>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let (run_no, filter, t) = (path.into_inner(), asked.filter(), sees.who.t);
    let (book, by) = (sees.book.clone(), sees.who.by());
    let name = format!("{}-run-{run_no}-accounts.csv", book.lender.code);
    let bytes = site
        .change(move |db| {
            let sheet = read(db, |db| sheet(db, &book, run_no, &filter, t))?;
            sheet.finish(db, &book.lender.code, &by, &format!("accounts of run {run_no}"))
        })
        .await?;
    Ok(attachment(&name, "text/csv; charset=utf-8", bytes))
}

fn sheet(
    db: &mut Db,
    book: &Book,
    run_no: i64,
    filter: &RowFilter,
    t: Lang,
) -> Result<Sheet, Problem> {
    let mut sheet = Sheet::of(DOWNLOAD)?;
    let ground = Ground::load(db, book, run_no)?;
    let currency = book.lender.currency;
    let mut after = String::new();
    loop {
        let found = store::accounts_of_run(db, &book.lender.code, run_no, filter, &after, CHUNK)?;
        let Some(last) = found.last() else { return Ok(sheet) };
        after.clone_from(&last.account_no);
        for row in ground.rows(t, found) {
            sheet.add(DOWNLOAD, &row, t, currency)?;
        }
    }
}
