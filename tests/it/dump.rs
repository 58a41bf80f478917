//! A dump of PostgreSQL, as `pg_dump` writes it, put back through a connection: into the schema that the connection
//! looks in, whatever schema it was taken from.

use consign::db::Db;
use diesel::connection::SimpleConnection as _;

/// Rows of one statement.
const ROWS: usize = 1_000;

/// Runs the statements of a dump; the rows behind a COPY are inserted as they stand.
pub fn restore(db: &mut Db, dump: &str) {
    let mut lines = dump.lines();
    let mut statements = String::new();
    while let Some(line) = lines.next() {
        if let Some(head) = line.strip_prefix("COPY public.") {
            run(db, &std::mem::take(&mut statements));
            let (into, _) = head.split_once(" FROM stdin;").unwrap();
            let rows: Vec<String> =
                lines.by_ref().take_while(|line| *line != "\\.").map(values).collect();
            for chunk in rows.chunks(ROWS) {
                let sql = format!("INSERT INTO {into} VALUES {}", chunk.join(","));
                db.batch_execute(&sql).unwrap();
            }
        } else if !["--", "\\"].iter().any(|mark| line.starts_with(mark))
            && !line.contains("set_config('search_path'")
        {
            // Comments, statements to psql, and where the dump was taken from, say nothing here.
            statements.push_str(&line.replace("public.", ""));
            statements.push('\n');
        }
    }
    run(db, &statements);
}

/// Between two tables there may be nothing to run.
fn run(db: &mut Db, statements: &str) {
    if !statements.trim().is_empty() {
        db.batch_execute(statements).unwrap();
    }
}

/// A row of a COPY as a row of VALUES.
fn values(row: &str) -> String {
    let cells: Vec<String> = row.split('\t').map(literal).collect();
    format!("({})", cells.join(","))
}

fn literal(cell: &str) -> String {
    if cell == "\\N" {
        return "NULL".to_string();
    }
    let mut text = String::with_capacity(cell.len() + 2);
    let mut letters = cell.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => text.push(match letters.next().unwrap() {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                other => other,
            }),
            '\'' => text.push_str("''"),
            other => text.push(other),
        }
    }
    format!("'{text}'")
}
