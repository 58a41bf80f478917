//! The first sheet of an .xlsx workbook, row by row. Only the texts that cells share are held, within a bound.

use std::collections::HashMap;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use super::archive::{Archive, Part};
use super::cell::{self, MOST_COLUMNS};
use super::text::LONGEST_ROW;
use super::wrong::{Broken, Unusable, Wrong};
use super::xml::{Element, Token, Xml};
use super::{Flaw, RawRow, SheetError, content, line};

/// Bytes of a part that describes the workbook.
const LARGEST_PART: u64 = 16 << 20;
/// Bytes of the sheet, unpacked: a million rows of twenty to forty cells.
const LARGEST_SHEET: u64 = 2 << 30;
/// Bytes of the part with the texts that cells share, and of these texts.
const LARGEST_TEXTS: u64 = 512 << 20;
const MOST_TEXT: usize = 96 << 20;
/// How many texts cells share.
const MOST_TEXTS: usize = 8_000_000;
/// Characters of a cell, as every spreadsheet has it, in bytes.
const LONGEST_CELL: usize = 4 * 32_767;

type Source = Xml<BufReader<Part>>;

pub(super) struct Workbook {
    path: PathBuf,
    times: bool,
    from_1904: bool,
    texts: Texts,
    /// By number of a cell's style: whether it shows a date.
    dates: Vec<bool>,
    sheet: Source,
    row: u64,
    in_data: bool,
    /// Whether cells say where they stand; all of them do, or none.
    placed: Option<bool>,
}

impl Workbook {
    pub(super) fn open(path: &Path, times: bool) -> Result<Workbook, SheetError> {
        open(path, times).map_err(|why| unreadable(path, &why))
    }

    /// Reads the next row that stands in the sheet, with at most `most` cells and one beyond; `false` at the end.
    pub(super) fn next(&mut self, row: &mut RawRow, most: usize) -> Result<bool, SheetError> {
        row.cells.clear();
        row.flaws.clear();
        row.lines = 1;
        row.width = None;
        let more = self.find_row().and_then(|found| {
            if found {
                row.line = self.row;
                self.cells(row, most)?;
            }
            Ok(found)
        });
        more.map_err(|why| match self.row {
            0 => unreadable(&self.path, &why),
            number => line(&self.path, number, Broken::Row(why)),
        })
    }

    /// The number of the row that begins next; `false` when there is none. The part is read to its very end, where its
    /// sum is checked.
    fn find_row(&mut self) -> Result<bool, String> {
        loop {
            match self.sheet.next()? {
                Token::Open(element) if element.name() == "sheetData" => self.in_data = true,
                Token::Open(element) if self.in_data && element.name() == "row" => {
                    let number = match element.attribute("r")? {
                        Some(text) => cell::row_number(&text)
                            .ok_or_else(|| format!("\"{text}\" is no number of a row"))?,
                        None => self.row + 1,
                    };
                    if number <= self.row || number > cell::MOST_ROWS {
                        return Err(format!("row {number} stands behind row {}", self.row));
                    }
                    self.row = number;
                    return Ok(true);
                }
                Token::Close(element) if element.local_name().into_inner() == "sheetData" => {
                    self.in_data = false;
                }
                Token::End => return Ok(false),
                _ => {}
            }
        }
    }

