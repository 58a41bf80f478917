//! The web application: who gets in, who sees what, and that every page answers in both languages.

use std::path::Path;

use actix_web::test::TestRequest;
use chrono::NaiveDate;
use consign::audit::By;
use consign::conduct::contacts::{Contacts, Sender};
use consign::db::{Address, Db};
use consign::identity::{Role, may};
use consign::intake::{Options, take_in};
use consign::kernel::progress::Silent;
use consign::portfolio::import::Portfolio;
use consign::portfolio::personal::Key;
use consign::recovery::import::Recoveries;
use consign::settlement::close::NewClosing;
use consign::web::{Asked, ROUTES, Seen, Site};
use consign::{allocation, ambient, audit, conduct, contract, party, settlement};

use crate::app::{Browser, PASSWORD, TestApp};
use crate::support::on_each_database;

/// An account number of every character that means something in a URL or a spreadsheet.
const STRANGE: &str = "a=/b ?#%25&+中";
const STRANGE_IN_URL: &str = "a%3D%2Fb%20%3F%23%2525%26%2B%E4%B8%AD";

const PARTIES: &str = r#"
[[lender]]
code = "CFC"
name = "Example Consumer Finance"
currency = "CNY"
timezone = "Asia/Shanghai"
[[lender.assignee]]
code = "A01"
name = "First Agency"
kind = "agency"
[[lender.assignee]]
code = "A02"
name = "Second Agency"
kind = "agency"
[[lender]]
code = "NBK"
name = "Northbank"
currency = "GBP"
timezone = "Europe/London"
[[lender.assignee]]
code = "A01"
name = "First Agency"
kind = "agency"
"#;

/// People: login, organisation, role.
const PEOPLE: [(&str, &str, &str); 10] = [
    ("manager@cfc", "CFC", "placement_manager"),
    ("compliance@cfc", "CFC", "compliance"),
    ("viewer@cfc", "CFC", "viewer"),
    ("preparer@cfc", "CFC", "finance_preparer"),
    ("approver@cfc", "CFC", "finance_approver"),
    ("admin", "INSTALLATION", "administrator"),
    ("manager@a01", "A01", "agency_manager"),
    ("viewer@a02", "A02", "agency_viewer"),
    ("manager@nbk", "NBK", "placement_manager"),
    ("locked@cfc", "CFC", "viewer"),
];

