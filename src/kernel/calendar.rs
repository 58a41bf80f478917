//! Months and dates of the lender's calendar. Dates come from files and commands, never from the machine's clock.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, Utc};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::spelled::Spelled;

/// What day it is. Nothing is computed from it; it only refuses what claims to have happened and cannot have yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Today {
    /// In each time zone the day that it is there at this instant.
    At(DateTime<Utc>),
    /// The same day in every time zone, for rehearsals and tests.
    Everywhere(NaiveDate),
}

impl Today {
    /// The day in a time zone.
    pub fn in_zone(self, zone: chrono_tz::Tz) -> NaiveDate {
        match self {
            Today::At(now) => now.with_timezone(&zone).date_naive(),
            Today::Everywhere(day) => day,
        }
    }
}

/// A calendar month, the settlement period (结算周期).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    first: NaiveDate,
}

impl Month {
    /// The month a day is in.
    pub fn of(day: NaiveDate) -> Month {
        Month { first: day.with_day(1).unwrap_or(day) }
    }

    /// Its first day.
    pub fn first_day(self) -> NaiveDate {
        self.first
    }

    /// Its last day.
    pub fn last_day(self) -> NaiveDate {
        self.next().first.pred_opt().unwrap_or(self.first)
    }

    /// The month after.
    pub fn next(self) -> Month {
        Month { first: self.first.checked_add_months(Months::new(1)).unwrap_or(self.first) }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first.format("%Y-%m"))
    }
}

/// The text was no month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a month; write it like 2026-11")]
pub struct NotAMonth;

impl FromStr for Month {
    type Err = NotAMonth;
    fn from_str(text: &str) -> Result<Month, NotAMonth> {
        let plain = text.len() == 7 && text.is_char_boundary(4);
        let day = NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d")
            .ok()
            .filter(|day| in_range(*day));
        match day {
            Some(day) if plain => Ok(Month::of(day)),
            _ => Err(NotAMonth),
        }
    }
}

impl Spelled for Month {
    const WHAT: &'static str = "month";

    fn spelling(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }

    fn from_spelling(text: String) -> Result<Month, String> {
        text.parse().map_err(|NotAMonth| text)
    }
}

/// A time of day to the second, `09:05:07`, as a contact has it.
impl Spelled for NaiveTime {
    const WHAT: &'static str = "time of day";

    fn spelling(&self) -> Cow<'_, str> {
        Cow::Owned(self.format("%H:%M:%S").to_string())
    }

    fn from_spelling(text: String) -> Result<NaiveTime, String> {
        parse_time(&text).filter(|_| text.len() == 8).ok_or(text)
    }
}

/// A time of day to the minute, `22:00`, as rules have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minute(pub NaiveTime);

impl Minute {
    /// A full hour, up to 23.
    pub const fn of_hour(hour: u32) -> Minute {
        match NaiveTime::from_hms_opt(hour, 0, 0) {
            Some(time) => Minute(time),
            None => Minute(NaiveTime::MIN),
        }
    }
}

impl Spelled for Minute {
    const WHAT: &'static str = "time of day to the minute";

    fn spelling(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }

    fn from_spelling(text: String) -> Result<Minute, String> {
        parse_time(&text).filter(|_| text.len() == 5).map(Minute).ok_or(text)
    }
}

impl fmt::Display for Minute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%H:%M"))
    }
}

/// A time zone by its IANA name.
impl Spelled for chrono_tz::Tz {
    const WHAT: &'static str = "time zone";

    fn spelling(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.name())
    }

    fn from_spelling(text: String) -> Result<chrono_tz::Tz, String> {
        text.parse().map_err(|_| text)
    }
}

/// A day some days later; the calendar's end is far beyond any contract.
pub fn plus_days(day: NaiveDate, days: i64) -> NaiveDate {
    let shifted = match u64::try_from(days) {
        Ok(days) => day.checked_add_days(Days::new(days)),
        Err(_) => day.checked_sub_days(Days::new(days.unsigned_abs())),
    };
    shifted.unwrap_or(day)
}

/// Reads `2026-11-21`, `2026/11/21`, `2026/1/5`, `20261121`, with or without a time of midnight
/// behind it, and the serial number by which a spreadsheet holds a date (46347).
pub fn parse_date(text: &str) -> Option<NaiveDate> {
    let text =
        text.strip_suffix(" 00:00:00").or_else(|| text.strip_suffix("T00:00:00")).unwrap_or(text);
    let serial = text.strip_suffix(".0").unwrap_or(text);
    if serial.len() == 5 && serial.bytes().all(|b| b.is_ascii_digit()) {
        return serial.parse().ok().and_then(excel_date);
    }
    let (year, month, day) = if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        (&text[..4], &text[4..6], &text[6..])
    } else {
        let separator = if text.contains('/') { '/' } else { '-' };
        let mut parts = text.split(separator);
        let found = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        found
    };
    let digits = |part: &str, least: usize, most: usize| {
        let right =
            (least..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        right.then(|| part.parse::<u32>().ok()).flatten()
    };
    let year = i32::try_from(digits(year, 4, 4)?).ok()?;
    NaiveDate::from_ymd_opt(year, digits(month, 1, 2)?, digits(day, 1, 2)?)
        .filter(|day| in_range(*day))
}

