//! An agency learns nothing of accounts outside the days it held them: one story is played twice, with and without what is
//! none of the agency's business, and everything it is told – pages, files, refusals – is the same to the byte.

use consign::conduct::Severity;
use consign::conduct::complaint::{self, NewComplaint, NewDecision};
use consign::conduct::contacts::{Contacts, Sender};
use consign::intake::Options;
use consign::placement::Action;
use consign::web::{Asked, ROUTES, Seen};

use crate::app::{Browser, TestApp, key, set_up_people};
use crate::support::{Book, by, day, flat_contract, on_each_database};

/// The day on which the pages are looked at.
const TODAY: &str = "2026-04-10";

/// What the agency A01 has of its own: `held` it holds now, `stopped` with a recall asked for, `hardship` while the debtor is
/// in hardship; `left` it held until the 12th of March.
fn own_story(book: &mut Book, assignee: &str) {
    let head = "account_no,balance,days_past_due,debtor_ref,debtor_name,phone,hold\n";
    let row = |no: &str, debtor: &str, hold: &str| {
        format!("{no},1000.00,45,{debtor},欧阳测试,13812345678,{hold}\n")
    };
    let rows = [("held", "d1"), ("stopped", "d2"), ("hardship", "d3"), ("left", "d4")];
    let rows = rows.map(|(no, debtor)| row(no, debtor, ""));
    taken_in(book, "2026-02-28", &format!("{head}{}", rows.concat()));
    book.publish(&with_tail(assignee, 300));
    assert_eq!(book.allocate("2026-03-01", assignee), 4);
    taken_in(book, "2026-03-02", &format!("{head}{}", row("hardship", "d3", "hardship")));
    book.recoveries(
        "reference,account_no,received_on,amount\nr1,held,2026-03-10,100.00\nr2,left,2026-03-11,50.00\n\
         r3,left,2026-03-14,25.00\n",
    );
    complain(book, assignee, "before", "left", "2026-03-05");
    decide(book, "before", false, "2026-03-06");
    complain(book, assignee, "now", "held", "2026-04-02");
    book.recall(&["left"], "2026-03-12");
    sent(
        book,
        assignee,
        "c1,left,2026-03-09 23:10,13812345678,unanswered\nc2,left,2026-03-13 10:00,13812345678,effective\n\
         c3,held,2026-03-20 10:00,13812345678,unanswered\nc4,hardship,2026-03-20 10:05,,effective\n",
    );
    book.step("stopped", None, Action::RequestRecall("review"), "2026-04-05").unwrap();
}

fn with_tail(assignee: &str, days: u32) -> String {
    flat_contract(assignee, "20%", days).replace("term", "objection_days = 60\ntail_days = 5\nterm")
}

/// What is none of its business: an account it never held, with everything that can befall one; and what became of the
/// account that has left it – another agency, another debtor, a death, a complaint.
fn the_rest(book: &mut Book, assignee: &str) {
    let head = "account_no,balance,days_past_due,debtor_ref,debtor_name,phone,hold\n";
    book.publish(&with_tail("Z02", 200));
    taken_in(book, "2026-03-13", &format!("{head}foreign,700.00,80,d9,王五,13900000000,\n"));
    assert_eq!(book.allocate("2026-03-15", "Z02"), 2, "the account that left, and the foreign one");
    book.recoveries(
        "reference,account_no,received_on,amount\nx1,foreign,2026-03-18,70.00\nx2,left,2026-03-19,30.00\n",
    );
    complain(book, assignee, "after", "left", "2026-03-21");
    complain(book, assignee, "never", "foreign", "2026-03-21");
    complain(book, "Z02", "another", "left", "2026-03-21");
    decide(book, "after", true, "2026-03-24");
    decide(book, "never", true, "2026-03-24");
    let calls = (0..9)
        .map(|i| format!("y{i},foreign,2026-03-20 09:0{i},13812345678,unanswered\n"))
        .collect::<String>();
    sent(book, "Z02", &format!("{calls}z,left,2026-02-20 10:00,13812345678,effective\n"));
    taken_in(
        book,
        "2026-03-25",
        &format!(
            "{head}left,900.00,60,d8,赵六,13700000000,deceased\nforeign,700.00,90,d9,王五,13900000000,bankrupt\n"
        ),
    );
}

fn taken_in(book: &mut Book, as_of: &str, csv: &str) {
    let path = book.file("portfolio.csv", csv);
    assert_eq!(book.try_people(&path, as_of, &key()).unwrap().faults, []);
}

