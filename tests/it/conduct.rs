//! Conduct: what contacts violate at the edge of every rule, whatever the order of rows and files; complaints and the
//! holds they open; evaluations and the gate they move.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{NaiveDate, NaiveDateTime};
use consign::conduct::complaint::{self, NewComplaint, NewDecision};
use consign::conduct::complaints::Complaints;
use consign::conduct::contacts::{self, Contacts, Sender};
use consign::conduct::evaluation::NewEvaluation;
use consign::conduct::policy::{Figure, Hands, HeldBy, Judged, Policy, violations};
use consign::conduct::{
    Channel, ConductError, Contact, Incidents, Outcome, Severity, complaint_store, evaluation,
    incidents, violation,
};
use consign::intake::{IntakeError, Options, Report};
use consign::placement::Action;
use consign::portfolio::personal::Key;
use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::json;

use crate::commands::on_each;
use crate::files::{date_cell, sheet, text_cell, zipped};
use crate::support::{Book, all_to, assignee_toml, by, day, flat_contract, on_each_database};

fn key() -> Key {
    Key::of("a secret of these tests")
}

fn try_contacts(
    book: &mut Book,
    agency: &str,
    path: &Path,
) -> Result<Report<contacts::Totals>, IntakeError> {
    book.take_in(path, Contacts::of(agency, Sender::Lender, Some(&key())), &Options::default())
}

/// Takes in contacts given as rows of `reference,account_no,at,channel,number,outcome`, of which none may be rejected.
fn contacts(book: &mut Book, agency: &str, rows: &str) -> Report<contacts::Totals> {
    let path = book
        .file("contacts.csv", format!("reference,account_no,at,channel,number,outcome\n{rows}"));
    let done = try_contacts(book, agency, &path).unwrap();
    assert_eq!(done.faults, [], "in {rows}");
    done
}

/// `agency reference rule figure limit` of everything violated in a span of days.
fn violated(book: &mut Book, from: &str, to: &str) -> Vec<String> {
    let found = violation::found(&mut book.db, &book.lender, day(from), day(to), None).unwrap();
    found.into_iter().map(line).collect()
}

/// The same as an agency is told it.
fn told(book: &mut Book, agency: &str, from: &str, to: &str) -> Vec<String> {
    let (db, lender) = (&mut book.db, &book.lender);
    let found = violation::found(db, lender, day(from), day(to), Some(agency)).unwrap();
    found.into_iter().filter_map(violation::Found::told_to_agency).map(line).collect()
}

fn line(one: violation::Found) -> String {
    let (contact, rule) = (&one.contact, one.rule.name());
    assert!(one.own.is_none() || rule != "held" || one.own == Some(Figure::StopContact));
    format!("{} {} {rule} {} / {}", contact.agency, contact.reference, one.figure, one.limit)
}

fn known(book: &mut Book, from: &str, to: &str, seq: i64) -> BTreeMap<String, Incidents> {
    incidents(&mut book.db, &book.lender, day(from), day(to), seq).unwrap()
}

/// Incidents of which the agency is told.
fn stands(upheld: i64, violations: i64, evaluation: Option<i64>) -> Incidents {
    Incidents { upheld, violations, evaluation, ..Incidents::default() }
}

fn seq(book: &mut Book) -> i64 {
    consign::audit::book(&mut book.db, &book.lender).unwrap().seq
}

fn complain(
    book: &mut Book,
    case: &str,
    account: Option<&str>,
    on: &str,
) -> Result<complaint::Added, ConductError> {
    let new = NewComplaint {
        agency: "A01".to_string(),
        account_no: account.map(str::to_string),
        received_on: day(on),
        severity: Severity::High,
        text: "called at work".to_string(),
        reference: (!case.is_empty()).then(|| case.to_string()),
        allow_future: false,
    };
    complaint::add(&mut book.db, &book.lender, &new, &by())
}

fn decision(case: &str, upheld: bool, on: &str) -> NewDecision {
    let text = "recordings were heard".to_string();
    NewDecision {
        reference: case.to_string(),
        upheld,
        on: day(on),
        text,
        deduction: None,
        corrects: None,
    }
}

fn decide(book: &mut Book, new: &NewDecision) -> Result<complaint::Decided, ConductError> {
    complaint::decide(&mut book.db, &book.lender, new, &by())
}

fn evaluate(book: &mut Book, agency: &str, on: &str, result: i64) -> evaluation::Evaluated {
    try_evaluate(book, agency, on, result).unwrap()
}

fn try_evaluate(
    book: &mut Book,
    agency: &str,
    on: &str,
    result: i64,
) -> Result<evaluation::Evaluated, ConductError> {
    let (agency, text) = (agency.to_string(), "visited".to_string());
    let new = NewEvaluation { agency, on: day(on), result, text, allow_future: false };
    evaluation::evaluate(&mut book.db, &book.lender, &new, &by())
}

/// Something in every column of the tables of conduct, for the tests of what nobody may change.
pub fn fill(book: &mut Book) {
    let assignees = ["A01", "A02"].map(assignee_toml).concat();
    book.set_up_parties(
        "CNY",
        &format!("[lender.contact_policy]\nquiet_from = \"21:30\"\n\n{assignees}"),
    );
    let path = book.file(
        "contacts.csv",
        "reference,account_no,at,number,note\nk-1,1,2026-02-03 10:15,13812345678,said nothing\n",
    );
    assert_eq!(try_contacts(book, "A01", &path).unwrap().accepted, 1);
    complain(book, "C-1", Some("1"), "2026-02-04").unwrap();
    let upheld =
        NewDecision { deduction: Some("50.00".to_string()), ..decision("C-1", true, "2026-02-05") };
    decide(book, &upheld).unwrap();
    decide(
        book,
        &NewDecision { corrects: Some(1), deduction: Some("60.00".to_string()), ..upheld },
    )
    .unwrap();
    evaluate(book, "A01", "2026-02-06", 80);
}

/// The agencies A01 and A02 hold accounts 1–3 (debtor d1) and 4, 5 from 2026-01-02, 90 days long.
fn placed(book: &mut Book) {
    book.set_up("CNY", &["A01", "A02"]);
    book.publish(&flat_contract("A01", "20%", 90));
    book.publish(&flat_contract("A02", "20%", 90));
    book.portfolio(
        "2026-01-01",
        "account_no,balance,days_past_due,debtor_ref\n1,100.00,40,d1\n2,100.00,40,d1\n3,100.00,40,d1\n4,100.00,40,d4\n5,100.00,40,d5\n",
    );
    assert_eq!(book.allocate("2026-01-02", "A01"), 5);
}

// Contacts ------------------------------------------------------------------------------------------------------------

#[test]
fn quiet_hours_begin_at_22_and_end_at_8_sharp() {
    on_each_database(|book| {
        placed(book);
        contacts(
            book,
            "A01",
            "a,1,2026-01-05 21:59:59,call,,other\nb,1,2026-01-05 22:00,sms,,\nc,1,2026-01-06 00:00,call,,other\n\
             d,1,2026-01-06 07:59:59,visit,,\ne,1,2026-01-06 08:00:00,call,,other\nf,1,2026-01-06 23:30,letter,,\ng,1,2026-01-07,letter,,\n",
        );
        assert_eq!(
            violated(book, "2026-01-01", "2026-01-31"),
            [
                "A01 b quiet_hours 22:00:00 / 22:00-08:00",
                "A01 c quiet_hours 00:00:00 / 22:00-08:00",
                "A01 d quiet_hours 07:59:59 / 22:00-08:00",
            ]
        );
        assert_eq!(
            violated(book, "2026-01-06", "2026-01-06").len(),
            2,
            "midnight belongs to the day that begins"
        );
        book.assert_proven();
    });
}

