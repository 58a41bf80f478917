//! The life of a placement: recalls in two phases, returns, retentions, transfers, holds; what each refuses, and what
//! never depends on when anything was recorded.

use std::cell::RefCell;

use chrono::Days;
use consign::hold::HoldKind;
use consign::hold::change::{Change, Held, HoldError, Holding, change};
use consign::placement::step::Selection;
use consign::placement::{
    Action, Instruction, Placement, PlacementError, Refusal, recall, store, windows,
};
use consign::portfolio::named::Named;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::support::{Book, TODAY, all_to, by, day, flat_contract, month_of, on_each_database};

/// Two agencies: A01 with five days to object and a tail, A02 with neither.
fn ready(book: &mut Book) {
    book.set_up("CNY", &["A01", "A02"]);
    published(book);
}

fn published(book: &mut Book) {
    let with = |agency: &str, more: &str| {
        flat_contract(agency, "20%", 60).replace("term_days", &format!("{more}term_days"))
    };
    book.publish(&with("A01", "objection_days = 5\ntail_days = 3\n"));
    book.publish(&with("A02", ""));
    book.portfolio(
        "2025-12-31",
        "account_no,balance,days_past_due,debtor_ref\n1,1000.00,45,d1\n2,2000.00,45,d2\n3,300.00,45,d3\n4,400.00,45,d3\n",
    );
}

fn placements(book: &mut Book, account_no: &str) -> Vec<Placement> {
    let lender = book.lender.clone();
    store::of_accounts(&mut book.db, &lender, &format!("[\"{account_no}\"]")).unwrap()
}

fn last(book: &mut Book, account_no: &str) -> Placement {
    placements(book, account_no).pop().unwrap()
}

/// How the last placement of an account closed.
fn closed(book: &mut Book, account_no: &str) -> Option<(String, &'static str)> {
    let last = last(book, account_no);
    last.closed_on.map(|on| (on.to_string(), last.close_reason.unwrap().name()))
}

fn is_closed(book: &mut Book, account_no: &str, on: &str, reason: &'static str) {
    assert_eq!(closed(book, account_no), Some((on.to_string(), reason)), "account {account_no}");
}

fn refusal(refused: Result<consign::placement::step::StepReport, PlacementError>) -> Refusal {
    match refused {
        Err(PlacementError::Refused(_, refusal)) => refusal,
        other => panic!("not a refusal: {other:?}"),
    }
}

fn request(book: &mut Book, which: &Selection<'_>, reason: &str, on: &str) -> recall::Recalled {
    recall::recall(&mut book.db, &book.lender, which, reason, day(on), false, &by()).unwrap()
}

#[test]
fn a_recall_is_final_on_the_last_day_to_object_when_nobody_does() {
    on_each_database(|book| {
        ready(book);
        assert_eq!(book.allocate("2026-01-05", "A01"), 4);
        let done = request(book, &Selection::Assignee("A01"), "review", "2026-01-10");
        assert_eq!((done.requested, done.recalled, done.not_placed.len()), (4, 0, 0));
        book.step("1", Some("A01"), Action::Acknowledge, "2026-01-11").unwrap();
        assert_eq!(book.expire("2026-01-15"), 0);
        assert_eq!(closed(book, "1"), None, "the fifteenth is the last day to object");
        book.recoveries(
            "reference,account_no,received_on,amount\np,1,2026-01-14,100.00\nq,1,2026-01-18,50.00\nr,1,2026-01-19,50.00\n",
        );
        assert_eq!(book.expire("2026-01-16"), 0, "nothing ran out");
        is_closed(book, "1", "2026-01-15", "recalled");
        assert_eq!(last(book, "1").close_code.as_deref(), Some("review"));
        let lender = book.lender.clone();
        let log = consign::placement::step_store::log(&mut book.db, &lender, Some("1")).unwrap();
        let told: Vec<(String, String, i64)> = log
            .into_iter()
            .map(|row| (row.step_name().to_string(), row.on_day.to_string(), row.owed.0))
            .collect();
        let expected = [
            ("recall_request", "2026-01-10", 100_000),
            ("recall_acknowledgement", "2026-01-11", 100_000),
            ("closing", "2026-01-15", 80_000),
        ];
        assert_eq!(told, expected.map(|(step, on, owed)| (step.to_string(), on.to_string(), owed)));
        book.close("2026-01");
        let statement = book.statement("A01", "2026-01");
        assert_eq!(
            statement["commission"], "30.00",
            "20 % of what came until closing and in three days of tail"
        );
        book.assert_proven();
    });
}

