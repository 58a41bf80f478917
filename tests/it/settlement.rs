//! Months and their statements, worked out by hand.

use serde_json::Value;

use crate::support::{Book, assert_adds_up, assignee_toml, flat_contract, on_each_database};

/// `reference fee` of a statement's lines of a kind, in order.
fn lines(statement: &Value, kind: &str) -> Vec<String> {
    let of_kind = statement["lines"].as_array().unwrap().iter().filter(|line| line["kind"] == kind);
    of_kind
        .map(|line| {
            format!(
                "{} {}",
                line["reference"].as_str().unwrap_or("-"),
                line["fee"].as_str().unwrap()
            )
        })
        .collect()
}

fn placed(book: &mut Book, contract: &str) {
    book.set_up("CNY", &["A01", "A02"]);
    book.publish(contract);
    book.portfolio(
        "2025-12-31",
        "account_no,balance,days_past_due\n1,1000.00,40\n2,1000.00,40\n3,1000.00,95\n",
    );
    assert_eq!(book.allocate("2026-01-02", "A01"), 3);
}

#[test]
fn lines_are_priced_by_day_then_payments_before_reversals_then_reference() {
    let tiers = "tiers = { measure = \"recovered\", over = \"month\", apply = \"marginal\", steps = [{ up_to = \"100\", rate = \"10.5%\" }, { rate = \"20.5%\" }] }";
    let contract = flat_contract("A01", "1%", 90)
        .replace("rate = \"1%\"", tiers)
        .replace("term_days", "rounding = { at = \"line\" }\nterm_days");
    on_each_database(|book| {
        placed(book, &contract);
        book.recoveries(
            "reference,account_no,received_on,amount,kind,reverses\nb,2,2026-01-10,60.00,,\n0r,1,2026-01-10,5.00,reversal,c\na,1,2026-01-10,60.00,,\nc,1,2026-01-09,10.01,,\n",
        );
        book.close("2026-01");
        let statement = book.statement("A01", "2026-01");
        assert_adds_up(&statement, book.currency);
        let mut found = lines(&statement, "commission");
        found.sort();
        assert_eq!(found, ["0r -1.03", "a 6.30", "b 9.30", "c 1.05"]);
        assert_eq!(statement["commission"], "15.62");
        book.assert_proven();
    });
}

#[test]
fn a_payment_outside_every_window_belongs_to_the_house_and_earns_nothing() {
    let contract = flat_contract("A01", "10%", 30)
        .replace("term_days", "tail_days = 2\ngrace_days = 1\nterm_days");
    on_each_database(|book| {
        placed(book, &contract);
        // Placed 01-02, grace 01-02 and 01-03, runs out 01-31, tail 02-01 and 02-02.
        let days = [
            "2026-01-01",
            "2026-01-02",
            "2026-01-03",
            "2026-01-04",
            "2026-01-31",
            "2026-02-01",
            "2026-02-02",
            "2026-02-03",
        ];
        let rows: String = days.iter().map(|day| format!("p{day},1,{day},10.00\n")).collect();
        let done = book.recoveries(&format!("reference,account_no,received_on,amount\n{rows}"));
        assert_eq!((done.totals.attributed, done.totals.house.values().sum::<u64>()), (6, 2));
        book.close("2026-02");
        let statement = book.statement("A01", "2026-02");
        let earning: Vec<String> = lines(&statement, "commission")
            .into_iter()
            .filter(|line| !line.ends_with(" 0.00"))
            .collect();
        assert_eq!(
            earning,
            ["p2026-01-04 1.00", "p2026-01-31 1.00", "p2026-02-01 1.00", "p2026-02-02 1.00"]
        );
        book.assert_proven();
    });
}