#[test]
fn the_fourth_effective_call_to_a_debtor_is_one_too_many_by_whomever_and_on_whichever_account() {
    on_each_database(|book| {
        placed(book);
        // On the day of a transfer both hold the debtor's accounts.
        book.recall(&["1", "2", "3"], "2026-01-12");
        assert_eq!(book.allocate("2026-01-12", "A02"), 3);
        contacts(
            book,
            "A01",
            "a1,1,2026-01-12 09:00,call,111,effective\na2,2,2026-01-12 12:00,call,112,effective\n",
        );
        contacts(book, "A02", "b1,3,2026-01-12 10:00,call,113,有效\n");
        assert_eq!(
            violated(book, "2026-01-01", "2026-01-31"),
            Vec::<String>::new(),
            "three are allowed"
        );
        // The file that comes last brings an earlier call: the one at noon becomes the fourth.
        contacts(
            book,
            "A02",
            "b2,3,2026-01-12 08:30,电话,113,接通\nb3,3,2026-01-12 08:31,call,113,other\nb4,3,2026-01-12 08:32,sms,113,effective\n",
        );
        assert_eq!(violated(book, "2026-01-01", "2026-01-31"), ["A01 a2 effective_calls 4 / 3"]);
        contacts(
            book,
            "A01",
            "a3,1,2026-01-12 12:00,call,111,effective\na4,4,2026-01-12 13:00,call,114,effective\n",
        );
        assert_eq!(
            violated(book, "2026-01-01", "2026-01-31"),
            ["A01 a2 effective_calls 4 / 3", "A01 a3 effective_calls 5 / 3"],
            "of two at the same moment the reference decides; another debtor has a count of its own"
        );
        contacts(book, "A02", "b5,1,2026-01-13 09:00,call,111,effective\n");
        assert_eq!(
            violated(book, "2026-01-13", "2026-01-13"),
            Vec::<String>::new(),
            "a new day begins at nought"
        );
        // The lender sees what became too much for the debtor; an agency answers for its own calls and is told of no others.
        assert_eq!(told(book, "A01", "2026-01-01", "2026-01-31"), Vec::<String>::new());
        assert_eq!(known(book, "2026-01-01", "2026-01-31", i64::MAX), BTreeMap::new());
        contacts(book, "A01", "a5,2,2026-01-12 14:00,call,111,effective\n");
        assert_eq!(violated(book, "2026-01-01", "2026-01-31")[2], "A01 a5 effective_calls 6 / 3");
        assert_eq!(told(book, "A01", "2026-01-01", "2026-01-31"), ["A01 a5 effective_calls 4 / 3"]);
        let counts = known(book, "2026-01-01", "2026-01-31", i64::MAX);
        assert_eq!(counts["A01"], stands(0, 1, None));
        assert!(!counts.contains_key("A02"));
        book.assert_proven();
    });
}

#[test]
fn the_seventh_unanswered_call_to_a_number_is_one_too_many_however_the_number_is_written() {
    on_each_database(|book| {
        placed(book);
        let spelled = [
            "13812345678",
            "138 1234 5678",
            "138-1234-5678",
            "+8613812345678",
            "13812345678",
            "13812345678",
        ];
        let rows: String = spelled
            .iter()
            .zip(1..)
            .map(|(number, i)| {
                format!("u{i},{},2026-01-05 09:0{i},call,{number},unanswered\n", 1 + i % 2)
            })
            .collect();
        contacts(book, "A01", &rows);
        assert_eq!(
            violated(book, "2026-01-01", "2026-01-31"),
            Vec::<String>::new(),
            "six are allowed"
        );
        contacts(
            book,
            "A01",
            "v,4,2026-01-05 10:00,call,13812345678,未接\nw,1,2026-01-05 10:01,call,13912345678,unanswered\n",
        );
        assert_eq!(
            violated(book, "2026-01-01", "2026-01-31"),
            ["A01 v unanswered 7 / 6"],
            "a number may be of two debtors"
        );
        let rows: String = (0..7)
            .map(|i| format!("x{i},{},2026-01-06 09:0{i},call,,unanswered\n", 1 + i % 3))
            .collect();
        contacts(book, "A01", &rows);
        assert_eq!(
            violated(book, "2026-01-06", "2026-01-06"),
            ["A01 x6 unanswered 7 / 6"],
            "leaving the number out gains nothing"
        );
    });
}

#[test]
fn nobody_is_contacted_before_placing_or_after_closing() {
    on_each_database(|book| {
        placed(book);
        book.recall(&["4"], "2026-01-10");
        contacts(
            book,
            "A01",
            "a,4,2026-01-01 10:00,call,,other\nb,4,2026-01-02 10:00,call,,other\nc,4,2026-01-10 10:00,call,,other\nd,4,2026-01-11 10:00,call,,other\n\
             e,5,2026-04-01 10:00,call,,other\nf,5,2026-04-02 10:00,call,,other\n",
        );
        let expected = [
            "A01 a not_in_hands 2026-01-01 / never placed by then",
            "A01 d not_in_hands 2026-01-11 / 2026-01-10",
            "A01 f not_in_hands 2026-04-02 / 2026-04-01",
        ];
        assert_eq!(
            violated(book, "2026-01-01", "2026-04-30"),
            expected,
            "also when nobody has recorded the expiry"
        );
        book.expire("2026-04-03");
        assert_eq!(violated(book, "2026-01-01", "2026-04-30"), expected);
        assert_eq!(
            book.try_allocate(&all_to("A01"), "2026-04-03", true).unwrap().decision.assigned.len(),
            5
        );
        contacts(
            book,
            "A01",
            "h,4,2026-04-03 10:00,call,,other\ni,4,2026-04-02 10:00,call,,other\n",
        );
        let mut again: Vec<String> = expected.map(str::to_string).into();
        again.push("A01 i not_in_hands 2026-04-02 / 2026-01-10".to_string());
        assert_eq!(
            violated(book, "2026-01-01", "2026-04-30"),
            again,
            "placed again, contacted again"
        );
    });
}

/// What an agency never held answers to it like what does not exist; the lender is told which of the two it is.
#[test]
fn an_account_an_agency_never_held_is_to_it_like_none() {
    on_each_database(|book| {
        placed(book);
        book.portfolio(
            "2026-01-03",
            "account_no,balance,days_past_due,debtor_ref,hold\n5,100.00,50,d5,deceased\n7,100.00,50,d7,\n",
        );
        let before = book.state();
        let mut answers = Vec::new();
        for account_no in ["5", "7", "99"] {
            let row = format!("g,{account_no},2026-01-05 23:30,call,13812345678,effective\n");
            let head = "reference,account_no,at,channel,number,outcome\n";
            let path = book.file("guess.csv", format!("{head}{row}"));
            for sender in [Sender::Agency, Sender::Lender] {
                let rejects = book.folder().join("rejects.csv");
                let options = Options { rejects: Some(&rejects), ..Options::default() };
                let key = key();
                let done = book.take_in(&path, Contacts::of("A02", sender, Some(&key)), &options);
                let said = serde_json::to_string(&done.unwrap()).unwrap();
                let said = said + &std::fs::read_to_string(&rejects).unwrap();
                answers.push((
                    sender,
                    said.replace(&format!(",{account_no},"), ",NO,")
                        .replace(&format!("\"{account_no}\""), "NO"),
                ));
            }
        }
        let of = |sender: Sender| -> Vec<&str> {
            answers.iter().filter(|(of, _)| *of == sender).map(|(_, said)| said.as_str()).collect()
        };
        let agency = of(Sender::Agency);
        assert!(agency.iter().all(|said| *said == agency[0]), "{agency:?}");
        assert!(agency[0].contains("no account placed with you"), "{agency:?}");
        let lender = of(Sender::Lender);
        assert!(lender[0] == lender[1] && lender[0].contains("was never placed with A02"));
        assert!(lender[2].contains("is not known; import the portfolio"), "{lender:?}");
        assert_eq!(book.state(), before, "and nothing is kept");
    });
}

