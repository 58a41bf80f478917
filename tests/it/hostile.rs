//! Hostile values in every parameter of every page and form, on both databases: whatever is asked, the answer is a page that
//! says what was wrong or what there is, never a failure of ours.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::header::SET_COOKIE;
use actix_web::test::{self, TestRequest};
use consign::identity::{Role, may};
use consign::portfolio::personal::Key;
use consign::web::{Asked, ROUTES, Seen, Site, application};

use crate::app::PASSWORD;
use crate::support::on_each_database;
use crate::web::{book, token};

/// Values as they stand in a URL.
const HOSTILE: [&str; 24] = [
    "%00",
    "a%00b",
    "%2500",
    "-9223372036854775808",
    "9223372036854775807",
    "99999999999999999999",
    "-1",
    "0",
    "1e400",
    "99999-01",
    "2999-12",
    "2999-12-31",
    "1900-01-01",
    "0000-00-00",
    "%27%22%3B--",
    "%F0%A0%AE%B7%E2%80%AE",
    "%FF%FE",
    "%0D%0ASet-Cookie:%20x=1",
    "%5B%7B%22a%22:",
    "%3D1%2B1",
    "..%2F..%2F",
    "a,b,c,d,1,2,3",
    "%25",
    "%20",
];

/// What a form has where it is filled in as it should be.
fn sane(field: &str) -> &'static str {
    match field {
        "agency" | "assignee" => "A01",
        "account" | "account_no" => "L001",
        "on" | "received_on" | "until" => "2026-03-31",
        "severity" => "high",
        "upheld" | "include_placed" => "yes",
        "strategy" | "first" | "second" => {
            "name%20%3D%20%22x%22%0Amethod%20%3D%20%22equal%22%0Aseed%20%3D%201%0A"
        }
        "key" => "0123456789abcdef0123456789abcdef",
        "do" => "recall",
        "code" => "X1",
        "language" => "en",
        "login" => "manager@cfc",
        "deduction" | "corrects" | "seen" => "",
        _ => "x",
    }
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { sources(&path, found) } else { found.push(path) }
    }
}

/// The names of what handlers read, by file: fields of what is deserialized, and keys that are matched by hand.
fn names_by_file() -> BTreeMap<String, BTreeSet<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut names = BTreeMap::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut known: BTreeSet<String> = BTreeSet::new();
        let (mut inside, mut next) = (false, false);
        for line in text.lines().map(str::trim) {
            next |= line.starts_with("#[derive(") && line.contains("Deserialize");
            if next && line.contains("struct ") {
                (inside, next) = (line.ends_with('{'), false);
            } else if inside && line == "}" {
                inside = false;
            } else if inside && let Some((name, _)) = line.split_once(": ") {
                known.insert(name.rsplit(' ').next().unwrap().to_string());
            } else if let Some((key, _)) = line.split_once("\" => typed.") {
                known.insert(key.trim_start_matches('"').to_string());
            }
        }
        let name = file.strip_prefix(&root).unwrap().with_extension("").display().to_string();
        names.insert(name.replace("/mod", ""), known);
    }
    names
}

/// What a path's handler reads: the names in the handler's own file, and those that every page knows. A path takes the
/// last handler named with it in the table of routes.
fn parameters(path: &str) -> BTreeSet<String> {
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web/routes.rs");
    let table = std::fs::read_to_string(table).unwrap();
    let names = names_by_file();
    let mut found: BTreeSet<String> = ["lender", "lang"].map(str::to_string).into();
    for (at, _) in table.match_indices(&format!("\"{path}\"")) {
        let entry = table[at..].split(';').next().unwrap();
        let module = entry.rsplit(' ').next().unwrap().split("::").next().unwrap();
        let named = |line: &&str| {
            line.starts_with("use crate::web::")
                && (line.ends_with(&format!("::{module};"))
                    || line.ends_with(&format!(" as {module};")))
        };
        let Some(line) = table.lines().find(named) else { continue };
        let line = line.trim_start_matches("use crate::web::").trim_end_matches(';');
        let file = line.split(" as ").next().unwrap().replace("::", "/");
        found.extend(names.get(&file).cloned().unwrap_or_default());
    }
    found
}

