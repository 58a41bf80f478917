//! Who gets in, and what is proven of people and parties: sessions, throttling, setup, and the chain of the installation.

use std::net::IpAddr;

use consign::audit::{self, INSTALLATION};
use consign::db::Address;
use consign::identity::sign_in::{Attempt, SignInError, Tokens, sign_in, who};
use consign::identity::{people, store};
use consign::party::setup::{SetUp, set_up};
use consign::party::{self, PartyError};

use crate::support::{Book, all_to, assignee_toml, by, day, flat_contract, on_each_database};

const LENDER: &str = "[[lender]]\ncode = \"CFC\"\nname = \"Example Consumer Finance\"\ncurrency = \"CNY\"\ntimezone = \"Asia/Shanghai\"\n";
const RIGHT: &str = "correct horse battery";

fn try_setup(book: &mut Book, text: &str) -> Result<SetUp, PartyError> {
    set_up(&mut book.db, "parties.toml", text, &by())
}

fn setup(book: &mut Book, text: &str) -> SetUp {
    try_setup(book, text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn refused(book: &mut Book, text: &str, words: &[&str]) {
    let error = try_setup(book, text).map(|_| ()).unwrap_err().to_string();
    for word in words.iter().chain(&["nothing was changed"]) {
        assert!(error.contains(word), "\"{error}\" does not say \"{word}\"");
    }
}

fn user(login: &str, organisation: &str, role: &str) -> String {
    format!(
        "[[user]]\nlogin = \"{login}\"\nname = \"N {login}\"\norganisation = \"{organisation}\"\nroles = [\"{role}\"]\npassword = \"{RIGHT}\"\n"
    )
}

/// A lender with an agency, and a viewer.
fn ready(book: &mut Book) {
    let viewer = user("viewer@cfc", "CFC", "viewer");
    setup(book, &format!("{LENDER}{}{viewer}", assignee_toml("A01")));
}

fn attempt(login: &str, password: &str, address: &str) -> Attempt {
    let address = address.parse::<IpAddr>().ok();
    Attempt { login: login.to_string(), password: password.to_string(), address, device: None }
}

fn enters(book: &mut Book, login: &str, password: &str) -> Tokens {
    sign_in(&mut book.db, &attempt(login, password, "192.0.2.200")).unwrap()
}

/// What came of an attempt: `in`, `wrong` or `wait`.
fn outcome(book: &mut Book, attempt: &Attempt) -> &'static str {
    said(&sign_in(&mut book.db, attempt))
}

fn said(outcome: &Result<Tokens, SignInError>) -> &'static str {
    match outcome {
        Ok(_) => "in",
        Err(SignInError::Wrong) => "wrong",
        Err(SignInError::Wait(_)) => "wait",
        Err(error) => panic!("{error}"),
    }
}

fn is_in(book: &mut Book, tokens: &Tokens) -> bool {
    who(&mut book.db, &tokens.session).unwrap().is_some()
}

fn change(login: &str, line: &str) -> String {
    format!("[[user]]\nlogin = \"{login}\"\n{line}\n")
}

#[test]
fn a_new_password_and_disabling_end_sessions_and_a_role_counts_at_once() {
    on_each_database(|book| {
        ready(book);
        let first = enters(book, "viewer@cfc", RIGHT);
        let second = enters(book, "viewer@cfc", RIGHT);
        let again = setup(book, &user("viewer@cfc", "CFC", "viewer"));
        assert!(again.sessions_ended == 0 && is_in(book, &first), "the same password again");
        setup(book, &change("viewer@cfc", "roles = [\"compliance\", \"viewer\"]"));
        let (person, _) = who(&mut book.db, &first.session).unwrap().unwrap();
        assert_eq!(person.roles.len(), 2, "a session has the roles its person has now");
        let done = setup(book, &change("viewer@cfc", "password = \"another password\""));
        assert_eq!(done.sessions_ended, 2);
        assert!(!is_in(book, &first) && !is_in(book, &second));
        assert_eq!(outcome(book, &attempt("viewer@cfc", RIGHT, "")), "wrong");
        let third = enters(book, "viewer@cfc", "another password");
        assert_eq!(setup(book, &change("viewer@cfc", "status = \"disabled\"")).sessions_ended, 1);
        assert!(!is_in(book, &third));
        let disabled = attempt("viewer@cfc", "another password", "");
        assert_eq!(outcome(book, &disabled), "wrong", "as if the password were");
        setup(book, &change("viewer@cfc", "status = \"default\""));
        assert_eq!(outcome(book, &disabled), "in");
        refused(book, &change("viewer@cfc", "status = \"gone\""), &["line 3", "active, disabled"]);
        book.assert_proven();
    });
}