fn complain(book: &mut Book, agency: &str, case: &str, account_no: &str, on: &str) {
    let new = NewComplaint {
        agency: agency.to_string(),
        account_no: Some(account_no.to_string()),
        received_on: day(on),
        severity: Severity::High,
        text: format!("the text of {case}"),
        reference: Some(format!("case-{case}")),
        allow_future: false,
    };
    let lender = book.lender.clone();
    complaint::add(&mut book.db, &lender, &new, &by()).unwrap();
}

fn decide(book: &mut Book, case: &str, upheld: bool, on: &str) {
    let new = NewDecision {
        reference: format!("case-{case}"),
        upheld,
        on: day(on),
        text: "both sides were heard".to_string(),
        deduction: None,
        corrects: None,
    };
    let lender = book.lender.clone();
    complaint::decide(&mut book.db, &lender, &new, &by()).unwrap();
}

fn sent(book: &mut Book, agency: &str, rows: &str) {
    let path = book.file("calls.csv", format!("reference,account_no,at,number,outcome\n{rows}"));
    let key = key();
    let kind = Contacts::of(agency, Sender::Lender, Some(&key));
    assert_eq!(book.take_in(&path, kind, &Options::default()).unwrap().faults, [], "in {rows}");
}

/// Accounts as an agency may know or guess them: its own, one that has left it, and two of which only one exists somewhere.
const GUESSES: [&str; 6] = ["held", "stopped", "hardship", "left", "foreign", "nothing"];

/// Everything that somebody may ask and send, each answer under what was asked.
fn everything(browser: &Browser<'_>, assignee: &str) -> Vec<(String, String)> {
    let mut told = Vec::new();
    for path in asked(assignee) {
        let (langs, joint) =
            if path.contains('?') { (&["en"][..], '&') } else { (&["en", "zh"][..], '?') };
        for lang in langs {
            let path = format!("{path}{joint}lang={lang}");
            told.push((path.clone(), browser.get(&path).told()));
        }
    }
    let rows = GUESSES.map(|no| {
        format!(
            "s-{no},{no},2026-03-20 10:30,13812345678,unanswered\nt-{no},{no},2026-03-11 10:30,13812345678,effective\n"
        )
    });
    let files = [rows.concat()].into_iter().chain(rows);
    for (rows, i) in files.zip(1..) {
        let text = format!("reference,account_no,at,number,outcome\n{rows}");
        // Twice: what is known of a file and of its references is told as well.
        for _ in 0..2 {
            let page = browser.upload("/contacts/send?lang=en", &[], &format!("{i}.csv"), &text);
            told.push((format!("contacts {i}"), page.told()));
        }
    }
    for no in GUESSES {
        for act in ["acknowledge", "object", "return", "retain", "recall", "hold-open"] {
            for look in ["yes", ""] {
                let fields = [
                    ("do", act),
                    ("account", no),
                    ("on", TODAY),
                    ("until", "2027-03-31"),
                    ("reason", "as was said"),
                    ("key", "0123456789abcdef0123456789abcdef"),
                    ("seen", "something else"),
                    ("look", look),
                ];
                let page = browser.post("/placements/act?lang=en", &fields);
                told.push((format!("{act} {no} {look}"), page.told()));
            }
        }
    }
    for path in asked(assignee).iter().filter(|path| !path.contains('?')) {
        told.push((format!("{path} afterwards"), browser.get(path).told()));
    }
    told
}

