//! Acting on placements by the pages: who may, what is said before, what a form that is sent twice does, and that nobody
//! reaches what is another's.

use consign::placement::{Placement, store};

use crate::app::{Browser, Form, PASSWORD, TestApp};
use crate::support::{Book, by, flat_contract, on_each_database};

pub const PEOPLE: [(&str, &str, &str); 8] = [
    ("manager@cfc", "CFC", "placement_manager"),
    ("compliance@cfc", "CFC", "compliance"),
    ("viewer@cfc", "CFC", "viewer"),
    ("preparer@cfc", "CFC", "finance_preparer"),
    ("manager@a01", "A01", "agency_manager"),
    ("viewer@a01", "A01", "agency_viewer"),
    ("manager@a02", "A02", "agency_manager"),
    ("manager@nbk", "NBK", "placement_manager"),
];

/// Accounts 1 to 3 with A01, 4 with A02, January closed; another lender.
pub fn ready(book: &mut Book) {
    book.lender = "NBK".to_string();
    book.set_up("CNY", &["A01"]);
    book.lender = "CFC".to_string();
    book.set_up("CNY", &["A01", "A02"]);
    for agency in ["A01", "A02"] {
        book.publish(
            &flat_contract(agency, "20%", 3650)
                .replace("term_days", "objection_days = 5\nterm_days"),
        );
    }
    let people: String = PEOPLE
        .map(|(login, organisation, role)| {
            format!("[[user]]\nlogin = \"{login}\"\nname = \"N {login}\"\norganisation = \"{organisation}\"\nroles = [\"{role}\"]\npassword = \"{PASSWORD}\"\n")
        })
        .concat();
    consign::party::setup::set_up(&mut book.db, "people.toml", &people, &by()).unwrap();
    book.portfolio(
        "2025-12-31",
        "account_no,balance,days_past_due\n1,1000.00,45\n2,2000.00,45\n3,300.00,45\n",
    );
    assert_eq!(book.allocate("2026-01-05", "A01"), 3);
    book.portfolio("2026-01-06", "account_no,balance,days_past_due\n4,400.00,45\n");
    assert_eq!(book.allocate("2026-01-07", "A02"), 1);
    book.close("2026-01");
}

/// The form of the page of an act, or of a list of them.
pub const ACT: &str = "form[method=post][action^='/placements/']";

/// Types into a form and looks at what it comes to; the form of that page, with the same typed into it.
fn look(browser: &Browser<'_>, form: Form, typed: &[(&str, &str)]) -> Form {
    let page = browser.send(&form.with(typed).with(&[("look", "yes")]));
    assert_eq!(page.status, 200, "{}", page.body);
    page.form(ACT).with(typed)
}

fn last(book: &mut Book, account_no: &str) -> Placement {
    let lender = book.lender.clone();
    store::of_accounts(&mut book.db, &lender, &format!("[\"{account_no}\"]"))
        .unwrap()
        .pop()
        .unwrap()
}

