//! What an instruction would do, account by account, before anything is written. Pages show it, their forms carry its
//! digest, and the verb ([`super::step`]) writes exactly it: one answer for all three.

use std::collections::HashMap;

use super::refusal::Refusal;
use super::transition::{Instruction, Next, next, running};
use super::{Placement, PlacementError, store};
use crate::contract::{self, Versions};
use crate::db::{Db, keys_json};
use crate::party;
use crate::portfolio::named::NamedAccount;

/// What would become of one account.
#[derive(Clone, Debug)]
pub struct Foreseen {
    /// Its line in the file, when a file names it.
    pub line: Option<u64>,
    /// The account.
    pub account_no: String,
    /// Its running placement and what the step comes to, or why it is not taken.
    pub outcome: Result<(Placement, Next), Refusal>,
}

/// An instruction with what decides it on every account alike.
pub struct Preview<'a> {
    lender: &'a str,
    instruction: &'a Instruction<'a>,
    versions: Versions,
}

impl<'a> Preview<'a> {
    /// Begins with the contracts, which say how long may be objected.
    pub fn begin(
        db: &mut Db,
        lender: &'a str,
        instruction: &'a Instruction<'a>,
    ) -> Result<Preview<'a>, PlacementError> {
        let known = party::store::lender(db, lender)?
            .ok_or_else(|| PlacementError::NoLender(lender.to_string()))?;
        let versions = contract::store::versions(db, &known)?;
        Ok(Preview { lender, instruction, versions })
    }

    /// Foresees named accounts, in their order.
    pub fn of_accounts(
        &self,
        db: &mut Db,
        named: &[NamedAccount],
    ) -> Result<Vec<Foreseen>, PlacementError> {
        let keys = keys_json(named.iter().map(|one| one.account_no.as_str()));
        let mut of_account: HashMap<String, Vec<Placement>> = HashMap::new();
        for one in store::of_accounts(db, self.lender, &keys)? {
            of_account.entry(one.account_no.clone()).or_default().push(one);
        }
        let foresee = |one: &NamedAccount| {
            let mut placements = of_account.remove(&one.account_no).unwrap_or_default();
            match running(&placements, self.instruction) {
                Ok(index) => self.of_running(one.line, placements.swap_remove(index)),
                Err(refusal) => Foreseen {
                    line: one.line,
                    account_no: one.account_no.clone(),
                    outcome: Err(refusal),
                },
            }
        };
        Ok(named.iter().map(foresee).collect())
    }

    /// Foresees placements that are running.
    pub fn of_placements(&self, placements: Vec<Placement>) -> Vec<Foreseen> {
        placements.into_iter().map(|one| self.of_running(None, one)).collect()
    }

    fn of_running(&self, line: Option<u64>, placement: Placement) -> Foreseen {
        let version = self.versions.get(&placement.assignee, placement.contract_version);
        let objection_days = version.map_or(0, |version| version.terms.objection_days);
        let outcome = next(&placement, &placement.life(), self.instruction, objection_days);
        Foreseen {
            line,
            account_no: placement.account_no.clone(),
            outcome: outcome.map(|next| (placement, next)),
        }
    }
}
