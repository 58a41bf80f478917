//! What is kept beside a placement's facts is what its steps come to, and every step is one of a placement.

use super::{Proof, ProofError};
use crate::db::Db;
use crate::placement::{self, Placement};

pub(super) fn prove(db: &mut Db, lender: &str, proof: &mut Proof) -> Result<(), ProofError> {
    placement::store::each(db, lender, |one| {
        ends(&one, proof);
        Ok::<(), ProofError>(())
    })?;
    for stray in placement::step_store::strays(db, lender)? {
        proof.finding(format!(
            "placement {} has a step, but is not a placement of account {}",
            stray.placement_no, stray.account_no
        ));
    }
    Ok(())
}

fn ends(one: &Placement, proof: &mut Proof) {
    let again = one.known_at(i64::MAX);
    let (no, account_no) = (one.placement_no, &one.account_no);
    proof.check(one.expires_on == again.expires_on, || {
        format!(
            "placement {no} of account {account_no} runs to {}, its steps say {}",
            one.expires_on, again.expires_on
        )
    });
    proof.check(one.recall_final_on == again.recall_final_on, || {
        let shown = |day: Option<chrono::NaiveDate>| day.map_or("none".to_string(), |day| day.to_string());
        let (kept, steps) = (shown(one.recall_final_on), shown(again.recall_final_on));
        format!("placement {no} of account {account_no} has a recall final on {kept}, its steps say {steps}")
    });
}
