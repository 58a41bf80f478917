//! Files of contact records, sent by whoever made them: an agency's people for the agency, a lender's for one of its own.

use actix_multipart::form::tempfile::TempFile;
use actix_multipart::form::text::Text;
use actix_multipart::form::{MultipartForm, MultipartFormConfig};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::audit::By;
use crate::conduct::contacts::{Contacts, Sender, Totals};
use crate::db::{Db, Trouble};
use crate::intake::{self, IntakeError, Options, Report};
use crate::kernel::progress::Silent;
use crate::party::{self, Lang};
use crate::sheet::Fault;
use crate::web::Site;
use crate::web::form;
use crate::web::identity::who::{Sees, SendsContacts};
use crate::web::link::Link;
use crate::web::list::{self, Choice};
use crate::web::page::{Figure, Page};
use crate::web::problem::Problem;

/// The largest file: about half a million contacts.
pub(in crate::web) const LARGEST_FILE: usize = 64 * 1024 * 1024;

/// How much may be sent at once.
pub(in crate::web) fn limits() -> MultipartFormConfig {
    let config = MultipartFormConfig::default()
        .total_limit(LARGEST_FILE + 64 * 1024)
        .memory_limit(256 * 1024);
    config.error_handler(|error, _| Problem::from(error).into())
}

/// What is sent. The file lies on disk and goes when it has been read.
#[derive(MultipartForm)]
pub(in crate::web) struct Sent {
    csrf: Text<String>,
    agency: Option<Text<String>>,
    file: TempFile,
}

#[derive(Template)]
#[template(path = "web/contact_file.html")]
struct Body {
    t: Lang,
    csrf: String,
    action: String,
    own: bool,
    agencies: Vec<Choice>,
    fault: Option<String>,
    done: Option<Done>,
}

/// What came of a file.
struct Done {
    words: String,
    figures: Vec<Figure>,
    faults: Vec<FaultShown>,
    warnings: Vec<String>,
}

/// A rejected row.
struct FaultShown {
    line: u64,
    column: String,
    value: String,
    reason: String,
}

impl FaultShown {
    fn of(t: Lang, fault: Fault) -> FaultShown {
        let reason = fault.reason.words(t);
        FaultShown { line: fault.line, column: fault.column, value: fault.value, reason }
    }
}

pub(in crate::web) async fn form(
    site: web::Data<Site>,
    sees: Sees<SendsContacts>,
) -> Result<HttpResponse, Problem> {
    draw(&site, &sees, StatusCode::OK, "", Ok(None)).await
}

pub(in crate::web) async fn send(
    site: web::Data<Site>,
    request: HttpRequest,
    sees: Sees<SendsContacts>,
    sent: MultipartForm<Sent>,
) -> Result<HttpResponse, Problem> {
    let sent = sent.into_inner();
    form::check(&request, Some(&sees.who.session.csrf), Some(&sent.csrf))?;
    // An agency sends its own, whatever the form says.
    let named = sent.agency.map(|agency| agency.into_inner()).unwrap_or_default();
    if named.contains('\0') {
        return Err(Problem::Nul);
    }
    let agency = sees.book.agency.clone().unwrap_or(named);
    let (t, lender, by, key) =
        (sees.who.t, sees.book.lender.code.clone(), sees.who.by(), site.key.clone());
    let name = file_name(sent.file.file_name.as_deref().unwrap_or_default());
    let sender = if sees.book.agency.is_some() { Sender::Agency } else { Sender::Lender };
    let (code, file) = (agency.clone(), sent.file);
    let taken = site.change(move |db| {
        let kind = Contacts::of(&code, sender, key.as_ref());
        take_in(db, t, &lender, kind, file, &name, &by)
    });
    match taken.await? {
        Ok(done) => draw(&site, &sees, StatusCode::OK, &agency, Ok(Some(shown(t, done)))).await,
        Err(refused) => {
            draw(&site, &sees, StatusCode::UNPROCESSABLE_ENTITY, &agency, Err(refused)).await
        }
    }
}

/// Takes the file in under the name it was sent with, so that a refusal names it; what is our fault is no refusal.
fn take_in(
    db: &mut Db,
    t: Lang,
    lender: &str,
    kind: Contacts<'_>,
    file: TempFile,
    name: &str,
    by: &By,
) -> Result<Result<Report<Totals>, String>, Problem> {
    let failed = |error: &std::io::Error| Problem::Trouble(Trouble::of_io(error));
    let folder = tempfile::tempdir().map_err(|error| failed(&error))?;
    let path = folder.path().join(name);
    file.file.persist(&path).map_err(|error| failed(&error.error))?;
    match intake::take_in(db, lender, &path, kind, &Options::default(), by, &mut Silent) {
        Ok(done) => Ok(Ok(done)),
        Err(IntakeError::Db(error)) => Err(error.into()),
        Err(refused) => {
            Ok(Err(refused.words(t).replace(&format!("{}/", folder.path().display()), "")))
        }
    }
}

/// Bytes of a name that every file system takes, whatever the letters.
const LONGEST_NAME: usize = 200;

/// The last part of a name as a browser sends it, and nothing that a path could be made of. What is too long loses the end
/// of its stem, not its ending.
fn file_name(sent: &str) -> String {
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
        name if name.is_empty() => "contacts.csv".to_string(),
        name => name,
    }
}

fn shown(t: Lang, done: Report<Totals>) -> Done {
    let count = |number: u64| list::count(crate::kernel::count(number as usize));
    let figures = vec![
        Figure::new(t.file_data_rows(), count(done.rows), ""),
        Figure::new(t.file_accepted(), count(done.accepted), ""),
        Figure::new(t.file_duplicate(), count(done.duplicate), ""),
        Figure::new(t.file_rejected(), count(done.rejected), ""),
    ];
    let words = match (done.already_imported, done.rejected) {
        (true, _) => t.file_known(),
        (false, 0) => t.file_done(),
        _ => t.file_in_part(),
    };
    let faults = done.faults.into_iter().map(|fault| FaultShown::of(t, fault)).collect();
    Done { words: words.to_string(), figures, faults, warnings: done.warnings }
}

async fn draw(
    site: &Site,
    sees: &Sees<SendsContacts>,
    status: StatusCode,
    agency: &str,
    outcome: Result<Option<Done>, String>,
) -> Result<HttpResponse, Problem> {
    let (t, lender) = (sees.who.t, sees.book.lender.code.clone());
    let assignees = site.read(move |db| Ok(party::store::assignees(db, &lender)?)).await?;
    let (done, fault) = outcome.map_or_else(|fault| (None, Some(fault)), |done| (done, None));
    let body = Body {
        t,
        csrf: sees.who.session.csrf.clone(),
        action: Link::to("/contacts/send").with("lender", &sees.book.lender.code).url(),
        own: sees.book.agency.is_some(),
        agencies: assignees
            .iter()
            .map(|one| Choice::new(&one.code, format!("{} {}", one.code, one.name), agency))
            .collect(),
        fault,
        done,
    };
    Page::new(&sees.who, t.send_contacts())
        .under(t.nav_contacts(), "/contacts")
        .show_as(status, &body)
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
        names.iter().for_each(|(sent, kept)| assert_eq!(file_name(sent), *kept));
        let long = file_name(&format!("{}.xlsx", "催".repeat(300)));
        assert!(long.len() <= LONGEST_NAME && long.ends_with("催.xlsx"), "{long}");
    }
}
