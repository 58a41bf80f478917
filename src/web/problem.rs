//! What can go wrong, and the one place where it becomes a page.

use std::future::{Future as _, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use actix_multipart::MultipartError;
use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, HeaderValue, LOCATION};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, ResponseError};

use crate::conduct::ConductError;
use crate::db::{PoolError, Trouble, TroubleKind};
use crate::identity::sign_in::SignInError;
use crate::kernel::document::DocumentFault;
use crate::party::Lang;
use crate::placement::PlacementError;
use crate::settlement::SettlementError;
use crate::web::identity::who;
use crate::web::link::Link;
use crate::web::page::{self, Frame};
use crate::web::{routes, trace};

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
    #[error(transparent)]
    Bad(#[from] Bad),
    /// A text has a NUL, which no name has and no database keeps.
    #[error("a NUL in what was sent")]
    Nul,
    /// The path takes other kinds of requests: these.
    #[error("the method is not allowed")]
    Method(&'static str),
    /// More was sent than is taken.
    #[error("too large")]
    TooLarge,
    /// It came too slowly.
    #[error("too slow")]
    TooSlow,
    /// It broke off.
    #[error("cut off")]
    CutOff,
    /// A form with a file that is none: how it is said where it was found.
    #[error("{0}")]
    Upload(String),
    /// Too many requests wait already.
    #[error("busy")]
    Busy,
    /// The database or the disk does not do what it is asked.
    #[error("{kind:?}: {detail}", kind = .0.kind, detail = .0.detail)]
    Trouble(Trouble),
    /// Our fault.
    #[error("{0}")]
    Ours(String),
}

/// What of a request cannot be.
#[derive(Debug, thiserror::Error)]
pub enum Bad {
    /// No day.
    #[error("\"{0}\" is no day")]
    Day(String),
    /// No month.
    #[error("\"{0}\" is no month")]
    Month(String),
    /// No bucket of the lender.
    #[error("\"{0}\" is no bucket")]
    Bucket(String),
    /// A stored strategy that cannot be read any more.
    #[error("{0}")]
    Strategy(DocumentFault),
    /// What conduct refuses.
    #[error(transparent)]
    Conduct(Box<ConductError>),
    /// Fields that are not understood: how it is said where it was found, for the log alone.
    #[error("{0}")]
    NotUnderstood(String),
}

impl Bad {
    fn words(&self, t: Lang) -> String {
        match self {
            Bad::Day(text) => format!("{} {text}", t.problem_day()),
            Bad::Month(text) => format!("{} {text}", t.problem_month()),
            Bad::Bucket(text) => format!("{}: {text}", t.no_such_bucket()),
            Bad::Strategy(fault) => fault.words(t),
            Bad::Conduct(error) => error.words(t),
            Bad::NotUnderstood(_) => t.problem_bad_message().to_string(),
        }
    }
}

impl From<diesel::result::Error> for Problem {
    fn from(error: diesel::result::Error) -> Problem {
        let trouble = Trouble::of(&error);
        match trouble.kind {
            TroubleKind::Nul => Problem::Nul,
            TroubleKind::Other => Problem::Ours(trouble.detail),
            _ => Problem::Trouble(trouble),
        }
    }
}

impl From<PoolError> for Problem {
    fn from(error: PoolError) -> Problem {
        match error {
            PoolError::Busy => Problem::Busy,
            PoolError::Gone(trouble) => Problem::Trouble(trouble),
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

impl From<PlacementError> for Problem {
    fn from(error: PlacementError) -> Problem {
        match error {
            PlacementError::Db(error) => error.into(),
            other => Problem::Ours(other.to_string()),
        }
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Problem {
        match error {
            SignInError::Db(error) => error.into(),
            other => Bad::NotUnderstood(other.to_string()).into(),
        }
    }
}

impl Problem {
    /// Why a body was not read.
    pub fn of_body(error: actix_web::Error) -> Problem {
        match error.as_error::<PayloadError>() {
            Some(error) => Problem::of_payload(error),
            None => Bad::NotUnderstood(error.to_string()).into(),
        }
    }

    fn of_payload(error: &PayloadError) -> Problem {
        match error {
            PayloadError::Overflow => Problem::TooLarge,
            PayloadError::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => {
                Problem::TooSlow
            }
            _ => Problem::CutOff,
        }
    }
}

impl From<MultipartError> for Problem {
    fn from(error: MultipartError) -> Problem {
        match &error {
            MultipartError::Payload(error) => Problem::of_payload(error),
            MultipartError::Incomplete => Problem::CutOff,
            MultipartError::Field { source, .. } => match source.as_error::<PayloadError>() {
                Some(error) => Problem::of_payload(error),
                None if source.as_response_error().status_code().is_server_error() => {
                    Problem::Ours(format!("a file that was sent cannot be kept: {source}"))
                }
                None => Problem::Upload(error.to_string()),
            },
            _ => Problem::Upload(error.to_string()),
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
            Problem::Bad(_) | Problem::Nul | Problem::CutOff | Problem::Upload(_) => {
                StatusCode::BAD_REQUEST
            }
            Problem::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Problem::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Problem::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Problem::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Problem::Trouble(trouble) => match trouble.kind {
                TroubleKind::Locked | TroubleKind::Gone => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::INTERNAL_SERVER_ERROR,
            },
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
        (Some(Problem::Nul), _) => plain(t.problem_nul(), t.trouble_nul()),
        (Some(Problem::TooLarge), _) | (_, StatusCode::PAYLOAD_TOO_LARGE) => {
            plain(t.problem_too_large(), t.problem_too_large_form())
        }
        (Some(Problem::TooSlow), _) => plain(t.problem_too_slow(), t.problem_too_slow_message()),
        (Some(Problem::CutOff), _) => plain(t.problem_cut_off(), t.problem_cut_off_message()),
        (Some(Problem::Upload(_)), _) => plain(t.problem_bad(), t.problem_upload()),
        (_, StatusCode::METHOD_NOT_ALLOWED) => {
            plain(t.problem_method(), t.problem_method_message())
        }
        (Some(Problem::Trouble(trouble)), _) => Told {
            title: t.problem_database(),
            message: format!("{} {} {reference}", trouble.told(t), t.problem_reference()),
        },
        (Some(Problem::Bad(bad)), _) => Told { title: t.problem_bad(), message: bad.words(t) },
        (Some(Problem::Busy), _) => plain(t.problem_busy(), t.problem_busy_message()),
        (_, StatusCode::NOT_FOUND) => plain(t.problem_not_found(), t.problem_not_found_message()),
        (_, status) if status.is_client_error() => plain(t.problem_bad(), t.problem_bad_message()),
        _ => Told {
            title: t.problem_ours(),
            message: format!("{} {reference}", t.problem_ours_message()),
        },
    }
}

/// What answers a path that nothing answers, or not in this way.
pub async fn nothing_here(request: HttpRequest) -> Result<HttpResponse, Problem> {
    Err(routes::methods_of(request.path()).map_or(Problem::NotFound, Problem::Method))
}

/// Around each handler: one that panics is a failure of ours like any other, and the connection lives on.
pub async fn caught<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let asked = request.request().clone();
    let mut answering = pin!(async move { next.call(request).await });
    let answered = poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| answering.as_mut().poll(context)));
        polled.map_or_else(|panic| Poll::Ready(Err(panic)), |polled| polled.map(Ok))
    });
    match answered.await {
        Ok(answer) => answer.map(ServiceResponse::map_into_left_body),
        Err(panic) => {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("panicked");
            let problem = Problem::Ours(format!("the handler panicked: {said}"));
            Ok(ServiceResponse::from_err(problem, asked).map_into_right_body())
        }
    }
}

/// Draws the page of every answer that is a problem; a failure of ours is written down here, once, under
/// the id of the request, which the page shows.
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
    let reference = trace::id(&request);
    if status.is_server_error() {
        let why = response.error().map(ToString::to_string).unwrap_or_default();
        tracing::error!(why, "failed");
    }
    let known = [StatusCode::BAD_REQUEST, StatusCode::FORBIDDEN, StatusCode::NOT_FOUND];
    if known.contains(&status)
        && let Ok(Some(who)) = who::find(&request).await
    {
        request.extensions_mut().insert(who);
    }
    let frame = Frame::of(&request);
    let told = told(frame.t, status, problem, &reference);
    let drawn = page::problem(frame, status, told.title, &told.message);
    let mut answer = drawn.unwrap_or_else(|_| HttpResponse::new(status));
    if let Some(Problem::Method(allowed)) = problem {
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    }
    Ok(ServiceResponse::new(request, answer))
}

#[cfg(test)]
mod tests {
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, call_service, init_service, read_body};
    use actix_web::{App, web};

    use super::*;

    async fn broken() -> HttpResponse {
        panic!("the secret of line 42")
    }

    #[test]
    fn a_panic_is_a_page_with_a_reference_and_no_trace() {
        actix_web::rt::System::new().block_on(async {
            let resource =
                web::resource("/broken").wrap(from_fn(caught::<_>)).route(web::get().to(broken));
            let app = init_service(App::new().service(resource).wrap(from_fn(pages::<_>)));
            let app = app.await;
            for (language, words) in [("en", "Nothing was changed."), ("zh", "未作任何更改")]
            {
                let request =
                    TestRequest::get().uri("/broken").insert_header(("Accept-Language", language));
                let answer = call_service(&app, request.to_request()).await;
                assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
                let body = read_body(answer).await;
                let page = String::from_utf8_lossy(&body);
                assert!(page.contains(words) && !page.contains("secret"), "{page}");
            }
        });
    }
}
