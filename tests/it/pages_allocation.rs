//! The pages of allocation and performance: they say what the files say, what they do equals the command line, and an
//! agency sees its own row and no other.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use actix_web::test::{self, TestRequest};
use consign::allocation::compare;
use consign::allocation::files::{assignment_csv, strata_csv};
use consign::allocation::store;
use consign::contract;
use consign::kernel::Money;
use consign::party::{self, Lang};
use consign::performance::file;
use consign::performance::grouping::Grouping;
use consign::performance::measure::{ScorecardQuery, scorecard_on};
use consign::performance::scorecard::{Points, with_newcomers};
use consign::portfolio::personal::Key;
use consign::web::{Site, application};

use crate::support::{Book, by, day, flat_contract, on_each_database};

const PASSWORD: &str = "correct horse battery";
const PEOPLE: [(&str, &str, &str); 8] = [
    ("manager@cfc", "CFC", "placement_manager"),
    ("compliance@cfc", "CFC", "compliance"),
    ("viewer@cfc", "CFC", "viewer"),
    ("preparer@cfc", "CFC", "finance_preparer"),
    ("manager@a01", "A01", "agency_manager"),
    ("viewer@a03", "A03", "agency_viewer"),
    ("manager@nbk", "NBK", "placement_manager"),
    ("manager@z01", "Z01", "agency_manager"),
];

const STRATEGY: &str = "name = \"spring <1>\"\nmethod = \"optimise\"\nstrata = [\"bucket\"]\nseed = 7\nrotation = true\nexploration = \"20%\"\n\n\
                        [performance]\nhorizon_days = 30\ncredibility = 20\n\n[[assignee]]\ncode = \"A01\"\nmax_share = \"60%\"\n\n\
                        [[assignee]]\ncode = \"A02\"\nmin_share = \"10%\"\n\n[[assignee]]\ncode = \"A03\"\n";

/// Another lender, and one with three agencies, a history of 90 placements, and 61 accounts to place.
fn ready(book: &mut Book) {
    book.lender = "NBK".to_string();
    book.set_up("CNY", &["Z01"]);
    book.lender = "CFC".to_string();
    let regions = "[[lender.assignee]]\ncode = \"A03\"\nname = \"Assignee A03\"\nkind = \"agency\"\nregions = [\"31\"]\n\n";
    let two: String = ["A01", "A02"].map(crate::support::assignee_toml).concat();
    book.set_up_parties("CNY", &format!("{two}{regions}"));
    for agency in ["A01", "A02", "A03"] {
        book.publish(&flat_contract(agency, "20%", 40));
    }
    let people: String = PEOPLE
        .map(|(login, organisation, role)| {
            format!("[[user]]\nlogin = \"{login}\"\nname = \"N {login}\"\norganisation = \"{organisation}\"\nroles = [\"{role}\"]\npassword = \"{PASSWORD}\"\n")
        })
        .concat();
    party::setup::set_up(&mut book.db, "people.toml", &people, &by()).unwrap();
}

fn history(book: &mut Book) {
    let accounts = |from: usize, to: usize| {
        let row = |i: usize| {
            let (balance, days) = (1000 + i * 37 % 4000, [20, 45, 75][i % 3]);
            let region = if i.is_multiple_of(4) { "44" } else { "31" };
            // Some debtors have two accounts.
            let debtor = if i % 10 == 9 { i - 1 } else { i };
            format!("L{i:03},{balance}.00,{days},{region},D{debtor:03}\n")
        };
        let rows: String = (from..to).map(row).collect();
        format!("account_no,balance,days_past_due,region,debtor_ref\n{rows}")
    };
    book.portfolio("2026-01-02", &accounts(0, 90));
    book.try_allocate(
        &STRATEGY.replace("optimise", "equal").replace("20%", "100%"),
        "2026-01-05",
        true,
    )
    .unwrap();
    let placed =
        store::accounts_of_run(&mut book.db, "CFC", 1, &store::RowFilter::default(), "", 500)
            .unwrap();
    let mut money = "reference,account_no,received_on,amount\n".to_string();
    for (i, one) in placed.iter().enumerate() {
        let pays = match one.assignee.as_deref() {
            Some("A01") => i % 2 == 0,
            Some("A02") => i % 5 == 0,
            _ => i % 3 == 0,
        };
        if pays {
            money.push_str(&format!("P{i},{},2026-01-2{},{}.00\n", one.account_no, i % 9, 100 + i));
        }
    }
    book.recoveries(&money);
    book.expire("2026-03-15");
    book.portfolio("2026-03-20", &accounts(90, 150));
    // Open to nobody but A01 and A02, and follows nobody.
    book.portfolio(
        "2026-03-21",
        "account_no,balance,days_past_due,region\n\"a=/b ?#%25&+中\",5000.00,45,44\n",
    );
}