/// A contact after an account has left an agency's hands is against just that, whatever has befallen the account since.
#[test]
fn what_befalls_an_account_after_an_agency_held_it_is_nothing_to_the_agency() {
    on_each_database(|book| {
        placed(book);
        book.recall(&["4"], "2026-01-10");
        let head = "account_no,balance,days_past_due,debtor_ref,hold\n";
        book.portfolio("2026-01-11", &format!("{head}4,100.00,50,d9,deceased\n"));
        contacts(
            book,
            "A01",
            "a,4,2026-01-09 10:00,call,,other\nb,4,2026-01-12 10:00,call,,other\n",
        );
        let expected = ["A01 b not_in_hands 2026-01-12 / 2026-01-10"];
        assert_eq!(violated(book, "2026-01-01", "2026-01-31"), expected);
        assert_eq!(told(book, "A01", "2026-01-01", "2026-01-31"), expected);
        assert_eq!(
            book.texts("SELECT DISTINCT debtor_ref AS text FROM contact"),
            ["d4"],
            "the person of the days the agency held the account, not of the newest file"
        );
        let held = format!("{head}5,100.00,50,d5,bankrupt\n");
        book.portfolio("2026-01-12", &held);
        contacts(book, "A01", "c,5,2026-01-13 10:00,call,,other\n");
        assert_eq!(
            violated(book, "2026-01-13", "2026-01-13"),
            ["A01 c held bankrupt from 2026-01-12 / none while held"]
        );
        assert_eq!(
            told(book, "A01", "2026-01-13", "2026-01-13"),
            ["A01 c held stop contact / none while held"]
        );
    });
}

#[test]
fn contact_stops_when_a_recall_is_asked_for_and_goes_on_when_it_is_withdrawn() {
    on_each_database(|book| {
        book.set_up("CNY", &["A01"]);
        book.publish(
            &flat_contract("A01", "20%", 90).replace("term_days", "objection_days = 20\nterm_days"),
        );
        book.portfolio("2026-01-01", "account_no,balance,days_past_due\n1,100.00,40\n");
        assert_eq!(book.allocate("2026-01-02", "A01"), 1);
        book.step("1", None, Action::RequestRecall("review"), "2026-01-10").unwrap();
        let rows = "a,1,2026-01-10 10:00,call,,other\nb,1,2026-01-11 10:00,call,,other\nc,1,2026-01-20 10:00,call,,other\n";
        contacts(book, "A01", rows);
        let expected = [
            "A01 b not_in_hands 2026-01-11 / 2026-01-10",
            "A01 c not_in_hands 2026-01-20 / 2026-01-10",
        ];
        assert_eq!(violated(book, "2026-01-01", "2026-01-31"), expected);
        book.step("1", None, Action::DecideRecall(false, Some("a mistake")), "2026-01-20").unwrap();
        assert_eq!(
            violated(book, "2026-01-01", "2026-01-31"),
            expected[..1],
            "withdrawn on the 20th"
        );
    });
}

#[test]
fn nobody_is_contacted_while_held_and_some_holds_are_of_the_whole_debtor() {
    on_each_database(|book| {
        placed(book);
        let head = "account_no,balance,days_past_due,debtor_ref,hold\n";
        book.portfolio("2026-01-10", &format!("{head}1,100.00,50,d1,dispute\n4,100.00,50,d4,\n"));
        book.portfolio("2026-01-12", &format!("{head}2,100.00,50,d1,deceased\n"));
        book.portfolio("2026-01-14", &format!("{head}1,100.00,50,d1,\n"));
        let rows = ["09", "10", "11", "12", "13", "14"]
            .map(|d| {
                (1..=4)
                    .map(|no| format!("{no}-{d},{no},2026-01-{d} 10:00,call,,other\n"))
                    .collect::<String>()
            })
            .concat();
        contacts(book, "A01", &rows);
        assert_eq!(
            violated(book, "2026-01-01", "2026-01-31"),
            [
                "A01 1-10 held dispute from 2026-01-10 / none while held",
                "A01 1-11 held dispute from 2026-01-10 / none while held",
                "A01 1-12 held dispute from 2026-01-10 / none while held",
                "A01 2-12 held deceased from 2026-01-12 / none while held",
                "A01 3-12 held deceased from 2026-01-12 / none while held",
                "A01 1-13 held dispute from 2026-01-10 / none while held",
                "A01 2-13 held deceased from 2026-01-12 / none while held",
                "A01 3-13 held deceased from 2026-01-12 / none while held",
                "A01 1-14 held deceased from 2026-01-12 / none while held",
                "A01 2-14 held deceased from 2026-01-12 / none while held",
                "A01 3-14 held deceased from 2026-01-12 / none while held",
            ]
        );
    });
}

#[test]
fn the_contact_a_complaint_is_about_is_no_violation_but_the_next_day_s_is() {
    on_each_database(|book| {
        placed(book);
        contacts(
            book,
            "A01",
            "a,1,2026-01-05 10:00,call,,other\nb,1,2026-01-06 10:00,call,,other\nc,2,2026-01-06 10:00,call,,other\nd,1,2026-01-08 10:00,call,,other\n",
        );
        complain(book, "C-1", Some("1"), "2026-01-05").unwrap();
        decide(book, &decision("C-1", false, "2026-01-08")).unwrap();
        assert_eq!(
            violated(book, "2026-01-01", "2026-01-31"),
            [
                "A01 b held complaint from 2026-01-05 / none while held",
                "A01 c held complaint from 2026-01-05 / none while held"
            ]
        );
    });
}

