//! Acting on placements: one page says what will happen, to which accounts and for how much; its form carries out exactly
//! that, and one that is sent twice is carried out once. A form that comes to anything else than what was shown, because
//! it was changed or the book was, is shown again instead.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::NaiveDate;

use crate::ambient;
use crate::audit::{self, By};
use crate::db::{Db, keys_json, write};
use crate::hold::HoldKind;
use crate::hold::change::{Change, HoldRefusal, Holding, change_within, left_alone};
use crate::identity::form_store;
use crate::kernel::Money;
use crate::kernel::calendar::{parse_date, plus_days};
use crate::kernel::digest;
use crate::party::Lang;
use crate::placement::life::{self, Taker};
use crate::placement::step::{Named, take_within};
use crate::placement::{Move, Placement, PlacementError, check_open, store};
use crate::position;
use crate::web::Site;
use crate::web::form::Posted;
use crate::web::identity::who::{Acting, Book, Known, Sees};
use crate::web::link::{self, Link, is_local};
use crate::web::list::{self, Cell, Choice};
use crate::web::page::{Chip, Figure, Page};
use crate::web::problem::Problem;

/// The most accounts of one form: more go by the command line and a file.
const MOST: usize = 500;
/// Accounts named in what a page says afterwards.
const NAMED: usize = 10;

/// What a form's fields are called and hold, in the order they were sent.
pub(in crate::web) type Pairs = Vec<(String, String)>;

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::web) enum Act {
    /// 撤案
    Recall,
    /// 立即撤案
    RecallNow,
    /// 决定撤案
    DecideRecall,
    /// 决定退案
    DecideReturn,
    /// 决定留案
    DecideRetention,
    /// 申请留案
    Retain,
    /// 转让
    Transfer,
    /// 停催
    HoldOpen,
    /// 解除停催
    HoldEnd,
    /// 确认停催
    Acknowledge,
    /// 提出异议
    Object,
    /// 申请退案
    Return,
}

/// The acts by the names that forms and URLs give them.
const ACTS: [(&str, Act); 12] = [
    ("recall", Act::Recall),
    ("recall-now", Act::RecallNow),
    ("decide-recall", Act::DecideRecall),
    ("decide-return", Act::DecideReturn),
    ("decide-retention", Act::DecideRetention),
    ("retain", Act::Retain),
    ("transfer", Act::Transfer),
    ("hold-open", Act::HoldOpen),
    ("hold-end", Act::HoldEnd),
    ("acknowledge", Act::Acknowledge),
    ("object", Act::Object),
    ("return", Act::Return),
];

impl Act {
    fn parse(name: &str) -> Option<Act> {
        ACTS.iter().find(|(known, _)| *known == name).map(|(_, act)| *act)
    }

    fn name(self) -> &'static str {
        ACTS.iter().find(|(_, act)| *act == self).map_or("", |(name, _)| name)
    }

    /// Whether people of a lender do it, or people of an agency.
    fn is_of(self, book: &Book) -> bool {
        match self {
            Act::Retain => true,
            Act::Acknowledge | Act::Object | Act::Return => book.agency.is_some(),
            _ => book.agency.is_none(),
        }
    }

    fn title(self, t: Lang) -> &'static str {
        match self {
            Act::Recall => t.act_recall(),
            Act::RecallNow => t.act_recall_now(),
            Act::DecideRecall => t.act_decide_recall(),
            Act::DecideReturn => t.act_decide_return(),
            Act::DecideRetention => t.act_decide_retention(),
            Act::Retain => t.act_retain(),
            Act::Transfer => t.act_transfer(),
            Act::HoldOpen => t.act_hold_open(),
            Act::HoldEnd => t.act_hold_end(),
            Act::Acknowledge => t.act_acknowledge(),
            Act::Object => t.act_object(),
            Act::Return => t.act_return(),
        }
    }

    /// What will happen, before it does.
    fn will(self, t: Lang) -> &'static str {
        match self {
            Act::Recall => t.will_recall(),
            Act::RecallNow => t.will_recall_now(),
            Act::DecideRecall => t.will_decide_recall(),
            Act::DecideReturn => t.will_decide_return(),
            Act::DecideRetention => t.will_decide_retention(),
            Act::Retain => t.will_retain(),
            Act::Transfer => t.will_transfer(),
            Act::HoldOpen => t.will_hold_open(),
            Act::HoldEnd => t.will_hold_end(),
            Act::Acknowledge => t.will_acknowledge(),
            Act::Object => t.will_object(),
            Act::Return => t.will_return(),
        }
    }

    fn takes_code(self) -> bool {
        matches!(self, Act::Recall | Act::RecallNow | Act::Transfer)
    }

    fn takes_reason(self) -> bool {
        !self.takes_code() && self != Act::Acknowledge
    }

    fn needs_reason(self) -> bool {
        self.takes_reason() && !self.decides()
    }

    fn takes_until(self) -> bool {
        matches!(self, Act::Retain | Act::HoldOpen)
    }

    fn decides(self) -> bool {
        matches!(self, Act::DecideRecall | Act::DecideReturn | Act::DecideRetention)
    }

    fn holds(self) -> bool {
        matches!(self, Act::HoldOpen | Act::HoldEnd)
    }

    /// The decisions to choose from: what the form carries, and the word.
    fn outcomes(self, t: Lang) -> [(&'static str, &'static str); 2] {
        match self {
            Act::DecideRecall => [("yes", t.outcome_upheld()), ("no", t.outcome_withdrawn())],
            Act::DecideReturn => [("yes", t.outcome_accepted()), ("no", t.outcome_declined())],
            _ => [("yes", t.outcome_approved()), ("no", t.outcome_declined())],
        }
    }
}