/// Every path of the table with ids of all kinds in it, and the lists with everything in their queries.
fn asked(assignee: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for route in ROUTES.iter().filter(|route| route.asked == Asked::Get) {
        let values: &[&str] = match route.path {
            path if path.contains("{account_no}") => &GUESSES,
            path if path.contains("{reference}") => &[
                "case-before",
                "case-now",
                "case-after",
                "case-never",
                "case-another",
                "case-none",
            ],
            path if path.contains("{statement_no}") => &["CFC-000001", "CFC-000002", "CFC-000009"],
            path if path.contains("{assignee}") => &[assignee, "Z02", "X99"],
            path if path.contains('{') => &["1", "2", "9"],
            _ => &[""],
        };
        for value in values {
            for line in
                if route.path.contains("{line_no}") { &["1", "2", "3", "4"][..] } else { &["1"] }
            {
                let mut path = route.path.replace("{line_no}", line);
                while let (Some(from), Some(to)) = (path.find('{'), path.find('}')) {
                    path.replace_range(from..=to, value);
                }
                paths.push(path);
            }
        }
    }
    let queries = [
        "month=2026-02",
        "month=2026-03",
        "month=2026-04",
        "state=open",
        "state=closed",
        "state=upheld",
        "state=recalls",
        "state=run_out",
        "assignee=Z02",
        "agency=Z02",
        "rule=held",
        "rule=unanswered",
        "rule=not_in_hands",
        "before=999999",
        "before=2026-04-01+x",
        "after=a",
        "on=2026-03-20",
        // Before the first placement of anybody is judged: from then on a scorecard compares, and says how the others do.
        "on=2026-05-20",
        "run=1",
        "stratum=M2",
        "lender=CFC",
        "lender=NBK",
        "kind=commission",
        "batch=B00002-Z02",
        "do=return",
    ];
    let lists = ROUTES.iter().filter(|route| {
        let own = matches!(route.seen, Seen::With(_, Some(_)) | Seen::SignedIn);
        route.asked == Asked::Get && own && !route.path.contains('{')
    });
    for route in lists {
        paths.extend(queries.map(|query| format!("{}?{query}", route.path)));
    }
    for act in ["acknowledge", "object", "return", "retain", "recall", "hold-open"] {
        for no in GUESSES {
            paths.push(format!("/placements/act?do={act}&account={no}"));
            paths.push(format!("/placements/act?do={act}&account=held&account={no}&on=2026-03-05"));
        }
    }
    paths
}

/// Everything that the people of an assignee are told, with or without what is none of their business.
fn story(
    book: &mut Book,
    assignee: &str,
    login: &str,
    with_the_rest: bool,
) -> Vec<(String, String)> {
    book.lender = "NBK".to_string();
    book.set_up("GBP", &["A01"]);
    book.lender = "CFC".to_string();
    book.set_up("CNY", &["A01", "A02", "T01", "Z02"]);
    set_up_people(book);
    own_story(book, assignee);
    if with_the_rest {
        the_rest(book, assignee);
    }
    book.close("2026-03");
    let app = TestApp::on(book, TODAY);
    let browser = app.browser(login);
    everything(&browser, assignee)
}

/// A text without its times of day, `09:30` and the like.
fn without_minutes(text: &str) -> String {
    let is_time = |part: &[char]| {
        part[2] == ':' && [0, 1, 3, 4].iter().all(|place| part[*place].is_ascii_digit())
    };
    let chars: Vec<char> = text.chars().collect();
    let (mut told, mut at) = (String::with_capacity(text.len()), 0);
    while at < chars.len() {
        if chars.get(at..at + 5).is_some_and(is_time) {
            told.push_str("TIME");
            at += 5;
        } else {
            told.push(chars[at]);
            at += 1;
        }
    }
    told
}

fn is_silent(assignee: &str, login: &str, with: &mut Book, without: &mut Book) {
    let (with, without) =
        (story(with, assignee, login, true), story(without, assignee, login, false));
    assert_eq!(with.len(), without.len());
    let mut learned = Vec::new();
    for ((asked, told), (_, expected)) in with.iter().zip(&without) {
        // When one's own jobs ran is told to the minute of the clock, which is another for each story.
        let by_clock = asked.contains("/jobs");
        let [told, expected] = [told, expected]
            .map(|text| if by_clock { without_minutes(text) } else { text.clone() });
        if told != expected {
            let differs = told.lines().zip(expected.lines()).find(|(a, b)| a != b);
            learned.push(format!("{asked}: {differs:#?}"));
        }
    }
    assert!(learned.is_empty(), "{login} learns something by {}", learned.join("\n"));
}

#[test]
fn an_agency_is_told_the_same_whatever_befalls_what_it_does_not_hold() {
    on_each_database(|book| {
        let mut other = if book.is_postgres() {
            Book::on_postgres(&crate::support::postgres().unwrap())
        } else {
            Book::on_sqlite()
        };
        is_silent("A01", "manager@a01", book, &mut other);
    });
}

#[test]
fn those_who_only_look_and_the_lender_s_own_team_are_told_the_same_too() {
    for (assignee, login) in [("A01", "viewer@a01"), ("T01", "manager@t01")] {
        is_silent(assignee, login, &mut Book::on_sqlite(), &mut Book::on_sqlite());
    }
}