#[test]
fn a_lender_s_policy_counts_for_the_files_that_come_after_it() {
    on_each_database(|book| {
        placed(book);
        contacts(
            book,
            "A01",
            "a,1,2026-01-05 21:30,call,,effective\nb,1,2026-01-05 12:00,call,,effective\n",
        );
        let assignees = ["A01", "A02"].map(assignee_toml).concat();
        let policy = "[lender.contact_policy]\nquiet_from = \"21:00\"\nquiet_until = \"09:00\"\neffective_calls_per_debtor_per_day = 1\nunanswered_per_number_per_day = 0\n\n";
        let before = seq(book);
        book.set_up_parties("CNY", &format!("{policy}{assignees}"));
        assert_eq!(seq(book), before + 1);
        book.set_up_parties("CNY", &format!("{policy}{assignees}"));
        assert_eq!(seq(book), before + 1, "the same policy again changes nothing");
        contacts(
            book,
            "A01",
            "c,1,2026-01-05 21:00,call,,other\nd,1,2026-01-06 12:00,call,,effective\ne,1,2026-01-06 12:01,call,,effective\nf,1,2026-01-06 12:02,call,,unanswered\n",
        );
        let expected = [
            "A01 c quiet_hours 21:00:00 / 21:00-09:00",
            "A01 e effective_calls 2 / 1",
            "A01 f unanswered 1 / 0",
        ];
        assert_eq!(violated(book, "2026-01-01", "2026-01-31"), expected);
        book.set_up_parties("CNY", &assignees);
        assert_eq!(seq(book), before + 2, "left out, the policy stays");
        book.set_up_parties("CNY", &format!("contact_policy = \"default\"\n{assignees}"));
        assert_eq!(seq(book), before + 3);
        assert_eq!(
            violated(book, "2026-01-01", "2026-01-31"),
            expected,
            "each file keeps the policy it came under"
        );
        contacts(book, "A01", "g,1,2026-01-07 21:30,call,,other\n");
        assert_eq!(
            violated(book, "2026-01-01", "2026-01-31"),
            expected,
            "the defaults count again"
        );
        for (wrong, why) in [
            ("quiet_from = \"25:00\"", "time of day"),
            ("quiet_from = \"9:00\"", "time of day"),
            ("quiet_from = 22", "text"),
            ("effective_calls_per_debtor_per_day = -1", "effective_calls"),
            ("calls = 3", "calls"),
        ] {
            let text = format!(
                "[[lender]]\ncode = \"X\"\nname = \"X\"\ncurrency = \"CNY\"\ntimezone = \"Asia/Shanghai\"\n[lender.contact_policy]\n{wrong}\n"
            );
            let fault = consign::party::parse(&text).unwrap_err().to_string();
            assert!(fault.contains("line 7") && fault.contains(why), "{wrong}: {fault}");
        }
        book.assert_proven();
    });
}

// Order -----------------------------------------------------------------------------------------------------------------

fn any_contact() -> impl Strategy<Value = (Contact, Hands, bool)> {
    let channel =
        prop_oneof![5 => Just(Channel::Call), 1 => Just(Channel::Sms), 1 => Just(Channel::Letter)];
    let outcome = prop_oneof![3 => Just(Outcome::Effective), 3 => Just(Outcome::Unanswered), 1 => Just(Outcome::Other)];
    let hands = prop_oneof![5 => Just(Hands::Held), 1 => Just(Hands::Never)];
    (
        (0_u32..24, 0_u32..3),
        0_u8..2,
        0_u8..3,
        channel,
        outcome,
        prop::option::of(0_u8..2),
        hands,
        prop::bool::weighted(0.1),
    )
        .prop_map(|((hour, minute), agency, debtor, channel, outcome, number, hands, held)| {
            let at: NaiveDateTime = day("2026-03-01").and_hms_opt(hour, minute, 0).unwrap();
            let contact = Contact {
                agency: format!("A{agency}"),
                reference: String::new(),
                seq: 1,
                account_no: format!("{debtor}"),
                debtor_ref: format!("d{debtor}"),
                at,
                channel,
                outcome,
                number_digest: number.map(|number| number.to_string()),
            };
            (contact, hands, held)
        })
}

/// What is violated, by reference, in the order it is found.
fn judged(policy: Policy, day: &[(Contact, Hands, bool)]) -> Vec<String> {
    let held = HeldBy { kind: "dispute", from_on: NaiveDate::MIN };
    let judged: Vec<Judged<'_>> = day
        .iter()
        .map(|(contact, hands, is_held)| Judged {
            contact,
            policy,
            hands: *hands,
            held: is_held.then_some(held),
        })
        .collect();
    let line = |one: consign::conduct::policy::Violation| {
        format!("{} {} {}", judged[one.index].contact.reference, one.rule.name(), one.figure)
    };
    violations(&judged).into_iter().map(line).collect()
}

proptest! {
    #![proptest_config(Config { cases: 500, failure_persistence: None, ..Config::default() })]

    #[test]
    fn what_is_violated_does_not_depend_on_the_order_of_rows(
        mut day in prop::collection::vec(any_contact(), 0..40),
        places in prop::collection::vec(any::<u32>(), 40),
    ) {
        for (one, i) in day.iter_mut().zip(0..) {
            one.0.reference = format!("r{i:02}");
        }
        let policy = Policy { effective_calls: 2, unanswered: 3, ..Policy::default() };
        let expected = judged(policy, &day);
        let mut places = places.into_iter();
        day.sort_by_cached_key(|_| places.next());
        prop_assert_eq!(judged(policy, &day), expected.clone());
        // Counted otherwise: whoever is beyond the limit, and no more.
        let over = |counts: BTreeMap<&str, usize>, most: usize| counts.values().map(|count| count.saturating_sub(most)).sum::<usize>();
        let mut calls: BTreeMap<&str, usize> = BTreeMap::new();
        for (contact, ..) in &day {
            if (contact.channel, contact.outcome) == (Channel::Call, Outcome::Effective) {
                *calls.entry(&contact.debtor_ref).or_default() += 1;
            }
        }
        prop_assert_eq!(expected.iter().filter(|line| line.contains(" effective_calls ")).count(), over(calls, 2));
        let quiet = |contact: &Contact| {
            let time = contact.at.format("%H").to_string().parse::<u32>().unwrap();
            contact.channel != Channel::Letter && !(8..22).contains(&time)
        };
        let all_quiet = day.iter().filter(|(contact, ..)| quiet(contact)).count();
        prop_assert_eq!(expected.iter().filter(|line| line.contains(" quiet_hours ")).count(), all_quiet);
    }
}

#[test]
fn what_is_violated_does_not_depend_on_the_order_of_files() {
    let rows: Vec<String> = (0..60)
        .map(|i| {
            let outcome = if i % 3 == 0 { "effective" } else { "unanswered" };
            let (account, hour, number) = (1 + i % 4, 8 + i * 7 % 16, i % 2);
            format!("r{i:02},{account},2026-01-{:02} {hour:02}:{:02},call,1380000000{number},{outcome}\n", 5 + i % 3, i % 60)
        })
        .collect();
    on_each_database(|book| {
        let mut found: Vec<Vec<String>> = Vec::new();
        for files in [1, 3, 7] {
            book.lender = format!("S{files}");
            placed(book);
            for file in (0..files).rev() {
                let mut part: Vec<&str> =
                    rows.iter().skip(file).step_by(files).map(String::as_str).collect();
                part.reverse();
                contacts(book, "A01", &part.concat());
            }
            found.push(violated(book, "2026-01-01", "2026-01-31"));
            book.assert_proven();
        }
        assert!(found[0].len() > 10, "{:?}", found[0]);
        assert!(found.iter().all(|one| *one == found[0]), "{found:?}");
    });
}

// Files -----------------------------------------------------------------------------------------------------------------