#[test]
fn a_session_ends_without_use_and_at_its_end() {
    on_each_database(|book| {
        ready(book);
        let tokens = enters(book, "viewer@cfc", RIGHT);
        book.sql(&format!(
            "UPDATE session SET seen_at = '{}'",
            consign::ambient::minutes_from_now(-59)
        ))
        .unwrap();
        let (_, session) = who(&mut book.db, &tokens.session).unwrap().unwrap();
        assert!(consign::identity::sign_in::is_due(&session));
        consign::identity::sign_in::touch(&mut book.db, &session).unwrap();
        let (_, session) = who(&mut book.db, &tokens.session).unwrap().unwrap();
        assert!(!consign::identity::sign_in::is_due(&session), "its use was written down");
        book.sql(&format!(
            "UPDATE session SET seen_at = '{}'",
            consign::ambient::minutes_from_now(-61)
        ))
        .unwrap();
        assert!(!is_in(book, &tokens), "an hour without use");
        let tokens = enters(book, "viewer@cfc", RIGHT);
        assert_eq!(book.count("session"), 1, "what has ended is swept");
        book.sql(&format!("UPDATE session SET expires_at = '{}'", consign::ambient::now()))
            .unwrap();
        assert!(!is_in(book, &tokens));
    });
}

/// So many guesses at the same time, each over a connection of its own.
fn at_once(address: &Address, guesses: &[Attempt]) -> Vec<&'static str> {
    let ready = std::sync::Barrier::new(guesses.len());
    std::thread::scope(|scope| {
        let running: Vec<_> = guesses
            .iter()
            .map(|guess| {
                let ready = &ready;
                scope.spawn(move || {
                    let mut db = address.connect().unwrap();
                    ready.wait();
                    said(&sign_in(&mut db, guess))
                })
            })
            .collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

#[test]
fn forty_guesses_at_once_are_counted_as_if_they_came_one_by_one() {
    on_each_database(|book| {
        ready(book);
        for login in ["viewer@cfc", "nobody@cfc"] {
            let guesses: Vec<Attempt> =
                (0..40).map(|_| attempt(login, "guess", "192.0.2.1")).collect();
            let said = at_once(&book.address, &guesses);
            let tried = said.iter().filter(|said| **said == "wrong").count();
            assert_eq!((tried, said.len()), (5, 40), "{login}: {said:?}");
        }
        assert_eq!(outcome(book, &attempt("viewer@cfc", RIGHT, "192.0.2.1")), "wait");
        let elsewhere = attempt("viewer@cfc", RIGHT, "192.0.2.2");
        assert_eq!(outcome(book, &elsewhere), "in", "another address is not made to wait");
    });
}

#[test]
fn an_address_cannot_try_one_password_on_everybody() {
    on_each_database(|book| {
        ready(book);
        let said: Vec<_> = (0..40)
            .map(|i| outcome(book, &attempt(&format!("login {i}"), "guess", "192.0.2.1")))
            .collect();
        assert_eq!(said.iter().filter(|said| **said == "wrong").count(), 30);
        assert_eq!(outcome(book, &attempt("viewer@cfc", RIGHT, "192.0.2.1")), "wait");
        assert_eq!(outcome(book, &attempt("viewer@cfc", RIGHT, "192.0.2.2")), "in");
        // The right password takes its own try back: an office behind one address signs in all day.
        for _ in 0..35 {
            assert_eq!(outcome(book, &attempt("viewer@cfc", RIGHT, "192.0.2.3")), "in");
        }
    });
}

#[test]
fn many_addresses_are_slowed_and_nobody_is_shut_out_of_a_device_they_know() {
    on_each_database(|book| {
        ready(book);
        let known = enters(book, "viewer@cfc", RIGHT).device;
        let said: Vec<_> = (0..60)
            .map(|i| outcome(book, &attempt("viewer@cfc", "guess", &format!("198.51.100.{i}"))))
            .collect();
        assert_eq!(said.iter().filter(|said| **said == "wrong").count(), 50);
        let new = attempt("viewer@cfc", RIGHT, "203.0.113.1");
        assert_eq!(outcome(book, &new), "wait", "a new device waits while the login is guessed at");
        let on_known =
            Attempt { device: Some(known.clone()), ..attempt("viewer@cfc", RIGHT, "198.51.100.1") };
        assert_eq!(outcome(book, &on_known), "in", "a known one does not, from whatever address");
        let another = Attempt { login: "nobody@cfc".to_string(), ..on_known.clone() };
        assert_eq!(outcome(book, &another), "wrong", "a device is known for its person alone");
        let planted = Attempt { device: Some("planted".to_string()), ..new.clone() };
        assert_eq!(outcome(book, &planted), "wait");
        for _ in 0..5 {
            let guess = Attempt { password: "guess".to_string(), ..on_known.clone() };
            assert_eq!(outcome(book, &guess), "wrong");
        }
        assert_eq!(outcome(book, &on_known), "wait", "its own failures count on it, too");
        // A minute later, one try; the longest wait of a new device is a quarter of an hour.
        let past = consign::ambient::minutes_from_now(-1);
        book.sql(&format!("UPDATE sign_in_attempt SET free_at = '{past}'")).unwrap();
        assert_eq!(outcome(book, &new), "in");
        setup(book, &change("viewer@cfc", "password = \"another password\""));
        let on_known = Attempt { password: "another password".to_string(), ..on_known };
        assert_eq!(outcome(book, &on_known), "in", "a new password leaves the device known");
    });
}

#[test]
fn waits_grow_and_attempts_are_not_kept_for_ever() {
    on_each_database(|book| {
        ready(book);
        let guess = attempt("viewer@cfc", "guess", "192.0.2.1");
        let mut waits = Vec::new();
        for _ in 0..12 {
            match sign_in(&mut book.db, &guess) {
                Err(SignInError::Wrong) => continue,
                Err(SignInError::Wait(minutes)) => waits.push(minutes),
                other => panic!("{other:?}"),
            }
            let past = consign::ambient::minutes_from_now(-1);
            book.sql(&format!("UPDATE sign_in_attempt SET free_at = '{past}'")).unwrap();
        }
        assert_eq!(waits, [1, 2, 4, 8], "each wait is twice the one before");
        let kept = book.texts("SELECT bucket AS text FROM sign_in_attempt");
        assert!(kept.len() == 3 && kept.iter().all(|key| key.len() == 64), "{kept:?}");
        let past = consign::ambient::minutes_from_now(-1);
        book.sql(&format!("UPDATE sign_in_attempt SET forget_at = '{past}'")).unwrap();
        assert_eq!(outcome(book, &attempt("an invention", "guess", "192.0.2.9")), "wrong");
        assert_eq!(book.count("sign_in_attempt"), 3, "those of before are swept");
    });
}

#[test]
fn the_table_of_attempts_is_bounded() {
    let mut book = Book::on_sqlite();
    ready(&mut book);
    book.sql(
        "INSERT INTO sign_in_attempt SELECT 'bucket ' || value, 1, '', '2999-01-01T' || value \
         FROM (WITH RECURSIVE n (value) AS (SELECT 100000 UNION ALL SELECT value + 1 FROM n WHERE value < 130000) SELECT value FROM n)",
    )
    .unwrap();
    assert_eq!(outcome(&mut book, &attempt("x", "guess", "192.0.2.1")), "wrong");
    assert!(book.count("sign_in_attempt") <= 20_003);
    let oldest = book
        .number("SELECT COUNT(*) AS number FROM sign_in_attempt WHERE bucket = 'bucket 100000'");
    assert_eq!(oldest, 0, "the oldest go first");
}

#[test]
fn every_change_of_people_is_an_event_and_verify_finds_what_none_made() {
    on_each_database(|book| {
        ready(book);
        setup(
            book,
            &change("viewer@cfc", "roles = [\"compliance\"]\npassword = \"another password\""),
        );
        let events = audit::events(&mut book.db, INSTALLATION).unwrap();
        let last = events.last().unwrap();
        let summary: serde_json::Value = serde_json::from_str(&last.summary).unwrap();
        let said = &summary["changes"][0];
        assert_eq!((last.actor.as_str(), last.kind.as_str()), ("test", "people set up"));
        assert_eq!((&said["key"], &said["what"]), (&"viewer@cfc".into(), &"person".into()));
        assert_eq!(said["before"]["roles"], serde_json::json!(["viewer"]));
        assert_eq!(said["after"]["roles"], serde_json::json!(["compliance"]));
        assert_ne!(said["before"]["password"], said["after"]["password"]);
        assert!(!last.summary.contains("argon2"), "no hash of a password is in an event");
        book.assert_proven();
        for (change, back, found) in [
            (
                "roles = 'viewer'",
                "roles = 'compliance'",
                "roles was changed from [\"compliance\"] to [\"viewer\"]",
            ),
            ("status = 'disabled'", "status = 'active'", "status was changed from \"active\""),
            ("organisation = 'A01'", "organisation = 'CFC'", "organisation was changed"),
            ("roles = 'king'", "roles = 'compliance'", "the column roles holds \"king\""),
        ] {
            book.sql(&format!("UPDATE person SET {change}")).unwrap();
            let findings = book.findings().join("\n");
            assert!(
                findings.contains(found) && findings.contains("viewer@cfc"),
                "{change}: {findings}"
            );
            book.sql(&format!("UPDATE person SET {back}")).unwrap();
            book.assert_proven();
        }
        book.sql("CREATE TABLE keep_person AS SELECT * FROM person").unwrap();
        book.sql("UPDATE person SET password_hash = 'x'").unwrap();
        assert!(
            book.findings()[0].contains("person viewer@cfc: password was changed since event 2")
        );
        // Whoever saves over such a change leaves it found: the event says what it was made from.
        setup(book, &change("viewer@cfc", "password = \"a third password\""));
        assert!(book.findings()[0].contains("viewer@cfc was changed before event 3, by no event"));
    });
}

#[test]
fn verify_finds_people_who_came_or_went_by_no_event() {
    on_each_database(|book| {
        ready(book);
        book.sql("INSERT INTO person (login, name, organisation, roles) VALUES ('x', 'X', 'CFC', 'viewer')")
            .unwrap();
        assert!(book.findings()[0].contains("person x is in the database, but no event made it"));
        setup(book, &change("x", "name = \"Y\""));
        assert!(
            book.findings()[0].contains("x was changed before event 2"),
            "{:?}",
            book.findings()
        );
        let mut other = Book::on_sqlite();
        ready(&mut other);
        other.sql("DELETE FROM person").unwrap();
        assert!(other.findings()[0].contains("person viewer@cfc is gone"));
        let mut other = Book::on_sqlite();
        ready(&mut other);
        other.sql("DROP TRIGGER event_no_delete").unwrap();
        other
            .sql("DELETE FROM event WHERE lender = ''; DELETE FROM book WHERE lender = ''")
            .unwrap();
        assert!(other.findings()[0].contains("were removed"), "{:?}", other.findings());
    });
}

#[test]
fn verify_finds_changes_of_lenders_and_assignees() {
    on_each_database(|book| {
        setup(
            book,
            &format!(
                "{LENDER}{}capacity = 5\nregions = [\"310000\"]\n",
                assignee_toml("A01").trim_end().to_string() + "\n"
            ),
        );
        book.assert_proven();
        for (table, change, back) in [
            ("lender", "name = 'Else'", "name = 'Example Consumer Finance'"),
            ("lender", "timezone = 'Europe/London'", "timezone = 'Asia/Shanghai'"),
            ("lender", "language = 'en'", "language = 'zh'"),
            ("assignee", "capacity = 6", "capacity = 5"),
            ("assignee", "regions = NULL", "regions = '[\"310000\"]'"),
            ("assignee", "status = 'suspended'", "status = 'active'"),
            ("assignee", "evaluated_on = '2026-01-01'", "evaluated_on = NULL"),
        ] {
            book.sql(&format!("UPDATE {table} SET {change}")).unwrap();
            assert!(book.findings().join("\n").contains(table), "{change}: {:?}", book.findings());
            book.sql(&format!("UPDATE {table} SET {back}")).unwrap();
            book.assert_proven();
        }
        book.sql("UPDATE bucket_map SET bounds = '[[\"M0\",0],[\"M1\",9]]'").unwrap();
        assert!(book.findings()[0].contains("buckets was changed"), "{:?}", book.findings());
    });
}

/// What the first version left: people and parties without events of them.
fn first_version(book: &mut Book) {
    let first = audit::first_hash("OLD");
    book.sql(&format!(
        "INSERT INTO lender (code, name, currency, timezone, language) VALUES ('OLD', 'Old', 'CNY', 'Asia/Shanghai', 'zh');
         INSERT INTO bucket_map (lender, version, bounds) VALUES ('OLD', 1, '[[\"M0\",0],[\"M1\",1]]');
         INSERT INTO assignee (lender, code, name, kind, status) VALUES ('OLD', 'A01', 'One', 'agency', 'active');
         INSERT INTO book (lender, seq, event_hash, transaction_no, transaction_hash, placement_no, batch_no, run_no, statement_no)
           VALUES ('OLD', 0, '{first}', 0, '{first}', 0, 0, 0, 0);
         INSERT INTO person (login, name, organisation, roles) VALUES ('p', 'P', 'OLD', 'viewer'), ('q', 'Q', 'OLD', 'viewer');"
    ))
    .unwrap();
    book.lender = "OLD".to_string();
}

#[test]
fn a_book_of_the_first_version_is_recorded_whole_at_its_next_change_and_proven_from_there() {
    on_each_database(|book| {
        first_version(book);
        book.assert_proven();
        setup(book, &change("p", "status = \"disabled\""));
        setup(book, "[[lender]]\ncode = \"OLD\"\nname = \"New\"\n");
        book.assert_proven();
        book.sql("UPDATE person SET roles = 'compliance' WHERE login = 'q'").unwrap();
        book.sql("UPDATE assignee SET name = 'Two'").unwrap();
        let found = book.findings().join("\n");
        assert!(
            found.contains("person q: roles") && found.contains("assignee A01: name"),
            "{found}"
        );
    });
    on_each_database(|book| {
        first_version(book);
        people::record_all(&mut book.db, &by()).unwrap();
        people::record_all(&mut book.db, &by()).unwrap();
        let events = audit::events(&mut book.db, INSTALLATION).unwrap();
        assert!(events.len() == 1 && events[0].kind == "people recorded", "once");
        book.assert_proven();
    });
}

#[test]
fn what_a_second_setup_leaves_out_stays_and_default_takes_it_back() {
    on_each_database(|book| {
        let full = "[lender.contact_policy]\nquiet_from = \"21:00\"\nunanswered_per_number_per_day = 2\n\n\
            [[lender.bucket]]\nname = \"B0\"\nfrom = 0\n\n[[lender.bucket]]\nname = \"B1\"\nfrom = 9\n\n\
            [[lender.assignee]]\ncode = \"A01\"\nname = \"One\"\nkind = \"agency\"\ncapacity = 5\nregions = [\"310000\"]\n\
            products = [\"card\"]\nstatus = \"suspended\"\nlicence_expires_on = 2027-01-01\nevaluated_on = 2026-01-01\n";
        setup(book, &format!("{LENDER}language = \"en\"\n{full}"));
        let before = (
            party::store::lender(&mut book.db, "CFC").unwrap().unwrap(),
            party::store::assignees(&mut book.db, "CFC").unwrap(),
        );
        let state = book.state();
        setup(
            book,
            "[[lender]]\ncode = \"CFC\"\n[lender.contact_policy]\n[[lender.assignee]]\ncode = \"A01\"\n",
        );
        let after = (
            party::store::lender(&mut book.db, "CFC").unwrap().unwrap(),
            party::store::assignees(&mut book.db, "CFC").unwrap(),
        );
        assert_eq!(
            (&before, state),
            (&after, book.state()),
            "nothing was said, nothing is an event"
        );
        setup(
            book,
            "[[lender]]\ncode = \"CFC\"\nlanguage = \"default\"\nbucket = \"default\"\n\
             [lender.contact_policy]\nquiet_from = \"default\"\n\
             [[lender.assignee]]\ncode = \"A01\"\ncapacity = \"default\"\nregions = \"default\"\nstatus = \"default\"\nlicence_expires_on = \"default\"\n",
        );
        let lender = party::store::lender(&mut book.db, "CFC").unwrap().unwrap();
        assert_eq!(
            (lender.language, &lender.buckets),
            (party::Lang::Zh, &party::Buckets::default())
        );
        assert_eq!(lender.contact_policy.quiet_from.to_string(), "22:00");
        assert_eq!(lender.contact_policy.unanswered, 2, "left out, so left as it was");
        let one = &party::store::assignees(&mut book.db, "CFC").unwrap()[0];
        assert_eq!((one.capacity, &one.regions, one.licence_expires_on), (None, &None, None));
        assert_eq!(
            (one.status, one.evaluated_on),
            (party::Status::Active, Some(day("2026-01-01")))
        );
        assert_eq!(one.products, Some(party::Names(vec!["card".to_string()])));
        setup(book, "[[lender]]\ncode = \"CFC\"\ncontact_policy = \"default\"\n");
        let lender = party::store::lender(&mut book.db, "CFC").unwrap().unwrap();
        assert_eq!(lender.contact_policy, party::ContactPolicy::default());
        refused(
            book,
            "[[lender]]\ncode = \"NEW\"\nname = \"New\"\n",
            &["line 1", "NEW", "`currency`"],
        );
        refused(book, "[[lender]]\ncode = \"CFC\"\ncolour = \"red\"\n", &["line 3", "colour"]);
        refused(book, "[[user]]\nlogin = \"new\"\n", &["line 1", "`roles`", "new"]);
        book.assert_proven();
    });
}

#[test]
fn a_person_keeps_what_a_second_setup_leaves_out() {
    on_each_database(|book| {
        ready(book);
        let before = store::person(&mut book.db, "viewer@cfc").unwrap();
        setup(book, &change("viewer@cfc", ""));
        assert_eq!(store::person(&mut book.db, "viewer@cfc").unwrap(), before);
        setup(book, &change("viewer@cfc", "name = \"Else\""));
        let after = store::person(&mut book.db, "viewer@cfc").unwrap().unwrap();
        assert_eq!((after.name.as_str(), &after.roles), ("Else", &before.unwrap().roles));
        let twice = format!("{}{}", change("x", ""), change("x", ""));
        refused(book, &twice, &["x stands twice", "line 4"]);
        let short = "[[user]]\nlogin = \"x\"\nname = \"X\"\norganisation = \"CFC\"\nroles = [\"viewer\"]\npassword = \"secret\"\n";
        let error = try_setup(book, short).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("line 6") && !error.contains("secret"), "{error}");
    });
}

#[test]
fn a_role_that_the_organisation_cannot_have_is_refused() {
    on_each_database(|book| {
        ready(book);
        setup(book, &format!("[[lender]]\ncode = \"CFC\"\n{}", assignee_toml("T01")));
        let before = book.state();
        for (organisation, role, words) in [
            (
                "CFC",
                "agency_manager",
                [
                    "a lender",
                    "placement_manager, compliance, viewer, finance_preparer, finance_approver",
                ],
            ),
            ("A01", "viewer", ["an agency", "agency_manager, agency_viewer"]),
            ("T01", "finance_approver", ["a team", "agency_manager, agency_viewer"]),
            ("CFC", "administrator", ["belongs to none", "`organisation`"]),
            ("A01", "administrator", ["belongs to none", "`organisation`"]),
            ("NOWHERE", "viewer", ["NOWHERE", "neither a lender nor an assignee"]),
        ] {
            refused(book, &user("x", organisation, role), &["line 1", words[0], words[1]]);
        }
        let both =
            user("x", "CFC", "viewer").replace("[\"viewer\"]", "[\"viewer\", \"administrator\"]");
        refused(book, &both, &["administrator"]);
        assert_eq!(book.state(), before);
        for (organisation, role) in
            [("CFC", "finance_approver"), ("A01", "agency_manager"), ("T01", "agency_viewer")]
        {
            setup(book, &user("x", organisation, role));
        }
        let administrator =
            user("root", "-", "administrator").replace("organisation = \"-\"\n", "");
        setup(book, &administrator);
        let root = store::person(&mut book.db, "root").unwrap().unwrap();
        assert_eq!(root.organisation, "");
        book.assert_proven();
    });
}

#[test]
fn nobody_is_taken_into_an_organisation_that_comes_later() {
    on_each_database(|book| {
        ready(book);
        setup(book, &user("root", "PLATFORM", "administrator"));
        let taken = format!("[[lender]]\ncode = \"CFC\"\n{}", assignee_toml("PLATFORM"));
        refused(book, &taken, &["line 3", "PLATFORM", "root"]);
        let team = format!("[[lender]]\ncode = \"CFC\"\n{}", assignee_toml("T01"));
        setup(book, &format!("{team}{}", user("t", "T01", "agency_manager")));
        let served = |book: &mut Book| party::store::lenders_of(&mut book.db, "T01").unwrap().len();
        assert_eq!(served(book), 1, "a team's people work for its lender");
        let second = LENDER.replace("CFC", "NBK") + &assignee_toml("T01");
        refused(book, &second, &["T01", "CFC and NBK", "a code of its own"]);
        // Were it there all the same, it would open neither book.
        setup(book, &LENDER.replace("CFC", "NBK"));
        book.sql("INSERT INTO assignee (lender, code, name, kind, status) VALUES ('NBK', 'T01', 'T', 'team', 'active')")
            .unwrap();
        assert_eq!(served(book), 0);
    });
}

#[test]
fn an_assignee_that_was_given_accounts_stays_what_it_is() {
    on_each_database(|book| {
        setup(book, &format!("{LENDER}{}", assignee_toml("A01")));
        let kind = |kind: &str| {
            format!(
                "[[lender]]\ncode = \"CFC\"\n[[lender.assignee]]\ncode = \"A01\"\nkind = \"{kind}\"\n"
            )
        };
        setup(book, &kind("team"));
        setup(book, &kind("agency"));
        book.publish(&flat_contract("A01", "20%", 60));
        book.portfolio("2025-12-31", "account_no,balance,days_past_due\n1,1000.00,45\n");
        assert!(book.try_allocate(&all_to("A01"), "2026-01-02", true).unwrap().committed);
        refused(book, &kind("team"), &["line 3", "A01", "`kind`"]);
        setup(book, &kind("agency"));
        book.assert_proven();
    });
}