struct Answer {
    status: u16,
    location: String,
    body: String,
    cookies: Vec<(String, String)>,
}

type App<'a> = &'a dyn Fn(TestRequest) -> Pin<Box<dyn Future<Output = Answer> + 'a>>;

/// Somebody signed in.
struct Browser<'a> {
    app: App<'a>,
    cookies: BTreeMap<String, String>,
}

impl<'a> Browser<'a> {
    async fn ask(&mut self, request: TestRequest) -> Answer {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = request
            .insert_header(("Host", "consign.test"))
            .insert_header(("Cookie", cookies.join("; ")));
        let answer = (self.app)(request).await;
        self.cookies.extend(answer.cookies.iter().cloned());
        answer
    }

    async fn get(&mut self, path: &str) -> Answer {
        self.ask(TestRequest::get().uri(path)).await
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.ask(TestRequest::post().uri(path).set_form(fields.to_vec())).await
    }

    async fn sign_in(app: App<'a>, login: &str) -> Browser<'a> {
        let mut browser = Browser { app, cookies: BTreeMap::new() };
        let csrf = hidden(&browser.get("/sign-in").await.body, "csrf");
        let fields = [("login", login), ("password", PASSWORD), ("csrf", csrf.as_str())];
        assert_eq!(browser.post("/sign-in", &fields).await.status, 303, "{login}");
        browser
    }

    /// The form of a page, sent as it stands but for what is typed.
    async fn send(&mut self, page: &str, typed: &[(&str, &str)]) -> Answer {
        let body = self.get(page).await.body;
        let (csrf, key) = (hidden(&body, "csrf"), hidden(&body, "key"));
        let fields: Vec<(&str, &str)> = [("csrf", csrf.as_str()), ("key", key.as_str())]
            .into_iter()
            .chain(typed.iter().copied())
            .collect();
        self.post(page, &fields).await
    }
}

/// The value of a hidden field; the forms of the header carry the same token.
fn hidden(body: &str, name: &str) -> String {
    let start = format!("name=\"{name}\" value=\"");
    let found = body.split(&start).nth(1).unwrap_or_else(|| panic!("no field {name} in {body}"));
    found.split('"').next().unwrap().to_string()
}

/// The text of a page without its tags.
fn plain(body: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for c in body.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => text.push(c),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Serves a book to a test.
fn with_pages(
    book: &mut Book,
    test: impl for<'a> FnOnce(&'a mut Book, App<'a>) -> Pin<Box<dyn Future<Output = ()> + 'a>>,
) {
    let site = Site::open(&book.address).unwrap().with_key(Key::of("a secret of the tests"));
    actix_web::rt::System::new().block_on(async {
        let service = test::init_service(application(site)).await;
        let service = &service;
        let app = |request: TestRequest| -> Pin<Box<dyn Future<Output = Answer> + '_>> {
            Box::pin(async move {
                let response = test::call_service(service, request.to_request()).await;
                let cookies = response
                    .response()
                    .cookies()
                    .map(|cookie| (cookie.name().to_string(), cookie.value().to_string()))
                    .collect();
                let location = response
                    .headers()
                    .get("Location")
                    .map_or(String::new(), |value| value.to_str().unwrap().to_string());
                let status = response.status().as_u16();
                let body = String::from_utf8_lossy(&test::read_body(response).await).into_owned();
                Answer { status, location, body, cookies }
            })
        };
        test(book, &app).await;
    });
}

#[test]
fn empty_books_say_what_would_be_here() {
    on_each_database(|book| {
        ready(book);
        with_pages(book, |_, app| Box::pin(empty(app)));
    });
}

async fn empty(app: App<'_>) {
    let mut manager = Browser::sign_in(app, "manager@cfc").await;
    for (lang, runs, card) in [
        ("zh", "尚无分案", "尚无满一个月的委案"),
        ("en", "There is none yet", "No placement is a month old yet"),
    ] {
        let list = manager.get(&format!("/allocation?lang={lang}")).await;
        assert!(
            list.status == 200 && list.body.contains(runs) && list.body.contains("/allocation/new"),
            "{}",
            list.body
        );
        let page = manager.get(&format!("/scorecard?lang={lang}&on=2026-05-01")).await;
        assert!(page.status == 200 && page.body.contains(card), "{}", page.body);
        let form = manager.get(&format!("/allocation/new?lang={lang}")).await.body;
        assert!(
            form.contains("optimise") && form.contains("A03"),
            "a strategy to begin with: {form}"
        );
        assert_eq!(
            manager.get(&format!("/scorecard/A01?lang={lang}&on=2025-05-01")).await.status,
            200,
            "a newcomer"
        );
        assert_eq!(
            manager.get(&format!("/scorecard/A01?lang={lang}&on=2026-05-01")).await.status,
            200
        );
    }
    // The strategy to begin with is one that the engine takes.
    let form = manager.get("/allocation/new").await.body;
    let strategy = form
        .split("required>\n")
        .nth(1)
        .unwrap()
        .split("</textarea>")
        .next()
        .unwrap()
        .replace("&#34;", "\"");
    let done =
        manager.send("/allocation/new", &[("on", "2026-04-01"), ("strategy", &strategy)]).await;
    assert_eq!(
        (done.status, done.location.as_str()),
        (303, "/allocation/1"),
        "{}",
        plain(&done.body)
    );
    let page = plain(&manager.get("/allocation/1?lang=en").await.body);
    assert!(
        page.contains("There is no history to go by")
            && page.contains("Every account was given to somebody"),
        "{page}"
    );
    assert_eq!(manager.get("/allocation/2").await.status, 404);
    assert_eq!(manager.get("/allocation/x").await.status, 404);
    assert_eq!(manager.get("/scorecard?on=never").await.status, 400);
}

#[test]
fn a_run_by_the_pages_is_the_run_of_the_command_line() {
    on_each_database(|book| {
        ready(book);
        history(book);
        with_pages(book, |book, app| {
            Box::pin(async move {
                refusals(book, app).await;
                simulated(book, app).await;
                committed(book, app).await;
            })
        });
        book.assert_proven();
    });
}

async fn refusals(book: &mut Book, app: App<'_>) {
    let tables = ["allocation_run", "allocation_row", "allocation_outcome", "placement"];
    let before = tables.map(|table| book.count(table));
    let mut manager = Browser::sign_in(app, "manager@cfc").await;
    let typed = [("on", "2026-04-01"), ("strategy", STRATEGY)];
    assert_eq!(manager.post("/allocation/new", &typed).await.status, 403, "no token");
    let csrf = hidden(&manager.get("/allocation/new").await.body, "csrf");
    let no_key = [("on", "2026-04-01"), ("strategy", STRATEGY), ("csrf", csrf.as_str())];
    assert_eq!(manager.post("/allocation/new", &no_key).await.status, 403, "no key");
    let wrong = STRATEGY.replace("\"optimise\"", "\"best\"");
    let refused = manager
        .send("/allocation/new?lang=en", &[("on", "2026-04-01"), ("strategy", &wrong)])
        .await;
    assert_eq!(refused.status, 422);
    let text = plain(&refused.body).replace("&#34;", "\"");
    assert!(
        text.contains("line 2") && text.contains("· method = \"best\"") && text.contains("spring"),
        "{text}"
    );
    let refused =
        manager.send("/allocation/new", &[("on", "someday"), ("strategy", STRATEGY)]).await;
    assert!(
        refused.status == 422
            && refused.body.contains("someday")
            && refused.body.contains("spring"),
        "{}",
        refused.body
    );
    let csrf = hidden(&manager.get("/allocation/compare").await.body, "csrf");
    let first = "name = \"alike\"\nmethod = \"equal\"\n";
    let fields =
        [("on", "2026-04-01"), ("first", first), ("second", STRATEGY), ("csrf", csrf.as_str())];
    let compared = manager.post("/allocation/compare?lang=en", &fields).await;
    let strategies = [("first", first), ("second", STRATEGY)];
    let found =
        compare::compare(&mut book.db, &book.lender, strategies, day("2026-04-01"), false).unwrap();
    let text = plain(&compared.body);
    for side in &found.sides {
        assert!(text.contains(&side.total.net().grouped(book.currency)), "{} in {text}", side.name);
    }
    assert!(
        compared.status == 200 && text.contains("Second brings more") && text.contains("alike"),
        "{text}"
    );
    let unfit = [
        ("on", "2026-04-01"),
        ("first", wrong.as_str()),
        ("second", STRATEGY),
        ("csrf", csrf.as_str()),
    ];
    let refused = manager.post("/allocation/compare?lang=en", &unfit).await;
    assert!(
        refused.status == 422 && plain(&refused.body).contains("line 2"),
        "{}",
        plain(&refused.body)
    );
    let tight = STRATEGY.replace("code = \"A03\"", "code = \"A03\"\nmin_share = \"95%\"");
    let refused =
        manager.send("/allocation/new", &[("on", "2026-04-01"), ("strategy", &tight)]).await;
    assert!(
        refused.status == 422 && refused.body.contains("min_share"),
        "{}",
        plain(&refused.body)
    );
    for (login, status) in
        [("viewer@cfc", 404), ("compliance@cfc", 404), ("preparer@cfc", 404), ("manager@a01", 404)]
    {
        let mut browser = Browser::sign_in(app, login).await;
        let csrf = hidden(&browser.get("/").await.body, "csrf");
        let fields = [
            ("on", "2026-04-01"),
            ("strategy", STRATEGY),
            ("key", "0123456789abcdef"),
            ("csrf", csrf.as_str()),
        ];
        assert_eq!(
            browser.post("/allocation/new", &fields).await.status,
            status,
            "{login} simulates"
        );
        assert_eq!(
            browser.post("/allocation/1/commit", &fields).await.status,
            status,
            "{login} commits"
        );
        assert_eq!(
            browser.post("/allocation/compare", &fields).await.status,
            status,
            "{login} compares"
        );
        let looks = if login == "viewer@cfc" || login == "compliance@cfc" { 200 } else { 404 };
        for path in [
            "/allocation",
            "/allocation/1",
            "/allocation/1/accounts",
            "/allocation/1/accounts.csv",
            "/allocation/1/strata.csv",
        ] {
            assert_eq!(browser.get(path).await.status, looks, "{login} {path}");
        }
    }
    let mut other = Browser::sign_in(app, "manager@nbk").await;
    for path in [
        "/allocation/1",
        "/allocation/1/commit",
        "/allocation/1/accounts",
        "/allocation/1/accounts.csv",
    ] {
        assert_eq!(other.get(path).await.status, 404, "a run of another lender: {path}");
    }
    // Downloads and sessions are recorded; the book's placements and runs are as they were.
    assert_eq!(before, tables.map(|table| book.count(table)));
}

async fn simulated(book: &mut Book, app: App<'_>) {
    let mut manager = Browser::sign_in(app, "manager@cfc").await;
    let body = manager.get("/allocation/new").await.body;
    let (csrf, key) = (hidden(&body, "csrf"), hidden(&body, "key"));
    // A browser sends line ends of its own, and a hurried person clicks twice.
    let typed = STRATEGY.replace('\n', "\r\n");
    let fields = [
        ("on", "2026-04-01"),
        ("strategy", typed.as_str()),
        ("csrf", csrf.as_str()),
        ("key", key.as_str()),
    ];
    for _ in 0..2 {
        let done = manager.post("/allocation/new", &fields).await;
        assert_eq!(
            (done.status, done.location.as_str()),
            (303, "/allocation/2"),
            "{}",
            plain(&done.body)
        );
    }
    let stored = store::run(&mut book.db, "CFC", 2).unwrap().unwrap();
    assert_eq!(stored.strategy, STRATEGY);
    let told = book.try_allocate(STRATEGY, "2026-04-01", false).unwrap();
    assert_eq!(
        (told.hash.as_str(), told.run_no),
        (stored.hash.as_str(), 3),
        "the command line decides the same"
    );
    assert!(
        told.decision.plan.optimum.is_some()
            && told.decision.totals().unwrap().values().any(|total| total.explored > 0)
    );
    let file = assignment_csv(&told.decision, Lang::En).unwrap();
    let shown = manager.get("/allocation/2/accounts.csv?lang=en").await.body;
    assert_eq!(
        rows(&shown, 7),
        rows(&String::from_utf8(file).unwrap(), 7),
        "the accounts of a run are its assignment file"
    );
    let strata = String::from_utf8(strata_csv(&told.decision).unwrap()).unwrap();
    assert_eq!(manager.get("/allocation/2/strata.csv").await.body, strata);
    let page = plain(&manager.get("/allocation/2?lang=en").await.body);
    assert!(page.contains("spring &#60;1&#62; · run 2") && page.contains("Simulated"), "{page}");
    assert!(page.contains("no plan within these limits is worth more than CNY"), "{page}");
    let given = consign::allocation::estimate::estimate(&told.decision, None).unwrap();
    let net: Money = given.values().map(|given| given.net()).sum();
    assert!(
        page.contains(&format!("Expected net recovery (CNY){}", net.grouped(book.currency))),
        "{net:?} in {page}"
    );
    for (code, total) in told.decision.totals().unwrap() {
        assert_eq!(
            (given[&code].accounts, given[&code].expected),
            (total.accounts, total.expected),
            "{code}"
        );
        let expected = total.expected.grouped(book.currency);
        assert!(page.contains(&expected), "{code} is expected to recover {expected}: {page}");
        let listed = manager
            .get(&format!("/allocation/2/accounts.csv?assignee={code}&how=placed"))
            .await
            .body;
        assert_eq!(rows(&listed, 7).len() - 1, usize::try_from(total.accounts).unwrap(), "{code}");
        let explored = manager
            .get(&format!("/allocation/2/accounts.csv?assignee={code}&how=exploration"))
            .await
            .body;
        assert_eq!(
            rows(&explored, 7).len() - 1,
            usize::try_from(total.explored).unwrap(),
            "{code}"
        );
    }
    let unfolded = manager.get("/allocation/2?lang=en&stratum=M2%7CA01%2BA02%2BA03").await.body;
    assert!(
        unfolded.contains("stratum=M2%7CA01%2BA02%2BA03&amp;assignee=A01")
            || unfolded.contains("class=\"inner\""),
        "{unfolded}"
    );
    // The file taken from a Chinese page has Chinese reasons.
    let listed = manager.get("/allocation/2/accounts?lang=zh").await.body;
    let href = listed
        .split("href=\"")
        .find(|rest| rest.starts_with("/allocation/2/accounts.csv"))
        .unwrap();
    let href = href.split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&");
    let file = String::from_utf8(assignment_csv(&told.decision, Lang::Zh).unwrap()).unwrap();
    assert_eq!(rows(&manager.get(&href).await.body, 7), rows(&file, 7), "{href}");
    let chinese = manager.get("/allocation/2?lang=zh").await;
    assert!(
        chinese.status == 200 && chinese.body.contains("没有任何方案的价值超过"),
        "{}",
        plain(&chinese.body)
    );
    // Every account once over all pages of the list.
    let (mut path, mut seen) = ("/allocation/2/accounts".to_string(), Vec::new());
    loop {
        let body = manager.get(&path).await.body;
        seen.extend(
            body.split("<tr><td><a href=\"/accounts/")
                .skip(1)
                .map(|rest| rest.split('"').next().unwrap().to_string()),
        );
        let next = body
            .split("rel=\"next\"")
            .next()
            .filter(|_| body.contains("rel=\"next\""))
            .and_then(|rest| rest.rsplit("href=\"").next());
        let Some(next) = next else { break };
        path = next.split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&");
    }
    let all = seen.len();
    seen.sort();
    seen.dedup();
    let expected = told.decision.assigned.len();
    assert!(expected > 100, "several pages");
    assert_eq!((all, seen.len()), (expected, expected));
    // The account's page tells where it went and every gate that was closed.
    let account =
        plain(&manager.get("/accounts/a%3D%2Fb%20%3F%23%2525%26%2B%E4%B8%AD?lang=en").await.body);
    assert!(account.contains("closed gates: A03 region"), "{account}");
    let again = manager.get("/allocation/new?run=2").await.body;
    assert!(
        again.contains("spring &#60;1&#62;") && again.contains("2026-04-01"),
        "taken up again: {again}"
    );
}

/// Some first columns of a file.
fn rows(csv: &str, columns: usize) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv.as_bytes());
    reader
        .records()
        .map(|row| row.unwrap().iter().take(columns).map(str::to_string).collect())
        .collect()
}

