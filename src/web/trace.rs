//! What a server writes down of its own work, on standard error: a line per request with its id, method, route, status
//! and milliseconds, and what failed. A line never says whom or what a request was about: the route is the pattern in
//! the table of routes, not the path asked for, and nothing is taken from queries, forms, sessions or addresses.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, HttpRequest};
use tracing::Instrument as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::ambient::{self, Stopwatch};

/// The header by which an answer names its request, as its lines in the log do.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

struct Clock;

impl FormatTime for Clock {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        writer.write_str(&ambient::now())
    }
}

/// Starts writing lines down to a level: off, error, warn, info, debug, or trace. Only what this program says itself is
/// written; libraries may know paths and values.
pub fn start(level: Option<&str>) -> Result<(), String> {
    let level: LevelFilter = level.unwrap_or("info").parse().map_err(|_| {
        "CONSIGN_LOG must be off, error, warn, info, debug or trace; nothing was started"
            .to_string()
    })?;
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_timer(Clock);
    // A second start in one process keeps the first one's lines.
    let started = tracing_subscriber::registry()
        .with(lines)
        .with(Targets::new().with_target("consign", level))
        .try_init();
    drop(started);
    Ok(())
}

#[derive(Clone)]
struct RequestId(String);

/// The id of a request: what a page of a failure shows, and what its lines in the log begin with.
pub fn id(request: &HttpRequest) -> String {
    request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default()
}

/// Gives a request its id and writes its line when it is answered.
pub async fn request<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let id = hex::encode(ambient::random_bytes::<8>());
    request.extensions_mut().insert(RequestId(id.clone()));
    let span = tracing::info_span!("request", id);
    let answered = async {
        let mut watch = Stopwatch::default();
        let method = request.method().clone();
        let mut answer = next.call(request).await?;
        let route = answer.request().match_pattern().unwrap_or_else(|| "none".to_string());
        let (status, ms) = (answer.status().as_u16(), watch.lap());
        tracing::info!(%method, route, status, ms, "answered");
        if let Ok(id) = HeaderValue::from_str(&id) {
            answer.headers_mut().insert(REQUEST_ID, id);
        }
        Ok(answer)
    };
    answered.instrument(span).await
}
