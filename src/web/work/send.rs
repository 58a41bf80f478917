//! Files that are sent to be taken in: one form for every kind, for whoever may send it. Each becomes a job.

use actix_multipart::form::tempfile::TempFile;
use actix_multipart::form::text::Text;
use actix_multipart::form::{MultipartForm, MultipartFormConfig};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::intake::IntakeError;
use crate::kernel::calendar::parse_date;
use crate::party::{self, Lang};
use crate::web::Site;
use crate::web::form;
use crate::web::identity::who::{
    ActsOnConduct, Right, Sees, SendsContacts, TakesInPortfolios, TakesInRecoveries,
};
use crate::web::link::Link;
use crate::web::list::Choice;
use crate::web::page::Page;
use crate::web::problem::Problem;
use crate::web::work::ask::{ask, new_key};
use crate::web::work::jobs::{job_link, to};
use crate::work::{Declared, JobKind, Order};

/// The largest file: about half a million contacts.
pub(in crate::web) const LARGEST_FILE: usize = 64 * 1024 * 1024;

/// How much may be sent at once.
pub(in crate::web) fn limits() -> MultipartFormConfig {
    let config = MultipartFormConfig::default()
        .total_limit(LARGEST_FILE + 64 * 1024)
        .memory_limit(256 * 1024);
    config.error_handler(|error, _| Problem::from(error).into())
}

/// Who sends a kind of file.
pub(in crate::web) trait Sends: Right {
    /// The kind of job that takes it in.
    const KIND: JobKind;
    /// Where the form is.
    const PATH: &'static str;
    /// The list of what such files bring.
    const LIST: &'static str;
}

impl Sends for TakesInPortfolios {
    const KIND: JobKind = JobKind::ImportPortfolio;
    const PATH: &'static str = "/portfolio/send";
    const LIST: &'static str = "/portfolio";
}

impl Sends for TakesInRecoveries {
    const KIND: JobKind = JobKind::ImportRecoveries;
    const PATH: &'static str = "/recoveries/send";
    const LIST: &'static str = "/recoveries";
}

impl Sends for SendsContacts {
    const KIND: JobKind = JobKind::ImportContacts;
    const PATH: &'static str = "/contacts/send";
    const LIST: &'static str = "/contacts";
}

impl Sends for ActsOnConduct {
    const KIND: JobKind = JobKind::ImportComplaints;
    const PATH: &'static str = "/complaints/send";
    const LIST: &'static str = "/complaints";
}

/// Where files of a kind are sent, and the list of what they bring.
pub fn places(kind: JobKind) -> Option<(&'static str, &'static str)> {
    match kind {
        JobKind::ImportPortfolio => Some((TakesInPortfolios::PATH, TakesInPortfolios::LIST)),
        JobKind::ImportRecoveries => Some((TakesInRecoveries::PATH, TakesInRecoveries::LIST)),
        JobKind::ImportContacts => Some((SendsContacts::PATH, SendsContacts::LIST)),
        JobKind::ImportComplaints => Some((ActsOnConduct::PATH, ActsOnConduct::LIST)),
        _ => None,
    }
}

/// What is sent. The file lies on disk and goes when it is sealed.
#[derive(MultipartForm)]
pub(in crate::web) struct Sent {
    csrf: Text<String>,
    key: Option<Text<String>>,
    agency: Option<Text<String>>,
    as_of: Option<Text<String>>,
    rows: Option<Text<String>>,
    total: Option<Text<String>>,
    whole: Option<Text<String>>,
    file: TempFile,
}

/// What is typed beside the file.
#[derive(Clone, Default)]
struct Typed {
    agency: String,
    as_of: String,
    rows: String,
    total: String,
    whole: bool,
}

#[derive(Template)]
#[template(path = "web/send_file.html")]
struct Body {
    t: Lang,
    csrf: String,
    key: String,
    action: String,
    help: &'static str,
    /// Whose contacts they may be, when the form must say.
    agencies: Vec<Choice>,
    /// Whether the file is of a day.
    dated: bool,
    /// Whether its amounts have a sum.
    summed: bool,
    typed: Typed,
    fault: Option<String>,
}

pub(in crate::web) async fn form<R: Sends>(
    site: web::Data<Site>,
    sees: Sees<R>,
) -> Result<HttpResponse, Problem> {
    draw(&site, &sees, Typed::default(), None).await
}

pub(in crate::web) async fn send<R: Sends>(
    site: web::Data<Site>,
    request: HttpRequest,
    sees: Sees<R>,
    sent: MultipartForm<Sent>,
) -> Result<HttpResponse, Problem> {
    let sent = sent.into_inner();
    form::check(&request, Some(&sees.who.session.csrf), Some(&sent.csrf))?;
    let text = |field: Option<Text<String>>| field.map(Text::into_inner).unwrap_or_default();
    let mut typed = Typed {
        agency: text(sent.agency),
        as_of: text(sent.as_of),
        rows: text(sent.rows),
        total: text(sent.total),
        whole: sent.whole.is_some(),
    };
    if [&typed.agency, &typed.as_of, &typed.rows, &typed.total]
        .iter()
        .any(|text| text.contains('\0'))
    {
        return Err(Problem::Nul);
    }
    // An agency sends its own, whatever the form says.
    typed.agency = sees.book.agency.clone().unwrap_or(typed.agency);
    let name = file_name(sent.file.file_name.as_deref().unwrap_or_default(), R::KIND);
    let order = match order(&site, &sees, &typed, name).await? {
        Ok(order) => order,
        Err(fault) => return draw(&site, &sees, typed, Some(fault)).await,
    };
    let key = sent.key.map_or_else(new_key, Text::into_inner);
    let lender = &sees.book.lender.code;
    let job = ask(&site, &sees.who, lender, &key, &order, Some(sent.file)).await?;
    Ok(to(job_link(&job).with("watch", "1").url()))
}

