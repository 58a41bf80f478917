//! "Download what I see": the rows of a list as CSV, recorded in the book: who, which columns, how many rows,
//! which bytes.

use actix_web::HttpResponse;
use serde_json::json;

use crate::audit::{Act, By};
use crate::db::{Db, write};
use crate::kernel::{Currency, digest};
use crate::party::Lang;
use crate::sheet::Csv;
use crate::table::{self, Column};
use crate::web::identity::who::Known;
use crate::web::problem::Problem;

/// Rows being written.
pub struct Sheet {
    table: Csv<Vec<u8>>,
    columns: Vec<&'static str>,
    rows: u64,
}

impl Sheet {
    /// Begins with the names of the columns.
    pub fn new(columns: &[&'static str]) -> Result<Sheet, Problem> {
        let mut table = Csv::new(Vec::new());
        table.row(columns)?;
        Ok(Sheet { table, columns: columns.to_vec(), rows: 0 })
    }

    /// Begins with the names of a noun's columns.
    pub fn of<R>(columns: &[Column<R>]) -> Result<Sheet, Problem> {
        Sheet::new(&table::names(columns))
    }

    /// Adds a row of a noun.
    pub fn add<R>(
        &mut self,
        columns: &[Column<R>],
        row: &R,
        t: Lang,
        currency: Currency,
    ) -> Result<(), Problem> {
        self.row(&table::record(columns, row, t, currency))
    }

    /// Adds a row.
    pub fn row(&mut self, cells: &[String]) -> Result<(), Problem> {
        self.rows += 1;
        Ok(self.table.row(cells)?)
    }

    /// Ends the file and records that it leaves the book.
    pub fn finish(
        self,
        db: &mut Db,
        lender: &str,
        by: &By,
        what: &str,
    ) -> Result<Vec<u8>, Problem> {
        let bytes = self.table.finish()?;
        record(db, lender, by, what, &self.columns, self.rows, &bytes)?;
        Ok(bytes)
    }
}

/// Records that rows of a book leave it: who took which columns, how many rows, and the digest of the bytes.
pub fn record(
    db: &mut Db,
    lender: &str,
    by: &By,
    what: &str,
    columns: &[&str],
    rows: u64,
    bytes: &[u8],
) -> Result<(), Problem> {
    let summary =
        json!({"what": what, "columns": columns, "rows": rows, "sha256": digest::sha256(bytes)});
    let recorded: diesel::QueryResult<i64> =
        write(db, lender, |db| Act::begin(db, lender, by)?.finish(db, "export", &summary));
    recorded?;
    Ok(())
}

/// A file as an answer.
pub fn attachment(name: &str, content_type: &'static str, bytes: Vec<u8>) -> HttpResponse {
    let safe: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' })
        .collect();
    HttpResponse::Ok()
        .content_type(content_type)
        .insert_header(("Content-Disposition", format!("attachment; filename=\"{safe}\"")))
        .body(bytes)
}

/// The name of a download: the lender, what it holds, and the day of the machine that made it.
pub fn file_name(who: &Known, lender: &str, what: &str) -> String {
    let day: String = who.by().at.chars().take(10).collect();
    format!("{lender}-{what}-{day}.csv")
}
