//! The list of complaints: a lender's, or those about an agency.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::NaiveDate;
use serde::Deserialize;

use crate::conduct::complaint_store::{self as store, Case, CaseFilter, CaseSums};
use crate::conduct::{ConductError, Severity, case_list};
use crate::db::{Db, read};
use crate::identity::Permission;
use crate::kernel::Currency;
use crate::party::{self, Lang};
use crate::web::Site;
use crate::web::identity::who::{Book, Conduct, Sees};
use crate::web::link::{self, Link};
use crate::web::list::{self, CHUNK, Choice, Pager, Tab, cut, one_more};
use crate::web::page::{Chip, Figure, Page, Tone};
use crate::web::problem::{Bad, Problem};
use crate::web::sheet::{Sheet, attachment, file_name};
use crate::web::table::{Cell, Table};

impl From<ConductError> for Problem {
    fn from(error: ConductError) -> Problem {
        match error {
            ConductError::Db(error) => error.into(),
            refused => Bad::Conduct(Box::new(refused)).into(),
        }
    }
}

/// What the URL asks for.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Asked {
    lender: String,
    agency: String,
    state: String,
    severity: String,
    before: String,
}

impl Asked {
    fn link(&self, path: &str) -> Link {
        let link = Link::to(path).with("lender", &self.lender).with("agency", &self.agency);
        link.with("state", &self.state).with("severity", &self.severity)
    }

    /// An agency sees what is about itself, whatever the URL asks for.
    fn filter(&self, book: &Book) -> CaseFilter {
        let asked = |text: &str| (!text.is_empty()).then(|| text.to_string());
        CaseFilter {
            agency: book.agency.clone().or_else(|| asked(&self.agency)),
            told: book.agency.is_some(),
            state: asked(&self.state),
            severity: Severity::parse(&self.severity),
        }
    }

    /// The day and case this page goes on from: `2026-03-01 CASE`.
    fn before(&self) -> Result<Option<(NaiveDate, String)>, Problem> {
        if self.before.is_empty() {
            return Ok(None);
        }
        let (day, reference) = self.before.split_once(' ').ok_or(Problem::NotFound)?;
        Ok(Some((day.parse().map_err(|_| Problem::NotFound)?, reference.to_string())))
    }
}

#[derive(Template)]
#[template(path = "web/complaints.html")]
struct Body {
    t: Lang,
    lender: String,
    own: bool,
    acts: bool,
    books: Vec<Tab>,
    figures: Vec<Figure>,
    agencies: Vec<Choice>,
    states: Vec<Choice>,
    severities: Vec<Choice>,
    table: Table,
    filtered: bool,
    pager: Pager,
}

/// How grave, as a chip.
pub(in crate::web) fn severity(t: Lang, severity: Severity) -> Chip {
    let tone = if severity == Severity::High { Tone::Attention } else { Tone::Plain };
    Chip::new(tone, t.severity_of(severity))
}

/// The state of a case, as a chip.
pub(in crate::web) fn state(t: Lang, case: &Case) -> Chip {
    let tone = match case.decision.as_ref().map(|decision| decision.upheld) {
        None => Tone::Attention,
        Some(true) => Tone::Blocked,
        Some(false) => Tone::Good,
    };
    Chip::new(tone, t.case_state(case))
}

/// A complaint's cells lead to it and to its account; how grave it is and where it stands are chips.
fn dress(t: Lang, accounts: bool, lender: &str) -> impl Fn(&Case, &str, Cell) -> Cell {
    let lender = lender.to_string();
    move |case, column, cell| match (column, &case.complaint.account_no) {
        ("reference", _) => {
            let page = Link::to(&link::case(&case.complaint.reference));
            cell.to(page.with("lender", &lender).url())
        }
        ("account_no", Some(account_no)) if accounts => cell.to(link::account(account_no)),
        ("severity", _) => cell.chips(vec![severity(t, case.complaint.severity)]),
        ("state", _) => cell.chips(vec![state(t, case)]),
        _ => cell,
    }
}

