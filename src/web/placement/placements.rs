//! The list of placements: all of a lender's, or the ones an agency holds now.

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::NaiveDate;
use serde::Deserialize;

use crate::db::{Db, read};
use crate::hold::{self, HoldKind};
use crate::identity::Permission;
use crate::kernel::calendar::parse_date;
use crate::party::{self, Lang};
use crate::placement::Placement;
use crate::placement::store::{self, PlacementFilter, PlacementSums};
use crate::portfolio::FileRow;
use crate::portfolio::personal::Key;
use crate::position::placements::{DOWNLOAD, Listed, OWN_PAGE, PAGE, Stopped};
use crate::position::{self, Position};
use crate::web::Site;
use crate::web::identity::who::{Book, Placements, Sees};
use crate::web::link::{self, Link};
use crate::web::list::{self, CHUNK, Choice, Pager, Tab, cut, one_more};
use crate::web::once;
use crate::web::page::{Chip, Figure, Page, Tone};
use crate::web::placement::act::{Act, Button, buttons};
use crate::web::placement::expire;
use crate::web::portfolio::accounts::masked_name;
use crate::web::problem::Problem;
use crate::web::sheet::{Sheet, attachment, file_name};
use crate::web::table::{Cell, Table};

/// What the URL asks for.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Asked {
    lender: String,
    assignee: String,
    state: String,
    batch: String,
    /// Run out before this day; today when not given.
    on: String,
    before: String,
    done: String,
}

impl Asked {
    fn link(&self, path: &str) -> Link {
        let link = Link::to(path).with("lender", &self.lender).with("assignee", &self.assignee);
        link.with("state", &self.state).with("batch", &self.batch).with("on", &self.on)
    }

    /// An agency sees what it holds now, whatever the URL asks for.
    fn filter(&self, book: &Book) -> PlacementFilter {
        let asked = |text: &str| (!text.is_empty()).then(|| text.to_string());
        match &book.agency {
            Some(agency) => PlacementFilter {
                assignee: Some(agency.clone()),
                batch: asked(&self.batch),
                holding_on: Some(book.today()),
                ..PlacementFilter::default()
            },
            None => PlacementFilter {
                assignee: asked(&self.assignee),
                open: match self.state.as_str() {
                    "open" => Some(true),
                    "closed" => Some(false),
                    _ => None,
                },
                batch: asked(&self.batch),
                run_out: (self.state == "run_out")
                    .then(|| parse_date(&self.on).unwrap_or_else(|| book.today())),
                holding_on: None,
            },
        }
    }
}

/// What can be done from the list; which of it depends on who looks.
const ACTS: &[Act] = &[
    Act::Recall,
    Act::RecallNow,
    Act::Retain,
    Act::Transfer,
    Act::Acknowledge,
    Act::Object,
    Act::Return,
];

/// A placement as the page tells it.
struct Told {
    state: Chip,
    pending: Vec<Chip>,
}

#[derive(Template)]
#[template(path = "web/placements.html")]
struct Body {
    t: Lang,
    lender: String,
    own: bool,
    allocates: bool,
    told: Option<String>,
    back: String,
    buttons: Vec<Button>,
    asked: Asked,
    books: Vec<Tab>,
    figures: Vec<Figure>,
    assignees: Vec<Choice>,
    states: Vec<Choice>,
    table: Table,
    filtered: bool,
    pager: Pager,
}

/// The states that a list may be asked for.
fn states(t: Lang, asked: &str) -> Vec<Choice> {
    let states = [("open", t.open()), ("run_out", t.ran_out()), ("closed", t.closed())];
    states.into_iter().map(|(state, word)| Choice::new(state, word, asked)).collect()
}

