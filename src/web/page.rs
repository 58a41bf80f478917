//! The common layout around every page.

use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::StatusCode;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use askama::Template;

use crate::ambient;
use crate::identity::Permission;
use crate::party::Lang;
use crate::web::Site;
use crate::web::form::FORM;
use crate::web::identity::who::{self, Known, Who};
use crate::web::problem::Problem;
use crate::web::static_files;
use crate::work::JobKind;

/// What the browser may load and do on a page of ours.
pub const POLICY: &str = "default-src 'self'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'";

/// What the layout needs of a request.
pub struct Frame {
    /// The language.
    pub t: Lang,
    csrf: String,
    here: String,
    person: Option<(String, String)>,
    nav: Vec<Nav>,
    cookie: Option<Cookie<'static>>,
}

/// One entry of the navigation.
struct Nav {
    label: &'static str,
    href: &'static str,
    current: bool,
}

impl Frame {
    /// The frame of whoever sent a request, as far as a handler found out.
    pub fn of(request: &HttpRequest) -> Frame {
        let known = request.extensions().get::<Who>().cloned();
        known.map_or_else(|| Frame::of_nobody(request), |who| Frame::of_person(&who))
    }

    fn of_person(who: &Known) -> Frame {
        Frame {
            t: who.t,
            csrf: who.session.csrf.clone(),
            here: who.here.clone(),
            person: Some((who.person.name.clone(), who.organisation.clone())),
            nav: nav(who),
            cookie: None,
        }
    }

    fn of_nobody(request: &HttpRequest) -> Frame {
        let known = request
            .cookie(FORM)
            .map(|cookie| cookie.value().to_string())
            .filter(|token| !token.is_empty());
        let csrf = known.clone().unwrap_or_else(|| hex::encode(ambient::random_bytes::<16>()));
        let secure = request.app_data::<web::Data<Site>>().is_some_and(|site| site.secure);
        Frame {
            t: who::language(request, None),
            cookie: known.is_none().then(|| cookie(FORM, csrf.clone(), secure)),
            csrf,
            here: request.uri().path_and_query().map_or("/", |path| path.as_str()).to_string(),
            person: None,
            nav: Vec::new(),
        }
    }
}

/// A cookie that only this site's pages send back and no script reads.
pub fn cookie(name: &'static str, value: String, secure: bool) -> Cookie<'static> {
    Cookie::build(name, value)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(secure)
        .finish()
}

fn nav(who: &Known) -> Vec<Nav> {
    use Permission::{
        Accounts, Conduct, Ledger, OwnConduct, OwnPerformance, OwnPlacements, OwnStatements,
        Performance, Recoveries, Statements,
    };
    let t = who.t;
    let months =
        if who.books_for(Statements, None).is_empty() { t.statements() } else { t.nav_months() };
    let entries: [(&'static str, &'static str, Permission, Option<Permission>); 11] = [
        (t.nav_portfolio(), "/portfolio", Accounts, None),
        (t.nav_accounts(), "/accounts", Accounts, None),
        (t.nav_allocation(), "/allocation", Accounts, None),
        (t.nav_placements(), "/placements", Accounts, Some(OwnPlacements)),
        (t.nav_requests(), "/requests", Accounts, Some(OwnPlacements)),
        (t.nav_recoveries(), "/recoveries", Recoveries, None),
        (t.nav_scorecard(), "/scorecard", Performance, Some(OwnPerformance)),
        (t.nav_contacts(), "/contacts", Conduct, Some(OwnConduct)),
        (t.nav_complaints(), "/complaints", Conduct, Some(OwnConduct)),
        (months, "/months", Statements, Some(OwnStatements)),
        (t.nav_ledger(), "/ledger", Ledger, None),
    ];
    let path = who.here.split('?').next().unwrap_or("/");
    let current = |href: &str| {
        path == href
            || path.starts_with(&format!("{href}/"))
            || (href == "/months" && path.starts_with("/statements/"))
    };
    let shown = entries
        .into_iter()
        .filter(|(_, _, lender, agency)| !who.books_for(*lender, *agency).is_empty());
    let works = JobKind::ALL.iter().any(|kind| {
        let (lender, agency) = kind.permissions();
        !who.books_for(lender, agency).is_empty()
    });
    let jobs = works.then(|| Nav { label: t.jobs(), href: "/jobs", current: current("/jobs") });
    let home = Nav { label: t.nav_home(), href: "/", current: path == "/" };
    [home]
        .into_iter()
        .chain(shown.map(|(label, href, _, _)| Nav { label, href, current: current(href) }))
        .chain(jobs)
        .collect()
}

/// How a state is shown; each has its own mark, so that colour is not needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// Somebody should look.
    Attention,
    /// It does not go on.
    Blocked,
    /// Neither.
    Plain,
}

