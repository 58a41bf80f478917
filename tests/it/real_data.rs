//! Records that nobody on this project wrote, read where `CONSIGN_REAL_DATA` says; the contracts are in `tests/real`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use consign::allocation::{compare, files, replay};
use consign::conduct::{Severity, complaint};
use consign::contract::factor::Parameters;
use consign::hold::HoldKind;
use consign::hold::change::{Change, Holding, change};
use consign::intake::Options;
use consign::party::Lang;
use consign::performance::measure;
use consign::placement::step::{Selection, take};
use consign::placement::{self, Action, CloseReason, Instruction, Placement, expire, recall};
use consign::portfolio::named::Named;
use consign::sheet::ColumnMap;

use crate::support::{Book, assert_adds_up, by, day, minor, on_each_database, shout};

fn data() -> Option<PathBuf> {
    let folder = std::env::var_os("CONSIGN_REAL_DATA")
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from);
    if folder.is_none() {
        shout("CONSIGN_REAL_DATA IS NOT SET: NOTHING IS TESTED ON REAL RECORDS.");
    }
    folder
}

fn real(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real").join(name))
        .unwrap()
}

/// Lender, agencies and contracts from `tests/real`.
fn set_up(book: &mut Book, lender: &str, currency: &str, parties: &str, contracts: &[&str]) {
    book.lender = lender.to_string();
    book.currency = consign::kernel::Currency::parse(currency).unwrap();
    consign::party::setup::set_up(&mut book.db, parties, &real(parties), &crate::support::by())
        .unwrap();
    contracts.iter().for_each(|contract| book.publish(&real(contract)));
}

/// What happened, said at the end in one table.
struct Told(Vec<String>, Instant);

impl Told {
    fn of(book: &Book, what: &str) -> Told {
        let database = if book.is_postgres() { "PostgreSQL" } else { "SQLite" };
        Told(vec![format!("{what} on {database}")], Instant::now())
    }

    fn row(&mut self, what: &str, figures: impl std::fmt::Display) {
        self.0.push(format!("  {:>7.2} s  {what:<34} {figures}", self.1.elapsed().as_secs_f64()));
        self.1 = Instant::now();
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        use std::io::Write as _;
        let said = writeln!(std::io::stderr(), "\n{}", self.0.join("\n"));
        drop(said);
    }
}

/// Closes a month; every statement adds up, and their commissions are told.
fn close(book: &mut Book, month: &str, told: &mut Told) {
    let closed = book.close(month);
    let mut figures = Vec::new();
    for one in &closed.statements {
        let statement = book.statement(&one.agency, month);
        assert_adds_up(&statement, book.currency);
        let settled = minor(&statement["commission"], book.currency)
            + minor(&statement["true_up"], book.currency);
        figures.push(format!(
            "{} {}",
            one.agency,
            consign::kernel::Money(settled).grouped(book.currency)
        ));
    }
    told.row(&format!("close {month}: commission + true-up"), figures.join(", "));
}

/// A payment as the source has it.
struct Paid {
    reference: String,
    account_no: String,
    on: chrono::NaiveDate,
}

fn payments(text: &str) -> Vec<Paid> {
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        Paid {
            reference: cells[0].to_string(),
            account_no: cells[1].to_string(),
            on: day(cells[2]),
        }
    };
    text.lines().skip(1).map(row).collect()
}

/// Whose accounts have a payment from one day to another.
fn who_paid<'a>(paid: &'a [Paid], from: &str, to: &str) -> BTreeSet<&'a str> {
    let (from, to) = (day(from), day(to));
    paid.iter()
        .filter(|one| from <= one.on && one.on <= to)
        .map(|one| one.account_no.as_str())
        .collect()
}

/// Every placement of the book, in order of account and placing.
fn placements(book: &mut Book) -> Vec<Placement> {
    let (lender, mut all) = (book.lender.clone(), Vec::new());
    let kept = placement::store::each(&mut book.db, &lender, |one| {
        all.push(one);
        Ok::<(), diesel::result::Error>(())
    });
    kept.unwrap();
    all
}

/// Accounts in somebody's hands of which something holds.
fn in_hands(book: &mut Book, holds: impl Fn(&Placement) -> bool) -> Vec<String> {
    let all = placements(book);
    all.iter()
        .filter(|one| one.closed_on.is_none() && holds(one))
        .map(|one| one.account_no.clone())
        .collect()
}

