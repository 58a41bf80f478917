//! Exploration beside limits: it never takes the room that other accounts need.

use std::collections::BTreeMap;

use crate::support::{Book, assignee_toml, flat_contract, on_each_database};

/// A01 takes anything and has room for ten; A02 takes product x only. A hundred accounts are x, some are y.
fn ready(book: &mut Book, others: usize) {
    let limited = assignee_toml("A01").trim_end().to_string() + "\ncapacity = 10\n\n";
    let narrow = assignee_toml("A02").trim_end().to_string() + "\nproducts = [\"x\"]\n\n";
    book.set_up_parties("CNY", &(limited + &narrow));
    ["A01", "A02"].iter().for_each(|agency| book.publish(&flat_contract(agency, "10%", 60)));
    let row = |product: &str, number: usize| {
        format!("{product}{number:03},{}.00,45,{product}\n", 1000 + number)
    };
    let rows: String = (0..100)
        .map(|number| row("x", number))
        .chain((0..others).map(|number| row("y", number)))
        .collect();
    book.portfolio("2026-01-01", &format!("account_no,balance,days_past_due,product\n{rows}"));
}

/// Who gets how many of y, and how many accounts are explored.
fn placed(book: &mut Book, method: &str) -> (BTreeMap<String, i64>, usize, i64) {
    let strategy = format!(
        "name = \"s\"\nmethod = \"{method}\"\nstrata = [\"product\"]\nseed = 1\nexploration = \"10%\"\n"
    );
    let run = book.try_allocate(&strategy, "2026-01-02", false).unwrap();
    let totals = run.decision.totals().unwrap();
    let given = totals.iter().map(|(code, total)| (code.clone(), total.accounts)).collect();
    (given, run.decision.placed(), totals.values().map(|total| total.explored).sum())
}

#[test]
fn exploration_leaves_the_room_that_only_one_assignee_has_for_some_accounts() {
    on_each_database(|book| {
        for (others, unplaced) in [(10, 0), (13, 3)] {
            book.lender = format!("L{others}");
            ready(book, others);
            for method in ["equal", "optimise"] {
                let (given, placed, explored) = placed(book, method);
                assert_eq!(
                    given,
                    BTreeMap::from([("A01".to_string(), 10), ("A02".to_string(), 100)]),
                    "{method}, {others} of y"
                );
                assert_eq!(placed, 100 + others - unplaced, "{method}, {others} of y");
                assert!((5..=11).contains(&explored), "{method}: {explored} explored");
            }
        }
    });
}

#[test]
fn exploration_is_whole_where_nothing_is_in_its_way() {
    on_each_database(|book| {
        ready(book, 4);
        let (given, placed, explored) = placed(book, "equal");
        assert_eq!((given["A01"], placed, explored), (10, 104, 10));
    });
}

#[test]
fn a_trial_without_a_comparison_says_what_there_is_and_what_is_missing() {
    use consign::contract::factor::Parameters;
    use consign::party::Lang;
    use consign::performance::measure::explored;
    use consign::performance::store::explored_runs;
    use consign::performance::trial::compare_all;
    use consign::words::performance::nothing_to_compare;

    on_each_database(|book| {
        ready(book, 0);
        let parameters = Parameters::default();
        let told = |book: &mut Book, t: Lang, on: &str| {
            let on = crate::support::day(on);
            let found = explored(&mut book.db, "CFC", on, parameters).unwrap();
            assert_eq!(compare_all(&found, None), []);
            let runs = explored_runs(&mut book.db, "CFC").unwrap();
            nothing_to_compare(t, &runs, parameters, on).join("\n")
        };
        assert!(told(book, Lang::En, "2026-01-02").contains("no run has explored"));
        let strategy =
            "name = \"s\"\nmethod = \"equal\"\nstrata = [\"product\"]\nexploration = \"10%\"\n";
        assert!(book.try_allocate(strategy, "2026-01-02", true).unwrap().committed);
        let words = told(book, Lang::En, "2026-02-01");
        for says in [
            "1 runs explored",
            "0 can be judged, 10 are younger than 90 days",
            "the next can be judged on 2026-04-02",
            "run 1 of 2026-01-02 explored A01 5, A02 5; judged from 2026-04-02",
        ] {
            assert!(words.contains(says), "{words}");
        }
        let words = told(book, Lang::Zh, "2026-02-01");
        assert!(words.contains("10 户未满 90 天") && words.contains("A01 5、A02 5"), "{words}");
    });
}

#[test]
fn a_row_that_recovered_nothing_has_no_range_of_no_width() {
    use consign::contract::factor::Parameters;
    use consign::party::Lang;
    use consign::performance::grouping::Grouping;
    use consign::performance::measure::{ScorecardQuery, scorecard_on};
    use consign::performance::scorecard::Points;

    on_each_database(|book| {
        ready(book, 0);
        let strategy = "name = \"s\"\nmethod = \"equal\"\n";
        assert!(book.try_allocate(strategy, "2026-01-02", true).unwrap().committed);
        let first =
            book.texts("SELECT account_no AS text FROM placement WHERE assignee = 'A02' LIMIT 1");
        book.recoveries(&format!(
            "reference,account_no,received_on,amount\np,{},2026-01-20,500.00\n",
            first[0]
        ));
        let lender = consign::party::store::lender(&mut book.db, "CFC").unwrap().unwrap();
        let versions = consign::contract::store::versions(&mut book.db, &lender).unwrap();
        let grouping = Grouping::by_bucket(book.currency);
        let mut rows = |on: &str| {
            let (on, parameters) = (crate::support::day(on), Parameters::default());
            let asked = ScorecardQuery {
                lender: "CFC",
                on,
                parameters,
                grouping: &grouping,
                known_seq: i64::MAX,
            };
            scorecard_on(&mut book.db, &asked, &versions, &Points::default(), BTreeMap::new())
                .unwrap()
                .0
        };
        let judged = rows("2026-06-01");
        assert_eq!((judged[0].sums.placements, judged[0].range), (10, None));
        assert_eq!(judged[0].nothing_judged(Lang::En), Some("no recovery judged yet"));
        assert!(judged[1].range.is_some() && judged[1].nothing_judged(Lang::En).is_none());
        let young = rows("2026-02-01");
        assert_eq!(young[0].nothing_judged(Lang::En), Some("nothing judged yet"));
    });
}