#[test]
fn an_objection_waits_for_the_lender_whatever_time_passes() {
    on_each_database(|book| {
        ready(book);
        book.allocate("2026-01-05", "A01");
        request(book, &Selection::Assignee("A01"), "review", "2026-01-10");
        for account in ["1", "2", "3"] {
            book.step(account, Some("A01"), Action::Object("in negotiation"), "2026-01-15")
                .unwrap();
        }
        book.expire("2026-02-01");
        is_closed(book, "4", "2026-01-15", "recalled");
        book.step("1", None, Action::DecideRecall(true, Some("no")), "2026-02-01").unwrap();
        is_closed(book, "1", "2026-02-01", "recalled");
        book.step("2", None, Action::DecideRecall(false, None), "2026-02-02").unwrap();
        assert_eq!(last(book, "2").life(), consign::placement::Life::default());
        book.expire("2026-03-05");
        assert_eq!(closed(book, "2"), None);
        assert_eq!(closed(book, "3"), None);
        // A recall that was withdrawn can be asked for again.
        assert_eq!(request(book, &Selection::Assignee("A01"), "again", "2026-03-05").requested, 1);
        assert_eq!(
            book.expire("2026-03-06"),
            2,
            "what expires first expires, with or without a recall"
        );
        is_closed(book, "2", "2026-03-05", "expired");
        is_closed(book, "3", "2026-03-05", "expired");
        book.assert_proven();
    });
}

#[test]
fn without_time_to_object_or_for_compliance_a_recall_is_final_at_once() {
    on_each_database(|book| {
        ready(book);
        book.portfolio("2026-01-01", "account_no,balance,days_past_due\n5,10.00,45\n");
        book.allocate("2026-01-05", "A02");
        let done = request(book, &Selection::Assignee("A02"), "review", "2026-01-10");
        assert_eq!((done.requested, done.recalled), (0, 5));
        is_closed(book, "1", "2026-01-10", "recalled");
        assert_eq!(last(book, "1").steps.len(), 1, "the request is a record of its own");
        assert_eq!(book.allocate("2026-01-10", "A01"), 5);
        assert_eq!(
            request(book, &Selection::DueBy(day("2026-03-10")), "review", "2026-01-11").requested,
            5
        );
        let again = request(book, &Selection::DueBy(day("2026-03-10")), "review", "2026-01-12");
        assert_eq!(
            (again.requested, again.recalled, again.already_requested.len()),
            (0, 0, 5),
            "asked twice, not doubled"
        );
        let path = book.file("compliance.csv", "account_no\n1\n2\n");
        assert_eq!(
            request(book, &Selection::Named(Named::File(&path)), "compliance", "2026-01-12")
                .recalled,
            2
        );
        is_closed(book, "1", "2026-01-12", "recalled");
        book.recall(&["3"], "2026-01-13");
        is_closed(book, "3", "2026-01-13", "recalled");
        book.expire("2026-02-01");
        is_closed(book, "4", "2026-01-16", "recalled");
        book.close("2026-01");
        book.assert_proven();
    });
}

#[test]
fn a_recall_of_what_is_held_finds_the_debtors_other_accounts_too() {
    on_each_database(|book| {
        ready(book);
        book.allocate("2026-01-05", "A01");
        hold(book, "3", Change::Open(None), HoldKind::Deceased, "2026-01-08").unwrap();
        let done = request(book, &Selection::Held(HoldKind::Deceased), "compliance", "2026-01-09");
        assert_eq!(done.recalled, 2, "a death holds both accounts of the debtor");
        assert_eq!(
            request(book, &Selection::Held(HoldKind::Dispute), "x", "2026-01-09").requested,
            0
        );
        book.assert_proven();
    });
}

#[test]
fn every_command_with_a_later_day_records_a_recall_that_became_final() {
    on_each_database(|book| {
        book.set_up("CNY", &["A01", "A02"]);
        for which in 0..6 {
            book.another_lender("CNY", &["A01", "A02"]);
            published(book);
            book.allocate("2026-01-05", "A01");
            request(book, &Selection::Assignee("A01"), "review", "2026-01-28");
            match which {
                0 => drop(book.expire("2026-02-03")),
                1 => drop(book.try_allocate(&all_to("A02"), "2026-02-03", true).unwrap()),
                2 => drop(book.try_recall(&["nobody"], "2026-02-03").unwrap()),
                3 => drop(book.close("2026-02")),
                4 => drop(
                    hold(book, "1", Change::Open(None), HoldKind::Dispute, "2026-02-03").unwrap(),
                ),
                _ => {
                    let simulated = book.try_allocate(&all_to("A02"), "2026-02-03", false).unwrap();
                    assert_eq!(closed(book, "1"), None, "a simulation records nothing");
                    book.commit_run(simulated.run_no).unwrap();
                    assert_eq!(last(book, "1").assignee, "A02", "but it knows who is free");
                }
            }
            let first = placements(book, "2").remove(0);
            assert_eq!(first.closed_on, Some(day("2026-02-02")), "case {which}");
            book.assert_proven();
        }
    });
}

#[test]
fn a_recall_becomes_final_in_the_month_after_the_one_that_was_closed() {
    on_each_database(|book| {
        ready(book);
        book.allocate("2026-01-05", "A01");
        request(book, &Selection::Assignee("A01"), "review", "2026-01-29");
        book.recoveries("reference,account_no,received_on,amount\np,1,2026-01-30,100.00\n");
        book.close("2026-01");
        assert_eq!(closed(book, "1"), None);
        book.step("2", Some("A01"), Action::Object("late, but in time"), "2026-02-03").unwrap();
        book.recoveries(
            "reference,account_no,received_on,amount\nq,1,2026-02-06,10.00\nr,1,2026-02-07,10.00\ns,2,2026-02-20,10.00\n",
        );
        book.close("2026-02");
        is_closed(book, "1", "2026-02-03", "recalled");
        assert_eq!(book.statement("A01", "2026-01")["commission"], "20.00");
        assert_eq!(
            book.statement("A01", "2026-02")["commission"],
            "4.00",
            "the tail ends on the sixth; account 2 goes on"
        );
        assert_eq!(book.statement("A01", "2026-02")["true_up"], "0.00");
        book.assert_proven();
    });
}

