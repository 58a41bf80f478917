//! TOML documents read key by key. Every refusal names the key and its line, and a key nobody asked for is refused.

use chrono::NaiveDate;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::money::{Currency, Money};
use super::rate::Rate;
use super::spelled::Spelled;

/// Why a document is refused: the line, the key, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct DocumentFault {
    /// 1-based line in the document.
    pub line: usize,
    /// What is wrong and what to do.
    pub message: String,
}

/// The largest document, in bytes: some ten thousand people, or the longest contract many times over.
pub const LARGEST_DOCUMENT: usize = 4 * 1024 * 1024;

/// A parsed document with the text it came from, for line numbers.
pub struct Document<'a> {
    source: Source<'a>,
    root: DeTable<'a>,
}

/// Where a document came from.
#[derive(Clone, Copy)]
struct Source<'a> {
    text: &'a str,
    /// It was taken in before: bounds that were drawn since do not refuse it.
    stored: bool,
}

impl<'a> Document<'a> {
    /// Parses TOML; a syntax error names its line.
    pub fn parse(text: &'a str) -> Result<Document<'a>, DocumentFault> {
        if text.len() > LARGEST_DOCUMENT {
            let most = LARGEST_DOCUMENT / 1024 / 1024;
            let message =
                format!("the file is larger than {most} MiB; check that it is the right one");
            return Err(DocumentFault { line: 1, message });
        }
        let root = DeTable::parse(text).map_err(|error| DocumentFault {
            line: error.span().map_or(1, |span| line_at(text, span.start)),
            message: format!("is not valid TOML: {}", error.message()),
        })?;
        let root = root.into_inner();
        match nul_in(&root) {
            None => Ok(Document { source: Source { text, stored: false }, root }),
            Some(at) => Err(DocumentFault {
                line: line_at(text, at),
                message: "a text here contains a NUL character; remove it".to_string(),
            }),
        }
    }

    /// Parses a document that the book keeps: what was in bounds when it was taken in stays readable.
    pub fn parse_stored(text: &'a str) -> Result<Document<'a>, DocumentFault> {
        let document = Document::parse(text)?;
        Ok(Document { source: Source { text, stored: true }, ..document })
    }

    /// The outermost table.
    pub fn table(&self) -> Table<'_> {
        let mut pairs: Vec<Pair<'_>> = pairs_of(&self.root);
        pairs.sort_by_key(|(key, _)| key.span().start);
        Table { source: self.source, at: 0, name: String::new(), pairs, taken: Vec::new() }
    }
}

/// Where a key or a text has a NUL, which no name has and no database keeps.
fn nul_in(table: &DeTable<'_>) -> Option<usize> {
    table.iter().find_map(|(key, value)| {
        let key = key.get_ref().contains('\0').then(|| key.span().start);
        key.or_else(|| nul_in_value(value))
    })
}

fn nul_in_value(value: &Spanned<DeValue<'_>>) -> Option<usize> {
    match value.get_ref() {
        DeValue::String(text) => text.contains('\0').then(|| value.span().start),
        DeValue::Array(items) => items.iter().find_map(nul_in_value),
        DeValue::Table(table) => nul_in(table),
        _ => None,
    }
}

type Pair<'a> = (&'a Spanned<std::borrow::Cow<'a, str>>, &'a Spanned<DeValue<'a>>);

fn pairs_of<'a>(table: &'a DeTable<'a>) -> Vec<Pair<'a>> {
    table.iter().collect()
}

fn line_at(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|b| **b == b'\n').count() + 1
}

/// One table of a document. Ask for its keys, then [`Table::finish`] refuses what was not asked for.
pub struct Table<'a> {
    source: Source<'a>,
    at: usize,
    name: String,
    pairs: Vec<Pair<'a>>,
    taken: Vec<String>,
}

impl<'a> Table<'a> {
    /// The line the table stands on.
    pub fn line(&self) -> usize {
        line_at(self.source.text, self.at)
    }

    /// A refusal at the table itself.
    pub fn fault(&self, message: impl Into<String>) -> DocumentFault {
        DocumentFault { line: self.line(), message: message.into() }
    }

