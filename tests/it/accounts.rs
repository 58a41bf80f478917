//! Accounts: holds that keep them from being placed, and personal data that never lies open.

use consign::intake::Options;
use consign::portfolio::personal::Key;

use crate::support::{Book, flat_contract, on_each_database};

fn held_by(book: &mut Book) -> Vec<String> {
    let lender = book.lender.clone();
    book.texts(&format!(
        "SELECT account_no AS text FROM placement WHERE lender = '{lender}' ORDER BY account_no"
    ))
}

#[test]
fn a_held_account_is_not_placed_until_the_file_empties_its_cell() {
    on_each_database(|book| {
        book.set_up("CNY", &["A01"]);
        book.publish(&flat_contract("A01", "20%", 90));
        let head = "account_no,balance,days_past_due,debtor_ref,hold\n";
        book.portfolio(
            "2025-12-31",
            &format!("{head}1,10.00,40,d1,dispute\n2,10.00,40,d2,deceased\n3,10.00,40,d2,\n4,10.00,40,d4,\n"),
        );
        assert_eq!(book.allocate("2026-01-02", "A01"), 1);
        assert_eq!(held_by(book), ["4"], "a death holds all of the debtor's accounts");
        book.recoveries("reference,account_no,received_on,amount\np,1,2026-01-03,5.00\n");
        book.portfolio("2026-01-05", &format!("{head}1,5.00,45,d1,\n2,10.00,45,d2,deceased\n"));
        assert_eq!(book.allocate("2026-01-06", "A01"), 1);
        assert_eq!(held_by(book), ["1", "4"]);
        book.assert_proven();
    });
}

#[test]
fn an_account_that_owes_nothing_or_is_current_is_not_placed() {
    on_each_database(|book| {
        book.set_up("CNY", &["A01"]);
        book.publish(&flat_contract("A01", "20%", 90));
        book.portfolio(
            "2025-12-31",
            "account_no,balance,days_past_due\n1,0,40\n2,10.00,0\n3,10.00,1\n",
        );
        assert_eq!(book.allocate("2026-01-02", "A01"), 1);
        assert_eq!(held_by(book), ["3"]);
    });
}

#[test]
fn personal_data_is_nowhere_in_clear_text() {
    on_each_database(|book| {
        book.set_up("CNY", &["A01"]);
        let text = "account_no,balance,days_past_due,debtor_name,id_number,phone,address\n1,10.00,40,张伟国,310101199001011234,13812345678,延安路99号\n";
        let path = book.file("people.csv", text);
        let before = book.state();
        let why =
            book.try_portfolio(&path, "2026-01-01", &Options::default()).unwrap_err().to_string();
        assert!(why.contains("CONSIGN_KEY"), "{why}");
        assert_eq!(book.state(), before, "without a key nothing is taken in");
        let key = Key::of("a secret of this test");
        let done = book.try_people(&path, "2026-01-01", &key).unwrap();
        assert_eq!((done.totals.new, done.rejected), (1, 0));
        for (table, column) in [("portfolio_row", "personal"), ("event", "summary")] {
            for stored in book.texts(&format!("SELECT COALESCE({column}, '') AS text FROM {table}"))
            {
                for secret in ["张伟国", "310101199001011234", "13812345678", "延安路"] {
                    assert!(!stored.contains(secret), "{table}.{column} shows {secret}: {stored}");
                }
            }
        }
        let sealed = book.texts("SELECT personal AS text FROM portfolio_row").remove(0);
        assert_eq!(key.open(&sealed).unwrap()[0].as_deref(), Some("张伟国"));
        let another = Key::of("another secret");
        assert!(another.open(&sealed).is_none());
        let before = book.state();
        let later = book
            .file("later.csv", "account_no,balance,days_past_due,phone\n2,10.00,40,13900000000\n");
        let why = book.try_people(&later, "2026-01-02", &another).unwrap_err();
        assert!(why.to_string().contains("does not open"), "{why}");
        assert_eq!(book.state(), before, "with another key nothing is taken in");
        if let consign::db::Address::Sqlite(file) = &book.address {
            for file in [file.clone(), format!("{file}-wal")] {
                let bytes = std::fs::read(&file).unwrap_or_default();
                assert!(
                    !bytes.windows(11).any(|window| window == b"13812345678"),
                    "{file} holds a phone number"
                );
            }
        }
    });
}
