//! Signing in and out, and choosing the language.

use actix_web::cookie::time::Duration;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, LOCATION, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::db::write;
use crate::identity::sign_in::{self as door, Attempt, DEVICE_DAYS, SignInError};
use crate::identity::store;
use crate::party::Lang;
use crate::web::Site;
use crate::web::form::Posted;
use crate::web::identity::who::{self, DEVICE, LANGUAGE, SESSION};
use crate::web::link::is_local;
use crate::web::page::{Frame, Page, cookie};
use crate::web::problem::Problem;
use crate::web::visitors::address_of;

/// The longest login or password that is looked at.
pub(super) const LONGEST: usize = 400;

#[derive(Template)]
#[template(path = "web/sign_in.html")]
struct SignInBody {
    t: Lang,
    csrf: String,
    login: String,
    next: String,
    fault: Option<String>,
}

#[derive(Deserialize)]
pub(in crate::web) struct Next {
    next: Option<String>,
}

#[derive(Deserialize)]
pub(in crate::web) struct SignInForm {
    login: String,
    password: String,
    #[serde(default)]
    next: String,
}

fn draw(
    request: &HttpRequest,
    status: StatusCode,
    login: String,
    next: String,
    fault: Option<SignInError>,
) -> Result<HttpResponse, Problem> {
    let frame = Frame::of(request);
    let t = frame.t;
    let fault = match fault {
        None => None,
        Some(SignInError::Wrong) => Some(t.sign_in_wrong().to_string()),
        Some(SignInError::Wait(minutes)) => Some(wait(t, minutes)),
        Some(error) => return Err(error.into()),
    };
    let body = SignInBody { t, csrf: frame.csrf().to_string(), login, next, fault };
    Page::framed(frame, t.sign_in()).show_as(status, &body)
}

pub(in crate::web) async fn show(
    request: HttpRequest,
    query: web::Query<Next>,
) -> Result<HttpResponse, Problem> {
    if who::find(&request).await?.is_some() {
        return Ok(to("/"));
    }
    draw(&request, StatusCode::OK, String::new(), query.into_inner().next.unwrap_or_default(), None)
}

/// That somebody has to wait before the next try.
pub(super) fn wait(t: Lang, minutes: i64) -> String {
    format!("{} {minutes}", t.sign_in_wait())
}

fn to(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, path.to_string())).finish()
}

pub(in crate::web) async fn sign_in(
    request: HttpRequest,
    site: web::Data<Site>,
    posted: Posted<SignInForm>,
) -> Result<HttpResponse, Problem> {
    let SignInForm { login, password, next } = posted.form;
    let login = login.trim().to_string();
    if login.len() > LONGEST || password.len() > LONGEST {
        return draw(
            &request,
            StatusCode::UNAUTHORIZED,
            String::new(),
            next,
            Some(SignInError::Wrong),
        );
    }
    let attempt = Attempt {
        login: login.clone(),
        password,
        address: address_of(&request, &site.proxies),
        device: request.cookie(DEVICE).map(|cookie| cookie.value().to_string()),
    };
    match site.door.run(move |db| door::sign_in(db, &attempt)).await? {
        Ok(tokens) => {
            let mut answer = to(if is_local(&next) { &next } else { "/" });
            let mut device = cookie(DEVICE, tokens.device, site.secure);
            device.set_max_age(Duration::days(DEVICE_DAYS));
            for cookie in [cookie(SESSION, tokens.session, site.secure), device] {
                let added = answer.add_cookie(&cookie);
                added.map_err(|error| Problem::Ours(error.to_string()))?;
            }
            Ok(answer)
        }
        Err(SignInError::Wait(minutes)) => {
            let fault = Some(SignInError::Wait(minutes));
            let mut answer = draw(&request, StatusCode::TOO_MANY_REQUESTS, login, next, fault)?;
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(minutes * 60));
            Ok(answer)
        }
        Err(error) => draw(&request, StatusCode::UNAUTHORIZED, login, next, Some(error)),
    }
}

#[derive(Deserialize)]
pub(in crate::web) struct Nothing {}

pub(in crate::web) async fn sign_out(
    site: web::Data<Site>,
    posted: Posted<Nothing>,
) -> Result<HttpResponse, Problem> {
    if let Some(who) = posted.who {
        site.change(move |db| Ok(door::sign_out(db, &who.session)?)).await?;
    }
    let mut answer = to("/sign-in");
    let mut gone = cookie(SESSION, String::new(), site.secure);
    gone.make_removal();
    answer.add_cookie(&gone).map_err(|error| Problem::Ours(error.to_string()))?;
    Ok(answer)
}

#[derive(Deserialize)]
pub(in crate::web) struct LanguageForm {
    language: String,
    #[serde(default)]
    here: String,
}

pub(in crate::web) async fn language(
    site: web::Data<Site>,
    posted: Posted<LanguageForm>,
) -> Result<HttpResponse, Problem> {
    let code = Lang::asked(&posted.form.language).code();
    if let Some(who) = posted.who {
        site.change(move |db| {
            write(db, "", |db| Ok(store::set_language(db, &who.person.login, code)?))
        })
        .await?;
    }
    let mut answer = to(&without_language(&posted.form.here));
    answer
        .add_cookie(&cookie(LANGUAGE, code.to_string(), site.secure))
        .map_err(|error| Problem::Ours(error.to_string()))?;
    Ok(answer)
}

/// The page to come back to, without a language in its URL that would win over the choice.
fn without_language(here: &str) -> String {
    if !is_local(here) {
        return "/".to_string();
    }
    let Some((path, query)) = here.split_once('?') else { return here.to_string() };
    let kept: Vec<&str> = query.split('&').filter(|part| !part.starts_with("lang=")).collect();
    if kept.is_empty() { path.to_string() } else { format!("{path}?{}", kept.join("&")) }
}