/// What a form asks for, or why it cannot.
async fn order<R: Sends>(
    site: &Site,
    sees: &Sees<R>,
    typed: &Typed,
    file: String,
) -> Result<Result<Order, String>, Problem> {
    let t = sees.who.t;
    if site.key.is_none() {
        return Ok(Err(t.no_key_for_files().to_string()));
    }
    let rows = match typed.rows.trim() {
        "" => None,
        text => match text.parse() {
            Ok(rows) => Some(rows),
            Err(_) => return Ok(Err(format!("{} \"{text}\"", t.refused_rows()))),
        },
    };
    let total = Some(typed.total.trim().to_string()).filter(|total| !total.is_empty());
    let declared = Declared { rows, total, whole: typed.whole };
    Ok(Ok(match R::KIND {
        JobKind::ImportPortfolio => match parse_date(typed.as_of.trim()) {
            Some(as_of) => Order::ImportPortfolio { file, as_of, declared },
            None => return Ok(Err(format!("{} \"{}\"", t.refused_day(), typed.as_of))),
        },
        JobKind::ImportRecoveries => Order::ImportRecoveries { file, declared },
        JobKind::ImportContacts => {
            let (lender, agency) = (sees.book.lender.code.clone(), typed.agency.clone());
            let known = site.read(move |db| Ok(party::store::assignees(db, &lender)?)).await?;
            if !known.iter().any(|one| one.code == agency) {
                return Ok(Err(IntakeError::NoAssignee(agency).words(t)));
            }
            Order::ImportContacts { file, agency, own: sees.book.agency.is_some(), declared }
        }
        _ => Order::ImportComplaints { file, declared },
    }))
}

async fn draw<R: Sends>(
    site: &Site,
    sees: &Sees<R>,
    typed: Typed,
    fault: Option<String>,
) -> Result<HttpResponse, Problem> {
    let (t, lender) = (sees.who.t, sees.book.lender.code.clone());
    let named = R::KIND == JobKind::ImportContacts && sees.book.agency.is_none();
    let assignees = site.read(move |db| Ok(party::store::assignees(db, &lender)?)).await?;
    let choice = |one: &party::Assignee| {
        Choice::new(&one.code, format!("{} {}", one.code, one.name), &typed.agency)
    };
    let status = if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let (title, list, help) = words(t, R::KIND);
    let body = Body {
        t,
        csrf: sees.who.session.csrf.clone(),
        key: new_key(),
        action: Link::to(R::PATH).with("lender", &sees.book.lender.code).url(),
        help,
        agencies: if named { assignees.iter().map(choice).collect() } else { Vec::new() },
        dated: R::KIND == JobKind::ImportPortfolio,
        summed: matches!(R::KIND, JobKind::ImportPortfolio | JobKind::ImportRecoveries),
        typed,
        fault,
    };
    Page::new(&sees.who, title).under(list, R::LIST).show_as(status, &body)
}

/// The title of the form, the list it stands under, and what files of the kind need.
fn words(t: Lang, kind: JobKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        JobKind::ImportPortfolio => {
            (t.send_portfolio(), t.nav_portfolio(), t.portfolio_file_help())
        }
        JobKind::ImportRecoveries => {
            (t.send_recoveries(), t.nav_recoveries(), t.recoveries_file_help())
        }
        JobKind::ImportContacts => (t.send_contacts(), t.nav_contacts(), t.contact_file_help()),
        _ => (t.send_complaints(), t.nav_complaints(), t.complaints_file_help()),
    }
}

/// Bytes of a name that every file system takes, whatever the letters.
const LONGEST_NAME: usize = 200;

/// The last part of a name as a browser sends it, and nothing that a path could be made of. What is too long loses the end
/// of its stem, not its ending.
fn file_name(sent: &str, kind: JobKind) -> String {
    let last = sent.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ' '))
        .collect();
    let name = kept.trim_matches(['.', ' ']);
    let ending = name.rfind('.').map_or("", |dot| &name[dot..]);
    let ending = if ending.len() <= 10 { ending } else { "" };
    let mut stem = name.len() - ending.len();
    if name.len() > LONGEST_NAME {
        stem = (0..=LONGEST_NAME - ending.len())
            .rev()
            .find(|at| name.is_char_boundary(*at))
            .unwrap_or(0);
    }
    match format!("{}{ending}", &name[..stem]) {
        name if name.is_empty() => {
            format!("{}.csv", kind.name().trim_start_matches("import_"))
        }
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_path() {
        let names = [
            ("C:\\Users\\wang\\外呼记录 11月.xlsx", "外呼记录 11月.xlsx"),
            ("../../etc/passwd", "passwd"),
            ("..", "contacts.csv"),
            ("", "contacts.csv"),
            ("a\0b.csv", "ab.csv"),
        ];
        let name = |sent: &str| file_name(sent, JobKind::ImportContacts);
        names.iter().for_each(|(sent, kept)| assert_eq!(name(sent), *kept));
        let long = name(&format!("{}.xlsx", "催".repeat(300)));
        assert!(long.len() <= LONGEST_NAME && long.ends_with("催.xlsx"), "{long}");
    }
}