async fn committed(book: &mut Book, app: App<'_>) {
    let mut manager = Browser::sign_in(app, "manager@cfc").await;
    let stale = manager.get("/allocation/2/commit?lang=en").await;
    let text = plain(&stale.body);
    let run = store::run(&mut book.db, "CFC", 2).unwrap().unwrap();
    assert!(
        text.contains(&format!("This places {} accounts of CNY", run.placed))
            && text.contains("2026-04-01"),
        "{text}"
    );
    assert_eq!(manager.post("/allocation/2/commit", &[]).await.status, 403, "no token");
    let (csrf, key) = (hidden(&stale.body, "csrf"), hidden(&stale.body, "key"));
    let fields = [("csrf", csrf.as_str()), ("key", key.as_str())];
    // The book moves between the page and the click.
    book.portfolio("2026-03-22", "account_no,balance,days_past_due\nX1,10.00,45\n");
    let refused = manager.post("/allocation/2/commit", &fields).await;
    assert!(
        refused.status == 409 && refused.body.contains("/allocation/new?run=2"),
        "{}",
        plain(&refused.body)
    );
    assert!(!refused.body.contains("name=\"key\""), "there is nothing to confirm");
    assert!(
        plain(&manager.get("/allocation/2?lang=en").await.body)
            .contains("The book has changed since the simulation")
    );
    let placed = book.count("placement");
    let done = manager
        .send("/allocation/new?run=2", &[("on", "2026-04-01"), ("strategy", STRATEGY)])
        .await;
    assert_eq!((done.status, done.location.as_str()), (303, "/allocation/4"));
    let page = manager.get("/allocation/4/commit").await.body;
    let (csrf, key) = (hidden(&page, "csrf"), hidden(&page, "key"));
    let fields = [("csrf", csrf.as_str()), ("key", key.as_str())];
    for _ in 0..2 {
        let done = manager.post("/allocation/4/commit", &fields).await;
        assert_eq!(
            (done.status, done.location.as_str()),
            (303, "/allocation/4"),
            "sent twice, committed once"
        );
    }
    let run = store::run(&mut book.db, "CFC", 4).unwrap().unwrap();
    assert!(run.committed_seq.is_some());
    assert_eq!(book.count("placement"), placed + run.placed);
    let events = consign::audit::events(&mut book.db, "CFC").unwrap();
    let event = events.iter().rev().find(|event| event.kind == "allocation committed").unwrap();
    assert_eq!(event.actor, "manager@cfc");
    let late = manager
        .post(
            "/allocation/4/commit",
            &[("csrf", csrf.as_str()), ("key", "another-form-of-this-run")],
        )
        .await;
    assert_eq!((late.status, late.location.as_str()), (303, "/allocation/4?already=1"));
    let page = plain(&manager.get("/allocation/4?already=1&lang=en").await.body);
    assert!(
        page.contains("was committed before; nothing was changed now")
            && page.contains("manager@cfc"),
        "{page}"
    );
    let confirm = manager.get("/allocation/4/commit").await.body;
    assert!(!confirm.contains("name=\"key\""), "{confirm}");
}

