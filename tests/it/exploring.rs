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
