//! Changes of what is kept only as it stands now: parties and people. Their rows are overwritten, so the event itself
//! says what was before and what is after, and the chain of events proves the rows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::EventRow;

/// The chain without a lender: of what belongs to the installation, its people.
pub const INSTALLATION: &str = "";

/// A party or person before and after an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What kind of thing: `lender`, `assignee`, `person`.
    pub what: String,
    /// Its code or login.
    pub key: String,
    /// What was; nothing when it is new, or older than the record.
    pub before: Option<Value>,
    /// What is.
    pub after: Value,
}

impl Change {
    /// A change of a thing; none when it stays what it was.
    pub fn of(what: &str, key: &str, before: Option<Value>, after: Value) -> Option<Change> {
        let changed = before.as_ref() != Some(&after);
        changed.then(|| Change { what: what.to_string(), key: key.to_string(), before, after })
    }
}

/// What a chain says of a thing.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The last event that speaks of it.
    pub seq: i64,
    /// What it says is.
    pub state: Value,
}

/// What a chain says of parties and people.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// By kind and key, what the last event says is. Empty in a chain older than such events: its first one records
    /// everything as it stands.
    pub states: BTreeMap<(String, String), Recorded>,
    /// Events that found something else than the event before had left.
    pub breaks: Vec<(i64, Change)>,
}

#[derive(Deserialize)]
struct Summary {
    changes: Vec<Change>,
}

impl History {
    /// Reads the changes of a chain, from its first event to its last.
    pub fn of(events: &[EventRow]) -> History {
        let mut history = History::default();
        for event in events {
            let Ok(summary) = serde_json::from_str::<Summary>(&event.summary) else { continue };
            for change in summary.changes {
                history.take(event.seq, change);
            }
        }
        history
    }

    fn take(&mut self, seq: i64, change: Change) {
        let key = (change.what.clone(), change.key.clone());
        let recorded = Recorded { seq, state: change.after.clone() };
        let before = self.states.insert(key, recorded);
        if before.map(|known| known.state) != change.before {
            self.breaks.push((seq, change));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kernel::digest::Chaining;

    fn event(seq: i64, summary: &Value) -> EventRow {
        let empty = String::new;
        EventRow {
            seq,
            kind: empty(),
            recorded_at: empty(),
            actor: empty(),
            source: empty(),
            summary: summary.to_string(),
            digest: empty(),
            hash: empty(),
            version: Chaining::CURRENT,
        }
    }

    #[test]
    fn the_last_event_says_what_is_and_each_takes_up_where_the_one_before_left() {
        let change = |before: Value, after: &str| json!({"changes": [{"what": "person", "key": "a", "before": before, "after": after}]});
        let events = [
            event(1, &json!({"name": "older events have no changes"})),
            event(2, &change(Value::Null, "x")),
            event(3, &change(json!("x"), "y")),
            event(4, &change(json!("z"), "y")),
        ];
        let history = History::of(&events);
        let last = &history.states[&("person".to_string(), "a".to_string())];
        assert_eq!((last.seq, &last.state), (4, &json!("y")));
        let breaks: Vec<i64> = history.breaks.iter().map(|(seq, _)| *seq).collect();
        assert_eq!(breaks, [4], "somebody else made it z");
    }
}
