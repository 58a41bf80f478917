//! Gates: what keeps an assignee from taking a new account (rule 4.4).

use crate::kernel::enumeration;
use chrono::NaiveDate;

use super::candidates::Candidate;
use crate::contract::{Version, Versions};
use crate::party::{Assignee, Names, Status};

enumeration! {
    /// A closed gate.
    pub enum Gate ("gate") {
        /// It is suspended or has left.
        Status = "status",
        /// Its licence has expired.
        Licence = "licence",
        /// No contract is in force.
        Contract = "contract",
        /// Its last evaluation is over 365 days old.
        Evaluation = "evaluation",
        /// It has more upheld complaints than the strategy allows.
        Conduct = "conduct",
        /// The account's region is outside its scope.
        Region = "region",
        /// The account's product is outside its scope.
        Product = "product",
        /// It held the account before.
        Rotation = "rotation",
        /// It has no room.
        Capacity = "capacity",
    }
}

/// An assignee on the day of a run.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// The assignee.
    pub assignee: Assignee,
    /// The contract version new placements would be made under.
    pub version: Option<Version>,
    /// Accounts it can still take; `None` is unlimited.
    pub room: Option<i64>,
    /// A gate that is closed for every account.
    pub closed: Option<Gate>,
}

impl Recipient {
    /// An assignee on a day, holding `open` accounts; `misconduct` says whether it has more upheld complaints than the
    /// strategy allows.
    pub fn on(
        assignee: &Assignee,
        versions: &Versions,
        open: i64,
        misconduct: bool,
        day: NaiveDate,
    ) -> Recipient {
        let version = versions.in_force(&assignee.code, day).cloned();
        let room = assignee.capacity.map(|capacity| (capacity - open).max(0));
        let closed = if assignee.status != Status::Active {
            Some(Gate::Status)
        } else if assignee.licence_expires_on.is_some_and(|expires| expires < day) {
            Some(Gate::Licence)
        } else if version.is_none() {
            Some(Gate::Contract)
        } else if assignee.evaluated_on.is_some_and(|evaluated| (day - evaluated).num_days() > 365)
        {
            Some(Gate::Evaluation)
        } else if misconduct {
            Some(Gate::Conduct)
        } else if room == Some(0) {
            Some(Gate::Capacity)
        } else {
            None
        };
        Recipient { assignee: assignee.clone(), version, room, closed }
    }

    /// The first gate that is closed for an account.
    pub fn refuses(&self, candidate: &Candidate, rotation: bool) -> Option<Gate> {
        let within = |scope: &Option<Names>, value: &Option<String>| {
            scope
                .as_ref()
                .is_none_or(|scope| value.as_ref().is_some_and(|value| scope.0.contains(value)))
        };
        if self.closed.is_some() {
            self.closed
        } else if !within(&self.assignee.regions, &candidate.facts.region) {
            Some(Gate::Region)
        } else if !within(&self.assignee.products, &candidate.facts.product) {
            Some(Gate::Product)
        } else if rotation && candidate.held_by.contains(&self.assignee.code) {
            Some(Gate::Rotation)
        } else {
            None
        }
    }
}