#[test]
fn a_payment_in_full_does_not_outlive_the_recall_that_was_pending() {
    on_each_database(|book| {
        book.set_up("CNY", &["A01"]);
        let mut earned = Vec::new();
        for recorded_before in [false, true] {
            book.another_lender("CNY", &["A01", "A02"]);
            published(book);
            book.allocate("2026-01-05", "A01");
            request(book, &Selection::Assignee("A01"), "review", "2026-01-10");
            if recorded_before {
                book.expire("2026-01-16");
            }
            book.recoveries("reference,account_no,received_on,amount\np,3,2026-01-12,300.00\n");
            book.recoveries("reference,account_no,received_on,amount\nq,3,2026-01-25,7.00\n");
            book.close("2026-01");
            let (on, reason) =
                if recorded_before { ("2026-01-15", "recalled") } else { ("2026-01-12", "paid") };
            is_closed(book, "3", on, reason);
            book.assert_proven();
            earned.push(book.statement("A01", "2026-01")["commission"].clone());
        }
        assert_eq!(earned, ["60.00", "60.00"], "what came on the 25th is the house's either way");
    });
}

#[test]
fn a_return_is_asked_by_the_agency_and_decided_by_the_lender() {
    on_each_database(|book| {
        ready(book);
        book.allocate("2026-01-05", "A01");
        book.step("1", Some("A01"), Action::AskReturn("moved abroad"), "2026-01-10").unwrap();
        let pending =
            refusal(book.step("1", Some("A01"), Action::AskReturn("again"), "2026-01-11"));
        assert_eq!(pending, Refusal::ReturnPending(day("2026-01-10")));
        book.step("1", None, Action::DecideReturn(false, Some("try again")), "2026-01-12").unwrap();
        assert_eq!(closed(book, "1"), None);
        book.step("1", Some("A01"), Action::AskReturn("really"), "2026-01-13").unwrap();
        book.step("1", None, Action::DecideReturn(true, None), "2026-01-14").unwrap();
        is_closed(book, "1", "2026-01-14", "returned");
        assert_eq!(book.allocate("2026-01-14", "A02"), 1, "free again on the day of the return");
        book.recoveries(
            "reference,account_no,received_on,amount\np,1,2026-01-13,10.00\nq,1,2026-01-14,10.00\n",
        );
        book.close("2026-01");
        assert_eq!(book.statement("A01", "2026-01")["commission"], "2.00");
        assert_eq!(book.statement("A02", "2026-01")["commission"], "2.00");
        book.assert_proven();
    });
}

#[test]
fn a_retention_moves_the_last_day_also_after_months_were_closed() {
    on_each_database(|book| {
        ready(book);
        book.allocate("2026-01-05", "A01");
        let until = Action::AskRetention(day("2026-04-10"), "pays by instalments");
        book.step("1", Some("A01"), until, "2026-01-20").unwrap();
        book.step("2", None, until, "2026-01-20").unwrap();
        book.recoveries("reference,account_no,received_on,amount\np,1,2026-01-15,10.00\n");
        book.close("2026-01");
        let january = book.statements();
        book.step("1", None, Action::DecideRetention(true, None), "2026-02-10").unwrap();
        book.step("2", None, Action::DecideRetention(false, Some("no")), "2026-02-10").unwrap();
        assert_eq!(last(book, "1").expires_on, day("2026-04-10"));
        assert_eq!(
            last(book, "1").known_at(0).expires_on,
            day("2026-03-05"),
            "as it was known before"
        );
        book.close("2026-02");
        book.assert_proven();
        // A second retention, on top of the first.
        book.step("1", None, Action::AskRetention(day("2026-05-01"), "still pays"), "2026-04-09")
            .unwrap();
        book.step("1", None, Action::DecideRetention(true, None), "2026-04-09").unwrap();
        book.recoveries(
            "reference,account_no,received_on,amount\nq,1,2026-03-20,10.00\nr,1,2026-05-04,10.00\ns,1,2026-05-05,10.00\nt,2,2026-03-20,10.00\n",
        );
        assert_eq!(book.expire("2026-05-02"), 1, "the others ran out before");
        is_closed(book, "1", "2026-05-01", "expired");
        is_closed(book, "2", "2026-03-05", "expired");
        ["2026-03", "2026-04", "2026-05"].iter().for_each(|month| drop(book.close(month)));
        assert_eq!(book.statements()[..january.len()], january);
        let sum: i64 = ["2026-01", "2026-03", "2026-04", "2026-05"]
            .iter()
            .map(|month| {
                crate::support::minor(&book.statement("A01", month)["commission"], book.currency)
            })
            .sum();
        assert_eq!(sum, 600, "three payments of the retained account within window and tail");
        book.assert_proven();
    });
}

