//! The first page: the figures of the day and the next step, for each side.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::NaiveDate;

use crate::conduct::complaint_store::{self, CaseFilter};
use crate::conduct::contact_store;
use crate::db::Db;
use crate::identity::Permission;
use crate::kernel::{Money, Month};
use crate::ledger::{self, chart};
use crate::party::{self, Lang};
use crate::placement::store::{self as placements, OpenCount, PlacementFilter};
use crate::settlement::Statement;
use crate::web::Site;
use crate::web::identity::who::{Book, Known, Who};
use crate::web::link::{self, Link};
use crate::web::list::{self, Cell};
use crate::web::page::{Figure, Page};
use crate::web::placement::expire;
use crate::web::placement::requests::{self, Waiting};
use crate::web::problem::Problem;
use crate::{allocation, audit};
use crate::{portfolio, recovery, settlement};

/// What the books counted last: to count a million accounts takes seconds, and nothing changes while a book stands still.
#[derive(Clone, Default)]
pub(in crate::web) struct Counts(Arc<Mutex<BTreeMap<String, Counted>>>);

/// The counts of a book after a change, on a day.
#[derive(Clone)]
struct Counted {
    last_change: i64,
    day: NaiveDate,
    open: i64,
    placed: Arc<Vec<OpenCount>>,
}

impl Counts {
    fn held(&self) -> MutexGuard<'_, BTreeMap<String, Counted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, db: &mut Db, book: &Book) -> Result<Counted, Problem> {
        let lender = &book.lender.code;
        let (last_change, day) = (audit::last_change(db, lender)?, book.today());
        let known = self
            .held()
            .get(lender)
            .filter(|known| (known.last_change, known.day) == (last_change, day))
            .cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let placed = Arc::new(placements::open_counts(db, lender, day)?);
        let counted =
            Counted { last_change, day, open: portfolio::store::open_count(db, lender)?, placed };
        self.held().insert(lender.clone(), counted.clone());
        Ok(counted)
    }
}

#[derive(Template)]
#[template(path = "web/home.html")]
struct Body {
    t: Lang,
    books: Vec<Section>,
    nothing: Option<&'static str>,
}

/// One book on the page.
struct Section {
    heading: String,
    currency: String,
    figures: Vec<Figure>,
    /// What waits for this person; nothing when the person decides nothing here.
    waits: Option<Vec<Figure>>,
    hint: Option<(String, String)>,
    holders: Vec<Holder>,
    owed: String,
    statements: Vec<StatementRow>,
    own: bool,
}

struct Holder {
    code: Cell,
    name: String,
    accounts: String,
    owed: String,
    share: String,
    bar: i64,
}

struct StatementRow {
    number: Cell,
    agency: String,
    month: String,
    total: String,
    due: String,
}

/// The figures of a lender's book, as far as the person may see them.
#[derive(Default)]
struct Facts {
    files: usize,
    open: i64,
    placed: BTreeMap<String, i64>,
    run_out: i64,
    simulated: i64,
    owed: Vec<(String, Money)>,
    names: BTreeMap<String, String>,
    month: Option<Month>,
    closed: Option<Month>,
    received: Money,
    statements: Vec<Statement>,
}

impl Facts {
    /// Open accounts in nobody's hands.
    fn unplaced(&self) -> i64 {
        (self.open - self.placed.values().sum::<i64>()).max(0)
    }
}

pub(in crate::web) async fn show(site: web::Data<Site>, who: Who) -> Result<HttpResponse, Problem> {
    let (asking, counts) = (who.clone(), site.counts.clone());
    let (sections, step) = site
        .read(move |db| {
            let mut sections = Vec::new();
            let mut step = None;
            for book in &asking.books {
                let (section, next) = match &book.agency {
                    None => lender_section(db, &counts, &asking, book)?,
                    Some(agency) => (agency_section(db, &asking, book, agency)?, None),
                };
                step = step.or(next);
                sections.extend(section);
            }
            Ok((sections, step))
        })
        .await?;
    let t = who.t;
    let nothing = sections.is_empty().then(|| t.home_nothing());
    let page = Page::new(&who, format!("{} {}", t.welcome(), who.person.name));
    let page = match step {
        Some((label, href)) => page.step(label, href),
        None => page,
    };
    page.show(&Body { t, books: sections, nothing })
}

