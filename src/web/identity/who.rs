//! Who is asking. A handler that takes [`Sees<R>`] is only called for people who may see what `R` names, with the
//! books they may see it of; a handler that takes [`Who`] for anybody signed in.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::ACCEPT_LANGUAGE;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use chrono::{DateTime, NaiveDate};

use crate::ambient;
use crate::audit::By;
use crate::db::Db;
use crate::identity::store::SessionRow;
use crate::identity::{Permission, Person, may, sign_in};
use crate::kernel::calendar::Today;
use crate::party::{self, Lang, Lender};
use crate::web::Site;
use crate::web::problem::Problem;
use crate::web::visitors::address_of;

/// The cookie that carries the session's token.
pub const SESSION: &str = "consign_session";
/// The cookie that says that a person has signed in with this browser before; it opens nothing.
pub const DEVICE: &str = "consign_device";
/// The cookie that carries the language of people who are not signed in.
pub const LANGUAGE: &str = "consign_language";

/// Somebody signed in.
#[derive(Clone)]
pub struct Who(Arc<Known>);

/// What is known of somebody signed in.
pub struct Known {
    /// The language of the page.
    pub t: Lang,
    /// The person.
    pub person: Person,
    /// The session.
    pub session: SessionRow,
    /// The books the person's organisation takes part in.
    pub books: Vec<Book>,
    /// What the organisation is called.
    pub organisation: String,
    /// The path and query asked for.
    pub here: String,
    /// From where, for the audit record.
    pub source: String,
    /// What day it was when the page was asked for.
    pub today: Today,
}

impl std::ops::Deref for Who {
    type Target = Known;
    fn deref(&self) -> &Known {
        &self.0
    }
}

/// A lender's book as a person's organisation takes part in it.
#[derive(Clone, Debug)]
pub struct Book {
    /// The lender.
    pub lender: Lender,
    /// The agency, when the organisation is one: only what is its own is seen.
    pub agency: Option<String>,
    /// What day it was when the page was asked for.
    pub today: Today,
}

impl Book {
    /// The day in the lender's time zone: for what a page shows and offers, never for what the book computes.
    pub fn today(&self) -> NaiveDate {
        self.lender.today(self.today)
    }
}

impl Book {
    /// An instant of the record in the lender's time zone, to the minute.
    pub fn moment(&self, at: &str) -> String {
        let Ok(at) = DateTime::parse_from_rfc3339(at) else { return at.to_string() };
        at.with_timezone(&self.lender.timezone).format("%Y-%m-%d %H:%M").to_string()
    }
}

impl Known {
    /// Whether one of the person's roles has a permission.
    pub fn may(&self, permission: Permission) -> bool {
        self.person.roles.iter().any(|role| may(*role, permission))
    }

    /// The books that a page shows to this person.
    pub fn books_for(&self, lender: Permission, agency: Option<Permission>) -> Vec<Book> {
        let shown = |book: &&Book| match book.agency {
            None => self.may(lender),
            Some(_) => agency.is_some_and(|permission| self.may(permission)),
        };
        self.books.iter().filter(shown).cloned().collect()
    }

    /// The person as the audit record names them.
    pub fn by(&self) -> By {
        let (actor, source) = (self.person.login.clone(), self.source.clone());
        By { actor, source, at: ambient::now(), today: self.today }
    }
}

/// The organisation's books: its own when it is a lender, and those of the lenders it serves as an agency.
fn books(db: &mut Db, organisation: &str, today: Today) -> Result<Vec<Book>, Problem> {
    let own =
        party::store::lender(db, organisation)?.map(|lender| Book { lender, agency: None, today });
    let agency = Some(organisation.to_string());
    let served = party::store::lenders_of(db, organisation)?;
    let served = served.into_iter().map(|lender| Book { lender, agency: agency.clone(), today });
    Ok(own.into_iter().chain(served).collect())
}

/// What an organisation is called: as a lender, else as the first lender it serves calls it.
fn organisation(db: &mut Db, code: &str, books: &[Book]) -> Result<String, Problem> {
    let Some(first) = books.first() else { return Ok(code.to_string()) };
    if first.agency.is_none() {
        return Ok(first.lender.name.clone());
    }
    let known = party::store::assignees(db, &first.lender.code)?
        .into_iter()
        .find(|assignee| assignee.code == code);
    Ok(known.map_or_else(|| code.to_string(), |assignee| assignee.name))
}

/// What a page shows, as permissions: of a lender's people, and of an agency's for what is its own.
pub trait Right: 'static {
    /// What a lender's person needs.
    const LENDER: Permission;
    /// What an agency's person needs; nothing means that agencies never see it.
    const AGENCY: Option<Permission> = None;
}

