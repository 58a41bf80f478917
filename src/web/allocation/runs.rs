//! Allocation runs: the list of them, and what one run decided with its proof.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use askama::Template;
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::allocation::findings::{Findings, How, Share, amount, difference};
use crate::allocation::reason::Why;
use crate::allocation::store::{self, ListedRun, RunRow};
use crate::allocation::strata_table::{STRATA_COLUMNS, StratumRow, millionths};
use crate::audit;
use crate::db::{Db, read};
use crate::identity::Permission;
use crate::kernel::{Currency, Money};
use crate::party::{self, Lang};
use crate::performance::number::{percent, ratio, round};
use crate::web::Site;
use crate::web::identity::who::{Accounts, Book, Sees};
use crate::web::link::Link;
use crate::web::list::{self, Cell, Pager, cut, one_more};
use crate::web::page::{Chip, Figure, Page, Tone};
use crate::web::problem::Problem;
use crate::web::sheet::{Sheet, attachment};
use crate::words::allocation::{gate_word, refusal_words};

/// Strata of one page.
const STRATA: usize = 40;

/// The page of a run.
pub(in crate::web) fn run_link(run_no: i64) -> Link {
    Link::to("/allocation").segment(&run_no.to_string())
}

/// What the URL of the list asks for.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct AskedList {
    before: String,
}

#[derive(Template)]
#[template(path = "web/runs.html")]
struct RunsBody {
    t: Lang,
    lender: String,
    may: bool,
    rows: Vec<RunShown>,
    pager: Pager,
}

struct RunShown {
    run: Cell,
    day: String,
    name: String,
    method: &'static str,
    placed: Cell,
    unplaced: Cell,
    state: Chip,
    simulated: String,
    committed: String,
}

pub(in crate::web) async fn list(
    site: web::Data<Site>,
    sees: Sees<Accounts>,
    asked: web::Query<AskedList>,
) -> Result<HttpResponse, Problem> {
    let before = if asked.before.is_empty() {
        i64::MAX
    } else {
        asked.before.parse().map_err(|_| Problem::NotFound)?
    };
    let (t, book) = (sees.who.t, sees.book.clone());
    let mut runs =
        site.read(move |db| Ok(store::listed(db, &book.lender.code, before, one_more())?)).await?;
    let next =
        |last: &ListedRun| Link::to("/allocation").with("before", &last.run_no.to_string()).url();
    let next = if cut(&mut runs) { runs.last().map(next) } else { None };
    let may = sees.who.may(Permission::Allocate);
    let body = RunsBody {
        t,
        lender: sees.book.lender.code.clone(),
        may,
        rows: runs.iter().map(|run| listed(t, &sees.book, run)).collect(),
        pager: Pager { first: (!asked.before.is_empty()).then(|| "/allocation".to_string()), next },
    };
    let page = Page::new(&sees.who, t.nav_allocation());
    if may {
        page.tool(t.what_if(), "/allocation/compare").step(t.new_run(), "/allocation/new")
    } else {
        page
    }
    .show(&body)
}

/// Whether a run was carried out.
fn state(t: Lang, committed: bool) -> Chip {
    if committed {
        Chip::new(Tone::Good, t.run_committed())
    } else {
        Chip::new(Tone::Plain, t.run_simulated())
    }
}

fn listed(t: Lang, book: &Book, run: &ListedRun) -> RunShown {
    let accounts = |how: How| run_link(run.run_no).then("/accounts").with("how", how.name()).url();
    let told = |at: &str, by: &str| format!("{} {by}", book.moment(at));
    RunShown {
        run: Cell::link(run.run_no.to_string(), run_link(run.run_no).url()),
        day: run.run_on.to_string(),
        name: run.name.clone(),
        method: t.method(run.method.name()),
        placed: Cell::link(list::count(run.placed), accounts(How::Placed)),
        unplaced: Cell::link(
            list::count(run.unplaced),
            if run.unplaced > 0 { accounts(How::Unplaced) } else { String::new() },
        ),
        state: state(t, run.committed_at.is_some()),
        simulated: told(&run.simulated_at, &run.simulated_by),
        committed: run
            .committed_at
            .as_deref()
            .zip(run.committed_by.as_deref())
            .map(|(at, by)| told(at, by))
            .unwrap_or_default(),
    }
}

