//! Properties that hold for every book (proptest): what is settled in the end does not depend on order, files or
//! lateness; lines sum exactly; nothing issued ever changes; debits equal credits.

use std::cell::RefCell;
use std::collections::BTreeMap;

use chrono::Days;
use consign::kernel::{Currency, Money};
use consign::ledger::Transaction;
use consign::placement;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::Value;

use crate::support::{Book, all_to, assert_adds_up, day, minor, on_each_database};

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    })
}

proptest! {
    #![proptest_config(Config { cases: 2000, failure_persistence: None, ..Config::default() })]

    #[test]
    fn parts_of_a_split_add_up_and_are_proportional(
        amount in -1_000_000_000_000_i64..1_000_000_000_000,
        weights in prop::collection::vec(0_i64..1_000_000_000, 1..12),
    ) {
        let parts = Money(amount).split(&weights);
        prop_assert_eq!(parts.len(), weights.len());
        prop_assert_eq!(parts.iter().map(|part| part.0).sum::<i64>(), amount);
        let total: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
        for (part, weight) in parts.iter().zip(&weights).filter(|_| total > 0) {
            let off = i128::from(part.0) * total - i128::from(amount) * i128::from(*weight);
            prop_assert!(off.abs() < total, "{amount} by {weights:?} gives {parts:?}");
        }
        for (i, j) in (0..weights.len()).flat_map(|i| (0..weights.len()).map(move |j| (i, j))) {
            prop_assert!(weights[i] < weights[j] || parts[i].0.abs() + 1 >= parts[j].0.abs(), "{:?}", parts);
        }
    }

    #[test]
    fn a_transaction_balances_or_is_refused(
        legs in prop::collection::vec((0_u8..4, -500_i64..500), 0..8),
        balanced in any::<bool>(),
    ) {
        let mut moves: Vec<(String, Money)> = legs.iter().map(|(name, amount)| (format!("Assets:{name}"), Money(*amount))).collect();
        let sum: i64 = legs.iter().map(|(_, amount)| amount).sum();
        if balanced {
            moves.push(("Equity:Rest".to_string(), Money(-sum)));
        }
        match Transaction::build(day("2026-03-01"), "event".to_string(), None, moves) {
            Ok(None) => prop_assert!(balanced || sum == 0),
            Ok(Some(built)) => {
                prop_assert_eq!(built.legs().iter().map(|leg| leg.amount.0).sum::<i64>(), 0);
                prop_assert!(built.legs().iter().all(|leg| leg.amount.0 != 0));
                let mut accounts: Vec<&str> = built.legs().iter().map(|leg| leg.account.as_str()).collect();
                accounts.sort_unstable();
                accounts.dedup();
                prop_assert_eq!(accounts.len(), built.legs().len(), "an account has one leg");
            }
            Err(refused) => {
                prop_assert!(!balanced);
                prop_assert_eq!(refused.by, i128::from(sum));
            }
        }
    }

    #[test]
    fn an_amount_reads_back_as_it_was_written(minor in -999_999_999_999_i64..999_999_999_999, code in prop::sample::select(vec!["CNY", "JPY", "KWD"])) {
        let currency = Currency::parse(code).unwrap();
        prop_assert_eq!(Money::parse(&Money(minor).plain(currency), currency), Ok(Money(minor)));
    }
}

// What a random book is made of ------------------------------------------------------------------------------------

