//! One complaint: recording it, and what was decided on it. A refused form comes back with what was typed.

use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::ambient;
use crate::conduct::complaint::{self, NewComplaint, NewDecision};
use crate::conduct::complaint_store::{self as store, Case};
use crate::conduct::{ConductError, Decision, Severity};
use crate::db::{Db, keys_json};
use crate::hold::{self, HoldKind};
use crate::identity::Permission;
use crate::kernel::calendar::parse_date;
use crate::party::{self, Lang};
use crate::placement;
use crate::web::Site;
use crate::web::conduct::complaints::{severity, state};
use crate::web::form::Posted;
use crate::web::identity::who::{ActsOnConduct, Book, Conduct, Sees};
use crate::web::link::{self, Link};
use crate::web::list::{self, Cell, Choice};
use crate::web::page::{Chip, Page, Tone};
use crate::web::problem::Problem;

/// A complaint as it is typed. The reference stands in the form from the beginning, so that sending it twice records
/// it once.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct AddForm {
    reference: String,
    agency: String,
    account_no: String,
    received_on: String,
    severity: String,
    text: String,
}

#[derive(Template)]
#[template(path = "web/complaint_add.html")]
struct AddBody {
    t: Lang,
    csrf: String,
    fault: Option<String>,
    typed: AddForm,
    agencies: Vec<Choice>,
    severities: Vec<Choice>,
}

/// The empty form, about an account when the URL names one.
pub(in crate::web) async fn form(
    site: web::Data<Site>,
    sees: Sees<ActsOnConduct>,
    asked: web::Query<AddForm>,
) -> Result<HttpResponse, Problem> {
    let typed = AddForm {
        reference: format!("CP-{}", hex::encode_upper(ambient::random_bytes::<4>())),
        received_on: sees.book.today().to_string(),
        ..asked.into_inner()
    };
    draw_add(&site, &sees, StatusCode::OK, typed, None).await
}

async fn draw_add(
    site: &Site,
    sees: &Sees<ActsOnConduct>,
    status: StatusCode,
    typed: AddForm,
    fault: Option<String>,
) -> Result<HttpResponse, Problem> {
    let (t, lender) = (sees.who.t, sees.book.lender.code.clone());
    let assignees = site.read(move |db| Ok(party::store::assignees(db, &lender)?)).await?;
    let body = AddBody {
        t,
        csrf: sees.who.session.csrf.clone(),
        fault,
        agencies: assignees
            .iter()
            .map(|one| Choice::new(&one.code, format!("{} {}", one.code, one.name), &typed.agency))
            .collect(),
        severities: [Severity::High, Severity::Medium, Severity::Low]
            .map(|one| Choice::new(one.name(), t.severity_of(one), &typed.severity))
            .into(),
        typed,
    };
    Page::new(&sees.who, t.record_complaint())
        .under(t.nav_complaints(), "/complaints")
        .show_as(status, &body)
}

/// What a verb says to a form: done, or refused in words; a failure of ours is a problem.
fn told<T>(outcome: Result<T, ConductError>, t: Lang) -> Result<Result<T, String>, Problem> {
    match outcome {
        Ok(done) => Ok(Ok(done)),
        Err(ConductError::Db(error)) => Err(error.into()),
        Err(refused) => Ok(Err(refused.words(t))),
    }
}

fn to_case(reference: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, link::case(reference))).finish()
}

/// A typed value, when there is one.
fn filled(text: &str) -> Option<String> {
    Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_string)
}

pub(in crate::web) async fn add(
    site: web::Data<Site>,
    sees: Sees<ActsOnConduct>,
    posted: Posted<AddForm>,
) -> Result<HttpResponse, Problem> {
    let typed = posted.form;
    let t = sees.who.t;
    let new = match read_complaint(&typed, t) {
        Ok(new) => new,
        Err(fault) => {
            return draw_add(&site, &sees, StatusCode::UNPROCESSABLE_ENTITY, typed, Some(fault))
                .await;
        }
    };
    let (lender, by) = (sees.book.lender.code.clone(), sees.who.by());
    match site.change(move |db| told(complaint::add(db, &lender, &new, &by), t)).await? {
        Ok(done) => Ok(to_case(&done.reference)),
        Err(fault) => {
            draw_add(&site, &sees, StatusCode::UNPROCESSABLE_ENTITY, typed, Some(fault)).await
        }
    }
}