#[test]
fn a_transfer_closes_and_holds_until_the_hold_is_ended() {
    on_each_database(|book| {
        ready(book);
        book.allocate("2026-01-05", "A01");
        book.step("1", None, Action::Transfer("sale-2026"), "2026-01-10").unwrap();
        is_closed(book, "1", "2026-01-10", "transferred");
        assert_eq!(book.allocate("2026-01-11", "A02"), 0, "what is sold is not placed again");
        hold(book, "1", Change::End, HoldKind::Transferred, "2026-01-12").unwrap();
        assert_eq!(book.allocate("2026-01-11", "A02"), 0);
        assert_eq!(book.allocate("2026-01-12", "A02"), 1);
        let lender = book.lender.clone();
        let action = Action::Transfer("sale");
        let transfer = Instruction { action, agency: None, on: day("2026-01-20") };
        let all = Selection::Assignee("A01");
        let done =
            consign::placement::step::take(&mut book.db, &lender, &all, &transfer, &by()).unwrap();
        assert_eq!((done.taken, done.closed), (3, 3));
        assert_eq!(book.balance("Assets:Loans:A01"), 0);
        book.close("2026-01");
        book.assert_proven();
    });
}

#[allow(clippy::result_large_err)]
fn hold(
    book: &mut Book,
    account: &str,
    what: Change,
    kind: HoldKind,
    on: &str,
) -> Result<Held, HoldError> {
    let holding = Holding { change: what, kind, reason: "a letter came", on: day(on) };
    change(&mut book.db, &book.lender, &Named::Account(account), holding, &by())
}

#[test]
fn holds_stop_placing_for_their_days_and_nothing_else() {
    on_each_database(|book| {
        ready(book);
        hold(book, "1", Change::Open(Some(day("2026-01-20"))), HoldKind::Dispute, "2026-01-05")
            .unwrap();
        hold(book, "3", Change::Open(None), HoldKind::Complaint, "2026-01-05").unwrap();
        assert_eq!(
            book.allocate("2026-01-05", "A01"),
            1,
            "the complaint holds both accounts of the debtor"
        );
        assert_eq!(book.allocate("2026-01-20", "A01"), 0);
        assert_eq!(book.allocate("2026-01-21", "A01"), 1);
        let before = book.state();
        for (refused, why) in [
            (hold(book, "3", Change::Open(None), HoldKind::Complaint, "2026-01-06"), "2026-01-05"),
            (hold(book, "1", Change::End, HoldKind::Dispute, "2026-01-21"), "no hold"),
            (hold(book, "2", Change::End, HoldKind::Dispute, "2026-01-21"), "no hold"),
            (hold(book, "3", Change::End, HoldKind::Complaint, "2026-01-04"), "2026-01-05"),
            (
                hold(book, "nobody", Change::Open(None), HoldKind::Dispute, "2026-01-06"),
                "not known",
            ),
            (
                hold(
                    book,
                    "2",
                    Change::Open(Some(day("2026-01-05"))),
                    HoldKind::Dispute,
                    "2026-01-06",
                ),
                "2026-01-05",
            ),
        ] {
            let message = refused.unwrap_err().to_string();
            assert!(message.contains(why), "{message}");
        }
        assert_eq!(book.state(), before);
        hold(book, "3", Change::End, HoldKind::Complaint, "2026-01-22").unwrap();
        assert_eq!(book.allocate("2026-01-22", "A01"), 2);
        book.recoveries("reference,account_no,received_on,amount\np,1,2026-01-21,10.00\n");
        // A file's own hold goes on beside one opened by hand, and each ends by itself.
        hold(book, "2", Change::Open(None), HoldKind::Hardship, "2026-01-23").unwrap();
        book.portfolio(
            "2026-01-24",
            "account_no,balance,days_past_due,hold\n2,2000.00,70,hardship\n",
        );
        book.portfolio("2026-01-25", "account_no,balance,days_past_due,hold\n2,2000.00,70,\n");
        let lender = book.lender.clone();
        let running = consign::hold::store::holds_of(&mut book.db, &lender, "[\"2\"]").unwrap();
        let running: Vec<bool> =
            running.iter().filter(|one| one.ended_on.is_none()).map(|one| one.by_file).collect();
        assert_eq!(running, [false], "an emptied cell ends only what a file opened");
        book.close("2026-01");
        let closed = hold(book, "2", Change::End, HoldKind::Hardship, "2026-01-31").unwrap_err();
        assert!(matches!(closed, HoldError::ClosedMonth(_)), "{closed}");
        book.assert_proven();
    });
}

