//! The scorecard of a day: who performs how on like accounts, with the numbers every figure comes from. An agency sees
//! its own row and its rank.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::allocation::{store as runs, strategy};
use crate::audit;
use crate::contract;
use crate::contract::factor::Parameters;
use crate::db::{Db, read};
use crate::identity::Permission;
use crate::kernel::calendar::parse_date;
use crate::kernel::{Currency, Money};
use crate::party::{self, Lang};
use crate::performance::curve::Curve;
use crate::performance::file;
use crate::performance::grouping::Grouping;
use crate::performance::history::History;
use crate::performance::measure::{self, Curves, Overview};
use crate::performance::number::{percent, ratio, round};
use crate::performance::scorecard::{Points, Row, with_newcomers};
use crate::performance::store::explored_runs;
use crate::performance::trial::{Comparison, Explored, ExploredRun, compare_all};
use crate::table::names;
use crate::web::Site;
use crate::web::allocation::runs::minor;
use crate::web::chart::{Chart, Line, RangeBar, chart, range_bar, reach};
use crate::web::identity::who::{Book, Scorecards, Sees};
use crate::web::link::Link;
use crate::web::list::{self, Cell, Choice, Tab};
use crate::web::page::{Chip, Figure, Page, Tone};
use crate::web::problem::{Bad, Problem};
use crate::web::sheet::{attachment, record};
use crate::words;

/// Runs whose strategy may be taken up.
const RUNS: i64 = 12;

/// What the URL asks for.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Asked {
    lender: String,
    pub(in crate::web) on: String,
    pub(in crate::web) run: String,
    /// With whom the others are compared.
    champion: String,
}

impl Asked {
    pub(in crate::web) fn link(&self, path: Link) -> Link {
        path.with("lender", &self.lender).with("on", &self.on).with("run", &self.run)
    }
}

/// The page of one assignee.
pub(in crate::web) fn assignee_link(asked: &Asked, assignee: &str) -> Link {
    asked.link(Link::to("/scorecard").segment(assignee))
}

/// How a scorecard is measured.
pub(in crate::web) struct Measure {
    /// The day.
    pub on: NaiveDate,
    /// Window, horizon and credibility.
    pub parameters: Parameters,
    /// Which accounts are alike.
    pub grouping: Grouping,
    points: Points,
    peers: BTreeMap<String, String>,
}

impl Measure {
    /// By bucket, or as the strategy of a run says; agencies are not shown a lender's strategies.
    pub fn load(db: &mut Db, book: &Book, asked: &Asked) -> Result<Measure, Problem> {
        let on = match asked.on.as_str() {
            "" => book.today(),
            text => parse_date(text).ok_or_else(|| Problem::from(Bad::Day(text.to_string())))?,
        };
        let by_bucket = Measure {
            on,
            parameters: Parameters::default(),
            grouping: Grouping::by_bucket(book.lender.currency),
            points: Points::default(),
            peers: BTreeMap::new(),
        };
        if asked.run.is_empty() || book.agency.is_some() {
            return Ok(by_bucket);
        }
        let run_no = asked.run.parse().map_err(|_| Problem::NotFound)?;
        let run = runs::run(db, &book.lender.code, run_no)?.ok_or(Problem::NotFound)?;
        let assignees = party::store::assignees(db, &book.lender.code)?;
        let read = strategy::parse_stored(&run.strategy, &book.lender, &assignees)
            .map_err(Bad::Strategy)?;
        let peers = read.peers();
        Ok(Measure {
            on,
            parameters: read.performance,
            grouping: read.grouping,
            points: read.points,
            peers,
        })
    }

    /// What is asked of the book.
    pub fn asked<'a>(&'a self, lender: &'a str) -> measure::ScorecardQuery<'a> {
        measure::ScorecardQuery {
            lender,
            on: self.on,
            parameters: self.parameters,
            grouping: &self.grouping,
            known_seq: i64::MAX,
        }
    }

    fn overview(&self, db: &mut Db, book: &Book) -> Result<Overview, Problem> {
        let versions = contract::store::versions(db, &book.lender)
            .map_err(|error| Problem::Ours(error.to_string()))?;
        Ok(measure::overview(
            db,
            &self.asked(&book.lender.code),
            &versions,
            &self.points,
            self.peers.clone(),
        )?)
    }

