//! Signing in and the own password by the pages.

use actix_web::test::TestRequest;
use consign::audit::{self, INSTALLATION};
use consign::party::setup::set_up;
use consign::web::Site;

use crate::app::{PASSWORD, TestApp};
use crate::support::{by, on_each_database};

const NEW: &str = "a better password";

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
        let app = &TestApp::serving(site);
        let (here, there) = (app.stranger(), app.stranger());
        assert_eq!(here.sign_in("viewer@cfc", PASSWORD).status, 303);
        assert_eq!(there.sign_in("viewer@cfc", PASSWORD).status, 303);
        let change = |old, new, again| [("old", old), ("new", new), ("again", again)];
        for (fields, said) in [
            (change("wrong", NEW, NEW), "The present password is wrong"),
            (change(PASSWORD, "short", "short"), "too short"),
            (change(PASSWORD, NEW, "another password"), "not typed alike"),
            (change(PASSWORD, PASSWORD, PASSWORD), "neither the present one nor the login"),
            (change("x", "Viewer@CFC", "Viewer@CFC"), "neither the present one nor the login"),
        ] {
            let refused = here.post("/password?lang=en", &fields);
            assert_eq!(refused.status, 422, "{said}");
            assert!(refused.body.contains(said) && refused.body.contains("nothing was changed"));
            assert!(!refused.body.contains(NEW), "what was typed is not sent back");
        }
        assert_eq!(there.get("/").status, 200);
        let done = here.post("/password", &change(PASSWORD, NEW, NEW));
        assert_eq!((done.status, done.location()), (303, "/password?done=1"));
        let page = here.get("/password?done=1&lang=en");
        assert!(page.body.contains("signed out everywhere else"), "{}", page.body);
        assert_eq!(there.get("/").status, 303, "the other session has ended");
        assert_eq!(app.stranger().get("/password").status, 303);
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
        let app = &TestApp::serving(site);
        let knock = |login: &str, forwarded: &str| {
            let browser = app.stranger();
            let csrf = browser.token();
            let fields = [("login", login), ("password", PASSWORD), ("csrf", csrf.as_str())];
            let request = TestRequest::post()
                .uri("/sign-in?lang=en")
                .peer_addr("10.0.0.1:9".parse().unwrap())
                .insert_header(("X-Forwarded-For", forwarded))
                .set_form(fields);
            let answer = browser.ask(request);
            assert!(answer.location().is_empty(), "let in to {}", answer.location());
            (answer.status, answer.body.replace(login, "?").replace(&csrf, "?"))
        };
        let mut answers = Vec::new();
        for login in ["viewer@cfc", "nobody@cfc"] {
            for _ in 0..6 {
                answers.push(knock(login, "1.1.1.1, 192.0.2.1"));
            }
        }
        assert_eq!(answers[..6], answers[6..], "disabled and unknown look alike");
        let statuses: Vec<u16> = answers[..6].iter().map(|(status, _)| *status).collect();
        assert_eq!(statuses, [401, 401, 401, 401, 401, 429]);
        assert!(answers[5].1.contains("wait before you try again: 1"), "{}", answers[5].1);
        assert_eq!(knock("viewer@cfc", "1.1.1.1, 192.0.2.2").0, 401, "another address");
        assert_eq!(knock("viewer@cfc", "2.2.2.2, 192.0.2.1").0, 429, "the same");
    });
}
