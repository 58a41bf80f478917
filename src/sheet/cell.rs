//! What a workbook's cells say as text: numbers to the fifteen digits a spreadsheet keeps, dates as 2026-11-21 (with the
//! time of day behind it where it is asked for).

use chrono::{NaiveDate, TimeDelta};
use rust_decimal::prelude::ToPrimitive as _;
use rust_decimal::{Decimal, RoundingStrategy};

use super::wrong::Wrong;

/// Columns of a sheet (the last is XFD) and its rows.
pub(super) const MOST_COLUMNS: usize = 16_384;
pub(super) const MOST_ROWS: u64 = 1_048_576;

/// Column (from 0) and row (from 1) of a reference like `AB12`; nothing when it is none or lies outside every sheet.
pub(super) fn place(reference: &str) -> Option<(usize, u64)> {
    let letters = reference.bytes().take_while(u8::is_ascii_uppercase).count();
    let (letters, digits) = reference.split_at(letters);
    if !(1..=3).contains(&letters.len()) {
        return None;
    }
    let column = letters.bytes().fold(0, |sum, letter| sum * 26 + usize::from(letter - b'A') + 1);
    let row = row_number(digits)?;
    (column <= MOST_COLUMNS).then_some((column - 1, row))
}

/// A row's number, when it lies in a sheet.
pub(super) fn row_number(digits: &str) -> Option<u64> {
    let plain = (1..=7).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let row = digits.parse().ok().filter(|_| plain)?;
    (1..=MOST_ROWS).contains(&row).then_some(row)
}

/// A number as the spreadsheet shows it. Workbooks store numbers as binary fractions; fifteen significant digits are
/// what the spreadsheet keeps and shows, and longer whole numbers have already lost their last digits.
pub(super) fn number(text: &str) -> Result<String, Wrong> {
    let number = decimal(text)?;
    if number.abs() >= Decimal::from(10_i64.pow(15)) {
        return Err(Wrong::LostDigits);
    }
    let kept = number.round_sf_with_strategy(15, RoundingStrategy::MidpointAwayFromZero);
    Ok(kept.unwrap_or(number).normalize().to_string())
}

fn decimal(text: &str) -> Result<Decimal, Wrong> {
    let text = text.trim();
    let read = if text.contains(['e', 'E']) {
        Decimal::from_scientific(text).ok().or_else(|| tiny(text))
    } else {
        text.parse().ok()
    };
    read.ok_or(Wrong::NoNumber)
}

/// A fraction with more digits than are kept, such as 5.5511151231257827E-17, is nought to the digits that are.
fn tiny(text: &str) -> Option<Decimal> {
    let (digits, exponent) = text.split_once(['e', 'E'])?;
    let exponent: i32 = exponent.parse().ok()?;
    let digits: Decimal = digits.parse().ok()?;
    match exponent {
        ..-28 => Some(Decimal::ZERO),
        -28..0 => (0..-exponent).try_fold(digits, |value, _| value.checked_div(Decimal::TEN)),
        _ => (0..exponent.min(29)).try_fold(digits, |value, _| value.checked_mul(Decimal::TEN)),
    }
}

/// The day a serial number stands for. Days count from 1900-01-01 as if that year had a 29 February, or from 1904-01-01.
/// With `times` the time of day to the nearest second stands behind; midnight is a day without a time.
pub(super) fn moment(text: &str, from_1904: bool, times: bool) -> Result<String, Wrong> {
    let no_date = || Wrong::NoSerialDate;
    let serial = decimal(text)?;
    let day_milliseconds = Decimal::from(86_400_000);
    let milliseconds = ((serial - serial.trunc()) * day_milliseconds).round();
    let (days, milliseconds) = (serial.trunc().to_i64(), milliseconds.to_i64());
    let (days, milliseconds) = days.zip(milliseconds).ok_or_else(no_date)?;
    let (epoch, days) = match (from_1904, days) {
        (true, 0..2_957_004) => (NaiveDate::from_ymd_opt(1904, 1, 1), days),
        (false, 1..=59) => (NaiveDate::from_ymd_opt(1899, 12, 31), days),
        (false, 61..2_958_466) => (NaiveDate::from_ymd_opt(1899, 12, 30), days),
        _ => return Err(no_date()),
    };
    let rounding = if times { 500 } else { 0 };
    let moment = epoch
        .and_then(|epoch| epoch.and_hms_opt(0, 0, 0))
        .and_then(|midnight| midnight.checked_add_signed(TimeDelta::days(days)))
        .and_then(|day| day.checked_add_signed(TimeDelta::milliseconds(milliseconds + rounding)))
        .ok_or_else(no_date)?;
    let shown = moment.format("%Y-%m-%d %H:%M:%S").to_string();
    let day = shown.split(' ').next().unwrap_or_default();
    Ok(if times && !shown.ends_with(" 00:00:00") { shown } else { day.to_string() })
}