    /// The rows that a book's people are shown: an agency's own counts the conduct that it is told of.
    fn rows(&self, db: &mut Db, book: &Book, board: &Overview) -> Result<Vec<Row>, Problem> {
        let rows = match &book.agency {
            None => board.rows.clone(),
            Some(agency) => board.rows_for(agency, self.parameters.credibility, &self.points),
        };
        let assignees = party::store::assignees(db, &book.lender.code)?;
        Ok(with_newcomers(rows, assignees.iter().map(|one| one.code.as_str())))
    }
}

/// A scorecard is asked of a book that stands at a change, for a day, by the strategy of a run or by bucket.
type Key = (String, i64, NaiveDate, String);

/// The scorecards asked for last: reading a large book takes seconds, and nothing changes while the book stands still.
#[derive(Clone, Default)]
pub(in crate::web) struct Boards(Arc<Mutex<Vec<Board>>>);

/// One of them.
type Board = (Key, Arc<Overview>);

/// Scorecards remembered.
const BOARDS: usize = 16;

impl Boards {
    fn held(&self) -> MutexGuard<'_, Vec<Board>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(
        &self,
        db: &mut Db,
        book: &Book,
        asked: &Asked,
        measure: &Measure,
    ) -> Result<Arc<Overview>, Problem> {
        let run = if book.agency.is_some() { String::new() } else { asked.run.clone() };
        let key =
            (book.lender.code.clone(), audit::last_change(db, &book.lender.code)?, measure.on, run);
        let known =
            self.held().iter().find(|(other, _)| *other == key).map(|(_, board)| board.clone());
        if let Some(board) = known {
            return Ok(board);
        }
        let board = Arc::new(measure.overview(db, book)?);
        let mut boards = self.held();
        if boards.len() >= BOARDS {
            boards.remove(0);
        }
        boards.push((key, board.clone()));
        Ok(board)
    }
}

/// Everything the page shows, as the stores give it.
struct Facts {
    measure: Measure,
    board: Arc<Overview>,
    rows: Vec<Row>,
    curves: Curves,
    names: BTreeMap<String, String>,
    runs: Vec<runs::ListedRun>,
    explored_runs: Vec<ExploredRun>,
}

impl Facts {
    /// What there is and what is missing, where nothing can be compared.
    fn nothing_to_compare(&self, t: Lang) -> Vec<String> {
        let Measure { parameters, on, .. } = &self.measure;
        words::performance::nothing_to_compare(t, &self.explored_runs, *parameters, *on)
    }
}

fn load(db: &mut Db, boards: &Boards, book: &Book, asked: &Asked) -> Result<Facts, Problem> {
    let lender = &book.lender.code;
    let measure = Measure::load(db, book, asked)?;
    let board = boards.of(db, book, asked, &measure)?;
    let rows = measure.rows(db, book, &board)?;
    let mine = |assignee: &&String| book.agency.as_ref().is_none_or(|agency| agency == *assignee);
    let shown = board.curves.iter().filter(|(assignee, _)| mine(assignee));
    let curves = shown.map(|(assignee, batches)| (assignee.clone(), batches.clone())).collect();
    let names =
        party::store::assignees(db, lender)?.into_iter().map(|one| (one.code, one.name)).collect();
    let runs =
        if book.agency.is_some() { Vec::new() } else { runs::listed(db, lender, i64::MAX, RUNS)? };
    let compares = book.agency.is_none() && compare_all(&board.explored, None).is_empty();
    let explored_runs = if compares { explored_runs(db, lender)? } else { Vec::new() };
    Ok(Facts { measure, board, rows, curves, names, runs, explored_runs })
}

#[derive(Template)]
#[template(path = "web/scorecard.html")]
struct Body {
    t: Lang,
    currency: String,
    own: bool,
    judged: bool,
    lender: String,
    on: String,
    sub: String,
    books: Vec<Tab>,
    runs: Vec<Choice>,
    figures: Vec<Figure>,
    scale: String,
    rows: Vec<Shown>,
    trial: Vec<TrialShown>,
    no_trial: Vec<String>,
    champions: Vec<Tab>,
    trial_scale: String,
    chart: Option<Chart>,
    curves: CurveTable,
}