fn read_complaint(typed: &AddForm, t: Lang) -> Result<NewComplaint, String> {
    if typed.agency.trim().is_empty() {
        return Err(t.give_agency().to_string());
    }
    if typed.text.trim().is_empty() {
        return Err(t.give_complaint_text().to_string());
    }
    Ok(NewComplaint {
        agency: typed.agency.clone(),
        account_no: filled(&typed.account_no),
        received_on: day(&typed.received_on, t.complained_on(), t)?,
        severity: Severity::parse(&typed.severity).ok_or_else(|| t.give_severity().to_string())?,
        text: typed.text.clone(),
        reference: filled(&typed.reference),
        allow_future: false,
    })
}

fn day(text: &str, field: &str, t: Lang) -> Result<chrono::NaiveDate, String> {
    parse_date(text.trim()).ok_or_else(|| format!("{field}: {} \"{text}\"", t.refused_day()))
}

/// A decision as it is typed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct DecideForm {
    upheld: String,
    on: String,
    text: String,
    deduction: String,
    corrects: String,
}

#[derive(Template)]
#[template(path = "web/complaint.html")]
struct Body {
    t: Lang,
    csrf: String,
    here: String,
    currency: String,
    facts: Vec<(&'static str, Cell)>,
    severity: Chip,
    text: String,
    decisions: Vec<DecisionShown>,
    acts: bool,
    decided: bool,
    releases: String,
    fault: Option<String>,
    typed: DecideForm,
    outcomes: Vec<Choice>,
}

/// A decision as the page shows it.
struct DecisionShown {
    number: i64,
    on: String,
    outcome: Chip,
    reason: String,
    deduction: String,
    corrects: String,
}

/// A case with its history and the account it holds at the moment.
struct Found {
    case: Case,
    decisions: Vec<Decision>,
    holds: Option<String>,
}

fn find(db: &mut Db, book: &Book, reference: &str) -> Result<Found, Problem> {
    let lender = &book.lender.code;
    let found = match &book.agency {
        Some(agency) => store::told_to(db, lender, agency, reference)?,
        None => store::by_reference(db, lender, &keys_json(std::iter::once(reference)))?.pop(),
    };
    let case = found.ok_or(Problem::NotFound)?;
    let decisions = store::decisions(db, lender, reference)?;
    let holds = match &case.complaint.account_no {
        None => None,
        Some(account_no) if !holds_now(db, book, account_no)? => None,
        Some(account_no) => {
            let of_case = |one: &hold::Hold| {
                one.seq == case.complaint.seq
                    && one.kind == HoldKind::Complaint
                    && one.ended_on.is_none()
            };
            let holds = hold::store::holds_of(
                db,
                lender,
                &keys_json(std::iter::once(account_no.as_str())),
            )?;
            holds.iter().any(of_case).then(|| account_no.clone())
        }
    };
    Ok(Found { case, decisions, holds })
}

/// Whether an account is in this organisation's hands today, as far as it may know: a lender's always is.
fn holds_now(db: &mut Db, book: &Book, account_no: &str) -> Result<bool, Problem> {
    let Some(agency) = &book.agency else { return Ok(true) };
    let keys = keys_json(std::iter::once(account_no));
    let spans = placement::store::spans_with(db, &book.lender.code, agency, &keys)?;
    Ok(spans.iter().any(|span| span.holds_on(book.today())))
}

pub(in crate::web) async fn show(
    site: web::Data<Site>,
    sees: Sees<Conduct>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let (reference, book) = (path.into_inner(), sees.book.clone());
    let found = site.read(move |db| find(db, &book, &reference)).await?;
    let typed = DecideForm {
        on: sees.book.today().to_string(),
        corrects: found
            .case
            .decision
            .as_ref()
            .map(|decision| decision.decision_no.to_string())
            .unwrap_or_default(),
        ..DecideForm::default()
    };
    draw(&sees.who, &sees.book, StatusCode::OK, found, typed, None)
}

fn draw(
    who: &crate::web::identity::who::Known,
    book: &Book,
    status: StatusCode,
    found: Found,
    typed: DecideForm,
    fault: Option<String>,
) -> Result<HttpResponse, Problem> {
    let (t, currency, own) = (who.t, book.lender.currency, book.agency.is_some());
    let one = &found.case.complaint;
    let accounts = !own && who.may(Permission::Accounts);
    let account = match &one.account_no {
        None => Cell::link(t.not_about_an_account(), ""),
        Some(no) => Cell::link(no, if accounts { link::account(no) } else { String::new() }),
    };
    let body = Body {
        t,
        csrf: who.session.csrf.clone(),
        here: link::case(&one.reference),
        currency: currency.to_string(),
        facts: vec![
            (t.agency(), Cell::link(&one.agency, "")),
            (t.complained_on(), Cell::link(one.received_on.to_string(), "")),
            (t.account(), account),
        ],
        severity: severity(t, one.severity),
        text: one.description.clone(),
        decisions: found
            .decisions
            .iter()
            .map(|decision| decision_shown(t, decision, currency))
            .collect(),
        acts: !own && who.may(Permission::ActOnConduct),
        decided: found.case.decision.is_some(),
        releases: found.holds.clone().unwrap_or_default(),
        fault,
        outcomes: vec![
            Choice::new("yes", t.case_upheld(), &typed.upheld),
            Choice::new("no", t.case_not_upheld(), &typed.upheld),
        ],
        typed,
    };
    let mut page = Page::new(who, format!("{} {}", t.case_word(), one.reference))
        .under(
            t.nav_complaints(),
            Link::to("/complaints").with("lender", if own { &book.lender.code } else { "" }).url(),
        )
        .chip(state(t, &found.case));
    if body.acts && !body.decided {
        page = page.step(t.decide_word(), "#decide");
    }
    page.show_as(status, &body)
}

fn decision_shown(
    t: Lang,
    decision: &Decision,
    currency: crate::kernel::Currency,
) -> DecisionShown {
    let (tone, word) = if decision.upheld {
        (Tone::Blocked, t.case_upheld())
    } else {
        (Tone::Good, t.case_not_upheld())
    };
    DecisionShown {
        number: decision.decision_no,
        on: decision.decided_on.to_string(),
        outcome: Chip::new(tone, word),
        reason: decision.reason.clone(),
        deduction: decision
            .deduction
            .map(|amount| list::money(amount, currency))
            .unwrap_or_default(),
        corrects: decision
            .corrects
            .map(|number| format!("{} {number}", t.corrects_decision()))
            .unwrap_or_default(),
    }
}

pub(in crate::web) async fn decide(
    site: web::Data<Site>,
    sees: Sees<ActsOnConduct>,
    path: web::Path<String>,
    posted: Posted<DecideForm>,
) -> Result<HttpResponse, Problem> {
    let (reference, typed) = (path.into_inner(), posted.form);
    let (book, by, named) = (sees.book.clone(), sees.who.by(), reference.clone());
    let t = sees.who.t;
    let new = read_decision(&reference, &typed, t);
    let outcome = site
        .change(move |db| {
            let refused = match new {
                Ok(new) => match told(complaint::decide(db, &book.lender.code, &new, &by), t)? {
                    Ok(_) => return Ok(None),
                    Err(fault) => fault,
                },
                Err(fault) => fault,
            };
            Ok(Some((refused, crate::db::read(db, |db| find(db, &book, &named))?)))
        })
        .await?;
    match outcome {
        None => Ok(to_case(&reference)),
        Some((fault, found)) => {
            draw(&sees.who, &sees.book, StatusCode::UNPROCESSABLE_ENTITY, found, typed, Some(fault))
        }
    }
}

fn read_decision(reference: &str, typed: &DecideForm, t: Lang) -> Result<NewDecision, String> {
    let corrects = filled(&typed.corrects).map(|number| number.parse::<i64>()).transpose();
    Ok(NewDecision {
        reference: reference.to_string(),
        upheld: match typed.upheld.as_str() {
            "yes" => true,
            "no" => false,
            _ => return Err(t.give_decision().to_string()),
        },
        on: day(&typed.on, t.decided_on(), t)?,
        text: filled(&typed.text).ok_or_else(|| t.give_decision_text().to_string())?,
        deduction: filled(&typed.deduction),
        corrects: corrects.map_err(|_| format!("\"{}\" is no decision", typed.corrects))?,
    })
}
