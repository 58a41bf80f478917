//! The whole URL table on one screen, and who may see each page.

use std::sync::OnceLock;

use actix_web::dev::ResourceDef;
use actix_web::guard;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};

use crate::identity::Permission::{
    self, Accounts, ActOnConduct, ActOnOwnPlacements, ActOnPlacements, Allocate, CloseMonths,
    Conduct, Ledger, OwnConduct, OwnPerformance, OwnPlacements, OwnStatements, Performance,
    Recoveries, SendOwnContacts, Statements, TakeInPortfolios, TakeInRecoveries,
};
use crate::web::allocation::allocate;
use crate::web::allocation::run_accounts;
use crate::web::allocation::runs as allocation;
use crate::web::allocation::what_if;
use crate::web::conduct::complaint;
use crate::web::conduct::complaints;
use crate::web::conduct::contacts;
use crate::web::home;
use crate::web::identity::password;
use crate::web::identity::sign_in;
use crate::web::identity::who::{
    ActsOnConduct, SendsContacts, TakesInPortfolios, TakesInRecoveries,
};
use crate::web::ledger;
use crate::web::performance::placements as scorecard_placements;
use crate::web::performance::scorecard;
use crate::web::placement::act_page;
use crate::web::placement::expire;
use crate::web::placement::placements;
use crate::web::placement::requests;
use crate::web::portfolio::account;
use crate::web::portfolio::accounts;
use crate::web::portfolio::portfolios as portfolio;
use crate::web::problem::caught;
use crate::web::recovery as recoveries;
use crate::web::settlement::close;
use crate::web::settlement::explain;
use crate::web::settlement::months;
use crate::web::settlement::statement;
use crate::web::static_files;
use crate::web::work::jobs;
use crate::web::work::send;

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

/// How a path is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// For a page or a file; changes nothing.
    Get,
    /// With a form.
    Post,
}

/// What answers at a path.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// How it is asked.
    pub asked: Asked,
    /// Its path.
    pub path: &'static str,
    /// Who it answers; the handler's signature enforces it, a test compares the two.
    pub seen: Seen,
}

