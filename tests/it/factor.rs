//! The performance factor: statements worked out by hand, by rank and by index, in both roundings, beside minimum, maximum
//! and tax; and proven again after the book has moved on.

use consign::conduct::Severity;
use consign::conduct::complaint::{self, NewComplaint, NewDecision};
use serde_json::Value;

use crate::support::{Book, all_to, assert_adds_up, by, day, on_each_database};

const BY_RANK: &str = "[performance_factor]\nby = \"rank\"\nsteps = [ { up_to = \"1\", factor = \"1.01\" }, { factor = \"0.99\" } ]\n";

fn contract(agency: &str, head: &str, factor: &str) -> String {
    format!(
        "code = \"K-{agency}\"\nagency = \"{agency}\"\neffective_from = 2026-01-01\nterm_days = 60\n{head}\n[[fee]]\nname = \"all\"\nrate = \"20%\"\n\n{factor}"
    )
}

fn judged(credibility: i64) -> String {
    format!("\n[performance]\nhorizon_days = 10\ncredibility = {credibility}\n")
}

/// One account of 1,000.00 each with A01 and A02 from 5 January; A01 recovers 502.50, A02 102.50: 100.50 and 20.50 of
/// commission. Judged on 31 January the pooled rate is 605 ÷ 2,000, each is expected to recover 302.50.
fn january(book: &mut Book, head: &str, factor: &str) {
    book.another_lender("CNY", &["A01", "A02", "A03"]);
    for agency in ["A01", "A02", "A03"] {
        book.publish(&contract(agency, head, factor));
    }
    book.portfolio("2026-01-01", "account_no,balance,days_past_due\n1,1000.00,45\n");
    assert_eq!(book.allocate("2026-01-05", "A01"), 1);
    book.portfolio("2026-01-01", "account_no,balance,days_past_due\n2,1000.00,45\n");
    assert_eq!(book.allocate("2026-01-05", "A02"), 1);
    book.recoveries(
        "reference,account_no,received_on,amount\np1,1,2026-01-10,502.50\np2,2,2026-01-14,102.50\n",
    );
}

fn lines_of(statement: &Value, kind: &str) -> Vec<Value> {
    statement["lines"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line["kind"] == kind)
        .cloned()
        .collect()
}

/// Figures of a statement, named.
fn figures(book: &mut Book, agency: &str, month: &str, names: &[&str]) -> Vec<String> {
    let statement = book.statement(agency, month);
    assert_adds_up(&statement, book.currency);
    names.iter().map(|name| statement[*name].as_str().unwrap().to_string()).collect()
}

#[test]
fn a_factor_by_rank_is_one_line_in_the_rounding_of_the_contract() {
    on_each_database(|book| {
        // A01 ranks first, A02, expected as much, after it: 100.50 × 0.01 = 1.005 and 20.50 × −0.01 = −0.205, both at
        // the half of a fen. A03 without a placement stands between them and earns nothing.
        for (mode, first, second) in [("half_up", "1.01", "-0.21"), ("half_even", "1.00", "-0.20")]
        {
            let rounding = format!("rounding = {{ mode = \"{mode}\" }}\n");
            january(book, &rounding, &format!("{BY_RANK}{}", judged(0)));
            book.close("2026-01");
            let names = ["commission", "performance", "net"];
            let net = |commission: i64, performance: &str| {
                let fen = performance.replace('.', "").parse::<i64>().unwrap() + commission;
                format!("{}.{:02}", fen / 100, fen % 100)
            };
            assert_eq!(
                figures(book, "A01", "2026-01", &names),
                ["100.50", first, &net(10_050, first)],
                "{mode}"
            );
            assert_eq!(
                figures(book, "A02", "2026-01", &names),
                ["20.50", second, &net(2_050, second)],
                "{mode}"
            );
            assert_eq!(figures(book, "A03", "2026-01", &names), ["0.00", "0.00", "0.00"], "{mode}");
            let statement = book.statement("A02", "2026-01");
            let lines = lines_of(&statement, "performance");
            assert_eq!(lines.len(), 1, "{statement}");
            assert_eq!((&lines[0]["amount"], &lines[0]["fee"]), (&"20.50".into(), &second.into()));
            assert!(lines[0]["note"].as_str().unwrap().contains("rank 3 of 3"), "{}", lines[0]);
            book.assert_proven();
        }
    });
}