impl Tone {
    /// The class of the stylesheet.
    pub fn class(self) -> &'static str {
        match self {
            Tone::Good => "good",
            Tone::Attention => "attention",
            Tone::Blocked => "blocked",
            Tone::Plain => "plain",
        }
    }
}

/// A word about a state.
#[derive(Clone, Debug)]
pub struct Chip {
    /// How it is shown.
    pub tone: Tone,
    /// The word.
    pub text: String,
}

impl Chip {
    /// A chip.
    pub fn new(tone: Tone, text: impl Into<String>) -> Chip {
        Chip { tone, text: text.into() }
    }
}

/// One figure of the strip; with a link to the rows that make it where there are some.
pub struct Figure {
    /// What it is.
    pub label: String,
    /// How much.
    pub value: String,
    /// Where its rows are; empty when nowhere.
    pub href: String,
}

impl Figure {
    /// A figure.
    pub fn new(
        label: impl Into<String>,
        value: impl Into<String>,
        href: impl Into<String>,
    ) -> Figure {
        Figure { label: label.into(), value: value.into(), href: href.into() }
    }
}

#[derive(Template)]
#[template(path = "web/layout.html")]
struct Layout<'a> {
    t: Lang,
    frame: &'a Frame,
    stylesheet: &'static str,
    title: &'a str,
    crumbs: &'a [(String, String)],
    chip: &'a Option<Chip>,
    step: &'a Option<(String, String)>,
    tools: &'a [(String, String)],
    body: &'a str,
}

/// A page being put together.
pub struct Page {
    frame: Frame,
    title: String,
    crumbs: Vec<(String, String)>,
    chip: Option<Chip>,
    step: Option<(String, String)>,
    tools: Vec<(String, String)>,
}

impl Page {
    /// A page for somebody signed in.
    pub fn new(who: &Known, title: impl Into<String>) -> Page {
        Page::framed(Frame::of_person(who), title)
    }

    /// A page in a frame.
    pub fn framed(frame: Frame, title: impl Into<String>) -> Page {
        Page {
            frame,
            title: title.into(),
            crumbs: Vec::new(),
            chip: None,
            step: None,
            tools: Vec::new(),
        }
    }

    /// Adds a page above this one.
    pub fn under(mut self, label: impl Into<String>, href: impl Into<String>) -> Page {
        self.crumbs.push((label.into(), href.into()));
        self
    }

    /// Says what state the thing is in.
    pub fn chip(mut self, chip: Chip) -> Page {
        self.chip = Some(chip);
        self
    }

    /// Gives the next step: the one filled button.
    pub fn step(mut self, label: impl Into<String>, href: impl Into<String>) -> Page {
        self.step = Some((label.into(), href.into()));
        self
    }

    /// Adds a plain button.
    pub fn tool(mut self, label: impl Into<String>, href: impl Into<String>) -> Page {
        self.tools.push((label.into(), href.into()));
        self
    }

    /// Draws the page.
    pub fn show(self, body: &impl Template) -> Result<HttpResponse, Problem> {
        self.show_as(StatusCode::OK, body)
    }

    /// Draws the page with a status.
    pub fn show_as(
        self,
        status: StatusCode,
        body: &impl Template,
    ) -> Result<HttpResponse, Problem> {
        let body = body.render()?;
        let layout = Layout {
            t: self.frame.t,
            frame: &self.frame,
            stylesheet: static_files::stylesheet_url(),
            title: &self.title,
            crumbs: &self.crumbs,
            chip: &self.chip,
            step: &self.step,
            tools: &self.tools,
            body: &body,
        };
        let html = layout.render()?;
        let mut answer = HttpResponse::build(status);
        if let Some(cookie) = self.frame.cookie {
            answer.cookie(cookie);
        }
        Ok(answer.content_type("text/html; charset=utf-8").body(html))
    }
}

#[derive(Template)]
#[template(path = "web/problem.html")]
struct ProblemBody<'a> {
    t: Lang,
    message: &'a str,
}

/// The page of a problem.
pub fn problem(
    frame: Frame,
    status: StatusCode,
    title: &str,
    message: &str,
) -> Result<HttpResponse, Problem> {
    let body = ProblemBody { t: frame.t, message };
    Page::framed(frame, title).show_as(status, &body)
}

impl Frame {
    /// The token that the forms of this page carry.
    pub fn csrf(&self) -> &str {
        &self.csrf
    }
}