#[test]
fn the_scorecard_says_what_its_file_says_and_an_agency_sees_its_own_row() {
    on_each_database(|book| {
        ready(book);
        history(book);
        with_pages(book, |book, app| {
            Box::pin(async move {
                scorecard(book, app).await;
                own_row(app).await;
            })
        });
    });
}

async fn scorecard(book: &mut Book, app: App<'_>) {
    let lender = party::store::lender(&mut book.db, "CFC").unwrap().unwrap();
    let versions = contract::store::versions(&mut book.db, &lender).unwrap();
    let grouping = Grouping::by_bucket(lender.currency);
    let asked = ScorecardQuery {
        lender: "CFC",
        on: day("2026-04-20"),
        parameters: Default::default(),
        grouping: &grouping,
        known_seq: i64::MAX,
    };
    let (rows_of_day, _) =
        scorecard_on(&mut book.db, &asked, &versions, &Points::default(), BTreeMap::new()).unwrap();
    let card = with_newcomers(rows_of_day, ["A01", "A02", "A03"].into_iter());
    assert!(card.iter().all(|row| row.sums.placements > 0) && card.len() == 3);
    let mut manager = Browser::sign_in(app, "viewer@cfc").await;
    let told = String::from_utf8(file::csv(&card, lender.currency).unwrap()).unwrap();
    assert_eq!(manager.get("/scorecard.csv?on=2026-04-20").await.body, told);
    for lang in ["en", "zh"] {
        let page = manager.get(&format!("/scorecard?on=2026-04-20&lang={lang}")).await.body;
        for row in &card {
            assert!(
                page.contains(&row.score.to_string())
                    && page.contains(&row.sums.recovered.grouped(lender.currency)),
                "{page}"
            );
        }
        assert!(
            page.contains("<polyline") && page.contains("class=\"span\""),
            "curves and ranges are drawn"
        );
    }
    let page = plain(&manager.get("/scorecard?on=2026-04-20&lang=en&run=1").await.body);
    assert!(
        page.contains("recoveries within 30 days") && page.contains("K = 20"),
        "as in the strategy of run 1: {page}"
    );
    assert!(
        page.contains("on like accounts"),
        "all of them were explored, so they can be compared: {page}"
    );
    for row in &card {
        let one = plain(
            &manager.get(&format!("/scorecard/{}?on=2026-04-20&lang=en", row.assignee)).await.body,
        );
        let (n, z) = (row.sums.placements, row.credibility);
        assert!(one.contains(&format!("n ÷ (n + K) = {n} ÷ ({n} + 500) = {z}")), "{one}");
        assert!(
            one.contains(&format!("= {}", row.shrunk_index))
                && one.contains(&format!("{} of 3", row.rank)),
            "{one}"
        );
        let mut sums = (0, 0, 0);
        let file = manager
            .get(&format!("/scorecard/{}/placements.csv?on=2026-04-20", row.assignee))
            .await
            .body;
        for line in rows(&file, 6).iter().skip(1) {
            let amount =
                |text: &str| consign::kernel::Money::parse(text, lender.currency).unwrap().0;
            sums = (sums.0 + 1, sums.1 + amount(&line[4]), sums.2 + amount(&line[5]));
        }
        assert_eq!(
            sums,
            (n, row.sums.balance.0, row.sums.recovered.0),
            "the drill-down of {} adds up",
            row.assignee
        );
    }
    let mut finance = Browser::sign_in(app, "preparer@cfc").await;
    for path in ["/scorecard", "/scorecard.csv", "/scorecard/A01", "/scorecard/A01/placements"] {
        assert_eq!(finance.get(path).await.status, 404, "{path}");
    }
    assert_eq!(manager.get("/scorecard/A99?on=2026-04-20").await.status, 404);
    assert_eq!(manager.get("/scorecard?run=99").await.status, 404);
    assert_eq!(manager.get("/scorecard?run=x").await.status, 404);
}