/// A button that leads to the page of an act.
pub(in crate::web) struct Button {
    /// The act's name.
    pub name: &'static str,
    /// What it is called.
    pub label: &'static str,
}

/// The buttons of some acts, as far as this person may act and the organisation does them.
pub(in crate::web) fn buttons(who: &Known, book: &Book, acts: &[Act]) -> Vec<Button> {
    use crate::identity::Permission::{ActOnOwnPlacements, ActOnPlacements};
    let may = who.may(if book.agency.is_some() { ActOnOwnPlacements } else { ActOnPlacements });
    let shown = acts.iter().filter(|act| may && act.is_of(book));
    shown.map(|act| Button { name: act.name(), label: act.title(who.t) }).collect()
}

/// What was typed.
#[derive(Clone, Default)]
struct Typed {
    act: String,
    accounts: Vec<String>,
    on: String,
    code: String,
    reason: String,
    until: String,
    outcome: String,
    kind: String,
    key: String,
    back: String,
    /// What was shown, as [`seen`] digests it.
    seen: String,
    /// Whether only a look is asked for.
    look: bool,
}

impl Typed {
    fn read(pairs: &Pairs) -> Typed {
        let mut typed = Typed::default();
        for (name, value) in pairs {
            let value = value.trim().to_string();
            match name.as_str() {
                "account" if !typed.accounts.contains(&value) && typed.accounts.len() < MOST => {
                    typed.accounts.push(value)
                }
                "do" => typed.act = value,
                "on" => typed.on = value,
                "code" => typed.code = value,
                "reason" => typed.reason = value,
                "until" => typed.until = value,
                "outcome" => typed.outcome = value,
                "kind" => typed.kind = value,
                "key" => typed.key = value,
                "back" => typed.back = value,
                "seen" => typed.seen = value,
                "look" => typed.look = !value.is_empty(),
                _ => {}
            }
        }
        typed
    }

    /// The page to come back to.
    fn back(&self, book: &Book) -> String {
        let usual = || Link::to("/requests").with("lender", &book.lender.code).url();
        if is_local(&self.back) { self.back.clone() } else { usual() }
    }

    fn on(&self) -> Option<NaiveDate> {
        parse_date(&self.on)
    }

