//! Recording what has run out by the pages: it is told where it matters, exactly what was shown is recorded, once, and
//! only by a lender's people who act on placements.

use consign::placement::{Action, CloseReason, Placement, store};
use consign::web::Site;

use crate::app::{PASSWORD, TestApp, key};
use crate::life_web::{ACT, PEOPLE};
use crate::support::{Book, by, day, flat_contract, on_each_database};

/// Accounts 1 and 2 with A01 for 30 days from January, 3 for longer; January closed.
fn ready(book: &mut Book) {
    book.lender = "NBK".to_string();
    book.set_up("CNY", &["A01"]);
    book.lender = "CFC".to_string();
    book.set_up("CNY", &["A01", "A02"]);
    let objecting = |text: String| {
        text.replace("term_days", "objection_days = 5\nterm_days")
            .replace("2026-01-01", "2016-01-01")
    };
    book.publish(&objecting(flat_contract("A01", "20%", 60)));
    book.publish(&objecting(flat_contract("A02", "20%", 20000)));
    let person = |(login, organisation, role): (&str, &str, &str)| {
        format!(
            "[[user]]\nlogin = \"{login}\"\nname = \"N {login}\"\norganisation = \"{organisation}\"\nroles = [\"{role}\"]\npassword = \"{PASSWORD}\"\n"
        )
    };
    let people: String = PEOPLE.map(person).concat();
    consign::party::setup::set_up(&mut book.db, "people.toml", &people, &by()).unwrap();
    book.portfolio("2015-12-31", "account_no,balance,days_past_due\n1,1000.00,45\n2,2000.00,45\n");
    assert_eq!(book.allocate("2016-01-05", "A01"), 2);
    book.portfolio("2016-01-06", "account_no,balance,days_past_due\n3,300.00,45\n");
    assert_eq!(book.allocate("2016-01-07", "A02"), 1);
    book.close("2016-01");
    book.step("2", None, Action::RequestRecall("review"), "2016-02-10").unwrap();
}

fn last(book: &mut Book, account_no: &str) -> Placement {
    let lender = book.lender.clone();
    store::of_accounts(&mut book.db, &lender, &format!("[\"{account_no}\"]"))
        .unwrap()
        .pop()
        .unwrap()
}

#[test]
fn what_has_run_out_is_told_and_recorded() {
    on_each_database(|book| {
        ready(book);
        let site = Site::open(&book.address).unwrap().with_key(key());
        let app = &TestApp::serving(site);
        let manager = app.browser("manager@cfc");

        // Placed for 60 days, and recalled: both are over on any day these tests are run; nobody has recorded it.
        let home = manager.get("/?lang=en");
        assert!(
            home.body.contains("Run out, not recorded yet")
                && home.has("a[href='/placements/expire?lender=CFC']")
        );
        let account = manager.get("/accounts/1?lang=en");
        assert!(
            account.body.contains("Run out, not recorded yet")
                && !account.body.contains("good\">Placed")
        );
        assert!(account.body.contains("/placements/expire?lender=CFC"), "{}", account.body);
        let account = manager.get("/accounts/2?lang=en");
        assert!(
            account.body.contains("Recall final, not recorded yet"),
            "nobody objected in time: {}",
            account.body
        );
        let list = manager.get("/placements?lang=zh&state=run_out");
        assert!(
            list.body.contains("已到期待登记") && list.body.contains("/accounts/1\""),
            "{}",
            list.body
        );
        assert!(!list.body.contains("/accounts/3\""), "one that goes on has not run out");

        // The last day of 1 is 4 March, the recall of 2 is final on 15 February: over on the next day, not before.
        let none = manager.get("/placements/expire?on=2016-02-15&lang=en");
        assert!(
            none.status == 200
                && none.body.contains("No placement has run out")
                && !none.has("[name=seen]")
        );
        let closed = manager.get("/placements/expire?on=2016-01-31&lang=en");
        assert!(
            closed.body.contains("2016-02-01") && !closed.has("[name=seen]"),
            "{}",
            closed.body
        );
        let page = manager.get("/placements/expire?on=2016-03-05&lang=en");
        assert!(
            page.status == 200 && page.body.contains(">2<") && page.body.contains("3,000.00"),
            "{}",
            page.body
        );
        let record = || page.form(ACT);
        let before = book.state();
        for (typed, status) in [
            (("on", "2036-03-06"), 409),
            (("seen", "0"), 409),
            (("on", "2016-01-31"), 422),
            (("on", "x"), 422),
        ] {
            assert_eq!(manager.send(&record().with(&[typed])).status, status, "{typed:?}");
        }
        assert_eq!(manager.send(&record().with(&[("csrf", "0123")])).status, 403);
        assert_eq!(book.state(), before, "what was refused changed something");
        let events = book.count("event");
        for login in ["viewer@cfc", "preparer@cfc", "manager@a01", "viewer@a01", "manager@nbk"] {
            let browser = app.browser(login);
            assert_eq!(browser.get("/placements/expire?lender=CFC").status, 404, "{login}");
            let home = browser.get("/");
            assert!(!home.body.contains("/placements/expire"), "{login}");
            let csrf = browser.token();
            assert_eq!(browser.send(&record().with(&[("csrf", &csrf)])).status, 404, "{login}");
        }
        assert_eq!(book.count("event"), events, "another recorded it");

        // Recorded once, however often it is sent, and in the name of who did it.
        let done = manager.send(&record());
        assert_eq!(done.status, 303, "{}", done.body);
        let after = book.state();
        assert_eq!(manager.send(&record()).status, 303);
        assert_eq!(book.state(), after, "a form sent twice is carried out once");
        let told = manager.get(&format!("{}&lang=en", done.location()));
        assert!(
            told.body.contains("Recorded as expired: 1 · recalls become final: 1")
                && !told.body.contains("Run out, not recorded yet</dt>")
        );
        assert!(!manager.get("/?lang=en").body.contains("Run out, not recorded yet"));
        let over = last(book, "1");
        assert_eq!(
            (over.closed_on, over.close_reason),
            (Some(day("2016-03-04")), Some(CloseReason::Expired))
        );
        let over = last(book, "2");
        assert_eq!(
            (over.closed_on, over.close_reason),
            (Some(day("2016-02-15")), Some(CloseReason::Recalled))
        );
        assert_eq!(last(book, "3").closed_on, None);
        book.assert_proven();
    });
}
