//! The scorecard: a book worked out by hand, the edges of window and horizon, laws of every history, and conduct beside money.

use std::collections::{BTreeMap, BTreeSet};

use consign::allocation::deal::Fate;
use consign::conduct::Severity;
use consign::conduct::complaint::{self, NewComplaint, NewDecision};
use consign::conduct::evaluation::{self, NewEvaluation};
use consign::contract;
use consign::contract::factor::Parameters;
use consign::kernel::Money;
use consign::party;
use consign::performance::grouping::Grouping;
use consign::performance::history::{History, Judged};
use consign::performance::measure::{ScorecardQuery, scorecard_on};
use consign::performance::scorecard::{Ground, Points, Row, scorecard, tie_groups};
use proptest::prelude::*;
use proptest::test_runner::Config;
use rust_decimal::Decimal;

use crate::support::{Book, by, day, on_each_database};

/// The scorecard of a day, strata by bucket.
fn card_known(
    book: &mut Book,
    on: &str,
    parameters: Parameters,
    known_seq: i64,
) -> BTreeMap<String, Row> {
    let lender = party::store::lender(&mut book.db, &book.lender).unwrap().unwrap();
    let versions = contract::store::versions(&mut book.db, &lender).unwrap();
    let grouping = Grouping::by_bucket(lender.currency);
    let asked = ScorecardQuery {
        lender: &lender.code,
        on: day(on),
        parameters,
        grouping: &grouping,
        known_seq,
    };
    let (rows, _) =
        scorecard_on(&mut book.db, &asked, &versions, &Points::default(), BTreeMap::new()).unwrap();
    rows.into_iter().map(|row| (row.assignee.clone(), row)).collect()
}

fn card(book: &mut Book, on: &str, parameters: Parameters) -> BTreeMap<String, Row> {
    card_known(book, on, parameters, i64::MAX)
}

/// Places the accounts of one product with one assignee.
fn place(book: &mut Book, on: &str, to: &str, product: &str, accounts: usize) {
    let strategy = format!(
        "name = \"by hand\"\nmethod = \"fixed\"\nfilter = {{ product = [\"{product}\"] }}\n\n[[assignee]]\ncode = \"{to}\"\nshare = \"100%\"\n"
    );
    let done = book.try_allocate(&strategy, on, true).unwrap();
    assert_eq!(done.decision.placed(), accounts, "{product} to {to} on {on}");
}

const PARAMETERS: Parameters = Parameters { window_months: 6, horizon_days: 30, credibility: 10 };

/// The window of 2026-07-01 begins on 2026-01-01; a placement is judged that began by 2026-06-01.
fn by_hand(book: &mut Book) {
    book.set_up("CNY", &["A01", "A02", "A03", "T01"]);
    for code in ["A01", "A02", "A03", "T01"] {
        book.publish(&format!(
            "code = \"K-{code}\"\nagency = \"{code}\"\neffective_from = 2025-12-01\nterm_days = 300\ntail_days = 10\n\n[[fee]]\nname = \"all\"\nrate = \"20%\"\n"
        ));
    }
    book.portfolio(
        "2025-12-30",
        "account_no,balance,days_past_due,product\n1,1000.00,45,p1\n2,3000.00,45,p2\n3,2000.00,45,p3\n4,4070.00,45,p4\n\
         5,9000.00,45,p5\n6,9000.00,45,p6\n7,5000.00,100,p7\n8,5000.00,100,p8\n",
    );
    place(book, "2025-12-31", "A01", "p5", 1);
    place(book, "2026-01-01", "A01", "p1", 1);
    place(book, "2026-01-01", "A02", "p3", 1);
    place(book, "2026-02-01", "T01", "p7", 1);
    place(book, "2026-02-01", "A01", "p8", 1);
    book.recall(&["8"], "2026-02-12");
    // Paid to the house before account 4 is placed: its balance is 4,000.00 then.
    book.recoveries("reference,account_no,received_on,amount\nh4,4,2026-05-20,70.00\n");
    place(book, "2026-06-01", "A01", "p2", 1);
    place(book, "2026-06-01", "A02", "p4", 1);
    place(book, "2026-06-02", "A02", "p6", 1);
    book.recoveries(
        "reference,account_no,received_on,amount,kind,reverses\n\
         a,1,2026-01-30,100.00,,\n\
         b,1,2026-01-31,50.00,,\n\
         w,1,2026-01-15,20.00,waiver,\n\
         c,2,2026-06-01,300.00,,\n\
         d,2,2026-06-10,100.00,,\n\
         dr,2,2026-06-20,100.00,reversal,d\n\
         e,3,2026-01-10,400.00,,\n\
         er,3,2026-02-15,150.00,reversal,e\n\
         f,5,2026-01-05,5000.00,,\n\
         g,6,2026-06-05,5000.00,,\n\
         i,7,2026-02-20,1000.00,,\n\
         j,8,2026-02-10,500.00,,\n\
         k,8,2026-02-20,250.00,,\n\
         l,8,2026-02-28,80.00,,\n",
    );
}