/// Whatever is refused changes nothing and says why with the figures.
#[test]
fn what_cannot_be_is_refused_and_leaves_no_trace() {
    on_each_database(|book| {
        ready(book);
        book.allocate("2026-01-05", "A01");
        book.recall(&["4"], "2026-01-06");
        book.step("2", None, Action::RequestRecall("review"), "2026-01-10").unwrap();
        book.step("2", Some("A01"), Action::Acknowledge, "2026-01-11").unwrap();
        book.step("2", Some("A01"), Action::Object("no"), "2026-01-12").unwrap();
        book.step("3", Some("A01"), Action::AskReturn("gone"), "2026-01-11").unwrap();
        book.step(
            "3",
            Some("A01"),
            Action::AskRetention(day("2026-04-01"), "or not"),
            "2026-01-11",
        )
        .unwrap();
        let before = book.state();
        let (jan, a01) = (|on: u32| day(&format!("2026-01-{on:02}")), Some("A01"));
        let until = |text: &str| Action::AskRetention(day(text), "why not");
        let cases: Vec<(&str, Option<&str>, Action<'_>, &str, Refusal)> = vec![
            (
                "nobody",
                None,
                Action::RequestRecall("x"),
                "2026-01-20",
                Refusal::NeverPlaced(jan(20)),
            ),
            ("1", None, Action::RequestRecall("x"), "2026-01-04", Refusal::NotYet(jan(5))),
            (
                "4",
                None,
                Action::RequestRecall("x"),
                "2026-01-20",
                Refusal::Closed(jan(6), Some(consign::placement::CloseReason::Recalled)),
            ),
            (
                "4",
                Some("A02"),
                Action::AskReturn("x"),
                "2026-01-20",
                Refusal::NotHeldBy("A02".to_string()),
            ),
            (
                "1",
                Some("A02"),
                Action::AskReturn("x"),
                "2026-01-20",
                Refusal::NotHeldBy("A02".to_string()),
            ),
            ("2", None, Action::RequestRecall("x"), "2026-01-20", Refusal::RecallPending(jan(10))),
            ("1", a01, Action::Object("x"), "2026-01-20", Refusal::NoRecall),
            ("1", a01, Action::Acknowledge, "2026-01-20", Refusal::NoRecall),
            ("1", None, Action::DecideRecall(true, None), "2026-01-20", Refusal::NoRecall),
            ("2", a01, Action::Acknowledge, "2026-01-20", Refusal::Acknowledged(jan(11))),
            ("2", a01, Action::Object("x"), "2026-01-13", Refusal::Objected(jan(12))),
            ("2", None, Action::DecideRecall(true, None), "2026-01-11", Refusal::Before(jan(12))),
            ("2", None, until("2026-04-01"), "2026-01-20", Refusal::RecallPending(jan(10))),
            ("3", a01, Action::AskReturn("x"), "2026-01-20", Refusal::ReturnPending(jan(11))),
            ("1", None, Action::DecideReturn(true, None), "2026-01-20", Refusal::NoReturn),
            ("3", None, Action::DecideReturn(true, None), "2026-01-10", Refusal::Before(jan(11))),
            ("3", None, until("2026-05-01"), "2026-01-20", Refusal::RetentionPending(jan(11))),
            ("1", None, Action::DecideRetention(true, None), "2026-01-20", Refusal::NoRetention),
            (
                "3",
                None,
                Action::DecideRetention(true, None),
                "2026-01-10",
                Refusal::Before(jan(11)),
            ),
            (
                "1",
                None,
                until("2026-03-05"),
                "2026-01-20",
                Refusal::NotLater(day("2026-03-05"), day("2026-03-05")),
            ),
        ];
        for (account, agency, wanted, on, expected) in cases {
            assert_eq!(
                refusal(book.step(account, agency, wanted, on)),
                expected,
                "{wanted:?} of {account}"
            );
        }
        for (wanted, why) in [
            (Action::Transfer("two words"), "two words"),
            (Action::AskReturn("  "), "0 characters"),
            (Action::RequestRecall(""), "short word"),
        ] {
            assert!(
                book.step("1", None, wanted, "2026-01-20").unwrap_err().to_string().contains(why)
            );
        }
        assert!(matches!(
            book.step("1", Some("A77"), Action::Acknowledge, "2026-01-20"),
            Err(PlacementError::NoAssignee(_))
        ));
        assert_eq!(book.state(), before);
        // Later the same placements have run out, also where nobody recorded it.
        let late = "2026-03-05";
        assert_eq!(
            refusal(book.step("3", None, Action::DecideRetention(true, None), late)),
            Refusal::LastDay(day(late))
        );
        assert_eq!(
            refusal(book.step("1", None, until("2026-04-01"), late)),
            Refusal::LastDay(day(late))
        );
        let over = refusal(book.step("1", a01, Action::AskReturn("x"), "2026-03-06"));
        assert_eq!(
            over,
            Refusal::Closed(day(late), Some(consign::placement::CloseReason::Expired))
        );
        assert_eq!(book.state(), before, "what was recorded on the way is undone with the refusal");
        book.close("2026-01");
        let refused = book.step("1", a01, Action::AskReturn("x"), "2026-01-31").unwrap_err();
        assert!(matches!(refused, PlacementError::ClosedMonth(_)), "{refused}");
        book.assert_proven();
    });
}

