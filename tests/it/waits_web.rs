//! The first page: each sees what waits for them and where it is done, and nobody a step that is not theirs.

use std::collections::BTreeMap;

use actix_web::test::{self, TestRequest};
use consign::conduct::Severity;
use consign::conduct::complaint::{self, NewComplaint};
use consign::placement::Move;
use consign::portfolio::personal::Key;
use consign::web::{Site, application};

use crate::life_web::{Answer, PASSWORD, ready};
use crate::support::{by, day, on_each_database};

/// An item of what waits, as the page writes it.
fn item(href: &str, count: i64, word: &str) -> String {
    format!("<li><a href=\"{}\"><b>{count}</b> {word}</a></li>", href.replace('&', "&#38;"))
}

#[test]
fn the_first_page_says_what_waits_for_whom() {
    on_each_database(|book| {
        ready(book);
        book.portfolio(
            "2026-02-03",
            "account_no,balance,days_past_due\n5,500.00,45\n6,600.00,45\n",
        );
        book.step("1", None, Move::RequestRecall("review"), "2026-02-10").unwrap();
        book.step("2", None, Move::RequestRecall("review"), "2026-02-10").unwrap();
        book.step("1", Some("A01"), Move::Acknowledge, "2026-02-11").unwrap();
        book.step("3", Some("A01"), Move::AskReturn("gone"), "2026-02-11").unwrap();
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
        let site = Site::open(&book.address)
            .unwrap()
            .with_key(Key::of("a secret of the tests"))
            .on_day(day("2026-02-12"));
        actix_web::rt::System::new().block_on(async {
            let service = &test::init_service(application(site.clone())).await;
            let (returns, recalls) =
                ("/requests?lender=CFC&state=returns", "/requests?lender=CFC&state=recalls");
            let complaints = item("/complaints?state=open", 1, "complaints to decide");
            let unplaced =
                item("/allocation/new", 2, "open accounts in nobody&#39;s hands: allocate them");

            let home = get!(service, sign_in!(service, "manager@cfc"), "/?lang=en").body;
            for one in [
                &item(returns, 1, "Returns"),
                &item(recalls, 2, "Recalls pending"),
                &complaints,
                &unplaced,
            ] {
                assert!(home.contains(one), "no {one}: {home}");
            }
            assert!(
                home.contains("class=\"button step\" href=\"/allocation/new\"")
                    && !home.contains("STRATEGY.toml")
            );
            let home = get!(service, sign_in!(service, "compliance@cfc"), "/?lang=en").body;
            assert!(home.contains(&complaints) && !home.contains("/allocation/new"), "{home}");
            for login in ["viewer@cfc", "preparer@cfc", "manager@nbk"] {
                let home = get!(service, sign_in!(service, login), "/?lang=en").body;
                assert!(
                    !home.contains("<li>") && !home.contains("STRATEGY.toml"),
                    "{login}: {home}"
                );
            }
            let home = get!(service, sign_in!(service, "manager@a01"), "/?lang=zh").body;
            assert!(home.contains(&item(recalls, 1, "撤案待确认停催")), "{home}");
            assert!(
                !get!(service, sign_in!(service, "viewer@a01"), "/?lang=en").body.contains("<li>")
            );
            let home = get!(service, sign_in!(service, "manager@a02"), "/?lang=en").body;
            assert!(home.contains("Nothing waits for you"), "{home}");
        });

        // What was done is told at the lender's hour: midnight UTC is eight in the morning at Shanghai.
        actix_web::rt::System::new().block_on(async {
            let service = &test::init_service(application(site.clone())).await;
            let account =
                get!(service, sign_in!(service, "manager@cfc"), "/accounts/1?lang=en").body;
            assert!(
                account.contains("2026-01-01 08:00 test") && !account.contains("2026-01-01 00:00"),
                "{account}"
            );
            // Empty pages point to what this person can do.
            let mut agency = sign_in!(service, "manager@a01");
            let contacts = get!(service, agency, "/contacts?lang=en").body;
            assert!(
                contacts.contains("href=\"/contacts/send?lender=CFC\"")
                    && !contacts.contains("consign import"),
                "{contacts}"
            );
            let mut other = sign_in!(service, "manager@nbk");
            let (complaints, placements) = (
                get!(service, other, "/complaints?lang=en"),
                get!(service, other, "/placements?lang=en"),
            );
            assert!(
                complaints.body.matches("href=\"/complaints/add\"").count() == 2,
                "{}",
                complaints.body
            );
            assert!(
                placements.body.contains("href=\"/allocation/new\"")
                    && !placements.body.contains("STRATEGY.toml")
            );
            assert!(!complaints.body.contains("consign complaint"));
        });

        // A run that waits to be committed comes before another one; what lies before a committed one can go nowhere.
        book.try_allocate(&crate::support::all_to("A02"), "2026-02-20", false).unwrap();
        actix_web::rt::System::new().block_on(async {
            let service = &test::init_service(application(site)).await;
            let home = get!(service, sign_in!(service, "manager@cfc"), "/?lang=en").body;
            assert!(
                home.contains(&item("/allocation", 1, "simulated runs to review and commit")),
                "{home}"
            );
            assert!(home.contains("class=\"button step\" href=\"/allocation\""), "{home}");
        });
    });
}