fn operator() -> By {
    ambient::operator()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Two lenders, two agencies, a closed month in both books.
pub fn book(address: &Address, folder: &Path) {
    let mut db = address.open().unwrap();
    let people = PEOPLE.map(|(login, organisation, role)| {
        format!("[[user]]\nlogin = \"{login}\"\nname = \"Person {login}\"\norganisation = \"{organisation}\"\nroles = [\"{role}\"]\npassword = \"{PASSWORD}\"\n")
    });
    let parties = format!("{PARTIES}{}", people.concat());
    party::setup::set_up(&mut db, "parties.toml", &parties, &operator()).unwrap();
    let key = Key::load(address, Some("a secret of the tests")).unwrap();
    lender(&mut db, folder, "CFC", &["A01", "A02"], key.as_ref());
    lender(&mut db, folder, "NBK", &["A01"], key.as_ref());
}

fn lender(db: &mut Db, folder: &Path, code: &str, agencies: &[&str], key: Option<&Key>) {
    for agency in agencies {
        let terms = format!(
            "code = \"{code}-{agency}\"\nagency = \"{agency}\"\neffective_from = 2026-01-01\nterm_days = 3650\n[[fee]]\nname = \"all\"\nrate = \"20%\"\n"
        );
        contract::publish::publish(db, code, "contract.toml", &terms, false, &operator()).unwrap();
    }
    let mut accounts = format!(
        "account_no,balance,days_past_due,debtor_name,phone\n\"{STRANGE}\",900.00,45,欧阳测试,13812345678\n"
    );
    let mut receipts = format!(
        "reference,account_no,received_on,amount\n{code}-P,\"{STRANGE}\",2026-03-10,100.00\n"
    );
    for i in 0..120 {
        accounts.push_str(&format!("L{i:03},1000.00,45,欧阳测试,13812345678\n"));
        receipts.push_str(&format!("{code}-{i:03},L{i:03},2026-03-10,10.00\n"));
    }
    let (portfolio_file, recovery_file) =
        (folder.join(format!("{code}-p.csv")), folder.join(format!("{code}-r.csv")));
    std::fs::write(&portfolio_file, accounts).unwrap();
    std::fs::write(&recovery_file, receipts).unwrap();
    let (options, as_of) = (Options::default(), day("2026-02-28"));
    let kind = Portfolio::as_of(as_of, key);
    take_in(db, code, &portfolio_file, kind, &options, &operator(), &mut Silent).unwrap();
    let strategy = "name = \"x\"\nmethod = \"equal\"\nseed = 1\n";
    allocation::run::allocate(
        db,
        code,
        "strategy.toml",
        strategy,
        day("2026-03-01"),
        true,
        &operator(),
    )
    .unwrap();
    let kind = Recoveries::default();
    take_in(db, code, &recovery_file, kind, &options, &operator(), &mut Silent).unwrap();
    let month = "2026-03".parse().unwrap();
    let new = NewClosing { month, preview: false, allow_future: false };
    settlement::close::close(db, code, &new, &operator(), &mut Silent).unwrap();
    conducted(db, folder, code, agencies, key);
}

/// The accounts that an agency holds, but for the one with the strange number.
fn held_by(db: &mut Db, lender: &str, agency: &str) -> Vec<String> {
    let mut held = Vec::new();
    consign::placement::store::each(db, lender, |one| {
        if one.assignee == agency && one.account_no.starts_with('L') {
            held.push(one.account_no.clone());
        }
        Ok::<(), diesel::result::Error>(())
    })
    .unwrap();
    held
}

/// A contact at night of each agency, and a complaint about it that has the number of its statement.
fn conducted(db: &mut Db, folder: &Path, code: &str, agencies: &[&str], key: Option<&Key>) {
    for (agency, number) in agencies.iter().zip(1..) {
        let held = held_by(db, code, agency);
        let path = folder.join(format!("{code}-{agency}.csv"));
        let rows = format!(
            "n1,{},2026-03-05 22:30,13912340000\nn2,{},2026-03-05 10:30,13912340000\n",
            held[0], held[1]
        );
        std::fs::write(&path, format!("reference,account_no,at,number\n{rows}")).unwrap();
        let kind = Contacts::of(agency, Sender::Lender, key);
        take_in(db, code, &path, kind, &Options::default(), &operator(), &mut Silent).unwrap();
        let new = conduct::complaint::NewComplaint {
            agency: (*agency).to_string(),
            account_no: None,
            received_on: day("2026-03-06"),
            severity: conduct::Severity::High,
            text: format!("about {agency} <b>"),
            reference: Some(format!("{code}-{number:06}")),
            allow_future: false,
        };
        conduct::complaint::add(db, code, &new, &operator()).unwrap();
    }
}

/// The token of a page's forms.
pub fn token(page: &str) -> String {
    let start = page.find("name=\"csrf\" value=\"").expect("the page has a form") + 19;
    page[start..].split('"').next().unwrap().to_string()
}

#[test]
fn everybody_sees_their_own_and_nothing_else() {
    on_each_database(|book| all(&book.address));
}

/// Everything, on a database that is empty before.
pub fn all(address: &Address) {
    let folder = tempfile::tempdir().unwrap();
    book(address, folder.path());
    let held = ["A01", "A02"].map(|of| held_by(&mut address.open().unwrap(), "CFC", of));
    let site = Site::open(address).unwrap().with_key(Key::of("a secret of the tests"));
    let app = &TestApp::serving(site);
    signing_in(app);
    forms(app);
    routes(app);
    other_books(app);
    personal_data(app);
    complaints(app);
    contacts(app, &held[1][0]);
    contact_files(app, &held);
    lists(app);
    downloads_are_recorded(address);
}

fn signing_in(app: &TestApp) {
    let browser = app.stranger();
    let answer = browser.get("/accounts?bucket=M2");
    assert_eq!(
        (answer.status, answer.location()),
        (303, "/sign-in?next=%2Faccounts%3Fbucket%3DM2")
    );
    let wrong = browser.post("/sign-in", &[("login", "manager@cfc"), ("password", "wrong")]);
    assert_eq!(wrong.status, 401);
    assert!(
        wrong.body.contains("value=\"manager@cfc\"") && !wrong.body.contains("value=\"wrong\""),
        "the form keeps the login only"
    );
    let nobody = browser.post("/sign-in", &[("login", "nobody"), ("password", "wrong")]);
    assert_eq!(nobody.status, 401);
    let right = [("login", "manager@cfc"), ("password", PASSWORD), ("next", "/accounts?bucket=M2")];
    let answer = browser.post("/sign-in", &right);
    assert_eq!((answer.status, answer.location()), (303, "/accounts?bucket=M2"));
    let elsewhere =
        [("login", "manager@cfc"), ("password", PASSWORD), ("next", "//elsewhere.example")];
    let answer = app.stranger().post("/sign-in", &elsewhere);
    assert_eq!((answer.status, answer.location()), (303, "/"));
    let locked = app.stranger();
    for _ in 0..5 {
        assert_eq!(
            locked.post("/sign-in", &[("login", "locked@cfc"), ("password", "x")]).status,
            401
        );
    }
    let answer = locked.post("/sign-in", &[("login", "locked@cfc"), ("password", PASSWORD)]);
    assert_eq!(answer.status, 429, "five failures lock a login, whatever comes then");
    let token = browser.cookie("consign_session").unwrap();
    assert_eq!(browser.post("/sign-out", &[]).status, 303);
    browser.set_cookie("consign_session", &token);
    assert_eq!(browser.get("/").status, 303, "a session that was ended stays ended");
}

fn forms(app: &TestApp) {
    let browser = app.browser("manager@cfc");
    let post =
        |fields: &[(&str, &str)]| TestRequest::post().uri("/language").set_form(fields.to_vec());
    let right = token(&browser.get("/").body);
    let with_token = [("language", "zh"), ("here", "/"), ("csrf", right.as_str())];
    assert_eq!(browser.ask(post(&[("language", "zh")])).status, 403, "no token");
    assert_eq!(
        browser.ask(post(&[("language", "zh"), ("csrf", "0123")])).status,
        403,
        "another's token"
    );
    let from = post(&with_token).insert_header(("Origin", "https://elsewhere.example"));
    assert_eq!(browser.ask(from).status, 403, "from another site");
    let from = post(&with_token).insert_header(("Sec-Fetch-Site", "cross-site"));
    assert_eq!(browser.ask(from).status, 403, "from another site, says the browser");
    let from = post(&with_token)
        .insert_header(("Origin", "https://consign.test"))
        .insert_header(("Sec-Fetch-Site", "same-origin"));
    assert_eq!(browser.ask(from).status, 303);
    assert!(browser.get("/").body.contains("<html lang=\"zh\">"), "the language is remembered");
    let stranger = app.stranger();
    assert_eq!(
        stranger
            .ask(TestRequest::post().uri("/sign-in").set_form([("login", "x"), ("password", "y")]))
            .status,
        403
    );
}

/// Every route × every role × both languages: 200 for those the table lets see it, 404 for the others.
fn routes(app: &TestApp) {
    for (login, organisation, role) in PEOPLE.iter().filter(|(login, ..)| *login != "locked@cfc") {
        let browser = app.browser(login);
        let role = Role::parse(role).unwrap();
        let (agency, statement) = match *organisation {
            "A01" => (true, "CFC-000001"),
            "A02" => (true, "CFC-000002"),
            "NBK" => (false, "NBK-000001"),
            _ => (false, "CFC-000001"),
        };
        for route in ROUTES.iter().filter(|route| route.asked == Asked::Get) {
            let seen = match route.seen {
                Seen::ByAnybody | Seen::SignedIn => true,
                Seen::With(lender, own) => {
                    if agency {
                        own.is_some_and(|own| may(role, own))
                    } else {
                        may(role, lender)
                    }
                }
            };
            for lang in ["zh", "en"] {
                let path = filled(route.path, statement);
                let answer = browser.get(&format!("{path}?lang={lang}"));
                let expected = if route.path == "/sign-in" {
                    303
                } else if route.path.starts_with("/jobs/") {
                    // There is no such job.
                    404
                } else if seen {
                    200
                } else {
                    404
                };
                assert_eq!(answer.status, expected, "{login} {path} {lang}");
                let drawn =
                    answer.header("content-type").unwrap_or_default().starts_with("text/html")
                        && answer.status != 303
                        && !path.ends_with("/document");
                assert!(
                    !drawn || answer.body.contains(&format!("<html lang=\"{lang}\">")),
                    "{login} {path} {lang}"
                );
            }
        }
    }
    for route in ROUTES.iter().filter(|route| route.asked == Asked::Get) {
        let answer = app.stranger().get(&filled(route.path, "CFC-000001"));
        assert_eq!(
            answer.status,
            if route.seen == Seen::ByAnybody { 200 } else { 303 },
            "nobody {}",
            route.path
        );
    }
    let browser = app.browser("manager@cfc");
    let nowhere = browser.get("/nowhere?lang=en");
    assert!(
        nowhere.status == 404 && nowhere.body.contains("Sign out"),
        "a page that is not there has the common layout"
    );
}

fn filled(path: &str, statement: &str) -> String {
    path.replace("{account_no}", STRANGE_IN_URL)
        .replace("{statement_no}", statement)
        .replace("{run_no}", "1")
        .replace("{assignee}", if statement == "CFC-000002" { "A02" } else { "A01" })
        .replace("{reference}", statement)
        .replace("{line_no}", "1")
        .replace("{account}", "Assets%3ABank")
        .replace("{number}", "1")
}

/// What is another lender's or another agency's is not found, whatever the URL.
fn other_books(app: &TestApp) {
    let parts = ["", ".csv", ".json", "/document", "/lines/1"];
    let theirs = [
        ("viewer@a02", "CFC-000001"),
        ("viewer@a02", "NBK-000001"),
        ("manager@a01", "CFC-000002"),
        ("manager@nbk", "CFC-000001"),
        ("manager@cfc", "NBK-000001"),
    ];
    for (login, statement) in theirs {
        let browser = app.browser(login);
        for part in parts {
            let path = format!("/statements/{statement}{part}");
            assert_eq!(browser.get(&path).status, 404, "{login} {path}");
        }
    }
    for (login, path) in [
        ("viewer@a02", "/placements?lender=NBK"),
        ("viewer@a02", "/accounts/L001"),
        ("viewer@a02", "/ledger/accounts/Assets%3ABank"),
        ("manager@nbk", "/accounts?lender=CFC"),
        ("manager@nbk", "/recoveries.csv?lender=CFC"),
        ("preparer@cfc", "/ledger?lender=NBK"),
    ] {
        let browser = app.browser(login);
        assert_eq!(browser.get(path).status, 404, "{login} {path}");
    }
    let both = app.browser("manager@a01");
    for lender in ["CFC", "NBK"] {
        assert_eq!(both.get(&format!("/placements?lender={lender}")).status, 200);
    }
    let own = app.browser("viewer@a02").get("/placements.csv?assignee=A01&state=closed");
    assert!(
        own.body.contains(",A02,") && !own.body.contains(",A01,"),
        "a filter cannot widen what an agency sees"
    );
}

/// Names are masked; finance and the administrator see none.
fn personal_data(app: &TestApp) {
    let pages = [
        "/",
        "/accounts",
        "/accounts.csv",
        "/accounts/L001",
        "/placements",
        "/placements.csv",
        "/recoveries",
        "/recoveries.csv",
        "/contacts",
        "/contacts.csv",
        "/complaints",
        "/complaints.csv",
        "/months",
        "/ledger",
    ];
    for (login, ..) in PEOPLE.iter().filter(|(login, ..)| *login != "locked@cfc") {
        let browser = app.browser(login);
        // The token of forms is random and may spell any digits.
        let csrf = token(&browser.get("/").body);
        let mut shown = String::new();
        for page in pages {
            shown.push_str(&browser.get(page).body.replace(&csrf, ""));
        }
        assert!(
            !shown.contains("欧阳") && !shown.contains("13812345678") && !shown.contains("5678"),
            "{login} sees personal data in the clear"
        );
        let masked = ["manager", "compliance", "viewer"].iter().any(|role| login.starts_with(role));
        assert_eq!(shown.contains("欧***"), masked, "{login}");
    }
}

/// A refusal of the complaint forms names the field and what to put there, in the language of the page.
fn refused_words(compliance: &Browser<'_>, case: &str) {
    for (path, said) in [
        ("/complaints/add?lang=zh", "请选择严重程度：低、中或高"),
        ("/complaints/add?lang=en", "Choose a severity"),
    ] {
        let fields = [
            ("agency", "A01"),
            ("received_on", "2026-04-02"),
            ("severity", ""),
            ("text", "came"),
            ("reference", "X-0"),
        ];
        let refused = compliance.post(path, &fields);
        assert!(
            refused.status == 422 && refused.body.contains(said) && refused.body.contains(">came<"),
            "{}",
            refused.body
        );
    }
    for (deduction, upheld, lang, said) in [
        ("12.345", "yes", "en", "12.345 has more decimals than the currency has (2)"),
        ("12.345", "yes", "zh", "扣款 12.345 的小数位多于本币种的 2 位"),
        ("much", "yes", "en", "much is not an amount"),
        ("12.00", "no", "en", "needs an upheld complaint"),
        ("", "", "zh", "请选择处理结论"),
    ] {
        let fields =
            [("upheld", upheld), ("on", "2026-04-03"), ("text", "x"), ("deduction", deduction)];
        let refused = compliance.post(&format!("{case}?lang={lang}"), &fields);
        assert!(
            refused.status == 422 && refused.body.contains(said),
            "{deduction}: {}",
            refused.body
        );
    }
}

/// Complaints are recorded and decided by those who may, once; a refused form keeps what was typed.
fn complaints(app: &TestApp) {
    let compliance = app.browser("compliance@cfc");
    let form = compliance.get("/complaints/add?lang=en").body;
    let at =
        form.find("name=\"reference\" value=\"").expect("the case has a number before it is sent")
            + 24;
    let reference = form[at..].split('"').next().unwrap().to_string();
    let typed = |account: &'static str, text: &'static str| {
        let known = [
            ("agency", "A01"),
            ("received_on", "2026-04-02"),
            ("severity", "medium"),
            ("account_no", account),
            ("text", text),
        ];
        known.to_vec()
    };
    let mut fields = typed("NOBODY", "came to the office");
    fields.push(("reference", &reference));
    let before = compliance.get("/complaints.csv").body;
    let refused = compliance.post("/complaints/add", &fields);
    assert_eq!(refused.status, 422);
    for kept in [
        "came to the office",
        "value=\"NOBODY\"",
        &reference,
        "value=\"A01\" selected",
        "value=\"medium\" selected",
        "NOBODY is not known",
    ] {
        assert!(refused.body.contains(kept), "{kept} is gone: {}", refused.body);
    }
    assert_eq!(compliance.get("/complaints.csv").body, before);
    let mut fields = typed("L003", "came to the office");
    fields.push(("reference", &reference));
    let case = format!("/complaints/case/{reference}");
    for _ in 0..2 {
        let done = compliance.post("/complaints/add", &fields);
        assert_eq!(
            (done.status, done.location()),
            (303, case.as_str()),
            "sent twice, recorded once"
        );
    }
    assert_eq!(compliance.get("/complaints.csv").body.lines().count(), before.lines().count() + 1);
    assert!(compliance.get(&case).body.contains("/accounts/L003"), "the account is linked");
    assert!(compliance.get("/accounts/L003?lang=en").body.contains("Stop contact"));
    refused_words(&compliance, &case);
    for (login, status) in
        [("viewer@cfc", 404), ("manager@a01", 404), ("preparer@cfc", 404), ("manager@nbk", 303)]
    {
        let browser = app.browser(login);
        let another = [
            ("reference", "X-1"),
            ("agency", "A01"),
            ("received_on", "2026-04-02"),
            ("severity", "low"),
            ("text", "x"),
        ];
        assert_eq!(browser.post("/complaints/add", &another).status, status, "{login} adds");
        let decision = [("upheld", "no"), ("on", "2026-04-03"), ("text", "x")];
        let refused = browser.post(&case, &decision).status;
        assert_eq!(refused, 404, "{login} decides");
    }
    assert_eq!(app.browser("viewer@cfc").get(&case).status, 200);
    assert_eq!(app.browser("viewer@a02").get(&case).status, 404, "about another agency");
    let early = [
        ("upheld", "yes"),
        ("on", "2026-04-01"),
        ("text", "heard both sides"),
        ("deduction", "30"),
    ];
    let refused = compliance.post(&case, &early);
    assert!(
        refused.status == 422
            && refused.body.contains("heard both sides")
            && refused.body.contains("2026-04-02"),
        "{}",
        refused.body
    );
    let token_missing = TestRequest::post().uri(&case).set_form(early);
    assert_eq!(compliance.ask(token_missing).status, 403);
    let right = [
        ("upheld", "yes"),
        ("on", "2026-04-03"),
        ("text", "heard both sides"),
        ("deduction", "30"),
        ("corrects", ""),
    ];
    for _ in 0..2 {
        assert_eq!(compliance.post(&case, &right).status, 303, "sent twice, decided once");
    }
    let page = compliance.get(&format!("{case}?lang=en")).body;
    assert!(
        page.contains("Upheld")
            && page.contains("30.00")
            && page.contains("name=\"corrects\" value=\"1\""),
        "{page}"
    );
    assert!(!compliance.get("/accounts/L003?lang=en").body.contains("chip blocked\">Stop contact"));
    let own = app.browser("viewer@a02").get("/complaints.csv?agency=A01&state=open").body;
    assert!(
        own.contains(",A02,") && !own.contains(",A01,"),
        "a filter cannot widen what an agency sees: {own}"
    );
    let page = compliance.get("/complaints?lang=en&state=open").body;
    assert!(page.contains("about A02 &#60;b&#62;") && !page.contains(&reference), "{page}");
}

/// A file as a browser sends it, with the token of the form.
fn sent(csrf: &str, agency: Option<&str>, name: &str, text: &str) -> TestRequest {
    let mut body =
        format!("--cut\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n");
    if let Some(agency) = agency {
        body += &format!(
            "--cut\r\nContent-Disposition: form-data; name=\"agency\"\r\n\r\n{agency}\r\n"
        );
    }
    body +=
        &format!("--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n");
    body += &format!("Content-Type: text/csv\r\n\r\n{text}\r\n--cut--\r\n");
    TestRequest::post()
        .insert_header(("Content-Type", "multipart/form-data; boundary=cut"))
        .set_payload(body)
}

fn contact_files(app: &TestApp, held: &[Vec<String>; 2]) {
    let agency = app.browser("manager@a01");
    let link = "href=\"/contacts/send?lender=CFC\"";
    assert!(agency.get("/contacts?lender=CFC").body.contains(link));
    let form = agency.get("/contacts/send?lender=CFC&lang=en");
    assert!(
        form.status == 200
            && form.body.contains("type=\"file\"")
            && !form.body.contains("name=\"agency\"")
    );
    let token = token(&form.body);
    let path = "/contacts/send?lender=CFC&lang=en";
    let own = &held[0][0];
    let file = format!(
        "reference,account_no,at,number\nw1,{own},2026-03-07 10:00,13900000000\nw2,{own},yesterday,\n"
    );
    let file = file.as_str();
    // An agency sends its own, also when the form names another.
    let done = agency.ask(sent(&token, Some("A02"), "C:\\calls\\march.csv", file).uri(path));
    let done = agency.follow(&done, "en");
    assert!(
        done.status == 200
            && done.body.contains("yesterday")
            && done.body.contains("but for the rows below"),
        "{}",
        done.body
    );
    assert!(done.body.contains(">3<"), "the line of the fault: {}", done.body);
    let compliance = app.browser("compliance@cfc");
    let month = "/contacts?month=2026-03&lang=en&agency=";
    let (own, other) =
        (compliance.get(&format!("{month}A01")).body, compliance.get(&format!("{month}A02")).body);
    assert!(
        own.contains(">3<") && !other.contains(">3<"),
        "A01 has three contacts now, A02 the two it had"
    );
    // Corrected and sent again whole: what is in counts once.
    let corrected = file.replace("yesterday", "2026-03-07 11:00");
    let done = agency.ask(sent(&token, None, "march.csv", &corrected).uri(path));
    let done = agency.follow(&done, "en");
    assert!(done.status == 200 && done.body.contains("The file was taken in."), "{}", done.body);
    let again = agency.ask(sent(&token, None, "march.csv", &corrected).uri(path));
    let again = agency.follow(&again, "en");
    assert!(again.status == 200 && again.body.contains("nothing was changed"), "{}", again.body);
    let unfit = agency.ask(sent(&token, None, "../march.csv", "a,b\n1,2\n").uri(path));
    let unfit = agency.follow(&unfit, "en");
    assert!(
        unfit.status == 200
            && unfit.body.contains("class=\"fault\"")
            && unfit.body.contains("march.csv")
            && !unfit.body.contains("/march.csv"),
        "{}",
        unfit.body
    );
    // Refusals speak the language of the page, and name no flag of a command.
    let unlike = "a,b\n1,2\n".to_string();
    let to_come = format!("reference,account_no,at\nw9,{own},2099-01-01 10:00\n", own = held[0][0]);
    for (language, file, words) in [
        ("zh", &unlike, "缺少列 reference, account_no, at"),
        ("en", &unlike, "Rename the column"),
        ("zh", &to_come, "晚于今天"),
        ("en", &to_come, "lies after today"),
    ] {
        let path = format!("/contacts/send?lender=CFC&lang={language}");
        let told = agency.ask(sent(&token, None, "march.csv", file).uri(&path));
        let told = agency.follow(&told, language).body;
        assert!(told.contains(words), "{words}: {told}");
        assert!(!told.contains("--map") && !told.contains("--allow-future"), "{told}");
    }
    // Whoever looks only, sends nothing; nor does a page of somebody else.
    let forged = agency.ask(sent("guessed", None, "march.csv", file).uri(path));
    assert_eq!(forged.status, 403);
    let foreign = sent(&token, None, "march.csv", file)
        .uri(path)
        .insert_header(("Origin", "https://elsewhere.example"));
    assert_eq!(agency.ask(foreign).status, 403);
    for login in ["viewer@a02", "viewer@cfc", "preparer@cfc"] {
        let looking = app.browser(login);
        assert!(!looking.get("/contacts").body.contains(link), "{login}");
        assert_eq!(
            looking.ask(sent(&token, Some("A01"), "march.csv", file).uri(path)).status,
            404,
            "{login}"
        );
    }
    // The lender sends for an agency it names.
    let csrf = self::token(&compliance.get("/contacts/send").body);
    let sent_by = |agency: &str| {
        let row = format!("reference,account_no,at\nv1,{},2026-03-08 09:00\n", held[1][2]);
        sent(&csrf, Some(agency), "a02.csv", &row)
    };
    let done = compliance.ask(sent_by("A02").uri("/contacts/send?lang=en"));
    let done = compliance.follow(&done, "en");
    assert!(done.status == 200 && done.body.contains("The file was taken in."), "{}", done.body);
    assert_eq!(compliance.ask(sent_by("A99").uri("/contacts/send")).status, 422);
}

/// Violations first, with the rule, the figure, the limit and a masked number; an agency sees its own without numbers.
fn contacts(app: &TestApp, of_second: &str) {
    let compliance = app.browser("compliance@cfc");
    let page = compliance.get("/contacts?lang=en").body;
    for word in ["Quiet hours", "22:30:00", "22:00-08:00", of_second, "139****0000", "A01", "A02"] {
        assert!(page.contains(word), "{word}: {page}");
    }
    assert!(!page.contains("13912340000"));
    let file = compliance.get("/contacts.csv?month=2026-03&rule=quiet_hours&agency=A02").body;
    assert!(file.lines().count() == 2 && file.contains(&format!("A02,n1,{of_second},")), "{file}");
    assert_eq!(compliance.get("/contacts?month=2026-04").status, 200);
    assert_eq!(compliance.get("/contacts?month=never").status, 400);
    assert_eq!(compliance.get("/contacts?agency=A99").status, 200);
    let own = app.browser("viewer@a02").get("/contacts?lang=en&agency=A01").body;
    assert!(own.contains("22:30:00") && !own.contains("****") && !own.contains(">A01<"), "{own}");
}

/// Pages by key hold every row once; filters hold; free text is neutralised and identifiers are not.
fn lists(app: &TestApp) {
    let browser = app.browser("manager@cfc");
    for (first, key) in [
        ("/accounts", "/accounts/"),
        ("/placements", "/accounts/"),
        ("/recoveries", "/accounts/"),
        ("/statements/CFC-000001", "/lines/"),
    ] {
        let (mut path, mut rows) = (first.to_string(), Vec::new());
        loop {
            let body = browser.get(&path).body;
            let links = body.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
            rows.extend(links.clone().filter(|href| href.contains(key)).map(str::to_string));
            let next = body.find("rel=\"next\"").and_then(|at| {
                body[..at].rfind("href=\"").map(|start| body[start + 6..at - 2].to_string())
            });
            let Some(next) = next else { break };
            path = next.replace("&amp;", "&").replace("&#38;", "&");
        }
        let read = rows.len();
        rows.sort();
        rows.dedup();
        assert_eq!(read, rows.len(), "{first} repeats rows");
        assert!(
            rows.len() == 121 || key == "/lines/" && rows.len() >= 60,
            "{first} shows {} rows",
            rows.len()
        );
    }
    let body = browser.get("/accounts.csv?search=L00").body;
    assert_eq!(body.lines().count(), 11, "a prefix and its header");
    let body = browser.get("/accounts.csv?search=a%3D").body;
    assert!(body.contains(&format!("\n{STRANGE},")), "an identifier is written as it is: {body}");
    assert_eq!(
        browser.get("/accounts.csv?holder=-").body.lines().count(),
        1,
        "the house has nothing"
    );
    assert!(
        browser.get("/recoveries.csv?only=house").body.lines().count() == 1,
        "nothing went to the house"
    );
    let one = browser.get("/recoveries.csv?reference=CFC-007").body;
    assert!(
        one.lines().count() == 2 && one.contains("\nCFC-007,L007,2026-03-10,payment,10.00,"),
        "{one}"
    );
    assert_eq!(browser.get("/accounts?bucket=M99").status, 400);
    assert_eq!(browser.get("/accounts?search=nothing&lang=en").status, 200);
}

fn downloads_are_recorded(address: &Address) {
    let mut db = address.open().unwrap();
    let events = audit::events(&mut db, "CFC").unwrap();
    let export =
        events.iter().rev().find(|event| event.kind == "export").expect("a download is recorded");
    assert_eq!(export.actor, "manager@cfc");
    assert!(
        export.summary.contains("sha256") && export.summary.contains("account_no"),
        "{}",
        export.summary
    );
    let proofs = consign::proof::verify(&mut db, None).unwrap();
    assert!(
        proofs.iter().all(|proof| proof.findings.is_empty()),
        "{:?}",
        proofs.iter().map(|proof| &proof.findings).collect::<Vec<_>>()
    );
}