    /// The cells of a row, up to its end.
    fn cells(&mut self, row: &mut RawRow, most: usize) -> Result<(), String> {
        let (mut next, mut length) = (0, 0);
        loop {
            let head = match self.sheet.next()? {
                Token::Open(element) if element.name() == "c" => {
                    Head::read(&element, self.row, next)?
                }
                Token::Open(element) if element.name() == "row" => {
                    return Err("it begins inside another row".to_string());
                }
                Token::Close(element) if element.local_name().into_inner() == "row" => {
                    return Ok(());
                }
                Token::End => return Err("it has no end".to_string()),
                _ => continue,
            };
            if *self.placed.get_or_insert(head.placed) != head.placed {
                return Err("some of its cells do not say where they stand".to_string());
            }
            next = head.column + 1;
            let stored = Stored::read(&mut self.sheet)?;
            let kept = head.column.min(most);
            let (text, reason) = match self.text(&head, stored) {
                Ok(text) => (text, None),
                Err((text, reason)) => (text, Some(reason)),
            };
            length += text.len();
            if length > LONGEST_ROW {
                return Err("it is longer than 1 MiB; is this a table?".to_string());
            }
            if let Some(reason) = reason {
                row.flaws.push(Flaw::of_cell(kept, reason));
            }
            if row.cells.len() <= kept {
                row.cells.resize(kept + 1, String::new());
            }
            if super::is_blank_text(&row.cells[kept]) {
                row.cells[kept] = text;
            }
        }
    }

    /// A cell as text, or what stands there and why it says nothing that can be taken.
    fn text(&self, head: &Head, stored: Stored) -> Result<String, (String, Wrong)> {
        let Stored { value, inline, formula } = stored;
        let Some(value) = value else {
            return match inline {
                Some(text) => Ok(cell::unescape(&text)),
                None if formula => Err((String::new(), Wrong::NeverWorkedOut)),
                None => Ok(String::new()),
            };
        };
        match head.kind.as_str() {
            "s" => match value.trim().parse().ok().and_then(|number| self.texts.get(number)) {
                Some(text) => Ok(cell::unescape(text)),
                None => Err((value, Wrong::LostText)),
            },
            "str" | "inlineStr" => Ok(cell::unescape(&value)),
            "b" => Ok(if value.trim() == "1" { "true" } else { "false" }.to_string()),
            "e" => Err((value.clone(), Wrong::ShowsError(value))),
            "d" if self.times => Ok(value),
            "d" => Ok(value.split('T').next().unwrap_or_default().to_string()),
            "" | "n" if value.trim().is_empty() => Ok(String::new()),
            "" | "n" if self.dates.get(head.style).copied().unwrap_or(false) => {
                cell::moment(&value, self.from_1904, self.times).map_err(|why| (value, why))
            }
            "" | "n" => cell::number(&value).map_err(|why| (value, why)),
            kind => Err((value, Wrong::UnknownKind(kind.to_string()))),
        }
    }
}

fn unreadable(path: &Path, why: &str) -> SheetError {
    content(path, Unusable::Workbook(why.to_string()))
}

fn open(path: &Path, times: bool) -> Result<Workbook, String> {
    let archive = Archive::open(path)?;
    let book = relations(&archive, "")?
        .into_iter()
        .find(|relation| relation.kind == "officeDocument")
        .ok_or("it does not say where its sheets are")?
        .target;
    let (first, from_1904) = sheets(&archive, &book)?;
    let related = relations(&archive, &book)?;
    let sheet = first
        .iter()
        .find_map(|id| related.iter().find(|one| one.id == *id && one.kind == "worksheet"))
        .ok_or("it has no sheet")?;
    let other = |kind: &str| related.iter().find(|relation| relation.kind == kind);
    let texts = match other("sharedStrings") {
        Some(relation) => Texts::read(part(&archive, &relation.target, LARGEST_TEXTS)?)?,
        None => Texts::default(),
    };
    let dates = match other("styles") {
        Some(relation) => date_styles(part(&archive, &relation.target, LARGEST_PART)?)?,
        None => Vec::new(),
    };
    let sheet = part(&archive, &sheet.target, LARGEST_SHEET)?;
    let path = path.to_path_buf();
    Ok(Workbook {
        path,
        times,
        from_1904,
        texts,
        dates,
        sheet,
        row: 0,
        in_data: false,
        placed: None,
    })
}

fn part(archive: &Archive, name: &str, most: u64) -> Result<Source, String> {
    let part = archive.part(name, most)?.ok_or_else(|| format!("the part {name} is missing"))?;
    Ok(Xml::new(part))
}

