//! Reading a book for its performance: every placement with the money that belongs to it.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use diesel::QueryResult;

use super::curve::Curve;
use super::grouping::Grouping;
use super::history::{History, Judged, Sums};
use super::scorecard::{Beside, Ground, Points, Row, scorecard};
use super::store;
use super::trial::Explored;
use crate::commission::gather::AccountFacts;
use crate::conduct::incidents;
use crate::contract::Versions;
use crate::contract::factor::Parameters;
use crate::db::Db;
use crate::kernel::Money;
use crate::placement::{self, Placement, windows};
use crate::recovery::store::MoneyRow;
use crate::recovery::{self, Kind};

/// Placements read at once.
const PAGE: i64 = 20_000;

/// Walks every placement known when the book stood at a number, with what was received and taken back on it:
/// days and signed amounts. A reversal goes where its payment went (rule 5.5).
pub fn walk(
    db: &mut Db,
    lender: &str,
    known_seq: i64,
    mut visit: impl FnMut(&Placement, &[(NaiveDate, Money)]),
) -> QueryResult<()> {
    let (mut after, mut most) = (String::new(), PAGE);
    loop {
        let page = placement::store::of_accounts_after(db, lender, &after, most)?;
        let Some(last) = page.last().map(|last| last.account_no.clone()) else { return Ok(()) };
        // One account with more placements than a page holds is read again with a larger page.
        if page.iter().all(|one| one.account_no == last)
            && i64::try_from(page.len()).is_ok_and(|count| count == most)
        {
            most *= 4;
            continue;
        }
        let money = recovery::store::money_of(db, lender, &after, &last, known_seq)?;
        let mut rest = money.as_slice();
        for own in page.chunk_by(|a, b| a.account_no == b.account_no) {
            let from = rest.partition_point(|row| row.account_no < own[0].account_no);
            let until = rest.partition_point(|row| row.account_no <= own[0].account_no);
            let known: Vec<Placement> = own
                .iter()
                .filter(|one| one.seq <= known_seq)
                .map(|one| one.known_at(known_seq))
                .collect();
            account(&known, &rest[from..until], &mut visit);
            rest = &rest[until..];
        }
        (after, most) = (last, PAGE);
    }
}

/// Gives each placement of one account its money.
fn account(
    placements: &[Placement],
    money: &[MoneyRow],
    visit: &mut impl FnMut(&Placement, &[(NaiveDate, Money)]),
) {
    let mut received: Vec<Vec<(NaiveDate, Money)>> = vec![Vec::new(); placements.len()];
    if !money.is_empty() {
        let windows = windows(placements);
        let payments: BTreeMap<&str, NaiveDate> = money
            .iter()
            .filter(|row| row.reverses.is_none())
            .map(|row| (row.reference.as_str(), row.received_on))
            .collect();
        for row in money {
            let (day, amount) = match &row.reverses {
                None => (Some(row.received_on), row.amount),
                Some(payment) => (payments.get(payment.as_str()).copied(), -row.amount),
            };
            if let Some(index) =
                day.and_then(|day| windows.iter().position(|window| window.holds(day)))
            {
                received[index].push((row.received_on, amount));
            }
        }
    }
    placements.iter().zip(&received).for_each(|(placement, received)| visit(placement, received));
}

/// What is asked of a book's performance.
#[derive(Clone, Copy, Debug)]
pub struct ScorecardQuery<'a> {
    /// The lender's code.
    pub lender: &'a str,
    /// The day.
    pub on: NaiveDate,
    /// How performance is measured.
    pub parameters: Parameters,
    /// Which accounts are alike.
    pub grouping: &'a Grouping,
    /// What is known: facts up to this number of the book.
    pub known_seq: i64,
}

/// The history of a window while it is taken up, and everybody's placements begun in it.
#[derive(Default)]
struct Measured {
    history: History,
    begun: BTreeMap<String, i64>,
    group: String,
}

impl Measured {
    fn add(
        &mut self,
        query: &ScorecardQuery<'_>,
        placement: &Placement,
        received: &[(NaiveDate, Money)],
    ) {
        let (parameters, on) = (query.parameters, query.on);
        if placement.placed_on < parameters.first_day(on) || placement.placed_on > on {
            return;
        }
        match self.begun.get_mut(&placement.assignee) {
            Some(count) => *count += 1,
            None => drop(self.begun.insert(placement.assignee.clone(), 1)),
        }
        if parameters.judges(placement.placed_on, on) {
            self.group.clear();
            query.grouping.write(&placement.facts, &mut self.group);
            let judged = Judged {
                balance: placement.balance(),
                recovered: within_horizon(parameters, placement, received),
            };
            self.history.add(&self.group, &placement.facts.bucket, &placement.assignee, judged);
        }
    }
}

