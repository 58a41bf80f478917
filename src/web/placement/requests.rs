//! What waits for somebody (待办): objections to recalls, returns and retentions for the lender, pending recalls for the
//! agencies. A lender's people see all, an agency's their own.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::NaiveDate;
use serde::Deserialize;

use crate::db::{Db, keys_json};
use crate::kernel::Money;
use crate::party::{self, Lang};
use crate::placement::{Placement, step_store, store};
use crate::portfolio::StatedBalance;
use crate::position::{self, Position};
use crate::web::Site;
use crate::web::identity::who::{Book, Placements, Sees};
use crate::web::link::{self, Link};
use crate::web::list::{self, Cell, Choice, Pager, ROWS, Tab};
use crate::web::once;
use crate::web::page::Page;
use crate::web::placement::act::{Act, Button, buttons};
use crate::web::problem::Problem;

/// What the URL asks for.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Asked {
    lender: String,
    state: String,
    assignee: String,
    after: String,
    done: String,
}

/// What a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Objections,
    Returns,
    Retentions,
    Recalls,
}

const STATES: [(&str, State); 4] = [
    ("objections", State::Objections),
    ("returns", State::Returns),
    ("retentions", State::Retentions),
    ("recalls", State::Recalls),
];

/// One request as it waits.
struct Request {
    since: NaiveDate,
    by: String,
    reason: String,
    until: Option<NaiveDate>,
    note: String,
}

impl State {
    fn word(self, t: Lang) -> &'static str {
        match self {
            State::Objections => t.tab_objections(),
            State::Returns => t.tab_returns(),
            State::Retentions => t.tab_retentions(),
            State::Recalls => t.tab_recalls(),
        }
    }

    /// What the day beside a request is.
    fn until_word(self, t: Lang) -> &'static str {
        match self {
            State::Retentions => t.new_last_day(),
            _ => t.object_by(),
        }
    }

    /// What may be done about it.
    fn acts(self) -> &'static [Act] {
        match self {
            State::Objections => &[Act::DecideRecall, Act::Acknowledge],
            State::Returns => &[Act::DecideReturn],
            State::Retentions => &[Act::DecideRetention],
            State::Recalls => &[Act::DecideRecall, Act::Acknowledge, Act::Object],
        }
    }

    /// A placement's request of this kind, while it waits.
    fn of(self, t: Lang, placement: &Placement) -> Option<Request> {
        let life = placement.life();
        let by = |agency: &Option<String>| agency.clone().unwrap_or_else(|| t.lender().to_string());
        let stopped = |on: Option<NaiveDate>| {
            on.map(|on| format!("{} {on}", t.acknowledged())).unwrap_or_default()
        };
        match self {
            State::Objections => {
                let recall = life.recall?;
                let asked = recall.objection?;
                let note = format!(
                    "{} {}: {} {}",
                    t.step_recall_request(),
                    recall.requested_on,
                    recall.reason,
                    stopped(recall.acknowledged_on)
                );
                Some(Request {
                    since: asked.on,
                    by: by(&asked.agency),
                    reason: asked.reason,
                    until: Some(recall.object_by),
                    note,
                })
            }
            State::Recalls => {
                let recall = life.recall.filter(|recall| recall.objection.is_none())?;
                let note = stopped(recall.acknowledged_on);
                Some(Request {
                    since: recall.requested_on,
                    by: by(&None),
                    reason: recall.reason,
                    until: Some(recall.object_by),
                    note,
                })
            }
            State::Returns => {
                let asked = life.returning?;
                Some(Request {
                    since: asked.on,
                    by: by(&asked.agency),
                    reason: asked.reason,
                    until: None,
                    note: String::new(),
                })
            }
            State::Retentions => {
                let retention = life.retention?;
                let (asked, until) = (retention.asked, Some(retention.until));
                Some(Request {
                    since: asked.on,
                    by: by(&asked.agency),
                    reason: asked.reason,
                    until,
                    note: String::new(),
                })
            }
        }
    }
}

