//! Finding columns: by name, by Chinese alias, or as a map says.

use std::path::Path;

use super::wrong::Unusable;
use super::{SheetError, content, is_blank};
use crate::kernel::digest;
use crate::kernel::document::{Document, DocumentFault};
use crate::kernel::text::meant;

/// A column a file may have.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Whether a file without it is refused.
    pub required: bool,
    /// Other names it is found by.
    pub aliases: &'static [&'static str],
    /// What stands in it.
    pub shape: Shape,
}

/// What a column's cells look like, as far as a reader can tell a row that was torn apart from a good one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Anything; the only shape that may have a line break inside.
    Text,
    /// What identifies an account, a payment or a person.
    Key,
    /// A day or a moment.
    Day,
    /// An amount or a count.
    Figure,
}

impl Column {
    /// A column that a file may leave out.
    pub const fn optional(name: &'static str, aliases: &'static [&'static str]) -> Column {
        Column { name, required: false, aliases, shape: Shape::Text }
    }

    /// A column without which a file is refused.
    pub const fn required(name: &'static str, aliases: &'static [&'static str]) -> Column {
        Column { name, required: true, aliases, shape: Shape::Text }
    }

    /// The same column with keys in it.
    pub const fn key(self) -> Column {
        Column { shape: Shape::Key, ..self }
    }

    /// The same column with days or moments in it.
    pub const fn day(self) -> Column {
        Column { shape: Shape::Day, ..self }
    }

    /// The same column with amounts or counts in it.
    pub const fn figure(self) -> Column {
        Column { shape: Shape::Figure, ..self }
    }
}

/// Where a column is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placed {
    /// In this cell of each row.
    At(usize),
    /// The same value in each row.
    Constant(String),
    /// Nowhere.
    Absent,
}

/// A map from this program's column names to a file's.
#[derive(Clone, Debug)]
pub struct ColumnMap {
    entries: Vec<(String, Target)>,
    pub(super) sha256: String,
}

#[derive(Clone, Debug)]
enum Target {
    Header(String),
    Constant(String),
}

impl ColumnMap {
    /// Reads a map: `account_no = "借据号"` or `days_past_due = { value = "181" }`.
    pub fn parse(text: &str, columns: &[Column]) -> Result<ColumnMap, DocumentFault> {
        let document = Document::parse(text)?;
        let mut root = document.table();
        let mut entries = Vec::new();
        for column in columns {
            let Some(value) = root.take(column.name) else { continue };
            let target = match value.table() {
                Ok(mut table) => {
                    let constant = table.need("value")?.text()?.to_string();
                    table.finish()?;
                    Target::Constant(constant)
                }
                Err(_) => Target::Header(value.text()?.trim_matches(is_blank).to_lowercase()),
            };
            entries.push((column.name.to_string(), target));
        }
        root.finish()?;
        Ok(ColumnMap { entries, sha256: digest::sha256(text.as_bytes()) })
    }

    fn target(&self, name: &str) -> Option<&Target> {
        self.entries.iter().find(|(column, _)| column == name).map(|(_, target)| target)
    }
}

/// Columns a rejects file carries behind the original ones; not worth a warning when it comes back.
pub(super) const REPORT_COLUMNS: [&str; 4] = ["line", "column", "value", "reason"];

/// Finds each column in the header; says which of the file's columns nobody asked for.
pub(super) fn place(
    path: &Path,
    header: &[String],
    columns: &[Column],
    map: Option<&ColumnMap>,
) -> Result<(Vec<Placed>, Vec<String>), SheetError> {
    let names: Vec<String> =
        header.iter().map(|cell| meant(cell.trim_matches(is_blank)).to_lowercase()).collect();
    let find = |name: &str| names.iter().position(|candidate| candidate == name);
    let mut used = vec![false; names.len()];
    let mut placed = Vec::with_capacity(columns.len());
    for column in columns {
        let place = match map.and_then(|map| map.target(column.name)) {
            Some(Target::Constant(value)) => Placed::Constant(value.clone()),
            Some(Target::Header(name)) => Placed::At(find(name).ok_or_else(|| {
                let there = header.join(", ");
                content(path, Unusable::NotAsMapped(name.clone(), column.name, there))
            })?),
            None => std::iter::once(&column.name)
                .chain(column.aliases)
                .find_map(|name| find(name))
                .map_or(Placed::Absent, Placed::At),
        };
        if let Placed::At(index) = place {
            used[index] = true;
        }
        placed.push(place);
    }
    let missing: Vec<&str> = columns
        .iter()
        .zip(&placed)
        .filter(|(column, place)| column.required && **place == Placed::Absent)
        .map(|(column, _)| column.name)
        .collect();
    if !missing.is_empty() {
        return Err(content(path, Unusable::Lacks(missing.join(", "), header.join(", "))));
    }
    let seen_before = |i: usize, name: &String| {
        names[..i].iter().zip(&used).any(|(other, used)| *used && other == name)
    };
    let twice =
        names.iter().enumerate().find(|(i, name)| !name.is_empty() && seen_before(*i, name));
    if let Some((_, name)) = twice {
        return Err(content(path, Unusable::ColumnTwice(name.clone())));
    }
    let unknown: Vec<&str> = names
        .iter()
        .zip(&used)
        .filter(|(name, used)| {
            !**used && !name.is_empty() && !REPORT_COLUMNS.contains(&name.as_str())
        })
        .map(|(name, _)| name.as_str())
        .collect();
    let mut warnings = Vec::new();
    if !unknown.is_empty() {
        warnings.push(format!("ignored columns: {}", unknown.join(", ")));
    }
    let unnamed: Vec<String> = (1..)
        .zip(&names)
        .filter(|(_, name)| name.is_empty())
        .map(|(number, _): (usize, _)| number.to_string())
        .collect();
    if !unnamed.is_empty() {
        warnings.push(format!("ignored columns without a name: {}", unnamed.join(", ")));
    }
    Ok((placed, warnings))
}