/// A run with what it found, as the stores give it.
pub(in crate::web) struct Run {
    /// The run.
    pub row: RunRow,
    /// Who simulated and committed it, and when.
    pub listed: ListedRun,
    /// What it found.
    pub findings: Findings,
    /// Whether the book has changed since.
    pub moved: bool,
}

impl Run {
    /// A run of a book; one that is not there is not found.
    pub fn load(db: &mut Db, book: &Book, run_no: i64) -> Result<Run, Problem> {
        let lender = &book.lender.code;
        let row = store::run(db, lender, run_no)?.ok_or(Problem::NotFound)?;
        let last = run_no.checked_add(1).ok_or(Problem::NotFound)?;
        let listed = store::listed(db, lender, last, 1)?.pop().ok_or(Problem::NotFound)?;
        let mut findings = store::findings(db, lender, run_no)?;
        if findings.assignees.is_empty() && findings.unplaced.is_empty() {
            (findings.assignees, findings.unplaced) = store::shares(db, lender, run_no)?;
        }
        let moved = row.committed_seq.is_none() && audit::changed_since(db, lender, row.seq)?;
        Ok(Run { row, listed, findings, moved })
    }

    /// Its name for titles and crumbs.
    pub fn title(&self, t: Lang) -> String {
        format!("{} · {} {}", self.row.name, t.run_word(), self.row.run_no)
    }

    /// Σ balances given to somebody.
    pub fn balance(&self) -> Money {
        self.findings.assignees.values().map(|share| Money(share.balance)).sum()
    }
}

/// What the URL of a run asks for.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Asked {
    /// The stratum that is unfolded.
    stratum: String,
    /// The stratum that the table goes on after.
    after: String,
    /// Set when a form was sent for a run that was committed before.
    already: String,
}

#[derive(Template)]
#[template(path = "web/run.html")]
struct Body {
    t: Lang,
    currency: String,
    sub: String,
    told: Option<String>,
    warning: Option<&'static str>,
    figures: Vec<Figure>,
    proof: Vec<String>,
    assignees: Vec<AssigneeShown>,
    totals: AssigneeShown,
    strata: Vec<StratumShown>,
    strata_count: String,
    strata_file: String,
    unplaced: Vec<Counted>,
    not_taken: Vec<Counted>,
    strategy: String,
    hash: String,
    again: Option<String>,
    pager: Pager,
}

/// A count with its words.
struct Counted {
    count: Cell,
    words: String,
}

#[derive(Default)]
struct AssigneeShown {
    code: Cell,
    name: String,
    gate: String,
    accounts: String,
    share: String,
    bar: i64,
    balance: String,
    mean: String,
    expected: String,
    fees: String,
    by_method: Cell,
    explored: Cell,
    followed: Cell,
    limits: String,
}

struct StratumShown {
    name: Cell,
    open: bool,
    accounts: Cell,
    balance: String,
    rate: String,
    placed: String,
    rows: Vec<CellShown>,
}

struct CellShown {
    assignee: String,
    index: String,
    fee_rate: String,
    value: String,
    assigned: Cell,
    explored: Cell,
}

