//! A person's own password.

use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::identity::password::{SHORTEST, Unfit, fit};
use crate::identity::sign_in::{self as door, Attempt, SignInError};
use crate::party::Lang;
use crate::web::Site;
use crate::web::form::Posted;
use crate::web::identity::sign_in::{LONGEST, wait};
use crate::web::identity::who::Who;
use crate::web::page::Page;
use crate::web::problem::Problem;
use crate::web::visitors::address_of;

#[derive(Template)]
#[template(path = "web/password.html")]
struct PasswordBody {
    t: Lang,
    csrf: String,
    login: String,
    shortest: usize,
    longest: usize,
    fault: Option<String>,
    done: bool,
}

#[derive(Deserialize)]
pub(in crate::web) struct Shown {
    done: Option<String>,
}

#[derive(Deserialize)]
pub(in crate::web) struct PasswordForm {
    old: String,
    new: String,
    again: String,
}

fn draw(
    who: &Who,
    status: StatusCode,
    fault: Option<String>,
    done: bool,
) -> Result<HttpResponse, Problem> {
    let body = PasswordBody {
        t: who.t,
        csrf: who.session.csrf.clone(),
        login: who.person.login.clone(),
        shortest: SHORTEST,
        longest: LONGEST,
        fault,
        done,
    };
    Page::new(who, who.t.change_password()).show_as(status, &body)
}

pub(in crate::web) async fn show(
    who: Who,
    query: web::Query<Shown>,
) -> Result<HttpResponse, Problem> {
    draw(&who, StatusCode::OK, None, query.done.is_some())
}

pub(in crate::web) async fn change(
    request: HttpRequest,
    site: web::Data<Site>,
    posted: Posted<PasswordForm>,
) -> Result<HttpResponse, Problem> {
    let who = posted.who.ok_or_else(|| Problem::SignIn("/password".to_string()))?;
    let PasswordForm { old, new, again } = posted.form;
    let refused = |fault: String| draw(&who, StatusCode::UNPROCESSABLE_ENTITY, Some(fault), false);
    if old.len().max(new.len()) > LONGEST {
        return refused(format!("{} {LONGEST}", who.t.password_long()));
    }
    match fit(&who.person.login, &old, &new, &again) {
        Ok(()) => {}
        Err(Unfit::Short) => return refused(format!("{} {SHORTEST}", who.t.password_short())),
        Err(Unfit::Unlike) => return refused(who.t.password_unlike().to_string()),
        Err(Unfit::Known) => return refused(who.t.password_known().to_string()),
    }
    let attempt = Attempt {
        login: who.person.login.clone(),
        password: old,
        address: address_of(&request, &site.proxies),
        device: None,
    };
    let (session, by) = (who.session.clone(), who.by());
    let changed =
        site.door.run(move |db| door::change_password(db, &session, &attempt, &new, &by)).await?;
    match changed {
        Ok(_) => {
            Ok(HttpResponse::SeeOther().insert_header((LOCATION, "/password?done=1")).finish())
        }
        Err(SignInError::Wrong) => refused(who.t.password_wrong().to_string()),
        Err(SignInError::Wait(minutes)) => {
            draw(&who, StatusCode::TOO_MANY_REQUESTS, Some(wait(who.t, minutes)), false)
        }
        Err(error) => Err(error.into()),
    }
}
