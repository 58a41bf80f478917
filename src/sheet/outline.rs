//! What a row of a table looks like, so that rows that were joined, cut or shifted are told from good ones.

use super::columns::{Column, Placed, Shape};
use super::wrong::{Broken, Wrong};
use super::{RawRow, is_blank, is_blank_text};

/// The columns a table's rows have.
pub(super) struct Outline {
    /// Cells of the header.
    pub(super) width: usize,
    shaped: Vec<(usize, Column)>,
}

impl Outline {
    pub(super) fn new(width: usize, columns: &[Column], placed: &[Placed]) -> Outline {
        let shaped = columns.iter().zip(placed).filter_map(|(column, place)| match place {
            Placed::At(index) if column.shape != Shape::Text => Some((*index, *column)),
            _ => None,
        });
        Outline { width, shaped: shaped.collect() }
    }

    /// Whether cells could be a row of this table: as many as the header has, the needed ones filled, days and
    /// figures where they belong.
    pub(super) fn is_row(&self, cells: &[String]) -> bool {
        cells.len() == self.width
            && self.shaped.iter().all(|(index, column)| {
                let text = cells.get(*index).map_or("", |cell| cell.trim_matches(is_blank));
                if text.is_empty() { !column.required } else { column.shape.fits(text) }
            })
    }

    /// A cell in which a line break can only be a fault: a key, a day or a figure.
    pub(super) fn broken<'r>(&self, row: &'r RawRow) -> Option<(&'static str, &'r str)> {
        self.shaped.iter().find_map(|(index, column)| {
            let text = row.cells.get(*index)?.trim_matches(is_blank);
            text.contains(['\n', '\r']).then_some((column.name, text))
        })
    }
}

/// How many cells the rows of a text have. The header says it, with two exceptions that spreadsheets make: a header that
/// ends in separators, and empty cells left out at the end of a run of rows (Excel writes sixteen rows at a time). What
/// one lost or inserted separator makes of a row, or of the header, is neither.
pub(super) struct Widths {
    pub(super) full: usize,
    full_seen: bool,
    behind: [Option<usize>; 2],
}

impl Widths {
    /// From the header and the first rows; what is wrong when these agree and the header does not.
    pub(super) fn new(header: &[String], first: &[&RawRow]) -> Result<Widths, Broken> {
        let named = header.iter().rposition(|name| !is_blank_text(name)).map_or(0, |i| i + 1);
        let agreed = match first {
            [] if header.iter().any(|name| looks_like_value(name)) => {
                return Err(Broken::HeaderValues);
            }
            [one, rest @ ..]
                if !rest.is_empty() && rest.iter().all(|row| row.width == one.width) =>
            {
                one.width
            }
            _ => None,
        };
        let full = agreed.unwrap_or(header.len());
        if !(named..=header.len()).contains(&full) {
            return Err(Broken::HeaderWidth(header.len(), full));
        }
        Ok(Widths { full, full_seen: false, behind: [Some(full), None] })
    }

    /// What is wrong with the width of a row, given the widths of the next ones.
    pub(super) fn fault(&mut self, width: usize, ahead: [Option<usize>; 2]) -> Option<Wrong> {
        let mut around = self.behind.into_iter().chain(ahead).flatten();
        let alike = around.clone().filter(|one| *one == width).count();
        let other = around.next().filter(|first| *first < width && around.all(|one| one == *first));
        let fits = if width == self.full {
            self.full_seen = true;
            other.is_none()
        } else {
            width < self.full && self.full_seen && alike >= 2
        };
        self.behind = [Some(width), self.behind[0]];
        let full = self.full;
        match other {
            _ if fits => None,
            _ if width > full => Some(Wrong::MoreCells(width, full)),
            Some(other) if width == full => Some(Wrong::UnlikeAround(width, other)),
            _ => Some(Wrong::FewerCells(width, full)),
        }
    }
}

impl Shape {
    /// Whether a text that is not blank could be meant.
    fn fits(self, text: &str) -> bool {
        let only = |more: &str| text.chars().all(|c| c.is_ascii_digit() || more.contains(c));
        match self {
            Shape::Key | Shape::Text => true,
            Shape::Figure => text.contains(|c: char| c.is_ascii_digit()) && only(".,+-() ¥￥$€%"),
            Shape::Day => text.contains(|c: char| c.is_ascii_digit()) && only("-/.: TZ年月日"),
        }
    }
}

fn looks_like_value(name: &str) -> bool {
    let name = name.trim_matches(is_blank);
    Shape::Figure.fits(name) || Shape::Day.fits(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(widths: &[usize]) -> Result<Widths, Broken> {
        let header: Vec<String> = ["a", "b", "c", "d", "e"].map(str::to_string).to_vec();
        let rows: Vec<RawRow> = widths
            .iter()
            .map(|width| RawRow { width: Some(*width), ..RawRow::default() })
            .collect();
        let first: Vec<&RawRow> = rows.iter().take(3).collect();
        Widths::new(&header, &first)
    }

    /// Which of some rows, by their widths, are believed under a header of five names.
    fn believed(widths: &[usize]) -> Vec<bool> {
        let mut check = check(widths).unwrap();
        let ahead = |i: usize| widths.get(i).copied();
        let fits = |(i, width): (usize, &usize)| {
            check.fault(*width, [ahead(i + 1), ahead(i + 2)]).is_none()
        };
        widths.iter().enumerate().map(fits).collect()
    }

    #[test]
    fn a_row_that_lost_or_gained_a_cell_is_not_believed() {
        assert_eq!(believed(&[5, 5, 4, 5, 5]), [true, true, false, true, true]);
        assert_eq!(believed(&[5, 6, 5, 5]), [true, false, true, true]);
        assert_eq!(believed(&[4, 5, 5, 5]), [false, true, true, true]);
        assert_eq!(believed(&[5, 5, 5, 6]), [true, true, true, false]);
        // Cut in two in its middle.
        assert_eq!(believed(&[5, 5, 3, 3, 5, 5]), [true, true, false, false, true, true]);
        // A separator inserted where rows leave out an empty last cell.
        let run = [5, 5, 4, 4, 4, 5, 4, 4, 4];
        assert_eq!(believed(&run), [true, true, true, true, true, false, true, true, true]);
    }

    #[test]
    fn rows_may_leave_out_empty_cells_in_runs() {
        assert_eq!(believed(&[5, 5, 4, 4, 4, 5, 5]), [true; 7]);
    }

    #[test]
    fn a_header_that_lost_or_gained_a_separator_is_refused() {
        assert!(check(&[4, 4, 4, 4]).is_err());
        assert!(check(&[6, 6, 6, 6]).is_err());
        assert!(check(&[6, 5, 5, 5]).is_ok());
    }
}