    fn path(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_string() } else { format!("{}.{key}", self.name) }
    }

    /// The keys of the table, in the order they are written.
    pub fn keys(&self) -> Vec<String> {
        self.pairs.iter().map(|(key, _)| key.get_ref().to_string()).collect()
    }

    /// The value of a key, when there is one.
    pub fn take(&mut self, key: &str) -> Option<Value<'a>> {
        let path = self.path(key);
        let found = self.pairs.iter().find(|(name, _)| name.get_ref() == key)?;
        self.taken.push(key.to_string());
        let (at, value) = (found.0.span().start, found.1.get_ref());
        Some(Value { source: self.source, at, path, value })
    }

    /// The value of a key that must be there.
    pub fn need(&mut self, key: &str) -> Result<Value<'a>, DocumentFault> {
        let path = self.path(key);
        match self.take(key) {
            Some(value) => Ok(value),
            None => Err(self.fault(format!("`{path}` is missing"))),
        }
    }

    /// The tables of `[[key]]`; none when the key is absent.
    pub fn tables(&mut self, key: &str) -> Result<Vec<Table<'a>>, DocumentFault> {
        match self.take(key) {
            Some(value) => value.tables(),
            None => Ok(Vec::new()),
        }
    }

    /// Refuses every key that nobody asked for.
    pub fn finish(self) -> Result<(), DocumentFault> {
        let unknown = self
            .pairs
            .iter()
            .find(|(key, _)| !self.taken.iter().any(|taken| taken == key.get_ref()));
        match unknown {
            None => Ok(()),
            Some((key, _)) => Err(DocumentFault {
                line: line_at(self.source.text, key.span().start),
                message: format!(
                    "`{}` is no key this file may have; remove it or correct its name",
                    self.path(key.get_ref())
                ),
            }),
        }
    }
}

/// One value of a document, with its place.
pub struct Value<'a> {
    source: Source<'a>,
    at: usize,
    path: String,
    value: &'a DeValue<'a>,
}

impl<'a> Value<'a> {
    /// The line of the value's key.
    pub fn line(&self) -> usize {
        line_at(self.source.text, self.at)
    }

    /// Refuses a value that is out of the bounds a new document must keep.
    pub fn bound(&self, holds: bool, message: &str) -> Result<(), DocumentFault> {
        if holds || self.source.stored { Ok(()) } else { Err(self.fault(message)) }
    }

    /// A refusal that names this key, its line and its value.
    pub fn fault(&self, message: impl std::fmt::Display) -> DocumentFault {
        let shown = match self.value {
            DeValue::String(text) => format!(" \"{text}\""),
            DeValue::Integer(number) => format!(" {}", number.as_str()),
            DeValue::Float(number) => format!(" {}", number.as_str()),
            _ => String::new(),
        };
        DocumentFault { line: self.line(), message: format!("`{}`{shown} {message}", self.path) }
    }

    /// A refusal that names this key and its line and keeps its value to itself.
    pub fn hidden(&self, message: impl std::fmt::Display) -> DocumentFault {
        DocumentFault { line: self.line(), message: format!("`{}` {message}", self.path) }
    }

