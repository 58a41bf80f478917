//! Signing in and the own password by the pages.

use std::collections::BTreeMap;

use actix_web::test::{self, TestRequest};
use consign::audit::{self, INSTALLATION};
use consign::party::setup::set_up;
use consign::web::{Site, application};

use crate::life_web::{Answer, PASSWORD};
use crate::support::{by, on_each_database};

const NEW: &str = "a better password";

/// The token of the form that posts to a path.
fn token(body: &str) -> String {
    body.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_string()
}

macro_rules! post {
    ($service:expr, $cookies:expr, $path:expr, $fields:expr) => {{
        let page = get!($service, $cookies, $path);
        let csrf = token(&page.body);
        let mut fields: Vec<(&str, &str)> = $fields.to_vec();
        fields.push(("csrf", &csrf));
        ask!($service, $cookies, TestRequest::post().uri($path).set_form(fields))
    }};
}

fn parties(status: &str) -> String {
    format!(
        "[[lender]]\ncode = \"CFC\"\nname = \"Example\"\ncurrency = \"CNY\"\ntimezone = \"Asia/Shanghai\"\n\
         [[user]]\nlogin = \"viewer@cfc\"\nname = \"Viewer\"\norganisation = \"CFC\"\nroles = [\"viewer\"]\npassword = \"{PASSWORD}\"\n{status}"
    )
}

#[test]
fn people_change_their_own_password() {
    on_each_database(|book| {
        set_up(&mut book.db, "parties.toml", &parties(""), &by()).unwrap();
        let site = Site::open(&book.address).unwrap();
        actix_web::rt::System::new().block_on(async {
            let service = &test::init_service(application(site)).await;
            let mut here = sign_in!(service, "viewer@cfc");
            let mut there = sign_in!(service, "viewer@cfc");
            let change = |old, new, again| [("old", old), ("new", new), ("again", again)];
            for (fields, said) in [
                (change("wrong", NEW, NEW), "The present password is wrong"),
                (change(PASSWORD, "short", "short"), "too short"),
                (change(PASSWORD, NEW, "another password"), "not typed alike"),
                (change(PASSWORD, PASSWORD, PASSWORD), "neither the present one nor the login"),
                (change("x", "Viewer@CFC", "Viewer@CFC"), "neither the present one nor the login"),
            ] {
                let refused = post!(service, here, "/password?lang=en", fields);
                assert_eq!(refused.status, 422, "{said}");
                assert!(
                    refused.body.contains(said) && refused.body.contains("nothing was changed")
                );
                assert!(!refused.body.contains(NEW), "what was typed is not sent back");
            }
            assert_eq!(get!(service, there, "/").status, 200);
            let done = post!(service, here, "/password", change(PASSWORD, NEW, NEW));
            assert_eq!((done.status, done.location.as_str()), (303, "/password?done=1"));
            let page = get!(service, here, "/password?done=1&lang=en");
            assert!(page.body.contains("signed out everywhere else"), "{}", page.body);
            assert_eq!(get!(service, there, "/").status, 303, "the other session has ended");
            let mut nobody = BTreeMap::new();
            assert_eq!(get!(service, nobody, "/password").status, 303);
        });
        let events = audit::events(&mut book.db, INSTALLATION).unwrap();
        let last = events.last().unwrap();
        assert_eq!((last.kind.as_str(), last.actor.as_str()), ("password changed", "viewer@cfc"));
        assert!(!last.summary.contains("argon2"));
        book.assert_proven();
    });
}

#[test]
fn the_door_answers_alike_whoever_knocks() {
    on_each_database(|book| {
        set_up(&mut book.db, "parties.toml", &parties("status = \"disabled\"\n"), &by()).unwrap();
        let site = Site::open(&book.address).unwrap().behind(vec!["10.0.0.1".parse().unwrap()]);
        actix_web::rt::System::new().block_on(async {
            let service = &test::init_service(application(site)).await;
            let knock = async |login: &str, forwarded: &str| {
                let mut cookies: BTreeMap<String, String> = BTreeMap::new();
                let page = get!(service, cookies, "/sign-in?lang=en");
                let csrf = token(&page.body);
                let fields = [("login", login), ("password", PASSWORD), ("csrf", csrf.as_str())];
                let request = TestRequest::post()
                    .uri("/sign-in?lang=en")
                    .peer_addr("10.0.0.1:9".parse().unwrap())
                    .insert_header(("X-Forwarded-For", forwarded))
                    .set_form(fields);
                let answer = ask!(service, cookies, request);
                assert!(answer.location.is_empty(), "let in to {}", answer.location);
                (answer.status, answer.body.replace(login, "?").replace(&csrf, "?"))
            };
            let mut answers = Vec::new();
            for login in ["viewer@cfc", "nobody@cfc"] {
                for _ in 0..6 {
                    answers.push(knock(login, "1.1.1.1, 192.0.2.1").await);
                }
            }
            assert_eq!(answers[..6], answers[6..], "disabled and unknown look alike");
            let statuses: Vec<u16> = answers[..6].iter().map(|(status, _)| *status).collect();
            assert_eq!(statuses, [401, 401, 401, 401, 401, 429]);
            assert!(answers[5].1.contains("wait before you try again: 1"), "{}", answers[5].1);
            assert_eq!(knock("viewer@cfc", "1.1.1.1, 192.0.2.2").await.0, 401, "another address");
            assert_eq!(knock("viewer@cfc", "2.2.2.2, 192.0.2.1").await.0, 429, "the same");
        });
    });
}
