//! What can go wrong, and the one place where it becomes a page.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, LOCATION};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, HttpResponse, ResponseError};

use super::link::Link;
use super::page::{self, Frame};
use super::who;
use crate::ambient;
use crate::db::PoolError;
use crate::identity::sign_in::SignInError;
use crate::kernel::digest;
use crate::party::Lang;
use crate::settlement::SettlementError;

/// Why a request does not get what it asks for.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// There is no such thing, or it is not this person's to know of.
    #[error("not found")]
    NotFound,
    /// Nobody is signed in; the page to come back to.
    #[error("sign in first")]
    SignIn(String),
    /// A form did not come from a page of this site.
    #[error("the form has no valid token")]
    Forged,
    /// The request says something that cannot be.
    #[error("{0}")]
    Bad(String),
    /// The database is busy.
    #[error("busy")]
    Busy,
    /// Our fault.
    #[error("{0}")]
    Ours(String),
}

impl From<diesel::result::Error> for Problem {
    fn from(error: diesel::result::Error) -> Problem {
        if crate::db::is_locked(&error) { Problem::Busy } else { Problem::Ours(error.to_string()) }
    }
}

impl From<PoolError> for Problem {
    fn from(error: PoolError) -> Problem {
        match error {
            PoolError::Busy => Problem::Busy,
            PoolError::Cancelled => Problem::Ours(error.to_string()),
        }
    }
}

impl From<SettlementError> for Problem {
    fn from(error: SettlementError) -> Problem {
        match error {
            SettlementError::NoStatementNo(_)
            | SettlementError::NoLine(..)
            | SettlementError::NoStatement { .. } => Problem::NotFound,
            SettlementError::Db(error) => error.into(),
            other => Problem::Ours(other.to_string()),
        }
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Problem {
        match error {
            SignInError::Db(error) => error.into(),
            other => Problem::Bad(other.to_string()),
        }
    }
}

impl From<askama::Error> for Problem {
    fn from(error: askama::Error) -> Problem {
        Problem::Ours(format!("a page cannot be drawn: {error}"))
    }
}

impl From<csv::Error> for Problem {
    fn from(error: csv::Error) -> Problem {
        Problem::Ours(format!("a file cannot be written: {error}"))
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        match self {
            Problem::NotFound => StatusCode::NOT_FOUND,
            Problem::SignIn(_) => StatusCode::SEE_OTHER,
            Problem::Forged => StatusCode::FORBIDDEN,
            Problem::Bad(_) => StatusCode::BAD_REQUEST,
            Problem::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Problem::Ours(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Without a body: [`pages`] draws the page, because only there the request is at hand.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

/// What a page of a problem says: a title and what to do.
struct Told {
    title: &'static str,
    message: String,
}

fn told(t: Lang, status: StatusCode, problem: Option<&Problem>, reference: &str) -> Told {
    let plain =
        |title: &'static str, message: &'static str| Told { title, message: message.to_string() };
    match (problem, status) {
        (Some(Problem::Forged), _) => plain(t.problem_forged(), t.problem_forged_message()),
        (Some(Problem::Bad(what)), _) => Told { title: t.problem_bad(), message: what.clone() },
        (Some(Problem::Busy), _) => plain(t.problem_busy(), t.problem_busy_message()),
        (_, StatusCode::NOT_FOUND) => plain(t.problem_not_found(), t.problem_not_found_message()),
        (_, status) if status.is_client_error() => plain(t.problem_bad(), t.problem_bad_message()),
        _ => Told {
            title: t.problem_ours(),
            message: format!("{} {reference}", t.problem_ours_message()),
        },
    }
}

/// What answers a path that nothing answers.
pub async fn nothing_here() -> Result<HttpResponse, Problem> {
    Err(Problem::NotFound)
}

/// Draws the page of every answer that is a problem; a failure of ours is logged here, once, under the reference shown.
pub async fn pages<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let answer = next.call(request).await?;
    let status = answer.status();
    if answer.response().error().is_none()
        && !(status.is_client_error() && answer.headers().get(CONTENT_TYPE).is_none())
    {
        return Ok(answer.map_into_boxed_body());
    }
    let (request, response) = answer.into_parts();
    let problem = response.error().and_then(|error| error.as_error::<Problem>());
    if let Some(Problem::SignIn(come_back)) = problem {
        let to = Link::to("/sign-in").with("next", come_back).url();
        let answer = HttpResponse::SeeOther().insert_header((LOCATION, to)).finish();
        return Ok(ServiceResponse::new(request, answer));
    }
    let reference = digest::hex(&ambient::random_bytes::<4>());
    if status.is_server_error() {
        let why = response.error().map(ToString::to_string).unwrap_or_default();
        eprintln!(
            "consign: {} reference {reference}: {} {}: {why}",
            ambient::now(),
            request.method(),
            request.path()
        );
    }
    if !status.is_server_error()
        && let Ok(Some(who)) = who::find(&request).await
    {
        request.extensions_mut().insert(who);
    }
    let frame = Frame::of(&request);
    let told = told(frame.t, status, problem, &reference);
    let drawn = page::problem(frame, status, told.title, &told.message);
    Ok(ServiceResponse::new(request, drawn.unwrap_or_else(|_| HttpResponse::new(status))))
}