fn shown(row: &Row) -> [String; 9] {
    [
        row.sums.placements.to_string(),
        row.sums.balance.0.to_string(),
        row.sums.recovered.0.to_string(),
        row.expected.normalize().to_string(),
        row.index.to_string(),
        row.credibility.to_string(),
        row.shrunk_index.to_string(),
        row.score.to_string(),
        row.rank.to_string(),
    ]
}

#[test]
fn a_scorecard_worked_out_by_hand() {
    on_each_database(|book| {
        by_hand(book);
        let rows = card(book, "2026-07-01", PARAMETERS);
        // M2: A01 had 1 and 2, 4,000.00, and recovered 100.00 + 300.00: b came on the 31st day, w forgave, d was taken
        // back within the horizon. A02 had 3 and 4, 6,000.00, and recovered 400.00: e was taken back after the horizon,
        // h4 belongs to the house. Pooled 800.00 ÷ 10,000.00 = 8 %.
        // M4: A01 had 8, 5,000.00, and recovered 500.00 + 250.00 in the tail; l came after it. T01 had 7, 5,000.00, and
        // recovered 1,000.00. Pooled 1,750.00 ÷ 10,000.00 = 17.5 %.
        // A01 expects 4,000 × 8 % + 5,000 × 17.5 % = 1,195.00; 1,150 ÷ 1,195 = 0.962343; Z = 3 ÷ 13 = 0.230769;
        // 1 − 0.230769 × 0.037657 = 0.991310. Served 3 of an expected 2 × 3/4 + 1 × 2/2 = 2.5: 1.2, shrunk 1.046154.
        // A02 expects 6,000 × 8 % = 480.00; 400 ÷ 480 = 0.833333; Z = 2 ÷ 12; 1 − 1/6 × 1/6 = 0.972222. Served 1 of
        // 2 × 3/4 = 1.5: 0.666667, shrunk 1 − 1/6 × 1/3 = 0.944444.
        // T01 expects 5,000 × 17.5 % = 875.00; 1,000 ÷ 875 = 1.142857; Z = 1 ÷ 11; 1 + 1/11 × 1/7 = 1.012987. Served 1.
        // Points: 70 × 0.991310 ÷ 1.012987 + 20 + 10 = 98.50; 70 × 0.972222 ÷ 1.012987 + 20 × 0.944444 ÷ 1.046154 + 10
        // = 95.24; 70 + 20 × 1 ÷ 1.046154 + 10 = 99.12; A03, new, 70 × 1 ÷ 1.012987 + 19.12 + 10 = 98.22.
        // 98.50 is 0.62 from the best and 98.22 only 0.28 from 98.50: those two tie for the second place.
        let expected = [
            (
                "A01",
                [
                    "3", "900000", "115000", "119500", "0.962343", "0.230769", "0.991310", "98.50",
                    "2",
                ],
            ),
            (
                "A02",
                ["2", "600000", "40000", "48000", "0.833333", "0.166667", "0.972222", "95.24", "4"],
            ),
            ("A03", ["0", "0", "0", "0", "1.000000", "0.000000", "1.000000", "98.22", "2"]),
            (
                "T01",
                [
                    "1", "500000", "100000", "87500", "1.142857", "0.090909", "1.012987", "99.12",
                    "1",
                ],
            ),
        ];
        assert_eq!(rows.len(), expected.len());
        for (code, figures) in expected {
            assert_eq!(shown(&rows[code]), figures.map(str::to_string), "{code}");
        }
        let served: Vec<(i64, String)> =
            rows.values().map(|row| (row.sums.served, row.served_index.to_string())).collect();
        let expected = [(3, "1.046154"), (1, "0.944444"), (0, "1.000000"), (1, "1.000000")];
        assert_eq!(served, expected.map(|(count, index)| (count, index.to_string())));
        // What stands beside money counts every placement begun in the window, judged or not.
        assert_eq!(
            rows.values().map(|row| row.beside.placements).collect::<Vec<_>>(),
            [3, 3, 0, 1]
        );
        book.assert_proven();
    });
}