#[test]
fn a_factor_by_index_takes_the_shrunk_one_and_a_bound_belongs_to_its_step() {
    on_each_database(|book| {
        // With K = 1 and one placement each Z is a half. A01: 502.50 ÷ 302.50 = 1.661157, shrunk 1.330579; A02:
        // 102.50 ÷ 302.50 = 0.338843, shrunk 0.669421. A03, new, stands at 1.
        let steps = |bound: &str| {
            format!(
                "[performance_factor]\nby = \"index\"\nsteps = [ {{ up_to = \"0.5\", factor = \"0\" }}, {{ up_to = \"1\", factor = \"0.95\" }}, \
                 {{ up_to = \"{bound}\", factor = \"1.05\" }}, {{ factor = \"2\" }} ]\n{}",
                judged(1)
            )
        };
        // 100.50 × 0.05 = 5.025; 20.50 × −0.05 = −1.025.
        january(book, "rounding = { mode = \"half_even\" }\n", &steps("1.330579"));
        book.close("2026-01");
        assert_eq!(figures(book, "A01", "2026-01", &["performance"]), ["5.02"]);
        assert_eq!(figures(book, "A02", "2026-01", &["performance"]), ["-1.02"]);
        let note = lines_of(&book.statement("A01", "2026-01"), "performance")[0]["note"].clone();
        assert!(note.as_str().unwrap().contains("1.330579"), "{note}");
        book.assert_proven();
        january(book, "", &steps("1.330578"));
        book.close("2026-01");
        assert_eq!(
            figures(book, "A01", "2026-01", &["performance"]),
            ["100.50"],
            "twice the commission"
        );
        assert_eq!(figures(book, "A02", "2026-01", &["performance"]), ["-1.03"]);
        book.assert_proven();
    });
}

#[test]
fn minimum_and_maximum_come_after_the_factor_and_tax_after_all() {
    on_each_database(|book| {
        // A01: 100.50 + 1.01 = 101.51, cut to 101.00 by −0.51; 6 % of it 6.06. A02: 20.50 − 0.21 = 20.29, raised to
        // 25.00 by 4.71; 1.50. A03 has nothing: 25.00 for being there.
        let head = "minimum_per_statement = \"25.00\"\nmaximum_per_statement = \"101.00\"\nvat = { rate = \"6%\", prices = \"exclusive\" }\n";
        january(book, head, &format!("{BY_RANK}{}", judged(0)));
        book.close("2026-01");
        let names = ["commission", "performance", "minimum", "maximum", "net", "vat", "total"];
        let expected = [
            ("A01", ["100.50", "1.01", "0.00", "-0.51", "101.00", "6.06", "107.06"]),
            ("A02", ["20.50", "-0.21", "4.71", "0.00", "25.00", "1.50", "26.50"]),
            ("A03", ["0.00", "0.00", "25.00", "0.00", "25.00", "1.50", "26.50"]),
        ];
        for (agency, figures_of) in expected {
            assert_eq!(figures(book, agency, "2026-01", &names), figures_of, "{agency}");
            let kinds: Vec<String> = book.statement(agency, "2026-01")["lines"]
                .as_array()
                .unwrap()
                .iter()
                .map(|line| line["kind"].as_str().unwrap().to_string())
                .collect();
            let place = |kind: &str| kinds.iter().position(|one| one == kind);
            assert!(place("performance") < place("minimum").or(place("maximum")), "{kinds:?}");
        }
        book.assert_proven();
    });
}