/// What a part refers to.
struct Relation {
    id: String,
    /// The last word of its kind: older and newer workbooks write different addresses before it.
    kind: String,
    target: String,
}

/// The relations of a part, of the whole file when it has no name.
fn relations(archive: &Archive, of: &str) -> Result<Vec<Relation>, String> {
    let (folder, name) = of.rsplit_once('/').unwrap_or(("", of));
    let joint = if folder.is_empty() { "" } else { "/" };
    let mut xml = part(archive, &format!("{folder}{joint}_rels/{name}.rels"), LARGEST_PART)?;
    let mut found = Vec::new();
    loop {
        match xml.next()? {
            Token::Open(element) if element.name() == "Relationship" => {
                let value = |name: &str| {
                    element.attribute(name).map(|value| value.unwrap_or_default().into_owned())
                };
                let kind = value("Type")?.rsplit('/').next().unwrap_or_default().to_string();
                let target = value("Target")?.replace('\\', "/");
                let target = match target.strip_prefix('/') {
                    Some(whole) => whole.to_string(),
                    None => format!("{folder}{joint}{}", target.trim_start_matches("./")),
                };
                // External targets (links) are never among the kinds asked for.
                found.push(Relation { id: value("Id")?, kind, target });
            }
            Token::End => return Ok(found),
            _ => {}
        }
    }
}

/// The relations of the sheets in the order of their tabs, and whether days count from 1904.
fn sheets(archive: &Archive, book: &str) -> Result<(Vec<String>, bool), String> {
    let mut xml = part(archive, book, LARGEST_PART)?;
    let (mut sheets, mut from_1904) = (Vec::new(), false);
    loop {
        match xml.next()? {
            Token::Open(element) if element.name() == "sheet" => {
                sheets.push(element.attribute("id")?.unwrap_or_default().into_owned());
            }
            Token::Open(element) if element.name() == "workbookPr" => {
                let value = element.attribute("date1904")?;
                from_1904 = value.is_some_and(|value| matches!(&*value, "1" | "true" | "on"));
            }
            Token::End => return Ok((sheets, from_1904)),
            _ => {}
        }
    }
}

/// Which styles of cells show dates.
fn date_styles(mut xml: Source) -> Result<Vec<bool>, String> {
    let (mut formats, mut dates, mut in_cells) = (HashMap::new(), Vec::new(), false);
    loop {
        match xml.next()? {
            Token::Open(element) => match element.name() {
                "numFmt" => {
                    let code = element.attribute("formatCode")?.unwrap_or_default();
                    formats.insert(number_of(&element, "numFmtId")?, cell::is_date_format(&code));
                }
                "cellXfs" => in_cells = true,
                "xf" if in_cells => {
                    let id = number_of(&element, "numFmtId")?;
                    let own = formats.get(&id).copied();
                    dates.push(own.unwrap_or_else(|| cell::is_date_number(id)));
                }
                _ => {}
            },
            Token::Close(element) if element.local_name().into_inner() == "cellXfs" => {
                in_cells = false;
            }
            Token::End => return Ok(dates),
            _ => {}
        }
    }
}

/// A number in an attribute; nought when there is none.
fn number_of(element: &Element<'_>, name: &str) -> Result<u32, String> {
    element
        .attribute(name)?
        .map_or(Ok(0), |text| text.parse().map_err(|_| format!("\"{text}\" is no number ({name})")))
}

/// The texts that cells share, one behind the other.
#[derive(Default)]
struct Texts {
    all: String,
    ends: Vec<u32>,
}

impl Texts {
    fn read(mut xml: Source) -> Result<Texts, String> {
        let mut texts = Texts::default();
        loop {
            match xml.next()? {
                Token::Open(element) if element.name() == "si" => {}
                Token::End => return Ok(texts),
                _ => continue,
            }
            let before = texts.all.len();
            rich_text(&mut xml, "si", &mut texts.all, before + LONGEST_CELL)?;
            let end = u32::try_from(texts.all.len()).unwrap_or(u32::MAX);
            texts.ends.push(end);
            if texts.all.len() > MOST_TEXT || texts.ends.len() > MOST_TEXTS {
                return Err(format!(
                    "its cells share more than {} MiB of text or {MOST_TEXTS} texts",
                    MOST_TEXT >> 20
                ));
            }
        }
    }