/// Whatever the URL asks for, an agency reads its own figures.
async fn own_row(app: App<'_>) {
    let mut agency = Browser::sign_in(app, "viewer@a03").await;
    for query in ["on=2026-04-20", "on=2026-04-20&run=1", "on=2026-04-20&lender=CFC"] {
        let page = agency.get(&format!("/scorecard?lang=en&{query}")).await;
        assert!(page.status == 200 && page.body.contains(" of 3"), "{}", page.body);
        for theirs in ["A01", "A02", "spring", "like accounts dealt"] {
            assert!(!page.body.contains(theirs), "{theirs} in {}", page.body);
        }
        let file = agency.get(&format!("/scorecard.csv?{query}")).await.body;
        assert!(file.lines().count() == 2 && file.contains("\nA03,"), "{file}");
    }
    for path in ["", "/placements", "/placements.csv"] {
        let ask = |code: &str| format!("/scorecard/{code}{path}?on=2026-04-20&lang=en");
        assert_eq!(agency.get(&ask("A01")).await.status, 404, "{path}");
        assert_eq!(agency.get(&ask("A99")).await.status, 404, "{path}");
        let own = agency.get(&ask("A03")).await;
        assert!(
            own.status == 200 && !own.body.contains("A01") && !own.body.contains("Points:"),
            "{}",
            own.body
        );
    }
    assert_eq!(agency.get("/scorecard?lender=NBK").await.status, 404);
    let mut stranger = Browser::sign_in(app, "manager@z01").await;
    assert_eq!(stranger.get("/scorecard?lender=CFC").await.status, 404);
    assert_eq!(stranger.get("/scorecard/A01?lender=CFC").await.status, 404);
    assert_eq!(
        stranger.get("/scorecard/Z01?on=2026-04-20").await.status,
        200,
        "a newcomer to its own lender"
    );
    assert_eq!(stranger.get("/scorecard?on=2026-04-20").await.status, 200);
}

