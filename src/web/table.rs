//! Lists on pages: a noun's columns with what a page adds to a cell – where it leads, what it warns of.

use crate::kernel::Currency;
use crate::party::Lang;
use crate::table::Column;
use crate::web::page::Chip;

/// A list as `table.html` draws it.
pub struct Table {
    /// The heads of its columns.
    pub heads: Vec<Cell>,
    /// Its rows.
    pub rows: Vec<Vec<Cell>>,
    /// What its columns add up to; empty where nothing is added up.
    pub foot: Vec<Cell>,
}

/// A cell of a page.
#[derive(Clone, Default)]
pub struct Cell {
    /// How it stands.
    pub class: String,
    /// What stands there.
    pub text: String,
    /// Where it leads; empty when nowhere.
    pub href: String,
    /// Whether it leads to the reasons.
    pub why: bool,
    /// What a pointer on it tells.
    pub title: String,
    /// A short code behind the text, and what a pointer on it tells.
    pub code: String,
    /// See [`Cell::code`].
    pub code_title: String,
    /// A remark behind it.
    pub note: String,
    /// Words about states.
    pub chips: Vec<Chip>,
    /// Words about states that stand in folded columns, for narrow pages.
    pub phone: Vec<Chip>,
    /// The account that a tick here chooses.
    pub tick: String,
}

impl Cell {
    /// The cell, leading somewhere.
    pub fn to(self, href: impl Into<String>) -> Cell {
        Cell { href: href.into(), ..self }
    }

    /// The cell with words about states instead of its text.
    pub fn chips(self, chips: Vec<Chip>) -> Cell {
        Cell { chips, text: String::new(), ..self }
    }
}

impl Table {
    /// Rows of a noun; `dress` adds to the cell of a column, named as in files, what the page knows.
    pub fn of<R>(
        columns: &[Column<R>],
        rows: &[R],
        (t, currency): (Lang, Currency),
        dress: impl Fn(&R, &str, Cell) -> Cell,
    ) -> Table {
        let cell = |row: &R, column: &Column<R>| {
            let class = class(column, column.wraps);
            let text = (column.value)(row, t).shown(currency);
            dress(row, column.name, Cell { class, text, ..Cell::default() })
        };
        let cells = |row: &R| columns.iter().map(|column| cell(row, column)).collect();
        let foot = columns.iter().any(|column| column.adds_up);
        Table {
            heads: columns.iter().map(|column| head(column, t, currency)).collect(),
            rows: rows.iter().map(cells).collect(),
            foot: if foot { foot_of(columns, rows, t, currency) } else { Vec::new() },
        }
    }

    /// The list with a column before the others whose ticks choose accounts; `None` leaves a row without.
    pub fn ticked(mut self, head: &str, tick: impl Fn(usize) -> Option<String>) -> Table {
        self.heads.insert(0, Cell { text: head.to_string(), ..Cell::default() });
        for (i, row) in self.rows.iter_mut().enumerate() {
            row.insert(0, Cell { tick: tick(i).unwrap_or_default(), ..Cell::default() });
        }
        if !self.foot.is_empty() {
            self.foot.insert(0, Cell::default());
        }
        self
    }
}

fn class<R>(column: &Column<R>, wraps: bool) -> String {
    let marks = [(column.number, "n"), (column.folds, "fold"), (wraps, "wrap")];
    let marks: Vec<&str> =
        marks.into_iter().filter(|(has, _)| *has).map(|(_, mark)| mark).collect();
    marks.join(" ")
}

fn head<R>(column: &Column<R>, t: Lang, currency: Currency) -> Cell {
    let head = (column.head)(t);
    let text = if column.money { format!("{head} ({currency})") } else { head.to_string() };
    Cell { class: class(column, false), text, ..Cell::default() }
}

fn foot_of<R>(columns: &[Column<R>], rows: &[R], t: Lang, currency: Currency) -> Vec<Cell> {
    let cell = |(i, column): (usize, &Column<R>)| {
        let text = match i {
            _ if column.adds_up => column.sum(rows, t).grouped(currency),
            0 => t.this_page().to_string(),
            _ => String::new(),
        };
        Cell { class: class(column, false), text, ..Cell::default() }
    };
    columns.iter().enumerate().map(cell).collect()
}
