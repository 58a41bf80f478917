//! One schema on both databases.

use std::collections::BTreeSet;
use std::path::Path;

use consign::db::schema_of;

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