/// A price of a fee rule, as the contract writes it.
fn price() -> impl Strategy<Value = String> {
    let rate = (1_u32..4000)
        .prop_map(|hundredths| format!("{}.{:02}%", hundredths / 100, hundredths % 100));
    let side = || prop::sample::select(vec!["up_to", "below"]);
    let flat = rate.clone().prop_map(|rate| format!("rate = \"{rate}\"\n"));
    let bounded = (rate.clone(), 0_u32..3000, 0_u32..40_000).prop_map(|(rate, least, more)| {
        let shown = |cents: u32| format!("{}.{:02}", cents / 100, cents % 100);
        format!(
            "rate = \"{rate}\"\nper_payment = {{ min = \"{}\", max = \"{}\" }}\n",
            shown(least),
            shown(least + more)
        )
    });
    let measure = prop::sample::select(vec![
        ("recovered", "month"),
        ("recovered", "batch"),
        ("recovery_rate", "batch"),
    ]);
    let apply = prop::sample::select(vec!["marginal", "whole"]);
    let steps = prop::collection::vec((side(), 1_u32..30, rate.clone()), 1..4);
    let scale = prop::sample::select(vec![1_u32, 1, 10, 100]);
    let tiers = (measure, apply, steps, rate, scale).prop_map(|((measure, over), apply, steps, last, scale)| {
        let mut bound = 0;
        let written: String = steps
            .iter()
            .map(|(side, rise, rate)| {
                bound += rise;
                let bound = if measure == "recovered" { format!("{}.37", bound * scale) } else { format!("{bound}.5%") };
                format!("{{ {side} = \"{bound}\", rate = \"{rate}\" }}, ")
            })
            .collect();
        format!(
            "tiers = {{ measure = \"{measure}\", over = \"{over}\", apply = \"{apply}\", steps = [ {written}{{ rate = \"{last}\" }} ] }}\n"
        )
    });
    prop_oneof![2 => flat, 1 => bounded, 4 => tiers]
}

fn rule() -> impl Strategy<Value = String> {
    let bases = vec![
        "",
        "",
        "",
        "base = [\"principal\"]\n",
        "base = [\"principal\", \"interest\"]\n",
        "base = [\"fees\", \"costs\"]\n",
    ];
    (price(), prop::sample::select(bases)).prop_map(|(price, base)| format!("{price}{base}"))
}

/// The body of a contract: terms and rules; whose it is comes before.
fn terms() -> impl Strategy<Value = String> {
    let modes = prop::sample::select(vec!["half_up", "half_even"]);
    let places = prop::sample::select(vec!["subtotal", "line", "line"]);
    let days = (
        prop::sample::select(vec![30_u32, 45, 90, 150]),
        prop::sample::select(vec![0_u32, 0, 1, 5]),
        prop::sample::select(vec![0_u32, 0, 7, 20]),
    );
    (modes, places, days, prop::collection::vec(rule(), 1..4)).prop_map(|(mode, at, (term, grace, tail), rules)| {
        let mut text = format!(
            "effective_from = 2026-01-01\nterm_days = {term}\ngrace_days = {grace}\ntail_days = {tail}\n\
             rounding = {{ mode = \"{mode}\", at = \"{at}\" }}\n"
        );
        for (i, rule) in rules.iter().enumerate() {
            let when = if i + 1 == rules.len() {
                String::new()
            } else {
                format!("when = {{ days_past_due = {{ from = {} }} }}\n", 150 - 50 * i)
            };
            text.push_str(&format!("\n[[fee]]\nname = \"rule {}\"\n{when}{rule}", i + 1));
        }
        text
    })
}

fn contract(agency: &str, terms: &str) -> String {
    format!("code = \"K-{agency}\"\nagency = \"{agency}\"\n{terms}")
}

/// A payment with what is taken back from it later, and the file (0 to 5) that brings each.
#[derive(Clone, Debug)]
struct Paid {
    account: usize,
    after: u64,
    cents: i64,
    channel: u8,
    components: Option<[i64; 4]>,
    arrives: usize,
    reversals: Vec<Taken>,
}

#[derive(Clone, Debug)]
struct Taken {
    after: u64,
    percent: i64,
    stated: bool,
    arrives: usize,
}