#[test]
fn after_each_closing_the_account_can_be_placed_again_on_the_same_day() {
    on_each_database(|book| {
        book.set_up("CNY", &["A01"]);
        for wanted in ["recall", "uphold", "return", "transfer"] {
            book.another_lender("CNY", &["A01", "A02"]);
            published(book);
            book.allocate("2026-01-05", "A01");
            match wanted {
                "recall" => book.recall(&["1"], "2026-01-10"),
                "uphold" => {
                    book.step("1", None, Action::RequestRecall("review"), "2026-01-08").unwrap();
                    book.step("1", None, Action::DecideRecall(true, None), "2026-01-10").unwrap();
                }
                "return" => {
                    book.step("1", Some("A01"), Action::AskReturn("gone"), "2026-01-10").unwrap();
                    book.step("1", None, Action::DecideReturn(true, None), "2026-01-10").unwrap();
                }
                _ => {
                    book.step("1", None, Action::Transfer("sale"), "2026-01-10").unwrap();
                    hold(book, "1", Change::End, HoldKind::Transferred, "2026-01-10").unwrap();
                }
            }
            assert_eq!(book.allocate("2026-01-10", "A02"), 1, "{wanted}");
            let placements = placements(book, "1");
            let windows = windows(&placements);
            assert_eq!(
                (windows[0].last, windows[1].first),
                (day("2026-01-09"), day("2026-01-10")),
                "{wanted}"
            );
            book.assert_proven();
        }
    });
}

/// The program on a book's database: its exit code and its one JSON object.
fn program(book: &Book, arguments: &[&str]) -> (i32, serde_json::Value) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_consign"));
    command
        .args(["--json"])
        .args(arguments)
        .current_dir(book.folder())
        .env("DATABASE_URL", &book.url)
        .env("CONSIGN_TODAY", TODAY)
        .env_remove("CONSIGN_KEY");
    let said = command.output().unwrap();
    let code = said.status.code().unwrap();
    let refused = code == 1 || code == 2;
    assert_eq!(
        said.stdout.is_empty(),
        refused,
        "{arguments:?}: {}",
        String::from_utf8_lossy(&said.stdout)
    );
    assert!(!refused || said.stderr.len() > 20, "{arguments:?} gives no reason");
    (
        code,
        if refused {
            serde_json::Value::Null
        } else {
            serde_json::from_slice(&said.stdout).unwrap()
        },
    )
}

#[test]
fn each_step_is_a_command_with_its_exit_code() {
    on_each_database(|book| {
        ready(book);
        book.allocate("2026-01-05", "A01");
        std::fs::write(book.folder().join("two.csv"), "account_no\n1\nnobody\n2\n").unwrap();
        let ends = |book: &Book, code: i32, line: &str| -> serde_json::Value {
            let arguments: Vec<&str> = line.split(' ').collect();
            let (ended, json) = program(book, &arguments);
            assert_eq!(ended, code, "{line}: {json}");
            json
        };
        let cases = [
            (
                3,
                "recall --lender CFC --accounts two.csv --reason review --on 2026-01-08",
                "requested",
                2,
            ),
            (
                3,
                "recall --lender CFC --accounts two.csv --reason review --on 2026-01-09",
                "requested",
                0,
            ),
            (0, "recall --lender CFC --agency A01 --reason review --on 2026-01-09", "requested", 2),
            (
                0,
                "placement acknowledge --lender CFC --agency A01 --account 1 --on 2026-01-09",
                "taken",
                1,
            ),
            (
                1,
                "placement acknowledge --lender CFC --agency A01 --account 1 --on 2026-01-09",
                "",
                0,
            ),
            (
                1,
                "placement object --lender CFC --agency A02 --account 1 --on 2026-01-09 --reason no",
                "",
                0,
            ),
            (2, "placement object --lender CFC --account 1 --on 2026-01-09 --reason no", "", 0),
            (2, "placement object --lender CFC --agency A01 --on 2026-01-09 --reason no", "", 0),
            (
                3,
                "placement object --lender CFC --agency A01 --accounts two.csv --on 2026-01-09 --reason no",
                "taken",
                2,
            ),
            (
                2,
                "placement decide-recall --lender CFC --account 1 --on 2026-01-10 --outcome perhaps",
                "",
                0,
            ),
            (
                0,
                "placement decide-recall --lender CFC --account 1 --on 2026-01-10 --outcome upheld",
                "closed",
                1,
            ),
            (
                0,
                "placement decide-recall --lender CFC --account 2 --on 2026-01-10 --outcome withdrawn --reason kept",
                "closed",
                0,
            ),
            (
                0,
                "placement return --lender CFC --agency A01 --account 2 --on 2026-01-10 --reason gone",
                "taken",
                1,
            ),
            (
                0,
                "placement decide-return --lender CFC --account 2 --on 2026-01-10 --outcome declined",
                "taken",
                1,
            ),
            (
                0,
                "placement retain --lender CFC --agency A01 --account 2 --on 2026-01-10 --until 2026-04-01 --reason pays",
                "taken",
                1,
            ),
            (
                0,
                "placement decide-retention --lender CFC --account 2 --on 2026-01-11 --outcome approved",
                "taken",
                1,
            ),
            (0, "expire --lender CFC --on 2026-01-15", "recalls_final", 2),
            (
                0,
                "placement transfer --lender CFC --agency A01 --on 2026-01-16 --reason sale",
                "closed",
                1,
            ),
            (
                3,
                "hold open --lender CFC --accounts two.csv --type transferred --reason sale --on 2026-01-17",
                "done",
                1,
            ),
            (
                0,
                "hold end --lender CFC --account 2 --type transferred --reason back --on 2026-01-18",
                "done",
                1,
            ),
            (
                1,
                "hold end --lender CFC --account 2 --type transferred --reason back --on 2026-01-18",
                "",
                0,
            ),
            (
                2,
                "hold open --lender CFC --account 2 --type vacation --reason x --on 2026-01-18",
                "",
                0,
            ),
            (0, "recall --lender CFC --hold dispute --reason x --on 2026-01-18", "requested", 0),
            (
                1,
                "placement return --lender NOBODY --agency A01 --account 2 --on 2026-01-18 --reason gone",
                "",
                0,
            ),
            (0, "steps --lender CFC --account 2 -o steps.csv", "steps", 8),
            (1, "steps --lender NOBODY -o other.csv", "", 0),
        ];
        for (code, line, key, expected) in cases {
            let json = ends(book, code, line);
            assert!(key.is_empty() || json[key] == expected, "{line}: {json}");
        }
        let written = std::fs::read_to_string(book.folder().join("steps.csv")).unwrap();
        let mut lines = written.lines();
        assert_eq!(
            lines.next(),
            Some(
                "account_no,placement_no,assignee,step,on,by,reason,outcome,until,owed,recorded_at,actor"
            )
        );
        assert!(
            lines.next().unwrap().starts_with(
                "2,2,A01,recall_request,2026-01-08,lender,review,,2026-01-13,2000.00,"
            ),
            "{written}"
        );
        assert!(
            lines
                .next()
                .unwrap()
                .starts_with("2,2,A01,recall_objection,2026-01-09,A01,no,,,2000.00,"),
            "{written}"
        );
        assert!(
            written.contains(",retention_decision,2026-01-11,lender,,approved,2026-04-01,"),
            "{written}"
        );
        assert!(written.contains(",closing,2026-01-16,lender,sale,transferred,,"), "{written}");
        assert_eq!(program(book, &["placements", "--lender", "CFC", "-o", "all.csv"]).0, 0);
        let all = std::fs::read_to_string(book.folder().join("all.csv")).unwrap();
        assert!(
            all.contains("\n2,A01,")
                && all.contains(",2026-01-05,2026-04-01,2026-01-16,transferred,"),
            "{all}"
        );
        book.close("2026-01");
        book.assert_proven();
    });
}

