//! Text that leaves the program: cells a spreadsheet must not run, names that must be printable.

use std::borrow::Cow;

/// Whether a spreadsheet would take a text for a formula: by its first character, full-width ones included.
pub fn begins_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

/// A cell without what spreadsheets put before identifiers to keep them as they are: spaces, quotation marks,
/// characters of no width. A tab or a line end is none of it.
pub fn undecorated(cell: &str) -> &str {
    let blank = |c: char| c.is_whitespace() && !matches!(c, '\t' | '\r' | '\n');
    let no_width = |c| matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}');
    cell.trim_start_matches(|c| blank(c) || no_width(c) || matches!(c, '\'' | '`'))
}

/// A cell of a file that spreadsheets open: text that would be run gets a leading apostrophe, numbers stay as they
/// are. [`meant`] is its inverse.
pub fn neutral(cell: &str) -> Cow<'_, str> {
    if is_run(cell) && !is_number(cell) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

/// What a cell says that [`neutral`] may have written: of the apostrophes before a formula one is taken off.
pub fn meant(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if is_run(rest) => rest,
        _ => cell,
    }
}

/// Whether a cell is a formula, perhaps behind blanks, or one that apostrophes keep from being one.
fn is_run(cell: &str) -> bool {
    let bare = cell.trim_start_matches('\'');
    begins_formula(bare) || begins_formula(bare.trim_start())
}

/// `-1,234.56`, `+3.5%`: what is a number to a spreadsheet, too.
fn is_number(cell: &str) -> bool {
    let cell = cell.trim_matches(' ');
    let digits = cell.trim_start_matches(['+', '-']);
    let signs = cell.len() - digits.len();
    let digits = digits.strip_suffix('%').unwrap_or(digits);
    signs <= 1
        && digits.bytes().any(|b| b.is_ascii_digit())
        && digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b','))
}

/// A code of a lender, an assignee or a contract: 1 to 40 letters, digits, `.`, `_` or `-`.
pub fn is_code(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        && text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
}

/// What serves as a key of a file's rows: 1 to 100 characters, none of them a control character.
pub fn is_key(text: &str) -> bool {
    // As many bytes as characters at least, so that a short text needs no counting.
    let short = text.len() <= 100 || text.chars().count() <= 100;
    !text.is_empty() && short && !text.chars().any(char::is_control)
}

/// A reason in words that is empty or too long; it holds its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the reason has {0} characters; give 1 to 500")]
pub struct ReasonLength(pub usize);

/// Refuses a reason in words that is empty, longer than 500 characters or has control characters.
pub fn check_reason(reason: &str) -> Result<(), ReasonLength> {
    let length = reason.trim().chars().count();
    let fits = (1..=500).contains(&length) && !reason.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(ReasonLength(length)) }
}

/// Shortens a value quoted in a message.
pub fn excerpt(text: &str) -> String {
    const MOST: usize = 60;
    if text.chars().nth(MOST).is_none() {
        return text.to_string();
    }
    let start: String = text.chars().take(MOST).collect();
    format!("{start}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_neutralised_and_read_back_as_it_was() {
        for cell in [
            "=HYPERLINK(\"http://x\")",
            "+1+cmd|' /C calc'!A0",
            "-2+3",
            "@SUM(A1)",
            "\t=1",
            "\r1",
            "  =1",
            "'=1",
            "''=1",
            "＝1",
            "-",
            "+86 138",
        ] {
            let written = neutral(cell);
            assert_eq!(written, format!("'{cell}"), "{cell}");
            assert_eq!(meant(&written), cell);
        }
    }

    #[test]
    fn numbers_and_plain_text_stay_as_they_are() {
        for cell in
            ["-12.34", "+8613800138000", "-1,234.50", "-3.2%", "2026-11-21", "O'Neill", "'", ""]
        {
            assert_eq!(neutral(cell), cell);
            assert_eq!(meant(cell), cell);
        }
        assert_eq!(meant("'0001"), "'0001", "an apostrophe of the sender's own");
    }

    #[test]
    fn a_key_is_looked_at_without_its_decoration() {
        for cell in ["=1", " =1", "'=1", "`-1", "\u{200b}@x", "\tx", "\nx", "＝1"] {
            assert!(begins_formula(undecorated(cell)), "{cell:?}");
        }
        for cell in ["A-1", "'0001", "x\t", " 17"] {
            assert!(!begins_formula(undecorated(cell)), "{cell:?}");
        }
    }
}
