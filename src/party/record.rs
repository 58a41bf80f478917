//! What events say of lenders and assignees.

use serde_json::{Value, json};

use super::{Assignee, Lender};

/// How events name lenders.
pub const LENDER: &str = "lender";
/// How events name assignees.
pub const ASSIGNEE: &str = "assignee";

/// A lender as events say it. Its contact policy has rows of its own.
pub fn lender_state(lender: &Lender) -> Value {
    json!({
        "name": lender.name,
        "currency": lender.currency.code(),
        "timezone": lender.timezone.name(),
        "language": lender.language.code(),
        "buckets": lender.buckets.0,
    })
}

/// An assignee as events say it.
pub fn assignee_state(assignee: &Assignee) -> Value {
    json!({
        "name": assignee.name,
        "kind": assignee.kind,
        "capacity": assignee.capacity,
        "regions": assignee.regions,
        "products": assignee.products,
        "status": assignee.status,
        "licence_expires_on": assignee.licence_expires_on.map(|day| day.to_string()),
        "evaluated_on": assignee.evaluated_on.map(|day| day.to_string()),
    })
}