#[test]
fn an_agency_that_nobody_can_judge_yet_stands_where_a_new_one_does() {
    on_each_database(|book| {
        january(book, "", &format!("{BY_RANK}{}", judged(0)));
        // Placed on the 25th, its horizon ends in February: index 1, between 1.66 and 0.34, the second of three.
        book.portfolio("2026-01-20", "account_no,balance,days_past_due\n3,1000.00,45\n");
        assert_eq!(book.allocate("2026-01-25", "A03"), 1);
        book.recoveries("reference,account_no,received_on,amount\np3,3,2026-01-28,900.00\n");
        book.close("2026-01");
        assert_eq!(
            figures(book, "A03", "2026-01", &["commission", "performance"]),
            ["180.00", "-1.80"]
        );
        let statement = book.statement("A03", "2026-01");
        let note = lines_of(&statement, "performance")[0]["note"].clone();
        assert!(note.as_str().unwrap().contains("rank 2 of 3"), "{note}");
        let words = consign::settlement::explain::explain(
            &mut book.db,
            consign::party::Lang::En,
            consign::settlement::explain::Asker::Lender,
            statement["statement_no"].as_str().unwrap(),
            lines_of(&statement, "performance")[0]["line_no"].as_i64().unwrap(),
        )
        .unwrap()
        .words
        .join(" ");
        assert!(words.contains("rank 2 of 3") && words.contains("180.00"), "{words}");
        book.assert_proven();
    });
}

#[test]
fn a_closed_statement_recomputes_whatever_becomes_known_of_the_scorecard_later() {
    on_each_database(|book| {
        january(book, "", &format!("{BY_RANK}{}", judged(0)));
        book.close("2026-01");
        let issued = book.statements();
        book.assert_proven();
        // Late facts of January that would turn the ranks round: a payment of A02, a reversal of A01's, an upheld
        // complaint about A01, a recall, and a version with other steps.
        book.recoveries(
            "reference,account_no,received_on,amount,kind,reverses\nq2,2,2026-01-13,800.00,,\nr1,1,2026-01-12,500.00,reversal,p1\n",
        );
        let new = NewComplaint {
            agency: "A01".to_string(),
            account_no: None,
            received_on: day("2026-01-20"),
            severity: Severity::High,
            text: "threats".to_string(),
            reference: Some("C-1".to_string()),
            allow_future: false,
        };
        complaint::add(&mut book.db, &book.lender, &new, &by()).unwrap();
        let upheld = NewDecision {
            reference: "C-1".to_string(),
            upheld: true,
            on: day("2026-02-02"),
            text: "heard".to_string(),
            deduction: None,
            corrects: None,
        };
        complaint::decide(&mut book.db, &book.lender, &upheld, &by()).unwrap();
        let steps = BY_RANK.replace("1.01", "1.50").replace("0.99", "0.50");
        book.publish(
            &contract("A01", "", &format!("{steps}{}", judged(0)))
                .replace("2026-01-01", "2026-02-01"),
        );
        book.recall(&["1"], "2026-02-10");
        assert_eq!(book.statements(), issued);
        book.assert_proven();

        // What came late is January's, and so is its factor: A02 has earned 180.50 × −0.01 = −1.805, of which −0.21 is
        // settled; A01 is left with 0.50 × 0.01 = 0.005 of the 1.01 it had. February's steps price nothing of it.
        book.close("2026-02");
        assert_eq!(
            figures(book, "A02", "2026-02", &["commission", "performance"]),
            ["160.00", "-1.60"]
        );
        assert_eq!(
            figures(book, "A01", "2026-02", &["commission", "performance"]),
            ["-100.00", "-1.00"]
        );
        assert_eq!(book.statements()[..3], issued);
        book.assert_proven();
        // And again after March, when everything has left the hands of both.
        assert_eq!(
            book.try_allocate(&all_to("A03"), "2026-03-20", true).unwrap().decision.placed(),
            2
        );
        book.close("2026-03");
        book.assert_proven();
    });
}