macro_rules! rights {
    ($($(#[$doc:meta])* $name:ident = $lender:ident, $agency:expr;)*) => {
        $($(#[$doc])* pub struct $name;
        impl Right for $name {
            const LENDER: Permission = Permission::$lender;
            const AGENCY: Option<Permission> = $agency;
        })*
    };
}

rights! {
    /// Accounts and portfolios.
    Accounts = Accounts, None;
    /// Placements.
    Placements = Accounts, Some(Permission::OwnPlacements);
    /// Steps of placements.
    Acting = ActOnPlacements, Some(Permission::ActOnOwnPlacements);
    /// Recording what has run out: a lender's people only.
    ActsOnPlacements = ActOnPlacements, None;
    /// Recoveries.
    Recoveries = Recoveries, None;
    /// Simulating and committing allocation runs.
    Allocates = Allocate, None;
    /// The scorecard; an agency sees its own row.
    Scorecards = Performance, Some(Permission::OwnPerformance);
    /// Months and statements.
    Statements = Statements, Some(Permission::OwnStatements);
    /// The ledger.
    Ledger = Ledger, None;
    /// Complaints and contacts.
    Conduct = Conduct, Some(Permission::OwnConduct);
    /// Contact records, as they are sent.
    SendsContacts = ActOnConduct, Some(Permission::SendOwnContacts);
    /// Portfolio files, as they are sent.
    TakesInPortfolios = TakeInPortfolios, None;
    /// Files of money, as they are sent.
    TakesInRecoveries = TakeInRecoveries, None;
    /// Closing months.
    ClosesMonths = CloseMonths, None;
    /// What is done about complaints.
    ActsOnConduct = ActOnConduct, None;
}

/// Somebody who may see what `R` names, and the book chosen in the URL (`?lender=`), else the first.
pub struct Sees<R> {
    /// Who.
    pub who: Who,
    /// All books of which this person may see it.
    pub books: Vec<Book>,
    /// The book asked for.
    pub book: Book,
    right: PhantomData<R>,
}

/// The book a URL chooses.
#[derive(serde::Deserialize)]
struct Chosen {
    lender: Option<String>,
}

impl<R: Right> FromRequest for Sees<R> {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Self::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let who = Who::from_request(request, payload);
        let chosen = web::Query::<Chosen>::from_query(request.query_string());
        Box::pin(async move {
            let who = who.await?;
            let books = who.books_for(R::LENDER, R::AGENCY);
            let wanted = chosen
                .ok()
                .and_then(|chosen| chosen.into_inner().lender)
                .filter(|lender| !lender.is_empty());
            let book = match &wanted {
                Some(lender) => books.iter().find(|book| book.lender.code == *lender),
                None => books.first(),
            };
            let book = book.cloned().ok_or(Problem::NotFound)?;
            Ok(Sees { who, books, book, right: PhantomData })
        })
    }
}

impl FromRequest for Who {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Self::Error>>>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let who = find(&request).await?.ok_or_else(|| Problem::SignIn(next(&request)))?;
            request.extensions_mut().insert(who.clone());
            Ok(who)
        })
    }
}

/// Where to come back to after signing in: the page asked for, when it is one.
fn next(request: &HttpRequest) -> String {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    if request.method() == Method::GET && path != "/" { path.to_string() } else { String::new() }
}

/// The person behind a request's session, when there is one.
pub async fn find(request: &HttpRequest) -> Result<Option<Who>, Problem> {
    if let Some(who) = request.extensions().get::<Who>() {
        return Ok(Some(who.clone()));
    }
    let Some(site) = request.app_data::<web::Data<Site>>().cloned() else { return Ok(None) };
    let source = address_of(request, &site.proxies)
        .map_or_else(|| "web".to_string(), |address| address.to_string());
    let Some(token) = request.cookie(SESSION).map(|cookie| cookie.value().to_string()) else {
        return Ok(None);
    };
    let today = site.today();
    let found = site
        .read(move |db| {
            let Some((person, session)) = sign_in::who(db, &token)? else { return Ok(None) };
            let books = books(db, &person.organisation, today)?;
            let organisation = organisation(db, &person.organisation, &books)?;
            Ok(Some((person, session, books, organisation)))
        })
        .await?;
    if let Some((_, session, ..)) = &found {
        site.touch(session);
    }
    Ok(found.map(|(person, session, books, organisation)| {
        Who(Arc::new(Known {
            t: language(request, person.language.map(Lang::code)),
            person,
            session,
            books,
            organisation,
            here: request.uri().path_and_query().map_or("/", |path| path.as_str()).to_string(),
            source,
            today,
        }))
    }))
}

/// A language chosen in the URL.
#[derive(serde::Deserialize)]
struct Spoken {
    lang: Option<String>,
}

/// The language of a page: the URL's, the person's, the cookie's, the browser's.
pub fn language(request: &HttpRequest, person: Option<&str>) -> Lang {
    let in_url = web::Query::<Spoken>::from_query(request.query_string())
        .ok()
        .and_then(|spoken| spoken.into_inner().lang);
    let in_cookie = || request.cookie(LANGUAGE).map(|cookie| cookie.value().to_string());
    let of_browser = || request.headers().get(ACCEPT_LANGUAGE)?.to_str().ok().map(str::to_string);
    let code = in_url.or_else(|| person.map(str::to_string)).or_else(in_cookie).or_else(of_browser);
    code.map_or(Lang::En, |code| Lang::asked(&code))
}
