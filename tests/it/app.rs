//! The application under test, and the browsers of its people. A page is asked by its path, read by CSS selectors, and its
//! forms are filled in and sent as a browser sends them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use actix_web::rt::{System, SystemRunner};
use actix_web::test::{self, TestRequest};
use consign::party;
use consign::portfolio::personal::Key;
use consign::web::{Site, application};
use scraper::{ElementRef, Html, Node, Selector};

use crate::support::{Book, by, day};

pub const PASSWORD: &str = "correct horse battery";

/// People: login, organisation, role. The first half of a login is the role, the second the organisation.
pub const PEOPLE: [(&str, &str, &str); 15] = [
    ("manager@cfc", "CFC", "placement_manager"),
    ("compliance@cfc", "CFC", "compliance"),
    ("viewer@cfc", "CFC", "viewer"),
    ("preparer@cfc", "CFC", "finance_preparer"),
    ("approver@cfc", "CFC", "finance_approver"),
    ("manager@a01", "A01", "agency_manager"),
    ("viewer@a01", "A01", "agency_viewer"),
    ("manager@a02", "A02", "agency_manager"),
    ("viewer@a02", "A02", "agency_viewer"),
    ("manager@t01", "T01", "agency_manager"),
    ("viewer@t01", "T01", "agency_viewer"),
    ("manager@nbk", "NBK", "placement_manager"),
    ("compliance@nbk", "NBK", "compliance"),
    ("preparer@nbk", "NBK", "finance_preparer"),
    ("admin", "", "administrator"),
];

/// Everybody's `[[user]]` tables.
pub fn people() -> String {
    let person = |(login, organisation, role): (&str, &str, &str)| {
        let of = match organisation {
            "" => String::new(),
            code => format!("organisation = \"{code}\"\n"),
        };
        format!(
            "[[user]]\nlogin = \"{login}\"\nname = \"Person {login}\"\n{of}roles = [\"{role}\"]\n\
             password = \"{PASSWORD}\"\n"
        )
    };
    PEOPLE.map(person).concat()
}

/// Gives everybody an account; the lenders CFC and NBK, the agencies A01 and A02 and CFC's team T01 must be there.
pub fn set_up_people(book: &mut Book) {
    party::setup::set_up(&mut book.db, "people.toml", &people(), &by()).unwrap();
}

/// The key for personal data.
pub fn key() -> Key {
    Key::of("a secret of the tests")
}

/// Headers that differ from answer to answer.
const RANDOM: [&str; 3] = ["set-cookie", "date", "x-request-id"];

type Answering = Pin<Box<dyn Future<Output = (Page, Vec<(String, String)>)>>>;
type Cookies = BTreeMap<String, String>;

/// The application without a server around it.
pub struct TestApp {
    system: SystemRunner,
    call: Box<dyn Fn(TestRequest) -> Answering>,
    signed_in: RefCell<BTreeMap<String, Cookies>>,
}

impl TestApp {
    /// The application of a book, on a day that stands for today.
    pub fn on(book: &Book, today: &str) -> TestApp {
        TestApp::serving(Site::open(&book.address).unwrap().with_key(key()).on_day(day(today)))
    }

    /// A site as it is set up.
    pub fn serving(site: Site) -> TestApp {
        let system = System::new();
        let service = Rc::new(system.block_on(test::init_service(application(site))));
        let call = move |request: TestRequest| -> Answering {
            let service = service.clone();
            Box::pin(async move {
                let response = test::call_service(&*service, request.to_request()).await;
                let cookies = response.response().cookies();
                let cookies = cookies
                    .map(|cookie| (cookie.name().to_string(), cookie.value().to_string()))
                    .collect();
                let headers = response.headers().iter().map(|(name, value)| {
                    (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
                });
                let (status, mut headers) =
                    (response.status().as_u16(), headers.collect::<Vec<_>>());
                headers.retain(|(name, _)| !RANDOM.contains(&name.as_str()));
                headers.sort();
                let body = String::from_utf8_lossy(&test::read_body(response).await).into_owned();
                (Page { status, headers, body }, cookies)
            })
        };
        TestApp { system, call: Box::new(call), signed_in: RefCell::default() }
    }

    /// A browser in which nobody is signed in.
    pub fn stranger(&self) -> Browser<'_> {
        self.with(Cookies::new())
    }