#[test]
fn window_and_horizon_end_on_their_days() {
    on_each_database(|book| {
        by_hand(book);
        let placements = |book: &mut Book, on: &str| -> Vec<(String, i64, i64)> {
            let rows = card(book, on, PARAMETERS);
            rows.into_values()
                .map(|row| (row.assignee, row.sums.placements, row.sums.recovered.0))
                .collect()
        };
        let row =
            |code: &str, placements: i64, recovered: i64| (code.to_string(), placements, recovered);
        // A day earlier account 5 is in the window and 2 and 4 are not judged; f is within its horizon.
        assert_eq!(
            placements(book, "2026-06-30"),
            [
                row("A01", 3, 585_000),
                row("A02", 1, 40_000),
                row("A03", 0, 0),
                row("T01", 1, 100_000)
            ]
        );
        // A day later accounts 1 and 3 have left the window, and 6 is judged.
        assert_eq!(
            placements(book, "2026-07-02"),
            [
                row("A01", 2, 105_000),
                row("A02", 2, 500_000),
                row("A03", 0, 0),
                row("T01", 1, 100_000)
            ]
        );
        // A horizon one day longer lets b in; the reversal of e comes on the 46th day.
        let horizon =
            |days: i64| Parameters { horizon_days: days, window_months: 12, ..PARAMETERS };
        let recovered = |book: &mut Book, days: i64, code: &str| {
            card(book, "2026-12-01", horizon(days))[code].sums.recovered.0
        };
        assert_eq!(recovered(book, 30, "A01"), 115_000 + 500_000);
        assert_eq!(recovered(book, 31, "A01"), 120_000 + 500_000);
        assert_eq!(
            (recovered(book, 45, "A02"), recovered(book, 46, "A02")),
            (40_000 + 500_000, 25_000 + 500_000)
        );
    });
}

#[test]
fn a_scorecard_knows_what_the_book_knew() {
    on_each_database(|book| {
        by_hand(book);
        let seq = consign::audit::book(&mut book.db, &book.lender).unwrap().seq;
        let before = card_known(book, "2026-07-01", PARAMETERS, seq);
        book.recoveries(
            "reference,account_no,received_on,amount,kind,reverses\nx,1,2026-01-20,500.00,,\ny,3,2026-01-20,400.00,reversal,e\n"
                .replace("400.00", "100.00")
                .as_str(),
        );
        book.recall(&["2", "4"], "2026-06-20");
        assert_eq!(card_known(book, "2026-07-01", PARAMETERS, seq), before);
        assert_ne!(card(book, "2026-07-01", PARAMETERS), before);
    });
}

// Laws -------------------------------------------------------------------------------------------------------------------

