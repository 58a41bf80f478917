//! The page of an act: it says what will happen, to which accounts and for how much; its form carries out exactly that, and
//! one that is sent twice is carried out once. A form that comes to anything else than what was shown, because it was
//! changed or the book was, is shown again instead.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, web};
use askama::Template;

use crate::ambient;
use crate::audit::{self, By};
use crate::db::{Db, keys_json, write};
use crate::hold::HoldKind;
use crate::hold::change::{HoldError, change_within, left_alone};
use crate::identity::form_store;
use crate::kernel::Money;
use crate::kernel::calendar::parse_date;
use crate::kernel::digest;
use crate::party::Lang;
use crate::placement::preview::Preview;
use crate::placement::step::{Selection, take_within};
use crate::placement::transition::Effect;
use crate::placement::{PlacementError, store};
use crate::portfolio::named::{Named, NamedAccount};
use crate::position;
use crate::web::Site;
use crate::web::form::Posted;
use crate::web::identity::who::{Acting, Book, Sees};
use crate::web::link::{self, Link};
use crate::web::list::{self, Cell, Choice};
use crate::web::once::{is_key, told_at};
use crate::web::page::{Chip, Figure, Page};
use crate::web::placement::act::Act;
use crate::web::placement::act_form::{Pairs, Typed, Wanted};
use crate::web::problem::Problem;

/// Accounts named in what a page says afterwards.
const NAMED: usize = 10;

/// Why a form was not carried out.
enum Stopped {
    Refused(String),
    /// It would not do what was shown.
    Changed,
    Failed(Problem),
}

/// What a page says before its form.
enum Said {
    Nothing,
    Fault(String),
    Changed,
}

impl From<diesel::result::Error> for Stopped {
    fn from(error: diesel::result::Error) -> Stopped {
        Stopped::Failed(error.into())
    }
}

/// An account the form is about.
struct Row {
    account: Cell,
    assignee: String,
    expires_on: String,
    pending: Vec<Chip>,
    owed: Money,
    shown: String,
    /// What becomes of it, or why nothing does.
    outcome: Result<Effect, String>,
    /// The same in words: what becomes of it.
    effect: String,
    /// And why nothing does.
    cannot: String,
}

/// What becomes of a placement, in words; of a decision that says what was decided.
fn effect(act: Act, outcome: &Result<Effect, String>, t: Lang) -> String {
    match outcome {
        _ if act.decides() => String::new(),
        Ok(Effect::Closes(reason)) => format!("{} {}", t.effect_closes(), reason.word(t)),
        Ok(Effect::RecalledOn(day)) => format!("{} {day}", t.effect_recalled()),
        Ok(Effect::LastsUntil(day)) => format!("{} {day}", t.new_last_day()),
        Ok(Effect::GoesOn) | Err(_) => String::new(),
    }
}

#[derive(Template)]
#[template(path = "web/act.html")]
struct Body {
    t: Lang,
    currency: String,
    csrf: String,
    action: String,
    act: Option<Act>,
    typed: Typed,
    back: String,
    will: &'static str,
    fault: Option<String>,
    changed: bool,
    ready: bool,
    seen: String,
    figures: Vec<Figure>,
    outcomes: Vec<Choice>,
    kinds: Vec<Choice>,
    rows: Vec<Row>,
}

pub(in crate::web) async fn show(
    site: web::Data<Site>,
    sees: Sees<Acting>,
    asked: web::Query<Pairs>,
) -> Result<HttpResponse, Problem> {
    let mut typed = Typed::read(&asked);
    if typed.on().is_none() {
        typed.on = sees.book.today().to_string();
    }
    typed.key = hex::encode(ambient::random_bytes::<16>());
    draw(&site, &sees, typed, Said::Nothing).await
}

/// The act that is asked for; an act that is not this organisation's is not found, none at all is an empty page.
fn act_of(book: &Book, typed: &Typed) -> Result<Option<Act>, Problem> {
    if typed.act.is_empty() {
        return Ok(None);
    }
    Act::parse(&typed.act).filter(|act| act.is_of(book)).map(Some).ok_or(Problem::NotFound)
}

