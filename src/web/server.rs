//! The server around the application: who is let in, how long a client may take, and what a refusal costs.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_http::HttpService;
use actix_http::error::DispatchError;
use actix_service::{ServiceFactoryExt as _, fn_service, map_config};
use actix_web::HttpMessage as _;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{AppConfig, Server, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::middleware::Next;
use actix_web::rt::net::TcpStream;
use actix_web::web::Data;
use tokio::io::AsyncWriteExt as _;

use crate::config;
use crate::db::Address;
use crate::web::LARGEST_FORM;
use crate::web::Site;
use crate::web::application;
use crate::web::pace::paced;
use crate::web::problem::Problem;
use crate::web::trace;
use crate::web::visitors::{Bounds, Visitors};
use crate::web::wire::{FOR_A_HEAD, Turn, Wire};
use crate::web::work::send::LARGEST_FILE;
use crate::words::TOO_MANY_CONNECTIONS;

/// Refused connections that are told why at once; more are closed without a word.
const TOLD_AT_ONCE: usize = 64;
/// How long a server that stops waits for its jobs to be given back, for the next one to take up.
const TO_GIVE_BACK: Duration = Duration::from_secs(5);
/// Files, sockets to the database and the program's own: what connections must leave over.
const FILES_OF_OUR_OWN: u64 = 128;
/// Serves the application until it is stopped.
pub fn serve(address: &Address, listen: &str, mut bounds: Bounds) -> Result<(), String> {
    trace::start(config::log_level().as_deref())?;
    let site = Site::open(address)?;
    bounds.proxies.clone_from(&site.proxies);
    bounds.in_all = bounds.in_all.min(files_for_connections());
    let visitors = Visitors::new(bounds);
    let cannot = |error: std::io::Error| {
        format!("cannot listen on {listen}: {error}; choose another address with --listen")
    };
    let works = site.works.clone();
    let served = actix_web::rt::System::new().block_on(async move {
        let mut builder = Server::build();
        let draining = builder.graceful_shutdown_signal();
        for listener in listeners(listen).map_err(cannot)? {
            let at = listener.local_addr().map_err(cannot)?;
            let (site, visitors, draining) = (site.clone(), visitors.clone(), draining.clone());
            let name = format!("consign-{at}");
            builder = builder
                .max_concurrent_connections(usize::MAX >> 1)
                .listen(name, listener, move || {
                    let draining = draining.clone();
                    let visitors = visitors.clone();
                    let told = Arc::new(AtomicUsize::new(0));
                    let http = HttpService::build()
                        .client_request_timeout(FOR_A_HEAD)
                        .local_addr(at)
                        .graceful_shutdown_signal(move || {
                            let draining = draining.clone();
                            async move { draining.notified().await }
                        })
                        .on_connect_ext(|wire: &Wire, data| drop(data.insert(wire.turn())))
                        .h1(map_config(application(site.clone()), |()| AppConfig::default()));
                    fn_service(move |io: TcpStream| greet(io, visitors.clone(), told.clone()))
                        .and_then(http)
                })
                .map_err(cannot)?;
            eprintln!("consign: listening on http://{at}");
        }
        builder.run().await.map_err(|error| error.to_string())
    });
    works.stop(TO_GIVE_BACK);
    served
}

/// Listens on every address a name stands for, as far as they are free.
fn listeners(listen: &str) -> std::io::Result<Vec<TcpListener>> {
    let (mut open, mut last) = (Vec::new(), None);
    for address in listen.to_socket_addrs()? {
        match TcpListener::bind(address) {
            Ok(listener) => {
                rustix::net::listen(&listener, 1024)?;
                open.push(listener);
            }
            Err(error) => last = Some(error),
        }
    }
    match last {
        Some(error) if open.is_empty() => Err(error),
        _ => Ok(open),
    }
}

/// How many connections the system lets this program have; asks for as many as it may ask for.
fn files_for_connections() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    let files = if raised.is_ok() { limit.maximum } else { limit.current };
    let left = files.map_or(u64::MAX, |files| files.saturating_sub(FILES_OF_OUR_OWN));
    usize::try_from(left).unwrap_or(usize::MAX).max(1)
}

/// Lets a connection in, or refuses it before anything is read.
async fn greet(
    io: TcpStream,
    visitors: Visitors,
    told: Arc<AtomicUsize>,
) -> Result<(Wire, Option<SocketAddr>), DispatchError> {
    let peer = io.peer_addr().map_err(DispatchError::Io)?;
    if let Some(visit) = visitors.admit(peer.ip()) {
        return Ok((Wire::new(io, visit), Some(peer)));
    }
    if told.fetch_add(1, Ordering::Relaxed) < TOLD_AT_ONCE {
        refuse(io).await;
    }
    told.fetch_sub(1, Ordering::Relaxed);
    Err(DispatchError::DisconnectTimeout)
}

/// Tells a client that there are too many connections. What it has sent is taken first: a connection closed on
/// something unread is reset, and the answer lost with it.
async fn refuse(mut io: TcpStream) {
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 10\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\r\n{TOO_MANY_CONNECTIONS}",
        TOO_MANY_CONNECTIONS.len()
    );
    let told = tokio::time::timeout(Duration::from_millis(200), async {
        io.readable().await?;
        let mut unread = [0_u8; 4096];
        let taken = io.try_read(&mut unread);
        drop(taken);
        io.write_all(answer.as_bytes()).await?;
        io.shutdown().await
    });
    drop(told.await);
}

/// Keeps the time of a request: nothing is expected of the client while it is answered but its body, at a pace.
/// HEAD is answered like GET; the connection leaves the body out.
pub async fn timed<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let turn = request.conn_data::<Turn>().cloned();
    turn.iter().for_each(Turn::ours);
    let body = request.take_payload();
    request.set_payload(paced(body));
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    let answer = next.call(request).await;
    turn.iter().for_each(Turn::theirs);
    answer
}

/// Refuses what cannot be right whatever it asks for: a NUL in the address, which no name has and no database takes, and
/// a file that says of itself that it is too large. So many files are taken in at once; each lies on the disk meanwhile.
pub async fn sane<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    if let Some(problem) = refusal(&request) {
        return Ok(request.error_response(problem).map_into_right_body());
    }
    let site = request.app_data::<Data<Site>>().filter(|_| sends_file(&request));
    let place = site.map(|site| site.uploads.clone().try_acquire_owned());
    if let Some(Err(_)) = place {
        return Ok(request.error_response(Problem::Busy).map_into_right_body());
    }
    let answer = next.call(request).await;
    drop(place);
    answer.map(ServiceResponse::map_into_left_body)
}

fn sends_file(request: &ServiceRequest) -> bool {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("multipart/"))
}

fn refusal(request: &ServiceRequest) -> Option<Problem> {
    let uri = request.uri();
    if has_nul(uri.path()) {
        return Some(Problem::NotFound);
    }
    if uri.query().is_some_and(has_nul) {
        return Some(Problem::Nul);
    }
    let said = request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse::<usize>().ok()?;
    (said > LARGEST_FILE + LARGEST_FORM).then_some(Problem::TooLarge)
}

/// Whether encoded text has a NUL; what is encoded twice is not decoded twice.
pub fn has_nul(encoded: &str) -> bool {
    encoded.contains("%00") || encoded.contains('\0')
}
