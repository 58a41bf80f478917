//! The first page: each sees what waits for them and where it is done, and nobody a step that is not theirs.

use consign::conduct::Severity;
use consign::conduct::complaint::{self, NewComplaint};
use consign::placement::Action;

use crate::app::{Page, TestApp};
use crate::life_web::ready;
use crate::support::{by, day, on_each_database};

/// What waits, as the page lists it: where each item leads, and its words.
fn waits(home: &Page) -> Vec<(String, String)> {
    let item = "main li > a";
    home.attributes(item, "href").into_iter().zip(home.texts(item)).collect()
}

fn items(items: &[(&str, &str)]) -> Vec<(String, String)> {
    items.iter().map(|(href, words)| ((*href).to_string(), (*words).to_string())).collect()
}

/// The button of the next step.
const STEP: &str = "a.button.step";

#[test]
fn the_first_page_says_what_waits_for_whom() {
    on_each_database(|book| {
        ready(book);
        book.portfolio(
            "2026-02-03",
            "account_no,balance,days_past_due\n5,500.00,45\n6,600.00,45\n",
        );
        book.step("1", None, Action::RequestRecall("review"), "2026-02-10").unwrap();
        book.step("2", None, Action::RequestRecall("review"), "2026-02-10").unwrap();
        book.step("1", Some("A01"), Action::Acknowledge, "2026-02-11").unwrap();
        book.step("3", Some("A01"), Action::AskReturn("gone"), "2026-02-11").unwrap();
        let new = NewComplaint {
            agency: "A01".to_string(),
            account_no: None,
            received_on: day("2026-02-12"),
            severity: Severity::High,
            text: "shouted".to_string(),
            reference: None,
            allow_future: false,
        };
        complaint::add(&mut book.db, "CFC", &new, &by()).unwrap();
        let app = &TestApp::on(book, "2026-02-12");
        let (returns, recalls) =
            ("/requests?lender=CFC&state=returns", "/requests?lender=CFC&state=recalls");
        let complaints = ("/complaints?state=open", "1 complaints to decide");
        let home = app.browser("manager@cfc").get("/?lang=en");
        let unplaced = ("/allocation/new", "2 open accounts in nobody's hands: allocate them");
        assert_eq!(
            waits(&home),
            items(&[complaints, (returns, "1 Returns"), (recalls, "2 Recalls pending"), unplaced])
        );
        assert_eq!(home.attributes(STEP, "href"), ["/allocation/new"]);
        assert!(!home.body.contains("STRATEGY.toml"));
        let home = app.browser("compliance@cfc").get("/?lang=en");
        assert_eq!(
            waits(&home),
            items(&[complaints, (returns, "1 Returns"), (recalls, "2 Recalls pending")])
        );
        assert!(!home.body.contains("/allocation/new"), "{}", home.body);
        for login in ["viewer@cfc", "preparer@cfc", "manager@nbk"] {
            let home = app.browser(login).get("/?lang=en");
            assert_eq!(waits(&home), [], "{login}");
            assert!(!home.body.contains("STRATEGY.toml"), "{login}");
        }
        let home = app.browser("manager@a01").get("/?lang=zh");
        assert_eq!(waits(&home), items(&[(recalls, "1 撤案待确认停催")]));
        assert_eq!(waits(&app.browser("viewer@a01").get("/?lang=en")), []);
        let home = app.browser("manager@a02").get("/?lang=en");
        assert!(home.read().contains("Nothing waits for you"), "{}", home.body);

        // What was done is told at the lender's hour: midnight UTC is eight in the morning at Shanghai.
        let account = app.browser("manager@cfc").get("/accounts/1?lang=en").body;
        assert!(
            account.contains("2026-01-01 08:00 test") && !account.contains("2026-01-01 00:00"),
            "{account}"
        );
        // Empty pages point to what this person can do.
        let agency = app.browser("manager@a01");
        let contacts = agency.get("/contacts?lang=en");
        assert!(contacts.has("main a[href='/contacts/send?lender=CFC']"), "{}", contacts.body);
        assert!(!contacts.body.contains("consign import"));
        let other = app.browser("manager@nbk");
        let complaints = other.get("/complaints?lang=en");
        assert_eq!(complaints.texts("main a[href='/complaints/add']").len(), 2);
        assert!(!complaints.body.contains("consign complaint"));
        let placements = other.get("/placements?lang=en");
        assert!(placements.has("main a[href='/allocation/new']"), "{}", placements.body);
        assert!(!placements.body.contains("STRATEGY.toml"));

        // A run that waits to be committed comes before another one; what lies before a committed one can go nowhere.
        book.try_allocate(&crate::support::all_to("A02"), "2026-02-20", false).unwrap();
        let home = app.browser("manager@cfc").get("/?lang=en");
        let waiting = ("/allocation", "1 simulated runs to review and commit");
        assert!(waits(&home).contains(&items(&[waiting])[0]), "{:?}", waits(&home));
        assert_eq!(home.attributes(STEP, "href"), ["/allocation"]);
    });
}