/// A step on several accounts, of which none may refuse it.
fn step_all(
    book: &mut Book,
    accounts: &[String],
    agency: Option<&str>,
    action: Action<'_>,
    on: &str,
) -> usize {
    let selection = Selection::Named(Named::Accounts(accounts));
    let instruction = Instruction { action, agency, on: day(on) };
    let done = take(&mut book.db, &book.lender, &selection, &instruction, &by()).unwrap();
    assert_eq!(done.refused.len(), 0, "{:?}", done.refused);
    done.taken
}

/// A recall of named accounts: how many are final at once, how many requested.
fn recall_all(
    book: &mut Book,
    accounts: &[String],
    reason: &str,
    on: &str,
    at_once: bool,
) -> (usize, usize) {
    let path = book.file("recall.csv", format!("account_no\n{}\n", accounts.join("\n")));
    let which = Selection::Named(Named::File(&path));
    let done = recall::recall(&mut book.db, &book.lender, &which, reason, day(on), at_once, &by())
        .unwrap();
    assert_eq!((done.not_placed.len(), done.already_requested.len()), (0, 0));
    (done.recalled, done.requested)
}

fn recall_from(book: &mut Book, agency: &str, on: &str) -> (usize, usize) {
    let which = Selection::Assignee(agency);
    let done =
        recall::recall(&mut book.db, &book.lender, &which, "strategy", day(on), false, &by())
            .unwrap();
    (done.recalled, done.requested)
}

/// The strategy of a file as it is, and with equal shares and nothing explored.
fn both_strategies(name: &str) -> (String, String) {
    let text = real(name);
    let equal = text.replace("\"optimise\"", "\"equal\"").replace("exploration = \"10%\"\n", "");
    assert_ne!(text, equal);
    (text, equal)
}

/// Simulates, proves the optimum, commits, and gives what the run wrote; `what-if` expects more of it than of equal shares.
fn place_best(book: &mut Book, name: &str, on: &str, told: &mut Told) -> (i64, Vec<u8>) {
    let (best, equal) = both_strategies(name);
    let sides = [("equal", equal.as_str()), ("best", best.as_str())];
    let found = compare::compare(&mut book.db, &book.lender, sides, day(on), false).unwrap();
    let [equal, optimum] = found.sides.each_ref().map(|side| side.total.net());
    assert!(optimum > equal, "{optimum:?} is no more than {equal:?}");
    told.row(
        "what-if: equal, optimise",
        format!("{}, {}", equal.grouped(book.currency), optimum.grouped(book.currency)),
    );
    let run = book.try_allocate(&best, on, false).unwrap();
    let plan = &run.decision.plan;
    assert_eq!(plan.objective, plan.optimum.as_ref().unwrap().bound, "proven optimal");
    assert!(plan.objective >= plan.equal.unwrap() && plan.objective >= plan.score.unwrap());
    let explored: i64 = run.decision.totals().unwrap().values().map(|total| total.explored).sum();
    assert_eq!(explored, (run.decision.placed() as i64 + 5) / 10);
    let committed = book.commit_run(run.run_no).unwrap();
    assert_eq!(committed.hash, run.hash);
    let totals = run.decision.totals().unwrap();
    let row = totals
        .iter()
        .map(|(code, total)| format!("{code} {} ({})", total.accounts, total.explored))
        .collect::<Vec<_>>();
    told.row(&format!("run {} (explored)", run.run_no), row.join(", "));
    (run.run_no, files::assignment_csv(&run.decision, Lang::En).unwrap())
}

/// A past run from what it knew comes to the same bytes.
fn assert_repeats(book: &mut Book, run_no: i64, bytes: &[u8]) {
    let (_, _, decision) = replay::replay(&mut book.db, &book.lender, run_no).unwrap();
    assert!(
        files::assignment_csv(&decision, Lang::En).unwrap() == bytes,
        "run {run_no} is not repeated"
    );
}