/// Reads a day with the time of day behind it, when there is one: `2026-03-01 10:15`, `2026/3/1 10:15:30`,
/// `2026-03-01T10:15`, and the fraction by which a spreadsheet holds a time (46082.4270833). A time of another zone
/// (`Z`, `+08:00`) is none: which day it is in would have to be guessed.
pub fn parse_moment(text: &str) -> Option<(NaiveDate, Option<NaiveTime>)> {
    if let Some((days, fraction)) = text.split_once('.')
        && days.len() == 5
        && fraction.bytes().any(|b| b != b'0')
    {
        let time = time_of_fraction(fraction)?;
        return Some((days.parse().ok().and_then(excel_date)?, Some(time)));
    }
    match text.split_once([' ', 'T']) {
        None => parse_date(text).map(|day| (day, None)),
        Some((day, time)) => Some((parse_date(day)?, Some(parse_time(time.trim_start())?))),
    }
}

/// Reads a time of day: `10:15` or `10:15:30`.
pub fn parse_time(text: &str) -> Option<NaiveTime> {
    let parts: Vec<&str> = text.split(':').collect();
    let digits = |part: &str, least: usize| {
        let right = (least..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        right.then(|| part.parse::<u32>().ok()).flatten()
    };
    match parts.as_slice() {
        [hour, minute] => NaiveTime::from_hms_opt(digits(hour, 1)?, digits(minute, 2)?, 0),
        [hour, minute, second] => {
            NaiveTime::from_hms_opt(digits(hour, 1)?, digits(minute, 2)?, digits(second, 2)?)
        }
        _ => None,
    }
}

/// The time of day that is a fraction of a day, to the nearest second.
fn time_of_fraction(fraction: &str) -> Option<NaiveTime> {
    if fraction.len() > 17 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part: Decimal = format!("0.{fraction}").parse().ok()?;
    let seconds = (part * Decimal::from(86_400)).round().to_u32()?;
    NaiveTime::from_num_seconds_from_midnight_opt(seconds.min(86_399), 0)
}

/// Years a business record can carry; both databases hold them as the same text.
fn in_range(day: NaiveDate) -> bool {
    (1900..=2999).contains(&day.year())
}

/// The date a spreadsheet holds as a number: days since 1899-12-30.
fn excel_date(serial: u64) -> Option<NaiveDate> {
    let epoch = NaiveDate::from_ymd_opt(1899, 12, 30)?;
    epoch.checked_add_days(Days::new(serial)).filter(|day| in_range(*day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_three_spellings_and_must_exist() {
        let expected = NaiveDate::from_ymd_opt(2026, 11, 21);
        for text in
            ["2026-11-21", "2026/11/21", "20261121", "2026-11-21 00:00:00", "46347", "46347.0"]
        {
            assert_eq!(parse_date(text), expected, "{text}");
        }
        for text in ["2026-02-30", "21-11-2026", "2026-11", "2026-11-21-1", "", "0226-11-21"] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }

    #[test]
    fn moments_carry_the_time_of_day() {
        let day = NaiveDate::from_ymd_opt(2026, 3, 1).unwrap();
        let at = |hour, minute, second| Some((day, NaiveTime::from_hms_opt(hour, minute, second)));
        for text in [
            "2026-03-01 10:15",
            "2026/3/1 10:15:00",
            "2026-03-01T10:15",
            "20260301 10:15",
            "46082.42708333333",
        ] {
            assert_eq!(parse_moment(text), at(10, 15, 0), "{text}");
        }
        assert_eq!(parse_moment("2026-03-01 00:00:00"), at(0, 0, 0));
        assert_eq!(parse_moment("2026/3/1 9:05:07"), at(9, 5, 7));
        assert_eq!(parse_moment("2026-03-01"), Some((day, None)));
        assert_eq!(parse_moment("46082.0"), Some((day, None)));
        for text in [
            "2026-03-01 24:00",
            "2026-03-01 10",
            "2026-03-01T10:15Z",
            "2026-03-01 10:15+08:00",
            "2026-02-30 10:15",
            "",
        ] {
            assert_eq!(parse_moment(text), None, "{text}");
        }
    }

    #[test]
    fn today_is_another_day_in_another_zone() {
        let late: DateTime<Utc> = "2026-11-27T22:30:00Z".parse().unwrap();
        let day = |text: &str| parse_date(text).unwrap();
        assert_eq!(Today::At(late).in_zone(chrono_tz::Asia::Shanghai), day("2026-11-28"));
        assert_eq!(Today::At(late).in_zone(chrono_tz::America::New_York), day("2026-11-27"));
        let pinned = Today::Everywhere(day("2026-11-21"));
        assert_eq!(pinned.in_zone(chrono_tz::Asia::Shanghai), day("2026-11-21"));
    }

    #[test]
    fn months_know_their_days() {
        let month: Month = "2028-02".parse().unwrap();
        assert_eq!(month.last_day(), NaiveDate::from_ymd_opt(2028, 2, 29).unwrap());
        assert_eq!(month.next().to_string(), "2028-03");
        assert!("2026-13".parse::<Month>().is_err());
        assert!("2026-1".parse::<Month>().is_err());
    }
}