#[test]
fn a_window_ends_the_day_before_the_next_placement_and_paid_does_not_shorten_it() {
    let contract =
        flat_contract("A01", "10%", 30).replace("term_days", "tail_days = 20\nterm_days");
    on_each_database(|book| {
        placed(book, &contract);
        book.publish(&contract.replace("A01", "A02").replace("10%", "50%"));
        book.recall(&["1"], "2026-01-10");
        assert_eq!(book.allocate("2026-01-15", "A02"), 1);
        book.recoveries(
            "reference,account_no,received_on,amount\nlast,1,2026-01-14,10.00\nnext,1,2026-01-15,10.00\npaid,2,2026-01-05,1000.00\nafter,2,2026-02-20,10.00\n",
        );
        book.close("2026-02");
        assert_eq!(
            lines(&book.statement("A01", "2026-02"), "commission"),
            ["paid 100.00", "last 1.00", "after 1.00"]
        );
        assert_eq!(lines(&book.statement("A02", "2026-02"), "commission"), ["next 5.00"]);
        book.assert_proven();
    });
}

#[test]
fn a_closed_month_refuses_new_placements() {
    on_each_database(|book| {
        placed(book, &flat_contract("A01", "10%", 30));
        book.recall(&["1"], "2026-01-10");
        book.close("2026-01");
        let before = book.state();
        let why = book
            .try_allocate(&crate::support::all_to("A01"), "2026-01-31", true)
            .err()
            .unwrap()
            .to_string();
        assert!(why.contains("2026-01-31") && why.contains("2026-02-01"), "{why}");
        let why = book.try_recall(&["2"], "2026-01-31").unwrap_err().to_string();
        assert!(why.contains("closed"), "{why}");
        assert_eq!(book.state(), before);
        assert_eq!(book.allocate("2026-02-01", "A01"), 3, "the two that ran out on 01-31 as well");
    });
}

#[test]
fn a_credit_is_carried_forward_or_due_as_the_contract_says() {
    on_each_database(|book| {
        for (credit, carried, due, next_payable) in [
            ("carry_forward", "-10.60", "0.00", "0.00"),
            ("due_from_agency", "0.00", "10.60", "5.30"),
        ] {
            book.another_lender("CNY", &["A01"]);
            let terms = format!("credit = \"{credit}\"\nvat = {{ rate = \"6%\" }}\nterm_days");
            book.publish(&flat_contract("A01", "10%", 90).replace("term_days", &terms));
            book.portfolio("2025-12-31", "account_no,balance,days_past_due\n1,1000.00,40\n");
            book.allocate("2026-01-02", "A01");
            book.recoveries("reference,account_no,received_on,amount\np,1,2026-01-10,100.00\n");
            book.close("2026-01");
            assert_eq!(book.statement("A01", "2026-01")["payable_to_agency"], "10.60");
            book.recoveries("reference,account_no,received_on,amount,kind,reverses\nr,1,2026-02-10,100.00,reversal,p\n");
            book.close("2026-02");
            let february = book.statement("A01", "2026-02");
            assert_eq!(february["total"], "-10.60");
            assert_eq!(
                (&february["carried_forward"], &february["due_from_agency"]),
                (&carried.into(), &due.into()),
                "{credit}"
            );
            assert_eq!(
                february["payable_to_agency"], "0.00",
                "a statement never pays a negative amount"
            );
            book.recoveries("reference,account_no,received_on,amount\nq,1,2026-03-10,50.00\n");
            book.close("2026-03");
            assert_eq!(
                book.statement("A01", "2026-03")["payable_to_agency"],
                next_payable,
                "{credit}"
            );
            book.assert_proven();
        }
    });
}

#[test]
fn lenders_in_one_database_never_see_one_another() {
    on_each_database(|book| {
        book.another_lender("CNY", &["A01"]);
        book.publish(&flat_contract("A01", "10%", 90));
        book.portfolio("2025-12-31", "account_no,balance,days_past_due\n1,1000.00,40\n");
        book.allocate("2026-01-02", "A01");
        let first = (book.lender.clone(), book.trial_balance());
        book.another_lender("JPY", &["A01"]);
        book.publish(&flat_contract("A01", "33%", 90));
        book.portfolio("2025-12-31", "account_no,balance,days_past_due\n1,777,95\n");
        book.allocate("2026-01-02", "A01");
        book.recoveries("reference,account_no,received_on,amount\np,1,2026-01-10,100\n");
        book.close("2026-01");
        assert_eq!(book.statement("A01", "2026-01")["commission"], "33");
        book.assert_proven();
        book.lender = first.0;
        assert_eq!(book.trial_balance(), first.1);
        assert_eq!(book.statements(), Vec::<String>::new());
        book.assert_proven();
    });
}