    fn get(&self, number: usize) -> Option<&str> {
        let end = *self.ends.get(number)? as usize;
        let start = match number {
            0 => 0,
            _ => *self.ends.get(number - 1)? as usize,
        };
        self.all.get(start..end)
    }
}

/// Puts the text of an element behind `text`, up to its end: the runs of a formatted text together, without what tells
/// how to read it aloud.
fn rich_text(xml: &mut Source, end: &str, text: &mut String, most: usize) -> Result<(), String> {
    let (mut inside, mut aloud) = (false, false);
    loop {
        match xml.next()? {
            Token::Open(element) => match element.name() {
                "t" => inside = true,
                "rPh" => aloud = true,
                _ => {}
            },
            Token::Close(element) => match element.local_name().into_inner() {
                "t" => inside = false,
                "rPh" => aloud = false,
                name if name == end => return Ok(()),
                _ => {}
            },
            Token::Text(more) if inside && !aloud => push(text, &more, most)?,
            Token::Text(_) => {}
            Token::End => return Err("it ends inside a text".to_string()),
        }
    }
}

fn push(text: &mut String, more: &str, most: usize) -> Result<(), String> {
    if text.len() + more.len() > most {
        return Err("a cell is longer than the 32,767 characters a spreadsheet allows".to_string());
    }
    text.push_str(more);
    Ok(())
}

/// What a cell says of itself.
struct Head {
    column: usize,
    /// Whether it says so itself.
    placed: bool,
    style: usize,
    kind: String,
}

impl Head {
    /// Of a cell in a row, at `next` or further right.
    fn read(element: &Element<'_>, row: u64, next: usize) -> Result<Head, String> {
        let place = element.attribute("r")?;
        let placed = place.is_some();
        let column = match place {
            None => next,
            Some(text) => match cell::place(&text) {
                Some((column, its_row)) if its_row == row && column >= next => column,
                Some(_) => return Err(format!("the cell {text} stands in the wrong place")),
                None => return Err(format!("\"{text}\" is no place in a sheet")),
            },
        };
        if column >= MOST_COLUMNS {
            return Err("it has more cells than a sheet has columns".to_string());
        }
        let style = number_of(element, "s")? as usize;
        let kind = element.attribute("t")?.unwrap_or_default().into_owned();
        Ok(Head { column, placed, style, kind })
    }
}

/// What a cell stores.
struct Stored {
    value: Option<String>,
    inline: Option<String>,
    formula: bool,
}

impl Stored {
    /// Reads up to the end of the cell.
    fn read(xml: &mut Source) -> Result<Stored, String> {
        let mut stored = Stored { value: None, inline: None, formula: false };
        let mut in_value = false;
        loop {
            match xml.next()? {
                Token::Open(element) => match element.name() {
                    "v" => {
                        in_value = true;
                        stored.value.get_or_insert_default();
                    }
                    "f" => stored.formula = true,
                    "is" => {
                        let mut text = String::new();
                        rich_text(xml, "is", &mut text, LONGEST_CELL)?;
                        stored.inline = Some(text);
                    }
                    "c" | "row" => return Err("a cell begins inside another".to_string()),
                    _ => {}
                },
                Token::Close(element) => match element.local_name().into_inner() {
                    "v" => in_value = false,
                    "c" => return Ok(stored),
                    _ => {}
                },
                Token::Text(text) => {
                    if in_value && let Some(value) = &mut stored.value {
                        push(value, &text, LONGEST_CELL)?;
                    }
                }
                Token::End => return Err("it ends inside a cell".to_string()),
            }
        }
    }
}
