//! What a lender lets its assignees do when they contact a debtor (rule 10.6).

use chrono::NaiveTime;

use super::parse::{Said, said};
use crate::kernel::calendar::parse_time;
use crate::kernel::document::{DocumentFault, Table, Value};

/// A contact policy (催收行为规范): hours without contact, and how often on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContactPolicy {
    /// From this time of day on nobody is contacted.
    pub quiet_from: NaiveTime,
    /// Until this time of day, which is free again; the same as `quiet_from` means no quiet hours.
    pub quiet_until: NaiveTime,
    /// Effective calls to one debtor on one day, by whomever.
    pub effective_calls: i64,
    /// Unanswered calls to one number on one day, by whomever.
    pub unanswered: i64,
}

impl Default for ContactPolicy {
    fn default() -> ContactPolicy {
        let hour = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default();
        ContactPolicy {
            quiet_from: hour(22),
            quiet_until: hour(8),
            effective_calls: 3,
            unanswered: 6,
        }
    }
}

impl ContactPolicy {
    /// Whether a time of day lies in the quiet hours, which may run over midnight.
    pub fn is_quiet(&self, at: NaiveTime) -> bool {
        if self.quiet_from <= self.quiet_until {
            self.quiet_from <= at && at < self.quiet_until
        } else {
            at >= self.quiet_from || at < self.quiet_until
        }
    }

    /// Reads a policy from the texts and numbers it is stored as.
    pub fn stored(
        quiet_from: &str,
        quiet_until: &str,
        effective_calls: i64,
        unanswered: i64,
    ) -> Option<ContactPolicy> {
        Some(ContactPolicy {
            quiet_from: parse_time(quiet_from)?,
            quiet_until: parse_time(quiet_until)?,
            effective_calls,
            unanswered,
        })
    }

    /// The beginning of the quiet hours as it is stored and shown.
    pub fn quiet_from_text(&self) -> String {
        self.quiet_from.format("%H:%M").to_string()
    }

    /// Their end as it is stored and shown.
    pub fn quiet_until_text(&self) -> String {
        self.quiet_until.format("%H:%M").to_string()
    }
}

/// What `[lender.contact_policy]` says of each key.
#[derive(Clone, Debug)]
pub struct SaidPolicy {
    quiet_from: Said<NaiveTime>,
    quiet_until: Said<NaiveTime>,
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

fn minute(value: &Value<'_>) -> Result<NaiveTime, DocumentFault> {
    let whole_minute = |text: &&str| text.len() == 5;
    let read = Some(value.text()?).filter(whole_minute).and_then(parse_time);
    read.ok_or_else(|| value.fault("must be a time of day in quotes, like \"22:00\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_run_over_midnight_or_inside_a_day_or_not_at_all() {
        let at = |text: &str| parse_time(text).unwrap();
        let policy = |from: &str, until: &str| ContactPolicy {
            quiet_from: at(from),
            quiet_until: at(until),
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
