//! The web application: HTTP in front of the same verbs and stores as the command line.
//!
//! [`routes`] is the whole URL table. A handler's signature says who may call it ([`identity::who::Sees`]), its body asks the
//! stores on a blocking thread ([`Site::read`]), and hands a template to [`page::Page`]. Whatever goes wrong is a
//! [`problem::Problem`] and becomes a page in one place; whatever is posted passes [`form::Posted`].

mod allocation;
mod chart;
mod conduct;
mod form;
mod home;
mod identity;
mod ledger;
mod link;
mod list;
mod once;
mod pace;
mod page;
mod performance;
mod placement;
mod portfolio;
mod problem;
mod recovery;
mod routes;
mod server;
mod settlement;
mod sheet;
mod static_files;
mod table;
mod trace;
mod visitors;
mod wire;
mod work;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Compress, DefaultHeaders, from_fn};
use actix_web::{App, web};
use chrono::NaiveDate;
use tokio::sync::Semaphore;

use crate::db::{Address, Db, Pool, read};
use crate::identity::sign_in;
use crate::identity::store::SessionRow;
use crate::kernel::calendar::Today;
use crate::portfolio::personal::Key;
use crate::work::Works;
use crate::{ambient, config};
use problem::{Bad, Problem};
pub use routes::{Asked, ROUTES, Route, Seen};
pub use server::serve;
pub use visitors::Bounds;

/// Connections for pages.
const PAGES_AT_ONCE: u32 = 8;
/// Sign-ins at once: each holds a core for 50 ms by design, so a flood of them must not take pages' connections.
const SIGN_INS_AT_ONCE: u32 = 2;
/// Files that are taken in at once, 64 MiB each at most.
const UPLOADS_AT_ONCE: usize = 8;
/// The largest form.
const LARGEST_FORM: usize = 64 * 1024;

/// What every handler has at hand.
#[derive(Clone)]
pub struct Site {
    pool: Pool,
    door: Pool,
    touching: Arc<AtomicBool>,
    key: Option<Key>,
    secure: bool,
    proxies: Vec<IpAddr>,
    day: Option<NaiveDate>,
    uploads: Arc<Semaphore>,
    works: Works,
    address: Address,
    one_writer: bool,
    boards: performance::scorecard::Boards,
    counts: home::Counts,
}

impl Site {
    /// Opens the connections; the tables must be up to date.
    pub fn open(address: &Address) -> Result<Site, String> {
        let pool = |size| Pool::open(address.clone(), size).map_err(|error| error.to_string());
        Ok(Site {
            pool: pool(PAGES_AT_ONCE)?,
            door: pool(SIGN_INS_AT_ONCE)?,
            touching: Arc::default(),
            key: Key::load(address, config::key().as_deref())?,
            secure: config::behind_https(),
            proxies: config::proxies()?,
            day: None,
            uploads: Arc::new(Semaphore::new(UPLOADS_AT_ONCE)),
            works: Works::default(),
            address: address.clone(),
            one_writer: address.has_one_writer(),
            boards: performance::scorecard::Boards::default(),
            counts: home::Counts::default(),
        })
    }

    /// The same site with another key for personal data.
    pub fn with_key(self, key: Key) -> Site {
        Site { key: Some(key), ..self }
    }

    /// The same site behind proxies.
    pub fn behind(self, proxies: Vec<IpAddr>) -> Site {
        Site { proxies, ..self }
    }

    /// The same site on a day that stands for today.
    pub fn on_day(self, day: NaiveDate) -> Site {
        Site { day: Some(day), ..self }
    }

    /// What day it is to whoever asks now.
    fn today(&self) -> Today {
        self.day.map_or_else(ambient::today, Today::Everywhere)
    }

    /// Asks the stores on one snapshot of the database, away from the threads that answer.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Db) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        self.pool.run(move |db| read(db, work)).await?
    }

    /// Runs a verb, which opens its own transaction.
    async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Db) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        self.pool.run(work).await?
    }

    /// Writes down that a session is used, when that is due. Nobody waits for it: while a book is being written it would
    /// take long, and the next request asks again.
    fn touch(&self, session: &SessionRow) {
        if !sign_in::is_due(session) || self.touching.swap(true, Ordering::AcqRel) {
            return;
        }
        let (site, session) = (self.clone(), session.clone());
        actix_web::rt::spawn(async move {
            let done = site.door.run(move |db| sign_in::touch(db, &session)).await;
            if let Ok(Err(error)) = done {
                eprintln!("consign: the use of a session could not be written down: {error}");
            }
            site.touching.store(false, Ordering::Release);
        });
    }
}

/// The application without a server around it, for the server and for tests. Its workers begin to carry out jobs.
pub fn application(
    site: Site,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    site.works.begin(&site.address, site.key.as_ref(), site.day);
    let secure = site.secure;
    App::new()
        .app_data(web::Data::new(site))
        .app_data(web::PayloadConfig::new(LARGEST_FORM))
        .app_data(work::send::limits())
        .app_data(
            web::QueryConfig::default().error_handler(|error, _| {
                Problem::from(Bad::NotUnderstood(error.to_string())).into()
            }),
        )
        .app_data(web::PathConfig::default().error_handler(|_, _| Problem::NotFound.into()))
        .configure(routes::configure)
        .default_service(web::to(problem::nothing_here))
        .wrap(from_fn(server::sane::<BoxBody>))
        .wrap(from_fn(problem::pages::<_>))
        .wrap(Compress::default())
        .wrap(security_headers(secure))
        .wrap(from_fn(server::timed::<_>))
        .wrap(from_fn(trace::request))
}

/// What every answer tells the browser; a page that needs less strictness says so itself.
fn security_headers(secure: bool) -> DefaultHeaders {
    let headers = DefaultHeaders::new()
        .add(("Content-Security-Policy", page::POLICY))
        .add(("X-Content-Type-Options", "nosniff"))
        .add(("Referrer-Policy", "same-origin"))
        .add(("Cache-Control", "no-store"));
    if secure { headers.add(("Strict-Transport-Security", "max-age=31536000")) } else { headers }
}