// What never depends on when it was recorded ------------------------------------------------------------------------

#[derive(Clone, Debug)]
enum Event {
    Place(usize),
    Take(usize, usize, bool),
    Hold(usize, bool),
    Pay(usize, i64, u64),
    PayAll(usize, u64),
    TakeBack(usize),
    Portfolio(Vec<i64>),
    Close,
}

/// How many days late a payment comes in.
fn late() -> impl Strategy<Value = u64> {
    prop_oneof![2 => Just(0_u64), 3 => 0_u64..12]
}

/// Mostly the same account, so that its life is long.
fn who() -> impl Strategy<Value = usize> {
    prop_oneof![3 => Just(0_usize), 1 => 0_usize..4]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => (0_usize..3).prop_map(Event::Place),
        9 => (who(), 0_usize..12, any::<bool>()).prop_map(|(account, which, granted)| Event::Take(account, which, granted)),
        1 => (who(), any::<bool>()).prop_map(|(account, open)| Event::Hold(account, open)),
        5 => (who(), 1_i64..60_000, late()).prop_map(|(account, cents, late)| Event::Pay(account, cents, late)),
        2 => (who(), late()).prop_map(|(account, late)| Event::PayAll(account, late)),
        1 => (0_usize..10).prop_map(Event::TakeBack),
        2 => prop::collection::vec(1_i64..100_000, 4).prop_map(Event::Portfolio),
        1 => Just(Event::Close),
    ]
}

const MONTHS: [&str; 9] = [
    "2026-01", "2026-02", "2026-03", "2026-04", "2026-05", "2026-06", "2026-07", "2026-08",
    "2026-09",
];

/// A step of a life, and who takes it.
fn wanted(
    which: usize,
    granted: bool,
    today: chrono::NaiveDate,
    holder: &str,
) -> (Option<&str>, Action<'static>) {
    let agency = Some(holder);
    match which {
        0 | 9..=11 => (None, Action::RequestRecall("review")),
        1 => (agency, Action::Object("no")),
        2 => (agency, Action::Acknowledge),
        3 => (None, Action::DecideRecall(granted, None)),
        4 => (agency, Action::AskReturn("gone")),
        5 => (None, Action::DecideReturn(granted, None)),
        6 => (agency, Action::AskRetention(today.checked_add_days(Days::new(70)).unwrap(), "pays")),
        7 => (None, Action::DecideRetention(true, None)),
        _ if granted => (None, Action::RecallNow("now")),
        _ => (None, Action::Transfer("sale")),
    }
}

