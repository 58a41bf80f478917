//! The chain of events, and the rows each event wrote.

use std::collections::BTreeMap;

use diesel::QueryResult;

use super::Proof;
use crate::audit::{self, Book};
use crate::db::{Db, Fact, Table, canonical_rows};
use crate::kernel::digest::{Chaining, RowsDigest};
use crate::{
    allocation, conduct, contract, hold, party, placement, portfolio, recovery, settlement,
};

/// Defines the list of all facts.
macro_rules! facts {
    ($($fact:path),+ $(,)?) => {
        /// Every table of facts.
        pub const FACTS: &[&Table] = &[$(&<$fact as Fact>::FACTS),+];

        /// How a row of each is read from the answer to a query.
        #[cfg(test)]
        const READERS: &[(&Table, tests::Reader)] =
            &[$((&<$fact as Fact>::FACTS, tests::read::<$fact>)),+];
    };
}

facts! {
    party::store::PolicySet,
    contract::store::Published,
    portfolio::store::FileEntry,
    portfolio::FileRow,
    hold::store::Opening,
    hold::store::Ending,
    allocation::store::Simulated,
    allocation::store::Committed,
    allocation::store::RunAccount,
    allocation::store::Found,
    allocation::store::Refusal,
    allocation::store::Stratum,
    placement::store::Batch,
    placement::store::Placed,
    placement::store::Closing,
    placement::step_store::StepRow,
    recovery::store::FileEntry,
    recovery::Recovery,
    conduct::contact_store::ContactFile,
    conduct::contact_store::ContactRow,
    conduct::Complaint,
    conduct::complaint_store::DecisionRow,
    conduct::evaluation_store::Evaluation,
    settlement::Period,
    settlement::Grade,
    settlement::Head,
    settlement::Line,
    settlement::store::Document,
}

pub(super) fn prove(db: &mut Db, book: &Book, proof: &mut Proof) -> QueryResult<()> {
    let events = audit::events(db, &book.lender)?;
    let mut hash = audit::first_hash(&book.lender);
    let mut version = Chaining::Barred;
    for (event, expected) in events.iter().zip(1..) {
        proof.check(event.seq == expected, || {
            format!("event {} stands where event {expected} should", event.seq)
        });
        let recomputed = audit::event_hash(&hash, event);
        proof.check(recomputed == event.hash, || {
            format!("event {} ({}) does not match its hash", event.seq, event.kind)
        });
        proof.check(event.version >= version, || {
            format!("event {} is of an earlier version than the event before it", event.seq)
        });
        version = event.version;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Address, ColumnOf, Kind};

    pub(super) type Reader = fn(&mut Db, &str) -> QueryResult<usize>;

    pub(super) fn read<F: Fact + 'static>(db: &mut Db, sql: &str) -> QueryResult<usize> {
        use diesel::RunQueryDsl as _;
        Ok(diesel::sql_query(sql).load::<F>(db)?.len())
    }

    /// What one type of text or other accepts.
    const TEXTS: [&str; 9] = [
        "A01",
        "2026-01",
        "{}",
        "0.5",
        "12.5%",
        "08:00",
        "08:00:00",
        "K|1|1|month 2026-01",
        "A01=region",
    ];

    /// Something that is a value of the column, in SQL.
    fn good(column: &ColumnOf) -> String {
        match column.of.kind {
            Kind::Int => column.least.unwrap_or(1).max(1).to_string(),
            Kind::Bool => "1".to_string(),
            Kind::Date => "'2026-01-31'".to_string(),
            Kind::Text => {
                let known =
                    column.of.words.iter().chain(&TEXTS).find(|text| (column.of.fits)(text));
                format!("'{}'", known.unwrap_or_else(|| panic!("no text fits {}", column.name)))
            }
        }
    }

    /// Everything of a kind that is no value of the column, in SQL.
    fn garbage(column: &ColumnOf) -> Vec<String> {
        let mut garbage = Vec::new();
        if !column.of.optional && !column.later {
            garbage.push("NULL".to_string());
        }
        match column.of.kind {
            Kind::Int => garbage.extend(column.least.map(|least| (least - 1).to_string())),
            Kind::Bool => garbage.extend(["2".to_string(), "-1".to_string()]),
            Kind::Date => garbage.extend(["'2026-02-30'".to_string(), "''".to_string()]),
            Kind::Text => {
                let texts = ["", "?", " ", "2026-13", "Payment", "1e3", "\u{1}"];
                let misfits = texts.iter().filter(|text| !(column.of.fits)(text));
                garbage.extend(misfits.map(|text| format!("'{text}'")));
            }
        }
        garbage
    }

    /// Asks for a row with these cells, without a table.
    fn row(columns: &[ColumnOf], cells: &[String]) -> String {
        let named =
            columns.iter().zip(cells).map(|(column, cell)| format!("{cell} AS {}", column.name));
        format!("SELECT {}", named.collect::<Vec<_>>().join(", "))
    }

    #[test]
    fn what_no_constructor_makes_is_an_error_that_names_table_key_and_column() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none.db").display().to_string();
        let mut db = Address::Sqlite(path).connect().unwrap();
        let mut tried = 0;
        for (table, read) in READERS {
            let columns = table.columns();
            let cells: Vec<String> = columns.iter().map(good).collect();
            assert_eq!(read(&mut db, &row(&columns, &cells)).unwrap(), 1, "{}", table.name);
            for (at, column) in columns.iter().enumerate().skip(1) {
                for garbage in garbage(column) {
                    let mut cells = cells.clone();
                    cells[at].clone_from(&garbage);
                    let place = format!("{}.{} = {garbage}", table.name, column.name);
                    let said = read(&mut db, &row(&columns, &cells)).expect_err(&place).to_string();
                    assert!(
                        said.starts_with(&format!("{} (", table.real_name())),
                        "{place}: {said}"
                    );
                    assert!(
                        said.contains(&format!(": the column {} ", column.name)),
                        "{place}: {said}"
                    );
                    for key in table.key.iter().filter(|key| **key != column.name) {
                        assert!(said.contains(&format!("{key} ")), "{place}: {said}");
                    }
                    tried += 1;
                }
            }
        }
        assert!(tried > 250, "only {tried} values were tried");
    }
}