#[test]
fn a_reference_counts_once_per_agency_in_whatever_file_it_comes() {
    on_each_database(|book| {
        placed(book);
        let done = contacts(
            book,
            "A01",
            "a,1,2026-01-05 10:00,call,13812345678,effective\nb,2,2026-01-05 10:00,,,\n",
        );
        assert_eq!((done.rows, done.accepted, done.duplicate), (2, 2, 0));
        let before = book.state();
        let text = "reference,account_no,at,channel,number,outcome\na,1,2026/1/5 10:00:00,电话,138 1234 5678,有效\nb,2,2026-01-05 10:00,,,\n";
        let path = book.file("again.csv", text);
        let done = try_contacts(book, "A01", &path).unwrap();
        assert_eq!(
            (done.already_imported, done.accepted, done.duplicate, done.rejected),
            (false, 0, 2, 0)
        );
        assert_eq!(book.state(), before, "nothing new, nothing written");
        let text = "reference,account_no,at\na,1,2026-01-05 10:01\nc,3,2026-01-05 10:00\nc,3,2026-01-05 10:00\nc,3,2026-01-05 11:00\nd,99,2026-01-05 10:00\n";
        let path = book.file("mixed.csv", text);
        let done = try_contacts(book, "A01", &path).unwrap();
        assert_eq!((done.accepted, done.duplicate, done.rejected), (1, 1, 3));
        let faults: Vec<_> = done
            .faults
            .iter()
            .map(|fault| (fault.line, fault.column.as_str(), fault.value.as_str()))
            .collect();
        assert_eq!(faults, [(2, "reference", "a"), (5, "reference", "c"), (6, "account_no", "99")]);
        let again = try_contacts(book, "A01", &path).unwrap();
        assert_eq!(
            (again.already_imported, again.duplicate, again.rejected),
            (false, 2, 3),
            "a file with rejected rows is read again"
        );
        book.portfolio("2026-01-06", "account_no,balance,days_past_due\n99,10.00,40\n");
        assert_eq!(try_contacts(book, "A01", &path).unwrap().accepted, 0, "known, not placed");
        assert_eq!(book.allocate("2026-01-06", "A01"), 1);
        assert_eq!(try_contacts(book, "A01", &path).unwrap().accepted, 1, "placed now");
        book.recall(&["4"], "2026-01-06");
        assert_eq!(book.allocate("2026-01-06", "A02"), 1);
        assert_eq!(
            contacts(book, "A02", "a,4,2026-01-06 10:01,call,,\n").accepted,
            1,
            "another agency has references of its own"
        );
        let path = book.file("whole.csv", "reference,account_no,at\nw,1,2026-01-05 12:00\n");
        assert_eq!(try_contacts(book, "A01", &path).unwrap().accepted, 1);
        let before = book.state();
        let again = try_contacts(book, "A01", &path).unwrap();
        assert!(again.already_imported && again.rows == 1, "{again:?}");
        assert_eq!(book.state(), before);
        assert!(
            try_contacts(book, "A99", &path)
                .unwrap_err()
                .to_string()
                .contains("A99 is no assignee")
        );
        book.assert_proven();
    });
}

#[test]
fn faulty_rows_are_named_with_line_column_value_and_reason() {
    let faulty = [
        (",1,2026-01-05 10:00,call,,", "reference", "", "empty"),
        ("b,,2026-01-05 10:00,call,,", "account_no", "", "empty"),
        ("c,1,,call,,", "at", "", "empty"),
        ("d,1,2026-01-05,call,,", "at", "2026-01-05", "time of day"),
        ("e,1,2026-01-05 24:00,call,,", "at", "2026-01-05 24:00", "no moment"),
        ("f,1,2026-01-05T10:00Z,call,,", "at", "2026-01-05T10:00Z", "local time"),
        ("g,1,2026-01-05 10:00,pigeon,,", "channel", "pigeon", "call, sms"),
        ("h,1,2026-01-05 10:00,call,,perhaps", "outcome", "perhaps", "unanswered"),
        ("i,1,2026-01-05 10:00,call,none,", "number", "none", "digits"),
    ];
    on_each_database(|book| {
        placed(book);
        let rows: Vec<&str> = faulty.iter().map(|(row, ..)| *row).collect();
        let path = book.file(
            "faulty.csv",
            format!("reference,account_no,at,channel,number,outcome\n{}\n", rows.join("\n")),
        );
        let before = book.state();
        let done = try_contacts(book, "A01", &path).unwrap();
        assert_eq!((done.accepted, done.rejected), (0, 9));
        for ((line, fault), (_, column, value, reason)) in (2..).zip(&done.faults).zip(faulty) {
            assert_eq!(
                (fault.line, fault.column.as_str(), fault.value.as_str()),
                (line, column, value)
            );
            assert!(fault.reason.to_string().contains(reason), "{fault:?}");
        }
        assert_eq!(book.state(), before);
    });
}

#[test]
fn a_chinese_file_in_gbk_and_a_workbook_with_times_read_alike() {
    let chinese = "催记编号,案件编号,联系时间,催收方式,拨打号码,通话结果,催记\n甲,1,2026/1/5 22:15,电话,13812345678,无人接听,没人\n";
    let gbk = encoding_rs::GB18030.encode(chinese).0.into_owned();
    let header = [
        ("A1", "reference"),
        ("B1", "account_no"),
        ("C1", "at"),
        ("D1", "channel"),
        ("E1", "outcome"),
    ]
    .map(|(at, text)| text_cell(at, text));
    // 2026-01-05 22:15:00, and a day alone.
    let first = [
        text_cell("A2", "乙"),
        text_cell("B2", "2"),
        date_cell("C2", "46027.9270833333"),
        text_cell("D2", "call"),
        text_cell("E2", "unanswered"),
    ];
    let second = [
        text_cell("A3", "丙"),
        text_cell("B3", "2"),
        date_cell("C3", "46027"),
        text_cell("D3", "call"),
        text_cell("E3", ""),
    ];
    on_each_database(|book| {
        placed(book);
        let path = book.file("gbk.csv", &gbk);
        assert_eq!(try_contacts(book, "A01", &path).unwrap().accepted, 1);
        let path = book.file("times.xlsx", zipped(&sheet(&[&header, &first, &second])));
        let done = try_contacts(book, "A01", &path).unwrap();
        assert_eq!((done.accepted, done.rejected), (1, 1), "{:?}", done.faults);
        assert!(done.faults[0].reason.to_string().contains("time of day"), "{:?}", done.faults);
        let stored = book.texts(
            "SELECT reference || '|' || CAST(contacted_on AS TEXT) || '|' || contacted_at || '|' || channel || '|' || outcome AS text FROM contact ORDER BY account_no",
        );
        assert_eq!(
            stored,
            ["甲|2026-01-05|22:15:00|call|unanswered", "乙|2026-01-05|22:15:00|call|unanswered"]
        );
        assert_eq!(violated(book, "2026-01-05", "2026-01-05").len(), 2);
    });
}

#[test]
fn a_number_is_nowhere_in_clear_text_and_needs_the_key() {
    on_each_database(|book| {
        placed(book);
        let path = book.file(
            "numbers.csv",
            "reference,account_no,at,number\na,1,2026-01-05 10:00,13812345678\n",
        );
        let before = book.state();
        let keyless = Contacts::of("A01", Sender::Lender, None);
        let why = book.take_in(&path, keyless, &Options::default()).unwrap_err().to_string();
        assert!(why.contains("CONSIGN_KEY"), "{why}");
        assert_eq!(book.state(), before);
        assert_eq!(try_contacts(book, "A01", &path).unwrap().accepted, 1);
        let sealed = book.texts("SELECT number AS text FROM contact").remove(0);
        assert_eq!(key().open_number(&sealed).as_deref(), Some("13812345678"));
        let digest = book.texts("SELECT number_digest AS text FROM contact").remove(0);
        assert_ne!(
            digest,
            Key::of("another").digest("13812345678"),
            "nobody without the key can try numbers"
        );
        for column in ["number", "number_digest", "reference", "agency", "debtor_ref"] {
            assert!(
                !book
                    .texts(&format!("SELECT {column} AS text FROM contact"))
                    .concat()
                    .contains("12345678"),
                "{column}"
            );
        }
        assert!(!book.texts("SELECT summary AS text FROM event").concat().contains("12345678"));
    });
}

