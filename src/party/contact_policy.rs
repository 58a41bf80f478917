//! What a lender lets its assignees do when they contact a debtor (rule 10.6).

use chrono::NaiveTime;

use super::ContactPolicy;
use super::said::{Said, said};
use crate::kernel::Spelled;
use crate::kernel::calendar::Minute;
use crate::kernel::document::{DocumentFault, Table, Value};

impl Default for ContactPolicy {
    fn default() -> ContactPolicy {
        ContactPolicy {
            quiet_from: Minute::of_hour(22),
            quiet_until: Minute::of_hour(8),
            effective_calls: 3,
            unanswered: 6,
        }
    }
}

impl ContactPolicy {
    /// Whether a time of day lies in the quiet hours, which may run over midnight.
    pub fn is_quiet(&self, at: NaiveTime) -> bool {
        let (from, until) = (self.quiet_from.0, self.quiet_until.0);
        if from <= until { from <= at && at < until } else { at >= from || at < until }
    }
}

/// What `[lender.contact_policy]` says of each key.
#[derive(Clone, Debug)]
pub struct SaidPolicy {
    quiet_from: Said<Minute>,
    quiet_until: Said<Minute>,
    effective_calls: Said<i64>,
    unanswered: Said<i64>,
}

impl SaidPolicy {
    /// The policy from now on.
    pub(super) fn over(self, known: Option<ContactPolicy>) -> ContactPolicy {
        let default = ContactPolicy::default();
        ContactPolicy {
            quiet_from: self.quiet_from.over(known.map(|one| one.quiet_from), default.quiet_from),
            quiet_until: self
                .quiet_until
                .over(known.map(|one| one.quiet_until), default.quiet_until),
            effective_calls: self
                .effective_calls
                .over(known.map(|one| one.effective_calls), default.effective_calls),
            unanswered: self.unanswered.over(known.map(|one| one.unanswered), default.unanswered),
        }
    }
}

/// Reads `[lender.contact_policy]`.
pub(super) fn read(mut table: Table<'_>) -> Result<SaidPolicy, DocumentFault> {
    let times_a_day = |value: &Value<'_>| value.whole(0, 1_000);
    let policy = SaidPolicy {
        quiet_from: said(&mut table, "quiet_from", minute)?,
        quiet_until: said(&mut table, "quiet_until", minute)?,
        effective_calls: said(&mut table, "effective_calls_per_debtor_per_day", times_a_day)?,
        unanswered: said(&mut table, "unanswered_per_number_per_day", times_a_day)?,
    };
    table.finish()?;
    Ok(policy)
}

fn minute(value: &Value<'_>) -> Result<Minute, DocumentFault> {
    Minute::from_spelling(value.text()?.to_string())
        .map_err(|_| value.fault("must be a time of day in quotes, like \"22:00\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::calendar::parse_time;

    #[test]
    fn quiet_hours_run_over_midnight_or_inside_a_day_or_not_at_all() {
        let at = |text: &str| parse_time(text).unwrap();
        let policy = |from: &str, until: &str| ContactPolicy {
            quiet_from: Minute(at(from)),
            quiet_until: Minute(at(until)),
            ..Default::default()
        };
        let quiet = |from: &str, until: &str, text: &str| policy(from, until).is_quiet(at(text));
        assert!(
            quiet("22:00", "08:00", "22:00")
                && quiet("22:00", "08:00", "00:00")
                && quiet("22:00", "08:00", "07:59:59")
        );
        assert!(!quiet("22:00", "08:00", "21:59:59") && !quiet("22:00", "08:00", "08:00"));
        assert!(
            quiet("12:00", "13:00", "12:30")
                && !quiet("12:00", "13:00", "13:00")
                && !quiet("12:00", "13:00", "23:00")
        );
        assert!(!quiet("00:00", "00:00", "00:00") && !quiet("00:00", "00:00", "12:00"));
    }
}