fn payments() -> impl Strategy<Value = Vec<Paid>> {
    let weights = prop::option::weighted(0.7, prop::array::uniform4(0_i64..50));
    let taken = (0_u64..60, 1_i64..=100, any::<bool>(), 0_usize..6)
        .prop_map(|(after, percent, stated, arrives)| Taken { after, percent, stated, arrives });
    let amounts = prop_oneof![4 => 1_i64..1_500, 2 => 1_i64..200_000, 1 => Just(50_000_i64)];
    let paid = (
        0_usize..5,
        prop_oneof![3 => 0_u64..30, 2 => 0_u64..180],
        amounts,
        0_u8..4,
        weights,
        0_usize..6,
        prop::collection::vec(taken, 0..3),
    );
    prop::collection::vec(
        paid.prop_map(|(account, after, cents, channel, components, arrives, reversals)| Paid {
            account,
            after,
            cents,
            channel,
            components,
            arrives,
            reversals,
        }),
        1..24,
    )
}

/// A row of a recoveries file and the file it comes in.
struct Fact {
    arrives: usize,
    row: Value,
}

fn plus(from: &str, days: u64) -> String {
    day(from).checked_add_days(Days::new(days)).unwrap().to_string()
}

fn shown(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

const PARTS: [&str; 4] = ["principal", "interest", "fees", "costs"];

/// The rows of all payments and reversals. A reversal comes in no earlier file than its payment.
fn facts(payments: &[Paid]) -> Vec<Fact> {
    let mut facts = Vec::new();
    for (i, paid) in payments.iter().enumerate() {
        let (reference, account, received_on) =
            (format!("p{i}"), format!("{}", paid.account + 1), plus("2026-01-05", paid.after));
        let mut row = serde_json::json!({
            "reference": reference, "account_no": account, "received_on": received_on, "amount": shown(paid.cents), "kind": "payment",
        });
        if paid.channel > 1 {
            row["channel"] = "agency".into();
            row["agency"] = if paid.channel == 2 { "A01" } else { "A02" }.into();
        }
        let parts = paid
            .components
            .filter(|weights| weights.iter().sum::<i64>() > 0)
            .map(|weights| Money(paid.cents).split(&weights));
        if let Some(parts) = &parts {
            PARTS.iter().zip(parts).for_each(|(name, part)| row[*name] = shown(part.0).into());
        }
        facts.push(Fact { arrives: paid.arrives, row });
        let mut left = paid.cents;
        let mut parts_left = parts.clone();
        for (j, taken) in paid.reversals.iter().enumerate() {
            let cents = (paid.cents * taken.percent / 100).min(left);
            if cents == 0 {
                continue;
            }
            left -= cents;
            let mut row = serde_json::json!({
                "reference": format!("r{i}-{j}"), "account_no": account, "received_on": plus(&received_on, taken.after),
                "amount": shown(cents), "kind": "reversal", "reverses": reference,
            });
            if let Some(rest) = parts_left.as_mut().filter(|_| taken.stated) {
                let back = Money(cents).split(&rest.iter().map(|part| part.0).collect::<Vec<_>>());
                if back.iter().zip(&*rest).all(|(back, rest)| back <= rest) {
                    PARTS
                        .iter()
                        .zip(&back)
                        .for_each(|(name, part)| row[*name] = shown(part.0).into());
                    rest.iter_mut().zip(&back).for_each(|(rest, back)| *rest -= *back);
                }
            }
            facts.push(Fact { arrives: taken.arrives.max(paid.arrives), row });
        }
    }
    facts
}

/// Five accounts of different age with A01; two of them recalled and given to A02.
fn place(book: &mut Book, first: &str, second: &str, balances: &[i64; 5]) {
    book.another_lender("CNY", &["A01", "A02"]);
    book.publish(&contract("A01", first));
    book.publish(&contract("A02", second));
    let rows: Vec<String> = balances
        .iter()
        .zip([20, 70, 120, 160, 200])
        .zip(1..)
        .map(|((balance, days), i)| format!("{i},{},{days}\n", shown(*balance)))
        .collect();
    book.portfolio("2025-12-31", &format!("account_no,balance,days_past_due\n{}", rows.concat()));
    assert_eq!(book.allocate("2026-01-05", "A01"), 5);
    book.recall(&["2", "4"], "2026-01-28");
    assert_eq!(book.allocate("2026-01-31", "A02"), 2);
}

const MONTHS: [&str; 9] = [
    "2026-01", "2026-02", "2026-03", "2026-04", "2026-05", "2026-06", "2026-07", "2026-08",
    "2026-09",
];

fn import(book: &mut Book, rows: &[Value]) {
    if !rows.is_empty() {
        let done = book.recoveries(&crate::support::csv_of(rows));
        assert_eq!(done.accepted as usize, rows.len());
    }
}

/// Σ commission + true-ups of each agency; every statement adds up and chains to the one before.
fn earned(book: &mut Book) -> BTreeMap<String, i64> {
    let mut earned = BTreeMap::new();
    let mut closing: BTreeMap<String, i64> = BTreeMap::new();
    for text in book.statements() {
        let statement: Value = serde_json::from_str(&text).unwrap();
        assert_adds_up(&statement, book.currency);
        let agency = statement["agency"].as_str().unwrap().to_string();
        let amount = |key: &str| minor(&statement[key], book.currency);
        assert_eq!(
            amount("opening"),
            closing.insert(agency.clone(), amount("closing")).unwrap_or(0),
            "{statement}"
        );
        *earned.entry(agency).or_default() += amount("commission") + amount("true_up");
    }
    earned
}

fn assert_balanced(book: &mut Book) {
    let sum: i64 = book.trial_balance().iter().map(|(_, debit, credit)| debit - credit).sum();
    assert_eq!(sum, 0, "debits and credits differ");
}

/// Turns a failed assertion into a case that proptest can shrink.
fn holds(test: impl FnOnce()) -> Result<(), TestCaseError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(test)).map_err(|panic| {
        let said = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        TestCaseError::fail(said.unwrap_or_default())
    })
}