/// Group, bucket, assignee, balance, share of it recovered in percent.
type Placed = (usize, usize, usize, i64, i64);

fn placed() -> impl Strategy<Value = Vec<Placed>> {
    prop::collection::vec(
        (
            0_usize..4,
            0_usize..2,
            0_usize..4,
            1_i64..10_000_000,
            prop_oneof![Just(0_i64), 1_i64..=100],
        ),
        1..40,
    )
}

fn history_of(placed: &[Placed], times: i64, name: impl Fn(usize, &Placed) -> String) -> History {
    let mut history = History::default();
    for (i, one) in placed.iter().enumerate() {
        let (group, bucket, _, balance, percent) = one;
        let judged = Judged {
            balance: Money(balance * times),
            recovered: Money(balance * percent / 100 * times),
        };
        history.add(&format!("g{group}"), &format!("M{bucket}"), &name(i, one), judged);
    }
    history
}

fn named(_: usize, one: &Placed) -> String {
    format!("A{}", one.2)
}

fn rows_of(history: &History, k: i64) -> Vec<Row> {
    scorecard(history, k, &Points::default(), &Ground::default())
}

proptest! {
    #![proptest_config(Config { cases: 400, failure_persistence: None, ..Config::default() })]

    #[test]
    fn what_is_expected_of_all_is_what_all_recovered(placed in placed(), k in 0_i64..1000) {
        let history = history_of(&placed, 1, named);
        let rows = rows_of(&history, k);
        let (expected, recovered): (Decimal, i64) = (rows.iter().map(|row| row.expected).sum(), rows.iter().map(|row| row.sums.recovered.0).sum());
        prop_assert!((expected - Decimal::from(recovered)).abs() < Decimal::new(1, 6), "{} expected, {} recovered", expected, recovered);
        prop_assert_eq!(rows.iter().map(|row| row.sums.placements).sum::<i64>(), placed.len() as i64);
        for row in &rows {
            // Shrinking never leaves the stretch between the index and 1, and credibility grows with placements.
            let (low, high) = (row.index.min(Decimal::ONE), row.index.max(Decimal::ONE));
            let margin = Decimal::new(1, 6);
            prop_assert!(row.shrunk_index >= low - margin && row.shrunk_index <= high + margin, "{:?}", row);
            prop_assert!(k > 0 || (row.credibility == Decimal::ONE && row.shrunk_index == row.index));
            for other in &rows {
                prop_assert!(row.sums.placements < other.sums.placements || row.credibility >= other.credibility);
            }
        }
    }

    #[test]
    fn more_money_everywhere_changes_no_index(placed in placed(), times in 2_i64..1000, k in 0_i64..1000) {
        let (one, other) = (rows_of(&history_of(&placed, 1, named), k), rows_of(&history_of(&placed, times, named), k));
        for (one, other) in one.iter().zip(&other) {
            prop_assert_eq!((one.index, one.shrunk_index, one.served_index, one.score, one.rank), (other.index, other.shrunk_index, other.served_index, other.score, other.rank));
            prop_assert_eq!(one.sums.recovered.0 * times, other.sums.recovered.0);
        }
    }

    #[test]
    fn two_equal_halves_of_a_history_have_its_index_each(placed in placed()) {
        // Everything happens twice: to one assignee, or once to each of two.
        let twice: Vec<Placed> = placed.iter().chain(&placed).copied().collect();
        let half = |i: usize, one: &Placed| format!("A{}{}", one.2, if i < placed.len() { "x" } else { "y" });
        let (whole, halves) = (rows_of(&history_of(&twice, 1, named), 0), rows_of(&history_of(&twice, 1, half), 0));
        for row in &whole {
            let own: Vec<&Row> = halves.iter().filter(|half| half.assignee[..2] == row.assignee).collect();
            prop_assert_eq!(own.len(), 2);
            for half in own {
                prop_assert_eq!((half.index, half.served_index), (row.index, row.served_index));
                prop_assert_eq!(half.sums.balance.0 * 2, row.sums.balance.0);
            }
        }
    }

    #[test]
    fn who_is_alone_in_its_strata_is_as_good_as_expected(placed in placed()) {
        let alone: Vec<Placed> = placed.into_iter().map(|(group, bucket, _, balance, percent)| (group, bucket, group, balance, percent)).collect();
        for row in rows_of(&history_of(&alone, 1, named), 0) {
            prop_assert_eq!(row.index.to_string(), "1.000000");
        }
    }

    #[test]
    fn ranks_follow_scores_and_nobody_has_more_points_than_there_are(placed in placed(), k in 0_i64..100) {
        let rows = rows_of(&history_of(&placed, 1, named), k);
        let full = [Decimal::from(70), Decimal::from(20), Decimal::from(10)];
        for (measure, full) in full.iter().enumerate() {
            prop_assert_eq!(rows.iter().map(|row| row.points[measure]).max(), Some(*full), "the best has all points");
        }
        for row in &rows {
            let better = rows.iter().filter(|other| other.rank < row.rank).count() as i64;
            prop_assert_eq!(row.rank, better + 1, "ranks count those before");
            for other in &rows {
                prop_assert!(row.score <= other.score || row.rank <= other.rank);
                // A tie reaches at most a margin down.
                prop_assert!(row.rank != other.rank || (row.score - other.score).abs() <= Decimal::new(50, 2));
            }
        }
        let scores: Vec<Decimal> = rows.iter().map(|row| row.score).collect();
        let members: BTreeSet<usize> = tie_groups(&scores, Decimal::new(50, 2)).into_iter().flatten().collect();
        prop_assert_eq!(members.len(), rows.len());
    }
}

