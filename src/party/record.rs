//! What events say of lenders and assignees.

use serde_json::{Value, json};

use super::{Assignee, AssigneeKind, Lender, Status};

/// How events name lenders.
pub const LENDER: &str = "lender";
/// How events name assignees.
pub const ASSIGNEE: &str = "assignee";

/// A lender as events say it. Its contact policy has rows of its own.
pub fn lender_state(lender: &Lender) -> Value {
    json!({
        "name": lender.name,
        "currency": lender.currency.code(),
        "timezone": lender.timezone,
        "language": lender.language.code(),
        "buckets": lender.buckets.0,
    })
}

/// An assignee as events say it.
pub fn assignee_state(assignee: &Assignee) -> Value {
    json!({
        "name": assignee.name,
        "kind": assignee.kind.code(),
        "capacity": assignee.capacity,
        "regions": assignee.regions,
        "products": assignee.products,
        "status": assignee.status.code(),
        "licence_expires_on": assignee.licence_expires_on.map(|day| day.to_string()),
        "evaluated_on": assignee.evaluated_on.map(|day| day.to_string()),
    })
}

impl AssigneeKind {
    /// The kind as a parties file writes it.
    pub fn code(self) -> &'static str {
        match self {
            AssigneeKind::Agency => "agency",
            AssigneeKind::Team => "team",
        }
    }
}

impl Status {
    /// The status as a parties file writes it.
    pub fn code(self) -> &'static str {
        match self {
            Status::Active => "active",
            Status::Suspended => "suspended",
            Status::Exited => "exited",
        }
    }
}
