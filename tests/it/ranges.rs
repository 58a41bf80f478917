//! Figures at the edge of what a book keeps: refused with a message, never clamped, never a panic.

use consign::intake::Options;

use crate::support::{Book, all_to, assert_adds_up, flat_contract, on_each_database};

/// The largest amount a file may state.
const LARGEST: &str = "10000000000000.00";

fn accounts(from: usize, many: usize, balance: &str) -> String {
    let rows: String = (from..from + many).map(|no| format!("{no},{balance},40\n")).collect();
    format!("account_no,balance,days_past_due\n{rows}")
}

fn payments(from: usize, many: usize, day: &str, amount: &str) -> String {
    let rows: String =
        (from..from + many).map(|no| format!("p{no},{no},{day},{amount}\n")).collect();
    format!("reference,account_no,received_on,amount\n{rows}")
}

#[test]
fn files_whose_amounts_no_book_keeps_are_refused_whole() {
    on_each_database(|book| {
        book.set_up("CNY", &["A01"]);
        book.portfolio("2025-12-31", "account_no,balance,days_past_due\n1,1000.00,40\n");
        let before = book.state();
        let path = book.file("huge.csv", accounts(1, 9_400, LARGEST));
        let why = book.try_portfolio(&path, "2026-01-31", &Options::default()).unwrap_err();
        assert!(why.to_string().contains("9399999999999900000 minor units"), "{why}");
        assert!(why.to_string().contains("nothing was changed"), "{why}");
        let rows: String = (0..9_400).map(|no| format!("p{no},1,2026-01-05,{LARGEST}\n")).collect();
        let path =
            book.file("huge.csv", format!("reference,account_no,received_on,amount\n{rows}"));
        let why = book.try_recoveries(&path, &Options::default()).unwrap_err();
        assert!(
            why.to_string().contains("recovery:p")
                && why.to_string().contains("nothing was changed"),
            "{why}"
        );
        assert_eq!(book.state(), before);
        book.assert_proven();
    });
}

#[test]
fn a_declared_total_may_be_larger_than_one_amount() {
    on_each_database(|book| {
        book.set_up("CNY", &["A01"]);
        let path = book.file("large.csv", accounts(1, 3, LARGEST));
        let options = Options { expect_total: Some("30,000,000,000,000.00"), ..Options::default() };
        assert_eq!(book.try_portfolio(&path, "2026-01-31", &options).unwrap().totals.new, 3);
    });
}

/// A book that has moved nearly all it can: everything that reads it still answers, to the fen.
#[test]
fn a_book_near_its_bound_is_exact_and_takes_no_more() {
    on_each_database(|book| {
        book.set_up("CNY", &["A01", "A02"]);
        for agency in ["A01", "A02"] {
            book.publish(&flat_contract(agency, "100%", 60));
        }
        book.portfolio("2025-12-31", &accounts(1, 150, LARGEST));
        assert_eq!(book.allocate("2026-01-02", "A01"), 150);
        book.recoveries(&payments(1, 150, "2026-01-20", "5000000000000.00"));
        book.close("2026-01");
        let statement = book.statement("A01", "2026-01");
        assert_eq!(statement["commission"], "750000000000000.00");
        assert_adds_up(&statement, book.currency);
        // On the placements, the payments and their closing, the statement, and what is taken on now.
        book.portfolio("2026-02-28", &accounts(1_000, 540, LARGEST));
        book.assert_proven();
        let optimise = "name = \"best\"\nmethod = \"optimise\"\n[performance]\nhorizon_days = 30\n";
        for strategy in [optimise, "name = \"equal\"\nmethod = \"equal\"\n", &all_to("A02")] {
            let outcome = book.try_allocate(strategy, "2026-03-02", false);
            let told = outcome.map(|done| done.decision.placed()).map_err(|why| why.to_string());
            assert_eq!(told, Ok(540), "{strategy}");
        }
        let before = book.state();
        let why = book.try_allocate(&all_to("A02"), "2026-03-02", true).err().unwrap().to_string();
        assert!(why.contains("placed:") && why.contains("nothing was changed"), "{why}");
        let path = book.file("more.csv", accounts(2_000, 100, LARGEST));
        let why = book.try_portfolio(&path, "2026-03-01", &Options::default()).unwrap_err();
        assert!(why.to_string().contains("has moved in all"), "{why}");
        assert_eq!(book.state(), before);
        book.assert_proven();
    });
}