// Conduct beside money ------------------------------------------------------------------------------------------------------

fn complain(book: &mut Book, case: &str, agency: &str, on: &str) {
    let new = NewComplaint {
        agency: agency.to_string(),
        account_no: None,
        received_on: day(on),
        severity: Severity::Medium,
        text: "called at night".to_string(),
        reference: Some(case.to_string()),
        allow_future: false,
    };
    complaint::add(&mut book.db, &book.lender, &new, &by()).unwrap();
}

fn decide(book: &mut Book, case: &str, upheld: bool, on: &str, corrects: Option<i64>) {
    let text = "recordings were heard".to_string();
    let new = NewDecision {
        reference: case.to_string(),
        upheld,
        on: day(on),
        text,
        deduction: None,
        corrects,
    };
    complaint::decide(&mut book.db, &book.lender, &new, &by()).unwrap();
}

/// A01 and A02 had two accounts each; four are left to allocate.
fn four_left(book: &mut Book) {
    book.set_up("CNY", &["A01", "A02"]);
    for code in ["A01", "A02"] {
        book.publish(&crate::support::flat_contract(code, "20%", 300));
    }
    let rows: String = (1..=8).map(|i| format!("{i},100.00,45,p{}\n", (i + 1) / 2)).collect();
    book.portfolio("2026-01-01", &format!("account_no,balance,days_past_due,product\n{rows}"));
    place(book, "2026-01-02", "A01", "p1", 2);
    place(book, "2026-01-02", "A02", "p2", 2);
    book.recoveries(
        "reference,account_no,received_on,amount\na,1,2026-01-10,10.00\nb,3,2026-01-10,10.00\n",
    );
}

const SCORED: &str = "name = \"scored\"\nmethod = \"score\"\nstrata = [\"bucket\"]\nseed = 1\n\n[performance]\nwindow_months = 6\nhorizon_days = 30\n";

/// How many of the accounts left A02 would get, and how many would go to nobody.
fn would_get(book: &mut Book, strategy: &str) -> (usize, usize) {
    let decision = book.try_allocate(strategy, "2026-06-01", false).unwrap().decision;
    let of = |code: &str| {
        decision.assigned.iter().filter(|one| decision.code(one) == Some(code)).count()
    };
    let unplaced = decision.assigned.iter().filter(|one| one.fate == Fate::NoGate).count();
    assert_eq!(of("A01") + of("A02") + unplaced, 4);
    (of("A02"), unplaced)
}