pub(in crate::web) async fn show(
    site: web::Data<Site>,
    sees: Sees<Accounts>,
    path: web::Path<i64>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let (run_no, asked, book) = (path.into_inner(), asked.into_inner(), sees.book.clone());
    let (run, strata, refusals, assignees) = site
        .read(move |db| {
            let run = Run::load(db, &book, run_no)?;
            let lender = &book.lender.code;
            let refusals = store::refusals(db, lender, run_no)?;
            Ok((
                run,
                store::strata(db, lender, run_no)?,
                refusals,
                party::store::assignees(db, lender)?,
            ))
        })
        .await?;
    let (t, currency) = (sees.who.t, sees.book.lender.currency);
    let may = sees.who.may(Permission::Allocate);
    let committed = run.row.committed_seq.is_some();
    let again = may.then(|| Link::to("/allocation/new").with("run", &run_no.to_string()).url());
    let page = Page::new(&sees.who, run.title(t))
        .under(t.nav_allocation(), "/allocation")
        .chip(state(t, committed));
    let page = page.tool(t.run_accounts(), run_link(run_no).then("/accounts").url());
    let page = match (&again, committed, run.moved) {
        (Some(again), false, true) => page.step(t.simulate_again(), again),
        (Some(_), false, false) if run.row.placed > 0 => {
            page.step(t.commit_step(), run_link(run_no).then("/commit").url())
        }
        _ => page,
    };
    let (rows, pager, count) = strata_shown(t, currency, run_no, &strata, &asked);
    let names = |code: &str| {
        assignees
            .iter()
            .find(|one| one.code == code)
            .map(|one| one.name.clone())
            .unwrap_or_default()
    };
    let (by_assignee, totals) = assignees_shown(t, currency, &run, &strata, &names);
    let reason = |(code, count): (&String, &i64)| unplaced(t, &run.row, code, *count, &refusals);
    let mut unplaced: Vec<(i64, Counted)> =
        run.findings.unplaced.iter().map(|one| (*one.1, reason(one))).collect();
    unplaced.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let told = (committed && !asked.already.is_empty())
        .then(|| format!("{} {run_no} {}", t.run_word(), t.run_already()));
    let body = Body {
        t,
        currency: currency.to_string(),
        sub: sub(t, &sees.book, &run),
        told,
        warning: run.moved.then(|| t.run_moved()),
        figures: figures(t, currency, &run),
        proof: proof(t, currency, &run.findings),
        assignees: by_assignee,
        totals,
        strata: rows,
        strata_count: list::count(crate::kernel::count(count)),
        strata_file: run_link(run_no).then("/strata.csv").url(),
        unplaced: unplaced.into_iter().map(|(_, shown)| shown).collect(),
        not_taken: not_taken(t, &run.findings),
        strategy: run.row.strategy.clone(),
        hash: run.row.hash.clone(),
        again: again.filter(|_| !run.moved),
        pager,
    };
    page.show(&body)
}

/// For which day, by what, when and by whom.
fn sub(t: Lang, book: &Book, run: &Run) -> String {
    let mut words =
        format!("{} {} · {}", t.run_day(), run.row.run_on, t.method(run.row.method.name()));
    words += &format!(
        " · {} {} {}",
        t.run_simulated(),
        book.moment(&run.listed.simulated_at),
        run.listed.simulated_by
    );
    if let (Some(at), Some(by)) = (&run.listed.committed_at, &run.listed.committed_by) {
        words += &format!(" · {} {} {by}", t.run_committed(), book.moment(at));
    }
    words
}

fn figures(t: Lang, currency: Currency, run: &Run) -> Vec<Figure> {
    let accounts = |how: &str| run_link(run.row.run_no).then("/accounts").with("how", how).url();
    let (findings, row) = (&run.findings, &run.row);
    let mut figures = vec![
        Figure::new(t.accounts_word(), list::count(row.placed + row.unplaced), accounts("")),
        Figure::new(t.run_placed(), list::count(row.placed), accounts(How::Placed.name())),
        Figure::new(t.run_unplaced(), list::count(row.unplaced), accounts(How::Unplaced.name())),
    ];
    let net = findings.net().or_else(|| amount(&findings.objective, currency));
    if let Some(expected) = net.filter(|_| findings.history) {
        figures.push(Figure::new(
            format!("{} ({currency})", t.expected_net()),
            list::money(expected, currency),
            "#strata",
        ));
    }
    for (label, other) in [
        (t.more_than_equal(), &findings.equal_would_bring),
        (t.more_than_score(), &findings.score_would_bring),
    ] {
        let more =
            other.as_deref().and_then(|other| difference(&findings.objective, other, currency));
        figures.extend(more.map(|more| Figure::new(label, signed(more, currency), "#proof")));
    }
    figures
}