struct Row {
    account_no: String,
    account: Cell,
    assignee: String,
    since: String,
    days: i64,
    by: String,
    reason: String,
    note: String,
    until: String,
    expires_on: String,
    owed: String,
}

#[derive(Template)]
#[template(path = "web/requests.html")]
struct Body {
    t: Lang,
    currency: String,
    lender: String,
    back: String,
    own: bool,
    told: Option<String>,
    books: Vec<Tab>,
    tabs: Vec<Tab>,
    assignees: Vec<Choice>,
    state: &'static str,
    until_word: &'static str,
    buttons: Vec<Button>,
    rows: Vec<Row>,
    owed: String,
    pager: Pager,
}

/// How many requests of each kind wait, and recalls whose agency has not said that contact stopped.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::web) struct Waiting {
    /// Objections to recalls.
    pub objections: usize,
    /// Returns asked for.
    pub returns: usize,
    /// Retentions asked for.
    pub retentions: usize,
    /// Recalls nobody has objected to.
    pub recalls: usize,
    /// Recalls not acknowledged.
    pub unacknowledged: usize,
}

impl Waiting {
    /// Counts what waits in a book: all of it for the lender, its own for an agency.
    pub fn load(db: &mut Db, book: &Book) -> Result<Waiting, Problem> {
        let mut waiting = Waiting::default();
        for one in asked_on(db, book, book.agency.as_deref())? {
            let life = one.life();
            waiting.returns += usize::from(life.returning.is_some());
            waiting.retentions += usize::from(life.retention.is_some());
            let Some(recall) = life.recall else { continue };
            waiting.objections += usize::from(recall.objection.is_some());
            waiting.recalls += usize::from(recall.objection.is_none());
            waiting.unacknowledged += usize::from(recall.acknowledged_on.is_none());
        }
        Ok(waiting)
    }
}

/// The tab of requests of a kind, as its URL.
pub(in crate::web) fn page_of(book: &Book, state: &str) -> String {
    Link::to("/requests").with("lender", &book.lender.code).with("state", state).url()
}

/// The active placements on which something was asked.
fn asked_on(db: &mut Db, book: &Book, assignee: Option<&str>) -> Result<Vec<Placement>, Problem> {
    let lender = &book.lender.code;
    let accounts = step_store::accounts_with_requests(db, lender, assignee)?;
    let mut placements =
        store::of_accounts(db, lender, &keys_json(accounts.iter().map(String::as_str)))?;
    // What is over is nobody's any more, whether or not it has been recorded; the lender has to record it.
    let is_told = |one: &Placement| match &book.agency {
        Some(agency) => one.assignee == *agency && one.holds_on(book.today()),
        None => one.closed_on.is_none(),
    };
    placements.retain(is_told);
    Ok(placements)
}

/// What the stores give: the placements with something asked, what is owed on them, what was just done.
struct Facts {
    placements: Vec<Placement>,
    assignees: Vec<party::Assignee>,
    told: Option<String>,
}

