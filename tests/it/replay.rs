//! Months worked out again, lines explained from their own group, and what a correction says of itself.

use consign::commission::gather::{CutOff, gather, group};
use consign::party::Lang;
use consign::settlement::build::before_corrections_were_named;
use consign::settlement::{self, LineKind};

use crate::support::{Book, flat_contract, month_of, on_each_database};

/// Two agencies, one paid by the batch and one by the month; three months with late money, reversals, an account that
/// changes hands, grace, and a correction of each contract.
fn lived_in(book: &mut Book) {
    book.set_up("CNY", &["A01", "A02"]);
    let tiers = |measure: &str, over: &str, steps: &str| {
        format!(
            "tiers = {{ measure = \"{measure}\", over = \"{over}\", apply = \"whole\", steps = [{steps}] }}"
        )
    };
    let batch =
        tiers("recovery_rate", "batch", "{ up_to = \"10%\", rate = \"10%\" }, { rate = \"20%\" }");
    let month =
        tiers("recovered", "month", "{ up_to = \"300\", rate = \"5%\" }, { rate = \"15%\" }");
    let a01 = flat_contract("A01", "1%", 60)
        .replace("rate = \"1%\"", &batch)
        .replace("term_days", "grace_days = 3\ntail_days = 5\nterm_days");
    let a02 = flat_contract("A02", "1%", 60).replace("rate = \"1%\"", &month);
    book.publish(&a01);
    book.publish(&a02);
    let rows: String = (1..=8).map(|no| format!("{no},{}.00,40\n", no * 250)).collect();
    book.portfolio("2025-12-31", &format!("account_no,balance,days_past_due\n{rows}"));
    assert_eq!(book.allocate("2026-01-02", "A01"), 8);
    book.recall(&["7", "8"], "2026-01-15");
    assert_eq!(book.allocate("2026-01-16", "A02"), 2);
    let head = "reference,account_no,received_on,amount,kind,reverses,channel,agency\n";
    book.recoveries(&format!(
        "{head}g,1,2026-01-04,20.00,,,,\na,1,2026-01-10,100.00,,,agency,A01\nb,2,2026-01-20,200.00,,,,\nc,7,2026-01-20,290.00,,,,\n"
    ));
    book.close("2026-01");
    book.recoveries(&format!(
        "{head}late,8,2026-01-25,50.00,,,,\nr,1,2026-02-03,60.00,reversal,a,,\nd,3,2026-02-10,700.00,,,,\ne,8,2026-02-11,500.00,,,,\n"
    ));
    book.close("2026-02");
    book.publish(
        &a01.replace("rate = \"20%\"", "rate = \"25%\"")
            .replace("term_days", "corrects = 1\nterm_days"),
    );
    book.publish(
        &a02.replace("rate = \"15%\"", "rate = \"12%\"")
            .replace("term_days", "corrects = 1\nterm_days"),
    );
    book.recoveries(&format!(
        "{head}f,7,2026-03-02,100.00,,,,\nr2,3,2026-03-05,700.00,reversal,d,,\n"
    ));
    book.close("2026-03");
}

#[test]
fn the_months_worked_out_one_after_the_other_are_the_ones_that_were_closed() {
    on_each_database(|book| {
        lived_in(book);
        book.assert_proven();
    });
}

#[test]
fn a_group_alone_is_the_group_of_the_whole_book() {
    on_each_database(|book| {
        lived_in(book);
        let lender = consign::party::store::lender(&mut book.db, "CFC").unwrap().unwrap();
        let versions = consign::contract::store::versions(&mut book.db, &lender).unwrap();
        for period in settlement::store::periods(&mut book.db, "CFC").unwrap() {
            let last_day = period.month.last_day();
            let cut_off = CutOff { seq: period.known_seq, last_day };
            let known = versions.known_at(cut_off.seq);
            let all = gather(&mut book.db, "CFC", &known, cut_off).unwrap();
            assert!(all.groups.len() > 1, "{}", period.month);
            for (key, whole) in &all.groups {
                let alone = group(&mut book.db, "CFC", &known, cut_off, key).unwrap().unwrap();
                assert_eq!((alone.placed, &alone.items), (whole.placed, &whole.items), "{key:?}");
            }
        }
    });
}

#[test]
fn true_ups_of_a_correction_say_which_version_corrects_which() {
    on_each_database(|book| {
        lived_in(book);
        let statement = settlement::store::find(&mut book.db, "CFC", "A02", month_of("2026-03"));
        let statement = statement.unwrap().unwrap();
        let true_ups: Vec<_> =
            statement.lines.iter().filter(|line| line.kind == LineKind::TrueUp).collect();
        assert_eq!(true_ups.len(), 4, "January's and February's group of each version");
        for line in true_ups {
            let note = line.note.as_ref().unwrap().to_string();
            assert!(note.ends_with(" (version 2 corrects version 1)"), "{note}");
            let plain = before_corrections_were_named(line).note.unwrap();
            assert_eq!(format!("{plain} (version 2 corrects version 1)"), note);
            for (t, says) in [
                (Lang::En, "Version 2 corrects version 1: placements from"),
                (Lang::Zh, "第 2 版更正第 1 版"),
            ] {
                let told = settlement::explain::explain(
                    &mut book.db,
                    t,
                    settlement::explain::Asker::Lender,
                    &statement.statement_no,
                    line.line_no,
                );
                let words = told.unwrap().words.join("\n");
                assert!(words.contains(says), "{words}");
            }
        }
        // A true-up for another reason speaks of no correction.
        let february = settlement::store::find(&mut book.db, "CFC", "A02", month_of("2026-02"));
        let notes: Vec<String> = february
            .unwrap()
            .unwrap()
            .lines
            .into_iter()
            .filter(|line| line.kind == LineKind::TrueUp)
            .filter_map(|line| line.note.map(|note| note.to_string()))
            .collect();
        assert!(
            !notes.is_empty() && notes.iter().all(|note| !note.contains("version 2")),
            "{notes:?}"
        );
    });
}
