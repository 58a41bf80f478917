//! Every closed month worked out again, one after the other, from facts that are read once.
//!
//! A statement settles, group by group, what the contracts entitle at its closing less what was settled before. From one
//! closing to the next only the groups of accounts with new facts can have changed – recoveries, placements, closings,
//! steps, corrections of a contract that the later closing is the first to know. Those are priced anew, whole; of all
//! others the entitlement is what the month before settled to the fen, and they have no line. Nothing stored of a
//! statement is believed: what was settled before is what the replay itself came to.

use std::collections::{BTreeMap, BTreeSet};

use super::build::{Law, MonthEnd, Settled};
use super::close::{WorkedOut, graded};
use super::month::{ClosedMonth, Earned};
use super::{SettlementError, Settles};
use crate::commission::gather::{AccountFacts, CutOff, Gathered, each_account};
use crate::contract::{self, Versions};
use crate::db::Db;
use crate::kernel::{Month, count};
use crate::party::Lender;
use crate::performance::measure;

/// A closing that is to be worked out again.
#[derive(Clone, Copy, Debug)]
pub struct Closing {
    /// The month.
    pub month: Month,
    /// What it knew.
    pub cut_off: CutOff,
    /// By which law.
    pub settles: Option<Settles>,
}

/// The closings of a book, worked out again in order.
pub struct Replay<'a> {
    lender: &'a Lender,
    versions: Versions,
    closings: &'a [Closing],
    facts: Vec<AccountFacts>,
    /// By closing: the accounts with facts that it is the first to know.
    news: Vec<BTreeSet<usize>>,
    gathered: Gathered,
    settled: Settled,
    /// What the groups earn, those too that stand aside.
    earned: Earned,
    /// The months closed by month of receipt so far.
    closed: Vec<ClosedMonth>,
    before: Option<(Versions, CutOff)>,
    next: usize,
    statement_no: i64,
}

impl<'a> Replay<'a> {
    /// Reads the facts of a book, and sorts its accounts by the closings that learn something new of them.
    pub fn load(
        db: &mut Db,
        lender: &'a Lender,
        closings: &'a [Closing],
    ) -> Result<Replay<'a>, SettlementError> {
        let versions = contract::store::versions(db, lender)?;
        let mut facts = Vec::new();
        each_account(db, &lender.code, |one| {
            facts.push(one);
            Ok(())
        })?;
        let news = news(closings, &versions, &facts);
        Ok(Replay {
            lender,
            versions,
            closings,
            facts,
            news,
            gathered: Gathered::default(),
            settled: Settled::default(),
            earned: Earned::default(),
            closed: Vec::new(),
            before: None,
            next: 0,
            statement_no: 0,
        })
    }

    /// What the next closing comes to; `None` when all are done.
    pub fn next(&mut self, db: &mut Db) -> Result<Option<WorkedOut>, SettlementError> {
        let Some(closing) = self.closings.get(self.next).copied() else { return Ok(None) };
        let Closing { month, cut_off, settles } = closing;
        let known = self.versions.known_at(cut_off.seq);
        let (versions, law) = match settles {
            None => (known.as_they_stood(), Law::Statement),
            Some(Settles::MonthOfReceipt) => (known, Law::MonthOfReceipt(&self.closed)),
        };
        let accounts: Vec<&AccountFacts> =
            self.news[self.next].iter().map(|account| &self.facts[*account]).collect();
        let before = self.before.as_ref().map(|(versions, cut_off)| (versions, *cut_off));
        let touched = self.gathered.advance(&accounts, before, (&versions, cut_off))?;
        // The rest stands aside meanwhile: it has no line.
        let groups = set_aside(&mut self.gathered.groups, &touched);
        let settled = set_aside(&mut self.settled.groups, &touched);
        let facts = &self.facts;
        let graded = graded(db, self.lender, &versions, cut_off, law, |_, asked| {
            Ok(measure::history_of(asked, facts))
        })?;
        let month_end = MonthEnd {
            lender: &self.lender.code,
            currency: self.lender.currency,
            month,
            first_month: self.closings.first().map_or(month, |first| first.month),
            law,
            versions: &versions,
            gathered: &self.gathered,
            settled: &self.settled,
            graded: &graded,
            last_statement_no: self.statement_no,
            // The act that closed the month is the one after the last that it knew.
            seq: cut_off.seq + 1,
        };
        let statements = month_end.statements(&mut self.earned)?;
        self.gathered.groups.extend(groups);
        self.settled.groups.extend(settled);
        statements.iter().for_each(|one| self.settled.take(one));
        self.statement_no += count(statements.len());
        self.before = Some((versions, cut_off));
        self.next += 1;
        if settles.is_some() {
            let (known_seq, graded) = (cut_off.seq, graded.clone());
            self.closed.push(ClosedMonth { month, known_seq, graded });
        }
        Ok(Some(WorkedOut { statements, graded }))
    }
}

/// Leaves only some keys of a map; gives back the others.
fn set_aside<K: Ord + Clone, V>(map: &mut BTreeMap<K, V>, keep: &BTreeSet<K>) -> BTreeMap<K, V> {
    let kept = keep.iter().filter_map(|key| map.remove_entry(key)).collect();
    std::mem::replace(map, kept)
}

/// By closing: the accounts of which it is the first to know something.
fn news(closings: &[Closing], versions: &Versions, facts: &[AccountFacts]) -> Vec<BTreeSet<usize>> {
    let mut news = vec![BTreeSet::new(); closings.len()];
    let recorded = |seq: i64| closings.partition_point(|one| one.cut_off.seq < seq);
    let corrections: Vec<(&str, usize)> = versions
        .0
        .iter()
        .filter(|version| version.terms.corrects.is_some())
        .map(|version| (version.terms.agency.as_str(), recorded(version.seq)))
        .collect();
    for (account, own) in facts.iter().enumerate() {
        let received = own.recoveries.iter().map(|one| {
            let over = closings.partition_point(|it| it.cut_off.last_day < one.received_on);
            recorded(one.seq).max(over)
        });
        let placed = own.placements.iter().flat_map(|one| {
            let acts = [Some(one.seq), one.closed_seq].into_iter().flatten();
            let acts = acts.chain(one.steps.iter().map(|step| step.seq)).map(recorded);
            let of_agency = |(agency, _): &&(&str, usize)| *agency == one.assignee;
            acts.chain(corrections.iter().filter(of_agency).map(|(_, closing)| *closing))
        });
        for closing in received.chain(placed) {
            if let Some(accounts) = news.get_mut(closing) {
                accounts.insert(account);
            }
        }
    }
    news
}