/// Plays a life; with `eager`, what is over is recorded before everything that happens. Gives back which steps were taken.
fn live(book: &mut Book, life: &[(Event, u64)], eager: bool) -> Vec<bool> {
    book.another_lender("CNY", &["A01", "A02"]);
    published(book);
    book.allocate("2026-01-02", "A01");
    let (mut today, mut month, mut paid, mut taken) =
        (day("2026-01-02"), 0, Vec::new(), Vec::new());
    for (i, (event, days)) in life.iter().enumerate() {
        today = today.checked_add_days(Days::new(*days)).unwrap();
        let on = today.to_string();
        if eager {
            book.expire(&on);
        }
        let row = |account: usize, cents: i64, kind: &str, reverses: &str, late: u64| {
            let on = today.checked_sub_days(Days::new(late)).unwrap();
            let amount = format!("{}.{:02}", cents / 100, cents % 100);
            format!(
                "reference,account_no,received_on,amount,kind,reverses\nx{i},{},{on},{amount},{kind},{reverses}\n",
                account + 1
            )
        };
        match event {
            Event::Place(to) => {
                drop(book.try_allocate(&all_to(["A01", "A01", "A02"][*to]), &on, true))
            }
            Event::Take(account, which, granted) => {
                let no = (account + 1).to_string();
                let holder = placements(book, &no)
                    .pop()
                    .map_or("A01".to_string(), |last| last.span.assignee);
                let (agency, wanted) = wanted(*which, *granted, today, &holder);
                taken.push(book.step(&no, agency, wanted, &on).is_ok());
            }
            Event::Hold(account, open) => {
                let what = if *open { Change::Open(None) } else { Change::End };
                let kind = if *open { HoldKind::Dispute } else { HoldKind::Transferred };
                taken.push(hold(book, &(account + 1).to_string(), what, kind, &on).is_ok());
            }
            Event::Pay(account, cents, late) => {
                book.recoveries(&row(*account, *cents, "payment", "", *late));
                paid.push((format!("x{i}"), *account, *cents));
            }
            Event::PayAll(account, late) => {
                drop(book.recoveries(&row(*account, 250_000, "payment", "", *late)))
            }
            Event::TakeBack(which) => {
                let Some((reference, account, cents)) =
                    paid.get(*which % paid.len().max(1)).cloned()
                else {
                    continue;
                };
                let path = book.file(
                    "reversal.csv",
                    row(account, cents.div_euclid(2).max(1), "reversal", &reference, 0),
                );
                drop(book.try_recoveries(&path, &consign::intake::Options::default()).unwrap());
            }
            Event::Portfolio(balances) => {
                let rows: String = balances
                    .iter()
                    .zip(1..)
                    .map(|(cents, account)| {
                        format!("{account},{}.{:02},60\n", cents / 100, cents % 100)
                    })
                    .collect();
                book.portfolio(&on, &format!("account_no,balance,days_past_due\n{rows}"));
            }
            Event::Close => {
                if month_of(MONTHS[month]).next().first_day() <= today {
                    book.close(MONTHS[month]);
                    month += 1;
                }
            }
        }
    }
    MONTHS[month..].iter().for_each(|month| drop(book.close(month)));
    taken
}

#[test]
fn in_every_life_windows_never_overlap_and_nothing_depends_on_when_it_was_recorded() {
    let pause = || prop_oneof![3 => 0_u64..5, 2 => 5_u64..12];
    let lives = prop::collection::vec((event(), pause()), 15..45);
    on_each_database(|book| {
        let book = RefCell::new(book);
        let config = Config {
            cases: 128,
            failure_persistence: None,
            max_shrink_iters: 120,
            ..Config::default()
        };
        let checked = TestRunner::new(config).run(&lives, |life| {
            holds(|| {
                let book = &mut **book.borrow_mut();
                let taken = live(book, &life, false);
                let lazily = outcome(book);
                assert_eq!(
                    live(book, &life, true),
                    taken,
                    "a step depends on what was recorded before"
                );
                assert_eq!(outcome(book), lazily, "recorded early on the left, late on the right");
            })
        });
        checked.unwrap_or_else(|failure| panic!("{failure}"));
    });
}

/// Everything that must not depend on when expiries and recalls were recorded: statements, balances.
fn outcome(book: &mut Book) -> (Vec<String>, Vec<(String, i64)>) {
    book.assert_proven();
    for account in ["1", "2", "3", "4"] {
        let placements = placements(book, account);
        let windows = windows(&placements);
        for (before, after) in windows.iter().zip(windows.iter().skip(1)) {
            assert!(before.last < after.first, "windows overlap: {windows:?} of {placements:?}");
        }
        assert!(
            placements.iter().filter(|one| one.closed_on.is_none()).count() <= 1,
            "{placements:?}"
        );
        let in_time = placements
            .iter()
            .all(|one| one.closed_on.is_none_or(|on| on >= one.placed_on && on <= one.expires_on));
        assert!(in_time, "{placements:?}");
    }
    let lender = book.lender.clone();
    let statements = book.statements().into_iter().map(|text| text.replace(&lender, "L")).collect();
    (
        statements,
        book.trial_balance()
            .into_iter()
            .map(|(account, debit, credit)| (account, debit - credit))
            .filter(|one| one.1 != 0)
            .collect(),
    )
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
