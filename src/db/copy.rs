//! Rows on their way into PostgreSQL: COPY, in its binary format.

use std::io::{self, Write};
use std::marker::PhantomData;

use chrono::NaiveDate;
use diesel::pg::{CopyFormat, CopyTarget, Pg, PgConnection};
use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::result::Error;

use super::column::{Cell, Layout};

diesel::table! {
    /// Stands for whatever table rows go into: the query builder wants to know one, the target names it.
    any (lender) {
        lender -> Text,
    }
}

/// The table and columns of a layout.
struct Target<L>(PhantomData<L>);

impl<L: Layout> CopyTarget for Target<L> {
    type Table = any::table;
    type SqlType = diesel::sql_types::Text;

    fn walk_target(mut out: AstPass<'_, '_, Pg>) -> QueryResult<()> {
        out.push_sql(&format!("{} ({})", L::table(), L::columns().join(", ")));
        Ok(())
    }
}

/// Inserts rows given as cells.
pub(super) fn insert<L: Layout>(c: &mut PgConnection, rows: &[Vec<Cell<'_>>]) -> QueryResult<()> {
    let sent = |error: io::Error| Error::SerializationError(Box::new(error));
    diesel::copy_from(any::table)
        .from_raw_data(Target::<L>(PhantomData), |to| send(to, rows).map_err(sent))
        .with_format(CopyFormat::Binary)
        .execute(c)
        .map(|_| ())
}

/// What a COPY in the binary format begins with: its signature, no flags, no extension.
const HEADER: [u8; 19] = *b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Stands in place of the number of columns when there are no more rows.
const END: i16 = -1;
/// Stands in place of the length of a value that is absent.
const ABSENT: i32 = -1;
/// Bytes sent at once.
const BLOCK: usize = 1 << 16;

fn send(to: &mut dyn Write, rows: &[Vec<Cell<'_>>]) -> io::Result<()> {
    let mut block = Vec::with_capacity(BLOCK + BLOCK / 4);
    block.extend(HEADER);
    for row in rows {
        let columns = i16::try_from(row.len()).map_err(io::Error::other)?;
        block.extend(columns.to_be_bytes());
        for cell in row {
            put(cell, &mut block)?;
        }
        if block.len() >= BLOCK {
            to.write_all(&block)?;
            block.clear();
        }
    }
    block.extend(END.to_be_bytes());
    to.write_all(&block)
}

/// A value with its length before it.
fn put(cell: &Cell<'_>, block: &mut Vec<u8>) -> io::Result<()> {
    match cell {
        Cell::Null => block.extend(ABSENT.to_be_bytes()),
        Cell::Int(number) => value(&number.to_be_bytes(), block)?,
        Cell::Bool(flag) => value(&[u8::from(*flag)], block)?,
        Cell::Text(text) => value(text.as_bytes(), block)?,
        Cell::Date(day) => {
            let days = day.signed_duration_since(FIRST_DAY).num_days();
            value(&i32::try_from(days).map_err(io::Error::other)?.to_be_bytes(), block)?;
        }
    }
    Ok(())
}

fn value(bytes: &[u8], block: &mut Vec<u8>) -> io::Result<()> {
    let length = i32::try_from(bytes.len()).map_err(io::Error::other)?;
    block.extend(length.to_be_bytes());
    block.extend(bytes);
    Ok(())
}

/// The day from which PostgreSQL counts.
const FIRST_DAY: NaiveDate = match NaiveDate::from_ymd_opt(2000, 1, 1) {
    Some(day) => day,
    None => NaiveDate::MIN,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sent_as_the_server_s_manual_says() {
        let day = NaiveDate::from_ymd_opt(1999, 12, 31).unwrap();
        let row = vec![
            Cell::Text("催".into()),
            Cell::Null,
            Cell::Int(-2),
            Cell::Bool(true),
            Cell::Date(day),
        ];
        let mut sent = Vec::new();
        send(&mut sent, &[row]).unwrap();
        let (header, rest) = sent.split_at(19);
        assert_eq!(header, b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
        let mut expected: Vec<u8> = vec![0, 5, 0, 0, 0, 3];
        expected.extend("催".as_bytes());
        expected.extend([0xff; 4]);
        expected.extend([0, 0, 0, 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe]);
        expected.extend([0, 0, 0, 1, 1]);
        expected.extend([0, 0, 0, 4, 0xff, 0xff, 0xff, 0xff]);
        expected.extend([0xff, 0xff]);
        assert_eq!(rest, expected);
    }
}