/// Whether a number format shows days or times: it has a letter of theirs outside quotes, brackets and escapes.
pub(super) fn is_date_format(code: &str) -> bool {
    let mut chars = code.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => drop(chars.by_ref().find(|c| *c == '"')),
            '\\' | '_' | '*' => drop(chars.next()),
            '[' => {
                let inside: String = chars.by_ref().take_while(|c| *c != ']').collect();
                if ["h", "hh", "m", "mm", "s", "ss"].contains(&inside.to_lowercase().as_str()) {
                    return true;
                }
            }
            'y' | 'Y' | 'm' | 'M' | 'd' | 'D' | 'h' | 'H' | 's' | 'S' => return true,
            _ => {}
        }
    }
    false
}

/// Whether one of the formats every workbook has shows days or times.
pub(super) fn is_date_number(id: u32) -> bool {
    matches!(id, 14..=22 | 27..=36 | 45..=47 | 50..=58)
}

/// Text in which a workbook writes characters that XML cannot hold as `_x000D_`.
pub(super) fn unescape(text: &str) -> String {
    if !text.contains("_x") {
        return text.to_string();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        let escaped = rest.get(at + 2..at + 7).and_then(|code| code.strip_suffix('_'));
        let c = escaped
            .and_then(|code| u32::from_str_radix(code, 16).ok())
            .and_then(char::from_u32)
            .filter(|c| *c != '\0');
        match c {
            Some(c) => {
                out.push_str(&rest[..at]);
                out.push(c);
                rest = &rest[at + 7..];
            }
            None => {
                out.push_str(&rest[..at + 2]);
                rest = &rest[at + 2..];
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_lie_in_a_sheet_or_are_none() {
        assert_eq!(place("A1"), Some((0, 1)));
        assert_eq!(place("XFD1048576"), Some((16_383, 1_048_576)));
        for none in
            ["XFE1", "A0", "A1048577", "A", "1", "a1", "AAAA1", "A1B", "", "A99999999999999999999"]
        {
            assert_eq!(place(none), None, "{none}");
        }
    }

    #[test]
    fn numbers_have_the_fifteen_digits_a_spreadsheet_shows() {
        let shown = |text| number(text).unwrap();
        assert_eq!(shown("1234.5"), "1234.5");
        assert_eq!(shown("0.30000000000000004"), "0.3");
        assert_eq!(shown("1234.5600000000001"), "1234.56");
        assert_eq!(shown("1E-3"), "0.001");
        assert_eq!(shown("5.5511151231257827E-17"), "0.0000000000000000555111512313");
        assert_eq!(shown("1e-300"), "0");
        assert_eq!(shown("1.5E+3"), "1500");
        assert_eq!(shown("999999999999999"), "999999999999999");
        assert_eq!(number("4.20107E+17"), Err(Wrong::LostDigits));
        assert!(number("1e300").is_err() && number("x").is_err() && number("").is_err());
    }

    #[test]
    fn serial_numbers_are_days_of_either_calendar() {
        let day = |text, from_1904| moment(text, from_1904, false).unwrap();
        assert_eq!(day("46027", false), "2026-01-05");
        assert_eq!(day("59", false), "1900-02-28");
        assert_eq!(day("61", false), "1900-03-01");
        assert_eq!(day("44565", true), "2026-01-05");
        assert_eq!(moment("46027.427083333336", false, true).unwrap(), "2026-01-05 10:15:00");
        assert_eq!(moment("46027.9999999", false, true).unwrap(), "2026-01-06");
        for none in ["60", "0", "-1", "0.5", "2958466", "99999999999999999999"] {
            assert!(moment(none, false, true).is_err(), "{none}");
        }
    }

    #[test]
    fn formats_of_dates_are_told_from_others() {
        for date in ["yyyy-mm-dd", "yyyy\"年\"m\"月\"", "[h]:mm", "[$-409]d/m/yy", "h:mm AM/PM"] {
            assert!(is_date_format(date), "{date}");
        }
        for other in
            ["General", "0000000", "#,##0.00 \"USD\"", "[Red]0.00", "0\\d", "@", "0.00E+00"]
        {
            assert!(!is_date_format(other), "{other}");
        }
    }

    #[test]
    fn escaped_characters_are_read_as_meant() {
        assert_eq!(unescape("a_x000D_\nb_x005F_x_x"), "a\r\nb_x_x");
        assert_eq!(unescape("_xZZZZ__x00"), "_xZZZZ__x00");
    }
}
