//! The whole URL table on one screen, and who may see each page.

use actix_web::web::{self, ServiceConfig, get, post};

use super::{
    account, accounts, act, allocate, allocation, complaint, complaints, contact_file, contacts,
    expire, explain, home, ledger, months, placements, portfolio, recoveries, requests,
    run_accounts, scorecard, scorecard_placements, sign_in, statement, static_files, what_if,
};
use crate::identity::Permission::{
    self, Accounts, ActOnConduct, ActOnOwnPlacements, ActOnPlacements, Allocate, Conduct, Ledger,
    OwnConduct, OwnPerformance, OwnPlacements, OwnStatements, Performance, Recoveries,
    SendOwnContacts, Statements,
};

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
            $(config.route($path, get().to($handler));)*
        }
    };
}

use Seen::{ByAnybody, SignedIn, With};

routes! {
    "/static/consign.css",                  ByAnybody,                              static_files::stylesheet;
    "/favicon.svg",                         ByAnybody,                              static_files::icon;
    "/sign-in",                             ByAnybody,                              sign_in::show;
    "/",                                    SignedIn,                               home::show;
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

/// Puts every page and every form in its place.
pub fn configure(config: &mut ServiceConfig) {
    pages(config);
    config
        .route("/allocation/compare", post().to(what_if::show))
        .route("/allocation/new", post().to(allocate::simulate))
        .route("/allocation/{run_no}/commit", post().to(allocate::commit))
        .route("/contacts/send", post().to(contact_file::send))
        .route("/complaints/add", post().to(complaint::add))
        .route("/complaints/case/{reference}", post().to(complaint::decide))
        .route("/sign-in", post().to(sign_in::sign_in))
        .route("/placements/act", post().to(act::carry_out))
        .route("/placements/expire", post().to(expire::record))
        .route("/sign-out", post().to(sign_in::sign_out))
        .route("/language", web::post().to(sign_in::language));
}