    /// What is wanted, or what is wrong with what was typed.
    fn wanted(&self, act: Act, t: Lang) -> Result<Wanted<'_>, String> {
        let day =
            |text: &str| parse_date(text).ok_or_else(|| format!("{} \"{text}\"", t.refused_day()));
        let missing = |what: &str| format!("{} {what}", t.act_missing());
        let on = day(&self.on)?;
        if act.takes_code() && self.code.is_empty() {
            return Err(missing(t.act_code()));
        }
        if act.needs_reason() && self.reason.is_empty() {
            return Err(missing(t.reason()));
        }
        let granted = match self.outcome.as_str() {
            "yes" => true,
            "no" => false,
            _ if act.decides() => return Err(missing(t.decision())),
            _ => false,
        };
        let why = (!self.reason.is_empty()).then_some(self.reason.as_str());
        let holding = |change| {
            let kind = HoldKind::parse(&self.kind).ok_or_else(|| missing(t.kind()))?;
            Ok(Wanted::Hold(Holding { change, kind, reason: &self.reason, on }))
        };
        Ok(Wanted::Step(match act {
            Act::Recall => Move::RequestRecall(&self.code),
            Act::RecallNow => Move::RecallAtOnce(&self.code),
            Act::DecideRecall => Move::DecideRecall(granted, why),
            Act::DecideReturn => Move::DecideReturn(granted, why),
            Act::DecideRetention => Move::DecideRetention(granted, why),
            Act::Retain => Move::AskRetention(day(&self.until)?, &self.reason),
            Act::Transfer => Move::Transfer(&self.code),
            Act::Acknowledge => Move::Acknowledge,
            Act::Object => Move::Object(&self.reason),
            Act::Return => Move::AskReturn(&self.reason),
            Act::HoldOpen if self.until.is_empty() => return holding(Change::Open(None)),
            Act::HoldOpen => return holding(Change::Open(Some(day(&self.until)?))),
            Act::HoldEnd => return holding(Change::End),
        }))
    }
}

