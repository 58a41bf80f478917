//! What a parties file says of a key: a value, that the default is to hold again, or nothing.

use crate::kernel::document::{DocumentFault, Table, Value};

/// What a file says of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said<T> {
    /// Nothing: what is known stays.
    Nothing,
    /// That the default is to hold again.
    Default,
    /// A value.
    Is(T),
}

impl<T> Said<T> {
    /// What holds from now on, with what is known of a party that is set up already.
    pub fn over(self, known: Option<T>, default: T) -> T {
        match self {
            Said::Is(value) => value,
            Said::Default => default,
            Said::Nothing => known.unwrap_or(default),
        }
    }
}

/// Reads what a table says of a key.
pub(super) fn said<'a, T>(
    table: &mut Table<'a>,
    key: &str,
    read: impl FnOnce(&Value<'a>) -> Result<T, DocumentFault>,
) -> Result<Said<T>, DocumentFault> {
    match table.take(key) {
        None => Ok(Said::Nothing),
        Some(value) if value.text().is_ok_and(|text| text == "default") => Ok(Said::Default),
        Some(value) => read(&value).map(Said::Is),
    }
}