async fn draw(
    site: &Site,
    sees: &Sees<Acting>,
    typed: Typed,
    said: Said,
) -> Result<HttpResponse, Problem> {
    let (t, currency) = (sees.who.t, sees.book.lender.currency);
    let act = act_of(&sees.book, &typed)?;
    let (book, asked) = (sees.book.clone(), typed.clone());
    let (rows, closed) = match act {
        Some(act) => {
            site.read(move |db| {
                Ok((rows(db, &book, &asked, act, t)?, closed(db, &book, &asked, t)?))
            })
            .await?
        }
        None => (Vec::new(), None),
    };
    let can = || rows.iter().filter(|row| row.outcome.is_ok());
    let count = |number: usize| list::count(crate::kernel::count(number));
    let figures = vec![
        Figure::new(t.act_accounts(), count(can().count()), ""),
        Figure::new(
            format!("{} ({currency})", t.owed_now()),
            list::money(can().map(|row| row.owed).sum(), currency),
            "",
        ),
        Figure::new(t.act_left(), count(rows.len() - can().count()), ""),
    ];
    let outcomes =
        act.filter(|act| act.decides()).map(|act| act.outcomes(t).to_vec()).unwrap_or_default();
    let changed = matches!(said, Said::Changed) && closed.is_none();
    let status = match said {
        Said::Nothing => StatusCode::OK,
        Said::Changed if changed => StatusCode::CONFLICT,
        Said::Changed | Said::Fault(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let until_missing = act == Some(Act::Retain) && parse_date(&typed.until).is_none();
    let ready = can().count() > 0 && closed.is_none() && typed.on().is_some() && !until_missing;
    let body = Body {
        t,
        currency: currency.to_string(),
        csrf: sees.who.session.csrf.clone(),
        action: Link::to("/placements/act").with("lender", &sees.book.lender.code).url(),
        act,
        back: typed.back(&sees.book),
        will: act.map_or("", |act| act.will(t)),
        fault: match said {
            Said::Fault(fault) => Some(fault),
            _ => closed,
        },
        changed,
        ready,
        seen: act.map(|act| seen(act, &typed, &rows)).unwrap_or_default(),
        figures,
        outcomes: outcomes
            .into_iter()
            .map(|(value, word)| Choice::new(value, word, &typed.outcome))
            .collect(),
        kinds: HoldKind::ALL
            .iter()
            .copied()
            .map(|kind| Choice::new(kind.name(), t.hold_kind(kind), &typed.kind))
            .collect(),
        rows,
        typed,
    };
    let title = act.map_or_else(|| t.nav_requests(), |act| act.title(t));
    Page::new(&sees.who, title).under(t.nav_placements(), "/placements").show_as(status, &body)
}

/// What a page shows of what will be done, in one text: the act, its days, the accounts, to which of them it applies and
/// what is owed on them. Words typed into the form are not in it, but what they come to.
fn seen(act: Act, typed: &Typed, rows: &[Row]) -> String {
    let until = if act.takes_until() { typed.until.as_str() } else { "" };
    let mut text = format!("{}\n{}\n{until}", act.name(), typed.on);
    for (account_no, row) in typed.accounts.iter().zip(rows) {
        let outcome = match &row.outcome {
            Ok(_) if act.decides() => "decided".to_string(),
            Ok(effect) => format!("{effect:?}"),
            Err(_) => "left alone".to_string(),
        };
        text.push_str(&format!("\n{outcome}\t{}\t{account_no}", row.owed.0));
    }
    digest::sha256(text.as_bytes())
}

/// Why nothing can be done on the day, when its month is closed.
fn closed(db: &mut Db, book: &Book, typed: &Typed, t: Lang) -> Result<Option<String>, Problem> {
    let Some(on) = typed.on() else { return Ok(None) };
    let closed = audit::book(db, &book.lender.code)?.check_open(on).err();
    Ok(closed.map(|month| month.words(t)))
}

/// The accounts as they stand; one that is not this organisation's is not found.
fn rows(db: &mut Db, book: &Book, typed: &Typed, act: Act, t: Lang) -> Result<Vec<Row>, Problem> {
    let lender = &book.lender.code;
    let positions = position::load(db, lender, typed.accounts.iter().map(String::as_str))?;
    let placements =
        store::of_accounts(db, lender, &keys_json(typed.accounts.iter().map(String::as_str)))?;
    let mut foreseen = foreseen(db, book, typed, act, t)?;
    let mut rows = Vec::with_capacity(typed.accounts.len());
    for account_no in &typed.accounts {
        let position = positions.get(account_no).ok_or(Problem::NotFound)?;
        let active =
            placements.iter().find(|one| one.account_no == *account_no && one.closed_on.is_none());
        let holds = |agency: &String| {
            active.is_some_and(|one| one.assignee == *agency && one.holds_on(book.today()))
        };
        if !book.agency.as_ref().is_none_or(holds) {
            return Err(Problem::NotFound);
        }
        let href = if book.agency.is_some() { String::new() } else { link::account(account_no) };
        let outcome = foreseen.remove(account_no).unwrap_or(Ok(Effect::GoesOn));
        rows.push(Row {
            account: Cell::link(account_no, href),
            assignee: active.map_or_else(|| t.house().to_string(), |one| one.assignee.clone()),
            expires_on: active.map(|one| one.expires_on.to_string()).unwrap_or_default(),
            pending: active
                .map(|one| crate::web::placement::placements::pending(t, one))
                .unwrap_or_default(),
            owed: position.owed_known(),
            shown: list::money(position.owed_known(), book.lender.currency),
            effect: effect(act, &outcome, t),
            cannot: outcome.as_ref().err().cloned().unwrap_or_default(),
            outcome,
        });
    }
    Ok(rows)
}

/// What the form would do to each account, as far as it can be told before it is filled in: what the verbs would do.
fn foreseen(
    db: &mut Db,
    book: &Book,
    typed: &Typed,
    act: Act,
    t: Lang,
) -> Result<HashMap<String, Result<Effect, String>>, Problem> {
    let (lender, on) = (&book.lender.code, typed.on().unwrap_or_else(|| book.today()));
    let named: Vec<NamedAccount> = typed.accounts.iter().map(|one| NamedAccount::of(one)).collect();
    if let Some(step) = typed.step(act, book, on) {
        let preview = Preview::begin(db, lender, &step)?;
        let foreseen = preview.of_accounts(db, &named)?.into_iter();
        return Ok(foreseen
            .map(|one| {
                let outcome = one.outcome.map(|(_, next)| next.effect());
                (one.account_no, outcome.map_err(|refusal| refusal.words(t)))
            })
            .collect());
    }
    let Some(holding) = typed.on().and_then(|on| typed.holding(act, on)) else {
        return Ok(HashMap::new());
    };
    let refused = left_alone(db, lender, &named, holding)?.into_iter();
    Ok(refused.map(|one| (one.account_no, Err(one.reason.words(t)))).collect())
}

pub(in crate::web) async fn carry_out(
    site: web::Data<Site>,
    sees: Sees<Acting>,
    posted: Posted<Pairs>,
) -> Result<HttpResponse, Problem> {
    let typed = Typed::read(&posted.form);
    let t = sees.who.t;
    let act = act_of(&sees.book, &typed)?.ok_or(Problem::NotFound)?;
    if typed.accounts.is_empty() {
        return draw(&site, &sees, typed, Said::Fault(t.act_nothing().to_string())).await;
    }
    if !is_key(&typed.key) {
        return Err(Problem::Forged);
    }
    if typed.look {
        return draw(&site, &sees, typed, Said::Nothing).await;
    }
    if let Err(fault) = typed.wanted(act, &sees.book, t) {
        return draw(&site, &sees, typed, Said::Fault(fault)).await;
    }
    let (book, by, asked) = (sees.book.clone(), sees.who.by(), typed.clone());
    let carried = site
        .change(move |db| {
            Ok(write(db, &book.lender.code.clone(), |db| carry(db, &book, &asked, act, t, &by)))
        })
        .await?;
    match carried {
        Ok(()) => {
            let back = told_at(&typed.back(&sees.book), &typed.key);
            Ok(HttpResponse::SeeOther().insert_header((LOCATION, back)).finish())
        }
        Err(Stopped::Refused(why)) => draw(&site, &sees, typed, Said::Fault(why)).await,
        Err(Stopped::Changed) => draw(&site, &sees, typed, Said::Changed).await,
        Err(Stopped::Failed(problem)) => Err(problem),
    }
}

/// Carries a form out inside the writer's transaction, unless it was before.
fn carry(
    db: &mut Db,
    book: &Book,
    typed: &Typed,
    act: Act,
    t: Lang,
    by: &By,
) -> Result<(), Stopped> {
    let lender = &book.lender.code;
    if form_store::outcome(db, lender, &by.actor, &typed.key)?.is_some() {
        return Ok(());
    }
    // What is not this organisation's is not found, whatever the form says.
    let rows = rows(db, book, typed, act, t).map_err(Stopped::Failed)?;
    if seen(act, typed, &rows) != typed.seen {
        return Err(Stopped::Changed);
    }
    let wanted = typed.wanted(act, book, t).map_err(Stopped::Refused)?;
    let named = Named::Accounts(&typed.accounts);
    let accounts = named.read().map_err(|error| Stopped::Refused(error.words(t)))?;
    let (done, left): (usize, Vec<String>) = match wanted {
        Wanted::Step(step) => {
            let selection = Selection::Named(named);
            let done = take_within(db, lender, &selection, &accounts, &step, by)
                .map_err(|error| step_refused(t, error))?;
            let left = done.refused.iter();
            let words = left.map(|one| format!("{} {}", one.account_no, one.reason.words(t)));
            (done.taken, words.collect())
        }
        Wanted::Hold(holding) => {
            let done = change_within(db, lender, &named, &accounts, holding, by)
                .map_err(|error| hold_refused(t, error))?;
            let left = done.refused.iter();
            let words = left.map(|one| format!("{} {}", one.account_no, one.reason.words(t)));
            (done.done, words.collect())
        }
    };
    let more = if left.len() > NAMED { "; …" } else { "" };
    let named = format!(
        "{} {}{more}",
        t.act_not_done(),
        left.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ")
    );
    if done == 0 {
        return Err(Stopped::Refused(named));
    }
    let mut told = format!("{} – {} {done}", act.title(t), t.act_done());
    if !left.is_empty() {
        told.push_str(&format!(" · {named}"));
    }
    Ok(form_store::keep(db, lender, &by.actor, &typed.key, &told, &by.at)?)
}

/// A refusal of a step in the page's language.
fn step_refused(t: Lang, error: PlacementError) -> Stopped {
    match error {
        PlacementError::Db(error) => Stopped::Failed(error.into()),
        other => Stopped::Refused(other.words(t)),
    }
}

/// A refusal of a change of holds in the page's language.
fn hold_refused(t: Lang, error: HoldError) -> Stopped {
    match error {
        HoldError::Db(error) => Stopped::Failed(error.into()),
        HoldError::Placement(error) => step_refused(t, error),
        other => Stopped::Refused(other.words(t)),
    }
}