/// An amount that is more or less than another.
fn signed(amount: Money, currency: Currency) -> String {
    let plus = if amount > Money::ZERO { "+" } else { "" };
    format!("{plus}{}", list::money(amount, currency))
}

/// What the run proves, what binds it, and what keeping debtors together cost, in sentences.
fn proof(t: Lang, currency: Currency, findings: &Findings) -> Vec<String> {
    let mut words = Vec::new();
    if !findings.method.is_empty() && findings.method != findings.method_asked {
        words.push(t.without_history(t.method(&findings.method_asked), t.method(&findings.method)));
    }
    let shown = |text: &str| {
        amount(text, currency).map(|amount| format!("{currency} {}", list::money(amount, currency)))
    };
    if let (Some(bound), Some(worth)) =
        (findings.bound.as_deref().and_then(shown), shown(&findings.objective))
    {
        words.push(t.proof_of(&bound, &worth));
        let binding: Vec<String> = findings
            .binding()
            .filter_map(|(limit, price)| {
                let most = !price.starts_with('-');
                let bound = if most { limit.max_accounts? } else { limit.min_accounts };
                Some(t.limit_binds(
                    &limit.assignee,
                    most,
                    &list::count(bound),
                    &shown(price.trim_start_matches('-'))?,
                ))
            })
            .collect();
        if binding.is_empty() {
            words.push(t.no_limit_binds().to_string());
        }
        words.extend(binding);
    }
    let no_room_zh = findings.no_room_zh.clone().filter(|_| t == Lang::Zh);
    words.extend(no_room_zh.or_else(|| findings.no_room.clone()));
    if findings.debtors_kept_together > 0 {
        let cost = amount(&findings.together_cost, currency).unwrap_or_default();
        let shown = format!("{currency} {}", list::money(cost.abs(), currency));
        words.push(t.together_cost(
            &list::count(findings.debtors_kept_together),
            &shown,
            cost.cmp(&Money::ZERO),
        ));
    }
    words
}

fn assignees_shown(
    t: Lang,
    currency: Currency,
    run: &Run,
    strata: &[StratumRow],
    names: &dyn Fn(&str) -> String,
) -> (Vec<AssigneeShown>, AssigneeShown) {
    let findings = &run.findings;
    let mut shares: BTreeMap<&str, Share> = findings
        .limits
        .iter()
        .map(|limit| {
            (
                limit.assignee.as_str(),
                Share { expected: Some(0), fees: Some(0), ..Share::default() },
            )
        })
        .collect();
    shares.extend(findings.assignees.iter().map(|(code, share)| (code.as_str(), *share)));
    let all = Share {
        accounts: shares.values().map(|share| share.accounts).sum(),
        explored: shares.values().map(|share| share.explored).sum(),
        balance: shares.values().map(|share| share.balance).sum(),
        expected: shares.values().map(|share| share.expected).sum(),
        fees: shares.values().map(|share| share.fees).sum(),
    };
    let by_method = |code: &str| {
        strata
            .iter()
            .filter(|row| row.assignee == code)
            .map(|row| row.assigned - row.explored)
            .sum()
    };
    let row = |code: &str, share: &Share| {
        let limit = findings.limits.iter().find(|limit| limit.assignee == code);
        AssigneeShown {
            name: names(code),
            gate: limit
                .and_then(|limit| limit.closed.as_deref())
                .map(|gate| gate_word(gate, t).to_string())
                .unwrap_or_default(),
            limits: limit
                .map(|limit| limits(limit.min_accounts, limit.max_accounts))
                .unwrap_or_default(),
            ..assignee_shown(currency, run.row.run_no, code, share, all.accounts, by_method(code))
        }
    };
    let rows = shares.iter().map(|(code, share)| row(code, share)).collect();
    let total = AssigneeShown {
        code: Cell::link(t.total_word(), ""),
        ..assignee_shown(
            currency,
            run.row.run_no,
            "",
            &all,
            all.accounts,
            strata.iter().map(|row| row.assigned - row.explored).sum(),
        )
    };
    (rows, total)
}