#[test]
fn a_run_dated_back_counts_who_held_accounts_then_and_keeps_debtors_with_them() {
    on_each_database(|book| {
        let limited =
            assignee_toml("A01").replace("kind = \"agency\"", "kind = \"agency\"\ncapacity = 2");
        book.set_up_parties("CNY", &format!("{limited}{}", assignee_toml("A02")));
        book.publish(&flat_contract("A01", "10%", 90));
        book.publish(&flat_contract("A02", "10%", 90));
        book.portfolio(
            "2025-12-31",
            "account_no,balance,days_past_due,debtor_ref\n1,10.00,40,D\n2,10.00,40,E\n3,10.00,40,D\n4,10.00,40,F\n",
        );
        assert_eq!(book.allocate("2026-01-10", "A01"), 2, "no more than its capacity");
        let held: Vec<String> =
            book.texts("SELECT account_no AS text FROM placement ORDER BY account_no");
        let held: Vec<&str> = held.iter().map(String::as_str).collect();
        book.recall(&held, "2026-01-20");
        assert_eq!(book.allocate("2026-01-15", "A01"), 0, "on that day its hands were full");
        let placed = book.allocate("2026-01-15", "A02");
        let split = "SELECT a.account_no AS text FROM placement a JOIN placement b ON b.account_no <> a.account_no AND b.assignee <> a.assignee \
                     WHERE a.account_no IN ('1', '3') AND b.account_no IN ('1', '3')";
        assert_eq!(
            book.texts(split),
            Vec::<String>::new(),
            "the accounts of D are never in two hands ({placed} placed)"
        );
        assert_eq!(
            book.allocate("2026-01-20", "A01"),
            2,
            "and free again on the day of the recall"
        );
        book.assert_proven();
    });
}

#[test]
fn a_waiver_never_goes_beyond_what_is_owed_however_its_file_is_cut() {
    on_each_database(|book| {
        placed(book, &flat_contract("A01", "10%", 90));
        let head = "reference,account_no,received_on,amount,kind\n";
        assert_eq!(book.recoveries(&format!("{head}w1,1,2026-01-10,1000.00,waiver\n")).accepted, 1);
        let path = book.file("waiver.csv", format!("{head}w2,1,2026-01-05,1000.00,waiver\n"));
        let again = book.try_recoveries(&path, &Default::default()).unwrap();
        assert_eq!((again.accepted, again.rejected), (0, 1));
        assert!(
            again.faults[0].reason.to_string().contains("more than what is owed"),
            "{:?}",
            again.faults
        );
        assert_eq!(book.balance("Liabilities:Overpaid"), 0);
        book.assert_proven();
    });
}

#[test]
fn another_simulation_does_not_keep_the_first_from_being_committed() {
    on_each_database(|book| {
        book.set_up("CNY", &["A01"]);
        book.publish(&flat_contract("A01", "10%", 90));
        book.portfolio("2025-12-31", "account_no,balance,days_past_due\n1,10.00,40\n");
        let first =
            book.try_allocate(&crate::support::all_to("A01"), "2026-01-02", false).unwrap().run_no;
        book.try_allocate(&crate::support::all_to("A01"), "2026-01-03", false).unwrap();
        assert_eq!(book.commit_run(first).unwrap().run_no, first);
        assert!(book.commit_run(first).is_err(), "once");
        book.assert_proven();
    });
}

#[test]
fn what_is_declared_of_a_file_is_checked_on_a_second_upload_too() {
    on_each_database(|book| {
        book.set_up("CNY", &["A01"]);
        let path = book.file("p.csv", "account_no,balance,days_past_due\n1,10.00,40\n");
        let with_total = |total: &'static str| consign::intake::Options {
            expect_total: Some(total),
            ..Default::default()
        };
        assert_eq!(
            book.try_portfolio(&path, "2025-12-31", &with_total("10.00")).unwrap().totals.new,
            1
        );
        assert!(
            book.try_portfolio(&path, "2025-12-31", &with_total("10.00")).unwrap().already_imported
        );
        let why =
            book.try_portfolio(&path, "2025-12-31", &with_total("11.00")).unwrap_err().to_string();
        assert!(why.contains("11.00") && why.contains("10.00"), "{why}");
    });
}