/// The assignee that had an account on a day, by the rule of windows reckoned again here.
fn holder<'a>(of_account: &[&'a Placement], on: chrono::NaiveDate) -> Option<&'a Placement> {
    let cut = |one: &Placement| match one.close_reason {
        Some(CloseReason::Recalled | CloseReason::Returned | CloseReason::Transferred) => {
            one.closed_on.unwrap().min(one.expires_on)
        }
        _ => one.expires_on,
    };
    let running = of_account.iter().rev().find(|one| one.placed_on <= on)?;
    (on <= cut(running) + chrono::Days::new(running.tail_days as u64)).then_some(running)
}

/// Nobody has an account back, levels count the agencies, and each payment stands on the statement of who had the account
/// that day. Gives the payments of first placements, of later ones, and of the house.
fn assert_second_cycle(book: &mut Book, paid: &[Paid], teams: &[&str]) -> [usize; 3] {
    let all = placements(book);
    let mut by_account: BTreeMap<&str, Vec<&Placement>> = BTreeMap::new();
    for one in &all {
        by_account.entry(&one.account_no).or_default().push(one);
    }
    for own in by_account.values() {
        let mut held = BTreeSet::new();
        for one in own {
            assert!(
                held.insert(one.assignee.as_str()),
                "{} went back to {}",
                one.account_no,
                one.assignee
            );
            let agencies = held.iter().filter(|code| !teams.contains(code)).count();
            assert_eq!(
                one.facts.level, agencies as i64,
                "{} with {}",
                one.account_no, one.assignee
            );
        }
    }
    let mut settled: BTreeMap<String, String> = BTreeMap::new();
    for statement in book.statements() {
        let statement: serde_json::Value = serde_json::from_str(&statement).unwrap();
        for line in statement["lines"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|line| line["kind"] == "commission")
        {
            let text = |value: &serde_json::Value| value.as_str().unwrap().to_string();
            assert_eq!(
                settled.insert(text(&line["reference"]), text(&statement["agency"])),
                None,
                "settled twice: {line}"
            );
        }
    }
    let mut counts = [0; 3];
    for one in paid {
        let own = &by_account[one.account_no.as_str()];
        let who = holder(own, one.on);
        assert_eq!(
            settled.remove(&one.reference).as_deref(),
            who.map(|who| who.assignee.as_str()),
            "{}",
            one.reference
        );
        counts[who.map_or(2, |who| usize::from(who.placement_no != own[0].placement_no))] += 1;
    }
    assert!(settled.is_empty(), "settled, never received: {settled:?}");
    counts
}

/// What chance dealt, compared.
fn assert_tried(book: &mut Book, on: &str, parameters: Parameters, told: &mut Told) {
    let explored = measure::explored(&mut book.db, &book.lender, day(on), parameters).unwrap();
    let found = consign::performance::trial::compare_all(&explored, None);
    assert!(!found.is_empty());
    for one in &found {
        assert!(one.range.0 <= one.difference && one.difference <= one.range.1);
        told.row("trial", one.sentence(Lang::En));
    }
}

/// Complaints that are made up, on the first accounts of US3: two upheld, one open when accounts are placed again.
fn complain(book: &mut Book) {
    let first = in_hands(book, |one| one.assignee == "US3");
    for (case, received_on, decided) in [
        (1, "2013-07-09", Some("2013-07-18")),
        (2, "2013-07-10", Some("2013-07-19")),
        (3, "2013-07-30", None),
    ] {
        let new = complaint::NewComplaint {
            agency: "US3".to_string(),
            account_no: Some(first[case - 1].clone()),
            received_on: day(received_on),
            severity: Severity::High,
            text: "made up".to_string(),
            reference: Some(format!("C-{case}")),
            allow_future: false,
        };
        complaint::add(&mut book.db, &book.lender, &new, &by()).unwrap();
        let Some(on) = decided else { continue };
        let decision = complaint::NewDecision {
            reference: format!("C-{case}"),
            upheld: true,
            on: day(on),
            text: "made up".to_string(),
            deduction: None,
            corrects: None,
        };
        complaint::decide(&mut book.db, &book.lender, &decision, &by()).unwrap();
    }
}

/// Accounts of a region, in somebody's hands.
fn of_region(book: &mut Book, agency: &str, region: &str) -> Vec<String> {
    in_hands(book, |one| one.assignee == agency && one.facts.region.as_deref() == Some(region))
}