struct Shown {
    rank: String,
    assignee: Cell,
    name: String,
    placements: Cell,
    placed: String,
    recovered: String,
    rate: String,
    expected: Cell,
    index: String,
    credibility: String,
    shrunk: Cell,
    range: String,
    bar: Option<RangeBar>,
    served: String,
    served_index: String,
    compliance: String,
    upheld: Cell,
    per_thousand: String,
    violations: Cell,
    evaluation: String,
    points: Vec<String>,
    score: Cell,
}

struct TrialShown {
    sentence: String,
    state: Chip,
    bar: RangeBar,
}

/// A table beside a chart: a row per line, a column per month.
#[derive(Default)]
struct CurveTable {
    head: &'static str,
    months: Vec<usize>,
    rows: Vec<CurveRow>,
}

struct CurveRow {
    name: Cell,
    placed_on: String,
    placements: String,
    balance: String,
    shares: Vec<String>,
}

pub(in crate::web) async fn show(
    site: web::Data<Site>,
    sees: Sees<Scorecards>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let (asked, book, t) = (asked.into_inner(), sees.book.clone(), sees.who.t);
    let (loading, boards) = (asked.clone(), site.boards.clone());
    let facts = site.read(move |db| load(db, &boards, &book, &loading)).await?;
    let own = sees.book.agency.clone();
    let currency = sees.book.lender.currency;
    let mine = |row: &&Row| own.as_ref().is_none_or(|agency| *agency == row.assignee);
    let mut rows: Vec<&Row> = facts.rows.iter().filter(mine).collect();
    rows.sort_by_key(|row| (row.rank, row.assignee.clone()));
    let ends = rows.iter().filter_map(|row| row.range).flat_map(|(low, high)| [low, high]);
    let scale = reach(Decimal::ONE, ends.chain(rows.iter().map(|row| row.shrunk_index)));
    let zero = Decimal::ZERO;
    let named = Some(asked.champion.as_str()).filter(|code| !code.is_empty());
    let trials = if own.is_some() { Vec::new() } else { compare_all(&facts.board.explored, named) };
    let trial_scale = reach(zero, trials.iter().flat_map(|one| [one.range.0, one.range.1]));
    let trial = |one: &Comparison| TrialShown {
        sentence: one.sentence(t),
        state: if one.is_clear() {
            Chip::new(Tone::Good, t.trial_clear())
        } else {
            Chip::new(Tone::Plain, t.trial_unclear())
        },
        bar: range_bar(zero, trial_scale, one.range, one.difference),
    };
    let drawing: Vec<(String, String, Curve)> = facts
        .curves
        .iter()
        .map(|(assignee, batches)| {
            (
                assignee.clone(),
                assignee_link(&asked, assignee).then("#curves").url(),
                joined(batches),
            )
        })
        .collect();
    let body = Body {
        t,
        currency: currency.to_string(),
        own: own.is_some(),
        judged: rows.iter().any(|row| row.sums.placements > 0),
        lender: asked.lender.clone(),
        on: facts.measure.on.to_string(),
        sub: sub(t, &facts.measure),
        books: tabs(&sees, &asked),
        runs: facts.runs.iter().map(|run| run_choice(t, run, &asked.run)).collect(),
        figures: if own.is_some() { Vec::new() } else { figures(t, currency, &facts) },
        scale: scale_words(Decimal::ONE, scale),
        rows: rows.into_iter().map(|row| shown(&sees, &facts, &asked, row, scale)).collect(),
        trial: trials.iter().map(trial).collect(),
        no_trial: facts.nothing_to_compare(t),
        champions: champions(
            &asked,
            &facts.board.explored,
            trials.first().map(|one| one.champion.as_str()),
        ),
        trial_scale: format!("±{}", percent(trial_scale)),
        chart: chart(
            drawing
                .iter()
                .map(|(name, _, curve)| Line { label: name.clone(), shares: curve.shares() })
                .collect(),
        ),
        curves: curve_table(t.assignee(), currency, &drawing),
    };
    Page::new(&sees.who, t.nav_scorecard())
        .tool(t.download_csv(), asked.link(Link::to("/scorecard.csv")).url())
        .show(&body)
}

/// With whom the others may be compared: everybody that was dealt explored accounts.
fn champions(asked: &Asked, explored: &Explored, current: Option<&str>) -> Vec<Tab> {
    let codes: std::collections::BTreeSet<&String> =
        explored.values().flat_map(|cells| cells.keys()).collect();
    let tab = |code: &String| Tab {
        label: code.clone(),
        href: asked.link(Link::to("/scorecard")).with("champion", code).then("#trial").url(),
        current: current == Some(code.as_str()),
    };
    codes.into_iter().map(tab).collect()
}

