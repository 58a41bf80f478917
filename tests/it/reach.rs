//! Who reaches what: every route of the one table for every role, with ids of one's own, of others and of nobody; and every
//! link of every page, which leads its reader somewhere.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering};

use actix_web::dev::ResourceDef;
use consign::conduct::Severity;
use consign::conduct::complaint::{self, NewComplaint};
use consign::conduct::contacts::{Contacts, Sender};
use consign::identity::{Role, may};
use consign::intake::Options;
use consign::placement::Action;
use consign::web::{Asked, ROUTES, Route, Seen};

use crate::app::{Browser, PEOPLE, Page, TestApp, key, set_up_people};
use crate::support::{Book, all_to, by, day, flat_contract, on_each_database};

/// The day on which the pages are looked at.
const TODAY: &str = "2026-04-10";

/// Two lenders and what they share: the agency A01 serves both, A02 and the team T01 only CFC, A09 only NBK. Each has a month closed, a
/// run that waits, complaints, contacts at night, a hold, and a recall asked for.
fn two_lenders(book: &mut Book) {
    book.lender = "NBK".to_string();
    book.set_up("GBP", &["A01", "A09"]);
    book.lender = "CFC".to_string();
    book.set_up("CNY", &["A01", "A02", "T01"]);
    set_up_people(book);
    for (lender, assignees) in [("CFC", &["A01", "A02", "T01"][..]), ("NBK", &["A01", "A09"])] {
        book.lender = lender.to_string();
        for assignee in assignees {
            // The team works for nothing: its statement moves nothing in the ledger.
            let rate = if *assignee == "T01" { "0%" } else { "20%" };
            let terms =
                flat_contract(assignee, rate, 300).replace("term", "objection_days = 90\nterm");
            book.publish(&terms.replace("K-", &format!("{lender}-")));
        }
        let mut receipts = "reference,account_no,received_on,amount\n".to_string();
        for (assignee, i) in assignees.iter().zip(1..) {
            let no = |kind: &str| format!("{lender}-{assignee}-{kind}");
            let rows =
                [no("a"), no("b")].map(|no| format!("{no},1000.00,45,欧阳测试,13812345678,\n"));
            let head = "account_no,balance,days_past_due,debtor_name,phone,hold\n";
            taken_in(book, &format!("2026-02-{:02}", 20 + i), &(head.to_string() + &rows.concat()));
            assert_eq!(book.allocate("2026-03-01", assignee), 2);
            let held = format!("{head}{},900.00,50,欧阳测试,13812345678,hardship\n", no("b"));
            taken_in(book, "2026-03-15", &held);
            receipts += &format!("{},{},2026-03-10,100.00\n", no("r"), no("a"));
        }
        book.recoveries(&receipts);
        book.close("2026-03");
        for assignee in assignees {
            conducted(book, assignee);
        }
        taken_in(
            book,
            "2026-04-01",
            &format!("account_no,balance,days_past_due\n{lender}-house,10.00,40\n"),
        );
        assert!(!book.try_allocate(&all_to("A01"), "2026-04-02", false).unwrap().committed);
    }
}

fn taken_in(book: &mut Book, as_of: &str, csv: &str) {
    let path = book.file("portfolio.csv", csv);
    assert_eq!(book.try_people(&path, as_of, &key()).unwrap().faults, []);
}

/// A call at night, a complaint about an account, and a recall that the assignee may object to.
fn conducted(book: &mut Book, assignee: &str) {
    let (lender, key) = (book.lender.clone(), key());
    let account_no = format!("{lender}-{assignee}-a");
    let row = format!("reference,account_no,at,number\nn,{account_no},2026-03-05 23:00,139\n");
    let path = book.file("contacts.csv", row);
    let kind = Contacts::of(assignee, Sender::Lender, Some(&key));
    assert_eq!(book.take_in(&path, kind, &Options::default()).unwrap().faults, []);
    let new = NewComplaint {
        agency: assignee.to_string(),
        account_no: Some(account_no.clone()),
        received_on: day("2026-04-02"),
        severity: Severity::High,
        text: "rang at night".to_string(),
        reference: Some(format!("{lender}-{assignee}-case")),
        allow_future: false,
    };
    complaint::add(&mut book.db, &lender, &new, &by()).unwrap();
    book.step(&account_no, None, Action::RequestRecall("review"), "2026-04-03").unwrap();
}

/// Jobs are of the person who began them; here nobody has begun one.
const NO_JOB: &str = "00000000000000000000000000000000";