pub(in crate::web) async fn show(
    site: web::Data<Site>,
    sees: Sees<Placements>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let asked = asked.into_inner();
    let t = sees.who.t;
    let filter = asked.filter(&sees.book);
    let before = if asked.before.is_empty() {
        i64::MAX
    } else {
        asked.before.parse().map_err(|_| Problem::NotFound)?
    };
    let (book, key) = (sees.book.clone(), site.key.clone());
    let (login, done) = (sees.who.person.login.clone(), asked.done.clone());
    let (mut rows, sums, assignees, told) = site
        .read(move |db| {
            let rows = rows(db, &book, &filter, before, one_more(), key.as_ref())?;
            let told = once::told(db, &book, &login, &done)?;
            Ok((
                rows,
                store::sums(db, &book.lender.code, &filter, book.today())?,
                party::store::assignees(db, &book.lender.code)?,
                told,
            ))
        })
        .await?;
    let own = sees.book.agency.is_some();
    let currency = sees.book.lender.currency;
    let next = |last: &Listed| {
        asked.link("/placements").with("before", &last.placement.placement_no.to_string()).url()
    };
    let next = if cut(&mut rows) { rows.last().map(next) } else { None };
    let buttons = buttons(&sees.who, &sees.book, ACTS);
    let columns = if own { OWN_PAGE } else { PAGE };
    let table = Table::of(columns, &rows, (t, currency), dress(t, &sees.book, &asked.lender));
    let open = |i: usize| rows.get(i).filter(|row| row.placement.closed_on.is_none());
    let tick = |i: usize| open(i).map(|row| row.placement.account_no.clone());
    let table = if buttons.is_empty() { table } else { table.ticked(t.tick(), tick) };
    let body = Body {
        t,
        lender: sees.book.lender.code.clone(),
        own,
        allocates: !own && sees.who.may(Permission::Allocate),
        told,
        back: sees.who.here.clone(),
        buttons,
        books: tabs(&sees, "/placements"),
        figures: figures(t, &sees.book, sums),
        assignees: assignees
            .iter()
            .map(|one| {
                Choice::new(&one.code, format!("{} {}", one.code, one.name), &asked.assignee)
            })
            .collect(),
        states: states(t, &asked.state),
        table,
        filtered: [&asked.assignee, &asked.state, &asked.batch, &asked.before]
            .iter()
            .any(|asked| !asked.is_empty()),
        pager: Pager {
            first: (!asked.before.is_empty()).then(|| asked.link("/placements").url()),
            next,
        },
        asked: asked.clone(),
    };
    let page = Page::new(&sees.who, t.nav_placements())
        .tool(t.download_csv(), asked.link("/placements.csv").with("lang", t.code()).url());
    let records = sums.run_out > 0 && !own && sees.who.may(Permission::ActOnPlacements);
    let page =
        if records { page.step(t.expire_title(), expire::page_of(&sees.book).url()) } else { page };
    page.show(&body)
}

/// The books of an agency that serves several lenders.
pub fn tabs(sees: &Sees<Placements>, path: &str) -> Vec<Tab> {
    let tab = |book: &Book| Tab {
        label: book.lender.name.clone(),
        href: Link::to(path).with("lender", &book.lender.code).url(),
        current: book.lender.code == sees.book.lender.code,
    };
    if sees.books.len() > 1 { sees.books.iter().map(tab).collect() } else { Vec::new() }
}

fn figures(t: Lang, book: &Book, sums: PlacementSums) -> Vec<Figure> {
    let (own, currency) = (book.agency.is_some(), book.lender.currency);
    let mut figures = if own {
        Vec::new()
    } else {
        vec![Figure::new(t.nav_placements(), list::count(sums.placements), "")]
    };
    figures.push(Figure::new(t.open_placements(), list::count(sums.open), ""));
    let balance = format!("{} ({currency})", t.balance_at_placement());
    figures.push(Figure::new(balance, list::money(sums.balance, currency), ""));
    if sums.run_out > 0 {
        let listed = Link::to("/placements")
            .with("lender", &book.lender.code)
            .with("state", "run_out")
            .url();
        figures.push(Figure::new(
            t.ran_out(),
            list::count(sums.run_out),
            if own { String::new() } else { listed },
        ));
    }
    figures
}

impl Told {
    fn of(t: Lang, placement: &Placement, today: NaiveDate) -> Told {
        Told { state: state(t, placement, today), pending: pending(t, placement) }
    }
}

/// A placement leads to its account and its batch; where it stands and what stops contact are chips, beside the name on
/// narrow pages.
fn dress<'a>(
    t: Lang,
    book: &'a Book,
    lender: &'a str,
) -> impl Fn(&Listed, &str, Cell) -> Cell + use<'a> {
    let (own, today) = (book.agency.is_some(), book.today());
    move |one, column, cell| {
        let placement = &one.placement;
        let told = Told::of(t, placement, today);
        match column {
            "account_no" if !own => cell.to(link::account(&placement.account_no)),
            "batch" => {
                let batch = Link::to("/placements").with("lender", lender);
                cell.to(batch.with("batch", &placement.batch).url())
            }
            "bucket" => Cell { title: placement.facts.days_past_due.to_string(), ..cell },
            "debtor_name" => {
                let stopped = Chip::new(Tone::Blocked, t.stop_contact());
                let stopped = one.stopped.is_stopped().then_some(stopped);
                Cell { phone: stopped.into_iter().chain(told.pending).collect(), ..cell }
            }
            "state" => {
                let state = if one.stopped.is_stopped() { stopped(t, one) } else { told.state };
                cell.chips([state].into_iter().chain(told.pending).collect())
            }
            _ => cell,
        }
    }
}

/// That contact is stopped; to the lender also why.
fn stopped(t: Lang, one: &Listed) -> Chip {
    let why = one.stopped.words(t).join(", ");
    let words = match one.stopped {
        Stopped::By(_) => format!("{}: {why}", t.stop_contact()),
        Stopped::BySomething => why,
    };
    Chip::new(Tone::Blocked, words)
}