/// The books of an agency that serves several lenders.
fn tabs(sees: &Sees<Scorecards>, asked: &Asked) -> Vec<Tab> {
    let tab = |book: &Book| Tab {
        label: book.lender.name.clone(),
        href: Link::to("/scorecard").with("lender", &book.lender.code).with("on", &asked.on).url(),
        current: book.lender.code == sees.book.lender.code,
    };
    if sees.books.len() > 1 { sees.books.iter().map(tab).collect() } else { Vec::new() }
}

fn run_choice(t: Lang, run: &runs::ListedRun, asked: &str) -> Choice {
    Choice::new(
        run.run_no.to_string(),
        format!("{} {} · {}", t.run_word(), run.run_no, run.name),
        asked,
    )
}

/// Which placements are judged, and how.
fn sub(t: Lang, measure: &Measure) -> String {
    let parameters = &measure.parameters;
    t.measured(
        parameters.first_day(measure.on),
        measure.on,
        parameters.horizon_days,
        parameters.credibility,
    )
}

/// The ends of a scale of ranges.
fn scale_words(middle: Decimal, reach: Decimal) -> String {
    format!("{} – {}", round((middle - reach).max(Decimal::ZERO), 2), round(middle + reach, 2))
}

fn figures(t: Lang, currency: Currency, facts: &Facts) -> Vec<Figure> {
    let book = facts.board.history.book();
    vec![
        Figure::new(t.assignees_word(), list::count(crate::kernel::count(facts.rows.len())), ""),
        Figure::new(t.judged_placements(), list::count(book.placements), ""),
        Figure::new(
            format!("{} ({currency})", t.balance_placed()),
            list::money(book.balance, currency),
            "",
        ),
        Figure::new(t.recovered(), list::money(book.recovered, currency), ""),
        Figure::new(t.recovery_rate(), book.rate().map_or_else(|| "–".to_string(), percent), ""),
    ]
}

fn shown(
    sees: &Sees<Scorecards>,
    facts: &Facts,
    asked: &Asked,
    row: &Row,
    scale: Decimal,
) -> Shown {
    let (t, currency) = (sees.who.t, sees.book.lender.currency);
    let own = sees.book.agency.is_some();
    let page = assignee_link(asked, &row.assignee);
    let placements = listed(asked, &row.assignee, "", "").url();
    let at = |anchor: &str| page.clone().then(anchor).url();
    let three = |number: Decimal| round(number, 3).to_string();
    let may = sees.who.may(if own { Permission::OwnConduct } else { Permission::Conduct });
    let conduct = |path: &str, state: &str| {
        let link = Link::to(path)
            .with("lender", &asked.lender)
            .with("agency", &row.assignee)
            .with("state", state);
        if may { link.url() } else { String::new() }
    };
    Shown {
        rank: if own { t.rank_of(row.rank, facts.rows.len()) } else { row.rank.to_string() },
        assignee: Cell::link(&row.assignee, page.clone().url()),
        name: facts.names.get(&row.assignee).cloned().unwrap_or_default(),
        placements: Cell::link(list::count(row.sums.placements), placements),
        placed: list::money(row.sums.balance, currency),
        recovered: list::money(row.sums.recovered, currency),
        rate: row.sums.rate().map(percent).unwrap_or_default(),
        expected: Cell::link(minor(row.expected, currency), at("#strata")),
        index: three(row.index),
        credibility: three(row.credibility),
        shrunk: Cell::link(three(row.shrunk_index), at("#formula")),
        range: row
            .range
            .map(|(low, high)| format!("{} – {}", three(low), three(high)))
            .or_else(|| row.nothing_judged(t).map(str::to_string))
            .unwrap_or_default(),
        bar: row.range.map(|range| range_bar(Decimal::ONE, scale, range, row.shrunk_index)),
        served: list::count(row.sums.served),
        served_index: three(row.served_index),
        compliance: row.beside.rating().to_string(),
        upheld: Cell::link(
            list::count(row.beside.incidents.upheld),
            conduct("/complaints", "upheld"),
        ),
        per_thousand: row.beside.upheld_per_thousand().to_string(),
        violations: Cell::link(
            list::count(row.beside.incidents.violations),
            conduct("/contacts", ""),
        ),
        evaluation: row.beside.incidents.evaluation.map_or_else(|| "–".to_string(), list::count),
        points: if own {
            Vec::new()
        } else {
            row.points.map(|points| round(points, 2).to_string()).into()
        },
        score: Cell::link(round(row.score, 2).to_string(), at("#formula")),
    }
}