// The laws ---------------------------------------------------------------------------------------------------------

#[test]
fn the_same_facts_earn_the_same_in_the_end_in_whatever_order_files_and_months_they_arrive() {
    let worlds =
        (terms(), terms(), prop::array::uniform5(1_000_i64..400_000), payments(), any::<u64>());
    on_each_database(|book| {
        let book = RefCell::new(book);
        let checked = runner(48).run(&worlds, |(first, second, balances, payments, seed)| {
            holds(|| {
                let book = &mut **book.borrow_mut();
                let facts = facts(&payments);
                let rows = |file: usize| -> Vec<Value> {
                    let mut rows: Vec<Value> = facts
                        .iter()
                        .filter(|fact| fact.arrives == file)
                        .map(|fact| fact.row.clone())
                        .collect();
                    shuffle(&mut rows, seed);
                    rows
                };

                // Everything at once, one far month closed.
                place(book, &first, &second, &balances);
                let mut all: Vec<Value> = facts.iter().map(|fact| fact.row.clone()).collect();
                shuffle(&mut all, seed / 7);
                import(book, &all);
                book.close(MONTHS[8]);
                let at_once = earned(book);
                assert_balanced(book);
                book.assert_proven();

                // File by file, months closed between, some files late.
                place(book, &first, &second, &balances);
                let mut issued: Vec<String> = Vec::new();
                for (i, month) in MONTHS.iter().enumerate() {
                    import(book, &rows(i));
                    book.close(month);
                    let now = book.statements();
                    assert_eq!(
                        now[..issued.len()],
                        issued,
                        "a later closing changed an issued statement"
                    );
                    issued = now;
                }
                assert_eq!(earned(book), at_once, "by month on the left, at once on the right");
                assert_balanced(book);
                book.assert_proven();

                // The same files again change nothing.
                let before = (book.trial_balance(), book.statements());
                for file in 0..6 {
                    let rows = rows(file);
                    if !rows.is_empty() {
                        let done = book.recoveries(&crate::support::csv_of(&rows));
                        assert_eq!((done.accepted, done.duplicate as usize), (0, rows.len()));
                    }
                }
                assert_eq!((book.trial_balance(), book.statements()), before);
            })
        });
        checked.unwrap_or_else(|failure| panic!("{failure}"));
    });
}