macro_rules! routes {
    ($($asked:ident $path:literal, $seen:expr, $handler:path;)*) => {
        /// Every page and every form.
        pub const ROUTES: &[Route] =
            &[$(Route { asked: Asked::$asked, path: $path, seen: $seen }),*];

        /// Puts every page and every form in its place.
        pub fn configure(config: &mut ServiceConfig) {
            $(place(config, $path, guard::$asked(), web::route().to($handler));)*
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
    static KNOWN: OnceLock<Vec<(Asked, ResourceDef)>> = OnceLock::new();
    let known = KNOWN.get_or_init(|| {
        ROUTES.iter().map(|route| (route.asked, ResourceDef::new(route.path))).collect()
    });
    let is_one =
        |asked: Asked| known.iter().any(|(of, known)| *of == asked && known.is_match(path));
    match (is_one(Asked::Get), is_one(Asked::Post)) {
        (true, true) => Some("GET, HEAD, POST"),
        (true, false) => Some("GET, HEAD"),
        (false, true) => Some("POST"),
        (false, false) => None,
    }
}

use Seen::{ByAnybody, SignedIn, With};

routes! {
    Get  "/static/consign.css",                     ByAnybody,                                               static_files::stylesheet;
    Get  "/favicon.ico",                            ByAnybody,                                               static_files::icon;
    Get  "/favicon.svg",                            ByAnybody,                                               static_files::icon;
    Get  "/sign-in",                                ByAnybody,                                               sign_in::show;
    Post "/sign-in",                                ByAnybody,                                               sign_in::sign_in;
    Get  "/",                                       SignedIn,                                                home::show;
    Get  "/password",                               SignedIn,                                                password::show;
    Post "/password",                               SignedIn,                                                password::change;
    Get  "/portfolio",                              With(Accounts, None),                                    portfolio::show;
    Get  "/portfolio/send",                         With(TakeInPortfolios, None),                            send::form::<TakesInPortfolios>;
    Post "/portfolio/send",                         With(TakeInPortfolios, None),                            send::send::<TakesInPortfolios>;
    Get  "/accounts",                               With(Accounts, None),                                    accounts::show;
    Get  "/accounts.csv",                           With(Accounts, None),                                    accounts::download;
    Get  "/accounts/{account_no}",                  With(Accounts, None),                                    account::show;
    Get  "/allocation",                             With(Accounts, None),                                    allocation::list;
    Get  "/allocation/new",                         With(Allocate, None),                                    allocate::form;
    Post "/allocation/new",                         With(Allocate, None),                                    allocate::simulate;
    Get  "/allocation/compare",                     With(Allocate, None),                                    what_if::form;
    Post "/allocation/compare",                     With(Allocate, None),                                    what_if::show;
    Get  "/allocation/{run_no}",                    With(Accounts, None),                                    allocation::show;
    Get  "/allocation/{run_no}/commit",             With(Allocate, None),                                    allocate::confirm;
    Post "/allocation/{run_no}/commit",             With(Allocate, None),                                    allocate::commit;
    Get  "/allocation/{run_no}/strata.csv",         With(Accounts, None),                                    allocation::strata_file;
    Get  "/allocation/{run_no}/accounts",           With(Accounts, None),                                    run_accounts::show;
    Get  "/allocation/{run_no}/accounts.csv",       With(Accounts, None),                                    run_accounts::download;
    Get  "/placements",                             With(Accounts, Some(OwnPlacements)),                     placements::show;
    Get  "/placements.csv",                         With(Accounts, Some(OwnPlacements)),                     placements::download;
    Get  "/placements/act",                         With(ActOnPlacements, Some(ActOnOwnPlacements)),         act_page::show;
    Post "/placements/act",                         With(ActOnPlacements, Some(ActOnOwnPlacements)),         act_page::carry_out;
    Get  "/placements/expire",                      With(ActOnPlacements, None),                             expire::show;
    Post "/placements/expire",                      With(ActOnPlacements, None),                             expire::record;
    Get  "/requests",                               With(Accounts, Some(OwnPlacements)),                     requests::show;
    Get  "/recoveries",                             With(Recoveries, None),                                  recoveries::show;
    Get  "/recoveries/send",                        With(TakeInRecoveries, None),                            send::form::<TakesInRecoveries>;
    Post "/recoveries/send",                        With(TakeInRecoveries, None),                            send::send::<TakesInRecoveries>;
    Get  "/recoveries.csv",                         With(Recoveries, None),                                  recoveries::download;
    Get  "/scorecard",                              With(Performance, Some(OwnPerformance)),                 scorecard::show;
    Get  "/scorecard.csv",                          With(Performance, Some(OwnPerformance)),                 scorecard::download;
    Get  "/scorecard/{assignee}",                   With(Performance, Some(OwnPerformance)),                 scorecard::one;
    Get  "/scorecard/{assignee}/placements",        With(Performance, Some(OwnPerformance)),                 scorecard_placements::show;
    Get  "/scorecard/{assignee}/placements.csv",    With(Performance, Some(OwnPerformance)),                 scorecard_placements::download;
    Get  "/contacts",                               With(Conduct, Some(OwnConduct)),                         contacts::show;
    Get  "/contacts.csv",                           With(Conduct, Some(OwnConduct)),                         contacts::download;
    Get  "/contacts/send",                          With(ActOnConduct, Some(SendOwnContacts)),               send::form::<SendsContacts>;
    Post "/contacts/send",                          With(ActOnConduct, Some(SendOwnContacts)),               send::send::<SendsContacts>;
    Get  "/complaints",                             With(Conduct, Some(OwnConduct)),                         complaints::show;
    Get  "/complaints.csv",                         With(Conduct, Some(OwnConduct)),                         complaints::download;
    Get  "/complaints/send",                        With(ActOnConduct, None),                                send::form::<ActsOnConduct>;
    Post "/complaints/send",                        With(ActOnConduct, None),                                send::send::<ActsOnConduct>;
    Get  "/complaints/add",                         With(ActOnConduct, None),                                complaint::form;
    Post "/complaints/add",                         With(ActOnConduct, None),                                complaint::add;
    Get  "/complaints/case/{reference}",            With(Conduct, Some(OwnConduct)),                         complaint::show;
    Post "/complaints/case/{reference}",            With(ActOnConduct, None),                                complaint::decide;
    Get  "/months",                                 With(Statements, Some(OwnStatements)),                   months::show;
    Get  "/months/close",                           With(CloseMonths, None),                                 close::form;
    Post "/months/close",                           With(CloseMonths, None),                                 close::close;
    Get  "/statements/{statement_no}.csv",          With(Statements, Some(OwnStatements)),                   statement::csv;
    Get  "/statements/{statement_no}.json",         With(Statements, Some(OwnStatements)),                   statement::json;
    Get  "/statements/{statement_no}",              With(Statements, Some(OwnStatements)),                   statement::show;
    Get  "/statements/{statement_no}/document",     With(Statements, Some(OwnStatements)),                   statement::document;
    Get  "/statements/{statement_no}/lines/{line_no}", With(Statements, Some(OwnStatements)),                   explain::show;
    Get  "/jobs",                                   SignedIn,                                                jobs::show;
    Get  "/jobs/{job}",                             SignedIn,                                                jobs::one;
    Get  "/jobs/{job}/rejects.csv",                 SignedIn,                                                jobs::rejects;
    Post "/jobs/{job}/cancel",                      SignedIn,                                                jobs::cancel;
    Get  "/ledger",                                 With(Ledger, None),                                      ledger::show;
    Get  "/ledger/accounts/{account}",              With(Ledger, None),                                      ledger::account;
    Get  "/ledger/transactions/{number}",           With(Ledger, None),                                      ledger::transaction;
    Post "/sign-out",                               ByAnybody,                                               sign_in::sign_out;
    Post "/language",                               ByAnybody,                                               sign_in::language;
}