/// Whether the table lets somebody of an organisation in.
fn is_let_in(route: &Route, organisation: &str, role: &str) -> bool {
    let role = Role::parse(role).unwrap();
    match route.seen {
        Seen::ByAnybody | Seen::SignedIn => true,
        Seen::With(lender, own) => match organisation {
            "" => false,
            "CFC" | "NBK" => may(role, lender),
            _ => own.is_some_and(|own| may(role, own)),
        },
    }
}

// Links -----------------------------------------------------------------------------------------------------------------

/// The most pages that are looked at for one person: far more than the book has.
const MOST: usize = 2_000;

#[test]
fn every_link_leads_its_reader_somewhere() {
    let mut book = Book::on_sqlite();
    two_lenders(&mut book);
    let app = TestApp::on(&book, TODAY);
    for (login, organisation, role) in PEOPLE {
        let browser = app.browser(login);
        let mut seen: BTreeMap<String, String> = BTreeMap::from([("/".to_string(), String::new())]);
        let mut queue = VecDeque::from(["/".to_string()]);
        while let Some(path) = queue.pop_front() {
            let page = browser.get(&path);
            assert_eq!(page.status, 200, "{login}: {path}, linked on {}", seen[&path]);
            if !page.is_html() {
                continue;
            }
            let (asks, sends) = page.leads_to();
            for action in &sends {
                let action = action.split('?').next().unwrap_or_default();
                let takes = |route: &&Route| {
                    route.asked == Asked::Post && ResourceDef::new(route.path).is_match(action)
                };
                let route = ROUTES.iter().find(takes);
                let route = route.unwrap_or_else(|| panic!("{path} sends to {action}"));
                assert!(
                    is_let_in(route, organisation, role),
                    "{login} may not send {action} of {path}"
                );
            }
            for link in asks {
                if !seen.contains_key(&link) {
                    seen.insert(link.clone(), path.clone());
                    queue.push_back(link);
                }
            }
            assert!(
                seen.len() < MOST,
                "{login}: {:?}",
                seen.keys().rev().take(50).collect::<Vec<_>>()
            );
        }
        let least = if role == "administrator" { 4 } else { 16 };
        assert!(seen.len() >= least, "{login} sees {} pages only", seen.len());
    }
}

// Routes ----------------------------------------------------------------------------------------------------------------

/// The ids of something that is there, of whoever it is, or of nothing at all.
#[derive(Clone, Copy)]
struct Ids {
    lender: &'static str,
    assignee: &'static str,
    account_no: &'static str,
    case: &'static str,
    statement_no: &'static str,
    /// Runs and transactions are numbered in each book from one.
    number: &'static str,
    batch: &'static str,
    reference: &'static str,
    ledger_account: &'static str,
}

const OF_CFC: Ids = Ids {
    lender: "CFC",
    assignee: "A01",
    account_no: "CFC-A01-a",
    case: "CFC-A01-case",
    statement_no: "CFC-000001",
    number: "1",
    batch: "B00001-A01",
    reference: "CFC-A01-r",
    ledger_account: "Assets:Loans:A01",
};

const OF_A02: Ids = Ids {
    assignee: "A02",
    account_no: "CFC-A02-a",
    case: "CFC-A02-case",
    statement_no: "CFC-000002",
    number: "2",
    batch: "B00002-A02",
    reference: "CFC-A02-r",
    ledger_account: "Assets:Loans:A02",
    ..OF_CFC
};

const OF_T01: Ids = Ids {
    assignee: "T01",
    account_no: "CFC-T01-a",
    case: "CFC-T01-case",
    statement_no: "CFC-000003",
    number: "3",
    batch: "B00003-T01",
    reference: "CFC-T01-r",
    ledger_account: "Assets:Loans:T01",
    ..OF_CFC
};

const OF_NBK: Ids = Ids {
    lender: "NBK",
    assignee: "A09",
    account_no: "NBK-A09-a",
    case: "NBK-A09-case",
    statement_no: "NBK-000002",
    number: "2",
    batch: "B00002-A09",
    reference: "NBK-A09-r",
    ledger_account: "Assets:Loans:A09",
};

/// As long as the ones that are there, so that lengths tell nothing either.
const OF_NOBODY: Ids = Ids {
    lender: "ZZZ",
    assignee: "X99",
    account_no: "ZZZ-X99-a",
    case: "ZZZ-X99-case",
    statement_no: "ZZZ-000009",
    number: "9",
    batch: "B00009-X99",
    reference: "ZZZ-X99-r",
    ledger_account: "Assets:Loans:X99",
};

impl Ids {
    fn own(organisation: &str) -> Ids {
        match organisation {
            "A02" => OF_A02,
            "T01" => OF_T01,
            "NBK" => OF_NBK,
            _ => OF_CFC,
        }
    }

