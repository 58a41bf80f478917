//! Asking for a job: the form's row is written, and the answer waits a moment for its end.

use std::time::Duration;

use actix_multipart::form::tempfile::TempFile;
use actix_web::{rt, web};

use crate::ambient;
use crate::db::Trouble;
use crate::web::Site;
use crate::web::identity::who::Known;
use crate::web::problem::Problem;
use crate::work::store;
use crate::work::{self, FileError, Job, Order, Sent};

/// How often, and how many times, a form looks whether its job is over before it shows how far it is.
const LOOK: Duration = Duration::from_millis(40);
const LOOKS: usize = 60;

/// The key of a new form.
pub fn new_key() -> String {
    hex::encode(ambient::random_bytes::<16>())
}

/// Makes a job of a form, once however often it is sent, and waits a moment for its end.
pub async fn ask(
    site: &web::Data<Site>,
    who: &Known,
    lender: &str,
    form_key: &str,
    order: &Order,
    file: Option<TempFile>,
) -> Result<Job, Problem> {
    if form_key.len() < 16 || form_key.len() > 64 {
        return Err(Problem::Forged);
    }
    let job = Job::new(lender, &who.person, &who.source, form_key, order)
        .map_err(|error| Problem::Ours(error.to_string()))?;
    let (key, kind) = (site.key.clone(), job.kind);
    let asked = site.change(move |db| {
        let mut file = file;
        let sent = file.as_mut().map(|sent| &mut sent.file as &mut dyn Sent);
        work::ask(db, job, key.as_ref(), sent).map_err(not_kept)
    });
    let asked = asked.await?;
    if asked.kind != kind {
        return Err(Problem::Forged);
    }
    site.works.call();
    let mut now = asked;
    for _ in 0..LOOKS {
        if now.status.is_over() {
            break;
        }
        rt::time::sleep(LOOK).await;
        let (lender, id) = (now.lender.clone(), now.id.clone());
        let found = site.read(move |db| Ok(store::job(db, &lender, &id)?)).await?;
        now = found.ok_or(Problem::NotFound)?;
    }
    Ok(now)
}

/// Why a file of a job is not kept or read.
pub fn not_kept(error: FileError) -> Problem {
    match error {
        FileError::Db(error) => error.into(),
        FileError::Io(error) => Problem::Trouble(Trouble::of_io(&error)),
        FileError::Sealed => Problem::Ours(error.to_string()),
    }
}