#[test]
fn what_no_amount_bounds_is_refused_where_it_is_worked_out() {
    on_each_database(|book| {
        // A charge of the largest amount for each of many accounts.
        book.set_up("CNY", &["A01"]);
        let charge = format!(
            "\n[[charge]]\nname = \"letter\"\nper = \"account_placed\"\namount = \"{LARGEST}\"\n"
        );
        book.publish(&(flat_contract("A01", "10%", 60) + &charge));
        book.portfolio("2025-12-31", &accounts(1, 1_001, "1.00"));
        assert_eq!(book.allocate("2026-01-02", "A01"), 1_001);
        let before = book.state();
        let why = book.try_close("2026-01").unwrap_err().to_string();
        assert!(
            why.contains("the charge \"letter\", 1001 accounts placed")
                && why.contains("nothing was changed"),
            "{why}"
        );
        assert_eq!(book.state(), before);
        // A fen placed that brought the largest payment lets too much be expected of everything like it.
        book.another_lender("CNY", &["A01"]);
        book.publish(&flat_contract("A01", "10%", 60));
        book.portfolio("2025-12-31", &accounts(1, 1, "0.01"));
        assert_eq!(book.allocate("2026-01-02", "A01"), 1);
        book.recoveries(&payments(1, 1, "2026-01-20", LARGEST));
        book.portfolio("2026-03-31", &accounts(1_000, 1, LARGEST));
        let asked = "name = \"all\"\nmethod = \"equal\"\n[performance]\nhorizon_days = 30\n";
        let why = book.try_allocate(asked, "2026-04-02", false).err().unwrap().to_string();
        assert!(
            why.contains("expected of stratum") && why.contains("nothing was changed"),
            "{why}"
        );
        book.assert_proven();
    });
}

/// What a new file may not say, though a number holds it; and the word that the refusal has.
#[test]
fn numbers_are_bounded_at_the_door() {
    let tiers = |bound: &str| {
        let steps = format!("[{{ up_to = \"{bound}\", rate = \"10%\" }}, {{ rate = \"20%\" }}]");
        format!(
            "tiers = {{ measure = \"recovery_rate\", over = \"batch\", apply = \"whole\", steps = {steps} }}"
        )
    };
    let mut book = Book::on_sqlite();
    book.set_up("CNY", &["A01"]);
    for bound in ["90000000000%", "1000.01%", "10.1", "99999999999999999999", "-1%"] {
        let contract = flat_contract("A01", "1%", 90).replace("rate = \"1%\"", &tiers(bound));
        let why = book.try_publish(&contract).unwrap_err().to_string();
        assert!(why.contains("1,000%") && why.contains("line"), "{bound}: {why}");
    }
    let contract = flat_contract("A01", "1%", 90).replace("rate = \"1%\"", &tiers("1000%"));
    assert_eq!(book.try_publish(&contract).unwrap().outcome, "published");
    for (key, says) in [
        ("term_days = 90", "term_days = 36501"),
        ("term_days = 90", "corrects = 9223372036854775807\nterm_days = 90"),
        ("rate = \"1%\"", "rate = \"100.01%\""),
        ("rate = \"1%\"", "rate = \"1%\"\nper_payment = { max = \"10000000000001\" }"),
    ] {
        let contract = flat_contract("A01", "1%", 90).replace(key, says);
        let why = book.try_publish(&contract).unwrap_err().to_string();
        assert!(why.contains("line"), "{says}: {why}");
    }
    for says in [
        "seed = -1",
        "[performance]\ncredibility = 1000000001",
        "[performance]\nhorizon_days = 36501",
        "[score]\nrecoveries = 1000001",
        "[score]\ntie_margin = \"99999999999999\"",
        "[conduct]\nmax_upheld_per_1000 = \"1000.1\"",
        "exploration = \"101%\"",
        "balance_bands = [\"10000000000001\"]",
    ] {
        let strategy = format!("name = \"s\"\nmethod = \"equal\"\n{says}\n");
        let why = book.try_allocate(&strategy, "2026-01-02", false).err().unwrap().to_string();
        assert!(why.contains("line"), "{says}: {why}");
    }
    let parties = "[[lender]]\ncode = \"CFC\"\nname = \"C\"\ncurrency = \"CNY\"\ntimezone = \"Asia/Shanghai\"\n\n\
        [[lender.assignee]]\ncode = \"A01\"\nname = \"A\"\nkind = \"agency\"\ncapacity = 1000000001\n";
    let by = crate::support::by();
    let why =
        consign::party::setup::set_up(&mut book.db, "parties.toml", parties, &by).unwrap_err();
    assert!(why.to_string().contains("capacity"), "{why}");
}