/// What a form asks the book to do.
enum Wanted<'a> {
    Step(Move<'a>),
    Hold(Holding<'a>),
}

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
    cannot: String,
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
    let can = || rows.iter().filter(|row| row.cannot.is_empty());
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
/// what is owed on them. Words typed into the form are not in it.
fn seen(act: Act, typed: &Typed, rows: &[Row]) -> String {
    let until = if act.takes_until() { typed.until.as_str() } else { "" };
    let mut text = format!("{}\n{}\n{until}", act.name(), typed.on);
    for (account_no, row) in typed.accounts.iter().zip(rows) {
        text.push_str(&format!("\n{}\t{}\t{account_no}", row.cannot.is_empty(), row.owed.0));
    }
    digest::sha256(text.as_bytes())
}

/// Why nothing can be done on the day, when its month is closed.
fn closed(db: &mut Db, book: &Book, typed: &Typed, t: Lang) -> Result<Option<String>, Problem> {
    let Some(on) = typed.on() else { return Ok(None) };
    match check_open(&audit::book(db, &book.lender.code)?, on) {
        Err(PlacementError::ClosedMonth(_, open)) => {
            Ok(Some(format!("{} {open}", t.refused_closed_month())))
        }
        _ => Ok(None),
    }
}

/// The accounts as they stand; one that is not this organisation's is not found.
fn rows(db: &mut Db, book: &Book, typed: &Typed, act: Act, t: Lang) -> Result<Vec<Row>, Problem> {
    let lender = &book.lender.code;
    let positions = position::load(db, lender, typed.accounts.iter().map(String::as_str))?;
    let placements =
        store::of_accounts(db, lender, &keys_json(typed.accounts.iter().map(String::as_str)))?;
    let taker =
        Taker { agency: book.agency.as_deref(), on: typed.on().unwrap_or_else(|| book.today()) };
    let held = not_held(db, lender, typed, act)?;
    let mut rows = Vec::with_capacity(typed.accounts.len());
    for account_no in &typed.accounts {
        let position = positions.get(account_no).ok_or(Problem::NotFound)?;
        let own: Vec<&Placement> =
            placements.iter().filter(|one| one.account_no == *account_no).collect();
        let active = own.iter().find(|one| one.closed_on.is_none());
        let holds = |agency: &String| {
            active.is_some_and(|one| one.assignee == *agency && one.holds_on(book.today()))
        };
        if !book.agency.as_ref().is_none_or(holds) {
            return Err(Problem::NotFound);
        }
        rows.push(Row {
            account: Cell::link(
                account_no,
                if book.agency.is_some() { String::new() } else { link::account(account_no) },
            ),
            assignee: active.map_or_else(|| t.house().to_string(), |one| one.assignee.clone()),
            expires_on: active.map(|one| one.expires_on.to_string()).unwrap_or_default(),
            pending: active
                .map(|one| crate::web::placement::placements::pending(t, one))
                .unwrap_or_default(),
            owed: position.owed_known(),
            shown: list::money(position.owed_known(), book.lender.currency),
            cannot: match held.get(account_no) {
                Some(refusal) => refusal.words(t),
                None => cannot(&own, act, typed, taker)
                    .map(|refusal| refusal.words(t))
                    .unwrap_or_default(),
            },
        });
    }
    Ok(rows)
}

/// The accounts on which a hold of the chosen type is neither opened nor ended, with the reason.
fn not_held(
    db: &mut Db,
    lender: &str,
    typed: &Typed,
    act: Act,
) -> Result<HashMap<String, HoldRefusal>, Problem> {
    let (Some(kind), Some(on), true) = (HoldKind::parse(&typed.kind), typed.on(), act.holds())
    else {
        return Ok(HashMap::new());
    };
    let change = if act == Act::HoldEnd { Change::End } else { Change::Open(None) };
    let accounts: Vec<(Option<u64>, String)> =
        typed.accounts.iter().map(|no| (None, no.clone())).collect();
    let refused = left_alone(db, lender, &accounts, Holding { change, kind, reason: "", on })?;
    Ok(refused.into_iter().map(|one| (one.account_no, one.reason)).collect())
}

/// Why an act cannot be done on an account, as far as it can be told before the form is filled in.
fn cannot(own: &[&Placement], act: Act, typed: &Typed, taker: Taker<'_>) -> Option<life::Refusal> {
    let spans: Vec<_> = own.iter().map(|one| &one.span).collect();
    if act.holds() {
        return None;
    }
    let index = match life::running(&spans, taker) {
        Ok(index) => index,
        Err(refusal) => return Some(refusal),
    };
    let until = parse_date(&typed.until).unwrap_or_else(|| plus_days(own[index].expires_on, 1));
    let wanted = match act {
        Act::Recall => Move::RequestRecall(&typed.code),
        Act::RecallNow | Act::HoldOpen | Act::HoldEnd => Move::RecallAtOnce(&typed.code),
        Act::DecideRecall => Move::DecideRecall(typed.outcome != "no", None),
        Act::DecideReturn => Move::DecideReturn(true, None),
        Act::DecideRetention => Move::DecideRetention(typed.outcome != "no", None),
        Act::Retain => Move::AskRetention(until, ""),
        Act::Transfer => Move::Transfer(&typed.code),
        Act::Acknowledge => Move::Acknowledge,
        Act::Object => Move::Object(""),
        Act::Return => Move::AskReturn(""),
    };
    life::next(&own[index].span, &own[index].life(), wanted, taker, 1).err()
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
    if let Err(fault) = typed.wanted(act, t) {
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
    let wanted = typed.wanted(act, t).map_err(Stopped::Refused)?;
    let named = Named::Accounts(&typed.accounts);
    let refused = |error: PlacementError| refused(t, error);
    let accounts = named.read().map_err(refused)?;
    let (done, left): (usize, Vec<String>) = match wanted {
        Wanted::Step(wanted) => {
            let taker =
                Taker { agency: book.agency.as_deref(), on: typed.on().unwrap_or_default() };
            let done =
                take_within(db, lender, &named, accounts, wanted, taker, by).map_err(refused)?;
            let left = done
                .refused
                .iter()
                .map(|one| format!("{} {}", one.account_no, one.reason.words(t)));
            (done.taken, left.collect())
        }
        Wanted::Hold(holding) => {
            let done =
                change_within(db, lender, &named, &accounts, holding, by).map_err(refused)?;
            let left = done
                .refused
                .iter()
                .map(|one| format!("{} {}", one.account_no, one.reason.words(t)));
            (done.done, left.collect())
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

/// A refusal of the book in the page's language.
fn refused(t: Lang, error: PlacementError) -> Stopped {
    match error {
        PlacementError::Db(error) => Stopped::Failed(error.into()),
        other => Stopped::Refused(other.words(t)),
    }
}

/// Whether a text can be the key of a form.
pub(in crate::web) fn is_key(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// A page with the key of the form it shall tell of.
pub(in crate::web) fn told_at(page: &str, key: &str) -> String {
    let (path, query) = page.split_once('?').unwrap_or((page, ""));
    let kept: Vec<&str> =
        query.split('&').filter(|part| !part.is_empty() && !part.starts_with("done=")).collect();
    let joint = if kept.is_empty() { String::new() } else { format!("{}&", kept.join("&")) };
    format!("{path}?{joint}done={key}")
}

/// What became of the form whose key a page carries.
pub(in crate::web) fn told(
    db: &mut Db,
    book: &Book,
    login: &str,
    key: &str,
) -> Result<Option<String>, Problem> {
    if key.is_empty() {
        return Ok(None);
    }
    Ok(form_store::outcome(db, &book.lender.code, login, key)?)
}
