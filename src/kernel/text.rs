//! Text that leaves the program: cells a spreadsheet must not run, names that must be printable.

use std::borrow::Cow;

/// Free text neutralised for spreadsheets: a cell that would be read as a formula gets a leading apostrophe.
pub fn neutral(text: &str) -> Cow<'_, str> {
    match text.as_bytes().first() {
        Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r') => Cow::Owned(format!("'{text}")),
        _ => Cow::Borrowed(text),
    }
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

/// Shortens a value quoted in a message.
pub fn excerpt(text: &str) -> String {
    const MOST: usize = 60;
    if text.chars().nth(MOST).is_none() {
        return text.to_string();
    }
    let start: String = text.chars().take(MOST).collect();
    format!("{start}…")
}
