//! Forms that are carried out once: each carries a key, and the page it comes back to tells what became of it.

use crate::db::Db;
use crate::identity::form_store;
use crate::web::identity::who::Book;
use crate::web::problem::Problem;

/// Whether a text can be the key of a form.
pub(in crate::web) fn is_key(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// A page with the key of the form it shall tell of.
pub(in crate::web) fn told_at(page: &str, key: &str) -> String {
    let (path, query) = page.split_once('?').unwrap_or((page, ""));
    let kept: Vec<&str> =
        query.split('&').filter(|part| !part.is_empty() && !part.starts_with("done=")).collect();
    let joint = if kept.is_empty() { String::new() } else { format!("{}&", kept.join("&")) };
    format!("{path}?{joint}done={key}")
}

/// What became of the form whose key a page carries.
pub(in crate::web) fn told(
    db: &mut Db,
    book: &Book,
    login: &str,
    key: &str,
) -> Result<Option<String>, Problem> {
    if key.is_empty() {
        return Ok(None);
    }
    Ok(form_store::outcome(db, &book.lender.code, login, key)?)
}
