//! One schema on both databases.

use std::collections::BTreeSet;
use std::path::Path;

use consign::audit::{Book as Head, EventRow};
use consign::db::{ColumnOf, Field, Kind, columns_of, schema_of};
use consign::identity::Access;
use consign::kernel::Spelled as _;
use consign::ledger::{LegRow, TransactionRow};
use consign::party::{Assignee, Lang};

use crate::support::{Book, postgres};

#[test]
fn both_databases_have_the_same_tables_and_columns() {
    let sqlite = schema_of(&mut Book::on_sqlite().db).unwrap();
    assert!(sqlite.len() > 150, "only {} columns were found", sqlite.len());
    let Some(url) = postgres() else { return };
    let on_postgres = schema_of(&mut Book::on_postgres(&url).db).unwrap();
    let (left, right): (BTreeSet<_>, BTreeSet<_>) =
        (sqlite.iter().collect(), on_postgres.iter().collect());
    let only_one: Vec<_> = left.symmetric_difference(&right).collect();
    assert!(only_one.is_empty(), "on one database only: {only_one:?}");
    assert_eq!(sqlite, on_postgres, "the columns stand in another order");
}

#[test]
fn both_databases_have_migrations_of_the_same_names() {
    let names = |folder: &str| -> BTreeSet<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(folder);
        std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    assert!(!names("sqlite").is_empty());
    assert_eq!(names("sqlite"), names("postgres"));
}

/// What the definitions of rows say a column may hold, as a CHECK says it.
fn wanted(book: &Book, table: &str, column: &ColumnOf) -> Option<String> {
    let name = column.name;
    if !column.of.words.is_empty() {
        return Some(one_of(name, column.of.words));
    }
    match (column.of.kind, column.least) {
        (Kind::Bool, _) if !book.is_postgres() => Some(format!("{name} IN (0, 1)")),
        // A leg is signed, and never nothing.
        _ if (table, name) == ("ledger_posting", "amount") => Some("amount <> 0".to_string()),
        (_, Some(least)) => Some(format!("{name} >= {least}")),
        _ => None,
    }
}

fn one_of(column: &str, words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    format!("{column} IN ({})", words.join(", "))
}

/// The CHECKs of a table, spelled alike for both databases.
fn checks_of(book: &mut Book, table: &str) -> Vec<String> {
    let plain = |check: &str| check.replace(" > 0", " >= 1");
    if book.is_postgres() {
        let sql = format!(
            "SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint \
             WHERE contype = 'c' AND conrelid = CAST('{table}' AS regclass)"
        );
        let checks = book.texts(&sql).into_iter().map(|check| {
            let check = check.replace("::text", "").replace(" NOT VALID", "");
            let check = check.replace("= ANY (ARRAY[", "IN (").replace("])", ")");
            let check = check.strip_prefix("CHECK ((").unwrap().strip_suffix("))").unwrap();
            // Of a list of one word it makes an equation.
            match check.split_once(" = '") {
                Some((column, word)) => format!("{column} IN ('{word})"),
                None => plain(check),
            }
        });
        return checks.collect();
    }
    let sql =
        format!("SELECT sql AS text FROM sqlite_schema WHERE type = 'table' AND name = '{table}'");
    let text = book.texts(&sql).pop().unwrap();
    text.split("CHECK (").skip(1).map(|rest| plain(before_closing(rest))).collect()
}

/// The text up to the parenthesis that was open before it.
fn before_closing(text: &str) -> &str {
    let mut open = 1;
    for (at, letter) in text.char_indices() {
        open += i32::from(letter == '(') - i32::from(letter == ')');
        if open == 0 {
            return &text[..at];
        }
    }
    panic!("no parenthesis closes {text}")
}

fn columns<R: Field>(table: &str) -> (String, Vec<ColumnOf>) {
    (table.to_string(), columns_of::<R>())
}

#[test]
fn tables_take_only_the_words_and_signs_of_the_definitions() {
    crate::support::on_each_database(|book| {
        let facts = consign::proof::FACTS.iter();
        let mut tables: Vec<(String, Vec<ColumnOf>)> =
            facts.map(|table| (table.real_name().to_string(), table.columns())).collect();
        tables.extend([
            columns::<Head>("book"),
            columns::<EventRow>("event"),
            columns::<TransactionRow>("ledger_transaction"),
            columns::<LegRow>("ledger_posting"),
            columns::<Assignee>("assignee"),
        ]);
        let mut missing = Vec::new();
        let mut want = |book: &mut Book, table: &str, check: String| {
            if !checks_of(book, table).contains(&check) {
                missing.push(format!("{table}: CHECK ({check})"));
            }
        };
        for (table, columns) in &tables {
            for column in columns {
                if let Some(check) = wanted(book, table, column) {
                    want(book, table, check);
                }
            }
        }
        want(book, "lender", one_of("language", Lang::WORDS));
        want(book, "person", one_of("language", Lang::WORDS));
        want(book, "person", one_of("status", Access::WORDS));
        missing.sort();
        missing.dedup();
        assert!(
            missing.is_empty(),
            "a migration has to add, in both folders:\n{}",
            missing.join("\n")
        );
    });
}

#[test]
fn text_sorts_by_its_bytes_on_postgresql_as_on_sqlite() {
    let Some(url) = postgres() else { return };
    let mut book = Book::on_postgres(&url);
    let otherwise = book.texts(
        "SELECT table_name || '.' || column_name AS text FROM information_schema.columns \
         WHERE table_schema = current_schema() AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'",
    );
    assert_eq!(otherwise, Vec::<String>::new(), "these columns lack COLLATE \"C\"");
}

#[test]
fn opening_a_database_twice_changes_nothing() {
    crate::support::on_each_database(|book| {
        book.set_up("CNY", &["A01"]);
        let before = book.state();
        drop(book.address.open().unwrap());
        assert_eq!(book.state(), before);
    });
}
