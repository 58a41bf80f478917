//! XML read token by token: no token longer than a row, no nesting deeper than a workbook's, no entity but the five
//! that XML itself has.

use std::borrow::Cow;
use std::io::{BufRead, Read};

use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesEnd, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::text::LONGEST_ROW;

/// Elements inside one another; a workbook's parts have fewer than ten.
const DEEPEST: u32 = 64;
/// Elements in one part: a million rows of thirty cells with their values, and some.
const MOST_ELEMENTS: u64 = 100_000_000;

/// A part of a workbook being read.
pub(super) struct Xml<R> {
    reader: Reader<Bounded<R>>,
    buffer: Vec<u8>,
    depth: u32,
    elements: u64,
}

/// What comes next.
pub(super) enum Token<'a> {
    Open(Element<'a>),
    Close(BytesEnd<'a>),
    Text(Cow<'a, str>),
    End,
}

/// An element that opens.
pub(super) struct Element<'a>(BytesStart<'a>);

impl Element<'_> {
    /// Its name without the prefix.
    pub(super) fn name(&self) -> &str {
        self.0.local_name().into_inner()
    }

    /// An attribute by its name without the prefix.
    pub(super) fn attribute(&self, name: &str) -> Result<Option<Cow<'_, str>>, String> {
        for attribute in self.0.attributes().with_checks(false) {
            let attribute: Attribute<'_> = attribute.map_err(|error| error.to_string())?;
            if attribute.key.local_name().into_inner() == name {
                let value = attribute.normalized_value(XmlVersion::Implicit1_0);
                return value.map(Some).map_err(|error| error.to_string());
            }
        }
        Ok(None)
    }
}

impl<R: BufRead> Xml<R> {
    pub(super) fn new(inner: R) -> Xml<R> {
        let mut reader = Reader::from_reader(Bounded { inner, left: LONGEST_ROW });
        reader.config_mut().expand_empty_elements = true;
        Xml { reader, buffer: Vec::new(), depth: 0, elements: 0 }
    }

    /// The next token.
    pub(super) fn next(&mut self) -> Result<Token<'_>, String> {
        self.buffer.clear();
        self.reader.get_mut().left = LONGEST_ROW;
        let event = self.reader.read_event_into(&mut self.buffer);
        token(event.map_err(|error| error.to_string())?, &mut self.depth, &mut self.elements)
    }
}

fn token<'a>(event: Event<'a>, depth: &mut u32, elements: &mut u64) -> Result<Token<'a>, String> {
    match event {
        Event::Start(element) | Event::Empty(element) => {
            *depth += 1;
            *elements += 1;
            if *depth > DEEPEST || *elements > MOST_ELEMENTS {
                return Err("it has more elements than a table has".to_string());
            }
            Ok(Token::Open(Element(element)))
        }
        Event::End(element) => {
            *depth = depth.saturating_sub(1);
            Ok(Token::Close(element))
        }
        Event::Text(text) => Ok(Token::Text(text.xml10_content())),
        Event::CData(text) => Ok(Token::Text(text.xml10_content())),
        Event::GeneralRef(reference) => {
            let resolved = match reference.resolve_char_ref() {
                Ok(Some(c)) => Some(Cow::Owned(c.to_string())),
                Ok(None) => resolve_xml_entity(&reference).map(Cow::Borrowed),
                Err(_) => None,
            };
            resolved.map(Token::Text).ok_or_else(|| format!("it has the entity &{};", &*reference))
        }
        // What says nothing stands for no text.
        Event::Comment(_) | Event::PI(_) | Event::Decl(_) => Ok(Token::Text(Cow::Borrowed(""))),
        Event::Eof if *depth > 0 => Err("it ends inside an element".to_string()),
        Event::Eof => Ok(Token::End),
        Event::DocType(_) => Err("it has a document type, which no workbook has".to_string()),
    }
}

/// Gives out so many bytes for a token and then fails.
struct Bounded<R> {
    inner: R,
    left: usize,
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let available = self.fill_buf()?;
        let read = available.len().min(buffer.len());
        buffer[..read].copy_from_slice(&available[..read]);
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        if self.left == 0 {
            return Err(std::io::Error::other("a text or an element is longer than 1 MiB"));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.left = self.left.saturating_sub(amount);
        self.inner.consume(amount);
    }
}