/// What compliance comes from, short.
fn inputs(t: Lang, row: &Row) -> String {
    let beside = &row.beside;
    let evaluation =
        beside.incidents.evaluation.map_or_else(|| "–".to_string(), |result| result.to_string());
    t.compliance_inputs(beside.incidents.upheld, beside.incidents.violations, &evaluation)
}

/// All batches of an assignee as one curve.
fn joined(batches: &BTreeMap<String, Curve>) -> Curve {
    let mut all = Curve::default();
    batches.values().for_each(|curve| all.merge(curve));
    all
}

fn curve_table(
    head: &'static str,
    currency: Currency,
    curves: &[(String, String, Curve)],
) -> CurveTable {
    let months = curves.iter().map(|(_, _, curve)| curve.months.len()).max().unwrap_or(0);
    let row = |(name, href, curve): &(String, String, Curve)| CurveRow {
        name: Cell::link(name, href),
        placed_on: list::day(curve.placed_on),
        placements: list::count(curve.placements),
        balance: list::money(curve.balance, currency),
        shares: (0..months)
            .map(|month| curve.shares().get(month).copied().map(percent).unwrap_or_default())
            .collect(),
    };
    CurveTable { head, months: (1..=months).collect(), rows: curves.iter().map(row).collect() }
}

pub(in crate::web) async fn download(
    site: web::Data<Site>,
    sees: Sees<Scorecards>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let (asked, book, by, boards) =
        (asked.into_inner(), sees.book.clone(), sees.who.by(), site.boards.clone());
    let (name, bytes) = site
        .change(move |db| {
            let (on, mut rows) = read(db, |db| {
                let measure = Measure::load(db, &book, &asked)?;
                let board = boards.of(db, &book, &asked, &measure)?;
                Ok::<_, Problem>((measure.on, measure.rows(db, &book, &board)?))
            })?;
            rows.retain(|row| book.agency.as_ref().is_none_or(|agency| *agency == row.assignee));
            let bytes = file::csv(&rows, book.lender.currency)?;
            let columns = names(file::COLUMNS);
            let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
            record(
                db,
                &book.lender.code,
                &by,
                &format!("scorecard on {on}"),
                &columns,
                count,
                &bytes,
            )?;
            Ok((format!("{}-scorecard-{on}.csv", book.lender.code), bytes))
        })
        .await?;
    Ok(attachment(&name, "text/csv; charset=utf-8", bytes))
}