fn limits(fewest: i64, most: Option<i64>) -> String {
    match (fewest, most) {
        (0, None) => String::new(),
        (fewest, None) => format!("≥ {}", list::count(fewest)),
        (0, Some(most)) => format!("≤ {}", list::count(most)),
        (fewest, Some(most)) => format!("{} – {}", list::count(fewest), list::count(most)),
    }
}

fn assignee_shown(
    currency: Currency,
    run_no: i64,
    code: &str,
    share: &Share,
    all: i64,
    by_method: i64,
) -> AssigneeShown {
    let accounts = |how: How| {
        run_link(run_no).then("/accounts").with("assignee", code).with("how", how.name()).url()
    };
    let linked = |count: i64, how: How| {
        Cell::link(list::count(count), if count > 0 { accounts(how) } else { String::new() })
    };
    let hundredths = share.accounts * 10_000 / all.max(1);
    let balance = Money(share.balance);
    AssigneeShown {
        code: Cell::link(
            code,
            if share.accounts > 0 { accounts(How::Placed) } else { String::new() },
        ),
        accounts: list::count(share.accounts),
        share: format!("{}.{:02}%", hundredths / 100, hundredths % 100),
        bar: hundredths / 100,
        balance: list::money(balance, currency),
        mean: ratio(balance, Money(share.accounts))
            .map(|mean| minor(mean, currency))
            .unwrap_or_default(),
        expected: share
            .expected
            .map(|expected| list::money(Money(expected), currency))
            .unwrap_or_default(),
        fees: share.fees.map(|fees| list::money(Money(fees), currency)).unwrap_or_default(),
        by_method: linked(by_method, How::Method),
        explored: linked(share.explored, How::Explored),
        followed: linked((share.accounts - share.explored - by_method).max(0), How::Followed),
        ..AssigneeShown::default()
    }
}

/// A sum of minor units that need not be whole, as an amount.
pub(in crate::web) fn minor(exact: Decimal, currency: Currency) -> String {
    i64::try_from(round(exact, 0).mantissa())
        .map(|amount| list::money(Money(amount), currency))
        .unwrap_or_default()
}

/// The strata of this page, one row each, the one asked for unfolded; with the pager and how many there are.
fn strata_shown(
    t: Lang,
    currency: Currency,
    run_no: i64,
    rows: &[StratumRow],
    asked: &Asked,
) -> (Vec<StratumShown>, Pager, usize) {
    let groups: Vec<&[StratumRow]> = rows.chunk_by(|a, b| a.stratum == b.stratum).collect();
    let count = groups.len();
    let here = |stratum: &str, after: &str| {
        run_link(run_no).with("stratum", stratum).with("after", after).then("#strata").url()
    };
    let rest = groups
        .iter()
        .filter(|group| asked.after.is_empty() || group[0].stratum.as_str() > asked.after.as_str());
    let mut shown: Vec<&&[StratumRow]> = rest.take(STRATA + 1).collect();
    let more = shown.len() > STRATA;
    shown.truncate(STRATA);
    let last = shown.last().map(|group| group[0].stratum.clone()).unwrap_or_default();
    let row = |group: &&&[StratumRow]| {
        let name = group[0].stratum.as_str();
        let open = name == asked.stratum || count == 1;
        stratum_shown(
            t,
            currency,
            run_no,
            group,
            open,
            here(if open { "" } else { name }, &asked.after),
        )
    };
    let pager = Pager {
        first: (!asked.after.is_empty()).then(|| here("", "")),
        next: more.then(|| here("", &last)),
    };
    (shown.iter().map(row).collect(), pager, count)
}

