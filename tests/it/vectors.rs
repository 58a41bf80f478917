//! The worked answers of `tests/vectors`, played step by step.

use std::collections::BTreeMap;

use consign::allocation::programme::{Cell, Programme, solve};
use consign::allocation::shares::split;
use consign::kernel::Money;
use consign::performance::history::{History, Judged};
use consign::performance::number::round;
use consign::performance::scorecard::{Ground, Points, credibility, score, scorecard, tie_groups};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::support::{Book, assert_adds_up, csv_of, on_each_database};

fn stories() -> Vec<Value> {
    serde_json::from_str(include_str!("../vectors/commission.json")).unwrap()
}

#[test]
fn every_worked_story_settles_to_its_published_figures() {
    let stories = stories();
    assert_eq!(stories.len(), 26);
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
    let refused: Vec<Value> =
        serde_json::from_str(include_str!("../vectors/refused_contracts.json")).unwrap();
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

// Allocation ----------------------------------------------------------------------------------------------------------

fn allocation(section: &str) -> Value {
    let mut all: Value = serde_json::from_str(include_str!("../vectors/allocation.json")).unwrap();
    assert_eq!(all.as_object().unwrap().len(), 5, "there is a section that no test plays");
    all[section].take()
}

fn stories_of(section: &str) -> Vec<Value> {
    allocation(section).as_array().unwrap().clone()
}

fn number(value: &Value) -> Decimal {
    text(value).parse().unwrap()
}

/// Keys with their values, in order of the keys.
fn pairs<T>(object: &Value, read: impl Fn(&Value) -> T) -> Vec<(String, T)> {
    object.as_object().unwrap().iter().map(|(key, value)| (key.clone(), read(value))).collect()
}

#[test]
fn scores_become_the_worked_points() {
    let story = allocation("score_to_points");
    let names = ["recoveries", "accounts_served", "compliance"];
    let points = names.map(|name| story["points"][name].as_i64().unwrap());
    let measured = pairs(&story["measures"], |measures| names.map(|name| number(&measures[name])));
    let measures: Vec<[Decimal; 3]> = measured.iter().map(|(_, measures)| *measures).collect();
    let found: BTreeMap<String, String> = measured
        .iter()
        .zip(score(&measures, points))
        .map(|((name, _), points)| (name.clone(), round(points.iter().sum(), 2).to_string()))
        .collect();
    assert_eq!(
        found.into_iter().collect::<Vec<_>>(),
        pairs(&story["expect"], |value| text(value).to_string())
    );
}

#[test]
fn scores_tie_as_published() {
    let stories = stories_of("ties");
    assert_eq!(stories.len(), 3);
    for story in stories {
        let scores = pairs(&story["scores"], number);
        let only: Vec<Decimal> = scores.iter().map(|(_, score)| *score).collect();
        let groups = tie_groups(&only, number(&story["margin"]));
        let named: Vec<Vec<&str>> = groups
            .iter()
            .map(|group| group.iter().map(|place| scores[*place].0.as_str()).collect())
            .collect();
        assert_eq!(serde_json::json!(named), story["expect_groups"], "{story}");
    }
}

#[test]
fn shares_become_the_worked_whole_counts() {
    let stories = stories_of("largest_remainder");
    assert_eq!(stories.len(), 3);
    for story in stories {
        let weights: Vec<i64> = pairs(&story["weights"], |weight| text(weight).parse().unwrap())
            .into_iter()
            .map(|(_, weight)| weight)
            .collect();
        let counts = split(story["total"].as_i64().unwrap(), &weights);
        let expected: Vec<i64> = pairs(&story["expect"], |count| count.as_i64().unwrap())
            .into_iter()
            .map(|(_, count)| count)
            .collect();
        assert_eq!(counts, expected, "{story}");
    }
}

/// The formula by itself, and the scorecard of a book whose figures give that index.
#[test]
fn an_index_is_believed_as_far_as_the_worked_credibility() {
    let stories = stories_of("credibility");
    assert_eq!(stories.len(), 3);
    for story in stories {
        let (index, placements, k) = (
            number(&story["index"]),
            story["placements"].as_i64().unwrap(),
            story["k"].as_i64().unwrap(),
        );
        let z = credibility(placements, k);
        assert_eq!(
            round(z * index + (Decimal::ONE - z), 4).to_string(),
            text(&story["expect"]),
            "{story}"
        );

        // A and B had the same balance; of 200 recovered on each 1,000 together, A has its index × 100.
        let mut history = History::default();
        let own = Money(i64::try_from((index * Decimal::ONE_HUNDRED).trunc().mantissa()).unwrap());
        for (assignee, recovered) in [("A", own), ("B", Money(200) - own)] {
            for _ in 0..placements {
                history.add("g", "M2", assignee, Judged { balance: Money(1_000), recovered });
            }
        }
        let ground = Ground { assignees: ["A".to_string()].into(), ..Ground::default() };
        let rows = scorecard(&history, k, &Points::default(), &ground);
        assert_eq!(round(rows[0].shrunk_index, 4).to_string(), text(&story["expect"]), "{story}");
        assert_eq!(rows[0].sums.placements, placements);
    }
}

#[test]
fn the_worked_programmes_have_the_worked_optimum() {
    let stories = stories_of("optimise");
    assert_eq!(stories.len(), 2);
    for story in stories {
        let strata = pairs(&story["strata"], |count| count.as_i64().unwrap());
        let values: Vec<(usize, String, i64)> = strata
            .iter()
            .enumerate()
            .flat_map(|(stratum, (name, _))| {
                let of = pairs(&story["value_per_account"][name], |value| {
                    text(value).parse::<i64>().unwrap()
                });
                of.into_iter().map(move |(recipient, value)| (stratum, recipient, value))
            })
            .collect();
        let recipients: Vec<String> = values
            .iter()
            .filter(|(stratum, ..)| *stratum == 0)
            .map(|(_, recipient, _)| recipient.clone())
            .collect();
        let all: i64 = strata.iter().map(|(_, count)| count).sum();
        let most = |recipient: &String| {
            let percent = story["max_share"][recipient]
                .as_str()
                .map(|share| share.trim_end_matches('%').parse::<i64>().unwrap());
            percent.map(|percent| all * percent / 100).or(story["capacity"][recipient].as_i64())
        };
        let cells = values.iter().map(|(stratum, recipient, value)| Cell {
            stratum: u32::try_from(*stratum).unwrap(),
            recipient: u16::try_from(
                recipients.iter().position(|known| known == recipient).unwrap(),
            )
            .unwrap(),
            value: *value,
        });
        let programme = Programme {
            accounts: strata.iter().map(|(_, count)| *count).collect(),
            recipients: recipients.len(),
            cells: cells.collect(),
            lower: vec![0; recipients.len()],
            upper: recipients.iter().map(most).collect(),
            place_all: true,
        };
        let plan = solve(&programme).unwrap();
        let objective = text(&story["expect_objective"]).parse::<i128>().unwrap();
        assert_eq!((plan.objective, plan.bound), (objective, objective), "{story}");
        for ((stratum, recipient, _), assigned) in values.iter().zip(&plan.assigned) {
            assert_eq!(
                story["expect_assigned"][&strata[*stratum].0][recipient], *assigned,
                "{recipient} of {story}"
            );
        }
    }
}