#[derive(Template)]
#[template(path = "web/scorecard_one.html")]
struct OneBody {
    t: Lang,
    currency: String,
    own: bool,
    sub: String,
    figures: Vec<Figure>,
    formula: Vec<(&'static str, String)>,
    strata: Vec<StratumShown>,
    totals: StratumShown,
    chart: Option<Chart>,
    curves: CurveTable,
}

struct StratumShown {
    name: Cell,
    placements: String,
    balance: String,
    recovered: String,
    rate: String,
    pooled: String,
    expected: String,
    index: String,
}

pub(in crate::web) async fn one(
    site: web::Data<Site>,
    sees: Sees<Scorecards>,
    path: web::Path<String>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let (assignee, asked, book) = (path.into_inner(), asked.into_inner(), sees.book.clone());
    visible(&book, &assignee)?;
    let (t, currency, own) = (sees.who.t, book.lender.currency, book.agency.is_some());
    let (loading, boards) = (asked.clone(), site.boards.clone());
    let mut facts = site.read(move |db| load(db, &boards, &book, &loading)).await?;
    let row =
        facts.rows.iter().find(|row| row.assignee == assignee).cloned().ok_or(Problem::NotFound)?;
    let all = facts.rows.len();
    let batches = facts.curves.remove(&assignee).unwrap_or_default();
    let batch = |name: &str| {
        let seen = if own {
            sees.who.may(Permission::OwnPlacements)
        } else {
            sees.who.may(Permission::Accounts)
        };
        if seen {
            Link::to("/placements").with("lender", &asked.lender).with("batch", name).url()
        } else {
            String::new()
        }
    };
    let mut drawing: Vec<(String, String, Curve)> =
        batches.iter().map(|(name, curve)| (name.clone(), batch(name), curve.clone())).collect();
    drawing.sort_by(|a, b| (a.2.placed_on, &a.0).cmp(&(b.2.placed_on, &b.0)));
    let (strata, totals) = strata(t, currency, own, &asked, &row, &facts.board.history);
    let body = OneBody {
        t,
        currency: currency.to_string(),
        own,
        sub: sub(t, &facts.measure),
        figures: vec![
            Figure::new(
                t.rank(),
                t.rank_of(row.rank, all),
                if own { String::new() } else { asked.link(Link::to("/scorecard")).url() },
            ),
            Figure::new(
                t.judged_placements(),
                list::count(row.sums.placements),
                listed(&asked, &assignee, "", "").url(),
            ),
            Figure::new(t.index(), round(row.index, 3).to_string(), "#strata"),
            Figure::new(t.shrunk_index(), round(row.shrunk_index, 3).to_string(), "#formula"),
            Figure::new(t.compliance(), row.beside.rating().to_string(), "#formula"),
            Figure::new(t.points_score(), round(row.score, 2).to_string(), "#formula"),
        ],
        formula: formula(t, currency, own, &facts.measure, &row, &facts.rows),
        strata,
        totals,
        chart: chart(
            drawing
                .iter()
                .map(|(name, _, curve)| Line { label: name.clone(), shares: curve.shares() })
                .collect(),
        ),
        curves: curve_table(t.batch(), currency, &drawing),
    };
    let name = facts.names.get(&assignee).cloned().unwrap_or_default();
    Page::new(&sees.who, format!("{assignee} {name} · {}", t.nav_scorecard()))
        .under(t.nav_scorecard(), asked.link(Link::to("/scorecard")).url())
        .tool(t.judged_placements(), listed(&asked, &assignee, "", "").url())
        .show(&body)
}

/// An agency has only a page of its own; whatever else is asked for is not found.
pub(in crate::web) fn visible(book: &Book, assignee: &str) -> Result<(), Problem> {
    if book.agency.as_ref().is_none_or(|agency| agency == assignee) {
        Ok(())
    } else {
        Err(Problem::NotFound)
    }
}

/// The judged placements of an assignee, of one stratum or of all: the list, or its file.
pub(in crate::web) fn listed(asked: &Asked, assignee: &str, stratum: &str, ending: &str) -> Link {
    asked
        .link(Link::to("/scorecard").segment(assignee).then("/placements").then(ending))
        .with("stratum", stratum)
}

/// The strata of one assignee: balance × pooled rate = expected. What an agency's peers recovered is not told to it.
fn strata(
    t: Lang,
    currency: Currency,
    own: bool,
    asked: &Asked,
    row: &Row,
    history: &History,
) -> (Vec<StratumShown>, StratumShown) {
    let peers = |text: String| if own { String::new() } else { text };
    let of = |recovered: Money, expected: Decimal| {
        let index = Decimal::from(recovered.0)
            .checked_div(expected)
            .map(|index| round(index, 3).to_string());
        peers(index.unwrap_or_default())
    };
    let cells = history.cells.iter().filter_map(|(group, cells)| {
        Some((group, history.pool(group)?.rate()?, cells.get(&row.assignee)?))
    });
    let shown = cells.map(|(group, pooled, cell)| {
        let expected = Decimal::from(cell.balance.0) * pooled;
        let name = if group.is_empty() { t.all() } else { group.as_str() };
        StratumShown {
            name: Cell::link(name, listed(asked, &row.assignee, group, "").url()),
            placements: list::count(cell.placements),
            balance: list::money(cell.balance, currency),
            recovered: list::money(cell.recovered, currency),
            rate: cell.rate().map(percent).unwrap_or_default(),
            pooled: peers(percent(pooled)),
            expected: peers(minor(expected, currency)),
            index: of(cell.recovered, expected),
        }
    });
    let totals = StratumShown {
        name: Cell::link(t.total_word(), ""),
        placements: list::count(row.sums.placements),
        balance: list::money(row.sums.balance, currency),
        recovered: list::money(row.sums.recovered, currency),
        rate: row.sums.rate().map(percent).unwrap_or_default(),
        pooled: String::new(),
        expected: minor(row.expected, currency),
        index: round(row.index, 3).to_string(),
    };
    (shown.collect(), totals)
}

fn six(number: Decimal) -> String {
    round(number, 6).to_string()
}

/// Every step of a row with its numbers.
fn formula(
    t: Lang,
    currency: Currency,
    own: bool,
    measure: &Measure,
    row: &Row,
    all: &[Row],
) -> Vec<(&'static str, String)> {
    let mut lines = index_lines(t, currency, measure.parameters.credibility, row);
    lines.push((
        t.accounts_served(),
        t.served_words(row.sums.served, row.sums.placements, &six(row.served_index)),
    ));
    lines.push((t.compliance(), compliance_words(t, row)));
    if !own {
        lines.extend(point_lines(t, measure, row, all));
    }
    lines
}

/// How the index came about, what was believed of it, and how sure it is.
fn index_lines(t: Lang, currency: Currency, k: i64, row: &Row) -> Vec<(&'static str, String)> {
    let (n, z) = (row.sums.placements, row.credibility);
    let mut lines = vec![
        (
            t.index(),
            format!(
                "{} ÷ {} = {}",
                list::money(row.sums.recovered, currency),
                minor(row.expected, currency),
                six(row.index)
            ),
        ),
        (
            "Z",
            format!(
                "n ÷ (n + K) = {} ÷ ({} + {}) = {}",
                list::count(n),
                list::count(n),
                list::count(k),
                six(z)
            ),
        ),
        (
            t.shrunk_index(),
            format!(
                "Z × {} + (1 − Z) × 1 = {} × {} + {} = {}",
                t.index(),
                six(z),
                six(row.index),
                six(Decimal::ONE - z),
                six(row.shrunk_index)
            ),
        ),
    ];
    if let Some((low, high)) = row.range {
        lines.push((t.range_95(), format!("{} – {}", six(low), six(high))));
    } else if let Some(nothing) = row.nothing_judged(t) {
        lines.push((t.range_95(), nothing.to_string()));
    }
    lines
}

fn compliance_words(t: Lang, row: &Row) -> String {
    let beside = &row.beside;
    let (start, upheld, violations) = (
        beside.incidents.evaluation.unwrap_or(100),
        beside.incidents.upheld,
        beside.incidents.violations,
    );
    let per = format!(
        "(10 × {upheld} + 1 × {violations}) × 1,000 ÷ {}",
        list::count(beside.placements.max(1))
    );
    format!("{start} − {per} = {} · {}", beside.rating(), inputs(t, row))
}

/// The points of a row, each beside the best of its peers, and their sum.
fn point_lines(t: Lang, measure: &Measure, row: &Row, all: &[Row]) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    let peers: Vec<&Row> = all
        .iter()
        .filter(|other| measure.peers.get(&other.assignee) == measure.peers.get(&row.assignee))
        .collect();
    let best =
        |of: &dyn Fn(&Row) -> Decimal| peers.iter().map(|row| of(row)).max().unwrap_or_default();
    let part = |points: i64, own: Decimal, best: Decimal, got: Decimal| {
        format!("{points} × {own} ÷ {best} = {}", round(got, 2))
    };
    let points = &measure.points;
    lines.push((
        t.points_recoveries(),
        part(points.recoveries, row.shrunk_index, best(&|row| row.shrunk_index), row.points[0]),
    ));
    lines.push((
        t.points_served(),
        part(
            points.accounts_served,
            row.served_index,
            best(&|row| row.served_index),
            row.points[1],
        ),
    ));
    lines.push((
        t.points_compliance(),
        part(
            points.compliance,
            row.beside.rating(),
            best(&|row| row.beside.rating()),
            row.points[2],
        ),
    ));
    let sum: Vec<String> = row.points.iter().map(|points| round(*points, 2).to_string()).collect();
    lines.push((t.points_score(), format!("{} = {}", sum.join(" + "), row.score)));
    lines
}

/// A ratio of sums as a percentage, or nothing.
pub(in crate::web) fn rate(recovered: Money, balance: Money) -> String {
    ratio(recovered, balance).map(percent).unwrap_or_default()
}