/// What counts of the money on a placement.
fn within_horizon(
    parameters: Parameters,
    placement: &Placement,
    received: &[(NaiveDate, Money)],
) -> Money {
    received
        .iter()
        .filter(|(day, _)| parameters.counts(placement.placed_on, *day))
        .map(|(_, amount)| *amount)
        .sum()
}

/// The history of a window, and everybody's placements begun in it.
pub fn history(
    db: &mut Db,
    query: &ScorecardQuery<'_>,
) -> QueryResult<(History, BTreeMap<String, i64>)> {
    let mut measured = Measured::default();
    walk(db, query.lender, query.known_seq, |placement, received| {
        measured.add(query, placement, received)
    })?;
    Ok((measured.history, measured.begun))
}

/// The same from facts in memory.
pub fn history_of(
    query: &ScorecardQuery<'_>,
    accounts: &[AccountFacts],
) -> (History, BTreeMap<String, i64>) {
    let mut measured = Measured::default();
    let (first, on) = (query.parameters.first_day(query.on), query.on);
    let begun = |one: &Placement| {
        one.seq <= query.known_seq && one.placed_on >= first && one.placed_on <= on
    };
    for facts in accounts.iter().filter(|facts| facts.placements.iter().any(begun)) {
        let known = facts.placements.iter().filter(|one| one.seq <= query.known_seq);
        let known: Vec<Placement> = known.map(|one| one.known_at(query.known_seq)).collect();
        let money = facts.recoveries.iter();
        let money = money.filter(|one| one.seq <= query.known_seq && one.kind != Kind::Waiver);
        let money: Vec<MoneyRow> = money.map(MoneyRow::from).collect();
        account(&known, &money, &mut |placement: &Placement, received: &[(NaiveDate, Money)]| {
            measured.add(query, placement, received)
        });
    }
    (measured.history, measured.begun)
}

/// What a book shows of its performance on a day.
pub struct Overview {
    /// The scorecard.
    pub rows: Vec<Row>,
    /// What it is made of.
    pub history: History,
    /// The curves of the window's batches, by assignee and batch.
    pub curves: Curves,
    /// The accounts dealt by exploration.
    pub explored: Explored,
    /// Who is on the scorecard, and what stands beside money.
    pub ground: Ground,
}

impl Overview {
    /// The scorecard as an assignee is shown it: of its own conduct only what it is told of (rule 10.2) counts.
    pub fn rows_for(&self, assignee: &str, credibility: i64, points: &Points) -> Vec<Row> {
        let mut ground = self.ground.clone();
        if let Some(own) = ground.beside.get_mut(assignee) {
            own.incidents = own.incidents.told();
        }
        scorecard(&self.history, credibility, points, &ground)
    }
}

/// Scorecard, curves and trial in one walk through the book.
pub fn overview(
    db: &mut Db,
    query: &ScorecardQuery<'_>,
    versions: &Versions,
    points: &Points,
    peers: BTreeMap<String, String>,
) -> QueryResult<Overview> {
    let strata = store::explored(db, query.lender)?;
    let (mut measured, mut curves, mut explored) =
        (Measured::default(), Curves::new(), Explored::new());
    let first = query.parameters.first_day(query.on);
    walk(db, query.lender, query.known_seq, |placement, received| {
        measured.add(query, placement, received);
        follow(&mut curves, first, query.on, placement, received);
        try_out(&mut explored, &strata, query.parameters, query.on, placement, received);
    })?;
    let ground = ground(db, query, versions, peers, &measured.begun)?;
    let rows = scorecard(&measured.history, query.parameters.credibility, points, &ground);
    Ok(Overview { rows, history: measured.history, curves, explored, ground })
}

/// The scorecard of a day: everyone with a contract in force on it, or with a judged placement.
pub fn scorecard_on(
    db: &mut Db,
    query: &ScorecardQuery<'_>,
    versions: &Versions,
    points: &Points,
    peers: BTreeMap<String, String>,
) -> QueryResult<(Vec<Row>, History)> {
    let found = history(db, query)?;
    scorecard_from(db, query, versions, points, peers, found)
}