type Step = Option<(&'static str, String)>;

fn lender_section(
    db: &mut Db,
    counts: &Counts,
    who: &Known,
    book: &Book,
) -> Result<(Option<Section>, Step), Problem> {
    let sees = |permission| who.may(permission);
    if !(sees(Permission::Accounts) || sees(Permission::Recoveries) || sees(Permission::Statements))
    {
        return Ok((None, None));
    }
    let facts = lender_facts(db, counts, book)?;
    let (t, currency) = (who.t, book.lender.currency);
    let placed: i64 = facts.placed.values().sum();
    let href = |permission: Permission, to: &str| {
        if sees(permission) { to.to_string() } else { String::new() }
    };
    let month = facts.month.map(|month| month.to_string()).unwrap_or_default();
    let received = Link::to("/recoveries").with("month", &month).url();
    let figures = vec![
        Figure::new(
            t.open_accounts(),
            list::count(facts.open),
            href(Permission::Accounts, "/accounts"),
        ),
        Figure::new(
            t.placed_accounts(),
            list::count(placed),
            href(Permission::Accounts, "/placements?state=open"),
        ),
        Figure::new(
            format!("{} ({currency})", t.owed_in_all()),
            list::money(facts.owed.iter().map(|(_, owed)| *owed).sum(), currency),
            if sees(Permission::Accounts) {
                "/accounts".to_string()
            } else {
                href(Permission::Ledger, "/ledger")
            },
        ),
        Figure::new(
            format!("{} {month}", t.received_in()),
            list::money(facts.received, currency),
            href(Permission::Recoveries, &received),
        ),
        Figure::new(
            t.last_closed(),
            facts.closed.map_or_else(|| t.none().to_string(), |month| month.to_string()),
            href(Permission::Statements, "/months"),
        ),
    ];
    let waits = lender_waits(db, who, book, &facts)?;
    let (hint, step) = next_step(who, book, &facts);
    let total: Money = facts.owed.iter().map(|(_, owed)| *owed).sum();
    let section = Section {
        heading: book.lender.name.clone(),
        currency: currency.to_string(),
        figures,
        waits,
        hint,
        holders: facts
            .owed
            .iter()
            .map(|(code, owed)| {
                holder(t, book, &facts, code, *owed, total, sees(Permission::Accounts))
            })
            .collect(),
        owed: list::money(total, currency),
        statements: if sees(Permission::Statements) {
            last_statements(book, &facts.statements)
        } else {
            Vec::new()
        },
        own: false,
    };
    Ok((Some(section), step))
}

fn lender_facts(db: &mut Db, counts: &Counts, book: &Book) -> Result<Facts, Problem> {
    let lender = &book.lender.code;
    let head = audit::book(db, lender)?;
    let last = recovery::store::last_day(db, lender)?.map(Month::of);
    let month = head.closed_month.map(Month::next).or(last);
    let sums = month
        .map(|month| recovery::store::sums(db, lender, Some((month.first_day(), month.last_day()))))
        .transpose()?
        .unwrap_or_default();
    let prefix = chart::loans(Some(""));
    let loans = ledger::store::balances(db, lender)?.into_iter().filter_map(|row| {
        let holder = row.account.strip_prefix(&prefix)?.to_string();
        Some((holder, row.debit - row.credit))
    });
    let counted = counts.of(db, book)?;
    Ok(Facts {
        owed: loans.collect(),
        files: portfolio::store::files(db, lender)?.len(),
        open: counted.open,
        simulated: simulated(db, lender)?,
        run_out: counted.placed.iter().map(|one| one.run_out).sum(),
        placed: counted.placed.iter().map(|one| (one.assignee.clone(), one.accounts)).collect(),
        names: party::store::assignees(db, lender)?
            .into_iter()
            .map(|one| (one.code, one.name))
            .collect(),
        month,
        closed: head.closed_month,
        received: sums.payments - sums.reversals,
        statements: settlement::store::statements(db, lender, None)?,
    })
}

/// Newest runs looked at for ones that wait to be committed.
const RUNS: i64 = 50;

fn size(number: usize) -> i64 {
    crate::kernel::count(number)
}

/// Of some counts the ones that are not zero, each with where to go.
fn counted(counts: Vec<(&'static str, i64, String)>) -> Vec<Figure> {
    let some = counts.into_iter().filter(|(_, count, _)| *count > 0);
    some.map(|(word, count, href)| Figure::new(word, list::count(count), href)).collect()
}

/// What waits for this person to decide; nothing for people who only look.
fn lender_waits(
    db: &mut Db,
    who: &Known,
    book: &Book,
    facts: &Facts,
) -> Result<Option<Vec<Figure>>, Problem> {
    let (t, lender) = (who.t, &book.lender.code);
    let (acts, allocates, conduct) = (
        who.may(Permission::ActOnPlacements),
        who.may(Permission::Allocate),
        who.may(Permission::ActOnConduct),
    );
    let mut counts: Vec<(&'static str, i64, String)> = Vec::new();
    if conduct {
        let open = Link::to("/complaints").with("state", "open").url();
        counts.push((
            t.wait_complaints(),
            complaint_store::sums(db, lender, &CaseFilter::default())?.open,
            open,
        ));
    }
    if acts {
        let waiting = Waiting::load(db, book)?;
        counts.push((
            t.tab_objections(),
            size(waiting.objections),
            requests::page_of(book, "objections"),
        ));
        counts.push((t.tab_returns(), size(waiting.returns), requests::page_of(book, "returns")));
        counts.push((
            t.tab_retentions(),
            size(waiting.retentions),
            requests::page_of(book, "retentions"),
        ));
        counts.push((t.tab_recalls(), size(waiting.recalls), requests::page_of(book, "recalls")));
        counts.push((t.ran_out(), facts.run_out, expire::page_of(book).url()));
    }
    if allocates {
        counts.push((t.wait_runs(), facts.simulated, "/allocation".to_string()));
        counts.push((t.wait_unplaced(), facts.unplaced(), "/allocation/new".to_string()));
    }
    if conduct && let Some((_, last)) = contact_store::first_and_last(db, lender, None)? {
        let month = Month::of(last);
        let contacts = contact_store::by_agency(db, lender, month.first_day(), month.last_day())?;
        let contacts = contacts.iter().map(|one| one.contacts).sum();
        counts.push((
            t.wait_contacts(),
            contacts,
            Link::to("/contacts").with("month", &month.to_string()).url(),
        ));
    }
    Ok((acts || allocates || conduct).then(|| counted(counts)))
}

/// Runs that were simulated after the last one that was committed: an earlier one cannot be committed any more.
fn simulated(db: &mut Db, lender: &str) -> Result<i64, Problem> {
    let runs = allocation::store::listed(db, lender, i64::MAX, RUNS)?;
    Ok(size(runs.iter().take_while(|run| run.committed_at.is_none()).count()))
}

/// What to do next: as a command for who closes months, and as the page's button.
fn next_step(who: &Known, book: &Book, facts: &Facts) -> (Option<(String, String)>, Step) {
    let (t, code) = (who.t, &book.lender.code);
    if facts.files == 0 {
        let command = format!("consign import portfolio FILE --lender {code} --as-of DATE");
        return (Some((t.hint_import().to_string(), command)), None);
    }
    if who.may(Permission::Accounts) && facts.unplaced() > 0 {
        let house =
            || Link::to("/accounts").with("holder", crate::web::portfolio::accounts::HOUSE).url();
        let step = match who.may(Permission::Allocate) {
            true if facts.simulated > 0 => (t.step_review(), "/allocation".to_string()),
            true => (t.new_run(), "/allocation/new".to_string()),
            false => (t.step_unplaced(), house()),
        };
        return (None, Some(step));
    }
    let hint = facts.month.map(|month| {
        (
            t.hint_close().to_string(),
            format!("consign close --lender {code} --month {month} --preview"),
        )
    });
    (hint, who.may(Permission::Statements).then(|| (t.step_months(), "/months".to_string())))
}

fn holder(
    t: Lang,
    book: &Book,
    facts: &Facts,
    code: &str,
    owed: Money,
    total: Money,
    accounts: bool,
) -> Holder {
    let house = code == chart::HOUSE;
    let asked = if house { crate::web::portfolio::accounts::HOUSE } else { code };
    let href =
        if accounts { Link::to("/accounts").with("holder", asked).url() } else { String::new() };
    let tenths = if total > Money::ZERO {
        i128::from(owed.0.max(0)) * 10_000 / i128::from(total.0)
    } else {
        0
    };
    let hundredths = i64::try_from(tenths).unwrap_or(0);
    let count = if house {
        facts.open - facts.placed.values().sum::<i64>()
    } else {
        facts.placed.get(code).copied().unwrap_or(0)
    };
    Holder {
        code: Cell::link(if house { t.house().to_string() } else { code.to_string() }, href),
        name: facts.names.get(code).cloned().unwrap_or_default(),
        accounts: list::count(count),
        owed: list::money(owed, book.lender.currency),
        share: format!("{}.{:02}%", hundredths / 100, hundredths % 100),
        bar: hundredths / 100,
    }
}

/// The statements of the newest month that has some.
fn last_statements(book: &Book, statements: &[Statement]) -> Vec<StatementRow> {
    let newest = statements.iter().map(|one| one.month).max();
    statements
        .iter()
        .filter(|one| Some(one.month) == newest)
        .map(|one| statement_row(book, one))
        .collect()
}

fn statement_row(book: &Book, one: &Statement) -> StatementRow {
    let currency = book.lender.currency;
    StatementRow {
        number: Cell::link(&one.statement_no, link::statement(&one.statement_no)),
        agency: one.agency.clone(),
        month: one.month.to_string(),
        total: list::money(one.figures.total, currency),
        due: list::money(one.figures.payable_to_agency - one.figures.due_from_agency, currency),
    }
}

/// What the lender waits for an agency to do.
fn agency_waits(db: &mut Db, t: Lang, book: &Book) -> Result<Vec<Figure>, Problem> {
    let waiting = Waiting::load(db, book)?;
    let recalls =
        requests::page_of(book, if waiting.recalls > 0 { "recalls" } else { "objections" });
    Ok(counted(vec![(t.wait_acknowledge(), size(waiting.unacknowledged), recalls)]))
}

fn agency_section(
    db: &mut Db,
    who: &Known,
    book: &Book,
    agency: &str,
) -> Result<Option<Section>, Problem> {
    if !(who.may(Permission::OwnPlacements) || who.may(Permission::OwnStatements)) {
        return Ok(None);
    }
    let (t, currency) = (who.t, book.lender.currency);
    let filter = PlacementFilter {
        assignee: Some(agency.to_string()),
        holding_on: Some(book.today()),
        ..PlacementFilter::default()
    };
    let sums = placements::sums(db, &book.lender.code, &filter, book.today())?;
    let statements = settlement::store::statements(db, &book.lender.code, Some(agency))?;
    let last = statements.iter().max_by_key(|one| one.month);
    let waits =
        who.may(Permission::ActOnOwnPlacements).then(|| agency_waits(db, t, book)).transpose()?;
    let own = Link::to("/placements").with("lender", &book.lender.code).url();
    let mut figures = vec![
        Figure::new(t.open_placements(), list::count(sums.open), own.clone()),
        Figure::new(
            format!("{} ({currency})", t.balance_at_placement()),
            list::money(sums.balance, currency),
            own,
        ),
    ];
    figures.extend(last.map(|one| {
        let label = format!("{} {}", t.statement(), one.month);
        Figure::new(
            label,
            list::money(one.figures.total, currency),
            link::statement(&one.statement_no),
        )
    }));
    Ok(Some(Section {
        heading: book.lender.name.clone(),
        currency: currency.to_string(),
        figures,
        waits,
        hint: None,
        holders: Vec::new(),
        owed: String::new(),
        statements: statements.iter().rev().take(3).map(|one| statement_row(book, one)).collect(),
        own: true,
    }))
}