#[test]
fn runs_of_long_ago_are_shown_as_they_were_kept() {
    let mut book = Book::on_sqlite();
    ready(&mut book);
    history(&mut book);
    book.sql(
        "INSERT INTO allocation_run (lender, run_no, seq, name, method, run_on, strategy, hash, placed, unplaced) \
         VALUES ('CFC', 90, 1, 'old', 'equal', '2026-01-01', 'name = \"old\"', 'x', 1, 1)",
    )
    .unwrap();
    book.sql(
        "INSERT INTO allocation_row (lender, run_no, account_no, seq, assignee, level, stratum, balance, reason) VALUES \
         ('CFC', 90, 'L001', 1, 'A02', 1, 'M2', 12345, 'equal share of the stratum'), \
         ('CFC', 90, 'L002', 1, NULL, 0, 'M2', 100, 'nobody could take it')",
    )
    .unwrap();
    with_pages(&mut book, |_, app| {
        Box::pin(async move {
            let mut viewer = Browser::sign_in(app, "viewer@cfc").await;
            let page = plain(&viewer.get("/allocation/90?lang=en").await.body);
            assert!(page.contains("123.45") && page.contains("nobody could take it"), "{page}");
            let list = plain(&viewer.get("/allocation/90/accounts?lang=en&how=placed").await.body);
            assert!(
                list.contains("equal share of the stratum") && !list.contains("nobody could"),
                "{list}"
            );
            let account = plain(&viewer.get("/accounts/L001?lang=en").await.body);
            assert!(account.contains("equal share of the stratum"), "{account}");
        })
    });
}