/// A correction published late prices everything from the start.
#[test]
fn a_correction_earns_the_same_in_the_end_whenever_it_is_published() {
    let worlds =
        (terms(), terms(), prop::array::uniform5(1_000_i64..400_000), payments(), 0_usize..8);
    on_each_database(|book| {
        let book = RefCell::new(book);
        let checked = runner(24).run(&worlds, |(first, corrected, balances, payments, late)| {
            holds(|| {
                let book = &mut **book.borrow_mut();
                let rows: Vec<Value> = facts(&payments).into_iter().map(|fact| fact.row).collect();
                let correction = contract("A01", &format!("corrects = 1\n{corrected}"));
                let mut earned_when = |published: usize| {
                    place(book, &first, &first, &balances);
                    import(book, &rows);
                    for (i, month) in MONTHS.iter().enumerate() {
                        if i == published {
                            book.publish(&correction);
                        }
                        book.close(month);
                    }
                    book.assert_proven();
                    let references = commission_lines(book);
                    assert!(
                        references.values().all(|count| *count == 1),
                        "a recovery is a commission line twice"
                    );
                    earned(book)
                };
                let early = earned_when(0);
                assert_eq!(earned_when(late + 1), early);
            })
        });
        checked.unwrap_or_else(|failure| panic!("{failure}"));
    });
}

/// How often each reference stands as a commission line.
fn commission_lines(book: &mut Book) -> BTreeMap<String, usize> {
    let mut lines = BTreeMap::new();
    for text in book.statements() {
        let statement: Value = serde_json::from_str(&text).unwrap();
        for line in statement["lines"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|line| line["kind"] == "commission")
        {
            *lines.entry(line["reference"].as_str().unwrap().to_string()).or_default() += 1;
        }
    }
    lines
}

fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed | 1;
    for i in (1..items.len()).rev() {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        items.swap(i, usize::try_from(state >> 33).unwrap() % (i + 1));
    }
}

/// What happens to accounts in a life.
#[derive(Clone, Debug)]
enum Step {
    Place(usize),
    Recall(Vec<usize>),
    Expire,
    Pay(usize, i64),
    TakeBack(usize),
    Waive(usize),
    Portfolio(Vec<i64>),
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_usize..3).prop_map(Step::Place),
        2 => prop::collection::vec(0_usize..4, 1..3).prop_map(Step::Recall),
        1 => Just(Step::Expire),
        5 => (0_usize..4, 1_i64..60_000).prop_map(|(account, cents)| Step::Pay(account, cents)),
        1 => (0_usize..10).prop_map(Step::TakeBack),
        1 => (0_usize..4).prop_map(Step::Waive),
        1 => prop::collection::vec(0_i64..100_000, 4).prop_map(Step::Portfolio),
        1 => Just(Step::Close),
    ]
}

#[test]
fn in_every_life_an_account_has_one_holder_at_a_time_and_windows_never_overlap() {
    let lives = prop::collection::vec((step(), 0_u64..12), 5..25);
    on_each_database(|book| {
        let book = RefCell::new(book);
        let checked = runner(48).run(&lives, |life| {
            holds(|| {
                let book = &mut **book.borrow_mut();
                live(book, &life);
                let mut account: Vec<placement::Placement> = Vec::new();
                let mut all: Vec<placement::Placement> = Vec::new();
                let lender = book.lender.clone();
                placement::store::each(&mut book.db, &lender, |one| {
                    all.push(one);
                    Ok::<(), diesel::result::Error>(())
                })
                .unwrap();
                for one in all {
                    if account.last().is_some_and(|last| last.account_no != one.account_no) {
                        account.clear();
                    }
                    account.push(one);
                    let windows = placement::windows(&account);
                    for (before, after) in windows.iter().zip(windows.iter().skip(1)) {
                        assert!(
                            before.last < after.first,
                            "windows overlap: {windows:?} of {account:?}"
                        );
                    }
                    let active = account.iter().filter(|one| one.closed_on.is_none()).count();
                    assert!(active <= 1, "{active} active placements: {account:?}");
                    let closed_in_time = account
                        .iter()
                        .all(|one| one.closed_on.is_none_or(|closed| closed >= one.placed_on));
                    assert!(closed_in_time, "{account:?}");
                }
                assert_balanced(book);
                book.assert_proven();
                earned(book);
            })
        });
        checked.unwrap_or_else(|failure| panic!("{failure}"));
    });
}