/// Somebody who sees a page.
fn login_for(seen: Seen) -> &'static str {
    let people = [
        ("manager@cfc", Role::PlacementManager),
        ("preparer@cfc", Role::FinancePreparer),
        ("compliance@cfc", Role::Compliance),
    ];
    let Seen::With(permission, _) = seen else { return "manager@cfc" };
    people.iter().find(|(_, role)| may(*role, permission)).expect("nobody sees the page").0
}

struct Browser {
    cookies: String,
    csrf: String,
}

async fn signed_in<S, B>(app: &S, login: &str) -> Browser
where
    S: Service<actix_http::Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: actix_web::body::MessageBody,
{
    let page = test::call_service(app, TestRequest::get().uri("/sign-in").to_request()).await;
    let mut cookies = cookies_of(&page);
    let csrf = token(std::str::from_utf8(&test::read_body(page).await).unwrap());
    let form = [("login", login), ("password", PASSWORD), ("csrf", &csrf)];
    let request = TestRequest::post()
        .uri("/sign-in")
        .insert_header(("Host", "consign.test"))
        .insert_header(("Cookie", cookies.clone()))
        .set_form(form);
    let answer = test::call_service(app, request.to_request()).await;
    assert_eq!(answer.status(), 303, "{login}");
    cookies = format!("{cookies}; {}", cookies_of(&answer));
    let request = TestRequest::get().uri("/").insert_header(("Cookie", cookies.clone()));
    let home = test::call_service(app, request.to_request()).await;
    let csrf = token(std::str::from_utf8(&test::read_body(home).await).unwrap());
    Browser { cookies, csrf }
}

fn cookies_of<B>(answer: &ServiceResponse<B>) -> String {
    let all = answer.headers().get_all(SET_COOKIE);
    all.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap().to_string())
        .collect::<Vec<_>>()
        .join("; ")
}

/// The path with each part in braces replaced, one at a time.
fn with_hostile_parts(path: &str, value: &str) -> Vec<String> {
    let parts: Vec<&str> =
        path.split('{').skip(1).map(|part| part.split('}').next().unwrap()).collect();
    let fill = |hostile: &str| {
        parts.iter().fold(path.to_string(), |filled, part| {
            let known = match *part {
                "statement_no" => "CFC-000001",
                "account_no" => "L001",
                "assignee" => "A01",
                "reference" => "CFC-000001",
                _ => "1",
            };
            filled.replace(&format!("{{{part}}}"), if *part == hostile { value } else { known })
        })
    };
    parts.iter().map(|part| fill(part)).collect()
}

#[test]
fn no_value_anywhere_is_a_failure_of_ours() {
    on_each_database(|one| {
        let folder = tempfile::tempdir().unwrap();
        book(&one.address, folder.path());
        let site = Site::open(&one.address).unwrap().with_key(Key::of("a secret of the tests"));
        let asked = actix_web::rt::System::new().block_on(async {
            let app = test::init_service(application(site)).await;
            ask_everything(&app).await
        });
        assert!(
            asked > 3_000,
            "only {asked} requests were made: the parameters are not found any more"
        );
        one.lender = "CFC".to_string();
        one.assert_proven();
    });
}