#[test]
fn a_hundred_thousand_contacts_go_in_and_are_judged() {
    let mut book = Book::on_sqlite();
    placed(&mut book);
    let mut text = "reference,account_no,at,channel,number,outcome\n".to_string();
    for i in 0..100_000 {
        let (day, hour) = (5 + i % 20, 8 + i / 20 % 14);
        text.push_str(&format!(
            "r{i},{},2026-01-{day:02} {hour:02}:{:02},call,138{:08},unanswered\n",
            1 + i % 5,
            i % 60,
            i / 100
        ));
    }
    let path = book.file("many.csv", text);
    let done = try_contacts(&mut book, "A01", &path).unwrap();
    assert_eq!((done.accepted, done.rejected), (100_000, 0));
    let counts = known(&mut book, "2026-01-01", "2026-01-31", i64::MAX);
    assert_eq!(counts.len(), 0, "five calls a number and day are allowed: {counts:?}");
    book.assert_proven();
}

// Complaints -------------------------------------------------------------------------------------------------------------

#[test]
fn a_complaint_holds_the_debtor_until_it_is_decided_once() {
    on_each_database(|book| {
        book.set_up("CNY", &["A01"]);
        book.publish(&flat_contract("A01", "20%", 90));
        book.portfolio(
            "2026-01-01",
            "account_no,balance,days_past_due,debtor_ref\n1,10.00,40,d1\n2,10.00,40,d1\n3,10.00,40,d3\n",
        );
        let done = complain(book, "C-1", Some("1"), "2026-01-05").unwrap();
        assert_eq!(
            (done.reference.as_str(), done.already_known, done.held.as_deref()),
            ("C-1", false, Some("1"))
        );
        let before = book.state();
        assert!(
            complain(book, "C-1", Some("1"), "2026-01-05").unwrap().already_known,
            "said twice, recorded once"
        );
        assert_eq!(book.state(), before);
        let refused = |book: &mut Book, outcome: Result<(), ConductError>, why: &str| {
            let message = outcome.unwrap_err().to_string();
            assert!(message.contains(why), "\"{message}\" does not say \"{why}\"");
            assert_eq!(book.state(), before);
        };
        let outcome = complain(book, "C-1", Some("2"), "2026-01-05").map(drop);
        refused(book, outcome, "case C-1 is known with other content");
        let outcome = complain(book, "C-2", Some("9"), "2026-01-05").map(drop);
        refused(book, outcome, "account 9 is not known");
        let outcome = decide(book, &decision("C-1", true, "2026-01-04")).map(drop);
        refused(book, outcome, "received on 2026-01-05");
        let outcome = decide(book, &decision("C-9", true, "2026-01-06")).map(drop);
        refused(book, outcome, "no case C-9");
        for (upheld, amount) in [(false, "5.00"), (true, "0"), (true, "-1"), (true, "1.005")] {
            let new = NewDecision {
                deduction: Some(amount.to_string()),
                ..decision("C-1", upheld, "2026-01-06")
            };
            let outcome = decide(book, &new).map(drop);
            refused(book, outcome, amount);
        }
        let outcome =
            decide(book, &NewDecision { corrects: Some(1), ..decision("C-1", true, "2026-01-06") })
                .map(drop);
        refused(book, outcome, "newest decision is 0");
        let outcome = decide(
            book,
            &NewDecision { text: "  ".to_string(), ..decision("C-1", true, "2026-01-06") },
        )
        .map(drop);
        refused(book, outcome, "text must be");
        assert_eq!(
            book.allocate("2026-01-08", "A01"),
            1,
            "a complaint holds all of the debtor's accounts"
        );
        let upheld = NewDecision {
            deduction: Some("1,200.50".to_string()),
            ..decision("C-1", true, "2026-01-09")
        };
        let done = decide(book, &upheld).unwrap();
        assert_eq!((done.decision_no, done.released.as_deref()), (1, Some("1")));
        assert!(decide(book, &upheld).unwrap().already_known);
        assert_eq!(book.allocate("2026-01-09", "A01"), 2, "a decision ends the hold");
        let again = decide(book, &decision("C-1", false, "2026-01-10")).unwrap_err().to_string();
        assert!(
            again.contains("decided on 2026-01-09") && again.contains("--corrects 1"),
            "{again}"
        );
        let done = decide(
            book,
            &NewDecision { corrects: Some(1), ..decision("C-1", false, "2026-01-10") },
        )
        .unwrap();
        assert_eq!((done.decision_no, done.released), (2, None));
        let stale = NewDecision { corrects: Some(1), ..decision("C-1", true, "2026-01-11") };
        assert!(decide(book, &stale).unwrap_err().to_string().contains("newest decision is 2"));
        let all = complaint_store::decisions(&mut book.db, "CFC", "C-1").unwrap();
        assert_eq!(
            all.iter().map(|one| (one.decision_no, one.upheld, one.corrects)).collect::<Vec<_>>(),
            [(1, true, None), (2, false, Some(1))]
        );
        assert_eq!(all[0].deduction.map(|amount| amount.0), Some(120_050));
        assert_eq!(
            book.balance("Liabilities:Payable:A01"),
            0,
            "a deduction is recorded, not posted"
        );
        let numbered = complain(book, "", None, "2026-01-11").unwrap();
        assert!(numbered.reference.starts_with("CP-") && numbered.held.is_none(), "{numbered:?}");
        book.assert_proven();
    });
}

#[test]
fn a_complaint_of_a_closed_month_holds_from_the_first_open_day() {
    on_each_database(|book| {
        book.set_up("CNY", &["A01"]);
        book.publish(&flat_contract("A01", "20%", 90));
        book.portfolio("2026-01-01", "account_no,balance,days_past_due\n1,10.00,40\n2,10.00,40\n");
        book.close("2026-01");
        complain(book, "C-1", Some("1"), "2026-01-05").unwrap();
        complain(book, "C-2", Some("2"), "2026-02-05").unwrap();
        book.close("2026-02");
        decide(book, &decision("C-2", false, "2026-02-10")).unwrap();
        let days = book.texts(
            "SELECT account_no || ' ' || CAST(from_on AS TEXT) || ' ' || COALESCE(CAST(ended_on AS TEXT), '-') AS text FROM hold ORDER BY account_no",
        );
        assert_eq!(days, ["1 2026-02-01 -", "2 2026-02-05 2026-03-01"]);
        book.assert_proven();
    });
}

#[test]
fn complaints_of_a_file_share_the_hold_of_their_account() {
    on_each_database(|book| {
        placed(book);
        let head = "投诉编号,机构,案件编号,投诉日期,严重程度,投诉内容\n";
        let rows = "F-1,A01,1,2026-01-06,高,深夜来电\nF-2,A01,1,2026-01-05,low,又来电\nF-3,A02,,2026-01-07,medium,态度差\n\
                    F-4,A09,,2026-01-07,medium,x\nF-5,A01,77,2026-01-07,medium,x\nF-6,A01,,2026-01-07,grave,x\nF-3,A02,,2026-01-07,medium,态度差\nF-3,A01,,2026-01-07,low,x\n";
        let path =
            book.file("complaints.csv", encoding_rs::GB18030.encode(&format!("{head}{rows}")).0);
        let done = book.take_in(&path, Complaints::default(), &Options::default()).unwrap();
        assert_eq!(
            (done.rows, done.accepted, done.duplicate, done.rejected, done.totals.held),
            (8, 3, 1, 4, 1)
        );
        let faults: Vec<_> = done
            .faults
            .iter()
            .map(|fault| (fault.line, fault.column.as_str(), fault.value.as_str()))
            .collect();
        assert_eq!(
            faults,
            [
                (5, "agency", "A09"),
                (6, "account_no", "77"),
                (7, "severity", "grave"),
                (9, "reference", "F-3")
            ]
        );
        let held = |book: &mut Book| {
            book.texts("SELECT CAST(from_on AS TEXT) || '|' || COALESCE(CAST(ended_on AS TEXT), '') AS text FROM hold")
        };
        assert_eq!(held(book), ["2026-01-05|"], "the earliest of them begins it");
        let before = book.state();
        let again = book.take_in(&path, Complaints::default(), &Options::default()).unwrap();
        assert_eq!((again.accepted, again.duplicate), (0, 4));
        assert_eq!(book.state(), before);
        assert_eq!(
            decide(book, &decision("F-1", true, "2026-01-08")).unwrap().released,
            None,
            "F-2 is still open"
        );
        assert_eq!(held(book), ["2026-01-05|"]);
        assert_eq!(
            decide(book, &decision("F-2", true, "2026-01-09")).unwrap().released.as_deref(),
            Some("1")
        );
        assert_eq!(held(book), ["2026-01-05|2026-01-09"]);
        book.assert_proven();
    });
}

