//! One account: what the files say of it, who held it, what came in, and what stops it.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::allocation;
use crate::allocation::store::RunAccount;
use crate::db::{Db, keys_json};
use crate::hold::{self, Hold};
use crate::identity::Permission;
use crate::kernel::Money;
use crate::party::Lang;
use crate::placement::step_store::{self, LogRow};
use crate::placement::{self, Placement, windows};
use crate::portfolio::{self, FileRow};
use crate::position::{self, Position};
use crate::recovery;
use crate::settlement::recoveries;
use crate::web::Site;
use crate::web::allocation::runs::{run_link, why_words};
use crate::web::identity::who::{Accounts, Book, Sees};
use crate::web::link::{self, Link};
use crate::web::list::{self, Cell};
use crate::web::once;
use crate::web::page::{Chip, Figure, Page, Tone};
use crate::web::placement::act::{Act, Button, buttons};
use crate::web::placement::expire;
use crate::web::portfolio::accounts::masked_name;
use crate::web::problem::Problem;
use crate::web::recovery::dress;
use crate::web::table::Table;

#[derive(Template)]
#[template(path = "web/account.html")]
struct Body {
    t: Lang,
    currency: String,
    figures: Vec<Figure>,
    facts: Vec<(&'static str, String)>,
    files: Vec<FileShown>,
    placements: Vec<PlacementShown>,
    recoveries: Table,
    holds: Vec<HoldShown>,
    others: Vec<Cell>,
    runs: Vec<RunShown>,
    account_no: String,
    lender: String,
    back: String,
    told: Option<String>,
    pending: Vec<Chip>,
    buttons: Vec<Button>,
    steps: Vec<StepShown>,
}

/// A run the account was in.
struct RunShown {
    run: Cell,
    assignee: String,
    stratum: String,
    balance: String,
    reason: String,
}

struct FileShown {
    as_of: String,
    file: String,
    line: i64,
    balance: String,
    days_past_due: i64,
    bucket: String,
}

struct PlacementShown {
    number: i64,
    assignee: String,
    batch: Cell,
    level: i64,
    placed_on: String,
    expires_on: String,
    window: String,
    state: Chip,
    balance: String,
    bucket: String,
    contract: String,
}

struct StepShown {
    on: String,
    step: &'static str,
    by: String,
    reason: String,
    outcome: &'static str,
    until: String,
    owed: String,
    recorded: String,
}

struct HoldShown {
    kind: &'static str,
    reason: String,
    account: String,
    from: String,
    until: String,
    ended: String,
    by_file: bool,
}

/// Runs shown of one account.
const RUNS: i64 = 24;

/// An account in a run, with the run's method and the list of gates that were closed.
type InRun = (RunAccount, &'static str, BTreeMap<i64, String>);

/// Everything the page shows, as the stores give it.
struct Facts {
    position: Position<FileRow>,
    placements: Vec<Placement>,
    files: Vec<portfolio::store::FileEntry>,
    recoveries: Vec<recoveries::Listed>,
    holds: Vec<Hold>,
    others: Vec<String>,
    runs: Vec<InRun>,
    log: Vec<LogRow>,
    told: Option<String>,
}

/// What the URL carries beside the account.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Asked {
    done: String,
}

pub(in crate::web) async fn show(
    site: web::Data<Site>,
    sees: Sees<Accounts>,
    path: web::Path<String>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let account_no = path.into_inner();
    let (book, no, login, done) = (
        sees.book.clone(),
        account_no.clone(),
        sees.who.person.login.clone(),
        asked.into_inner().done,
    );
    let facts = site.read(move |db| load(db, &book, &no, &login, &done)).await?;
    let newest = facts.position.newest().ok_or(Problem::NotFound)?;
    let (t, lender) = (sees.who.t, &sees.book.lender);
    let owed = facts.position.owed_known();
    let bucket = lender.buckets.of(newest.days_past_due);
    let holder = facts.position.holder().map_or_else(|| t.house().to_string(), str::to_string);
    let received: Money = facts.position.receipts.iter().map(|receipt| receipt.reduces).sum();
    let figures = vec![
        Figure::new(
            format!("{} ({})", t.owed_now(), lender.currency),
            list::money(owed, lender.currency),
            "",
        ),
        Figure::new(t.balance_stated(), list::money(newest.balance, lender.currency), ""),
        Figure::new(t.received_in_all(), list::money(received, lender.currency), ""),
        Figure::new(t.days_past_due(), format!("{} ({bucket})", newest.days_past_due), ""),
        Figure::new(t.holder(), holder, ""),
    ];
    let today = sees.book.today();
    let run_out =
        facts.placements.iter().find(|one| one.closed_on.is_none() && one.ends_on() < today);
    let chip = state(t, &sees.book, &facts, run_out, owed);
    let records = run_out.is_some() && sees.who.may(Permission::ActOnPlacements);
    let body = Body {
        t,
        currency: lender.currency.to_string(),
        figures,
        facts: facts_of(t, newest, masked_name(site.key.as_ref(), newest.personal.as_deref())),
        files: files(&sees.book, &facts),
        placements: placements(t, &sees.book, &facts.placements),
        recoveries: Table::of(
            recoveries::ACCOUNT_PAGE,
            &facts.recoveries,
            (t, lender.currency),
            dress(t, true, sees.who.may(Permission::Statements)),
        ),
        holds: facts.holds.iter().map(|hold| held(t, hold)).collect(),
        others: facts.others.iter().map(|other| Cell::link(other, link::account(other))).collect(),
        runs: facts.runs.iter().map(|run| in_run(t, &sees.book, run)).collect(),
        lender: lender.code.clone(),
        back: sees.who.here.clone(),
        told: facts.told.clone(),
        pending: facts
            .placements
            .iter()
            .flat_map(|one| crate::web::placement::placements::pending(t, one))
            .collect(),
        buttons: buttons(
            &sees.who,
            &sees.book,
            &acts(&facts.placements, &facts.holds, &account_no),
        ),
        steps: facts.log.iter().map(|row| step(t, &sees.book, row)).collect(),
        account_no: account_no.clone(),
    };
    let page = Page::new(&sees.who, account_no).under(t.nav_accounts(), "/accounts").chip(chip);
    let page =
        if records { page.step(t.expire_title(), expire::page_of(&sees.book).url()) } else { page };
    page.show(&body)
}

/// Where the account stands: what stops contact first, then what somebody should record.
fn state(t: Lang, book: &Book, facts: &Facts, run_out: Option<&Placement>, owed: Money) -> Chip {
    let today = book.today();
    // A recall that is asked for stops contact as a hold does.
    let recalled = |one: &Placement| {
        one.closed_on.is_none() && one.ends_on() >= today && one.life().recall.is_some()
    };
    if facts.holds.iter().any(|hold| hold.holds_on(today)) || facts.placements.iter().any(recalled)
    {
        return Chip::new(Tone::Blocked, t.stop_contact());
    }
    if let Some(over) = run_out {
        return Chip::new(Tone::Attention, crate::web::placement::placements::over(t, over));
    }
    match (owed > Money::ZERO, facts.position.holder()) {
        (false, _) => Chip::new(Tone::Good, t.paid()),
        (_, Some(_)) => Chip::new(Tone::Good, t.placed()),
        _ => Chip::new(Tone::Attention, t.not_placed()),
    }
}

fn load(
    db: &mut Db,
    book: &Book,
    account_no: &str,
    login: &str,
    done: &str,
) -> Result<Facts, Problem> {
    let lender = &book.lender.code;
    let position = position::load_rows(db, lender, [account_no].into_iter())?
        .remove(account_no)
        .ok_or(Problem::NotFound)?;
    let debtor_ref = position.newest().map(|row| row.debtor_ref.clone()).unwrap_or_default();
    let mut others = portfolio::store::accounts_of_debtor(db, lender, &debtor_ref, 50)?;
    others.retain(|other| other != account_no);
    let keys = keys_json(others.iter().map(String::as_str).chain([account_no]));
    let mut holds = hold::store::holds_of(db, lender, &keys)?;
    holds.retain(|hold| hold.account_no == account_no || hold.kind.holds_debtor());
    let mut found = recovery::store::of_accounts(db, lender, &keys_json([account_no].into_iter()))?;
    found.sort_by(|a, b| (b.received_on, &b.reference).cmp(&(a.received_on, &a.reference)));
    Ok(Facts {
        recoveries: recoveries::attributed(db, lender, found)?,
        files: portfolio::store::files(db, lender)?,
        placements: placement::store::of_accounts(
            db,
            lender,
            &keys_json([account_no].into_iter()),
        )?,
        runs: runs(db, lender, account_no)?,
        position,
        holds,
        others,
        log: step_store::log(db, lender, Some(account_no))?,
        told: once::told(db, book, login, done)?,
    })
}

/// The newest runs the account was in, each with its method and the list of gates that were closed.
fn runs(db: &mut Db, lender: &str, account_no: &str) -> Result<Vec<InRun>, Problem> {
    let mut runs = Vec::new();
    for one in allocation::store::runs_of_account(db, lender, account_no, RUNS)? {
        let run = allocation::store::run(db, lender, one.run_no)?.ok_or(Problem::NotFound)?;
        let (method, number) = (run.method.name(), one.reason.refusals);
        let list = number
            .map(|number| allocation::store::refusal(db, lender, one.run_no, number))
            .transpose()?
            .flatten();
        runs.push((one, method, number.zip(list).into_iter().collect()));
    }
    Ok(runs)
}

fn in_run(t: Lang, book: &Book, (one, method, refusals): &InRun) -> RunShown {
    RunShown {
        run: Cell::link(one.run_no.to_string(), run_link(one.run_no).url()),
        assignee: one.assignee.clone().unwrap_or_else(|| t.not_placed().to_string()),
        stratum: one.stratum.clone(),
        balance: list::money(one.balance, book.lender.currency),
        reason: why_words(t, method, &one.reason, refusals),
    }
}

fn facts_of(t: Lang, newest: &FileRow, name: String) -> Vec<(&'static str, String)> {
    let yes = |flag: bool| if flag { t.yes() } else { t.no() }.to_string();
    let all = [
        (t.debtor(), name),
        (t.debtor_ref(), newest.debtor_ref.clone()),
        (t.product(), newest.product.clone().unwrap_or_default()),
        (t.region(), newest.region.clone().unwrap_or_default()),
        (t.charged_off(), yes(newest.charged_off)),
        (t.legal(), yes(newest.legal)),
        (t.opened_on(), list::day(newest.opened_on)),
        (t.last_paid_on(), list::day(newest.last_paid_on)),
        (t.score(), newest.score.clone().unwrap_or_default()),
    ];
    all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

fn files(book: &Book, facts: &Facts) -> Vec<FileShown> {
    let mut rows: Vec<&FileRow> = facts.position.files.iter().collect();
    rows.sort_by_key(|row| std::cmp::Reverse((row.as_of, row.seq)));
    let shown = |row: &FileRow| FileShown {
        as_of: row.as_of.to_string(),
        file: facts
            .files
            .iter()
            .find(|file| file.seq == row.seq)
            .map(|file| file.file_name.clone())
            .unwrap_or_default(),
        line: row.line,
        balance: list::money(row.balance, book.lender.currency),
        days_past_due: row.days_past_due,
        bucket: book.lender.buckets.of(row.days_past_due).to_string(),
    };
    rows.into_iter().map(shown).collect()
}

fn placements(t: Lang, book: &Book, placements: &[Placement]) -> Vec<PlacementShown> {
    let shown = |(placement, window): (&Placement, crate::placement::Window)| PlacementShown {
        number: placement.placement_no,
        assignee: placement.assignee.clone(),
        batch: Cell::link(
            &placement.batch,
            Link::to("/placements").with("batch", &placement.batch).url(),
        ),
        level: placement.facts.level,
        placed_on: placement.placed_on.to_string(),
        expires_on: placement.expires_on.to_string(),
        window: format!("{} – {}", window.first, window.last),
        state: crate::web::placement::placements::state(t, placement, book.today()),
        balance: list::money(placement.balance(), book.lender.currency),
        bucket: placement.facts.bucket.clone(),
        contract: format!("{} v{}", placement.contract, placement.contract_version),
    };
    let mut rows: Vec<PlacementShown> =
        placements.iter().zip(windows(placements)).map(shown).collect();
    rows.reverse();
    rows
}

/// What can be done now: an answer to what waits, a step of a placement that is open, a hold, the end of one.
fn acts(placements: &[Placement], holds: &[Hold], account_no: &str) -> Vec<Act> {
    let mut acts = Vec::new();
    if let Some(life) = placements.iter().find(|one| one.closed_on.is_none()).map(Placement::life) {
        acts.push(if life.recall.is_some() { Act::DecideRecall } else { Act::Recall });
        acts.push(Act::RecallNow);
        acts.extend(life.returning.map(|_| Act::DecideReturn));
        acts.push(if life.retention.is_some() { Act::DecideRetention } else { Act::Retain });
        acts.push(Act::Transfer);
    }
    acts.push(Act::HoldOpen);
    acts.extend(
        holds
            .iter()
            .any(|one| one.account_no == account_no && one.ended_on.is_none())
            .then_some(Act::HoldEnd),
    );
    acts
}

fn step(t: Lang, book: &Book, row: &LogRow) -> StepShown {
    StepShown {
        on: row.on_day.to_string(),
        step: row.step.map_or(t.step_closing(), |step| t.step(step)),
        by: row.agency.clone().unwrap_or_else(|| t.lender().to_string()),
        reason: row.reason.clone().unwrap_or_default(),
        outcome: match (row.outcome, row.close_reason) {
            (Some(outcome), _) => t.outcome(outcome),
            (None, reason) => reason.map_or("", |reason| reason.word(t)),
        },
        until: list::day(row.until_on),
        owed: list::money(row.owed, book.lender.currency),
        recorded: format!("{} {}", book.moment(&row.recorded_at), row.actor),
    }
}

fn held(t: Lang, hold: &Hold) -> HoldShown {
    HoldShown {
        kind: t.hold_kind(hold.kind),
        reason: if hold.by_file { String::new() } else { hold.reason.clone() },
        account: hold.account_no.clone(),
        from: hold.from_on.to_string(),
        until: list::day(hold.until_on),
        ended: list::day(hold.ended_on),
        by_file: hold.by_file,
    }
}