#[test]
fn an_upheld_complaint_costs_compliance_points_and_a_share() {
    on_each_database(|book| {
        four_left(book);
        let of = |book: &mut Book, code: &str| {
            let row = card(book, "2026-06-01", PARAMETERS)[code].clone();
            (
                row.beside.rating().to_string(),
                row.points[2].normalize().to_string(),
                row.score.to_string(),
                row.rank,
            )
        };
        let even = ("100.00".to_string(), "10".to_string(), "100.00".to_string(), 1);
        assert_eq!((of(book, "A01"), of(book, "A02")), (even.clone(), even.clone()));
        assert_eq!(would_get(book, SCORED), (2, 0));

        // Complaints not decided, not upheld, or of another time cost nothing.
        complain(book, "C-1", "A02", "2026-05-31");
        complain(book, "C-2", "A02", "2025-11-30");
        decide(book, "C-2", true, "2026-01-05", None);
        assert_eq!(of(book, "A02"), even);
        decide(book, "C-1", false, "2026-05-31", None);
        assert_eq!(of(book, "A02"), even);

        // Upheld after all: 1 of 2 placements is 500 per 1,000, 10 points each of 100: the rating is nought, and of 10
        // points none is left. 90 : 100 of four accounts are 1.9 : 2.1.
        decide(book, "C-1", true, "2026-05-31", Some(1));
        assert_eq!(of(book, "A02"), ("0.00".to_string(), "0".to_string(), "90.00".to_string(), 2));
        assert_eq!(of(book, "A01"), even);
        assert_eq!(would_get(book, SCORED), (2, 0));
        // Where only compliance has points all of the share is lost.
        assert_eq!(
            would_get(
                book,
                &format!(
                    "{SCORED}\n[score]\nrecoveries = 0\naccounts_served = 0\ncompliance = 1\n"
                )
            ),
            (0, 0)
        );

        // The evaluation is where the rating starts from: 80 of 100 gives 8 of 10 points.
        let (agency, text) = ("A01".to_string(), "visited".to_string());
        let on = day("2026-05-01");
        let new = NewEvaluation { agency, on, result: 80, text, allow_future: false };
        evaluation::evaluate(&mut book.db, &book.lender, &new, &by()).unwrap();
        assert_eq!(
            of(book, "A01"),
            ("80.00".to_string(), "10".to_string(), "100.00".to_string(), 1),
            "still the best"
        );
        book.assert_proven();
    });
}

#[test]
fn too_many_upheld_complaints_close_the_gate() {
    on_each_database(|book| {
        four_left(book);
        complain(book, "C-1", "A02", "2026-05-31");
        let gate = |most: &str| format!("{SCORED}\n[conduct]\nmax_upheld_per_1000 = \"{most}\"\n");
        assert_eq!(would_get(book, &gate("0")), (2, 0), "not decided yet");
        decide(book, "C-1", true, "2026-05-31", None);
        // One of two placements begun in the window is 500 per 1,000.
        assert_eq!(would_get(book, &gate("500")), (2, 0));
        assert_eq!(would_get(book, &gate("499.99")), (0, 0));
        let only = format!("{}\n[[assignee]]\ncode = \"A02\"\n", gate("499.99"));
        assert_eq!(would_get(book, &only), (0, 4));
        let run_no = book.try_allocate(&only, "2026-06-01", false).unwrap().run_no;
        let refusals =
            format!("SELECT refusals AS text FROM allocation_refusal WHERE run_no = {run_no}");
        assert_eq!(book.texts(&refusals), ["A02=conduct"]);
        // A decision taken back opens it again.
        decide(book, "C-1", false, "2026-06-01", Some(1));
        assert_eq!(would_get(book, &gate("499.99")), (2, 0));
        book.assert_proven();
    });
}
