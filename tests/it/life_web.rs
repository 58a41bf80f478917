//! Acting on placements by the pages: who may, what is said before, what a form that is sent twice does, and that nobody
//! reaches what is another's.

use std::collections::BTreeMap;

use actix_web::test::{self, TestRequest};
use consign::placement::{Placement, store};
use consign::portfolio::personal::Key;
use consign::web::{Site, application};

use crate::support::{Book, by, day, flat_contract, on_each_database};

pub const PASSWORD: &str = "correct horse battery";
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

/// A form as a page offers it, with what is typed into it.
#[derive(Clone)]
pub struct Form {
    pub action: String,
    pub fields: Vec<(String, String)>,
}

/// What the application answers.
pub struct Answer {
    pub status: u16,
    pub location: String,
    pub body: String,
}

/// The fields of the form that posts, hidden ones with their values.
pub fn form(body: &str) -> Form {
    let start = body
        .find("method=\"post\" action=\"/placements/")
        .unwrap_or_else(|| panic!("no form to act with: {body}"));
    let text = &body[start..start + body[start..].find("</form>").unwrap()];
    let between = |text: &str, before: &str| {
        text.split(before).nth(1).map(|rest| rest.split('"').next().unwrap().to_string())
    };
    let fields = text.split("<input").skip(1).filter_map(|input| {
        let input = input.split('>').next().unwrap();
        Some((between(input, "name=\"")?, between(input, "value=\"").unwrap_or_default()))
    });
    let plain = |text: String| text.replace("&amp;", "&").replace("&#38;", "&");
    Form {
        action: between(text, "action=\"").map(plain).unwrap(),
        fields: fields.map(|(name, value)| (name, plain(value))).collect(),
    }
}

impl Form {
    pub fn with(mut self, typed: &[(&str, &str)]) -> Form {
        for (name, value) in typed {
            self.fields.retain(|(known, _)| known != name);
            self.fields.push(((*name).to_string(), (*value).to_string()));
        }
        self
    }
}

/// Asks the application; a macro because its type has no name.
macro_rules! ask {
    ($service:expr, $cookies:expr, $request:expr) => {{
        let cookies: Vec<String> = $cookies
            .iter()
            .map(|(name, value): (&String, &String)| format!("{name}={value}"))
            .collect();
        let request = $request
            .insert_header(("Host", "consign.test"))
            .insert_header(("Cookie", cookies.join("; ")));
        let response = test::call_service($service, request.to_request()).await;
        for cookie in response.response().cookies() {
            $cookies.insert(cookie.name().to_string(), cookie.value().to_string());
        }
        let location = response
            .headers()
            .get("Location")
            .map_or(String::new(), |value| value.to_str().unwrap().to_string());
        let status = response.status().as_u16();
        let body = String::from_utf8_lossy(&test::read_body(response).await).into_owned();
        Answer { status, location, body }
    }};
}

