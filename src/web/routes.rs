//! The whole URL table on one screen, and who may see each page.

use std::sync::OnceLock;

use actix_web::dev::ResourceDef;
use actix_web::guard;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};

use crate::identity::Permission::{
    self, Accounts, ActOnConduct, ActOnOwnPlacements, ActOnPlacements, Allocate, Conduct, Ledger,
    OwnConduct, OwnPerformance, OwnPlacements, OwnStatements, Performance, Recoveries,
    SendOwnContacts, Statements,
};
use crate::web::allocation::allocate;
use crate::web::allocation::run_accounts;
use crate::web::allocation::runs as allocation;
use crate::web::allocation::what_if;
use crate::web::conduct::complaint;
use crate::web::conduct::complaints;
use crate::web::conduct::contact_file;
use crate::web::conduct::contacts;
use crate::web::home;
use crate::web::identity::password;
use crate::web::identity::sign_in;
use crate::web::ledger;
use crate::web::performance::placements as scorecard_placements;
use crate::web::performance::scorecard;
use crate::web::placement::act;
use crate::web::placement::expire;
use crate::web::placement::placements;
use crate::web::placement::requests;
use crate::web::portfolio::account;
use crate::web::portfolio::accounts;
use crate::web::portfolio::portfolios as portfolio;
use crate::web::problem::caught;
use crate::web::recovery as recoveries;
use crate::web::settlement::explain;
use crate::web::settlement::months;
use crate::web::settlement::statement;
use crate::web::static_files;

/// Who sees a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Anybody.
    ByAnybody,
    /// Anybody who is signed in.
    SignedIn,
    /// People of a lender with the first permission; people of an agency with the second, for what is their own.
    With(Permission, Option<Permission>),
}

/// A page that answers GET.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// Its path.
    pub path: &'static str,
    /// Who sees it; the handler's signature enforces it, a test compares the two.
    pub seen: Seen,
}

macro_rules! routes {
    ($($path:literal, $seen:expr, $handler:path;)*) => {
        /// Every page that answers GET.
        pub const ROUTES: &[Route] = &[$(Route { path: $path, seen: $seen }),*];

        fn pages(config: &mut ServiceConfig) {
            $(place(config, $path, guard::Get(), web::route().to($handler));)*
        }
    };
}

macro_rules! forms {
    ($($path:literal, $handler:path;)*) => {
        /// Every path that takes a form.
        pub const FORMS: &[&str] = &[$($path),*];

        fn forms(config: &mut ServiceConfig) {
            $(place(config, $path, guard::Post(), web::route().to($handler));)*
        }
    };
}

/// Puts a handler at a path, for one method, with a net under it.
fn place(
    config: &mut ServiceConfig,
    path: &str,
    method: impl guard::Guard + 'static,
    handler: actix_web::Route,
) {
    config.service(web::resource(path).guard(method).wrap(from_fn(caught::<_>)).route(handler));
}

/// What a path that exists takes, for whoever asks it for something else.
pub fn methods_of(path: &str) -> Option<&'static str> {
    static PAGES: OnceLock<Vec<ResourceDef>> = OnceLock::new();
    static TAKEN: OnceLock<Vec<ResourceDef>> = OnceLock::new();
    let pages =
        PAGES.get_or_init(|| ROUTES.iter().map(|route| ResourceDef::new(route.path)).collect());
    let forms = TAKEN.get_or_init(|| FORMS.iter().map(|path| ResourceDef::new(*path)).collect());
    let is_one = |known: &[ResourceDef]| known.iter().any(|known| known.is_match(path));
    match (is_one(pages), is_one(forms)) {
        (true, true) => Some("GET, HEAD, POST"),
        (true, false) => Some("GET, HEAD"),
        (false, true) => Some("POST"),
        (false, false) => None,
    }
}

use Seen::{ByAnybody, SignedIn, With};