/// What a placement is on a day; one that has run out is over whether or not anyone has recorded it.
pub fn state(t: Lang, placement: &Placement, today: NaiveDate) -> Chip {
    match (placement.close_reason, placement.closed_on) {
        (Some(reason), Some(closed)) => {
            Chip::new(Tone::Plain, format!("{} {closed}", reason.word(t)))
        }
        _ if placement.ends_on() < today => Chip::new(Tone::Attention, over(t, placement)),
        _ => Chip::new(Tone::Good, t.active()),
    }
}

/// What has come to its end without anyone having recorded it: a recall that is final, or else the term.
pub fn over(t: Lang, placement: &Placement) -> &'static str {
    let recalled = placement.recall_final_on.is_some_and(|day| day <= placement.expires_on);
    if recalled { t.recall_final_unrecorded() } else { t.ran_out() }
}

/// What waits on a placement: the agency must stop, or somebody must decide.
pub fn pending(t: Lang, placement: &Placement) -> Vec<Chip> {
    if placement.closed_on.is_some() {
        return Vec::new();
    }
    let life = placement.life();
    let recall = life.recall.map(|recall| match recall.objection {
        Some(_) => {
            Chip::new(Tone::Blocked, format!("{} · {}", t.stop_contact(), t.pending_objection()))
        }
        None => {
            let word = format!(
                "{} · {} · {} {}",
                t.stop_contact(),
                t.pending_recall(),
                t.object_by(),
                recall.object_by
            );
            Chip::new(Tone::Blocked, word)
        }
    });
    let returning = life.returning.map(|_| Chip::new(Tone::Attention, t.pending_return()));
    let retention = life.retention.map(|one| {
        Chip::new(
            Tone::Attention,
            format!("{} · {} {}", t.pending_retention(), t.new_last_day(), one.until),
        )
    });
    recall.into_iter().chain(returning).chain(retention).collect()
}

fn rows(
    db: &mut Db,
    book: &Book,
    filter: &PlacementFilter,
    before: i64,
    most: i64,
    key: Option<&Key>,
) -> Result<Vec<Listed>, Problem> {
    let lender = &book.lender.code;
    let found = store::listed(db, lender, filter, before, most)?;
    let positions = position::load_rows(
        db,
        lender,
        found.iter().map(|placement| placement.account_no.as_str()),
    )?;
    let newest = |no: &str| positions.get(no).and_then(Position::<FileRow>::newest);
    let debtor = |placement: &Placement| {
        newest(&placement.account_no).map(|row| (row.account_no.clone(), row.debtor_ref.clone()))
    };
    let debtors: Vec<(String, String)> = found.iter().filter_map(debtor).collect();
    let today = book.today();
    let holds = hold::store::in_force(db, lender, &debtors, today)?;
    let row = |placement: Placement| {
        // Personal data is shown while the account is in somebody's hands, and not a day longer.
        let held = placement.closed_on.is_none() && placement.ends_on() >= today;
        let sealed =
            newest(&placement.account_no).and_then(|row| row.personal.as_deref()).filter(|_| held);
        let kinds = holds.get(&placement.account_no).filter(|_| placement.closed_on.is_none());
        Listed {
            debtor_name: masked_name(key, sealed),
            owed: positions
                .get(&placement.account_no)
                .map(Position::<FileRow>::owed_known)
                .unwrap_or_default(),
            stopped: stopped_by(book, kinds.cloned().unwrap_or_default()),
            placement,
        }
    };
    Ok(found.into_iter().map(row).collect())
}

/// What stops contact. Why an account is held, and on which of the debtor's accounts, is the lender's to know: an agency
/// is told to stop.
fn stopped_by(book: &Book, kinds: Vec<HoldKind>) -> Stopped {
    match &book.agency {
        Some(_) if !kinds.is_empty() => Stopped::BySomething,
        _ => Stopped::By(kinds),
    }
}

pub(in crate::web) async fn download(
    site: web::Data<Site>,
    sees: Sees<Placements>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let t = sees.who.t;
    let filter = asked.filter(&sees.book);
    let (book, by, key) = (sees.book.clone(), sees.who.by(), site.key.clone());
    let name = file_name(&sees.who, &book.lender.code, "placements");
    let bytes = site
        .change(move |db| {
            let sheet = read(db, |db| sheet(db, &book, &filter, key.as_ref(), t))?;
            sheet.finish(db, &book.lender.code, &by, "placements")
        })
        .await?;
    Ok(attachment(&name, "text/csv; charset=utf-8", bytes))
}

fn sheet(
    db: &mut Db,
    book: &Book,
    filter: &PlacementFilter,
    key: Option<&Key>,
    t: Lang,
) -> Result<Sheet, Problem> {
    let mut sheet = Sheet::of(DOWNLOAD)?;
    let currency = book.lender.currency;
    let mut before = i64::MAX;
    loop {
        let rows = rows(db, book, filter, before, CHUNK, key)?;
        let Some(last) = rows.last() else { return Ok(sheet) };
        before = last.placement.placement_no;
        for row in &rows {
            sheet.add(DOWNLOAD, row, t, currency)?;
        }
    }
}