macro_rules! sign_in {
    ($service:expr, $login:expr) => {{
        let mut cookies: BTreeMap<String, String> = BTreeMap::new();
        let page = ask!($service, cookies, TestRequest::get().uri("/sign-in"));
        let csrf = page
            .body
            .split("name=\"csrf\" value=\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap()
            .to_string();
        let fields = [("login", $login), ("password", PASSWORD), ("csrf", csrf.as_str())];
        assert_eq!(
            ask!($service, cookies, TestRequest::post().uri("/sign-in").set_form(fields)).status,
            303
        );
        cookies
    }};
}

macro_rules! get {
    ($service:expr, $cookies:expr, $path:expr) => {
        ask!($service, $cookies, TestRequest::get().uri($path))
    };
}

macro_rules! send {
    ($service:expr, $cookies:expr, $form:expr) => {{
        let form = $form;
        ask!($service, $cookies, TestRequest::post().uri(&form.action).set_form(&form.fields))
    }};
}

/// Types into a form and looks at what it comes to; the form of that page, with the same typed into it.
macro_rules! look {
    ($service:expr, $cookies:expr, $form:expr, $typed:expr) => {{
        let page = send!($service, $cookies, $form.with($typed).with(&[("look", "yes")]));
        assert_eq!(page.status, 200, "{}", page.body);
        form(&page.body).with($typed)
    }};
}

fn last(book: &mut Book, account_no: &str) -> Placement {
    let lender = book.lender.clone();
    store::of_accounts(&mut book.db, &lender, &format!("[\"{account_no}\"]"))
        .unwrap()
        .pop()
        .unwrap()
}

// One story on one book: a macro asks, and each part of the story needs the one before.
#[allow(clippy::too_many_lines)]
#[test]
fn acting_by_the_pages() {
    on_each_database(|book| {
        ready(book);
        let site = Site::open(&book.address)
            .unwrap()
            .with_key(Key::of("a secret of the tests"))
            .on_day(day("2026-02-12"));
        actix_web::rt::System::new().block_on(async {
            let service = &test::init_service(application(site)).await;
            let mut manager = sign_in!(service, "manager@cfc");
            let mut agency = sign_in!(service, "manager@a01");

            // A recall says what will happen, to how many, for how much, and happens once however often it is sent.
            let page = get!(
                service,
                manager,
                "/placements/act?do=recall&account=1&account=2&account=3&lang=en"
            );
            assert_eq!(page.status, 200);
            assert!(
                page.body.contains("must stop contact now")
                    && page.body.contains(">3<")
                    && page.body.contains("3,300.00")
            );
            let typed = [("on", "2026-02-10"), ("code", "review"), ("back", "/accounts/1?lang=en")];
            let before = book.state();
            // What was not shown is not done: another day, other accounts, another act come back as they would be.
            let unseen = send!(service, manager, form(&page.body).with(&typed));
            assert!(
                unseen.status == 409 && unseen.body.contains("nothing has been done"),
                "{}",
                unseen.body
            );
            let looked = look!(service, manager, form(&page.body), &typed);
            for other in
                [("on", "2026-02-11"), ("account", "2"), ("do", "recall-now"), ("seen", "")]
            {
                let unseen = send!(service, manager, looked.clone().with(&[other]));
                assert!(
                    unseen.status == 409 && unseen.body.contains("nothing has been done"),
                    "{other:?}: {}",
                    unseen.body
                );
            }
            assert_eq!(book.state(), before, "what was not shown was done");
            // Where it applies to nobody there is nothing to press but another look.
            let run_out = form(&page.body).with(&[("on", "2036-02-10"), ("look", "yes")]);
            let run_out = send!(service, manager, run_out);
            assert!(
                run_out.status == 200 && run_out.body.contains("Look again"),
                "{}",
                run_out.body
            );
            assert!(!run_out.body.contains("Carry out"), "{}", run_out.body);
            let recall = || looked.clone();
            assert_eq!(send!(service, manager, recall().with(&[("csrf", "0123")])).status, 403);
            for (typed, said) in [
                (("code", ""), "Fill in:"),
                (("code", "two words"), "short word"),
                (("on", "2026-01-20"), "2026-02-01"),
                (("on", "yesterday"), "yesterday"),
                (("on", "2025-12-01"), "2026-02-01"),
            ] {
                let refused = send!(service, manager, recall().with(&[typed]));
                assert!(
                    refused.status == 422 && refused.body.contains(said),
                    "{typed:?}: {}",
                    refused.body
                );
                assert!(
                    refused.body.contains("review") || typed.0 == "code",
                    "what was typed is kept"
                );
            }
            assert_eq!(book.state(), before, "what was refused changed something");
            let done = send!(service, manager, recall());
            assert_eq!(done.status, 303, "{}", done.body);
            assert!(done.location.starts_with("/accounts/1?lang=en&done="), "{}", done.location);
            let steps = book.count("placement_step");
            let again = send!(service, manager, recall());
            assert_eq!((again.status, again.location), (303, done.location.clone()));
            assert_eq!(
                (book.count("placement_step"), steps),
                (3, 3),
                "a form sent twice is carried out once"
            );
            let told = get!(service, manager, &done.location);
            assert!(
                told.body.contains("Accounts carried out: 3")
                    && told.body.contains("Recall pending"),
                "{}",
                told.body
            );
            let other = get!(service, sign_in!(service, "compliance@cfc"), &done.location);
            assert!(
                !other.body.contains("Accounts carried out"),
                "what one did is not told to another"
            );

            // The agency sees its own, stops, and objects.
            let waiting = get!(service, agency, "/requests?lang=en");
            assert!(
                waiting.status == 200
                    && waiting.body.contains("Recalls pending 3")
                    && waiting.body.contains("value=\"object\"")
            );
            let page = get!(
                service,
                agency,
                "/placements/act?do=acknowledge&account=1&account=2&account=3"
            );
            let looked = look!(service, agency, form(&page.body), &[("on", "2026-02-11")]);
            assert_eq!(send!(service, agency, looked).status, 303);
            let page = get!(service, agency, "/placements/act?do=object&account=1&account=2");
            let looked = look!(
                service,
                agency,
                form(&page.body),
                &[("on", "2026-02-12"), ("reason", "they pay")]
            );
            let done = send!(service, agency, looked);
            assert_eq!(done.status, 303, "{}", done.body);
            let page =
                get!(service, agency, "/placements/act?do=object&account=1&account=3&lang=zh");
            assert!(page.body.contains("已于 2026-02-12 提出异议"), "{}", page.body);
            let page = get!(service, agency, "/placements/act?do=return&account=3");
            let looked = look!(
                service,
                agency,
                form(&page.body),
                &[("on", "2026-02-12"), ("reason", "gone")]
            );
            assert_eq!(send!(service, agency, looked).status, 303);

            // The lender decides on all that is ticked.
            let waiting = get!(service, manager, "/requests?lang=en&state=objections");
            assert!(
                waiting.body.contains("Objections to recalls 2")
                    && waiting.body.contains("Returns 1"),
                "{}",
                waiting.body
            );
            assert!(waiting.body.contains("they pay") && waiting.body.contains("3,000.00"));
            let page = get!(
                service,
                manager,
                "/placements/act?do=decide-recall&account=1&account=2&account=4"
            );
            let typed = [("on", "2026-02-14"), ("outcome", "yes"), ("reason", "no plan")];
            let decide = look!(service, manager, form(&page.body), &typed);
            assert_eq!(send!(service, manager, decide).status, 303);
            assert_eq!(last(book, "1").closed_on, Some(crate::support::day("2026-02-14")));
            assert_eq!(last(book, "2").closed_on, Some(crate::support::day("2026-02-14")));
            let page = get!(service, manager, "/placements/act?do=decide-return&account=3");
            let late = look!(
                service,
                manager,
                form(&page.body),
                &[("on", "2026-03-01"), ("outcome", "yes")]
            );
            let refused = send!(service, manager, late);
            assert_eq!(refused.status, 422, "its recall was final before that day");
            assert_eq!(
                last(book, "3").closed_on,
                None,
                "and the refusal leaves even that unrecorded"
            );

            let page = get!(service, agency, "/placements/act?do=return&account=3");
            let others = form(&page.body).with(&[
                ("account", "4"),
                ("on", "2026-02-12"),
                ("reason", "not mine"),
            ]);
            assert_eq!(send!(service, agency, others).status, 404);

            // Holds of an account, placed or not.
            let page = get!(service, manager, "/placements/act?do=hold-open&account=1");
            let typed = [("on", "2026-02-20"), ("kind", "dispute"), ("reason", "a letter")];
            let held = look!(service, manager, form(&page.body), &typed);
            assert_eq!(send!(service, manager, held).status, 303);
            let again = form(&page.body)
                .with(&typed)
                .with(&[("look", "yes"), ("key", "0123456789abcdef0123456789abcdef")]);
            let again = send!(service, manager, again);
            assert!(
                again.body.contains("has a hold of this type") && !again.body.contains("Carry out"),
                "{}",
                again.body
            );
            let shown = get!(service, manager, "/accounts/1?lang=en");
            assert!(
                shown.body.contains("a letter")
                    && shown.body.contains("they pay")
                    && shown.body.contains("upheld")
            );

            // Who may not, and what is not theirs.
            for login in ["viewer@cfc", "preparer@cfc", "viewer@a01", "manager@nbk"] {
                let mut cookies = sign_in!(service, login);
                let asked =
                    get!(service, cookies, "/placements/act?do=recall&account=4&lender=CFC");
                assert_eq!(asked.status, 404, "{login}");
                let home = get!(service, cookies, "/");
                let csrf = home
                    .body
                    .split("name=\"csrf\" value=\"")
                    .nth(1)
                    .unwrap()
                    .split('"')
                    .next()
                    .unwrap()
                    .to_string();
                let forged =
                    recall().with(&[("csrf", &csrf), ("key", "0123456789abcdef0123456789abcdef")]);
                assert_eq!(send!(service, cookies, forged).status, 404, "{login}");
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
                assert_eq!(get!(service, agency, path).status, 404, "{path}");
            }
            assert_eq!(get!(service, manager, "/placements/act?do=object&account=4").status, 404);
            assert_eq!(
                get!(service, manager, "/placements/act?do=recall&account=nobody").status,
                404
            );
            let mut second = sign_in!(service, "manager@a02");
            let waiting = get!(service, second, "/requests?lang=en");
            assert!(
                waiting.status == 200 && !waiting.body.contains("name=\"account\""),
                "{}",
                waiting.body
            );
            let lists = get!(service, second, "/placements?lang=en");
            assert!(
                lists.body.contains("value=\"return\"") && !lists.body.contains("value=\"recall\"")
            );
            let lists = get!(service, sign_in!(service, "viewer@cfc"), "/placements?lang=en");
            assert!(
                !lists.body.contains("type=\"checkbox\"")
                    && !lists.body.contains("value=\"recall\"")
            );
        });
        assert!(last(book, "4").steps.is_empty());
        book.close("2026-02");
        assert_eq!(last(book, "3").closed_on, Some(crate::support::day("2026-02-15")));
        book.assert_proven();
    });
}