// Evaluations, and what the scorecard reads ---------------------------------------------------------------------------------

#[test]
fn the_later_of_the_two_evaluations_moves_the_gate() {
    on_each_database(|book| {
        let agency = assignee_toml("A01").replace("kind", "evaluated_on = 2025-01-02\nkind");
        book.set_up_parties("CNY", &agency);
        book.publish(&flat_contract("A01", "20%", 3650).replace("2026-01-01", "2025-01-01"));
        book.portfolio("2025-01-01", "account_no,balance,days_past_due\n1,10.00,40\n2,10.00,40\n");
        let placed = |book: &mut Book, on: &str| {
            let outcome = book.try_allocate(&all_to("A01"), on, false).unwrap();
            outcome.decision.assigned.iter().filter(|one| one.recipient.is_some()).count()
        };
        assert_eq!(
            (placed(book, "2026-01-02"), placed(book, "2026-01-03")),
            (2, 0),
            "365 days are not over 365"
        );
        evaluate(book, "A01", "2025-06-01", 60);
        assert_eq!((placed(book, "2026-06-01"), placed(book, "2026-06-02")), (2, 0));
        let before = book.state();
        assert!(evaluate(book, "A01", "2025-06-01", 60).already_known);
        assert_eq!(book.state(), before);
        evaluate(book, "A01", "2026-07-01", 70);
        assert_eq!(
            (placed(book, "2026-06-02"), placed(book, "2026-07-01")),
            (0, 2),
            "an evaluation counts from its day on"
        );
        evaluate(book, "A01", "2024-01-01", 50);
        assert_eq!(placed(book, "2026-07-01"), 2, "an older one recorded later takes nothing away");
        for result in [-1, 101] {
            let why = try_evaluate(book, "A01", "2026-01-01", result).unwrap_err().to_string();
            assert!(why.contains(&result.to_string()), "{why}");
        }
        book.assert_proven();
    });
}

#[test]
fn whose_evaluation_is_due() {
    use evaluation::{Due, due};
    let on = day("2026-06-01");
    let some = |text: &str| Some(day(text));
    let cases = [
        (some("2025-06-01"), some("2020-01-01"), None, None),
        (some("2025-05-31"), some("2020-01-01"), None, Some(Due::Year)),
        (None, some("2025-06-01"), None, None),
        (None, some("2025-05-31"), None, Some(Due::Year)),
        (None, None, None, None),
        (some("2026-01-01"), some("2020-01-01"), some("2026-07-31"), None),
        (some("2025-07-31"), some("2020-01-01"), some("2026-07-31"), Some(Due::ContractEnds)),
        (some("2025-08-01"), some("2020-01-01"), some("2026-07-31"), None),
        (some("2025-07-31"), some("2020-01-01"), some("2026-08-01"), None),
        (None, some("2026-01-01"), some("2026-07-31"), Some(Due::ContractEnds)),
    ];
    for (evaluated_on, began_on, ends_on, expected) in cases {
        assert_eq!(
            due(evaluated_on, began_on, ends_on, on),
            expected,
            "{evaluated_on:?} {began_on:?} {ends_on:?}"
        );
    }
    on_each_database(|book| {
        book.set_up("CNY", &["A01", "A02", "A03", "T01"]);
        let until = |agency: &str, from: &str, to: &str| {
            flat_contract(agency, "20%", 90)
                .replace("2026-01-01", &format!("{from}\neffective_to = {to}"))
        };
        book.publish(&until("A01", "2025-01-01", "2030-12-31"));
        book.publish(&until("A02", "2026-01-01", "2026-07-15"));
        book.publish(&until("A03", "2026-01-01", "2030-12-31"));
        let due = |book: &mut Book| {
            let states = evaluation::states(&mut book.db, "CFC", on).unwrap();
            states.into_iter().map(|one| (one.agency, one.due)).collect::<Vec<_>>()
        };
        let named = |all: [(&str, Option<Due>); 3]| {
            all.map(|(agency, due)| (agency.to_string(), due)).to_vec()
        };
        assert_eq!(
            due(book),
            named([("A01", Some(Due::Year)), ("A02", Some(Due::ContractEnds)), ("A03", None)])
        );
        evaluate(book, "A01", "2026-05-01", 90);
        evaluate(book, "A02", "2026-05-31", 55);
        assert_eq!(due(book), named([("A01", None), ("A02", None), ("A03", None)]));
    });
}

#[test]
fn a_debtor_is_held_while_the_held_account_is_the_debtor_s() {
    on_each_database(|book| {
        placed(book);
        let head = "account_no,balance,days_past_due,debtor_ref,hold\n";
        book.portfolio("2026-01-04", &format!("{head}4,100.00,40,d4,deceased\n"));
        book.portfolio("2026-01-08", &format!("{head}4,100.00,40,d5,deceased\n"));
        contacts(
            book,
            "A01",
            "a,5,2026-01-05 10:00,call,,other\nb,5,2026-01-07 10:00,call,,other\nc,5,2026-01-08 10:00,call,,other\n\
             d,1,2026-01-08 11:00,call,,other\n",
        );
        assert_eq!(
            violated(book, "2026-01-01", "2026-01-31"),
            ["A01 c held deceased from 2026-01-04 / none while held"],
            "whose the account became counts from then on"
        );
    });
}

#[test]
fn an_agency_is_told_of_incidents_of_the_days_it_held_the_account() {
    on_each_database(|book| {
        placed(book);
        book.recall(&["2"], "2026-01-10");
        for (case, account, on) in [
            ("C-1", Some("2"), "2026-01-01"),
            ("C-2", Some("2"), "2026-01-02"),
            ("C-3", Some("2"), "2026-01-10"),
            ("C-4", Some("2"), "2026-01-11"),
            ("C-5", None, "2026-01-20"),
            ("C-6", Some("3"), "2026-01-21"),
        ] {
            complain(book, case, account, on).unwrap();
            decide(book, &decision(case, true, "2026-01-22")).unwrap();
        }
        let all = known(book, "2026-01-01", "2026-01-31", i64::MAX)["A01"];
        assert_eq!((all.upheld, all.untold.upheld), (6, 2), "the lender counts every complaint");
        assert_eq!(all.told(), stands(4, 0, None));
    });
}