routes! {
    "/static/consign.css",                  ByAnybody,                              static_files::stylesheet;
    "/favicon.ico",                         ByAnybody,                              static_files::icon;
    "/favicon.svg",                         ByAnybody,                              static_files::icon;
    "/sign-in",                             ByAnybody,                              sign_in::show;
    "/",                                    SignedIn,                               home::show;
    "/password",                            SignedIn,                               password::show;
    "/portfolio",                           With(Accounts, None),                   portfolio::show;
    "/accounts",                            With(Accounts, None),                   accounts::show;
    "/accounts.csv",                        With(Accounts, None),                   accounts::download;
    "/accounts/{account_no}",               With(Accounts, None),                   account::show;
    "/allocation",                          With(Accounts, None),                   allocation::list;
    "/allocation/new",                      With(Allocate, None),                   allocate::form;
    "/allocation/compare",                  With(Allocate, None),                   what_if::form;
    "/allocation/{run_no}",                 With(Accounts, None),                   allocation::show;
    "/allocation/{run_no}/commit",          With(Allocate, None),                   allocate::confirm;
    "/allocation/{run_no}/strata.csv",      With(Accounts, None),                   allocation::strata_file;
    "/allocation/{run_no}/accounts",        With(Accounts, None),                   run_accounts::show;
    "/allocation/{run_no}/accounts.csv",    With(Accounts, None),                   run_accounts::download;
    "/placements",                          With(Accounts, Some(OwnPlacements)),    placements::show;
    "/placements.csv",                      With(Accounts, Some(OwnPlacements)),    placements::download;
    "/placements/act",                      With(ActOnPlacements, Some(ActOnOwnPlacements)), act::show;
    "/placements/expire",                   With(ActOnPlacements, None),            expire::show;
    "/requests",                            With(Accounts, Some(OwnPlacements)),    requests::show;
    "/recoveries",                          With(Recoveries, None),                 recoveries::show;
    "/recoveries.csv",                      With(Recoveries, None),                 recoveries::download;
    "/scorecard",                           With(Performance, Some(OwnPerformance)), scorecard::show;
    "/scorecard.csv",                       With(Performance, Some(OwnPerformance)), scorecard::download;
    "/scorecard/{assignee}",                With(Performance, Some(OwnPerformance)), scorecard::one;
    "/scorecard/{assignee}/placements",     With(Performance, Some(OwnPerformance)), scorecard_placements::show;
    "/scorecard/{assignee}/placements.csv", With(Performance, Some(OwnPerformance)), scorecard_placements::download;
    "/contacts",                            With(Conduct, Some(OwnConduct)),        contacts::show;
    "/contacts.csv",                        With(Conduct, Some(OwnConduct)),        contacts::download;
    "/contacts/send",                       With(ActOnConduct, Some(SendOwnContacts)), contact_file::form;
    "/complaints",                          With(Conduct, Some(OwnConduct)),        complaints::show;
    "/complaints.csv",                      With(Conduct, Some(OwnConduct)),        complaints::download;
    "/complaints/add",                      With(ActOnConduct, None),               complaint::form;
    "/complaints/case/{reference}",         With(Conduct, Some(OwnConduct)),        complaint::show;
    "/months",                              With(Statements, Some(OwnStatements)),  months::show;
    "/statements/{statement_no}.csv",       With(Statements, Some(OwnStatements)),  statement::csv;
    "/statements/{statement_no}.json",      With(Statements, Some(OwnStatements)),  statement::json;
    "/statements/{statement_no}",           With(Statements, Some(OwnStatements)),  statement::show;
    "/statements/{statement_no}/document",  With(Statements, Some(OwnStatements)),  statement::document;
    "/statements/{statement_no}/lines/{line_no}", With(Statements, Some(OwnStatements)), explain::show;
    "/ledger",                              With(Ledger, None),                     ledger::show;
    "/ledger/accounts/{account}",           With(Ledger, None),                     ledger::account;
    "/ledger/transactions/{number}",        With(Ledger, None),                     ledger::transaction;
}

forms! {
    "/allocation/compare",          what_if::show;
    "/allocation/new",              allocate::simulate;
    "/allocation/{run_no}/commit",  allocate::commit;
    "/contacts/send",               contact_file::send;
    "/complaints/add",              complaint::add;
    "/complaints/case/{reference}", complaint::decide;
    "/password",                    password::change;
    "/sign-in",                     sign_in::sign_in;
    "/placements/act",              act::carry_out;
    "/placements/expire",           expire::record;
    "/sign-out",                    sign_in::sign_out;
    "/language",                    sign_in::language;
}

/// Puts every page and every form in its place.
pub fn configure(config: &mut ServiceConfig) {
    pages(config);
    forms(config);
}