/// Plays a life: the days go forward, commands that the book refuses leave no trace.
fn live(book: &mut Book, life: &[(Step, u64)]) {
    book.another_lender("CNY", &["A01", "A02", "T01"]);
    for code in ["A01", "A02", "T01"] {
        let tail = if code == "A02" { 10 } else { 0 };
        book.publish(&contract(
            code,
            &format!(
                "effective_from = 2026-01-01\nterm_days = 25\ntail_days = {tail}\n\n[[fee]]\nname = \"all\"\nrate = \"17.5%\"\n"
            ),
        ));
    }
    book.portfolio(
        "2025-12-31",
        "account_no,balance,days_past_due\n1,500.00,40\n2,700.00,80\n3,90.00,200\n4,1000.00,31\n",
    );
    let (mut today, mut month, mut paid) = ("2026-01-02".to_string(), 0, Vec::new());
    for (i, (step, days)) in life.iter().enumerate() {
        today = plus(&today, *days);
        let row = |account: usize, cents: i64, kind: &str, reverses: &str| {
            format!(
                "reference,account_no,received_on,amount,kind,reverses\nx{i},{},{today},{},{kind},{reverses}\n",
                account + 1,
                shown(cents)
            )
        };
        match step {
            Step::Place(to) => {
                let open = book.try_allocate(&all_to(["A01", "A02", "T01"][*to]), &today, true);
                assert!(open.is_ok() || month > 0, "{:?}", open.err());
            }
            Step::Recall(accounts) => {
                let names: Vec<String> =
                    accounts.iter().map(|account| (account + 1).to_string()).collect();
                let _refused_in_a_closed_month =
                    book.try_recall(&names.iter().map(String::as_str).collect::<Vec<_>>(), &today);
            }
            Step::Expire => drop(book.expire(&today)),
            Step::Pay(account, cents) => {
                book.recoveries(&row(*account, *cents, "payment", ""));
                paid.push((format!("x{i}"), *account, *cents));
            }
            Step::TakeBack(which) => {
                let Some((reference, account, cents)) =
                    paid.get(*which % paid.len().max(1)).cloned()
                else {
                    continue;
                };
                let path = book.file(
                    "reversal.csv",
                    row(account, cents.div_euclid(2).max(1), "reversal", &reference),
                );
                let done =
                    book.try_recoveries(&path, &consign::intake::Options::default()).unwrap();
                assert_eq!(done.accepted + done.rejected, 1);
            }
            Step::Waive(account) => {
                let path = book.file("waiver.csv", row(*account, 500, "waiver", ""));
                let done =
                    book.try_recoveries(&path, &consign::intake::Options::default()).unwrap();
                assert_eq!(done.accepted + done.rejected, 1);
            }
            Step::Portfolio(balances) => {
                let rows: String = balances
                    .iter()
                    .zip(1..)
                    .map(|(cents, account)| format!("{account},{},60\n", shown(*cents)))
                    .collect();
                book.portfolio(&today, &format!("account_no,balance,days_past_due\n{rows}"));
            }
            Step::Close => {
                if MONTHS[month] < &today[..7] {
                    book.close(MONTHS[month]);
                    month += 1;
                }
            }
        }
    }
}