pub(in crate::web) async fn show(
    site: web::Data<Site>,
    sees: Sees<Conduct>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let asked = asked.into_inner();
    let (filter, before, book) = (asked.filter(&sees.book), asked.before()?, sees.book.clone());
    let (mut cases, sums, assignees) = site
        .read(move |db| {
            let lender = &book.lender.code;
            let cases = store::page(db, lender, &filter, before.as_ref(), one_more())?;
            // A lender's figures are of all agencies, whichever the list is about.
            let agency = book.agency.clone();
            let all = CaseFilter { told: agency.is_some(), agency, ..CaseFilter::default() };
            Ok((cases, store::sums(db, lender, &all)?, party::store::assignees(db, lender)?))
        })
        .await?;
    let (t, currency, own) = (sees.who.t, sees.book.lender.currency, sees.book.agency.is_some());
    let key = |case: &Case| format!("{} {}", case.complaint.received_on, case.complaint.reference);
    let next = if cut(&mut cases) {
        cases.last().map(|last| asked.link("/complaints").with("before", &key(last)).url())
    } else {
        None
    };
    let accounts = !own && sees.who.may(Permission::Accounts);
    let acts = !own && sees.who.may(Permission::ActOnConduct);
    let body = Body {
        t,
        lender: sees.book.lender.code.clone(),
        own,
        acts,
        books: tabs(&sees, "/complaints"),
        figures: figures(t, currency, &asked, sums),
        agencies: assignees
            .iter()
            .map(|one| Choice::new(&one.code, format!("{} {}", one.code, one.name), &asked.agency))
            .collect(),
        states: vec![
            Choice::new("open", t.case_open(), &asked.state),
            Choice::new("upheld", t.case_upheld(), &asked.state),
            Choice::new("not_upheld", t.case_not_upheld(), &asked.state),
        ],
        severities: [Severity::High, Severity::Medium, Severity::Low]
            .map(|one| Choice::new(one.name(), t.severity_of(one), &asked.severity))
            .into(),
        table: Table::of(
            if own { case_list::OWN_PAGE } else { case_list::PAGE },
            &cases,
            (t, currency),
            dress(t, accounts, &asked.lender),
        ),
        filtered: !(asked.agency.is_empty()
            && asked.state.is_empty()
            && asked.severity.is_empty()
            && asked.before.is_empty()),
        pager: Pager {
            first: (!asked.before.is_empty()).then(|| asked.link("/complaints").url()),
            next,
        },
    };
    let page = Page::new(&sees.who, t.nav_complaints())
        .tool(t.download_csv(), asked.link("/complaints.csv").url());
    let page = if acts {
        let send = Link::to("/complaints/send").with("lender", &sees.book.lender.code).url();
        page.tool(t.send_complaints(), send).step(t.record_complaint(), "/complaints/add")
    } else {
        page
    };
    page.show(&body)
}

/// The books of an agency that serves several lenders.
pub(in crate::web) fn tabs(sees: &Sees<Conduct>, path: &str) -> Vec<Tab> {
    let tab = |book: &Book| Tab {
        label: book.lender.name.clone(),
        href: Link::to(path).with("lender", &book.lender.code).url(),
        current: book.lender.code == sees.book.lender.code,
    };
    if sees.books.len() > 1 { sees.books.iter().map(tab).collect() } else { Vec::new() }
}

fn figures(t: Lang, currency: Currency, asked: &Asked, sums: CaseSums) -> Vec<Figure> {
    let of = |state: &str| {
        Link::to("/complaints").with("lender", &asked.lender).with("state", state).url()
    };
    vec![
        Figure::new(t.nav_complaints(), list::count(sums.cases), of("")),
        Figure::new(t.case_open(), list::count(sums.open), of("open")),
        Figure::new(t.case_upheld(), list::count(sums.upheld), of("upheld")),
        Figure::new(
            format!("{} ({currency})", t.deduction_word()),
            list::money(sums.deductions, currency),
            of("upheld"),
        ),
    ]
}

pub(in crate::web) async fn download(
    site: web::Data<Site>,
    sees: Sees<Conduct>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let (filter, book, by) = (asked.filter(&sees.book), sees.book.clone(), sees.who.by());
    let name = file_name(&sees.who, &book.lender.code, "complaints");
    let bytes = site
        .change(move |db| {
            let sheet = read(db, |db| sheet(db, &book, &filter))?;
            sheet.finish(db, &book.lender.code, &by, "complaints")
        })
        .await?;
    Ok(attachment(&name, "text/csv; charset=utf-8", bytes))
}

fn sheet(db: &mut Db, book: &Book, filter: &CaseFilter) -> Result<Sheet, Problem> {
    let mut sheet = Sheet::of(case_list::DOWNLOAD)?;
    let mut before = None;
    loop {
        let cases = store::page(db, &book.lender.code, filter, before.as_ref(), CHUNK)?;
        let Some(last) = cases.last() else { return Ok(sheet) };
        before = Some((last.complaint.received_on, last.complaint.reference.clone()));
        for case in &cases {
            sheet.add(case_list::DOWNLOAD, case, Lang::En, book.lender.currency)?;
        }
    }
}