    fn with(&self, cookies: Cookies) -> Browser<'_> {
        Browser { app: self, cookies: RefCell::new(cookies), token: RefCell::default() }
    }

    /// A browser in which somebody has signed in, by the form. Asked for again, it is of the same session.
    pub fn browser(&self, login: &str) -> Browser<'_> {
        let known = self.signed_in.borrow().get(login).cloned();
        if let Some(cookies) = known {
            return self.with(cookies);
        }
        let browser = self.stranger();
        let done = browser.sign_in(login, PASSWORD);
        assert_eq!((done.status, done.location()), (303, "/"), "{login} signs in");
        self.signed_in.borrow_mut().insert(login.to_string(), browser.cookies.borrow().clone());
        browser
    }
}

/// A browser: it keeps cookies.
pub struct Browser<'a> {
    app: &'a TestApp,
    cookies: RefCell<Cookies>,
    /// The token of its forms, and the cookies it goes with.
    token: RefCell<Option<(Cookies, String)>>,
}

impl Browser<'_> {
    /// Sends any request.
    pub fn ask(&self, request: TestRequest) -> Page {
        let cookies: Vec<String> =
            self.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = request
            .insert_header(("Host", "consign.test"))
            .insert_header(("Cookie", cookies.join("; ")));
        let (page, set) = self.app.system.block_on((self.app.call)(request));
        assert!(
            page.header("content-security-policy").is_some()
                && page.header("x-content-type-options") == Some("nosniff"),
            "{page:?}"
        );
        self.cookies.borrow_mut().extend(set);
        page
    }

    pub fn get(&self, path: &str) -> Page {
        self.ask(TestRequest::get().uri(path))
    }

    /// Sends a form as it stands.
    pub fn send(&self, form: &Form) -> Page {
        let request = TestRequest::post().uri(&form.action);
        self.ask(if form.multipart { form.parts(request) } else { request.set_form(&form.fields) })
    }

    /// The page of the job that a form became, once it is over.
    pub fn follow(&self, asked: &Page, language: &str) -> Page {
        assert_eq!(asked.status, 303, "{}", asked.body);
        loop {
            let page = self.get(&format!("{}&lang={language}", asked.location()));
            if page.header("refresh").is_none() {
                return page;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    /// Sends fields to a path, with this browser's token.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let mut fields = fields.to_vec();
        let token = self.token();
        fields.push(("csrf", &token));
        self.ask(TestRequest::post().uri(path).set_form(fields))
    }

    /// Sends a file to a path that takes one, with this browser's token.
    pub fn upload(&self, path: &str, fields: &[(&str, &str)], name: &str, text: &str) -> Page {
        let mut form = Form {
            action: path.to_string(),
            multipart: true,
            fields: vec![("csrf".to_string(), self.token())],
            file: Some((name.to_string(), text.to_string())),
        };
        form = form.with(fields);
        self.send(&form)
    }

    /// The token that this browser's forms carry.
    pub fn token(&self) -> String {
        let known = self.token.borrow().clone();
        if let Some((_, token)) = known.filter(|(cookies, _)| *cookies == *self.cookies.borrow()) {
            return token;
        }
        let page = self.get("/password");
        let page = if page.status == 303 { self.get("/sign-in") } else { page };
        let token = page.attributes("input[name=csrf]", "value").swap_remove(0);
        *self.token.borrow_mut() = Some((self.cookies.borrow().clone(), token.clone()));
        token
    }

    /// Fills in the form of the door and sends it.
    pub fn sign_in(&self, login: &str, password: &str) -> Page {
        let form = self.get("/sign-in").form("main form");
        self.send(&form.with(&[("login", login), ("password", password)]))
    }

    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.borrow().get(name).cloned()
    }

    pub fn set_cookie(&self, name: &str, value: &str) {
        self.cookies.borrow_mut().insert(name.to_string(), value.to_string());
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub status: u16,
    /// But for those that are random, in order of their names.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

fn selector(text: &str) -> Selector {
    Selector::parse(text).unwrap_or_else(|fault| panic!("{text} is no selector: {fault:?}"))
}

/// The text of an element as it is read: white space is one blank.
fn text_of(element: ElementRef<'_>) -> String {
    let text: String = element.text().collect::<Vec<_>>().concat();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Elements that begin a line of their own.
const BLOCKS: [&str; 19] = [
    "h1", "h2", "h3", "p", "div", "section", "ul", "ol", "li", "table", "tr", "form", "fieldset",
    "dl", "dt", "figure", "pre", "summary", "header",
];

/// Writes an element as [`Page::read`] has it.
fn drawn(element: ElementRef<'_>, text: &mut String) {
    let value = element.value();
    let attribute = |name: &str| value.attr(name).unwrap_or_default();
    match value.name() {
        "script" | "style" | "svg" => return,
        "input" if attribute("type") == "hidden" => return,
        "input" => {
            text.push_str(&format!(" [{}: {}]", attribute("name"), attribute("value")));
            return;
        }
        "select" => {
            let chosen = element.select(&selector("option[selected]")).next();
            let chosen = chosen.map(text_of).unwrap_or_default();
            text.push_str(&format!(" [{}: {chosen}]", attribute("name")));
            return;
        }
        _ => {}
    }
    let block = BLOCKS.contains(&value.name());
    if block {
        text.push('\n');
    }
    for child in element.children() {
        match child.value() {
            Node::Text(words) => text.push_str(words),
            Node::Element(_) => drawn(ElementRef::wrap(child).unwrap(), text),
            _ => {}
        }
    }
    match value.name() {
        "a" => text.push_str(&format!(" <{}>", attribute("href"))),
        "td" | "th" if element.next_siblings().any(|one| one.value().is_element()) => {
            text.push_str(" | ");
        }
        "button" => text.push_str(" (button) "),
        _ if block => text.push('\n'),
        _ => text.push(' '),
    }
}

impl Page {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Where it leads.
    pub fn location(&self) -> &str {
        self.header("location").unwrap_or_default()
    }

    pub fn is_html(&self) -> bool {
        self.header("content-type").is_some_and(|kind| kind.starts_with("text/html"))
    }

    /// The texts of what a selector finds.
    pub fn texts(&self, select: &str) -> Vec<String> {
        Html::parse_document(&self.body).select(&selector(select)).map(text_of).collect()
    }

    /// Whether a selector finds anything.
    pub fn has(&self, select: &str) -> bool {
        !self.texts(select).is_empty()
    }

    /// An attribute of what a selector finds, where it has it.
    pub fn attributes(&self, select: &str, name: &str) -> Vec<String> {
        let page = Html::parse_document(&self.body);
        let wanted = selector(select);
        let found = page.select(&wanted);
        found.filter_map(|element| element.value().attr(name).map(str::to_string)).collect()
    }

    /// What stands between header and foot as it is read: a line for every block and every row of a table, cells parted by
    /// `|`, links with where they lead, fields with what stands in them.
    pub fn read(&self) -> String {
        let page = Html::parse_document(&self.body);
        let main = page.select(&selector("main")).next();
        let mut text = String::new();
        drawn(main.unwrap_or_else(|| panic!("no main in {}", self.body)), &mut text);
        let line = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let lines = text.lines().map(line).filter(|line| !line.is_empty());
        lines.fold(String::new(), |all, line| all + &line + "\n")
    }

    /// The one form that a selector finds, with what stands in it.
    pub fn form(&self, select: &str) -> Form {
        let page = Html::parse_document(&self.body);
        let wanted = selector(select);
        let mut found = page.select(&wanted);
        let form = found.next().unwrap_or_else(|| panic!("no {select} in {}", self.body));
        assert!(found.next().is_none(), "several {select} in {}", self.body);
        Form::of(form)
    }

    /// Where it leads: its links and the forms that only ask, as they stand; and where it sends forms that do something.
    pub fn leads_to(&self) -> (BTreeSet<String>, Vec<String>) {
        let page = Html::parse_document(&self.body);
        let (mut asks, mut sends) = (BTreeSet::new(), Vec::new());
        for element in page.select(&selector("[href], [src]")) {
            let value = element.value();
            asks.extend(value.attr("href").or(value.attr("src")).map(str::to_string));
        }
        for element in page.select(&selector("form")) {
            let form = Form::of(element);
            if element.value().attr("method") == Some("post") {
                sends.push(form.action);
            } else {
                let fields: Vec<String> =
                    form.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
                asks.insert(format!("{}?{}", form.action, fields.join("&")));
            }
        }
        let local = |link: &String| link.split('#').next().unwrap_or_default().replace(' ', "%20");
        (asks.iter().map(local).filter(|link| link.starts_with('/')).collect(), sends)
    }

    /// Everything in it without what is random: tokens and keys of forms.
    pub fn told(&self) -> String {
        let mut told = format!("{}\n", self.status);
        for (name, value) in &self.headers {
            told.push_str(&format!("{name}: {value}\n"));
        }
        told.push_str(&self.body);
        without_random(&told)
    }
}

/// A text without keys, tokens and the numbers that new cases are given: without everything of 32 hexadecimal digits, and
/// of 8 behind `CP-`.
fn without_random(text: &str) -> String {
    let mut told = String::with_capacity(text.len());
    let mut digits = 0;
    for c in text.chars() {
        if c.is_ascii_hexdigit() {
            digits += 1;
        } else {
            let before = told.len() - digits;
            if digits == 32 || (digits == 8 && told[..before].ends_with("CP-")) {
                told.truncate(before);
                told.push_str("RANDOM");
            }
            digits = 0;
        }
        told.push(c);
    }
    told
}

/// A form as a page offers it, with what is typed into it.
#[derive(Clone, Debug)]
pub struct Form {
    pub action: String,
    pub fields: Vec<(String, String)>,
    multipart: bool,
    file: Option<(String, String)>,
}

impl Form {
    fn of(form: ElementRef<'_>) -> Form {
        let attribute = |element: ElementRef<'_>, name: &str| {
            element.value().attr(name).unwrap_or_default().to_string()
        };
        let mut fields = Vec::new();
        for field in form.select(&selector("input[name], select[name], textarea[name]")) {
            let (name, kind) = (attribute(field, "name"), attribute(field, "type"));
            let checked = field.value().attr("checked").is_some();
            let value = match field.value().name() {
                "textarea" => field.text().collect(),
                "select" => {
                    let options: Vec<ElementRef<'_>> = field.select(&selector("option")).collect();
                    let chosen = options.iter().find(|one| one.value().attr("selected").is_some());
                    let chosen = chosen.or_else(|| options.first());
                    chosen.map(|option| attribute(*option, "value")).unwrap_or_default()
                }
                _ if matches!(kind.as_str(), "checkbox" | "radio") && !checked => continue,
                _ if kind == "file" => continue,
                _ => attribute(field, "value"),
            };
            fields.push((name, value));
        }
        let multipart = attribute(form, "enctype") == "multipart/form-data";
        Form { action: attribute(form, "action"), fields, multipart, file: None }
    }

    /// The form with something else typed into it.
    pub fn with(mut self, typed: &[(&str, &str)]) -> Form {
        for (name, _) in typed {
            self.fields.retain(|(known, _)| known != name);
        }
        let typed = typed.iter().map(|(name, value)| ((*name).to_string(), (*value).to_string()));
        self.fields.extend(typed);
        self
    }

    fn parts(&self, request: TestRequest) -> TestRequest {
        let mut body = String::new();
        let part = "--cut\r\nContent-Disposition: form-data; name=";
        for (name, value) in &self.fields {
            body += &format!("{part}\"{name}\"\r\n\r\n{value}\r\n");
        }
        if let Some((name, text)) = &self.file {
            body += &format!(
                "{part}\"file\"; filename=\"{name}\"\r\nContent-Type: text/csv\r\n\r\n{text}\r\n"
            );
        }
        request
            .insert_header(("Content-Type", "multipart/form-data; boundary=cut"))
            .set_payload(body + "--cut--\r\n")
    }
}