    /// A text.
    pub fn text(&self) -> Result<&'a str, DocumentFault> {
        self.value.as_str().ok_or_else(|| self.fault("must be a text in quotes"))
    }

    /// A text that is not empty.
    pub fn name(&self) -> Result<String, DocumentFault> {
        let text = self.text()?.trim();
        let printable =
            !text.is_empty() && !text.chars().any(char::is_control) && text.chars().count() <= 200;
        if printable {
            Ok(text.to_string())
        } else {
            Err(self.fault("must be a printable text of 1 to 200 characters"))
        }
    }

    /// A code: letters, digits, `.`, `_`, `-`.
    pub fn code(&self) -> Result<String, DocumentFault> {
        let text = self.text()?;
        if super::text::is_code(text) {
            Ok(text.to_string())
        } else {
            Err(self
                .fault("must be a code of 1 to 40 letters, digits, dots, hyphens or underscores"))
        }
    }

    /// A word of an enumeration.
    pub fn one_of<T: Spelled>(&self) -> Result<T, DocumentFault> {
        T::from_spelling(self.text()?.to_string())
            .map_err(|_| self.fault(format!("must be one of: {}", T::WORDS.join(", "))))
    }

    /// A whole number between two.
    pub fn whole(&self, least: i64, most: i64) -> Result<i64, DocumentFault> {
        let number = self.value.as_integer().and_then(|number| {
            i64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok()
        });
        match number {
            Some(number) if (least..=most).contains(&number) => Ok(number),
            _ => Err(self.fault(format!("must be a whole number from {least} to {most}"))),
        }
    }

    /// True or false.
    pub fn flag(&self) -> Result<bool, DocumentFault> {
        self.value.as_bool().ok_or_else(|| self.fault("must be true or false"))
    }

    /// A calendar date, bare (`2026-01-31`) or in quotes.
    pub fn date(&self) -> Result<NaiveDate, DocumentFault> {
        let date = match (self.value.as_datetime(), self.value.as_str()) {
            (Some(moment), _) if moment.time.is_none() => {
                super::calendar::parse_date(&moment.to_string())
            }
            (_, Some(text)) => super::calendar::parse_date(text),
            _ => None,
        };
        date.ok_or_else(|| self.fault("must be a date like 2026-01-31"))
    }

    /// A rate from 0 % to 100 %, in quotes.
    pub fn rate(&self) -> Result<Rate, DocumentFault> {
        let rate = self.any_rate()?;
        if rate < Rate::ZERO || rate > Rate::ONE {
            return Err(self.fault("must lie between 0% and 100%"));
        }
        Ok(rate)
    }

    /// A share of something that may be more than all of it: from 0 % to 1,000 %, in quotes.
    pub fn share(&self) -> Result<Rate, DocumentFault> {
        let share = self.any_rate()?;
        let holds = (Rate::ZERO..=Rate::LARGEST).contains(&share);
        self.bound(holds, "must lie between 0% and 1,000%")?;
        Ok(share)
    }

    fn any_rate(&self) -> Result<Rate, DocumentFault> {
        let text = self
            .value
            .as_str()
            .ok_or_else(|| self.fault("must be a rate in quotes, like \"22%\""))?;
        Rate::parse(text).map_err(|fault| self.fault(fault))
    }

    /// An amount in the book's currency, in quotes (or a whole number).
    pub fn amount(&self, currency: Currency) -> Result<Money, DocumentFault> {
        let text = match (self.value.as_str(), self.value.as_integer()) {
            (Some(text), _) => text,
            (None, Some(number)) if number.radix() == 10 => number.as_str(),
            _ => return Err(self.fault("must be an amount in quotes, like \"1234.56\"")),
        };
        let amount = Money::parse(text, currency).map_err(|fault| self.fault(fault))?;
        if amount < Money::ZERO { Err(self.fault("must not be negative")) } else { Ok(amount) }
    }

    /// A list of texts; an empty list is refused.
    pub fn names(&self) -> Result<Vec<String>, DocumentFault> {
        let array = self
            .value
            .as_array()
            .ok_or_else(|| self.fault("must be a list of texts, like [\"a\", \"b\"]"))?;
        let names: Option<Vec<String>> =
            array.iter().map(|item| item.get_ref().as_str().map(str::to_string)).collect();
        match names {
            Some(names)
                if !names.is_empty() && names.iter().all(|name| !name.trim().is_empty()) =>
            {
                Ok(names)
            }
            Some(_) => Err(self.fault("must not be empty")),
            None => Err(self.fault("must be a list of texts")),
        }
    }

    /// A table.
    pub fn table(&self) -> Result<Table<'a>, DocumentFault> {
        let table = self.value.as_table().ok_or_else(|| self.fault("must be a table"))?;
        Ok(self.open(table, self.at, self.path.clone()))
    }

    /// A list of tables.
    pub fn tables(&self) -> Result<Vec<Table<'a>>, DocumentFault> {
        let wrong = || self.fault("must be a list of tables");
        let array = self.value.as_array().ok_or_else(wrong)?;
        array
            .iter()
            .enumerate()
            .map(|(i, item)| {
                let table = item.get_ref().as_table().ok_or_else(wrong)?;
                Ok(self.open(table, item.span().start, format!("{}[{}]", self.path, i + 1)))
            })
            .collect()
    }

    fn open(&self, table: &'a DeTable<'a>, at: usize, name: String) -> Table<'a> {
        let mut pairs = pairs_of(table);
        pairs.sort_by_key(|(key, _)| key.span().start);
        Table { source: self.source, at, name, pairs, taken: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let document = Document::parse("a = 1\n\n[b]\nc = 2\ncolour = \"red\"\n").unwrap();
        let mut root = document.table();
        assert_eq!(root.need("a").unwrap().whole(0, 9), Ok(1));
        let mut inner = root.need("b").unwrap().table().unwrap();
        assert!(inner.take("c").is_some());
        let fault = inner.finish().unwrap_err();
        assert_eq!(fault.line, 5);
        assert!(fault.message.contains("b.colour"));
        assert!(root.finish().is_ok());
    }
}