/// The same from a history that is known: with what stands beside money.
pub fn scorecard_from(
    db: &mut Db,
    query: &ScorecardQuery<'_>,
    versions: &Versions,
    points: &Points,
    peers: BTreeMap<String, String>,
    (history, begun): (History, BTreeMap<String, i64>),
) -> QueryResult<(Vec<Row>, History)> {
    let ground = ground(db, query, versions, peers, &begun)?;
    let rows = scorecard(&history, query.parameters.credibility, points, &ground);
    Ok((rows, history))
}

/// Who is on the scorecard of a day and what stands beside money.
pub fn ground(
    db: &mut Db,
    query: &ScorecardQuery<'_>,
    versions: &Versions,
    peers: BTreeMap<String, String>,
    begun: &BTreeMap<String, i64>,
) -> QueryResult<Ground> {
    let in_force = |agency: &&String| versions.in_force(agency, query.on).is_some();
    let assignees =
        versions.0.iter().map(|version| &version.terms.agency).filter(in_force).cloned().collect();
    let mut beside: BTreeMap<String, Beside> = BTreeMap::new();
    for (assignee, placements) in begun {
        beside.entry(assignee.clone()).or_default().placements = *placements;
    }
    for (assignee, incidents) in incidents(
        db,
        query.lender,
        query.parameters.first_day(query.on),
        query.on,
        query.known_seq,
    )? {
        beside.entry(assignee).or_default().incidents = incidents;
    }
    Ok(Ground { assignees, beside, peers })
}

/// A judged placement of one assignee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedPlacement {
    /// The account.
    pub account_no: String,
    /// When it was placed.
    pub placed_on: NaiveDate,
    /// With which batch.
    pub batch: String,
    /// The balance placed.
    pub balance: Money,
    /// Payments less reversals within the horizon.
    pub recovered: Money,
}

/// The judged placements that a scorecard's figures of one assignee are made of, all of them or those of one group, in
/// order of account and day.
pub fn judged(
    db: &mut Db,
    query: &ScorecardQuery<'_>,
    assignee: &str,
    group: Option<&str>,
) -> QueryResult<Vec<JudgedPlacement>> {
    let (parameters, on) = (query.parameters, query.on);
    let mut found = Vec::new();
    walk(db, query.lender, query.known_seq, |placement, received| {
        let in_group = || group.is_none_or(|group| query.grouping.group(&placement.facts) == group);
        if placement.assignee == assignee
            && parameters.judges(placement.placed_on, on)
            && in_group()
        {
            found.push(JudgedPlacement {
                account_no: placement.account_no.clone(),
                placed_on: placement.placed_on,
                batch: placement.batch.clone(),
                balance: placement.balance(),
                recovered: within_horizon(parameters, placement, received),
            });
        }
    })?;
    Ok(found)
}

/// Curves by assignee and batch.
pub type Curves = BTreeMap<String, BTreeMap<String, Curve>>;

/// Adds a placement of the days to the curve of its batch.
fn follow(
    curves: &mut Curves,
    from: NaiveDate,
    on: NaiveDate,
    placement: &Placement,
    received: &[(NaiveDate, Money)],
) {
    if placement.placed_on >= from && placement.placed_on <= on {
        let batches = curves.entry(placement.assignee.clone()).or_default();
        let curve = batches.entry(placement.batch.clone()).or_default();
        curve.add(placement.placed_on, placement.balance(), received, on);
    }
}

/// Adds a placement that chance dealt, when it is judged.
fn try_out(
    explored: &mut Explored,
    strata: &HashMap<i64, String>,
    parameters: Parameters,
    on: NaiveDate,
    placement: &Placement,
    received: &[(NaiveDate, Money)],
) {
    if !parameters.judges(placement.placed_on, on) {
        return;
    }
    let Some(stratum) = strata.get(&placement.placement_no) else { return };
    let recovered = within_horizon(parameters, placement, received);
    let sums: &mut Sums =
        explored.entry(stratum.clone()).or_default().entry(placement.assignee.clone()).or_default();
    sums.add(Judged { balance: placement.balance(), recovered });
}

/// The accounts dealt by exploration (rule 4.7): judged placements of the window only.
pub fn explored(
    db: &mut Db,
    lender: &str,
    on: NaiveDate,
    parameters: Parameters,
) -> QueryResult<Explored> {
    let strata = store::explored(db, lender)?;
    let mut explored = Explored::new();
    walk(db, lender, i64::MAX, |placement, received| {
        try_out(&mut explored, &strata, parameters, on, placement, received)
    })?;
    Ok(explored)
}