// One story on one book: each part of it needs the one before.
#[test]
fn acting_by_the_pages() {
    on_each_database(|book| {
        ready(book);
        let app = &TestApp::on(book, "2026-02-12");
        let manager = app.browser("manager@cfc");
        let agency = app.browser("manager@a01");

        // A recall says what will happen, to how many, for how much, and happens once however often it is sent.
        let page = manager.get("/placements/act?do=recall&account=1&account=2&account=3&lang=en");
        assert_eq!(page.status, 200);
        assert!(
            page.body.contains("must stop contact now")
                && page.body.contains(">3<")
                && page.body.contains("3,300.00")
        );
        let typed = [("on", "2026-02-10"), ("code", "review"), ("back", "/accounts/1?lang=en")];
        let before = book.state();
        // What was not shown is not done: another day, other accounts, another act come back as they would be.
        let unseen = manager.send(&page.form(ACT).with(&typed));
        assert!(
            unseen.status == 409 && unseen.body.contains("nothing has been done"),
            "{}",
            unseen.body
        );
        let looked = look(&manager, page.form(ACT), &typed);
        for other in [("on", "2026-02-11"), ("account", "2"), ("do", "recall-now"), ("seen", "")] {
            let unseen = manager.send(&looked.clone().with(&[other]));
            assert!(
                unseen.status == 409 && unseen.body.contains("nothing has been done"),
                "{other:?}: {}",
                unseen.body
            );
        }
        assert_eq!(book.state(), before, "what was not shown was done");
        // Where it applies to nobody there is nothing to press but another look.
        let run_out = page.form(ACT).with(&[("on", "2036-02-10"), ("look", "yes")]);
        let run_out = manager.send(&run_out);
        assert!(run_out.status == 200 && run_out.body.contains("Look again"), "{}", run_out.body);
        assert!(!run_out.body.contains("Carry out"), "{}", run_out.body);
        let recall = || looked.clone();
        assert_eq!(manager.send(&recall().with(&[("csrf", "0123")])).status, 403);
        for (typed, said) in [
            (("code", ""), "Fill in:"),
            (("code", "two words"), "short word"),
            (("on", "2026-01-20"), "2026-02-01"),
            (("on", "yesterday"), "yesterday"),
            (("on", "2025-12-01"), "2026-02-01"),
        ] {
            let refused = manager.send(&recall().with(&[typed]));
            assert!(
                refused.status == 422 && refused.body.contains(said),
                "{typed:?}: {}",
                refused.body
            );
            assert!(refused.body.contains("review") || typed.0 == "code", "what was typed is kept");
        }
        assert_eq!(book.state(), before, "what was refused changed something");
        let done = manager.send(&recall());
        assert_eq!(done.status, 303, "{}", done.body);
        assert!(done.location().starts_with("/accounts/1?lang=en&done="), "{}", done.location());
        let steps = book.count("placement_step");
        let again = manager.send(&recall());
        assert_eq!((again.status, again.location()), (303, done.location()));
        assert_eq!(
            (book.count("placement_step"), steps),
            (3, 3),
            "a form sent twice is carried out once"
        );
        let told = manager.get(done.location());
        assert!(
            told.body.contains("Accounts carried out: 3") && told.body.contains("Recall pending"),
            "{}",
            told.body
        );
        let other = app.browser("compliance@cfc").get(done.location());
        assert!(
            !other.body.contains("Accounts carried out"),
            "what one did is not told to another"
        );

        // The agency sees its own, stops, and objects.
        let waiting = agency.get("/requests?lang=en");
        assert!(
            waiting.status == 200
                && waiting.body.contains("Recalls pending 3")
                && waiting.has("[value=object]")
        );
        let page = agency.get("/placements/act?do=acknowledge&account=1&account=2&account=3");
        let looked = look(&agency, page.form(ACT), &[("on", "2026-02-11")]);
        assert_eq!(agency.send(&looked).status, 303);
        let page = agency.get("/placements/act?do=object&account=1&account=2");
        let looked = look(&agency, page.form(ACT), &[("on", "2026-02-12"), ("reason", "they pay")]);
        let done = agency.send(&looked);
        assert_eq!(done.status, 303, "{}", done.body);
        let page = agency.get("/placements/act?do=object&account=1&account=3&lang=zh");
        assert!(page.body.contains("已于 2026-02-12 提出异议"), "{}", page.body);
        let page = agency.get("/placements/act?do=return&account=3");
        let looked = look(&agency, page.form(ACT), &[("on", "2026-02-12"), ("reason", "gone")]);
        assert_eq!(agency.send(&looked).status, 303);

        // The lender decides on all that is ticked.
        let waiting = manager.get("/requests?lang=en&state=objections");
        assert!(
            waiting.body.contains("Objections to recalls 2") && waiting.body.contains("Returns 1"),
            "{}",
            waiting.body
        );
        assert!(waiting.body.contains("they pay") && waiting.body.contains("3,000.00"));
        let page = manager.get("/placements/act?do=decide-recall&account=1&account=2&account=4");
        let typed = [("on", "2026-02-14"), ("outcome", "yes"), ("reason", "no plan")];
        let decide = look(&manager, page.form(ACT), &typed);
        assert_eq!(manager.send(&decide).status, 303);
        assert_eq!(last(book, "1").closed_on, Some(crate::support::day("2026-02-14")));
        assert_eq!(last(book, "2").closed_on, Some(crate::support::day("2026-02-14")));
        let page = manager.get("/placements/act?do=decide-return&account=3");
        let late = look(&manager, page.form(ACT), &[("on", "2026-03-01"), ("outcome", "yes")]);
        let refused = manager.send(&late);
        assert_eq!(refused.status, 422, "its recall was final before that day");
        assert_eq!(last(book, "3").closed_on, None, "and the refusal leaves even that unrecorded");

        let page = agency.get("/placements/act?do=return&account=3");
        let others =
            page.form(ACT).with(&[("account", "4"), ("on", "2026-02-12"), ("reason", "not mine")]);
        assert_eq!(agency.send(&others).status, 404);

        // Holds of an account, placed or not.
        let page = manager.get("/placements/act?do=hold-open&account=1");
        let typed = [("on", "2026-02-20"), ("kind", "dispute"), ("reason", "a letter")];
        let held = look(&manager, page.form(ACT), &typed);
        assert_eq!(manager.send(&held).status, 303);
        let again = page
            .form(ACT)
            .with(&typed)
            .with(&[("look", "yes"), ("key", "0123456789abcdef0123456789abcdef")]);
        let again = manager.send(&again);
        assert!(
            again.body.contains("has a hold of this type") && !again.body.contains("Carry out"),
            "{}",
            again.body
        );
        let shown = manager.get("/accounts/1?lang=en");
        assert!(
            shown.body.contains("a letter")
                && shown.body.contains("they pay")
                && shown.body.contains("upheld")
        );

        // Who may not, and what is not theirs.
        for login in ["viewer@cfc", "preparer@cfc", "viewer@a01", "manager@nbk"] {
            let browser = app.browser(login);
            let asked = browser.get("/placements/act?do=recall&account=4&lender=CFC");
            assert_eq!(asked.status, 404, "{login}");
            let csrf = browser.token();
            let forged =
                recall().with(&[("csrf", &csrf), ("key", "0123456789abcdef0123456789abcdef")]);
            assert_eq!(browser.send(&forged).status, 404, "{login}");
        }
        for path in [
            "/placements/act?do=object&account=4",
            "/placements/act?do=return&account=1",
            "/placements/act?do=decide-recall&account=3",
            "/placements/act?do=hold-open&account=3",
            "/placements/act?do=acknowledge&account=nobody",
            "/placements/act?do=nonsense&account=3",
            "/requests?lender=NBK2",
        ] {
            assert_eq!(agency.get(path).status, 404, "{path}");
        }
        assert_eq!(manager.get("/placements/act?do=object&account=4").status, 404);
        assert_eq!(manager.get("/placements/act?do=recall&account=nobody").status, 404);
        let second = app.browser("manager@a02");
        let waiting = second.get("/requests?lang=en");
        assert!(waiting.status == 200 && !waiting.has("[name=account]"), "{}", waiting.body);
        let lists = second.get("/placements?lang=en");
        assert!(lists.has("[value=return]") && !lists.has("[value=recall]"));
        let lists = app.browser("viewer@cfc").get("/placements?lang=en");
        assert!(!lists.has("[type=checkbox]") && !lists.has("[value=recall]"));
        assert!(last(book, "4").steps.is_empty());
        book.close("2026-02");
        assert_eq!(last(book, "3").closed_on, Some(crate::support::day("2026-02-15")));
        book.assert_proven();
    });
}
