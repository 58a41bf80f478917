//! The worked answers of `tests/vectors`, played step by step.

use serde_json::Value;

use crate::support::{Book, assert_adds_up, csv_of, on_each_database};

fn stories() -> Vec<Value> {
    serde_json::from_str(include_str!("../vectors/commission.json")).unwrap()
}

#[test]
fn every_worked_story_settles_to_its_published_figures() {
    let stories = stories();
    assert_eq!(stories.len(), 23);
    on_each_database(|book| stories.iter().for_each(|story| play(book, story)));
}

fn play(book: &mut Book, story: &Value) {
    let name = text(&story["name"]);
    book.another_lender(text(&story["currency"]), &["A01", "A02"]);
    for contract in ["contract_toml", "other_contract_toml"] {
        if let Some(toml) = story[contract].as_str() {
            book.publish(toml);
        }
    }
    for step in story["steps"].as_array().unwrap() {
        play_step(book, name, step);
    }
    book.assert_proven();
}

fn play_step(book: &mut Book, story: &str, step: &Value) {
    if let Some(portfolio) = step.get("portfolio") {
        book.portfolio(text(&portfolio["as_of"]), &csv_of(portfolio["rows"].as_array().unwrap()));
    } else if let Some(allocate) = step.get("allocate") {
        let placed = book.allocate(text(&allocate["on"]), text(&allocate["to"]));
        assert!(placed > 0, "{story}: nothing was placed");
    } else if let Some(rows) = step.get("recoveries") {
        book.recoveries(&csv_of(rows.as_array().unwrap()));
    } else if let Some(month) = step.get("close") {
        book.close(text(month));
        for (agency, expected) in step["expect"].as_object().unwrap() {
            let statement = book.statement(agency, text(month));
            for (key, amount) in expected.as_object().unwrap() {
                assert_eq!(statement[key], *amount, "{story}: {key} of {agency} in {month}");
            }
            assert_adds_up(&statement, book.currency);
        }
    } else {
        panic!("{story} has a step this test cannot play: {step}");
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// What the message of each refused contract must name: its line, its key, the reason.
const REASONS: [(&str, &[&str]); 5] = [
    ("no rule without a condition", &["line 11", "m2", "without `when`"]),
    ("steps that fall", &["line 13", "steps[2].up_to", "100000", "bounds must rise"]),
    ("last step has a bound", &["line 13", "steps[1].up_to", "last step"]),
    ("a rule that can never be reached", &["line 15", "late", "can never be reached"]),
    ("an unknown key", &["line 14", "fee[1].colour"]),
];

#[test]
fn every_refused_contract_is_refused_for_the_reason_its_name_gives() {
    let refused: Vec<Value> = serde_json::from_str(include_str!("../vectors/refused_contracts.json")).unwrap();
    assert_eq!(refused.len(), REASONS.len());
    on_each_database(|book| {
        book.set_up("CNY", &["A01", "A02"]);
        let before = book.state();
        for one in &refused {
            let name = text(&one["name"]);
            let (_, reasons) = REASONS.iter().find(|(known, _)| *known == name).unwrap();
            let message = book.try_publish(text(&one["contract_toml"])).unwrap_err().to_string();
            for part in reasons.iter().chain(&["contract.toml"]) {
                assert!(message.contains(part), "{name}: \"{message}\" does not name {part}");
            }
        }
        assert_eq!(book.state(), before, "a refused contract left something behind");
    });
}
