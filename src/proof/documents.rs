//! Contracts and strategies: their texts still read, and say what is stored beside them and what their event says.

use std::collections::HashMap;

use serde_json::Value;

use super::{Proof, ProofError};
use crate::allocation::{self, strategy};
use crate::audit::{self, EventRow};
use crate::contract::store::Published;
use crate::contract::{self, parse_published};
use crate::db::Db;
use crate::kernel::digest;
use crate::party::{self, Lender};

pub(super) fn prove(db: &mut Db, lender: &Lender, proof: &mut Proof) -> Result<(), ProofError> {
    let events: HashMap<i64, EventRow> =
        audit::events(db, &lender.code)?.into_iter().map(|event| (event.seq, event)).collect();
    for one in contract::store::stored(db, &lender.code)? {
        contract(lender, &one, events.get(&one.seq), proof);
    }
    let assignees = party::store::assignees(db, &lender.code)?;
    for (run_no, text) in allocation::store::strategies(db, &lender.code)? {
        if let Err(fault) = strategy::parse_stored(&text, lender, &assignees) {
            proof.finding(format!(
                "the strategy of run {}, stored in allocation_run, no longer reads: {fault}",
                run_no
            ));
        }
    }
    Ok(())
}

fn contract(lender: &Lender, one: &Published, event: Option<&EventRow>, proof: &mut Proof) {
    let name = format!("contract {} version {}", one.code, one.version);
    proof.check(digest::sha256(one.source.as_bytes()) == one.sha256, || {
        format!("the text of {name} does not match the digest stored beside it")
    });
    let said = event.filter(|event| event.kind == "contract published");
    let said = said.and_then(|event| serde_json::from_str::<Value>(&event.summary).ok());
    let published = said.is_some_and(|said| {
        said["contract"] == one.code.as_str()
            && said["version"] == one.version
            && said["agency"] == one.agency.as_str()
            && said["sha256"] == one.sha256.as_str()
    });
    proof.check(published, || format!("event {} did not publish {name} as it is stored", one.seq));
    match parse_published(&one.source, lender.currency) {
        Err(fault) => proof.finding(format!("the text of {name} no longer reads: {fault}")),
        Ok(terms) => {
            let said = (&terms.code, &terms.agency, terms.effective_from, terms.effective_to);
            let stored = (&one.code, &one.agency, one.effective_from, one.effective_to);
            proof.check(said == stored && terms.corrects == one.corrects, || {
                format!("the text of {name} says other terms than are stored beside it")
            });
        }
    }
}