async fn ask_everything<S, B>(app: &S) -> usize
where
    S: Service<actix_http::Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: actix_web::body::MessageBody,
{
    let mut browsers = BTreeMap::new();
    for login in ["manager@cfc", "preparer@cfc", "compliance@cfc"] {
        browsers.insert(login, signed_in(app, login).await);
    }
    let (mut asked, mut failed) = (0, Vec::new());
    let mut requests: Vec<(&Browser, String, Option<String>)> = Vec::new();
    for route in ROUTES.iter().filter(|route| route.asked == Asked::Get) {
        let browser = &browsers[login_for(route.seen)];
        let plain = with_hostile_parts(route.path, "1").pop().unwrap_or(route.path.to_string());
        for value in HOSTILE {
            for path in with_hostile_parts(route.path, value) {
                requests.push((browser, path, None));
            }
            for name in parameters(route.path) {
                requests.push((browser, format!("{plain}?{name}={value}"), None));
            }
        }
    }
    let forms = ROUTES.iter().filter(|route| route.asked == Asked::Post).map(|route| route.path);
    for path in forms.filter(|path| *path != "/sign-out" && !path.ends_with("/send")) {
        let login = if path.starts_with("/complaints") { "compliance@cfc" } else { "manager@cfc" };
        let browser = &browsers[login];
        let names = parameters(path);
        let plain = with_hostile_parts(path, "1").pop().unwrap_or(path.to_string());
        for value in HOSTILE {
            for hostile in names.iter().map(Some).chain([None]) {
                let fields: Vec<String> = names
                    .iter()
                    .map(|name| (name, if Some(name) == hostile { value } else { sane(name) }))
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                let body = format!("{}&csrf={}", fields.join("&"), browser.csrf);
                requests.push((browser, plain.clone(), Some(body)));
            }
            for path in with_hostile_parts(path, value) {
                requests.push((browser, path, Some(format!("csrf={}", browser.csrf))));
            }
        }
    }
    for (browser, uri, body) in requests {
        let Ok(parsed) = uri.parse::<actix_web::http::Uri>() else { continue };
        let request = match &body {
            None => TestRequest::get().uri(&parsed.to_string()),
            Some(body) => TestRequest::post()
                .uri(&parsed.to_string())
                .insert_header(("Content-Type", "application/x-www-form-urlencoded"))
                .set_payload(body.clone()),
        };
        let request = request
            .insert_header(("Host", "consign.test"))
            .insert_header(("Cookie", browser.cookies.clone()));
        let answer = test::call_service(app, request.to_request()).await;
        asked += 1;
        if answer.status().is_server_error() {
            failed.push(format!("{} {uri} {}", answer.status(), body.unwrap_or_default()));
        }
    }
    assert!(failed.is_empty(), "{} of {asked}:\n{}", failed.len(), failed.join("\n"));
    asked
}

#[test]
fn a_long_chinese_name_and_a_nul_in_a_file_are_taken_for_what_they_are() {
    on_each_database(|one| {
        let folder = tempfile::tempdir().unwrap();
        book(&one.address, folder.path());
        let holder =
            "SELECT assignee AS text FROM placement WHERE lender = 'CFC' AND account_no = 'L001'";
        let holder = one.texts(holder).remove(0);
        let site = Site::open(&one.address).unwrap().with_key(Key::of("a secret of the tests"));
        actix_web::rt::System::new().block_on(async {
            let app = test::init_service(application(site)).await;
            let browser = signed_in(&app, "compliance@cfc").await;
            let name = format!("{}.csv", "催收记录".repeat(25));
            let rows = "reference,account_no,at\nh1,L001,2026-03-05 10:30\n";
            let row_with_nul = format!("{rows}h2,L0\u{0}01,2026-03-05 11:30\n");
            for (agency, rows, status, said) in [
                (holder.as_str(), row_with_nul.as_str(), 200, "class=\"fault\" role=\"alert\">催收记录"),
                (holder.as_str(), rows, 200, "Taken in"),
                ("A\u{0}01", rows, 400, "NUL"),
            ] {
                let body = format!(
                    "--b\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{}\r\n\
                     --b\r\nContent-Disposition: form-data; name=\"agency\"\r\n\r\n{agency}\r\n\
                     --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n{rows}\r\n--b--\r\n",
                    browser.csrf
                );
                let request = TestRequest::post()
                    .uri("/contacts/send")
                    .insert_header(("Host", "consign.test"))
                    .insert_header(("Cookie", browser.cookies.clone()))
                    .insert_header(("Content-Type", "multipart/form-data; boundary=b"))
                    .set_payload(body);
                let mut answer = test::call_service(&app, request.to_request()).await;
                if let Some(job) = answer.headers().get("Location") {
                    let job = TestRequest::get()
                        .uri(job.to_str().unwrap())
                        .insert_header(("Cookie", browser.cookies.clone()));
                    answer = test::call_service(&app, job.to_request()).await;
                }
                let got = answer.status();
                let body = test::read_body(answer).await;
                let page = String::from_utf8_lossy(&body);
                assert!(got == status && page.contains(said), "{got} {page}");
            }
        });
        assert_eq!(one.count("contact WHERE reference = 'h1'"), 1);
    });
}