#[test]
fn the_scorecard_reads_what_was_known_at_a_number_of_the_book() {
    on_each_database(|book| {
        placed(book);
        book.portfolio(
            "2026-01-02",
            "account_no,balance,days_past_due,debtor_ref,hold\n5,100.00,40,d5,dispute\n",
        );
        contacts(
            book,
            "A01",
            "a,1,2026-01-05 22:00,call,,\nb,2,2026-01-06 10:00,call,,\nc,5,2026-01-06 10:00,call,,\n",
        );
        complain(book, "C-1", None, "2026-01-31").unwrap();
        complain(book, "C-2", None, "2026-02-01").unwrap();
        decide(book, &decision("C-2", true, "2026-02-02")).unwrap();
        evaluate(book, "A01", "2026-01-20", 64);
        let early = seq(book);
        let at_first = BTreeMap::from([("A01".to_string(), stands(0, 2, Some(64)))]);
        assert_eq!(known(book, "2026-01-01", "2026-01-31", early), at_first);
        // Everything that comes later is dated back.
        decide(book, &decision("C-1", true, "2026-01-31")).unwrap();
        evaluate(book, "A01", "2026-01-25", 70);
        contacts(book, "A01", "d,1,2026-01-05 23:00,call,,\n");
        book.recall(&["2"], "2026-01-05");
        book.portfolio(
            "2026-01-06",
            "account_no,balance,days_past_due,debtor_ref,hold\n5,100.00,40,d5,\n4,100.00,40,d4,bankrupt\n",
        );
        assert_eq!(
            known(book, "2026-01-01", "2026-01-31", early),
            at_first,
            "what was known stays known"
        );
        let now = stands(1, 3, Some(70));
        assert_eq!(
            known(book, "2026-01-01", "2026-01-31", i64::MAX),
            BTreeMap::from([("A01".to_string(), now)])
        );
        let corrected = NewDecision { corrects: Some(1), ..decision("C-1", false, "2026-02-04") };
        let before = seq(book);
        decide(book, &corrected).unwrap();
        assert_eq!(known(book, "2026-01-05", "2026-02-04", i64::MAX)["A01"].upheld, 1, "C-2 alone");
        assert_eq!(known(book, "2026-01-05", "2026-02-04", before)["A01"].upheld, 2);
        assert_eq!(
            known(book, "2026-01-05", "2026-02-03", i64::MAX)["A01"].upheld,
            2,
            "a decision counts from its day on"
        );
        assert_eq!(known(book, "2026-01-01", "2026-01-24", i64::MAX)["A01"].evaluation, Some(64));
        assert_eq!(
            known(book, "2026-02-01", "2026-02-28", i64::MAX)["A01"],
            stands(1, 0, Some(70))
        );
        book.assert_proven();
    });
}

// The program ------------------------------------------------------------------------------------------------------------

#[test]
fn the_commands_of_conduct_and_their_exit_codes() {
    on_each(|program, book| {
        placed(book);
        let file = program.file(
            "contacts.csv",
            "reference,account_no,at\na,1,2026-01-05 22:00\nb,77,2026-01-05 10:00\n",
        );
        let import = [
            "import",
            "contacts",
            &file,
            "--lender",
            "CFC",
            "--agency",
            "A01",
            "--rejects",
            "rejects.csv",
        ];
        let done = program.ends(3, &import);
        assert_eq!((&done["accepted"], &done["rejected"]), (&json!(1), &json!(1)));
        assert!(
            program.read("rejects.csv").contains("b,77,2026-01-05 10:00,3,account_no,77,"),
            "{}",
            program.read("rejects.csv")
        );
        program.refused(
            &["import", "contacts", &file, "--lender", "CFC", "--agency", "A77"],
            "A77 is no assignee",
        );
        program.refused(
            &["import", "contacts", &file, "--lender", "NIX", "--agency", "A01"],
            "no lender NIX",
        );
        let span = [
            "violations",
            "--lender",
            "CFC",
            "--from",
            "2026-01-01",
            "--to",
            "2026-01-31",
            "-o",
            "violations.csv",
        ];
        assert_eq!(program.done(&span)["rules"], json!({"quiet_hours": 1}));
        assert_eq!(
            program.read("violations.csv"),
            "agency,reference,account_no,debtor_ref,at,channel,outcome,rule,figure,limit\n\
             A01,a,1,d1,2026-01-05 22:00:00,call,other,quiet_hours,22:00:00,22:00-08:00\n"
        );
        let backwards = [
            "violations",
            "--lender",
            "CFC",
            "--from",
            "2026-02-01",
            "--to",
            "2026-01-31",
            "-o",
            "violations.csv",
        ];
        program.refused(&backwards, "backwards");
        program.refused(&[&span[..], &["--agency", "A77"]].concat(), "A77 is no assignee");

        let add = [
            "complaint",
            "add",
            "--lender",
            "CFC",
            "--agency",
            "A01",
            "--account",
            "1",
            "--received-on",
            "2026-01-06",
        ];
        let add = [&add[..], &["--text", "=called at night", "--reference", "C-1", "--severity"]]
            .concat();
        assert_eq!(program.run(&[&add[..], &["grave"]].concat()).code, 2);
        let added = program.done(&[&add[..], &["high"]].concat());
        assert_eq!(added, json!({"reference": "C-1", "already_known": false, "held": "1"}));
        assert_eq!(program.done(&[&add[..], &["high"]].concat())["already_known"], json!(true));
        program.refused(&[&add[..], &["low"]].concat(), "known with other content");
        let decide = [
            "complaint",
            "decide",
            "--lender",
            "CFC",
            "--reference",
            "C-1",
            "--on",
            "2026-01-08",
            "--text",
            "heard",
        ];
        assert_eq!(program.run(&[&decide[..], &["--upheld", "perhaps"]].concat()).code, 2);
        let upheld = [&decide[..], &["--upheld", "yes", "--deduction", "1,000.00"]].concat();
        assert_eq!(program.done(&upheld)["released"], json!("1"));
        program.refused(&[&decide[..], &["--upheld", "no"]].concat(), "--corrects 1");
        assert_eq!(
            program.done(&[&decide[..], &["--upheld", "no", "--corrects", "1"]].concat())["decision_no"],
            json!(2)
        );
        let rows = "reference,agency,received_on,severity,text\nC-2,A02,2026-01-07,low,rude\nC-3,A02,2026-01-07,low,\n";
        let file = program.file("complaints.csv", rows);
        assert_eq!(
            program.ends(3, &["import", "complaints", &file, "--lender", "CFC"])["accepted"],
            json!(1)
        );
        assert_eq!(
            program.done(&["complaints", "--lender", "CFC", "-o", "cases.csv"])["complaints"],
            json!(2)
        );
        assert_eq!(
            program.read("cases.csv"),
            "reference,agency,account_no,received_on,severity,text,state,decided_on,decision_no,decision,deduction,corrects\n\
             C-1,A01,1,2026-01-06,high,'=called at night,not_upheld,2026-01-08,2,heard,,1\n\
             C-2,A02,,2026-01-07,low,rude,open,,,,,\n"
        );

        let evaluate = [
            "evaluate",
            "--lender",
            "CFC",
            "--agency",
            "A01",
            "--on",
            "2026-01-10",
            "--text",
            "good",
            "--result",
        ];
        assert_eq!(program.done(&[&evaluate[..], &["88"]].concat())["already_known"], json!(false));
        program.refused(&[&evaluate[..], &["101"]].concat(), "outside 0 to 100");
        let due = program.done(&["evaluations", "--lender", "CFC", "--on", "2027-01-11"]);
        assert_eq!(due["due"], json!(2));
        assert_eq!(due["agencies"][0]["due"], json!("year"));
        assert_eq!(
            (&due["agencies"][0]["evaluated_on"], &due["agencies"][0]["result"]),
            (&json!("2026-01-10"), &json!(88))
        );
        assert_eq!(due["agencies"][1]["evaluated_on"], json!(null));
        book.assert_proven();
    });
}
