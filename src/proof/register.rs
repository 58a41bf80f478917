//! Parties and people: their rows are what the events say, and each event found what the one before had left.
//!
//! A chain that does not speak of them yet was begun by an earlier version: its next change records everything as it
//! stands, and is proven from there.

use serde_json::Value;

use super::{Proof, ProofError};
use crate::audit::{self, Book, Change, History, INSTALLATION};
use crate::db::Db;
use crate::identity::{people, store};
use crate::party::{self, Lender, record};

/// The chain of the installation with its people. It has `begun` when that of a lender speaks of parties: whatever records
/// those records people, too.
pub(super) fn installation(db: &mut Db, begun: bool) -> Result<Proof, ProofError> {
    let mut proof = Proof { lender: INSTALLATION.to_string(), ..Proof::default() };
    match audit::book(db, INSTALLATION) {
        Ok(book) => {
            let prove = |proof: &mut Proof| Ok(super::events::prove(db, &book, proof)?);
            proof.part("the chain of events", prove);
        }
        Err(diesel::NotFound) => {}
        Err(error) => return Err(error.into()),
    }
    proof.part("the people", |proof| people(db, begun, proof));
    Ok(proof)
}

fn people(db: &mut Db, begun: bool, proof: &mut Proof) -> Result<(), ProofError> {
    let history = History::of(&audit::events(db, INSTALLATION)?);
    proof.recorded = !history.states.is_empty();
    let rows: Vec<(String, Value)> =
        store::people(db)?.iter().map(|one| (one.login.clone(), people::state(one))).collect();
    proof.check(proof.recorded || !begun || rows.is_empty(), || {
        "the events that made people what they are were removed".to_string()
    });
    compare(people::PERSON, &rows, &history, proof);
    breaks(&history, proof);
    Ok(())
}

/// A lender and its assignees.
pub(super) fn parties(
    db: &mut Db,
    lender: &Lender,
    book: &Book,
    proof: &mut Proof,
) -> Result<(), ProofError> {
    let history = History::of(&audit::events(db, &book.lender)?);
    proof.recorded = !history.states.is_empty();
    let itself = [(lender.code.clone(), record::lender_state(lender))];
    let assignees: Vec<(String, Value)> = party::store::assignees(db, &lender.code)?
        .iter()
        .map(|one| (one.code.clone(), record::assignee_state(one)))
        .collect();
    compare(record::LENDER, &itself, &history, proof);
    compare(record::ASSIGNEE, &assignees, &history, proof);
    breaks(&history, proof);
    Ok(())
}

fn compare(what: &str, rows: &[(String, Value)], history: &History, proof: &mut Proof) {
    if history.states.is_empty() {
        return;
    }
    for (key, row) in rows {
        proof.rows += 1;
        match history.states.get(&(what.to_string(), key.clone())) {
            None => proof.finding(format!("{what} {key} is in the database, but no event made it")),
            Some(recorded) => {
                for difference in differences(&recorded.state, row) {
                    proof.finding(format!(
                        "{what} {key}: {difference} since event {}, by no event",
                        recorded.seq
                    ));
                }
            }
        }
    }
    let gone = history
        .states
        .keys()
        .filter(|(kind, key)| kind == what && !rows.iter().any(|(known, _)| known == key));
    for (_, key) in gone {
        proof.finding(format!("{what} {key} is gone from the database"));
    }
}

/// An event that began from something else than the event before had left shows that somebody changed the row in between.
fn breaks(history: &History, proof: &mut Proof) {
    for (seq, Change { what, key, .. }) in &history.breaks {
        proof.finding(format!("{what} {key} was changed before event {seq}, by no event"));
    }
}

/// What differs, in words; of a password only that it does.
fn differences(recorded: &Value, row: &Value) -> Vec<String> {
    let (Some(before), Some(after)) = (recorded.as_object(), row.as_object()) else {
        return vec!["it is not what was recorded".to_string()];
    };
    let keys: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differ = keys.into_iter().filter(|key| before.get(*key) != after.get(*key));
    differ
        .map(|key| match (key.as_str(), before.get(key), after.get(key)) {
            ("password", ..) => "password was changed".to_string(),
            (_, before, after) => format!(
                "{key} was changed from {} to {}",
                before.unwrap_or(&Value::Null),
                after.unwrap_or(&Value::Null)
            ),
        })
        .collect()
}