/// The loans come back in July and August: returned, recalled at once and in two phases, retained, held; July is closed.
fn loans_come_back(book: &mut Book, paid: &[Paid], told: &mut Told) {
    complain(book);
    let texas = of_region(book, "US2", "TX");
    step_all(
        book,
        &texas,
        Some("US2"),
        Action::AskReturn("no office there any more"),
        "2013-07-20",
    );
    let returned = step_all(book, &texas, None, Action::DecideReturn(true, None), "2013-07-24");
    let massachusetts = of_region(book, "US4", "MA");
    let compliance = recall_all(book, &massachusetts, "compliance", "2013-07-23", false);
    assert_eq!((returned, compliance), (27, (13, 0)));
    let paying = who_paid(paid, "2013-06-01", "2013-07-31");
    let kept =
        in_hands(book, |one| one.assignee == "US5" && paying.contains(one.account_no.as_str()));
    let until = day("2013-12-31");
    step_all(
        book,
        &kept,
        Some("US5"),
        Action::AskRetention(until, "pays by instalments"),
        "2013-07-22",
    );
    let retained = step_all(book, &kept, None, Action::DecideRetention(true, None), "2013-07-26");
    let paying = who_paid(paid, "2013-02-01", "2013-07-25");
    let silent = in_hands(book, |one| {
        ["US1", "US2"].contains(&one.assignee.as_str()) && !paying.contains(one.account_no.as_str())
    });
    let all_of_one = recall_from(book, "US3", "2013-07-25");
    let of_two = recall_all(book, &silent, "strategy", "2013-07-25", false);
    assert_eq!((all_of_one.0, of_two), (0, (0, silent.len())), "everybody has ten days to object");
    let large = |from: i64, to: i64| {
        let silent = silent.clone();
        move |one: &Placement| {
            one.assignee == "US1"
                && (from..to).contains(&one.balance().0)
                && silent.contains(&one.account_no)
        }
    };
    let (upheld, withdrawn) =
        (in_hands(book, large(1_500_000, 2_000_000)), in_hands(book, large(2_000_000, i64::MAX)));
    step_all(
        book,
        &[upheld.clone(), withdrawn.clone()].concat(),
        Some("US1"),
        Action::Object("settlement offered"),
        "2013-07-29",
    );
    close(book, "2013-07", told);
    step_all(book, &withdrawn, None, Action::DecideRecall(false, None), "2013-08-02");
    step_all(book, &upheld, None, Action::DecideRecall(true, None), "2013-08-02");
    let done = expire::expire(&mut book.db, &book.lender, day("2013-08-05"), &by()).unwrap();
    let objected = (upheld.len(), withdrawn.len());
    assert_eq!(
        (objected, done.recalls_final),
        ((7, 6), all_of_one.1 + of_two.1 - 13),
        "the rest was final across the month's end"
    );
    told.row(
        "came back",
        format!(
            "{returned} returned, {} at once, {} in two phases, {retained} retained",
            compliance.0,
            done.recalls_final + 7
        ),
    );
}

/// The loans are placed again: versions keyed on the level, a newcomer, what each run wrote.
fn loans_are_placed_again(book: &mut Book, told: &mut Told) -> (i64, Vec<u8>) {
    let nevada = book.texts(
        "SELECT account_no AS text FROM portfolio_row WHERE region = 'NV' ORDER BY account_no",
    );
    let flood = Holding {
        change: Change::Open(Some(day("2013-10-31"))),
        kind: HoldKind::Hardship,
        reason: "flood",
        on: day("2013-08-05"),
    };
    let held = change(&mut book.db, &book.lender, &Named::Accounts(&nevada), flood, &by()).unwrap();
    assert_eq!((held.done, held.refused.len()), (nevada.len(), 0));
    let parties = "us-parties-second.toml";
    consign::party::setup::set_up(&mut book.db, parties, &real(parties), &by()).unwrap();
    (1..=5).for_each(|number| book.publish(&real(&format!("us-{number}-second.toml"))));
    book.publish(&real("us-6.toml"));
    place_best(book, "us-second.toml", "2013-08-05", told)
}

