//! Forms: every POST carries the token of its session (of its browser, before there is a session) and comes from a
//! page of this site.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::{HOST, ORIGIN};
use actix_web::{FromRequest, HttpRequest, web};
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq as _;

use crate::web::identity::who::{self, Who};
use crate::web::problem::{Bad, Problem};
use crate::web::server::has_nul;

/// The cookie that carries the token of forms shown to people who are not signed in.
pub const FORM: &str = "consign_form";

/// A form that passed the checks.
pub struct Posted<T> {
    /// What was typed.
    pub form: T,
    /// Who sent it, when somebody is signed in.
    pub who: Option<Who>,
}

#[derive(serde::Deserialize)]
struct Token {
    csrf: Option<String>,
}

impl<T: DeserializeOwned + 'static> FromRequest for Posted<T> {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Self::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let body = String::from_request(&request, payload);
        Box::pin(async move {
            let body = body.await.map_err(Problem::of_body)?;
            if has_nul(&body) {
                return Err(Problem::Nul.into());
            }
            let who = who::find(&request).await?;
            let expected = match &who {
                Some(who) => Some(who.session.csrf.clone()),
                None => request
                    .cookie(FORM)
                    .map(|cookie| cookie.value().to_string())
                    .filter(|token| !token.is_empty()),
            };
            let given = web::Query::<Token>::from_query(&body)
                .ok()
                .and_then(|token| token.into_inner().csrf);
            check(&request, expected.as_deref(), given.as_deref())?;
            let form = web::Query::<T>::from_query(&body)
                .map_err(|error| Problem::from(Bad::NotUnderstood(error.to_string())))?;
            Ok(Posted { form: form.into_inner(), who })
        })
    }
}

/// Refuses a form that another site sent, or that carries another token than its session's.
pub fn check(
    request: &HttpRequest,
    expected: Option<&str>,
    given: Option<&str>,
) -> Result<(), Problem> {
    // The time it takes says nothing about the token.
    let same = expected
        .zip(given)
        .is_some_and(|(expected, given)| expected.as_bytes().ct_eq(given.as_bytes()).into());
    if same && from_this_site(request) { Ok(()) } else { Err(Problem::Forged) }
}

/// Whether the browser says that a page of this site sent the form; browsers that say nothing are left to the token.
fn from_this_site(request: &HttpRequest) -> bool {
    let header = |name: &str| {
        request.headers().get(name).map(|value| value.to_str().unwrap_or("?").to_string())
    };
    if header("Sec-Fetch-Site").is_some_and(|site| site != "same-origin" && site != "none") {
        return false;
    }
    let host = header(HOST.as_str()).unwrap_or_default();
    header(ORIGIN.as_str())
        .is_none_or(|origin| origin.split_once("://").is_some_and(|(_, of)| of == host))
}