fn stratum_shown(
    t: Lang,
    currency: Currency,
    run_no: i64,
    group: &[StratumRow],
    open: bool,
    href: String,
) -> StratumShown {
    let first = &group[0];
    let accounts = |assignee: &str, how: &str| {
        let link = run_link(run_no).then("/accounts").with("stratum", &first.stratum);
        link.with("assignee", assignee).with("how", how).url()
    };
    let linked = |count: i64, assignee: &str, how: How| {
        Cell::link(
            list::count(count),
            if count > 0 { accounts(assignee, how.name()) } else { String::new() },
        )
    };
    let cell = |row: &StratumRow| CellShown {
        assignee: row.assignee.clone(),
        index: round(row.index, 3).to_string(),
        fee_rate: percent(row.fee_rate),
        value: amount(&millionths(row.value.into()), currency)
            .map(|value| list::money(value, currency))
            .unwrap_or_default(),
        assigned: linked(row.assigned, &row.assignee, How::Placed),
        explored: linked(row.explored, &row.assignee, How::Explored),
    };
    let split: Vec<String> = group
        .iter()
        .filter(|row| row.assigned > 0)
        .map(|row| format!("{} {}", row.assignee, list::count(row.assigned)))
        .collect();
    StratumShown {
        name: Cell::link(
            if first.stratum.is_empty() { t.all() } else { first.stratum.as_str() },
            href,
        ),
        open,
        accounts: Cell::link(list::count(first.accounts), accounts("", "")),
        balance: list::money(first.balance, currency),
        rate: percent(first.stratum_rate),
        placed: split.join(" · "),
        rows: if open { group.iter().map(cell).collect() } else { Vec::new() },
    }
}

fn unplaced(
    t: Lang,
    run: &RunRow,
    code: &str,
    count: i64,
    refusals: &BTreeMap<i64, String>,
) -> Counted {
    let href = run_link(run.run_no)
        .then("/accounts")
        .with("how", How::Unplaced.name())
        .with("reason", code)
        .url();
    Counted {
        count: Cell::link(list::count(count), href),
        words: reason_words(t, run.method.name(), code, refusals),
    }
}

/// A reason in words; a text that is no code is shown as it is.
pub(in crate::web) fn reason_words(
    t: Lang,
    method: &str,
    code: &str,
    refusals: &BTreeMap<i64, String>,
) -> String {
    match Why::parse(code) {
        Some(why) => why_words(t, method, &why, refusals),
        None => code.to_string(),
    }
}

/// A reason in words.
pub(in crate::web) fn why_words(
    t: Lang,
    method: &str,
    why: &Why,
    refusals: &BTreeMap<i64, String>,
) -> String {
    let list = why
        .refusals
        .and_then(|number| refusals.get(&number))
        .map(String::as_str)
        .unwrap_or_default();
    why.words(t, method, &refusal_words(list, t))
}

fn not_taken(t: Lang, findings: &Findings) -> Vec<Counted> {
    let mut rows: Vec<(&String, &i64)> = findings.not_taken.iter().collect();
    rows.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let shown = |(why, count): (&String, &i64)| Counted {
        count: Cell::link(list::count(*count), ""),
        words: t.left_out(why).to_string(),
    };
    rows.into_iter().map(shown).collect()
}

/// The strata table as the command line writes it.
pub(in crate::web) async fn strata_file(
    site: web::Data<Site>,
    sees: Sees<Accounts>,
    path: web::Path<i64>,
) -> Result<HttpResponse, Problem> {
    let (run_no, book, by) = (path.into_inner(), sees.book.clone(), sees.who.by());
    let name = format!("{}-run-{run_no}-strata.csv", book.lender.code);
    let bytes = site
        .change(move |db| {
            let (lender, currency) = (&book.lender.code, book.lender.currency);
            let rows = read(db, |db| {
                store::run(db, lender, run_no)?.ok_or(Problem::NotFound)?;
                Ok::<_, Problem>(store::strata(db, lender, run_no)?)
            })?;
            let mut sheet = Sheet::new(&STRATA_COLUMNS)?;
            rows.iter().try_for_each(|row| sheet.row(&row.cells(currency)))?;
            sheet.finish(db, lender, &by, &format!("strata of run {run_no}"))
        })
        .await?;
    Ok(attachment(&name, "text/csv; charset=utf-8", bytes))
}