    fn texts(&self) -> [&'static str; 8] {
        [
            self.account_no,
            self.case,
            self.statement_no,
            self.batch,
            self.reference,
            self.ledger_account,
            self.assignee,
            self.lender,
        ]
    }

    /// A path with these ids in it. A route with another kind of id needs a sample here.
    fn fill(&self, path: &str) -> String {
        let mut filled = path.to_string();
        for (name, value) in [
            ("{account_no}", self.account_no),
            ("{run_no}", self.number),
            ("{assignee}", self.assignee),
            ("{reference}", self.case),
            ("{statement_no}", self.statement_no),
            ("{line_no}", "1"),
            ("{account}", self.ledger_account),
            ("{number}", self.number),
            ("{job}", NO_JOB),
        ] {
            filled = filled.replace(name, &value.replace(':', "%3A"));
        }
        assert!(!filled.contains('{'), "{path} has an id of which this test has no sample");
        filled
    }

    /// What a form is sent with, as a person of these ids would. A form that is not here fails the test.
    fn form(&self, path: &str) -> Vec<(&'static str, String)> {
        let fields: &[(&'static str, &str)] = match path {
            "/sign-in" => &[("login", "nobody"), ("password", "wrong")],
            "/sign-out" | "/language" => &[("language", "en"), ("here", "/")],
            "/password" => &[("old", "wrong"), ("new", "x"), ("again", "x")],
            "/allocation/new" | "/allocation/compare" => {
                &[("on", "2026-04-03"), ("strategy", ""), ("other", "")]
            }
            "/allocation/{run_no}/commit" => &[],
            "/jobs/{job}/cancel" => &[],
            "/placements/expire" => &[("on", TODAY), ("seen", "nothing")],
            "/placements/act" => &[
                ("do", "retain"),
                ("account", self.account_no),
                ("on", TODAY),
                ("until", "2027-01-31"),
                ("reason", "they pay"),
                ("seen", "not what was shown"),
            ],
            "/contacts/send" => &[("agency", self.assignee)],
            "/portfolio/send" => &[("as_of", "2026-04-05")],
            "/recoveries/send" | "/complaints/send" => &[],
            "/months/close" => &[("month", "2026-04")],
            "/complaints/add" => &[
                ("reference", self.case),
                ("agency", self.assignee),
                ("account_no", self.account_no),
                ("received_on", "2026-04-03"),
                ("severity", ""),
                ("text", "x"),
            ],
            "/complaints/case/{reference}" => &[("upheld", ""), ("on", TODAY), ("text", "x")],
            _ => panic!("the form of {path} has no sample here"),
        };
        fields.iter().map(|(name, value)| (*name, (*value).to_string())).collect()
    }
}

/// Asks a route with ids, as its page would.
fn ask(browser: &Browser<'_>, route: &Route, ids: &Ids, query: &str) -> Page {
    let path = format!("{}?lang=en{query}", ids.fill(route.path));
    if route.asked == Asked::Get {
        return browser.get(&path);
    }
    static SENT: AtomicU32 = AtomicU32::new(0);
    let mut fields = ids.form(route.path);
    fields.push(("key", format!("{:032x}", SENT.fetch_add(1, Ordering::Relaxed))));
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    if route.path.ends_with("/send") {
        let row = format!("reference,account_no,at\nq,{},2026-03-05 23:30\n", ids.account_no);
        let sent = browser.upload(&path, &fields, "calls.csv", &row);
        if !sent.location().starts_with("/jobs/") {
            return sent;
        }
        // What the job says of the file; when it was asked for may differ.
        let mut page = browser.follow(&sent, "en");
        let said = page.body.split("</dl>").skip(1).collect::<Vec<_>>().concat();
        page.body = said;
        return page;
    }
    browser.post(&path, &fields)
}

/// Whoever the table lets in gets an answer, whoever it does not is told that there is nothing; nobody, to sign in.
#[test]
fn every_route_answers_whom_the_table_says_and_nobody_else() {
    on_each_database(|book| {
        two_lenders(book);
        let app = TestApp::on(book, TODAY);
        // What ends a session or counts failures has tests of its own, and so have jobs (`work.rs`).
        let tried = || {
            let own = |path: &str| {
                matches!(path, "/sign-out" | "/sign-in" | "/password") || path.starts_with("/jobs/")
            };
            ROUTES.iter().filter(move |one| !own(one.path))
        };
        for (login, organisation, role) in PEOPLE {
            let browser = app.browser(login);
            for route in tried() {
                let page = ask(&browser, route, &Ids::own(organisation), "");
                let refused = matches!(page.status, 401 | 403 | 404 | 405);
                let is_there = !route.path.contains("{job}");
                assert_eq!(
                    !refused,
                    is_there && is_let_in(route, organisation, role),
                    "{login} {route:?}: {} {}",
                    page.status,
                    page.body
                );
                assert!(page.status < 500 && (!refused || page.status == 404), "{login} {route:?}");
            }
        }
        let stranger = app.stranger();
        for route in ROUTES {
            let page = ask(&stranger, route, &OF_CFC, "");
            let expected: &[u16] = match (route.seen, route.asked) {
                (Seen::ByAnybody, Asked::Get) => &[200],
                (Seen::ByAnybody, Asked::Post) => &[303, 401],
                _ => &[303],
            };
            assert!(expected.contains(&page.status), "nobody {route:?}: {}", page.status);
            let to_sign_in = page.location().starts_with("/sign-in");
            assert!(route.seen == Seen::ByAnybody || to_sign_in, "nobody {route:?}");
        }
    });
}

/// What is another's answers to the byte like what does not exist, but for the id that was asked for.
fn alike(login: &str, route: &Route, theirs: &Ids, answers: [Page; 2], query: &str) {
    let plain = |page: &Page| {
        theirs.texts().into_iter().zip(OF_NOBODY.texts()).fold(page.told(), |told, (id, name)| {
            let encoded = |id: &str| id.replace(':', "%3A");
            told.replace(id, name).replace(&encoded(id), &encoded(name))
        })
    };
    let [theirs, nobodys] = answers.each_ref().map(plain);
    if theirs != nobodys {
        let differs = theirs.lines().zip(nobodys.lines()).find(|(a, b)| a != b);
        panic!("{login} learns something by {route:?} {query}: {differs:?}");
    }
}

/// Every route × every reader × ids of another lender and of another assignee, in the path, in the query, and in the form.
#[test]
fn what_is_anothers_is_like_what_does_not_exist() {
    on_each_database(|book| {
        two_lenders(book);
        let app = TestApp::on(book, TODAY);
        for (login, organisation, role) in PEOPLE {
            let others: &[Ids] = match organisation {
                "CFC" => &[OF_NBK],
                // A01 works for both.
                "NBK" => &[OF_A02, OF_T01],
                "A01" => &[OF_A02, OF_NBK],
                "A02" | "T01" => &[OF_CFC, OF_NBK],
                _ => continue,
            };
            let sees_most = login.starts_with("manager@") || login == "preparer@cfc";
            if book.is_postgres() && !sees_most {
                continue;
            }
            let browser = app.browser(login);
            for (theirs, route) in
                others.iter().flat_map(|ids| ROUTES.iter().map(move |one| (ids, one)))
            {
                if matches!(route.path, "/sign-out" | "/sign-in" | "/password" | "/language") {
                    continue;
                }
                guess(&browser, login, route, theirs);
                // What the queries choose is the same on both databases, and pages the same for whoever sees less.
                if is_let_in(route, organisation, role) && sees_most && !book.is_postgres() {
                    guess_in_query(&browser, login, route, theirs);
                }
            }
        }
    });
}

/// Tries one route with the ids of others in its path and its form.
fn guess(browser: &Browser<'_>, login: &str, route: &Route, theirs: &Ids) {
    // Runs and transactions are numbered in each book from one: another's number names one's own.
    if !route.path.contains("{run_no}") && !route.path.contains("{number}") {
        let answers = [theirs, &OF_NOBODY].map(|ids| ask(browser, route, ids, ""));
        alike(login, route, theirs, answers, "");
    }
}

/// Tries one page with the ids of others in its query.
fn guess_in_query(browser: &Browser<'_>, login: &str, route: &Route, theirs: &Ids) {
    if route.asked == Asked::Post {
        return;
    }
    let organisation = PEOPLE.iter().find(|(known, ..)| *known == login).map_or("", |one| one.1);
    let path = Ids::own(organisation).fill(route.path);
    let doing = if route.path == "/placements/act" { "&do=retain" } else { "" };
    for name in [
        "lender",
        "assignee",
        "agency",
        "holder",
        "champion",
        "batch",
        "reference",
        "account",
        "search",
    ] {
        let value = |ids: &Ids| match name {
            "lender" => ids.lender,
            "assignee" | "agency" | "holder" | "champion" => ids.assignee,
            "batch" => ids.batch,
            "reference" => ids.reference,
            _ => ids.account_no,
        };
        // A book that is one's own too may be chosen.
        let served = matches!((organisation, theirs.lender), ("A01", _) | ("A02" | "T01", "CFC"));
        if name == "lender" && served {
            continue;
        }
        let answers = [theirs, &OF_NOBODY]
            .map(|ids| browser.get(&format!("{path}?lang=en{doing}&{name}={}", value(ids))));
        alike(login, route, theirs, answers, name);
    }
}