#[test]
fn a_year_of_charged_off_loans_settles_to_the_cent() {
    let Some(folder) = data() else { return };
    let recoveries =
        std::fs::read_to_string(folder.join("lendingclub/recoveries_2013.csv")).unwrap();
    let (header, rows) = recoveries.split_once('\n').unwrap();
    on_each_database(|book| {
        let mut told = Told::of(book, "LendingClub 2013");
        set_up(
            book,
            "LC",
            "USD",
            "us-parties.toml",
            &["us-1.toml", "us-2.toml", "us-3.toml", "us-4.toml", "us-5.toml"],
        );
        let path = folder.join("lendingclub/portfolio_2013-01-31.csv");
        let options = Options {
            expect_rows: Some(2480),
            expect_total: Some("16475657.03"),
            all_or_nothing: true,
            ..Options::default()
        };
        let done = book.try_portfolio(&path, "2013-01-31", &options).unwrap();
        assert_eq!(
            (done.totals.new, done.rejected, done.totals.total.as_str()),
            (2480, 0, "16475657.03")
        );
        told.row(
            "portfolio of 2013-01-31",
            format!("{} accounts, {}", done.totals.new, done.totals.total),
        );
        let run = book.try_allocate(&real("equal.toml"), "2013-02-01", true).unwrap();
        let first = files::assignment_csv(&run.decision, Lang::En).unwrap();
        let shares = run.decision.totals().unwrap();
        assert_eq!(shares.values().map(|total| total.accounts).collect::<Vec<_>>(), [496; 5]);
        told.row(
            "allocate, equal shares",
            shares
                .iter()
                .map(|(code, total)| {
                    format!("{code} {} {}", total.accounts, total.balance.grouped(book.currency))
                })
                .collect::<Vec<_>>()
                .join(", "),
        );
        let paid = payments(&recoveries);
        let mut second = (0, Vec::new());
        for number in 2..=12 {
            let month = format!("2013-{number:02}");
            if number == 8 {
                second = loans_are_placed_again(book, &mut told);
                assert_eq!(
                    book.number("SELECT COUNT(*) AS number FROM placement WHERE level = 2"),
                    1117
                );
            }
            let of_month: Vec<&str> = rows
                .lines()
                .filter(|row| row.split(',').nth(2).unwrap().starts_with(&month))
                .collect();
            let done = book.recoveries(&format!("{header}\n{}\n", of_month.join("\n")));
            assert_eq!(done.accepted as usize, of_month.len());
            told.row(
                &format!("recoveries of {month}"),
                format!("{} rows, {}", done.accepted, done.totals.payments),
            );
            match number {
                7 => loans_come_back(book, &paid, &mut told),
                _ => close(book, &month, &mut told),
            }
        }
        assert_repeats(book, 1, &first);
        assert_repeats(book, second.0, &second.1);
        assert_eq!(assert_second_cycle(book, &paid, &[]), [3717, 1154, 29]);
        let factors = book
            .statements()
            .iter()
            .filter(|text| text.contains("\"kind\":\"performance\""))
            .count();
        assert_eq!(factors, 5, "US2's rank moves its commission every month from August");
        let parameters = Parameters { window_months: 12, horizon_days: 120, credibility: 200 };
        assert_tried(book, "2013-12-31", parameters, &mut told);
        assert_eq!(book.count("recovery"), 4900);
        assert_eq!(book.balance("Assets:Bank"), 148_783_561, "payments come to 1,487,835.61");
        let owed = book
            .trial_balance()
            .iter()
            .filter(|(name, ..)| {
                name.starts_with("Assets:Loans:") || name == "Liabilities:Overpaid"
            })
            .map(|(_, d, c)| d - c)
            .sum::<i64>();
        assert_eq!(owed, 1_647_565_703 - 148_783_561);
        book.assert_proven();
        told.row(
            "verify",
            format!("proven; {} ledger transactions", book.count("ledger_transaction")),
        );
    });
}

/// The cards come back from the team and, where nothing was paid, from TW1; July is closed.
fn cards_come_back(book: &mut Book, paid: &[Paid], told: &mut Told) {
    let team = recall_from(book, "TEAM", "2005-07-25");
    let paying = who_paid(paid, "2005-06-01", "2005-07-31");
    let silent =
        in_hands(book, |one| one.assignee == "TW1" && !paying.contains(one.account_no.as_str()));
    let requested = recall_all(book, &silent, "strategy", "2005-07-26", false);
    close(book, "2005-07", told);
    let done = expire::expire(&mut book.db, &book.lender, day("2005-08-03"), &by()).unwrap();
    assert_eq!((team, requested, done.recalls_final), ((666, 0), (0, 48), 48));
    told.row(
        "came back",
        format!("{} from the team, {} silent from TW1", team.0, done.recalls_final),
    );
}

