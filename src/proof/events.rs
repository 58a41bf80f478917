//! The chain of events, and the rows each event wrote.

use std::collections::BTreeMap;

use diesel::QueryResult;

use super::Proof;
use crate::audit::{self, Book};
use crate::db::{Db, Fact, Table, canonical_rows};
use crate::kernel::digest::RowsDigest;
use crate::{
    allocation, conduct, contract, hold, party, placement, portfolio, recovery, settlement,
};

/// Every table of facts.
pub const FACTS: &[&Table] = &[
    &party::store::PolicySet::FACTS,
    &contract::store::TABLE,
    &portfolio::store::FileEntry::FACTS,
    &portfolio::FileRow::FACTS,
    &hold::store::Opening::FACTS,
    &hold::store::Ending::FACTS,
    &allocation::store::Simulated::FACTS,
    &allocation::store::Committed::FACTS,
    &allocation::store::RunAccount::FACTS,
    &allocation::store::Found::FACTS,
    &allocation::store::Refusal::FACTS,
    &allocation::store::Stratum::FACTS,
    &placement::store::Batch::FACTS,
    &placement::store::Placed::FACTS,
    &placement::store::Closing::FACTS,
    &placement::step_store::StepRow::FACTS,
    &recovery::store::FileEntry::FACTS,
    &recovery::Recovery::FACTS,
    &conduct::contact_store::ContactFile::FACTS,
    &conduct::contact_store::ContactRow::FACTS,
    &conduct::Complaint::FACTS,
    &conduct::complaint_store::DecisionRow::FACTS,
    &conduct::evaluation_store::Evaluation::FACTS,
    &settlement::Period::FACTS,
    &settlement::Grade::FACTS,
    &settlement::Head::FACTS,
    &settlement::Line::FACTS,
    &settlement::store::Document::FACTS,
];

pub(super) fn prove(db: &mut Db, book: &Book, proof: &mut Proof) -> QueryResult<()> {
    let events = audit::events(db, &book.lender)?;
    let mut hash = audit::first_hash(&book.lender);
    for (event, expected) in events.iter().zip(1..) {
        proof.check(event.seq == expected, || {
            format!("event {} stands where event {expected} should", event.seq)
        });
        let recomputed = audit::event_hash(&hash, event);
        proof.check(recomputed == event.hash, || {
            format!("event {} ({}) does not match its hash", event.seq, event.kind)
        });
        hash.clone_from(&event.hash);
        proof.events += 1;
    }
    let last = events.last().map_or(0, |event| event.seq);
    proof.check(last == book.seq, || {
        format!("the last event is {last}, the book's head says {}", book.seq)
    });
    proof.check(hash == book.event_hash, || {
        "the last event's hash is not the one in the book's head".to_string()
    });
    numbers(db, book, proof)?;
    let mut digests: BTreeMap<i64, RowsDigest> = BTreeMap::new();
    for table in FACTS {
        canonical_rows(db, table, &book.lender, |seq, canonical, fault| {
            digests.entry(seq).or_default().add(canonical);
            if let Some(fault) = fault {
                proof.finding(fault.to_string());
            }
        })?;
    }
    for event in &events {
        let digest = digests.remove(&event.seq).unwrap_or_default();
        proof.rows += digest.rows();
        proof.check(digest.text() == event.digest, || {
            format!(
                "rows written by event {} ({}, {}) were changed, added or removed since",
                event.seq, event.kind, event.recorded_at
            )
        });
    }
    for seq in digests.keys() {
        proof.finding(format!("there are rows of event {seq}, which does not exist"));
    }
    Ok(())
}

/// The numbers in the book's head are the last ones given out.
fn numbers(db: &mut Db, book: &Book, proof: &mut Proof) -> QueryResult<()> {
    let given = audit::numbers_given(db, &book.lender)?;
    for (what, head, rows) in [
        ("placement", book.placement_no, given.placements),
        ("batch", book.batch_no, given.batches),
        ("allocation run", book.run_no, given.runs),
    ] {
        proof.check(head == rows, || {
            format!("the book's head says the last {what} is {head}, the rows say {rows}")
        });
    }
    proof.check(book.first_month == given.first_month, || {
        "the book's head names another first month than its closed months".to_string()
    });
    Ok(())
}