pub(in crate::web) async fn show(
    site: web::Data<Site>,
    sees: Sees<Placements>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let asked = asked.into_inner();
    let (t, currency) = (sees.who.t, sees.book.lender.currency);
    let (book, login, wanted) = (sees.book.clone(), sees.who.person.login.clone(), asked.clone());
    let facts = site.read(move |db| load(db, &book, &login, &wanted)).await?;
    let counts = STATES.map(|(name, state)| {
        (name, state, facts.placements.iter().filter(|one| state.of(t, one).is_some()).count())
    });
    let (name, state) = chosen(&asked.state, &counts);
    let link = |state: &str| {
        Link::to("/requests")
            .with("lender", &sees.book.lender.code)
            .with("state", state)
            .with("assignee", &asked.assignee)
    };
    let mut listed: Vec<(&Placement, Request)> = facts
        .placements
        .iter()
        .filter_map(|one| state.of(t, one).map(|request| (one, request)))
        .collect();
    listed.retain(|(one, _)| one.account_no > asked.after);
    let more = listed.len() > ROWS;
    listed.truncate(ROWS);
    let (book, accounts) = (
        sees.book.clone(),
        listed.iter().map(|(one, _)| one.account_no.clone()).collect::<Vec<_>>(),
    );
    let owed = site.read(move |db| owed(db, &book, &accounts)).await?;
    let next = listed
        .last()
        .filter(|_| more)
        .map(|(last, _)| link(name).with("after", &last.account_no).url());
    let body = Body {
        t,
        currency: currency.to_string(),
        lender: sees.book.lender.code.clone(),
        back: sees.who.here.clone(),
        own: sees.book.agency.is_some(),
        told: facts.told.clone(),
        books: crate::web::placement::placements::tabs(&sees, "/requests"),
        tabs: counts
            .map(|(one, word, count)| Tab {
                label: format!("{} {count}", word.word(t)),
                href: link(one).url(),
                current: one == name,
            })
            .into(),
        assignees: choices(&facts.assignees, &asked.assignee),
        state: name,
        until_word: state.until_word(t),
        buttons: buttons(&sees.who, &sees.book, state.acts()),
        owed: list::money(owed.iter().copied().sum(), currency),
        rows: listed
            .iter()
            .zip(&owed)
            .map(|((one, request), owed)| row(&sees.book, one, request, *owed))
            .collect(),
        pager: Pager { first: (!asked.after.is_empty()).then(|| link(name).url()), next },
    };
    Page::new(&sees.who, t.nav_requests()).show(&body)
}

/// The kind that is asked for; else the first that has something waiting.
fn chosen(wanted: &str, counts: &[(&'static str, State, usize)]) -> (&'static str, State) {
    let named = counts.iter().find(|(name, ..)| *name == wanted);
    let waiting = || counts.iter().find(|(.., count)| *count > 0);
    named.or_else(waiting).map_or(STATES[0], |(name, state, _)| (*name, *state))
}

fn choices(assignees: &[party::Assignee], chosen: &str) -> Vec<Choice> {
    let choice = |one: &party::Assignee| {
        Choice::new(&one.code, format!("{} {}", one.code, one.name), chosen)
    };
    assignees.iter().map(choice).collect()
}

fn load(db: &mut Db, book: &Book, login: &str, asked: &Asked) -> Result<Facts, Problem> {
    let lender = &book.lender.code;
    let chosen = (!asked.assignee.is_empty()).then_some(asked.assignee.as_str());
    let assignee = book.agency.as_deref().or(chosen);
    let placements = asked_on(db, book, assignee)?;
    let assignees =
        if book.agency.is_none() { party::store::assignees(db, lender)? } else { Vec::new() };
    Ok(Facts { placements, assignees, told: once::told(db, book, login, &asked.done)? })
}

/// What is owed on some accounts, in their order.
fn owed(db: &mut Db, book: &Book, accounts: &[String]) -> Result<Vec<Money>, Problem> {
    let positions = position::load(db, &book.lender.code, accounts.iter().map(String::as_str))?;
    Ok(accounts
        .iter()
        .map(|no| positions.get(no).map_or(Money::ZERO, Position::<StatedBalance>::owed_known))
        .collect())
}

fn row(book: &Book, one: &Placement, request: &Request, owed: Money) -> Row {
    let href = if book.agency.is_some() { String::new() } else { link::account(&one.account_no) };
    Row {
        account_no: one.account_no.clone(),
        account: Cell::link(&one.account_no, href),
        assignee: one.assignee.clone(),
        since: request.since.to_string(),
        days: (book.today() - request.since).num_days().max(0),
        by: request.by.clone(),
        reason: request.reason.clone(),
        note: request.note.clone(),
        until: list::day(request.until),
        expires_on: one.expires_on.to_string(),
        owed: list::money(owed, book.lender.currency),
    }
}