/// What brought nothing at level 2 in August: rotation leaves both agencies no choice, the team takes it.
fn cards_go_to_the_team(book: &mut Book, paid: &[Paid], told: &mut Told) -> (i64, Vec<u8>) {
    let paying = who_paid(paid, "2005-08-01", "2005-08-31");
    let silent = in_hands(book, |one| {
        one.assignee != "TEAM" && one.facts.level == 2 && !paying.contains(one.account_no.as_str())
    });
    assert_eq!(recall_all(book, &silent, "strategy", "2005-08-29", true), (silent.len(), 0));
    close(book, "2005-08", told);
    let refused = book.try_allocate(&real("tw-second.toml"), "2005-09-01", false).unwrap();
    assert_eq!((refused.decision.placed(), refused.decision.assigned.len()), (0, silent.len()));
    let text =
        String::from_utf8(files::assignment_csv(&refused.decision, Lang::En).unwrap()).unwrap();
    assert_eq!(text.matches("TW1 rotation, TW2 rotation").count(), silent.len());
    let run = book.try_allocate(&real("tw-third.toml"), "2005-09-01", true).unwrap();
    assert_eq!(run.decision.totals().unwrap()["TEAM"].accounts, silent.len() as i64);
    told.row(
        "level 2 to the team",
        format!("{} accounts, which both agencies have had", silent.len()),
    );
    (run.run_no, files::assignment_csv(&run.decision, Lang::En).unwrap())
}

#[test]
fn half_a_year_of_cards_settles_with_a_newer_portfolio_in_between() {
    let Some(folder) = data() else { return };
    on_each_database(|book| {
        let mut told = Told::of(book, "Taiwanese cards 2005");
        set_up(book, "TWC", "TWD", "tw-parties.toml", &["tw-1.toml", "tw-2.toml", "tw-team.toml"]);
        let portfolio = |book: &mut Book, day: &str| {
            let path = folder.join(format!("taiwan_cards/portfolio_{day}.csv"));
            book.try_portfolio(&path, day, &Options::default()).unwrap()
        };
        let done = portfolio(book, "2005-04-30");
        assert_eq!(
            (done.totals.new, done.rejected, done.totals.total.as_str()),
            (2228, 0, "111324561.00")
        );
        told.row(
            "portfolio of 2005-04-30",
            format!("{} accounts, {}", done.totals.new, done.totals.total),
        );
        let run = book.try_allocate(&real("equal.toml"), "2005-05-01", true).unwrap();
        assert_eq!(
            run.decision.totals().unwrap().values().map(|total| total.accounts).sum::<i64>(),
            2228
        );
        told.row(
            "allocate, equal shares",
            run.decision
                .totals()
                .unwrap()
                .iter()
                .map(|(code, total)| format!("{code} {}", total.accounts))
                .collect::<Vec<_>>()
                .join(", "),
        );
        let first = files::assignment_csv(&run.decision, Lang::En).unwrap();
        let (mut paid, mut runs) = (Vec::new(), vec![(run.run_no, first)]);
        for (month, rows, total) in [
            (5, 1068, "3725054.00"),
            (6, 1662, "8036216.00"),
            (7, 1625, "6836259.00"),
            (8, 1621, "7258889.00"),
            (9, 1656, "7558061.00"),
        ] {
            let path = folder.join(format!("taiwan_cards/recoveries_2005-{month:02}.csv"));
            if month == 8 {
                ["tw-1-second.toml", "tw-2-second.toml"]
                    .iter()
                    .for_each(|contract| book.publish(&real(contract)));
                runs.push(place_best(book, "tw-second.toml", "2005-08-03", &mut told));
            }
            let done = book.try_recoveries(&path, &consign::intake::Options::default()).unwrap();
            assert_eq!(
                (done.accepted, done.rejected, done.totals.payments.as_str()),
                (rows, 0, total)
            );
            paid.extend(payments(&std::fs::read_to_string(&path).unwrap()));
            told.row(
                &format!("recoveries of 2005-{month:02}"),
                format!(
                    "{} rows, {}, {} beyond what was owed",
                    done.accepted, done.totals.payments, done.totals.beyond_owed
                ),
            );
            if month == 6 {
                let done = portfolio(book, "2005-06-30");
                assert_eq!(
                    (
                        done.totals.new,
                        done.totals.updated + done.totals.unchanged,
                        done.totals.missing,
                        done.totals.total.as_str()
                    ),
                    (0, 2228, 0, "110970529.00")
                );
                told.row(
                    "portfolio of 2005-06-30",
                    format!(
                        "{} updated, {} closed as paid",
                        done.totals.updated, done.totals.closed_as_paid
                    ),
                );
            }
            match month {
                7 => cards_come_back(book, &paid, &mut told),
                8 => runs.push(cards_go_to_the_team(book, &paid, &mut told)),
                _ => close(book, &format!("2005-{month:02}"), &mut told),
            }
        }
        assert_eq!(book.count("recovery"), paid.len() as i64);
        assert_eq!(book.balance("Assets:Bank"), 3_341_447_900, "payments come to 33,414,479");
        runs.iter().for_each(|(run_no, bytes)| assert_repeats(book, *run_no, bytes));
        let [at_first, later, house] = assert_second_cycle(book, &paid, &["TEAM"]);
        assert!(at_first > 0 && later > 1000 && house > 0, "{at_first}, {later}, {house}");
        let parameters = Parameters { window_months: 6, horizon_days: 55, credibility: 100 };
        assert_tried(book, "2005-10-01", parameters, &mut told);
        book.assert_proven();
        told.row(
            "verify",
            format!("proven; {} ledger transactions", book.count("ledger_transaction")),
        );
        let again = portfolio(book, "2005-04-30");
        assert!(again.already_imported);
    });
}

#[test]
fn a_source_with_names_and_noise_of_its_own_goes_through_a_map_and_rejects_honestly() {
    let Some(folder) = data() else { return };
    let path = folder.join("lendingclub/raw_charged_off.csv");
    let map =
        |name: &str| ColumnMap::parse(&real(name), consign::portfolio::columns::COLUMNS).unwrap();
    on_each_database(|book| {
        let mut told = Told::of(book, "LendingClub, raw columns");
        set_up(book, "LC", "USD", "us-parties.toml", &[]);
        let names = map("raw-map.toml");
        let done = book
            .try_portfolio(
                &path,
                "2013-01-31",
                &Options { map: Some(&names), ..Options::default() },
            )
            .unwrap();
        assert_eq!(
            (done.totals.new, done.rejected, done.totals.total.as_str()),
            (2480, 0, "26229225.00")
        );
        assert!(done.warnings[0].contains("emp_title"), "{:?}", done.warnings);
        assert_eq!(
            book.number("SELECT COUNT(*) AS number FROM portfolio_row WHERE days_past_due = 181 AND last_paid_on IS NULL"),
            42
        );
        told.row("by the map", format!("{} accounts, {}", done.totals.new, done.totals.total));
        let noisy = map("noisy-map.toml");
        let whole = Options { map: Some(&noisy), all_or_nothing: true, ..Options::default() };
        let before = book.state();
        let message = book.try_portfolio(&path, "2013-02-28", &whole).unwrap_err().to_string();
        assert!(
            message.contains("500 rows are rejected") && message.contains("more decimals"),
            "{message}"
        );
        assert_eq!(book.state(), before);
        let rejects = book.folder().join("rejects.csv");
        let done = book
            .try_portfolio(
                &path,
                "2013-02-28",
                &Options { map: Some(&noisy), rejects: Some(&rejects), ..Options::default() },
            )
            .unwrap();
        assert_eq!((done.rows, done.totals.updated, done.rejected), (2480, 1980, 500));
        assert_eq!(csv::Reader::from_path(&rejects).unwrap().records().count(), 500);
        told.row(
            "a column with binary noise",
            format!(
                "{} rows rejected, not rounded: line {}, {} \"{}\"",
                done.rejected, done.faults[0].line, done.faults[0].column, done.faults[0].value
            ),
        );
        book.assert_proven();
    });
}
